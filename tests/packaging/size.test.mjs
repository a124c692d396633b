/**
 * The size budgets, in brotli as a web server would send it, file by file: what a page without React downloads before
 * its first request (core.wasm, its glue and JavaScript, IndexedDB's part included), and what its first prompt adds
 * (prompts.wasm and the templates by name), and its first embedding (meaning.wasm; the model's files come on top). Not counted: the React part, and the base64 copies, which are downloaded
 * only in place of the files.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, constants } from 'node:zlib';

import { root } from '../browser/harness.mjs';
import { importsFrom } from './import-graph.mjs';

const budgets = { 'every page': 112_000, 'the first prompt': 67_000, 'the first embedding': 40_000 };
const ofPrompts = /^(prompts\.(wasm|js)|injection-\w+\.js)$/;
const ofMeaning = /^(meaning\.(wasm|js)|light\.js)$/;

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length;

test('what is downloaded stays within its budgets of brotli', () => {
  const dist = path.join(root, 'dist');
  const files = [...new Set(['index.js', 'light.js'].flatMap((name) => importsFrom(dist, name).files))];
  const counted = files.filter((name) => !/^(core|prompts|meaning)-base64-/.test(name));
  assert.equal(files.length - counted.length, 3, 'the base64 copies are chunks of their own');
  const rows = ['core.wasm', 'prompts.wasm', 'meaning.wasm', ...counted].map((name) => {
    const bytes = readFileSync(path.join(dist, name));
    return {
      name,
      part: ofPrompts.test(name) ? 'the first prompt' : ofMeaning.test(name) ? 'the first embedding' : 'every page',
      raw: bytes.length,
      brotli: brotli(bytes),
    };
  });
  console.log('loaded with | file | bytes | brotli');
  for (const { part, name, raw, brotli: size } of rows) console.log(`${part} | ${name} | ${raw} | ${size}`);
  for (const [part, budget] of Object.entries(budgets)) {
    const total = rows.reduce((sum, row) => sum + (row.part === part ? row.brotli : 0), 0);
    console.log(`${part} | together | | ${total} of ${budget}`);
    assert.ok(total <= budget, `${part}: ${total} bytes of brotli are ${total - budget} too many`);
  }
});
