/**
 * Where cache records and settings live. Two implementations: `indexed-db.ts` (pages) and `memory.ts` (elsewhere,
 * and whenever IndexedDB is blocked or broken). One record per cache entry. Failures reject; the client degrades
 * with a warning and never fails a request over them.
 */
import type { ForgetRequest } from '../core-types.js';
import type { StoredQuestion } from '../semantic/semantics.js';
import type { FinishReason, Json, ReplyFile, Tier, Usage } from '../types.js';

export interface CacheRecord {
  /** 64 hex digits from the core: partition and request. */
  id: string;
  /** Hex identity of the partition. */
  partition: string;
  tier: Tier;
  target: string;
  tags: readonly string[];
  storedAt: number;
  /** Own life; absent: the configured one. */
  ttlMs?: number | undefined;
  lastUsedAt: number;
  hits: number;
  bytes: number;
  /** First characters of the last user message, for lists. */
  prompt: string;
  /** For the semantic cache. */
  question?: StoredQuestion | undefined;
  reply: StoredReply;
}
export interface StoredReply {
  id: string;
  content: string;
  model: string | undefined;
  usage: Usage;
  cost: number | undefined;
  finishReason: FinishReason;
  source: 'space' | 'openai' | 'router';
  files?: readonly ReplyFile[] | undefined;
}

/** What another tab did. */
export type RemoteChange =
  | { type: 'put'; record: Omit<CacheRecord, 'reply'> }
  | { type: 'removed'; ids: readonly string[] }
  | { type: 'forget'; selector: ForgetRequest; at: number }
  | { type: 'setting'; key: string };

export interface Store {
  /** False for memory. */
  readonly persistent: boolean;
  /** One record, or undefined when there is none or it is damaged (damaged ones are deleted). */
  get(id: string): Promise<CacheRecord | undefined>;
  /** Every sound record, in batches; damaged, foreign or newer-format ones are skipped and reported as a count. */
  load(visit: (records: readonly CacheRecord[]) => void): Promise<{ skipped: number }>;
  /**
   * Writes a record in one transaction. `startedAt`: when its request began; refused with 'forgotten' when a
   * `forget` that matches it came after that (in any tab), so nothing forgotten comes back.
   */
  put(record: CacheRecord, startedAt: number): Promise<'stored' | 'forgotten'>;
  /** Refreshes use counts of records that still exist; cheap, may be batched. */
  touch(id: string, lastUsedAt: number, hits: number): void;
  /** Eviction: deletes without a tombstone. */
  remove(ids: readonly string[]): Promise<void>;
  /** Deletes what the selector matches (records this tab never saw included), leaves a tombstone, tells other tabs. */
  forget(selector: ForgetRequest, at: number): Promise<{ ids: string[]; bytes: number }>;
  getSetting(key: string): Promise<Json | undefined>;
  setSetting(key: string, value: Json | undefined): Promise<void>;
  /** Hears other tabs, and what they did while this one slept (bfcache, frozen). Returns how to stop. */
  onRemote(listener: (change: RemoteChange) => void): () => void;
  /** Resolves when every write issued so far has completed. */
  flush(): Promise<void>;
  close(): void;
}
