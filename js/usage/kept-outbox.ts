/**
 * The outbox in IndexedDB, in a database of its own (`tierwise-usage`), which all tabs of an origin share. Rows are
 * written with `durability: 'strict'`: complete means on the disk, not only in the system's memory.
 */
import type { DBSchema, IDBPDatabase } from 'idb';

import { openDatabase } from '../store/open-database.js';
import { isAfter, type Outbox, type QueueState, type Row, within } from './outbox.js';

type Key = [queue: string, at: number, id: string];
interface Schema extends DBSchema {
  rows: { key: Key; value: Row };
  states: { key: string; value: QueueState };
}
export const databaseName = 'tierwise-usage';

/** Rejects as `openDatabase`. */
export async function openKeptOutbox(name = databaseName): Promise<Outbox> {
  const db = await openDatabase<Schema>(name, (made) => {
    made.createObjectStore('rows', { keyPath: ['queue', 'at', 'id'] });
    made.createObjectStore('states', { keyPath: 'queue' });
  });
  return new KeptOutbox(db);
}

class KeptOutbox implements Outbox {
  readonly persistent = true;
  readonly #db: IDBPDatabase<Schema>;
  /** Of this task: what is recorded in one go is one transaction. */
  #writing: { put(row: Row): void; done: Promise<void> } | undefined;

  constructor(db: IDBPDatabase<Schema>) {
    this.#db = db;
  }

  add(rows: readonly Row[]): Promise<void> {
    try {
      this.#writing ??= this.#write();
      for (const row of rows) this.#writing.put(row);
      return this.#writing.done;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #write(): { put(row: Row): void; done: Promise<void> } {
    const transaction = this.#db.transaction('rows', 'readwrite', { durability: 'strict' });
    queueMicrotask(() => {
      this.#writing = undefined;
      try {
        // Not waiting for the events of each row: a page that is being left has no time for them.
        transaction.commit();
      } catch {
        // It failed already, and `done` says so.
      }
    });
    // What a request rejects with, `done` does too.
    return { put: (row) => void transaction.store.put(row).catch(() => undefined), done: transaction.done };
  }

  async take(queue: string, most: number, mostBytes: number): Promise<Row[]> {
    const transaction = this.#db.transaction(['rows', 'states'], 'readwrite');
    const states = transaction.objectStore('states');
    const [rows, state] = await Promise.all([
      transaction.objectStore('rows').getAll(all(queue), most),
      states.get(queue),
    ]);
    const taken = within(rows, mostBytes);
    const last = taken.at(-1);
    if (last !== undefined && isAfter(last, state?.upTo))
      void states.put({ ...state, queue, upTo: [last.at, last.id] });
    await transaction.done;
    return taken;
  }

  async settle(gone: readonly Row[], put: readonly Row[] = []): Promise<void> {
    const transaction = this.#db.transaction('rows', 'readwrite');
    const { store } = transaction;
    if (gone.length > 0) {
      const leaving = new Map(gone.map((row) => [row.id, row]));
      const keys = await store.getAllKeys(IDBKeyRange.bound(keyOf(gone[0]!), keyOf(gone.at(-1)!)));
      // Runs of neighbours go in one call: five hundred of them would hold up the page.
      let from: Key | undefined;
      keys.forEach((key, i) => {
        if (leaving.get(key[2])?.at !== key[1]) return;
        from ??= key;
        const next = keys[i + 1];
        if (next !== undefined && leaving.get(next[2])?.at === next[1]) return;
        void store.delete(IDBKeyRange.bound(from, key));
        from = undefined;
      });
    }
    for (const row of put) void store.put(row);
    await transaction.done;
  }

  count(queue: string): Promise<number> {
    return this.#db.count('rows', all(queue));
  }

  async fold(queue: string, before: number, most: number, make: (rows: readonly Row[]) => Row[]): Promise<number> {
    const transaction = this.#db.transaction(['rows', 'states'], 'readwrite', { durability: 'strict' });
    const store = transaction.objectStore('rows');
    const upTo = (await transaction.objectStore('states').get(queue))?.upTo;
    const certain = upTo === undefined || upTo[0] < before;
    const range = IDBKeyRange.bound([queue, ...(upTo ?? [])], [queue, before], true);
    const rows = certain ? await store.getAll(range, most) : [];
    const untried = rows.filter(({ tried }) => tried !== true);
    if (untried.length > 1) {
      void store.delete(IDBKeyRange.bound(keyOf(rows[0]!), keyOf(rows.at(-1)!)));
      for (const row of rows) if (row.tried === true) void store.put(row);
      for (const row of make(untried)) void store.put(row);
    }
    await transaction.done;
    return untried.length > 1 ? untried.length : 0;
  }

  state(queue: string): Promise<QueueState | undefined> {
    return this.#db.get('states', queue);
  }

  async setState(state: Omit<QueueState, 'upTo'>): Promise<void> {
    const transaction = this.#db.transaction('states', 'readwrite');
    const upTo = (await transaction.store.get(state.queue))?.upTo;
    void transaction.store.put({ ...state, ...(upTo && { upTo }) });
    await transaction.done;
  }

  async queues(): Promise<string[]> {
    const { store } = this.#db.transaction('rows');
    const found: string[] = [];
    let cursor = await store.openKeyCursor();
    while (cursor !== null) {
      const queue = cursor.key[0];
      found.push(queue);
      cursor = await cursor.continue([queue, [] as never, '']);
    }
    return found;
  }

  close(): void {
    this.#db.close();
  }
}

/** Lists sort after numbers. */
function all(queue: string): IDBKeyRange {
  return IDBKeyRange.bound([queue], [queue, []]);
}
function keyOf({ queue, at, id }: Row): Key {
  return [queue, at, id];
}
