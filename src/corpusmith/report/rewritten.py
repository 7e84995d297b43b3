"""Checks a deciding step that rewrote texts: its edits lead from the old texts to the new ones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.clean.spans import apply_edits
from corpusmith.report.findings import Findings, some
from corpusmith.store.overlay import iter_current
from corpusmith.store.parts import iter_part, read_part


def check_rewritten(
    found: Findings,
    cleaned: Path,
    part: str,
    before: Sequence[Path],
    folder: Path,
    alive: pa.Array,
    decided: pa.Array,
) -> None:
    """One part of one step. `before`: folders of the steps before it; `alive`: ids that had not
    left by then; `decided`: ids that it makes leave."""
    where = f"{folder} part {part}"
    ids = read_part(folder, "documents", part, columns=["id"])["id"].combine_chunks()
    strange = ids.filter(pc.invert(pc.is_in(ids, value_set=alive)))
    if len(strange):
        found.problem("rewritten", where, f"texts of documents not there: {some(strange)}")
    rows = read_part(folder, "edits", part).to_pylist()
    found.counts["edits"] += len(rows)
    edits = {k: list(g) for k, g in itertools.groupby(rows, lambda row: row["id"])}
    if list(edits) != ids.to_pylist():
        found.problem("rewritten", where, "documents/ and edits/ are not about the same documents")
    sizes = read_part(folder, "signals", part, columns=["id", "kept_bytes"])
    if not sizes["id"].combine_chunks().equals(ids):
        found.problem("join", where, "documents/ and signals/ are not row by row the same")
    old: dict[str, str] = {}
    for table in iter_current(cleaned, "documents", part, before, columns=["id", "text"]):
        chosen = table.filter(pc.is_in(table["id"], value_set=ids))
        old.update(zip(chosen["id"].to_pylist(), chosen["text"].to_pylist(), strict=True))
    bytes_of = dict(zip(sizes["id"].to_pylist(), sizes["kept_bytes"].to_pylist(), strict=True))
    empty = []
    for table in iter_part(folder, "documents", part, columns=["id", "text"]):
        for row in table.to_pylist():
            name, text = row["id"], row["text"]
            if not text:
                empty.append(name)
            try:
                same = apply_edits(old.pop(name, ""), edits.get(name, [])) == text
            except ValueError:
                same = False
            if not same:
                found.problem("rewritten", where, f"{name}: its edits do not lead to its text")
            if bytes_of.get(name) != len(text.encode()):
                found.problem("rewritten", where, f"{name}: kept_bytes is not the text's size")
    if sorted(empty) != sorted(decided.to_pylist()):
        found.problem(
            "rewritten", where, "documents without text are not those that leave by decision"
        )
