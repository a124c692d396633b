/** A client that follows what an administrator sets: applied, confirmed by ETag, kept, refused when wrong. */
import { afterEach, describe, expect, test } from '@jest/globals';

import { type ConfigFollower, followConfig, type FollowOptions } from '../../js/follow-config.ts';
import type { Client, Json } from '../../js/types.ts';
import { bench, chat, closeAll, space } from './client-bench.ts';

const followers: ConfigFollower[] = [];
afterEach(() => {
  for (const each of followers.splice(0)) each.stop();
  closeAll();
});

interface Asked {
  url: string;
  headers: Record<string, string>;
}
/** The function `config`: gives `config.now` under an ETag of its text. */
function server(now: Json) {
  const state = { now, status: 200, asked: [] as Asked[], down: false };
  const fetching = (url: string, init: { headers: Record<string, string> }) => {
    state.asked.push({ url, headers: init.headers });
    if (state.down) return Promise.reject(new TypeError('offline'));
    const text = JSON.stringify(state.now);
    const etag = `"${String(text.length)}"`;
    if (init.headers['if-none-match'] === etag) return Promise.resolve(new Response(null, { status: 304 }));
    return Promise.resolve(new Response(text, { status: state.status, headers: { etag } }));
  };
  return { state, fetch: fetching as unknown as typeof fetch };
}
/** Settings that several visits share. */
function visit(client: Client, settings: Map<string, Json>) {
  return {
    configure: client.configure.bind(client),
    getSetting: (key: string) => Promise.resolve(settings.get(key)),
    setSetting: (key: string, value: Json | undefined) => {
      settings.set(key, structuredClone(value!));
      return Promise.resolve();
    },
  };
}
function follow(client: Parameters<typeof followConfig>[0], more: Partial<FollowOptions>): ConfigFollower {
  const follower = followConfig(client, { url: 'https://b.test/functions/v1/', token: 'session', ...more });
  followers.push(follower);
  return follower;
}

const company = { spaces: { company: space('company') }, defaultTier: 'company' } as unknown as Json;

test('is applied to the client, live', async () => {
  const { client } = bench({ spaces: { base: space('base') } }, (call) => chat(call.host));
  expect((await client.generate('One')).content).toBe('base.test');
  const { fetch, state } = server(company);
  const seen: string[] = [];
  const follower = follow(client, { fetch, company: 'c1', onChange: ({ source }) => seen.push(source) });
  expect(follower.state()).toEqual({ source: 'given', confirmedAt: undefined, age: undefined, error: undefined });
  const after = await follower.refresh();
  expect(after).toMatchObject({ source: 'server', error: undefined });
  expect(after.age).toBeLessThan(1000);
  expect((await client.generate('Two')).content).toBe('company.test');
  expect(state.asked[0]).toEqual({
    url: 'https://b.test/functions/v1/config',
    headers: { authorization: 'Bearer session', 'x-tierwise-company': 'c1' },
  });
  expect(seen).toEqual(['server']);
});

test('settings of the function `config` count, what stands above them counts before', async () => {
  const { client } = bench({ spaces: { base: space('base') } }, (call) => chat(call.host));
  const spaces = { company: space('company'), user: space('user') };
  const { fetch, state } = server({ spaces, settings: { defaultTier: 'company', flags: 'x' } } as unknown as Json);
  const follower = follow(client, { fetch });
  expect(await follower.refresh()).toMatchObject({ source: 'server', error: undefined });
  expect((await client.generate('One')).content).toBe('company.test');
  state.now = { spaces, defaultTier: 'user', settings: { defaultTier: 'company' } } as unknown as Json;
  expect(await follower.refresh()).toMatchObject({ source: 'server', error: undefined });
  expect((await client.generate('Two')).content).toBe('user.test');
});

test('what the server takes back is as the client was given it, or by default', async () => {
  const { client } = bench({ spaces: { base: space('base'), company: space('company') } }, (call) => chat(call.host));
  const { fetch, state } = server({ defaultTier: 'company', wake: 'wait' });
  const told: object[] = [];
  const shared = {
    ...visit(client, new Map()),
    configure: (change: object) => (told.push(change), client.configure(change)),
  };
  const follower = follow(shared, { fetch, given: { defaultTier: 'base' } });
  await follower.refresh();
  state.now = { more: 1 };
  expect(await follower.refresh()).toMatchObject({ source: 'server', error: undefined });
  expect(told.at(-1)).toEqual({ defaultTier: 'base', wake: undefined });
  expect((await client.generate('Hello')).content).toBe('base.test');
  await follower.refresh();
  state.now = { more: 12 };
  await follower.refresh();
  expect(told.at(-1)).toEqual({});
});

test('is asked for with its ETag; a 304 confirms it', async () => {
  const { client } = bench({ spaces: { base: space('base') } });
  const { fetch, state } = server(company);
  const follower = follow(client, { fetch });
  const first = await follower.refresh();
  const second = await follower.refresh();
  expect(state.asked.map(({ headers }) => headers['if-none-match'])).toEqual([
    undefined,
    `"${String(JSON.stringify(company).length)}"`,
  ]);
  expect(second.confirmedAt).toBeGreaterThanOrEqual(first.confirmedAt!);
  expect(second.source).toBe('server');
});

test('is kept: the next visit runs on it offline, and says how old it is', async () => {
  const settings = new Map<string, Json>();
  const { fetch, state } = server(company);
  const first = bench({ spaces: { base: space('base') } });
  await follow(visit(first.client, settings), { fetch, user: 'u1' }).refresh();
  state.down = true;
  const second = bench({ spaces: { base: space('base') } }, (call) => chat(call.host));
  const follower = follow(visit(second.client, settings), { fetch, user: 'u1' });
  const after = await follower.refresh();
  expect(after).toMatchObject({ source: 'kept', error: 'offline' });
  expect(after.age).toBeGreaterThanOrEqual(0);
  expect((await second.client.generate('Hi')).content).toBe('company.test');
  const other = bench({ spaces: { base: space('base') } }, (call) => chat(call.host));
  await follow(visit(other.client, settings), { fetch, user: 'u2' }).refresh();
  expect((await other.client.generate('Hi')).content).toBe('base.test');
});

describe('what is not applied', () => {
  test.each<[string, Json, number, RegExp]>([
    ['a wrong field', { spaces: { base: { url: 'http://far.test' } } } as unknown as Json, 200, /spaces\.base\.url/],
    ['no object', [1], 200, /no JSON object/],
    ['an error', {}, 500, /answered with 500/],
  ])('%s: the one before stays, and why is said', async (_what, now, status, why) => {
    const { client } = bench({ spaces: { base: space('base') } }, (call) => chat(call.host));
    const { fetch, state } = server(now);
    state.status = status;
    const after = await follow(client, { fetch }).refresh();
    expect(after).toMatchObject({ source: 'given', error: expect.stringMatching(why) });
    expect((await client.generate('Hi')).content).toBe('base.test');
  });

  test('a token that the server names, and fields that are not its own', async () => {
    const { client, models } = bench({ spaces: { base: space('base') } }, (call) => chat(call.host));
    const { fetch } = server({
      spaces: { base: { ...space('other'), token: 'hf_aaaaaaaaaaaaaaaaaaaa' } },
      proxyUrl: 'https://evil.test',
      models: [],
    } as unknown as Json);
    expect((await follow(client, { fetch }).refresh()).error).toBeUndefined();
    expect((await client.generate('Hi')).content).toBe('other.test');
    expect(models.calls.every(({ headers }) => headers.get('authorization') === null)).toBe(true);
  });

  test('what somebody wrote into the settings', async () => {
    for (const broken of ['text', { at: 1 }, { at: 'x', config: {} }, { at: 1, config: { spaces: 5 } }] as Json[]) {
      const { client } = bench({ spaces: { base: space('base') } }, (call) => chat(call.host));
      const { fetch, state } = server({});
      state.down = true;
      const settings = { get: () => broken, set: () => undefined } as unknown as Map<string, Json>;
      const after = await follow(visit(client, settings), { fetch }).refresh();
      expect(after.source).toBe('given');
      expect((await client.generate('Hi')).content).toBe('base.test');
    }
  });
});

test('without a token nothing is asked; stopped, nothing is applied', async () => {
  const { client } = bench({ spaces: { base: space('base') } }, (call) => chat(call.host));
  const { fetch, state } = server(company);
  const follower = follow(client, { fetch, token: () => undefined });
  expect((await follower.refresh()).source).toBe('given');
  expect(state.asked).toEqual([]);
  const stopping = follow(client, { fetch });
  stopping.stop();
  await stopping.refresh();
  expect((await client.generate('Hi')).content).toBe('base.test');
});
