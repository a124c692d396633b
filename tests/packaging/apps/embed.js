/**
 * What every consumer does with the embeddings: tokens, the light table, MiniLM, with threads where a page may have them.
 * What cannot be had is told in its place, as the person reads it.
 */
import { cosine, embed, light, minilm, tokenize } from 'tierwise/minilm';

const texts = [
  'How do I reset my password?',
  'I forgot my password, how can I change it?',
  'The weather in Paris is nice today.',
];

export async function embedAll({ modelUrl } = {}) {
  const tell = ({ name, code, message }) => ({ failed: `${name} ${code}: ${message}` });
  const compared = ([a, b, c]) => ({ length: a.length, near: cosine(a, b), far: cosine(a, c) });
  const isolated = globalThis.crossOriginIsolated === true;
  const vectors = isolated ? minilm({ modelUrl, threads: 2 }).embed(texts) : embed(texts, { modelUrl });
  return {
    tokens: await tokenize('Hello, embeddings!').then((found) => found.tokens.join(' '), tell),
    light: await light({ modelUrl }).embed(texts).then(compared, tell),
    minilm: await vectors.then(compared, tell),
  };
}
