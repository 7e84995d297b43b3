"""64 bytes at a time: what each is, as bitmaps; and the arithmetic of bitmaps.

Bit i of a mask tells of byte i. LLVM makes the machine's own vector instructions of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from corpusmith.kernels.jit import inlined

BLOCK = 64  # bytes; a mask is one machine word
FACTORS = [(0x9E3779B97F4A7C15 * power) % 2**64 for power in (1, 3, 5, 7, 9, 11, 13, 15)]
"""Odd multiples of 2^64 / golden ratio, one for each word of a block."""

_BITS = ir.IntType(64)
_BYTES = ir.VectorType(ir.IntType(8), BLOCK)


def _all(byte: int) -> ir.Constant:
    return ir.Constant(_BYTES, [ir.Constant(ir.IntType(8), byte)] * BLOCK)


class _Block:
    """64 bytes in a register, and comparisons of all of them."""

    def __init__(self, builder: ir.IRBuilder, data: Any, at: Any) -> None:
        self.builder = builder
        place = builder.bitcast(builder.gep(data, [at]), _BYTES.as_pointer())
        self.bytes = builder.load(place)
        self.bytes.align = 1
        self.lower = builder.or_(self.bytes, _all(0x20))

    def within(self, first: int, count: int, lower: bool = False) -> Any:
        offset = self.builder.sub(self.lower if lower else self.bytes, _all(first))
        return self.builder.icmp_unsigned("<", offset, _all(count))

    def letter(self, letter: str) -> Any:
        """In any case; also for `@`, `[` and their like, which differ in the same bit."""
        return self.builder.icmp_unsigned("==", self.lower, _all(ord(letter)))

    def below(self, signed: int) -> Any:
        return self.builder.icmp_signed("<", self.bytes, _all(signed & 0xFF))


@intrinsic
def block_masks(typingctx, data, at):  # type: ignore[no-untyped-def]
    """Thirteen masks (uint64) of the 64 bytes from `data[at]` on; the byte before is read too.

    letters, upper, digits, word (letters, digits and `_`), space (str.isspace), newline, beyond
    (not ASCII), inner (second and later bytes of a character), same (as the byte before), hash
    `#`, curly `{`, stops `. ? !`, rare: j, or one of `ok iv rm em` ends here, in any case.
    """

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        block = _Block(builder, *args)
        before = _Block(builder, args[0], builder.sub(args[1], ir.Constant(_BITS, 1)))
        either, both = builder.or_, builder.and_
        letters = block.within(ord("a"), 26, lower=True)
        digits = block.within(ord("0"), 10)
        rare = block.letter("j")
        for pair in ("ok", "iv", "rm", "em"):
            rare = either(rare, both(before.letter(pair[0]), block.letter(pair[1])))
        stops = block.within(ord("."), 1)
        for byte in "?!":
            stops = either(stops, block.within(ord(byte), 1))
        masks = [
            letters,
            block.within(ord("A"), 26),
            digits,
            either(either(letters, digits), block.within(ord("_"), 1)),
            either(block.within(9, 5), block.within(0x1C, 5)),
            block.within(10, 1),
            block.below(0),
            block.below(-64),
            builder.icmp_unsigned("==", block.bytes, before.bytes),
            block.within(ord("#"), 1),
            block.within(ord("{"), 1),
            stops,
            rare,
        ]
        words = [builder.bitcast(mask, _BITS) for mask in masks]
        return context.make_tuple(builder, signature.return_type, words)

    return types.UniTuple(types.uint64, 13)(data, types.int64), codegen


@intrinsic
def at_least(typingctx, data, at, bound):  # type: ignore[no-untyped-def]
    """A mask (uint64) of which of the 64 numbers (uint8) from `data[at]` on are `bound` or more."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        block = _Block(builder, args[0], args[1])
        bounds = _splat(builder, builder.trunc(args[2], ir.IntType(8)))
        return builder.bitcast(builder.icmp_unsigned(">=", block.bytes, bounds), _BITS)

    return types.uint64(data, types.int64, types.int64), codegen


@intrinsic
def equal_items(typingctx, items, left, right):  # type: ignore[no-untyped-def]
    """How many of the 8 numbers (int32) from `items[left]` and `items[right]` on are equal, before
    the first two that differ."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(ir.IntType(32), 8)

        def load(at: Any) -> Any:
            place = builder.bitcast(builder.gep(args[0], [at]), kind.as_pointer())
            eight = builder.load(place)
            eight.align = 4
            return eight

        differ = builder.icmp_signed("!=", load(args[1]), load(args[2]))
        bits = builder.zext(builder.bitcast(differ, ir.IntType(8)), _BITS)
        bits = builder.or_(bits, ir.Constant(_BITS, 1 << 8))
        return builder.cttz(bits, ir.Constant(ir.IntType(1), 0))

    return types.int64(items, types.int64, types.int64), codegen


def _splat(builder: ir.IRBuilder, byte: Any) -> Any:
    one = builder.insert_element(ir.Constant(_BYTES, ir.Undefined), byte, ir.IntType(32)(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), None))


_EIGHT = ir.VectorType(ir.IntType(64), 8)


def _eight(items: list[int]) -> ir.Constant:
    return ir.Constant(_EIGHT, [ir.Constant(ir.IntType(64), item) for item in items])


@intrinsic
def hash_block(typingctx, data, at, count):  # type: ignore[no-untyped-def]
    """A hash (uint64) of the first `count` (0 to 64) of the 64 bytes from `data[at]` on: the sum of
    the eight words, zeros in place of other bytes, each times its own of `FACTORS` and with its
    upper half added to the lower one by xor."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        block = _Block(builder, args[0], args[1])
        numbers = ir.Constant(_BYTES, [ir.Constant(ir.IntType(8), n) for n in range(BLOCK)])
        count = _splat(builder, builder.trunc(args[2], ir.IntType(8)))
        inside = builder.icmp_unsigned("<", numbers, count)
        words = builder.bitcast(builder.select(inside, block.bytes, _all(0)), _EIGHT)
        words = builder.mul(words, _eight(FACTORS))
        words = builder.xor(words, builder.lshr(words, _eight([32] * 8)))
        kind = ir.FunctionType(_BITS, [_EIGHT])
        name = "llvm.vector.reduce.add.v8i64"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [words])

    return types.uint64(data, types.int64, types.int64), codegen


@intrinsic
def differing_bits(typingctx, data, left, right):  # type: ignore[no-untyped-def]
    """A mask (uint64) of where the 64 bytes from `data[left]` and `data[right]` on differ."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        one, other = (_Block(builder, args[0], at).bytes for at in args[1:])
        return builder.bitcast(builder.icmp_unsigned("!=", one, other), _BITS)

    return types.uint64(data, types.int64, types.int64), codegen


COMPRESSES = bool(get_host_cpu_features().get("avx512vbmi2"))
"""Whether this machine can pick bytes out of 64 by a mask in one instruction."""


@intrinsic
def compressed_places(typingctx, bits, at, places, count):  # type: ignore[no-untyped-def]
    """Write `at` + the number of each bit that is set to `places` (int32) from `places[count]` on;
    there must be room for 64. Where the machine can't (`COMPRESSES`), it takes long."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        bits, at, places, count = args
        numbers = ir.Constant(_BYTES, [ir.Constant(ir.IntType(8), n) for n in range(BLOCK)])
        mask = builder.bitcast(bits, ir.VectorType(ir.IntType(1), BLOCK))
        kind = ir.FunctionType(_BYTES, [_BYTES, mask.type, _BYTES])
        name = "llvm.experimental.vector.compress.v64i8"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        picked = builder.call(function, [numbers, mask, _all(0)])
        kind = ir.VectorType(ir.IntType(32), 16)
        one = builder.insert_element(
            ir.Constant(kind, ir.Undefined), builder.trunc(at, ir.IntType(32)), ir.IntType(32)(0)
        )
        ats = builder.shuffle_vector(one, one, ir.Constant(kind, None))

        def write(part: int) -> None:
            lanes = [ir.IntType(32)(16 * part + lane) for lane in range(16)]
            sixteen = builder.shuffle_vector(picked, picked, ir.Constant(kind, lanes))
            place = builder.gep(places, [builder.add(count, ir.IntType(64)(16 * part))])
            numbers = builder.add(builder.zext(sixteen, kind), ats)
            builder.store(numbers, builder.bitcast(place, kind.as_pointer()), align=4)

        write(0)
        write(1)
        many = builder.icmp_unsigned(">", builder.ctpop(bits), ir.IntType(64)(32))
        with builder.if_then(many, likely=False):
            write(2)
            write(3)
        return context.get_dummy_value()

    return types.void(bits, types.int64, places, types.int64), codegen


@intrinsic
def lowest_bit(typingctx, bits):  # type: ignore[no-untyped-def]
    """The number of the lowest bit that is set; 64 where none is."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), codegen


@intrinsic
def count_bits(typingctx, bits):  # type: ignore[no-untyped-def]
    """How many bits are set."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.ctpop(args[0])

    return types.int64(types.uint64), codegen


@inlined
def next_bit(bitmap, place, length):
    """The first bit from `place` on that is set; `length` where none is. Bits from `length` on are
    not set, and one word behind them is there."""
    block = place >> 6
    bits = bitmap[block] & (~np.uint64(0) << np.uint64(place & 63))
    while bits == np.uint64(0):
        block += 1
        if BLOCK * block >= length:
            return np.int64(length)
        bits = bitmap[block]
    return BLOCK * block + lowest_bit(bits)
