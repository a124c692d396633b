"""Writes models/guard/words.bin: `python build_words.py TOOL BERT_VOCABULARY OUT`.

TOOL is the native build's guard_lines: spelling and inflection are undone by the code that ships. BERT_VOCABULARY is
vocab.txt of all-MiniLM-L6-v2, for which words are common. Layout: wasm/cache/guard/lexicon.cpp.
"""

import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import phrases
from sealed import sealed
from wordnet import PARTS, WordNet

MAGIC = b"TWG2"
VOCABULARY_WORDS = 23000
BITS_A_WORD = 8
FOLDER = Path(__file__).parent


def fnv(text, seed=2166136261):
    for byte in text.encode():
        seed = (seed ^ byte) * 16777619 & 0xFFFFFFFF
    return seed


def lines(texts):
    block = "".join(text + "\n" for text in texts).encode()
    return struct.pack("<I", len(block)) + block


def table(rows):
    """(hash, target, mark) -> sorted rows of six bytes; marked ones first among equals."""
    rows = sorted(set(rows), key=lambda row: (row[0], not row[2]))
    return struct.pack("<I", len(rows)) + b"".join(struct.pack("<IH", h, t | (0x8000 if mark else 0)) for h, t, mark in rows)


def pair_key(a, b):
    low, high = sorted((fnv(a), fnv(b)))
    return (low * 0x9E3779B1 & 0xFFFFFFFF ^ high * 0x85EBCA6B & 0xFFFFFFFF) >> 8


def pair_set(pairs):
    keys = sorted({pair_key(a, b) for a, b in pairs})
    return struct.pack("<I", len(keys)) + b"".join(struct.pack("<I", key)[:3] for key in keys)


def bloom(words):
    bits = len(words) * BITS_A_WORD // 8 * 8
    field = bytearray(bits // 8)
    for word in words:
        value = fnv(word)
        step = ((value >> 15 | value << 17 & 0xFFFFFFFF) * 0x9E3779B1 & 0xFFFFFFFF) | 1
        for _ in range(5):
            at = value % bits
            field[at // 8] |= 1 << at % 8
            value = value + step & 0xFFFFFFFF
    return struct.pack("<I", len(field)) + bytes(field)


def pack(rows, irregular, sets, vocabulary):
    """rows: (language, words, target, starts); irregular: (form, base, past)."""
    targets = sorted({target for _, _, target, _ in rows})
    bases = sorted({base for _, base, _ in irregular})
    number = {target: i for i, target in enumerate(targets)}
    base_number = {base: i for i, base in enumerate(bases)}
    body = lines(line for line in (FOLDER / "texts.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("# "))
    body += struct.pack("<B", max(len(words) for _, words, _, _ in rows))
    body += lines(targets)
    body += table([(fnv(" ".join(words), 2166136261 + language * 0x9E3779B1 & 0xFFFFFFFF), number[target], starts) for language, words, target, starts in rows])
    body += lines(bases)
    body += table([(fnv(form), base_number[base], past) for form, base, past in irregular])
    for pairs in sets:
        body += pair_set(pairs)
    body += bloom(vocabulary)
    return sealed(MAGIC, body)


class Tool:
    """guard_lines with the words file as far as it is made."""

    def __init__(self, path):
        self.path = path
        self.data = pack([(0, ["a"], "L:-", False)], [("a", "a", False)], [[], [], [], []], ["a"])

    def stems(self, words, language=0):
        """word -> (respelled, base)"""
        words = sorted(set(words))
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.data)
            file.flush()
            asked = "".join(f"{language} {word}\n" for word in words)
            answer = subprocess.run([self.path, "stem", file.name], input=asked, capture_output=True, text=True, check=True).stdout
        return {word: tuple(line.split("\t")[:2]) for word, line in zip(words, answer.splitlines(), strict=True)}


def plain(word):
    return word.isascii() and word.isalpha() and len(word) > 1


def groups(name):
    """language number, [words] of each group of a list of groups."""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            language, rest = line.split(": ", 1)
            for group in rest.split(" ; "):
                yield phrases.LANGUAGES.index(language), group.split()


def pairs_of(group):
    return [(a, b) for i, a in enumerate(group) for b in group[i + 1 :]]


def relations(net, common, frequent):
    """Synonyms, loose synonyms, derivations and antonyms of WordNet among common words."""
    strong, loose, derived, antonyms = set(), set(), set(), set()

    def fit(word):
        return plain(word) and word in common and net.common(word)

    def top(a, b):
        # One of both is a word people use.
        return a in net.counted and b in net.counted

    for part in PARTS:
        for offset, words in net.words[part].items():
            fitting = [(word, net.rank(part, word, offset)) for word in words if fit(word)]
            for i, (a, rank_a) in enumerate(fitting):
                for b, rank_b in fitting[i + 1 :]:
                    if rank_a + rank_b <= 2 and top(a, b):
                        strong.add((a, b))
                    elif rank_a + rank_b == 3 and a in frequent and b in frequent:
                        loose.add((a, b))
            for symbol, other, to, source, target in net.links[part][offset]:
                if source == 0 or target == 0:
                    # Of whole synsets: "similar to" among adjectives, attributes ("height", "tall").
                    if symbol in "&=" and fitting:
                        for a, rank_a in fitting:
                            for b in net.words[other][to]:
                                if fit(b) and rank_a + net.rank(other, b, to) <= 1:
                                    (loose if symbol == "&" else derived).add((a, b))
                    continue
                a, b = words[source - 1], net.words[other][to][target - 1]
                if not fit(a) or not fit(b) or a == b:
                    continue
                ranks = net.rank(part, a, offset) + net.rank(other, b, to)
                if symbol == "!":
                    antonyms.add((a, b))
                elif symbol in "+\\" and ranks <= 1:
                    derived.add((a, b))
    # What is similar to one of two opposites, against the other.
    for offset, rows in net.links["adj"].items():
        near = [to for symbol, other, to, _, _ in rows if symbol == "&" and other == "adj"]
        for symbol, other, to, source, target in rows:
            if symbol == "!" and other == "adj":
                opposite = net.words["adj"][to][target - 1]
                for satellite in near:
                    for word in net.words["adj"][satellite]:
                        if fit(word) and fit(opposite) and net.rank("adj", word, satellite) == 0 and word in net.counted:
                            antonyms.add((word, opposite))
    return strong, loose, derived, antonyms


def main():
    tool_path, bert_path, out = sys.argv[1:4]
    tool = Tool(tool_path)
    net = WordNet()
    bert = [word for word in Path(bert_path).read_text(encoding="utf-8").split("\n") if plain(word)]
    bert_rank = {word: i for i, word in enumerate(bert)}
    lemmas = {lemma for part in PARTS for lemma in net.senses[part] if plain(lemma) and net.common(lemma)}
    modern = {word for line in (FOLDER / "modern-words.txt").read_text().splitlines() for word in line.split()}

    rows = [(i, words, target, starts) for i, language in enumerate(phrases.LANGUAGES) for words, target, starts in phrases.read(language)]
    english = {word for language, words, _, _ in rows if language == 0 for word in words}

    def order(word):
        return (word not in net.counted and word not in bert_rank, bert_rank.get(word, 40000), len(word), word)

    chosen = sorted(lemmas, key=order)[:VOCABULARY_WORDS]
    irregular = {}
    for form, lemma, part in net.exceptions():
        if plain(form) and plain(lemma) and form != lemma and lemma in bert_rank and part in ("verb", "noun"):
            if form in bert_rank and form not in ("left", "ground", "found", "felt", "wound", "bore", "saw", "data", "media", "bound", "spelt"):
                irregular.setdefault(form, (lemma, part == "verb" and not form.endswith(("ing", "s")) and form not in ("are", "am")))
    for form, lemma in (("children", "child"), ("people", "people"), ("men", "man"), ("women", "woman")):
        irregular[form] = (lemma, False)
    for form, lemma in (("left", "leave"), ("found", "find"), ("saw", "see"), ("felt", "feel")):
        irregular[form] = (lemma, True)

    spelled = tool.stems(set(chosen) | english | set(irregular) | {base for base, _ in irregular.values()} | modern | lemmas | set(bert))
    respell = {word: forms[0] for word, forms in spelled.items()}
    vocabulary = sorted({respell[word] for word in set(chosen) | modern | {w for w in english if plain(w)} | set(irregular)})
    rows = [(language, [respell.get(word, word) for word in words] if language == 0 else words, target, starts) for language, words, target, starts in rows]
    irregular = [(respell[form], respell[base], past) for form, (base, past) in irregular.items()]
    tool.data = pack([(0, ["a"], "L:-", False)], irregular, [[], [], [], []], vocabulary)

    strong, loose, derived, antonyms = relations(net, set(bert) | net.counted, set(bert[:6000]))
    by_hand = [[], []]
    for place, name in enumerate(("synonyms.txt", "antonyms.txt")):
        for language, group in groups(name):
            stems = tool.stems(group, language)
            # Canonical words ("turn-on") stand for themselves.
            bases = [word if "-" in word else stems[word][1] for word in group]
            by_hand[place] += [pair for pair in pairs_of(bases) if pair[0] != pair[1]]
    # A word that phrases make canonical is compared by its canonical form.
    canonical = {" ".join(words): target[2:] for language, words, target, starts in rows if language == 0 and len(words) == 1 and target.startswith("C:") and " " not in target}

    def stemmed(pairs):
        stems = tool.stems({word for pair in pairs for word in pair})
        out = set()
        for a, b in pairs:
            a, b = (canonical.get(stems[word][0]) or canonical.get(stems[word][1]) or stems[word][1] for word in (a, b))
            if a != b:
                out.add((a, b))
        return out

    def canonised(pairs):
        return {(canonical.get(a, a), canonical.get(b, b)) for a, b in pairs} | set(pairs)

    by_hand = [canonised(pairs) for pairs in by_hand]
    antonyms = stemmed(antonyms) | by_hand[1]
    opposite = {frozenset(pair) for pair in antonyms}
    synonyms = {pair for pair in stemmed(strong) | by_hand[0] if frozenset(pair) not in opposite}
    known = {frozenset(pair) for pair in synonyms}
    derived = {pair for pair in stemmed(derived) if frozenset(pair) not in known | opposite}
    loose = {pair for pair in stemmed(loose) if frozenset(pair) not in known | opposite}
    data = pack(rows, irregular, [synonyms, loose, derived, antonyms], vocabulary)
    Path(out).write_bytes(data)
    print(f"{len(rows)} phrases, {len(irregular)} irregular forms, {len(synonyms)} synonyms, {len(loose)} loose ones, "
          f"{len(derived)} derivations, {len(antonyms)} antonyms, {len(vocabulary)} words: {len(data)} bytes")


main()
