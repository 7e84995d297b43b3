"""The counters of a document, and what is counted at the end of a line and of a paragraph."""

from __future__ import annotations

import numpy as np
from numba import njit

from corpusmith.kernels.chars import TERMINAL, TERMINAL_ASCII
from corpusmith.kernels.hashing import matches
from corpusmith.kernels.segments import (
    RAW_LINE,
    RAW_PARAGRAPH,
    STRIPPED_LINE,
    STRIPPED_PARAGRAPH,
    count_segment,
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
    "raw_lines", "raw_line_copies", "raw_line_copy_chars", "full_line_copy_chars",
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
    RAW_LINES, RAW_LINE_COPIES, RAW_LINE_COPY_CHARS, FULL_LINE_COPY_CHARS,
    STRIPPED_LINE_CHARS, _, _,
    RAW_PARAGRAPHS, RAW_PARAGRAPH_COPIES, RAW_PARAGRAPH_COPY_CHARS,
    STRIPPED_PARAGRAPH_CHARS, _, _,
) = range(len(COUNTS))  # fmt: skip

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

FOUND_JAVASCRIPT, FOUND_POLICY, FOUND_LOREM = 1, 2, 4


@njit(cache=True, nogil=True)
def find_phrase(data, at, begin, end):
    """What of C4's phrases has its rare letter (j, k, v or m) at `at`; see `c4_utils.py` of
    tensorflow_datasets: javascript, privacy policy, terms of use, cookie policy, uses cookies,
    use of cookies, use cookies; lorem ipsum."""
    letter = data[at] | np.uint8(32)
    if letter == np.uint8(ord("j")):
        if matches(data, at, begin, end, _JAVASCRIPT):
            return FOUND_JAVASCRIPT
    elif letter == np.uint8(ord("k")):
        if matches(data, at - 3, begin, end, _COOKIE):
            if matches(data, at + 3, begin, end, _POLICY):
                return FOUND_POLICY
            if at + 3 < end and (data[at + 3] | np.uint8(32)) == np.uint8(ord("s")):
                word = at - 3
                if (
                    matches(data, word - 5, begin, end, _USES)
                    or matches(data, word - 4, begin, end, _USE)
                    or matches(data, word - 7, begin, end, _USE_OF)
                ):
                    return FOUND_POLICY
    elif letter == np.uint8(ord("v")):
        if matches(data, at - 3, begin, end, _PRIVACY):
            return FOUND_POLICY
    else:
        if matches(data, at - 3, begin, end, _TERMS):
            return FOUND_POLICY
        if matches(data, at - 4, begin, end, _LOREM):
            return FOUND_LOREM
    return 0


@njit(cache=True, nogil=True)
def is_ellipsis(data, at):
    """Whether `…` (U+2026) stands at `at`; three bytes must be there."""
    return data[at] == 0xE2 and data[at + 1] == 0x80 and data[at + 2] == 0xA6


@njit(cache=True, nogil=True)
def _segment(table, data, start, stop, chars, kind, row, at):
    """Count a raw segment at `at`: how many, copies after the first, their characters.
    Returns whether it is a copy."""
    row[at] += 1
    if count_segment(table, data, start, stop, kind) < 2:
        return False
    row[at + 1] += 1
    row[at + 2] += chars
    return True


@njit(cache=True, nogil=True)
def _stripped(table, data, start, stop, chars, kind, row, at):
    """Count a stripped segment at `at`: characters of all, those that repeat, their characters."""
    row[at] += chars
    times = count_segment(table, data, start, stop, kind)
    if times > 1:
        copies = 2 if times == 2 else 1  # the second brings in the first
        row[at + 1] += copies
        row[at + 2] += copies * chars


@njit(cache=True, nogil=True)
def end_line(data, start, stop, chars, first, last, stripped_chars, last_flags, found, table, row):
    """A line [start, stop) without its newline; its text without white space around it is
    [first, last), empty in a blank line."""
    row[LINES] += 1
    if chars > row[LONGEST_LINE]:
        row[LONGEST_LINE] = chars
    if chars == 0:
        return
    copy = _segment(table, data, start, stop, chars, RAW_LINE, row, RAW_LINES)
    if first >= last:
        return
    row[FULL_LINES] += 1
    if copy:
        row[FULL_LINE_COPY_CHARS] += chars
    _stripped(table, data, first, last, stripped_chars, STRIPPED_LINE, row, STRIPPED_LINE_CHARS)
    if chars <= SHORT_LINE_CHARS:
        row[SHORT_LINES] += 1
    if last_flags & TERMINAL:
        row[TERMINAL_LINES] += 1
        if last_flags & TERMINAL_ASCII:
            row[TERMINAL_ASCII_LINES] += 1
    if found & FOUND_JAVASCRIPT:
        row[JAVASCRIPT_LINES] += 1
    if found & FOUND_POLICY:
        row[POLICY_LINES] += 1
    length = last - first
    head = data[first]
    if head == ord("-"):
        row[BULLETS] += 1
        row[BULLETS_DCLM] += 1
    elif head == ord("*"):
        row[BULLETS_DCLM] += 1
    elif head == 0xE2 and length >= 3:
        if data[first + 1] == 0x80 and data[first + 2] == 0xA2:  # •
            row[BULLETS] += 1
            row[BULLETS_DCLM] += 1
        elif data[first + 1] == 0x97 and data[first + 2] == 0x8F:  # ●
            row[BULLETS_DCLM] += 1
    if length >= 3:
        dots = data[last - 1] == ord(".")
        if (dots and data[last - 2] == ord(".") and data[last - 3] == ord(".")) or is_ellipsis(
            data, last - 3
        ):
            row[ELLIPSIS_LINES] += 1
            row[ELLIPSIS_LINES_DCLM] += 1
        elif (
            dots
            and length >= 5
            and data[last - 2] == ord(" ")
            and data[last - 3] == ord(".")
            and data[last - 4] == ord(" ")
            and data[last - 5] == ord(".")
        ):
            row[ELLIPSIS_LINES_DCLM] += 1


@njit(cache=True, nogil=True)
def end_paragraph(data, start, stop, chars, first, last, stripped_chars, table, row):
    _segment(table, data, start, stop, chars, RAW_PARAGRAPH, row, RAW_PARAGRAPHS)
    _stripped(
        table, data, first, last, stripped_chars, STRIPPED_PARAGRAPH, row, STRIPPED_PARAGRAPH_CHARS
    )
