"""Where a pre-token can be cut: between two characters that no merge brings together.

A merge that crosses the place between two characters makes a token that has the last byte of the
one and the first of the other. Either it has both characters whole, or an end of the token cuts
one of them. So with every such pair of characters, and every such pair of bytes, of the
vocabulary's merges in a filter, a place of which the filter knows neither is crossed by no merge,
and both sides have the tokens that they have alone. The filter is a bitmap under a hash: it may
know a pair that is not there, which costs a cut, and never misses one that is.

That is for runs of Han, Kana or Thai, whose pre-tokens are whole sentences: their parts of a few
characters come again, and are looked up. Letters of ASCII are never cut apart.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import MULTIPLIER
from corpusmith.kernels.jit import inlined, kernel, pointer

FILTER_BITS = 20  # 2^20 bits: 128 KiB, for the pairs of characters in up to about 10^5 tokens
SPREAD = np.uint64(0xD6E8FEB86659FD93)  # odd, and unrelated to MULTIPLIER

_EDGE = np.uint64(1 << 40)  # no character's bytes
_ONE = np.uint64(1)


@inlined
def _joint_bit(left, right):
    """Of the filter for two characters (UTF-8 bytes as in `_character`) side by side."""
    return np.int64(((left ^ (right * SPREAD)) * MULTIPLIER) >> np.uint64(64 - FILTER_BITS))


@inlined
def _edge_bit(last, first):
    """Of the filter for two bytes that a token has side by side without the whole characters."""
    return _joint_bit(np.uint64(last), np.uint64(first) | _EDGE)


@inlined
def _is_marked(joints, bit):
    return (joints[bit >> 6] >> np.uint64(bit & 63)) & _ONE != np.uint64(0)


@inlined
def _width(first):
    """Bytes of the character that begins with this byte."""
    if first < 0x80:
        return np.int64(1)
    if first < 0xE0:
        return np.int64(2)
    return np.int64(3) if first < 0xF0 else np.int64(4)


@inlined
def _character(data, at, width):
    """Its bytes as one number, different for different characters."""
    value = np.uint64(data[at])
    for place in range(1, width):
        value = value << np.uint64(8) | np.uint64(data[at + place])
    return value


@kernel
def fill_joints(starts, spelled, tokens, joints):
    """Mark in `joints` (uint64, all 0) which characters the tokens hold side by side.

    `starts` int64[all + 1], `spelled` uint8: the bytes of all tokens; `tokens` int32: those that
    merges make; `joints` uint64[2^FILTER_BITS / 64], all 0.
    """
    data = pointer(spelled)
    for token in tokens:
        begin, end = starts[token], starts[token + 1]
        at = begin + 1
        while at < end:
            if data[at] & 0xC0 != 0x80:
                left = at - 1
                while left > begin and data[left] & 0xC0 == 0x80:
                    left -= 1
                width = _width(np.int64(data[at]))
                if data[left] & 0xC0 != 0x80 and at + width <= end:
                    bit = _joint_bit(_character(data, left, at - left), _character(data, at, width))
                else:
                    bit = _edge_bit(data[at - 1], data[at])
                joints[bit >> 6] |= _ONE << np.uint64(bit & 63)
            at += 1


@kernel
def first_cut(data, start, stop, joints):
    """The first place in a pre-token that no merge crosses, or `stop`."""
    at = start
    before = np.uint64(0)
    while at < stop:
        width = _width(np.int64(data[at]))
        character = _character(data, at, width)
        if (
            at > start
            and (width > 1 or before > np.uint64(127))  # letters of ASCII are never cut apart
            and not _is_marked(joints, _joint_bit(before, character))
            and not _is_marked(joints, _edge_bit(data[at - 1], data[at]))
        ):
            return at
        before = character
        at += width
    return stop
