"""Exact duplicates: documents whose texts have the same 128-bit hash."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pydantic import BaseModel, ConfigDict

from corpusmith.dedup.buckets import (
    LINK,
    Part,
    alive_signals,
    bucket_count,
    column_name,
    list_parts,
    write_keyed,
)
from corpusmith.dedup.clusters import leaving_rows, run, write_decisions
from corpusmith.op import Context, TaskContext, Work, op, signal
from corpusmith.store.parts import read_part

HASH = pa.binary(16)
LENGTH = signal("text_length_chars", pa.int64(), "chars", "code points of the text compared")


class ExactParams(BaseModel):
    """`dedup: exact`."""

    model_config = ConfigDict(extra="forbid")

    normalize: Literal["none", "loose"] = "none"
    """`loose` compares case-folded texts with runs of white space as one space."""


@op(
    "exact_hash.v1",
    kind="measure",
    adds=pa.schema([signal("exact_hash", HASH, "", "xxh3_128 of the text's UTF-8 bytes"), LENGTH]),
    params=ExactParams,
    libraries=("xxhash",),
)
def exact_hash(batch: pa.Table, ctx: Context) -> pa.Table:
    """xxh3_128 (https://xxhash.com) of each text, big-endian, null where the text is empty.

    With `normalize: loose` of the text in `str.casefold` with white space (`str.split`)
    collapsed and trimmed; null where nothing is left. Two different texts of a corpus of n
    documents share a hash with probability about n^2 / 2^129.
    """
    loose = ctx.params is not None and ctx.params.normalize == "loose"
    hashes: list[bytes | None] = []
    for text in batch["text"]:
        if loose:
            data = " ".join(text.as_py().casefold().split()).encode()
        else:
            data = text.as_buffer()
        hashes.append(xxhash.xxh3_128_digest(data) if len(data) else None)
    lengths = pc.cast(pc.utf8_length(batch["text"]), pa.int64())
    return pa.table({"exact_hash": pa.array(hashes, HASH), LENGTH.name: lengths})


def hash_words(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """uint64[rows, 2] of a column of 16-byte hashes (zeros where null), and bool[rows]: there."""
    present = np.asarray(pc.is_valid(column), dtype=bool)
    data = b"".join(h if h is not None else bytes(16) for h in column.to_pylist())
    return np.frombuffer(data, ">u8").reshape(-1, 2).astype(np.uint64), present


def execute(work: Work) -> None:
    """The stage: decisions with rule `exact_duplicate`, value the hash."""
    column = column_name(work.params, "exact_hash")
    buckets = bucket_count(sum(part.rows for part in list_parts(work)))
    run(
        work,
        bucket_function="corpusmith.dedup.exact:bucket_part",
        bucket_spec={"column": column},
        buckets=buckets,
        reduce_spec={"threshold": 1.0, "exact": False},
        decide_function="corpusmith.dedup.exact:decide_part",
        decide_spec={"column": column},
        column=column,
        rule="exact_duplicate",
    )


def bucket_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "buckets": the hash of each document still there."""
    table, alive = alive_signals(spec, [spec["column"]])
    rows = np.zeros(0, np.int64)
    if table.num_rows:
        words, present = hash_words(table[spec["column"]])
        rows = np.flatnonzero(alive & present)
    keyed = np.zeros(len(rows), LINK)
    if len(rows):
        keyed["key"], keyed["check"] = words[rows, 1], words[rows, 0]
        keyed["row"] = rows + spec["place"]["first"]
    with ctx.writer() as out:
        out.info = {
            "first": spec["place"]["first"],
            "rows": table.num_rows,
            "alive": int(alive.sum()),
            "signed": len(rows),
        }
        write_keyed(out, "links", keyed, spec["buckets"])


def decide_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "main": a decision for each document that leaves, in the part's order."""
    place = Part(**spec["place"])
    merges = leaving_rows(spec, ctx.folder)
    columns = ["id", spec["column"]]
    table = read_part(Path(place.folder), "signals", place.name, columns=columns)
    table = table.take(pa.array(merges["row"] - place.first))
    write_decisions(
        ctx,
        [
            {
                "id": row["id"],
                "step": spec["step"],
                "rule": "exact_duplicate",
                "signal": spec["column"],
                "value": row[spec["column"]].hex(),
                "duplicate_of": kept.decode(),
                "also": [],
            }
            for row, kept in zip(table.to_pylist(), merges["kept_id"].tolist(), strict=True)
        ],
    )
