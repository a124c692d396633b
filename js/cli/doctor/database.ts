/**
 * The database of the backend, looked at and never changed (read-only transactions): reachable and new enough, its migrations,
 * settings, flags, the row-level security of the five public tables, and the login of the functions.
 *
 * The login may be the owner's, or one that may become `service_role`. What it may not see is told as such.
 */
import { kOldest, postgres, readMigrations } from '../migrate.js';
import { type Tier, tiers } from '../../types.js';
import { unreachable } from './ask.js';
import { counted, type Finding, joined, kGraceMs, type Limits, list, seconds, type Step, Trouble } from './check.js';
import { type ConfiguredSpace, spaceOf } from './spaces.js';

export interface DatabaseOptions {
  url: string | undefined;
  migrations: URL;
  /** Id; undefined: what counts for everybody. */
  company: string | undefined;
  /** The address that the functions log in with, when it is known: only its user is looked at. */
  functionsUrl: string | undefined;
  limits: Limits;
}
type Transaction = postgres.TransactionSql;
type Problem = Omit<Finding, 'details'>;

const migrate = 'Run npx tierwise migrate with the owner of the database.';
const fiveTables = ['model_registry', 'hf_spaces_config', 'hf_deployments', 'huggingface_models', 'llm_observations'];

/** The Spaces that are configured there. */
export async function checkDatabase(options: DatabaseOptions, step: Step): Promise<ConfiguredSpace[]> {
  const { url, company, limits } = options;
  const limitMs = limits.askMs + kGraceMs;
  if (url === undefined) {
    await step('database', limitMs, () =>
      Promise.resolve({ status: 'skipped', message: 'Not given.', advice: 'Give --db, or set DATABASE_URL.' }),
    );
    return [];
  }
  const database = new Database(url, limits.askMs);
  try {
    const reached = await step('database', limitMs, () => database.reach());
    if (reached.status === 'failed') return [];
    const migrated = await step('migrations', limitMs, () => migrations(database, options.migrations));
    if (migrated.status === 'failed') return [];
    let spaces: ConfiguredSpace[] = [];
    await step('settings', limitMs, async () => {
      const seen = await settings(database, company);
      spaces = seen.spaces;
      return seen.finding;
    });
    await step('flags', limitMs, () => flags(database, company, spaces));
    await step('row-security', limitMs, () => rowSecurity(database));
    await step('login', limitMs, () => login(database, options.functionsUrl));
    return spaces;
  } finally {
    await database.close();
  }
}

class Database {
  readonly #sql: postgres.Sql;
  readonly #place: string;
  readonly #user: string;
  readonly #limitMs: number;

  constructor(url: string, limitMs: number) {
    const { host, pathname, username } = new URL(url);
    this.#place = `${host}${pathname}`;
    this.#user = username;
    this.#limitMs = limitMs;
    this.#sql = postgres(url, {
      max: 1,
      prepare: false,
      connect_timeout: limitMs / 1000,
      onnotice: () => undefined,
      connection: { application_name: 'tierwise doctor' },
    });
  }

  async reach(): Promise<Finding> {
    let server: { number: number; version: string; me: string; superuser: boolean };
    try {
      const asked = this.read(async (tx) => {
        const [row] = await tx<(typeof server)[]>`
          select current_setting('server_version_num')::integer as number, current_setting('server_version') as version,
            current_user as me, (select r.rolsuper from pg_roles r where r.rolname = current_user) as superuser`;
        return row!;
      });
      // The driver connects again and again to what hangs up.
      server = await inTime(asked, this.#limitMs);
    } catch (error) {
      throw this.#explained(error);
    }
    const { number, version, me, superuser } = server;
    const details = { version, user: me, superuser };
    const short = version.split(' ')[0]!;
    if (number < kOldest)
      return {
        status: 'failed',
        message: `${this.#place} is PostgreSQL ${short}.`,
        advice: 'Version 15 or newer is needed.',
        details,
      };
    return { status: 'ok', message: `PostgreSQL ${short} answers at ${this.#place}, as ${me}.`, details };
  }

  /** One read-only transaction. `asService`: again as `service_role`, where the login itself may not see it. */
  async read<T>(task: (tx: Transaction) => Promise<T>, { asService = false } = {}): Promise<T> {
    const once = (become: boolean): Promise<unknown> =>
      this.#sql.begin('read only', async (tx) => {
        await tx`select set_config('statement_timeout', ${String(this.#limitMs)}, true)`;
        await tx`set local lock_timeout = '3s'`;
        if (become) await tx`set local role service_role`;
        return task(tx);
      });
    try {
      return (await once(false)) as T;
    } catch (error) {
      if (!asService || codeOf(error) !== '42501') throw error;
      try {
        return (await once(true)) as T;
      } catch (second) {
        if (codeOf(second) !== '42501') throw second;
        throw new Trouble('This login may not see it.', 'Give the address of the owner (--db), or of service_role.');
      }
    }
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 0 }).catch(() => undefined);
  }

  #explained(error: unknown): Trouble {
    const code = codeOf(error) ?? '';
    const host = this.#place.split('/')[0]!;
    const said = error instanceof Error ? error.message : String(error);
    switch (code) {
      case '28P01':
      case '28000':
        return new Trouble(
          `${host} does not let ${this.#user === '' ? 'this user' : this.#user} in: ${said}.`,
          'Correct user and password; characters as @ : / # % in them are percent-encoded. Where it asks for encryption, add ?sslmode=require.',
        );
      case '3D000':
        return new Trouble(`${said} at ${host}.`, 'Correct the name after the last slash.');
      case '53300':
        return new Trouble(`${host} has no connection left.`, 'Use the pooler, or end programs that hold connections.');
      case '57P03':
        return new Trouble(`${host} is starting up or shutting down.`, 'Try again in a moment.');
      case 'CONNECT_TIMEOUT':
        return new Trouble(
          `${host} gave no answer of a PostgreSQL within ${seconds(this.#limitMs)}.`,
          'Look at host and port, the network and its firewall; a paused Supabase project must be restored first.',
        );
      case 'CONNECTION_CLOSED':
      case 'CONNECTION_DESTROYED':
        return new Trouble(
          `${host} ended the connection.`,
          'Look whether this is the address of a PostgreSQL, and whether it wants sslmode=require.',
        );
    }
    if (/^[0-9A-Z]{5}$/.test(code)) return new Trouble(`${host} answered: ${said}.`, 'Look at the log of the server.');
    return unreachable(error, host);
  }
}

async function migrations(database: Database, folder: URL): Promise<Finding> {
  const ours = await readMigrations(folder);
  let applied: Set<string>;
  try {
    applied = await database.read(
      async (tx) => {
        const [table] = await tx<{ found: boolean }[]>`
          select to_regclass('supabase_migrations.schema_migrations') is not null as found`;
        if (!table!.found) return new Set<string>();
        const rows = await tx<{ version: string }[]>`select version from supabase_migrations.schema_migrations`;
        return new Set(rows.map(({ version }) => version));
      },
      { asService: true },
    );
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    return {
      status: 'warning',
      message: 'Which migrations are applied cannot be seen with this login.',
      advice: 'Give the address of the owner to see it.',
    };
  }
  const missing = ours.filter(({ version }) => !applied.has(version)).map(({ version, name }) => `${version}_${name}`);
  const details = { applied: ours.length - missing.length, missing };
  if (missing.length === 0)
    return { status: 'ok', message: `All ${String(ours.length)} migrations are applied.`, details };
  const message =
    missing.length === ours.length
      ? 'No migration is applied: this database does not have the schema.'
      : `${missing.length === 1 ? 'A migration is' : `${String(missing.length)} migrations are`} missing: ${list(missing)}.`;
  return { status: 'failed', message, advice: migrate, details };
}

async function settings(
  database: Database,
  company: string | undefined,
): Promise<{ finding: Finding; spaces: ConfiguredSpace[] }> {
  const id = company ?? null;
  const seen = await database.read(
    async (tx) => {
      const [counts] = await tx<
        { companies: number; members: number; admins: number; named: string | null; prices: number }[]
      >`
        select (select count(*)::integer from tierwise.companies) as companies,
          (select count(*)::integer from tierwise.members m where ${id}::uuid is null or m.company_id = ${id}) as members,
          (select count(*)::integer from tierwise.members m where m.role = 'admin' and (${id}::uuid is null or m.company_id = ${id}))
            as admins,
          (select c.name from tierwise.companies c where c.id = ${id}) as named,
          (select count(*)::integer from tierwise.prices p where (p.company_id is null or p.company_id = ${id})
            and p.valid_from <= now() and (p.valid_until is null or p.valid_until > now())) as prices`;
      const values = await tx<{ key: string; value: unknown }[]>`
        select distinct on (g.key) g.key, g.value from tierwise.settings g
        where g.company_id = ${id} or g.company_id is null order by g.key, g.company_id nulls last`;
      const models = await tx<{ model_id: string }[]>`
        select h.model_id from (
          select distinct on (g.model_id) g.model_id, g.is_enabled from public.huggingface_models g
          where g.company_id = ${id} or g.company_id is null order by g.model_id, g.company_id nulls last
        ) h where h.is_enabled order by h.model_id`;
      // As tierwise.effective_config has them.
      const rows = await tx<SpaceRow[]>`
        select distinct on (h.space_type) h.space_type, h.space_url, h.api_endpoint, h.protocol, h.model_id, h.model_version,
          coalesce(h.options, '{}') as options
        from public.hf_spaces_config h
        where h.is_active and h.space_url is not null and (h.company_id = ${id} or h.company_id is null)
        order by h.space_type, h.company_id nulls last, h.created_at desc`;
      const nowhere = await tx<{ space_name: string | null }[]>`
        select h.space_name from public.hf_spaces_config h
        where h.is_active and h.space_url is null and (h.company_id = ${id} or h.company_id is null)
        order by h.space_name limit 20`;
      return { counts: counts!, values, models, rows, nowhere };
    },
    { asService: true },
  );
  const { counts, values, models, rows, nowhere } = seen;
  const spaces = rows.filter(({ space_type: tier }) => isTier(tier)).map(configured);
  const wanted = values.find(({ key }) => key === 'defaultTier')?.value;
  const problems: Problem[] = [];
  const warn = (message: string, advice: string): void => void problems.push({ status: 'warning', message, advice });
  if (company !== undefined && counts.named === null)
    problems.push({
      status: 'failed',
      message: `There is no company ${company}.`,
      advice: 'Correct --company: select id, name from tierwise.companies.',
    });
  else if (counts.companies === 0)
    warn('There is no company yet, so nobody can use it.', 'Insert into tierwise.companies and tierwise.members.');
  else if (counts.admins === 0)
    warn('Nobody is an admin.', "Insert into tierwise.members a row with the role 'admin'.");
  if (models.length === 0 && counts.prices === 0)
    warn('There are no models and no prices.', 'Run npx tierwise migrate --seed.');
  if (nowhere.length > 0)
    warn(
      `Without an address: ${list(nowhere.map(({ space_name: name }) => name ?? 'a Space without a name'))}.`,
      'Set hf_spaces_config.space_url, or is_active to false.',
    );
  if (spaces.length > 0 && isTier(wanted) && !spaces.some(({ tier }) => tier === wanted))
    warn(
      `The default tier is ${wanted}, which has no Space.`,
      'Set defaultTier to a tier that has one, or give it one.',
    );
  const facts = [
    company === undefined ? counted(counts.companies, 'company', 'companies') : (counts.named ?? ''),
    counted(counts.members, 'member', 'members'),
    isTier(wanted) ? `default tier ${wanted}` : '',
    spaces.length === 0 ? 'no Spaces' : `Spaces ${list(spaces.map(({ tier }) => tier))}`,
    `${counted(models.length, 'model', 'models')} enabled`,
    counted(counts.prices, 'price', 'prices'),
  ];
  return {
    finding: {
      ...joined(`${facts.filter((fact) => fact !== '').join(', ')}.`, problems),
      details: {
        ...counts,
        settings: Object.fromEntries(values.map(({ key, value }) => [key, value])),
        models: models.map(({ model_id: model }) => model),
        spaces: Object.fromEntries(spaces.map(({ tier, space }) => [tier, space.url])),
      },
    },
    spaces,
  };
}

interface SpaceRow {
  space_type: Tier;
  space_url: string;
  api_endpoint: string | null;
  protocol: string | null;
  model_id: string | null;
  model_version: string | null;
  options: Record<string, unknown>;
}

function configured(row: SpaceRow): ConfiguredSpace {
  const { options, space_type: tier, space_url: url, api_endpoint, protocol, model_id, model_version } = row;
  const given = { ...options, endpoint: api_endpoint, protocol, model: model_id, revision: model_version };
  return { tier, from: 'database', space: spaceOf(url, given) };
}

function isTier(value: unknown): value is Tier {
  return (tiers as readonly unknown[]).includes(value);
}

async function flags(
  database: Database,
  company: string | undefined,
  spaces: readonly ConfiguredSpace[],
): Promise<Finding> {
  const rows = await database.read(
    (tx) => tx<{ name: string; enabled: boolean; visible: boolean }[]>`
      select distinct on (g.name) g.name, g.enabled, g.visible from tierwise.flags g
      where g.company_id = ${company ?? null} or g.company_id is null order by g.name, g.company_id nulls last`,
    { asService: true },
  );
  return flagsFinding(rows, company === undefined ? 'everybody' : 'this company', spaces);
}

const flagOfTier: Record<Tier, string> = {
  base: 'useHFBaseModel',
  company: 'useHFCompanyModel',
  abstraction: 'useHFAbstractionModel',
  user: 'useHFUserModel',
};

function flagsFinding(
  rows: readonly { name: string; enabled: boolean; visible: boolean }[],
  whose: string,
  spaces: readonly ConfiguredSpace[],
): Finding {
  const enabled = new Map(rows.map(({ name, enabled: on }) => [name, on]));
  const on = rows.filter((row) => row.enabled).map(({ name }) => name);
  const off = rows.filter((row) => !row.enabled).map(({ name }) => name);
  const problems: Problem[] = [];
  if (rows.length === 0)
    problems.push({ status: 'warning', message: 'There are no flags.', advice: 'Run npx tierwise migrate --seed.' });
  if (spaces.length > 0) {
    const closed = ['useHuggingFaceSpaces', ...spaces.map(({ tier }) => flagOfTier[tier])].filter(
      (name) => enabled.get(name) === false,
    );
    if (closed.length > 0)
      problems.push({
        status: 'warning',
        message: `Spaces are configured that pages do not call while ${list(closed)} ${closed.length === 1 ? 'is' : 'are'} off.`,
        advice: `Switch ${closed.length === 1 ? 'it' : 'them'} on: PUT config/flags/<name> {"enabled":true}, or update tierwise.flags.`,
      });
  }
  const message = `For ${whose} on: ${on.length === 0 ? 'none' : on.join(', ')}; off: ${off.length === 0 ? 'none' : off.join(', ')}.`;
  return {
    ...joined(message, problems),
    details: { flags: Object.fromEntries(rows.map(({ name, ...flag }) => [name, flag])) },
  };
}

async function rowSecurity(database: Database): Promise<Finding> {
  const rows = await database.read(
    (tx) =>
      tx<
        {
          name: string;
          of_host: boolean;
          row_security: boolean;
          policies: number;
          anonymous_reads: boolean;
          unfilled: string[];
        }[]
      >`select * from tierwise.host_report()`,
    { asService: true },
  );
  const problems: Problem[] = [];
  for (const { name, of_host: ofHost, row_security: on, anonymous_reads: open, unfilled } of rows) {
    const table = `public.${name}`;
    const enable = `alter table ${table} enable row level security; and policies for those who may see its rows.`;
    if (!on && open)
      problems.push({
        status: 'failed',
        message: `${table} has no row-level security and can be read without signing in.`,
        advice: enable,
      });
    else if (!on)
      problems.push({
        status: ofHost ? 'warning' : 'failed',
        message: `${table}${ofHost ? ', which was there before,' : ''} has no row-level security.`,
        advice: enable,
      });
    else if (open)
      problems.push({
        status: 'warning',
        message: `A policy lets ${table} be read without signing in.`,
        advice: 'Take anon and public out of its policies.',
      });
    if (name === 'llm_observations' && unfilled.length > 0)
      problems.push({
        status: 'failed',
        message: `Usage cannot be stored: ${table} needs ${list(unfilled)}, which Tierwise does not have.`,
        advice: `Give ${unfilled.length === 1 ? 'that column' : 'these columns'} a default.`,
      });
  }
  const gone = fiveTables.filter((wanted) => !rows.some(({ name }) => name === wanted));
  if (gone.length > 0)
    problems.push({
      status: 'failed',
      message: `There is no ${list(gone.map((name) => `public.${name}`))}.`,
      advice: 'It was dropped after the migrations: restore it.',
    });
  const host = rows.filter((row) => row.of_host).map(({ name }) => name);
  const message =
    problems.length > 0
      ? ''
      : `On for the five public tables${host.length === 0 ? '' : `, of which the host's own: ${list(host)}`}.`;
  return {
    ...joined(message, problems),
    details: {
      tables: rows.map((row) => ({
        name: row.name,
        ofHost: row.of_host,
        rowSecurity: row.row_security,
        policies: row.policies,
        anonymousReads: row.anonymous_reads,
        unfilled: row.unfilled,
      })),
    },
  };
}

/** Who the functions log in as. What they may do beyond the three request roles, row-level security would not hold back. */
async function login(database: Database, functionsUrl: string | undefined): Promise<Finding> {
  // A pooler's user names end in the project: `tierwise_functions.abcdefgh`.
  const named = functionsUrl === undefined ? undefined : userOf(functionsUrl);
  const roles = await database.read(
    (tx) => tx<
      {
        name: string;
        superuser: boolean;
        bypasses: boolean;
        owns: number;
        inherits: boolean;
        logs_in: boolean;
        members: string[];
      }[]
    >`
      select r.rolname as name, r.rolsuper as superuser, r.rolbypassrls as bypasses, r.rolinherit as inherits,
        r.rolcanlogin as logs_in,
        (select count(*)::integer from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p') and c.relowner = r.oid and (n.nspname = 'tierwise'
            or (n.nspname = 'public' and c.relname in ${tx(fiveTables)}))) as owns,
        array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
          where m.member = r.oid and g.rolname in ('anon', 'authenticated', 'service_role') order by 1) as members
      from pg_roles r
      where r.rolname = ${named ?? null} or r.rolname = split_part(${named ?? ''}, '.', 1)
        or (${named ?? null}::text is null and r.rolcanlogin and not r.rolsuper and exists (
          select from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid and g.rolname = 'authenticated'))
      order by r.rolname`,
  );
  const details = {
    roles: roles.map(({ logs_in: logsIn, ...role }) => ({ ...role, logsIn })),
  };
  const create =
    "create role tierwise_functions login noinherit password '…'; grant anon, authenticated, service_role to tierwise_functions; and log in as it in TIERWISE_DB_URL.";
  if (named !== undefined && roles.length === 0)
    return { status: 'failed', message: `TIERWISE_DB_URL names ${named}, and there is no such role.`, advice: create };
  const faults = (role: (typeof roles)[number]): string[] => [
    ...(role.superuser ? ['is a superuser'] : []),
    ...(role.bypasses && !role.superuser ? ['passes row-level security by'] : []),
    ...(role.owns > 0 ? ['owns tables'] : []),
    ...(role.inherits && !role.superuser && role.members.includes('service_role')
      ? ['inherits the rights of service_role']
      : []),
  ];
  const safe = roles.filter((role) => faults(role).length === 0 && role.logs_in);
  const usable = safe.filter(({ members }) => members.includes('authenticated') && members.includes('service_role'));
  if (named === undefined) {
    if (usable.length > 0)
      return {
        status: 'ok',
        message: `${list(usable.map(({ name }) => name))} may only become the request roles: the functions can log in so.`,
        details,
      };
    if (roles.length === 0)
      return {
        status: 'warning',
        message: 'There is no login for the functions but that of owners.',
        advice: create,
        details,
      };
  }
  const role = roles[0]!;
  const wrong = faults(role);
  if (wrong.length > 0)
    return {
      status: 'warning',
      message: `${role.name}, ${named === undefined ? 'the only login of the functions there is' : 'which the functions log in as'}, ${list(wrong)}.`,
      advice: create,
      details,
    };
  if (usable.length === 0)
    return {
      status: 'failed',
      message: `${role.name} ${role.logs_in ? 'may not become every request role' : 'may not log in'}.`,
      advice: `alter role ${role.name} login; grant anon, authenticated, service_role to ${role.name};`,
      details,
    };
  return {
    status: 'ok',
    message: `The functions log in as ${role.name}, which may only become the request roles.`,
    details,
  };
}

async function inTime<T>(task: Promise<T>, limitMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('late'), { code: 'CONNECT_TIMEOUT' })), limitMs);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
    task.catch(() => undefined);
  }
}

function userOf(url: string): string | undefined {
  try {
    const { username } = new URL(url);
    return username === '' ? undefined : decodeURIComponent(username);
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
