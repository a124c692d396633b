/**
 * llama.cpp's own server (xllamacpp) with a 6 MB model that always gives the same answer at temperature 0. The
 * environment is made on first use; the model is written by the recipe beside the project, so where that is absent
 * there is nothing to start (`undefined`, and a line that says so). Test code.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { llamacpp } from '../../scripts/venv-pins.mjs';
import { cacheFolder, ensureVenv, SetupError } from '../../scripts/venv.mjs';

/** What the model says, whatever it is asked. */
export const llamaReply = ' Hello from a real llama.cpp server caf\u00e9 \u65e5\u672c \u{1F600}!';
const recipe = fileURLToPath(new URL('../../../shared/fixtures/make-chain-gguf.py', import.meta.url));
const startUpMs = 60_000;

const script = `
import sys, time, xllamacpp
model, context, slots, key = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
params = xllamacpp.CommonParams()
params.model.path = model
params.n_ctx = context
params.n_parallel = slots
params.port = 0
params.hostnames = ["127.0.0.1"]
params.warmup = False
params.n_gpu_layers = 0
params.cpuparams.n_threads = 1
params.endpoint_slots = True
if key: params.api_keys = [key]
server = xllamacpp.Server(params)
print("LISTENING", server.listening_address, flush=True)
while True: time.sleep(3600)
`;

/**
 * @param {{ apiKey?: string, context?: number, slots?: number }} [options]
 * @returns {Promise<{ origin: string, stop: () => Promise<void>, output: () => string } | undefined>}
 */
export async function startLlamaCpp({ apiKey = '', context = 2048, slots = 1 } = {}) {
  if (!existsSync(recipe)) {
    console.warn(`Skipped: the recipe of the small model is not at ${recipe}.`);
    return undefined;
  }
  let python;
  try {
    ({ python } = await ensureVenv('llamacpp', llamacpp));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.warn(`Skipped: ${error.message}`);
    return undefined;
  }
  const model = await chainModel(python);
  const child = spawn(python, ['-c', script, model, String(context), String(slots), apiKey], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk) => (output = (output + chunk).slice(-20_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise((resolve) => child.once('close', resolve));
  // A test that dies must not leave its server behind.
  const orphan = () => child.kill('SIGKILL');
  process.once('exit', orphan);
  void ended.then(() => process.off('exit', orphan));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };

  const deadline = Date.now() + startUpMs;
  while (Date.now() < deadline && child.exitCode === null) {
    // The server's own log may run into our line.
    const origin = /(?:LISTENING|listening on) (http:\/\/127\.0\.0\.1:\d+)\s/.exec(output)?.[1];
    if (origin !== undefined && (await fetch(`${origin}/health`).catch(() => undefined))?.ok)
      return { origin, stop, output: () => output };
    await sleep(100);
  }
  await stop();
  throw new Error(`The llama.cpp server did not start:\n${output}`);
}

async function chainModel(python) {
  const file = path.join(cacheFolder(), 'models', 'tiny-chain-1048576.gguf');
  if (existsSync(file)) return file;
  await mkdir(path.dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  // A context larger than any test uses: the server is told the one that counts.
  await promisify(execFile)(python, [recipe, partial, '1048576']);
  await rename(partial, file);
  return file;
}
