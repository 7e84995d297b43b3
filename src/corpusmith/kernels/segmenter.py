"""Words of scripts written without spaces: runs of single characters, cut by word lists.

`marks.py` finds one token for each such character with its marks. Here the tokens of a run become
words: of all ways to cut the run into words of the list and characters of no word, the one with the
least sum of costs (a unigram model; Viterbi's algorithm), of several such the one whose last word
is longest, then the one before it, and so on. A word ends where a token does, so it never cuts a
character from its marks.

A run is looked at in windows of `WINDOW` tokens; what lies within `MARGIN` of a window's end is
looked at again in the next one, so that no word is cut.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.chars import KIND, SINGLE
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.lexicon import (
    BURMESE,
    CHINESE,
    COSTS_AT,
    FIELDS,
    JOINS,
    KHMER,
    LAO,
    MASK,
    SLOTS_AT,
    THAI,
    UNKNOWN,
    UNKNOWN_NEXT,
    find_child,
)
from corpusmith.kernels.marks import class_at

WINDOW, MARGIN = 1024, 64
_MOST_CODES = 8
"""A token has at most so many code points in a word; one with more is in no word."""
_KATAKANA = np.int64(1) << 32  # beside a code point in `codes`


class Paths(NamedTuple):
    """Memory of one window."""

    codes: np.ndarray  # int64: code points of the tokens
    firsts: np.ndarray  # int32[WINDOW + 1]: of each token its first among `codes`
    sums: np.ndarray  # int32[WINDOW + 1]: least cost of the tokens before
    backs: np.ndarray  # int32[WINDOW + 1]: where the last word of that path begins
    known: np.ndarray  # uint8[WINDOW + 1]: whether it is of the list


def new_paths() -> Paths:
    return Paths(
        np.empty(WINDOW * (_MOST_CODES + 1), np.int64),
        np.empty(WINDOW + 1, np.int32),
        np.empty(WINDOW + 1, np.int32),
        np.empty(WINDOW + 1, np.int32),
        np.empty(WINDOW + 1, np.uint8),
    )


@inlined
def _code_at(data, at):
    """(Code point, bytes) of the character at `at`, which has three or four."""
    first = np.int64(data[at])
    if first < 0xE0:
        return (first & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F), 2
    if first < 0xF0:
        return (
            (first & 0x0F) << 12
            | (np.int64(data[at + 1]) & 0x3F) << 6
            | (np.int64(data[at + 2]) & 0x3F)
        ), 3
    return (
        (first & 0x07) << 18
        | (np.int64(data[at + 1]) & 0x3F) << 12
        | (np.int64(data[at + 2]) & 0x3F) << 6
        | (np.int64(data[at + 3]) & 0x3F)
    ), 4


@inlined
def _list_of(code, han):
    """Which list a single character belongs to; `han` is the document's for Han and Kana."""
    if 0x0E00 <= code < 0x0E80:
        return THAI
    if 0x0E80 <= code < 0x0F00:
        return LAO
    if 0x1000 <= code < 0x10A0 or 0xA9E0 <= code < 0xAA80:
        return BURMESE
    if 0x1780 <= code < 0x1800:
        return KHMER
    return han


@inlined
def _is_katakana(code):
    return 0x30A1 <= code <= 0x30FF or 0x31F0 <= code <= 0x31FF or 0xFF66 <= code <= 0xFF9F


@inlined
def _single(data, at, end, flags, roots, leaves):
    """Whether a single character stands at `at`."""
    if data[at] < 0xE0 or at + 2 >= end:
        return False
    index, _ = class_at(data, at, end, roots, leaves)
    return flags[index] & KIND == SINGLE


@kernel
def _cut(
    data, begin, starts, ends, first, count, number, fold, slots, costs, fields,
    codes, firsts, sums, backs, known,
):  # fmt: skip
    """Fill `sums`, `backs` and `known` for the tokens [first, first + count)."""
    row = FIELDS * number
    slots_at, mask, costs_at = fields[row + SLOTS_AT], fields[row + MASK], fields[row + COSTS_AT]
    unknown, unknown_next = fields[row + UNKNOWN], fields[row + UNKNOWN_NEXT]
    joins = fields[row + JOINS] != 0
    folds = number == CHINESE
    filled = np.int64(0)
    for token in range(count):
        firsts[token] = filled
        at, end = begin + starts[first + token], begin + ends[first + token]
        code, size = _code_at(data, at)
        katakana = _KATAKANA if _is_katakana(code) else np.int64(0)
        taken = 0
        while at < end and taken <= _MOST_CODES:
            if np.int64(data[at]) < 0x80:
                code, size = np.int64(data[at]), 1
            else:
                code, size = _code_at(data, at)
            if folds and code < 0x10000:
                code = np.int64(fold[code])
            codes[filled] = code | katakana
            filled += 1
            taken += 1
            at += size
        if taken > _MOST_CODES:  # no word has a code point 0
            codes[firsts[token]] = 0
            filled = np.int64(firsts[token]) + 1
        sums[token + 1] = 0x7FFFFFFF
    firsts[count] = filled
    sums[0] = 0
    backs[0] = 0
    known[0] = 1
    for token in range(count):
        here = np.int64(sums[token])
        node = np.int64(0)
        stop = token
        alone = False  # the token is a word of the list
        while stop < count:
            for place in range(firsts[stop], firsts[stop + 1]):
                node = find_child(slots, slots_at, mask, node, codes[place] & 0x1FFFFF)
                if node == 0:
                    break
            if node == 0:
                break
            stop += 1
            cost = np.int64(costs[costs_at + node])
            if cost > 0:
                alone |= stop == token + 1
                if here + cost < sums[stop]:
                    sums[stop] = here + cost
                    backs[stop] = token
                    known[stop] = 1
        if alone:
            continue
        # Goes on with a stretch of no known word, or begins one.
        cost = unknown
        if known[token] == 0 and (
            joins or codes[firsts[token]] & codes[firsts[token] - 1] & _KATAKANA
        ):
            cost = unknown_next
        if here + cost < sums[token + 1]:
            sums[token + 1] = here + cost
            backs[token + 1] = token
            known[token + 1] = 0


@kernel
def segment_tokens(
    data, begin, end, flags, roots, leaves, han, slots, costs, fields, fold,
    codes, firsts, sums, backs, known, starts, ends, tokens, line_tokens, lines,
):  # fmt: skip
    """Join the single characters among a document's tokens to words, in place; `line_tokens` too.

    `han` is the list for Han and Kana (`lexicon.CHINESE`, `JAPANESE`), or 0 where they stay single.
    A list that is not loaded leaves its script as it is. Returns the tokens that are left.
    """
    written = np.int64(0)
    line = np.int64(0)
    token = np.int64(0)
    while token < tokens:
        # The run of single characters of one list that begins here.
        number = np.int64(0)
        count = np.int64(0)
        if _single(data, begin + starts[token], end, flags, roots, leaves):
            number = np.int64(_list_of(_code_at(data, begin + starts[token])[0], han))
            if fields[FIELDS * number + MASK] > 0:
                count = np.int64(1)
                while (
                    count < WINDOW
                    and token + count < tokens
                    and ends[token + count - 1] == starts[token + count]
                    and _single(data, begin + starts[token + count], end, flags, roots, leaves)
                    and _list_of(_code_at(data, begin + starts[token + count])[0], han) == number
                ):
                    count += 1
        while line <= lines and line_tokens[line] <= token:
            line_tokens[line] = written
            line += 1
        if count < 2:
            starts[written] = starts[token]
            ends[written] = ends[token]
            written += 1
            token += 1
            continue
        joins = fields[FIELDS * number + JOINS]
        _cut(
            data, begin, starts, ends, token, count, number, fold, slots, costs, fields,
            codes, firsts, sums, backs, known,
        )  # fmt: skip
        # The path backwards: the sum becomes -1 where a word begins.
        place = count
        while place > 0:
            back = np.int64(backs[place])
            joined = False
            if back > 0 and known[place] == 0 and known[back] == 0:
                joined = joins != 0 or (
                    codes[firsts[back]] & codes[firsts[back] - 1] & _KATAKANA != 0
                )
            if not joined:
                sums[back] = -1
            place = back
        used = count
        if count == WINDOW:  # perhaps not the run's end: what is near the window's is seen again
            used = count - MARGIN
            while used > 0 and sums[used] != -1:
                used -= 1
            if used == 0:  # one stretch of no known word
                used = count - MARGIN
        for place in range(used):
            if sums[place] == -1 or place == 0:
                starts[written] = starts[token + place]
                written += 1
            ends[written - 1] = ends[token + place]
        token += used
    while line <= lines:
        line_tokens[line] = written
        line += 1
    return written
