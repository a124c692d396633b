/** How many tokens a text is for a model, without its vocabulary. How far off: docs/TOKENS.md. */
import { RequestError } from '../errors.js';
import { ofRequest } from '../request.js';
import { anyText, check } from '../shape.js';
import { promptCore } from './prompt-core.js';
import { tokenizerNumber } from './tokenizer-families.js';

export interface CountOptions {
  /**
   * A Hub id (`Qwen/Qwen2.5-7B-Instruct`) or a provider's name (`gpt-4o`). Without it, or for a model that
   * `models/models.json` does not list, `atMost` is the highest of all tokenizers.
   */
  model?: string;
}
export interface TokenCount {
  /** The likely number: for prices. */
  tokens: number;
  /** For limits: above the real number for 99.5 % of the texts of each kind that was measured. */
  atMost: number;
  /** Whether the model's own tokenizer counted. */
  exact: false;
}

/** UTF-16 units: a text takes up to nine bytes for each while it is read. */
const mostText = 16 * 1024 * 1024;

/**
 * An estimate, without special tokens that a tokenizer may put before a text. Lone surrogates count as U+FFFD.
 *
 * Errors: `RequestError` `invalid-input` with the field, `too-large` beyond 16 million UTF-16 units; `LoadError`.
 */
export async function countTokens(text: string, options: CountOptions = {}): Promise<TokenCount> {
  ofRequest(() => {
    anyText(text, 'text');
    check(options, { model: anyText }, '', 'options');
  });
  if (text.length > mostText)
    throw new RequestError('too-large', `text: must be at most ${String(mostText)} UTF-16 units long.`, 'text');
  const { model } = options;
  const [core, { factsOf, unknownModel }] = await Promise.all([promptCore(), import('./model-data.js')]);
  const { tokenizer } = (model === undefined ? undefined : factsOf(model)) ?? unknownModel;
  const { tokens, atMost } = core.countTokens(tokenizerNumber(tokenizer), text);
  return { tokens, atMost, exact: false };
}
