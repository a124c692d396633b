/**
 * Calls a function of the backend as the person who is signed in. Answers its JSON; a failure is a `CallFailed` with the
 * answer's status, code and words. Status 0: nobody answered (`offline`), in time where `signal` is a time limit, there is
 * nobody to ask as (`not-signed-in`), or who it was asked as is not signed in any more (`signed-out`): nothing is asked under
 * another name.
 */
import type { Session } from './session';

export class CallFailed extends Error {
  override name = 'CallFailed';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Ms after which it may be tried again, where the server said so. */
    readonly retryAfterMs?: number,
    /** The field of the body that is wrong. */
    readonly field?: string,
  ) {
    super(message);
  }
}

export interface CallOptions {
  /** Default `POST` with a body, `GET` without. */
  method?: string;
  body?: unknown;
  signal?: AbortSignal;
}
type Caller = Pick<Session, 'backend' | 'token' | 'status' | 'company' | 'account'>;

/** `path`: below `/functions/v1/`, with its query. Errors: CallFailed; what `signal` aborts with, but for a timeout. */
export async function callFunction<T>(session: Caller, path: string, options: CallOptions = {}): Promise<T> {
  const { body, signal, method = body === undefined ? 'GET' : 'POST' } = options;
  if (session.backend === undefined || session.status !== 'in')
    throw new CallFailed(0, 'not-signed-in', 'Sign in first.');
  const url = `${session.backend.url}/functions/v1/${path}`;
  const ask = async (token: string) =>
    fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(session.company && { 'x-tierwise-company': session.company.id }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
      credentials: 'omit',
      redirect: 'error',
      cache: 'no-store',
    }).catch((cause: unknown) => {
      throw signal?.aborted ? ended(signal, cause) : unreachable();
    });
  const token = await session.token();
  if (signal?.aborted) throw ended(signal);
  if (token === undefined) throw session.account?.ended() ? signedOut() : unreachable();
  let answer = await ask(token);
  if (answer.status === 401 && stale.has((await failureOf(answer.clone())).code)) {
    const next = await session.token({ renew: true });
    if (session.account?.ended()) throw signedOut();
    if (next !== undefined && next !== token) answer = await ask(next);
  }
  if (!answer.ok) throw await failureOf(answer);
  if (answer.status === 204) return undefined as T;
  return (await answer.json().catch((cause: unknown) => {
    if (signal?.aborted) throw ended(signal, cause);
    throw new CallFailed(answer.status, 'no-json', 'The backend answered with something that is not JSON.');
  })) as T;
}

/** What a fresh token can mend. */
const stale = new Set(['token-expired', 'invalid-token']);

/** What a call that was given up fails with. */
function ended(signal: AbortSignal, cause: unknown = signal.reason): unknown {
  return signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError' ? unreachable() : cause;
}

export function unreachable(): CallFailed {
  return new CallFailed(0, 'offline', 'The backend cannot be reached.');
}

function signedOut(): CallFailed {
  return new CallFailed(0, 'signed-out', 'You signed out meanwhile, so nothing was done.');
}

/** Of the functions `{ error, code }`, of the sign-in `{ msg, error_code }`. */
export async function failureOf(answer: Response): Promise<CallFailed> {
  const value = (await answer.json().catch(() => ({}))) as Record<string, unknown> | null;
  const text = (...names: string[]) => names.map((name) => value?.[name]).find((found) => typeof found === 'string');
  const seconds = Number(answer.headers.get('retry-after') ?? NaN);
  return new CallFailed(
    answer.status,
    text('code', 'error_code') ?? 'unknown',
    text('error', 'msg') ?? `The backend answered with status ${String(answer.status)}.`,
    Number.isFinite(seconds) ? seconds * 1000 : undefined,
    text('field'),
  );
}
