/** The page's side of the boundary to the C++ core (`wasm/bindings.cpp`): typed calls, envelope -> value or error. */
import type { CoreModule } from '#core-module';

import type {
  Admission,
  CheckRequest,
  CheckResult,
  CoreConfig,
  EntriesAnswer,
  EntriesQuery,
  FailureReport,
  FailureVerdict,
  ForgetAnswer,
  ForgetRequest,
  LookUpResult,
  MarkAnswer,
  MarkRequest,
  Plan,
  PlanRequest,
  Regular,
  Release,
  Released,
  ReplyPiece,
  Settled,
  SettleRequest,
  StageObservation,
  StageVerdict,
  StorableRequest,
  StorableResult,
  StoreRecord,
  StoreResult,
  SuccessReport,
  Ticket,
} from './core-types.js';
import { Boundary } from './boundary.js';
import { ConfigError, RequestError, TemplateError, TierwiseError } from './errors.js';
import type { CoreChatAnswer, CoreChatRequest } from './prompt/shape-chat.js';
import { CallFailure } from './transports/call-failure.js';
import { utf8Bytes } from './text.js';
import type { ReplyReader } from './transports/transport.js';
import type { JsonObject, TargetHealth } from './types.js';

/** As in `wasm/reply/protocol.h`. */
const protocols = { openai: 0, tgi: 1, 'llama.cpp': 2, plain: 3 } as const;

interface Envelope {
  code: string;
  message: string;
  field?: string;
}

export class Core implements ReplyReader {
  readonly #module: CoreModule;
  readonly #boundary: Boundary;
  /** Which of the module's cores. */
  readonly #core: number;
  #closed = false;

  /**
   * `loadPrompts` must be over before a template, a chat or a text is given to it; it answers undefined where nothing is
   * to be waited for. Errors: LoadError.
   */
  constructor(
    module: CoreModule,
    readonly loadPrompts: () => Promise<void> | undefined = () => undefined,
  ) {
    this.#module = module;
    this.#boundary = new Boundary(module, {
      name: 'The core',
      noRoom: 'The request did not fit into the core.',
      shortText: 100,
    });
    this.#core = this.#boundary.handle;
  }

  /** Of the package this core was built for. */
  version(): string {
    this.#open();
    return this.#boundary.text(this.#boundary.guarded(() => this.#module.version(this.#core)));
  }
  configure(config: CoreConfig): { evicted: string[] } {
    try {
      return this.#json('configure', config);
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'invalid-config') throw error;
      const field = error.field ?? 'config';
      const { message } = error;
      throw new ConfigError(field, message.startsWith(field) ? message.slice(field.length).trim() : message);
    }
  }
  check(request: CheckRequest): CheckResult {
    return this.#json('check', request);
  }
  /** The block of a context's facts; empty when there is nothing to tell. */
  contextBlock(facts: JsonObject): string {
    return this.#json('contextBlock', facts).text;
  }
  /** As `models/injection.json`, before the first `mark`. */
  phrases(config: unknown): void {
    this.#json('phrases', config);
  }
  mark(request: MarkRequest): MarkAnswer {
    return this.#json('mark', request);
  }
  plan(request: PlanRequest): Plan {
    return this.#json('plan', request);
  }
  partition(fields: Record<string, string>): { handle: number; id: string } {
    return this.#json('partition', { fields });
  }
  /** `request` is the canonical text of `cache-key.ts`; `maxAge` in ms, or undefined. */
  lookUp(
    partition: number,
    request: string,
    now: number,
    maxAge: number | undefined,
    allowStale: boolean,
    /** `request` is an entry's id. */
    byId = false,
  ): LookUpResult {
    const length = this.#write(request);
    return this.#call(() =>
      this.#module.lookUp(this.#core, partition, length, now, maxAge ?? -1, allowStale ? 1 : 0, byId ? 1 : 0),
    ) as LookUpResult;
  }
  storable(request: StorableRequest): StorableResult {
    return this.#json('storable', request);
  }
  store(record: StoreRecord): StoreResult {
    return this.#json('store', record);
  }
  forget(selector: ForgetRequest): ForgetAnswer {
    return this.#json('forget', selector);
  }
  entries(query: EntriesQuery): EntriesAnswer {
    return this.#json('entries', query);
  }
  /** What to render it by, until the core forgets it. */
  addTemplate(source: string): { number: number; regular?: Regular } {
    const length = this.#write(source);
    return this.#call(() => this.#module.addTemplate(this.#core, length)) as { number: number; regular?: Regular };
  }
  /** Error `unknown-template` when the number is forgotten. */
  formatChat(request: CoreChatRequest): CoreChatAnswer {
    const text = JSON.stringify(request);
    if (text.length * 3 > mostChat && utf8Bytes(text) > mostChat) {
      const what = `messages: with tools, documents and variables, they may be ${String(mostChat)} bytes as JSON.`;
      throw new RequestError('too-large', what, 'messages');
    }
    return this.#send('formatChat', text);
  }
  /** `family`: see `prompt/tokenizer-families.ts`. */
  countTokens(family: number, text: string): { tokens: number; atMost: number } {
    const length = this.#write(text);
    return this.#call(() => this.#module.countTokens(this.#core, family, length)) as { tokens: number; atMost: number };
  }
  /** `variables` is JSON; `now` in ms; `ways`: bits as in `wasm/bindings.cpp`. Error `needs-content` only with 1. */
  render(
    template: number,
    variables: Uint8Array,
    now: number,
    maxSteps: number,
    maxOutputBytes: number,
    ways: number,
  ): string {
    const size = variables.byteLength;
    this.#open();
    this.#boundary.reserve(size).set(variables);
    const length = this.#boundary.guarded(() =>
      this.#module.render(this.#core, template, size, now, maxSteps, maxOutputBytes, ways),
    );
    const text = this.#boundary.text(length);
    if (length >= 0) return text;
    throw refusal({ field: 'variables', ...(JSON.parse(text) as Envelope) });
  }
  admit(ticket: Ticket): Admission {
    return this.#json('admit', ticket);
  }
  release(ticket: Release): Released {
    return this.#json('release', ticket);
  }
  succeeded(report: SuccessReport): void {
    this.#json('succeeded', report);
  }
  failed(report: FailureReport): FailureVerdict {
    return this.#json('failed', report);
  }
  stage(observation: StageObservation): StageVerdict {
    return this.#json('stage', observation);
  }
  health(now: number): TargetHealth[] {
    this.#open();
    return (this.#call(() => this.#module.health(this.#core, now)) as { targets: TargetHealth[] }).targets;
  }
  settle(request: SettleRequest): Settled {
    return this.#json('settle', request);
  }
  frame(protocol: keyof typeof protocols, data: string): ReplyPiece {
    const length = this.#write(data);
    return this.#piece(() => this.#module.frame(this.#core, protocols[protocol], length));
  }
  body(protocol: keyof typeof protocols, text: string): ReplyPiece {
    const length = this.#write(text);
    return this.#piece(() => this.#module.body(this.#core, protocols[protocol], length));
  }

  /** False once its module met a bug of its own. */
  get usable(): boolean {
    return this.#module.trapped !== true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#boundary.guarded(() => this.#module.close(this.#core));
    } catch {
      // What is left of a core that met a bug stays behind in its module.
    }
  }

  #open(): void {
    if (this.#closed) throw new TierwiseError('closed', 'This client was closed; create a new one.');
  }

  /** Malformed server text is a failed call, not a wrong request. */
  #piece(read: () => number): ReplyPiece {
    try {
      return this.#call(read) as ReplyPiece;
    } catch (error) {
      if (TierwiseError.isInstance(error) && error.code !== 'internal' && error.code !== 'closed') {
        throw new CallFailure({ kind: 'protocol', message: error.message }, error);
      }
      throw error;
    }
  }

  #json<M extends keyof JsonMethods>(method: M, value: JsonMethods[M][0]): JsonMethods[M][1] {
    return this.#send(method, JSON.stringify(value));
  }

  #send<M extends keyof JsonMethods>(method: M, text: string): JsonMethods[M][1] {
    const length = this.#write(wellFormedJson(text));
    return this.#call(() => this.#module[method](this.#core, length));
  }

  #write(text: string): number {
    this.#open();
    return this.#boundary.write(text);
  }

  /** Runs one function of the module, whose result is the length of its answer. */
  #call(run: () => number): unknown {
    const length = this.#boundary.guarded(run);
    const value: unknown = JSON.parse(this.#boundary.text(length));
    if (length >= 0) return value;
    throw refusal(value as Envelope);
  }
}

function refusal({ code, message, field }: Envelope): TierwiseError {
  if (code !== 'template-error' && code !== 'template-refused') return new RequestError(code, message, field);
  const [line, column] = field?.split(':').map(Number) ?? [];
  return new TemplateError(code, message, line ?? 1, column ?? 1);
}

/** What each method is given and answers, as JSON. */
interface JsonMethods {
  configure: [CoreConfig, { evicted: string[] }];
  check: [CheckRequest, CheckResult];
  contextBlock: [JsonObject, { text: string }];
  phrases: [unknown, unknown];
  mark: [MarkRequest, MarkAnswer];
  plan: [PlanRequest, Plan];
  partition: [{ fields: Record<string, string> }, { handle: number; id: string }];
  storable: [StorableRequest, StorableResult];
  store: [StoreRecord, StoreResult];
  forget: [ForgetRequest, ForgetAnswer];
  entries: [EntriesQuery, EntriesAnswer];
  admit: [Ticket, Admission];
  release: [Release, Released];
  succeeded: [SuccessReport, unknown];
  failed: [FailureReport, FailureVerdict];
  stage: [StageObservation, StageVerdict];
  settle: [SettleRequest, Settled];
  formatChat: [CoreChatRequest, CoreChatAnswer];
}

/** What a chat's texts take in the core is several times as much, and stays below 64 MiB. */
const mostChat = 7 << 19;
/**
 * `JSON.stringify` writes a lone surrogate as an escape (`\ud800`), which is not valid in strict JSON readers:
 * each becomes U+FFFD. An escaped backslash before `ud800` is left alone.
 */
export function wellFormedJson(text: string): string {
  if (!text.includes('\\ud')) return text;
  return text.replace(/\\(?:u(d[89a-f][0-9a-f]{2})|.)/g, (escape, lone: string | undefined) =>
    lone === undefined ? escape : '\ufffd',
  );
}
