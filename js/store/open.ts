import type { StorageFactory } from '../types.js';
import { memoryStore } from './memory.js';
import type { Store } from './store.js';

/** The store that was asked for; by default IndexedDB where there is one, memory elsewhere. Rejects when it is broken. */
export async function openStore(storage: StorageFactory | 'memory' | undefined): Promise<Store> {
  const memory = memoryStore();
  if (typeof storage === 'function') {
    const store = (await storage()) as Store | undefined;
    for (const [name, part] of Object.entries(memory)) {
      if (typeof store?.[name as keyof Store] !== typeof part) throw new TypeError(`the given one has no ${name}`);
    }
    return store!;
  }
  if (storage === 'memory' || typeof indexedDB === 'undefined') return memory;
  const { openIndexedDb } = await import('./indexed-db.js');
  return openIndexedDb();
}
