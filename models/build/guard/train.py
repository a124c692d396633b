"""Trains the judge: `python train.py TOOL WORDS MODEL ONNX CACHE OUT PAIRS.tsv ...`.

TOOL: the native guard_lines. WORDS: models/guard/words.bin. MODEL and ONNX: all-MiniLM-L6-v2. PAIRS: label, kind, prompt, prompt;
each file written without sight of the others. What the rules veto or find equal is left out. Boosted trees; words shared may only speak for the same:
otherwise the trees learn how near misses are written, not what they are. Probabilities and thresholds are made from files the trees
did not see.
"""

import struct
import sys
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression

from embed import DIMENSIONS, Embedder
from judge_pairs import SIGNS, VECTOR_SIGNS, features, read_pairs
from neighbours import neighbours
from sealed import sealed

MAGIC = b"TWJ3"
# False hits among near misses a policy may let through, of the judge with all vectors and of the light one; at most so many among
# neighbours.
SHARES = {False: {"balanced": 0.036, "strict": 0.0075}, True: {"balanced": 0.016, "strict": 0.003}}
NEIGHBOURS = {"balanced": 0.04, "strict": 0.004}
# Weight of a neighbour; a written pair has 1.
WEIGHTS = {False: 0.6, True: 1.0}
ROUNDS = {False: 250, True: 150}
# Of whole files.
FOLDS = 6
# By the order of signs.h and vector_signs.h: 1 where more may only speak for the same (words shared, both cosines), -1 where it may
# only speak against (words left over).
RISING = [3, 4, SIGNS, SIGNS + 20]
FALLING = [5, 6, 7, 8]
# Signs that would only tell how the pairs were written: pasted text, the lengths in bytes.
UNUSED = [35, 36, 44, SIGNS + 19]
LIGHT_COSINE = SIGNS + 20


def seen(x, light):
    x = x.copy()
    x[:, UNUSED] = 0
    if light:
        x[:, SIGNS:LIGHT_COSINE] = 0
    return x


def fit(x, y, weights, light):
    constraints = np.zeros(SIGNS + VECTOR_SIGNS, int)
    constraints[RISING] = 1
    constraints[FALLING] = -1
    options = {"objective": "binary", "learning_rate": 0.06, "num_leaves": 20, "min_data_in_leaf": 30, "feature_fraction": 0.4,
               "feature_fraction_bynode": 0.5, "lambda_l2": 5, "bagging_fraction": 0.8, "bagging_freq": 1, "max_bin": 63, "verbosity": -1,
               "monotone_constraints": constraints.tolist(), "monotone_constraints_method": "intermediate", "seed": 1, "num_threads": 1,
               "deterministic": True}
    return lightgbm.train(options, lightgbm.Dataset(x, y.astype(int), weight=weights, params={"max_bin": 63, "verbosity": -1}), ROUNDS[light])


def packed(trained, slope, offset, thresholds):
    """Trees as Judge::read has them."""
    splits, leaves, roots, nodes = {}, [], [], []
    base = 0.0

    def add(node):
        if "leaf_value" in node:
            leaves.append(float(node["leaf_value"]))
            return -len(leaves)
        place = len(nodes)
        # To the left when the feature is at most the threshold; rounded up, so that floats decide as doubles do.
        threshold = np.float32(node["threshold"])
        if float(threshold) < node["threshold"]:
            threshold = np.nextafter(threshold, np.float32(np.inf), dtype=np.float32)
        nodes.append((splits.setdefault((int(node["split_feature"]), float(threshold)), len(splits)), 0, 0))
        nodes[place] = (nodes[place][0], add(node["left_child"]), add(node["right_child"]))
        return place

    for tree in trained.dump_model()["tree_info"]:
        root = tree["tree_structure"]
        if "leaf_value" in root:
            base += float(root["leaf_value"])
        else:
            roots.append(add(root))
    unit = max(abs(leaf) for leaf in leaves) / 32767
    out = struct.pack("<ffff", slope, offset + slope * base, *thresholds)
    out += struct.pack("<H", len(splits)) + b"".join(struct.pack("<Bf", *key) for key in splits)
    out += struct.pack("<Hf", len(leaves), unit) + b"".join(struct.pack("<h", round(leaf / unit)) for leaf in leaves)
    out += struct.pack("<H", len(roots)) + b"".join(struct.pack("<H", root) for root in roots)
    return out + struct.pack("<H", len(nodes)) + b"".join(struct.pack("<Hhh", *node) for node in nodes)


def main():
    tool, words, minilm, onnx, cache, out, *paths = sys.argv[1:]
    embedder = Embedder(minilm, onnx, cache)
    rows = [(Path(path).stem, *row) for path in paths for row in read_pairs(path)]
    texts = sorted({text for row in rows for text in row[3:5]})
    np.random.RandomState(1).shuffle(texts)
    projection = embedder.projection(texts)
    vectors = embedder.vectors(texts, projection, embedder.static_table())
    beside = neighbours(rows, vectors)
    every = [(row[0], row[1], row[3], row[4]) for row in rows] + [(file, "neighbour", a, b) for file, a, b in beside]
    table = features(tool, words, [row[2:] for row in every], vectors)
    verdict, x = table["verdict"], np.array(table["features"])
    files = np.array([row[0] for row in every])
    labels = np.array([row[1] for row in every])
    y, near, apart = labels == "same", labels == "different", labels == "neighbour"
    folds = np.unique(files, return_inverse=True)[1] % FOLDS
    open_ = verdict == 2
    print(f"{near.sum()} near misses, {y.sum()} paraphrases, {apart.sum()} neighbours of {len(set(files))} files", flush=True)
    for name, mask in (("near misses", near), ("paraphrases", y), ("neighbours", apart)):
        print(f"{name}: equal {(verdict[mask] == 0).sum()}, vetoed {(verdict[mask] == 1).sum()}, for the judge {(verdict[mask] == 2).sum()}")
    body = struct.pack("<HHH", 384, DIMENSIONS, SIGNS + VECTOR_SIGNS)
    mean, matrix, scale = projection
    body += mean.tobytes() + scale.tobytes() + matrix.tobytes()
    likely = {}
    for light in (False, True):
        name = "light" if light else "with MiniLM"
        data, weights = seen(x, light), np.where(apart, WEIGHTS[light], 1.0)
        scores = np.zeros(len(y))
        for fold in range(FOLDS):
            mine = folds == fold
            inside = open_ & ~mine
            scores[mine] = fit(data[inside], y[inside], weights[inside], light).predict(data[mine], raw_score=True)
        sure = open_ & ~apart
        platt = LogisticRegression(C=1e6).fit(scores[sure, None], y[sure])
        slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
        p = 1 / (1 + np.exp(-(slope * scores + offset)))
        p = likely[light] = np.where(verdict == 0, 1, np.where(verdict == 1, 0, p))
        thresholds = []
        for policy in ("balanced", "strict"):
            bounds = [np.sort(p[mask])[::-1][int(share * mask.sum())] for mask, share in ((near, SHARES[light][policy]), (apart, NEIGHBOURS[policy]))]
            thresholds.append(float(max(bounds)) + 1e-6)
            shown = [f"{np.mean(p[mask] >= thresholds[-1]):.4f} of {what}" for mask, what in ((near, "near misses"), (apart, "neighbours"), (y, "paraphrases"))]
            print(f"{name}, {policy}: from {thresholds[-1]:.3f}: {', '.join(shown)}", flush=True)
            for file in sorted(set(files)):
                mine = files == file
                print(f"   {file}: false {np.mean(p[mine & near] >= thresholds[-1]):.4f}, found {np.mean(p[mine & y] >= thresholds[-1]):.3f}")
        body += packed(fit(data[open_], y[open_], weights[open_], light), slope, offset, thresholds)
        if light:
            for least in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
                kept = [f"{np.mean(p[mask & (likely[False] >= t)] >= least):.3f}" for mask, t in ((y, full[0]), (y, full[1]))]
                print(f"light from {least}: of what MiniLM finds {kept} (balanced, strict); neighbours {np.mean(p[apart] >= least):.3f}")
            for cosine in (0.3, 0.4, 0.5, 0.6):
                kept = [f"{np.mean(x[y & (likely[False] >= t), LIGHT_COSINE] >= cosine):.3f}" for t in full]
                print(f"light cosine from {cosine}: of what MiniLM finds {kept}; neighbours {np.mean(x[apart, LIGHT_COSINE] >= cosine):.3f}")
        else:
            full = thresholds
    Path(out).write_bytes(sealed(MAGIC, body))
    print(f"{out}: {Path(out).stat().st_size} bytes")


main()
