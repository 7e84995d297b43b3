"""Megatron's indexed dataset read field by field, as its own reader does it."""

from __future__ import annotations

import io
import struct
from pathlib import Path


def read_indexed_dataset(prefix: Path) -> tuple[str, list[list[int]], list[int]]:
    """Token type, the tokens of each sequence, and the document indices."""
    index = io.BytesIO(prefix.with_suffix(".idx").read_bytes())
    data = prefix.with_suffix(".bin").read_bytes()
    assert index.read(9) == b"MMIDIDX\x00\x00"
    assert struct.unpack("<Q", index.read(8)) == (1,)
    letter = {4: "i", 8: "H"}[struct.unpack("<B", index.read(1))[0]]
    sequences = struct.unpack("<Q", index.read(8))[0]
    documents = struct.unpack("<Q", index.read(8))[0]
    lengths = [struct.unpack("<i", index.read(4))[0] for _ in range(sequences)]
    pointers = [struct.unpack("<q", index.read(8))[0] for _ in range(sequences)]
    first = [struct.unpack("<q", index.read(8))[0] for _ in range(documents)]
    assert index.read() == b""
    tokens = [
        list(struct.unpack_from(f"<{n}{letter}", data, at))
        for n, at in zip(lengths, pointers, strict=True)
    ]
    return letter, tokens, first
