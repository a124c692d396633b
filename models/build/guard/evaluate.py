"""The guard on pairs: `python evaluate.py TOOL WORDS JUDGE MODEL ONNX CACHE PAIRS.tsv [--misses] [--markdown]`.

PAIRS: label (same, different), kind, prompt, prompt. Prints both policies' points, the whole curve (recall of paraphrases
against false hits on near misses) of the full and of the light judge, and each kind's share.
"""

import struct
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from embed import DIMENSIONS, Embedder
from judge_pairs import SIGNS, VECTOR_SIGNS, probabilities, read_pairs, verdicts


def thresholds(path):
    """[full, light], each (balanced, strict), read from the judge's file."""
    data = Path(path).read_bytes()
    at = 12 + 6 + 384 * 4 + DIMENSIONS * 4 + 384 * DIMENSIONS
    out = []
    for _ in range(2):
        out.append(struct.unpack_from("<ff", data, at + 8))
        at += 16
        splits = struct.unpack_from("<H", data, at)[0]
        at += 2 + 5 * splits
        leaves = struct.unpack_from("<H", data, at)[0]
        at += 6 + 2 * leaves
        roots = struct.unpack_from("<H", data, at)[0]
        at += 2 + 2 * roots
        nodes = struct.unpack_from("<H", data, at)[0]
        at += 2 + 6 * nodes
    return out


def projection(path):
    data = Path(path).read_bytes()
    at = 12 + 6
    mean = np.frombuffer(data, "<f4", 384, at)
    scale = np.frombuffer(data, "<f4", DIMENSIONS, at + 384 * 4)
    matrix = np.frombuffer(data, "i1", 384 * DIMENSIONS, at + 384 * 4 + DIMENSIONS * 4).reshape(384, DIMENSIONS)
    return mean, matrix, scale


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--")]
    tool, words, judge, minilm, onnx, cache, path = [a for a in sys.argv[1:] if not a.startswith("--")]
    rows = [(row[0], row[1], row[-2], row[-1]) for row in read_pairs(path)]
    pairs = [row[2:] for row in rows]
    decided = verdicts(tool, words, pairs)
    embedder = Embedder(minilm, onnx, cache)
    vectors = embedder.vectors([text for pair in pairs for text in pair], projection(judge), embedder.static_table())
    both = probabilities(tool, words, judge, pairs, vectors)
    same = np.array([row[0] == "same" for row in rows])
    verdict = np.array([v for v, _ in decided])
    print(f"{(~same).sum()} near misses, {same.sum()} paraphrases")
    for name, mask in (("near misses", ~same), ("paraphrases", same)):
        print(f"rules: {name}: equal after normalising {(verdict[mask] == 0).sum()}, refused {(verdict[mask] == 1).sum()}, undecided {(verdict[mask] == 2).sum()}")
    for column, name in ((0, "with MiniLM"), (1, "light alone")):
        p = both[:, column]
        points = thresholds(judge)[column]
        for policy, threshold in zip(("balanced", "strict"), points):
            print(f"{name}, {policy} (p >= {threshold:.3f}): false hits {(p[~same] >= threshold).sum()} = {100 * (p[~same] >= threshold).mean():.2f} %, recall {100 * (p[same] >= threshold).mean():.1f} %")
        curve = []
        for share in (0, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1):
            wrong = np.sort(p[~same])[::-1]
            allowed = int(share * len(wrong))
            threshold = wrong[allowed] if allowed < len(wrong) else 0
            curve.append(f"{100 * share:g} %: {100 * (p[same] > threshold).mean():.1f}")
        print(f"{name}, recall at most at false hits of " + ", ".join(curve))
    points = thresholds(judge)[0]
    shares = defaultdict(lambda: [0, 0, 0])
    for (label, kind, _, _), p in zip(rows, both[:, 0]):
        row = shares[label, kind]
        row[0] += 1
        row[1] += p >= points[1]
        row[2] += p >= points[0]
    for label in ("different", "same"):
        print(f"| {label} | pairs | let through, strict | balanced |\n|---|---|---|---|")
        for (of, kind), (count, strict, balanced) in sorted(shares.items()):
            if of == label:
                print(f"| {kind} | {count} | {strict} | {balanced} |")
    if "--misses" in options:
        for (label, kind, a, b), p, (verdict, rule) in zip(rows, both[:, 0], decided):
            if label == "different" and p >= points[0]:
                print(f"FALSE {p:.3f} {kind} | {a} | {b}")
        for (label, kind, a, b), p, (verdict, rule) in zip(rows, both[:, 0], decided):
            if label == "same" and p < points[1]:
                print(f"LOST {p:.3f} {rule} {kind} | {a} | {b}")


if __name__ == "__main__":
    main()
