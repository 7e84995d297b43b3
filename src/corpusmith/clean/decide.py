"""The stage of a deciding step: which documents leave, from stored signals alone.

It reads signals/ of the clean stages and earlier decisions, never text. Of the documents that
are still there, each leaves by its first failing step; the others are not written anywhere,
which is what being kept means. Parts and their rows keep the order of the clean stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpusmith import schema
from corpusmith.clean.rules import RuleSet, evaluate
from corpusmith.errors import UserError, nearest
from corpusmith.loading import load_operation
from corpusmith.op import Context, Task, TaskContext, Work
from corpusmith.store.overlay import read_current
from corpusmith.store.parts import file_path, left_ids, part_entry, part_names

EMPTY_TEXT = "empty_text"


def execute(work: Work) -> None:
    """One task for each part of every `clean.<source>`; `work.params["steps"]` says what leaves.

    A step is {"step": name} with one of
      "rules": a RuleSet's JSON, evaluated on the signals;
      "emptied": true, documents that this step (an edit, or `collect`) left without text;
      "op": the address of a user's `decide` operation, with "params";
    and "columns": {signal: stored column} where a signal is stored under another name.
    """
    earlier = [str(folder) for name, folder in work.inputs.items() if name.startswith("decide.")]
    tasks, sources = [], []
    for name, folder in work.inputs.items():
        if not name.startswith("clean."):
            continue
        for part in part_names(folder):
            spec = {
                "signals": str(folder),
                "part": part,
                "earlier": earlier,
                "steps": work.params["steps"],
                "seed": work.seed,
            }
            rows = part_entry(folder, part)["files"].get("signals", {}).get("bytes", 0)
            tasks.append(Task(part, spec, weight=rows))
            sources.append(name.removeprefix("clean."))
    entries = work.engine.map("corpusmith.clean.decide:task", tasks, folder=work.folder)
    by_source: dict[str, dict[str, int]] = {}
    by_rule: dict[str, dict[str, int]] = {}
    for source, entry in zip(sources, entries, strict=True):
        count = by_source.setdefault(source, {"in": 0, "left": 0})
        count["in"] += entry["info"]["in"]
        count["left"] += entry["info"]["left"]
        for step, rules in entry["info"]["rules"].items():
            found = by_rule.setdefault(step, {})
            for rule, left in rules.items():
                found[rule] = found.get(rule, 0) + left
    work.info["in"] = sum(count["in"] for count in by_source.values())
    work.info["left"] = sum(count["left"] for count in by_source.values())
    work.info["by_source"] = by_source
    work.info["rules"] = by_rule
    names = ", ".join(step["step"] for step in work.params["steps"])
    for source, count in by_source.items():
        if count["in"] and count["left"] == count["in"]:
            every = f"all {count['in']:,} documents" if count["in"] > 1 else "the only document"
            work.warnings.append(f"step {names} drops {every} of source {source!r}")


def task(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Decide on one part."""
    steps = spec["steps"]
    earlier = [Path(folder) for folder in spec["earlier"]]
    signals = _read(Path(spec["signals"]), spec["part"], earlier, _columns_read(steps))
    gone = left_ids(earlier, spec["part"])
    signals = _without(signals, gone)
    entering = signals.num_rows
    rules: dict[str, dict[str, int]] = {}
    with ctx.writer() as out:
        # Every part has its table, an empty one too, so that readers find one schema.
        out.write("decisions", schema.empty(schema.DECISION))
        for step in steps:
            counts = rules.setdefault(step["step"], {})
            if not signals.num_rows:
                continue
            found = decide(step, signals, seed=spec.get("seed", 0))
            out.write("decisions", found)
            signals = _without(signals, found["id"])
            for row in pc.value_counts(found["rule"].combine_chunks()).to_pylist():
                counts[row["values"]] = counts.get(row["values"], 0) + row["counts"]
        out.info = {"in": entering, "left": entering - signals.num_rows, "rules": rules}


def decide(step: Mapping[str, Any], signals: pa.Table, *, seed: int = 0) -> pa.Table:
    """Rows of `schema.DECISION` for the documents of `signals` that leave by this step.

    `signals` has the columns as they are stored; see `execute` for what `step` may be.
    """
    if step.get("emptied"):
        return _emptied(step["step"], signals)
    table = as_signals(signals, step.get("columns", {}))
    if "rules" in step:
        return evaluate(RuleSet.model_validate(step["rules"]), table, step["step"])
    return _by_user(step, table, seed)


def as_signals(stored: pa.Table, columns: Mapping[str, str]) -> pa.Table:
    """Stored columns under the names of the signals: `columns` is {signal: stored column}."""
    renamed = {name: stored[name] for name in stored.column_names}
    for signal, column in columns.items():
        if column not in stored.column_names:
            raise UserError(
                f"no column {column!r} is stored for the signal {signal!r}",
                expected=nearest(column, stored.column_names),
            )
        renamed[signal] = stored[column]
    return pa.table(renamed)


def _emptied(step: str, signals: pa.Table) -> pa.Table:
    """Documents of which this step left no text, with the rule `empty_text`."""
    mask = pc.fill_null(pc.equal(signals["emptied_by"], step), False)
    ids = signals["id"].filter(mask)
    rows = len(ids)
    filled = {"step": step, "rule": EMPTY_TEXT, "signal": "text_bytes", "value": "0", "min": "1"}
    columns: dict[str, Any] = {
        field.name: pa.repeat(pa.scalar(filled[field.name], pa.string()), rows)
        if field.name in filled
        else pa.nulls(rows, field.type)
        for field in schema.DECISION
    }
    columns["id"] = ids
    columns["also"] = pa.array([[]] * rows, schema.DECISION.field("also").type)
    return pa.table(columns, schema=schema.DECISION)


def _by_user(step: Mapping[str, Any], table: pa.Table, seed: int) -> pa.Table:
    """Rows from a user's `decide` operation, checked.

    It gets the columns that it `needs` (and `id`) and returns a table with `keep` and `rule` for
    each document, row by row, or with `id` and `rule` for each that leaves, in any order; `signal`,
    `value`, `min`, `max`, `duplicate_of` and `also` where it has them.
    """
    operation = load_operation(step["op"])
    where = f"step {step['step']}"
    params = operation.params.model_validate(step.get("params") or {}) if operation.params else None
    missing = [name for name in operation.needs if name not in table.column_names]
    if missing:
        raise UserError(
            f"{operation.name!r} needs {missing[0]!r}, which is not stored",
            where=where,
            expected="needs=(...) with signals, since a deciding step sees no text",
            hint="measure what you need of the text in an operation of kind measure",
        )
    given = table.select(list(dict.fromkeys(["id", *operation.needs])))
    try:
        found = operation.function(given, Context(params=params, step=step["step"], seed=seed))
    except Exception as error:
        raise UserError(
            f"{operation.name!r} failed: {type(error).__name__}: {error}",
            where=where,
            hint="the whole traceback is in the run's logs/",
        ) from error
    if not isinstance(found, pa.Table):
        raise UserError(
            f"{operation.name!r} returned a {type(found).__name__}",
            where=where,
            expected="a pyarrow.Table",
        )
    if "keep" in found.column_names:
        found = _leaving(operation.name, found, given, where)
    names = found.column_names
    unknown = sorted(set(names) - set(schema.DECISION.names))
    if unknown or not {"id", "rule"} <= set(names):
        raise UserError(
            f"{operation.name!r} returned the columns {names}",
            where=where,
            expected="keep and rule for each document, or id and rule for each that leaves; "
            "also " + ", ".join(schema.DECISION.names[3:]),
        )
    ids = found["id"].cast(pa.string())
    place = pc.index_in(ids, value_set=table["id"].combine_chunks())
    if place.null_count or found["rule"].null_count:
        raise UserError(
            f"{operation.name!r} returned a row without a rule, or of a document it did not get",
            where=where,
            expected="ids of the documents given, each with the name of a rule",
        )
    if len(pc.unique(ids)) != len(ids):
        raise UserError(f"{operation.name!r} returned a document twice", where=where)
    rows = len(ids)
    columns: dict[str, Any] = {
        field.name: found[field.name].cast(field.type)
        if field.name in names
        else pa.nulls(rows, field.type)
        for field in schema.DECISION
    }
    columns["step"] = pa.repeat(pa.scalar(step["step"], pa.string()), rows)
    if "also" not in names:
        columns["also"] = pa.array([[]] * rows, schema.DECISION.field("also").type)
    # In the order of the documents, whatever order the function chose.
    return pa.table(columns, schema=schema.DECISION).take(pc.sort_indices(place))


def _leaving(name: str, found: pa.Table, given: pa.Table, where: str) -> pa.Table:
    """The rows of those that leave, with their ids, of a table with `keep` for every row."""
    keep = found["keep"]
    if found.num_rows != given.num_rows or keep.type != pa.bool_() or keep.null_count:
        raise UserError(
            f"{name!r} returned {found.num_rows} rows with `keep` of type {keep.type}, "
            f"{keep.null_count} of them null",
            where=where,
            expected=f"true or false for each of the {given.num_rows} documents, in their order",
        )
    if "id" not in found.column_names:
        found = found.append_column("id", given["id"])
    elif found["id"].cast(pa.string()) != given["id"]:
        raise UserError(
            f"{name!r} returned other ids than it got, or in another order", where=where
        )
    return found.filter(pc.invert(keep)).drop_columns(["keep"])


def _columns_read(steps: Iterable[Mapping[str, Any]]) -> list[str]:
    """Stored columns that the steps look at."""
    names = ["id"]
    for step in steps:
        if step.get("emptied"):
            names.append("emptied_by")
            continue
        if "rules" in step:
            wanted = RuleSet.model_validate(step["rules"]).signals()
        else:
            wanted = list(load_operation(step["op"]).needs)
        columns = step.get("columns", {})
        names += [columns.get(name, name) for name in wanted]
    return list(dict.fromkeys(names))


def _read(folder: Path, part: str, earlier: list[Path], columns: list[str]) -> pa.Table:
    """Those of `columns` that one part's signals have, as earlier steps left them."""
    path = file_path(folder, "signals", part)
    stored = pq.read_schema(path).names if path.exists() else ["id"]
    wanted = [name for name in columns if name in stored]
    return read_current(folder, "signals", part, earlier, columns=wanted)


def _without(table: pa.Table, ids: pa.Array | pa.ChunkedArray) -> pa.Table:
    if len(ids) == 0:
        return table
    return table.filter(pc.invert(pc.is_in(table["id"], value_set=pc.unique(ids))))
