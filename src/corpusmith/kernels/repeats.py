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

    slots: np.ndarray  # uint32[power of two]; below the base = empty
    state: np.ndarray  # int64[2]: base, number of slots
    tokens: np.ndarray  # int32[tokens]: spelling numbers of the words alone
    ends: np.ndarray  # int32[tokens + 1]: characters of the tokens before
    left: np.ndarray  # int32[tokens]: n-gram numbers of one level
    right: np.ndarray  # int32[tokens]: and of the next
    candidates: np.ndarray  # int32[tokens]: places that a level looks at
    places: np.ndarray  # int32[tokens]: those of them whose n-gram is repeated
    counts: np.ndarray  # int32[tokens]: occurrences, at the first one's place


@kernel
def table_size(entries):
    """Slots for so many n-grams, before rounding up: sparse while it stays in the cache."""
    return 3 * entries if entries < 1 << 18 else entries + entries // 2


def new_work(tokens: int) -> Work:
    """Memory for documents of up to `tokens` tokens."""
    # A level may look at fewer places than there are tokens, and `table_size` has a step down:
    # just below it a level wants more slots than a whole document just above.
    sparse = min(tokens, (1 << 18) - 1)
    entries = max(int(table_size(tokens)), int(table_size(sparse)))
    slots = 1 << max(entries.bit_length(), 6)
    return Work(
        np.zeros(slots, np.uint32),
        np.array([1, slots], np.int64),
        np.zeros(tokens, np.int32),
        *(np.zeros(tokens + 1, np.int32) for _ in range(6)),
    )


@kernel
def repeated_ngrams(
    ids, count, spelling_counts, spelling_chars, variant,
    slots, state, ends, first, second, candidates, places, counts, row,
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

    The loops below step by a comparison instead of branching on it: what repeats in a text
    is hard to guess, for a processor too.
    """
    left, right = ids, first
    active = np.int64(0)
    ends[0] = 0
    for place in range(count):
        number = ids[place]
        ends[place + 1] = ends[place] + abs(spelling_chars[number])
        places[active] = place
        active += np.int64(spelling_counts[number] > 1)
    for n in range(2, LONGEST + 1):
        looked_at = np.int64(0)
        for index in range(active - 1):
            candidates[looked_at] = places[index]
            looked_at += np.int64(places[index + 1] == places[index] + 1)
        _number_pairs(left, right, candidates, looked_at, counts, slots, state, count)
        active = np.int64(0)
        for index in range(looked_at):
            place = candidates[index]
            places[active] = place
            active += np.int64(counts[right[place]] > 1)
        if n <= 4:
            if variant == DATATROVE:
                row[n - 2] = _top_datatrove(count, n, right, places, active, counts, ends)
            else:
                row[n - 2] = _top_dclm(n, right, places, active, counts, ends)
        elif variant == DATATROVE:
            row[n - 2] = _greedy(n, right, places, active, counts, ends)
        else:
            row[n - 2] = _covered(n, places, active, ends)
        left, right = right, second if n == 2 else left


@kernel
def _number_pairs(left, right, candidates, looked_at, counts, slots, state, tokens):
    """Number the pairs (left[p], left[p + 1]) at the candidates p by the place where each
    occurred first, into `right`; `counts` gets the occurrences at that place."""
    size = 64
    wanted = table_size(looked_at)
    while size < wanted:
        size *= 2
    mask = size - 1
    base = state[0]
    if base + tokens > 0xFFFFFFFF:
        for slot in range(state[1]):
            slots[slot] = 0
        base = np.int64(1)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        one = left[place]
        two = left[place + 1]
        value = (np.uint64(one) << HALF | np.uint64(two)) * MULTIPLIER
        slot = np.int64(value >> HALF) & mask
        while True:
            found = np.int64(slots[slot]) - base
            empty = np.int64(found < 0)
            found = place if empty else found
            # An empty slot "finds" the place itself, so one comparison serves both.
            if (left[found] == one) & (left[found + 1] == two):
                break
            slot = (slot + 1) & mask
        slots[slot] = base + found
        right[place] = found
        counts[found] = counts[found] * (1 - empty) + 1
    state[0] = base + tokens


@kernel
def _top_datatrove(count, n, numbers, places, active, counts, ends):
    if count < n:
        return np.int64(0)
    best = np.int64(1)
    best_place = np.int64(0)
    for index in range(active):
        place = np.int64(places[index])
        if counts[place] > best and numbers[place] == place:
            best = np.int64(counts[place])
            best_place = place
    return (ends[best_place + n] - ends[best_place] + n - 1) * best


@kernel
def _top_dclm(n, numbers, places, active, counts, ends):
    best = np.int64(0)
    best_chars = np.int64(0)
    for index in range(active):
        place = np.int64(places[index])
        if counts[place] >= best and numbers[place] == place:
            chars = ends[place + n] - ends[place]
            if counts[place] > best or chars > best_chars:
                best_chars = chars
            best = np.int64(counts[place])
    return best * best_chars


@kernel
def _greedy(n, numbers, places, active, counts, ends):
    chars = np.int64(0)
    free = np.int64(0)
    for index in range(active):
        place = np.int64(places[index])
        if place < free:
            continue
        number = numbers[place]
        if counts[number] < 0:  # noted before
            chars += ends[place + n] - ends[place]
            free = place + n
        else:
            counts[number] = -counts[number]
    return chars


@kernel
def _covered(n, places, active, ends):
    chars = np.int64(0)
    free = np.int64(0)
    for index in range(active):
        place = np.int64(places[index])
        chars += ends[place + n] - ends[max(place, free)]
        free = place + n
    return chars
