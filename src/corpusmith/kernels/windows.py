"""Windows of N tokens that occur twice: fingerprints, first occurrences, and what is removed.

A window's fingerprint only brings together windows that may be equal; `unequal_runs` then
compares their tokens, so no result depends on a hash. Two polynomials of the tokens' hashes
modulo 2^64 (Karp and Rabin 1987), rolled from window to window, give 64 bits to sort by and
20 to tell apart.

A record is two uint64: the sorting bits, and 20 bits above the 44 of the window's place (the
number of its first token).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpusmith.kernels import tokens
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.hashing import load64
from corpusmith.kernels.jit import inlined, kernel, pointer

PLACE_BITS = 44  # 1.7e13 tokens
_PLACE = np.uint64((1 << PLACE_BITS) - 1)
_CHECK = np.uint64(PLACE_BITS)
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)


def hash_constants(seed: int) -> np.ndarray:
    """uint64[4]: a token's seed and multiplier, and the bases of both polynomials, all odd."""
    constants = np.random.default_rng([0x73756273, seed]).integers(0, 2**64, 4, np.uint64)
    return constants | np.uint64(1)


@inlined
def _mixed(value):
    """A bijection that spreads each bit (the finalizer of MurmurHash3, public domain)."""
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@kernel
def window_records(hashes, ends, window, begin, end, first, base, check_base, bits, records):
    """Records of the windows that begin at tokens begin..end-1 and lie within one row.

    `hashes` uint64 and `ends` int64[rows + 1] as `tokens.canonical` leaves them; `first` is the
    number of token 0. `records` is uint64[end - begin, 2]. `bits` is ALL_BITS, or fewer to provoke
    collisions. Returns how many there are.
    """
    power = np.uint64(1)
    check_power = np.uint64(1)
    for _ in range(window - 1):
        power *= base
        check_power *= check_base
    count = 0
    for row in range(ends.shape[0] - 1):
        start = max(begin, ends[row])
        stop = min(end, ends[row + 1] - window + 1)  # of the places where windows begin
        if start >= stop:
            continue
        value = np.uint64(0)
        check = np.uint64(0)
        for at in range(start, stop + window - 1):
            if at >= start + window:
                value -= hashes[at - window] * power
                check -= hashes[at - window] * check_power
            value = value * base + hashes[at]
            check = check * check_base + hashes[at]
            if at >= start + window - 1:
                records[count, 0] = _mixed(value) & bits
                place = np.uint64(first + at - window + 1)
                records[count, 1] = (_mixed(check) & bits) >> _CHECK << _CHECK | place
                count += 1
    return count


@kernel
def partition(records, shift, starts, out):
    """Sort records by bits of their first word, those from `shift` on, stably (counting sort).

    `starts` (int64, zeros, buckets + 1, buckets a power of two) is filled with where each bucket
    begins in `out`.
    """
    buckets = starts.shape[0] - 1
    mask = np.uint64(buckets - 1)
    for record in range(records.shape[0]):
        starts[np.int64(records[record, 0] >> shift & mask) + 1] += 1
    for bucket in range(buckets):
        starts[bucket + 1] += starts[bucket]
    # Each start moves to its bucket's end, which is where the next one begins.
    for record in range(records.shape[0]):
        bucket = np.int64(records[record, 0] >> shift & mask)
        place = starts[bucket]
        starts[bucket] = place + 1
        out[place, 0] = records[record, 0]
        out[place, 1] = records[record, 1]
    for bucket in range(buckets, 0, -1):
        starts[bucket] = starts[bucket - 1]
    starts[0] = 0


@kernel
def first_occurrences(records, slots, pairs, firsts):
    """Which windows came before, by fingerprint; returns (pairs, firsts) written.

    `records` in the order of their places. `pairs` int64[., 2]: a window and the first with its
    fingerprint; `firsts` int64: the first ones that come again. `slots` are int32 zeros, a power
    of two and at least twice the records.
    """
    mask = np.uint64(slots.shape[0] - 1)
    later = 0
    again = 0
    for record in range(records.shape[0]):
        key = records[record, 0]
        place = records[record, 1]
        slot = np.int64(key & mask)
        while True:
            entry = slots[slot]
            if entry == 0:
                slots[slot] = record + 1
                break
            earlier = abs(entry) - 1
            if records[earlier, 0] == key and (records[earlier, 1] ^ place) >> _CHECK == 0:
                first = np.int64(records[earlier, 1] & _PLACE)
                pairs[later, 0] = np.int64(place & _PLACE)
                pairs[later, 1] = first
                later += 1
                if entry > 0:
                    slots[slot] = -entry
                    firsts[again] = first
                    again += 1
                break
            slot = np.int64(np.uint64(slot + 1) & mask)
    return later, again


@kernel
def thin_out(records, starts, slots, pairs):
    """Leave of equal fingerprints the first record, in place; returns (records left, pairs).

    `records` as `partition` leaves them, `starts` where each bucket begins, which is brought up to
    date. `slots` int32: a power of two and at least twice the records of the largest bucket.
    `pairs` int64[., 2]: each window that was taken out, and the first one.
    """
    left = 0
    out = 0
    begin = starts[0]
    for bucket in range(starts.shape[0] - 1):
        end = starts[bucket + 1]
        starts[bucket] = left
        size = 2
        while size < 2 * (end - begin):
            size *= 2
        for slot in range(size):
            slots[slot] = 0
        mask = np.uint64(size - 1)
        for record in range(begin, end):
            key = records[record, 0]
            place = records[record, 1]
            at = np.int64(key & mask)
            while True:
                entry = slots[at]
                if entry == 0:
                    records[left, 0] = key
                    records[left, 1] = place
                    left += 1
                    slots[at] = left
                    break
                first = records[entry - 1, 1]
                if records[entry - 1, 0] == key and (first ^ place) >> _CHECK == 0:
                    pairs[out, 0] = np.int64(place & _PLACE)
                    pairs[out, 1] = np.int64(first & _PLACE)
                    out += 1
                    break
                at = np.int64(np.uint64(at + 1) & mask)
        begin = end
    starts[starts.shape[0] - 1] = left
    return left, out


@kernel
def add_pairs(source, repeated, pairs, first):
    """Enter the pairs of `thin_out`, of which the first may have come before somewhere else.

    `source` int64[tokens]: of each window of the part its first occurrence, as far as is known,
    else -1; `repeated` bool[tokens]: it is the first of several. `pairs` int64[., 2] count tokens
    from the part's first, whose number is `first`.
    """
    for pair in range(pairs.shape[0]):
        later, own = pairs[pair, 0], pairs[pair, 1]
        if source[own] >= 0:
            source[later] = source[own]
        else:
            source[later] = own + first
            repeated[own] = True


@kernel
def find_runs(first_of, begin, end, runs):
    """Runs of windows whose first occurrences follow one another as they do.

    `first_of` int64[tokens]: of each window its first occurrence, -1 where it is the first. Looks
    at windows begin..end-1; `runs` int64[., 3]: first window, windows, first occurrence of the
    first window. Returns their number.
    """
    count = 0
    for place in range(begin, end):
        first = first_of[place]
        if first < 0:
            continue
        if count > 0:
            last = runs[count - 1, 0] + runs[count - 1, 1]
            if place == last and first == runs[count - 1, 2] + runs[count - 1, 1]:
                runs[count - 1, 1] += 1
                continue
        runs[count, 0] = place
        runs[count, 1] = 1
        runs[count, 2] = first
        count += 1
    return count


@kernel
def unequal_runs(runs, chosen, window, text, starts, other, other_starts, other_first):
    """How many of the runs `chosen` (int64) are not equal, token by token, to what they stand for.

    `text` (uint8) and `starts` (uint32[tokens + 1]) are the canonical text of the runs' own part,
    `other` and `other_starts` that of the part whose first token is number `other_first`.
    """
    left, right = pointer(text), pointer(other)
    unequal = 0
    for index in range(chosen.shape[0]):
        run = chosen[index]
        place = runs[run, 0]
        count = runs[run, 1] + window - 1
        source = runs[run, 2] - other_first
        at = np.int64(starts[place])
        end = np.int64(starts[place + count])
        there = np.int64(other_starts[source])
        if np.int64(other_starts[source + count]) - there != end - at:
            unequal += 1
            continue
        while at + 8 <= end and load64(left, at) == load64(right, there):
            at += 8
            there += 8
        while at < end and left[at] == right[there]:
            at += 1
            there += 1
        if at < end:
            unequal += 1
    return unequal


@kernel
def removed_spans(source, repeated, ends, window, spans):
    """Tokens that lie in a later occurrence and in no first one, as spans; returns their number.

    `source` int64[tokens]: for a window that came before, the document of its first occurrence,
    else -1. `repeated` bool[tokens]: the window is the first of several. `ends` int64[rows + 1].
    `spans` int64[., 4]: row, first token, token after the last, source; without room they are
    only counted. A token's source is that of the last window before it; a span ends where it
    changes.
    """
    count = 0
    for row in range(ends.shape[0] - 1):
        begin = ends[row]
        later_until = begin
        kept_until = begin
        document = np.int64(-1)
        open_from = np.int64(-1)
        open_source = np.int64(-1)
        for token in range(begin, ends[row + 1] + 1):
            removed = False
            if token < ends[row + 1]:
                if source[token] >= 0:
                    later_until = token + window
                    document = source[token]
                elif repeated[token]:
                    kept_until = token + window
                removed = token < later_until and token >= kept_until
            if open_from >= 0 and not (removed and document == open_source):
                if count < spans.shape[0]:
                    spans[count, 0] = row
                    spans[count, 1] = open_from
                    spans[count, 2] = token
                    spans[count, 3] = open_source
                count += 1
                open_from = np.int64(-1)
            if removed and open_from < 0:
                open_from = token
                open_source = document
    return count


def warm() -> None:
    """Compile the kernels of this module and of `tokens`, or load them from Numba's cache."""
    data, offsets = text_buffers(pa.array(["a b a b"], pa.large_string()))
    ends = np.zeros(2, np.int64)
    ranges = np.zeros((2, len(data)), np.int64)
    tokens.token_ranges(data, offsets, *tokens.class_tables(), ranges[0], ranges[1], ends)
    seed, multiplier, base, check_base = hash_constants(0)
    text, starts = np.zeros(16, np.uint8), np.zeros(5, np.uint32)
    hashes = np.zeros(8, np.uint64)
    tokens.canonical(
        data, offsets, *tokens.class_tables(), seed, multiplier, 0, text, starts, hashes, ends
    )
    records = np.zeros((4, 2), np.uint64)
    window_records(hashes, ends, 2, 0, 4, 0, base, check_base, ALL_BITS, records)
    parts, pairs, firsts = np.zeros(3, np.int64), np.zeros((4, 2), np.int64), np.zeros(4, np.int64)
    partition(records, np.uint64(63), parts, records.copy())
    thin_out(records.copy(), parts, np.zeros(16, np.int32), pairs)
    first_occurrences(records[:3], np.zeros(8, np.int32), pairs, firsts)
    source, runs = np.full(4, -1), np.zeros((4, 3), np.int64)
    add_pairs(source, np.zeros(4, np.bool_), pairs[:0], 0)
    find_runs(source, 0, 4, runs)
    text.setflags(write=False)
    starts.setflags(write=False)
    unequal_runs(runs, np.zeros(0, np.int64), 2, text, starts, text, starts, 0)
    removed_spans(source, np.zeros(4, np.bool_), ends, 2, np.zeros((0, 4), np.int64))
