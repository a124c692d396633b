/** What the configured Spaces are doing, live. With a tier: that Space, or undefined when none is configured. */
import { useCallback, useMemo, useSyncExternalStore } from 'react';

import type { Client, SpaceStatus, Tier } from '../types.js';
import { useTierwise } from './use-tierwise.js';

const none: readonly SpaceStatus[] = [];

export function useSpaceStatus(): readonly SpaceStatus[];
export function useSpaceStatus(tier: Tier): SpaceStatus | undefined;
export function useSpaceStatus(tier?: Tier): readonly SpaceStatus[] | SpaceStatus | undefined {
  const client = useTierwise();
  const store = useMemo(() => new Statuses(client), [client]);
  const all = useSyncExternalStore(
    store.subscribe,
    store.snapshot,
    useCallback(() => none, []),
  );
  return tier === undefined ? all : all.find((status) => status.tier === tier);
}

/** `statuses()` gives new objects each time; this keeps one list for as long as it says the same. */
class Statuses {
  readonly #client: Client;
  #last: readonly SpaceStatus[] = none;
  #text = '[]';

  constructor(client: Client) {
    this.#client = client;
  }
  readonly subscribe = (listener: () => void): (() => void) => this.#client.on('status', listener);
  readonly snapshot = (): readonly SpaceStatus[] => {
    const now = this.#client.statuses();
    const text = JSON.stringify(now);
    if (text !== this.#text) {
      this.#text = text;
      this.#last = now;
    }
    return this.#last;
  };
}
