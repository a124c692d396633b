/**
 * One piece of work that several callers wait for. Each caller may leave by its own signal without ending the work for
 * the others; when the last one leaves before it is done, the work's signal is aborted. Nobody can join after that.
 */
import { CallFailure } from './call-failure.js';

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

  join(signal: AbortSignal): Promise<T> {
    if (signal.aborted) return Promise.reject(leaving(signal));
    this.#callers += 1;
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#callers -= 1;
        if (this.#callers === 0 && !this.#settled) this.#controller.abort();
      };
      const onAbort = () => {
        leave();
        reject(leaving(signal));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const done = () => signal.removeEventListener('abort', onAbort);
      this.#result.then(
        (value) => {
          done();
          resolve(value);
        },
        (error: unknown) => {
          done();
          reject(error);
        },
      );
    });
  }
}

/** Why a signal ended a wait: a total timeout comes as a `CallFailure` in its reason, anything else is the caller's abort. */
export function leaving(signal: AbortSignal): CallFailure {
  const reason: unknown = signal.reason;
  return reason instanceof CallFailure ? reason : new CallFailure({ kind: 'abort' }, reason);
}
