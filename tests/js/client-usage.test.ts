/** What a client tells: usage events in their final shape, traces, decisions, health, statuses. */
import { afterEach, describe, expect, test } from '@jest/globals';

import type { UsageEvent } from '../../js/types.ts';
import {
  bench,
  chat,
  closeAll,
  failureOf,
  Feed,
  json,
  openai,
  read,
  settle,
  space,
  stepsOf,
  until,
} from './client-bench.ts';
import { FakeClock } from './fake-clock.ts';

afterEach(closeAll);

const nothing: UsageEvent = {
  eventId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/) as never,
  interactionId: expect.any(String) as never,
  replyId: undefined,
  kind: 'start',
  at: 0,
  tier: undefined,
  target: undefined,
  provider: undefined,
  model: undefined,
  source: undefined,
  inputTokens: undefined,
  outputTokens: undefined,
  tokensEstimated: undefined,
  cost: undefined,
  saved: undefined,
  firstPartMs: undefined,
  totalMs: undefined,
  status: undefined,
  errorClass: undefined,
  attempt: undefined,
  user: undefined,
  company: undefined,
  contextLabel: undefined,
  experimentArm: undefined,
  appVersion: undefined,
};
const prices = { providers: { openai: { models: { tiny: { inputPer1K: 1, outputPer1K: 2 } } } } };
const target = { tier: 'base', target: 'openai', provider: 'openai', model: 'tiny' } as const;

describe('events', () => {
  const priced = (clock: FakeClock) =>
    bench(
      {
        clock,
        prices,
        usage: { appVersion: '1.2.3' },
        partition: { tenant: 'acme', user: 'u1' },
        cache: { persist: false },
      },
      () => chat('Hello.', { usage: { prompt_tokens: 100, completion_tokens: 50 } }),
    );
  const who = { user: 'u1', company: 'acme', appVersion: '1.2.3' };

  test('a call: start and complete, then a hit, each with every field', async () => {
    const clock = new FakeClock();
    const { client, usage } = priced(clock);
    const first = await client.generate('Hi', { interactionId: 'talk-1' });
    await clock.advance(1000);
    const second = await client.generate('Hi', { interactionId: 'talk-1' });
    const at = 1_800_000_000_000;
    expect(usage).toEqual([
      {
        ...nothing,
        ...target,
        ...who,
        interactionId: 'talk-1',
        kind: 'start',
        at,
        source: 'openai',
        attempt: 1,
        inputTokens: expect.any(Number),
        tokensEstimated: true,
      },
      {
        ...nothing,
        ...target,
        ...who,
        interactionId: 'talk-1',
        kind: 'complete',
        at,
        source: 'openai',
        attempt: 1,
        replyId: first.id,
        status: 'ok',
        inputTokens: 100,
        outputTokens: 50,
        tokensEstimated: false,
        cost: 0.2,
        firstPartMs: 0,
        totalMs: 0,
      },
      {
        ...nothing,
        ...target,
        ...who,
        interactionId: 'talk-1',
        kind: 'hit',
        at: at + 1000,
        source: 'cache',
        replyId: second.id,
        status: 'ok',
        inputTokens: 100,
        outputTokens: 50,
        tokensEstimated: false,
        cost: 0,
        saved: 0.2,
        firstPartMs: 0,
        totalMs: 0,
      },
    ]);
    for (const event of usage) expect(Object.keys(event).sort()).toEqual(Object.keys(nothing).sort());
    expect(new Set(usage.map(({ eventId }) => eventId)).size).toBe(3);
    expect([first.cost, second.cost]).toEqual([0.2, 0]);
  });

  test('an unknown price is undefined, not 0; counts that were not given are marked as estimated', async () => {
    const { client, usage } = bench({}, () => chat('Hello there.'));
    const reply = await client.generate('Hi');
    expect([reply.cost, reply.usage.estimated]).toEqual([undefined, true]);
    expect(usage[1]).toMatchObject({ cost: undefined, tokensEstimated: true });
    expect(usage[1]!.outputTokens).toBeGreaterThan(0);
  });

  test('a retry: an error for each attempt that failed', async () => {
    const clock = new FakeClock();
    const { client, usage } = bench({ clock, random: () => 0.5 }, (_, i) => (i === 0 ? json({}, 503) : chat('Hi.')));
    const asked = client.generate('Hi');
    await clock.advance(60_000);
    await asked;
    expect(usage.map(({ kind, attempt, errorClass, status }) => [kind, attempt, errorClass, status])).toEqual([
      ['start', 1, undefined, undefined],
      ['error', 1, 'overloaded', 'error'],
      ['start', 2, undefined, undefined],
      ['complete', 2, undefined, 'ok'],
    ]);
    expect(new Set(usage.map(({ interactionId }) => interactionId)).size).toBe(1);
  });

  test('a fallback: each event names its target', async () => {
    const { client, usage } = bench({ spaces: { base: space('base') }, providers: { openai } }, (call) =>
      call.host === 'base.test' ? json({}, 401) : chat('Hi.'),
    );
    await client.generate('Hi');
    expect(usage.map(({ kind, target: name, provider, source }) => [kind, name, provider, source])).toEqual([
      ['start', 'space:base', 'space', 'space'],
      ['error', 'space:base', 'space', 'space'],
      ['start', 'openai', 'openai', 'openai'],
      ['complete', 'openai', 'openai', 'openai'],
    ]);
  });

  test('a cancel: once, with what is known', async () => {
    const { client, usage } = bench({}, (call) => {
      const feed = new Feed(call.signal);
      feed.say('One');
      return feed.response;
    });
    const stream = client.stream('Hi');
    for await (const part of stream) if (part.type === 'text') break;
    await failureOf(stream.reply);
    await settle();
    expect(usage.map(({ kind }) => kind)).toEqual(['start', 'cancel']);
    expect(usage[1]).toMatchObject({
      ...target,
      status: 'cancelled',
      firstPartMs: expect.any(Number),
      totalMs: expect.any(Number),
    });
  });

  test.each<[string, object, string]>([
    ['no target', { spaces: {} }, 'no-target'],
    [
      'a full queue of our own',
      { providers: { openai: { ...openai, quota: { concurrency: 1, queueLength: 0 } } } },
      'rate-limit',
    ],
  ])('a failure without a call: %s', async (what, config, errorClass) => {
    const { client, usage } = bench(config, (call) => new Feed(call.signal).response);
    const blocking = what === 'no target' ? undefined : failureOf(client.generate('First'));
    await settle();
    const before = usage.length;
    expect((await failureOf(client.generate('Hi'))).code).toBe(errorClass);
    expect(usage.slice(before)).toMatchObject([{ kind: 'error', status: 'error', errorClass }]);
    client.close();
    await blocking;
  });

  test('a failure of a shared call is told for each of its callers', async () => {
    const { client, usage } = bench({}, async () => {
      await settle();
      return json({}, 400);
    });
    await Promise.all([
      failureOf(client.generate('Hi', { interactionId: 'a' })),
      failureOf(client.generate('Hi', { interactionId: 'b' })),
    ]);
    expect(usage.map(({ kind, interactionId }) => `${kind} ${interactionId}`).sort()).toEqual([
      'error a',
      'error b',
      'start a',
    ]);
  });
});

describe('the sink', () => {
  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['hangs', () => new Promise(() => undefined)],
  ])('that %s fails no request', async (how, sink) => {
    const { client, warnings } = bench({ usage: { sink: sink as () => void } });
    for (let i = 0; i < 3; i += 1) await client.generate(`Hi ${String(i)}`);
    await settle();
    expect(warnings.map(({ code }) => code)).toEqual(how === 'hangs' ? [] : ['usage-sink-failed']);
  });
  test('gets what listeners get, and flush waits for it', async () => {
    const written: UsageEvent[] = [];
    const { client, usage } = bench({
      usage: {
        sink: async (event) => {
          await settle();
          written.push(event);
        },
      },
    });
    await client.generate('Hi');
    await client.flush();
    expect(written).toEqual(usage);
  });
});

describe('why a reply is what it is', () => {
  const clock = () => new FakeClock();
  test('a miss: each step once, in sentences, without the prompt', async () => {
    const { client } = bench({ clock: clock(), spaces: { base: space('base') }, providers: { openai } });
    const reply = await client.generate('A secret question', { tier: 'base' });
    expect(stepsOf(reply)).toEqual([
      'check done',
      'plan done',
      'plan openai done',
      'cache space:base miss',
      'call space:base done',
      'reply space:base done',
      'store space:base done',
    ]);
    expect(reply.trace.steps.find(({ step }) => step === 'call')?.because).toBe(
      'base Space answered over chat completions. It applies the chat template of its model itself.',
    );
    for (const { because, at, duration } of reply.trace.steps) {
      expect(because).toMatch(/^\S.*\.$/s);
      expect(at).toBeGreaterThanOrEqual(0);
      expect(duration).toBeGreaterThanOrEqual(0);
    }
    expect(JSON.stringify(reply.trace)).not.toContain('secret question');
    expect(client.explain(reply.id)).toEqual({ ...reply.trace, semantic: [] });
    expect(client.explain('unknown')).toBeUndefined();
  });

  test('decisions are told as they are taken, with the request they belong to', async () => {
    const { client, decisions } = bench();
    const reply = await client.generate('Hi');
    const ids = new Set(decisions.map(({ requestId }) => requestId));
    expect(ids.size).toBe(1);
    expect(decisions.map(({ requestId: _, ...step }) => step)).toEqual(reply.trace.steps);
  });

  test('the last 200 replies are explained', async () => {
    const { client } = bench();
    const first = await client.generate('Hi');
    const second = await client.generate('Hi');
    for (let i = 0; i < 199; i += 1) await client.generate('Hi');
    expect([client.explain(first.id), client.explain(second.id) !== undefined]).toEqual([undefined, true]);
  });

  test('times by the clock: first part and total', async () => {
    const time = clock();
    let feed!: Feed;
    const { client, models } = bench({ clock: time }, (call) => (feed = new Feed(call.signal)).response);
    const stream = client.stream('Hi');
    const reading = read(stream);
    await until(() => models.calls.length === 1);
    await time.advance(300);
    feed.say('One');
    await time.advance(700);
    feed.end();
    await reading;
    expect((await stream.reply).trace).toMatchObject({ startedAt: 1_800_000_000_000, firstPart: 300, total: 1000 });
    expect((await client.health())[0]).toMatchObject({ p50Ms: 1000, firstPartP50Ms: 300, successes: 1, failures: 0 });
  });
});

describe('health and statuses', () => {
  test('follow calls, cooldowns and the way back', async () => {
    const clock = new FakeClock();
    const { client, models } = bench({ clock, spaces: { base: space('base') }, providers: { openai } });
    const base = async () => (await client.health()).find(({ target: name }) => name === 'space:base')!;
    expect(await base()).toMatchObject({ state: 'unknown', successes: 0, running: 0 });
    await client.generate('One');
    expect(await base()).toMatchObject({ state: 'ready', successes: 1 });
    models.answer = (call) => (call.host === 'base.test' ? json({}, 429, { 'retry-after': '60' }) : chat('Provider.'));
    expect((await client.generate('Two')).target).toBe('openai');
    expect(await base()).toMatchObject({
      state: 'cooling-down',
      failures: 1,
      lastError: 'rate-limit',
      coolingUntil: clock.now() + 60_000,
    });
    expect((await client.generate('Three')).target).toBe('openai');
    models.answer = () => chat('Back.');
    await clock.advance(60_001);
    const probe = await client.generate('Four');
    expect([probe.target, probe.content]).toEqual(['space:base', 'Back.']);
    expect(await base()).toMatchObject({ state: 'ready', successes: 2 });
  });

  test('statuses: unknown, connecting, ready; left halfway; failed', async () => {
    const { client, models } = bench({ spaces: { base: space('base'), company: space('company') } });
    const heard: string[] = [];
    client.on('status', ({ target: name, state }) => heard.push(`${name} ${state}`));
    expect(client.statuses().map(({ target: name, state }) => `${name} ${state}`)).toEqual([
      'space:base unknown',
      'space:company unknown',
    ]);
    await client.generate('Hi');
    expect(heard).toEqual(['space:base connecting', 'space:base ready']);
    models.answer = (call) => new Feed(call.signal).response;
    const leave = new AbortController();
    const asked = failureOf(client.generate('Ho', { tier: 'company', signal: leave.signal }));
    await until(() => models.calls.length === 2);
    leave.abort();
    await asked;
    models.answer = (call) => (call.host === 'base.test' ? chat('Base.') : json({}, 401));
    expect((await client.generate('He', { tier: 'company' })).tier).toBe('base');
    expect(client.statuses()).toMatchObject([
      { target: 'space:base', tier: 'base', state: 'ready' },
      { target: 'space:company', tier: 'company', state: 'unknown' },
    ]);
  });

  test.each([
    ['testConnection', 'gold', 'unknown-tier'],
    ['wake', 'gold', 'unknown-tier'],
    ['wake', 'company', 'not-configured'],
  ] as const)('%s of the tier %s: %s', async (method, tier, code) => {
    const { client } = bench({ spaces: { base: space('base') } });
    expect((await failureOf(client[method](tier as never) as Promise<unknown>)).code).toBe(code);
  });

  test('testConnection reports; it neither teaches health nor fills the cache', async () => {
    const { client, models, usage } = bench({ spaces: { base: space('base') } }, () => chat('ready'));
    expect(await client.testConnection('base')).toMatchObject({
      ok: true,
      tier: 'base',
      protocol: 'openai',
      sample: 'ready',
    });
    models.answer = () => json({ error: 'no' }, 401);
    const steps: string[] = [];
    const report = await client.testConnection('base', {
      onStep: ({ name, ok }) => steps.push(`${name} ${String(ok)}`),
    });
    expect(report).toMatchObject({ ok: false });
    expect(report.message).toMatch(/token/i);
    expect(steps.at(-1)).toBe('call false');
    expect(await client.testConnection('company')).toMatchObject({ ok: false });
    expect((await client.health())[0]).toMatchObject({ successes: 0, failures: 0 });
    expect([await client.cache.entries(), usage]).toEqual([[], []]);
  });

  test('settings are kept by name', async () => {
    const { client } = bench();
    await client.setSetting('ui', { theme: 'dark', tiers: ['base'] });
    expect(await client.getSetting('ui')).toEqual({ theme: 'dark', tiers: ['base'] });
    await client.setSetting('ui', undefined);
    expect(await client.getSetting('ui')).toBeUndefined();
  });

  test('a store that does not open is a warning, once, and memory takes over', async () => {
    const { client, warnings } = bench({
      storage: () => Promise.reject(new Error('blocked by the browser')),
      partition: { user: 'u' },
    });
    await client.generate('Hi');
    expect((await client.generate('Hi')).source).toBe('cache');
    await client.setSetting('a', 1);
    expect(await client.getSetting('a')).toBe(1);
    await client.flush();
    expect(warnings.map(({ code }) => code)).toEqual(['storage-failed']);
    expect(warnings[0]!.message).toContain('blocked by the browser');
  });
});
