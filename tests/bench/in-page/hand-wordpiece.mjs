/**
 * WordPiece as one would write it by hand in JavaScript, to measure against: two maps, a table for ASCII, and the
 * platform's Unicode for the rest. It gives the ids of BERT's uncased tokenizer for the texts that are measured; what only
 * a table of an older Unicode tells apart it does not know.
 */
const word = 0;
const space = 1;
const punctuation = 2;
const dropped = 3;

const ascii = Uint8Array.from({ length: 128 }, (_, code) => {
  const c = String.fromCharCode(code);
  if (/[a-z0-9]/i.test(c)) return word;
  if (' \t\n\r'.includes(c)) return space;
  return code < 32 || code === 127 ? dropped : punctuation;
});
const isPunctuation = /^\p{P}$/u;
const isSpace = /^\p{White_Space}$/u;
const isDropped = /^[\p{Cc}\p{Cf}\p{Co}\p{Mn}\ufffd]$/u;
const isHan =
  /^[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]$/u;
const mostCharacters = 100;

export class HandWordPiece {
  constructor(vocabulary) {
    this.words = new Map();
    this.pieces = new Map();
    this.longest = 0;
    for (const [id, token] of vocabulary.trimEnd().split('\n').entries()) {
      const text = token.startsWith('##') && token.length > 2 ? token.slice(2) : token;
      (text === token ? this.words : this.pieces).set(text, id);
      this.longest = Math.max(this.longest, text.length);
    }
    this.special = new Map(
      ['[UNK]', '[CLS]', '[SEP]', '[PAD]', '[MASK]'].map((token) => [token, this.words.get(token)]),
    );
    this.kinds = new Map();
  }

  encode(text, most = Infinity) {
    const ids = [this.special.get('[CLS]')];
    if (text.includes('[')) {
      for (const part of text.split(/(\[(?:UNK|CLS|SEP|PAD|MASK)\])/)) {
        const id = this.special.get(part);
        if (id === undefined) this.encodePart(part, ids, most);
        else ids.push(id);
      }
    } else {
      this.encodePart(text, ids, most);
    }
    if (ids.length > most - 1) ids.length = most - 1;
    ids.push(this.special.get('[SEP]'));
    return ids;
  }

  encodePart(text, ids, most) {
    const lower = text.toLowerCase();
    let start = 0;
    for (let at = 0; at < lower.length && ids.length < most; at++) {
      const code = lower.charCodeAt(at);
      const kind = code < 128 ? ascii[code] : dropped;
      if (kind === word) continue;
      if (kind === dropped) {
        // From the beginning of this word on, by the slow way.
        this.encodeAny(text.slice(start), ids, most);
        return;
      }
      if (at > start) this.encodeWord(lower.slice(start, at), ids);
      if (kind === punctuation) this.encodeWord(lower[at], ids);
      start = at + 1;
    }
    if (start < lower.length) this.encodeWord(lower.slice(start), ids);
  }

  encodeAny(text, ids, most) {
    const clean = text.replace(/[\p{Cc}\p{Cf}]/gu, (c) => ('\t\n\r'.includes(c) ? ' ' : ''));
    let pending = '';
    const end = () => {
      if (pending !== '') this.encodeWord(pending, ids);
      pending = '';
    };
    for (const original of clean) {
      const from = isHanCode(original) ? ` ${original} ` : original;
      for (const c of from.normalize('NFD')) {
        const kind = this.kindOf(c);
        if (kind === dropped) continue;
        if (kind === word) {
          pending += c.toLowerCase();
          continue;
        }
        end();
        if (kind === punctuation) this.encodeWord(c, ids);
        if (ids.length >= most) return;
      }
    }
    end();
  }

  kindOf(c) {
    const code = c.charCodeAt(0);
    if (code < 128) return ascii[code];
    let kind = this.kinds.get(c);
    if (kind === undefined) {
      kind = isSpace.test(c) ? space : isDropped.test(c) ? dropped : isPunctuation.test(c) ? punctuation : word;
      this.kinds.set(c, kind);
    }
    return kind;
  }

  encodeWord(text, ids) {
    const whole = this.words.get(text);
    if (whole !== undefined) {
      ids.push(whole);
      return;
    }
    const first = ids.length;
    if (text.length > mostCharacters && [...text].length > mostCharacters) {
      ids.push(this.special.get('[UNK]'));
      return;
    }
    for (let begin = 0; begin < text.length;) {
      const known = begin === 0 ? this.words : this.pieces;
      let end = Math.min(text.length, begin + this.longest);
      let id;
      for (; end > begin; end--) {
        id = known.get(text.slice(begin, end));
        if (id !== undefined) break;
      }
      if (id === undefined) {
        ids.length = first;
        ids.push(this.special.get('[UNK]'));
        return;
      }
      ids.push(id);
      begin = end;
    }
  }
}

function isHanCode(c) {
  return c >= '\u3400' && isHan.test(c);
}
