"""Spearman's correlation with people's scores on STS 2012 to 2015: `python evaluate.py STS_FOLDER MODEL_FOLDER MODEL.onnx...`.

STS_FOLDER holds SemEval's test sets as YEAR.NAME.test.tsv: score, sentence, sentence. All pairs of a year together. A file
that ends in .bin is a light table (light_table.py).
"""

import struct
import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from light_table import SPECIAL, Transformer


def pairs_of(folder, year):
    found = []
    for path in sorted(folder.glob(f"{year}.*.tsv")):
        for line in path.read_text("utf-8").splitlines():
            fields = line.split("\t")
            if len(fields) >= 3 and fields[0].strip():
                found.append((float(fields[0]), fields[1], fields[2]))
    return found


def light(path):
    data = path.read_bytes()
    _, rows, dimensions = struct.unpack("<III", data[4:16])
    scales = np.frombuffer(data, "<f2", rows, 16).astype(np.float32)
    halves = np.frombuffer(data, np.uint8, rows * dimensions // 2, 16 + rows * 2).reshape(rows, -1)
    table = np.empty((rows, dimensions), np.float32)
    table[:, 0::2] = (halves & 15).astype(np.float32) - 8
    table[:, 1::2] = (halves >> 4).astype(np.float32) - 8
    table *= scales[:, None]

    def embed(encodings):
        sums = np.array([table[[i for i in e.ids if i not in SPECIAL]].sum(0) for e in encodings])
        return sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-12)

    return embed


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    for name in sys.argv[3:]:
        model = Path(name)
        if model.suffix == ".bin":
            transformer = Transformer(Path(sys.argv[2]), None)
            embed = light(model)
        else:
            transformer = Transformer(Path(sys.argv[2]), name)
            embed = transformer.embed
        figures = []
        for year in (2012, 2013, 2014, 2015):
            scores, first, second = zip(*pairs_of(Path(sys.argv[1]), year))
            a, b = (embed(transformer.tokenizer.encode_batch(list(texts))) for texts in (first, second))
            figures.append(f"STS{year % 100} {100 * spearmanr((a * b).sum(1), scores)[0]:.2f} ({len(scores)} pairs)")
        print(f"{model.name}: {', '.join(figures)}", flush=True)


main()
