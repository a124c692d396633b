/**
 * `npm run bench [-- name …] [--quick]`: measures in real Chromium, side by side with the packages people would use
 * otherwise, and writes what came out into docs/BENCHMARKS.md. Each benchmark is a file of this folder; `--quick` runs
 * few rounds, to see that they work, and writes nothing. Ends with 1 when a target was missed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

import { launch, root } from '../browser/harness.mjs';
import { ensurePeers } from './peers.mjs';
import { names, writeSection } from './report.mjs';

const given = process.argv.slice(2);
const quick = given.includes('--quick');
const chosen = given.filter((name) => name !== '--quick');
const unknown = chosen.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${names.join(', ')}.`);
  process.exit(2);
}

if (!['dist/index.js', 'build/wasm/module/core.js'].every((name) => existsSync(path.join(root, name)))) {
  console.log('Building the package first …');
  const { status } = spawnSync('node', ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

const peers = await ensurePeers();
let missed = 0;
for (const name of chosen.length > 0 ? chosen : names) {
  const { title, run } = await import(`./${name}.mjs`);
  console.log(`\n${title}${quick ? ' (few rounds)' : ''}`);
  const browser = await launch('--js-flags=--expose-gc');
  try {
    const startedAt = Date.now();
    const result = await run({ browser, peers, quick, say: console.log });
    console.log(result.table);
    for (const { what, target, value, met } of result.targets) {
      console.log(`${met ? 'met   ' : 'MISSED'} ${what}: ${value} (${target})`);
      if (!met) missed += 1;
    }
    if (!quick)
      writeSection({ name, title, browser: browser.version(), seconds: (Date.now() - startedAt) / 1000, ...result });
  } finally {
    await browser.close();
  }
}
process.exitCode = missed > 0 && !quick ? 1 : 0;
