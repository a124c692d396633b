/**
 * Records and settings in IndexedDB (through `idb`), one record per cache entry. Promises:
 * - a record is written whole or not at all, and never after a `forget` that came later than its request began: the
 *   write and the check of the tombstones are one transaction;
 * - what one tab writes, evicts or forgets, the others hear (BroadcastChannel); a tab that slept catches up from the
 *   tombstones when it wakes;
 * - damaged records, and records of another format, never reach the cache: they are counted and deleted, except those
 *   of a newer format, which a newer version of the page will want.
 * Tombstones are kept for 7 days, at most 500: far longer than a request can be under way.
 */
import type { DBSchema, IDBPDatabase } from 'idb';

import type { ForgetRequest } from '../core-types.js';
import type { Json } from '../types.js';
import { openDatabase } from './open-database.js';
import { forgets, matchesSelector } from './selector.js';
import { isChange, isNewer, isSound, isTombstone, recordFormat, type StoredRecord, type Tombstone } from './sound.js';
import type { CacheRecord, RemoteChange, Store } from './store.js';

const batch = 500;
const tombstoneLife = 7 * 24 * 60 * 60 * 1000;
const tombstoneCount = 500;

interface Schema extends DBSchema {
  replies: { key: string; value: StoredRecord; indexes: { partition: string } };
  tombstones: { key: number; value: Tombstone };
  settings: { key: string; value: Json };
}

export async function openIndexedDb(name = 'tierwise'): Promise<Store> {
  const db = await openDatabase<Schema>(name, (made) => {
    made.createObjectStore('replies', { keyPath: 'id' }).createIndex('partition', 'partition');
    made.createObjectStore('tombstones', { autoIncrement: true });
    made.createObjectStore('settings');
  });
  return new IndexedDbStore(db, name);
}

class IndexedDbStore implements Store {
  readonly persistent = true;
  readonly #db: IDBPDatabase<Schema>;
  readonly #channel: BroadcastChannel | undefined;
  readonly #listeners = new Set<(change: RemoteChange) => void>();
  readonly #touched = new Map<string, { lastUsedAt: number; hits: number }>();
  readonly #pending = new Set<Promise<unknown>>();
  #touchTimer: ReturnType<typeof setTimeout> | undefined;
  #seenTombstones = 0;
  readonly #onWake = () => {
    if ((globalThis as { document?: Document }).document?.visibilityState !== 'hidden') void this.#catchUp();
  };

  constructor(db: IDBPDatabase<Schema>, name: string) {
    this.#db = db;
    if (typeof BroadcastChannel !== 'undefined') {
      this.#channel = new BroadcastChannel(`${name}-store`);
      this.#channel.onmessage = (event: MessageEvent<unknown>) => {
        // Any script of this origin can send here, another version of this package among them.
        if (isChange(event.data)) this.#tell(event.data);
      };
      // Node would be kept alive by an open channel.
      (this.#channel as { unref?: () => void }).unref?.();
    }
    const scope = globalThis as { addEventListener?: typeof addEventListener; document?: Document };
    scope.addEventListener?.('pageshow', this.#onWake);
    scope.addEventListener?.('resume', this.#onWake);
    scope.document?.addEventListener('visibilitychange', this.#onWake);
    void this.#track(this.#db.getAllKeys('tombstones').then((keys) => (this.#seenTombstones = Math.max(0, ...keys))));
  }

  async get(id: string): Promise<CacheRecord | undefined> {
    const record: unknown = await this.#db.get('replies', id);
    if (record === undefined) return undefined;
    if (isSound(record)) return withoutFormat(record);
    if (!isNewer(record)) await this.#db.delete('replies', id);
    return undefined;
  }

  async load(visit: (records: readonly CacheRecord[]) => void): Promise<{ skipped: number }> {
    let skipped = 0;
    let after: string | undefined;
    for (;;) {
      const range = after === undefined ? null : IDBKeyRange.lowerBound(after, true);
      const [keys, values] = await Promise.all([
        this.#db.getAllKeys('replies', range, batch),
        this.#db.getAll('replies', range, batch) as Promise<unknown[]>,
      ]);
      if (keys.length === 0) return { skipped };
      const sound: CacheRecord[] = [];
      const damaged: string[] = [];
      values.forEach((value, i) => {
        if (isSound(value)) sound.push(withoutFormat(value));
        else {
          skipped += 1;
          if (!isNewer(value) && keys[i] !== undefined) damaged.push(keys[i]);
        }
      });
      if (damaged.length > 0) await this.remove(damaged);
      visit(sound);
      after = keys[keys.length - 1];
    }
  }

  put(record: CacheRecord, startedAt: number): Promise<'stored' | 'forgotten'> {
    return this.#track(
      (async () => {
        const transaction = this.#db.transaction(['replies', 'tombstones'], 'readwrite');
        const tombstones = await transaction.objectStore('tombstones').getAll();
        if (tombstones.some((each) => isTombstone(each) && forgets(each, record, startedAt))) {
          await transaction.done;
          return 'forgotten';
        }
        await transaction.objectStore('replies').put({ ...record, format: recordFormat });
        await transaction.done;
        const { reply: _, ...meta } = record;
        this.#post({ type: 'put', record: meta });
        return 'stored';
      })(),
    );
  }

  touch(id: string, lastUsedAt: number, hits: number): void {
    this.#touched.set(id, { lastUsedAt, hits });
    this.#touchTimer ??= setTimeout(() => void this.#track(this.#writeTouched()), 2000);
  }

  remove(ids: readonly string[]): Promise<void> {
    return this.#track(
      (async () => {
        const transaction = this.#db.transaction('replies', 'readwrite');
        await Promise.all([...ids.map((id) => transaction.store.delete(id)), transaction.done]);
        this.#post({ type: 'removed', ids });
      })(),
    );
  }

  forget(selector: ForgetRequest, at: number): Promise<{ ids: string[]; bytes: number }> {
    return this.#track(
      (async () => {
        const ids: string[] = [];
        let bytes = 0;
        const transaction = this.#db.transaction(['replies', 'tombstones'], 'readwrite');
        const replies = transaction.objectStore('replies');
        const records =
          selector.ids !== undefined
            ? (await Promise.all(selector.ids.map((id) => replies.get(id)))).filter((record) => record !== undefined)
            : selector.partition !== undefined
              ? await replies.index('partition').getAll(selector.partition)
              : await replies.getAll();
        for (const record of records) {
          // A damaged record that is meant by nothing in particular goes with "everything".
          if (!matchesSelector({ ...record, tags: Array.isArray(record.tags) ? record.tags : [] }, selector)) continue;
          ids.push(record.id);
          bytes += Number.isFinite(record.bytes) ? record.bytes : 0;
          await replies.delete(record.id);
        }
        const tombstones = transaction.objectStore('tombstones');
        const { dryRun: _, ...kept } = selector;
        const key = await tombstones.add({ selector: kept, at });
        await prune(tombstones, at);
        await transaction.done;
        this.#seenTombstones = Math.max(this.#seenTombstones, key);
        this.#post({ type: 'forget', selector: kept, at });
        return { ids, bytes };
      })(),
    );
  }

  getSetting(key: string): Promise<Json | undefined> {
    return this.#db.get('settings', key);
  }

  setSetting(key: string, value: Json | undefined): Promise<void> {
    return this.#track(
      (async () => {
        if (value === undefined) await this.#db.delete('settings', key);
        else await this.#db.put('settings', value, key);
        this.#post({ type: 'setting', key });
      })(),
    );
  }

  onRemote(listener: (change: RemoteChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async flush(): Promise<void> {
    if (this.#touched.size > 0) await this.#track(this.#writeTouched());
    while (this.#pending.size > 0) await Promise.allSettled([...this.#pending]);
  }

  close(): void {
    clearTimeout(this.#touchTimer);
    const scope = globalThis as { removeEventListener?: typeof removeEventListener; document?: Document };
    scope.removeEventListener?.('pageshow', this.#onWake);
    scope.removeEventListener?.('resume', this.#onWake);
    scope.document?.removeEventListener('visibilitychange', this.#onWake);
    this.#listeners.clear();
    // Messages already posted still leave a closed channel; writes under way finish before the database closes.
    void this.flush()
      .catch(() => undefined)
      .then(() => {
        this.#channel?.close();
        this.#db.close();
      });
  }

  async #writeTouched(): Promise<void> {
    clearTimeout(this.#touchTimer);
    this.#touchTimer = undefined;
    const touched = [...this.#touched];
    this.#touched.clear();
    const transaction = this.#db.transaction('replies', 'readwrite');
    for (const [id, use] of touched) {
      const record = await transaction.store.get(id);
      if (record !== undefined && record.lastUsedAt < use.lastUsedAt)
        await transaction.store.put({ ...record, ...use });
    }
    await transaction.done;
  }

  /** What other tabs forgot while this one could not hear them. */
  async #catchUp(): Promise<void> {
    try {
      const range = IDBKeyRange.lowerBound(this.#seenTombstones, true);
      const [keys, values] = await Promise.all([
        this.#db.getAllKeys('tombstones', range),
        this.#db.getAll('tombstones', range),
      ]);
      for (const each of values) if (isTombstone(each)) this.#tell({ type: 'forget', ...each });
      this.#seenTombstones = Math.max(this.#seenTombstones, ...keys);
    } catch {
      // The next read or write reports a broken database.
    }
  }

  #tell(change: RemoteChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #post(change: RemoteChange): void {
    this.#channel?.postMessage(change);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked: Promise<unknown> = work.catch(() => undefined).finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
    return work;
  }
}

type TombstoneStore = {
  getAllKeys(): Promise<number[]>;
  getAll(): Promise<Tombstone[]>;
  delete(key: number): Promise<void>;
};

async function prune(tombstones: TombstoneStore, now: number): Promise<void> {
  const [keys, values] = await Promise.all([tombstones.getAllKeys(), tombstones.getAll()]);
  const surplus = keys.length - tombstoneCount;
  for (const [i, key] of keys.entries()) {
    if (i < surplus || now - (values[i]?.at ?? 0) > tombstoneLife) await tombstones.delete(key);
  }
}

function withoutFormat({ format: _, ...record }: StoredRecord): CacheRecord {
  return record;
}
