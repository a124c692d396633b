/** From an address to an answer: what is asked of whom, what is kept and what forgotten, where tokens go, proxies, stages. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../js/clock.ts';
import type { Core } from '../../js/core.ts';
import { CallFailure } from '../../js/transports/call-failure.ts';
import { Connections, type ConnectionsConfig } from '../../js/transports/connect.ts';
import type { SpaceConfig, SpaceStatus } from '../../js/types.ts';
import { HubSimulator } from '../servers/hub-simulator.mjs';
import { bodyOf, cors, listen } from '../servers/loopback.mjs';
import { reply, startFaultServer, startModelServer } from '../servers/model-servers.mjs';
import { FakeClock, settle } from './fake-clock.ts';
import { realCore } from './real-core.ts';
import { ask, call } from './transport-bench.ts';

type Status = Omit<SpaceStatus, 'target' | 'tier'>;
const open: { close: () => Promise<void> }[] = [];
let core: Core;
beforeAll(async () => {
  core = await realCore(['space:base', 'space:company', 'openai', 'router', 'mock']);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});
const serve = async (...given: Parameters<typeof startModelServer>) => {
  const server = await startModelServer(...given);
  open.push(server);
  return server;
};
function connections(base: SpaceConfig, fetcher: unknown, more: Partial<ConnectionsConfig> = {}) {
  return new Connections(
    {
      spaces: { base },
      providers: {},
      proxyUrl: undefined,
      proxyToken: undefined,
      random: () => 0.5,
      fetch: fetcher as typeof fetch,
      clock: systemClock,
      hubUrl: 'https://huggingface.co',
      maxReplyBytes: 1e6,
      timeouts: { firstChunk: 5000, stall: 5000 },
      ...more,
    },
    { core },
  );
}
function options(wake: 'wait' | 'fallback' = 'fallback', signal: AbortSignal = new AbortController().signal) {
  const heard: Status[] = [];
  const steps: string[] = [];
  return {
    signal,
    wake,
    onStatus: (status: Status) => void heard.push(status),
    onStep: (name: string, message: string) => void steps.push(`${name}: ${message}`),
    heard,
    steps,
  };
}
const failureOf = async (work: Promise<unknown>): Promise<CallFailure> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailure);
  return error as CallFailure;
};
const plainApp = () => {
  const seen: { path: string; authorization: string | null }[] = [];
  const app = async (request: Request) => {
    const path = new URL(request.url).pathname;
    seen.push({ path, authorization: request.headers.get('authorization') });
    return path === '/api/generate'
      ? Response.json({ generated_text: 'Hi.' })
      : Response.json({ detail: 'Not Found' }, { status: 404 });
  };
  return { app, seen };
};

describe('a Space of the Hub', () => {
  test.each([
    ['vllm', 'openai'],
    ['openai', 'openai'],
    ['tgi3', 'tgi'],
    ['tgi2', 'tgi'],
    ['plain', 'plain'],
  ] as const)('%s in Docker: found, called, and found once', async (kind, protocol) => {
    const server = await serve(kind);
    const simulator = new HubSimulator([{ id: 'owner/name', sdk: 'docker', app: server.origin }]);
    const all = connections({ url: 'owner/name' }, simulator.fetch);
    const given = options();
    const connection = await all.connect('space:base', given);
    expect(connection).toMatchObject({ protocol, base: 'https://owner-name.hf.space' });
    expect((await call(connection)).result?.text).toBe(reply);
    const before = simulator.calls.length;
    expect(await all.connect('space:base', options())).toBe(connection);
    expect(simulator.calls.length).toBe(before);
    expect(simulator.apiCalls()).toHaveLength(2);
    expect(given.steps.map((step) => step.split(':')[0])).toEqual(['address', 'space', 'protocol']);
    expect(given.heard[0]).toMatchObject({ state: 'connecting' });
  });

  test('callers of the same moment share every look-up', async () => {
    const { app } = plainApp();
    const simulator = new HubSimulator([{ id: 'owner/name', app }]);
    const all = connections({ url: 'https://huggingface.co/spaces/owner/name' }, simulator.fetch);
    const found = await Promise.all(Array.from({ length: 20 }, () => all.connect('space:base', options())));
    expect(new Set(found.map(({ protocol }) => protocol))).toEqual(new Set(['plain']));
    expect(simulator.apiCalls()).toHaveLength(2);
    expect(simulator.calls.filter(({ path }) => path === '/config')).toHaveLength(1);
  });

  test('one of them leaving does not end it for the others', async () => {
    const { app } = plainApp();
    const simulator = new HubSimulator([{ id: 'owner/name', app }]);
    const all = connections({ url: 'owner/name' }, simulator.fetch);
    const leaver = new AbortController();
    const first = failureOf(all.connect('space:base', options('fallback', leaver.signal)));
    const second = all.connect('space:base', options());
    leaver.abort();
    expect((await first).facts.kind).toBe('abort');
    expect((await second).protocol).toBe('plain');
  });

  test.each([
    ['streamlit', /Streamlit/],
    ['static', /static/],
  ])('%s is refused before anything is sent to it', async (sdk, said) => {
    const simulator = new HubSimulator([{ id: 'owner/name', sdk }]);
    expect(
      (await failureOf(connections({ url: 'owner/name' }, simulator.fetch).connect('space:base', options()))).message,
    ).toMatch(said);
    expect(simulator.calls.every(({ host }) => host === 'huggingface.co')).toBe(true);
  });

  test('a static Space under its direct address is refused too, once it answers nothing', async () => {
    const simulator = new HubSimulator([{ id: 'owner/name', sdk: 'static' }]);
    const { message } = await failureOf(
      connections({ url: 'https://owner-name.hf.space' }, simulator.fetch).connect('space:base', options()),
    );
    expect(message).toMatch(/static/);
  });

  test.each([['owner/nobody'], ['https://nobody.hf.space']])('%s is missing', async (url) => {
    const { facts, message } = await failureOf(
      connections({ url }, new HubSimulator([]).fetch).connect('space:base', options()),
    );
    expect(facts).toMatchObject({ kind: 'stage', stage: 'MISSING' });
    expect(message).toMatch(/not found/);
  });

  test('a Hub that names no host that may be called', async () => {
    const simulator = new HubSimulator([{ id: 'owner/name', host: 'http://owner-name.hf.space' }]);
    expect(
      (await failureOf(connections({ url: 'owner/name' }, simulator.fetch).connect('space:base', options()))).message,
    ).toMatch(/no https host/);
  });
});

describe('what is forgotten', () => {
  test.each([404, 405])('HTTP %i: the Space may speak another protocol now', async (status) => {
    let gone = false;
    const app = (request: Request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/v1/models' && gone)
        return Response.json({ object: 'list', data: [{ id: 'm', owned_by: 'vllm' }] });
      if (pathname === '/v1/chat/completions' && gone)
        return Response.json({ choices: [{ message: { content: 'Now chat.' }, finish_reason: 'stop' }] });
      if (pathname === '/api/generate' && !gone) return Response.json({ generated_text: 'Plain.' });
      return Response.json({}, { status: pathname === '/api/generate' ? status : 404 });
    };
    const simulator = new HubSimulator([{ id: 'owner/name', sdk: 'docker', app }]);
    const all = connections({ url: 'owner/name' }, simulator.fetch);
    expect((await call(await all.connect('space:base', options()))).result?.text).toBe('Plain.');
    gone = true;
    expect((await call(await all.connect('space:base', options()))).failure?.facts.status).toBe(status);
    expect((await call(await all.connect('space:base', options()))).result?.text).toBe('Now chat.');
  });

  test.each([401, 429, 500])('HTTP %i says nothing of the protocol', async (status) => {
    let fail = false;
    const app = (request: Request) => {
      if (new URL(request.url).pathname !== '/api/generate') return Response.json({}, { status: 404 });
      return fail ? Response.json({}, { status }) : Response.json({ generated_text: 'Plain.' });
    };
    const simulator = new HubSimulator([{ id: 'owner/name', sdk: 'docker', app }]);
    const all = connections({ url: 'owner/name' }, simulator.fetch);
    const connection = await all.connect('space:base', options());
    fail = true;
    expect((await call(connection)).failure?.facts.status).toBe(status);
    expect(await all.connect('space:base', options())).toBe(connection);
  });

  test("Gradio 4's answer to the plain contract", async () => {
    const all = connections({ url: 'https://x.example' }, async () => Response.json({}, { status: 404 }));
    const connection = await all.connect('space:base', options());
    all.failed('space:base', {
      kind: 'http',
      status: 422,
      body: '{"detail":[{"type":"missing","loc":["body","data"],"msg":"Field required"}]}',
    });
    expect(await all.connect('space:base', options())).not.toBe(connection);
  });

  test('a new revision is detected anew, the same one is not', async () => {
    const { app, seen } = plainApp();
    const simulator = new HubSimulator([{ id: 'owner/name', app, sha: 'one' }]);
    const all = connections({ url: 'owner/name' }, simulator.fetch);
    const probes = () => seen.filter(({ path }) => path === '/config').length;
    await all.connect('space:base', options());
    all.failed('space:base', { kind: 'stage', stage: 'SLEEPING' });
    await all.connect('space:base', options());
    expect(probes()).toBe(1);
    simulator.set({ id: 'owner/name', sha: 'two' });
    all.failed('space:base', { kind: 'stage', stage: 'SLEEPING' });
    await all.connect('space:base', options());
    expect(probes()).toBe(2);
    all.drop('space:base');
    await all.connect('space:base', options());
    expect(probes()).toBe(3);
  });

  test('a detection that failed is not kept', async () => {
    let loading = true;
    const all = connections({ url: 'https://x.example' }, async () =>
      Response.json({}, { status: loading ? 503 : 404 }),
    );
    expect((await failureOf(all.connect('space:base', options()))).facts.status).toBe(503);
    loading = false;
    expect((await all.connect('space:base', options())).protocol).toBe('plain');
  });
});

describe('a Space that does not run', () => {
  let clock: FakeClock;
  beforeEach(() => {
    clock = new FakeClock();
  });
  const asleep = (more: object = {}) =>
    new HubSimulator(
      [
        {
          id: 'owner/name',
          stage: 'SLEEPING',
          waking: [
            [0, 'APP_STARTING'],
            [30_000, 'RUNNING'],
          ],
          app: plainApp().app,
          ...more,
        },
      ],
      { now: () => clock.now() },
    );

  test.each(['owner/name', 'https://owner-name.hf.space'])(
    '%s, wake "fallback": fails at once with its stage',
    async (url) => {
      const simulator = asleep();
      const given = options('fallback');
      const { facts, message } = await failureOf(
        connections({ url }, simulator.fetch, { clock }).connect('space:base', given),
      );
      expect(facts.kind).toBe('stage');
      expect(['SLEEPING', 'APP_STARTING']).toContain(facts.stage);
      expect(message).toMatch(/^base Space is (waking|starting)/);
      expect(given.heard.map(({ state }) => state)).toContain(facts.stage === 'SLEEPING' ? 'sleeping' : 'starting');
    },
  );

  test.each(['owner/name', 'https://owner-name.hf.space'])('%s, wake "wait": answers when it runs', async (url) => {
    const simulator = asleep();
    const given = options('wait');
    const connecting = connections({ url }, simulator.fetch, { clock }).connect('space:base', given);
    await clock.advance(45_000);
    expect((await call(await connecting)).result?.text).toBe('Hi.');
    expect(given.heard.map(({ state }) => state)).toEqual(expect.arrayContaining(['connecting', 'ready']));
    expect(simulator.apiCalls().length).toBeLessThanOrEqual(30);
  });

  test('while it is being woken, "fallback" costs no calls', async () => {
    const simulator = asleep();
    const all = connections({ url: 'owner/name' }, simulator.fetch, { clock });
    void all.wake('space:base', { onStatus: () => undefined });
    await clock.advance(5000);
    const before = simulator.apiCalls().length;
    for (let i = 0; i < 10; i += 1)
      expect((await failureOf(all.connect('space:base', options('fallback')))).facts.kind).toBe('stage');
    expect(simulator.apiCalls().length).toBe(before);
    await clock.advance(40_000);
    expect((await all.connect('space:base', options())).protocol).toBe('plain');
  });

  test.each(['PAUSED', 'BUILD_ERROR', 'RUNTIME_ERROR'])('%s fails at once, also for who would wait', async (stage) => {
    const simulator = asleep({ stage, waking: [], errorMessage: 'Exit code 1' });
    const { facts } = await failureOf(
      connections({ url: 'owner/name' }, simulator.fetch, { clock }).connect('space:base', options('wait')),
    );
    expect(facts).toEqual({ kind: 'stage', stage, message: 'Exit code 1' });
  });

  test('falling asleep between two calls: the network error carries the stage, and the next connect waits', async () => {
    const { app } = plainApp();
    const simulator = new HubSimulator([{ id: 'owner/name', app }], { now: () => clock.now() });
    const all = connections({ url: 'owner/name' }, simulator.fetch, { clock });
    const connection = await all.connect('space:base', options());
    expect((await call(connection)).result?.text).toBe('Hi.');
    simulator.set({
      id: 'owner/name',
      stage: 'SLEEPING',
      waking: [
        [0, 'APP_STARTING'],
        [20_000, 'RUNNING'],
      ],
    });
    const { failure } = await call(connection);
    expect(failure?.facts).toMatchObject({ kind: 'stage', stage: 'APP_STARTING' });
    const again = all.connect('space:base', options('wait'));
    await clock.advance(30_000);
    expect((await call(await again)).result?.text).toBe('Hi.');
  });

  test('a network error while it runs stays one, and the protocol is looked for anew', async () => {
    let broken = false;
    const app = (request: Request) => {
      if (broken) throw new TypeError('Failed to fetch');
      return new URL(request.url).pathname === '/api/generate'
        ? Response.json({ generated_text: 'Hi.' })
        : Response.json({}, { status: 404 });
    };
    const simulator = new HubSimulator([{ id: 'owner/name', app }]);
    const all = connections({ url: 'owner/name' }, simulator.fetch);
    const connection = await all.connect('space:base', options());
    broken = true;
    expect((await call(connection)).failure?.facts.kind).toBe('network');
    broken = false;
    expect(await all.connect('space:base', options())).not.toBe(connection);
  });

  test('a Hub that does not answer leaves the failure as it was', async () => {
    const { app } = plainApp();
    const simulator = new HubSimulator([{ id: 'owner/name', app }]);
    const all = connections({ url: 'owner/name' }, simulator.fetch);
    const connection = await all.connect('space:base', options());
    simulator.set({ id: 'owner/name', stage: 'PAUSED' });
    simulator.down = true;
    expect((await call(connection)).failure?.facts.kind).toBe('network');
  });

  test('status: one call, none while it is being woken', async () => {
    const simulator = asleep();
    const all = connections({ url: 'owner/name' }, simulator.fetch, { clock });
    expect(await all.status('space:base')).toMatchObject({
      target: 'space:base',
      tier: 'base',
      state: 'sleeping',
      message: expect.stringMatching(/waking up/),
    });
    expect(simulator.apiCalls()).toHaveLength(1);
    void all.wake('space:base', { onStatus: () => undefined });
    await clock.advance(3000);
    const before = simulator.apiCalls().length;
    expect(await all.status('space:base')).toMatchObject({ state: 'starting' });
    expect(simulator.apiCalls().length).toBe(before);
    await clock.advance(40_000);
    expect(await all.status('space:base')).toMatchObject({ state: 'ready' });
  });
});

describe('where a token goes', () => {
  /** Every origin that saw the token, through one connect and one call. */
  const seenBy = async (space: SpaceConfig, simulator: HubSimulator, call_ = true): Promise<string[]> => {
    const all = connections(space, simulator.fetch);
    try {
      const connection = await all.connect('space:base', options());
      if (call_) await call(connection);
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
    }
    return [
      ...new Set(simulator.calls.filter(({ authorization }) => authorization !== undefined).map(({ host }) => host)),
    ].sort();
  };
  const token = 'hf_ownertoken';
  const { app } = plainApp();
  const running = (more: object = {}) => new HubSimulator([{ id: 'owner/name', app, ...more }]);

  test.each<[string, SpaceConfig, () => HubSimulator, string[]]>([
    [
      'by id: the Hub and the host it names',
      { url: 'owner/name', token },
      running,
      ['huggingface.co', 'owner-name.hf.space'],
    ],
    [
      'by page: the same',
      { url: 'https://huggingface.co/spaces/owner/name', token },
      running,
      ['huggingface.co', 'owner-name.hf.space'],
    ],
    [
      'by id, with a custom domain',
      { url: 'owner/name', token },
      () => running({ host: 'https://llm.owner.example' }),
      ['huggingface.co', 'llm.owner.example'],
    ],
    [
      'by id, private',
      { url: 'owner/name', token },
      () => running({ private: true, token }),
      ['huggingface.co', 'owner-name.hf.space'],
    ],
    [
      'by direct address: that origin alone',
      { url: 'https://owner-name.hf.space', token },
      running,
      ['owner-name.hf.space'],
    ],
    [
      'a key of the Space itself is not shown to the Hub',
      { url: 'owner/name', token: 'my-own-key' },
      running,
      ['owner-name.hf.space'],
    ],
    [
      'nor one from a function',
      { url: 'owner/name', token: async () => 'my-own-key' },
      running,
      ['owner-name.hf.space'],
    ],
    [
      'a Hub token from a function',
      { url: 'owner/name', token: async () => token },
      running,
      ['huggingface.co', 'owner-name.hf.space'],
    ],
    [
      'the Hub names plain http: nowhere but the Hub',
      { url: 'owner/name', token },
      () => running({ host: 'http://owner-name.hf.space' }),
      ['huggingface.co'],
    ],
    ['asleep: the Hub alone', { url: 'owner/name', token }, () => running({ stage: 'SLEEPING' }), ['huggingface.co']],
    ['missing: the Hub alone', { url: 'owner/nobody', token }, running, ['huggingface.co']],
    ['no token', { url: 'owner/name' }, running, []],
  ])('%s', async (_name, space, simulator, origins) => {
    expect(await seenBy(space, simulator())).toEqual(origins);
  });

  test('a direct address whose stage is looked up: the Hub does not see it', async () => {
    const simulator = running({ stage: 'SLEEPING' });
    expect(await seenBy({ url: 'https://owner-name.hf.space', token }, simulator)).toEqual(['owner-name.hf.space']);
    expect(simulator.apiCalls(/by-subdomain/)).toHaveLength(1);
  });

  describe('what a server says does not widen that', () => {
    const spy = async () => {
      const heard: (string | undefined)[] = [];
      const server = await listen(async (request, response) => {
        if (cors(request, response)) return;
        await bodyOf(request);
        heard.push(request.headers.authorization);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
      open.push(server);
      return { ...server, heard };
    };

    test.each([301, 302, 307, 308])('a redirect (%i) to another origin', async (status) => {
      const evil = await spy();
      const server = await startFaultServer({ fault: 'redirect', to: `${evil.origin}/steal`, status });
      open.push(server);
      const all = connections({ url: server.origin, token, protocol: 'plain' }, fetch);
      expect((await call(await all.connect('space:base', options()))).failure?.facts.kind).toBe('redirect');
      expect(evil.heard).toEqual([]);
    });

    test('a Gradio config whose root is elsewhere', async () => {
      const evil = await spy();
      const paths: string[] = [];
      const server = await listen(async (request, response) => {
        if (cors(request, response)) return;
        await bodyOf(request);
        paths.push(request.url!);
        const config = {
          version: '6.31.0',
          protocol: 'sse_v3',
          api_prefix: '/gradio_api',
          root: evil.origin,
          components: [
            { id: 1, type: 'textbox', props: { label: 'Prompt' } },
            { id: 2, type: 'textbox', props: {} },
          ],
          dependencies: [{ id: 0, api_name: 'chat', inputs: [1], outputs: [2], api_visibility: 'public', queue: true }],
        };
        response
          .writeHead(request.url === '/config' ? 200 : 404, { 'content-type': 'application/json' })
          .end(JSON.stringify(request.url === '/config' ? config : {}));
      });
      open.push(server);
      const connection = await connections({ url: server.origin, token }, fetch).connect('space:base', options());
      expect(connection.protocol).toBe('gradio');
      await call(connection);
      expect(paths.length).toBeGreaterThan(1);
      expect(evil.heard).toEqual([]);
    });

    test('a models list, an info page or a reply that names addresses', async () => {
      const evil = await spy();
      const server = await listen(async (request, response) => {
        if (cors(request, response)) return;
        await bodyOf(request);
        response
          .writeHead(200, {
            'content-type': 'application/json',
            location: evil.origin,
            link: `<${evil.origin}>; rel=preconnect`,
          })
          .end(
            JSON.stringify({
              object: 'list',
              data: [{ id: `${evil.origin}/model`, owned_by: 'vllm', root: evil.origin }],
              choices: [{ message: { content: evil.origin }, finish_reason: 'stop' }],
            }),
          );
      });
      open.push(server);
      const { result } = await call(
        await connections({ url: server.origin, token }, fetch).connect('space:base', options()),
      );
      expect(result?.text).toBe(evil.origin);
      expect(evil.heard).toEqual([]);
    });

    test('the Hub naming another host later: the first one no longer gets it', async () => {
      const simulator = running({ host: 'https://first.example' });
      const all = connections({ url: 'owner/name', token }, simulator.fetch);
      const first = await all.connect('space:base', options());
      simulator.set({ id: 'owner/name', host: 'https://second.example' });
      all.failed('space:base', { kind: 'stage', stage: 'SLEEPING' });
      await call(await all.connect('space:base', options()));
      // A request that began before still holds the old connection.
      simulator.set({ id: 'other/one', host: 'https://first.example', app });
      await call(first);
      const seen = simulator.calls.filter(({ host, path }) => host === 'first.example' && path === '/api/generate');
      expect(seen.map(({ authorization }) => authorization)).toEqual([undefined]);
      expect(simulator.calls.at(-2)).toMatchObject({ host: 'second.example', authorization: `Bearer ${token}` });
    });
  });

  test('failures never carry it', async () => {
    for (const fault of [
      { status: 401, body: `bad token ${token}` },
      { status: 500, body: `Bearer ${token}` },
      { fault: 'html' },
      { fault: 'redirect', to: 'https://x.example' },
    ] as const) {
      const server = await startFaultServer(fault);
      open.push(server);
      const all = connections({ url: server.origin, token, protocol: 'plain' }, fetch);
      const { failure } = await call(await all.connect('space:base', options()));
      expect(failure).toBeDefined();
      expect(JSON.stringify(failure!.facts) + failure!.message).not.toContain(token);
    }
  });
});

describe('through the proxy', () => {
  const gateway = async () => {
    const seen: { path: string; authorization: string | undefined; json: Record<string, unknown> }[] = [];
    const upstream = await serve('vllm');
    const server = await listen(async (request, response) => {
      if (cors(request, response)) return;
      const body = await bodyOf(request);
      seen.push({
        path: request.url!,
        authorization: request.headers.authorization,
        json: body === '' ? {} : (JSON.parse(body) as Record<string, unknown>),
      });
      if (request.headers.authorization !== 'Bearer session') return void response.writeHead(401).end('{}');
      const [, , name, ...rest] = request.url!.split('/');
      if (!['base', 'openai', 'router'].includes(name!)) return void response.writeHead(404).end('{}');
      const answer = await fetch(`${upstream.origin}/${rest.join('/')}`, {
        method: request.method!,
        ...(body !== '' && { body }),
        headers: { 'content-type': 'application/json' },
      });
      response
        .writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
        .end(await answer.text());
    });
    open.push(server);
    return { proxyUrl: `${server.origin}/gateway`, seen };
  };

  test.each([
    ['space:base', '/gateway/base/v1/chat/completions'],
    ['openai', '/gateway/openai/v1/chat/completions'],
    ['router', '/gateway/router/v1/chat/completions'],
  ])("%s goes to %s with the session, never with the target's own token", async (target, path) => {
    const { proxyUrl, seen } = await gateway();
    const simulator = new HubSimulator([{ id: 'owner/name' }]);
    const all = connections({ url: 'owner/name', token: 'hf_ownertoken' }, simulator.fetch, {
      proxyUrl,
      proxyToken: async () => 'session',
      providers: {
        openai: { model: 'm', token: 'sk-provider' },
        router: { model: 'm', token: 'hf_provider', billTo: 'my-org' },
      },
    });
    expect((await call(await all.connect(target, options()))).result?.text).toBe(reply);
    expect(seen.at(-1)?.path).toBe(path);
    expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer session']));
    expect(simulator.calls).toEqual([]);
  });

  test('a proxy in trouble: the stage is looked up without a token; a private Space stays unexplained', async () => {
    for (const [script, kind] of [
      [{ stage: 'PAUSED' }, 'stage'],
      [{ private: true, token: 'hf_ownertoken' }, 'http'],
    ] as const) {
      const server = await startFaultServer({ status: 502 });
      open.push(server);
      const simulator = new HubSimulator([{ id: 'owner/name', ...script }]);
      const all = connections({ url: 'owner/name', token: 'hf_ownertoken' }, simulator.fetch, {
        proxyUrl: server.origin,
        proxyToken: 'session',
      });
      expect((await failureOf(all.connect('space:base', options()))).facts.kind).toBe(kind);
      expect(simulator.calls.map(({ authorization }) => authorization)).toEqual([undefined]);
    }
  });
});

describe('providers', () => {
  test.each([
    ['openai', '/v1/chat/completions'],
    ['router', '/v1/chat/completions'],
  ] as const)('%s is called with its own token', async (target, path) => {
    const server = await serve('openai', { apiKey: 'sk-provider' });
    const provider = {
      baseUrl: `${server.origin}/v1/`,
      model: 'org/model',
      token: 'sk-provider',
      ...(target === 'router' && { billTo: 'my-org' }),
    };
    const all = connections({ url: 'owner/name' }, fetch, { providers: { [target]: provider } });
    const connection = await all.connect(target, options());
    expect(connection).toMatchObject({ protocol: target, base: `${server.origin}/v1` });
    expect((await call(connection)).result?.text).toBe(reply);
    expect(server.requests.map(({ path: asked }) => asked)).toEqual([path]);
    expect(server.requests[0].headers['x-hf-bill-to']).toBe(target === 'router' ? 'my-org' : undefined);
  });

  test.each([
    ['openai', 'https://api.openai.com/v1/chat/completions'],
    ['router', 'https://router.huggingface.co/v1/chat/completions'],
  ])('%s by default is %s', async (target, url) => {
    const asked: string[] = [];
    const all = connections(
      { url: 'owner/name' },
      async (to: string) => (
        asked.push(to),
        Response.json({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] })
      ),
      {
        providers: { openai: { model: 'm' }, router: { model: 'm' } },
      },
    );
    await call(await all.connect(target, options()));
    expect(asked).toEqual([url]);
  });

  test('the mock needs no network', async () => {
    const all = connections(
      { url: 'owner/name' },
      () => {
        throw new Error('no network');
      },
      { providers: { mock: { reply: 'Hi.', delayMs: 1 } } },
    );
    const connection = await all.connect('mock', options());
    expect((await call(connection, ask())).result?.text).toBe('Hi.');
    expect(await all.status('mock')).toMatchObject({ state: 'unknown', tier: undefined });
    await all.wake('mock', { onStatus: () => undefined });
  });
});

test('an abort before and during everything', async () => {
  const simulator = new HubSimulator([{ id: 'owner/name' }]);
  expect(
    (
      await failureOf(
        connections({ url: 'owner/name' }, simulator.fetch).connect('space:base', options('wait', AbortSignal.abort())),
      )
    ).facts.kind,
  ).toBe('abort');
  expect(simulator.calls).toEqual([]);
  const server = await startFaultServer({ fault: 'slow-headers' });
  open.push(server);
  const controller = new AbortController();
  const connecting = failureOf(
    connections({ url: server.origin }, fetch).connect('space:base', options('wait', controller.signal)),
  );
  await settle();
  controller.abort();
  expect((await connecting).facts.kind).toBe('abort');
});
