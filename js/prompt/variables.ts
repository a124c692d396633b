/**
 * The variables of a template, gone through once: as a list of parts that says whether two renders differ in nothing
 * but their long texts, and from that as JSON in UTF-8, as the core takes them.
 *
 * As `JSON.stringify` has it, with its order of members (names that are whole numbers first), `toJSON` and what is
 * left out because it is undefined; lone surrogates become U+FFFD. What JSON cannot carry is refused instead of
 * changed: functions, symbols, BigInt, NaN and the infinities, values inside themselves.
 *
 * Texts may be left behind: long ones of members that hold prose are replaced by placeholders (wasm/prompt/value.h).
 */
import { RequestError } from '../errors.js';
import { wellFormed } from '../text.js';
import { mayBeLeft } from './left-texts.js';

/** As kMaxJsonDepth in wasm/base/json.h. */
const maxDepth = 100;
/** What may cross, so that a render stays below 64 MiB. */
const maxBytes = 8 << 20;
/** A larger buffer is given back. */
const keepBytes = 1 << 20;
/** UTF-16 units from which on a text is cheaper left behind than sent; not below kLeastOpaqueBytes (wasm/prompt/value.h). */
const leastLeft = 64;

/** A value, a name, or one of the marks below. */
export type Part = string | number | boolean | null | symbol;
const list = Symbol();
const members = Symbol();
const end = Symbol();
const leftText = Symbol();

/** Errors: RequestError with the place of what cannot cross. */
export class Variables {
  /** The same for the same variables, whatever their long texts are. */
  readonly parts: Part[] = [];
  /** Those, by their numbers. */
  readonly texts: string[] = [];
  /** Where it is: names and places, and what they are in. */
  readonly #path: (string | number)[] = [];
  readonly #within: object[] = [];

  constructor(variables: object) {
    this.#value(resolved(variables, ''), '', 0);
  }

  #value(value: unknown, key: string, depth: number): void {
    if (typeof value === 'string') {
      if (value.length >= leastLeft && (key === 'content' || key === 'text') && mayBeLeft(value)) {
        this.texts.push(value);
        this.parts.push(leftText);
      } else this.parts.push(value);
    } else if (typeof value === 'object' && value !== null) this.#members(value, key, depth);
    else if (typeof value === 'number' ? Number.isFinite(value) : typeof value === 'boolean' || value === null) {
      this.parts.push(value as number | boolean | null);
    } else this.#refuse(`is ${typeof value === 'number' ? String(value) : `a ${typeof value}`}`, depth);
  }

  #members(value: object, key: string, depth: number): void {
    if (depth >= maxDepth) this.#tooDeep(value);
    const { parts } = this;
    // Each is a byte of JSON at least.
    if (parts.length > maxBytes) tooLarge();
    this.#within[depth] = value;
    if (Array.isArray(value)) {
      parts.push(list);
      let count = 0;
      for (const given of value as unknown[]) {
        this.#path[depth] = count;
        const element = resolved(given, String(count++));
        this.#value(element === undefined ? null : element, key, depth + 1);
      }
    } else {
      parts.push(members);
      for (const name of Object.keys(value)) {
        this.#path[depth] = name;
        const member = resolved((value as Record<string, unknown>)[name], name);
        if (member === undefined) continue;
        parts.push(name);
        this.#value(member, name, depth + 1);
      }
    }
    parts.push(end);
  }

  #refuse(why: string, depth: number): never {
    let field = 'variables';
    for (const step of this.#path.slice(0, depth)) field += typeof step === 'number' ? `[${String(step)}]` : `.${step}`;
    throw new RequestError('invalid-input', `${field} ${why}, which JSON cannot carry.`, field);
  }

  #tooDeep(value: object): never {
    const at = this.#within.indexOf(value);
    if (at >= 0) this.#refuse('contains itself', at);
    throw new RequestError(
      'too-deep',
      `The variables are nested in more than ${String(maxDepth)} levels.`,
      'variables',
    );
  }
}

/** What JSON takes in its place. */
function resolved(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return toJSON.call(value, key) as unknown;
  return value instanceof String || value instanceof Number || value instanceof Boolean ? value.valueOf() : value;
}

/**
 * Valid until the next call. With `leave`, long texts are replaced by placeholders; `undefined` when a text that is sent
 * would be taken for one: then nothing can be left behind. Errors: RequestError `too-large`.
 */
export function written({ parts, texts }: Variables, leave: boolean): Uint8Array | undefined {
  return writer.write(parts, texts, leave);
}

class PartsWriter {
  readonly #encoder = new TextEncoder();
  #bytes = new Uint8Array(16 * 1024);
  #parts: readonly Part[] = [];
  #texts: readonly string[] = [];
  #leave = false;
  #next = 0;
  #left = 0;
  #clashes = 0;

  write(parts: readonly Part[], texts: readonly string[], leave: boolean): Uint8Array | undefined {
    this.#parts = parts;
    this.#texts = texts;
    this.#leave = leave;
    this.#next = this.#left = this.#clashes = 0;
    try {
      const to = this.#value(0);
      if (to > maxBytes) tooLarge();
      return this.#clashes > 0 ? undefined : this.#bytes.subarray(0, to);
    } finally {
      this.#parts = this.#texts = [];
      if (this.#bytes.length > keepBytes) this.#bytes = new Uint8Array(16 * 1024);
    }
  }

  // Each writes from `at` on and gives where it ended.

  #value(at: number): number {
    const part = this.#parts[this.#next++]!;
    if (typeof part === 'string') return this.#text(part, at);
    if (part === leftText) {
      const number = this.#left++;
      return this.#leave ? this.#placeholder(number, at) : this.#text(this.#texts[number]!, at);
    }
    if (typeof part !== 'symbol') return this.#ascii(String(part), at);
    at = this.#ascii(part === list ? '[' : '{', at);
    const begin = at;
    while (this.#parts[this.#next] !== end) {
      if (at > begin) this.#bytes[at++] = comma;
      if (part === members) {
        at = this.#text(this.#parts[this.#next++] as string, at);
        this.#bytes[at++] = colon;
      }
      at = this.#value(at);
    }
    this.#next += 1;
    return this.#ascii(part === list ? ']' : '}', at);
  }

  #placeholder(number: number, at: number): number {
    const bytes = this.#room(32, at);
    bytes[at++] = quote;
    bytes[at++] = 0xef;
    bytes[at++] = 0xb7;
    bytes[at++] = 0x90;
    at = this.#ascii(String(number), at);
    bytes[at++] = 0xef;
    bytes[at++] = 0xb7;
    bytes[at++] = 0x94;
    bytes[at++] = quote;
    return at;
  }

  #text(text: string, at: number): number {
    const { length } = text;
    // For a short one a loop is faster than the platform's coders.
    if (length <= 64) {
      const bytes = this.#room(3 * length, at);
      let i = 0;
      let to = at;
      bytes[to++] = quote;
      for (; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit < 0x80) {
          if (unit < 0x20 && unit !== lineEnd) break;
          if (unit === quote || unit === backslash || unit === lineEnd) bytes[to++] = backslash;
          bytes[to++] = unit === lineEnd ? 0x6e : unit;
        } else if (unit < 0x800) {
          bytes[to++] = 0xc0 | (unit >> 6);
          bytes[to++] = 0x80 | (unit & 0x3f);
        } else break;
      }
      if (i === length) {
        bytes[to++] = quote;
        return to;
      }
    }
    if (this.#leave && /[\ufdd0-\ufdd4]/.test(text)) this.#clashes += 1;
    const json = JSON.stringify(wellFormed(text));
    const bytes = this.#room(json.length * 3, at);
    return at + this.#encoder.encodeInto(json, bytes.subarray(at)).written;
  }

  #ascii(text: string, at: number): number {
    const bytes = this.#room(text.length, at);
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    return at;
  }

  /** Room for `bytes`, for quotes and for what stands between two values. */
  #room(bytes: number, at: number): Uint8Array {
    const least = at + bytes + 8;
    if (least > this.#bytes.length) {
      if (least > 4 * maxBytes) tooLarge();
      const larger = new Uint8Array(Math.max(least, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

const writer = new PartsWriter();

const quote = 0x22;
const backslash = 0x5c;
const lineEnd = 0x0a;
const comma = 0x2c;
const colon = 0x3a;

function tooLarge(): never {
  throw new RequestError('too-large', 'The variables are larger than 8 MiB.', 'variables');
}
