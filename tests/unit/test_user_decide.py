"""A user's operation of kind `decide` that answers row by row, as `corpusmith.op` states it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from corpusmith.clean import decide
from corpusmith.errors import UserError

MINE = """
import pyarrow as pa
import pyarrow.compute as pc
from corpusmith.op import op

@op("even.v1", kind="decide", needs=("words",))
def even(batch, ctx):
    odd = pc.equal(pc.bit_wise_and(batch["words"], 1), 1)
    rule = pc.if_else(odd, pa.scalar("odd"), pa.scalar(None, pa.string()))
    value = batch["words"].cast(pa.string())
    return pa.table({"keep": pc.invert(odd), "rule": rule, "value": value})

@op("short.v1", kind="decide", needs=("words",))
def short(batch, ctx):
    return pa.table({"keep": [True], "rule": pa.nulls(1, pa.string())})

@op("number.v1", kind="decide", needs=("words",))
def number(batch, ctx):
    return pa.table({"keep": [1] * len(batch), "rule": ["x"] * len(batch)})

@op("unreasoned.v1", kind="decide", needs=("words",))
def unreasoned(batch, ctx):
    return pa.table({"keep": [False] * len(batch), "rule": pa.nulls(len(batch), pa.string())})

@op("turned.v1", kind="decide", needs=("words",))
def turned(batch, ctx):
    ids = pa.array(batch["id"].to_pylist()[::-1])
    return pa.table({"id": ids, "keep": [False] * len(batch), "rule": ["x"] * len(batch)})

@op("listed.v1", kind="decide", needs=("words",))
def listed(batch, ctx):
    return [True] * len(batch)
"""


@pytest.fixture
def ask(tmp_path: Path):
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    signals = pa.table({"id": ["a", "b", "c"], "words": pa.array([1, 2, 3], pa.int32())})

    def run(name: str) -> pa.Table:
        step = {"step": "mine", "op": f"{tmp_path / 'mine.py'}:{name}"}
        return decide.decide(step, signals)

    return run


def test_row_by_row(ask) -> None:
    rows = [(r["id"], r["step"], r["rule"], r["value"]) for r in ask("even").to_pylist()]
    assert rows == [("a", "mine", "odd", "1"), ("c", "mine", "odd", "3")]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("short", "returned 1 rows with `keep`"),
        ("number", "of type int64"),
        ("unreasoned", "a row without a rule"),
        ("turned", "other ids than it got"),
        ("listed", "returned a list"),
    ],
)
def test_what_is_refused(ask, name: str, what: str) -> None:
    with pytest.raises(UserError, match=what):
        ask(name)
