/** What ended a request, as its caller meets it: one `CallError` with every attempt, the partial text and the trace. */
import { isUnsent, TargetFailed } from './attempts.js';
import { type CallAttempt, CallError, type TierwiseError } from './errors.js';
import { CallFailure } from './transports/call-failure.js';
import type { SpaceStatus, Trace } from './types.js';

export interface Ending {
  /** Targets that did not answer, in order. */
  failures: readonly TargetFailed[];
  partial: string | undefined;
  trace: Trace;
  /** Of the whole request, ms. */
  total: number;
  /** What the target was doing last. */
  status: SpaceStatus | undefined;
}

/** Undefined for what is public already, or a bug. */
export function callError(
  error: unknown,
  { failures, partial, trace, total, status }: Ending,
): TierwiseError | undefined {
  if (error instanceof CallError) return error;
  if (!(error instanceof TargetFailed || error instanceof CallFailure)) return undefined;
  const attempts: CallAttempt[] = failures.map(({ target, verdict: { class: failureClass, message } }) => ({
    target,
    class: failureClass,
    message,
  }));
  const more = { attempts, trace, cause: error, ...(partial !== undefined && { partial }) };
  if (error instanceof CallFailure) {
    const doing =
      status === undefined || status.state === 'ready' || status.state === 'unknown' ? '' : ` ${status.message}`;
    const message = `No complete reply within ${String(total / 1000)} s (timeouts.total).${doing}`;
    return new CallError('timeout', message, more);
  }
  // The only target could not even be asked.
  const { cause, verdict } = error;
  if (failures.length === 1 && isUnsent(cause)) return cause;
  const earlier = attempts.slice(0, -1).map(({ message }) => message);
  const also = earlier.length > 0 ? ` Before it: ${earlier.join(' ')}` : '';
  return new CallError(verdict.class, `${verdict.message}${also}`, {
    ...more,
    ...(verdict.resetAt !== undefined && { retryAt: verdict.resetAt }),
  });
}
