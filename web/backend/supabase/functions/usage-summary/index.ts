/**
 * `GET /functions/v1/usage-summary?from=2026-11-01&to=2026-11-30&by=day,model&comparison=1`: sums of usage over days (UTC, both
 * included), in all and by each part asked for, and what the same would have cost at each price. Admins see their company,
 * members themselves: the database decides. US dollars, tokens, milliseconds.
 */
import { json, Refusal } from '../_shared/answer.ts';
import { asUser, take } from '../_shared/database.ts';
import { endpoint } from '../_shared/endpoint.ts';

const splits = ['day', 'model', 'tier', 'provider', 'source', 'user'];
const kDefaultDays = 30;
const kDay = 86_400_000;

interface Sums {
  part: string;
  starts: number;
  completes: number;
  errors: number;
  hits: number;
  cancels: number;
  input_tokens: number;
  output_tokens: number;
  images: number;
  cost: number;
  saved: number;
  unpriced: number;
  first_p50_ms: number | null;
  first_p95_ms: number | null;
  total_p50_ms: number | null;
  total_p95_ms: number | null;
}
interface Compared {
  provider: string;
  model: string;
  unit: string;
  price_of_1k_in: number | null;
  price_of_1k_out: number | null;
  price_of_image: number | null;
  would_cost: number;
  actual: number;
}

export default {
  fetch: endpoint('usage-summary', {
    async GET({ caller, company, query }) {
      const to = day(query.get('to'), 'to') ?? new Date().toISOString().slice(0, 10);
      const from =
        day(query.get('from'), 'from') ??
        new Date(Date.parse(to) - (kDefaultDays - 1) * kDay).toISOString().slice(0, 10);
      const by = [...new Set((query.get('by') ?? '').split(',').filter((split) => split !== ''))];
      if (by.some((split) => !splits.includes(split)))
        throw new Refusal(400, 'invalid-split', `by must be of ${splits.join(', ')}.`);
      await take(caller, 'summary', company);
      const whose = company ?? null;
      return asUser(caller, async (sql) => {
        const tables = await Promise.all(
          ['total', ...by].map(
            (split) =>
              sql<Sums[]>`select * from tierwise.usage_summary(${from}::date, ${to}::date, ${split}, ${whose})`,
          ),
        );
        const compared = ['1', 'true'].includes(query.get('comparison') ?? '')
          ? await sql<Compared[]>`select * from tierwise.cost_comparison(${from}::date, ${to}::date, ${whose})`
          : undefined;
        const [total, ...parts] = tables;
        return json({
          from,
          to,
          total: total?.[0] === undefined ? none : sums(total[0]),
          ...Object.fromEntries(
            by.map((split, index) => [split, parts[index]?.map((row) => ({ part: row.part, ...sums(row) }))]),
          ),
          ...(compared !== undefined && { comparison: compared.map(comparison) }),
        });
      });
    },
  }),
};

function sums(row: Sums): Record<string, number | null> {
  return {
    starts: row.starts,
    completes: row.completes,
    errors: row.errors,
    hits: row.hits,
    cancels: row.cancels,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    images: row.images,
    cost: row.cost,
    saved: row.saved,
    unpriced: row.unpriced,
    firstPartP50Ms: row.first_p50_ms,
    firstPartP95Ms: row.first_p95_ms,
    totalP50Ms: row.total_p50_ms,
    totalP95Ms: row.total_p95_ms,
  };
}
const none = sums({
  part: '',
  starts: 0,
  completes: 0,
  errors: 0,
  hits: 0,
  cancels: 0,
  input_tokens: 0,
  output_tokens: 0,
  images: 0,
  cost: 0,
  saved: 0,
  unpriced: 0,
  first_p50_ms: null,
  first_p95_ms: null,
  total_p50_ms: null,
  total_p95_ms: null,
});

function comparison(row: Compared): Record<string, string | number | null> {
  return {
    provider: row.provider,
    model: row.model,
    unit: row.unit,
    priceOf1kIn: row.price_of_1k_in,
    priceOf1kOut: row.price_of_1k_out,
    priceOfImage: row.price_of_image,
    wouldCost: row.would_cost,
    actual: row.actual,
  };
}

function day(text: string | null, name: string): string | undefined {
  if (text === null) return undefined;
  if (
    !/^\d{4}-\d{2}-\d{2}$/.test(text) ||
    Number.isNaN(Date.parse(text)) ||
    !new Date(text).toISOString().startsWith(text)
  )
    throw new Refusal(400, 'invalid-range', `${name} must be a day, as 2026-11-30.`);
  return text;
}
