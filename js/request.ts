/**
 * The ways to ask (`generate`, `stream`, `query`) -> one prepared request: arguments sorted out, defaults filled in,
 * context folded into the conversation. Wrong types are refused here with the field named; sizes and values are
 * checked by the core (step 1).
 */
import {
  latestTime,
  type ResolvedConfig,
  resolvePartition,
  resolveTimeouts,
  semanticCheck,
  timeoutsShape,
  wakeShape,
} from './config.js';
import { ConfigError, RequestError } from './errors.js';
import {
  anything,
  anyText,
  boolean,
  callable,
  check,
  type Check,
  demand,
  isFunction,
  isText,
  jsonObject,
  listOf,
  notNegative,
  number,
  numberFrom,
  oneOf,
  orFalse,
  requireObject,
  type Shape,
  text,
} from './shape.js';
import { documentList } from './prompt/documents.js';
import { utf8Bytes, wellFormed } from './text.js';
import { accountOf } from './usage/account.js';
import type { ModelRequest } from './transports/transport.js';
import {
  type JsonObject,
  type Message,
  type QueryContext,
  type RequestOptions,
  type SemanticOptions,
  type SemanticPolicy,
  type Tier,
  tiers,
} from './types.js';

export interface PreparedRequest {
  id: string;
  interactionId: string;
  model: ModelRequest;
  /** Of the context, for the model: not in the messages yet. */
  facts: JsonObject | undefined;
  /** The last user message: for lists and previews. */
  prompt: string;
  tier: Tier | undefined;
  /** What the tier rules read. */
  context: JsonObject;
  contextLabel: string | undefined;
  permissions: readonly Tier[] | undefined;
  mode: 'interactive' | 'background';
  prefer: 'quality' | 'speed' | 'cost';
  variety: boolean;
  cache: {
    noCache: boolean;
    noStore: boolean;
    onlyIfCached: boolean;
    maxAge: number | undefined;
    ttl: number | undefined;
    tags: readonly string[];
    semantic: SemanticPolicy | SemanticOptions | undefined;
  };
  wake: 'fallback' | 'wait';
  timeouts: { total: number; firstChunk: number; stall: number };
  signal: AbortSignal | undefined;
  partition: Record<string, string>;
  /** Whose usage it is, whatever the partition of this one request. */
  account: string;
}

/** A request larger than this (in UTF-16 units, all messages) never reaches the core. */
export const maxRequestBytes = 2 * 1024 * 1024;
const defaults = { temperature: 0.7, maxTokens: 512 };
let optionsShape: Shape | undefined;
const makeOptionsShape = (): Shape => ({
  tier: (value) => requireTier(value),
  context: anything,
  system: anyText,
  documents: documentList,
  // Bounds as in `wasm/reply/request`: what is over them never crosses.
  history: (value, field) => {
    listOf('at most 10,000 messages', () => true, 10_000)(value, field);
    const known = oneOf('system', 'user', 'assistant', 'tool');
    (value as unknown[]).forEach((message, i) => {
      const { role, content } = (message ?? {}) as Record<string, unknown>;
      known(role, `${field}[${String(i)}].role`);
      anyText(content, `${field}[${String(i)}].content`);
    });
  },
  temperature: number,
  maxTokens: number,
  topP: number,
  seed: number,
  stop: listOf('at most 16 strings of at most 1,000 characters', (stop) => isText(stop) && stop.length <= 1000, 16),
  parameters: anything,
  variety: boolean,
  permissions: listOf(`tiers (${tiers.join(', ')})`, (tier) => tiers.includes(tier as Tier)),
  priority: { mode: oneOf('interactive', 'background'), prefer: oneOf('quality', 'speed', 'cost') },
  cache: orFalse({
    noCache: boolean,
    noStore: boolean,
    onlyIfCached: boolean,
    maxAge: notNegative,
    // What the cache would refuse only after the reply was paid for.
    ttl: numberFrom(0, latestTime),
    tags: listOf(
      'at most 16 strings of 1 to 128 bytes',
      (tag) => isText(tag) && tag !== '' && utf8Bytes(wellFormed(tag)) <= 128,
      16,
    ),
    semantic: semanticCheck(),
  }),
  wake: wakeShape,
  timeouts: timeoutsShape,
  signal: abortSignal,
  partition: (value, field) => void resolvePartition(value, field),
  interactionId: text,
});
export const abortSignal: Check = (value, field) => {
  const signal = value as Partial<AbortSignal> | null;
  demand(
    typeof signal?.aborted === 'boolean' &&
      isFunction(signal.addEventListener) &&
      isFunction(signal.removeEventListener),
    field,
    'an AbortSignal',
  );
};
/** Read by the tier rules; telling them to the model would be noise. */
const routingOnly = new Set(['useCompanyModel', 'useAbstraction', 'useUserModel', 'useExistingModels']);

/** What the caller gave is read once, into copies: it may change while the request waits. */
export function prepareRequest(prompt: unknown, options: RequestOptions, config: ResolvedConfig): PreparedRequest {
  return ofRequest(() => prepare(prompt, options, config));
}

function prepare(prompt: unknown, given: RequestOptions, config: ResolvedConfig): PreparedRequest {
  if (typeof prompt !== 'string')
    throw new RequestError('invalid-input', `The prompt must be a string; it is ${typeName(prompt)}.`, 'prompt');
  if (prompt.trim() === '') throw new RequestError('empty-prompt', 'The prompt is empty: say what to ask.', 'prompt');
  requireObject(given, 'options');
  const options = { ...given };
  check(options, (optionsShape ??= makeOptionsShape()), '');
  const context = options.context === undefined ? {} : json(options.context, 'context');
  const cache = options.cache === false ? { noCache: true, noStore: true } : (options.cache ?? {});
  const id = newId();
  const model: ModelRequest = { messages: conversation(prompt, options), parameters: parameters(options) };
  if (options.documents !== undefined)
    model.documents = options.documents.map((document, i) => json(document, `documents[${String(i)}]`));
  return {
    id,
    interactionId: options.interactionId ?? id,
    model,
    facts: factsOf(context),
    prompt: wellFormed(prompt),
    tier: options.tier,
    context,
    contextLabel: undefined,
    permissions: options.permissions && [...options.permissions],
    mode: options.priority?.mode ?? 'interactive',
    prefer: options.priority?.prefer ?? 'quality',
    variety: options.variety === true,
    cache: {
      noCache: cache.noCache === true,
      noStore: cache.noStore === true,
      onlyIfCached: cache.onlyIfCached === true,
      maxAge: cache.maxAge,
      ttl: cache.ttl,
      tags: [...(cache.tags ?? [])],
      semantic: typeof cache.semantic === 'object' ? { ...cache.semantic } : cache.semantic,
    },
    wake: options.wake ?? config.wake,
    timeouts: resolveTimeouts(options.timeouts, config.timeouts),
    signal: options.signal,
    partition: {
      ...config.partition,
      ...(options.partition !== undefined && resolvePartition(options.partition, 'partition')),
    } as Record<string, string>,
    account: accountOf(config.partition),
  };
}

/** Throws `ConfigError`. The requirements' `query(input, context)`: the context is for routing; only the company's id is told to the model. */
export function queryOptions(
  context: QueryContext,
  options: RequestOptions,
): { options: RequestOptions; label: string | undefined; routing: JsonObject } {
  requireObject(context, 'context');
  requireObject(options, 'options');
  const {
    context: label,
    conversationHistory: history = options.history,
    temperature = options.temperature,
    signal = options.signal,
    ...routing
  } = context;
  const company = identity(context, 'companyId');
  const user = identity(context, 'userId');
  if (label !== undefined) anyText(label, 'context.context');
  return {
    label,
    routing: json({ ...routing, companyId: company, userId: user }, 'context'),
    options: {
      ...options,
      history,
      temperature,
      signal,
      context: context.useCompanyModel === true && company !== undefined ? { company_id: company } : options.context,
      partition: {
        tenant: company,
        user,
        // Without what is undefined: it must not undo the user.
        ...(options.partition !== undefined && resolvePartition(options.partition, 'partition')),
      },
    } as RequestOptions,
  };
}

/** As text: many applications count their users. Left out, everybody would share one partition. */
function identity(context: QueryContext, name: 'companyId' | 'userId'): string | undefined {
  const id: unknown = context[name] ?? undefined;
  // Greater numbers than these stand for several.
  if (id === undefined || isText(id)) return id;
  demand(typeof id === 'number' && Math.abs(id) < 2 ** 53, `context.${name}`, 'a string or a number below 2^53');
  return String(id);
}

/** A random UUID (version 4). Random bytes are fetched for many at a time: the fetching is what costs. */
export function newId(): string {
  if (unused === random.length) {
    // Not randomUUID: it is missing on plain http pages.
    globalThis.crypto.getRandomValues(random);
    unused = 0;
  }
  const at = unused;
  unused += 16;
  random[at + 6] = (random[at + 6]! & 0x0f) | 0x40;
  random[at + 8] = (random[at + 8]! & 0x3f) | 0x80;
  let id = '';
  for (let i = 0; i < 16; i++) id += (i === 4 || i === 6 || i === 8 || i === 10 ? '-' : '') + hex(random[at + i]!);
  return id;
}
const random = new Uint8Array(64 * 16);
let unused = random.length;

function hex(byte: number): string {
  return (byte < 16 ? '0' : '') + byte.toString(16);
}

export function requireTier(tier: unknown): void {
  if (tiers.includes(tier as Tier)) return;
  throw new RequestError('unknown-tier', `There is no tier ${shown(tier)}; the tiers are ${tiers.join(', ')}.`, 'tier');
}

function conversation(prompt: string, options: RequestOptions): Message[] {
  const messages: Message[] = [];
  const { system } = options;
  if (system !== undefined && system !== '') messages.push({ role: 'system', content: wellFormed(system) });
  for (const { role, content } of options.history ?? []) messages.push({ role, content: wellFormed(content) });
  messages.push({ role: 'user', content: wellFormed(prompt) });
  return messages;
}

function factsOf(context: JsonObject): JsonObject | undefined {
  if (Object.keys(context).length === 0) return undefined;
  const facts = Object.fromEntries(Object.entries(context).filter(([key]) => !routingOnly.has(key)));
  return Object.keys(facts).length === 0 ? undefined : facts;
}

/** A member that is undefined is one that is absent. */
function parameters({ temperature, maxTokens, topP, seed, stop, parameters: extra }: RequestOptions) {
  return {
    temperature: temperature ?? defaults.temperature,
    maxTokens: maxTokens ?? defaults.maxTokens,
    topP,
    seed,
    stop: stop && [...stop],
    extra: extra === undefined ? extra : json(extra, 'parameters'),
  } as ModelRequest['parameters'];
}

/** For options that are merged with others before they are checked. */
export function requireOptions(options: unknown): void {
  ofRequest(() => requireObject(options, 'options'));
}

/** Of `testConnection` and `wake`. */
export function requireCallOptions(options: unknown): void {
  ofRequest(() => check(options, { signal: abortSignal, onStep: callable, space: anything }, '', 'options'));
}

/** What goes into prompts, keys and the core: anything else (cycles, big numbers) is refused, and so is more than fits. */
function json(value: unknown, field: string): JsonObject {
  return jsonObject(value, field, maxRequestBytes);
}

/** The same checks as for the configuration, as an error of the request. */
export function ofRequest<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new RequestError(error.code === 'too-large' ? error.code : 'invalid-input', error.message, error.field);
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value.slice(0, 80)}"` : typeName(value);
}

function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
