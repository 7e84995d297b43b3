"""MinHash signatures of texts (Broder 1997) and the LSH keys made of them.

A text is the set S of its n-gram hashes (kernels/shingles.py). Permutation k of 32-bit values
is h_k(x) = a_k * x + b_k mod 2^32 with a_k odd, over the upper half of each hash; signature[k]
is its minimum over S. Two signatures agree in one place with probability J, the Jaccard
similarity of the sets, so the fraction that agrees estimates J with standard error
sqrt(J (1 - J) / permutations): .041 at J = .75 and 112 permutations.

Locality-sensitive hashing (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4): a
signature is cut into b bands of r rows; two texts are candidates when a whole band agrees:

    P(candidates | s) = 1 - (1 - s^r)^b
"""

from __future__ import annotations

import functools

import numpy as np

from corpusmith.kernels.jit import njit
from corpusmith.kernels.shingles import (
    distinct,
    fold_table,
    mix,
    ngram_hashes,
    sort_distinct,
    table_size,
    word_hashes,
)
from corpusmith.kernels.unionfind import find_root

RECALL_AT_THRESHOLD = 0.77
"""Of 14 bands x 8 rows at a threshold of .75, datatrove's choice: see `lsh_shape`."""

_32 = np.uint64(32)


def collision_probability(similarity: float, bands: int, rows: int) -> float:
    """1 - (1 - s^r)^b: that two texts of Jaccard similarity s share at least one band."""
    return 1.0 - (1.0 - similarity**rows) ** bands


def lsh_shape(threshold: float, permutations: int = 112) -> tuple[int, int]:
    """(bands, rows) for a threshold: most rows whose recall at the threshold is at least .77.

    More rows mean fewer false candidates, which verification then has to reject; recall
    rises steeply above the threshold. bands = permutations // rows. With 112 permutations:
    .5 -> 28 x 4, .6 -> 22 x 5, .7 -> 18 x 6, .75 -> 14 x 8, .8 -> 11 x 10, .9 -> 7 x 15.
    """
    for rows in range(permutations, 1, -1):
        bands = permutations // rows
        if collision_probability(threshold, bands, rows) >= RECALL_AT_THRESHOLD:
            return bands, rows
    return permutations, 1


@functools.cache
def permutations(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(a, b): uint32[count] each, a odd, by SplitMix64 from the seed, the same everywhere."""
    state = seed & 0xFFFFFFFFFFFFFFFF
    a, b = np.empty(count, np.uint32), np.empty(count, np.uint32)
    for k in range(count):
        state = (state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        z ^= z >> 31
        a[k] = (z >> 32) | 1
        b[k] = z & 0xFFFFFFFF
    return a, b


@njit(cache=True, nogil=True)
def minimum(hashes: np.ndarray, count: int, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """out[k] = min over x of (a_k * x + b_k) mod 2^32, x the upper half of `hashes[:count]`."""
    out[:] = np.uint32(0xFFFFFFFF)
    size = len(out)
    i = 0
    # Four values a pass: each minimum is loaded and stored once for four.
    while i + 4 <= count:
        x0 = np.uint32(hashes[i] >> _32)
        x1 = np.uint32(hashes[i + 1] >> _32)
        x2 = np.uint32(hashes[i + 2] >> _32)
        x3 = np.uint32(hashes[i + 3] >> _32)
        for k in range(size):
            v0 = np.uint32(a[k] * x0 + b[k])
            v1 = np.uint32(a[k] * x1 + b[k])
            v2 = np.uint32(a[k] * x2 + b[k])
            v3 = np.uint32(a[k] * x3 + b[k])
            v0 = min(v0, v1)
            v2 = min(v2, v3)
            out[k] = min(out[k], min(v0, v2))
        i += 4
    while i < count:
        x0 = np.uint32(hashes[i] >> _32)
        for k in range(size):
            out[k] = min(out[k], np.uint32(a[k] * x0 + b[k]))
        i += 1


@njit(cache=True, nogil=True)
def signatures(
    data: np.ndarray,
    offsets: np.ndarray,
    fold: np.ndarray,
    n: int,
    a: np.ndarray,
    b: np.ndarray,
    keep_hashes: bool,
) -> tuple:
    """Signatures of all rows of a text column.

    data uint8, offsets int64[rows + 1], n words a shingle, a and b uint32[permutations].
    Returns signature uint32[rows, permutations], shingles int32[rows] (distinct ones; 0 where
    the text has no word, its signature then all ones), and with `keep_hashes` the distinct
    shingle hashes of all rows, sorted within each, with their offsets int64[rows + 1].
    """
    rows = len(offsets) - 1
    signature = np.empty((rows, len(a)), np.uint32)
    shingles = np.zeros(rows, np.int32)
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    scratch = np.empty(longest // 2 + 2, np.uint64)
    table = np.empty(1024, np.uint64)
    # As many as there could be: pages that are never written take no memory.
    kept = np.empty(len(data) // 2 + 2 * rows + 2 if keep_hashes else 1, np.uint64)
    kept_offsets = np.zeros(rows + 1 if keep_hashes else 1, np.int64)
    total = 0
    for row in range(rows):
        count = word_hashes(data, offsets[row], offsets[row + 1], fold, scratch)
        count = ngram_hashes(scratch, count, n, scratch)
        if keep_hashes:
            count = sort_distinct(scratch, count, kept[total:])
            minimum(kept[total:], count, a, b, signature[row])
            total += count
            kept_offsets[row + 1] = total
        else:
            needed = table_size(count)
            if needed > len(table):
                table = np.empty(needed, np.uint64)
            count = distinct(scratch, count, table)
            minimum(scratch, count, a, b, signature[row])
        shingles[row] = count
    return signature, shingles, kept[:total], kept_offsets


@njit(cache=True, nogil=True)
def band_keys(signature: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """uint64[documents, bands]: a hash of each band's rows and its number."""
    documents = len(signature)
    keys = np.empty((documents, bands), np.uint64)
    for i in range(documents):
        for band in range(bands):
            h = np.uint64(band + 1)
            for row in range(band * rows, (band + 1) * rows):
                h = mix(h ^ np.uint64(signature[i, row])) + np.uint64(1)
            keys[i, band] = h
    return keys


@njit(cache=True, nogil=True)
def agreement(signature: np.ndarray, i: int, j: int) -> float:
    """The fraction of places in which rows i and j agree: the estimate of their Jaccard."""
    same = 0
    for k in range(signature.shape[1]):
        if signature[i, k] == signature[j, k]:
            same += 1
    return same / signature.shape[1]


@njit(cache=True, nogil=True)
def jaccard(hashes: np.ndarray, offsets: np.ndarray, i: int, j: int) -> float:
    """|A & B| / |A | B| of the sorted distinct hashes of rows i and j; 0 where both are empty."""
    return jaccard_from(hashes, offsets, i, j, 0.0)


@njit(cache=True, nogil=True)
def jaccard_from(
    hashes: np.ndarray, offsets: np.ndarray, i: int, j: int, threshold: float
) -> float:
    """The same; 0 as soon as it is clear that the threshold is out of reach."""
    x, x_end = offsets[i], offsets[i + 1]
    y, y_end = offsets[j], offsets[j + 1]
    sizes = x_end - x + y_end - y
    # c / (sizes - c) >= t means c >= t sizes / (1 + t); the margin is over any rounding error.
    needed = threshold * sizes / (1.0 + threshold) - 1e-6
    common = 0
    while x < x_end and y < y_end:
        if common + min(x_end - x, y_end - y) < needed:
            return 0.0
        if hashes[x] == hashes[y]:
            common += 1
            x += 1
            y += 1
        elif hashes[x] < hashes[y]:
            x += 1
        else:
            y += 1
    return common / (sizes - common) if sizes > common else 0.0


@njit(cache=True, nogil=True)
def _similarity(
    i: int, j: int, exact: bool, signature: np.ndarray, hashes: np.ndarray, offsets: np.ndarray
) -> float:
    if exact:
        return jaccard(hashes, offsets, i, j)
    return agreement(signature, i, j)


@njit(cache=True, nogil=True)
def similar(
    i: int,
    j: int,
    threshold: float,
    exact: bool,
    signature: np.ndarray,
    hashes: np.ndarray,
    offsets: np.ndarray,
) -> float:
    """The similarity of rows i and j where it reaches the threshold; else some value below it, as
    soon as it is clear that the threshold is out of reach."""
    if exact:
        return jaccard_from(hashes, offsets, i, j, threshold)
    return agreement(signature, i, j)


@njit(cache=True, nogil=True)
def similarities(
    left: np.ndarray,
    right: np.ndarray,
    exact: bool,
    signature: np.ndarray,
    hashes: np.ndarray,
    offsets: np.ndarray,
) -> np.ndarray:
    """float64[pairs]: similarity of rows left[p] and right[p], exact or estimated."""
    out = np.empty(len(left), np.float64)
    for p in range(len(left)):
        out[p] = _similarity(left[p], right[p], exact, signature, hashes, offsets)
    return out


@njit(cache=True, nogil=True)
def _grown(array: np.ndarray, size: int) -> np.ndarray:
    larger = np.empty(max(2 * len(array), size), array.dtype)
    larger[: len(array)] = array
    return larger


@njit(cache=True, nogil=True)
def link_pairs(
    members: np.ndarray,
    bounds: np.ndarray,
    numbers: np.ndarray,
    parent: np.ndarray,
    threshold: float,
    exact: bool,
    signature: np.ndarray,
    hashes: np.ndarray,
    offsets: np.ndarray,
) -> tuple:
    """Pairs within small LSH buckets whose similarity reaches the threshold.

    Bucket g holds `members[bounds[g]:bounds[g + 1]]` (int64), rows of the sketches
    `signature` or, with `exact`, of `hashes` and `offsets`. `parent` is a union-find of
    documents, `numbers` the place there of each row of the sketches: a pair that is connected
    already (most share several bands) is not compared again, a pair found is connected.
    Returns left, right (int64), similarity (float64) and the number of comparisons.
    """
    left = np.empty(1024, np.int64)
    right = np.empty(1024, np.int64)
    value = np.empty(1024, np.float64)
    found = 0
    compared = 0
    for g in range(len(bounds) - 1):
        for p in range(bounds[g] + 1, bounds[g + 1]):
            for q in range(bounds[g], p):
                one = find_root(parent, numbers[members[q]])
                other = find_root(parent, numbers[members[p]])
                if one == other:
                    continue
                s = similar(members[q], members[p], threshold, exact, signature, hashes, offsets)
                compared += 1
                if s >= threshold:
                    if found == len(left):
                        left = _grown(left, found + 1)
                        right = _grown(right, found + 1)
                        value = _grown(value, found + 1)
                    left[found] = members[q]
                    right[found] = members[p]
                    value[found] = s
                    found += 1
                    parent[max(one, other)] = min(one, other)
    return left[:found], right[:found], value[:found], compared


@njit(cache=True, nogil=True)
def link_leaders(
    known: int,
    rows: int,
    limit: int,
    threshold: float,
    exact: bool,
    signature: np.ndarray,
    hashes: np.ndarray,
    offsets: np.ndarray,
) -> tuple:
    """Pairs of a piece of a large LSH bucket: work is rows x limit, never rows^2.

    Rows 0..known-1 of the sketches are the leaders of the pieces before; each row after them
    is compared with all leaders, and becomes one itself if it is like none and fewer than
    `limit` are known. Returns left, right, similarity, comparisons, and the leaders (int64).
    """
    left = np.empty(1024, np.int64)
    right = np.empty(1024, np.int64)
    value = np.empty(1024, np.float64)
    leaders = np.empty(limit, np.int64)
    for p in range(known):
        leaders[p] = p
    count = known
    found = 0
    compared = 0
    for row in range(known, rows):
        if found + count > len(left):
            left = _grown(left, found + count)
            right = _grown(right, found + count)
            value = _grown(value, found + count)
        matched = False
        for p in range(count):
            s = similar(leaders[p], row, threshold, exact, signature, hashes, offsets)
            compared += 1
            if s >= threshold:
                left[found] = leaders[p]
                right[found] = row
                value[found] = s
                found += 1
                matched = True
        if not matched and count < limit:
            leaders[count] = row
            count += 1
    return left[:found], right[:found], value[:found], compared, leaders[:count]


def warm() -> None:
    """Compile every kernel of this module."""
    data = np.frombuffer(b"a b c", np.uint8)
    offsets = np.array([0, 3, 5], np.int64)
    for array in (data, offsets):
        array.setflags(write=False)
    a, b = permutations(8, 0)
    for keep in (False, True):
        signature, _, hashes, ends = signatures(data, offsets, fold_table(), 2, a, b, keep)
    band_keys(signature, 2, 4)
    none = np.zeros(0, np.int64)
    similarities(none, none, True, signature, hashes, ends)
    link_pairs(none, np.zeros(1, np.int64), none, none, 0.5, False, signature, hashes, ends)
    link_leaders(0, 2, 4, 0.5, False, signature, hashes, ends)
