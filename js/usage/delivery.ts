/**
 * Where usage goes: to the caller's sinks, and to places that must not lose a row. Loaded with the first request of a
 * client that has one or the other (dist/usage.js). Samples and redacts; opens the outbox, gives each destination a
 * sender, and minds what happens to the page: it is hidden or left, shown again, on the network again. What fails is told
 * once and holds up nobody.
 */
import { atMost } from '../clock.js';
import type { Clock, UsageConfig, UsageEvent, UsageSink, Warning } from '../types.js';
import { backendDestination } from './backend.js';
import type { Destination } from './destination.js';
import { eventKinds } from './fold.js';
import { memoryOutbox } from './memory-outbox.js';
import { openOutbox } from './open-outbox.js';
import { otlpDestination } from './otlp.js';
import type { Outbox } from './outbox.js';
import { Sender, type World } from './sender.js';
import { askForSync } from './sync.js';

export interface DeliveryOptions extends Pick<World, 'clock' | 'random' | 'fetch' | 'newId' | 'warn' | 'account'> {
  usage: Omit<UsageConfig, 'sink'>;
  version: string;
  /** Nothing is kept in this browser. */
  inMemory: boolean;
}
export interface Feedback {
  eventId: string;
  replyId: string;
  interactionId: string | undefined;
  verdict: 'up' | 'down';
  comment: string | undefined;
  at: number;
}

/** What a browser takes of all requests together that outlive their page is 64 KiB. */
const mostAlong = 60_000;
const soon = 1000;
/** What `flush` waits for sinks and servers. */
const flushPatience = 5000;

export async function openDelivery(options: DeliveryOptions): Promise<Delivery> {
  const { backend, otlp } = options.usage;
  const kept = backend !== undefined || otlp !== undefined;
  return new Delivery(options, kept ? await openOutbox(options.inMemory, options.warn) : memoryOutbox());
}

export class Delivery {
  readonly #usage: DeliveryOptions['usage'];
  readonly #clock: Clock;
  readonly #warn: (warning: Warning) => void;
  readonly #outbox: Outbox;
  readonly #telling = new Set<Promise<unknown>>();
  readonly #warned = new Set<unknown>();
  readonly #events: { sender: Sender; kinds: readonly UsageEvent['kind'][] }[] = [];
  readonly #feedback: Sender | undefined;
  #closed = false;
  /** Bytes that are with the browser. */
  #along = 0;
  readonly #onHidden = () => {
    if ((globalThis as { document?: Document }).document?.visibilityState === 'hidden') this.leave();
  };
  readonly #onPageHide = () => this.leave();
  readonly #onOnline = () => {
    for (const sender of this.#senders()) sender.online();
  };
  readonly #onShown = () => {
    for (const sender of this.#senders()) sender.kick(0);
  };

  constructor(options: DeliveryOptions, outbox: Outbox) {
    const { usage, version } = options;
    this.#usage = usage;
    this.#clock = options.clock;
    this.#outbox = outbox;
    this.#warn = (warning) => {
      if (!this.#closed) options.warn(warning);
    };
    const world = {
      outbox,
      clock: options.clock,
      random: options.random,
      // Called as the platform wants it: with no `this`.
      fetch: ((url, init) => options.fetch.call(globalThis, url, init)) as typeof fetch,
      newId: options.newId,
      warn: this.#warn,
      account: options.account,
      maxWaiting: usage.maxWaiting ?? 20_000,
      onStuck: askForSync,
    };
    const add = (destination: Destination, kinds: readonly UsageEvent['kind'][]) =>
      this.#events.push({ sender: new Sender(destination, world), kinds });
    if (usage.backend !== undefined) {
      add(backendDestination(usage.backend, 'usage'), eventKinds);
      this.#feedback = new Sender(backendDestination(usage.backend, 'feedback'), world);
    }
    if (usage.otlp !== undefined) {
      const { appVersion } = usage;
      add(otlpDestination(usage.otlp, 'traces', version, appVersion), ['complete', 'error', 'hit', 'cancel']);
      add(otlpDestination(usage.otlp, 'metrics', version, appVersion), ['complete', 'error', 'cancel']);
    }
    const scope = globalThis as { addEventListener?: typeof addEventListener; document?: Document };
    scope.addEventListener?.('pagehide', this.#onPageHide);
    scope.addEventListener?.('pageshow', this.#onShown);
    scope.addEventListener?.('online', this.#onOnline);
    scope.document?.addEventListener('visibilitychange', this.#onHidden);
    for (const sender of this.#senders()) sender.kick(soon);
  }

  /** The writes are issued before this returns. */
  record(event: UsageEvent, account: string): void {
    const fit = this.#fitToTell(event);
    if (fit === undefined) return;
    for (const { sender, kinds } of this.#events)
      if (kinds.includes(event.kind)) void sender.add(event.eventId, fit.text, account);
    for (const sink of this.#usage.sinks ?? []) this.#tell(sink, fit.told);
  }

  /** Resolves when it is on the disk; at once without a backend. */
  async recordFeedback(feedback: Feedback, account: string): Promise<void> {
    await this.#feedback?.add(feedback.eventId, JSON.stringify(feedback), account);
    this.#feedback?.kick(0);
  }

  /** Every write is complete. */
  async written(): Promise<void> {
    await Promise.all(this.#senders().map((sender) => sender.written()));
  }

  /** As the client's. */
  async flush(): Promise<void> {
    await this.written();
    await atMost(this.#clock, flushPatience, Promise.all([this.#told(), this.send()]));
  }

  /** A round of sending, for each destination at once. */
  async send(): Promise<void> {
    await Promise.all(this.#senders().map((sender) => sender.send(true)));
  }

  /** Rows without a verdict. */
  async left(): Promise<number> {
    const counts = await Promise.all(this.#senders().map((sender) => sender.left()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Somebody else is signed in. */
  accountChanged(): void {
    this.#onShown();
  }

  leave(): void {
    let room = mostAlong - this.#along;
    for (const sender of this.#senders()) {
      const taken = sender.leave(room, (bytes) => (this.#along -= bytes));
      this.#along += taken;
      room -= taken;
    }
  }

  /** What was recorded stays; what is being written is finished. */
  async close(): Promise<void> {
    const scope = globalThis as { removeEventListener?: typeof removeEventListener; document?: Document };
    scope.removeEventListener?.('pagehide', this.#onPageHide);
    scope.removeEventListener?.('pageshow', this.#onShown);
    scope.removeEventListener?.('online', this.#onOnline);
    scope.document?.removeEventListener('visibilitychange', this.#onHidden);
    this.leave();
    for (const sender of this.#senders()) sender.close();
    await this.written();
    this.#closed = true;
    this.#outbox.close();
  }

  /** As JSON too: what a hook made of it may have none. */
  #fitToTell(event: UsageEvent): { told: UsageEvent; text: string } | undefined {
    const { sample, redact } = this.#usage;
    try {
      if (typeof sample === 'number' ? shareOf(event.interactionId) >= sample : sample?.(event) === false) return;
      const redacted = redact === undefined ? event : redact({ ...event });
      if (redacted === undefined) return;
      const told = redact === undefined ? event : { ...redacted, eventId: event.eventId };
      return { told, text: JSON.stringify(told) };
    } catch (error) {
      this.#once('usage-hook-failed', 'usage.sample or usage.redact threw: the event is told to no sink.', error);
      return undefined;
    }
  }

  #tell(sink: UsageSink, event: UsageEvent): void {
    const telling: Promise<unknown> = Promise.resolve()
      .then(() => sink(event))
      .catch((error: unknown) =>
        this.#once('usage-sink-failed', 'The usage sink threw; requests go on without it.', error, sink),
      )
      .finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  #once(code: string, message: string, cause: unknown, about: unknown = code): void {
    if (this.#warned.has(about)) return;
    this.#warned.add(about);
    this.#warn({ code, message, cause });
  }

  async #told(): Promise<void> {
    while (this.#telling.size > 0) await Promise.allSettled([...this.#telling]);
  }

  #senders(): Sender[] {
    const senders = this.#events.map(({ sender }) => sender);
    return this.#feedback === undefined ? senders : [...senders, this.#feedback];
  }
}

/** 0 to 1, the same for all events of an interaction: FNV-1a, mixed. */
function shareOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
