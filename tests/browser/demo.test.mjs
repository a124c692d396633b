/**
 * The built demo in real Chromium under the strict policy, talking to a small Space of this file's own: an
 * OpenAI-shaped server whose answers follow from the question. Needs dist/ and build/demo
 * (`npx vite build web/demo`). What the page logs as an error or violates of its policy fails the test it happens in.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { launch, root, serve } from './harness.mjs';

const policy =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "connect-src 'self' http://127.0.0.1:* http://localhost:* https:";
const axe = readFileSync(path.join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
const wide = { width: 1440, height: 900 };
const narrow = { width: 390, height: 844 };

/** What the Space says, and how: words `ms` apart, cut after `cutAfter` of them, or an HTTP status. */
function answerTo(prompt) {
  if (prompt.includes('overloaded')) return { status: 503 };
  if (prompt.includes('cut'))
    return { text: 'These words arrive before the line breaks and no more.', ms: 20, cutAfter: 5 };
  if (prompt.includes('slow')) return { text: 'word '.repeat(100), ms: 50 };
  if (prompt.includes('long')) return { text: `${'A line of a long answer.\n\n'.repeat(120)}The last line.`, ms: 5 };
  if (/[\u0600-\u06ff]/.test(prompt)) return { text: 'هذه إجابة مكتوبة من اليمين إلى اليسار.', ms: 5 };
  return { text: `You asked about **${prompt}** and here are eight more words for you.`, ms: 30 };
}

async function startSpace() {
  const seen = { calls: [], tokens: [] };
  const cors = {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': '*',
    'access-control-allow-methods': '*',
  };
  const server = createServer(async (request, response) => {
    const json = (status, value) =>
      response.writeHead(status, { ...cors, 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end();
    if (request.url === '/v1/models')
      return json(200, { object: 'list', data: [{ id: 'test-model', object: 'model' }] });
    if (request.url !== '/v1/chat/completions') return json(404, { error: { message: 'not here' } });
    let body = '';
    for await (const chunk of request) body += chunk;
    const { messages, model = 'test-model' } = JSON.parse(body);
    const prompt = messages.at(-1).content;
    seen.calls.push(prompt);
    seen.tokens.push(request.headers.authorization);
    const { status = 200, text = '', ms = 0, cutAfter = Infinity } = answerTo(prompt);
    if (status !== 200) return json(status, { error: { message: 'The model is overloaded.' } });
    response.writeHead(200, { ...cors, 'content-type': 'text/event-stream' });
    const send = (value) => response.write(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
    let count = 0;
    for (const word of text.match(/\S+\s*/g)) {
      if (response.destroyed) return;
      if (count++ === cutAfter) return void response.destroy();
      send({ model, choices: [{ index: 0, delta: { content: word } }] });
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
    send({ model, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    send({ model, choices: [], usage: { prompt_tokens: 11, completion_tokens: count } });
    send('[DONE]');
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** An address where nobody listens. */
async function startNobody() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** The files of build/demo as routes, read once: 40 MB of them are models. */
let built;
function builtDemo() {
  return (built ??= readDemo());
}
function readDemo() {
  const folder = path.join(root, 'build/demo');
  const routes = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const type = entry.name.endsWith('.svg') ? { type: 'image/svg+xml' } : {};
    routes[`/${path.relative(folder, file).split(path.sep).join('/')}`] = { body: readFileSync(file), ...type };
  }
  return { ...routes, '/': routes['/index.html'] };
}

describe('The demo', () => {
  let browser;
  let space;
  let deaf;
  let site;
  let context;
  let page;
  let problems;
  /** Console errors a test brings about on purpose. */
  let expected;

  before(async () => {
    [browser, space, deaf] = await Promise.all([launch(), startSpace(), startNobody()]);
  });
  after(async () => {
    await browser?.close();
    space?.close();
  });
  afterEach(async () => {
    await context?.close();
    await site?.close();
    assert.deepEqual(
      problems.filter((problem) => !expected.some((pattern) => pattern.test(problem))),
      [],
    );
  });
  beforeEach(() => {
    problems = [];
    // The browser logs a probe that is not answered with 2xx.
    expected = [/status of 404/];
    space.seen.calls.length = 0;
    space.seen.tokens.length = 0;
  });

  async function open({
    viewport = wide,
    config = { spaces: { base: { url: space.url } } },
    hash = '',
    ...options
  } = {}) {
    site = await serve(
      { ...builtDemo(), '/config.json': JSON.stringify(config) },
      { headers: { 'content-security-policy': policy } },
    );
    context = await browser.newContext({ viewport, permissions: ['clipboard-read', 'clipboard-write'], ...options });
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) =>
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(`${site.origin}/${hash}`);
    await page.locator('h1').waitFor({ state: 'attached' });
  }
  const composer = () => page.getByRole('textbox', { name: 'Your question' });
  const answer = () => page.getByRole('article', { name: 'Answer' }).last();
  async function ask(question) {
    const before = await page.getByRole('article', { name: 'Answer' }).count();
    await composer().fill(question);
    await composer().press('Enter');
    await page.getByRole('article', { name: 'Answer' }).nth(before).waitFor();
  }
  const settled = () => page.locator('.answer[aria-busy="true"]').waitFor({ state: 'detached' });
  async function view(name) {
    await page.getByRole('navigation').getByRole('link', { name }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
  }
  const field = (name) => page.locator(`[data-field="${name}"]`);

  it('first visit: who answers, a clickable question, a streamed answer; asked again, from the cache', async () => {
    await open();
    await page.getByRole('heading', { name: 'What would you like to know?' }).waitFor();
    const main = page.getByRole('main');
    assert.match(await main.innerText(), /Base Space\s+will answer/);
    assert.equal(await main.locator('.questions button').count(), 3);
    const question = await main.locator('.questions button').first().innerText();
    await main.locator('.questions button').first().click();

    await page.locator('.answer[aria-busy="true"] .reply-text').waitFor();
    const partly = (await answer().locator('.reply-text').innerText()).length;
    await settled();
    const whole = await answer().locator('.reply-text').innerText();
    assert.ok(partly < whole.length, 'the text grew while it was busy');
    assert.equal(whole.trim(), `You asked about ${question} and here are eight more words for you.`);
    const chips = await answer().locator('.chips > li').allInnerTexts();
    assert.equal(chips[0], 'base Space');
    assert.equal(chips[1], 'Base tier');
    assert.match(chips[2], /^\d+ tokens$/);
    assert.equal(chips[3], 'cost –');
    assert.match(chips[4], /^[\d.]+ m?s$/);
    assert.deepEqual(space.seen.calls, [question]);
    assert.match(await page.locator('.spaces').innerText(), /Base\s+Ready/);

    await ask(question);
    await settled();
    assert.equal((await answer().locator('.chips > li').allInnerTexts())[0], 'From cache');
    assert.equal(await answer().locator('.reuse').innerText(), 'Answered from the cache, asked just now.');
    assert.equal(await answer().locator('.reply-text').innerText(), whole);
    assert.equal(space.seen.calls.length, 1);

    await answer().getByRole('button', { name: 'Ask again, fresh' }).click();
    await page.locator('.answer[aria-busy="true"]').waitFor();
    await settled();
    assert.equal(space.seen.calls.length, 2);
  });

  it('a cached answer outlives a reload, and so do the conversation and the open panel', async () => {
    await open();
    await ask('tiers');
    await settled();
    await answer().getByRole('button', { name: 'Why?' }).click();
    await page.reload();
    await page.getByRole('complementary', { name: 'Why this answer' }).waitFor();
    assert.match(await answer().innerText(), /You asked about tiers/);
    await ask('tiers');
    await settled();
    assert.match(await answer().locator('.chips').innerText(), /From cache/);
    assert.equal(space.seen.calls.length, 1);
  });

  it('why this answer: every step with its sentence, copied as JSON, closable', async () => {
    await open({ config: { spaces: { base: { url: space.url }, company: { url: deaf } } } });
    await ask('reasons');
    await settled();
    await answer().getByRole('button', { name: 'Why?' }).click();
    const panel = page.getByRole('complementary', { name: 'Why this answer' });
    assert.match(page.url(), /#\/chat\?why=m\d+$/);
    const names = await panel.locator('.step-name').allInnerTexts();
    for (const name of ['Checked', 'Planned', 'Cache', 'Called', 'Reply read', 'Stored']) {
      assert.ok(
        names.some((shown) => shown.startsWith(name)),
        `${name} is among ${names.join(', ')}`,
      );
    }
    assert.match(await panel.locator('.step-passed-over').first().innerText(), /company Space\s+passed over/);
    for (const sentence of await panel.locator('.step > p').allInnerTexts()) assert.match(sentence, /^\S.*\.$/s);
    await panel.getByRole('button', { name: 'Copy as JSON' }).click();
    await panel.getByText('Copied').waitFor();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(copied.steps.length, names.length);
    await panel.getByRole('button', { name: 'Close' }).click();
    await panel.waitFor({ state: 'detached' });
    assert.match(page.url(), /#\/chat$/);
  });

  it('stop keeps what arrived; a failure says what happened, what was kept and what to do', async () => {
    expected.push(/status of 503/, /ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION|ERR_EMPTY_RESPONSE/);
    await open();
    await ask('slow please');
    await page.locator('.answer .reply-text').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await settled();
    assert.match(await answer().innerText(), /word[\s\S]*You stopped this answer\. What had arrived is kept\./);
    await answer().getByRole('button', { name: 'Ask again' }).waitFor();

    await ask('cut it');
    await settled();
    const failure = answer().getByRole('alert');
    assert.match(await failure.innerText(), /characters that had arrived are kept above/);
    assert.match(await answer().locator('.reply-text').innerText(), /^These words/);
    assert.equal(await failure.getByRole('button', { name: 'Ask again' }).count(), 1);
    assert.doesNotMatch(await failure.locator('.what').innerText(), /cut-stream|\bundefined\b/);
    await failure.getByText('Details', { exact: true }).click();
    assert.match(await failure.innerText(), /cut-stream/);

    await ask('overloaded');
    await page.getByText('Nothing had arrived. Your question is kept.').waitFor({ timeout: 30_000 });
    const calls = space.seen.calls.length;
    await answer().getByRole('button', { name: 'Ask again' }).click();
    await page.locator('.answer[aria-busy="true"]').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    assert.ok(space.seen.calls.length >= calls);
  });

  it('editing a question replaces what followed; a follow-up sends the conversation', async () => {
    await open();
    await ask('first');
    await settled();
    await page.getByRole('checkbox', { name: 'Follow-up' }).check();
    await ask('second');
    await settled();
    await page.locator('.question').first().hover();
    await page.getByRole('button', { name: 'Edit' }).first().click();
    await page.getByRole('textbox', { name: 'Edit your question' }).fill('first, edited');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.locator('.answer[aria-busy="true"]').waitFor();
    await settled();
    assert.equal(await page.locator('.question').count(), 1);
    assert.deepEqual(space.seen.calls, ['first', 'second', 'first, edited']);
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.getByRole('heading', { name: 'What would you like to know?' }).waitFor();
  });

  it('the view follows a long answer only from its end, and a button brings it back', async () => {
    await open();
    await ask('long');
    const scroll = page.locator('.chat-scroll');
    const fromEnd = () => scroll.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
    await page.waitForFunction(() => document.querySelector('.chat-scroll').scrollHeight > 2000);
    assert.ok((await fromEnd()) < 100);
    await scroll.hover();
    await page.mouse.wheel(0, -600);
    const jump = page.getByRole('button', { name: 'Jump to latest' });
    await jump.waitFor();
    const top = await scroll.evaluate((e) => e.scrollTop);
    await page.waitForTimeout(300);
    assert.equal(await scroll.evaluate((e) => e.scrollTop), top);
    await jump.click();
    assert.ok((await fromEnd()) < 100);
    await settled();
    assert.ok((await fromEnd()) < 100);
  });

  it('a right-to-left answer runs right to left', async () => {
    await open();
    await ask('ما هي المستويات؟');
    await settled();
    assert.equal(
      await answer()
        .locator('.reply-text p')
        .first()
        .evaluate((e) => getComputedStyle(e).direction),
      'rtl',
    );
  });

  it('cache: search, sort, CSV, delete with undo, and deleted for good after ten seconds', async () => {
    await open();
    for (const question of ['alpha', 'beta', 'gamma']) {
      await ask(question);
      await settled();
    }
    await view('Cache');
    const grid = page.getByRole('grid', { name: 'Cached replies' });
    const prompts = () => grid.locator('.grid-body [role=row] [role=gridcell]:nth-child(2)').allInnerTexts();
    assert.deepEqual(await prompts(), ['gamma', 'beta', 'alpha']);
    await grid.getByRole('button', { name: 'Question' }).click();
    assert.deepEqual(await prompts(), ['alpha', 'beta', 'gamma']);
    assert.match(page.url(), /sort=prompt/);
    await page.getByRole('searchbox').fill('BETA');
    await page.getByText('1 reply found').waitFor();
    await page.getByRole('searchbox').fill('nothing like it');
    await page.getByRole('button', { name: 'Show all replies' }).click();
    await page.getByText('3 replies', { exact: true }).waitFor();
    await grid.getByText('gamma', { exact: true }).waitFor();
    assert.equal((await prompts()).length, 3);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'CSV' }).click(),
    ]);
    const csv = readFileSync(await download.path(), 'utf8').split('\r\n');
    assert.equal(csv.length, 5);
    assert.match(csv[1], /^alpha,"?You asked about/);
    assert.match(csv[1], /\d{4}-\d\d-\d\dT/);

    await grid.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Delete');
    await page.getByText('1 cached reply deleted.').waitFor();
    assert.deepEqual(await prompts(), ['alpha', 'gamma']);
    await page.getByRole('button', { name: 'Undo' }).click();
    assert.deepEqual(await prompts(), ['alpha', 'beta', 'gamma']);

    await grid.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.getByText('2 rows selected').waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    assert.deepEqual(await prompts(), ['gamma']);
    await page.mouse.move(0, 0);
    await page.getByText('2 cached replies deleted.').waitFor({ state: 'detached', timeout: 15_000 });
    await page.reload();
    await page.getByText('1 reply', { exact: true }).waitFor();
    await view('Chat');
    await ask('alpha');
    await settled();
    assert.equal(space.seen.calls.length, 4);
  });

  /** The light model is there and its semantic cache works. */
  async function untilCompared() {
    await page.waitForFunction(() => {
      const names = performance.getEntriesByType('resource').filter(({ responseEnd }) => responseEnd > 0);
      return ['light', 'vocab', 'words', 'judge'].every((file) => names.some(({ name }) => name.includes(`/${file}-`)));
    });
    await page.waitForTimeout(500);
  }
  const center = 'How do I center a div in CSS?';
  const terse = 'css center div';
  const enable = 'How do I enable two-factor authentication?';
  const disable = 'How do I disable two-factor authentication?';
  const thumb = (name) => answer().getByRole('button', { name });

  it('a question in other words: which one answered and how sure that is; "wrong" parts the two, fresh is one click', async () => {
    await open();
    await ask(center);
    await settled();
    await untilCompared();
    await ask(terse);
    await settled();
    assert.equal(space.seen.calls.length, 1);
    assert.match(
      await answer().locator('.reuse').innerText(),
      /^Answered from the cache, asked just now\.\s+You asked it then as “How do I center a div in CSS\?”\. 99\.\d % likely to ask the same, by the light vectors\.$/,
    );
    assert.match(await answer().locator('.reply-text').innerText(), /center/);

    await thumb('Good answer').click();
    await answer().locator('[aria-pressed=true]').waitFor();
    assert.equal(await thumb('Good answer').getAttribute('aria-pressed'), 'true');
    assert.equal(await answer().getByRole('status').innerText(), '');
    await thumb('Wrong answer').click();
    const said = answer().getByRole('status');
    await said.getByText('are never taken for the same again').waitFor();
    assert.match(
      await said.innerText(),
      /^Noted: “css center.*” and “How do I center a.*The stored reply still answers the second\./,
    );
    assert.equal(await thumb('Wrong answer').getAttribute('aria-pressed'), 'true');
    assert.equal(await thumb('Good answer').getAttribute('aria-pressed'), 'false');
    // It cannot be taken back, and says so.
    assert.equal(await thumb('Good answer').getAttribute('aria-disabled'), 'true');
    await thumb('Good answer').click({ force: true });
    assert.equal(await thumb('Good answer').getAttribute('aria-pressed'), 'false');

    await said.getByRole('button', { name: 'Get a fresh answer' }).click();
    await page.locator('.answer[aria-busy="true"]').waitFor();
    await settled();
    assert.deepEqual(space.seen.calls, [center, terse]);
    assert.match(await answer().locator('.reply-text').innerText(), /You asked about css center/);
    assert.equal(await answer().locator('.reuse').count(), 0);
    // Each has its own reply now.
    await ask(center);
    await settled();
    assert.match(await answer().locator('.reply-text').innerText(), /You asked about How do I center/);
    assert.equal(await answer().locator('.reuse').innerText(), 'Answered from the cache, asked just now.');
    await ask('something else');
    await settled();
    assert.equal(space.seen.calls.length, 3);

    // Of a cached reply that is not the last: asked at the end, nothing is lost.
    const earlier = page.getByRole('article', { name: 'Answer' }).nth(2);
    await earlier.getByRole('button', { name: 'Ask again, fresh' }).click();
    await page.locator('.answer[aria-busy="true"]').waitFor();
    await settled();
    assert.equal(await page.getByRole('article', { name: 'Answer' }).count(), 5);
    assert.deepEqual(space.seen.calls.slice(3), [center]);

    await thumb('Wrong answer').click();
    await answer().getByText('Noted: this reply was deleted from the cache. Asked again').waitFor();
    await ask(center);
    await settled();
    assert.equal(space.seen.calls.length, 5);
  });

  it('why: both questions side by side, the rule that refused, how likely and how likely it had to be', async () => {
    await open();
    await ask(enable);
    await settled();
    await untilCompared();
    await ask('How heavy is an elephant?');
    await settled();
    await ask(disable);
    await settled();
    assert.equal(await answer().locator('.reuse').count(), 0);
    await answer().getByRole('button', { name: 'Why?' }).click();
    const panel = page.getByRole('complementary', { name: 'Why this answer' });
    const candidate = (text) => panel.locator('.candidate').filter({ hasText: text });
    const refused = candidate('enable');
    assert.match(
      await refused.innerText(),
      /Not reused[\s\S]*0\.\d\d alike[\s\S]*"enable" is the opposite of "disable"\. antonym/,
    );
    const [then, now] = await refused.locator('.alignment dd').all();
    assert.equal(await then.innerText(), enable);
    assert.equal(await now.innerText(), disable);
    assert.deepEqual(await then.locator('.word-unmatched').allInnerTexts(), ['enable']);
    assert.deepEqual(await now.locator('.word-unmatched').allInnerTexts(), ['disable']);
    assert.deepEqual(await now.locator('.word-same').allInnerTexts(), ['How do I', 'two-factor authentication']);
    assert.deepEqual(await refused.locator('.pairs li').allInnerTexts(), ['enable only then', 'disable only now']);
    await then.locator('.word-same').first().hover();
    assert.deepEqual(await refused.locator('.pointed').allInnerTexts(), ['How do I', 'How do I']);

    await ask('What is the weight of an elephant?');
    await settled();
    await answer().getByRole('button', { name: 'Why?' }).click();
    const doubtful = candidate('How heavy');
    await doubtful.waitFor();
    assert.match(await doubtful.innerText(), /\d % likely to ask the same, by the light vectors; 94\.8 % is wanted\./);
    assert.match(
      (await doubtful.locator('.pairs li').allInnerTexts()).join('; '),
      /How heavy is – weight means the same/,
    );

    await ask(enable.replace('How do I', 'How can I'));
    await settled();
    assert.match(await answer().locator('.reuse').innerText(), /It has the same words, in another form\.$/);
    await answer().getByRole('button', { name: 'Why?' }).click();
    await panel.getByText('Its reply answered').waitFor();
    const answered = panel.locator('.candidate.answered');
    assert.match(await answered.locator('.pairs').innerText(), /1 How do I – How can I means the same/);
    assert.ok((await panel.locator('.step-name').allInnerTexts()).includes('Other words base Space'));
    await panel.getByRole('button', { name: 'Copy as JSON' }).click();
    await panel.getByText('Copied').waitFor();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(copied.semantic[0].candidates[0].prompt, enable);

    // What was said outlasts a reload; that the client forgot the reply, too: it cannot be judged any more.
    await page.reload();
    await panel.locator('.candidate.answered').waitFor();
    await composer().waitFor();
    assert.equal(await thumb('Wrong answer').count(), 0);
  });

  it('cache: the client searches whole replies; a life is changed; what was refused is listed with its reason', async () => {
    await open();
    await ask(`long ${enable}`);
    await settled();
    await view('Cache');
    await page.getByRole('radio', { name: 'Not reused' }).check();
    await page.getByRole('heading', { name: 'Nothing was refused in this session' }).waitFor();
    assert.match(page.url(), /show=refused/);
    await view('Chat');
    await untilCompared();
    await ask(enable);
    await settled();
    await ask(enable);
    await settled();
    await ask(disable);
    await settled();

    await view('Cache');
    const grid = page.getByRole('grid', { name: 'Cached replies' });
    const row = (question) =>
      grid.locator('.grid-body [role=row]').filter({ has: page.getByText(question, { exact: true }) });
    await row(disable).waitFor();
    const headers = await grid.getByRole('columnheader').allInnerTexts();
    const cell = async (question, column) =>
      (await row(question).getByRole('gridcell').allInnerTexts())[headers.findIndex((text) => text === column)];
    assert.equal(await cell(enable, 'Reused'), '1');
    assert.equal(await cell(enable, 'Saved'), '–');
    assert.equal(await cell(enable, 'Kept for'), '23 hours');
    assert.equal(await cell(disable, 'Reused'), '0');
    // 300 characters of a reply are listed; the rest of it, and the model's name, are found as well.
    await page.getByRole('searchbox').fill('the last LINE');
    await page.getByText('1 reply found').waitFor();
    await page.getByRole('searchbox').fill('TEST-MODEL');
    await page.getByText('3 replies found').waitFor();
    await page.getByRole('searchbox').fill('eight MORE words');
    await page.getByText('2 replies found').waitFor();
    assert.match(page.url(), /q=eight/);
    // Uses are written together, every 2 s.
    await page.waitForTimeout(2_500);
    await page.reload();
    await page.getByText('2 replies found').waitFor();
    assert.equal(await page.getByRole('searchbox').inputValue(), 'eight MORE words');

    await row(enable).click();
    const panel = page.getByRole('complementary', { name: 'Cached reply' });
    await panel.getByText('Reused').waitFor();
    assert.match(await panel.innerText(), /Reused\s+1 time\s+Saved\s+– \(the price is not known\)/);
    const life = field('life');
    assert.equal(await life.inputValue(), '24');
    for (const wrong of ['', 'soon', '0', '-1', '100000']) {
      await life.fill(wrong);
      await panel.getByRole('combobox', { name: 'Unit' }).selectOption('days');
      await panel.getByRole('button', { name: 'Change' }).click();
      await panel.getByText(wrong === '100000' ? 'At most 3,650 days.' : 'Enter a number above 0.').waitFor();
      assert.equal(await life.getAttribute('aria-invalid'), 'true');
    }
    await life.fill('2,5');
    assert.equal(await life.getAttribute('aria-invalid'), 'false');
    await panel.getByRole('button', { name: 'Change' }).click();
    await row(enable).getByText('2 days').waitFor();
    await page.reload();
    await row(enable).getByText('2 days').waitFor();
    assert.equal(await life.inputValue(), '60');
    assert.equal(await panel.getByRole('combobox', { name: 'Unit' }).inputValue(), 'hours');
    await panel.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('1 reply found').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();

    await page.getByRole('radio', { name: /^Not reused \(\d+\)$/ }).check();
    const item = page.locator('.refused > ol > li').filter({ hasText: 'antonym' });
    assert.match(await item.first().innerText(), /"enable" is the opposite of "disable"/);
    await item.first().getByRole('link', { name: 'Show the answer’s steps' }).click();
    await page.getByRole('complementary', { name: 'Why this answer' }).locator('.candidate').first().waitFor();
  });

  it('what a reply saved is told where its price is known', async () => {
    await open({ config: {}, hash: '#/settings' });
    await field('providers.openai.baseUrl').fill(`${space.url}/v1`);
    await field('providers.openai.model').fill('gpt-4');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved and in force.').waitFor();
    await view('Chat');
    for (let i = 0; i < 3; i++) {
      await ask('alpha');
      await settled();
    }
    assert.equal(space.seen.calls.length, 1);
    await view('Cache');
    // 11 tokens in, 12 out, twice, at $0.03 for 1,000.
    await page.locator('.grid-body').getByText('$0.0014', { exact: true }).waitFor();
    await page.getByText('which saved $0.0014 so far').waitFor();
  });

  it('settings: off loads nothing, light its 2 MB, MiniLM its model; another choice takes over in place', async () => {
    const files = () =>
      page.evaluate(() =>
        performance
          .getEntriesByType('resource')
          .map(({ name }) => name)
          .filter((name) => /\.(bin|onnx|txt)$|meaning|ort-/.test(name)),
      );
    const choose = async (name, policy = 'Strict') => {
      await view('Settings');
      await page.getByRole('group', { name: 'Compared with' }).getByRole('radio', { name, exact: true }).check();
      if (name !== 'Off') await page.getByRole('radio', { name: policy }).check();
      await page.getByText('Saving this starts the page’s client anew').waitFor();
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved and in force.').waitFor();
    };
    await open();
    assert.deepEqual(await files(), []);
    await choose('Off');
    assert.equal(await page.getByRole('radio', { name: 'Strict' }).count(), 0);
    await view('Chat');
    await ask(center);
    await settled();
    await ask(terse);
    await settled();
    assert.equal(space.seen.calls.length, 2);
    assert.deepEqual(await files(), []);
    await view('Cache');
    await page.getByRole('radio', { name: 'Not reused' }).check();
    await page.getByRole('heading', { name: 'Questions in other words are not compared' }).waitFor();

    await choose('Light');
    await page.getByText('Nothing is loaded yet.').waitFor();
    await view('Chat');
    await ask(enable);
    await settled();
    await untilCompared();
    await ask(enable.replace('How do I', 'How can I'));
    await settled();
    assert.match(await answer().locator('.reuse').innerText(), /You asked it then as/);
    await view('Settings');
    await page.getByText(/^Loaded: 2\.[45] MB\. The browser keeps it\.$/).waitFor();
    assert.ok(!(await files()).some((name) => /onnx|ort-/.test(name)));

    // A running answer is stopped, what had arrived stays.
    await view('Chat');
    await ask('slow please');
    await page.locator('.answer .reply-text').last().waitFor();
    await choose('Light + MiniLM', 'Balanced');
    await view('Chat');
    assert.match(await answer().innerText(), /word[\s\S]*You stopped this answer/);
    await ask('How long do I boil an egg?');
    await settled();
    await view('Settings');
    await page.getByText(/^Loaded: 40\.\d MB\. The browser keeps it\.$/).waitFor({ timeout: 60_000 });
    // In idle time the stored question gets its vectors, which are kept with it.
    await page.waitForFunction(
      () =>
        new Promise((resolve, reject) => {
          const opening = indexedDB.open('tierwise');
          opening.onerror = () => reject(opening.error);
          opening.onsuccess = () => {
            const all = opening.result.transaction('replies').objectStore('replies').getAll();
            all.onsuccess = () => {
              opening.result.close();
              resolve(all.result.some(({ prompt, question }) => prompt.includes('boil') && question.vectors));
            };
          };
        }),
      undefined,
      { timeout: 60_000, polling: 250 },
    );
    await view('Chat');
    await ask('egg boiling time');
    await settled();
    assert.match(await answer().locator('.reuse').innerText(), /% likely to ask the same, by MiniLM\./);
    await ask('What is the capital of France?');
    await settled();
    await ask('Which city is the capital of France?');
    await settled();
    await answer().getByRole('button', { name: 'Why?' }).click();
    const doubted = page.locator('.candidate').filter({ hasText: 'What is' }).first();
    await doubted.waitFor();
    assert.match(await doubted.innerText(), /% likely to ask the same, by MiniLM; 82\.3 % is wanted\./);
    assert.match(await doubted.innerText(), /Doubted: “capital” for “city”/);
    // The log of what was used is of the whole session, whatever client it was.
    await view('Usage');
    assert.match(await page.locator('.totals').innerText(), /Requests\s+9\s/);
    // Kept.
    await page.goto(`${site.origin}/?again#/settings`);
    await page.getByRole('radio', { name: 'Light + MiniLM' }).waitFor({ state: 'attached' });
    assert.ok(await page.getByRole('radio', { name: 'Light + MiniLM' }).isChecked());
    assert.ok(await page.getByRole('radio', { name: 'Balanced' }).isChecked());
    await page.getByRole('button', { name: 'Reset…' }).click();
    await page.getByRole('button', { name: 'Reset all settings' }).click();
    await page.waitForFunction(() => document.querySelector('input[value="light"]').checked);
  });

  it('usage adds up, health tests a connection step by step', async () => {
    expected.push(/ERR_CONNECTION_REFUSED/);
    await open({ config: { spaces: { base: { url: space.url }, company: { url: deaf } } } });
    await ask('alpha');
    await settled();
    await ask('alpha');
    await settled();
    await view('Usage');
    const totals = await page.locator('.totals').innerText();
    assert.match(totals, /Requests\s+2\s/);
    assert.match(totals, /From cache\s+50 %/);
    assert.match(totals, /Cost\s+–/);
    assert.deepEqual(await page.locator('.grid-body .kind').allInnerTexts(), ['From cache', 'Answered', 'Started']);

    await view('Health');
    const target = (name) => page.locator('.target').filter({ has: page.getByRole('heading', { name }) });
    assert.match(await target('base Space').innerText(), /Ready[\s\S]*Half within\s+[\d.]+ m?s/);
    await target('base Space').getByRole('button', { name: 'Test Connection' }).click();
    await target('base Space').locator('.verdict.ok').waitFor();
    assert.equal(await target('base Space').locator('.connection-ok').count(), 4);
    await target('company Space').getByRole('button', { name: 'Test Connection' }).click();
    await target('company Space').locator('.verdict.failed').waitFor({ timeout: 20_000 });
    assert.ok((await target('company Space').locator('.connection-failed').count()) >= 1);
  });

  it('settings: wrong fields say so beside them; saved ones last; a token is written, sent and never shown', async () => {
    await open({ hash: '#/settings' });
    await field('spaces.base.url').fill('http://example.com/space');
    await page.keyboard.press('Tab');
    const problem = page.locator('.field .problem').first();
    await problem.waitFor();
    assert.match(await problem.innerText(), /https/);
    assert.equal(await field('spaces.base.url').getAttribute('aria-invalid'), 'true');
    assert.ok(
      (await field('spaces.base.url').getAttribute('aria-describedby')).includes(await problem.getAttribute('id')),
    );
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Nothing was saved: correct the marked fields first.').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.dataset.field), 'spaces.base.url');

    await field('spaces.base.url').fill(space.url);
    await field('spaces.base.revision').fill('v2');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved and in force.').waitFor();
    await field('secret.base').fill('hf_TestTokenOfTheDemo');
    await page.getByRole('button', { name: 'Set', exact: true }).first().click();
    await page.getByText('In memory only: gone when the page is closed.').waitFor();
    assert.doesNotMatch(await page.content(), /hf_TestToken/);
    await view('Chat');
    await ask('with a token');
    await settled();
    assert.equal(space.seen.tokens.at(-1), 'Bearer hf_TestTokenOfTheDemo');
    await answer().getByRole('button', { name: 'Why?' }).click();
    for (const summary of await page.locator('.panel summary').all()) await summary.click();
    assert.doesNotMatch(await page.content(), /hf_TestToken/);

    await page.goto(`${site.origin}/?again#/settings`);
    await field('spaces.base.revision').waitFor();
    assert.equal(await field('spaces.base.revision').inputValue(), 'v2');
    assert.equal(await field('secret.base').inputValue(), '');
    await page.getByRole('radio', { name: 'Dark' }).check();
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await page.getByRole('button', { name: 'Reset…' }).click();
    await page.getByRole('button', { name: 'Reset all settings' }).click();
    await page.waitForFunction(() => document.querySelector('[data-field="spaces.base.revision"]').value === '');
  });

  it('without a Space a mock answers and says that it is one; a Space set up then takes over', async () => {
    await open({ config: {} });
    await page.getByText('No Space is configured yet, so a mock will answer.').waitFor();
    await ask('hello');
    await settled();
    assert.match(await answer().locator('.chips').innerText(), /Mock, no model/);
    await view('Settings');
    await field('spaces.base.url').fill(space.url);
    await page.getByRole('button', { name: 'Test Connection' }).click();
    await page.locator('.verdict.ok').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved and in force.').waitFor();
    assert.match(await page.locator('.spaces').innerText(), /Base/);
    await view('Chat');
    await ask('hello');
    await settled();
    assert.match(await answer().locator('.chips').innerText(), /base Space/);
  });

  it('offline: the cache still answers; storage blocked: said once, and questions still answered', async () => {
    expected.push(/ERR_INTERNET_DISCONNECTED/);
    await open();
    await ask('kept for later');
    await settled();
    await ask(enable);
    await settled();
    await untilCompared();
    await context.setOffline(true);
    await page.getByText('You are offline.').waitFor();
    await ask(enable.replace('How do I', 'How can I'));
    await settled();
    assert.match(await answer().locator('.reuse').innerText(), /You asked it then as/);
    await ask('kept for later');
    await settled();
    assert.match(await answer().locator('.chips').innerText(), /From cache/);
    await ask('never asked');
    await answer().getByRole('alert').waitFor({ timeout: 60_000 });
    await context.setOffline(false);
    await page.getByText('You are offline.').waitFor({ state: 'detached' });

    await context.addInitScript(() => {
      Object.defineProperty(window, 'indexedDB', {
        get() {
          throw new DOMException('blocked', 'SecurityError');
        },
      });
    });
    await page.reload();
    await ask('without storage');
    await settled();
    assert.match(await answer().innerText(), /You asked about without storage/);
    assert.match(await page.locator('.warnings').innerText(), /storage/);
    assert.equal(await page.locator('.warnings .toast').count(), 1);
    await page.getByRole('button', { name: 'Close' }).click();
    assert.equal(await page.locator('.warnings .toast').count(), 0);
  });

  it('works with the keyboard alone', async () => {
    await open();
    const focused = () =>
      page.evaluate(() => {
        const { activeElement, body } = document;
        return activeElement === body
          ? ''
          : activeElement.textContent || activeElement.getAttribute('aria-label') || '';
      });
    const tabTo = async (wanted) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press('Tab');
        if (wanted.test(await focused())) return;
      }
      assert.fail(`Tab never came to ${wanted}`);
    };
    // The composer has the focus on a first visit; the skip link is the first stop of the page.
    for (let i = 0; i < 40 && !/Skip to content/.test(await focused()); i++) await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.type('by keyboard');
    await page.keyboard.press('Enter');
    await page.locator('.answer[aria-busy="true"]').waitFor();
    await settled();
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'TEXTAREA');
    await page.keyboard.press('Shift+Tab');
    for (let i = 0; i < 10 && !/Why\?/.test(await focused()); i++) await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Why this answer' }).waitFor();
    await tabTo(/^Close$/);
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Why this answer' }).waitFor({ state: 'detached' });
    await page.evaluate(() => document.body.focus());
    await tabTo(/^Cache$/);
    await page.keyboard.press('Enter');
    await page.getByRole('grid').waitFor();
    assert.equal(await focused(), 'Cache');
    await tabTo(/by keyboard/);
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Cached reply' }).waitFor();
  });

  it('nothing moves for those who asked for that', async () => {
    await open({ reducedMotion: 'reduce' });
    await ask('slow please');
    await page.waitForTimeout(200);
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.getByRole('button', { name: 'Stop' }).click();
  });

  for (const [size, viewport] of Object.entries({ wide, narrow })) {
    for (const colorScheme of ['light', 'dark']) {
      it(`axe finds nothing: ${size}, ${colorScheme}`, async () => {
        expected.push(/status of 503/);
        await open({ viewport, colorScheme, bypassCSP: true });
        const check = async (where) => {
          await page.evaluate(axe);
          const violations = await page.evaluate(async () =>
            (await globalThis.axe.run(document, { resultTypes: ['violations'] })).violations.map(
              ({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`,
            ),
          );
          assert.deepEqual(violations, [], where);
        };
        await check('first visit');
        await ask('slow please');
        await page.locator('.answer .reply-text').waitFor();
        await check('streaming');
        await page.getByRole('button', { name: 'Stop' }).click();
        await ask('alpha');
        await settled();
        await ask('alpha');
        await settled();
        await check('chat');
        await answer().getByRole('button', { name: 'Why?' }).click();
        await page.locator('.step').first().waitFor();
        await check('why');
        await page.getByRole('button', { name: 'Close' }).click();
        await untilCompared();
        await ask(center);
        await settled();
        await ask(terse);
        await settled();
        await thumb('Wrong answer').click();
        await answer().getByText('are never taken for the same again').waitFor();
        await check('a reply to other words, judged');
        await ask(enable);
        await settled();
        await ask(disable);
        await settled();
        await answer().getByRole('button', { name: 'Why?' }).click();
        await page.locator('.candidate').first().waitFor();
        await check('why it was not reused');
        await page.getByRole('button', { name: 'Close' }).click();
        const pasted = ' The parcel from Madrid was late again.'.repeat(40);
        for (const many of ['two', 'three']) {
          await ask(`Summarise this in ${many} sentences.${pasted}`);
          await settled();
        }
        await answer().getByRole('button', { name: 'Why?' }).click();
        await page.locator('.alignment dd.long').first().waitFor();
        await check('why it was not reused, pasted text');
        await page.goto(`${site.origin}/#/cache?show=refused`);
        await page.locator('.refused .candidate').first().waitFor();
        await check('not reused');
        await page.goto(`${site.origin}/#/cache`);
        await page.getByRole('grid').focus();
        await page.keyboard.press('Space');
        await check('cache, a row selected');
        await page.keyboard.press('Enter');
        await page.getByText('Answered by').waitFor();
        await field('life').fill('never');
        await page.getByRole('button', { name: 'Change' }).click();
        await page.getByText('Enter a number above 0.').waitFor();
        await check('cached reply');
        await page.goto(`${site.origin}/#/cache`);
        await page.getByRole('grid').focus();
        await page.keyboard.press('Delete');
        await page.getByRole('button', { name: 'Undo' }).waitFor();
        await check('undo, empty table');
        await page.getByRole('button', { name: 'Undo' }).click();
        await page.goto(`${site.origin}/#/usage`);
        await page.locator('.totals').waitFor();
        await check('usage');
        await page.goto(`${site.origin}/#/health`);
        await page.getByRole('button', { name: 'Test Connection' }).first().click();
        await page.locator('.verdict').first().waitFor();
        await check('health');
        await page.goto(`${site.origin}/#/settings`);
        for (let i = 0; i < 3; i++) await page.locator('.tier-card h3 button[aria-expanded=false]').first().click();
        await field('spaces.base.url').fill('not a space');
        await field('secret.base').fill('hf_TestToken');
        await page.getByRole('radio', { name: 'Light + MiniLM' }).check();
        await page.getByRole('button', { name: 'Save' }).click();
        await page.locator('.field .problem').first().waitFor();
        await check('settings');
        assert.equal(
          await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth),
          false,
          'no sideways scrolling',
        );
      });
    }
  }
});
