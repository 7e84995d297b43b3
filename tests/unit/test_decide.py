"""The stage of a deciding step, through real parts of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from corpusmith import schema
from corpusmith.clean import decide
from corpusmith.clean.rules import load_rule_set
from corpusmith.errors import UserError
from corpusmith.op import Work
from corpusmith.store.parts import PartWriter, part_entry, part_names, read_part
from tests.inline import InlineEngine

SIGNALS = pa.schema(
    [
        ("id", pa.string()),
        *[(name, schema.DOCUMENT.field(name).type) for name in schema.DOCUMENT_RULE_COLUMNS],
        ("emptied_by", pa.string()),
        ("words", pa.int32()),
        ("words@quality", pa.int32()),
        ("ratio", pa.float32()),
    ]
)


def write_signals(folder: Path, part: str, rows: list[dict[str, Any]] | None) -> None:
    """One part of a clean stage; None: a part without a table of signals."""
    with PartWriter(folder, part) as out:
        if rows is not None:
            filled = [{"modality": "text", **row} for row in rows]
            out.write("signals", pa.Table.from_pylist(filled, schema=SIGNALS))


def run(root: Path, name: str, steps: list[dict], inputs: dict[str, Path]) -> Work:
    folder = root / name
    work = Work(folder=folder, params={"steps": steps}, inputs=inputs, engine=InlineEngine())
    decide.execute(work)
    return work


def rules(name: str, where: dict, **more: Any) -> dict[str, Any]:
    loaded = load_rule_set({"name": name, "where": where, **more}, Path())
    return {"step": name, "rules": loaded.model_dump(mode="json")}


def decided(folder: Path) -> list[tuple[str, str, str, str | None]]:
    rows = [
        row
        for part in part_names(folder)
        for row in read_part(folder, "decisions", part).to_pylist()
    ]
    return [(row["id"], row["step"], row["rule"], row["value"]) for row in rows]


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    web, books = tmp_path / "clean.web", tmp_path / "clean.书"
    write_signals(
        web,
        "web-00000",
        [
            {"id": "a", "source": "web", "words": 10, "words@quality": 90, "ratio": 0.5},
            {"id": "b", "source": "web", "words": 60, "words@quality": 60, "ratio": 0.5},
            {"id": "c", "source": "web", "words": 0, "emptied_by": "c4_lines", "ratio": 0.9},
        ],
    )
    write_signals(web, "web-00001", [])
    write_signals(web, "web-00002", None)
    write_signals(books, "书-00000", [{"id": "d", "source": "书", "words": 70, "ratio": 0.0}])
    return {"clean.web": web, "clean.书": books}


def test_first_failing_step_and_earlier_decisions(tmp_path, inputs):
    ratio = run(tmp_path, "decide.ratio", [rules("ratio", {"ratio": "0.1.."})], inputs)
    assert decided(ratio.folder) == [("d", "ratio", "ratio", "0")]
    assert ratio.info == {
        "in": 4,
        "left": 1,
        "by_source": {"web": {"in": 3, "left": 0}, "书": {"in": 1, "left": 1}},
        "rules": {"ratio": {"ratio": 1}},
    }
    assert ratio.warnings == ["step ratio drops the only document of source '书'"]
    later = {**inputs, "decide.ratio": ratio.folder}
    steps = [{"step": "c4_lines", "emptied": True}, rules("size", {"words": "50.."})]
    size = run(tmp_path, "decide.size", steps, later)
    assert decided(size.folder) == [
        ("c", "c4_lines", "empty_text", "0"),
        ("a", "size", "words", "10"),
    ]
    assert size.info["in"] == 3
    assert size.info["left"] == 2
    assert size.info["by_source"]["书"] == {"in": 0, "left": 0}
    assert size.info["rules"] == {"c4_lines": {"empty_text": 1}, "size": {"words": 1}}
    assert size.warnings == []


def test_every_part_has_a_table(tmp_path, inputs):
    work = run(tmp_path, "decide.size", [rules("size", {"words": "50.."})], inputs)
    assert part_names(work.folder) == ["web-00000", "web-00001", "web-00002", "书-00000"]
    for part in part_names(work.folder):
        assert read_part(work.folder, "decisions", part).schema == schema.DECISION


def test_a_signal_stored_under_another_name(tmp_path, inputs):
    step = {**rules("size", {"words": "..80"}), "columns": {"words": "words@quality"}}
    work = run(tmp_path, "decide.size", [step], inputs)
    assert decided(work.folder) == [("a", "size", "words", "90")]
    with pytest.raises(UserError, match=r"no column 'words@quallity'"):
        step["columns"] = {"words": "words@quallity"}
        run(tmp_path, "decide.again", [step], inputs)


def test_the_same_bytes_again(tmp_path, inputs):
    steps = [rules("size", {"words": "50..", "ratio": "..0.1"})]
    first = run(tmp_path, "decide.size", steps, inputs)
    second = run(tmp_path / "elsewhere", "decide.size", steps, inputs)
    for part in part_names(first.folder):
        files = [part_entry(work.folder, part)["files"] for work in (first, second)]
        assert files[0] == files[1]


# --- a user's own ------------------------------------------------------------------------

MINE = """
import pyarrow as pa
import pyarrow.compute as pc
from corpusmith.op import op

@op("odd.v1", kind="decide", needs=("words",))
def odd(batch, ctx):
    rows = batch.filter(pc.equal(pc.bit_wise_and(batch["words"], 1), 1))
    rows = rows.take(pa.array(range(len(rows)), pa.int64())[::-1])  # any order will do
    return pa.table({"id": rows["id"], "rule": ["odd"] * len(rows),
                     "value": rows["words"].cast(pa.string())})

@op("stranger.v1", kind="decide", needs=("words",))
def stranger(batch, ctx):
    return pa.table({"id": ["zz"], "rule": ["x"]})

@op("twice.v1", kind="decide", needs=("words",))
def twice(batch, ctx):
    ids = pa.concat_arrays(batch["id"].chunks * 2)
    return pa.table({"id": ids, "rule": ["x"] * len(ids)})

@op("shapeless.v1", kind="decide", needs=("words",))
def shapeless(batch, ctx):
    return batch

@op("reader.v1", kind="decide")
def reader(batch, ctx):
    return batch
"""


def test_a_users_decide_operation(tmp_path, inputs):
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    signals = pa.table({"id": ["a", "b", "c"], "words": pa.array([1, 2, 3], pa.int32())})

    def ask(name: str) -> pa.Table:
        return decide.decide({"step": "mine", "op": f"{tmp_path / 'mine.py'}:{name}"}, signals)

    found = ask("odd")
    assert found.schema == schema.DECISION
    got = [(r["id"], r["step"], r["rule"], r["value"], r["also"]) for r in found.to_pylist()]
    assert got == [("a", "mine", "odd", "1", []), ("c", "mine", "odd", "3", [])]
    for name, what in (
        ("stranger", "of a document it did not get"),
        ("twice", "a document twice"),
        ("shapeless", "returned the columns"),
        ("reader", "needs 'text'"),
    ):
        with pytest.raises(UserError, match=what):
            ask(name)
    step = {"step": "mine", "op": f"{tmp_path / 'mine.py'}:odd"}
    work = run(tmp_path, "decide.mine", [step], inputs)
    assert decided(work.folder) == []
