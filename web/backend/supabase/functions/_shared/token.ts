/**
 * Who is calling: the user's JWT from `Authorization: Bearer`, its signature, issuer, audience and times checked. HS256 with
 * the legacy secret, or an asymmetric key from the JWKS; the header chooses between these two and nothing else, so `none`
 * or a public key used as a secret are refused. Only tokens of signed-in users count: keys of the project (roles `anon`
 * and `service_role`) are not users.
 */
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
} from 'npm:jose@6.2.17';

import { Refusal } from './answer.ts';
import { settings } from './settings.ts';

export interface Caller {
  id: string;
  claims: JWTPayload;
}
const asymmetric = [
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
  'Ed25519',
];
/** Of clocks, seconds. */
const kTolerance = 10;
const kMostCharacters = 16_384;
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

let remote: ReturnType<typeof createRemoteJWKSet> | undefined;

export async function callerOf(request: Request): Promise<Caller> {
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
  if (token === undefined) throw new Refusal(401, 'not-signed-in', 'Sign in first: the request carries no token.');
  if (token.length > kMostCharacters) throw invalid();
  const { jwt } = settings();
  const checks = {
    issuer: jwt.issuer,
    audience: jwt.audience,
    clockTolerance: kTolerance,
    requiredClaims: ['exp', 'sub'],
  };
  let claims: JWTPayload;
  try {
    const { alg } = decodeProtectedHeader(token);
    if (alg === 'HS256' && jwt.secret !== undefined) {
      claims = (await jwtVerify(token, jwt.secret, { ...checks, algorithms: ['HS256'] })).payload;
    } else if (alg !== undefined && asymmetric.includes(alg) && jwt.jwksUrl !== undefined) {
      claims = (await jwtVerify(token, publicKey(jwt.jwksUrl), { ...checks, algorithms: asymmetric })).payload;
    } else throw invalid();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (error instanceof errors.JWTExpired)
      throw new Refusal(401, 'token-expired', 'The session has expired: sign in again.');
    throw invalid();
  }
  if (typeof claims.sub !== 'string' || !uuid.test(claims.sub)) throw invalid();
  if (claims.role !== undefined && claims.role !== 'authenticated')
    throw new Refusal(401, 'not-a-user', 'This is not the token of a signed-in user.');
  return { id: claims.sub.toLowerCase(), claims };
}

/** Finds the key of a token; 503 when the sign-in's keys cannot be fetched, which says nothing of the token. */
function publicKey(jwksUrl: string): JWTVerifyGetKey {
  const keys = (remote ??= createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 5000 }));
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw invalid();
      if (error instanceof errors.JOSENotSupported) throw invalid();
      throw new Refusal(503, 'sign-in-unavailable', 'The keys of the sign-in cannot be fetched.', {
        'retry-after': '5',
      });
    }
  };
}

function invalid(): Refusal {
  return new Refusal(401, 'invalid-token', 'The token is not valid: sign in again.');
}
