/**
 * What an answer of a server means for the rows that were sent. Rows leave on a verdict only; whatever is no verdict
 * keeps them:
 *
 * | answer | outcome |
 * |---|---|
 * | 2xx or 409 with verdicts | those rows are done; rows without a verdict are sent again |
 * | 2xx with anything else, HTML above all | later |
 * | 400, 409, 422 | `split`: one of the rows may be to blame, so fewer are sent |
 * | 413 | `split`, and so many never again |
 * | 415 | the same rows without compression |
 * | 401, 403 | the token is asked for again, once, then later |
 * | 500 | later, with half the rows: one of them may be to blame |
 * | 429, other 5xx, other statuses, no answer | later; when, `Retry-After` says, else the sender |
 */
export interface Verdict {
  verdict: 'stored' | 'duplicate' | 'refused';
  code?: string;
  message?: string;
}
export type Outcome =
  | { kind: 'verdicts'; verdicts: ReadonlyMap<string, Verdict> }
  | { kind: 'split'; why: string; tooLarge: boolean }
  | { kind: 'token'; why: string }
  | { kind: 'plain' }
  | { kind: 'later'; why: string; after?: number | undefined; halve?: boolean; offline?: boolean };

export interface Answer {
  status: number;
  retryAfter: string | null;
  text: string;
}

/** What servers may ask for at most, ms. */
export const longestWait = 60 * 60 * 1000;

/** Of an answer without verdicts. */
export function outcomeOf({ status, retryAfter }: Answer, now: number): Outcome {
  const why = `answered ${String(status)}`;
  if (status === 401 || status === 403) return { kind: 'token', why };
  if (status === 400 || status === 409 || status === 413 || status === 422)
    return { kind: 'split', why, tooLarge: status === 413 };
  if (status === 415) return { kind: 'plain' };
  if (status >= 200 && status < 300) return { kind: 'later', why: `${why} without verdicts` };
  return { kind: 'later', why, after: waitOf(retryAfter, now), halve: status === 500 };
}

/** Verdicts on rows that were sent, and on no others. */
export function readVerdicts({ text }: Answer, ids: ReadonlySet<string>): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  try {
    const list = (JSON.parse(text) as { verdicts?: unknown } | undefined)?.verdicts;
    for (const each of Array.isArray(list) ? (list as unknown[]) : []) {
      const { eventId, verdict, code, message } = (each ?? {}) as Record<string, unknown>;
      if (typeof eventId !== 'string' || !ids.has(eventId)) continue;
      if (verdict !== 'stored' && verdict !== 'duplicate' && verdict !== 'refused') continue;
      verdicts.set(eventId, {
        verdict,
        ...(typeof code === 'string' && { code }),
        ...(typeof message === 'string' && { message }),
      });
    }
  } catch {
    // HTML, or half an answer: no verdicts.
  }
  return verdicts;
}

/** Seconds, or a date. */
function waitOf(retryAfter: string | null, now: number): number | undefined {
  if (retryAfter === null || retryAfter.trim() === '') return undefined;
  const seconds = Number(retryAfter);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - now;
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), longestWait) : undefined;
}
