/** The vector index beside hnswlib-wasm, Orama and a loop in JavaScript. */
import { openBench } from './page.mjs';
import { bundlePeers, peerVersion } from './peers.mjs';
import { figure, median, micros, millis, p95, table, times } from './statistics.mjs';

export const title = 'Searching vectors: the nearest of 1,000 to 100,000';

const rivals = {
  tierwise: '`createVectorIndex`',
  hnsw: 'hnswlib-wasm, HNSW M 16, efConstruction 200, efSearch 50',
  orama: '@orama/orama, vector mode',
  loop: 'a loop over a `Float32Array`',
};

export async function run({ browser, peers, quick, say }) {
  const sizes = quick ? [1000, 3000] : [1000, 10_000, 100_000];
  const queries = quick ? 60 : 400;
  const script = await bundlePeers(
    peers,
    "export { loadHnswlib } from 'hnswlib-wasm'; " +
      "export { create as createOrama, insert as insertOrama, searchVector as searchOrama } from '@orama/orama';",
  );
  const results = new Map();
  for (const rows of sizes) {
    if (rows === 100_000) say('Building the HNSW graph of 100,000 takes some minutes …');
    const bench = await openBench(browser, { '/peers.js': script });
    results.set(rows, await bench.call('search', 'run', { rows, queries }));
    await bench.close();
  }
  const ms = (rows, name) => median(results.get(rows).samples[name]);
  const count = (rows) => rows.toLocaleString('en-GB');
  const lines = sizes.flatMap((rows) => {
    const { samples, insertUs, recall } = results.get(rows);
    return [
      ...Object.entries(rivals).map(([name, label]) => [
        `${count(rows)}: ${label}`,
        millis(ms(rows, name)),
        millis(p95(samples[name])),
        name === 'tierwise' ? '-' : times(ms(rows, name) / ms(rows, 'tierwise')),
        micros(insertUs[name]),
        figure(recall[name]),
      ]),
      [
        `${count(rows)}: ours, the nearest 10; added by \`addAll\``,
        millis(ms(rows, 'ten')),
        millis(p95(samples.ten)),
        '-',
        micros(insertUs.addAll),
        '-',
      ],
    ];
  });
  const most = sizes.at(-1);
  const largest = results.get(most);
  const beside = ms(most, 'tierwise') / ms(most, 'hnsw');
  const megabytes = largest.memory.index / 1e6;
  const targets = [
    {
      what: `${count(most)}, beside hnswlib-wasm`,
      target: '≤ 0.6x of its time',
      value: times(beside),
      met: beside <= 0.6,
    },
    {
      what: `${count(most)}, a row as near as the loop's, within 0.0001`,
      target: '≥ 0.999 of the queries',
      value: figure(largest.recall.asNear),
      met: largest.recall.asNear >= 0.999,
    },
    {
      what: `${count(most)}, adding one`,
      target: '≤ 10 µs',
      value: micros(largest.insertUs.tierwise),
      met: largest.insertUs.tierwise <= 10,
    },
    {
      what: `${count(most)}, memory of the index`,
      target: '≤ 60 MB',
      value: `${megabytes.toFixed(1)} MB (WebAssembly memory in all: ${(largest.memory.wasm / 1e6).toFixed(1)} MB)`,
      met: megabytes <= 60,
    },
  ];
  if (!quick) {
    const rate = (ms(100_000, 'tierwise') - ms(10_000, 'tierwise')) / 90_000;
    const before = (ms(10_000, 'tierwise') - ms(1000, 'tierwise')) / 9000;
    targets.push(
      {
        what: '10,000',
        target: '≤ 0.1 ms',
        value: millis(ms(10_000, 'tierwise')),
        met: ms(10_000, 'tierwise') <= 0.1,
      },
      {
        what: 'a row more at 10,000 to 100,000, beside one at 1,000 to 10,000',
        target: '≤ 1.2x',
        value: times(rate / before),
        met: rate / before <= 1.2,
      },
    );
  }
  return {
    measures:
      `Unit vectors of 384 dimensions, clustered; ${queries} queries, half of them a stored vector disturbed (cosine 0.94), half new. ` +
      'Top 1 but where it says otherwise; vectors are added one at a time. "Same row": the share of queries that gave the row that the loop gave. ' +
      'On real vectors: `node tests/bench/recall.mjs`.',
    peers: Object.fromEntries(['hnswlib-wasm', '@orama/orama'].map((name) => [name, peerVersion(peers, name)])),
    table: table([['rows', 'p50', 'p95', 'to ours', 'adding one', 'same row'], ...lines]),
    targets,
  };
}
