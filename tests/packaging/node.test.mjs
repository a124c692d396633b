/**
 * The package in Node: loads its core from disk with no options, from ES modules and from CommonJS, ends with nothing
 * left running, and renders on a server without doing anything.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { reply, startModelServer } from '../servers/model-servers.mjs';
import { app, openConsumer, run, runNode } from './consumer.mjs';
import { pack } from './pack.mjs';

let tarball;
let plain;
let chat;
before(async () => {
  tarball = pack();
  [plain, chat] = await Promise.all([startModelServer('plain'), startModelServer('openai')]);
});
after(() => Promise.all([plain?.close(), chat?.close()]));
const servers = () => JSON.stringify({ plain: plain.origin, chat: chat.origin });

/** Ended by itself, quietly; gives what it printed. */
function printed({ code, stdout, stderr, ms }) {
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.ok(ms < 15_000, `took ${ms} ms to end`);
  return JSON.parse(stdout);
}

test('npm install of the tarball in an empty project, then import', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tierwise-node-'));
  try {
    writeFileSync(path.join(folder, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
    const installed = await run(
      'npm',
      ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', tarball],
      folder,
    );
    assert.equal(installed.code, 0, installed.stderr);
    const { dependencies } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    assert.deepEqual(Object.keys(dependencies), ['tierwise']);
    for (const name of ['ask.js', 'node-ask.js']) writeFileSync(path.join(folder, name), readFileSync(app(name)));
    const outcome = printed(await runNode(['node-ask.js', servers()], folder));
    assert.deepEqual(outcome, {
      sources: ['space', 'cache', 'space'],
      content: reply,
      same: true,
      streamed: reply,
      prompt: '<|im_start|>user\nHi <| im_end|><|im_end|>\n<|im_start|>assistant\n',
      refused: 'empty-prompt',
      warnings: [],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('CommonJS project, through import()', async () => {
  const consumer = await openConsumer(
    'commonjs',
    {},
    { tarball, type: 'commonjs', files: { 'main.js': { copy: app('commonjs-ask.js') } } },
  );
  try {
    const outcome = printed(await consumer.run('main.js', servers()));
    assert.deepEqual(outcome, { sources: ['space', 'cache'], content: reply });
  } finally {
    await consumer.close();
  }
});

for (const version of ['18.3.1', '19.3.1']) {
  test(`renderToString with React ${version.split('.')[0]}`, async () => {
    const consumer = await openConsumer(
      `server-react-${version.split('.')[0]}`,
      { react: version, 'react-dom': version },
      { tarball, files: { 'server-render.js': { copy: app('server-render.js') } } },
    );
    try {
      const outcome = printed(await consumer.run('server-render.js'));
      assert.deepEqual(outcome, { html: '<p>idle, 0 messages, no status</p>', calls: [], window: 'undefined' });
    } finally {
      await consumer.close();
    }
  });
}
