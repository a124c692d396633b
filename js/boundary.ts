/**
 * What the page's sides of both WebAssembly modules share (js/core.ts, js/embedder/meaning.ts): text goes in by `encodeInto`
 * through one cached view of a buffer the module owns, answers come out by `TextDecoder`, and a trap becomes an error.
 */
import { TierwiseError } from './errors.js';
import { utf8Bytes, wellFormed, writeAscii } from './text.js';

export interface BoundModule {
  /** What the answer names is the first argument of the others. */
  open(): number;
  input(handle: number, bytes: number): number;
  output(handle: number): number;
  /** All of the module's memory. Another array after it grew. */
  readonly HEAPU8: Uint8Array;
  trapped?: boolean;
  /** The stack must be put back after a call that ended in a trap. */
  stackSave(): number;
  stackRestore(stack: number): void;
}
/** `name` and `noRoom` are of messages. Up to `shortText` units, a loop over ASCII is faster than the platform's encoder. */
interface Kind {
  name: string;
  noRoom: string;
  shortText: number;
}

/** Below this length an answer is mostly plain: then a loop is faster than the platform's decoder. */
const shortAnswer = 24;
/** The module gives a larger buffer back (kKeepBytes of wasm/boundary.h). */
const keepBytes = 1 << 20;

export class Boundary {
  readonly handle: number;
  readonly #module: BoundModule;
  readonly #kind: Kind;
  /** Of the WebAssembly stack while no call runs. */
  readonly #stack: number;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  #inputAddress = 0;
  #inputSize = 0;
  #input: Uint8Array;

  constructor(module: BoundModule, kind: Kind) {
    this.#module = module;
    this.#kind = kind;
    this.#stack = module.stackSave();
    this.handle = this.guarded(() => module.open());
    this.#input = module.HEAPU8.subarray(0, 0);
  }

  /** Bytes written. */
  write(given: string): number {
    // Three times as much only where that is little.
    const text = given.length > keepBytes ? wellFormed(given) : given;
    const input = this.reserve(given.length > keepBytes ? utf8Bytes(text) : text.length * 3);
    if (text.length <= this.#kind.shortText && writeAscii(text, input)) return text.length;
    const { read, written } = this.#encoder.encodeInto(text, input);
    if (read !== text.length) throw new TierwiseError('internal', this.#kind.noRoom);
    return written;
  }

  /** The input, at least as large as that; a view that holds until the next call. */
  reserve(most: number): Uint8Array {
    if (most > this.#inputSize || this.#inputSize > keepBytes) {
      const size = Math.max(most, 16 * 1024);
      this.#inputSize = 0;
      this.#inputAddress = this.guarded(() => this.#module.input(this.handle, size));
      this.#inputSize = size;
      this.#input = this.#view();
    } else if (this.#input.byteLength === 0) {
      // Memory that grew has a new buffer; views of the old one are dead.
      this.#input = this.#view();
    }
    return this.#input;
  }

  #view(): Uint8Array {
    return this.#module.HEAPU8.subarray(this.#inputAddress, this.#inputAddress + this.#inputSize);
  }

  /** A trap is a bug of the module, or the end of its memory. */
  guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.#module.stackRestore(this.#stack);
      this.#module.trapped = true;
      throw new TierwiseError(
        'internal',
        `${this.#kind.name} met a bug of its own, or ran out of memory. Reload the page, and please report what you did.`,
        { cause: error },
      );
    }
  }

  /** The last answer, of so many bytes; a view that holds until the next call. */
  bytes(length: number): Uint8Array {
    const start = this.#module.output(this.handle);
    return this.#module.HEAPU8.subarray(start, start + length);
  }

  /** The last answer; the length of an error is negative. */
  text(length: number): string {
    const bytes = this.bytes(Math.abs(length));
    return (bytes.length <= shortAnswer ? asciiOf(bytes) : undefined) ?? this.#decoder.decode(bytes);
  }
}

function asciiOf(bytes: Uint8Array): string | undefined {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}
