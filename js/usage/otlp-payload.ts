/**
 * Usage events as OTLP/HTTP JSON (opentelemetry-proto: 64-bit integers are strings, ids hexadecimal, enums numbers).
 * A span for each reply, failure and cancel; one of a cache hit is internal, the others are calls of a client. Ids follow
 * from the event's, so that what is sent twice is the same span. Histograms are deltas of what is sent together; daily
 * totals give count and sum without buckets.
 */
import type { UsageEvent, UsageTotals } from '../types.js';
import { attributes, metrics, schemaUrl } from './otlp-names.js';

type Value = string | number | boolean | undefined;
type Attribute = { key: string; value: Record<string, unknown> };
interface Point {
  attributes: Attribute[];
  from: number;
  to: number;
  count: number;
  sum: number;
  /** Undefined: of totals. */
  buckets: number[] | undefined;
}
export interface Origin {
  serviceName: string;
  serviceVersion: string | undefined;
  version: string;
}

export function tracesOf(events: readonly (UsageEvent | UsageTotals)[], origin: Origin): string {
  const spans = events.flatMap((event) => (event.kind === 'totals' || event.kind === 'start' ? [] : [spanOf(event)]));
  return JSON.stringify({
    resourceSpans: [
      { resource: resourceOf(origin), scopeSpans: [{ scope: scopeOf(origin), spans, schemaUrl }], schemaUrl },
    ],
  });
}

export function metricsOf(events: readonly (UsageEvent | UsageTotals)[], origin: Origin): string {
  const points = {
    tokens: new Map<string, Point>(),
    duration: new Map<string, Point>(),
    firstChunk: new Map<string, Point>(),
  };
  for (const event of events) {
    const common: Record<string, Value> = {
      [attributes.operation]: 'chat',
      [attributes.provider]: providerOf(event),
      [attributes.requestModel]: event.model,
      [attributes.tier]: event.tier,
    };
    const inputs = { ...common, [attributes.tokenType]: 'input' };
    const outputs = { ...common, [attributes.tokenType]: 'output' };
    if (event.kind === 'totals') {
      const { complete } = event.counts;
      if (complete === 0) continue;
      addTotal(points.tokens, inputs, event, complete, event.inputTokens);
      addTotal(points.tokens, outputs, event, complete, event.outputTokens);
      continue;
    }
    // A hit calls nobody; a start says nothing that its end does not.
    if (event.kind === 'hit' || event.kind === 'start') continue;
    if (event.kind === 'complete') {
      add(points.tokens, metrics.tokens.bounds, inputs, event, event.inputTokens);
      add(points.tokens, metrics.tokens.bounds, outputs, event, event.outputTokens);
      add(points.firstChunk, metrics.firstChunk.bounds, common, event, inSeconds(event.firstPartMs));
    }
    const failed = { ...common, [attributes.errorType]: errorOf(event) };
    add(points.duration, metrics.duration.bounds, failed, event, inSeconds(event.totalMs));
  }
  const list = (['tokens', 'duration', 'firstChunk'] as const)
    .filter((name) => points[name].size > 0)
    .map((name) => ({
      name: metrics[name].name,
      unit: metrics[name].unit,
      // 1: DELTA.
      histogram: {
        aggregationTemporality: 1,
        dataPoints: [...points[name].values()].map((point) => pointOf(point, metrics[name].bounds)),
      },
    }));
  return JSON.stringify({
    resourceMetrics: [
      { resource: resourceOf(origin), scopeMetrics: [{ scope: scopeOf(origin), metrics: list, schemaUrl }], schemaUrl },
    ],
  });
}

function spanOf(event: UsageEvent): object {
  const { kind, totalMs = 0, firstPartMs, model, interactionId } = event;
  const name = kind === 'hit' ? 'cache' : 'chat';
  const error = errorOf(event);
  return {
    traceId: traceIdOf(interactionId),
    spanId: event.eventId.replaceAll('-', '').slice(0, 16),
    name: model === undefined ? name : `${name} ${model}`,
    // INTERNAL and CLIENT.
    kind: kind === 'hit' ? 1 : 3,
    startTimeUnixNano: nanoseconds(event.at - totalMs),
    endTimeUnixNano: nanoseconds(event.at),
    attributes: attributesOf({
      ...(kind !== 'hit' && { [attributes.operation]: 'chat', [attributes.provider]: providerOf(event) }),
      [attributes.requestModel]: model,
      [attributes.responseId]: event.replyId,
      [attributes.firstChunk]: decimal(inSeconds(firstPartMs)),
      [attributes.inputTokens]: event.inputTokens,
      [attributes.outputTokens]: event.outputTokens,
      [attributes.errorType]: error,
      [attributes.tier]: event.tier,
      [attributes.target]: event.target,
      [attributes.source]: event.source,
      [attributes.attempt]: event.attempt,
      [attributes.cost]: decimal(event.cost),
      [attributes.saved]: decimal(event.saved),
      [attributes.estimated]: event.tokensEstimated,
      [attributes.interaction]: interactionId,
      [attributes.label]: event.contextLabel,
    }),
    // ERROR; a reply leaves it unset, as the conventions want.
    status: error === undefined ? {} : { code: 2 },
  };
}

function providerOf({ source, ...event }: UsageEvent | UsageTotals): string {
  const provider = 'provider' in event ? event.provider : source;
  return provider === 'openai' || provider === 'mock' ? provider : 'huggingface';
}
function errorOf(event: UsageEvent): string | undefined {
  if (event.kind === 'cancel') return 'cancelled';
  return event.kind === 'error' ? (event.errorClass ?? '_OTHER') : undefined;
}

function add(
  points: Map<string, Point>,
  bounds: readonly number[],
  about: Record<string, Value>,
  { at }: UsageEvent,
  value: number | undefined,
): void {
  if (value === undefined) return;
  const point = pointFor(points, about, at, at, () => bounds.map(() => 0).concat(0));
  point.count += 1;
  point.sum += value;
  // Boundaries belong to the bucket below.
  const bucket = bounds.findIndex((bound) => value <= bound);
  point.buckets![bucket < 0 ? bounds.length : bucket]! += 1;
}
function addTotal(
  points: Map<string, Point>,
  about: Record<string, Value>,
  { at }: UsageTotals,
  count: number,
  sum: number,
): void {
  const point = pointFor(points, about, at, at + 24 * 60 * 60 * 1000, undefined);
  point.count += count;
  point.sum += sum;
}
function pointFor(
  points: Map<string, Point>,
  about: Record<string, Value>,
  from: number,
  to: number,
  buckets: (() => number[]) | undefined,
): Point {
  const key = JSON.stringify([about, buckets === undefined ? from : 0]);
  let point = points.get(key);
  if (point === undefined) {
    point = { attributes: attributesOf(about), from, to, count: 0, sum: 0, buckets: buckets?.() };
    points.set(key, point);
  }
  point.from = Math.min(point.from, from);
  point.to = Math.max(point.to, to);
  return point;
}
function pointOf({ attributes: about, from, to, count, sum, buckets }: Point, bounds: readonly number[]): object {
  return {
    attributes: about,
    startTimeUnixNano: nanoseconds(from),
    timeUnixNano: nanoseconds(Math.max(to, from + 1)),
    count: String(count),
    sum,
    ...(buckets && { bucketCounts: buckets.map(String), explicitBounds: bounds }),
  };
}

function resourceOf({ serviceName, serviceVersion }: Origin): object {
  return {
    attributes: attributesOf({ [attributes.serviceName]: serviceName, [attributes.serviceVersion]: serviceVersion }),
  };
}
function scopeOf({ version }: Origin): object {
  return { name: 'tierwise', version };
}

/** Numbers that are no whole ones by nature come as `decimal` makes them: JSON has but one kind. */
class Decimal {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
function decimal(value: number | undefined): Decimal | undefined {
  return value === undefined ? undefined : new Decimal(value);
}
function attributesOf(values: Record<string, Value | Decimal>): Attribute[] {
  return Object.entries(values).flatMap(([key, value]): Attribute[] => {
    if (value === undefined) return [];
    if (value instanceof Decimal) return [{ key, value: { doubleValue: value.value } }];
    if (typeof value === 'number') return [{ key, value: { intValue: String(Math.round(value)) } }];
    return [{ key, value: typeof value === 'string' ? { stringValue: value } : { boolValue: value } }];
  });
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
function nanoseconds(ms: number): string {
  // Beyond 2^53: whole milliseconds, and what is left of them.
  const whole = Math.floor(ms);
  return `${String(Math.max(0, whole))}${String(Math.round((ms - whole) * 1e6)).padStart(6, '0')}`;
}

/** 16 bytes of the interaction's id: itself where it is a UUID, else a hash (FNV-1a, four times), the same every time. */
export function traceIdOf(interactionId: string): string {
  const plain = interactionId.replaceAll('-', '').toLowerCase();
  if (/^[0-9a-f]{32}$/.test(plain) && !/^0+$/.test(plain)) return plain;
  let id = '';
  for (let seed = 0; seed < 4; seed++) {
    let hash = 0x811c9dc5 ^ seed;
    for (let i = 0; i < interactionId.length; i++) hash = Math.imul(hash ^ interactionId.charCodeAt(i), 0x01000193);
    // The last bits of FNV are mixed least.
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    id += ((hash ^ (hash >>> 13)) >>> 0).toString(16).padStart(8, '0');
  }
  return /^0+$/.test(id) ? id.replace(/0$/, '1') : id;
}
