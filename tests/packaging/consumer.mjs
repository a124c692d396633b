/**
 * Projects that use the package as a person's would: their own `package.json`, their own `node_modules`, and the
 * tarball unpacked as `node_modules/tierwise`.
 *
 * `openConsumer(name, dependencies, { tarball, files })` gives one. Its dependencies (exact versions) are installed once
 * and kept at `<cache>/tierwise/consumers/<name>-<hash of its package.json>`; a stamp file written last marks them complete,
 * so an interrupted install is done again. Everything else in the folder, the package included, is fresh each time. A
 * lock keeps other processes out until `close()`, which ends whatever was started here.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { cacheFolder, lock } from '../../scripts/venv.mjs';
import { unpack } from './pack.mjs';

const kStartLimit = 120_000;
const stampName = 'tierwise-complete';
const kept = new Set(['package.json', 'package-lock.json', 'node_modules', stampName]);
/** Made by bundlers from an earlier copy of the package. */
const staleCaches = ['.vite', '.cache'];
const quiet = { NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1', FORCE_COLOR: '0', CI: '1', BROWSER: 'none' };

/** Where a file of `apps/` is. */
export const app = (name) => fileURLToPath(new URL(`apps/${name}`, import.meta.url));

/**
 * @param {string} name
 * @param {Record<string, string>} dependencies  name -> exact version
 * @param {{ tarball: string, type?: 'module' | 'commonjs', files?: Record<string, string | { copy: string }> }} options
 *   files: path -> text, or a file to copy
 */
export async function openConsumer(name, dependencies, { tarball, type = 'module', files = {} }) {
  const manifest = `${JSON.stringify({ name, private: true, type, dependencies }, null, 2)}\n`;
  const hash = createHash('sha256').update(manifest).digest('hex').slice(0, 12);
  const folder = path.join(cacheFolder(), 'consumers', `${name}-${hash}`);
  const unlock = await lock(`${folder}.lock`, () => console.log(`Waiting: another process is using ${name}.`));
  const running = new Set();
  try {
    await ensureInstalled(name, folder, manifest, dependencies);
    for (const entry of readdirSync(folder))
      if (!kept.has(entry)) rmSync(path.join(folder, entry), { recursive: true, force: true });
    for (const cache of staleCaches) rmSync(path.join(folder, 'node_modules', cache), { recursive: true, force: true });
    unpack(tarball, path.join(folder, 'node_modules/tierwise'));
  } catch (error) {
    await unlock();
    throw error;
  }
  const write = (more) => {
    for (const [file, content] of Object.entries(more)) {
      const target = path.join(folder, file);
      mkdirSync(path.dirname(target), { recursive: true });
      if (typeof content === 'string') writeFileSync(target, content);
      else copyFileSync(content.copy, target);
    }
  };
  write(files);
  return {
    folder,
    write,
    /** Runs Node to its end. @returns {Promise<{ code: number, stdout: string, stderr: string, ms: number }>} */
    run: (...args) => runNode(args, folder),
    /** Starts a server (Node's arguments; `$PORT` stands for a free port) and waits until it answers. */
    async start(...args) {
      const server = await startNode(args, folder);
      running.add(server);
      return server;
    },
    async close() {
      await Promise.all([...running].map((server) => server.stop()));
      await unlock();
    },
  };
}

async function ensureInstalled(name, folder, manifest, dependencies) {
  if (existsSync(path.join(folder, stampName))) return;
  const startedAt = Date.now();
  const list = Object.entries(dependencies).map(([dependency, version]) => `${dependency} ${version}`);
  if (list.length > 0) console.log(`Installing ${list.join(', ')} for ${name}. Once only; up to a minute.`);
  // One more try: registries fail now and then.
  for (const isLast of [false, true]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), manifest);
    if (list.length === 0) break;
    const { code, stderr } = await run(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      folder,
    );
    if (code === 0) break;
    if (isLast) throw new Error(`npm could not install ${list.join(', ')}:\n${stderr.slice(-2000)}`);
  }
  writeFileSync(path.join(folder, stampName), '');
  if (list.length > 0) console.log(`Installed ${name} in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
}

export const runNode = (args, cwd, env) => run(process.execPath, args, cwd, env);

/** Runs a program to its end; one that takes more than 5 minutes is ended. */
export function run(command, args, cwd, env = {}) {
  return new Promise((resolve, reject) => {
    const startedAt = Date.now();
    const child = spawn(command, args, {
      cwd,
      env: { ...environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 300_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr, ms: Date.now() - startedAt }));
  });
}

async function startNode(args, cwd) {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    args.map((arg) => arg.replace('$PORT', String(port))),
    { cwd, env: environment(), stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ended = new Promise((resolve) => child.once('close', resolve));
  // The server and whatever it started are one process group.
  const stop = async () => {
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      return;
    }
    await ended;
  };
  const origin = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + kStartLimit;
  for (;;) {
    const answers = await fetch(origin).then(
      (response) => response.text().then(() => true),
      () => false,
    );
    if (answers) return { origin, output: () => output, stop };
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${args.join(' ')} did not start:\n${output.slice(-4000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What the test runner tells its own children is none of a consumer's business. */
function environment() {
  const all = { ...process.env, ...quiet };
  for (const name of ['NODE_OPTIONS', 'NODE_TEST_CONTEXT']) delete all[name];
  return all;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
