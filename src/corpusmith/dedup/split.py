"""The held-out split, by groups, before anything is trained.

A group is what must stay on one side: documents with the same group key (a module's page and
its code), near-duplicates (MinHash candidates at a Jaccard of .5, looser than any
deduplication, so that what deduplication just failed to merge does not leak), and exact ones.
A group is held out when the hash of its smallest id and the seed falls below `held_out`;
adding documents elsewhere moves no group. Held-out documents count as kept.

    round "buckets", "reduce"   edges between documents (dedup/buckets.py)
    round "groups"              one task: which documents are held out
    round "main"                decisions/
    round "heldout_ngrams", "overlap"   how much of the one side stands in the other
                                        (dedup/split_overlap.py)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from corpusmith.dedup.buckets import (
    LINK,
    Exchange,
    Part,
    alive_signals,
    bucket_count,
    list_parts,
    map_array,
    numbered,
    part_tasks,
    write_array,
    write_keyed,
)
from corpusmith.dedup.clusters import all_edges, gather_documents, write_decisions
from corpusmith.dedup.exact import hash_words
from corpusmith.dedup.near import signature_rows, write_candidates
from corpusmith.dedup.split_overlap import measure_overlap
from corpusmith.kernels.minhash import lsh_shape
from corpusmith.kernels.unionfind import components
from corpusmith.op import Task, TaskContext, Work
from corpusmith.store.parts import iter_part, read_part

SIMILARITY = 0.5
HUGE_LEAST_DOCUMENTS = 10
HUGE_LEAST_BYTES = 100_000

MEMBER = np.dtype([("row", "<i8"), ("hash", "<f8"), ("bytes", "<i8")])
HELD = np.dtype([("row", "<i8"), ("hash", "<f8"), ("topped_up", "?")])


def split_hash(seed: int, name: str) -> float:
    """A number in [0, 1) of the seed and an id: the upper 53 bits of xxh3_64 of `seed:id`."""
    return (xxhash.xxh3_64_intdigest(f"{seed}:{name}".encode()) >> 11) / (1 << 53)


def execute(work: Work) -> None:
    """The stage: decisions with rule `held_out`, signal `split_hash`."""
    params = work.params
    parts = list_parts(work)
    groups = params.get("group") or []
    stored = params.get("columns") or {}
    spec = {
        "minhash": stored.get("minhash", ""),
        "exact_hash": stored.get("exact_hash", ""),
        "group": [groups] if isinstance(groups, str) else list(groups),
        "seed": work.seed,
    }
    # The bands depend on the signature's width, which a part's task sees: 28 of 112 numbers.
    total = sum(part.rows for part in parts)
    buckets = bucket_count(total * (28 if spec["minhash"] else 2))
    tasks = part_tasks(work, parts, {**spec, "buckets": buckets})
    taken = work.engine.map(
        "corpusmith.dedup.split:bucket_part",
        tasks,
        folder=work.folder,
        round="buckets",
        scratch=True,
    )
    tasks = [
        Task(f"bucket-{b:05d}", {"bucket": b, "threshold": SIMILARITY, "exact": False})
        for b in range(buckets)
    ]
    work.engine.map(
        "corpusmith.dedup.reduce:reduce_bucket",
        tasks,
        folder=work.folder,
        round="reduce",
        scratch=True,
    )
    group_spec = {
        "parts": [part.spec() for part in parts],
        "sources": list(params["sources"]),
        "held_out": params["held_out"],
        "min_documents": params.get("min_documents", 20),
        "min_bytes": params.get("min_bytes", 100_000),
        "seed": work.seed,
    }
    [entry] = work.engine.map(
        "corpusmith.dedup.split:choose", [Task("groups", group_spec)], folder=work.folder,
        round="groups", scratch=True,
    )  # fmt: skip
    found = entry["info"]
    stops = [*found.pop("starts_after_first"), found["held_out_documents"]]
    starts = [0, *stops[:-1]]
    tasks = []
    for task, start, stop in zip(
        part_tasks(work, parts, {"step": params["step"]}), starts, stops, strict=False
    ):
        more = {"start": start, "stop": stop, "held_out": params["held_out"]}
        tasks.append(Task(task.part, {**task.spec, **more}, weight=task.weight))
    work.engine.map("corpusmith.dedup.split:decide_part", tasks, folder=work.folder)
    work.info.update(found)
    work.info["overlap"] = measure_overlap(work, parts)
    work.scratch += ["buckets", "reduce", "groups", "heldout_ngrams", "heldout_set", "overlap"]
    work.warnings += _warnings(work, taken)


def _warnings(work: Work, taken: Sequence[dict[str, Any]]) -> list[str]:
    step, info = work.params["step"], work.info
    stored = work.params.get("columns") or {}
    found = []
    if not stored.get("minhash"):
        found.append(f"{step} has no MinHash signatures: near-duplicates may stand on both sides")
    elif info["documents"] and not sum(e["info"]["signed"] for e in taken):
        found.append(
            f"{step} found no near-duplicates because its column is empty: none of the "
            f"{info['documents']} documents has a value in {stored['minhash']!r}"
        )
    if (
        work.params.get("group")
        and info["documents"]
        and not sum(e["info"]["grouped"] for e in taken)
    ):
        found.append(f"{step}: no document's meta has the key {work.params['group']!r}")
    if info["huge_groups"]:
        found.append(
            f"{step} leaves {info['huge_groups']} groups with {info['huge_documents']} documents "
            "in training: each is larger than half of what is held out"
        )
    for source, row in info["by_source"].items():
        if row["short"]:
            found.append(
                f"{step} holds out {row['held_out_documents']} documents "
                f"({row['held_out_bytes']} bytes) of source {source!r}, which is less than the "
                "minimum: more would leave it nothing to train on, or its groups are too large"
            )
    return found


# --- round "buckets" ---------------------------------------------------------------------


def bucket_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Keys of the part's kept documents, and `members`: row, hash, bytes of each."""
    place = Part(**spec["place"])
    wanted = [c for c in (spec["minhash"], spec["exact_hash"]) if c]
    table, alive = alive_signals(spec, ["kept_bytes", *wanted])
    rows = np.flatnonzero(alive)
    ids = table["id"].to_pylist()
    members = np.zeros(len(rows), MEMBER)
    members["row"] = rows + place.first
    members["hash"] = [split_hash(spec["seed"], ids[row]) for row in rows]
    links = [np.zeros(0, LINK)]
    if table.num_rows:
        members["bytes"] = np.asarray(table["kept_bytes"].fill_null(0))[rows]
    if spec["exact_hash"] and table.num_rows:
        words, present = hash_words(table[spec["exact_hash"]])
        chosen = np.flatnonzero(alive & present)
        links.append(_links(words[chosen], chosen + place.first))
    grouped = _group_links(spec["group"], place, alive)
    links.append(grouped)
    with ctx.writer() as out:
        out.info = {
            "first": place.first,
            "rows": table.num_rows,
            "alive": len(rows),
            "signed": 0,
            "grouped": len(np.unique(grouped["row"])),
        }
        write_array(out, "members", members)
        write_keyed(out, "links", np.concatenate(links), spec["buckets"])
        if spec["minhash"] and table.num_rows:
            signature, present = signature_rows(table[spec["minhash"]])
            chosen = np.flatnonzero(alive & present)
            out.info["signed"] = len(chosen)
            shape = lsh_shape(SIMILARITY, signature.shape[1])
            write_candidates(out, signature, chosen, shape, spec)


def _links(words: np.ndarray, rows: np.ndarray) -> np.ndarray:
    links = np.zeros(len(rows), LINK)
    links["key"], links["check"], links["row"] = words[:, 1], words[:, 0], rows
    return links


def _group_links(keys: Sequence[str], place: Part, alive: np.ndarray) -> np.ndarray:
    """A link for each group key that a kept document's meta has; a dot goes one level down."""
    if not keys or not place.rows:
        return np.zeros(0, LINK)
    words, rows = [], []
    start = 0
    for table in iter_part(Path(place.folder), "documents", place.name, columns=["meta"]):
        for row, meta in enumerate(table["meta"].to_pylist(), start=start):
            if not alive[row]:
                continue
            for key in keys:
                value = _lookup(meta, key)
                if value in (None, "", [], {}):
                    continue
                # The key's name is part of it: a page's `year` is not a module's `id`.
                text = json.dumps([key, value], sort_keys=True, ensure_ascii=False)
                digest = xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))
                words.append(np.frombuffer(digest, ">u8"))
                rows.append(row + place.first)
        start += table.num_rows
    if not rows:
        return np.zeros(0, LINK)
    return _links(np.array(words).astype(np.uint64), np.array(rows, np.int64))


def _lookup(meta: str | None, key: str) -> Any:
    try:
        found = json.loads(meta or "{}")
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict) and key in found:
        return found[key]
    for name in key.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


# --- round "groups" ----------------------------------------------------------------------


def choose(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Which documents are held out: writes `held`, sorted by global row."""
    exchange = Exchange(ctx.folder)
    pieces = [map_array(ctx.folder, "members", name, MEMBER) for name in exchange.names]
    members = np.concatenate([np.zeros(0, MEMBER), *pieces])
    count = len(members)
    source_of_part = {p["name"]: p["source_index"] for p in spec["parts"]}
    sources = np.array([source_of_part[name] for name in exchange.names], np.int64)
    source = sources[exchange.part_of(members["row"])] if count else np.zeros(0, np.int64)

    edges = all_edges(ctx.folder)
    nodes, left, right = numbered(edges)
    places = np.searchsorted(members["row"], nodes)
    label = components(count, places[left], places[right]) if count else np.zeros(0, np.int64)
    value = _group_hashes(exchange, spec, members, label)
    held, topped_up, info = select(
        label,
        value,
        members["bytes"],
        source,
        spec["sources"],
        fraction=spec["held_out"],
        min_documents=spec["min_documents"],
        min_bytes=spec["min_bytes"],
    )
    chosen = np.zeros(int(held.sum()), HELD)
    chosen["row"] = members["row"][held]
    chosen["hash"], chosen["topped_up"] = value[held], topped_up[held]
    firsts = [p["first"] for p in spec["parts"][1:]]
    with ctx.writer() as out:
        out.info = {
            **info,
            "starts_after_first": [int(s) for s in np.searchsorted(chosen["row"], firsts)],
        }
        write_array(out, "held", chosen)


def _group_hashes(
    exchange: Exchange, spec: dict[str, Any], members: np.ndarray, label: np.ndarray
) -> np.ndarray:
    """float64[members]: the hash of the smallest id of each member's group."""
    value = members["hash"].copy()
    sizes = np.bincount(label, minlength=len(label))
    many = np.flatnonzero(sizes[label] > 1)
    if len(many) == 0:
        return value
    ids, _, _ = gather_documents(exchange, spec["parts"], members["row"][many], "")
    order = np.lexsort((ids, label[many]))
    heads = np.flatnonzero(np.diff(label[many][order], prepend=-1))
    runs = np.diff(heads, append=len(order))
    value[many[order]] = np.repeat(members["hash"][many[order[heads]]], runs)
    return value


def select(
    label: np.ndarray,
    value: np.ndarray,
    size_bytes: np.ndarray,
    source: np.ndarray,
    names: Sequence[str],
    *,
    fraction: float,
    min_documents: int,
    min_bytes: int,
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """bool[documents] held out, bool[documents] of those to reach a minimum, and the figures.

    label: group; value: its hash; source: place in `names`, all by document. A group whose
    hash is below `fraction` is held out. Then each source that has fewer than `min_documents`
    and fewer than `min_bytes` held out takes further groups in the order of their hashes,
    until one of the two is reached; it gives at most half of its documents and of its bytes
    this way. A group of several documents larger than half of the held-out share stays in
    training: above max(10, fraction * documents / 2) documents or max(100 kB, fraction *
    bytes / 2) bytes.
    """
    count = len(label)
    groups, group = np.unique(label, return_inverse=True)
    group_documents = np.bincount(group, minlength=len(groups))
    group_bytes = np.bincount(group, weights=size_bytes, minlength=len(groups)).astype(np.int64)
    most_documents = max(HUGE_LEAST_DOCUMENTS, fraction * count / 2)
    most_bytes = max(HUGE_LEAST_BYTES, fraction * int(size_bytes.sum()) / 2)
    huge = (group_documents > 1) & ((group_documents > most_documents) | (group_bytes > most_bytes))
    group_value = np.zeros(len(groups))
    group_value[group] = value
    taken = (group_value < fraction) & ~huge
    by_threshold = taken.copy()
    short = []
    for index in range(len(names)):
        mine = np.flatnonzero(source == index)
        # Documents and bytes of this source in each group.
        own = np.bincount(group[mine], minlength=len(groups))
        own_bytes = np.bincount(group[mine], weights=size_bytes[mine], minlength=len(groups))
        documents, size = int(own[taken].sum()), int(own_bytes[taken].sum())
        waiting = np.flatnonzero((own > 0) & ~taken & ~huge)
        for g in waiting[np.lexsort((groups[waiting], group_value[waiting]))]:
            if documents >= min_documents or size >= min_bytes:
                break
            if 2 * (documents + own[g]) > len(mine) or 2 * (size + own_bytes[g]) > own_bytes.sum():
                continue
            taken[g] = True
            documents, size = documents + int(own[g]), size + int(own_bytes[g])
        short.append(bool(len(mine)) and documents < min_documents and size < min_bytes)
    held = taken[group] if count else np.zeros(0, bool)
    topped_up = held & ~by_threshold[group] if count else held
    by_source = {}
    for index, name in enumerate(names):
        mine = source == index
        by_source[name] = {
            "held_out_documents": int((mine & held).sum()),
            "held_out_bytes": int(size_bytes[mine & held].sum()),
            "training_documents": int((mine & ~held).sum()),
            "training_bytes": int(size_bytes[mine & ~held].sum()),
            "short": short[index],
        }
    info = {
        "documents": count,
        "groups": len(groups),
        "groups_of_several": int((group_documents > 1).sum()),
        "held_out_documents": int(held.sum()),
        "held_out_bytes": int(size_bytes[held].sum()),
        "topped_up_documents": int(topped_up.sum()),
        "huge_groups": int(huge.sum()),
        "huge_documents": int(group_documents[huge].sum()),
        "by_source": by_source,
    }
    return held, topped_up, info


# --- round "main" ------------------------------------------------------------------------


def decide_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """A decision for each document held out, in the part's order."""
    place = Part(**spec["place"])
    held = np.array(map_array(ctx.folder, "held", "groups", HELD)[spec["start"] : spec["stop"]])
    ids = read_part(Path(place.folder), "signals", place.name, columns=["id"])["id"]
    ids = ids.take(pa.array(held["row"] - place.first)).to_pylist()
    write_decisions(
        ctx,
        [
            {
                "id": name,
                "step": spec["step"],
                "rule": "held_out",
                "signal": "split_hash",
                "value": f"{row['hash']:.9f}",
                "max": f"{spec['held_out']:g}",
                "also": ["minimum of its source"] if row["topped_up"] else [],
            }
            for name, row in zip(ids, held, strict=True)
        ],
    )
