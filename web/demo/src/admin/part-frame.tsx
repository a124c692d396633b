/** Around a part of Admin: its skeleton while it is read, its failure, and what it says when both are over. */
import type { ReactNode } from 'react';

import { CallProblem } from '../session/call-problem';
import type { Config } from './use-config';

export function PartFrame<T>({ config, children }: { config: Config<T>; children: (value: T) => ReactNode }) {
  const { value, error, reload } = config;
  return (
    <>
      {error !== undefined && (
        <CallProblem error={error} onRetry={() => void reload()}>
          {value !== undefined && <p className="muted">What follows is as it was read last.</p>}
        </CallProblem>
      )}
      {value !== undefined
        ? children(value)
        : error === undefined && (
            <ul className="targets" role="status" aria-label="Loading">
              {[0, 1, 2].map((at) => (
                <li key={at} className="target bone-card">
                  <span className="bone" />
                  <span className="bone" />
                </li>
              ))}
            </ul>
          )}
    </>
  );
}
