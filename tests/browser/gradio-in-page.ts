/** What the Gradio tests need inside a page (or in Node): one call through the transport, with all it told. */
import { Http } from '../../js/http.js';
import { Prompts } from '../../js/prompt/prompts.ts';
import { gradio, parseGradioConfig } from '../../js/transports/gradio.js';
import type { ReplyReader, TransportContext, TransportPart } from '../../js/transports/transport.js';
import type { Message, SpaceConfig, SpaceStatus } from '../../js/types.js';

export interface Order {
  base: string;
  endpoint?: string;
  inputs?: SpaceConfig['inputs'];
  prompt?: string;
  messages?: Message[];
  maxTokens?: number;
  temperature?: number;
  token?: string;
  /** Abort when so many parts, or statuses, or ms have come. */
  abortAfterParts?: number;
  abortAfterStatuses?: number;
  abortAfterMs?: number;
  /** Abort as soon as a request to a path ending like this was sent, before it is answered. */
  abortOnRequest?: string;
  timeouts?: { firstChunk: number; stall: number };
  maxReplyBytes?: number;
  /** Call a function number the app does not have. */
  wrongIndex?: boolean;
}

const clock = {
  now: () => Date.now(),
  after: (ms: number, task: () => void) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};
const reader: ReplyReader = {
  frame: () => ({}),
  body: () => ({}),
};

export async function ask(order: Order) {
  const origin = new URL(order.base).origin;
  const controller = new AbortController();
  // Kept for this call: a last word to the server may come after the next call has begun.
  const { fetch } = globalThis;
  const http = new Http({
    fetch: (input, init) => {
      const answer = fetch.call(globalThis, input, init);
      if (order.abortOnRequest !== undefined && String(input).endsWith(order.abortOnRequest)) controller.abort();
      return answer;
    },
    clock,
    token: order.token,
    mayReceiveToken: (asked) => asked === origin,
    credentials: 'omit',
    maxReplyBytes: order.maxReplyBytes ?? 8 * 1024 * 1024,
    timeouts: order.timeouts ?? { firstChunk: 20_000, stall: 20_000 },
  });
  const parts: TransportPart[] = [];
  const statuses: Omit<SpaceStatus, 'target' | 'tier'>[] = [];
  const startedAt = performance.now();
  const partTimes: number[] = [];
  const told = () => ({ parts, statuses, shown: replay(parts), partTimes, ms: performance.now() - startedAt });
  try {
    const found = parseGradioConfig(await http.json(`${order.base}/config`, { signal: controller.signal }));
    if (found === undefined) throw new Error('not Gradio');
    const config = order.wrongIndex
      ? { ...found, dependencies: found.dependencies.map((dependency) => ({ ...dependency, id: 9999 })) }
      : found;
    const context: TransportContext = {
      target: 'space:base',
      tier: 'base',
      base: order.base,
      http,
      reader,
      clock,
      random: Math.random,
      model: undefined,
      prompts: new Prompts({ target: 'space:base', settings: {} }, undefined),
      config: {
        ...(order.endpoint !== undefined && { endpoint: order.endpoint }),
        ...(order.inputs !== undefined && { inputs: order.inputs }),
      },
    };
    if (order.abortAfterMs !== undefined) setTimeout(() => controller.abort(), order.abortAfterMs);
    const result = await gradio(context, config).call(
      {
        messages: order.messages ?? [{ role: 'user', content: order.prompt ?? 'hello' }],
        parameters: { maxTokens: order.maxTokens ?? 512, temperature: order.temperature ?? 0.7 },
      },
      {
        signal: controller.signal,
        onPart: (part) => {
          parts.push(part);
          partTimes.push(performance.now() - startedAt);
          if (parts.length === order.abortAfterParts) controller.abort();
        },
        onPrompt: () => undefined,
        onStatus: (status) => {
          statuses.push(status);
          if (statuses.length === order.abortAfterStatuses) controller.abort();
        },
      },
    );
    return { ok: true as const, result, version: config.version, ...told() };
  } catch (error) {
    const facts = (error as { facts?: Record<string, unknown> }).facts;
    return { ok: false as const, facts, error: String(error), ...told() };
  }
}

/** What a person sees after these parts. */
export function replay(parts: readonly TransportPart[]): string {
  return parts.reduce((text, part) => (part.type === 'text' ? text + part.text : part.text), '');
}
