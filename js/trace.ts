/**
 * Records why a reply is what it is: one entry per decision, in order, told live through `on('decision')` and kept in
 * `reply.trace`. No prompt text and no secret goes in.
 */
import { redact } from './redact.js';
import type { Clock, Decision, JsonObject, Trace, TraceStep } from './types.js';

export class TraceRecorder {
  readonly #requestId: string;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #origin: number;
  readonly #steps: TraceStep[] = [];
  readonly #tell: ((decision: Decision) => void) | undefined;
  #firstPart: number | undefined;

  constructor(requestId: string, clock: Clock, tell: ((decision: Decision) => void) | undefined) {
    this.#requestId = requestId;
    this.#now = clock.precise === undefined ? () => clock.now() : () => clock.precise!();
    this.#startedAt = clock.now();
    this.#origin = this.#now();
    this.#tell = tell;
  }

  /** Starts the stop-watch of a step; the result records it. */
  begin(
    step: TraceStep['step'],
    target?: string,
  ): (outcome: TraceStep['outcome'], because: string, details?: JsonObject) => void {
    const at = this.elapsed();
    return (outcome, because, details) => {
      const duration = this.elapsed() - at;
      // No spreads: a request records a dozen of these.
      const entry: TraceStep =
        target === undefined
          ? { step, at, duration, outcome, because: redact(because) }
          : { step, target, at, duration, outcome, because: redact(because) };
      if (details !== undefined) entry.details = details;
      this.#steps.push(entry);
      this.#tell?.({ ...entry, requestId: this.#requestId });
    };
  }

  firstPart(): void {
    this.#firstPart ??= this.elapsed();
  }

  get firstPartMs(): number | undefined {
    return this.#firstPart;
  }

  /** ms since the request began. */
  elapsed(): number {
    return this.#now() - this.#origin;
  }

  done(): Trace {
    return { startedAt: this.#startedAt, total: this.elapsed(), firstPart: this.#firstPart, steps: this.#steps };
  }
}
