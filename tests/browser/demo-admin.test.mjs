/**
 * The pages for administrators and the system's health: the built demo in real Chromium under the strict policy, against the
 * real functions and PostgreSQL (admin-stage.mjs). What is set in the page is looked for in the database, and in its trail.
 * What the page logs as an error or violates of its policy fails the test it happens in.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { acme, callAs, ids, operatorsKey, startStage, umbrella } from './admin-stage.mjs';
import { launch, root } from './harness.mjs';

const axe = readFileSync(path.join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
const wide = { width: 1280, height: 900 };
const narrow = { width: 390, height: 844 };
const companysKey = 'hf_companys0123456789';

describe('The pages for administrators', () => {
  let stage;
  let browser;
  let sql;
  let context;
  let page;
  let problems;
  /** Console errors a test brings about on purpose. */
  let expected;
  /** Every answer of the functions that a page got. */
  const answers = [];

  before(async () => {
    [stage, browser] = await Promise.all([startStage(), launch()]);
    ({ sql } = stage);
    await stage.backend.useSpaces({ base: stage.space.origin });
    await sql`update tierwise.rate_limits set per_minute = 100000, burst = 100000 where name in ('config', 'health')`;
    stage.hub.setSpace('acme/private', 'RUNNING');
    stage.hub.setSpace('acme/sleepy', 'SLEEPING');
  });
  after(async () => {
    await browser?.close();
    await stage?.stop();
  });
  beforeEach(() => {
    problems = [];
    expected = [/status of (400|409)/];
  });
  afterEach(async () => {
    await context?.close();
    context = undefined;
    assert.deepEqual(
      problems.filter((problem) => !expected.some((pattern) => pattern.test(problem))),
      [],
    );
  });

  async function open(person, hash, { viewport = wide, ...options } = {}) {
    context = await browser.newContext({ viewport, ...options });
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) =>
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('response', (response) => {
      if (!response.url().includes('/functions/v1/')) return;
      answers.push(response.text().catch(() => ''));
    });
    if (person !== undefined) {
      await page.goto(`${stage.site.origin}/#/account`);
      await page.getByRole('button', { name: new RegExp(`^${person}`) }).click();
      await page.getByText('You are signed in.', { exact: true }).waitFor();
    }
    await to(hash);
  }
  async function to(hash) {
    await page.goto(`${stage.site.origin}/${hash}`);
    await page.locator('h1').waitFor();
  }
  const main = () => page.getByRole('main');
  const field = (name) => page.locator(`[data-field="${name}"]:visible`);
  const problemOf = (name) =>
    page
      .locator('.field', { has: field(name) })
      .locator('.problem')
      .innerText();
  const button = (name, options) => page.getByRole('button', { name, exact: true, ...options });
  const toast = (text) => page.locator('.toast', { hasText: text });
  const told = (text) => main().getByText(text).first().waitFor();
  const spacesOf = (company, tier) =>
    sql`select * from public.hf_spaces_config where company_id is not distinct from ${company} and space_type = ${tier}
      order by created_at`;
  const trail = (table, company = acme) =>
    sql`select * from tierwise.audit where table_name = ${table} and company_id = ${company} order by id desc`;

  it('a Space of one’s own: checked, tested, saved, in the trail; switched off and back', async () => {
    await open('Ada', '#/chat');
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Admin' }).click();
    await button(/^Base/).click();
    assert.match(page.url(), /#\/admin\?tier=base$/);
    assert.equal(await field('url').inputValue(), stage.space.origin);
    await told('Everybody’s Space answers now');

    await field('name').fill('');
    await field('url').fill('http://elsewhere.example');
    await field('options').fill('{"quota"');
    await field('revision').focus();
    assert.match(await problemOf('name'), /Give it a name/);
    assert.match(await problemOf('url'), /https/);
    await button('Save as your own').click();
    await told('Nothing was saved: correct the marked fields first.');
    assert.match(await problemOf('options'), /JSON object/);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.field), 'name');
    assert.deepEqual([...(await spacesOf(acme, 'base'))], []);

    // The page's own check lets a short name of the Hub pass; the database does not.
    await field('name').fill('Acme base');
    await field('url').fill('acme/base');
    await field('options').fill('{"quota":{"perMinute":20}}');
    await button('Save as your own').click();
    await told('the backend refused the marked field');
    assert.match(await problemOf('url'), /^Must be an https address/);
    assert.equal(await field('name').inputValue(), 'Acme base');

    // A protocol is found out by asking what is not there, too.
    expected.push(/status of 404/);
    await field('url').fill(stage.space.origin);
    await button('Test Connection').click();
    await main().locator('.verdict.ok').waitFor();
    await page.getByLabel('Protocol').selectOption('openai');
    await field('model').fill('test-model');
    await field('revision').fill('r1');
    await field('contextWindow').fill('8192');
    await button('Save as your own').click();
    await told(/^ ?Saved\. Open pages/);
    const [row, ...others] = await spacesOf(acme, 'base');
    assert.deepEqual(others, []);
    assert.deepEqual(
      [row.space_name, row.space_url, row.api_endpoint, row.protocol, row.model_id, row.model_version, row.is_active],
      ['Acme base', stage.space.origin, '/api/generate', 'openai', 'test-model', 'r1', true],
    );
    assert.deepEqual(row.options, { quota: { perMinute: 20 }, contextWindow: 8192 });
    const [written] = await trail('public.hf_spaces_config');
    assert.deepEqual([written.actor, written.action, written.after.id], [ids.Ada, 'insert', row.id]);
    await main().locator('.whose.own').waitFor();

    await button('Switch your own off').click();
    await toast('switched off; everybody’s counts again').waitFor();
    assert.deepEqual(
      (await spacesOf(acme, 'base')).map(({ is_active }) => is_active),
      [false],
    );
    assert.equal(await field('name').inputValue(), (await spacesOf(null, 'base'))[0].space_name);
    await toast('switched off').getByRole('button', { name: 'Undo' }).click();
    await main().locator('.whose.own').waitFor();
    const back = (await spacesOf(acme, 'base')).filter(({ is_active }) => is_active);
    assert.equal(back.length, 1);
    for (const column of ['space_name', 'space_url', 'protocol', 'model_id', 'model_version', 'options'])
      assert.deepEqual(back[0][column], row[column], column);
    await main().getByText('1 earlier one of yours').waitFor();
  });

  it('what is typed outlives a save that fails, and somebody else’s save is told before it is overwritten', async () => {
    expected.push(/ERR_FAILED/);
    await open('Ada', '#/admin?tier=abstraction');
    await field('url').fill(stage.space.origin);
    await page.route('**/functions/v1/config/spaces/**', (route) => route.abort());
    await button('Save as your own').click();
    await told('It may not have been saved. The backend does not answer.');
    assert.equal(await field('url').inputValue(), stage.space.origin);
    await page.unroute('**/functions/v1/config/spaces/**');

    // Another administrator is quicker.
    const theirs = { name: 'Theirs', url: 'https://a-b.hf.space', revision: 'theirs' };
    assert.equal((await callAs(stage, 'Ada', 'config/spaces/abstraction', { body: theirs })).status, 200);
    await field('name').fill('Mine');
    await button('Save as your own').click();
    await told('Somebody else saved this while you were editing.');
    assert.match(
      await main().locator('.theirs').innerText(),
      /Theirs: Theirs, https:\/\/a-b\.hf\.space, revision theirs/,
    );
    assert.equal((await spacesOf(acme, 'abstraction'))[0].space_name, 'Theirs');
    assert.equal(await field('name').inputValue(), 'Mine');
    await button('Save mine over it').click();
    await told(/^ ?Saved\. Open pages/);
    assert.deepEqual(
      (await spacesOf(acme, 'abstraction')).map(({ space_name, space_url }) => [space_name, space_url]),
      [['Mine', stage.space.origin]],
    );

    await field('name').fill('Mine again');
    assert.equal(
      (await callAs(stage, 'Ada', 'config/spaces/abstraction', { body: { name: 'Theirs again' } })).status,
      200,
    );
    await button('Save').click();
    await told('Somebody else saved this');
    await button('Take theirs').click();
    assert.equal(await field('name').inputValue(), 'Theirs again');
    assert.equal((await spacesOf(acme, 'abstraction'))[0].space_name, 'Theirs again');

    // One's own save is not taken for another's while the list cannot be read.
    await page.route('**/functions/v1/config/spaces', (route) => route.abort());
    await field('name').fill('Mine unread');
    await button('Save').click();
    await told(/^ ?Saved\. Open pages/);
    await field('name').fill('Mine twice');
    await told('Not saved yet.');
    assert.equal(await main().getByText('Somebody else saved this').count(), 0);
    await button('Discard').click();
    assert.equal(await field('name').inputValue(), 'Mine unread');
    await field('name').fill('Mine twice');
    await button('Save').click();
    await told(/^ ?Saved\. Open pages/);
    assert.equal((await spacesOf(acme, 'abstraction'))[0].space_name, 'Mine twice');
    await page.unroute('**/functions/v1/config/spaces');

    // Nor is it switched off as it never was seen here.
    await page.evaluate(() => globalThis.dispatchEvent(new Event('online')));
    await main().getByText('Mine twice').first().waitFor();
    await callAs(stage, 'Ada', 'config/spaces/abstraction', { body: { name: 'Theirs at last' } });
    await button('Switch your own off').click();
    await told('It is not switched off: Somebody else changed this');
    assert.deepEqual(
      (await spacesOf(acme, 'abstraction')).map(({ space_name, is_active }) => [space_name, is_active]),
      [['Theirs at last', true]],
    );
    await main().getByText('Theirs at last').first().waitFor();
  });

  it('what is typed stays while another tier is open, and is not left unasked', async () => {
    const asked = [];
    let answer = false;
    await open('Ada', '#/admin?tier=user');
    page.on('dialog', (dialog) => {
      asked.push(dialog.message());
      return answer ? dialog.accept() : dialog.dismiss();
    });
    await field('name').fill('Half typed');
    await button(/^Company/).click();
    await button(/^User/).click();
    assert.equal(await field('name').inputValue(), 'Half typed');
    const tab = (name) => page.getByRole('navigation', { name: 'Parts of Admin' }).getByRole('link', { name });
    await tab('Spaces').click();
    assert.deepEqual(asked, []);
    await tab('Flags').click();
    assert.deepEqual(asked.splice(0), ['Leave without saving? What you typed is lost.']);
    assert.doesNotMatch(page.url(), /part=flags/);
    await button(/^User/).click();
    assert.equal(await field('name').inputValue(), 'Half typed');
    answer = true;
    await tab('Models').click();
    await button('Add a model').waitFor();
    assert.equal(asked.splice(0).length, 1);

    answer = false;
    await button('Add a model').click();
    const sheet = page.getByRole('dialog');
    await field('name').fill('Half typed');
    for (let time = 1; time <= 3; time++) {
      await page.keyboard.press('Escape');
      await page.waitForFunction(() => document.querySelector('dialog')?.open === true);
    }
    assert.equal(await field('name').inputValue(), 'Half typed');
    assert.equal(asked.splice(0).length, 3);
    answer = true;
    await sheet.getByRole('button', { name: 'Close' }).click();
    await sheet.waitFor({ state: 'detached' });
    assert.equal(asked.splice(0).length, 1);
    await button('Add a model').click();
    assert.equal(await field('name').inputValue(), '');
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    assert.deepEqual(asked, []);
  });

  it('flags: each change at once, own over everybody’s, taken back and undone', async () => {
    const own = () =>
      sql`select enabled, visible from tierwise.flags where company_id = ${acme} and name = 'useOpenAI'`;
    await open('Ada', '#/admin?part=flags');
    const flag = main().locator('.flag-row', { hasText: 'useOpenAI' });
    const enabled = page.getByRole('switch', { name: 'OpenAI-compatible provider: enabled' });
    assert.equal(await enabled.isChecked(), true);
    await enabled.click();
    await toast('is off for your company').waitFor();
    assert.deepEqual([...(await own())], [{ enabled: false, visible: true }]);
    await flag.getByText('Everybody’s is on, shown.').waitFor();
    await page.getByRole('switch', { name: 'OpenAI-compatible provider: visible' }).click();
    await toast('is hidden in your company').waitFor();
    assert.deepEqual([...(await own())], [{ enabled: false, visible: false }]);
    const [changed] = await trail('tierwise.flags');
    assert.deepEqual(
      [changed.actor, changed.action, changed.before.visible, changed.after.visible],
      [ids.Ada, 'update', true, false],
    );

    await button('Take back your own OpenAI-compatible provider').click();
    await toast('everybody’s counts again').waitFor();
    assert.deepEqual([...(await own())], []);
    assert.equal(await enabled.isChecked(), true);
    await toast('everybody’s counts again').getByRole('button', { name: 'Undo' }).click();
    await flag.locator('.whose.own').waitFor();
    assert.deepEqual([...(await own())], [{ enabled: false, visible: false }]);

    // Somebody else switched it since this page looked.
    await callAs(stage, 'Ada', 'config/flags/useOpenAI', { body: { enabled: true } });
    await page.getByRole('switch', { name: 'OpenAI-compatible provider: visible' }).click();
    await flag.getByText('Somebody else changed this flag just now.').waitFor();
    assert.deepEqual([...(await own())], [{ enabled: true, visible: false }]);
    assert.equal(await enabled.isChecked(), true);

    // What somebody else changed since is not undone with one's own change.
    await enabled.click();
    await toast('is off for your company').waitFor();
    await callAs(stage, 'Ada', 'config/flags/useOpenAI', { body: { visible: true } });
    await toast('is off for your company').getByRole('button', { name: 'Undo' }).click();
    await toast('It was not taken back: Somebody else changed this').waitFor();
    assert.deepEqual([...(await own())], [{ enabled: false, visible: true }]);
    await flag.getByText('Shown', { exact: true }).waitFor();

    // While it is taken back, nothing else can be switched.
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route('**/functions/v1/config/flags/useOpenAI**', async (route) => {
      await held;
      await route.continue();
    });
    await button('Take back your own OpenAI-compatible provider').click();
    await page.waitForFunction((at) => at.disabled, await enabled.elementHandle());
    assert.equal(await button('Take back your own OpenAI-compatible provider').isDisabled(), true);
    release();
    await toast('everybody’s counts again').waitFor();
    assert.deepEqual([...(await own())], []);
  });

  it('models: searched, sorted, added, changed with their price, removed and undone', async () => {
    const stored = () =>
      sql`select display_name, task, is_enabled, price::float8 as price, price_unit from public.huggingface_models
        where company_id = ${acme} and model_id = 'acme/writer'`;
    await open('Ada', '#/admin?part=models');
    const names = () => main().locator('.grid-body .grid-cell:first-child .cut').allInnerTexts();
    await main().getByText('5 models').waitFor();
    await page.getByRole('columnheader', { name: 'Price' }).getByRole('button').click();
    assert.match((await names())[0], /Stable Diffusion XL/);
    await page.getByRole('searchbox').fill('mistral');
    await main().getByText('1 model of 5').waitFor();
    assert.match(page.url(), /q=mistral/);
    await page.getByRole('searchbox').fill('');

    await button('Add a model').click();
    const sheet = page.getByRole('dialog');
    await field('model').fill('writer');
    await field('price').fill('2 cents');
    await sheet.getByRole('button', { name: 'Add', exact: true }).click();
    assert.match(await problemOf('model'), /owner\/name/);
    assert.match(await problemOf('price'), /US dollars/);
    await field('model').fill('acme/writer');
    await field('price').fill('0.00003');
    await field('name').fill('Writer');
    await sheet.getByRole('button', { name: 'Add', exact: true }).click();
    await sheet.getByText('is your company’s own').waitFor();
    assert.deepEqual(
      [...(await stored())],
      [{ display_name: 'Writer', task: 'text-generation', is_enabled: true, price: 0.00003, price_unit: '1k-tokens' }],
    );

    await sheet.getByRole('switch', { name: 'May be called' }).click();
    await field('price').fill('0.5');
    await sheet.getByRole('button', { name: 'Save', exact: true }).click();
    await sheet.getByText(/^ ?Saved\. Open pages/).waitFor();
    const [now] = await stored();
    assert.deepEqual([now.is_enabled, now.price], [false, 0.5]);
    const prices = await sql`select input_per_1k::float8 as price from tierwise.prices
      where company_id = ${acme} and model = 'acme/writer' and provider = 'huggingface' order by valid_from`;
    assert.deepEqual(
      prices.map(({ price }) => price),
      [0.00003, 0.5],
    );
    const [changed] = await trail('public.huggingface_models');
    assert.deepEqual([changed.actor, changed.before.price, changed.after.price], [ids.Ada, 0.00003, 0.5]);

    await sheet.getByRole('button', { name: 'Remove' }).click();
    await toast('acme/writer is removed').waitFor();
    assert.deepEqual([...(await stored())], []);
    await toast('acme/writer is removed').getByRole('button', { name: 'Undo' }).click();
    await main().getByText('Writer').waitFor();
    assert.equal((await stored())[0].price, 0.5);

    // Of everybody's an own one is made, whole.
    await main().getByText('Llama 3.2 3B').click();
    await sheet.getByText('is everybody’s').waitFor();
    await sheet.getByRole('switch', { name: 'May be called' }).click();
    await sheet.getByRole('button', { name: 'Save as your own' }).click();
    await sheet.getByText(/^ ?Saved\. Open pages/).waitFor();
    const [own] = await sql`select display_name, is_enabled, task, price::float8 as price from public.huggingface_models
      where company_id = ${acme} and model_id like 'meta-llama/%'`;
    assert.deepEqual(
      { ...own },
      { display_name: 'Llama 3.2 3B', is_enabled: false, task: 'text-generation', price: 0.0001 },
    );
    await sheet.getByRole('button', { name: 'Close' }).click();
    assert.match(page.url(), /part=models/);
  });

  it('keys: put, replaced and removed, and in no answer and nowhere in the page', async () => {
    const stored = () =>
      sql`select hint, octet_length(sealed) as size from tierwise.secrets where company_id = ${acme}`;
    await open('Ada', '#/admin?part=keys&key=router');
    await field('key.router').fill('short');
    await button('Put').click();
    assert.match(await problemOf('key.router'), /8 characters or more/);
    await field('key.router').fill(companysKey);
    await button('Put').click();
    await told('Put. The next call uses it.');
    assert.deepEqual(
      (await stored()).map(({ hint }) => hint),
      ['6789'],
    );
    const [written] = await trail('tierwise.secrets');
    assert.deepEqual([written.actor, written.action, written.after.target], [ids.Ada, 'insert', 'router']);
    assert.ok(!JSON.stringify(written).includes(companysKey));
    assert.match(await main().locator('.key-row').first().innerText(), /Set\s+ends in 6789, set just now/);
    await button('Replace the key for Hugging Face').click();
    assert.equal(await field('key.router').inputValue(), '');
    await field('key.router').fill('hf_replaced0123454321');
    await button('Put').click();
    await told('Replaced. The next call uses it; now revoke the old one.');
    assert.equal((await stored())[0].hint, '4321');
    await page.reload();
    await main().getByText('ends in').waitFor();

    await to('#/admin?part=trail');
    await main().locator('.trail-row').first().waitFor();
    for (const key of [companysKey, 'hf_replaced0123454321', operatorsKey]) {
      assert.ok(!(await page.content()).includes(key), 'in the page');
      const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...globalThis.sessionStorage }]));
      assert.ok(!kept.includes(key), 'in its storage');
      for (const text of await Promise.all(answers)) assert.ok(!text.includes(key), 'in an answer');
      assert.ok(!stage.log.join('\n').includes(key), 'in the log');
    }

    await to('#/admin?part=keys');
    await button('Remove the key for Hugging Face').click();
    await told('this cannot be taken back');
    await button('Keep it').click();
    assert.equal((await stored()).length, 1);
    await button('Remove the key for Hugging Face').click();
    await button('Remove the key').click();
    await told('Removed.');
    assert.deepEqual([...(await stored())], []);
  });

  it('the company: its rules, checked, and not overwritten unseen', async () => {
    const stored = async () => (await sql`select * from tierwise.companies where id = ${acme}`)[0];
    await open('Ada', '#/admin?part=company');
    await field('retentionDays').fill('4000');
    await field('totalsDays').focus();
    assert.match(await problemOf('retentionDays'), /from 1 to 3,650/);
    await field('retentionDays').fill('90');
    await page.getByRole('switch', { name: 'Keep the texts' }).click();
    await button('Save').click();
    await told(/^ ?Saved\. Open pages/);
    const { retention_days: days, keeps_text: texts } = await stored();
    assert.deepEqual([days, texts], [90, true]);
    const [changed] = await trail('tierwise.companies');
    assert.deepEqual([changed.actor, changed.before.retention_days, changed.after.retention_days], [ids.Ada, 365, 90]);

    await field('name').fill('Acme & Sons');
    await callAs(stage, 'Ada', 'config/company', { body: { retentionDays: 30 } });
    await button('Save').click();
    await told('Somebody else saved this');
    assert.match(await main().locator('.theirs').innerText(), /usage 30 days/);
    assert.equal((await stored()).name, 'Acme');
    await button('Take theirs').click();
    assert.equal(await field('retentionDays').inputValue(), '30');
    await callAs(stage, 'Ada', 'config/company', { body: { retentionDays: 365, keepsText: false } });
  });

  it('the trail: who, what, before and after, newest first, a page at a time', async () => {
    for (let at = 0; at < 60; at++)
      await callAs(stage, 'Ada', 'config/flags/useMockAI', { body: { enabled: at % 2 === 0 } });
    for (let at = 0; at < 60; at++)
      await sql`update tierwise.flags set visible = ${at % 2 === 1} where company_id = ${acme} and name = 'useMockAI'`;
    await open('Ada', '#/admin?part=trail');
    const rows = main().locator('.trail-row');
    await rows.first().waitFor();
    assert.equal(await rows.count(), 100);
    assert.match(
      await rows.first().innerText(),
      /^The operator changed Flag useMockAI · just now\s+visible\s+false → true$/,
    );
    assert.match(await rows.nth(60).innerText(), /^You changed Flag useMockAI · just now\s+enabled\s+true → false$/);
    await button('Show older ones').click();
    await main().getByText('That is all there is.').waitFor();
    const [{ count }] = await sql`select count(*)::int from tierwise.audit where company_id = ${acme}`;
    assert.equal(await rows.count(), count);
    assert.match(await rows.last().innerText(), /^The operator added Company Acme/);

    // Newer ones push others off the first page: no gap is left before the older ones.
    const model = 'config/models/acme/long';
    const long = 'long '.repeat(60);
    await callAs(stage, 'Ada', model, { body: { task: 'text-generation', description: `${long}before` } });
    await callAs(stage, 'Ada', model, { body: { description: `${long}after` } });
    for (let at = 0; at < 110; at++)
      await sql`update tierwise.flags set visible = ${at % 2 === 1} where company_id = ${acme} and name = 'useMockAI'`;
    await page.evaluate(() => globalThis.dispatchEvent(new Event('online')));
    await button('Show older ones').waitFor();
    assert.equal(await rows.count(), 100);
    await button('Show older ones').click();
    await main().getByText('acme/long').first().waitFor();
    assert.match(
      await rows.filter({ hasText: 'You changed Model acme/long' }).innerText(),
      /description\s+….* before → ….* after$/,
    );
    await button('Show older ones').click();
    await main().getByText('That is all there is.').waitFor();
    const [{ all }] = await sql`select count(*)::int as all from tierwise.audit where company_id = ${acme}`;
    assert.equal(await rows.count(), all);
    await callAs(stage, 'Ada', model, { method: 'DELETE' });
    await callAs(stage, 'Ada', 'config/flags/useMockAI', { method: 'DELETE' });
  });

  it('a member neither sees nor does it, and a guest learns what signing in shows', async () => {
    await open(undefined, '#/admin');
    await told('Sign in as an administrator');
    assert.equal(await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Admin' }).count(), 0);
    await to('#/health?show=system');
    await told('Sign in to see how the backend is');
    await context.close();

    await open('Max', '#/admin?part=keys');
    await told('This page is for administrators');
    assert.equal(await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Admin' }).count(), 0);
    assert.equal(await main().locator('input, .tabs').count(), 0);
    const [{ last }] = await sql`select max(id) as last from tierwise.audit`;
    for (const [where, body] of [
      ['spaces/base', { name: 'x', url: 'https://a-b.hf.space' }],
      ['flags/useOpenAI', { enabled: false }],
      ['models/acme/x', { task: 'text-generation' }],
      ['keys/router', { key: companysKey }],
      ['company', { name: 'Max & Co' }],
    ])
      assert.equal((await callAs(stage, 'Max', `config/${where}`, { body })).status, 403, where);
    for (const where of ['spaces', 'keys', 'audit', 'deployments'])
      assert.equal((await callAs(stage, 'Max', `config/${where}`)).status, 403, where);
    assert.equal((await sql`select max(id) as last from tierwise.audit`)[0].last, last);

    // Made an administrator meanwhile: so with the next visit.
    await sql`update tierwise.members set role = 'admin' where user_id = ${ids.Max}`;
    await page.reload();
    await main().locator('.key-row').first().waitFor();
    await sql`update tierwise.members set role = 'member' where user_id = ${ids.Max}`;
    // And no longer one: the page that is open still is told.
    expected.push(/status of 403/);
    await field('key.router').or(button('Put a key for Hugging Face')).first().waitFor();
    if ((await field('key.router').count()) === 0) await button('Put a key for Hugging Face').click();
    await field('key.router').fill(companysKey);
    await button('Put').click();
    await told('Only administrators of the company may do this.');
  });

  it('another company sees nothing of it', async () => {
    await callAs(stage, 'Ada', 'config/keys/space:company', { body: { key: companysKey } });
    await open('Eve', '#/admin?tier=base');
    await field('name').waitFor();
    assert.doesNotMatch(await main().innerText(), /Acme|Mine|Theirs/);
    assert.equal(await main().locator('.whose.own').count(), 0);
    await to('#/admin?part=models');
    await main().getByText('5 models').waitFor();
    await to('#/admin?part=keys');
    await main().locator('.key-row').first().waitFor();
    assert.equal(await main().getByText('ends in').count(), 0);
    await to('#/admin?part=trail');
    await main().getByText('That is all there is.').waitFor();
    const rows = await sql`select count(*)::int as count from tierwise.audit where company_id = ${umbrella}`;
    assert.equal(await main().locator('.trail-row').count(), rows[0].count);
    assert.doesNotMatch(await main().innerText(), /Acme|useMockAI/);
    await callAs(stage, 'Ada', 'config/keys/space:company', { method: 'DELETE' });
  });

  describe('the system’s health', () => {
    const event = (fields) => ({
      eventId: randomUUID(),
      interactionId: 'i',
      kind: 'complete',
      at: Date.now(),
      tier: 'base',
      target: 'space:base',
      provider: 'space',
      model: 'test-model',
      source: 'space',
      totalMs: 400,
      status: 'ok',
      ...fields,
    });
    const check = (name) => main().locator('.check-row', { has: page.getByRole('heading', { name, exact: true }) });
    const space = (name) => main().locator('.target', { has: page.getByRole('heading', { name, exact: true }) });

    it('each check with its state, what to do and where; checked anew when asked', async () => {
      const { hub } = stage;
      hub.accepted.delete(`Bearer ${operatorsKey}`);
      await callAs(stage, 'Ada', 'config/spaces/company', {
        body: { name: 'Private', url: `${hub.origin}/spaces/acme/private` },
      });
      await callAs(stage, 'Ada', 'config/spaces/user', {
        body: { name: 'Sleepy', url: `${hub.origin}/spaces/acme/sleepy` },
      });
      await callAs(stage, 'Ada', 'config/spaces/abstraction', {
        body: { name: 'Gone', url: `${hub.origin}/spaces/acme/gone` },
      });
      await callAs(stage, 'Ada', 'config/keys/space:company', { body: { key: companysKey } });
      const events = [event(), event({ totalMs: 600 }), event({ kind: 'error', status: 'error', errorClass: 'x' })];
      const sent = await callAs(stage, 'Max', 'usage', { method: 'POST', body: { sentAt: Date.now(), events } });
      assert.ok(
        sent.value.verdicts.every(({ verdict }) => verdict === 'stored'),
        sent.text,
      );

      await open('Ada', '#/health?show=system');
      await space('Base Space').waitFor();
      assert.match(await check('Functions').innerText(), /Reachable\s+Answered in [\d.]+ m?s/);
      assert.match(await check('Database').innerText(), /Answering\s+Read the configuration in [\d.]+ ms/);
      assert.match(
        await check('Hugging Face').innerText(),
        /Invalid\s+The Hub does not accept this key\. Checked just now/,
      );
      assert.match(await check('OpenAI').innerText(), /Not set/);
      assert.equal(
        await check('Hugging Face').getByRole('link', { name: 'Tokens on the Hub' }).getAttribute('href'),
        'https://huggingface.co/settings/tokens',
      );
      assert.match(await space('User Space').innerText(), /Asleep\s+It fell asleep for want of questions/);
      assert.match(await space('Company Space').innerText(), /Key refused\s+Its key is not accepted/);
      assert.match(await space('Abstraction Space').innerText(), /Not usable\s+The Hub does not name the host/);
      const base = (await space('Base Space').innerText()).replaceAll(/\s+/g, ' ');
      assert.match(
        base,
        /Calls, last hour 3 Failed 1 \(33 %\) Half within \d+ ms 95 % within \d+ ms Last success just now Protocol openai/,
      );
      for (const name of ['Network', 'Storage', 'Usage outbox'])
        assert.match(await check(name).innerText(), /Online|Available|Reachable/);
      await main()
        .getByText(/checks need attention/)
        .waitFor();

      // Mended at the Hub: seen when it is asked anew, which it is ten seconds after the last time at the earliest.
      hub.accepted.add(`Bearer ${operatorsKey}`);
      hub.setSpace('acme/sleepy', 'RUNNING');
      await page.waitForTimeout(10_000);
      await button('Check now').click();
      await check('Hugging Face').getByText('Valid').waitFor();
      await space('User Space').getByText('Running').waitFor();
      const again = page.getByRole('button', { name: /^Check again in \d+ s$/ });
      assert.equal(await again.isDisabled(), true);

      await space('Company Space').getByRole('link', { name: 'Put a key under Admin' }).click();
      await field('key.space:company').waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.dataset.field), 'key.space:company');
      hub.accepted.add(`Bearer ${companysKey}`);
    });

    it('a member sees it, and whom to ask', async () => {
      await callAs(stage, 'Ada', 'config/keys/router', { body: { key: 'hf_refused0123456789' } });
      await open('Max', '#/health?show=system');
      await check('Hugging Face').getByText('An administrator of Acme can put one.').waitFor();
      assert.equal(await main().getByRole('link', { name: 'Put a key under Admin' }).count(), 0);
      await callAs(stage, 'Ada', 'config/keys/router', { method: 'DELETE' });
    });

    it('asked too often: said, waited for, asked again', async () => {
      expected.push(/status of 429/);
      await sql`insert into tierwise.rate_limits (company_id, name, counted_by, per_minute, burst) values (${acme}, 'health', 'user', 15, 1)`;
      await sql`delete from tierwise.rate_buckets where name = 'health'`;
      await callAs(stage, 'Ada', 'health');
      await open('Ada', '#/health?show=system');
      await told('Asked too often.');
      assert.match(await check('Functions').innerText(), /Reachable\s+They answer, and ask to be asked later/);
      await told('Not known: the backend did not answer the last look');
      await space('Base Space').waitFor({ timeout: 15_000 });
      assert.equal(await main().getByText('Asked too often.').count(), 0);
      await sql`delete from tierwise.rate_limits where company_id = ${acme} and name = 'health'`;
    });

    for (const [name, answer, what, functions] of [
      [
        'a page instead of functions',
        { contentType: 'text/html', body: '<h1>Hello</h1>' },
        'Something else answers',
        /Something else/,
      ],
      [
        'a session that is not accepted',
        { status: 401, json: { success: false, error: 'Sign in first.', code: 'not-a-user' } },
        'Your session was not accepted.',
        /Reachable\s+They answer, but not to this session/,
      ],
      [
        'a schema of another version',
        {
          status: 503,
          json: { success: false, error: 'The database lacks the schema of this version.', code: 'not-migrated' },
        },
        'npx tierwise migrate',
        /Reachable/,
      ],
      [
        'an error of its own',
        { status: 500, json: { success: false, error: 'Something went wrong here (1).', code: 'internal' } },
        'Something went wrong here',
        /Failing\s+They answer with an error/,
      ],
      ['nobody', undefined, 'The backend does not answer.', /Not reachable/],
    ]) {
      it(`answered by ${name}`, async () => {
        expected.push(/status of (401|500|503)|ERR_FAILED/);
        await open('Ada', '#/chat');
        await page.route('**/functions/v1/health*', (route) =>
          answer === undefined
            ? route.abort()
            : route.fulfill({ ...answer, headers: { 'access-control-allow-origin': '*' } }),
        );
        await to('#/health?show=system');
        await told(what);
        assert.match(await check('Functions').innerText(), functions);
        if (answer?.status === 401) return button('Sign out').waitFor();
        await page.unroute('**/functions/v1/health*');
        await button('Ask again').click();
        await space('Base Space').waitFor();
        assert.equal(await main().locator('.failure').count(), 0);
        return undefined;
      });
    }

    it('offline: what was known stays, and it is asked again with the network', async () => {
      expected.push(/ERR_INTERNET_DISCONNECTED/);
      await open('Ada', '#/health?show=system');
      await space('Base Space').waitFor();
      await context.setOffline(true);
      await page.waitForTimeout(10_500);
      await button('Check now').click();
      await told('This browser is offline.');
      await told('What follows is from');
      assert.match(await check('Network').innerText(), /Offline/);
      assert.equal(await space('Base Space').count(), 1);
      await context.setOffline(false);
      await check('Functions').getByText('Reachable', { exact: true }).waitFor();
      assert.equal(await main().locator('.failure').count(), 0);
    });
  });

  for (const [size, viewport] of Object.entries({ wide, narrow })) {
    for (const colorScheme of ['light', 'dark']) {
      it(`axe finds nothing, and nothing is wider than the page: ${size}, ${colorScheme}`, async () => {
        // A button that is just being enabled is in between two colours.
        await open('Ada', '#/health?show=system', { viewport, colorScheme, bypassCSP: true, reducedMotion: 'reduce' });
        const look = async (where, ready) => {
          await page.locator(ready).first().waitFor();
          await page.evaluate(axe);
          const violations = await page.evaluate(async () =>
            (await globalThis.axe.run(document, { resultTypes: ['violations'] })).violations.map(
              ({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`,
            ),
          );
          assert.deepEqual(violations, [], where);
          const wider = await page.evaluate(() => {
            const main = document.querySelector('main');
            return main.scrollWidth > main.clientWidth ? `${main.scrollWidth} > ${main.clientWidth}` : '';
          });
          assert.equal(wider, '', where);
        };
        await look('system health', '.metrics');
        for (const [hash, ready] of [
          ['#/admin?tier=base', '.editor'],
          ['#/admin?part=flags', '.flag-row'],
          ['#/admin?part=models', '.grid-row'],
          ['#/admin?part=models&model=acme%2Fwriter', '.sheet .editor'],
          ['#/admin?part=keys&key=space%3Acompany', '.key-form'],
          ['#/admin?part=company', '.editor'],
          ['#/admin?part=trail', '.trail-row'],
        ]) {
          await to(hash);
          await look(hash, ready);
        }
        await to('#/admin?tier=company');
        await field('name').fill('');
        await button('Save').click();
        await look('errors beside fields', '.problem');
      });
    }
  }

  it('the database is down: said as that, with what stays safe', async () => {
    expected.push(/status of 503/);
    await open('Ada', '#/health?show=system');
    await main().locator('.metrics').first().waitFor();
    await sql.end({ timeout: 5 });
    await stage.database.stop();
    await page.reload();
    await told('The functions answer, but their database cannot be reached.');
    const text = (await main().innerText()).replaceAll(/\s+/g, ' ');
    assert.match(text, /Functions Reachable They answer\. Database Not reachable It does not take connections\./);
    await main().getByText('1 check needs attention').waitFor();
    await to('#/admin?part=flags');
    await told('their database cannot be reached');
    await button('Ask again').waitFor();
  });
});
