"""Repeated n-grams of given tokens as datatrove counts them, exactly.

`find_top_duplicate` compares n-grams token by token, `find_all_duplicate` compares what n tokens
spell together: "ab c" and "a bc" are one there. So the tokens are laid one after the other, and
a run of them is a range of bytes, found by a polynomial hash that is the same however the range
is split, and compared byte by byte. datatrove 0.10.1, `gopher_repetition_filter.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import equal_bytes
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.spacy_words import Words

COUNTS = (
    "top2", "top3", "top4", "dup5", "dup6", "dup7", "dup8", "dup9", "dup10",
)  # fmt: skip
_FIRST_DUPLICATE, _LONGEST = 5, 10
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)


class Work(NamedTuple):
    """Memory for the tokens of one text."""

    letters: np.ndarray  # uint8: the tokens one after the other
    places: np.ndarray  # int64[tokens + 1]: bytes before each token
    chars: np.ndarray  # int64[tokens + 1]: code points before each token
    hashes: np.ndarray  # uint64[tokens]
    powers: np.ndarray  # uint64[tokens]: _BASE to the token's bytes
    sums: np.ndarray  # uint64[tokens]: hash of the n-gram that begins at the token
    slots: np.ndarray  # int64[power of two]: base + the first token of an n-gram
    counts: np.ndarray  # int64[tokens]: of the n-gram that begins there first
    state: np.ndarray  # int64[1]: base; a slot below it is empty


def _new_work(longest: int, tokens: int) -> Work:
    slots = 1 << max(int(2 * tokens).bit_length(), 4)
    return Work(
        letters=np.empty(longest, np.uint8),
        places=np.empty(tokens + 1, np.int64),
        chars=np.empty(tokens + 1, np.int64),
        hashes=np.empty(tokens, np.uint64),
        powers=np.empty(tokens, np.uint64),
        sums=np.empty(tokens, np.uint64),
        slots=np.zeros(slots, np.int64),
        counts=np.empty(tokens, np.int64),
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
            pointer(data), offsets[row], ends[row], ends[row + 1] - ends[row], pointer(starts),
            pointer(lengths), pointer(chars), pointer(work.letters),
            np.int64(work.letters.shape[0]), pointer(work.places), pointer(work.chars),
            pointer(work.hashes), pointer(work.powers), pointer(work.sums), pointer(work.slots),
            pointer(work.counts), pointer(work.state), pointer(found[row]),
        )  # fmt: skip


@kernel
def _ngrams(
    data, begin, first, tokens, starts, lengths, chars, letters, size, places, ends, hashes,
    powers, sums, slots, counts, state, row,
):  # fmt: skip
    at = np.int64(0)
    before = np.int64(0)
    for token in range(tokens):
        start = begin + starts[first + token]
        value, power = np.uint64(0), np.uint64(1)
        places[token], ends[token] = at, before
        for byte in range(start, start + lengths[first + token]):
            letters[at] = data[byte]
            at += 1
            value = value * _BASE + np.uint64(data[byte]) + np.uint64(1)
            power *= _BASE
        hashes[token], powers[token], sums[token] = value, power, value
        before += chars[first + token]
    places[tokens], ends[tokens] = at, before
    mask = np.int64(16)
    while mask < 2 * tokens:
        mask *= 2
    mask -= 1
    for n in range(2, _LONGEST + 1):
        count = tokens - n + 1
        if count < 1:
            return
        for token in range(count):
            last = token + n - 1
            sums[token] = sums[token] * powers[last] + hashes[last]
        if n < _FIRST_DUPLICATE:
            row[n - 2] = _top(
                letters, size, places, ends, sums, slots, counts, state, mask, n, count
            )
        else:
            row[n - 2] = _duplicates(
                letters, size, places, ends, sums, slots, state, mask, n, count
            )
        state[0] += tokens


@inlined
def _slot(value, mask):
    value = (value ^ (value >> _HALF)) * _MIX
    return np.int64(value >> _HALF) & mask


@kernel
def _top(letters, size, places, ends, sums, slots, counts, state, mask, n, count):
    base = state[0]
    best, best_token = np.int64(0), np.int64(0)
    for token in range(count):
        slot = _slot(sums[token], mask)
        bytes_ = places[token + n] - places[token]
        while True:
            other = slots[slot] - base
            if other < 0:
                slots[slot] = base + token
                counts[token] = 1
                other = np.int64(token)
                break
            if sums[other] == sums[token] and places[other + n] - places[other] == bytes_:
                same = True
                for middle in range(1, n):
                    if (
                        places[other + middle] - places[other]
                        != places[token + middle] - places[token]
                    ):
                        same = False
                if same and equal_bytes(letters, size, places[other], places[token], bytes_):
                    counts[other] += 1
                    break
            slot = (slot + 1) & mask
        # The first of those that occur equally often, as Counter.most_common has it.
        if counts[other] > best or (counts[other] == best and other < best_token):
            best, best_token = counts[other], other
    return (ends[best_token + n] - ends[best_token] + n - 1) * best


@kernel
def _duplicates(letters, size, places, ends, sums, slots, state, mask, n, count):
    base = state[0]
    chars = np.int64(0)
    token = np.int64(0)
    while token < count:
        slot = _slot(sums[token], mask)
        bytes_ = places[token + n] - places[token]
        step = np.int64(0)
        while step == 0:
            other = slots[slot] - base
            if other < 0:
                slots[slot] = base + token
                step = np.int64(1)
            elif (
                sums[other] == sums[token]
                and places[other + n] - places[other] == bytes_
                and equal_bytes(letters, size, places[other], places[token], bytes_)
            ):
                chars += ends[token + n] - ends[token]
                step = np.int64(n)
            slot = (slot + 1) & mask
        token += step
    return chars
