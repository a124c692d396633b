/**
 * What has been recorded and has no verdict yet, queue by queue: one queue for each place that must not lose a row (the
 * backend, its feedback, OTLP). Promises, kept by both implementations:
 * - `add` issues the write before it returns and resolves when the transaction is complete;
 * - rows leave by `settle` and `fold` only;
 * - `take` says of the rows it gives that they may have been sent, before it resolves; `fold` never touches those, for
 *   the server may have counted them already.
 */
import { utf8Bytes } from '../text.js';

export interface Row {
  queue: string;
  /** Rows are sent in the order of `at` (when recorded, ms), then `id`. */
  at: number;
  id: string;
  /** JSON, as it is sent. */
  text: string;
  /** The server may have it, though it was not taken in its turn. */
  tried?: boolean;
}
/** Of a queue; the same for all tabs. */
export interface QueueState {
  queue: string;
  /** Rows up to this one may have been sent. */
  upTo?: [number, string];
  /** No round before this time; `held`: because the server said so. */
  retryAt?: number;
  held?: boolean;
  failures?: number;
}

export interface Outbox {
  /** It outlives the page, and other tabs see it. */
  readonly persistent: boolean;
  add(rows: readonly Row[]): Promise<void>;
  /** The oldest rows, at most `most` of them and `mostBytes` together, but at least one. */
  take(queue: string, most: number, mostBytes: number): Promise<Row[]>;
  /** Some leave, some are written (again): together or not at all. */
  settle(gone: readonly Row[], put?: readonly Row[]): Promise<void>;
  count(queue: string): Promise<number>;
  /**
   * The oldest rows recorded before `before` that were certainly not sent, at most `most`, become those `make` makes of
   * them. Gives how many left.
   */
  fold(queue: string, before: number, most: number, make: (rows: readonly Row[]) => Row[]): Promise<number>;
  state(queue: string): Promise<QueueState | undefined>;
  setState(state: Omit<QueueState, 'upTo'>): Promise<void>;
  queues(): Promise<string[]>;
  close(): void;
}

/** The first rows that are small enough together. */
export function within(rows: readonly Row[], mostBytes: number): Row[] {
  let bytes = 0;
  // 16: what stands around a row in a request, and to spare.
  const end = rows.findIndex(({ text }, i) => (bytes += utf8Bytes(text) + 16) > mostBytes && i > 0);
  return end < 0 ? rows.slice() : rows.slice(0, end);
}

export function isAfter(row: Row, place: readonly [number, string] | undefined): boolean {
  return place === undefined || row.at > place[0] || (row.at === place[0] && row.id > place[1]);
}
