"""Tables of byte ranges of a document, and the one of its lines and paragraphs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import equal_bytes, hash_bytes
from corpusmith.kernels.jit import kernel

# Indexes into `Table.state`.
BASE, MASK, ENTRIES, SLOTS, LIMIT = range(5)

# Fields of an entry of `Table.entries`.
HASH, START, LENGTH, COUNT = range(4)
FIELDS = 4


class Table(NamedTuple):
    """Distinct byte ranges of the present document; see `hashing` for the slots."""

    slots: np.ndarray  # uint32[power of two]
    entries: np.ndarray  # int64[FIELDS * (entries + 1)]: hash, first byte, bytes, counts
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
def segment_entry(data, size, start, length, slots, entries, state):
    """The entry of the segment `data[start:start + length]`, which is new with a count of 0."""
    base = state[BASE]
    mask = state[MASK]
    value = hash_bytes(data, size, start, length)
    slot = value & mask
    while True:
        found = np.int64(slots[slot]) - base
        if found < 0:
            break
        field = FIELDS * found
        if (
            entries[field + HASH] == value
            and entries[field + LENGTH] == length
            and (length <= 8 or equal_bytes(data, size, entries[field + START], start, length))
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
