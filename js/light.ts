/** `tierwise/light`: what needs no transformer. Everything is loaded when it is first called. */
import type { DocumentSearch, Embedder, EmbedOptions, SearchableDocument } from './embedder/embedder.js';
import { LightEmbedder } from './embedder/light.js';
import { tokenizer } from './embedder/model.js';
import type { ModelLocation } from './embedder/model-location.js';
import type { Tokens } from './embedder/tokens.js';
import type { VectorIndex, VectorIndexOptions } from './embedder/vector-index.js';
import { RequestError } from './errors.js';
import { ofRequest } from './request.js';
import { anyText, boolean, check, wholeFrom } from './shape.js';
import type { ComparePromptsOptions, PromptComparison } from './types.js';

export { cosine } from './embedder/embedder.js';
export type { DocumentHit, DocumentSearch, Embedder, EmbedOptions, SearchableDocument } from './embedder/embedder.js';
export type { ModelLocation } from './embedder/model-location.js';
export type { ModelProgress } from './embedder/model-files.js';
export type { Tokens } from './embedder/tokens.js';
export type { ComparePromptsOptions, PromptComparison, PromptLink } from './types.js';
export type {
  Vector,
  VectorEntry,
  VectorHit,
  VectorId,
  VectorIndex,
  VectorIndexOptions,
  VectorPlace,
  VectorSearch,
} from './embedder/vector-index.js';

export interface TokenizeOptions {
  /** Tokens in all; what is beyond is left out. Without it all are given. */
  maxTokens?: number;
  /** `[CLS]` before the text and `[SEP]` behind it, as the model wants them. Default true. */
  special?: boolean;
}

/**
 * The light embedding: 128 dimensions, ready when 2 MB are there, microseconds a text. What it finds alike is about what
 * word vectors find alike; `minilm()` of `tierwise/minilm` knows better. Of a text the first 256 tokens count. Nothing is
 * loaded before it is used.
 */
export function light(location: ModelLocation = {}): Embedder {
  return new LightEmbedder(location);
}

/** UTF-16 units. */
const mostText = 4 * 1024 * 1024;

/**
 * The tokens of all-MiniLM-L6-v2 (BERT's uncased WordPiece) that a text is made of. Lone surrogates count as U+FFFD.
 *
 * Errors: `RequestError` `invalid-input` with the field, `too-large` beyond 4 million UTF-16 units; `LoadError`.
 */
export async function tokenize(text: string, options: TokenizeOptions = {}): Promise<Tokens> {
  ofRequest(() => {
    anyText(text, 'text');
    check(options, { maxTokens: wholeFrom(2, mostText), special: boolean }, '', 'options');
  });
  if (text.length > mostText) {
    throw new RequestError('too-large', `text: must be at most ${String(mostText)} UTF-16 units long.`, 'text');
  }
  const { maxTokens = 2 * mostText, special = true } = options;
  return (await tokenizer({})).tokenize(text, maxTokens, special);
}

/**
 * Whether two prompts ask the same, as the semantic cache decides it with `light()`: `a` as a stored question, `b` as the one
 * asked. Each may be 16 KB of UTF-8. Loads 2.6 MB with its first use.
 *
 * Errors: `RequestError` `invalid-input`, or `too-large`, with the field; `LoadError`; `AbortedError`.
 */
export async function comparePrompts(
  a: string,
  b: string,
  options: ComparePromptsOptions & { model?: 'light' } = {},
): Promise<PromptComparison> {
  return (await import('./semantic/semantic-cache.js')).comparePrompts(a, b, options, ['light']);
}

/**
 * An index of vectors that searches exactly, by cosine: `add`, `update`, `remove`, `search`, `save`. Close it when it is no
 * longer needed.
 *
 * Errors: `RequestError` `invalid-input` with the field, `invalid-snapshot` when `from` is damaged or of other dimensions;
 * `LoadError`.
 */
export async function createVectorIndex(options: VectorIndexOptions): Promise<VectorIndex> {
  return (await import('./embedder/vector-index.js')).openVectorIndex(options);
}

/**
 * Documents to be found by meaning, without a client: as its `search`. Their vectors stay in memory until it is closed.
 *
 * Errors: as `embed` of the embedder; `RequestError` naming the document.
 */
export async function searchDocuments<D extends SearchableDocument>(
  embedder: Embedder,
  documents: readonly D[],
  options: EmbedOptions = {},
): Promise<DocumentSearch<D>> {
  return (await import('./embedder/document-search.js')).openDocumentSearch(embedder, documents, options);
}
