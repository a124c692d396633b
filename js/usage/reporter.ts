/**
 * Step 10: one usage event per attempt, hit, cancel and failure, in its final shape, to `on('usage')`; then, sampled and
 * redacted, to the caller's sinks and to what must not lose it (delivery.ts, loaded when such a place is configured).
 * Whatever fails here is told once and never holds up a request.
 */
import type { ResolvedConfig } from '../config.js';
import { newId, type PreparedRequest } from '../request.js';
import type { UsageEvent, UsageSink, Warning } from '../types.js';
import { accountOf } from './account.js';
import type { Delivery, Feedback } from './delivery.js';

/** What a request waits for its usage to be kept somewhere, once, and `flush` for sinks and servers. */
const patience = 3000;
const flushPatience = 5000;
/** After this time in a page, what an earlier visit left is sent, though nothing is asked of the client. */
const untilIdle = 2000;
/** Requests that `close` ended report that they were cancelled. */
const untilQuiet = 100;
/** Recorded before delivery is there. */
const mostEarly = 20_000;

export class UsageReporter {
  readonly #config: () => ResolvedConfig;
  readonly #emit: (event: UsageEvent) => void;
  readonly #heard: () => boolean;
  readonly #warn: (warning: Warning) => void;
  readonly #sending = new Set<Promise<unknown>>();
  readonly #warned = new Set<unknown>();
  readonly #early: ((delivery: Delivery) => void)[] = [];
  #delivery: Delivery | undefined;
  #opening: Promise<void> | undefined;
  #waited = false;
  #closed = false;
  #cancelIdle: (() => void) | undefined;

  /** `heard`: whether anybody listens to `emit`. `inPage`: an earlier visit may have left something. */
  constructor(
    config: () => ResolvedConfig,
    emit: (event: UsageEvent) => void,
    heard: () => boolean,
    warn: (warning: Warning) => void,
    inPage: boolean,
  ) {
    this.#config = config;
    this.#emit = emit;
    this.#heard = heard;
    this.#warn = warn;
    if (inPage && this.#delivers()) this.#cancelIdle = config().clock.after(untilIdle, () => this.begin());
  }

  /** Lets delivery come while something else is done. */
  begin(): void {
    if (this.#delivers() && !this.#closed) void this.#open();
  }

  /** What a request must wait for, so that its events are being written before it resolves. */
  ready(): Promise<void> | undefined {
    if (this.#delivery !== undefined || this.#waited || !this.#delivers()) return undefined;
    return this.#within(patience, this.#open()).then(() => void (this.#waited = true));
  }

  report(request: PreparedRequest, kind: UsageEvent['kind'], facts: Partial<UsageEvent>): void {
    const { usage, clock } = this.#config();
    if (usage.sinks.length === 0 && !this.#delivers() && !this.#heard()) return;
    const company = request.context['companyId'] ?? request.partition['tenant'];
    const event: UsageEvent = {
      eventId: newId(),
      interactionId: request.interactionId,
      replyId: undefined,
      kind,
      at: clock.now(),
      tier: undefined,
      target: undefined,
      provider: undefined,
      model: undefined,
      source: undefined,
      inputTokens: undefined,
      outputTokens: undefined,
      tokensEstimated: undefined,
      cost: undefined,
      saved: undefined,
      firstPartMs: undefined,
      totalMs: undefined,
      status: undefined,
      errorClass: undefined,
      attempt: undefined,
      user: request.partition['user'],
      company: typeof company === 'string' ? company : undefined,
      contextLabel: request.contextLabel,
      experimentArm: undefined,
      appVersion: usage.appVersion,
      ...facts,
    };
    this.#emit(event);
    const told = this.#fitToTell(event);
    if (told === undefined) return;
    if (this.#delivers()) this.#deliver((delivery) => delivery.record(told, request.account));
    for (const sink of usage.sinks) this.#tell(sink, told);
  }

  /** Resolves when it is kept. */
  async feedback(what: Pick<Feedback, 'replyId' | 'interactionId' | 'verdict' | 'comment'>): Promise<void> {
    const { usage, clock, partition } = this.#config();
    if (usage.backend === undefined) return;
    const feedback: Feedback = { eventId: newId(), ...what, at: clock.now() };
    const account = accountOf(partition);
    await this.ready();
    await new Promise<void>((resolve) => {
      this.#deliver((delivery) => resolve(delivery.recordFeedback(feedback, account)));
      // It waits in memory.
      if (this.#delivery === undefined) resolve();
    });
  }

  /** Every write is complete; a sink or server that does not settle is waited for no longer than 5 s. */
  async flush(): Promise<void> {
    if (this.#early.length > 0) await this.#within(patience, this.#open());
    await this.#delivery?.written();
    await this.#within(flushPatience, Promise.all([this.#sent(), this.#delivery?.send()]));
  }

  /** `configure` may have brought another user. */
  accountChanged(): void {
    this.#delivery?.accountChanged();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelIdle?.();
    const end = () => void this.#delivery?.close().catch(() => undefined);
    if (this.#opening !== undefined) this.#config().clock.after(untilQuiet, () => void this.#opening?.then(end));
  }

  #delivers(): boolean {
    const { backend, otlp } = this.#config().usage;
    return backend !== undefined || otlp !== undefined;
  }

  /** Never rejects; what failed is tried again with the next request. */
  #open(): Promise<void> {
    this.#opening ??= this.#load().catch((cause: unknown) => {
      this.#opening = undefined;
      this.#once('usage-not-loaded', 'What delivers usage could not be loaded; events wait in memory.', cause);
    });
    return this.#opening;
  }

  async #load(): Promise<void> {
    const { openDelivery } = await import('./delivery.js');
    const { usage, clock, random, fetch, storage } = this.#config();
    this.#delivery = await openDelivery({
      usage,
      version: __TIERWISE_VERSION__,
      clock,
      random,
      fetch,
      newId,
      warn: (warning) => this.#warn(warning),
      account: () => accountOf(this.#config().partition),
      inMemory: storage === 'memory',
    });
    for (const each of this.#early.splice(0)) each(this.#delivery);
  }

  #deliver(what: (delivery: Delivery) => void): void {
    if (this.#delivery !== undefined) what(this.#delivery);
    else if (this.#early.length < mostEarly) this.#early.push(what);
    else this.#once('usage-lost', `More than ${String(mostEarly)} events wait in memory: the newest are lost.`);
  }

  #fitToTell(event: UsageEvent): UsageEvent | undefined {
    const { sample, redact } = this.#config().usage;
    try {
      if (typeof sample === 'number' ? shareOf(event.interactionId) >= sample : sample?.(event) === false) return;
      if (redact === undefined) return event;
      const redacted = redact({ ...event });
      return redacted && { ...redacted, eventId: event.eventId };
    } catch (error) {
      this.#once('usage-hook-failed', 'usage.sample or usage.redact threw: the event is told to no sink.', error);
      return undefined;
    }
  }

  #tell(sink: UsageSink, event: UsageEvent): void {
    const sending: Promise<unknown> = Promise.resolve()
      .then(() => sink(event))
      .catch((error: unknown) =>
        this.#once('usage-sink-failed', 'The usage sink threw; requests go on without it.', error, sink),
      )
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  #once(code: string, message: string, cause?: unknown, about: unknown = code): void {
    if (this.#warned.has(about)) return;
    this.#warned.add(about);
    this.#warn({ code, message, ...(cause !== undefined && { cause }) });
  }

  async #sent(): Promise<void> {
    while (this.#sending.size > 0) await Promise.allSettled([...this.#sending]);
  }

  /** Resolves with the work, or when the time is over. */
  #within(ms: number, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#config().clock.after(ms, resolve);
      void work.then(stop).then(resolve);
    });
  }
}

/** 0 to 1, the same for all events of an interaction: FNV-1a, mixed. */
function shareOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
