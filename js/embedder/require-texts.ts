import { RequestError } from '../errors.js';

/** Errors: RequestError naming the text. */
export function requireTexts(texts: unknown): asserts texts is readonly string[] {
  if (!Array.isArray(texts)) throw new RequestError('invalid-input', 'texts: must be a list of strings.', 'texts');
  for (const [i, text] of texts.entries()) {
    if (typeof text === 'string') continue;
    const field = `texts[${String(i)}]`;
    throw new RequestError('invalid-input', `${field}: must be a string.`, field);
  }
}
