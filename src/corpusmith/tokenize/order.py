"""Orders that depend on seeds and document ids alone, never on parts, batches or workers.

Ids are 128-bit hashes, so a mixing function over them gives independent-looking keys; sorting
by key shuffles. The mixer is the finalizer of SplitMix64 (Steele, Lea and Flood 2014, "Fast
splittable pseudorandom number generators", figure 15).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import xxhash

_ID = re.compile(r"[0-9a-f]{32}\Z")
_MASK = (1 << 64) - 1


def id_bits(ids: pa.Array | pa.ChunkedArray | Sequence[str]) -> np.ndarray:
    """uint64[n, 2]: the ids' 128 bits, high half first. An id of another form is hashed first."""
    if isinstance(ids, pa.ChunkedArray):
        pieces = [id_bits(chunk) for chunk in ids.chunks]
        return np.concatenate([np.zeros((0, 2), np.uint64), *pieces])
    if isinstance(ids, pa.Array):
        bits = _of_hex(ids)
        return id_bits(ids.to_pylist()) if bits is None else bits
    names = list(ids)
    digits = "".join(
        name if _ID.match(name) else xxhash.xxh3_128_hexdigest(name.encode()) for name in names
    )
    return np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64).reshape(-1, 2)


_DIGITS = np.full(256, 16, np.uint8)
_DIGITS[list(b"0123456789abcdef")] = np.arange(16)


def _of_hex(ids: pa.Array) -> np.ndarray | None:
    """`id_bits` of a column of 32 digits in each row, without a Python string for any of them;
    None where a row has something else."""
    sizes = {pa.string(): np.int32, pa.large_string(): np.int64}
    if ids.type not in sizes or ids.null_count or not len(ids):
        return None
    kind = np.dtype(sizes[ids.type])
    _, offsets, data = ids.buffers()
    ends = np.frombuffer(offsets, kind, len(ids) + 1, ids.offset * kind.itemsize)
    if data is None or np.any(np.diff(ends) != 32):
        return None
    digits = _DIGITS[np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]]
    if digits.max() > 15:
        return None
    return (digits[::2] << 4 | digits[1::2]).view(">u8").astype(np.uint64).reshape(-1, 2)


def mix64(x: np.ndarray) -> np.ndarray:
    """uint64[n] -> uint64[n]: one step of SplitMix64 from each state."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def keys(bits: np.ndarray, *numbers: int | np.ndarray) -> np.ndarray:
    """uint64[n] from uint64[n, 2] and numbers (seed, purpose, epoch, ...), each scalar or [n]."""
    state = mix64(mix64(bits[:, 0]) ^ bits[:, 1])
    for number in numbers:
        absorbed = (
            number.astype(np.uint64)
            if isinstance(number, np.ndarray)
            else np.uint64(number & _MASK)
        )
        state = mix64(state ^ mix64(np.broadcast_to(absorbed, state.shape)))
    return state


def order_by(key: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """int64[n]: rows by key; equal keys by id, so that the rows' own order never matters."""
    order = np.argsort(key, kind="stable")
    if len(order) > 1 and np.any(np.diff(key[order]) == 0):
        order = np.lexsort((bits[:, 1], bits[:, 0], key))
    return order.astype(np.int64)


PURPOSE_SAMPLE, PURPOSE_DRAW, PURPOSE_EPOCH = 1, 2, 3
"""What a shuffle is for: with one seed, different purposes get unrelated orders."""


def epoch_order(bits: np.ndarray, uses: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """int64[sum(uses)]: rows in the order of one epoch, each as often as it is used.

    Every epoch has its own permutation; one document's uses fall anywhere in it.
    """
    rows = np.repeat(np.arange(len(uses), dtype=np.int64), uses)
    starts = np.cumsum(uses) - uses
    repeat = np.arange(len(rows), dtype=np.int64) - np.repeat(starts, uses)
    chosen = bits[rows]
    key = keys(chosen, PURPOSE_EPOCH, seed, epoch, repeat)
    return rows[order_by(key, chosen)]
