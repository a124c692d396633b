/** Texts become tokens inside meaning.wasm, one after the other; who asked is told of those that were cut. */
import type { EmbedOptions } from './embedder.js';
import type { Meaning } from './meaning.js';
import { mostTokens } from './model.js';

/** What `take` makes of each text's tokens (how many there are), which stay in the module until the next text. */
export function encodeTexts<T>(
  meaning: Meaning,
  texts: readonly string[],
  onCut: EmbedOptions['onCut'],
  take: (tokens: number) => T,
): T[] {
  const cut: number[] = [];
  const taken = texts.map((text, i) => {
    const count = meaning.encode(text, mostTokens);
    if (count < 0) cut.push(i);
    return take(Math.abs(count));
  });
  if (cut.length > 0) onCut?.(cut);
  return taken;
}
