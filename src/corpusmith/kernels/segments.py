"""Lines and paragraphs that a document repeats, and the numbering of its tokens' spellings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from corpusmith.kernels.hashing import HALF, MULTIPLIER, equal_bytes, hash_bytes, place, short_key

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's eight (Rae et al. 2021, appendix A1)."""

_STOP_KEYS = np.array([int.from_bytes(word.encode(), "little") for word in STOP_WORDS], np.uint64)
_CASE_BITS = np.uint64(0x2020202020202020)

# Indexes into `Table.state`.
BASE, MASK, ENTRIES = range(3)

RAW_LINE, STRIPPED_LINE, RAW_PARAGRAPH, STRIPPED_PARAGRAPH = range(4)


class Table(NamedTuple):
    """Distinct byte ranges of the present document; see `hashing` for the slots."""

    slots: np.ndarray  # uint32[power of two]
    hashes: np.ndarray  # uint64[entries]
    starts: np.ndarray  # int64[entries], byte
    lengths: np.ndarray  # int32[entries], bytes
    counts: np.ndarray  # int32[entries]
    kinds: np.ndarray  # uint8[entries]
    state: np.ndarray  # int64[3]: base, mask, entries


def new_table(entries: int) -> Table:
    """An empty table for up to `entries`; memory is only touched as far as it is used."""
    slots = 1 << max(int(2 * entries - 1).bit_length(), 10)
    return Table(
        np.zeros(slots, np.uint32),
        np.zeros(entries, np.uint64),
        np.zeros(entries, np.int64),
        np.zeros(entries, np.int32),
        np.zeros(entries, np.int32),
        np.zeros(entries, np.uint8),
        np.array([1, 0, 0], np.int64),
    )


@njit(cache=True, nogil=True)
def begin_document(table, expected):
    """Empty the table; `expected` is a guess of its entries, which only speed depends on."""
    size = 64
    while size < 2 * expected:
        size *= 2
    if size > table.slots.shape[0]:
        size = table.slots.shape[0]
    table.state[BASE] += table.state[ENTRIES]
    table.state[ENTRIES] = 0
    table.state[MASK] = size - 1
    if table.state[BASE] + 4 * table.hashes.shape[0] > 0xFFFFFFFF:
        table.slots[:] = 0
        table.state[BASE] = 1


@njit(cache=True, nogil=True)
def _grow(table):
    entries = table.state[ENTRIES]
    mask = min(4 * (table.state[MASK] + 1), table.slots.shape[0]) - 1
    base = table.state[BASE] + entries
    place(table.slots, table.hashes, entries, base, mask)
    table.state[BASE] = base
    table.state[MASK] = mask


@njit(cache=True, nogil=True)
def _insert(table, slot, value, start, length, kind):
    entry = table.state[ENTRIES]
    table.slots[slot] = table.state[BASE] + entry
    table.hashes[entry] = value
    table.starts[entry] = start
    table.lengths[entry] = length
    table.counts[entry] = 1
    table.kinds[entry] = kind
    table.state[ENTRIES] = entry + 1
    if 2 * (entry + 1) > table.state[MASK] and table.state[MASK] + 1 < table.slots.shape[0]:
        _grow(table)
    return entry


@njit(cache=True, nogil=True)
def spelling(table, data, start, length):
    """The number of the token `data[start:start + length]`, in order of first occurrence."""
    if length <= 8:
        value = short_key(data, start, length) * MULTIPLIER  # one to one
        value ^= value >> HALF
    else:
        value = hash_bytes(data, start, start + length)
    base = table.state[BASE]
    mask = table.state[MASK]
    slot = np.int64(value & np.uint64(mask))
    while True:
        found = np.int64(table.slots[slot]) - base
        if found < 0:
            return _insert(table, slot, value, start, length, 0)
        if (
            table.hashes[found] == value
            and table.lengths[found] == length
            and (length <= 8 or equal_bytes(data, table.starts[found], start, length))
        ):
            table.counts[found] += 1
            return found
        slot = (slot + 1) & mask


@njit(cache=True, nogil=True)
def count_segment(table, data, start, stop, kind):
    """Count the segment `data[start:stop]` of a kind; how often it occurred up to now."""
    length = stop - start
    value = hash_bytes(data, start, stop) + np.uint64(kind)
    base = table.state[BASE]
    mask = table.state[MASK]
    slot = np.int64(value & np.uint64(mask))
    while True:
        found = np.int64(table.slots[slot]) - base
        if found < 0:
            _insert(table, slot, value, start, length, kind)
            return 1
        if (
            table.hashes[found] == value
            and table.lengths[found] == length
            and table.kinds[found] == kind
            and equal_bytes(data, table.starts[found], start, length)
        ):
            table.counts[found] += 1
            return table.counts[found]
        slot = (slot + 1) & mask


@njit(cache=True, nogil=True)
def stop_words(table, data):
    """(Distinct stop words in lower case as they are, occurrences in any case) of the document.

    datatrove counts the first on words as spelled, DCLM the second on words in lower case.
    """
    seen = 0
    occurrences = 0
    for entry in range(table.state[ENTRIES]):
        length = table.lengths[entry]
        if length < 2 or length > 4:
            continue
        key = short_key(data, table.starts[entry], length)
        low = key | (_CASE_BITS >> np.uint64(64 - 8 * length))
        for word in range(_STOP_KEYS.shape[0]):
            if low == _STOP_KEYS[word]:
                occurrences += table.counts[entry]
                if key == low:
                    seen += 1
    return seen, occurrences


@njit(cache=True, nogil=True)
def median_twice(table, chars, words):
    """Twice the median of the words' lengths (`chars[entry]` > 0 for words), 0 without words.

    Binary search for the length at a rank over the distinct spellings: no sort, no list.
    """
    if words == 0:
        return 0
    return _length_at(table, chars, (words - 1) // 2) + _length_at(table, chars, words // 2)


@njit(cache=True, nogil=True)
def _length_at(table, chars, rank):
    low = 1
    high = 1
    for entry in range(table.state[ENTRIES]):
        if chars[entry] > high:
            high = chars[entry]
    while low < high:
        middle = (low + high) // 2
        below = 0
        for entry in range(table.state[ENTRIES]):
            if 0 < chars[entry] <= middle:
                below += table.counts[entry]
        if below > rank:
            high = middle
        else:
            low = middle + 1
    return low
