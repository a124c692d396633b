/**
 * The whole Gradio transport over a `fetch` that answers with what real servers sent (tests/fixtures/gradio, made by
 * tests/servers/record-gradio.mjs), cut in other places, cut short, or changed.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

import { ask, replay, type Order } from '../browser/gradio-in-page.js';

interface Recorded {
  method: string;
  path: string;
  status: number;
  type: string;
  body: string;
}
interface Exchange {
  app: string;
  order: Omit<Order, 'base'>;
  way: 'queue' | '/call';
  responses: Recorded[];
  outcome: { result?: { text: string; files?: { url: string }[]; via: string }; facts?: unknown; shown: string };
}
interface Recording {
  version: string;
  apps: Record<string, { config: Record<string, unknown>; info: unknown }>;
  exchanges: Exchange[];
}
const recordings = ['4.44.1', '5.50.0', '6.31.0'].map(
  (version) =>
    JSON.parse(readFileSync(new URL(`../fixtures/gradio/${version}.json`, import.meta.url), 'utf8')) as Recording,
);
const six = recordings[2]!;
const host = 'http://gradio.test';
const encoder = new TextEncoder();

/** How a stream's bytes come: in which pieces, and whether the connection breaks after them. */
type Delivery = (bytes: Uint8Array) => { pieces: Uint8Array[]; breaks?: boolean };
const atOnce: Delivery = (bytes) => ({ pieces: [bytes] });

interface Sent {
  method: string;
  url: string;
  path: string;
  body: Record<string, unknown> | undefined;
  authorization: string | null;
  keepalive: boolean;
}
type Answer = Response | Promise<Response> | undefined;

/** Stands in for the server of a recording. `instead` may answer a request first. */
function serve(
  recording: Recording,
  exchange: Exchange | undefined,
  delivery: Delivery = atOnce,
  instead: (sent: Sent) => Answer = () => undefined,
) {
  const sent: Sent[] = [];
  const left = [...(exchange?.responses ?? [])];
  globalThis.fetch = async (input, init) => {
    const url = new URL(String(input));
    const [, app = '', ...rest] = url.pathname.split('/');
    const request: Sent = {
      method: init?.method ?? 'GET',
      url: url.href,
      path: `/${rest.join('/')}`,
      body: typeof init?.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : undefined,
      authorization: new Headers(init?.headers).get('authorization'),
      keepalive: init?.keepalive === true,
    };
    sent.push(request);
    const own = await instead(request);
    if (own !== undefined) return own;
    const { config, info } = recording.apps[app] ?? { config: {}, info: {} };
    if (request.path === '/config') return Response.json(config);
    if (request.path.endsWith('/info')) return Response.json(info);
    if (request.path.endsWith('/cancel')) return Response.json({ success: true });
    if (exchange?.way === '/call' && request.path.includes('/queue/')) return new Response('', { status: 404 });
    const next = left.shift();
    if (next === undefined || next.method !== request.method || next.path !== url.pathname) {
      throw new TypeError(`unexpected ${request.method} ${url.pathname}, recorded ${next?.path ?? 'nothing'}`);
    }
    const headers = { 'content-type': next.type };
    if (!next.type.startsWith('text/event-stream')) return new Response(next.body, { status: next.status, headers });
    const { pieces, breaks } = delivery(encoder.encode(next.body));
    return new Response(stream(pieces, breaks), { status: next.status, headers });
  };
  return sent;
}
function stream(pieces: readonly Uint8Array[], breaks = false): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream(
    {
      pull(controller) {
        const piece = pieces[next];
        next += 1;
        if (piece !== undefined) controller.enqueue(piece);
        else if (breaks) controller.error(new TypeError('network error'));
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

const call = (exchange: Exchange, more: Partial<Order> = {}) =>
  ask({ base: `${host}/${exchange.app}`, ...exchange.order, ...more });
const outcomeOf = ({ facts, shown, ...answer }: Awaited<ReturnType<typeof ask>>) => ({
  ...('result' in answer && { result: answer.result }),
  ...(facts !== undefined && { facts }),
  shown,
});
const named = recordings.flatMap(({ version, exchanges }) =>
  exchanges.map(
    (exchange) =>
      [
        `${version} ${exchange.way} ${exchange.app} ${exchange.order.endpoint ?? ''} ${exchange.order.prompt ?? ''}`,
        version,
        exchange,
      ] as const,
  ),
);
const recordingOf = (version: string) => recordings.find((recording) => recording.version === version)!;
const find = (endpoint: string, way: Exchange['way'] = 'queue', recording = six) =>
  recording.exchanges.find((exchange) => exchange.order.endpoint === endpoint && exchange.way === way)!;

/** Small, seeded (mulberry32): a failure can be repeated. */
function randomFrom(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
const recut =
  (seed: number): Delivery =>
  (bytes) => {
    const random = randomFrom(seed);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = random() < 0.3 ? 1 : 1 + Math.floor(random() * 200);
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    return { pieces };
  };

describe('recorded exchanges', () => {
  test.each(named)('%s', async (_, version, exchange) => {
    serve(recordingOf(version), exchange);
    const whole = await call(exchange);
    expect(outcomeOf(whole)).toEqual(exchange.outcome);
    for (const seed of [1, 2, 3]) {
      serve(recordingOf(version), exchange, recut(seed));
      const cut = await call(exchange);
      expect(outcomeOf(cut)).toEqual(exchange.outcome);
      expect(cut.parts).toEqual(whole.parts);
      expect(cut.statuses).toEqual(whole.statuses);
    }
    serve(recordingOf(version), exchange, (bytes) => ({
      pieces: Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
    }));
    expect((await call(exchange)).parts).toEqual(whole.parts);
  });

  test('both ways give the same text, on all three versions', () => {
    for (const { exchanges } of recordings) {
      for (const exchange of exchanges) {
        const twin = exchanges.find(
          ({ way, app, order }) =>
            way !== exchange.way && app === exchange.app && JSON.stringify(order) === JSON.stringify(exchange.order),
        )!;
        expect(twin.outcome.result?.text).toBe(exchange.outcome.result?.text);
        expect(twin.outcome.shown).toBe(exchange.outcome.shown);
      }
    }
  });
});

describe('cut at every byte', () => {
  const small = recordings.flatMap((recording) =>
    (['queue', '/call'] as const).map(
      (way) => [`${recording.version} ${way}`, recording, find('rewrite', way, recording)] as const,
    ),
  );
  test.each(small)('%s', async (_, recording, exchange) => {
    // What is shown after each complete frame, from the uncut stream given frame by frame.
    const body = exchange.responses.at(-1)!.body;
    const bytes = encoder.encode(body);
    serve(recording, exchange);
    const { parts } = await call(exchange);
    const states = ['', ...parts.map((_, index) => replay(parts.slice(0, index + 1)))];
    const finalAt = bytes.length - encoder.encode(body.slice(lastWordEnd(body))).length;
    for (const breaks of [false, true]) {
      let reached = 0;
      // Ending in order is tried at every byte; breaking differs only in how the reading ends.
      for (let end = 0; end <= bytes.length; end += breaks && end < finalAt - 40 ? 7 : 1) {
        const sent = serve(recording, exchange, (all) => ({ pieces: end === 0 ? [] : [all.subarray(0, end)], breaks }));
        const answer = await call(exchange);
        if (end >= finalAt + (breaks ? 2 : 0)) {
          expect(outcomeOf(answer)).toEqual(exchange.outcome);
          continue;
        }
        if (answer.ok) {
          // The last frame may lack its blank line; a broken connection says nothing of that.
          expect(end).toBeGreaterThanOrEqual(finalAt);
          continue;
        }
        expect(answer.facts).toMatchObject({ kind: 'cut' });
        const state = states.indexOf(answer.shown);
        expect(state).toBeGreaterThanOrEqual(reached);
        reached = state;
        expect(sent.filter(({ path }) => path.endsWith('/cancel')).length).toBeLessThanOrEqual(1);
      }
      // Nothing that had come was lost.
      expect(states[reached]).toBe(states.at(-1));
    }
  });

  /** Where the data of the message that completes the job ends. */
  function lastWordEnd(body: string): number {
    const start = Math.max(body.indexOf('"process_completed"'), body.indexOf('event: complete'));
    return body.indexOf('\n\n', start);
  }
});

/** The bytes of a queue stream of these messages. */
const frames = (...messages: object[]) => messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join('');
const id = 'event-1';
const completed = (data: unknown) => ({ msg: 'process_completed', event_id: id, success: true, output: { data } });
const generating = (data: unknown) => ({ msg: 'process_generating', event_id: id, success: true, output: { data } });

/** The echo endpoint of 6.31 with a stream of one's own. */
async function queueSays(
  body: string,
  more: Partial<Order> = {},
  config: Record<string, unknown> = {},
  delivery?: Delivery,
) {
  const recording: Recording = {
    ...six,
    apps: { suite: { ...six.apps['suite']!, config: { ...six.apps['suite']!.config, ...config } } },
  };
  const exchange: Exchange = {
    app: 'suite',
    order: { endpoint: 'echo' },
    way: 'queue',
    responses: [
      {
        method: 'POST',
        path: '/suite/gradio_api/queue/join',
        status: 200,
        type: 'application/json',
        body: JSON.stringify({ event_id: id }),
      },
      { method: 'GET', path: '/suite/gradio_api/queue/data', status: 200, type: 'text/event-stream', body },
    ],
    outcome: { shown: '' },
  };
  const sent = serve(recording, exchange, delivery);
  return { answer: await call(exchange, more), sent };
}

describe('what a queue may say', () => {
  test.each<[string, string, { text?: string; facts?: object; shown?: string }]>([
    ['full outputs at the end win', frames(generating(['a']), completed(['b'])), { text: 'b' }],
    [
      'frames of another event are not ours',
      frames({ ...completed(['x']), event_id: 'other' }, completed(['b'])),
      { text: 'b' },
    ],
    ['an empty edit list', frames(generating(['a']), generating([[]]), completed(['a'])), { text: 'a' }],
    [
      'a diff that does not fit',
      frames(generating(['a']), generating([[['delete', [9], null]]]), completed(['ab'])),
      { text: 'ab' },
    ],
    [
      'streaming without diffs',
      frames(
        { ...generating(['a']), msg: 'process_streaming' },
        { ...generating(['b']), msg: 'process_streaming' },
        completed(['b']),
      ),
      { text: 'b' },
    ],
    [
      'heartbeats and unknown messages',
      frames({ msg: 'heartbeat', event_id: null }, { msg: 'news_of_7', event_id: id }, completed(['a'])),
      { text: 'a' },
    ],
    [
      'a cancelled job is no success',
      frames(generating(['a']), { ...completed([]), output: {} }),
      { facts: { kind: 'app', message: expect.stringContaining('cancelled') }, shown: 'a' },
    ],
    [
      'no data at all',
      frames({ ...completed([]), output: null }),
      { facts: { kind: 'app', message: expect.stringContaining('cancelled') } },
    ],
    [
      'an error with success true',
      frames({ ...completed([]), output: { error: 'odd' } }),
      { facts: { kind: 'app', message: 'odd' } },
    ],
    [
      'an error that is no text',
      frames({ ...completed([]), success: false, output: { error: { a: 1 } } }),
      { facts: { kind: 'app', message: '{"a":1}' } },
    ],
    [
      'an error while generating',
      frames(generating(['a']), { ...generating([]), success: false, output: { error: "'late'" } }),
      { facts: { kind: 'app', message: 'late' }, shown: 'a' },
    ],
    ['an error without output', frames({ ...completed([]), success: false, output: null }), { facts: { kind: 'app' } }],
    [
      'the default title says nothing',
      frames({ ...completed([]), success: false, output: { error: 'no', title: 'Error' } }),
      { facts: { kind: 'app', message: 'no' } },
    ],
    [
      'an unknown session (5, 6)',
      frames({ msg: 'unexpected_error', message: '404: Not Found', session_not_found: true, success: false }),
      { facts: { kind: 'cut', message: expect.stringContaining('no longer knows') } },
    ],
    [
      'an unknown session (4.44)',
      frames({ msg: 'unexpected_error', message: '404: Session not found.', success: false }),
      { facts: { kind: 'cut', message: expect.stringContaining('no longer knows') } },
    ],
    [
      'the server stops',
      frames(generating(['a']), { msg: 'unexpected_error', message: 'Server stopped unexpectedly.', success: false }),
      { facts: { kind: 'cut', message: 'Server stopped unexpectedly.' }, shown: 'a' },
    ],
    [
      'an old queue that is full',
      frames({ msg: 'queue_full' }),
      { facts: { kind: 'http', status: 503, headers: {}, body: '{"detail":"Queue is full."}' } },
    ],
    [
      'the stream closes early',
      frames(generating(['a']), { msg: 'close_stream', event_id: null }),
      { facts: { kind: 'cut', message: expect.any(String) }, shown: 'a' },
    ],
    ['nothing', '', { facts: { kind: 'cut', message: expect.any(String) } }],
    [
      'not JSON, then more',
      'data: {oops\n\n' + frames(completed(['a'])),
      { facts: { kind: 'protocol', message: expect.any(String), body: '{oops' } },
    ],
    [
      'JSON that is no message',
      'data: [1]\n\n',
      { facts: { kind: 'protocol', message: expect.any(String), body: '[1]' } },
    ],
    [
      'NaN',
      `data: {"msg":"process_completed","event_id":"${id}","success":true,"output":{"data":["a", NaN]}}\n\n`,
      { text: 'a' },
    ],
    [
      'carriage returns and no space',
      frames(completed(['a']))
        .replace('data: ', 'data:')
        .replaceAll('\n', '\r\n'),
      { text: 'a' },
    ],
    ['no blank line at the end', frames(completed(['a'])).trimEnd(), { text: 'a' }],
    [
      'lone surrogates',
      `data: {"msg":"process_completed","event_id":"${id}","success":true,"output":{"data":["\\ud83d"]}}\n\n`,
      { text: '\ud83d' },
    ],
  ])('%s', async (_, body, expected) => {
    const { answer } = await queueSays(body);
    expect({
      facts: answer.facts,
      text: 'result' in answer ? answer.result.text : undefined,
      shown: answer.shown,
    }).toEqual({
      facts: expected.facts,
      text: expected.text,
      shown: expected.shown ?? expected.text ?? '',
    });
  });

  test('what comes after the last word, a broken connection included, does not matter', async () => {
    const { answer } = await queueSays(frames(completed(['a'])), {}, {}, (bytes) => ({
      pieces: [bytes],
      breaks: true,
    }));
    expect(answer).toMatchObject({ ok: true, result: { text: 'a' } });
    const lost = frames({ msg: 'unexpected_error', message: '404: Not Found', session_not_found: true });
    const { answer: failed } = await queueSays(lost, {}, {}, (bytes) => ({ pieces: [bytes], breaks: true }));
    expect(failed.facts).toMatchObject({ kind: 'cut', message: expect.stringContaining('no longer knows') });
  });

  test('an HTML page instead of the stream', async () => {
    serve(six, find('echo'), atOnce, ({ path }) =>
      path.endsWith('/queue/data')
        ? new Response('<html>Starting</html>', { headers: { 'content-type': 'text/html' } })
        : undefined,
    );
    expect((await call(find('echo'))).facts).toMatchObject({ kind: 'protocol', body: '<html>Starting</html>' });
  });

  test('a chunk without end is refused at the limit', async () => {
    const { answer } = await queueSays('', { maxReplyBytes: 100_000 }, {}, () => ({
      pieces: Array.from({ length: 1000 }, () => encoder.encode(`data: ${'x'.repeat(1000)}`)),
    }));
    expect(answer.facts).toMatchObject({ kind: 'too-large' });
  });

  test('a frame of 2 MB', async () => {
    const text = '日本 '.repeat(300_000);
    const { answer } = await queueSays(frames(completed([text])), {}, {}, recut(7));
    expect(answer).toMatchObject({ ok: true });
    expect(answer.shown === text).toBe(true);
  });

  test.each([
    ['sse_v1', [generating(['a']), generating(['ab']), completed(['ab'])]],
    ['sse_v2', [generating(['a']), generating([[['append', [], 'b']]]), completed(['ab'])]],
    ['sse_v2.1', [generating(['a']), generating([[['append', [], 'b']]]), completed(['ab'])]],
  ])('protocol %s', async (protocol, messages) => {
    const { answer } = await queueSays(frames(...messages), {}, { protocol });
    expect(answer.parts).toEqual([
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ]);
  });
});

describe('what is sent', () => {
  test('below the base, whatever root says; the token nowhere else and in no address', async () => {
    const { sent } = await queueSays(
      frames(completed(['a'])),
      { token: 'hf_secretsecret' },
      { root: 'https://evil.example/suite' },
    );
    expect(sent.map(({ url }) => new URL(url).origin)).toEqual(sent.map(() => host));
    expect(sent.every(({ authorization }) => authorization === 'Bearer hf_secretsecret')).toBe(true);
    expect(sent.map(({ url }) => url).join()).not.toContain('secret');
  });

  test('one session per call, one entry per input', async () => {
    const sessions = new Set<unknown>();
    for (let round = 0; round < 5; round += 1) {
      const sent = serve(six, find('count'));
      await call(find('count'));
      const join = sent.find(({ path }) => path.endsWith('/queue/join'))!;
      expect(join.body).toMatchObject({ data: ['hello', null], event_data: null, trigger_id: null });
      const data = sent.find(({ path }) => path.endsWith('/queue/data'))!;
      expect(new URL(data.url).searchParams.get('session_hash')).toBe(join.body!['session_hash']);
      expect(join.body!['session_hash']).toMatch(/^[0-9a-z]{12}$/);
      sessions.add(join.body!['session_hash']);
    }
    expect(sessions.size).toBe(5);
  });

  test('/info is asked only when there is a choice, and its failure does not matter', async () => {
    const one = serve(six, find('echo'));
    await call(find('echo'));
    expect(one.some(({ path }) => path.endsWith('/info'))).toBe(false);
    const many = serve(six, find('many'), atOnce, ({ path }) =>
      path.endsWith('/info') ? new Response('no', { status: 500 }) : undefined,
    );
    expect(await call(find('many'))).toMatchObject({ ok: true, result: { text: 'hello|warm|long|50|True|7|END' } });
    expect(many.some(({ path }) => path.endsWith('/info'))).toBe(true);
  });
});

describe('start errors', () => {
  test.each<[number, string, object]>([
    [503, '{"detail":"Queue is full. Max size is 10 and size is 10."}', {}],
    [422, '{"detail":[{"loc":["body","data"],"msg":"field required"}]}', {}],
    [401, '{"detail":{"error":"Not authenticated","auth_message":null}}', {}],
    [429, 'slow down', {}],
    [500, '<html>oops</html>', {}],
  ])('%d', async (status, body) => {
    const sent = serve(six, find('echo'), atOnce, ({ path }) =>
      path.endsWith('/queue/join') ? new Response(body, { status }) : undefined,
    );
    expect((await call(find('echo'))).facts).toMatchObject({ kind: 'http', status, body });
    // Only a queue that is not there sends us the other way round.
    expect(sent.some(({ path }) => path.includes('/call/'))).toBe(false);
  });

  test.each([404, 405])('%d: /call instead; and when that is missing too, what the queue said', async (status) => {
    const exchange = find('echo', '/call');
    serve(six, exchange, atOnce, ({ path }) => (path.includes('/queue/') ? new Response('', { status }) : undefined));
    expect(await call(exchange)).toMatchObject({ ok: true, result: { via: '/call', text: 'You said: hello there' } });
    serve(six, exchange, atOnce, ({ path }) =>
      path.includes('/queue/')
        ? new Response('queue', { status })
        : path.includes('/call/')
          ? new Response('call', { status: 404 })
          : undefined,
    );
    expect((await call(exchange)).facts).toMatchObject({ kind: 'http', status, body: 'queue' });
  });

  test('the network fails: no way round', async () => {
    const sent = serve(six, find('echo'), atOnce, ({ path }) =>
      path.endsWith('/queue/join') ? Promise.reject(new TypeError('Failed to fetch')) : undefined,
    );
    expect((await call(find('echo'))).facts).toMatchObject({ kind: 'network' });
    expect(sent.some(({ path }) => path.includes('/call/'))).toBe(false);
  });

  test('a protocol of the future: /call', async () => {
    const recording: Recording = {
      ...six,
      apps: { suite: { ...six.apps['suite']!, config: { ...six.apps['suite']!.config, protocol: 'sse_v9' } } },
    };
    const sent = serve(recording, find('echo', '/call'));
    expect(await call(find('echo', '/call'))).toMatchObject({ ok: true, result: { via: '/call' } });
    expect(sent.some(({ path }) => path.includes('/queue/'))).toBe(false);
  });

  test.each<[string, Record<string, unknown>, RegExp, object]>([
    ['3.50', { version: '3.50.2', protocol: 'ws' }, /Gradio 3\.50\.2.*sdk_version to 4\.44\.1/, { kind: 'protocol' }],
    ['4.0', { version: '4.0.2', protocol: 'sse' }, /Gradio 4\.0\.2.*sdk_version/, { kind: 'protocol' }],
    ['a login', { auth_required: true }, /login page/, { kind: 'http', status: 401 }],
  ])('%s is refused with what to do', async (_, config, message, facts) => {
    const { answer, sent } = await queueSays('', {}, config);
    expect(answer.facts).toMatchObject(facts);
    expect((answer.facts as { message: string }).message).toMatch(message);
    expect(sent.length).toBe(1);
  });
});

describe('what /call may say', () => {
  const says = async (body: string) => {
    const recorded = find('echo', '/call');
    const responses = recorded.responses.map((response) =>
      response.method === 'GET' ? { ...response, body } : response,
    );
    serve(six, { ...recorded, responses });
    const answer = await call(recorded);
    return { text: 'result' in answer ? answer.result.text : undefined, facts: answer.facts, shown: answer.shown };
  };
  test.each<[string, string, object]>([
    ['complete', 'event: complete\ndata: ["a"]\n\n', { text: 'a' }],
    ['NaN', 'event: generating\ndata: ["a", NaN]\n\nevent: complete\ndata: ["ab", -Infinity]\n\n', { text: 'ab' }],
    ['heartbeats', 'event: heartbeat\ndata: null\n\nevent: complete\ndata: ["a"]\n\n', { text: 'a' }],
    ['an error of 6.12 and before', 'event: error\ndata: null\n\n', { facts: { kind: 'app' } }],
    ['a hidden error', 'event: error\ndata: {"error": null, "title": "Error"}\n\n', { facts: { kind: 'app' } }],
    [
      'an error',
      'event: error\ndata: {"error": "no", "title": "Sorry"}\n\n',
      { facts: { kind: 'app', message: 'no', title: 'Sorry' } },
    ],
    [
      'the server',
      'event: error\ndata: "Server stopped unexpectedly."\n\n',
      { facts: { kind: 'cut', message: 'Server stopped unexpectedly.' } },
    ],
    [
      'an unknown event',
      'event: error\ndata: "404: Not Found"\n\n',
      { facts: { kind: 'cut', message: expect.stringContaining('no longer knows') } },
    ],
    [
      'cancelled',
      'event: complete\ndata: null\n\n',
      { facts: { kind: 'app', message: expect.stringContaining('cancelled') } },
    ],
    [
      'cut',
      'event: generating\ndata: ["a"]\n\nevent: comp',
      { facts: { kind: 'cut', message: expect.any(String) }, shown: 'a' },
    ],
    [
      'broken',
      'event: generating\ndata: ["a\n\nevent: complete\ndata: ["a"]\n\n',
      { facts: { kind: 'protocol', message: expect.any(String), body: '["a' } },
    ],
  ])('%s', async (_, body, expected) => {
    expect(await says(body)).toMatchObject(expected);
  });
});

describe('leaving', () => {
  const cancels = (sent: Sent[]) => sent.filter(({ path }) => path.endsWith('/cancel'));
  const settle = () => new Promise((resolve) => setTimeout(resolve, 1300));

  test('an abort cancels the job at the server, once, with a request that outlives the page', async () => {
    const exchange = find('unicode');
    const sent = serve(six, exchange, recut(3));
    const answer = await call(exchange, { abortAfterParts: 2, token: 'hf_secretsecret' });
    expect(answer).toMatchObject({ ok: false, facts: { kind: 'abort' } });
    expect(answer.parts.length).toBe(2);
    await settle();
    const join = sent.find(({ path }) => path.endsWith('/queue/join'))!;
    expect(cancels(sent)).toHaveLength(1);
    expect(cancels(sent)[0]).toMatchObject({
      keepalive: true,
      authorization: 'Bearer hf_secretsecret',
      body: {
        session_hash: join.body!['session_hash'],
        fn_index: join.body!['fn_index'],
        event_id: (JSON.parse(exchange.responses[0]!.body) as { event_id: string }).event_id,
      },
    });
  });

  test('an abort before the server answered: the caller leaves at once, the job is cancelled when the answer is there', async () => {
    let release = (_: Response) => {};
    const late = new Promise<Response>((resolve) => (release = resolve));
    const sent = serve(six, find('echo'), atOnce, ({ path }) =>
      path.endsWith('/queue/join')
        ? late
        : path.endsWith('/queue/data')
          ? new Response(frames({ msg: 'estimation', event_id: id, rank: 3 }), {
              headers: { 'content-type': 'text/event-stream' },
            })
          : undefined,
    );
    const answer = await call(find('echo'), { abortOnRequest: '/queue/join' });
    expect(answer.facts).toEqual({ kind: 'abort' });
    expect(cancels(sent)).toHaveLength(0);
    release(Response.json({ event_id: id }));
    await settle();
    // 4 and 5 drop a waiting job only when its reader leaves, so there must have been one.
    expect(sent.slice(-2).map(({ path }) => path)).toEqual(['/gradio_api/queue/data', '/gradio_api/cancel']);
    expect(cancels(sent)[0]!.body).toMatchObject({ event_id: id });
  });

  test('nothing is cancelled that has ended', async () => {
    for (const endpoint of ['echo', 'fail']) {
      const sent = serve(six, find(endpoint));
      await call(find(endpoint));
      await settle();
      expect(cancels(sent)).toHaveLength(0);
    }
  });

  test('a cancel that fails troubles nobody', async () => {
    const exchange = find('unicode');
    serve(six, exchange, recut(3), ({ path }) =>
      path.endsWith('/cancel') ? Promise.reject(new TypeError('Failed to fetch')) : undefined,
    );
    expect((await call(exchange, { abortAfterParts: 2 })).facts).toEqual({ kind: 'abort' });
    await settle();
  });
});
