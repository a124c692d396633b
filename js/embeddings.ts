/** `embed` and `similarity` of a client: its configured embedder, and what its caller is told. */
import { cosine, type Embedder } from './embedder/embedder.js';
import { TierwiseError } from './errors.js';
import type { Warning } from './types.js';

export async function embedTexts(
  embedder: Embedder | undefined,
  texts: readonly string[],
  signal: AbortSignal | undefined,
  warn: (warning: Warning) => void,
): Promise<Float32Array[]> {
  if (embedder === undefined) {
    throw new TierwiseError(
      'no-embedder',
      "This client has no embedder: give createClient one, as `embedder: minilm()` of 'tierwise/minilm'.",
    );
  }
  return embedder.embed(texts, {
    ...(signal !== undefined && { signal }),
    onCut: (cut) => {
      const which = cut.length === 1 ? `Text ${String(cut[0])} was` : `${String(cut.length)} texts were`;
      warn({ code: 'text-cut', message: `${which} longer than the embedding model reads: the rest was left out.` });
    },
  });
}

export async function similarityOf(...[embedder, texts, ...more]: Parameters<typeof embedTexts>): Promise<number> {
  const [a, b] = await embedTexts(embedder, texts, ...more);
  return cosine(a!, b!);
}
