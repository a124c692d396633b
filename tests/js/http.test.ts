/** The one way to the network: where tokens go, what ends a wait, what bounds a body, what a failure carries. */
import { afterEach, describe, expect, test } from '@jest/globals';

import { systemClock } from '../../js/clock.ts';
import { Http, type CallInit, type HttpOptions } from '../../js/http.ts';
import { CallFailure } from '../../js/transports/call-failure.ts';
import { startFaultServer } from '../servers/model-servers.mjs';
import { bodyOf, listen } from '../servers/loopback.mjs';
import { FakeClock, settle } from './fake-clock.ts';

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});
const fault = async (what: Parameters<typeof startFaultServer>[0]) => {
  const server = await startFaultServer(what);
  open.push(server);
  return server;
};
const http = (more: Partial<HttpOptions> = {}) =>
  new Http({
    fetch,
    clock: systemClock,
    token: undefined,
    mayReceiveToken: () => true,
    credentials: 'omit',
    maxReplyBytes: 1024 * 1024,
    timeouts: { firstChunk: 5000, stall: 5000 },
    ...more,
  });
const signal = new AbortController().signal;
const failureOf = async (work: Promise<unknown>): Promise<CallFailure> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailure);
  return error as CallFailure;
};
const frames = (target: Http, url: string, init: Partial<CallInit> = {}) =>
  target.frames(url, { method: 'POST', json: {}, signal, ...init }, () => undefined);

describe('statuses', () => {
  test.each([401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529])(
    '%i is a failure with its facts',
    async (status) => {
      const { origin } = await fault({
        status,
        body: '{"error":"said"}',
        headers: { 'retry-after': '7', 'x-request-id': 'not a fact' },
      });
      const { facts } = await failureOf(frames(http(), origin));
      expect(facts).toEqual({
        kind: 'http',
        status,
        body: '{"error":"said"}',
        headers: { 'retry-after': '7', 'content-type': 'application/json' },
      });
    },
  );

  test('an error body is kept to 64 KiB', async () => {
    const { origin } = await fault({ status: 500, body: 'x'.repeat(200_000), type: 'text/plain' });
    const { facts } = await failureOf(http().text(origin, { signal }));
    expect(facts.body).toHaveLength(65536);
  });
});

describe('bodies', () => {
  test('HTML instead of JSON', async () => {
    const { origin } = await fault({ fault: 'html' });
    const { facts } = await failureOf(http().json(origin, { signal }));
    expect(facts).toMatchObject({ kind: 'protocol', headers: { 'content-type': 'text/html' } });
    expect(facts.body).toContain('Your Space');
  });

  test.each([
    ['huge', 'json'],
    ['endless', 'frames'],
  ] as const)('a %s reply is stopped at the limit and the server is told', async (what, how) => {
    const server = await fault({ fault: what });
    const limited = http({ maxReplyBytes: 300_000 });
    const { facts } = await failureOf(
      how === 'json' ? limited.json(server.origin, { signal }) : frames(limited, server.origin),
    );
    expect(facts.kind).toBe('too-large');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.cut()).toBe(1);
    expect(server.sent()).toBeLessThan(64 * 1024 * 1024);
  });

  test('a connection cut in the middle', async () => {
    const { origin } = await fault({ fault: 'cut', at: 50 });
    expect((await failureOf(frames(http(), origin))).facts.kind).toBe('cut');
  });

  test('a redirect is reported, never followed', async () => {
    let reached = 0;
    const other = await listen((_request, response) => void ((reached += 1), response.end('{}')));
    open.push(other);
    for (const status of [301, 302, 303, 307, 308]) {
      const { origin } = await fault({ fault: 'redirect', to: other.origin, status });
      const { facts } = await failureOf(frames(http({ token: 'hf_secretsecret' }), origin));
      expect(facts).toMatchObject({ kind: 'redirect' });
    }
    expect(reached).toBe(0);
  });

  test('nobody there', async () => {
    const { origin, close } = await listen(() => undefined);
    await close();
    expect((await failureOf(frames(http(), origin))).facts.kind).toBe('network');
  });

  test('what the caller throws on a frame comes out as it is', async () => {
    const bug = new RangeError('a bug of ours');
    const body = 'data: 1\n\ndata: 2\n\n';
    const given = (async () =>
      new Response(body, { headers: { 'content-type': 'text/event-stream' } })) as typeof fetch;
    await expect(
      http({ fetch: given }).frames('https://x.test/', { signal }, () => {
        throw bug;
      }),
    ).rejects.toBe(bug);
  });
});

describe('frames', () => {
  const read = async (body: string, type: string, size: number): Promise<[string | undefined, string][]> => {
    const bytes = new TextEncoder().encode(body);
    const given = (async () =>
      new Response(
        new ReadableStream({
          start(controller) {
            for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
            controller.close();
          },
        }),
        { headers: { 'content-type': type } },
      )) as typeof fetch;
    const heard: [string | undefined, string][] = [];
    await http({ fetch: given }).frames(
      'https://x.test/',
      { signal },
      ({ event, data }) => void heard.push([event, data]),
    );
    return heard;
  };
  const sse = 'text/event-stream; charset=utf-8';
  test.each([
    [
      'data: with and without a space',
      'data: a\n\ndata:b\n\n',
      sse,
      [
        [undefined, 'a'],
        [undefined, 'b'],
      ],
    ],
    [
      'CRLF',
      'data: a\r\n\r\ndata: b\r\n\r\n',
      sse,
      [
        [undefined, 'a'],
        [undefined, 'b'],
      ],
    ],
    [
      'CR alone',
      'data: a\r\rdata: b\r\r',
      sse,
      [
        [undefined, 'a'],
        [undefined, 'b'],
      ],
    ],
    ['several lines', 'data: a\ndata: b\n\n', sse, [[undefined, 'a\nb']]],
    ['comments and names', ': ping\n\nevent: end\ndata: a\n\n', sse, [['end', 'a']]],
    [
      'a last frame without its blank line',
      'data: a\n\ndata: b',
      sse,
      [
        [undefined, 'a'],
        [undefined, 'b'],
      ],
    ],
    ['the field named error', 'error: {"code":500}\n\n', sse, [['error', '{"code":500}']]],
    [
      'more than one byte a character',
      'data: \u65e5\u672c \u{1F600}\n\n',
      sse,
      [[undefined, '\u65e5\u672c \u{1F600}']],
    ],
    [
      'lines of JSON',
      '{"a":1}\n\n{"b":"\u65e5"}\r\n{"c":3}',
      'application/x-ndjson',
      [
        [undefined, '{"a":1}'],
        [undefined, '{"b":"\u65e5"}'],
        [undefined, '{"c":3}'],
      ],
    ],
    ['one body', '{"a":1}', 'application/json', [['body', '{"a":1}']]],
  ])('%s', async (_name, body, type, expected) => {
    for (const size of [1, 2, 3, 7, 1000]) expect(await read(body, type, size)).toEqual(expected);
  });
});

describe('waits', () => {
  test.each([
    ['slow-headers', { firstChunk: 80, stall: 5000 }, 'first-chunk'],
    ['stall', { firstChunk: 5000, stall: 80 }, 'stall'],
    ['stall', { firstChunk: 80, stall: 80 }, 'stall'],
  ] as const)('%s with %j ends in the %s timeout', async (what, timeouts, phase) => {
    const server = await fault({ fault: what });
    const began = Date.now();
    const { facts } = await failureOf(frames(http({ timeouts }), server.origin));
    expect(facts).toEqual({ kind: 'timeout', phase });
    expect(Date.now() - began).toBeLessThan(1500);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.cut()).toBe(1);
  });

  test.each(['slow-headers', 'stall'] as const)('an abort ends %s at once', async (what) => {
    const { origin } = await fault({ fault: what });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    expect((await failureOf(frames(http(), origin, { signal: controller.signal }))).facts).toEqual({ kind: 'abort' });
  });

  test('a total timeout comes as the reason of the signal', async () => {
    const { origin } = await fault({ fault: 'stall' });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new CallFailure({ kind: 'timeout', phase: 'total' })), 50);
    expect((await failureOf(frames(http(), origin, { signal: controller.signal }))).facts).toEqual({
      kind: 'timeout',
      phase: 'total',
    });
  });

  test.each(['before the headers', 'in the body'])('a fetch that knows no signals is left %s', async (where) => {
    const clock = new FakeClock();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: a\n\n')),
    });
    const given = (() =>
      where === 'in the body'
        ? Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
        : new Promise(() => undefined)) as typeof fetch;
    const work = failureOf(
      frames(http({ fetch: given, clock, timeouts: { firstChunk: 1000, stall: 400 } }), 'https://x.test/'),
    );
    await clock.advance(1100);
    expect((await work).facts).toEqual({ kind: 'timeout', phase: where === 'in the body' ? 'stall' : 'first-chunk' });
    expect(clock.pending).toBe(0);
  });

  test('pings keep a stream alive, and progress gives the first part its time again', async () => {
    const clock = new FakeClock();
    let push: (text: string) => void = () => undefined;
    const body = new ReadableStream({
      start: (controller) => {
        push = (text) => controller.enqueue(new TextEncoder().encode(text));
      },
    });
    const given = (async () =>
      new Response(body, { headers: { 'content-type': 'text/event-stream' } })) as typeof fetch;
    const work = failureOf(
      http({ fetch: given, clock, timeouts: { firstChunk: 1000, stall: 300 } }).frames(
        'https://x.test/',
        { signal },
        ({ data }, progress) => void (data === 'queue' && progress()),
      ),
    );
    await settle();
    for (let i = 0; i < 10; i += 1) {
      push(': ping\n\n');
      await clock.advance(250);
    }
    push('data: queue\n\n');
    await clock.advance(900);
    push('data: done\n\n');
    await clock.advance(250);
    let over = false;
    void work.then(() => {
      over = true;
    });
    await settle();
    expect(over).toBe(false);
    await clock.advance(100);
    expect((await work).facts).toEqual({ kind: 'timeout', phase: 'stall' });
  });
});

describe('tokens', () => {
  const echo = async () => {
    const seen: (string | undefined)[] = [];
    const server = await listen(async (request, response) => {
      await bodyOf(request);
      seen.push(request.headers.authorization);
      response
        .writeHead(request.url === '/fail' ? 500 : 200, { 'content-type': 'application/json' })
        .end(request.url === '/fail' ? `{"error":"no ${String(request.headers.authorization)}"}` : '{}');
    });
    open.push(server);
    return { ...server, seen };
  };

  test.each([
    ['a literal', 'hf_abcdefgh', 'Bearer hf_abcdefgh'],
    ['with Bearer in front', 'Bearer hf_abcdefgh', 'Bearer hf_abcdefgh'],
    ['with blanks around', '  hf_abcdefgh\n', 'Bearer hf_abcdefgh'],
    ['from a function', async () => 'hf_fresh', 'Bearer hf_fresh'],
    ['none from a function', () => undefined, undefined],
    ['empty', () => '', undefined],
  ] as const)('%s', async (_name, token, expected) => {
    const { origin, seen } = await echo();
    await http({ token }).json(origin, { signal });
    expect(seen).toEqual([expected]);
  });

  test('go only where they may, and not at all without', async () => {
    const [mine, other] = [await echo(), await echo()];
    const target = http({ token: 'hf_abcdefgh', mayReceiveToken: (origin) => origin === mine.origin });
    await target.json(mine.origin, { signal });
    await target.json(other.origin, { signal });
    await target.withoutToken().json(mine.origin, { signal });
    expect(mine.seen).toEqual(['Bearer hf_abcdefgh', undefined]);
    expect(other.seen).toEqual([undefined]);
    expect([
      target.holdsTokenFor(mine.origin),
      target.holdsTokenFor(other.origin),
      target.withoutToken().holdsTokenFor(mine.origin),
    ]).toEqual([true, false, false]);
  });

  test('are cut out of what a server says', async () => {
    const { origin } = await echo();
    for (const token of ['hf_abcdefgh', 'a-key-of-no-known-shape']) {
      const failure = await failureOf(http({ token }).json(`${origin}/fail`, { signal }));
      expect(JSON.stringify(failure.facts)).not.toContain(token);
    }
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('signed out hf_abcdefghij');
      },
      'signed out',
    ],
    ['rejects', () => Promise.reject(new Error('signed out')), 'signed out'],
    ['gives a line break', () => 'hf_abc\ndef', 'characters'],
  ])('a function that %s fails the call without a request', async (_name, token, said) => {
    const { origin, seen } = await echo();
    const { facts } = await failureOf(http({ token: token as () => string }).json(origin, { signal }));
    expect(facts).toMatchObject({ kind: 'token' });
    expect(facts.message).toContain(said);
    expect(facts.message).not.toContain('hf_abc');
    expect(seen).toEqual([]);
  });

  test('a function that never answers ends with the call', async () => {
    const { origin } = await echo();
    const { facts } = await failureOf(
      http({ token: () => new Promise(() => undefined), timeouts: { firstChunk: 60, stall: 60 } }).json(origin, {
        signal,
      }),
    );
    expect(facts).toEqual({ kind: 'timeout', phase: 'first-chunk' });
  });

  test('a visit takes none along and reports nothing', async () => {
    const { origin, seen } = await echo();
    http({ token: 'hf_abcdefgh' }).visit(origin);
    http({ token: 'hf_abcdefgh' }).visit('http://127.0.0.1:9/');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(seen).toEqual([undefined]);
  });
});
