"""Tables of byte ranges of a document, and the one of its lines and paragraphs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import HALF, MULTIPLIER, equal_bytes, short_key
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.vectors import BLOCK, FACTORS, differing_bits, hash_block

# Indexes into `Table.state`.
BASE, MASK, ENTRIES, SLOTS, LIMIT = range(5)

# Fields of an entry of `Table.entries`; the last four are `lines`' own.
HASH, START, LENGTH, COUNT, LINE_START, LINE_LENGTH, PARAGRAPH_START, PARAGRAPH_LENGTH = range(8)
FIELDS = 8

_FACTORS = np.array(FACTORS, np.uint64)


class Table(NamedTuple):
    """Distinct byte ranges of the present document; see `hashing` for the slots."""

    slots: np.ndarray  # uint32[power of two]
    entries: np.ndarray  # int64[FIELDS * (entries + 1)]: hash, first byte, bytes, counts ...
    state: np.ndarray  # int64[5]: base, mask, entries; all slots, most entries


def new_table(entries: int) -> Table:
    """An empty table for up to `entries`; memory is only touched as far as it is used."""
    slots = 1 << max(int(4 * entries - 1).bit_length(), 10)
    return Table(
        np.zeros(slots, np.uint32),
        np.zeros(FIELDS * (entries + 1), np.int64),
        np.array([1, 0, 0, slots, entries], np.int64),
    )


@kernel
def begin_document(slots, state, expected):
    """Empty the table; `expected` is a guess of its entries, which only speed depends on."""
    size = 64
    while size < 4 * expected and size < state[SLOTS]:
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
    """Four times the slots, where the table has filled half of them."""
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


@kernel
def _hash_end(data, size, at, count):
    """`hash_block` where 64 bytes are not there."""
    value = np.uint64(0)
    for word in range((count + 7) // 8):
        part = short_key(data, size, at + 8 * word, min(count - 8 * word, np.int64(8)))
        part *= _FACTORS[word]
        value += part ^ (part >> HALF)
    return value


@inlined
def hash_segment(data, size, start, length):
    """A hash of `data[start:start + length]`, one to one for ranges of equal length up to 8.

    64 bytes at a time, so that most lines are done with in one step: their length is hard to guess,
    for a processor too.
    """
    value = np.uint64(length)
    while length > BLOCK:
        value = (value ^ hash_block(data, start, BLOCK)) * MULTIPLIER
        value ^= value >> HALF
        start += BLOCK
        length -= BLOCK
    if start + BLOCK <= size:
        value ^= hash_block(data, start, length)
    else:
        value ^= _hash_end(data, size, start, length)
    value *= MULTIPLIER
    return np.int64(value ^ (value >> HALF))


@inlined
def equal_segments(data, size, left, right, length):
    """Whether `length` bytes are the same from `left` and from `right` on."""
    while length > BLOCK:
        if differing_bits(data, left, right) != np.uint64(0):
            return False
        left += BLOCK
        right += BLOCK
        length -= BLOCK
    if max(left, right) + BLOCK > size:
        return equal_bytes(data, size, left, right, length)
    beyond = np.uint64(BLOCK - length)
    return length == 0 or differing_bits(data, left, right) << beyond == np.uint64(0)


@kernel
def segment_entry(data, size, start, length, slots, entries, state):
    """The entry of the segment `data[start:start + length]`, which is new with a count of 0."""
    base = state[BASE]
    mask = state[MASK]
    value = hash_segment(data, size, start, length)
    slot = value & mask
    while True:
        found = np.int64(slots[slot]) - base
        if found < 0:
            break
        field = FIELDS * found
        if (
            entries[field + HASH] == value
            and entries[field + LENGTH] == length
            and (length <= 8 or equal_segments(data, size, entries[field + START], start, length))
        ):
            return found
        slot = (slot + 1) & mask
    found = state[ENTRIES]
    slots[slot] = base + found
    field = FIELDS * found
    entries[field + HASH] = value
    entries[field + START] = start
    entries[field + LENGTH] = length
    entries[field + COUNT] = 0
    state[ENTRIES] = found + 1
    if 4 * (found + 1) > mask and mask + 1 < state[SLOTS]:
        _grow(slots, entries, state)
    return found
