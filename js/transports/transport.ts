/**
 * What a transport is: one protocol, spoken in full. It sends one request, tells parts as they come, and ends with
 * the whole reply or a `CallFailure` of facts. It decides nothing: no retries, no fallback, no judgement of errors
 * (the core does), no timers but the protocol's own. Frames and bodies of model servers are read by the core
 * (`ReplyReader`), so every protocol ends in one reply shape.
 */
import type { Http } from '../http.js';
import type { ReplyPiece } from '../core-types.js';
import type {
  Clock,
  FinishReason,
  JsonObject,
  Message,
  Protocol,
  ReplyFile,
  SpaceConfig,
  SpaceStatus,
  Tier,
  Warning,
} from '../types.js';

/** The request after steps 1 and 6: checked, context folded in, within limits. */
export interface ModelRequest {
  /** The whole conversation: system (if any) first, the message to answer last. */
  messages: readonly Message[];
  /** The block of the context's facts, which ends the first of them. */
  contextBlock?: string;
  /** With their `priority`. */
  documents?: readonly JsonObject[];
  parameters: {
    maxTokens: number;
    temperature: number;
    topP?: number;
    seed?: number;
    stop?: readonly string[];
    /** Passed through where the protocol allows it. */
    extra?: JsonObject;
  };
}

export type TransportPart = { type: 'text'; text: string } | { type: 'replace'; text: string };

export interface TransportResult {
  text: string;
  finish: FinishReason;
  usage?: { input?: number; output?: number };
  model?: string;
  files?: readonly ReplyFile[];
  /** For the trace: which way the protocol went ("queue", "/call", "chat completions"). */
  via: string;
}

/** What step 6 made of a request. */
export interface PromptNote {
  /** A sentence for people. */
  because: string;
  details?: JsonObject;
  warnings?: readonly Warning[];
}

/** A conversation as a server of one target takes it (step 6), within the model's context window. */
export interface PromptMaker {
  /** The target's configuration names a template: apps that take one text get it formatted. */
  readonly explicit: boolean;
  /** For servers that take text: the model's template rendered, else a plain transcript. `stop` holds the request's own too. */
  text(request: ModelRequest, handlers: PromptHandlers): Promise<TextPrompt>;
  /** For servers that apply the template themselves. */
  messages(request: ModelRequest, handlers: PromptHandlers): Promise<readonly Message[]>;
}
export interface TextPrompt {
  prompt: string;
  stop?: readonly string[];
}
export interface PromptHandlers {
  signal: AbortSignal;
  onPrompt: (note: PromptNote) => void;
  /** Where the server counts tokens exactly: of a text, or undefined when it does not after all. */
  countTokens?: ((text: string, signal: AbortSignal) => Promise<number | undefined>) | undefined;
  /** The same, of messages by the server's own template. */
  countMessages?: ((messages: readonly Message[], signal: AbortSignal) => Promise<number | undefined>) | undefined;
}

export interface CallHandlers {
  signal: AbortSignal;
  onPrompt: (note: PromptNote) => void;
  /** Of this request, ms, where they differ from the client's. */
  timeouts?: { firstChunk?: number; stall?: number };
  onPart: (part: TransportPart) => void;
  /** Queue position, progress, log lines; the client adds target and tier. */
  onStatus: (status: Omit<SpaceStatus, 'target' | 'tier'>) => void;
}

/** A target that was found, detected and may be called. */
export interface Connection {
  readonly protocol: Protocol;
  /** Where calls go: origin and path prefix, no trailing slash, no secret. */
  readonly base: string;
  call(request: ModelRequest, handlers: CallHandlers): Promise<TransportResult>;
}

/** The core's readers of server text (step 8). */
export interface ReplyReader {
  /** Throws `CallFailure` `protocol` when the text is malformed. */
  frame(protocol: 'openai' | 'tgi' | 'llama.cpp' | 'plain', data: string): ReplyPiece;
  body(protocol: 'openai' | 'tgi' | 'llama.cpp' | 'plain', text: string): ReplyPiece;
}

/** What a transport is given to work with. */
export interface TransportContext {
  /** `space:company`, `router`, … */
  target: string;
  tier: Tier | undefined;
  /** No trailing slash. */
  base: string;
  http: Http;
  reader: ReplyReader;
  clock: Clock;
  random: () => number;
  /** Model name to send, when configured. */
  model: string | undefined;
  prompts: PromptMaker;
  /** `endpoint`, `inputs` of a Space; further settings of a provider. */
  config: Partial<Record<'endpoint' | 'billTo', string | undefined>> & { inputs?: SpaceConfig['inputs'] | undefined };
}
