/** What makes vectors of texts: MiniLM on the device, the light table, or a server. */
import { TierwiseError } from '../errors.js';
import type { Semantics } from '../semantic/semantics.js';

export interface Embedder {
  /** Which vectors these are, with their version: those of two ids are never compared. */
  readonly id: string;
  /** Of each vector. */
  readonly dimensions: number;
  /**
   * A unit vector for each text, in their order; all 0 for a text without a single token. Errors: LoadError, RequestError
   * naming the text, TierwiseError `embedding-failed` or `closed`, AbortedError.
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Documents to be found by meaning. Errors: as `embed`; RequestError naming the document. */
  search?<D extends SearchableDocument>(documents: readonly D[], options?: EmbedOptions): Promise<DocumentSearch<D>>;
  /** For a client's semantic cache. An embedder without it has none. */
  readonly semantics?: Semantics;
  /** Gives its memory back. What is asked afterwards is refused: `closed`. */
  close(): void;
}
export interface EmbedOptions {
  signal?: AbortSignal;
  /** Told of texts longer than the model reads, which are cut: their numbers in `texts`. */
  onCut?: (texts: number[]) => void;
}

/** A text, or an object with one. */
export type SearchableDocument = string | { readonly text: string };
export interface DocumentHit<D> {
  document: D;
  /** What `add` gave it: documents are numbered from 0, in their order. */
  number: number;
  /** The cosine to the query, -1 to 1. */
  score: number;
}
/** Close it when it is no longer needed. Errors: as `embed`; RequestError naming the document or option, or `closed`. */
export interface DocumentSearch<D> {
  /** How many can be found. */
  readonly size: number;
  /** Memory of the vectors. */
  readonly bytes: number;
  /** Their numbers. */
  add(documents: readonly D[], options?: EmbedOptions): Promise<number[]>;
  /** Whether there was one of that number. */
  remove(number: number): boolean;
  /** The best first; at most `k`, default 5, up to 1,000; only those of at least `minScore`, default -1. */
  find(query: string, options?: EmbedOptions & { k?: number; minScore?: number }): Promise<DocumentHit<D>[]>;
  close(): void;
}

/** What is asked of one after its `close`. */
export function embedderClosed(): TierwiseError {
  return new TierwiseError('closed', 'This embedder was closed; create a new one.');
}

/** Of two unit vectors: from -1 to 1. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return Math.max(-1, Math.min(1, sum));
}
