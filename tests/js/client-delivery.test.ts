/** What a client does with usage that must not be lost: the built package, over IndexedDB, against a backend in the test. */
import 'fake-indexeddb/auto';

import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { createClient } from '../../dist/index.js';
import type { Client, ClientConfig, UsageConfig, UsageEvent, Warning } from '../../js/types.ts';
import { openKeptOutbox } from '../../js/usage/kept-outbox.ts';
import { chat, failureOf, openai, settle } from './client-bench.ts';

const clients: Client[] = [];
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await new Promise((resolve) => setTimeout(resolve, 120));
});

interface Posted {
  path: string;
  authorization: string | null;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}
const backend = { url: 'https://backend.test/functions/v1', token: () => 'session' };

/** Answers models at once and the backend as told; keeps what the backend was sent. */
function made(usage: UsageConfig, more: ClientConfig & { down?: boolean; model?: () => Response } = {}) {
  const { down = false, model = () => chat('Hello.'), ...config } = more;
  const state = { down };
  const posted: Posted[] = [];
  const fetching = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input));
    if (url.hostname !== 'backend.test') return model();
    if (state.down) throw new TypeError('offline');
    const headers = new Headers(init.headers);
    const bytes = new Response(init.body);
    const text =
      headers.get('content-encoding') === 'gzip'
        ? await new Response(bytes.body!.pipeThrough(new DecompressionStream('gzip'))).text()
        : await bytes.text();
    const body = JSON.parse(text) as Record<string, { eventId: string }[]>;
    posted.push({ path: url.pathname, authorization: headers.get('authorization'), body });
    const rows = body['events'] ?? body['feedback'] ?? [];
    return Response.json({ verdicts: rows.map(({ eventId }) => ({ eventId, verdict: 'stored' })) });
  };
  const client = createClient({
    providers: { openai },
    fetch: fetching as typeof fetch,
    partition: { user: 'u1' },
    usage,
    ...config,
  });
  clients.push(client);
  const events: UsageEvent[] = [];
  const warnings: Warning[] = [];
  client.on('usage', (event) => events.push(event));
  client.on('warning', (warning) => warnings.push(warning));
  return { client, posted, state, events, warnings };
}

async function kept(): Promise<{ queue: string; id: string }[]> {
  const outbox = await openKeptOutbox();
  const rows = await Promise.all((await outbox.queues()).map((queue) => outbox.take(queue, 1e4, 1e9)));
  outbox.close();
  return rows.flat();
}

test('events are in the outbox when flush resolves, though the backend is away; the next client sends them', async () => {
  const first = made({ backend }, { down: true });
  await first.client.generate('Hi');
  await first.client.flush();
  expect((await kept()).map(({ id }) => id).sort()).toEqual(first.events.map(({ eventId }) => eventId).sort());
  first.client.close();
  const second = made({ backend });
  await second.client.flush();
  expect(second.posted).toEqual([]);
  await second.client.generate('Hi again');
  await second.client.flush();
  const sent = second.posted.flatMap(({ body }) => body.events as UsageEvent[]);
  expect(sent.map(({ eventId }) => eventId).sort()).toEqual(
    [...first.events, ...second.events].map(({ eventId }) => eventId).sort(),
  );
  expect(await kept()).toEqual([]);
  expect([...first.warnings, ...second.warnings]).toEqual([]);
});

test('the write is issued before the reply resolves: it completes with nothing more said', async () => {
  const { client, events } = made({ backend }, { down: true });
  const puts: string[] = [];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const store = (globalThis as any).IDBObjectStore.prototype as { put: (value: { id?: string }) => IDBRequest };
  const put = store.put;
  store.put = function (value) {
    if (value.id !== undefined) puts.push(value.id);
    return put.call(this, value);
  };
  try {
    await client.generate('Hi');
    expect(events.map(({ kind }) => kind)).toEqual(['start', 'complete']);
    expect(puts).toEqual(events.map(({ eventId }) => eventId));
  } finally {
    store.put = put;
  }
});

test('the token, the path, the fields', async () => {
  const { client, posted, events } = made({ backend, appVersion: '3' });
  const reply = await client.generate('Hi');
  await client.feedback(reply.id, 'down', { comment: 'Too short.' });
  await client.flush();
  expect(posted.map(({ path, authorization }) => [path, authorization]).sort()).toEqual([
    ['/functions/v1/feedback', 'Bearer session'],
    ['/functions/v1/usage', 'Bearer session'],
  ]);
  const usage = posted.find(({ path }) => path.endsWith('usage'))!;
  expect(usage.body).toEqual({ sentAt: expect.any(Number), events: JSON.parse(JSON.stringify(events)) });
  const feedback = posted.find(({ path }) => path.endsWith('feedback'))!;
  expect(feedback.body.feedback).toEqual([
    {
      eventId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      replyId: reply.id,
      interactionId: events[0]!.interactionId,
      verdict: 'down',
      comment: 'Too short.',
      at: expect.any(Number),
    },
  ]);
  expect(JSON.stringify(usage.body)).not.toContain('Hi');
});

test('feedback is kept before it resolves, also an up', async () => {
  const { client } = made({ backend }, { down: true });
  const reply = await client.generate('Hi');
  await client.feedback(reply.id, 'up');
  expect((await kept()).filter(({ queue }) => queue.startsWith('feedback'))).toHaveLength(1);
  expect((await failureOf(client.feedback(reply.id, 'up', { comment: 'x'.repeat(2001) }))).code).toBe('invalid-input');
  expect((await failureOf(client.feedback(reply.id, 'up', { stars: 5 } as never))).code).toBe('invalid-input');
});

test('what another user recorded stays until that user is back', async () => {
  const { client, posted, events, state } = made({ backend }, { down: true });
  await client.generate('Hi');
  await client.flush();
  const first = events.map(({ eventId }) => eventId);
  state.down = false;
  await client.configure({ partition: { user: 'u2' } });
  await client.generate('Hi, I am another');
  await client.flush();
  const sent = () => posted.flatMap(({ body }) => body.events as UsageEvent[]).map(({ eventId }) => eventId);
  expect(sent().some((id) => first.includes(id))).toBe(false);
  await client.configure({ partition: { user: 'u1' } });
  await client.flush();
  expect(first.every((id) => sent().includes(id))).toBe(true);
});

test('a cancel that close brings about is kept', async () => {
  const { client, events } = made({ backend }, { down: true, model: () => new Response(new ReadableStream()) });
  const asked = failureOf(client.generate('Hi'));
  for (let i = 0; i < 100 && events.length === 0; i++) await settle();
  client.close();
  await asked;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(events.map(({ kind }) => kind)).toEqual(['start', 'cancel']);
  expect((await kept()).map(({ id }) => id).sort()).toEqual(events.map(({ eventId }) => eventId).sort());
});

test("storage: 'memory' keeps nothing in the browser and sends all the same", async () => {
  const { client, posted } = made({ backend }, { storage: 'memory' });
  await client.generate('Hi');
  await client.flush();
  expect(posted).toHaveLength(1);
  expect((await indexedDB.databases()).map(({ name }) => name)).toEqual([]);
});

describe('hooks', () => {
  const told = async (usage: UsageConfig) => {
    const sunk: UsageEvent[] = [];
    const client = made({ backend, sink: (event) => void sunk.push(event), ...usage });
    for (let i = 0; i < 40; i++)
      await client.client.generate(`Hi ${String(i)}`, { interactionId: `talk-${String(i)}` });
    await client.client.flush();
    const sent = client.posted.flatMap(({ body }) => body.events as UsageEvent[]);
    return { ...client, sunk, sent };
  };

  test('sample takes whole interactions; listeners hear all', async () => {
    const { events, sunk, sent } = await told({ sample: 0.5 });
    expect(events).toHaveLength(80);
    expect(sunk.length).toBeGreaterThan(20);
    expect(sunk.length).toBeLessThan(60);
    const interactions = new Set(sunk.map(({ interactionId }) => interactionId));
    expect(sunk).toHaveLength(2 * interactions.size);
    expect(sent.map(({ eventId }) => eventId).sort()).toEqual(sunk.map(({ eventId }) => eventId).sort());
  });

  test.each([
    ['0 is nothing', 0, 0],
    ['1 is all', 1, 80],
  ])('sample: %s', async (_what, sample, count) => {
    expect((await told({ sample })).sunk).toHaveLength(count);
  });

  test('a function samples event by event', async () => {
    const { sunk } = await told({ sample: ({ kind }) => kind !== 'start' });
    expect(sunk.map(({ kind }) => kind)).toEqual(Array.from({ length: 40 }, () => 'complete'));
  });

  test('redact changes what is told and to whom it is; the id stays', async () => {
    const { events, sunk, sent } = await told({
      redact: (event) => (event.kind === 'start' ? undefined : { ...event, user: 'someone', eventId: 'mine' }),
    });
    expect(events[1]!.user).toBe('u1');
    expect(sunk).toHaveLength(40);
    for (const event of [...sunk, ...sent]) expect([event.user, event.eventId.length]).toEqual(['someone', 36]);
  });

  test('what has no JSON fails no request either', async () => {
    const { sent, warnings } = await told({ redact: (event) => ({ ...event, cost: 5n as never }) });
    expect([sent, warnings.map(({ code }) => code)]).toEqual([[], ['usage-hook-failed']]);
  });

  test('one that throws lets nothing out, and fails no request', async () => {
    const { sunk, sent, warnings } = await told({
      redact: () => {
        throw new Error('oops');
      },
    });
    expect([sunk, sent, warnings.map(({ code }) => code)]).toEqual([[], [], ['usage-hook-failed']]);
  });
});

test('several sinks: one that throws and one that hangs hold up neither the others nor the backend', async () => {
  const sunk: UsageEvent[] = [];
  const { client, posted, warnings } = made({
    backend,
    sinks: [
      () => {
        throw new Error('down');
      },
      () => new Promise(() => undefined),
      (event) => void sunk.push(event),
    ],
  });
  await client.generate('Hi');
  await settle();
  expect(sunk).toHaveLength(2);
  expect(warnings.map(({ code }) => code)).toEqual(['usage-sink-failed']);
  void client.flush();
  for (let i = 0; i < 100 && posted.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(posted).toHaveLength(1);
});
