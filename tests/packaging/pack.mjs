/**
 * The tarball as `npm publish` would send it, made once per process from the built project and removed at its end.
 * `dist/` must be there: `node scripts/build.mjs`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { root } from '../browser/harness.mjs';

let made;

/** @returns {string} the tarball's path */
export function pack() {
  if (made !== undefined) return made;
  for (const name of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/react/index.d.ts',
    'dist/core.wasm',
    'dist/prompts.wasm',
    'dist/meaning.wasm',
    'dist/minilm.js',
  ]) {
    if (!existsSync(path.join(root, name))) throw new Error(`${name} is missing: run node scripts/build.mjs first.`);
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'tierwise-pack-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const report = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  made = path.join(folder, JSON.parse(report)[0].filename);
  return made;
}

/** Unpacks the tarball as `folder` (its parent must exist), in place of what was there. */
export function unpack(tarball, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
}
