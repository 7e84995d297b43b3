"""Pairs of similar sets among many that share an LSH band, without comparing all with all.

Prefix filter (Chaudhuri, Ganti, Kaushik 2006, "A primitive operator for similarity joins in data
cleaning"; Bayardo, Ma, Srikant 2007, "Scaling up all pairs similarity search", section 3): put the
tokens of all sets in one order. |A & B| / |A | B| >= t asks for at least ceil(t |A|) common tokens,
so the first |A| - ceil(t |A|) + 1 tokens of A and as many of B, counted by its own size, have one
in common. In the order used here rare tokens stand first: what a template repeats in every document
stands last, and two texts meet only where they share what few others have.

A set is the shingle hashes of a document or, of signatures, its (place, value) pairs, whose
agreement in t of n places is ceil(t n) common tokens in the same way.
"""

from __future__ import annotations

import math

import numpy as np

from corpusmith.kernels.jit import njit
from corpusmith.kernels.minhash import similar
from corpusmith.kernels.unionfind import find_root

COMPARISON = 64  # steps of link_across, in pairs that it passes by

_32 = np.uint64(32)


@njit(cache=True, nogil=True)
def count_tokens(tokens: np.ndarray, counts: np.ndarray) -> None:
    """Add each token (uint64) to its slot of `counts` (uint32, a power of two of them).

    Tokens that share a slot count together: the order only has to be the same for all sets."""
    mask = np.uint64(len(counts) - 1)
    for i in range(len(tokens)):
        counts[tokens[i] & mask] += 1


@njit(cache=True, nogil=True)
def prefix_length(size: int, threshold: float) -> int:
    """size - ceil(threshold * size) + 1; rounding errors make it longer, never shorter."""
    if size == 0:
        return 0
    return min(size, size - max(1, math.ceil(threshold * size - 1e-9)) + 1)


@njit(cache=True, nogil=True)
def prefixes(
    tokens: np.ndarray,
    offsets: np.ndarray,
    counts: np.ndarray,
    threshold: float,
    slice_: int,
    slices: int,
) -> tuple:
    """(token, set, rest) uint64 and int64: the prefix of each set, those of its tokens that belong
    to one of `slices` slices of all tokens.

    Tokens are ordered by their count, then their upper half; all that are equal there to the last
    one of a prefix belong to it, so that the order decides nothing by chance. `rest` is how many
    tokens of the set don't stand before this one.
    """
    longest = 0
    total = 0
    for i in range(len(offsets) - 1):
        size = offsets[i + 1] - offsets[i]
        longest = max(longest, size)
        total += prefix_length(size, threshold)
    mask = np.uint64(len(counts) - 1)
    found = np.empty(total + 16, np.uint64)
    sets = np.empty(total + 16, np.int64)
    rests = np.empty(total + 16, np.int64)
    keys = np.empty(longest, np.uint64)
    n = 0
    for i in range(len(offsets) - 1):
        start, size = offsets[i], offsets[i + 1] - offsets[i]
        length = prefix_length(size, threshold)
        if length == 0:
            continue
        for k in range(size):
            token = tokens[start + k]
            keys[k] = (np.uint64(counts[token & mask]) << _32) | (token >> _32)
        ordered = np.sort(keys[:size])
        last = ordered[length - 1]
        for k in range(size):
            token = tokens[start + k]
            if keys[k] <= last and (token >> np.uint64(20)) % np.uint64(slices) == np.uint64(
                slice_
            ):
                if n == len(found):
                    larger = np.empty(2 * n, np.uint64)
                    larger[:n] = found
                    found = larger
                    more = np.empty(2 * n, np.int64)
                    more[:n] = sets
                    sets = more
                    other = np.empty(2 * n, np.int64)
                    other[:n] = rests
                    rests = other
                found[n] = token
                sets[n] = i
                rests[n] = size - np.searchsorted(ordered, keys[k])
                n += 1
    return found[:n], sets[:n], rests[:n]


@njit(cache=True, nogil=True)
def link_across(
    first: int,
    groups: np.ndarray,
    ends: np.ndarray,
    numbers: np.ndarray,
    parent: np.ndarray,
    sizes: np.ndarray,
    rests: np.ndarray,
    ratio: float,
    budget: int,
    threshold: float,
    exact: bool,
    signature: np.ndarray,
    hashes: np.ndarray,
    offsets: np.ndarray,
) -> tuple:
    """Pairs of different groups: rows 0..first-1 of the sketches with the rows from `first` on or,
    with first = 0, all rows among themselves.

    `groups` int64: the group of each row, of equal ones in a row; `ends`: where, among the rows of
    its side, the group of each ends. `parent` and `numbers` as in minhash.link_pairs: what has come
    to be connected is not compared. Nor is a pair that has less left to share, from the token on
    that its rows have in common (`rests`), than `ratio` times its `sizes` (positional filter: Xiao
    et al. 2008, "Efficient similarity joins for near duplicate detection", section 3.2): a similar
    pair has more, from the first token that it shares.

    Stops after `budget` steps: a pair looked at is one, a pair compared COMPARISON of them. Returns
    left, right, similarity, comparisons, the pairs looked at, and the steps.
    """
    left = np.empty(64, np.int64)
    right = np.empty(64, np.int64)
    value = np.empty(64, np.float64)
    found = 0
    compared = 0
    seen = 0
    rows = len(numbers)
    for p in range(first, rows):
        q = 0
        stop = first if first else p
        while q < stop:
            if groups[q] == groups[p]:
                q = ends[q]
                continue
            if seen + COMPARISON * compared >= budget:
                steps = seen + COMPARISON * compared
                return left[:found], right[:found], value[:found], compared, seen, steps
            seen += 1
            if min(rests[q], rests[p]) < ratio * (sizes[q] + sizes[p]) - 1e-6:
                q += 1
                continue
            one = find_root(parent, numbers[q])
            other = find_root(parent, numbers[p])
            if one != other:
                compared += 1
                s = similar(q, p, threshold, exact, signature, hashes, offsets)
                if s >= threshold:
                    if found == len(left):
                        left = np.concatenate((left, left))
                        right = np.concatenate((right, right))
                        value = np.concatenate((value, value))
                    left[found] = q
                    right[found] = p
                    value[found] = s
                    found += 1
                    parent[max(one, other)] = min(one, other)
            q += 1
    steps = seen + COMPARISON * compared
    return left[:found], right[:found], value[:found], compared, seen, steps


def warm() -> None:
    """Compile every kernel of this module."""
    tokens = np.array([1, 2, 2, 3], np.uint64)
    offsets = np.array([0, 2, 4], np.int64)
    counts = np.zeros(16, np.uint32)
    count_tokens(tokens, counts)
    prefixes(tokens, offsets, counts, 0.5, 0, 1)
    rows = np.arange(2)
    signature = np.zeros((0, 1), np.uint32)
    parent = np.arange(2)
    sketches = (signature, tokens, offsets)
    link_across(0, rows, rows + 1, rows, parent, rows, rows, 0.5, 9, 0.5, True, *sketches)
