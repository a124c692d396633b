/** A chart with its message as the title, a legend, and the same as a table behind a button. */
import { type ReactNode, useId, useState } from 'react';

export interface ChartTable {
  columns: readonly string[];
  /** The first cell names its row. */
  rows: readonly (readonly string[])[];
}
export interface LegendEntry {
  label: string;
  mark: 'answered' | 'cached' | 'failed' | 'p50' | 'p95';
}

export function ChartCard(props: {
  /** What the chart says. */
  message: string;
  /** What is drawn: quantities and units. */
  about: ReactNode;
  legend?: readonly LegendEntry[];
  table: ChartTable;
  /** Nothing to draw: said instead. */
  empty?: string | undefined;
  wide?: boolean;
  children: (labelledBy: string) => ReactNode;
}) {
  const { message, about, legend, table, empty } = props;
  const id = useId();
  const [asTable, setAsTable] = useState(false);
  return (
    <figure className={props.wide === true ? 'chart-card wide' : 'chart-card'} aria-labelledby={`${id}title`}>
      <figcaption>
        <h2 id={`${id}title`}>{message}</h2>
        <p className="muted">{about}</p>
      </figcaption>
      {empty !== undefined ? (
        <p className="chart-empty muted">{empty}</p>
      ) : (
        <>
          {asTable ? (
            <TableOf id={id} table={table} />
          ) : (
            <div className="chart">
              {props.children(`${id}title`)}
              {legend !== undefined && (
                <ul className="legend-list">
                  {legend.map(({ label, mark }) => (
                    <li key={mark}>
                      <LegendMark mark={mark} /> {label}
                    </li>
                  ))}
                </ul>
              )}
            </div>
          )}
          <button
            type="button"
            className="button quiet small"
            aria-pressed={asTable}
            onClick={() => setAsTable((before) => !before)}
          >
            {asTable ? 'Show chart' : 'Show table'}
          </button>
        </>
      )}
    </figure>
  );
}

function TableOf({ id, table }: { id: string; table: ChartTable }) {
  return (
    <div className="chart-table" tabIndex={0} role="group" aria-labelledby={`${id}title`}>
      <table>
        <thead>
          <tr>
            {table.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) =>
                column === 0 ? (
                  <th key={column} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={column}>{cell}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function LegendMark({ mark }: { mark: LegendEntry['mark'] }) {
  const id = useId();
  return (
    <svg width="16" height="12" viewBox="0 0 16 12" aria-hidden="true">
      <defs>
        <Patterns id={id} />
      </defs>
      {mark === 'p50' && (
        <>
          <path d="M0 6h16" stroke="var(--series-p50)" strokeWidth="2" />
          <circle cx="8" cy="6" r="3" fill="var(--series-p50)" />
        </>
      )}
      {mark === 'p95' && (
        <>
          <path d="M0 6h16" stroke="var(--series-p95)" strokeWidth="2" strokeDasharray="4 2" />
          <rect x="5" y="3" width="6" height="6" fill="var(--series-p95)" />
        </>
      )}
      {(mark === 'answered' || mark === 'cached' || mark === 'failed') && (
        <rect x="1" width="14" height="12" rx="2" fill={fillOf(mark, id)} />
      )}
    </svg>
  );
}

/** Told apart without colour: plain, striped, crossed. Within `defs`. */
export function Patterns({ id }: { id: string }) {
  return (
    <>
      <pattern id={`${id}cached`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="6" height="6" fill="var(--series-cached)" />
        <path d="M0 0v6" stroke="var(--background)" strokeWidth="3" />
      </pattern>
      <pattern id={`${id}failed`} width="6" height="6" patternUnits="userSpaceOnUse">
        <rect width="6" height="6" fill="var(--series-failed)" />
        <path d="M0 0l6 6M6 0l-6 6" stroke="var(--background)" strokeWidth="1" />
      </pattern>
    </>
  );
}
export function fillOf(mark: 'answered' | 'cached' | 'failed', id: string): string {
  return mark === 'answered' ? 'var(--series-answered)' : `url(#${id}${mark})`;
}
