/** What is being waited for: waking, the queue, the Space's own progress; and for how long. */
import { useEffect, useState } from 'react';
import type { ChatMessage } from 'tierwise/react';

import { plural } from '../words';

export function Progress({ message }: { message: ChatMessage }) {
  const { spaceStatus } = message;
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - message.createdAt) / 1000)), 500);
    return () => clearInterval(timer);
  }, [message.createdAt]);

  if (message.status === 'streaming' && spaceStatus === undefined) return <span className="caret" aria-hidden="true" />;
  const progress = spaceStatus?.progress;
  const of = progress?.of;
  return (
    <div className="progress">
      <span className="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <div>
        <p>{spaceStatus?.message ?? 'Sending your question…'}</p>
        {progress !== undefined && of !== undefined && of > 0 && (
          <p className="meter">
            <progress value={progress.value} max={of} aria-label={progress.label ?? 'Progress'} />
            <span>
              {progress.value} of {of}
              {progress.unit === undefined ? '' : ` ${progress.unit}`}
            </span>
          </p>
        )}
        {seconds >= 3 && (
          <p className="muted">{plural(seconds, 'second')} so far. You can stop, or go to another view meanwhile.</p>
        )}
      </div>
    </div>
  );
}
