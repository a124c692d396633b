/** What degraded without failing a question (storage blocked, a reply not stored), said once each. */
import { useEffect, useState } from 'react';
import type { Warning } from 'tierwise';
import { useTierwise } from 'tierwise/react';

import { Icon } from './icon';

export function Warnings({ early }: { early: readonly Warning[] }) {
  const client = useTierwise();
  const [warnings, setWarnings] = useState<readonly Warning[]>(() => onceEach(early));
  useEffect(() => client.on('warning', (warning) => setWarnings((before) => onceEach([...before, warning]))), [client]);
  return (
    <div className="warnings" role="status">
      {warnings.map((warning) => (
        <div key={warning.code} className="toast">
          <Icon name="alert" />
          <span>{warning.message}</span>
          <button
            type="button"
            className="button small"
            onClick={() => setWarnings((before) => before.filter((other) => other !== warning))}
          >
            Close
          </button>
        </div>
      ))}
    </div>
  );
}

function onceEach(warnings: readonly Warning[]): readonly Warning[] {
  return [...new Map(warnings.map((warning) => [warning.code, warning])).values()];
}
