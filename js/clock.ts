import type { Clock } from './types.js';

/** The real clock. Everything that waits takes a `Clock`, so that tests can give theirs. */
export const systemClock: Clock = {
  now: () => Date.now(),
  precise: () => performance.now(),
  after(ms, task) {
    const wait: Wait = { at: performance.now() + ms, task };
    waits.add(wait);
    if (wait.at < armedFor) arm(wait.at);
    holdProcess(true);
    return () => {
      if (waits.delete(wait) && waits.size === 0) holdProcess(false);
    };
  },
};

/** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Resolves with `work`, which must not reject, or after `ms`. */
export function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const stop = clock.after(ms, resolve);
    void work.then(stop).then(resolve);
  });
}

interface Wait {
  at: number;
  task: () => void;
}

// One native timer for all waits, set for the first of them: a request sets several that are almost never reached, and
// native timers cost more than all the rest of such a wait. It may ring for a wait that was given up; then it is set anew.
const waits = new Set<Wait>();
const longest = 2 ** 31 - 1;
let native: ReturnType<typeof setTimeout> | undefined;
let armedFor = Infinity;

function arm(at: number): void {
  clearTimeout(native);
  armedFor = at;
  native = setTimeout(ring, Math.min(Math.max(0, at - performance.now()), longest));
}

function ring(): void {
  native = undefined;
  armedFor = Infinity;
  const now = performance.now();
  let next = Infinity;
  const due: Wait[] = [];
  for (const wait of waits) {
    if (wait.at <= now) due.push(wait);
    else if (wait.at < next) next = wait.at;
  }
  if (next < Infinity) arm(next);
  for (const wait of due.sort((a, b) => a.at - b.at)) {
    // One that ran before may have given this one up.
    if (!waits.delete(wait)) continue;
    try {
      wait.task();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** In Node a timer keeps the process alive; one that nobody waits for must not. */
function holdProcess(hold: boolean): void {
  const timer = native as { ref?: () => void; unref?: () => void } | undefined;
  if (hold) timer?.ref?.();
  else timer?.unref?.();
}
