/** What makes vectors of texts: MiniLM on the device, the light table, or a server. */

export interface Embedder {
  /** Which vectors these are, with their version: those of two ids are never compared. */
  readonly id: string;
  /** Of each vector. */
  readonly dimensions: number;
  /** A unit vector for each text, in their order; all 0 for a text without a single token. Errors: LoadError,
   * RequestError naming the text, TierwiseError `embedding-failed`, AbortedError. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Gives its memory back. What is asked afterwards is refused. */
  close(): void;
}
export interface EmbedOptions {
  signal?: AbortSignal;
  /** Told of texts longer than the model reads, which are cut: their numbers in `texts`. */
  onCut?: (texts: number[]) => void;
}

/** Of two unit vectors: from -1 to 1. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return Math.max(-1, Math.min(1, sum));
}
