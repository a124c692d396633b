/** What is read of the Hub's answers: host, kind, stage, rate limit, and what counts as missing or as no host at all. */
import { describe, expect, test } from '@jest/globals';

import { systemClock } from '../../js/clock.ts';
import { Http } from '../../js/http.ts';
import { Hub, rateLimitWait } from '../../js/transports/hub.ts';
import { HubSimulator } from '../servers/hub-simulator.mjs';

const signal = new AbortController().signal;
const hubOver = (
  fetch: typeof globalThis.fetch,
  { token, base = 'https://huggingface.co' }: { token?: string; base?: string } = {},
) =>
  new Hub(
    base,
    new Http({
      fetch,
      clock: systemClock,
      token,
      mayReceiveToken: (origin) => origin === base,
      credentials: 'omit',
      maxReplyBytes: 1e6,
      timeouts: { firstChunk: 1000, stall: 1000 },
    }),
  );
const answering = (value: unknown, headers: Record<string, string> = {}, status = 200) =>
  (async () =>
    new Response(typeof value === 'string' ? value : JSON.stringify(value), {
      status,
      headers,
    })) as typeof globalThis.fetch;

describe('a simulated Hub', () => {
  const simulator = new HubSimulator(
    [
      { id: 'Owner/My_Space', sdk: 'gradio', sha: 'abc' },
      { id: 'owner/asleep', stage: 'SLEEPING' },
      { id: 'owner/broken', stage: 'BUILD_ERROR', errorMessage: 'pip failed' },
      { id: 'owner/secret', private: true, token: 'hf_ownertoken' },
    ],
    { exposeRateLimit: true },
  );

  test('host, facts and the way back from the subdomain', async () => {
    const hub = hubOver(simulator.fetch);
    expect(await hub.host('Owner/My_Space', signal)).toBe('https://owner-my-space.hf.space');
    const facts = {
      id: 'Owner/My_Space',
      sdk: 'gradio',
      sha: 'abc',
      isPrivate: false,
      host: undefined,
      sighting: { stage: 'RUNNING' },
    };
    expect(await hub.space('Owner/My_Space', signal)).toMatchObject(facts);
    expect(await hub.bySubdomain('owner-my-space', signal)).toMatchObject(facts);
  });

  test.each([
    ['owner/asleep', { stage: 'SLEEPING' }],
    ['owner/broken', { stage: 'BUILD_ERROR', errorMessage: 'pip failed' }],
    ['owner/nobody', { stage: 'MISSING' }],
    ['owner/secret', { stage: 'MISSING' }],
  ])('runtime of %s', async (id, expected) => {
    expect(await hubOver(simulator.fetch).runtime(id, signal)).toMatchObject(expected);
  });

  test('a private Space opens to its token', async () => {
    expect(await hubOver(simulator.fetch, { token: 'hf_ownertoken' }).runtime('owner/secret', signal)).toMatchObject({
      stage: 'RUNNING',
    });
    expect(await hubOver(simulator.fetch, { token: 'hf_other' }).runtime('owner/secret', signal)).toMatchObject({
      stage: 'MISSING',
    });
    expect(await hubOver(simulator.fetch).space('owner/secret', signal)).toBeUndefined();
  });

  test('the rate limit is read where the browser may see it', async () => {
    const open = new HubSimulator([{ id: 'o/n' }], { exposeRateLimit: true, quota: 500 });
    const closed = new HubSimulator([{ id: 'o/n' }], { exposeRateLimit: false });
    expect(await hubOver(open.fetch).runtime('o/n', signal)).toMatchObject({
      rateRemaining: 499,
      rateResetSeconds: 300,
    });
    expect(await hubOver(closed.fetch).runtime('o/n', signal)).toEqual({ stage: 'RUNNING' });
  });

  test('the call past the limit is a 429 with its facts', async () => {
    const limited = new HubSimulator([{ id: 'o/n' }], { quota: 2, exposeRateLimit: true });
    const hub = hubOver(limited.fetch);
    await hub.runtime('o/n', signal);
    await hub.runtime('o/n', signal);
    await expect(hub.runtime('o/n', signal)).rejects.toMatchObject({
      facts: { kind: 'http', status: 429, headers: { ratelimit: '"api";r=0;t=300' } },
    });
  });
});

describe('a host that may be called with a token', () => {
  const real = 'https://huggingface.co';
  const loopback = 'http://127.0.0.1:5000';
  test.each([
    [real, 'https://owner-name.hf.space', 'https://owner-name.hf.space'],
    [real, 'https://owner-name.hf.space/path?x', 'https://owner-name.hf.space'],
    [real, 'https://llm.example.com', 'https://llm.example.com'],
    [real, 'http://owner-name.hf.space', undefined],
    [real, 'http://127.0.0.1:7860', undefined],
    [real, 'https://127.0.0.1:7860', undefined],
    [real, 'https://user:pass@owner-name.hf.space', undefined],
    [real, 'javascript:alert(1)', undefined],
    [real, 'owner-name.hf.space', undefined],
    [real, '', undefined],
    [real, 42, undefined],
    [real, null, undefined],
    [loopback, 'http://127.0.0.1:7860', 'http://127.0.0.1:7860'],
    [loopback, 'http://localhost:7860', 'http://localhost:7860'],
    [loopback, 'https://owner-name.hf.space', 'https://owner-name.hf.space'],
    [loopback, 'http://owner-name.hf.space', undefined],
    [loopback, 'http://192.168.0.2', undefined],
  ])('Hub %s names %s: %s', async (base, host, expected) => {
    expect(await hubOver(answering({ host, subdomain: 'x' }), { base }).host('o/n', signal)).toBe(expected);
    expect((await hubOver(answering({ id: 'o/n', host }), { base }).space('o/n', signal))?.host).toBe(expected);
  });
});

test.each([
  ['no runtime', { id: 'o/n' }, 'UNKNOWN'],
  ['a list', [], 'UNKNOWN'],
  ['null', null, 'UNKNOWN'],
  ['a stage that is no text', { runtime: { stage: 7 } }, 'UNKNOWN'],
  ['a stage nobody knows yet', { runtime: { stage: 'HIBERNATING' } }, 'HIBERNATING'],
])('odd facts: %s', async (_name, value, stage) => {
  expect((await hubOver(answering(value)).space('o/n', signal))?.sighting.stage).toBe(stage);
});

test('a page instead of JSON is a failure', async () => {
  await expect(hubOver(answering('<!DOCTYPE html>')).runtime('o/n', signal)).rejects.toMatchObject({
    facts: { kind: 'protocol' },
  });
});

test.each([
  [{ 'retry-after': '7' }, 7],
  [{ 'retry-after': new Date(1_800_000_030_000).toUTCString() }, 30],
  [{ 'retry-after': new Date(1_700_000_000_000).toUTCString() }, 0],
  [{ ratelimit: '"api";r=0;t=55' }, 55],
  [{ 'retry-after': 'soon', ratelimit: '"api";r=0;t=55' }, 55],
  [{}, undefined],
  [undefined, undefined],
])('until when: %j is %s s', (headers, seconds) => {
  expect(rateLimitWait(headers as Record<string, string>, 1_800_000_000_000)).toBe(seconds);
});
