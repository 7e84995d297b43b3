"""Repeated n-grams of a document's tokens, exactly, each level made from the one before.

Tokens come as numbers of their spellings, and an n-gram's number is the place of its first
occurrence. An (n+1)-gram occurs twice only where the n-grams at its first and its second token
both do, so each level looks only at the places that the last one left. No hash stands for an
n-gram: it only finds a slot, or rules out.

5-grams come first, straight from the tokens: few of them occur twice, and from them follow those
of 6 to 10. The most frequent of them occurs as often as some 2-, 3- and 4-gram at least, so of
those only what occurs as often has to be looked at for the most frequent one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import HALF, MULTIPLIER, load64
from corpusmith.kernels.jit import inlined, kernel

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
    # int32[tokens + 1]:
    tokens: np.ndarray  # spelling numbers of the words alone
    ends: np.ndarray  # characters of the tokens before
    numbers: np.ndarray  # n-gram numbers of the present level
    parents: np.ndarray  # those of the level before, where they are no longer the same
    candidates: np.ndarray  # places that a level looks at
    places: np.ndarray  # those of them whose n-gram is repeated
    counts: np.ndarray  # occurrences, at the first one's place
    seen: np.ndarray  # uint8[power of two]: bits for occurrences


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
    words, ends, numbers, parents, candidates, places, counts = (
        np.zeros(tokens + 1, np.int32) for _ in range(7)
    )
    return Work(
        slots=np.zeros(slots, np.uint32),
        state=np.array([1, slots], np.int64),
        tokens=words,
        ends=ends,
        numbers=numbers,
        parents=parents,
        candidates=candidates,
        places=places,
        counts=counts,
        seen=np.zeros(1 << max((4 * tokens).bit_length(), 6), np.uint8),
    )


@kernel
def repeated_ngrams(
    ids, count, spelling_counts, spelling_chars, variant,
    slots, state, ends, numbers, parents, candidates, places, counts, seen, row,
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
    ends[0] = 0
    for place in range(count):
        ends[place + 1] = ends[place] + abs(spelling_chars[ids[place]])
    looked_at = _runs(ids, count, spelling_counts, candidates)
    looked_at = _seen_twice(ids, candidates, looked_at, numbers, seen)
    _number_fives(ids, candidates, looked_at, numbers, counts, slots, state, count)
    least = np.int64(2)
    for n in range(5, LONGEST + 1):
        if n > 5:
            _lengthen(
                n, ids, numbers, parents, candidates, looked_at, places, counts, slots, state, count
            )
        active, looked_at = _repeated(candidates, looked_at, numbers, counts, 2, places)
        if n == 5:
            # Of the most frequent 5-gram; so the most frequent 2- to 4-grams occur as often.
            for index in range(active):
                least = max(least, np.int64(counts[numbers[places[index]]]))
        if variant == DATATROVE:
            row[n - 2] = _greedy(n, numbers, places, active, counts, ends)
        else:
            row[n - 2] = _covered(n, places, active, ends)
    looked_at = _frequent_pairs(ids, count, spelling_counts, least, candidates)
    for n in range(2, 5):
        if n == 2:
            _number_pairs(ids, candidates, looked_at, numbers, counts, slots, state, count)
        else:
            _lengthen(
                n, ids, numbers, parents, candidates, looked_at, places, counts, slots, state, count
            )
        active, looked_at = _repeated(candidates, looked_at, numbers, counts, least, places)
        if variant == DATATROVE:
            row[n - 2] = _top_datatrove(count, n, numbers, places, active, counts, ends)
        else:
            row[n - 2] = _top_dclm(n, numbers, places, active, counts, ends)


@inlined
def _repeated(candidates, looked_at, numbers, counts, least, places):
    """The candidates whose n-gram occurs so often become `places`, and those of them whose next
    place is one too stay candidates, for n + 1. Returns (places, candidates)."""
    active = np.int64(0)
    longer = np.int64(0)
    before = np.int64(-2)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        repeated = np.int64(counts[numbers[place]] >= least)
        places[active] = place
        active += repeated
        candidates[longer] = before
        longer += repeated & np.int64(before == place - 1)
        before = place if repeated else np.int64(-2)
    return active, longer


@inlined
def _frequent_pairs(ids, count, spelling_counts, least, candidates):
    """Places of two tokens whose spellings both occur so often; returns their number."""
    looked_at = np.int64(0)
    before = np.int64(0)
    for place in range(count):
        frequent = np.int64(spelling_counts[ids[place]] >= least)
        candidates[looked_at] = place - 1
        looked_at += frequent & before
        before = frequent
    return looked_at


@inlined
def _runs(ids, count, spelling_counts, candidates):
    """Places from which on five tokens all have a spelling that occurs again."""
    looked_at = np.int64(0)
    run = np.int64(0)
    for place in range(count):
        run = (run + 1) * np.int64(spelling_counts[ids[place]] > 1)
        candidates[looked_at] = place - 4
        looked_at += np.int64(run >= 5)
    return looked_at


@inlined
def _hash_five(ids, place):
    one, two = load64(ids, 4 * place), load64(ids, 4 * place + 8)
    return (one * MULTIPLIER ^ (two + np.uint64(ids[place + 4]))) * MULTIPLIER


@kernel
def _seen_twice(ids, candidates, looked_at, cells, seen):
    """Drop candidates whose 5-gram surely occurs once: that are alone in their cell of `seen`."""
    bits = np.int64(6)
    while 1 << bits < 4 * looked_at:
        bits += 1
    for cell in range(1 << bits):
        seen[cell] = 0
    shift = np.uint64(64 - bits)
    for index in range(looked_at):
        cell = np.int64(_hash_five(ids, np.int64(candidates[index])) >> shift)
        cells[index] = cell
        seen[cell] = seen[cell] << 1 | 1
    kept = np.int64(0)
    for index in range(looked_at):
        candidates[kept] = candidates[index]
        kept += np.int64(seen[cells[index]] > 1)
    return kept


@kernel
def _number_fives(ids, candidates, looked_at, right, counts, slots, state, tokens):
    """Number the 5-grams at the candidates as `_number_pairs` does pairs."""
    mask, base = _table(looked_at, slots, state, tokens)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        one = load64(ids, 4 * place)
        two = load64(ids, 4 * place + 8)
        last = ids[place + 4]
        slot = np.int64(_hash_five(ids, place) >> HALF) & mask
        while True:
            found = np.int64(slots[slot]) - base
            empty = np.int64(found < 0)
            found = place if empty else found
            if (
                (load64(ids, 4 * found) == one)
                & (load64(ids, 4 * found + 8) == two)
                & (ids[found + 4] == last)
            ):
                break
            slot = (slot + 1) & mask
        slots[slot] = base + found
        right[place] = found
        counts[found] = counts[found] * (1 - empty) + 1
    state[0] = base + tokens


@inlined
def _table(entries, slots, state, tokens):
    """(mask, base) of an empty table for so many entries."""
    size = 64
    wanted = table_size(entries)
    while size < wanted:
        size *= 2
    base = state[0]
    if base + tokens > 0xFFFFFFFF:
        for slot in range(state[1]):
            slots[slot] = 0
        base = np.int64(1)
    return size - 1, base


@kernel
def _number_pairs(ids, candidates, looked_at, numbers, counts, slots, state, tokens):
    """Number the pairs of tokens at the candidates by the place where each occurred first;
    `counts` gets the occurrences at that place."""
    mask, base = _table(looked_at, slots, state, tokens)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        pair = load64(ids, 4 * place)
        slot = np.int64(pair * MULTIPLIER >> HALF) & mask
        while True:
            found = np.int64(slots[slot]) - base
            empty = np.int64(found < 0)
            found = place if empty else found
            # An empty slot "finds" the place itself, so one comparison serves both.
            if load64(ids, 4 * found) == pair:
                break
            slot = (slot + 1) & mask
        slots[slot] = base + found
        numbers[place] = found
        counts[found] = counts[found] * (1 - empty) + 1
    state[0] = base + tokens


@kernel
def _lengthen(
    n, ids, numbers, parents, candidates, looked_at, others, counts, slots, state, tokens
):
    """From the numbers of (n-1)-grams to those of n-grams, at the candidates.

    Most n-grams go on as the first occurrence of their (n-1)-gram does, and keep its number. Only
    the others are looked up, by that number and their last token.
    """
    rest = np.int64(0)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        number = np.int64(numbers[place])
        same = np.int64(ids[number + n - 1] == ids[place + n - 1])
        counts[number] = counts[number] * np.int64(number != place) + same
        others[rest] = place
        rest += 1 - same
    mask, base = _table(rest, slots, state, tokens)
    for index in range(rest):
        place = np.int64(others[index])
        parent = numbers[place]
        parents[place] = parent
        last = ids[place + n - 1]
        value = (np.uint64(parent) << HALF | np.uint64(last)) * MULTIPLIER
        slot = np.int64(value >> HALF) & mask
        while True:
            found = np.int64(slots[slot]) - base
            empty = np.int64(found < 0)
            found = place if empty else found
            if (parents[found] == parent) & (ids[found + n - 1] == last):
                break
            slot = (slot + 1) & mask
        slots[slot] = base + found
        numbers[place] = found
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
