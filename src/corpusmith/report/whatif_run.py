"""`corpusmith whatif`: the stored signals and decisions of a run, asked about other thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.clean.rulesets import RuleSet
from corpusmith.report.run import Run
from corpusmith.report.whatif import Step, columns_needed, parse_changes, whatif
from corpusmith.store.overlay import read_current
from corpusmith.store.parts import read_part

REWRITING = ("substring",)  # kinds of deciding steps that rewrite texts
REWRITTEN_SIGNALS = ("kept_bytes",)  # signals that they bring up to date
AFTER = " after "


def steps_of(run: Run) -> list[Step]:
    """The deciding steps of a run in their order.

    A rule behind a step that rewrote texts reads what that step left of signals such as
    `kept_bytes`: in `columns` they are `kept_bytes after <step>`.
    """
    steps = []
    columns: dict[str, str] = {}
    for entry in run.lock["decides"]:
        rules = RuleSet.model_validate(entry["rules"]) if entry["rules"] else None
        wanted = rules.signals() if rules else ()
        stored = {name: column for name, column in columns.items() if name in wanted}
        stored |= entry["columns"]
        steps.append(Step(entry["step"], rules=rules, columns=stored, kind=entry["kind"]))
        if entry["kind"] in REWRITING:
            columns = {name: f"{name}{AFTER}{entry['step']}" for name in REWRITTEN_SIGNALS}
    return steps


def whatif_run(run: Run, changes: Sequence[str], *, examples: int = 5) -> dict[str, Any]:
    """`WhatIf.as_json` for `step.rule.min=N` changes, with the uri of each example.

    Raises UserError where a step or a rule is unknown.
    """
    steps = steps_of(run)
    parsed = parse_changes(changes, steps)
    needed = columns_needed(steps)
    found = whatif(steps, _tables(run, needed), parsed, examples=examples).as_json()
    wanted = {e["id"] for key in ("newly_kept", "newly_dropped") for e in found[key]}
    uris = dict(_uris(run, wanted)) if wanted else {}
    for key in ("newly_kept", "newly_dropped"):
        for example in found[key]:
            example["uri"] = uris.get(example["id"])
    return found


def _tables(run: Run, columns: list[str]) -> Iterator[pa.Table]:
    decided = run.decide_folders()
    for source, folder in run.clean_folders().items():
        for part in run.parts(source):
            signals = _signals(folder, part, columns, decided)
            left = np.full(signals.num_rows, None, dtype=object)
            for step, decisions in decided:
                gone = read_part(decisions, "decisions", part, columns=["id"])["id"]
                if len(gone):
                    left[np.asarray(pc.is_in(signals["id"], gone.combine_chunks()))] = step
            yield signals.append_column("left_at", pa.array(left, pa.string()))


def _signals(
    folder: Path, part: str, columns: list[str], decided: list[tuple[str, Path]]
) -> pa.Table:
    """Stored columns, and those after a step that rewrote texts (see `steps_of`)."""
    table = read_part(folder, "signals", part, columns=[c for c in columns if AFTER not in c])
    names = [step for step, _ in decided]
    for column in [c for c in columns if AFTER in c]:
        signal, _, step = column.partition(AFTER)
        after = [other for _, other in decided[: names.index(step) + 1]]
        found = read_current(folder, "signals", part, after, columns=[signal])
        table = table.append_column(column, found[signal])
    return table


def _uris(run: Run, wanted: set[str]) -> Iterator[tuple[str, str]]:
    values = pa.array(sorted(wanted), pa.string())
    for source, folder in run.clean_folders().items():
        for part in run.parts(source):
            table = read_part(folder, "documents", part, columns=["id", "uri"])
            for row in table.filter(pc.is_in(table["id"], values)).to_pylist():
                yield row["id"], row["uri"]


def render_whatif(found: dict[str, Any]) -> list[str]:
    """Lines for a terminal."""
    lines = []
    for change in found["changes"]:
        key = f" ({change['key']})" if change["key"] else ""
        lines.append(
            f"{change['step']}.{change['rule']}{key}: {change['before']} -> {change['after']}; "
            f"{change['fails_before']:,} documents fail it now, {change['fails_after']:,} would"
        )
    delta = found["kept_after"] - found["kept_before"]
    lines.append(
        f"kept: {found['kept_before']:,} -> {found['kept_after']:,} of {found['documents']:,} "
        f"({delta:+,})"
    )
    for source, row in found["by_source"].items():
        lines.append(
            f"  {source}: {row['kept_before']:,} -> {row['kept_after']:,} "
            f"(+{row['newly_kept']:,} -{row['newly_dropped']:,})"
        )
    for key, words in (("newly_kept", "would be kept"), ("newly_dropped", "would be dropped")):
        if found[key]:
            lines.append(f"{words}, those nearest to the border first:")
            for e in found[key]:
                lines.append(
                    f"  {e['id'][:12]}  {e['rule']} {e['value']}  {e['source']}  {e['uri']}"
                )
    if found["again"]:
        lines.append(f"exact for its rule; a real run would also redo: {', '.join(found['again'])}")
    return lines
