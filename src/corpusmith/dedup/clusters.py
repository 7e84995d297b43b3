"""From edges between documents to clusters, the one kept of each, and decisions.

A cluster is a connected component of the verified edges. Kept is the document of the source
that stands first in the recipe, of those the longest, of those the one with the smallest id;
the others leave, and `duplicate_of` names the one kept, never one that leaves itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpusmith import schema
from corpusmith.dedup.buckets import (
    EDGE,
    Exchange,
    list_parts,
    map_array,
    numbered,
    part_tasks,
    write_array,
)
from corpusmith.dedup.reduce import spanning
from corpusmith.kernels.unionfind import components
from corpusmith.op import Task, TaskContext, Work
from corpusmith.store.parts import part_names, read_part

HUGE_DOCUMENTS = 1000
HUGE_FRAC = 0.1
HUGE_LEAST = 50
"""A cluster over 1,000 documents, or over a tenth of all that took part and over 50, is a
warning: boilerplate or a damaged source rather than copies of one text."""

EDGES_HELD = 500_000  # before a spanning forest is made of them: 12 MB
DROPPED_FRAC = 0.9  # of a source: more than this leaving is a warning


def all_edges(folder: Path) -> np.ndarray:
    """EDGE rows of every bucket, or of many of them a spanning forest.

    Two documents that share several bands have an edge in as many buckets. What is held is bounded
    by the documents that have one: a forest of the highest values has the best edge of each.
    """
    pieces = [np.zeros(0, EDGE)]
    waiting = 0
    for name in part_names(folder, "reduce"):
        pieces.append(np.array(map_array(folder, "edges", name, EDGE)))
        waiting += len(pieces[-1])
        if waiting > max(EDGES_HELD, len(pieces[0])):
            pieces = [spanning(np.concatenate(pieces))]
            waiting = 0
    return np.concatenate(pieces)


def merge_type(id_bytes: int) -> np.dtype:
    """A document that leaves: its global row, the one kept, a neighbour it was verified with."""
    return np.dtype(
        [
            ("row", "<i8"),
            ("kept", "<i8"),
            ("neighbour_value", "<f8"),
            ("kept_id", f"S{id_bytes}"),
            ("neighbour_id", f"S{id_bytes}"),
        ]
    )


def gather_documents(
    exchange: Exchange, parts: Sequence[dict[str, Any]], rows: np.ndarray, length: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids (bytes), lengths and source places of global rows; reads those columns alone."""
    by_name = {place["name"]: place for place in parts}
    part_of = exchange.part_of(rows)
    ids: list[np.ndarray] = [np.zeros(0, "S1")]
    lengths: list[np.ndarray] = [np.zeros(0, np.int64)]
    sources = np.zeros(len(rows), np.int64)
    # `rows` rises, so the pieces come in its order.
    for part in np.unique(part_of):
        place = by_name[exchange.names[part]]
        chosen = np.flatnonzero(part_of == part)
        columns = ["id", length] if length else ["id"]
        table = read_part(Path(place["folder"]), "signals", place["name"], columns=columns)
        table = table.take(pa.array(rows[chosen] - exchange.firsts[part]))
        ids.append(np.array([i.encode() for i in table["id"].to_pylist()]))
        lengths.append(
            np.asarray(table[length].fill_null(0)).astype(np.int64)
            if length in table.column_names
            else np.zeros(len(chosen), np.int64)
        )
        sources[chosen] = place["source_index"]
    return np.concatenate(ids), np.concatenate(lengths), sources


def clusters(spec: dict[str, Any], ctx: TaskContext) -> None:
    """The one task of round "clusters": writes `merges`, sorted by global row."""
    exchange = Exchange(ctx.folder)
    edges = all_edges(ctx.folder)
    nodes, left, right = numbered(edges)
    label = components(len(nodes), left, right)
    ids, lengths, sources = gather_documents(exchange, spec["parts"], nodes, spec["length"])
    order = np.lexsort((ids, -lengths, sources, label))
    heads = np.flatnonzero(np.diff(label[order], prepend=-1))
    kept = np.empty(len(nodes), np.int64)  # place of the kept document, for each document
    kept[order] = np.repeat(order[heads], np.diff(heads, append=len(order)))
    neighbour, value = _nearest(len(nodes), left, right, edges["value"])

    leaving = np.flatnonzero(kept != np.arange(len(nodes)))
    merges = np.zeros(len(leaving), merge_type(ids.dtype.itemsize))
    merges["row"], merges["kept"] = nodes[leaving], nodes[kept[leaving]]
    merges["neighbour_value"] = value[leaving]
    merges["kept_id"], merges["neighbour_id"] = ids[kept[leaving]], ids[neighbour[leaving]]
    sizes = np.diff(heads, append=len(order))
    largest = int(np.argmax(sizes)) if len(sizes) else -1
    with ctx.writer() as out:
        out.info = {
            "clusters": len(heads),
            "merged": len(leaving),
            "largest_cluster": int(sizes[largest]) if largest >= 0 else 0,
            "largest_kept": ids[order[heads[largest]]].decode() if largest >= 0 else "",
            "id_bytes": ids.dtype.itemsize,
            "starts": [
                int(s) for s in np.searchsorted(merges["row"], [p["first"] for p in spec["parts"]])
            ],
        }
        write_array(out, "merges", merges)


def _nearest(
    nodes: int, left: np.ndarray, right: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each document the other end of its edge of highest value (ties: smallest place), of the
    edges that made the cluster: not all pairs are compared."""
    ends = np.concatenate([left, right])
    others = np.concatenate([right, left])
    values = np.concatenate([value, value])
    order = np.lexsort((others, -values, ends))
    first = order[np.flatnonzero(np.diff(ends[order], prepend=-1))]
    neighbour = np.arange(nodes)
    best = np.zeros(nodes)
    neighbour[ends[first]], best[ends[first]] = others[first], values[first]
    return neighbour, best


# --- the stage ---------------------------------------------------------------------------


def run(
    work: Work,
    *,
    bucket_function: str,
    bucket_spec: dict[str, Any],
    buckets: int,
    reduce_spec: dict[str, Any],
    decide_function: str,
    decide_spec: dict[str, Any],
    column: str,
    rule: str,
) -> None:
    """All four rounds of a deduplicator; fills `work.info` and `work.warnings`.

    `column` is the stored column it works on; `bucket_function` and `decide_function` are
    tasks for each part, the latter told its slice of `merges` by "start" and "stop".
    """
    parts = list_parts(work)
    engine, folder = work.engine, work.folder
    work.scratch += ["buckets", "reduce", "clusters"]
    tasks = part_tasks(work, parts, {**bucket_spec, "buckets": buckets})
    taken = engine.map(bucket_function, tasks, folder=folder, round="buckets", scratch=True)
    tasks = [Task(f"bucket-{b:05d}", {"bucket": b, **reduce_spec}) for b in range(buckets)]
    reduced = engine.map(
        "corpusmith.dedup.reduce:reduce_bucket", tasks, folder=folder, round="reduce", scratch=True
    )
    places = [part.spec() for part in parts]
    task = Task("clusters", {"parts": places, "length": length_column(work)})
    [entry] = engine.map(
        "corpusmith.dedup.clusters:clusters", [task], folder=folder, round="clusters", scratch=True
    )
    found = entry["info"]
    stops = [*found["starts"][1:], found["merged"]] if parts else []
    tasks = [
        Task(
            t.part,
            {**t.spec, "start": start, "stop": stop, "id_bytes": found["id_bytes"]},
            weight=t.weight,
        )
        for t, start, stop in zip(
            part_tasks(work, parts, {**decide_spec, "step": work.params["step"]}),
            found["starts"],
            stops,
            strict=True,
        )
    ]
    engine.map(decide_function, tasks, folder=folder)

    by_source = {s: {"in": 0, "signed": 0, "left": 0} for s in work.params["sources"]}
    for part, entry, start, stop in zip(parts, taken, found["starts"], stops, strict=True):
        row = by_source[part.source]
        row["in"] += entry["info"]["alive"]
        row["signed"] += entry["info"]["signed"]
        row["left"] += stop - start
    entering = sum(row["in"] for row in by_source.values())
    work.info.update({"in": entering, "left": found["merged"]})
    work.info.update(
        rules={work.params["step"]: {rule: found["merged"]}},
        clusters=found["clusters"],
        merged=found["merged"],
        largest_cluster=found["largest_cluster"],
        candidate_pairs=sum(e["info"]["compared"] for e in reduced),
        large_groups=sum(e["info"]["large_groups"] for e in reduced),
        pairs_left_out=sum(e["info"]["pairs_left_out"] for e in reduced),
        by_source=by_source,
    )
    work.warnings += warnings(work.params["step"], column, work.info, found["largest_kept"])


def length_column(work: Work) -> str:
    """The stored column with the text's length: of the hashed text, else the quality signal's."""
    stored = work.params.get("columns") or {}
    for name in ("text_length_chars", "text_chars"):
        if name in stored:
            return stored[name]
    return "text_length_chars"


def warnings(step: str, column: str, info: dict[str, Any], largest_kept: str) -> list[str]:
    """What nobody may miss: nothing to compare, a source emptied, one cluster of everything."""
    found = []
    signed = sum(row["signed"] for row in info["by_source"].values())
    if info["in"] and not signed:
        found.append(
            f"{step} found nothing because its column is empty: none of the "
            f"{info['in']} documents has a value in {column!r}"
        )
    for source, row in info["by_source"].items():
        if signed and row["in"] and not row["signed"]:
            found.append(
                f"{step} compared no document of source {source!r}: none of its "
                f"{row['in']} has a value in {column!r}"
            )
        if row["left"] > DROPPED_FRAC * row["in"]:
            found.append(
                f"{step} drops {row['left']} of {row['in']} documents of source "
                f"{source!r} ({row['left'] / row['in']:.1%}) as duplicates"
            )
    left_out = info["pairs_left_out"]
    if left_out:
        found.append(
            f"{step} left out {left_out:,} pairs of documents that share nearly all of "
            "their text in crowds of many; duplicates among them may stay"
        )
    largest = info["largest_cluster"]
    if largest > HUGE_DOCUMENTS or largest > max(HUGE_LEAST, HUGE_FRAC * info["in"]):
        found.append(
            f"{step} merged a huge cluster: {largest} of {info['in']} documents became "
            f"one, {largest_kept}"
        )
    return found


def leaving_rows(spec: dict[str, Any], folder: Path) -> np.ndarray:
    """The part's slice of `merges`."""
    merges = map_array(folder, "merges", "clusters", merge_type(spec["id_bytes"]))
    return np.array(merges[spec["start"] : spec["stop"]])


def write_decisions(
    ctx: TaskContext, rows: list[dict[str, Any]], info: dict[str, Any] | None = None
) -> None:
    """The part of a deciding stage: its decisions, and figures for its manifest entry."""
    with ctx.writer() as out:
        out.info = {"decisions": len(rows), **(info or {})}
        out.write("decisions", schema.table(schema.DECISION, rows))
