"""A cleaned part as later steps left it.

A deciding stage that rewrites texts leaves the rows that it changed in its own folder, part by
part under the same names: whole rows in `documents/`, and in `signals/` the columns that follow
from the text alone. Readers name the deciding folders in their order; a row of the last folder
that has one stands for the row that the pass wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.errors import CorpusmithError
from corpusmith.store.parts import committed, iter_part, left_ids, part_entry, read_part


def iter_current(
    folder: Path,
    kind: str,
    part: str,
    after: Sequence[Path],
    *,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.Table]:
    """The row groups of `documents` or `signals` with the rows that stages in `after` changed.

    CorpusmithError where a changed row is none of the part's, or not in the part's order.
    """
    wanted = None if columns is None else list(dict.fromkeys(["id", *columns]))
    layers = [_Layer(other, kind, part, wanted) for other in after if rewrote(other, kind, part)]
    if not layers:
        yield from iter_part(folder, kind, part, columns=columns)
        return
    for table in iter_part(folder, kind, part, columns=wanted):
        for layer in layers:
            table = layer.laid_over(table)
        yield table if columns is None else table.select(list(columns))
    for layer in layers:
        layer.finish()


def read_current(
    folder: Path,
    kind: str,
    part: str,
    after: Sequence[Path],
    *,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """All of `iter_current` as one table."""
    groups = list(iter_current(folder, kind, part, after, columns=columns))
    return pa.concat_tables(groups) if groups else read_part(folder, kind, part, columns=columns)


def kept_documents(
    folder: Path, part: str, after: Sequence[Path], columns: Sequence[str]
) -> Iterator[pa.Table]:
    """Row groups of the part's documents as they are now, without those that left through
    `after`; `columns` include id. Groups of which nothing is left don't come."""
    left = left_ids(after, part)
    for table in iter_current(folder, "documents", part, after, columns=columns):
        if len(left):
            table = table.filter(pc.invert(pc.is_in(table["id"], value_set=left)))
        if table.num_rows:
            yield table


def rewrote(folder: Path, kind: str, part: str) -> bool:
    """Whether this deciding stage changed rows of a part's `documents` or `signals`."""
    return committed(folder, part) and kind in part_entry(folder, part)["files"]


class _Layer:
    """The rows that one stage changed, in the part's order, read as far as they are needed."""

    def __init__(self, folder: Path, kind: str, part: str, columns: list[str] | None) -> None:
        stored = read_part(folder, kind, part, columns=columns).schema.names
        self._where = f"{folder} part {part}, {kind}/"
        self._groups = iter_part(folder, kind, part, columns=stored)
        self._next: pa.Table | None = None

    def laid_over(self, table: pa.Table) -> pa.Table:
        ids = table["id"].combine_chunks()
        while True:
            rows = self._next if self._next is not None else next(self._groups, None)
            if rows is None:
                return table
            places = pc.index_in(rows["id"].combine_chunks(), value_set=ids)
            count = rows.num_rows - places.null_count
            taken = places.slice(0, count)
            if taken.null_count or np.any(np.diff(np.asarray(taken)) <= 0):
                raise CorpusmithError("changed rows out of order", where=self._where)
            if count:
                table = _replaced(table, np.asarray(taken), rows.slice(0, count))
            self._next = rows.slice(count) if count < rows.num_rows else None
            if self._next is not None:
                return table

    def finish(self) -> None:
        rows = self._next if self._next is not None else next(self._groups, None)
        if rows is not None and rows.num_rows:
            raise CorpusmithError(
                f"a changed row of no document of the part: {rows['id'][0]}", where=self._where
            )


def _replaced(table: pa.Table, places: np.ndarray, rows: pa.Table) -> pa.Table:
    index = np.arange(table.num_rows)
    index[places] = table.num_rows + np.arange(rows.num_rows)
    for number, field in enumerate(table.schema):
        if field.name != "id" and field.name in rows.column_names:
            chunks = [*table[number].chunks, *rows[field.name].cast(field.type).chunks]
            both = pa.chunked_array(chunks, field.type)
            table = table.set_column(number, field, both.take(pa.array(index)))
    return table
