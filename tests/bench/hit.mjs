/** An exact hit: the cache step alone, the whole `generate()`, and what the stored replies weigh. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { bundle, root } from '../browser/harness.mjs';
import { openBench } from './page.mjs';
import { bundlePeers, aiVersions } from './peers.mjs';
import { figure, median, megabytes, micros, p95, table, times } from './statistics.mjs';

export const title = 'An exact hit: 10,000 stored replies';

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const glue = {
  name: 'core',
  setup: (build) =>
    build.onResolve({ filter: /^#core-module$/ }, () => ({ path: path.join(root, 'build/wasm/module/core.js') })),
};

export async function run({ browser, peers, quick }) {
  const few = 1000;
  const many = 10_000;
  const batch = 50;
  const script = await bundlePeers(
    peers,
    "export { generateText, wrapLanguageModel } from 'ai'; export { createOpenAICompatible } from '@ai-sdk/openai-compatible';",
  );
  const source = await bundle('tests/bench/in-page/hit.ts', {
    plugins: [glue],
    minify: true,
    sourcemap: false,
    external: ['#core-base64', '#prompts-base64'],
    define: { __TIERWISE_VERSION__: JSON.stringify(version) },
  });
  const routes = { '/bench/hit.mjs': { body: source, type: 'text/javascript' }, '/peers.js': script };

  const stepPage = await openBench(browser, routes);
  const { samples, requestBytes } = await stepPage.call('hit', 'steps', {
    few,
    many,
    batch,
    rounds: quick ? 40 : 300,
    warmUp: quick ? 20 : 60,
  });
  await stepPage.close();

  const page = await openBench(browser, routes);
  await page.call('hit-whole', 'open', { maxEntries: many, maxBytes: 64 * 1024 * 1024 });
  const heapBefore = await page.heapBytes();
  const wasmBefore = await page.call('hit-whole', 'wasmBytes');
  const filled = await page.call('hit-whole', 'fill', { from: 0, to: many });
  const heap = (await page.heapBytes()) - heapBefore;
  const wasm = await page.call('hit-whole', 'wasmBytes');
  const whole = await page.call('hit-whole', 'hits', {
    entries: many,
    rounds: quick ? 100 : 1500,
    warmUp: quick ? 100 : 500,
  });
  await page.close();

  // Three times as much as fits.
  const bound = 4 * 1024 * 1024;
  const full = await openBench(browser, routes);
  await full.call('hit-whole', 'open', { maxEntries: 100_000, maxBytes: bound });
  const emptyHeap = await full.heapBytes();
  const emptyWasm = await full.call('hit-whole', 'wasmBytes');
  const bounded = await full.call('hit-whole', 'fill', { from: 0, to: 8000 });
  const boundedHeap = (await full.heapBytes()) - emptyHeap + (await full.call('hit-whole', 'wasmBytes')) - emptyWasm;
  await full.close();

  const us = (list, per) => list.map((value) => (value * 1000) / per);
  const steps = Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, us(list, batch)]));
  const row = (label, list, base) => [
    label,
    micros(median(list)),
    micros(p95(list)),
    base === undefined ? '-' : times(median(list) / median(base)),
  ];
  const step = median(steps.stepMany);
  const growth = step / median(steps.stepFew);
  return {
    measures:
      `Requests of ${requestBytes} bytes (a system text, a prompt, parameters), spread over all that are stored; replies of 1 KB. The step alone is ` +
      `the canonical text of the request, the look-up in the core (its SHA-256 included) and the reply, timed in batches of ${batch} (p95: of the ` +
      'batches); it is what `Map.get(JSON.stringify(request))` does and more: the map keeps whole requests as keys, has no limit, no age and no ' +
      'partition, and knows two spellings of one request as two. The whole `generate()` also checks and sizes the request, plans its targets, ' +
      'writes the trace and reports the usage event. The AI SDK has the caching middleware of its documentation, over a `Map`.',
    peers: aiVersions(peers),
    table: [
      table([
        ['one hit', 'p50', 'p95', 'ratio'],
        row('the step, 10,000 entries', steps.stepMany),
        row('the step, 1,000 entries', steps.stepFew, steps.stepMany),
        row('`Map.get(JSON.stringify(request))`, 10,000 entries', steps.mapMany, steps.stepMany),
        row('the same, 1,000 entries', steps.mapFew, steps.stepMany),
        row('whole `generate()`, 10,000 entries', us(whole.tierwise, 1)),
        row("`ai`'s `generateText` with a caching middleware, 10,000 entries", us(whole.ai, 1), us(whole.tierwise, 1)),
      ]),
      '',
      table([
        ['memory', 'stored replies', 'counted by the cache', 'JavaScript heap', 'WebAssembly memory'],
        [
          '10,000 replies of 1 KB',
          figure(filled.entries),
          megabytes(filled.bytes),
          `+${megabytes(heap)}`,
          `${megabytes(wasm)} (+${megabytes(wasm - wasmBefore)})`,
        ],
        [
          `8,000 replies of 1 KB into \`maxBytes\` = ${megabytes(bound)}`,
          figure(bounded.entries),
          megabytes(bounded.bytes),
          `+${megabytes(boundedHeap)} with WebAssembly`,
          '-',
        ],
      ]),
    ].join('\n'),
    targets: [
      { what: 'the step, 10,000 entries, p50', target: '≤ 15 µs', value: micros(step), met: step <= 15 },
      {
        what: 'growth of the step from 1,000 to 10,000 entries',
        target: '≤ 1.5x',
        value: times(growth),
        met: growth <= 1.5,
      },
      {
        what: 'bytes counted beside the bound',
        target: '≤ 105 %',
        value: `${((bounded.bytes / bound) * 100).toFixed(1)} %`,
        met: bounded.bytes <= bound * 1.05 && bounded.bytes > bound * 0.9,
      },
      {
        what: 'memory really used beside the bound',
        target: '≤ 105 %',
        value: `${((boundedHeap / bound) * 100).toFixed(1)} %`,
        met: boundedHeap <= bound * 1.05,
      },
    ],
  };
}
