/**
 * A hostile Space, address, storage or config.json against the built demo in real Chromium: nothing of theirs runs, is
 * fetched or breaks the page, and a token goes to the server it was typed for and to no other.
 * Needs dist/ and build/demo (`npx vite build web/demo`).
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { launch, root, serve } from './harness.mjs';

const folder = path.join(root, 'build/demo');
/** The page's own policy (a meta element) is what is tested: the server sends none. */
const demo = Object.fromEntries(
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => [
      `/${path.relative(folder, file).split(path.sep).join('/')}`,
      { body: readFileSync(file), ...(file.endsWith('.svg') && { type: 'image/svg+xml' }) },
    ]),
);
const script = '<script>window.pwned = 1</script>';
const picture = '<img src=x onerror="window.pwned = 1">';

/** An OpenAI-shaped Space that says `space.answer`, or fails with `space.failure`. */
async function startSpace() {
  const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
  const space = { url: '', answer: 'Hello.', model: 'tiny', failure: undefined, authorizations: [], close: undefined };
  const server = createServer((request, response) => {
    if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end();
    space.authorizations.push(request.headers.authorization);
    const send = (status, value) =>
      response.writeHead(status, { ...cors, 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.url === '/v1/models') return send(200, { data: [{ id: space.model }] });
    if (request.url !== '/v1/chat/completions') return send(404, {});
    if (space.failure !== undefined) return send(400, { error: { message: space.failure, type: space.failure } });
    return send(200, {
      model: space.model,
      choices: [{ message: { content: space.answer }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  space.url = `http://127.0.0.1:${server.address().port}`;
  space.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return space;
}

describe('A hostile world and the demo', () => {
  let browser;
  let space;
  let other;
  let site;
  let context;
  let page;
  let thrown;
  let foreign;

  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    [space, other] = await Promise.all([startSpace(), startSpace()]);
    thrown = [];
    foreign = [];
  });
  afterEach(async () => {
    await context?.close();
    await site?.close();
    space.close();
    other.close();
  });

  async function open({ config = { spaces: { base: { url: space.url } } }, hash = '' } = {}) {
    site = await serve({ ...demo, '/': demo['/index.html'], '/config.json': JSON.stringify(config) });
    context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    page.on('pageerror', (error) => thrown.push(String(error)));
    page.on('dialog', (dialog) => {
      thrown.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const own = [site.origin, space.url, other.url].some((origin) => request.url().startsWith(`${origin}/`));
      if (!own && !/^(data|blob):/.test(request.url())) foreign.push(request.url());
    });
    await page.goto(`${site.origin}/${hash}`);
    await page.locator('h1').first().waitFor({ state: 'attached' });
  }
  async function ask(question) {
    const before = await page.getByRole('article', { name: 'Answer' }).count();
    await page.getByRole('textbox', { name: 'Your question' }).fill(question);
    await page.getByRole('textbox', { name: 'Your question' }).press('Enter');
    await page.getByRole('article', { name: 'Answer' }).nth(before).waitFor();
    await page.locator('.answer[aria-busy="true"]').waitFor({ state: 'detached' });
  }
  async function nothingHappened() {
    await page.waitForTimeout(100);
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.deepEqual(thrown, []);
    assert.deepEqual(foreign, []);
    assert.equal(await page.locator('#root script, #root iframe, #root img, #root object, #root style').count(), 0);
  }

  it('HTML, scripts, pictures and script links of a reply, a question and a model name are text', async () => {
    space.model = picture;
    space.answer = [
      script,
      picture,
      '<iframe src="https://evil.test"></iframe>',
      '<a href="javascript:window.pwned=1">one</a>',
      '[two](javascript:window.pwned=1)',
      '[three](JaVaScRiPt:window.pwned=1)',
      '[four](&#106;avascript:window.pwned=1)',
      '[five](java\tscript:window.pwned=1)',
      '[six](data:text/html,<script>window.pwned=1</script>)',
      '[seven](vbscript:x)',
      '![pixel](https://evil.test/pixel.png?said=this)',
      '![data](data:image/svg+xml,<svg/onload=window.pwned=1>)',
      '<https://evil.test/auto>',
      '[ref][x]\n\n[x]: javascript:window.pwned=1',
      '`<b>`',
      '| a |\n| - |\n| <img src=x onerror=window.pwned=1> |',
    ].join('\n\n');
    await open();
    await ask(`${script}${picture}`);
    const links = await page
      .locator('.reply-text a')
      .evaluateAll((all) => all.map((a) => ({ scheme: new URL(a.href).protocol, rel: a.rel, target: a.target })));
    assert.ok(links.length >= 2);
    for (const { scheme, rel, target } of links) {
      assert.match(scheme, /^https?:$/);
      assert.match(rel, /noopener/);
      assert.match(rel, /noreferrer/);
      assert.equal(target, '_blank');
    }
    for (const link of await page.locator('.reply-text :text("two"), .reply-text :text("six")').all())
      await link.click();
    await page.getByRole('article', { name: 'Answer' }).last().getByRole('button', { name: 'Why?' }).click();
    for (const summary of await page.locator('.panel summary').all()) await summary.click();
    await nothingHappened();
    for (const name of ['Cache', 'Usage', 'Health']) {
      await page.getByRole('navigation').getByRole('link', { name }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await nothingHappened();
    }
  });

  it('an error in HTML is text, in the chat and under Health', async () => {
    space.failure = `${script}${picture}`;
    await open();
    await ask('Hello');
    await page.locator('.failure summary').click();
    assert.match(await page.locator('.failure .what').innerText(), /<script>/);
    await page.getByRole('navigation').getByRole('link', { name: 'Health' }).click();
    await page.getByRole('heading', { level: 1, name: 'Health' }).waitFor();
    await nothingHappened();
  });

  it('inline scripts, handlers, styles and eval are refused by the page’s own policy', async () => {
    await open();
    const result = await page.evaluate(async () => {
      const violations = [];
      addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective));
      const element = document.createElement('script');
      element.textContent = 'window.pwned = 1';
      document.body.append(element);
      const button = document.createElement('div');
      button.innerHTML = '<img src="data:image/png;base64,xx" onerror="window.pwned = 1"><b style="color:red">x</b>';
      document.body.append(button);
      const remote = document.createElement('script');
      remote.src = 'https://evil.test/x.js';
      document.body.append(remote);
      // In a task of the page's own: the debugger that runs this one may evaluate.
      const evaluated = await new Promise((resolve) =>
        setTimeout(() => {
          try {
            resolve(new Function('return true')());
          } catch {
            resolve(false);
          }
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
      return { pwned: window.pwned, evaluated, violations };
    });
    assert.equal(result.pwned, undefined);
    assert.equal(result.evaluated, false);
    for (const directive of ['script-src-elem', 'style-src-attr'])
      assert.ok(result.violations.includes(directive), `${directive} in ${result.violations.join()}`);
  });

  it('any address in the hash opens the page', async () => {
    await open();
    await ask('Hello');
    for (const hash of [
      `#/cache?sort=__proto__&q=${encodeURIComponent(picture)}`,
      '#/cache?sort=constructor&entry=__proto__',
      '#/usage?sort=-toString&q=%00',
      '#/chat?why=__proto__',
      '#/chat?why=%E0%A4%A',
      '#/%E0%A4%A',
      '#/settings?__proto__=1',
      '#javascript:window.pwned=1',
      `#/${'x'.repeat(100_000)}`,
    ]) {
      await page.evaluate((to) => (location.hash = to), hash);
      await page.locator('main h1').waitFor({ state: 'attached' });
      await nothingHappened();
    }
  });

  it('what an older page or another script left in the session is not shown, and the page starts', async () => {
    await open();
    for (const kept of [
      '[null, 5, "x", {}]',
      '{"length": 2}',
      '[{"id":"m1","role":"user","content":"Kept"},{"id":"m2","role":"assistant","content":"Too","reply":5,"status":"done"}]',
      '[{"id":"m1","role":"assistant","content":"Kept","trace":{"steps":"none"}}]',
      '[{"id":"m1","role":"robot","content":"Kept"}]',
    ]) {
      await page.evaluate((text) => window.sessionStorage.setItem('tierwise-chat', text), kept);
      await page.reload();
      await page.getByRole('textbox', { name: 'Your question' }).waitFor();
      await nothingHappened();
    }
  });

  it('a record with a life beyond the end of time is shown', async () => {
    await open();
    await ask('Hello');
    await page.getByRole('navigation').getByRole('link', { name: 'Cache' }).click();
    await page.getByRole('row').nth(1).waitFor();
    await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const opening = indexedDB.open('tierwise');
          opening.onsuccess = () => {
            const transaction = opening.result.transaction('replies', 'readwrite');
            const store = transaction.objectStore('replies');
            store.getAll().onsuccess = ({ target }) =>
              target.result.forEach((record) => store.put({ ...record, ttlMs: 8.64e15 }));
            transaction.oncomplete = resolve;
            transaction.onerror = reject;
          };
        }),
    );
    await page.reload();
    await page.getByRole('row').nth(1).waitFor();
    await nothingHappened();
  });

  it('a token goes to the server it was typed for, and to no other put in its place', async () => {
    const field = (name) => page.locator(`[data-field="${name}"]`);
    await open({ hash: '#/settings' });
    await field('secret.base').fill('a-token-for-one-server');
    await page.getByRole('button', { name: 'Set', exact: true }).first().click();
    await page.getByText('In memory only: gone when the page is closed.').waitFor();
    await page.getByRole('button', { name: 'Test Connection' }).first().click();
    await page.locator('.verdict').first().waitFor({ timeout: 20_000 });
    assert.ok(space.authorizations.includes('Bearer a-token-for-one-server'));

    await field('spaces.base.url').fill(other.url);
    await page.getByText(`It is for ${space.url} and is not sent to the address above.`).waitFor();
    await page.getByRole('button', { name: 'Test Connection' }).first().click();
    await page.waitForFunction(() => document.querySelector('.connection-running') === null);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved and in force.').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Chat' }).click();
    await ask('Hello');
    assert.ok(other.authorizations.length >= 2);
    assert.deepEqual(new Set(other.authorizations), new Set([undefined]));
    await nothingHappened();
  });

  for (const [name, config] of Object.entries({
    'a script as a Space': { spaces: { base: { url: 'javascript:window.pwned=1' } } },
    'a list of Spaces': { spaces: [] },
    'no Spaces': { spaces: null },
    'HTML everywhere': { spaces: { base: { url: picture } }, note: script },
    'a note in HTML': { note: `${script}${picture}` },
    'something else': 5,
  })) {
    it(`config.json with ${name} runs nothing and says what is wrong or starts`, async () => {
      await open({ config });
      assert.notEqual((await page.locator('h1').first().innerText()).trim(), '');
      await nothingHappened();
    });
  }
});
