"""Byte-level BPE of whole columns: pre-tokens, a cache of their tokens, merges.

Text repeats its pre-tokens, so most of them are looked up rather than merged. Two caches, both of
fixed size, in which a new entry takes the place of an older one; an entry holds the whole
pre-token and is compared with it, so that no result depends on a hash or on what was encoded
before. A longer pre-token, such as a sentence in Chinese, is first cut where no merge can cross
(`joints`), so that its parts are found in a cache:

    short   up to 15 bytes and 3 tokens. Slots of 4 words, 2 of them a bucket, which is one cache
            line: bytes 0..7; bytes 8..14 and, on top, the length; tokens 0 and 1; token 2 and
            the number of tokens.
    long    up to 48 bytes and 18 tokens. Slots of 16 words: length and number of tokens; 6 words
            of bytes, zeros after the last; tokens, two a word.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import MULTIPLIER, hash_bytes, load64, prefetch, short_key
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.joints import SPREAD, first_cut
from corpusmith.kernels.merging import SHORT, merge_long, merge_short
from corpusmith.kernels.pretokens import split

BLOCK = 512  # pre-tokens found, then encoded, at a time: two loops that each fit the processor
SHORT_BITS = 17  # 2^17 buckets of 64 bytes: 8 MiB
LONG_BITS = 15  # 2^15 slots of 128 bytes: 4 MiB
SLACK = 3  # tokens that `encode_column` may write beyond those that it counts

_SHORT_BYTES, _SHORT_TOKENS = 15, 3
_LONG_BYTES, _LONG_TOKENS = 48, 18
_BUCKET, _SLOT, _LONG_SLOT, _LONG_TEXT = 8, 4, 16, 7
_ONE, _EIGHT, _HALF, _TOP, _WORD = (np.uint64(n) for n in (1, 8, 32, 56, 64))
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_LOW = np.uint64(0xFFFFFFFF)

ROW, AT, COUNT, NEEDED = range(4)  # of `Work.state`


class Tables(NamedTuple):
    """What a vocabulary is to the kernels."""

    pattern: int  # pretokens.GPT2, CL100K, O200K
    digits: int  # in CL100K \\p{N}{1,digits}
    letters: int  # in CL100K flags in place of \\p{L}
    roots: np.ndarray  # regexclasses
    leaves: np.ndarray
    byte_tokens: np.ndarray  # int32[256]: the token of each byte
    byte_ranks: np.ndarray  # uint32[65536]: rank of the pair of two bytes, or NO_RANK
    pairs: np.ndarray  # uint64[1 << pair_bits], see merging
    pair_bits: int
    merged: np.ndarray  # int32[merges]: the token that each merge makes
    whole: np.ndarray  # int32[1 << whole_bits]: tokens by the hash of their bytes, -1 where empty
    whole_bits: int  # 0 where pre-tokens that are tokens are merged like all others
    token_starts: np.ndarray  # int64[tokens + 1]: into token_bytes
    token_bytes: np.ndarray  # uint8
    joints: np.ndarray  # uint64, see `joints.fill_joints`; empty: pre-tokens are never cut


class Work(NamedTuple):
    """Memory that a thread brings: the caches keep what they hold from call to call."""

    short: np.ndarray  # uint64[8 << SHORT_BITS], aligned to 64 bytes
    long: np.ndarray  # uint64[16 << LONG_BITS]
    ends: np.ndarray  # int64[BLOCK]
    stops: np.ndarray  # int64[BLOCK]: the same, and cuts
    lows: np.ndarray  # uint64[BLOCK], and the next two: see `_key`
    highs: np.ndarray
    hashes: np.ndarray
    ranks: np.ndarray  # uint32[capacity]: capacity >= SHORT is the longest pre-token's bytes
    tokens: np.ndarray  # int32[capacity]
    following: np.ndarray  # int32[capacity]
    previous: np.ndarray  # int32[capacity]
    heap: np.ndarray  # uint64[2 * capacity]
    state: np.ndarray  # int64[4]: where to go on


def new_work() -> Work:
    """Empty caches and room for pre-tokens of SHORT bytes."""
    words = _BUCKET << SHORT_BITS
    raw = np.zeros(words + 8, np.uint64)
    first = (-raw.ctypes.data // 8) % 8  # words to the next multiple of 64 bytes
    ranks, tokens, following, previous, heap = _scratch(SHORT)
    return Work(
        short=raw[first : first + words],
        long=np.zeros(_LONG_SLOT << LONG_BITS, np.uint64),
        ends=np.zeros(BLOCK, np.int64),
        stops=np.zeros(BLOCK, np.int64),
        lows=np.zeros(BLOCK, np.uint64),
        highs=np.zeros(BLOCK, np.uint64),
        hashes=np.zeros(BLOCK, np.uint64),
        ranks=ranks,
        tokens=tokens,
        following=following,
        previous=previous,
        heap=heap,
        state=np.zeros(4, np.int64),
    )


def with_room(work: Work, capacity: int) -> Work:
    """The same with room for pre-tokens of `capacity` bytes."""
    ranks, tokens, following, previous, heap = _scratch(capacity)
    return work._replace(
        ranks=ranks, tokens=tokens, following=following, previous=previous, heap=heap
    )


def _scratch(capacity: int) -> tuple[np.ndarray, ...]:
    return (
        np.empty(capacity, np.uint32),
        *(np.empty(capacity, np.int32) for _ in range(3)),
        np.empty(2 * capacity, np.uint64),
    )


@kernel
def fill_whole(token_starts, token_bytes, tokens, whole, bits):
    """Put `tokens` (int32) into `whole` (int32[1 << bits], all -1) by the hash of their bytes."""
    data = pointer(token_bytes)
    mask = (np.int64(1) << bits) - 1
    for token in tokens:
        start = token_starts[token]
        length = token_starts[token + 1] - start
        slot = hash_bytes(data, token_bytes.shape[0], start, length) & mask
        while whole[slot] >= 0:
            slot = (slot + 1) & mask
        whole[slot] = token


@kernel
def are_merged(tables, work, tokens, out, found):
    """`found[i]` (bool) = the bytes of `tokens[i]` are merged to that token alone. `out` int32 with
    room for the bytes of each."""
    text = pointer(tables.token_bytes)
    byte_tokens, byte_ranks = pointer(tables.byte_tokens), pointer(tables.byte_ranks)
    pairs, merged = pointer(tables.pairs), pointer(tables.merged)
    ranks, parts, heap = pointer(work.ranks), pointer(work.tokens), pointer(work.heap)
    following, previous = pointer(work.following), pointer(work.previous)
    ids, zero = pointer(out), np.int64(0)
    for number in range(tokens.shape[0]):
        token = tokens[number]
        start = tables.token_starts[token]
        length = tables.token_starts[token + 1] - start
        if length <= SHORT:
            count = merge_short(
                text, start, length, byte_tokens, byte_ranks, pairs, tables.pair_bits, merged,
                ranks, parts, following, previous, ids, zero,
            )  # fmt: skip
        else:
            count = merge_long(
                text, start, length, byte_tokens, byte_ranks, pairs, tables.pair_bits, merged,
                ranks, parts, following, previous, heap, ids, zero,
            )  # fmt: skip
        found[number] = count == 1 and ids[0] == token


@kernel
def _whole_token(data, size, start, length, whole, bits, starts, spelled, spelled_size):
    """The token of exactly these bytes, or -1."""
    mask = (np.int64(1) << bits) - 1
    slot = hash_bytes(data, size, start, length) & mask
    while True:
        token = np.int64(whole[slot])
        if token < 0:
            return token
        begin = starts[token]
        if starts[token + 1] - begin == length and _equal(
            data, size, start, spelled, spelled_size, begin, length
        ):
            return token
        slot = (slot + 1) & mask


@inlined
def _equal(left, left_size, left_at, right, right_size, right_at, length):
    while length >= 8:
        if load64(left, left_at) != load64(right, right_at):
            return False
        left_at += 8
        right_at += 8
        length -= 8
    return short_key(left, left_size, left_at, length) == short_key(
        right, right_size, right_at, length
    )


@kernel
def _encode_one(
    data, size, start, length, hashed,
    byte_tokens, byte_ranks, pairs, pair_bits, merged,
    whole, whole_bits, token_starts, token_bytes, token_bytes_size,
    short, long, ranks, tokens, following, previous, heap, capacity,
    out, at,
):  # fmt: skip
    """Tokens of a pre-token that isn't in the short cache, to `out[at:]`, and into a cache.

    Returns the new `at`; -1 where `capacity` is too small for it.
    """
    slot = np.int64(-1)
    if length <= _LONG_BYTES:
        slot = (np.int64(hashed >> np.uint64(64 - LONG_BITS))) * _LONG_SLOT
        head = long[slot]
        if np.int64(head & _LOW) == length and _same_text(data, size, start, length, long, slot):
            count = np.int64(head >> _HALF)
            place = slot + _LONG_TEXT
            for pair in range((count + 1) >> 1):
                word = long[place + pair]
                out[at + 2 * pair] = np.int32(word & _LOW)
                out[at + 2 * pair + 1] = np.int32(word >> _HALF)
            return at + count
    token = np.int64(-1)
    if whole_bits:
        token = _whole_token(
            data, size, start, length, whole, whole_bits, token_starts, token_bytes,
            token_bytes_size,
        )  # fmt: skip
    if token >= 0:
        out[at] = token
        stop = at + 1
    elif length <= SHORT:
        stop = merge_short(
            data, start, length, byte_tokens, byte_ranks, pairs, pair_bits, merged,
            ranks, tokens, following, previous, out, at,
        )  # fmt: skip
    elif length > capacity:
        return np.int64(-1)
    else:
        stop = merge_long(
            data, start, length, byte_tokens, byte_ranks, pairs, pair_bits, merged,
            ranks, tokens, following, previous, heap, out, at,
        )  # fmt: skip
    count = stop - at
    if length <= _SHORT_BYTES and count <= _SHORT_TOKENS:
        bucket = np.int64(hashed >> np.uint64(64 - SHORT_BITS)) * _BUCKET
        for word in range(_SLOT):  # the older of the two goes
            short[bucket + _SLOT + word] = short[bucket + word]
        short[bucket] = short_key(data, size, start, min(length, np.int64(8)))
        short[bucket + 1] = short_key(data, size, start + 8, length - 8) | np.uint64(length) << _TOP
        second = np.uint64(out[at + 1]) if count > 1 else np.uint64(0)
        third = np.uint64(out[at + 2]) if count > 2 else np.uint64(0)
        short[bucket + 2] = np.uint64(out[at]) | second << _HALF
        short[bucket + 3] = third | np.uint64(count) << _HALF
    elif slot >= 0 and count <= _LONG_TOKENS:
        long[slot] = np.uint64(length) | np.uint64(count) << _HALF
        for word in range((length + 7) >> 3):
            long[slot + 1 + word] = short_key(
                data, size, start + 8 * word, min(length - 8 * word, np.int64(8))
            )
        for pair in range((count + 1) >> 1):
            second = np.uint64(0)
            if 2 * pair + 1 < count:
                second = np.uint64(out[at + 2 * pair + 1])
            long[slot + _LONG_TEXT + pair] = np.uint64(out[at + 2 * pair]) | second << _HALF
    return stop


@inlined
def _same_text(data, size, start, length, long, slot):
    for word in range((length + 7) >> 3):
        part = short_key(data, size, start + 8 * word, min(length - 8 * word, np.int64(8)))
        if long[slot + 1 + word] != part:
            return False
    return True


@inlined
def _key(text, size, start, length):
    """(First word, second word, hash) of a pre-token in the short cache; its slots are chosen by
    the hash. No slot has a second word of 0, which a longer pre-token gets."""
    if length > _SHORT_BYTES:
        hashed = np.uint64(0)
        if length <= _LONG_BYTES:
            hashed = np.uint64(hash_bytes(text, size, start, length)) * MULTIPLIER
        return _ONE, np.uint64(0), hashed
    if start + 16 <= size:
        low = load64(text, start) & (_ALL >> np.uint64(64 - 8 * min(length, np.int64(8))))
        high = load64(text, start + 8) & (
            (_ONE << np.uint64(8 * max(length - 8, np.int64(0)))) - _ONE
        )
    else:
        low = short_key(text, size, start, min(length, np.int64(8)))
        high = short_key(text, size, start + 8, length - 8)
    high |= np.uint64(length) << _TOP
    return low, high, (low ^ (high * SPREAD)) * MULTIPLIER


@kernel
def encode_column(data, offsets, tables, work, end_token, out, out_offsets):
    """Tokens of the texts `data[offsets[i]:offsets[i + 1]]`, valid UTF-8, from `state` on.

    `data` uint8, `offsets` int64[rows + 1]; `out` int32[bytes + rows + SLACK], `out_offsets`
    int64[rows + 1]: row i has `out[out_offsets[i]:out_offsets[i + 1]]`, its last token
    `end_token` unless that is negative. Returns True when done; False where a pre-token of
    `state[NEEDED]` bytes needs more room: call again with that.
    """
    state = work.state
    size = data.shape[0]
    text = pointer(data)
    roots, leaves = pointer(tables.roots), pointer(tables.leaves)
    byte_tokens, byte_ranks = pointer(tables.byte_tokens), pointer(tables.byte_ranks)
    pairs, merged = pointer(tables.pairs), pointer(tables.merged)
    whole, token_starts = pointer(tables.whole), pointer(tables.token_starts)
    token_bytes = pointer(tables.token_bytes)
    short, long, ends = pointer(work.short), pointer(work.long), pointer(work.ends)
    ranks, tokens, heap = pointer(work.ranks), pointer(work.tokens), pointer(work.heap)
    following, previous = pointer(work.following), pointer(work.previous)
    stops, lows = pointer(work.stops), pointer(work.lows)
    highs, hashes = pointer(work.highs), pointer(work.hashes)
    joints, cuts = pointer(tables.joints), tables.joints.shape[0] > 0
    capacity = work.ranks.shape[0]
    ids = pointer(out)
    rows = offsets.shape[0] - 1
    row, start, count = state[ROW], state[AT], state[COUNT]
    while row < rows:
        end = offsets[row + 1]
        while start < end:
            found = split(
                tables.pattern, tables.digits, tables.letters, text, size, start, end,
                roots, leaves, ends, np.int64(BLOCK),
            )  # fmt: skip
            number = np.int64(0)
            while number < found:
                # First the keys of many pre-tokens, so that the processor fetches their slots
                # while it works on the others; then their tokens.
                filled = np.int64(0)
                place = start
                while number < found and filled < BLOCK:
                    stop = ends[number]
                    if stop - place > _SHORT_BYTES and cuts:
                        stop = first_cut(text, place, stop, joints)
                    number += stop == ends[number]
                    low, high, hashed = _key(text, size, place, stop - place)
                    stops[filled] = stop
                    lows[filled], highs[filled], hashes[filled] = low, high, hashed
                    prefetch(short, np.int64(hashed >> np.uint64(64 - SHORT_BITS)) * _BUCKET)
                    filled += 1
                    place = stop
                for item in range(filled):
                    low, high, hashed = lows[item], highs[item], hashes[item]
                    bucket = np.int64(hashed >> np.uint64(64 - SHORT_BITS)) * _BUCKET
                    hit = np.int64(-1)
                    if short[bucket] == low and short[bucket + 1] == high:
                        hit = bucket + 2
                    elif short[bucket + 4] == low and short[bucket + 5] == high:
                        hit = bucket + 6
                    if hit >= 0:
                        first, second = short[hit], short[hit + 1]
                        ids[count] = np.int32(first & _LOW)
                        ids[count + 1] = np.int32(first >> _HALF)
                        ids[count + 2] = np.int32(second & _LOW)
                        count += np.int64(second >> _HALF)
                    else:
                        after = _encode_one(
                            text, size, start, stops[item] - start, hashed,
                            byte_tokens, byte_ranks, pairs, tables.pair_bits, merged,
                            whole, tables.whole_bits, token_starts, token_bytes,
                            tables.token_bytes.shape[0],
                            short, long, ranks, tokens, following, previous, heap, capacity,
                            ids, count,
                        )  # fmt: skip
                        if after < 0:
                            state[ROW], state[AT], state[COUNT] = row, start, count
                            state[NEEDED] = stops[item] - start
                            return False
                        count = after
                    start = stops[item]
        if end_token >= 0:
            ids[count] = end_token
            count += 1
        row += 1
        out_offsets[row] = count
    state[ROW], state[AT], state[COUNT] = row, start, count
    return True
