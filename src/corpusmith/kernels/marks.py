"""What each byte of a document is, as bitmaps, and from them where its tokens and lines are.

64 bytes at a time: ASCII without a look at single bytes, other characters one by one. Bit i of
the word k of a bitmap is byte 64 * k + i of the document. Tokens are as in `chars.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.chars import (
    EXTEND,
    KIND,
    SENTENCE_NOW,
    SENTENCE_SPACE,
    SINGLE,
    SPACE,
    WORD,
)
from corpusmith.kernels.hashing import is_ellipsis, load64
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.lines import (
    CURLY,
    DIGITS,
    ELLIPSES,
    HASHES,
    LETTERS,
    NEWLINES,
    NUMBERS,
    UPPER,
)
from corpusmith.kernels.vectors import (
    BLOCK,
    COMPRESSES,
    block_masks,
    compressed_places,
    count_bits,
    lowest_bit,
)

LETTER, NAMING, INNER, RARE, ENDERS, INNER_BEFORE, BITMAPS = range(7)
"""The bitmaps: letters; what makes a token a word; bytes after a character's first; where a
phrase of C4's lists may be found; tokens that may end a sentence; and, no bitmap but a number for
each block, the bits of INNER in the blocks before."""

_SLACK = 4 * BLOCK
_ONE, _NONE, _ALL = np.uint64(1), np.uint64(0), ~np.uint64(0)
_LOW = np.int64(0xFFFFFFFF)
SHORT = np.int64(57)  # bits that one load from a byte's boundary holds, wherever they begin
_AT_ONCE = 16
_ENDS = SENTENCE_NOW | SENTENCE_SPACE


class Marks(NamedTuple):
    """Memory for the marks of one document; untouched beyond what a document needs."""

    bitmaps: np.ndarray  # uint64[BITMAPS, blocks]
    starts: np.ndarray  # int32: first byte of each token, from the document's beginning
    ends: np.ndarray  # int32: after its last byte
    newlines: np.ndarray  # int32: place of each "\n", then the document's end
    line_tokens: np.ndarray  # int32: tokens before it
    edge: np.ndarray  # uint8[BLOCK + 1]: a block that can't be read where it is
    lengths: np.ndarray  # int64: zeros, for counts by length


def new_marks(longest: int) -> Marks:
    """For documents of up to so many bytes."""
    starts, ends, newlines, line_tokens = (np.empty(longest + _SLACK, np.int32) for _ in range(4))
    return Marks(
        bitmaps=np.empty((BITMAPS, longest // BLOCK + 3), np.uint64),
        starts=starts,
        ends=ends,
        newlines=newlines,
        line_tokens=line_tokens,
        edge=np.zeros(BLOCK + 1, np.uint8),
        lengths=np.zeros(longest + 1, np.int64),
    )


@inlined
def class_at(data, at, end, roots, leaves):
    """(Class index, bytes) of the character at `at` that is not ASCII."""
    first = np.int64(data[at])
    code = np.int64(0xFFFD)
    size = 1
    if 0xC2 <= first < 0xE0 and at + 1 < end:
        code = (first & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F)
        size = 2
    elif 0xE0 <= first < 0xF0 and at + 2 < end:
        code = (
            (first & 0x0F) << 12
            | (np.int64(data[at + 1]) & 0x3F) << 6
            | (np.int64(data[at + 2]) & 0x3F)
        )
        size = 3
    elif 0xF0 <= first < 0xF5 and at + 3 < end:
        code = (
            (first & 0x07) << 18
            | (np.int64(data[at + 1]) & 0x3F) << 12
            | (np.int64(data[at + 2]) & 0x3F) << 6
            | (np.int64(data[at + 3]) & 0x3F)
        )
        size = 4
        if code > 0x10FFFF:
            code = np.int64(0xFFFD)
    return 256 + np.int64(leaves[np.int64(roots[code >> 7]) << 7 | (code & 127)]), size


@inlined
def bits_at(bitmap, first, length):
    """`length` (0 to 57) bits from bit `first` on."""
    bits = load64(bitmap, first >> 3) >> np.uint64(first & 7)
    return bits & ((_ONE << np.uint64(length)) - _ONE)


@kernel
def count_between(bitmap, first, stop):
    """How many bits in [first, stop) are set."""
    count = np.int64(0)
    while stop - first > SHORT:
        count += count_bits(bits_at(bitmap, first, 56))
        first += 56
    return count + count_bits(bits_at(bitmap, first, stop - first))


@inlined
def inner_up_to(inner, inner_before, place):
    """Bytes of [0, place) that begin no character."""
    block = place >> 6
    below = (_ONE << np.uint64(place & 63)) - _ONE
    return np.int64(inner_before[block]) + count_bits(inner[block] & below)


@inlined
def looped_places(bits, at, places, count):
    """Append `at` + the number of each set bit; `places` needs room for `_AT_ONCE` more. Returns
    how many they are then."""
    total = count_bits(bits)
    # So many at once, whether they are there or not: their number is hard to guess.
    for index in range(_AT_ONCE):
        places[count + index] = at + lowest_bit(bits)
        bits &= bits - _ONE
    for index in range(_AT_ONCE, total):
        places[count + index] = at + lowest_bit(bits)
        bits &= bits - _ONE
    return count + total


@inlined
def picked_places(bits, at, places, count):
    """The same where the machine can do it at once; `places` needs room for 64 more."""
    compressed_places(bits, at, places, count)
    return count + count_bits(bits)


append_places = picked_places if COMPRESSES else looped_places


@kernel
def mark_document(
    data, size, begin, end, flags, letters_upper, digits_numbers, roots, leaves,
    letter_bits, naming_bits, inner_bits, rare_bits, ender_bits, inner_before, starts, ends,
    newlines, line_tokens, edge, row,
):  # fmt: skip
    """Fill the arrays of `Marks` for `data[begin:end]`, and of the document's counters (`row`)
    those of single characters. Returns (tokens, lines' ends, bytes that begin no character)."""
    tokens = np.int64(0)
    closed = np.int64(0)  # tokens whose end is known
    lines = np.int64(0)
    inner_bytes = np.int64(0)
    letters = np.int64(0)
    upper = np.int64(0)
    digits = np.int64(0)
    letters_and_upper = np.int64(0)  # of characters that are not ASCII
    digits_and_numbers = np.int64(0)
    word_before = _NONE  # bit 0: the last byte of the block before
    space_before = _ONE
    words_over, spaces_over = _NONE, _NONE  # of the last character, beyond the block's end
    for block in range((end - begin + BLOCK - 1) // BLOCK):
        at = begin + BLOCK * block
        count = min(end - at, np.int64(BLOCK))
        if at == 0 or at + BLOCK > size:
            edge[0] = data[at - 1] if at > 0 else np.uint8(0)
            for offset in range(BLOCK):
                edge[1 + offset] = data[at + offset] if offset < count else np.uint8(0)
            masks = block_masks(edge, np.int64(1))
        else:
            masks = block_masks(data, at)
        valid = _ALL >> np.uint64(BLOCK - count)
        (
            letter, high, digit, word, space, newline, beyond, inner, same, hashes, curly, stops,
            rare,
        ) = masks  # fmt: skip
        letter &= valid
        digit &= valid
        beyond &= valid
        inner &= valid
        # ASCII symbols: each that is not the same as the one before begins a token; the document's
        # first, whatever was before it, does below.
        start = ~(word | space | beyond | same)
        naming = letter | digit
        enders = _NONE
        letters += count_bits(letter)
        upper += count_bits(high & valid)
        digits += count_bits(digit)
        if hashes | curly:
            row[HASHES] += count_bits(hashes & valid)
            row[CURLY] += count_bits(curly & valid)
        if beyond:
            word |= words_over
            space |= spaces_over
            words_over, spaces_over = _NONE, _NONE
            firsts = beyond & ~inner
            while firsts:
                bit = lowest_bit(firsts)
                firsts &= firsts - _ONE
                place = at + bit
                index, length = class_at(data, place, end, roots, leaves)
                kind = flags[index] & KIND
                one = _ONE << np.uint64(bit)
                covered = ((_ONE << np.uint64(length)) - _ONE) << np.uint64(bit)
                over = (
                    ((_ONE << np.uint64(length)) - _ONE) >> np.uint64(64 - bit)
                    if bit > 59
                    else _NONE
                )
                a = letters_upper[index]
                b = digits_numbers[index]
                letters_and_upper += a
                digits_and_numbers += b
                if kind == WORD:
                    word |= covered
                    words_over |= over
                    if a:
                        letter |= one
                    if a | b:
                        naming |= one
                elif kind == SINGLE:
                    start |= one
                    naming |= one
                    if a:
                        letter |= one
                elif kind == SPACE:
                    space |= covered
                    spaces_over |= over
                elif kind == EXTEND:
                    before = word << _ONE | word_before
                    if before & one:
                        word |= covered
                        words_over |= over
                else:
                    if length == 3 and is_ellipsis(data, place):
                        row[ELLIPSES] += 1
                    repeated = place - length >= begin
                    for offset in range(length):
                        if repeated and data[place + offset] != data[place - length + offset]:
                            repeated = False
                    if not repeated:
                        start |= one
                        if flags[index] & _ENDS:
                            enders |= one
        after_space = space << _ONE | space_before
        start |= word & ~(word << _ONE | word_before)
        start |= after_space & ~space  # whatever it is: marks without a letter too
        start &= ~space & valid
        letter_bits[block] = letter
        naming_bits[block] = naming
        inner_bits[block] = inner
        rare_bits[block] = rare & valid
        ender_bits[block] = enders | (start & stops)
        inner_before[block] = np.uint64(inner_bytes)
        inner_bytes += count_bits(inner)
        here = at - begin
        newline &= valid
        while newline:
            newlines[lines] = here + lowest_bit(newline)
            line_tokens[lines] = tokens + count_bits(start & (newline ^ (newline - _ONE)))
            newline &= newline - _ONE
            lines += 1
        tokens = append_places(start, here, starts, tokens)
        closed = append_places((start | space) & ~after_space & valid, here, ends, closed)
        word_before = word >> np.uint64(63)
        space_before = space >> np.uint64(63)
    if closed < tokens:
        ends[closed] = end - begin
    newlines[lines] = end - begin
    line_tokens[lines] = tokens
    # Readers of bits look beyond the last block, at what they mask out.
    last = (end - begin + BLOCK - 1) // BLOCK
    inner_bits[last] = naming_bits[last] = ender_bits[last] = _NONE
    inner_before[last] = np.uint64(inner_bytes)
    row[LETTERS] = letters + (letters_and_upper & _LOW)
    row[UPPER] = upper + (letters_and_upper >> 32)
    row[DIGITS] = digits + (digits_and_numbers & _LOW)
    row[NUMBERS] = digits + (digits_and_numbers >> 32)
    row[NEWLINES] = lines
    return tokens, lines, inner_bytes
