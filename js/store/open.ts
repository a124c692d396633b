import type { StorageFactory } from '../types.js';
import { memoryStore } from './memory.js';
import type { Store } from './store.js';

/** The store that was asked for; by default IndexedDB where there is one, memory elsewhere. Rejects when it is broken. */
export async function openStore(storage: StorageFactory | 'memory' | undefined): Promise<Store> {
  if (storage === 'memory') return memoryStore();
  if (storage !== undefined) return storage();
  if (typeof indexedDB === 'undefined') return memoryStore();
  const { openIndexedDb } = await import('./indexed-db.js');
  return openIndexedDb();
}
