/**
 * Texts that a render leaves in JavaScript: which may be left, and how they are put into what comes back. What a
 * placeholder is and promises: wasm/prompt/value.h, wasm/prompt/runtime.h.
 */

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

export function mayBeLeft(text: string): boolean {
  return text.length >= leastBytes && stripped(text, true, true).length >= leastBytes;
}

/** `undefined` when the texts alone would take more than `most` UTF-16 units. */
export function putIn(rendered: string, texts: readonly string[], most: number): string | undefined {
  const parts = rendered.split('\ufdd4');
  const last = parts.length - 1;
  const pieces: string[] = [];
  let size = 0;
  for (let i = 0; i < last; i++) {
    const part = parts[i]!;
    let at = part.length - 1;
    let number = 0;
    let unit = part.charCodeAt(at);
    for (let power = 1; unit >= 0x30 && unit <= 0x39; power *= 10) {
      number += (unit - 0x30) * power;
      unit = part.charCodeAt(--at);
    }
    const text = texts[number];
    // The noncharacters may also be the template's own.
    if (unit < 0xfdd0 || unit > 0xfdd3 || at === part.length - 1 || text === undefined) {
      pieces.push(part, '\ufdd4');
      continue;
    }
    const put = unit === 0xfdd0 ? text : stripped(text, (unit & 1) !== 0, (unit & 2) !== 0);
    size += put.length;
    if (size > most) return undefined;
    pieces.push(part.slice(0, at), put);
  }
  pieces.push(parts[last]!);
  // At once: a text that grows is tied together in pieces and made whole later, which takes longer.
  return pieces.join('');
}
