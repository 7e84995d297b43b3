"""Tokens as byte ranges: the words, single characters and symbols of `chars.py`, one by one.

`scan.py` finds the same ones on its way through a document; here they are wanted alone.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.chars import EXTEND, KIND, SPACE, SYMBOL, WORD, classes
from corpusmith.kernels.hashing import load64, short_key
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.marks import class_at

SEPARATOR = 32  # behind each token of a canonical text; white space is in no token


def class_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """flags, roots and leaves of `chars.Classes`, as the kernels below take them."""
    tables = classes()
    return tables.flags, tables.roots, tables.leaves


@inlined
def next_token(data, at, end, flags, roots, leaves):
    """[start, stop) of the first token in `data[at:end]`, (end, end) where there is none.

    `at` must be where a token ended, or a text began.
    """
    kind = np.int64(SPACE)
    size = 1
    byte = np.uint8(0)
    while at < end:
        byte = data[at]
        if byte < 128:
            index = np.int64(byte)
            size = 1
        else:
            index, size = class_at(data, at, end, roots, leaves)
        kind = flags[index] & KIND
        if kind != SPACE:
            break
        at += size
    if at >= end:
        return end, end
    start = at
    at += size
    if kind == WORD:
        while at < end:
            byte = data[at]
            if byte < 128:
                if flags[np.int64(byte)] & KIND != WORD:
                    break
                at += 1
            else:
                index, size = class_at(data, at, end, roots, leaves)
                kind = flags[index] & KIND
                if kind != WORD and kind != EXTEND:
                    break
                at += size
        return start, at
    if kind == SYMBOL:  # with all the same characters that follow it
        same = True
        while same and at + size <= end:
            for offset in range(size):
                if data[at + offset] != data[start + offset]:
                    same = False
            if same:
                at += size
    while at < end and data[at] >= 128:
        index, size = class_at(data, at, end, roots, leaves)
        if flags[index] & KIND != EXTEND:
            break
        at += size
    return start, at


@kernel
def token_ranges(data, offsets, flags, roots, leaves, starts, stops, ends):
    """The tokens of each row: `data[starts[i]:stops[i]]` (int64), row r's from `ends[r]` to
    `ends[r + 1]` (int64[rows + 1]). `starts` and `stops` have room for one token a byte."""
    text, flags, roots, leaves = pointer(data), pointer(flags), pointer(roots), pointer(leaves)
    count = 0
    ends[0] = 0
    for row in range(offsets.shape[0] - 1):
        end = offsets[row + 1]
        start, at = next_token(text, offsets[row], end, flags, roots, leaves)
        while start < end:
            starts[count] = start
            stops[count] = at
            count += 1
            start, at = next_token(text, at, end, flags, roots, leaves)
        ends[row + 1] = count
    return count


@inlined
def hash_token(data, size, start, length, seed, multiplier):
    """64 bits of `data[start:start + length]`: another function for each seed."""
    value = seed ^ np.uint64(length) * np.uint64(0x9E3779B97F4A7C15)
    while length > 8:
        value = (value ^ load64(data, start)) * multiplier
        value ^= value >> np.uint64(32)
        start += 8
        length -= 8
    value = (value ^ short_key(data, size, start, length)) * multiplier
    value = (value ^ (value >> np.uint64(32))) * multiplier
    return value ^ (value >> np.uint64(29))


@kernel
def canonical(
    data, offsets, flags, roots, leaves, seed, multiplier, base, text, starts, hashes, ends
):
    """Each row's tokens with one space behind each: two runs of tokens are equal exactly when
    their canonical texts are.

    Fills `text` (uint8, room for twice the bytes), `starts` (uint32: `base` + where each token
    begins in `text`), `hashes` (uint64, a token's hash of 64 bits) and `ends` (int64[rows + 1],
    tokens up to each row). Returns the bytes written to `text`.
    """
    size = data.shape[0]
    source, flags, roots, leaves = pointer(data), pointer(flags), pointer(roots), pointer(leaves)
    out = pointer(text)
    count = 0
    length = 0
    ends[0] = 0
    for row in range(offsets.shape[0] - 1):
        end = offsets[row + 1]
        start, at = next_token(source, offsets[row], end, flags, roots, leaves)
        while start < end:
            starts[count] = base + length
            hashes[count] = hash_token(source, size, start, at - start, seed, multiplier)
            count += 1
            for place in range(start, at):
                out[length] = source[place]
                length += 1
            out[length] = SEPARATOR
            length += 1
            start, at = next_token(source, at, end, flags, roots, leaves)
        ends[row + 1] = count
    return length
