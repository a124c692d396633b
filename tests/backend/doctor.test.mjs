/**
 * `tierwise doctor` as it is run: the built command in a process of its own, against the real PostgreSQL and the real functions,
 * and against servers that do one thing wrong. Of every run is also held that no secret is in its output, and nothing that
 * would change a terminal.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startFunctions } from '../../web/backend/embedded/functions.mjs';
import { allowLogin } from '../../web/backend/embedded/database.mjs';
import { listen } from '../servers/loopback.mjs';
import { startModelServer } from '../servers/model-servers.mjs';
import { reply, start, upstream } from './functions-stage.mjs';
import { addPeople, companyA, companyB, kinds, newDatabase, startServer, users } from './servers.mjs';

const cli = fileURLToPath(new URL('../../dist/cli.mjs', import.meta.url));
const key = `hf_${randomBytes(20).toString('hex')}`;
const spacesKey = `hf_${randomBytes(20).toString('hex')}`;
/** ms. What hangs would take longer; these tests give servers 1 to 3 s, on a machine that may be busy. */
const kInTime = 20_000;
/** What no output may hold; tests add theirs. */
const secrets = [key, spacesKey];

/** Runs the command with nothing in its environment but what is given. Gives `checks` by name where it printed JSON. */
async function run(args, env = {}) {
  const child = spawn(process.execPath, [cli, 'doctor', ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part) => (stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part) => (stderr += part));
  const began = performance.now();
  const status = await new Promise((resolve) => child.once('close', resolve));
  const ms = performance.now() - began;
  for (const secret of secrets)
    for (const form of [secret, encodeURIComponent(secret)])
      assert.ok(!(stdout + stderr).includes(form), `a secret in the output of ${args.join(' ')}`);
  assert.doesNotMatch(
    stdout + stderr,
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/,
  );
  if (!args.includes('--json')) return { status, stdout, stderr, ms };
  const report = JSON.parse(stdout);
  assert.deepEqual(Object.keys(report), ['ok', 'checks']);
  assert.equal(stderr, '');
  for (const check of report.checks) {
    assert.match(check.status, /^(ok|warning|failed|skipped)$/);
    assert.match(check.message, /[.”"]$/, check.name);
    assert.ok(Number.isInteger(check.ms) && check.ms >= 0, check.name);
    if (check.status !== 'ok') assert.match(check.advice ?? '', /[.;>]$/, `${check.name}: ${check.message}`);
  }
  assert.equal(report.ok, !report.checks.some((check) => check.status === 'failed'));
  assert.equal(status, report.ok ? 0 : 1, stdout);
  return { status, stdout, ms, names: report.checks.map(({ name }) => name), ...byName(report.checks) };
}
const byName = (checks) => ({ checks: Object.fromEntries(checks.map((check) => [check.name, check])) });
const json = (args, env) => run([...args, '--json'], env);
/** A check as text, for patterns over all that it says. */
const told = (check) => `${check.status}: ${check.message} ${check.advice ?? ''}`;

/** A server of text that accepts and says nothing more, or what is given to the first bytes. */
async function silent(answer) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    if (answer !== undefined) socket.once('data', () => socket.end(answer));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${String(server.address().port)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        for (const socket of sockets) socket.destroy();
      }),
  };
}
/** A port at which nothing listens. */
async function freePort() {
  const server = await silent();
  await server.close();
  return server.host;
}

describe('the call', () => {
  test('called wrongly, or with nothing to look at', async () => {
    const cases = [
      [[], {}, /nothing to look at: give --db, --url, --space or HUGGINGFACE_API_KEY/],
      [['--json'], {}, /nothing to look at/],
      [[], { TIERWISE_TOKEN: 'x.y.z' }, /nothing to look at/],
      [['--force'], {}, /Unknown option '--force'/],
      [['--db', 'mysql://u:hidden-word@x'], {}, /must be a URL as postgres/],
      [['--db', 'postgres://u:hid/den-word@x:y/z'], {}, /percent-encoded/],
      [['--db', 'postgres://u:100%hidden-word@x/z'], {}, /percent-encoded/],
      [[], { DATABASE_URL: 'hidden-word' }, /must be a URL as postgres/],
      [['--url', 'http://project.example'], {}, /must be https/],
      [['--url', 'https://u:hidden-word@project.example'], {}, /holds a user name or password/],
      [['--company', 'acme', '--url', 'https://x.example'], {}, /UUID/],
      [['--space', 'https://x.example'], {}, /<tier>=<address>/],
      [['--space', 'large=owner/name'], {}, /base, company, abstraction, user/],
      [['--space', 'base=not an address'], {}, /not the address of a Space/],
      [['--space', 'base=a/b', '--space', 'base=c/d'], {}, /twice/],
      [['--space', 'base=a/b', '--wait', 'long'], {}, /--wait must be whole seconds/],
      [['--space', 'base=a/b', '--limit', '0'], {}, /--limit must be whole seconds, 1 to/],
    ];
    for (const [args, env, expected] of cases) {
      const child = spawn(process.execPath, [cli, 'doctor', ...args], { env: { PATH: process.env.PATH, ...env } });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (part) => (stdout += part));
      child.stderr.on('data', (part) => (stderr += part));
      assert.equal(await new Promise((resolve) => child.once('close', resolve)), 2, args.join(' '));
      assert.match(stderr, expected);
      assert.match(stderr, /tierwise doctor \[--db <url>\]/);
      assert.equal(stdout, '');
      assert.doesNotMatch(stderr, /hidden-word|den-word/);
    }
  });

  test('--help', async () => {
    const { status, stdout, stderr } = await run(['--help']);
    assert.deepEqual([status, stderr], [0, '']);
    for (const name of ['--db', '--url', '--token', '--company', '--space', '--wait', '--limit', 'TIERWISE_TOKEN'])
      assert.ok(stdout.includes(name), name);
  });
});

for (const kind of kinds)
  describe(`database, ${kind.name}`, () => {
    let running;
    const databases = [];
    const open = async (options) => {
      const database = await newDatabase(running.server, options);
      databases.push(database);
      return database;
    };
    const look = (database, args = [], env = {}) => json(['--db', database.adminUrl, ...args], env);
    before(async () => {
      running = await startServer(kind);
      secrets.push(running.server.credentials.postgres, running.server.credentials.authenticator);
    });
    after(async () => {
      await Promise.all(databases.map((database) => database.close()));
      await running?.stop();
    });

    test('all well: what is there, company by company, and nothing is changed', async () => {
      const database = await open();
      const { admin } = database;
      await addPeople(admin);
      await admin`insert into tierwise.flags (company_id, name, enabled, visible) values (${companyA}, 'useMockAI', true, true)`;
      const state = async () => [
        await admin`select count(*)::int as n from tierwise.audit`,
        await admin`select tierwise.host_report()::text`,
        await admin`select * from tierwise.flags order by id`,
      ];
      const before = await state();
      const { status, checks, names } = await look(database);
      assert.equal(status, 0);
      assert.deepEqual(names.slice(0, 6), ['database', 'migrations', 'settings', 'flags', 'row-security', 'login']);
      for (const name of names.slice(0, 6)) assert.equal(checks[name].status, 'ok', told(checks[name]));
      assert.match(
        checks.database.message,
        new RegExp(`PostgreSQL ${kind.name.includes('15') ? '15' : '17'}\\.\\d+ answers`),
      );
      assert.match(checks.migrations.message, /All \d+ migrations are applied/);
      assert.match(
        checks.settings.message,
        /2 companies, 4 members, default tier base, no Spaces, 5 models enabled, \d+ prices/,
      );
      assert.equal(checks.settings.details.settings.defaultTier, 'base');
      assert.match(checks.flags.message, /For everybody on: .*useOpenAI.*; off: .*useMockAI/);
      assert.match(checks['row-security'].message, /On for the five public tables\./);
      assert.match(checks.login.message, /^authenticator may only become the request roles/);
      assert.deepEqual(
        [checks.functions.status, checks.key.status, checks.spaces.status],
        ['skipped', 'skipped', 'skipped'],
      );
      assert.match(checks.functions.advice, /--url/);
      assert.match(checks.key.advice, /HUGGINGFACE_API_KEY/);
      const own = await look(database, ['--company', companyA]);
      assert.match(own.checks.flags.message, /For this company on: .*useMockAI.*; off:/);
      assert.match(own.checks.settings.message, /^A, 3 members/);
      assert.match((await look(database, ['--company', companyB])).checks.flags.message, /on: (?!.*useMockAI.*; off)/);
      const none = await look(database, ['--company', users.nobody]);
      assert.match(told(none.checks.settings), /failed: .*There is no company cccccccc/);
      assert.deepEqual(await state(), before);
    });

    test('no company, no admin, no models; Spaces without address, flag or default tier', async () => {
      const database = await open();
      const { admin } = database;
      const fresh = (await look(database)).checks.settings;
      assert.match(told(fresh), /^warning: .*There is no company yet.*tierwise\.members/);
      await addPeople(admin);
      await admin`update tierwise.members set role = 'member'`;
      await admin`delete from public.huggingface_models`;
      await admin`delete from tierwise.prices`;
      await admin`insert into public.hf_spaces_config (space_name, space_type) values ('theirs', 'user')`;
      await admin`insert into public.hf_spaces_config (space_name, space_type, space_url) values ('c', 'company', ${`http://${await freePort()}`})`;
      const { checks, status } = await look(database, ['--limit', '10']);
      assert.equal(status, 1);
      for (const expected of [
        /Nobody is an admin/,
        /no models and no prices/,
        /Without an address: theirs/,
        /default tier is base, which has no Space/,
      ])
        assert.match(told(checks.settings), expected);
      assert.match(
        told(checks.flags),
        /^warning: .*useHuggingFaceSpaces and useHFCompanyModel are off.*PUT config\/flags/,
      );
      assert.match(told(checks['space:company']), /^failed: Nothing listens at 127\.0\.0\.1:\d+/);
      assert.equal(checks['space:company'].details.from, 'database');
      await admin`update tierwise.flags set enabled = true where name in ('useHuggingFaceSpaces', 'useHFCompanyModel')`;
      assert.equal((await look(database, ['--limit', '5'])).checks.flags.status, 'ok');
    });

    test('migrations: none, one missing', async () => {
      const empty = await look(await open({ migrated: false }));
      assert.match(told(empty.checks.migrations), /^failed: No migration is applied.*npx tierwise migrate/);
      assert.equal(empty.checks.flags, undefined, 'what needs them is not looked at');
      const database = await open();
      const [{ version }] = await database.admin`delete from supabase_migrations.schema_migrations
        where version = (select max(version) from supabase_migrations.schema_migrations) returning version`;
      assert.match(
        told((await look(database)).checks.migrations),
        new RegExp(`^failed: A migration is missing: ${version}_`),
      );
    });

    test('row-level security: of the host, of our own tables, a policy for anybody, a column nobody fills', async () => {
      const host = await open({
        before: `
          create table public.model_registry (id uuid primary key default gen_random_uuid(), model_name text);
          create table public.llm_observations (id uuid primary key default gen_random_uuid(), model text, ticket text not null);
          grant select on public.llm_observations to public;`,
      });
      const { checks, status } = await look(host);
      assert.equal(status, 1);
      const all = told(checks['row-security']);
      assert.match(all, /public\.llm_observations has no row-level security and can be read without signing in/);
      assert.match(all, /public\.model_registry, which was there before, has no row-level security/);
      assert.match(all, /Usage cannot be stored: public\.llm_observations needs ticket/);
      assert.match(all, /alter table public\.llm_observations enable row level security/);

      const own = await open();
      await own.admin`alter table public.hf_spaces_config disable row level security`;
      assert.match(
        told((await look(own)).checks['row-security']),
        /^failed: public\.hf_spaces_config has no row-level security/,
      );
      await own.admin`alter table public.hf_spaces_config enable row level security`;
      await own.admin.unsafe(
        `grant select on public.hf_spaces_config to anon; create policy open on public.hf_spaces_config for select to anon using (true)`,
      );
      assert.match(
        told((await look(own)).checks['row-security']),
        /^warning: A policy lets public\.hf_spaces_config be read/,
      );
      await own.admin.unsafe('drop table public.hf_deployments');
      assert.match(told((await look(own)).checks['row-security']), /^failed: .*There is no public\.hf_deployments/);
    });

    test('the login of the functions', async () => {
      const database = await open();
      const { admin } = database;
      const name = (suffix) => `login_${database.name}_${suffix}`;
      const cases = [
        [
          running.server.url('authenticator', database.name),
          /^ok: The functions log in as authenticator, which may only/,
        ],
        [database.adminUrl, /^warning: postgres, which the functions log in as, is a superuser and owns tables/],
        ['postgres://nowhere:x@h/d', /^failed: TIERWISE_DB_URL names nowhere, and there is no such role.*create role/],
        [`postgres://${name('heir')}.project:x@h/d`, /^warning: .*heir, .*inherits the rights of service_role/],
        [`postgres://${name('bypass')}:x@h/d`, /^warning: .*passes row-level security by/],
        [`postgres://${name('half')}:x@h/d`, /^failed: .*half may not become every request role.*grant anon/],
      ];
      await admin.unsafe(`
        create role ${name('heir')} login inherit; grant anon, authenticated, service_role to ${name('heir')};
        create role ${name('bypass')} login noinherit bypassrls; grant anon, authenticated, service_role to ${name('bypass')};
        create role ${name('half')} login noinherit; grant anon to ${name('half')}`);
      for (const [url, expected] of cases)
        assert.match(told((await look(database, [], { TIERWISE_DB_URL: url })).checks.login), expected);
      await admin.unsafe(['heir', 'bypass', 'half'].map((each) => `drop role ${name(each)}`).join(';'));
    });

    test('a login that is not the owner sees what service_role may, and says what it does not see', async () => {
      const database = await open();
      await addPeople(database.admin);
      const { checks, status } = await json(['--db', running.server.url('authenticator', database.name)]);
      assert.equal(status, 0);
      assert.match(told(checks.migrations), /^warning: Which migrations are applied cannot be seen with this login/);
      for (const name of ['settings', 'flags', 'row-security', 'login'])
        assert.equal(checks[name].status, 'ok', told(checks[name]));
    });

    test('a wrong password, another database, nobody there, no PostgreSQL, never an answer', async () => {
      secrets.push('wrong-p@ssword');
      const web = await listen((_, response) => response.end('<html></html>'));
      const page = await silent('HTTP/1.1 400 Bad Request\r\n\r\n<html></html>');
      const never = await silent();
      try {
        const cases = [
          [
            running.server.url().replace(/:[^:@]+@/, `:${encodeURIComponent('wrong-p@ssword')}@`),
            /does not let postgres in: password authentication failed.*percent-encoded/,
          ],
          [running.server.url('postgres', 'nowhere'), /database "nowhere" does not exist.*last slash/],
          [`postgres://u:wrong-p%40ssword@${await freePort()}/x`, /Nothing listens at 127\.0\.0\.1:\d+.*Start it/],
          [`postgres://u:wrong-p%40ssword@does-not-exist.invalid/x`, /No address is known for does-not-exist\.invalid/],
          [`postgres://u:wrong-p%40ssword@${web.origin.slice(7)}/x`, /gave no answer of a PostgreSQL within 2 s/],
          [`postgres://u:wrong-p%40ssword@${page.host}/x`, /gave no answer of a PostgreSQL within 2 s/],
          [`postgres://u:wrong-p%40ssword@${never.host}/x`, /gave no answer of a PostgreSQL within 2 s/],
        ];
        for (const [url, expected] of cases) {
          const { checks, ms, names } = await json(['--db', url, '--limit', '2']);
          assert.match(told(checks.database), expected);
          assert.equal(checks.database.status, 'failed');
          assert.equal(names[1], 'functions', 'what needs it is left out');
          assert.ok(ms < kInTime, `${String(ms)} ms`);
        }
      } finally {
        await web.close();
        await page.close();
        await never.close();
      }
    });
  });

/** The Hub of these tests: keys that it accepts, and Spaces whose stage may change when their host is visited. */
async function startHub(spaces) {
  const routes = {
    '/api/whoami-v2': (request, response) => {
      const given = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
      if (given === key || given === spacesKey)
        return reply({ type: 'user', name: 'tester', auth: { accessToken: { displayName: 'ci', role: 'read' } } })(
          request,
          response,
        );
      return reply({ error: `Invalid credentials: ${String(given)}` }, 401)(request, response);
    },
  };
  const hub = await upstream(routes);
  for (const [id, space] of Object.entries(spaces)) {
    const runtime = () => ({ stage: space.stage(), ...(space.error && { errorMessage: space.error }) });
    routes[`/api/spaces/${id}`] = (request, response) =>
      reply({ id, sdk: 'docker', sha: 'abc', private: false, host: space.origin, runtime: runtime() })(
        request,
        response,
      );
    routes[`/api/spaces/${id}/runtime`] = (request, response) => reply(runtime())(request, response);
    routes[`/api/spaces/${id}/host`] = (request, response) => reply({ host: space.origin })(request, response);
  }
  return hub;
}
/** A Space of the plain contract that says `text`. */
const plainSpace = (text, more = {}) => upstream({ '/api/generate': reply({ generated_text: text }), ...more });

describe('key and Spaces', () => {
  let hub;
  let woken;
  const spaces = {};
  const servers = [];
  const open = async (making) => {
    const server = await making;
    servers.push(server);
    return server;
  };
  before(async () => {
    const app = await open(plainSpace('ready'));
    const sleeper = await open(
      plainSpace('awake again', {
        '/': (_, response) => {
          woken ??= Date.now();
          response.end('starting');
        },
      }),
    );
    const fixed = (stage, more = {}) => ({ origin: app.origin, stage: () => stage, ...more });
    Object.assign(spaces, {
      'owner/runs': fixed('RUNNING'),
      'owner/paused': fixed('PAUSED'),
      'owner/builds': fixed('BUILDING'),
      'owner/broken': fixed('RUNTIME_ERROR', { error: 'Exit code: 1. Reason: no memory' }),
      'owner/asleep': fixed('SLEEPING'),
      'owner/sleeper': {
        origin: sleeper.origin,
        stage: () => (woken === undefined ? 'SLEEPING' : Date.now() - woken < 1500 ? 'APP_STARTING' : 'RUNNING'),
      },
    });
    hub = await open(startHub(spaces));
  });
  after(() => Promise.all(servers.map((server) => server.close())));
  const env = (more = {}) => ({ TIERWISE_HUB_URL: hub.origin, ...more });

  test('the key: accepted, refused, and what people get wrong', async () => {
    const cases = [
      [key, /^ok: The Hub accepts HUGGINGFACE_API_KEY: tester, read\./],
      [` ${key}\n`, /^warning: .*without the spaces around it/],
      [`hf_${'0'.repeat(34)}`, /^failed: The Hub does not accept HUGGINGFACE_API_KEY.*settings\/tokens/],
      [`Bearer ${key}`, /^failed: HUGGINGFACE_API_KEY begins with "Bearer"/],
      [`"${key}"`, /^failed: .*quotation marks/],
      [`${key.slice(0, 10)} ${key.slice(10)}`, /^failed: .*spaces or line ends in it/],
      ['sk-0123456789abcdef0123456789abcdef', /^failed: .*is an OpenAI key/],
      ['0123456789abcdef0123', /^failed: .*does not begin with hf_/],
      ['hf_short', /^failed: .*too short/],
    ];
    for (const [given, expected] of cases) {
      secrets.push(given.trim());
      const asked = hub.calls.length;
      const { checks } = await json([], env({ HUGGINGFACE_API_KEY: given }));
      assert.match(told(checks.key), expected);
      assert.deepEqual([checks.database.status, checks.spaces.status], ['skipped', 'skipped']);
      assert.equal(
        hub.calls.length - asked,
        /accept/.test(checks.key.message) ? 1 : 0,
        'a wrong one is sent to nobody',
      );
    }
    const { checks } = await json([], env({ HUGGINGFACE_API_KEY: key, VITE_HUGGINGFACE_API_KEY: key }));
    assert.match(told(checks.key), /^warning: The Hub accepts.*bundler copies it into the page/);
  });

  test('a Hub that answers with a page, an error, another redirect, or never', async () => {
    const never = await open(silent());
    const cases = [
      [
        (
          await open(
            upstream({ '*': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>') }),
          )
        ).origin,
        /a web page \(status 200\).*TIERWISE_HUB_URL/,
      ],
      [(await open(upstream({ '*': reply({ error: key }, 500) }))).origin, /status 500.*in trouble/],
      [
        (await open(upstream({ '*': reply({}, 302, { location: 'https://elsewhere.example/' }) }))).origin,
        /status 302/,
      ],
      [`http://${never.host}`, /gave no answer within 1 s/],
      [`http://${await freePort()}`, /Nothing listens/],
    ];
    for (const [url, expected] of cases) {
      const { checks, ms } = await json(['--limit', '1'], { TIERWISE_HUB_URL: url, HUGGINGFACE_API_KEY: key });
      assert.match(told(checks.key), expected);
      assert.equal(checks.key.status, 'failed');
      assert.ok(ms < kInTime);
    }
    const fine = await open(
      upstream({
        '*': reply({
          name: 'n',
          auth: {
            accessToken: {
              role: 'fineGrained',
              fineGrained: { global: [], scoped: [{ permissions: ['repo.content.read'] }] },
            },
          },
        }),
      }),
    );
    const { checks } = await json([], { TIERWISE_HUB_URL: fine.origin, HUGGINGFACE_API_KEY: key });
    assert.match(told(checks.key), /^warning: .*may not call inference providers/);
  });

  test('each protocol really answers, with its times and its words', async () => {
    const started = await Promise.all(['plain', 'tgi3', 'openai', 'vllm'].map((name) => open(startModelServer(name))));
    const tiers = ['base', 'company', 'abstraction', 'user'];
    const { checks, status } = await json(
      tiers.flatMap((tier, index) => ['--space', `${tier}=${started[index].origin}`]),
      env(),
    );
    assert.equal(status, 0);
    for (const [index, protocol] of ['plain', 'tgi', 'openai', 'openai'].entries()) {
      const check = checks[`space:${tiers[index]}`];
      assert.equal(check.status, 'ok', told(check));
      assert.match(
        check.message,
        /^It answered over .*: first part after [\d.]+ s, all after [\d.]+ s\. It says: “Hello from a small server/,
      );
      const { details } = check;
      assert.deepEqual(
        [details.protocol, details.from, details.through, details.attempts],
        [protocol, 'option', 'direct', 1],
      );
      assert.ok(details.firstPartMs >= 0 && details.totalMs >= details.firstPartMs && details.outputTokens > 0);
      const calls = started[index].requests.filter(({ method }) => method === 'POST');
      assert.equal(calls.length, 1, 'one short reply');
    }
  });

  test('by the Hub: running, asleep and woken, still asleep, building, paused, broken, missing', async () => {
    const of = async (name, ...args) =>
      (await json(['--space', `base=${name}`, '--wait', '1', ...args], env())).checks['space:base'];
    const runs = await of('owner/runs');
    assert.match(told(runs), /^ok: It answered over the plain contract: .*“ready”/);
    assert.equal(runs.details.stage, 'ready');
    assert.match(told(await of(`${hub.origin}/spaces/owner/runs`)), /^ok: /);

    const human = await run(['--space', 'base=owner/sleeper', '--wait', '30'], env());
    assert.equal(human.status, 0, human.stdout);
    assert.match(human.stderr, /… base Space is waking up.* It is waited for, 30 s at most\./);
    assert.match(
      human.stdout,
      /ok +space:base +\d+ ms {2}It was sleeping, and ran after [\d.]+ s\. It answered over .* It says: “awake again”/,
    );

    const cases = [
      ['owner/asleep', /^failed: After 1 s it does not run yet: base Space is waking up.*--wait 300/, 'sleeping'],
      ['owner/builds', /^failed: After 1 s it does not run yet: .*build.*build log/, 'building'],
      ['owner/paused', /^failed: .*is paused: only its owner can restart it.*Restart it/, 'paused'],
      ['owner/broken', /^failed: .*no memory.*logs/, 'broken'],
      ['owner/nothing', /^failed: .*TIERWISE_SPACE_TOKEN/, 'missing'],
    ];
    for (const [name, expected, stage] of cases) {
      const began = Date.now();
      const check = await of(name);
      assert.match(told(check), expected);
      assert.equal(check.details.stage, stage);
      assert.ok(Date.now() - began < kInTime);
    }
    assert.match(told(await of('owner/asleep', '--wait', '0')), /^failed: After 0 s it does not run yet/);
  });

  test('nobody there, a page, no text, an error, never an answer, a key that is asked for', async () => {
    const never = await open(upstream({ '/api/generate': () => {} }));
    const deaf = await open(silent());
    const guarded = await open(startModelServer('openai', { apiKey: spacesKey }));
    const cases = [
      [`http://${await freePort()}`, /Nothing listens at/],
      [
        (
          await open(
            upstream({
              '*': (_, response) =>
                response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>x</title>'),
            }),
          )
        ).origin,
        /failed: /,
      ],
      [(await open(plainSpace('  '))).origin, /failed: .*no text/],
      [
        (await open(upstream({ '/api/generate': reply({ error: 'the model fell over' }, 500) }))).origin,
        /the model fell over/,
      ],
      [never.origin, /within 3 s/],
      [`http://${deaf.host}`, /failed: .*(within|no answer)/],
      [guarded.origin, /failed: .*TIERWISE_SPACE_TOKEN/],
    ];
    for (const [url, expected] of cases) {
      const { checks, ms } = await json(['--space', `company=${url}`, '--limit', '3'], env());
      assert.match(told(checks['space:company']), expected);
      assert.equal(checks['space:company'].status, 'failed', told(checks['space:company']));
      assert.ok(ms < kInTime, `${String(ms)} ms for ${url}`);
    }
    const opened = await json(
      ['--space', `company=${guarded.origin}`],
      env({ TIERWISE_SPACE_TOKEN_COMPANY: spacesKey }),
    );
    assert.equal(opened.checks['space:company'].status, 'ok', told(opened.checks['space:company']));
    const others = await json(
      ['--space', `base=${guarded.origin}`],
      env({ TIERWISE_SPACE_TOKEN_COMPANY: spacesKey, HUGGINGFACE_API_KEY: key }),
    );
    assert.equal(others.checks['space:base'].status, 'failed', 'the token of another tier, and the key, go nowhere');
    for (const { headers } of guarded.requests) assert.notEqual(headers.authorization, `Bearer ${key}`);
  });

  test('what a Space says cannot change the terminal, nor repeat a secret', async () => {
    const shapeless = 'our-own secret/42';
    secrets.push(shapeless);
    const nasty = `${shapeless} ${encodeURIComponent(shapeless)} \u001b[31mred\u001b[0m \u001b]0;title\u0007\u202Eevil\u202C one\r\ntwo\u0007\u009b2J\u200B ${key.slice(0, 9)}\u200B${key.slice(9)} ${spacesKey} ${'x'.repeat(500)}`;
    const app = await open(plainSpace(nasty));
    const given = ['--space', `base=${app.origin}`];
    const secret = env({
      HUGGINGFACE_API_KEY: key,
      TIERWISE_SPACE_TOKEN_BASE: spacesKey,
      TIERWISE_SPACE_TOKEN_USER: shapeless,
    });
    const human = await run(given, secret);
    assert.match(human.stdout, /It says: “\[redacted\] \[redacted\] red evil one two .*…”/);
    assert.equal(human.stdout.split('\n').filter((line) => line.startsWith('ok ')).length, 2);
    const { checks } = await json(given, secret);
    assert.match(
      checks['space:base'].details.sample,
      /^\[redacted\] \[redacted\] red evil one two \S*redacted\S* \S*redacted/,
    );
  });

  test('human output: a line for each, no colour, the sum last', async () => {
    const { stdout, status } = await run(
      ['--space', 'base=owner/runs', '--space', 'user=owner/paused'],
      env({ HUGGINGFACE_API_KEY: key, FORCE_COLOR: '1' }),
    );
    assert.equal(status, 1);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.at(-1), '2 ok, 0 warnings, 1 failed, 2 skipped.');
    const starts = lines
      .filter((line) => /^(ok|warning|failed|skipped) /.test(line))
      .map((line) => line.split(/ +/).slice(0, 2).join(' '));
    assert.deepEqual(starts, ['skipped database', 'skipped functions', 'ok key', 'ok space:base', 'failed space:user']);
    const columns = lines.filter((line) => /^(ok|failed) /.test(line)).map((line) => line.indexOf(' ms  '));
    assert.equal(new Set(columns).size, 1, stdout);
  });

  test('in a terminal the status is coloured, unless NO_COLOR forbids it', async (t) => {
    const inTerminal = async (more) => {
      const command = `${process.execPath} ${cli} doctor --space base=owner/paused`;
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        env: { PATH: process.env.PATH, TERM: 'xterm', ...env(more) },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let shown = '';
      child.stdout.on('data', (part) => (shown += part));
      const code = await new Promise((resolve) => child.once('error', () => resolve(undefined)).once('close', resolve));
      return code === undefined ? undefined : shown;
    };
    const shown = await inTerminal({});
    if (shown === undefined) return t.skip('the program "script" is not there (apt-get install util-linux)');
    assert.ok(shown.includes('\u001b[31mfailed   \u001b[0mspace:base'), JSON.stringify(shown));
    assert.ok(!(await inTerminal({ NO_COLOR: '1' })).includes('\u001b['));
  });

  test('an OpenAI-compatible provider, where one is given', async () => {
    const secret = `sk-${randomBytes(20).toString('hex')}`;
    secrets.push(secret);
    const server = await open(startModelServer('openai', { apiKey: secret, model: 'tiny' }));
    const look = async (more) => (await json([], { TIERWISE_OPENAI_URL: server.origin, ...more })).checks.provider;
    assert.match(
      told(await look({ OPENAI_API_KEY: secret })),
      /^ok: .* lists 1 model\. tiny answered: .* It says: “Hello from/,
    );
    assert.match(told(await look({})), /^failed: .*asks for a key.*OPENAI_API_KEY/);
    assert.match(told(await look({ OPENAI_API_KEY: `${secret}x` })), /^failed: .*does not accept OPENAI_API_KEY/);
    const page = await open(
      upstream({ '*': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>') }),
    );
    assert.match(
      told(await look({ TIERWISE_OPENAI_URL: `${page.origin}/v1`, OPENAI_API_KEY: secret })),
      /^failed: .*a web page/,
    );
  });
});

describe('functions', () => {
  let stage;
  let hub;
  let space;
  let asleep = false;
  const servers = [];
  const open = async (making) => {
    const server = await making;
    servers.push(server);
    return server;
  };
  before(async () => {
    space = await open(startModelServer('plain', { apiKey: spacesKey }));
    hub = await open(
      startHub({ 'acme/private': { origin: space.origin, stage: () => (asleep ? 'PAUSED' : 'RUNNING') } }),
    );
    stage = await start({
      TIERWISE_SPACE_HOSTS: space.origin,
      TIERWISE_HUB_URL: hub.origin,
      HUGGINGFACE_API_KEY: key,
    });
    secrets.push(
      stage.running.server.credentials.postgres,
      stage.running.server.credentials.authenticator,
      stage.tokens.secret,
      stage.env.TIERWISE_SEALING_KEYS.slice(3),
    );
    const put = (path, body) => stage.call(`config/${path}`, { user: 'admin', method: 'PUT', body });
    await put('spaces/base', { name: 'ours', url: space.origin });
    await put('keys/space:base', { key: spacesKey });
    await put('flags/useHuggingFaceSpaces', { enabled: true });
  });
  after(async () => {
    await stage?.stop();
    for (const server of servers) await server.close();
  });
  const tokenOf = (user, more) => {
    const token = stage.tokens.hs256(users[user], more);
    secrets.push(token);
    return token;
  };
  const look = (args = [], env = {}) =>
    json(['--url', stage.functions.url, ...args], { TIERWISE_HUB_URL: hub.origin, ...env });

  test('all of it, as an operator runs it', async () => {
    const env = {
      TIERWISE_HUB_URL: hub.origin,
      DATABASE_URL: stage.database.adminUrl,
      TIERWISE_DB_URL: stage.env.TIERWISE_DB_URL,
      TIERWISE_TOKEN: tokenOf('admin'),
      HUGGINGFACE_API_KEY: key,
    };
    const args = ['--url', stage.functions.url.replace('/functions/v1', ''), '--company', companyA];
    const { checks, names, status } = await json(args, env);
    assert.equal(status, 0, JSON.stringify(checks, undefined, 1));
    assert.deepEqual(names, [
      'database',
      'migrations',
      'settings',
      'flags',
      'row-security',
      'login',
      'functions',
      'preflight',
      'session',
      'health',
      'key',
      'space:base',
    ]);
    for (const name of names.filter((each) => each !== 'health'))
      assert.equal(checks[name].status, 'ok', told(checks[name]));
    assert.match(checks.functions.message, /^All 7 answer at 127\.0\.0\.1:\d+ and ask for sign-in/);
    assert.match(
      checks.session.message,
      /^The token is of an admin of A: Spaces base; flags on: .*useHuggingFaceSpaces/,
    );
    assert.match(
      checks.health.message,
      /reach the database in \d+ ms\. Keys: router valid, openai missing\. Spaces: base unknown/,
    );
    assert.deepEqual(
      [checks['space:base'].details.from, checks['space:base'].details.through],
      ['functions', 'gateway'],
    );
    assert.match(
      checks['space:base'].message,
      /It answered over the plain contract, through the gateway: .*“Hello from a small server/,
    );
    const human = await run(args, env);
    assert.match(human.stdout, /\n\n\d+ ok, 0 warnings, 0 failed, 0 skipped\.\n$/);
  });

  test('without a token: what can be seen, and what to give', async () => {
    const { checks, status } = await look();
    assert.equal(status, 0);
    assert.deepEqual(
      [checks.functions.status, checks.preflight.status, checks.session.status],
      ['ok', 'ok', 'skipped'],
    );
    assert.match(checks.session.advice, /TIERWISE_TOKEN/);
    assert.equal(checks.health, undefined);
  });

  test('tokens that are none, and whose company it is not', async () => {
    const cases = [
      [tokenOf('admin', { exp: 1 }), [], /^failed: .*expired.*token-expired.*Sign in again/],
      [tokenOf('admin', { role: 'anon' }), [], /^failed: .*not-a-user.*not the anon or service_role key/],
      [stage.tokens.hs256(users.admin, {}, 'x'.repeat(48)), [], /^failed: .*invalid-token.*TIERWISE_JWKS_URL/],
      [stage.tokens.none(users.admin), [], /^failed: The token is no JWT/],
      [key, [], /^failed: The token is no JWT/],
      [`Bearer ${tokenOf('admin')}`, [], /^failed: The token begins with "Bearer"/],
      [tokenOf('nobody'), [], /^failed: .*not-a-member.*tierwise\.members/],
      [tokenOf('stranger'), ['--company', companyA], /^failed: .*not-a-member.*--company/],
    ];
    for (const [token, args, expected] of cases) {
      const { checks } = await look(args, { TIERWISE_TOKEN: token });
      assert.match(told(checks.session), expected);
      assert.equal(checks.health, undefined);
    }
    // Of the two, the one that the list of processes does not show.
    const { checks } = await look(['--token', 'x.y.z'], { TIERWISE_TOKEN: tokenOf('member') });
    assert.match(checks.session.message, /^The token is of a member of A/);
    assert.match((await look(['--token', tokenOf('member')])).checks.session.message, /^The token is of a member of A/);
  });

  test('a key and a Space that do not work', async () => {
    const put = (path, body) => stage.call(`config/${path}`, { user: 'admin', method: 'PUT', body });
    await put('keys/router', { key: `hf_${'0'.repeat(30)}` });
    await put('spaces/base', { url: `${hub.origin}/spaces/acme/private` });
    asleep = true;
    const { checks } = await look(['--limit', '10'], { TIERWISE_TOKEN: tokenOf('admin') });
    assert.match(
      told(checks.health),
      /^failed: .*The key of router does not work.*The base Space cannot be called.*PUT config\/keys\/router/,
    );
    assert.match(told(checks['space:base']), /^failed: .*paused.*Restart it/);
    asleep = false;
    await stage.call('config/keys/router', { user: 'admin', method: 'DELETE' });
    await put('spaces/base', { url: 'https://elsewhere.example' });
    const other = await look(['--limit', '10'], { TIERWISE_TOKEN: tokenOf('admin') });
    assert.match(told(other.checks.health), /^failed: .*base Space cannot be called.*TIERWISE_SPACE_HOSTS/);
    assert.match(told(other.checks['space:base']), /^failed: .*not at a host that the operator allows/);
    await put('spaces/base', { url: space.origin });
  });

  test('one function is missing, one gives a page, one never answers', async () => {
    const silence = [];
    const front = await open(
      upstream({
        '*': async (request, response, body) => {
          const name = request.url.split('/')[3];
          if (name === 'feedback')
            return reply({ code: 'NOT_FOUND', message: 'Requested function was not found' }, 404)(request, response);
          if (name === 'usage') return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
          if (name === 'gateway') return silence.push(response);
          if (name === 'config' && request.method === 'GET')
            return reply({ code: 'UNAUTHORIZED_NO_AUTH_HEADER', message: 'Missing authorization header' }, 401)(
              request,
              response,
            );
          const answer = await fetch(stage.functions.url + request.url.replace('/functions/v1', ''), {
            method: request.method,
            headers: { authorization: request.headers.authorization ?? '' },
            body: body.length > 0 ? body : undefined,
          });
          return response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
        },
      }),
    );
    const { checks, ms } = await json(['--url', front.origin, '--limit', '2']);
    const all = told(checks.functions);
    assert.match(all, /^failed: 4 of 7 answer/);
    for (const expected of [
      /Not there: feedback\./,
      /usage: .*a web page \(200\)/,
      /gateway: .*no answer within 2 s/,
      /asks for a token before config is reached/,
    ])
      assert.match(all, expected);
    assert.equal(checks.functions.details.functions.feedback, '404 NOT_FOUND');
    assert.match(
      told(checks.preflight),
      /^failed: Browsers would not let a page call them: .*names no allowed origin.*verify_jwt/,
    );
    assert.ok(ms < kInTime);
  });

  test('another server, nobody, a redirect, a server that repeats what it is sent', async () => {
    const token = tokenOf('member');
    const deaf = await open(silent());
    const endless = await open(
      upstream({
        '*': (_, response) => {
          const timer = setInterval(() => response.write('x'.repeat(100_000)), 5);
          response.on('close', () => clearInterval(timer));
        },
      }),
    );
    const cases = [
      [
        (
          await open(
            upstream({ '*': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>') }),
          )
        ).origin,
        /a web page \(200\), not with JSON/,
      ],
      [(await open(upstream({}))).origin, /There are no functions at http.*supabase functions deploy/],
      [
        (await open(upstream({ '*': reply('', 308, { location: `https://new.example/?token=${token}` }) }))).origin,
        /sends on to https:\/\/new\.example \(308\)/,
      ],
      [`http://${await freePort()}`, /Nothing listens/],
      [`http://${deaf.host}`, /gave no answer within 1 s/],
      [endless.origin, /answered with more than 1 MiB/],
    ];
    for (const [url, expected] of cases) {
      const { checks, names, ms } = await json(['--url', url, '--limit', '1'], { TIERWISE_TOKEN: token });
      assert.match(told(checks.functions), expected);
      assert.equal(names[2], 'key', 'what needs them is left out');
      assert.ok(ms < kInTime);
    }
    const echo = await open(
      upstream({
        '*': (request, response) =>
          request.headers.authorization === undefined
            ? reply({ success: false, code: 'not-signed-in', error: 'x' }, 401)(request, response)
            : reply({ success: false, code: 'odd', error: `You sent \u001b[1m${request.headers.authorization}` }, 500, {
                'x-got': request.headers.authorization,
              })(request, response),
      }),
    );
    const { checks } = await json(['--url', echo.origin], { TIERWISE_TOKEN: token });
    assert.match(told(checks.session), /^failed: You sent .*redacted.* \(500 odd\)/);
  });

  test('functions without their database', async () => {
    const functions = await startFunctions({
      env: { ...stage.env, TIERWISE_DB_URL: `postgres://authenticator:x@${await freePort()}/nothing` },
    });
    try {
      const { checks } = await json(['--url', functions.url], { TIERWISE_TOKEN: tokenOf('member') });
      assert.equal(checks.functions.status, 'ok');
      assert.match(told(checks.session), /^failed: .*database-unavailable.*TIERWISE_DB_URL/);
    } finally {
      await functions.stop();
    }
  });

  test('the list of processes shows neither token nor password', async () => {
    const deaf = await open(silent());
    const token = tokenOf('member');
    const child = spawn(
      process.execPath,
      [cli, 'doctor', '--url', `http://${deaf.host}`, '--token', token, '--limit', '15'],
      {
        stdio: 'ignore',
        env: { PATH: process.env.PATH },
      },
    );
    const { readFile } = await import('node:fs/promises');
    let shown = token;
    for (const until = Date.now() + 14_000; shown.includes(token) && Date.now() < until;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      shown = await readFile(`/proc/${String(child.pid)}/cmdline`, 'latin1').catch(() => '');
    }
    assert.match(shown, /^tierwise doctor/);
    assert.ok(!shown.includes(token.slice(0, 20)));
    child.kill();
    await new Promise((resolve) => child.once('close', resolve));
  });

  test('a login that the stage made is the one it is told of', async () => {
    await allowLogin(stage.database.admin, stage.running.server.credentials.authenticator);
    const { checks } = await json(['--db', stage.database.adminUrl], {});
    assert.match(checks.login.message, /^authenticator may only become/);
  });
});
