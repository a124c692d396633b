"""Writes the light table, one vector per token: `python light_table.py MODEL_FOLDER TRANSFORMER.onnx OUT.bin`.

The vector of a text is the sum of its tokens' rows ([CLS], [SEP] and [PAD] left out), made to length 1: an approximation of
the transformer's vector of the same text, projected to 128 dimensions. As `tokenlearn` of model2vec does it, in two steps:

1. Each token's start is the transformer's output for `[CLS] token [SEP]`, projected to the 128 directions in which sentence
   vectors differ most, times a / (a + p) (SIF, Arora et al. 2017) with p from the token's rank in the vocabulary (Zipf).
2. Least squares, with that start as the prior: the sums of rows shall be the sentence vectors of 180,000 sentences
   (sentences.py), each times a factor of its own, found again in every round. Solved by conjugate gradients.

File, little-endian: "TWLT", uint32 version, rows, dimensions; float16 scale of each row; then per row dimensions / 2 bytes,
two numbers of -7 to 7 plus 8 in each, the first in the low half. Takes five minutes on two cores.
"""

import struct
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import scipy.sparse
from tokenizers import Tokenizer

from sentences import sentences

DIMENSIONS = 128
SIF = 3e-5
ROUNDS = 4
STEPS = 40
PRIOR = 1.0
FIRST_WORD = 999  # what stands before it in the vocabulary are special, unused and single characters
SPECIAL = {0, 101, 102}


class Transformer:
    def __init__(self, folder, model):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.no_padding()
        # None: for the tokenizer alone.
        self.session = model and onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def run(self, ids, lengths):
        return self.session.run(None, {"ids": ids, "lengths": lengths})[0]

    def embed(self, encodings):
        order = sorted(range(len(encodings)), key=lambda i: len(encodings[i].ids))
        vectors = np.zeros((len(order), 384), np.float32)
        for begin in range(0, len(order), 32):
            some = order[begin : begin + 32]
            lengths = np.array([len(encodings[i].ids) for i in some], np.int32)
            ids = np.zeros((len(some), lengths.max()), np.int32)
            for row, i in enumerate(some):
                ids[row, : lengths[row]] = encodings[i].ids
            counts = np.arange(ids.shape[1]) < lengths[:, None]
            mean = (self.run(ids, lengths) * counts[:, :, None]).sum(1) / lengths[:, None]
            vectors[some] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return vectors

    def alone(self):
        count = self.tokenizer.get_vocab_size()
        found = []
        for begin in range(0, count, 512):
            ids = np.array([[101, token, 102] for token in range(begin, min(count, begin + 512))], np.int32)
            found.append(self.run(ids, np.full(len(ids), 3, np.int32))[:, 1])
        return np.concatenate(found)


def fit(tokens, bags, targets):
    """Rows of the table; `bags` is how often each token stands in each sentence."""
    values, vectors = np.linalg.eigh(targets.T.astype(np.float64) @ targets)
    basis = vectors[:, np.argsort(values)[::-1][:DIMENSIONS]].astype(np.float32)
    wanted = targets @ basis
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    rank = np.maximum(np.arange(len(tokens)) - FIRST_WORD + 1, 1)
    share = 1 / (rank + 2.7)  # Mandelbrot's form of Zipf's law
    share /= share.sum()
    table = (tokens @ basis) * (SIF / (SIF + share))[:, None].astype(np.float32)
    table /= np.median(np.linalg.norm(bags @ table, axis=1))
    for turn in range(ROUNDS):
        sums = bags @ table
        factor = ((sums * wanted).sum(1) / ((sums * sums).sum(1) + 1e-6)).clip(0.05, 20).astype(np.float32)
        scaled = scipy.sparse.diags(factor).astype(np.float32) @ bags
        back = scaled.T.tocsr()
        rest = back @ (wanted - scaled @ table)
        direction = rest.copy()
        size = (rest * rest).sum(0)
        for _ in range(STEPS):
            image = back @ (scaled @ direction) + PRIOR * direction
            step = size / ((direction * image).sum(0) + 1e-12)
            table = table + step * direction
            rest = rest - step * image
            before, size = size, (rest * rest).sum(0)
            direction = rest + (size / (before + 1e-12)) * direction
        sums = bags @ table
        cosine = (sums * wanted).sum(1) / (np.linalg.norm(sums, axis=1) + 1e-9)
        print(f"round {turn + 1}: cosine to the transformer {cosine.mean():.4f}", flush=True)
    return table


def pack(table):
    """Of 21 scales for each row the one with the least squared error."""
    best = None
    for share in np.linspace(1, 0.6, 21):
        scale = (np.abs(table).max(axis=1, keepdims=True) / 7 * share).astype(np.float16)
        step = np.maximum(scale.astype(np.float64), 1e-8)
        whole = np.clip(np.rint(table / step), -7, 7)
        error = np.square(whole * step - table).sum(axis=1, keepdims=True)
        found = [whole, scale, error]
        best = found if best is None else [np.where(error < best[2], new, old) for new, old in zip(found, best)]
    halves = (best[0] + 8).astype(np.uint8)
    rows, dimensions = table.shape
    head = b"TWLT" + struct.pack("<III", 1, rows, dimensions)
    return head + best[1].astype("<f2").tobytes() + (halves[:, 0::2] | halves[:, 1::2] << 4).tobytes()


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    transformer = Transformer(Path(sys.argv[1]), sys.argv[2])
    encodings = transformer.tokenizer.encode_batch(sentences(180_000, 60_000))
    rows = [i for i, encoding in enumerate(encodings) for token in encoding.ids if token not in SPECIAL]
    columns = [token for encoding in encodings for token in encoding.ids if token not in SPECIAL]
    shape = (len(encodings), transformer.tokenizer.get_vocab_size())
    bags = scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    table = fit(transformer.alone(), bags, transformer.embed(encodings))
    Path(sys.argv[3]).write_bytes(pack(table))


if __name__ == "__main__":
    main()
