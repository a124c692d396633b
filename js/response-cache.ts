/**
 * Steps 3 and 9: the page's half of the exact cache. The core decides (which entry answers, what may be stored, what
 * must go); this keeps the reply texts, in memory and, for partitions that may persist, one record per entry in the
 * store. A store that fails is reported once and then done without: it never fails a request.
 */
import type { Core } from './core.js';
import type {
  EntriesAnswer,
  ForgetAnswer,
  ForgetRequest,
  LookUpResult,
  StorableRequest,
  StorableResult,
  StoreRecord,
  StoreResult,
} from './core-types.js';
import { TierwiseError } from './errors.js';
import type { StoredQuestion } from './semantic/semantics.js';
import { memoryStore } from './store/memory.js';
import { matchesSelector } from './store/selector.js';
import type { CacheRecord, Store } from './store/store.js';
import type { Warning } from './types.js';

export interface Partition {
  handle: number;
  id: string;
  persist: boolean;
}
export interface Found {
  /** The entry's id, hit or not: what a reply to this request is stored under. */
  id: string;
  record: CacheRecord | undefined;
  ageMs: number;
  stale: boolean;
  refused: string | undefined;
}

/** Is told which entries answer which questions. */
export interface EntryListener {
  admit(entry: string, question: StoredQuestion | undefined): void;
  drop(entry: string): void;
}

export class ResponseCache {
  readonly #core: Core;
  readonly #now: () => number;
  readonly #warn: (warning: Warning) => void;
  readonly #changed: () => void;
  readonly #bodies = new Map<string, CacheRecord>();
  readonly #partitions = new Map<string, Partition>();
  /** Kinds of outcomes that may be stored, and the largest of each that was asked for. */
  readonly #letIn = new Map<string, { bytes: number; answer: StorableResult }>();
  /** Recent `forget`s, so that a reply whose request began before one is not stored after it. */
  #forgets: { selector: ForgetRequest; at: number }[] = [];
  #store: Store = memoryStore();
  #loaded = true;
  #loading: Promise<void> = Promise.resolve();
  #pending = new Set<Promise<unknown>>();
  #stopHearing: () => void = () => undefined;
  #warned = false;
  #opened = false;
  readonly #persistDefault: boolean | undefined;
  #listener: EntryListener | undefined;
  /** How often entries came, were replaced, or went. */
  #changes = 0;

  constructor(
    core: Core,
    now: () => number,
    warn: (warning: Warning) => void,
    changed: () => void,
    persist: boolean | undefined,
  ) {
    this.#persistDefault = persist;
    this.#core = core;
    this.#now = now;
    this.#warn = warn;
    this.#changed = changed;
  }

  listen(listener: EntryListener): void {
    this.#listener = listener;
  }

  /** Tells the listener of all that is stored. */
  replay(): void {
    for (const { id, question } of this.#bodies.values()) this.#listener?.admit(id, question);
    if (!this.#store.persistent) return;
    const admit = (records: readonly CacheRecord[]): void => {
      for (const { id, question } of records) this.#listener?.admit(id, question);
    };
    this.#write(this.#store.load(admit));
  }

  /** Takes the store into use and reads what is there in the background; look-ups meanwhile ask the store itself. */
  open(store: Store): void {
    if (store === this.#store || this.#opened) return;
    this.#opened = true;
    this.#store = store;
    this.#stopHearing = store.onRemote((change) => {
      if (change.type === 'put') this.#admit(change.record);
      else if (change.type === 'removed') this.#drop(this.#core.forget({ ids: change.ids }).ids);
      else if (change.type === 'forget') {
        this.#noteForget(change.selector, Math.min(change.at, this.#now()));
        this.#drop(this.#core.forget(withScope(change.selector)).ids);
      } else return;
      this.#changed();
    });
    if (!store.persistent) return;
    this.#loaded = false;
    this.#loading = store
      .load((records) => {
        const dead: string[] = [];
        for (const record of records) dead.push(...this.#admit(record));
        if (dead.length > 0) this.#write(store.remove(dead));
      })
      .then(
        ({ skipped }) => {
          if (skipped > 0) {
            this.#warn({
              code: 'cache-records-skipped',
              message: `${String(skipped)} stored replies were damaged or of another version and were left out.`,
            });
          }
          this.#changed();
        },
        (error: unknown) => this.#degrade(error),
      )
      .finally(() => {
        this.#loaded = true;
      });
  }

  partition(fields: Record<string, string>): Partition {
    const key = JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
    let partition = this.#partitions.get(key);
    if (partition === undefined) {
      partition = { ...this.#core.partition(fields), persist: this.#persistDefault ?? fields['user'] !== undefined };
      this.#partitions.set(key, partition);
    }
    return partition;
  }

  /** Whether the store is in use. */
  get opened(): boolean {
    return this.#opened;
  }

  /** Where a reply to this request is stored, whatever is stored there now. */
  place(partition: Partition, text: string): Found {
    return this.#miss(this.#core.lookUp(partition.handle, text, this.#now(), 0, false));
  }

  async find(partition: Partition, text: string, maxAge: number | undefined): Promise<Found> {
    const lookUp = () => this.#core.lookUp(partition.handle, text, this.#now(), maxAge, true);
    let looked = lookUp();
    if (!looked.hit && !this.#loaded && partition.persist) {
      const record = await this.#read(looked.id);
      if (record !== undefined) {
        this.#admit(record);
        looked = lookUp();
        if (looked.hit) this.#bodies.set(record.id, record);
      }
    }
    return this.#body(partition, looked, lookUp);
  }

  /** An entry of that partition, fresh enough, by its id. */
  async take(partition: Partition, id: string, maxAge: number | undefined): Promise<Found> {
    const lookUp = () => this.#core.lookUp(partition.handle, id, this.#now(), maxAge, false, true);
    return this.#body(partition, lookUp(), lookUp);
  }

  /** `lookUp`: what was asked, to be asked again where that may be answered otherwise by now. */
  async #body(partition: Partition, looked: LookUpResult, lookUp: () => LookUpResult): Promise<Found> {
    if (!looked.hit) return this.#miss(looked);
    let record = this.#bodies.get(looked.id);
    if (record === undefined) {
      const changes = this.#changes;
      record = await this.#read(looked.id);
      // Forgotten, evicted or replaced meanwhile, perhaps.
      if (changes !== this.#changes) return this.#body(partition, lookUp(), lookUp);
      if (record === undefined) {
        // The body is gone (another tab, cleared storage): the entry goes too.
        this.#drop(this.#core.forget({ ids: [looked.id] }).ids);
        return this.#miss(looked);
      }
      this.#bodies.set(record.id, record);
    }
    record.hits += 1;
    record.lastUsedAt = this.#now();
    if (partition.persist) this.#store.touch(record.id, record.lastUsedAt, record.hits);
    return { id: looked.id, record, ageMs: looked.ageMs ?? 0, stale: looked.stale === true, refused: undefined };
  }

  /** Whether the reply was stored, and why. */
  put(
    record: CacheRecord,
    startedAt: number,
    outcome: StorableRequest,
    persist: boolean,
  ): { stored: boolean; reason: string } {
    const { store, reason } = this.#storable(outcome);
    if (!store) return { stored: false, reason };
    if (this.#wasForgotten(record, startedAt)) {
      return { stored: false, reason: 'It was forgotten while it was being fetched.' };
    }
    const answer = this.#core.store(coreRecord(record, this.#now()));
    this.#discard(answer.evicted);
    if (!answer.stored)
      return {
        stored: false,
        reason: refusals[answer.refused ?? ''] ?? `The cache refused it (${answer.refused ?? 'unknown'}).`,
      };
    this.#changes += 1;
    this.#bodies.set(record.id, record);
    if (persist) this.#persist(record, startedAt);
    this.#listener?.admit(record.id, record.question);
    this.#changed();
    return {
      stored: true,
      reason: persist && this.#store.persistent ? 'Stored in this browser.' : 'Stored in memory, for this page only.',
    };
  }

  #persist(record: CacheRecord, startedAt: number): void {
    if (!this.#store.persistent) return;
    this.#write(
      this.#store.put(record, startedAt).then((result) => {
        if (result === 'forgotten') this.#drop(this.#core.forget({ ids: [record.id] }).ids);
      }),
    );
  }

  /** Changes an entry that is there, of that partition if one is named; whether it was. Kept where it was kept before. */
  async edit(
    id: string,
    change: Partial<Pick<CacheRecord, 'ttlMs' | 'question'>>,
    partition?: Partition,
  ): Promise<boolean> {
    const changes = this.#changes;
    const kept = await this.#read(id);
    // What was read may have been replaced, or have gone, meanwhile, and must not come back.
    if (changes !== this.#changes) return this.edit(id, change, partition);
    const record = this.#bodies.get(id) ?? kept;
    if (record === undefined || (partition !== undefined && record.partition !== partition.id)) return false;
    Object.assign(record, change);
    if (change.ttlMs !== undefined) {
      const { stored, evicted } = this.#core.store(coreRecord(record, this.#now()));
      this.#discard(evicted);
      if (!stored) return false;
    }
    if (kept !== undefined) this.#persist(record, record.storedAt);
    // Vectors that were made are nothing people see.
    if (change.ttlMs !== undefined) this.#changed();
    return true;
  }

  /** The core's answer; what it let in before, it lets in again where no more of it is stored. */
  #storable(outcome: StorableRequest): StorableResult {
    const { complete, filtered, finishReason, provider, temperature, variety, noStore, bytes } = outcome;
    const kind = [complete, filtered, finishReason, provider, temperature, variety, noStore].join(' ');
    const known = this.#letIn.get(kind);
    if (known !== undefined && bytes > 0 && bytes <= known.bytes) return known.answer;
    const answer = this.#core.storable(outcome);
    if (answer.store) {
      if (this.#letIn.size >= mostKinds) this.#letIn.clear();
      this.#letIn.set(kind, { bytes, answer });
    }
    return answer;
  }

  async forget(selector: ForgetRequest): Promise<ForgetAnswer> {
    await this.#loading;
    const now = this.#now();
    const answer = this.#core.forget(withScope(selector));
    if (selector.dryRun === true) return answer;
    this.#noteForget(selector, now);
    this.#drop(answer.ids);
    const gone = new Map(answer.ids.map((id) => [id, true]));
    let bytes = answer.bytes;
    try {
      const removed = await this.#store.forget(selector, now);
      // Records this tab did not know of.
      const unknown = removed.ids.filter((id) => !gone.has(id));
      if (unknown.length > 0 && removed.ids.length > 0) bytes += (removed.bytes * unknown.length) / removed.ids.length;
      for (const id of unknown) gone.set(id, true);
    } catch (error) {
      this.#degrade(error);
    }
    this.#changed();
    return { ids: [...gone.keys()], bytes: Math.round(bytes) };
  }

  async entries(
    partition: string | undefined,
  ): Promise<{ entries: EntriesAnswer['entries']; body: (id: string) => Promise<CacheRecord | undefined> }> {
    await this.#loading;
    const entries: EntriesAnswer['entries'] = [];
    // By pages: one list of 10,000 would cost WebAssembly memory that is never given back.
    for (;;) {
      const page = this.#core.entries({
        limit: entriesPage,
        offset: entries.length,
        partition,
      }).entries;
      entries.push(...page);
      if (page.length < entriesPage) break;
    }
    return {
      entries,
      body: async (id) => this.#bodies.get(id) ?? (await this.#read(id)),
    };
  }

  totals(): { entries: number; bytes: number } {
    const { total, totalBytes } = this.#core.entries({ limit: 0 });
    return { entries: total, bytes: totalBytes };
  }

  /** Ids that left because the bounds became smaller. */
  discarded(ids: readonly string[]): void {
    this.#discard(ids);
  }

  async flush(): Promise<void> {
    await this.#loading;
    while (this.#pending.size > 0) await Promise.allSettled([...this.#pending]);
    await this.#store.flush().catch((error: unknown) => this.#degrade(error));
  }

  /** The store is closed by whoever opened it. */
  close(): void {
    this.#stopHearing();
    this.#bodies.clear();
  }

  #miss({ id, refused }: LookUpResult): Found {
    return { id, record: undefined, ageMs: 0, stale: false, refused };
  }

  /** Tells the core of a record from elsewhere; returns the ids that must leave the store for it. */
  #admit(record: Omit<CacheRecord, 'reply'>): string[] {
    // Read, or sent by another tab, before it was forgotten.
    if (this.#wasForgotten(record, record.storedAt)) return [record.id];
    let answer: StoreResult;
    try {
      answer = this.#core.store(coreRecord(record, this.#now()));
    } catch (error) {
      // A record the core cannot read is damaged or not ours.
      if (TierwiseError.isInstance(error) && error.code !== 'internal' && error.code !== 'closed') return [record.id];
      throw error;
    }
    if (answer.stored) {
      this.#changes += 1;
      this.#bodies.delete(record.id);
      this.#listener?.admit(record.id, record.question);
    }
    this.#drop(answer.evicted);
    // What the bounds or the clock refuse must not fill the store either; a newer record of the same id may stay.
    const dead = answer.refused !== undefined && answer.refused !== 'older';
    return dead ? [...answer.evicted, record.id] : answer.evicted;
  }

  async #read(id: string): Promise<CacheRecord | undefined> {
    try {
      return await this.#store.get(id);
    } catch (error) {
      this.#degrade(error);
      return undefined;
    }
  }

  #drop(ids: readonly string[]): void {
    this.#changes += ids.length;
    for (const id of ids) {
      this.#bodies.delete(id);
      this.#listener?.drop(id);
    }
  }

  #discard(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#drop(ids);
    this.#write(this.#store.remove(ids));
  }

  #wasForgotten(record: Omit<CacheRecord, 'reply'>, since: number): boolean {
    const now = this.#now();
    // Noted while the clock was ahead: from now on it lies in the past. Of what began then, nobody can tell.
    for (const note of this.#forgets) note.at = Math.min(note.at, now);
    return this.#forgets.some(({ selector, at }) => at >= Math.min(since, now) && matchesSelector(record, selector));
  }

  #noteForget(selector: ForgetRequest, at: number): void {
    // Requests live minutes at most: older notes can match nothing that is still in flight.
    this.#forgets = [...this.#forgets.filter((note) => at - note.at < 3_600_000).slice(-199), { selector, at }];
  }

  #write(work: Promise<unknown>): void {
    const tracked: Promise<unknown> = work
      .catch((error: unknown) => this.#degrade(error))
      .finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  #degrade(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#warn({
      code: 'storage-failed',
      message: `Replies cannot be kept in this browser (${reason}). They are cached in memory until the page closes.`,
      cause: error,
    });
  }
}

function coreRecord(record: Omit<CacheRecord, 'reply'>, now: number): StoreRecord {
  const { id, partition, tier, target, tags, bytes, storedAt, lastUsedAt, hits, ttlMs } = record;
  return {
    id,
    partition,
    tier,
    target,
    tags,
    bytes,
    storedAt,
    lastUsedAt,
    hits,
    now,
    ttlMs,
  };
}

const entriesPage = 500;
const mostKinds = 100;

const refusals: Record<string, string> = {
  expired: 'Its life is over already.',
  'too-large': 'It is too large for the cache.',
  full: 'The cache has no room for it.',
  future: 'Its time lies in the future: the clock of this device was changed.',
  older: 'A newer reply to the same request is stored.',
};

/** The core wants to be told when everything is meant. */
function withScope(selector: ForgetRequest): ForgetRequest {
  const { dryRun, ...fields } = selector;
  const named = Object.values(fields as Record<string, unknown>).some((value) => value !== undefined);
  return named ? selector : { all: true, ...(dryRun === true && { dryRun }) };
}
