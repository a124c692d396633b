/** The cached replies of the client's partition, live: what this tab or another stores or deletes shows here. */
import { useCallback, useEffect, useRef, useState } from 'react';

import type { CacheEntryInfo, ForgetResult, ForgetSelector } from '../types.js';
import { asError } from './failure.js';
import { onNextFrame } from './next-frame.js';
import { useTierwise } from './use-tierwise.js';

export interface UseCache {
  entries: readonly CacheEntryInfo[];
  /** False until the first list came back. */
  loaded: boolean;
  error: Error | undefined;
  forget(selector: ForgetSelector): Promise<ForgetResult>;
  refresh(): Promise<void>;
}

export function useCache(): UseCache {
  const client = useTierwise();
  const [state, setState] = useState<Pick<UseCache, 'entries' | 'loaded' | 'error'>>({
    entries: [],
    loaded: false,
    error: undefined,
  });
  const latest = useRef(0);

  const refresh = useCallback(async () => {
    const turn = ++latest.current;
    try {
      const entries = await client.cache.entries();
      if (turn === latest.current) setState({ entries, loaded: true, error: undefined });
    } catch (cause) {
      if (turn === latest.current) setState((before) => ({ ...before, error: asError(cause) }));
    }
  }, [client]);

  const forget = useCallback(
    async (selector: ForgetSelector) => {
      const result = await client.forget(selector);
      if (!result.dryRun) await refresh();
      return result;
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

  return { ...state, forget, refresh };
}
