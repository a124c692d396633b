/**
 * The embeddings in pages made the ways people make them: MiniLM in its worker, the light table, tokens, each from files of
 * the package itself, with no configuration beyond the tool's own defaults, in real Chromium under the strict policy; the
 * semantic cache and comparePrompts likewise;
 * and in Node. esbuild copies no files: there the errors must say what to do, and doing it must help. The last lines are
 * the table of what ran. Everything else of the package in these tools: pages.test.mjs.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { build } from 'esbuild';

import { launch } from '../browser/harness.mjs';
import { app, openConsumer } from './consumer.mjs';
import { pack } from './pack.mjs';
import { isolation, policy, serveFolder, withPolicy } from './strict-site.mjs';
import { visit } from './visit.mjs';

// The same as in pages.test.mjs, which shares the installed projects.
const react = { react: '19.3.1', 'react-dom': '19.3.1' };
const modelFolder = 'models/all-MiniLM-L6-v2';
const guardFiles = ['models/guard/words.bin', 'models/guard/judge.bin'];
const pages = ['embed.js', 'embed-page.js', 'servers-of-page.js'];
const sources = (folder = '', change = (text) => text) =>
  Object.fromEntries(pages.map((name) => [path.join(folder, name), change(readFileSync(app(name), 'utf8'))]));
const html = (script, { head = '' } = {}) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Consumer</title>${head}</head>` +
  `<body>${script}</body></html>\n`;
const moduleScript = (src) => `<script type="module" src="${src}"></script>`;

const table = [];
let tarball;
let browser;
before(async () => {
  tarball = pack();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  console.log(['consumer | workers | build s | page s', ...table].join('\n'));
});

function assertEmbedded({ failed, tokens, light, minilm, same, different, cached }) {
  assert.equal(failed, undefined);
  assert.equal(tokens, '[CLS] hello , em ##bed ##ding ##s ! [SEP]');
  assert.deepEqual([light.failed, light.length], [undefined, 128]);
  assert.deepEqual([minilm.failed, minilm.length], [undefined, 384]);
  assert.ok(light.near > light.far + 0.5, JSON.stringify(light));
  // Eight bits are scaled by what is in a batch, hence not to the last digit.
  assert.ok(Math.abs(minilm.near - 0.89) < 0.03 && Math.abs(minilm.far + 0.03) < 0.03, JSON.stringify(minilm));
  assert.equal(same.failed, undefined);
  assert.ok(same.same && ['light', 'minilm'].includes(same.by), JSON.stringify(same));
  assert.deepEqual([different.failed, different.same, different.rule], [undefined, false, 'antonym']);
  const content = 'In the settings.';
  assert.deepEqual(cached, { content, source: 'cache', by: 'words', other: 'space', asked: 1, warnings: [] });
}

/** `workers`: how many must be alive at the end. */
async function check(name, address, { workers = 1, mayLog = [], buildMs, given = {} } = {}) {
  const seen = await visit(browser, address, given);
  assertEmbedded(seen.outcome);
  assertQuiet(seen, mayLog);
  assert.equal(seen.workers, workers);
  const seconds = (ms) => (ms === undefined ? '-' : (ms / 1000).toFixed(1));
  table.push([name, workers, seconds(buildMs), seconds(seen.ms)].join(' | '));
}

function assertQuiet({ problems }, mayLog) {
  assert.deepEqual(
    problems.filter((problem) => !mayLog.some((pattern) => pattern.test(problem))),
    [],
  );
}

function assertBuilt({ code, stdout, stderr }, mayWarn = []) {
  const output = stdout + stderr;
  assert.equal(code, 0, output);
  const lines = output.split('\n').filter((line) => /warning|error|tierwise/i.test(line));
  assert.deepEqual(
    lines.filter((line) => !mayWarn.some((pattern) => pattern.test(line))),
    [],
    output,
  );
}

/** No bundler may write where it ran into what it made. */
function assertNoPath(output, folder) {
  for (const file of readdirSync(output, { recursive: true })) {
    if (!/\.(js|mjs|html)$/.test(file)) continue;
    assert.equal(readFileSync(path.join(output, file), 'utf8').includes(folder), false, `${file} names ${folder}`);
  }
}

test('bare page', async () => {
  const consumer = await openConsumer('no-bundler', {}, { tarball });
  const beside = (text) =>
    text
      .replaceAll("'tierwise/minilm'", "'./node_modules/tierwise/dist/minilm.js'")
      .replaceAll("'tierwise'", "'./node_modules/tierwise/dist/index.js'");
  consumer.write({ ...sources('', beside), 'index.html': html(moduleScript('./embed-page.js')) });
  const site = await serveFolder(consumer.folder);
  try {
    await check('bare page', `${site.origin}/`);
  } finally {
    await site.close();
    await consumer.close();
  }
});

test('Node', async () => {
  const files = { 'embed.js': { copy: app('embed.js') }, 'node-embed.js': { copy: app('node-embed.js') } };
  const consumer = await openConsumer('no-bundler', {}, { tarball, files });
  try {
    const { code, stdout, stderr, ms } = await consumer.run('node-embed.js');
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assertEmbedded(JSON.parse(stdout));
    assert.ok(ms < 20_000, `took ${ms} ms to end`);
  } finally {
    await consumer.close();
  }
});

test('esbuild', async (t) => {
  const consumer = await openConsumer('no-bundler', {}, { tarball, files: sources() });
  const lost =
    /404 \(Not Found\).*\/(vocab\.txt|(light|words|judge)\.bin|model\.onnx|(core|meaning|ort-wasm-simd-threaded)\.wasm)\)$/;
  const lostWorker = /404 \(Not Found\).*\/minilm-worker\.js\)$/;
  const site = async (name, script, options) => {
    const { warnings } = await build({
      absWorkingDir: consumer.folder,
      entryPoints: { page: 'embed-page.js' },
      bundle: true,
      minify: true,
      outdir: name,
      logLevel: 'silent',
      ...options,
    });
    assert.deepEqual(warnings, []);
    consumer.write({ [`${name}/index.html`]: html(script) });
    // As docs/TROUBLESHOOTING.md says.
    const copies = path.join(consumer.folder, name, 'minilm');
    mkdirSync(copies, { recursive: true });
    const inside = path.join(consumer.folder, 'node_modules/tierwise');
    for (const file of readdirSync(path.join(inside, modelFolder)))
      copyFileSync(path.join(inside, modelFolder, file), path.join(copies, file));
    for (const file of ['dist/minilm-worker.js', 'dist/ort-wasm-simd-threaded.wasm', ...guardFiles])
      copyFileSync(path.join(inside, file), path.join(copies, path.basename(file)));
    return serveFolder(path.join(consumer.folder, name));
  };
  const kinds = [
    ['modules', moduleScript('./page.js'), { format: 'esm', splitting: true }],
    ['classic script', '<script src="./page.js"></script>', { format: 'iife' }],
  ];
  try {
    for (const [kind, script, options] of kinds) {
      await t.test(kind, async () => {
        const { origin, close } = await site(kind.replace(' ', '-'), script, options);
        try {
          const seen = await visit(browser, `${origin}/`, {});
          const { tokens, light, minilm, same, different, cached } = seen.outcome;
          assert.equal(tokens, '[CLS] hello , em ##bed ##ding ##s ! [SEP]', 'from the copy of the vocabulary');
          const told = (file) =>
            `${file} could not be fetched from ${origin}/${modelFolder}/${file}: HTTP 404. ` +
            `Copy node_modules/tierwise/${modelFolder}/${file} there, or set \`modelUrl\` to the folder that has it.`;
          for (const [file, { failed }] of [
            ['light.bin', light],
            ['model.onnx', minilm],
            ['light.bin', same],
            ['light.bin', different],
          ]) {
            assert.equal(failed, `LoadError load-failed: ${told(file)}`);
          }
          // The request is not failed by it.
          assert.deepEqual([cached.content, cached.source, cached.by], ['In the settings.', 'space', undefined]);
          const without = 'Questions in other words are not answered from the cache for now';
          assert.deepEqual(cached.warnings, [`semantic-cache-failed: ${without}: ${told('light.bin')}`]);
          assertQuiet(seen, [lost, lostWorker]);
          const given = { modelUrl: './minilm' };
          await check(`esbuild, ${kind}, copied`, `${origin}/`, { given, mayLog: [lost, lostWorker] });
        } finally {
          await close();
        }
      });
    }
  } finally {
    await consumer.close();
  }
});

for (const version of ['8.3.8', '7.3.8']) {
  const major = version.split('.')[0];
  test(`Vite ${major}`, async (t) => {
    const bin = 'node_modules/vite/bin/vite.js';
    const dependencies = { vite: version, ...react };
    const consumer = await openConsumer(`vite-${major}`, dependencies, { tarball, files: sources('src') });
    try {
      await t.test('build', async () => {
        consumer.write({ 'index.html': html(moduleScript('/src/embed-page.js')) });
        const built = await consumer.run(bin, 'build', '--logLevel', 'warn');
        assertBuilt(built);
        const output = path.join(consumer.folder, 'dist');
        assertNoPath(output, consumer.folder);
        const site = await serveFolder(output);
        await check(`Vite ${major} build`, `${site.origin}/`, { buildMs: built.ms }).finally(site.close);
        if (major === '7') return;
        const isolated = await serveFolder(output, policy, isolation);
        const name = `Vite ${major} build, isolated: two threads`;
        await check(name, `${isolated.origin}/`, { workers: 2 }).finally(isolated.close);
      });
      await t.test('dev', async () => {
        const meta = `<meta http-equiv="Content-Security-Policy" content="${policy} ws://127.0.0.1:*">`;
        consumer.write({ 'index.html': html(moduleScript('/src/embed-page.js'), { head: meta }) });
        const server = await consumer.start(bin, '--port', '$PORT', '--strictPort', '--host', '127.0.0.1');
        await check(`Vite ${major} dev`, `${server.origin}/`).finally(server.stop);
        assert.doesNotMatch(server.output(), /error|tierwise|optimizeDeps/i);
      });
    } finally {
      await consumer.close();
    }
  });
}

test('webpack 5', async () => {
  const dependencies = { webpack: '5.112.1', 'webpack-cli': '7.3.1', ...react };
  const consumer = await openConsumer('webpack-5', dependencies, { tarball, files: sources('src') });
  // Its hints about large files.
  const mayWarn = [/size limit|webpack performance|Largest modules|compiled with \d+ warnings?/];
  try {
    consumer.write({ 'src/index.js': "import './embed-page.js';\n" });
    const bin = 'node_modules/webpack/bin/webpack.js';
    const built = await consumer.run(bin, '--mode', 'production', '-o', 'site', '--stats', 'errors-warnings');
    assertBuilt(built, mayWarn);
    const output = path.join(consumer.folder, 'site');
    assertNoPath(output, consumer.folder);
    consumer.write({ 'site/index.html': html('<script defer src="./main.js"></script>') });
    const site = await serveFolder(output);
    await check('webpack 5 production', `${site.origin}/`, { buildMs: built.ms }).finally(site.close);
    const isolated = await serveFolder(output, policy, isolation);
    const name = 'webpack 5 production, isolated: two threads';
    await check(name, `${isolated.origin}/`, { workers: 2 }).finally(isolated.close);
  } finally {
    await consumer.close();
  }
});

test('Next 16', async () => {
  const bin = 'node_modules/next/dist/bin/next';
  const copy = (name) => ({ copy: app(name) });
  const files = {
    'app/layout.jsx': copy('next/embed-layout.jsx'),
    'app/page.jsx': copy('next/embed-page.jsx'),
    'app/embedding.jsx': copy('next/embedding.jsx'),
    'app/embed.js': copy('embed.js'),
    'app/api/embed/route.js': copy('next/embed-route.js'),
  };
  const consumer = await openConsumer('next-16', { next: '16.4.6', ...react }, { tarball, files });
  try {
    const built = await consumer.run(bin, 'build');
    assertBuilt(built);
    assertNoPath(path.join(consumer.folder, '.next/static'), consumer.folder);
    const server = await consumer.start(bin, 'start', '-p', '$PORT', '-H', '127.0.0.1');
    const site = await withPolicy(server.origin);
    try {
      await check('Next 16', `${site.origin}/`, { buildMs: built.ms });
      assertEmbedded(await (await fetch(`${server.origin}/api/embed`)).json());
    } finally {
      await site.close();
      await server.stop();
    }
  } finally {
    await consumer.close();
  }
});
