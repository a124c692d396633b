/** A whole `generate()` that is answered from the cache, and what ten thousand stored replies weigh. */
import { createOpenAICompatible, generateText, wrapLanguageModel } from '/peers.js';

import { measure, words } from './rounds.mjs';
import { watchMemories } from './wasm-memory.mjs';

const baseUrl = 'https://models.example/v1';
const headers = { 'content-type': 'application/json' };

export const wasmBytes = watchMemories();

let client;
let told = { entries: 0, bytes: 0 };
let asked = 0;

const completion = (number) =>
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1767225600,
    model: 'small-model',
    choices: [
      { index: 0, message: { role: 'assistant', content: words(1024, number + 7_000_000) }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 250, completion_tokens: 250, total_tokens: 500 },
  });
const stub = async () => new Response(completion(asked), { headers });
const system = words(200, 0);
const prompt = (number) => words(740, number);

export async function open(cache) {
  const { createClient } = await import('/tierwise/index.js');
  client = createClient({ providers: { openai: { baseUrl, model: 'small-model' } }, fetch: stub, cache });
  // What is made once is there before the first weighing.
  for (let i = 0; i < 300; i++) await ask(-1 - i);
  await client.forget();
}

async function ask(number) {
  asked = number;
  return client.generate(prompt(number), { system, temperature: 0 });
}

export async function fill({ from, to }) {
  for (let number = from; number < to; number++) await ask(number);
  told = await client.cache.entries().then((entries) => ({
    entries: entries.length,
    bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
  return told;
}

export async function hits({ entries, rounds, warmUp }) {
  const stored = new Map();
  const model = wrapLanguageModel({
    model: createOpenAICompatible({ name: 'stub', baseURL: baseUrl, fetch: stub })('small-model'),
    // As in the AI SDK's documentation ("Caching Middleware"), with a Map for the store.
    middleware: {
      async wrapGenerate({ doGenerate, params }) {
        const key = JSON.stringify(params);
        const cached = stored.get(key);
        if (cached !== undefined) return cached;
        const result = await doGenerate();
        stored.set(key, result);
        return result;
      },
    },
  });
  const generate = (number) => generateText({ model, instructions: system, prompt: prompt(number), temperature: 0 });
  for (let number = 0; number < entries; number++) {
    asked = number;
    await generate(number);
  }
  const which = (round) => (round * 7919) % entries;
  return measure(
    {
      async tierwise(round) {
        const reply = await ask(which(round));
        if (reply.source !== 'cache') throw new Error(`Not a hit: ${reply.source}`);
      },
      async ai(round) {
        asked = -1;
        const { text } = await generate(which(round));
        if (!text.startsWith(`Question ${which(round) + 7_000_000}:`)) throw new Error(`Not a hit: ${text}`);
      },
    },
    { rounds, warmUp },
  );
}
