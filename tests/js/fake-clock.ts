/** A clock that moves when the test says so. `advance` runs what falls due, in order, letting promises settle between. */
import { setImmediate as tick } from 'node:timers/promises';

import type { Clock } from '../../js/types.ts';

export class FakeClock implements Clock {
  #now: number;
  #tasks: { at: number; task: () => void }[] = [];

  constructor(now = 1_800_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  /** Moves time and runs nothing. */
  set(now: number): void {
    this.#now = now;
  }

  after(ms: number, task: () => void): () => void {
    const entry = { at: this.#now + ms, task };
    this.#tasks.push(entry);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry);
    };
  }

  /** Timers that have not run. */
  get pending(): number {
    return this.#tasks.length;
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const [next] = this.#tasks.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#tasks = this.#tasks.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets promises, streams and in-process answers go on until nothing is left to do at this instant. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 6; i += 1) await tick();
}
