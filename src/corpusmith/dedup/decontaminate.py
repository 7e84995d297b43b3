"""Decontamination: documents that contain n-grams of evaluation items.

An item is one string of an evaluation file. GPT-3 (Brown et al. 2020, appendix C) looks for
13-grams of words; here an item of 8 to 12 words counts as one n-gram of its full length, and a
shorter one, which would hit by chance, is left out. Words are those of kernels/shingles.py, so
a Chinese character is a word.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from corpusmith.dedup.buckets import alive_signals, column_name, list_parts, part_tasks
from corpusmith.dedup.clusters import DROPPED_FRAC, write_decisions
from corpusmith.dedup.items import read_items
from corpusmith.errors import InputError
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.overlap import hash_filter, match
from corpusmith.kernels.shingles import fold_table, ngram_hashes, word_hashes
from corpusmith.op import Context, TaskContext, Work, op, signal
from corpusmith.store.fingerprint import relative_names

LISTED_ITEMS = 100  # items hit that the stage's info names, the most hit first


class DecontaminateParams(BaseModel):
    """`decontaminate: {against: "eval/*.jsonl"}`."""

    model_config = ConfigDict(extra="forbid")
    decide_only: ClassVar[tuple[str, ...]] = ("max_frac",)
    """Parameters that change no signal: moving them needs no new pass over the text."""

    against: str | list[str]
    """Evaluation files: a path or glob, or several."""
    words: int = Field(default=13, ge=1, le=100)
    min_words: int = Field(default=8, ge=1, le=100)
    """Shorter items are left out."""
    max_frac: float = Field(default=0.0, ge=0.0, lt=1.0)
    """A document leaves when more than this fraction of its words lies in n-grams hit."""

    @model_validator(mode="after")
    def _order(self) -> DecontaminateParams:
        if self.min_words > self.words:
            raise ValueError(f"min_words {self.min_words} is over words {self.words}")
        return self


SIGNALS = pa.schema(
    [
        signal("contaminated_ngrams", pa.int32(), "", "n-grams that occur in evaluation items"),
        signal("contamination_frac", pa.float32(), "frac", "of the words, inside such n-grams"),
        signal("contamination_item", pa.string(), "", "the item hit first: file#number"),
    ]
)


def fit(params: DecontaminateParams, files: Sequence[Path], folder: Path) -> None:
    """Index the n-grams of all items: hashes.npy (sorted uint64), owners.npy (int32, the first
    item of each), names.json, and index.json with the lengths and what was left out.

    InputError where no file matches, a file can't be read or no item is long enough.
    """
    where = ", ".join([params.against] if isinstance(params.against, str) else params.against)
    if not files:
        raise InputError(
            f"no evaluation file matches {where}",
            expected="at least one file to decontaminate against",
            hint="check the path of `against:`, or leave the step out",
        )
    names: list[str] = []
    grams: list[np.ndarray] = []
    owners: list[np.ndarray] = []
    lengths: Counter[int] = Counter()
    too_short = 0
    for label, path in sorted(zip(relative_names(files), files, strict=True)):
        for name, text in read_items(path, label):
            data = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
            words = np.empty(len(data) // 2 + 2, np.uint64)
            count = word_hashes(data, 0, len(data), fold_table(), words)
            n = min(params.words, count)
            if n < params.min_words:
                too_short += count > 0
                continue
            if not names or names[-1] != name:
                names.append(name)
            lengths[n] += 1
            found = ngram_hashes(words, count, n, words)
            grams.append(words[:found].copy())
            owners.append(np.full(found, len(names) - 1, np.int32))
    if not grams:
        raise InputError(
            f"no item of {where} has {params.min_words} words: nothing to decontaminate against",
            expected=f"items of at least min_words: {params.min_words} words",
            hint="lower min_words, or check the files",
        )
    # Stable and by first occurrence, so that the first item owns an n-gram that several share.
    hashes, first = np.unique(np.concatenate(grams), return_index=True)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "hashes.npy", hashes)
    np.save(folder / "owners.npy", np.concatenate(owners)[first])
    (folder / "names.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")
    index = {
        "lengths": sorted(lengths, reverse=True),
        "items": sum(lengths.values()),
        "too_short": int(too_short),
        "ngrams": len(hashes),
    }
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")


def check_items(files: Sequence[Path]) -> None:
    """InputError where an evaluation file can't be read or has an unknown format."""
    for path in files:
        for _ in read_items(path, path.name):
            pass


class Index:
    """What `fit` left in its folder."""

    def __init__(self, folder: Path) -> None:
        self.hashes = np.load(folder / "hashes.npy")
        self.owners = np.load(folder / "owners.npy")
        self.names: list[str] = json.loads((folder / "names.json").read_text("utf-8"))
        described = json.loads((folder / "index.json").read_text("utf-8"))
        self.lengths = np.array(described["lengths"], np.int64)
        self.flags = hash_filter(self.hashes)


_loaded: dict[str, tuple[int, Index]] = {}


def _index(folder: Path) -> Index:
    """The index, loaded once a process: it is the same for every batch."""
    changed = (folder / "hashes.npy").stat().st_mtime_ns
    known = _loaded.get(str(folder))
    if known is None or known[0] != changed:
        _loaded.clear()
        _loaded[str(folder)] = known = (changed, Index(folder))
    return known[1]


@op(
    "decontaminate.v2",
    kind="measure",
    adds=SIGNALS,
    params=DecontaminateParams,
    fit=fit,
    fit_files="against",
    check=check_items,
    libraries=("numba",),
)
def decontaminate(batch: pa.Table, ctx: Context) -> pa.Table:
    """N-grams of evaluation items in each text (Brown et al. 2020, appendix C).

    `contamination_frac` is the fraction of the document's words inside a hit, 0 without words.
    """
    index = _index(ctx.artifacts["fit"])
    data, offsets = text_buffers(batch["text"])
    hits, covered, first = match(
        data, offsets, fold_table(), index.lengths, index.hashes, index.flags
    )
    items = [index.names[index.owners[place]] if place >= 0 else None for place in first]
    return pa.table(
        {
            "contaminated_ngrams": pa.array(hits, pa.int32()),
            "contamination_frac": pa.array(covered, pa.float32()),
            "contamination_item": pa.array(items, pa.string()),
        }
    )


# --- the stage ---------------------------------------------------------------------------


def execute(work: Work) -> None:
    """The stage: decisions with rule `contaminated`, the item hit first in `also`."""
    parts = list_parts(work)
    params = work.params
    frac = column_name(params, "contamination_frac")
    spec = {
        "step": params["step"],
        "ngrams": column_name(params, "contaminated_ngrams"),
        "frac": frac,
        "item": column_name(params, "contamination_item"),
        "max_frac": float(params.get("max_frac", 0.0)),
    }
    entries = work.engine.map(
        "corpusmith.dedup.decontaminate:decide_part",
        part_tasks(work, parts, spec),
        folder=work.folder,
    )
    by_source = {s: {"in": 0, "measured": 0, "left": 0} for s in params["sources"]}
    items: Counter[str] = Counter()
    for part, entry in zip(parts, entries, strict=True):
        row = by_source[part.source]
        for key in row:
            row[key] += entry["info"][key]
        items.update(entry["info"]["items"])
    documents = sum(row["in"] for row in by_source.values())
    ranked = sorted(items.items(), key=lambda item: (-item[1], item[0]))
    left = sum(row["left"] for row in by_source.values())
    work.info.update({"in": documents, "left": left})
    work.info.update(
        rules={params["step"]: {"contaminated": left}},
        items_hit=len(items),
        items=dict(ranked[:LISTED_ITEMS]),
        by_source=by_source,
    )
    step = params["step"]
    if documents and not any(row["measured"] for row in by_source.values()):
        work.warnings.append(
            f"{step} found nothing because its column is empty: none of the {documents} "
            f"documents has a value in {frac!r}"
        )
    for source, row in by_source.items():
        if row["left"] > DROPPED_FRAC * row["in"]:
            work.warnings.append(
                f"{step} drops {row['left']} of {row['in']} documents of source "
                f"{source!r} ({row['left'] / row['in']:.1%}) as contaminated"
            )


def decide_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """A decision for each document over `max_frac`, in the part's order."""
    frac = spec["frac"]
    table, alive = alive_signals(spec, [spec["ngrams"], frac, spec["item"]])
    table = table.filter(pa.array(alive))
    # Compared as the stored type, as every rule is (design, "The recipe").
    limit = pa.scalar(spec["max_frac"], table.schema.field(frac).type if table.num_rows else None)
    hit = table.filter(pc.greater(table[frac], limit)) if table.num_rows else table
    rows = [
        {
            "id": row["id"],
            "step": spec["step"],
            "rule": "contaminated",
            "signal": frac,
            "value": f"{row[frac]:.6g}",
            "max": f"{spec['max_frac']:g}",
            "also": [f"item: {row[spec['item']]}", f"ngrams: {row[spec['ngrams']]}"],
        }
        for row in hit.to_pylist()
    ]
    items = Counter(row[spec["item"]] for row in hit.to_pylist())
    info = {
        "in": table.num_rows,
        "measured": table.num_rows - (table[frac].null_count if table.num_rows else 0),
        "left": len(rows),
        "items": dict(sorted(items.items())),
    }
    write_decisions(ctx, rows, info)
