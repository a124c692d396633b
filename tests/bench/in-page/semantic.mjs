/**
 * Step 4 of a request in a client with so many stored questions: how long it takes, what it finds, and what storing one
 * more takes; beside a transformers.js pipeline whose vectors are compared in a loop. Durations are those of the trace.
 */
import { createClient } from '/tierwise/index.js';
import { light, minilm, searchDocuments, tokenize } from '/tierwise/minilm.js';

import { questions } from './questions.mjs';
import { measure } from './rounds.mjs';

/** Of MiniLM. */
const dimensions = 384;
const read = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers at once. */
const fetchReply = () => {
  const frame = (delta, finish) => `data: ${JSON.stringify({ choices: [{ delta, finish_reason: finish }] })}\n\n`;
  const body = `${frame({ content: 'An answer of some length, as it might be.' }, null)}${frame({}, 'stop')}data: [DONE]\n\n`;
  return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
};

function clientWith(embedder, semantic) {
  const steps = {};
  const client = createClient({
    providers: { openai: { baseUrl: 'https://models.example/v1', model: 'tiny' } },
    fetch: fetchReply,
    storage: 'memory',
    embedder,
    cache: { semantic, maxEntries: 20_000, maxBytes: 2 ** 30 },
  });
  client.on('decision', ({ step, duration, outcome }) => {
    if (outcome !== 'skipped') (steps[step] ??= []).push(duration);
  });
  return { client, steps };
}

async function semanticReady(client, steps) {
  for (let i = 0; steps.semantic === undefined; i++) {
    await client.generate(`Is number ${i} there yet?`, { cache: { noStore: true } });
    await pause(20);
  }
}

export async function misses({ stored, asked }) {
  const set = questions(stored, asked);
  const { client, steps } = clientWith(light(), 'strict');
  await semanticReady(client, steps);
  const plain = clientWith(undefined, 'off');
  for (const text of set.stored.slice(0, 200)) await plain.client.generate(text);
  for (const text of set.stored) await client.generate(text);
  const store = { with: steps.store.slice(-500), without: plain.steps.store.slice(-100) };
  let wakes = 0;
  let none = 0;
  const wrong = [];
  steps.semantic = [];
  for (const text of set.asked) {
    const reply = await client.generate(text, { cache: { noStore: true } });
    const [look] = client.explain(reply.id).semantic;
    if (look.candidates.some(({ by }) => by === 'light')) wakes++;
    if (look.candidates.length === 0) none++;
    if (reply.cached !== undefined) wrong.push([text, reply.cached.prompt]);
  }
  const { semantic } = steps;
  client.close();
  plain.client.close();
  return { semantic, store, wakes, none, wrong };
}

/** `undecided`: pairs of questions that the words alone do not decide. */
export async function verdicts({ undecided, rounds, warmUp }) {
  const { OrtSession, useRuntime } = await import('/ort.js');
  const [model, runtime] = await Promise.all([
    read('/models/all-MiniLM-L6-v2/model.onnx'),
    read('/tierwise/ort-wasm-simd-threaded.wasm'),
  ]);
  const embedder = minilm({ threads: 1 });
  await embedder.load();
  const { client, steps } = clientWith(embedder, 'balanced');
  await semanticReady(client, steps);
  for (const [known] of undecided) await client.generate(known);
  // Idle time: vectors of what was stored.
  await pause(6000);
  const usable = [];
  for (const pair of undecided) {
    const reply = await client.generate(pair[1], { cache: { noStore: true } });
    if (client.explain(reply.id).semantic[0].candidates[0]?.by === 'minilm') usable.push(pair[1]);
  }
  useRuntime(runtime, 1);
  const session = await OrtSession.open(model);
  const ids = [];
  for (const text of usable) ids.push((await tokenize(text)).ids);
  steps.semantic = [];
  let asked = 0;
  const samples = await measure(
    {
      tierwise: () => client.generate(usable[asked], { cache: { noStore: true } }),
      alone: () => session.run({ ids: ids[asked], lengths: Int32Array.of(ids[asked].length) }),
    },
    { rounds, warmUp, prepare: (round) => (asked = round % usable.length) },
  );
  client.close();
  embedder.close();
  return { verdict: steps.semantic.slice(warmUp), alone: samples.alone, usable: usable.length };
}

export async function pipeline({ stored, asked }) {
  const { env, pipeline: open } = await import('/transformers.js');
  Object.assign(env, {
    allowRemoteModels: false,
    allowLocalModels: true,
    localModelPath: '/hub/',
    useBrowserCache: false,
  });
  env.backends.onnx.wasm.wasmPaths = '/transformers/';
  env.backends.onnx.wasm.numThreads = 1;
  const extract = await open('feature-extraction', 'minilm', { dtype: 'q8', device: 'wasm' });
  const set = questions(stored, asked);
  const rows = new Float32Array(stored * dimensions);
  // Whatever they are: how long the loop takes is what counts.
  for (let i = 0; i < rows.length; i++) rows[i] = Math.sin(i) / 20;
  const samples = [];
  for (const text of set.asked) {
    const began = performance.now();
    const { data } = await extract(text, { pooling: 'mean', normalize: true });
    let best = -2;
    for (let row = 0; row < stored; row++) {
      let sum = 0;
      for (let i = 0, at = row * dimensions; i < dimensions; i++) sum += rows[at + i] * data[i];
      if (sum > best) best = sum;
    }
    samples.push(performance.now() - began);
  }
  return samples;
}

export async function documents({ count }) {
  const texts = Array.from({ length: count }, (_, i) => `Document ${i} about the matter ${i % 977} and ${i % 31} more`);
  const began = performance.now();
  const search = await searchDocuments(light(), texts);
  const ms = performance.now() - began;
  const { bytes } = search;
  search.close();
  return { ms, bytes };
}
