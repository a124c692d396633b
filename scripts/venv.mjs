/**
 * Python environments, built once and kept in the user's cache folder.
 *
 * `ensureVenv(name, pins)` gives the environment that holds exactly the pinned packages: at once when it is there, after
 * an install when it is not. It lives at `<cache>/tierwise/venvs/<name>-<hash of the pins>`; a stamp file written last
 * marks it complete, so an interrupted install is done again; a lock folder holding the owner's process id lets several
 * processes ask for the same environment at once. Packages are installed with `uv` (found on the PATH, or put into an
 * environment of its own), which shares files between environments; where `uv` cannot be had, with pip.
 *
 * Paths use forward or back slashes as the system does. Times are milliseconds.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const kOldestPython = [3, 10];
const kNewestPython = 15;
const kLockWait = 20 * 60_000;
/** A lock without a process id in it is being made; older than this, its maker died between the two steps. */
const kEmptyLockAge = 10_000;

const windows = process.platform === 'win32';

/** What went wrong, and what a person can do about it, in `message`. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** The folder all environments are kept in: `$XDG_CACHE_HOME` or the system's usual place. */
export function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME || (windows && process.env.LOCALAPPDATA) || path.join(homedir(), '.cache');
  return path.join(base, 'tierwise');
}

/** Where the environment for these pins is, or will be. */
export function venvPath(name, pins) {
  const hash = createHash('sha256').update(JSON.stringify(pins.packages)).digest('hex').slice(0, 12);
  return path.join(cacheFolder(), 'venvs', `${name}-${hash}`);
}

/** The interpreter of an environment. */
export function venvPython(folder) {
  return windows ? path.join(folder, 'Scripts', 'python.exe') : path.join(folder, 'bin', 'python');
}

/**
 * Finds a Python of at least 3.10 (or as `min` and `below` say) that can make environments.
 * `TIERWISE_PYTHON` names one to be used before all others. Undefined when there is none.
 * @returns {Promise<{ path: string, version: string } | undefined>}
 */
export async function findPython({ min = kOldestPython, below } = {}) {
  const minors = [];
  for (let minor = kNewestPython; minor >= kOldestPython[1]; minor -= 1) minors.push(`python3.${minor}`);
  const candidates = [process.env.TIERWISE_PYTHON, 'python3', 'python', ...minors].filter(Boolean);
  if (windows) candidates.push('py');
  const script = 'import sys, venv, ensurepip; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])';
  for (const candidate of candidates) {
    const { code, output } = await run(candidate, ['-c', script], {}).catch(() => ({ code: -1, output: '' }));
    if (code !== 0) continue;
    const [executable, version] = output.trim().split(/\r?\n/);
    const [major, minor] = version.split('.').map(Number);
    if (before([major, minor], min) || (below !== undefined && !before([major, minor], below))) continue;
    return { path: executable, version };
  }
  return undefined;
}

/** As `findPython`, but throws a `SetupError` that says what to install. */
export async function ensurePython(range = {}) {
  const python = await findPython(range);
  if (python !== undefined) return python;
  const min = (range.min ?? kOldestPython).join('.');
  const below = range.below === undefined ? '' : ` and older than ${range.below.join('.')}`;
  throw new SetupError(
    `No Python ${min} or newer${below} with its venv module was found. Install one (on Debian and Ubuntu: ` +
      'apt install python3 python3-venv), or name it in TIERWISE_PYTHON.',
  );
}

/**
 * The environment holding `pins.packages`, installed if need be.
 * @param {string} name  what it is for: letters, digits and dashes
 * @param {{ packages: string[], python?: { min?: number[], below?: number[] } }} pins
 * @param {{ onProgress?: (message: string) => void }} [options]
 * @returns {Promise<{ folder: string, python: string, built: boolean, ms: number }>}
 */
export async function ensureVenv(name, pins, { onProgress = () => {} } = {}) {
  const startedAt = Date.now();
  const folder = venvPath(name, pins);
  const ready = { folder, python: venvPython(folder) };
  if (await isComplete(folder)) return { ...ready, built: false, ms: Date.now() - startedAt };

  const unlock = await lock(`${folder}.lock`, () => onProgress(`Waiting: another process is installing ${name}.`));
  try {
    // Another process may have finished it while this one waited.
    if (await isComplete(folder)) return { ...ready, built: false, ms: Date.now() - startedAt };
    const python = await ensurePython(pins.python);
    await rm(folder, { recursive: true, force: true });
    onProgress(`Installing ${pins.packages.join(', ')} (Python ${python.version}). Once only; up to a minute.`);
    const uv = name === 'uv' ? undefined : await findUv(onProgress);
    const withUv = uv !== undefined && (await installWithUv(uv, python, folder, pins, onProgress));
    if (!withUv) await installWithPip(python, folder, pins);
    await writeFile(stampPath(folder), JSON.stringify({ packages: pins.packages, python: python.version }) + '\n');
    const ms = Date.now() - startedAt;
    onProgress(`Installed ${name} in ${(ms / 1000).toFixed(1)} s.`);
    return { ...ready, built: true, ms };
  } finally {
    await unlock();
  }
}

function stampPath(folder) {
  return path.join(folder, 'tierwise-complete.json');
}

/** Complete, and the interpreter it was made from is still installed. */
async function isComplete(folder) {
  if (!existsSync(stampPath(folder))) return false;
  return realpath(venvPython(folder)).then(
    () => true,
    () => false,
  );
}

async function findUv(onProgress) {
  const { code } = await run('uv', ['--version'], {}).catch(() => ({ code: -1 }));
  if (code === 0) return 'uv';
  const pins = { packages: ['uv>=0.8'] };
  try {
    if (!(await isComplete(venvPath('uv', pins)))) onProgress('Getting the installer (uv).');
    const { folder } = await ensureVenv('uv', pins);
    return path.join(path.dirname(venvPython(folder)), windows ? 'uv.exe' : 'uv');
  } catch {
    return undefined;
  }
}

/** False when uv failed, so that pip may try: it knows package indexes that uv was not told of. */
async function installWithUv(uv, python, folder, pins, onProgress) {
  const env = {};
  if (process.env.PIP_INDEX_URL && !process.env.UV_DEFAULT_INDEX) env.UV_DEFAULT_INDEX = process.env.PIP_INDEX_URL;
  const made = await run(uv, ['venv', '--quiet', '--no-project', '--python', python.path, folder], env);
  const installed =
    made.code === 0
      ? await run(
          uv,
          ['pip', 'install', '--quiet', '--compile-bytecode', '--python', venvPython(folder), ...pins.packages],
          env,
        )
      : made;
  if (installed.code === 0) return true;
  onProgress(`uv could not install it (${lastLine(installed.output)}). Trying pip.`);
  await rm(folder, { recursive: true, force: true });
  return false;
}

async function installWithPip(python, folder, pins) {
  const steps = [
    [python.path, ['-m', 'venv', folder]],
    [venvPython(folder), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...pins.packages]],
  ];
  for (const [command, args] of steps) {
    const { code, output } = await run(command, args, {});
    if (code === 0) continue;
    throw new SetupError(
      `Python packages could not be installed (${pins.packages.join(', ')}): ${lastLine(output)} ` +
        'Check the network and the disk, then run the command again.',
    );
  }
}

/** Takes the lock folder; gives the function that lets it go. A lock whose owner died is taken over. */
export async function lock(folder, onWait) {
  await mkdir(path.dirname(folder), { recursive: true });
  const owner = path.join(folder, 'pid');
  const deadline = Date.now() + kLockWait;
  let waited = false;
  for (;;) {
    try {
      await mkdir(folder);
      await writeFile(owner, String(process.pid));
      return () => rm(folder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw new SetupError(`The folder ${path.dirname(folder)} cannot be written: ${error.message}.`);
      }
    }
    if (await isAbandoned(folder, owner)) {
      // Renaming succeeds for one of several waiting processes.
      const claimed = `${folder}.${process.pid}`;
      await rename(folder, claimed).catch(() => undefined);
      await rm(claimed, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > deadline) {
      throw new SetupError(`Another process has been installing for too long. If none is, delete ${folder}.`);
    }
    if (!waited) onWait();
    waited = true;
    await sleep(200);
  }
}

async function isAbandoned(folder, owner) {
  const text = await readFile(owner, 'utf8').catch(() => '');
  if (text === '') {
    const age = await stat(folder).then(
      (info) => Date.now() - info.mtimeMs,
      () => 0,
    );
    return age > kEmptyLockAge;
  }
  try {
    process.kill(Number(text), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Runs a program to its end; rejects only when it cannot be started. */
function run(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-20_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

function lastLine(text) {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}

function before(version, bound) {
  return version[0] !== bound[0] ? version[0] < bound[0] : version[1] < bound[1];
}
