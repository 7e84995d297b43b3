"""summary.json: the figures of a run, and the conservation law checked on them.

    in + created = kept + dropped + merged + quarantined        for every source and step

At the end of the run: what could not be read, cleaned or encoded is `quarantined`. `by_step` has
a row for each way out, so that its rows `as` dropped, merged and quarantined add up to these.
`merged` are documents that left as duplicates of one that is kept, `dropped` all others that
left. Documents held out for evaluation, and those that the mix did not draw, are kept.
"""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from corpusmith import schema
from corpusmith.report.run import Run, quarantined
from corpusmith.store.parts import iter_part, part_entry, part_names
from corpusmith.store.workspace import read_manifest

MERGING = ("exact", "near", "substring")


def summarize(
    run: Run,
    seconds: dict[str, float],
    wall: float,
    *,
    status: str = "finished",
    error: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of summary.json; `unbalanced` names each source whose figures don't add up.

    Of a run that did not finish (`status` failed or interrupted): the figures of the `stages`
    that were made, and the `error` that ended it.
    """
    infos = {s["name"]: read_manifest(run.stage(s["name"])) for s in run.stages()}
    by_source = {source: _read_counts(infos, source) for source in run.sources}
    by_step = _quarantine_rows(run)
    warnings = [f"{name}: {w}" for name, m in infos.items() for w in m["warnings"]]
    for stage in run.stages():
        name = stage["name"]
        if name.startswith("decide.") or name == "split":
            by_step += _step_rows(name, stage["kind"], run.stage(name), by_source)
    unencoded = _unencoded(run, by_source)
    by_step += unencoded
    totals: dict[str, int] = collections.Counter()
    unbalanced = []
    for source, counts in by_source.items():
        left = counts["dropped"] + counts["merged"] + counts["quarantined"]
        counts["kept"] = counts["read"] + counts["created"] - left
        cleaned = counts.pop("documents")
        failed = sum(row["by_source"].get(source, 0) for row in unencoded)
        if f"clean.{source}" in infos:
            gone = counts["dropped"] + counts["merged"] + failed
            if cleaned - gone != counts["kept"]:
                unbalanced.append(f"source {source!r}: {counts}")
        totals.update(counts)
    tokens = infos.get("tokens", {}).get("info", {})
    drawn = infos.get("mix", {}).get("info", {})
    model = _model(infos)
    return {
        "schema": schema.SCHEMA_VERSION,
        "corpus": run.lock["corpus"],
        "fingerprint": run.lock["fingerprint"],
        "status": status,
        "error": error,
        "stages": [stage["name"] for stage in run.stages()],
        "documents": {
            key: totals.get(key, 0)
            for key in ("read", "created", "kept", "dropped", "merged", "quarantined", "held_out")
        },
        "by_source": by_source,
        "by_step": by_step,
        "skipped": _counted("skipped", infos, run.sources),
        "fetched": {
            source: infos[f"snapshot.{source}"]["info"]
            for source in run.sources
            if f"snapshot.{source}" in infos
        },
        "layouts": _counted("layouts", infos, run.sources),
        "tokens": {
            "total": tokens.get("tokens", 0),
            "by_source": {s: v["tokens"] for s, v in tokens.get("by_source", {}).items()},
            "mix": drawn,
        },
        "model": model,
        "warnings": warnings,
        "unbalanced": unbalanced,
        "seconds": {**seconds, "total": round(wall, 3)},
    }


def _quarantine_rows(run: Run) -> list[dict[str, Any]]:
    """Rows of what could not be read or cleaned; `_read_counts` has it in the sources' figures."""
    found = []
    for step, folders in (("read", run.collect_folders()), ("clean", run.clean_folders())):
        errors: dict[str, collections.Counter] = {}
        for source, folder in folders.items():
            for table in quarantined(folder):
                for error in table["error"].to_pylist():
                    errors.setdefault(error, collections.Counter())[source] += 1
        found += _rows(step, "quarantined", errors)
    return found


def _unencoded(run: Run, by_source: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """Rows of what the tokenizer could not encode; adds to the sources' figures."""
    if not run.has("tokens"):
        return []
    folder = run.stage("tokens")
    errors: dict[str, collections.Counter] = {}
    for part in part_names(folder):
        for table in iter_part(folder, "quarantine", part, columns=["error"]):
            source = part_entry(folder, part)["info"]["source"]
            for error in table["error"].to_pylist():
                errors.setdefault(error, collections.Counter())[source] += 1
                by_source[source]["quarantined"] += 1
    return _rows("tokens", "quarantined", errors)


def _counted(what: str, infos: dict[str, Any], sources: list[str]) -> dict[str, dict[str, int]]:
    """Counts of `collect` by kind; sources without any are left out.

    skipped   what is no document by definition (a request, a redirect, an image, a hidden file);
              none of it is in `read`
    layouts   how the records of data made for a task were laid out, in documents
    """
    found = {s: infos.get(f"collect.{s}", {}).get("info", {}).get(what, {}) for s in sources}
    return {source: kinds for source, kinds in found.items() if kinds}


def _rows(step: str, column: str, rules: dict[str, collections.Counter]) -> list[dict[str, Any]]:
    return [
        {
            "step": step,
            "rule": rule,
            "as": column,
            "dropped": sum(counts.values()),
            "by_source": dict(sorted(counts.items())),
        }
        for rule, counts in rules.items()
    ]


def _read_counts(infos: dict[str, Any], source: str) -> dict[str, int]:
    collect = infos.get(f"collect.{source}", {}).get("info", {})
    clean = infos.get(f"clean.{source}", {}).get("info", {})
    return {
        "read": collect.get("read", 0),
        "created": collect.get("created", 0),
        "kept": 0,
        "dropped": 0,
        "merged": 0,
        "quarantined": collect.get("quarantined", 0) + clean.get("quarantined", 0),
        "held_out": 0,
        "documents": clean.get("documents", 0),
    }


def _step_rows(
    name: str, kind: str, folder: Path, by_source: dict[str, dict[str, int]]
) -> list[dict[str, Any]]:
    """One row for each rule of a step; adds to the sources' figures."""
    column = {"split": "held_out"}.get(name, "merged" if kind in MERGING else "dropped")
    rules: dict[str, collections.Counter] = {}
    for part in part_names(folder):
        source = part.rpartition("-")[0]
        for table in iter_part(folder, "decisions", part, columns=["rule"]):
            for row in pc.value_counts(table["rule"]).to_pylist():
                rules.setdefault(row["values"], collections.Counter())[source] += row["counts"]
                by_source[source][column] += row["counts"]
    step = name.partition(".")[2] or name
    nobody: dict[str, Any] = {
        "step": step,
        "rule": None,
        "as": column,
        "dropped": 0,
        "by_source": {},
    }
    return _rows(step, column, rules) or [nobody]


def _model(infos: dict[str, Any]) -> dict[str, Any]:
    train = infos.get("train", {}).get("info", {})
    evaluation = infos.get("evaluate", {}).get("info", {})
    if not train:
        return {}
    # Both stages count windows and tokens: those of the training stand under `training`.
    scores = {key: value for key, value in evaluation.items() if key != "schema"}
    return {"parameters": train.get("parameters"), **scores, "training": train}
