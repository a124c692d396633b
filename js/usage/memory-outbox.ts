/** Where there is no IndexedDB, and for what it refuses: rows live until the page is left. */
import { isAfter, type Outbox, type QueueState, type Row, within } from './outbox.js';

export function memoryOutbox(): Outbox {
  const rows = new Map<string, Row>();
  const states = new Map<string, QueueState>();
  const key = ({ queue, id }: Row) => `${queue} ${id}`;
  const of = (queue: string) =>
    [...rows.values()].filter((row) => row.queue === queue).sort((a, b) => (isAfter(a, [b.at, b.id]) ? 1 : -1));
  const put = (added: readonly Row[]) => {
    for (const row of added) rows.set(key(row), row);
  };
  const settle: Outbox['settle'] = (gone, added = []) => {
    for (const row of gone) rows.delete(key(row));
    put(added);
    return Promise.resolve();
  };
  return {
    persistent: false,
    add(added) {
      put(added);
      return Promise.resolve();
    },
    take(queue, most, mostBytes) {
      const taken = within(of(queue).slice(0, most), mostBytes);
      for (const row of taken) row.tried = true;
      return Promise.resolve(taken);
    },
    settle,
    count: (queue) => Promise.resolve(of(queue).length),
    async fold(queue, before, most, make) {
      const oldest = of(queue)
        .filter(({ at, tried }) => at < before && tried !== true)
        .slice(0, most);
      if (oldest.length > 1) await settle(oldest, make(oldest));
      return oldest.length > 1 ? oldest.length : 0;
    },
    state: (queue) => Promise.resolve(states.get(queue)),
    setState(state) {
      states.set(state.queue, state);
      return Promise.resolve();
    },
    queues: () => Promise.resolve([...new Set([...rows.values()].map(({ queue }) => queue))]),
    close: () => undefined,
  };
}
