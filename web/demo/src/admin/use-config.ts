/** One list of `config`, read when it is shown and again when asked; what was read stays beside a later failure. */
import { useCallback, useEffect, useRef, useState } from 'react';

import { callFunction } from '../session/call';
import { useSession } from '../session/session';

const patienceMs = 20_000;

export interface Config<T> {
  value: T | undefined;
  error: unknown;
  /** Resolves with what was read; undefined when it failed. Never rejects. */
  reload(): Promise<T | undefined>;
}

/** `path`: below `config/`. */
export function useConfig<T>(path: string): Config<T> {
  const session = useSession();
  const latest = useRef(session);
  useEffect(() => {
    latest.current = session;
  });
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<unknown>();
  const turn = useRef(0);
  const reload = useCallback(async () => {
    const own = ++turn.current;
    try {
      const next = await callFunction<T>(latest.current, `config/${path}`, { signal: AbortSignal.timeout(patienceMs) });
      if (own !== turn.current) return undefined;
      setValue(next);
      setError(undefined);
      return next;
    } catch (failure) {
      if (own === turn.current) setError(failure);
      return undefined;
    }
  }, [path]);
  useEffect(() => {
    void reload();
    const again = () => {
      if (!document.hidden) void reload();
    };
    document.addEventListener('visibilitychange', again);
    addEventListener('online', again);
    return () => {
      turn.current++;
      document.removeEventListener('visibilitychange', again);
      removeEventListener('online', again);
    };
  }, [reload]);
  return { value, error, reload };
}

/** Writes below `config/`. Errors: CallFailed. */
export function useWrite() {
  const session = useSession();
  return useCallback(
    <T>(method: 'PUT' | 'DELETE', path: string, body?: object) =>
      callFunction<T>(session, `config/${path}`, {
        method,
        ...(body && { body }),
        signal: AbortSignal.timeout(patienceMs),
      }),
    [session],
  );
}
