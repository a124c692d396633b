/**
 * Texts that a render leaves in JavaScript: which may be left, and how they are put into what comes back. What a
 * placeholder is and promises: wasm/prompt/value.h, wasm/prompt/runtime.h.
 */
import { wellFormed } from '../text.js';

/** A rendered text with the places of texts in it. */
export interface Pieces {
  /** What the template wrote; every second one, from index 1 on, is the place of a text. */
  readonly written: string[];
  /** For each place the number of its text, times four, and which ends are stripped: 1 the left, 2 the right. */
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

export function mayBeLeft(text: string): boolean {
  return text.length >= leastBytes && stripped(text, true, true).length >= leastBytes;
}

/** `texts` is how many were left. */
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
    written.push(rendered.slice(from, at), '');
    places.push(number * 4 + (unit & 3));
    from = end + 1;
  }
  written.push(rendered.slice(from));
  return { written, places };
}

/** Lone surrogates become U+FFFD. `undefined` when the texts alone would take more than `most` UTF-16 units. */
export function joined({ written, places }: Pieces, texts: readonly string[], most: number): string | undefined {
  // Joined at once: a text that grows is tied together in pieces and made whole later, which takes longer.
  const all = written.slice();
  let size = 0;
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    const text = texts[place >> 2]!;
    const put = (place & 3) === 0 ? text : stripped(text, (place & 1) !== 0, (place & 2) !== 0);
    size += put.length;
    if (size > most) return undefined;
    // One by one: half characters of two texts do not become one.
    all[2 * i + 1] = wellFormed(put);
  }
  return all.join('');
}
