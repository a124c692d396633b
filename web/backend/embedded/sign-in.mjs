/**
 * The development sign-in: the part of Supabase Auth that supabase-js uses to sign in with a password, stay signed in, ask
 * who it is and sign out. For loopback only: its people and their password are printed by `npm start`.
 *
 * Access tokens are ES256 (RFC 7518) and last an hour. The key and the sessions are files of the data folder, so that who
 * was signed in before a restart still is. A session's refresh token stays the same until it is signed out or 30 days
 * old, so that several tabs may use it at once; only its SHA-256 is kept.
 * Pages of other origins than `origins` are refused (403) and can read nothing.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import path from 'node:path';

import { keptOnce, readKept, writeKept } from './kept-file.mjs';

const kMostBytes = 16_384;
const kSessionSeconds = 30 * 86_400;
/** Of all people together; the oldest go first. */
const kMostSessions = 500;

const sha256 = (text) => createHash('sha256').update(text).digest();
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * Gives `answer(request, response)` for what is under `/auth/v1`. `issuer()`: its address; `people`: `{ id, email,
 * password, name }`; `origins()`: the pages that may ask; `tokenSeconds`: how long an access token lasts.
 */
export function createSignIn({
  folder,
  people,
  issuer,
  origins,
  tokenSeconds = 3600,
  seconds = () => Math.floor(Date.now() / 1000),
}) {
  const { jwk } = keptOnce(path.join(folder, 'sign-in.json'), () => ({
    jwk: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  }));
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  const publicKey = createPublicKey(key);
  const publicJwk = publicKey.export({ format: 'jwk' });
  const kid = sha256(JSON.stringify(publicJwk)).toString('base64url').slice(0, 16);
  const sessions = createSessions(path.join(folder, 'sessions.json'), seconds);

  const userOf = ({ id, email, name }) => ({
    id,
    aud: 'authenticated',
    role: 'authenticated',
    email,
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: { name },
    identities: [],
  });

  const grant = (person, session, refreshToken) => {
    const now = seconds();
    const claims = {
      iss: issuer(),
      aud: 'authenticated',
      role: 'authenticated',
      sub: person.id,
      email: person.email,
      user_metadata: { name: person.name },
      session_id: session,
      iat: now,
      exp: now + tokenSeconds,
    };
    const text = `${encode({ alg: 'ES256', typ: 'JWT', kid })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
    return {
      access_token: `${text}.${signature.toString('base64url')}`,
      token_type: 'bearer',
      expires_in: tokenSeconds,
      expires_at: claims.exp,
      refresh_token: refreshToken,
      user: userOf(person),
    };
  };

  /** Whose access token this is, checked as the functions check it, and that it was not signed out. */
  const callerOf = (request) => {
    const token = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(request.headers.authorization ?? '');
    if (token === null) throw new Refusal(401, 'no_authorization', 'This needs the access token of a session.');
    const [, head, body, signature] = token;
    const signed = verify(
      'sha256',
      Buffer.from(`${head}.${body}`),
      { key: publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    if (!signed) throw new Refusal(403, 'bad_jwt', 'invalid JWT: its signature is not of this sign-in.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
    if (claims.exp <= seconds()) throw new Refusal(403, 'bad_jwt', 'invalid JWT: the token has expired.');
    const person = people.find(({ id }) => id === claims.sub);
    if (person === undefined || !sessions.has(claims.session_id))
      throw new Refusal(403, 'session_not_found', 'The session has ended: sign in again.');
    return { person, session: claims.session_id };
  };

  const routes = {
    'POST /token': async (request, query) => {
      const body = await jsonOf(request);
      switch (query.get('grant_type')) {
        case 'password': {
          const email = String(body.email ?? '')
            .trim()
            .toLowerCase();
          const person = people.find((one) => one.email === email);
          const given = sha256(String(body.password ?? ''));
          if (!timingSafeEqual(given, sha256(person?.password ?? '')) || person === undefined)
            throw new Refusal(400, 'invalid_credentials', 'Invalid login credentials');
          return [200, grant(person, ...sessions.begin(person.id))];
        }
        case 'refresh_token': {
          const session = sessions.find(String(body.refresh_token ?? ''));
          const person = people.find(({ id }) => id === session?.user);
          if (person === undefined)
            throw new Refusal(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
          return [200, grant(person, session.id, body.refresh_token)];
        }
        default:
          throw new Refusal(400, 'validation_failed', 'grant_type must be password or refresh_token.');
      }
    },
    'GET /user': (request) => [200, userOf(callerOf(request).person)],
    'POST /logout': (request, query) => {
      const { person, session } = callerOf(request);
      sessions.end(person.id, session, query.get('scope') ?? 'global');
      return [204];
    },
    'GET /.well-known/jwks.json': () => [200, { keys: [{ ...publicJwk, kid, alg: 'ES256', use: 'sig' }] }],
  };

  return {
    async answer(request, response) {
      const { origin } = request.headers;
      const headers = {
        vary: 'origin',
        'cache-control': 'no-store',
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
      };
      let status;
      let value;
      try {
        if (origin !== undefined) {
          if (!origins().includes(origin))
            throw new Refusal(403, 'origin_not_allowed', 'This sign-in is for the demo that was started with it.');
          Object.assign(headers, {
            'access-control-allow-origin': origin,
            'access-control-allow-methods': 'GET, POST, OPTIONS',
            'access-control-allow-headers':
              'authorization, apikey, content-type, x-client-info, x-supabase-api-version',
            'access-control-max-age': '600',
          });
        }
        if (request.method === 'OPTIONS') status = 204;
        else {
          const [pathname, query] = request.url.split('?', 2);
          const name = `${request.method} ${pathname.replace(/^\/auth\/v1/, '')}`;
          if (!Object.hasOwn(routes, name)) throw new Refusal(404, 'not_found', 'The sign-in has no such address.');
          [status, value] = await routes[name](request, new URLSearchParams(query));
        }
      } catch (error) {
        const known = error instanceof Refusal ? error : new Refusal(500, 'unexpected_failure', 'The sign-in failed.');
        status = known.status;
        value = { code: status, error_code: known.code, msg: known.message };
        // What was not read of the body must not be taken for the next request.
        if (!request.complete) headers.connection = 'close';
      }
      response.writeHead(status, headers).end(value === undefined ? undefined : JSON.stringify(value));
    },
  };
}

/** Sessions by id: `{ user, token (SHA-256 of the refresh token), until (s) }`. Read anew each time: another may write too. */
function createSessions(file, seconds) {
  const read = () => {
    const now = seconds();
    return Object.entries(readKept(file) ?? {}).filter(([, { until }]) => until > now);
  };
  const write = (entries) => writeKept(file, Object.fromEntries(entries.slice(-kMostSessions)));
  const digest = (token) => sha256(token).toString('base64url');
  return {
    /** `[id, refresh token]` */
    begin(user) {
      const id = randomUUID();
      const token = randomBytes(24).toString('base64url');
      write([...read(), [id, { user, token: digest(token), until: seconds() + kSessionSeconds }]]);
      return [id, token];
    },
    find(token) {
      const wanted = digest(token);
      const found = read().find(([, session]) => session.token === wanted);
      return found === undefined ? undefined : { id: found[0], user: found[1].user };
    },
    has: (id) => read().some(([one]) => one === id),
    /** `scope` as Supabase's: `local` this one, `others` all of the person but this one, `global` all of the person. */
    end(user, id, scope) {
      const ends = ([one, session]) =>
        scope === 'local' ? one === id : session.user === user && (scope !== 'others' || one !== id);
      write(read().filter((entry) => !ends(entry)));
    },
  };
}

async function jsonOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > kMostBytes) throw new Refusal(413, 'validation_failed', 'The body is too large.');
    parts.push(part);
  }
  try {
    const value = JSON.parse(Buffer.concat(parts).toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Answered below.
  }
  throw new Refusal(400, 'bad_json', 'The body must be a JSON object.');
}
