"""Repeated n-grams of a document's tokens, exactly, each level made from the one before.

Tokens come as numbers of their spellings, and an n-gram's number is the place of its first
occurrence. An (n+1)-gram occurs twice only where the n-grams at its first and its second token
both do. No hash stands for an n-gram: it only finds a slot, or rules out.

5-grams come first, straight from the tokens: few of them occur twice, and from them follow those
of 6 to 10 (`longer.py`). The most frequent of them occurs as often as some 2-, 3- and 4-gram at
least, so of those only what occurs as often has to be looked at for the most frequent one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import HALF, MULTIPLIER, load64, prefetch
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.longer import (
    LONGEST,
    ROWS,
    SHORTEST,
    SLACK,
    blocks_of,
    covered_chars,
    follow_fives,
    greedy_chars,
    look_up,
)
from corpusmith.kernels.marks import append_places
from corpusmith.kernels.slots import empty_table, table_size
from corpusmith.kernels.vectors import BLOCK, at_least

NGRAM_COUNTS = (
    "top2", "top3", "top4", "dup5", "dup6", "dup7", "dup8", "dup9", "dup10",
)  # fmt: skip
"""The columns that `repeated_ngrams` fills: characters, for n = 2 to 10."""

DATATROVE, DCLM = 0, 1
_OFTEN = np.int32(255)
_AHEAD = 8  # candidates: so much earlier a slot is asked for, which in a long text is far away


class Work(NamedTuple):
    """Memory for one document; untouched beyond what a document needs."""

    slots: np.ndarray  # uint32[power of two]; below the base = empty
    state: np.ndarray  # int64[2]: base, number of slots
    # int32[tokens + SLACK]:
    tokens: np.ndarray  # spelling numbers of the words alone
    ends: np.ndarray  # characters of the tokens before
    word_ends: np.ndarray  # characters of the words before
    numbers: np.ndarray  # n-gram numbers of the present level
    parents: np.ndarray  # those of the level before, where they are no longer the same
    candidates: np.ndarray  # places that a level looks at
    places: np.ndarray  # those of them whose n-gram is repeated
    counts: np.ndarray  # occurrences, at the first one's place
    seen: np.ndarray  # uint8[power of two]: bits for occurrences
    often: np.ndarray  # uint8[tokens + SLACK]: occurrences of each token, 255 at most
    word_often: np.ndarray  # uint8[tokens + SLACK]: the same of each word
    # As `longer` has them:
    reach: np.ndarray  # uint8[tokens + SLACK]
    copied: np.ndarray  # uint8[tokens + SLACK]
    diverging: np.ndarray  # uint64[ROWS * blocks_of(tokens)]
    skipped: np.ndarray  # uint64[blocks_of(tokens)]


def new_work(tokens: int) -> Work:
    """Memory for documents of up to `tokens` tokens."""
    # A level may look at fewer places than there are tokens, and `table_size` has a step down:
    # just below it a level wants more slots than a whole document just above.
    sparse = min(tokens, (1 << 18) - 1)
    entries = max(int(table_size(tokens)), int(table_size(sparse)))
    slots = 1 << max(entries.bit_length(), 6)
    words, ends, word_ends, numbers, parents, candidates, places, counts = (
        np.zeros(tokens + SLACK, np.int32) for _ in range(8)
    )
    blocks = int(blocks_of(tokens))
    return Work(
        slots=np.zeros(slots, np.uint32),
        state=np.array([1, slots], np.int64),
        tokens=words,
        ends=ends,
        word_ends=word_ends,
        numbers=numbers,
        parents=parents,
        candidates=candidates,
        places=places,
        counts=counts,
        seen=np.zeros(1 << max((4 * tokens).bit_length(), 6), np.uint8),
        often=np.zeros(tokens + SLACK, np.uint8),
        word_often=np.zeros(tokens + SLACK, np.uint8),
        reach=np.zeros(tokens + SLACK, np.uint8),
        copied=np.zeros(tokens + SLACK, np.uint8),
        diverging=np.zeros(ROWS * blocks, np.uint64),
        skipped=np.zeros(blocks, np.uint64),
    )


@kernel
def lay_tokens(
    ids, count, spelling_counts, spelling_chars, tokens, ends, word_ends, often, word_often
):
    """Pick the words out of the tokens (`tokens`); of each token and of each word sum up the
    characters before it and say how often it occurs. Returns the words."""
    words, chars, word_chars = np.int64(0), np.int64(0), np.int64(0)
    ends[0] = word_ends[0] = 0
    for place in range(count):
        spelling = ids[place]
        length = np.int64(spelling_chars[spelling])
        times = min(spelling_counts[spelling], _OFTEN)
        chars += abs(length)
        ends[place + 1] = chars
        often[place] = times
        tokens[words] = spelling
        word_often[words] = times
        words += np.int64(length > 0)
        word_chars += max(length, 0)
        word_ends[words] = word_chars
    for place in range(2 * BLOCK):
        often[count + place] = word_often[words + place] = 0
    return words


@kernel
def repeated_ngrams(
    ids, count, ends, often, variant, slots, state, numbers, parents, candidates, places, counts,
    seen, reach, copied, diverging, skipped, row,
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
    looked_at = _seen_twice(ids, count, often, candidates, parents, seen)
    _number_fives(ids, candidates, parents, looked_at, numbers, counts, slots, state, count)
    most = follow_fives(
        ids, count, candidates, looked_at, numbers, counts, reach, copied, diverging
    )
    for n in range(SHORTEST, LONGEST + 1):
        if n > SHORTEST:
            look_up(n, ids, count, numbers, parents, reach, copied, diverging, slots, state)
        if variant == DATATROVE:
            row[n - 2] = greedy_chars(n, count, numbers, copied, ends, skipped)
        else:
            row[n - 2] = covered_chars(n, count, reach, ends)
    # The most frequent 2- to 4-grams occur as often as the most frequent 5-gram.
    least = max(most, np.int64(2))
    looked_at = _number_pairs(
        ids, count, often, least, candidates, parents, numbers, counts, slots, state
    )
    for n in range(2, SHORTEST):
        if n > 2:
            _lengthen(
                n, ids, numbers, parents, candidates, looked_at, places, counts, slots, state, count
            )
        if variant == DATATROVE:
            row[n - 2] = _top_datatrove(count, n, numbers, candidates, looked_at, counts, ends)
        else:
            row[n - 2] = _top_dclm(n, numbers, candidates, looked_at, counts, ends)
        if n + 1 < SHORTEST:
            looked_at = _repeated(candidates, looked_at, numbers, counts, least)


@inlined
def _repeated(candidates, looked_at, numbers, counts, least):
    """Keep the candidates for n + 1: those whose n-gram occurs so often, at the next place too."""
    longer = np.int64(0)
    before = np.int64(-2)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        repeated = np.int64(counts[numbers[place]] >= least)
        candidates[longer] = before
        longer += repeated & np.int64(before == place - 1)
        before = place if repeated else np.int64(-2)
    return longer


@inlined
def _hash_five(ids, place):
    one, two = load64(ids, 4 * place), load64(ids, 4 * place + 8)
    return (one * MULTIPLIER ^ (two + np.uint64(ids[place + 4]))) * MULTIPLIER


@kernel
def _seen_twice(ids, count, often, candidates, cells, seen):
    """Fill `candidates` with the places whose 5-gram may occur twice, and `cells` with their cells
    of `seen`; returns how many. All of its tokens do, and it is not alone in its cell."""
    bits = np.int64(6)
    while 1 << bits < 4 * count:
        bits += 1
    for cell in range(1 << bits):
        seen[cell] = 0
    shift = np.uint64(64 - bits)
    looked_at = np.int64(0)
    for block in range(blocks_of(count) - 1):
        at = BLOCK * block
        places = at_least(often, at, 2)
        for offset in range(1, SHORTEST):
            places &= at_least(often, at + offset, 2)
        looked_at = append_places(places, at, candidates, looked_at)
    for index in range(looked_at):
        cell = np.int64(_hash_five(ids, np.int64(candidates[index])) >> shift)
        cells[index] = cell
        seen[cell] = seen[cell] << 1 | 1
    kept = np.int64(0)
    for index in range(looked_at):
        cell = cells[index]
        candidates[kept] = candidates[index]
        cells[kept] = cell
        kept += np.int64(seen[cell] > 1)
    return kept


@kernel
def _number_fives(ids, candidates, cells, looked_at, numbers, counts, slots, state, tokens):
    """Number the 5-grams at the candidates as `_number_pairs` does pairs."""
    mask, base = empty_table(looked_at, slots, state, tokens)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        prefetch(slots, np.int64(cells[index + _AHEAD]) & mask)
        one = load64(ids, 4 * place)
        two = load64(ids, 4 * place + 8)
        last = ids[place + 4]
        slot = np.int64(cells[index]) & mask
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
        numbers[place] = found
        counts[found] = counts[found] * (1 - empty) + 1
    state[0] = base + tokens


@kernel
def _number_pairs(ids, count, often, least, candidates, hashes, numbers, counts, slots, state):
    """Number the pairs of tokens that both occur so often by the place where each occurred first;
    `counts` gets the occurrences at that place. Fills `candidates` with the pairs' places and
    returns how many they are."""
    bound = min(least, np.int64(_OFTEN))
    looked_at = np.int64(0)
    for block in range(blocks_of(count) - 1):
        at = BLOCK * block
        places = at_least(often, at, bound) & at_least(often, at + 1, bound)
        looked_at = append_places(places, at, candidates, looked_at)
    for index in range(looked_at):
        pair = load64(ids, 4 * np.int64(candidates[index]))
        hashes[index] = np.int64(pair * MULTIPLIER >> HALF)
    mask, base = empty_table(looked_at, slots, state, count)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        prefetch(slots, np.int64(hashes[index + _AHEAD]) & mask)
        pair = load64(ids, 4 * place)
        slot = np.int64(hashes[index]) & mask
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
    state[0] = base + count
    return looked_at


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
    mask, base = empty_table(rest, slots, state, tokens)
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
def _top_datatrove(count, n, numbers, candidates, looked_at, counts, ends):
    if count < n:
        return np.int64(0)
    best = np.int64(1)
    best_place = np.int64(0)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        times = np.int64(counts[numbers[place]])
        if times > best:
            best = times
            best_place = place
    return (ends[best_place + n] - ends[best_place] + n - 1) * best


@kernel
def _top_dclm(n, numbers, candidates, looked_at, counts, ends):
    best = np.int64(2)
    best_chars = np.int64(0)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        times = np.int64(counts[numbers[place]])
        if times >= best:
            chars = ends[place + n] - ends[place]
            if times > best or chars > best_chars:
                best_chars = chars
            best = times
    return best * best_chars
