/**
 * What crosses between the page and the C++ core: the shapes behind each method of `wasm/core.h`.
 * They cross as JSON, so a member that is undefined is one that is absent. Kept beside each other on purpose: a change here is a change there, and `tests/js/core.test.ts` compares them.
 */
import type { FinishReason, Flags, JsonObject, Protocol, Tier } from './types.js';

export type Provider = 'space' | 'router' | 'openai' | 'mock';

export interface CoreConfig {
  /** `models/tiers.json`, or the caller's rules in that format. */
  tiers: JsonObject;
  /** `models/prices.json`, the caller's prices merged over it. */
  prices: JsonObject;
  /** Absent: whatever is configured is on. */
  flags?: Flags | undefined;
  defaultTier: Tier;
  targets: TargetDescription[];
  cache: { maxEntries: number; maxBytes: number; ttlMs: number; staleMs: number };
}
export interface TargetDescription {
  /** `space:<tier>`, `router`, `openai`, `mock`. */
  id: string;
  provider: Provider;
  /** Spaces only. */
  tier?: Tier | undefined;
  model?: string | undefined;
  revision?: string | undefined;
  quota?: { concurrency?: number; perMinute?: number; queueLength?: number } | undefined;
}

/** `check`: step 1. */
export interface CheckRequest {
  messages: { role: string; content: string }[];
  parameters: JsonObject;
  maxBytes: number;
}
export interface CheckResult {
  /** Estimated. */
  inputTokens: number;
  bytes: number;
}

/** `plan`: step 2. */
export interface PlanRequest {
  tier?: Tier | undefined;
  context: JsonObject;
  permissions?: readonly Tier[] | undefined;
  mode: 'interactive' | 'background';
  prefer: 'quality' | 'speed' | 'cost';
  wake: 'fallback' | 'wait';
  inputTokens: number;
  outputTokens: number;
  now: number;
}
export interface Plan {
  /** What was asked for or chosen by the rules; the tier of provider targets. */
  tier: Tier;
  targets: PlannedTarget[];
  passedOver: PassedOver[];
}
export interface PlannedTarget {
  target: string;
  provider: Provider;
  tier: Tier;
  /** A sentence. */
  reason: string;
  /** The one call let through after a cooldown, to see whether the target is back. */
  probe?: boolean | undefined;
}
export interface PassedOver {
  target: string;
  provider: Provider;
  tier: Tier;
  code:
    | 'flag-off'
    | 'not-configured'
    | 'not-permitted'
    | 'not-selected'
    | 'cooling-down'
    | 'asleep'
    | 'unavailable'
    | 'quota';
  reason: string;
}

/** `lookUp`. `id` is the entry's identity everywhere (IndexedDB key): 64 hex digits over partition and request. */
export interface LookUpResult {
  id: string;
  hit: boolean;
  ageMs?: number | undefined;
  /** Past its life, within its stale-while-revalidate time. */
  stale?: boolean | undefined;
  /** Why a stored entry did not answer (`expired`, `too-old`). */
  refused?: string | undefined;
}
/** `storable`: may this reply be stored at all? */
export interface StorableRequest {
  complete: boolean;
  filtered: boolean;
  finishReason: FinishReason;
  provider: Provider;
  temperature: number;
  variety: boolean;
  noStore: boolean;
  /** Of the reply's text; 0 is an empty reply. */
  bytes: number;
}
export interface StorableResult {
  store: boolean;
  reason: string;
}
/** `store`: a new entry, or one read back from IndexedDB or heard of from another tab. */
export interface StoreRecord {
  /** From `lookUp`. */
  id: string;
  /** From `partition`: the hex identity, so that records of other tabs need no handle. */
  partition: string;
  tier: Tier;
  target: string;
  tags: readonly string[];
  bytes: number;
  storedAt: number;
  /** Own life; absent: the configured one. */
  ttlMs?: number | undefined;
  /** Absent: just now. */
  lastUsedAt?: number | undefined;
  hits?: number | undefined;
  now: number;
}
export interface StoreResult {
  stored: boolean;
  /**
   * `expired`, `future` (stored more than five minutes from now: a clock was set back), `too-large`, `older` (a newer
   * record of that id is there), `full` (everything that is there was used later).
   */
  refused?: string | undefined;
  expiresAt: number;
  /** Ids that had to go to keep the bounds, or were found expired; the page deletes their bodies. */
  evicted: string[];
}
/** `wasm/safety/mark_texts.h`. */
export interface MarkRequest {
  texts: readonly { field: string; text: string }[];
  policy: 'mark' | 'strip' | 'refuse';
}
export interface MarkAnswer {
  texts: string[];
  marks: { field: string; kind: 'phrase' | 'hidden' | 'payload'; reason: string; count: number }[];
}

export interface ForgetRequest {
  /** Must be given when nothing else is: everything is meant. */
  all?: boolean | undefined;
  ids?: readonly string[] | undefined;
  tag?: string | undefined;
  tier?: Tier | undefined;
  target?: string | undefined;
  /** Stored before this time. */
  before?: number | undefined;
  /** Hex identity; absent: every partition. */
  partition?: string | undefined;
  dryRun?: boolean | undefined;
}
export interface ForgetAnswer {
  ids: string[];
  bytes: number;
}
export interface EntriesQuery {
  partition?: string | undefined;
  /** At most so many, newest used first; 0 for the totals alone. */
  limit?: number | undefined;
  /** How many to pass over first. */
  offset?: number | undefined;
}
export interface EntriesAnswer {
  entries: {
    id: string;
    partition: string;
    tier: Tier;
    target: string;
    tags: string[];
    bytes: number;
    storedAt: number;
    expiresAt: number;
    lastUsedAt: number;
    hits: number;
  }[];
  /** Of the whole index, whatever the query. */
  total: number;
  totalBytes: number;
}

/** `admit`: may this call start? */
export interface Ticket {
  target: string;
  /** Made by the caller, unique. */
  id: string;
  mode: 'interactive' | 'background';
  /** The call is pointless after this time. */
  deadline: number;
  now: number;
}
export interface Admission {
  state: 'go' | 'wait' | 'refused';
  /** For `wait`: place in the queue (0 is next). */
  position?: number | undefined;
  /** For `wait`: ask again with `release({ tick: true })` at this time, when no call ends before. */
  at?: number | undefined;
  /** Sentence. */
  reason: string;
}
/** `release`: a call ended or was cancelled while waiting, or (`tick`) time has passed. */
export interface Release {
  target: string;
  id?: string | undefined;
  tick?: boolean | undefined;
  now: number;
}
export interface Released {
  /** Waiting ids that start now (already counted as running). */
  start: string[];
  /** Waiting ids whose deadline has passed. */
  expired: string[];
  at?: number | undefined;
}

/** What the page knows of a failed call: facts, no judgement. */
export interface FailureFacts {
  kind:
    | 'http'
    | 'network'
    | 'timeout'
    | 'abort'
    | 'cut'
    | 'app'
    | 'protocol'
    | 'too-large'
    | 'stage'
    | 'redirect'
    | 'quota'
    | 'token';
  /** HTTP status. */
  status?: number | undefined;
  /** Which timeout. */
  phase?: 'total' | 'first-chunk' | 'stall' | undefined;
  /** Lower-case names: `retry-after`, `ratelimit`, `content-type`, `x-error-code`, `x-error-message`. */
  headers?: Record<string, string> | undefined;
  /** Up to 64 KiB of the error body as text. */
  body?: string | undefined;
  /** An error the server's app reported inside a stream (gradio's `title` and `error`, an SSE error frame). */
  title?: string | undefined;
  message?: string | undefined;
  type?: string | undefined;
  /** A Space's runtime stage, when it was looked up. */
  stage?: string | undefined;
}
export type FailureClass =
  | 'rate-limit'
  | 'quota'
  | 'asleep'
  | 'building'
  | 'paused'
  | 'broken'
  | 'missing'
  | 'overloaded'
  | 'auth'
  | 'bad-request'
  | 'context-length'
  | 'content-refused'
  | 'network'
  | 'timeout'
  | 'cut-stream'
  | 'too-large'
  | 'app-error'
  | 'protocol'
  | 'redirect'
  | 'abort';
/** `failed`. */
export interface FailureReport {
  target: string;
  facts: FailureFacts;
  /** 1 for the first call of this request to this target. */
  attempt: number;
  /** Attempts of the whole request so far, all targets. */
  attempts: number;
  /** Whether a part of the reply was already shown. */
  shown: boolean;
  /** Whether another target is left in the plan. */
  more: boolean;
  startedAt: number;
  deadline: number;
  now: number;
  /** Uniform in [0, 1). */
  random: number;
}
export interface FailureVerdict {
  class: FailureClass;
  /** What happened and what to do, for people; without secrets. */
  message: string;
  action: 'retry' | 'next' | 'wake' | 'give-up';
  /** Before a retry. */
  delayMs: number;
  /** Why this action: a sentence. */
  reason: string;
  /** The target is left alone until then. */
  coolingUntil?: number | undefined;
  /** When the server says it will serve again (quota reset, Retry-After). */
  resetAt?: number | undefined;
}
/** `succeeded`. */
export interface SuccessReport {
  target: string;
  totalMs: number;
  firstPartMs?: number | undefined;
  now: number;
}

/** `stage`: a Space's runtime stage was seen. */
export interface StageObservation {
  target: string;
  /** As the Hub spells it; `MISSING` when the Hub knows no such Space. */
  stage: string;
  /** Status calls made in this wake, this one included, and when the wake began. */
  polls: number;
  startedAt: number;
  now: number;
  /** From the Hub's `RateLimit` header, when readable. */
  rateRemaining?: number | undefined;
  rateResetSeconds?: number | undefined;
  errorMessage?: string | undefined;
}
export interface StageVerdict {
  state: 'running' | 'sleeping' | 'building' | 'starting' | 'paused' | 'broken' | 'missing' | 'unknown';
  /** Waiting cannot help: only the owner can. */
  fatal: boolean;
  /** For people, with what to do. */
  message: string;
  /** When to look again. At most 30 looks in the first 60 s. */
  pollAfterMs: number;
}

/** `frame` and `body`: a server's words in our shape. Absent fields: the server did not say. */
export interface ReplyPiece {
  /** Text to append (frame), or the whole text (body). */
  text?: string | undefined;
  /** Thinking of models that show it. */
  reasoning?: string | undefined;
  finish?: FinishReason | undefined;
  usage?: { input?: number; output?: number } | undefined;
  model?: string | undefined;
  /** The server's full text at the end (TGI): replaces what was streamed. */
  full?: string | undefined;
  /** No more frames follow (`[DONE]`, `stop: true`). */
  done?: boolean | undefined;
  /** An error inside HTTP 200. */
  error?: { message?: string; type?: string | undefined; status?: number | undefined; title?: string } | undefined;
}

/** `settle`. */
export interface SettleRequest {
  provider: Provider;
  protocol: Protocol;
  model?: string | undefined;
  usage?: { input?: number; output?: number } | undefined;
  /** Estimated by `check`. */
  inputTokens: number;
  content: string;
  totalMs: number;
  images?: number | undefined;
}
export interface Settled {
  inputTokens: number;
  outputTokens: number;
  estimated: boolean;
  /** US dollars; absent when the price is unknown. */
  cost?: number | undefined;
}

/** A template that writes message by message: wasm/prompt/regular.h. */
export interface Regular {
  list: string;
  /** Bits of Regular::Place. */
  places: number;
  members: string[];
  names: string[];
}
