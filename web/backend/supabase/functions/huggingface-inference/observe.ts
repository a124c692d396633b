/**
 * Records a call as one row of llm_observations, in the caller's name, and says what it cost by the price table. What cannot
 * be recorded does not take the answer away: the log says so.
 */
import { asService, asUser } from '../_shared/database.ts';
import type { Caller } from '../_shared/token.ts';
import type { Counted } from './inference.ts';

export interface Observation extends Counted {
  kind: 'complete' | 'error' | 'cancel';
  model: string;
  totalMs: number;
  firstPartMs?: number;
  errorClass?: string;
}
const kMostText = 131_072;

export async function observe(
  caller: Caller,
  company: string,
  { kind, prompt, answer, ...rest }: Observation,
): Promise<{ cost: number | null; totalMs: number }> {
  const { model, totalMs, inputTokens, outputTokens, images } = rest;
  const event = {
    eventId: crypto.randomUUID(),
    kind,
    at: Date.now(),
    target: 'router',
    provider: 'huggingface',
    source: 'router',
    attempt: 1,
    status: { complete: 'ok', error: 'error', cancel: 'cancelled' }[kind],
    ...rest,
    // Stored only where the company keeps texts.
    ...(prompt !== undefined && { prompt: storable(prompt) }),
    ...(answer !== undefined && { answer: storable(answer) }),
  };
  try {
    const [verdict] = await asUser(
      caller,
      (sql) => sql<{ verdict: string; message: string | null }[]>`
        select verdict, message from tierwise.record_usage(${JSON.stringify([event])}::text::jsonb, null, ${company})`,
    );
    if (verdict?.verdict !== 'stored') throw new Error('refused');
    if (kind !== 'complete') return { cost: null, totalMs };
    const [price] = await asService(
      (sql) => sql<{ cost: number | null }[]>`select tierwise.cost_of(${company}, 'huggingface', ${model}, now(),
        ${inputTokens ?? null}::bigint, ${outputTokens ?? null}::bigint, ${images ?? 0}::integer, ${totalMs}) as cost`,
    );
    return { cost: price?.cost ?? null, totalMs };
  } catch {
    console.error(JSON.stringify({ function: 'huggingface-inference', bug: 'not-recorded' }));
    return { cost: null, totalMs };
  }
}

function storable(text: string): string {
  return text
    .slice(0, kMostText)
    .replaceAll('\0', '\ufffd')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}
