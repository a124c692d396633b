/**
 * The page's side of the boundary to meaning.wasm (`wasm/meaning_bindings.cpp`): typed calls. Token ids stay in its memory
 * for what follows, unless they are asked for.
 */
import { Boundary } from '../boundary.js';
import { LoadError, RequestError } from '../errors.js';
import type { PromptComparison, SemanticPolicy } from '../types.js';
import type { MeaningModule } from './meaning-module.js';
import type { Tokens } from './tokens.js';

export class Meaning {
  readonly #module: MeaningModule;
  readonly #boundary: Boundary;
  /** Which of the module's. */
  readonly #meaning: number;

  constructor(module: MeaningModule) {
    this.#module = module;
    this.#boundary = new Boundary(module, {
      name: 'The embedding module',
      noRoom: 'The text did not fit into the module.',
      shortText: 200,
    });
    this.#meaning = this.#boundary.handle;
  }

  /** Of the package this module was built for. */
  version(): string {
    return this.#boundary.text(this.#boundary.guarded(() => this.#module.version(this.#meaning)));
  }

  /** `bytes` of a vocab.txt of `expected` lines. Errors: LoadError. */
  loadVocabulary(bytes: Uint8Array, expected: number): void {
    this.#load(bytes, (length) => this.#module.loadVocabulary(this.#meaning, length, expected));
  }

  /** `bytes` of a light.bin. Errors: LoadError. */
  loadLight(bytes: Uint8Array): void {
    this.#load(bytes, (length) => this.#module.loadLight(this.#meaning, length));
  }

  /** `bytes` of the guard's words.bin and judge.bin. Errors: LoadError. */
  loadWords(bytes: Uint8Array): void {
    this.#load(bytes, (length) => this.#module.loadWords(this.#meaning, length));
  }
  loadJudge(bytes: Uint8Array): void {
    this.#load(bytes, (length) => this.#module.loadJudge(this.#meaning, length));
  }

  /** How many tokens the text has, with `[CLS]` and `[SEP]` at most `most`; negative when it was cut. They stay inside. */
  encode(text: string, most: number): number {
    const length = this.#boundary.write(text);
    return this.#boundary.guarded(() => this.#module.encode(this.#meaning, length, most, 1, 0));
  }

  /** Of the last text; a view that holds until the next call. */
  ids(count: number): Int32Array {
    return this.#array(this.#module.ids(this.#meaning), count);
  }

  tokenize(text: string, most: number, special: boolean): Tokens {
    const length = this.#boundary.write(text);
    const count = this.#boundary.guarded(() => this.#module.encode(this.#meaning, length, most, special ? 1 : 0, 1));
    const ids = this.ids(Math.abs(count)).slice();
    const places = this.#array(this.#module.offsets(this.#meaning), ids.length * 2);
    const offsets: [number, number][] = [];
    for (let i = 0; i < places.length; i += 2) offsets.push([places[i]!, places[i + 1]!]);
    const texts = this.#boundary.text(this.#boundary.guarded(() => this.#module.tokenTexts(this.#meaning)));
    return { ids, tokens: ids.length === 0 ? [] : texts.split('\n'), offsets, cut: count < 0 };
  }

  /** Of the last text. Its table must be loaded. */
  lightVector(dimensions: number): Float32Array {
    return this.#floats(
      this.#boundary.guarded(() => this.#module.lightVector(this.#meaning)),
      dimensions,
    ).slice();
  }

  /** A unit vector for each text of so many tokens, whose vectors stand one behind the other in `vectors`. */
  pool(vectors: Float32Array, lengths: readonly number[], dimensions: number): Float32Array[] {
    this.#fillRoom(vectors);
    let first = 0;
    return lengths.map((tokens) => {
      const address = this.#boundary.guarded(() => this.#module.pool(this.#meaning, first, tokens, dimensions));
      first += tokens;
      return this.#floats(address, dimensions).slice();
    });
  }

  /** What `openQuestions` answers names a set of questions (wasm/cache/questions.h) in the calls that follow; close it. */
  openQuestions(): number {
    return this.#boundary.guarded(() => this.#module.openQuestions(this.#meaning));
  }
  closeQuestions(questions: number): void {
    this.#boundary.guarded(() => this.#module.closeQuestions(questions));
  }
  /**
   * Its number, until it is dropped. `vectors`: what `vectorsOf` gave. `turns` 0: whatever it leans on. Errors: RequestError
   * `left-out`, `too-large`, `too-many`, `invalid-data`.
   */
  openQuestion(
    questions: number,
    scope: string,
    text: string,
    turns = 0,
    vectors: Uint8Array = new Uint8Array(),
  ): number {
    const told = utf8.encode(scope + text);
    this.#give(told, vectors);
    const length = told.length + vectors.length;
    return this.#checked(
      this.#boundary.guarded(() => this.#module.restore(this.#meaning, questions, length, vectors.length, turns)),
    );
  }
  /** Errors: RequestError `left-out`, `too-large`, `too-many`. */
  ask(questions: number, scope: string, text: string, turns: number, policy: SemanticPolicy): Asked {
    const length = this.#boundary.write(scope + text);
    return this.#json(
      this.#boundary.guarded(() => this.#module.ask(this.#meaning, questions, length, turns, numberOf(policy))),
    ) as Asked;
  }
  /** What the transformer is to be given. */
  questionTokens(questions: number, question: number): Int32Array {
    return this.ids(
      this.#boundary.guarded(() => this.#module.questionTokens(this.#meaning, questions, question)),
    ).slice();
  }
  /** What it gave: of each of those tokens, one behind the other. */
  setVectors(questions: number, question: number, vectors: Float32Array, tokens: number): void {
    this.#fillRoom(vectors);
    this.#boundary.guarded(() => this.#module.setVectors(this.#meaning, questions, question, tokens));
  }
  hasVectors(questions: number, question: number): boolean {
    return this.#boundary.guarded(() => this.#module.hasVectors(questions, question)) !== 0;
  }
  /** Empty where there are none yet. */
  vectorsOf(questions: number, question: number): Uint8Array {
    const length = this.#boundary.guarded(() => this.#module.vectorsOf(this.#meaning, questions, question));
    return this.#boundary.bytes(length).slice();
  }
  /** `least`: in place of the policy's, where it is given. */
  judge(
    questions: number,
    question: number,
    candidate: number,
    policy: SemanticPolicy,
    least: number | undefined,
  ): PromptComparison {
    return this.#json(
      this.#boundary.guarded(() =>
        this.#module.judge(this.#meaning, questions, question, candidate, numberOf(policy), least ?? -1),
      ),
    ) as PromptComparison;
  }
  /** From now on others are compared with it. */
  keepQuestion(questions: number, question: number): void {
    this.#boundary.guarded(() => this.#module.keepQuestion(questions, question));
  }
  dropQuestion(questions: number, question: number): void {
    this.#boundary.guarded(() => this.#module.dropQuestion(questions, question));
  }

  /** What `openIndex` answers names a vector index (wasm/embed/vector_index.h) in the calls that follow; close it. */
  openIndex(dimensions: number): number {
    return this.#boundary.guarded(() => this.#module.openIndex(dimensions));
  }
  closeIndex(index: number): void {
    this.#boundary.guarded(() => this.#module.closeIndex(index));
  }
  /** `rows` of vectors, one behind the other; their numbers in the index. Errors: RequestError, with the place of the row. */
  addVectors(index: number, vectors: Float32Array, partitions: Uint32Array, tags: Uint32Array): Uint32Array {
    this.#give(vectors, partitions, tags);
    const count = partitions.length;
    return this.#words(this.#boundary.guarded(() => this.#module.addVectors(this.#meaning, index, count)));
  }
  /** Without `tags` it keeps those it has. */
  updateVector(index: number, row: number, vector: Float32Array, tags?: number): void {
    this.#give(vector);
    this.#checked(this.#boundary.guarded(() => this.#module.updateVector(this.#meaning, index, row, tags ?? -1)));
  }
  removeVector(index: number, row: number): void {
    this.#boundary.guarded(() => this.#module.removeVector(index, row));
  }
  /** The best first: rows and, at the same place of the other array, their scores. */
  searchVectors(
    index: number,
    vector: Float32Array,
    partition: number,
    k: number,
    minScore: number,
    tags: number,
  ): { rows: Uint32Array; scores: Float32Array } {
    this.#give(vector);
    const both = this.#words(
      this.#boundary.guarded(() => this.#module.searchVectors(this.#meaning, index, partition, k, minScore, tags)),
    );
    const rows = both.filter((_, i) => i % 2 === 0);
    return { rows, scores: new Float32Array(both.buffer).filter((_, i) => i % 2 === 1) };
  }
  /** Of one index: bytes of memory, and rows. */
  indexBytes(index: number): number {
    return this.#boundary.guarded(() => this.#module.indexBytes(index));
  }
  indexSize(index: number): number {
    return this.#boundary.guarded(() => this.#module.indexSize(index));
  }
  /** The index as bytes (wasm/embed/vector_snapshot.h), behind `before` that stay free. */
  saveIndex(index: number, before: number): Uint8Array {
    const all = new Uint8Array(before + this.#boundary.guarded(() => this.#module.beginSave(this.#meaning, index)));
    for (let at = before; ;) {
      const length = this.#boundary.guarded(() => this.#module.save(this.#meaning));
      if (length === 0) return all;
      all.set(this.#boundary.bytes(length), at);
      at += length;
    }
  }
  /** Errors: RequestError `invalid-snapshot`, and the index stays as it was. */
  loadIndex(index: number, bytes: Uint8Array): void {
    this.#boundary.guarded(() => this.#module.beginLoad(this.#meaning, index));
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      this.#give(piece);
      this.#checked(this.#boundary.guarded(() => this.#module.load(this.#meaning, piece.length)));
    }
    this.#checked(this.#boundary.guarded(() => this.#module.endLoad(this.#meaning, index)));
  }
  /** XXH64, as 16 hexadecimal digits. */
  checksum(bytes: Uint8Array): string {
    this.#give(bytes);
    const words = this.#words(this.#boundary.guarded(() => this.#module.checksum(this.#meaning, bytes.length)));
    return [...words].map((word) => word.toString(16).padStart(8, '0')).join('');
  }

  /** False once its module met a bug of its own. */
  get usable(): boolean {
    return this.#module.trapped !== true;
  }

  close(): void {
    this.#boundary.guarded(() => this.#module.close(this.#meaning));
  }

  #load(bytes: Uint8Array, take: (length: number) => number): void {
    this.#give(bytes);
    try {
      this.#checked(this.#boundary.guarded(() => take(bytes.length)));
    } catch (cause) {
      throw cause instanceof RequestError ? new LoadError(cause.message, cause) : cause;
    }
  }

  #floats(address: number, length: number): Float32Array {
    return new Float32Array(this.#module.HEAPU8.buffer, address, length);
  }

  /** Room of the module's own, beside the input: what is large and must lie well. */
  #fillRoom(vectors: Float32Array): void {
    const room = this.#boundary.guarded(() => this.#module.room(this.#meaning, vectors.length));
    this.#floats(room, vectors.length).set(vectors);
  }

  /** As input, one behind the other. */
  #give(...parts: (Uint8Array | Float32Array | Uint32Array)[]): void {
    const input = this.#boundary.reserve(parts.reduce((sum, part) => sum + part.byteLength, 0));
    let at = 0;
    for (const part of parts) {
      input.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
      at += part.byteLength;
    }
  }

  /** Of an answer; negative, it is the length of an error. */
  #checked(length: number): number {
    if (length >= 0) return length;
    const { code, message, field, place } = JSON.parse(this.#boundary.text(length)) as Envelope;
    const whole = place === undefined ? field : `[${String(place)}].${String(field)}`;
    throw new RequestError(code, place === undefined ? message : `${String(whole)}: ${message}`, whole);
  }

  #json(length: number): unknown {
    return JSON.parse(this.#boundary.text(this.#checked(length)));
  }

  /** The last answer, a copy, as numbers of 32 bits. */
  #words(length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.#boundary.bytes(this.#checked(length)).slice().buffer);
  }

  #array(address: number, length: number): Int32Array {
    return new Int32Array(this.#module.HEAPU8.buffer, address, length);
  }
}

/** Of `ask`. Candidates are numbers of questions, the nearest first; `light`: the cosine of the light vectors. */
export interface Asked {
  /** Where there are candidates; drop it. */
  question?: number;
  /** `same`: by their words alone. */
  candidates: { question: number; light: number; same: boolean }[];
  refused: { question: number; light: number; rule: string; reason: string }[];
}
/** Of wasm/cache/guard/judge.h. */
function numberOf(policy: SemanticPolicy): number {
  return ['off', 'balanced', 'strict'].indexOf(policy);
}

const utf8 = new TextEncoder();

interface Envelope {
  code: string;
  message: string;
  field?: string;
  /** Of the row that was refused, among those given. */
  place?: number;
}

/** Less than what the module keeps room for (kKeepBytes of wasm/boundary.h). */
const pieceBytes = 1 << 18;
