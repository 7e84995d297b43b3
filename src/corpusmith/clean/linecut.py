"""Kernels of the line edits: what is in each line of a batch, and the texts without some lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from corpusmith.clean.spans import edit_list
from corpusmith.kernels.buffers import large_string, text_buffers
from corpusmith.kernels.chars import EXTEND, KIND, SINGLE, SPACE, WORD, Classes, classes
from corpusmith.kernels.hashing import load64, store64
from corpusmith.kernels.jit import njit, pointer
from corpusmith.kernels.marks import class_at

# Columns of `Lines.counts`. Bytes are of the batch's buffer, points are code points of the text;
# `first` and `last` bound the line without white space around it.
(
    START,
    STOP,
    FIRST,
    LAST,
    START_POINT,
    STOP_POINT,
    CHARS,
    WORDS,
    UPPER,
    NUMBERS,
) = range(10)
PLACES = STOP_POINT + 1  # the columns before


class Lines(NamedTuple):
    """The lines of a batch: those of row i are `counts[ends[i]:ends[i + 1]]`.

    A line ends at "\\n". Words are runs of letters, numbers and `_`, with a letter or number in
    them; each Han, Kana, Thai, Lao, Khmer and Burmese character is one.
    """

    data: np.ndarray  # uint8
    offsets: np.ndarray  # int64[rows + 1]
    counts: np.ndarray  # int64[lines, 6 or 10]
    ends: np.ndarray  # int64[rows + 1]

    def of(self, column: int) -> np.ndarray:
        return self.counts[:, column]

    def rows(self) -> np.ndarray:
        """The row of each line."""
        return np.repeat(np.arange(len(self.ends) - 1), np.diff(self.ends))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum over each row's lines of one value a line."""
        total = np.concatenate(([0], np.cumsum(values)))
        return total[self.ends[1:]] - total[self.ends[:-1]]

    def points(self) -> np.ndarray:
        """The code points of each row."""
        some = self.ends[1:] > self.ends[:-1]  # an empty text has no line
        last = self.counts[self.ends[1:][some] - 1]
        total = np.zeros(len(some), np.int64)
        total[some] = last[:, STOP_POINT] + (last[:, STOP] < self.offsets[1:][some])
        return total

    def text(self, line: int) -> str:
        """A line without the white space around it."""
        counts = self.counts[line]
        return self.data[counts[FIRST] : counts[LAST]].tobytes().decode()


def measure_lines(column: pa.Array | pa.ChunkedArray) -> Lines:
    data, offsets = text_buffers(column)
    tables = classes()
    rows = len(offsets) - 1
    counts = np.zeros((rows + np.count_nonzero(data == 10), NUMBERS + 1), np.int64)
    ends = np.zeros(rows + 1, np.int64)
    _measure(data, offsets, tables, counts, ends)
    return Lines(data, offsets, counts[: ends[-1]], ends)


@njit(cache=True, nogil=True)
def _measure(
    data: np.ndarray, offsets: np.ndarray, tables: Classes, counts: np.ndarray, ends: np.ndarray
) -> None:
    line = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        points = 0
        while at < end:
            at, points = _measure_line(data, at, end, points, tables, counts[line])
            line += 1
        ends[row + 1] = line


@njit(cache=True, nogil=True)
def _measure_line(
    data: np.ndarray, at: int, end: int, points: int, tables: Classes, count: np.ndarray
) -> tuple[int, int]:
    """Fill `count` for the line at `at`; returns where the next one starts."""
    start, start_point = at, points
    first, last = end, start
    first_point = last_point = points
    words = upper = numbers = 0
    in_word = word_counted = False
    while at < end and data[at] != 10:
        byte = data[at]
        if byte < 128:
            index, size = np.int64(byte), 1
        else:
            index, size = class_at(data, at, end, tables.roots, tables.leaves)
        flags = tables.flags[index]
        kind = flags & KIND
        if kind == SPACE:
            in_word = False
        else:
            if first == end:
                first, first_point = at, points
            letter_upper = tables.letters_upper[index]
            number = tables.digits_numbers[index]
            upper += letter_upper >> 32
            numbers += number >> 32
            if kind == SINGLE:
                words += 1
                in_word = False
            elif kind == WORD:
                if not in_word:
                    word_counted = False
                in_word = True
                if not word_counted and (letter_upper or number):
                    words += 1
                    word_counted = True
            elif kind != EXTEND:
                in_word = False
            last, last_point = at + size, points + 1
        at += size
        points += 1
    count[START], count[STOP] = start, at
    count[FIRST], count[LAST] = min(first, last), last
    count[START_POINT], count[STOP_POINT] = start_point, points
    count[CHARS] = last_point - first_point
    count[WORDS], count[UPPER], count[NUMBERS] = words, upper, numbers
    if at < end:  # the newline
        at += 1
        points += 1
    return at, points


def cut_lines(
    lines: Lines, drop: np.ndarray, kinds: list[str]
) -> tuple[pa.Array, pa.ListArray, np.ndarray]:
    """The texts without the lines whose `drop` (uint8) is not 0, the edits, and the code points
    removed in each row. `kinds[drop]` names the edit.

    An empty line goes with a dropped one where two empty lines would meet, and so does what
    white space is left behind the last line kept. A text of which nothing is dropped stays.
    """
    total = int(np.count_nonzero(drop))
    rows = len(lines.ends) - 1
    out = np.empty(len(lines.data), np.uint8)
    out_ends, span_ends = np.zeros(rows + 1, np.int64), np.zeros(rows + 1, np.int64)
    spans = np.zeros((total, 5), np.int64)
    _cut(lines.data, lines.offsets, lines.counts, lines.ends, drop, out, out_ends, spans, span_ends)
    lengths = spans[:, 3] - spans[:, 2]
    removed_ends = np.concatenate(([0], np.cumsum(lengths)))
    removed = np.empty(int(removed_ends[-1]), np.uint8)
    _gather(lines.data, spans, removed_ends, removed)
    names = pa.DictionaryArray.from_arrays(pa.array(spans[:, 4], pa.int32()), pa.array(kinds))
    points = spans[:, 1] - spans[:, 0]
    removed_points = np.concatenate(([0], np.cumsum(points)))
    edits = edit_list(
        span_ends,
        [
            pa.array(spans[:, 0]),
            pa.array(spans[:, 1]),
            names.cast(pa.string()),
            large_string(removed, removed_ends),
            pa.nulls(total, pa.string()),
            large_string(np.zeros(0, np.uint8), np.zeros(total + 1, np.int64)),
        ],
    )
    text = large_string(out[: out_ends[-1]], out_ends)
    return text, edits, removed_points[span_ends[1:]] - removed_points[span_ends[:-1]]


@njit(cache=True, nogil=True)
def _copy(data, start, stop, out, at):
    here, there = pointer(data), pointer(out)  # assigning a slice takes Numba seconds to compile
    while start + 8 <= stop:
        store64(there, at, load64(here, start))
        start += 8
        at += 8
    while start < stop:
        there[at] = here[start]
        start += 1
        at += 1


@njit(cache=True, nogil=True)
def _cut(
    data: np.ndarray,
    offsets: np.ndarray,
    counts: np.ndarray,
    ends: np.ndarray,
    drop: np.ndarray,
    out: np.ndarray,
    out_ends: np.ndarray,
    spans: np.ndarray,
    span_ends: np.ndarray,
) -> None:
    written = 0
    span = 0
    for row in range(len(offsets) - 1):
        # What waits to be copied: neighbouring lines go together.
        begin = stopped = offsets[row]
        after_blank = True  # the line written last is empty
        dropped = False  # since the line written last
        # Behind the last line kept: its end in bytes and points, and what was made until then.
        kept_byte, kept_point = offsets[row], np.int64(0)
        kept_written, kept_span = written, span
        for line in range(ends[row], ends[row + 1]):
            count = counts[line]
            start, stop = count[START], count[STOP]
            has_newline = stop < offsets[row + 1]
            past, past_point = stop + has_newline, count[STOP_POINT] + has_newline
            if drop[line]:
                spans[span, 0], spans[span, 1] = count[START_POINT], past_point
                spans[span, 2], spans[span, 3] = start, past
                spans[span, 4] = drop[line]
                span += 1
                dropped = True
                continue
            blank = count[FIRST] == count[LAST]
            if blank and dropped and after_blank:
                spans[span - 1, 1], spans[span - 1, 3] = past_point, past
                continue
            if start != stopped:
                _copy(data, begin, stopped, out, written - (stopped - begin))
                begin = start
            stopped = past
            written += past - start
            after_blank = blank
            dropped = False
            if not blank:
                kept_byte, kept_point = stop, count[STOP_POINT]
                kept_written, kept_span = written - has_newline, span
        _copy(data, begin, stopped, out, written - (stopped - begin))
        if span > kept_span:  # lines were dropped behind the last one kept
            for tail in range(kept_span, span):
                spans[tail, 0], spans[tail, 2] = kept_point, kept_byte
                kept_point, kept_byte = spans[tail, 1], spans[tail, 3]
            last = counts[ends[row + 1] - 1]
            has_newline = last[STOP] < offsets[row + 1]
            spans[span - 1, 1], spans[span - 1, 3] = (
                last[STOP_POINT] + has_newline,
                offsets[row + 1],
            )
            written = kept_written
        out_ends[row + 1] = written
        span_ends[row + 1] = span


@njit(cache=True, nogil=True)
def _gather(data: np.ndarray, spans: np.ndarray, ends: np.ndarray, out: np.ndarray) -> None:
    for span in range(len(spans)):
        _copy(data, spans[span, 2], spans[span, 3], out, ends[span])


def warm() -> None:
    """Compile or load this module's kernels."""
    lines = measure_lines(pa.array(["a"], pa.large_string()))
    cut_lines(lines, np.ones(1, np.uint8), ["", "warm"])
