"""Which lines C4 drops, and by which of its rules: a kernel for `c4_lines`.

A line is looked at no further than the rules ask: its ends, as many words as it needs, and, where
it passed everything else, the letters that its phrases begin with.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpusmith.clean.linecut import (
    FIRST,
    LAST,
    PLACES,
    START,
    START_POINT,
    STOP,
    STOP_POINT,
    Lines,
)
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.chars import EXTEND, KIND, PHRASE, SINGLE, SPACE, WORD, classes
from corpusmith.kernels.hashing import is_ellipsis, load64
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.lines import FOUND_JAVASCRIPT, FOUND_POLICY, find_phrase
from corpusmith.kernels.marks import class_at
from corpusmith.kernels.utf8 import count_points
from corpusmith.kernels.vectors import lowest_bit

C4_RULES = ("long_word", "ellipsis", "no_terminal", "few_words", "javascript", "policy")
_LONG_WORD, _ELLIPSIS, _NO_TERMINAL, _FEW_WORDS, _JAVASCRIPT, _POLICY = range(1, 7)
_HIGH, _ONES, _ONE = np.uint64(0x8080808080808080), np.uint64(0x0101010101010101), np.uint64(1)
_NEWLINES = np.uint64(0x0A0A0A0A0A0A0A0A)


def judge_c4_lines(
    column: pa.Array | pa.ChunkedArray,
    exempt: np.ndarray,
    *,
    ends: int,
    min_words: int,
    max_word_chars: int,
    javascript: bool,
    policy: bool,
) -> tuple[Lines, np.ndarray]:
    """The lines, with the places alone, and of each 1 + the first of `C4_RULES` that it fails, or
    0 (uint8). `exempt`: bool[rows], rows whose lines fail none, as empty ones do. `ends`: the
    flags of `kernels/chars.py` of which the last character needs one, 0 for any line to end well.
    """
    data, offsets = text_buffers(column)
    rows = len(offsets) - 1
    most = rows + np.count_nonzero(data == 10)
    counts, failed = np.empty((most, PLACES), np.int64), np.empty(most, np.uint8)
    line_ends = np.zeros(rows + 1, np.int64)
    tables = classes()
    _judge(
        data, offsets, tables.roots, tables.leaves, tables.flags,
        tables.letters_upper | tables.digits_numbers, np.array(exempt, np.bool_),
        ends, min_words, max_word_chars, javascript, policy, counts, failed, line_ends,
    )  # fmt: skip
    return Lines(data, offsets, counts[: line_ends[-1]], line_ends), failed[: line_ends[-1]]


@inlined
def _line_end(text, at, end):
    """(Where the newline stands, or `end`; whether all before it is ASCII)."""
    high = np.uint64(0)
    while at + 8 <= end:
        word = load64(text, at)
        other = word ^ _NEWLINES
        found = (other - _ONES) & ~other & _HIGH  # the lowest bit of it is right
        if found:
            place = lowest_bit(found)
            return at + (place >> 3), not (high | (word & ((_ONE << np.uint64(place)) - _ONE))) & (
                _HIGH
            )
        high |= word
        at += 8
    while at < end and text[at] != 10:
        high |= np.uint64(text[at])
        at += 1
    return at, not high & _HIGH


@inlined
def _stripped(text, start, stop, roots, leaves, flags):
    """(First byte, past the last) of the line without white space around it, `start` twice for an
    empty one, and the flags of the last character."""
    last = stop
    mark = np.int64(0)
    while last > start:
        at = last - 1
        index = np.int64(text[at])
        if index >= 128:
            while at > start and text[at] & 0xC0 == 0x80:
                at -= 1
            index, _ = class_at(text, at, last, roots, leaves)
        mark = flags[index]
        if mark & KIND != SPACE:
            break
        last = at
    if last == start:
        return start, start, mark
    first = start
    while True:
        index, size = np.int64(text[first]), 1
        if index >= 128:
            index, size = class_at(text, first, stop, roots, leaves)
        if flags[index] & KIND != SPACE:
            return first, last, mark
        first += size


@kernel
def _has_run(text, at, end, limit, roots, leaves, flags):
    """Whether more than `limit` characters stand without white space, or those that are words of
    their own, between them."""
    run = 0
    while at < end:
        index, size = np.int64(text[at]), 1
        if index >= 128:
            index, size = class_at(text, at, end, roots, leaves)
        kind = flags[index] & KIND
        run = 0 if kind in (SPACE, SINGLE) else run + 1
        if run > limit:
            return True
        at += size
    return False


@kernel
def _has_words(text, at, end, least, roots, leaves, flags, counted):
    """Whether there are so many words."""
    words = 0
    in_word = word_counted = False
    while at < end and words < least:
        index, size = np.int64(text[at]), 1
        if index >= 128:
            index, size = class_at(text, at, end, roots, leaves)
        kind = flags[index] & KIND
        if kind == WORD:
            word_counted = word_counted and in_word
            in_word = True
            if not word_counted and counted[index]:
                words += 1
                word_counted = True
        elif kind != EXTEND:
            in_word = False
            words += kind == SINGLE
        at += size
    return words >= least


@kernel
def _judge(
    data, offsets, root_table, leaf_table, flag_table, letters_numbers, exempt,
    ends, min_words, max_word_chars, javascript, policy, counts, failed, line_ends,
):  # fmt: skip
    text, counted = pointer(data), pointer(letters_numbers)
    roots, leaves, flags = pointer(root_table), pointer(leaf_table), pointer(flag_table)
    line = np.int64(0)
    for row in range(offsets.shape[0] - 1):
        start, end = offsets[row], offsets[row + 1]
        points = np.int64(0)
        while start < end:
            stop, plain = _line_end(text, start, end)
            first, last, mark = _stripped(text, start, stop, roots, leaves, flags)
            counts[line, START], counts[line, STOP] = start, stop
            counts[line, FIRST], counts[line, LAST] = first, last
            counts[line, START_POINT] = points
            points += stop - start if plain else count_points(text, start, stop)
            counts[line, STOP_POINT] = points
            rule = 0
            if exempt[row] or first == last:
                pass
            elif 0 < max_word_chars < last - first and _has_run(
                text, first, last, max_word_chars, roots, leaves, flags
            ):
                rule = _LONG_WORD
            elif (
                ends
                and last - first >= 3
                and (
                    is_ellipsis(text, last - 3)
                    or (text[last - 1] == 46 and text[last - 2] == 46 and text[last - 3] == 46)
                )
            ):
                rule = _ELLIPSIS
            elif ends and not mark & ends:
                rule = _NO_TERMINAL
            elif not _has_words(text, first, last, min_words, roots, leaves, flags, counted):
                rule = _FEW_WORDS
            elif javascript or policy:
                found = np.int64(0)
                for at in range(first, last):
                    if text[at] < 128 and flags[text[at]] & PHRASE:
                        found |= find_phrase(text, at, first, last)
                if javascript and found & FOUND_JAVASCRIPT:
                    rule = _JAVASCRIPT
                elif policy and found & FOUND_POLICY:
                    rule = _POLICY
            failed[line] = rule
            line += 1
            start = stop + 1
            points += np.int64(stop < end)
        line_ends[row + 1] = line


def warm() -> None:
    """Compile or load this module's kernels."""
    judge_c4_lines(
        pa.array(["a"], pa.large_string()),
        np.zeros(1, np.bool_),
        ends=0,
        min_words=0,
        max_word_chars=0,
        javascript=True,
        policy=True,
    )
