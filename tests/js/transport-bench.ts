/** A transport on the bench: a context over the real core and a given fetch, and one call with everything it tells. */
import { systemClock } from '../../js/clock.ts';
import type { Core } from '../../js/core.ts';
import { Http } from '../../js/http.ts';
import { Prompts } from '../../js/prompt/prompts.ts';
import { CallFailure } from '../../js/transports/call-failure.ts';
import type {
  Connection,
  ModelRequest,
  TransportContext,
  TransportPart,
  TransportResult,
} from '../../js/transports/transport.ts';
import type { Clock, JsonObject, TokenSource } from '../../js/types.ts';
import { realCore } from './real-core.ts';

/** Reading keeps no state: one core serves all. */
let reader: Promise<Core> | undefined;

export interface BenchOptions {
  base: string;
  fetch?: typeof fetch;
  token?: TokenSource;
  clock?: Clock;
  target?: string;
  model?: string;
  endpoint?: string;
  billTo?: string;
  maxReplyBytes?: number;
  timeouts?: { firstChunk: number; stall: number };
}

export async function benchContext(options: BenchOptions): Promise<TransportContext> {
  const { base, clock = systemClock, target = 'space:base', model, endpoint, billTo } = options;
  const http = new Http({
    fetch: options.fetch ?? fetch,
    clock,
    token: options.token,
    mayReceiveToken: (origin) => origin === new URL(base).origin,
    credentials: 'omit',
    maxReplyBytes: options.maxReplyBytes ?? 8 * 1024 * 1024,
    timeouts: options.timeouts ?? { firstChunk: 20_000, stall: 20_000 },
  });
  return {
    target,
    tier: target.startsWith('space:') ? 'base' : undefined,
    base,
    http,
    reader: await (reader ??= realCore()),
    clock,
    random: () => 0.5,
    model,
    prompts: new Prompts({ target, settings: {} }, undefined),
    config: { ...(endpoint !== undefined && { endpoint }), ...(billTo !== undefined && { billTo }) },
  };
}

export function ask(
  text = 'Say hello, please.',
  more: Partial<ModelRequest['parameters']> & { system?: string } = {},
): ModelRequest {
  const { system, ...parameters } = more;
  return {
    messages: [
      ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
      { role: 'user', content: text },
    ],
    parameters: { maxTokens: 64, temperature: 0.7, ...parameters },
  };
}

export interface Outcome {
  result: TransportResult | undefined;
  failure: CallFailure | undefined;
  parts: TransportPart[];
  /** What somebody who watched the parts has on the screen. */
  shown: string;
}

export async function call(
  connection: Connection,
  request: ModelRequest = ask(),
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  const parts: TransportPart[] = [];
  let result: TransportResult | undefined;
  let failure: CallFailure | undefined;
  try {
    result = await connection.call(request, {
      signal,
      onPart: (part) => parts.push(part),
      onStatus: () => undefined,
      onPrompt: () => undefined,
    });
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    failure = error;
  }
  return {
    result,
    failure,
    parts,
    shown: parts.reduce((text, part) => (part.type === 'replace' ? part.text : text + part.text), ''),
  };
}

/** `count` ascending random byte offsets, the same for the same seed. */
export function randomCuts(length: number, count: number, seed: number): number[] {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => Math.floor(next() * length)).sort((a, b) => a - b);
}

export type Sent = { path: string; json: JsonObject; headers: Record<string, string>; method: string };
