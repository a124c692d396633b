/**
 * The public types of the package. Times are milliseconds since the epoch, durations milliseconds, sizes bytes,
 * prices US dollars, unless a name says otherwise. Absent means `undefined`, never `null`.
 */

import type { DocumentSearch, Embedder, SearchableDocument } from './embedder/embedder.js';

/** The four model tiers. */
export type Tier = 'base' | 'company' | 'abstraction' | 'user';
export const tiers: readonly Tier[] = ['base', 'company', 'abstraction', 'user'];

export type Role = 'system' | 'user' | 'assistant' | 'tool';
export interface Message {
  role: Role;
  content: string;
}

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { [key: string]: Json | undefined };
export type JsonObject = { [key: string]: Json | undefined };

/** How a server is spoken to. `auto` (the default for Spaces) finds out. */
export type Protocol = 'gradio' | 'tgi' | 'openai' | 'llama.cpp' | 'plain' | 'router' | 'mock';

/** A secret, or a function that gives one when it is needed (OAuth, short-lived tokens). */
export type TokenSource = string | (() => string | undefined | Promise<string | undefined>);

/** Limits on how often a target may be called from this page. */
export interface QuotaConfig {
  /** Calls at the same time. Default 4. */
  concurrency?: number;
  /** Calls started in any 60 s. Default unlimited. */
  perMinute?: number;
  /** Calls that may wait for their turn; one more is refused. Default 50. */
  queueLength?: number;
}

export interface SpaceConfig {
  /**
   * `https://huggingface.co/spaces/owner/name`, `https://owner-name.hf.space`, `owner/name`, a custom domain, or
   * a loopback address. https only, loopback excepted.
   */
  url: string;
  /** Path of the plain contract (default `/api/generate`), or the name of a Gradio endpoint (`/chat`). */
  endpoint?: string;
  /** For private Spaces. A literal token is refused in a browser unless `dangerouslyAllowBrowserToken`. */
  token?: TokenSource;
  /** Version label of what the Space serves: part of the cache key, shown in reports. */
  revision?: string;
  /** Skips detection. */
  protocol?: Protocol | 'auto';
  /** Which Gradio input receives what; found by name, type and position when absent. */
  inputs?: Partial<Record<GradioRole, string | number>>;
  /** Model the Space serves: sent where the protocol has a field for it, used for prices and the cache key. */
  model?: string;
  /**
   * How the model wants its prompt, where the server takes text: Jinja text, a name of `models/templates.json`, `hub` for
   * the template in the Hub repository `model` names, or `false` for a plain transcript. Default: the one of `model`.
   * A Gradio app is sent the formatted prompt only when this is set; servers that apply the template themselves are sent
   * messages.
   */
  template?: string | false;
  /** More for the template: `enable_thinking`, `date_string`, `tools` (as JSON Schema in the shape of OpenAI's API)… */
  templateVariables?: JsonObject;
  /** Tokens of prompt and reply together. Default: what `models/models.json` has for `model`, else not bounded. */
  contextWindow?: number;
  quota?: QuotaConfig;
}
/** The parts of a request a Gradio endpoint may take. */
export type GradioRole = 'prompt' | 'system' | 'history' | 'maxTokens' | 'temperature';

export interface OpenAIProviderConfig {
  /** Base URL up to and including `/v1`. Default `https://api.openai.com/v1`. */
  baseUrl?: string;
  model: string;
  /** As of a Space. */
  contextWindow?: number;
  token?: TokenSource;
  quota?: QuotaConfig;
}
export interface RouterProviderConfig {
  /** Default `https://router.huggingface.co/v1`. */
  baseUrl?: string;
  /** Hub model id, with `:fastest`, `:cheapest` or `:provider` when wanted. */
  model: string;
  /** As of a Space. */
  contextWindow?: number;
  token?: TokenSource;
  /** Organisation billed, sent as `X-HF-Bill-To`. */
  billTo?: string;
  quota?: QuotaConfig;
}
/** An explicit stand-in for tests and demos: its replies are labelled `source: 'mock'`. */
export interface MockProviderConfig {
  /** The reply, or a function of the last user message. Default: says that it is a mock and echoes the prompt. */
  reply?: string | ((prompt: string, messages: readonly Message[]) => string);
  /** Pause before each streamed word, ms. Default 15. */
  delayMs?: number;
}

export interface Flag {
  enabled: boolean;
  visible: boolean;
}
export type FlagName =
  | 'useRealAI'
  | 'useOpenAI'
  | 'useMockAI'
  | 'useHuggingFaceSpaces'
  | 'useMultiTieredAI'
  | 'useHFBaseModel'
  | 'useHFCompanyModel'
  | 'useHFAbstractionModel'
  | 'useHFUserModel';
export type Flags = Partial<Record<FlagName, Flag | boolean>>;

export interface CacheConfig {
  /** Life of an entry in ms. Default 24 h. */
  ttl?: number;
  /** For so long after its ttl an entry may still be shown while a fresh reply is fetched. Default 0. */
  staleWhileRevalidate?: number;
  /** Default 10,000. */
  maxEntries?: number;
  /** Default 32 MiB. */
  maxBytes?: number;
  /** Keep entries in IndexedDB. Default: only when the partition names a user. */
  persist?: boolean;
  /**
   * Whether a stored reply may answer a question in other words; with an embedder that knows meaning (`light()`,
   * `minilm()`). Default `strict`. See docs/SEMANTIC_CACHE.md.
   */
  semantic?: SemanticPolicy | SemanticConfig;
}
/** `off`: never. `strict`: at most about one near miss in a hundred is taken for the same. `balanced`: about one in twenty. */
export type SemanticPolicy = 'off' | 'strict' | 'balanced';
export interface SemanticOptions {
  policy?: SemanticPolicy;
  /** The least probability, 0.5 to 1, that both ask the same, in place of the policy's. */
  least?: number;
}
export interface SemanticConfig extends SemanticOptions {
  /** Of one tier, where it differs. */
  tiers?: Partial<Record<Tier, SemanticPolicy | SemanticOptions>>;
  /** Fields of `context` in which two requests may differ and still have the same reply (the time, a trace id). */
  irrelevant?: readonly string[];
}
/** A stored question that was like the one asked. */
export interface SemanticCandidate {
  /** Its id, as in `cache.entries()`. */
  entry: string;
  /** As it was asked. */
  prompt: string;
  /** Cosine of the light vectors, by which it was found. */
  light: number;
  /** It asks the same, and its reply answered. */
  same: boolean;
  /** What decided: the words alone, the transformer's vectors, or without those the light ones. Absent: a rule refused. */
  by?: 'words' | 'light' | 'minilm';
  /** That both ask the same, 0 to 1. Absent where a rule refused at once. */
  probability?: number;
  /** The probability wanted. */
  least?: number;
  /** Of the transformer's vectors, without them of the light ones; -1 to 1. */
  cosine?: number;
  /** What refused it, or spoke against it where the judge did: a rule of docs/SEMANTIC_CACHE.md; `refused-before`: a thumbs-down. */
  rule?: string;
  /** A sentence for people. */
  reason?: string;
  /** Filled in by `explain`. What stands for what: from and to in the stored prompt, from and to in the one asked, in UTF-16 units. */
  alignment?: readonly PromptLink[];
  /** Words the judge doubted, in the same places. */
  doubts?: readonly (readonly [number, number, number, number])[];
}
/** From and to in the one prompt, from and to in the other, in UTF-16 units. One side of what is unmatched is empty. */
export type PromptLink = readonly [number, number, number, number, 'same' | 'equivalent' | 'similar' | 'unmatched'];
/** Of `comparePrompts`. */
export interface ComparePromptsOptions {
  /** Default `strict`. */
  policy?: Exclude<SemanticPolicy, 'off'>;
  /** The least probability, 0.5 to 1, that both ask the same, in place of the policy's. */
  least?: number;
  /** As of the embedder: see docs/EMBEDDINGS.md. */
  modelUrl?: string;
  signal?: AbortSignal;
}
/** Whether two prompts ask the same, and why. */
export interface PromptComparison {
  /** The reply to the one may answer the other. */
  same: boolean;
  /** What decided: their words (a rule refused them, or they are equal but for their form), or the judge by these vectors. */
  by: 'words' | 'light' | 'minilm';
  /** That both ask the same, 0 to 1, and how much was wanted. */
  probability: number;
  least: number;
  /** Of the vectors of the model asked for. */
  cosine: number;
  /** What refused them, or spoke against them where the judge did: a rule's name, and a sentence. */
  rule?: string;
  reason?: string;
  /** What stands for what. */
  alignment: readonly PromptLink[];
  /** Words the judge doubted, places as in `alignment`; by MiniLM only. */
  doubts: readonly (readonly [number, number, number, number])[];
}

/** How prompts are made (step 6). */
export interface PromptsConfig {
  /**
   * What in texts would pass for a marker of the model is broken by a blank: in messages of user and tool and in documents
   * (`true`, the default), in all of them (`all`), or nowhere (`false`).
   */
  neutralise?: boolean | 'all';
  /** A message that must stay and is larger than the model's window is cut in its middle. Default: the request is refused. */
  truncate?: 'middle';
  /**
   * What to do with likely prompt injection, hidden characters and data: URLs in the context: tell of them (`mark`, the
   * default), tell and take the hidden ones and the data out (`strip`), refuse the request (`refuse`), or not look
   * (`false`).
   */
  injection?: 'mark' | 'strip' | 'refuse' | false;
}

export interface PartitionConfig {
  tenant?: string;
  user?: string;
  /** Anything else that must separate cached replies (role, locale, data set…). */
  [key: string]: string | undefined;
}

export interface TimeoutConfig {
  /** Whole request, attempts and waiting included. Default 120,000. */
  total?: number;
  /** Until the first part of the reply; a queue position or progress report starts it anew. Default 60,000. */
  firstChunk?: number;
  /** Between two parts. Default 30,000. */
  stall?: number;
}

export interface ClientConfig {
  spaces?: Partial<Record<Tier, SpaceConfig>>;
  /** Default `base`, or the only configured tier. */
  defaultTier?: Tier;
  providers?: { openai?: OpenAIProviderConfig; router?: RouterProviderConfig; mock?: MockProviderConfig | true };
  flags?: Flags;
  /** Tier rules in the format of `models/tiers.json`; replaces the default ones. */
  rules?: JsonObject;
  /** Who is asking: cached replies never cross partitions. */
  partition?: PartitionConfig;
  cache?: CacheConfig | false;
  prompts?: PromptsConfig;
  /**
   * Makes vectors of texts, for `embed`, `similarity` and `search`: `minilm()` of `tierwise/minilm`, or any other. With that or
   * `light()` stored replies also answer questions in other words (`cache.semantic`).
   */
  embedder?: Embedder;
  /** What a request does while its Space wakes: go to the next target, or wait. Default `fallback`. */
  wake?: 'fallback' | 'wait';
  /** Calls go to `{proxyUrl}/{target}/{path}` (targets: the tier, `openai`, `router`) with the session's own token. */
  proxyUrl?: string;
  /** The user's session token for `proxyUrl`. */
  proxyToken?: TokenSource;
  timeouts?: TimeoutConfig;
  /** Largest reply accepted, in bytes of the response body. Default 8 MiB. */
  maxReplyBytes?: number;
  /** Lets a literal `hf_…` or `sk-…` token be used in a browser. Everyone who opens the page can read it there. */
  dangerouslyAllowBrowserToken?: boolean;
  /** Where usage events go besides `on('usage')`. See docs/USAGE.md. */
  usage?: UsageConfig;
  /** Price table in the format of `models/prices.json`, merged over the default one. */
  prices?: JsonObject;
  // Every impure thing can be given.
  fetch?: typeof fetch;
  clock?: Clock;
  storage?: StorageFactory | 'memory';
  random?: () => number;
  /** Base URL of the Hub's API. Default `https://huggingface.co`. */
  hubUrl?: string;
  /** Address of `core.wasm`, when a bundler moved it; or its bytes. */
  wasmUrl?: string;
  wasmBinary?: ArrayBuffer | Uint8Array;
  /** The same for `prompts.wasm`, which is loaded when a prompt is made first. Default beside `wasmUrl`, else beside the package. */
  promptsUrl?: string;
  promptsBinary?: ArrayBuffer | Uint8Array;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Monotonic, with fractions of a millisecond, for durations; `now` when absent. */
  precise?(): number;
  /** Runs `task` once after `ms`; the result cancels it. */
  after(ms: number, task: () => void): () => void;
}

/** Where the cache and settings live: see js/store. */
export type StorageFactory = () => Promise<import('./store/store.js').Store>;

/** What rules may look at. Free keys are allowed. */
export interface RoutingContext {
  useCompanyModel?: boolean;
  companyId?: string | number;
  useAbstraction?: boolean;
  userId?: string | number;
  [key: string]: Json | undefined;
}

export interface RequestOptions {
  tier?: Tier;
  /** Facts for the model, rendered into the prompt as data; also read by the tier rules. */
  context?: JsonObject;
  /** Instruction placed before the conversation. */
  system?: string;
  /**
   * What the reply should draw on (search results, pages): objects as `{ title, text }`, at most 1,000. For the model's
   * template where it has a place for them, else a block of data in the system message. Where not all fit, those of a lower
   * `priority` (a number, default 0; not told to the model) go first, those of 1 or more after old turns.
   */
  documents?: readonly JsonObject[];
  /** Earlier turns, oldest first. */
  history?: readonly Message[];
  /** 0 to 2. Default 0.7. */
  temperature?: number;
  /** Tokens of the reply at most. Default 512. */
  maxTokens?: number;
  topP?: number;
  seed?: number;
  stop?: readonly string[];
  /** Further parameters, sent as they are where the protocol allows it. */
  parameters?: JsonObject;
  /** Wants a new wording each time: never cached, never shared. */
  variety?: boolean;
  /** Tiers this user may use. Default: all. */
  permissions?: readonly Tier[];
  /** Default interactive, quality first. */
  priority?: { mode?: 'interactive' | 'background'; prefer?: 'quality' | 'speed' | 'cost' };
  cache?: RequestCacheOptions | false;
  wake?: 'fallback' | 'wait';
  timeouts?: TimeoutConfig;
  signal?: AbortSignal;
  /** Who is asking, when it differs from the client's. */
  partition?: PartitionConfig;
  /** Ties several requests of one interaction together in reports. Default: a new id. */
  interactionId?: string;
}
/** As in HTTP: `noCache` skips the look-up, `noStore` the storing, `onlyIfCached` the call. */
export interface RequestCacheOptions {
  noCache?: boolean;
  noStore?: boolean;
  onlyIfCached?: boolean;
  /** Oldest acceptable entry, ms. */
  maxAge?: number;
  /** Life of the entry stored, ms. */
  ttl?: number;
  tags?: readonly string[];
  /** In place of the tier's and the client's. Where the client's is `off` for every tier, this switches nothing on. */
  semantic?: SemanticPolicy | SemanticOptions;
}

/** `query(input, context)` of the requirements. */
export interface QueryContext {
  useCompanyModel?: boolean;
  companyId?: string | number;
  useAbstraction?: boolean;
  userId?: string | number;
  /** A label of what is being done ('general', 'idea-playground'…), not data. */
  context?: string;
  useExistingModels?: boolean;
  conversationHistory?: readonly Message[];
  temperature?: number;
  signal?: AbortSignal;
  /** Free keys for rules of the application's own: JSON values. */
  [key: string]: unknown;
}

export type ReplySource = 'space' | 'openai' | 'router' | 'mock' | 'cache';

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** True when the server gave no counts and these are ours. */
  estimated: boolean;
}

export interface Reply {
  id: string;
  content: string;
  role: 'assistant';
  /** What answered. For a cached reply `cache`; `target` still names what answered first. */
  source: ReplySource;
  tier: Tier;
  /** `space:base`, `router`, `openai`, `mock`… */
  target: string;
  model: string | undefined;
  /** How old the reply is, ms; 0 when it is fresh. */
  age: number;
  /** Of a reply from the cache. */
  cached?: CachedAs;
  usage: Usage;
  /** US dollars; undefined when the price is unknown. */
  cost: number | undefined;
  finishReason: FinishReason;
  trace: Trace;
  /** Files the model returned (images, audio). */
  files?: readonly ReplyFile[];
}
/** `other`: a reason this version does not know; `unknown`: the server gave none. */
export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other' | 'unknown';
export interface ReplyFile {
  url: string;
  name?: string;
  mimeType?: string;
  size?: number;
}

export interface CachedAs {
  /** The cache's entry. */
  entry: string;
  /** `exact`: the same request. Else what said that both ask the same, as in SemanticCandidate. */
  by: 'exact' | 'words' | 'light' | 'minilm';
  /** For people: 'Answered from the cache, asked 3 days ago.' */
  note: string;
  /** What was asked then, where it was in other words. */
  prompt?: string;
  /** That both ask the same, 0 to 1; absent where `by` is `exact`. */
  probability?: number;
}

/** Why a reply is what it is: one entry per decision, in order. */
export interface Trace {
  startedAt: number;
  /** ms, whole request. */
  total: number;
  /** ms until the first part was there. */
  firstPart: number | undefined;
  steps: readonly TraceStep[];
}
export interface TraceStep {
  step:
    | 'context'
    | 'check'
    | 'plan'
    | 'cache'
    | 'semantic'
    | 'join'
    | 'wake'
    | 'queue'
    | 'prompt'
    | 'call'
    | 'reply'
    | 'store';
  target?: string;
  /** ms since `startedAt`. */
  at: number;
  /** ms. */
  duration: number;
  outcome: 'done' | 'hit' | 'miss' | 'skipped' | 'failed' | 'passed-over';
  /** A sentence for people. */
  because: string;
  /** Facts behind the sentence; no secrets, no prompt text. */
  details?: JsonObject;
}

/** What `explain` gives. */
export interface Explanation extends Trace {
  /** Stored questions that were like this one, for each target that was looked for: prompts of the application's users. */
  semantic: readonly SemanticLook[];
}
export interface SemanticLook {
  question: string;
  policy: SemanticPolicy;
  /** The nearest, at most 5: the one that answered first, then by probability, then those a rule refused. */
  candidates: readonly SemanticCandidate[];
  because: string;
}

/** Parts of `stream()`. `replace` carries the whole text so far: the server rewrote what it had sent. */
export type StreamPart =
  { type: 'text'; text: string } | { type: 'replace'; text: string } | { type: 'status'; status: SpaceStatus };

export interface ReplyStream extends AsyncIterable<StreamPart> {
  /** Resolves when the stream ends; rejects as `generate` would. */
  readonly reply: Promise<Reply>;
  cancel(): void;
}

/** What a target is doing, in words a person can read. */
export interface SpaceStatus {
  target: string;
  tier: Tier | undefined;
  state:
    | 'connecting'
    | 'ready'
    | 'sleeping'
    | 'building'
    | 'starting'
    | 'queued'
    | 'working'
    | 'paused'
    | 'broken'
    | 'missing'
    | 'unknown';
  /** A sentence: "company Space is waking up, about 40 s." */
  message: string;
  /** Place in the server's queue, 0 is next. */
  position?: number;
  /** Seconds until done, when the server says. */
  etaSeconds?: number;
  progress?: { value: number; of?: number; unit?: string; label?: string };
}

export interface Warning {
  code: string;
  message: string;
  cause?: unknown;
}

/** One per attempt, hit, cancel and failure. The final shape: the backend stores these fields. */
export interface UsageEvent {
  eventId: string;
  interactionId: string;
  replyId: string | undefined;
  kind: 'start' | 'complete' | 'error' | 'hit' | 'cancel';
  at: number;
  tier: Tier | undefined;
  target: string | undefined;
  provider: 'space' | 'openai' | 'router' | 'mock' | undefined;
  model: string | undefined;
  source: ReplySource | undefined;
  inputTokens: number | undefined;
  outputTokens: number | undefined;
  tokensEstimated: boolean | undefined;
  /** US dollars; undefined when unknown. */
  cost: number | undefined;
  /** US dollars a hit saved, when the price is known. */
  saved: number | undefined;
  firstPartMs: number | undefined;
  totalMs: number | undefined;
  status: 'ok' | 'error' | 'cancelled' | undefined;
  errorClass: string | undefined;
  attempt: number | undefined;
  user: string | undefined;
  company: string | undefined;
  contextLabel: string | undefined;
  experimentArm: string | undefined;
  appVersion: string | undefined;
}

/** Called with each event; one that throws or rejects is reported once and holds up nobody. */
export type UsageSink = (event: UsageEvent) => void | Promise<void>;
export interface UsageConfig {
  sink?: UsageSink;
  /** More of them. */
  sinks?: readonly UsageSink[];
  /** Events and feedback go to the functions `usage` and `feedback` there, through an outbox that outlives the page. */
  backend?: UsageBackendConfig;
  /** Spans and metrics of OpenTelemetry's GenAI conventions go to a collector, through an outbox of their own. */
  otlp?: UsageOtlpConfig;
  /** What share of interactions is told to sinks, 0 to 1, or which events. Default all. `on('usage')` hears all of them. */
  sample?: number | ((event: UsageEvent) => boolean);
  /**
   * What is told of an event: itself, another one, or nothing. An event for which it throws is told to no sink. `eventId`
   * stays as it was.
   */
  redact?: (event: UsageEvent) => UsageEvent | undefined;
  /** Events that may wait, each way; beyond, the oldest become daily totals. 1,000 to 1,000,000, default 20,000. */
  maxWaiting?: number;
  appVersion?: string;
}
export interface UsageBackendConfig {
  /** Where the functions are: `https://project.supabase.co/functions/v1`. */
  url: string;
  /** The user's session token, asked for with each batch. While there is none, events wait. */
  token: TokenSource;
  /** Company id, of a user who is in several. */
  company?: string;
}
export interface UsageOtlpConfig {
  /** Base address of OTLP/HTTP; `/v1/traces` and `/v1/metrics` are added: `https://collector.example.com:4318`. */
  url: string;
  headers?: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>);
  /** Default `tierwise`. */
  serviceName?: string;
}
/** What events of one day, tier, model and source are folded into where too many wait. Sums; US dollars. */
export interface UsageTotals {
  eventId: string;
  kind: 'totals';
  /** The start of the UTC day. */
  at: number;
  counts: Record<UsageEvent['kind'], number>;
  /** Of complete replies, as `cost`. */
  inputTokens: number;
  outputTokens: number;
  cost: number;
  saved: number;
  tier: Tier | undefined;
  model: string | undefined;
  source: ReplySource | undefined;
}

export interface ForgetSelector {
  /** A reply's id. */
  replyId?: string;
  /** A cache entry's id (from `cache.entries()`). */
  ids?: readonly string[];
  tag?: string;
  tier?: Tier;
  target?: string;
  /** Entries stored longer ago than this, ms. */
  olderThan?: number;
  /** Entries of this partition only; default the client's own. `'all'` for every partition. */
  partition?: PartitionConfig | 'all';
  /** Report what would go, delete nothing. */
  dryRun?: boolean;
}
export interface ForgetResult {
  entries: number;
  bytes: number;
  ids: readonly string[];
  dryRun: boolean;
}

export interface CacheEntryInfo {
  id: string;
  tier: Tier;
  target: string;
  model: string | undefined;
  tags: readonly string[];
  storedAt: number;
  expiresAt: number;
  lastUsedAt: number;
  hits: number;
  /** What they saved, US dollars; undefined where the price is unknown. */
  saved: number | undefined;
  bytes: number;
  /** First characters of the last user message and of the reply. */
  prompt: string;
  content: string;
}

export interface TargetHealth {
  target: string;
  tier: Tier | undefined;
  state: 'unknown' | 'ready' | 'cooling-down' | 'probing' | 'sleeping' | 'building' | 'paused' | 'broken' | 'missing';
  message: string;
  successes: number;
  failures: number;
  lastError: string | undefined;
  p50Ms: number | undefined;
  p95Ms: number | undefined;
  firstPartP50Ms: number | undefined;
  coolingUntil: number | undefined;
  running: number;
  queued: number;
}

/** One step of `testConnection`, reported as it passes. */
export interface ConnectionStep {
  name: 'address' | 'space' | 'protocol' | 'call';
  ok: boolean;
  message: string;
  ms: number;
}
export interface ConnectionReport {
  ok: boolean;
  tier: Tier;
  protocol: Protocol | undefined;
  host: string | undefined;
  steps: readonly ConnectionStep[];
  message: string;
  sample: string | undefined;
}

/** Every decision as it is taken: the same steps that end in `reply.trace`. */
export interface Decision extends TraceStep {
  requestId: string;
}

export interface ClientEvents {
  status: SpaceStatus;
  warning: Warning;
  decision: Decision;
  usage: UsageEvent;
  /** The cache gained or lost entries, in this tab or another. */
  cache: { entries: number; bytes: number };
}

/** The cached replies of the client's own partition. `forget` deletes them. */
export interface ClientCache {
  /** All, those used last first; with `search` those with this text in prompt, reply, model or tag, in any case. */
  entries(query?: { search?: string }): Promise<CacheEntryInfo[]>;
  /** `ttl`: from when it was stored, ms. False: there is no such entry (any more). Errors: RequestError naming the field. */
  edit(id: string, change: { ttl: number }): Promise<boolean>;
}

/** What `createClient` gives. Nothing happens until a method is called. */
export interface Client {
  /**
   * Rejects with `RequestError` (nothing was sent), `CallError` (no target answered), `NotCachedError`,
   * `AbortedError` or `LoadError`. `context` holds facts for the model and the tier rules.
   */
  generate(prompt: string, tier?: Tier, context?: JsonObject, options?: RequestOptions): Promise<Reply>;
  generate(prompt: string, options: RequestOptions): Promise<Reply>;
  /** The same, part by part. Leaving the loop early aborts the request. */
  stream(prompt: string, options?: RequestOptions): ReplyStream;
  /** The requirements' `GeneralLLMService.query`: the tier follows from the context. */
  query(input: string, context?: QueryContext, options?: RequestOptions): Promise<Reply>;
  /** Address, Space, protocol, one short call: each step as it passes. Never rejects for a failing Space. */
  testConnection(
    tier: Tier,
    options?: { signal?: AbortSignal; onStep?: (step: ConnectionStep) => void; space?: SpaceConfig },
  ): Promise<ConnectionReport>;
  /** What was measured of every configured target; asks no server. */
  health(): Promise<TargetHealth[]>;
  /** Starts waking a tier's Space, or joins the wake in progress. */
  wake(tier: Tier, options?: { signal?: AbortSignal }): Promise<void>;
  /**
   * A unit vector for each text, of as many dimensions as the configured embedder has. Texts longer than its model reads
   * are cut, which `on('warning')` tells. Errors: `TierwiseError` `no-embedder`, `embedding-failed`; `LoadError`,
   * `RequestError` naming the text, `AbortedError`.
   */
  embed(texts: readonly string[], options?: { signal?: AbortSignal }): Promise<Float32Array[]>;
  /** How alike two texts are in meaning: the cosine of their vectors, -1 to 1. Errors as `embed`. */
  similarity(a: string, b: string, options?: { signal?: AbortSignal }): Promise<number>;
  /**
   * Documents of the application, texts or objects with one, to be found by meaning: `(await client.search(documents)).find(
   * query)`. Their vectors stay in memory until its `close()`. Errors as `embed`, and RequestError naming the document.
   */
  search<D extends SearchableDocument>(
    documents: readonly D[],
    options?: { signal?: AbortSignal },
  ): Promise<DocumentSearch<D>>;
  /** How one of the last 200 replies came about; undefined when it is none of them. */
  explain(replyId: string): Explanation | undefined;
  /**
   * What somebody thought of one of the last 200 replies. `down` on one that answered a question in other words: this pair
   * of questions is never taken for the same again; on any other: its cache entry is forgotten. `up` changes nothing here.
   * With `usage.backend` it is kept on this device before this resolves, and sent; `comment` has 2,000 characters at most.
   * Errors: `RequestError` `unknown-reply`, `invalid-input`.
   */
  feedback(replyId: string, verdict: 'up' | 'down', options?: { comment?: string }): Promise<void>;
  /** What is cached for the client's own partition: listed, searched, changed. */
  readonly cache: ClientCache;
  /** Deletes cached replies that meet every condition given; without any, all of the client's own partition. */
  forget(selector?: ForgetSelector): Promise<ForgetResult>;
  /**
   * Resolves when every write issued so far (cache, usage) has completed, and usage that waits has been sent or could not be;
   * sinks and servers are waited for no longer than 5 s.
   */
  flush(): Promise<void>;
  /** How many usage events and feedbacks of the client's partition wait on this device to be sent; 0 with nowhere to send them. */
  waiting(): Promise<number>;
  /** Replaces Spaces, default tier, flags, providers, rules, `wake` or partition; what was learned of unchanged targets stays. */
  configure(
    change: Partial<
      Pick<ClientConfig, 'spaces' | 'defaultTier' | 'flags' | 'providers' | 'rules' | 'wake' | 'partition'>
    >,
  ): Promise<void>;
  /** Settings kept in this browser under a name; see `configure`. */
  getSetting(key: string): Promise<Json | undefined>;
  setSetting(key: string, value: Json | undefined): Promise<void>;
  /** The latest status of each configured Space. */
  statuses(): SpaceStatus[];
  /** The result ends it. A listener that throws is reported to the console and holds up nobody. */
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): () => void;
  /** Ends running requests, forgets nothing, frees the core's memory. Idempotent. */
  close(): void;
}
