"""The funnel: documents, bytes and tokens in and out of every step and rule.

Counts of documents are those of summary.json. Bytes are UTF-8 bytes of the text after the last
edit. Tokens are exact for the training documents; of a document that left they are an estimate,
its bytes over the bytes per token of its source (of all sources, where it has no tokens).
"""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pyarrow.compute as pc

from corpusmith.report.run import Run
from corpusmith.report.scan import deciding_steps, numbers, scan
from corpusmith.report.tables import TextTable, count, fraction
from corpusmith.store.atomic import read_json

Row = dict[str, Any]
MEASURES = ("documents", "bytes", "tokens")
HELD_OUT = "held_out"
NOT_DRAWN = "not_drawn"


class _Sizes:
    """Bytes and tokens by source and by where documents went: (step, rule), or None if trained."""

    def __init__(self, run: Run) -> None:
        self.bytes: dict[str, collections.Counter] = {}
        self.trained_tokens: collections.Counter = collections.Counter()
        steps = deciding_steps(run)
        for part in scan(run, ["kept_bytes"]):
            found = self.bytes.setdefault(part.source, collections.Counter())
            size = np.nan_to_num(numbers(part.signals, "kept_bytes"))
            for number in np.unique(part.step[part.step >= 0]):
                at = part.step == number
                chosen = part.rule.filter(at)
                for rule in pc.unique(chosen).to_pylist():
                    mask = at.copy()
                    mask[at] = np.asarray(pc.equal(chosen, rule))
                    found[steps[number], rule] += int(size[mask].sum())
            found["split", HELD_OUT] += int(size[part.held_out].sum())
            found[None] += int(size[part.kept & ~part.held_out].sum())
            self.trained_tokens[part.source] += int(part.tokens[part.tokens > 0].sum())
        self.tokenized = run.has("tokens")
        whole_bytes = sum(counter[None] for counter in self.bytes.values())
        whole_tokens = sum(self.trained_tokens.values())
        self.whole = whole_bytes / whole_tokens if whole_tokens else 0.0

    def of(self, source: str, key: Any) -> tuple[int, int]:
        """Bytes, and tokens: exact for None (trained), else estimated."""
        size = self.bytes.get(source, {}).get(key, 0)
        if key is None:
            return size, self.trained_tokens[source]
        tokens = self.trained_tokens[source]
        ratio = self.bytes[source][None] / tokens if tokens and size else self.whole
        return size, round(size / ratio) if ratio else 0


def funnel(run: Run) -> list[Row]:
    """One row for each step and one for each of its rules, in the order of the run.

    A row has `step`, `rule` (None for the step's own row), `kind` (read, clean, decide, exact,
    near, decontaminate, kept, split, mix, trained), `as` (what those that left are called),
    `documents_in`, `_left`, `_out`, the same of `bytes_` and `tokens_` (None where unknown),
    `created`, `estimated` (the names of the figures that are estimates) and `by_source`, a row
    of the same figures for each source. A document leaves by the first rule that it fails, so
    a rule's `in` is what the rules before it let through.
    """
    sizes = _Sizes(run)
    rows = [_Draft(run, "read", None, "read", "quarantined")]
    if run.clean_folders():
        rows.append(_Draft(run, "clean", None, "clean", "quarantined"))
    quarantined = {"read": run.collect_folders(), "clean": run.clean_folders()}
    for row in rows:
        for source, folder in quarantined[row.kind].items():
            left = run.info(f"{'collect' if row.kind == 'read' else 'clean'}.{source}")
            row.left(source, left.get("quarantined", 0), None)
    for source, counts in run.summary["by_source"].items():
        rows[0].created[source] = counts["created"]
    decided = [entry for entry in run.summary["by_step"] if entry["as"] != HELD_OUT]
    rows += _decided(run, decided, sizes)
    rows.append(_Draft(run, "kept", None, "kept", "kept"))
    if run.split_folder() is not None:
        held = [entry for entry in run.summary["by_step"] if entry["as"] == HELD_OUT]
        rows += _decided(run, held, sizes)
    rows += _mixed(run)
    return _filled(run, rows, sizes)


class _Draft:
    """A row without its ins and outs: how many left, by source."""

    def __init__(self, run: Run, step: str, rule: str | None, kind: str, name: str) -> None:
        self.step, self.rule, self.kind, self.name = step, rule, kind, name
        self.created: dict[str, int] = dict.fromkeys(run.sources, 0)
        self.gone: dict[str, tuple[int, int | None, int | None]] = {}

    def left(self, source: str, documents: int, size: tuple[int, int] | None) -> None:
        self.gone[source] = (documents, *(size or (None, None)))


def _decided(run: Run, entries: list[dict[str, Any]], sizes: _Sizes) -> list[_Draft]:
    """The rows of the deciding steps: each step, then its rules in the rule set's order."""
    known = {step["step"]: step for step in run.lock.get("decides", [])}
    rows: list[_Draft] = []
    for step in dict.fromkeys(entry["step"] for entry in entries):
        mine = {e["rule"]: e for e in entries if e["step"] == step and e["rule"] is not None}
        kind = known.get(step, {}).get("kind", "split" if step == "split" else "decide")
        name = next(entry["as"] for entry in entries if entry["step"] == step)
        rule_set = known.get(step, {}).get("rules") or {"rules": []}
        names = [rule["name"] for rule in rule_set["rules"] if _is_on(rule)]
        names += [rule for rule in sorted(mine) if rule not in names]
        whole = _Draft(run, step, None, kind, name)
        rows.append(whole)
        totals: dict[str, list[int]] = {source: [0, 0, 0] for source in run.sources}
        for rule in names:
            row = _Draft(run, step, rule, kind, name)
            by_source = mine.get(rule, {}).get("by_source", {})
            for source in run.sources:
                left = by_source.get(source, 0)
                size = sizes.of(source, (step, rule)) if left else (0, 0)
                row.left(source, left, size)
                totals[source] = [a + b for a, b in zip(totals[source], (left, *size), strict=True)]
            rows.append(row)
        for source, (left, size_bytes, tokens) in totals.items():
            whole.left(source, left, (size_bytes, tokens))
    return rows


def _is_on(rule: dict[str, Any]) -> bool:
    tables = [c for table in rule.get("by", {}).values() for c in table.values()]
    return any(condition is not None for condition in [rule.get("default"), *tables])


def _mixed(run: Run) -> list[_Draft]:
    """What the mix did not draw, and what training sees."""
    if not run.has("mix"):
        return []
    row = _Draft(run, "mix", NOT_DRAWN, "mix", NOT_DRAWN)
    undrawn = undrawn_by_source(run)
    for source in run.sources:
        documents, size, tokens = undrawn.get(source, (0, 0, 0))
        row.left(source, documents, (size, tokens))
    return [row, _Draft(run, "drawn", None, "trained", "drawn")]


def undrawn_by_source(run: Run) -> dict[str, tuple[int, int, int]]:
    """Documents, text bytes and tokens that the mix gave 0 uses, by source."""
    mix = _table(run, "mix", "mix.parquet", ["source", "tokens", "uses"])
    docs = _table(run, "tokens", "docs.parquet", ["text_bytes"])
    mix = mix.append_column("text_bytes", docs["text_bytes"])
    unused = mix.filter(pc.equal(mix["uses"], 0))
    groups = unused.group_by("source").aggregate(
        [("uses", "count"), ("text_bytes", "sum"), ("tokens", "sum")]
    )
    return {
        row["source"]: (row["uses_count"], row["text_bytes_sum"], row["tokens_sum"])
        for row in groups.to_pylist()
    }


def _table(run: Run, stage: str, name: str, columns: list[str]) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(run.stage(stage) / name, columns=columns)


def _filled(run: Run, rows: list[_Draft], sizes: _Sizes) -> list[Row]:
    """Ins and outs: documents from the first row on, bytes and tokens from the last row back."""
    now = {s: counts["read"] for s, counts in run.summary["by_source"].items()}
    ends: dict[str, list[int]] = {}
    for source in run.sources:
        left = [row.gone.get(source, (0, 0, 0)) for row in rows if row.rule or _whole(row, rows)]
        trained = sizes.of(source, None)
        # The mix draws from the training documents, whose sizes `trained` counts whole.
        drawn = [row.gone[source] for row in rows if row.kind == "mix"]
        kept = [t - (drawn[0][i + 1] if drawn else 0) for i, t in enumerate(trained)]
        ends[source] = [kept[i] + sum(g[i + 1] or 0 for g in left) for i in (0, 1)]
    found: list[Row] = []
    before_step: dict[str, Any] = {}
    for number, row in enumerate(rows):
        if row.rule is None or row.kind == "mix":
            before_step = {"now": dict(now), "ends": {s: list(e) for s, e in ends.items()}}
        by_source: dict[str, Row] = {}
        for source in run.sources:
            documents, size, tokens = row.gone.get(source, (0, 0, 0))
            start = now[source] if row.rule else before_step["now"][source]
            first = ends[source] if row.rule else before_step["ends"][source]
            by_source[source] = {
                "created": row.created[source],
                "documents_in": start,
                "documents_left": documents,
                "documents_out": start + row.created[source] - documents,
                "bytes_in": first[0],
                "bytes_left": size,
                "bytes_out": first[0] - (size or 0),
                "tokens_in": first[1] if sizes.tokenized else None,
                "tokens_left": tokens if sizes.tokenized else None,
                "tokens_out": first[1] - (tokens or 0) if sizes.tokenized else None,
            }
            # Rules follow their step's row, so that only the last level moves the counts.
            if row.rule or _whole(row, rows):
                now[source] = by_source[source]["documents_out"]
                ends[source] = [first[0] - (size or 0), first[1] - (tokens or 0)]
        found.append(
            {
                "step": row.step,
                "rule": row.rule,
                "kind": row.kind,
                "as": row.name,
                **_sum(by_source.values()),
                "estimated": _estimated(rows, number) if sizes.tokenized else [],
                "by_source": by_source,
            }
        )
    return found


def _whole(row: _Draft, rows: list[_Draft]) -> bool:
    """Whether a step's row has no rows of rules after it."""
    return row.rule is None and not any(r.rule and r.step == row.step for r in rows)


def _estimated(rows: list[_Draft], number: int) -> list[str]:
    guesses = [row.name in ("dropped", "merged", HELD_OUT) for row in rows]
    found = []
    if any(guesses[number:]):
        found.append("tokens_in")
    if guesses[number]:
        found.append("tokens_left")
    row = rows[number]
    after = number + 1
    while row.rule is None and after < len(rows) and rows[after].step == row.step:
        after += 1
    if any(guesses[after:]):
        found.append("tokens_out")
    return found


def _sum(rows: Any) -> Row:
    total: Row = {}
    for row in rows:
        for name, value in row.items():
            known = total.setdefault(name, value)
            if known is not value or value is None:
                total[name] = None if value is None or known is None else known + value
            else:
                total[name] = value
    return total
