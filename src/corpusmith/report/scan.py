"""A run read part by part: signals joined with the decision on each document and its tokens."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpusmith.report.run import Run
from corpusmith.store.overlay import read_current
from corpusmith.store.parts import committed, file_path, read_part

NOT_TOKENIZED = -1


@dataclasses.dataclass
class PartScan:
    """One part of n documents, dropped ones too, in the order of its rows."""

    source: str
    part: str
    signals: pa.Table  # n rows: `id` and the columns asked for, where the part has them
    step: np.ndarray  # int64[n]: index in `deciding_steps` at which it left, -1 if kept
    rule: pa.Array  # string[n]: the rule by which it left, null if kept
    held_out: np.ndarray  # bool[n]: kept, but held out for evaluation
    tokens: np.ndarray  # int64[n]: tokens with the end token, NOT_TOKENIZED for those that left
    unencoded: np.ndarray  # bool[n]: no step dropped it, but the tokenizer could not encode it

    @property
    def kept(self) -> np.ndarray:
        """bool[n]: it did not leave; held-out documents are kept."""
        return (self.step < 0) & ~self.unencoded


def deciding_steps(run: Run) -> list[str]:
    """Names of the deciding steps in their order."""
    return [step for step, _ in run.decide_folders()]


def token_parts(run: Run) -> dict[str, str]:
    """Cleaned part -> part of the tokens: the encoder numbers parts through all sources."""
    if not run.has("tokens"):
        return {}
    parts = [part for source in run.clean_folders() for part in run.parts(source)]
    return {part: f"part-{number:05d}" for number, part in enumerate(parts)}


def scan(run: Run, columns: Iterable[str] = ()) -> Iterator[PartScan]:
    """Every part of the run, sources in the recipe's order."""
    folders = [folder for _, folder in run.decide_folders()]
    split = run.split_folder()
    encoded = token_parts(run)
    failed = run.unencoded()
    for source, folder in run.clean_folders().items():
        for part in run.parts(source):
            signals = read_signals(folder, part, ["id", *columns], folders)
            ids = signals["id"].combine_chunks()
            step = np.full(len(ids), -1, np.int64)
            rule = pa.nulls(len(ids), pa.string())
            for number, decided in enumerate(folders):
                rows = _rows(decided, part, ids)
                if rows is None:
                    continue
                left, rules = rows
                step[left] = number
                if len(left):
                    mask = np.zeros(len(ids), bool)
                    mask[left] = True
                    order = np.argsort(left, kind="stable")
                    rule = pc.replace_with_mask(rule, pa.array(mask), rules.take(pa.array(order)))
            held = np.zeros(len(ids), bool)
            rows = _rows(split, part, ids) if split is not None else None
            if rows is not None:
                held[rows[0]] = True
            tokens = np.full(len(ids), NOT_TOKENIZED, np.int64)
            if part in encoded:
                _fill_tokens(tokens, ids, run.stage("tokens"), encoded[part])
            unencoded = np.asarray(pc.is_in(ids, value_set=failed))
            yield PartScan(source, part, signals, step, rule, held, tokens, unencoded)


def read_signals(
    folder: Path, part: str, columns: Iterable[str], after: Sequence[Path] = ()
) -> pa.Table:
    """Those of `columns` that the part's signals have, as the deciding stages `after` left them."""
    path = file_path(folder, "signals", part)
    stored = set(pq.read_schema(path).names) if path.exists() else {"id"}
    wanted = [name for name in dict.fromkeys(columns) if name in stored]
    return read_current(folder, "signals", part, after, columns=wanted)


def _rows(folder: Path, part: str, ids: pa.Array) -> tuple[np.ndarray, pa.Array] | None:
    """Rows of `ids` on which this stage decided, and the rule of each; None if it has no part."""
    if not committed(folder, part):
        return None
    found = read_part(folder, "decisions", part, columns=["id", "rule"])
    places = pc.index_in(found["id"].combine_chunks(), value_set=ids)
    known = pc.is_valid(places)
    rules = found["rule"].combine_chunks().filter(known)
    return np.asarray(places.filter(known)).astype(np.int64), rules


def _fill_tokens(tokens: np.ndarray, ids: pa.Array, folder: Path, part: str) -> None:
    if not committed(folder, part):
        return
    docs = read_part(folder, "docs", part, columns=["id", "token_count"])
    places = pc.index_in(docs["id"].combine_chunks(), value_set=ids)
    known = np.asarray(pc.is_valid(places))
    rows = np.asarray(pc.fill_null(places, 0)).astype(np.int64)[known]
    tokens[rows] = np.asarray(docs["token_count"]).astype(np.int64)[known]


def numbers(table: pa.Table, name: str) -> np.ndarray:
    """float64[n] of a column of numbers or bools, NaN where null; all NaN where it is not there."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table[name]
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float64(), safe=False).combine_chunks().to_numpy(False), float)
