/**
 * The packages Tierwise is measured against: exactly those of `package-lock.json` in this folder, installed once into
 * the user's cache folder (`<cache>/tierwise/peers-<hash of the lock file>`) by npm, without their install scripts.
 * A stamp written last marks an installation complete; an interrupted one is done again.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { cacheFolder } from '../../scripts/venv.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The folder that holds `node_modules` with the peers. */
export function ensurePeers(say = console.log) {
  const hash = createHash('sha256')
    .update(readFileSync(path.join(here, 'package-lock.json')))
    .digest('hex');
  const folder = path.join(cacheFolder(), `peers-${hash.slice(0, 12)}`);
  if (existsSync(path.join(folder, 'complete'))) return folder;
  say('Installing the packages to measure against (once; about 10 s) …');
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(path.join(here, name), path.join(fresh, name));
  // They run in the browser only: what Node they ask for does not matter.
  execFileSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--engine-strict=false'],
    {
      cwd: fresh,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  writeFileSync(path.join(fresh, 'complete'), '');
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return folder;
}

export function peerVersion(folder, name) {
  return JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
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
