/**
 * What a client and the semantic cache of its embedder (semantic-cache.ts, loaded with the first request) have to do with
 * each other. Types only.
 */
import type { Store } from '../store/store.js';
import type { SemanticCandidate, SemanticPolicy, Warning } from '../types.js';

/** What of a cached reply's question is kept with it. */
export interface StoredQuestion {
  /** Whose vectors: `id` of the Semantics. */
  by: string;
  /** Digest of all that must be the same: partition, target, model, parameters, other messages, context. */
  scope: string;
  text: string;
  /** The user's, the question included. */
  turns: number;
  /** Of the transformer (wasm/cache/questions.h); absent until they were made. */
  vectors?: Uint8Array;
}
/** Part of an Embedder that can carry a semantic cache. */
export interface Semantics {
  readonly id: string;
  /** Errors: LoadError. */
  open(deps: SemanticDeps): Promise<SemanticCache>;
  /** What a client has of it, begun. Its code comes with the embedder. */
  link(deps: LinkDeps): SemanticLink;
}
export interface SemanticDeps {
  /** Vectors were made for the question of this entry. */
  learned(entry: string, question: StoredQuestion): void;
  /** Pairs people refused. */
  refusals: { all(): Promise<ReadonlySet<string>>; add(pair: string): Promise<void> };
  warn(warning: Warning): void;
}
export interface LinkDeps extends Omit<SemanticDeps, 'warn' | 'refusals'> {
  /** Undefined until it is in use. */
  store: () => Promise<Store> | undefined;
  /** Once: what goes wrong after it heals is told again. */
  warn(warning: Warning): void;
  /** Tells of all that is stored. */
  replay(): void;
  now(): number;
}
/** Of one client: it loads the cache, steps aside when that fails, and never fails a request. */
export interface SemanticLink {
  readonly id: string;
  admit(entry: string, question: StoredQuestion | undefined): void;
  drop(entry: string): void;
  /** Undefined: it cannot say. Errors: the signal's reason. */
  look(ask: Ask): Promise<Look | undefined>;
  refuse(partition: string, asked: string, stored: string): Promise<void>;
  explain(look: Look): void;
  close(): void;
}
export interface Ask {
  question: StoredQuestion;
  /** The partition's id. */
  partition: string;
  policy: SemanticPolicy;
  least: number | undefined;
  signal: AbortSignal;
}
/** What was found: at most one of the candidates is the same. */
export interface Look {
  question: string;
  partition: string;
  policy: SemanticPolicy;
  candidates: SemanticCandidate[];
  /** A sentence; without words of the prompts. */
  because: string;
  /** The question is never compared. */
  leftOut: boolean;
}
export interface SemanticCache {
  /** Which of the questions told of asks the same. Errors: the signal's reason; TierwiseError after a bug of the module. */
  look(ask: Ask): Promise<Look>;
  admit(entry: string, question: StoredQuestion): void;
  drop(entry: string): void;
  /** This pair is never the same again. Resolves when that is kept. */
  refuse(partition: string, asked: string, stored: string): Promise<void>;
  /** Fills in how they were aligned. */
  explain(look: Look): void;
  close(): void;
}
