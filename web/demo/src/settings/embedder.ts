/**
 * What makes the vectors of the semantic cache, as a person chose it, and how far its files are. Nothing is fetched before
 * the client needs it; the browser keeps what was.
 */
import { useSyncExternalStore } from 'react';
import { type Embedder, light, minilm } from 'tierwise/minilm';

export type EmbedderChoice = 'off' | 'light' | 'minilm';

/** Bytes, by file. */
let files: ReadonlyMap<string, { loaded: number; total: number }> = new Map();
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function embedderOf(choice: EmbedderChoice): Embedder | undefined {
  const onProgress = ({ file, loaded, total }: { file: string; loaded: number; total: number }) => {
    files = new Map(files).set(file, { loaded, total });
    for (const listener of [...listeners]) listener();
  };
  if (choice === 'light') return light({ onProgress });
  return choice === 'minilm' ? minilm({ onProgress }) : undefined;
}

/** What MiniLM needs besides those of the light embedding. */
const filesOf: Record<'light' | 'minilm', readonly string[]> = {
  light: ['light.bin', 'vocab.txt', 'words.bin', 'judge.bin'],
  minilm: ['model.onnx', 'ort-wasm-simd-threaded.wasm'],
};

/** Bytes of the files whose loading has begun. Undefined: none has. */
export function useModelProgress(model: 'light' | 'minilm'): { loaded: number; total: number } | undefined {
  const all = useSyncExternalStore(subscribe, () => files);
  const begun = filesOf[model].map((file) => all.get(file)).filter((progress) => progress !== undefined);
  if (begun.length === 0) return undefined;
  return begun.reduce((sum, { loaded, total }) => ({ loaded: sum.loaded + loaded, total: sum.total + total }));
}
