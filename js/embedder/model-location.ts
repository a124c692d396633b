/** Where a model is, and how it runs: options of the public functions, in a file whose types need no other of ours. */
import type { ModelProgress } from './model-files.js';

export interface ModelLocation {
  /**
   * A folder with copies of the package's `models/all-MiniLM-L6-v2/` (`vocab.txt`; `light.bin` for `light`, `model.onnx` for
   * `minilm`) and, for `minilm`, of `dist/ort-wasm-simd-threaded.wasm`; for the semantic cache and `comparePrompts` also of
   * `light.bin` and, from `models/guard/`, `words.bin` and `judge.bin`. Default: the package's own.
   */
  modelUrl?: string | undefined;
  /** Default: the platform's. */
  fetch?: typeof fetch | undefined;
  /** Told of the files while they are fetched. */
  onProgress?: ((progress: ModelProgress) => void) | undefined;
}

export interface MiniLmOptions extends ModelLocation {
  /** Whether the transformer runs in a worker, where there are workers. Default true. */
  worker?: boolean;
  /** Default: half of the processors, at most 4; 1 where the page is not cross-origin isolated, which threads need. */
  threads?: number;
  /** After so many ms without work the worker is ended and its memory given back. Default 60,000. */
  idleMs?: number;
}
