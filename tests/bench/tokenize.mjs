/** Tokenising beside the Hugging Face tokenizer and hand-written JavaScript. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { root } from '../browser/harness.mjs';
import { openBench } from './page.mjs';
import { bundlePeers, peerVersion } from './peers.mjs';
import { figure, median, micros, millis, p95, table, times } from './statistics.mjs';

export const title = 'Tokenising: from a text to the ids of its tokens';

const names = ['20', '120', '2000', 'mixed'];
const labels = { 20: '20 words', 120: '120 words', 2000: '2,000 words', mixed: 'mixed scripts' };
const wanted = { 20: [12, 2], 120: [12, 2], 2000: [12, 2], mixed: [4, undefined] };

export async function run({ browser, peers, quick }) {
  const bench = await openBench(browser, {
    '/peers.js': await bundlePeers(peers, "export { Tokenizer } from '@huggingface/tokenizers';"),
    '/vocab.txt': readFileSync(path.join(root, 'models/all-MiniLM-L6-v2/vocab.txt')),
  });
  const found = await bench.call('tokenize', 'compare', { names });
  const lines = [];
  const targets = [];
  for (const name of names) {
    const asked = { name, rounds: quick ? 15 : 100, warmUp: name === '2000' ? 40 : 100, leastMs: quick ? 2 : 5 };
    const samples = await bench.call('tokenize', 'tokenize', asked);
    const us = (rival) => median(samples[rival]);
    const beside = (rival) => us(rival) / us('tierwise');
    lines.push([
      `${labels[name]} (${figure(found[name].tokens)} tokens)`,
      micros(us('tierwise')),
      micros(p95(samples.tierwise)),
      micros(us('huggingface')),
      micros(us('hand')),
      times(beside('huggingface')),
      times(beside('hand')),
    ]);
    for (const [i, rival] of ['huggingface', 'hand'].entries()) {
      const least = wanted[name][i];
      if (least === undefined) continue;
      targets.push({
        what: `${labels[name]} beside ${rival === 'hand' ? 'hand-written JavaScript' : '`@huggingface/tokenizers`'}`,
        target: `≥ ${least}x faster`,
        value: times(beside(rival)),
        met: beside(rival) >= least,
      });
    }
  }
  const loads = await bench.call('tokenize', 'load', { rounds: quick ? 5 : 40, warmUp: 5 });
  await bench.close();
  const load = median(loads.tierwise);
  targets.push({ what: 'the vocabulary read', target: '≤ 3 ms', value: millis(load), met: load <= 3 });
  return {
    measures:
      'Texts of the model’s own words, by how common they are, one word in eight of several pieces; mixed scripts: sentences ' +
      'in 14 languages, with emoji. All gave the same ids for every text before. In a round each goes through 64 texts (8 of 2,000 words, 16 of mixed scripts) for 5 ms or longer, so that its caches are warm; p50 of one text. ' +
      'Ours: the text crosses into WebAssembly and the ids stay there, for the pooling that follows; the others give arrays.',
    peers: { '@huggingface/tokenizers': peerVersion(peers, '@huggingface/tokenizers') },
    table: [
      table([
        [
          'one text',
          'Tierwise',
          'p95',
          '`@huggingface/tokenizers`',
          'by hand',
          '`@huggingface/tokenizers`, to ours',
          'by hand, to ours',
        ],
        ...lines,
      ]),
      '',
      table([
        ['made ready, the file being there', 'Tierwise', '`@huggingface/tokenizers`', 'by hand'],
        [
          'vocab.txt; tokenizer.json, parsed',
          ...['tierwise', 'huggingface', 'hand'].map((rival) => millis(median(loads[rival]))),
        ],
      ]),
    ].join('\n'),
    targets,
  };
}
