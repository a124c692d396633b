/** The exact cache as a caller meets it: what answers, what is stored, what is shared, what is forgotten. */
import { setTimeout as pause } from 'node:timers/promises';

import { afterEach, describe, expect, test } from '@jest/globals';

import { AbortedError, NotCachedError, sharedMemoryStore } from '../../dist/index.js';
import type { ClientConfig, Reply, RequestOptions } from '../../js/types.ts';
import {
  because,
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
  sse,
  until,
} from './client-bench.ts';
import { FakeClock } from './fake-clock.ts';

afterEach(closeAll);

const counting = () => {
  let count = 0;
  return () => chat(`Reply ${String(++count)}.`);
};
const hour = 3_600_000;

describe('hit and miss', () => {
  test('the second time it comes from the cache, under the target that answered, with its age', async () => {
    const clock = new FakeClock();
    const { client, models } = bench({ clock }, () =>
      chat('Hello.', { usage: { prompt_tokens: 3, completion_tokens: 2 } }),
    );
    const first = await client.generate('Hi');
    await clock.advance(5000);
    const second = await client.generate('Hi');
    expect(first).toMatchObject({ source: 'openai', age: 0 });
    expect(second).toMatchObject({
      source: 'cache',
      target: 'openai',
      content: 'Hello.',
      age: 5000,
      model: 'tiny',
      finishReason: 'stop',
      cost: 0,
      usage: { inputTokens: 3, outputTokens: 2, estimated: false },
    });
    expect(second.id).not.toBe(first.id);
    expect(models.calls).toHaveLength(1);
    expect(because(first).join(' ')).toMatch(/not in the cache.*Stored in memory/s);
    expect(because(second).join(' ')).toContain('The same request was answered before.');
  });

  const base: { prompt: string; options: RequestOptions; config: ClientConfig } = {
    prompt: 'Tell me about tea',
    options: {
      system: 'Be brief.',
      history: [
        { role: 'user', content: 'Before?' },
        { role: 'assistant', content: 'Yes.' },
      ],
      context: { topic: 'tea', place: { city: 'Kyoto', year: 1590 } },
      temperature: 0.5,
      parameters: { top_k: 4, a: { b: 1, c: 2 } },
      stop: ['\n', '#'],
    },
    config: { spaces: { base: space('one', { revision: 'r1', endpoint: '/v1/chat/completions' }) } },
  };
  type Change = (ask: typeof base) => void;

  test.each<[string, Change]>([
    ['a letter of the prompt', (ask) => (ask.prompt = 'Tell me about teas')],
    ['capitals', (ask) => (ask.prompt = 'tell me about tea')],
    ['inner spaces', (ask) => (ask.prompt = 'Tell me  about tea')],
    ['a leading space', (ask) => (ask.prompt = ' Tell me about tea')],
    ['the system text', (ask) => (ask.options.system = 'Be long.')],
    ['a word of the history', (ask) => (ask.options.history = [{ role: 'user', content: 'Before!' }])],
    [
      'a role of the history',
      (ask) =>
        (ask.options.history = [
          { role: 'user', content: 'Before?' },
          { role: 'user', content: 'Yes.' },
        ]),
    ],
    ['no history', (ask) => delete ask.options.history],
    ['a context value', (ask) => (ask.options.context = { topic: 'tea', place: { city: 'Uji', year: 1590 } })],
    ['temperature', (ask) => (ask.options.temperature = 0.6)],
    ['maxTokens', (ask) => (ask.options.maxTokens = 100)],
    ['topP', (ask) => (ask.options.topP = 0.5)],
    ['seed', (ask) => (ask.options.seed = 0)],
    ['the order of stop texts', (ask) => (ask.options.stop = ['#', '\n'])],
    ['a parameter passed through', (ask) => (ask.options.parameters = { top_k: 5, a: { b: 1, c: 2 } })],
    ['the tenant', (ask) => (ask.options.partition = { tenant: 'acme' })],
    ['the user', (ask) => (ask.options.partition = { user: 'u' })],
    ['a field of the partition of its own', (ask) => (ask.options.partition = { role: 'admin' })],
    [
      'a partition that would join to the same text',
      (ask) => (ask.options.partition = { tenant: 'acme","role":"admin' }),
    ],
    [
      'the model',
      (ask) =>
        (ask.config = {
          spaces: { base: space('one', { model: 'big', revision: 'r1', endpoint: '/v1/chat/completions' }) },
        }),
    ],
    [
      'the revision',
      (ask) => (ask.config = { spaces: { base: space('one', { revision: 'r2', endpoint: '/v1/chat/completions' }) } }),
    ],
    [
      'the endpoint',
      (ask) =>
        (ask.config = { spaces: { base: space('one', { revision: 'r1', endpoint: '/openai/v1/chat/completions' }) } }),
    ],
    [
      'the address',
      (ask) => (ask.config = { spaces: { base: space('two', { revision: 'r1', endpoint: '/v1/chat/completions' }) } }),
    ],
    [
      'the kind of provider',
      (ask) => (ask.config = { providers: { openai: { ...openai, baseUrl: 'https://one.test/v1' } } }),
    ],
  ])('another reply for another request: %s', async (_, change) => {
    const storage = sharedMemoryStore();
    const shared = { storage: () => Promise.resolve(storage), cache: { persist: true } };
    const before = bench({ ...base.config, ...shared }, counting());
    await before.client.generate(base.prompt, base.options);
    expect((await before.client.generate(base.prompt, base.options)).source).toBe('cache');
    await before.client.flush();
    const ask = structuredClone(base);
    change(ask);
    const moved = JSON.stringify(ask.config) !== JSON.stringify(base.config);
    const after = moved ? bench({ ...ask.config, ...shared }, counting()) : before;
    expect((await after.client.generate(ask.prompt, ask.options)).source).not.toBe('cache');
  });

  test.each<[string, Change]>([
    ['nothing', () => undefined],
    ['line ends and white space at the end', (ask) => (ask.prompt = 'Tell me about tea \r\n')],
    ['blank lines in front', (ask) => (ask.prompt = '\n \nTell me about tea')],
    ['the order of keys', (ask) => (ask.options = Object.fromEntries(Object.entries(ask.options).reverse()))],
    ['the order of a parameter’s keys', (ask) => (ask.options.parameters = { a: { c: 2, b: 1 }, top_k: 4 })],
    ['a parameter that is not set', (ask) => (ask.options.parameters = { top_k: 4, a: { b: 1, c: 2 }, z: undefined })],
    ['defaults written out', (ask) => (ask.options.maxTokens = 512)],
    [
      'tags, priority, wake, timeouts',
      (ask) =>
        Object.assign(ask.options, {
          cache: { tags: ['t'] },
          priority: { mode: 'background' },
          wake: 'wait',
          timeouts: { total: 9000 },
        }),
    ],
  ])('the same reply for the same request: %s', async (_, change) => {
    const { client, models } = bench(base.config, counting());
    await client.generate(base.prompt, base.options);
    const ask = structuredClone(base);
    change(ask);
    expect((await client.generate(ask.prompt, ask.options)).source).toBe('cache');
    expect(models.calls).toHaveLength(1);
  });

  test('Unicode: composed and decomposed characters are the same text', async () => {
    const { client } = bench({}, counting());
    await client.generate('caf\u00e9');
    expect((await client.generate('cafe\u0301')).source).toBe('cache');
    expect((await client.generate('cafe')).source).toBe('openai');
  });
});

describe('life and directives', () => {
  const asked = async (steps: [number, RequestOptions['cache'], string][], config: ClientConfig = {}) => {
    const clock = new FakeClock();
    const set = bench({ clock, ...config }, counting());
    for (const [after, cache, expected] of steps) {
      await clock.advance(after);
      const reply = await set.client.generate('Hi', cache === undefined ? {} : { cache }).then(
        (given: Reply) => `${given.source}: ${given.content}`,
        (error: { code: string }) => error.code,
      );
      expect(reply).toBe(expected);
      await settle();
    }
    return set;
  };
  test.each<[string, ClientConfig, [number, RequestOptions['cache'], string][]]>([
    [
      '24 hours by default',
      {},
      [
        [0, undefined, 'openai: Reply 1.'],
        [24 * hour - 1, undefined, 'cache: Reply 1.'],
        [1, undefined, 'openai: Reply 2.'],
      ],
    ],
    [
      'a life of the client’s',
      { cache: { ttl: 1000 } },
      [
        [0, undefined, 'openai: Reply 1.'],
        [999, undefined, 'cache: Reply 1.'],
        [1, undefined, 'openai: Reply 2.'],
      ],
    ],
    [
      'a life of the request’s own',
      { cache: { ttl: 1000 } },
      [
        [0, { ttl: 5000 }, 'openai: Reply 1.'],
        [4999, undefined, 'cache: Reply 1.'],
        [1, undefined, 'openai: Reply 2.'],
      ],
    ],
    [
      'maxAge',
      {},
      [
        [0, undefined, 'openai: Reply 1.'],
        [100, { maxAge: 100 }, 'cache: Reply 1.'],
        [1, { maxAge: 100 }, 'openai: Reply 2.'],
        [0, undefined, 'cache: Reply 2.'],
      ],
    ],
    [
      'noCache: a fresh reply replaces the stored one',
      {},
      [
        [0, undefined, 'openai: Reply 1.'],
        [1, { noCache: true }, 'openai: Reply 2.'],
        [1, undefined, 'cache: Reply 2.'],
      ],
    ],
    [
      'noStore: looked up but not stored',
      {},
      [
        [0, { noStore: true }, 'openai: Reply 1.'],
        [1, undefined, 'openai: Reply 2.'],
        [1, { noStore: true }, 'cache: Reply 2.'],
      ],
    ],
    [
      'false: neither',
      {},
      [
        [0, undefined, 'openai: Reply 1.'],
        [1, false, 'openai: Reply 2.'],
        [1, undefined, 'cache: Reply 1.'],
      ],
    ],
    [
      'onlyIfCached',
      {},
      [
        [0, { onlyIfCached: true }, 'not-cached'],
        [0, undefined, 'openai: Reply 1.'],
        [1, { onlyIfCached: true }, 'cache: Reply 1.'],
        [1, { onlyIfCached: true, maxAge: 1 }, 'not-cached'],
      ],
    ],
    [
      'a client without a cache',
      { cache: false },
      [
        [0, undefined, 'openai: Reply 1.'],
        [1, undefined, 'openai: Reply 2.'],
        [1, { onlyIfCached: true }, 'not-cached'],
      ],
    ],
    [
      'stale while revalidate: shown once more, renewed behind',
      { cache: { ttl: 1000, staleWhileRevalidate: 500 } },
      [
        [0, undefined, 'openai: Reply 1.'],
        [1400, undefined, 'cache: Reply 1.'],
        [1, undefined, 'cache: Reply 2.'],
      ],
    ],
    [
      'past the stale time',
      { cache: { ttl: 1000, staleWhileRevalidate: 500 } },
      [
        [0, undefined, 'openai: Reply 1.'],
        [1500, undefined, 'openai: Reply 2.'],
      ],
    ],
    [
      'a stale reply is no way round maxAge',
      { cache: { ttl: 1000, staleWhileRevalidate: 500 } },
      [
        [0, undefined, 'openai: Reply 1.'],
        [1400, { maxAge: 1200 }, 'openai: Reply 2.'],
      ],
    ],
    [
      'onlyIfCached makes no call, not even to renew',
      { cache: { ttl: 1000, staleWhileRevalidate: 500 } },
      [
        [0, undefined, 'openai: Reply 1.'],
        [1400, { onlyIfCached: true }, 'cache: Reply 1.'],
        [1, { onlyIfCached: true }, 'cache: Reply 1.'],
      ],
    ],
  ])('%s', async (_, config, steps) => {
    const { warnings } = await asked(steps, config);
    expect(warnings).toEqual([]);
  });

  test('many that are shown a stale reply renew it once; a failure to renew is a warning', async () => {
    const clock = new FakeClock();
    const { client, models, warnings, usage } = bench(
      { clock, cache: { ttl: 1000, staleWhileRevalidate: hour } },
      counting(),
    );
    await client.generate('Hi');
    await clock.advance(2000);
    models.answer = () => new Response('', { status: 401 });
    const shown = await Promise.all(Array.from({ length: 10 }, () => client.generate('Hi')));
    expect(shown.map(({ content }) => content)).toEqual(Array.from({ length: 10 }, () => 'Reply 1.'));
    await settle();
    expect(models.calls).toHaveLength(2);
    expect(warnings.map(({ code }) => code)).toEqual(['revalidation-failed']);
    expect(usage.filter(({ kind }) => kind === 'hit')).toHaveLength(10);
    // Still there, and tried again with the next.
    models.answer = () => chat('Fresh.');
    expect((await client.generate('Hi')).content).toBe('Reply 1.');
    await settle();
    expect((await client.generate('Hi')).content).toBe('Fresh.');
    expect(because(shown[0]!).join(' ')).toContain('past its life');
  });

  test('NotCachedError is typed', async () => {
    expect(await failureOf(bench().client.generate('Hi', { cache: { onlyIfCached: true } }))).toBeInstanceOf(
      NotCachedError,
    );
  });
});

describe('what is stored', () => {
  test.each<[string, boolean, RequestOptions, () => Response]>([
    ['temperature 0', true, { temperature: 0 }, () => chat('Hi.')],
    ['the default temperature', true, {}, () => chat('Hi.')],
    ['temperature 1', true, { temperature: 1 }, () => chat('Hi.')],
    ['a temperature above 1', false, { temperature: 1.1 }, () => chat('Hi.')],
    ['variety', false, { variety: true }, () => chat('Hi.')],
    ['a reply cut at its length', false, {}, () => chat('Hi', { finish: 'length' })],
    ['a filtered reply', false, {}, () => chat('', { finish: 'content_filter' })],
    ['a reply filtered halfway', false, {}, () => chat('Hi', { finish: 'content_filter' })],
    ['tool calls', false, {}, () => chat('', { finish: 'tool_calls' })],
    ['an empty reply', false, {}, () => chat('')],
    ['a whole body', true, {}, () => json({ choices: [{ message: { content: 'Hi.' }, finish_reason: 'stop' }] })],
  ])('%s: %p', async (_, stored, options, answer) => {
    const { client, models } = bench({}, answer);
    const first = await client.generate('Hi', options);
    const second = await client.generate('Hi', options);
    expect(second.source).toBe(stored ? 'cache' : 'openai');
    expect(models.calls).toHaveLength(stored ? 1 : 2);
    if (!stored) expect(because(first).at(-1)).toMatch(/^Not stored: /);
  });

  test('replies of the plain contract, which has no word for why a reply ended, are stored', async () => {
    const { client } = bench({ spaces: { base: space('base', { protocol: 'plain' }) } }, () =>
      json({ generated_text: 'Hi.' }),
    );
    expect(await client.generate('Hi')).toMatchObject({ source: 'space', finishReason: 'unknown' });
    expect((await client.generate('Hi')).source).toBe('cache');
  });

  test('a stream that breaks is not', async () => {
    const { client, models } = bench({}, (call) => {
      const feed = new Feed(call.signal);
      feed.say('Half');
      feed.close();
      return feed.response;
    });
    await failureOf(client.stream('Hi').reply);
    models.answer = () => chat('Whole.');
    expect((await client.generate('Hi')).content).toBe('Whole.');
  });

  test('the mock is neither stored nor asked for', async () => {
    const { client } = bench({ providers: { mock: { delayMs: 0 } } });
    expect((await client.generate('Hi')).source).toBe('mock');
    expect((await client.generate('Hi')).source).toBe('mock');
    expect(await client.cache.entries()).toEqual([]);
  });

  test('after a fallback the reply belongs to the target that answered', async () => {
    const { client, models } = bench({ spaces: { base: space('base') }, providers: { openai } }, (call) =>
      call.host === 'base.test' ? new Response('', { status: 401 }) : chat('From the provider.'),
    );
    const reply = await client.generate('Hi');
    expect(reply).toMatchObject({ target: 'openai', source: 'openai' });
    expect(await client.cache.entries()).toMatchObject([{ target: 'openai' }]);
    // The Space is back: its own reply is asked for, the provider's is not taken for it.
    models.answer = () => chat('From the Space.');
    expect(await client.generate('Hi')).toMatchObject({ target: 'space:base', content: 'From the Space.' });
    expect(await client.generate('Hi', { cache: { onlyIfCached: true } })).toMatchObject({ target: 'space:base' });
  });
});

describe('a preferred Space that cannot be called answers from the cache first', () => {
  const config = { spaces: { base: space('base') }, providers: { openai }, random: () => 0 };
  test('cooling down', async () => {
    const clock = new FakeClock();
    const { client, models } = bench({ ...config, clock }, (call) =>
      chat(call.host === 'base.test' ? 'Space.' : 'Provider.'),
    );
    await client.generate('Known');
    models.answer = (call) =>
      call.host === 'base.test' ? json({ error: 'Slow down' }, 429, { 'retry-after': '60' }) : chat('Provider.');
    expect(await client.generate('Other')).toMatchObject({ target: 'openai', content: 'Provider.' });
    expect((await client.health())[0]).toMatchObject({ target: 'space:base', state: 'cooling-down' });
    const calls = models.calls.length;
    expect(await client.generate('Known')).toMatchObject({ source: 'cache', target: 'space:base', content: 'Space.' });
    expect(models.calls).toHaveLength(calls);
    expect(await client.generate('Unknown')).toMatchObject({ source: 'openai' });
  });

  test('cooling down with nobody else left', async () => {
    const { client, models } = bench({ spaces: { base: space('base') } }, () => chat('Space.'));
    await client.generate('Known');
    models.answer = () => json({ error: 'Slow down' }, 429, { 'retry-after': '3600' });
    expect((await failureOf(client.generate('Other'))).code).toBe('rate-limit');
    expect(await client.generate('Known')).toMatchObject({ source: 'cache', content: 'Space.' });
    expect(await client.generate('Known', { cache: { onlyIfCached: true } })).toMatchObject({ source: 'cache' });
  });
});

describe('forget', () => {
  const day = 24 * hour;
  async function filled() {
    const clock = new FakeClock();
    const set = bench(
      { clock, spaces: { base: space('base'), company: space('company') }, cache: { ttl: 30 * day } },
      counting(),
    );
    const { client } = set;
    const old = await client.generate('old', { cache: { tags: ['news', 'tea'] } });
    await clock.advance(day);
    await client.generate('company', { tier: 'company', cache: { tags: ['tea'] } });
    await client.generate('plain');
    await client.generate('acme', { partition: { tenant: 'acme' } });
    const entries = await client.cache.entries();
    return { ...set, old, entries, id: entries.find(({ prompt }) => prompt === 'plain')!.id };
  }
  type Filled = Awaited<ReturnType<typeof filled>>;
  test.each<[string, (set: Filled) => object, string[]]>([
    ['everything of this partition', () => ({}), ['old', 'company', 'plain']],
    ['everything', () => ({ partition: 'all' }), ['old', 'company', 'plain', 'acme']],
    ['a partition', () => ({ partition: { tenant: 'acme' } }), ['acme']],
    ['a partition nobody has', () => ({ partition: { tenant: 'none' } }), []],
    ['a tag', () => ({ tag: 'tea' }), ['old', 'company']],
    ['another tag', () => ({ tag: 'news' }), ['old']],
    ['a tag that is part of one', () => ({ tag: 'te' }), []],
    ['a tier', () => ({ tier: 'company' }), ['company']],
    ['a target', () => ({ target: 'space:base' }), ['old', 'plain']],
    ['an age', () => ({ olderThan: hour }), ['old']],
    ['an age nothing has', () => ({ olderThan: 2 * day }), []],
    ['ids', ({ id }) => ({ ids: [id, '0'.repeat(64)] }), ['plain']],
    ['no ids', () => ({ ids: [] }), []],
    ['a reply', ({ old }) => ({ replyId: old.id }), ['old']],
    ['a reply nobody knows', () => ({ replyId: 'none' }), []],
    ['a tag and an age', () => ({ tag: 'tea', olderThan: hour }), ['old']],
    ['a tag and another tier', () => ({ tag: 'news', tier: 'company' }), []],
  ])('%s', async (_, selector, expected) => {
    const set = await filled();
    const { client } = set;
    const ask = (prompt: string) =>
      client.generate(prompt, {
        tier: prompt === 'company' ? 'company' : 'base',
        cache: { onlyIfCached: true },
        ...(prompt === 'acme' && { partition: { tenant: 'acme' } }),
      });
    const dry = await client.forget({ ...selector(set), dryRun: true });
    expect([dry.entries, dry.dryRun]).toEqual([expected.length, true]);
    expect(dry.bytes > 0).toBe(expected.length > 0);
    for (const prompt of ['old', 'company', 'plain', 'acme']) expect((await ask(prompt)).source).toBe('cache');
    expect(await client.forget(selector(set))).toEqual({ ...dry, dryRun: false });
    for (const prompt of ['old', 'company', 'plain', 'acme']) {
      const answer = await ask(prompt).then(
        () => 'kept',
        (error: { code: string }) => error.code,
      );
      expect([prompt, answer]).toEqual([prompt, expected.includes(prompt) ? 'not-cached' : 'kept']);
    }
    expect((await client.forget(selector(set))).entries).toBe(0);
  });

  test('what was forgotten while it was fetched does not come back', async () => {
    const { client, models } = bench();
    let feed!: Feed;
    models.answer = (call) => (feed = new Feed(call.signal)).response;
    const reply = client.generate('Hi', { cache: { tags: ['t'] } });
    await until(() => models.calls.length === 1);
    await client.forget({ tag: 't' });
    feed.say('Hello.');
    feed.end();
    expect(because(await reply).at(-1)).toContain('forgotten while it was being fetched');
    expect(await client.cache.entries()).toEqual([]);
    models.answer = () => chat('Again.');
    // A request of the very millisecond of a forget counts as begun before it.
    await pause(2);
    expect((await client.generate('Hi', { cache: { tags: ['t'] } })).content).toBe('Again.');
    expect((await client.generate('Hi')).source).toBe('cache');
  });

  test('a cached hit can be forgotten by its own id', async () => {
    const { client } = bench();
    await client.generate('Hi');
    const hit = await client.generate('Hi');
    expect((await client.forget({ replyId: hit.id })).entries).toBe(1);
    expect((await client.generate('Hi')).source).toBe('openai');
  });
});

describe('identical requests under way share one call', () => {
  const sharing = (config: ClientConfig = {}) => {
    const feeds: Feed[] = [];
    const set = bench(config, (call) => {
      const feed = new Feed(call.signal);
      feeds.push(feed);
      return feed.response;
    });
    return { ...set, feeds };
  };

  test('ten callers, one fetch, one complete and nine hits', async () => {
    const { client, models, feeds, usage } = sharing();
    const all = Array.from({ length: 10 }, () => client.generate('Hi'));
    await until(() => feeds.length === 1);
    feeds[0]!.say('Hello.');
    feeds[0]!.end();
    const replies = await Promise.all(all);
    expect(new Set(replies.map(({ content }) => content))).toEqual(new Set(['Hello.']));
    expect(new Set(replies.map(({ id }) => id)).size).toBe(10);
    expect(models.calls).toHaveLength(1);
    expect(usage.map(({ kind }) => kind).sort()).toEqual(['complete', ...Array<string>(9).fill('hit'), 'start']);
    expect(because(replies[9]!).join(' ')).toContain('An identical request was already under way');
  });

  test.each<[string, RequestOptions]>([
    ['variety', { variety: true }],
    ['noCache', { cache: { noCache: true } }],
    ['noStore', { cache: { noStore: true } }],
    ['no cache at all', { cache: false }],
  ])('never with %s', async (_, options) => {
    const { client, feeds } = sharing();
    const both = [client.generate('Hi', options), client.generate('Hi', options)];
    await until(() => feeds.length === 2);
    for (const [i, feed] of feeds.entries()) {
      feed.say(`Reply ${String(i)}.`);
      feed.end();
    }
    expect((await Promise.all(both)).map(({ content }) => content)).toEqual(['Reply 0.', 'Reply 1.']);
  });

  test('never across partitions', async () => {
    const { client, feeds } = sharing();
    const both = [
      client.generate('Hi', { partition: { user: 'a' } }),
      client.generate('Hi', { partition: { user: 'b' } }),
    ];
    await until(() => feeds.length === 2);
    for (const feed of feeds) {
      feed.say('Hi.');
      feed.end();
    }
    await Promise.all(both);
  });

  test('one that leaves does not take the others along, not even the first', async () => {
    const { client, models, feeds, usage } = sharing();
    const leave = new AbortController();
    const first = client.generate('Hi', { signal: leave.signal });
    const second = client.generate('Hi');
    const third = client.generate('Hi');
    await until(() => feeds.length === 1);
    await settle();
    leave.abort();
    expect(await failureOf(first)).toBeInstanceOf(AbortedError);
    expect(feeds[0]!.cancelled).toBe(false);
    feeds[0]!.say('Hello.');
    feeds[0]!.end();
    expect((await second).content).toBe('Hello.');
    expect((await third).content).toBe('Hello.');
    expect(models.calls).toHaveLength(1);
    // The call was paid for and stored all the same, by the next in line.
    expect(usage.map(({ kind }) => kind)).toEqual(['start', 'cancel', 'complete', 'hit']);
    expect((await client.generate('Hi')).source).toBe('cache');
  });

  test('when all have left the call is aborted, and the next caller makes a new one', async () => {
    const { client, models, feeds } = sharing();
    const leave = [new AbortController(), new AbortController()];
    const both = leave.map(({ signal }) => client.generate('Hi', { signal }));
    await until(() => feeds.length === 1);
    leave[0]!.abort();
    await settle();
    expect(models.calls[0]!.signal.aborted).toBe(false);
    leave[1]!.abort();
    await until(() => models.calls[0]!.signal.aborted);
    for (const request of both) expect((await failureOf(request)).code).toBe('aborted');
    const next = client.generate('Hi');
    await until(() => feeds.length === 2);
    feeds[1]!.say('Hello.');
    feeds[1]!.end();
    expect((await next).content).toBe('Hello.');
  });

  test('a failure is told to all, and nothing is left over', async () => {
    const { client, models } = bench({}, async () => {
      await settle();
      return json({ error: { message: 'no' } }, 400);
    });
    const all = await Promise.all([1, 2, 3].map(() => failureOf(client.generate('Hi'))));
    expect(all.map(({ code }) => code)).toEqual(['bad-request', 'bad-request', 'bad-request']);
    expect(models.calls).toHaveLength(1);
    models.answer = () => chat('Now.');
    expect((await client.generate('Hi')).content).toBe('Now.');
  });

  test('a late joiner of a stream gets all the text, in order', async () => {
    const { client, models, feeds } = sharing();
    const early = client.stream('Hi');
    const readEarly = read(early);
    await until(() => feeds.length === 1);
    feeds[0]!.say('One ');
    feeds[0]!.say('two ');
    await settle();
    const late = client.stream('Hi');
    const readLate = read(late);
    const whole = client.generate('Hi');
    await settle();
    feeds[0]!.say('three.');
    feeds[0]!.end();
    expect(await readEarly).toEqual({ text: 'One two three.', parts: ['One ', 'two ', 'three.'] });
    expect(await readLate).toEqual({ text: 'One two three.', parts: ['One two ', 'three.'] });
    expect((await whole).content).toBe('One two three.');
    expect(models.calls).toHaveLength(1);
  });

  test('the call lasts for the most patient of them', async () => {
    const clock = new FakeClock();
    const { client, models, feeds } = sharing({ clock });
    const hasty = failureOf(client.generate('Hi', { timeouts: { total: 1000 } }));
    const patient = client.generate('Hi', { timeouts: { total: 60_000 } });
    await until(() => feeds.length === 1);
    await clock.advance(1000);
    expect(await hasty).toMatchObject({ code: 'timeout' });
    feeds[0]!.say('Hello.');
    feeds[0]!.end();
    expect((await patient).content).toBe('Hello.');
    expect(models.calls).toHaveLength(1);
  });

  test('a retry of the shared call is allowed by the patient one’s deadline', async () => {
    const clock = new FakeClock();
    let fails = true;
    const { client, models } = bench({ clock, random: () => 0.5 }, () =>
      fails ? json({ error: 'busy' }, 503, { 'retry-after': '5' }) : chat('Hello.'),
    );
    const hasty = failureOf(client.generate('Hi', { timeouts: { total: 2000 } }));
    const patient = client.generate('Hi', { timeouts: { total: 60_000 } });
    await until(() => models.calls.length === 1);
    await settle();
    fails = false;
    await clock.advance(10_000);
    expect((await hasty).code).toBe('timeout');
    expect((await patient).content).toBe('Hello.');
    expect(models.calls).toHaveLength(2);
  });
});

describe('a cached stream', () => {
  test('replays as parts that make the same text and split no character', async () => {
    const text = `${'Tea is a drink. '.repeat(20)}${'\u{1f375}'.repeat(90)} ${'\u8336'.repeat(100)}`;
    const { client, models } = bench({}, () => chat(text));
    await client.generate('Hi');
    const stream = client.stream('Hi');
    const { text: shown, parts } = await read(stream);
    expect(shown).toBe(text);
    expect(parts.length).toBeGreaterThan(10);
    for (const part of parts) expect(part.isWellFormed()).toBe(true);
    expect(await stream.reply).toMatchObject({ source: 'cache', content: text });
    expect(models.calls).toHaveLength(1);
  });

  test('a reply without text replays as none', async () => {
    const { client } = bench({}, () =>
      sse('data: {"choices":[{"delta":{"content":""},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'),
    );
    expect(await read(client.stream('Hi'))).toEqual({ text: '', parts: [] });
  });
});

test('the bound on bytes is kept within 5 % at 10,000 entries, the oldest go first', async () => {
  const content = 'x'.repeat(700);
  const maxBytes = 17_000_000;
  const { client } = bench({ cache: { maxBytes, maxEntries: 20_000 } }, () => chat(content));
  const seen: { entries: number; bytes: number }[] = [];
  client.on('cache', (totals) => seen.push(totals));
  const prompts = Array.from({ length: 11_000 }, (_, i) => `${String(i)} ${'p'.repeat(93)}`);
  for (const prompt of prompts) await client.generate(prompt);
  const totals = seen.at(-1)!;
  expect(Math.max(...seen.map(({ bytes }) => bytes))).toBeLessThanOrEqual(maxBytes);
  expect(totals.bytes).toBeGreaterThan(maxBytes * 0.95);
  const entries = await client.cache.entries();
  expect(entries).toHaveLength(totals.entries);
  expect(totals.entries).toBeGreaterThan(9000);
  // What is counted is what is there: text and prompt, and the 900 bytes an entry costs beside them.
  const text = entries.length * (content.length + 100);
  expect(text + entries.length * 900).toBeGreaterThan(totals.bytes * 0.95);
  const asked = async (prompt: string) =>
    client.generate(prompt, { cache: { onlyIfCached: true } }).then(
      () => true,
      () => false,
    );
  expect(await asked(prompts.at(-1)!)).toBe(true);
  expect(await asked(prompts.at(-totals.entries)!)).toBe(true);
  expect(await asked(prompts.at(-totals.entries - 1)!)).toBe(false);
  expect((await client.forget({ partition: 'all' })).entries).toBe(totals.entries);
}, 60_000);

test('what is in a store survives the client', async () => {
  const store = sharedMemoryStore();
  const config = { storage: () => Promise.resolve(store), partition: { user: 'u' } };
  const first = bench(config, counting());
  await first.client.generate('Hi', { cache: { tags: ['t'] } });
  await first.client.flush();
  first.client.close();
  const second = bench(config, counting());
  expect(await second.client.generate('Hi')).toMatchObject({ source: 'cache', content: 'Reply 1.' });
  expect(await second.client.cache.entries()).toMatchObject([{ prompt: 'Hi', tags: ['t'], hits: 1 }]);
  expect((await second.client.forget({ tag: 't' })).entries).toBe(1);
  second.client.close();
  expect((await bench(config, counting()).client.generate('Hi')).source).toBe('openai');
});

test('without a user nothing is written to the store, unless it is asked for', async () => {
  const store = sharedMemoryStore();
  let written = 0;
  const counted = { ...store, put: (...given: Parameters<typeof store.put>) => ((written += 1), store.put(...given)) };
  const storage = () => Promise.resolve(counted);
  const nobody = bench({ storage });
  await nobody.client.generate('Hi');
  await nobody.client.generate('Hi', { partition: { tenant: 'acme' } });
  await nobody.client.flush();
  expect(written).toBe(0);
  await nobody.client.generate('Hi', { partition: { user: 'u' } });
  await nobody.client.flush();
  expect(written).toBe(1);
  const asked = bench({ storage, cache: { persist: true } });
  await asked.client.generate('Ho');
  const refused = bench({ storage, cache: { persist: false }, partition: { user: 'u' } });
  await refused.client.generate('Ho');
  await Promise.all([asked.client.flush(), refused.client.flush()]);
  expect(written).toBe(2);
});
