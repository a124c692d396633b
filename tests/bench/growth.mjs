/** Ten thousand requests in one page: what it still holds after garbage collection must not grow. */
import { openBench } from './page.mjs';
import { figure, kilobytes, megabytes, table } from './statistics.mjs';

export const title = 'Memory over 10,000 requests in one page';

export async function run({ browser, quick }) {
  const marks = quick ? [200, 1000, 2000] : [1000, 5000, 10_000];
  const entries = 100;
  const bench = await openBench(browser);
  await bench.call('growth', 'open', { maxEntries: entries });
  const seen = [];
  let outcomes;
  for (const upTo of marks) {
    outcomes = await bench.call('growth', 'ask', { upTo });
    seen.push({ upTo, heap: await bench.heapBytes(), wasm: await bench.call('growth', 'wasmBytes') });
  }
  await bench.close();
  const [first, last] = [seen[0], seen.at(-1)];
  const grown = last.heap - first.heap;
  const perRequest = grown / (last.upTo - first.upTo);
  const kinds = Object.entries(outcomes).map(([kind, count]) => `${figure(count)} ${kind}`);
  return {
    measures:
      `One page, one client, its cache bounded to ${entries} entries (so that what is stored by intent is the same at every mark); requests one ` +
      `after the other: ${kinds.join(', ')}. JavaScript heap after garbage collection, and all WebAssembly memory of the page.`,
    table: table([
      ['requests', 'JavaScript heap', 'WebAssembly memory'],
      ...seen.map(({ upTo, heap, wasm }) => [
        figure(upTo).includes('e') ? String(upTo) : upTo.toLocaleString('en-GB'),
        megabytes(heap),
        megabytes(wasm),
      ]),
    ]),
    targets: [
      {
        what: `heap kept by ${(last.upTo - first.upTo).toLocaleString('en-GB')} requests`,
        target: '≤ 10 bytes each',
        value: `${kilobytes(grown)}, ${figure(perRequest)} bytes each`,
        met: perRequest <= 10,
      },
      {
        what: 'WebAssembly memory',
        target: 'no growth',
        value: `+${kilobytes(last.wasm - first.wasm)}`,
        met: last.wasm === first.wasm,
      },
    ],
  };
}
