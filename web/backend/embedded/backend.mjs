/**
 * The whole backend at one address of this machine, as a project of Supabase has one: `startBackend()`. Under `/auth/v1` the
 * development sign-in (sign-in.mjs), under `/functions/v1` the functions (functions.mjs), behind them the embedded
 * PostgreSQL or the one at `databaseUrl` (database.mjs), with companies and people of development (people.mjs).
 *
 * Promises: loopback only, and only under a name of this machine (DNS rebinding); one process tree that ends with this
 * process, however it ends, and of which every process that is killed is replaced; data, keys and sessions are kept in one
 * folder and survive a restart.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

import postgres from 'postgres';

import { startDatabase, useDatabase } from './database.mjs';
import { startFunctions } from './functions.mjs';
import { keptOnce } from './kept-file.mjs';
import { setOwnSpaces } from './own-spaces.mjs';
import { passOn } from './pass-on.mjs';
import { addPeople, people } from './people.mjs';
import { defaultFolder } from './postgres.mjs';
import { keepRetention } from './retention.mjs';
import { createSignIn } from './sign-in.mjs';

export const defaultPort = 54321;
const kPortsTried = 20;

/** Of the surroundings, what the functions get as it is: docs/BACKEND.md, Environment. */
const ofOperator = [
  'HUGGINGFACE_API_KEY',
  'OPENAI_API_KEY',
  'TIERWISE_HUB_URL',
  'TIERWISE_ROUTER_URL',
  'TIERWISE_OPENAI_URL',
];

/**
 * Resolves when requests are answered: `{ url, people, folder, useSpaces(spaces), pids(), stop() }`.
 * - `port`: wished for; a taken one becomes the next free one. 0: any.
 * - `folder`: of data, keys and sessions; `databaseUrl`: another PostgreSQL than the embedded one, as the owner of its schema.
 * - `origins`: pages that may use the sign-in, `['http://127.0.0.1:5173']`.
 * - `spaceHosts`: Spaces on this machine that the functions may call, `['http://127.0.0.1:7861']`.
 * - `env`: variables of the operator; `onNote(text)`: told of restarts and what could not be healed; `onLine(text)`: the
 *   functions' log.
 */
export async function startBackend({
  port = defaultPort,
  databaseUrl,
  folder,
  origins = [],
  spaceHosts = [],
  env = process.env,
  onNote = () => {},
  onLine = () => {},
  tokenSeconds,
  retentionFirstMs,
} = {}) {
  const ends = [];
  const stop = async () => {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end();
  };
  try {
    const server = createServer();
    const state = { url: '', answer: undefined, functions: undefined, hosts: spaceHosts };
    server.on('request', (request, response) => state.answer(request, response));
    state.answer = (request, response) => unavailable(request, response, 'The backend is starting.');
    state.url = `http://127.0.0.1:${String(await listen(server, port))}`;
    ends.push(() => close(server));

    const onLost = (error) => onNote(`The backend stands still: ${error.message} Start again.`);
    const database =
      databaseUrl === undefined
        ? await startDatabase({ folder, onLost, onRestart: () => onNote('The database was killed and runs again.') })
        : await useDatabase(databaseUrl, ownFolder(folder));
    ends.push(() => database.stop());
    const home = database.server?.folder ?? ownFolder(folder);
    const sql = postgres(database.adminUrl, { max: 1, prepare: false, idle_timeout: 20, onnotice: () => {} });
    ends.push(() => sql.end({ timeout: 5 }));
    await addPeople(sql);

    const signIn = createSignIn({
      folder: home,
      people,
      issuer: () => `${state.url}/auth/v1`,
      origins: () => origins,
      tokenSeconds,
    });
    const start = () =>
      startFunctions({
        env: {
          ...Object.fromEntries(ofOperator.map((name) => [name, env[name] || undefined])),
          TIERWISE_DB_URL: database.url,
          TIERWISE_JWKS_URL: `${state.url}/auth/v1/.well-known/jwks.json`,
          TIERWISE_JWT_ISSUER: `${state.url}/auth/v1`,
          TIERWISE_SEALING_KEYS: [env.TIERWISE_SEALING_KEYS, sealingKey(home)].filter(Boolean).join(','),
          TIERWISE_SPACE_HOSTS: [env.TIERWISE_SPACE_HOSTS || '*.hf.space', ...state.hosts].join(','),
        },
        onLine,
        onLost,
        onRestart: () => onNote('The functions were killed and run again.'),
      });
    state.functions = await start();
    ends.push(() => state.functions.stop());

    state.answer = (request, response) => {
      if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(request.headers.host ?? ''))
        return void response.writeHead(421).end();
      if (request.url.startsWith('/auth/v1/')) return void signIn.answer(request, response);
      if (!request.url.startsWith('/functions/v1/'))
        return void response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found');
      return passOn(request, response, {
        port: state.functions.port,
        refuse: () => unavailable(request, response, 'The functions are starting again.'),
      });
    };
    const retention = keepRetention(sql, { onNote, firstMs: retentionFirstMs });
    ends.push(() => retention.stop());

    return {
      url: state.url,
      people: people.map(({ email, password, name, role, company }) => ({
        email,
        password,
        name,
        role,
        company: company.name,
      })),
      folder: home,
      migrated: database.migrated,
      /** Makes these everybody's Spaces: tier -> address on this machine. */
      async useSpaces(spaces) {
        await setOwnSpaces(sql, spaces);
        const missing = Object.values(spaces)
          .map((url) => new URL(url).origin)
          .filter((origin) => !state.hosts.includes(origin));
        if (missing.length === 0) return;
        state.hosts = [...state.hosts, ...missing];
        await state.functions.stop();
        state.functions = await start();
      },
      /** Of its own processes, by what they are: for tests and for those who look. */
      pids: () => ({ functions: state.functions.pid, database: database.server?.pid }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** In the functions' place: to be asked again. A preflight is answered, or pages would not see the status of what follows. */
function unavailable(request, response, error) {
  const headers = { 'access-control-allow-origin': '*', 'cache-control': 'no-store' };
  if (request.method === 'OPTIONS') {
    const wanted = request.headers['access-control-request-headers'] ?? '';
    response.writeHead(204, {
      ...headers,
      'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
      'access-control-allow-headers': wanted,
    });
    return void response.end();
  }
  response
    .writeHead(503, {
      ...headers,
      'content-type': 'application/json',
      'retry-after': '1',
      'access-control-expose-headers': 'retry-after',
      // What was not read of the body must not be taken for the next request.
      ...(request.complete ? {} : { connection: 'close' }),
    })
    .end(JSON.stringify({ success: false, error, code: 'functions-unavailable' }));
}

/** The key that seals the keys of targets: made once, kept beside the data. */
function sealingKey(home) {
  const { id, key } = keptOnce(path.join(home, 'sealing-key.json'), () => ({
    id: `embedded-${randomBytes(4).toString('hex')}`,
    key: randomBytes(32).toString('base64'),
  }));
  return `${id}:${key}`;
}

/** Of keys and sessions when the data is elsewhere. */
function ownFolder(folder) {
  const home = path.resolve(folder ?? path.join(path.dirname(defaultFolder()), 'backend'));
  mkdirSync(home, { recursive: true });
  if (folder === undefined) chmodSync(home, 0o700);
  return home;
}

function listen(server, wished) {
  return new Promise((resolve, reject) => {
    let port = wished;
    server.on('error', (error) => {
      if (error.code === 'EADDRINUSE' && port < wished + kPortsTried) server.listen(++port, '127.0.0.1');
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => resolve(server.address().port));
  });
}

function close(server) {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
