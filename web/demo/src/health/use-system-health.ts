/**
 * What `GET health` says, asked while somebody looks: every 30 s (10 s after a failure), when the page is shown again and when the network is back.
 * `refresh` asks for checks that are made now; the backend keeps those of the last 10 s, so it can be asked that often.
 * What was known stays beside a failure. A limit that was reached is waited for.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Tier } from 'tierwise';

import { callFunction, CallFailed } from '../session/call';
import { useSession } from '../session/session';

export interface KeyCheck {
  status: 'valid' | 'invalid' | 'missing' | 'unknown' | 'present';
  checkedAt?: string;
  detail?: string;
}
/** Of the last hour. `errorShare` null: no call. */
export interface Hour {
  calls?: number;
  errors?: number;
  errorShare?: number | null;
  p50Ms?: number | null;
  p95Ms?: number | null;
  lastSuccess?: string | null;
}
export interface SpaceCheck extends Hour {
  target: string;
  tier: Tier;
  name: string;
  url: string;
  protocol?: string;
  ok: boolean;
  key?: KeyCheck;
  stage: string;
  checkedAt?: string;
  detail?: string;
}
export interface Health {
  ok: boolean;
  now: number;
  database: { ok: boolean; ms: number };
  router: Hour & { key: KeyCheck };
  openai: Hour & { key: KeyCheck };
  spaces: SpaceCheck[];
}

const everyMs = 30_000;
export const refreshMs = 10_000;
const patienceMs = 20_000;

export function useSystemHealth() {
  const session = useSession();
  const latest = useRef(session);
  latest.current = session;
  const [health, setHealth] = useState<{ value: Health; at: number; ms: number }>();
  const [failure, setFailure] = useState<{ error: unknown; at: number }>();
  const [asking, setAsking] = useState(false);
  const [refreshed, setRefreshed] = useState(-Infinity);
  const running = useRef<AbortController>(undefined);
  const askedAt = useRef(-Infinity);
  const notBefore = useRef(-Infinity);
  const failing = useRef(false);

  const ask = useCallback(async (refresh: boolean) => {
    if (running.current !== undefined) return;
    const own = new AbortController();
    running.current = own;
    askedAt.current = Date.now();
    setAsking(true);
    if (refresh) setRefreshed(Date.now());
    const limit = setTimeout(() => own.abort(), patienceMs);
    try {
      const began = performance.now();
      const value = await callFunction<Health>(latest.current, refresh ? 'health?refresh=1' : 'health', {
        signal: own.signal,
      });
      if (running.current !== own) return;
      setHealth({ value, at: Date.now(), ms: performance.now() - began });
      setFailure(undefined);
      failing.current = false;
    } catch (error) {
      if (running.current !== own) return;
      const told = own.signal.aborted
        ? new CallFailed(0, 'timeout', `The backend did not answer within ${String(patienceMs / 1000)} s.`)
        : error;
      if (told instanceof CallFailed && told.status === 429) {
        notBefore.current = Date.now() + (told.retryAfterMs ?? 5000);
        askedAt.current = -Infinity;
      }
      failing.current = true;
      setFailure({ error: told, at: Date.now() });
    } finally {
      clearTimeout(limit);
      if (running.current === own) {
        running.current = undefined;
        setAsking(false);
      }
    }
  }, []);

  const who = session.user && `${session.user.id} ${session.company?.id ?? ''}`;
  useEffect(() => {
    if (who === undefined) return undefined;
    const look = (leastAge: number) => {
      const now = Date.now();
      if (!document.hidden && now - askedAt.current >= leastAge && now >= notBefore.current) void ask(false);
    };
    setHealth(undefined);
    setFailure(undefined);
    look(0);
    const timer = setInterval(() => look(failing.current ? refreshMs : everyMs), 1000);
    const shown = () => look(refreshMs);
    const online = () => look(0);
    document.addEventListener('visibilitychange', shown);
    addEventListener('online', online);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', shown);
      removeEventListener('online', online);
      running.current?.abort();
      running.current = undefined;
      askedAt.current = -Infinity;
    };
  }, [who, ask]);

  return { health, failure, asking, refreshed, refresh: () => void ask(true), retry: () => void ask(false) };
}
