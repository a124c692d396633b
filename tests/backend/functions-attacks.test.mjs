/**
 * What a caller with bad intentions gets from the functions: forged tokens, other companies' data, SQL in every field,
 * addresses of their own, split headers, keys, and bodies that do not end.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { startFunctions } from '../../web/backend/embedded/functions.mjs';
import { companysKey, functionPaths, operatorsKey, reply, start, upstream } from './functions-stage.mjs';
import { companyA, users } from './servers.mjs';
import { llama } from './usage-event.mjs';

const sqls = [
  "'; drop table public.llm_observations; --",
  "' or '1'='1",
  '"); select pg_sleep(9); --',
  '$$ || current_user || $$',
  "\\'; reset role; --",
];
const event = (fields = {}) => ({
  eventId: randomUUID(),
  kind: 'complete',
  at: Date.now(),
  provider: 'router',
  model: llama,
  inputTokens: 1000,
  outputTokens: 0,
  ...fields,
});

let stage;
let space;
let internal;
let hub;
const put = (path, body, user = 'admin') => stage.call(`config/${path}`, { user, method: 'PUT', body });
before(async () => {
  internal = await upstream({ '*': reply({ secret: 'of the inner network' }) });
  space = await upstream({ '*': reply({ fine: true }) });
  hub = await upstream({ '*': (_, response) => reply({ host: internal.origin })(_, response) });
  stage = await start({
    TIERWISE_SPACE_HOSTS: `*.hf.space,${space.origin}`,
    TIERWISE_ROUTER_URL: space.origin,
    TIERWISE_HUB_URL: hub.origin,
    HUGGINGFACE_API_KEY: operatorsKey,
  });
  assert.equal((await put('spaces/base', { name: 'B', url: space.origin, protocol: 'auto' })).status, 200);
  assert.equal((await put('keys/space:base', { key: companysKey })).status, 200);
});
after(async () => {
  await stage?.stop();
  for (const server of [space, internal, hub]) await server?.close();
});

describe('tokens', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = ec.publicKey.export({ format: 'jwk' });
  const { member } = users;
  const forged = [
    ['none at all', () => undefined],
    ['of nobody’s making', () => 'abc'],
    ['of another secret', (t) => t.hs256(member, {}, 'x'.repeat(48))],
    ['of an empty secret', (t) => t.hs256(member, {}, '')],
    ['expired', (t) => t.hs256(member, { exp: now() - 60 })],
    ['expired, asymmetric', (t) => t.es256(member, { exp: now() - 60 })],
    ['without an end', (t) => t.hs256(member, { exp: undefined })],
    ['not valid yet', (t) => t.hs256(member, { nbf: now() + 600 })],
    ['alg none', (t) => t.none(member)],
    ['alg None', (t) => t.hs256(member, {}, '', { alg: 'None' })],
    ['of another audience', (t) => t.hs256(member, { aud: 'other' })],
    ['of no audience', (t) => t.es256(member, { aud: undefined })],
    ['of another issuer', (t) => t.es256(member, { iss: 'https://other.supabase.test/auth/v1' })],
    ['of no issuer', (t) => t.hs256(member, { iss: undefined })],
    ['signed by another key of that name', (t) => t.es256(member, {}, ec.privateKey)],
    ['that brings its own key', (t) => t.es256(member, {}, ec.privateKey, { kid: undefined, jwk })],
    ['that names where its key is', (t) => t.es256(member, {}, ec.privateKey, { jku: `${internal.origin}/jwks` })],
    ['of the public key as a secret', (t) => t.hs256(member, {}, t.publicPem, { kid: 'rsa' })],
    ['HS512', (t) => t.hs256(member, {}, t.secret, { alg: 'HS512' })],
    ['ES256 in name only', (t) => t.hs256(member, {}, t.secret, { alg: 'ES256', kid: 'ec' })],
    ['critical beyond us', (t) => t.hs256(member, {}, t.secret, { crit: ['b64'], b64: false })],
    ['of the anonymous key', (t) => t.hs256(member, { role: 'anon' })],
    ['of the service role', (t) => t.hs256(member, { role: 'service_role' })],
    ['of no person', (t) => t.hs256(undefined)],
    ['of a person that is no UUID', (t) => t.hs256("x' or true --")],
    ['far too long', (t) => t.hs256(member, { padding: 'x'.repeat(10_000) }) + 'A'.repeat(10_000)],
  ];
  for (const [name, make] of forged)
    test(`${name}: 401 from every function`, async () => {
      for (const path of functionPaths)
        for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
          const token = make(stage.tokens);
          const { status, value, headers } = await stage.call(path, {
            user: null,
            token,
            method,
            ...(method === 'POST' && { body: {} }),
          });
          assert.equal(status, 401, `${method} ${path}`);
          assert.equal(value.success, false);
          assert.match(value.code, /^(not-signed-in|invalid-token|token-expired|not-a-user)$/);
          assert.equal(headers.get('access-control-allow-origin'), '*');
        }
      assert.equal(internal.calls.length, 0);
    });

  test('while the keys of the sign-in cannot be fetched, it is not the token’s fault', async () => {
    const other = await startFunctions({ env: { ...stage.env, TIERWISE_JWKS_URL: `${internal.origin}/jwks` } });
    const ask = async (token) =>
      (await fetch(`${other.url}/config`, { headers: { authorization: `Bearer ${token}` } })).status;
    const asked = internal.calls.length;
    assert.deepEqual([await ask(stage.tokens.es256(member)), await ask(stage.tokens.hs256(member))], [503, 200]);
    internal.calls.length = asked;
    await other.stop();
  });

  test('other ways to bring a token do not count', async () => {
    const token = stage.tokens.hs256(member);
    for (const headers of [
      { authorization: `Basic ${token}` },
      { apikey: token },
      { cookie: `sb-access-token=${token}` },
      { authorization: `Bearer ${token}, Bearer x` },
    ])
      assert.equal((await stage.call('config', { user: null, headers })).status, 401);
    assert.equal((await stage.call(`config?access_token=${token}`, { user: null })).status, 401);
  });
});

describe('another company', () => {
  test('its data, its Spaces and its keys stay closed to a stranger’s token', async () => {
    const headers = { 'x-tierwise-company': companyA };
    const tries = [
      ['usage', { body: { events: [event()] } }],
      ['feedback', { body: { feedback: [{ eventId: randomUUID(), replyId: 'r', verdict: 'up', at: Date.now() }] } }],
      ['config', {}],
      ['config/flags', {}],
      ['config/audit', {}],
      ['config/keys/router', { method: 'PUT', body: { key: 'hf_0123456789' } }],
      ['config/flags/useOpenAI', { method: 'PUT', body: { enabled: false } }],
      ['config/spaces/base', { method: 'DELETE' }],
      ['usage-summary', {}],
      ['gateway/base/config', {}],
      ['huggingface-inference', { body: { modelId: llama, task: 'text-generation', inputs: 'x' } }],
      ['health', {}],
    ];
    const calls = space.calls.length;
    for (const [path, options] of tries) {
      const { status, value } = await stage.call(path, { ...options, user: 'stranger', headers });
      assert.deepEqual([status, value.code], [403, 'not-a-member'], path);
    }
    assert.equal((await stage.call('gateway/base/config', { user: 'stranger' })).value.code, 'no-such-target');
    assert.equal(space.calls.length, calls);
    const own = await stage.call('config', { user: 'stranger' });
    assert.deepEqual(own.value.spaces, {});
  });

  test('a row is the caller’s, whatever it says', async () => {
    const one = event({ cost: 0, user_id: users.admin, userId: users.admin, company_id: companyA, owner: users.admin });
    const { value } = await stage.call('usage', { user: 'stranger', body: { sentAt: Date.now(), events: [one] } });
    assert.equal(value.verdicts[0].verdict, 'stored');
    const [row] = await stage.database
      .admin`select user_id, cost, claimed_cost from public.llm_observations where event_id = ${one.eventId}`;
    assert.deepEqual([row.user_id, Number(row.cost), Number(row.claimed_cost)], [users.stranger, 0.0001, 0]);
  });

  test('a million rows: a limit', async () => {
    const batch = () => ({ sentAt: Date.now(), events: Array.from({ length: 500 }, () => ({ kind: 'start' })) });
    const statuses = await Promise.all(
      Array.from({ length: 60 }, () =>
        stage.call('usage', { user: 'colleague', body: batch() }).then(({ status }) => status),
      ),
    );
    assert.ok(statuses.includes(429), String(statuses));
    assert.ok(statuses.every((status) => status === 200 || status === 429));
  });
});

test('SQL in every field is text', async () => {
  const fields = [
    'eventId',
    'interactionId',
    'replyId',
    'kind',
    'at',
    'tier',
    'target',
    'provider',
    'model',
    'source',
    'inputTokens',
    'tokensEstimated',
    'status',
    'errorClass',
    'user',
    'company',
    'contextLabel',
    'experimentArm',
    'appVersion',
    'prompt',
    'counts',
  ];
  const rows = async () => Number((await stage.database.admin`select count(*) as n from public.llm_observations`)[0].n);
  const before = await rows();
  const events = sqls.flatMap((sql) => fields.map((field) => event({ [field]: sql })));
  const began = Date.now();
  const { status, value } = await stage.call('usage', { body: { sentAt: Date.now(), events } });
  assert.equal(status, 200);
  assert.equal(value.verdicts.length, events.length);
  assert.equal(await rows(), before + value.verdicts.filter(({ verdict }) => verdict === 'stored').length);
  const [kept] = await stage.database
    .admin`select model from public.llm_observations where event_id = ${events[fields.indexOf('model')].eventId}`;
  assert.equal(kept.model, sqls[0]);
  for (const sql of sqls) {
    const coded = encodeURIComponent(sql);
    const answers = [
      await stage.call('feedback', {
        body: {
          feedback: ['eventId', 'replyId', 'interactionId', 'verdict', 'comment', 'at'].map((field) => ({
            eventId: randomUUID(),
            replyId: 'r',
            verdict: 'up',
            at: Date.now(),
            [field]: sql,
          })),
        },
      }),
      await stage.call('usage', { body: { sentAt: sql, events: [event()] } }),
      await stage.call(`usage-summary?from=${coded}`),
      await stage.call(`usage-summary?to=${coded}`),
      await stage.call(`usage-summary?by=${coded}`, { user: 'admin' }),
      await stage.call('config', { headers: { 'x-tierwise-company': "x' or true --" } }),
      await stage.call(`config/audit?before=${coded}`, { user: 'admin' }),
      await stage.call(`config/${coded}`, { user: 'admin' }),
      await put(`flags/${coded}`, { enabled: true }),
      await put(`models/${coded}`, { task: sql }),
      await put(`models/owner/name`, { task: sql }),
      await put(`prices/${randomUUID()}`, { provider: sql, model: sql, perImage: 1 }),
      await put(`prices/${randomUUID()}`, { provider: 'openai', model: sql, perImage: 1, source: sql }),
      await put('settings/rules', { value: { [sql]: sql } }),
      await put('spaces/user', { name: sql, url: sql, endpoint: sql, protocol: sql, options: { [sql]: sql } }),
      await put('company', { name: sql }),
      await put('keys/router', { key: sql }),
      await put(`keys/${coded}`, { key: 'hf_0123456789' }),
      await stage.call(`gateway/${coded}/config`),
      await stage.call(`gateway/base/config?x=${coded}`),
      await stage.call('huggingface-inference', { body: { modelId: sql, task: 'text-generation', inputs: 'x' } }),
      await stage.call('huggingface-inference', { body: { modelId: llama, task: sql, inputs: sql } }),
    ];
    for (const [index, answer] of answers.entries())
      assert.ok(answer.status < 500, `${sql} ${String(index)} ${answer.text}`);
  }
  assert.ok(Date.now() - began < 8000, 'something slept');
  const [{ name }] = await stage.database.admin`select name from tierwise.companies where id = ${companyA}`;
  assert.equal(name, sqls.at(-1));
});

describe('addresses', () => {
  const reached = () => internal.calls.length;
  for (const url of [
    () => internal.origin,
    () => `${space.origin.replace('127.0.0.1', 'localhost')}`,
    () => 'http://[::1]:80',
    () => 'https://169.254.169.254',
    () => 'https://metadata.google.internal',
    () => 'https://hf.space',
    () => 'https://a.b.hf.space',
    () => 'https://evil.example.com/.hf.space',
    () => 'https://x.hf.space.evil.example.com',
    () => 'https://x.hf.space:8443',
    () => 'https://x.hf.space@127.0.0.1',
    () => 'https://127.0.0.1/x.hf.space',
    () => 'http://x.hf.space',
    () => 'file:///etc/passwd',
    () => 'https://2130706433',
    () => `${hub.origin}/spaces/owner/inner`,
  ])
    test(`a Space at ${url.toString().slice(6)} is not called`, async () => {
      const written = await put('spaces/company', { name: 'X', url: url() });
      const before = reached();
      if (written.status === 200) {
        const { status, value } = await stage.call('gateway/company/config');
        assert.deepEqual([status, value.code], [403, 'host-not-allowed']);
        const { value: health } = await stage.call('health');
        assert.equal(health.spaces.find(({ tier }) => tier === 'company').ok, false);
      } else assert.deepEqual([written.status, written.value.code], [400, 'invalid-field']);
      assert.equal(reached(), before);
      await stage.call('config/spaces/company', { user: 'admin', method: 'DELETE' });
    });

  test('an address that was put into the table by other ways is not called either', async () => {
    await stage.database.admin`insert into public.hf_spaces_config (company_id, space_name, space_type, space_url)
      values (${companyA}, 'x', 'abstraction', ${internal.origin})`;
    assert.equal((await stage.call('gateway/abstraction/config')).value.code, 'host-not-allowed');
    await stage.database.admin`delete from public.hf_spaces_config where space_type = 'abstraction'`;
  });

  for (const modelId of [
    '../../etc',
    'a/../../..',
    '..%2f..',
    'http://169.254.169.254/x',
    'owner/name?x=',
    'owner/name#',
    'owner/na me',
    '@evil/x',
    'owner\\name',
    'a/b/c',
    'owner/..',
    './x',
  ])
    test(`modelId ${modelId}`, async () => {
      const calls = space.calls.length;
      const { status, value } = await stage.call('huggingface-inference', {
        body: { modelId, task: 'feature-extraction', inputs: 'x' },
      });
      assert.deepEqual([status, value.code], [400, 'invalid-field']);
      assert.equal(space.calls.length, calls);
    });

  /** A path as it is: `fetch` would tidy it up. */
  const raw = (path, headers = {}) =>
    new Promise((resolve, reject) => {
      const { port } = new URL(stage.functions.url);
      const token = stage.tokens.hs256(users.member);
      httpRequest(
        {
          host: '127.0.0.1',
          port,
          path: `/functions/v1/gateway/${path}`,
          headers: { authorization: `Bearer ${token}`, ...headers },
        },
        (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        },
      )
        .on('error', reject)
        .end();
    });
  for (const path of [
    'base/admin',
    'base/config/../admin',
    'base/%2e%2e/admin',
    'base/..%2fadmin',
    'base/%252e%252e/admin',
    'base//evil.example.com/config',
    'base/file=/etc/../../x',
    'base/file=%2e%2e%2fx',
    'base/config%00',
    'base/config%0d%0aX:%20y',
    'base/\\evil',
    'base/@evil',
    'base/http://evil/config',
    'base/config;x=/admin',
    'base/gradio_api/upload',
    'base/v1/fine_tuning/jobs',
    'router/v1/files',
    'router/api/whoami-v2',
    'router/v1/models/../../x',
    'router/hf-inference/models/x',
    'constructor/config',
    '__proto__/config',
    'mock/config',
    '127.0.0.1/config',
    '/config',
  ])
    test(`path ${path}`, async () => {
      const calls = space.calls.length;
      const status = await raw(path);
      assert.ok(status === 403 || status === 404 || status === 400, String(status));
      assert.equal(space.calls.length, calls, JSON.stringify(space.calls.at(-1)?.url));
    });

  test('redirects are not followed, wherever they lead', async () => {
    for (const location of [internal.origin, `${space.origin}/config`, '//127.0.0.1', 'file:///etc/passwd']) {
      space.routes['/info'] = (_, response) => response.writeHead(307, { location }).end();
      const { status, value, headers } = await stage.call('gateway/base/info');
      assert.deepEqual([status, value.code, headers.get('location')], [502, 'redirect-refused', null]);
    }
    delete space.routes['/info'];
    assert.equal(reached(), 0);
  });

  test('Deno itself may not connect elsewhere', { skip: !existsSync('/proc/self/cmdline') }, () => {
    const flags = readFileSync(`/proc/${String(stage.functions.pid)}/cmdline`, 'utf8').split('\0');
    const net = flags.find((flag) => flag.startsWith('--allow-net='));
    assert.ok(net.includes(new URL(space.origin).host) && !net.includes(new URL(internal.origin).host), net);
    assert.ok(!flags.some((flag) => /^(-A|--allow-(all|run|write|read|ffi|sys))/.test(flag)), flags.join(' '));
  });
});

describe('keys', () => {
  test('a server that repeats the key, in parts, in a header, in an error: it is cut out', async () => {
    for (const cuts of [[5], [1, 2, 3], [20, 40], []]) {
      space.routes['/gradio_api/queue/data'] = async (request, response) => {
        const text = `data: you sent ${request.headers.authorization} hf_ ${request.headers.authorization}!\n\n`;
        response.writeHead(418, {
          'content-type': 'text/plain',
          'x-error-message': `bad ${request.headers.authorization}`,
        });
        let from = 0;
        for (const cut of [...cuts.map((each) => each + text.indexOf('hf_')), text.length]) {
          response.write(text.slice(from, cut));
          from = cut;
          await new Promise((resolve) => setTimeout(resolve, 15));
        }
        response.end();
      };
      const { status, text, headers } = await stage.call('gateway/base/gradio_api/queue/data');
      assert.equal(status, 418);
      assert.equal(text, 'data: you sent Bearer [redacted] hf_ Bearer [redacted]!\n\n');
      assert.equal(headers.get('x-error-message'), 'bad Bearer [redacted]');
    }
  });

  test('the operator’s key does not go to a Space that a company set up', async () => {
    const { seal } = await sealing(stage.env.TIERWISE_SEALING_KEYS);
    await stage.database.admin`insert into tierwise.secrets (company_id, target, sealed, key_id)
      values (null, 'space:user', ${await seal(operatorsKey, 'all/space:user')}, 'k1')`;
    await put('spaces/user', { name: 'U', url: space.origin });
    assert.equal((await stage.call('gateway/user/config')).status, 200);
    assert.equal(space.calls.at(-1).headers.authorization, undefined);
    await stage.call('config/spaces/user', { user: 'admin', method: 'DELETE' });
    await stage.database
      .admin`insert into public.hf_spaces_config (company_id, space_name, space_type, space_url) values (null, 'x', 'user', ${space.origin})`;
    assert.equal((await stage.call('gateway/user/config')).status, 200);
    assert.equal(space.calls.at(-1).headers.authorization, `Bearer ${operatorsKey}`);
  });

  test('a sealed key that was moved to another row does not open', async () => {
    await stage.database.admin`insert into tierwise.secrets (company_id, target, sealed, key_id)
      select company_id, 'router', sealed, key_id from tierwise.secrets where target = 'space:base'`;
    const { status, value } = await stage.call('gateway/router/v1/models');
    assert.deepEqual([status, value.code], [503, 'key-unreadable']);
    await stage.database.admin`delete from tierwise.secrets where target = 'router'`;
  });

  test('a sealing key is replaced: rows move over as they are used, and then the old one is not needed', async () => {
    const fresh = `k2:${randomBytes(32).toString('base64')}`;
    const use = async (keys) => {
      const other = await startFunctions({ env: { ...stage.env, TIERWISE_SEALING_KEYS: keys } });
      const response = await fetch(`${other.url}/gateway/base/config`, {
        headers: { authorization: `Bearer ${stage.tokens.hs256(users.member)}` },
      });
      await response.text();
      await other.stop();
      return [response.status, space.calls.at(-1).headers.authorization];
    };
    assert.deepEqual(await use(`${fresh},${stage.env.TIERWISE_SEALING_KEYS}`), [200, `Bearer ${companysKey}`]);
    const [row] = await stage.database.admin`select key_id from tierwise.secrets where target = 'space:base'`;
    assert.equal(row.key_id, 'k2');
    assert.deepEqual(await use(fresh), [200, `Bearer ${companysKey}`]);
    assert.equal((await stage.call('gateway/base/config')).value.code, 'key-unreadable');
    assert.equal((await put('keys/space:base', { key: companysKey })).status, 200);
  });
});

describe('headers', () => {
  test('of a server that splits them: nothing of it reaches the page', async () => {
    const evil = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.end(
          'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nretry-after: 1\rset-cookie: a=b\r\nset-cookie: c=d\r\naccess-control-allow-origin: https://evil.test\r\nx-error-code: x\n\tfolded: y\r\nlocation: https://evil.test\r\ncontent-length: 8\r\n\r\n<script>',
        ),
      );
    });
    await new Promise((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const { port } = evil.address();
    const other = await startFunctions({
      env: { ...stage.env, TIERWISE_ROUTER_URL: `http://127.0.0.1:${String(port)}` },
    });
    try {
      const response = await fetch(`${other.url}/gateway/router/v1/models`, {
        headers: { authorization: `Bearer ${stage.tokens.hs256(users.member)}` },
      });
      for (const name of ['set-cookie', 'location', 'folded']) assert.equal(response.headers.get(name), null, name);
      assert.equal(response.headers.get('access-control-allow-origin'), '*');
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
      assert.match(response.headers.get('content-security-policy'), /sandbox/);
      await response.text();
    } finally {
      await other.stop();
      evil.close();
    }
  });

  test('of a caller that splits them', async () => {
    const { port } = new URL(stage.functions.url);
    const token = stage.tokens.hs256(users.member);
    for (const line of [
      'x-tierwise-company: a\rset-cookie: x=y',
      'if-none-match: "\u0000"',
      'x-gradio-user: a\r\n b',
      'content-length: 5\r\ncontent-length: 6',
      'transfer-encoding: chunked\r\ncontent-length: 1',
    ]) {
      const answer = await new Promise((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () =>
          socket.write(
            `GET /functions/v1/config HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n${line}\r\nconnection: close\r\n\r\n`,
          ),
        );
        let text = '';
        socket.setTimeout(3000, () => socket.destroy());
        socket
          .on('data', (part) => (text += part))
          .on('close', () => resolve(text))
          .on('error', () => {});
      });
      assert.doesNotMatch(answer, /set-cookie/i, line);
      assert.doesNotMatch(answer, /^HTTP\/1.1 5/, line);
    }
  });
});

describe('bodies', () => {
  const memory = () =>
    existsSync('/proc/self/status')
      ? Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(stage.functions.pid)}/status`, 'utf8'))[1]) / 1024
      : 0;
  const bomb = gzipSync(Buffer.alloc(500_000_000));
  const unending = (piece, count) =>
    new ReadableStream({
      pull(controller) {
        if (count-- <= 0) controller.close();
        else controller.enqueue(piece);
      },
    });
  for (const path of ['usage', 'feedback', 'huggingface-inference', 'gateway/base/generate'])
    test(`${path}: a row of 10 MB and more, with its length and without, and gzip bombs: 413, and no memory`, async () => {
      await stage.call('config');
      const before = memory();
      const large = Buffer.from(JSON.stringify({ events: [event({ prompt: 'x'.repeat(11_000_000) })] }));
      const bodies = [
        [large, {}],
        [unending(new Uint8Array(65_536).fill(32), 400), {}],
        [bomb, { 'content-encoding': 'gzip' }],
        [unending(bomb, 1), { 'content-encoding': 'gzip' }],
      ];
      const calls = space.calls.length;
      let answered = 0;
      for (const [body, headers] of bodies) {
        const response = await fetch(`${stage.functions.url}/${path}`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${stage.tokens.hs256(users.member)}`,
            'content-type': 'application/json',
            ...headers,
          },
          body,
          duplex: 'half',
        }).catch((error) => error);
        // A sender that does not listen while it sends may find the connection closed.
        if (response instanceof Error) continue;
        assert.equal(response.status, 413);
        assert.equal((await response.json()).code, 'too-large');
        answered += 1;
      }
      assert.ok(answered >= 2, String(answered));
      assert.equal(space.calls.length, calls);
      assert.ok(memory() - before < 150, `${String(Math.round(memory() - before))} MB more`);
    });

  for (const [name, body] of [
    ['lists in lists', `{"events":[${'['.repeat(400_000)}${']'.repeat(400_000)}]}`],
    ['objects in objects', `{"events":[${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}]}`],
    [
      'numbers without end',
      `{"events":[{"eventId":"${randomUUID()}","kind":"start","at":1e99999,"inputTokens":${'9'.repeat(400)}}]}`,
    ],
    ['a name of the language', `{"__proto__":{"events":[]},"constructor":1,"events":[{"__proto__":{"kind":"start"}}]}`],
    [
      'keys twice',
      `{"events":[{"eventId":"${randomUUID()}","eventId":"${randomUUID()}","kind":"start","kind":"x","at":1}]}`,
    ],
  ])
    test(`usage: ${name}`, async () => {
      const { status, value, text } = await stage.call('usage', { body });
      assert.ok(
        status === 400 ||
          status === 413 ||
          (status === 200 && value.verdicts.every(({ verdict }) => verdict === 'refused')),
        text,
      );
    });
});

test('after all of it the functions answer, nothing was stored for others, and no secret was told', async () => {
  assert.equal((await stage.call('config')).status, 200);
  const text = [...stage.answers, ...stage.log].join('\n');
  for (const secret of [
    operatorsKey,
    companysKey,
    stage.tokens.secret,
    stage.env.TIERWISE_SEALING_KEYS.slice(3),
    stage.running.server.credentials.authenticator,
    'of the inner network',
  ])
    assert.ok(!text.includes(secret));
  const bugs = stage.log.filter((line) => line.includes('"bug"') || line.includes('"status":500'));
  assert.deepEqual(bugs, []);
});

/** As docs/BACKEND.md describes it, by another library than the functions': what one seals the other opens. */
async function sealing(keys) {
  const { createCipheriv } = await import('node:crypto');
  const [, encoded] = keys.split(':');
  return {
    seal(key, place) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', Buffer.from(encoded, 'base64'), nonce).setAAD(Buffer.from(place));
      return Buffer.concat([Buffer.from([1]), nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
    },
  };
}
