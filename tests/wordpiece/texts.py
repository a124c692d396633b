"""The texts that both tokenizers are given: kind -> how to make them. The same for the same seed."""
import random
import unicodedata
from pathlib import Path

SPECIAL = ['[CLS]', '[SEP]', '[MASK]', '[PAD]', '[UNK]']
ALL = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
ASSIGNED = [c for c in ALL if unicodedata.category(chr(c)) not in ('Cn', 'Co')]
MARKS = [chr(c) for c in ASSIGNED if unicodedata.category(chr(c))[0] == 'M']
# Marks that Unicode puts into order; among them those that `tokenizers`, whose tables are older, takes for letters.
ORDERED = [chr(c) for c in ASSIGNED if unicodedata.combining(chr(c))]
YOUNG = [m for m in ORDERED if 0x898 <= ord(m) <= 0x8E1 or ord(m) in (0x1DF6, 0x1DFB, 0x302E, 0x302F) or ord(m) > 0x10A3A]
DECOMPOSING = [chr(c) for c in ASSIGNED if unicodedata.decomposition(chr(c)) and '<' not in unicodedata.decomposition(chr(c))]
CONTROLS = [chr(c) for c in ASSIGNED if unicodedata.category(chr(c)) in ('Cc', 'Cf', 'Zs', 'Zl', 'Zp')]
PUNCTUATION = [chr(c) for c in ASSIGNED if unicodedata.category(chr(c))[0] == 'P'] + list('$+<=>^`|~')
PLANES = [[c for c in ASSIGNED if c >> 16 == plane] for plane in (0, 1, 2, 3, 14)]
SCRIPTS = [range(0x41, 0x7B), range(0xC0, 0x250), range(0x370, 0x400), range(0x400, 0x530), range(0x590, 0x600),
           range(0x600, 0x700), range(0x900, 0x980), range(0xE00, 0xE60), range(0x1100, 0x1200), range(0x1E00, 0x2000),
           range(0x3040, 0x3100), range(0x4E00, 0x5200), range(0xAC00, 0xB000), range(0xF900, 0xFB00),
           range(0xFF00, 0xFFF0), range(0x1D100, 0x1D1F0), range(0x2F800, 0x2FA1E)]
PICTURES = [chr(c) for c in (*range(0x1F300, 0x1F650), *range(0x1F680, 0x1F6F0), *range(0x2600, 0x2700))]
TONES = [chr(c) for c in range(0x1F3FB, 0x1F400)]
FLAGS = [chr(c) for c in range(0x1F1E6, 0x1F200)]


def some(rng, least, most, make):
    return ''.join(make() for _ in range(rng.randint(least, most)))


def kinds(vocabulary, sts, scale):
    """(name, list of texts); `scale` multiplies the random ones."""
    rng = random.Random(20261121)
    pick = rng.choice
    words = [token for token in vocabulary if token.isalpha()]
    endings = [token[2:] for token in vocabulary if token.startswith('##')]
    point = lambda: chr(pick(pick(PLANES)))
    letter = lambda: chr(pick(pick(SCRIPTS)))
    times = lambda count, make: [make() for _ in range(int(count * scale))]

    def glued():
        """Words of pieces, as they come and as they may not."""
        word = pick(words) + some(rng, 0, 4, lambda: pick(endings))
        form = pick([str.lower, str.upper, str.title, lambda text: text])
        return form(word) + pick(['', '', '', ',', '.', "'s", '-'])

    def emoji():
        one = lambda: pick(PICTURES) + pick(['', '', '\ufe0f', pick(TONES)])
        return pick([
            lambda: one(),
            lambda: '\u200d'.join(one() for _ in range(rng.randint(2, 4))),
            lambda: pick(FLAGS) + pick(FLAGS),
            lambda: pick('0123456789#*') + '\ufe0f\u20e3',
            lambda: '\U0001f3f4' + some(rng, 2, 5, lambda: chr(rng.randint(0xE0061, 0xE007A))) + '\U000e007f',
        ])() + pick(['', '', ' ', pick(words)])

    def marked():
        base = lambda: pick([lambda: pick('aeiouZ'), letter, lambda: pick(DECOMPOSING), lambda: ''])()
        mark = lambda: pick([lambda: pick(ORDERED), lambda: pick(YOUNG), lambda: pick(MARKS), lambda: pick(DECOMPOSING),
                             lambda: pick(['\u200d', '\u00ad', '\u0001', '\u0344', '\u0f73', '\u0f81', '\U0001d15e'])])()
        return some(rng, 1, 4, lambda: base() + some(rng, 0, 6, mark) + pick(['', '', ' ', pick(SPECIAL)]))

    def special():
        part = lambda: pick([*SPECIAL, *SPECIAL, '[', ']', '[[', '[CLS', 'CLS]', '[cls]', '[MASK ]', ' ', 'x', 'ß', '[\u200dSEP]',
                             '\u0301', '\u0898', '##', pick(words)])
        return some(rng, 1, 10, part)

    def long():
        size = pick([98, 99, 100, 101, 102, 200, 1000, 10_000])
        unit = pick([lambda: 'a', lambda: pick('abcdefgh'), lambda: 'é', lambda: '각', lambda: '가', lambda: 'e\u0301', lambda: 'ж',
                     lambda: '\U0001d400', lambda: 'a\u200d'])
        text = ''.join(unit() for _ in range(size))
        return pick(['', 'x ', '#', 'ü']) + text + pick(['', ' y', '.', '\u0301', '[SEP]'])

    chunk = lambda size, form: [
        ''.join(form(chr(c)) for c in ALL[at:at + size]) for at in range(0, len(ALL), size)
    ]
    yield 'STS sentences', sts
    yield 'every code point alone', chunk(64, lambda c: f' {c} ')
    yield 'every code point inside a word', chunk(32, lambda c: f'a{c}b ')
    yield 'every code point beside its kind', chunk(64, lambda c: c)
    yield 'random code points', times(30_000, lambda: some(rng, 1, 24, point))
    yield 'words of pieces', times(20_000, lambda: ' '.join(glued() for _ in range(rng.randint(1, 12))))
    yield 'mixed scripts', times(20_000, lambda: some(rng, 1, 30, lambda: pick([letter(), letter(), letter(), ' ', pick(PUNCTUATION)])))
    yield 'emoji', times(15_000, lambda: some(rng, 1, 6, emoji))
    yield 'marks in any order', times(40_000, marked)
    yield 'controls and white space', times(15_000, lambda: some(rng, 1, 12, lambda: pick([pick(CONTROLS), pick(words), pick('aZ9.')])))
    yield 'punctuation', times(10_000, lambda: some(rng, 1, 20, lambda: pick([pick(PUNCTUATION), pick(words), ' '])))
    yield 'special tokens', times(15_000, special)
    yield 'long words', times(600, long)


def sentences(folder: Path):
    """Of the STS tables (a score and two texts a line), each once."""
    found = {}
    for file in sorted(folder.glob('*.tsv')):
        for line in file.read_text(encoding='utf-8').splitlines():
            for text in line.split('\t')[1:]:
                found.setdefault(text)
    return list(found)
