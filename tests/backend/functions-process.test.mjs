/** The functions' process: it ends with whoever started it, says what is not configured, and each function runs alone too. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { cacheEnvironment, denoBinary, denoFlags, startFunctions } from '../../web/backend/embedded/functions.mjs';
import { start, Tokens } from './functions-stage.mjs';
import { users } from './servers.mjs';

const launcher = new URL('../../web/backend/embedded/functions.mjs', import.meta.url).href;
const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const gone = async (pid) => {
  for (let tries = 0; alive(pid); tries += 1) {
    assert.ok(tries < 200, 'it is still there');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

for (const signal of ['SIGKILL', 'SIGTERM'])
  test(`a parent that ends by ${signal} takes it along`, async () => {
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { startFunctions } = await import('${launcher}'); console.log((await startFunctions()).pid)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const pid = Number(await new Promise((resolve) => createInterface({ input: parent.stdout }).once('line', resolve)));
    assert.ok(alive(pid));
    parent.kill(signal);
    await gone(pid);
  });

test('stop() ends it for good, and it is not started again', async () => {
  const functions = await startFunctions();
  const { pid } = functions;
  await functions.stop();
  await gone(pid);
  assert.equal(functions.pid, pid);
});

test('killed, and killed again while it starts: another takes its place on the same port', async () => {
  let tell;
  const restarted = new Promise((resolve, reject) => (tell = { onRestart: resolve, onLost: reject }));
  const functions = await startFunctions(tell);
  try {
    const { pid: first, url } = functions;
    process.kill(first, 'SIGKILL');
    while (functions.pid === first) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(functions.pid, 'SIGKILL');
    await restarted;
    assert.equal(functions.url, url);
    assert.equal((await fetch(`${url}/config`)).status, 401);
  } finally {
    await functions.stop();
  }
});

test('what is not configured is named, not guessed', async () => {
  const tokens = new Tokens();
  const all = {
    TIERWISE_JWT_SECRET: tokens.secret,
    TIERWISE_JWT_ISSUER: 'https://x.test',
    TIERWISE_DB_URL: 'postgres://x:y@127.0.0.1:1/z',
  };
  for (const [name, env, told] of [
    ['the database', { ...all, TIERWISE_DB_URL: undefined }, /TIERWISE_DB_URL/],
    ['the issuer', { ...all, TIERWISE_JWT_ISSUER: undefined }, /TIERWISE_JWT_ISSUER/],
    ['keys of the sign-in', { ...all, TIERWISE_JWT_SECRET: undefined }, /TIERWISE_JWKS_URL or TIERWISE_JWT_SECRET/],
    ['a short secret', { ...all, TIERWISE_JWT_SECRET: 'secret' }, /fewer than 32/],
    ['a sealing key that is none', { ...all, TIERWISE_SEALING_KEYS: 'k1:abc' }, /TIERWISE_SEALING_KEYS/],
    ['a router over http', { ...all, TIERWISE_ROUTER_URL: 'http://router.test' }, /TIERWISE_ROUTER_URL/],
  ]) {
    const functions = await startFunctions({ env });
    const response = await fetch(`${functions.url}/config`, {
      headers: { authorization: `Bearer ${tokens.hs256(users.member)}` },
    });
    const { code, error } = await response.json();
    await functions.stop();
    assert.deepEqual([response.status, code], [503, 'not-configured'], name);
    assert.match(error, told);
    assert.ok(!error.includes('abc'));
  }
  await assert.rejects(startFunctions({ env: { PATH: '/' } }), /no variable PATH/);
});

test('errors of the database: what a caller is told of each', () => {
  const cases = {
    // The server was killed: found out while connecting, waiting, writing.
    ...{
      ECONNREFUSED: 503,
      CONNECTION_CLOSED: 503,
      EPIPE: 503,
      ECONNRESET: 503,
      '57P01': 503,
      '57P03': 503,
      53300: 503,
    },
    ...{ ENOTFOUND: 503, EAI_AGAIN: 503, EHOSTUNREACH: 503, ENETUNREACH: 503, CONNECT_TIMEOUT: 503, 40001: 503 },
    ...{ 28000: 401, 42501: 403, 54000: 413, 22023: 400, 23505: 409, '42P01': 503 },
    ...{ XX000: 'as it is', EACCES: 'as it is' },
  };
  const shared = new URL('../../web/backend/supabase/functions/_shared/database.ts', import.meta.url).href;
  const program = `import { refusalOf } from '${shared}';
    const told = (code) => refusalOf(Object.assign(new Error('secret'), { code })).status ?? 'as it is';
    console.log(JSON.stringify(Object.fromEntries(${JSON.stringify(Object.keys(cases))}.map((code) => [code, told(code)]))));`;
  const { stdout, stderr } = spawnSync(denoBinary(), ['run', ...denoFlags, '--allow-env', '-'], {
    input: program,
    env: cacheEnvironment(),
    encoding: 'utf8',
  });
  assert.deepEqual(stdout === '' ? stderr : JSON.parse(stdout), cases);
});

test('one function alone, as hosted Supabase runs it', async () => {
  const stage = await start();
  const file = fileURLToPath(new URL('../../web/backend/supabase/functions/config/index.ts', import.meta.url));
  const child = spawn(
    denoBinary(),
    [
      'serve',
      ...denoFlags.filter((flag) => flag !== '--quiet'),
      '--allow-net',
      '--allow-env',
      '--host=127.0.0.1',
      '--port=0',
      file,
    ],
    {
      env: { ...cacheEnvironment(), ...stage.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  try {
    const port = await new Promise((resolve, reject) => {
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (text) => {
          said += text;
          const found = /:(\d+)\//.exec(said)?.[1];
          if (found !== undefined) resolve(Number(found));
        });
      child.once('close', () => reject(new Error(said)));
    });
    const ask = (path, user) =>
      fetch(`http://127.0.0.1:${String(port)}/${path}`, {
        headers: { authorization: `Bearer ${stage.tokens.es256(user)}` },
      });
    assert.equal((await (await ask('config', users.member)).json()).role, 'member');
    assert.ok((await (await ask('config/flags', users.admin)).json()).rows.length > 0);
    assert.equal((await ask('config/flags', users.member)).status, 403);
  } finally {
    child.kill('SIGKILL');
    await stage.stop();
  }
});
