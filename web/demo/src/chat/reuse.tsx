/** Of an answer from the cache: how old it is and, where it was given to other words, to which and how sure that is. */
import type { CachedAs } from 'tierwise';

import { Icon } from '../parts/icon';
import { brief, exactTime, likelihood } from '../words';

export function Reuse({ cached, storedAt }: { cached: CachedAs; storedAt: number }) {
  return (
    <div className="reuse">
      <Icon name="cache" size={14} />
      <div>
        <p title={`Stored ${exactTime(storedAt)}`}>{cached.note}</p>
        {cached.prompt !== undefined && (
          <p>
            You asked it then as “<bdi className="then">{brief(cached.prompt)}</bdi>”.{' '}
            <span className="muted">{sure(cached)}</span>
          </p>
        )}
      </div>
    </div>
  );
}

function sure({ by, probability }: CachedAs): string {
  if (by === 'words' || probability === undefined) return 'It has the same words, in another form.';
  return `${likelihood(probability)} likely to ask the same, ${by === 'light' ? 'by the light vectors' : 'by MiniLM'}.`;
}
