"""Bytes of UTF-8 eight at a time: code points counted, runs copied. Texts are `jit.pointer`s."""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import load64, store64
from corpusmith.kernels.jit import kernel
from corpusmith.kernels.vectors import count_bits

_HIGH, _ONE = np.uint64(0x8080808080808080), np.uint64(1)


@kernel
def count_points(text, start, stop):
    """Code points in [start, stop): bytes that are no continuation."""
    count = np.int64(0)
    while start + 8 <= stop:
        word = load64(text, start)
        # The highest bit of each byte: 10xxxxxx is a continuation.
        count += 8 - count_bits(word & ~(word << _ONE) & _HIGH)
        start += 8
    while start < stop:
        count += np.int64(text[start] & 0xC0 != 0x80)
        start += 1
    return count


@kernel
def copy_bytes(text, start, stop, out, at):
    """Copy [start, stop) to `out` from `at` on; returns where it ends. What overlaps may only move
    toward the beginning."""
    while start + 8 <= stop:
        store64(out, at, load64(text, start))
        start += 8
        at += 8
    while start < stop:
        out[at] = text[start]
        start += 1
        at += 1
    return at
