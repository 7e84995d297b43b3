"""Repeated n-grams of a document's tokens, exactly, each level made from the one before.

Tokens come as numbers of their spellings. An (n+1)-gram occurs twice only where the n-grams at
its first and its second token both do, so each level looks only at the places that the last
one left, and the pair of their numbers is its key: no hash stands for an n-gram. An n-gram's
number is the place of its first occurrence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import HALF, MULTIPLIER
from corpusmith.kernels.jit import kernel

NGRAM_COUNTS = (
    "top2", "top3", "top4", "dup5", "dup6", "dup7", "dup8", "dup9", "dup10",
)  # fmt: skip
"""The columns that `repeated_ngrams` fills: characters, for n = 2 to 10."""

DATATROVE, DCLM = 0, 1
LONGEST = 10


class Work(NamedTuple):
    """Memory for one document; untouched beyond what a document needs."""

    slots: np.ndarray  # uint32[power of two >= 2 * tokens]; below the base = empty
    state: np.ndarray  # int64[2]: base, number of slots
    tokens: np.ndarray  # int32[tokens]: spelling numbers of the words alone
    left: np.ndarray  # int32[tokens]: n-gram numbers of one level
    right: np.ndarray  # int32[tokens]: and of the next
    places: np.ndarray  # int32[tokens]
    counts: np.ndarray  # int32[tokens]: occurrences, at the first one's place


def new_work(tokens: int) -> Work:
    """Memory for documents of up to `tokens` tokens."""
    slots = 1 << max(int(2 * tokens).bit_length(), 10)
    return Work(
        np.zeros(slots, np.uint32),
        np.array([1, slots], np.int64),
        *(np.zeros(tokens, np.int32) for _ in range(5)),
    )


@kernel
def repeated_ngrams(
    ids, count, spelling_counts, spelling_chars, variant,
    slots, state, first, second, places, counts, row,
):  # fmt: skip
    """Fill `row` (9) with the characters of the top 2- to 4-gram and of the duplicate
    5- to 10-grams of the tokens `ids`, as the variant counts them:

    DATATROVE  top: length, with a space between tokens, of the n-gram that occurs most (the
               first of those that occur equally often; also if that is once), times its
               occurrences. Duplicates: from left to right, an n-gram seen before adds its
               characters and is stepped over whole; one not seen before is noted.
               datatrove, `gopher_repetition_filter.py`.
    DCLM       top: characters of the n-gram that occurs most, the longest of those that occur
               equally often, times its occurrences; 0 if none occurs twice. Duplicates:
               characters of all tokens that an n-gram occurring twice or more covers.
               DCLM, `content_filters.py:repetition_filter`.
    """
    left, right = ids, first
    active = np.int64(0)
    for place in range(count):
        if spelling_counts[ids[place]] > 1:
            places[active] = place
            active += 1
    for n in range(2, LONGEST + 1):
        candidates = _number_pairs(left, right, places, active, counts, slots, state, count)
        active = np.int64(0)
        for index in range(candidates):
            place = places[index]
            if counts[right[place]] > 1:
                places[active] = place
                active += 1
        column = n - 2
        if n <= 4:
            if variant == DATATROVE:
                row[column] = _top_datatrove(
                    ids, count, n, right, places, active, counts, spelling_chars
                )
            else:
                row[column] = _top_dclm(ids, n, right, places, active, counts, spelling_chars)
        elif variant == DATATROVE:
            row[column] = _greedy(ids, n, right, places, active, counts, spelling_chars)
        else:
            row[column] = _covered(ids, n, places, active, spelling_chars)
        left, right = right, second if n == 2 else left


@kernel
def _number_pairs(left, right, places, active, counts, slots, state, tokens):
    """Number the pairs (left[p], left[p + 1]) at places p whose successor is active too, into
    `right`, with `counts`; keep those places. Returns how many."""
    size = 64
    while size < 2 * active:
        size *= 2
    mask = size - 1
    base = state[0]
    if base + tokens > 0xFFFFFFFF:
        for slot in range(state[1]):
            slots[slot] = 0
        base = np.int64(1)
    kept = 0
    top = 0
    for index in range(active - 1):
        place = np.int64(places[index])
        if places[index + 1] != place + 1:
            continue
        one = left[place]
        two = left[place + 1]
        value = (np.uint64(one) << HALF | np.uint64(two)) * MULTIPLIER
        value ^= value >> HALF
        slot = np.int64(value & np.uint64(mask))
        while True:
            found = np.int64(slots[slot]) - base
            if found < 0:
                slots[slot] = base + place
                right[place] = place
                counts[place] = 1
                break
            if left[found] == one and left[found + 1] == two:
                right[place] = found
                counts[found] += 1
                break
            slot = (slot + 1) & mask
        places[kept] = place
        kept += 1
        top = place + 1
    state[0] = base + top
    return kept


@kernel
def _length(ids, place, n, spelling_chars):
    chars = 0
    for index in range(place, place + n):
        chars += abs(spelling_chars[ids[index]])
    return chars


@kernel
def _top_datatrove(ids, count, n, numbers, places, active, counts, spelling_chars):
    if count < n:
        return 0
    best = 1
    best_place = 0
    for index in range(active):
        place = places[index]
        if numbers[place] == place and counts[place] > best:
            best = counts[place]
            best_place = place
    return (_length(ids, best_place, n, spelling_chars) + n - 1) * best


@kernel
def _top_dclm(ids, n, numbers, places, active, counts, spelling_chars):
    best = 0
    best_chars = 0
    for index in range(active):
        place = places[index]
        if numbers[place] == place and counts[place] >= best:
            chars = _length(ids, place, n, spelling_chars)
            if counts[place] > best or chars > best_chars:
                best_chars = chars
            best = counts[place]
    return best * best_chars


@kernel
def _greedy(ids, n, numbers, places, active, counts, spelling_chars):
    chars = 0
    free = 0
    for index in range(active):
        place = places[index]
        if place < free:
            continue
        number = numbers[place]
        if counts[number] < 0:  # noted before
            chars += _length(ids, place, n, spelling_chars)
            free = place + n
        else:
            counts[number] = -counts[number]
    return chars


@kernel
def _covered(ids, n, places, active, spelling_chars):
    chars = 0
    free = 0
    for index in range(active):
        place = places[index]
        if place + n <= free:
            continue
        begin = max(place, free)
        chars += _length(ids, begin, place + n - begin, spelling_chars)
        free = place + n
    return chars
