/**
 * Starts `gradio_app.py` under real Gradio 4.44, 5.50 and 6.31, each in its own environment (made on first use, see
 * scripts/venv-pins.mjs) on a free loopback port. Servers are stopped by process id.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

import { gradio4, gradio5, gradio6 } from '../../scripts/venv-pins.mjs';
import { ensureVenv } from '../../scripts/venv.mjs';

export const gradioVersions = { gradio4, gradio5, gradio6 };
const app = fileURLToPath(new URL('./gradio_app.py', import.meta.url));
const startUpMs = 90_000;

/** A loopback port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * @param {'gradio4' | 'gradio5' | 'gradio6'} name
 * @returns {Promise<{ name: string, version: string, origin: string, port: number, ran: () => Promise<Record<string, number>>,
 *   waiting: () => Promise<number>, output: () => string, stop: () => Promise<void>, kill: () => Promise<void> }>}
 */
export async function startGradio(name, { env = {}, onProgress } = {}) {
  const { python } = await ensureVenv(name, gradioVersions[name], onProgress === undefined ? {} : { onProgress });
  const port = await freePort();
  const child = spawn(python, [app, String(port)], {
    env: {
      ...process.env,
      GRADIO_ANALYTICS_ENABLED: 'False',
      HF_HUB_OFFLINE: '1',
      GRADIO_HEARTBEAT_INTERVAL: '2',
      PYTHONWARNINGS: 'ignore',
      PYTHONDONTWRITEBYTECODE: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk) => (output = (output + chunk).slice(-8000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise((resolve) => child.once('close', resolve));
  const end = async (signal) => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    await ended;
    clearTimeout(timer);
  };
  // A test that dies must not leave its server behind.
  const orphan = () => child.kill('SIGKILL');
  process.once('exit', orphan);
  void ended.then(() => process.off('exit', orphan));

  const origin = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + startUpMs;
  for (;;) {
    const answer = await fetch(`${origin}/version`).catch(() => undefined);
    if (answer?.ok) {
      return {
        name,
        version: await answer.json(),
        origin,
        port,
        ran: async () => (await fetch(`${origin}/ran`)).json(),
        waiting: async () => (await fetch(`${origin}/waiting`)).json(),
        output: () => output,
        stop: () => end('SIGTERM'),
        kill: () => end('SIGKILL'),
      };
    }
    if (child.exitCode !== null) throw new Error(`The ${name} server ended before it was ready:\n${output}`);
    if (Date.now() > deadline) {
      await end('SIGKILL');
      throw new Error(`The ${name} server was not ready within ${startUpMs / 1000} s:\n${output}`);
    }
    await sleep(100);
  }
}
