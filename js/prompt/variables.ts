/**
 * The variables of a template, gone through once: as a list of parts that says whether two renders differ in nothing
 * but their long texts, and from that as JSON in UTF-8, as the core takes them.
 *
 * As `JSON.stringify` has it, with its order of members (names that are whole numbers first), `toJSON` and what is
 * left out because it is undefined; lone surrogates become U+FFFD. What JSON cannot carry is refused instead of
 * changed: functions, symbols, BigInt, NaN and the infinities, values inside themselves.
 *
 * Texts may be left behind: those of members that hold prose are replaced by placeholders (wasm/prompt/value.h).
 *
 * Of what a regular template (wasm/prompt/regular.h) is given, only the variables and the members of messages that it
 * reads are looked at, and a message's parts are apart from those of the others.
 */
import type { Regular } from '../core-types.js';
import { RequestError } from '../errors.js';
import { wellFormed } from '../text.js';
import { mayBeLeft } from './left-texts.js';

/** As kMaxJsonDepth in wasm/base/json.h. */
const maxDepth = 100;
/** What may cross, so that a render stays below 64 MiB. */
const maxBytes = 8 << 20;
/** A larger buffer is given back. */
const keepBytes = 1 << 20;
/** UTF-16 units from which on a text is left behind where short ones are not; not below kLeastOpaqueBytes (wasm/prompt/value.h). */
const leastLeft = 64;

/** A value, a name, or one of the marks below. */
export type Part = string | number | boolean | null | symbol;
const list = Symbol();
const members = Symbol();
const end = Symbol();
/** A text that is left behind: one that has its least length, or any that is not blank. */
const longText = Symbol();
const anyText = Symbol();
/** In the place of a member's value that a message does not have. */
const missing = Symbol();

export interface Conversation {
  /** Of each message the values of the members that are read, in their order. */
  readonly parts: Part[];
  /** Where each message begins in these, and in the texts; and where the last ends. */
  readonly partsAt: number[];
  readonly textsAt: number[];
}

/** Errors: RequestError with the place of what cannot cross. */
export class Variables {
  /** The same for the same variables, whatever their left texts are. */
  parts: Part[] = [];
  /** Those, by their numbers. */
  texts: string[] = [];
  /** Of a regular template, where each message is an object; it is no part of the above then. */
  conversation: Conversation | undefined;
  /** Where it is: names and places, and what they are in. */
  readonly #path: (string | number)[] = [];
  readonly #within: object[] = [];

  /** `short`: texts may be left behind though they are short. */
  constructor(
    variables: object,
    readonly regular: Regular | undefined,
    readonly short: boolean,
  ) {
    const given = resolved(variables, '');
    if (regular !== undefined && isObject(given) && this.#conversation(given, regular)) return;
    this.conversation = undefined;
    this.parts = [];
    this.texts = [];
    this.#value(given, '', 0);
  }

  /** False where it is none, and must be read as anything else. */
  #conversation(given: object, { list: name, members: names, names: others }: Regular): boolean {
    const rest: Part[] = this.parts;
    this.#within[0] = given;
    rest.push(members);
    const own = Object.keys(given);
    for (const other of others) {
      const value = this.#member(given, own, other, 0);
      if (value === undefined) continue;
      rest.push(other);
      this.#value(value, other, 1);
    }
    rest.push(end);
    const messages = this.#member(given, own, name, 0);
    if (!Array.isArray(messages)) return false;
    this.#within[1] = messages;
    const parts: Part[] = (this.parts = []);
    const partsAt: number[] = [];
    const textsAt: number[] = [];
    for (const one of messages as unknown[]) {
      const message = resolved(one, String(partsAt.length));
      if (!isObject(message)) return false;
      this.#path[1] = partsAt.length;
      this.#within[2] = message;
      partsAt.push(parts.length);
      textsAt.push(this.texts.length);
      if (parts.length > maxBytes) tooLarge();
      const ofIt = Object.keys(message);
      for (const member of names) {
        const value = this.#member(message, ofIt, member, 2);
        if (value === undefined) parts.push(missing);
        else this.#value(value, member, 3);
      }
    }
    partsAt.push(parts.length);
    textsAt.push(this.texts.length);
    this.parts = rest;
    this.conversation = { parts, partsAt, textsAt };
    return true;
  }

  #member(of: object, own: readonly string[], name: string, depth: number): unknown {
    if (!own.includes(name)) return undefined;
    this.#path[depth] = name;
    return resolved((of as Record<string, unknown>)[name], name);
  }

  #value(value: unknown, key: string, depth: number): void {
    if (typeof value === 'string') {
      const { short } = this;
      if ((short || value.length >= leastLeft) && (key === 'content' || key === 'text') && mayBeLeft(value, short)) {
        this.texts.push(value);
        this.parts.push(short ? anyText : longText);
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

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What JSON takes in its place. */
function resolved(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return toJSON.call(value, key) as unknown;
  return value instanceof String || value instanceof Number || value instanceof Boolean ? value.valueOf() : value;
}

/**
 * Valid until the next call. With `leave`, texts are replaced by placeholders; `undefined` when a text that is sent
 * would be taken for one, or for a mark (wasm/prompt/runtime.h): then nothing can be left behind. With `messages`, all
 * but those of a conversation are null; they rise. Errors: RequestError `too-large`.
 */
export function written(read: Variables, leave: boolean, messages?: readonly number[]): Uint8Array | undefined {
  return writer.write(read, leave, messages);
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

  write(read: Variables, leave: boolean, messages: readonly number[] | undefined): Uint8Array | undefined {
    this.#parts = read.parts;
    this.#texts = read.texts;
    this.#leave = leave;
    this.#next = this.#left = this.#clashes = 0;
    try {
      let to = this.#value(0);
      if (read.conversation !== undefined) to = this.#conversation(read.conversation, read.regular!, messages, to);
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
    if (part === longText || part === anyText) {
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

  /** One member more, behind the others. */
  #conversation(
    { parts, partsAt, textsAt }: Conversation,
    { list: name, members: names }: Regular,
    messages: readonly number[] | undefined,
    at: number,
  ): number {
    // Before the bracket that closes the others.
    at -= 1;
    if (this.#bytes[at - 1] !== openBrace) this.#bytes[at++] = comma;
    at = this.#text(name, at);
    this.#bytes[at++] = colon;
    this.#parts = parts;
    let sent = 0;
    for (let i = 0; i < partsAt.length - 1; i++) {
      at = this.#ascii(i === 0 ? '[' : ',', at);
      if (messages !== undefined && messages[sent] !== i) {
        at = this.#ascii('null', at);
        continue;
      }
      sent += 1;
      this.#next = partsAt[i]!;
      this.#left = textsAt[i]!;
      this.#bytes[at++] = openBrace;
      const begin = at;
      for (const member of names) {
        if (parts[this.#next] === missing) {
          this.#next += 1;
          continue;
        }
        if (at > begin) this.#bytes[at++] = comma;
        at = this.#text(member, at);
        this.#bytes[at++] = colon;
        at = this.#value(at);
      }
      at = this.#ascii('}', at);
    }
    return this.#ascii(partsAt.length === 1 ? '[]}' : ']}', at);
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
    if (this.#leave && /[\ufdd0-\ufdd5]/.test(text)) this.#clashes += 1;
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
const openBrace = 0x7b;

function tooLarge(): never {
  throw new RequestError('too-large', 'The variables are larger than 8 MiB.', 'variables');
}
