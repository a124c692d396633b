/**
 * What the function `usage-summary` answers, checked and made whole. US dollars, tokens, ms; days are UTC. Unknown is undefined:
 * a cost of which no part has a price is not 0.
 */
import type { Tier } from 'tierwise';

import { callFunction } from '../../session/call';
import type { Session } from '../../session/session';
import { tierOrder, tierWords } from '../../tiers';

export interface Part {
  /** As the backend names it: a day, model, tier or user id; empty where none was recorded. */
  part: string;
  answered: number;
  cached: number;
  failed: number;
  stopped: number;
  inputTokens: number;
  outputTokens: number;
  images: number;
  cost: number | undefined;
  saved: number | undefined;
  /** New answers without a price: `cost` leaves them out. */
  unpriced: number;
  p50: number | undefined;
  p95: number | undefined;
  firstP50: number | undefined;
}
export interface Compared {
  provider: string;
  model: string;
  unit: 'tokens' | 'embedding' | 'image';
  /** Per 1,000 tokens, or of an image. */
  priceIn: number | undefined;
  priceOut: number | undefined;
  wouldCost: number;
}
export interface Summary {
  from: string;
  to: string;
  total: Part;
  /** One for each day of the period, those without usage too. */
  day: readonly Part[];
  model: readonly Part[];
  tier: readonly Part[];
  user: readonly Part[] | undefined;
  comparison: readonly Compared[];
  askedAt: number;
}

const dayMs = 86_400_000;
export const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);

export async function askSummary(
  session: Session,
  days: number,
  by: { user: boolean },
  signal: AbortSignal,
): Promise<Summary> {
  const askedAt = Date.now();
  const to = dayOf(askedAt);
  const from = dayOf(askedAt - (days - 1) * dayMs);
  const splits = ['day', 'model', 'tier', ...(by.user ? ['user'] : [])];
  const answer = await callFunction<Record<string, unknown>>(
    session,
    `usage-summary?from=${from}&to=${to}&by=${splits.join(',')}&comparison=1`,
    { signal },
  );
  const parts = (name: string) => rows(answer[name]).map(partOf).filter(isUsed);
  const known = new Map(parts('day').map((part) => [part.part, part]));
  return {
    from,
    to,
    total: partOf((answer['total'] ?? {}) as Record<string, unknown>),
    day: Array.from({ length: days }, (_, at) => {
      const day = dayOf(Date.parse(from) + at * dayMs);
      return known.get(day) ?? partOf({ part: day });
    }),
    model: parts('model'),
    tier: parts('tier').sort((a, b) => place(a.part) - place(b.part)),
    user: by.user ? parts('user') : undefined,
    comparison: rows(answer['comparison']).map(comparedOf),
    askedAt,
  };
}

function rows(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}
function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
const place = (tier: string) => {
  const at = tierOrder.indexOf(tier as Tier);
  return at < 0 ? tierOrder.length : at;
};

function partOf(row: Record<string, unknown>): Part {
  const of = (name: string) => number(row[name]) ?? 0;
  const answered = of('completes');
  const cached = of('hits');
  const unpriced = of('unpriced');
  const allUnpriced = unpriced >= answered;
  const failed = of('errors');
  const stopped = of('cancels');
  const unknown = (allUnpriced && unpriced > 0) || (answered + cached === 0 && failed + stopped > 0);
  return {
    part: typeof row['part'] === 'string' ? row['part'] : '',
    answered,
    cached,
    failed,
    stopped,
    inputTokens: of('inputTokens'),
    outputTokens: of('outputTokens'),
    images: of('images'),
    cost: unknown && of('cost') === 0 ? undefined : of('cost'),
    saved: allUnpriced && cached > 0 && of('saved') === 0 ? undefined : of('saved'),
    unpriced,
    p50: number(row['totalP50Ms']),
    p95: number(row['totalP95Ms']),
    firstP50: number(row['firstPartP50Ms']),
  };
}
/** Attempts that were only begun are no usage yet. */
function isUsed({ answered, cached, failed, stopped }: Part): boolean {
  return answered + cached + failed + stopped > 0;
}

function comparedOf(row: Record<string, unknown>): Compared {
  const text = (name: string) => (typeof row[name] === 'string' ? row[name] : '');
  const unit = text('unit') === 'image' ? 'image' : text('unit') === 'embedding' ? 'embedding' : 'tokens';
  return {
    provider: text('provider'),
    model: text('model'),
    unit,
    priceIn: number(unit === 'image' ? row['priceOfImage'] : row['priceOf1kIn']),
    priceOut: unit === 'image' ? undefined : number(row['priceOf1kOut']),
    wouldCost: number(row['wouldCost']) ?? 0,
  };
}

export function modelName(model: string): string {
  return model === '' ? 'No model named' : model;
}
/** Without its owner. */
export function shortModel(model: string): string {
  return model.replace(/^.*\//, '');
}
export function tierName(tier: string): string {
  return tierWords[tier as Tier]?.label ?? 'No tier';
}
