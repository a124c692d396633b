/**
 * The demo signed in, in real Chromium under the strict policy, against the whole backend: who sees what of whose usage, that
 * the page shows the numbers of the database, that opinions and events arrive, and that a session is kept, renewed and
 * ended as it should. Needs dist/ and build/demo. What the page logs as an error fails the test it happens in.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { narrow, openDemo, startStage, wide } from './demo-stage.mjs';
import { root } from './harness.mjs';

const axe = readFileSync(path.join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');

async function until(what, task, ms = 20_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await task();
    if (value) return value;
    if (Date.now() > end) assert.fail(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('The demo, signed in', () => {
  let stage;
  let demo;
  /** Console errors a test brings about on purpose. */
  let expected;

  before(async () => {
    stage = await startStage();
  });
  after(() => stage?.stop());
  beforeEach(() => {
    // The browser logs a probe of a Space that is not answered with 2xx.
    expected = [/status of 404/];
  });
  afterEach(async () => {
    await demo?.context.close();
    const problems = demo?.problems ?? [];
    demo = undefined;
    assert.deepEqual(
      problems.filter((problem) => !expected.some((pattern) => pattern.test(problem))),
      [],
    );
  });
  const open = async (options) => (demo = await openDemo(stage, options));
  const grantOf = async (email) => {
    const answer = await fetch(`${stage.backend.url}/auth/v1/token?grant_type=password`, {
      method: 'POST',
      headers: { origin: stage.site.origin, 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: 'development' }),
    });
    return await answer.json();
  };
  const idOf = async (email) => (await grantOf(email)).user.id;
  /** Every event of the person that is in the database. */
  const rowsOf = async (user) =>
    stage.sql`select kind, model, tier, prompt, answer from public.llm_observations where user_id = ${user} order by at, kind`;
  const waitingLine = () => demo.page.locator('.waiting-line p');
  const allSent = () => waitingLine().filter({ hasText: 'Everything recorded here is with the backend.' }).waitFor();
  /** What the database holds, from the rows themselves; `whose`: a company or a person. */
  async function counted(whose, by = `''`) {
    return stage.sql.unsafe(
      `select ${by} as part, count(*) filter (where kind = 'complete')::int as answered,
        count(*) filter (where kind = 'hit')::int as cached, count(*) filter (where kind = 'error')::int as failed,
        coalesce(sum(input_tokens) filter (where kind in ('complete', 'error', 'cancel')), 0)::int as tokens_in,
        coalesce(sum(output_tokens) filter (where kind in ('complete', 'error', 'cancel')), 0)::int as tokens_out,
        sum(cost)::float8 as cost, sum(saved)::float8 as saved,
        count(*) filter (where kind = 'complete' and cost is not null)::int as priced
      from public.llm_observations where company_id = $1 or user_id = $1 group by 1 order by 1`,
      [whose],
    );
  }
  const dollars = (value) =>
    value === 0 ? '$0' : value < 0.01 ? `$${Number(value.toPrecision(2))}` : `$${value.toFixed(2)}`;
  /** The figures above the charts: name -> [value, note]. */
  async function figures() {
    await demo.page.locator('.summary dl.totals').waitFor();
    return Object.fromEntries(
      await demo.page
        .locator('.summary dl.totals > div')
        .evaluateAll((all) =>
          all.map((one) => [
            one.querySelector('dt').textContent,
            [...one.querySelectorAll('dd')].map((dd) => dd.textContent),
          ]),
        ),
    );
  }
  /** The table of all figures: column -> text, by row. */
  const figureRows = () =>
    demo.page.locator('.summary-table .data-table').evaluate((table) => {
      const head = [...table.querySelectorAll('.grid-head [role=columnheader]')].map((cell) => cell.textContent);
      return [...table.querySelectorAll('.grid-body [role=row]')].map((row) =>
        Object.fromEntries(
          [...row.querySelectorAll('[role=gridcell]')].map((cell, at) => [head[at], cell.textContent]),
        ),
      );
    });
  /** The page shows exactly what the database has of `whose`. */
  async function agrees(whose) {
    const [total] = await counted(whose);
    const shown = await figures();
    const answers = total.answered + total.cached;
    assert.deepEqual(shown['Answers'], [
      String(answers),
      total.failed === 0 ? 'no attempt failed' : `${total.failed} failed attempt${total.failed === 1 ? '' : 's'}`,
    ]);
    assert.deepEqual(shown['From cache'], [
      total.cached === 0 ? '0 %' : `${Math.round((total.cached / answers) * 100)} %`,
      `${total.cached} answer${total.cached === 1 ? '' : 's'}`,
    ]);
    assert.equal(shown['Tokens'][1], `${total.tokens_in} in, ${total.tokens_out} out`);
    assert.equal(shown['Cost'][0], total.cost === null ? '–' : dollars(total.cost));
    assert.equal(shown['Saved'][0], dollars(total.saved ?? 0));
    const [row, ...more] = await figureRows();
    assert.equal(more.length, 0, 'one day of usage');
    assert.deepEqual(
      [row['Day (UTC)'], row['New answers'], row['From cache'], row['Failed']],
      [new Date().toISOString().slice(0, 10), String(total.answered), String(total.cached), String(total.failed)],
    );
    return total;
  }
  const seeUsage = async () => {
    await demo.go('usage?from=backend');
    await allSent();
    await demo.page.locator('.summary dl.totals').waitFor();
  };

  it('without a backend nothing of it shows', async () => {
    const { backend } = stage.config;
    delete stage.config.backend;
    try {
      await open({ hash: '#/account' });
      await demo.page.getByRole('heading', { level: 1, name: 'Chat' }).waitFor();
      assert.equal(await demo.page.locator('.account-link').count(), 0);
      await demo.ask('without a backend');
      await demo.go('usage');
      assert.match(await demo.page.locator('.view-head').innerText(), /It is not sent anywhere/);
      await demo.go('settings');
      assert.equal((await demo.page.getByText('gateway', { exact: false }).count()) > 0, true);
      assert.equal(await demo.page.getByRole('switch', { name: 'Send requests through the gateway' }).count(), 0);
      assert.equal((await stage.sql`select count(*)::int as n from public.llm_observations`)[0].n, 0);
    } finally {
      stage.config.backend = backend;
    }
  });

  it('signing in with e-mail: what is wrong stands beside its field, then it works; a reload keeps it', async () => {
    expected.push(/status of 400/);
    await open({ hash: '#/account' });
    const button = demo.page.getByRole('button', { name: 'Sign in', exact: true });
    await button.click();
    await demo.page.getByText('Enter an e-mail address.').waitFor();
    await demo.page.getByText('Enter the password.').waitFor();
    assert.equal(await demo.page.evaluate(() => document.activeElement.dataset.field), 'account.email');
    await demo.page.locator('[data-field="account.email"]').fill('max@acme.example');
    await demo.page.locator('[data-field="account.password"]').fill('wrong');
    await button.click();
    await demo.page.getByText('E-mail and password do not belong together.').waitFor();
    assert.equal(await demo.page.locator('[data-field="account.password"]').getAttribute('aria-invalid'), 'true');
    await demo.page.locator('[data-field="account.password"]').fill('development');
    await button.click();
    await demo.page.getByRole('heading', { level: 2, name: 'Max' }).waitFor();
    assert.match(await demo.page.locator('.account-link').innerText(), /Max\s+Acme, member/);
    await demo.page.reload();
    await demo.page.getByText('You are signed in.').waitFor();
    await demo.signOut();
    assert.equal(await demo.page.evaluate(() => localStorage.getItem('tierwise-session')), null);
  });

  it('each person asks: the page shows what the database has; a member sees only their own', async () => {
    const [ada, max, eve] = await Promise.all(
      ['ada@acme.example', 'max@acme.example', 'eve@umbrella.example'].map(idOf),
    );
    await open();
    const people = [
      ['Ada', ada, ['alpha', 'beta', 'alpha', 'alpha']],
      ['Max', max, ['alpha', 'gamma']],
      ['Eve', eve, ['alpha']],
    ];
    for (const [name, id, questions] of people) {
      await demo.signIn(name);
      await demo.go('chat');
      for (const question of questions) await demo.ask(question);
      if (name === 'Ada') {
        // A model without a price, and an attempt that fails.
        expected.push(/status of 400/);
        await demo.page.getByRole('combobox', { name: 'Tier' }).selectOption('company');
        await demo.ask('delta');
        await demo.ask('delta');
        await demo.ask('refuse this');
        await demo.page.getByRole('combobox', { name: 'Tier' }).selectOption('auto');
      }
      await seeUsage();
      const rows = await until(`rows of ${name}`, async () => {
        const found = await rowsOf(id);
        return found.some(({ kind }) => kind === 'complete') && found;
      });
      assert.ok(
        rows.every(({ prompt, answer }) => prompt === null && answer === null),
        'no text is kept',
      );
    }
    // Caches are apart: Max's and Eve's "alpha" went to the Space, though Ada's was in this browser.
    assert.equal(stage.spaces.base.calls.filter(({ prompt }) => prompt === 'alpha').length, 3);
    const [{ acme }] = await stage.sql`select id as acme from tierwise.companies where name = 'Acme'`;

    const own = await agrees(eve);
    assert.deepEqual([own.answered, own.cached], [1, 0]);
    assert.match(await demo.page.locator('.view-head').innerText(), /Your own, as the backend has it\./);
    assert.equal(await demo.page.getByRole('radio', { name: 'Person' }).count(), 0);

    await demo.signIn('Max');
    await seeUsage();
    assert.equal((await agrees(max)).answered, 2);

    await demo.signIn('Ada');
    await seeUsage();
    const total = await agrees(acme);
    assert.deepEqual([total.answered, total.cached], [5, 3]);
    assert.ok(total.failed > 0);
    assert.match(await demo.page.locator('.view-head').innerText(), /Of all of Acme/);
    const titles = await demo.page.locator('.chart-card h2').allInnerTexts();
    assert.equal(
      titles[0],
      `Cache answered 38 % of 8 requests; ${total.failed} attempt${total.failed === 1 ? '' : 's'} failed`,
    );
    // Of models: the one without a price is a dash, not 0.
    for (const [by, column] of [
      ['Model', `coalesce(model, '')`],
      ['Tier', 'tier'],
      ['Person', 'user_id::text'],
    ]) {
      await demo.page.locator('.summary-table').getByRole('radio', { name: by }).check();
      const parts = (await counted(acme, column)).filter(
        ({ answered, cached, failed }) => answered + cached + failed > 0,
      );
      const shown = await figureRows();
      assert.equal(shown.length, parts.length, by);
      for (const part of parts) {
        const name =
          by === 'Person'
            ? part.part === ada
              ? 'Ada'
              : `Person ${part.part.slice(0, 4)}…${part.part.slice(-4)}`
            : by === 'Tier'
              ? { base: 'Base', company: 'Company' }[part.part]
              : part.part === ''
                ? 'No model named'
                : part.part;
        const row = shown.find((one) => one[by] === name);
        assert.ok(row, `${by} ${name} among ${JSON.stringify(shown)}`);
        assert.deepEqual(
          [row['New answers'], row['From cache'], row['Failed'], row['Tokens in'], row['Tokens out']],
          [part.answered, part.cached, part.failed, part.tokens_in, part.tokens_out].map(String),
          name,
        );
        // Of what nothing has a price, the cost is not 0.
        if (part.answered > 0 && part.priced === 0) assert.deepEqual([row['Cost'], row['Saved']], ['–', '–'], name);
        else assert.equal(row['Cost'], part.answered + part.cached === 0 ? '–' : dollars(part.cost), name);
      }
    }
    // The comparison, from prices.
    const compared = demo.page.locator('.chart-card', { hasText: 'The same tokens would have cost' });
    await compared.getByRole('button', { name: 'Show table' }).click();
    const would = ((total.tokens_in + total.tokens_out) * 0.03) / 1000;
    const gpt = await compared.getByRole('row', { name: /gpt-4/ }).innerText();
    assert.ok(gpt.endsWith(`$${Number(would.toPrecision(2))}`), `${gpt} ends with ${would}`);
    // What the table has, as a file; people by their ids.
    const [download] = await Promise.all([
      demo.page.waitForEvent('download'),
      demo.page.locator('.summary-table').getByRole('button', { name: 'CSV' }).click(),
    ]);
    const csv = readFileSync(await download.path(), 'utf8')
      .replace('\ufeff', '')
      .trim()
      .split('\r\n');
    assert.match(download.suggestedFilename(), /^tierwise-usage-by-person-.*\.csv$/);
    assert.equal(csv.length, 3);
    assert.ok(csv.some((line) => line.startsWith(`${ada},`)) && csv.some((line) => line.startsWith(`${max},`)));
    assert.ok(!csv.join().includes(eve));
    // A period in the address, and what else was chosen stays.
    await demo.page.getByRole('radio', { name: 'Tokens' }).check();
    await demo.page.getByRole('radio', { name: '7 days' }).check();
    await demo.page.waitForURL(/days=7/);
    await agreesInTotal(total);
    assert.equal(await demo.page.getByRole('radio', { name: 'Tokens' }).isChecked(), true);
  });
  const agreesInTotal = async (total) =>
    until('the same totals', async () => (await figures())['Answers'][0] === String(total.answered + total.cached));

  it('opinions and comments arrive; what waits is said, offline too, and goes when the network is back', async () => {
    expected.push(/ERR_INTERNET_DISCONNECTED|Failed to fetch|status of 400/);
    const max = await idOf('max@acme.example');
    await open();
    await demo.signIn('Max');
    await demo.go('chat');
    await demo.ask('an answer to judge');
    await demo.answer().getByRole('button', { name: 'Wrong answer' }).click();
    await demo.answer().getByLabel('What was wrong? (optional)').fill('The "facts"; \u202e are old');
    await demo.answer().getByRole('button', { name: 'Send comment' }).click();
    await demo.answer().getByText('Your comment is noted').waitFor();
    await demo.ask('another to judge');
    await demo.answer().getByRole('button', { name: 'Good answer' }).click();
    const opinions = await until('three rows of feedback', async () => {
      const rows = await stage.sql`select verdict, comment from tierwise.feedback where user_id = ${max} order by at`;
      return rows.length === 3 && rows;
    });
    assert.deepEqual(
      opinions.map(({ verdict, comment }) => [verdict, comment]),
      [
        ['down', null],
        ['down', 'The "facts"; \u202e are old'],
        ['up', null],
      ],
    );
    await demo.go('usage');
    await allSent();
    const before = (await rowsOf(max)).length;
    await demo.context.setOffline(true);
    await demo.go('chat');
    await demo.ask('another to judge');
    await demo.go('usage');
    await demo.page.getByText('1 event waits to be sent: offline. It is kept on this device.').waitFor();
    await demo.page.getByRole('radio', { name: 'Mine' }).check();
    await demo.page.getByText('You are offline. What you do here is counted, and sent when it is back.').waitFor();
    // Signed in all the same, after a reload of the view too.
    assert.match(await demo.page.locator('.account-link').innerText(), /Max/);
    await demo.context.setOffline(false);
    await demo.page.locator('.summary dl.totals').waitFor();
    await allSent();
    await until('the event of the time offline', async () => (await rowsOf(max)).length === before + 1);
  });

  it('rows of one person are not sent as another; they wait for their own', async () => {
    expected.push(/ERR_INTERNET_DISCONNECTED|Failed to fetch/);
    const [ada, eve] = await Promise.all(['ada@acme.example', 'eve@umbrella.example'].map(idOf));
    await open();
    await demo.signIn('Eve');
    await demo.go('chat');
    await demo.ask('only of Eve');
    await demo.go('usage');
    await allSent();
    const [ofEve, ofAda] = [(await rowsOf(eve)).length, (await rowsOf(ada)).length];
    await demo.context.setOffline(true);
    await demo.go('chat');
    await demo.ask('only of Eve');
    await demo.signOut();
    await demo.go('chat');
    // The conversation stays.
    assert.match(await demo.page.getByRole('main').innerText(), /only of Eve/);
    await demo.context.setOffline(false);
    await demo.signIn('Ada');
    await demo.go('usage');
    await allSent();
    await demo.page.waitForTimeout(3000);
    assert.equal((await rowsOf(ada)).length, ofAda);
    await demo.go('cache');
    await demo.page.locator('.empty, .data-table').first().waitFor();
    assert.doesNotMatch(await demo.page.getByRole('main').innerText(), /only of Eve/);
    await demo.signIn('Eve');
    await demo.go('usage');
    await allSent();
    assert.equal((await rowsOf(eve)).length, ofEve + 1);
    await demo.go('cache');
    await demo.page.getByText('only of Eve').first().waitFor();
  });

  /** Signs in as another in the blink of an eye, as another tab does it. */
  async function become(email, company) {
    const session = await grantOf(email);
    const kept = {
      url: stage.backend.url,
      access: session.access_token,
      refresh: session.refresh_token,
      expiresAt: Date.now() + 3_600_000,
      user: { id: session.user.id, email, name: session.user.user_metadata.name },
      company,
    };
    await demo.page.evaluate((value) => {
      localStorage.setItem('tierwise-session', JSON.stringify(value));
      window.dispatchEvent(new window.StorageEvent('storage', { key: 'tierwise-session' }));
    }, kept);
  }

  it('settings saved while another signs in: the client is theirs', async () => {
    const [ada, eve] = await Promise.all(['ada@acme.example', 'eve@umbrella.example'].map(idOf));
    const [{ umbrella }] = await stage.sql`select id as umbrella from tierwise.companies where name = 'Umbrella'`;
    await open();
    await demo.signIn('Ada');
    // Held until released, so that the old client is still sending when it is to be replaced.
    let release;
    const released = new Promise((resolve) => (release = resolve));
    let held = 0;
    await demo.context.route('**/functions/v1/usage', async (route) => {
      held++;
      await released;
      await route.continue();
    });
    await demo.go('chat');
    await demo.ask('asked by Ada before');
    await demo.go('settings');
    await demo.page.getByText('Your administrator has set').waitFor();
    const [ofEve, ofAda] = [(await rowsOf(eve)).length, (await rowsOf(ada)).length];
    await demo.page.getByRole('switch', { name: 'Send requests through the gateway' }).check();
    await demo.page.getByRole('button', { name: 'Save', exact: true }).click();
    await until('usage on its way', () => held > 0);
    await become('eve@umbrella.example', { id: umbrella, name: 'Umbrella', role: 'member' });
    await demo.page.getByText('Nothing was saved: The client was replaced meanwhile.').waitFor();
    release();
    assert.match(await demo.page.locator('.account-link').innerText(), /Eve/);
    await demo.go('chat');
    await demo.ask('asked by Eve after');
    await demo.go('usage');
    await allSent();
    await until('rows of Eve', async () => (await rowsOf(eve)).length > ofEve);
    const late = (await rowsOf(ada)).length - ofAda;
    assert.ok(late <= 2, `of Ada only what she asked, not ${late} rows`);
    assert.equal(stage.spaces.base.calls.at(-1).origin, stage.site.origin, 'not through the gateway');
  });

  it('what one person changed is not taken back under the name of the next', async () => {
    const [{ acme, umbrella }] = await stage.sql`select
      (select id from tierwise.companies where name = 'Acme') as acme,
      (select id from tierwise.companies where name = 'Umbrella') as umbrella`;
    const eve = await idOf('eve@umbrella.example');
    const flags = async (company) => [
      ...(await stage.sql`select name, enabled, visible from tierwise.flags where company_id = ${company}`),
    ];
    const [ofAcme, ofUmbrella] = [await flags(acme), await flags(umbrella)];
    await stage.sql`update tierwise.members set role = 'admin' where user_id = ${eve}`;
    try {
      await open();
      await demo.signIn('Ada');
      await demo.go('admin?part=flags');
      await demo.page.getByRole('switch', { name: 'OpenAI-compatible provider: visible' }).click();
      const undo = demo.page.locator('.toast', { hasText: 'OpenAI-compatible provider' }).getByRole('button');
      await undo.hover();
      const changed = await flags(acme);
      assert.equal(changed.length, ofAcme.length + 1);
      const writes = [];
      demo.page.on('request', (request) => {
        if (['PUT', 'DELETE'].includes(request.method())) writes.push(request.url());
      });
      await become('eve@umbrella.example', { id: umbrella, name: 'Umbrella', role: 'admin' });
      await demo.page.locator('.account-link', { hasText: 'Eve' }).waitFor();
      await undo.click();
      await demo.page.getByText('It was not taken back: You signed out meanwhile').waitFor();
      assert.deepEqual(writes, []);
      assert.deepEqual([await flags(acme), await flags(umbrella)], [changed, ofUmbrella]);
    } finally {
      await stage.sql`update tierwise.members set role = 'member' where user_id = ${eve}`;
      await stage.sql`delete from tierwise.flags where company_id = ${acme} and name = 'useOpenAI'`;
    }
  });

  it('what an administrator set counts, live, and is not edited here; the gateway calls in the page’s place', async () => {
    const ada = await idOf('ada@acme.example');
    const [{ acme }] = await stage.sql`select id as acme from tierwise.companies where name = 'Acme'`;
    await stage.sql`insert into tierwise.settings (company_id, key, value) values (${acme}, 'defaultTier', '"company"')`;
    await open();
    await demo.go('settings');
    await demo.page.getByText('You are signed out: the settings below count.').waitFor();
    assert.equal(await demo.page.getByLabel('Default tier').inputValue(), 'base');
    await demo.signIn('Ada');
    await demo.go('settings');
    await demo.page.getByText('Your administrator has set 2 Spaces, the default tier, and 9 flags.').waitFor();
    await demo.page.getByText('From the backend, confirmed just now.').waitFor();
    const tier = demo.page.getByLabel('Default tier');
    assert.deepEqual([await tier.inputValue(), await tier.isDisabled()], ['company', true]);
    assert.equal(await demo.page.locator('[data-field="spaces.base.url"]').count(), 0);
    assert.equal(await demo.page.getByRole('switch', { name: 'Mock' }).isDisabled(), true);
    await demo.go('chat');
    await demo.ask('who answers by default');
    assert.equal(stage.spaces.company.calls.at(-1).prompt, 'who answers by default');
    assert.equal(stage.spaces.company.calls.at(-1).origin, stage.site.origin);
    // Taken back: applied with the next look.
    await stage.sql`delete from tierwise.settings where company_id = ${acme} and key = 'defaultTier'`;
    await demo.go('settings');
    await demo.page.getByRole('button', { name: 'Look again' }).click();
    await until('the default tier of all', async () => (await tier.inputValue()) === 'base');
    await demo.page.getByRole('switch', { name: 'Send requests through the gateway' }).check();
    await demo.page.getByRole('button', { name: 'Save', exact: true }).click();
    await demo.page.getByText('Saved and in force.').waitFor();
    await demo.page.reload();
    await demo.go('chat');
    const before = (await rowsOf(ada)).length;
    await demo.ask('through the gateway');
    const call = stage.spaces.base.calls.at(-1);
    assert.deepEqual([call.prompt, call.origin, call.authorization], ['through the gateway', undefined, undefined]);
    await until('its rows', async () => (await rowsOf(ada)).length > before);
    // Signed out, the page's own settings count, and the page calls by itself.
    await demo.signOut();
    await demo.go('chat');
    await demo.ask('by itself');
    assert.equal(stage.spaces.base.calls.at(-1).origin, stage.site.origin);
  });

  it('a session: renewed before it ends, the same in every tab, ended when renewal is refused, not by being offline', async () => {
    expected.push(/status of 400/, /ERR_INTERNET_DISCONNECTED|Failed to fetch/);
    await open();
    await demo.signIn('Max');
    const kept = () => demo.page.evaluate(() => JSON.parse(localStorage.getItem('tierwise-session')));
    const change = (text) =>
      demo.page.evaluate((code) => {
        const session = JSON.parse(localStorage.getItem('tierwise-session'));
        Object.assign(session, code);
        localStorage.setItem('tierwise-session', JSON.stringify(session));
      }, text);
    const other = await demo.context.newPage();
    await other.goto(`${stage.site.origin}/#/account`);
    await other.getByText('You are signed in.').waitFor();

    await change({ expiresAt: Date.now() + 30_000, access: 'of yesterday' });
    await demo.page.reload();
    await until('a fresh token', async () => (await kept()).expiresAt > Date.now() + 600_000);
    assert.notEqual((await kept()).access, 'of yesterday');

    // Expired while there is no network: still signed in.
    await seeUsage();
    await change({ expiresAt: Date.now() - 1000 });
    await demo.context.setOffline(true);
    await demo.page.evaluate(() =>
      window.dispatchEvent(new window.StorageEvent('storage', { key: 'tierwise-session' })),
    );
    await demo.go('chat');
    await demo.go('usage?from=backend');
    await demo.page.getByText('You are offline.').waitFor();
    assert.match(await demo.page.locator('.account-link').innerText(), /Max/);
    await demo.context.setOffline(false);
    await until('a fresh token again', async () => (await kept()).expiresAt > Date.now() + 600_000);

    await change({ expiresAt: Date.now() - 1000, refresh: 'nobody knows it' });
    await demo.page.reload();
    await until('signed out', async () => (await kept()) === null);
    assert.match(await demo.page.locator('.account-link').innerText(), /Sign in/);
    await other.getByText('You are not signed in.').waitFor();
  });

  it('a member of no company, and a backend that is gone: said, and nothing lost', async () => {
    expected.push(/status of 403/, /ERR_CONNECTION_REFUSED|Failed to fetch|status of 503/);
    await open();
    await demo.context.route('**/functions/v1/usage-summary*', (route) =>
      route.fulfill({
        status: 403,
        headers: { 'access-control-allow-origin': '*' },
        contentType: 'application/json',
        body: JSON.stringify({ success: false, error: 'You are not a member of this company.', code: 'not-a-member' }),
      }),
    );
    await demo.signIn('Eve');
    await demo.go('usage?from=backend');
    await demo.page.getByText('You may not see this: You are not a member of this company.').waitFor();
    await demo.context.unroute('**/functions/v1/usage-summary*');
    await demo.context.route('**/functions/v1/usage-summary*', (route) => route.abort('connectionrefused'));
    await demo.page.getByRole('button', { name: 'Refresh' }).click();
    await demo.page.getByText('The backend does not answer.').waitFor();
    await demo.context.unroute('**/functions/v1/usage-summary*');
    await demo.page.getByRole('button', { name: 'Try again' }).click();
    await demo.page.locator('.summary dl.totals').waitFor();
  });

  for (const colorScheme of ['light', 'dark']) {
    for (const [size, viewport] of Object.entries({ wide, narrow })) {
      it(`accessible, ${colorScheme}, ${size}`, async () => {
        await open({ viewport, colorScheme, hash: '#/account' });
        const check = async (state) => {
          await demo.page.evaluate(`if (!window.axe) { ${axe} }`);
          const { violations } = await demo.page.evaluate(() =>
            window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
          );
          assert.deepEqual(
            violations.map(
              ({ id, nodes }) => `${state}: ${id} ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
            ),
            [],
          );
          assert.equal(
            await demo.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth),
            false,
            `${state}: no sideways scrolling`,
          );
        };
        await demo.page.getByRole('button', { name: 'Sign in', exact: true }).click();
        await demo.page.getByText('Enter the password.').waitFor();
        await check('sign-in with problems');
        await demo.signIn('Ada');
        await check('account');
        await demo.go('chat');
        await demo.ask(`for ${colorScheme} ${size}`);
        await demo.answer().getByRole('button', { name: 'Wrong answer' }).click();
        await demo.answer().getByLabel('What was wrong? (optional)').waitFor();
        await check('a comment');
        await demo.go('settings');
        await demo.page.getByText('Your administrator has set').waitFor();
        await check('settings');
        await demo.go('usage');
        await demo.page.locator('.waiting-line').waitFor();
        await check('usage of this page');
        await seeUsage();
        await demo.page.locator('.chart svg').first().waitFor();
        await check('usage of the company');
        const tables = demo.page.getByRole('button', { name: 'Show table' });
        while ((await tables.count()) > 0) await tables.first().click();
        await check('usage as tables');
      });
    }
  }
});
