/** The tokenizers whose counts the core can estimate, in the order of `wasm/prompt/tokens.h`; others are `unknown`. */
const tokenizers = ['gpt2', 'sp32k', 'cl100k', 'qwen', 'o200k', 'gemma', 'unknown'];

export function tokenizerNumber(family: string): number {
  const place = tokenizers.indexOf(family);
  return place < 0 ? tokenizers.length - 1 : place;
}
