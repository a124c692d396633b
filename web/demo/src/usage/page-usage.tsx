/** What was asked, answered and spent since the page was opened: sums, and each event. */
import { useMemo } from 'react';
import type { UsageEvent } from 'tierwise';

import { useNow } from '../clock';
import { type Column, DataTable } from '../parts/data-table';
import { Empty } from '../parts/empty';
import { TierChip } from '../parts/tier-chip';
import { TimeAgo } from '../parts/time-ago';
import { address, useQuery } from '../route';
import { targetName } from '../tiers';
import { count, dash, dollars, duration, isoTime, plural } from '../words';
import { totalsOf } from './totals';
import { useUsageLog } from './usage-log';

const kindWords: Record<UsageEvent['kind'], string> = {
  start: 'Started',
  complete: 'Answered',
  error: 'Failed',
  hit: 'From cache',
  cancel: 'Stopped',
};

export function PageUsage() {
  const events = useUsageLog();
  const [search, setSearch] = useQuery('q');
  const [sort, setSort] = useQuery('sort');
  const now = useNow();
  const totals = useMemo(() => totalsOf(events), [events]);
  const columns = useMemo<Column<UsageEvent>[]>(
    () => [
      {
        key: 'at',
        label: 'When',
        width: 'minmax(96px, 132px)',
        cell: ({ at }) => <TimeAgo at={at} now={now} />,
        value: ({ at }) => at,
        csv: ({ at }) => isoTime(at),
      },
      {
        key: 'kind',
        label: 'What',
        width: 'minmax(104px, 1fr)',
        cell: ({ kind }) => <span className={`kind kind-${kind}`}>{kindWords[kind]}</span>,
        value: ({ kind }) => kindWords[kind],
      },
      {
        key: 'target',
        label: 'Target',
        width: 'minmax(0, 1.5fr)',
        from: 560,
        cell: ({ target }) => <span className="cut">{target === undefined ? dash : targetName(target)}</span>,
        value: ({ target }) => target,
      },
      {
        key: 'tier',
        label: 'Tier',
        width: '112px',
        from: 640,
        cell: ({ tier }) => (tier === undefined ? dash : <TierChip tier={tier} />),
        value: ({ tier }) => tier,
      },
      {
        key: 'inputTokens',
        label: 'Tokens in',
        width: '100px',
        numeric: true,
        from: 900,
        cell: ({ inputTokens }) => count(inputTokens),
        value: ({ inputTokens }) => inputTokens,
      },
      {
        key: 'outputTokens',
        label: 'Tokens out',
        width: '108px',
        numeric: true,
        from: 800,
        cell: ({ outputTokens }) => count(outputTokens),
        value: ({ outputTokens }) => outputTokens,
      },
      {
        key: 'cost',
        label: 'Cost',
        width: '92px',
        numeric: true,
        from: 480,
        cell: ({ cost }) => dollars(cost),
        value: ({ cost }) => cost,
      },
      {
        key: 'totalMs',
        label: 'Time',
        width: '80px',
        numeric: true,
        cell: ({ totalMs }) => duration(totalMs),
        value: ({ totalMs }) => totalMs,
      },
      {
        key: 'errorClass',
        label: 'Problem',
        width: 'minmax(0, 1fr)',
        from: 1000,
        cell: ({ errorClass }) => <span className="cut mono">{errorClass ?? ''}</span>,
        value: ({ errorClass }) => errorClass,
      },
    ],
    [now],
  );
  const share = totals.requests === 0 ? undefined : Math.round((totals.hits / totals.requests) * 100);

  return (
    <>
      {events.length > 0 && (
        <dl className="totals">
          <div>
            <dt>Requests</dt>
            <dd>{count(totals.requests)}</dd>
            <dd className="muted">{totals.failed === 0 ? 'none failed' : plural(totals.failed, 'failed attempt')}</dd>
          </div>
          <div>
            <dt>From cache</dt>
            <dd>{share === undefined ? dash : `${String(share)} %`}</dd>
            <dd className="muted">{plural(totals.hits, 'answer')}</dd>
          </div>
          <div>
            <dt>Tokens</dt>
            <dd>{count(totals.tokens)}</dd>
            <dd className="muted">
              {totals.tokens === undefined
                ? 'none counted'
                : totals.tokensEstimated
                  ? 'in and out, about'
                  : 'in and out'}
            </dd>
          </div>
          <div>
            <dt>Cost</dt>
            <dd>{dollars(totals.cost)}</dd>
            <dd className="muted">
              {totals.unpriced > 0 ? `${plural(totals.unpriced, 'answer')} without a known price` : 'US dollars'}
            </dd>
          </div>
          <div>
            <dt>Saved</dt>
            <dd>{dollars(totals.saved)}</dd>
            <dd className="muted">by the cache</dd>
          </div>
          <div>
            <dt>Median time</dt>
            <dd>{duration(totals.medianMs)}</dd>
            <dd className="muted">question to answer</dd>
          </div>
        </dl>
      )}
      <DataTable
        label="Usage events"
        rows={events}
        columns={columns}
        rowId={({ eventId }) => eventId}
        rowLabel={({ kind }) => kindWords[kind]}
        searchText={searchText}
        search={search ?? ''}
        onSearch={setSearch}
        sort={sort ?? '-at'}
        onSort={setSort}
        fileName="tierwise-usage.csv"
        loading={false}
        noun={['event', 'events']}
        empty={
          <Empty icon="usage" title="Nothing was asked yet">
            <p>Every attempt, cache answer, failure and stop shows here with its tokens, cost and time.</p>
            <a className="button primary" href={address('chat')}>
              Ask a question
            </a>
          </Empty>
        }
      />
    </>
  );
}

const searchText = ({ kind, target, tier, model, errorClass }: UsageEvent) =>
  `${kindWords[kind]} ${target === undefined ? '' : targetName(target)} ${tier ?? ''} ${model ?? ''} ${errorClass ?? ''}`;
