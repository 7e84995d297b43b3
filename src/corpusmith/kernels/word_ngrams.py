"""Repeated n-grams of given tokens as datatrove counts them, exactly.

`find_top_duplicate` compares n-grams token by token, `find_all_duplicate` compares what n tokens
spell together: "ab c" and "a bc" are one there. So the tokens are laid one after the other, and
a run of them is a range of bytes. datatrove 0.10.1, `gopher_repetition_filter.py`.

Most n-grams are ruled out before they are looked up. An n-gram occurs no more often than the
rarest of its tokens, so it can't be the most frequent where that is rarer than the best so far.
Equal spellings begin with equal bytes, so none repeats whose first bytes stand at no other token.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import (
    HALF,
    MULTIPLIER,
    equal_bytes,
    hash_bytes,
    load64,
    store64,
)
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.segments import equal_segments, hash_segment
from corpusmith.kernels.spacy_words import Words

COUNTS = (
    "top2", "top3", "top4", "dup5", "dup6", "dup7", "dup8", "dup9", "dup10",
)  # fmt: skip
_FIRST_DUPLICATE, _LONGEST = 5, 10
_SHORT_PREFIX, _LONG_PREFIX = 12, 24  # bytes
_PADDING = 64  # bytes behind the letters that may be read


class Work(NamedTuple):
    """Memory for the tokens of one text."""

    letters: np.ndarray  # uint8: the tokens one after the other
    places: np.ndarray  # int32[tokens + 1]: bytes before each token
    ends: np.ndarray  # int32[tokens + 1]: code points before each token
    ids: np.ndarray  # int32[tokens]: the first token that is equal
    counts: np.ndarray  # int32[tokens]: of tokens, or n-grams, equal to the one that is first here
    often: np.ndarray  # int32[tokens]: how often the token occurs
    rarest: np.ndarray  # int32[tokens]: the same of the rarest token of the n-gram
    hashes: np.ndarray  # int64[tokens]
    levels: np.ndarray  # uint8[tokens]: bytes that it and what follows share with others: 0, 1, 2
    cells: np.ndarray  # uint8[power of two]: how many tokens have their hash here, at most 2
    slots: np.ndarray  # int64[power of two]: base + the first token of an n-gram
    state: np.ndarray  # int64[1]: base; a slot below it is empty


def _new_work(longest: int, tokens: int) -> Work:
    slots = 1 << max(int(2 * tokens).bit_length(), 4)
    return Work(
        letters=np.zeros(longest + _PADDING, np.uint8),
        places=np.empty(tokens + 1, np.int32),
        ends=np.empty(tokens + 1, np.int32),
        ids=np.empty(tokens, np.int32),
        counts=np.empty(tokens, np.int32),
        often=np.empty(tokens, np.int32),
        rarest=np.empty(tokens, np.int32),
        hashes=np.empty(tokens, np.int64),
        levels=np.empty(tokens, np.uint8),
        cells=np.empty(4 * slots, np.uint8),
        slots=np.zeros(slots, np.int64),
        state=np.ones(1, np.int64),
    )


def ngram_chars(words: Words) -> np.ndarray:
    """int64[rows, len(COUNTS)]: characters of the most frequent 2- to 4-gram, blanks between its
    tokens counted, times its occurrences; and in duplicate 5- to 10-grams, from left to right,
    without overlap, from the second copy on."""
    rows = len(words.offsets) - 1
    found = np.zeros((rows, len(COUNTS)), np.int64)
    longest = int(np.diff(words.offsets).max(initial=0))
    most = int(np.diff(words.ends).max(initial=0))
    _ngrams_of_rows(
        words.data, words.offsets, words.ends, words.tokens.starts, words.tokens.lengths,
        words.tokens.chars, _new_work(longest, most), found,
    )  # fmt: skip
    return found


@kernel
def _ngrams_of_rows(data, offsets, ends, starts, lengths, chars, work, found):
    for row in range(offsets.shape[0] - 1):
        _ngrams(
            pointer(data), np.int64(data.shape[0]), offsets[row], ends[row],
            ends[row + 1] - ends[row], pointer(starts), pointer(lengths), pointer(chars),
            pointer(work.letters), np.int64(work.letters.shape[0]), pointer(work.places),
            pointer(work.ends), pointer(work.ids), pointer(work.counts), pointer(work.often),
            pointer(work.rarest), pointer(work.hashes), pointer(work.levels), pointer(work.cells),
            pointer(work.slots), pointer(work.state), pointer(found[row]),
        )  # fmt: skip


@kernel
def _ngrams(
    data, data_size, begin, first, tokens, starts, lengths, chars, letters, size, places, ends,
    ids, counts, often, rarest, hashes, levels, cells, slots, state, row,
):  # fmt: skip
    _lay(data, data_size, begin, first, tokens, starts, lengths, chars, letters, places, ends)
    mask = np.int64(16)
    while mask < 2 * tokens:
        mask *= 2
    mask -= 1
    _number(letters, size, places, ids, counts, hashes, slots, state, mask, tokens)
    state[0] += tokens
    for token in range(tokens):
        often[token] = rarest[token] = counts[ids[token]]
    for n in range(2, min(_FIRST_DUPLICATE, tokens + 1)):
        count = tokens - n + 1
        for token in range(count):
            rarest[token] = min(rarest[token], often[token + n - 1])
        row[n - 2] = _top(ends, ids, counts, rarest, slots, state, mask, n, count)
        state[0] += tokens
    if tokens < _FIRST_DUPLICATE:
        return
    _share(letters, places, levels, hashes, cells, 4 * mask + 3, tokens)
    left = tokens
    candidates = ids  # nothing needs them any more
    for token in range(tokens):
        candidates[token] = token
    for n in range(_FIRST_DUPLICATE, min(_LONGEST, tokens) + 1):
        left = _may_repeat(places, levels, n, tokens - n + 1, candidates, left)
        row[n - 2] = _duplicates(
            letters, size, places, ends, hashes, candidates, left, slots, state, mask, n
        )
        state[0] += tokens


@kernel
def _lay(data, size, begin, first, tokens, starts, lengths, chars, letters, places, ends):
    """Lay the tokens one after the other into `letters`."""
    at = before = np.int64(0)
    for token in range(tokens):
        places[token], ends[token] = at, before
        start, length = begin + starts[first + token], np.int64(lengths[first + token])
        if start + ((length + 7) & ~7) <= size:
            for byte in range(0, length, 8):  # what is too much, the next token overwrites
                store64(letters, at + byte, load64(data, start + byte))
        else:
            for byte in range(length):
                letters[at + byte] = data[start + byte]
        at += length
        before += chars[first + token]
    places[tokens], ends[tokens] = at, before


@kernel
def _number(letters, size, places, ids, counts, hashes, slots, state, mask, tokens):
    """Find for each token the first that is equal, and count it there."""
    base = state[0]
    for token in range(tokens):
        start = np.int64(places[token])
        length = places[token + 1] - start
        value = hash_bytes(letters, size, start, length)
        slot = value & mask
        while True:
            other = slots[slot] - base
            if other < 0:
                slots[slot] = base + token
                hashes[token] = value
                counts[token] = 1
                other = np.int64(token)
                break
            if (
                hashes[other] == value
                and places[other + 1] - places[other] == length
                and (
                    length <= 8
                    or equal_bytes(letters, size, np.int64(places[other]), start, length)
                )
            ):
                counts[other] += 1
                break
            slot = (slot + 1) & mask
        ids[token] = other


@inlined
def _slot(value, mask):
    value *= MULTIPLIER
    return np.int64(value >> HALF) & mask


@kernel
def _top(ends, ids, counts, rarest, slots, state, mask, n, count):
    base = state[0]
    # Without an n-gram that occurs twice it is the first: Counter.most_common keeps the order.
    best, best_token = np.int64(1), np.int64(0)
    for token in range(count):
        if rarest[token] < max(best, np.int64(2)):
            continue
        value = np.uint64(ids[token])
        for middle in range(token + 1, token + n):
            value = value * MULTIPLIER + np.uint64(ids[middle])
        slot = _slot(value, mask)
        while True:
            other = slots[slot] - base
            if other < 0:
                slots[slot] = base + token
                counts[token] = 1
                other = np.int64(token)
                break
            same = True
            for middle in range(n):
                same &= ids[other + middle] == ids[token + middle]
            if same:
                counts[other] += 1
                break
            slot = (slot + 1) & mask
        if counts[other] > best or (counts[other] == best and other < best_token):
            best, best_token = np.int64(counts[other]), other
    return (ends[best_token + n] - ends[best_token] + n - 1) * best


@inlined
def _prefix(letters, place, length):
    """A hash of 12 or 24 bytes."""
    value = load64(letters, place) * MULTIPLIER
    value ^= value >> HALF
    if length == _LONG_PREFIX:
        value = (value ^ load64(letters, place + 8)) * MULTIPLIER
        value ^= value >> HALF
    return (value ^ load64(letters, place + length - 8)) * MULTIPLIER


@kernel
def _share(letters, places, levels, hashes, cells, mask, tokens):
    """How much each token and what follows it has in common with another token and what follows
    that: level 1, perhaps the first 12 bytes; 2, perhaps 24; 0, surely not as much."""
    for token in range(tokens):
        levels[token] = 0
    for level in range(2):
        length = _LONG_PREFIX if level else _SHORT_PREFIX
        for cell in range(mask + 1):
            cells[cell] = 0
        for token in range(tokens):
            if levels[token] == level:
                cell = np.int64(_prefix(letters, np.int64(places[token]), length) >> HALF) & mask
                hashes[token] = cell
                cells[cell] += cells[cell] < 2
        for token in range(tokens):
            if levels[token] == level:
                levels[token] += cells[hashes[token]] > 1


@kernel
def _may_repeat(places, levels, n, count, candidates, left):
    """Keep of the candidates those whose n-gram may occur twice; how many. One that can't, can't
    with more tokens either."""
    kept = np.int64(0)
    for place in range(left):
        token = np.int64(candidates[place])
        candidates[kept] = token
        if token < count:
            length = places[token + n] - places[token]
            needed = np.int64(length >= _SHORT_PREFIX) + np.int64(length >= _LONG_PREFIX)
            kept += levels[token] >= needed
    return kept


@kernel
def _duplicates(letters, size, places, ends, hashes, candidates, left, slots, state, mask, n):
    base = state[0]
    chars = behind = np.int64(0)
    for place in range(left):
        token = np.int64(candidates[place])
        if token < behind:
            continue
        start = np.int64(places[token])
        length = places[token + n] - start
        value = hash_segment(letters, size, start, length)
        slot = value & mask
        while True:
            other = slots[slot] - base
            if other < 0:
                slots[slot] = base + token
                hashes[token] = value
                break
            if (
                hashes[other] == value
                and places[other + n] - places[other] == length
                and equal_segments(letters, size, np.int64(places[other]), start, length)
            ):
                chars += ends[token + n] - ends[token]
                behind = token + n
                break
            slot = (slot + 1) & mask
    return chars
