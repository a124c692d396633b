/**
 * Runs the Space of models/space on this machine, on loopback only.
 *
 * `startSpaces` serves several tiers from one Python process: Gradio takes seconds to import, so three processes would
 * cost that three times. Each tier still is exactly the Space's app, on its own port, over its own knowledge folder.
 * The process ends with `stop()`, and by itself when the process that started it is gone.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { space } from './venv-pins.mjs';
import { SetupError, ensureVenv } from './venv.mjs';

export { SetupError, ensurePython, ensureVenv, findPython, venvPath, venvPython } from './venv.mjs';

/** The folder of the Space's own files. */
export const spaceFolder = fileURLToPath(new URL('../models/space/', import.meta.url));

/** The environment the Space runs in: the one its Gradio version is tested in. */
export const ensureSpaceVenv = (options) => ensureVenv('gradio6', space, options);

const kStartTimeout = 60_000;
const kStopTimeout = 5_000;
const kKeptLog = 4_000;

/**
 * @param {{
 *   tiers?: string[],                      folders under models/space/knowledge, or paths
 *   ports?: Record<string, number>,        wished for; a taken port becomes a free one
 *   env?: Record<string, string>,          settings of the Space (see its README)
 *   onProgress?: (message: string) => void,
 *   onLog?: (line: string) => void,        the Space's request log
 * }} [options]
 * @returns {Promise<Record<string, string> & { pid: number, ended: Promise<unknown>, stop(): Promise<void> }>}  the address of each tier
 * @throws {SetupError} when there is no Python, the packages cannot be installed, or the Space does not start
 */
export async function startSpaces({
  tiers = ['base', 'company', 'abstraction'],
  ports = {},
  env = {},
  onProgress = () => {},
  onLog = () => {},
} = {}) {
  const { python } = await ensureSpaceVenv({ onProgress });
  const startedAt = Date.now();
  onProgress(`Starting the ${tiers.length === 1 ? 'Space' : 'Spaces'} ${tiers.join(', ')}.`);
  const args = tiers.flatMap((tier) => ['--tier', `${tier}:${ports[tier] ?? 0}`]);
  const child = spawn(python, [path.join(spaceFolder, 'serve_local.py'), '--stop-with-stdin', ...args], {
    cwd: spaceFolder,
    // Bytecode written once makes every later start faster; nothing of Gradio's goes out to the network.
    env: {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: '',
      PYTHONUNBUFFERED: '1',
      GRADIO_ANALYTICS_ENABLED: 'False',
      HF_HUB_DISABLE_TELEMETRY: '1',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => resolve({ error }));
  });
  // A child that is gone makes writing to it fail; nothing is written, but the pipe may report it.
  child.stdin.on('error', () => {});

  let log = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    log = `${log}${line}\n`.slice(-kKeptLog);
    onLog(line);
  });

  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), kStopTimeout);
    await ended;
    clearTimeout(timer);
  };

  try {
    const urls = await ready(child, ended, () => log);
    onProgress(
      `The ${tiers.length === 1 ? 'Space is' : 'Spaces are'} up after ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`,
    );
    return { ...urls, pid: child.pid, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * One Space: as `startSpaces`, for one tier or for the knowledge folder given.
 * @param {{ tier?: string, port?: number, knowledge?: string, env?: Record<string, string>, onProgress?: (message: string) => void, onLog?: (line: string) => void }} [options]
 * @returns {Promise<{ url: string, pid: number, stop(): Promise<void> }>}
 */
export async function startSpace({ tier = 'base', port = 0, knowledge, env, onProgress, onLog } = {}) {
  const name = knowledge === undefined ? tier : path.resolve(knowledge);
  const spaces = await startSpaces({ tiers: [name], ports: { [name]: port }, env, onProgress, onLog });
  return { url: spaces[name], pid: spaces.pid, stop: spaces.stop };
}

/** The addresses the process announces once every server answers. */
async function ready(child, ended, log) {
  const lines = createInterface({ input: child.stdout });
  const announced = new Promise((resolve) => {
    lines.on('line', (line) => {
      if (line.startsWith('{"ready"')) resolve({ urls: JSON.parse(line).ready });
    });
  });
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ late: true }), kStartTimeout);
  });
  const first = await Promise.race([announced, ended, late]);
  clearTimeout(timer);
  if (first.urls !== undefined) return first.urls;
  const why = first.late
    ? `It was not ready after ${kStartTimeout / 1000} s.`
    : (first.error?.message ?? 'It ended at once.');
  throw new SetupError(`The Space did not start. ${why}\n${log().trim()}`.trim());
}
