/**
 * `ClientConfig` -> `ResolvedConfig`: every field checked, with a message that names it and says what to change;
 * defaults filled in. Synchronous and without effects.
 */
import defaultPrices from '../models/prices.json' with { type: 'json' };
import defaultRules from '../models/tiers.json' with { type: 'json' };
import { systemClock } from './clock.js';
import type { CoreConfig, Provider, TargetDescription } from './core-types.js';
import type { Embedder } from './embedder/embedder.js';
import { ConfigError, TierwiseError } from './errors.js';
import { looksLikeSecret } from './redact.js';
import {
  anything,
  boolean,
  booleanOrAll,
  callable,
  check,
  type Check,
  demand,
  isFunction,
  isText,
  listOf,
  jsonObject,
  must,
  notNegative,
  numberFrom,
  oneOf,
  orFalse,
  positive,
  requireObject,
  type Shape,
  text,
  wholeFrom,
} from './shape.js';
import { wellFormed } from './text.js';
import { parseSpaceAddress, requireServiceUrl } from './transports/space-address.js';
import {
  type ClientConfig,
  type Clock,
  type FlagName,
  type Flags,
  type JsonObject,
  type MockProviderConfig,
  type OpenAIProviderConfig,
  type PartitionConfig,
  type PromptsConfig,
  type QuotaConfig,
  type RouterProviderConfig,
  type SpaceConfig,
  type Tier,
  type SemanticConfig,
  tiers,
  type TimeoutConfig,
  type TokenSource,
  type UsageConfig,
  type UsageSink,
} from './types.js';

export interface ResolvedConfig {
  spaces: Partial<Record<Tier, SpaceConfig>>;
  providers: { openai?: OpenAIProviderConfig; router?: RouterProviderConfig; mock?: MockProviderConfig };
  defaultTier: Tier;
  flags: Flags | undefined;
  rules: JsonObject;
  prices: JsonObject;
  partition: PartitionConfig;
  cache:
    | {
        ttl: number;
        staleWhileRevalidate: number;
        maxEntries: number;
        maxBytes: number;
        persist: boolean | undefined;
        semantic: SemanticConfig;
      }
    | undefined;
  prompts: PromptsConfig;
  embedder: Embedder | undefined;
  wake: 'fallback' | 'wait';
  proxyUrl: string | undefined;
  proxyToken: TokenSource | undefined;
  timeouts: { total: number; firstChunk: number; stall: number };
  maxReplyBytes: number;
  usage: Omit<UsageConfig, 'sink'> & { sinks: readonly UsageSink[] };
  fetch: typeof fetch;
  clock: Clock;
  storage: ClientConfig['storage'];
  random: () => number;
  hubUrl: string;
  wasmUrl: string | undefined;
  wasmBinary: ArrayBuffer | Uint8Array | undefined;
  promptsUrl: string | undefined;
  promptsBinary: ArrayBuffer | Uint8Array | undefined;
  dangerouslyAllowBrowserToken: boolean;
}

/** The end of JavaScript's time, as in `wasm/cache/policy`. */
export const latestTime = 8.64e15;
export const defaultHubUrl = 'https://huggingface.co';
const day = 24 * 60 * 60 * 1000;
const flagNames: readonly FlagName[] = [
  'useRealAI',
  'useOpenAI',
  'useMockAI',
  'useHuggingFaceSpaces',
  'useMultiTieredAI',
  'useHFBaseModel',
  'useHFCompanyModel',
  'useHFAbstractionModel',
  'useHFUserModel',
];

const injectionPolicies = ['mark', 'strip', 'refuse'];
const serviceUrl: Check = (value, field) => checked(field, () => requireServiceUrl(value, 'the address'));
const spaceUrl: Check = (value, field) => {
  text(value, field);
  checked(field, () => parseSpaceAddress(value));
};
export const timeoutsShape: Shape = { total: positive, firstChunk: positive, stall: positive };
export const wakeShape: Check = (value, field) => oneOf('fallback', 'wait')(value, field);

/** Bounds as in `wasm/route/quota.cpp`. */
function quotaShape(): Shape {
  return { concurrency: wholeFrom(1, 1000), perMinute: wholeFrom(1, 100_000), queueLength: wholeFrom(0, 100_000) };
}

const tokens: Check = (value, field) => wholeFrom(64, 100_000_000)(value, field);

function spaceShape(token: Check): Shape {
  const input = must(
    'the name of an input, or its position counted from 0',
    (value) => isText(value) || (Number.isInteger(value) && (value as number) >= 0),
  );
  return {
    url: spaceUrl,
    endpoint: text,
    token,
    revision: text,
    protocol: oneOf('auto', 'gradio', 'tgi', 'openai', 'llama.cpp', 'plain'),
    inputs: { prompt: input, system: input, history: input, maxTokens: input, temperature: input },
    model: text,
    template: must(
      'a template, the name of one, or false',
      (value) => value === false || (isText(value) && value.trim() !== ''),
    ),
    templateVariables: (value, field) => void jsonObject(value, field, 100_000),
    contextWindow: tokens,
    quota: quotaShape(),
  };
}

/** A policy, or an object of it and `further`. */
export function semanticCheck(further: Record<string, Shape> = {}): Check {
  const policy = oneOf('off', 'strict', 'balanced');
  return (value, field) => {
    if (isText(value)) policy(value, field);
    else check(value, { policy, least: numberFrom(0.5, 1), ...further }, field);
  };
}

function usageShape(token: Check): Shape {
  return {
    sink: callable,
    sinks: listOf('functions', isFunction, 20),
    backend: { url: serviceUrl, token, company: text },
    otlp: {
      url: serviceUrl,
      headers: must(
        'an object of strings, or a function that gives one',
        (value) => isFunction(value) || (isPlain(value) && Object.values(value).every(isText)),
      ),
      serviceName: text,
    },
    sample: must(
      'a number from 0 to 1, or a function of the event',
      (value) => isFunction(value) || (typeof value === 'number' && value >= 0 && value <= 1),
    ),
    redact: callable,
    maxWaiting: wholeFrom(1000, 1_000_000),
    appVersion: text,
  };
}

function configShape(token: Check): Shape {
  const space = spaceShape(token);
  const router = {
    baseUrl: serviceUrl,
    model: text,
    contextWindow: tokens,
    token,
    billTo: text,
    quota: quotaShape(),
  };
  const { billTo: _, ...openai } = router;
  const mock: Shape = {
    reply: must('a string, or a function of the prompt', (value) => isText(value) || isFunction(value)),
    delayMs: notNegative,
  };
  return {
    spaces: Object.fromEntries(tiers.map((tier) => [tier, space])),
    defaultTier: oneOf(...tiers),
    providers: { openai, router, mock: (value, field) => value === true || check(value, mock, field) },
    flags: anything,
    rules: anything,
    partition: anything,
    cache: orFalse({
      // Bounds as in `wasm/cache/index`.
      ttl: numberFrom(1, latestTime),
      staleWhileRevalidate: numberFrom(0, latestTime),
      maxEntries: wholeFrom(1, 100_000),
      maxBytes: numberFrom(1, 2 ** 33),
      persist: boolean,
      semantic: semanticCheck({
        tiers: Object.fromEntries(tiers.map((tier) => [tier, semanticCheck()])),
        irrelevant: listOf('names of context fields', isText),
      }),
    }),
    prompts: {
      neutralise: booleanOrAll,
      truncate: oneOf('middle'),
      injection: must(
        'mark, strip, refuse or false',
        (value) => value === false || injectionPolicies.includes(value as string),
      ),
    },
    wake: wakeShape,
    proxyUrl: serviceUrl,
    proxyToken: tokenCheck(true),
    timeouts: timeoutsShape,
    maxReplyBytes: positive,
    dangerouslyAllowBrowserToken: boolean,
    usage: usageShape(token),
    prices: anything,
    fetch: callable,
    clock: (value, field) => {
      const { now, after } = requireObject(value, field);
      must('a function that gives the time in ms since 1970', isFunction)(now, `${field}.now`);
      must('a function (ms, task) that gives one to cancel it', isFunction)(after, `${field}.after`);
    },
    storage: must("'memory', or a function that opens a store", (value) => value === 'memory' || isFunction(value)),
    random: must('a function like Math.random', isFunction),
    hubUrl: serviceUrl,
    wasmUrl: text,
    wasmBinary: must('an ArrayBuffer or a Uint8Array', isBytes),
    embedder: must('an embedder, as minilm() gives', isEmbedder),
    promptsUrl: text,
    promptsBinary: must('an ArrayBuffer or a Uint8Array', isBytes),
  };
}

export function resolveConfig(given: ClientConfig): ResolvedConfig {
  requireObject(given, 'config');
  // Read once: what was checked is what is used, whatever becomes of the caller's objects.
  const config = { ...given, ...snapshot({ spaces: given.spaces, providers: given.providers }, 4) } as ClientConfig;
  const allowToken = config.dangerouslyAllowBrowserToken === true;
  check(config, configShape(tokenCheck(allowToken)), '', 'config');
  const { spaces = {}, providers = {}, cache = {} } = config;
  for (const tier of tiers) if (spaces[tier] !== undefined) text(spaces[tier].url, `spaces.${tier}.url`);
  const { openai, router, mock } = providers;
  for (const [name, provider] of Object.entries({ openai, router }))
    if (provider !== undefined) text(provider.model, `providers.${name}.model`);
  const configured = tiers.filter((tier) => spaces[tier] !== undefined);
  const givenFetch = config.fetch ?? (globalThis as { fetch?: typeof fetch }).fetch;
  if (givenFetch === undefined) throw new ConfigError('fetch', 'this environment has no fetch: give one.');
  return {
    spaces: { ...spaces },
    providers: {
      ...(openai && { openai }),
      ...(router && { router }),
      ...(mock && { mock: mock === true ? {} : mock }),
    },
    defaultTier: config.defaultTier ?? (configured.length === 1 ? configured[0]! : 'base'),
    flags: resolveFlags(config.flags),
    rules: config.rules === undefined ? defaultRules : jsonObject(config.rules, 'rules'),
    prices: config.prices === undefined ? defaultPrices : merge(defaultPrices, jsonObject(config.prices, 'prices')),
    partition: resolvePartition(config.partition ?? {}, 'partition'),
    cache:
      cache === false
        ? undefined
        : {
            ttl: cache.ttl ?? day,
            staleWhileRevalidate: cache.staleWhileRevalidate ?? 0,
            maxEntries: cache.maxEntries ?? 10_000,
            maxBytes: cache.maxBytes ?? 32 * 1024 * 1024,
            persist: cache.persist,
            semantic:
              typeof cache.semantic === 'string' ? { policy: cache.semantic } : snapshot({ ...cache.semantic }, 2),
          },
    prompts: { ...config.prompts },
    embedder: config.embedder,
    wake: config.wake ?? 'fallback',
    proxyUrl: config.proxyUrl?.replace(/\/+$/, ''),
    proxyToken: config.proxyToken,
    timeouts: resolveTimeouts(config.timeouts, { total: 120_000, firstChunk: 60_000, stall: 30_000 }),
    maxReplyBytes: config.maxReplyBytes ?? 8 * 1024 * 1024,
    usage: resolveUsage(config.usage),
    fetch: givenFetch,
    clock: config.clock ?? systemClock,
    storage: config.storage,
    random: config.random ?? Math.random,
    hubUrl: (config.hubUrl ?? defaultHubUrl).replace(/\/+$/, ''),
    wasmUrl: config.wasmUrl,
    wasmBinary: config.wasmBinary,
    promptsUrl: config.promptsUrl,
    promptsBinary: config.promptsBinary,
    dangerouslyAllowBrowserToken: allowToken,
  };
}

const changeable = ['spaces', 'defaultTier', 'flags', 'providers', 'rules', 'wake', 'partition'];

/** What `configure` may change. The rest was read when the client began: it must not seem changed while it is not. */
export function requireChangeable(change: unknown): void {
  for (const name of Object.keys(requireObject(change, 'change'))) {
    if (!changeable.includes(name))
      throw new ConfigError(name, `is set once, in createClient; configure changes ${changeable.join(', ')}.`);
  }
}

/** A Space that is tried without being configured. */
export function resolveSpace(given: SpaceConfig, field: string, allowToken: boolean): SpaceConfig {
  const space = snapshot(given, 2);
  check(space, spaceShape(tokenCheck(allowToken)), field);
  text(space.url, `${field}.url`);
  return space;
}

export function resolveTimeouts(
  given: TimeoutConfig | undefined,
  defaults: ResolvedConfig['timeouts'],
): ResolvedConfig['timeouts'] {
  return {
    total: given?.total ?? defaults.total,
    firstChunk: given?.firstChunk ?? defaults.firstChunk,
    stall: given?.stall ?? defaults.stall,
  };
}

/** What the core is told. */
export function coreConfig(config: ResolvedConfig): CoreConfig {
  const target = (
    id: string,
    provider: Provider,
    from: { model?: string; revision?: string; quota?: QuotaConfig },
  ): TargetDescription => ({
    id,
    provider,
    model: from.model,
    revision: from.revision,
    quota: from.quota,
  });
  const targets: TargetDescription[] = [];
  for (const tier of tiers) {
    const space = config.spaces[tier];
    if (space !== undefined) targets.push({ ...target(`space:${tier}`, 'space', space), tier });
  }
  const { router, openai, mock } = config.providers;
  if (router !== undefined) targets.push(target('router', 'router', router));
  if (openai !== undefined) targets.push(target('openai', 'openai', openai));
  if (mock !== undefined) targets.push(target('mock', 'mock', {}));
  const cache = config.cache ?? { maxEntries: 0, maxBytes: 0, ttl: 0, staleWhileRevalidate: 0 };
  return {
    tiers: config.rules,
    prices: config.prices,
    flags: config.flags,
    defaultTier: config.defaultTier,
    targets,
    cache: {
      maxEntries: cache.maxEntries,
      maxBytes: cache.maxBytes,
      ttlMs: cache.ttl,
      staleMs: cache.staleWhileRevalidate,
    },
  };
}

export function resolvePartition(partition: unknown, field: string): PartitionConfig {
  const resolved: PartitionConfig = {};
  const entries = Object.entries(requireObject(partition, field));
  demand(entries.length <= 32, field, 'an object of at most 32 fields');
  for (const [key, value] of entries) {
    if (value === undefined) continue;
    if (!isText(value)) throw new ConfigError(`${field}.${key}`, 'must be a string.');
    if (value.length > 512) throw new ConfigError(`${field}.${key}`, 'must be at most 512 characters.');
    // As a key of an object it would vanish, and everybody would be in one partition.
    if (key === '__proto__') throw new ConfigError(`${field}.__proto__`, 'cannot be the name of a field.');
    // Broken text would become the same replacement character for everybody.
    if (wellFormed(key + value) !== key + value)
      throw new ConfigError(
        `${field}.${wellFormed(key)}`,
        'must be well-formed text: it holds half a character (a lone surrogate).',
      );
    resolved[key] = value;
  }
  return resolved;
}

function snapshot<T>(value: T, depth: number): T {
  if (depth === 0 || !isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, snapshot(inner, depth - 1)])) as T;
}

/** Read once, as Spaces are; what cannot be left out is asked for by name. */
function resolveUsage(given: UsageConfig = {}): ResolvedConfig['usage'] {
  const { sink, sinks = [], ...rest } = given;
  const usage = snapshot(rest, 3);
  if (usage.backend !== undefined) {
    text(usage.backend.url, 'usage.backend.url');
    const { token } = usage.backend as { token?: unknown };
    demand(token !== undefined, 'usage.backend.token', "the user's session token, or a function that gives it");
  }
  if (usage.otlp !== undefined) text(usage.otlp.url, 'usage.otlp.url');
  return { ...usage, sinks: sink === undefined ? sinks.slice() : [sink, ...sinks] };
}

function resolveFlags(given: unknown): Flags | undefined {
  if (given === undefined) return undefined;
  const flags = requireObject(given, 'flags');
  const resolved: Flags = {};
  for (const name of flagNames) {
    const flag = flags[name];
    if (flag === undefined) continue;
    if (typeof flag === 'boolean') resolved[name] = { enabled: flag, visible: true };
    else {
      const { enabled, visible = true } = requireObject(flag, `flags.${name}`);
      boolean(enabled, `flags.${name}.enabled`);
      boolean(visible, `flags.${name}.visible`);
      resolved[name] = { enabled: enabled === true, visible: visible === true };
    }
  }
  // Flags of the host application that are not ours are none of our business.
  return resolved;
}

/** The caller's table over the default one, price by price; the core refuses what is no price. */
function merge(base: JsonObject, over: JsonObject): JsonObject {
  const merged: JsonObject = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(merged, key) ? merged[key] : undefined;
    // A `__proto__` from parsed JSON must stay a plain member.
    Object.defineProperty(merged, key, {
      value: isPlain(below) && isPlain(value) ? merge(below, value) : value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return merged;
}

function isPlain(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tokenCheck(allowed: boolean): Check {
  return (token, field) => {
    if (isFunction(token)) return;
    if (!isText(token) || token.trim() === '')
      throw new ConfigError(field, 'must be a token, or a function that gives one.');
    if (allowed || !isBrowser() || !looksLikeSecret(token)) return;
    throw new ConfigError(
      field,
      'a literal secret in a page can be read by everyone who opens it. Use proxyUrl, or a function that fetches a short-lived token; ' +
        'for a tool only you use, set dangerouslyAllowBrowserToken: true.',
      'browser-token',
    );
  };
}

/** A page or a worker of one, not a server. */
export function isBrowser(): boolean {
  const scope = globalThis as {
    document?: unknown;
    WorkerGlobalScope?: unknown;
    process?: { versions?: { node?: string } };
  };
  return (
    scope.process?.versions?.node === undefined &&
    (scope.document !== undefined || scope.WorkerGlobalScope !== undefined)
  );
}

function isEmbedder(value: unknown): boolean {
  const { embed, dimensions } = (value ?? {}) as Partial<Embedder>;
  return isFunction(embed) && Number.isInteger(dimensions);
}

/** Also of another realm (a frame). */
function isBytes(value: unknown): boolean {
  return ArrayBuffer.isView(value) || Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}
/** Errors of address parsing, under the field they belong to. */
function checked(field: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(
      field,
      TierwiseError.isInstance(error) || error instanceof Error ? error.message : String(error),
    );
  }
}
