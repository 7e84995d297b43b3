"""The one pass over the text: every edit and every measure of `clean:`, in recipe order.

Rules drop nothing here. What a rule, a deduplicator or a decontamination needs to know is
measured on every document, so that a threshold can move without touching text again.

    documents/   the text after the last edit, `lang` filled
    signals/     one row a document: rule columns of the document, then the signals
    edits/       one row for each span that an edit changed
    quarantine/  documents on which an operation failed, hung or crashed
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith import schema
from corpusmith.clean.again import Earlier
from corpusmith.clean.batches import batches, contiguous, quarantine
from corpusmith.clean.redaction import EditStep, Masking, hide, keyed_hash, redact_message
from corpusmith.errors import DiskError, LostDocumentsError, UserError
from corpusmith.loading import load_operation
from corpusmith.op import Context, Operation, Task, TaskContext, Work
from corpusmith.store.parts import (
    PartWriter,
    iter_part,
    part_entry,
    part_names,
)

MESSAGE_CHARS = 500

FIXED_SIGNALS = pa.schema(
    [
        ("id", pa.string()),
        *[(name, schema.DOCUMENT.field(name).type) for name in schema.DOCUMENT_RULE_COLUMNS],
        ("read_bytes", pa.int64()),  # UTF-8 bytes of the text as it was collected
        ("kept_bytes", pa.int64()),  # UTF-8 bytes of the text after the last edit
        ("emptied_by", pa.string()),  # the step after which no text was left, else null
    ]
)


class OperationError(UserError):
    """An operation broke its contract: what it returned doesn't fit what it promised."""


class _Step:
    """One operation of the pass, with its parameters and where its signals are stored."""

    def __init__(self, spec: dict[str, Any], secret: bytes, seed: int) -> None:
        self.name: str = spec["step"]
        self.operation: Operation = load_operation(spec["op"])
        params = self.operation.params
        self.params = params.model_validate(spec["params"]) if params else None
        self.schema = self.operation.schema(self.params)
        self.rewrites = self.operation.kind == "edit" or any(
            name in schema.DOCUMENT.names for name in self.schema.names
        )
        """Whether it may change a document, rather than add signals to it."""
        self.columns: dict[str, str] = spec["columns"]
        self.context = Context(
            params=self.params,
            step=self.name,
            text_version=spec["text_version"],
            seed=seed,
            artifacts={"fit": Path(spec["fit"])} if spec.get("fit") else {},
            secret=secret,
        )
        self.key = (spec["op"], json.dumps(spec["params"], sort_keys=True), spec.get("fit"))
        """Steps with the same key give the same document the same signals."""

    def run(self, batch: pa.Table) -> pa.Table:
        """Apply to the rows of its modalities; null signals and the same text for the rest."""
        wanted = self.operation.modalities
        if not wanted:
            return self._checked(self.operation.function(batch, self.context), batch.num_rows)
        mask = pc.is_in(batch["modality"], pa.array(wanted))
        chosen = pc.indices_nonzero(mask)
        if len(chosen) == batch.num_rows:
            return self._checked(self.operation.function(batch, self.context), batch.num_rows)
        if len(chosen) == 0:
            part = None
        else:
            rows = contiguous(batch.take(chosen))
            part = self._checked(self.operation.function(rows, self.context), rows.num_rows)
        return self._spread(part, mask, batch)

    def _spread(self, part: pa.Table | None, mask: pa.ChunkedArray, batch: pa.Table) -> pa.Table:
        places = pc.if_else(mask, pc.cumulative_sum(pc.cast(mask, pa.int64())), None)
        places = pc.subtract(places, 1)
        columns: dict[str, Any] = {}
        for field in self.schema:
            columns[field.name] = (
                pa.nulls(batch.num_rows, field.type)
                if part is None
                else part[field.name].take(places)
            )
        if self.operation.kind == "edit":
            span_list = pa.list_(schema.EDIT_SPAN)
            if part is None:
                columns["text"] = batch["text"]
                columns["edits"] = pa.nulls(batch.num_rows, span_list)
            else:
                columns["text"] = pc.if_else(mask, part["text"].take(places), batch["text"])
                columns["edits"] = part["edits"].take(places)
                for name in ("messages", "meta"):
                    if name in part.column_names:
                        whole = pa.concat_tables([part.select([name]), batch.select([name])])
                        index = pc.if_else(
                            mask, places, pa.array(range(part.num_rows, whole.num_rows), pa.int64())
                        )
                        columns[name] = whole[name].take(index)
        return pa.table(columns)

    def _checked(self, result: pa.Table, rows: int) -> pa.Table:
        if not isinstance(result, pa.Table):
            raise OperationError(
                f"operation {self.operation.name!r} returned a {type(result).__name__}",
                where=f"step {self.name}",
                expected="a pyarrow.Table",
            )
        expected = list(self.schema.names)
        if self.operation.kind == "edit":
            expected += ["text", "edits"]
        names = result.column_names
        missing = [name for name in expected if name not in names]
        if missing or result.num_rows != rows:
            got = f"{result.num_rows} rows with columns {names}"
            raise OperationError(
                f"operation {self.operation.name!r} returned {got}",
                where=f"step {self.name}",
                expected=f"{rows} rows with columns {expected}",
            )
        kinds = result.schema.types
        for field in self.schema:
            place = names.index(field.name)
            if kinds[place] != field.type:
                result = result.set_column(place, field.name, result[field.name].cast(field.type))
        return result


def execute(work: Work) -> None:
    """One task for each part that was collected."""
    [collected] = [f for n, f in work.inputs.items() if n.startswith("collect.")]
    fits = {n: str(f) for n, f in work.inputs.items() if n.startswith("fit.")}
    steps = [{**step, "fit": fits.get(f"fit.{step['step']}", "")} for step in work.params["steps"]]
    tasks = []
    documents = 0
    for part in part_names(collected):
        files = part_entry(collected, part)["files"]
        documents += files.get("documents", {}).get("rows", 0)
        tasks.append(
            Task(
                part,
                {
                    "input": str(collected),
                    "part": part,
                    "steps": steps,
                    "secret": work.secret.hex(),
                    "seed": work.seed,
                },
                weight=files.get("documents", {}).get("bytes", 0),
            )
        )
    try:
        entries = work.engine.map(
            "corpusmith.clean.passes:task",
            tasks,
            folder=work.folder,
            max_skipped=work.max_skipped(documents),
        )
    except LostDocumentsError as error:
        first = error.documents[:3]
        raise LostDocumentsError(
            f"{error.what}\n    that is {', '.join(_uris(collected, first))}",
            where=error.where,
            documents=error.documents,
        ) from error
    for key in ("documents", "quarantined", "read_bytes", "kept_bytes"):
        work.info[key] = sum(entry["info"][key] for entry in entries)


def _uris(collected: Path, ids: tuple[str, ...]) -> list[str]:
    found: dict[str, str] = {}
    for part in part_names(collected):
        for group in iter_part(collected, "documents", part, columns=["id", "uri"]):
            rows = group.filter(pc.is_in(group["id"], pa.array(ids, pa.string())))
            found.update(zip(rows["id"].to_pylist(), rows["uri"].to_pylist(), strict=True))
    return [found[key] for key in ids]


def task(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Clean one part."""
    steps = [_Step(s, bytes.fromhex(spec["secret"]), spec["seed"]) for s in spec["steps"]]
    totals = {"documents": 0, "quarantined": 0, "read_bytes": 0, "kept_bytes": 0}
    with ctx.writer() as out:
        out.info = totals
        # Every part has its tables, empty ones too, so that readers find one schema.
        rewrites = any(step.rewrites for step in steps)
        if rewrites:
            out.write("documents", schema.DOCUMENT.empty_table())
        out.write("signals", signals_schema(steps).empty_table())
        kept: list[pa.Array] = []
        for batch in batches(spec, ctx, out):
            ctx.publish(batch["id"][0].as_py())
            for documents in _clean(batch, steps, out):
                if rewrites:
                    out.write("documents", documents)
                else:
                    kept += documents["id"].chunks
            ctx.publish("")
            del batch  # before the next one is read
        if not rewrites:
            whole = not out.info["quarantined"]
            out.take_over("documents", Path(spec["input"]), spec["part"], None if whole else kept)


def signals_schema(steps: list[_Step]) -> pa.Schema:
    fields = list(FIXED_SIGNALS)
    for step in steps:
        for field in step.schema:
            if field.name not in schema.DOCUMENT.names:
                meta = {**(field.metadata or {}), b"step": step.name.encode()}
                fields.append(field.with_name(step.columns[field.name]).with_metadata(meta))
    return pa.schema(fields)


def _clean(batch: pa.Table, steps: list[_Step], out: PartWriter) -> Iterator[pa.Table]:
    """Run all steps on a batch; where one fails, halve the batch until its document is found.
    Gives the documents that came through."""
    try:
        documents, signals, edits = _run(batch, steps)
    except (UserError, DiskError, OperationError):
        raise
    except Exception as error:
        if batch.num_rows > 1:
            half = batch.num_rows // 2
            yield from _clean(contiguous(batch.slice(0, half)), steps, out)
            yield from _clean(contiguous(batch.slice(half)), steps, out)
            return
        row = batch.select(["id", "uri"]).to_pylist()[0]
        step = getattr(error, "step", "clean")
        message = _masked(f"{type(error).__name__}: {error}", steps)
        quarantine(out, row, step, "operation_failed", message)
        return
    out.info["documents"] += documents.num_rows
    for name in ("read_bytes", "kept_bytes"):
        out.info[name] += pc.sum(signals[name]).as_py() or 0
    out.write("signals", signals)
    yield documents
    edits = [step for step in edits if len(step.parents)]
    if edits:
        out.write("edits", _by_document(edits, batch["id"]))


def _run(batch: pa.Table, steps: list[_Step]) -> tuple[pa.Table, pa.Table, list[EditStep]]:
    rows = batch.num_rows
    stored: dict[str, Any] = {}
    edits: list[EditStep] = []
    read_bytes = pc.cast(pc.binary_length(batch["text"]), pa.int64())
    emptied = pc.if_else(
        pc.equal(read_bytes, 0), pa.scalar("collect", pa.string()), pa.scalar(None, pa.string())
    )
    earlier = Earlier()
    for step in steps:
        try:
            if step.operation.kind == "measure":
                result = earlier.measure(step.key, step.schema.names, batch, step.run)
            else:
                result = step.run(batch)
        except Exception as error:
            error.step = step.name  # type: ignore[attr-defined]
            raise
        for field in step.schema:
            if field.name in schema.DOCUMENT.names:
                batch = _replace(batch, field.name, result[field.name])
                earlier.filled()
            else:
                stored[step.columns[field.name]] = result[field.name]
        if step.operation.kind == "edit":
            edits.append(_edit_step(batch, result["edits"], step))
            earlier.edited(batch, result)
            for name in ("text", "messages", "meta"):
                if name in result.column_names:
                    batch = _replace(batch, name, result[name])
            batch = contiguous(batch)
            empty_now = pc.and_(pc.is_null(emptied), pc.equal(pc.binary_length(batch["text"]), 0))
            emptied = pc.if_else(empty_now, step.name, emptied)
    _hide_masked(edits, steps)
    fixed: dict[str, Any] = {
        "id": batch["id"],
        **{name: batch[name] for name in schema.DOCUMENT_RULE_COLUMNS},
        "read_bytes": read_bytes,
        "kept_bytes": pc.cast(pc.binary_length(batch["text"]), pa.int64()),
        "emptied_by": emptied,
    }
    layout = signals_schema(steps)
    signals = pa.table({**fixed, **stored}).select(layout.names).cast(layout)
    assert signals.num_rows == rows
    return batch.select(schema.DOCUMENT.names), signals, edits


def _replace(batch: pa.Table, name: str, column: Any) -> pa.Table:
    field = schema.DOCUMENT.field(name)
    return batch.set_column(batch.column_names.index(name), field, column.cast(field.type))


def _by_document(edits: list[EditStep], ids: pa.ChunkedArray) -> pa.Table:
    """Rows of `edits/`, document by document and step by step within each: an order without
    batches in it. `ids` are those of the batch."""
    rows = np.concatenate([step.parents for step in edits])
    steps = np.repeat(np.arange(len(edits), dtype=np.int32), [len(step.parents) for step in edits])
    spans = pa.concat_tables([step.spans for step in edits])
    if len(edits) > 1:
        order = np.argsort(rows, kind="stable")
        rows, steps = rows[order], steps[order]
        spans = spans.combine_chunks().take(pa.array(order))
    names = pa.array([step.name for step in edits], pa.string())
    versions = np.array([step.text_version for step in edits], np.int32)
    columns: dict[str, Any] = {
        "id": ids.take(pa.array(rows)),
        "step": pa.DictionaryArray.from_arrays(pa.array(steps), names).cast(pa.string()),
        "text_version": versions[steps],
        **{name: spans[name] for name in spans.column_names},
        "duplicate_of": pa.nulls(len(rows), pa.string()),
    }
    return pa.table(columns, schema=schema.EDITS)


def _edit_step(batch: pa.Table, edits: Any, step: _Step) -> EditStep:
    """What an edit changed, from a list column of spans."""
    if isinstance(edits, pa.ChunkedArray):
        edits = edits.combine_chunks()
    spans = pc.list_flatten(edits)
    columns = {
        field.name: pc.struct_field(spans, [place]).cast(field.type)
        for place, field in enumerate(schema.EDIT_SPAN)
    }
    rows = np.asarray(pc.list_parent_indices(edits)).astype(np.int64)
    table = pa.table(columns, schema=pa.schema(list(schema.EDIT_SPAN)))
    return EditStep(batch["text"], rows, table, step.name, step.context.text_version)


def _hide_masked(edits: list[EditStep], steps: list[_Step]) -> None:
    """What a step masked stands in no other edit of the pass either. Only such text can't be put
    back to the letter."""
    editing = [step for step in steps if step.operation.kind == "edit"]
    for at, step in enumerate(editing):
        if step.operation.locate is not None:
            keyed = functools.partial(keyed_hash, secret=step.context.secret)
            hide(edits, Masking(at, step.operation.locate, step.params, keyed))


def _masked(message: str, steps: list[_Step]) -> str:
    """An error may quote the text: what the recipe masks is masked in it too. It is cut short."""
    # What an operation raises is its own; a lone surrogate in it can't be stored.
    message = message[:MESSAGE_CHARS].encode("utf-8", "backslashreplace").decode()
    for step in steps:
        if step.operation.locate is not None:
            message = redact_message(message, step.operation.locate, step.params)
    return message
