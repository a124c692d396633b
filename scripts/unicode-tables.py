"""Writes wasm/embed/unicode_tables.inc: what BERT's uncased tokenizer knows of Unicode.

    python scripts/unicode-tables.py            # writes the file
    python scripts/unicode-tables.py --check    # ends with 1 when the file is another

Run it with the Python environment of tests/wordpiece (requirements.txt): every property is asked of the `tokenizers`
package itself, code point by code point, because equality with it is what counts and no one version of Unicode gives
that. Its parts stand on three (seen by the youngest code points that each knows; tokenizers 0.23.3):

    punctuation, controls, formats, nonspacing marks    Unicode 8.0    (crate unicode_categories)
    canonical decomposition and combining classes       Unicode 9.0    (crate unicode-normalization-alignments)
    lower case, white space                             Unicode 17.0   (Rust's own)

The file holds packed texts; wasm/embed/unicode.cpp says how they are read.
"""
import sys
import unicodedata
from pathlib import Path

import tokenizers
from tokenizers import normalizers, pre_tokenizers

FILE = Path(__file__).parent.parent / 'wasm/embed/unicode_tables.inc'
CODE_POINTS = [c for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000]
HANGUL = range(0xAC00, 0xD7A4)
DROPPED, SPACE, PUNCTUATION, MARK, STAYING_MARK = 1, 2, 3, 4, 5


def only(**wanted):
    steps = {'clean_text': False, 'handle_chinese_chars': False, 'strip_accents': False, 'lowercase': False, **wanted}
    return normalizers.BertNormalizer(**steps).normalize_str


clean, fold = only(clean_text=True), only(strip_accents=True, lowercase=True)
decomposed = normalizers.NFD().normalize_str
split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str


def combining_classes():
    """Code point -> class, of those that are put into order, as the package has them."""
    highest = '\u0345'
    marks = [
        c
        for c in CODE_POINTS
        if decomposed(chr(c)) == chr(c)
        and unicodedata.combining(chr(c))
        # Marks of later versions stay where they are.
        and (unicodedata.combining(chr(c)) == 240 or decomposed('a' + highest + chr(c)) == 'a' + chr(c) + highest)
    ]
    sample = {240: highest}
    for c in marks:
        sample.setdefault(unicodedata.combining(chr(c)), chr(c))
    classes = {}
    for c in marks:
        mark = chr(c)
        below = [k for k, other in sample.items() if mark != other and decomposed('a' + mark + other) == 'a' + other + mark]
        above = [k for k, other in sample.items() if mark != other and decomposed('a' + other + mark) == 'a' + mark + other]
        known = unicodedata.combining(mark)
        assert all(k < known for k in below) and all(k > known for k in above), hex(c)
        assert len(below) + len(above) == len(sample) - 1, hex(c)
        classes[c] = known
    # One that decomposes stands where its first part stands.
    for c in CODE_POINTS:
        first = ord(decomposed(chr(c))[0])
        if c not in classes and first != c and first in classes:
            classes[c] = classes[first]
    return classes


def kind_of(c, classes):
    text = chr(c)
    cleaned = clean(text)
    if cleaned == '':
        return DROPPED
    if cleaned == ' ':
        return SPACE
    if fold(text) == '':
        return MARK
    if len(split(f'a{text}b')) == 3:
        assert c not in classes
        return PUNCTUATION
    assert len(split(f'a{text}b')) == 1, hex(c)
    return STAYING_MARK if c in classes else 0


def number(value):
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value):
    return number(value << 1 if value >= 0 else (-value << 1) - 1)


def runs(values):
    """(first, length, value) of neighbours with one value."""
    found = []
    for c, value in sorted(values.items()):
        if found and found[-1][0] + found[-1][1] == c and found[-1][2] == value:
            found[-1][1] += 1
        else:
            found.append([c, 1, value])
    return found


def packed_runs(values):
    gaps, lengths, kinds, end = b'', b'', b'', 0
    for first, length, value in runs(values):
        gaps += number(first - end)
        lengths += number(length)
        kinds += bytes([value])
        end = first + length
    return gaps, lengths, kinds


def tables():
    classes = combining_classes()
    kinds = {c: kind for c in CODE_POINTS if (kind := kind_of(c, classes))}
    single, several = {}, {}
    for c in CODE_POINTS:
        if c in HANGUL or kinds.get(c) in (DROPPED, SPACE, MARK):
            continue
        folded = fold(chr(c))
        if folded == chr(c):
            continue
        assert kinds.get(c) != STAYING_MARK, hex(c)
        if len(folded) == 1:
            single[c] = ord(folded)
            # What it becomes is asked for its kind, unless that is punctuation already.
            assert ord(folded) not in classes, hex(c)
        else:
            several[c] = folded
    for folded in several.values():
        assert ord(folded[0]) not in classes
        assert not any(kinds.get(ord(part)) == PUNCTUATION for part in folded)
    return kinds, classes, single, several


def octal(data):
    lines = []
    for at in range(0, len(data), 28):
        lines.append('    "' + ''.join(f'\\{byte:03o}' for byte in data[at:at + 28]) + '"')
    return '\n'.join(lines)


def text_of(kinds, classes, single, several):
    out = [f'// Written by scripts/unicode-tables.py from tokenizers {tokenizers.__version__} (Unicode 8.0, 9.0 and 17.0).']

    def table(name, data, about):
        out.append(f'// {about}\nconstexpr std::string_view {name}(\n{octal(data)},\n    {len(data)});')

    for name, values, about in (('Kind', kinds, 'kinds'), ('Class', classes, 'combining classes')):
        gaps, lengths, given = packed_runs(values)
        table(f'k{name}Gaps', gaps, f'Runs of {about}: from the end of the last.')
        table(f'k{name}Lengths', lengths, 'Their lengths.')
        table(f'k{name}s' if name == 'Kind' else 'kClasses', given, 'What they are.')
    gaps, targets, last, target = b'', b'', 0, 0
    for c, to in sorted(single.items()):
        gaps += number(c - last)
        targets += signed(to - target)
        last, target = c, to
    table('kFoldGaps', gaps, 'Letters that become one other: from the last.')
    table('kFolds', targets, 'What they become: from what the last became.')
    rows = ' '.join(chr(c) + folded for c, folded in sorted(several.items())) + ' '
    table('kLongFolds', rows.encode(), 'Letters that become several, in UTF-8: the letter, what it becomes, a blank.')
    return '\n'.join(out) + '\n'


def main():
    made = tables()
    text = text_of(*made)
    kinds, classes, single, several = made
    print(f'{len(runs(kinds))} runs of kinds, {len(runs(classes))} of classes, {len(single)} letters to one, {len(several)} to several')
    if '--check' not in sys.argv:
        FILE.write_text(text, encoding='ascii')
        return 0
    same = FILE.read_text(encoding='ascii') == text
    print(f'{FILE.name} is {"the same" if same else "another"}')
    return 0 if same else 1


if __name__ == '__main__':
    sys.exit(main())
