/**
 * Tokens a person typed. Kept in this page's memory and given to the client through a function, so that they are in
 * no configuration, address or table; written to the browser's storage only for those who asked for it.
 */
import type { Client, Json, Tier } from 'tierwise';

import { jsonObject } from './json-object';

export type SecretName = Tier | 'openai';
interface Secret {
  value: string;
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
const settingKey = (name: SecretName) => `demo.token.${name}`;

export const secrets = {
  has: (name: SecretName) => held.has(name),
  about: (name: SecretName): { setAt: number; kept: boolean } | undefined => held.get(name),
  source(name: SecretName): () => string | undefined {
    let source = sources.get(name);
    if (source === undefined) {
      source = () => held.get(name)?.value;
      sources.set(name, source);
    }
    return source;
  },
  async set(client: Client, name: SecretName, value: string, keep: boolean): Promise<void> {
    const secret = { value, setAt: Date.now(), kept: keep };
    held.set(name, secret);
    sources.delete(name);
    changed();
    await client.setSetting(settingKey(name), keep ? ({ value, setAt: secret.setAt } as Json) : undefined);
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
      if (typeof kept['value'] !== 'string') continue;
      held.set(name, {
        value: kept['value'],
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
