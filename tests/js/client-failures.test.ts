/**
 * Whatever a server does: the request ends with a typed error that says what to change, or with the next target's
 * answer; the cache and the settings are as before; no token is told to anybody.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { afterEach, describe, expect, test } from '@jest/globals';

import { CallError } from '../../dist/index.js';
import type { ClientConfig } from '../../js/types.ts';
import { startFaultServer } from '../servers/model-servers.mjs';
import { listen } from '../servers/loopback.mjs';
import {
  bench,
  type Bench,
  chat,
  closeAll,
  failureOf,
  Feed,
  frame,
  json,
  openai,
  read,
  settle,
  space,
  sse,
  until,
} from './client-bench.ts';
import { FakeClock } from './fake-clock.ts';

const servers: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  closeAll();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
const fault = async (given: object) => {
  const server = await startFaultServer(given);
  servers.push(server);
  return server;
};
/** Known replies and settings that no failure may touch. */
async function withMemory(set: Bench): Promise<Bench> {
  const { answer } = set.models;
  set.models.answer = () => chat('Known.');
  await set.client.generate('Known');
  await set.client.setSetting('theme', 'dark');
  set.models.answer = answer;
  set.models.calls.length = 0;
  return set;
}
async function expectIntact({ client, models }: Bench): Promise<void> {
  const calls = models.calls.length;
  expect(await client.generate('Known')).toMatchObject({ source: 'cache', content: 'Known.' });
  expect(await client.getSetting('theme')).toBe('dark');
  expect((await client.cache.entries()).map(({ prompt }) => prompt)).toEqual(['Known']);
  expect(models.calls).toHaveLength(calls);
}

describe('every status', () => {
  // calls: to the same target, all attempts (a request makes at most three).
  const statuses: [number, string, number, RegExp][] = [
    [400, 'bad-request', 1, /./],
    [401, 'auth', 1, /token/i],
    [403, 'auth', 1, /token|permission|access/i],
    [404, 'missing', 1, /./],
    [405, 'missing', 1, /./],
    [408, 'timeout', 3, /./],
    [409, 'overloaded', 3, /./],
    [413, 'context-length', 1, /./],
    [418, 'bad-request', 1, /./],
    [422, 'bad-request', 1, /./],
    [425, 'overloaded', 3, /./],
    [429, 'rate-limit', 3, /./],
    [500, 'overloaded', 3, /./],
    [501, 'app-error', 1, /./],
    [502, 'overloaded', 3, /./],
    [503, 'overloaded', 3, /./],
    [504, 'timeout', 3, /./],
    [529, 'overloaded', 3, /./],
  ];
  test.each(statuses)('%d alone: %s, %d calls', async (status, _, calls, says) => {
    const clock = new FakeClock();
    const set = await withMemory(bench({ clock, random: () => 0.5 }, () => json({ error: 'no' }, status)));
    const failing = failureOf(set.client.generate('Hi'));
    await clock.advance(110_000);
    const error = await failing;
    expect(error).toBeInstanceOf(CallError);
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/^[A-Z][^]*\.$/);
    expect(error.attempts).toMatchObject([{ target: 'openai', class: error.code }]);
    expect(error.partial).toBeUndefined();
    expect(set.models.calls).toHaveLength(calls);
    expect(set.usage.filter(({ kind }) => kind === 'error')).toHaveLength(calls);
    await expectIntact(set);
    expect(clock.pending).toBe(0);
  });

  test.each(statuses)('%d with another target left: its answer', async (status) => {
    const clock = new FakeClock();
    const set = await withMemory(
      bench({ clock, random: () => 0.5, spaces: { base: space('base') }, providers: { openai } }, (call) =>
        call.host === 'base.test' ? json({ error: 'no' }, status) : chat('Provider.'),
      ),
    );
    const answering = set.client.generate('Hi');
    await clock.advance(110_000);
    expect(await answering).toMatchObject({ content: 'Provider.', target: 'openai', source: 'openai' });
    const calls = set.models.calls.filter(({ host }) => host === 'base.test').length;
    if (status < 500 && ![408, 409, 425, 429].includes(status)) expect(calls).toBe(1);
    else expect(calls).toBeGreaterThanOrEqual(1);
  });

  test('a Retry-After that ends in time is waited for, one that does not is not', async () => {
    for (const [seconds, calls] of [
      [7, 2],
      [3600, 1],
    ] as const) {
      const clock = new FakeClock();
      const { client, models } = bench({ clock }, (_, i) =>
        i === 0 ? json({}, 429, { 'retry-after': String(seconds) }) : chat('Hi.'),
      );
      const asked = client.generate('Hi').catch((error: CallError) => error);
      await settle();
      const at = clock.now();
      await clock.advance(6999);
      expect(models.calls).toHaveLength(1);
      await clock.advance(2);
      expect(models.calls).toHaveLength(calls);
      const ended = await asked;
      if (calls === 1) expect((ended as CallError).retryAt).toBe(at + 3_600_000);
      else expect(ended).toMatchObject({ content: 'Hi.' });
    }
  });
});

describe('bodies that are no replies', () => {
  const deep = `${'['.repeat(100_000)}`;
  const texts: [string, () => Response, string][] = [
    [
      'HTML',
      () => new Response('<!doctype html><title>App</title>', { headers: { 'content-type': 'text/html' } }),
      'protocol',
    ],
    ['HTML as JSON', () => new Response('<html>', { headers: { 'content-type': 'application/json' } }), 'protocol'],
    [
      'truncated JSON',
      () => new Response('{"choices":[{"message":{"content":"Hel', { headers: { 'content-type': 'application/json' } }),
      'protocol',
    ],
    [
      'a picture',
      () => new Response(new Uint8Array([137, 80, 78, 71, 0, 255]), { headers: { 'content-type': 'image/png' } }),
      'protocol',
    ],
    ['no type at all', () => new Response(new Uint8Array([1, 2, 3])), 'protocol'],
    ['nothing', () => new Response(''), 'cut-stream'],
    ['JSON of another kind', () => json({ hello: 'world' }), 'protocol'],
    ['a number', () => json(5), 'protocol'],
    ['null', () => json(null), 'protocol'],
    ['brackets without end', () => new Response(deep, { headers: { 'content-type': 'application/json' } }), 'protocol'],
    ['an empty stream', () => sse(''), 'cut-stream'],
    ['a stream of pings', () => sse(': ping\n\n: ping\n\n'), 'cut-stream'],
    ['a stream of nonsense', () => sse('data: hello\n\n'), 'protocol'],
    ['a stream of HTML', () => sse('<html>\n<body>\n'), 'cut-stream'],
    ['a stream without an end', () => sse(frame({ content: 'Hel' })), 'cut-stream'],
    ['an error in 200', () => json({ error: { message: 'The model is not loaded.' } }), 'app-error'],
    ['an error in a stream', () => sse('data: {"error":{"message":"Out of memory","code":500}}\n\n'), 'overloaded'],
  ];
  test.each(texts)('%s', async (_, answer, code) => {
    const clock = new FakeClock();
    const set = await withMemory(bench({ clock }, answer));
    const failing = failureOf(set.client.generate('Hi'));
    await clock.advance(110_000);
    const error = await failing;
    expect(error).toBeInstanceOf(CallError);
    expect([error.code, error.message.length > 20]).toEqual([code, true]);
    await expectIntact(set);
  });
  test.each(texts)('%s, and another target left', async (_, answer) => {
    const clock = new FakeClock();
    const { client } = bench({ clock, spaces: { base: space('base') }, providers: { openai } }, (call) =>
      call.host === 'base.test' ? answer() : chat('Provider.'),
    );
    const answering = client.generate('Hi');
    await clock.advance(110_000);
    expect(await answering).toMatchObject({ content: 'Provider.', target: 'openai' });
  });

  test('the plain contract with a stream that says nothing', async () => {
    const { client, usage } = bench({ spaces: { base: space('base', { protocol: 'plain' }) }, random: () => 0 }, () =>
      sse(''),
    );
    expect((await failureOf(client.generate('Hi'))).code).toBe('cut-stream');
    expect(usage.map(({ kind }) => kind)).not.toContain('complete');
  });
});

describe('a small stream cut at every byte', () => {
  const whole = `${frame({ content: 'caf\u00e9 ' })}${frame({ content: '\u{1f375}' })}${frame({}, 'stop')}data: [DONE]\n\n`;
  const bytes = new TextEncoder().encode(whole);
  const done = whole.indexOf('"finish_reason":"stop"');
  const closed = (end: number) => sse(bytes.subarray(0, end));
  const broken = (end: number) => {
    const feed = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (end > 0) controller.enqueue(bytes.subarray(0, end));
        end = 0;
        controller.error(new TypeError('terminated'));
      },
    });
    return sse(feed);
  };
  test.each([
    ['closed', closed],
    ['broken off', broken],
  ] as const)(
    '%s: the whole text or a typed error with what was shown',
    async (how, cut) => {
      for (let end = 0; end <= bytes.length; end += 1) {
        const { client } = bench({ random: () => 0 }, () => cut(end));
        const stream = client.stream('Hi');
        let text = '';
        let error: CallError | undefined;
        try {
          for await (const part of stream) text = part.type === 'text' ? text + part.text : text;
        } catch (reason) {
          error = reason as CallError;
        }
        expect(text.isWellFormed()).toBe(true);
        expect('caf\u00e9 \u{1f375}'.startsWith(text)).toBe(true);
        if (error === undefined) {
          expect(end).toBeGreaterThan(done);
          expect((await stream.reply).content).toBe('caf\u00e9 \u{1f375}');
        } else {
          expect(error).toBeInstanceOf(CallError);
          expect(['cut-stream', 'protocol', 'network']).toContain(error.code);
          expect(error.partial ?? '').toBe(text);
          expect(await failureOf(stream.reply)).toBe(error);
          expect(await client.cache.entries()).toEqual([]);
        }
        closeAll();
      }
      expect(how).toBeDefined();
    },
    30_000,
  );
});

describe('once a part was shown', () => {
  const two: ClientConfig = { spaces: { base: space('base') }, providers: { openai } };
  const half = (call: { host: string; signal: AbortSignal }) => {
    if (call.host !== 'base.test') return chat('Provider.');
    const feed = new Feed(call.signal);
    feed.say('Half a');
    setTimeout(() => feed.break(), 5);
    return feed.response;
  };
  test('stream: no silent fallback, the partial text in the error, nothing stored', async () => {
    const set = await withMemory(bench(two, half));
    const stream = set.client.stream('Hi');
    const error = await failureOf(read(stream));
    expect(error).toMatchObject({ code: 'cut-stream', partial: 'Half a', attempts: [{ target: 'space:base' }] });
    expect(set.models.calls.map(({ host }) => host)).toEqual(['base.test']);
    await expectIntact(set);
  });
  test('generate: nothing was shown, the next target answers', async () => {
    const { client, models } = bench({ ...two, random: () => 0 }, half);
    expect(await client.generate('Hi')).toMatchObject({ content: 'Provider.', target: 'openai' });
    expect(models.calls.at(-1)!.host).toBe('model.test');
  });
  test('a stream and a generate that share the call part ways', async () => {
    const { client } = bench({ ...two, random: () => 0 }, half);
    const stream = client.stream('Hi');
    const reading = failureOf(read(stream));
    const whole = client.generate('Hi');
    expect(await reading).toMatchObject({ partial: 'Half a' });
    expect(await whole).toMatchObject({ content: 'Provider.' });
  });
  test('what was replaced is not in the partial text', async () => {
    const { client } = bench({ spaces: { base: space('base', { protocol: 'plain' }) } }, () => {
      const feed = new Feed();
      feed.raw('data: {"token":{"text":"One"}}\n\ndata: {"generated_text":"Two and"}\n\n');
      setTimeout(() => feed.break(), 5);
      return feed.response;
    });
    const error = await failureOf(read(client.stream('Hi')));
    expect(error.partial).toBe('Two and');
  });
});

describe('aborting', () => {
  test('is never retried, tells the server, and carries what was shown', async () => {
    const feeds: Feed[] = [];
    const set = await withMemory(
      bench({ spaces: { base: space('base') }, providers: { openai } }, (call) => {
        feeds.push(new Feed(call.signal));
        return feeds.at(-1)!.response;
      }),
    );
    const stream = set.client.stream('Hi');
    const reading = failureOf(read(stream));
    await until(() => feeds.length === 1);
    feeds[0]!.say('Half');
    await settle();
    stream.cancel();
    expect(await reading).toMatchObject({ name: 'AbortError', code: 'aborted', partial: 'Half' });
    await settle();
    expect(feeds[0]!.cancelled).toBe(true);
    expect(set.models.calls).toHaveLength(1);
    expect(set.usage.slice(-2).map(({ kind }) => kind)).toEqual(['start', 'cancel']);
    await expectIntact(set);
    expect((await set.client.health())[0]).toMatchObject({ failures: 0 });
  });

  test.each<[string, (signal: AbortSignal) => ClientConfig]>([
    ['before it begins', () => ({})],
    ['while the core loads', () => ({ wasmUrl: 'http://127.0.0.1:9/core.wasm' })],
    ['while the store opens', () => ({ storage: () => new Promise(() => undefined), partition: { user: 'u' } })],
  ])('%s', async (when, config) => {
    const controller = new AbortController();
    if (when === 'before it begins') controller.abort();
    const { client, models, usage } = bench(config(controller.signal));
    const failing = failureOf(client.generate('Hi', { signal: controller.signal }));
    controller.abort();
    expect(await failing).toMatchObject({ name: 'AbortError', code: 'aborted' });
    expect(models.calls).toHaveLength(0);
    expect(usage.map(({ kind }) => kind)).toEqual(['cancel']);
  });

  test('leaving the loop early aborts the call', async () => {
    const { client, models } = bench({}, (call) => {
      const feed = new Feed(call.signal);
      feed.say('One');
      feed.say('Two');
      return feed.response;
    });
    const stream = client.stream('Hi');
    for await (const part of stream) {
      expect(part).toEqual({ type: 'text', text: 'One' });
      break;
    }
    await until(() => models.calls[0]!.signal.aborted);
    expect(await failureOf(stream.reply)).toMatchObject({ code: 'aborted', partial: 'One' });
  });

  test('during the wait before a retry', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const { client, models } = bench({ clock }, () => json({}, 503, { 'retry-after': '10' }));
    const failing = failureOf(client.generate('Hi', { signal: controller.signal }));
    await clock.advance(5000);
    controller.abort();
    expect((await failing).code).toBe('aborted');
    await clock.advance(60_000);
    expect(models.calls).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('while it waits for its turn gives the place free', async () => {
    const feeds: Feed[] = [];
    const { client } = bench({ providers: { openai: { ...openai, quota: { concurrency: 1 } } } }, (call) => {
      feeds.push(new Feed(call.signal));
      return feeds.at(-1)!.response;
    });
    const controller = new AbortController();
    const first = client.generate('One');
    await until(() => feeds.length === 1);
    const second = failureOf(client.generate('Two', { signal: controller.signal }));
    const third = client.generate('Three');
    await settle();
    expect((await client.health())[0]).toMatchObject({ running: 1, queued: 2 });
    controller.abort();
    expect((await second).code).toBe('aborted');
    expect((await client.health())[0]).toMatchObject({ running: 1, queued: 1 });
    feeds[0]!.say('1');
    feeds[0]!.end();
    expect((await first).content).toBe('1');
    await until(() => feeds.length === 2);
    feeds[1]!.say('3');
    feeds[1]!.end();
    expect((await third).content).toBe('3');
    expect((await client.health())[0]).toMatchObject({ running: 0, queued: 0 });
  });
});

describe('waiting has an end', () => {
  const hang = (call: { signal: AbortSignal }) =>
    new Promise<Response>((_, reject) => call.signal.addEventListener('abort', () => reject(new Error('aborted'))));
  const begun = (call: { signal: AbortSignal }) => {
    const feed = new Feed(call.signal);
    feed.say('One');
    return feed.response;
  };
  test.each<[string, object, typeof hang | typeof begun, number, RegExp]>([
    ['total, no headers', { total: 5000 }, hang, 5000, /5 s/],
    ['total, in the stream', { total: 5000, stall: 90_000 }, begun, 5000, /5 s/],
    ['first chunk', { firstChunk: 2000 }, hang, 2000, /./],
    ['stall', { stall: 3000 }, begun, 3000, /./],
  ])('%s', async (_, timeouts, answer, ms, says) => {
    for (const perRequest of [true, false]) {
      const clock = new FakeClock();
      const set = await withMemory(
        bench({ clock, ...(!perRequest && { timeouts }), spaces: { base: space('base') } }, answer),
      );
      const began = clock.now();
      const failing = failureOf(set.client.stream('Hi', perRequest ? { timeouts } : {}).reply);
      let ended: number | undefined;
      void failing.then(() => (ended = clock.now()));
      await clock.advance(ms - 1);
      expect(ended).toBeUndefined();
      await clock.advance(1);
      await clock.advance(100_000);
      const error = await failing;
      expect(error).toMatchObject({ name: 'CallError', code: 'timeout' });
      expect(error.message).toMatch(says);
      expect(error.partial).toBe(answer === begun ? 'One' : undefined);
      expect(set.models.calls[0]!.signal.aborted).toBe(true);
      if (answer === begun) expect(ended! - began).toBe(ms);
      await expectIntact(set);
      expect(clock.pending).toBe(0);
    }
  });
  test('a slow first target leaves time for the next', async () => {
    const clock = new FakeClock();
    const { client } = bench(
      { clock, spaces: { base: space('base') }, providers: { openai }, timeouts: { firstChunk: 4000 } },
      (call) => (call.host === 'base.test' ? hang(call) : chat('Provider.')),
    );
    const answering = client.generate('Hi');
    await clock.advance(4000);
    expect(await answering).toMatchObject({ content: 'Provider.' });
  });
  test('a core that never loads', async () => {
    const hanging = await listen(() => undefined);
    servers.push(hanging);
    const clock = new FakeClock();
    const { client } = bench({ clock, wasmUrl: `${hanging.origin}/core.wasm`, timeouts: { total: 1000 } });
    const failing = failureOf(client.generate('Hi'));
    await clock.advance(1000);
    expect((await failing).code).toBe('timeout');
  });
});

describe('over real sockets', () => {
  const at = (origin: string, more: ClientConfig = {}): ClientConfig => ({
    providers: { openai: { ...openai, baseUrl: `${origin}/v1` } },
    fetch,
    random: () => 0,
    ...more,
  });
  test.each<[string, object, string, ClientConfig]>([
    ['HTML instead of JSON', { fault: 'html' }, 'protocol', {}],
    ['truncated JSON', { fault: 'truncated-json' }, 'protocol', {}],
    ['the wrong content type', { fault: 'wrong-type' }, 'protocol', {}],
    ['an empty stream', { fault: 'empty-stream' }, 'cut-stream', {}],
    ['an empty body', { fault: 'empty' }, 'cut-stream', {}],
    ['a cut in the first frame', { fault: 'cut', at: 40 }, 'cut-stream', {}],
    ['a chunk without end', { fault: 'endless' }, 'too-large', { maxReplyBytes: 1_000_000 }],
    ['a reply of 1 GB', { fault: 'huge' }, 'too-large', {}],
    ['a redirect to another origin', { fault: 'redirect', to: 'http://127.0.0.1:9/elsewhere' }, 'redirect', {}],
    ['headers that never come', { fault: 'slow-headers' }, 'timeout', { timeouts: { firstChunk: 200, total: 800 } }],
    ['a stall', { fault: 'stall' }, 'timeout', { timeouts: { stall: 200, total: 1500 } }],
  ])(
    '%s',
    async (_, how, code, more) => {
      const server = await fault(how);
      const { client, warnings } = bench(at(server.origin, more));
      const error = await failureOf(client.generate('Hi'));
      expect(error).toBeInstanceOf(CallError);
      expect(error.code).toBe(code);
      expect(server.sent()).toBeLessThan(64 * 1024 * 1024);
      if (['too-large', 'timeout'].includes(code)) await until(() => server.cut() > 0);
      expect(warnings).toEqual([]);
      expect(await client.cache.entries()).toEqual([]);
    },
    30_000,
  );

  test('nobody listens', async () => {
    const { client } = bench(at('http://127.0.0.1:9'));
    expect(await failureOf(client.generate('Hi'))).toMatchObject({ name: 'CallError', code: 'network' });
  });
});

describe('Gradio', () => {
  const config = {
    version: '6.31.0',
    api_prefix: '/gradio_api',
    protocol: 'sse_v3',
    components: [
      { id: 1, type: 'textbox', props: { label: 'prompt' } },
      { id: 2, type: 'textbox', props: { label: 'output' } },
    ],
    dependencies: [{ id: 0, api_name: 'generate', inputs: [1], outputs: [2], queue: true, types: {} }],
  };
  const info = {
    named_endpoints: {
      '/generate': {
        parameters: [
          {
            label: 'prompt',
            parameter_name: 'prompt',
            parameter_has_default: false,
            component: 'Textbox',
            type: { type: 'string' },
            python_type: { type: 'str' },
          },
        ],
        returns: [{ label: 'output', component: 'Textbox', type: { type: 'string' }, python_type: { type: 'str' } }],
      },
    },
    unnamed_endpoints: {},
  };
  const server = (join: () => Response, end: object | undefined) => (call: { url: string }) => {
    const path = new URL(call.url).pathname;
    if (path === '/config') return json(config);
    if (path.endsWith('/info')) return json(info);
    if (path.endsWith('/queue/join')) return join();
    if (path.endsWith('/queue/data')) return sse(`data: ${JSON.stringify({ event_id: 'e1', ...end })}\n\n`);
    return json({ detail: 'Not Found' }, 404);
  };
  const joined = () => json({ event_id: 'e1' });
  const failed = (output: object, more: object = {}) => ({ msg: 'process_completed', success: false, output, ...more });
  test.each<[string, () => Response, object | undefined, string, RegExp]>([
    [
      'a full queue',
      () => json({ detail: 'Queue is full. Max size is 1 and current size is 1.' }, 503),
      undefined,
      'overloaded',
      /queue|full/i,
    ],
    [
      'a validation error',
      () => json({ detail: [{ loc: ['body', 'data'], msg: 'field required' }] }, 422),
      undefined,
      'bad-request',
      /./,
    ],
    ['an app error with a message', joined, failed({ error: 'The prompt has no verb.' }), 'app-error', /has no verb/],
    ['an app error without a message', joined, failed({ error: null }), 'app-error', /log|show_error/i],
    [
      'ZeroGPU: the quota of an account',
      joined,
      failed({
        error: 'You have exceeded your GPU quota (60s requested vs. 20s left). Try again in 1:23:45',
        title: 'ZeroGPU quota exceeded',
      }),
      'quota',
      /./,
    ],
    [
      'ZeroGPU: the quota without an account',
      joined,
      failed({
        error:
          "You have exceeded your free GPU quota (60s requested vs. 0s left). <a href='https://huggingface.co/join'>Create a free account</a> to get more usage quota.",
        title: 'ZeroGPU quota exceeded',
      }),
      'quota',
      /./,
    ],
    [
      'ZeroGPU: no GPU',
      joined,
      failed({ error: 'No GPU was available after 60s. Retry later', title: 'ZeroGPU queue timeout' }),
      'overloaded',
      /./,
    ],
  ])('%s', async (_, join, end, code, says) => {
    const clock = new FakeClock();
    const answer = server(join, end);
    const alone = bench({ clock, random: () => 0, spaces: { base: space('base', { protocol: 'gradio' }) } }, answer);
    const failing = failureOf(alone.client.generate('Hi'));
    await clock.advance(110_000);
    const error = await failing;
    expect(error).toBeInstanceOf(CallError);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(says);
    expect(error.message).not.toMatch(/<a |https:\/\/huggingface.co\/join/);
    const both = bench(
      { clock, random: () => 0, spaces: { base: space('base', { protocol: 'gradio' }) }, providers: { openai } },
      (call) => (call.host === 'base.test' ? answer(call) : chat('Provider.')),
    );
    const answering = both.client.generate('Hi');
    await clock.advance(110_000);
    expect(await answering).toMatchObject({ content: 'Provider.' });
  });
});

describe('no token is told to anybody', () => {
  const secrets = ['hf_0123456789abcdef', 'my-own-secret-0123456789'];
  const echoes: [string, (token: string) => Response][] = [
    ['in an error body', (token) => json({ error: { message: `Bad key ${token}` } }, 400)],
    [
      'in an HTML error',
      (token) => new Response(`<html>${token}</html>`, { status: 500, headers: { 'content-type': 'text/html' } }),
    ],
    [
      'in a header',
      (token) => new Response('', { status: 429, headers: { 'retry-after': token, 'x-error-message': token } }),
    ],
    ['in an error of 200', (token) => json({ error: `Bad key ${token}` })],
    ['in an error inside a stream', (token) => sse(`data: {"error":{"message":"Bad key ${token}"}}\n\n`)],
    ['in a named error event', (token) => sse(`event: error\ndata: Bad key ${token}\n\n`)],
    ['in nonsense', (token) => sse(`data: ${token}\n\n`)],
    ['in the reply', (token) => chat(['Your key is ', `${token}.`])],
    [
      'in a whole reply',
      (token) => json({ choices: [{ message: { content: `Key: ${token}` }, finish_reason: 'stop' }] }),
    ],
    ['in the model’s name', (token) => chat('Hi.', { model: token })],
    [
      'in a redirect',
      (token) => new Response('', { status: 302, headers: { location: `https://else.test/?token=${token}` } }),
    ],
  ];
  test.each(secrets.flatMap((secret) => echoes.map(([where, answer]) => [secret, where, answer] as const)))(
    '%s repeated %s',
    async (secret, _, answer) => {
      const logged: unknown[] = [];
      const before = { ...console };
      for (const name of ['log', 'warn', 'error', 'info', 'debug'] as const)
        console[name] = (...all) => void logged.push(all);
      const clock = new FakeClock();
      const heard: unknown[] = [];
      const sets = [
        bench({ clock, providers: { openai: { ...openai, token: secret } } }, () => answer(secret)),
        bench({ clock, spaces: { base: space('base', { token: () => Promise.resolve(secret) }) } }, () =>
          answer(secret),
        ),
      ];
      try {
        for (const { client, models, usage, warnings, decisions } of sets) {
          for (const event of ['status', 'cache'] as const) client.on(event, (value) => heard.push(value));
          const stream = client.stream('Hi');
          const ended = stream.reply.catch((error: unknown) => error);
          const reading = read(stream).catch((error: unknown) => error);
          await clock.advance(110_000);
          const result = await ended;
          expect(models.calls[0]!.headers.get('authorization')).toBe(`Bearer ${secret}`);
          heard.push(await reading, result, describeError(result), usage, warnings, decisions);
          heard.push(await client.cache.entries(), await client.health(), client.statuses());
        }
      } finally {
        Object.assign(console, before);
      }
      const everything = JSON.stringify([heard, logged]) + String(heard) + String(logged);
      expect(everything).not.toContain(secret);
      expect(everything).not.toContain('0123456789');
    },
  );

  test('a token in the prompt’s own text is the caller’s, and stays out of errors all the same', async () => {
    const { client } = bench({}, () => new Response('', { status: 400 }));
    const error = await failureOf(client.generate(`What is ${secrets[0]!}?`));
    expect(JSON.stringify(describeError(error))).not.toContain(secrets[0]);
  });

  function describeError(value: unknown): unknown {
    if (!(value instanceof Error)) return value;
    const { message, stack, cause } = value;
    return { ...value, message, stack, cause: describeError(cause), json: JSON.stringify(value), text: String(value) };
  }
});

describe('several targets', () => {
  test('all fail: the last error, with what came before it', async () => {
    const { client } = bench({ spaces: { base: space('base') }, providers: { openai } }, (call) =>
      call.host === 'base.test' ? new Response('', { status: 401 }) : json({ error: 'no such thing' }, 404),
    );
    const error = await failureOf(client.generate('Hi'));
    expect(error.attempts).toMatchObject([
      { target: 'space:base', class: 'auth' },
      { target: 'openai', class: 'missing' },
    ]);
    expect(error.code).toBe('missing');
    expect(error.message).toContain('Before it: base Space');
    expect(error.trace.steps.map(({ step }: { step: string }) => step)).toContain('call');
  });
  test('refused content is not taken to another', async () => {
    const { client, models } = bench({ spaces: { base: space('base') }, providers: { openai } }, () =>
      json({ error: { message: 'blocked', code: 'content_policy_violation', type: 'invalid_request_error' } }, 400),
    );
    expect((await failureOf(client.generate('Hi'))).code).toBe('content-refused');
    expect(models.calls).toHaveLength(1);
  });
  test('nothing is configured', async () => {
    const { client } = bench({ spaces: {} });
    const error = await failureOf(client.generate('Hi'));
    expect(error).toMatchObject({ name: 'CallError', code: 'no-target' });
    expect(error.message).toMatch(/spaces\.base|no Space is configured/);
  });
  test('a tier that is not permitted', async () => {
    const { client, models } = bench({ spaces: { base: space('base'), company: space('company') } });
    expect(await client.generate('Hi', { tier: 'company', permissions: ['base'] })).toMatchObject({
      target: 'space:base',
    });
    const error = await failureOf(client.generate('Hi', { tier: 'company', permissions: [] }));
    expect(error).toMatchObject({ name: 'CallError', code: 'no-target' });
    expect(error.message).toMatch(/permi/i);
    expect(models.calls.map(({ host }) => host)).toEqual(['base.test']);
  });
});

describe('configure and close while requests run', () => {
  test('a request finishes on the configuration it began with, and its reply is stored for that one', async () => {
    const { client, models } = bench({ spaces: { base: space('old') } });
    let feed!: Feed;
    models.answer = (call) => (call.host === 'old.test' ? (feed = new Feed(call.signal)).response : chat('New.'));
    const running = client.generate('Hi');
    await until(() => models.calls.length === 1);
    await client.configure({ spaces: { base: space('new') } });
    expect((await client.generate('Hi')).content).toBe('New.');
    feed.say('Old.');
    feed.end();
    expect((await running).content).toBe('Old.');
    expect(await client.generate('Hi')).toMatchObject({ source: 'cache', content: 'New.' });
    await client.configure({ spaces: { base: space('old') } });
    expect(await client.generate('Hi')).toMatchObject({ source: 'cache', content: 'Old.' });
  });
  test('a target that was taken away meanwhile is not called any more', async () => {
    const { client, models } = bench({ spaces: { base: space('base') }, providers: { openai } });
    let fail!: () => void;
    models.answer = (call) =>
      call.host === 'base.test'
        ? new Promise((resolve) => (fail = () => resolve(new Response('', { status: 401 }))))
        : chat('Provider.');
    const running = client.generate('Hi');
    await until(() => models.calls.length === 1);
    await client.configure({ spaces: {}, providers: { mock: { delayMs: 0 } } });
    fail();
    expect(await failureOf(running)).toMatchObject({ code: 'auth', attempts: [{ target: 'space:base' }] });
    expect(models.calls.map(({ host }) => host)).toEqual(['base.test']);
    expect((await client.generate('Hi')).source).toBe('mock');
  });
  test('what was learned of an address is not held against another', async () => {
    const { client, models } = bench({ spaces: { base: space('bad'), company: space('fine') } }, (call) =>
      call.host === 'bad.test' ? json({}, 429, { 'retry-after': '3600' }) : chat('Fine.'),
    );
    await failureOf(client.generate('Hi', 'base'));
    await client.generate('Hi', 'company');
    expect((await client.health())[0]).toMatchObject({ state: 'cooling-down' });
    await client.configure({ spaces: { base: space('good'), company: space('fine') } });
    expect((await client.health()).map(({ state }) => state)).toEqual(['unknown', 'ready']);
    expect(client.statuses().map(({ state }) => state)).toEqual(['unknown', 'ready']);
    expect((await client.generate('Hi', 'base')).content).toBe('Fine.');
    expect(models.calls.at(-1)!.host).toBe('good.test');
  });
  test('the same Spaces saved again change nothing', async () => {
    const { client } = bench({ spaces: { base: space('bad') } }, () => json({}, 429, { 'retry-after': '3600' }));
    await failureOf(client.generate('Hi'));
    await client.configure({ spaces: { base: space('bad') } });
    expect((await client.health())[0]).toMatchObject({ state: 'cooling-down' });
  });

  test('close ends what runs, waits and streams; nothing is used after it', async () => {
    const problems: unknown[] = [];
    const onProblem = (reason: unknown) => void problems.push(reason);
    process.on('unhandledRejection', onProblem).on('uncaughtException', onProblem);
    const { client, models } = bench(
      { providers: { openai: { ...openai, quota: { concurrency: 2 } } } },
      (call) => new Feed(call.signal).response,
    );
    const running = Array.from({ length: 6 }, (_, i) => failureOf(client.generate(`Hi ${String(i)}`)));
    const stream = client.stream('Stream');
    const reading = failureOf(read(stream));
    await until(() => models.calls.length === 2);
    client.close();
    for (const request of [...running, reading]) expect((await request).code).toBe('aborted');
    await settle();
    process.off('unhandledRejection', onProblem).off('uncaughtException', onProblem);
    expect(models.calls.every(({ signal }) => signal.aborted)).toBe(true);
    expect(problems).toEqual([]);
    expect((await failureOf(client.generate('Hi'))).code).toBe('closed');
  });

  test('close while the core loads', async () => {
    const { client } = bench();
    const failing = failureOf(client.generate('Hi'));
    client.close();
    expect((await failing).code).toBe('aborted');
  });

  // The process must end by itself: no timer, socket or channel of the package may hold it.
  const scripts: [string, string][] = [
    ['a finished request', `await client.generate('Hi');`],
    ['a failed request', `await client.generate('Bad').catch(() => {});`],
    ['a stream that was left', `for await (const part of client.stream('Slow')) break;`],
    [
      'a request under way',
      `client.generate('Slow').catch(() => {}); await new Promise((done) => setTimeout(done, 100));`,
    ],
    ['a Space being woken', `await client.generate('Hi', 'company');`],
    ['no request', ``],
  ];
  test.each(scripts)(
    'the process ends after %s and close()',
    async (_, body) => {
      const source = `
      import { createClient } from ${JSON.stringify(fileURLToPath(new URL('../../dist/index.js', import.meta.url)))};
      process.on('unhandledRejection', (reason) => { console.error(reason); process.exit(7); });
      const frame = (delta, finish = null) => 'data: ' + JSON.stringify({ choices: [{ delta, finish_reason: finish }] }) + '\\n\\n';
      const client = createClient({
        spaces: { company: { url: 'owner/asleep' } },
        providers: { openai: { baseUrl: 'https://model.test/v1', model: 'm' } },
        fetch: async (url, { body, signal } = {}) => {
          if (String(url).startsWith('https://huggingface.co'))
            return Response.json({ id: 'owner/asleep', sdk: 'gradio', host: 'https://owner-asleep.hf.space', subdomain: 'owner-asleep', runtime: { stage: 'SLEEPING' }, stage: 'SLEEPING' });
          if (!String(url).includes('model.test')) return new Response('');
          if (body.includes('Bad')) return new Response('', { status: 400 });
          const slow = body.includes('Slow');
          return new Response(new ReadableStream({ start(controller) {
            const say = (text) => controller.enqueue(new TextEncoder().encode(text));
            say(frame({ content: 'One' }));
            if (slow) signal.addEventListener('abort', () => { try { controller.error(signal.reason); } catch {} });
            else { say(frame({}, 'stop') + 'data: [DONE]\\n\\n'); controller.close(); }
          } }), { headers: { 'content-type': 'text/event-stream' } });
        },
      });
      ${body}
      client.close();
      console.log('closed');
    `;
      const began = Date.now();
      const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env['PATH'] },
      });
      let output = '';
      child.stdout.on('data', (chunk) => (output += String(chunk)));
      child.stderr.on('data', (chunk) => (output += String(chunk)));
      const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
      const code = await new Promise((resolve) => child.once('close', (status, signal) => resolve(status ?? signal)));
      clearTimeout(timer);
      expect([code, output.trim()]).toEqual([0, 'closed']);
      expect(Date.now() - began).toBeLessThan(8000);
    },
    15_000,
  );
});

test('a listener that throws is reported and holds up nobody', async () => {
  const before = console.error;
  const logged: unknown[] = [];
  console.error = (...all: unknown[]) => void logged.push(all);
  try {
    const { client, usage } = bench();
    for (const event of ['usage', 'decision', 'cache', 'status', 'warning'] as const) {
      client.on(event, () => {
        throw new Error('mine');
      });
    }
    expect((await client.generate('Hi')).content).toBe('Hello.');
    expect(usage.map(({ kind }) => kind)).toEqual(['start', 'complete']);
    expect(logged.length).toBeGreaterThan(2);
  } finally {
    console.error = before;
  }
});
