"""Byte-pair merges of one pre-token: the pair of the lowest rank first, the leftmost of equals.

The table of pairs has one word a slot, `left << 43 | right << 22 | rank`, all ones where empty;
so tokens are below `MOST_TOKENS` and ranks below `MOST_MERGES`. Linear probing.

A pair keeps its rank until one of its tokens grows, and then the bytes that it covers grow too.
So a place's pair is never what it was before, and a queue's entry is out of date exactly where
its rank isn't that of the present pair.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import MULTIPLIER
from corpusmith.kernels.jit import inlined, kernel

MOST_TOKENS = (1 << 21) - 1
MOST_MERGES = 1 << 22
NO_RANK = 0xFFFFFFFF

SHORT = 256  # bytes of a pre-token whose pairs are searched for the lowest instead of queued

_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_TOKEN_BITS, _RANK_BITS = np.uint64(21), np.uint64(22)
_RANK_MASK = np.uint64((1 << 22) - 1)
_NO_KEY = np.uint32(0xFFFFFFFF)
_PLACE_BITS, _PLACE_MASK = np.uint32(8), np.uint32(255)
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@inlined
def _slot_of(key, bits):
    return np.int64((key * MULTIPLIER) >> np.uint64(64 - bits))


@kernel
def fill_pairs(left, right, pairs, bits):
    """Put merge number r = (`left[r]`, `right[r]`) (int32) into `pairs` (uint64[1 << bits]).

    A pair that is listed twice has the later rank, as in `tokenizers`.
    """
    mask = (np.int64(1) << bits) - 1
    pairs[:] = _EMPTY
    for rank in range(left.shape[0]):
        key = np.uint64(left[rank]) << _TOKEN_BITS | np.uint64(right[rank])
        slot = _slot_of(key, bits)
        while pairs[slot] != _EMPTY and pairs[slot] >> _RANK_BITS != key:
            slot = (slot + 1) & mask
        pairs[slot] = key << _RANK_BITS | np.uint64(rank)


@inlined
def rank_of(left, right, pairs, bits):
    """The rank of a pair of tokens (int32), as int64; NO_RANK where it is no merge."""
    key = np.uint64(left) << _TOKEN_BITS | np.uint64(right)
    slot = _slot_of(key, bits)
    mask = (np.int64(1) << bits) - 1
    while True:
        entry = pairs[slot]
        if entry >> _RANK_BITS == key:
            return np.int64(entry & _RANK_MASK)
        if entry == _EMPTY:
            return np.int64(NO_RANK)
        slot = (slot + 1) & mask


@inlined
def _short_key(left, right, place, pairs, bits):
    rank = rank_of(left, right, pairs, bits)
    if rank == NO_RANK:
        return _NO_KEY
    return np.uint32(rank << 8 | place)


@kernel
def merge_short(
    data, start, length, byte_tokens, byte_ranks, pairs, bits, merged,
    keys, tokens, following, previous, out, at,
):  # fmt: skip
    """Tokens of the `length` <= SHORT bytes from `data[start]` on, to `out[at:]`; the new `at`.

    `keys[i]` (uint32[SHORT]) is `rank << 8 | i` of the pair that begins at byte i: their minimum
    is the next merge, and finding it is one pass that the processor does 8 or 16 at a time.
    """
    for place in range(length):
        tokens[place] = byte_tokens[data[start + place]]
        following[place] = place + 1
        previous[place] = place - 1
    width = (length + 15) & ~np.int64(15)
    for place in range(length - 1):
        pair = np.int64(data[start + place]) << 8 | np.int64(data[start + place + 1])
        rank = byte_ranks[pair]
        keys[place] = _NO_KEY if rank == _NO_KEY else rank << _PLACE_BITS | np.uint32(place)
    for place in range(length - 1, width):
        keys[place] = _NO_KEY
    while True:
        best = _NO_KEY
        for place in range(width):
            best = min(best, keys[place])
        if best == _NO_KEY:
            break
        left = np.int64(best & _PLACE_MASK)
        token = merged[best >> _PLACE_BITS]
        gone = np.int64(following[left])
        after = np.int64(following[gone])
        tokens[left] = token
        following[left] = after
        keys[gone] = _NO_KEY
        if after < length:
            previous[after] = left
            keys[left] = _short_key(token, tokens[after], left, pairs, bits)
        else:
            keys[left] = _NO_KEY
        before = np.int64(previous[left])
        if before >= 0:
            keys[before] = _short_key(tokens[before], token, before, pairs, bits)
    place = np.int64(0)
    while place < length:
        out[at] = tokens[place]
        at += 1
        place = np.int64(following[place])
    return at


@inlined
def _sift_up(heap, place):
    key = heap[place]
    while place > 0:
        parent = (place - 1) >> 1
        if heap[parent] <= key:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = key


@inlined
def _sift_down(heap, place, count):
    key = heap[place]
    while True:
        child = 2 * place + 1
        if child >= count:
            break
        if child + 1 < count and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = key


@kernel
def merge_long(
    data, start, length, byte_tokens, byte_ranks, pairs, bits, merged,
    ranks, tokens, following, previous, heap, out, at,
):  # fmt: skip
    """The same for any length, in O(length log length): a heap of `rank << 32 | place`.

    The arrays have `length` items, `heap` (uint64) twice as many: it begins with length - 1
    entries, and a merge takes one out and puts at most two in.
    """
    count = np.int64(0)
    for place in range(length):
        tokens[place] = byte_tokens[data[start + place]]
        following[place] = place + 1
        previous[place] = place - 1
        ranks[place] = _NO_KEY
        if place + 1 < length:
            pair = np.int64(data[start + place]) << 8 | np.int64(data[start + place + 1])
            ranks[place] = byte_ranks[pair]
            if ranks[place] != _NO_KEY:
                heap[count] = np.uint64(ranks[place]) << _HALF | np.uint64(place)
                count += 1
    for place in range(count // 2 - 1, -1, -1):
        _sift_down(heap, np.int64(place), count)
    while count > 0:
        top = heap[0]
        count -= 1
        heap[0] = heap[count]
        if count > 1:
            _sift_down(heap, np.int64(0), count)
        left = np.int64(top & _LOW)
        rank = np.uint32(top >> _HALF)
        if ranks[left] != rank:
            continue
        token = merged[rank]
        gone = np.int64(following[left])
        after = np.int64(following[gone])
        tokens[left] = token
        following[left] = after
        ranks[gone] = _NO_KEY
        ranks[left] = _NO_KEY
        if after < length:
            previous[after] = left
            new = rank_of(token, tokens[after], pairs, bits)
            if new != NO_RANK:
                ranks[left] = np.uint32(new)
                heap[count] = np.uint64(new) << _HALF | np.uint64(left)
                count += 1
                _sift_up(heap, count - 1)
        before = np.int64(previous[left])
        if before >= 0:
            ranks[before] = _NO_KEY
            new = rank_of(tokens[before], token, pairs, bits)
            if new != NO_RANK:
                ranks[before] = np.uint32(new)
                heap[count] = np.uint64(new) << _HALF | np.uint64(before)
                count += 1
                _sift_up(heap, count - 1)
    place = np.int64(0)
    while place < length:
        out[at] = tokens[place]
        at += 1
        place = np.int64(following[place])
    return at
