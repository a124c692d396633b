/**
 * The light embedding: the sum of the rows of a text's tokens (wasm/embed/light_table.h), 128 dimensions. Ready as soon as
 * 2 MB are there, microseconds a text, and about as good as word vectors are; of a text the first 256 tokens count.
 */
import type { Semantics } from '../semantic/semantics.js';
import { AbortedError } from '../errors.js';
import {
  type DocumentSearch,
  type Embedder,
  embedderClosed,
  type EmbedOptions,
  type SearchableDocument,
} from './embedder.js';
import { encodeTexts } from './encode-texts.js';
import { lightModel, semanticsOf, versionOf } from './model.js';
import type { ModelLocation } from './model-location.js';
import { requireTexts } from './require-texts.js';

const dimensions = 128;

export class LightEmbedder implements Embedder {
  readonly id = `light/${versionOf('light.bin')}`;
  readonly dimensions = dimensions;
  readonly #location: ModelLocation;
  readonly semantics: Semantics;
  #closed = false;

  constructor(location: ModelLocation) {
    this.#location = location;
    this.semantics = semanticsOf(this.id, location);
  }

  async embed(texts: readonly string[], { signal, onCut }: EmbedOptions = {}): Promise<Float32Array[]> {
    requireTexts(texts);
    if (this.#closed) throw embedderClosed();
    const meaning = await lightModel(this.#location);
    if (signal?.aborted === true) throw new AbortedError(undefined, signal.reason);
    return encodeTexts(meaning, texts, onCut, () => meaning.lightVector(dimensions));
  }

  async search<D extends SearchableDocument>(
    documents: readonly D[],
    options: EmbedOptions = {},
  ): Promise<DocumentSearch<D>> {
    return (await import('./document-search.js')).openDocumentSearch(this, documents, options);
  }

  close(): void {
    this.#closed = true;
  }
}
