/** `embed`, `similarity` and `search` of a client: its configured embedder, and what its caller is told. */
import {
  cosine,
  type DocumentSearch,
  type Embedder,
  type EmbedOptions,
  type SearchableDocument,
} from './embedder/embedder.js';
import { TierwiseError } from './errors.js';
import type { Warning } from './types.js';

/** What of it a client's caller may want. */
type Called = Pick<EmbedOptions, 'signal'>;
type Warn = (warning: Warning) => void;

export async function embedTexts(
  embedder: Embedder | undefined,
  texts: readonly string[],
  options: Called,
  warn: Warn,
): Promise<Float32Array[]> {
  return required(embedder).embed(texts, telling(options, 'Text', warn));
}

export async function similarityOf(
  embedder: Embedder | undefined,
  texts: readonly [string, string],
  options: Called,
  warn: Warn,
): Promise<number> {
  const [a, b] = await embedTexts(embedder, texts, options, warn);
  return cosine(a!, b!);
}

export async function searchFor<D extends SearchableDocument>(
  embedder: Embedder | undefined,
  documents: readonly D[],
  options: Called,
  warn: Warn,
): Promise<DocumentSearch<D>> {
  const known = required(embedder);
  if (known.search !== undefined) return known.search(documents, telling(options, 'Document', warn));
  throw new TierwiseError('no-embedder', "This embedder cannot search: use `searchDocuments` of 'tierwise/light'.");
}

function required(embedder: Embedder | undefined): Embedder {
  if (embedder !== undefined) return embedder;
  throw new TierwiseError(
    'no-embedder',
    "This client has no embedder: give createClient one, as `embedder: minilm()` of 'tierwise/minilm'.",
  );
}

function telling({ signal }: Called, what: string, warn: Warn): EmbedOptions {
  return {
    ...(signal !== undefined && { signal }),
    onCut: (cut) => {
      const which =
        cut.length === 1 ? `${what} ${String(cut[0])} was` : `${String(cut.length)} ${what.toLowerCase()}s were`;
      warn({ code: 'text-cut', message: `${which} longer than the embedding model reads: the rest was left out.` });
    },
  };
}
