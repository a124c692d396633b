/** Which protocol is found, in how many probes, and what is refused. */
import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../js/clock.ts';
import { Http } from '../../js/http.ts';
import { CallFailure } from '../../js/transports/call-failure.ts';
import { detect, type DetectContext } from '../../js/transports/detect.ts';
import type { Protocol } from '../../js/types.ts';
import { startFaultServer, startModelServer } from '../servers/model-servers.mjs';

type Answer = Response | 'network' | (() => Response);
const json =
  (value: unknown, status = 200) =>
  () =>
    new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } });
const html =
  (title: string, status = 200) =>
  () =>
    new Response(`<!DOCTYPE html><html><head><title>${title}</title></head></html>`, {
      status,
      headers: { 'content-type': 'text/html' },
    });
const missing = json({ detail: 'Not Found' }, 404);
const gradioConfig = (names: string[]) =>
  json({
    version: '6.31.0',
    protocol: 'sse_v3',
    api_prefix: '/gradio_api',
    components: [
      { id: 1, type: 'textbox', props: {} },
      { id: 2, type: 'textbox', props: {} },
    ],
    dependencies: names.map((api_name, id) => ({ id, api_name, inputs: [1], outputs: [2], api_visibility: 'public' })),
  });
const models = (entry: object) => json({ object: 'list', data: [{ id: 'org/model', object: 'model', ...entry }] });

function found(
  routes: Record<string, Answer>,
  {
    endpoint,
    sdk,
    hint = 'auto',
    explain,
  }: { endpoint?: string; sdk?: string; hint?: Protocol | 'auto'; explain?: DetectContext['explain'] } = {},
) {
  const asked: string[] = [];
  const fetch = (async (url: string) => {
    const { pathname } = new URL(url);
    asked.push(pathname);
    const answer = routes[pathname] ?? missing;
    if (answer === 'network') throw new TypeError('Failed to fetch');
    return typeof answer === 'function' ? answer() : answer;
  }) as typeof globalThis.fetch;
  const http = new Http({
    fetch,
    clock: systemClock,
    token: undefined,
    mayReceiveToken: () => false,
    credentials: 'omit',
    maxReplyBytes: 1e6,
    timeouts: { firstChunk: 1000, stall: 1000 },
  });
  const context: DetectContext = {
    base: 'https://x.hf.space',
    http,
    endpoint,
    sdk,
    explain: explain ?? (async () => undefined),
  };
  return { asked, detection: detect(context, hint, new AbortController().signal) };
}

describe('found', () => {
  const tgiInfo = json({ model_id: 'org/tgi', router: 'text-generation-router' });
  const gradio = { '/config': gradioConfig(['chat', 'generate']) };
  test.each<[string, Record<string, Answer>, Parameters<typeof found>[1], object, string[]]>([
    ['Gradio', gradio, {}, { protocol: 'gradio' }, ['/config']],
    ['Gradio, as the Hub says', gradio, { sdk: 'gradio' }, { protocol: 'gradio' }, ['/config']],
    ['Gradio in a Docker Space', gradio, { sdk: 'docker' }, { protocol: 'gradio' }, ['/v1/models', '/info', '/config']],
    [
      'Gradio before the plain contract (its /api/generate is a function)',
      gradio,
      { endpoint: '/api/generate' },
      { protocol: 'gradio', endpoint: '/api/generate' },
      ['/config'],
    ],
    [
      'Gradio without such a function: the default path means nothing',
      { '/config': gradioConfig(['chat']) },
      { endpoint: '/api/generate' },
      { protocol: 'gradio', endpoint: undefined },
      ['/config'],
    ],
    [
      'Gradio with a named endpoint',
      gradio,
      { endpoint: '/chat' },
      { protocol: 'gradio', endpoint: '/chat' },
      ['/config'],
    ],
    [
      'Gradio with an unknown name: Gradio says which there are',
      gradio,
      { endpoint: '/nope' },
      { protocol: 'gradio', endpoint: '/nope' },
      ['/config'],
    ],
    [
      'a route beside a Gradio app',
      gradio,
      { endpoint: '/v1/generate' },
      { protocol: 'plain', endpoint: '/v1/generate' },
      ['/config'],
    ],
    [
      'llama.cpp',
      { '/v1/models': models({ owned_by: 'llamacpp', meta: { n_ctx_train: 4096 } }) },
      {},
      { protocol: 'openai', server: 'llama.cpp', model: 'org/model' },
      ['/config', '/v1/models'],
    ],
    [
      'vLLM',
      { '/v1/models': models({ owned_by: 'vllm' }) },
      { sdk: 'docker' },
      { protocol: 'openai', server: 'vllm', model: 'org/model' },
      ['/v1/models'],
    ],
    [
      'another OpenAI-style server',
      { '/v1/models': models({ owned_by: 'me' }) },
      {},
      { protocol: 'openai', model: 'org/model' },
      ['/config', '/v1/models', '/info'],
    ],
    [
      'TGI, which lists models too',
      { '/v1/models': models({ owned_by: 'org/tgi', created: 0 }), '/info': tgiInfo },
      { sdk: 'docker' },
      { protocol: 'tgi', model: 'org/tgi' },
      ['/v1/models', '/info'],
    ],
    ['TGI before chat', { '/info': tgiInfo }, {}, { protocol: 'tgi' }, ['/config', '/v1/models', '/info']],
    ['the plain contract', {}, {}, { protocol: 'plain', endpoint: undefined }, ['/config', '/v1/models', '/info']],
    [
      'the plain contract by its path, unasked, in a Docker Space',
      {},
      { sdk: 'docker', endpoint: '/v1/generate' },
      { protocol: 'plain', endpoint: '/v1/generate' },
      [],
    ],
    [
      'the plain contract by its path elsewhere',
      {},
      { endpoint: '/v1/generate' },
      { protocol: 'plain', endpoint: '/v1/generate' },
      ['/config'],
    ],
    [
      'chat completions by their path',
      {},
      { sdk: 'docker', endpoint: '/v1/chat/completions' },
      { protocol: 'openai', endpoint: '/v1/chat/completions' },
      [],
    ],
    [
      'llama.cpp native by its path',
      {},
      { sdk: 'docker', endpoint: '/completion' },
      { protocol: 'llama.cpp', endpoint: '/completion' },
      [],
    ],
    [
      '/generate where TGI answers',
      { '/info': tgiInfo },
      { sdk: 'docker', endpoint: '/generate' },
      { protocol: 'tgi', endpoint: '/generate' },
      ['/info'],
    ],
    [
      '/generate where it does not',
      {},
      { sdk: 'docker', endpoint: '/generate' },
      { protocol: 'plain', endpoint: '/generate' },
      ['/info'],
    ],
    [
      'what cannot be read is not it, while the Space runs',
      { '/config': 'network', '/v1/models': models({ owned_by: 'vllm' }) },
      {},
      { protocol: 'openai' },
      ['/config', '/v1/models'],
    ],
    [
      'pages for everything',
      { '/config': html('App'), '/v1/models': html('App'), '/info': html('App') },
      {},
      { protocol: 'plain' },
      ['/config', '/v1/models', '/info'],
    ],
    [
      'odd JSON for everything',
      { '/config': json([]), '/v1/models': json({ data: 'x' }), '/info': json(null) },
      {},
      { protocol: 'plain' },
      ['/config', '/v1/models', '/info'],
    ],
    [
      'Gradio behind its own login',
      { '/config': json({ auth_required: true, auth_message: null }) },
      {},
      { protocol: 'gradio' },
      ['/config'],
    ],
    [
      'what is configured, without a probe',
      {},
      { hint: 'tgi', endpoint: '/x' },
      { protocol: 'tgi', endpoint: '/x' },
      [],
    ],
    ['Gradio, configured', gradio, { hint: 'gradio' }, { protocol: 'gradio' }, ['/config']],
  ])('%s', async (_name, routes, options, expected, probes) => {
    const { asked, detection } = found(routes, options);
    const { gradio: config, ...rest } = await detection;
    expect({ endpoint: undefined, ...rest }).toMatchObject(expected);
    expect(config !== undefined).toBe(rest.protocol === 'gradio');
    expect(asked).toEqual(probes);
  });
});

describe('refused', () => {
  test.each<[string, Record<string, Answer>, Parameters<typeof found>[1], object | RegExp]>([
    ['Streamlit', {}, { sdk: 'streamlit' }, /Streamlit.*Gradio Space, or a Docker Space with POST \/api\/generate/],
    ['static', {}, { sdk: 'static' }, /static.*Gradio Space/],
    [
      'Streamlit by its page',
      {
        '/config': html('Streamlit'),
        '/v1/models': () => new Response('<html><script src="./static/streamlit.js"></script></html>'),
      },
      {},
      /Streamlit/,
    ],
    [
      'embeddings',
      { '/info': json({ model_id: 'org/e5', model_type: { embedding: { pooling: 'mean' } } }) },
      { sdk: 'docker' },
      /generates none/,
    ],
    [
      'a server that wants credentials',
      { '/config': json({}, 401), '/v1/models': json({}, 401), '/info': json({}, 401) },
      {},
      { kind: 'http', status: 401 },
    ],
    [
      'a server that is loading',
      { '/config': json({ error: { code: 503, message: 'Loading model' } }, 503) },
      {},
      { kind: 'http', status: 503 },
    ],
    ['too many calls', { '/config': json({}, 429) }, {}, { kind: 'http', status: 429 }],
    ['protocol gradio where there is none', {}, { hint: 'gradio' }, /not that of a Gradio app/],
  ])('%s', async (_name, routes, options, expected) => {
    const failure = await found(routes, options).detection.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(CallFailure);
    if (expected instanceof RegExp) expect((failure as CallFailure).message).toMatch(expected);
    else expect((failure as CallFailure).facts).toMatchObject(expected);
  });

  test('a probe that fails on the network is explained by the stage', async () => {
    const stage = new CallFailure({ kind: 'stage', stage: 'SLEEPING' });
    const { detection, asked } = found(
      { '/config': 'network' },
      {
        explain: async () => {
          throw stage;
        },
      },
    );
    await expect(detection).rejects.toBe(stage);
    expect(asked).toEqual(['/config']);
  });

  test('so is finding nothing at all', async () => {
    const stage = new CallFailure({ kind: 'stage', stage: 'MISSING' });
    await expect(
      found(
        {},
        {
          explain: async () => {
            throw stage;
          },
        },
      ).detection,
    ).rejects.toBe(stage);
  });
});

describe('real sockets', () => {
  const open: { close: () => Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });
  const detectAt = (base: string, signal = new AbortController().signal) => {
    const http = new Http({
      fetch,
      clock: systemClock,
      token: undefined,
      mayReceiveToken: () => false,
      credentials: 'omit',
      maxReplyBytes: 1e6,
      timeouts: { firstChunk: 500, stall: 500 },
    });
    return detect({ base, http, endpoint: undefined, sdk: undefined, explain: async () => undefined }, 'auto', signal);
  };
  test.each([
    ['openai', 'openai'],
    ['vllm', 'openai'],
    ['tgi3', 'tgi'],
    ['tgi2', 'tgi'],
    ['plain', 'plain'],
  ] as const)('%s is %s', async (kind, protocol) => {
    const server = await startModelServer(kind);
    open.push(server);
    expect(await detectAt(server.origin)).toMatchObject({ protocol });
  });

  test('redirects everywhere are reported', async () => {
    const server = await startFaultServer({ fault: 'redirect', to: 'https://elsewhere.example/' });
    open.push(server);
    await expect(detectAt(server.origin)).rejects.toMatchObject({ facts: { kind: 'redirect' } });
  });

  test('an abort ends it', async () => {
    const server = await startFaultServer({ fault: 'slow-headers' });
    open.push(server);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    await expect(detectAt(server.origin, controller.signal)).rejects.toMatchObject({ facts: { kind: 'abort' } });
  });
});
