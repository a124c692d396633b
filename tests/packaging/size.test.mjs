/**
 * The size budgets, in brotli as a web server would send it, file by file: what a page without React downloads before
 * its first request (core.wasm, its glue and JavaScript, IndexedDB's part included), and what its first prompt adds
 * (prompts.wasm and the templates by name); what embeddings add to it, data files and ONNX Runtime Web apart. Not counted: the React part, and the base64 copies, which are downloaded
 * only in place of the files.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { root } from '../browser/harness.mjs';
import {
  brotliSize,
  budgets,
  embeddingBudgets,
  isCopy,
  isRuntime,
  isSearch,
  isSemantic,
  partOf,
  usageBudget,
} from './budgets.mjs';
import { importsFrom } from './import-graph.mjs';

test('what is downloaded stays within its budgets of brotli', () => {
  const dist = path.join(root, 'dist');
  const { files } = importsFrom(dist, 'index.js');
  const counted = files.filter((name) => !isCopy(name));
  assert.equal(files.length - counted.length, 2, 'the base64 copies are chunks of their own');
  const rows = ['core.wasm', 'prompts.wasm', ...counted].map((name) => {
    const bytes = readFileSync(path.join(dist, name));
    return { name, part: partOf(name), raw: bytes.length, brotli: brotliSize(bytes) };
  });
  console.log('loaded with | file | bytes | brotli');
  for (const { part, name, raw, brotli: size } of rows) console.log(`${part} | ${name} | ${raw} | ${size}`);
  for (const [part, budget] of Object.entries({ ...budgets, usage: usageBudget })) {
    const total = rows.reduce((sum, row) => sum + (row.part === part ? row.brotli : 0), 0);
    console.log(`${part} | together | | ${total} of ${budget}`);
    assert.ok(total <= budget, `${part}: ${total} bytes of brotli are ${total - budget} too many`);
  }
});

test('embeddings stay within theirs; the runtime and data files are told apart', () => {
  const dist = path.join(root, 'dist');
  const size = (file) => {
    const bytes = readFileSync(path.join(root, file));
    return { raw: bytes.length, brotli: brotliSize(bytes) };
  };
  const onEveryPage = new Set(importsFrom(dist, 'index.js').files);
  const ownOf = (entry) =>
    importsFrom(dist, entry).files.filter((name) => !onEveryPage.has(name) && !isCopy(name) && !isRuntime(name));
  const first = (name) => !isSearch(name) && !isSemantic(name);
  const parts = {
    'JavaScript of light': ownOf('light.js').filter(first),
    'JavaScript of minilm': ownOf('minilm.js').filter(first),
    'JavaScript of searching': ownOf('light.js').filter(isSearch),
    'JavaScript of the semantic cache': ownOf('light.js').filter(isSemantic),
    'meaning.wasm': ['meaning.wasm'],
  };
  console.log('loaded with | file | bytes | brotli');
  for (const [part, names] of Object.entries(parts)) {
    let total = 0;
    for (const name of names) {
      const { raw, brotli } = size(`dist/${name}`);
      console.log(`${part} | ${name} | ${raw} | ${brotli}`);
      total += brotli;
    }
    console.log(`${part} | together | | ${total} of ${embeddingBudgets[part]}`);
    assert.ok(total <= embeddingBudgets[part], `${part}: ${total} bytes of brotli are too many`);
  }
  for (const [what, file] of [
    ['ONNX Runtime Web', 'dist/minilm-worker.js'],
    ['data of light and minilm', 'models/all-MiniLM-L6-v2/vocab.txt'],
  ]) {
    const { raw, brotli } = size(file);
    console.log(`${what} | ${path.basename(file)} | ${raw} | ${brotli}`);
  }
  // Not compressed here: that takes a minute.
  for (const [what, file] of [
    ['ONNX Runtime Web', 'dist/ort-wasm-simd-threaded.wasm'],
    ['data of light', 'models/all-MiniLM-L6-v2/light.bin'],
    ['data of minilm', 'models/all-MiniLM-L6-v2/model.onnx'],
    ['data of the semantic cache', 'models/guard/words.bin'],
    ['data of the semantic cache', 'models/guard/judge.bin'],
  ]) {
    console.log(`${what} | ${path.basename(file)} | ${readFileSync(path.join(root, file)).length} | -`);
  }
});
