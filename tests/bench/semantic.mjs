/**
 * The semantic cache: a miss, a verdict that needs the transformer, storing one more, beside a pipeline of transformers.js
 * whose vectors are compared in a loop over all stored ones.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { root } from '../browser/harness.mjs';
import { asHubModel } from './hub-model.mjs';
import { tokenizerJson } from './in-page/tokenizer-json.mjs';
import { openBench } from './page.mjs';
import { bundlePeers, bundleRuntime, peerVersion } from './peers.mjs';
import { median, micros, millis, p95, table, times } from './statistics.mjs';

export const title = 'The semantic cache: questions in other words, and questions nobody asked before';

const stored = 10_000;
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const file = (name) => readFileSync(path.join(root, name));

/** From the blind pairs: what the rules leave to the judge. */
function undecidedPairs() {
  return file('tests/guard/blind-pairs.tsv')
    .toString()
    .split('\n')
    .map((line) => line.split('\t'))
    .filter((fields) => fields.includes('rewording') || fields.includes('synonym') || fields.includes('inflection'))
    .map((fields) => fields.slice(-2));
}

export async function run({ browser, peers, quick, say }) {
  const folder = 'models/all-MiniLM-L6-v2';
  const ours = Object.fromEntries(
    [
      ...['model.onnx', 'vocab.txt', 'light.bin'].map((name) => `${folder}/${name}`),
      'models/guard/words.bin',
      'models/guard/judge.bin',
    ].map((name) => [`/${name}`, file(name)]),
  );
  const vocabulary = file(`${folder}/vocab.txt`).toString().trimEnd().split('\n');
  const runtime = path.join(peers, 'node_modules/onnxruntime-web/dist');
  const theirRuntime = readdirSync(runtime).filter((name) => /^ort-wasm.*\.(wasm|mjs)$/.test(name));
  const hub = {
    '/hub/minilm/config.json': JSON.stringify({ model_type: 'bert', architectures: ['BertModel'], hidden_size: 384 }),
    '/hub/minilm/tokenizer.json': JSON.stringify(tokenizerJson(vocabulary)),
    '/hub/minilm/tokenizer_config.json': JSON.stringify({ tokenizer_class: 'BertTokenizer', model_max_length: 256 }),
    '/hub/minilm/onnx/model_quantized.onnx': asHubModel(file(`${folder}/model.onnx`)),
    '/transformers.js': await bundlePeers(peers, "export { env, pipeline } from '@huggingface/transformers';"),
    ...Object.fromEntries(
      theirRuntime.map((name) => [`/transformers/${name}`, readFileSync(path.join(runtime, name))]),
    ),
  };
  const inPage = async (task, argument, routes = ours) => {
    const bench = await openBench(browser, routes);
    try {
      return await bench.call('semantic', task, argument);
    } finally {
      await bench.close();
    }
  };

  const asked = quick ? 100 : 1000;
  say(`Storing ${stored} questions …`);
  const miss = await inPage('misses', { stored, asked });
  const rounds = quick ? 10 : 100;
  const verdict = await inPage(
    'verdicts',
    { undecided: undecidedPairs(), rounds, warmUp: quick ? 3 : 20 },
    { ...ours, '/ort.js': await bundleRuntime() },
  );
  const theirs = await inPage('pipeline', { stored, asked: quick ? 10 : 100 }, hub);
  const documents = await inPage('documents', { count: quick ? 10_000 : 100_000 });
  const wrong = miss.wrong.map(([text, known]) => `"${text}" got the reply to "${known}"`);
  for (const line of wrong) say(line);

  const faster = median(theirs) / median(miss.semantic);
  const share = miss.wakes / asked;
  const beside = median(verdict.verdict) / median(verdict.alone);
  const recording = median(miss.store.with);
  const megabytes = documents.bytes / 1e6;
  const line = (what, samples, show) => [what, show(median(samples)), show(p95(samples))];
  return {
    measures:
      `${stored} stored questions and ${asked} new ones, generated for this benchmark (\`tests/bench/in-page/questions.mjs\`): ` +
      'what is to be done with what under which circumstance, so each has dozens of neighbours that differ in one word. ' +
      'Light embedder, policy `strict`, durations of step 4 as the trace has them (5 µs steps). ' +
      `Verdicts: ${verdict.usable} pairs of tests/guard/blind-pairs.tsv that the rules leave to the judge, stored with their vectors, one thread, ` +
      'in turns with ONNX Runtime alone on the same token ids. transformers.js: the same model, 8-bit, and a loop over a `Float32Array`.',
    peers: { '@huggingface/transformers': peerVersion(peers, '@huggingface/transformers') },
    table: table([
      ['', 'p50', 'p95'],
      line('a question nobody asked before, to its miss', miss.semantic, (ms) => micros(ms * 1000)),
      line('transformers.js, pipeline and loop', theirs, millis),
      line("to MiniLM's verdict, the transformer being loaded", verdict.verdict, millis),
      line('ONNX Runtime alone on the same tokens', verdict.alone, millis),
      line('storing a reply (step 9), its question recorded', miss.store.with, (ms) => micros(ms * 1000)),
      line('storing a reply without an embedder', miss.store.without, (ms) => micros(ms * 1000)),
    ]),
    targets: [
      {
        what: `text to a miss, ${stored} entries, p50`,
        target: '≤ 0.3 ms',
        value: micros(median(miss.semantic) * 1000),
        met: median(miss.semantic) <= 0.3,
      },
      { what: 'beside transformers.js', target: '≥ 50x faster', value: times(faster), met: faster >= 50 },
      {
        what: 'misses that would wake the transformer',
        target: '≤ 12 %',
        value: `${percent(share)} (no candidate at all: ${percent(miss.none / asked)})`,
        met: share <= 0.12,
      },
      {
        what: 'false hits at `strict`',
        target: '≤ 1 %',
        value: percent(wrong.length / asked),
        met: wrong.length <= asked / 100,
      },
      {
        what: "to MiniLM's verdict beside ONNX Runtime alone",
        target: '≤ 1.05x',
        value: times(beside),
        met: beside <= 1.05,
      },
      { what: 'recording an entry, p50', target: '≤ 0.2 ms', value: micros(recording * 1000), met: recording <= 0.2 },
      {
        what: '100,000 documents indexed by the light embedder, memory of the vectors',
        target: '≤ 100 MB',
        value: `${megabytes.toFixed(1)} MB, in ${millis(documents.ms)}`,
        met: megabytes <= 100,
      },
    ],
    notes: '',
  };
}
