/** `tierwise/minilm`: embeddings of all-MiniLM-L6-v2 on this device. Everything is loaded when it is first used. */
import type { Embedder, EmbedOptions } from './embedder/embedder.js';
import { MiniLmEmbedder, type MiniLmOptions } from './embedder/minilm.js';
import { RequestError } from './errors.js';
import { light } from './light.js';

export { cosine, createVectorIndex, light, searchDocuments, tokenize } from './light.js';
export type * from './light.js';
export type { MiniLmOptions } from './embedder/minilm.js';

/**
 * 384 dimensions; of a text the first 256 tokens count. The first use loads 38 MB (the model and ONNX Runtime Web), which
 * the browser keeps; nothing is loaded before. One at a time is plenty: each has a worker of its own.
 */
export function minilm(options: MiniLmOptions = {}): Embedder & { load(): Promise<void> } {
  const own = {
    model: new URL('../models/all-MiniLM-L6-v2/model.onnx', import.meta.url).href,
    runtime: new URL('ort-wasm-simd-threaded.wasm', import.meta.url).href,
  };
  return new MiniLmEmbedder(
    options,
    own,
    () => new Worker(new URL('minilm-worker.js', import.meta.url), { type: 'module', name: 'tierwise-minilm' }),
  );
}

const shared = new Map<string, Embedder>();

/**
 * Unit vectors of texts, without a client: 384 dimensions with `minilm` (the default), 128 with `light`.
 *
 * Errors: `RequestError` naming the text or option; `LoadError`; `TierwiseError` `embedding-failed`; `AbortedError`.
 */
export async function embed(
  texts: readonly string[],
  options: EmbedOptions & { model?: 'light' | 'minilm' } = {},
): Promise<Float32Array[]> {
  const { model = 'minilm' } = options;
  // For callers without types.
  if (!['minilm', 'light'].includes(model)) {
    throw new RequestError('invalid-input', 'model: must be light or minilm.', 'model');
  }
  let embedder = shared.get(model);
  if (embedder === undefined) shared.set(model, (embedder = model === 'light' ? light() : minilm()));
  return embedder.embed(texts, options);
}
