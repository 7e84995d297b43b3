"""What another threshold would keep and drop, from stored signals alone.

The rules are evaluated by `clean.rules`, as in a run, so the answer is exact for the rule that
is changed and for every other rule step. What depends on which documents are there together
(deduplication) is taken as it was; a real run would do those steps again, and `again` names
them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import ruamel.yaml
from ruamel.yaml.error import YAMLError

from corpusmith.clean.decide import as_signals
from corpusmith.clean.ranges import Column, Condition, cast_bound, parse_condition
from corpusmith.clean.rules import RuleSet, Verdicts, verdicts
from corpusmith.errors import UserError, nearest

FORMS = "step.rule.min=100, step.rule.max=.., step.rule=50..100000, step.rule.LANG.min=.., or =off"
EXAMPLES = 10


@dataclasses.dataclass(frozen=True)
class Step:
    """A deciding step of the run. `rules` is None for one that is no rule set: an edit, after
    which documents without text leave (kind "decide"), or deduplication and the like."""

    name: str
    rules: RuleSet | None = None
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)  # signal -> stored
    kind: str = "decide"  # decide, exact, near, decontaminate


@dataclasses.dataclass(frozen=True)
class Change:
    """One threshold, before and after; None is off. `key` is the table's value, "" the default."""

    step: int
    rule: str
    column: str
    key: str
    before: Condition | None
    after: Condition | None
    text: str  # as the user wrote it


@dataclasses.dataclass
class WhatIf:
    """The answer; `as_json` is what `--json` prints."""

    documents: int = 0
    kept_before: int = 0
    kept_after: int = 0
    by_source: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    changes: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    newly_kept: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    newly_dropped: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    again: list[str] = dataclasses.field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """{"documents", "kept_before", "kept_after", "by_source": {source: {"documents",
        "kept_before", "kept_after", "newly_kept", "newly_dropped"}}, "changes": [{"step",
        "rule", "signal", "key", "before", "after", "fails_before", "fails_after"}],
        "newly_kept", "newly_dropped": [{"id", "source", "rule", "value", "distance"}],
        "again": [step]}"""
        return dataclasses.asdict(self)


def parse_changes(texts: Sequence[str], steps: Sequence[Step]) -> list[Change]:
    """`gopher.words.min=100` and the like; UserError with the nearest name for what is unknown.

    Without a language (or another key of a table) the default threshold is meant; languages
    with a threshold of their own keep it.
    """
    changes: list[Change] = []
    for text in texts:
        path, equals, raw = text.partition("=")
        if not equals or not raw.strip():
            raise UserError(f"{text!r} sets nothing", expected=FORMS)
        index, rest = _step(path.strip(), steps)
        current = apply(steps, changes)[index].rules
        assert current is not None
        name, words = _longest(rest, [n for r in current.rules for n in (r.name, r.signal)])
        if name is None:
            known = [rule.name for rule in current.rules]
            shown = rest.split(".")[0] or "(nothing)"
            raise UserError(
                f"step {steps[index].name!r} has no rule {shown!r}", expected=nearest(shown, known)
            )
        rule = current.rule(name)
        facet = words.pop() if words and words[-1] in ("min", "max", "null") else ""
        tables = {key: column for column, table in rule.by.items() for key in table}
        key = ".".join(words).lower()
        if key and key not in tables:
            expected = nearest(key, tables) if tables else "no table of languages; " + FORMS
            raise UserError(f"rule {rule.name!r} has no threshold for {key!r}", expected=expected)
        before = rule.by[tables[key]][key] if key else rule.default
        if before is None and not key and any(c for t in rule.by.values() for c in t.values()):
            one = next(k for t in rule.by.values() for k, c in t.items() if c)
            raise UserError(
                f"rule {rule.name!r} is off but for {', '.join(k for k in tables)}",
                expected=f"{steps[index].name}.{rule.name}.{one}.min=...",
            )
        after = _condition(before, facet, raw.strip(), text)
        column = tables.get(key, "")
        changes.append(Change(index, rule.name, column, key, before, after, text))
    if not changes:
        raise UserError("no threshold to change", expected="--set " + FORMS)
    return changes


def _step(path: str, steps: Sequence[Step]) -> tuple[int, str]:
    names = {step.name: i for i, step in enumerate(steps) if step.rules is not None}
    name, words = _longest(path, list(names))
    if name is None:
        shown = path.split(".")[0]
        expected = nearest(shown, names) if names else "a recipe with a `keep:` step"
        raise UserError(f"no rule step {shown!r} in this run", expected=expected, hint=FORMS)
    return names[name], ".".join(words)


def _longest(path: str, names: Sequence[str]) -> tuple[str | None, list[str]]:
    """The longest name that `path` starts with, and the words after it; names may hold dots."""
    words = path.split(".")
    for length in range(len(words), 0, -1):
        if ".".join(words[:length]) in names:
            return ".".join(words[:length]), words[length:]
    return None, words


def _condition(before: Condition | None, facet: str, raw: str, text: str) -> Condition | None:
    try:
        value = ruamel.yaml.YAML(typ="safe", pure=True).load(raw)
    except YAMLError as error:
        raise UserError(f"{raw!r} is no value", where=text, expected=FORMS) from error
    null = before.null if before is not None else "pass"
    if facet == "null":
        if before is None or value not in ("pass", "drop"):
            raise UserError(f"null={raw} is no choice here", where=text, expected="pass or drop")
        return before.model_copy(update={"null": value})
    if not facet:
        return None if value == "off" else parse_condition(value, where=text, null=null)
    if before is not None and before.values is not None:
        raise UserError(
            f"the rule asks for {before}, not for a range", where=text, expected="rule=VALUE"
        )
    low, high = (before.min, before.max) if before is not None else (None, None)
    bound = "" if value == "off" else raw
    low, high = (bound, high) if facet == "min" else (low, bound)
    if ".." in bound:
        raise UserError(f"{raw!r} is no single bound", where=text, expected=FORMS)
    if not low and not high and null == "pass":
        return None
    return parse_condition(f"{low or ''}..{high or ''}", where=text, null=null)


def apply(steps: Sequence[Step], changes: Sequence[Change]) -> list[Step]:
    """The steps with the changed thresholds."""
    found = list(steps)
    for change in changes:
        old = found[change.step].rules
        assert old is not None
        rules = []
        for rule in old.rules:
            if rule.name == change.rule and change.key:
                by = {column: dict(table) for column, table in rule.by.items()}
                by[change.column][change.key] = change.after
                rule = rule.model_copy(update={"by": by})
            elif rule.name == change.rule:
                rule = rule.model_copy(update={"default": change.after})
            rules.append(rule)
        new = old.model_copy(update={"rules": tuple(rules)})
        found[change.step] = dataclasses.replace(found[change.step], rules=new)
    return found


def columns_needed(steps: Sequence[Step]) -> list[str]:
    """Stored columns of signals/ that `whatif` reads, `id` first."""
    names = ["id", "source", "emptied_by"]
    for step in steps:
        if step.rules is not None:
            names += [step.columns.get(name, name) for name in step.rules.signals()]
    return list(dict.fromkeys(names))


def whatif(
    steps: Sequence[Step],
    tables: Iterable[pa.Table],
    changes: Sequence[Change],
    *,
    examples: int = EXAMPLES,
) -> WhatIf:
    """What `changes` would keep and drop.

    `steps` are all deciding steps of the run in their order. `tables` hold stored signals
    (`columns_needed`) and, where the run has decided, `left_at`: the step at which a document
    left, null where it was kept (held out counts as kept); without it, rules alone decide.
    Counts are of documents. Examples are sorted by how close their value is to the border
    that moved (in the signal's unit), then by id.
    """
    steps = list(steps)
    changed = apply(steps, changes)
    first = min(change.step for change in changes)
    result = WhatIf(again=[s.name for s in steps[first + 1 :] if s.kind != "decide"])
    result.changes = [
        {
            "step": steps[change.step].name,
            "rule": change.rule,
            "signal": _rules(steps[change.step]).rule(change.rule).signal,
            "key": change.key,
            "before": "off" if change.before is None else str(change.before),
            "after": "off" if change.after is None else str(change.after),
            "fails_before": 0,
            "fails_after": 0,
        }
        for change in changes
    ]
    for table in tables:
        if table.num_rows:
            _add(result, steps, changed, changes, table, examples)
    result.by_source = dict(sorted(result.by_source.items()))
    return result


def _rules(step: Step) -> RuleSet:
    assert step.rules is not None
    return step.rules


def _add(
    result: WhatIf,
    steps: list[Step],
    changed: list[Step],
    changes: Sequence[Change],
    table: pa.Table,
    examples: int,
) -> None:
    """Count one table's documents."""
    end = len(steps)

    @functools.cache
    def judged(index: int, new: bool) -> Verdicts:
        step = changed[index] if new else steps[index]
        if new and step.rules == steps[index].rules:
            return judged(index, False)
        return verdicts(_rules(step), as_signals(table, step.columns))

    def leaves(new: bool) -> np.ndarray:
        """int64[n]: the first step at which a document leaves, `end` if none."""
        at = np.full(table.num_rows, end, dtype=np.int64)
        for index in range(end - 1, -1, -1):
            if steps[index].rules is not None:
                at[judged(index, new).first >= 0] = index
                continue
            if recorded is not None:
                at[recorded == index] = index
            if emptied is not None and steps[index].kind == "decide":
                at[emptied == steps[index].name] = index
        return at

    recorded = emptied = None
    if "emptied_by" in table.column_names:
        emptied = np.asarray(pc.fill_null(table["emptied_by"].cast(pa.string()), ""))
    if "left_at" in table.column_names:
        names = pa.array([step.name for step in steps], pa.string())
        recorded = pc.fill_null(pc.index_in(table["left_at"].cast(pa.string()), names), end)
        recorded = np.asarray(recorded).astype(np.int64)
    before = recorded if recorded is not None else leaves(False)
    after = leaves(True)
    kept, dropped = (before < end) & (after == end), (before == end) & (after < end)
    nearness = np.full(table.num_rows, np.inf)
    blame = np.zeros(table.num_rows, dtype=np.int64)
    values = []
    for number, change in enumerate(changes):
        rules = _rules(steps[change.step])
        place = [rule.name for rule in rules.rules].index(change.rule)
        old = judged(change.step, False).fails[place]
        new = judged(change.step, True).fails[place]
        reached = before >= change.step
        result.changes[number]["fails_before"] += int(np.count_nonzero(old & reached))
        result.changes[number]["fails_after"] += int(np.count_nonzero(new & reached))
        signal = rules.rules[place].signal
        column = Column(signal, table[steps[change.step].columns.get(signal, signal)])
        values.append(column)
        distance = np.where(old != new, _distance(column, change), np.inf)
        flips = (old != new) & ((distance < nearness) | np.isinf(nearness))
        blame[flips] = number
        nearness = np.where(flips, distance, nearness)
    _count(result, table, before == end, after == end)
    for chosen, rows in ((result.newly_kept, kept), (result.newly_dropped, dropped)):
        found = _examples(table, np.flatnonzero(rows), nearness, blame, values, result, examples)
        chosen[:] = sorted([*chosen, *found], key=_order)[:examples]


def _count(result: WhatIf, table: pa.Table, before: np.ndarray, after: np.ndarray) -> None:
    sources = table["source"].cast(pa.string()).combine_chunks().dictionary_encode()
    codes = np.asarray(sources.indices)
    for code, source in enumerate(sources.dictionary.to_pylist()):
        mine = codes == code
        counts = {
            "documents": mine,
            "kept_before": mine & before,
            "kept_after": mine & after,
            "newly_kept": mine & after & ~before,
            "newly_dropped": mine & before & ~after,
        }
        total = result.by_source.setdefault(source, dict.fromkeys(counts, 0))
        for name, rows in counts.items():
            total[name] += int(np.count_nonzero(rows))
    result.documents += table.num_rows
    result.kept_before += int(np.count_nonzero(before))
    result.kept_after += int(np.count_nonzero(after))


def _distance(column: Column, change: Change) -> np.ndarray:
    """float64[n]: how far a value is from the bound that moved; 0 where nothing can be measured.

    Of two bounds that moved, the nearer counts. The new bound is the border; where a bound was
    taken away, the old one was.
    """
    before, after = change.before or Condition(), change.after or Condition()
    moved = []
    for last, old, new in ((False, before.min, after.min), (True, before.max, after.max)):
        border = new if new is not None else old
        if old != new and border is not None:
            moved.append(cast_bound(border, column.type, last=last))
    found = np.full(len(column.array), np.inf)
    for bound in moved:
        if bound is not None:
            with np.errstate(invalid="ignore"):
                away = np.abs(column.numbers().astype(np.float64) - float(bound))
            found = np.minimum(found, np.where(column.missing, np.inf, away))
    return np.where(np.isfinite(found), found, 0.0)


def _examples(
    table: pa.Table,
    rows: np.ndarray,
    nearness: np.ndarray,
    blame: np.ndarray,
    values: list[Column],
    result: WhatIf,
    limit: int,
) -> list[dict[str, Any]]:
    """The `limit` rows of this table closest to the border."""
    if not len(rows):
        return []
    ids = np.asarray(table["id"].cast(pa.string()).take(pa.array(rows)).to_pylist())
    rows = rows[np.lexsort((ids, nearness[rows]))][:limit]
    few = table.select(["id", "source"]).take(pa.array(rows)).to_pylist()
    found = []
    for document, row in zip(few, rows, strict=True):
        change = result.changes[blame[row]]
        value = values[blame[row]].text(np.array([row]))[0].as_py()
        found.append(
            {
                "id": document["id"],
                "source": document["source"],
                "rule": f"{change['step']}.{change['rule']}",
                "value": value,
                "distance": float(nearness[row]) if np.isfinite(nearness[row]) else 0.0,
            }
        )
    return found


def _order(example: Mapping[str, Any]) -> tuple[float, str]:
    return example["distance"], example["id"]
