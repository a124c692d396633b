"""Writes an answer from found sections: quotes the passages that fit the question, cites file and section, says what it is.

No model is involved. The answer fits the number of tokens asked for whenever one passage and its source do; a token is
counted as four characters of a word, the usual rule of thumb for English.
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator

from answering import Outcome
from limits import Request
from retrieval import COVERAGE, Found, Knowledge, Section, words

SECOND_SHARE = 0.55
#: Coverage from which a section that does not answer is worth naming.
CLOSE = 0.15
MOST_SECTIONS = 2
MOST_PASSAGES = 3
#: Tokens that must be left for a passage and the note before the note is worth its place.
ROOM_FOR_NOTE = 60
NOTE = "Found by searching this Space's knowledge files; no language model wrote it."


def tokens_in(text: str) -> int:
    return sum(math.ceil(len(part) / 4) for part in text.split())


def compose(knowledge: Knowledge, request: Request) -> str:
    earlier = tuple(turn.content for turn in reversed(request.history) if turn.role == "user")
    found = [each for each in knowledge.search(request.prompt, earlier) if each.coverage >= COVERAGE]
    if not found:
        return _nothing_found(knowledge, request, earlier)
    chosen = [found[0]]
    if not found[0].section.direct:
        chosen += [
            each
            for each in found[1:MOST_SECTIONS]
            if each.score >= SECOND_SHARE * found[0].score and not each.section.direct
        ]
    weights = knowledge.informative(" ".join((request.prompt, *earlier[:1])))
    while True:
        answer = _written(chosen, weights, request.max_new_tokens)
        if len(chosen) == 1 or tokens_in(answer) <= request.max_new_tokens:
            return answer
        chosen.pop()


def _written(chosen: list[Found], weights: dict[str, float], most_tokens: int) -> str:
    sources = _sources([each.section for each in chosen])
    if tokens_in(sources) + ROOM_FOR_NOTE <= most_tokens:
        sources += f"\n\n{NOTE}"
    left = most_tokens - tokens_in(sources)
    blocks = []
    for number, each in enumerate(chosen, 1):
        mark = f" [{number}]"
        for passage in _passages(each.section, weights, left):
            text = passage + mark if not passage.endswith("```") else f"{passage}\n{mark.strip()}"
            blocks.append(text if each.section.direct else "\n".join(f"> {line}".rstrip() for line in text.splitlines()))
            left -= tokens_in(blocks[-1])
            mark = ""
    return "\n\n".join([*blocks, sources])


def _sources(sections: list[Section]) -> str:
    lines = [f"[{number}] {each.file}, section “{each.heading}”" for number, each in enumerate(sections, 1)]
    return ("Sources:\n" if len(lines) > 1 else "Source: ") + "\n".join(lines)


def _passages(section: Section, weights: dict[str, float], left: int) -> list[str]:
    """Paragraphs of the section in their order: the first, and those that say most about the question."""
    paragraphs = _paragraphs(section.text)

    def worth(index: int) -> float:
        here = set(words(paragraphs[index]))
        return sum(weight for word, weight in weights.items() if word in here) + (1.0 if index == 0 else 0)

    best = sorted(range(len(paragraphs)), key=lambda index: -worth(index))[:MOST_PASSAGES]
    if tokens_in(paragraphs[best[0]]) > left:
        return [_first_sentences(paragraphs[best[0]], left)]
    kept: list[int] = []
    for index in best:
        cost = tokens_in(paragraphs[index]) + 2
        if not kept or cost <= left:
            kept.append(index)
            left -= cost
    # What introduces a list or a piece of code goes with it.
    kept += [index - 1 for index in kept if index > 0 and index - 1 not in kept and paragraphs[index - 1].endswith(":")]
    return [paragraphs[index] for index in sorted(kept)]


def _first_sentences(paragraph: str, most_tokens: int) -> str:
    sentences = re.split(r"(?<=[.!?])\s+", paragraph)
    kept = sentences[:1]
    for sentence in sentences[1:]:
        if tokens_in(" ".join((*kept, sentence))) > most_tokens:
            break
        kept.append(sentence)
    return " ".join(kept)


def _paragraphs(text: str) -> list[str]:
    """Blocks between blank lines; a fenced block is one."""
    blocks: list[str] = []
    fenced = False
    for block in re.split(r"\n\s*\n", text):
        if fenced:
            blocks[-1] += "\n\n" + block
        else:
            blocks.append(block.strip())
        fenced ^= block.count("```") % 2 == 1
    return blocks


def _nothing_found(knowledge: Knowledge, request: Request, earlier: tuple[str, ...]) -> str:
    topics: dict[str, list[str]] = {}
    for section in knowledge.sections:
        if not section.direct:
            topics.setdefault(section.title, []).append(section.heading)
    lines = [f"- {title}: {'; '.join(headings[:4])}" for title, headings in topics.items()]
    near = knowledge.search(request.prompt, earlier, 1)
    close = near and near[0].coverage >= CLOSE
    hint = f" The closest section is “{near[0].section.heading}” ({near[0].section.file})." if close else ""
    return (
        "I found nothing about that in my knowledge files, and this Space answers from nothing else."
        f"{hint}\n\nThey cover:\n" + "\n".join(lines) + f"\n\n{NOTE}"
    )


class PassageAnswerer:
    """Streams a composed answer word by word, `word_delay_ms` apart, as a model would."""

    mode = "retrieval"

    def __init__(self, knowledge: Knowledge, word_delay_ms: float):
        self.knowledge = knowledge
        self.version = f"retrieval-{knowledge.name}-{knowledge.version}"
        self._delay = word_delay_ms / 1000

    async def stream(self, request: Request, outcome: Outcome) -> AsyncIterator[str]:
        for part in re.findall(r"\s*\S+", compose(self.knowledge, request)):
            cost = tokens_in(part)
            if outcome.tokens + cost > request.max_new_tokens:
                outcome.finish_reason = "length"
                return
            outcome.tokens += cost
            yield part
            await asyncio.sleep(self._delay)
        outcome.finish_reason = "stop"
