/**
 * What a person can set, how it becomes the client's configuration, and how it is checked: by the package itself, so
 * that the words beside a field are the ones an application would get.
 */
import {
  type ClientConfig,
  ConfigError,
  createClient,
  type FlagName,
  type Flags,
  type Json,
  type SemanticPolicy,
  type SpaceConfig,
  type Tier,
  TierwiseError,
} from 'tierwise';

import type { Account } from '../session/session-store';
import { tierOrder } from '../tiers';
import { type Administered, settingsInForce } from './administered';
import { type EmbedderChoice, embedderOf } from './embedder';
import { jsonObject } from './json-object';
import { secrets, type SecretName } from './secrets';

export interface SpaceSettings {
  url: string;
  endpoint: string;
  revision: string;
}
export interface ProviderSettings {
  baseUrl: string;
  model: string;
}
/** Which stored replies may answer questions in other words. */
export interface SemanticSettings {
  embedder: EmbedderChoice;
  policy: SemanticPolicy;
}
export interface Settings {
  defaultTier: Tier;
  spaces: Record<Tier, SpaceSettings>;
  openai: ProviderSettings;
  flags: Record<FlagName, boolean>;
  semantic: SemanticSettings;
  /** Signed in, requests go through the backend, which holds the keys. */
  gateway: boolean;
}
/** Which targets the next questions may use; on top of the flags, and not kept. */
export type ProviderChoice = 'auto' | 'spaces' | 'openai' | 'mock';

export const flagWords: readonly { name: FlagName; label: string; help: string }[] = [
  {
    name: 'useHuggingFaceSpaces',
    label: 'Hugging Face Spaces',
    help: 'Questions may go to Spaces. Each tier also needs its own flag.',
  },
  { name: 'useHFBaseModel', label: 'Base tier', help: 'The base Space may answer.' },
  { name: 'useHFCompanyModel', label: 'Company tier', help: 'The company Space may answer.' },
  { name: 'useHFAbstractionModel', label: 'Abstraction tier', help: 'The abstraction Space may answer.' },
  { name: 'useHFUserModel', label: 'User tier', help: 'The user Space may answer.' },
  {
    name: 'useMultiTieredAI',
    label: 'More than one tier',
    help: 'Off: only the default tier answers, whatever the rules say.',
  },
  {
    name: 'useRealAI',
    label: 'Paid providers',
    help: 'Providers besides Spaces may answer. An OpenAI-compatible one needs its own flag too.',
  },
  {
    name: 'useOpenAI',
    label: 'OpenAI-compatible provider',
    help: 'It may answer when no Space does, or when it is chosen.',
  },
  {
    name: 'useMockAI',
    label: 'Mock',
    help: 'A stand-in that repeats the question may answer when nothing else does. Its replies say that they are a mock.',
  },
];

const emptySpace: SpaceSettings = { url: '', endpoint: '', revision: '' };

/** `given`: the Spaces that `config.json` beside the page names. Without any, the mock answers. */
export function startSettings(given: Partial<Record<Tier, Partial<SpaceSettings>>>): Settings {
  const spaces = Object.fromEntries(
    tierOrder.map((tier) => [tier, { ...emptySpace, ...pickText(given[tier], ['url', 'endpoint', 'revision']) }]),
  ) as Settings['spaces'];
  const any = tierOrder.some((tier) => spaces[tier].url !== '');
  const flags = Object.fromEntries(
    flagWords.map(({ name }) => [name, name === 'useMockAI' ? !any : true]),
  ) as Settings['flags'];
  const defaultTier = spaces.base.url !== '' || !any ? 'base' : tierOrder.find((tier) => spaces[tier].url !== '')!;
  const semantic = { embedder: 'light', policy: 'strict' } as const;
  return { defaultTier, spaces, openai: { baseUrl: '', model: '' }, flags, semantic, gateway: false };
}

/** What was kept, laid over the start: whatever is missing or no longer understood is as at the start. */
export function readSettings(saved: Json | undefined, start: Settings): Settings {
  const kept = jsonObject(saved);
  const spaces = jsonObject(kept['spaces']);
  const flags = jsonObject(kept['flags']);
  const semantic = jsonObject(kept['semantic']);
  return {
    defaultTier: tierOrder.find((tier) => tier === kept['defaultTier']) ?? start.defaultTier,
    spaces: Object.fromEntries(
      tierOrder.map((tier) => [
        tier,
        { ...start.spaces[tier], ...pickText(jsonObject(spaces[tier]), ['url', 'endpoint', 'revision']) },
      ]),
    ) as Settings['spaces'],
    openai: { ...start.openai, ...pickText(jsonObject(kept['openai']), ['baseUrl', 'model']) },
    flags: Object.fromEntries(
      flagWords.map(({ name }) => [name, typeof flags[name] === 'boolean' ? flags[name] : start.flags[name]]),
    ) as Settings['flags'],
    semantic: {
      embedder: embedders.find((choice) => choice === semantic['embedder']) ?? start.semantic.embedder,
      policy: policies.find((policy) => policy === semantic['policy']) ?? start.semantic.policy,
    },
    gateway: typeof kept['gateway'] === 'boolean' ? kept['gateway'] : start.gateway,
  };
}
const embedders: readonly EmbedderChoice[] = ['off', 'light', 'minilm'];
const policies: readonly SemanticPolicy[] = ['off', 'strict', 'balanced'];

function pickText(from: object | undefined, names: readonly string[]): Record<string, string> {
  const found = Object.entries(from ?? {}).filter(([name, value]) => names.includes(name) && typeof value === 'string');
  return Object.fromEntries(found) as Record<string, string>;
}

export function configuredTiers(settings: Settings): Tier[] {
  return tierOrder.filter((tier) => settings.spaces[tier].url.trim() !== '');
}

export function spaceConfig(settings: SpaceSettings, tier: Tier): SpaceConfig {
  const token = secrets.source(tier, settings.url);
  return {
    url: settings.url.trim(),
    ...(settings.endpoint.trim() !== '' && { endpoint: settings.endpoint.trim() }),
    ...(settings.revision.trim() !== '' && { revision: settings.revision.trim() }),
    ...(token && { token }),
  };
}

/** The part that `configure` can change. */
export function clientSettings(
  settings: Settings,
  choice: ProviderChoice = 'auto',
): Required<Pick<ClientConfig, 'spaces' | 'defaultTier' | 'flags' | 'providers'>> {
  const { baseUrl, model } = settings.openai;
  const token = secrets.source('openai', baseUrl);
  return {
    spaces: Object.fromEntries(
      configuredTiers(settings).map((tier) => [tier, spaceConfig(settings.spaces[tier], tier)]),
    ),
    defaultTier: settings.defaultTier,
    providers: {
      mock: true,
      ...(baseUrl.trim() !== '' && {
        openai: {
          baseUrl: baseUrl.trim(),
          model: model.trim(),
          ...(token && { token }),
        },
      }),
    },
    flags: { ...settings.flags, ...choiceFlags[choice] },
  };
}

/**
 * All of it, for a new client: with what `configure` cannot change. `account`: what is cached and counted is that person's;
 * `set`: by an administrator.
 */
export function clientConfig(
  settings: Settings,
  account: Account | undefined,
  choice: ProviderChoice = 'auto',
  set?: Administered,
): ClientConfig {
  const { embedder: chosen, policy } = settings.semantic;
  const embedder = embedderOf(chosen);
  return {
    ...settingsInForce(settings, choice, set),
    // Kept in this browser, so that a question asked yesterday is answered from the cache today.
    cache: { persist: true, semantic: policy },
    usage: {
      appVersion: 'demo',
      ...(account && {
        backend: {
          url: `${account.url}/functions/v1`,
          token: account.token,
          ...(account.company !== undefined && { company: account.company }),
        },
      }),
    },
    ...(account && {
      partition: { ...(account.company !== undefined && { tenant: account.company }), user: account.user },
      ...(settings.gateway && { proxyUrl: `${account.url}/functions/v1/gateway`, proxyToken: account.token }),
    }),
    ...(embedder && { embedder }),
  };
}

/** Whether `configure` can bring a client from one to the other. */
export function configurable(from: Settings, to: Settings): boolean {
  return (
    from.semantic.embedder === to.semantic.embedder &&
    from.semantic.policy === to.semantic.policy &&
    from.gateway === to.gateway
  );
}

export const choiceFlags: Record<ProviderChoice, Flags> = {
  auto: {},
  spaces: { useHuggingFaceSpaces: true, useRealAI: false, useOpenAI: false, useMockAI: false },
  openai: { useHuggingFaceSpaces: false, useRealAI: true, useOpenAI: true, useMockAI: false },
  mock: { useHuggingFaceSpaces: false, useRealAI: false, useOpenAI: false, useMockAI: true },
};

/** Field name (`spaces.base.url`, `providers.openai.model`) → what is wrong with it. Empty: all is well. */
export function problemsOf(settings: Settings): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const tier of configuredTiers(settings))
    Object.assign(problems, problemOf({ spaces: { [tier]: spaceConfig(settings.spaces[tier], tier) } }));
  for (const tier of tierOrder) {
    const { url, endpoint, revision } = settings.spaces[tier];
    if (url.trim() === '' && (endpoint.trim() !== '' || revision.trim() !== '')) {
      problems[`spaces.${tier}.url`] = 'Enter the Space this endpoint and revision belong to, or empty them too.';
    }
  }
  const { providers } = clientSettings(settings);
  if (providers.openai) Object.assign(problems, problemOf({ providers: { openai: providers.openai } }));
  else if (settings.openai.model.trim() !== '')
    problems['providers.openai.baseUrl'] = 'Enter the address of the server, up to and including /v1.';
  return problems;
}

/** Of a configuration, by the package's own check. */
export function problemOf(config: ClientConfig): Record<string, string> {
  try {
    createClient(config).close();
    return {};
  } catch (error) {
    const field = TierwiseError.isInstance(error) && 'field' in error ? (error as ConfigError).field : 'settings';
    const message = error instanceof Error ? error.message : String(error);
    const words = message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
    return { [field]: words.charAt(0).toUpperCase() + words.slice(1) };
  }
}

export function asJson(settings: Settings): Json {
  return JSON.parse(JSON.stringify(settings)) as Json;
}

export const secretNames: readonly SecretName[] = [...tierOrder, 'openai'];
