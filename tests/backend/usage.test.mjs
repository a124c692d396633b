/**
 * Usage in the database: each event once, with an owner, time and cost that the page has no say in; totals that agree with
 * the rows; summaries that do not read them. And what a caller with bad intentions gets.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { addPeople, companyA, companyB, kinds, newDatabase, startServer, supabaseDefaults, users } from './servers.mjs';
import { event, llama } from './usage-event.mjs';

const kDay = 86_400_000;

for (const kind of kinds) {
  describe(kind.name, () => {
    let running;
    let database;
    let admin;
    before(async () => {
      running = await startServer(kind);
      database = await newDatabase(running.server, { before: supabaseDefaults });
      admin = database.admin;
      await addPeople(admin);
    });
    after(async () => {
      await database?.close();
      await running?.stop();
    });

    const record = (user, events, { sentAt = Date.now(), company } = {}) =>
      database.as(
        user,
        (tx) => tx`
        select * from tierwise.record_usage(${tx.json(events)}, ${sentAt === undefined ? null : new Date(sentAt)}, ${company ?? null})`,
      );
    const stored = async (id) => (await admin`select * from public.llm_observations where event_id = ${id}`)[0];
    const totalsAgree = async () => {
      const [{ differing }] = await admin`
        with rows as (
          select company_id, user_id, (at at time zone 'utc')::date as day, coalesce(tier, '') as tier,
            coalesce(provider, '') as provider, coalesce(model, '') as model, coalesce(source, '') as source,
            sum(case kind when 'totals' then coalesce((counts->>'complete')::bigint, 0) when 'complete' then 1 else 0 end) as completes,
            sum(case kind when 'totals' then coalesce((counts->>'hit')::bigint, 0) when 'hit' then 1 else 0 end) as hits,
            sum(case kind when 'totals' then coalesce((counts->>'start')::bigint, 0) when 'start' then 1 else 0 end) as starts,
            sum(case when kind in ('hit', 'start') or source = 'cache' then 0 else coalesce(input_tokens, 0) end) as input_tokens,
            sum(coalesce(cost, 0)) as cost, sum(coalesce(saved, 0)) as saved
          from public.llm_observations group by 1, 2, 3, 4, 5, 6, 7
        ), by_user as (
          select company_id, user_id, day, tier, provider, model, source, completes, hits, starts, input_tokens, cost, saved
          from tierwise.usage_by_user
        ), daily as (
          select company_id, day, tier, provider, model, source, sum(completes) as completes, sum(hits) as hits,
            sum(starts) as starts, sum(input_tokens) as input_tokens, sum(cost) as cost, sum(saved) as saved
          from tierwise.usage_daily group by 1, 2, 3, 4, 5, 6
        ), rows_daily as (
          select company_id, day, tier, provider, model, source, sum(completes) as completes, sum(hits) as hits,
            sum(starts) as starts, sum(input_tokens) as input_tokens, sum(cost) as cost, sum(saved) as saved
          from rows group by 1, 2, 3, 4, 5, 6
        )
        select (select count(*) from ((table rows except table by_user) union all (table by_user except table rows)) x)
          + (select count(*) from ((table rows_daily except table daily) union all (table daily except table rows_daily)) y) as differing`;
      assert.equal(Number(differing), 0, 'totals differ from rows');
    };

    test('one verdict for each event, in order', async () => {
      const taken = event();
      await record(users.stranger, [taken]);
      const good = event();
      const again = event();
      await record(users.member, [again]);
      const cases = [
        [good, 'stored'],
        [{ ...good, inputTokens: 7 }, 'duplicate'],
        [again, 'duplicate'],
        [{ ...again, at: 5 }, 'duplicate'],
        [taken, 'refused', 'event-id-taken'],
        ['text', 'refused', 'invalid-field'],
        [null, 'refused', 'invalid-field'],
        [event({ eventId: '1' }), 'refused', 'invalid-field', 'eventId'],
        [event({ kind: 'refund' }), 'refused', 'invalid-field', 'kind'],
        [event({ kind: 7 }), 'refused', 'invalid-field', 'kind'],
        [event({ at: undefined }), 'refused', 'invalid-field', 'at'],
        [event({ at: '2026-01-01' }), 'refused', 'invalid-field', 'at'],
        [event({ at: -1 }), 'refused', 'invalid-field', 'at'],
        [event({ at: 1e300 }), 'refused', 'invalid-field', 'at'],
        [event({ tier: 'root' }), 'refused', 'invalid-field', 'tier'],
        [event({ provider: 'x' }), 'refused', 'invalid-field', 'provider'],
        [event({ source: {} }), 'refused', 'invalid-field', 'source'],
        [event({ model: 'm'.repeat(201) }), 'refused', 'invalid-field', 'model'],
        [event({ model: ['a'] }), 'refused', 'invalid-field', 'model'],
        [event({ inputTokens: -5 }), 'refused', 'invalid-field', 'inputTokens'],
        [event({ outputTokens: 1e11 }), 'refused', 'invalid-field', 'outputTokens'],
        [event({ inputTokens: '12' }), 'refused', 'invalid-field', 'inputTokens'],
        [event({ cost: 1e7 }), 'refused', 'invalid-field', 'cost'],
        [event({ totalMs: true }), 'refused', 'invalid-field', 'totalMs'],
        [event({ tokensEstimated: 'yes' }), 'refused', 'invalid-field', 'tokensEstimated'],
        [event({ kind: 'totals' }), 'refused', 'invalid-field', 'counts'],
        [event({ kind: 'totals', counts: { complete: -1 } }), 'refused', 'invalid-field', 'counts'],
        [event({ kind: 'totals', counts: { complete: 'x' } }), 'refused', 'invalid-field', 'counts'],
        [event({ contextLabel: 'x'.repeat(300_000) }), 'refused', 'invalid-field', 'larger than 256 KiB'],
        [event({ at: Date.now() - 91 * kDay }), 'refused', 'too-old'],
        [event({ at: Date.now() + 11 * 60_000 }), 'refused', 'in-the-future'],
        [event({ at: Date.now() - 89 * kDay }), 'stored'],
        [event({ at: Date.now() + 9 * 60_000 }), 'stored'],
        [event({ kind: 'start', tier: null, model: null, inputTokens: null, aFieldOfTheFuture: { x: 1 } }), 'stored'],
        [event({ kind: 'start' }), 'stored'],
        [event({ kind: 'totals', counts: { complete: 2, hit: 1 } }), 'stored'],
      ];
      const verdicts = await record(
        users.member,
        cases.map(([given]) => given),
      );
      assert.equal(verdicts.length, cases.length);
      for (const [index, [given, verdict, code, text]] of cases.entries()) {
        const got = verdicts[index];
        const what = JSON.stringify(given).slice(0, 200);
        assert.equal(got.verdict, verdict, `${what}: ${String(got.message)}`);
        assert.equal(got.code, code ?? null, what);
        if (text !== undefined) assert.ok(got.message.startsWith(text), `${what}: ${got.message}`);
        if (verdict !== 'refused') assert.equal(got.event_id, given.eventId);
      }
      assert.equal(Number((await stored(good.eventId)).input_tokens), 1000);
      await totalsAgree();
    });

    test('what cannot be tried again is a verdict, what can is an error', async () => {
      const cases = [
        [() => record(undefined, [event()]), '42501'],
        [() => record(users.nobody, [event()]), '42501'],
        [() => record(users.member, [event()], { company: companyB }), '42501'],
        [() => record(users.member, [event()], { company: randomUUID() }), '42501'],
        [() => record(users.member, event()), '22023'],
        [
          () =>
            record(
              users.member,
              Array.from({ length: 501 }, () => event()),
            ),
          '54000',
        ],
        [() => record(users.member, [event({ prompt: 'x'.repeat(10 * 1024 * 1024) })]), '54000'],
        [() => record(users.member, [event()], { sentAt: 1.05e13 }), '22023'],
      ];
      for (const [attempt, code] of cases) await assert.rejects(attempt(), { code });
    });

    test("owner, time and cost are the database's", async () => {
      const claims = event({
        user: users.admin,
        company: companyB,
        cost: 0,
        saved: 1e5,
        userId: users.admin,
        received_at: 1,
      });
      await record(users.member, [claims]);
      const row = await stored(claims.eventId);
      assert.equal(row.user_id, users.member);
      assert.equal(row.company_id, companyA);
      assert.equal(row.page_user, users.admin);
      assert.equal(Number(row.cost), 0.00015);
      assert.equal(row.saved, null);
      assert.equal(Number(row.claimed_cost), 0);
      assert.equal(Number(row.claimed_saved), 1e5);
    });

    test('a clock that is off is corrected, one within five seconds is not', async () => {
      for (const off of [0, 3000, -4000, 6000, -7 * kDay, 400 * kDay, -20_000 * kDay]) {
        const now = Date.now();
        const happened = event({ at: now + off - 60_000 });
        const [{ verdict, message }] = await record(users.member, [happened], { sentAt: now + off });
        assert.equal(verdict, 'stored', `${String(off)}: ${String(message)}`);
        const drift = (await stored(happened.eventId)).at.getTime() - (now - 60_000);
        const wanted = Math.abs(off) < 5000 ? off : 0;
        assert.ok(Math.abs(drift - wanted) < 1500, `${String(off)}: off by ${String(drift)}`);
      }
    });

    test('SQL in every field is text', async () => {
      const sql = `'); drop table public.llm_observations; --\\'"$$; select pg_sleep(9)`;
      const texts = [
        'interactionId',
        'replyId',
        'target',
        'model',
        'errorClass',
        'user',
        'company',
        'contextLabel',
        'experimentArm',
        'appVersion',
      ];
      const given = event(Object.fromEntries(texts.map((name) => [name, sql])));
      const [{ verdict }] = await record(users.member, [given]);
      assert.equal(verdict, 'stored');
      const row = await stored(given.eventId);
      for (const column of [
        'interaction_id',
        'reply_id',
        'target',
        'model',
        'error_class',
        'page_user',
        'page_company',
        'context_label',
        'experiment_arm',
        'app_version',
      ])
        assert.equal(row[column], sql, column);
      for (const name of ['eventId', 'kind', 'tier', 'provider', 'source', 'status']) {
        const [refused] = await record(users.member, [event({ [name]: sql })]);
        assert.equal(refused.verdict, 'refused', name);
      }
      for (const [query, values] of [
        ['select * from tierwise.take($1)', [sql]],
        ['select * from tierwise.recent_health($1)', [[sql]]],
      ])
        await database.as(users.member, (tx) => tx.unsafe(query, values));
      await assert.rejects(
        database.as(users.member, (tx) => tx`select * from tierwise.usage_summary(current_date, current_date, ${sql})`),
        { code: '22023' },
      );
    });

    test('texts are stored only where the company keeps them', async () => {
      for (const keeps of [false, true]) {
        await admin`update tierwise.companies set keeps_text = ${keeps} where id = ${companyA}`;
        const given = event({ prompt: 'secret question', answer: 'secret answer' });
        await record(users.member, [given]);
        const { prompt, answer } = await stored(given.eventId);
        assert.deepEqual([prompt, answer], keeps ? ['secret question', 'secret answer'] : [null, null]);
      }
      await admin`update tierwise.companies set keeps_text = false where id = ${companyA}`;
    });

    test('prices: by time, company, longest name; unknown is null and not free', async () => {
      await admin`insert into tierwise.prices (company_id, provider, model, input_per_1k, output_per_1k, per_second, valid_from, valid_until) values
        (null, 'openai', 'p-*', 1, 1, null, '-infinity', null), (null, 'openai', 'p-long*', 2, 2, null, '-infinity', null),
        (null, 'openai', 'p-long-exact', 3, 3, null, '-infinity', now() - interval '10 days'),
        (null, 'openai', 'p-long-exact', 4, 4, null, now() - interval '10 days', null),
        (${companyB}, 'openai', 'p-long-exact', 5, 5, null, '-infinity', null),
        (null, 'space', 'by-time', null, null, 0.5, '-infinity', null),
        (null, 'openai', 'ended', 9, 9, null, '-infinity', now() - interval '1 day')`;
      const of = (model, more = {}) =>
        event({ provider: 'openai', source: 'openai', model, inputTokens: 1000, outputTokens: 0, ...more });
      const cases = [
        [of('p-x'), 1],
        [of('p-long-x'), 2],
        [of('p-long-exact'), 4],
        [of('p-long-exact', { at: Date.now() - 20 * kDay }), 3],
        [of('ended'), null],
        [of('never-heard-of'), null],
        [of('p-x', { provider: 'space' }), null],
        [of('p-x', { inputTokens: undefined }), null],
        [of(undefined), null],
        [event({ provider: 'space', model: 'by-time', totalMs: 4000, inputTokens: undefined }), 2],
        [event({ provider: 'mock', source: 'mock', model: 'anything' }), 0],
        [of('p-x', { kind: 'start' }), null],
        [of('p-x', { kind: 'cancel', inputTokens: 500 }), 0.5],
        [of('p-x', { kind: 'error', inputTokens: undefined, outputTokens: undefined }), null],
        [of('p-x', { kind: 'hit', source: 'cache' }), 0, 1],
        [
          event({
            kind: 'totals',
            source: 'openai',
            provider: undefined,
            model: 'p-x',
            counts: { complete: 3 },
            inputTokens: 3000,
            outputTokens: 0,
          }),
          3,
        ],
      ];
      await record(
        users.member,
        cases.map(([given]) => given),
      );
      for (const [given, cost, saved = null] of cases) {
        const row = await stored(given.eventId);
        const number = (value) => (value === null ? null : Number(value));
        assert.deepEqual([number(row.cost), number(row.saved)], [cost, saved], JSON.stringify(given));
      }
      const theirs = of('p-long-exact');
      await record(users.stranger, [theirs]);
      assert.equal(Number((await stored(theirs.eventId)).cost), 5);

      const [{ id }] =
        await admin`select id from public.huggingface_models where model_id = ${llama} and company_id is null`;
      await admin`update public.huggingface_models set price = 0.002 where id = ${id}`;
      const [earlier, later] = [event({ at: Date.now() - kDay }), event({ at: Date.now() + 1000 })];
      await record(users.member, [earlier, later]);
      assert.equal(Number((await stored(earlier.eventId)).cost), 0.00015);
      assert.equal(Number((await stored(later.eventId)).cost), 0.003);
      await totalsAgree();
    });

    test('the same events sent by eight at once are stored once, in any order', async () => {
      const events = Array.from({ length: 120 }, () =>
        event({ at: Date.now() - Math.floor(Math.random() * 5 * kDay) }),
      );
      const shuffled = () =>
        events
          .map((value) => [Math.random(), value])
          .sort(([a], [b]) => a - b)
          .map(([, value]) => value);
      const all = await Promise.all(Array.from({ length: 8 }, () => record(users.colleague, shuffled())));
      const verdicts = all.flat();
      assert.equal(verdicts.filter(({ verdict }) => verdict === 'stored').length, 120);
      assert.equal(verdicts.filter(({ verdict }) => verdict === 'duplicate').length, 7 * 120);
      // Two people with the same ids: one of them has each, and hears nothing of the other.
      const contested = Array.from({ length: 60 }, () => event());
      const [mine, theirs] = await Promise.all([
        record(users.member, contested),
        record(users.stranger, contested.toReversed?.() ?? [...contested].reverse()),
      ]);
      assert.equal([...mine, ...theirs].filter(({ verdict }) => verdict === 'stored').length, 60);
      assert.equal([...mine, ...theirs].filter(({ code }) => code === 'event-id-taken').length, 60);
      await totalsAgree();
    });

    test('feedback: the same verdicts', async () => {
      const given = (more = {}) => ({ eventId: randomUUID(), replyId: 'r', verdict: 'up', at: Date.now(), ...more });
      const send = (user, feedback) =>
        database.as(user, (tx) => tx`select * from tierwise.record_feedback(${tx.json(feedback)}, ${new Date()})`);
      const [mine, theirs] = [given(), given()];
      await send(users.stranger, [theirs]);
      const cases = [
        [mine, 'stored'],
        [{ ...mine, verdict: 'down' }, 'duplicate'],
        [theirs, 'refused', 'event-id-taken'],
        [given({ verdict: 'meh' }), 'refused', 'invalid-field'],
        [given({ replyId: undefined }), 'refused', 'invalid-field'],
        [given({ comment: 'x'.repeat(4001) }), 'refused', 'invalid-field'],
        [given({ comment: 'ok', interactionId: 'i' }), 'stored'],
        [given({ at: 'x' }), 'refused', 'invalid-field'],
        [given({ at: 7 }), 'refused', 'too-old'],
        [5, 'refused', 'invalid-field'],
      ];
      for (let round = 0; round < 2; round += 1) {
        const verdicts = await send(
          users.member,
          cases.map(([one]) => one),
        );
        assert.deepEqual(
          verdicts.map(({ verdict, code }) => [verdict, code ?? undefined]),
          cases.map(([, verdict, code]) => [verdict === 'stored' && round === 1 ? 'duplicate' : verdict, code]),
        );
      }
      assert.equal(
        (await admin`select verdict from tierwise.feedback where event_id = ${mine.eventId}`)[0].verdict,
        'up',
      );
      await assert.rejects(send(undefined, [given()]), { code: '42501' });
    });

    test('keys can be put and replaced, and read by the service alone', async () => {
      const sealed = (byte) => Buffer.concat([Buffer.from([1]), Buffer.alloc(40, byte)]);
      const put = (user, company, byte) =>
        database.as(user, (tx) => tx`select tierwise.put_secret('router', ${sealed(byte)}, 'k1', 'abcd', ${company})`);
      await put(users.admin, companyA, 1);
      await put(users.admin, companyA, 2);
      for (const [user, company] of [
        [users.member, companyA],
        [users.stranger, companyA],
        [users.admin, companyB],
        [users.nobody, companyA],
      ])
        await assert.rejects(put(user, company, 3), { code: '42501' });
      for (const query of [
        'select sealed from tierwise.secrets',
        'select * from tierwise.secrets',
        `insert into tierwise.secrets (company_id, target, sealed, key_id) values ('${companyA}', 'x', '\\x01${'00'.repeat(40)}', 'k')`,
        'select s from tierwise.secrets s',
        'select count(sealed) from tierwise.secrets',
        `update tierwise.secrets set hint = left(encode(sealed, 'hex'), 4)`,
        `delete from tierwise.secrets returning sealed`,
        `select 1 from tierwise.secrets where sealed > '\\x01'`,
      ])
        await assert.rejects(
          database.as(users.admin, (tx) => tx.unsafe(query)),
          { code: '42501' },
          query,
        );
      assert.deepEqual(
        [...(await database.as(users.admin, (tx) => tx`select target, hint from tierwise.secrets`))],
        [{ target: 'router', hint: 'abcd' }],
      );
      const [{ sealed: found }] = await database.as(undefined, (tx) => tx`select sealed from tierwise.secrets`, {
        role: 'service_role',
      });
      assert.deepEqual(found, sealed(2));
      const trail = await database.as(
        users.admin,
        (tx) => tx`select * from tierwise.audit where table_name = 'tierwise.secrets'`,
      );
      assert.equal(trail.length, 2);
      assert.doesNotMatch(JSON.stringify(trail), /sealed|(?:02){8}/);
    });

    test('administrators write what is valid, and it is on the trail', async () => {
      const cases = [
        [`insert into tierwise.settings (company_id, key, value) values ($1, 'defaultTier', '"root"')`, '23514'],
        [`insert into tierwise.settings (company_id, key, value) values ($1, 'anything', '{}')`, '23514'],
        [`insert into tierwise.flags (company_id, name, enabled) values ($1, 'a b', true)`, '23514'],
        [
          `insert into tierwise.prices (company_id, provider, model, input_per_1k) values ($1, 'openai', 'x', -1)`,
          '23514',
        ],
        [
          `insert into public.hf_spaces_config (company_id, space_name, space_type, api_endpoint, space_url) values ($1, 'n', 'base', '/', 'http://169.254.169.254/')`,
          '23514',
        ],
        [
          `insert into public.hf_spaces_config (company_id, space_name, space_type, api_endpoint, space_url) values ($1, 'n', 'base', '/', 'https://user:pw@host/')`,
          '23514',
        ],
        [
          `insert into public.hf_spaces_config (company_id, space_name, space_type, api_endpoint, space_url) values ($1, 'n', 'base', '/', E'https://host/\\r\\nX: y')`,
          '23514',
        ],
        [
          `insert into public.hf_spaces_config (company_id, space_name, space_type, api_endpoint, space_url) values ($1, 'n', 'root', '/', 'https://host/')`,
          '23514',
        ],
        [
          `insert into public.huggingface_models (company_id, model_id, task) values ($1, '../../etc', 'text-generation')`,
          '23514',
        ],
        [`insert into tierwise.settings (company_id, key, value) values ($1, 'defaultTier', '"company"')`, undefined],
        [`insert into tierwise.flags (company_id, name, enabled) values ($1, 'useHuggingFaceSpaces', true)`, undefined],
        [
          `insert into public.hf_spaces_config (company_id, space_name, space_type, api_endpoint, space_url, protocol) values ($1, 'ours', 'base', '/v1', 'https://owner-name.hf.space', 'openai')`,
          undefined,
        ],
        [
          `insert into public.huggingface_models (company_id, model_id, task, is_enabled) values ($1, 'runwayml/stable-diffusion-v1-5', 'text-to-image', false)`,
          undefined,
        ],
      ];
      const [{ count: trail }] = await admin`select count(*)::int from tierwise.audit where company_id = ${companyA}`;
      const config = (user) =>
        database.as(user, async (tx) => (await tx`select tierwise.effective_config() as it`)[0].it);
      const before = await config(users.member);
      assert.equal((await config(users.member)).etag, before.etag);
      for (const [query, code] of cases) {
        const write = () => database.as(users.admin, (tx) => tx.unsafe(query, [companyA]));
        if (code === undefined) await write();
        else await assert.rejects(write(), { code }, query);
        for (const user of [users.member, users.stranger, users.nobody])
          await assert.rejects(
            database.as(user, (tx) => tx.unsafe(query, [companyA])),
            (error) => ['42501', '23514'].includes(error.code) && (code !== undefined || error.code === '42501'),
            query,
          );
      }
      const rows =
        await admin`select actor, acting_role, action from tierwise.audit where company_id = ${companyA} order by id offset ${trail}`;
      assert.equal(rows.length, 4);
      for (const row of rows)
        assert.deepEqual({ ...row }, { actor: users.admin, acting_role: 'authenticated', action: 'insert' });

      const after = await config(users.member);
      assert.notEqual(after.etag, before.etag);
      assert.equal(after.settings.defaultTier, 'company');
      assert.deepEqual(after.flags.useHuggingFaceSpaces, { enabled: true, visible: true });
      assert.deepEqual(
        [after.spaces.base.url, after.spaces.base.endpoint, after.spaces.base.protocol],
        ['https://owner-name.hf.space', '/v1', 'openai'],
      );
      assert.equal(
        after.models.some(({ id }) => id === 'runwayml/stable-diffusion-v1-5'),
        false,
      );
      assert.doesNotMatch(JSON.stringify(after), /sealed|secret/);
      const other = await config(users.stranger);
      assert.equal(other.settings.defaultTier, 'base');
      assert.equal(other.models.length, 5);
      assert.deepEqual(other.spaces, {});
      await assert.rejects(
        database.as(users.member, (tx) => tx`select tierwise.effective_config(${companyB})`),
        { code: '42501' },
      );
    });

    test('limits: by user and by company, both or neither, refilled by time', async () => {
      await admin`insert into tierwise.rate_limits (company_id, name, counted_by, per_minute, burst) values
        (${companyA}, 'test', 'user', 60, 5), (${companyA}, 'test', 'company', 60, 7)`;
      const take = (user, amount) =>
        database.as(user, async (tx) => ({ ...(await tx`select * from tierwise.take('test', ${amount})`)[0] }));
      assert.equal((await take(users.member, 5)).allowed, true);
      const refused = await take(users.member, 1);
      assert.equal(refused.allowed, false);
      assert.ok(refused.retry_after_ms > 0 && refused.retry_after_ms <= 1000, String(refused.retry_after_ms));
      assert.equal((await take(users.colleague, 5)).allowed, false, 'the company has two left');
      assert.equal((await take(users.colleague, 2)).allowed, true, 'what was refused took nothing');
      const wanted = await Promise.all(Array.from({ length: 12 }, () => take(users.admin, 1)));
      assert.ok(wanted.filter(({ allowed }) => allowed).length <= 1, 'at once');
      await admin`update tierwise.rate_buckets set filled_at = filled_at - interval '1 hour' where name = 'test'`;
      assert.equal((await take(users.member, 5)).allowed, true);
      assert.equal((await take(users.stranger, 1000)).allowed, true, 'no limit of that name');
      await admin`update tierwise.rate_buckets set filled_at = filled_at - interval '1 hour' where name = 'test'`;
      assert.equal((await take(users.member, 65)).allowed, true, 'more than a full bucket');
      const later = await take(users.member, 5);
      assert.equal(later.allowed, false);
      assert.ok(later.retry_after_ms > 60_000 && later.retry_after_ms <= 65_000, String(later.retry_after_ms));
      await assert.rejects(take(users.member, -1), { code: '22023' });
      await assert.rejects(take(users.nobody, 1), { code: '42501' });
    });

    test('summaries: admins their company, members themselves, nobody another', async () => {
      const summary = (user, split, company) =>
        database.as(
          user,
          (tx) =>
            tx`select * from tierwise.usage_summary(current_date - 100, current_date + 1, ${split}, ${company ?? null})`,
        );
      const rows = async (where) =>
        (
          await admin.unsafe(`select coalesce(sum(cost), 0) as cost, count(*) filter (where kind = 'complete') as completes,
        percentile_disc(0.5) within group (order by total_ms) filter (where kind = 'complete') as p50 from public.llm_observations where ${where}`)
        )[0];
      const sums = {
        [users.admin]: await rows(`company_id = '${companyA}'`),
        [users.member]: await rows(`user_id = '${users.member}'`),
        [users.stranger]: await rows(`company_id = '${companyB}'`),
      };
      for (const [user, expected] of Object.entries(sums)) {
        for (const split of ['total', 'day', 'model', 'tier', 'provider', 'source', 'user']) {
          const parts = await summary(user, split);
          const cost = parts.reduce((sum, part) => sum + Number(part.cost), 0);
          assert.ok(Math.abs(cost - Number(expected.cost)) < 1e-9, `${user} ${split}: ${String(cost)}`);
          // Events folded into totals count too.
          const completes = parts.reduce((sum, part) => sum + Number(part.completes), 0);
          assert.ok(completes >= Number(expected.completes), split);
        }
        const [total] = await summary(user, 'total');
        assert.ok(
          Math.abs(total.total_p50_ms / expected.p50 - 1) < 0.05,
          `${String(total.total_p50_ms)} ${String(expected.p50)}`,
        );
      }
      assert.deepEqual(
        (await summary(users.member, 'user')).map(({ part }) => part),
        [users.member],
      );
      assert.ok((await summary(users.admin, 'user')).length >= 2);
      await assert.rejects(summary(users.member, 'total', companyB), { code: '42501' });
      await assert.rejects(summary(undefined, 'total'), { code: '42501' });

      const compared = await database.as(
        users.admin,
        (tx) => tx`select * from tierwise.cost_comparison(current_date - 100, current_date + 1)`,
      );
      const gpt4 = compared.find(({ model }) => model === 'gpt-4');
      const gemini = compared.find(({ model }) => model === 'gemini-flash');
      assert.ok(Math.abs(Number(gpt4.would_cost) / Number(gemini.would_cost) - 30) < 1e-9);
      const [health] = await database.as(users.member, (tx) => tx`select * from tierwise.recent_health(${['router']})`);
      assert.ok(Number(health.calls) > 0 && health.p50_ms > 0 && health.last_success instanceof Date);
    });

    test('a person can be erased, old rows go, totals stay', async () => {
      const forget = (user, person, company) =>
        database.as(user, (tx) => tx`select * from tierwise.forget_user(${person}, ${company ?? null})`);
      await assert.rejects(forget(users.member, users.colleague), { code: '42501' });
      await assert.rejects(forget(users.stranger, users.colleague, companyA), { code: '42501' });
      await forget(users.admin, users.colleague);
      assert.equal(
        (await admin`select count(*)::int as n from public.llm_observations where user_id = ${users.colleague}`)[0].n,
        0,
      );
      await forget(users.member, users.member);
      assert.equal(
        (await admin`select count(*)::int as n from tierwise.usage_by_user where user_id = ${users.member}`)[0].n,
        0,
      );

      await admin`update tierwise.companies set retention_days = 30 where id = ${companyB}`;
      const old = Array.from({ length: 30 }, () => event({ at: Date.now() - 40 * kDay }));
      await record(users.stranger, [...old, event()]);
      const [{ sum: before }] =
        await admin`select sum(completes) from tierwise.usage_daily where company_id = ${companyB}`;
      const run = () =>
        database.as(undefined, (tx) => tx`select * from tierwise.apply_retention(20)`, { role: 'service_role' });
      assert.deepEqual(
        (await run()).map(({ deleted }) => Number(deleted)),
        [20],
      );
      await run();
      assert.deepEqual([...(await run())], []);
      assert.equal(
        (
          await admin`select count(*)::int as n from public.llm_observations where company_id = ${companyB} and at < now() - interval '30 days'`
        )[0].n,
        0,
      );
      assert.equal(
        (await admin`select sum(completes) from tierwise.usage_daily where company_id = ${companyB}`)[0].sum,
        before,
      );
      await assert.rejects(
        database.as(users.admin, (tx) => tx`select * from tierwise.apply_retention()`),
        { code: '42501' },
      );
    });

    test('rows are for ever: nobody changes one, not even the service', async () => {
      for (const [user, role] of [
        [users.admin, 'authenticated'],
        [undefined, 'service_role'],
      ]) {
        for (const query of [
          'update public.llm_observations set cost = 0',
          'update tierwise.audit set actor = null',
          'delete from tierwise.audit',
          'truncate public.llm_observations',
        ])
          await assert.rejects(
            database.as(user, (tx) => tx.unsafe(query), { role }),
            { code: '42501' },
            query,
          );
      }
      await assert.rejects(
        database.as(
          users.admin,
          (tx) =>
            tx`insert into public.llm_observations (event_id, company_id, user_id, kind, at) values (${randomUUID()}, ${companyA}, ${users.admin}, 'start', now())`,
        ),
        { code: '42501' },
      );
    });

    test('a temporary table of the same name deceives no function', async () => {
      await database.pool
        .begin(async (tx) => {
          await tx`create temporary table members (company_id uuid, user_id uuid, role text, created_at timestamptz)`;
          await tx`insert into members values (${companyB}, ${users.nobody}, 'admin', now())`;
          await tx`grant select on members to public`;
          await tx`set local search_path = pg_temp, tierwise`;
          await tx`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${JSON.stringify({ sub: users.nobody })}, true)`;
          await tx`select tierwise.resolve_company(${companyB})`;
        })
        .then(
          () => assert.fail('deceived'),
          ({ code }) => assert.equal(code, '42501'),
        );
    });

    test('what dashboards ask is answered from indexes and totals', async () => {
      const many = 30_000;
      await admin.unsafe(`
        insert into public.llm_observations (event_id, company_id, user_id, kind, at, tier, target, provider, model, source, input_tokens, output_tokens, cost, total_ms)
        select gen_random_uuid(), '${companyB}', ('dddddddd-0000-4000-8000-' || lpad((n % 50)::text, 12, '0'))::uuid, 'complete',
          now() - n % 60 * interval '1 day' - interval '2 hours', 'base', 'router', 'router', 'model-' || n % 5, 'router', 10, 10, 0.001, n % 4000
        from generate_series(1, ${String(many)}) n`);
      await admin.unsafe('vacuum (analyze) public.llm_observations; ');
      await admin.unsafe('analyze');
      await totalsAgree0(admin, many);
      const scans = async () => {
        await admin`select pg_stat_force_next_flush()`;
        const [row] =
          await admin`select seq_scan::int as seq, seq_tup_read::int as read from pg_stat_user_tables where relid = 'public.llm_observations'::regclass`;
        return row;
      };
      const asked = [
        [users.stranger, `select * from tierwise.usage_summary(current_date - 30, current_date, 'model')`],
        [users.stranger, `select * from tierwise.usage_summary(current_date - 30, current_date, 'user')`],
        [
          'dddddddd-0000-4000-8000-000000000001',
          `select * from tierwise.usage_summary(current_date - 30, current_date, 'day')`,
        ],
        [users.stranger, `select * from tierwise.recent_health(array['router'])`],
        [users.stranger, `select * from tierwise.cost_comparison(current_date - 30, current_date)`],
        // The table of the usage page: the newest rows.
        [
          users.stranger,
          `select * from public.llm_observations where company_id = '${companyB}' order by at desc limit 100`,
        ],
        [
          'dddddddd-0000-4000-8000-000000000001',
          `select * from public.llm_observations where company_id = '${companyB}' and user_id = auth.uid() order by at desc limit 100`,
        ],
      ];
      await admin`insert into tierwise.members (company_id, user_id) values (${companyB}, 'dddddddd-0000-4000-8000-000000000001')`;
      for (const [user, query] of asked) {
        // On the one connection whose counters are read next.
        const before = await scans();
        await admin.begin(async (tx) => {
          await tx`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${JSON.stringify({ sub: user })}, true)`;
          assert.ok((await tx.unsafe(query)).length > 0, query);
        });
        await new Promise((resolve) => setTimeout(resolve, 20));
        assert.deepEqual(await scans(), before, `reads the whole table: ${query}`);
      }
    });
  });
}

/** What was just put in, and nothing else of those models, is in the totals. */
async function totalsAgree0(admin, many) {
  const [{ sum }] = await admin`select sum(completes) from tierwise.usage_daily where model like 'model-%'`;
  assert.equal(Number(sum), many);
}
