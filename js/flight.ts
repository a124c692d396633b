/**
 * Step 5: one call shared by every identical cacheable request of a partition that is under way. Each caller may
 * leave by its own signal; the call is aborted when the last one has left, and may last as long as the most patient
 * one waits. A caller that joins late is given what has been said so far. What is done once per call (storing it,
 * reporting what it cost) is for the first caller that is still there when it ends: see `claim`.
 */
import type { AttemptResult } from './attempts.js';
import type { TransportPart } from './transports/transport.js';
import type { SpaceStatus } from './types.js';
import { unlessLeft } from './unless-left.js';

export interface Passenger {
  signal: AbortSignal;
  /** The caller waits until then. */
  deadline: number;
  /** Absent: wants the whole reply only. */
  onPart: ((part: TransportPart) => void) | undefined;
  onStatus: (status: Omit<SpaceStatus, 'tier'>) => void;
}

export class Flight {
  readonly #controller = new AbortController();
  readonly #passengers = new Set<Passenger>();
  #text = '';
  #shown = false;
  #result: Promise<AttemptResult> | undefined;
  #over = false;
  #claimed = false;
  #deadline: number;

  constructor(deadline: number) {
    this.#deadline = deadline;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  get deadline(): number {
    return this.#deadline;
  }
  /** Whether anybody has been shown a part. */
  get shown(): boolean {
    return this.#shown;
  }
  /** Still worth joining. */
  get open(): boolean {
    return !this.#over && !this.#controller.signal.aborted;
  }

  start(call: (flight: Flight) => Promise<AttemptResult>): void {
    this.#result = call(this).finally(() => (this.#over = true));
    this.#result.catch(() => undefined);
  }

  part(part: TransportPart): void {
    this.#text = part.type === 'replace' ? part.text : this.#text + part.text;
    for (const passenger of this.#passengers) {
      if (passenger.onPart !== undefined) {
        this.#shown = true;
        passenger.onPart(part);
      }
    }
  }

  restart(): void {
    this.#text = '';
  }

  /** True once: for whoever settles the call. */
  claim(): boolean {
    const first = !this.#claimed;
    this.#claimed = true;
    return first;
  }

  status(status: Omit<SpaceStatus, 'tier'>): void {
    for (const passenger of this.#passengers) passenger.onStatus(status);
  }

  /** Rides along: resolves with the reply, rejects with its failure or when this passenger's signal fires. */
  async ride(passenger: Passenger): Promise<AttemptResult> {
    const { signal } = passenger;
    this.#passengers.add(passenger);
    this.#deadline = Math.max(this.#deadline, passenger.deadline);
    if (this.#text !== '' && passenger.onPart !== undefined) {
      this.#shown = true;
      passenger.onPart({ type: 'text', text: this.#text });
    }
    try {
      return await unlessLeft(this.#result!, signal);
    } finally {
      this.#passengers.delete(passenger);
      // The last one out stops the work, with the reason it left for.
      if (this.#passengers.size === 0 && !this.#over) this.#controller.abort(signal.reason);
    }
  }
}
