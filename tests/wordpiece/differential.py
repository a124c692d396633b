"""Compares tokenizers with PyPI `tokenizers`: ids, places and what is left out, of every text of texts.py.

    python differential.py --against build/native/wordpiece_lines --against "node build/wasm/wordpiece_lines.cjs"

Two vocabularies: the model's own, and one in which every character is a token, which shows what the model's [UNK]
hides. Prints what differs, and `N passed, N failed`: a text with one vocabulary and one way of cutting counts once.
"""
import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from texts import ALL, SPECIAL, kinds, sentences

ROOT = Path(__file__).parent.parent.parent
MODEL = ROOT / 'models/all-MiniLM-L6-v2/vocab.txt'
STS = ROOT.parent / 'shared/fixtures/sts'
# Most tokens (0: all), and whether [CLS] and [SEP] are there.
WAYS = [(0, True), (0, False), (16, True), (3, True), (8, False), (128, True)]
# What is also compared where every character is a token.
OF_CHARACTERS = {
    'every code point alone', 'every code point inside a word', 'every code point beside its kind',
    'random code points', 'mixed scripts', 'marks in any order', 'long words',
}


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--against', action='append', required=True)
    options.add_argument('--scale', type=float, default=0.7)
    options.add_argument('--show', type=int, default=5)
    chosen = options.parse_args()
    began = time.time()
    own = MODEL.read_text(encoding='utf-8').splitlines()
    texts = sentences(STS) if STS.exists() else []
    if not texts:
        print(f'The STS sentences are left out: {STS} is not there.')
    every = [(name, text) for name, made in kinds(own, texts, chosen.scale) for text in made]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        # The engines work on the first while the second is prepared.
        jobs = [
            start(Path(folder) / 'model', "the model's vocabulary", own, every, chosen),
            start(
                Path(folder) / 'characters', 'every character a token', characters(),
                [case for case in every if case[0] in OF_CHARACTERS], chosen,
            ),
        ]
        for job in jobs:
            right, wrong = finish(*job, chosen)
            passed, failed = passed + right, failed + wrong
    print(f'tokenizers {tokenizers.__version__}, {time.time() - began:.0f} s')
    print(f'{passed} passed, {failed} failed')
    return 0 if failed == 0 and passed > 0 else 1


def reference(vocabulary):
    """As the model's tokenizer.json has it, without its truncation and padding."""
    ids = {token: id for id, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token='[UNK]', max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single='[CLS] $A [SEP]', special_tokens=[(name, ids[name]) for name in ('[CLS]', '[SEP]')]
    )
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def characters():
    """Whatever single characters become, at the beginning of a word and inside; of ranges that are all alike, a part."""
    points = [chr(c) for c in ALL if c < 0x33480 or 0xE0000 < c < 0xF0000]
    normal = normalizers.BertNormalizer().normalize_str
    found = sorted({part for at in range(0, len(points), 256) for part in normal('|'.join(points[at:at + 256])) if part != ' '})
    return [*SPECIAL, *found, *('##' + part for part in found)]


def start(folder, title, vocabulary, given, chosen):
    folder.mkdir()
    tokenizer = reference(vocabulary)
    ways = [WAYS[number % len(WAYS)] for number in range(len(given))]
    expected = [''] * len(given)
    for way in WAYS:
        most, special = way
        tokenizer.no_truncation()
        if most:
            tokenizer.enable_truncation(most)
        places = [number for number in range(len(given)) if ways[number] == way]
        for at in range(0, len(places), 4096):
            batch = places[at:at + 4096]
            encoded = tokenizer.encode_batch([given[number][1] for number in batch], add_special_tokens=special)
            for number, encoding in zip(batch, encoded):
                expected[number] = line_of(encoding, given[number][1])
    (folder / 'vocabulary').write_text('\n'.join(vocabulary) + '\n', encoding='utf-8')
    with open(folder / 'cases', 'wb') as file:
        for (_, text), (most, special) in zip(given, ways):
            data = text.encode()
            file.write(b'%d %d %d\n%s' % (len(data), most or 1 << 24, special, data))
    running = []
    for place, command in enumerate(chosen.against):
        answers = folder / f'answers-{place}'
        answers.write_bytes(b'')
        engine = [*shlex.split(command), str(folder / 'vocabulary'), str(folder / 'cases'), str(answers)]
        running.append((command, answers, subprocess.Popen(engine)))
    return title, given, ways, expected, running


def finish(title, given, ways, expected, running, chosen):
    passed = failed = 0
    for command, answers, engine in running:
        status = engine.wait()
        got = answers.read_text().splitlines()
        if status != 0:
            print(f'{command} ended with {status} after {len(got)} of {len(given)} texts.')
        wrong = [number for number in range(len(given)) if number >= len(got) or got[number] != expected[number]]
        for number in wrong[:chosen.show]:
            tell(given[number], ways[number], expected[number], got[number] if number < len(got) else 'nothing')
        names = sorted({given[number][0] for number in wrong})
        print(f'{title}, {command}: {len(given) - len(wrong)} of {len(given)} agree' + (f'; wrong in {", ".join(names)}' if names else ''))
        passed, failed = passed + len(given) - len(wrong), failed + len(wrong)
    return passed, failed


def line_of(encoding, text):
    offsets = encoding.offsets
    if not text.isascii() and any(c > '\uffff' for c in text):
        # From code points to UTF-16 units.
        units, at = [0], 0
        for c in text:
            at += 1 + (c > '\uffff')
            units.append(at)
        offsets = [(units[begin], units[end]) for begin, end in offsets]
    tokens = ''.join([f' {id}:{begin}-{end}' for id, (begin, end) in zip(encoding.ids, offsets)])
    return f'{1 if encoding.overflowing else 0}{tokens}'


def tell(case, way, expected, got):
    name, text = case
    print(f'{name}, most {way[0]}, {"with" if way[1] else "without"} special tokens: {json.dumps(text)[:400]}')
    a, b = expected.split(' '), got.split(' ')
    at = next((i for i in range(min(len(a), len(b))) if a[i] != b[i]), min(len(a), len(b)))
    print(f'  from token {at - 1}: expected {" ".join(a[at:at + 8])}\n                  got      {" ".join(b[at:at + 8])}')


if __name__ == '__main__':
    sys.exit(main())
