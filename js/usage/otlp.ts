/**
 * An OpenTelemetry collector over OTLP/HTTP with JSON bodies. Spans and metrics are two destinations, each with its own
 * queue: what one accepted is not sent again because the other did not. Nothing there knows events by their id, so a
 * batch whose answer was lost arrives twice (spans with the same ids).
 */
import type { UsageEvent, UsageOtlpConfig, UsageTotals } from '../types.js';
import { outcomeOf, type Verdict } from './answer.js';
import type { Destination } from './destination.js';
import { metricsOf, type Origin, tracesOf } from './otlp-payload.js';
import type { Row } from './outbox.js';

/** Few enough that making a body of them does not hold up the page. */
const most = 100;

export function otlpDestination(
  config: UsageOtlpConfig,
  what: 'traces' | 'metrics',
  version: string,
  appVersion: string | undefined,
): Destination {
  const { headers, serviceName = 'tierwise' } = config;
  const url = `${config.url.replace(/\/+$/, '')}/v1/${what}`;
  const origin: Origin = { serviceName, serviceVersion: appVersion, version };
  const make = what === 'traces' ? tracesOf : metricsOf;
  return {
    name: `otlp ${url}`,
    title: 'The OpenTelemetry collector',
    url,
    most,
    foldable: true,
    headers: async () => (typeof headers === 'function' ? headers() : { ...headers }),
    body: (rows) =>
      make(
        rows.map(({ text }) => JSON.parse(text) as UsageEvent | UsageTotals),
        origin,
      ),
    outcome(answer, rows, now) {
      const verdicts = answer.status >= 200 && answer.status < 300 ? verdictsOf(rows, answer.text) : undefined;
      if (verdicts !== undefined) return { kind: 'verdicts', verdicts };
      // A row that alone is malformed there will always be.
      if (answer.status === 400 && rows.length === 1)
        return { kind: 'verdicts', verdicts: all(rows, 'refused', '400') };
      return outcomeOf(answer, now);
    },
  };
}

/**
 * Which ones a partial success rejects it does not say; OTLP forbids to send any of them again. Undefined: this is no
 * collector's answer.
 */
function verdictsOf(rows: readonly Row[], text: string): Map<string, Verdict> | undefined {
  if (text.trim() === '') return all(rows, 'stored');
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: Record<string, unknown> };
    const { rejectedSpans, rejectedDataPoints, errorMessage } = partialSuccess ?? {};
    const rejected = Number(rejectedSpans ?? rejectedDataPoints ?? 0) > 0;
    return rejected ? all(rows, 'refused', 'partial-success', String(errorMessage)) : all(rows, 'stored');
  } catch {
    return undefined;
  }
}
function all(rows: readonly Row[], verdict: Verdict['verdict'], code?: string, message?: string): Map<string, Verdict> {
  const each: Verdict = { verdict, ...(code !== undefined && { code }), ...(message !== undefined && { message }) };
  return new Map(rows.map(({ id }) => [id, each]));
}
