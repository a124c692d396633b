/** One wake plan per Space: how often the Hub is asked, who hears what, who may leave, what ends it. On a fake clock. */
import { beforeEach, describe, expect, test } from '@jest/globals';

import type { Core } from '../../js/core.ts';
import { CallFailure } from '../../js/transports/call-failure.ts';
import { Connections } from '../../js/transports/connect.ts';
import type { SpaceStatus } from '../../js/types.ts';
import { HubSimulator } from '../servers/hub-simulator.mjs';
import { FakeClock, settle } from './fake-clock.ts';
import { realCore } from './real-core.ts';

type Status = Omit<SpaceStatus, 'target' | 'tier'>;
const sleepy = (seconds: number) => ({
  id: 'owner/name',
  stage: 'SLEEPING',
  waking: [
    [0, 'SLEEPING'],
    [2000, 'APP_STARTING'],
    [seconds * 1000, 'RUNNING'],
  ] as [number, string][],
});
let clock: FakeClock;
let core: Core;
beforeEach(async () => {
  clock = new FakeClock();
  core = await realCore();
});

function connections(
  simulator: HubSimulator,
  urls: Partial<Record<'base' | 'company', string>> = { base: 'owner/name' },
  token?: string,
) {
  const spaces = Object.fromEntries(
    Object.entries(urls).map(([tier, url]) => [tier, { url, ...(token !== undefined && { token }) }]),
  );
  return new Connections(
    {
      spaces,
      providers: {},
      proxyUrl: undefined,
      proxyToken: undefined,
      random: () => 0.5,
      fetch: simulator.fetch as typeof fetch,
      clock,
      hubUrl: 'https://huggingface.co',
      maxReplyBytes: 1e6,
      timeouts: { firstChunk: 60_000, stall: 30_000 },
    },
    { core },
  );
}
function waiting(work: Promise<void>) {
  const state = { done: false, error: undefined as CallFailure | undefined };
  work.then(
    () => {
      state.done = true;
    },
    (error: CallFailure) => {
      state.error = error;
    },
  );
  return state;
}
const statusCalls = (simulator: HubSimulator) => simulator.apiCalls(/^\/api\/spaces\//).length;
const visits = (simulator: HubSimulator) => simulator.calls.filter(({ host }) => host.endsWith('.hf.space')).length;

describe('asleep for 60 s', () => {
  test('at most 30 status calls, one visit to begin with, and words on the way', async () => {
    const simulator = new HubSimulator([sleepy(60)], { now: () => clock.now() });
    const heard: Status[] = [];
    const state = waiting(connections(simulator).wake('space:base', { onStatus: (status) => heard.push(status) }));
    await clock.advance(59_000);
    expect(state.done).toBe(false);
    await clock.advance(11_000);
    expect(state.done).toBe(true);
    expect(statusCalls(simulator)).toBeLessThanOrEqual(30);
    expect(statusCalls(simulator)).toBeGreaterThan(5);
    expect(visits(simulator)).toBeLessThanOrEqual(3);
    expect(new Set(heard.map(({ state: seen }) => seen))).toEqual(new Set(['sleeping', 'starting', 'ready']));
    expect(heard[0]!.message).toMatch(/^base Space is waking up/);
    expect(clock.pending).toBe(0);
  });

  test('20 callers, of two tiers on one Space, share the calls; each hears under its own name', async () => {
    const simulator = new HubSimulator([sleepy(60)], { now: () => clock.now() });
    const all = connections(simulator, { base: 'owner/name', company: 'https://huggingface.co/spaces/Owner/Name' });
    const messages = { base: new Set<string>(), company: new Set<string>() };
    const callers = Array.from({ length: 20 }, (_, index) => {
      const tier = index % 2 === 0 ? 'base' : 'company';
      return waiting(all.wake(`space:${tier}`, { onStatus: ({ message }) => messages[tier].add(message) }));
    });
    await clock.advance(70_000);
    expect(callers.every(({ done }) => done)).toBe(true);
    expect(statusCalls(simulator)).toBeLessThanOrEqual(30);
    for (const tier of ['base', 'company'] as const) {
      expect(messages[tier].size).toBeGreaterThan(1);
      for (const message of messages[tier]) expect(message.startsWith(`${tier} Space `)).toBe(true);
    }
  });

  test('a caller that comes later is told at once and costs no call', async () => {
    const simulator = new HubSimulator([sleepy(60)], { now: () => clock.now() });
    const all = connections(simulator);
    waiting(all.wake('space:base', { onStatus: () => undefined }));
    await clock.advance(20_000);
    const before = statusCalls(simulator);
    const heard: Status[] = [];
    const late = waiting(all.wake('space:base', { onStatus: (status) => heard.push(status) }));
    await settle();
    expect(heard[0]).toMatchObject({ state: 'starting' });
    expect(statusCalls(simulator)).toBe(before);
    await clock.advance(50_000);
    expect(late.done).toBe(true);
  });

  test('the next wake says how long it takes', async () => {
    const simulator = new HubSimulator([sleepy(40)], { now: () => clock.now() });
    const all = connections(simulator);
    waiting(all.wake('space:base', { onStatus: () => undefined }));
    await clock.advance(60_000);
    simulator.set({ ...sleepy(40), visitedAt: undefined });
    const heard: string[] = [];
    waiting(all.wake('space:base', { onStatus: ({ message }) => heard.push(message) }));
    await clock.advance(100);
    expect(heard[0]).toMatch(/about 4\d s/);
  });

  test('a direct address is known to the Hub by its subdomain', async () => {
    const simulator = new HubSimulator([sleepy(30)], { now: () => clock.now() });
    const state = waiting(
      connections(simulator, { base: 'https://owner-name.hf.space' }).wake('space:base', { onStatus: () => undefined }),
    );
    await clock.advance(40_000);
    expect(state.done).toBe(true);
    expect(simulator.apiCalls(/by-subdomain/)).toHaveLength(1);
  });
});

describe('leaving', () => {
  test('one caller leaves, the other is served', async () => {
    const simulator = new HubSimulator([sleepy(30)], { now: () => clock.now() });
    const all = connections(simulator);
    const leaver = new AbortController();
    const first = waiting(all.wake('space:base', { signal: leaver.signal, onStatus: () => undefined }));
    const second = waiting(all.wake('space:base', { onStatus: () => undefined }));
    await clock.advance(5000);
    leaver.abort();
    await settle();
    expect(first.error?.facts).toEqual({ kind: 'abort' });
    await clock.advance(40_000);
    expect(second.done).toBe(true);
  });

  test('the last one leaving ends the looking; the next begins anew', async () => {
    const simulator = new HubSimulator([sleepy(300)], { now: () => clock.now() });
    const all = connections(simulator);
    const leavers = [new AbortController(), new AbortController()];
    const states = leavers.map(({ signal }) => waiting(all.wake('space:base', { signal, onStatus: () => undefined })));
    await clock.advance(5000);
    leavers.forEach((leaver) => leaver.abort(new CallFailure({ kind: 'timeout', phase: 'total' })));
    await settle();
    expect(states.map(({ error }) => error?.facts)).toEqual([
      { kind: 'timeout', phase: 'total' },
      { kind: 'timeout', phase: 'total' },
    ]);
    const before = statusCalls(simulator);
    await clock.advance(120_000);
    expect(statusCalls(simulator)).toBe(before);
    expect(clock.pending).toBe(0);
    waiting(all.wake('space:base', { onStatus: () => undefined }));
    await clock.advance(1000);
    expect(statusCalls(simulator)).toBeGreaterThan(before);
  });

  test('a caller that is gone before it comes asks nothing', async () => {
    const simulator = new HubSimulator([sleepy(30)], { now: () => clock.now() });
    const state = waiting(
      connections(simulator).wake('space:base', { signal: AbortSignal.abort(), onStatus: () => undefined }),
    );
    await clock.advance(1000);
    expect(state.error?.facts.kind).toBe('abort');
    expect(simulator.calls).toHaveLength(0);
  });
});

describe('a Hub that limits calls', () => {
  test.each([true, false])(
    'is left alone until it allows them again (header readable: %s)',
    async (exposeRateLimit) => {
      const simulator = new HubSimulator([sleepy(60)], { now: () => clock.now(), quota: 3, exposeRateLimit });
      const state = waiting(connections(simulator).wake('space:base', { onStatus: () => undefined }));
      await clock.advance(290_000);
      const refused = statusCalls(simulator) - 3;
      expect(refused).toBeLessThanOrEqual(exposeRateLimit ? 1 : 6);
      await clock.advance(120_000);
      expect(state.done).toBe(true);
    },
  );

  test('with few calls left the looks are spread', async () => {
    const simulator = new HubSimulator([sleepy(200)], { now: () => clock.now(), quota: 12, exposeRateLimit: true });
    waiting(connections(simulator).wake('space:base', { onStatus: () => undefined }));
    await clock.advance(299_000);
    expect(statusCalls(simulator)).toBeLessThanOrEqual(12);
  });
});

describe('what only the owner can change fails at once, with what to do', () => {
  test.each([
    ['PAUSED', /only its owner can restart/],
    ['BUILD_ERROR', /could not be built/],
    ['RUNTIME_ERROR', /crashed/],
    ['CONFIG_ERROR', /README/],
    ['NO_APP_FILE', /app\.py/],
    ['DELETING', /deleted/],
  ])('%s', async (stage, said) => {
    const simulator = new HubSimulator([{ id: 'owner/name', stage, errorMessage: 'Exit code 1' }], {
      now: () => clock.now(),
    });
    const state = waiting(connections(simulator).wake('space:base', { onStatus: () => undefined }));
    await settle();
    expect(state.error?.facts).toEqual({ kind: 'stage', stage, message: 'Exit code 1' });
    expect(state.error?.message).toMatch(said);
    expect(statusCalls(simulator)).toBeLessThanOrEqual(2);
    expect(clock.pending).toBe(0);
  });

  test('a Space that does not exist', async () => {
    const state = waiting(connections(new HubSimulator([])).wake('space:base', { onStatus: () => undefined }));
    await settle();
    expect(state.error?.facts).toMatchObject({ kind: 'stage', stage: 'MISSING' });
  });

  test('a build that fails while it is waited for', async () => {
    const simulator = new HubSimulator([{ id: 'owner/name', stage: 'BUILDING' }], { now: () => clock.now() });
    const state = waiting(connections(simulator).wake('space:base', { onStatus: () => undefined }));
    await clock.advance(30_000);
    simulator.set({ id: 'owner/name', stage: 'BUILD_ERROR' });
    await clock.advance(30_000);
    expect(state.error?.facts).toMatchObject({ stage: 'BUILD_ERROR' });
  });
});

describe('a Hub in trouble', () => {
  test('a few looks may fail', async () => {
    const simulator = new HubSimulator([sleepy(60)], { now: () => clock.now() });
    const state = waiting(connections(simulator).wake('space:base', { onStatus: () => undefined }));
    await clock.advance(4000);
    simulator.down = true;
    await clock.advance(6000);
    simulator.down = false;
    await clock.advance(70_000);
    expect(state.done).toBe(true);
  });

  test('not all of them', async () => {
    const simulator = new HubSimulator([sleepy(600)], { now: () => clock.now() });
    const state = waiting(connections(simulator).wake('space:base', { onStatus: () => undefined }));
    await clock.advance(4000);
    simulator.down = true;
    await clock.advance(60_000);
    expect(state.error?.facts.kind).toBe('network');
    expect(clock.pending).toBe(0);
  });
});

test('a private Space is tracked and visited with its token, which nobody else sees', async () => {
  const simulator = new HubSimulator([{ ...sleepy(30), private: true, token: 'hf_ownertoken' }, { id: 'other/one' }], {
    now: () => clock.now(),
  });
  const state = waiting(
    connections(simulator, { base: 'owner/name' }, 'hf_ownertoken').wake('space:base', { onStatus: () => undefined }),
  );
  await clock.advance(40_000);
  expect(state.done).toBe(true);
  expect(simulator.calls.every(({ authorization }) => authorization === 'Bearer hf_ownertoken')).toBe(true);
});

test('what the Hub does not know is visited, and nothing is waited for', async () => {
  const simulator = new HubSimulator([]);
  const visited: string[] = [];
  const all = new Connections(
    {
      spaces: { base: { url: 'http://127.0.0.1:1' } },
      providers: {},
      proxyUrl: undefined,
      proxyToken: undefined,
      random: () => 0,
      fetch: (async (url: string) => (visited.push(url), new Response())) as typeof fetch,
      clock,
      hubUrl: 'https://huggingface.co',
      maxReplyBytes: 1,
      timeouts: { firstChunk: 1, stall: 1 },
    },
    { core },
  );
  await all.wake('space:base', { onStatus: () => undefined });
  await settle();
  expect(visited).toEqual(['http://127.0.0.1:1/']);
  expect(simulator.calls).toHaveLength(0);
});
