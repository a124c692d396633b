/** The semantic cache as a caller meets it, in Node, with the real models: what answers, what does not, and why. */
import { setTimeout as pause } from 'node:timers/promises';

import { afterEach, describe, expect, test } from '@jest/globals';

import { sharedMemoryStore } from '../../dist/index.js';
import { light, minilm } from '../../dist/minilm.js';
import type { SemanticCache, SemanticDeps, Semantics, StoredQuestion } from '../../js/semantic/semantics.ts';
import type { CacheConfig, ClientConfig, Reply, RequestOptions, Warning } from '../../js/types.ts';
import { bench, chat, closeAll } from './client-bench.ts';
import { FakeClock } from './fake-clock.ts';
import { random } from './random.ts';

afterEach(closeAll);

const day = 86_400_000;
const enable = 'How do I enable two-factor authentication?';
const asEnable = 'how can i enable two factor authentication';
const disable = 'How do I disable two-factor authentication?';

/** A client whose semantic cache is there: the first request of a page does not wait for it. */
async function ready(config: ClientConfig = {}, cache: CacheConfig = {}) {
  let count = 0;
  const made = bench({ embedder: light(), cache, ...config }, () => chat(`Reply ${String(++count)}.`));
  const warnings: Warning[] = [];
  made.client.on('warning', (warning) => warnings.push(warning));
  for (let i = 0; i < 100; i++) {
    const { trace } = await made.client.generate(`Warm up number ${String(i)}, please`);
    if (trace.steps.some(({ step, outcome }) => step === 'semantic' && outcome === 'miss')) break;
    await pause(50);
  }
  const calls = () => made.models.calls.length;
  return { ...made, warnings, calls };
}

describe('what answers', () => {
  test('a question in other words, with when it was asked and how sure that is', async () => {
    const clock = new FakeClock();
    const { client, calls } = await ready({ clock }, { ttl: 30 * day });
    const first = await client.generate(enable);
    await clock.advance(3 * day);
    const before = calls();
    const second = await client.generate(asEnable);
    expect(calls()).toBe(before);
    expect(second).toMatchObject({
      source: 'cache',
      content: first.content,
      age: 3 * day,
      cost: 0,
      cached: { by: 'words', prompt: enable, probability: 1, note: 'Answered from the cache, asked 3 days ago.' },
    });
    const [look] = client.explain(second.id)!.semantic;
    expect(look).toMatchObject({ question: asEnable, policy: 'strict' });
    expect(look!.candidates[0]).toMatchObject({ prompt: enable, same: true, by: 'words' });
    const [from, to, fromAsked, toAsked] = look!.candidates[0]!.alignment!.find(
      ([a, b]) => enable.slice(a, b) === 'enable',
    )!;
    expect([enable.slice(from, to), asEnable.slice(fromAsked, toAsked)]).toEqual(['enable', 'enable']);
    // The words that were stored are the exact cache's.
    const third = await client.generate(enable);
    expect(third.cached).toMatchObject({ by: 'exact', entry: second.cached!.entry });
    expect(third.cached!.prompt).toBeUndefined();
  });

  test('a near miss does not, and explain says why', async () => {
    const { client, calls } = await ready();
    await client.generate(enable);
    const before = calls();
    const reply = await client.generate(disable);
    expect(calls()).toBe(before + 1);
    expect(reply.cached).toBeUndefined();
    const [candidate] = client.explain(reply.id)!.semantic[0]!.candidates;
    expect(candidate).toMatchObject({ prompt: enable, same: false, rule: 'antonym' });
    expect(candidate!.reason).toMatch(/enable.*disable|opposite/);
    expect(candidate!.alignment!.length).toBeGreaterThan(3);
    // No prompt in what may be logged.
    expect(JSON.stringify(reply.trace)).not.toContain('two-factor');
  });

  const options: [string, RequestOptions, RequestOptions][] = [
    ['the system prompt', { system: 'Be brief.' }, { system: 'Be long.' }],
    ['the temperature', { temperature: 0.2 }, { temperature: 0.3 }],
    [
      'the history',
      {},
      {
        history: [
          { role: 'user', content: 'Hello' },
          { role: 'assistant', content: 'Hi' },
        ],
      },
    ],
    ['the context', { context: { plan: 'free' } }, { context: { plan: 'paid' } }],
    ['a parameter', { parameters: { top_k: 4 } }, { parameters: { top_k: 5 } }],
    ['the documents', { documents: [{ text: 'a' }] }, { documents: [{ text: 'b' }] }],
    ['the user', { partition: { user: 'ada' } }, { partition: { user: 'bob' } }],
    ['the tenant', { partition: { tenant: 'a' } }, { partition: { tenant: 'b' } }],
    ['the tier', { tier: 'base' }, { tier: 'company' }],
  ];
  test.each(options)('%s must be the same', async (_, one, other) => {
    const { client } = await ready();
    await client.generate(enable, one);
    expect((await client.generate(asEnable, one)).cached?.by).toBe('words');
    expect((await client.generate(asEnable, other)).cached).toBeUndefined();
  });

  test('context that was declared irrelevant may differ', async () => {
    const { client } = await ready({}, { semantic: { irrelevant: ['now'] } });
    await client.generate(enable, { context: { plan: 'free', now: '10:00' } });
    const later = { plan: 'free', now: '10:05' };
    expect((await client.generate(asEnable, { context: later })).cached?.by).toBe('words');
    expect((await client.generate(asEnable, { context: { ...later, plan: 'paid' } })).cached).toBeUndefined();
  });

  test('replies of a time when more was irrelevant are not for now', async () => {
    const config = { storage: () => Promise.resolve(store), partition: { user: 'ada' } };
    const store = sharedMemoryStore();
    const { client } = await ready(config, { semantic: { irrelevant: ['now'] } });
    await client.generate(enable, { context: { plan: 'free', now: '10:00' } });
    await client.flush();
    client.close();
    const { client: later } = await ready(config);
    expect((await later.generate(asEnable, { context: { plan: 'free' } })).cached).toBeUndefined();
  });

  test.each([
    ['a request', {}, { cache: { semantic: 'off' as const } }],
    ['the client', { semantic: 'off' as const }, {}],
    ['a tier', { semantic: { tiers: { base: 'off' as const } } }, {}],
    ['noCache', {}, { cache: { noCache: true } }],
    ['no cache', {}, { cache: false as const }],
    ['variety', {}, { variety: true }],
  ])('%s may do without', async (_, cache: CacheConfig, options: RequestOptions) => {
    const { client } =
      cache.semantic === undefined ? await ready({}, cache) : bench({ embedder: light(), cache }, () => chat('Yes.'));
    await client.generate(enable);
    await client.generate(enable);
    await pause(cache.semantic === undefined ? 0 : 500);
    const reply = await client.generate(asEnable, options);
    expect(reply.cached).toBeUndefined();
    expect(client.explain(reply.id)!.semantic).toEqual([]);
  });

  test.each(['Why?', 'And in winter?', 'Surprise me with a fact about bees'])(
    '%j is only asked as it is',
    async (prompt) => {
      const { client } = await ready();
      await client.generate(prompt);
      const reply = await client.generate(`${prompt.replace(/\W$/, '')} !`);
      expect(reply.cached).toBeUndefined();
      expect(client.explain(reply.id)!.semantic[0]!.because).toContain('Only asked as it is');
      expect((await client.generate(prompt)).cached?.by).toBe('exact');
    },
  );

  test('conversations take part while they are short', async () => {
    const { client } = await ready();
    const turns = (count: number) =>
      Array.from({ length: count }, (_, i) => [
        { role: 'user' as const, content: `Question ${String(i)}` },
        { role: 'assistant' as const, content: `Answer ${String(i)}` },
      ]).flat();
    for (const [count, by] of [
      [1, 'words'],
      [2, 'words'],
      [3, undefined],
    ] as const) {
      await client.generate(enable, { history: turns(count) });
      expect((await client.generate(asEnable, { history: turns(count) })).cached?.by).toBe(by);
    }
  });

  test('a threshold of its own', async () => {
    const { client } = await ready({}, { semantic: { policy: 'balanced', least: 1 } });
    const asked = 'What is the weight of an elephant?';
    await client.generate('How heavy is an elephant?');
    const reply = await client.generate(asked, { cache: { noStore: true } });
    expect(reply.cached).toBeUndefined();
    const [candidate] = client.explain(reply.id)!.semantic[0]!.candidates;
    expect(candidate).toMatchObject({ same: false, by: 'light', least: 1 });
    expect(candidate!.probability).toBeGreaterThan(0.7);
    const lower = await client.generate(asked, { cache: { semantic: { least: 0.7 } } });
    expect(lower.cached).toMatchObject({ by: 'light', probability: candidate!.probability });
  });
});

describe('corrected', () => {
  test('a thumbs-down parts two questions for good, and nothing else', async () => {
    const store = sharedMemoryStore();
    const storage = () => Promise.resolve(store);
    const { client } = await ready({ storage, partition: { user: 'ada' } });
    await client.generate(enable);
    const wrong = await client.generate(asEnable);
    expect(wrong.cached?.by).toBe('words');
    await client.feedback(wrong.id, 'down');
    const fresh = await client.generate(asEnable);
    expect(fresh.cached).toBeUndefined();
    expect(client.explain(fresh.id)!.semantic[0]!.candidates[0]).toMatchObject({ rule: 'refused-before', same: false });
    // Both have their own now.
    expect((await client.generate(enable)).content).toBe(wrong.content);
    expect((await client.generate(asEnable)).content).toBe(fresh.content);
    expect((await client.generate('How do I enable two factor authentication')).cached?.by).toBe('words');
    await client.flush();
    client.close();

    const { client: later } = await ready({ storage, partition: { user: 'ada' } });
    const [entry] = await later.cache.entries({ search: asEnable });
    await later.forget({ ids: [entry!.id] });
    const again = await later.generate(asEnable);
    expect(again.cached).toBeUndefined();
    expect(later.explain(again.id)!.semantic[0]!.candidates[0]).toMatchObject({ rule: 'refused-before' });
  });

  test('two tabs refuse, and both keep what the other did', async () => {
    const store = sharedMemoryStore();
    const config = { storage: () => Promise.resolve(store), partition: { user: 'ada' } };
    const pairs = [
      [enable, asEnable],
      ['How do I reset my password?', 'how can I reset my password'],
    ] as const;
    const { client: one } = await ready(config);
    const { client: two } = await ready(config);
    for (const client of [one, two]) {
      for (const [stored] of pairs) await client.generate(stored, { cache: { noCache: true } });
    }
    const wrong = await Promise.all([one.generate(pairs[0][1]), two.generate(pairs[1][1])]);
    expect(wrong.map(({ cached }) => cached?.by)).toEqual(['words', 'words']);
    await one.feedback(wrong[0].id, 'down');
    await two.feedback(wrong[1].id, 'down');
    one.close();
    two.close();
    const { client: later } = await ready(config);
    for (const [, asked] of pairs) expect((await later.generate(asked)).cached).toBeUndefined();
  });

  test('what was refused holds in a page that began with somebody who keeps nothing', async () => {
    const store = sharedMemoryStore();
    const storage = () => Promise.resolve(store);
    const kept = { partition: { user: 'ada' } };
    const { client } = await ready({ storage });
    await client.generate(enable, kept);
    await client.feedback((await client.generate(asEnable, kept)).id, 'down');
    await client.flush();
    client.close();
    const { client: later } = await ready({ storage });
    await later.generate(enable);
    expect((await later.generate(asEnable)).cached?.by).toBe('words');
    await later.generate(enable, kept);
    const again = await later.generate(asEnable, kept);
    expect(again.cached).toBeUndefined();
    expect(later.explain(again.id)!.semantic[0]!.candidates[0]).toMatchObject({ rule: 'refused-before' });
  });

  test('what is refused while the semantic cache is not there holds when it is back', async () => {
    const clock = new FakeClock();
    const real = light();
    let broken = false;
    const open: NonNullable<typeof real.semantics>['open'] = async (deps) => {
      const cache = await real.semantics!.open(deps);
      const look: typeof cache.look = (ask) => (broken ? Promise.reject(new Error('unreachable')) : cache.look(ask));
      return {
        look,
        admit: cache.admit.bind(cache),
        drop: cache.drop.bind(cache),
        refuse: cache.refuse.bind(cache),
        explain: cache.explain.bind(cache),
        close: cache.close.bind(cache),
      };
    };
    const embedder = Object.assign(Object.create(real) as typeof real, { semantics: { ...real.semantics!, open } });
    const { client } = await ready({ clock, embedder });
    await client.generate(enable);
    const wrong = await client.generate(asEnable);
    expect(wrong.cached?.by).toBe('words');
    broken = true;
    await client.generate('What is the capital of France?');
    await client.feedback(wrong.id, 'down');
    broken = false;
    await clock.advance(31_000);
    let steps: string[] = [];
    for (let i = 0; i < 50 && !steps.includes('miss'); i++) {
      const reply = await client.generate(asEnable, { cache: { noStore: true } });
      expect(reply.cached).toBeUndefined();
      steps = reply.trace.steps.filter(({ step }) => step === 'semantic').map(({ outcome }) => outcome);
      await pause(50);
    }
    expect(steps).toEqual(['miss']);
  });

  test('what was forgotten is told of no more', async () => {
    const { client } = await ready();
    const first = await client.generate(enable);
    const refused = await client.generate(disable);
    const hit = await client.generate(asEnable);
    await client.forget({ ids: [hit.cached!.entry], dryRun: true });
    expect(client.explain(hit.id)!.semantic).toHaveLength(1);
    await client.forget({ ids: [hit.cached!.entry] });
    for (const { id } of [first, refused, hit]) expect(JSON.stringify(client.explain(id))).not.toContain(enable);
    expect(JSON.stringify(client.explain(hit.id))).not.toContain(asEnable);
    expect(JSON.stringify(client.explain(refused.id))).toContain(disable);
  });

  test('a reply that is forgotten while it is read does not answer', async () => {
    const store = sharedMemoryStore();
    let reading = Promise.resolve();
    const slow = { ...store, get: (id: string) => store.get(id).then((record) => reading.then(() => record)) };
    const config = { storage: () => Promise.resolve(slow), partition: { user: 'ada' } };
    const { client } = await ready(config);
    await client.generate(enable);
    await client.flush();
    client.close();
    const { client: later } = await ready(config);
    let read = (): void => undefined;
    reading = new Promise((resolve) => (read = resolve));
    const asked = [later.generate(asEnable), later.generate(enable)];
    await pause(20);
    await later.forget();
    read();
    for (const { cached } of await Promise.all(asked)) expect(cached).toBeUndefined();
    expect(await later.cache.entries()).toEqual([]);
  });

  test('nothing is refused in vain after the end', async () => {
    const { client } = await ready();
    await client.generate(enable);
    const wrong = await client.generate(asEnable);
    client.close();
    await expect(client.feedback(wrong.id, 'down')).rejects.toMatchObject({ code: 'closed' });
  });

  test('on a reply of its own question it forgets that', async () => {
    const { client } = await ready();
    const first = await client.generate(enable);
    await client.feedback(first.id, 'up');
    expect((await client.generate(enable)).content).toBe(first.content);
    await client.feedback(first.id, 'down');
    expect((await client.generate(enable)).content).not.toBe(first.content);
    await expect(client.feedback('nobody', 'down')).rejects.toMatchObject({ code: 'unknown-reply' });
    await expect(client.feedback(first.id, 'sideways' as 'up')).rejects.toMatchObject({ field: 'verdict' });
  });

  test('entries are listed, searched, edited; hits and savings are counted', async () => {
    const clock = new FakeClock();
    const { client } = await ready({ clock, prices: { models: { tiny: { input: 1, output: 1 } } } });
    await client.generate(enable, { cache: { tags: ['security'] } });
    await client.generate(asEnable, { cache: { tags: ['security'] } });
    await client.generate(enable);
    for (const search of ['TWO-FACTOR', 'security', 'reply'])
      expect((await client.cache.entries({ search })).map(({ prompt }) => prompt)).toContain(enable);
    expect(await client.cache.entries({ search: 'no such text' })).toEqual([]);
    const [entry] = await client.cache.entries({ search: 'two-factor' });
    expect(entry).toMatchObject({ hits: 2 });
    expect(await client.cache.edit(entry!.id, { ttl: 1000 })).toBe(true);
    const [edited] = await client.cache.entries({ search: 'two-factor' });
    expect(edited!.expiresAt).toBe(edited!.storedAt + 1000);
    await clock.advance(1001);
    expect((await client.generate(asEnable)).cached).toBeUndefined();
    expect(await client.cache.edit('0'.repeat(64), { ttl: 1000 })).toBe(false);
    await expect(client.cache.edit(entry!.id, { ttl: 0 })).rejects.toMatchObject({ field: 'ttl' });
    await expect(client.cache.entries({ find: 'x' } as object)).rejects.toMatchObject({ field: 'find' });
  });

  test("the fresh answer is one call away, and takes the old one's place", async () => {
    const { client, calls } = await ready();
    const first = await client.generate(enable);
    const fresh = await client.generate(enable, { cache: { noCache: true } });
    expect(fresh.content).not.toBe(first.content);
    const before = calls();
    expect((await client.generate(asEnable)).content).toBe(fresh.content);
    expect(calls()).toBe(before);
  });

  test('what was asked afresh answers other words, with the next page too', async () => {
    const store = sharedMemoryStore();
    const config = { storage: () => Promise.resolve(store), partition: { user: 'ada' } };
    const { client } = await ready(config);
    const fresh = await client.generate(enable, { cache: { noCache: true } });
    expect((await client.generate(asEnable)).content).toBe(fresh.content);
    await client.flush();
    client.close();
    const { client: later } = await ready(config);
    expect(await later.generate(asEnable)).toMatchObject({ content: fresh.content, cached: { by: 'words' } });
  });
});

describe('kept', () => {
  test("questions and their vectors come back with the next page; another model's vectors are made anew", async () => {
    const store = sharedMemoryStore();
    const storage = () => Promise.resolve(store);
    const config = { storage, partition: { user: 'ada' } };
    const embedder = minilm();
    const { client } = await ready({ ...config, embedder });
    await client.generate(enable);
    const records = async () => {
      const found: { prompt: string; question?: { by: string; vectors?: Uint8Array } | undefined }[] = [];
      await store.load((all) => found.push(...all));
      return found.filter(({ prompt }) => prompt === enable);
    };
    for (let i = 0; i < 200 && (await records())[0]?.question?.vectors === undefined; i++) await pause(50);
    const [record] = await records();
    expect(record!.question!.vectors!.length).toBeGreaterThan(384);
    client.close();
    const { client: later } = await ready(config);
    expect((await later.generate(asEnable)).cached?.by).toBe('words');
    embedder.close();
  }, 60_000);

  test('the fresh answer to a question is found by other words in the next page too', async () => {
    const store = sharedMemoryStore();
    const config = { storage: () => Promise.resolve(store), partition: { user: 'ada' } };
    const { client } = await ready(config);
    await client.generate(enable);
    const fresh = await client.generate(enable, { cache: { noCache: true } });
    await client.flush();
    client.close();
    const { client: later } = await ready(config);
    expect(await later.generate(asEnable)).toMatchObject({ content: fresh.content, cached: { by: 'words' } });
  });

  test.each(['evicted', 'replaced'])(
    'an entry that is %s while its vectors are written does not come back',
    async (how) => {
      const store = sharedMemoryStore();
      let reading = Promise.resolve();
      const slow = { ...store, get: (id: string) => store.get(id).then((record) => reading.then(() => record)) };
      let learned: SemanticDeps['learned'] | undefined;
      const real = light();
      const open: NonNullable<typeof real.semantics>['open'] = (deps) => {
        learned = deps.learned;
        return real.semantics!.open(deps);
      };
      const { client } = await ready(
        {
          storage: () => Promise.resolve(slow),
          partition: { user: 'ada' },
          embedder: Object.assign(Object.create(real) as typeof real, { semantics: { ...real.semantics!, open } }),
        },
        { maxEntries: 2 },
      );
      const first = await client.generate(enable);
      await client.flush();
      const [entry] = await client.cache.entries({ search: enable });
      let read = (): void => undefined;
      reading = new Promise((resolve) => (read = resolve));
      learned!(entry!.id, { by: 'x', scope: '0'.repeat(64), text: enable, turns: 1, vectors: new Uint8Array(9) });
      let fresh: Reply | undefined;
      if (how === 'evicted') for (const name of ['Rome', 'Oslo']) await client.generate(`Where is ${name}?`);
      else fresh = await client.generate(enable, { cache: { noCache: true } });
      read();
      await client.flush();
      await pause(20);
      expect(fresh?.content).not.toBe(first.content);
      expect((await store.get(entry!.id))?.reply.content).toBe(fresh?.content);
    },
  );

  test.each<[string, unknown]>([
    ['no object', 7],
    ['a giant text', { by: 'x', scope: '0'.repeat(64), text: 'a '.repeat(1e6), turns: 1 }],
    ['giant vectors', { by: light().id, scope: '0'.repeat(64), text: 'a', turns: 1, vectors: new Uint8Array(1e7) }],
    ['no end of turns', { by: 'x', scope: '0'.repeat(64), text: enable, turns: 1e300 }],
    ['no scope', { by: 'x', text: 'a', turns: 1 }],
    ['another scope', { by: 'x', scope: 'A'.repeat(64), text: 'a', turns: 1 }],
    ['no text', { by: 'x', scope: '0'.repeat(64), turns: 1 }],
    ['vectors of another kind', { by: 'x', scope: '0'.repeat(64), text: 'a', turns: 1, vectors: [1, 2] }],
    ['torn vectors', { by: light().id, scope: '0'.repeat(64), text: 'a', turns: 1, vectors: new Uint8Array(7) }],
  ])('a record with %s keeps its reply', async (_, question) => {
    const store = sharedMemoryStore();
    const storage = () => Promise.resolve(store);
    const config = { storage, partition: { user: 'ada' } };
    const { client } = await ready(config);
    const first = await client.generate(enable);
    await client.flush();
    const found: Parameters<typeof store.put>[0][] = [];
    await store.load((all) => found.push(...all));
    for (const record of found) await store.put({ ...record, question: question as never }, record.storedAt);
    client.close();
    const { client: later, warnings } = await ready(config);
    expect((await later.generate(enable)).content).toBe(first.content);
    expect((await later.generate(disable)).cached).toBeUndefined();
    expect(warnings).toEqual([]);
  });
});

test("of random tenants and users nobody gets, or is shown, what is another's: in memory, and after a reload", async () => {
  const store = sharedMemoryStore();
  const { below, pick } = random(11);
  const families = [
    [enable, asEnable, 'Could you tell me how to enable two-factor authentication?', disable],
    ['What is the capital of France?', 'what is the capital of France', 'What is the capital of Spain?'],
    ['How do I reset my password?', 'how can I reset my password', 'Please tell me how to reset my password'],
  ];
  const owners = new Map<string, string>();
  let hits = 0;
  let shown = 0;
  for (let page = 0; page < 3; page++) {
    let asking = '';
    const { client } = bench(
      { embedder: light(), storage: () => Promise.resolve(store), cache: { persist: true } },
      () => chat(`for ${asking}`),
    );
    for (let i = 0; i < 250; i++) {
      const partition = { tenant: pick(['a', 'b', 'a/b']), ...(below(5) > 0 && { user: pick(['1', '2', 'a']) }) };
      asking = JSON.stringify(partition);
      const reply = await client.generate(pick(pick(families)), { partition, system: pick(['', 'Be brief.']) });
      expect(reply.content).toBe(`for ${asking}`);
      if (reply.cached !== undefined && reply.cached.by !== 'exact') hits++;
      await client.flush();
      const partitions = new Map<string, string>();
      await store.load((records) => {
        for (const record of records) partitions.set(record.id, record.partition);
      });
      for (const { entry } of client.explain(reply.id)!.semantic.flatMap(({ candidates }) => candidates)) {
        const of = partitions.get(entry)!;
        expect(owners.get(of) ?? asking).toBe(asking);
        owners.set(of, asking);
        shown++;
      }
      if (below(20) === 0) await client.forget({ partition });
      if (i === 0) await pause(300);
    }
    client.close();
  }
  expect(new Set(owners.values()).size).toBe(owners.size);
  expect(hits).toBeGreaterThan(20);
  expect(shown).toBeGreaterThan(200);
}, 60_000);

describe('when it fails', () => {
  test('files that cannot be had cost a warning, once, and nothing else', async () => {
    const warnings: Warning[] = [];
    const gone = {
      ...light(),
      id: 'x',
      dimensions: 1,
      embed: () => Promise.resolve([]),
      close: () => undefined,
      semantics: { ...light().semantics!, id: 'x', open: () => Promise.reject(new Error('HTTP 404')) },
    };
    const { client } = bench({ embedder: gone }, () => chat('Yes.'));
    client.on('warning', (warning) => warnings.push(warning));
    for (const prompt of [enable, asEnable, enable]) expect((await client.generate(prompt)).content).toBe('Yes.');
    expect(warnings.map(({ code }) => code)).toEqual(['semantic-cache-failed']);
  });

  test('files that never come keep requests waiting once', async () => {
    const real = light();
    const never = { ...real.semantics!, open: () => new Promise<never>(() => undefined) };
    const { client } = bench(
      { embedder: Object.assign(Object.create(real) as typeof real, { semantics: never }) },
      () => chat('Yes.'),
    );
    await client.generate(enable);
    await client.generate(asEnable);
    const start = performance.now();
    for (let i = 0; i < 8; i++) await client.generate(`${asEnable} ${String(i)}`);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('it heals, and knows what was stored meanwhile', async () => {
    const clock = new FakeClock();
    const real = light();
    let broken = true;
    const open: NonNullable<typeof real.semantics>['open'] = (deps) =>
      broken ? Promise.reject(new Error('offline')) : real.semantics!.open(deps);
    const { client } = bench(
      {
        clock,
        embedder: Object.assign(Object.create(real) as typeof real, { semantics: { ...real.semantics!, open } }),
      },
      () => chat('Yes.'),
    );
    await client.generate(enable);
    broken = false;
    await clock.advance(31_000);
    let reply: Reply | undefined;
    for (let i = 0; i < 50 && reply?.cached === undefined; i++) {
      reply = await client.generate(asEnable, { cache: { noStore: true } });
      await pause(50);
    }
    expect(reply!.cached?.by).toBe('words');
  });

  test("a bug of the module steps aside and is not the request's", async () => {
    const clock = new FakeClock();
    const real = light();
    let calls = 0;
    const open: NonNullable<typeof real.semantics>['open'] = async (deps) => {
      const cache = await real.semantics!.open(deps);
      const look: typeof cache.look = (ask) =>
        ++calls === 3 ? Promise.reject(new Error('unreachable')) : cache.look(ask);
      return Object.assign(Object.create(cache) as typeof cache, {
        look,
        admit: cache.admit.bind(cache),
        drop: cache.drop.bind(cache),
        close: cache.close.bind(cache),
      });
    };
    const { client, warnings } = await ready({
      clock,
      embedder: Object.assign(Object.create(real) as typeof real, { semantics: { ...real.semantics!, open } }),
    });
    for (const prompt of ['a b c', 'd e f', 'g h i', 'j k l'])
      expect((await client.generate(prompt)).content).toMatch(/Reply/);
    expect(warnings.map(({ code }) => code)).toEqual(['semantic-cache-failed']);
  });

  test.each([
    ['empty words', '?!'],
    ['emoji', '👩‍👩‍👧‍👦'],
    ['right to left', 'كيف أفعل المصادقة الثنائية؟'],
    ['a lone surrogate', 'What is \ud800 here exactly?'],
    ['a megabyte', 'word '.repeat(200_000)],
    ['20 KB', 'How do I do this? '.repeat(1200)],
    ['NUL', 'What is \0 here exactly?'],
  ])('%s is asked, and asked again', async (_, prompt) => {
    const { client, warnings } = await ready();
    const first = await client.generate(prompt);
    expect((await client.generate(prompt)).content).toBe(first.content);
    expect(warnings).toEqual([]);
  });
});

describe('what happens while a request waits', () => {
  const scopeOf = (digit: string) => digit.repeat(64);
  const question = (text: string, scope: string): StoredQuestion => ({ by: 'x', scope, text, turns: 1 });
  const opened: SemanticCache[] = [];
  afterEach(() => {
    for (const cache of opened.splice(0)) cache.close();
  });

  /** What was refused before is read when it is told to. */
  async function waiting() {
    let read = (): void => undefined;
    const gate = new Promise<void>((resolve) => (read = resolve));
    const deps: SemanticDeps = {
      learned: () => undefined,
      refusals: { all: () => gate.then(() => new Set<string>()), add: () => Promise.resolve() },
      warn: () => undefined,
    };
    const open = async () => {
      const cache = await (light() as { semantics?: Semantics }).semantics!.open(deps);
      opened.push(cache);
      return cache;
    };
    const ask = (cache: SemanticCache, text: string, scope: string) =>
      cache.look({
        question: question(text, scope),
        partition: 'p',
        policy: 'strict',
        least: undefined,
        signal: new AbortController().signal,
      });
    return { open, ask, read };
  }

  test("a question that left, whose number is another's by now, is no candidate", async () => {
    const { open, ask, read } = await waiting();
    const cache = await open();
    cache.admit('mine', question(enable, scopeOf('a')));
    const look = ask(cache, asEnable, scopeOf('a'));
    cache.drop('mine');
    cache.admit('of another tenant', question(enable, scopeOf('b')));
    read();
    expect((await look).candidates).toEqual([]);
    expect((await ask(cache, asEnable, scopeOf('b'))).candidates).toMatchObject([{ entry: 'of another tenant' }]);
  });

  test('a question that left is no candidate', async () => {
    const { open, ask, read } = await waiting();
    const cache = await open();
    cache.admit('mine', question(enable, scopeOf('a')));
    const look = ask(cache, asEnable, scopeOf('a'));
    cache.drop('mine');
    read();
    expect((await look).candidates).toEqual([]);
  });

  test("what was closed touches nothing of another's that took its place", async () => {
    const { open, ask, read } = await waiting();
    const cache = await open();
    cache.admit('mine', question(enable, scopeOf('a')));
    const look = ask(cache, asEnable, scopeOf('a'));
    cache.close();
    const others = await Promise.all(Array.from({ length: 20 }, open));
    for (const other of others) {
      other.admit('first', question('What is the capital of France?', scopeOf('c')));
      other.admit('second', question(enable, scopeOf('b')));
    }
    read();
    expect((await look).candidates).toEqual([]);
    for (const other of others) {
      expect((await ask(other, asEnable, scopeOf('b'))).candidates).toMatchObject([{ entry: 'second', same: true }]);
    }
  });
});
