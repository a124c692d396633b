/**
 * Step 10: one usage event per attempt, hit, cancel and failure, in its final shape, to `on('usage')`, and to delivery.ts
 * where there are sinks or a backend: that is loaded with the first request then. Nothing here fails or holds up a request.
 */
import { atMost } from '../clock.js';
import type { ResolvedConfig } from '../config.js';
import { newId, type PreparedRequest } from '../request.js';
import type { UsageEvent, Warning } from '../types.js';
import { accountOf } from './account.js';
import type { Delivery, Feedback } from './delivery.js';

/** What a request waits for its usage to be kept somewhere, once. */
const patience = 3000;
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
  readonly #early: { account: string; what: (delivery: Delivery) => void }[] = [];
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
    return atMost(this.#config().clock, patience, this.#open()).then(() => void (this.#waited = true));
  }

  report(request: PreparedRequest, kind: UsageEvent['kind'], facts: Partial<UsageEvent>): void {
    const { usage, clock } = this.#config();
    if (!this.#delivers() && !this.#heard()) return;
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
    if (this.#delivers()) this.#deliver(request.account, (delivery) => delivery.record(event, request.account));
  }

  /** Resolves when it is kept. */
  async feedback(what: Pick<Feedback, 'replyId' | 'interactionId' | 'verdict' | 'comment'>): Promise<void> {
    const { usage, clock, partition } = this.#config();
    if (usage.backend === undefined) return;
    const feedback: Feedback = { eventId: newId(), ...what, at: clock.now() };
    const account = accountOf(partition);
    await this.ready();
    await new Promise<void>((resolve) => {
      this.#deliver(account, (delivery) => resolve(delivery.recordFeedback(feedback, account)));
      // It waits in memory.
      if (this.#delivery === undefined) resolve();
    });
  }

  async flush(): Promise<void> {
    if (this.#early.length > 0) await atMost(this.#config().clock, patience, this.#open());
    await this.#delivery?.flush();
  }

  /** Rows of the account that is signed in that have no verdict yet. */
  async waiting(): Promise<number> {
    if (!this.#delivers() || this.#closed) return 0;
    await atMost(this.#config().clock, patience, this.#open());
    if (this.#delivery !== undefined) return await this.#delivery.left();
    const now = accountOf(this.#config().partition);
    return this.#early.filter(({ account }) => account === now).length;
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
    const { backend, otlp, sinks } = this.#config().usage;
    return sinks.length > 0 || backend !== undefined || otlp !== undefined;
  }

  /** Never rejects; what failed is tried again with the next request. */
  #open(): Promise<void> {
    this.#opening ??= this.#load().catch((cause: unknown) => {
      this.#opening = undefined;
      this.#warn({ code: 'usage-not-loaded', message: 'usage.js could not be loaded; events wait in memory.', cause });
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
    for (const { what } of this.#early.splice(0)) what(this.#delivery);
  }

  #deliver(account: string, what: (delivery: Delivery) => void): void {
    if (this.#delivery !== undefined) what(this.#delivery);
    else if (this.#early.push({ account, what }) > mostEarly) {
      this.#early.shift();
      this.#warn({
        code: 'usage-lost',
        message: `More than ${String(mostEarly)} events wait for usage.js: the oldest is lost.`,
      });
    }
  }
}
