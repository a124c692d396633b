/**
 * The client's side of its embedder's semantic cache: begun with the core, told of what is stored while it loads, left
 * aside when it fails and begun again later. It never fails a request.
 */
import type { Ask, LinkDeps, Look, SemanticCache, SemanticLink, Semantics, StoredQuestion } from './semantics.js';

type Told = [entry: string, question: StoredQuestion | undefined];

/** ms a request waits while it loads, where something is stored that might answer. */
const patience = 250;
/** ms after a failure before it is tried again. */
const restMs = 30_000;

export class Link implements SemanticLink {
  readonly id: string;
  readonly #semantics: Semantics;
  readonly #deps: LinkDeps;
  #cache: SemanticCache | undefined;
  #loading: Promise<void> | undefined;
  /** Since it began to load. */
  #told: Told[] = [];
  #restUntil = 0;
  #failed = false;
  #closed = false;

  constructor(semantics: Semantics, deps: LinkDeps) {
    this.id = semantics.id;
    this.#semantics = semantics;
    this.#deps = deps;
    this.#begin();
  }

  #begin(): void {
    if (this.#loading !== undefined || this.#closed || this.#deps.now() < this.#restUntil) return;
    this.#loading = this.#semantics.open(this.#deps).then(
      (cache) => {
        if (this.#closed) {
          cache.close();
          return;
        }
        this.#failed = false;
        this.#cache = cache;
        this.#pass(this.#told.splice(0));
      },
      (error: unknown) => this.#stepAside(error),
    );
    if (this.#failed) this.#deps.replay();
  }

  admit(entry: string, question: StoredQuestion | undefined): void {
    if (question !== undefined) this.#tell([entry, question]);
  }
  drop(entry: string): void {
    this.#tell([entry, undefined]);
  }

  /** Undefined: it cannot say. Errors: the signal's reason. */
  async look(ask: Ask): Promise<Look | undefined> {
    this.#begin();
    if (this.#cache === undefined && this.#told.length > 0 && this.#loading !== undefined) {
      await Promise.race([this.#loading, new Promise((resolve) => setTimeout(resolve, patience))]);
    }
    try {
      return await this.#cache?.look(ask);
    } catch (error) {
      if (ask.signal.aborted) throw error;
      this.#stepAside(error);
      return undefined;
    }
  }

  refuse(partition: string, asked: string, stored: string): void {
    this.#cache?.refuse(partition, asked, stored);
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
    this.#told = [];
  }

  #tell(told: Told): void {
    if (this.#cache === undefined) {
      // What it does not hear while it is aside, it is told when it begins again.
      if (this.#loading !== undefined) this.#told.push(told);
    } else {
      this.#pass([told]);
    }
  }

  #pass(told: readonly Told[]): void {
    try {
      for (const [entry, question] of told) {
        if (question === undefined) this.#cache?.drop(entry);
        else this.#cache?.admit(entry, question);
      }
    } catch (error) {
      this.#stepAside(error);
    }
  }

  #stepAside(error: unknown): void {
    this.#cache = this.#loading = undefined;
    this.#restUntil = this.#deps.now() + restMs;
    this.#told = [];
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
