/** Chat completions: dialects, usage wherever it stands, replies that end without a word, and every recorded stream. */
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';

import { llamaCpp } from '../../js/transports/llama-cpp.ts';
import { openai } from '../../js/transports/openai.ts';
import { plain } from '../../js/transports/plain.ts';
import { tgi } from '../../js/transports/tgi.ts';
import { reply, startModelServer } from '../servers/model-servers.mjs';
import {
  loadRecordings,
  recordedFetch,
  serveRecording,
  textRecordings,
  type Recording,
} from '../servers/recorded-server.mjs';
import { ask, benchContext, call, randomCuts } from './transport-bench.ts';

const open: { close: () => Promise<void> }[] = [];
const server = async (kind: Parameters<typeof startModelServer>[0], options = {}) => {
  const started = await startModelServer(kind, options);
  open.push(started);
  return started;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

describe('a reply', () => {
  test.each([
    ['openai', {}, { input: 7, output: 8 }],
    ['openai', { usage: 'last-content' }, { input: 7, output: 8 }],
    ['openai', { usage: 'every' }, { input: 7, output: 8 }],
    ['openai', { usage: 'nowhere' }, undefined],
    ['openai', { done: false }, { input: 7, output: 8 }],
    ['openai', { stream: false }, { input: 7, output: 8 }],
    ['vllm', {}, { input: 7, output: 8 }],
    ['litellm', {}, { input: 7, output: 8 }],
    ['tgi3', {}, { input: 7, output: 8 }],
    ['tgi2', {}, undefined],
  ] as const)('%s %j', async (kind, options, usage) => {
    const { origin } = await server(kind, options);
    const { result, shown } = await call(openai(await benchContext({ base: origin, model: 'tiny-chat' })));
    expect(shown).toBe(reply);
    expect(result).toMatchObject({ text: reply, finish: 'stop', via: 'chat completions' });
    expect(result?.usage).toEqual(usage);
  });

  test('asks for what the request says, with extra parameters merged', async () => {
    const { origin, requests } = await server('openai');
    const request = ask('Hi', {
      system: 'Be brief.',
      topP: 0.9,
      seed: 7,
      stop: ['END'],
      extra: { frequency_penalty: 0.5, messages: 'not yours' },
    });
    await call(openai(await benchContext({ base: origin, model: 'm' })), request);
    expect(requests.at(-1)?.json).toEqual({
      model: 'm',
      max_tokens: 64,
      temperature: 0.7,
      top_p: 0.9,
      seed: 7,
      stop: ['END'],
      frequency_penalty: 0.5,
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
    });
  });

  test.each([
    ['a Space', { target: 'space:base' }, '/v1/chat/completions'],
    [
      'a Space with its own path',
      { target: 'space:base', endpoint: '/api/v1/chat/completions' },
      '/api/v1/chat/completions',
    ],
    ['a provider', { target: 'openai', suffix: '/v1' }, '/v1/chat/completions'],
  ])(
    '%s is called at its path',
    async (_name, { suffix = '', ...options }: { target: string; suffix?: string; endpoint?: string }, path) => {
      const { origin, requests } = await server('openai');
      await call(openai(await benchContext({ base: origin + suffix, model: 'm', ...options })));
      expect(requests.at(-1)?.path).toBe(path);
    },
  );

  test('the router bills the organisation named', async () => {
    const { origin, requests } = await server('openai', { apiKey: 'hf_secret' });
    const context = await benchContext({
      base: `${origin}/v1`,
      target: 'router',
      model: 'org/model:fastest',
      token: 'hf_secret',
      billTo: 'my-org',
    });
    const { result } = await call(openai(context, { protocol: 'router' }));
    expect(result?.text).toBe(reply);
    expect(requests.at(-1)?.headers).toMatchObject({ 'x-hf-bill-to': 'my-org', authorization: 'Bearer hf_secret' });
  });
});

describe('dialects', () => {
  test.each([
    ['stream_options', 400, (json: Record<string, unknown>) => !('stream_options' in json)],
    ['stream_options', 422, (json: Record<string, unknown>) => !('stream_options' in json)],
    [
      'max_tokens',
      400,
      (json: Record<string, unknown>) => !('max_tokens' in json) && json['max_completion_tokens'] === 64,
    ],
  ])(
    'a server that refuses %s (%i) is asked once more, and never with it again',
    async (field, refuseStatus, spoken) => {
      const { origin, requests } = await server('openai', { refuse: [field], refuseStatus });
      const connection = openai(await benchContext({ base: origin, model: 'm' }));
      expect((await call(connection)).result?.text).toBe(reply);
      expect((await call(connection)).result?.text).toBe(reply);
      expect(requests.map(({ json }) => spoken(json))).toEqual([false, true, true]);
    },
  );

  test('a refusal of anything else stays a failure, after one call', async () => {
    const { origin, requests } = await server('openai', { refuse: ['temperature'] });
    const { failure } = await call(openai(await benchContext({ base: origin, model: 'm' })));
    expect(failure?.facts).toMatchObject({ kind: 'http', status: 400 });
    expect(requests).toHaveLength(1);
  });
});

describe('the model', () => {
  test('is the first of /v1/models when none is configured, asked for once by all callers', async () => {
    const { origin, requests } = await server('vllm', { model: 'org/found' });
    const connection = openai(await benchContext({ base: origin }));
    const outcomes = await Promise.all([call(connection), call(connection), call(connection)]);
    expect(outcomes.map(({ result }) => result?.text)).toEqual([reply, reply, reply]);
    expect(requests.filter(({ path }) => path === '/v1/models')).toHaveLength(1);
    expect(requests.filter(({ json }) => json !== undefined).map(({ json }) => json.model)).toEqual([
      'org/found',
      'org/found',
      'org/found',
    ]);
  });

  test('is left out where the server lists none', async () => {
    const { origin, requests } = await server('openai', { model: '' });
    const { result } = await call(openai(await benchContext({ base: origin })));
    expect(result?.text).toBe(reply);
    expect('model' in requests.at(-1)!.json).toBe(false);
  });
});

test.each([
  ['openai', 401, 'invalid_api_key'],
  ['vllm', 401, 'Unauthorized'],
  ['litellm', 401, 'Authentication Error'],
] as const)('%s without its key: the facts of the %i', async (kind, status, said) => {
  const { origin } = await server(kind, { apiKey: 'right' });
  const { failure } = await call(openai(await benchContext({ base: origin, model: 'm', token: 'wrong-token' })));
  expect(failure?.facts).toMatchObject({ kind: 'http', status });
  expect(failure?.facts.body).toContain(said);
});

test.each(['openai', 'vllm', 'litellm'] as const)(
  '%s: an error inside the stream is a failure, whatever was shown',
  async (kind) => {
    const { origin } = await server(kind, { failAfter: 3 });
    const { failure, shown } = await call(openai(await benchContext({ base: origin, model: 'm' })));
    expect(failure?.facts).toMatchObject({ kind: 'app', message: 'The engine stopped.' });
    expect(reply.startsWith(shown)).toBe(true);
  },
);

test('an abort ends the call and reaches the server', async () => {
  const { origin, cut } = await server('openai', { delayMs: 30 });
  const controller = new AbortController();
  const connection = openai(await benchContext({ base: origin, model: 'm' }));
  const parts: string[] = [];
  const running = connection.call(ask(), {
    signal: controller.signal,
    onPart: ({ text }) => {
      parts.push(text);
      if (parts.length === 2) controller.abort();
    },
    onStatus: () => undefined,
    onPrompt: () => undefined,
  });
  await expect(running).rejects.toMatchObject({ facts: { kind: 'abort' } });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(cut()).toBe(1);
  expect(parts).toHaveLength(2);
});

// ---------------------------------------------------------------------------------------------- recordings

const recordings = textRecordings() ?? [];
const transports = { openai, tgi, plain, 'llama.cpp': llamaCpp };
/** Recorded errors inside HTTP 200. */
const failing = recordings.filter(({ status, body }) => status === 200 && /^data: ?\{"error"/.test(body));
const answering = recordings.filter((recording) => recording.status === 200 && !failing.includes(recording));

async function connectionTo(recording: Recording, options: Parameters<typeof recordedFetch>[1]) {
  const context = await benchContext({
    base: 'https://recorded.test',
    fetch: recordedFetch(recording, options) as typeof fetch,
    model: 'm',
    ...(recording.protocol === 'tgi' && { endpoint: '/generate_stream' }),
  });
  return transports[recording.protocol](context);
}

(recordings.length === 0 ? describe.skip : describe)('recorded exchanges', () => {
  test('there are streams and bodies of every protocol', () => {
    expect(answering.filter(({ streams }) => streams).length).toBeGreaterThanOrEqual(9);
    expect(answering.filter(({ streams }) => !streams).length).toBeGreaterThanOrEqual(12);
    expect(new Set(answering.map(({ protocol }) => protocol))).toEqual(new Set(['openai', 'tgi', 'plain']));
  });

  test.each(answering.map((recording) => [recording.id, new URL(recording.url).hostname, recording] as const))(
    '%s %s: whole and at 60 random cuts the same',
    async (_id, _host, recording) => {
      const whole = await call(await connectionTo(recording, {}));
      expect(whole.failure).toBeUndefined();
      expect(whole.result?.text).not.toBe('');
      expect(whole.shown).toBe(whole.result?.text);
      expect(whole.result?.text).not.toContain('</s>');
      const bytes = new TextEncoder().encode(recording.body).length;
      for (let seed = 1; seed <= 60; seed += 1) {
        const again = await call(await connectionTo(recording, { cuts: randomCuts(bytes, 1 + (seed % 30), seed) }));
        expect(again.result).toEqual(whole.result);
        expect(again.shown).toBe(whole.shown);
      }
    },
  );

  test.each(failing.map((recording) => [recording.id, recording] as const))(
    '%s: a recorded error inside HTTP 200 is a failure',
    async (_id, recording) => {
      const { failure } = await call(await connectionTo(recording, {}));
      expect(failure?.facts).toMatchObject({ kind: 'app', type: 'validation' });
      expect(failure?.facts.message).toContain('max_new_tokens');
    },
  );

  const refusals = (loadRecordings() ?? []).filter(
    ({ url, status }) => status >= 400 && url.includes('/chat/completions'),
  );
  test.each(refusals.map((recording) => [recording.id, recording.status, recording] as const))(
    '%s: a recorded HTTP %i passes on as facts',
    async (_id, status, recording) => {
      const { failure } = await call(
        openai(
          await benchContext({
            base: 'https://recorded.test',
            fetch: recordedFetch(recording, { cuts: [1, 9] }) as typeof fetch,
            model: 'm',
          }),
        ),
      );
      expect(failure?.facts).toMatchObject({
        kind: 'http',
        status,
        body: recording.body,
        headers: { 'content-type': recording.contentType },
      });
    },
  );

  // Small ones of each framing: a stream with [DONE], one without, TGI's own, one whose last frame has no blank line.
  const small = ['openai.com', 'cerebras', 'flan-t5', 'Mistral-7B'].map((part) => {
    const recording = answering.find(({ url, streams }) => streams && url.includes(part))!;
    const frames = recording.body.split('\n\n');
    return { ...recording, body: frames.slice(-6).join('\n\n') };
  });
  test.each(small.map((recording) => [recording.url.slice(8, 60), recording] as const))(
    '%s, broken off or ended at every byte: the same reply or a failure, never another reply',
    async (_url, recording) => {
      const { result } = await call(await connectionTo(recording, {}));
      const bytes = new TextEncoder().encode(recording.body).length;
      const counts = { same: 0, cut: 0, protocol: 0 };
      for (let length = 0; length < bytes; length += 1) {
        for (const end of ['clean', 'broken'] as const) {
          const outcome = await call(await connectionTo(recording, { length, end }));
          if (outcome.failure === undefined) {
            expect([outcome.result?.text, outcome.result?.finish]).toEqual([result?.text, result?.finish]);
            counts.same += 1;
          } else {
            expect(['cut', 'protocol']).toContain(outcome.failure.facts.kind);
            counts[outcome.failure.facts.kind as 'cut' | 'protocol'] += 1;
          }
        }
      }
      expect(counts.cut).toBeGreaterThan(bytes / 2);
    },
  );

  test('the same over a real socket', async () => {
    for (const recording of small) {
      const served = await serveRecording(recording, { cuts: randomCuts(recording.body.length, 40, 3) });
      open.push(served);
      const context = await benchContext({
        base: served.origin,
        model: 'm',
        ...(recording.protocol === 'tgi' && { endpoint: '/generate_stream' }),
      });
      const { result } = await call(transports[recording.protocol](context));
      expect(result).toEqual((await call(await connectionTo(recording, {}))).result);
    }
  });
});

afterAll(() => Promise.all(open.splice(0).map((each) => each.close())).then(() => undefined));
