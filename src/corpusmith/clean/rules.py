"""Rules on stored signals: which documents fail, by which rule, with which value.

`evaluate` is the only evaluator: `run` and `whatif` both call it, so that what a threshold
would do and what it does are the same thing. It sees columns and no text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith import schema
from corpusmith.clean.ranges import Column, Condition, check_type
from corpusmith.clean.rulesets import Rule, RuleSet, load_rule_set, shipped, variants
from corpusmith.errors import RecipeError, nearest

__all__ = [
    "Rule",
    "RuleSet",
    "Verdicts",
    "check_rule_set",
    "decisions",
    "evaluate",
    "load_rule_set",
    "shipped",
    "variants",
    "verdicts",
]


@dataclasses.dataclass(frozen=True)
class Verdicts:
    """What every rule says of n documents.

    `fails[r]`: bool[n], rule r of the set fails; `which[r]`: int16[n], the index in
    `conditions[r]` of the condition that a document met, -1 where the rule is off for it.
    """

    rule_set: RuleSet
    fails: list[np.ndarray]
    which: list[np.ndarray]
    conditions: list[list[Condition]]
    columns: dict[str, Column]

    @property
    def first(self) -> np.ndarray:
        """int64[n]: the first rule in the set's order that a document fails, -1 if it passes."""
        found = np.full(len(self.fails[0]) if self.fails else 0, -1, dtype=np.int64)
        for index in range(len(self.fails) - 1, -1, -1):
            found[self.fails[index]] = index
        return found


def check_rule_set(rule_set: RuleSet, fields: Mapping[str, pa.DataType]) -> None:
    """Raise RecipeError unless every column that the set reads is there with a fitting type.

    `fields` are the signals measured before this step and the document columns.
    """
    for name in rule_set.signals():
        if name not in fields:
            raise RecipeError(
                f"rule set {rule_set.name!r} needs the signal {name!r}, which no step before adds",
                expected=nearest(name, fields),
                hint="add the operation that measures it to a `measure:` step before",
            )
    for rule in rule_set.rules:
        for condition in rule.conditions():
            check_type(rule.signal, fields[rule.signal], condition)


def evaluate(rule_set: RuleSet, signals: pa.Table, step: str) -> pa.Table:
    """The documents that fail, as rows of `schema.DECISION` in the order of `signals`.

    `rule` is the first failing rule in the set's order, `also` the others in that order;
    `value` is what was measured, `min` and `max` the bounds of the condition that the document
    met (for a set of values both name the set). A document of another modality than the set's
    is exempt. Raises RecipeError for a missing column or a condition that can't be tested on
    the column's type.
    """
    return decisions(verdicts(rule_set, signals), signals, step)


def verdicts(rule_set: RuleSet, signals: pa.Table) -> Verdicts:
    """Every rule on every document; see `evaluate`."""
    check_rule_set(rule_set, {field.name: field.type for field in signals.schema})
    columns: dict[str, Column] = {}
    codes: dict[str, tuple[list[str], np.ndarray]] = {}
    covered = None
    if rule_set.modality:
        allowed = pa.array(rule_set.modality, pa.string())
        modality = signals["modality"].cast(pa.string())
        covered = np.asarray(pc.is_in(modality, value_set=allowed), dtype=bool)
    for column in dict.fromkeys(name for rule in rule_set.rules for name in rule.by):
        keys = {key for rule in rule_set.rules for key in rule.by.get(column, {})}
        codes[column] = _codes(signals[column], sorted(keys))
    fails, which, conditions = [], [], []
    for rule in rule_set.rules:
        met, choices = _conditions_met(rule, signals.num_rows, codes)
        if covered is not None:
            met = np.where(covered, met, np.int16(-1))
        failed = np.zeros(signals.num_rows, dtype=bool)
        for index, condition in enumerate(choices):
            if rule.signal not in columns:
                columns[rule.signal] = Column(rule.signal, signals[rule.signal])
            failed |= columns[rule.signal].fails(condition) & (met == index)
        fails.append(failed)
        which.append(met)
        conditions.append(choices)
    return Verdicts(rule_set, fails, which, conditions, columns)


def _codes(column: pa.ChunkedArray, keys: list[str]) -> tuple[list[str], np.ndarray]:
    """`keys`, and int64[n]: where a value, in lower case, stands among them, else -1."""
    lower = pc.utf8_lower(column.cast(pa.string()))
    found = pc.index_in(lower, value_set=pa.array(keys, pa.string()))
    return keys, np.asarray(pc.fill_null(found, -1)).astype(np.int64)


def _conditions_met(
    rule: Rule, rows: int, codes: Mapping[str, tuple[list[str], np.ndarray]]
) -> tuple[np.ndarray, list[Condition]]:
    """int16[rows] and what it indexes: the rule's condition for each document, -1 where off.

    Of several tables that name the document, the last in the set wins.
    """
    choices: list[Condition] = []

    def number(condition: Condition | None) -> int:
        if condition is None:
            return -1
        if condition not in choices:
            choices.append(condition)
        return choices.index(condition)

    met = np.full(rows, number(rule.default), dtype=np.int16)
    for column, table in rule.by.items():
        keys, code = codes[column]
        for key, condition in table.items():
            met[code == keys.index(key)] = number(condition)
    return met, choices


def decisions(found: Verdicts, signals: pa.Table, step: str) -> pa.Table:
    """Rows of `schema.DECISION` for the documents that fail, in the order of `signals`."""
    rules = found.rule_set.rules
    first = found.first
    rows = np.flatnonzero(first >= 0)
    if not len(rows):
        return schema.empty(schema.DECISION)
    place = np.full(len(first), -1, dtype=np.int64)  # document -> decision
    place[rows] = np.arange(len(rows))
    # Values are formatted rule by rule and brought back into row order at the end.
    order, values, low, high = [], [], [], []
    for index, rule in enumerate(rules):
        mine = np.flatnonzero(first == index)
        if not len(mine):
            continue
        order.append(place[mine])
        values.append(found.columns[rule.signal].text(mine))
        bounds = [condition.bounds_text() for condition in found.conditions[index]]
        met = pa.array(found.which[index][mine])
        low.append(pa.array([b[0] for b in bounds], pa.string()).take(met))
        high.append(pa.array([b[1] for b in bounds], pa.string()).take(met))
    back = pa.array(np.argsort(np.concatenate(order)))
    names = pa.array([rule.name for rule in rules], pa.string())
    signal_names = pa.array([rule.signal for rule in rules], pa.string())
    hit = pa.array(first[rows])
    size = len(rows)
    return pa.table(
        {
            "id": pc.take(signals["id"].cast(pa.string()), pa.array(rows)),
            "step": pa.repeat(pa.scalar(step, pa.string()), size),
            "rule": names.take(hit),
            "signal": signal_names.take(hit),
            "value": pa.concat_arrays(values).take(back),
            "min": pa.concat_arrays(low).take(back),
            "max": pa.concat_arrays(high).take(back),
            "duplicate_of": pa.nulls(size, pa.string()),
            "also": _further(found.fails, first, place, names, size),
        },
        schema=schema.DECISION,
    )


def _further(
    fails: list[np.ndarray], first: np.ndarray, place: np.ndarray, names: pa.Array, size: int
) -> pa.ListArray:
    """list<string>[size]: names of the rules that fail after the first one, in the set's order."""
    owners, rules = [], []
    for index, failed in enumerate(fails):
        more = np.flatnonzero(failed & (first != index))
        owners.append(place[more])
        rules.append(np.full(len(more), index, dtype=np.int64))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    counts = np.bincount(owner, minlength=size)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), names.take(pa.array(np.concatenate(rules)[order]))
    )
