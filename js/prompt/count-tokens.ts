/** How many tokens a text is for a model, without its vocabulary. How far off: docs/TOKENS.md. */
import { RequestError } from '../errors.js';
import { ofRequest } from '../request.js';
import { anyText, check } from '../shape.js';
import { factsOf, unknownModel } from './model-data.js';
import type { FindCore } from './prompt-core.js';
import type { CountOptions, TokenCount } from './prompt-types.js';
import { tokenizerNumber } from './tokenizer-families.js';

/** UTF-16 units: a text takes up to nine bytes for each while it is read. */
const mostText = 4 * 1024 * 1024;

/** See js/prompt/functions.ts. */
export async function countTokens(findCore: FindCore, text: string, options: CountOptions): Promise<TokenCount> {
  ofRequest(() => {
    anyText(text, 'text');
    check(options, { model: anyText }, '', 'options');
  });
  if (text.length > mostText)
    throw new RequestError('too-large', `text: must be at most ${String(mostText)} UTF-16 units long.`, 'text');
  const { model } = options;
  const core = await findCore();
  const { tokenizer } = (model === undefined ? undefined : factsOf(model)) ?? unknownModel;
  const { tokens, atMost } = core.countTokens(tokenizerNumber(tokenizer), text);
  return { tokens, atMost, exact: false };
}
