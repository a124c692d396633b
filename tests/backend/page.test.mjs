/**
 * The built package against the real functions and PostgreSQL: what a page records is what the database holds, once, and what
 * an administrator sets is what the page runs on. The page's side of storage (IndexedDB) is in tests/browser/usage.test.mjs.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { reply, start, upstream } from './functions-stage.mjs';
import { companyA, companyB, users } from './servers.mjs';

const at = (file) => fileURLToPath(new URL(`../../dist/${file}`, import.meta.url));
const skip = !existsSync(at('index.js')) && 'the package is not built';

let stage;
let space;
before(async () => {
  space = await upstream({ '/api/generate': reply({ response: 'An answer.' }) });
  stage = await start();
});
after(async () => {
  await stage?.stop();
  await space?.close();
});

async function client(more = {}) {
  const { createClient } = await import(at('index.js'));
  return createClient({
    spaces: { base: { url: space.origin, protocol: 'plain', model: 'meta-llama/Llama-3.2-3B-Instruct' } },
    partition: { tenant: 'acme', user: users.member },
    usage: {
      backend: { url: stage.functions.url, token: () => stage.tokens.es256(users.member), company: companyA },
      appVersion: '9.9.9',
    },
    ...more,
  });
}

test(
  'every event of the page is in the database once, with its user and company, and its feedback',
  { skip },
  async () => {
    const page = await client();
    const seen = [];
    page.on('usage', (event) => seen.push(event));
    try {
      const first = await page.generate('How tall is a giraffe?');
      const again = await page.generate('How tall is a giraffe?');
      assert.equal(again.source, 'cache');
      await page.feedback(first.id, 'down', { comment: "too short'); drop table tierwise.members; --" });
      await page.flush();
      await page.flush();
      const rows = await stage.database
        .admin`select event_id, kind, user_id, company_id, provider, app_version from public.llm_observations where app_version = '9.9.9' order by kind`;
      assert.deepEqual(rows.map(({ event_id }) => event_id).sort(), seen.map(({ eventId }) => eventId).sort());
      assert.deepEqual(
        rows.map(({ kind }) => kind),
        ['complete', 'hit', 'start'],
      );
      for (const row of rows) assert.deepEqual([row.user_id, row.company_id], [users.member, companyA]);
      const [told] = await stage.database.admin`select reply_id, verdict, comment from tierwise.feedback`;
      assert.deepEqual([told.reply_id, told.verdict], [first.id, 'down']);
      assert.match(told.comment, /drop table/);
    } finally {
      await page.close();
    }
  },
);

test('rows that the database refuses leave and are told; the others are stored', { skip }, async () => {
  const warnings = [];
  const seen = [];
  const backend = { url: stage.functions.url, token: () => stage.tokens.es256(users.member), company: companyA };
  const page = await client({
    cache: false,
    usage: {
      backend,
      appVersion: 'refused',
      redact: (event) => (event.kind === 'start' ? { ...event, at: 0 } : event),
    },
  });
  page.on('usage', (event) => seen.push(event));
  page.on('warning', (warning) => warnings.push(warning));
  try {
    for (const prompt of ['One?', 'Two?']) await page.generate(prompt);
    await page.flush();
    const rows = await stage.database.admin`select kind from public.llm_observations where app_version = 'refused'`;
    assert.deepEqual(
      rows.map(({ kind }) => kind),
      ['complete', 'complete'],
    );
    const told = warnings.filter(({ code }) => code === 'usage-refused');
    assert.match(told[0].message, /too-old/);
    assert.deepEqual(
      told.flatMap(({ cause }) => cause.eventIds).sort(),
      seen
        .filter(({ kind }) => kind === 'start')
        .map(({ eventId }) => eventId)
        .sort(),
    );
  } finally {
    await page.close();
  }
});

test('a limit smaller than a batch slows a page down; in the end all of it is stored', { skip }, async () => {
  const { admin } = stage.database;
  await admin`insert into tierwise.rate_limits (company_id, name, counted_by, per_minute, burst) values
    (${companyB}, 'usage', 'user', 300, 2)`;
  const token = () => stage.tokens.es256(users.stranger);
  const page = await client({
    cache: false,
    partition: { tenant: 'b', user: users.stranger },
    usage: { backend: { url: stage.functions.url, token, company: companyB }, appVersion: 'limited' },
  });
  const warnings = [];
  page.on('warning', ({ message }) => warnings.push(message));
  const stored = async () =>
    (await admin`select count(*)::int as n from public.llm_observations where app_version = 'limited'`)[0].n;
  try {
    for (let round = 1; round <= 2; round += 1) {
      for (let i = 0; i < 3; i += 1) await page.generate(`Question ${i} of ${round}?`);
      await page.flush();
    }
    for (let tries = 0; (await stored()) < 12 && tries < 100; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await page.flush();
    }
    assert.equal(await stored(), 12);
    assert.match(warnings.join(), /answered 429/);
  } finally {
    await page.close();
  }
});

test('what an administrator sets is what the page runs on, until it is taken back', { skip }, async () => {
  const { followConfig } = await import(at('follow-config.js'));
  const page = await client({ spaces: {}, cache: false });
  const states = [];
  const set = await stage.call('config/spaces/base', {
    user: 'admin',
    method: 'PUT',
    body: { name: 'Base', url: space.origin, protocol: 'plain' },
  });
  assert.equal(set.status, 200, set.text);
  const flag = await stage.call('config/flags/useHuggingFaceSpaces', {
    user: 'admin',
    method: 'PUT',
    body: { enabled: true, visible: true },
  });
  assert.equal(flag.status, 200, flag.text);
  const following = followConfig(page, {
    url: stage.functions.url,
    token: () => stage.tokens.hs256(users.member),
    company: companyA,
    user: users.member,
    onChange: (state) => states.push(state),
  });
  try {
    const state = await following.refresh();
    assert.equal(state.error, undefined);
    assert.equal(state.source, 'server');
    assert.equal((await page.generate('Hello')).content, 'An answer.');
    // Nothing changed: confirmed by the ETag alone.
    const before = stage.answers.length;
    const confirmed = await following.refresh();
    assert.deepEqual([confirmed.source, confirmed.error, stage.answers.length], ['server', undefined, before]);
  } finally {
    following.stop();
    await page.close();
  }
});
