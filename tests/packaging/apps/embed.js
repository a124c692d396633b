/**
 * What every consumer does with the embeddings: tokens, the light table, MiniLM, with threads where a page may have them;
 * two prompts compared; a question in other words answered from the cache. What cannot be had is told in its place, as the
 * person reads it.
 */
import { createClient } from 'tierwise';
import { comparePrompts, cosine, embed, light, minilm, tokenize } from 'tierwise/minilm';

const texts = [
  'How do I reset my password?',
  'I forgot my password, how can I change it?',
  'The weather in Paris is nice today.',
];

export async function embedAll({ modelUrl } = {}) {
  const tell = ({ name, code, message }) => ({ failed: `${name} ${code}: ${message}` });
  const compared = ([a, b, c]) => ({ length: a.length, near: cosine(a, b), far: cosine(a, c) });
  const isolated = globalThis.crossOriginIsolated === true;
  const asked = isolated ? minilm({ modelUrl, threads: 2 }).embed(texts) : embed(texts, { modelUrl });
  const vectors = asked.then(compared, tell);
  return {
    tokens: await tokenize('Hello, embeddings!').then((found) => found.tokens.join(' '), tell),
    light: await light({ modelUrl }).embed(texts).then(compared, tell),
    minilm: await vectors,
    same: await comparePrompts('How do I cancel my subscription?', 'I want to end my subscription, how?', {
      modelUrl,
      // The shared transformer would have a worker of its own.
      model: isolated ? 'light' : 'minilm',
    }).catch(tell),
    different: await comparePrompts('Enable two-factor authentication', 'Disable two-factor authentication', {
      modelUrl,
      model: 'light',
    }).catch(tell),
    cached: await askTwice(modelUrl),
  };
}

/** The same in other words; the first question of a page does not wait for the files. */
async function askTwice(modelUrl) {
  const message = { role: 'assistant', content: 'In the settings.' };
  let calls = 0;
  const client = createClient({
    spaces: { base: { url: 'https://model.example', protocol: 'openai' } },
    embedder: light({ modelUrl }),
    fetch: () => {
      calls++;
      return Promise.resolve(Response.json({ choices: [{ message, finish_reason: 'stop' }] }));
    },
  });
  const warnings = [];
  client.on('warning', (warning) => warnings.push(`${warning.code}: ${warning.message}`));
  await client.generate('How do I enable two-factor authentication?');
  const again = () => client.generate('how can i enable two factor authentication', { cache: { noStore: true } });
  let reply = await again();
  for (let i = 0; i < 200 && reply.cached === undefined && warnings.length === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    reply = await again();
  }
  const before = calls;
  const other = await client.generate('How do I disable two-factor authentication?');
  client.close();
  const { content, source, cached } = reply;
  return { content, source, by: cached?.by, other: other.source, asked: calls - before, warnings };
}
