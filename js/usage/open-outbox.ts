/**
 * The outbox in use: in IndexedDB where that works; what it refuses (a full disk, a browser that takes it away) waits in
 * memory, and a warning says that this part does not outlive the page.
 */
import type { Warning } from '../types.js';
import { openKeptOutbox } from './kept-outbox.js';
import { memoryOutbox } from './memory-outbox.js';
import type { Outbox } from './outbox.js';

export async function openOutbox(inMemory: boolean, warn: (warning: Warning) => void): Promise<Outbox> {
  const spare = memoryOutbox();
  if (inMemory || typeof indexedDB === 'undefined') return spare;
  let told = false;
  const tell = (cause: unknown) => {
    if (told) return;
    told = true;
    const reason = cause instanceof Error ? cause.message : String(cause);
    warn({
      code: 'usage-storage-failed',
      message: `This browser's storage refused usage (${reason}). It waits in memory, until the page closes.`,
      cause,
    });
  };
  try {
    return withSpare(await openKeptOutbox(), spare, tell);
  } catch (error) {
    tell(error);
    return spare;
  }
}

function withSpare(kept: Outbox, spare: Outbox, tell: (cause: unknown) => void): Outbox {
  const or =
    <T>(instead: T | (() => Promise<T>)) =>
    (error: unknown): T | Promise<T> => {
      tell(error);
      return instead instanceof Function ? instead() : instead;
    };
  return {
    persistent: true,
    add: (rows) => kept.add(rows).catch(or(() => spare.add(rows))),
    async take(queue, most, mostBytes) {
      const rows = await spare.take(queue, most, mostBytes);
      return rows.length > 0 ? rows : kept.take(queue, most, mostBytes).catch(or(rows));
    },
    async settle(gone, put) {
      await spare.settle(gone);
      await kept.settle(gone, put).catch(or(() => spare.settle([], put)));
    },
    async count(queue) {
      return (await spare.count(queue)) + (await kept.count(queue).catch(or(0)));
    },
    async fold(...what) {
      return (await kept.fold(...what).catch(or(0))) || spare.fold(...what);
    },
    state: (queue) => kept.state(queue).catch(() => spare.state(queue)),
    setState: (state) => kept.setState(state).catch(() => spare.setState(state)),
    queues: () => kept.queues().catch(() => spare.queues()),
    close: () => kept.close(),
  };
}
