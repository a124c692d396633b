/** What a page may download in bytes of brotli, which files count for what, and how a web server would compress them. */
import { brotliCompressSync, constants } from 'node:zlib';

/** Without React: before its first request (core.wasm, its glue, IndexedDB's part included), and with its first prompt. */
export const budgets = { 'every page': 114_700, 'the first prompt': 69_500 };

/** Loaded with the first request of a client whose usage is delivered (outbox, senders, OTLP). */
export const usageBudget = 12 * 1024;
export function isUsage(name) {
  return /^usage\b/.test(name);
}

/** What embeddings add to that, without ONNX Runtime Web and the model's files. Half of it is Emscripten's glue. */
export const embeddingBudgets = {
  'JavaScript of light': 11_150,
  'JavaScript of minilm': 13_400,
  'JavaScript of searching': 3_350,
  'JavaScript of the semantic cache': 2_500,
  // The guard, its rules and lists, is more than half of it.
  'meaning.wasm': 63_700,
};

/** Loaded with a client's first request, where its embedder carries a semantic cache, or with `comparePrompts`. */
export function isSemantic(name) {
  return /^semantic-cache-/.test(name);
}

/** Loaded with the first vector index or search of documents. */
export function isSearch(name) {
  return /^(vector-index|document-search)-/.test(name);
}

/** ONNX Runtime Web's JavaScript, with what little of ours is in the same file. */
export function isRuntime(name) {
  return /^(minilm-worker|ort-session)\.js$|^ort-/.test(name);
}

/** Downloaded only in place of files that are lost. */
export function isCopy(name) {
  return /^((core|prompts|meaning)-base64|vocabulary)-/.test(name);
}

export function partOf(name) {
  if (isUsage(name)) return 'usage';
  return /^(prompts\.(wasm|js)|injection-\w+\.js)$/.test(name) ? 'the first prompt' : 'every page';
}

export function brotliSize(bytes) {
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length;
}
