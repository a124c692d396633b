/**
 * The one place that calls fetch for a target. Promises:
 * - the token goes only to origins the target was given for (`mayReceiveToken`), never along a redirect:
 *   redirects are not followed but reported, with what to change (only files anybody may read are fetched along them,
 *   without the token);
 * - cookies are never sent (`credentials: 'omit'`), except to the caller's own proxy on the same origin;
 * - bodies are bounded: `maxReplyBytes` for replies, 64 KiB for error bodies; past that the stream is cancelled;
 * - every wait ends: `firstChunk` until the first byte of the body, `stall` between two reads, and the signal.
 * Failures are `CallFailure`s carrying facts; secrets this target holds are cut out of them. What `onFrame` throws
 * comes out as it is.
 */
import type { FailureFacts } from './core-types.js';
import { events, type Frame, jsonLines } from './frames.js';
import { redact } from './redact.js';
import { CallFailure } from './transports/call-failure.js';
import type { Clock, TokenSource } from './types.js';

const errorBodyBytes = 64 * 1024;
/** A stream of tiny frames is no reply: each costs more than its bytes. */
const mostFrames = 250_000;
const tooLarge = (limit: string) =>
  new CallFailure({ kind: 'too-large', message: `The reply is larger than ${limit}.` });
/** Token functions may give another one for each call; a server may repeat any of them. */
const tokensKept = 8;
const factHeaders = ['retry-after', 'ratelimit', 'ratelimit-policy', 'content-type', 'x-error-code', 'x-error-message'];

export interface HttpOptions {
  fetch: typeof fetch;
  clock: Clock;
  token: TokenSource | undefined;
  /** Origins the token may be sent to. Asked for each call: the Hub may name the Space's host later. */
  mayReceiveToken: (origin: string) => boolean;
  credentials: RequestCredentials;
  maxReplyBytes: number;
  timeouts: { firstChunk: number; stall: number };
}
export interface CallInit {
  method?: 'GET' | 'POST' | 'DELETE';
  headers?: Record<string, string> | undefined;
  /** Sent as JSON. */
  json?: unknown;
  body?: BodyInit;
  signal: AbortSignal;
  /** The request may outlive the page (a last word when it is left). */
  keepalive?: boolean;
  /** A file that anybody may read: redirects are followed, the token stays here, the browser may have it cached. */
  follow?: boolean;
  /** Overrides for this call, ms. */
  timeouts?: { firstChunk?: number; stall?: number } | undefined;
}
export class Http {
  readonly #options: HttpOptions;
  /** The newest first. */
  #tokens: readonly string[] = [];

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** A JSON (or text) reply, read whole. Non-2xx statuses are thrown as failures. */
  async text(
    url: string,
    init: CallInit,
  ): Promise<{ text: string; contentType: string; status: number; headers: Headers }> {
    const watch = new Watch(this.#options.clock, init.signal, this.#limits(init));
    try {
      const response = await this.#send(url, init, watch);
      const text = this.hideToken(await this.#readText(response, watch, this.#options.maxReplyBytes, true));
      return {
        text,
        contentType: response.headers.get('content-type') ?? '',
        status: response.status,
        headers: response.headers,
      };
    } finally {
      watch.end();
    }
  }

  async json(url: string, init: CallInit): Promise<unknown> {
    const { text, contentType } = await this.text(url, {
      ...init,
      headers: { accept: 'application/json', ...init.headers },
    });
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new CallFailure(
        {
          kind: 'protocol',
          message: 'The server did not answer with JSON.',
          body: this.#clean(text.slice(0, 2000)),
          headers: { 'content-type': contentType },
        },
        cause,
      );
    }
  }

  /**
   * A streamed reply. `onFrame` hears each server-sent event as it arrives (an SSE field named `error` comes as
   * event `error`) and ends the reading by returning `'stop'`. A body that is not an event stream is given whole
   * as one frame with event `body`. Any activity, comments and pings included, starts the stall clock anew;
   * `onFrame` may call `progress()` to start the first-chunk clock anew.
   */
  async frames(
    url: string,
    init: CallInit,
    onFrame: (frame: Frame, progress: () => void) => 'stop' | undefined | void,
  ): Promise<void> {
    const watch = new Watch(this.#options.clock, init.signal, this.#limits(init));
    try {
      const response = await this.#send(
        url,
        { ...init, headers: { accept: 'text/event-stream, application/json', ...init.headers } },
        watch,
      );
      const contentType = response.headers.get('content-type') ?? '';
      const progress = () => watch.progress();
      if (!/^(text\/event-stream|application\/x-ndjson|application\/stream\+json)/i.test(contentType)) {
        const data = this.hideToken(await this.#readText(response, watch, this.#options.maxReplyBytes, true));
        onFrame({ event: 'body', data }, progress);
        return;
      }
      const state = { stopped: false, frames: 0 };
      const hear = (frame: Frame) => {
        if (state.stopped) return;
        if (++state.frames > mostFrames) throw tooLarge(`${String(mostFrames)} parts`);
        frame.data = this.hideToken(frame.data);
        if (onFrame(frame, progress) === 'stop') state.stopped = true;
      };
      const feed = /ndjson|stream\+json/i.test(contentType) ? jsonLines(hear) : events(hear);
      await this.#read(response, watch, this.#options.maxReplyBytes, (text) => {
        feed.push(text);
        return state.stopped;
      });
      if (!state.stopped) feed.end();
    } finally {
      watch.end();
    }
  }

  /** Knocks at an address so that what sleeps there wakes: nothing is read, no token goes along, nothing is thrown. */
  visit(url: string): void {
    void this.#options.fetch
      .call(globalThis, url, { mode: 'no-cors', credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer' })
      .then((response) => response.body?.cancel())
      .catch(() => undefined);
  }

  /** The same without the token: for servers whose CORS rules let no header of ours through. */
  withoutToken(): Http {
    return new Http({ ...this.#options, token: undefined });
  }

  /** Whether a token is configured that may go to this address. */
  holdsTokenFor(url: string): boolean {
    return this.#options.token !== undefined && this.#options.mayReceiveToken(new URL(url).origin);
  }

  /** Whether there is anything for `hideToken` to hide. */
  get sentToken(): boolean {
    return this.#tokens.length > 0;
  }

  #limits(init: CallInit): { firstChunk: number; stall: number } {
    const { firstChunk, stall } = init.timeouts ?? {};
    return {
      firstChunk: firstChunk ?? this.#options.timeouts.firstChunk,
      stall: stall ?? this.#options.timeouts.stall,
    };
  }

  /** A server that repeats a token it was sent, in JSON escapes or not, must not get it into a reply, a status or the cache. */
  hideToken(text: string): string {
    let shown = text;
    for (const token of this.#tokens) {
      if (!shown.includes(token)) shown = unescaped(shown);
      if (shown.includes(token)) shown = text = shown.replaceAll(token, '[redacted]');
    }
    return text;
  }

  #clean(text: string): string {
    return redact(this.hideToken(text));
  }

  async #send(url: string, init: CallInit, watch: Watch): Promise<Response> {
    const headers = new Headers(init.headers);
    if (
      init.follow !== true &&
      this.#options.token !== undefined &&
      this.#options.mayReceiveToken(new URL(url).origin)
    ) {
      const token = await this.#token(this.#options.token, watch);
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    }
    if (init.json !== undefined) headers.set('content-type', 'application/json');
    let response: Response;
    try {
      watch.throwIfOver();
      const sent = this.#options.fetch.call(globalThis, url, {
        method: init.method ?? 'GET',
        headers,
        body: init.json === undefined ? (init.body ?? null) : JSON.stringify(init.json),
        signal: watch.signal,
        credentials: this.#options.credentials,
        redirect: init.follow === true ? 'follow' : 'manual',
        cache: init.follow === true ? 'default' : 'no-store',
        referrerPolicy: 'no-referrer',
        ...(init.keepalive === true && { keepalive: true }),
      });
      response = await watch.race(sent);
      // As the types have it; a fetch of the caller's own may know better.
      if (typeof (response as Partial<Response> | undefined)?.headers?.get !== 'function')
        throw new TypeError('fetch gave something that is no Response.');
    } catch (cause) {
      throw this.#networkFailure(cause, watch);
    }
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel().catch(() => undefined);
      throw new CallFailure({
        kind: 'redirect',
        ...(response.status > 0 && { status: response.status }),
        message: `${new URL(url).origin} answered with a redirect. Redirects are not followed, so that tokens and prompts stay with the address you configured: set the final URL.`,
      });
    }
    if (!response.ok) {
      const body = await this.#readText(response, watch, errorBodyBytes, false).catch(() => '');
      if (watch.over?.kind === 'abort') watch.throwIfOver();
      const facts: FailureFacts = { kind: 'http', status: response.status, headers: {}, body: this.#clean(body) };
      for (const name of factHeaders) {
        const value = response.headers.get(name);
        if (value !== null) facts.headers![name] = this.#clean(value);
      }
      throw new CallFailure(facts);
    }
    return response;
  }

  /** The caller's function may hang, fail or give nonsense; a token that is no header value would be quoted by `Headers`. */
  async #token(source: TokenSource, watch: Watch): Promise<string | undefined> {
    watch.throwIfOver();
    let given: string | undefined;
    try {
      given = typeof source === 'function' ? await watch.race(Promise.resolve(source())) : source;
    } catch (cause) {
      if (watch.over !== undefined) throw new CallFailure(watch.over, cause);
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new CallFailure(
        { kind: 'token', message: `The token function of this target failed: ${this.#clean(said)}` },
        cause,
      );
    }
    if (typeof given !== 'string') return undefined;
    const token = given.trim().replace(/^Bearer\s+/i, '');
    if (token === '') return undefined;
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new CallFailure({
        kind: 'token',
        message: 'The token of this target has characters no token has (spaces, line breaks): copy it again.',
      });
    }
    // Shorter ones are no secrets, and parts of words.
    if (token.length >= 8)
      this.#tokens = [token, ...this.#tokens.filter((known) => known !== token)].slice(0, tokensKept);
    return token;
  }

  #networkFailure(cause: unknown, watch: Watch): CallFailure {
    if (cause instanceof CallFailure) return cause;
    const over = watch.over;
    if (over !== undefined) return new CallFailure(over, cause);
    return new CallFailure(
      { kind: 'network', message: this.#clean(cause instanceof Error ? cause.message : String(cause)) },
      cause,
    );
  }

  async #readText(response: Response, watch: Watch, limit: number, strict: boolean): Promise<string> {
    let whole = '';
    await this.#read(
      response,
      watch,
      limit,
      (text) => {
        whole += text;
        return false;
      },
      strict,
    );
    return whole;
  }

  /** Reads until the end or until `take` returns true (then the server is told to stop). */
  async #read(
    response: Response,
    watch: Watch,
    limit: number,
    take: (text: string) => boolean,
    strict = true,
  ): Promise<void> {
    if (response.body === null) return;
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    // A fetch that does not know signals ends too.
    const stop = () => void reader.cancel().catch(() => undefined);
    const deaf = watch.whenOver(stop);
    let bytes = 0;
    let ended = false;
    try {
      for (;;) {
        // In place: a function of its own costs another promise for each chunk.
        let chunk: ReadableStreamReadResult<Uint8Array>;
        try {
          chunk = await reader.read();
        } catch (cause) {
          if (watch.over !== undefined) throw new CallFailure(watch.over, cause);
          throw new CallFailure({ kind: 'cut', message: 'The connection broke before the reply was complete.' }, cause);
        }
        watch.throwIfOver();
        const { done, value } = chunk;
        if (done) break;
        watch.activity();
        bytes += value.byteLength;
        if (bytes > limit) {
          if (!strict) {
            take(decoder.decode(value.subarray(0, value.byteLength - (bytes - limit))));
            return;
          }
          throw tooLarge(`${String(limit)} bytes (maxReplyBytes)`);
        }
        if (take(decoder.decode(value, { stream: true }))) return;
      }
      ended = true;
      const rest = decoder.decode();
      if (rest !== '') take(rest);
    } finally {
      deaf();
      // Not waited for: some servers never acknowledge it.
      if (!ended) stop();
    }
  }
}

/** The clocks of one call: the caller's signal, time to first byte, time between two reads. */
class Watch {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #limits: { firstChunk: number; stall: number };
  readonly #outer: AbortSignal;
  readonly #onOuter = () => this.#finish({ kind: 'abort' });
  readonly #hearers = new Set<() => void>();
  #cancelTimer: (() => void) | undefined;
  #deadline = 0;
  #armedFor = 0;
  #phase: 'first-chunk' | 'stall' = 'first-chunk';
  over: FailureFacts | undefined;

  constructor(clock: Clock, outer: AbortSignal, limits: { firstChunk: number; stall: number }) {
    this.#clock = clock;
    this.#limits = limits;
    this.#outer = outer;
    if (outer.aborted) this.#onOuter();
    else outer.addEventListener('abort', this.#onOuter, { once: true });
    this.#arm(limits.firstChunk);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  throwIfOver(): void {
    if (this.over !== undefined) throw new CallFailure(this.over);
  }

  /** `work`, unless the watch ends first. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const deaf = this.whenOver(() => reject(new CallFailure(this.over ?? { kind: 'abort' })));
      work.then(
        (value) => {
          deaf();
          resolve(value);
        },
        (error: unknown) => {
          deaf();
          reject(error);
        },
      );
    });
  }

  /** Calls `hear` when the watch ends, unless the result is called first. Cheaper than a listener on the signal. */
  whenOver(hear: () => void): () => void {
    if (this.over !== undefined) hear();
    else this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  activity(): void {
    this.#phase = 'stall';
    this.#deadline = this.#clock.now() + this.#limits.stall;
    if (this.#deadline < this.#armedFor) this.#arm(this.#limits.stall);
  }

  progress(): void {
    this.#deadline = this.#clock.now() + Math.max(this.#limits.firstChunk, this.#limits.stall);
  }

  end(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#outer.removeEventListener('abort', this.#onOuter);
  }

  // One timer that re-arms itself: activity moves the deadline, and a chunk costs no timer but where it comes nearer.
  #arm(ms: number): void {
    if (this.over !== undefined) return;
    this.#cancelTimer?.();
    this.#deadline = this.#clock.now() + ms;
    const look = () => {
      const left = this.#deadline - this.#clock.now();
      if (left > 0) wait(left);
      else this.#finish({ kind: 'timeout', phase: this.#phase });
    };
    const wait = (left: number) => {
      this.#armedFor = this.#clock.now() + left;
      this.#cancelTimer = this.#clock.after(left, look);
    };
    wait(ms);
  }

  #finish(facts: FailureFacts): void {
    // A total timeout aborts the outer signal with a CallFailure as its reason.
    const reason: unknown = this.#outer.reason;
    this.over ??= facts.kind === 'abort' && reason instanceof CallFailure ? reason.facts : facts;
    this.#controller.abort();
    for (const hear of this.#hearers) hear();
  }
}

/** JSON escapes of what needs none, resolved: the value stays what it was. */
function unescaped(json: string): string {
  return json.includes('\\')
    ? json.replace(/\\(?:u00([2-7][\da-f])|.)/gis, (escape: string, hex: string | undefined) => {
        if (hex === undefined) return escape === '\\/' ? '/' : escape;
        const character = String.fromCharCode(parseInt(hex, 16));
        return character === '"' || character === '\\' ? escape : character;
      })
    : json;
}
