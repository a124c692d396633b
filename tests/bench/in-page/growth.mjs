/** Thousands of requests of every kind in one page, and what the page still holds afterwards. */
import { completion, streamChunks } from './recorded.mjs';
import { words } from './rounds.mjs';
import { watchMemories } from './wasm-memory.mjs';

export const wasmBytes = watchMemories();

const chunks = streamChunks(20);
const json = { 'content-type': 'application/json' };
let kind = 'whole';

async function stub(url, { signal }) {
  if (kind === 'refused') return new Response('{"error":{"message":"no"}}', { status: 400, headers: json });
  if (kind === 'left') {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  }
  if (kind !== 'streamed') return new Response(completion, { headers: json });
  let next = 0;
  const body = new ReadableStream({
    pull: (controller) => (next < chunks.length ? controller.enqueue(chunks[next++]) : controller.close()),
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

let client;
let count = 0;
const outcomes = { whole: 0, streamed: 0, hit: 0, refused: 0, left: 0 };

export async function open(cache) {
  const { createClient } = await import('/tierwise/index.js');
  client = createClient({
    providers: { openai: { baseUrl: 'https://models.example/v1', model: 'small-model' } },
    fetch: stub,
    cache,
  });
}

/** Of ten requests: four whole replies, two streams, two hits, one refused by the server, one aborted. */
export async function ask({ upTo }) {
  const kinds = ['whole', 'streamed', 'hit', 'whole', 'refused', 'whole', 'streamed', 'hit', 'left', 'whole'];
  for (; count < upTo; count++) {
    kind = kinds[count % 10];
    const prompt = words(400, kind === 'hit' ? count - 2 : count);
    try {
      if (kind === 'streamed') {
        const stream = client.stream(prompt, { temperature: 0 });
        let text = '';
        for await (const part of stream) if (part.type === 'text') text += part.text;
        if ((await stream.reply).content !== text) throw new Error('parts and reply differ');
      } else {
        const controller = new AbortController();
        const asked = client.generate(prompt, { temperature: 0, signal: controller.signal });
        if (kind === 'left') setTimeout(() => controller.abort(), 1);
        const { source } = await asked;
        if ((kind === 'hit') !== (source === 'cache')) throw new Error(`${kind} was answered from ${source}`);
      }
    } catch (error) {
      const expected = { refused: 'bad-request', left: 'aborted' }[kind];
      if (expected === undefined || error.code !== expected) throw error;
    }
    outcomes[kind] += 1;
  }
  return outcomes;
}
