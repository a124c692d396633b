/**
 * Where a call may go. A page names a target (`base`, `company`, `abstraction`, `user`, `router`, `openai`), never an address:
 * the addresses are those of the configuration, and of Spaces only hosts that the operator allows (TIERWISE_SPACE_HOSTS).
 * The operator's key goes to the operator's addresses only: a Space that a company set up itself gets the company's own key
 * or none.
 */
import { Buffer } from 'node:buffer';

import { Refusal } from './answer.ts';
import { asService, asUser } from './database.ts';
import { currentSealingKey, open, seal } from './sealed-key.ts';
import { isLoopback, settings } from './settings.ts';
import type { Caller } from './token.ts';
import { call } from './upstream.ts';

export const tiers = ['base', 'company', 'abstraction', 'user'] as const;
export interface Space {
  id: string;
  name: string;
  url: string;
  endpoint: string;
  protocol: string;
  model?: string;
}
export interface Configuration {
  etag: string;
  company: { id: string };
  role: string;
  spaces: Record<string, Space>;
  models: { id: string; task: string }[];
}
export interface Target {
  /** `space:base`, `router`, `openai`: as events and keys name it. */
  name: string;
  /** Without a slash at its end. */
  base: string;
  key: string | undefined;
  space: Space | undefined;
}

export async function configurationOf(caller: Caller, company: string | undefined): Promise<Configuration> {
  const [row] = await asUser(
    caller,
    (sql) => sql<{ config: Configuration }[]>`select tierwise.effective_config(${company ?? null}) as config`,
  );
  if (row === undefined) throw new Error('no configuration');
  return row.config;
}

/** Throws 404 for a target that is not configured and 403 for an address that the operator does not allow. */
export async function targetOf(configuration: Configuration, name: string, signal: AbortSignal): Promise<Target> {
  const { company, spaces } = configuration;
  if (name === 'router' || name === 'openai') {
    const base = name === 'router' ? settings().routerUrl : settings().openaiUrl;
    return { name, base, key: await keyOf(name, company.id), space: undefined };
  }
  const space = (tiers as readonly string[]).includes(name) && Object.hasOwn(spaces, name) ? spaces[name] : undefined;
  if (space === undefined) throw new Refusal(404, 'no-such-target', 'No target of that name is configured.');
  const target = `space:${name}`;
  const key = await keyOf(target, company.id, space.id);
  return { name: target, base: await hostOf(space, key, signal), key, space };
}

/**
 * The key of a target: the company's own, else the operator's. For a Space that is a company's, `spaceId` says so, the
 * operator's does not count.
 */
export async function keyOf(target: string, company: string, spaceId?: string): Promise<string | undefined> {
  const [row] = await asService(
    (sql) => sql<{ id: string; company_id: string | null; sealed: Uint8Array; key_id: string }[]>`
      select id, company_id, sealed, key_id from tierwise.secrets
      where target = ${target} and (company_id = ${company} or (company_id is null and (${spaceId ?? null}::text is null
        or exists (select from public.hf_spaces_config s where s.id::text = ${spaceId ?? null} and s.company_id is null))))
      order by company_id nulls last limit 1`,
  );
  if (row === undefined) return target === 'router' || target === 'openai' ? settings().keys[target] : undefined;
  const place = { company: row.company_id, target };
  const key = await open(row.sealed, place, row.key_id);
  const current = currentSealingKey();
  if (row.key_id !== current) {
    // A new sealing key is first in the list: what is used moves over to it, unless somebody just put another key.
    const sealed = await seal(key, place, current);
    await asService(
      (sql) => sql`update tierwise.secrets set sealed = ${Buffer.from(sealed)}, key_id = ${current}
        where id = ${row.id} and sealed = ${Buffer.from(row.sealed)}`,
    );
  }
  return key;
}

/** Kept for ten minutes: a Space of the Hub hardly ever changes its host. */
const hosts = new Map<string, { base: string; until: number }>();
const kHostsKept = 1000;

async function hostOf(space: Space, key: string | undefined, signal: AbortSignal): Promise<string> {
  const url = URL.canParse(space.url) ? new URL(space.url) : undefined;
  if (url === undefined) throw forbidden();
  const id = hubSpaceOf(url);
  if (id === undefined) return allowed(url);
  const cached = hosts.get(`${id} ${space.id}`);
  if (cached !== undefined && cached.until > Date.now()) return cached.base;
  const response = await call({
    url: `${settings().hubUrl}/api/spaces/${id}/host`,
    key: isHubKey(key) ? key : undefined,
    signal,
    firstByteMs: 10_000,
    mostBytes: 65_536,
  });
  const answer = (await response.json().catch(() => undefined)) as { host?: unknown } | undefined;
  if (!response.ok || typeof answer?.host !== 'string' || !URL.canParse(answer.host))
    throw new Refusal(502, 'no-host', 'The Hub does not name the host of this Space.');
  const base = allowed(new URL(answer.host));
  if (hosts.size >= kHostsKept) hosts.clear();
  hosts.set(`${id} ${space.id}`, { base, until: Date.now() + 600_000 });
  return base;
}

/** `owner/name` of a Space that is named by its page at the Hub. */
export function hubSpaceOf(url: URL): string | undefined {
  if (url.origin !== new URL(settings().hubUrl).origin) return undefined;
  return /^\/spaces\/([\w.-]+\/[\w.-]+)\/?$/.exec(url.pathname)?.[1];
}

/** Keys of others are never shown to the Hub. */
export function isHubKey(key: string | undefined): key is string {
  return key?.startsWith('hf_') === true;
}

/** The address without a slash at its end, when it is at a host that the operator allows. */
export function allowed(url: URL): string {
  const fits = settings().spaceHosts.some((host) => {
    if (host.startsWith('http://'))
      return URL.canParse(host) && new URL(host).origin === url.origin && isLoopback(url.hostname);
    if (url.protocol !== 'https:') return false;
    return host.startsWith('*.')
      ? url.port === '' &&
          url.hostname.endsWith(host.slice(1)) &&
          /^[a-z0-9-]+$/.test(url.hostname.slice(0, 1 - host.length))
      : url.host === host;
  });
  if (!fits || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') throw forbidden();
  return url.href.replace(/\/+$/, '');
}

function forbidden(): Refusal {
  return new Refusal(403, 'host-not-allowed', 'The address of this Space is not at a host that the operator allows.');
}
