"""Finds the sections of Markdown files that answer a question.

A section is a `#` or `##` heading with the text under it. An HTML comment `<!-- asked: one; two -->` right after the
heading adds other ways to ask for it, which are searched and never shown; `<!-- direct -->` marks a section that
speaks to the reader, to be given as it is rather than quoted.

Ranking is BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009; k1 = 1.2, b = 0.5) over weighted
fields, plus a bonus for a question that reads like the heading or one of the `asked` phrases. A section counts as found
only if it covers enough of what was asked: `COVERAGE` is the least share of the question's information (inverse document
frequency of its words) that must be in it. The numbers were set on the questions in tests/space.
"""

import difflib
import hashlib
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

K1 = 1.2
B = 0.5
HEADING_WEIGHT = 3
ASKED_WEIGHT = 2
PHRASE_BONUS = 6.0
COVERAGE = 0.29
COMMON_WORD_WEIGHT = 0.12
#: A word no section has may be the point of the question, or just how it is put.
UNKNOWN_WORD_WEIGHT = 0.5
EARLIER_WEIGHTS = (0.4, 0.2)
MAX_QUESTION_WORDS = 400
MAX_FILE_BYTES = 2_000_000

COMMON = frozenset(
    """a about above actually after again all also am an and any are as at be because been being both but by can could
    did do does doing done down for from get gets give go going got had has have having he her here him his how i if in
    into is it its just know let like made make makes many may me mean might more most much must my need no not now of
    off on one only or other our out over please really s same see she should so some such t tell than that the their
    them then there these they thing things this those through to too under up us use used using want was way we well
    were what whats when where whether which while who whom why will wish with wonder would you your explain describe
    yes ok okay write happen happens exactly question someone something anything somewhere anywhere wonder wondering""".split()
)
POINTING = frozenset("it its that this they them those these there he she one ones same else more also".split())
OPENERS = ("and ", "but ", "so ", "what about", "how about", "why", "more", "tell me more", "go on", "or ")


@dataclass(frozen=True)
class Section:
    file: str
    title: str
    heading: str
    text: str
    asked: tuple[str, ...] = ()
    direct: bool = False


@dataclass(frozen=True)
class Found:
    section: Section
    score: float
    #: Share of the question's information that is in the section, 0 to 1.
    coverage: float


@dataclass
class _Indexed:
    section: Section
    counts: Counter = field(default_factory=Counter)
    length: float = 0
    phrases: list[frozenset] = field(default_factory=list)
    phrase_words: frozenset = frozenset()


def words(text: str) -> list[str]:
    """Lower-case word stems, in order."""
    text = text.lower().replace("’", "'").replace("'s", "").replace("'", "")
    return [_stem(word) for word in re.findall(r"[^\W_]+", text)]


def _stem(word: str) -> str:
    """Strips common English endings; only needs to be the same for question and text."""
    if len(word) <= 3 or not word.isascii() or word in COMMON:
        return word
    for ending, put in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", ""), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us", "is")):
            word = word[: -len(ending)] + put
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def read_sections(folder: Path) -> list[Section]:
    """Every section of every `.md` file of the folder, in the order of file names."""
    sections: list[Section] = []
    for path in sorted(folder.glob("*.md")):
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"{path.name} is larger than {MAX_FILE_BYTES:,} bytes. Split it.")
        sections += parse(path.name, path.read_text(encoding="utf-8", errors="replace"))
    if not sections:
        raise ValueError(f"{folder} has no Markdown file with text in it. Add one, or set KNOWLEDGE_DIR.")
    return sections


def parse(file: str, text: str) -> list[Section]:
    title = heading = Path(file).stem.replace("-", " ")
    lines: list[str] = []
    sections: list[Section] = []
    fenced = False

    def close() -> None:
        body = "\n".join(lines)
        asked = [part.strip() for found in re.findall(r"<!--\s*asked:(.*?)-->", body, re.S) for part in found.split(";")]
        direct = re.search(r"<!--\s*direct\s*-->", body) is not None
        body = re.sub(r"<!--.*?-->", "", body, flags=re.S).strip()
        if body:
            sections.append(Section(file, title, heading, body, tuple(filter(None, asked)), direct))
        lines.clear()

    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        mark = re.match(r"(#{1,2})\s+(.+?)\s*#*$", line)
        if mark and not fenced:
            close()
            heading = mark[2]
            if len(mark[1]) == 1:
                title = heading
        else:
            lines.append(line)
    close()
    return sections


class Knowledge:
    def __init__(self, sections: list[Section], name: str = ""):
        self.sections = sections
        self.name = name
        text = "\0".join(f"{s.file}\0{s.heading}\0{s.text}\0{s.asked}" for s in sections)
        self.version = hashlib.sha256(text.encode()).hexdigest()[:8]
        self._indexed = [_index(section) for section in sections]
        self._mean_length = sum(item.length for item in self._indexed) / len(self._indexed)
        in_sections = Counter(word for item in self._indexed for word in item.counts)
        self._information = {word: self._idf(count) for word, count in in_sections.items()}
        spoken = {word for item in self._indexed if item.section.direct for word in item.phrase_words} - COMMON
        self._topics = {
            word for item in self._indexed if not item.section.direct for word in item.phrase_words
        } - COMMON
        self._small_talk = spoken - self._topics
        self._topics_only = self._topics - spoken
        self._vocabulary = [word for word in in_sections if len(word) >= 4]
        self._unknown = self._idf(0)

    @classmethod
    def from_folder(cls, folder: Path) -> "Knowledge":
        return cls(read_sections(folder), folder.name)

    def search(self, question: str, earlier: tuple[str, ...] = (), most: int = 3) -> list[Found]:
        """The best sections, best first. `earlier` are the questions before this one, latest first."""
        asked = [self._corrected(word) for word in words(question)[:MAX_QUESTION_WORDS]]
        if self._topics_only.intersection(asked):
            # "Hello, what does it cost?" is about the cost.
            asked = [word for word in asked if word not in self._small_talk]
        weights = self._weights(asked)
        own = dict(weights)
        if earlier and follows_up(question):
            for text, share in zip(earlier, EARLIER_WEIGHTS):
                for word, weight in self._weights(words(text)[:MAX_QUESTION_WORDS]).items():
                    weights[word] = max(weights.get(word, 0), weight * share)
            # A question made of pointing words alone ("why?") is about what was asked before.
            if not any(word not in COMMON for word in asked):
                own = weights
        phrase = frozenset(asked)
        topics = self._topics & phrase
        fitting = [item for item in self._indexed if not (item.section.direct and topics - item.phrase_words)]
        found = [found for item in fitting if (found := self._score(item, weights, own, phrase)) is not None]
        return sorted(found, key=lambda each: -each.score)[:most]

    def informative(self, question: str) -> dict[str, float]:
        """The question's words with their information; what `search` and the choice of passages weigh by."""
        return self._weights(words(question)[:MAX_QUESTION_WORDS])

    def _weights(self, asked: list[str]) -> dict[str, float]:
        return {word: self._weight(word) for word in map(self._corrected, asked)}

    def _weight(self, word: str) -> float:
        known = self._information.get(word)
        weight = self._unknown * UNKNOWN_WORD_WEIGHT if known is None else known
        return weight * (COMMON_WORD_WEIGHT if word in COMMON else 1)

    def _corrected(self, word: str) -> str:
        """An unknown word becomes the known one it is a misspelling of."""
        if word in self._information or word in COMMON or len(word) < 5:
            return word
        alike = [other for other in self._vocabulary if other[0] == word[0]]
        near = difflib.get_close_matches(word, alike, 1, 0.85 if len(word) > 6 else 0.9)
        return near[0] if near else word

    def _score(self, item: _Indexed, weights: dict, own: dict, phrase: frozenset) -> Found | None:
        score = 0.0
        norm = K1 * (1 - B + B * item.length / self._mean_length)
        for word, weight in weights.items():
            count = item.counts.get(word, 0)
            score += weight * count * (K1 + 1) / (count + norm)
        if score == 0:
            return None
        total = sum(own.values())
        coverage = sum(weight for word, weight in own.items() if word in item.counts) / total
        likeness = max((self._likeness(phrase, other) for other in item.phrases), default=0.0)
        return Found(item.section, score + PHRASE_BONUS * likeness * likeness, max(coverage, likeness))

    def _likeness(self, one: frozenset, other: frozenset) -> float:
        """Shared information of two phrases, 0 to 1 (a weighted Dice coefficient)."""
        total = sum(map(self._weight, one)) + sum(map(self._weight, other))
        return 2 * sum(map(self._weight, one & other)) / total if total else 0.0

    def _idf(self, count: int) -> float:
        sections = len(self._indexed)
        return math.log(1 + (sections - count + 0.5) / (count + 0.5))


def follows_up(question: str) -> bool:
    """True when a question leans on what was said before: it points, opens with "and", or says next to nothing."""
    plain = question.strip().lower()
    asked = words(question)
    telling = [word for word in asked if word not in COMMON]
    return plain.startswith(OPENERS) or len(telling) <= 1 or (len(telling) <= 3 and any(w in POINTING for w in asked))


def _index(section: Section) -> _Indexed:
    item = _Indexed(section)
    fields = (
        (words(section.heading), HEADING_WEIGHT),
        ([word for phrase in section.asked for word in words(phrase)], ASKED_WEIGHT),
        (words(section.title), 1),
        (words(section.text), 1),
    )
    for found, weight in fields:
        for word in found:
            item.counts[word] += weight
    item.length = len(fields[3][0]) + len(fields[0][0])
    item.phrases = [frozenset(words(phrase)) for phrase in (section.heading, *section.asked)]
    item.phrase_words = frozenset().union(*item.phrases)
    return item
