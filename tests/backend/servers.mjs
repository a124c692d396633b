/**
 * The servers that the backend is tested on: PostgreSQL 17 from npm, as `npm start` runs it, and Debian's 15. Each test file
 * has clusters of its own in a temporary folder, and as many databases as it asks for.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import postgres from 'postgres';

import { migrate } from '../../dist/backend/migrate.mjs';
import { allowLogin } from '../../web/backend/embedded/database.mjs';
import { startPostgres } from '../../web/backend/embedded/postgres.mjs';

export const supabase = new URL('../../web/backend/supabase/', import.meta.url);
const kDebian = '/usr/lib/postgresql/15';

export const kinds = [
  { name: 'PostgreSQL 17 (npm)', options: {} },
  { name: 'PostgreSQL 15 (Debian)', options: { installation: { folder: kDebian, version: 15 } } },
].filter(({ options }) => {
  if (options.installation === undefined || existsSync(path.join(kDebian, 'bin/postgres'))) return true;
  console.log(`skipped: ${kDebian} is not there (apt-get install postgresql-15)`);
  return false;
});

/** A folder that the server's user may enter, deleted by `remove`. */
export function temporaryFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tierwise-backend-'));
  chmodSync(folder, 0o755);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Starts one kind; `stop()` also deletes its data. Not fsynced: what a test makes need not survive the machine. */
export async function startServer({ options }, more = {}) {
  const { folder, remove } = temporaryFolder();
  try {
    const server = await startPostgres({ folder, settings: { fsync: 'off' }, ...options, ...more });
    return {
      server,
      async stop() {
        await server.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

let made = 0;
/** A new database: `before` runs SQL in it first; without `migrated` it stays without our schema. */
export async function newDatabase(server, { before, migrated = true } = {}) {
  made += 1;
  const name = `test_${String(process.pid)}_${String(made)}`;
  const root = postgres(server.url(), { max: 1, onnotice: () => {} });
  await root.unsafe(`create database ${name}`);
  await root.end();
  const adminUrl = server.url('postgres', name);
  const admin = postgres(adminUrl, { max: 4, onnotice: () => {} });
  if (before !== undefined) await admin.unsafe(before);
  const clients = [admin];
  const database = {
    name,
    admin,
    adminUrl,
    migrate: (options = {}) =>
      migrate({
        url: adminUrl,
        migrations: new URL('migrations/', supabase),
        seedFile: new URL('seed.sql', supabase),
        ...options,
      }),
    /** Runs `task(tx)` as a request does: `user` undefined is anonymous, `role` the role that the functions take. */
    as(user, task, { role = user === undefined ? 'anon' : 'authenticated', undo = false } = {}) {
      const claims = user === undefined ? { role: 'anon' } : { sub: user, role };
      let answer;
      return database.pool
        .begin(async (tx) => {
          await tx`select set_config('role', ${role}, true), set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
          answer = await task(tx);
          if (undo) throw new Undo();
        })
        .catch((error) => {
          if (!(error instanceof Undo)) throw error;
        })
        .then(() => answer);
    },
    async close() {
      await Promise.all(clients.map((client) => client.end({ timeout: 5 })));
    },
  };
  if (migrated) {
    await database.migrate();
    await allowLogin(admin, server.credentials.authenticator);
    database.pool = postgres(server.url('authenticator', name), { max: 10, onnotice: () => {} });
    clients.push(database.pool);
  }
  return database;
}
class Undo extends Error {}

/** What Supabase does to every new table of `public`: the migrations must take it back. */
export const supabaseDefaults = `
  do $$
  declare wanted text;
  begin
    foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
      if not exists (select from pg_roles where rolname = wanted) then
        execute format('create role %I nologin noinherit', wanted);
      end if;
    end loop;
  end $$;
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
  alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;`;

export const companyA = 'aaaaaaaa-0000-4000-8000-000000000000';
export const companyB = 'bbbbbbbb-0000-4000-8000-000000000000';
export const users = {
  admin: 'aaaaaaaa-0000-4000-8000-000000000001',
  member: 'aaaaaaaa-0000-4000-8000-000000000002',
  colleague: 'aaaaaaaa-0000-4000-8000-000000000003',
  stranger: 'bbbbbbbb-0000-4000-8000-000000000001',
  nobody: 'cccccccc-0000-4000-8000-000000000001',
};
/** Two companies: an admin and two members in A, an admin in B. */
export async function addPeople(sql) {
  await sql`insert into tierwise.companies (id, name) values (${companyA}, 'A'), (${companyB}, 'B')`;
  await sql`insert into tierwise.members (company_id, user_id, role) values
    (${companyA}, ${users.admin}, 'admin'), (${companyA}, ${users.member}, 'member'),
    (${companyA}, ${users.colleague}, 'member'), (${companyB}, ${users.stranger}, 'admin')`;
}
