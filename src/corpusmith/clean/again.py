"""A measure that is taken again behind an edit: documents that the edit left alone keep what they
have, since an operation depends on nothing but the row, its parameters and its artifacts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOST_CHANGED = 0.75
"""Of the documents: where more changed, taking them out of the batch costs about what it saves."""


@dataclasses.dataclass
class _Measured:
    columns: pa.Table
    changed: np.ndarray  # bool[rows]: the document is another one since


class Earlier:
    """What the measures of one batch have given so far."""

    def __init__(self) -> None:
        self._found: dict[Hashable, _Measured] = {}
        self._taken: tuple[pa.Table, np.ndarray, pa.Table] | None = None

    def measure(
        self,
        key: Hashable,
        names: list[str],
        batch: pa.Table,
        run: Callable[[pa.Table], pa.Table],
    ) -> pa.Table:
        """The columns `names` of `run(batch)`, for `run` of that key called on no more rows than
        changed. `run` must give the same types whatever the rows."""
        earlier = self._found.get(key)
        rows = np.arange(batch.num_rows) if earlier is None else np.flatnonzero(earlier.changed)
        if earlier is None or len(rows) > MOST_CHANGED * batch.num_rows:
            columns = run(batch).select(names)
        elif len(rows):
            fresh = run(self._take(batch, rows)).select(names)
            places = np.arange(batch.num_rows)
            places[rows] = batch.num_rows + np.arange(len(rows))
            both = pa.concat_tables([earlier.columns, fresh])
            columns = both.take(pa.array(places)).combine_chunks()
        else:
            columns = earlier.columns
        self._found[key] = _Measured(columns, np.zeros(batch.num_rows, np.bool_))
        return columns

    def _take(self, batch: pa.Table, rows: np.ndarray) -> pa.Table:
        """These rows; the same table for the next measure, which may share work on its texts."""
        last = self._taken
        if last is None or last[0] is not batch or not np.array_equal(last[1], rows):
            last = self._taken = batch, rows, batch.take(pa.array(rows)).combine_chunks()
        return last[2]

    def edited(self, before: pa.Table, edit: pa.Table) -> None:
        """An edit made other texts of these documents, or other messages and meta."""
        changed = np.zeros(before.num_rows, np.bool_)
        for name in ("text", "meta"):
            if name in edit.column_names:
                same = pc.fill_null(pc.equal(before[name], edit[name]), False)
                changed |= ~np.asarray(same)
        if "messages" in edit.column_names:
            changed |= np.asarray(pc.is_valid(before["messages"]))
            changed |= np.asarray(pc.is_valid(edit["messages"]))
        for one in self._found.values():
            one.changed |= changed

    def filled(self) -> None:
        """A measure filled columns of the documents: any operation may look at them."""
        self._found.clear()
