/** An outbox that is full: the oldest rows become daily totals, which count what they stand for, once. */
import { afterEach, describe, expect, test } from '@jest/globals';

import type { UsageEvent, UsageTotals } from '../../js/types.ts';
import { foldRows } from '../../js/usage/fold.ts';
import type { Row } from '../../js/usage/outbox.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { closeDeliveries, delivery, event, uuid } from './usage-bench.ts';

afterEach(closeDeliveries);

const rowOf = (each: UsageEvent | UsageTotals, at = 0): Row => ({
  queue: 'q',
  at,
  id: each.eventId,
  text: JSON.stringify(each),
});
const day = 86_400_000;
const noon = 20_000 * day + day / 2;

describe('foldRows', () => {
  test('one for each day, tier, model and source; each kind is counted', () => {
    const rows = [
      event({ kind: 'start', at: noon, inputTokens: 9, cost: undefined }),
      event({ kind: 'complete', at: noon, inputTokens: 10, outputTokens: 20, cost: 0.5 }),
      event({ kind: 'complete', at: noon + 1, inputTokens: 1, outputTokens: 2, cost: undefined }),
      event({ kind: 'error', at: noon, inputTokens: 7, cost: undefined }),
      event({ kind: 'cancel', at: noon, inputTokens: 7, cost: undefined }),
      event({ kind: 'hit', at: noon, source: 'cache', inputTokens: 5, cost: 0, saved: 0.25 }),
      event({ kind: 'complete', at: noon + day, cost: 1 }),
      event({ kind: 'complete', at: noon, tier: 'user' }),
      event({ kind: 'complete', at: noon, model: undefined }),
    ].map((each) => rowOf(each));
    const totals = foldRows(rows, 77, () => uuid());
    expect(totals.map(({ queue, at }) => [queue, at])).toEqual(Array.from({ length: 5 }, () => ['q', 77]));
    const bodies = totals.map(({ text, id }) => ({ ...(JSON.parse(text) as UsageTotals), id }));
    expect(bodies.every(({ id, eventId }) => id === eventId)).toBe(true);
    const none = { start: 0, complete: 0, error: 0, hit: 0, cancel: 0 };
    expect(bodies.map(({ id: _, eventId: __, ...rest }) => rest)).toEqual([
      {
        kind: 'totals',
        at: 20_000 * day,
        counts: { start: 1, complete: 2, error: 1, hit: 0, cancel: 1 },
        inputTokens: 11,
        outputTokens: 22,
        cost: 0.5,
        saved: 0,
        tier: 'base',
        model: 'tiny',
        source: 'space',
      },
      expect.objectContaining({ source: 'cache', counts: { ...none, hit: 1 }, saved: 0.25, inputTokens: 0, cost: 0 }),
      expect.objectContaining({ at: 20_001 * day, counts: { ...none, complete: 1 }, cost: 1 }),
      expect.objectContaining({ tier: 'user', counts: { ...none, complete: 1 } }),
      expect.not.objectContaining({ model: expect.anything() }),
    ]);
  });

  test('totals of totals are totals', () => {
    const rows = Array.from({ length: 6 }, (_, i) => rowOf(event({ at: noon, cost: i })));
    const half = [...foldRows(rows.slice(0, 3), 1, () => uuid()), ...foldRows(rows.slice(3), 2, () => uuid())];
    const [whole, ...more] = foldRows(half, 3, () => uuid());
    expect(more).toEqual([]);
    expect(JSON.parse(whole!.text)).toMatchObject({ counts: { complete: 6 }, cost: 15, inputTokens: 60 });
  });
});

/** What the texts count, as a dashboard would. */
function counted(texts: string[]): number {
  return texts.reduce((sum, text) => {
    const body = JSON.parse(text) as UsageEvent | UsageTotals;
    return sum + (body.kind === 'totals' ? body.counts.complete : 1);
  }, 0);
}

describe.each(['memory', undefined] as const)('a full outbox (%s)', (kind) => {
  test('keeps within its bound, says so, and loses no count', async () => {
    const clock = new FakeClock(noon);
    const sent: string[] = [];
    let down = true;
    const fetching = (async (_url: string, init: { body: string | ArrayBuffer }) => {
      if (down) throw new TypeError('offline');
      const text =
        typeof init.body === 'string'
          ? init.body
          : await new Response(new Response(init.body).body!.pipeThrough(new DecompressionStream('gzip'))).text();
      const { events } = JSON.parse(text) as { events: { eventId: string }[] };
      sent.push(...events.map((each) => JSON.stringify(each)));
      return Response.json({ verdicts: events.map(({ eventId }) => ({ eventId, verdict: 'stored' })) });
    }) as unknown as typeof fetch;
    const bench = await delivery(
      { backend: { url: 'https://b.test', token: 't' }, maxWaiting: 1000 },
      { clock, fetch: fetching, outbox: kind },
    );
    const queue = 'usage https://b.test/usage  ["","u"]';
    for (let i = 0; i < 20; i++) {
      await bench.record(...Array.from({ length: 200 }, () => event({ at: clock.now() })));
      // A round that finds nobody: its rows may have been sent, and are folded by nobody.
      if (i % 5 === 0) await bench.delivery.send();
      clock.set(clock.now() + 3_600_000);
    }
    await bench.record(event({ at: clock.now() }));
    await settle();
    await bench.delivery.written();
    const waiting = await bench.outbox.count(queue);
    // The last hour is too young to be folded, and 250 may have been sent.
    expect(waiting).toBeLessThanOrEqual(1000 + 250 + 257);
    expect(bench.warnings.map(({ code }) => code)).toEqual(expect.arrayContaining(['usage-folded']));
    expect(bench.warnings[0]!.message).toMatch(
      /^More than 1000 usage events wait for https:\/\/b.test\/usage: the oldest \d+ became daily totals\.$/,
    );
    down = false;
    await bench.delivery.send();
    expect(await bench.outbox.count(queue)).toBe(0);
    expect(counted(sent)).toBe(4001);
    expect(sent.length).toBeLessThan(2000);
  });
});

test('a row that may have been sent is never folded', async () => {
  const clock = new FakeClock(noon);
  const { outbox, record } = await delivery(
    { backend: { url: 'https://b.test', token: 't' } },
    { clock, fetch: () => Promise.reject(new TypeError('offline')) },
  );
  const ids = await record(...Array.from({ length: 10 }, () => event()));
  const [queue] = await outbox.queues();
  const taken = await outbox.take(queue!, 4, 1e6);
  const [fifth] = ids.slice(4);
  const along: Row = {
    queue: queue!,
    at: clock.now(),
    id: fifth!,
    text: JSON.stringify(event({ eventId: fifth! })),
    tried: true,
  };
  await outbox.settle([], [along]);
  const seen: string[] = [];
  const left = await outbox.fold(queue!, clock.now() + 1, 100, (rows) => {
    seen.push(...rows.map(({ id }) => id));
    return foldRows(rows, clock.now() + 5, () => 'total');
  });
  expect(left).toBe(5);
  expect(seen).toEqual(ids.slice(5));
  expect((await outbox.take(queue!, 100, 1e6)).map(({ id }) => id)).toEqual([
    ...taken.map(({ id }) => id),
    fifth,
    'total',
  ]);
});
