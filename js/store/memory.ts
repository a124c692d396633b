import type { CacheRecord, Store } from './store.js';
import { forgets, matchesSelector } from './selector.js';
import type { Tombstone } from './sound.js';
import type { Json } from '../types.js';

/**
 * Nothing outlives the page. The cache keeps its texts itself, so records are not kept here a second time; settings are.
 */
export function memoryStore(): Store {
  const settings = new Map<string, Json>();
  return {
    persistent: false,
    get: () => Promise.resolve(undefined),
    load: () => Promise.resolve({ skipped: 0 }),
    put: () => Promise.resolve('stored'),
    touch: () => undefined,
    remove: () => Promise.resolve(),
    forget: () => Promise.resolve({ ids: [], bytes: 0 }),
    getSetting: (key) => Promise.resolve(settings.get(key)),
    setSetting: (key, value) => {
      if (value === undefined) settings.delete(key);
      else settings.set(key, structuredClone(value));
      return Promise.resolve();
    },
    onRemote: () => () => undefined,
    flush: () => Promise.resolve(),
    close: () => undefined,
  };
}

/** A store in memory that behaves like the persistent one; for hosts that want to share it between clients, and for tests. */
export function sharedMemoryStore(): Store {
  const records = new Map<string, CacheRecord>();
  const tombstones: Tombstone[] = [];
  return {
    ...memoryStore(),
    persistent: true,
    get: (id) => Promise.resolve(structuredClone(records.get(id))),
    load: (visit) => {
      visit(structuredClone([...records.values()]));
      return Promise.resolve({ skipped: 0 });
    },
    put: (record, startedAt) => {
      if (tombstones.some((each) => forgets(each, record, startedAt))) return Promise.resolve('forgotten');
      records.set(record.id, structuredClone(record));
      return Promise.resolve('stored');
    },
    touch: (id, lastUsedAt, hits) => {
      const record = records.get(id);
      if (record !== undefined) Object.assign(record, { lastUsedAt, hits });
    },
    remove: (ids) => {
      for (const id of ids) records.delete(id);
      return Promise.resolve();
    },
    forget: (selector, at) => {
      const gone = [...records.values()].filter((record) => matchesSelector(record, selector));
      for (const { id } of gone) records.delete(id);
      tombstones.push({ selector, at });
      return Promise.resolve({ ids: gone.map(({ id }) => id), bytes: gone.reduce((sum, { bytes }) => sum + bytes, 0) });
    },
  };
}
