/**
 * The cached replies of the client's partition, live: what this tab or another stores, changes or deletes shows here. With
 * `search` those with that text in them, as `client.cache.entries` finds them.
 */
import { useCallback, useEffect, useRef, useState } from 'react';

import type { CacheEntryInfo, ForgetResult, ForgetSelector } from '../types.js';
import { asError } from './failure.js';
import { onNextFrame } from './next-frame.js';
import { useTierwise } from './use-tierwise.js';

export interface UseCacheOptions {
  search?: string | undefined;
}
export interface UseCache {
  entries: readonly CacheEntryInfo[];
  /** What `entries` were searched for: the one before, until the answer to a new one is there. Empty: all. */
  search: string;
  /** False until the first list came back. */
  loaded: boolean;
  error: Error | undefined;
  forget(selector: ForgetSelector): Promise<ForgetResult>;
  /** As `client.cache.edit`. */
  edit(id: string, change: { ttl: number }): Promise<boolean>;
  refresh(): Promise<void>;
}

export function useCache({ search = '' }: UseCacheOptions = {}): UseCache {
  const client = useTierwise();
  const [state, setState] = useState<Pick<UseCache, 'entries' | 'search' | 'loaded' | 'error'>>({
    entries: [],
    search: '',
    loaded: false,
    error: undefined,
  });
  const latest = useRef(0);

  const refresh = useCallback(async () => {
    const turn = ++latest.current;
    try {
      const entries = await client.cache.entries(search === '' ? {} : { search });
      if (turn === latest.current) setState({ entries, search, loaded: true, error: undefined });
    } catch (cause) {
      if (turn === latest.current) setState((before) => ({ ...before, error: asError(cause) }));
    }
  }, [client, search]);

  const forget = useCallback(
    async (selector: ForgetSelector) => {
      const result = await client.forget(selector);
      if (!result.dryRun) await refresh();
      return result;
    },
    [client, refresh],
  );

  const edit = useCallback(
    async (id: string, change: { ttl: number }) => {
      const found = await client.cache.edit(id, change);
      await refresh();
      return found;
    },
    [client, refresh],
  );

  useEffect(() => {
    let cancelFrame: (() => void) | undefined;
    const stop = client.on('cache', () => {
      cancelFrame ??= onNextFrame(() => {
        cancelFrame = undefined;
        void refresh();
      });
    });
    void refresh();
    return () => {
      cancelFrame?.();
      stop();
      latest.current++;
    };
  }, [client, refresh]);

  return { ...state, forget, edit, refresh };
}
