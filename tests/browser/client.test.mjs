/**
 * The built package in a real page under the strict Content-Security-Policy: what IndexedDB keeps and for whom, tabs,
 * records of others, storage that fails, memory over 10,000 requests, a worker. Needs dist/ (`npm run build`).
 */
/* global client, tierwise, busy, memory, IDBFactory, IDBDatabase, IDBObjectStore, EventTarget */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { bodyOf, cors, listen } from '../servers/loopback.mjs';
import { launch, root, serve } from './harness.mjs';

const csp =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http://127.0.0.1:*; object-src 'none'";
const dist = path.join(root, 'dist');
let browser;
let model;
let site;
let context;
let answered = 0;
let hold;

before(async () => {
  model = await listen(async (request, response) => {
    if (cors(request, response)) return;
    const { messages } = JSON.parse(await bodyOf(request));
    await hold;
    answered += 1;
    const content = `Reply ${answered} to ${messages.at(-1).content}.`;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ choices: [{ message: { content }, finish_reason: 'stop' }] }));
  });
  const page =
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><script type="module" src="/page.js"></script>';
  const files = readdirSync(dist).filter((name) => /\.(js|wasm)$/.test(name));
  site = await serve(
    {
      '/': page,
      '/elsewhere': '<!doctype html><title>elsewhere</title>',
      // What each test runs with: one client, and what it told.
      '/page.js': `
        import * as tierwise from '/dist/index.js';
        const settings = JSON.parse(decodeURIComponent(location.hash.slice(1) || '%7B%7D'));
        const warnings = [];
        const client = tierwise.createClient({
          providers: { openai: { baseUrl: '${model.origin}/v1', model: 'm' } },
          ...settings,
        });
        client.on('warning', ({ code, message }) => warnings.push({ code, message }));
        Object.assign(globalThis, { tierwise, client, warnings });
        globalThis.ask = async (prompt, options = {}) => {
          try {
            const { source, content } = await client.generate(prompt, options);
            return source + ': ' + content;
          } catch (error) {
            return error.code ?? String(error);
          }
        };
        globalThis.cached = (prompt, options = {}) => ask(prompt, { ...options, cache: { onlyIfCached: true } });
      `,
      '/worker.js': `
        import { createClient } from '/dist/index.js';
        onmessage = async ({ data }) => {
          const client = createClient({ providers: { openai: { baseUrl: data, model: 'm' } }, partition: { user: 'w' } });
          try {
            const first = await client.generate('From a worker');
            const parts = [];
            for await (const part of client.stream('From a worker')) parts.push(part.text);
            await client.flush();
            postMessage([first.source, first.content === parts.join('')]);
          } catch (error) {
            postMessage(String(error));
          }
          client.close();
        };
      `,
      ...Object.fromEntries(files.map((name) => [`/dist/${name}`, readFileSync(path.join(dist, name))])),
    },
    { headers: { 'content-security-policy': csp } },
  );
  browser = await launch('--js-flags=--expose-gc');
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), model?.close()]);
});
beforeEach(async () => {
  answered = 0;
  hold = undefined;
  context = await browser.newContext();
});
const problems = [];
afterEach(async () => {
  await context.close();
  assert.deepEqual(problems.splice(0), []);
});

/** A tab with a client of these settings. `init` runs before anything of the page. */
async function tab(settings = {}, init) {
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.addInitScript(() =>
    addEventListener('securitypolicyviolation', (event) => console.error(`CSP: ${event.violatedDirective}`)),
  );
  if (init !== undefined) await page.addInitScript(init);
  await page.goto(`${site.origin}/#${encodeURIComponent(JSON.stringify(settings))}`);
  await ready(page);
  return page;
}
const ready = (page) => page.waitForFunction(() => globalThis.client !== undefined);
const ask = (page, prompt, options) => page.evaluate(([p, o]) => globalThis.ask(p, o), [prompt, options]);
const cached = (page, prompt, options) => page.evaluate(([p, o]) => globalThis.cached(p, o), [prompt, options]);
const flush = (page) => page.evaluate(() => globalThis.client.flush());
const warnings = (page) => page.evaluate(() => globalThis.warnings.map(({ code }) => code));
const user = { partition: { user: 'ann' } };
/** Records as they lie in IndexedDB. */
const records = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open('tierwise');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const db = opening.result;
          if (!db.objectStoreNames.contains('replies')) {
            db.close();
            return resolve([]);
          }
          const all = db.transaction('replies').objectStore('replies').getAll();
          all.onsuccess = () => {
            db.close();
            resolve(all.result);
          };
        };
      }),
  );
/** The page says something about itself only some time after another page's doing. */
async function eventually(check) {
  for (let i = 0; ; i += 1) {
    try {
      return await check();
    } catch (error) {
      if (i >= 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

test('with a user replies and settings outlive the page, and stay in their partition', async () => {
  const page = await tab(user);
  assert.equal(await ask(page, 'Hi'), 'openai: Reply 1 to Hi.');
  await page.evaluate(() => client.setSetting('ui', { theme: 'dark' }));
  await flush(page);
  await page.reload();
  await ready(page);
  assert.equal(await ask(page, 'Hi'), 'cache: Reply 1 to Hi.');
  assert.deepEqual(await page.evaluate(() => client.getSetting('ui')), { theme: 'dark' });
  assert.equal((await page.evaluate(() => client.cache.entries())).length, 1);
  assert.equal(await cached(page, 'Hi', { partition: { user: 'bob' } }), 'not-cached');
  assert.equal((await records(page)).length, 1);
  assert.equal(answered, 1);
});

test('without a user nothing is written, unless it is asked for', async () => {
  const page = await tab();
  await ask(page, 'Hi');
  assert.equal(await cached(page, 'Hi'), 'cache: Reply 1 to Hi.');
  await flush(page);
  assert.deepEqual(await page.evaluate(() => indexedDB.databases()), []);
  await page.reload();
  await ready(page);
  assert.equal(await cached(page, 'Hi'), 'not-cached');
  const asked = await tab({ cache: { persist: true } });
  await ask(asked, 'Ho');
  await flush(asked);
  await asked.reload();
  await ready(asked);
  assert.equal(await cached(asked, 'Ho'), 'cache: Reply 2 to Ho.');
});

test('two tabs hear of each other’s replies and deletions; nothing forgotten comes back', async () => {
  const [one, two] = [await tab(user), await tab(user)];
  await cached(two, 'warm up');
  await ask(one, 'Tea', { cache: { tags: ['t'] } });
  await ask(one, 'Coffee');
  await flush(one);
  await eventually(async () => assert.equal(await cached(two, 'Tea'), 'cache: Reply 1 to Tea.'));
  await eventually(async () => assert.equal(await cached(two, 'Coffee'), 'cache: Reply 2 to Coffee.'));
  assert.equal(await two.evaluate(() => client.cache.entries().then((all) => all.length)), 2);
  const gone = await one.evaluate(() => client.forget({ tag: 't' }));
  assert.equal(gone.entries, 1);
  await eventually(async () => assert.equal(await cached(two, 'Tea'), 'not-cached'));
  assert.equal(await cached(two, 'Coffee'), 'cache: Reply 2 to Coffee.');
  await two.reload();
  await ready(two);
  assert.equal(await cached(two, 'Tea'), 'not-cached');
  assert.deepEqual(
    (await records(two)).map(({ prompt }) => prompt),
    ['Coffee'],
  );
});

test('a reply under way in one tab while another forgets is not stored by either', async () => {
  const [one, two] = [await tab(user), await tab(user)];
  await cached(one, 'x');
  let release;
  hold = new Promise((resolve) => (release = resolve));
  const asking = ask(two, 'Tea');
  await two.waitForTimeout(100);
  await one.evaluate(() => client.forget({}));
  release();
  assert.match(await asking, /^openai: /);
  await flush(two);
  assert.equal(await cached(two, 'Tea'), 'not-cached');
  assert.equal(await cached(one, 'Tea'), 'not-cached');
  assert.deepEqual(await records(one), []);
});

test('a tab that was frozen forgets, when it wakes, what was forgotten meanwhile', async () => {
  const [one, two] = [await tab(user), await tab(user)];
  await ask(two, 'Tea');
  await flush(two);
  const cdp = await context.newCDPSession(two);
  await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
  assert.equal((await one.evaluate(() => client.forget({}))).entries, 1);
  await cdp.send('Page.setWebLifecycleState', { state: 'active' });
  await eventually(async () => assert.equal(await cached(two, 'Tea'), 'not-cached'));
});

test('a page that was left and come back to does too', async () => {
  const [one, two] = [await tab(user), await tab(user)];
  await ask(two, 'Tea');
  await flush(two);
  await two.goto(`${site.origin}/elsewhere`);
  assert.equal((await one.evaluate(() => client.forget({}))).entries, 1);
  await two.goBack();
  await ready(two);
  await eventually(async () => assert.equal(await cached(two, 'Tea'), 'not-cached'));
});

test('damaged, foreign, older and newer records: the sound ones answer, the newer ones stay', async () => {
  const page = await tab(user);
  await ask(page, 'Sound');
  await flush(page);
  const [sound] = await records(page);
  await page.evaluate(() => client.close());
  const id = (digit) => digit.repeat(64);
  const others = {
    'no reply': { ...sound, id: id('1'), reply: undefined },
    'text as a number': { ...sound, id: id('2'), reply: { ...sound.reply, content: 5 } },
    'bytes as text': { ...sound, id: id('3'), bytes: 'many' },
    foreign: { id: 'theirs', hello: 'world' },
    'no format': { ...sound, id: id('4'), format: undefined },
    older: { ...sound, id: id('5'), format: 0 },
    'tags of another kind': { ...sound, id: id('6'), tags: { a: 1 } },
    'no partition': { ...sound, id: id('7'), partition: 'ann' },
    'a tier nobody knows': { ...sound, id: id('8'), tier: 'gold' },
    'from the future': { ...sound, id: id('9'), storedAt: sound.storedAt + 1e9 },
    newer: { ...sound, id: id('a'), format: 99, reply: { shape: 'of tomorrow' } },
  };
  await page.evaluate(
    (all) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open('tierwise');
        opening.onsuccess = () => {
          const db = opening.result;
          const writing = db.transaction(['replies', 'settings', 'tombstones'], 'readwrite');
          for (const record of all) writing.objectStore('replies').put(record);
          writing.objectStore('settings').put({ theme: 'dark' }, 'ui');
          writing.objectStore('tombstones').add({ at: 'noon' });
          writing.objectStore('tombstones').add('nonsense');
          writing.oncomplete = () => {
            db.close();
            resolve();
          };
          writing.onerror = () => reject(writing.error);
        };
      }),
    Object.values(others),
  );
  await page.reload();
  await ready(page);
  assert.equal(await ask(page, 'Sound'), 'cache: Reply 1 to Sound.');
  assert.deepEqual(await page.evaluate(() => client.getSetting('ui')), { theme: 'dark' });
  assert.equal(await ask(page, 'New'), 'openai: Reply 2 to New.');
  assert.equal((await page.evaluate(() => client.cache.entries())).length, 2);
  await flush(page);
  assert.deepEqual(await warnings(page), ['cache-records-skipped']);
  const left = (await records(page)).map((record) => record.id);
  assert.ok(left.includes(others.newer.id), 'a newer record was deleted');
  for (const name of ['no reply', 'foreign', 'older', 'a tier nobody knows'])
    assert.ok(!left.includes(others[name].id), name);
  // And it can all be forgotten.
  await page.evaluate(() => client.forget({ partition: 'all' }));
  assert.equal(await cached(page, 'Sound'), 'not-cached');
  assert.deepEqual((await warnings(page)).length, 1);
});

test('a database of a newer version is left alone', async () => {
  const page = await tab();
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        const opening = indexedDB.open('tierwise', 99);
        opening.onsuccess = () => {
          opening.result.close();
          resolve();
        };
      }),
  );
  const later = await tab(user);
  assert.equal(await ask(later, 'Hi'), 'openai: Reply 1 to Hi.');
  assert.equal(await ask(later, 'Hi'), 'cache: Reply 1 to Hi.');
  assert.deepEqual(await warnings(later), ['storage-failed']);
  const versions = await later.evaluate(() => indexedDB.databases());
  assert.deepEqual(versions, [{ name: 'tierwise', version: 99 }]);
});

const broken = {
  'opening throws': () => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    };
  },
  'opening never ends': () => {
    IDBFactory.prototype.open = () => new EventTarget();
  },
  'no transaction can begin': () => {
    IDBDatabase.prototype.transaction = () => {
      throw new DOMException('The database connection is closing.', 'InvalidStateError');
    };
  },
  'the quota is used up': () => {
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('Quota exceeded.', 'QuotaExceededError');
    };
  },
  'reading fails': () => {
    for (const name of ['get', 'getAll', 'getAllKeys'])
      IDBObjectStore.prototype[name] = () => {
        throw new DOMException('Corrupted.', 'UnknownError');
      };
  },
};
for (const [name, init] of Object.entries(broken)) {
  test(`${name}: one warning, and requests go on`, async () => {
    const page = await tab(user, init);
    assert.equal(await ask(page, 'Hi'), 'openai: Reply 1 to Hi.');
    assert.equal(await ask(page, 'Hi'), 'cache: Reply 1 to Hi.');
    assert.equal(await ask(page, 'Ho'), 'openai: Reply 2 to Ho.');
    await flush(page);
    assert.equal((await page.evaluate(() => client.forget({}))).entries, 2);
    assert.equal(await cached(page, 'Hi'), 'not-cached');
    await flush(page);
    assert.deepEqual(await warnings(page), ['storage-failed']);
    await page.evaluate(() => client.close());
    await page.waitForTimeout(50);
  });
}

test('no IndexedDB at all: memory', async () => {
  const page = await tab(user, () => Object.defineProperty(globalThis, 'indexedDB', { value: undefined }));
  assert.equal(await ask(page, 'Hi'), 'openai: Reply 1 to Hi.');
  assert.equal(await ask(page, 'Hi'), 'cache: Reply 1 to Hi.');
  assert.deepEqual(await warnings(page), []);
});

test('a literal token is refused in a page', async () => {
  const page = await tab();
  const said = await page.evaluate(() => {
    try {
      tierwise.createClient({ spaces: { base: { url: 'a/b', token: 'hf_0123456789' } } });
      return 'accepted';
    } catch (error) {
      return `${error.code} ${error.field}`;
    }
  });
  assert.equal(said, 'browser-token spaces.base.token');
});

test('a web worker', async () => {
  const page = await tab();
  const said = await page.evaluate(
    (base) =>
      new Promise((resolve) => {
        const worker = new Worker('/worker.js', { type: 'module' });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => resolve(message);
        worker.postMessage(base);
      }),
    `${model.origin}/v1`,
  );
  assert.deepEqual(said, ['openai', true]);
  assert.equal((await records(page)).length, 1);
});

test('10,000 requests in one page: the heap and the core’s memory are as before', { timeout: 300_000 }, async (t) => {
  const page = await tab({}, () => {
    const instantiate = WebAssembly.instantiate;
    WebAssembly.instantiate = async (...given) => {
      const result = await instantiate.call(WebAssembly, ...given);
      for (const value of Object.values((result.instance ?? result).exports))
        if (value instanceof WebAssembly.Memory) globalThis.memory = value;
      return result;
    };
  });
  const cdp = await context.newCDPSession(page);
  const round = (from, to) =>
    page.evaluate(
      async ([first, last]) => {
        globalThis.busy ??= tierwise.createClient({
          providers: { openai: { baseUrl: 'http://127.0.0.1/v1', model: 'm' } },
          cache: { maxEntries: 500 },
          partition: { user: 'ann' },
          fetch: async (_url, { signal }) => {
            signal.throwIfAborted();
            const frame = (delta, finish_reason = null) =>
              `data: ${JSON.stringify({ choices: [{ delta, finish_reason }] })}\n\n`;
            const text =
              frame({ content: 'Hello ' }) + frame({ content: 'there.' }) + frame({}, 'stop') + 'data: [DONE]\n\n';
            return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
          },
        });
        for (let i = first; i < last; i += 1) {
          const prompt = `${i % 3 === 0 ? i - 3 : i} ${'p'.repeat(500)}`;
          if (i % 5 === 0) for await (const part of busy.stream(prompt)) part.text;
          else if (i % 7 === 0) await busy.generate(prompt, { signal: AbortSignal.timeout(5) }).catch(() => undefined);
          else await busy.generate(prompt);
        }
        await busy.flush();
      },
      [from, to],
    );
  const measure = async () => {
    await page.waitForTimeout(2500); // Use counts are written every 2 s.
    for (let i = 0; i < 3; i += 1) await cdp.send('HeapProfiler.collectGarbage');
    const { usedSize } = await cdp.send('Runtime.getHeapUsage');
    return { heap: usedSize, wasm: await page.evaluate(() => memory.buffer.byteLength) };
  };
  // Enough for the cache to be full and the code to be optimised.
  await round(0, 8000);
  const first = await measure();
  await round(8000, 18_000);
  const last = await measure();
  t.diagnostic(
    `heap ${(first.heap / 1e6).toFixed(2)} -> ${(last.heap / 1e6).toFixed(2)} MB, core ${first.wasm / 1024} -> ${last.wasm / 1024} KB`,
  );
  assert.equal(last.wasm, first.wasm);
  assert.ok(last.heap - first.heap < 1_000_000, `the heap grew by ${last.heap - first.heap} bytes`);
});
