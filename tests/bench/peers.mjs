/**
 * The packages Tierwise is measured against: exactly those of `package-lock.json` in this folder, installed once into
 * the user's cache folder (`<cache>/tierwise/peers-<hash of the lock file>`) by npm, without their install scripts.
 * A stamp written last marks an installation complete; an interrupted one is done again.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { cacheFolder, lock } from '../../scripts/venv.mjs';
import { root } from '../browser/harness.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The folder that holds `node_modules` with the peers. */
export async function ensurePeers(say = console.log) {
  const hash = createHash('sha256')
    .update(readFileSync(path.join(here, 'package-lock.json')))
    .digest('hex');
  const folder = path.join(cacheFolder(), `peers-${hash.slice(0, 12)}`);
  const isComplete = () => existsSync(path.join(folder, 'complete'));
  if (isComplete()) return folder;
  const unlock = await lock(`${folder}.lock`, () => say('Waiting: another process is installing the same packages.'));
  try {
    if (isComplete()) return folder;
    say('Installing the packages to measure against (once; about 10 s) …');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const name of ['package.json', 'package-lock.json'])
      copyFileSync(path.join(here, name), path.join(folder, name));
    // They run in the browser only: what Node they ask for does not matter.
    execFileSync(
      'npm',
      ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--engine-strict=false'],
      { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    writeFileSync(path.join(folder, 'complete'), '');
    return folder;
  } finally {
    await unlock();
  }
}

export function peerVersion(folder, name) {
  return JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
}

/** The AI SDK with the provider it is measured with, for a section's `peers`. */
export function aiVersions(folder) {
  return Object.fromEntries(['ai', '@ai-sdk/openai-compatible'].map((name) => [name, peerVersion(folder, name)]));
}

/** `code`, an ES module that imports peers, as one minified file for the browser. */
export async function bundlePeers(folder, code) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: folder, loader: 'js' },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  });
  return outputFiles[0].contents;
}

/** ONNX Runtime Web alone, as js/embedder/ort-session.ts uses it: the runtime and the batch, without a queue or a worker. */
export async function bundleRuntime() {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, 'js/embedder/ort-session.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    conditions: ['import', 'module', 'browser'],
    write: false,
  });
  return outputFiles[0].contents;
}
