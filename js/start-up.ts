/**
 * What a client runs on: the core, loaded when it is first needed and told each new configuration; the cache over it;
 * the store, opened when it is first needed. A load that failed is forgotten, so that the next request tries again.
 */
import { coreConfig, resolveConfig, type ResolvedConfig } from './config.js';
import type { Core } from './core.js';
import { TierwiseError } from './errors.js';
import { openCore } from './load-core.js';
import { ResponseCache } from './response-cache.js';
import { mayAnswer } from './semantic/scope.js';
import type { SemanticLink } from './semantic/semantics.js';
import { memoryStore } from './store/memory.js';
import { openStore } from './store/open.js';
import type { Store } from './store/store.js';
import { Connections } from './transports/connect.js';
import { Turnstile } from './turnstile.js';
import { type ClientConfig, type ClientEvents, type Json, type SpaceStatus, tiers, type Warning } from './types.js';

/** What exists once the core is loaded. `configure` replaces `config` and `connections` together. */
export interface Running {
  config: ResolvedConfig;
  core: Core;
  cache: ResponseCache;
  connections: Connections;
  turnstile: Turnstile;
  /** Where the embedder can carry a semantic cache. */
  semantic: SemanticLink | undefined;
}
export interface Listeners {
  onStatus(status: SpaceStatus): void;
  onWarning(warning: Warning): void;
  /** Undefined: nobody wants to know. */
  onCache(): ((totals: ClientEvents['cache']) => void) | undefined;
}

export class StartUp {
  config: ResolvedConfig;
  running: Running | undefined;
  /** Ends every request and what goes on behind them. */
  readonly closing = new AbortController();
  readonly #listeners: Listeners;
  #given: ClientConfig;
  #loading: Promise<Running> | undefined;
  #store: Promise<Store> | undefined;
  #semantic: SemanticLink | undefined;

  constructor(given: ClientConfig, listeners: Listeners) {
    this.config = resolveConfig(given);
    this.#given = given;
    this.#listeners = listeners;
  }

  /** Lets the core come while something else is done; what may go wrong with it, `run` tells. */
  begin(): void {
    if (this.running === undefined && !this.closing.signal.aborted) this.run().catch(() => undefined);
  }

  requireOpen(): void {
    if (this.closing.signal.aborted) throw new TierwiseError('closed', 'This client was closed; create a new one.');
  }

  run(): Promise<Running> {
    try {
      this.requireOpen();
    } catch (error) {
      return Promise.reject(error);
    }
    this.#loading ??= this.#load().then(
      (running) => {
        // Closed meanwhile: nobody will use it.
        if (this.closing.signal.aborted) running.core.close();
        else this.running = running;
        return running;
      },
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.running === undefined ? this.#loading : Promise.resolve(this.running);
  }

  /** A store that cannot be opened is a warning; memory takes its place. */
  openStore(): Promise<Store> {
    this.#store ??= openStore(this.config.storage).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#listeners.onWarning({
        code: 'storage-failed',
        message: `This browser's storage cannot be used (${reason}). Replies and settings are kept until the page closes.`,
        cause: error,
      });
      return memoryStore();
    });
    return this.#store;
  }

  /** The cache takes the store into use. */
  async persist(running: Running): Promise<void> {
    if (this.config.cache !== undefined) running.cache.open(await this.openStore());
  }

  /** Resolves to the targets that are somebody else now, or gone. */
  async configure(change: Partial<ClientConfig>): Promise<string[]> {
    const before = this.#given;
    const given = { ...before, ...change };
    const config = resolveConfig(given);
    // Told at once: a second change that comes before this one is through builds on it.
    this.#given = given;
    // A core that is being loaded is told afterwards; one that cannot be loaded will read the new configuration.
    await this.#loading?.catch(() => undefined);
    const loaded = this.running;
    const moved = movedTargets(this.config, config);
    if (loaded !== undefined) {
      const told = coreConfig(config);
      try {
        // What was learned of a target holds for its address only: a moved one is taken out before it is put back.
        const kept = told.targets.filter(({ id }) => !moved.includes(id));
        const first = moved.length > 0 ? loaded.core.configure({ ...told, targets: kept }).evicted : [];
        loaded.cache.discarded([...first, ...loaded.core.configure(told).evicted]);
      } catch (error) {
        if (this.#given === given) this.#given = before;
        throw error;
      }
      // Requests under way finish on the connections they began with.
      const connections =
        change.spaces === undefined && change.providers === undefined
          ? loaded.connections
          : this.#connections(loaded.core, config);
      this.running = { ...loaded, config, connections };
    }
    this.config = config;
    return moved;
  }

  close(): void {
    this.closing.abort();
    this.#semantic?.close();
    const { running } = this;
    this.running = undefined;
    if (running !== undefined) {
      running.turnstile.close();
      void running.cache
        .flush()
        .finally(() => running.core.close())
        .finally(() => running.cache.close())
        .catch(() => undefined);
    }
    void this.#store?.then((store) => store.close()).catch(() => undefined);
  }

  async #load(): Promise<Running> {
    const { clock } = this.config;
    const opening = openCore(this.config);
    // What needs no core is done while it is on its way. `configure` waits until all of this is over.
    const { config } = this;
    const told = coreConfig(config);
    // One for all attempts: it is told by whichever cache there is.
    const semantic = (this.#semantic ??= this.#semanticLink(config));
    const core = await opening;
    try {
      core.configure(told);
    } catch (error) {
      core.close();
      throw error;
    }
    const cache = new ResponseCache(
      core,
      () => clock.now(),
      (warning) => this.#listeners.onWarning(warning),
      () => this.#listeners.onCache()?.(cache.totals()),
      config.cache?.persist,
    );
    if (semantic !== undefined) cache.listen(semantic);
    const connections = this.#connections(core, config);
    return { config, core, cache, connections, turnstile: new Turnstile(core, clock), semantic };
  }

  #semanticLink({ cache, clock, embedder }: ResolvedConfig): SemanticLink | undefined {
    const { semantics } = embedder ?? {};
    if (semantics === undefined || cache === undefined || !mayAnswer(cache.semantic)) return undefined;
    return semantics.link({
      learned: (entry, question) => void this.running?.cache.edit(entry, { question }),
      store: () => this.#store,
      warn: (warning) => this.#listeners.onWarning(warning),
      replay: () => this.running?.cache.replay(),
      now: () => clock.now(),
    });
  }

  #connections(core: Core, config: ResolvedConfig): Connections {
    return new Connections(config, {
      core,
      onStatus: (status) => this.#listeners.onStatus(status),
      prompts: {
        core,
        now: () => config.clock.now(),
        memory: {
          get: async (key) => (this.#store === undefined ? undefined : (await this.#store).getSetting(key)),
          set: async (key, value) =>
            this.#store === undefined ? undefined : (await this.#store).setSetting(key, value as Json),
        },
        onTemplateChanged: (target) => void this.running?.cache.forget({ target }).catch(() => undefined),
      },
    });
  }
}

function movedTargets(before: ResolvedConfig, after: ResolvedConfig): string[] {
  const spaces = tiers.filter((tier) =>
    differ(before.spaces[tier], after.spaces[tier], 'url', 'token', 'endpoint', 'protocol', 'revision'),
  );
  const providers = (['openai', 'router'] as const).filter((name) =>
    differ(before.providers[name], after.providers[name], 'baseUrl', 'token', 'model'),
  );
  return [...spaces.map((tier) => `space:${tier}`), ...providers];
}

function differ<T extends object>(was: T | undefined, is: T | undefined, ...fields: (keyof T)[]): boolean {
  return was !== undefined && fields.some((field) => was[field] !== is?.[field]);
}
