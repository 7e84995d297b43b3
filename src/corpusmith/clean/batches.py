"""What the pass over the text reads: a part's documents, in batches of bounded bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpusmith import schema
from corpusmith.op import TaskContext
from corpusmith.store.parts import (
    GROUP_BYTES,
    GROUP_ROWS,
    PartWriter,
    batches_of,
    iter_part,
    row_bytes,
)

MAX_ROWS = 4 * GROUP_ROWS


def batches(spec: dict[str, Any], ctx: TaskContext, out: PartWriter) -> Iterator[pa.Table]:
    """The part's documents, row groups together up to about `ctx.batch_bytes`; those to be skipped
    go to quarantine instead.

    Each batch costs the operations a start, each row the signals its numbers: both are bounded.
    """
    limit = 0 if ctx.careful else ctx.batch_bytes
    held: list[pa.Table] = []
    size = rows = 0
    for group in _groups(spec, ctx, out):
        held.append(group)
        size += int(row_bytes(group).sum())
        rows += group.num_rows
        del group  # not held while the next one is read
        # With documents to skip group by group: rows of quarantine stand in one order then,
        # whatever the batches.
        if size >= limit - GROUP_BYTES // 2 or rows >= MAX_ROWS or ctx.skip:
            yield from _cut(held, limit)
            size = rows = 0
    if held:
        yield from _cut(held, limit)


def _cut(held: list[pa.Table], limit: int) -> Iterator[pa.Table]:
    """The tables of `held`, which is emptied, as one batch, or as several where it is too much."""
    table = pa.concat_tables(held)
    held.clear()
    for batch in batches_of(table, limit + GROUP_BYTES // 2 if limit else 0):
        yield contiguous(batch)


def _groups(spec: dict[str, Any], ctx: TaskContext, out: PartWriter) -> Iterator[pa.Table]:
    skipped = pa.array(list(ctx.skip), pa.string())
    for group in iter_part(Path(spec["input"]), "documents", spec["part"]):
        mask = pc.is_in(group["id"], skipped)
        for row in group.filter(mask).select(["id", "uri"]).to_pylist():
            error, message = ctx.skip[row["id"]]
            quarantine(out, row, "clean", error, message)
        yield group.filter(pc.invert(mask)) if skipped else group


def contiguous(batch: pa.Table) -> pa.Table:
    """The batch with one chunk a column, `text` a large_string without nulls."""
    batch = batch.combine_chunks()
    text = batch["text"]
    if text.type != pa.large_string() or text.null_count:
        text = pc.fill_null(text.cast(pa.large_string()), "")
        batch = batch.set_column(batch.column_names.index("text"), "text", text)
    return batch


def quarantine(out: PartWriter, row: dict, step: str, error: str, message: str) -> None:
    """A row for a document, {"id", "uri"}, that is not worked on any further."""
    out.info["quarantined"] += 1
    out.write(
        "quarantine",
        schema.table(
            schema.QUARANTINE,
            [
                {
                    "uri": row["uri"],
                    "id": row["id"],
                    "step": step,
                    "error": error,
                    "message": message,
                }
            ],
        ),
    )
