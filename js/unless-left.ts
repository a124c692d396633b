/** Waits that a signal ends. */
import { CallFailure } from './transports/call-failure.js';

/** `work`, unless the signal fires first: then its reason as a `CallFailure`. The work itself goes on. */
export function unlessLeft<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(leaving(signal));
    if (signal.aborted) {
      work.catch(() => undefined);
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    const done = () => signal.removeEventListener('abort', onAbort);
    work.then(
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

/** Why a signal ended a wait: a total timeout comes as a `CallFailure` in its reason, anything else is the caller's abort. */
export function leaving(signal: AbortSignal): CallFailure {
  const reason: unknown = signal.reason;
  return reason instanceof CallFailure ? reason : new CallFailure({ kind: 'abort' }, reason);
}
