/** Delivery of usage against a real server on loopback: each answer it can give, and what becomes of each row. */
import { afterEach, describe, expect, test } from '@jest/globals';

// @ts-expect-error It has no types.
import { usageBackend } from '../servers/usage-backend.mjs';
import { settle } from './fake-clock.ts';
import { closeDeliveries, delivery, event } from './usage-bench.ts';

type Backend = {
  url: string;
  stored: Map<string, Record<string, unknown>>;
  times: Map<string, number>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  requests: { path: string; rows: any[]; sentAt: number; headers: Record<string, string>; bytes: number }[];
  answer: ((request: { rows: { eventId: string }[]; path: string }) => unknown) | undefined;
  close(): Promise<void>;
};
const servers: Backend[] = [];
async function backend(options = {}): Promise<Backend> {
  const server = (await usageBackend(options)) as Backend;
  servers.push(server);
  return server;
}
afterEach(async () => {
  await closeDeliveries();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const token = () => 'session';
const many = (count: number, more = {}) => Array.from({ length: count }, () => event(more));

describe('what goes out', () => {
  test('rows in order, in batches of 250, compressed, with the token, the company and the page time', async () => {
    const server = await backend({ token: 'session' });
    const {
      record,
      delivery: sending,
      waiting,
      clock,
    } = await delivery({
      backend: { url: `${server.url}/`, token, company: 'c1' },
    });
    const ids = await record(...many(600));
    expect((await waiting()).sort()).toEqual(ids.slice().sort());
    await sending.send();
    expect(server.requests.map(({ path, rows }) => [path, rows.length])).toEqual([
      ['/functions/v1/usage', 250],
      ['/functions/v1/usage', 250],
      ['/functions/v1/usage', 100],
    ]);
    expect(server.requests[0]!.headers).toMatchObject({
      authorization: 'Bearer session',
      'x-tierwise-company': 'c1',
      'content-encoding': 'gzip',
      'content-type': 'application/json',
    });
    expect(server.requests[0]!.sentAt).toBe(clock.now());
    expect([...server.stored.keys()].sort()).toEqual(ids.slice().sort());
    expect(await waiting()).toEqual([]);
    // Undefined fields are left out; the rest is as it was recorded.
    expect(server.stored.get(ids[0]!)).toEqual(JSON.parse(JSON.stringify(event({ eventId: ids[0]! }))));
  });

  test('by size: no body is larger than 1 MB', async () => {
    const server = await backend();
    const { record, delivery: sending } = await delivery({ backend: { url: server.url, token } });
    const ids = await record(...many(30, { contextLabel: 'ä'.repeat(30_000) }));
    await sending.send();
    expect(Math.max(...server.requests.map(({ bytes }) => bytes))).toBeLessThan(1_000_000);
    expect(server.requests.length).toBeGreaterThan(1);
    expect(server.stored.size).toBe(ids.length);
  });

  test('by time: 5 s after the first; a second one does not put it off', async () => {
    const server = await backend();
    const { record, clock } = await delivery({ backend: { url: server.url, token } });
    await clock.advance(1100);
    await record(event());
    await clock.advance(4000);
    await record(event());
    expect(server.requests).toEqual([]);
    await clock.advance(1001);
    for (let i = 0; i < 100 && server.stored.size < 2; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(server.requests.map(({ rows }) => rows.length)).toEqual([2]);
  });

  test('feedback goes to its own function', async () => {
    const server = await backend();
    const { delivery: sending, clock } = await delivery({ backend: { url: server.url, token } });
    const given = { eventId: 'f1', replyId: 'r', interactionId: 'i', verdict: 'down' as const, comment: 'No', at: 5 };
    await sending.recordFeedback(given, '["","u"]');
    await sending.send();
    expect(server.requests.map(({ path, rows, sentAt }) => [path, rows, sentAt])).toEqual([
      ['/functions/v1/feedback', [given], clock.now()],
    ]);
  });
});

describe('an answer and what becomes of the rows', () => {
  const html = { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html><p>Welcome' };
  test.each<[string, object | string, string]>([
    ['500', { status: 500 }, 'answered 500'],
    ['502 with HTML', { ...html, status: 502 }, 'answered 502'],
    ['200 with HTML', html, 'answered 200 without verdicts'],
    ['200 with no body', { status: 200 }, 'answered 200 without verdicts'],
    ['200 with no verdicts', { status: 200, body: '{"now":1}' }, 'answered 200 without verdicts'],
    ['200 with verdicts on others', { body: '{"verdicts":[{"eventId":"x","verdict":"stored"}]}' }, 'without verdicts'],
    ['200 with verdicts nobody knows', { body: '{"verdicts":[{"verdict":"fine"},null,7]}' }, 'without verdicts'],
    ['404', { status: 404 }, 'answered 404'],
    ['401', { status: 401 }, 'answered 401'],
    ['403', { status: 403 }, 'answered 403'],
    ['409', { status: 409 }, 'answered 409'],
    ['a redirect', { status: 307, headers: { location: '/elsewhere' } }, ''],
    ['a broken connection', 'reset', ''],
  ])('%s: kept, sent again, stored once', async (_what, answer, warned) => {
    const server = await backend();
    server.answer = () => answer;
    const {
      record,
      delivery: sending,
      waiting,
      warnings,
    } = await delivery({
      backend: { url: server.url, token },
    });
    const ids = await record(...many(3));
    await sending.send();
    expect((await waiting()).sort()).toEqual(ids);
    expect(warnings.map(({ code, message }) => code + message).join()).toContain(warned);
    expect(warnings).toHaveLength(warned === '' ? 0 : 1);
    server.answer = undefined;
    await sending.send();
    expect([...server.stored.keys()].sort()).toEqual(ids);
    expect(await waiting()).toEqual([]);
  });

  test('some rows refused: those leave too, and that is told', async () => {
    const server = await backend();
    const { record, delivery: sending, waiting, warnings } = await delivery({ backend: { url: server.url, token } });
    const good = many(5);
    const bad = many(2, { contextLabel: 'poison' });
    await record(...good.slice(0, 2), ...bad, ...good.slice(2));
    await sending.send();
    expect(server.stored.size).toBe(5);
    expect(await waiting()).toEqual([]);
    expect(warnings).toEqual([
      {
        code: 'usage-refused',
        message: 'The usage backend refused 2 rows for good: invalid-field. It holds poison.',
        cause: { eventIds: bad.map(({ eventId }) => eventId) },
      },
    ]);
  });

  test('verdicts for some rows only: the others are sent again', async () => {
    const server = await backend();
    let first = true;
    server.answer = ({ rows }) => {
      if (!first) return undefined;
      first = false;
      return { body: JSON.stringify({ verdicts: [{ eventId: rows[1]!.eventId, verdict: 'duplicate' }] }) };
    };
    const { record, delivery: sending, waiting } = await delivery({ backend: { url: server.url, token } });
    const ids = await record(...many(3));
    await sending.send();
    expect([...server.stored.keys()].sort()).toEqual([ids[0], ids[2]]);
    expect(await waiting()).toEqual([]);
  });

  test('an answer that was lost: sent again, stored once', async () => {
    const server = await backend();
    const {
      record,
      delivery: sending,
      waiting,
      clock,
    } = await delivery(
      {
        backend: { url: server.url, token },
      },
      {
        fetch: async (url, init) => {
          const answer = await fetch(url, init);
          if (server.requests.length === 1) throw new TypeError('network changed');
          return answer;
        },
      },
    );
    const ids = await record(...many(3));
    await sending.send();
    expect((await waiting()).sort()).toEqual(ids);
    await clock.advance(5000);
    await sending.send();
    expect([...server.times.values()]).toEqual([2, 2, 2]);
    expect(server.stored.size).toBe(3);
    expect(await waiting()).toEqual([]);
  });

  test('413: fewer at a time, all of them stored', async () => {
    const server = await backend();
    server.answer = ({ rows }) => (rows.length > 100 ? { status: 413 } : undefined);
    const { record, delivery: sending, waiting, warnings } = await delivery({ backend: { url: server.url, token } });
    await record(...many(450));
    await sending.send();
    expect(server.stored.size).toBe(450);
    expect([await waiting(), warnings]).toEqual([[], []]);
    // Once it is known what is too much, nothing too large is sent again.
    const sizes = server.requests.map(({ rows }) => rows.length);
    expect(sizes.filter((size) => size > 100)).toHaveLength(2);
  });

  test('413 for one large row alone: refused for good; the others are stored', async () => {
    const server = await backend();
    const { record, delivery: sending, waiting, warnings } = await delivery({ backend: { url: server.url, token } });
    await record(event(), event({ contextLabel: 'x'.repeat(2_000_000) }), event());
    await sending.send();
    expect(server.stored.size).toBe(2);
    expect(await waiting()).toEqual([]);
    expect(warnings.map(({ code, message }) => [code, message])).toEqual([
      ['usage-refused', 'The usage backend refused a row for good: too-large.'],
    ]);
  });

  test('415: the same rows, not compressed', async () => {
    const server = await backend();
    server.answer = (asked) =>
      'content-encoding' in (asked as never as { headers: object }).headers ? { status: 415 } : undefined;
    const { record, delivery: sending } = await delivery({ backend: { url: server.url, token } });
    await record(...many(10));
    await sending.send();
    await record(...many(10));
    await sending.send();
    expect(server.requests.map(({ headers }) => headers['content-encoding'])).toEqual(['gzip', undefined, undefined]);
    expect(server.stored.size).toBe(20);
  });

  test('429: nothing is sent before Retry-After is over, not even by flush', async () => {
    const server = await backend();
    server.answer = () => ({ status: 429, headers: { 'retry-after': '60' } });
    const { record, delivery: sending, clock } = await delivery({ backend: { url: server.url, token } });
    await record(event());
    await sending.send();
    server.answer = undefined;
    await sending.send();
    await clock.advance(59_000);
    await sending.send();
    expect(server.requests).toHaveLength(1);
    await clock.advance(1001);
    await sending.send();
    expect(server.stored.size).toBe(1);
  });

  test.each<[string, string, number]>([
    ['a date', new Date(1_800_000_030_000).toUTCString(), 30_000],
    ['no time', 'soon', 2000],
    ['more than an hour', '999999', 3_600_000],
    ['none', '0', 1000],
  ])('Retry-After as %s', async (_what, value, wait) => {
    const server = await backend();
    server.answer = () => ({ status: 503, headers: { 'retry-after': value } });
    const { record, delivery: sending, outbox, clock } = await delivery({ backend: { url: server.url, token } });
    await record(event());
    await sending.send();
    const [queue] = await outbox.queues();
    expect((await outbox.state(queue!))!.retryAt! - clock.now()).toBe(wait);
  });

  test('never an answer: 30 s, then again', async () => {
    const server = await backend();
    server.answer = () => 'never';
    const { record, delivery: sending, clock, waiting } = await delivery({ backend: { url: server.url, token } });
    const ids = await record(...many(2));
    const round = sending.send();
    for (let i = 0; i < 200 && server.requests.length === 0; i++) await settle();
    await clock.advance(30_001);
    await round;
    expect((await waiting()).sort()).toEqual(ids);
    server.answer = undefined;
    await sending.send();
    expect(server.stored.size).toBe(2);
  });

  test('400 because of one row: the others are stored, it goes behind them and hinders none that come', async () => {
    const server = await backend();
    const isBad = ({ rows }: { rows: { eventId: string }[] }) => JSON.stringify(rows).includes('bad-row');
    server.answer = (asked) => (isBad(asked) ? { status: 400 } : undefined);
    const { record, delivery: sending, clock, waiting } = await delivery({ backend: { url: server.url, token } });
    const bad = event({ contextLabel: 'bad-row' });
    await record(...many(20), bad, ...many(20));
    for (let i = 0; i < 12; i++) {
      await sending.send();
      await clock.advance(1000);
    }
    expect(server.stored.size).toBe(40);
    await record(...many(5));
    for (let i = 0; i < 3; i++) await sending.send();
    expect(server.stored.size).toBe(45);
    expect(await waiting()).toEqual([bad.eventId]);
    server.answer = undefined;
    await sending.send();
    expect(server.stored.size).toBe(46);
  });

  test('500 because of one row: the same', async () => {
    const server = await backend();
    server.answer = (asked) => (JSON.stringify(asked.rows).includes('bad-row') ? { status: 500 } : undefined);
    const { record, delivery: sending, clock, waiting } = await delivery({ backend: { url: server.url, token } });
    const bad = event({ contextLabel: 'bad-row' });
    await record(...many(3), bad, ...many(12));
    for (let i = 0; i < 30; i++) {
      await sending.send();
      await clock.advance(1000);
    }
    expect(server.stored.size).toBe(15);
    expect(await waiting()).toEqual([bad.eventId]);
  });
});

describe('the token', () => {
  test('is asked for again after a 401, once', async () => {
    const server = await backend({ token: 'new' });
    const given: string[] = [];
    const {
      record,
      delivery: sending,
      warnings,
    } = await delivery({
      backend: { url: server.url, token: () => (given.push('t'), given.length === 1 ? 'old' : 'new') },
    });
    await record(...many(2));
    await sending.send();
    expect([server.stored.size, given.length, warnings]).toEqual([2, 2, []]);
  });

  test.each<[string, () => string | undefined | Promise<string>]>([
    ['there is none', () => undefined],
    [
      'its function throws',
      () => {
        throw new Error('signed out');
      },
    ],
    ['its function rejects', () => Promise.reject(new Error('signed out'))],
  ])('where %s, events wait quietly', async (_what, source) => {
    const server = await backend();
    let signedIn = false;
    const {
      record,
      delivery: sending,
      waiting,
      warnings,
    } = await delivery({
      backend: { url: server.url, token: () => (signedIn ? 'session' : source()) },
    });
    const ids = await record(...many(2));
    await sending.send();
    expect([server.requests.length, (await waiting()).sort(), warnings]).toEqual([0, ids, []]);
    signedIn = true;
    await sending.send();
    expect(server.stored.size).toBe(2);
  });

  test('rows of one user are not sent while another is signed in', async () => {
    const server = await backend();
    const { record, delivery: sending, account, waiting } = await delivery({ backend: { url: server.url, token } });
    const first = await record(...many(2));
    account.user = 'v';
    const second = await record(event());
    await sending.send();
    expect([...server.stored.keys()]).toEqual(second);
    expect((await waiting()).sort()).toEqual(first);
    account.user = 'u';
    await sending.send();
    expect(server.stored.size).toBe(3);
  });

  test('nor when the user changes between the rows and the token', async () => {
    const server = await backend();
    const bench = await delivery({
      backend: { url: server.url, token: () => ((bench_account().user = 'v'), 'session of v') },
    });
    const bench_account = () => bench.account;
    const ids = await bench.record(...many(2));
    await bench.delivery.send();
    expect(server.requests).toEqual([]);
    expect((await bench.waiting()).sort()).toEqual(ids);
  });
});

describe('backoff', () => {
  test('doubles to 5 min, with jitter, and is forgotten after a success', async () => {
    const server = await backend();
    server.answer = () => ({ status: 503 });
    const {
      record,
      delivery: sending,
      outbox,
      clock,
    } = await delivery({ backend: { url: server.url, token } }, { random: () => 0.5 });
    await record(event());
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      await sending.send();
      const [queue] = await outbox.queues();
      waits.push((await outbox.state(queue!))!.retryAt! - clock.now());
    }
    expect(waits).toEqual([1500, 3000, 6000, 12_000, 24_000, 48_000, 96_000, 192_000, 225_000, 225_000]);
    const queue = (await outbox.queues())[0]!;
    server.answer = undefined;
    await sending.send();
    expect(server.stored.size).toBe(1);
    expect(await outbox.state(queue)).not.toHaveProperty('retryAt');
  });

  test('is shared by tabs and kept for the next visit', async () => {
    const server = await backend();
    server.answer = () => ({ status: 429, headers: { 'retry-after': '60' } });
    const first = await delivery({ backend: { url: server.url, token } });
    await first.record(event());
    await first.delivery.send();
    const second = await delivery(
      { backend: { url: server.url, token } },
      { outbox: first.outbox, clock: first.clock },
    );
    await second.delivery.send();
    expect(server.requests).toHaveLength(1);
  });

  test('of a clock that was set back is not waited for', async () => {
    const server = await backend();
    const { record, delivery: sending, outbox } = await delivery({ backend: { url: server.url, token } });
    await record(event());
    const [queue] = await outbox.queues();
    await outbox.setState({ queue: queue!, retryAt: 1_900_000_000_000, failures: 1, held: true });
    await sending.send();
    expect(server.stored.size).toBe(1);
  });
});

test('a server that is never reached is told after six failures, once', async () => {
  const {
    record,
    delivery: sending,
    warnings,
  } = await delivery(
    { backend: { url: 'https://b.test', token } },
    { fetch: () => Promise.reject(new TypeError('Failed to fetch')) },
  );
  await record(event());
  for (let i = 0; i < 5; i++) await sending.send();
  expect(warnings).toEqual([]);
  for (let i = 0; i < 5; i++) await sending.send();
  expect(warnings.map(({ code }) => code)).toEqual(['usage-not-sent']);
});

test('two senders without locks at once: each row is stored once', async () => {
  const server = await backend();
  const first = await delivery({ backend: { url: server.url, token } });
  const second = await delivery({ backend: { url: server.url, token } }, { outbox: first.outbox });
  await Promise.all([first.record(...many(700)), second.record(...many(700))]);
  await Promise.all([first.delivery.send(), second.delivery.send()]);
  expect(server.stored.size).toBe(1400);
  expect(await first.waiting()).toEqual([]);
});
