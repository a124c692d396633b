/**
 * The client's side of its embedder's semantic cache: begun with the core, told of what is stored while it loads, left
 * aside when it fails and begun again later. It never fails a request.
 */
import type { Core } from '../core.js';
import type { ModelRequest } from '../transports/transport.js';
import type { JsonObject, SemanticConfig, SemanticOptions, SemanticPolicy, Tier, Warning } from '../types.js';
import { requestKey } from '../cache-key.js';
import type { Ask, Look, SemanticCache, SemanticDeps, Semantics, StoredQuestion } from './semantics.js';

type Pair = [partition: string, asked: string, stored: string];

interface LinkDeps extends Omit<SemanticDeps, 'warn'> {
  /** Once: what goes wrong after it heals is told again. */
  warn(warning: Warning): void;
  /** Tells of all that is stored. */
  replay(): void;
  now(): number;
}

/** ms a request waits while it loads, where something is stored that might answer. */
const patience = 250;
/** ms after a failure before it is tried again. */
const restMs = 30_000;

export class SemanticLink {
  readonly id: string;
  readonly #semantics: Semantics;
  readonly #deps: LinkDeps;
  #cache: SemanticCache | undefined;
  #loading: Promise<void> | undefined;
  /** Of entries, since it began to load. */
  readonly #told = new Map<string, StoredQuestion>();
  /** A request waited for it in vain. */
  #late = false;
  /** While it was aside. */
  #refused: Pair[] = [];
  #restUntil = 0;
  #failed = false;
  #closed = false;

  constructor(semantics: Semantics, deps: LinkDeps) {
    this.id = semantics.id;
    this.#semantics = semantics;
    this.#deps = deps;
  }

  begin(): void {
    if (this.#loading !== undefined || this.#closed || this.#deps.now() < this.#restUntil) return;
    this.#late = false;
    this.#loading = this.#semantics.open(this.#deps).then(
      (cache) => {
        if (this.#closed) {
          cache.close();
          return;
        }
        this.#failed = false;
        this.#cache = cache;
        this.#pass(() => {
          for (const [entry, question] of this.#told) cache.admit(entry, question);
        });
        this.#told.clear();
        for (const pair of this.#refused.splice(0)) void this.refuse(...pair);
      },
      (error: unknown) => this.#stepAside(error),
    );
    if (this.#failed) this.#deps.replay();
  }

  admit(entry: string, question: StoredQuestion | undefined): void {
    if (question === undefined) return;
    if (this.#cache !== undefined) this.#pass((cache) => cache.admit(entry, question));
    // What it does not hear while it is aside, it is told when it begins again.
    else if (this.#loading !== undefined) this.#told.set(entry, question);
  }
  drop(entry: string): void {
    this.#told.delete(entry);
    this.#pass((cache) => cache.drop(entry));
  }

  /** Undefined: it cannot say. Errors: the signal's reason. */
  async look(ask: Ask): Promise<Look | undefined> {
    this.begin();
    if (this.#cache === undefined && this.#told.size > 0 && this.#loading !== undefined && !this.#late) {
      let late: ReturnType<typeof setTimeout> | undefined;
      const enough = new Promise<void>((resolve) => {
        late = setTimeout(() => {
          this.#late = true;
          resolve();
        }, patience);
      });
      await Promise.race([this.#loading, enough]);
      clearTimeout(late);
    }
    const cache = this.#cache;
    try {
      return await cache?.look(ask);
    } catch (error) {
      if (ask.signal.aborted) throw error;
      // Another may have taken its place.
      if (cache === this.#cache) this.#stepAside(error);
      return undefined;
    }
  }

  /** Resolves when it is kept, or will be when it begins again. */
  async refuse(...pair: Pair): Promise<void> {
    const cache = this.#cache;
    try {
      if (cache === undefined) this.#refused.push(pair);
      else await cache.refuse(...pair);
    } catch (error) {
      this.#refused.push(pair);
      if (cache === this.#cache) this.#stepAside(error);
    }
  }

  explain(look: Look): void {
    try {
      this.#cache?.explain(look);
    } catch (error) {
      this.#stepAside(error);
    }
  }

  close(): void {
    this.#closed = true;
    this.#cache?.close();
    this.#cache = this.#loading = undefined;
    this.#told.clear();
  }

  #pass(what: (cache: SemanticCache) => void): void {
    try {
      if (this.#cache !== undefined) what(this.#cache);
    } catch (error) {
      this.#stepAside(error);
    }
  }

  #stepAside(error: unknown): void {
    this.#cache?.close();
    this.#cache = this.#loading = undefined;
    this.#restUntil = this.#deps.now() + restMs;
    this.#told.clear();
    if (this.#failed || this.#closed) return;
    this.#failed = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#deps.warn({
      code: 'semantic-cache-failed',
      message: `Questions in other words are not answered from the cache for now: ${reason}`,
      cause: error,
    });
  }
}

/** Undefined: off. */
export function semanticOptions(
  config: SemanticConfig,
  tier: Tier,
  own: SemanticPolicy | SemanticOptions | undefined,
): { policy: SemanticPolicy; least: number | undefined } | undefined {
  let policy: SemanticPolicy = 'strict';
  let least: number | undefined;
  for (const given of [config, config.tiers?.[tier], own]) {
    const options = typeof given === 'string' ? { policy: given } : given;
    // A policy brings its own threshold.
    if (options?.policy !== undefined) [policy, least] = [options.policy, undefined];
    least = options?.least ?? least;
  }
  return policy === 'off' ? undefined : { policy, least };
}

/** Whether it is on for any request. A single one may always ask for it. */
export function mayAnswer(config: SemanticConfig): boolean {
  return config.policy !== 'off' || Object.keys(config.tiers ?? {}).length > 0;
}

/** The canonical text of all of a request but its question: see cache-key.ts. */
export function scopeKey(
  request: ModelRequest,
  facts: JsonObject | undefined,
  irrelevant: readonly string[] | undefined,
  core: Core,
): string {
  let messages = request.messages.slice(0, -1);
  let differs = '';
  const { contextBlock } = request;
  if (irrelevant !== undefined && irrelevant.length > 0 && facts !== undefined && contextBlock !== undefined) {
    // Replies of a time when other fields might differ are not for now.
    differs = JSON.stringify([...irrelevant].sort());
    const kept = Object.entries(facts).filter(([name]) => !irrelevant.includes(name));
    const [first] = messages;
    // It ends the first message.
    const content = first!.content.slice(0, -contextBlock.length);
    messages = [
      { role: 'system', content: content + core.contextBlock(Object.fromEntries(kept)) },
      ...messages.slice(1),
    ];
  }
  return `scope ${differs}\n${requestKey({ ...request, messages })}`;
}

/** Of the conversation's user. */
export function turnsOf(request: ModelRequest): number {
  return request.messages.filter(({ role }) => role === 'user').length;
}
