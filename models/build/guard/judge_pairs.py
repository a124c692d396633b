"""Pairs through the native guard: their verdicts and features, or what the judge makes of them."""

import subprocess

import numpy as np

SIGNS, VECTOR_SIGNS = 100, 21
RULES = ("none spoken-language unread pasted-text number date unit negation antonym name order scope modality tense question "
         "task format audience language person constraint sentence wording").split()


def read_pairs(path):
    """label, kind, ..., prompt, prompt of each line."""
    return [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8") if line.strip()]


def frames(pairs, vectors):
    for a, b in pairs:
        for text in (a, b):
            ranges, kept, _, _ = vectors[text]
            data = text.encode()
            yield np.array([len(data), len(ranges)], np.uint32).tobytes() + data + ranges.tobytes() + kept.tobytes()
        cosines = [float(np.dot(vectors[a][i].astype(np.float32), vectors[b][i].astype(np.float32))) for i in (2, 3)]
        yield np.array(cosines, np.float32).tobytes()


def run(tool, mode, files, pairs, vectors):
    return subprocess.run([tool, mode, *map(str, files)], input=b"".join(frames(pairs, vectors)), capture_output=True, check=True).stdout


def verdicts(tool, words, pairs):
    """(verdict, rule) without vectors: 0 same, 1 refused, 2 undecided."""
    asked = "".join(f"{a}\t{b}\n" for a, b in pairs)
    lines = subprocess.run([tool, "compare", str(words)], input=asked, capture_output=True, text=True, check=True).stdout.splitlines()
    return [(int(line.split("\t")[0]), line.split("\t")[1]) for line in lines]


def features(tool, words, pairs, vectors):
    row = np.dtype([("verdict", "u1"), ("rule", "u1"), ("features", "f4", SIGNS + VECTOR_SIGNS)])
    return np.frombuffer(run(tool, "features", [words], pairs, vectors), row)


def probabilities(tool, words, judge, pairs, vectors):
    """Of the judge, of the light judge."""
    return np.frombuffer(run(tool, "judge", [words, judge], pairs, vectors), "f8").reshape(-1, 2)
