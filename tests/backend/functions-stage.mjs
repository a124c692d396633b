/**
 * Where the functions are tested: a real PostgreSQL (the embedded 17, unless another is given) with two companies, the real functions under Deno, tokens of
 * both kinds, and upstream servers of our own. `start()` gives all of it, `stop()` ends it.
 */
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

import { startFunctions } from '../../web/backend/embedded/functions.mjs';
import { listen } from '../servers/loopback.mjs';
import { addPeople, kinds, newDatabase, startServer, supabaseDefaults, users } from './servers.mjs';

/** An address of each function. */
export const functionPaths = [
  'usage',
  'feedback',
  'config',
  'usage-summary',
  'gateway/base/config',
  'huggingface-inference',
  'health',
];
/** Keys as Hugging Face's look; what a test looks for where no key may be. */
export const operatorsKey = `hf_${randomBytes(20).toString('hex')}`;
export const companysKey = `hf_${randomBytes(20).toString('hex')}`;
export const issuer = 'https://project.supabase.test/auth/v1';
const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signs as the sign-in does; `forge` changes header, claims or the parts. */
export class Tokens {
  secret = randomBytes(48).toString('base64url');
  #pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  #rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

  get jwks() {
    const shown = (key, alg, kid) => ({ ...key.export({ format: 'jwk' }), alg, kid, use: 'sig' });
    return { keys: [shown(this.#pair.publicKey, 'ES256', 'ec'), shown(this.#rsa.publicKey, 'RS256', 'rsa')] };
  }

  /** The public key as an attacker would use it for a secret. */
  get publicPem() {
    return this.#rsa.publicKey.export({ type: 'spki', format: 'pem' });
  }

  claims(sub, more = {}) {
    const now = Math.floor(Date.now() / 1000);
    return { iss: issuer, aud: 'authenticated', role: 'authenticated', sub, iat: now, exp: now + 600, ...more };
  }

  hs256(sub, more = {}, secret = this.secret, header = {}) {
    const text = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(this.claims(sub, more))}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  }

  es256(sub, more = {}, key = this.#pair.privateKey, header = {}) {
    const text = `${encode({ alg: 'ES256', typ: 'JWT', kid: 'ec', ...header })}.${encode(this.claims(sub, more))}`;
    return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  none(sub) {
    return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(this.claims(sub))}.`;
  }
}

/** A server that answers by `routes[path](request, response, body)`; `calls` holds what came. */
export async function upstream(routes) {
  const calls = [];
  const server = await listen(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const { pathname } = new URL(request.url, 'http://x');
    calls.push({ method: request.method, url: request.url, path: pathname, headers: request.headers, body });
    const route = routes[pathname] ?? routes['*'];
    if (route === undefined)
      return response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Not Found"}');
    return route(request, response, body);
  });
  return { ...server, calls, routes };
}

export const reply =
  (value, status = 200, headers = {}) =>
  (_, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof value === 'string' ? value : JSON.stringify(value));

export async function start(env = {}, kind = kinds[0], serverOptions = {}) {
  const running = await startServer(kind, serverOptions);
  const ends = [() => running.stop()];
  try {
    const database = await newDatabase(running.server, { before: supabaseDefaults });
    ends.push(() => database.close());
    await addPeople(database.admin);
    const tokens = new Tokens();
    const keys = await upstream({ '/jwks': (_, response) => reply(tokens.jwks)(_, response) });
    ends.push(() => keys.close());
    const log = [];
    const given = {
      TIERWISE_DB_URL: running.server.url('authenticator', database.name),
      TIERWISE_JWT_SECRET: tokens.secret,
      TIERWISE_JWKS_URL: `${keys.origin}/jwks`,
      TIERWISE_JWT_ISSUER: issuer,
      TIERWISE_SEALING_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ...env,
    };
    const functions = await startFunctions({ env: given, onLine: (line) => log.push(line) });
    ends.push(() => functions.stop());
    return {
      running,
      database,
      tokens,
      functions,
      log,
      env: given,
      /** Every answer that came, as text, for the search for secrets. */
      answers: [],
      async call(path, { user = 'member', token, method, body, headers = {}, raw = false, signal } = {}) {
        const bearer = token ?? (user === null ? undefined : tokens.hs256(users[user] ?? user));
        const response = await fetch(`${functions.url}/${path}`, {
          method: method ?? (body === undefined ? 'GET' : 'POST'),
          headers: {
            ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
            ...(body !== undefined && { 'content-type': 'application/json' }),
            ...headers,
          },
          body:
            body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
          redirect: 'manual',
          signal,
        });
        if (raw) return response;
        const text = await response.text();
        this.answers.push([...response.headers].join('\n') + text);
        let value = text;
        try {
          value = JSON.parse(text);
        } catch {
          // Not every answer is JSON.
        }
        return { status: response.status, headers: response.headers, value, text };
      },
      stop: () => ends.reverse().reduce((before, end) => before.then(end, end), Promise.resolve()),
    };
  } catch (error) {
    for (const end of ends.reverse()) await end();
    throw error;
  }
}
