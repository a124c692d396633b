/**
 * Embeddings: how soon the first one is there, what ours adds to ONNX Runtime's own time, and pooling. First embeddings
 * are measured in fresh browser contexts, files from a loopback server; ONNX Runtime alone is the same build with the same
 * model, given token ids, in the page.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { root, serve } from '../browser/harness.mjs';
import { isolation, openBench, packageRoutes } from './page.mjs';
import { bundleRuntime } from './peers.mjs';
import { median, micros, millis, p95, table, times } from './statistics.mjs';

export const title = 'Embeddings';

const lengths = [16, 64, 128];
const folder = 'models/all-MiniLM-L6-v2';
const file = (name) => readFileSync(path.join(root, name));

export async function run({ browser, quick }) {
  const rounds = quick ? 3 : 15;
  const page =
    '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>embed</title>';
  const routes = {
    '/': page,
    ...packageRoutes('/pkg/dist'),
    ...Object.fromEntries(
      [
        `${folder}/model.onnx`,
        `${folder}/vocab.txt`,
        `${folder}/light.bin`,
        'models/guard/words.bin',
        'models/guard/judge.bin',
      ].map((name) => [`/pkg/${name}`, file(name)]),
    ),
    '/ort.js': await bundleRuntime(),
  };
  const site = await serve(routes, { headers: isolation });

  // Each runs in a page that never saw the package, and gives ms.
  const first = {
    async light() {
      const { light } = await import('/pkg/dist/light.js');
      const { renderChatTemplate } = await import('/pkg/dist/index.js');
      // The core is there, as in a page that already asks.
      await renderChatTemplate('{{ x }}', { x: 1 });
      const began = performance.now();
      await light().embed(['How do I turn on two-factor authentication?']);
      return performance.now() - began;
    },
    async client() {
      const { light } = await import('/pkg/dist/light.js');
      const { createClient } = await import('/pkg/dist/index.js');
      const client = createClient({ providers: { mock: true }, storage: 'memory', embedder: light() });
      // Both are loaded side by side; this is there with the core.
      await client.health();
      const began = performance.now();
      await client.embed(['How do I turn on two-factor authentication?']);
      const ms = performance.now() - began;
      client.close();
      return ms;
    },
    async minilm() {
      const { minilm } = await import('/pkg/dist/minilm.js');
      const began = performance.now();
      await minilm({ threads: 1 }).embed(['How do I turn on two-factor authentication?']);
      return performance.now() - began;
    },
    async alone() {
      const { OrtSession, useRuntime } = await import('/ort.js');
      const read = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
      const began = performance.now();
      const [model, runtime] = await Promise.all([
        read('/pkg/models/all-MiniLM-L6-v2/model.onnx'),
        read('/pkg/dist/ort-wasm-simd-threaded.wasm'),
      ]);
      useRuntime(runtime, 1);
      const session = await OrtSession.open(model);
      const ids = Int32Array.of(101, 2129, 2079, 1045, 2735, 2006, 2048, 1011, 5387, 27280, 1029, 102);
      await session.run({ ids, lengths: Int32Array.of(ids.length) });
      return performance.now() - began;
    },
  };
  const samples = Object.fromEntries(Object.keys(first).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, task] of Object.entries(first)) {
      const context = await browser.newContext();
      const opened = await context.newPage();
      await opened.goto(`${site.origin}/`);
      samples[name].push(await opened.evaluate(task));
      await context.close();
    }
  }
  await site.close();

  const bench = await openBench(browser, routes);
  const steady = await bench.call('embed', 'steady', { lengths, rounds: quick ? 5 : 60, warmUp: quick ? 3 : 15 });
  const pooled = await bench.call('embed', 'pooling', { rounds: quick ? 20 : 300, warmUp: quick ? 10 : 50 });
  await bench.close();

  const lines = Object.entries({
    client: "first light embedding of a client, from its core's being ready",
    light: 'first light embedding, nothing of it being there',
    minilm: 'first MiniLM embedding, nothing being there',
    alone: 'the same by ONNX Runtime alone, from token ids to token vectors',
  }).map(([name, what]) => [what, millis(median(samples[name])), millis(p95(samples[name]))]);
  for (const length of lengths) {
    const of = steady[String(length)];
    lines.push([`text of ${length} tokens to its vector`, millis(median(of.tierwise)), millis(p95(of.tierwise))]);
    lines.push([`ONNX Runtime alone, ${length} tokens`, millis(median(of.alone)), millis(p95(of.alone))]);
  }
  const us = (name) => (median(pooled[name]) * 1000) / pooled.batch;
  lines.push(
    ['pooling [1, 128, 384], from a Float32Array to a unit vector', micros(us('tierwise')), '-'],
    ['the same in JavaScript', micros(us('script')), '-'],
    ['copying as many bytes', micros(us('copy')), '-'],
  );
  const worst = lengths.map((length) => median(steady[String(length)].tierwise) / median(steady[String(length)].alone));
  return {
    measures: `Medians of ${rounds} fresh contexts for what comes first, else of interleaved rounds in one page; one thread.`,
    peers: { 'onnxruntime-web': JSON.parse(file('node_modules/onnxruntime-web/package.json')).version },
    table: table([['', 'p50', 'p95'], ...lines]),
    targets: [
      {
        what: 'first light embedding after the core is ready, p50',
        target: '≤ 30 ms',
        value: `${millis(median(samples.client))} (begun only then: ${millis(median(samples.light))})`,
        met: median(samples.client) <= 30,
      },
      {
        what: 'first MiniLM embedding beside ONNX Runtime alone',
        target: 'no slower',
        value: `${millis(median(samples.minilm))} to ${millis(median(samples.alone))}`,
        met: median(samples.minilm) <= median(samples.alone),
      },
      {
        what: 'text to vector beside ONNX Runtime alone, the most of all lengths',
        target: '≤ 1.05x',
        value: times(Math.max(...worst)),
        met: Math.max(...worst) <= 1.05,
      },
      {
        what: 'pooling beside copying as many bytes',
        target: '≤ 2x',
        value: times(us('tierwise') / us('copy')),
        met: us('tierwise') <= 2 * us('copy'),
      },
    ],
    notes: '',
  };
}
