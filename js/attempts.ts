/**
 * Step 7 for one target: wait for a turn, connect, call, and do what the core says of a failure, until there is a
 * reply or a verdict other than "again". Knows nothing of caches, plans or other targets.
 */
import { sleep } from './clock.js';
import type { Core } from './core.js';
import type { FailureVerdict } from './core-types.js';
import { LoadError, RequestError, TemplateError, TierwiseError } from './errors.js';
import { targetName } from './target-name.js';
import type { TraceRecorder } from './trace.js';
import { CallFailure } from './transports/call-failure.js';
import type { Connections } from './transports/connect.js';
import type { ModelRequest, TransportPart, TransportResult } from './transports/transport.js';
import type { Turnstile } from './turnstile.js';
import type { Clock, Protocol, SpaceStatus, Warning } from './types.js';

const wayNames: Partial<Record<string, string>> = { queue: 'Gradio’s queue', '/call': 'Gradio’s /call' };

export interface AttemptJob {
  target: string;
  request: ModelRequest;
  mode: 'interactive' | 'background';
  wake: 'fallback' | 'wait';
  /** Of this request, ms. */
  timeouts: { firstChunk: number; stall: number };
  /** Another target may answer when this one cannot. */
  more: boolean;
  startedAt: number;
  /** May move: a call shared by several lasts for the most patient one. */
  deadline(): number;
  signal: AbortSignal;
  trace: TraceRecorder;
  /** Attempts of the whole request, all targets: shared and counted up. */
  counter: { attempts: number };
  onPart(part: TransportPart): void;
  onStatus(status: Omit<SpaceStatus, 'tier'>): void;
  /** Whether a part was already shown to somebody: then there is no second attempt. */
  shown(): boolean;
  /** What an earlier attempt sent is void. */
  onRestart(): void;
  onAttempt(event: AttemptEvent): void;
}
export type AttemptEvent =
  | { type: 'start'; attempt: number }
  | { type: 'error'; attempt: number; verdict: FailureVerdict; ms: number }
  | { type: 'cancel'; attempt: number; ms: number };

export interface AttemptResult extends TransportResult {
  protocol: Protocol;
  ms: number;
  firstPartMs: number | undefined;
  attempt: number;
}

/** No prompt could be made: what a target would be sent is wrong, or what makes it is missing. */
export function isUnsent(error: unknown): error is RequestError | TemplateError | LoadError {
  return error instanceof RequestError || error instanceof TemplateError || error instanceof LoadError;
}

/** The target did not answer; the verdict says what kind of failure it was and what may be done. */
export class TargetFailed extends Error {
  readonly target: string;
  readonly verdict: FailureVerdict;
  constructor(target: string, verdict: FailureVerdict, cause: unknown) {
    super(verdict.message, { cause });
    this.target = target;
    this.verdict = verdict;
  }
}

export interface AttemptDeps {
  core: Core;
  clock: Clock;
  random: () => number;
  connections: Connections;
  turnstile: Turnstile;
  /** For a Space woken while its request went on elsewhere: what becomes of it, and the end of it. */
  onStatus(status: Omit<SpaceStatus, 'tier'>): void;
  /** What was left out of a prompt, or changed in it. */
  onWarning(warning: Warning): void;
  closing: AbortSignal;
}

export async function attemptTarget(job: AttemptJob, deps: AttemptDeps): Promise<AttemptResult> {
  const { core, clock } = deps;
  const { target, signal, trace } = job;
  for (let attempt = 1; ; attempt++) {
    job.counter.attempts += 1;
    const record = trace.begin('call', target);
    const began = clock.now();
    let firstPartMs: number | undefined;
    let verdict: FailureVerdict;
    let cause: unknown;
    try {
      const leave = await waitForTurn(job, deps);
      try {
        job.onAttempt({ type: 'start', attempt });
        const connection = await deps.connections.connect(target, {
          signal,
          wake: job.wake,
          onStatus: (status) => job.onStatus({ ...status, target }),
        });
        const result = await connection.call(job.request, {
          signal,
          timeouts: job.timeouts,
          onPart: (part) => {
            firstPartMs ??= clock.now() - began;
            job.onPart(part);
          },
          onStatus: (status) => job.onStatus({ ...status, target }),
          onPrompt: ({ because, details, warnings = [] }) => {
            trace.begin('prompt', target)('done', because, details);
            for (const warning of warnings) deps.onWarning(warning);
          },
        });
        refuseNothing(result);
        const ms = clock.now() - began;
        core.succeeded({ target, totalMs: ms, now: clock.now(), firstPartMs });
        record('done', answered(target, result.via), { protocol: connection.protocol, attempt });
        return { ...result, protocol: connection.protocol, ms, firstPartMs, attempt };
      } finally {
        leave();
      }
    } catch (error) {
      if (isUnsent(error)) throw unsent(error, attempt, began, record);
      const failure = asFailure(error, signal);
      if (failure === undefined) {
        record('failed', 'A bug in the package.', { error: error instanceof Error ? error.message : String(error) });
        throw error;
      }
      cause = failure;
      const now = clock.now();
      verdict = core.failed({
        target,
        facts: failure.facts,
        attempt,
        attempts: job.counter.attempts,
        shown: job.shown(),
        more: job.more,
        startedAt: job.startedAt,
        deadline: job.deadline(),
        now,
        random: deps.random(),
      });
      record('failed', `${verdict.message} ${verdict.reason}`.trim(), {
        class: verdict.class,
        action: verdict.action,
        attempt,
      });
      job.onAttempt(
        verdict.class === 'abort'
          ? { type: 'cancel', attempt, ms: now - began }
          : { type: 'error', attempt, verdict, ms: now - began },
      );
      deps.connections.failed(target, failure.facts);
    }
    await next(verdict, cause);
    job.onRestart();
  }

  /** No prompt could be made for this target: nothing was sent, and it is no failure of its server. */
  function unsent(
    error: TierwiseError,
    attempt: number,
    began: number,
    record: ReturnType<TraceRecorder['begin']>,
  ): TargetFailed {
    const verdict: FailureVerdict = {
      class: error.code === 'too-large' ? 'context-length' : 'bad-request',
      message: `${targetName(target)} was not asked. ${error.message}`,
      action: 'next',
      delayMs: 0,
      reason: '',
    };
    record('failed', verdict.message, { class: verdict.class, action: verdict.action, attempt });
    job.onAttempt({ type: 'error', attempt, verdict, ms: clock.now() - began });
    return new TargetFailed(target, verdict, error);
  }

  /** Returns when the same target is to be tried again; throws otherwise. */
  async function next(verdict: FailureVerdict, cause: unknown): Promise<void> {
    try {
      if (verdict.action === 'retry') {
        await sleep(clock, verdict.delayMs, signal);
        return;
      }
      if (verdict.action === 'wake') {
        const recordWake = trace.begin('wake', target);
        if (job.wake === 'fallback' && job.more) {
          // Woken for the next request; this one goes on elsewhere.
          const later = (status: Omit<SpaceStatus, 'target' | 'tier'>) => deps.onStatus({ ...status, target });
          void deps.connections.wake(target, { onStatus: later, signal: deps.closing }).catch(() => undefined);
          recordWake('passed-over', 'Its Space is being woken; another target answers meanwhile.');
          throw new TargetFailed(target, verdict, cause);
        }
        const onStatus = (status: Omit<SpaceStatus, 'target' | 'tier'>) => job.onStatus({ ...status, target });
        try {
          await deps.connections.wake(target, { onStatus, signal });
          recordWake('done', 'Its Space is awake.');
        } catch (error) {
          recordWake('failed', error instanceof Error ? error.message : String(error));
          throw error;
        }
        return;
      }
    } catch (error) {
      if (error instanceof TargetFailed) throw error;
      const failure = asFailure(error, signal);
      if (failure === undefined) throw error;
      const last = core.failed({
        target,
        facts: failure.facts,
        attempt: Number.MAX_SAFE_INTEGER,
        attempts: job.counter.attempts,
        shown: job.shown(),
        more: job.more,
        startedAt: job.startedAt,
        deadline: job.deadline(),
        now: clock.now(),
        random: deps.random(),
      });
      throw new TargetFailed(target, last, failure);
    }
    throw new TargetFailed(target, verdict, cause);
  }
}

async function waitForTurn(job: AttemptJob, deps: AttemptDeps): Promise<() => void> {
  const record = job.trace.begin('queue', job.target);
  let waited: string | undefined;
  const leave = await deps.turnstile.enter(
    { target: job.target, mode: job.mode, deadline: job.deadline() },
    job.signal,
    (position, reason) => {
      waited = reason;
      job.onStatus({ target: job.target, state: 'queued', message: reason, position });
    },
  );
  if (waited !== undefined) record('done', waited);
  return leave;
}

function answered(target: string, via: string): string {
  if (via === 'mock') return 'The mock provider made this reply up.';
  const own = via === 'chat completions' ? ' It applies the chat template of its model itself.' : '';
  return `${targetName(target)} answered over ${wayNames[via] ?? via}.${own}`;
}

/** A server of a protocol without an end mark that closed the stream at once has not answered. */
function refuseNothing({ text, finish, files = [] }: TransportResult): void {
  if (text === '' && finish === 'unknown' && files.length === 0)
    throw new CallFailure({ kind: 'cut', message: 'The server ended its reply without a word.' });
}

/** Facts of a failed call; undefined for what is a bug rather than a failure. */
function asFailure(error: unknown, signal: AbortSignal): CallFailure | undefined {
  if (error instanceof CallFailure) return error;
  if (signal.aborted) {
    const reason: unknown = signal.reason;
    return reason instanceof CallFailure ? reason : new CallFailure({ kind: 'abort' }, error);
  }
  if (TierwiseError.isInstance(error) && error.code !== 'internal' && error.code !== 'closed') {
    // A setting that only shows when it is used (an address the Hub does not know, a missing endpoint).
    return new CallFailure({ kind: 'app', type: error.code, message: error.message }, error);
  }
  return undefined;
}
