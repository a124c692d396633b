/** What the usage events add up to. A sum of which nothing is known is unknown, not 0. */
import type { UsageEvent } from 'tierwise';

export interface Totals {
  /** Questions: events of one interaction count once. */
  requests: number;
  hits: number;
  failed: number;
  tokens: number | undefined;
  tokensEstimated: boolean;
  cost: number | undefined;
  /** Completed attempts without a known price: `cost` leaves them out. */
  unpriced: number;
  saved: number | undefined;
  medianMs: number | undefined;
}

export function totalsOf(events: readonly UsageEvent[]): Totals {
  const answered = events.filter(({ kind }) => kind === 'complete' || kind === 'hit');
  const called = events.filter(({ kind }) => kind === 'complete');
  const sum = (values: readonly (number | undefined)[]): number | undefined => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0);
  };
  const times = answered
    .map(({ totalMs }) => totalMs)
    .filter((ms) => ms !== undefined)
    .sort((a, b) => a - b);
  const middle = Math.floor(times.length / 2);
  const median =
    times.length === 0
      ? undefined
      : times.length % 2 === 1
        ? times[middle]!
        : (times[middle - 1]! + times[middle]!) / 2;
  return {
    requests: new Set(events.map(({ interactionId }) => interactionId)).size,
    hits: events.filter(({ kind }) => kind === 'hit').length,
    failed: events.filter(({ kind }) => kind === 'error').length,
    tokens: sum(called.flatMap(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])),
    tokensEstimated: called.some(({ tokensEstimated }) => tokensEstimated === true),
    cost: sum(called.map(({ cost }) => cost)),
    unpriced: called.filter(({ cost }) => cost === undefined).length,
    saved: sum(events.map(({ saved }) => saved)),
    medianMs: median,
  };
}
