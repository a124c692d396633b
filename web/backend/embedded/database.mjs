/**
 * The backend's database, ready for requests: the embedded PostgreSQL (postgres.mjs) or any other, its schema brought up to
 * date, and the role that the functions log in as. It owns nothing and may do nothing by itself; it may only become
 * `anon`, `authenticated` or `service_role`, which each request does.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import path from 'node:path';

import postgres from 'postgres';

import { migrate } from '../../../dist/backend/migrate.mjs';
import { keptOnce } from './kept-file.mjs';
import { startPostgres } from './postgres.mjs';

const kDatabase = 'tierwise';
const supabase = new URL('../supabase/', import.meta.url);
const schema = { migrations: new URL('migrations/', supabase), seedFile: new URL('seed.sql', supabase) };

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
      const migrated = await migrate({ url: server.url('postgres', kDatabase), ...schema });
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

/**
 * The same in a database that is somebody's own, at `adminUrl`. Nothing of theirs is changed: the login is a role whose
 * name, made at random, and password are kept in `login.json` of the folder; the server is only told what proves the
 * password (SCRAM), so that none of its logs can hold it.
 */
export async function useDatabase(adminUrl, folder) {
  if (!URL.canParse(adminUrl) || !/^postgres(ql)?:$/.test(new URL(adminUrl).protocol) || !new URL(adminUrl).hostname)
    throw new Error('DATABASE_URL must be postgres://user:password@host:port/database.');
  const login = keptOnce(path.join(folder, 'login.json'), () => ({
    role: `tierwise_functions_${randomBytes(4).toString('hex')}`,
    password: randomBytes(24).toString('hex'),
  }));
  if (!/^tierwise_functions_[0-9a-f]{8}$/.test(login.role) || !/^[0-9a-f]{48}$/.test(login.password))
    throw new Error(`${path.join(folder, 'login.json')} is not what was written there. Delete it: a new one is made.`);
  const migrated = await migrate({ url: adminUrl, ...schema });
  const sql = postgres(adminUrl, { max: 1, prepare: false, onnotice: () => {} });
  try {
    const found = await sql`select from pg_roles where rolname = ${login.role}`;
    if (found.length === 0)
      await sql.unsafe(`create role ${login.role} login noinherit password '${proofOf(login.password)}'`);
    await sql.unsafe(`grant anon, authenticated, service_role to ${login.role}`);
  } finally {
    await sql.end({ timeout: 5 });
  }
  const url = new URL(adminUrl);
  // A pooler of Supabase finds the project by what follows the role's name.
  const project = /\..+$/.exec(decodeURIComponent(url.username))?.[0] ?? '';
  url.username = `${login.role}${project}`;
  url.password = login.password;
  await canLogIn(url.href);
  return { migrated, url: url.href, adminUrl, stop: async () => {} };
}

async function canLogIn(url) {
  const sql = postgres(url, { max: 1, prepare: false, onnotice: () => {}, connect_timeout: 10 });
  try {
    await sql`select`;
  } catch (error) {
    throw new Error(`The role of the functions cannot log in (${error.message}). Does pg_hba.conf allow it?`, {
      cause: error,
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** What PostgreSQL keeps of a password: RFC 5803, with its own number of rounds. */
function proofOf(password) {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256');
  const keyed = (name) => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64');
  return `SCRAM-SHA-256$4096:${salt.toString('base64')}$${stored}:${keyed('Server Key').toString('base64')}`;
}
