/** A streamed reply, one word per network chunk, from a stubbed `fetch` whose chunks are there at once. */
import { createOpenAICompatible, streamText } from '/peers.js';
import { createClient } from '/tierwise/index.js';

import { streamChunks } from './recorded.mjs';
import { measure, words } from './rounds.mjs';

const baseUrl = 'https://models.example/v1';

export async function run({ count, rounds, warmUp }) {
  const chunks = streamChunks(count);
  const body = () => {
    let next = 0;
    return new ReadableStream({
      pull(controller) {
        if (next < chunks.length) controller.enqueue(chunks[next++]);
        else controller.close();
      },
    });
  };
  const stub = async () => new Response(body(), { headers: { 'content-type': 'text/event-stream' } });
  const client = createClient({ providers: { openai: { baseUrl, model: 'small-model' } }, fetch: stub });
  const model = createOpenAICompatible({ name: 'stub', baseURL: baseUrl, fetch: stub, includeUsage: true })(
    'small-model',
  );
  const prompt = (round) => words(300, round);
  const check = (parts) => {
    if (parts !== count) throw new Error(`${parts} parts instead of ${count}`);
  };

  return measure(
    {
      async bare() {
        const reader = (await stub()).body.getReader();
        const decoder = new TextDecoder();
        let characters = 0;
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          characters += decoder.decode(value, { stream: true }).length;
        }
        if (characters === 0) throw new Error('nothing was read');
      },
      async parsed() {
        const reader = (await stub()).body.getReader();
        const decoder = new TextDecoder();
        let parts = 0;
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          const data = decoder.decode(value, { stream: true }).slice(6, -2);
          if (data !== '[DONE]' && JSON.parse(data).choices[0]?.delta.content) parts += 1;
        }
        check(parts);
      },
      async stream(round) {
        const stream = client.stream(prompt(round), { temperature: 0 });
        let parts = 0;
        for await (const part of stream) if (part.type === 'text') parts += 1;
        await stream.reply;
        check(parts);
      },
      async generate(round) {
        const reply = await client.generate(prompt(round + 1_000_000), { temperature: 0 });
        if (reply.usage.outputTokens !== count) throw new Error('another reply');
      },
      async ai(round) {
        const { textStream } = streamText({ model, prompt: prompt(round), temperature: 0, maxOutputTokens: 512 });
        let parts = 0;
        for await (const text of textStream) if (text !== '') parts += 1;
        check(parts);
      },
    },
    { rounds, warmUp },
  );
}
