/**
 * Usage as the backend has it: of the company for administrators, of oneself for members. Sums, charts, the comparison of costs,
 * and a table by day, model, tier or person.
 */
import { type ReactNode, useMemo } from 'react';

import { useNow } from '../../clock';
import { Empty } from '../../parts/empty';
import { Icon } from '../../parts/icon';
import { Segmented } from '../../parts/segmented';
import { address, useQuery } from '../../route';
import { useSession } from '../../session/session';
import { ago, count, dash, dollars, duration, fineDollars, plural } from '../../words';
import { ChartCard } from './chart-card';
import { DayBars, dayName, LatencyDays, type NamedBar, NamedBars, StackedDays } from './charts';
import {
  answersMessage,
  comparisonMessage,
  latencyMessage,
  modelMessage,
  peopleMessage,
  savingsMessage,
  share,
  tierMessage,
} from './messages';
import { PartsTable, type Split } from './parts-table';
import { type Compared, modelName, type Part, shortModel, type Summary, tierName } from './summary';
import { SummarySkeleton } from './summary-skeleton';
import { type SummaryState, useSummary } from './use-summary';

const periods = [7, 30, 90] as const;

export function CompanyUsage({ deliveries }: { deliveries: number }) {
  const { company } = useSession();
  const [chosen, setChosen] = useQuery('days');
  const days = periods.find((period) => String(period) === chosen) ?? 30;
  const state = useSummary(days, deliveries);
  const { summary, loading, failure, refresh } = state;
  const now = useNow();
  if (company === undefined)
    return (
      <Empty icon="usage" title="You are in no company">
        <p>Usage is counted for a company. Ask an administrator to add you to one.</p>
      </Empty>
    );
  return (
    <>
      <div className="summary-bar">
        <Segmented
          legend="Period"
          hideLegend
          value={String(days)}
          options={periods.map((period) => ({ value: String(period), label: `${String(period)} days` }))}
          onChange={(period) => setChosen(period === '30' ? undefined : period)}
        />
        <p className="muted" role="status">
          {summary === undefined
            ? loading
              ? 'Asking the backend…'
              : ''
            : `${dayName(summary.from)} to ${dayName(summary.to)}, days in UTC. As of ${ago(summary.askedAt, now)}.`}
        </p>
        <button type="button" className="button small" aria-disabled={loading} onClick={() => loading || refresh()}>
          <Icon name="refresh" size={14} /> {loading ? 'Looking…' : 'Refresh'}
        </button>
      </div>
      {failure !== undefined && <Failed failure={failure} kept={summary !== undefined} onAgain={refresh} />}
      {summary === undefined ? failure === undefined && <SummarySkeleton /> : <Filled summary={summary} />}
    </>
  );
}

function Failed(props: { failure: NonNullable<SummaryState['failure']>; kept: boolean; onAgain: () => void }) {
  const { failure, kept, onAgain } = props;
  const what = {
    offline: `${failure.words} ${kept ? 'What is shown is what the backend said last.' : 'What you do here is counted, and sent when it is back.'}`,
    'not-allowed': `You may not see this: ${failure.words}`,
    busy: `The backend asks for patience: ${failure.words}`,
    other: `The summary could not be made: ${failure.words}`,
  }[failure.kind];
  return (
    <div className="failure" role="alert">
      <Icon name="alert" size={18} />
      <div>
        <p className="what">{what}</p>
        <div>
          {failure.kind === 'not-allowed' ? (
            <a className="button primary small" href={address('account')}>
              See your account
            </a>
          ) : (
            <button type="button" className="button primary small" onClick={onAgain}>
              Try again
            </button>
          )}
        </div>
      </div>
    </div>
  );
}

function Filled({ summary }: { summary: Summary }) {
  const { total } = summary;
  if (total.answered + total.cached + total.failed + total.stopped === 0)
    return (
      <Empty icon="usage" title="Nothing was used in this period">
        <p>
          {summary.user === undefined
            ? 'Each question you ask while signed in is counted here, some seconds later.'
            : 'Each question that somebody of the company asks while signed in is counted here, some seconds later.'}
        </p>
        <a className="button primary" href={address('chat')}>
          Ask a question
        </a>
      </Empty>
    );
  return (
    <div className="summary">
      <Totals total={total} />
      <Charts summary={summary} />
      <PartsOf summary={summary} />
    </div>
  );
}

function Totals({ total }: { total: Part }) {
  const answers = total.answered + total.cached;
  const tokens = total.inputTokens + total.outputTokens;
  return (
    <dl className="totals">
      <Figure name="Answers" value={count(answers)}>
        {total.failed === 0 ? 'no attempt failed' : plural(total.failed, 'failed attempt')}
      </Figure>
      <Figure name="From cache" value={share(total.cached, answers)}>
        {plural(total.cached, 'answer')}
      </Figure>
      <Figure name="Tokens" value={count(tokens)}>
        {`${count(total.inputTokens)} in, ${count(total.outputTokens)} out`}
      </Figure>
      <Figure name="Cost" value={dollars(total.cost)}>
        {total.unpriced > 0 ? `${plural(total.unpriced, 'answer')} without a price` : 'US dollars'}
      </Figure>
      <Figure name="Saved" value={dollars(total.saved)}>
        by the cache
      </Figure>
      <Figure name="Median time" value={duration(total.p50)}>
        of a new answer
      </Figure>
    </dl>
  );
}

function Figure({ name, value, children }: { name: string; value: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
      <dd className="muted">{children}</dd>
    </div>
  );
}

const mostBars = 10;
const stacks = [
  { key: 'answered', name: 'New answers' },
  { key: 'cached', name: 'From cache' },
  { key: 'failed', name: 'Failed attempts' },
] as const;

function Charts({ summary }: { summary: Summary }) {
  const { total, day, model, tier, user, comparison } = summary;
  const newestFirst = [...day].reverse();
  const personName = usePersonName();
  const [chosen, setChosen] = useQuery('measure');
  const measure = chosen === 'tokens' ? 'tokens' : 'cost';
  const value = (part: Part) => (measure === 'cost' ? part.cost : part.inputTokens + part.outputTokens);
  const words = measure === 'cost' ? fineDollars : count;
  const quantity = measure === 'cost' ? 'Cost' : 'Tokens';
  const unit = measure === 'cost' ? 'US dollars' : 'tokens, in and out';
  const unpriced = (parts: readonly Part[]) =>
    measure === 'cost' && parts.some((part) => part.unpriced > 0) ? ' Answers without a price are left out.' : '';
  const bars = (parts: readonly Part[], name: (part: string) => string, fill?: (part: string) => string) =>
    parts
      .filter((part) => value(part) !== undefined)
      .map((part) => ({
        name: name(part.part),
        value: value(part)!,
        ...(fill && { fill: fill(part.part) }),
      }));
  const byValue = (parts: readonly Part[]) => [...parts].sort((a, b) => (value(b) ?? -1) - (value(a) ?? -1));
  const models = byValue(model);
  const modelBars = bars(models, modelName).slice(0, mostBars);
  const tierBars = bars(tier, tierName, (name) => (name === '' ? 'var(--idle)' : `var(--tier-${name})`));
  const tokensCompared = comparison.filter(({ unit }) => unit === 'tokens');
  const tokens = total.inputTokens + total.outputTokens;
  const partTable = (first: string, parts: readonly Part[], name: (part: string) => string) => ({
    columns: [first, 'New answers', 'Tokens in', 'Tokens out', 'Cost', 'Without a price'],
    rows: parts.map((part) => [
      name(part.part),
      count(part.answered),
      count(part.inputTokens),
      count(part.outputTokens),
      dollars(part.cost),
      count(part.unpriced),
    ]),
  });
  return (
    <div className="chart-grid">
      <ChartCard
        wide
        message={answersMessage(total)}
        about="Answers and failed attempts per day."
        legend={stacks.map(({ key, name }) => ({ label: name, mark: key }))}
        table={{
          columns: ['Day (UTC)', ...stacks.map(({ name }) => name), 'Stopped'],
          rows: newestFirst.map((part) => [
            part.part,
            ...stacks.map(({ key }) => count(part[key])),
            count(part.stopped),
          ]),
        }}
      >
        {(labelledBy) => <StackedDays labelledBy={labelledBy} days={day} stacks={stacks} words={count} />}
      </ChartCard>
      <div className="wide measure">
        <Segmented
          legend="By model and tier"
          value={measure}
          options={[
            { value: 'cost', label: 'Cost' },
            { value: 'tokens', label: 'Tokens' },
          ]}
          onChange={(next) => setChosen(next === 'tokens' ? next : undefined)}
        />
      </div>
      <ChartCard
        message={modelMessage(model, measure)}
        about={`${quantity} by model, in ${unit}.${models.length > mostBars ? ` The ${String(mostBars)} largest.` : ''}${unpriced(model)}`}
        table={partTable('Model', models, modelName)}
        empty={
          modelBars.length === 0 ? 'No model used in this period has a price. An administrator can set one.' : undefined
        }
      >
        {(labelledBy) => <NamedBars labelledBy={labelledBy} bars={modelBars} quantity={quantity} words={words} />}
      </ChartCard>
      <ChartCard
        message={tierMessage(tier, measure)}
        about={`${quantity} by tier, in ${unit}.${unpriced(tier)}`}
        table={partTable('Tier', tier, tierName)}
        empty={
          tierBars.length === 0 ? 'No model used in this period has a price. An administrator can set one.' : undefined
        }
      >
        {(labelledBy) => <NamedBars labelledBy={labelledBy} bars={tierBars} quantity={quantity} words={words} />}
      </ChartCard>
      <ChartCard
        message={savingsMessage(total)}
        about="What answers from the cache would have cost per day, in US dollars."
        table={{
          columns: ['Day (UTC)', 'From cache', 'Saved', 'Cost of new answers'],
          rows: newestFirst.map((part) => [part.part, count(part.cached), dollars(part.saved), dollars(part.cost)]),
        }}
        empty={total.saved === undefined || total.saved === 0 ? 'There is nothing to draw: see the title.' : undefined}
      >
        {(labelledBy) => (
          <DayBars
            labelledBy={labelledBy}
            days={day.map(({ part, saved }) => ({ day: part, value: saved ?? 0 }))}
            name="Saved"
            words={fineDollars}
          />
        )}
      </ChartCard>
      <ChartCard
        message={latencyMessage(total)}
        about="From question to the whole answer, new answers only, per day."
        legend={[
          { label: 'Half within', mark: 'p50' },
          { label: '95 % within', mark: 'p95' },
        ]}
        table={{
          columns: ['Day (UTC)', 'New answers', 'Half within', '95 % within', 'First words (half)'],
          rows: newestFirst
            .filter(({ p50 }) => p50 !== undefined)
            .map((part) => [
              part.part,
              count(part.answered),
              duration(part.p50),
              duration(part.p95),
              duration(part.firstP50),
            ]),
        }}
        empty={total.p50 === undefined ? 'Shown when a new answer has been counted.' : undefined}
      >
        {(labelledBy) => <LatencyDays labelledBy={labelledBy} days={day} words={axisDuration} />}
      </ChartCard>
      <ChartCard
        wide
        message={comparisonMessage(comparison, total)}
        about={
          <>
            What the {count(total.inputTokens)} tokens in and {count(total.outputTokens)} out of this period would have
            cost at each model’s price of today, in US dollars. They did cost {dollars(total.cost)}
            {total.unpriced > 0 ? `; ${plural(total.unpriced, 'answer')} without a price not counted` : ''}.
          </>
        }
        table={{
          columns: ['Model', 'Provider', 'Of 1,000 tokens in', 'Of 1,000 tokens out', 'Of an image', 'Would have cost'],
          rows: comparison.map(({ model: name, provider, unit: per, priceIn, priceOut, wouldCost }) => [
            `${name}${per === 'embedding' ? ' (vectors only)' : ''}`,
            provider,
            per === 'image' ? dash : fineDollars(priceIn),
            per === 'image' ? dash : fineDollars(priceOut),
            per === 'image' ? fineDollars(priceIn) : dash,
            (per === 'image' ? total.images : tokens) === 0 ? dash : fineDollars(wouldCost),
          ]),
        }}
        empty={
          tokens === 0 || tokensCompared.length === 0
            ? 'Shown when tokens have been counted and models have prices.'
            : undefined
        }
      >
        {(labelledBy) => (
          <NamedBars
            labelledBy={labelledBy}
            bars={comparedBars(tokensCompared)}
            quantity="Would have cost"
            words={fineDollars}
          />
        )}
      </ChartCard>
      {user !== undefined && (
        <ChartCard
          wide
          message={peopleMessage(user, personName)}
          about="Answers by person, new ones and those from the cache."
          table={{
            columns: ['Person', 'New answers', 'From cache', 'Failed attempts', 'Cost', 'Id'],
            rows: user.map((part) => [
              personName(part.part),
              count(part.answered),
              count(part.cached),
              count(part.failed),
              dollars(part.cost),
              part.part,
            ]),
          }}
        >
          {(labelledBy) => (
            <NamedBars
              labelledBy={labelledBy}
              bars={[...user]
                .sort((a, b) => b.answered + b.cached - a.answered - a.cached)
                .slice(0, mostBars)
                .map((part) => ({ name: personName(part.part), value: part.answered + part.cached }))}
              quantity="Answers"
              words={count}
            />
          )}
        </ChartCard>
      )}
    </div>
  );
}

/** Providers that ask the same for a model stand together. */
function comparedBars(compared: readonly Compared[]): NamedBar[] {
  const bars = new Map<string, { model: string; providers: string[]; value: number }>();
  for (const { model, provider, wouldCost } of compared) {
    const key = `${model} ${String(wouldCost)}`;
    const bar = bars.get(key);
    if (bar === undefined) bars.set(key, { model, providers: [provider], value: wouldCost });
    else bar.providers.push(provider);
  }
  const all = [...bars.values()];
  return all.map(({ model, providers, value }) => ({
    name:
      all.filter((other) => other.model === model).length > 1
        ? `${shortModel(model)}, ${providers.join(', ')}`
        : shortModel(model),
    value,
  }));
}
const axisDuration = (ms: number) => (ms === 0 ? '0' : duration(ms));

function PartsOf({ summary }: { summary: Summary }) {
  const personName = usePersonName();
  const [by, setBy] = useQuery('by');
  const splits: readonly { value: Split; label: string }[] = [
    { value: 'day', label: 'Day' },
    { value: 'model', label: 'Model' },
    { value: 'tier', label: 'Tier' },
    ...(summary.user === undefined ? [] : [{ value: 'user' as const, label: 'Person' }]),
  ];
  const split = splits.find(({ value }) => value === by)?.value ?? 'day';
  const rows = useMemo(() => {
    const parts = summary[split] ?? [];
    return split === 'day'
      ? parts.filter(({ answered, cached, failed, stopped }) => answered + cached + failed + stopped > 0)
      : parts;
  }, [summary, split]);
  return (
    <section className="summary-table" aria-labelledby="figures-title">
      <div className="summary-bar">
        <h2 id="figures-title">All figures</h2>
        <Segmented
          legend="Figures by"
          hideLegend
          value={split}
          options={splits}
          onChange={(next) => setBy(next === 'day' ? undefined : next)}
        />
      </div>
      <PartsTable rows={rows} split={split} personName={personName} period={`${summary.from}-to-${summary.to}`} />
    </section>
  );
}

/** The backend knows ids only: oneself by name, others by the beginning of theirs. */
function usePersonName(): (id: string) => string {
  const { user } = useSession();
  return (id) => (id === user?.id ? user.name : `Person ${id.slice(0, 4)}…${id.slice(-4)}`);
}
