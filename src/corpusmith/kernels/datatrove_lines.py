"""C4's line filter as datatrove has it: what stays of each line, and what goes by which rule.

datatrove 0.10.1, `c4_filters.py`, C4QualityFilter. Lines are those of str.splitlines(), white
space is str.isspace(). A line is stripped, loses its citations ("[1]", "[edit]"), and is judged
by what is left; the lines kept are joined by "\\n" and the whole is stripped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.lines import (
    FOUND_JAVASCRIPT,
    FOUND_LOREM,
    FOUND_POLICY,
    find_phrase,
)
from corpusmith.kernels.spacy_chars import DECIMAL, LINE_BREAK, SPACE
from corpusmith.kernels.spacy_tokens import code_at

KINDS = ("", "blank", "long_word", "no_terminal", "few_words", "javascript", "policy",
         "white_space", "citation")  # fmt: skip
"""Why something was taken out; the place here is the number in `Spans`."""
_BLANK, _LONG, _TERMINAL, _FEW, _JAVASCRIPT, _POLICY, _SPACE, _CITATION = range(1, 9)

# Columns of `Cut.counts`.
LOREM, CURLY, DROPPED = range(3)
# Columns of `Cut.spans`: code points, bytes, a place in KINDS, and whether a newline stands there.
SPAN_FIELDS = 6

_NEWLINE, _RETURN, _OPEN, _CLOSE, _BRACE, _DOT = b"\n\r[]{."
_ENDS = np.frombuffer(b".?!\"'", np.uint8)
_EDIT = np.frombuffer(b"[edit]", np.uint8)
_NEEDED = np.frombuffer(b"[citation needed]", np.uint8)
_KELVIN = 0x212A  # whose lower case is an ASCII k
_KELVIN_FIRST = 0xE2  # of its bytes

# The line that is looked at: bytes and code points where it starts and stops, where the next one
# starts, where its text without white space around it begins and ends; then two counts; and of
# the text so far, behind its last character that is no white space: byte and code point there,
# the byte of `out`, the next span.
(
    _START, _STOP, _PAST, _FIRST, _LAST,
    _START_POINT, _STOP_POINT, _PAST_POINT, _FIRST_POINT, _LAST_POINT, _WORDS, _LONGEST,
    _SOLID, _SOLID_POINT, _SOLID_OUT, _SOLID_SPAN, LINE_FIELDS,
) = range(17)  # fmt: skip


class Cut(NamedTuple):
    """What `cut_rows` makes of a column, row by row."""

    out: np.ndarray  # uint8: the texts
    out_ends: np.ndarray  # int64[rows + 1]
    spans: np.ndarray  # int64[spans, SPAN_FIELDS], of kind 0 where nothing is to be done
    span_ends: np.ndarray  # int64[rows + 1]
    lines: np.ndarray  # int64[lines, 2]: bytes of `out` where a line that stays begins and ends
    line_ends: np.ndarray  # int64[rows + 1]
    counts: np.ndarray  # int64[rows, 3]


@kernel
def count_breaks(data):
    """(Bytes that may end a line for str.splitlines(), each break has one at its end; `[`)."""
    breaks = brackets = np.int64(0)
    for at in range(data.shape[0]):
        byte = data[at]
        breaks += (
            (np.uint8(byte - 10) <= 3)
            | (np.uint8(byte - 0x1C) <= 2)
            | (byte == 0x85)
            | (byte == 0xA8)
            | (byte == 0xA9)
        )
        brackets += byte == _OPEN
    return breaks, brackets


@kernel
def cut_rows(data, offsets, skip, flags, terminal, min_words, max_word, citations, javascript,
             policy, line, low, cut):  # fmt: skip
    """Cut every row whose `skip` is not set. `line` (int64[LINE_FIELDS]) and `low` (uint8) are
    memory."""
    written = span = kept = np.int64(0)
    text, out = pointer(data), pointer(cut.out)
    for row in range(offsets.shape[0] - 1):
        begin, end = offsets[row], offsets[row + 1]
        if skip[row]:
            _move(text, begin, end, out, written)
            written += end - begin
        else:
            written, span, kept = _cut_row(
                text, begin, end, pointer(flags), terminal, min_words, max_word, citations,
                javascript, policy, pointer(line), pointer(low), out, pointer(cut.spans),
                pointer(cut.lines), pointer(cut.counts[row]), written, span, kept,
            )  # fmt: skip
        cut.out_ends[row + 1] = written
        cut.span_ends[row + 1] = span
        cut.line_ends[row + 1] = kept


@inlined
def _move(data, start, stop, out, at):
    for byte in range(stop - start):
        out[at + byte] = data[start + byte]


@kernel
def _cut_row(
    data, begin, end, flags, terminal, min_words, max_word, citations, javascript, policy,
    line, low, out, spans, lines, counts, written, span, kept,
):  # fmt: skip
    tail = np.int64(-1)  # the span behind the line kept last
    at, point = begin, np.int64(0)
    solid = begin, point, written, span
    while at < end:
        _find_line(data, at, end, point, flags, line)
        at, point = line[_PAST], line[_PAST_POINT]
        if tail >= 0:  # between lines that stay there is one newline
            out[written] = _NEWLINE
        start = written + (tail >= 0)
        before = span
        first = line[_FIRST_POINT]
        _add_span(spans, span, line[_START_POINT], first, line[_START], line[_FIRST], _SPACE, 0)
        span += 1
        stop = start
        line[_SOLID_OUT] = 0  # the line before may have been dropped
        reason = np.int64(0)
        if line[_FIRST] == line[_LAST]:
            reason = np.int64(_BLANK)
        elif max_word and line[_LONGEST] > max_word:
            reason = np.int64(_LONG)
        else:
            open_, brace, kelvin = _rare_bytes(data, line[_FIRST], line[_LAST])
            if citations and open_:
                stop, span = _copy(data, flags, line, tail < 0, out, spans, start, span)
            else:
                _move(data, line[_FIRST], line[_LAST], out, start)
                stop = start + line[_LAST] - line[_FIRST]
                line[_SOLID], line[_SOLID_POINT] = line[_LAST], line[_LAST_POINT]
                line[_SOLID_OUT], line[_SOLID_SPAN] = stop, span
            reason = _judge(
                out, start, stop, line[_WORDS], terminal, min_words, javascript, policy,
                low, brace, kelvin, counts,
            )  # fmt: skip
        if reason:
            span = before
            _add_span(spans, span, line[_START_POINT], point, line[_START], at, reason, 0)
            span += 1
            counts[DROPPED] += reason != _BLANK
            continue
        lines[2 * kept], lines[2 * kept + 1] = start, stop
        kept += 1
        if stop == start and tail < 0:  # citations alone, and the text has not begun
            _add_span(spans, span, line[_LAST_POINT], point, line[_LAST], at, _SPACE, 0)
            span += 1
            continue
        written = stop
        if line[_SOLID_OUT] > solid[2]:
            solid = line[_SOLID], line[_SOLID_POINT], line[_SOLID_OUT], line[_SOLID_SPAN]
        tail = span
        _add_span(spans, span, line[_LAST_POINT], point, line[_LAST], at, _SPACE, 1)
        if at - line[_LAST] == 1 and data[at - 1] == _NEWLINE:
            spans[SPAN_FIELDS * span + 4] = 0  # it is that newline already
        span += 1
    if tail >= 0:
        place = SPAN_FIELDS * tail
        spans[place + 4] = _SPACE if spans[place + 1] > spans[place] else 0
        spans[place + 5] = 0
        if solid[2] < written:
            written = solid[2]
            _remove_rest(spans, solid[0], solid[1], solid[3], span)
    return written, span, kept


@kernel
def _remove_rest(spans, at, point, first, last):
    """Let the spans [first, last) cover all from `at` on: what is left there is white space."""
    for span in range(first, last):
        place = SPAN_FIELDS * span
        spans[place], spans[place + 2] = point, at
        point, at = spans[place + 1], spans[place + 3]
        if spans[place + 4] == 0 and at > spans[place + 2]:
            spans[place + 4] = _SPACE
        spans[place + 5] = 0


@inlined
def _add_span(spans, span, start_point, end_point, start, end, kind, newline):
    place = SPAN_FIELDS * span
    spans[place], spans[place + 1] = start_point, end_point
    spans[place + 2], spans[place + 3] = start, end
    spans[place + 4] = kind if end > start else 0
    spans[place + 5] = newline


@inlined
def _rare_bytes(data, start, stop):
    """How many `[`, `{` and first bytes of a Kelvin sign: one loop that the machine vectorizes."""
    open_ = brace = kelvin = np.int64(0)
    for at in range(start, stop):
        open_ += data[at] == _OPEN
        brace += data[at] == _BRACE
        kelvin += data[at] == _KELVIN_FIRST
    return open_, brace, kelvin


@kernel
def _find_line(data, at, end, point, flags, line):
    line[_START], line[_START_POINT] = at, point
    first = first_point = np.int64(-1)
    last, last_point = at, point
    words = longest = word = np.int64(0)
    while at < end:
        begin = at
        while at < end and 32 < data[at] < 127:
            at += 1
        count = at - begin
        if count == 0:
            code, length = code_at(data, at, end)
            flag = flags[code]
            if flag & LINE_BREAK:
                break
            at += length
            if flag & SPACE:
                word = np.int64(0)
                point += 1
                continue
            count = np.int64(1)
        if first < 0:
            first, first_point = begin, point
        words += word == 0
        word += count
        longest = max(longest, word)
        point += count
        last, last_point = at, point
    line[_STOP], line[_STOP_POINT] = at, point
    line[_WORDS], line[_LONGEST] = words, longest
    if first < 0:  # blank
        first, first_point, last, last_point = at, point, at, point
    line[_FIRST], line[_FIRST_POINT] = first, first_point
    line[_LAST], line[_LAST_POINT] = last, last_point
    if at < end:
        code, length = code_at(data, at, end)
        at += length
        point += 1
        if code == _RETURN and at < end and data[at] == _NEWLINE:
            at += 1
            point += 1
    line[_PAST], line[_PAST_POINT] = at, point


@kernel
def _copy(data, flags, line, is_first, out, spans, written, span):
    """Copy the line without its citations; where it would begin the text, also without white
    space that is left at its beginning. Returns where it ends in `out`, and the next span."""
    start, first_span = written, span
    at, point, end = line[_FIRST], line[_FIRST_POINT], line[_LAST]
    while at < end:
        code, length = code_at(data, at, end)
        if code == _OPEN:
            size, points = _citation(data, at, end, flags)
            if size:
                _add_span(spans, span, point, point + points, at, at + size, _CITATION, 0)
                span += 1
                at += size
                point += points
                continue
        if is_first and written == start and flags[code] & SPACE:
            place = SPAN_FIELDS * (span - 1)
            if span > first_span and spans[place + 4] == _SPACE and spans[place + 3] == at:
                spans[place + 1], spans[place + 3] = point + 1, at + length
            else:
                _add_span(spans, span, point, point + 1, at, at + length, _SPACE, 0)
                span += 1
        else:
            _move(data, at, at + length, out, written)
            written += length
            if not flags[code] & SPACE:
                line[_SOLID], line[_SOLID_POINT] = at + length, point + 1
                line[_SOLID_OUT], line[_SOLID_SPAN] = written, span
        at += length
        point += 1
    return written, span


@kernel
def _citation(data, at, end, flags):
    r"""(Bytes, code points) of \[\d*]|\[edit]|\[citation needed] at `at`; 0 where none is."""
    stop, points = at + 1, np.int64(1)
    while stop < end:
        code, length = code_at(data, stop, end)
        if code == _CLOSE:
            return stop + 1 - at, points + 1
        if not flags[code] & DECIMAL:
            break
        stop += length
        points += 1
    for phrase in (_EDIT, _NEEDED):
        if at + phrase.shape[0] <= end:
            same = True
            for offset in range(phrase.shape[0]):
                if data[at + offset] != phrase[offset]:
                    same = False
                    break
            if same:
                return np.int64(phrase.shape[0]), np.int64(phrase.shape[0])
    return np.int64(0), np.int64(0)


@kernel
def _judge(
    out, start, stop, words, terminal, min_words, javascript, policy, low, brace, kelvin, counts
):
    """Why the line goes, 0 where it stays, in datatrove's order; notes what drops the document."""
    if terminal:
        ends = False
        for end in _ENDS:
            ends |= stop > start and out[stop - 1] == end
        if not ends or (
            stop - start >= 3
            and out[stop - 1] == _DOT
            and out[stop - 2] == _DOT
            and out[stop - 3] == _DOT
        ):
            return np.int64(_TERMINAL)
    if words < min_words:
        return np.int64(_FEW)
    if kelvin:
        found = _phrases(low, np.int64(0), _without_kelvin(out, start, stop, low))
    else:
        found = _phrases(out, start, stop)
    if found & FOUND_LOREM:
        counts[LOREM] = 1
    if found & FOUND_JAVASCRIPT and javascript:
        return np.int64(_JAVASCRIPT)
    if brace:
        counts[CURLY] = 1
    if found & FOUND_POLICY and policy:
        return np.int64(_POLICY)
    return np.int64(0)


@inlined
def _phrases(text, start, stop):
    """What of C4's phrases is in `text[start:stop]`."""
    found = np.int64(0)
    for at in range(start, stop):
        letter = text[at] | 32
        if letter == 106 or letter == 107 or letter == 109 or letter == 118:  # j k m v
            found |= find_phrase(text, at, start, stop)
    return found


@kernel
def _without_kelvin(out, start, stop, low):
    """The line with `k` for each Kelvin sign, in `low`; its length."""
    length = np.int64(0)
    at = start
    while at < stop:
        code, size = code_at(out, at, stop)
        if code == _KELVIN:
            low[length] = 107
            length += 1
        else:
            _move(out, at, at + size, low, length)
            length += size
        at += size
    return length
