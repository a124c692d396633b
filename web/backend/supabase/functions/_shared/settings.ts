/**
 * What the functions are told by their environment; docs/BACKEND.md lists the variables. Read once, with the first request.
 * Throws a Refusal `not-configured` (503) that names the variable, never a value.
 */
import { Buffer } from 'node:buffer';

import { Refusal } from './answer.ts';

export interface Settings {
  databaseUrl: string;
  jwt: { secret: Uint8Array | undefined; jwksUrl: string | undefined; issuer: string; audience: string };
  /** Keys that seal the keys of targets; the first is used for sealing, all for opening. */
  sealing: Map<string, Uint8Array>;
  hubUrl: string;
  routerUrl: string;
  openaiUrl: string;
  /** `host[:port]` over https, `*.domain` for one label before it, `http://` with a loopback host and port. */
  spaceHosts: string[];
  /** Keys for when the database holds none, by target. */
  keys: { router: string | undefined; openai: string | undefined };
}

let read: Settings | undefined;

export function settings(): Settings {
  return (read ??= fromEnvironment((name) => Deno.env.get(name)?.trim() || undefined));
}

function fromEnvironment(get: (name: string) => string | undefined): Settings {
  const need = (value: string | undefined, names: string): string => {
    if (value === undefined) throw new Refusal(503, 'not-configured', `Not configured: ${names} is missing.`);
    return value;
  };
  const supabaseUrl = get('SUPABASE_URL')?.replace(/\/+$/, '');
  const secret = get('TIERWISE_JWT_SECRET');
  if (secret !== undefined && secret.length < 32)
    throw new Refusal(503, 'not-configured', 'Not configured: TIERWISE_JWT_SECRET has fewer than 32 characters.');
  const jwksUrl =
    get('TIERWISE_JWKS_URL') ??
    (supabaseUrl === undefined ? undefined : `${supabaseUrl}/auth/v1/.well-known/jwks.json`);
  if (secret === undefined) need(jwksUrl, 'TIERWISE_JWKS_URL or TIERWISE_JWT_SECRET');
  return {
    databaseUrl: need(get('TIERWISE_DB_URL') ?? get('SUPABASE_DB_URL'), 'TIERWISE_DB_URL'),
    jwt: {
      secret: secret === undefined ? undefined : new TextEncoder().encode(secret),
      jwksUrl,
      issuer: need(
        get('TIERWISE_JWT_ISSUER') ?? (supabaseUrl === undefined ? undefined : `${supabaseUrl}/auth/v1`),
        'TIERWISE_JWT_ISSUER',
      ),
      audience: get('TIERWISE_JWT_AUDIENCE') ?? 'authenticated',
    },
    sealing: sealingKeys(get('TIERWISE_SEALING_KEYS')),
    hubUrl: address(get('TIERWISE_HUB_URL') ?? 'https://huggingface.co', 'TIERWISE_HUB_URL'),
    routerUrl: address(get('TIERWISE_ROUTER_URL') ?? 'https://router.huggingface.co', 'TIERWISE_ROUTER_URL'),
    openaiUrl: address(get('TIERWISE_OPENAI_URL') ?? 'https://api.openai.com', 'TIERWISE_OPENAI_URL'),
    spaceHosts: (get('TIERWISE_SPACE_HOSTS') ?? '*.hf.space').split(/[\s,]+/).filter((host) => host !== ''),
    keys: { router: get('HUGGINGFACE_API_KEY'), openai: get('OPENAI_API_KEY') },
  };
}

/** `id:base64 of 32 bytes`, separated by commas. */
function sealingKeys(text: string | undefined): Map<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>();
  for (const entry of (text ?? '').split(/[\s,]+/).filter((part) => part !== '')) {
    const [, id, encoded] = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/_-]{43}=?)$/.exec(entry) ?? [];
    if (id === undefined || encoded === undefined)
      throw new Refusal(
        503,
        'not-configured',
        'Not configured: TIERWISE_SEALING_KEYS must be id:base64 of 32 bytes, …',
      );
    keys.set(id, new Uint8Array(Buffer.from(encoded, 'base64')));
  }
  return keys;
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}

/** https, or http to this machine; without a slash at its end. */
function address(text: string, name: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))))
    throw new Refusal(503, 'not-configured', `Not configured: ${name} must be an https address.`);
  return url.href.replace(/\/+$/, '');
}
