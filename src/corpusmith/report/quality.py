"""What the page shows of the documents: histograms of signals, breakdowns, examples.

Everything is collected in one pass over the parts, in memory bounded by one part and the
figures themselves. Bins are fixed beforehand from the ranges in the Parquet files' statistics.
"""

from __future__ import annotations

import collections
import dataclasses
import heapq
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpusmith.clean.decide import as_signals
from corpusmith.clean.ranges import Condition
from corpusmith.clean.rules import RuleSet, verdicts
from corpusmith.report.run import Run
from corpusmith.report.scan import PartScan, deciding_steps
from corpusmith.store.parts import file_path

BINS = 40
LOG_ABOVE = 50.0  # a range that reaches further, and is no fraction, is shown on a log scale
EXAMPLES = 3  # for each rule
READERS = 2  # threads that read examples: each holds a row group
BREAKDOWNS = ("lang", "modality", "license")


@dataclasses.dataclass
class Threshold:
    """A condition's bounds; `key` is the language (or other value) it holds for, "" all others."""

    key: str
    min: float | None
    max: float | None


@dataclasses.dataclass
class Histogram:
    """A rule's signal over the documents for which the rule is on.

    `edges`: float64[bins + 1]; `all`, `kept`: int64[bins] documents, and those that every step
    kept. With `log`, edges rise by a factor, and `zeros` counts what lies below the first.
    """

    step: str
    rule: str
    signal: str
    edges: np.ndarray
    log: bool
    thresholds: list[Threshold]
    all: np.ndarray
    kept: np.ndarray
    zeros: list[int] = dataclasses.field(default_factory=lambda: [0, 0])  # all, kept
    missing: int = 0
    documents: int = 0
    fails: int = 0  # by this rule, whatever other rules say

    def add(
        self, values: np.ndarray, missing: np.ndarray, on: np.ndarray, kept: np.ndarray
    ) -> None:
        """Count one part: float64[n] values, bool[n] each."""
        self.documents += int(on.sum())
        self.missing += int((on & missing).sum())
        for number, (total, mask) in enumerate(((self.all, on), (self.kept, on & kept))):
            chosen = values[mask & ~missing]
            if self.log:
                low = chosen < self.edges[0]
                self.zeros[number] += int(low.sum())
                chosen = chosen[~low]
            places = np.searchsorted(self.edges, chosen, side="right") - 1
            total += np.bincount(np.clip(places, 0, len(total) - 1), minlength=len(total))


class Quality:
    """Collects part by part; ask for `columns` in the scan."""

    def __init__(self, run: Run) -> None:
        self.steps = deciding_steps(run)
        self.rule_sets: list[tuple[str, RuleSet, dict[str, str]]] = []
        for step in run.lock.get("decides", []):
            if step["rules"] is not None and step["step"] in self.steps:
                rule_set = RuleSet.model_validate(step["rules"])
                self.rule_sets.append((step["step"], rule_set, step["columns"]))
        self.histograms = self._planned(run)
        self.breakdowns: dict[str, dict[str, collections.Counter]] = {b: {} for b in BREAKDOWNS}
        self._examples: dict[tuple[str, str], list[tuple[int, str, str, str, int]]] = {}

    def columns(self) -> list[str]:
        """Columns of signals/ that `add` reads."""
        names = ["kept_bytes", *BREAKDOWNS]
        for _, rule_set, stored in self.rule_sets:
            names += [stored.get(name, name) for name in rule_set.signals()]
        return list(dict.fromkeys(names))

    def _planned(self, run: Run) -> dict[tuple[str, str], Histogram]:
        ranges = _ranges(run)
        found = {}
        for step, rule_set, stored in self.rule_sets:
            for rule in rule_set.rules:
                span = ranges.get(stored.get(rule.signal, rule.signal))
                if span is None or not rule.conditions():
                    continue
                keys = [("", rule.default)]
                keys += [item for table in rule.by.values() for item in table.items()]
                thresholds = [t for key, c in keys if c is not None for t in [_bounds(key, c)] if t]
                edges, log = bins(rule.signal, *span, thresholds)
                size = len(edges) - 1
                found[step, rule.name] = Histogram(
                    step, rule.name, rule.signal, edges, log, thresholds,
                    np.zeros(size, np.int64), np.zeros(size, np.int64),
                )  # fmt: skip
        return found

    def add(self, part: PartScan) -> None:
        for step, rule_set, stored in self.rule_sets:
            present = set(part.signals.column_names)
            if not all(stored.get(name, name) in present for name in rule_set.signals()):
                continue
            judged = verdicts(rule_set, as_signals(part.signals, stored))
            for number, rule in enumerate(rule_set.rules):
                histogram = self.histograms.get((step, rule.name))
                if histogram is None:
                    continue
                column = judged.columns[rule.signal]
                values = column.numbers().astype(np.float64)
                on = judged.which[number] >= 0
                histogram.add(values, np.asarray(column.missing), on, part.kept)
                histogram.fails += int(judged.fails[number].sum())
        self._break_down(part)
        self._choose(part)

    def _break_down(self, part: PartScan) -> None:
        kept = pa.array(part.kept)
        table = pa.table(
            {
                "kept": pc.cast(kept, pa.int64()),
                "held_out": pc.cast(pa.array(part.held_out), pa.int64()),
                "bytes": pc.if_else(kept, part.signals["kept_bytes"], 0),
                "tokens": pa.array(np.maximum(part.tokens, 0)),
                **{n: part.signals[n] for n in BREAKDOWNS if n in part.signals.column_names},
            }
        )
        sums = [(name, "sum") for name in ("kept", "held_out", "bytes", "tokens")]
        for name in BREAKDOWNS:
            if name not in table.column_names:
                continue
            for row in table.group_by(name).aggregate([*sums, ("kept", "count")]).to_pylist():
                label = "unknown" if row[name] is None else str(row[name])
                counter = self.breakdowns[name].setdefault(label, collections.Counter())
                counter["documents"] += row["kept_count"]
                for column, _ in sums:
                    counter[column] += row[f"{column}_sum"] or 0

    def _choose(self, part: PartScan) -> None:
        """The documents with the smallest ids, which are hashes: a sample that stays the same."""
        left = np.flatnonzero(part.step >= 0)
        if not len(left):
            return
        ids = part.signals["id"].take(pa.array(left)).to_pylist()
        rules = part.rule.take(pa.array(left)).to_pylist()
        for row, wanted, rule in zip(left.tolist(), ids, rules, strict=True):
            heap = self._examples.setdefault((self.steps[part.step[row]], rule), [])
            item = (-int(wanted, 16), wanted, part.source, part.part, row)
            if len(heap) < EXAMPLES:
                heapq.heappush(heap, item)
            elif item > heap[0]:
                heapq.heapreplace(heap, item)

    def examples(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """(step, rule) -> [{id, source, part, row}], smallest ids first."""
        return {
            key: [
                {"id": wanted, "source": source, "part": part, "row": row}
                for _, wanted, source, part, row in sorted(heap, reverse=True)
            ]
            for key, heap in self._examples.items()
        }


def _bounds(key: str, condition: Condition) -> Threshold | None:
    low, high = _number(condition.min), _number(condition.max)
    if low is None and high is None:
        return None
    return Threshold(key, low, high)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None  # a date


def _ranges(run: Run) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of every column of numbers, from the files' statistics."""
    found: dict[str, tuple[float, float]] = {}
    for source, folder in run.clean_folders().items():
        for part in run.parts(source):
            path = file_path(folder, "signals", part)
            if not path.exists():
                continue
            meta = pq.read_metadata(path)
            kinds = {f.name: f.type for f in meta.schema.to_arrow_schema()}
            for group in range(meta.num_row_groups):
                for place in range(meta.num_columns):
                    column = meta.row_group(group).column(place)
                    name = column.path_in_schema
                    kind = kinds.get(name)
                    if kind is None or not _measurable(kind) or name.startswith("created"):
                        continue
                    if column.statistics is None or not column.statistics.has_min_max:
                        continue
                    low, high = float(column.statistics.min), float(column.statistics.max)
                    known = found.get(name, (low, high))
                    if math.isfinite(low) and math.isfinite(high):
                        found[name] = (min(known[0], low), max(known[1], high))
    return found


def _measurable(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def bins(
    signal: str, low: float, high: float, thresholds: list[Threshold]
) -> tuple[np.ndarray, bool]:
    """float64[BINS + 1] edges that cover the values and the thresholds, and whether they are log.

    Fractions are on a linear scale; what reaches over LOG_ABOVE is on a log scale from 1 (or the
    smallest value above), with what is smaller counted apart.
    """
    bounds = [b for t in thresholds for b in (t.min, t.max) if b is not None]
    if signal.endswith("_frac") or high <= LOG_ABOVE:
        # A bound far above all values would squeeze them: only what is near is worth the room.
        near = [b for b in bounds if b <= max(high, 1e-12) * 3 or high == 0]
        top = max([high, *near])
        bottom = min([low, 0.0])
        if signal.endswith("_frac") and top > 0.5:
            top = max(top, 1.0)
        return np.linspace(bottom, top if top > bottom else bottom + 1.0, BINS + 1), False
    top = max([high, *(b for b in bounds if b <= high * 10)])
    bottom = max(1.0, min([max(low, 1.0), *(b for b in bounds if b >= 1)]))
    return np.geomspace(bottom, top * 1.0001 if top > bottom else bottom * 10, BINS + 1), True


def rows_at(
    run: Run, kind: str, places: Sequence[dict[str, Any]], columns: list[str], *, chars: int
) -> list[dict[str, Any]]:
    """The rows of parts' tables at these places, in their order, texts cut after `chars`.

    A row group is read whole, so each is read once for all places in it, a few at a time.
    """
    folders = run.clean_folders()
    wanted: dict[tuple[Path, int], list[tuple[int, int]]] = {}
    ends: dict[Path, np.ndarray] = {}
    for number, place in enumerate(places):
        path = file_path(folders[place["source"]], kind, place["part"])
        if path not in ends:
            meta = pq.read_metadata(path)
            sizes = [meta.row_group(g).num_rows for g in range(meta.num_row_groups)]
            ends[path] = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        group = int(np.searchsorted(ends[path], place["row"], side="right")) - 1
        if group >= len(ends[path]) - 1:
            raise IndexError(f"{path.name} has no row {place['row']}")
        row = place["row"] - int(ends[path][group])
        wanted.setdefault((path, group), []).append((number, row))

    def read(path: Path, group: int, rows: list[tuple[int, int]]) -> list[dict[str, Any]]:
        with pq.ParquetFile(path, memory_map=True) as file:
            table = file.read_row_group(group, columns=columns, use_threads=False)
        table = table.take(pa.array([row for _, row in rows], pa.int64()))
        for number, field in enumerate(table.schema):
            if pa.types.is_large_string(field.type):
                cut = pc.utf8_slice_codeunits(table.column(number), 0, chars)
                table = table.set_column(number, field, cut)
        return table.to_pylist()

    found: list[dict[str, Any]] = [{}] * len(places)
    with ThreadPoolExecutor(READERS) as pool:
        jobs = [(rows, pool.submit(read, *place, rows)) for place, rows in wanted.items()]
        for rows, job in jobs:
            for (number, _), row in zip(rows, job.result(), strict=True):
                found[number] = row
    return found
