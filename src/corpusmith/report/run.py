"""A run, read: the folders of its stages, its documents, signals and figures."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from corpusmith import schema
from corpusmith.errors import InputError, MissingExtraError
from corpusmith.store.atomic import read_json
from corpusmith.store.overlay import iter_current
from corpusmith.store.parts import iter_part, left_ids, part_names
from corpusmith.store.workspace import check_version, finished, read_manifest

if TYPE_CHECKING:
    import datasets
    import torch.utils.data


ENDED = {"failed": "failed", "interrupted": "was interrupted"}
"""What to say of a run whose `status` is not `finished`."""


class Run:
    """One run folder (`runs/<time>-<short>`, or `latest`); reads only what is asked for."""

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder).resolve()
        lock = self.folder / "recipe.lock.yaml"
        if not lock.exists():
            found = self.folder / "latest"
            if (found / "recipe.lock.yaml").exists():
                self.folder = found.resolve()
            else:
                started = sorted(self.folder.glob("runs/*/recipe.lock.yaml"))
                raise InputError(
                    "no run here has finished" if started else "no run here",
                    where=str(folder),
                    expected="a run folder (corpora/<corpus>/latest), or a folder with `latest`, "
                    "which names the last run that finished",
                    hint=f"corpusmith show {started[-1].parent}"
                    if started
                    else "corpusmith run RECIPE",
                )
        self.root = self.folder.parent.parent

    @functools.cached_property
    def lock(self) -> dict[str, Any]:
        """recipe.lock.yaml."""
        path = self.folder / "recipe.lock.yaml"
        found = _read(path)
        check_version(found, path)
        return found

    @functools.cached_property
    def summary(self) -> dict[str, Any]:
        """summary.json."""
        path = self.folder / "summary.json"
        if not path.exists():
            raise InputError(
                "this run was stopped before it could write its summary",
                where=str(self.folder),
                hint=f"corpusmith run {self.lock.get('recipe_path', 'RECIPE')}",
            )
        found = _read(path)
        check_version(found, path)
        return found

    # --- stages --------------------------------------------------------------------------

    def planned(self) -> list[dict[str, Any]]:
        """{"name", "kind", "fingerprint", "folder"} of all stages, also those not made."""
        return self.lock["stages"]

    @functools.cached_property
    def made(self) -> set[str]:
        """Names of the stages that the run made or found: all of them, unless it failed."""
        if (self.folder / "summary.json").exists():
            return set(self.summary.get("stages", [stage["name"] for stage in self.planned()]))
        return {
            stage["name"]
            for stage in self.planned()
            if finished(self.root / stage["folder"], stage["fingerprint"])
        }

    def stages(self) -> list[dict[str, Any]]:
        """{"name", "kind", "fingerprint", "folder"} of what was made, in its order."""
        return [stage for stage in self.planned() if stage["name"] in self.made]

    def has(self, name: str) -> bool:
        return any(stage["name"] == name for stage in self.stages())

    def stage(self, name: str) -> Path:
        """Folder of a stage; KeyError where the run has none of this name."""
        for stage in self.stages():
            if stage["name"] == name:
                return self.root / stage["folder"]
        raise KeyError(name)

    def info(self, name: str) -> dict[str, Any]:
        """The figures in a stage's manifest."""
        return read_manifest(self.stage(name))["info"]

    @property
    def sources(self) -> list[str]:
        return self.lock["sources"]

    def clean_folders(self) -> dict[str, Path]:
        return {s: self.stage(f"clean.{s}") for s in self.sources if self.has(f"clean.{s}")}

    def collect_folders(self) -> dict[str, Path]:
        return {s: self.stage(f"collect.{s}") for s in self.sources if self.has(f"collect.{s}")}

    def decide_folders(self) -> list[tuple[str, Path]]:
        """Step and folder of every deciding stage, in order; the split is not among them."""
        return [
            (stage["name"].partition(".")[2], self.root / stage["folder"])
            for stage in self.stages()
            if stage["name"].startswith("decide.")
        ]

    def split_folder(self) -> Path | None:
        return self.stage("split") if self.has("split") else None

    def parts(self, source: str) -> list[str]:
        return part_names(self.stage(f"clean.{source}"))

    # --- Arrow readers -------------------------------------------------------------------

    def documents(self, *, split: str = "all") -> pa.RecordBatchReader:
        """Documents that every step kept; `split`: all, train or held_out.

        Columns of `schema.DOCUMENT`.
        """
        if split not in ("all", "train", "held_out"):
            raise ValueError(f"split {split!r}: all, train or held_out")
        return pa.RecordBatchReader.from_batches(schema.DOCUMENT, self._kept(split))

    def _kept(self, split: str) -> Iterator[pa.RecordBatch]:
        decisions = [folder for _, folder in self.decide_folders()]
        failed = self.unencoded()
        held = [f for f in [self.split_folder()] if f is not None]
        for source, folder in self.clean_folders().items():
            for part in self.parts(source):
                gone = pa.concat_arrays([left_ids(decisions, part), failed])
                held_out = left_ids(held, part)
                for table in iter_current(folder, "documents", part, decisions):
                    mask = pc.invert(pc.is_in(table["id"], gone))
                    if split == "train":
                        mask = pc.and_(mask, pc.invert(pc.is_in(table["id"], held_out)))
                    elif split == "held_out":
                        mask = pc.and_(mask, pc.is_in(table["id"], held_out))
                    yield from table.filter(mask).cast(schema.DOCUMENT).to_batches()

    def dropped(self) -> pa.RecordBatchReader:
        """Decisions: one row a document that left. Columns of `schema.DECISION`."""
        return pa.RecordBatchReader.from_batches(schema.DECISION, self._dropped())

    def _dropped(self) -> Iterator[pa.RecordBatch]:
        for _, folder in self.decide_folders():
            for part in part_names(folder):
                for table in iter_part(folder, "decisions", part):
                    yield from table.cast(schema.DECISION).to_batches()

    def signals(self) -> pa.RecordBatchReader:
        """One row a document, dropped ones too: `id`, rule columns, every signal."""
        tables = self._signals()
        first = next(tables, None)
        if first is None:
            return pa.RecordBatchReader.from_batches(pa.schema([("id", pa.string())]), [])
        layout = first.schema

        def batches() -> Iterator[pa.RecordBatch]:
            yield from first.to_batches()
            for table in tables:
                yield from table.cast(layout).to_batches()

        return pa.RecordBatchReader.from_batches(layout, batches())

    def _signals(self) -> Iterator[pa.Table]:
        decisions = [folder for _, folder in self.decide_folders()]
        for source, folder in self.clean_folders().items():
            for part in self.parts(source):
                yield from iter_current(folder, "signals", part, decisions)

    def quarantine(self) -> pa.Table:
        """What could not be read, cleaned or encoded. Columns of `schema.QUARANTINE`."""
        folders = [*self.collect_folders().values(), *self.clean_folders().values()]
        if self.has("tokens"):
            folders.append(self.stage("tokens"))
        tables = [table for folder in folders for table in quarantined(folder)]
        return pa.concat_tables(tables) if tables else schema.QUARANTINE.empty_table()

    def unencoded(self) -> pa.Array:
        """Ids of documents that every step kept and the tokenizer could not encode."""
        tables = quarantined(self.stage("tokens")) if self.has("tokens") else []
        return pa.array([row for table in tables for row in table["id"].to_pylist()], pa.string())

    def sql(self, query: str) -> pa.Table:
        """DuckDB over the tables `documents`, `dropped`, `signals` and `quarantine`.

        They stream, so memory is that of the query; a table that it names twice is held whole.

        >>> run.sql("select source, count(*) from documents group by source")  # doctest: +SKIP
        """
        import duckdb

        readers = {
            "documents": self.documents,
            "dropped": self.dropped,
            "signals": self.signals,
            "quarantine": self.quarantine,
        }
        with duckdb.connect() as connection:
            for name, read in readers.items():
                named = len(re.findall(rf"\b{name}\b", query, re.IGNORECASE))
                if named:
                    found = read()
                    # A reader gives its rows once; whoever names a table twice scans it twice.
                    if named > 1 and isinstance(found, pa.RecordBatchReader):
                        found = found.read_all()
                    connection.register(name, found)
            return connection.sql(query).to_arrow_table()

    # --- other libraries -----------------------------------------------------------------

    def to_datasets(self, *, split: str = "train") -> datasets.Dataset:
        """A Hugging Face `Dataset` of the kept documents; `split`: all, train or held_out.

        Columns of `schema.DOCUMENT`. Raises MissingExtraError without the package `datasets`.
        """
        try:
            import datasets
        except ImportError as error:
            raise MissingExtraError("datasets", "train") from error
        reader = self.documents(split=split)
        return datasets.Dataset(reader.read_all())

    def to_torch(self, *, length: int | None = None) -> torch.utils.data.IterableDataset:
        """The training windows as an iterable dataset, `train.stream.WindowStream`.

        Each is {"input_ids", "labels"}: int64[length], the labels one token ahead. `length`: that
        of `pack:` by default. Raises InputError where the run made no tokens, MissingExtraError
        without torch.
        """
        if not (self.has("tokens") and self.has("mix")):
            raise InputError(
                "this run made no tokens",
                where=str(self.folder),
                expected="a run to its end of a recipe with `tokenize:`",
                hint=f"corpusmith run {self.lock.get('recipe_path', 'RECIPE')}",
            )
        try:
            from corpusmith.train.stream import WindowStream
        except ImportError as error:
            raise MissingExtraError("torch", "train") from error
        recipe = self.lock["recipe"]
        pack = recipe.get("pack") or {}
        return WindowStream(
            self.stage("tokens"),
            self.stage("mix"),
            length or pack.get("length", 256),
            recipe.get("seed", 0),
        )


def quarantined(folder: Path) -> Iterator[pa.Table]:
    """The rows of a stage's quarantine, part by part."""
    for part in part_names(folder):
        for table in iter_part(folder, "quarantine", part):
            yield table.cast(schema.QUARANTINE)


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise InputError(f"can't read {path.name}: {error}", where=str(path.parent)) from error
