/**
 * The transformer in ONNX Runtime Web, on the thread this runs on: a batch of token ids to the vectors of their tokens.
 * The runtime's plain WebAssembly build, which needs no `eval`; its file and the model are given as bytes, so nothing
 * here is fetched.
 */
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm';

export interface TokenBatch {
  /** Of all texts, one behind the other. */
  ids: Int32Array;
  /** Tokens of each text. */
  lengths: Int32Array;
}

/** ONNX, in base64: y = x, of one number. */
const smallestModel = 'CAg6LwoQCgF4EgF5IghJZGVudGl0eRIBZ1oLCgF4EgYKBAgBEgBiCwoBeRIGCgQIARIAQgIQDQ==';

/**
 * `runtime`: the bytes of ort-wasm-simd-threaded.wasm; `threads`: more than one only where the page is cross-origin
 * isolated. Before the first session, and of that alone: the runtime starts once on each thread.
 */
export function useRuntime(runtime: Uint8Array, threads: number): void {
  env.wasm.wasmBinary = runtime;
  env.wasm.numThreads = threads;
  env.logLevel = 'error';
}

/** Starts the runtime, as the first session would, while the model is on its way. */
export async function startRuntime(): Promise<void> {
  const session = await InferenceSession.create(Uint8Array.from(atob(smallestModel), (c) => c.charCodeAt(0)));
  await session.release();
}

export class OrtSession {
  readonly #session: InferenceSession;
  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async open(model: Uint8Array): Promise<OrtSession> {
    return new OrtSession(await InferenceSession.create(model, { graphOptimizationLevel: 'all' }));
  }

  /** float32 of each token of `batch`, as many as the model has dimensions, without padding between texts. */
  async run({ ids, lengths }: TokenBatch): Promise<Float32Array> {
    const rows = lengths.length;
    const width = lengths.reduce((a, b) => Math.max(a, b), 0);
    const even = ids.length === rows * width;
    const padded = even ? ids : pad(ids, lengths, width);
    const { vectors } = await this.#session.run({
      ids: new Tensor('int32', padded, [rows, width]),
      lengths: new Tensor('int32', lengths, [rows]),
    });
    const data = vectors!.data as Float32Array;
    const size = data.length / (rows * width);
    // A copy also where nothing is left out: the runtime's own lies in its memory.
    const found = new Float32Array(ids.length * size);
    let to = 0;
    for (let row = 0; row < rows; row++) {
      const from = row * width * size;
      const count = lengths[row]! * size;
      found.set(data.subarray(from, from + count), to);
      to += count;
    }
    vectors!.dispose();
    return found;
  }
}

function pad(ids: Int32Array, lengths: Int32Array, width: number): Int32Array {
  const padded = new Int32Array(lengths.length * width);
  let from = 0;
  for (let row = 0; row < lengths.length; row++) {
    padded.set(ids.subarray(from, from + lengths[row]!), row * width);
    from += lengths[row]!;
  }
  return padded;
}
