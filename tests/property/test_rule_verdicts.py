"""The evaluator against one document at a time; nothing lost over several steps; whatif exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.clean.decide import decide
from corpusmith.clean.rules import RuleSet, evaluate, load_rule_set
from corpusmith.report.whatif import Step, parse_changes, whatif
from tests.reference import rules as reference

KINDS = {"words": "int", "ratio": "float32", "score": "float64", "flag": "bool", "license": "str"}
TYPES = {
    "id": pa.string(),
    "source": pa.string(),
    "modality": pa.string(),
    "lang": pa.string(),
    "words": pa.int32(),
    "ratio": pa.float32(),
    "score": pa.float64(),
    "flag": pa.bool_(),
    "license": pa.string(),
}
# Values on and beside the bounds that rules draw from.
NUMBERS = ["0", "1", "3", "50", "0.1", "0.65", "0.692", "1e-3", "-2.5", "100000"]
FLOATS = [float(text) for text in NUMBERS] + [0.1 + 2**-30, 0.65 - 2**-27, 1e-9, 1e20]

numbers = st.sampled_from(NUMBERS)
floats = st.sampled_from(FLOATS) | st.floats(width=32) | st.just(float("nan"))
documents = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["web", "书"]),
            "modality": st.sampled_from(["text", "code"]),
            "lang": st.sampled_from(["en", "zh", "pt", None]),
            "words": st.none() | st.integers(-3, 4) | st.sampled_from([50, 100_000, 2**31 - 1]),
            "ratio": st.none() | floats.map(reference.float32),
            "score": st.none() | floats,
            "flag": st.none() | st.booleans(),
            "license": st.none() | st.sampled_from(["MIT", "CC-BY-4.0", "off", ""]),
        }
    ),
    max_size=12,
)


@st.composite
def ranges(draw: st.DrawFn) -> str:
    low, high = draw(st.tuples(st.none() | numbers, st.none() | numbers))
    if low is not None and high is not None and float(low) > float(high):
        low, high = high, low
    if low is None and high is None:
        low = "1"
    return f"{low or ''}..{high or ''}"


def with_null(form: st.SearchStrategy) -> st.SearchStrategy:
    return form | st.builds(
        lambda f, n: {"range": f, "null": n}, form, st.sampled_from(["pass", "drop"])
    )


FORMS = {
    "words": with_null(ranges() | st.sampled_from([0, 50, [1, 3, 50]])),
    "ratio": with_null(ranges() | st.sampled_from([0.65, [0, 0.1]])),
    "score": with_null(ranges() | st.sampled_from([0.65, [0, 0.1]])),
    "flag": with_null(st.booleans() | st.just([True, False])),
    "license": with_null(st.sampled_from(["MIT", ["MIT", "off"]])),
}
OTHERS = {name: form for name, form in FORMS.items() if name != "words"}
# "off" is a threshold for a language, never a whole set.
TABLE = {name: form | st.just("off") for name, form in FORMS.items()}
rule_sets = st.fixed_dictionaries(
    {
        "name": st.just("drawn"),
        "where": st.fixed_dictionaries({"words": FORMS["words"]}, optional=OTHERS),
    },
    optional={
        "by_language": st.dictionaries(
            st.sampled_from(["zh", "pt"]), st.fixed_dictionaries({}, optional=TABLE), max_size=2
        ),
        "modality": st.sampled_from([["text"], ["text", "code"]]),
    },
)


def table_of(rows: list[dict[str, Any]], cut: int = 0) -> pa.Table:
    """A table of two chunks, the second with rows before and after it in its buffers."""
    columns = {
        name: pa.array([row[name] for row in rows], kind, from_pandas=False)
        for name, kind in TYPES.items()
    }
    whole = pa.table(columns)
    cut = min(cut, len(rows))
    return pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])


def numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "id": f"{place:032x}"} for place, row in enumerate(rows)]


@settings(max_examples=100, deadline=None)
@given(documents, rule_sets, st.integers(0, 12))
def test_equals_the_reference(rows, rules, cut):
    rows = numbered(rows)
    loaded = load_rule_set(rules, Path())
    assert RuleSet.model_validate_json(loaded.model_dump_json()) == loaded
    found = evaluate(loaded, table_of(rows, cut), "step")
    got = [(r["id"], r["rule"], r["value"], r["also"]) for r in found.to_pylist()]
    assert got == reference.evaluate(rules, rows, KINDS)


@settings(max_examples=50, deadline=None)
@given(documents, st.lists(rule_sets, min_size=1, max_size=3), st.integers(0, 12))
def test_nothing_is_lost_over_steps_and_batches(rows, sets, cut):
    """in = kept + left, each document leaves once, and batches do not matter."""
    rows = numbered(rows)
    steps = [
        {"step": f"s{i}", "rules": load_rule_set(raw, Path()).model_dump(mode="json")}
        for i, raw in enumerate(sets)
    ]

    def run(table: pa.Table) -> tuple[list[dict], set[str]]:
        left: list[dict] = []
        for step in steps:
            gone = {row["id"] for row in left}
            there = pa.array([i not in gone for i in table["id"].to_pylist()], pa.bool_())
            table = table.filter(there)
            left += decide(step, table).to_pylist()
        ids = {row["id"] for row in left}
        return left, {i for i in table["id"].to_pylist() if i not in ids}

    left, kept = run(table_of(rows))
    ids = [row["id"] for row in left]
    assert len(ids) == len(set(ids))
    assert set(ids) | kept == {row["id"] for row in rows}
    assert not set(ids) & kept
    expected = {}
    for index, raw in enumerate(sets):
        for row_id, rule, *_ in reference.evaluate(raw, rows, KINDS):
            expected.setdefault(row_id, (f"s{index}", rule))
    assert {row["id"]: (row["step"], row["rule"]) for row in left} == expected
    cut = min(cut, len(rows))
    parts = [run(table_of(rows[:cut])), run(table_of(rows[cut:]))]
    together = [row for part in parts for row in part[0]]
    assert sorted(together, key=str) == sorted(left, key=str)
    assert parts[0][1] | parts[1][1] == kept


@settings(max_examples=50, deadline=None)
@given(documents, rule_sets, rule_sets, ranges(), st.integers(0, 12))
def test_whatif_is_what_a_run_would_do(rows, first, second, changed, cut):
    """Counts of `whatif` are those of the reference with the threshold written into the set."""
    rows = numbered(rows)
    steps = [Step("a", load_rule_set(first, Path())), Step("b", load_rule_set(second, Path()))]
    old = second["where"]["words"]
    kept_form = old["null"] if isinstance(old, dict) else "pass"
    new_form = {"range": changed, "null": kept_form}
    edited = {**second, "where": {**second["where"], "words": new_form}}

    def left(*sets: dict) -> set[str]:
        return {found[0] for raw in sets for found in reference.evaluate(raw, rows, KINDS)}

    before, after = left(first, second), left(first, edited)
    changes = parse_changes([f"b.words={changed}"], steps)
    tables = [table_of(rows[:cut]), table_of(rows[cut:])]
    answer = whatif(steps, tables, changes, examples=99)
    assert answer.documents == len(rows)
    assert answer.kept_before == len(rows) - len(before)
    assert answer.kept_after == len(rows) - len(after)
    assert {e["id"] for e in answer.newly_kept} == before - after
    assert {e["id"] for e in answer.newly_dropped} == after - before
    for source, count in answer.by_source.items():
        mine = {row["id"] for row in rows if row["source"] == source}
        assert count == {
            "documents": len(mine),
            "kept_before": len(mine - before),
            "kept_after": len(mine - after),
            "newly_kept": len(mine & (before - after)),
            "newly_dropped": len(mine & (after - before)),
        }


def test_the_reference_holds_at_the_end_of_float32():
    """Rounded to four digits the largest float32 is past its type's end."""
    largest = float(np.finfo(np.float32).max)
    assert reference.decimal(-largest, "float32") == "-34028235" + "0" * 31
    assert reference.float32(-3.403e38) == -np.inf
