/**
 * A vector index of the application's own, in meaning.wasm: exact, by cosine (`wasm/embed/vector_index.h`). Here the
 * caller's ids, partitions and tags become the index's numbers.
 *
 * Saved: 32 bytes (the letters TWVX, the version 1, the length of the names, 0, and the checksum of the names), the names as
 * JSON, the index as `wasm/embed/vector_snapshot.h` has it, with its own checksum.
 */
import { RequestError } from '../errors.js';
import { ofRequest } from '../request.js';
import { anyText, anything, check, demand, isText, numberFrom, wholeFrom, type Check } from '../shape.js';
import type { Meaning } from './meaning.js';
import { openMeaning } from './open-meaning.js';

export type VectorId = string | number;
/** Of any length but 0: it is made a unit vector. */
export type Vector = Float32Array | readonly number[];

export interface VectorIndexOptions {
  /** Of every vector, 2 to 4096. */
  dimensions: number;
  /** What `save()` gave. */
  from?: Uint8Array;
}
export interface VectorPlace {
  /** A search sees only its own partition. Default ''. */
  partition?: string;
  /** What `filter` asks for; up to 32 different ones in an index. */
  tags?: readonly string[];
}
export interface VectorEntry extends VectorPlace {
  id: VectorId;
  vector: Vector;
}
export interface VectorSearch {
  /** How many, at most. Default 10. */
  k?: number;
  /** Default ''. */
  partition?: string;
  /** Only entries with all of these tags. */
  filter?: readonly string[];
  /** Only entries at least as similar, -1 to 1. */
  minScore?: number;
}
export interface VectorHit {
  id: VectorId;
  /** The cosine; its standard error is 0.00003. */
  score: number;
}

const mostRows = 1_000_000;
const mostTags = 32;
const magic = 0x58565754;
const headBytes = 32;
/** Rows that cross at once: a quarter of the input that the module keeps. */
const crossBytes = 1 << 18;

const texts: Check = (value, field) =>
  demand(
    Array.isArray(value) && value.every((entry) => isText(entry) && entry !== ''),
    field,
    'a list of non-empty strings',
  );
const anyId: Check = (value, field) =>
  demand(isText(value) || Number.isFinite(value), field, 'a string or a finite number');
const saved: Check = (value, field) => demand(value instanceof Uint8Array, field, 'a Uint8Array that save() gave');
const placeShape = { partition: anyText, tags: texts };

/** As `createVectorIndex` of js/light.ts. */
export async function openVectorIndex(options: VectorIndexOptions): Promise<VectorIndex> {
  ofRequest(() => {
    const dimensions = wholeFrom(2, 4096);
    check(options, { dimensions, from: saved }, '', 'options');
    dimensions(options.dimensions, 'dimensions');
  });
  const { dimensions, from } = options;
  const index = new VectorIndex(await openMeaning(), dimensions);
  try {
    if (from !== undefined) index.load(from);
    return index;
  } catch (error) {
    index.close();
    throw error;
  }
}

interface Names {
  /** By row; null for a row that is free. */
  ids: (VectorId | null)[];
  /** Of each row, which of the partitions. */
  partitions: number[];
  names: string[];
  tags: string[];
}

interface Room {
  vectors: Float32Array;
  partitions: Uint32Array;
  tags: Uint32Array;
}
function room(rows: number, dimensions: number): Room {
  return {
    vectors: new Float32Array(rows * dimensions),
    partitions: new Uint32Array(rows),
    tags: new Uint32Array(rows),
  };
}

/** What `createVectorIndex` gives. Errors are `RequestError`s that name the field; a refused call changes nothing. */
export class VectorIndex {
  readonly dimensions: number;
  readonly #meaning: Meaning;
  readonly #index: number;
  readonly #rows = new Map<VectorId, number>();
  /** By row. */
  #ids: (VectorId | undefined)[] = [];
  #partitionOf: number[] = [];
  /** By number; a name without rows makes room for another. */
  readonly #partitions: { name: string; rows: number }[] = [];
  readonly #freePartitions: number[] = [];
  readonly #partitionNumbers = new Map<string, number>();
  #tags: string[] = [];
  /** What one row crosses in. */
  readonly #one: Room;
  #closed = false;

  /** Takes `meaning` for itself. */
  constructor(meaning: Meaning, dimensions: number) {
    this.dimensions = dimensions;
    this.#meaning = meaning;
    this.#one = room(1, dimensions);
    this.#index = meaning.openIndex(dimensions);
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Memory of the vectors; 57 MB for 100,000 of 384 dimensions. */
  get bytes(): number {
    return this.#closed ? 0 : this.#meaning.indexBytes(this.#index);
  }

  has(id: VectorId): boolean {
    return this.#rows.has(id);
  }

  add(id: VectorId, vector: Vector, place: VectorPlace = {}): void {
    this.#open();
    ofRequest(() => {
      anyId(id, 'id');
      check(place, placeShape, '', 'place');
    });
    this.#addSome([{ id, vector, ...place }], '');
  }

  /** All of them, or none. */
  addAll(entries: Iterable<VectorEntry>): void {
    this.#open();
    const shape = { ...placeShape, id: anyId, vector: anything };
    const list = ofRequest(() => {
      demand(typeof (entries as Partial<typeof entries> | null)?.[Symbol.iterator] === 'function', 'entries', 'a list');
      const all = [...entries];
      for (const [i, entry] of all.entries()) {
        const field = `entries[${String(i)}]`;
        check(entry, shape, field);
        anyId((entry as Partial<VectorEntry>).id, `${field}.id`);
      }
      return all;
    });
    this.#addSome(list, 'entries');
  }

  /** Another vector; other tags where they are given. The partition stays. */
  update(id: VectorId, vector: Vector, { tags }: { tags?: readonly string[] } = {}): void {
    this.#open();
    ofRequest(() => {
      if (tags !== undefined) texts(tags, 'tags');
    });
    const row = this.#rows.get(id);
    if (row === undefined) throw new RequestError('unknown-id', `id: there is no ${JSON.stringify(id)}.`, 'id');
    const numbers = this.#numbers(vector, 'vector');
    const before = this.#tags.length;
    try {
      this.#meaning.updateVector(this.#index, row, numbers, tags && this.#tagBits(tags, 'tags'));
    } catch (error) {
      this.#tags.length = before;
      throw error;
    }
  }

  /** False when it was not there. */
  remove(id: VectorId): boolean {
    this.#open();
    const row = this.#rows.get(id);
    if (row === undefined) return false;
    this.#meaning.removeVector(this.#index, row);
    this.#forget(row);
    return true;
  }

  /** The best first; equals by when they were added, unless rows were removed between. */
  search(vector: Vector, options: VectorSearch = {}): VectorHit[] {
    this.#open();
    ofRequest(() => {
      const shape = { k: wholeFrom(1, mostRows), partition: anyText, filter: texts, minScore: numberFrom(-1, 1) };
      check(options, shape, '', 'options');
    });
    const { k = 10, partition = '', filter = [], minScore = -1 } = options;
    const numbers = this.#numbers(vector, 'vector');
    const number = this.#partitionNumbers.get(partition);
    let wanted = 0;
    for (const tag of filter) {
      const bit = this.#tags.indexOf(tag);
      if (bit < 0) return [];
      wanted = (wanted | (1 << bit)) >>> 0;
    }
    if (number === undefined) return [];
    const { rows, scores } = this.#meaning.searchVectors(this.#index, numbers, number, k, minScore, wanted);
    const hits: VectorHit[] = [];
    for (const [i, row] of rows.entries()) hits.push({ id: this.#ids[row]!, score: scores[i]! });
    return hits;
  }

  /** Ids, partitions, tags and vectors, for `from`. */
  save(): Uint8Array {
    this.#open();
    const named: Names = {
      ids: Array.from(this.#ids, (id) => id ?? null),
      partitions: this.#partitionOf,
      names: this.#partitions.map(({ name }) => name),
      tags: this.#tags,
    };
    const names = new TextEncoder().encode(JSON.stringify(named));
    const all = this.#meaning.saveIndex(this.#index, headBytes + names.length);
    const head = new DataView(all.buffer);
    for (const [i, word] of [magic, 1, names.length, 0].entries()) head.setUint32(4 * i, word, true);
    all.set(new TextEncoder().encode(this.#meaning.checksum(names)), 16);
    all.set(names, headBytes);
    return all;
  }

  /** Into an index that is empty. */
  load(from: Uint8Array): void {
    const damaged = (what: string) => new RequestError('invalid-snapshot', `from: ${what}`, 'from');
    if (from.length < headBytes) throw damaged('is no saved vector index.');
    const head = new DataView(from.buffer, from.byteOffset);
    const [found, version, length, zero] = [0, 4, 8, 12].map((at) => head.getUint32(at, true)) as [
      number,
      number,
      number,
      number,
    ];
    if (found !== magic) throw damaged('is no saved vector index.');
    if (version !== 1) throw damaged('is of another version of this package.');
    const names = from.subarray(headBytes, headBytes + length);
    const sum = new TextDecoder().decode(from.subarray(16, headBytes));
    if (zero !== 0 || names.length !== length || this.#meaning.checksum(names) !== sum) {
      throw damaged('is damaged, or cut off.');
    }
    const named = sound(JSON.parse(new TextDecoder().decode(names)));
    this.#meaning.loadIndex(this.#index, from.subarray(headBytes + length));
    const rows = named.ids.flatMap((id, row) => (id === null ? [] : [[id, row] as const]));
    if (rows.length !== this.#meaning.indexSize(this.#index)) throw damaged('is damaged: its parts do not agree.');
    this.#tags = named.tags;
    this.#partitionOf = named.partitions;
    this.#ids = named.ids.map((id) => id ?? undefined);
    for (const name of named.names) this.#partitions.push({ name, rows: 0 });
    for (const [id, row] of rows) {
      this.#rows.set(id, row);
      this.#partitions[named.partitions[row]!]!.rows += 1;
    }
    // Names without rows are left over, and may be those of others.
    for (const [number, { name, rows: count }] of this.#partitions.entries()) {
      if (count > 0) this.#partitionNumbers.set(name, number);
      else this.#freePartitions.push(number);
    }
  }

  /** Gives its memory back. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#meaning.closeIndex(this.#index);
    this.#meaning.close();
    this.#rows.clear();
    this.#ids = [];
  }

  #open(): void {
    if (this.#closed) throw new RequestError('closed', 'This vector index was closed.');
  }

  #addSome(entries: readonly VectorEntry[], list: string): void {
    const name = (i: number, field: string) => (list === '' ? field : `${list}[${String(i)}].${field}`);
    if (this.size + entries.length > mostRows) {
      const what = `${list === '' ? 'id' : list}: an index holds ${String(mostRows)} vectors at most.`;
      throw new RequestError('too-many-rows', what, list === '' ? 'id' : list);
    }
    // One does not need what many do: adding takes microseconds.
    const given = entries.length === 1 ? undefined : new Set<VectorId>();
    for (const [i, { id }] of entries.entries()) {
      if (this.#rows.has(id) || given?.has(id) === true) {
        const what = `${name(i, 'id')}: ${JSON.stringify(id)} is there already; update() changes it.`;
        throw new RequestError('duplicate-id', what, name(i, 'id'));
      }
      given?.add(id);
    }
    const { dimensions } = this;
    const most = Math.min(entries.length, Math.max(1, Math.floor(crossBytes / (4 * dimensions))));
    const { vectors, partitions, tags } = entries.length === 1 ? this.#one : room(most, dimensions);
    const tagsBefore = this.#tags.length;
    let added = 0;
    const opened = new Set<number>();
    try {
      while (added < entries.length) {
        const some = Math.min(most, entries.length - added);
        for (let i = 0; i < some; i++) {
          const entry = entries[added + i]!;
          vectors.set(this.#numbers(entry.vector, name(added + i, 'vector')), i * dimensions);
          tags[i] = this.#tagBits(entry.tags ?? [], name(added + i, 'tags'));
          partitions[i] = this.#partition(entry.partition ?? '', opened);
        }
        const rows =
          some === partitions.length
            ? this.#meaning.addVectors(this.#index, vectors, partitions, tags)
            : this.#meaning.addVectors(
                this.#index,
                vectors.subarray(0, some * dimensions),
                partitions.subarray(0, some),
                tags.subarray(0, some),
              );
        for (const [i, row] of rows.entries()) {
          const { id } = entries[added + i]!;
          this.#rows.set(id, row);
          this.#ids[row] = id;
          this.#partitionOf[row] = partitions[i]!;
          this.#partitions[partitions[i]!]!.rows += 1;
        }
        added += some;
      }
    } catch (error) {
      for (const { id } of entries.slice(0, added)) this.remove(id);
      for (const number of opened) {
        if (this.#partitions[number]?.rows === 0) this.#releasePartition(number);
      }
      this.#tags.length = tagsBefore;
      throw error;
    }
  }

  #forget(row: number): void {
    this.#rows.delete(this.#ids[row]!);
    this.#ids[row] = undefined;
    const number = this.#partitionOf[row]!;
    if (--this.#partitions[number]!.rows === 0) this.#releasePartition(number);
  }

  #partition(name: string, opened: Set<number>): number {
    let number = this.#partitionNumbers.get(name);
    if (number !== undefined) return number;
    number = this.#freePartitions.pop() ?? this.#partitions.length;
    this.#partitions[number] = { name, rows: 0 };
    this.#partitionNumbers.set(name, number);
    opened.add(number);
    return number;
  }

  #releasePartition(number: number): void {
    const { name } = this.#partitions[number]!;
    if (this.#partitionNumbers.get(name) !== number) return;
    this.#partitionNumbers.delete(name);
    this.#freePartitions.push(number);
  }

  #tagBits(tags: readonly string[], field: string): number {
    let bits = 0;
    for (const tag of tags) {
      let bit = this.#tags.indexOf(tag);
      if (bit < 0) {
        if (this.#tags.length === mostTags) {
          const what = `${field}: an index has ${String(mostTags)} different tags at most.`;
          throw new RequestError('too-many-tags', what, field);
        }
        bit = this.#tags.push(tag) - 1;
      }
      bits = (bits | (1 << bit)) >>> 0;
    }
    return bits;
  }

  /** Checked here, so that the field has its name; zeros and the like, too. */
  #numbers(vector: Vector, field: string): Float32Array {
    const refuse = (what: string): never => {
      throw new RequestError('invalid-vector', `${field}: ${what}`, field);
    };
    if (!(vector instanceof Float32Array) && !Array.isArray(vector)) {
      return refuse('must be a Float32Array or an array of numbers.');
    }
    const { dimensions } = this;
    if (vector.length !== dimensions) {
      refuse(`must have ${String(dimensions)} numbers, it has ${String(vector.length)}.`);
    }
    const numbers = vector instanceof Float32Array ? vector : Float32Array.from(vector as readonly number[]);
    // One sum for both: NaN and infinity stay in it.
    let squares = 0;
    for (let i = 0; i < dimensions; i++) squares += numbers[i]! * numbers[i]!;
    if (!(squares > 0 && squares < Infinity)) refuse('must have finite numbers, not all of them 0.');
    return numbers;
  }
}

/** What was saved, if its parts fit one another: a checksum says nothing of who made it. */
function sound(value: unknown): Names {
  const { ids, partitions, names, tags } = Object(value) as Partial<Record<keyof Names, unknown>>;
  const isList = (list: unknown): list is unknown[] => Array.isArray(list);
  const areTexts = (list: unknown): list is string[] =>
    isList(list) && list.every(isText) && new Set(list).size === list.length;
  const holds =
    isList(ids) &&
    ids.length <= mostRows &&
    ids.every((id) => id === null || isText(id) || typeof id === 'number') &&
    isList(partitions) &&
    partitions.length === ids.length &&
    isList(names) &&
    names.every(isText) &&
    partitions.every((number) => Number.isInteger(number) && names[number as number] !== undefined) &&
    areTexts(tags) &&
    tags.length <= mostTags;
  if (!holds) throw new RequestError('invalid-snapshot', 'from: is damaged: its parts do not agree.', 'from');
  return { ids, partitions, names, tags } as Names;
}
