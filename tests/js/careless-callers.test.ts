/**
 * What a careless or hostile caller may do: change its objects while the request waits, hand over what only looks
 * right, hold on to what it was given, set the clock back. Nobody is told what is another's, nothing is kept under the
 * wrong key, no more is deleted than was named, and every refusal is typed and names the field.
 */
import { afterEach, describe, expect, test } from '@jest/globals';

import { ConfigError, createClient, RequestError, sharedMemoryStore } from '../../dist/index.js';
import { parseGradioConfig } from '../../js/transports/gradio-config.ts';
import { normaliseForKey } from '../../js/text.ts';
import type { ClientConfig, ForgetSelector, RequestOptions, UsageEvent } from '../../js/types.ts';
import { bench, chat, closeAll, failureOf, gradioApp, openai, settle, until } from './client-bench.ts';
import { FakeClock } from './fake-clock.ts';

afterEach(closeAll);

/** Replies that can be told apart. */
const counting = (): (() => Response) => {
  let count = 0;
  return () => chat(`Reply ${String(++count)}.`);
};
const refused = async (work: Promise<unknown>, field: string): Promise<void> => {
  const error = await failureOf(work);
  expect(error).toBeInstanceOf(RequestError);
  expect(error.field).toBe(field);
  expect(error.message).toContain(field.replace(/\[.*/, ''));
  expect(error.message.length).toBeLessThan(300);
};
const timed = async (work: () => unknown): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

describe('who asks', () => {
  test.each<[string, object, object]>([
    ['numbers', { userId: 12 }, { userId: 13 }],
    ['numbers and what they are of', { userId: 12 }, { companyId: 12 }],
    ['companies', { companyId: 1 }, { companyId: 2 }],
    ['zero and nobody', { userId: 0 }, {}],
  ])('by number does not share a cache: %s', async (_, one, other) => {
    const { client, usage } = bench({}, counting());
    expect((await client.query('Balance?', one)).content).toBe('Reply 1.');
    expect((await client.query('Balance?', other)).content).toBe('Reply 2.');
    expect((await client.query('Balance?', one)).source).toBe('cache');
    for (const [name, id] of Object.entries(one))
      expect(usage[0]).toMatchObject(name === 'userId' ? { user: String(id) } : { company: String(id) });
  });

  test('a number is the same as its text, and the company is told to the model as text', async () => {
    const { client, models } = bench({}, counting());
    await client.query('Balance?', { userId: 12, companyId: 7, useCompanyModel: true });
    expect((await client.query('Balance?', { userId: '12', companyId: '7', useCompanyModel: true })).source).toBe(
      'cache',
    );
    expect(JSON.stringify(models.calls[0]!.json)).toContain('Company id: 7\\n');
  });

  const ids: unknown[] = [NaN, Infinity, 2 ** 53, true, 12n, Symbol('u'), {}, ['a'], () => 'a'];
  test.each(ids.flatMap((id) => ['userId', 'companyId'].map((name) => [name, id] as const)))(
    'by what is no id is refused: %s %p',
    async (name, id) => {
      const { client, models } = bench();
      await refused(client.query('Balance?', { [name]: id }), `context.${name}`);
      expect(models.calls).toEqual([]);
    },
  );

  test('null is nobody', async () => {
    const { client } = bench();
    await client.query('Hi', { userId: null, companyId: null } as never);
    expect((await client.query('Hi')).source).toBe('cache');
  });

  test('an undefined user among the options does not undo the one of the context', async () => {
    const { client } = bench({}, counting());
    await client.query('Balance?', { userId: 'a' });
    const options = { partition: { user: undefined, tenant: undefined } } as unknown as RequestOptions;
    expect((await client.query('Balance?', { userId: 'b' }, options)).content).toBe('Reply 2.');
    expect((await client.query('Balance?', { userId: 'a' }, options)).source).toBe('cache');
  });
});

describe('objects that change while the request waits', () => {
  const tell = ({ models }: ReturnType<typeof bench>) => models.calls.map((call) => call.json as object);

  test('reach neither the call nor the key', async () => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const made = bench({ providers: { openai: { ...openai, quota: { concurrency: 1 } } } }, async (_, i) => {
      if (i === 0) await gate;
      return chat('Hello.');
    });
    const { client, models } = made;
    const first = client.generate('First');
    await until(() => models.calls.length === 1);
    const inner = { k: 1 };
    const options = {
      parameters: { inner },
      context: { plan: { name: 'gold' } },
      stop: ['one'],
      history: [{ role: 'user' as const, content: 'Before' }],
      cache: { tags: ['one'] },
      permissions: ['base' as const],
    };
    const asked = structuredClone(options);
    const second = client.generate('Second', options);
    await settle();
    inner.k = 2;
    options.context.plan.name = 'none';
    options.stop[0] = 'two';
    options.history[0]!.content = 'After';
    options.cache.tags[0] = 'two';
    options.permissions.length = 0;
    go();
    await Promise.all([first, second]);
    const sent = JSON.stringify(tell(made)[1]);
    for (const wanted of ['{"k":1}', 'gold', 'one', 'Before']) expect(sent).toContain(wanted);
    for (const changed of ['{"k":2}', 'none', 'two', 'After']) expect(sent).not.toContain(changed);
    expect((await client.generate('Second', asked)).source).toBe('cache');
    expect((await client.generate('Second', options)).source).toBe('openai');
    expect(await client.forget({ tag: 'two' })).toMatchObject({ entries: 1 });
  });

  test('before the core is there, and those of query', async () => {
    const { client, models } = bench();
    const context = {
      userId: 'u',
      conversationHistory: [{ role: 'user' as const, content: 'Before' }],
      facts: { a: 1 },
    };
    const asking = client.query('Hi', context);
    context.conversationHistory[0]!.content = 'After';
    await asking;
    expect(JSON.stringify(models.calls[0]!.json)).not.toContain('After');
  });

  test('an option that is something else each time it is read is read once', async () => {
    let read = 0;
    const options = {
      get temperature() {
        return read++ > 0 ? 10n : 0.5;
      },
    };
    const { client, models } = bench();
    await client.generate('Hi', options as never);
    expect(models.calls[0]!.json.temperature).toBe(0.5);
  });

  test.each<[string, unknown, unknown]>([
    ['dates', new Date(1), new Date(2)],
    ['numbers in boxes', new Number(1), new Number(2)],
    ['what writes itself', { toJSON: () => 'A' }, { toJSON: () => 'B' }],
  ])('%s have the key of what is sent', async (_, one, other) => {
    const { client } = bench({}, counting());
    const ask = (k: unknown) => client.generate('Hi', { parameters: { k } as never });
    await ask(one);
    expect((await ask(other)).content).toBe('Reply 2.');
    expect((await ask(JSON.parse(JSON.stringify(one)))).source).toBe('cache');
  });
});

const manyMessages = Array.from({ length: 500_000 }, () => ({ role: 'user', content: '' }));
const wrong: [string, object][] = [
  ['context', { context: { toJSON: () => undefined } }],
  ['parameters', { parameters: { toJSON: () => undefined } }],
  ['context', { context: new Date() }],
  ['parameters', { parameters: () => undefined }],
  ['history', { history: new Array(3) }],
  ['history', { history: manyMessages }],
  ['history[0].role', { history: [{ role: 'r'.repeat(4e7), content: 'x' }] }],
  [
    'history[1].role',
    {
      history: [
        { role: 'user', content: 'x' },
        { role: '__proto__', content: 'x' },
      ],
    },
  ],
  ['stop', { stop: ['s'.repeat(1001)] }],
  ['stop', { stop: ['s'.repeat(4e7)] }],
  ['stop', { stop: Array.from({ length: 17 }, () => 'x') }],
  ['stop', { stop: new Array(2) }],
  ['cache.tags', { cache: { tags: new Array(2) } }],
  ['cache.tags', { cache: { tags: new Array(2 ** 32 - 1) } }],
  ['permissions', { permissions: new Array(1) }],
  ['signal', { signal: { addEventListener: () => undefined } }],
  ['signal', { signal: { addEventListener: () => undefined, removeEventListener: () => undefined } }],
  ['signal', { signal: { addEventListener: () => undefined, aborted: false } }],
  ['partition', { partition: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${String(i)}`, 'v'])) }],
];
test.each(wrong.map(([field, options], i) => [field, i, options] as const))(
  'a wrong %s is refused before anything is built or called (%i)',
  async (field, _, options) => {
    const { client, models } = bench();
    await client.generate('Warm');
    expect(await timed(() => refused(client.generate('Hi', options as never), field))).toBeLessThan(300);
    expect(models.calls).toHaveLength(1);
  },
);

describe('a long run of combining marks', () => {
  test('is a question like any other', async () => {
    const { client } = bench();
    const prompt = `a${'\u0301\u0316'.repeat(250_000)}`;
    const took = await timed(async () => {
      await client.generate(prompt);
      expect((await client.generate(prompt)).source).toBe('cache');
    });
    // It took more than a minute.
    expect(took).toBeLessThan(5000);
  });

  test('is left as it is; shorter ones, wherever they are, are put in order', () => {
    const unsorted = '\u0301\u0316';
    for (const text of [`e${unsorted}`, `${'x'.repeat(2000)}e${unsorted.repeat(30)}`, `${'é'.repeat(2000)}e\u0301`])
      expect(normaliseForKey(text)).toBe(text.normalize('NFC'));
    const long = `e${unsorted.repeat(1000)}`;
    expect(normaliseForKey(long)).toBe(long);
    const many = `e${unsorted.repeat(32)}`.repeat(15_000);
    const began = performance.now();
    expect(normaliseForKey(many)).toBe(many.normalize('NFC'));
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

test('a Gradio app’s prefix of nothing but slashes is no work', () => {
  const began = performance.now();
  const prefix = `a${'/'.repeat(1_000_000)}b`;
  expect(parseGradioConfig({ version: '6.0.0', dependencies: [], api_prefix: prefix })?.apiPrefix).toBe('');
  expect(performance.now() - began).toBeLessThan(300);
});

test.each<[string, ClientConfig]>([
  ['in memory', {}],
  ['in a store', { storage: () => Promise.resolve(sharedMemoryStore()), partition: { user: 'a' } }],
])('a forget while the clock was ahead keeps nothing out after it was set right: %s', async (_, config) => {
  const year = 365 * 86_400_000;
  let skew = 0;
  const inner = new FakeClock();
  const clock = { now: () => inner.now() + skew, after: (ms: number, task: () => void) => inner.after(ms, task) };
  const { client } = bench({ ...config, clock }, counting());
  await client.generate('One');
  skew = year;
  await client.forget();
  await client.forget({ tag: 'other' });
  skew = 0;
  await client.generate('Two');
  await inner.advance(5);
  await client.generate('One');
  await client.flush();
  expect((await client.generate('One')).source).toBe('cache');
});

test('what was being fetched when it was forgotten stays forgotten though the clock is set back meanwhile', async () => {
  let skew = 1e10;
  let go: (reply: Response) => void = () => undefined;
  const inner = new FakeClock();
  const clock = { now: () => inner.now() + skew, after: (ms: number, task: () => void) => inner.after(ms, task) };
  const { client, models } = bench({ clock }, () => new Promise<Response>((resolve) => (go = resolve)));
  const asking = client.generate('One');
  await until(() => models.calls.length === 1);
  await client.forget();
  skew = 0;
  go(chat('Hello.'));
  await asking;
  expect(await client.cache.entries()).toEqual([]);
});

describe('forget', () => {
  class Selector {
    get tag() {
      return 'nothing';
    }
  }
  test.each<[string, unknown, string]>([
    ['an undefined partition', { partition: undefined }, 'partition'],
    ['a partition of an undefined user', { partition: { user: undefined } }, 'partition.user'],
    ['a partition that is a Map', { partition: new Map([['user', 'a']]) }, 'partition'],
    ['a Map', new Map([['tag', 'nothing']]), 'selector'],
    ['a Date', new Date(), 'selector'],
    ['a promise', Promise.resolve({ tag: 'nothing' }), 'selector'],
    ['an object of a class', new Selector(), 'selector'],
    ['what has its fields from elsewhere', Object.create({ tag: 'nothing' }), 'selector'],
    ['holes for ids', { ids: new Array(2) }, 'ids'],
  ])('%s deletes nothing', async (_, selector, field) => {
    const { client } = bench({ partition: { user: 'a' } });
    await client.generate('One');
    await refused(client.forget(selector as ForgetSelector), field);
    expect(await client.cache.entries()).toHaveLength(1);
  });

  test('a selector that changes meanwhile means what it meant', async () => {
    const { client } = bench();
    await client.generate('One');
    const selector: ForgetSelector = { tag: 'nothing' };
    const forgetting = client.forget(selector);
    delete selector.tag;
    expect(await forgetting).toMatchObject({ entries: 0 });
    expect(await client.forget(Object.assign(Object.create(null) as object, { tier: 'base' }))).toMatchObject({
      entries: 1,
    });
  });
});

test('what a caller does to its reply reaches neither the cache nor the explanation', async () => {
  const image = 'https://app.test/gradio_api/file=/tmp/a.png';
  const data = ['Here it is.', { path: '/tmp/a.png', url: image, mime_type: 'image/png' }];
  const said = JSON.stringify({ msg: 'process_completed', success: true, output: { data } });
  const { client } = bench(
    { spaces: { base: { url: 'https://app.test', protocol: 'gradio' } } },
    gradioApp(() => `data: ${said}\n\n`, 'textbox', 'image'),
  );
  const spoil = (reply: Awaited<ReturnType<typeof client.generate>>) => {
    reply.usage.inputTokens = -1;
    (reply.files as unknown[]).push('more');
    Object.assign(reply.files![0]!, { url: 'javascript:alert(1)' });
    (reply.trace.steps as unknown[]).length = 0;
  };
  const first = await client.generate('A cat');
  const usage = { ...first.usage };
  for (let i = 0; i < 3; i += 1) {
    const reply = i === 0 ? first : await client.generate('A cat');
    expect(reply.source).toBe(i === 0 ? 'space' : 'cache');
    expect(reply.usage).toEqual(usage);
    expect(reply.files?.map(({ url }) => url)).toEqual([image]);
    spoil(reply);
    expect(client.explain(reply.id)?.steps).not.toEqual([]);
  }
});

describe('a store or a sink of the application’s own', () => {
  const { forget: _, ...withoutForget } = sharedMemoryStore();
  test.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['an object', () => ({})],
    ['one that lacks a method', () => withoutForget],
  ])('%s for a store is a warning, and close() leaves nothing behind', async (__, storage) => {
    const unhandled: unknown[] = [];
    const hear = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', hear);
    const { client, warnings } = bench({ storage: storage as never, partition: { user: 'a' } });
    await client.generate('Hi');
    expect((await client.generate('Hi')).source).toBe('cache');
    expect(warnings.map(({ code }) => code)).toEqual(['storage-failed']);
    client.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', hear);
    expect(unhandled).toEqual([]);
  });

  test('that fails to close breaks nothing', async () => {
    const unhandled: unknown[] = [];
    const hear = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', hear);
    for (const broken of [
      { close: () => Promise.reject(new Error('stuck')) },
      { onRemote: () => undefined },
      {
        close: () => {
          throw new Error('stuck');
        },
      },
    ]) {
      const store = { ...sharedMemoryStore(), ...broken };
      const { client } = bench({ storage: () => Promise.resolve(store as never), partition: { user: 'a' } });
      await client.generate('Hi');
      client.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', hear);
    expect(unhandled).toEqual([]);
  });

  test('a sink that never settles holds up flush for 5 s, by the clock', async () => {
    const clock = new FakeClock();
    const sink = (event: UsageEvent) => (event.kind === 'start' ? new Promise<void>(() => undefined) : undefined);
    const { client } = bench({ clock, usage: { sink: sink as () => void } });
    await client.generate('Hi');
    let flushed = false;
    const flushing = client.flush().then(() => (flushed = true));
    await clock.advance(4999);
    expect(flushed).toBe(false);
    await clock.advance(1);
    await flushing;
    expect(flushed).toBe(true);
  });
});

describe('configuration', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  test.each<[string, unknown]>([
    ['rules', { rules: cyclic }],
    ['rules', { rules: { a: 1n } }],
    ['rules', { rules: { toJSON: () => undefined } }],
    ['prices', { prices: cyclic }],
    ['prices', { prices: { a: 1n } }],
    ['cache.ttl', { cache: { ttl: 1e300 } }],
    ['cache.staleWhileRevalidate', { cache: { staleWhileRevalidate: 1e300 } }],
    ['cache.maxBytes', { cache: { maxBytes: 8 * 2 ** 30 + 1 } }],
    ['cache.maxEntries', { cache: { maxEntries: 100_001 } }],
    ['partition', { partition: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${String(i)}`, 'v'])) }],
  ])('%s beyond what the core takes is refused by createClient (%#)', (field, config) => {
    let error: unknown;
    try {
      createClient(config as ClientConfig).close();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).field).toBe(field);
  });

  test('the greatest values work', async () => {
    const { client } = bench({
      cache: { ttl: 8.64e15, staleWhileRevalidate: 8.64e15, maxBytes: 8 * 2 ** 30, maxEntries: 100_000 },
      partition: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`k${String(i)}`, 'v'])),
    });
    await client.generate('Hi');
    expect((await client.generate('Hi')).source).toBe('cache');
  });
});

describe('other methods', () => {
  test.each<[string, unknown]>([
    ['a function', () => undefined],
    ['a function within', { onClick: () => undefined }],
    ['a big number', 5n],
    ['a symbol', Symbol('s')],
    ['NaN', NaN],
    ['NaN within', [{ size: NaN }]],
    ['a Map', new Map([['a', 1]])],
    ['bytes', new Uint8Array(2)],
    ['a cycle', cycle()],
  ])('%s is no setting', async (_, value) => {
    const { client } = bench();
    await client.setSetting('ui', { theme: 'dark' });
    await refused(client.setSetting('ui', value as never), 'value');
    expect(await client.getSetting('ui')).toEqual({ theme: 'dark' });
  });
  test('a setting has a name', async () => {
    await refused(bench().client.setSetting(5 as never, 'x'), 'key');
  });

  test.each([null, 'base', [], { signal: { addEventListener: () => undefined } }, { onStep: 5 }, { space: {}, x: 1 }])(
    'testConnection and wake refuse options of %j',
    async (options) => {
      const { client, models } = bench();
      expect(await failureOf(client.testConnection('base', options as never))).toBeInstanceOf(RequestError);
      expect(await failureOf(client.wake('base', options as never))).toBeInstanceOf(RequestError);
      expect(models.calls).toEqual([]);
    },
  );
});

function cycle(): unknown {
  const list: unknown[] = [];
  list.push(list);
  return list;
}
