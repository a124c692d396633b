/**
 * What a hostile server, page or caller tried, and what must come of it: no secret where it does not belong, no reply
 * kept that is none, no page kept busy, no more deleted than was named. Times are generous: the attacks took minutes.
 */
import 'fake-indexeddb/auto';

import { afterEach, describe, expect, test } from '@jest/globals';
import { openDB } from 'idb';

import { type CallError, createClient, type JsonObject } from '../../dist/index.js';
import type { ForgetSelector, Reply, SpaceStatus } from '../../js/types.ts';
import { parsePythonJson } from '../../js/transports/json.ts';
import { redact } from '../../js/redact.ts';
import { bench, chat, closeAll, failureOf, gradioApp, json, openai, space, sse } from './client-bench.ts';

afterEach(closeAll);

/** Less than this is no attack any more; each took from 6 s to minutes before. */
const soon = 3000;
const timed = async (work: () => unknown): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

/** A body in pieces, as a slow network brings it. */
function inPieces(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += size)));
    },
  });
}

const gradioSpace = { base: { url: 'https://app.test', protocol: 'gradio' as const } };
const message = (value: object | string): string =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const completed = (value: unknown) => message({ msg: 'process_completed', success: true, output: { data: [value] } });

describe('tokens', () => {
  const echoes: [string, (token: string) => Response][] = [
    [
      'in two frames',
      (token) =>
        sse(
          [token.slice(0, 9), token.slice(9)]
            .map((content) => message({ choices: [{ delta: { content } }] }))
            .join('') + 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
        ),
    ],
    [
      'in JSON escapes',
      (token) => {
        const escaped = [...token].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
        return new Response(
          `{"model":"${escaped}","choices":[{"message":{"content":"${escaped}"},"finish_reason":"stop"}]}`,
          { headers: { 'content-type': 'application/json' } },
        );
      },
    ],
  ];
  test.each(echoes)('that a server repeats %s are in no reply and not in the cache', async (_, echo) => {
    const token = 'a-Key-Of-No-Known-Shape';
    const { client, models } = bench({ providers: { openai: { ...openai, model: 'm', token } } }, () => echo(token));
    const reply = await client.generate('Hello there');
    const again = await client.generate('Hello there');
    expect(models.calls).toHaveLength(1);
    expect(models.calls[0]!.headers.get('authorization')).toBe(`Bearer ${token}`);
    expect(again.source).toBe('cache');
    expect(JSON.stringify([reply, again, await client.cache.entries()])).not.toContain(token);
    expect(reply.content).toBe('[redacted]');
  });

  test('in a failure, escaped, are in no message', async () => {
    const token = 'a-Key-Of-No-Known-Shape';
    const escaped = token.replaceAll('a', '\\u0061');
    const { client, usage, decisions } = bench({ providers: { openai: { ...openai, token } } }, () =>
      sse(`data: {"error":{"message":"bad ${escaped}"}}\n\n`),
    );
    const error = (await failureOf(client.generate('Hello there'))) as Error;
    expect(error.message).toContain('bad [redacted]');
    expect(JSON.stringify([error, error.cause, usage, decisions, await client.health()])).not.toContain(token);
  });

  test('in the body of a refusal, escaped, are in no message', async () => {
    const token = 'a-Key/Of-No-Known-Shape';
    const escaped = token.replaceAll('a', '\\u0061').replaceAll('/', '\\/');
    const { client, usage, decisions } = bench(
      { providers: { openai: { ...openai, token } } },
      () =>
        new Response(JSON.stringify({ error: { message: 'KEY a "bad" \\u0061' } }).replace('KEY', escaped), {
          status: 400,
          headers: { 'content-type': 'application/json' },
        }),
    );
    const error = (await failureOf(client.generate('Hello there'))) as Error;
    expect(error.message).toContain('[redacted] a "bad" \\u0061');
    expect(JSON.stringify([error, error.cause, usage, decisions])).not.toContain(token);
  });

  test('in pieces, of a reply that broke off, are in no part that is kept', async () => {
    const token = 'a-Key-Of-No-Known-Shape';
    const { client } = bench({ providers: { openai: { ...openai, token } } }, () =>
      sse(
        [token.slice(0, 9), token.slice(9), ' and']
          .map((content) => message({ choices: [{ delta: { content } }] }))
          .join(''),
      ),
    );
    const shown: string[] = [];
    const stream = client.stream('Hello there');
    const error = (await failureOf(
      (async () => {
        for await (const part of stream) {
          if (part.type === 'replace') shown.length = 0;
          if (part.type === 'text' || part.type === 'replace') shown.push(part.text);
        }
      })(),
    )) as CallError;
    expect(error.partial).toBe('[redacted] and');
    expect(shown.join('')).toBe('[redacted] and');
  });

  test('of earlier calls are hidden too', async () => {
    let calls = 0;
    const { client } = bench(
      { providers: { openai: { ...openai, token: () => `token-number-${String(++calls)}` } } },
      () => chat(`You sent token-number-1, and token-number-${String(calls)}`),
    );
    await client.generate('One');
    expect((await client.generate('Two')).content).toBe('You sent [redacted], and [redacted]');
  });

  test.each(['.evil.test/chat/completions', '@evil.test/chat/completions', ':444/chat/completions'])(
    'and prompts stay with the host whatever the endpoint: %s',
    async (endpoint) => {
      for (const protocol of ['openai', 'tgi', 'plain', 'auto'] as const) {
        const { client, models } = bench({
          spaces: { base: space('good', { protocol, endpoint, token: 'secret-1' }) },
        });
        await client.generate('Hello').catch(() => undefined);
        expect(models.calls.map(({ url }) => new URL(url).origin)).toEqual(models.calls.map(() => 'https://good.test'));
        expect(models.calls.every(({ url }) => new URL(url).username === '')).toBe(true);
      }
    },
  );

  test('a redaction leaves the details of an error whole', () => {
    for (const name of ['?key=x"y', '&token=z" }', '?token=a\\']) {
      expect(() => createClient({ [name]: 1 })).toThrow(expect.objectContaining({ code: 'invalid-config' }));
    }
  });

  test('what looks like a key in the words of an app is in no status', async () => {
    const statuses: SpaceStatus[] = [];
    const { client } = bench(
      { spaces: gradioSpace },
      gradioApp(
        () =>
          message({ msg: 'log', log: 'key sk-abcdefghijk', level: 'info' }) +
          message({ msg: 'progress', progress_data: [{ desc: 'hf_abcdefghijk', index: 1, length: 2 }] }) +
          completed('Done.'),
      ),
    );
    client.on('status', (status) => statuses.push(status));
    expect((await client.generate('Go on')).content).toBe('Done.');
    expect(statuses.map(({ message: words }) => words)).toContain('The Space says: key sk-[redacted]');
    expect(JSON.stringify(statuses)).not.toMatch(/abcdefghijk/);
  });
});

describe('a page is not kept busy', () => {
  test('by a page of < in place of an API', async () => {
    const { client } = bench({ spaces: { base: { url: 'https://a.test' } } }, () => {
      return new Response('<'.repeat(64 * 1024), { status: 404 });
    });
    expect(await timed(() => failureOf(client.generate('Hello')))).toBeLessThan(soon);
  });
  test('by an error that looks like the beginnings of tokens', async () => {
    expect(await timed(() => redact('eyJaaaaaaaa-'.repeat(5400)))).toBeLessThan(soon);
    expect(redact(`eyJ${'a'.repeat(200)}.${'b'.repeat(3000)}.c`)).toBe('[redacted token]');
  });
  test('by Python JSON with a string that does not end', async () => {
    expect(
      await timed(() => expect(() => parsePythonJson(`NaN "${'\\"'.repeat(500_000)}`)).toThrow(SyntaxError)),
    ).toBeLessThan(soon);
    expect(parsePythonJson('[NaN, "a \\"NaN\\" b", -Infinity, "\\\\", "\\n"]')).toEqual([
      null,
      'a "NaN" b',
      null,
      '\\',
      '\n',
    ]);
  });
  test('by a line that grows for megabytes', async () => {
    const { client } = bench({}, () => {
      const body = inPieces(`${'x'.repeat(4e6)}\n`, 1024);
      return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } });
    });
    expect(await timed(() => failureOf(client.generate('Hello')))).toBeLessThan(soon);
  });
  test('by small edits of a long chat', async () => {
    const edits =
      message({ msg: 'process_generating', output: { data: [[{ role: 'assistant', content: 'x'.repeat(3e6) }]] } }) +
      message({ msg: 'process_generating', output: { data: [[['append', [0, 'content'], 'y']]] } }).repeat(30_000) +
      completed([{ role: 'assistant', content: 'The end.' }]);
    const { client } = bench(
      { spaces: gradioSpace },
      gradioApp(() => inPieces(edits, 16_384), 'chatbot'),
    );
    let reply: Reply | undefined;
    expect(await timed(async () => (reply = await client.generate('Hello')))).toBeLessThan(2 * soon);
    expect(reply?.content).toBe('The end.');
  });
  test('by insertions that move a long list about', async () => {
    const list = Array.from({ length: 300_000 }, () => '["add",[0],0]').join(',');
    const edits =
      message({ msg: 'process_generating', output: { data: [[]] } }) +
      message(`{"msg":"process_generating","output":{"data":[[${list}]]}}`) +
      completed('The end.');
    const { client } = bench(
      { spaces: gradioSpace },
      gradioApp(() => inPieces(edits, 65_536), 'json'),
    );
    let reply: Reply | undefined;
    expect(await timed(async () => (reply = await client.generate('Hello')))).toBeLessThan(soon);
    expect(reply?.content).toBe('The end.');
  });
  test('by a listener that adds listeners', async () => {
    const { client } = bench();
    let calls = 0;
    const more = (): void => {
      calls += 1;
      if (calls < 10_000) client.on('decision', more.bind(undefined));
    };
    client.on('decision', more);
    const { trace } = await client.generate('Hello');
    expect(calls).toBeLessThan(2 ** trace.steps.length);
  });
});

describe('servers that say what no server should', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  test.each([
    ['outputs', `{"msg":"process_completed","success":true,"output":{"data":[${deep}]}}`],
    ['an error', `{"msg":"process_completed","success":false,"output":{"error":${deep}}}`],
  ])('%s nested 200,000 deep: a failed call, and another target answers', async (_, said) => {
    const { client } = bench({ spaces: gradioSpace, providers: { openai } }, (call, index) =>
      call.host === 'model.test' ? chat('From the other.') : gradioApp(() => message(said), 'json')(call, index),
    );
    expect(await client.generate('Hello')).toMatchObject({ content: 'From the other.', target: 'openai' });
  });

  test('numbers that are none and words without end stay out of statuses', async () => {
    const statuses: SpaceStatus[] = [];
    const { client } = bench(
      { spaces: gradioSpace },
      gradioApp(
        () =>
          message({ msg: 'log', log: 'x'.repeat(1e6) }) +
          message('{"msg":"estimation","rank":1e999,"rank_eta":1e999}') +
          message('{"msg":"progress","progress_data":[{"index":1e999,"length":1e999}]}') +
          message('{"msg":"progress","progress_data":[{"progress":-1e999}]}') +
          completed('Done.'),
      ),
    );
    client.on('status', (status) => statuses.push(status));
    await client.generate('Go on');
    expect(Math.max(...statuses.map(({ message: words }) => words.length))).toBeLessThan(400);
    expect(statuses.map(({ message: words }) => words).join()).not.toContain('Infinity');
    expect(statuses.some(({ position, progress }) => position === Infinity || progress?.value === Infinity)).toBe(
      false,
    );
  });

  test.each<[string, string, string]>([
    [
      'whole texts after a long one',
      'plain',
      message({ generated_text: 'x'.repeat(400_000) }) + message({ generated_text: 'y' }).repeat(20_000),
    ],
    ['line ends', 'openai', '\r'.repeat(4e6)],
    ['unknown fields', 'openai', 'x\n'.repeat(4e6)],
    ['tiny frames', 'plain', 'data:a\n\n'.repeat(1e6)],
  ])('a stream of %s does not keep the page busy', async (_, protocol, text) => {
    const { client } = bench({ spaces: { base: space('one', { protocol: protocol as 'plain' }) } }, () =>
      sse(inPieces(text, 65_536)),
    );
    expect(await timed(() => client.generate('Hello').catch(() => undefined))).toBeLessThan(2 * soon);
  });

  test('a reply that was cut off stays so, whatever a later frame says, and is not kept', async () => {
    const { client, models } = bench({ providers: { openai } }, () =>
      sse(
        message({ choices: [{ delta: { content: 'Half' }, finish_reason: 'length' }] }) +
          message({ choices: [{ delta: {}, finish_reason: 'stop' }] }) +
          message('[DONE]'),
      ),
    );
    expect((await client.generate('Hello')).finishReason).toBe('length');
    await client.generate('Hello');
    expect(models.calls).toHaveLength(2);
  });

  test.each([[undefined], [{}], ['text']])('a fetch that gives %p is a failed call', async (given) => {
    const client = createClient({
      providers: { openai },
      fetch: (() => Promise.resolve(given)) as unknown as typeof fetch,
    });
    expect(await failureOf(client.generate('Hello'))).toMatchObject({ class: 'network' });
    client.close();
  });

  test.each([1e308, 2e9, 1.5])('a count of %p tokens is estimated instead', async (count) => {
    const { client } = bench({ providers: { openai } }, () =>
      json({
        choices: [{ message: { content: 'Hello there, reader.' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 3, completion_tokens: count },
      }),
    );
    const { usage } = await client.generate('Hello');
    expect(usage).toMatchObject({ inputTokens: 3, estimated: true });
    expect(usage.outputTokens).toBeGreaterThan(3);
  });

  test('a reply of more frames than anybody reads is too large', async () => {
    const { client } = bench({ spaces: { base: space('one', { protocol: 'plain' }) } }, () =>
      sse('data:a\n\n'.repeat(250_001)),
    );
    expect(await failureOf(client.generate('Hello'))).toMatchObject({ class: 'too-large' });
  });

  test('a stream that promised its whole text and broke off is no reply', async () => {
    const { client, models } = bench({ spaces: { base: space('one', { protocol: 'plain' }) } }, () =>
      sse('data: {"token":{"text":"Half of"},"generated_text":null}\n\n'),
    );
    expect(await failureOf(client.generate('Hello'))).toMatchObject({ class: 'cut-stream' });
    models.answer = () =>
      sse(
        'data: {"token":{"text":"All"},"generated_text":null}\n\ndata: {"token":{"text":""},"generated_text":"All"}\n\n',
      );
    expect(await client.generate('Hello')).toMatchObject({ content: 'All', source: 'space' });
  });
});

describe('callers', () => {
  const filled = async () => {
    const made = bench({ partition: { user: 'me' } });
    await made.client.generate('One');
    await made.client.generate('Two');
    return made.client;
  };
  test.each<[string, unknown]>([
    ['a misspelt field', { replyID: 'x' }],
    ['an undefined field', { replyId: undefined }],
    ['an undefined tag', { tag: undefined }],
    ['a negative age', { olderThan: -1e9 }],
    ['an age that is no number', { olderThan: NaN }],
    ['a text', 'all'],
    ['a list', []],
    ['null', null],
    ['ids as a text', { ids: 'abc' }],
    ['no partition', { partition: null }],
    ['broken text', { partition: { user: 'a\ud800' } }],
    ['a tier there is not', { tier: 'nope' }],
  ])('forget with %s forgets nothing', async (_, selector) => {
    const client = await filled();
    expect(await failureOf(client.forget(selector as ForgetSelector))).toMatchObject({ code: 'invalid-input' });
    expect(await client.cache.entries()).toHaveLength(2);
  });

  test.each([
    ['tags', { tags: ['x'.repeat(129)] }],
    ['tags', { tags: Array.from({ length: 17 }, String) }],
    ['tags', { tags: [''] }],
    ['ttl', { ttl: 1e300 }],
  ])('%s the cache would refuse are refused before a reply is paid for', async (field, cache) => {
    const { client, models } = bench();
    const error = (await failureOf(client.generate('Hello', { cache }))) as { field: string };
    expect(error.field).toBe(`cache.${field}`);
    expect(models.calls).toHaveLength(0);
  });

  test.each([{ proxyUrl: 'https://proxy.test' }, { cache: false as const }, { hubUrl: 'https://hub.test' }])(
    'configure does not seem to change what it cannot: %j',
    async (change) => {
      const { client } = bench();
      const error = await failureOf(client.configure(change as JsonObject));
      expect(error).toMatchObject({ code: 'invalid-config', field: Object.keys(change)[0] });
    },
  );

  test('what becomes of the configuration object later changes nothing: no token for an address nobody checked', async () => {
    let reads = 0;
    const spaces = {
      base: {
        ...space('good', { token: 'a-token' }),
        get url() {
          reads += 1;
          return reads === 1 ? 'https://good.test' : 'https://evil.test';
        },
      },
      company: space('fine', { token: 'another' }),
    };
    const { client, models } = bench({ spaces });
    spaces.company.url = 'https://evil.test';
    await client.generate('Hello', { tier: 'base' });
    await client.generate('Hello', { tier: 'company' });
    expect(models.calls.map(({ host }) => host)).toEqual(['good.test', 'fine.test']);
  });

  test('a partition cannot be made of a field that vanishes', async () => {
    const { client, models } = bench();
    for (const user of ['a', 'b']) {
      const partition = JSON.parse(`{"__proto__":"${user}"}`) as Record<string, string>;
      expect(await failureOf(client.generate('Hello', { partition }))).toMatchObject({ code: 'invalid-input' });
    }
    expect(models.calls).toHaveLength(0);
  });

  test('of two changes at once neither is lost: nobody stays in the partition of another', async () => {
    const { client } = bench({ partition: { user: 'a' } });
    await client.generate('Hello');
    await Promise.all([
      client.configure({ partition: { user: 'b' } }),
      client.configure({ providers: { openai: { ...openai } } }),
    ]);
    expect(await client.generate('Hello')).toMatchObject({ source: 'openai' });
  });

  test('a change the core refuses is not kept for the next one', async () => {
    const { client } = bench();
    await client.generate('Hello');
    await failureOf(client.configure({ rules: { version: 'none' } }));
    await client.configure({ partition: { user: 'b' } });
    expect(await client.generate('Hello')).toMatchObject({ source: 'openai' });
  });
});

describe('storage that others wrote into', () => {
  const persistent = (answer: Answer = () => chat('Fresh.')) => {
    const { client, warnings, models } = bench({ partition: { user: 'me' }, providers: { openai } }, answer);
    void client.close();
    const made = createClient({
      partition: { user: 'me' },
      providers: { openai },
      fetch: models.fetch as typeof fetch,
    });
    made.on('warning', (warning) => warnings.push(warning));
    return { client: made, warnings };
  };
  const ended = async (client: { flush(): Promise<void>; close(): void }) => {
    await client.flush();
    client.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
  };

  test.each<[string, object]>([
    ['no reply', { reply: null }],
    ['a script as a file', { files: [{ url: 'javascript:alert(1)' }] }],
    ['files that are none', { files: [null] }],
    ['a cost that is no number', { cost: 'free' }],
    ['a model that is no text', { model: {} }],
  ])('a record with %s is left out, and the others stay', async (_, edit) => {
    const first = persistent();
    await first.client.generate('One');
    await first.client.generate('Two');
    await ended(first.client);
    const db = await openDB('tierwise', 1);
    const records = (await db.getAll('replies')) as { prompt: string; reply: object }[];
    const one = records.find(({ prompt }) => prompt === 'One')!;
    await db.put('replies', 'reply' in edit ? { ...one, ...edit } : { ...one, reply: { ...one.reply, ...edit } });
    db.close();

    const { client, warnings } = persistent(() => chat('Asked again.'));
    expect(await client.generate('One')).toMatchObject({ source: 'openai', content: 'Asked again.' });
    expect(await client.generate('Two')).toMatchObject({ source: 'cache', content: 'Fresh.' });
    expect(warnings.map(({ code }) => code).filter((code) => code === 'storage-failed')).toEqual([]);
    await client.forget();
    await ended(client);
  });

  test('messages of any shape from the same origin break nothing', async () => {
    const broken: unknown[] = [];
    const hear = (error: unknown) => broken.push(error);
    process.on('uncaughtException', hear);
    const { client } = persistent();
    await client.generate('One');
    const channel = new BroadcastChannel('tierwise-store');
    const id = 'a'.repeat(64);
    for (const said of [
      null,
      5,
      'put',
      {},
      { type: 'put' },
      { type: 'put', record: null },
      { type: 'put', record: { id, partition: id, tags: null } },
      { type: 'removed' },
      { type: 'removed', ids: [null] },
      { type: 'forget' },
      { type: 'forget', selector: null, at: 5 },
      { type: 'forget', selector: { ids: 5 }, at: 5 },
      { type: 'forget', selector: {}, at: Infinity },
      { type: 'setting' },
    ])
      channel.postMessage(said);
    channel.postMessage({ type: 'forget', selector: { tag: 'nothing' }, at: 8e15 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    channel.close();
    process.off('uncaughtException', hear);
    expect(broken).toEqual([]);
    expect(await client.cache.entries()).toHaveLength(1);
    await client.forget();
    await ended(client);
  });

  test('a tombstone of a clock that was ahead keeps nothing out for ever, nor does one that is damaged', async () => {
    const { client: before } = persistent();
    await before.generate('One');
    await ended(before);
    const db = await openDB('tierwise', 1);
    await db.add('tombstones', null);
    await db.add('tombstones', { selector: {}, at: Date.now() + 1e11 });
    await db.clear('replies');
    const { client, warnings } = persistent();
    await client.generate('One');
    await client.flush();
    expect(await db.count('replies')).toBe(1);
    expect(warnings).toEqual([]);
    db.close();
    await client.forget();
    await ended(client);
  });
});
