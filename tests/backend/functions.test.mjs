/**
 * The functions as a page sees them: the real ones under Deno, on the embedded PostgreSQL 17 and on Debian's 15. Requests and answers of the
 * contract in docs/BACKEND.md.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { companysKey, functionPaths, operatorsKey, reply, start, upstream } from './functions-stage.mjs';
import { companyA, companyB, kinds, users } from './servers.mjs';
import { event as recorded, llama } from './usage-event.mjs';

const built = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
/** Of the Space whose last hour `health` tells. */
const event = (fields) => recorded({ target: 'space:base', ...fields });
const day = () => new Date().toISOString().slice(0, 10);

for (const kind of kinds)
  describe(kind.name, () => {
    let stage;
    let space;
    let provider;
    let hub;
    let left;
    const put = (path, body, user = 'admin') => stage.call(`config/${path}`, { user, method: 'PUT', body });
    before(async () => {
      space = await upstream({
        '/config': reply({ version: '6.31.0', dependencies: [] }),
        '/gradio_api/queue/join': (_, response, body) => reply({ event_id: 'e', got: JSON.parse(body) })(_, response),
        '/gradio_api/queue/data': (_, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream', 'set-cookie': 'a=b', 'x-secret': 'x' });
          response.write('data: {"msg":"estimation"}\n\n');
          setTimeout(() => response.end('data: {"msg":"process_completed"}\n\n'), 150);
        },
        '/generate_stream': (request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          const timer = setInterval(() => response.write('data:{"token":{"text":"x"}}\n\n'), 20);
          left = new Promise((resolve) =>
            response.on('close', () => {
              clearInterval(timer);
              resolve(Date.now());
            }),
          );
        },
        '/tokenize': () => {},
      });
      provider = await upstream({
        '/v1/models': reply({ data: [] }),
        '/v1/chat/completions': reply({ error: { message: 'slow down' } }, 429, { 'retry-after': '7' }),
      });
      hub = await upstream({
        '/api/whoami-v2': (request, response) =>
          request.headers.authorization === `Bearer ${operatorsKey}`
            ? reply({ type: 'user', name: 'someone' })(request, response)
            : reply({ error: 'Invalid credentials in Authorization header' }, 401)(request, response),
        '/api/spaces/owner/private/host': (_, response) =>
          reply({ subdomain: 'owner-private', host: space.origin })(_, response),
        '/api/spaces/owner/private/runtime': reply({ stage: 'RUNNING', hardware: {} }),
      });
      stage = await start(
        {
          TIERWISE_SPACE_HOSTS: `*.hf.space,${space.origin}`,
          TIERWISE_ROUTER_URL: provider.origin,
          TIERWISE_OPENAI_URL: provider.origin,
          TIERWISE_HUB_URL: hub.origin,
          HUGGINGFACE_API_KEY: operatorsKey,
        },
        kind,
      );
    });
    after(async () => {
      await stage?.stop();
      for (const server of [space, provider, hub]) await server?.close();
    });

    describe('usage', () => {
      test('gives each event its verdict, in order, and stores it once', async () => {
        const good = event({ cost: 0 });
        const sent = [
          good,
          event({ kind: 'sideways' }),
          good,
          event({ at: Date.now() - 100 * 86_400_000 }),
          'x',
          { eventId: 7 },
        ];
        const { status, value } = await stage.call('usage', { body: { sentAt: Date.now(), events: sent } });
        assert.equal(status, 200);
        assert.ok(Math.abs(value.now - Date.now()) < 5000);
        assert.deepEqual(
          value.verdicts.map(({ verdict, code }) => [verdict, code]),
          [
            ['stored', undefined],
            ['refused', 'invalid-field'],
            ['duplicate', undefined],
            ['refused', 'too-old'],
            ['refused', 'invalid-field'],
            ['refused', 'invalid-field'],
          ],
        );
        assert.equal(value.verdicts[0].eventId, good.eventId);
        const again = await stage.call('usage', { body: { sentAt: Date.now(), events: [good] } });
        assert.equal(again.value.verdicts[0].verdict, 'duplicate');
        const others = await stage.call('usage', { user: 'colleague', body: { events: [good] } });
        assert.deepEqual(
          [others.value.verdicts[0].verdict, others.value.verdicts[0].code],
          ['refused', 'event-id-taken'],
        );
        const [row] = await stage.database
          .admin`select * from public.llm_observations where event_id = ${good.eventId}`;
        assert.deepEqual([row.user_id, row.company_id, Number(row.cost)], [users.member, companyA, 0.00015]);
      });

      test('takes gzip, 500 events at once, and what PostgreSQL cannot hold', async () => {
        const events = Array.from({ length: 500 }, (_, index) =>
          event({ errorClass: `\u0000 \ud800 ${String(index)}` }),
        );
        const body = gzipSync(JSON.stringify({ sentAt: Date.now(), events }));
        const { status, value } = await stage.call('usage', { body, headers: { 'content-encoding': 'gzip' } });
        assert.equal(status, 200);
        assert.equal(value.verdicts.filter(({ verdict }) => verdict === 'stored').length, 500);
        const [row] = await stage.database
          .admin`select error_class from public.llm_observations where event_id = ${events[3].eventId}`;
        assert.equal(row.error_class, '\ufffd \ufffd 3');
      });

      const many = (count) => ({ sentAt: 1, events: Array.from({ length: count }, () => event()) });
      for (const [name, options, status, code] of [
        ['no body', { body: '' }, 400, 'invalid-json'],
        ['a list', { body: '[]' }, 400, 'invalid-json'],
        ['no JSON', { body: '{"events":[' }, 400, 'invalid-json'],
        ['not UTF-8', { body: new Uint8Array([0x7b, 0xff, 0x7d]) }, 400, 'invalid-json'],
        ['no events', { body: { events: [] } }, 400, 'invalid-body'],
        ['a strange time of sending', { body: { sentAt: 'now', events: [event()] } }, 400, 'invalid-sent-at'],
        ['501 events', { body: many(501) }, 413, 'too-large'],
        ['another encoding', { body: 'x', headers: { 'content-encoding': 'br' } }, 415, 'unknown-encoding'],
        ['gzip that is none', { body: 'x', headers: { 'content-encoding': 'gzip' } }, 400, 'invalid-body'],
        ['another method', { method: 'GET' }, 405, 'wrong-method'],
        ['no company of mine', { body: many(1), headers: { 'x-tierwise-company': companyB } }, 403, 'not-a-member'],
        ['no company', { body: many(1), headers: { 'x-tierwise-company': 'mine' } }, 400, 'invalid-company'],
        ['nobody of any company', { user: 'nobody', body: many(1) }, 403, 'not-a-member'],
      ]) {
        test(`refuses ${name}: ${String(status)} ${code}`, async () => {
          const answer = await stage.call('usage', options);
          assert.equal(answer.status, status, answer.text);
          assert.equal(answer.value.code, code);
          assert.equal(answer.value.success, false);
          assert.equal(typeof answer.value.error, 'string');
          assert.equal(answer.headers.get('access-control-allow-origin'), '*');
        });
      }

      test('asks to wait when the limit is used up, and says how long', async () => {
        await stage.database.admin`insert into tierwise.rate_limits (company_id, name, counted_by, per_minute, burst)
      values (${companyB}, 'usage', 'user', 6, 2)`;
        const send = () => stage.call('usage', { user: 'stranger', body: { events: [event()] } });
        assert.deepEqual([(await send()).status, (await send()).status], [200, 200]);
        const third = await send();
        assert.deepEqual([third.status, third.value.code], [429, 'rate-limited']);
        const wait = Number(third.headers.get('retry-after'));
        assert.ok(wait >= 1 && wait <= 10, String(wait));
      });
    });

    test('feedback is stored once, with a verdict for each', async () => {
      const one = { eventId: randomUUID(), replyId: 'r1', verdict: 'up', comment: 'good', at: Date.now() };
      const send = () =>
        stage.call('feedback', {
          body: { sentAt: Date.now(), feedback: [one, { ...one, eventId: randomUUID(), verdict: 'so-so' }] },
        });
      assert.deepEqual(
        (await send()).value.verdicts.map(({ verdict }) => verdict),
        ['stored', 'refused'],
      );
      assert.deepEqual(
        (await send()).value.verdicts.map(({ verdict }) => verdict),
        ['duplicate', 'refused'],
      );
      const [row] = await stage.database.admin`select * from tierwise.feedback where event_id = ${one.eventId}`;
      assert.deepEqual([row.user_id, row.verdict, row.comment], [users.member, 'up', 'good']);
    });

    describe('config', () => {
      test('is given with an ETag, and again only when something changed', async () => {
        const first = await stage.call('config');
        assert.equal(first.status, 200);
        assert.equal(first.value.company.id, companyA);
        assert.equal(first.value.flags.useOpenAI.enabled, true);
        const etag = first.headers.get('etag');
        const same = await stage.call('config', { headers: { 'if-none-match': `"x", W/${etag}` } });
        assert.deepEqual([same.status, same.text, same.headers.get('etag')], [304, '', etag]);
        assert.equal(same.headers.get('access-control-allow-origin'), '*');
        const put = await stage.call('config/flags/useOpenAI', {
          user: 'admin',
          method: 'PUT',
          body: { enabled: false },
        });
        assert.equal(put.status, 200, put.text);
        const changed = await stage.call('config', { headers: { 'if-none-match': etag } });
        assert.deepEqual([changed.status, changed.value.flags.useOpenAI.enabled], [200, false]);
        const stranger = await stage.call('config', { user: 'stranger' });
        assert.equal(stranger.value.flags.useOpenAI.enabled, true);
        await stage.call('config/flags/useOpenAI', { user: 'admin', method: 'DELETE' });
        assert.equal((await stage.call('config')).value.flags.useOpenAI.enabled, true);
      });

      const priceId = randomUUID();
      for (const [kind, path, body, shown] of [
        [
          'a Space',
          'spaces/company',
          { name: 'Ours', url: 'https://a-b.hf.space', protocol: 'tgi', options: { contextWindow: 4096 } },
          { tier: 'company', active: true },
        ],
        ['a Space again', 'spaces/company', { revision: '2' }, { name: 'Ours', revision: '2' }],
        [
          'a model',
          'models/owner/some-model',
          { task: 'text-generation', price: 0.5, unit: '1k-tokens' },
          { model: 'owner/some-model', enabled: true },
        ],
        ['a setting', 'settings/wake', { value: 'wait' }, { key: 'wake', value: 'wait' }],
        ['a setting that is false', 'settings/cache', { value: false }, { key: 'cache', value: false }],
        ['a price', `prices/${priceId}`, { provider: 'openai', model: 'gpt-x*', inputPer1k: 0.1 }, { inputPer1k: 0.1 }],
      ]) {
        test(`an admin writes ${kind}, and it is in the trail`, async () => {
          const { status, value, text } = await stage.call(`config/${path}`, { user: 'admin', method: 'PUT', body });
          assert.equal(status, 200, text);
          for (const [name, wanted] of Object.entries({ ...body, ...shown }))
            assert.deepEqual(value.row[name], wanted, name);
          const [list] = path.split('/');
          const { value: listed } = await stage.call(`config/${list}`, { user: 'admin' });
          assert.ok(listed.rows.some(({ id, own }) => id === value.row.id && own === true));
          const { value: audit } = await stage.call('config/audit', { user: 'admin' });
          assert.ok(audit.rows.some(({ actor, after }) => actor === users.admin && after?.id === value.row.id));
        });
      }

      for (const [name, path, body, code] of [
        ['a field there is not', 'flags/useOpenAI', { enabled: true, company_id: companyB }, 'invalid-field'],
        ['a field of another type', 'flags/useOpenAI', { enabled: 'yes' }, 'invalid-field'],
        ['a field missing', 'spaces/user', { name: 'x' }, 'invalid-field'],
        ['plain http', 'spaces/user', { name: 'x', url: 'http://a-b.hf.space' }, 'invalid-field'],
        ['a tier there is not', 'spaces/best', { name: 'x', url: 'https://a-b.hf.space' }, 'invalid-field'],
        ['a setting there is not', 'settings/proxyUrl', { value: {} }, 'invalid-field'],
        ['a negative price', 'models/owner/other', { task: 'text-generation', price: -1 }, 'invalid-field'],
        ['a model that is no name', 'models/..%2f..', { task: 'text-generation' }, 'invalid-field'],
        ['a key for nothing', 'keys/space', { key: 'hf_0123456789' }, 'invalid-field'],
        ['a key with a line in it', 'keys/router', { key: 'hf_0123456789\r\nx: y' }, 'invalid-field'],
        ['days there are not', 'company', { retentionDays: 0 }, 'invalid-field'],
        ['a kind there is not', 'members/x', {}, 'no-such-kind'],
      ]) {
        test(`refuses ${name}`, async () => {
          const { status, value, text } = await stage.call(`config/${path}`, { user: 'admin', method: 'PUT', body });
          assert.ok(status === 400 || status === 404, text);
          assert.equal(value.code, code);
        });
      }

      for (const [path, body, field, message] of [
        ['spaces/user', { name: 'x', url: 'http://a-b.hf.space' }, 'url', /^url must be an https address/],
        ['spaces/user', { name: '', url: 'https://a-b.hf.space' }, 'name', /^name must be text of 1/],
        ['spaces/user', { name: 'x', url: 'https://a-b.hf.space', endpoint: 'api' }, 'endpoint', /begins with \//],
        ['spaces/user', { name: 'x' }, 'url', /^url is missing/],
        ['models/owner/other', { task: 'poetry' }, 'task', /^task must be text-generation/],
        ['models/owner/other', { task: 'text-generation', price: -1 }, 'price', /^price must be US dollars/],
        ['company', { retentionDays: 9999 }, 'retentionDays', /^retentionDays must be 1 to 3,650 days/],
        ['keys/router', { key: 'short' }, 'key', /^key must be text of 8/],
      ]) {
        test(`says which field is wrong: ${path} ${JSON.stringify(body)}`, async () => {
          const { status, value } = await stage.call(`config/${path}`, { user: 'admin', method: 'PUT', body });
          assert.deepEqual([status, value.code, value.field], [400, 'invalid-field', field]);
          assert.match(value.error, message);
        });
      }

      test('of two admins who edit one row, the second is told, and saves knowingly', async () => {
        const row = async () =>
          (await stage.call('config/flags', { user: 'admin' })).value.rows.find(
            ({ name, own }) => name === 'useHFUserModel' && own,
          );
        const save = (seen, enabled) => put(`flags/useHFUserModel?seen=${encodeURIComponent(seen)}`, { enabled });
        assert.equal(await row(), undefined);
        const first = await save('none', true);
        assert.equal(first.status, 200, first.text);
        const late = await save('none', false);
        assert.deepEqual([late.status, late.value.code], [409, 'changed-meanwhile']);
        assert.equal((await row()).enabled, true);
        assert.equal(first.value.row.updatedAt, (await row()).updatedAt);
        assert.equal((await save(first.value.row.updatedAt, false)).status, 200);
        assert.equal((await save(first.value.row.updatedAt, true)).status, 409);
        assert.equal((await row()).enabled, false);
        const remove = (seen) =>
          stage.call(`config/flags/useHFUserModel?seen=${encodeURIComponent(seen)}`, {
            user: 'admin',
            method: 'DELETE',
          });
        for (const seen of ['none', first.value.row.updatedAt]) {
          const { status, value } = await remove(seen);
          assert.deepEqual([status, value.code], [409, 'changed-meanwhile'], seen);
        }
        const now = (await row()).updatedAt;
        assert.deepEqual((await remove(now)).value, { success: true, removed: 1 });
        assert.equal(await row(), undefined);
        assert.equal((await remove(now)).status, 409);
        assert.deepEqual((await remove('none')).value, { success: true, removed: 0 });
        assert.equal((await save((await row())?.updatedAt ?? 'gone', true)).status, 409);
      });

      test('a Space is switched off only as it was seen', async () => {
        const space = await put('spaces/user', { name: 'Mine', url: 'https://a-b.hf.space' });
        const at = (seen) => stage.call(`config/spaces/user?seen=${seen}`, { user: 'admin', method: 'DELETE' });
        const active = async () =>
          (await stage.call('config/spaces', { user: 'admin' })).value.rows.filter((row) => row.own && row.active);
        const before = (await active()).filter(({ tier }) => tier === 'user');
        assert.equal(before.length, 1);
        assert.equal((await at('none')).status, 409);
        assert.deepEqual(
          (await active()).filter(({ tier }) => tier === 'user'),
          before,
        );
        const gone = await at(encodeURIComponent(space.value.row.updatedAt));
        assert.deepEqual(gone.value, { success: true, removed: 1 });
        assert.equal((await at(encodeURIComponent(space.value.row.updatedAt))).status, 409);
        await stage.database.admin`delete from public.hf_spaces_config
          where company_id = ${companyA} and space_type = 'user' and space_name = 'Mine'`;
      });

      test('deployments: of the company and of everybody, to admins', async () => {
        const sql = stage.database.admin;
        const [mine] =
          await sql`insert into public.hf_spaces_config (company_id, space_name, space_type, space_url, is_active)
          values (${companyA}, 'old', 'user', 'https://a-b.hf.space', false) returning id`;
        const [theirs] =
          await sql`insert into public.hf_spaces_config (company_id, space_name, space_type, space_url, is_active)
          values (${companyB}, 'old', 'user', 'https://a-b.hf.space', false) returning id`;
        await sql`insert into public.hf_deployments (space_id, deployment_status)
          values (${mine.id}, 'completed'), (${theirs.id}, 'failed')`;
        const { value } = await stage.call('config/deployments', { user: 'admin' });
        assert.deepEqual(
          value.rows.map(({ spaceId, tier, status }) => [spaceId, tier, status]),
          [[mine.id, 'user', 'completed']],
        );
      });

      test('the company itself', async () => {
        const put = await stage.call('config/company', { user: 'admin', method: 'PUT', body: { retentionDays: 30 } });
        assert.equal(put.status, 200, put.text);
        assert.equal((await stage.call('config/company', { user: 'admin' })).value.retentionDays, 30);
        const at = { user: 'admin', method: 'PUT', body: { retentionDays: 30 } };
        const again = await stage.call(`config/company?seen=${encodeURIComponent(put.value.updatedAt)}`, at);
        assert.equal(again.status, 200, again.text);
        const late = await stage.call(`config/company?seen=${encodeURIComponent(put.value.updatedAt)}`, at);
        assert.deepEqual([late.status, late.value.code], [409, 'changed-meanwhile']);
        const rules = { keepsText: false, retentionDays: 30, totalsDays: 1825 };
        for (const [user, headers, company] of [
          ['admin', {}, { id: companyA, name: 'A', role: 'admin' }],
          ['member', {}, { id: companyA, name: 'A', role: 'member' }],
          ['member', { 'x-tierwise-company': companyA }, { id: companyA, name: 'A', role: 'member' }],
          ['stranger', {}, { id: companyB, name: 'B', role: 'admin' }],
        ]) {
          const { status, value } = await stage.call('config/company', { user, headers });
          const of = company.id === companyA ? rules : { ...rules, retentionDays: 365 };
          const { updatedAt, ...told } = value;
          assert.ok(Date.parse(updatedAt) > 0);
          assert.deepEqual([status, told], [200, { ...company, ...of }], user);
        }
        for (const [user, headers] of [
          ['member', { 'x-tierwise-company': companyB }],
          ['nobody', {}],
        ])
          assert.equal((await stage.call('config/company', { user, headers })).status, 403, user);
      });

      test('a member writes nothing and lists nothing', async () => {
        for (const path of [
          'flags/useOpenAI',
          'settings/wake',
          `prices/${priceId}`,
          'models/owner/x',
          'spaces/base',
          'keys/router',
          'company',
        ])
          for (const method of ['PUT', 'DELETE']) {
            const { status, value } = await stage.call(`config/${path}`, {
              method,
              ...(method === 'PUT' && { body: { key: 'hf_0123456789' } }),
            });
            assert.ok(status >= 400 && status < 500, `${method} ${path} ${String(status)}`);
            assert.equal(value.success, false);
          }
        for (const path of ['flags', 'prices', 'keys', 'audit', 'spaces', 'deployments'])
          assert.equal((await stage.call(`config/${path}`)).value.code, 'not-an-admin');
      });
    });

    describe('usage-summary', () => {
      test('sums by every part, with the comparison from prices', async () => {
        const { status, value, text } = await stage.call(
          `usage-summary?from=${day()}&to=${day()}&by=day,model,tier,provider,source,user&comparison=1`,
          { user: 'admin' },
        );
        assert.equal(status, 200, text);
        const [{ completes, cost }] = await stage.database.admin`
      select count(*) as completes, sum(cost) as cost from public.llm_observations where company_id = ${companyA} and kind = 'complete'`;
        assert.equal(value.total.completes, Number(completes));
        assert.ok(Math.abs(value.total.cost - Number(cost)) < 1e-9);
        for (const split of ['day', 'model', 'tier', 'provider', 'source', 'user'])
          assert.equal(
            value[split].reduce((sum, row) => sum + row.completes, 0),
            value.total.completes,
            split,
          );
        const of = (model) => value.comparison.find((row) => row.model === model);
        assert.ok(Math.abs(of('gpt-4').wouldCost / of(llama).wouldCost - 300) < 1e-6);
        assert.ok(value.total.totalP50Ms > 700 && value.total.totalP50Ms < 900);
      });

      test('a member sees their own', async () => {
        await stage.call('usage', { user: 'colleague', body: { events: [event()] } });
        const { value } = await stage.call('usage-summary?by=user', { user: 'colleague' });
        assert.deepEqual(
          value.user.map(({ part, completes }) => [part, completes]),
          [[users.colleague, 1]],
        );
      });

      for (const query of [
        'from=yesterday',
        'from=2026-02-30',
        'from=2026-11-02&to=2026-11-01',
        'by=company',
        'from=0001-01-01',
      ])
        test(`refuses ${query}`, async () => {
          const { status, value } = await stage.call(`usage-summary?${query}`);
          assert.deepEqual([status, /^invalid-(range|split)$/.test(value.code)], [400, true]);
        });
    });

    test('DELETE usage erases a person: oneself, or for an admin another', async () => {
      const left = async (user) =>
        Number(
          (await stage.database.admin`select count(*) as n from public.llm_observations where user_id = ${user}`)[0].n,
        );
      const add = (user) => stage.call('usage', { user, body: { sentAt: Date.now(), events: [event(), event()] } });
      await stage.call('usage', { user: 'colleague', method: 'DELETE' });
      await add('colleague');
      const others = await stage.call(`usage?user=${users.colleague}`, { user: 'member', method: 'DELETE' });
      assert.deepEqual([others.status, others.value.code, await left(users.colleague)], [403, 'not-an-admin', 2]);
      const own = await stage.call('usage', { user: 'colleague', method: 'DELETE' });
      assert.deepEqual([own.value.deleted['public.llm_observations'], await left(users.colleague)], [2, 0], own.text);
      await add('colleague');
      const asked = await stage.call(`usage?user=${users.colleague}`, { user: 'admin', method: 'DELETE' });
      assert.deepEqual([asked.status, await left(users.colleague)], [200, 0]);
      assert.equal((await stage.call('usage?user=x', { user: 'admin', method: 'DELETE' })).status, 400);
    });

    describe('gateway', () => {
      before(async () => {
        assert.equal((await put('spaces/base', { name: 'B', url: space.origin, protocol: 'auto' })).status, 200);
      });

      test('hands a call on, and only what belongs to it', async () => {
        const { status, value, headers } = await stage.call('gateway/base/gradio_api/queue/join?session_hash=abc', {
          body: { data: ['ä'] },
          headers: {
            cookie: 'a=b',
            'x-forwarded-for': '1.2.3.4',
            'x-gradio-user': 'api',
            'x-tierwise-company': companyA,
          },
        });
        assert.deepEqual([status, value.event_id, value.got.data[0]], [200, 'e', 'ä']);
        assert.equal(headers.get('x-tierwise-from'), 'upstream');
        const [got] = space.calls.slice(-1);
        assert.equal(got.url, '/gradio_api/queue/join?session_hash=abc');
        for (const name of ['authorization', 'cookie', 'x-forwarded-for', 'x-tierwise-company', 'origin'])
          assert.equal(got.headers[name], undefined, name);
        assert.equal(got.headers['x-gradio-user'], 'api');
      });

      const openPaths = {
        auto: [
          ['GET', ''],
          ['GET', 'config'],
          ['GET', 'info'],
          ['GET', 'gradio_api/info?serialize=False'],
          ['GET', 'v1/models'],
          ['GET', 'v1/models/owner/name'],
          ['GET', 'gradio_api/file=/tmp/gradio/ab/image%201.png'],
          ['GET', 'call/chat/0a1b'],
          ['POST', 'gradio_api/call/caf%C3%A9'],
          ['POST', 'gradio_api/call/v2/chat'],
          ['POST', 'gradio_api/cancel'],
          ['POST', 'generate'],
          ['POST', 'embed'],
          ['POST', 'v1/chat/completions'],
          ['POST', 'completion'],
          ['POST', 'api/generate'],
          ['GET', 'admin', false],
          ['POST', 'config', false],
          ['GET', 'generate', false],
        ],
        tgi: [
          ['POST', 'generate_stream2', false],
          ['POST', 'generate'],
          ['POST', 'v1/completions'],
          ['GET', 'info'],
          ['POST', 'gradio_api/queue/join', false],
          ['POST', 'completion', false],
        ],
        gradio: [
          ['POST', 'queue/join'],
          ['POST', 'run/predict'],
          ['POST', 'v1/chat/completions', false],
          ['POST', 'generate', false],
        ],
        plain: [
          ['POST', 'own/way'],
          ['POST', 'api/generate'],
          ['POST', 'own/way2', false],
          ['POST', 'queue/join', false],
        ],
      };
      for (const [protocol, paths] of Object.entries(openPaths))
        test(`open paths of a Space that speaks ${protocol}`, async () => {
          space.routes['*'] = reply({ fine: true });
          await put('spaces/base', { protocol, endpoint: protocol === 'plain' ? '/own/way' : '/api/generate' });
          for (const [method, path, open = true] of paths) {
            const calls = space.calls.length;
            const response = await stage.call(`gateway/base/${path}`, {
              method,
              ...(method === 'POST' && { body: { data: [] } }),
            });
            assert.equal(response.status, open ? 200 : 403, `${method} ${path} ${response.text}`);
            assert.equal(space.calls.length, calls + (open ? 1 : 0));
            if (open) assert.equal(space.calls.at(-1).url, `/${path}`);
          }
          delete space.routes['*'];
          await put('spaces/base', { protocol: 'auto', endpoint: '/api/generate' });
        });

      test('streams: the first part is there before the last is sent', async () => {
        const response = await stage.call('gateway/base/gradio_api/queue/data?session_hash=abc', { raw: true });
        assert.equal(response.headers.get('content-type'), 'text/event-stream');
        assert.deepEqual([response.headers.get('set-cookie'), response.headers.get('x-secret')], [null, null]);
        const times = [];
        for await (const part of response.body) if (part.length > 0) times.push(Date.now());
        assert.ok(times.length >= 2 && times.at(-1) - times[0] >= 100, String(times));
      });

      test('leaves when the page leaves', async () => {
        const controller = new AbortController();
        const response = await stage.call('gateway/base/generate_stream', {
          body: {},
          raw: true,
          signal: controller.signal,
        });
        await response.body.getReader().read();
        const at = Date.now();
        controller.abort();
        assert.ok((await left) - at < 2000);
      });

      test('waits no longer than the page', async () => {
        const at = Date.now();
        const { status } = await stage.call('gateway/base/tokenize', {
          body: {},
          headers: { 'x-tierwise-timeout': '300' },
        });
        assert.equal(status, 504);
        assert.ok(Date.now() - at < 3000);
      });

      test('gives the key of the target, the company’s own before the operator’s, from the next request on', async () => {
        const sent = async (path) => {
          await stage.call(path);
          return provider.calls.at(-1).headers.authorization;
        };
        assert.equal(await sent('gateway/router/v1/models'), `Bearer ${operatorsKey}`);
        assert.equal((await put('keys/router', { key: companysKey })).value.hint, companysKey.slice(-4));
        assert.equal(await sent('gateway/router/v1/models'), `Bearer ${companysKey}`);
        assert.equal((await stage.call('gateway/router/v1/models', { user: 'stranger' })).status, 200);
        assert.equal(provider.calls.at(-1).headers.authorization, `Bearer ${operatorsKey}`);
        await stage.call('config/keys/router', { user: 'admin', method: 'DELETE' });
        assert.equal(await sent('gateway/router/v1/models'), `Bearer ${operatorsKey}`);
        assert.equal((await stage.call('gateway/openai/v1/models')).value.code, 'no-key');
        assert.equal((await put('keys/openai', { key: 'sk-0123456789abcdef' })).status, 200);
        assert.equal(await sent('gateway/openai/v1/models'), 'Bearer sk-0123456789abcdef');
      });

      test('what the server says comes back as it is', async () => {
        const { status, value, headers } = await stage.call('gateway/router/v1/chat/completions', {
          body: { model: 'm', messages: [] },
        });
        assert.deepEqual([status, value.error.message, headers.get('retry-after')], [429, 'slow down', '7']);
      });

      test('a private Space of the Hub: its host is asked for with its key', async () => {
        assert.equal((await put('spaces/user', { name: 'P', url: `${hub.origin}/spaces/owner/private` })).status, 200);
        assert.equal((await put('keys/space:user', { key: companysKey })).status, 200);
        assert.equal((await stage.call('gateway/user/config')).status, 200);
        assert.equal(space.calls.at(-1).headers.authorization, `Bearer ${companysKey}`);
        assert.equal(
          hub.calls.find(({ path }) => path.endsWith('/host')).headers.authorization,
          `Bearer ${companysKey}`,
        );
      });
    });

    test(
      'the package itself, through the gateway',
      { skip: !existsSync(built) && 'the package is not built' },
      async () => {
        const { createClient } = await import(built);
        provider.routes['/v1/chat/completions'] = (_, response, body) => {
          assert.equal(JSON.parse(body).stream, true);
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write('data: {"choices":[{"delta":{"role":"assistant","content":"Hel"}}]}\n\n');
          response.end(
            'data: {"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
          );
        };
        space.routes['/generate'] = reply({ generated_text: ' from the Space' });
        space.routes['/info'] = reply({ model_id: 'owner/model', version: '3.0.1' });
        const base = {
          proxyUrl: `${stage.functions.url}/gateway`,
          proxyToken: () => stage.tokens.hs256(users.member),
          cache: false,
        };
        const router = createClient({ ...base, providers: { router: { model: llama } } });
        try {
          let said = '';
          for await (const part of router.stream('Hi')) if (part.type === 'text') said += part.text;
          const reply = await router.generate('Hi');
          assert.deepEqual([reply.content, reply.source], ['Hello', 'router']);
          assert.equal(said, 'Hello');
        } finally {
          await router.close();
        }
        assert.equal((await put('spaces/base', { protocol: 'tgi' })).status, 200);
        const client = createClient({
          ...base,
          spaces: { base: { url: space.origin, protocol: 'tgi', endpoint: '/generate' } },
        });
        try {
          const reply = await client.generate('Hi');
          assert.deepEqual([reply.content.trim(), reply.source, reply.tier], ['from the Space', 'space', 'base']);
        } finally {
          await client.close();
        }
      },
    );

    test('health: database, keys by whoami and kept, stages, the last hour', async () => {
      await stage.call('usage', {
        body: { events: [event({ totalMs: 400 }), event({ kind: 'error', status: 'error', errorClass: 'x' })] },
      });
      const asked = () => hub.calls.filter(({ path }) => path === '/api/whoami-v2').length;
      const before = asked();
      const { status, value, text } = await stage.call('health');
      assert.equal(status, 200, text);
      assert.equal(value.database.ok, true);
      assert.equal(value.router.key.status, 'valid');
      assert.equal(value.openai.key.status, 'present');
      assert.ok(Date.parse(value.router.key.checkedAt) > Date.now() - 60_000);
      const of = (tier) => value.spaces.find((each) => each.tier === tier);
      assert.equal(of('base').protocol, 'tgi');
      assert.deepEqual([of('user').stage, of('user').key.status, of('user').ok], ['RUNNING', 'invalid', false]);
      assert.ok(
        of('base').calls >= 2 && of('base').errors >= 1 && of('base').p50Ms > 0 && of('base').p95Ms >= of('base').p50Ms,
      );
      assert.ok(Math.abs(of('base').errorShare - of('base').errors / of('base').calls) < 1e-9);
      assert.ok(Date.parse(of('base').lastSuccess) > 0);
      assert.equal(value.ok, false);
      await stage.call('health');
      assert.ok(asked() - before <= 2, 'validity is kept');
    });

    test('preflights and unknown functions can be read by any page', async () => {
      for (const name of functionPaths) {
        const { status, headers } = await stage.call(name, {
          user: null,
          method: 'OPTIONS',
          headers: { origin: 'https://app.test' },
        });
        assert.equal(status, 204, name);
        assert.equal(headers.get('access-control-allow-origin'), '*');
        for (const wanted of [
          'authorization',
          'content-encoding',
          'if-none-match',
          'x-tierwise-company',
          'x-client-info',
          'apikey',
        ])
          assert.ok(headers.get('access-control-allow-headers').split(', ').includes(wanted), wanted);
      }
      const none = await stage.call('nothing');
      assert.deepEqual(
        [none.status, none.value.code, none.headers.get('access-control-allow-origin')],
        [404, 'no-such-function', '*'],
      );
    });

    test('tokens signed by the keys of the sign-in count as well as those of the legacy secret', async () => {
      for (const token of [stage.tokens.es256(users.member), stage.tokens.hs256(users.member)])
        assert.equal((await stage.call('config', { token })).status, 200);
    });

    test('killed, the functions come back on the same port; the database may restart under them', async () => {
      const { pid, port } = stage.functions;
      process.kill(pid, 'SIGKILL');
      const until = Date.now() + 20_000;
      for (;;) {
        const status = await stage.call('config').then(
          (answer) => answer.status,
          () => 0,
        );
        if (status === 200) break;
        assert.ok(Date.now() < until, 'the functions did not come back');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.equal(stage.functions.port, port);
      assert.notEqual(stage.functions.pid, pid);
      process.kill(stage.running.server.pid, 'SIGKILL');
      const seen = new Set();
      for (;;) {
        const { status } = await stage.call('config');
        seen.add(status);
        if (status === 200 && seen.size > 1) break;
        if (Date.now() > until) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.equal((await stage.call('config')).status, 200);
      for (const status of seen) assert.ok(status === 200 || status === 503, String(status));
    });

    test('no secret is in any answer or line of the log', () => {
      const text = [...stage.answers, ...stage.log].join('\n');
      for (const secret of [
        operatorsKey,
        companysKey,
        'sk-0123456789abcdef',
        stage.tokens.secret,
        stage.env.TIERWISE_SEALING_KEYS.slice(3),
        stage.running.server.credentials.authenticator,
      ])
        assert.ok(!text.includes(secret), `${secret.slice(0, 3)}…`);
      assert.ok(stage.log.length > 50);
    });
  });
