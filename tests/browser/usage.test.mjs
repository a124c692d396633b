/**
 * Usage in a real Chromium, against a real server that keeps what it stored: the browser killed, three tabs offline and
 * online, a page that is left, a service worker that sends. `npm run soak -- page` kills a hundred times.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

import { usageBackend } from '../servers/usage-backend.mjs';
import { bundle, launch, openPage, serve } from './harness.mjs';
import { killAgainAndAgain } from './killed-browser.mjs';
import { openPackage } from './served-package.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const modules = { usage: 'tests/browser/usage-in-page.ts' };

test('Chromium killed eight times: every acknowledged row is stored once or waits', { timeout: 300_000 }, async (t) => {
  const result = await killAgainAndAgain({ kills: 8 });
  t.diagnostic(JSON.stringify(result));
  assert.equal(result.lost, 0);
  assert.equal(result.left, 0);
  assert.ok(result.acknowledged > 50, `only ${result.acknowledged} were acknowledged`);
  assert.deepEqual(result.warnings, []);
});

test('three tabs, offline and online at random: nothing lost, nothing doubled', { timeout: 120_000 }, async (t) => {
  const backend = await usageBackend();
  const site = await serve({
    '/': '<!doctype html><html lang="en"><meta charset="utf-8"><title>tab</title>',
    '/usage.js': { body: await bundle(modules.usage), type: 'text/javascript' },
  });
  const context = await browser.newContext();
  try {
    const tabs = await Promise.all(
      [0, 1, 2].map(async () => {
        const page = await context.newPage();
        await page.goto(`${site.origin}/`);
        const devtools = await context.newCDPSession(page);
        await page.evaluate(async (url) => {
          const usage = await import('/usage.js');
          const delivery = await usage.open({ backend: { url, token: async () => 'session' } });
          const acknowledged = [];
          Object.assign(globalThis, { usage, delivery, acknowledged });
          globalThis.producing = usage.produce(delivery, (ids) => acknowledged.push(...ids), { until: 8000 });
        }, backend.url);
        return { page, devtools };
      }),
    );
    const condition = (offline) => ({ offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    backend.answer = () => {
      const dice = Math.random();
      return dice < 0.1 ? 'reset' : dice < 0.2 ? 'lost' : dice < 0.3 ? { status: 503 } : undefined;
    };
    for (let i = 0; i < 40; i += 1) {
      const { devtools } = tabs[i % 3];
      await devtools.send('Network.emulateNetworkConditions', condition(Math.random() < 0.5));
      await sleep(200);
    }
    backend.answer = undefined;
    for (const { devtools } of tabs) await devtools.send('Network.emulateNetworkConditions', condition(false));
    const acknowledged = [];
    for (const { page } of tabs)
      acknowledged.push(...(await page.evaluate(() => globalThis.producing.then(() => globalThis.acknowledged))));
    for (const { page } of tabs)
      await page.evaluate(() => globalThis.delivery.written().then(() => globalThis.delivery.send()));
    const left = await tabs[0].page.evaluate(() => globalThis.usage.waiting());
    const twice = [...backend.times.values()].filter((times) => times > 1).length;
    t.diagnostic(
      `${acknowledged.length} acknowledged, ${backend.stored.size} stored, ${twice} sent more than once, ${backend.requests.length} requests`,
    );
    assert.deepEqual(left, []);
    assert.deepEqual(
      acknowledged.filter((id) => !backend.stored.has(id)),
      [],
    );
    assert.ok(acknowledged.length > 300, `only ${acknowledged.length}`);
    backend.restart();
  } finally {
    await context.close();
    await site.close();
    await backend.close();
  }
});

test('409, 413, 500, HTML, a reset, 429, and rows that are refused: each row has its right end', async () => {
  const backend = await usageBackend();
  const trouble = [
    { status: 409 },
    { status: 413 },
    { status: 500 },
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html>' },
    'reset',
    { status: 429, headers: { 'retry-after': '1' } },
  ];
  const waits = [];
  backend.answer = ({ at }) => {
    if (trouble.length <= 1) waits.push(at);
    return trouble.shift();
  };
  const opened = await openPage(browser, { modules });
  try {
    const { bad, warnings, left } = await opened.run(async ({ usage }, url) => {
      const delivery = await usage.open({ backend: { url, token: 'session' } });
      usage.record(delivery, 300);
      const refused = usage.record(delivery, 3, { contextLabel: 'poison' });
      usage.record(delivery, 100);
      await delivery.written();
      for (let i = 0; i < 100 && (await delivery.left()) > 0; i += 1) {
        await delivery.send();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return { bad: refused, warnings: usage.warnings, left: await usage.waiting() };
    }, backend.url);
    assert.deepEqual([trouble, left], [[], []]);
    assert.equal(backend.stored.size, 400);
    assert.deepEqual(
      bad.filter((id) => backend.stored.has(id) || backend.times.get(id) === undefined),
      [],
    );
    assert.match(warnings.join(), /usage-refused: .* refused \S+ rows? for good: invalid-field/);
    // What Retry-After asked for was read across origins, and minded.
    assert.ok(waits[1] - waits[0] >= 1000, `${waits[1] - waits[0]} ms`);
    backend.restart();
  } finally {
    await opened.close();
    await backend.close();
  }
});

test('tabs take turns: no row is sent twice while all goes well', async () => {
  const backend = await usageBackend();
  backend.answer = () => undefined;
  const opened = await openPage(browser, { modules });
  try {
    const second = await opened.page.context().newPage();
    await second.goto(`${opened.origin}/`);
    const work = `(async () => {
      const usage = await import('/modules/usage.js');
      const delivery = await usage.open({ backend: { url: ${JSON.stringify(backend.url)}, token: 'session' } });
      for (let i = 0; i < 20; i++) { usage.record(delivery, 40); await delivery.send(); }
      await delivery.written(); await delivery.send();
    })()`;
    await Promise.all([opened.page.evaluate(work), second.evaluate(work)]);
    assert.equal(backend.stored.size, 1600);
    assert.equal([...backend.times.values()].filter((times) => times > 1).length, 0);
  } finally {
    await opened.close();
    await backend.close();
  }
});

for (const [how, leave] of [
  ['is navigated away', (page) => page.goto('about:blank')],
  ['is closed', (page) => page.close({ runBeforeUnload: true })],
]) {
  test(`a page that ${how}: what was just recorded goes along`, async () => {
    const backend = await usageBackend();
    const opened = await openPage(browser, { modules });
    try {
      const ids = await opened.run(async ({ usage }, url) => {
        const delivery = await usage.open({ backend: { url, token: async () => 'session' } });
        usage.record(delivery, 1);
        await delivery.written();
        // Who is signed in is known once a round was made.
        await delivery.send();
        // Far more than fits.
        return usage.record(delivery, 180, { contextLabel: 'x'.repeat(300) });
      }, backend.url);
      await leave(opened.page);
      for (let i = 0; i < 50 && backend.requests.length < 2; i += 1) await sleep(100);
      await sleep(300);
      const along = backend.requests.slice(1);
      const bytes = along.reduce((sum, request) => sum + request.bytes, 0);
      assert.ok(bytes <= 60_000, `${bytes} bytes`);
      const rows = along.flatMap((request) => request.rows);
      assert.ok(rows.length >= 50, `${rows.length} rows`);
      assert.ok(rows.every(({ eventId }) => ids.includes(eventId)));
      assert.equal(new Set(rows.map(({ eventId }) => eventId)).size, rows.length);
      // The next visit sends the rest; what went along stays one row.
      const next = await opened.page.context().newPage();
      await next.goto(`${opened.origin}/`);
      const left = await next.evaluate(async (url) => {
        const usage = await import('/modules/usage.js');
        const delivery = await usage.open({ backend: { url, token: 'session' } });
        const before = (await usage.waiting()).length;
        await delivery.send();
        return [before, (await usage.waiting()).length];
      }, backend.url);
      assert.deepEqual(left, [180, 0]);
      assert.equal(backend.stored.size, 181);
      backend.restart();
    } finally {
      await opened.close();
      await backend.close();
    }
  });
}

test('the built package: usage.js comes with the first request; what a visit left, the next one sends unasked', async () => {
  const got = [];
  const usage = (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const raw = Buffer.concat(parts);
      const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      const { events } = JSON.parse(text.toString('utf8'));
      got.push(...events);
      const verdicts = events.map(({ eventId }) => ({ eventId, verdict: 'stored' }));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ verdicts }));
    });
  };
  const opened = await openPackage(browser, { more: { '/functions/v1/usage': usage } });
  try {
    const recorded = await opened.page.evaluate(async () => {
      const { createClient } = await import('/pkg/dist/index.js');
      const offline = (url, init) =>
        String(url).includes('/functions/') ? Promise.reject(new TypeError('offline')) : fetch(url, init);
      const client = createClient({
        providers: { mock: true },
        fetch: offline,
        usage: { backend: { url: `${location.origin}/functions/v1`, token: 'session' } },
      });
      const ids = [];
      client.on('usage', ({ eventId }) => ids.push(eventId));
      await client.generate('Hi');
      await client.flush();
      return ids;
    });
    assert.equal(recorded.length, 2);
    assert.equal(opened.asked.filter((name) => name === 'usage.js').length, 1);
    assert.deepEqual(got, []);
    await opened.page.reload();
    await opened.page.evaluate(async () => {
      const { createClient } = await import('/pkg/dist/index.js');
      createClient({ usage: { backend: { url: `${location.origin}/functions/v1`, token: 'session' } } });
    });
    for (let i = 0; i < 80 && got.length < 2; i += 1) await sleep(100);
    assert.deepEqual(got.map(({ eventId }) => eventId).sort(), recorded.sort());
    assert.deepEqual(opened.problems, []);
  } finally {
    await opened.close();
  }
});

test('who configures no place for usage loads none of it', async () => {
  const opened = await openPackage(browser);
  try {
    await opened.page.evaluate(async () => {
      const { createClient } = await import('/pkg/dist/index.js');
      const client = createClient({ providers: { mock: true }, usage: { appVersion: '1' } });
      client.on('usage', () => undefined);
      await client.generate('Hi');
      await client.flush();
    });
    assert.equal(opened.asked.includes('usage.js'), false);
  } finally {
    await opened.close();
  }
});

test('a page without storage: events are sent all the same, and that they do not outlive it is told', async () => {
  const backend = await usageBackend();
  const opened = await openPage(browser, { modules });
  try {
    const warnings = await opened.run(async ({ usage }, url) => {
      globalThis.IDBFactory.prototype.open = () => {
        throw new Error('denied');
      };
      const delivery = await usage.open({ backend: { url, token: 'session' } });
      usage.record(delivery, 10);
      await delivery.send();
      return usage.warnings;
    }, backend.url);
    assert.equal(backend.stored.size, 10);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /^usage-storage-failed: .*denied/);
  } finally {
    await opened.close();
    await backend.close();
  }
});

test('a full disk: what the browser refuses to write is sent all the same', async () => {
  const backend = await usageBackend();
  const opened = await openPage(browser, { modules });
  try {
    const [warnings, left] = await opened.run(async ({ usage }, url) => {
      const delivery = await usage.open({ backend: { url, token: 'session' } });
      const put = globalThis.IDBObjectStore.prototype.put;

      globalThis.IDBObjectStore.prototype.put = function (value) {
        if (value.text !== undefined) throw new DOMException('full', 'QuotaExceededError');
        return put.call(this, value);
      };
      usage.record(delivery, 10);
      await delivery.written();
      await delivery.send();
      return [usage.warnings, await delivery.left()];
    }, backend.url);
    assert.equal(backend.stored.size, 10);
    assert.equal(left, 0);
    assert.match(warnings.join(), /^usage-storage-failed: .*full/);
  } finally {
    await opened.close();
    await backend.close();
  }
});

test('a service worker sends what is left, with no tab', async () => {
  const backend = await usageBackend();
  const worker = await bundle('tests/browser/usage-worker.ts', {
    format: 'iife',
    define: { __TIERWISE_VERSION__: '"0"' },
  });
  const opened = await openPage(browser, {
    modules,
    routes: { '/worker.js': { body: worker, type: 'text/javascript' } },
  });
  try {
    const said = await opened.run(async ({ usage }, url) => {
      const delivery = await usage.open({ backend: { url, token: () => undefined } });
      usage.record(delivery, 700);
      await delivery.written();
      await delivery.close();
      const registration = await navigator.serviceWorker.register('/worker.js');
      await navigator.serviceWorker.ready;
      const answer = new Promise((resolve) => {
        navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
      });
      registration.active.postMessage({ url });
      return [await answer, (await usage.waiting()).length];
    }, backend.url);
    assert.deepEqual(said, ['sent', 0]);
    assert.equal(backend.stored.size, 700);
  } finally {
    await opened.close();
    await backend.close();
  }
});
