"""How fast comparing and judging are, natively: `python speed.py TOOL WORDS JUDGE MODEL ONNX CACHE PAIRS.tsv`."""

import sys

from embed import Embedder
from evaluate import projection
from judge_pairs import read_pairs, run

tool, words, judge, minilm, onnx, cache, path = sys.argv[1:]
pairs = [(row[-2], row[-1]) for row in read_pairs(path)]
embedder = Embedder(minilm, onnx, cache)
vectors = embedder.vectors([text for pair in pairs for text in pair], projection(judge), embedder.static_table())
print(run(tool, "speed", [words, judge], pairs, vectors).decode(), end="")
