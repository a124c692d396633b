/** The real llama.cpp server, chat and native: its answer, a busy slot, a cancel that frees it, its key, its context. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../js/clock.ts';
import { Http } from '../../js/http.ts';
import { detect } from '../../js/transports/detect.ts';
import { llamaCpp } from '../../js/transports/llama-cpp.ts';
import { openai } from '../../js/transports/openai.ts';
import { llamaReply, startLlamaCpp } from '../servers/llama-cpp.mjs';
import { recordedFetch } from '../servers/recorded-server.mjs';
import { ask, benchContext, call } from './transport-bench.ts';

type Server = NonNullable<Awaited<ReturnType<typeof startLlamaCpp>>>;
let server: Server | undefined;
let locked: Server | undefined;
/** With room for a long talk. */
let roomy: Server | undefined;
beforeAll(async () => {
  server = await startLlamaCpp({ context: 1024, slots: 1 });
  locked = await startLlamaCpp({ apiKey: 'llama-secret' });
  roomy = await startLlamaCpp({ context: 65_536, slots: 1 });
}, 180_000);

afterAll(async () => {
  await server?.stop();
  await locked?.stop();
  await roomy?.stop();
});
/** Says so when the server cannot be had (the helper printed why). */
const real = (name: string, body: (running: Server) => Promise<void>) =>
  test(
    name,
    async () => {
      if (server !== undefined) await body(server);
    },
    60_000,
  );

const exact = { temperature: 0, maxTokens: 40 };

describe('a real server', () => {
  real('chat completions', async ({ origin }) => {
    const { result, shown, parts } = await call(openai(await benchContext({ base: origin })), ask('Say hello.', exact));
    expect(shown).toBe(llamaReply);
    expect(result).toMatchObject({ text: llamaReply, finish: 'stop', usage: { output: 15 } });
    expect(result?.usage?.input).toBeGreaterThan(5);
    expect(parts.length).toBeGreaterThan(5);
  });

  real('native /completion', async ({ origin }) => {
    const { result, shown } = await call(
      llamaCpp(await benchContext({ base: origin })),
      ask('Say hello.', { ...exact, system: 'Be brief.' }),
    );
    expect(shown).toBe(llamaReply);
    expect(result).toMatchObject({ text: llamaReply, finish: 'stop', usage: { output: 15 }, via: '/completion' });
  });

  real('a limit on the tokens ends the reply early and says so', async ({ origin }) => {
    for (const open of [openai, llamaCpp]) {
      const { result } = await call(
        open(await benchContext({ base: origin })),
        ask('Say hello.', { temperature: 0, maxTokens: 4 }),
      );
      expect(result?.finish).toBe('length');
      expect(llamaReply.startsWith(result!.text)).toBe(true);
    }
  });

  real('a prompt longer than its context is a bad request that names the size', async ({ origin }) => {
    const long = 'word '.repeat(3000);
    for (const open of [openai, llamaCpp]) {
      const { failure } = await call(open(await benchContext({ base: origin })), ask(long, exact));
      expect(failure?.facts).toMatchObject({ kind: 'http', status: 400 });
      expect(failure?.facts.body).toMatch(/exceed_context_size_error.*1024|1024.*exceed_context_size_error/s);
    }
  });

  real('is detected as an OpenAI-style server that is llama.cpp', async ({ origin }) => {
    const http = new Http({
      fetch,
      clock: systemClock,
      token: undefined,
      mayReceiveToken: () => false,
      credentials: 'omit',
      maxReplyBytes: 1e6,
      timeouts: { firstChunk: 5000, stall: 5000 },
    });
    const found = await detect(
      { base: origin, http, endpoint: undefined, sdk: undefined, explain: async () => undefined },
      'auto',
      new AbortController().signal,
    );
    expect(found).toMatchObject({ protocol: 'openai', server: 'llama.cpp' });
  });

  real('a busy slot holds back the headers; a cancel frees it at once', async () => {
    const { origin } = roomy!;
    // ignore_eos: it would talk until the limit.
    const endless = ask('Talk.', {
      temperature: 0,
      maxTokens: 900_000,
      extra: { ignore_eos: true, n_predict: -1, max_tokens: 900_000 },
    });
    const controller = new AbortController();
    const context = await benchContext({ base: origin });
    let talking: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      talking = resolve;
    });
    const first = openai(context)
      .call(endless, {
        signal: controller.signal,
        onPart: () => talking(),
        onStatus: () => undefined,
        onPrompt: () => undefined,
      })
      .catch((error: unknown) => error);
    await started;
    const second = call(openai(context), ask('Say hello.', exact));
    const early = await Promise.race([
      second.then(() => 'answered'),
      new Promise((resolve) => setTimeout(() => resolve('waiting'), 400)),
    ]);
    expect(early).toBe('waiting');
    controller.abort();
    expect(await first).toMatchObject({ facts: { kind: 'abort' } });
    const began = Date.now();
    expect((await second).result?.text).toBe(llamaReply);
    expect(Date.now() - began).toBeLessThan(10_000);
    const slots = (await (await fetch(`${origin}/slots`)).json()) as { is_processing: boolean }[];
    expect(slots.map(({ is_processing }) => is_processing)).toEqual([false]);
  });

  real('its key: 401 without, an answer with', async () => {
    const { origin } = locked!;
    for (const open of [openai, llamaCpp]) {
      const without = await call(open(await benchContext({ base: origin, model: 'm' })), ask('Say hello.', exact));
      expect(without.failure?.facts).toMatchObject({ kind: 'http', status: 401 });
      expect(without.failure?.facts.body).toContain('authentication_error');
      const withKey = await call(
        open(await benchContext({ base: origin, model: 'm', token: 'llama-secret' })),
        ask('Say hello.', exact),
      );
      expect(withKey.result?.text).toBe(llamaReply);
    }
  });
});

describe('builds of early 2025', () => {
  const stream = (body: string) => ({ status: 200, contentType: 'text/event-stream', body });
  test.each([
    [
      'an error in a field of its own',
      'data: {"content":"Hel","stop":false}\n\nerror: {"code":500,"message":"slot unavailable","type":"server_error"}\n\n',
      { kind: 'app', message: 'slot unavailable', type: 'server_error' },
    ],
    ['an error that is no JSON', 'error: it broke\n\n', { kind: 'app', message: 'it broke' }],
    ['no final frame', 'data: {"content":"Hel","stop":false}\n\n', { kind: 'cut' }],
  ])('%s', async (_name, body, facts) => {
    const { failure } = await call(
      llamaCpp(await benchContext({ base: 'https://llama.test', fetch: recordedFetch(stream(body)) as typeof fetch })),
    );
    expect(failure?.facts).toMatchObject(facts);
  });

  test('no chat completions: the native route takes over for good', async () => {
    const asked: string[] = [];
    const given = (async (url: string) => {
      asked.push(new URL(url).pathname);
      if (!url.endsWith('/completion'))
        return new Response('{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}', {
          status: 404,
        });
      return new Response(
        'data: {"content":"Hi","stop":false}\n\ndata: {"content":"","stop":true,"stopped_eos":true,"tokens_predicted":1,"tokens_evaluated":3}\n\n',
        { headers: { 'content-type': 'text/event-stream' } },
      );
    }) as typeof fetch;
    const context = await benchContext({ base: 'https://llama.test', fetch: given, model: 'm' });
    const connection = openai(context, { whenMissing: () => llamaCpp(context) });
    expect((await call(connection)).result).toMatchObject({
      text: 'Hi',
      finish: 'stop',
      usage: { input: 3, output: 1 },
    });
    await call(connection);
    expect(asked).toEqual(['/v1/chat/completions', '/completion', '/completion']);
  });
});
