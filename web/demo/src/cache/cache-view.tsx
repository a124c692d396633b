/** The cached replies: search, sort, look at one, delete with ten seconds to take it back. */
import { useCallback, useMemo } from 'react';
import type { CacheEntryInfo } from 'tierwise';
import { useCache } from 'tierwise/react';

import { useNow } from '../clock';
import { CopyButton } from '../parts/copy-button';
import { type Column, DataTable } from '../parts/data-table';
import { Empty } from '../parts/empty';
import { Icon } from '../parts/icon';
import { TierChip } from '../parts/tier-chip';
import { TimeAgo } from '../parts/time-ago';
import { useUndo } from '../parts/undo';
import { address, useQuery } from '../route';
import { targetName } from '../tiers';
import { bytes, count, exactTime, isoTime, plural, span } from '../words';

export function CacheView() {
  const { entries, loaded, error, forget, refresh } = useCache();
  const { hidden, remove } = useUndo();
  const [search, setSearch] = useQuery('q');
  const [sort, setSort] = useQuery('sort');
  const [, setOpen] = useQuery('entry');
  const now = useNow();

  const rows = useMemo(
    () => (hidden.size === 0 ? entries : entries.filter(({ id }) => !hidden.has(id))),
    [entries, hidden],
  );
  const total = useMemo(() => rows.reduce((sum, entry) => sum + entry.bytes, 0), [rows]);
  const columns = useMemo<Column<CacheEntryInfo>[]>(
    () => [
      {
        key: 'prompt',
        label: 'Question',
        width: 'minmax(0, 3fr)',
        cell: ({ prompt }) => (
          <span className="cut" dir="auto">
            {prompt}
          </span>
        ),
        value: ({ prompt }) => prompt,
      },
      {
        key: 'content',
        label: 'Reply',
        width: 'minmax(0, 3fr)',
        from: 860,
        cell: ({ content }) => (
          <span className="cut muted" dir="auto">
            {content}
          </span>
        ),
        value: ({ content }) => content,
      },
      {
        key: 'tier',
        label: 'Tier',
        width: '112px',
        from: 480,
        cell: ({ tier }) => <TierChip tier={tier} />,
        value: ({ tier }) => tier,
      },
      {
        key: 'hits',
        label: 'Reused',
        width: '84px',
        numeric: true,
        from: 720,
        cell: ({ hits }) => count(hits),
        value: ({ hits }) => hits,
      },
      {
        key: 'bytes',
        label: 'Size',
        width: '84px',
        numeric: true,
        from: 640,
        cell: (entry) => bytes(entry.bytes),
        value: (entry) => entry.bytes,
      },
      {
        key: 'storedAt',
        label: 'Stored',
        width: '132px',
        cell: ({ storedAt }) => <TimeAgo at={storedAt} now={now} />,
        value: ({ storedAt }) => storedAt,
        csv: ({ storedAt }) => isoTime(storedAt),
      },
      {
        key: 'expiresAt',
        label: 'Kept for',
        width: '100px',
        from: 780,
        cell: ({ expiresAt }) => (
          <span title={exactTime(expiresAt)}>{expiresAt <= now ? 'expired' : span(expiresAt - now)}</span>
        ),
        value: ({ expiresAt }) => expiresAt,
        csv: ({ expiresAt }) => isoTime(expiresAt),
      },
    ],
    [now],
  );

  const removeEntries = useCallback(
    (targets: readonly CacheEntryInfo[]) =>
      remove({
        ids: targets.map(({ id }) => id),
        words: `${plural(targets.length, 'cached reply', 'cached replies')} deleted.`,
        run: async (ids) => await forget({ ids }),
      }),
    [remove, forget],
  );

  return (
    <section className="view" aria-labelledby="cache-title">
      <header className="view-head">
        <h1 id="cache-title" tabIndex={-1}>
          Cache
        </h1>
        {loaded && rows.length > 0 && (
          <p className="muted">
            {bytes(total)} of replies that can answer again without a call. They stay in this browser.
          </p>
        )}
      </header>
      {error !== undefined ? (
        <div className="failure" role="alert">
          <Icon name="alert" size={18} />
          <div>
            <p className="what">The cache could not be read: {error.message}</p>
            <p className="muted">Questions are still answered; nothing was deleted.</p>
            <button type="button" className="button primary small" onClick={() => void refresh()}>
              Read it again
            </button>
          </div>
        </div>
      ) : (
        <DataTable
          label="Cached replies"
          rows={rows}
          columns={columns}
          rowId={({ id }) => id}
          rowLabel={({ prompt }) => prompt}
          searchText={searchText}
          search={search ?? ''}
          onSearch={setSearch}
          sort={sort ?? '-storedAt'}
          onSort={setSort}
          fileName="tierwise-cache.csv"
          loading={!loaded}
          noun={['reply', 'replies']}
          onOpen={({ id }) => setOpen(id)}
          onDelete={removeEntries}
          empty={
            <Empty icon="cache" title="Nothing is cached yet">
              <p>
                Each complete answer of a Space is kept here for a day. Ask the same question again and it comes back in
                a blink, without a call.
              </p>
              <a className="button primary" href={address('chat')}>
                Ask a question
              </a>
            </Empty>
          }
        />
      )}
    </section>
  );
}

const searchText = ({ prompt, content, tier, target, model, tags }: CacheEntryInfo) =>
  `${prompt}\n${content}\n${tier} ${target} ${model ?? ''} ${tags.join(' ')}`;

/** One cached reply, beside the table. */
export function CacheEntryPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { entries, loaded, forget } = useCache();
  const { remove } = useUndo();
  const now = useNow();
  const entry = entries.find((candidate) => candidate.id === id);
  return (
    <div className="panel">
      <header className="panel-head">
        <h2>Cached reply</h2>
        <button type="button" className="button quiet icon-only" aria-label="Close" title="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div className="panel-body" tabIndex={0} role="group" aria-label="Cached reply">
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
      </div>
    </div>
  );
}
