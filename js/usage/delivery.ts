/**
 * The page's way of usage to places that must not lose a row: loaded with the first request of a client that has one
 * configured (dist/usage.js). Opens the outbox, gives each destination a sender, and minds what happens to the page: it
 * is hidden or left, shown again, on the network again.
 */
import type { Clock, UsageConfig, UsageEvent, Warning } from '../types.js';
import { backendDestination } from './backend.js';
import type { Destination } from './destination.js';
import { openOutbox } from './open-outbox.js';
import { otlpDestination } from './otlp.js';
import type { Outbox } from './outbox.js';
import { Sender } from './sender.js';
import { askForSync } from './sync.js';

export interface DeliveryOptions {
  usage: UsageConfig;
  version: string;
  clock: Clock;
  random: () => number;
  fetch: typeof fetch;
  newId: () => string;
  warn: (warning: Warning) => void;
  account: () => string;
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
/** Rows of an earlier visit are not waited for. */
const soon = 1000;

export async function openDelivery(options: DeliveryOptions): Promise<Delivery> {
  return new Delivery(options, await openOutbox(options.inMemory, options.warn));
}

export class Delivery {
  readonly #outbox: Outbox;
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
    this.#outbox = outbox;
    const world = {
      outbox,
      clock: options.clock,
      random: options.random,
      // Called as the platform wants it: with no `this`.
      fetch: ((url, init) => options.fetch.call(globalThis, url, init)) as typeof fetch,
      newId: options.newId,
      warn: (warning: Warning) => {
        if (!this.#closed) options.warn(warning);
      },
      account: options.account,
      maxWaiting: usage.maxWaiting ?? 20_000,
      onStuck: askForSync,
    };
    const add = (destination: Destination, kinds: readonly UsageEvent['kind'][]) =>
      this.#events.push({ sender: new Sender(destination, world), kinds });
    if (usage.backend !== undefined) {
      add(backendDestination(usage.backend, 'usage'), ['start', 'complete', 'error', 'hit', 'cancel']);
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
    let text: string | undefined;
    for (const { sender, kinds } of this.#events)
      if (kinds.includes(event.kind)) void sender.add(event.eventId, (text ??= JSON.stringify(event)), account);
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

  #senders(): Sender[] {
    const senders = this.#events.map(({ sender }) => sender);
    return this.#feedback === undefined ? senders : [...senders, this.#feedback];
  }
}
