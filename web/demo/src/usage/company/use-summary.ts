/** The summary of a period, asked for anew with each period, on demand, and when more was delivered. What was shown stays meanwhile. */
import { useCallback, useEffect, useRef, useState } from 'react';

import { CallFailed } from '../../session/call';
import { useSession } from '../../session/session';
import { askSummary, type Summary } from './summary';

const patienceMs = 20_000;

export interface SummaryState {
  /** Of this period and person; an older one while the next is asked for. */
  summary: Summary | undefined;
  loading: boolean;
  failure: { kind: 'offline' | 'not-allowed' | 'busy' | 'other'; words: string } | undefined;
  refresh: () => void;
}

export function useSummary(days: number, deliveries: number): SummaryState {
  const session = useSession();
  const latest = useRef(session);
  useEffect(() => {
    latest.current = session;
  }, [session]);
  const who = `${session.user?.id ?? ''} ${session.company?.id ?? ''} ${session.company?.role ?? ''}`;
  const [found, setFound] = useState<{ of: string; days: number; summary: Summary }>();
  const [failure, setFailure] = useState<{ of: string; days: number; failure: SummaryState['failure'] }>();
  const [loading, setLoading] = useState(true);
  const [asked, setAsked] = useState(0);
  const isAdmin = session.company?.role === 'admin';

  useEffect(() => {
    const over = new AbortController();
    setLoading(true);
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(patienceMs)]);
    askSummary(latest.current, days, { user: isAdmin }, signal).then(
      (summary) => {
        if (over.signal.aborted) return;
        setFound({ of: who, days, summary });
        setFailure(undefined);
        setLoading(false);
      },
      (error: unknown) => {
        if (over.signal.aborted) return;
        setFailure({ of: who, days, failure: failureOf(error) });
        setLoading(false);
      },
    );
    return () => over.abort();
  }, [who, isAdmin, days, asked, deliveries]);

  useEffect(() => {
    const again = () => setAsked((before) => before + 1);
    addEventListener('online', again);
    return () => removeEventListener('online', again);
  }, []);

  const refresh = useCallback(() => setAsked((before) => before + 1), []);
  return {
    summary: found?.of === who && found.days === days ? found.summary : undefined,
    loading,
    failure: failure?.of === who && failure.days === days ? failure.failure : undefined,
    refresh,
  };
}

function failureOf(error: unknown): NonNullable<SummaryState['failure']> {
  if (error instanceof CallFailed) {
    if (error.status === 0 || error.status === 503)
      return { kind: 'offline', words: navigator.onLine ? 'The backend does not answer.' : 'You are offline.' };
    if (error.status === 401 || error.status === 403) return { kind: 'not-allowed', words: error.message };
    if (error.status === 429) return { kind: 'busy', words: error.message };
  }
  return { kind: 'other', words: error instanceof Error ? error.message : String(error) };
}
