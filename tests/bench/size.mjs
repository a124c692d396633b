/** What is downloaded, compressed as servers do it (brotli at its best), beside what people would use otherwise. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { root } from '../browser/harness.mjs';
import { brotliSize, budgets, isCopy, partOf } from '../packaging/budgets.mjs';
import { importsFrom } from '../packaging/import-graph.mjs';
import { bundlePeers, peerVersion } from './peers.mjs';
import { kilobytes, table } from './statistics.mjs';

export const title = 'What is downloaded';

function sizes(bytes) {
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliSize(bytes) };
}

export async function run({ peers }) {
  const folder = path.join(root, 'dist');
  const read = (name) => readFileSync(path.join(folder, name));
  const { files } = importsFrom(folder, 'index.js');
  const isPrompts = (name) => partOf(name) === 'the first prompt';
  const isStore = (name) => name.startsWith('indexed-db');
  const of = (names) => names.map((name) => sizes(read(name)));
  const sum = (list) =>
    list.reduce(
      (total, part) => ({
        raw: total.raw + part.raw,
        gzip: total.gzip + part.gzip,
        brotli: total.brotli + part.brotli,
      }),
      {
        raw: 0,
        gzip: 0,
        brotli: 0,
      },
    );
  const js = sum(of(files.filter((name) => !isCopy(name) && !isStore(name) && partOf(name) === 'every page')));
  const store = sum(of(files.filter(isStore)));
  const copy = sum(of(files.filter(isCopy)));
  const prompts = sum(of(['prompts.wasm', ...files.filter(isPrompts)]));
  const [wasm, react] = of(['core.wasm', 'react.js']);
  const needed = sum([js, wasm, store]);

  const others = [
    ['`@gradio/client`: `Client`', '@gradio/client', "export { Client } from '@gradio/client';"],
    [
      '`@huggingface/inference`: `chatCompletion`, `chatCompletionStream`',
      '@huggingface/inference',
      "export { chatCompletion, chatCompletionStream } from '@huggingface/inference';",
    ],
    ['`ai`: `generateText` alone', 'ai', "export { generateText } from 'ai';"],
    [
      '`ai`: `generateText`, `streamText`, `@ai-sdk/openai-compatible`',
      '@ai-sdk/openai-compatible',
      "export { generateText, streamText } from 'ai'; export { createOpenAICompatible } from '@ai-sdk/openai-compatible';",
    ],
  ];
  const rows = [];
  const versions = {};
  for (const [label, name, code] of others) {
    rows.push([label, sizes(Buffer.from(await bundlePeers(peers, code)))]);
    versions[name] = peerVersion(peers, name);
  }
  const cells = (label, size) => [label, kilobytes(size.raw), kilobytes(size.gzip), kilobytes(size.brotli)];
  return {
    measures:
      'Minified files, KB of 1,024 bytes, each compressed by itself: gzip -9, brotli 11. The rivals are bundled with the same esbuild ' +
      'for browsers. They are no equals: none of them routes between tiers, keeps a persistent cache or wakes Spaces.',
    peers: versions,
    table: table([
      ['', 'raw', 'gzip', 'brotli'],
      cells('JavaScript, glue included', js),
      cells('`core.wasm`', wasm),
      cells('IndexedDB, loaded when replies are kept', store),
      cells('**what every page loads**', needed),
      cells('`prompts.wasm` and the templates by name, loaded with the first prompt', prompts),
      cells('React hooks, for those who import them', react),
      cells('copies of the core, loaded only where `core.wasm` or `prompts.wasm` is lost', copy),
      ...rows.map(([label, size]) => cells(label, size)),
    ]),
    targets: [
      {
        what: '`core.wasm`, glue and JavaScript without React, brotli',
        target: `≤ ${budgets['every page'].toLocaleString('en-GB')} bytes`,
        value: `${needed.brotli.toLocaleString('en-GB')} bytes`,
        met: needed.brotli <= budgets['every page'],
      },
      {
        what: 'what the first prompt loads, brotli',
        target: `≤ ${budgets['the first prompt'].toLocaleString('en-GB')} bytes`,
        value: `${prompts.brotli.toLocaleString('en-GB')} bytes`,
        met: prompts.brotli <= budgets['the first prompt'],
      },
    ],
  };
}
