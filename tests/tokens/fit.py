"""Fits the tables of wasm/prompt to real tokenizers: python fit.py counts.json (needs numpy and scipy; made with numpy 2.4.6,
scipy 1.17.1). `counts.json` is written by `node measure.mjs --counts counts.json`; only its part `fit` is read.

1. rarity.inc: each pair of letters gets a weight (non-negative least squares on texts in ASCII, beside the other events, to
   the mean of the tokenizers); the weights are put into four classes.
2. token_weights.inc, for each family: a weight for each event, by non-negative least squares of the relative error, every
   kind of text and size counting the same (English prose three times); then margins for thirteen groups of events and for the
   square root of the estimate, which cost least while (linear programming, kinds that miss weighed heavier until none does)
   99.8 % of the samples of each kind, with 1 to 6 % to spare, stay below. Each margin is kept within BOUNDS.
Run it twice when rarity changes: the second step reads the shapes made with the first one's table.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
from scipy.optimize import linprog, nnls
from scipy.sparse import csr_matrix, hstack, identity

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAMILIES = ["gpt2", "sp32k", "cl100k", "qwen", "o200k", "gemma"]
LETTERS, SCRIPTS, STRAY = 24, 74, 134  # wasm/prompt/text_shape.h
PUNCTUATION = SCRIPTS + 2 * 19
SQUARE = 768  # a weight is a byte's square over this
MARGIN = 32  # a margin is a byte over this
# Of events in ASCII, then by script: words, rare letters, digits, spaces and punctuation, Latin with diacritics, Greek and
# Cyrillic, Hebrew and Arabic, Devanagari, other alphabets, Hangul, Chinese and Japanese, symbols, other Indic.
SCRIPT_GROUPS = [4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 12, 8, 9, 10, 10, 10, 11, 11, 11, 11, 11, 8, 8, 8, 8, 8, 11]
GROUPS = 13
# Of the margins: words and signs low, for the sake of English and code; Chinese and Japanese not below 1.6, because which of
# their characters a text has decides more than the samples show; last, of the root.
BOUNDS = [(1, 1.25), (1, 1.75), (1, 1.5), (1, 1.3)] + [(1, 7.9)] * 6 + [(1.6, 7.9)] + [(1, 7.9)] * 2 + [(0, 1.9)]
RARITY_NOTE = "    // Made by tests/tokens/fit.py. A row for each first letter, a to z; a digit for each second.\n"
WEIGHTS_NOTE = """    // Made by tests/tokens/fit.py, family by family: the roots of letters, of other events in ASCII, of scripts (first
    // and further of each); the margins; the spread.
"""


def group_of(event):
    if event < LETTERS:
        return 0 if event % 4 < 2 else 1
    if event < LETTERS + 8:
        return 0 if event - LETTERS < 3 else 1
    if event < LETTERS + 14:
        return 2
    if event < SCRIPTS:
        return 3
    return 11 if event >= STRAY else SCRIPT_GROUPS[(event - SCRIPTS) // 2]


def shapes(samples):
    tool = ROOT / "build" / "shape"
    tool.parent.mkdir(exist_ok=True)
    sources = ["tests/tokens/shape.cpp", "wasm/prompt/text_shape.cpp", "wasm/prompt/tokens.cpp"]
    subprocess.run(["g++", "-std=c++20", "-O2", "-Iwasm", *sources, "-o", tool], cwd=ROOT, check=True)
    texts = [sample["text"].encode() for sample in samples]
    told = subprocess.run(
        [tool, "shape"], input=b"".join(b"%d\n%s" % (len(text), text) for text in texts), capture_output=True, check=True
    )
    return np.array([[int(count) for count in line.split()] for line in told.stdout.decode().splitlines()], dtype=float)


def least_squares(rows, goals, ridge):
    gram = rows.T @ rows + np.diag(np.broadcast_to(ridge, rows.shape[1]))
    lower = np.linalg.cholesky(gram)
    return nnls(lower.T, np.linalg.solve(lower, rows.T @ goals), maxiter=50000)[0]


def fit_rarity(samples, shape, counts, kinds):
    weights = {"English prose": 2, "Hexadecimal": 0.2, "Base64": 0.2, "Random letters": 0.5, "Central European": 0.5, "Other Latin": 0.5}
    ascii_kinds = set(kinds[: kinds.index("Random letters") + 1]) - {"Tables of numbers"} | {"Western European", "Central European", "Other Latin"}
    mine = np.array([s["part"] == "fit" and s["kind"] in ascii_kinds for s in samples])
    pairs = np.zeros((len(samples), 676))
    for index, sample in enumerate(samples):
        previous = -1
        for c in sample["text"].lower() if mine[index] else "":
            letter = ord(c) - 97
            if not 0 <= letter < 26:
                previous = -1
                continue
            if previous >= 0:
                pairs[index, previous * 26 + letter] += 1
            previous = letter
    pairs = pairs[mine]
    places = np.stack([shape[mine, 4 * place : 4 * place + 4].sum(1) for place in range(6)], 1)
    rows = np.hstack([places, shape[mine, LETTERS:], pairs])
    goal = counts[1:, mine].mean(0)
    scale = np.sqrt([weights.get(s["kind"], 1) for s, m in zip(samples, mine) if m]) / (goal + 8)
    ridge = np.full(rows.shape[1], 1e-4)
    ridge[-676:] = 0.02
    fitted = least_squares(rows * scale[:, None], goal * scale, ridge)[-676:]
    often = pairs.sum(0)
    root = np.sqrt(fitted + 1e-3)
    centres = np.array([0.03, 0.25, 0.5, 0.9])
    for _ in range(60):  # k-means in one dimension
        level = np.abs(root[:, None] - centres).argmin(1)
        centres = np.array([np.average(root[level == i], weights=often[level == i] + 1) for i in range(4)])
    level[often < 15] = 3
    text = ",\n".join('    "' + "".join(map(str, row)) + '"' for row in level.reshape(26, 26))
    (ROOT / "wasm/prompt/rarity.inc").write_text(RARITY_NOTE + text + "\n")


def fit_family(samples, shape, counts, kinds):
    kind = np.array([s["kind"] for s in samples])
    size = np.array([s["size"] for s in samples])
    bytes_ = np.array([len(s["text"].encode()) for s in samples])
    fit = np.array([s["part"] == "fit" for s in samples])
    weights = {"English prose": 3, "Hexadecimal": 0.3, "Base64": 0.3, "Random letters": 0.3, "Tables of numbers": 0.5}
    rows, goals = [], []
    for count in counts:
        for name in kinds:
            for length in (100, 1000, 10000):
                mine = fit & (kind == name) & (size == length)
                share = weights.get(name, 1) * (0.6 if length == 100 else 1) / mine.sum()
                scale = np.sqrt(share) / (count[mine] + 2)
                rows.append(shape[mine] * scale[:, None])
                goals.append(count[mine] * scale)
    rows, goals = np.vstack(rows), np.concatenate(goals)
    # A letter with a diacritic or a typographic mark costs this at least: the margin is a multiple of it.
    least_weight = np.zeros(shape.shape[1])
    least_weight[SCRIPTS : SCRIPTS + 8] = 0.2
    least_weight[PUNCTUATION : PUNCTUATION + 2] = 0.8
    fitted = least_weight + least_squares(rows, goals - rows @ least_weight, 1e-7 * len(counts))
    coded = np.clip(np.round(np.sqrt(fitted * SQUARE)), 0, 255).astype(int)
    # What the texts hardly hold (control characters, bytes that are no character): one token; rare scripts: two.
    unseen = shape[fit].sum(0) < 30
    coded[unseen] = np.where((np.arange(len(coded)) < SCRIPTS) | (np.arange(len(coded)) == STRAY), 28, 39)[unseen]
    each = coded * coded / SQUARE
    group = np.array([group_of(event) for event in range(shape.shape[1])])
    sums = np.stack([shape[:, group == g] @ each[group == g] for g in range(GROUPS)], 1)
    sums = np.hstack([sums, np.sqrt(shape @ each)[:, None]])
    most = counts.max(0)
    places = np.where(fit)[0]
    relative = sums[places] / most[places][:, None]
    share = np.array([1 / (fit & (kind == k)).sum() for k in kind[places]])
    cost = {"English prose": 15, "Markdown": 3, "JavaScript": 2, "JSON": 2, "Random letters": 0.2, "Base64": 0.2}
    dear = share * np.array([cost.get(k, 1) for k in kind[places]])
    heavier = dict.fromkeys(kinds, 1.0)
    for _ in range(8):
        penalty = share * np.array([120 * heavier[k] for k in kind[places]])
        foreign = set(kinds[kinds.index("Western European") :])
        least = np.array([1.01 if k == "English prose" else 1.06 if k in foreign else 1.02 for k in kind[places]])
        solved = linprog(
            np.concatenate([(relative * dear[:, None]).sum(0), penalty]),
            A_ub=-hstack([csr_matrix(relative), identity(len(places))]).tocsr(),
            b_ub=-least,
            bounds=BOUNDS + [(0, None)] * len(places),
            method="highs",
        )
        margins = np.ceil(solved.x[: GROUPS + 1] * MARGIN).astype(int)
        at_most = np.minimum(sums @ margins / MARGIN, bytes_ + 2)
        missed = {k for k in kinds for count in counts if (at_most >= count)[fit & (kind == k)].mean() < 0.998}
        if not missed:
            break
        for k in missed:
            heavier[k] *= 2.5
    print("margins", margins / MARGIN, "missed", missed)
    return coded, margins


def main():
    data = json.loads(pathlib.Path(sys.argv[1]).read_text())
    samples = data["samples"]
    kinds = list(dict.fromkeys(s["kind"] for s in samples))
    counts = np.array([tokenizer["counts"] for tokenizer in data["tokenizers"]], dtype=float)
    if "--rarity" in sys.argv:
        fit_rarity(samples, shapes(samples), counts, kinds)
    shape = shapes(samples)
    lines = []
    for family in FAMILIES:
        mine = [i for i, tokenizer in enumerate(data["tokenizers"]) if tokenizer["family"] == family]
        coded, margins = fit_family(samples, shape, counts[mine], kinds)
        names = ", ".join(data["tokenizers"][i]["name"] for i in mine)
        groups = [coded[:LETTERS], coded[LETTERS:SCRIPTS], coded[SCRIPTS:]]
        lines.append(f"    // {names}\n    {{{{" + ",\n      ".join(", ".join(map(str, part)) for part in groups) + "},")
        lines.append("     {" + ", ".join(map(str, margins[:GROUPS])) + f"}}, {margins[GROUPS]}}},")
    (ROOT / "wasm/prompt/token_weights.inc").write_text(WEIGHTS_NOTE + "\n".join(lines) + "\n")


main()
