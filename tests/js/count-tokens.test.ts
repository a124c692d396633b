/** countTokens as shipped, against counts of real tokenizers (tests/fixtures/tokens). */
import { readFileSync } from 'node:fs';

import { expect, test } from '@jest/globals';

import { countTokens, type CountOptions, RequestError } from '../../dist/index.js';

const fixture = JSON.parse(readFileSync(new URL('../fixtures/tokens/counts.json', import.meta.url), 'utf8')) as {
  tokenizers: Record<string, { family: string }>;
  samples: { text: string; counts: Record<string, number> }[];
};

/** A model of each tokenizer that was measured. */
const models: Record<string, string> = {
  gpt2: 'gpt2',
  cl100k: 'gpt-4',
  o200k: 'gpt-4o-mini',
  'mistral-7b': 'mistralai/Mistral-7B-Instruct-v0.2',
  'llama-2': 'meta-llama/Llama-2-7b-chat-hf',
  'qwen-2.5': 'Qwen/Qwen2.5-7B-Instruct',
  'llama-3': 'meta-llama/Llama-3.1-8B-Instruct',
  'mistral-nemo': 'mistralai/Mistral-Nemo-Instruct-2407',
  'deepseek-v3': 'deepseek-ai/DeepSeek-V3',
  'gemma-2': 'google/gemma-2-9b-it',
  'command-r': 'CohereForAI/c4ai-command-r-v01',
};

test.each(Object.keys(models))('atMost holds for %s, and the highest is given where no model is', async (name) => {
  let compared = 0;
  for (const { text, counts } of fixture.samples) {
    const real = counts[name];
    if (real === undefined) continue;
    const known = await countTokens(text, { model: models[name]! });
    const unknown = await countTokens(text);
    expect(known.exact).toBe(false);
    expect(known.atMost).toBeGreaterThanOrEqual(real);
    expect(unknown.atMost).toBeGreaterThanOrEqual(known.atMost);
    expect(known.tokens).toBeLessThanOrEqual(known.atMost);
    compared++;
  }
  expect(compared).toBeGreaterThan(10);
});

test.each([
  ['', 0],
  ['Hello, world!', 4],
  ['half \ud83d', 5],
])('%j is about %i', async (text, tokens) => {
  const counted = await countTokens(text, { model: 'gpt-4o' });
  expect(Math.abs(counted.tokens - tokens)).toBeLessThanOrEqual(2);
  expect(counted.atMost === 0).toBe(text === '');
});

test('a model nobody knows is counted as if none was named', async () => {
  const text = 'Der Gletscher bewegt sich langsam. '.repeat(20);
  expect(await countTokens(text, { model: 'acme/rocket-1' })).toEqual(await countTokens(text));
});

test('2 MB of text, letters of three bytes included', async () => {
  const { tokens } = await countTokens('Ice moves. '.repeat(200_000), { model: 'gpt-4o' });
  expect(tokens).toBeGreaterThan(500_000);
  expect(tokens).toBeLessThan(800_000);
  expect((await countTokens('氷河'.repeat(500_000))).tokens).toBeGreaterThan(500_000);
});

test.each<[unknown, unknown, string]>([
  [undefined, undefined, 'invalid-input text'],
  [7, {}, 'invalid-input text'],
  [['a'], {}, 'invalid-input text'],
  ['a', null, 'invalid-input options'],
  ['a', { model: 7 }, 'invalid-input model'],
  ['a', { modle: 'gpt-4o' }, 'invalid-input modle'],
  ['x'.repeat(17e6), {}, 'too-large text'],
])('refused %#', async (text, options, expected) => {
  const error: unknown = await countTokens(text as string, options as CountOptions).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(RequestError);
  const { code, field } = error as RequestError;
  expect(`${code} ${field!}`).toBe(expected);
});
