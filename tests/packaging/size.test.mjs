/**
 * The size budget: what a page without React downloads (core.wasm, its glue and all JavaScript, lazily loaded parts
 * included) in brotli as a web server would send it, file by file. Not counted: the React part, and the base64 copy
 * of core.wasm, which is downloaded only in place of the file.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, constants } from 'node:zlib';

import { root } from '../browser/harness.mjs';
import { importsFrom } from './import-graph.mjs';

const kBudget = 100_000;

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length;

test('core.wasm, glue and JavaScript stay within their budget of brotli', () => {
  const dist = path.join(root, 'dist');
  const { files } = importsFrom(dist, 'index.js');
  const counted = ['core.wasm', ...files.filter((name) => !name.startsWith('core-base64-'))];
  assert.ok(files.length > counted.length - 1, 'the base64 copy is a chunk of its own');
  const rows = counted.map((name) => {
    const bytes = readFileSync(path.join(dist, name));
    return { name, raw: bytes.length, brotli: brotli(bytes) };
  });
  const total = rows.reduce((sum, row) => sum + row.brotli, 0);
  console.log('file | bytes | brotli');
  for (const row of rows) console.log(`${row.name} | ${row.raw} | ${row.brotli}`);
  console.log(`together | ${rows.reduce((sum, row) => sum + row.raw, 0)} | ${total} of ${kBudget}`);
  assert.ok(total <= kBudget, `${total} bytes of brotli are ${total - kBudget} too many`);
});
