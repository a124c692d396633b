"""Writes vectors of the float32 transformer for tests: `python golden.py MODEL_FOLDER FLOAT.onnx OUT.json`.

FLOAT.onnx is what `transformer.py --float` writes.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

from light_table import Transformer

TEXTS = [
    "How do I enable two-factor authentication?",
    "Turn on 2FA please",
    "Disable 2FA",
    "Wie aktiviere ich die Zwei-Faktor-Authentifizierung?",
    "東京の天気は？ 🕒",
    "The quick brown fox jumps over the lazy dog. " * 40,
    "a",
]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    transformer = Transformer(Path(sys.argv[1]), sys.argv[2])
    vectors = transformer.embed(transformer.tokenizer.encode_batch(TEXTS))
    rows = [{"text": text, "vector": [round(float(x), 5) for x in vector]} for text, vector in zip(TEXTS, vectors)]
    made_by = f"golden.py, onnxruntime {version('onnxruntime')}, tokenizers {version('tokenizers')}, float32"
    Path(sys.argv[3]).write_text(json.dumps({"madeBy": made_by, "rows": rows}) + "\n")


main()
