/** Every figure of the summary as a table: filtered, sorted, exported. */
import { useMemo } from 'react';

import { type Column, DataTable } from '../../parts/data-table';
import { TierChip } from '../../parts/tier-chip';
import { useQuery } from '../../route';
import { tierOrder } from '../../tiers';
import { count, dollars, duration } from '../../words';
import { modelName, type Part, tierName } from './summary';

export type Split = 'day' | 'model' | 'tier' | 'user';
const nouns: Record<Split, [string, string]> = {
  day: ['day', 'days'],
  model: ['model', 'models'],
  tier: ['tier', 'tiers'],
  user: ['person', 'people'],
};
const firstWords: Record<Split, string> = { day: 'Day (UTC)', model: 'Model', tier: 'Tier', user: 'Person' };

export function PartsTable(props: {
  rows: readonly Part[];
  split: Split;
  personName: (id: string) => string;
  /** Of the file's name. */
  period: string;
}) {
  const { rows, split, personName } = props;
  const [search, setSearch] = useQuery('q');
  const [sort, setSort] = useQuery('sort');
  const nameOf = useMemo(
    () => ({ day: (day: string) => day, model: modelName, tier: tierName, user: personName })[split],
    [split, personName],
  );
  const columns = useMemo<Column<Part>[]>(() => {
    const number = (
      key: keyof Part & string,
      label: string,
      words: (value: number | undefined) => string,
      from: number,
      width: string,
    ): Column<Part> => ({
      key,
      label,
      width,
      numeric: true,
      from,
      cell: (part) => words(part[key] as number | undefined),
      value: (part) => part[key] as number | undefined,
    });
    return [
      {
        key: 'part',
        label: firstWords[split],
        width: 'minmax(104px, 2fr)',
        cell: ({ part }) => {
          const tier = split === 'tier' ? tierOrder.find((known) => known === part) : undefined;
          return tier === undefined ? (
            <span className="cut" title={split === 'user' ? part : nameOf(part)}>
              <bdi>{nameOf(part)}</bdi>
            </span>
          ) : (
            <TierChip tier={tier} />
          );
        },
        value: ({ part }) => nameOf(part),
        ...(split === 'user' && { csv: ({ part }: Part) => part }),
      },
      number('answered', 'New answers', count, 0, '100px'),
      number('cached', 'From cache', count, 460, '92px'),
      number('failed', 'Failed', count, 544, '64px'),
      number('stopped', 'Stopped', count, 1176, '76px'),
      number('inputTokens', 'Tokens in', count, 972, '88px'),
      number('outputTokens', 'Tokens out', count, 972, '92px'),
      number('cost', 'Cost', dollars, 0, '80px'),
      number('saved', 'Saved', dollars, 644, '80px'),
      number('unpriced', 'Without price', count, 1300, '104px'),
      // Of people and of hits no times are kept.
      ...(split === 'user'
        ? []
        : [number('p50', 'Half within', duration, 752, '88px'), number('p95', '95 % within', duration, 1080, '88px')]),
    ];
  }, [split, nameOf]);
  return (
    <DataTable
      key={split}
      label={`Usage by ${nouns[split][0]}`}
      rows={rows}
      columns={columns}
      rowId={({ part }) => part}
      rowLabel={({ part }) => nameOf(part)}
      searchText={({ part }) => `${nameOf(part)} ${part}`}
      search={search ?? ''}
      onSearch={setSearch}
      sort={sort ?? (split === 'day' ? '-part' : '-answered')}
      onSort={setSort}
      fileName={`tierwise-usage-by-${split === 'user' ? 'person' : split}-${props.period}.csv`}
      loading={false}
      noun={nouns[split]}
      empty={<p className="muted">Nothing was counted in this period.</p>}
    />
  );
}
