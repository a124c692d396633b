/**
 * The database as one caller sees it: each task is one transaction with the role and the claims of its user, so that
 * row-level security decides. `asService` is for what no user may read: sealed keys and prices by call.
 * Errors of the database become Refusals by their SQLSTATE; their texts, which may hold values, are never told.
 */
import postgres from 'npm:postgres@3.4.9';

import { Refusal } from './answer.ts';
import { settings } from './settings.ts';
import type { Caller } from './token.ts';

export type Transaction = postgres.TransactionSql<{ number: number }>;
const kStatementLimitMs = 15_000;

let pool: postgres.Sql<{ number: number }> | undefined;

function database(): postgres.Sql<{ number: number }> {
  if (pool !== undefined) return pool;
  const { databaseUrl } = settings();
  pool = postgres(databaseUrl, {
    max: 10,
    idle_timeout: 60,
    connect_timeout: 10,
    onnotice: () => {},
    // The transaction pooler of Supabase cannot keep statements.
    prepare: new URL(databaseUrl).port !== '6543',
    connection: { application_name: 'tierwise-functions' },
    // bigint and numeric as numbers: counts and dollars of a summary are far below 2^53.
    types: { number: { to: 1700, from: [20, 1700], serialize: String, parse: Number } },
  });
  return pool;
}

export function asUser<T>(caller: Caller, task: (sql: Transaction) => Promise<T>): Promise<T> {
  return inRole('authenticated', { ...caller.claims, sub: caller.id, role: 'authenticated' }, task);
}

export function asService<T>(task: (sql: Transaction) => Promise<T>): Promise<T> {
  return inRole('service_role', { role: 'service_role' }, task);
}

async function inRole<T>(role: string, claims: unknown, task: (sql: Transaction) => Promise<T>): Promise<T> {
  try {
    return (await database().begin(async (sql) => {
      // Waited for: statements are already checked when they are prepared, which the driver does ahead.
      await sql`select set_config('role', ${role}, true), set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
        set_config('statement_timeout', ${String(kStatementLimitMs)}, true)`;
      return task(sql);
    })) as T;
  } catch (error) {
    throw refusalOf(error);
  }
}

/** Takes from the limits of that name, in a transaction of its own. */
export async function take(caller: Caller, name: string, company: string | undefined, amount = 1): Promise<void> {
  const [left] = await asUser(
    caller,
    (sql) => sql<{ allowed: boolean; retry_after_ms: number }[]>`
      select * from tierwise.take(${name}, ${amount}, ${company ?? null})`,
  );
  if (left?.allowed !== true) {
    const seconds = Math.max(1, Math.ceil((left?.retry_after_ms ?? 1000) / 1000));
    throw new Refusal(429, 'rate-limited', `Too many requests. Try again in ${String(seconds)} s.`, {
      'retry-after': String(seconds),
    });
  }
}

const byState: [RegExp, number, string, string][] = [
  [/^28/, 401, 'not-signed-in', 'Sign in first.'],
  [/^42501$/, 403, 'not-allowed', 'You are not allowed to do this.'],
  [/^54000$/, 413, 'too-large', 'Too much at once: send less.'],
  [/^(22|23502|23514|54001)/, 400, 'invalid-field', 'A field has a value that is not allowed.'],
  [/^235|^23P/, 409, 'conflict', 'This is already there, or something still depends on it.'],
  [/^(42P01|42883|42703|3F000|3D000)$/, 503, 'not-migrated', 'The database lacks the schema of this version.'],
  [/^(57014|40001|40P01|55P03)$/, 503, 'busy', 'The database is busy. Try again.'],
  [
    /^(08|53|57P)|^(CONN|E(CONN|PIPE|HOST|NET|NOTFOUND|AI_|TIMEDOUT))/,
    503,
    'database-unavailable',
    'The database cannot be reached.',
  ],
];

export function refusalOf(error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const {
    code,
    message,
    constraint_name: constraint,
  } = error as { code?: unknown; message?: unknown; constraint_name?: unknown };
  if (typeof code !== 'string') return error;
  const [, status, name, told] = byState.find(([state]) => state.test(code)) ?? [];
  if (status === undefined || name === undefined || told === undefined) return error;
  // What our own functions raise is a name for it.
  const own = typeof message === 'string' && /^[a-z]+(-[a-z]+)+$/.test(message) ? message : name;
  const where = typeof constraint === 'string' && status === 400 ? ` (${constraint})` : '';
  const refusal = new Refusal(
    status,
    own,
    told.replace(/\.$/, `${where}.`),
    status === 503 ? { 'retry-after': '2' } : {},
  );
  if (where !== '') refusal.constraint = String(constraint);
  return refusal;
}
