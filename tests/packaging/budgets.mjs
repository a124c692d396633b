/** What a page may download in bytes of brotli, which files count for what, and how a web server would compress them. */
import { brotliCompressSync, constants } from 'node:zlib';

/** Without React: before its first request (core.wasm, its glue, IndexedDB's part included), and with its first prompt. */
export const budgets = { 'every page': 112_500, 'the first prompt': 69_500 };

/** Downloaded only in place of core.wasm and prompts.wasm. */
export function isCopy(name) {
  return /^(core|prompts)-base64-/.test(name);
}

export function partOf(name) {
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
