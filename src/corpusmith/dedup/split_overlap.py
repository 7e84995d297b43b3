"""How much of the held-out side stands in training all the same: shared 13-grams of words.

Both sides are hashed (kernels/shingles.py). Of a large held-out side only n-grams whose hash
ends in k zero bits are looked at, on both sides, which is a sample of distinct n-grams that
depends on nothing but the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.dedup.buckets import Part, map_array, part_tasks, write_array
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.overlap import find_all, hash_filter, sampled_ngrams
from corpusmith.kernels.shingles import fold_table
from corpusmith.op import Task, TaskContext, Work
from corpusmith.store.overlay import iter_current
from corpusmith.store.parts import left_ids, read_part

NGRAM_WORDS = 13
SAMPLE_NGRAMS = 1_000_000
BYTES_A_NGRAM = 4  # between Chinese (3) and English (6): only sets how many are sampled


def measure_overlap(work: Work, parts: Sequence[Part]) -> dict[str, Any]:
    """{"words", "sampled", "held_out_ngrams", "in_training", "frac"}.

    `held_out_ngrams` are distinct ones (of the sample of 1 in `sampled`), `in_training` those
    of them that a training document has; `frac` is null where there is none.
    """
    sampled = 1
    while work.info["held_out_bytes"] / BYTES_A_NGRAM / sampled > SAMPLE_NGRAMS:
        sampled *= 2
    spec = {"mask": sampled - 1}
    engine, folder = work.engine, work.folder
    engine.map(
        "corpusmith.dedup.split_overlap:heldout_part",
        part_tasks(work, parts, spec),
        folder=folder,
        round="heldout_ngrams",
        scratch=True,
    )
    names = [part.name for part in parts]
    [entry] = engine.map(
        "corpusmith.dedup.split_overlap:heldout_all",
        [Task("heldout", {"parts": names})],
        folder=folder,
        round="heldout_set",
        scratch=True,
    )
    total = entry["info"]["ngrams"]
    engine.map(
        "corpusmith.dedup.split_overlap:overlap_part",
        part_tasks(work, parts, spec),
        folder=folder,
        round="overlap",
        scratch=True,
    )
    seen = np.zeros(total, bool)
    for name in names:
        seen[map_array(folder, "overlap", name, "<i8")] = True
    hit = int(seen.sum())
    return {
        "words": NGRAM_WORDS,
        "sampled": sampled,
        "held_out_ngrams": total,
        "in_training": hit,
        "frac": round(hit / total, 6) if total else None,
    }


def _ngrams(spec: dict[str, Any], ctx: TaskContext, held_out: bool) -> Iterator[np.ndarray]:
    """Sampled n-gram hashes of the part's documents on one side, a row group at a time."""
    place = Part(**spec["place"])
    after = [Path(folder) for folder in spec["after"]]
    left = left_ids(after, place.name)
    held = read_part(ctx.folder, "decisions", place.name, columns=["id"])["id"].combine_chunks()
    if held_out and not len(held):
        return
    folder = Path(place.folder)
    for table in iter_current(folder, "documents", place.name, after, columns=["id", "text"]):
        mask = pc.is_in(table["id"], value_set=pa.array(held.to_pylist(), pa.string()))
        if not held_out:
            mask = pc.invert(pc.or_(mask, pc.is_in(table["id"], value_set=left)))
        text = table["text"].filter(mask)
        if len(text):
            data, offsets = text_buffers(text)
            yield sampled_ngrams(data, offsets, fold_table(), NGRAM_WORDS, np.uint64(spec["mask"]))


def heldout_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "heldout_ngrams": distinct n-grams of the part's held-out documents."""
    found = np.unique(np.concatenate([np.zeros(0, np.uint64), *_ngrams(spec, ctx, True)]))
    with ctx.writer() as out:
        out.info = {"ngrams": len(found)}
        write_array(out, "heldout_ngrams", found)


def heldout_all(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "heldout_set": those of all parts, sorted."""
    pieces = [map_array(ctx.folder, "heldout_ngrams", name, "<u8") for name in spec["parts"]]
    found = np.unique(np.concatenate([np.zeros(0, np.uint64), *pieces]))
    with ctx.writer() as out:
        out.info = {"ngrams": len(found)}
        write_array(out, "heldout_set", found)


def overlap_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "overlap": places in the set that occur in the part's training documents."""
    wanted = np.array(map_array(ctx.folder, "heldout_set", "heldout", "<u8"))
    flags = hash_filter(wanted)
    seen = np.zeros(len(wanted), bool)
    if len(wanted):
        for grams in _ngrams(spec, ctx, False):
            places = find_all(grams, wanted, flags)
            seen[places[places >= 0]] = True
    with ctx.writer() as out:
        out.info = {"ngrams": int(seen.sum())}
        write_array(out, "overlap", np.flatnonzero(seen).astype("<i8"))
