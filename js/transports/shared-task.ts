/**
 * One piece of work that several callers wait for. Each caller may leave by its own signal without ending the work for
 * the others; when the last one leaves before it is done, the work's signal is aborted. Nobody can join after that.
 */
import { leaving, unlessLeft } from '../unless-left.js';

export class SharedTask<T> {
  readonly #controller = new AbortController();
  readonly #result: Promise<T>;
  #callers = 0;
  #settled = false;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = work(this.#controller.signal).finally(() => {
      this.#settled = true;
    });
    // Callers hear of a failure where they wait; without any it is nobody's.
    this.#result.catch(() => undefined);
  }

  /** False once the last caller has left: a new caller needs a new task. */
  get joinable(): boolean {
    return !this.#controller.signal.aborted;
  }

  async join(signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw leaving(signal);
    this.#callers += 1;
    try {
      return await unlessLeft(this.#result, signal);
    } finally {
      this.#callers -= 1;
      if (this.#callers === 0 && !this.#settled) this.#controller.abort();
    }
  }
}
