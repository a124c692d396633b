/** Events as OTLP: values, names, ids; answers of collectors; two places at once. */
import { afterEach, describe, expect, test } from '@jest/globals';

import type { UsageTotals } from '../../js/types.ts';
import { metricsOf, traceIdOf, tracesOf } from '../../js/usage/otlp-payload.ts';
import { closeDeliveries, delivery, event } from './usage-bench.ts';

afterEach(closeDeliveries);

const origin = { serviceName: 'shop', serviceVersion: '2.1', version: '0.1.0' };
const at = 1_800_000_000_000;
/* eslint-disable @typescript-eslint/no-explicit-any */
const valuesOf = (attributes: any[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
const spansOf = (...events: any[]) => JSON.parse(tracesOf(events, origin)).resourceSpans[0].scopeSpans[0].spans;
const dataOf = (...events: any[]) => {
  const { metrics } = JSON.parse(metricsOf(events, origin)).resourceMetrics[0].scopeMetrics[0];
  return Object.fromEntries(metrics.map(({ name, unit, histogram }: any) => [name, { unit, ...histogram }]));
};

describe('spans', () => {
  test('of a reply: a client call with what the conventions want', () => {
    const each = event({ at, interactionId: '6f1d3c2a-0b7e-4f59-8c11-2a3b4c5d6e7f', replyId: 'r1', totalMs: 400.5 });
    const [span] = spansOf(each);
    expect(span).toMatchObject({
      traceId: '6f1d3c2a0b7e4f598c112a3b4c5d6e7f',
      spanId: each.eventId.replaceAll('-', '').slice(0, 16),
      name: 'chat tiny',
      kind: 3,
      startTimeUnixNano: '1799999999599500000',
      endTimeUnixNano: '1800000000000000000',
      status: {},
    });
    expect(valuesOf(span.attributes)).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'huggingface',
      'gen_ai.request.model': 'tiny',
      'gen_ai.response.id': 'r1',
      'gen_ai.response.time_to_first_chunk': 0.03,
      'gen_ai.usage.input_tokens': '10',
      'gen_ai.usage.output_tokens': '20',
      'tierwise.tier': 'base',
      'tierwise.target': 'space:base',
      'tierwise.source': 'space',
      'tierwise.attempt': '1',
      'tierwise.cost_usd': 0.5,
      'tierwise.tokens_estimated': false,
      'tierwise.interaction_id': each.interactionId,
    });
  });
  test('of a failure and a cancel: an error with its type; of a hit: internal, no call; of a start: none', () => {
    const [error, cancel, hit, ...more] = spansOf(
      event({ kind: 'start' }),
      event({ kind: 'error', errorClass: 'rate-limit' }),
      event({ kind: 'cancel' }),
      event({ kind: 'hit', source: 'cache', saved: 0.5, model: undefined }),
    );
    expect(more).toEqual([]);
    expect([error.status, valuesOf(error.attributes)['error.type']]).toEqual([{ code: 2 }, 'rate-limit']);
    expect([cancel.status, valuesOf(cancel.attributes)['error.type']]).toEqual([{ code: 2 }, 'cancelled']);
    expect([hit.kind, hit.name, hit.status]).toEqual([1, 'cache', {}]);
    expect(valuesOf(hit.attributes)).toMatchObject({ 'tierwise.saved_usd': 0.5 });
    expect(valuesOf(hit.attributes)).not.toHaveProperty('gen_ai.operation.name');
  });
  test('neither user, company nor any text of the conversation is in them', () => {
    expect(tracesOf([event({ user: 'jane', company: 'acme' })], origin)).not.toMatch(/jane|acme/);
  });
  test.each([
    ['a UUID', '6F1D3C2A-0b7e-4f59-8c11-2a3b4c5d6e7f', '6f1d3c2a0b7e4f598c112a3b4c5d6e7f'],
    ['any text', 'talk-1', expect.stringMatching(/^[0-9a-f]{32}$/)],
    ['nothing', '', expect.stringMatching(/^(?!0+$)[0-9a-f]{32}$/)],
    ['nought', '00000000-0000-0000-0000-000000000000', expect.stringMatching(/^(?!0+$)[0-9a-f]{32}$/)],
  ])('a trace id of %s', (_what, id, expected) => {
    expect(traceIdOf(id)).toEqual(expected);
    expect(traceIdOf(id)).toBe(traceIdOf(id));
  });
  test('trace ids of other interactions are others', () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => traceIdOf(`talk-${String(i)}`));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('metrics', () => {
  test('tokens, durations and first chunks, in the buckets of the conventions', () => {
    const data = dataOf(
      event({ at, totalMs: 40, firstPartMs: 10.1, inputTokens: 4, outputTokens: 5 }),
      event({ at: at + 1000, totalMs: 100_000, firstPartMs: undefined, inputTokens: 4, outputTokens: undefined }),
    );
    expect(Object.keys(data)).toEqual([
      'gen_ai.client.token.usage',
      'gen_ai.client.operation.duration',
      'gen_ai.client.operation.time_to_first_chunk',
    ]);
    const duration = data['gen_ai.client.operation.duration'];
    expect([duration.unit, duration.aggregationTemporality]).toEqual(['s', 1]);
    expect(duration.dataPoints).toEqual([
      {
        attributes: expect.any(Array),
        startTimeUnixNano: `${String(at)}000000`,
        timeUnixNano: `${String(at + 1000)}000000`,
        count: '2',
        sum: 100.04,
        // 0.04 is in the bucket that ends there, 100 s beyond the last.
        bucketCounts: ['0', '0', '1', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '1'],
        explicitBounds: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
      },
    ]);
    const tokens = data['gen_ai.client.token.usage'];
    expect(tokens.unit).toBe('{token}');
    expect(
      tokens.dataPoints.map((point: any) => [valuesOf(point.attributes)['gen_ai.token.type'], point.count, point.sum]),
    ).toEqual([
      ['input', '2', 8],
      ['output', '1', 5],
    ]);
    for (const { bucketCounts, explicitBounds } of tokens.dataPoints)
      expect(bucketCounts).toHaveLength(explicitBounds.length + 1);
  });
  test('a failure counts in the durations, under its type; hits and starts nowhere', () => {
    const data = dataOf(
      event({ kind: 'error', errorClass: 'overloaded' }),
      event({ kind: 'hit' }),
      event({ kind: 'start' }),
    );
    expect(Object.keys(data)).toEqual(['gen_ai.client.operation.duration']);
    const [point] = data['gen_ai.client.operation.duration'].dataPoints;
    expect([point.count, valuesOf(point.attributes)['error.type']]).toEqual(['1', 'overloaded']);
  });
  test('daily totals: count and sum without buckets, apart from events', () => {
    const totals: UsageTotals = {
      eventId: 't',
      kind: 'totals',
      at,
      counts: { start: 9, complete: 7, error: 1, hit: 0, cancel: 1 },
      inputTokens: 70,
      outputTokens: 140,
      cost: 1,
      saved: 0,
      tier: 'base',
      model: 'tiny',
      source: 'space',
    };
    const { dataPoints } = dataOf(totals, event({ at }))['gen_ai.client.token.usage'];
    expect(dataPoints).toHaveLength(4);
    expect(dataPoints[0]).toMatchObject({ count: '7', sum: 70 });
    expect(dataPoints[0]).not.toHaveProperty('bucketCounts');
    expect(valuesOf(dataPoints[0].attributes)).toEqual(valuesOf(dataPoints[2].attributes));
  });
});

type Asked = { url: string; headers: Record<string, string> };
function collector(answer: (asked: Asked, count: number) => Response | Promise<Response>) {
  const asked: Asked[] = [];
  const fetching = async (url: string, init: { headers: Record<string, string> }) => {
    asked.push({ url, headers: init.headers });
    return await answer(asked.at(-1)!, asked.length);
  };
  return { asked, fetch: fetching as unknown as typeof fetch };
}
const stored = () => Response.json({});

describe('a collector', () => {
  const otlp = { url: 'https://otel.test:4318/', headers: { 'x-key': 'k' }, serviceName: 'shop' };
  test('gets traces and metrics, each of the events that concern it', async () => {
    const { asked, fetch } = collector(stored);
    const { record, delivery: sending, waiting } = await delivery({ otlp }, { fetch });
    await record(event({ kind: 'start' }), event(), event({ kind: 'hit' }));
    expect([(await waiting('otlp https://otel.test:4318/v1/traces')).length, (await waiting()).length]).toEqual([2, 3]);
    await sending.send();
    expect(asked.map(({ url }) => url).sort()).toEqual([
      'https://otel.test:4318/v1/metrics',
      'https://otel.test:4318/v1/traces',
    ]);
    expect(asked[0]!.headers).toMatchObject({ 'x-key': 'k', 'content-type': 'application/json' });
    expect(await waiting()).toEqual([]);
  });

  test.each<[string, () => Response | Promise<Response>, string[], boolean]>([
    ['200 with nothing', () => new Response(null), [], false],
    [
      '200 with a partial success without rejections',
      () => Response.json({ partialSuccess: { errorMessage: 'slow' } }),
      [],
      false,
    ],
    [
      '200 with rejected spans',
      () => Response.json({ partialSuccess: { rejectedSpans: '1', errorMessage: 'no' } }),
      ['usage-refused'],
      false,
    ],
    ['200 with HTML', () => new Response('<!doctype html>'), ['usage-not-sent'], true],
    ['400', () => new Response('', { status: 400 }), ['usage-refused'], false],
    ['404', () => new Response('', { status: 404 }), ['usage-not-sent'], true],
    ['429', () => new Response('', { status: 429 }), ['usage-not-sent'], true],
    ['503', () => new Response('', { status: 503 }), ['usage-not-sent'], true],
    ['no network', () => Promise.reject(new TypeError('offline')), [], true],
  ])('that answers %s', async (_what, answer, warned, kept) => {
    const { fetch } = collector(({ url }) => (url.endsWith('traces') ? answer() : stored()));
    const { record, delivery: sending, waiting, warnings } = await delivery({ otlp }, { fetch });
    const ids = await record(event());
    await sending.send();
    expect(await waiting()).toEqual(kept ? ids : []);
    expect(warnings.map(({ code }) => code)).toEqual(warned);
  });

  test('is one place, the backend another: what one refuses the other has', async () => {
    const { fetch } = collector(async ({ url }) => {
      if (url.includes('otel')) return new Response('', { status: 503 });
      return Response.json({ verdicts: ids.map((eventId) => ({ eventId, verdict: 'stored' })) });
    });
    const bench = await delivery({ otlp, backend: { url: 'https://b.test', token: 't' } }, { fetch });
    const ids = await bench.record(event());
    await bench.delivery.send();
    expect([await bench.waiting('usage'), (await bench.waiting('otlp')).length]).toEqual([[], 2]);
  });

  test('that never answers holds up nothing of the backend', async () => {
    const { fetch } = collector(({ url }) =>
      url.includes('otel')
        ? new Promise<Response>(() => undefined)
        : Response.json({ verdicts: ids.map((eventId) => ({ eventId, verdict: 'stored' })) }),
    );
    const bench = await delivery({ otlp, backend: { url: 'https://b.test', token: 't' } }, { fetch });
    const ids = await bench.record(event());
    void bench.delivery.send();
    for (let i = 0; i < 100 && (await bench.outbox.count('usage https://b.test/usage  ["","u"]')) > 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await bench.waiting('usage')).toEqual([]);
  });
});
