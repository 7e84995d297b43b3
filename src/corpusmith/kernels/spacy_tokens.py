"""The tokens of spaCy's English tokenizer as columns, with a mark for what measures ask of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.spacy_chars import (
    FLAGS,
    LETTER,
    PART_STARTS,
    PARTS,
    PUNCTUATION,
    SENTENCE_END,
    SYMBOL,
)

# Marks of a token.
HAS_LETTER = np.int64(1)  # str.isalpha() of a character in it
IS_WORD = np.int64(2)  # not all of it is in datatrove's PUNCTUATION_SET
IS_PUNCTUATION = np.int64(4)  # all of it is of category P*
ENDS_SENTENCE = np.int64(8)  # one character of the sentencizer's
BEHIND_SPACE = np.int64(16)  # behind a token of white space
ALL_LETTERS = np.int64(32)  # a whole chunk of ASCII letters, or all but its last character


class Tokens(NamedTuple):
    """Tokens by number; bytes count from the first byte of their text."""

    starts: np.ndarray  # int32
    lengths: np.ndarray  # int32: bytes
    chars: np.ndarray  # int32: code points
    marks: np.ndarray  # uint8


def new_tokens(count: int) -> Tokens:
    """Memory for the tokens of texts with so many bytes; what is never written is never taken."""
    kinds = (np.int32, np.int32, np.int32, np.uint8)
    return Tokens(*(np.empty(count, kind) for kind in kinds))


@inlined
def code_at(data, at, end):
    """(Code point, bytes) at `at`; an invalid byte is U+FFFD."""
    byte = np.int64(data[at])
    if byte < 0x80:
        return byte, np.int64(1)
    if 0xC2 <= byte < 0xE0 and at + 1 < end:
        return (byte & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F), np.int64(2)
    if 0xE0 <= byte < 0xF0 and at + 2 < end:
        high = (byte & 0x0F) << 12 | (np.int64(data[at + 1]) & 0x3F) << 6
        return high | (np.int64(data[at + 2]) & 0x3F), np.int64(3)
    if 0xF0 <= byte < 0xF5 and at + 3 < end:
        high = (byte & 0x07) << 18 | (np.int64(data[at + 1]) & 0x3F) << 12
        code = high | (np.int64(data[at + 2]) & 0x3F) << 6 | (np.int64(data[at + 3]) & 0x3F)
        return min(code, np.int64(0x10FFFF)), np.int64(4)
    return np.int64(0xFFFD), np.int64(1)


@inlined
def marks_of(either, both, length):
    """The marks of a token of `length` characters with these flags, any of them and all."""
    mark = np.int64(0)
    if either & LETTER:
        mark |= HAS_LETTER
    if not both & SYMBOL:
        mark |= IS_WORD
    if both & PUNCTUATION:
        mark |= IS_PUNCTUATION
    if length == 1 and both & SENTENCE_END:
        mark |= ENDS_SENTENCE
    return mark


@inlined
def add_piece(begin, start, a, b, kinds, places, starts, lengths, chars, marks, count):
    """Write the token of the chunk's characters [a, b); returns the number of tokens then."""
    either, both = np.int64(0), np.int64(-1)
    for at in range(a, b):
        either |= kinds[at]
        both &= kinds[at]
    starts[count] = start + places[a] - begin
    lengths[count] = places[b] - places[a]
    chars[count] = b - a
    marks[count] = marks_of(either, both, b - a)
    return count + 1


@kernel
def add_token(data, begin, start, end, flags, starts, lengths, chars, marks, count):
    """Write the token `data[start:end]`; returns the number of tokens then."""
    either, both, length = np.int64(0), np.int64(-1), np.int64(0)
    at = start
    while at < end:
        code, size = code_at(data, at, end)
        flag = np.int64(flags[code])
        either |= flag
        both &= flag
        length += 1
        at += size
    starts[count] = start - begin
    lengths[count] = end - start
    chars[count] = length
    marks[count] = marks_of(either, both, length)
    return count + 1


@kernel
def add_exception(data, begin, start, number, rules, starts, lengths, chars, marks, count):
    part_starts, parts = rules[PART_STARTS], rules[PARTS]
    for part in range(part_starts[number], part_starts[number + 1]):
        end = start + parts[part]
        count = add_token(
            data, begin, start, end, rules[FLAGS], starts, lengths, chars, marks, count
        )
        start = end
    return count
