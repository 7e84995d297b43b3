"""Lines and paragraphs that a document repeats, and the numbering of its tokens' spellings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import equal_bytes, short_key
from corpusmith.kernels.jit import inlined, kernel

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's eight (Rae et al. 2021, appendix A1)."""

_STOP_KEYS = np.array([int.from_bytes(word.encode(), "little") for word in STOP_WORDS], np.uint64)
_NOT_ASCII = np.uint64(0x8080808080808080)
_CASE_BITS = np.uint64(0x2020202020202020)

# Indexes into `Table.state`.
BASE, MASK, ENTRIES, SLOTS, LIMIT = range(5)

# Fields of an entry of `Table.entries`.
HASH, START, MARK, COUNT = range(4)
FIELDS = 4


class Table(NamedTuple):
    """Distinct byte ranges of the present document; see `hashing` for the slots."""

    slots: np.ndarray  # uint32[power of two]
    entries: np.ndarray  # int64[FIELDS * entries]: hash, first byte, 4 * bytes + sort, occurrences
    state: np.ndarray  # int64[5]: base, mask, entries; all slots, most entries


def new_table(entries: int) -> Table:
    """An empty table for up to `entries`; memory is only touched as far as it is used."""
    slots = 1 << max(int(2 * entries - 1).bit_length(), 10)
    return Table(
        np.zeros(slots, np.uint32),
        np.zeros(FIELDS * entries, np.int64),
        np.array([1, 0, 0, slots, entries], np.int64),
    )


@kernel
def begin_document(slots, state, expected):
    """Empty the table; `expected` is a guess of its entries, which only speed depends on."""
    size = 64
    while size < 2 * expected and size < state[SLOTS]:
        size *= 2
    state[BASE] += state[ENTRIES]
    state[ENTRIES] = 0
    state[MASK] = size - 1
    if state[BASE] + 4 * state[LIMIT] > 0xFFFFFFFF:
        for slot in range(state[SLOTS]):
            slots[slot] = 0
        state[BASE] = 1


@kernel
def _grow(slots, entries, state):
    count = state[ENTRIES]
    mask = min(4 * (state[MASK] + 1), state[SLOTS]) - 1
    base = state[BASE] + count
    for entry in range(count):
        slot = entries[FIELDS * entry + HASH] & mask
        while slots[slot] >= base:
            slot = (slot + 1) & mask
        slots[slot] = base + entry
    state[BASE] = base
    state[MASK] = mask


@inlined
def find_or_add(data, size, start, length, value, sort, slots, entries, state):
    """The entry of `data[start:start + length]` of this sort (0..3) and hash, counted
    once more."""
    base = state[BASE]
    mask = state[MASK]
    mark = length << 2 | sort
    slot = value & mask
    while True:
        found = np.int64(slots[slot]) - base
        if found < 0:
            break
        field = FIELDS * found
        if (
            entries[field + HASH] == value
            and entries[field + MARK] == mark
            and (length <= 8 or equal_bytes(data, size, entries[field + START], start, length))
        ):
            entries[field + COUNT] += 1
            return found
        slot = (slot + 1) & mask
    found = state[ENTRIES]
    slots[slot] = base + found
    field = FIELDS * found
    entries[field + HASH] = value
    entries[field + START] = start
    entries[field + MARK] = mark
    entries[field + COUNT] = 1
    state[ENTRIES] = found + 1
    if 2 * (found + 1) > mask and mask + 1 < state[SLOTS]:
        _grow(slots, entries, state)
    return found


@kernel
def stop_words(data, size, entries, count):
    """(Distinct stop words in lower case as they are, occurrences in any case) of the document.

    datatrove counts the first on words as spelled, DCLM the second on words in lower case.
    """
    seen = 0
    occurrences = 0
    for entry in range(count):
        length = entries[FIELDS * entry + MARK] >> 2
        if length < 2 or length > 4:
            continue
        key = short_key(data, size, entries[FIELDS * entry + START], length)
        if key & _NOT_ASCII:
            continue
        low = key | (_CASE_BITS >> np.uint64(64 - 8 * length))
        for word in range(_STOP_KEYS.shape[0]):
            if low == _STOP_KEYS[word]:
                occurrences += entries[FIELDS * entry + COUNT]
                if key == low:
                    seen += 1
    return seen, occurrences


@kernel
def median_twice(entries, count, chars, words):
    """Twice the median of the words' lengths (`chars[entry]` > 0 for words), 0 without words.

    Binary search for the length at a rank over the distinct spellings: no sort, no list.
    """
    if words == 0:
        return np.int64(0)
    lower = _length_at(entries, count, chars, (words - 1) // 2)
    if words % 2 == 1:
        return 2 * lower
    # The other middle word is as long, or the next longer one.
    up_to = np.int64(0)
    upper = np.int64(0x7FFFFFFF)
    for entry in range(count):
        if 0 < chars[entry] <= lower:
            up_to += entries[FIELDS * entry + COUNT]
        elif lower < chars[entry] < upper:
            upper = np.int64(chars[entry])
    return 2 * lower if up_to > words // 2 else lower + upper


@kernel
def _length_at(entries, count, chars, rank):
    low = 1
    high = 1
    for entry in range(count):
        if chars[entry] > high:
            high = chars[entry]
    while low < high:
        middle = (low + high) // 2
        below = 0
        for entry in range(count):
            if 0 < chars[entry] <= middle:
                below += entries[FIELDS * entry + COUNT]
        if below > rank:
            high = middle
        else:
            low = middle + 1
    return low
