/**
 * One configured Space: where it is, how it is called, what the Hub says of it, and where its token may go.
 *
 * The token goes to the origin of the address when that is a host (`https://…hf.space`, a custom domain, loopback),
 * and, for an address of the Hub (`owner/name`), to the Hub itself (Hugging Face tokens only: a Space's own key is
 * none of its business) and to the host the Hub names. Through a proxy it goes nowhere: the proxy's own token goes to
 * the proxy. Nothing a Space sends changes this.
 */
import { Http } from '../http.js';
import type { Clock, SpaceConfig, TokenSource } from '../types.js';
import { CallFailure } from './call-failure.js';
import type { HubFiles } from '../prompt/hub-templates.js';
import { hubFiles } from './hub-files.js';
import { Hub, type Sighting, type SpaceFacts } from './hub.js';
import { parseSpaceAddress, type SpaceAddress } from './space-address.js';
import type { Sleeper } from './wake.js';

export interface NetworkSettings {
  fetch: typeof fetch;
  clock: Clock;
  hubUrl: string;
  maxReplyBytes: number;
  timeouts: { firstChunk: number; stall: number };
}
/** The caller's own gateway: `{url}/{name}/{path}`. */
export interface ProxySettings {
  url: string;
  token: TokenSource | undefined;
}
export interface Place {
  base: string;
  /** Commit the Space runs, when the Hub was asked. */
  sha: string | undefined;
  /** What the Hub says of its runtime, when it was asked. */
  sighting: Sighting | undefined;
}

export class SpaceHost implements Sleeper {
  readonly key: string;
  readonly http: Http;
  readonly #config: SpaceConfig;
  readonly #address: SpaceAddress;
  readonly #proxyBase: string | undefined;
  readonly #hub: Hub;
  /** Of model repositories, with this Space's token where the Hub may see it. */
  readonly files: HubFiles;
  readonly #origins = new Set<string>();
  #id: string | undefined;
  #sdk: string | undefined;
  #base: string | undefined;

  constructor(name: string, config: SpaceConfig, settings: NetworkSettings, proxy: ProxySettings | undefined) {
    this.#config = config;
    this.#address = parseSpaceAddress(config.url, settings.hubUrl);
    this.#proxyBase = proxy === undefined ? undefined : `${proxy.url}/${name}`;
    const hubOrigin = new URL(settings.hubUrl).origin;
    if (this.#address.kind === 'hub') this.#id = this.#address.id;
    else {
      this.#base = this.#address.base;
      this.#origins.add(this.#address.origin);
    }
    this.http = proxy === undefined ? this.#directHttp(settings) : proxyHttp(proxy, settings);
    const hubToken = proxy === undefined && this.#address.kind === 'hub' ? hubTokenOf(config.token) : undefined;
    const hubHttp = new Http({
      ...httpSettings(settings),
      token: hubToken,
      mayReceiveToken: (origin) => origin === hubOrigin,
      credentials: 'omit',
    });
    this.#hub = new Hub(settings.hubUrl, hubHttp);
    this.files = hubFiles(settings.hubUrl, hubHttp);
    this.key = this.#proxyBase ?? (this.#address.kind === 'hub' ? this.#address.id.toLowerCase() : this.#address.base);
  }

  /** The Hub can be asked for its stage. */
  get isKnownToHub(): boolean {
    return this.#address.kind === 'hub' || this.#address.subdomain !== undefined;
  }

  /** `gradio`, `docker`…, once the Hub was asked. */
  get sdk(): string | undefined {
    return this.#sdk;
  }

  async locate(signal: AbortSignal): Promise<Place> {
    if (this.#proxyBase !== undefined) return { base: this.#proxyBase, sha: undefined, sighting: undefined };
    if (this.#address.kind === 'direct') return { base: this.#address.base, sha: undefined, sighting: undefined };
    const { id } = this.#address;
    const facts = await this.#hub.space(id, signal);
    if (facts === undefined) return { base: '', sha: undefined, sighting: { stage: 'MISSING' } };
    this.#sdk = facts.sdk;
    const host = facts.host ?? (await this.#hub.host(id, signal));
    if (host === undefined)
      throw new CallFailure({ kind: 'protocol', message: `The Hub names no https host for the Space ${id}.` });
    this.#base = host;
    this.#origins.clear();
    this.#origins.add(host);
    return { base: host, sha: facts.sha, sighting: facts.sighting };
  }

  /** Its stage now. For a Space of which the Hub tells us nothing: stage `UNKNOWN`. */
  async look(signal: AbortSignal): Promise<Sighting> {
    const sighting =
      this.#id === undefined ? await this.#lookBySubdomain(signal) : await this.#hub.runtime(this.#id, signal);
    // Behind a proxy, or with a token the Hub was not shown, a Space may be private: not seeing it says nothing.
    const mayBePrivate =
      this.#proxyBase !== undefined || (this.#address.kind === 'direct' && this.#config.token !== undefined);
    return sighting.stage === 'MISSING' && mayBePrivate ? { ...sighting, stage: 'UNKNOWN' } : sighting;
  }

  async #lookBySubdomain(signal: AbortSignal): Promise<Sighting> {
    if (this.#address.kind === 'hub' || this.#address.subdomain === undefined) return { stage: 'UNKNOWN' };
    const facts: SpaceFacts | undefined = await this.#hub.bySubdomain(this.#address.subdomain, signal);
    if (facts === undefined) return { stage: 'MISSING' };
    if (facts.id !== '') this.#id = facts.id;
    this.#sdk = facts.sdk;
    return facts.sighting;
  }

  visit(): void {
    const base = this.#proxyBase ?? this.#base;
    if (base === undefined) return;
    if (!this.http.holdsTokenFor(base)) {
      this.http.visit(`${base}/`);
      return;
    }
    // A private Space only opens to its token.
    const { signal } = new AbortController();
    this.http.text(`${base}/`, { signal, timeouts: { firstChunk: 10_000, stall: 10_000 } }).catch(() => undefined);
  }

  #directHttp(settings: NetworkSettings): Http {
    return new Http({
      ...httpSettings(settings),
      token: this.#config.token,
      mayReceiveToken: (origin) => this.#origins.has(origin),
      credentials: 'omit',
    });
  }
}

/** For calls that go to the caller's own gateway, which knows its user by token or by a cookie of its own origin. */
export function proxyHttp(proxy: ProxySettings, settings: NetworkSettings): Http {
  const { origin } = new URL(proxy.url);
  return new Http({
    ...httpSettings(settings),
    token: proxy.token,
    mayReceiveToken: (to) => to === origin,
    credentials: 'same-origin',
  });
}

export function httpSettings({ fetch, clock, maxReplyBytes, timeouts }: NetworkSettings): {
  fetch: typeof globalThis.fetch;
  clock: Clock;
  maxReplyBytes: number;
  timeouts: { firstChunk: number; stall: number };
} {
  return { fetch, clock, maxReplyBytes, timeouts };
}

function hubTokenOf(token: TokenSource | undefined): TokenSource | undefined {
  if (token === undefined) return undefined;
  const ofHub = (text: string | undefined): string | undefined =>
    text !== undefined && /^(?:Bearer\s+)?hf_/i.test(text.trim()) ? text : undefined;
  return typeof token === 'function' ? async () => ofHub(await token()) : ofHub(token);
}
