/**
 * What the catalogue must say, whatever tables and functions there are: row-level security on, nothing for anonymous
 * callers, functions closed and with an empty search_path, foreign keys indexed. After Supabase's own lints.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { kinds, newDatabase, startServer, supabaseDefaults } from './servers.mjs';

/** What a signed-in user may call; the rest of schema `tierwise` is closed. */
const open = {
  authenticated: [
    'admin_companies',
    'cost_comparison',
    'effective_config',
    'forget_user',
    'is_admin',
    'my_companies',
    'put_secret',
    'recent_health',
    'record_feedback',
    'record_usage',
    'resolve_company',
    'take',
    'usage_summary',
  ],
  service_role: [
    'admin_companies',
    'apply_retention',
    'cost_of',
    'host_report',
    'is_admin',
    'my_companies',
    'resolve_company',
  ],
  anon: [],
};

/** Each query gives what is wrong: nothing, when all is well. */
const findings = {
  'row-level security is on everywhere': `
    select c.oid::regclass::text as found from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace) and c.relkind in ('r', 'p') and not c.relrowsecurity`,
  'nothing of ours is a view, which would read as its owner': `
    select c.oid::regclass::text as found from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace) and c.relkind in ('v', 'm', 'f')`,
  // So row-level security need not be forced: nobody who makes a request is the owner.
  'no role of a request owns a table, is a superuser or passes row-level security by': `
    select r.rolname as found from pg_roles r
    where r.rolname in ('anon', 'authenticated', 'authenticator')
      and (r.rolsuper or r.rolbypassrls or exists (
        select from pg_class c where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace)
          and pg_has_role(r.oid, c.relowner, 'usage')))`,
  'every table has policies, for named roles': `
    select c.oid::regclass::text || ' ' || coalesce(p.polname, 'has none') as found
    from pg_class c left join pg_policy p on p.polrelid = c.oid
    where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace) and c.relkind in ('r', 'p')
      and (p.oid is null or 0 = any (p.polroles) or 'anon'::regrole = any (p.polroles))`,
  'what depends on the user alone is read once, not for each row': `
    select p.polrelid::regclass::text || ' ' || p.polname as found from pg_policy p
    cross join lateral (select coalesce(pg_get_expr(p.polqual, p.polrelid), '') || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as text) e
    where replace(replace(e.text, '( SELECT auth.uid() AS uid)', ''), '( SELECT auth.jwt() AS jwt)', '') ~ 'auth\\.|current_setting'
      or e.text ~ '(?<!SELECT )tierwise\\.(my|admin)_companies'`,
  'anonymous callers may do nothing': `
    select c.oid::regclass::text as found from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace) and c.relkind in ('r', 'p', 'S')
      and case c.relkind
        when 'S' then has_sequence_privilege('anon', c.oid, 'usage, select, update')
        else has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
          or has_any_column_privilege('anon', c.oid, 'select, insert, update, references') end
    union all select 'schema tierwise' where has_schema_privilege('anon', 'tierwise', 'usage, create')`,
  'nobody may truncate, refer to or put triggers on a table': `
    select c.oid::regclass::text || ' ' || r.rolname as found from pg_class c cross join pg_roles r
    where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace) and c.relkind in ('r', 'p')
      and r.rolname in ('authenticated', 'service_role') and has_table_privilege(r.oid, c.oid, 'truncate, references, trigger')`,
  'nobody may create in schema tierwise': `
    select r.rolname as found from pg_roles r
    where r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator') and has_schema_privilege(r.oid, 'tierwise', 'create')`,
  'every function has an empty search_path': `
    select p.oid::regprocedure::text as found from pg_proc p
    where p.pronamespace = 'tierwise'::regnamespace and not coalesce(p.proconfig, '{}') @> array['search_path=""']`,
  'no function is for everybody': `
    select p.oid::regprocedure::text as found from pg_proc p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where p.pronamespace in ('tierwise'::regnamespace, 'public'::regnamespace) and a.grantee = 0`,
  'every foreign key has an index': `
    select k.conrelid::regclass::text || ' ' || k.conname as found from pg_constraint k
    where k.contype = 'f' and k.connamespace in ('public'::regnamespace, 'tierwise'::regnamespace)
      and not exists (select from pg_index i where i.indrelid = k.conrelid and i.indpred is null
        and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)`,
  'every table has a primary key': `
    select c.oid::regclass::text as found from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace) and c.relkind = 'r'
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`,
  'no index is there twice': `
    select a.indexrelid::regclass::text as found from pg_index a join pg_index b on a.indrelid = b.indrelid
      and a.indexrelid > b.indexrelid and a.indkey::text = b.indkey::text and a.indpred is not distinct from b.indpred
    join pg_class c on c.oid = a.indrelid
    where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace)`,
  'times have a zone': `
    select a.attrelid::regclass::text || ' ' || a.attname as found from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace) and a.atttypid = 'timestamp'::regtype`,
  'what can be changed says when it was': `
    select c.oid::regclass::text as found from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'tierwise'::regnamespace) and c.relkind = 'r'
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'updated_at')
      and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'touch')`,
};

for (const kind of kinds) {
  describe(kind.name, () => {
    let running;
    let database;
    before(async () => {
      running = await startServer(kind);
      database = await newDatabase(running.server, { before: supabaseDefaults });
    });
    after(async () => {
      await database?.close();
      await running?.stop();
    });

    for (const [name, query] of Object.entries(findings)) {
      test(name, async () => {
        assert.deepEqual(
          (await database.admin.unsafe(query)).map(({ found }) => found),
          [],
        );
      });
    }

    for (const [role, names] of Object.entries(open)) {
      test(`${role} may call what it is meant to and nothing else`, async () => {
        const found = await database.admin`
          select p.proname as name from pg_proc p
          where p.pronamespace = 'tierwise'::regnamespace and has_function_privilege(${role}, p.oid, 'execute') order by 1`;
        assert.deepEqual(
          found.map(({ name }) => name),
          names,
        );
      });
    }

    test('each lint finds what it is for', async () => {
      const { admin } = database;
      const bad = [
        ['row-level security is on everywhere', 'create table tierwise.bad (id int primary key)'],
        ['nothing of ours is a view, which would read as its owner', 'create view public.bad as select 1'],
        [
          'every table has policies, for named roles',
          'create table tierwise.bad (id int); alter table tierwise.bad enable row level security',
        ],
        [
          'what depends on the user alone is read once, not for each row',
          'create policy bad on tierwise.flags using (company_id = auth.uid())',
        ],
        ['anonymous callers may do nothing', 'create table public.bad (id int)'],
        [
          'every function has an empty search_path',
          'create function tierwise.bad() returns int language sql as $$ select 1 $$',
        ],
        ['no function is for everybody', 'create function tierwise.bad() returns int language sql as $$ select 1 $$'],
        [
          'every foreign key has an index',
          'create table tierwise.bad (id int primary key, flag uuid references tierwise.flags (id))',
        ],
        ['every table has a primary key', 'create table tierwise.bad (id int)'],
        ['no index is there twice', 'create index bad on tierwise.prices (provider, model)'],
        ['times have a zone', 'create table tierwise.bad (at timestamp)'],
        ['what can be changed says when it was', 'create table tierwise.bad (updated_at timestamptz)'],
      ];
      for (const [name, change] of bad) {
        await admin
          .begin(async (tx) => {
            await tx.unsafe(change);
            assert.notDeepEqual([...(await tx.unsafe(findings[name]))], [], name);
            throw new Error('undo');
          })
          .catch((error) => assert.equal(error.message, 'undo'));
      }
    });
  });
}
