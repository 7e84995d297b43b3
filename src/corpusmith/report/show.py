"""The funnel: documents, bytes and tokens in and out of every step and rule.

Counts of documents are those of summary.json. Bytes are UTF-8 bytes of the text after the last
edit. Tokens are exact for the training documents; of a document that left they are an estimate,
its bytes over the bytes per token of its source (of all sources, where it has no tokens).
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpusmith.report.run import ENDED, Run
from corpusmith.report.scan import PartScan, deciding_steps, numbers, scan
from corpusmith.report.tables import TextTable, count, fraction, size

Row = dict[str, Any]
HELD_OUT = "held_out"
NOT_DRAWN = "not_drawn"
QUARANTINED = "quarantined"
ESTIMATES = "an estimate: what left has no tokens; its bytes over the bytes per token of its source"
TRAINED = ("", "")


class Sizes:
    """Bytes and tokens by source and by where documents went: (step, rule), or TRAINED."""

    def __init__(self, run: Run) -> None:
        self.bytes: dict[str, collections.Counter] = {s: collections.Counter() for s in run.sources}
        self.training_tokens: collections.Counter = collections.Counter()
        self.tokenized = run.has("tokens")
        self.measured = set(run.clean_folders())  # of a run that failed: maybe not all sources
        self._steps = deciding_steps(run)

    def add(self, part: PartScan) -> None:
        """Count one part; its signals must have `kept_bytes`."""
        found = self.bytes[part.source]
        sizes = np.nan_to_num(numbers(part.signals, "kept_bytes")).astype(np.int64)
        for number in np.unique(part.step[part.step >= 0]):
            at = part.step == number
            rules = part.rule.filter(at)
            for rule in pc.unique(rules).to_pylist():
                mask = np.asarray(pc.equal(rules, rule))
                found[self._steps[number], rule] += int(sizes[at][mask].sum())
        found["split", HELD_OUT] += int(sizes[part.held_out].sum())
        found["tokens", QUARANTINED] += int(sizes[part.unencoded].sum())
        found[TRAINED] += int(sizes[part.kept & ~part.held_out].sum())
        self.training_tokens[part.source] += int(part.tokens[part.tokens > 0].sum())

    def bytes_per_token(self, source: str) -> float:
        """Of the source's training documents, else of all; 0 where nothing is tokenized."""
        tokens, size_bytes = self.training_tokens[source], self.bytes[source][TRAINED]
        if not tokens:
            tokens = sum(self.training_tokens.values())
            size_bytes = sum(found[TRAINED] for found in self.bytes.values())
        return size_bytes / tokens if tokens else 0.0

    def of(self, source: str, key: tuple[str, str]) -> tuple[int, int]:
        """Bytes and tokens; tokens are exact for TRAINED and estimated for the rest."""
        size_bytes = self.bytes[source][key]
        if key == TRAINED:
            return size_bytes, self.training_tokens[source]
        ratio = self.bytes_per_token(source)
        return size_bytes, round(size_bytes / ratio) if ratio else 0

    def everything(self, source: str) -> tuple[int, int]:
        """Bytes and tokens of all documents, whatever became of them."""
        found = [self.of(source, key) for key in self.bytes[source]]
        return sum(f[0] for f in found), sum(f[1] for f in found)


@dataclasses.dataclass
class _Amount:
    documents: int = 0
    bytes: int = 0
    tokens: int = 0

    def less(self, other: _Amount) -> _Amount:
        return _Amount(
            self.documents - other.documents,
            self.bytes - other.bytes,
            self.tokens - other.tokens,
        )


@dataclasses.dataclass
class _Step:
    """A step, and by rule (None: it has none of a name) what left, by source."""

    name: str
    kind: str
    left_as: str
    left: dict[str | None, dict[str, _Amount]] = dataclasses.field(default_factory=dict)
    created: dict[str, int] = dataclasses.field(default_factory=dict)
    used: dict[str, int] = dataclasses.field(default_factory=dict)


def funnel(run: Run, sizes: Sizes | None = None) -> list[Row]:
    """One row for each step and one for each of its rules, in the order of the run.

    A row has `step`, `rule` (None for the step's own row), `kind` (read, clean, decide, exact,
    near, decontaminate, tokens, kept, split, mix, drawn), `as` (what those that left are called),
    `created` and, for documents, bytes and tokens, `documents_in`, `documents_left`,
    `documents_out` and so on (None where unknown: what is in quarantine has no size),
    `tokens_used` (with repetitions, in the row `drawn`), `estimated` (the names of the figures
    that are estimates) and `by_source`: the same figures for each source. A document leaves
    by the first rule that it fails, so a rule's `in` is what the rules before it let through.
    `sizes` may be given where the parts were scanned already.
    """
    if sizes is None:
        sizes = Sizes(run)
        for part in scan(run, ["kept_bytes"]):
            sizes.add(part)
    steps = _read_steps(run)
    decided = [e for e in run.summary["by_step"] if e["as"] != QUARANTINED]
    steps += _deciding(run, sizes, [e for e in decided if e["as"] != HELD_OUT])
    steps += _unencoded(run, sizes)
    steps.append(_Step("kept", "kept", "kept", {None: {}}))
    steps += _deciding(run, sizes, [e for e in decided if e["as"] == HELD_OUT])
    steps += _mixed(run)
    state = {
        source: _Amount(counts["read"], *sizes.everything(source))
        for source, counts in run.summary["by_source"].items()
    }
    rows: list[Row] = []
    for number, step in enumerate(steps):
        later = any(_guessed(other) for other in steps[number + 1 :])
        begin = dict(state)
        for source, created in step.created.items():
            state[source] = dataclasses.replace(
                state[source], documents=state[source].documents + created
            )
        of_rules: list[Row] = []
        for place, (rule, left) in enumerate(step.left.items()):
            before = dict(state)
            state = {s: a.less(left.get(s, _Amount())) for s, a in state.items()}
            more = later or (_guessed(step) and place + 1 < len(step.left))
            if rule is not None:
                of_rules.append(_row(step, rule, before, left, state, sizes, more))
        whole = {source: begin[source].less(state[source]) for source in state}
        for source, created in step.created.items():
            whole[source].documents += created
        rows += [_row(step, None, begin, whole, state, sizes, later), *of_rules]
    return rows


def _guessed(step: _Step) -> bool:
    return step.left_as in ("dropped", "merged", HELD_OUT) or step.kind == "tokens"


def _row(
    step: _Step,
    rule: str | None,
    before: dict[str, _Amount],
    left: dict[str, _Amount],
    after: dict[str, _Amount],
    sizes: Sizes,
    later: bool,
) -> Row:
    by_source = {}
    for source, start in before.items():
        gone, end = left.get(source, _Amount()), after[source]
        unknown = gone.documents > 0 and step.left_as == QUARANTINED
        by_source[source] = {
            "created": step.created.get(source, 0) if rule is None else 0,
            "documents_in": start.documents,
            "documents_left": gone.documents,
            "documents_out": end.documents,
            "bytes_in": start.bytes if source in sizes.measured else None,
            "bytes_left": None if unknown else gone.bytes,
            "bytes_out": end.bytes if source in sizes.measured else None,
            "tokens_in": start.tokens if sizes.tokenized else None,
            "tokens_left": None if unknown or not sizes.tokenized else gone.tokens,
            "tokens_out": end.tokens if sizes.tokenized else None,
            "tokens_used": step.used.get(source, 0) if step.used else None,
        }
    guesses = {"tokens_in": later or _guessed(step), "tokens_left": _guessed(step)}
    guesses["tokens_out"] = later
    return {
        "step": step.name,
        "rule": rule,
        "kind": step.kind,
        "as": step.left_as,
        **_total(by_source.values()),
        "estimated": [n for n, guess in guesses.items() if guess and sizes.tokenized],
        "by_source": by_source,
    }


def _total(rows: Iterable[Row]) -> Row:
    """Sums; None where a source doesn't know."""
    listed = list(rows)
    return {
        name: None if any(row[name] is None for row in listed) else sum(row[name] for row in listed)
        for name in (listed[0] if listed else [])
    }


def _read_steps(run: Run) -> list[_Step]:
    """Reading and cleaning: documents are created and go to quarantine, nothing else."""
    found = []
    for kind, folders in (("read", run.collect_folders()), ("clean", run.clean_folders())):
        if not folders:
            continue
        step = _Step(kind, kind, QUARANTINED, _quarantined(run, kind) or {None: {}})
        if kind == "read":
            by_source = run.summary["by_source"]
            step.created = {source: by_source[source]["created"] for source in folders}
        found.append(step)
    return found


def _quarantined(run: Run, step: str) -> dict[str | None, dict[str, _Amount]]:
    """By error and source what went to quarantine in a step."""
    return {
        row["rule"]: {source: _Amount(left) for source, left in row["by_source"].items()}
        for row in run.summary["by_step"]
        if (row["step"], row["as"]) == (step, QUARANTINED)
    }


def _unencoded(run: Run, sizes: Sizes) -> list[_Step]:
    """What the tokenizer could not encode, where there is any: none of it is kept."""
    left = _quarantined(run, "tokens")
    seen: set[str] = set()
    for amounts in left.values():
        for source, amount in amounts.items():
            if source not in seen:  # sizes are known of all errors together
                amount.bytes, amount.tokens = sizes.of(source, ("tokens", QUARANTINED))
            seen.add(source)
    return [_Step("tokens", "tokens", QUARANTINED, left)] if left else []


def _deciding(run: Run, sizes: Sizes, entries: list[Row]) -> list[_Step]:
    """Steps that decide, each with all rules of its set, also those that dropped nothing."""
    known = {step["step"]: step for step in run.lock.get("decides", [])}
    found = []
    for name in dict.fromkeys(entry["step"] for entry in entries):
        mine = {e["rule"]: e for e in entries if e["step"] == name and e["rule"] is not None}
        rule_set = known.get(name, {}).get("rules") or {"rules": []}
        rules = [rule["name"] for rule in rule_set["rules"] if _is_on(rule)]
        rules += sorted(set(mine) - set(rules))
        left_as = next(entry["as"] for entry in entries if entry["step"] == name)
        kind = "split" if left_as == HELD_OUT else known.get(name, {}).get("kind", "decide")
        step = _Step(name, kind, left_as)
        for rule in rules:
            counts = mine.get(rule, {"by_source": {}})["by_source"]
            step.left[rule] = {
                source: _Amount(left, *sizes.of(source, (name, rule)))
                for source, left in counts.items()
            }
        step.left = step.left or {None: {}}
        found.append(step)
    return found


def _is_on(rule: Row) -> bool:
    tables = [c for table in rule.get("by", {}).values() for c in table.values()]
    return any(condition is not None for condition in [rule.get("default"), *tables])


def _mixed(run: Run) -> list[_Step]:
    """What the mix did not draw (uses = 0), and what training sees."""
    if not run.has("mix"):
        return []
    mix = pq.read_table(run.stage("mix") / "mix.parquet", columns=["source", "tokens", "uses"])
    docs = pq.read_table(run.stage("tokens") / "docs.parquet", columns=["text_bytes"])
    mix = mix.append_column("text_bytes", docs["text_bytes"])
    groups = (
        mix.filter(pc.equal(mix["uses"], 0))
        .group_by("source")
        .aggregate([("uses", "count"), ("text_bytes", "sum"), ("tokens", "sum")])
    )
    undrawn = {
        row["source"]: _Amount(row["uses_count"], row["text_bytes_sum"], row["tokens_sum"])
        for row in groups.to_pylist()
    }
    drawn = run.summary["tokens"]["mix"].get("by_source", {})
    used = {source: row["drawn_tokens"] for source, row in drawn.items()}
    return [
        _Step("mix", "mix", NOT_DRAWN, {NOT_DRAWN: undrawn}),
        _Step("drawn", "drawn", "drawn", {None: {}}, used=used),
    ]


# --- as text -----------------------------------------------------------------------------


def render_funnel(rows: list[Row], *, source: str | None = None, quiet: bool = True) -> TextTable:
    """The funnel of all sources or of one; `quiet` leaves out rules that dropped nothing."""
    tokenized = any(row["tokens_in"] is not None for row in rows)
    unit = "tokens" if tokenized else "bytes"
    shown = count if tokenized else _size
    head = ["step", "in", "left", "share", "out", f"{unit} in", f"{unit} left", f"{unit} out", "as"]
    lines = []
    for row in rows:
        figures = row if source is None else row["by_source"][source]
        if quiet and row["rule"] and not figures["documents_left"]:
            continue
        guessed = row["estimated"]
        sizes = [
            shown(figures[f"{unit}_{end}"], estimated=f"{unit}_{end}" in guessed)
            for end in ("in", "left", "out")
        ]
        started = figures["documents_in"] + figures["created"]
        note = row["as"].replace("_", " ") if figures["documents_left"] else ""
        if figures["created"]:
            note = f"{figures['created']:,} created " + note
        if figures["tokens_used"] is not None:
            note = f"{figures['tokens_used']:,} drawn"
        lines.append(
            [
                f"  {row['rule']}" if row["rule"] else row["step"],
                count(figures["documents_in"]),
                count(figures["documents_left"]),
                fraction(figures["documents_left"], started) if figures["documents_left"] else "",
                count(figures["documents_out"]),
                *sizes,
                note.strip(),
            ]
        )
    return TextTable(head, lines, numbers=(1, 2, 3, 4, 5, 6, 7))


def _size(value: float | None, *, estimated: bool = False) -> str:
    return size(value)


def render_status(run: Run) -> list[str]:
    """Lines on a run that did not finish: how it ended, by what, and what is missing."""
    status = run.summary.get("status", "finished")
    if status == "finished":
        return []
    error = run.summary.get("error") or {}
    missing = [stage["name"] for stage in run.planned() if stage["name"] not in run.made]
    where = f"{error['where']}: " if error.get("where") else ""
    lines = [f"THIS RUN {ENDED[status].upper()}: {where}{error.get('error', '')}"]
    lines += [f"  {word}: {error[word]}" for word in ("expected", "try") if error.get(word)]
    if missing:
        lines.append(f"  not made: {', '.join(missing)}")
    return [*lines, "  what follows is what it made until then", ""]
