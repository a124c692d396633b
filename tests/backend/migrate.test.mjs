/**
 * The schema's way into a database: an empty one, one that has it, a host application's; killed half-way, two at once; and
 * what the command says of it.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import postgres from 'postgres';

import { allowLogin } from '../../web/backend/embedded/database.mjs';
import { addPeople, companyA, kinds, newDatabase, startServer, supabase, temporaryFolder, users } from './servers.mjs';

const cli = fileURLToPath(new URL('../../dist/cli.mjs', import.meta.url));
const files = readdirSync(new URL('migrations/', supabase)).sort();
const versions = files.map((name) => name.split('_')[0]);

/** A host application's own tables, before Tierwise: no row-level security, columns of its own, rows. */
const host = `
  create table public.companies (id uuid primary key, name text not null);
  create table public.model_registry (id uuid primary key default gen_random_uuid(), model_name text not null, owner text default 'host');
  insert into public.model_registry (model_name) values ('theirs');
  create table public.llm_observations (
    id uuid primary key default gen_random_uuid(), prompt_name text not null default 'none', model varchar(200), provider text,
    cost numeric(12, 6), created_at timestamptz not null default now());
  insert into public.llm_observations (prompt_name, model, cost) values ('old', 'gpt-4', 0.5), ('old', 'gpt-4', 0.25);
  create view public.costs as select sum(cost) as total from public.llm_observations;
  grant select on public.llm_observations to public;`;

/** All that a catalogue says of a table but its columns and their constraints, and the old columns and rows. */
const state = (name, columns) => `
  select (select jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) order by a.attnum)
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attname = any ('{${columns}}')) as columns,
    c.relrowsecurity, c.relforcerowsecurity, c.relacl::text, c.relowner::regrole::text as owner,
    (select count(*)::int from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) as triggers,
    (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies,
    (select jsonb_agg(r order by r::text) from (select ${columns} from ${name}) r) as rows
  from pg_class c where c.oid = '${name}'::regclass`;

for (const kind of kinds) {
  describe(kind.name, () => {
    let running;
    const databases = [];
    const open = async (options) => {
      const database = await newDatabase(running.server, { migrated: false, ...options });
      databases.push(database);
      return database;
    };
    before(async () => {
      running = await startServer(kind);
    });
    after(async () => {
      await Promise.all(databases.map((database) => database.close()));
      await running?.stop();
    });
    const run = (database, ...args) => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [cli, 'migrate', '--db', database.adminUrl, ...args],
        { encoding: 'utf8' },
      );
      return { status, stdout, stderr };
    };
    const objects = async ({ admin }) =>
      (
        await admin`select count(*)::int as n from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'tierwise', 'supabase_migrations', 'auth')`
      )[0].n;

    test('a dry run tells all and changes nothing; then an empty database, then again', async () => {
      const database = await open();
      const roles = async () =>
        (await database.admin`select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role')`)
          .length;
      assert.equal(await roles(), 0);
      const dry = run(database, '--dry-run', '--json');
      assert.equal(dry.status, 0, dry.stderr);
      const told = JSON.parse(dry.stdout);
      assert.deepEqual(told.applied, versions);
      assert.ok(told.created.includes('role service_role') && told.created.includes('schema auth'), dry.stdout);
      assert.equal(await objects(database), 0);
      assert.equal(await roles(), 0);

      const first = run(database);
      assert.equal(first.status, 0, first.stderr);
      assert.match(first.stdout, new RegExp(`${String(versions.length)} migrations applied`));
      assert.equal(await roles(), 3);
      const recorded =
        await database.admin`select version, name, statements from supabase_migrations.schema_migrations order by version`;
      assert.deepEqual(
        recorded.map(({ version, name }) => `${version}_${name}.sql`),
        files,
      );
      assert.equal(recorded[0].statements.join(''), readFileSync(new URL(`migrations/${files[0]}`, supabase), 'utf8'));
      assert.equal((await database.admin`select count(*)::int as n from public.huggingface_models`)[0].n, 5);

      const count = await objects(database);
      await database.admin`delete from tierwise.flags where name = 'useOpenAI'`;
      const again = run(database, '--json');
      assert.deepEqual(JSON.parse(again.stdout).applied, []);
      assert.deepEqual(JSON.parse(again.stdout).present, versions);
      assert.equal(await objects(database), count);
      assert.equal(
        (await database.admin`select from tierwise.flags where name = 'useOpenAI'`).length,
        0,
        'what was deleted stays so',
      );
      assert.equal(run(database, '--seed').status, 0);
      assert.equal((await database.admin`select from tierwise.flags where name = 'useOpenAI'`).length, 1);
    });

    test('two at once, and more: each migration once', async () => {
      const database = await open();
      const results = await Promise.all(Array.from({ length: 4 }, () => database.migrate()));
      for (const version of versions) {
        assert.equal(results.filter(({ applied }) => applied.includes(version)).length, 1, version);
        assert.equal(results.filter(({ present }) => present.includes(version)).length, 3, version);
      }
      assert.equal(
        (await database.admin`select count(*)::int as n from tierwise.prices where provider = 'openai'`)[0].n,
        1,
      );
    });

    test('killed half-way: what was begun has not happened, and the next run ends it', async () => {
      const { folder, remove } = temporaryFolder();
      try {
        // The real files, the third of which stops in its middle for as long as it takes.
        const migrations = path.join(folder, 'backend/migrations');
        mkdirSync(migrations, { recursive: true });
        for (const [index, name] of files.entries()) {
          const text = readFileSync(new URL(`migrations/${name}`, supabase), 'utf8');
          writeFileSync(path.join(migrations, name), index === 2 ? `${text}\nselect pg_sleep(600);` : text);
        }
        writeFileSync(
          path.join(folder, 'backend/migrate.mjs'),
          readFileSync(path.join(path.dirname(cli), 'backend/migrate.mjs')),
        );
        writeFileSync(path.join(folder, 'backend/seed.sql'), '');
        writeFileSync(path.join(folder, 'cli.mjs'), readFileSync(cli));
        const database = await open();
        const child = spawn(process.execPath, [path.join(folder, 'cli.mjs'), 'migrate', '--db', database.adminUrl], {
          stdio: 'ignore',
        });
        const ended = new Promise((resolve) => child.once('exit', resolve));
        const sleeping = () =>
          database.admin`select pid from pg_stat_activity where datname = ${database.name} and wait_event = 'PgSleep'`;
        for (let tries = 0; (await sleeping()).length === 0; tries += 1) {
          assert.ok(tries < 400, 'never came to the middle');
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        child.kill('SIGKILL');
        await ended;
        // The server notices a broken connection when it writes to it; an operator would end the session.
        await database.admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database.name} and wait_event = 'PgSleep'`;
        const recorded = await database.admin`select version from supabase_migrations.schema_migrations order by 1`;
        assert.deepEqual(
          recorded.map(({ version }) => version),
          versions.slice(0, 2),
        );
        assert.equal((await database.admin`select to_regclass('public.llm_observations') as found`)[0].found, null);
        const { applied } = await database.migrate();
        assert.deepEqual(applied, versions.slice(2));
      } finally {
        remove();
      }
    });

    test('a host application keeps its tables as they are, with more columns', async () => {
      const database = await open({ before: host });
      const { admin } = database;
      const before = {
        model_registry: [...(await admin.unsafe(state('public.model_registry', 'id, model_name, owner')))],
        llm_observations: [
          ...(await admin.unsafe(
            state('public.llm_observations', 'id, prompt_name, model, provider, cost, created_at'),
          )),
        ],
      };
      const { warnings } = await database.migrate();
      assert.equal(warnings.filter((text) => /no row-level security/.test(text)).length, 2, warnings.join('\n'));
      assert.ok(warnings.some((text) => /llm_observations can be read without signing in/.test(text)));
      assert.deepEqual(
        [...(await admin.unsafe(state('public.model_registry', 'id, model_name, owner')))],
        before.model_registry,
      );
      assert.deepEqual(
        [
          ...(await admin.unsafe(
            state('public.llm_observations', 'id, prompt_name, model, provider, cost, created_at'),
          )),
        ],
        before.llm_observations,
      );
      for (const column of ['hf_space_url', 'hf_model_id', 'hf_space_id'])
        assert.equal(
          (
            await admin`select from information_schema.columns where table_name = 'model_registry' and column_name = ${column}`
          ).length,
          1,
        );

      // Usage is stored there, once, and counted.
      await addPeople(admin);
      await allowLogin(admin, running.server.credentials.authenticator);
      const events = [
        {
          eventId: '0e000000-0000-4000-8000-000000000001',
          kind: 'complete',
          at: Date.now(),
          provider: 'openai',
          model: 'gpt-4',
          inputTokens: 1000,
          outputTokens: 1000,
        },
      ];
      for (const verdict of ['stored', 'duplicate']) {
        const [row] = await admin.begin(async (tx) => {
          await tx`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${JSON.stringify({ sub: users.member })}, true)`;
          return tx`select * from tierwise.record_usage(${tx.json(events)}, now())`;
        });
        assert.equal(row.verdict, verdict, row.message);
      }
      assert.equal(
        Number((await admin`select cost from public.llm_observations where company_id = ${companyA}`)[0].cost),
        0.06,
      );
      assert.equal(Number((await admin`select sum(completes) as n from tierwise.usage_daily`)[0].n), 1);
    });

    test('columns that would not fit, and a schema auth without uid(): an error that says so, and nothing changed', async () => {
      const cases = [
        [`create table public.llm_observations (id int, user_id text, at timestamp)`, /user_id is text, not uuid.*/],
        ['create schema auth; create table auth.users (id int)', /schema "auth" without a function auth\.uid\(\)/],
      ];
      for (const [sql, expected] of cases) {
        const database = await open({ before: sql });
        const count = await objects(database);
        const dry = run(database, '--dry-run');
        assert.equal(dry.status, 1);
        assert.match(dry.stderr, expected);
        assert.equal(await objects(database), count);
        const real = run(database, '--json');
        assert.equal(real.status, 1);
        assert.match(JSON.parse(real.stdout).error, expected);
        assert.doesNotMatch(real.stdout + real.stderr + dry.stderr, new RegExp(running.server.credentials.postgres));
      }
    });

    test('a required column of the host is told of', async () => {
      const database = await open({
        before: 'create table public.llm_observations (id serial primary key, ticket text not null)',
      });
      const { warnings } = await database.migrate();
      assert.ok(
        warnings.some((text) => /\(ticket\): give these columns a default/.test(text)),
        warnings.join('\n'),
      );
    });

    test('what Supabase has is left alone', async () => {
      const database = await open({
        before: `create schema auth; create function auth.uid() returns uuid language sql stable as $$ select null::uuid $$;
          create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text, created_by text);
          insert into supabase_migrations.schema_migrations (version, name) values ('20200101000000', 'theirs')`,
      });
      const { created } = await database.migrate();
      assert.deepEqual(created, []);
      assert.match(
        (await database.admin`select prosrc from pg_proc where oid = 'auth.uid()'::regprocedure`)[0].prosrc,
        /select null::uuid/,
      );
      assert.equal((await database.admin`select to_regprocedure('auth.jwt()') as found`)[0].found, null);
      assert.equal(
        (await database.admin`select count(*)::int as n from supabase_migrations.schema_migrations`)[0].n,
        versions.length + 1,
      );
    });

    test('an owner that is no superuser, as on Supabase', async () => {
      const database = await open();
      await database.admin.unsafe(`create role landlord login createrole password 'landlord';
        alter database ${database.name} owner to landlord`);
      const address = new URL(database.adminUrl);
      address.username = address.password = 'landlord';
      const url = address.href;
      const { applied } = await database.migrate({ url });
      assert.deepEqual(applied, versions);
      const owner = postgres(url, { max: 1, onnotice: () => {} });
      try {
        await addPeople(owner);
        await database.admin`alter role service_role nobypassrls`;
        // The functions work with the owner's rights, which are no more than that.
        await database.admin.begin(async (tx) => {
          await tx`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${JSON.stringify({ sub: users.admin })}, true)`;
          const given = [{ eventId: '0e000000-0000-4000-8000-000000000002', kind: 'start', at: Date.now() }];
          assert.equal((await tx`select * from tierwise.record_usage(${tx.json(given)}, now())`)[0].verdict, 'stored');
          assert.equal((await tx`select * from tierwise.take('usage', 1)`)[0].allowed, true);
          assert.equal((await tx`select tierwise.effective_config() as it`)[0].it.role, 'admin');
          await tx`insert into tierwise.flags (company_id, name, enabled) values (${companyA}, 'x', true)`;
          assert.equal(
            (await tx`select * from tierwise.usage_summary(current_date - 1, current_date + 1)`)[0].starts,
            '1',
          );
          assert.equal((await tx`select * from tierwise.forget_user(${users.admin})`)[0].deleted, '1');
        });
        await database.admin.begin(async (tx) => {
          await tx`select set_config('role', 'service_role', true)`;
          assert.equal((await tx`select * from tierwise.companies`).length, 2, 'without the right to pass security by');
          await tx`select * from tierwise.apply_retention()`;
        });
      } finally {
        await owner.end();
      }
    });

    test('a database that is not there, a wrong password, a wrong call', () => {
      const cases = [
        [['migrate', '--db', running.server.url('postgres', 'nowhere')], 1],
        [['migrate', '--db', running.server.url().replace(/:[^:@]+@/, ':wrong-password@')], 1],
        [['migrate', '--db', 'postgres://u:hidden@127.0.0.1:1/x', '--json'], 1],
        [['migrate', '--db', 'mysql://x'], 2],
        [['migrate', '--force'], 2],
        [['unmigrate'], 2],
        [[], 2],
        [['--help'], 0],
      ];
      for (const [args, status] of cases) {
        const done = spawnSync(process.execPath, [cli, ...args], {
          encoding: 'utf8',
          env: { ...process.env, DATABASE_URL: '' },
        });
        assert.equal(done.status, status, `${args.join(' ')}: ${done.stderr}`);
        assert.doesNotMatch(done.stdout + done.stderr, /wrong-password|hidden/);
        assert.doesNotMatch(done.stdout + done.stderr, new RegExp(running.server.credentials.postgres));
      }
    });
  });
}

test('the built files are those of the source', () => {
  const built = pathToFileURL(path.join(path.dirname(cli), 'backend/'));
  for (const name of files)
    assert.equal(
      readFileSync(new URL(`migrations/${name}`, built), 'utf8'),
      readFileSync(new URL(`migrations/${name}`, supabase), 'utf8'),
    );
  assert.equal(readFileSync(new URL('seed.sql', built), 'utf8'), readFileSync(new URL('seed.sql', supabase), 'utf8'));
});
