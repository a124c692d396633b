/**
 * Health of every target, looked up again every `intervalMs` while the page is seen. Looking costs no call to a
 * server: it is what the client has measured.
 */
import { useCallback, useEffect, useRef, useState } from 'react';

import type { TargetHealth } from '../types.js';
import { asError } from './failure.js';
import { useTierwise } from './use-tierwise.js';

export interface UseHealth {
  targets: readonly TargetHealth[];
  /** False until the first look came back. */
  loaded: boolean;
  error: Error | undefined;
  refresh(): Promise<void>;
}

export function useHealth(intervalMs = 5000): UseHealth {
  const client = useTierwise();
  const [state, setState] = useState<Omit<UseHealth, 'refresh'>>({ targets: [], loaded: false, error: undefined });
  const latest = useRef(0);

  const refresh = useCallback(async () => {
    const turn = ++latest.current;
    try {
      const targets = await client.health();
      if (turn === latest.current) setState({ targets, loaded: true, error: undefined });
    } catch (cause) {
      if (turn === latest.current) setState((before) => ({ ...before, error: asError(cause) }));
    }
  }, [client]);

  useEffect(() => {
    const look = () => {
      if (document.visibilityState === 'visible') void refresh();
    };
    void refresh();
    const timer = setInterval(look, intervalMs);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
      latest.current++;
    };
  }, [refresh, intervalMs]);

  return { ...state, refresh };
}
