/**
 * all-MiniLM-L6-v2 on this device: tokenised and pooled in meaning.wasm, the transformer in ONNX Runtime Web
 * (transformer.ts). 384 dimensions; of a text the first 256 tokens count.
 */
import type { Semantics } from '../semantic/semantics.js';
import type { DocumentSearch, Embedder, EmbedOptions, SearchableDocument } from './embedder.js';
import { encodeTexts } from './encode-texts.js';
import type { ModelFile } from './model-files.js';
import { readFile, semanticsOf, tokenizer, versionOf } from './model.js';
import type { MiniLmOptions, ModelLocation } from './model-location.js';
import type { TokenBatch } from './ort-session.js';
import { requireTexts } from './require-texts.js';
import { Transformer } from './transformer.js';

const dimensions = 384;
/**
 * Short texts go through together: padding is pure loss, so only as many as are about equally long. Activations are
 * quantised by the whole batch, so a vector beside others differs from that of the text alone (cosine .99 and above).
 */
const batchRows = 8;
const batchTokens = 512;
/** Far more than any batch takes on a slow phone. */
const batchMs = 120_000;

export class MiniLmEmbedder implements Embedder {
  readonly id = `all-MiniLM-L6-v2/${versionOf('model.onnx')}`;
  readonly dimensions = dimensions;
  readonly #location: ModelLocation;
  readonly semantics: Semantics;
  readonly transformer: Transformer;

  constructor(options: MiniLmOptions, own: { model: ModelFile; runtime: ModelFile }, workers: (() => Worker)[]) {
    const { worker = true, threads = sensibleThreads(), idleMs = 60_000 } = options;
    this.#location = options;
    this.transformer = new Transformer({
      files: () => {
        // The runtime starts while the model is on its way.
        const runtime = readFile(own.runtime, options);
        const model = readFile(own.model, options, runtime);
        void Promise.allSettled([runtime, model]);
        return { model, runtime, threads };
      },
      workers: worker && typeof Worker === 'function' ? workers : [],
      idleMs,
      batchMs,
    });
    this.semantics = semanticsOf(this.id, options, this.transformer);
  }

  /** Loads what the first `embed` would. */
  async load(): Promise<void> {
    await Promise.all([this.transformer.warm(), tokenizer(this.#location)]);
  }

  async embed(texts: readonly string[], { signal, onCut }: EmbedOptions = {}): Promise<Float32Array[]> {
    requireTexts(texts);
    if (texts.length > 0 && signal?.aborted !== true) this.transformer.begin();
    const meaning = await tokenizer(this.#location);
    const encoded = encodeTexts(meaning, texts, onCut, (tokens) => meaning.ids(tokens).slice());
    const found: Float32Array[] = new Array<Float32Array>(texts.length);
    await Promise.all(
      batches(encoded).map(async (rows) => {
        const vectors = await this.transformer.run(batchOf(rows.map((row) => encoded[row]!)), signal);
        const lengths = rows.map((row) => encoded[row]!.length);
        for (const [i, vector] of meaning.pool(vectors, lengths, dimensions).entries()) found[rows[i]!] = vector;
      }),
    );
    return found;
  }

  async search<D extends SearchableDocument>(
    documents: readonly D[],
    options: EmbedOptions = {},
  ): Promise<DocumentSearch<D>> {
    return (await import('./document-search.js')).openDocumentSearch(this, documents, options);
  }

  close(): void {
    this.transformer.close();
  }
}

/** Texts by length, so many at once that the padding stays small. */
function batches(encoded: readonly Int32Array[]): number[][] {
  const rows = Array.from(encoded.keys()).sort((a, b) => encoded[a]!.length - encoded[b]!.length);
  const found: number[][] = [];
  for (const row of rows) {
    const last = found.at(-1);
    const width = encoded[row]!.length;
    const fits =
      last !== undefined &&
      last.length < batchRows &&
      (last.length + 1) * width <= batchTokens &&
      encoded[last[0]!]!.length * 1.25 + 2 >= width;
    if (fits) last.push(row);
    else found.push([row]);
  }
  return found;
}

function batchOf(texts: readonly Int32Array[]): TokenBatch {
  const lengths = Int32Array.from(texts, (ids) => ids.length);
  const ids = new Int32Array(lengths.reduce((a, b) => a + b, 0));
  let at = 0;
  for (const text of texts) {
    ids.set(text, at);
    at += text.length;
  }
  return { ids, lengths };
}

function sensibleThreads(): number {
  if ((globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== true) return 1;
  return Math.max(1, Math.min(4, Math.floor(navigator.hardwareConcurrency / 2)));
}
