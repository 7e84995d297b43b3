"""The edits of `normalize` on the lines that `dirty.py` found: new texts, a span for each change.

A plain line loses white space at its end; in an odd one characters become others or go; a hard one
(mojibake, joiners, not in NFC) comes with what Python made of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.dirty import HARD, ODD
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.utf8 import copy_bytes, count_points

WHITE_SPACE, UNICODE, MOJIBAKE = range(3)  # kinds of edits

_COPY, _DROP, _BLANK, _BREAK = range(4)  # what becomes of a character
_SPAN = 7  # columns of a span: start, end, kind, bytes of what went, bytes of what came


class Rewritten(NamedTuple):
    data: np.ndarray  # uint8: all rows, those that stay as they are too
    offsets: np.ndarray  # int64[rows + 1]
    spans: np.ndarray  # int64[spans, 3]: start and end in code points of the row, kind
    ends: np.ndarray  # int64[rows + 1]: spans of row i are [ends[i], ends[i + 1])
    removed: tuple[np.ndarray, np.ndarray]  # data and offsets of what stood there
    replacement: tuple[np.ndarray, np.ndarray]
    changed: np.ndarray  # int32[rows]: code points that went or came, whichever is more


@inlined
def _continues(byte):
    return byte & np.uint8(0xC0) == np.uint8(0x80)


@inlined
def _ascii_change(code):
    if code >= 32:
        return _DROP if code == 127 else _COPY
    if code == 9:
        return _COPY
    if code == 10 or code == 13 or code == 11 or code == 12 or 0x1C <= code <= 0x1E:
        return _BREAK
    return _DROP


@inlined
def _change(code):
    """What becomes of a character beyond ASCII in a line that is not hard."""
    if code == 0xA0 or code == 0x1680 or 0x2000 <= code <= 0x200A or code == 0x202F:
        return _BLANK
    if code == 0x205F or code == 0x3000:
        return _BLANK
    if code == 0x2028 or code == 0x2029:
        return _BREAK
    if code == 0xAD or code == 0x61C or code == 0x180E or 0x200B <= code <= 0x200F:
        return _DROP
    if 0x202A <= code <= 0x202E or 0x2060 <= code <= 0x206F or code == 0xFEFF:
        return _DROP
    return _DROP if 0xFFF9 <= code <= 0xFFFB else _COPY


@kernel
def _odd_line(text, at, stop, out, begin):
    """Write what the line becomes to `out` from `begin` on; returns where it ends."""
    written = begin
    while at < stop:
        code, size = np.int64(text[at]), np.int64(1)
        if code < 0x80:
            change = _ascii_change(code)
            if code == 13 and at + 1 < stop and text[at + 1] == 10:
                size = np.int64(2)
        else:
            if code < 0xE0:
                code, size = (code & 0x1F) << 6 | (np.int64(text[at + 1]) & 0x3F), np.int64(2)
            elif code < 0xF0:
                code = (
                    (code & 0x0F) << 12
                    | (np.int64(text[at + 1]) & 0x3F) << 6
                    | (np.int64(text[at + 2]) & 0x3F)
                )
                size = np.int64(3)
            else:
                code, size = np.int64(0x10000), np.int64(4)  # none of these changes
            change = _change(code)
        if change == _COPY:
            for byte in range(size):
                out[written + byte] = text[at + byte]
            written += size
        elif change == _BLANK:
            out[written] = np.uint8(32)
            written += 1
        elif change == _BREAK:
            written = _without_blanks(out, begin, written)
            two = written >= begin + 2 and out[written - 1] == 10 and out[written - 2] == 10
            if not two:
                out[written] = np.uint8(10)
                written += 1
        at += size
    return _without_blanks(out, begin, written)


@inlined
def _without_blanks(out, begin, end):
    while end > begin and (out[end - 1] == 32 or out[end - 1] == 9):
        end -= 1
    return end


@kernel
def _same_but_breaks(text, at, stop, out, begin, end):
    """Whether a line and what it became differ in white space at the end alone."""
    while end > begin and (out[end - 1] == 32 or out[end - 1] == 9 or out[end - 1] == 10):
        end -= 1
    while stop > at and (
        text[stop - 1] == 32 or text[stop - 1] == 9 or text[stop - 1] == 10 or text[stop - 1] == 13
    ):
        stop -= 1
    if stop - at != end - begin:
        return False
    same = True
    for byte in range(end - begin):
        same &= text[at + byte] == out[begin + byte]
    return same


@kernel
def _difference(text, at, stop, out, begin, end):
    """(Bytes that both share at the start, and at the end after that), whole characters."""
    shortest = min(stop - at, end - begin)
    head = np.int64(0)
    while head < shortest and text[at + head] == out[begin + head]:
        head += 1
    while head > 0 and (
        (at + head < stop and _continues(text[at + head]))
        or (begin + head < end and _continues(out[begin + head]))
    ):
        head -= 1
    tail = np.int64(0)
    while tail < shortest - head and text[stop - tail - 1] == out[end - tail - 1]:
        tail += 1
    while tail > 0 and _continues(text[stop - tail]):
        tail -= 1
    return head, tail


@inlined
def _trailing(text, at, stop, breaks):
    """How many newlines stand at the end behind what had `breaks` at its end."""
    kept = np.int64(0)
    while kept < stop - at and text[stop - kept - 1] == 10:
        kept += 1
    return breaks + kept if kept == stop - at else kept


@kernel
def _code(text, begin, end, out, written, spans, span):
    """A text of code: no byte order mark at its start, \\n for \\r\\n and \\r."""
    at, point, changed = begin, np.int64(0), np.int64(0)
    if at + 3 <= end and text[at] == 0xEF and text[at + 1] == 0xBB and text[at + 2] == 0xBF:
        spans[span, 0], spans[span, 1], spans[span, 2] = 0, 1, UNICODE
        spans[span, 3], spans[span, 4], spans[span, 5], spans[span, 6] = (
            at,
            at + 3,
            written,
            written,
        )
        span += 1
        at, point, changed = at + 3, np.int64(1), np.int64(1)
    while at < end:
        start = at
        while at < end and text[at] != 13:
            at += 1
        written = copy_bytes(text, start, at, out, written)
        point += count_points(text, start, at)
        if at == end:
            break
        alone = at + 1 == end or text[at + 1] != 10
        spans[span, 0], spans[span, 1], spans[span, 2] = point, point + 1, WHITE_SPACE
        spans[span, 3], spans[span, 4], spans[span, 5] = at, at + 1, written
        if alone:
            out[written] = np.uint8(10)
            written += 1
        spans[span, 6] = written
        span += 1
        at, point, changed = at + 1, point + 1, changed + 1
    return written, span, changed


@kernel
def _rewrite(
    data, offsets, todo, is_code, starts, stops, points, marks, ends, hard, hard_ends, hard_kinds,
    new, new_offsets, spans, span_ends, changed,
):  # fmt: skip
    text, out, given = pointer(data), pointer(new), pointer(hard)
    written = span = number = np.int64(0)
    for row in range(offsets.shape[0] - 1):
        at, end = offsets[row], offsets[row + 1]
        if not todo[row]:
            written = copy_bytes(text, at, end, out, written)
            new_offsets[row + 1], span_ends[row + 1] = written, span
            continue
        if is_code[row]:
            written, span, count = _code(text, at, end, out, written, spans, span)
            new_offsets[row + 1], span_ends[row + 1], changed[row] = written, span, count
            continue
        breaks = point = total = np.int64(0)
        line = ends[row]
        while at < end:
            mark = np.int64(0)
            stop = at + 1
            if line < ends[row + 1] and at == starts[line]:
                mark, stop, point = np.int64(marks[line]), stops[line], points[line]
                line += 1
            elif breaks < 2 or text[at] != 10:
                following = starts[line] if line < ends[row + 1] else end
                written = copy_bytes(text, at, following, out, written)
                breaks = _trailing(text, at, following, breaks)
                at = following
                continue
            size = count_points(text, at, stop)
            if not mark & (ODD | HARD):  # white space at the end and nothing else
                bare = stop
                while bare > at and (
                    text[bare - 1] == 32 or text[bare - 1] == 9 or text[bare - 1] == 10
                ):
                    bare -= 1
                keeps = np.int64(text[stop - 1] == 10 and (bare > at or breaks < 2))
                written = copy_bytes(text, at, bare, out, written)
                if bare < stop - keeps:
                    gone = stop - keeps - bare
                    first = point + size - (stop - bare)
                    spans[span, 0], spans[span, 1] = first, first + gone
                    spans[span, 2], spans[span, 3], spans[span, 4] = WHITE_SPACE, bare, bare + gone
                    spans[span, 5], spans[span, 6] = written, written
                    span += 1
                    total += gone
                if keeps:
                    out[written] = np.uint8(10)
                    written += 1
                breaks = keeps if bare > at else breaks + keeps
            else:
                begin = written
                if mark & HARD:
                    kind = np.int64(hard_kinds[number])
                    first, last = hard_ends[number], hard_ends[number + 1]
                    stopped = copy_bytes(given, first, last, out, begin)
                    number += 1
                else:
                    stopped = _odd_line(text, at, stop, out, begin)
                    same = _same_but_breaks(text, at, stop, out, begin, stopped)
                    kind = np.int64(WHITE_SPACE if same else UNICODE)
                leading = begin
                while leading < stopped and out[leading] == 10:
                    leading += 1
                surplus = leading - begin - max(2 - breaks, 0)
                if surplus > 0:
                    stopped = copy_bytes(out, begin + surplus, stopped, out, begin)
                head, tail = _difference(text, at, stop, out, begin, stopped)
                went, came = stop - tail - at - head, stopped - tail - begin - head
                if went or came:
                    first = point + count_points(text, at, at + head)
                    removed = count_points(text, at + head, stop - tail)
                    spans[span, 0], spans[span, 1] = first, first + removed
                    spans[span, 2], spans[span, 3], spans[span, 4] = kind, at + head, stop - tail
                    spans[span, 5], spans[span, 6] = begin + head, stopped - tail
                    span += 1
                    total += max(removed, count_points(out, begin + head, stopped - tail))
                breaks = _trailing(out, begin, stopped, breaks)
                written = stopped
            point += size
            at = stop
        new_offsets[row + 1], span_ends[row + 1], changed[row] = written, span, total
    return span


@kernel
def _gather(data, spans, first, last, out, ends):
    text, there = pointer(data), pointer(out)
    for span in range(ends.shape[0] - 1):
        copy_bytes(text, spans[span, first], spans[span, last], there, ends[span])


def rewrite(
    data: np.ndarray,
    offsets: np.ndarray,
    todo: np.ndarray,
    is_code: np.ndarray,
    lines: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    ends: np.ndarray,
    hard: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Rewritten:
    """The texts after `normalize`.

    `todo`, `is_code`: bool[rows], rows that may change, rows of code. Lines of row i to look at are
    [ends[i], ends[i + 1]) of `lines`, all int64: first byte, past the last (with its line end),
    code points of the row before it, marks. Of each line marked HARD in a row to change that is no
    code, in their order, `hard` has what it becomes (data, offsets) and the edit's kind (int64).
    """
    rows = len(offsets) - 1
    out = np.empty(len(data) + len(hard[0]), np.uint8)
    out_offsets, span_ends = np.zeros(rows + 1, np.int64), np.zeros(rows + 1, np.int64)
    # A span a line at most, and one for a byte order mark.
    most = 2 * rows + int(np.count_nonzero(data == 10)) + int(np.count_nonzero(data == 13))
    spans, changed = np.empty((most, _SPAN), np.int64), np.zeros(rows, np.int32)
    count = _rewrite(
        data, offsets, todo, is_code, *lines, ends, *hard, out, out_offsets, spans, span_ends,
        changed,
    )  # fmt: skip
    spans = spans[:count]
    return Rewritten(
        out[: out_offsets[-1]],
        out_offsets,
        spans[:, :3],
        span_ends,
        _pieces(data, spans, 3),
        _pieces(out, spans, 5),
        changed,
    )


def _pieces(data: np.ndarray, spans: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """The bytes between these two columns of each span, one after the other, and their offsets."""
    ends = np.zeros(len(spans) + 1, np.int64)
    np.cumsum(spans[:, first + 1] - spans[:, first], out=ends[1:])
    pieces = np.empty(int(ends[-1]), np.uint8)
    _gather(data, spans, first, first + 1, pieces, ends)
    return pieces, ends
