/** A request that was never asked before, answered at once by a stubbed `fetch`: what is left is the package itself. */
import { generateText } from '/peers.js';
import { createOpenAICompatible } from '/peers.js';
import { createClient } from '/tierwise/index.js';

import { completion } from './recorded.mjs';
import { measure, words } from './rounds.mjs';

const headers = { 'content-type': 'application/json' };
const stub = async () => new Response(completion, { headers });
const baseUrl = 'https://models.example/v1';

export async function run({ rounds, warmUp }) {
  const openai = createClient({ providers: { openai: { baseUrl, model: 'small-model' } }, fetch: stub });
  const uncached = createClient({
    providers: { openai: { baseUrl, model: 'small-model' } },
    fetch: stub,
    cache: false,
  });
  const spaces = createClient({
    spaces: { base: { url: 'https://models.example', protocol: 'openai', model: 'small-model' } },
    fetch: stub,
  });
  const model = createOpenAICompatible({ name: 'stub', baseURL: baseUrl, fetch: stub })('small-model');
  const prompt = (round) => words(300, round);
  const check = (text) => {
    if (!text.startsWith('An exact cache')) throw new Error(`Unexpected reply: ${text}`);
  };

  return measure(
    {
      async bare(round) {
        const response = await stub(`${baseUrl}/chat/completions`, {
          method: 'POST',
          headers,
          body: JSON.stringify({
            model: 'small-model',
            temperature: 0,
            max_tokens: 512,
            messages: [{ role: 'user', content: prompt(round) }],
          }),
        });
        check(JSON.parse(await response.text()).choices[0].message.content);
      },
      async openai(round) {
        const reply = await openai.generate(prompt(round), { temperature: 0 });
        check(reply.content);
        if (reply.source !== 'openai') throw new Error(`Not a miss: ${reply.source}`);
      },
      async space(round) {
        const reply = await spaces.generate(prompt(round), { temperature: 0 });
        check(reply.content);
        if (reply.source !== 'space') throw new Error(`Not a miss: ${reply.source}`);
      },
      async uncached(round) {
        check((await uncached.generate(prompt(round), { temperature: 0 })).content);
      },
      async ai(round) {
        const { text } = await generateText({ model, prompt: prompt(round), temperature: 0, maxOutputTokens: 512 });
        check(text);
      },
    },
    { rounds, warmUp },
  );
}
