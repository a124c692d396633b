"""The sentences the light table is fitted to: WordNet's definitions and examples, and prompts made of its words.

WordNet 3.0 is read from Debian's `wordnet-base` (or WORDNET, a folder with its data.* and index.* files).
"""

import os
import random
import re
from pathlib import Path

WORDNET = Path(os.environ.get("WORDNET", "/usr/share/wordnet"))
PROMPTS = [
    "How do I {v} a {n}?",
    "What is the best way to {v} {n}?",
    "Write a short {n} about {n2}.",
    "Explain {n} to a child.",
    "Can you {v} this {n} for me?",
    "Why does my {n} {v}?",
    "Give me {d} ideas for a {a} {n}.",
    "What is the difference between {n} and {n2}?",
    "Summarize the {n} in {d} sentences.",
    "List {d} {a} {n2} for beginners.",
    "Translate '{a} {n}' into French.",
    "How much does a {n} cost?",
    "Is it {a} to {v} the {n}?",
    "When should I {v} my {n}?",
    "Who invented the {n}?",
    "Where can I find a {a} {n}?",
    "Fix the {n} in my {n2} code.",
    "Write an email to my {n} about the {n2}.",
    "What are the {a} effects of {n}?",
    "Help me {v} my {n} before {n2}.",
    "Create a {d}-day plan to {v} {n}.",
    "Which {n} is more {a}, {n} or {n2}?",
    "Tell me about {a} {n2} in history.",
    "Should I {v} or {v2} the {n}?",
    "Convert this {n} to a {n2}.",
]


def lines_of(name):
    text = (WORDNET / name).read_text("utf-8", "replace")
    return [line for line in text.splitlines() if not line.startswith("  ")]


def definitions():
    found = {}
    for part_of_speech in ("noun", "verb", "adj", "adv"):
        for line in lines_of(f"data.{part_of_speech}"):
            _, _, gloss = line.partition(" | ")
            for piece in re.split(r";\s*", gloss.strip()):
                piece = piece.strip().strip('"').strip()
                if len(piece) > 8:
                    found[piece] = True
    return list(found)


def words(part_of_speech):
    """Those that occur in WordNet's tagged texts."""
    found = set()
    for line in lines_of(f"index.{part_of_speech}"):
        fields = line.split()
        if int(fields[5 + int(fields[3])]) > 0:
            found.add(fields[0].replace("_", " "))
    return sorted(found)


def sentences(count, prompts, seed=7):
    """`count` of all definitions, examples and so many prompts, in random order."""
    chance = random.Random(seed)
    nouns, verbs, adjectives = words("noun"), words("verb"), words("adj")
    made = definitions()
    for _ in range(prompts):
        fill = {"n": chance.choice(nouns), "n2": chance.choice(nouns), "v": chance.choice(verbs)}
        fill |= {"v2": chance.choice(verbs), "a": chance.choice(adjectives), "d": chance.randint(2, 12)}
        made.append(chance.choice(PROMPTS).format(**fill))
    chance.shuffle(made)
    return made[:count]
