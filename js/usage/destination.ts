/** A place that must not lose a row: what a sender asks of it. */
import type { Answer, Outcome } from './answer.js';
import type { Row } from './outbox.js';

export interface Destination {
  /** Names its queue, with the account. */
  readonly name: string;
  /** For people: 'The usage backend'. */
  readonly title: string;
  readonly url: string;
  /** Rows in a request. */
  readonly most: number;
  /** Rows that wait may become daily totals. */
  readonly foldable: boolean;
  /** Undefined: nobody is signed in. Asked before each request. */
  headers(): Promise<Record<string, string> | undefined>;
  body(rows: readonly Row[], now: number): string;
  outcome(answer: Answer, rows: readonly Row[], now: number): Outcome;
}
