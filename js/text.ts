/** Text as it may cross into WebAssembly and onto the wire: lone surrogates become U+FFFD. */
export function wellFormed(text: string): string {
  const native = (text as { toWellFormed?: () => string }).toWellFormed;
  if (native !== undefined) return native.call(text);
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

/**
 * What makes two texts the same for the exact cache, and nothing more: Unicode NFC, line ends as `\n`, no white space
 * at the end, no blank lines at the start. Case, inner white space and indentation carry meaning and stay.
 */
export function normaliseForKey(text: string): string {
  // A long run of combining marks takes the square of its length to bring into order: it stays as it is.
  let key = text.length > 1000 && /(?<!\p{M})\p{M}{65}/u.test(text) ? text : text.normalize('NFC');
  if (key.includes('\r')) key = key.replace(/\r\n?/g, '\n');
  key = key.trimEnd();
  return /^\s*\n/.test(key) ? key.replace(/^(?:[^\S\n]*\n)+/, '') : key;
}

/** At most `length` UTF-16 units, never half a character; an ellipsis says that something is missing. */
export function preview(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${wellFormed(text.slice(0, length - 1)).replace(/\ufffd$/, '')}…`;
}

/** Size of the text in UTF-8, without encoding it. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** False when the text is not all ASCII; what was written then is void. Of short texts it beats the platform's encoder. */
export function writeAscii(text: string, into: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return false;
    into[i] = unit;
  }
  return true;
}

/** '3 days ago', for people. */
export function ago(ms: number): string {
  let count = Math.floor(ms / 1000);
  let unit = 'second';
  for (const [size, name] of [
    [60, 'minute'],
    [60, 'hour'],
    [24, 'day'],
  ] as const) {
    if (count < size) break;
    count = Math.floor(count / size);
    unit = name;
  }
  return unit === 'second' ? 'just now' : `${String(count)} ${unit}${count === 1 ? '' : 's'} ago`;
}
