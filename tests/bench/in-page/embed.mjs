/** Texts to vectors by the package, in its worker, beside ONNX Runtime alone in this page; pooling beside reading. */
import { OrtSession, useRuntime } from '/ort.js';
import { openMeaning } from '/pkg/dist/meaning.js';
import { minilm, tokenize } from '/pkg/dist/minilm.js';

import { measure, words } from './rounds.mjs';

const read = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** A text of exactly so many tokens, and its ids. */
async function textOf(length, seed) {
  let text = words(length * 8, seed);
  for (;;) {
    const { ids } = await tokenize(text);
    if (ids.length <= length) {
      if (ids.length < length) throw new Error('No text of that length.');
      return { text, ids };
    }
    text = text.slice(0, text.lastIndexOf(' '));
  }
}

export async function steady({ lengths, rounds, warmUp }) {
  const embedder = minilm({ threads: 1 });
  const [model, runtime] = await Promise.all([
    read('/pkg/models/all-MiniLM-L6-v2/model.onnx'),
    read('/pkg/dist/ort-wasm-simd-threaded.wasm'),
  ]);
  useRuntime(runtime, 1);
  const session = await OrtSession.open(model);
  await embedder.embed(['hello']);
  const found = {};
  for (const length of lengths) {
    let asked;
    const texts = [];
    for (let seed = 0; texts.length < 16; seed++) texts.push(await textOf(length, seed));
    found[length] = await measure(
      {
        tierwise: () => embedder.embed([asked.text]),
        alone: () => session.run({ ids: asked.ids, lengths: Int32Array.of(length) }),
      },
      { rounds, warmUp, prepare: (round) => (asked = texts[round % texts.length]) },
    );
  }
  embedder.close();
  return found;
}

export async function pooling({ rounds, warmUp }) {
  const tokens = 128;
  const size = 384;
  const batch = 20;
  const meaning = await openMeaning();
  const vectors = Float32Array.from({ length: tokens * size }, (_, i) => Math.sin(i));
  const script = (source) => {
    const sums = new Float32Array(size);
    for (let token = 0; token < tokens; token++) {
      const from = token * size;
      for (let i = 0; i < size; i++) sums[i] += source[from + i];
    }
    let squares = 0;
    for (let i = 0; i < size; i++) squares += sums[i] * sums[i];
    const factor = 1 / Math.sqrt(squares);
    for (let i = 0; i < size; i++) sums[i] *= factor;
    return sums;
  };
  const place = new Float32Array(vectors.length);
  const [ours] = meaning.pool(vectors, [tokens], size);
  const theirs = script(vectors);
  if (ours.some((x, i) => Math.abs(x - theirs[i]) > 1e-5)) throw new Error('The vectors differ.');
  const samples = await measure(
    {
      tierwise: () => {
        for (let i = 0; i < batch; i++) meaning.pool(vectors, [tokens], size);
      },
      script: () => {
        for (let i = 0; i < batch; i++) script(vectors);
      },
      copy: () => {
        for (let i = 0; i < batch; i++) place.set(vectors);
      },
    },
    { rounds, warmUp },
  );
  meaning.close();
  return { ...samples, batch };
}
