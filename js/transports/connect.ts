/**
 * From a target's name to a connection that can be called: address -> host (asked of the Hub) -> awake -> protocol ->
 * transport. Found once and kept: connections per target until something suggests they no longer hold, detections per
 * Space and revision. Callers that want the same thing at the same time share the look-ups; each may leave alone.
 *
 * A failure that may come from the Space not running (network, proxy pages) makes the Hub be asked for its stage; the
 * failure then carries that stage. Calls through `proxyUrl` go to `{proxyUrl}/{tier}/…`, `{proxyUrl}/openai/v1/…` and
 * `{proxyUrl}/router/v1/…`.
 */
import { Http } from '../http.js';
import type { HubFiles } from '../prompt/hub-templates.js';
import { type PromptDeps, Prompts, type PromptTarget } from '../prompt/prompts.js';
import type { FailureFacts, StageVerdict } from '../core-types.js';
import { targetName, tierOf } from '../target-name.js';
import type {
  OpenAIProviderConfig,
  PromptsConfig,
  RouterProviderConfig,
  SpaceConfig,
  SpaceStatus,
  Tier,
  TokenSource,
} from '../types.js';
import { leaving } from '../unless-left.js';
import { CallFailure } from './call-failure.js';
import { countByLlamaCpp, countChatByLlamaCpp } from './count-tokens.js';
import { detect, type Detection, refuseSdk } from './detect.js';
import { gradio } from './gradio.js';
import { hideToken } from './hide-token.js';
import type { Sighting } from './hub.js';
import { llamaCpp } from './llama-cpp.js';
import { mock } from './mock.js';
import { openai } from './openai.js';
import { plain } from './plain.js';
import { SharedTask } from './shared-task.js';
import {
  httpSettings,
  type NetworkSettings,
  type Place,
  proxyHttp,
  type ProxySettings,
  SpaceHost,
} from './space-host.js';
import { tgi } from './tgi.js';
import type { Connection, ReplyReader, TransportContext } from './transport.js';
import { observation, stageFailure, type StageReader, statusOf, type Waiter, WakePlans } from './wake.js';

/** The fields of `ResolvedConfig` that connections need. */
export interface ConnectionsConfig extends NetworkSettings {
  spaces: Partial<Record<Tier, SpaceConfig>>;
  providers: { openai?: OpenAIProviderConfig; router?: RouterProviderConfig; mock?: Parameters<typeof mock>[0] };
  proxyUrl: string | undefined;
  proxyToken: TokenSource | undefined;
  random: () => number;
  prompts?: PromptsConfig;
}
export interface ConnectionsDeps {
  core: ReplyReader & StageReader;
  /** Makes prompts where a template or a context window is known; without it, conversations go as they are. */
  prompts?: PromptDeps;
  /** Hears of the stages that are looked up outside of any caller's wait. */
  onStatus?: (status: SpaceStatus) => void;
}
type Status = Omit<SpaceStatus, 'target' | 'tier'>;
export interface ConnectOptions {
  signal: AbortSignal;
  /** What to do while the Space does not run: wait for it, or fail with its stage at once. */
  wake: 'fallback' | 'wait';
  onStatus(status: Status): void;
  /** Hears of each step as it is passed. */
  onStep?: (name: 'address' | 'space' | 'protocol', message: string) => void;
}

const standardBase = { openai: 'https://api.openai.com/v1', router: 'https://router.huggingface.co/v1' };
const protocolNames: Record<string, string> = {
  gradio: 'Gradio',
  tgi: 'Text Generation Inference',
  openai: 'OpenAI-style chat completions',
  'llama.cpp': 'llama.cpp',
  plain: 'the plain contract',
};

export class Connections {
  readonly #config: ConnectionsConfig;
  readonly #deps: ConnectionsDeps;
  readonly #wakes: WakePlans;
  readonly #hosts = new Map<string, SpaceHost>();
  readonly #connections = new Map<string, Connection>();
  readonly #places = new Map<string, SharedTask<Place>>();
  readonly #detections = new Map<string, SharedTask<Detection>>();

  constructor(config: ConnectionsConfig, deps: ConnectionsDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#wakes = new WakePlans(deps.core, config.clock);
  }

  async connect(target: string, options: ConnectOptions): Promise<Connection> {
    if (options.signal.aborted) throw leaving(options.signal);
    const known = this.#connections.get(target);
    if (known !== undefined) return known;
    const connection =
      tierOf(target) === undefined ? this.#connectProvider(target) : await this.#connectSpace(target, options);
    this.#connections.set(target, connection);
    return connection;
  }

  /** What the Hub says of a Space now; one status call, none while a wake plan is looking anyway. */
  async status(target: string, signal: AbortSignal = new AbortController().signal): Promise<SpaceStatus> {
    const tier = tierOf(target);
    const tell = (status: Status): SpaceStatus => {
      const full = { ...status, target, tier };
      this.#deps.onStatus?.(full);
      return full;
    };
    if (tier === undefined)
      return tell({
        state: 'unknown',
        message: `${targetName(target)} has no state that could be looked up; it shows when it is called.`,
      });
    const space = this.#space(target);
    if (!space.isKnownToHub) {
      const connected = this.#connections.has(target);
      return tell({
        state: connected ? 'ready' : 'unknown',
        message: connected
          ? `${targetName(target)} has answered.`
          : `${targetName(target)} is not on the Hub: its state shows when it is called.`,
      });
    }
    const seen = this.#wakes.lastSeen(space.key) ?? (await space.look(signal));
    return tell(statusOf(this.#judge(target, seen)));
  }

  /** Starts a Space and resolves when it runs. For what the Hub does not know, a visit is all that can be done. */
  async wake(target: string, options: { signal?: AbortSignal; onStatus: (status: Status) => void }): Promise<void> {
    if (options.signal?.aborted === true) throw leaving(options.signal);
    if (tierOf(target) === undefined) return;
    const space = this.#space(target);
    const waiter: Waiter = {
      target,
      signal: options.signal ?? new AbortController().signal,
      onStatus: options.onStatus,
    };
    if (!space.isKnownToHub) {
      space.visit();
      return;
    }
    const place =
      this.#wakes.lastSeen(space.key) === undefined ? await this.#locate(target, space, waiter.signal) : undefined;
    await this.#wakes.wake(space, waiter, place?.sighting);
  }

  /** Forgets how a target is reached; the next call finds out anew. */
  drop(target: string): void {
    this.#connections.delete(target);
    for (const key of this.#detections.keys()) if (key.startsWith(`${target} `)) this.#detections.delete(key);
  }

  /** A call failed: what may no longer hold is forgotten. */
  failed(target: string, facts: FailureFacts): void {
    // Awake again it is the same Space; only where it is and whether it runs is looked up anew.
    if (facts.kind === 'stage' || facts.stage !== undefined) this.#connections.delete(target);
    else if (suggestsChange(facts)) this.drop(target);
  }

  // ------------------------------------------------------------------------------------------------ Spaces

  async #connectSpace(target: string, options: ConnectOptions): Promise<Connection> {
    const space = this.#space(target);
    const { signal, onStep } = options;
    options.onStatus({ state: 'connecting', message: `Connecting to ${targetName(target)}.` });
    for (let round = 1; ; round += 1) {
      const underWay = options.wake === 'fallback' ? this.#wakes.lastSeen(space.key) : undefined;
      if (underWay !== undefined) await this.#requireRunning(target, space, underWay, options);
      const place = await this.#locate(target, space, signal);
      if (round === 1)
        onStep?.(
          'address',
          `${targetName(target)} is at ${place.base === '' ? this.#config.spaces[tierOf(target)!]!.url : place.base}.`,
        );
      if (place.sighting !== undefined) await this.#requireRunning(target, space, place.sighting, options);
      onStep?.(
        'space',
        place.sighting === undefined
          ? `${targetName(target)} is called directly.`
          : `${targetName(target)} is running.`,
      );
      try {
        const found = await this.#detect(target, space, place, signal);
        onStep?.('protocol', `${targetName(target)} speaks ${protocolNames[found.protocol] ?? found.protocol}.`);
        return this.#guard(target, space, hideToken(this.#open(target, space, place.base, found), space.http));
      } catch (error) {
        if (round > 1 || !(error instanceof CallFailure) || error.facts.stage === undefined) throw error;
        await this.#requireRunning(target, space, sightingIn(error.facts), options);
      }
    }
  }

  /** Returns when the Space runs. Otherwise waits for it, or throws its stage. */
  async #requireRunning(target: string, space: SpaceHost, seen: Sighting, options: ConnectOptions): Promise<void> {
    const verdict = this.#judge(target, seen);
    if (!isDown(verdict)) return;
    options.onStatus(statusOf(verdict));
    if (verdict.fatal || options.wake === 'fallback') throw stageFailure(seen, verdict.message);
    await this.#wakes.wake(
      space,
      { target, signal: options.signal, onStatus: (status) => options.onStatus(status) },
      seen,
    );
  }

  #space(target: string): SpaceHost {
    const known = this.#hosts.get(target);
    if (known !== undefined) return known;
    const tier = tierOf(target);
    const config = tier && this.#config.spaces[tier];
    if (tier === undefined || config === undefined) throw new Error(`No Space is configured for ${target}.`);
    const space = new SpaceHost(tier, config, this.#config, this.#proxy());
    this.#hosts.set(target, space);
    return space;
  }

  #locate(target: string, space: SpaceHost, signal: AbortSignal): Promise<Place> {
    return shared(this.#places, target, 'until-done', (own) => space.locate(own)).join(signal);
  }

  async #detect(target: string, space: SpaceHost, place: Place, signal: AbortSignal): Promise<Detection> {
    const { protocol = 'auto', endpoint, revision } = this.#config.spaces[tierOf(target)!]!;
    const key = `${target} ${place.base} ${place.sha ?? ''} ${revision ?? ''}`;
    const task = shared(this.#detections, key, 'unless-failed', (own) => {
      const explain = async (_failure: CallFailure, wait: AbortSignal): Promise<void> => {
        const failure = (await this.#downStage(target, space, wait)) ?? refuseSdk(space.sdk);
        if (failure !== undefined) throw failure;
      };
      return detect({ base: place.base, http: space.http, endpoint, sdk: space.sdk, explain }, protocol, own);
    });
    return task.join(signal);
  }

  #open(target: string, space: SpaceHost, base: string, found: Detection): Connection {
    const { endpoint: _endpoint, ...config } = this.#config.spaces[tierOf(target)!]!;
    const context: TransportContext = {
      target,
      tier: tierOf(target),
      base,
      http: space.http,
      reader: this.#deps.core,
      clock: this.#config.clock,
      random: this.#config.random,
      model: config.model ?? (found.protocol === 'openai' ? found.model : undefined),
      prompts: this.#prompts(target, config, space.files),
      config: {
        endpoint: found.endpoint,
        inputs: config.inputs,
      },
    };
    switch (found.protocol) {
      case 'gradio':
        return gradio(context, found.gradio!);
      case 'tgi':
        return tgi(context);
      case 'llama.cpp':
        return llamaCpp(context);
      case 'plain':
        return plain(context);
      default:
        return openai(
          context,
          found.server === 'llama.cpp'
            ? {
                whenMissing: () => llamaCpp({ ...context, config: {} }),
                counts: {
                  countTokens: (text, signal) => countByLlamaCpp(context, text, signal),
                  countMessages: (messages, signal) => countChatByLlamaCpp(context, messages, signal),
                },
              }
            : {},
        );
    }
  }

  /** The connection, with failures explained by the Space's stage. */
  #guard(target: string, space: SpaceHost, inner: Connection): Connection {
    return {
      protocol: inner.protocol,
      base: inner.base,
      call: async (request, handlers) => {
        try {
          return await inner.call(request, handlers);
        } catch (error) {
          if (!(error instanceof CallFailure)) throw error;
          const failure =
            (mayComeFromStage(error.facts) ? await this.#downStage(target, space, handlers.signal) : undefined) ??
            error;
          this.failed(target, failure.facts);
          throw failure;
        }
      },
    };
  }

  /** The failure that says why a Space does not answer; undefined when it runs, or when nobody can tell. */
  async #downStage(target: string, space: SpaceHost, signal: AbortSignal): Promise<CallFailure | undefined> {
    if (!space.isKnownToHub) return undefined;
    let seen: Sighting;
    try {
      seen = await space.look(signal);
    } catch (error) {
      if (signal.aborted) throw error;
      return undefined;
    }
    const verdict = this.#judge(target, seen);
    return isDown(verdict) ? stageFailure(seen, verdict.message) : undefined;
  }

  #judge(target: string, seen: Sighting): StageVerdict {
    const now = this.#config.clock.now();
    return this.#deps.core.stage(observation(target, seen, 1, now, now));
  }

  // --------------------------------------------------------------------------------------------- providers

  #connectProvider(target: string): Connection {
    const { providers, clock, random } = this.#config;
    if (target === 'mock') return mock(providers.mock ?? {}, clock);
    const provider: (OpenAIProviderConfig & { billTo?: string }) | undefined =
      target === 'router' ? providers.router : target === 'openai' ? providers.openai : undefined;
    if (provider === undefined) throw new Error(`No provider is configured for ${target}.`);
    const proxy = this.#proxy();
    const base =
      proxy === undefined
        ? (provider.baseUrl ?? standardBase[target as 'openai' | 'router']).replace(/\/+$/, '')
        : `${proxy.url}/${target}/v1`;
    const http =
      proxy === undefined ? providerHttp(base, provider.token, this.#config) : proxyHttp(proxy, this.#config);
    const context: TransportContext = {
      target,
      tier: undefined,
      base,
      http,
      reader: this.#deps.core,
      clock,
      random,
      model: provider.model,
      prompts: this.#prompts(target, provider),
      config: { billTo: provider.billTo },
    };
    return hideToken(openai(context, { protocol: target as 'openai' | 'router' }), http);
  }

  #prompts(target: string, config: Omit<PromptTarget, 'target' | 'settings'>, files?: HubFiles): Prompts {
    const { template, templateVariables, model, contextWindow } = config;
    return new Prompts(
      { target, template, templateVariables, model, contextWindow, settings: this.#config.prompts ?? {} },
      this.#deps.prompts && { ...this.#deps.prompts, files },
    );
  }

  #proxy(): ProxySettings | undefined {
    const { proxyUrl, proxyToken } = this.#config;
    return proxyUrl === undefined ? undefined : { url: proxyUrl.replace(/\/+$/, ''), token: proxyToken };
  }
}

function providerHttp(base: string, token: TokenSource | undefined, settings: NetworkSettings): Http {
  const { origin } = new URL(base);
  return new Http({ ...httpSettings(settings), token, mayReceiveToken: (to) => to === origin, credentials: 'omit' });
}

/** The task under this key, or a new one, kept until it is done or for as long as it has not failed. */
function shared<T>(
  tasks: Map<string, SharedTask<T>>,
  key: string,
  keep: 'until-done' | 'unless-failed',
  work: (signal: AbortSignal) => Promise<T>,
): SharedTask<T> {
  const known = tasks.get(key);
  if (known?.joinable === true) return known;
  const forget = (): void => {
    if (tasks.get(key) === task) tasks.delete(key);
  };
  const task: SharedTask<T> = new SharedTask(async (signal) => {
    try {
      const value = await work(signal);
      if (keep === 'until-done') forget();
      return value;
    } catch (error) {
      forget();
      throw error;
    }
  });
  tasks.set(key, task);
  return task;
}

function sightingIn(facts: FailureFacts): Sighting {
  return { stage: facts.stage ?? 'UNKNOWN', errorMessage: facts.message };
}

/** Not running, as far as is known. */
function isDown({ state }: StageVerdict): boolean {
  return state !== 'running' && state !== 'unknown';
}

/** What *.hf.space answers while a Space does not run is not known: the network's silence, or a page. */
function mayComeFromStage({ kind, status = 0, headers, body = '' }: FailureFacts): boolean {
  if (kind === 'network') return true;
  const isPage = /html/i.test(headers?.['content-type'] ?? '') || /^\s*<(?:!doctype|html)/i.test(body);
  return (kind === 'http' && (status >= 500 || isPage)) || (kind === 'protocol' && isPage);
}

/** The server no longer is what was detected. (A function unknown to Gradio is a 500 without CORS: the network's silence.) */
function suggestsChange({ kind, status = 0, body = '' }: FailureFacts): boolean {
  if (kind === 'network' || kind === 'protocol' || kind === 'redirect') return true;
  if (kind !== 'http') return false;
  // Gradio 4 takes the plain contract's path for its own.
  return [404, 405, 410, 501].includes(status) || (status === 422 && /"loc":\s*\["body",\s*"data"\]/.test(body));
}
