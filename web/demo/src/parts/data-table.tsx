/**
 * A table for many rows (100,000 without stutter): only those in sight are in the page. Sticky header, sorting,
 * selection with a bar of actions, CSV, and keys: arrows, Page, Home and End move; Space selects, Shift extends,
 * Ctrl+A selects all; Enter opens; Delete removes; Escape clears the selection.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useDeferredValue,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';

import { plural } from '../words';
import { csv, saveFile } from './csv';
import { Icon } from './icon';

export interface Column<Row> {
  key: string;
  label: string;
  /** Of the CSS grid: `minmax(120px, 1fr)`. */
  width: string;
  numeric?: boolean;
  /** Left out where the table is narrower, px. Default 0: always there. */
  from?: number;
  cell: (row: Row) => ReactNode;
  /** For sorting, and for the CSV unless `csv` says otherwise. */
  value: (row: Row) => string | number | undefined;
  csv?: (row: Row) => string | number | undefined;
}

export interface DataTableProps<Row> {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowId: (row: Row) => string;
  /** What a row is called to a screen reader. */
  rowLabel: (row: Row) => string;
  /** What is searched here; without it the rows are what was found already, for `searched`. */
  searchText?: (row: Row) => string;
  searched?: string;
  search: string;
  onSearch: (text: string | undefined) => void;
  /** `storedAt` or `-storedAt`. */
  sort: string;
  onSort: (sort: string) => void;
  fileName: string;
  loading: boolean;
  empty: ReactNode;
  noun: [string, string];
  onOpen?: (row: Row) => void;
  onDelete?: (rows: readonly Row[]) => void;
  /** A second line in the first column, where the table is narrower than `until` px. */
  second?: { until: number; cell: (row: Row) => ReactNode };
}

const oneLine = 40;
const twoLines = 60;

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { rows, columns, rowId, searchText, sort, second } = props;
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [activeId, setActiveId] = useState<string>();
  const anchor = useRef(0);
  const [width, setWidth] = useState(innerWidth);
  const measure = useCallback((element: HTMLDivElement | null) => {
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  const search = useDeferredValue(props.search.trim().toLowerCase());

  const found = useMemo(
    () =>
      search === '' || searchText === undefined
        ? rows
        : rows.filter((row) => searchText(row).toLowerCase().includes(search)),
    [rows, search, searchText],
  );
  const sorted = useMemo(() => {
    const down = sort.startsWith('-');
    const column = columns.find(({ key }) => key === sort.replace(/^-/, ''));
    if (column === undefined) return found;
    return [...found].sort((a, b) => (down ? -1 : 1) * compare(column.value(a), column.value(b)));
  }, [found, sort, columns]);

  const shown = columns.filter(({ from = 0 }) => width >= from);
  const withSecond = second !== undefined && width < second.until;
  const rowHeight = withSecond ? twoLines : oneLine;
  const template = `${props.onDelete ? '40px ' : ''}${shown.map(({ width }) => width).join(' ')}`;
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  useLayoutEffect(() => virtual.measure(), [virtual, rowHeight]);
  const active = Math.max(0, activeId === undefined ? 0 : sorted.findIndex((row) => rowId(row) === activeId));
  const chosen = useMemo(
    () => (selected.size === 0 ? [] : sorted.filter((row) => selected.has(rowId(row)))),
    [sorted, selected, rowId],
  );

  const goTo = (to: number, extend: boolean) => {
    const next = Math.min(sorted.length - 1, Math.max(0, to));
    const row = sorted[next];
    if (row === undefined) return;
    setActiveId(rowId(row));
    virtual.scrollToIndex(next, { align: 'auto' });
    if (extend && props.onDelete) {
      const [from, until] = anchor.current < next ? [anchor.current, next] : [next, anchor.current];
      setSelected(new Set(sorted.slice(from, until + 1).map(rowId)));
    } else anchor.current = next;
  };
  const toggle = (index: number) => {
    const row = sorted[index];
    if (row === undefined || !props.onDelete) return;
    anchor.current = index;
    const next = new Set(selected);
    if (!next.delete(rowId(row))) next.add(rowId(row));
    setSelected(next);
  };
  const remove = (targets: readonly Row[]) => {
    if (targets.length === 0 || !props.onDelete) return;
    const gone = new Set(targets.map(rowId));
    const last = sorted.findLastIndex((row) => gone.has(rowId(row)));
    const neighbour =
      sorted.slice(last + 1).find((row) => !gone.has(rowId(row))) ??
      sorted.slice(0, last).findLast((row) => !gone.has(rowId(row)));
    props.onDelete(targets);
    setSelected(new Set());
    setActiveId(neighbour === undefined ? undefined : rowId(neighbour));
    scroller.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== scroller.current) return;
    const page = Math.max(1, Math.floor((scroller.current.clientHeight - rowHeight) / rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      goTo(step === Infinity ? sorted.length - 1 : step === -Infinity ? 0 : active + step, event.shiftKey);
    } else if (event.key === ' ') toggle(active);
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey) && props.onDelete)
      setSelected(new Set(sorted.map(rowId)));
    else if (event.key === 'Delete' || event.key === 'Backspace')
      remove(chosen.length > 0 ? chosen : sorted.slice(active, active + 1));
    else if (event.key === 'Escape' && selected.size > 0) setSelected(new Set());
    else if (event.key === 'Enter' && sorted[active] !== undefined) props.onOpen?.(sorted[active]);
    else return;
    event.preventDefault();
  };
  const exportCsv = () =>
    saveFile(
      props.fileName,
      csv(
        columns.map(({ label }) => label),
        (chosen.length > 0 ? chosen : sorted).map((row) => columns.map((column) => (column.csv ?? column.value)(row))),
      ),
    );

  if (props.loading) return <TableSkeleton />;
  if (rows.length === 0 && (searchText !== undefined || (props.searched ?? '') === '')) return <>{props.empty}</>;
  const all = sorted.length > 0 && chosen.length === sorted.length;
  const rowsInSight = virtual.getVirtualItems();
  return (
    <div className="data-table" ref={measure}>
      <div className="table-bar">
        {chosen.length > 0 ? (
          <div className="selection-bar" role="toolbar" aria-label="Selected rows">
            <span aria-live="polite">{plural(chosen.length, 'row')} selected</span>
            <button type="button" className="button danger small" onClick={() => remove(chosen)}>
              <Icon name="trash" size={14} /> Delete
            </button>
            <button type="button" className="button small" onClick={exportCsv}>
              <Icon name="download" size={14} /> CSV
            </button>
            <button type="button" className="button quiet small" onClick={() => setSelected(new Set())}>
              Clear
            </button>
          </div>
        ) : (
          <>
            <div className="search">
              <Icon name="search" size={14} />
              <input
                type="search"
                aria-label={`Search ${props.noun[1]}`}
                placeholder={`Search ${props.noun[1]}`}
                value={props.search}
                onChange={(event) => props.onSearch(event.target.value)}
                dir="auto"
              />
            </div>
            <span className="muted count" aria-live="polite">
              {searchText === undefined
                ? `${plural(rows.length, ...props.noun)}${(props.searched ?? '') === '' ? '' : ' found'}`
                : search === ''
                  ? plural(rows.length, ...props.noun)
                  : `${plural(sorted.length, ...props.noun)} of ${String(rows.length)}`}
            </span>
            <button type="button" className="button small" onClick={exportCsv}>
              <Icon name="download" size={14} /> CSV
            </button>
          </>
        )}
      </div>
      <div
        ref={scroller}
        className="grid"
        role="grid"
        tabIndex={0}
        aria-label={props.label}
        aria-rowcount={sorted.length + 1}
        aria-colcount={shown.length + (props.onDelete ? 1 : 0)}
        aria-multiselectable={props.onDelete ? true : undefined}
        aria-activedescendant={
          rowsInSight.some(({ index }) => index === active) ? `${id}-${String(active)}` : undefined
        }
        onKeyDown={onKeyDown}
      >
        <div role="rowgroup" className="grid-head">
          <div role="row" aria-rowindex={1} className="grid-row" style={{ gridTemplateColumns: template }}>
            {props.onDelete && (
              <div role="columnheader" className="grid-cell check">
                <input
                  type="checkbox"
                  aria-label="Select all rows"
                  checked={all}
                  ref={(box) => {
                    if (box) box.indeterminate = chosen.length > 0 && !all;
                  }}
                  onChange={() => setSelected(all ? new Set() : new Set(sorted.map(rowId)))}
                />
              </div>
            )}
            {shown.map((column) => {
              const order = sort === column.key ? 'ascending' : sort === `-${column.key}` ? 'descending' : undefined;
              return (
                <div
                  key={column.key}
                  role="columnheader"
                  aria-sort={order ?? 'none'}
                  className={column.numeric === true ? 'grid-cell numeric' : 'grid-cell'}
                >
                  <button
                    type="button"
                    onClick={() =>
                      props.onSort(
                        order === 'ascending' || (order === undefined && column.numeric === true)
                          ? `-${column.key}`
                          : column.key,
                      )
                    }
                  >
                    {column.label}
                    <Icon name={order === undefined ? 'sort' : order === 'ascending' ? 'up' : 'chevron'} size={12} />
                  </button>
                </div>
              );
            })}
          </div>
        </div>
        <div role="rowgroup" className="grid-body" style={{ height: virtual.getTotalSize() }}>
          {rowsInSight.map(({ index, start }) => {
            const row = sorted[index]!;
            const key = rowId(row);
            const isSelected = selected.has(key);
            return (
              <div
                key={key}
                id={`${id}-${String(index)}`}
                role="row"
                aria-rowindex={index + 2}
                aria-selected={props.onDelete ? isSelected : undefined}
                className={index === active ? 'grid-row active' : 'grid-row'}
                style={{
                  gridTemplateColumns: template,
                  blockSize: rowHeight,
                  transform: `translateY(${String(start)}px)`,
                }}
                onClick={() => {
                  goTo(index, false);
                  scroller.current?.focus({ preventScroll: true });
                  props.onOpen?.(row);
                }}
              >
                {props.onDelete && (
                  <div role="gridcell" className="grid-cell check" onClick={(event) => event.stopPropagation()}>
                    <input
                      type="checkbox"
                      tabIndex={-1}
                      aria-label={`Select ${props.rowLabel(row)}`}
                      checked={isSelected}
                      onClick={(event) => {
                        if (event.shiftKey) {
                          event.preventDefault();
                          goTo(index, true);
                        }
                      }}
                      onChange={() => toggle(index)}
                    />
                  </div>
                )}
                {shown.map((column, at) => (
                  <div
                    key={column.key}
                    role="gridcell"
                    className={column.numeric === true ? 'grid-cell numeric' : 'grid-cell'}
                  >
                    {column.cell(row)}
                    {at === 0 && withSecond && <span className="cut second-line">{second.cell(row)}</span>}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
      {sorted.length === 0 && (
        <p className="no-match">
          Nothing here contains “<bdi>{props.search}</bdi>”.{' '}
          <button type="button" className="link" onClick={() => props.onSearch(undefined)}>
            Show all {props.noun[1]}
          </button>
        </p>
      )}
    </div>
  );
}

/** Numbers by size, text by the rules of the language; unknown last. */
function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator.compare(String(a), String(b));
}
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function TableSkeleton() {
  return (
    <div className="data-table skeleton" role="status" aria-label="Loading">
      <div className="table-bar">
        <span className="bone" />
      </div>
      <div className="grid" aria-hidden="true">
        {Array.from({ length: 8 }, (_, at) => (
          <div key={at} className="bone-row">
            <span className="bone" />
          </div>
        ))}
      </div>
    </div>
  );
}
