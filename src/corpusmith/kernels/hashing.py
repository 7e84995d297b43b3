"""Keys, hashes and comparison of byte ranges inside kernels, and open addressing.

A hash only finds a slot: equality is decided on the bytes, so no result depends on a hash.

A table is an array of slots that is never cleared between documents: a slot below `base` is
empty, `base + entry` refers to an entry of the present document, and `base` moves beyond them
all for the next one.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from corpusmith.kernels.jit import inlined, kernel

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd (Knuth, TAOCP 6.4)
HALF = np.uint64(32)
_OTHER = np.uint64(29)


@intrinsic
def load64(typingctx, data, at):  # type: ignore[no-untyped-def]
    """The 8 bytes from byte `at` on of what `data` points to as one uint64, at any alignment."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = builder.gep(builder.bitcast(args[0], ir.IntType(8).as_pointer()), [args[1]])
        word = builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()))
        word.align = 1
        return word

    return types.uint64(data, at), codegen


@intrinsic
def store64(typingctx, data, at, word):  # type: ignore[no-untyped-def]
    """Write a uint64 to the 8 bytes from byte `at` on of what `data` points to."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = builder.gep(builder.bitcast(args[0], ir.IntType(8).as_pointer()), [args[1]])
        stored = builder.store(args[2], builder.bitcast(place, ir.IntType(64).as_pointer()))
        stored.align = 1
        return context.get_dummy_value()

    return types.void(data, at, types.uint64), codegen


@intrinsic
def prefetch(typingctx, items, at):  # type: ignore[no-untyped-def]
    """Ask for the cache line of `items[at]` (a pointer), which will be read soon."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = builder.bitcast(builder.gep(args[0], [args[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, keep, data = (ir.Constant(word, number) for number in (0, 3, 1))
        builder.call(function, [place, read, keep, data])
        return context.get_dummy_value()

    return types.void(items, at), codegen


@inlined
def short_key(data, size, start, length):
    """Up to 8 bytes from `start` on as one uint64, zeros above them; `data` has `size` bytes."""
    if length <= 0:
        return np.uint64(0)
    if start + 8 <= size:
        return load64(data, start) << np.uint64(64 - 8 * length) >> np.uint64(64 - 8 * length)
    key = np.uint64(0)
    for offset in range(length):
        key |= np.uint64(data[start + offset]) << np.uint64(8 * offset)
    return key


@inlined
def hash_bytes(data, size, start, length):
    """A hash of `data[start:start + length]`, one to one for ranges of equal length up to 8."""
    if length > 8:
        return hash_long(data, size, start, length)
    value = short_key(data, size, start, length) * MULTIPLIER
    return np.int64(value ^ (value >> HALF))


@kernel
def hash_long(data, size, start, length):
    """The same for ranges of more than 8 bytes."""
    value = np.uint64(length)
    # Two words a turn: the second is multiplied while the first still waits for its turn.
    while length > 16:
        second = load64(data, start + 8) * MULTIPLIER
        value = (value ^ load64(data, start)) * MULTIPLIER
        value ^= (value >> HALF) ^ second ^ (second >> _OTHER)
        start += 16
        length -= 16
    if length > 8:
        value = (value ^ load64(data, start)) * MULTIPLIER
        value ^= value >> HALF
        start += 8
        length -= 8
    value = (value ^ short_key(data, size, start, length)) * MULTIPLIER
    return np.int64(value ^ (value >> HALF))


@kernel
def equal_bytes(data, size, left, right, length):
    while length >= 8:
        if load64(data, left) != load64(data, right):
            return False
        left += 8
        right += 8
        length -= 8
    return short_key(data, size, left, length) == short_key(data, size, right, length)


@kernel
def matches(data, at, begin, end, phrase):
    """Whether `phrase` (lower-case ASCII) stands at `at` within [begin, end), in any ASCII case."""
    if at < begin or at + phrase.shape[0] > end:
        return False
    for offset in range(phrase.shape[0]):
        byte = data[at + offset]
        if np.uint8(65) <= byte <= np.uint8(90):
            byte += np.uint8(32)
        if byte != phrase[offset]:
            return False
    return True


@inlined
def is_ellipsis(data, at):
    """Whether `…` (U+2026) stands at `at`; three bytes must be there."""
    return data[at] == 0xE2 and data[at + 1] == 0x80 and data[at + 2] == 0xA6
