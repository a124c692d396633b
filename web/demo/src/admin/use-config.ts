/**
 * One list of `config`, read when it is shown, when the page is shown again, when the network is back, and every 10 s while
 * nobody answers; what was read stays beside a later failure.
 */
import { useCallback, useEffect, useRef, useState } from 'react';

import { callFunction, CallFailed } from '../session/call';
import { useSession } from '../session/session';

export const patienceMs = 20_000;
const againMs = 10_000;
/** A write outside of the part that shows the list: a change that was taken back. */
const written = 'tierwise-config-written';

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
  const failing = useRef(false);
  const reload = useCallback(async () => {
    const own = ++turn.current;
    try {
      const next = await callFunction<T>(latest.current, `config/${path}`, { signal: AbortSignal.timeout(patienceMs) });
      if (own !== turn.current) return undefined;
      setValue(next);
      setError(undefined);
      failing.current = false;
      return next;
    } catch (failure) {
      if (own !== turn.current) return undefined;
      setError(failure);
      // What may pass by itself.
      const status = failure instanceof CallFailed ? failure.status : 0;
      failing.current = status === 0 || status === 429 || status >= 500;
      return undefined;
    }
  }, [path]);
  useEffect(() => {
    void reload();
    const timer = setInterval(() => {
      if (failing.current && !document.hidden) void reload();
    }, againMs);
    const again = () => {
      if (!document.hidden) void reload();
    };
    document.addEventListener('visibilitychange', again);
    addEventListener('online', again);
    addEventListener(written, again);
    return () => {
      turn.current++;
      clearInterval(timer);
      removeEventListener(written, again);
      document.removeEventListener('visibilitychange', again);
      removeEventListener('online', again);
    };
  }, [reload]);
  return { value, error, reload };
}

/** Every list that is shown is read again. */
export function readAgain(): void {
  dispatchEvent(new Event(written));
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
