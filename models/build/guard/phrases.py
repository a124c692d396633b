"""Reads phrases-*.txt: what each phrase becomes.

`KIND target : pattern ; pattern`, `KIND = word word` (each stands for itself), or `K:word K:word : pattern ; ...`.
In a pattern (a|b) are alternatives, (a|) may be missing, ^ in front means: only where a sentence begins.
The letters of KIND are those of kKindLetters in wasm/cache/guard/lexicon.cpp.
"""

import re
from pathlib import Path

LANGUAGES = ["en", "de", "fr", "es", "other"]
FOLDER = Path(__file__).parent


def expand(pattern):
    """All texts a pattern with alternatives stands for."""
    inner = re.search(r"\(([^()]*)\)", pattern)
    if inner is None:
        return [" ".join(pattern.split())]
    out = []
    for choice in inner.group(1).split("|"):
        out += expand(pattern[: inner.start()] + choice + pattern[inner.end() :])
    return out


def read(language):
    """(words, target, starts) of each phrase: a list of words, "K:word K:word", bool. The first of equals counts."""
    rows = {}
    for line in (FOLDER / f"phrases-{language}.txt").read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        many = re.match(r"(\S) = (.*)", line)
        if many:
            pairs = [(word, f"{many[1]}:{word}") for word in many[2].split()]
        else:
            target, patterns = line.split(" : ", 1)
            pieces = target.split()
            if ":" not in pieces[0]:
                # The kind of the first word; a later word without one is written with its own.
                kind = pieces[0]
                pieces = [piece if re.match(r"\S:\S", piece) else f"{kind}:{piece}" for piece in pieces[1:]]
            pairs = [(pattern, " ".join(pieces)) for pattern in patterns.split(" ; ")]
        for pattern, target in pairs:
            pattern = pattern.strip()
            starts = pattern.startswith("^")
            for text in expand(pattern.lstrip("^")):
                if language != "en" or " " in text:
                    text = text.replace("-", " ")
                if language == "fr":
                    text = text.replace("aujourd'hui", "aujourd’hui").replace("'", " ").replace("’", "'")
                words = text.split()
                if words:
                    rows.setdefault((tuple(words), starts), target)
    return [(list(words), target, starts) for (words, starts), target in rows.items()]
