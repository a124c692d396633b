"""Trains the judge: `python train.py TOOL WORDS TRAINING_WORDS MODEL ONNX CACHE PAIRS OUT`.

TOOL: the native guard_lines. WORDS and TRAINING_WORDS: see build_words.py. MODEL and ONNX: all-MiniLM-L6-v2. PAIRS: of pairs.py.
What rules decide is left out; the rest, with half of the relations of words unknown and with all of them, goes to boosted trees
whose answer may only fall with what speaks against (monotone constraints). Probabilities and thresholds come from pairs whose
patterns and words the trees did not see.
"""

import struct
import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from embed import DIMENSIONS, Embedder
from judge_pairs import SIGNS, VECTOR_SIGNS, features, read_pairs, verdicts
from sealed import sealed

MAGIC = b"TWJ2"
# False hits among all generated near misses that a policy may let through; below what is promised, for those are easier than real ones.
STRICT, BALANCED = 0.001, 0.01
# By the order of signs.h and vector_signs.h: 1 where more speaks for the same, -1 where it speaks against.
FALLING = [5, 6, 7, 8, 14, 15, 16, 18, 20, 21, 24, 25, 27, 28, 29, 30, 31, 32, 37, 38, 39, 40]
RISING = [3, 4, 33]
RISING_VECTORS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 17, 18]
FALLING_VECTORS = [13]
# Kinds whose labels are not sure enough to choose a threshold by: words of WordNet, small words changed at random.
UNSURE = ["word", "small"]
# Signs that would only tell how the pairs were generated.
UNUSED = [0, 35, 36, 44]


def model(light):
    constraints = np.zeros(SIGNS + VECTOR_SIGNS, int)
    constraints[FALLING] = -1
    constraints[RISING] = 1
    constraints[[SIGNS + i for i in RISING_VECTORS]] = 1
    constraints[[SIGNS + i for i in FALLING_VECTORS]] = -1
    return HistGradientBoostingClassifier(max_iter=70 if light else 110, learning_rate=0.09, max_leaf_nodes=10, max_depth=5, min_samples_leaf=60,
                                          l2_regularization=5.0, max_bins=48, monotonic_cst=constraints, max_features=0.4, random_state=1)


def seen(x, light):
    x = x.copy()
    x[:, UNUSED] = 0
    if light:
        x[:, SIGNS + 1 :] = 0
    return x


def packed(trained, slope, offset, thresholds):
    """Trees as Judge::read has them."""
    splits, leaves, roots, nodes = {}, [], [], []
    base = float(trained._baseline_prediction.ravel()[0])
    for (predictor,) in trained._predictors:
        rows = predictor.nodes
        inner = [i for i in range(len(rows)) if not rows[i]["is_leaf"]]
        if not inner:
            base += float(rows[0]["value"])
            continue
        place = {i: len(nodes) + k for k, i in enumerate(inner)}
        roots.append(place[0])

        def child(i):
            if rows[i]["is_leaf"]:
                leaves.append(float(rows[i]["value"]))
                return -len(leaves)
            return place[i]

        for i in inner:
            key = (int(rows[i]["feature_idx"]), float(np.float32(rows[i]["num_threshold"])))
            nodes.append((splits.setdefault(key, len(splits)), child(int(rows[i]["left"])), child(int(rows[i]["right"]))))
    unit = max(abs(leaf) for leaf in leaves) / 32767
    out = struct.pack("<ffff", slope, offset + slope * base, *thresholds)
    out += struct.pack("<H", len(splits)) + b"".join(struct.pack("<Bf", *key) for key in splits)
    out += struct.pack("<Hf", len(leaves), unit) + b"".join(struct.pack("<h", round(leaf / unit)) for leaf in leaves)
    out += struct.pack("<H", len(roots)) + b"".join(struct.pack("<H", root) for root in roots)
    return out + struct.pack("<H", len(nodes)) + b"".join(struct.pack("<Hhh", *node) for node in nodes)


def main():
    tool, words, training_words, minilm, onnx, cache, pairs_path, out = sys.argv[1:9]
    embedder = Embedder(minilm, onnx, cache)
    rows = read_pairs(pairs_path)
    pairs = [(row[3], row[4]) for row in rows]
    every = [verdicts(tool, file, pairs) for file in (words, training_words)]
    open_ = [i for i in range(len(rows)) if any(v[i][0] == 2 for v in every)]
    texts = [text for i in open_ for text in pairs[i]]
    print(f"{len(rows)} pairs, {len(open_)} undecided by a rule, {len(set(texts))} prompts", flush=True)
    chosen = sorted(set(texts))
    np.random.RandomState(1).shuffle(chosen)
    projection = embedder.projection(chosen[:12000])
    vectors = embedder.vectors(texts, projection, embedder.static_table())
    x, y, folds, weights, kinds, full, sources = [], [], [], [], [], [], []
    for name, file in enumerate((words, training_words)):
        table = features(tool, file, [pairs[i] for i in open_], vectors)
        for place, i in enumerate(open_):
            if table[place]["verdict"] != 2:
                continue
            x.append(table[place]["features"])
            y.append(rows[i][0] == "same")
            folds.append(int(rows[i][2]))
            kinds.append(rows[i][1])
            sources.append(pairs[i])
            full.append(name == 0)
            weights.append((0.5 if rows[i][1] == "word" else 1.0) * (1.0 if rows[i][0] == "different" else 0.8))
    x, y, folds, weights, full = np.array(x), np.array(y), np.array(folds), np.array(weights), np.array(full)
    kinds = np.array(kinds)
    same = sum(row[0] == "same" for row in rows)
    sure = sum(row[0] == "different" and row[1] not in UNSURE for row in rows)
    leaked = sum(v[0] == 0 and row[0] == "different" and row[1] not in UNSURE for v, row in zip(every[0], rows))
    passed = sum(v[0] == 0 and row[0] == "same" for v, row in zip(every[0], rows))
    print(f"equal after normalising: {leaked} of {sure} near misses, {passed} of {same} paraphrases; {len(y)} rows", flush=True)
    body = struct.pack("<HHH", 384, DIMENSIONS, SIGNS + VECTOR_SIGNS)
    mean, matrix, scale = projection
    body += mean.tobytes() + scale.tobytes() + matrix.tobytes()
    for light in (False, True):
        data = seen(x, light)
        scores = np.zeros(len(y))
        for fold in range(5):
            inside = folds != fold
            trained = model(light).fit(data[inside], y[inside], sample_weight=weights[inside])
            scores[~inside] = trained.decision_function(data[~inside])
        platt = LogisticRegression(C=1e6).fit(scores[:, None], y, sample_weight=weights)
        slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
        p = 1 / (1 + np.exp(-(slope * scores + offset)))
        wrong = np.sort(p[full & ~y & ~np.isin(kinds, UNSURE)])[::-1]
        thresholds = []
        for share in (BALANCED, STRICT):
            allowed = max(0, int(share * sure) - leaked)
            thresholds.append(float(wrong[min(allowed, len(wrong) - 1)]) + 1e-6)
        names = ("balanced", "strict")
        for threshold, name in zip(thresholds, names):
            print(f"{'light ' if light else ''}{name}: from {threshold:.3f}, recall {(passed + (p[full & y] >= threshold).sum()) / same:.3f} of generated paraphrases")
            for kind in sorted(set(kinds)):
                mine = full & (kinds == kind)
                print(f"   {kind}: false {(p[mine & ~y] >= threshold).mean():.4f} of {(mine & ~y).sum()}, found {(p[mine & y] >= threshold).mean():.3f} of {(mine & y).sum()}")
        shown = [i for i in np.argsort(-p) if full[i] and not y[i]]
        for i in shown[:: max(1, len(shown) // 1500)][:60] if not light else []:
            print(f"   {p[i]:.3f} {kinds[i]} | {' | '.join(sources[i])}")
        if light:
            thresholds = [max(thresholds[0], 0.7), max(thresholds[1], 0.9)]
        trained = model(light).fit(data, y, sample_weight=weights)
        body += packed(trained, slope, offset, thresholds)
    Path(out).write_bytes(sealed(MAGIC, body))
    print(f"{out}: {Path(out).stat().st_size} bytes")


main()
