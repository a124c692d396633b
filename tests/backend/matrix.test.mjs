/**
 * Who may do what: every table x role x verb x whose row, tried as requests do it. The tables come from the catalogue, so a
 * new one fails until it has a sample and its rights below; what is not granted below must be refused.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { addPeople, companyA, companyB, kinds, newDatabase, startServer, supabaseDefaults, users } from './servers.mjs';

/**
 * Rights by whose row it is. `own`: the caller's in the own company; `same`: another's there, or of a table without users
 * the company's; `all`: a row that counts for every company. Other companies' rows: nothing for anybody but the service.
 * s select, i insert, u update, d delete.
 */
const configuration = { member: { same: 's', all: 's' }, admin: { same: 'siud', all: 's' }, service: 'siud' };
const usage = { member: { own: 's' }, admin: { own: 's', same: 's' }, service: 'siud' };
const rights = {
  'public.model_registry': configuration,
  'public.hf_spaces_config': configuration,
  'public.hf_deployments': configuration,
  'public.huggingface_models': configuration,
  'tierwise.flags': configuration,
  'tierwise.settings': configuration,
  'tierwise.prices': configuration,
  'tierwise.rate_limits': { member: { same: 's', all: 's' }, admin: { same: 's', all: 's' }, service: 'siud' },
  'tierwise.secrets': { admin: { same: 'sd' }, service: 'siud' },
  'tierwise.rate_buckets': { service: 'siud' },
  'tierwise.companies': { member: { same: 's' }, admin: { same: 'su' }, service: 'siud' },
  'tierwise.members': { member: { own: 's' }, admin: { own: 'siud', same: 'siud' }, service: 'siud' },
  'tierwise.audit': { admin: { same: 's' }, service: 's' },
  'tierwise.host_tables': { service: 's' },
  'public.llm_observations': { member: { own: 's' }, admin: { own: 's', same: 's' }, service: 'sid' },
  'tierwise.usage_daily': { admin: { same: 's' }, service: 'siud' },
  'tierwise.usage_by_user': usage,
  'tierwise.usage_latency': { admin: { same: 's' }, service: 'siud' },
  'tierwise.feedback': usage,
};

const spaces = { [companyA]: randomUUID(), [companyB]: randomUUID(), all: randomUUID() };
let count = 0;
const unique = () => (count += 1);
const word = () => `word${String(unique())}`;
/** A row of each table; `company` undefined: for all companies. `key` gives the row a primary key of its own. */
const samples = {
  'public.model_registry': ({ company }) => ({ id: randomUUID(), company_id: company, model_name: word() }),
  'public.hf_spaces_config': ({ company }) => ({
    id: randomUUID(),
    company_id: company,
    space_name: word(),
    space_type: 'base',
    api_endpoint: '/api/generate',
    is_active: false,
    options: {},
  }),
  'public.hf_deployments': ({ company }) => ({
    id: randomUUID(),
    space_id: spaces[company ?? 'all'],
    deployment_status: 'pending',
  }),
  'public.huggingface_models': ({ company }) => ({
    id: randomUUID(),
    company_id: company,
    model_id: `owner/${word()}`,
    task: 'text-generation',
    is_enabled: true,
  }),
  'tierwise.flags': ({ company }) => ({
    id: randomUUID(),
    company_id: company,
    name: word(),
    enabled: true,
    visible: true,
  }),
  'tierwise.settings': ({ company, seed }) => ({
    id: randomUUID(),
    company_id: company,
    key: seed ? 'wake' : 'timeouts',
    value: seed ? 'wait' : {},
  }),
  'tierwise.prices': ({ company }) => ({
    id: randomUUID(),
    company_id: company,
    provider: 'router',
    model: word(),
    per_image: 1,
    valid_from: '2026-01-01T00:00:00Z',
  }),
  'tierwise.secrets': ({ company }) => ({
    company_id: company,
    target: word(),
    sealed: `\\x01${'00'.repeat(40)}`,
    key_id: 'k1',
  }),
  'tierwise.rate_limits': ({ company }) => ({
    id: randomUUID(),
    company_id: company,
    name: word(),
    counted_by: 'user',
    per_minute: 1,
    burst: 1,
  }),
  'tierwise.rate_buckets': ({ company }) => ({
    company_id: company,
    name: word(),
    holder: randomUUID(),
    remaining: 1,
    filled_at: '2026-01-01T00:00:00Z',
  }),
  'tierwise.companies': ({ company, seed }) => ({ id: seed ? company : randomUUID(), name: word() }),
  'tierwise.members': ({ company, user, seed }) => ({
    company_id: company,
    user_id: seed ? user : randomUUID(),
    role: 'member',
  }),
  'tierwise.audit': ({ company }) => ({
    company_id: company,
    acting_role: 'x',
    at: '2026-01-01T00:00:00Z',
    action: 'insert',
    table_name: word(),
  }),
  'tierwise.host_tables': () => ({ name: word(), noticed_at: '2026-01-01T00:00:00Z' }),
  'public.llm_observations': ({ company, user }) => ({
    event_id: randomUUID(),
    company_id: company,
    user_id: user,
    kind: 'start',
    at: new Date().toISOString(),
    received_at: new Date().toISOString(),
  }),
  'tierwise.usage_daily': ({ company }) => ({ ...group(company), slot: 0, ...counts }),
  'tierwise.usage_by_user': ({ company, user }) => ({ ...group(company), user_id: user, ...counts }),
  'tierwise.usage_latency': ({ company }) => ({
    company_id: company,
    day: '2026-01-01',
    slot: 0,
    tier: '',
    provider: '',
    model: word(),
    measure: 'total',
    bucket: 1,
    calls: 1,
  }),
  'tierwise.feedback': ({ company, user }) => ({
    event_id: randomUUID(),
    company_id: company,
    user_id: user,
    reply_id: 'r',
    verdict: 'up',
    at: '2026-01-01T00:00:00Z',
    received_at: '2026-01-01T00:00:00Z',
  }),
};
const group = (company) => ({
  company_id: company,
  day: '2026-01-01',
  tier: '',
  provider: '',
  model: word(),
  source: '',
});
const counts = Object.fromEntries(
  [
    'starts',
    'completes',
    'errors',
    'hits',
    'cancels',
    'input_tokens',
    'output_tokens',
    'images',
    'cost',
    'saved',
    'unpriced',
  ].map((name) => [name, 0]),
);

/** Table -> role -> a column that it may update. */
const updatable = {};
/** Runs each statement as the caller, undoes it, and tells whether it did anything; what is neither is told as it was. */
const outcomes = `
  create schema attempts;
  grant usage on schema attempts to public;
  create function attempts.outcomes(statements text[]) returns text[] language plpgsql as $$
  declare
    statement text;
    touched bigint;
    answer text[] := '{}';
  begin
    foreach statement in array statements loop
      begin
        execute statement;
        get diagnostics touched = row_count;
        raise exception using errcode = 'TW000', message = case when touched > 0 then 'done' else 'refused' end;
      exception
        when sqlstate 'TW000' then answer := answer || sqlerrm;
        when insufficient_privilege then answer := answer || 'refused'::text;
        when others then answer := answer || sqlerrm;
      end;
    end loop;
    return answer;
  end $$;
  grant execute on function attempts.outcomes(text[]) to public;`;

/** Name -> user, role that the request takes, and the line of `rights`. */
const actors = {
  anonymous: { user: undefined, role: 'anon' },
  'user without a company': { user: users.nobody, role: 'authenticated' },
  member: { user: users.member, role: 'authenticated', company: companyA, line: 'member' },
  admin: { user: users.admin, role: 'authenticated', company: companyA, line: 'admin' },
  'admin of the other company': { user: users.stranger, role: 'authenticated', company: companyB, line: 'admin' },
  service: { user: undefined, role: 'service_role', line: 'service' },
};

for (const kind of kinds) {
  describe(kind.name, () => {
    let running;
    let database;
    let tables;
    /** Table -> rows { company, user, key } */
    const rows = {};
    before(async () => {
      running = await startServer(kind);
      database = await newDatabase(running.server, { before: supabaseDefaults });
      const { admin } = database;
      await addPeople(admin);
      for (const [whose, id] of Object.entries(spaces))
        await admin`insert into public.hf_spaces_config (id, company_id, space_name, space_type, api_endpoint, is_active)
          values (${id}, ${whose === 'all' ? null : whose}, 'for deployments', 'base', '/', false)`;
      tables = await admin`
        select n.nspname || '.' || c.relname as name, array(select a.attname::text from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
          array(select a.attname::text from pg_attribute a join pg_index i on i.indrelid = c.oid and i.indisprimary
            and a.attnum = any (i.indkey) where a.attrelid = c.oid) as key,
          coalesce((select not a.attnotnull from pg_attribute a where a.attrelid = c.oid and a.attname = 'company_id'), false) as shared
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'tierwise') and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`;
      const people = [
        [companyA, users.member],
        [companyA, users.admin],
        [companyA, users.colleague],
        [companyB, users.stranger],
      ];
      for (const { name, columns, key, shared } of tables) {
        const sample = samples[name];
        if (sample === undefined) continue;
        const byUser = columns.includes('user_id');
        const wanted = (byUser ? people : [[companyA], [companyB]]).map(([company, user]) => ({ company, user }));
        if (shared || name === 'public.hf_deployments' || name === 'tierwise.host_tables')
          wanted.push({ company: undefined });
        rows[name] = [];
        for (const { company, user } of name === 'tierwise.host_tables' ? [{ company: undefined }] : wanted) {
          const made = sample({ company, user, seed: true });
          if (!['tierwise.companies', 'tierwise.members'].includes(name)) {
            const inserted = await admin.unsafe(insertion(name, made));
            rows[name].push({ company, user, key: pick(inserted[0], key) });
          } else rows[name].push({ company, user, key: pick(made, key) });
        }
      }
      await admin.unsafe(outcomes);
      for (const { table, role, column } of await admin`
        select n.nspname || '.' || c.relname as table, r.rolname as role, min(a.attname::text) as column
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attidentity = ''
        cross join pg_roles r
        where n.nspname in ('public', 'tierwise') and c.relkind = 'r' and r.rolname in ('anon', 'authenticated', 'service_role')
          and has_column_privilege(r.oid, c.oid, a.attnum, 'update') group by 1, 2`)
        updatable[table] = { ...updatable[table], [role]: column };
    });
    after(async () => {
      await database?.close();
      await running?.stop();
    });

    test('every table is in the matrix, and the matrix has no other', () => {
      const found = tables.map(({ name }) => name);
      assert.deepEqual(Object.keys(rights).sort(), found);
      assert.deepEqual(Object.keys(samples).sort(), found);
    });

    for (const [who, actor] of Object.entries(actors)) {
      for (const name of Object.keys(rights)) {
        test(`${who}, ${name}`, async () => {
          const { columns, key } = tables.find((table) => table.name === name);
          const line = actor.line === undefined ? undefined : rights[name][actor.line];
          const cells = [];
          for (const row of rows[name]) {
            const allowed =
              typeof line === 'string'
                ? line
                : row.company === undefined
                  ? (line?.all ?? '')
                  : row.company !== actor.company
                    ? ''
                    : ((row.user === actor.user && row.user !== undefined ? line?.own : line?.same) ?? '');
            for (const verb of 'siud')
              cells.push({
                row,
                verb,
                allowed: allowed.includes(verb),
                statement: statement(name, verb, row, columns, key, actor),
              });
            if (actor.role === 'authenticated' && columns.includes('company_id')) {
              for (const to of [actor.company === companyB ? companyA : companyB, undefined]) {
                const set = `company_id = ${to === undefined ? 'null' : `'${to}'`}`;
                const text = `update ${name} set ${set} where ${where(key, row)}`;
                cells.push({ row, verb: `moving to ${String(to)}`, allowed: false, statement: text });
              }
            }
          }
          assert.ok(cells.length >= 4);
          const outcomes = await database.as(
            actor.user,
            async (tx) =>
              (await tx`select attempts.outcomes(${cells.map(({ statement: text }) => text)}) as all`)[0].all,
            { role: actor.role },
          );
          for (const [index, { row, verb, allowed, statement: text }] of cells.entries()) {
            assert.equal(
              outcomes[index],
              allowed ? 'done' : 'refused',
              `${verb} on the row of ${String(row.company)} ${String(row.user ?? '')}: ${text}`,
            );
          }
        });
      }
    }
  });
}

function where(key, row) {
  return key.map((column) => `${column}::text = '${row.key[column]}'`).join(' and ');
}

function statement(name, verb, row, columns, key, actor) {
  if (verb === 's') return `select ${key.join(', ')} from ${name} where ${where(key, row)}`;
  if (verb === 'd') return `delete from ${name} where ${where(key, row)}`;
  if (verb === 'i') return insertion(name, samples[name]({ company: row.company, user: row.user, seed: false }), false);
  // A column that the role may update, if there is one.
  const set = updatable[name]?.[actor.role] ?? columns.find((column) => column !== 'id');
  return `update ${name} set ${set} = ${set === 'sealed' ? `'\\x01${'00'.repeat(41)}'` : set} where ${where(key, row)}`;
}
/** As few columns as there are: rights may be by column. */
function insertion(name, row, returning = true) {
  const columns = Object.keys(row)
    .filter((column) => row[column] !== undefined)
    .join(', ');
  const values = JSON.stringify(row).replaceAll("'", "''");
  return `insert into ${name} (${columns}) select ${columns} from jsonb_populate_record(null::${name}, '${values}') ${returning ? 'returning *' : ''}`;
}

function pick(row, key) {
  return Object.fromEntries(
    key.map((column) => [
      column,
      row[column] instanceof Date ? row[column].toISOString().slice(0, 10) : String(row[column]),
    ]),
  );
}
