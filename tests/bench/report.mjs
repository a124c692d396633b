/**
 * docs/BENCHMARKS.md: a head written by hand here, and one section per benchmark, each holding its last run. A run
 * replaces its own section and leaves the others as they are.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { root } from '../browser/harness.mjs';
import { table } from './statistics.mjs';

const file = path.join(root, 'docs/BENCHMARKS.md');
/** Of benchmarks, in the order of their sections. */
export const names = [
  'miss',
  'stream',
  'hit',
  'start',
  'size',
  'growth',
  'prompt',
  'tokenize',
  'embed',
  'search',
  'semantic',
  'usage',
];

const head = `# Benchmarks

Written by \`npm run bench\`; \`npm run bench -- miss hit\` runs some of them, \`--quick\` tries them without writing here.

How it is measured:

- In real Chromium, against the package as it is built into \`dist/\` (where a part is measured alone, it is bundled from
  the same source). Node is no stand-in: it is several times faster or slower at single things.
- Rivals run in the same page and the same run, one after the other in every round, in an order that turns. **Trust the
  ratios**: absolute times move with the machine and its load, which each section states.
- Pages are cross-origin isolated, for the finest timer a page can have (5 µs). What takes less is timed in batches.
- Servers are functions in the page or files on loopback: no network is part of any number but where loading is
  measured.
- p50 is the median, p95 the time that one in twenty exceeds. Code is warmed up first, but where starting is measured.
- The rivals' versions are pinned in \`tests/bench/package-lock.json\`.
`;

export function writeSection(result) {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const kept = new Map(
    [...text.matchAll(/<!-- bench:(\w+) -->\n([\s\S]*?)<!-- \/bench -->/g)].map(([, name, body]) => [name, body]),
  );
  kept.set(result.name, section(result));
  const sections = names
    .filter((name) => kept.has(name))
    .map((name) => `<!-- bench:${name} -->\n${kept.get(name)}<!-- /bench -->\n`);
  writeFileSync(file, `${head}\n${sections.join('\n')}`);
}

function section({ name, title, measures, table: rows, targets, peers = {}, browser, seconds, notes = '' }) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const versions = Object.entries({ tierwise: version, ...peers, Chromium: browser }).map(
    ([what, which]) => `${what} ${which}`,
  );
  const verdicts = table([
    ['target', 'wanted', 'measured', ''],
    ...targets.map(({ what, target, value, met }) => [what, target, value, met ? 'met' : '**missed**']),
  ]);
  return [
    `## ${title}`,
    '',
    measures,
    '',
    rows,
    '',
    verdicts,
    ...(notes === '' ? [] : ['', notes]),
    '',
    `\`npm run bench -- ${name}\`, ${new Date().toISOString().slice(0, 10)}, ${seconds.toFixed(0)} s. ${versions.join(', ')}. ${machine()}`,
    '',
  ].join('\n');
}

function machine() {
  const cores = os.cpus();
  const memory = Math.round(os.totalmem() / 1024 ** 3);
  const load = os.loadavg()[0];
  const idle = load <= cores.length * 1.5;
  return (
    `${cores[0]?.model.trim() ?? 'An unknown processor'}, ${cores.length} cores, ${memory} GB, ${os.type()} ${os.arch()}; ` +
    `load average ${load.toFixed(1)} at the end of the run${idle ? '.' : ': **measured on a loaded machine**, absolute times are too high.'}`
  );
}
