/**
 * Brings the schema of the backend into a PostgreSQL, 15 or newer: Supabase's, the embedded one, or any other.
 *
 * - Creates only what is missing. On a plain PostgreSQL that is also the roles `anon`, `authenticated` and `service_role`
 *   and a schema `auth` with `uid()` and `jwt()`; a schema `auth` that is there is left as it is.
 * - Each migration and its row in `supabase_migrations.schema_migrations` (the Supabase CLI's table) are one transaction,
 *   under a lock: killed half-way it has not happened, and of two at once the second finds it done.
 * - A dry run does all of it in one transaction and rolls it back, so that what would fail fails there. It waits for locks
 *   of others for 3 s at most.
 */
import { readFile, readdir } from 'node:fs/promises';

import postgres from 'postgres';

export interface MigrateOptions {
  /** `postgres://user:password@host:port/database`. A direct or session connection; a transaction pooler will do too. */
  url: string;
  /** Folder of `<14 digits>_name.sql`. */
  migrations: URL;
  /** What an installation begins with; run with the first migration, or whenever `seed` is true. */
  seedFile?: URL;
  seed?: boolean;
  dryRun?: boolean;
  /** Told of each step. */
  say?: (text: string) => void;
}
export interface MigrateResult {
  /** Versions that were recorded by this run (by a dry run: that would have been). */
  applied: string[];
  /** Versions that were there. */
  present: string[];
  /** Roles and schemas created. */
  created: string[];
  seeded: boolean;
  /** What the database's owner should look at. */
  warnings: string[];
}
export interface Migration {
  version: string;
  name: string;
  text: string;
}
type Transaction = postgres.TransactionSql;

/** Of `pg_advisory_xact_lock`: any number, the same in every version. */
const kLock = 7_305_116_229;
export const kOldest = 150_000;

/** The driver, so that the built command has it once. */
export { postgres };

export class MigrateError extends Error {
  override name = 'MigrateError';
}
class Rollback extends Error {}

export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const migrations = await readMigrations(options.migrations);
  const seed = options.seedFile === undefined ? undefined : await readFile(options.seedFile, 'utf8');
  const sql = postgres(options.url, {
    max: 1,
    prepare: false,
    connect_timeout: 15,
    onnotice: () => undefined,
    connection: { application_name: 'tierwise migrate' },
  });
  const result: MigrateResult = { applied: [], present: [], created: [], seeded: false, warnings: [] };
  try {
    const dryRun = options.dryRun === true;
    const steps: ((tx: Transaction) => Promise<void>)[] = [
      (tx) => prepare(tx, result),
      ...migrations.map((migration) => (tx: Transaction) => apply(tx, migration, result, options.say)),
      async (tx) => {
        const first = migrations[0];
        const fresh = first !== undefined && result.applied.includes(first.version);
        if (seed === undefined || options.seed === false || (!fresh && options.seed !== true)) return;
        await tx.unsafe(seed);
        result.seeded = true;
      },
      async (tx) => {
        result.warnings.push(...(await warnings(tx)));
      },
    ];
    if (dryRun) {
      await sql
        .begin(async (tx) => {
          await tx`set local lock_timeout = '3s'`;
          for (const step of steps) await locked(tx, step);
          throw new Rollback();
        })
        .catch((error: unknown) => {
          if (!(error instanceof Rollback)) throw error;
        });
    } else {
      for (const step of steps) await sql.begin((tx) => locked(tx, step));
    }
    return result;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function locked(tx: Transaction, step: (tx: Transaction) => Promise<void>): Promise<void> {
  await tx`set local client_min_messages = 'error'`;
  await tx`select pg_advisory_xact_lock(${String(kLock)}::bigint)`;
  await step(tx);
}

export async function readMigrations(folder: URL): Promise<Migration[]> {
  const found: Migration[] = [];
  for (const file of (await readdir(folder)).sort()) {
    // As the Supabase CLI reads them.
    const match = /^(\d+)_(.*)\.sql$/.exec(file);
    if (match === null) continue;
    found.push({ version: match[1]!, name: match[2]!, text: await readFile(new URL(file, folder), 'utf8') });
  }
  if (found.length === 0) throw new MigrateError(`There are no migrations in ${folder.pathname}.`);
  return found;
}

/** What Supabase has and a plain PostgreSQL lacks, and the version table. */
async function prepare(tx: Transaction, result: MigrateResult): Promise<void> {
  const [server] = await tx<{ number: number; version: string }[]>`
    select current_setting('server_version_num')::integer as number, current_setting('server_version') as version`;
  if (server!.number < kOldest) throw new MigrateError(`PostgreSQL 15 or newer is needed; this is ${server!.version}.`);

  for (const role of ['anon', 'authenticated', 'service_role']) {
    if ((await tx`select from pg_roles where rolname = ${role}`).length > 0) continue;
    const bypass = role === 'service_role' ? ' bypassrls' : '';
    try {
      await tx.savepoint((inner) => inner.unsafe(`create role ${role} nologin noinherit${bypass}`));
    } catch (error) {
      if (!isPostgres(error, '42501')) throw error;
      // Every table also has a policy for the service role: it needs no right to pass them by.
      await tx.savepoint((inner) => inner.unsafe(`create role ${role} nologin noinherit`));
    }
    result.created.push(`role ${role}`);
  }

  const [auth] = await tx<{ schema: boolean; uid: boolean }[]>`
    select to_regnamespace('auth') is not null as schema, to_regprocedure('auth.uid()') is not null as uid`;
  if (!auth!.schema) {
    await tx.unsafe(authStub);
    result.created.push('schema auth');
  } else if (!auth!.uid) {
    throw new MigrateError(
      'This database has a schema "auth" without a function auth.uid(), and it is not touched. Create auth.uid() (the user of the request, uuid) there first.',
    );
  }

  const [versions] = await tx<{ found: string | null }[]>`
    select to_regclass('supabase_migrations.schema_migrations')::text as found`;
  if (versions!.found === null) result.created.push('table supabase_migrations.schema_migrations');
  await tx.unsafe(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;`);
}

async function apply(
  tx: Transaction,
  { version, name, text }: Migration,
  result: MigrateResult,
  say: ((text: string) => void) | undefined,
): Promise<void> {
  const done = await tx`select from supabase_migrations.schema_migrations where version = ${version}`;
  if (done.length > 0) {
    result.present.push(version);
    return;
  }
  say?.(`${version} ${name}`);
  try {
    await tx.unsafe(text);
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    const more = [error.detail, error.hint].filter((part) => part !== undefined).join(' ');
    throw new MigrateError(`${version}_${name}.sql: ${error.message}${more === '' ? '' : ` (${more})`}`, {
      cause: error,
    });
  }
  await tx`insert into supabase_migrations.schema_migrations (version, name, statements)
    values (${version}, ${name}, array[${text}])`;
  result.applied.push(version);
}

async function warnings(tx: Transaction): Promise<string[]> {
  const rows = await tx<
    { name: string; of_host: boolean; row_security: boolean; anonymous_reads: boolean; unfilled: string[] }[]
  >`select * from tierwise.host_report() where of_host`;
  return rows.flatMap(({ name, row_security: secured, anonymous_reads: open, unfilled }) => [
    ...(secured ? [] : [`public.${name} was there before and has no row-level security; Tierwise leaves that to you.`]),
    ...(open ? [`public.${name} can be read without signing in.`] : []),
    ...(name === 'llm_observations' && unfilled.length > 0
      ? [
          `public.${name} needs values that Tierwise does not have (${unfilled.join(', ')}): give these columns a default, or usage cannot be stored.`,
        ]
      : []),
  ]);
}

function isPostgres(error: unknown, code: string): boolean {
  return error instanceof postgres.PostgresError && error.code === code;
}

/** What Supabase has under these names, for a plain PostgreSQL. */
const authStub = `
create schema auth;
create function auth.jwt() returns jsonb language sql stable set search_path = ''
as $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
create function auth.uid() returns uuid language sql stable set search_path = ''
as $$ select nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid $$;
create function auth.role() returns text language sql stable set search_path = ''
as $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $$;
revoke all on schema auth from public;
revoke all on all functions in schema auth from public;
grant usage on schema auth to anon, authenticated, service_role;
grant execute on all functions in schema auth to anon, authenticated, service_role;
`;
