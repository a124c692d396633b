/** Wrong configuration is refused at once, with the field named and what to write instead; `configFromEnv`. */
import { afterEach, describe, expect, test } from '@jest/globals';

import { configFromEnv, ConfigError, createClient, TierwiseError } from '../../dist/index.js';
import { bench, closeAll, failureOf } from './client-bench.ts';

afterEach(closeAll);

const space = { url: 'owner/name' };
const fails = (config: unknown): ConfigError => {
  try {
    createClient(config as never).close();
  } catch (error) {
    return error as ConfigError;
  }
  throw new Error('It was accepted.');
};

test.each<[string, unknown]>([
  ['config', null],
  ['config', 'https://owner-name.hf.space'],
  ['config', []],
  ['space', { space }],
  ['spaces', { spaces: 'owner/name' }],
  ['spaces', { spaces: [space] }],
  ['spaces.private', { spaces: { private: space } }],
  ['spaces.base', { spaces: { base: 'owner/name' } }],
  ['spaces.base.url', { spaces: { base: {} } }],
  ['spaces.base.url', { spaces: { base: { url: 5 } } }],
  ['spaces.base.url', { spaces: { base: { url: '  ' } } }],
  ['spaces.base.url', { spaces: { base: { url: 'name' } } }],
  ['spaces.base.url', { spaces: { base: { url: 'http://example.com' } } }],
  ['spaces.base.url', { spaces: { base: { url: 'https://user:pass@example.com' } } }],
  ['spaces.base.url', { spaces: { base: { url: 'ftp://example.com' } } }],
  ['spaces.base.URL', { spaces: { base: { url: 'owner/name', URL: 'owner/name' } } }],
  ['spaces.base.endpoint', { spaces: { base: { ...space, endpoint: '' } } }],
  ['spaces.base.token', { spaces: { base: { ...space, token: '' } } }],
  ['spaces.base.token', { spaces: { base: { ...space, token: 5 } } }],
  ['spaces.base.revision', { spaces: { base: { ...space, revision: 2 } } }],
  ['spaces.base.model', { spaces: { base: { ...space, model: {} } } }],
  ['spaces.base.protocol', { spaces: { base: { ...space, protocol: 'grpc' } } }],
  ['spaces.base.inputs', { spaces: { base: { ...space, inputs: ['prompt'] } } }],
  ['spaces.base.inputs.question', { spaces: { base: { ...space, inputs: { question: 0 } } } }],
  ['spaces.base.inputs.prompt', { spaces: { base: { ...space, inputs: { prompt: -1 } } } }],
  ['spaces.base.quota', { spaces: { base: { ...space, quota: 4 } } }],
  ['spaces.base.quota.concurrency', { spaces: { base: { ...space, quota: { concurrency: 0 } } } }],
  ['spaces.base.quota.concurrency', { spaces: { base: { ...space, quota: { concurrency: 1001 } } } }],
  ['spaces.base.quota.perMinute', { spaces: { base: { ...space, quota: { perMinute: 1.5 } } } }],
  ['spaces.base.quota.queueLength', { spaces: { base: { ...space, quota: { queueLength: -1 } } } }],
  ['spaces.base.quota.perHour', { spaces: { base: { ...space, quota: { perHour: 5 } } } }],
  ['defaultTier', { defaultTier: 'premium' }],
  ['providers', { providers: 'openai' }],
  ['providers.anthropic', { providers: { anthropic: { model: 'm' } } }],
  ['providers.openai', { providers: { openai: true } }],
  ['providers.openai.model', { providers: { openai: {} } }],
  ['providers.openai.apiKey', { providers: { openai: { model: 'm', apiKey: 'k' } } }],
  ['providers.openai.baseUrl', { providers: { openai: { model: 'm', baseUrl: 'http://example.com/v1' } } }],
  ['providers.router.billTo', { providers: { router: { model: 'm', billTo: 5 } } }],
  ['providers.router.quota.concurrency', { providers: { router: { model: 'm', quota: { concurrency: 'two' } } } }],
  ['providers.mock', { providers: { mock: 'yes' } }],
  ['providers.mock.reply', { providers: { mock: { reply: 5 } } }],
  ['providers.mock.delayMs', { providers: { mock: { delayMs: -1 } } }],
  ['flags', { flags: ['useOpenAI'] }],
  ['flags.useOpenAI', { flags: { useOpenAI: 'on' } }],
  ['flags.useOpenAI.enabled', { flags: { useOpenAI: { visible: true } } }],
  ['flags.useOpenAI.visible', { flags: { useOpenAI: { enabled: true, visible: 1 } } }],
  ['rules', { rules: [] }],
  ['partition', { partition: 'tenant' }],
  ['partition.user', { partition: { user: 5 } }],
  ['partition.user', { partition: { user: 'x'.repeat(513) } }],
  ['partition.user', { partition: { user: 'half a character: \ud800' } }],
  ['cache', { cache: true }],
  ['cache.ttl', { cache: { ttl: 0 } }],
  ['cache.ttl', { cache: { ttl: '1d' } }],
  ['cache.staleWhileRevalidate', { cache: { staleWhileRevalidate: -1 } }],
  ['cache.maxEntries', { cache: { maxEntries: 1.5 } }],
  ['cache.maxBytes', { cache: { maxBytes: Infinity } }],
  ['cache.persist', { cache: { persist: 'yes' } }],
  ['cache.size', { cache: { size: 5 } }],
  ['wake', { wake: 'never' }],
  ['proxyUrl', { proxyUrl: 'example.com/gateway' }],
  ['proxyUrl', { proxyUrl: 5 }],
  ['proxyToken', { proxyUrl: 'https://example.com', proxyToken: 5 }],
  ['timeouts', { timeouts: 5000 }],
  ['timeouts.total', { timeouts: { total: 0 } }],
  ['timeouts.firstChunk', { timeouts: { firstChunk: NaN } }],
  ['timeouts.stall', { timeouts: { stall: '5s' } }],
  ['timeouts.connect', { timeouts: { connect: 5 } }],
  ['maxReplyBytes', { maxReplyBytes: -5 }],
  ['dangerouslyAllowBrowserToken', { dangerouslyAllowBrowserToken: 'yes' }],
  ['usage', { usage: () => undefined }],
  ['usage.sink', { usage: { sink: 'console' } }],
  ['usage.appVersion', { usage: { appVersion: 2 } }],
  ['usage.sinks', { usage: { sinks: [() => undefined, 'console'] } }],
  ['usage.backend', { usage: { backend: 'https://example.com' } }],
  ['usage.backend.url', { usage: { backend: { token: 't' } } }],
  ['usage.backend.url', { usage: { backend: { url: 'http://example.com', token: 't' } } }],
  ['usage.backend.token', { usage: { backend: { url: 'https://example.com/functions/v1' } } }],
  ['usage.backend.token', { usage: { backend: { url: 'https://example.com', token: '' } } }],
  ['usage.backend.company', { usage: { backend: { url: 'https://example.com', token: 't', company: 5 } } }],
  ['usage.backend.key', { usage: { backend: { url: 'https://example.com', token: 't', key: 'k' } } }],
  ['usage.otlp.url', { usage: { otlp: {} } }],
  ['usage.otlp.url', { usage: { otlp: { url: 'collector:4318' } } }],
  ['usage.otlp.headers', { usage: { otlp: { url: 'https://example.com', headers: { a: 1 } } } }],
  ['usage.otlp.serviceName', { usage: { otlp: { url: 'https://example.com', serviceName: '' } } }],
  ['usage.sample', { usage: { sample: 2 } }],
  ['usage.sample', { usage: { sample: 'half' } }],
  ['usage.redact', { usage: { redact: true } }],
  ['usage.maxWaiting', { usage: { maxWaiting: 10 } }],
  ['prices', { prices: [] }],
  ['fetch', { fetch: 'fetch' }],
  ['clock', { clock: Date.now }],
  ['clock.now', { clock: { after: () => () => undefined } }],
  ['clock.after', { clock: { now: () => 0 } }],
  ['storage', { storage: 'localStorage' }],
  ['random', { random: 0.5 }],
  ['hubUrl', { hubUrl: 5 }],
  ['hubUrl', { hubUrl: 'http://example.com' }],
  ['wasmUrl', { wasmUrl: 5 }],
  ['wasmBinary', { wasmBinary: 'AGFzbQ==' }],
])('%s is named: %j', (field, config) => {
  const error = fails(config);
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.field).toBe(field);
  expect(error.code).toBe('invalid-config');
  expect(error.message).toMatch(new RegExp(`^${field.replaceAll('.', '\\.').replaceAll('[', '\\[')}: \\S.*\\.$`, 's'));
});

test.each<[string, object]>([
  ['nothing at all', {}],
  ['everything', { spaces: { base: { ...space, inputs: { prompt: 0 } } }, providers: { mock: true }, cache: false }],
  ['a mock of its own', { providers: { mock: { reply: (prompt: string) => prompt, delayMs: 0 } } }],
  ['a Space on this machine', { spaces: { base: { url: 'http://127.0.0.1:7860' } } }],
  ['flags of the host application', { flags: { useOpenAI: true, theirOwnFlag: 'x' } }],
  ['no stale replies', { cache: { staleWhileRevalidate: 0 } }],
])('%s is accepted', (_, config) => {
  expect(() => createClient(config).close()).not.toThrow();
});

test.each<[string, object, string]>([
  ['rules', { rules: { rules: 'first' } }, 'tiers'],
  ['a rule for no tier', { rules: { rules: [{ tier: 'gold', when: {} }] } }, 'tier'],
  ['prices', { prices: { providers: { openai: { models: [5] } } } }, 'prices'],
])(
  '%s that the core cannot read are refused with the first request, and a repaired client works',
  async (_, bad, named) => {
    const { client } = bench(bad as never);
    const error = await failureOf(client.generate('Hi'));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.field).toContain(named);
    const { client: sound } = bench();
    expect((await sound.generate('Hi')).content).toBe('Hello.');
  },
);

test('configure refuses what createClient would, and nothing has changed then', async () => {
  const { client } = bench();
  await client.generate('Hi');
  for (const change of [
    { spaces: { base: { url: '' } } },
    { defaultTier: 'gold' },
    { rules: { rules: 'first' } },
    { providers: { openai: {} } },
  ]) {
    expect(await failureOf(client.configure(change as never))).toBeInstanceOf(ConfigError);
  }
  expect((await client.generate('Hi')).source).toBe('cache');
  expect((await client.generate('Ho')).content).toBe('Hello.');
});

/** Runs `task` where `globalThis` looks like a page's, or a worker's. */
function inBrowser<T>(scope: object, task: () => T): T {
  const global = globalThis as Record<string, unknown>;
  const before = Object.getOwnPropertyDescriptor(globalThis, 'process')!;
  Object.defineProperty(globalThis, 'process', { value: undefined, configurable: true, writable: true });
  Object.assign(global, scope);
  try {
    return task();
  } finally {
    Object.defineProperty(globalThis, 'process', before);
    for (const key of Object.keys(scope)) delete global[key];
  }
}
const places: [string, object][] = [
  ['a page', { document: {} }],
  ['a worker', { WorkerGlobalScope: class {} }],
];

describe.each(places)('secrets in %s', (_, scope) => {
  test.each([
    ['spaces.base.token', { spaces: { base: { ...space, token: 'hf_0123456789' } } }],
    ['spaces.base.token', { spaces: { base: { ...space, token: 'Bearer hf_0123456789' } } }],
    ['providers.openai.token', { providers: { openai: { model: 'm', token: 'sk-0123456789' } } }],
    ['providers.router.token', { providers: { router: { model: 'm', token: 'hf_0123456789' } } }],
  ])('%s is refused as a literal, without being repeated', (field, config) => {
    const error = inBrowser(scope, () => fails(config));
    expect(error.field).toBe(field);
    expect(error.code).toBe('browser-token');
    expect(JSON.stringify(error) + error.message + String(error.stack)).not.toContain('0123456789');
    expect(error.message).toContain('proxyUrl');
  });

  test('is accepted when it is asked for by name, or comes from a function', () => {
    inBrowser(scope, () => {
      createClient({
        dangerouslyAllowBrowserToken: true,
        spaces: { base: { ...space, token: 'hf_0123456789' } },
      }).close();
      createClient({ spaces: { base: { ...space, token: () => 'hf_0123456789' } } }).close();
    });
  });

  test('configFromEnv refuses the key', () => {
    const error = inBrowser(scope, () => {
      try {
        return configFromEnv({ VITE_HUGGINGFACE_API_KEY: 'hf_0123456789', VITE_HUGGINGFACE_ORG: 'acme' });
      } catch (reason) {
        return reason as ConfigError;
      }
    });
    expect(TierwiseError.isInstance(error) && error.code).toBe('browser-token');
    expect(JSON.stringify(error)).not.toContain('0123456789');
    expect(inBrowser(scope, () => configFromEnv({ VITE_HUGGINGFACE_ORG: 'acme' })).spaces?.base?.url).toBe(
      'acme/company-base-llm',
    );
  });
});

test('a literal token is accepted on a server', () => {
  expect(() => createClient({ spaces: { base: { ...space, token: 'hf_0123456789' } } }).close()).not.toThrow();
});

describe('configFromEnv', () => {
  const urls = (env: Record<string, string | boolean | undefined>) =>
    Object.fromEntries(Object.entries(configFromEnv(env).spaces ?? {}).map(([tier, given]) => [tier, given?.url]));
  const defaults = {
    base: 'acme/company-base-llm',
    company: 'acme/company-specific-llm',
    abstraction: 'acme/company-abstraction-llm',
  };
  const org = { VITE_HUGGINGFACE_ORG: 'acme' };

  test.each<[string, Record<string, string | boolean | undefined>, object]>([
    ['nothing set: no Space', {}, {}],
    ['the names of the requirements, under the organisation', org, defaults],
    ['empty is not set', { ...org, VITE_HF_BASE_SPACE: ' ' }, defaults],
    ["Vite's own booleans are no concern", { ...org, DEV: true, PROD: false }, defaults],
    ['a name of its own', { ...org, VITE_HF_BASE_SPACE: 'mine' }, { ...defaults, base: 'acme/mine' }],
    ['a user Space when it is named', { ...org, VITE_HF_USER_SPACE: 'u' }, { ...defaults, user: 'acme/u' }],
    ['an owner of its own', { VITE_HF_BASE_SPACE: 'other/mine' }, { base: 'other/mine' }],
    ['a full address', { VITE_HF_COMPANY_SPACE: 'https://llm.acme.com' }, { company: 'https://llm.acme.com' }],
  ])('%s', (_, env, expected) => {
    expect(urls(env)).toEqual(expected);
  });

  test('a name without an owner is refused with the variable named', () => {
    expect(() => configFromEnv({ VITE_HF_BASE_SPACE: 'mine' })).toThrow(/VITE_HF_BASE_SPACE.*VITE_HUGGINGFACE_ORG/s);
  });
  test('on a server the key goes to every Space; the proxy is taken over; the result is a configuration', () => {
    const config = configFromEnv({
      ...org,
      VITE_HUGGINGFACE_API_KEY: 'hf_k',
      VITE_TIERWISE_PROXY_URL: 'https://p.test',
    });
    expect(Object.values(config.spaces ?? {}).map((given) => given?.token)).toEqual(['hf_k', 'hf_k', 'hf_k']);
    expect(config.proxyUrl).toBe('https://p.test');
    expect(() => createClient(config).close()).not.toThrow();
  });
});
