"""From repeated 5-grams to those of 6 to 10 tokens, place by place instead of level by level.

A place whose 5-gram occurred before mostly goes on as that first occurrence does: how far says one
comparison of eight tokens, and as far its n-grams have the same number. Where it goes on in another
way before the tenth token, its longer n-gram is looked up by its number so far and the token that
differs, and again it goes on as the first of those does. The levels themselves are then comparisons
of bytes, 64 places at a time.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import HALF, MULTIPLIER
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.slots import empty_table
from corpusmith.kernels.vectors import BLOCK, at_least, count_bits, equal_items, lowest_bit

SHORTEST, LONGEST = 5, 10
ROWS = LONGEST + 1
"""Rows of the bitmaps `diverging`, those of 6 to 10 in use."""

SLACK = 3 * BLOCK
"""Items behind the last token's that may be read, or must be there to be."""

_ONE, _NONE, _ALL = np.uint64(1), np.uint64(0), ~np.uint64(0)


@kernel
def blocks_of(tokens):
    """Words of a bitmap over so many tokens, with one behind them."""
    return (tokens + BLOCK - 1) // BLOCK + 1


@inlined
def _goes_on(place, number, length, reach, copied, diverging, blocks):
    """The n-gram at `place` occurred first at `number`, before it, for all n up to `length`."""
    copied[place] = length
    reach[place] = length
    reach[number] = max(np.int64(reach[number]), length)
    if length < LONGEST:
        diverging[blocks * (length + 1) + (place >> 6)] |= _ONE << np.uint64(place & 63)


@kernel
def follow_fives(ids, count, candidates, looked_at, numbers, counts, reach, copied, diverging):
    """Begin with the 5-grams at the candidates: fill for each place of the text `reach` (uint8,
    the longest n for which its n-gram occurs twice, or 0), `copied` (the longest n for which it
    occurred before) and `diverging`, bits of the places to look up for each n. Returns how often
    the most frequent 5-gram occurs."""
    blocks = blocks_of(count)
    for place in range(count + BLOCK):
        reach[place] = 0
        copied[place] = 0
    for word in range(blocks * (SHORTEST + 1), blocks * (LONGEST + 1)):
        diverging[word] = _NONE
    most = np.int64(0)
    for index in range(looked_at):
        place = np.int64(candidates[index])
        number = np.int64(numbers[place])
        if number == place:
            continue
        most = max(most, np.int64(counts[number]))
        length = min(
            SHORTEST + equal_items(ids, number + SHORTEST, place + SHORTEST),
            min(np.int64(LONGEST), count - place),
        )
        _goes_on(place, number, length, reach, copied, diverging, blocks)
    return most


@kernel
def look_up(n, ids, count, numbers, parents, reach, copied, diverging, slots, state):
    """Number the n-grams that don't go on as the first occurrence of their (n-1)-gram does."""
    blocks = blocks_of(count)
    row = blocks * n
    rest = np.int64(0)
    for block in range(blocks - 1):
        bits = diverging[row + block]
        if bits != _NONE:  # what occurs twice ends in an (n-1)-gram that does
            bits &= at_least(reach, BLOCK * block + 1, n - 1)
            diverging[row + block] = bits
            rest += count_bits(bits)
    if rest == 0:
        return
    mask, base = empty_table(rest, slots, state, count)
    for block in range(blocks - 1):
        bits = diverging[row + block]
        while bits != _NONE:
            place = BLOCK * block + lowest_bit(bits)
            bits &= bits - _ONE
            parent = numbers[place]
            parents[place] = parent
            last = ids[place + n - 1]
            value = (np.uint64(parent) << HALF | np.uint64(last)) * MULTIPLIER
            slot = np.int64(value >> HALF) & mask
            while True:
                found = np.int64(slots[slot]) - base
                found = place if found < 0 else found
                if (parents[found] == parent) & (ids[found + n - 1] == last):
                    break
                slot = (slot + 1) & mask
            slots[slot] = base + found
            numbers[place] = found
            if found == place:
                continue
            length = min(
                n + equal_items(ids, found + n, place + n), min(np.int64(LONGEST), count - place)
            )
            _goes_on(place, found, length, reach, copied, diverging, blocks)
    state[0] = base + count


@inlined
def _from(place):
    """A mask of the bits from that of `place` in its word on."""
    return _ALL << np.uint64(place & 63)


@kernel
def greedy_chars(n, count, numbers, copied, ends, skipped):
    """Characters of n-grams seen before, from left to right: one of them is stepped over whole,
    one not seen before is noted. `skipped` is memory for a bitmap of the places.

    Only places whose n-gram occurred before are looked at. It was noted there, unless that place
    was stepped over; then `skipped` has its bit, until it is noted elsewhere.
    """
    for block in range(blocks_of(count)):
        skipped[block] = _NONE
    chars = np.int64(0)
    free = np.int64(0)
    for block in range(blocks_of(count) - 1):
        bits = at_least(copied, BLOCK * block, n)
        if free > BLOCK * block:
            bits = bits & _from(free) if free < BLOCK * (block + 1) else _NONE
        while bits != _NONE:
            place = BLOCK * block + lowest_bit(bits)
            number = np.int64(numbers[place])
            bit = _ONE << np.uint64(number & 63)
            if skipped[number >> 6] & bit:
                skipped[number >> 6] ^= bit
                bits &= bits - _ONE
                continue
            chars += ends[place + n] - ends[place]
            free = place + n
            inside = ((_ONE << np.uint64(n - 1)) - _ONE, np.uint64((place + 1) & 63))
            skipped[(place + 1) >> 6] |= inside[0] << inside[1]
            if free & 63 < n - 1:
                skipped[free >> 6] |= (_ONE << np.uint64(free & 63)) - _ONE
            bits = bits & _from(free) if free < BLOCK * (block + 1) else _NONE
    return chars


@kernel
def covered_chars(n, count, reach, ends):
    """Characters of all tokens in an n-gram that occurs twice."""
    chars = np.int64(0)
    free = np.int64(0)
    for block in range(blocks_of(count) - 1):
        bits = at_least(reach, BLOCK * block, n)
        while bits != _NONE:
            first = lowest_bit(bits)
            run = lowest_bit(~(bits >> np.uint64(first)))
            place = BLOCK * block + first
            stop = place + run - 1 + n
            chars += ends[stop] - ends[max(place, free)]
            free = stop
            bits = bits & _from(first + run) if first + run < BLOCK else _NONE
    return chars
