/**
 * `npm start` when things go wrong around it: several starts at once, a start that is killed in the middle, damaged files,
 * ports that are taken, a database that goes silent or has an owner of an unusual name, options that do not exist.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startBackend } from '../../web/backend/embedded/backend.mjs';
import { startFunctions } from '../../web/backend/embedded/functions.mjs';
import { keepLog } from '../../web/backend/embedded/kept-log.mjs';
import { listen } from '../../web/backend/embedded/listen.mjs';
import { kinds, newDatabase, startServer, temporaryFolder } from './servers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isLinux = process.platform === 'linux';
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(condition, what, ms = 30_000) {
  for (const limit = Date.now() + ms; !(await condition());) {
    if (Date.now() > limit) assert.fail(`waited in vain for ${what}`);
    await sleep(5);
  }
}
const isThere = (pid) => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
/** Processes that were started with this text in their command. */
const processesOf = (text) =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && isThere(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });
const begin = (port = 0) =>
  new Promise((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });

/** A program that starts PostgreSQL in the folder and stays: `{ child, said() }`. */
function program(folder) {
  const launcher = new URL('../../web/backend/embedded/postgres.mjs', import.meta.url).href;
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { startPostgres } = await import('${launcher}');
       await startPostgres({ folder: ${JSON.stringify(folder)} })
         .then(() => console.log('started'), (error) => { console.log(error.code, error.pid); process.exit(); });`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  return { child, said: () => said.trim(), ended: new Promise((resolve) => child.once('exit', resolve)) };
}

describe('the data folder', { skip: !isLinux }, () => {
  let home;
  before(() => (home = temporaryFolder()));
  after(() => home.remove());

  test('killed while the cluster is made: nothing goes on, and the next start makes it at once', async () => {
    for (const atOnce of [false, true]) {
      const { folder, remove } = temporaryFolder();
      const unfinished = () => readdirSync(folder).find((name) => name.startsWith('cluster.new-'));
      const first = program(folder);
      let next;
      try {
        await until(() => existsSync(path.join(folder, unfinished() ?? '', 'global')), 'initdb');
        first.child.kill('SIGKILL');
        await first.ended;
        if (!atOnce) {
          await until(() => processesOf(`--pgdata=${folder}`).length === 0, 'the end of initdb');
          assert.equal(existsSync(path.join(folder, unfinished() ?? '', 'global/pg_control')), false, 'it went on');
        }
        next = program(folder);
        await until(() => next.said() !== '', 'the next start');
        assert.equal(next.said(), 'started');
        assert.deepEqual(processesOf(`--pgdata=${folder}`), []);
        assert.deepEqual(readdirSync(folder).sort(), ['cluster', 'credentials.json', 'owner.json', 'postgres.log']);
      } finally {
        for (const one of [first, next]) one?.child.kill('SIGKILL');
        await next?.ended;
        await until(() => processesOf(`${folder}/cluster`).length === 0, 'its server to end');
        remove();
      }
    }
  });

  test('of several starts at once one has it, and the others are told so at once', async () => {
    for (let round = 0; round < 4; round += 1) {
      // From the second round on a killed owner's file is there.
      const all = Array.from({ length: 6 }, () => program(home.folder));
      try {
        await until(() => all.every(({ said }) => said() !== ''), 'an answer of each', 25_000);
        const [owner, ...more] = all.filter(({ said }) => said() === 'started');
        assert.deepEqual(more, []);
        for (const one of all.filter((other) => other !== owner))
          assert.equal(one.said(), `IN_USE ${String(owner.child.pid)}`);
        const { pid } = JSON.parse(readFileSync(path.join(home.folder, 'owner.json'), 'utf8'));
        assert.equal(pid, owner.child.pid);
        assert.equal(statSync(path.join(home.folder, 'owner.json')).mode & 0o777, 0o600);
      } finally {
        for (const { child } of all) child.kill('SIGKILL');
        await Promise.all(all.map(({ ended }) => ended));
      }
    }
    assert.deepEqual(
      readdirSync(home.folder).filter((name) => /new|old/.test(name)),
      [],
    );
  });

  test('a file that is damaged is named, what is in it is not told, and it stays as it is', async () => {
    const start = () => startBackend({ port: 0, folder: home.folder, env: {} });
    await (await start()).stop();
    for (const [name, ...damaged] of [
      ['credentials.json', '', 'topsecret', '{"postgres":"topsecret', '{}', 'null', '{"postgres":1,"authenticator":2}'],
      ['sealing-key.json', '{}', 'null', '[]', '{"id":"a,b","key":"topsecret"}'],
      ['sign-in.json', '{}', 'null', '{"jwk":{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"topsecret"}}'],
      ['sessions.json', 'null', '"topsecret"', '{"topsecret":null}', '{"a":{"user":"u","token":"t"}}'],
    ]) {
      const file = path.join(home.folder, name);
      const whole = existsSync(file) ? readFileSync(file) : undefined;
      for (const text of damaged) {
        writeFileSync(file, text);
        await assert.rejects(start(), ({ message }) => {
          assert.ok(message.startsWith(`${file} is damaged. Put it back from a copy`), message);
          assert.ok(!message.includes('topsecr'), message);
          return true;
        });
        assert.equal(readFileSync(file, 'utf8'), text);
      }
      if (whole === undefined) rmSync(file);
      else writeFileSync(file, whole);
    }
    const credentials = path.join(home.folder, 'credentials.json');
    const whole = readFileSync(credentials);
    rmSync(credentials);
    await assert.rejects(start(), /credentials\.json is missing/);
    writeFileSync(credentials, whole, { mode: 0o600 });
    // What says who has it may be anything.
    for (const text of ['', 'null', '7', '{"pid":"x"}', '{"pid":-1}']) {
      writeFileSync(path.join(home.folder, 'owner.json'), text);
      await (await start()).stop();
    }
  });
});

test('a port that is the last one there is and is taken is refused, not stumbled over', async () => {
  const taken = createServer();
  await new Promise((resolve) => taken.once('error', resolve).listen(65_535, '127.0.0.1', resolve));
  await assert.rejects(listen(createServer(), 65_535), { code: 'EADDRINUSE' });
  taken.close();
});

test('of ports that are taken the next free one is found', async () => {
  const first = await begin();
  const { port } = first.address();
  const second = createServer();
  const found = await listen(second, port);
  assert.ok(found > port && found <= port + 20);
  first.close();
  second.close();
});

test('stopped while their port is taken, the functions do not come back', { skip: !isLinux }, async () => {
  let refused = false;
  const functions = await startFunctions({ onLine: (line) => (refused ||= line.includes('AddrInUse')) });
  process.kill(functions.pid, 'SIGKILL');
  const other = await (async () => {
    for (;;) {
      const server = createServer();
      const took = await new Promise((resolve) =>
        server
          .once('error', () => resolve(false))
          .once('listening', () => resolve(true))
          .listen(functions.port, '127.0.0.1'),
      );
      if (took) return server;
    }
  })();
  await until(() => refused && !isThere(functions.pid), 'a restart that fails');
  await sleep(60);
  await new Promise((resolve) => other.close(resolve));
  await functions.stop();
  assert.equal(isThere(functions.pid), false);
});

test('the log keeps its newest lines, for this user only, and a full disk does not end the program', () => {
  const { folder, remove } = temporaryFolder();
  const file = path.join(folder, 'x.log');
  for (let start = 0; start < 3; start += 1) {
    const write = keepLog(file, 100);
    for (let nth = 0; nth < 10; nth += 1) write(`${String(start)} ${String(nth)} ${'é'.repeat(10)}`);
  }
  const lines = [`${file}.old`, file].flatMap((one) => readFileSync(one, 'utf8').trim().split('\n'));
  assert.match(lines.at(-1), /^2 9 é{10}$/);
  assert.ok(lines.length >= 4 && lines.length <= 8, String(lines.length));
  for (const one of [`${file}.old`, file]) {
    assert.equal(statSync(one).mode & 0o777, 0o600);
    assert.ok(statSync(one).size <= 100);
  }
  keepLog(path.join(folder, 'no-such-folder', 'x.log'))('told to nobody');
  remove();
});

test('what went wrong in the functions is in the log of the data folder, without what was sent', async () => {
  const { folder, remove } = temporaryFolder();
  const backend = await startBackend({ port: 0, folder, env: {} });
  try {
    const answer = await fetch(`${backend.url}/functions/v1/config/topsecret?topsecret`, {
      headers: { authorization: 'Bearer top.sec.ret' },
    });
    await answer.text();
    const log = path.join(folder, 'functions.log');
    await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('\n'), 'the line');
    const text = readFileSync(log, 'utf8');
    assert.ok(text.includes(answer.headers.get('x-request-id')), text);
    assert.doesNotMatch(text, /top\.?sec/);
    assert.equal(statSync(log).mode & 0o777, 0o600);
  } finally {
    await backend.stop();
    remove();
  }
});

test('the functions answer while Spaces move to other addresses, and when that fails', async () => {
  const { folder, remove } = temporaryFolder();
  const backend = await startBackend({ port: 0, folder, env: {} });
  const ask = async () => (await fetch(`${backend.url}/functions/v1/config`)).status;
  try {
    const before = backend.pids().functions;
    const statuses = [];
    let moved = false;
    const moving = backend.useSpaces({ base: 'http://127.0.0.1:7861' }).finally(() => (moved = true));
    while (!moved) {
      statuses.push(await ask());
      await sleep(20);
    }
    await moving;
    // One may be on its way just when they change places.
    const others = statuses.filter((status) => status !== 401);
    assert.ok(statuses.length > 1 && (others.length === 0 || others.join() === '503'), statuses.join());
    assert.notEqual(backend.pids().functions, before);
    // An address that Deno does not take.
    await assert.rejects(backend.useSpaces({ base: 'https://a*b' }));
    assert.equal(await ask(), 401);
  } finally {
    await backend.stop();
    remove();
  }
});

test('under a foreign name nothing is answered while it starts, either', async () => {
  const { folder, remove } = temporaryFolder();
  const free = await begin();
  const { port } = free.address();
  await new Promise((resolve) => free.close(resolve));
  const ask = (host) =>
    new Promise((resolve) =>
      httpRequest({ host: '127.0.0.1', port, path: '/functions/v1/config', headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', () => resolve(undefined))
        .end(),
    );
  const starting = startBackend({ port, folder, env: {} });
  try {
    let status;
    await until(async () => (status = await ask('evil.example')) !== undefined, 'the first answer');
    assert.equal(await ask('127.0.0.1'), 503);
    assert.equal(status, 421);
  } finally {
    await (await starting).stop();
    remove();
  }
});

for (const kind of kinds)
  describe(`a database of somebody's own that is unusual, ${kind.name}`, () => {
    let running;
    let database;
    let home;
    before(async () => {
      running = await startServer(kind);
      database = await newDatabase(running.server, {
        before: `create role "first.last" superuser login password 'p@:/#?% ü'`,
        migrated: false,
      });
      home = temporaryFolder();
    });
    after(async () => {
      await database?.close();
      await running?.stop();
      home?.remove();
    });
    const addressAs = (user, password, port) => {
      const url = new URL(database.adminUrl);
      url.username = encodeURIComponent(user);
      url.password = encodeURIComponent(password);
      if (port !== undefined) url.port = String(port);
      return url;
    };
    const start = (url, more) =>
      startBackend({ port: 0, folder: home.folder, databaseUrl: url.href ?? url, env: {}, ...more });

    test('an owner with a dot and odd characters; an address without a database; several starts at once', async () => {
      const url = addressAs('first.last', 'p@:/#?% ü');
      const all = await Promise.all([1, 2, 3].map(() => start(url)));
      try {
        await Promise.all(all.map((one) => one.useSpaces({ base: 'http://127.0.0.1:7861' })));
        const [{ n }] = await database.admin`select count(*)::int as n from public.hf_spaces_config where is_active`;
        assert.equal(n, 1);
        const health = await fetch(`${all[0].url}/functions/v1/health`);
        assert.equal(health.status, 401);
      } finally {
        for (const one of all) await one.stop();
      }
      const bare = new URL(running.server.url());
      bare.pathname = '';
      await (await start(bare)).stop();
    });

    test('an address that cannot be read is refused without a word of it', async () => {
      for (const url of [
        'postgres://user:topsecret%zz@127.0.0.1/x',
        'postgres://user:topsecret@127.0.0.1:1,127.0.0.1:2/x',
        'topsecret',
        'postgres://user:topsecret@/x',
      ])
        await assert.rejects(start(url), ({ message }) => {
          assert.match(message, /^DATABASE_URL must be/);
          assert.ok(!message.includes('topsecret'));
          return true;
        });
    });

    test('one that goes silent does not hold up the end', async () => {
      let silent = false;
      const sockets = new Set();
      const between = createServer((near) => {
        const far = connect(running.server.port, '127.0.0.1');
        for (const [from, to] of [
          [near, far],
          [far, near],
        ]) {
          sockets.add(from);
          from.on('error', () => {}).on('data', (part) => silent || to.write(part));
          from.on('close', () => silent || to.destroy());
        }
      });
      await new Promise((resolve) => between.listen(0, '127.0.0.1', resolve));
      const backend = await start(addressAs('first.last', 'p@:/#?% ü', between.address().port), {
        retentionFirstMs: 300,
      });
      silent = true;
      await sleep(600);
      const moving = backend.useSpaces({ base: 'http://127.0.0.1:7999' }).catch(() => {});
      const began = Date.now();
      await Promise.race([backend.stop(), sleep(20_000)]);
      assert.ok(Date.now() - began < 15_000, 'the end waits for the database');
      await moving;
      for (const socket of sockets) socket.destroy();
      between.close();
    });
  });

const built = existsSync(path.join(root, 'build/demo/index.html')) && existsSync(path.join(root, 'dist/index.js'));
if (!built) console.log('skipped: npm start itself, because the demo is not built (npm test -- browser builds it)');

describe('npm start', { skip: !built || !isLinux }, () => {
  const run = (...words) =>
    spawn(process.execPath, ['scripts/start.mjs', '--no-build', '--no-spaces', ...words], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DATABASE_URL: '' },
    });

  for (const words of [['--data'], ['--data='], ['--data', '--no-backend'], ['--bogus'], ['folder'], ['--port', 'x']])
    test(`${words.join(' ')} is refused, and nothing is started`, async () => {
      const child = run(...words);
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
      const code = await Promise.race([new Promise((resolve) => child.once('exit', resolve)), sleep(8000)]);
      child.kill('SIGTERM');
      assert.equal(code, 2);
      assert.notEqual(said, '');
      assert.doesNotMatch(said, /\n {4}at /);
    });

  test('goes on when nobody reads what it says any more', async () => {
    const { folder, remove } = temporaryFolder();
    const child = run('--port', '0', '--backend-port', '0', `--data=${folder}`);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
      await until(() => said.includes('Ready in'), 'the start', 60_000);
      const url = /Backend +(http:\S+)/.exec(said)[1];
      child.stdout.destroy();
      const [server] = processesOf(`${folder}/cluster`);
      process.kill(Number(server), 'SIGKILL');
      await until(
        () => processesOf(`${folder}/cluster`).some((pid) => pid !== server),
        'the restart, which is told of',
      );
      await sleep(1000);
      assert.equal((await fetch(`${url}/auth/v1/.well-known/jwks.json`)).status, 200);
    } finally {
      child.kill('SIGTERM');
      await ended;
      remove();
    }
  });
});
