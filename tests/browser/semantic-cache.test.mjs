/**
 * The semantic cache in real pages: questions and vectors kept in IndexedDB, two tabs, a page without a network, a worker
 * that dies while a question waits for it, storage that is gone, WebAssembly memory that is used up.
 */
/* global client */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { launch } from './harness.mjs';
import { openPackage } from './served-package.mjs';

const enable = 'How do I enable two-factor authentication?';
const asEnable = 'how can i enable two factor authentication';
/** The rules leave these to the judge. */
const fix = 'How long do I boil an egg?';
const asFix = 'egg boiling time';

let browser;
let opened;
before(async () => {
  browser = await launch();
});
after(() => browser.close());
afterEach(() => opened?.close());

let answered = 0;
async function open(options = {}) {
  answered = 0;
  const chat = (request, response) => {
    answered++;
    const frame = (delta, finish) => `data: ${JSON.stringify({ choices: [{ delta, finish_reason: finish }] })}\n\n`;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${frame({ content: `Reply ${answered}.` }, null)}${frame({}, 'stop')}data: [DONE]\n\n`);
  };
  opened = await openPackage(browser, { ...options, more: { '/v1/chat/completions': chat } });
  return opened;
}

/** A client of the page; `model`: light or minilm. */
async function start(page, { model = 'light', config = {}, breakStorage = false } = {}) {
  await page.evaluate(
    async ([name, given, broken]) => {
      if (broken) {
        globalThis.IDBFactory.prototype.open = () => {
          throw new DOMException('The operation is insecure.', 'SecurityError');
        };
      }
      const [{ createClient }, embedders] = await Promise.all([
        import('/pkg/dist/index.js'),
        import('/pkg/dist/minilm.js'),
      ]);
      const warnings = [];
      const embedder = embedders[name]();
      globalThis.client = createClient({
        providers: { openai: { baseUrl: `${location.origin}/v1`, model: 'tiny' } },
        partition: { user: 'ada' },
        embedder,
        ...given,
      });
      Object.assign(client, { embedder, warnings });
      client.on('warning', ({ code }) => warnings.push(code));
    },
    [model, config, breakStorage],
  );
  // The first request of a page does not wait for it.
  await page.evaluate(async () => {
    for (let i = 0; i < 200; i++) {
      const { trace } = await client.generate('Is it there yet, or what?', { cache: { noStore: true } });
      if (trace.steps.some(({ step, outcome }) => step === 'semantic' && outcome !== 'skipped')) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('The semantic cache never came.');
  });
}
const ask = (page, prompt, options) =>
  page.evaluate(
    async ([text, more]) => {
      const { id, content, cached } = await client.generate(text, more);
      await client.flush();
      return { id, content, by: cached?.by, prompt: cached?.prompt, semantic: client.explain(id).semantic };
    },
    [prompt, options],
  );
const warningsOf = (page) => page.evaluate(() => client.warnings);
/** What IndexedDB has of this question. */
const kept = (page, prompt) =>
  page.evaluate(async (text) => {
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise((resolve) => {
        indexedDB.open(name).onsuccess = ({ target }) => resolve(target.result);
      });
      try {
        for (const store of database.objectStoreNames) {
          const all = await new Promise((resolve) => {
            database.transaction(store).objectStore(store).getAll().onsuccess = ({ target }) => resolve(target.result);
          });
          const found = all.find((one) => one?.prompt === text);
          if (found !== undefined) return { vectors: found.question?.vectors?.length ?? 0, by: found.question?.by };
        }
      } finally {
        database.close();
      }
    }
    return undefined;
  }, prompt);
async function until(what, holds) {
  const late = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > late) assert.fail(`${what} never came about.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('answers in other words, after a reload and without a network too', async () => {
  const { page, problems } = await open();
  await start(page);
  const { content } = await ask(page, enable);
  assert.deepEqual(
    { ...(await ask(page, asEnable)), id: 0, semantic: 0 },
    { id: 0, semantic: 0, content, by: 'words', prompt: enable },
  );
  await until('files kept', () =>
    page.evaluate(async () => (await (await caches.open('tierwise-models')).keys()).length === 4),
  );
  await page.reload();
  await start(page);
  const before = answered;
  await until(
    'the kept question',
    async () => (await ask(page, asEnable, { cache: { onlyIfCached: true } })).content === content,
  );
  assert.equal(answered, before);
  assert.deepEqual(await warningsOf(page), []);
  assert.deepEqual(problems, []);
});

test('MiniLM decides where words do not: vectors are made when the page is idle, kept, and used by the next page', async () => {
  const { page } = await open();
  await start(page, { model: 'minilm', config: { cache: { semantic: 'balanced' } } });
  const { content } = await ask(page, fix);
  await until('vectors in IndexedDB', async () => (await kept(page, fix))?.vectors > 384);
  const hit = await ask(page, asFix);
  assert.equal(hit.by, 'minilm', JSON.stringify(hit.semantic));
  assert.equal(hit.content, content);
  await page.reload();
  await start(page, { model: 'minilm', config: { cache: { semantic: 'balanced' } } });
  await page.evaluate(() => client.embedder.load());
  await until('the kept question', async () => (await ask(page, asFix)).by === 'minilm');
});

test('what one tab stores answers in the other; what it forgets does not', async () => {
  const { page, origin } = await open();
  const other = await page.context().newPage();
  await other.goto(`${origin}/`);
  await Promise.all([start(page), start(other)]);
  const { content } = await ask(page, enable);
  await until(
    'the other tab',
    async () => (await ask(other, asEnable, { cache: { noStore: true } })).content === content,
  );
  // Both write at once; nothing is lost.
  const both = await Promise.all(
    [page, other].map((tab, i) =>
      Promise.all([0, 1, 2, 3].map((j) => ask(tab, `How do I water plant number ${i}${j}?`))),
    ),
  );
  for (const [i, replies] of both.entries()) {
    for (const [j, { content: said }] of replies.entries()) {
      const tab = i === 0 ? other : page;
      await until(`plant ${i}${j}`, async () => {
        const found = await ask(tab, `how can i water plant number ${i}${j}`, { cache: { noStore: true } });
        return found.content === said && found.by === 'words';
      });
    }
  }
  await page.evaluate(() => client.forget());
  await until('forgotten', async () => (await ask(other, asEnable, { cache: { noStore: true } })).by === undefined);
});

test('a worker that dies while a question waits for it costs nothing but its verdict', async () => {
  const { page } = await open();
  await start(page, { model: 'minilm', config: { cache: { semantic: 'balanced' } } });
  await page.evaluate(() => client.embedder.load());
  await ask(page, fix);
  await until('vectors in IndexedDB', async () => (await kept(page, fix))?.vectors > 384);
  const session = await browser.newBrowserCDPSession();
  const { targetInfos } = await session.send('Target.getTargets');
  const asking = ask(page, asFix, { cache: { noStore: true } });
  for (const { targetId } of targetInfos.filter(({ type }) => type === 'worker')) {
    await session.send('Target.closeTarget', { targetId }).catch(() => undefined);
  }
  for (const worker of page.workers()) await worker.evaluate('self.close()').catch(() => undefined);
  const reply = await asking;
  assert.match(reply.content, /^Reply/);
  // With light vectors for now.
  assert.match((await ask(page, asEnable)).content, /^Reply/);
  const warnings = await warningsOf(page);
  assert.ok(
    warnings.every((code) => code === 'semantic-cache-limited') && warnings.length <= 1,
    JSON.stringify(warnings),
  );
});

test('without IndexedDB it works in memory', async () => {
  const { page } = await open();
  await start(page, { breakStorage: true });
  await ask(page, enable);
  assert.equal((await ask(page, asEnable)).by, 'words');
  assert.deepEqual(await warningsOf(page), ['storage-failed']);
});

test('files that are wrong or lost leave the exact cache, and are used once they are right', async () => {
  for (const own of [404, { body: '<!doctype html>', type: 'text/html' }, { body: 'torn' }]) {
    const { page, changed } = await open({ changed: { 'words.bin': own } });
    await page.evaluate(async () => {
      const [{ createClient }, { light }] = await Promise.all([
        import('/pkg/dist/index.js'),
        import('/pkg/dist/minilm.js'),
      ]);
      const offset = { ms: 0 };
      const clock = {
        now: () => Date.now() + offset.ms,
        after: (ms, task) =>
          (
            (id) => () =>
              clearTimeout(id)
          )(setTimeout(task, ms)),
      };
      globalThis.client = createClient({
        providers: { openai: { baseUrl: `${location.origin}/v1`, model: 'tiny' } },
        embedder: light(),
        clock,
      });
      Object.assign(client, { warnings: [], offset });
      client.on('warning', ({ code }) => client.warnings.push(code));
    });
    const { content } = await ask(page, enable);
    await until('the warning', async () => (await warningsOf(page)).length > 0);
    assert.equal((await ask(page, enable)).content, content);
    assert.deepEqual(await warningsOf(page), ['semantic-cache-failed']);
    delete changed['words.bin'];
    await page.evaluate(() => (client.offset.ms = 60_000));
    await until('healed', async () => (await ask(page, asEnable, { cache: { noStore: true } })).by === 'words');
    await opened.close();
  }
});

test("WebAssembly memory that is used up is not the request's matter", async () => {
  const { page } = await open();
  await page.evaluate(() => {
    const { grow } = WebAssembly.Memory.prototype;
    globalThis.full = false;
    WebAssembly.Memory.prototype.grow = function (pages) {
      if (globalThis.full) throw new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded');
      return grow.call(this, pages);
    };
  });
  await start(page);
  await ask(page, enable);
  await page.evaluate(() => (globalThis.full = true));
  // Each takes memory; the core has its own.
  const replies = await page.evaluate(async () => {
    const found = [];
    for (let i = 0; i < 3000 && !client.warnings.includes('semantic-cache-failed'); i++) {
      found.push((await client.generate(`How do I ${'carefully '.repeat(300)} water plant number ${i}?`)).content);
    }
    return found;
  });
  assert.ok(replies.every((content) => /^Reply/.test(content)));
  assert.ok((await warningsOf(page)).includes('semantic-cache-failed'), `after ${replies.length} requests`);
  assert.match((await ask(page, 'Is anybody there at all?')).content, /^Reply/);
});
