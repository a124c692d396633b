/**
 * Events of an overfull outbox as daily totals: one for each UTC day, tier, model and source. Totals of totals are
 * totals. Tokens and cost are those of complete replies, `saved` of hits; totals have an id of their own and are sent as
 * any event is.
 */
import type { UsageEvent, UsageTotals } from '../types.js';
import type { Row } from './outbox.js';

const day = 24 * 60 * 60 * 1000;
export const eventKinds = ['start', 'complete', 'error', 'hit', 'cancel'] as const;

export function foldRows(rows: readonly Row[], now: number, newId: () => string): Row[] {
  const groups = new Map<string, UsageTotals>();
  for (const { text } of rows) {
    const event = JSON.parse(text) as UsageEvent | UsageTotals;
    const at = Math.floor(event.at / day) * day;
    const { tier, model, source } = event;
    const key = JSON.stringify([at, tier, model, source]);
    let totals = groups.get(key);
    if (totals === undefined) {
      totals = {
        eventId: newId(),
        kind: 'totals',
        at,
        counts: { start: 0, complete: 0, error: 0, hit: 0, cancel: 0 },
        inputTokens: 0,
        outputTokens: 0,
        cost: 0,
        saved: 0,
        tier,
        model,
        source,
      };
      groups.set(key, totals);
    }
    const { counts } = totals;
    if (event.kind === 'totals') for (const kind of eventKinds) counts[kind] += event.counts[kind];
    else counts[event.kind] += 1;
    if (event.kind === 'complete' || event.kind === 'totals') {
      totals.inputTokens += event.inputTokens ?? 0;
      totals.outputTokens += event.outputTokens ?? 0;
      totals.cost += event.cost ?? 0;
    }
    totals.saved += event.saved ?? 0;
  }
  const queue = rows[0]?.queue ?? '';
  return [...groups.values()].map((totals) => ({
    queue,
    at: now,
    id: totals.eventId,
    text: JSON.stringify(totals),
  }));
}
