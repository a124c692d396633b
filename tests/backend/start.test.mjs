/**
 * What `npm start` runs, as one: sign-in, functions and database at one address. Who may use the sign-in and who may not;
 * streams and aborts through it; restarts; every process of it killed; a database that is somebody's own; the program itself.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { Agent, createServer, request as httpRequest } from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import postgres from 'postgres';

import { startBackend } from '../../web/backend/embedded/backend.mjs';
import { cacheEnvironment, denoBinary, denoFlags } from '../../web/backend/embedded/functions.mjs';
import { people } from '../../web/backend/embedded/people.mjs';
import { createSignIn } from '../../web/backend/embedded/sign-in.mjs';
import { listen } from '../servers/loopback.mjs';
import { kinds, newDatabase, startServer, temporaryFolder } from './servers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const demo = 'http://127.0.0.1:5173';
const isLinux = process.platform === 'linux';
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(condition, what, ms = 30_000) {
  for (const limit = Date.now() + ms; !(await condition());) {
    if (Date.now() > limit) assert.fail(`waited in vain for ${what}`);
    await sleep(25);
  }
}

/** `call('auth/v1/user', { token, body, headers })` of the backend given: `{ status, headers, value }`. */
const caller =
  (of) =>
  async (place, { token, body, method, headers = {} } = {}) => {
    const response = await fetch(`${of().url}/${place}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, value: text === '' ? undefined : JSON.parse(text) };
  };
const signer =
  (call) =>
  async (email, password = 'development') =>
    (await call('auth/v1/token?grant_type=password', { body: { email, password } })).value;

describe('at one address', () => {
  let folder;
  let remove;
  let space;
  let backend;
  const seen = [];
  const notes = [];
  const call = caller(() => backend);
  const signIn = signer(call);
  const start = (more = {}) =>
    startBackend({
      port: 0,
      folder,
      origins: [demo],
      spaceHosts: [space.origin],
      env: {},
      onNote: (text) => notes.push(text),
      ...more,
    });

  before(async () => {
    ({ folder, remove } = temporaryFolder());
    // A Space that sends one part, and the next when the test says so.
    space = await listen((request, response) => {
      const exchange = { key: request.headers.authorization, left: false, response };
      seen.push(exchange);
      response.once('close', () => (exchange.left = !response.writableFinished));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    backend = await start();
    await backend.useSpaces({ base: space.origin });
  });
  after(async () => {
    await backend?.stop();
    await space?.close();
    remove?.();
  });

  for (const { email, id, name, role, company } of people)
    test(`${name} signs in: ${role} of ${company.name}`, async () => {
      const session = await signIn(email);
      assert.deepEqual(Object.keys(session).sort(), [
        'access_token',
        'expires_at',
        'expires_in',
        'refresh_token',
        'token_type',
        'user',
      ]);
      assert.equal(session.expires_in, 3600);
      assert.ok(Math.abs(session.expires_at - Date.now() / 1000 - 3600) < 5);
      assert.deepEqual([session.user.id, session.user.email, session.user.user_metadata.name], [id, email, name]);
      const user = await call('auth/v1/user', { token: session.access_token });
      assert.deepEqual([user.status, user.value], [200, session.user]);
      const { status, value } = await call('functions/v1/config/company', { token: session.access_token });
      assert.deepEqual(
        [status, value.id, value.name, value.role, value.retentionDays],
        [200, company.id, company.name, role, 365],
      );
      const listed = await call('functions/v1/config/flags', { token: session.access_token });
      assert.equal(listed.status, role === 'admin' ? 200 : 403);
    });

  test('who they are is said without their ids and with their password', () => {
    assert.deepEqual(
      backend.people.map(({ email, password, name, role, company }) => [email, password, name, role, company]),
      [
        ['ada@acme.example', 'development', 'Ada', 'admin', 'Acme'],
        ['max@acme.example', 'development', 'Max', 'member', 'Acme'],
        ['eve@umbrella.example', 'development', 'Eve', 'member', 'Umbrella'],
      ],
    );
  });

  for (const [what, place, body, status, code] of [
    [
      'a wrong password',
      'password',
      { email: 'ada@acme.example', password: 'Development' },
      400,
      'invalid_credentials',
    ],
    ['no password', 'password', { email: 'ada@acme.example' }, 400, 'invalid_credentials'],
    [
      'an unknown person',
      'password',
      { email: 'bob@acme.example', password: 'development' },
      400,
      'invalid_credentials',
    ],
    ['an unknown person without a password', 'password', { email: 'x', password: '' }, 400, 'invalid_credentials'],
    ['what is no text', 'password', { email: { toString: 1 }, password: { length: 1 } }, 400, 'invalid_credentials'],
    ['a refresh token that is no text', 'refresh_token', { refresh_token: [1] }, 400, 'refresh_token_not_found'],
    ['an object as refresh token', 'refresh_token', { refresh_token: { toString: 1 } }, 400, 'refresh_token_not_found'],
    ['a made-up refresh token', 'refresh_token', { refresh_token: 'a'.repeat(32) }, 400, 'refresh_token_not_found'],
    ['no refresh token', 'refresh_token', {}, 400, 'refresh_token_not_found'],
    ['another way to sign in', 'id_token', {}, 400, 'validation_failed'],
    ['what is no object', 'password', 'ada', 400, 'bad_json'],
    ['a large body', 'password', { email: 'x'.repeat(20_000) }, 413, 'validation_failed'],
  ])
    test(`${what} is refused`, async () => {
      const answer = await call(`auth/v1/token?grant_type=${place}`, { body });
      assert.deepEqual([answer.status, answer.value.code, answer.value.error_code], [status, status, code]);
      assert.equal(typeof answer.value.msg, 'string');
    });

  test('a session is refreshed, from several tabs at once, until it is signed out', async () => {
    const first = await signIn('max@acme.example');
    const other = await signIn('max@acme.example');
    const refresh = (session) =>
      call('auth/v1/token?grant_type=refresh_token', { body: { refresh_token: session.refresh_token } });
    const answers = await Promise.all([1, 2, 3].map(() => refresh(first)));
    for (const { status, value } of answers) {
      assert.equal(status, 200);
      assert.equal((await call('functions/v1/config/company', { token: value.access_token })).status, 200);
    }
    const out = (session, scope) =>
      call(`auth/v1/logout?scope=${scope}`, { token: session.access_token, method: 'POST' });
    assert.equal((await out(first, 'some')).status, 400);
    assert.equal((await out(first, 'local')).status, 204);
    assert.equal((await refresh(first)).status, 400);
    assert.deepEqual(
      await call('auth/v1/user', { token: first.access_token }).then(({ status, value }) => [status, value.error_code]),
      [403, 'session_not_found'],
    );
    assert.equal((await refresh(other)).status, 200);
    const third = await signIn('max@acme.example');
    const eve = await signIn('eve@umbrella.example');
    assert.equal((await out(other, 'others')).status, 204);
    assert.deepEqual([(await refresh(third)).status, (await refresh(other)).status], [400, 200]);
    assert.equal((await out(other, 'global')).status, 204);
    assert.deepEqual([(await refresh(other)).status, (await refresh(eve)).status], [400, 200]);
  });

  test('a token that is forged or has expired opens nothing; a new one is had by the refresh token', async () => {
    const session = await signIn('max@acme.example');
    const [head, body, signature] = session.access_token.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url'));
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const asAda = encode({ ...claims, sub: people[0].id });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const own = sign('sha256', Buffer.from(`${head}.${asAda}`), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    for (const forged of [
      `${head}.${asAda}.${signature}`,
      `${head}.${asAda}.${own.toString('base64url')}`,
      `${encode({ alg: 'none' })}.${asAda}.`,
      `${encode({ alg: 'none' })}.${asAda}.x`,
    ]) {
      assert.ok([401, 403].includes((await call('auth/v1/user', { token: forged })).status));
      assert.equal((await call('functions/v1/config/company', { token: forged })).status, 401);
    }

    // The same sign-in, whose tokens have expired for long.
    const past = createSignIn({
      folder,
      people,
      issuer: () => `${backend.url}/auth/v1`,
      origins: () => [],
      tokenSeconds: -60,
    });
    const server = await listen((request, response) => past.answer(request, response));
    const expired = await signer(caller(() => ({ url: server.origin })))('max@acme.example');
    await server.close();
    const refused = await call('functions/v1/config/company', { token: expired.access_token });
    assert.deepEqual([refused.status, refused.value.code], [401, 'token-expired']);
    assert.equal((await call('auth/v1/user', { token: expired.access_token })).status, 403);
    const { value } = await call('auth/v1/token?grant_type=refresh_token', {
      body: { refresh_token: expired.refresh_token },
    });
    assert.equal((await call('functions/v1/config/company', { token: value.access_token })).status, 200);
  });

  test('its public key is shown, the private one is not, and files are for this user only', async () => {
    const { value } = await call('auth/v1/.well-known/jwks.json');
    assert.equal(value.keys.length, 1);
    assert.deepEqual(Object.keys(value.keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    for (const name of ['sign-in.json', 'sessions.json', 'sealing-key.json'])
      assert.equal(statSync(path.join(folder, name)).mode & 0o777, 0o600, name);
    const { refresh_token } = await signIn('ada@acme.example');
    const kept = readFileSync(path.join(folder, 'sessions.json'), 'utf8');
    assert.ok(!kept.includes(refresh_token));
    assert.ok(kept.includes(createHash('sha256').update(refresh_token).digest('base64url')));
  });

  test('only the demo may use the sign-in from a page; the functions any page, by its token', async () => {
    const body = { email: 'ada@acme.example', password: 'development' };
    const from = (origin) => call('auth/v1/token?grant_type=password', { body, headers: { origin } });
    const own = await from(demo);
    assert.deepEqual([own.status, own.headers.get('access-control-allow-origin')], [200, demo]);
    assert.match(own.headers.get('vary'), /origin/);
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:5174', `${demo}.evil.example`]) {
      const foreign = await from(origin);
      assert.deepEqual([foreign.status, foreign.headers.get('access-control-allow-origin')], [403, null], origin);
      assert.equal(foreign.value.access_token, undefined);
      const preflight = await call('auth/v1/token', { method: 'OPTIONS', headers: { origin } });
      assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [403, null]);
    }
    const preflight = await call('auth/v1/token', { method: 'OPTIONS', headers: { origin: demo } });
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers.get('access-control-allow-headers'), /apikey.*x-supabase-api-version/);
    const functions = await call('functions/v1/config', {
      method: 'OPTIONS',
      headers: { origin: 'http://app.example' },
    });
    assert.deepEqual([functions.status, functions.headers.get('access-control-allow-origin')], [204, '*']);
  });

  test('under a foreign name that leads here nothing is answered, and strange addresses break nothing', async () => {
    const { port } = new URL(backend.url);
    const ask = (host, place, method = 'GET') =>
      new Promise((resolve, reject) =>
        httpRequest({ host: '127.0.0.1', port, path: place, method, headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .once('error', reject)
          .end(),
      );
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', '127.0.0.1@evil.example'])
      for (const place of ['/auth/v1/.well-known/jwks.json', '/functions/v1/health'])
        assert.equal(await ask(host, place), 421, host);
    assert.equal(await ask(`localhost:${port}`, '/auth/v1/.well-known/jwks.json'), 200);
    for (const [place, status, method] of [
      ['/', 404],
      ['//', 404],
      ['*', 404, 'OPTIONS'],
      ['/auth/v1/admin/users', 404],
      ['/auth/v1/constructor', 404],
      ['/auth/v1/user?%', 401],
      ['/functions/v1/nothing', 404],
      ['/functions/v1/../../auth/v1/user', 404],
      ['http://127.0.0.1/functions/v1/health', 404],
    ])
      assert.equal(await ask(`127.0.0.1:${port}`, place, method), status, place);
  });

  /** A generation through the gateway that has had its first part; `exchange` is the Space's end of it. */
  const stream = async (token, signal) => {
    const count = seen.length;
    const response = await fetch(`${backend.url}/functions/v1/gateway/base/api/generate`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'x' }),
      signal,
    });
    assert.equal(response.status, 200);
    const reader = response.body.getReader();
    const part = async () => Buffer.from((await reader.read()).value ?? '').toString();
    assert.equal(await part(), 'data: 1\n\n');
    return { part, reader, exchange: seen[count] };
  };

  test('a stream passes as it comes, and ends for the Space when the page leaves', async () => {
    const { access_token } = await signIn('max@acme.example');
    const whole = await stream(access_token);
    whole.exchange.response.end('data: 2\n\n');
    assert.equal(await whole.part(), 'data: 2\n\n');
    assert.equal((await whole.reader.read()).done, true);

    const page = new AbortController();
    const left = await stream(access_token, page.signal);
    assert.equal(left.exchange.left, false);
    page.abort();
    await until(() => left.exchange.left, 'the Space to be left', 5000);
  });

  test('a stream that breaks off behind never looks whole', async () => {
    const { access_token } = await signIn('max@acme.example');
    const broken = await stream(access_token);
    broken.exchange.response.destroy();
    await assert.rejects(async () => {
      while (!(await broken.reader.read()).done);
    });
  });

  test('a body that is too large has its answer, and a chunked one passes', async () => {
    const { access_token: token } = await signIn('max@acme.example');
    const send = (body) =>
      fetch(`${backend.url}/functions/v1/usage`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body,
        duplex: 'half',
      });
    assert.equal((await send(JSON.stringify({ sentAt: 1, events: 'x'.repeat(8_000_000) }))).status, 413);
    // What was not read of it does not stand before the next request of the same connection.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const over = (size) =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}`, 'content-length': size };
        const request = httpRequest(`${backend.url}/functions/v1/usage`, { agent, method: 'POST', headers })
          .once('response', (response) => response.resume().once('end', () => resolve(response.statusCode)))
          .once('error', reject);
        request.end(Buffer.alloc(size, 'x'));
      });
    const began = Date.now();
    assert.deepEqual(
      [await over(3_000_000), await over(10), await over(3_000_000), await over(10)],
      [413, 400, 413, 400],
    );
    assert.ok(Date.now() - began < 3000, 'it waited for the connection to be given up');
    agent.destroy();

    const event = { eventId: crypto.randomUUID(), kind: 'start', at: Date.now() };
    const text = JSON.stringify({ sentAt: Date.now(), events: [event] });
    const parts = new ReadableStream({
      async pull(controller) {
        this.sent = (this.sent ?? 0) + 10;
        controller.enqueue(Buffer.from(text.slice(this.sent - 10, this.sent)));
        if (this.sent >= text.length) controller.close();
      },
    });
    const { verdicts } = await (await send(parts)).json();
    assert.deepEqual(verdicts, [{ eventId: event.eventId, verdict: 'stored' }]);
  });

  test('the real supabase-js signs in, refreshes, calls a function and signs out', async () => {
    const { host } = new URL(backend.url);
    const [{ email, id, name, company }] = people;
    const child = spawn(
      denoBinary(),
      [
        'run',
        ...denoFlags,
        `--allow-net=${host}`,
        '--allow-env',
        fileURLToPath(new URL('sign-in.ts', import.meta.url)),
        backend.url,
        email,
        'development',
      ],
      { env: cacheEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    for await (const text of child.stdout) said += text;
    const given = JSON.parse(said);
    const { updatedAt } = given.company;
    assert.ok(Math.abs(Date.parse(updatedAt) - Date.now()) < 600_000, updatedAt);
    assert.deepEqual(given, {
      wrong: [400, 'invalid_credentials'],
      signedIn: email,
      lasts: 3600,
      user: [id, name],
      company: { ...company, role: 'admin', keepsText: false, retentionDays: 365, totalsDays: 1825, updatedAt },
      refreshed: email,
      signedOut: null,
      session: null,
      late: [400, 'refresh_token_not_found'],
    });
  });

  test('a restart keeps data, sessions, and keys that were sealed; what was changed stays changed', async () => {
    const ada = await signIn('ada@acme.example');
    const token = ada.access_token;
    const put = await call('functions/v1/config/keys/space:base', {
      token,
      method: 'PUT',
      body: { key: 'a-key-of-the-space' },
    });
    assert.equal(put.status, 200);
    assert.equal(
      (await call('functions/v1/config/company', { token, method: 'PUT', body: { name: 'Acme & Sons' } })).status,
      200,
    );
    const event = { eventId: crypto.randomUUID(), kind: 'start', at: Date.now() };
    const send = () => call('functions/v1/usage', { token, body: { sentAt: Date.now(), events: [event] } });
    assert.equal((await send()).value.verdicts[0].verdict, 'stored');
    const before = readFileSync(path.join(folder, 'sign-in.json'), 'utf8');

    const port = Number(new URL(backend.url).port);
    await backend.stop();
    await assert.rejects(call('auth/v1/user', { token }));
    backend = await start({ port });
    assert.equal(backend.url, `http://127.0.0.1:${String(port)}`);
    assert.deepEqual(backend.migrated.applied, []);
    assert.equal(readFileSync(path.join(folder, 'sign-in.json'), 'utf8'), before);
    assert.equal((await call('auth/v1/user', { token })).status, 200);
    const { value } = await call('functions/v1/config/company', { token });
    assert.deepEqual([value.name, value.role], ['Acme & Sons', 'admin']);
    assert.equal((await send()).value.verdicts[0].verdict, 'duplicate');
    const { status } = await call('auth/v1/token?grant_type=refresh_token', {
      body: { refresh_token: ada.refresh_token },
    });
    assert.equal(status, 200);
    const { exchange } = await stream(token);
    assert.equal(exchange.key, 'Bearer a-key-of-the-space');
    exchange.response.end();
  });

  test('a second one on the same data is refused, by the number of the first', async () => {
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { startBackend } = await import('${new URL('../../web/backend/embedded/backend.mjs', import.meta.url).href}');
         await startBackend({ port: 0, folder: ${JSON.stringify(folder)} })
           .then(() => console.log('started'), ({ code, pid }) => console.log(code, pid));
         process.exit();`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    for await (const text of child.stdout) said += text;
    assert.equal(said.trim(), `IN_USE ${String(process.pid)}`);
  });

  test("Spaces: own ones are everybody's, an operator's and a company's own rows stay and win", async () => {
    const { access_token: token } = await signIn('ada@acme.example');
    const { access_token: eve } = await signIn('eve@umbrella.example');
    const urls = async (of) => {
      const { spaces } = (await call('functions/v1/config', { token: of })).value;
      return Object.fromEntries(Object.entries(spaces).map(([tier, { url }]) => [tier, url]));
    };
    assert.deepEqual(await urls(token), { base: space.origin });
    await backend.useSpaces({ base: space.origin, company: 'http://127.0.0.1:7899' });
    assert.deepEqual(await urls(eve), { base: space.origin, company: 'http://127.0.0.1:7899' });
    const own = { name: 'Own', url: 'https://acme-own.hf.space' };
    assert.equal((await call('functions/v1/config/spaces/company', { token, method: 'PUT', body: own })).status, 200);
    await backend.useSpaces({ company: 'http://127.0.0.1:7898' });
    assert.deepEqual(await urls(token), { company: own.url });
    assert.deepEqual(await urls(eve), { company: 'http://127.0.0.1:7898' });
    await backend.useSpaces({ base: space.origin });
    assert.deepEqual(await urls(eve), { base: space.origin });
    // The functions may call the Spaces that were named, wherever they turned out to be.
    const { exchange } = await stream(eve);
    exchange.response.end();
  });

  for (const what of ['functions', 'database'])
    test(`killed, the ${what} run again at the same address, and until then one is told to come back`, async () => {
      const { access_token: token } = await signIn('max@acme.example');
      const event = () => ({ eventId: crypto.randomUUID(), kind: 'start', at: Date.now() });
      const send = (one) => call('functions/v1/usage', { token, body: { sentAt: Date.now(), events: [one] } });
      const kept = event();
      assert.equal((await send(kept)).status, 200);
      notes.length = 0;
      const pid = backend.pids()[what];
      process.kill(pid, 'SIGKILL');
      const statuses = new Set();
      const next = event();
      await until(async () => {
        const { status, headers } = await send(next);
        statuses.add(status);
        if (status === 503) assert.ok(Number(headers.get('retry-after')) > 0);
        return status === 200 && notes.length > 0;
      }, 'the restart');
      assert.deepEqual(
        [...statuses].filter((status) => status !== 200 && status !== 503),
        [],
      );
      assert.notEqual(backend.pids()[what], pid);
      assert.match(notes.join(), new RegExp(`The ${what} (was|were) killed and runs? again`));
      assert.equal((await send(kept)).value.verdicts[0].verdict, 'duplicate');
    });

  test('what watches the database is watched itself', { skip: !isLinux }, async () => {
    const guards = () =>
      descendants(process.pid).filter((pid) => {
        const [program, ...words] = commandOf(pid);
        return program === '/bin/sh' && words.includes(String(backend.pids().database));
      });
    const [guard, ...more] = guards();
    assert.deepEqual(more, []);
    process.kill(guard, 'SIGKILL');
    await until(() => guards().length === 1 && guards()[0] !== guard, 'another guard');
  });

  test('what is too old is deleted shortly after the start', async () => {
    await backend.stop();
    backend = await start({ retentionFirstMs: 10_000 });
    const { access_token: token } = await signIn('ada@acme.example');
    await call('functions/v1/config/company', { token, method: 'PUT', body: { retentionDays: 30 } });
    const events = [40, 20].map((days) => ({
      eventId: crypto.randomUUID(),
      kind: 'start',
      at: Date.now() - days * 86_400_000,
    }));
    const send = () => call('functions/v1/usage', { token, body: { sentAt: Date.now(), events } });
    assert.deepEqual(
      (await send()).value.verdicts.map(({ verdict }) => verdict),
      ['stored', 'stored'],
    );
    await backend.stop();
    backend = await start({ retentionFirstMs: 10 });
    await until(async () => (await countRows(backend, events)) === 1, 'the old row to go');
  });
});

async function countRows(backend, events) {
  const { postgres: password } = JSON.parse(readFileSync(path.join(backend.folder, 'credentials.json'), 'utf8'));
  const { port } = JSON.parse(readFileSync(path.join(backend.folder, 'owner.json'), 'utf8'));
  const sql = postgres(`postgres://postgres:${password}@127.0.0.1:${String(port)}/tierwise`, { max: 1 });
  const [{ n }] = await sql`select count(*)::int as n from public.llm_observations
    where event_id = any (${events.map(({ eventId }) => eventId)}::uuid[])`;
  await sql.end();
  return n;
}

for (const kind of kinds)
  describe(`a database that is somebody's own, ${kind.name}`, () => {
    let running;
    let database;
    let home;
    let backend;
    const call = caller(() => backend);
    const signIn = signer(call);
    const start = () =>
      startBackend({ port: 0, folder: home.folder, databaseUrl: database.adminUrl, origins: [demo], env: {} });
    const roles = () =>
      database.admin`select rolname, rolpassword, rolcanlogin, rolsuper, rolinherit from pg_authid
        where rolname !~ '^pg_' order by rolname`;
    before(async () => {
      running = await startServer(kind);
      database = await newDatabase(running.server, {
        before: `create role authenticator login password 'theirs'; create role tierwise_functions login password 'theirs'`,
        migrated: false,
      });
      home = temporaryFolder();
    });
    after(async () => {
      await backend?.stop();
      await database?.close();
      await running?.stop();
      home?.remove();
    });

    test('is brought up to date and used by a role of our own; roles that are there stay as they are', async () => {
      const theirs = [...(await roles())];
      backend = await start();
      assert.equal(backend.migrated.applied.length > 0, true);
      const { access_token: token } = await signIn('max@acme.example');
      const { value } = await call('functions/v1/config/company', { token });
      assert.deepEqual([value.name, value.role], ['Acme', 'member']);
      const now = [...(await roles())];
      for (const role of theirs)
        assert.deepEqual(
          now.find(({ rolname }) => rolname === role.rolname),
          role,
        );
      const login = JSON.parse(readFileSync(path.join(home.folder, 'login.json'), 'utf8'));
      assert.equal(statSync(path.join(home.folder, 'login.json')).mode & 0o777, 0o600);
      const own = now.find(({ rolname }) => rolname === login.role);
      assert.deepEqual([own.rolcanlogin, own.rolsuper, own.rolinherit], [true, false, false]);
      assert.match(own.rolpassword, /^SCRAM-SHA-256\$4096:/);
      const users = await database.admin`select distinct usename from pg_stat_activity
        where application_name = 'tierwise-functions'`;
      assert.deepEqual(
        users.map(({ usename }) => usename),
        [login.role],
      );
    });

    test('a second start makes no second role, and what was changed stays changed', async () => {
      const [ada] = people;
      await database.admin`update tierwise.members set role = 'member' where user_id = ${ada.id}`;
      await database.admin`update tierwise.companies set name = 'Theirs' where id = ${ada.company.id}`;
      await database.admin`insert into public.hf_spaces_config (space_name, space_type, space_url)
        values ('of the operator', 'base', 'https://their-base.hf.space')`;
      const known = [...(await roles())];
      await backend.stop();
      backend = await start();
      await backend.useSpaces({ base: 'http://127.0.0.1:7861' });
      assert.deepEqual([...(await roles())], known);
      assert.deepEqual(backend.migrated.applied, []);
      const { access_token: token } = await signIn(ada.email);
      const { value } = await call('functions/v1/config/company', { token });
      assert.deepEqual([value.name, value.role], ['Theirs', 'member']);
      const config = await call('functions/v1/config', { token });
      assert.equal(config.value.spaces.base.url, 'https://their-base.hf.space');
      const members = await database.admin`select count(*)::int as n from tierwise.members`;
      assert.equal(members[0].n, 3);
    });

    test('one that cannot be used is named, and nothing is left running', async () => {
      for (const [databaseUrl, told] of [
        ['mysql://x@127.0.0.1/x', /DATABASE_URL must be/],
        ['postgres:///x', /DATABASE_URL must be/],
        [database.adminUrl.replace(/:\d+\//, ':1/'), /ECONNREFUSED/],
      ])
        await assert.rejects(startBackend({ port: 0, folder: home.folder, databaseUrl }), told);
      assert.deepEqual(
        descendants(process.pid).filter((pid) => commandOf(pid).join(' ').includes('serve-functions')).length,
        isLinux ? 1 : 0,
      );
    });
  });

const commandOf = (pid) => {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
};
/** `[parent, state]` of a process; undefined when it is gone. */
const statOf = (pid) => {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(parent), state };
  } catch {
    return undefined;
  }
};
function descendants(pid) {
  if (!isLinux) return [];
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = all.map(Number).filter((one) => statOf(one)?.parent === pid);
  return [...children, ...children.flatMap(descendants)];
}
const isGone = (pid) => [undefined, 'Z'].includes(statOf(pid)?.state);

const built = existsSync(path.join(root, 'build/demo/index.html')) && existsSync(path.join(root, 'dist/index.js'));
if (!built) console.log('skipped: npm start itself, because the demo is not built (npm test -- browser builds it)');

describe('npm start', { skip: !built || !isLinux }, () => {
  let home;
  before(() => (home = temporaryFolder()));
  after(() => home.remove());

  /** The program, when it is ready: `{ child, said(), url, config, all }`. */
  const launch = async (...more) => {
    const child = spawn(
      process.execPath,
      [
        'scripts/start.mjs',
        '--no-build',
        '--no-spaces',
        '--port',
        '0',
        '--backend-port',
        '0',
        '--data',
        home.folder,
        ...more,
      ],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, DATABASE_URL: '' } },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    await until(() => said.includes('Ready in') || child.exitCode !== null, 'the start', 60_000);
    const url = /Tierwise demo +(http:\S+)/.exec(said)?.[1];
    assert.ok(url, said);
    const config = await (await fetch(`${url}config.json`)).json();
    return { child, said: () => said, ended, url, config, all: [child.pid, ...descendants(child.pid)] };
  };

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'])
    test(`runs the demo with its backend, and ${signal} leaves no process`, async () => {
      const { child, said, ended, url, config, all } = await launch();
      try {
        assert.equal((await fetch(url)).status, 200);
        assert.equal(config.note, undefined);
        assert.deepEqual(
          config.backend.people.map(({ company }) => company),
          ['Acme', 'Acme', 'Umbrella'],
        );
        for (const { email, password } of config.backend.people)
          assert.match(said(), new RegExp(`${email} +${password}`));
        assert.ok(said().includes(config.backend.url));
        const origin = new URL(url).origin;
        const call = caller(() => config.backend);
        const { status, value, headers } = await call('auth/v1/token?grant_type=password', {
          body: config.backend.people[0],
          headers: { origin },
        });
        assert.deepEqual([status, headers.get('access-control-allow-origin')], [200, origin]);
        const company = await call('functions/v1/config/company', { token: value.access_token });
        assert.deepEqual([company.value.name, company.value.role], ['Acme', 'admin']);
        assert.ok(all.length >= 4, 'Node, PostgreSQL, its guard and Deno');
        child.kill(signal);
        assert.equal(await ended, signal === 'SIGKILL' ? 'SIGKILL' : 0);
        await until(() => all.every(isGone), 'all of them to end');
        if (signal !== 'SIGKILL') assert.equal(existsSync(path.join(home.folder, 'owner.json')), false);
      } finally {
        child.kill('SIGKILL');
      }
    });

  test('without a backend the demo runs and says why', async () => {
    const first = await launch();
    const others = [];
    try {
      const second = await launch();
      others.push(second);
      assert.equal(second.config.backend, undefined);
      const why = new RegExp(`process ${String(first.child.pid)}.*--data FOLDER or --no-backend`);
      assert.match(second.config.note, why);
      assert.match(second.said(), why);
      assert.equal((await fetch(second.url)).status, 200);
      const none = await launch('--no-backend');
      others.push(none);
      assert.deepEqual(none.config, { spaces: {} });
      assert.equal(none.all.length, 1);
      const file = path.join(home.folder, 'credentials.json');
      const unusable = await launch('--data', file);
      others.push(unusable);
      assert.match(unusable.config.note, /No backend is running here: .*credentials\.json.*--no-backend/);
      assert.equal((await fetch(unusable.url)).status, 200);
    } finally {
      for (const { child, ended } of [...others, first]) {
        child.kill('SIGTERM');
        await ended;
      }
    }
  });

  test('a port that is taken becomes the next one', async () => {
    const taken = createServer();
    await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address();
    const { child, config, ended } = await launch('--backend-port', String(port));
    try {
      assert.notEqual(Number(new URL(config.backend.url).port), port);
      assert.equal((await caller(() => config.backend)('auth/v1/.well-known/jwks.json')).status, 200);
    } finally {
      child.kill('SIGTERM');
      await ended;
      taken.close();
    }
  });
});
