/**
 * Opens a database of IndexedDB, whose `upgrade` makes its stores. Rejects when the browser has none or refuses, when
 * another tab holds an older version open, and after 3 s: a browser that does neither must not hold up a request for ever.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';

const patience = 3000;

export async function openDatabase<Schema extends DBSchema>(
  name: string,
  upgrade: (db: IDBPDatabase<Schema>) => void,
): Promise<IDBPDatabase<Schema>> {
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const timer = setTimeout(() => fail(new Error('IndexedDB did not open within 3 s')), patience);
  const opening = openDB<Schema>(name, 1, {
    upgrade,
    blocked: () => fail(new Error('another tab holds an older version of the storage open')),
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
  let opened = false;
  try {
    const db = await Promise.race([opening, failed]);
    opened = true;
    return db;
  } finally {
    clearTimeout(timer);
    failed.catch(() => undefined);
    // Opened after all, when nobody waits any more: it must not stand in another tab's way.
    if (!opened) opening.then((db) => db.close()).catch(() => undefined);
  }
}
