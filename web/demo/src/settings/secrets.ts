/**
 * Tokens a person typed. Kept in this page's memory and given to the client through a function, so that they are in
 * no configuration, address or table; written to the browser's storage only for those who asked for it.
 * A token belongs to the server it was typed for: with another address beside it, it is not sent.
 */
import type { Client, Json, Tier } from 'tierwise';

import { jsonObject } from './json-object';

export type SecretName = Tier | 'openai';
interface Secret {
  value: string;
  /** As `serverOf` names it. */
  server: string;
  setAt: number;
  kept: boolean;
}

const held = new Map<SecretName, Secret>();
/** One function per name for as long as the token stays: the client sees an unchanged target as unchanged. */
const sources = new Map<SecretName, () => string | undefined>();
const listeners = new Set<() => void>();
let version = 0;

function changed(): void {
  version++;
  for (const listener of [...listeners]) listener();
}
/** Where an address leads: the Space on the Hub, or the origin. */
export function serverOf(address: string): string {
  const text = address.trim();
  const page = /^https:\/\/(?:www\.)?(?:huggingface\.co|hf\.co)\/spaces\/([^/?#]+\/[^/?#]+)/i.exec(text);
  if (page) return page[1]!;
  return URL.canParse(text) ? new URL(text).origin : text;
}

const settingKey = (name: SecretName) => `demo.token.${name}`;

export const secrets = {
  about: (name: SecretName): { setAt: number; kept: boolean; server: string } | undefined => held.get(name),
  /** Undefined: there is none for the server at this address. */
  source(name: SecretName, address: string): (() => string | undefined) | undefined {
    const secret = held.get(name);
    if (secret === undefined || secret.server !== serverOf(address)) return undefined;
    let source = sources.get(name);
    if (source === undefined) {
      // A call to the old server that is still under way must not get the token of the new one.
      source = () => (held.get(name) === secret ? secret.value : undefined);
      sources.set(name, source);
    }
    return source;
  },
  async set(client: Client, name: SecretName, address: string, value: string, keep: boolean): Promise<void> {
    const secret = { value, server: serverOf(address), setAt: Date.now(), kept: keep };
    held.set(name, secret);
    sources.delete(name);
    changed();
    await client.setSetting(
      settingKey(name),
      keep ? ({ value, server: secret.server, setAt: secret.setAt } as Json) : undefined,
    );
  },
  async remove(client: Client, name: SecretName): Promise<void> {
    held.delete(name);
    sources.delete(name);
    changed();
    await client.setSetting(settingKey(name), undefined);
  },
  async load(client: Client, names: readonly SecretName[]): Promise<void> {
    for (const name of names) {
      const kept = jsonObject(await client.getSetting(settingKey(name)));
      if (typeof kept['value'] !== 'string' || typeof kept['server'] !== 'string') continue;
      held.set(name, {
        value: kept['value'],
        server: kept['server'],
        setAt: typeof kept['setAt'] === 'number' ? kept['setAt'] : Date.now(),
        kept: true,
      });
    }
    changed();
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  version: () => version,
};
