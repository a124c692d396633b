/** Why the backend gave nothing, in words, and what to do: one text for each way it can fail. */
import type { ReactNode } from 'react';

import { Icon } from '../parts/icon';
import { span } from '../words';
import { CallFailed } from './call';
import { useSession } from './session';

export interface ProblemWords {
  what: string;
  todo: string;
}

export function problemWords(error: unknown, url: string): ProblemWords {
  if (!(error instanceof CallFailed))
    return { what: error instanceof Error ? error.message : String(error), todo: 'Try again.' };
  const { status, code, message, retryAfterMs } = error;
  if (status === 0 && code === 'not-signed-in')
    return { what: message, todo: 'The backend answers only people it knows.' };
  if (status === 0 && code === 'signed-out') return { what: message, todo: 'Sign in under the same name to do it.' };
  if (status === 0)
    return navigator.onLine
      ? {
          what: 'The backend does not answer.',
          todo: `Nothing answers at ${url}. Is it running, and reachable from here?`,
        }
      : { what: 'This browser is offline.', todo: 'It is asked again as soon as the network is back.' };
  if (status === 401) return { what: 'Your session was not accepted.', todo: 'Sign out and in again.' };
  if (code === 'not-a-member')
    return { what: 'You are in no company yet.', todo: 'An administrator of the company can add you.' };
  if (status === 403) return { what: message, todo: 'An administrator of your company may.' };
  if (status === 429)
    return {
      what: 'Asked too often.',
      todo: `It can be asked again in ${span(retryAfterMs ?? 5000)}, and is then.`,
    };
  if (code === 'functions-unavailable') return { what: message, todo: 'It is asked again by itself.' };
  if (code === 'database-unavailable')
    return {
      what: 'The functions answer, but their database cannot be reached.',
      todo: 'It is asked again by itself.',
    };
  if (code === 'not-migrated')
    return { what: message, todo: 'Run “npx tierwise migrate --db <address>” once; it creates what is missing.' };
  if (code === 'not-configured') return { what: message, todo: 'Set it where the functions run.' };
  if (code === 'no-json' || code === 'unknown')
    return {
      what: 'Something else answers where the backend should be.',
      todo: `${url} gave a page or text (status ${String(status)}) instead of the functions’ answer. Check the address in config.json.`,
    };
  return { what: message, todo: status >= 500 ? 'Try again in a moment.' : '' };
}

export function CallProblem(props: { error: unknown; onRetry?: () => void; retrying?: boolean; children?: ReactNode }) {
  const { error, onRetry, retrying = false, children } = props;
  const { backend, signOut } = useSession();
  const { what, todo } = problemWords(error, backend?.url ?? '');
  const failed = error instanceof CallFailed ? error : undefined;
  return (
    <div className="failure" role="alert">
      <Icon name="alert" size={18} />
      <div>
        <p className="what">{what}</p>
        {todo !== '' && <p className="muted">{todo}</p>}
        {children}
        <div className="row">
          {failed?.status === 401 ? (
            <button type="button" className="button primary small" onClick={() => void signOut()}>
              Sign out
            </button>
          ) : (
            onRetry && (
              <button type="button" className="button primary small" disabled={retrying} onClick={onRetry}>
                {retrying ? 'Asking…' : 'Ask again'}
              </button>
            )
          )}
        </div>
        {failed !== undefined && failed.status > 0 && (
          <details>
            <summary>Details</summary>
            <p className="mono muted">
              status {failed.status}, {failed.code}: {failed.message}
            </p>
          </details>
        )}
      </div>
    </div>
  );
}
