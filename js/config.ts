/**
 * `ClientConfig` -> `ResolvedConfig`: every field checked, with a message that names it and says what to change;
 * defaults filled in. Synchronous and without effects.
 */
import defaultPrices from '../models/prices.json' with { type: 'json' };
import defaultRules from '../models/tiers.json' with { type: 'json' };
import { systemClock } from './clock.js';
import type { CoreConfig, Provider, TargetDescription } from './core-types.js';
import { ConfigError, TierwiseError } from './errors.js';
import { looksLikeSecret } from './redact.js';
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
  type QuotaConfig,
  type RouterProviderConfig,
  type SpaceConfig,
  type Tier,
  tiers,
  type TokenSource,
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
    | { ttl: number; staleWhileRevalidate: number; maxEntries: number; maxBytes: number; persist: boolean | undefined }
    | undefined;
  wake: 'fallback' | 'wait';
  proxyUrl: string | undefined;
  proxyToken: TokenSource | undefined;
  timeouts: { total: number; firstChunk: number; stall: number };
  maxReplyBytes: number;
  appVersion: string | undefined;
  usageSink: NonNullable<ClientConfig['usage']>['sink'];
  fetch: typeof fetch;
  clock: Clock;
  storage: ClientConfig['storage'];
  random: () => number;
  hubUrl: string;
  wasmUrl: string | undefined;
  wasmBinary: ArrayBuffer | Uint8Array | undefined;
  dangerouslyAllowBrowserToken: boolean;
}

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
const configFields = [
  'spaces',
  'defaultTier',
  'providers',
  'flags',
  'rules',
  'partition',
  'cache',
  'wake',
  'proxyUrl',
  'proxyToken',
  'timeouts',
  'maxReplyBytes',
  'dangerouslyAllowBrowserToken',
  'usage',
  'prices',
  'fetch',
  'clock',
  'storage',
  'random',
  'hubUrl',
  'wasmUrl',
  'wasmBinary',
] as const;
const spaceFields = ['url', 'endpoint', 'token', 'revision', 'protocol', 'inputs', 'model', 'quota'] as const;
const spaceProtocols = ['auto', 'gradio', 'tgi', 'openai', 'llama.cpp', 'plain'] as const;
const gradioRoles = ['prompt', 'system', 'history', 'maxTokens', 'temperature'] as const;

export function resolveConfig(config: ClientConfig): ResolvedConfig {
  requireObject(config, 'config');
  refuseUnknown(config, configFields, '');
  const allowToken = config.dangerouslyAllowBrowserToken === true;
  const spaces = resolveSpaces(config.spaces ?? {}, allowToken);
  const providers = resolveProviders(config.providers ?? {}, allowToken);
  requireBoolean(config.dangerouslyAllowBrowserToken, 'dangerouslyAllowBrowserToken');
  requireEnvironment(config);
  const configured = tiers.filter((tier) => spaces[tier] !== undefined);
  const defaultTier = config.defaultTier ?? (configured.length === 1 ? configured[0]! : 'base');
  requireOneOf(defaultTier, tiers, 'defaultTier');
  if (config.proxyUrl !== undefined) checked('proxyUrl', () => requireServiceUrl(config.proxyUrl, 'proxyUrl'));
  if (config.hubUrl !== undefined) requireText(config.hubUrl, 'hubUrl');
  const hubUrl = (config.hubUrl ?? 'https://huggingface.co').replace(/\/+$/, '');
  checked('hubUrl', () => requireServiceUrl(hubUrl, 'hubUrl'));
  if (config.proxyToken !== undefined) requireToken(config.proxyToken, 'proxyToken', true);
  if (config.wake !== undefined) requireOneOf(config.wake, ['fallback', 'wait'], 'wake');
  const givenFetch = config.fetch ?? (globalThis as { fetch?: typeof fetch }).fetch;
  if (typeof givenFetch !== 'function') throw new ConfigError('fetch', 'this environment has no fetch: give one.');
  return {
    spaces,
    providers,
    defaultTier,
    flags: resolveFlags(config.flags),
    rules: config.rules === undefined ? defaultRules : requireObject(config.rules, 'rules'),
    prices: mergePrices(config.prices),
    partition: resolvePartition(config.partition ?? {}, 'partition'),
    cache: config.cache === false ? undefined : resolveCache(config.cache ?? {}),
    wake: config.wake ?? 'fallback',
    proxyUrl: config.proxyUrl?.replace(/\/+$/, ''),
    proxyToken: config.proxyToken,
    timeouts: resolveTimeouts(config.timeouts ?? {}, 'timeouts', { total: 120_000, firstChunk: 60_000, stall: 30_000 }),
    maxReplyBytes: positive(config.maxReplyBytes, 'maxReplyBytes', 8 * 1024 * 1024),
    appVersion: config.usage?.appVersion,
    usageSink: config.usage?.sink,
    fetch: givenFetch,
    clock: config.clock ?? systemClock,
    storage: config.storage,
    random: config.random ?? Math.random,
    hubUrl,
    wasmUrl: config.wasmUrl,
    wasmBinary: config.wasmBinary,
    dangerouslyAllowBrowserToken: allowToken,
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
    ...(from.model !== undefined && { model: from.model }),
    ...(from.revision !== undefined && { revision: from.revision }),
    ...(from.quota !== undefined && { quota: from.quota }),
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
    ...(config.flags !== undefined && { flags: config.flags }),
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
  const fields = requireObject(partition, field) as Record<string, unknown>;
  const resolved: PartitionConfig = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (typeof value !== 'string') throw new ConfigError(`${field}.${key}`, 'must be a string.');
    if (value.length > 512) throw new ConfigError(`${field}.${key}`, 'must be at most 512 characters.');
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

export function resolveTimeouts(
  given: unknown,
  field: string,
  defaults: { total: number; firstChunk: number; stall: number },
): { total: number; firstChunk: number; stall: number } {
  const timeouts = requireObject(given, field) as Record<string, unknown>;
  refuseUnknown(timeouts, ['total', 'firstChunk', 'stall'], `${field}.`);
  return {
    total: positive(timeouts['total'], `${field}.total`, defaults.total),
    firstChunk: positive(timeouts['firstChunk'], `${field}.firstChunk`, defaults.firstChunk),
    stall: positive(timeouts['stall'], `${field}.stall`, defaults.stall),
  };
}

function resolveSpaces(given: unknown, allowToken: boolean): Partial<Record<Tier, SpaceConfig>> {
  const spaces = requireObject(given, 'spaces') as Record<string, unknown>;
  refuseUnknown(spaces, tiers, 'spaces.');
  const resolved: Partial<Record<Tier, SpaceConfig>> = {};
  for (const tier of tiers) {
    if (spaces[tier] !== undefined) resolved[tier] = resolveSpace(spaces[tier], `spaces.${tier}`, allowToken);
  }
  return resolved;
}

export function resolveSpace(given: unknown, field: string, allowToken: boolean): SpaceConfig {
  const space = requireObject(given, field) as unknown as SpaceConfig;
  refuseUnknown(space, spaceFields, `${field}.`);
  requireText(space.url, `${field}.url`);
  checked(`${field}.url`, () => parseSpaceAddress(space.url));
  if (space.endpoint !== undefined) requireText(space.endpoint, `${field}.endpoint`);
  if (space.revision !== undefined) requireText(space.revision, `${field}.revision`);
  if (space.model !== undefined) requireText(space.model, `${field}.model`);
  if (space.protocol !== undefined) requireOneOf(space.protocol, spaceProtocols, `${field}.protocol`);
  if (space.token !== undefined) requireToken(space.token, `${field}.token`, allowToken);
  if (space.inputs !== undefined) {
    const inputs = requireObject(space.inputs, `${field}.inputs`) as Record<string, unknown>;
    refuseUnknown(inputs, gradioRoles, `${field}.inputs.`);
    for (const [role, input] of Object.entries(inputs)) {
      if (typeof input !== 'string' && !(typeof input === 'number' && Number.isInteger(input) && input >= 0)) {
        throw new ConfigError(
          `${field}.inputs.${role}`,
          'must be the name of an input, or its position counted from 0.',
        );
      }
    }
  }
  requireQuota(space.quota, `${field}.quota`);
  return space;
}

function resolveProviders(given: unknown, allowToken: boolean): ResolvedConfig['providers'] {
  const providers = requireObject(given, 'providers') as NonNullable<ClientConfig['providers']>;
  refuseUnknown(providers, ['openai', 'router', 'mock'], 'providers.');
  const resolved: ResolvedConfig['providers'] = {};
  for (const name of ['openai', 'router'] as const) {
    const provider = providers[name] as RouterProviderConfig | undefined;
    if (provider === undefined) continue;
    const field = `providers.${name}`;
    requireObject(provider, field);
    refuseUnknown(provider, ['baseUrl', 'model', 'token', 'billTo', 'quota'], `${field}.`);
    requireText(provider.model, `${field}.model`);
    if (provider.baseUrl !== undefined)
      checked(`${field}.baseUrl`, () => requireServiceUrl(provider.baseUrl, `${field}.baseUrl`));
    if (provider.token !== undefined) requireToken(provider.token, `${field}.token`, allowToken);
    if (provider.billTo !== undefined) requireText(provider.billTo, `${field}.billTo`);
    requireQuota(provider.quota, `${field}.quota`);
    resolved[name] = provider;
  }
  if (providers.mock !== undefined) {
    const mock: MockProviderConfig = providers.mock === true ? {} : providers.mock;
    requireObject(mock, 'providers.mock');
    refuseUnknown(mock, ['reply', 'delayMs'], 'providers.mock.');
    if (mock.reply !== undefined && typeof mock.reply !== 'string' && typeof mock.reply !== 'function')
      throw new ConfigError('providers.mock.reply', 'must be a string, or a function of the prompt.');
    notNegative(mock.delayMs, 'providers.mock.delayMs', 0);
    resolved.mock = mock;
  }
  return resolved;
}

function resolveFlags(given: unknown): Flags | undefined {
  if (given === undefined) return undefined;
  const flags = requireObject(given, 'flags') as Record<string, unknown>;
  const resolved: Flags = {};
  for (const name of flagNames) {
    const flag = flags[name];
    if (flag === undefined) continue;
    if (typeof flag === 'boolean') resolved[name] = { enabled: flag, visible: true };
    else {
      const { enabled, visible } = requireObject(flag, `flags.${name}`) as { enabled?: unknown; visible?: unknown };
      if (typeof enabled !== 'boolean') throw new ConfigError(`flags.${name}.enabled`, 'must be true or false.');
      requireBoolean(visible, `flags.${name}.visible`);
      resolved[name] = { enabled, visible: visible !== false };
    }
  }
  // Flags of the host application that are not ours are none of our business.
  return resolved;
}

function resolveCache(given: unknown): ResolvedConfig['cache'] {
  const cache = requireObject(given, 'cache') as Record<string, unknown>;
  refuseUnknown(cache, ['ttl', 'staleWhileRevalidate', 'maxEntries', 'maxBytes', 'persist'], 'cache.');
  const persist = requireBoolean(cache['persist'], 'cache.persist');
  return {
    ttl: positive(cache['ttl'], 'cache.ttl', day),
    staleWhileRevalidate: notNegative(cache['staleWhileRevalidate'], 'cache.staleWhileRevalidate', 0),
    maxEntries: whole(cache['maxEntries'], 'cache.maxEntries', 10_000),
    maxBytes: positive(cache['maxBytes'], 'cache.maxBytes', 32 * 1024 * 1024),
    persist,
  };
}

/** The caller's table over the default one, price by price; the core refuses what is no price. */
function mergePrices(given: unknown): JsonObject {
  const base = defaultPrices as unknown as JsonObject;
  return given === undefined ? base : merge(base, requireObject(given, 'prices'));
}

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

function requireToken(token: TokenSource, field: string, allowed: boolean): void {
  if (typeof token === 'function') return;
  if (typeof token !== 'string' || token.trim() === '') {
    throw new ConfigError(field, 'must be a token, or a function that gives one.');
  }
  if (!allowed && isBrowser() && looksLikeSecret(token)) {
    throw new ConfigError(
      field,
      'a literal secret in a page can be read by everyone who opens it. Use proxyUrl, or a function that fetches a short-lived token; ' +
        'for a tool only you use, set dangerouslyAllowBrowserToken: true.',
      'browser-token',
    );
  }
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

/** As in `wasm/route/quota.cpp`. */
const quotaBounds = { concurrency: [1, 1000], perMinute: [1, 100_000], queueLength: [0, 100_000] } as const;

function requireQuota(given: QuotaConfig | undefined, field: string): void {
  if (given === undefined) return;
  const quota = requireObject(given, field) as Record<string, unknown>;
  refuseUnknown(quota, ['concurrency', 'perMinute', 'queueLength'], `${field}.`);
  for (const [name, value] of Object.entries(quota)) {
    const [least, most] = quotaBounds[name as keyof QuotaConfig];
    if (value !== undefined && !(Number.isInteger(value) && (value as number) >= least && (value as number) <= most)) {
      throw new ConfigError(`${field}.${name}`, `must be a whole number from ${String(least)} to ${String(most)}.`);
    }
  }
}

function requireObject(value: unknown, field: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigError(field, 'must be an object.');
  return value as JsonObject;
}
function requireText(value: unknown, field: string): void {
  if (typeof value !== 'string' || value.trim() === '') throw new ConfigError(field, 'must be a non-empty string.');
}
function requireOneOf(value: unknown, allowed: readonly string[], field: string): void {
  if (!allowed.includes(value as string))
    throw new ConfigError(field, `must be one of ${allowed.join(', ')}; it is ${JSON.stringify(value)}.`);
}
function requireBoolean(value: unknown, field: string): boolean | undefined {
  if (value !== undefined && typeof value !== 'boolean') throw new ConfigError(field, 'must be true or false.');
  return value;
}
/** What the world is reached through, where it was given. */
function requireEnvironment(config: ClientConfig): void {
  const { usage, clock, storage, random, wasmUrl, wasmBinary } = config;
  const demand = (ok: boolean, field: string, message: string) => {
    if (!ok) throw new ConfigError(field, message);
  };
  const isFunction = (value: unknown) => typeof value === 'function';
  if (usage !== undefined) {
    requireObject(usage, 'usage');
    refuseUnknown(usage, ['sink', 'appVersion'], 'usage.');
    demand(usage.sink === undefined || isFunction(usage.sink), 'usage.sink', 'must be a function.');
    if (usage.appVersion !== undefined) requireText(usage.appVersion, 'usage.appVersion');
  }
  if (clock !== undefined) {
    const { now, after } = requireObject(clock, 'clock') as { now?: unknown; after?: unknown };
    demand(isFunction(now), 'clock.now', 'must be a function that gives the time in ms since 1970.');
    demand(isFunction(after), 'clock.after', 'must be a function (ms, task) that gives one to cancel it.');
  }
  demand(
    storage === undefined || storage === 'memory' || isFunction(storage),
    'storage',
    "must be 'memory', or a function that opens a store.",
  );
  demand(random === undefined || isFunction(random), 'random', 'must be a function like Math.random.');
  if (wasmUrl !== undefined) requireText(wasmUrl, 'wasmUrl');
  demand(wasmBinary === undefined || isBytes(wasmBinary), 'wasmBinary', 'must be an ArrayBuffer or a Uint8Array.');
}
/** Also of another realm (a frame). */
function isBytes(value: unknown): boolean {
  return ArrayBuffer.isView(value) || Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}
function notNegative(value: unknown, field: string, fallback: number): number {
  if (value === 0) return 0;
  return positive(value, field, fallback, 'must be a number of at least 0.');
}
function whole(value: unknown, field: string, fallback: number): number {
  if (value !== undefined && !Number.isInteger(value)) throw new ConfigError(field, 'must be a whole number.');
  return positive(value, field, fallback);
}
function positive(value: unknown, field: string, fallback: number, what = 'must be a number greater than 0.'): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) throw new ConfigError(field, what);
  return value;
}
function refuseUnknown(value: object, known: readonly string[], prefix: string): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key))
      throw new ConfigError(`${prefix}${key}`, `is not a setting; the settings here are ${known.join(', ')}.`);
  }
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
