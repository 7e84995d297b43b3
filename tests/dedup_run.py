"""Runs the stages of deduplication in this process, over parts as the clean stage writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusmith import schema
from corpusmith.clean import passes
from corpusmith.loading import load_operation
from corpusmith.op import Work
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import PartWriter, part_names, read_part
from tests.inline import InlineEngine


def document(source: str, uri: str, text: str, meta: str = "{}") -> dict[str, Any]:
    return {
        "id": document_id(source, uri),
        "source": source,
        "uri": uri,
        "modality": "text",
        "text": text,
        "meta": meta,
    }


class Corpus:
    """Sources of documents, cleaned by the operations given; stages are run on top."""

    def __init__(
        self,
        root: Path,
        sources: Mapping[str, Sequence[dict[str, Any]]],
        measures: Sequence[tuple[str, dict[str, Any]]],
        *,
        part_rows: int = 1000,
        shuffle: int | None = None,
        fit: Path | None = None,
    ) -> None:
        self.root = root
        self.engine = InlineEngine(
            shuffle=shuffle, batch_bytes=1 << 24 if shuffle is None else 2000
        )
        self.inputs: dict[str, Path] = {}
        self.sources = list(sources)
        self.columns: dict[str, str] = {}
        steps: list[dict[str, Any]] = []
        for address, params in measures:
            operation = load_operation(address)
            model = operation.params.model_validate(params) if operation.params else None
            taken = {column for step in steps for column in step["columns"].values()}
            columns = {
                name: f"{name}@{operation.name}" if name in taken else name
                for name in operation.schema(model).names
            }
            self.columns.update(columns)
            steps.append(
                {
                    "op": address,
                    "params": params,
                    "step": operation.name,
                    "text_version": 0,
                    "columns": columns,
                }
            )
        for source, documents in sources.items():
            collected = root / f"collect.{source}"
            for number, start in enumerate(range(0, max(1, len(documents)), part_rows)):
                with PartWriter(collected, f"{source}-{number:05d}") as out:
                    rows = list(documents[start : start + part_rows])
                    out.write("documents", schema.table(schema.DOCUMENT, rows))
            work = Work(
                folder=root / f"clean.{source}",
                params={"steps": steps},
                inputs={
                    f"collect.{source}": collected,
                    **({f"fit.{s['step']}": fit for s in steps} if fit else {}),
                },
                engine=self.engine,
            )
            passes.execute(work)
            self.inputs[f"clean.{source}"] = work.folder

    def run(
        self, execute: Any, step: str, after: Sequence[str] = (), seed: int = 0, **params: Any
    ) -> Work:
        """Run a stage as `decide.<step>` and keep its folder as an input of later ones."""
        work = Work(
            folder=self.root / f"decide.{step}",
            params={
                "step": step,
                "sources": self.sources,
                "after": list(after),
                "columns": self.columns,
                **params,
            },
            inputs=dict(self.inputs),
            engine=self.engine,
            seed=seed,
        )
        execute(work)
        self.inputs[f"decide.{step}"] = work.folder
        return work

    def decisions(self, work: Work) -> list[dict[str, Any]]:
        """All decisions, parts in the order of the recipe."""
        found = []
        for source in self.sources:
            for part in part_names(self.inputs[f"clean.{source}"]):
                table = read_part(work.folder, "decisions", part)
                assert table.schema == schema.DECISION
                found += table.to_pylist()
        return found

    def signals(self) -> pa.Table:
        tables = []
        for source in self.sources:
            folder = self.inputs[f"clean.{source}"]
            tables += [read_part(folder, "signals", part) for part in part_names(folder)]
        return pa.concat_tables(tables)
