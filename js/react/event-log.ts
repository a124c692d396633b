/**
 * The last events of one kind, newest last, for as long as somebody listens. Several in one frame are told once.
 */
import { useMemo, useSyncExternalStore } from 'react';

import type { Client, ClientEvents } from '../types.js';
import { onNextFrame } from './next-frame.js';
import { useTierwise } from './use-tierwise.js';

export function useEventLog<E extends 'decision' | 'usage' | 'warning'>(
  event: E,
  limit: number,
): readonly ClientEvents[E][] {
  const client = useTierwise();
  const log = useMemo(() => new EventLog(client, event, Math.max(1, Math.floor(limit))), [client, event, limit]);
  return useSyncExternalStore(log.subscribe, log.snapshot, log.snapshot);
}

class EventLog<E extends 'decision' | 'usage' | 'warning'> {
  readonly #client: Client;
  readonly #event: E;
  readonly #limit: number;
  #events: readonly ClientEvents[E][] = [];

  constructor(client: Client, event: E, limit: number) {
    this.#client = client;
    this.#event = event;
    this.#limit = limit;
  }
  readonly subscribe = (listener: () => void): (() => void) => {
    let waiting: ClientEvents[E][] = [];
    let cancelFrame: (() => void) | undefined;
    const stop = this.#client.on(this.#event, (value) => {
      waiting.push(value);
      cancelFrame ??= onNextFrame(() => {
        cancelFrame = undefined;
        this.#events = [...this.#events, ...waiting].slice(-this.#limit);
        waiting = [];
        listener();
      });
    });
    return () => {
      cancelFrame?.();
      stop();
    };
  };
  readonly snapshot = (): readonly ClientEvents[E][] => this.#events;
}
