/** `generate()` on a cache miss beside a bare `fetch` of the same stubbed reply and beside the AI SDK. */
import { bundlePeers, aiVersions } from './peers.mjs';
import { openBench } from './page.mjs';
import { median, micros, p95, paired, table, times } from './statistics.mjs';

export const title = 'A cache miss: what `generate()` adds to a call';

export async function run({ browser, peers, quick }) {
  const rounds = quick ? 60 : 600;
  const script = await bundlePeers(
    peers,
    "export { generateText } from 'ai'; export { createOpenAICompatible } from '@ai-sdk/openai-compatible';",
  );
  const bench = await openBench(browser, { '/peers.js': script });
  const samples = await bench.call('miss', 'run', { rounds, warmUp: quick ? 60 : 300 });
  await bench.close();

  const added = (name) => median(paired(samples[name], samples.bare)) * 1000;
  const row = (label, name) => [
    label,
    micros(median(samples[name]) * 1000),
    micros(p95(samples[name]) * 1000),
    name === 'bare' ? '-' : micros(added(name)),
    name === 'bare' || name === 'openai' ? '-' : times(added(name) / added('openai')),
  ];
  return {
    measures:
      `One request at a time, ${rounds} rounds of each, prompts of 300 characters that were never asked before, temperature 0, no token. ` +
      'The reply is stored in the cache each time but where it says otherwise. `fetch` is a function in the page that answers at once ' +
      'with the same chat completion; the bare call writes the same request and parses the same JSON. "Added" is the median of the ' +
      'differences to the bare call of the same round.',
    peers: aiVersions(peers),
    table: table([
      ['one request', 'p50', 'p95', 'added', 'added, to ours'],
      row('bare `fetch` and `JSON.parse`', 'bare'),
      row('`generate()`, OpenAI-compatible provider', 'openai'),
      row('the same with `cache: false`', 'uncached'),
      row('`generate()`, a Space', 'space'),
      row("`ai`'s `generateText`", 'ai'),
    ]),
    targets: [
      {
        what: 'added by `generate()`, p50',
        target: '≤ 300 µs',
        value: micros(added('openai')),
        met: added('openai') <= 300,
      },
      {
        what: "added, beside `ai`'s `generateText`",
        target: 'less',
        value: `${micros(added('openai'))} to ${micros(added('ai'))}`,
        met: added('openai') < added('ai'),
      },
    ],
  };
}
