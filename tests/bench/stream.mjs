/** What a streamed reply of 1,000 chunks costs beyond reading it, beside the AI SDK. */
import { openBench } from './page.mjs';
import { bundlePeers, aiVersions } from './peers.mjs';
import { median, micros, millis, p95, paired, table, times } from './statistics.mjs';

export const title = 'A streamed reply: what a chunk adds';

export async function run({ browser, peers, quick }) {
  const count = 1000;
  const rounds = quick ? 10 : 80;
  const script = await bundlePeers(
    peers,
    "export { streamText } from 'ai'; export { createOpenAICompatible } from '@ai-sdk/openai-compatible';",
  );
  const bench = await openBench(browser, { '/peers.js': script });
  const samples = await bench.call('stream', 'run', { count, rounds, warmUp: quick ? 5 : 20 });
  await bench.close();

  const perChunk = (name) => (median(paired(samples[name], samples.bare)) * 1000) / count;
  const row = (label, name) => [
    label,
    millis(median(samples[name])),
    millis(p95(samples[name])),
    name === 'bare' ? '-' : micros(perChunk(name)),
    name === 'bare' || name === 'stream' ? '-' : times(perChunk(name) / perChunk('stream')),
  ];
  return {
    measures:
      `A reply of ${count} chunks, each one server-sent event of a chat completion with one word (about 200 bytes), from a stream in the page ` +
      `that has them all; ${rounds} rounds of each. The bare reader reads and decodes the same body and does nothing else, so "added" (the median ` +
      'of the differences in a round, by the number of chunks) holds everything: framing, reading the JSON, every check, the parts given to a ' +
      '`for await`, and the whole request around it, storing included.',
    peers: aiVersions(peers),
    table: table([
      ['one reply', 'p50', 'p95', 'added a chunk', 'added, to ours'],
      row('bare read and `TextDecoder`', 'bare'),
      row('the same and `JSON.parse` of each chunk', 'parsed'),
      row('`stream()`, read to its end', 'stream'),
      row('`generate()` of the same', 'generate'),
      row("`ai`'s `streamText`, `textStream` read to its end", 'ai'),
    ]),
    targets: [
      {
        what: 'added a chunk by `stream()`',
        target: '≤ 5 µs',
        value: micros(perChunk('stream')),
        met: perChunk('stream') <= 5,
      },
    ],
  };
}
