"""Thresholds moved on stored signals: what is counted, shown and said about later steps."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from corpusmith.clean.rules import load_rule_set
from corpusmith.errors import UserError
from corpusmith.report.whatif import Step, columns_needed, parse_changes, whatif


def step(name: str, where: dict, **more) -> Step:
    columns = more.pop("columns", {})
    return Step(name, load_rule_set({"name": name, "where": where, **more}, Path()), columns)


STEPS = [
    step(
        "gopher",
        {"words": "50..100000", "mean": "3..10", "stop": "off", "generated": False},
        by_language={"en": {"stop": "2.."}, "zh": {"mean": "1..5"}},
    ),
    Step("exact", kind="exact"),
    Step("c4_lines"),
    step("c4.paper", {"words": "..80"}, columns={"words": "words@after"}),
    Step("near", kind="near"),
]


def signals(rows: list[tuple]) -> pa.Table:
    names = ["id", "source", "lang", "words", "words@after", "left_at", "emptied_by"]
    columns = list(zip(*rows, strict=True))
    table = pa.table(
        {
            name: pa.array(columns[i], pa.int32() if name.startswith("words") else pa.string())
            for i, name in enumerate(names)
        }
    )
    rest = {
        "mean": pa.array([4.0] * len(rows), pa.float32()),
        "stop": pa.array([2] * len(rows), pa.int32()),
        "generated": pa.array([False] * len(rows)),
    }
    for name, column in rest.items():
        table = table.append_column(name, column)
    return table


ROWS = [
    ("a", "web", "en", 40, 40, "gopher", None),
    ("b", "web", "en", 60, 60, None, None),
    ("c", "web", "zh", 70, 70, "exact", None),
    ("d", "书", "zh", 90, 90, "c4.paper", None),
    ("e", "书", "zh", 45, 99, "gopher", None),  # c4.paper would drop it next
    ("f", "书", "zh", 48, 48, "gopher", None),
    ("g", "书", "zh", 49, 0, "gopher", "c4_lines"),  # c4_lines empties it
    ("h", "web", "en", 75, 75, "near", None),
]


def test_a_looser_threshold():
    answer = whatif(STEPS, [signals(ROWS)], parse_changes(["gopher.words.min=30"], STEPS))
    assert (answer.documents, answer.kept_before, answer.kept_after) == (8, 1, 3)
    assert [(e["id"], e["value"], e["distance"]) for e in answer.newly_kept] == [
        ("a", "40", 10.0),
        ("f", "48", 18.0),
    ]
    assert answer.newly_dropped == []
    assert answer.changes == [
        {
            "step": "gopher",
            "rule": "words",
            "signal": "words",
            "key": "",
            "before": "50..100000",
            "after": "30..100000",
            "fails_before": 4,
            "fails_after": 0,
        }
    ]
    assert answer.by_source["书"] == {
        "documents": 4,
        "kept_before": 0,
        "kept_after": 1,
        "newly_kept": 1,
        "newly_dropped": 0,
    }
    assert answer.again == ["exact", "near"]


def test_a_stricter_threshold():
    answer = whatif(STEPS, [signals(ROWS)], parse_changes(["gopher.words=65.."], STEPS))
    assert (answer.kept_before, answer.kept_after) == (1, 0)
    assert [(e["id"], e["rule"], e["distance"]) for e in answer.newly_dropped] == [
        ("b", "gopher.words", 5.0)
    ]
    # Of c, d and h, which a later step dropped, nothing changes.
    assert answer.changes[0]["fails_after"] == 5


def test_only_those_that_reach_the_step_count():
    changes = parse_changes(["c4.paper.words.max=50"], STEPS)
    answer = whatif(STEPS, [signals(ROWS)], changes)
    assert answer.changes[0]["fails_before"] == 1  # d, not e
    assert answer.changes[0]["fails_after"] == 3  # b, d, h
    assert [e["id"] for e in answer.newly_dropped] == ["b"]
    assert answer.again == ["near"]


def test_without_a_runs_decisions_rules_alone_decide():
    table = signals(ROWS).drop_columns(["left_at", "emptied_by"])
    answer = whatif(STEPS, [table], parse_changes(["gopher.words.min=30"], STEPS))
    assert (answer.kept_before, answer.kept_after) == (3, 6)  # b c h, and a f g


def test_examples_are_the_closest_over_all_tables():
    rows = [(f"{i:02d}", "web", "en", 50 + i, 50, None, None) for i in (9, 3, 7, 1, 5)]
    tables = [signals(rows[:2]), signals(rows[2:])]
    answer = whatif(STEPS, tables, parse_changes(["gopher.words.min=60"], STEPS), examples=3)
    assert [(e["id"], e["distance"]) for e in answer.newly_dropped] == [
        ("09", 1.0),
        ("07", 3.0),
        ("05", 5.0),
    ]


def test_a_language_and_a_value():
    table = signals(ROWS)
    answer = whatif(STEPS, [table], parse_changes(["gopher.mean.zh.max=3.5"], STEPS))
    assert answer.changes[0]["key"] == "zh"
    assert answer.changes[0]["fails_after"] == 5
    assert (answer.kept_before, answer.kept_after) == (1, 1)
    answer = whatif(STEPS, [table], parse_changes(["gopher.stop.en.min=3"], STEPS))
    assert [e["id"] for e in answer.newly_dropped] == ["b"]
    answer = whatif(STEPS, [table], parse_changes(["gopher.generated=true"], STEPS))
    assert (answer.kept_after, answer.newly_dropped[0]["value"]) == (0, "false")
    answer = whatif(STEPS, [table], parse_changes(["gopher.words=off"], STEPS))
    assert {e["id"] for e in answer.newly_kept} == {"a", "f"}


def test_two_changes_at_once():
    texts = ["gopher.words.min=30", "c4.paper.words.max=100"]
    answer = whatif(STEPS, [signals(ROWS)], parse_changes(texts, STEPS))
    assert {e["id"]: e["rule"] for e in answer.newly_kept} == {
        "a": "gopher.words",
        "f": "gopher.words",
        "d": "c4.paper.words",
        "e": "c4.paper.words",
    }


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("gopher.words.min=100", "100..100000"),
        ("gopher.words.max = 2e3", "50..2000"),
        ("gopher.words=..10", "..10"),
        ("gopher.words.max=off", "50.."),
        ("gopher.generated=[true, false]", "true, false"),
    ],
)
def test_forms(text, after):
    assert str(parse_changes([text], STEPS)[0].after) == after


def test_changes_build_on_each_other():
    changes = parse_changes(["gopher.words.min=5", "gopher.words.max=9"], STEPS)
    assert str(changes[1].after) == "5..9"
    changes = parse_changes(["gopher.words.null=drop"], STEPS)
    assert changes[0].after.null == "drop"


@pytest.mark.parametrize(
    ("text", "what", "expected"),
    [
        ("gofer.words.min=1", "no rule step 'gofer'", "'gopher'"),
        ("exact.words.min=1", "no rule step 'exact'", "gopher"),
        ("gopher.wrods.min=1", "no rule 'wrods'", "'words'"),
        ("gopher=1", "no rule '(nothing)'", ""),
        ("gopher.mean.zn.min=1", "no threshold for 'zn'", "'zh'"),
        ("gopher.stop.min=1", "is off but for", "gopher.stop.en.min"),
        ("gopher.words.min", "sets nothing", "step.rule.min=100"),
        ("gopher.words.min=", "sets nothing", ""),
        ("gopher.words.min=1..2", "no single bound", ""),
        ("gopher.words.min=many", "no range", ""),
        ("gopher.words=9..1", "lets nothing pass", ""),
        ("gopher.generated.min=1", "not for a range", ""),
        ("gopher.words.null=maybe", "no choice", "pass or drop"),
        ("gopher.words=[1", "no value", ""),
    ],
)
def test_errors(text, what, expected):
    with pytest.raises(UserError) as error:
        parse_changes([text], STEPS)
    assert what in error.value.what
    assert expected in error.value.expected


def test_columns():
    assert columns_needed(STEPS) == [
        *["id", "source", "emptied_by", "words", "mean", "stop", "generated", "lang"],
        "words@after",
    ]
