/**
 * The hooks in real Chromium with React 18 and 19, under StrictMode; rendered on a server and hydrated; left out of
 * bundles that do not use them. Needs the built package in dist/.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { build } from 'esbuild';

import { bundle, launch, openPage, root } from './harness.mjs';

const versions = { 18: { react: 'react-18', 'react-dom': 'react-dom-18' }, 19: {} };
const entry = 'tests/browser/react-in-page.tsx';
// StrictMode runs effects twice only in React's development build.
const development = { 'process.env.NODE_ENV': '"development"' };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const [version, alias] of Object.entries(versions)) {
  describe(`React ${version}`, () => {
    let page;
    const run = (name, argument) =>
      page.run(
        async (_, { name: scenario, argument: given }) => (await import('/in-page.js')).scenarios[scenario](given),
        { name, argument },
      );

    before(async () => {
      const [code, wasm] = await Promise.all([
        bundle(entry, { alias, define: development }),
        readFile(path.join(root, 'dist/core.wasm')),
      ]);
      page = await openPage(browser, { routes: { '/in-page.js': code, '/core.wasm': wasm } });
    });
    after(() => page?.close());

    it('is the version it says', async () => {
      const found = await page.run(async () => (await import('/in-page.js')).reactVersion);
      assert.equal(found.split('.')[0], version);
    });

    it('useReply: one reply, batched by frame; errors and cancels keep the text', async () => {
      const seen = await run('reply');
      assert.deepEqual(seen.states, ['idle', 'streaming']);
      // StrictMode renders twice.
      assert.ok(seen.rendersFor1000Parts <= 12, `${seen.rendersFor1000Parts} renders for 1,000 parts`);
      assert.equal(seen.resolved, 'whole');
      assert.deepEqual(seen.done, { text: 'whole', reply: 'reply of whole', options: { temperature: 0 } });
      assert.deepEqual(seen.failed, { resolved: undefined, text: 'half', error: 'broke' });
      assert.deepEqual(seen.cancelled, { resolved: undefined, text: 'some', error: undefined, told: true });
      assert.deepEqual(seen.replaced, [true, false]);
      assert.equal(seen.resetCancelled, true);
    });

    it('useChat: history, stop, retry, regenerate, edit, clear', async () => {
      const seen = await run('chat');
      assert.deepEqual(seen.firstCall, { history: ['before', 'earlier'], system: 'Be brief.', temperature: 0.2 });
      assert.equal(seen.sameObjects, true);
      assert.deepEqual(seen.attached, { reply: 'reply of answer one', trace: true });
      assert.deepEqual(seen.failed.messages.slice(-2), ['user done: two', 'assistant error: part of ']);
      assert.equal(seen.failed.error, 'the line broke');
      assert.equal(seen.failed.trace, true);
      assert.deepEqual(seen.historyAfterFailure, ['before', 'earlier', 'one', 'answer one']);
      assert.deepEqual(seen.stopped, { cancelled: true, message: 'assistant cancelled: ' });
      assert.deepEqual(seen.retried.messages.slice(-2), ['user done: three', 'assistant done: answer three']);
      assert.deepEqual(seen.retried.history, seen.historyAfterFailure);
      assert.deepEqual(seen.regenerated, { noCache: true });
      assert.deepEqual(seen.edited, {
        messages: ['user done: before', 'assistant done: earlier', 'user done: one, edited', 'assistant waiting: '],
        history: ['before', 'earlier'],
        temperature: 0.2,
      });
      assert.deepEqual(seen.standalone, []);
      assert.equal(seen.uniqueIds, true);
      assert.deepEqual(seen.cleared, { cancelled: true, status: 'idle' });
      assert.equal(seen.left, 0);
    });

    it('statuses, decisions, usage, health and cache are live, and follow another client', async () => {
      const seen = await run('live');
      assert.deepEqual(seen.start, { all: 1, base: 'unknown', company: undefined, cache: 2 });
      assert.equal(seen.stable, true);
      assert.deepEqual(seen.events, [
        ['r2', 'r3', 'r4'],
        ['u3', 'u4'],
      ]);
      assert.ok(seen.listsFor50Events <= 2, `${seen.listsFor50Events} lists for 50 events`);
      assert.deepEqual(seen.edited, [true, false]);
      assert.deepEqual(seen.searched, [
        ['b', 'b'],
        ['c', 'c'],
      ]);
      assert.deepEqual(seen.moved, { left: 0, decisions: 0 });
      assert.equal(seen.looksAfterUnmount, 0);
    });

    it('a provider with a config has an open client while mounted, and closes it after', async () => {
      const seen = await run('ownClient');
      assert.equal(seen.firstError, undefined);
      assert.equal(seen.first, 'from the mock');
      assert.equal(seen.clientsAfterRerender, 1);
      if (version === '19') assert.equal(seen.afterHiding, 'from the mock');
      assert.deepEqual(new Set(seen.closed), new Set(['closed']));
    });

    it('without a provider says what to do', async () => {
      const seen = await run('noProvider');
      assert.equal(seen.code, 'no-provider');
      assert.match(seen.message, /<TierwiseProvider/);
    });

    it('renders on a server and hydrates without a complaint', async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'tierwise-ssr-'));
      let html;
      try {
        const { outputFiles } = await build({
          stdin: {
            contents: `import { renderToString } from 'react-dom/server';
              import { onServer } from './${entry}';
              if (typeof document !== 'undefined') throw new Error('This is no server.');
              process.stdout.write(renderToString(onServer()), () => process.exit());`,
            resolveDir: root,
          },
          bundle: true,
          write: false,
          format: 'esm',
          jsx: 'automatic',
          alias,
          define: development,
          logLevel: 'silent',
        });
        const file = path.join(folder, 'server.mjs');
        await writeFile(file, outputFiles[0].text);
        html = execFileSync(process.execPath, [file], { encoding: 'utf8' });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
      assert.equal(html, '<p>idle kept 0,0,0,0,0</p>');
      const seen = await run('hydrate', html);
      assert.deepEqual(seen, { complaints: [], kept: true });
    });

    it('nothing complained in the console', () => {
      // The scenario without a provider is reported by React itself.
      const others = page.problems.filter(
        (problem) => !/no client here|The above error|Error Boundary|error boundary/i.test(problem),
      );
      assert.deepEqual(others, []);
    });
  });
}

describe('Bundles', () => {
  /** Bytes of the React part (dist/react.js) in what an application with this code ships. */
  const reactBytes = async (code) => {
    const { metafile } = await build({
      stdin: { contents: code, resolveDir: root, loader: 'js' },
      bundle: true,
      write: false,
      format: 'esm',
      metafile: true,
      outdir: 'nowhere',
      external: ['react'],
      logLevel: 'silent',
    });
    const [output] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint !== undefined);
    return output.inputs['dist/react.js']?.bytesInOutput ?? 0;
  };

  it('an application without React has none of it', async () => {
    assert.equal(await reactBytes(`export { createClient } from './dist/index.js';`), 0);
  });

  it('hooks that are not used are left out', async () => {
    const all = await reactBytes(`export * from './dist/react.js';`);
    const one = await reactBytes(`export { useTierwise } from './dist/react.js';`);
    assert.ok(one > 0 && one < all / 4, `${one} of ${all} bytes`);
  });

  it('the entry says that it is for the client side', async () => {
    assert.match(await readFile(path.join(root, 'dist/react.js'), 'utf8'), /^['"]use client['"];/);
  });
});
