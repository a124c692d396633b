"""Writes size and SHA-256 of each file the package fetches into provenance.json: `python describe.py FOLDER [RUNTIME.wasm]`."""

import hashlib
import json
import sys
from pathlib import Path

RUNTIME = Path(__file__).parents[3] / "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    provenance = folder / "provenance.json"
    told = json.loads(provenance.read_text())
    paths = [folder / name for name in ("model.onnx", "vocab.txt", "light.bin")]
    paths.append(Path(sys.argv[2]) if len(sys.argv) == 3 else RUNTIME)
    told["files"] = {}
    for path in paths:
        data = path.read_bytes()
        told["files"][path.name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    provenance.write_text(json.dumps(told, indent=2) + "\n")


main()
