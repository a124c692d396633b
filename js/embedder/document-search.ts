/**
 * Documents of the application found by meaning: their vectors in an exact index (wasm/embed/vector_index.h), the texts where
 * the caller has them.
 */
import { RequestError } from '../errors.js';
import type { DocumentHit, DocumentSearch, Embedder, EmbedOptions, SearchableDocument } from './embedder.js';
import type { VectorIndex } from './vector-index.js';

const mostHits = 1000;

/** Errors: as `embed`; RequestError naming the document. */
export async function openDocumentSearch<D extends SearchableDocument>(
  embedder: Embedder,
  documents: readonly D[],
  options: EmbedOptions,
): Promise<DocumentSearch<D>> {
  const { dimensions } = embedder;
  const { openVectorIndex } = await import('./vector-index.js');
  const search = new OpenSearch<D>(embedder, await openVectorIndex({ dimensions }));
  try {
    await search.add(documents, options);
    return search;
  } catch (error) {
    search.close();
    throw error;
  }
}

class OpenSearch<D extends SearchableDocument> implements DocumentSearch<D> {
  readonly #embedder: Embedder;
  readonly #index: VectorIndex;
  readonly #documents: (D | undefined)[] = [];
  #closed = false;

  constructor(embedder: Embedder, index: VectorIndex) {
    this.#embedder = embedder;
    this.#index = index;
  }

  get size(): number {
    return this.#index.size;
  }

  get bytes(): number {
    return this.#index.bytes;
  }

  async add(documents: readonly D[], options: EmbedOptions = {}): Promise<number[]> {
    this.#open();
    const given: unknown = documents;
    if (!Array.isArray(given)) throw wrong('documents', 'must be a list');
    const texts = documents.map((document: unknown, i) => {
      const text = typeof document === 'string' ? document : (document as { text?: unknown } | null)?.text;
      if (typeof text === 'string') return text;
      throw wrong(`documents[${String(i)}]`, 'must be a text, or an object with one as its member text');
    });
    const vectors = await this.#embedder.embed(texts, options);
    this.#open();
    const numbers = documents.map((_, i) => this.#documents.length + i);
    this.#documents.push(...documents);
    // A text without a single token is never found.
    const sound = numbers.filter((_, i) => vectors[i]!.some((x) => x !== 0));
    const first = numbers[0] ?? 0;
    this.#index.addAll(sound.map((number) => ({ id: number, vector: vectors[number - first]! })));
    return numbers;
  }

  remove(number: number): boolean {
    this.#open();
    const there = this.#documents[number] !== undefined;
    this.#documents[number] = undefined;
    if (this.#index.has(number)) this.#index.remove(number);
    return there;
  }

  async find(
    query: string,
    { k = 5, minScore = -1, ...options }: EmbedOptions & { k?: number; minScore?: number } = {},
  ): Promise<DocumentHit<D>[]> {
    this.#open();
    if (typeof query !== 'string') throw wrong('query', 'must be a text');
    if (!Number.isInteger(k) || k < 1 || k > mostHits)
      throw wrong('k', `must be a whole number from 1 to ${String(mostHits)}`);
    const [vector] = await this.#embedder.embed([query], options);
    this.#open();
    if (vector!.every((x) => x === 0)) return [];
    return this.#index
      .search(vector!, { k, minScore })
      .map(({ id, score }) => ({ document: this.#documents[id as number]!, number: id as number, score }));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#index.close();
    this.#documents.length = 0;
  }

  #open(): void {
    if (this.#closed) throw new RequestError('closed', 'This search was closed: make a new one.');
  }
}

function wrong(field: string, what: string): RequestError {
  return new RequestError('invalid-input', `${field}: ${what}.`, field);
}
