/**
 * Texts that a render leaves in JavaScript: which may be left, and how they are put into what comes back. What a
 * placeholder is and promises: wasm/prompt/value.h, wasm/prompt/runtime.h.
 */
import { wellFormed } from '../text.js';

/** A rendered text with the places of texts in it. */
export interface Pieces {
  /** What the template wrote: before the first place, between two, behind the last. */
  readonly written: readonly string[];
  /**
   * For each place its text, times four, and which ends are stripped: 1 the left, 2 the right. The text is its number
   * among those of somebody, times four, and who that is.
   */
  readonly places: readonly number[];
}

/** kLeastOpaqueBytes: nothing as long or longer may be compared with a placeholder, stripped or not. */
const leastBytes = 32;

/** White space as Python's `str.strip` has it; JavaScript's `trim` knows other code points. */
function isSpace(unit: number): boolean {
  if (unit < 0x85) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || (unit >= 0x1c && unit <= 0x1f);
  if (unit < 0x2000) return unit === 0x85 || unit === 0xa0 || unit === 0x1680;
  return unit <= 0x200a || unit === 0x2028 || unit === 0x2029 || unit === 0x202f || unit === 0x205f || unit === 0x3000;
}

function stripped(text: string, left: boolean, right: boolean): string {
  let from = 0;
  let to = text.length;
  if (left) while (isSpace(text.charCodeAt(from))) from++;
  if (right) while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

const close = '\ufdd4';

/** `short`: also texts of less than that, but never blank ones. */
export function mayBeLeft(text: string, short: boolean): boolean {
  if (!short) return text.length >= leastBytes && stripped(text, true, true).length >= leastBytes;
  let at = 0;
  while (isSpace(text.charCodeAt(at))) at++;
  return at < text.length;
}

/** `texts` is how many were left; they are all of the first somebody. */
export function piecesOf(rendered: string, texts: number): Pieces {
  const written: string[] = [];
  const places: number[] = [];
  let from = 0;
  for (let end = rendered.indexOf(close); end >= 0; end = rendered.indexOf(close, end + 1)) {
    let at = end - 1;
    let number = 0;
    let unit = rendered.charCodeAt(at);
    for (let power = 1; unit >= 0x30 && unit <= 0x39; power *= 10) {
      number += (unit - 0x30) * power;
      unit = rendered.charCodeAt(--at);
    }
    // The noncharacters may also be the template's own.
    if (unit < 0xfdd0 || unit > 0xfdd3 || at === end - 1 || at < from || number >= texts) continue;
    written.push(rendered.slice(from, at));
    places.push(number * 16 + (unit & 3));
    from = end + 1;
  }
  written.push(rendered.slice(from));
  return { written, places };
}

/**
 * Adds all of it to a list to be joined at once: a text that grows is tied together in pieces and made whole later,
 * which takes longer. `from`: for each somebody where its texts begin. Lone surrogates become U+FFFD. The result is how
 * many UTF-16 units were added.
 */
export function append(
  all: string[],
  { written, places }: Pieces,
  texts: readonly string[],
  from: readonly number[],
): number {
  let piece = written[0]!;
  let size = piece.length;
  all.push(piece);
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    const text = texts[from[(place >> 2) & 3]! + (place >> 4)]!;
    const put = (place & 3) === 0 ? text : stripped(text, (place & 1) !== 0, (place & 2) !== 0);
    piece = written[i + 1]!;
    size += put.length + piece.length;
    // One by one: half characters of two texts do not become one.
    all.push(wellFormed(put), piece);
  }
  return size;
}
