/**
 * What administrators own. `GET /functions/v1/config` is the configuration of the page for this user, with an ETag (304 when
 * nothing changed). Below it, for admins of the company: `GET /config/{kind}` lists its rows and everybody's,
 * `PUT /config/{kind}/{name}` writes the company's own (fields left out stay as they are), `DELETE` takes it back, so that
 * everybody's counts again. Kinds and fields: kinds.ts. Each write leaves its audit row by a trigger. With `?seen=<updatedAt>`
 * (`none`: there was no own row) a `PUT` or `DELETE` happens only if nobody wrote since; else 409 `changed-meanwhile`. Keys
 * have no version: one is put or removed whatever was there.
 * `GET /config/company` is for every member: the company's id, name and rules, and the caller's role in it.
 * `PUT /config/keys/{target}` `{ key }` seals a key; no answer ever holds one.
 */
import { json, Refusal } from '../_shared/answer.ts';
import { readJson } from '../_shared/body.ts';
import { asUser, take, type Transaction } from '../_shared/database.ts';
import { type Call, endpoint } from '../_shared/endpoint.ts';
import { currentSealingKey, seal } from '../_shared/sealed-key.ts';
import { configurationOf } from '../_shared/targets.ts';
import { aboutField, columnsOf, type Kind, kinds, nameOf, wrong } from './kinds.ts';

const kMostBytes = 131_072;
const kMostRows = 1000;

export default { fetch: endpoint('config', { GET: read, PUT: write, DELETE: remove }) };

async function read(call: Call): Promise<Response> {
  const { caller, company, path, request } = call;
  await take(caller, 'config', company);
  if (path === 'company') return readCompany(call);
  if (path !== '') return list(call);
  const configuration = await configurationOf(caller, company);
  const etag = `"${configuration.etag}"`;
  const headers = { etag, 'cache-control': 'private, no-cache', vary: 'authorization, x-tierwise-company' };
  const known = (request.headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) ? new Response(undefined, { status: 304, headers }) : json(configuration, 200, headers);
}

/** For every member: which company this is, and what they are in it. */
async function readCompany({ caller, company }: Call): Promise<Response> {
  const [row] = await asUser(
    caller,
    (sql) => sql`select c.id, c.name, case when tierwise.is_admin(c.id) then 'admin' else 'member' end as role,
      c.keeps_text as "keepsText", c.retention_days as "retentionDays", c.totals_days as "totalsDays", ${updated(sql, 'c')}
      from tierwise.companies c where c.id = tierwise.resolve_company(${company ?? null})`,
  );
  if (row === undefined) throw new Refusal(403, 'not-a-member', 'You are in no company.');
  return json(row);
}

async function list({ caller, company, path, query }: Call): Promise<Response> {
  return asUser(caller, async (sql) => {
    const own = await adminsCompany(sql, company);
    if (path === 'keys') {
      const rows = await sql`select target, key_id as "sealedBy", hint, updated_at as "updatedAt" from tierwise.secrets
        where company_id = ${own} order by target`;
      return json({ rows });
    }
    if (path === 'audit') {
      const before = query.get('before');
      if (before !== null && !/^\d{1,15}$/.test(before))
        throw new Refusal(400, 'invalid-field', 'before must be an id.');
      const rows =
        await sql`select id, at, actor, acting_role as "actingRole", action, table_name as "table", before, after
        from tierwise.audit where company_id = ${own} and id < ${before ?? '9223372036854775807'}::bigint
        order by id desc limit 100`;
      return json({ rows });
    }
    if (path === 'deployments') {
      const rows = await sql`select d.id, s.id as "spaceId", s.space_type as tier, d.deployment_status as status,
          d.created_at as "createdAt", d.updated_at as "updatedAt"
        from public.hf_deployments d join public.hf_spaces_config s on s.id = d.space_id
        where s.company_id = ${own} or s.company_id is null order by d.created_at desc limit 100`;
      return json({ rows });
    }
    const kind = kindOf(path);
    const rows =
      await sql`select ${sql(selected(kind))}, ${updated(sql)}, company_id is not null as own from ${sql(kind.table)} t
      where company_id = ${own} or company_id is null order by ${sql(kind.name.column)}, own desc limit ${kMostRows}`;
    return json({ rows: rows.map((row) => shown(kind, row)) });
  });
}

async function write({ caller, company, path, query, request }: Call): Promise<Response> {
  await take(caller, 'config', company);
  const [first = '', ...rest] = path.split('/');
  const named = decoded(rest.join('/'));
  const body = await readJson(request, kMostBytes);
  if (first === 'keys') return putKey(caller, company, named, body);
  if (first === 'company') {
    const columns = columnsOf(companyFields, body, false);
    return asUser(caller, async (sql) => {
      const own = await adminsCompany(sql, company);
      const [known] = await sql<Seen[]>`select ${updated(sql)} from tierwise.companies t where id = ${own} for update`;
      unchanged(query, known);
      const [now = known] =
        Object.keys(columns).length === 0
          ? []
          : await sql<
              Seen[]
            >`update tierwise.companies t set ${sql(columns)} where id = ${own} returning ${updated(sql)}`;
      return json({ success: true, ...now });
    }).catch((error: unknown) => {
      throw aboutField('tierwise.companies', companyFields, error);
    });
  }
  const kind = kindOf(first);
  const name = nameOf(kind, named);
  return asUser(caller, async (sql) => {
    const own = await adminsCompany(sql, company);
    const known = await ownRow(sql, kind, own, name);
    unchanged(query, known);
    const columns = columnsOf(kind.fields, body, known === undefined);
    const values = jsonValues(sql, kind, columns);
    const rows =
      known === undefined
        ? await sql`insert into ${sql(kind.table)} ${sql({ company_id: own, [kind.name.column]: name, ...values })}
            returning ${sql(selected(kind))}, true as own, ${updated(sql, kind.table)}`
        : Object.keys(values).length === 0
          ? await sql`select ${sql(selected(kind))}, true as own, ${updated(sql)} from ${sql(kind.table)} t where id = ${known.id}`
          : await sql`update ${sql(kind.table)} t set ${sql(values)} where id = ${known.id}
              returning ${sql(selected(kind))}, true as own, ${updated(sql)}`;
    return json({ success: true, row: rows[0] === undefined ? undefined : shown(kind, rows[0]) });
  }).catch((error: unknown) => {
    throw aboutField(kind.table, kind.fields, error);
  });
}

async function remove({ caller, company, path, query }: Call): Promise<Response> {
  await take(caller, 'config', company);
  const [first = '', ...rest] = path.split('/');
  const named = decoded(rest.join('/'));
  return asUser(caller, async (sql) => {
    const own = await adminsCompany(sql, company);
    if (first === 'keys') {
      const gone = await sql`delete from tierwise.secrets where company_id = ${own} and target = ${named} returning id`;
      return json({ success: true, removed: gone.length });
    }
    const kind = kindOf(first);
    const name = nameOf(kind, named);
    const known = await ownRow(sql, kind, own, name);
    unchanged(query, known);
    if (known === undefined) return json({ success: true, removed: 0 });
    // A Space that was deployed to keeps its history: it is switched off.
    const gone = kind.active
      ? await sql`update ${sql(kind.table)} set is_active = false
          where company_id = ${own} and ${sql(kind.name.column)} = ${name} and is_active returning id`
      : await sql`delete from ${sql(kind.table)} where company_id = ${own} and ${sql(kind.name.column)} = ${name} returning id`;
    return json({ success: true, removed: gone.length });
  });
}

async function putKey(
  caller: Call['caller'],
  company: string | undefined,
  target: string,
  body: Record<string, unknown>,
): Promise<Response> {
  const { key } = body;
  if (!/^(router|openai|space:(base|company|abstraction|user))$/.test(target))
    throw new Refusal(400, 'invalid-field', 'A key is for router, openai or space:<tier>.');
  // What may stand in a header, and long enough to be a key.
  if (typeof key !== 'string' || !/^[\x21-\x7e]{8,4096}$/.test(key))
    throw wrong('key', 'key must be text of 8 to 4096 characters without spaces.');
  const keyId = currentSealingKey();
  return asUser(caller, async (sql) => {
    const own = await adminsCompany(sql, company);
    const sealed = await seal(key, { company: own, target }, keyId);
    const hint = key.length >= 16 ? key.slice(-4) : null;
    await sql`select tierwise.put_secret(${target}, ${sealed}, ${keyId}, ${hint}, ${own})`;
    return json({ success: true, target, hint });
  });
}

const companyFields: Kind['fields'] = {
  name: { column: 'name', is: 'text', required: true, must: 'be text of 1 to 200 characters' },
  keepsText: { column: 'keeps_text', is: 'boolean', required: true },
  retentionDays: { column: 'retention_days', is: 'integer', required: true, must: 'be 1 to 3,650 days' },
  totalsDays: { column: 'totals_days', is: 'integer', required: true, must: 'be 1 to 36,500 days' },
};

async function adminsCompany(sql: Transaction, company: string | undefined): Promise<string> {
  const [row] = await sql<{ id: string; admin: boolean }[]>`
    select c.id, tierwise.is_admin(c.id) as admin from (select tierwise.resolve_company(${company ?? null}) as id) c`;
  if (row?.admin !== true) throw new Refusal(403, 'not-an-admin', 'Only administrators of the company may do this.');
  return row.id;
}

/** When the row was last written, to the microsecond; null in a host's table that does not say. */
function updated(sql: Transaction, table = 't') {
  return sql`to_jsonb(${sql(table.replace(/^\w+\./, ''))}) ->> 'updated_at' as "updatedAt"`;
}

interface Seen {
  updatedAt: string | null;
}

/** The company's own row that counts, locked until the transaction ends. */
async function ownRow(
  sql: Transaction,
  kind: Kind,
  own: string,
  name: string,
): Promise<(Seen & { id: string }) | undefined> {
  const [row] = await sql<(Seen & { id: string })[]>`select id, ${updated(sql)} from ${sql(kind.table)} t
    where company_id = ${own} and ${sql(kind.name.column)} = ${name} ${kind.active ? sql`and is_active` : sql``}
    order by ${sql(kind.newest)} desc limit 1 for update`;
  return row;
}

function unchanged(query: URLSearchParams, known: Seen | undefined): void {
  const seen = query.get('seen');
  if (seen === null || seen === (known === undefined ? 'none' : known.updatedAt)) return;
  throw new Refusal(
    409,
    'changed-meanwhile',
    'Somebody else changed this since you opened it. It stands as they left it.',
  );
}

function kindOf(path: string): Kind {
  const kind = Object.hasOwn(kinds, path) ? kinds[path] : undefined;
  if (kind === undefined) throw new Refusal(404, 'no-such-kind', 'There is no such kind of configuration.');
  return kind;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(400, 'invalid-field', 'The name in the address is not valid.');
  }
}

function selected(kind: Kind): string[] {
  return [
    'id',
    kind.name.column,
    ...Object.values(kind.fields).map(({ column }) => column),
    ...(kind.active ? ['is_active'] : []),
  ];
}

function shown(kind: Kind, row: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(kind.fields).map(([name, { column }]) => [name, row[column]]);
  return {
    id: row.id,
    [kind.name.field]: row[kind.name.column],
    ...Object.fromEntries(fields),
    ...(kind.active && { active: row.is_active }),
    own: row.own,
    updatedAt: row.updatedAt,
  };
}

function jsonValues(sql: Transaction, kind: Kind, columns: Record<string, unknown>): Record<string, never> {
  const asJson = new Set(
    Object.values(kind.fields).flatMap(({ is, column }) => (is === 'json' || is === 'object' ? [column] : [])),
  );
  return Object.fromEntries(
    Object.entries(columns).map(([column, value]) => [column, asJson.has(column) ? sql.json(value as never) : value]),
  ) as Record<string, never>;
}
