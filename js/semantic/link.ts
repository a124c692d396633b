/**
 * The client's side of its embedder's semantic cache: begun with the core, told of what is stored while it loads, left
 * aside when it fails and begun again later. It never fails a request.
 */
import { Refusals } from './refusals.js';
import { within } from './within.js';
import type { Ask, LinkDeps, Look, SemanticCache, SemanticLink, Semantics, StoredQuestion } from './semantics.js';

type Pair = [partition: string, asked: string, stored: string];

/** ms a request waits while it loads, where something is stored that might answer. */
const patience = 250;
/** ms after a failure before it is tried again. */
const restMs = 30_000;

export class Link implements SemanticLink {
  readonly id: string;
  readonly #semantics: Semantics;
  readonly #deps: LinkDeps;
  readonly #refusals: Refusals;
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
    this.#refusals = new Refusals(deps.store);
    this.#begin();
  }

  #begin(): void {
    if (this.#loading !== undefined || this.#closed || this.#deps.now() < this.#restUntil) return;
    this.#late = false;
    const told = { ...this.#deps, refusals: this.#refusals };
    this.#loading = this.#semantics.open(told).then(
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
    this.#begin();
    if (this.#cache === undefined && this.#told.size > 0 && this.#loading !== undefined && !this.#late) {
      if (!(await within(patience, this.#loading))) this.#late = true;
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
