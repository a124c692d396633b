/**
 * The cached replies: search, sort, look at one, delete with ten seconds to take it back; and the stored questions that were
 * like one asked in this session but did not answer it.
 */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { CacheEntryInfo } from 'tierwise';
import { useCache } from 'tierwise/react';

import { useNow } from '../clock';
import { type Column, DataTable } from '../parts/data-table';
import { Empty } from '../parts/empty';
import { Icon } from '../parts/icon';
import { Segmented } from '../parts/segmented';
import { TierChip } from '../parts/tier-chip';
import { TimeAgo } from '../parts/time-ago';
import { useUndo } from '../parts/undo';
import { address, useQuery } from '../route';
import { bytes, count, dollars, exactTime, isoTime, plural, span } from '../words';
import { RefusedList, useRefused } from './refused-list';

/** ms without a key before the client searches. */
const typingMs = 150;

export function CacheView() {
  const { hidden, remove } = useUndo();
  const [search = '', setSearch] = useQuery('q');
  const cache = useCache({ search: useSettled(search.trim(), typingMs) });
  const { entries, loaded, error, forget, refresh } = cache;
  const refused = useRefused();
  const [show, setShow] = useQuery('show');
  const [sort, setSort] = useQuery('sort');
  const [, setOpen] = useQuery('entry');
  const now = useNow();

  const rows = useMemo(
    () => (hidden.size === 0 ? entries : entries.filter(({ id }) => !hidden.has(id))),
    [entries, hidden],
  );
  const total = useMemo(() => rows.reduce((sum, entry) => sum + entry.bytes, 0), [rows]);
  const saved = useMemo(() => rows.reduce((sum, entry) => sum + (entry.saved ?? 0), 0), [rows]);
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
        from: 1080,
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
        width: '84px',
        from: 800,
        cell: ({ tier }) => <TierChip tier={tier} />,
        value: ({ tier }) => tier,
      },
      {
        key: 'hits',
        label: 'Reused',
        width: '72px',
        numeric: true,
        from: 600,
        cell: ({ hits }) => count(hits),
        value: ({ hits }) => hits,
      },
      {
        key: 'saved',
        label: 'Saved',
        width: '72px',
        numeric: true,
        from: 700,
        cell: ({ saved }) => (
          <span title={saved === undefined ? 'The price of this model is not known' : 'US dollars'}>
            {dollars(saved)}
          </span>
        ),
        value: ({ saved }) => saved,
      },
      {
        key: 'bytes',
        label: 'Size',
        width: '76px',
        numeric: true,
        from: 1000,
        cell: (entry) => bytes(entry.bytes),
        value: (entry) => entry.bytes,
      },
      {
        key: 'storedAt',
        label: 'Stored',
        width: '116px',
        from: 480,
        cell: ({ storedAt }) => <TimeAgo at={storedAt} now={now} />,
        value: ({ storedAt }) => storedAt,
        csv: ({ storedAt }) => isoTime(storedAt),
      },
      {
        key: 'expiresAt',
        label: 'Kept for',
        width: '88px',
        from: 560,
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
        {loaded && show !== 'refused' && cache.search === '' && rows.length > 0 && (
          <p className="muted">
            {bytes(total)} of replies that can answer again without a call
            {saved > 0 ? `, which saved ${dollars(saved)} so far` : ''}. They stay in this browser.
          </p>
        )}
        <Segmented
          legend="What to show"
          hideLegend
          value={show === 'refused' ? 'refused' : 'replies'}
          options={[
            { value: 'replies', label: 'Replies' },
            { value: 'refused', label: `Not reused${refused.length > 0 ? ` (${count(refused.length)})` : ''}` },
          ]}
          onChange={(next) => setShow(next === 'refused' ? next : undefined)}
        />
      </header>
      {show === 'refused' ? (
        <RefusedList refused={refused} now={now} />
      ) : error !== undefined ? (
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
          searched={cache.search}
          search={search}
          onSearch={setSearch}
          sort={sort ?? '-storedAt'}
          onSort={setSort}
          fileName="tierwise-cache.csv"
          loading={!loaded}
          noun={['reply', 'replies']}
          onOpen={({ id }) => setOpen(id)}
          onDelete={removeEntries}
          second={{
            until: 480,
            cell: (entry) => (
              <>
                {entry.hits === 0 ? 'Not reused yet' : `Reused ${plural(entry.hits, 'time')}`}
                {entry.saved !== undefined && entry.saved > 0 && `, saved ${dollars(entry.saved)}`} ·{' '}
                <TimeAgo at={entry.storedAt} now={now} /> ·{' '}
                {entry.expiresAt <= now ? 'expired' : `${span(entry.expiresAt - now)} left`}
              </>
            ),
          }}
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

/** The value, once it has not changed for so long. */
function useSettled(value: string, ms: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
