"""WordNet's words and relations, from Debian's wordnet-base (/usr/share/wordnet)."""

import re
from collections import defaultdict
from pathlib import Path

FOLDER = Path("/usr/share/wordnet")
PARTS = ["noun", "verb", "adj", "adv"]


class WordNet:
    """`senses[part][lemma]`: offsets, the most frequent first. `words[part][offset]`: lemmas of a synset.
    `links[part][offset]`: (symbol, part, offset, from word, to word). `counted`: lemmas with a sense counted in texts."""

    def __init__(self):
        self.senses, self.words, self.links = {}, {}, {}
        self.counted = set()
        self.capital = defaultdict(lambda: [0, 0])  # lemma -> times written small, large
        for part in PARTS:
            self.senses[part], self.words[part], self.links[part] = {}, {}, {}
            for line in (FOLDER / f"index.{part}").read_text().splitlines():
                if line.startswith(" "):
                    continue
                f = line.split()
                pointers = int(f[3])
                tagged = int(f[5 + pointers])
                self.senses[part][f[0]] = f[6 + pointers :]
                if tagged:
                    self.counted.add(f[0])
            for line in (FOLDER / f"data.{part}").read_text().splitlines():
                if line.startswith(" "):
                    continue
                f = line.split(" | ")[0].split()
                count = int(f[3], 16)
                names = [re.sub(r"\(\w+\)$", "", f[4 + 2 * i]) for i in range(count)]
                self.words[part][f[0]] = [name.lower() for name in names]
                for name in names:
                    self.capital[name.lower()][name != name.lower()] += 1
                at = 4 + 2 * count
                rows = []
                for i in range(int(f[at])):
                    symbol, offset, kind, ends = f[at + 1 + 4 * i : at + 5 + 4 * i]
                    other = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}[kind]
                    rows.append((symbol, other, offset, int(ends[:2], 16), int(ends[2:], 16)))
                self.links[part][f[0]] = rows

    def rank(self, part, lemma, offset):
        """Which of its senses this is: 0 is the most frequent."""
        return self.senses[part].get(lemma, []).index(offset) if offset in self.senses[part].get(lemma, []) else 99

    def exceptions(self):
        """(form, lemma, part) of what is inflected irregularly."""
        for part in PARTS:
            for line in (FOLDER / f"{part}.exc").read_text().splitlines():
                form, lemma = line.split()[:2]
                yield form, lemma, part

    def common(self, lemma):
        """Written small: no name."""
        small, large = self.capital[lemma]
        return small > 0
