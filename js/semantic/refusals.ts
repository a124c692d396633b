/**
 * Pairs of prompts people said do not ask the same, as digests: those of this page and, once the store is in use, those it
 * keeps. Every tab adds to what the others kept. A store that fails is done without.
 */
import type { Store } from '../store/store.js';

/** The oldest go. */
const most = 5_000;
const setting = 'tierwise/semantic-refusals';

export class Refusals {
  readonly #store: () => Promise<Store> | undefined;
  #pairs = new Set<string>();
  /** Undefined: there may be more than was read. */
  #reading: Promise<void> | undefined;
  #hears = false;

  /** `store`: undefined until it is in use. */
  constructor(store: () => Promise<Store> | undefined) {
    this.#store = store;
  }

  async all(): Promise<ReadonlySet<string>> {
    const store = this.#store();
    if (store !== undefined) await (this.#reading ??= this.#read(store));
    return this.#pairs;
  }

  /** It holds at once; resolves when it is kept. */
  async add(pair: string): Promise<void> {
    this.#pairs.delete(pair);
    this.#pairs.add(pair);
    const store = this.#store();
    if (store === undefined) return;
    await (this.#reading = this.#read(store));
    await store.then((opened) => opened.setSetting(setting, [...this.#pairs])).catch(() => undefined);
  }

  async #read(opening: Promise<Store>): Promise<void> {
    try {
      const store = await opening;
      if (!this.#hears) {
        this.#hears = true;
        store.onRemote((change) => {
          if (change.type === 'setting' && change.key === setting) this.#reading = undefined;
        });
      }
      const found = await store.getSetting(setting);
      const kept = Array.isArray(found) ? found.filter((pair) => typeof pair === 'string') : [];
      this.#pairs = new Set([...kept.filter((pair) => !this.#pairs.has(pair)), ...this.#pairs].slice(-most));
    } catch {
      // What this page was told still holds.
    }
  }
}
