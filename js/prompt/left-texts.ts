/**
 * Texts that a render leaves in JavaScript: which may be left, and how they are put into what comes back. What a
 * placeholder is and promises: wasm/prompt/value.h, wasm/prompt/runtime.h.
 */
import { wellFormed } from '../text.js';

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

const isHigh = (unit: number) => (unit & 0xfc00) === 0xd800;
const isLow = (unit: number) => (unit & 0xfc00) === 0xdc00;
const close = '\ufdd4';

export function mayBeLeft(text: string): boolean {
  return text.length >= leastBytes && stripped(text, true, true).length >= leastBytes;
}

/** Lone surrogates become U+FFFD. `undefined` when the texts alone would take more than `most` UTF-16 units. */
export function putIn(rendered: string, texts: readonly string[], most: number): string | undefined {
  // Joined at once: a text that grows is tied together in pieces and made whole later, which takes longer.
  const pieces: string[] = [];
  let size = 0;
  let from = 0;
  for (let end = rendered.indexOf(close); end >= 0; end = rendered.indexOf(close, end + 1)) {
    let at = end - 1;
    let number = 0;
    let unit = rendered.charCodeAt(at);
    for (let power = 1; unit >= 0x30 && unit <= 0x39; power *= 10) {
      number += (unit - 0x30) * power;
      unit = rendered.charCodeAt(--at);
    }
    const text = texts[number];
    // The noncharacters may also be the template's own.
    if (unit < 0xfdd0 || unit > 0xfdd3 || at === end - 1 || at < from || text === undefined) continue;
    let put = unit === 0xfdd0 ? text : stripped(text, (unit & 1) !== 0, (unit & 2) !== 0);
    // Half characters of two texts must not become one; those inside of a text are seen to below.
    if (isLow(put.charCodeAt(0)) || isHigh(put.charCodeAt(put.length - 1))) put = wellFormed(put);
    size += put.length;
    if (size > most) return undefined;
    pieces.push(rendered.slice(from, at), put);
    from = end + 1;
  }
  pieces.push(rendered.slice(from));
  return wellFormed(pieces.join(''));
}
