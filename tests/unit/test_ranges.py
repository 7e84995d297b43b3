"""Conditions on one column: the forms of YAML, boundaries of every type, what is refused."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpusmith import schema
from corpusmith.clean.ranges import Column, parse_condition
from corpusmith.clean.rules import check_rule_set, load_rule_set
from corpusmith.errors import RecipeError

HERE = Path()


def fails(raw, values, kind) -> list[bool]:
    return Column("x", pa.array(values, kind)).fails(parse_condition(raw)).tolist()


def test_ends_are_inclusive():
    assert fails("50..100", [49, 50, 100, 101], pa.int32()) == [True, False, False, True]
    assert fails("..0.1", [0.1, 0.10001], pa.float64()) == [False, True]
    assert fails("0.8..", [0.79999, 0.8], pa.float64()) == [True, False]
    assert fails("-5..-1", [-6, -5, -1, 0], pa.int64()) == [True, False, False, True]


def test_bounds_are_cast_to_the_signals_type():
    # The float32 nearest to 0.65 is 0.64999998: below 0.65 as a float64, equal as a float32.
    nearest_32 = np.float32(0.65)
    assert float(nearest_32) < 0.65
    below = np.nextafter(nearest_32, np.float32(0))
    assert fails("0.65..", [nearest_32, below], pa.float32()) == [False, True]
    assert fails("0.65..", [float(nearest_32)], pa.float64()) == [True]
    # 0.1 is rounded up: 0.1f > 0.1.
    above = np.nextafter(np.float32(0.1), np.float32(1))
    assert fails("..0.1", [np.float32(0.1), above], pa.float32()) == [False, True]
    assert fails(0.65, [nearest_32, below], pa.float32()) == [False, True]


def test_whole_numbers_take_what_lies_inside():
    assert fails("1.5..2.5", [1, 2, 3], pa.int32()) == [True, False, True]
    # Beyond the type, and beyond what a float64 can tell apart.
    assert fails("..1e30", [2**63 - 1], pa.int64()) == [False]
    assert fails("1e30..", [2**63 - 1], pa.int64()) == [True]
    assert fails("..9007199254740992", [2**53, 2**53 + 1], pa.int64()) == [False, True]
    assert fails("1..", [2**64 - 1, 0], pa.uint64()) == [False, True]


def test_null_and_nan_pass_unless_dropped():
    assert fails("50..", [None, 1], pa.int32()) == [False, True]
    assert fails({"range": "50..", "null": "drop"}, [None, 50], pa.int32()) == [True, False]
    nan = [float("nan"), None, 0.5]
    assert fails("0.6..", nan, pa.float32()) == [False, False, True]
    assert fails({"range": "0.1..", "null": "drop"}, nan, pa.float32()) == [True, True, False]
    # YAML reads the bare key `null` as null, not as a text.
    assert fails({"range": "50..", None: "drop"}, [None], pa.int32()) == [True]
    # "..", with null: drop, only asks for a value; a column without any type has none.
    assert fails({"range": "..", "null": "drop"}, ["MIT", None], pa.string()) == [False, True]
    assert fails({"range": "50..", "null": "drop"}, [None], pa.null()) == [True]
    assert fails("50..", [None], pa.null()) == [False]


def test_infinities_are_compared():
    values = [float("inf"), float("-inf")]
    assert fails("..0.1", values, pa.float32()) == [True, False]
    assert fails("0..", values, pa.float64()) == [False, True]
    assert fails("..1e39", [float("inf"), 3e38], pa.float32()) == [False, False]


def test_equality_and_membership():
    assert fails("en", ["en", "zh", None], pa.string()) == [False, True, False]
    assert fails(["en", "zh"], ["en", "zh", "fr"], pa.large_string()) == [False, False, True]
    assert fails(False, [True, False, None], pa.bool_()) == [True, False, False]
    assert fails([1, 3], [1, 2, 3], pa.int32()) == [False, True, False]
    assert fails(["a..b"], ["a..b", "a"], pa.string()) == [False, True]  # a list is literal


def test_dates_include_their_last_day():
    def at(*date: int) -> datetime.datetime:
        return datetime.datetime(*date, tzinfo=datetime.UTC)

    times = [at(2014, 12, 31, 23), at(2015, 1, 1), at(2020, 12, 31, 23, 59), at(2021, 1, 1)]
    kind = schema.DOCUMENT.field("created").type
    assert fails("2015-01-01..2020-12-31", times, kind) == [True, False, False, True]
    assert fails("2020-12-31", times, kind) == [True, True, False, True]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("1e-3..", "0.001.."),
        ("..0.10", "..0.1"),
        ("5E1..1e5", "50..100000"),
        (" 3 .. 10 ", "3..10"),
        (0.30, "0.3"),
        (["en", "zh"], "en, zh"),
    ],
)
def test_one_text_for_one_condition(raw, text):
    assert str(parse_condition(raw)) == text


@pytest.mark.parametrize(
    "raw",
    [
        *("..", "1...5", ".5..", "a..b", "10..3", "1..2015-01-01", "nan..", "0x10..", "1e400.."),
        *([], None, {"rnage": "1.."}, {"null": "drop"}, {"range": "1..", "null": "maybe"}),
        float("inf"),
    ],
)
def test_what_is_no_condition(raw):
    with pytest.raises(RecipeError) as error:
        parse_condition(raw, where="r.yaml:3:5")
    assert error.value.where == "r.yaml:3:5"
    assert error.value.expected


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("50..", pa.string()),
        ("0..1", pa.bool_()),
        ("en", pa.int32()),
        (5, pa.bool_()),
        (True, pa.int32()),
        (0.5, pa.int32()),  # never equal to a whole number
        ("2015-01-01..", pa.float32()),
        ("50..", pa.timestamp("us", tz="UTC")),
        ("50..", pa.list_(pa.int32())),
    ],
)
def test_a_condition_that_does_not_fit_the_signal(raw, kind):
    rules = load_rule_set({"name": "r", "where": {"x": raw}}, HERE)
    with pytest.raises(RecipeError, match="x is"):
        check_rule_set(rules, {"x": kind})
