/**
 * Transports and the wake plan in a real page on another origin: what CORS, opaque answers and redirects do to them.
 * The Hub and the Space hosts are simulated under their real names; the llama.cpp server is real.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { HubSimulator } from '../servers/hub-simulator.mjs';
import { llamaReply, startLlamaCpp } from '../servers/llama-cpp.mjs';
import { reply, startFaultServer, startModelServer } from '../servers/model-servers.mjs';
import { launch, openPage, root } from './harness.mjs';

const token = 'hf_ownertoken';
const json = (value, status = 200) =>
  new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', 'access-control-allow-origin': '*' },
  });
/** Answers the contract with CORS and everything else without, as an app with a careless author does. */
const app = (request) =>
  new URL(request.url).pathname === '/api/generate'
    ? json({ generated_text: `Hi${request.headers.get('authorization') === null ? '' : ', owner'}.` })
    : new Response('nothing here', { status: 404 });
const waking = [
  [0, 'SLEEPING'],
  [1500, 'APP_STARTING'],
  [4000, 'RUNNING'],
];
const simulator = new HubSimulator([
  { id: 'owner/asleep', stage: 'SLEEPING', waking, app },
  { id: 'owner/secret', stage: 'SLEEPING', waking, private: true, token, app },
  { id: 'owner/awake', app },
  { id: 'owner/paused', stage: 'PAUSED' },
  { id: 'owner/static', sdk: 'static' },
]);
const open = [];
let browser;
let page;
before(async () => {
  const hub = await simulator.serve({ tls: true });
  open.push(hub);
  browser = await launch(...hub.chromiumFlags);
  const model = (name) => JSON.parse(readFileSync(path.join(root, 'models', name), 'utf8'));
  page = await openPage(browser, {
    modules: { connect: 'tests/browser/connect-in-page.ts' },
    routes: {
      '/core.wasm': { body: readFileSync(path.join(root, 'build/wasm/module/core.wasm')), type: 'application/wasm' },
      '/models.json': {
        body: JSON.stringify({ tiers: model('tiers.json'), prices: model('prices.json') }),
        type: 'application/json',
      },
    },
  });
});
after(async () => {
  await page?.close();
  await browser?.close();
  await Promise.all(open.map((server) => server.close()));
});
const run = (options) => page.run(({ connect }, given) => connect.run(given), options);
const serve = async (starting) => {
  const server = await starting;
  open.push(server);
  return server;
};

for (const [name, space, text] of [
  ['by id', { url: 'owner/asleep' }, 'Hi.'],
  ['by id, private', { url: 'owner/secret', token }, 'Hi, owner.'],
  ['by its own address', { url: 'https://owner-asleep.hf.space' }, 'Hi.'],
]) {
  test(`a sleeping Space ${name} is woken and answers`, async () => {
    const id = space.url.includes('secret') ? 'owner/secret' : 'owner/asleep';
    simulator.set({ id, visitedAt: undefined });
    simulator.calls.length = 0;
    const { result, heard, base } = await run({ space });
    assert.equal(result?.text, text);
    assert.equal(base, `https://${id.replace('/', '-')}.hf.space`);
    assert.ok(heard.includes('starting') && heard.includes('ready'), heard.join());
    assert.ok(simulator.apiCalls().length <= 10, `${simulator.apiCalls().length} status calls`);
    const leaked = simulator.calls.filter(
      ({ authorization }) => authorization !== undefined && space.token === undefined,
    );
    assert.deepEqual(leaked, []);
  });
}

test('with "fallback" it fails at once with its stage', async () => {
  simulator.set({ id: 'owner/asleep', visitedAt: undefined });
  const began = Date.now();
  const { facts, message } = await run({ space: { url: 'owner/asleep' }, wake: 'fallback' });
  assert.equal(facts.kind, 'stage');
  assert.equal(facts.stage, 'SLEEPING');
  assert.match(message, /^base Space is waking up/);
  assert.ok(Date.now() - began < 3000);
});

for (const [url, said] of [
  ['owner/paused', /only its owner/],
  ['https://owner-paused.hf.space', /only its owner/],
  ['owner/nobody', /not found/],
  ['https://owner-nobody.hf.space', /not found/],
  ['owner/static', /static/],
]) {
  test(`${url} says what to do`, async () => {
    const { message } = await run({ space: { url } });
    assert.match(message, said);
  });
}

test('a running Space whose 404s cannot be read is still found', async () => {
  const { result, protocol } = await run({ space: { url: 'https://owner-awake.hf.space' } });
  assert.equal(result?.text, 'Hi.');
  assert.equal(protocol, 'plain');
});

for (const [kind, options, protocol] of [
  ['openai', {}, 'openai'],
  ['vllm', {}, 'openai'],
  ['litellm', {}, 'openai'],
  ['tgi3', {}, 'tgi'],
  ['tgi2', {}, 'tgi'],
  ['tgi3', { template: false }, 'tgi'],
  ['plain', { format: 'sse' }, 'plain'],
  ['plain', { format: 'ndjson' }, 'plain'],
]) {
  test(`${kind} ${JSON.stringify(options)} from another origin`, async () => {
    const { origin } = await serve(startModelServer(kind, options));
    const answer = await run({ space: { url: origin } });
    assert.equal(answer.result?.text, reply);
    assert.equal(answer.protocol, protocol);
  });
}

test('TGI lets no Authorization through: the call goes without it', async () => {
  const server = await serve(startModelServer('tgi3'));
  const { result } = await run({ space: { url: server.origin, token, protocol: 'tgi' } });
  assert.equal(result?.text, reply);
  assert.ok(server.requests.every(({ headers }) => headers.authorization === undefined));
});

test('a redirect is not followed', async () => {
  const other = await serve(startModelServer('plain'));
  const { origin } = await serve(startFaultServer({ fault: 'redirect', to: `${other.origin}/api/generate` }));
  const { facts } = await run({ space: { url: origin, token, protocol: 'plain' } });
  assert.equal(facts?.kind, 'redirect');
  assert.deepEqual(other.requests, []);
});

for (const [fault, kind] of [
  [{ fault: 'html' }, 'protocol'],
  [{ fault: 'truncated-json' }, 'protocol'],
  [{ fault: 'wrong-type' }, 'protocol'],
  [{ fault: 'empty-stream' }, 'cut'],
  [{ fault: 'empty' }, 'cut'],
  [{ fault: 'cut', at: 100 }, 'cut'],
  [{ fault: 'endless' }, 'too-large'],
  [{ fault: 'huge' }, 'too-large'],
  [{ status: 529 }, 'http'],
]) {
  test(`${JSON.stringify(fault)} is a failure of kind ${kind}`, async () => {
    const { origin } = await serve(startFaultServer(fault));
    const { facts } = await run({ space: { url: origin, protocol: 'openai', model: 'm' } });
    assert.equal(facts?.kind, kind);
  });
}

test('a real llama.cpp server, with its key, and a cancel that frees its slot', { timeout: 120_000 }, async (t) => {
  const server = await startLlamaCpp({ apiKey: 'llama-secret' });
  if (server === undefined) return t.skip('no llama.cpp server');
  try {
    const space = { url: server.origin, token: 'llama-secret' };
    for (const protocol of ['auto', 'llama.cpp']) {
      const answer = await run({ space: { ...space, protocol } });
      assert.equal(answer.result?.text, llamaReply);
    }
    const locked = await run({ space: { url: server.origin } });
    assert.equal(locked.facts?.status, 401);
    const left = await run({ space, maxTokens: 900_000, extra: { ignore_eos: true }, abortAfter: 3 });
    assert.equal(left.facts?.kind, 'abort');
    const began = Date.now();
    assert.equal((await run({ space })).result?.text, llamaReply);
    assert.ok(Date.now() - began < 10_000);
  } finally {
    await server.stop();
  }
});
