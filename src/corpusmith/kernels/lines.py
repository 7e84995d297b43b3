"""The counters of a document, and what is counted at the end of a line and of a paragraph."""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.chars import TERMINAL, TERMINAL_ASCII
from corpusmith.kernels.hashing import is_ellipsis, matches
from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.segments import (
    COUNT,
    FIELDS,
    LENGTH,
    LINE_START,
    PARAGRAPH_START,
    equal_segments,
    segment_entry,
)

COUNTS = (
    "chars", "letters", "upper", "digits", "numbers", "newlines", "tokens", "words",
    "word_chars", "letter_words", "median_twice", "hashes", "dots3", "ellipses", "spaced_dots",
    "curly", "lines", "full_lines", "bullets", "bullets_dclm", "ellipsis_lines",
    "ellipsis_lines_dclm", "terminal_lines", "terminal_ascii_lines", "short_lines",
    "javascript_lines", "policy_lines", "lorem", "sentences", "longest_line",
    "stop_distinct", "stop_words",
    # Segments: how many, how many copies after the first and their characters; then of the
    # stripped ones all characters, those that occur twice or more, and their characters.
    "full_line_copy_chars",
    "raw_lines", "raw_line_copies", "raw_line_copy_chars",
    "stripped_line_chars", "stripped_line_repeats", "stripped_line_repeat_chars",
    "raw_paragraphs", "raw_paragraph_copies", "raw_paragraph_copy_chars",
    "stripped_paragraph_chars", "stripped_paragraph_repeats", "stripped_paragraph_repeat_chars",
)  # fmt: skip
"""The columns of the counters that `scan_document` fills, in order; full = not only space."""

(
    CHARS, LETTERS, UPPER, DIGITS, NUMBERS, NEWLINES, TOKENS, WORDS,
    WORD_CHARS, LETTER_WORDS, MEDIAN_TWICE, HASHES, DOTS3, ELLIPSES, SPACED_DOTS,
    CURLY, LINES, FULL_LINES, BULLETS, BULLETS_DCLM, ELLIPSIS_LINES,
    ELLIPSIS_LINES_DCLM, TERMINAL_LINES, TERMINAL_ASCII_LINES, SHORT_LINES,
    JAVASCRIPT_LINES, POLICY_LINES, LOREM, SENTENCES, LONGEST_LINE,
    STOP_DISTINCT, STOP_WORD_COUNT,
    FULL_LINE_COPY_CHARS,
    RAW_LINES, _, _, _, _, _,
    RAW_PARAGRAPHS, _, _, _, _, _,
) = range(len(COUNTS))  # fmt: skip

# What an entry of the table of segments has been so far, in its count: as it is (but where that was
# the first one of its stripped text, which is written down), stripped, and stripped twice or more;
# first as a line, then the same three as a paragraph. As int64, not int, since Numba would compile
# what takes them once for each value.
_RAW, _STRIPPED, _STRIPPED_AGAIN = np.int64(1), np.int64(2), np.int64(4)
_LINE, _PARAGRAPH = np.int64(0), np.int64(3)  # bits
_LINE_COUNTERS, _PARAGRAPH_COUNTERS = np.int64(RAW_LINES), np.int64(RAW_PARAGRAPHS)
_LINE_FIELDS, _PARAGRAPH_FIELDS = np.int64(LINE_START), np.int64(PARAGRAPH_START)
UNKNOWN = np.int64(-1)  # instead of an entry
SHORT_LINE_CHARS = 30  # FineWeb: lines of 30 characters or fewer are short

_JAVASCRIPT = np.frombuffer(b"javascript", np.uint8)
_COOKIE = np.frombuffer(b"cookie", np.uint8)
_POLICY = np.frombuffer(b" policy", np.uint8)
_USES = np.frombuffer(b"uses ", np.uint8)
_USE = np.frombuffer(b"use ", np.uint8)
_USE_OF = np.frombuffer(b"use of ", np.uint8)
_PRIVACY = np.frombuffer(b"privacy policy", np.uint8)
_TERMS = np.frombuffer(b"terms of use", np.uint8)
_LOREM = np.frombuffer(b"lorem ipsum", np.uint8)

_J, _K, _S, _V = b"jksv"
_DASH, _STAR, _DOT, _BLANK = b"-*. "
FOUND_JAVASCRIPT, FOUND_POLICY, FOUND_LOREM = 1, 2, 4


@kernel
def find_phrase(data, at, begin, end):
    """What of C4's phrases has its rare letter (j, k, v or m) at `at`; see `c4_utils.py` of
    tensorflow_datasets: javascript, privacy policy, terms of use, cookie policy, uses cookies,
    use of cookies, use cookies; lorem ipsum."""
    letter = data[at] | np.uint8(32)
    if letter == _J:
        if matches(data, at, begin, end, _JAVASCRIPT):
            return FOUND_JAVASCRIPT
    elif letter == _K:
        if matches(data, at - 3, begin, end, _COOKIE):
            if matches(data, at + 3, begin, end, _POLICY):
                return FOUND_POLICY
            if at + 3 < end and (data[at + 3] | np.uint8(32)) == _S:
                word = at - 3
                if (
                    matches(data, word - 5, begin, end, _USES)
                    or matches(data, word - 4, begin, end, _USE)
                    or matches(data, word - 7, begin, end, _USE_OF)
                ):
                    return FOUND_POLICY
    elif letter == _V:
        if matches(data, at - 3, begin, end, _PRIVACY):
            return FOUND_POLICY
    else:
        if matches(data, at - 3, begin, end, _TERMS):
            return FOUND_POLICY
        if matches(data, at - 4, begin, end, _LOREM):
            return FOUND_LOREM
    return 0


@inlined
def _segment(
    data, size, start, stop, chars, first, last, stripped_chars, entry, sort, as_it_was,
    slots, entries, state, row, at,
):  # fmt: skip
    """Count a segment from `row[at]` on, as the names of `COUNTS` from `raw_...` say; `entry` is
    that of its stripped text, if known. Returns (whether it is a copy of an earlier one, entry).

    Its first segment is written down with a stripped text, in the fields `as_it_was`: mostly the
    later ones are equal to it, or there are none, and only the stripped text is looked up.
    """
    row[at] += 1
    raw = UNKNOWN
    if first < last:
        if entry < 0:
            entry = segment_entry(data, size, first, last - first, slots, entries, state)
        row[at + 3] += stripped_chars
        field = FIELDS * entry
        before = entries[field + COUNT] >> sort
        if not before & _STRIPPED:
            entries[field + COUNT] |= _STRIPPED << sort
            entries[field + as_it_was] = start
            entries[field + as_it_was + 1] = stop - start
            return np.int64(0), entry
        copies = 1 if before & _STRIPPED_AGAIN else 2  # the second brings in the first
        row[at + 4] += copies
        row[at + 5] += copies * stripped_chars
        entries[field + COUNT] |= _STRIPPED_AGAIN << sort
        bare = stop - start == entries[field + LENGTH]
        if stop - start == entries[field + as_it_was + 1] and (
            bare or equal_segments(data, size, entries[field + as_it_was], start, stop - start)
        ):
            row[at + 1] += 1
            row[at + 2] += chars
            return np.int64(1), entry
        if bare:
            raw = entry
    if raw < 0:
        raw = segment_entry(data, size, start, stop - start, slots, entries, state)
    copy = (entries[FIELDS * raw + COUNT] >> sort) & _RAW
    entries[FIELDS * raw + COUNT] |= _RAW << sort
    row[at + 1] += copy
    row[at + 2] += copy * chars
    return copy, entry


@kernel
def end_line(
    data, size, start, stop, chars, first, last, stripped_chars, last_flags, found,
    slots, entries, state, row,
):  # fmt: skip
    """A line [start, stop) without its newline; its text without white space around it is
    [first, last), empty in a blank line. Returns the entry of that text, or UNKNOWN."""
    row[LINES] += 1
    row[LONGEST_LINE] = max(row[LONGEST_LINE], chars)
    if chars == 0:
        return UNKNOWN
    copy, entry = _segment(
        data, size, start, stop, chars, first, last, stripped_chars, UNKNOWN, _LINE,
        _LINE_FIELDS, slots, entries, state, row, _LINE_COUNTERS,
    )  # fmt: skip
    if first >= last:
        return UNKNOWN
    row[FULL_LINES] += 1
    row[FULL_LINE_COPY_CHARS] += copy * chars
    row[SHORT_LINES] += np.int64(chars <= SHORT_LINE_CHARS)
    row[TERMINAL_LINES] += np.int64(last_flags & TERMINAL != 0)
    row[TERMINAL_ASCII_LINES] += np.int64(last_flags & TERMINAL_ASCII != 0)
    if found & FOUND_JAVASCRIPT:
        row[JAVASCRIPT_LINES] += 1
    if found & FOUND_POLICY:
        row[POLICY_LINES] += 1
    length = last - first
    head = data[first]
    if head == _DASH:
        row[BULLETS] += 1
        row[BULLETS_DCLM] += 1
    elif head == _STAR:
        row[BULLETS_DCLM] += 1
    elif head == 0xE2 and length >= 3:
        if data[first + 1] == 0x80 and data[first + 2] == 0xA2:  # •
            row[BULLETS] += 1
            row[BULLETS_DCLM] += 1
        elif data[first + 1] == 0x97 and data[first + 2] == 0x8F:  # ●
            row[BULLETS_DCLM] += 1
    if length >= 3:
        dots = data[last - 1] == _DOT
        if (dots and data[last - 2] == _DOT and data[last - 3] == _DOT) or is_ellipsis(
            data, last - 3
        ):
            row[ELLIPSIS_LINES] += 1
            row[ELLIPSIS_LINES_DCLM] += 1
        elif (
            dots
            and length >= 5
            and data[last - 2] == _BLANK
            and data[last - 3] == _DOT
            and data[last - 4] == _BLANK
            and data[last - 5] == _DOT
        ):
            row[ELLIPSIS_LINES_DCLM] += 1
    return entry


@kernel
def end_paragraph(
    data, size, start, stop, chars, first, last, stripped_chars, entry, slots, entries, state, row
):  # fmt: skip
    """A paragraph [start, stop); [first, last) without the white space around it, whose entry
    may be known."""
    _segment(
        data, size, start, stop, chars, first, last, stripped_chars, entry, _PARAGRAPH,
        _PARAGRAPH_FIELDS, slots, entries, state, row, _PARAGRAPH_COUNTERS,
    )  # fmt: skip
