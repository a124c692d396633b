/** One cached reply, beside the table: what it is, how long it stays, and its end. */
import { useCache } from 'tierwise/react';

import { useNow } from '../clock';
import { CopyButton } from '../parts/copy-button';
import { Icon } from '../parts/icon';
import { Panel } from '../parts/panel';
import { TimeAgo } from '../parts/time-ago';
import { useUndo } from '../parts/undo';
import { targetName } from '../tiers';
import { bytes, dollars, exactTime, plural } from '../words';
import { LifeForm } from './life-form';

export function CacheEntryPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { entries, loaded, forget, edit } = useCache();
  const { remove } = useUndo();
  const now = useNow();
  const entry = entries.find((candidate) => candidate.id === id);
  return (
    <Panel title="Cached reply" label="Cached reply" onClose={onClose}>
      {entry === undefined ? (
        loaded && <p className="muted">This reply is no longer in the cache.</p>
      ) : (
        <>
          <p className="asked" dir="auto">
            {entry.prompt}
          </p>
          <p className="excerpt" dir="auto">
            {entry.content}
          </p>
          <p className="help">The first words of each. The whole reply is shown when it answers.</p>
          <dl className="facts">
            <div>
              <dt>Answered by</dt>
              <dd>{targetName(entry.target)}</dd>
            </div>
            <div>
              <dt>Model</dt>
              <dd className="mono">{entry.model ?? '–'}</dd>
            </div>
            <div>
              <dt>Stored</dt>
              <dd>
                <TimeAgo at={entry.storedAt} now={now} />
              </dd>
            </div>
            <div>
              <dt>Last used</dt>
              <dd>
                <TimeAgo at={entry.lastUsedAt} now={now} />
              </dd>
            </div>
            <div>
              <dt>Kept until</dt>
              <dd>{exactTime(entry.expiresAt)}</dd>
            </div>
            <div>
              <dt>Reused</dt>
              <dd>{plural(entry.hits, 'time')}</dd>
            </div>
            <div>
              <dt>Saved</dt>
              <dd>{entry.saved === undefined ? '– (the price is not known)' : dollars(entry.saved)}</dd>
            </div>
            <div>
              <dt>Size</dt>
              <dd>{bytes(entry.bytes)}</dd>
            </div>
            {entry.tags.length > 0 && (
              <div>
                <dt>Tags</dt>
                <dd>{entry.tags.join(', ')}</dd>
              </div>
            )}
            <div>
              <dt>Id</dt>
              <dd className="mono cut" title={entry.id}>
                {entry.id}
              </dd>
            </div>
          </dl>
          <LifeForm
            key={`${entry.id} ${String(entry.expiresAt)}`}
            entry={entry}
            now={now}
            edit={(change) => edit(entry.id, change)}
          />
          <div className="row">
            <CopyButton text={() => entry.content} label="Copy first words" small={false} />
            <button
              type="button"
              className="button danger"
              onClick={() => {
                onClose();
                remove({
                  ids: [entry.id],
                  words: '1 cached reply deleted.',
                  run: async (ids) => await forget({ ids }),
                });
              }}
            >
              <Icon name="trash" size={14} /> Delete
            </button>
          </div>
        </>
      )}
    </Panel>
  );
}
