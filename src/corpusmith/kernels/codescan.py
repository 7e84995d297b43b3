"""Characters in comments, and characters that a page of HTML shows, found without a parser.

One pass from left to right that knows strings, so that a comment's mark in a string is none.
What it does not know (a JavaScript regular expression with a quote in it, here-documents, C
macros) can make it take code for a string up to the end of that line, not further.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.hashing import matches
from corpusmith.kernels.jit import inlined, kernel, pointer

# What a byte may begin.
_MARK, _QUOTE, _LONG_QUOTE, _ESCAPE = 1, 2, 4, 8
# Columns of a style's row: each mark is its length and its bytes.
_OPEN, _CLOSE, _LINE1, _LINE2, _SPACED, _TRIPLE, _COLUMNS = 0, 5, 10, 15, 20, 21, 22


@dataclasses.dataclass(frozen=True)
class CommentStyle:
    """How a family of languages writes comments and strings."""

    lines: tuple[str, ...] = ()  # up to two marks, comment up to the line's end
    block: tuple[str, str] = ("", "")  # comment from one mark to the other, over lines
    quotes: str = ""  # strings that end at the line's end at the latest; backslash escapes
    long_quotes: str = ""  # strings over lines
    triple: bool = False  # Python: a tripled quote is a long string, a comment at a line's start
    spaced: bool = False  # a line's mark counts only at its start or after white space
    escapes: bool = False  # outside of strings too a backslash takes the next character (TeX)


def style_tables(styles: list[CommentStyle]) -> tuple[np.ndarray, np.ndarray]:
    """(uint8[styles, 22] marks and flags, uint8[styles, 256] what each byte may begin)."""
    marks = np.zeros((len(styles), _COLUMNS), np.uint8)
    begins = np.zeros((len(styles), 256), np.uint8)
    for number, style in enumerate(styles):
        lines = (*style.lines, "", "")
        for column, mark in (
            (_OPEN, style.block[0]), (_CLOSE, style.block[1]),
            (_LINE1, lines[0]), (_LINE2, lines[1]),
        ):  # fmt: skip
            marks[number, column] = len(mark)
            marks[number, column + 1 : column + 1 + len(mark)] = list(mark.encode())
        marks[number, _SPACED] = style.spaced
        marks[number, _TRIPLE] = style.triple
        for mark in (style.block[0], *style.lines):
            if mark:
                begins[number, ord(mark[0])] |= _MARK
        for quote in style.quotes:
            begins[number, ord(quote)] |= _QUOTE
        for quote in style.long_quotes:
            begins[number, ord(quote)] |= _QUOTE | _LONG_QUOTE
        if style.escapes:
            begins[number, ord("\\")] |= _ESCAPE
    return marks, begins


@kernel
def comment_chars(data, offsets, styles, marks, begins, chars):
    """Fill `chars` (int64[rows]) with the characters in comments, their marks included and the
    line's end not; `styles` is int32[rows], rows with a negative one are left alone."""
    for row in range(offsets.shape[0] - 1):
        style = styles[row]
        if style >= 0:
            chars[row] = _comments(
                pointer(data), offsets[row], offsets[row + 1],
                pointer(marks[style]), pointer(begins[style]),
            )  # fmt: skip


@kernel
def visible_chars(data, offsets, wanted, chars):
    """Fill `chars` (int64[rows]) with the visible characters of rows of HTML where `wanted`
    (uint8[rows]): those outside of tags, comments, `script` and `style`; a reference (`&amp;`)
    is one character, a run of white space too, except at both ends of the page."""
    for row in range(offsets.shape[0] - 1):
        if wanted[row] != 0:
            chars[row] = _visible(pointer(data), offsets[row], offsets[row + 1])


def warm() -> None:
    """Compile the kernels, or load them from Numba's cache."""
    import pyarrow as pa

    data, offsets = text_buffers(pa.array(["# a 'b'", "<p>&amp;"], pa.large_string()))
    marks, begins = style_tables([CommentStyle(lines=("#",), quotes="'", triple=True)])
    chars = np.zeros(2, np.int64)
    comment_chars(data, offsets, np.zeros(2, np.int32), marks, begins, chars)
    visible_chars(data, offsets, np.ones(2, np.uint8), chars)


@inlined
def _has_mark(data, at, end, marks, column):
    length = np.int64(marks[column])
    if length == 0 or at + length > end:
        return False
    for offset in range(length):  # noqa: SIM110 - Numba compiles no generator
        if data[at + offset] != marks[column + 1 + offset]:
            return False
    return True


@inlined
def _is_space(byte):
    return byte == 32 or 9 <= byte <= 13


@kernel
def _characters(data, start, stop):
    count = np.int64(0)
    for at in range(start, stop):
        if data[at] & 0xC0 != 0x80:
            count += 1
    return count


@kernel
def _line_end(data, at, end):
    while at < end and data[at] != 10:
        at += 1
    return at


@kernel
def _string_end(data, at, end, over_lines, triple):
    """Where the string that begins with the quote at `at` ends, quotes included."""
    quote = data[at]
    at += 3 if triple else 1
    while at < end:
        byte = data[at]
        if byte == 92:  # a backslash and whatever it escapes
            at += 2
            continue
        if byte == 10 and not over_lines:
            return at
        if byte == quote:
            if not triple:
                return at + 1
            if at + 2 < end and data[at + 1] == quote and data[at + 2] == quote:
                return at + 3
        at += 1
    return end


@kernel
def _begins_line(data, begin, at):
    """Whether only white space and letters of a string's prefix (r, u, b, f) stand before it."""
    letters = 0
    at -= 1
    while at >= begin and letters < 2:
        letter = data[at] | 32
        if letter != 114 and letter != 117 and letter != 98 and letter != 102:
            break
        letters += 1
        at -= 1
    while at >= begin and (data[at] == 32 or data[at] == 9):
        at -= 1
    return at < begin or data[at] == 10


@kernel
def _comments(data, begin, end, marks, begins):
    chars = np.int64(0)
    at = begin
    while at < end:
        byte = data[at]
        begin_of = begins[byte]
        if begin_of == 0:
            at += 1
            continue
        if begin_of & _MARK:
            if _has_mark(data, at, end, marks, _OPEN):
                stop = at + np.int64(marks[_OPEN])
                while stop < end and not _has_mark(data, stop, end, marks, _CLOSE):
                    stop += 1
                stop = min(end, stop + np.int64(marks[_CLOSE]))
                chars += _characters(data, at, stop)
                at = stop
                continue
            if (
                _has_mark(data, at, end, marks, _LINE1) or _has_mark(data, at, end, marks, _LINE2)
            ) and (marks[_SPACED] == 0 or at == begin or _is_space(data[at - 1])):
                stop = _line_end(data, at, end)
                chars += _characters(data, at, stop)
                at = stop
                continue
        if begin_of & _QUOTE:
            triple = (
                marks[_TRIPLE] != 0
                and at + 2 < end
                and data[at + 1] == byte
                and data[at + 2] == byte
            )
            stop = _string_end(data, at, end, triple or begin_of & _LONG_QUOTE != 0, triple)
            if triple and _begins_line(data, begin, at):
                chars += _characters(data, at, stop)
            at = stop
            continue
        at += 2 if begin_of & _ESCAPE else 1
    return chars


_SCRIPT = np.frombuffer(b"script", np.uint8)
_STYLE = np.frombuffer(b"style", np.uint8)
_SCRIPT_END = np.frombuffer(b"</script", np.uint8)
_STYLE_END = np.frombuffer(b"</style", np.uint8)
_LONGEST_REFERENCE = 33  # bytes: &CounterClockwiseContourIntegral; has 33


@inlined
def _is_letter(byte):
    return 97 <= (byte | 32) <= 122


@kernel
def _tag_end(data, at, end):
    """After the `>` of the tag that begins at `at`; quotes after `=` may hold a `>`."""
    quote = np.uint8(0)
    after_equals = False
    at += 1
    while at < end:
        byte = data[at]
        at += 1
        if quote != 0:
            if byte == quote:
                quote = np.uint8(0)
        elif byte == 62:
            return at
        elif after_equals and (byte == 34 or byte == 39):
            quote = byte
            after_equals = False
        elif byte == 61:
            after_equals = True
        elif not _is_space(byte):
            after_equals = False
    return at


@kernel
def _name_ends(data, at, end):
    return at >= end or _is_space(data[at]) or data[at] == 62 or data[at] == 47


@kernel
def _reference_end(data, at, end):
    """After the `;` of the character reference at `at`, or `at` if there is none."""
    stop = at + 1
    last = min(end, at + _LONGEST_REFERENCE)
    if stop < last and data[stop] == 35:  # '#'
        stop += 1
    first = stop
    while stop < last and (_is_letter(data[stop]) or 48 <= data[stop] <= 57):
        stop += 1
    if stop > first and stop < last and data[stop] == 59:
        return stop + 1
    return at


@kernel
def _visible(data, begin, end):
    chars = np.int64(0)
    gap = False  # white space since the last visible character
    at = begin
    while at < end:
        byte = data[at]
        if byte == 60 and at + 1 < end:  # '<'
            after = data[at + 1]
            if after == 33 or after == 63 or after == 47 or _is_letter(after):
                if after == 33 and at + 3 < end and data[at + 2] == 45 and data[at + 3] == 45:
                    at += 4  # a comment, up to -->
                    while at < end and not (
                        data[at] == 62 and data[at - 1] == 45 and data[at - 2] == 45
                    ):
                        at += 1
                    at = min(end, at + 1)
                    continue
                start = at + 1
                at = _tag_end(data, at, end)
                if matches(data, start, begin, end, _SCRIPT) and _name_ends(data, start + 6, end):
                    while at < end and not matches(data, at, begin, end, _SCRIPT_END):
                        at += 1
                elif matches(data, start, begin, end, _STYLE) and _name_ends(data, start + 5, end):
                    while at < end and not matches(data, at, begin, end, _STYLE_END):
                        at += 1
                continue
        if _is_space(byte):
            gap = True
            at += 1
            continue
        if byte & 0xC0 != 0x80:
            if gap and chars > 0:
                chars += 1
            gap = False
            chars += 1
        if byte == 38:  # '&'
            at = max(at + 1, _reference_end(data, at, end))
        else:
            at += 1
    return chars
