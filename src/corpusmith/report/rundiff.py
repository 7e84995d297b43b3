"""What changed from one run to another: verdicts, counts, signals, tokens, the model."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpusmith.report.run import Run
from corpusmith.report.scan import deciding_steps, numbers, scan
from corpusmith.report.tables import TextTable, count, figure
from corpusmith.store.parts import file_path

KEPT = "kept"
HELD_OUT = "held out"
EXAMPLES = 5
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)


def diff_runs(run_a: Run, run_b: Run) -> dict[str, Any]:
    """What changed from `run_a` to `run_b`, as JSON values.

    Keys: `a`, `b` (folders), `documents` {both, only_a, only_b, changed}, `changes` [{before,
    after, documents, by_source, examples}] (the most frequent first; a verdict is kept, held
    out, or `step / rule`), `by_rule` [{step, rule, a, b}], `by_source` [{source, kept_a,
    kept_b, tokens_a, tokens_b}], `signals` [{signal, mean_a, mean_b}] over all documents
    measured, `tokens` {a, b}, `model` [{figure, a, b}].

    Documents are compared by id, so a source of another name, or a file that moved within
    its source, is another document.
    """
    left, means_a = _verdicts(run_a)
    right, means_b = _verdicts(run_b)
    joined = left.join(right, "id", join_type="full outer", right_suffix="_b")
    before, after = joined["verdict"], joined["verdict_b"]
    only_a = int(pc.sum(pc.is_null(after)).as_py() or 0)
    only_b = int(pc.sum(pc.is_null(before)).as_py() or 0)
    changed = joined.filter(pc.fill_null(pc.not_equal(before, after), False))
    return {
        "a": str(run_a.folder),
        "b": str(run_b.folder),
        "documents": {
            "both": joined.num_rows - only_a - only_b,
            "only_a": only_a,
            "only_b": only_b,
            "changed": changed.num_rows,
        },
        "changes": _changes(changed),
        "by_rule": _by_rule(run_a, run_b),
        "by_source": _by_source(run_a, run_b),
        "signals": [
            {"signal": name, "mean_a": means_a.get(name), "mean_b": means_b.get(name)}
            for name in sorted({*means_a, *means_b})
        ],
        "tokens": {"a": run_a.summary["tokens"]["total"], "b": run_b.summary["tokens"]["total"]},
        "model": _model(run_a, run_b),
    }


def _verdicts(run: Run) -> tuple[pa.Table, dict[str, float | None]]:
    """id, source and verdict of every document; the mean of every signal that is a number."""
    steps = np.array([*deciding_steps(run), ""], dtype=object)
    tables = [pa.table({n: pa.array([], pa.string()) for n in ("id", "source", "verdict")})]
    sums: dict[str, float] = collections.defaultdict(float)
    counts: collections.Counter = collections.Counter()
    names = _numeric_columns(run)
    for part in scan(run, names):
        rules = np.array(pc.fill_null(part.rule, "").to_pylist(), dtype=object)
        verdict = np.where(part.held_out, HELD_OUT, KEPT).astype(object)
        gone = part.step >= 0
        verdict[gone] = steps[part.step[gone]] + " / " + rules[gone]
        tables.append(
            pa.table(
                {
                    "id": part.signals["id"],
                    "source": pa.array([part.source] * len(verdict), pa.string()),
                    "verdict": pa.array(verdict, pa.string()),
                }
            )
        )
        for name in names:
            values = numbers(part.signals, name)
            known = np.isfinite(values)
            sums[name] += float(values[known].sum())
            counts[name] += int(known.sum())
    means = {name: sums[name] / counts[name] if counts[name] else None for name in names}
    return pa.concat_tables(tables), means


def _numeric_columns(run: Run) -> list[str]:
    found: dict[str, None] = {}
    for source, folder in run.clean_folders().items():
        for part in run.parts(source):
            path = file_path(folder, "signals", part)
            for field in pq.read_schema(path) if path.exists() else ():
                if any(test(field.type) for test in _NUMERIC):
                    found[field.name] = None
    return list(found)


def _changes(changed: pa.Table) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in changed.sort_by("id").to_pylist():
        entry = rows.setdefault(
            (row["verdict"], row["verdict_b"]),
            {
                "before": row["verdict"],
                "after": row["verdict_b"],
                "documents": 0,
                "by_source": collections.Counter(),
                "examples": [],
            },
        )
        entry["documents"] += 1
        entry["by_source"][row["source"]] += 1
        if len(entry["examples"]) < EXAMPLES:
            entry["examples"].append(row["id"])
    for entry in rows.values():
        entry["by_source"] = dict(sorted(entry["by_source"].items()))
    return sorted(rows.values(), key=lambda e: (-e["documents"], e["before"], e["after"]))


def _by_rule(run_a: Run, run_b: Run) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for side, run in (("a", run_a), ("b", run_b)):
        for row in run.summary["by_step"]:
            if row["rule"] is None:
                continue
            key = (row["step"], row["rule"])
            entry = found.setdefault(key, {"step": key[0], "rule": key[1], "a": 0, "b": 0})
            entry[side] = row["dropped"]
    return list(found.values())


def _by_source(run_a: Run, run_b: Run) -> list[dict[str, Any]]:
    rows = []
    for source in dict.fromkeys([*run_a.sources, *run_b.sources]):
        row: dict[str, Any] = {"source": source}
        for side, run in (("a", run_a), ("b", run_b)):
            row[f"kept_{side}"] = run.summary["by_source"].get(source, {}).get("kept")
            row[f"tokens_{side}"] = run.summary["tokens"]["by_source"].get(source)
        rows.append(row)
    return rows


def _model(run_a: Run, run_b: Run) -> list[dict[str, Any]]:
    flat = [_flat(run.summary["model"]) for run in (run_a, run_b)]
    names = dict.fromkeys([*flat[0], *flat[1]])
    return [{"figure": n, "a": flat[0].get(n), "b": flat[1].get(n)} for n in names]


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Numbers of nested mappings, by their path: bits_per_byte.by.source.pages."""
    found: dict[str, float] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            found.update(_flat(item, f"{prefix}{name}."))
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            found[prefix + name] = item
    return found


def render_diff_runs(found: dict[str, Any]) -> list[str | TextTable]:
    """Lines and tables for a terminal, in their order."""
    documents = found["documents"]
    out: list[str | TextTable] = [
        f"a  {found['a']}",
        f"b  {found['b']}",
        f"documents in both {documents['both']:,}, only in a {documents['only_a']:,}, only in b "
        f"{documents['only_b']:,}; {documents['changed']:,} with another verdict",
        "",
    ]
    if found["changes"]:
        rows = [
            [c["before"], c["after"], count(c["documents"]), c["examples"][0]]
            for c in found["changes"]
        ]
        out += [TextTable(["in a", "in b", "documents", "for example"], rows, (2,)), ""]
    moved = [r for r in found["by_rule"] if r["a"] != r["b"]]
    if moved:
        rows = [[f"{r['step']} / {r['rule']}", count(r["a"]), count(r["b"])] for r in moved]
        out += [TextTable(["rule", "left in a", "left in b"], rows, (1, 2)), ""]
    sources = [
        [r["source"], *(count(r[k]) for k in ("kept_a", "kept_b", "tokens_a", "tokens_b"))]
        for r in found["by_source"]
    ]
    head = ["source", "kept in a", "kept in b", "tokens in a", "tokens in b"]
    out += [TextTable(head, sources, (1, 2, 3, 4)), ""]
    shifted = [s for s in found["signals"] if s["mean_a"] != s["mean_b"]]
    if shifted:
        rows = [[s["signal"], _mean(s["mean_a"]), _mean(s["mean_b"])] for s in shifted]
        out += [TextTable(["signal", "mean in a", "mean in b"], rows, (1, 2)), ""]
    model = [[m["figure"], _mean(m["a"]), _mean(m["b"])] for m in found["model"]]
    if model:
        out.append(TextTable(["model", "a", "b"], model, (1, 2)))
    return out


def _mean(value: float | None) -> str:
    return "–" if value is None else figure(value)
