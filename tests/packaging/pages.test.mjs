/**
 * The package in pages made the ways people make them, each with no configuration beyond the tool's own defaults, each in
 * real Chromium under the strict Content-Security-Policy, talking to servers on another origin. The last lines are the
 * table of what ran and where the core came from.
 *
 * Dev servers send no policy of their own: there it is a `<meta>` of the page, with the dev server's own WebSocket
 * allowed. webpack's development build is made without its `eval` source maps, which no policy without `unsafe-eval`
 * runs. Next writes inline scripts: a proxy before it allows exactly those by their hashes.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { build } from 'esbuild';

import { launch } from '../browser/harness.mjs';
import { reply, startModelServer } from '../servers/model-servers.mjs';
import { app, openConsumer } from './consumer.mjs';
import { pack } from './pack.mjs';
import { policy, serveFolder, withPolicy } from './strict-site.mjs';
import { visit } from './visit.mjs';

const react = { react: '19.3.1', 'react-dom': '19.3.1' };
const pages = [
  'ask.js',
  'ask-with-react.js',
  'servers-of-page.js',
  'page.js',
  'classic-page.js',
  'react-page.js',
  'worker.js',
  'worker-page.js',
];
const sources = (folder = '', change = (text) => text) =>
  Object.fromEntries(pages.map((name) => [path.join(folder, name), change(readFileSync(app(name), 'utf8'))]));
const html = (script, { head = '' } = {}) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Consumer</title>${head}</head>` +
  `<body><div id="root"></div>${script}</body></html>\n`;
const moduleScript = (src) => `<script type="module" src="${src}"></script>`;

const table = [];
let tarball;
let browser;
let plain;
let chat;
before(async () => {
  tarball = pack();
  [browser, plain, chat] = await Promise.all([launch(), startModelServer('plain'), startModelServer('openai')]);
});
after(async () => {
  await Promise.all([browser?.close(), plain?.close(), chat?.close()]);
  console.log(['consumer | core from | build s | page s', ...table].join('\n'));
});

const servers = () => ({ plain: plain.origin, chat: chat.origin });

/**
 * What must be true of every consumer's page. `core`: where the WebAssembly must have come from; `inlined`: the bundler
 * wrote its copy into a script that is loaded anyway.
 */
async function check(name, address, { core, hooks = false, inlined = false, mayLog = [], buildMs }) {
  const seen = await visit(browser, address, servers());
  const { outcome } = seen;
  assert.equal(outcome.failed, undefined);
  assert.deepEqual(outcome.sources, ['space', 'cache', 'cache']);
  assert.equal(outcome.content, reply);
  assert.equal(outcome.same, true);
  assert.equal(outcome.streamed, reply);
  assert.equal(outcome.prompt, '<|im_start|>user\nHi <| im_end|><|im_end|>\n<|im_start|>assistant\n');
  assert.equal(outcome.refused, 'empty-prompt');
  assert.deepEqual(outcome.warnings, []);
  if (hooks) assert.deepEqual(outcome.hooks, ['space', 'cache']);
  assert.deepEqual(
    seen.problems.filter((problem) => !mayLog.some((pattern) => pattern.test(problem))),
    [],
  );
  assert.deepEqual(seen.core, { file: core === 'file', copy: core === 'copy' || inlined });
  const seconds = (ms) => (ms === undefined ? '-' : (ms / 1000).toFixed(1));
  table.push([name, core === 'file' ? 'core.wasm' : 'base64 chunk', seconds(buildMs), seconds(seen.ms)].join(' | '));
}

/** No bundler may write where it ran into what it made. */
function assertNoPath(output, folder) {
  for (const file of readdirSync(output, { recursive: true })) {
    if (!/\.(js|mjs|html|css)$/.test(file)) continue;
    assert.equal(readFileSync(path.join(output, file), 'utf8').includes(folder), false, `${file} names ${folder}`);
  }
}

function assertBuilt({ code, stdout, stderr }, { mayWarn = [] } = {}) {
  const output = stdout + stderr;
  assert.equal(code, 0, output);
  const warnings = output.split('\n').filter((line) => /warning|error|tierwise/i.test(line));
  assert.deepEqual(
    warnings.filter((line) => !mayWarn.some((pattern) => pattern.test(line))),
    [],
    output,
  );
}

test('bare page and Web Worker', async (t) => {
  const consumer = await openConsumer('no-bundler', {}, { tarball });
  const beside = (text) => text.replaceAll("'tierwise'", "'./node_modules/tierwise/dist/index.js'");
  consumer.write({
    ...sources('', beside),
    'index.html': html(moduleScript('./page.js')),
    'worker.html': html(moduleScript('./worker-page.js')),
  });
  const site = await serveFolder(consumer.folder);
  try {
    await t.test('<script type="module">', () => check('bare page', `${site.origin}/`, { core: 'file' }));
    await t.test('module worker', () => check('Web Worker', `${site.origin}/worker.html`, { core: 'file' }));
    await t.test("without 'wasm-unsafe-eval' the error says what to add", async () => {
      const tooStrict = await serveFolder(consumer.folder, policy.replace(" 'wasm-unsafe-eval'", ''));
      const { outcome } = await visit(browser, `${tooStrict.origin}/`, servers()).finally(tooStrict.close);
      assert.match(outcome.failed, /^LoadError: .*Content-Security-Policy.*'wasm-unsafe-eval' to script-src/);
    });
  } finally {
    await site.close();
    await consumer.close();
  }
});

test('esbuild', async (t) => {
  const consumer = await openConsumer('no-bundler', {}, { tarball, files: sources() });
  // esbuild does not copy core.wasm: the browser itself reports the file as not found, and the copy is used.
  const mayLog = [/404 \(Not Found\).*\/(core|prompts)\.wasm\)$/];
  const bundle = (entry, options) =>
    build({
      absWorkingDir: consumer.folder,
      entryPoints: { page: entry },
      bundle: true,
      minify: true,
      outdir: 'site',
      logLevel: 'silent',
      ...options,
    });
  try {
    await t.test('ES modules with splitting', async () => {
      const startedAt = Date.now();
      const { warnings } = await bundle('page.js', { format: 'esm', splitting: true });
      const buildMs = Date.now() - startedAt;
      assert.deepEqual(warnings, []);
      consumer.write({ 'site/index.html': html(moduleScript('./page.js')) });
      const site = await serveFolder(path.join(consumer.folder, 'site'));
      await check('esbuild, modules', `${site.origin}/`, { core: 'copy', mayLog, buildMs }).finally(site.close);
    });
    await t.test('one classic script', async () => {
      const startedAt = Date.now();
      const { warnings } = await bundle('classic-page.js', { format: 'iife' });
      const buildMs = Date.now() - startedAt;
      assert.deepEqual(warnings, []);
      consumer.write({ 'site/index.html': html('<script src="./page.js"></script>') });
      const site = await serveFolder(path.join(consumer.folder, 'site'));
      await check('esbuild, classic script', `${site.origin}/`, { core: 'copy', buildMs }).finally(site.close);
    });
  } finally {
    await consumer.close();
  }
});

// Of any package made for React Server Components; Vite's React plugin, part of its React template, hides it.
const useClient = /module.level.directive|node_modules\/tierwise\/dist\/react\.js:1:1/i;
const viteRows = [
  { version: '8.3.8', devCore: 'file' },
  // Pre-bundling moves the JavaScript away from core.wasm.
  { version: '7.3.8', devCore: 'copy' },
];
for (const { version, devCore } of viteRows) {
  const major = version.split('.')[0];
  test(`Vite ${major}`, async (t) => {
    const bin = 'node_modules/vite/bin/vite.js';
    const dependencies = { vite: version, ...react };
    const consumer = await openConsumer(`vite-${major}`, dependencies, { tarball, files: sources('src') });
    const built = async (name, entry, expected) => {
      consumer.write({ 'index.html': html(moduleScript(`/src/${entry}`)) });
      const result = await consumer.run(bin, 'build', '--logLevel', 'warn');
      assertBuilt(result, { mayWarn: [useClient] });
      const output = path.join(consumer.folder, 'dist');
      assertNoPath(output, consumer.folder);
      const site = await serveFolder(output);
      await check(name, `${site.origin}/`, { ...expected, buildMs: result.ms }).finally(site.close);
    };
    const served = async (name, entry, expected) => {
      const meta = `<meta http-equiv="Content-Security-Policy" content="${policy} ws://127.0.0.1:*">`;
      consumer.write({ 'index.html': html(moduleScript(`/src/${entry}`), { head: meta }) });
      const server = await consumer.start(bin, '--port', '$PORT', '--strictPort', '--host', '127.0.0.1');
      await check(name, `${server.origin}/`, expected).finally(server.stop);
      assert.doesNotMatch(server.output(), /error|tierwise/i);
    };
    try {
      await t.test('build', () => built(`Vite ${major} build`, 'react-page.js', { core: 'file', hooks: true }));
      await t.test('dev', () => served(`Vite ${major} dev`, 'react-page.js', { core: devCore, hooks: true }));
      await t.test('dev, Web Worker', () => served(`Vite ${major} dev, worker`, 'worker-page.js', { core: devCore }));
      await t.test('build, Web Worker', async () => {
        // Up to Vite 7 a worker is one classic script by default, and a package with a lazy chunk stops the build.
        if (major === '7') consumer.write({ 'vite.config.js': "export default { worker: { format: 'es' } };\n" });
        // Vite 8 writes the lazy chunk into the worker's one script.
        const inlined = major === '8';
        await built(`Vite ${major} build, worker`, 'worker-page.js', { core: 'file', inlined });
      });
    } finally {
      await consumer.close();
    }
  });
}

test('webpack 5', async (t) => {
  const consumer = await openConsumer(
    'webpack-5',
    { webpack: '5.112.1', 'webpack-cli': '7.3.1', ...react },
    { tarball, files: sources('src') },
  );
  // Its hints about large files: core.wasm and its copy count, although neither delays the page.
  const mayWarn = [/size limit|webpack performance|Largest modules|compiled with \d+ warnings?/];
  try {
    const cases = [
      ['production', 'react-page.js', []],
      ['development', 'react-page.js', ['--devtool', 'source-map']],
      ['production', 'worker-page.js', []],
    ];
    for (const [mode, entry, more] of cases) {
      const hooks = entry === 'react-page.js';
      const name = hooks ? mode : `${mode}, Web Worker`;
      await t.test(name, async () => {
        const bin = 'node_modules/webpack/bin/webpack.js';
        const place = `${mode}-${hooks ? 'page' : 'worker'}`;
        consumer.write({ 'src/index.js': `import './${entry}';\n` });
        const built = await consumer.run(bin, '--mode', mode, '-o', place, '--stats', 'errors-warnings', ...more);
        assertBuilt(built, { mayWarn });
        const output = path.join(consumer.folder, place);
        assertNoPath(output, consumer.folder);
        consumer.write({ [`${place}/index.html`]: html('<script defer src="./main.js"></script>') });
        const site = await serveFolder(output);
        const expected = { core: 'file', hooks, buildMs: built.ms };
        await check(`webpack 5 ${name}`, `${site.origin}/`, expected).finally(site.close);
      });
    }
  } finally {
    await consumer.close();
  }
});

test('Next 16', async (t) => {
  const bin = 'node_modules/next/dist/bin/next';
  const consumer = await openConsumer('next-16', { next: '16.4.6', ...react }, { tarball });
  const copy = (name) => ({ copy: app(name) });
  consumer.write({
    'app/layout.jsx': copy('next/layout.jsx'),
    'app/page.jsx': copy('next/page.jsx'),
    'app/asking.jsx': copy('next/asking.jsx'),
    'app/ask.js': copy('ask.js'),
    'app/ask-with-react.js': copy('ask-with-react.js'),
    'app/servers-of-page.js': copy('servers-of-page.js'),
    'app/api/ask/route.js': copy('next/route.js'),
  });
  try {
    for (const bundler of ['turbopack', 'webpack']) {
      await t.test(bundler, async () => {
        const built = await consumer.run(bin, 'build', `--${bundler}`);
        assertBuilt(built);
        assertNoPath(path.join(consumer.folder, '.next/static'), consumer.folder);
        const server = await consumer.start(bin, 'start', '-p', '$PORT', '-H', '127.0.0.1');
        const site = await withPolicy(server.origin);
        try {
          const page = await (await fetch(`${site.origin}/`)).text();
          assert.match(page, /<p>idle<\/p>/, 'rendered on the server');
          await check(`Next 16 ${bundler}`, `${site.origin}/`, { core: 'file', hooks: true, buildMs: built.ms });
          const answer = await fetch(
            `${server.origin}/api/ask?servers=${encodeURIComponent(JSON.stringify(servers()))}`,
          );
          const { sources: onServer, streamed } = await answer.json();
          assert.deepEqual(onServer, ['space', 'cache', 'space'], 'a route handler has no IndexedDB');
          assert.equal(streamed, reply);
        } finally {
          await site.close();
          await server.stop();
        }
      });
    }
  } finally {
    await consumer.close();
  }
});
