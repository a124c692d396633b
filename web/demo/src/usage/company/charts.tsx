/** The kinds of charts of the summary: by day as stacked bars or lines, and bars side by side. Zero-based, without motion. */
import { useId } from 'react';
import {
  Bar,
  BarChart,
  CartesianGrid,
  LabelList,
  Line,
  LineChart,
  Tooltip,
  type TooltipContentProps,
  XAxis,
  YAxis,
} from 'recharts';

import { narrow, useMedia } from '../../media';
import { fillOf, Patterns } from './chart-card';
import type { Part } from './summary';

const height = 220;
const dayWords = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
export function dayName(day: string): string {
  const at = Date.parse(day);
  return Number.isNaN(at) ? day : dayWords.format(at);
}
const margin = { top: 8, right: 8, bottom: 0, left: 0 };
const tick = { fill: 'var(--muted)', fontSize: 12 };
const axisLine = { stroke: 'var(--border)' };

const dayAxis = {
  tickFormatter: dayName,
  tick,
  axisLine,
  tickLine: false,
  minTickGap: 24,
  interval: 'preserveStartEnd',
} as const;
const quantityAxis = { tick, axisLine: false, tickLine: false, domain: [0, 'auto'] as const };
const bars = { isAnimationActive: false, maxBarSize: 32 };

type Words = (value: number) => string;

/** Title, and one line for each quantity. */
function Tip(props: Partial<TooltipContentProps<number, string>> & { title: (label: string) => string; words: Words }) {
  const { active, payload, label, title, words } = props;
  if (active !== true || payload === undefined || payload.length === 0) return null;
  return (
    <div className="chart-tip">
      <p>{title(String(label))}</p>
      <ul>
        {payload.map(({ name, value, dataKey }) => (
          <li key={String(dataKey)}>
            <span>{name}</span> <strong>{typeof value === 'number' ? words(value) : '–'}</strong>
          </li>
        ))}
      </ul>
    </div>
  );
}

const tooltip = (words: Words, title: (label: string) => string = dayName) => (
  <Tooltip
    cursor={{ fill: 'var(--hover)' }}
    isAnimationActive={false}
    content={(tip) => <Tip {...(tip as object)} title={title} words={words} />}
  />
);

export interface Stack {
  key: 'answered' | 'cached' | 'failed';
  name: string;
}

export function StackedDays(props: {
  labelledBy: string;
  days: readonly Part[];
  stacks: readonly Stack[];
  words: Words;
}) {
  const id = useId();
  const isNarrow = useMedia(narrow);
  return (
    <BarChart
      responsive
      style={{ width: '100%', height }}
      data={props.days as Part[]}
      margin={margin}
      barCategoryGap={props.days.length > 40 ? 1 : '20%'}
      aria-labelledby={props.labelledBy}
    >
      <defs>
        <Patterns id={id} />
      </defs>
      <CartesianGrid vertical={false} stroke="var(--border)" />
      <XAxis dataKey="part" {...dayAxis} minTickGap={isNarrow ? 32 : 24} />
      <YAxis {...quantityAxis} tickFormatter={props.words} width={44} allowDecimals={false} />
      {tooltip(props.words)}
      {props.stacks.map(({ key, name }) => (
        <Bar
          key={key}
          dataKey={key}
          name={name}
          stackId="all"
          fill={fillOf(key, id)}
          stroke={`var(--series-${key})`}
          strokeWidth={1}
          {...bars}
        />
      ))}
    </BarChart>
  );
}

/** One quantity by day. */
export function DayBars(props: {
  labelledBy: string;
  days: readonly { day: string; value: number }[];
  name: string;
  words: Words;
}) {
  const id = useId();
  return (
    <BarChart
      responsive
      style={{ width: '100%', height }}
      data={props.days as { day: string; value: number }[]}
      margin={margin}
      barCategoryGap={props.days.length > 40 ? 1 : '20%'}
      aria-labelledby={props.labelledBy}
    >
      <defs>
        <Patterns id={id} />
      </defs>
      <CartesianGrid vertical={false} stroke="var(--border)" />
      <XAxis dataKey="day" {...dayAxis} />
      <YAxis {...quantityAxis} tickFormatter={props.words} width={72} />
      {tooltip(props.words)}
      <Bar dataKey="value" name={props.name} fill={fillOf('cached', id)} stroke="var(--series-cached)" {...bars} />
    </BarChart>
  );
}

export interface NamedBar {
  name: string;
  value: number;
  /** A colour; default the one of answers. */
  fill?: string;
}

const rowHeight = 32;

/** One bar for each name, longest names cut; the value stands at its end. */
export function NamedBars(props: { labelledBy: string; bars: readonly NamedBar[]; quantity: string; words: Words }) {
  const isNarrow = useMedia(narrow);
  const most = isNarrow ? 16 : 28;
  // Names stay on one line.
  const cut = (name: string) => (name.length <= most ? name : `${name.slice(0, most - 1)}…`).replaceAll(' ', '\u00a0');
  const longest = Math.max(...props.bars.map(({ name }) => cut(name).length));
  const data = props.bars.map((bar) => ({ fill: 'var(--series-answered)', ...bar }));
  return (
    <BarChart
      responsive
      layout="vertical"
      style={{ width: '100%', height: data.length * rowHeight + 32 }}
      data={data}
      margin={{ top: 0, right: 72, bottom: 0, left: 0 }}
      aria-labelledby={props.labelledBy}
    >
      <CartesianGrid horizontal={false} stroke="var(--border)" />
      <XAxis
        type="number"
        tickFormatter={props.words}
        tick={tick}
        axisLine={axisLine}
        tickLine={false}
        domain={[0, 'auto']}
        tickCount={isNarrow ? 3 : 5}
      />
      <YAxis
        type="category"
        dataKey="name"
        tickFormatter={cut}
        tick={{ ...tick, fill: 'var(--text)' }}
        axisLine={axisLine}
        tickLine={false}
        width={Math.max(64, longest * 7.5 + 16)}
        interval={0}
      />
      {tooltip(props.words, (name) => name)}
      <Bar dataKey="value" name={props.quantity} isAnimationActive={false} maxBarSize={20}>
        <LabelList
          dataKey="value"
          position="right"
          formatter={(value: unknown) => props.words(Number(value))}
          fill="var(--text)"
          fontSize={12}
        />
      </Bar>
    </BarChart>
  );
}

interface Spot {
  cx?: number;
  cy?: number;
  value?: unknown;
}

/** Two lines by day, with a gap where nothing was measured. */
export function LatencyDays(props: { labelledBy: string; days: readonly Part[]; words: Words }) {
  const round = ({ cx, cy, value }: Spot) =>
    value == null || cx === undefined || cy === undefined ? null : (
      <circle key={cx} cx={cx} cy={cy} r={3} fill="var(--series-p50)" />
    );
  const square = ({ cx, cy, value }: Spot) =>
    value == null || cx === undefined || cy === undefined ? null : (
      <rect key={cx} x={cx - 3} y={cy - 3} width={6} height={6} fill="var(--series-p95)" />
    );
  const days = props.days.map(({ part, p50, p95 }) => ({ part, p50: p50 ?? null, p95: p95 ?? null }));
  return (
    <LineChart
      responsive
      style={{ width: '100%', height }}
      data={days}
      margin={margin}
      aria-labelledby={props.labelledBy}
    >
      <CartesianGrid vertical={false} stroke="var(--border)" />
      <XAxis dataKey="part" {...dayAxis} padding={{ left: 8, right: 8 }} />
      <YAxis {...quantityAxis} tickFormatter={props.words} width={56} />
      <Tooltip
        isAnimationActive={false}
        content={(tip) => <Tip {...(tip as object)} title={dayName} words={props.words} />}
      />
      <Line
        dataKey="p95"
        name="95 % within"
        stroke="var(--series-p95)"
        strokeWidth={2}
        strokeDasharray="6 3"
        dot={square}
        isAnimationActive={false}
        connectNulls={false}
      />
      <Line
        dataKey="p50"
        name="Half within"
        stroke="var(--series-p50)"
        strokeWidth={2}
        dot={round}
        isAnimationActive={false}
        connectNulls={false}
      />
    </LineChart>
  );
}
