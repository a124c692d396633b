/**
 * The transformer in ONNX Runtime Web, on the thread this runs on: a batch of token ids to the vectors of their tokens.
 * The runtime's plain WebAssembly build, which needs no `eval`; its file and the model are given as bytes, so nothing
 * here is fetched.
 */
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm';

export interface TransformerFiles {
  model: Uint8Array;
  /** ort-wasm-simd-threaded.wasm */
  runtime: Uint8Array;
  /** More than one only where the page is cross-origin isolated. */
  threads: number;
}
export interface TokenBatch {
  /** Of all texts, one behind the other. */
  ids: Int32Array;
  /** Tokens of each text. */
  lengths: Int32Array;
}

export class OrtSession {
  readonly #session: InferenceSession;
  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async open({ model, runtime, threads }: TransformerFiles): Promise<OrtSession> {
    // Of the first session alone: the runtime starts once on each thread.
    env.wasm.wasmBinary = runtime;
    env.wasm.numThreads = threads;
    env.logLevel = 'error';
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
