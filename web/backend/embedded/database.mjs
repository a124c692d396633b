/**
 * The backend's database, ready for requests: the embedded PostgreSQL (postgres.mjs), its schema brought up to date, and
 * the role that the functions log in as. `authenticator` owns nothing and may do nothing by itself; it may only become
 * `anon`, `authenticated` or `service_role`, which each request does.
 */
import postgres from 'postgres';

import { migrate } from '../../../dist/backend/migrate.mjs';
import { startPostgres } from './postgres.mjs';

const kDatabase = 'tierwise';
const supabase = new URL('../supabase/', import.meta.url);

/**
 * `{ url, adminUrl, stop(), server, migrated }`: `url` is the authenticator's, `adminUrl` the owner's, for migrations and
 * development only. Options are those of `startPostgres`.
 */
export async function startDatabase(options = {}) {
  const server = await startPostgres(options);
  try {
    const sql = postgres(server.url(), { max: 1, onnotice: () => {} });
    try {
      const found = await sql`select from pg_database where datname = ${kDatabase}`;
      if (found.length === 0) await sql`create database ${sql(kDatabase)}`;
      const migrated = await migrate({
        url: server.url('postgres', kDatabase),
        migrations: new URL('migrations/', supabase),
        seedFile: new URL('seed.sql', supabase),
      });
      await allowLogin(sql, server.credentials.authenticator);
      return {
        server,
        migrated,
        url: server.url('authenticator', kDatabase),
        adminUrl: server.url('postgres', kDatabase),
        stop: () => server.stop(),
      };
    } finally {
      await sql.end({ timeout: 5 });
    }
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Makes the login role. `password` is ours, of hexadecimal digits: the statement takes no parameters. */
export async function allowLogin(sql, password) {
  if (!/^[0-9a-f]+$/.test(password)) throw new Error('The password of the authenticator must be hexadecimal.');
  const found = await sql`select from pg_roles where rolname = 'authenticator'`;
  if (found.length === 0) await sql`create role authenticator`;
  await sql.unsafe(`alter role authenticator login noinherit password '${password}'`);
  await sql`grant anon, authenticated, service_role to authenticator`;
}
