/** What happened, what was kept, what to do, and one button that does it. Code and attempts fold out. */
import { type CallAttempt, CallError, type JsonObject, TierwiseError } from 'tierwise';
import type { ChatMessage } from 'tierwise/react';

import { CopyButton } from '../parts/copy-button';
import { Icon } from '../parts/icon';
import { address } from '../route';
import { targetName } from '../tiers';
import { count } from '../words';
import { useConversation } from './conversation';

/** Failures that asking again cannot mend. */
const needsSettings = ['no-target', 'auth', 'missing', 'paused', 'redirect', 'invalid-config', 'browser-token'];

export function Failure({ message, canRetry }: { message: ChatMessage; canRetry: boolean }) {
  const { retry } = useConversation();
  const error = message.error ?? new Error('The answer could not be fetched.');
  const code = TierwiseError.isInstance(error) ? error.code : error.name;
  const attempts: readonly CallAttempt[] =
    error instanceof CallError || 'attempts' in error ? ((error as CallError).attempts ?? []) : [];
  const details = (): JsonObject => ({
    code,
    message: error.message,
    ...(attempts.length > 0 && {
      attempts: attempts.map(({ target, class: kind, message: words }) => ({ target, class: kind, message: words })),
    }),
    ...(TierwiseError.isInstance(error) && error.details && { details: error.details }),
  });
  return (
    <div className="failure" role="alert">
      <Icon name="alert" size={18} />
      <div>
        <p className="what">{error.message}</p>
        <p className="muted">
          {message.content === ''
            ? 'Nothing had arrived. Your question is kept.'
            : `The ${count(message.content.length)} characters that had arrived are kept above.`}
        </p>
        <div className="row">
          {needsSettings.includes(code) ? (
            <a className="button primary small" href={address('settings')}>
              Open Settings
            </a>
          ) : (
            canRetry && (
              <button type="button" className="button primary small" onClick={() => void retry(message.id)}>
                Ask again
              </button>
            )
          )}
        </div>
        <details>
          <summary>Details</summary>
          <dl className="facts">
            <dt>Code</dt>
            <dd className="mono">{code}</dd>
            {attempts.map((attempt, at) => (
              <div key={at}>
                <dt>{targetName(attempt.target)}</dt>
                <dd>
                  {attempt.message} <span className="mono muted">{attempt.class}</span>
                </dd>
              </div>
            ))}
          </dl>
          <CopyButton text={() => JSON.stringify(details(), undefined, 2)} label="Copy details" />
        </details>
      </div>
    </div>
  );
}
