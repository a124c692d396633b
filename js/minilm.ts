/** `tierwise/minilm`: embeddings of all-MiniLM-L6-v2 on this device. Everything is loaded when it is first used. */
import type { Embedder, EmbedOptions } from './embedder/embedder.js';
import { MiniLmEmbedder } from './embedder/minilm.js';
import { modelFile, modelFolder } from './embedder/model.js';
import type { Transformer } from './embedder/transformer.js';
import type { MiniLmOptions } from './embedder/model-location.js';
import { RequestError } from './errors.js';
import { light } from './light.js';
import type { ComparePromptsOptions, PromptComparison } from './types.js';

export { cosine, createVectorIndex, light, searchDocuments, tokenize } from './light.js';
export type * from './light.js';
export type { MiniLmOptions } from './embedder/model-location.js';

/**
 * 384 dimensions; of a text the first 256 tokens count. The first use loads 38 MB (the model and ONNX Runtime Web), which
 * the browser keeps; nothing is loaded before, but by `load()`, whose errors are those of `embed`. One at a time is plenty:
 * each has a worker of its own.
 */
export function minilm(options: MiniLmOptions = {}): Embedder & { load(): Promise<void> } {
  return openMiniLm(options);
}

function openMiniLm(options: MiniLmOptions): MiniLmEmbedder {
  const runtime = 'ort-wasm-simd-threaded.wasm';
  const own = {
    model: modelFile(
      'model.onnx',
      `${modelFolder}model.onnx`,
      () => new URL('../models/all-MiniLM-L6-v2/model.onnx', import.meta.url),
      options,
    ),
    runtime: modelFile(
      runtime,
      `dist/${runtime}`,
      () => new URL('ort-wasm-simd-threaded.wasm', import.meta.url),
      options,
    ),
  };
  // Bundlers make a file of the worker where they read exactly this.
  const bundled = () =>
    new Worker(new URL('minilm-worker.js', import.meta.url), { type: 'module', name: 'tierwise-minilm' });
  const { url } = own.runtime;
  const besideRuntime = () => {
    const file = new URL('minilm-worker.js', url);
    return new Worker(file, { type: 'module', name: 'tierwise-minilm' });
  };
  // Where the package is served as it is, a dev server would only complain of the other.
  const asItIs = url.includes('/node_modules/tierwise/dist/');
  return new MiniLmEmbedder(options, own, asItIs ? [besideRuntime, bundled] : [bundled, besideRuntime]);
}

const shared = new Map<string | undefined, MiniLmEmbedder>();

function sharedMiniLm(modelUrl: string | undefined): MiniLmEmbedder {
  let embedder = shared.get(modelUrl);
  if (embedder === undefined) shared.set(modelUrl, (embedder = openMiniLm({ modelUrl })));
  return embedder;
}

/**
 * Unit vectors of texts, in their order, without a client: 384 dimensions with `minilm` (the default), 128 with `light`.
 * `modelUrl` as of `minilm()`.
 *
 * Errors: `RequestError` naming the text or option; `LoadError`; `TierwiseError` `embedding-failed`; `AbortedError`.
 */
export async function embed(
  texts: readonly string[],
  options: EmbedOptions & { model?: 'light' | 'minilm'; modelUrl?: string } = {},
): Promise<Float32Array[]> {
  const { model = 'minilm', modelUrl } = options;
  // For callers without types.
  if (!['minilm', 'light'].includes(model)) {
    throw new RequestError('invalid-input', 'model: must be light or minilm.', 'model');
  }
  return (model === 'light' ? light({ modelUrl }) : sharedMiniLm(modelUrl)).embed(texts, options);
}

/**
 * Whether two prompts ask the same, as the semantic cache decides it with `minilm()` (the default) or `light()`: `a` as a
 * stored question, `b` as the one asked. Each may be 16 KB of UTF-8; of the vectors the first 256 tokens count.
 *
 * Errors: `RequestError` `invalid-input`, or `too-large`, with the field; `LoadError`; `TierwiseError` `embedding-failed`;
 * `AbortedError`.
 */
export async function comparePrompts(
  a: string,
  b: string,
  options: ComparePromptsOptions & { model?: 'light' | 'minilm' } = {},
): Promise<PromptComparison> {
  const models = ['minilm', 'light'];
  const transformer = (modelUrl: string | undefined): Transformer => sharedMiniLm(modelUrl).transformer;
  return (await import('./semantic/semantic-cache.js')).comparePrompts(a, b, options, models, transformer);
}
