/**
 * Holds calls back until the core admits them (concurrency and rate limits per target, `wasm/route/quota`).
 * The core keeps the queue; this keeps the promises and the timers.
 */
import type { Core } from './core.js';
import type { Released } from './core-types.js';
import { CallFailure } from './transports/call-failure.js';
import type { Clock } from './types.js';
import { leaving } from './unless-left.js';

interface Waiting {
  start(): void;
  expire(): void;
}

export class Turnstile {
  readonly #core: Core;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();
  readonly #timers = new Map<string, () => void>();
  #count = 0;
  #closed = false;

  constructor(core: Core, clock: Clock) {
    this.#core = core;
    this.#clock = clock;
  }

  /** Resolves when the call may start, with what must be called when it has ended. */
  async enter(
    ticket: { target: string; mode: 'interactive' | 'background'; deadline: number },
    signal: AbortSignal,
    onWait: (position: number, reason: string) => void,
  ): Promise<() => void> {
    const { target } = ticket;
    const id = String(++this.#count);
    const admission = this.#core.admit({ ...ticket, id, now: this.#clock.now() });
    if (admission.state === 'refused') throw new CallFailure({ kind: 'quota', message: admission.reason });
    if (admission.state === 'wait') {
      onWait(admission.position ?? 0, admission.reason);
      if (admission.at !== undefined) this.#tickAt(target, admission.at);
      await this.#turn(target, id, signal, admission.reason);
    }
    return () => this.#release(target, id);
  }

  /** Ends every timer; waiting calls are left to their signals. The core is not asked again. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #turn(target: string, id: string, signal: AbortSignal, reason: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(id);
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        leave();
        this.#release(target, id);
        reject(leaving(signal));
      };
      this.#waiting.set(id, {
        start: () => {
          leave();
          resolve();
        },
        expire: () => {
          leave();
          reject(
            new CallFailure({ kind: 'quota', message: `The call waited for its turn until its deadline. ${reason}` }),
          );
        },
      });
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #release(target: string, id: string): void {
    if (!this.#closed) this.#apply(target, this.#core.release({ target, id, now: this.#clock.now() }));
  }

  #apply(target: string, released: Released): void {
    for (const id of released.start) this.#waiting.get(id)?.start();
    for (const id of released.expired) this.#waiting.get(id)?.expire();
    if (released.at !== undefined) this.#tickAt(target, released.at);
  }

  #tickAt(target: string, at: number): void {
    this.#timers.get(target)?.();
    const cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#timers.delete(target);
      this.#apply(target, this.#core.release({ target, tick: true, now: this.#clock.now() }));
    });
    this.#timers.set(target, cancel);
  }
}
