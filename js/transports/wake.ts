/**
 * Waking a Space: one plan per Space, shared by everybody in the page who waits for it. A visit to its host starts it;
 * its stage is then looked up when the core says (at most 30 looks in the first 60 s, fewer when the Hub's rate limit
 * asks for it). Every caller hears in words what is going on, under its own target's name, and may leave by its own
 * signal; the last one leaving ends the looking. Stages that only the owner can change fail at once.
 */
import { sleep } from '../clock.js';
import type { StageObservation, StageVerdict } from '../core-types.js';
import type { Clock, SpaceStatus } from '../types.js';
import { leaving } from '../unless-left.js';
import { CallFailure } from './call-failure.js';
import { rateLimitWait, type Sighting } from './hub.js';
import { SharedTask } from './shared-task.js';

export interface StageReader {
  stage(observation: StageObservation): StageVerdict;
}
/** A Space that may be asleep. */
export interface Sleeper {
  /** The same for everybody who waits for this Space. */
  key: string;
  look(signal: AbortSignal): Promise<Sighting>;
  visit(): void;
}
export interface Waiter {
  target: string;
  signal: AbortSignal;
  onStatus(status: Omit<SpaceStatus, 'target' | 'tier'>): void;
}

const visitEvery = 30_000;
/** Looks in a row that may fail (network, a Hub in trouble) before the plan does. */
const failedLooks = 4;
/** When the Hub limits calls and says nothing of until when: its window is 5 minutes. */
const unknownReset = 60;
const longestWake = 30 * 60_000;

export class WakePlans {
  readonly #reader: StageReader;
  readonly #clock: Clock;
  readonly #plans = new Map<string, WakePlan>();

  constructor(reader: StageReader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
  }

  /** Resolves when the Space runs. `seen`: what was just looked up, so that it need not be again. */
  async wake(space: Sleeper, waiter: Waiter, seen?: Sighting): Promise<void> {
    let plan = this.#plans.get(space.key);
    if (plan?.joinable !== true) {
      plan = new WakePlan(space, this.#reader, this.#clock, seen);
      const started = plan;
      this.#plans.set(space.key, started);
      started.onEnd = () => {
        if (this.#plans.get(space.key) === started) this.#plans.delete(space.key);
      };
    }
    await plan.join(waiter);
  }

  /** What a plan under way saw last. */
  lastSeen(key: string): Sighting | undefined {
    return this.#plans.get(key)?.last;
  }
}

class WakePlan {
  readonly #space: Sleeper;
  readonly #reader: StageReader;
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();
  readonly #startedAt: number;
  readonly #seen: Sighting | undefined;
  #task: SharedTask<void> | undefined;
  #polls = 0;
  last: Sighting | undefined;
  onEnd: () => void = () => undefined;

  constructor(space: Sleeper, reader: StageReader, clock: Clock, seen: Sighting | undefined) {
    this.#space = space;
    this.#reader = reader;
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#seen = seen;
  }

  get joinable(): boolean {
    return this.#task?.joinable !== false;
  }

  async join(waiter: Waiter): Promise<void> {
    if (waiter.signal.aborted) throw leaving(waiter.signal);
    this.#waiters.add(waiter);
    try {
      if (this.last !== undefined) this.#tell(waiter, this.last);
      this.#task ??= new SharedTask((signal) => this.#run(signal).finally(() => this.onEnd()));
      await this.#task.join(waiter.signal);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    let visitedAt = -Infinity;
    let seen = this.#seen;
    for (;;) {
      // Callers that asked in the same moment are told together.
      await Promise.resolve();
      if (seen === undefined) {
        this.#polls += 1;
        try {
          seen = await this.#space.look(signal);
          failures = 0;
        } catch (error) {
          failures += 1;
          seen = this.#afterFailedLook(error, failures);
        }
      }
      this.last = seen;
      const verdict = this.#tellAll(seen);
      if (verdict.state === 'running') return;
      if (seen.stage === 'UNKNOWN') {
        // Nobody can tell (a private Space behind a proxy): a visit is all that can be done.
        this.#space.visit();
        return;
      }
      if (verdict.fatal) throw stageFailure(seen, verdict.message);
      const now = this.#clock.now();
      if (now - this.#startedAt >= longestWake) throw stageFailure(seen, 'The Space did not start in half an hour.');
      if (verdict.state !== 'building' && now - visitedAt >= visitEvery) {
        visitedAt = now;
        this.#space.visit();
      }
      await sleep(this.#clock, verdict.pollAfterMs, signal);
      seen = undefined;
    }
  }

  /** A look that failed says nothing of the Space; the plan goes on with what it saw last, if the failure may pass. */
  #afterFailedLook(error: unknown, failures: number): Sighting {
    if (!(error instanceof CallFailure) || error.facts.kind === 'abort') throw error;
    const { stage, errorMessage } = this.last ?? { stage: 'SLEEPING', errorMessage: undefined };
    const known = { stage, errorMessage };
    const { kind, status = 0, headers } = error.facts;
    if (status === 429) {
      return {
        ...known,
        rateRemaining: 0,
        rateResetSeconds: rateLimitWait(headers, this.#clock.now()) ?? unknownReset,
      };
    }
    const mayPass = kind === 'network' || kind === 'timeout' || kind === 'cut' || status >= 500;
    if (!mayPass || failures >= failedLooks) throw error;
    return known;
  }

  #tellAll(seen: Sighting): StageVerdict {
    const verdicts = new Map<string, StageVerdict>();
    for (const waiter of this.#waiters)
      verdicts.set(waiter.target, this.#tell(waiter, seen, verdicts.get(waiter.target)));
    // Everybody may have left in this very moment; the signal ends the wait.
    return verdicts.values().next().value ?? { state: 'unknown', fatal: false, message: '', pollAfterMs: 1000 };
  }

  #tell(waiter: Waiter, seen: Sighting, known?: StageVerdict): StageVerdict {
    const verdict =
      known ?? this.#reader.stage(observation(waiter.target, seen, this.#polls, this.#startedAt, this.#clock.now()));
    waiter.onStatus(statusOf(verdict));
    return verdict;
  }
}

export function observation(
  target: string,
  seen: Sighting,
  polls: number,
  startedAt: number,
  now: number,
): StageObservation {
  const { stage, errorMessage, rateRemaining, rateResetSeconds } = seen;
  return {
    target,
    stage,
    polls: Math.max(1, polls),
    startedAt,
    now,
    errorMessage,
    rateRemaining,
    rateResetSeconds,
  };
}

export function statusOf({ state, message }: StageVerdict): Omit<SpaceStatus, 'target' | 'tier'> {
  return { state: state === 'running' ? 'ready' : state, message };
}

/** The Space does not run: its stage for the core, and the sentence for people. */
export function stageFailure(seen: Sighting, sentence: string): CallFailure {
  const { stage, errorMessage } = seen;
  return new CallFailure({ kind: 'stage', stage, message: errorMessage }, undefined, sentence);
}
