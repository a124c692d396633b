/**
 * The variables of a template as JSON in UTF-8, as the core takes them, in one pass and without a text between.
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

interface Written {
  /** Valid until the next call of `written`. */
  bytes: Uint8Array;
  /** The texts that were left behind, by their numbers. */
  texts: string[];
}

let spare: VariablesWriter | undefined;

/** `undefined` when a text that is sent would be taken for a placeholder: then nothing can be left behind. */
export function written(variables: object, leave: boolean): Written | undefined {
  // A getter or toJSON of the caller's may come here again.
  const writer = spare ?? new VariablesWriter();
  spare = undefined;
  const result = writer.write(variables, leave);
  if (result === undefined || result.bytes.byteLength <= keepBytes) spare = writer;
  return result;
}

class VariablesWriter {
  readonly #encoder = new TextEncoder();
  #bytes = new Uint8Array(16 * 1024);
  #texts: string[] = [];
  #leave = false;
  #clashes = 0;
  /** Where it is: names and places, and what they are in. */
  #path: (string | number)[] = [];
  #within: object[] = [];

  write(variables: object, leave: boolean): Written | undefined {
    this.#texts = [];
    this.#leave = leave;
    this.#clashes = 0;
    const end = this.#value(resolved(variables, ''), '', 0, 0);
    if (end > maxBytes) tooLarge();
    const texts = this.#texts;
    this.#texts = [];
    this.#path = [];
    this.#within = [];
    return this.#clashes > 0 ? undefined : { bytes: this.#bytes.subarray(0, end), texts };
  }

  // Each writes from `at` on and gives where it ended.

  #value(value: unknown, key: string, depth: number, at: number): number {
    if (typeof value === 'string') {
      return this.#leave && value.length >= leastLeft && (key === 'content' || key === 'text') && mayBeLeft(value)
        ? this.#placeholder(value, at)
        : this.#text(value, at);
    }
    if (typeof value === 'object' && value !== null) return this.#members(value, key, depth, at);
    if (typeof value === 'number' && !Number.isFinite(value)) this.#refuse(`is ${String(value)}`, depth);
    if (typeof value === 'number' || typeof value === 'boolean' || value === null)
      return this.#ascii(String(value), at);
    return this.#refuse(`is a ${typeof value}`, depth);
  }

  #members(value: object, key: string, depth: number, at: number): number {
    if (depth >= maxDepth) this.#tooDeep(value);
    this.#within[depth] = value;
    let count = 0;
    if (Array.isArray(value)) {
      at = this.#ascii('[', at);
      for (const given of value as unknown[]) {
        this.#path[depth] = count;
        const element = resolved(given, String(count));
        if (count++ > 0) this.#bytes[at++] = comma;
        at = this.#value(element === undefined ? null : element, key, depth + 1, at);
      }
      return this.#ascii(']', at);
    }
    at = this.#ascii('{', at);
    for (const name of Object.keys(value)) {
      this.#path[depth] = name;
      const member = resolved((value as Record<string, unknown>)[name], name);
      if (member === undefined) continue;
      if (count++ > 0) this.#bytes[at++] = comma;
      at = this.#text(name, at);
      this.#bytes[at++] = colon;
      at = this.#value(member, name, depth + 1, at);
    }
    return this.#ascii('}', at);
  }

  #placeholder(text: string, at: number): number {
    const bytes = this.#room(32, at);
    bytes[at++] = quote;
    bytes[at++] = 0xef;
    bytes[at++] = 0xb7;
    bytes[at++] = 0x90;
    at = this.#ascii(String(this.#texts.push(text) - 1), at);
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

const quote = 0x22;
const backslash = 0x5c;
const lineEnd = 0x0a;
const comma = 0x2c;
const colon = 0x3a;

function tooLarge(): never {
  throw new RequestError('too-large', 'The variables are larger than 8 MiB.', 'variables');
}
