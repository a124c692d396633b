"""MiniLM's token vectors of prompts, and static ones, for training and evaluation."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

DIMENSIONS = 64


class Embedder:
    """`model`: folder of all-MiniLM-L6-v2 with tokenizer.json; `onnx`: its 8-bit graph; `cache`: a folder for what was made."""

    def __init__(self, model, onnx, cache):
        self.tokenizer = Tokenizer.from_file(str(Path(model) / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.session = onnxruntime.InferenceSession(str(onnx), options)
        self.cache = Path(cache)
        self.cache.mkdir(parents=True, exist_ok=True)

    def run(self, ids, mask):
        return self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]

    def static_table(self, dimensions=128, a=3e-5):
        """One vector per token: its output alone, PCA, SIF weight by its rank."""
        path = self.cache / "alone.npy"
        if not path.exists():
            out = []
            for start in range(0, 30522, 512):
                ids = np.array([[101, token, 102] for token in range(start, min(start + 512, 30522))], np.int64)
                out.append(self.run(ids, np.ones_like(ids))[:, 1])
            np.save(path, np.concatenate(out))
        tokens = np.load(path).astype(np.float64)
        centred = tokens - tokens.mean(0)
        _, vectors = np.linalg.eigh(centred.T @ centred)
        rank = np.maximum(np.arange(len(tokens)) - 998, 1)
        p = 1 / (rank + 2.7)
        p /= p.sum()
        return (centred @ vectors[:, ::-1][:, :dimensions]) * (a / (a + p))[:, None]

    def batches(self, texts):
        """(places, ids, mask, encodings) of texts of about one length."""
        encoded = self.tokenizer.encode_batch(texts)
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i].ids))
        for start in range(0, len(order), 32):
            places = order[start : start + 32]
            longest = max(len(encoded[i].ids) for i in places)
            ids = np.zeros((len(places), longest), np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(places):
                ids[row, : len(encoded[i].ids)] = encoded[i].ids
                mask[row, : len(encoded[i].ids)] = 1
            yield places, ids, mask, [encoded[i] for i in places]

    def projection(self, texts):
        """Mean and PCA of the token vectors of `texts`: (mean, whole numbers, scale of each column), as judge.bin has them."""
        path = self.cache / "projection.npz"
        if not path.exists():
            total, squares, count = 0, 0, 0
            for _, ids, mask, _ in self.batches(texts):
                inner = mask.astype(bool)
                inner[:, 0] = False
                vectors = self.run(ids, mask)[inner].astype(np.float64)
                total = total + vectors.sum(0)
                squares = squares + vectors.T @ vectors
                count += len(vectors)
            mean = total / count
            values, axes = np.linalg.eigh(squares / count - np.outer(mean, mean))
            print(f"projection keeps {values[::-1][:DIMENSIONS].sum() / values.sum():.3f} of the variance")
            axes = axes[:, ::-1][:, :DIMENSIONS]
            scale = np.abs(axes).max(0) / 127
            np.savez(path, mean=mean.astype(np.float32), matrix=np.rint(axes / scale).astype(np.int8), scale=scale.astype(np.float32))
        data = np.load(path)
        return data["mean"], data["matrix"], data["scale"]

    def vectors(self, texts, projection, table):
        """text -> (byte ranges, projected token vectors, sentence vector, static vector); [CLS] and [SEP] are left out."""
        mean, matrix, scale = projection
        axes = matrix.astype(np.float32) * scale
        key = hashlib.sha256(str(DIMENSIONS).encode() + matrix.tobytes()).hexdigest()[:16]
        path = self.cache / f"vectors-{key}.npy"
        out = np.load(path, allow_pickle=True).item() if path.exists() else {}
        texts = sorted(set(texts) - set(out))
        if not texts:
            return out
        for places, ids, mask, encoded in self.batches(texts):
            hidden = self.run(ids, mask)
            pooled = (hidden * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
            pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
            for row, i in enumerate(places):
                count = len(encoded[row].ids)
                text = texts[i]
                bytes_at = np.cumsum([0] + [len(c.encode()) for c in text])
                ranges = np.array([[bytes_at[b], bytes_at[e]] for b, e in encoded[row].offsets[1 : count - 1]], np.uint32).reshape(-1, 2)
                kept = (hidden[row, 1 : count - 1] - mean) @ axes
                kept = np.rint(kept / np.maximum(np.abs(kept).max(1, keepdims=True), 1e-9) * 127).astype(np.int8)
                fixed = table[encoded[row].ids[1 : count - 1]].sum(0) if count > 2 else np.zeros(table.shape[1])
                out[text] = (ranges, kept, pooled[row].astype(np.float16), (fixed / max(np.linalg.norm(fixed), 1e-9)).astype(np.float32))
        np.save(path, out, allow_pickle=True)
        return out
