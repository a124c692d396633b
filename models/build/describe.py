"""Writes size and SHA-256 of the files the package fetches into a provenance.json: `python describe.py PROVENANCE FILE...`."""

import hashlib
import json
import sys
from pathlib import Path


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    provenance, *paths = map(Path, sys.argv[1:])
    told = json.loads(provenance.read_text())
    told["files"] = {}
    for path in paths:
        data = path.read_bytes()
        told["files"][path.name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    provenance.write_text(json.dumps(told, indent=2) + "\n")


main()
