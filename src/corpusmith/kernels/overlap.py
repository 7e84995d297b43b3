"""Which word n-grams of a text occur in a given set: decontamination, overlap of splits."""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.jit import njit
from corpusmith.kernels.shingles import fold_table, ngram_hashes, word_hashes

FILTER_BITS_PER_HASH = 16  # of 16 absent hashes about 15 never reach the binary search


def hash_filter(hashes: np.ndarray) -> np.ndarray:
    """uint8 flags, a power of two of them, set at the low bits of each hash (uint64)."""
    size = 1024
    while size < FILTER_BITS_PER_HASH * len(hashes):
        size *= 2
    flags = np.zeros(size, np.uint8)
    flags[(hashes & np.uint64(size - 1)).astype(np.int64)] = 1
    return flags


@njit(cache=True, nogil=True)
def find(x: np.uint64, hashes: np.ndarray, flags: np.ndarray) -> int:
    """The place of x in the sorted `hashes`, or -1."""
    if flags[x & np.uint64(len(flags) - 1)] == 0:
        return -1
    low, high = 0, len(hashes)
    while low < high:
        middle = (low + high) // 2
        if hashes[middle] < x:
            low = middle + 1
        else:
            high = middle
    if low < len(hashes) and hashes[low] == x:
        return low
    return -1


@njit(cache=True, nogil=True)
def find_all(values: np.ndarray, hashes: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """int64[values]: the place of each value in the sorted `hashes`, or -1."""
    places = np.empty(len(values), np.int64)
    for i in range(len(values)):
        places[i] = find(values[i], hashes, flags)
    return places


@njit(cache=True, nogil=True)
def match(
    data: np.ndarray,
    offsets: np.ndarray,
    fold: np.ndarray,
    lengths: np.ndarray,
    hashes: np.ndarray,
    flags: np.ndarray,
) -> tuple:
    """N-grams of each row of a text column that are in the sorted set `hashes`.

    `lengths` int64: the n to look for, falling. Returns, for each row, hits int32 (positions
    times lengths), covered float32 (the fraction of its words inside a hit), and first int64
    (the place in `hashes` of the hit that begins first, the longest of those; -1 without).
    """
    rows = len(offsets) - 1
    hits = np.zeros(rows, np.int32)
    covered = np.zeros(rows, np.float32)
    first = np.full(rows, -1, np.int64)
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    words = np.empty(longest // 2 + 2, np.uint64)
    grams = np.empty(longest // 2 + 2, np.uint64)
    inside = np.empty(longest // 2 + 3, np.int32)
    for row in range(rows):
        count = word_hashes(data, offsets[row], offsets[row + 1], fold, words)
        began = count
        for n in lengths:
            if count < n:
                continue
            for i in range(ngram_hashes(words, count, n, grams)):
                place = find(grams[i], hashes, flags)
                if place < 0:
                    continue
                if hits[row] == 0:
                    inside[: count + 1] = 0
                hits[row] += 1
                inside[i] += 1
                inside[i + n] -= 1
                if i < began:
                    began = i
                    first[row] = place
        if hits[row]:
            depth = 0
            total = 0
            for i in range(count):
                depth += inside[i]
                if depth > 0:
                    total += 1
            covered[row] = total / count
    return hits, covered, first


@njit(cache=True, nogil=True)
def sampled_ngrams(
    data: np.ndarray, offsets: np.ndarray, fold: np.ndarray, n: int, mask: np.uint64
) -> np.ndarray:
    """uint64: hashes of all n-grams of all rows whose bits under `mask` are 0, in order.

    A row of fewer than n words has none.
    """
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    scratch = np.empty(longest // 2 + 2, np.uint64)
    out = np.empty(1024, np.uint64)
    total = 0
    for row in range(len(offsets) - 1):
        count = word_hashes(data, offsets[row], offsets[row + 1], fold, scratch)
        if count < n:
            continue
        for i in range(ngram_hashes(scratch, count, n, scratch)):
            if scratch[i] & mask == 0:
                if total == len(out):
                    larger = np.empty(2 * total, np.uint64)
                    larger[:total] = out
                    out = larger
                out[total] = scratch[i]
                total += 1
    return out[:total]


def warm() -> None:
    """Compile every kernel of this module."""
    data = np.frombuffer(b"a b c", np.uint8)
    offsets = np.array([0, 5], np.int64)
    for array in (data, offsets):
        array.setflags(write=False)
    grams = np.sort(sampled_ngrams(data, offsets, fold_table(), 2, np.uint64(0)))
    flags = hash_filter(grams)
    find_all(grams, grams, flags)
    match(data, offsets, fold_table(), np.array([2]), grams, flags)
