"""Edits as spans: apply them, take them back, find them, and hand them to Arrow.

A span is a mapping (or a row of `schema.EDIT_SPAN`) with `start` and `end`, a half-open range
of code points in the text before the edit, and `replacement`; `removed` holds the text that
stood there, or None where PII masking took it out. The spans of one document are sorted and
do not overlap, so that

    apply_edits(before, spans) == after
    revert_edits(after, spans) == before      unless something was masked
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from corpusmith.kernels.buffers import large_string, text_buffers
from corpusmith.schema import EDIT_SPAN

EDIT_LIST = pa.list_(EDIT_SPAN)
BLOCK = "█"
"""Stands in `replacement` for each code point of what masking removed later."""

Span = Mapping[str, Any]


def check_spans(spans: Sequence[Span], length: int) -> None:
    """Raise ValueError where spans are not sorted, overlap, or leave a text of `length`."""
    last = 0
    for span in spans:
        if not last <= span["start"] <= span["end"] <= length:
            raise ValueError(
                f"edit {span['kind']!r} at {span['start']}..{span['end']} is out of order or "
                f"outside: expected within {last}..{length}"
            )
        last = span["end"]


def apply_edits(before: str, spans: Sequence[Span]) -> str:
    """The text after the edits. Raises ValueError for spans that do not fit `before`."""
    check_spans(spans, len(before))
    pieces, at = [], 0
    for span in spans:
        pieces += [before[at : span["start"]], span["replacement"]]
        at = span["end"]
    pieces.append(before[at:])
    return "".join(pieces)


def revert_edits(after: str, spans: Sequence[Span]) -> str:
    """The text before the edits.

    Raises ValueError where a span's text was masked (`removed` is None), or where `after` is
    not what these spans lead to.
    """
    pieces, at, shift = [], 0, 0  # shift: code points that the edits so far added
    for span in spans:
        if span["removed"] is None:
            raise ValueError(f"{span['kind']} at {span['start']} was masked and can't be undone")
        start = span["start"] + shift
        end = start + len(span["replacement"])
        if start < at or after[start:end] != span["replacement"]:
            raise ValueError(f"edit {span['kind']!r} at {span['start']} did not lead to this text")
        pieces += [after[at:start], span["removed"]]
        at = end
        shift += len(span["replacement"]) - (span["end"] - span["start"])
    pieces.append(after[at:])
    return "".join(pieces)


def common_ends(old: str, new: str) -> tuple[int, int]:
    """Code points that both texts share at the start, and at the end after that."""
    shortest = min(len(old), len(new))
    head = _common_prefix(old, new, shortest)
    tail = _common_prefix(old[head:][::-1], new[head:][::-1], shortest - head)
    return head, tail


def _common_prefix(old: str, new: str, longest: int) -> int:
    low, high = 0, longest  # slices compare at memory speed, a loop over characters does not
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class SpanColumns:
    """Collects a batch's spans, one document after the other, without an object for each."""

    def __init__(self) -> None:
        self._columns: dict[str, list] = {field.name: [] for field in EDIT_SPAN}
        self._ends = [0]

    def add(
        self,
        start: int,
        end: int,
        kind: str,
        removed: str | None,
        replacement: str,
        removed_hash: str | None = None,
    ) -> None:
        columns = self._columns
        columns["start"].append(start)
        columns["end"].append(end)
        columns["kind"].append(kind)
        columns["removed"].append(removed)
        columns["removed_hash"].append(removed_hash)
        columns["replacement"].append(replacement)

    def add_difference(self, start: int, old: str, new: str, kind: str) -> int:
        """One span for what differs between `old`, which starts at `start`, and `new`.

        Returns the code points changed: removed or put in, whichever is more.
        """
        if old == new:
            return 0
        head, tail = common_ends(old, new)
        removed, put_in = old[head : len(old) - tail], new[head : len(new) - tail]
        self.add(start + head, start + len(old) - tail, kind, removed, put_in)
        return max(len(removed), len(put_in))

    def end_documents(self, count: int = 1) -> None:
        """The document whose spans were added is complete, and `count - 1` more without spans."""
        self._ends += [len(self._columns["start"])] * count

    def array(self) -> pa.ListArray:
        """list<EDIT_SPAN>, one row for each document ended."""
        fields = [pa.array(self._columns[field.name], field.type) for field in EDIT_SPAN]
        return edit_list(np.array(self._ends, np.int64), fields)


def edit_list(ends: np.ndarray, columns: Sequence[pa.Array]) -> pa.ListArray:
    """list<EDIT_SPAN> from the columns of all spans and `ends` (documents + 1, first 0)."""
    values = pa.StructArray.from_arrays(columns, fields=list(EDIT_SPAN))
    return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), values)


def replace_rows(
    column: pa.Array | pa.ChunkedArray, new: Mapping[int, str]
) -> pa.Array | pa.ChunkedArray:
    """The column of text with the rows that `new` names (in rising order) replaced."""
    if not new:
        return column
    data, offsets = text_buffers(column)
    lengths = np.diff(offsets)
    pieces, at = [], 0
    for row, text in new.items():
        encoded = text.encode()
        pieces += [data[offsets[at] : offsets[row]], np.frombuffer(encoded, np.uint8)]
        lengths[row] = len(encoded)
        at = row + 1
    pieces.append(data[offsets[at] :])
    return large_string(np.concatenate(pieces), np.concatenate(([0], np.cumsum(lengths))))
