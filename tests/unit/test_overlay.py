"""Cleaned parts as later steps left them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from corpusmith import schema
from corpusmith.errors import CorpusmithError
from corpusmith.store.overlay import iter_current, kept_documents, read_current
from corpusmith.store.parts import GROUP_ROWS, PartWriter, iter_part

ROWS = GROUP_ROWS * 2 + 10  # three row groups


def write(folder: Path, texts: dict[int, str], decisions: tuple[int, ...] = ()) -> Path:
    """A part whose documents have these numbers and texts, as a stage leaves it."""
    rows = [
        {"id": f"{n:032x}", "source": "a", "uri": str(n), "text": text, "meta": f'{{"n": {n}}}',
         "messages": [{"role": "user", "content": text}]}
        for n, text in texts.items()
    ]  # fmt: skip
    with PartWriter(folder, "a-00000") as out:
        out.write("decisions", schema.table(schema.DECISION, [
            {"id": f"{n:032x}", "rule": "r"} for n in decisions
        ]))  # fmt: skip
        if rows:
            out.write("documents", schema.table(schema.DOCUMENT, rows))
            sizes = [len(row["text"]) for row in rows]
            out.write("signals", pa.table({
                "id": [row["id"] for row in rows], "kept_bytes": pa.array(sizes, pa.int64()),
            }))  # fmt: skip
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "clean", {n: f"text {n}" for n in range(ROWS)})


def test_the_last_layer_that_has_a_row_counts(folder: Path, tmp_path: Path) -> None:
    changed = {0: "", 5: "five", GROUP_ROWS - 1: "edge", GROUP_ROWS: "edge 2", ROWS - 1: "last"}
    layers = [
        write(tmp_path / "1", changed, decisions=(0, 7)),
        write(tmp_path / "2", {}, decisions=(8,)),
        write(tmp_path / "3", {5: "five again", GROUP_ROWS * 2: "third"}),
    ]
    expected = {n: f"text {n}" for n in range(ROWS)} | changed
    expected |= {5: "five again", GROUP_ROWS * 2: "third"}
    groups = list(iter_current(folder, "documents", "a-00000", layers))
    assert [g.num_rows for g in groups] == [GROUP_ROWS, GROUP_ROWS, 10]
    table = pa.concat_tables(groups)
    assert table.schema == schema.DOCUMENT
    assert table["text"].to_pylist() == list(expected.values())
    # Whole rows come along, and all else is as it was.
    assert [m[0]["content"] for m in table["messages"].to_pylist()] == list(expected.values())
    assert table["uri"].to_pylist() == [str(n) for n in range(ROWS)]
    only = list(iter_current(folder, "documents", "a-00000", layers, columns=["text"]))
    assert only[0].column_names == ["text"]
    assert pa.concat_tables(only)["text"].to_pylist() == list(expected.values())
    signals = read_current(folder, "signals", "a-00000", layers, columns=["kept_bytes"])
    assert signals["kept_bytes"].to_pylist() == [len(text) for text in expected.values()]
    assert read_current(folder, "signals", "a-00000", layers[1:2])["kept_bytes"][0].as_py() == 6
    kept = pa.concat_tables(kept_documents(folder, "a-00000", layers, ["id", "text"]))
    assert kept["text"].to_pylist() == [t for n, t in expected.items() if n not in (0, 7, 8)]


def test_without_layers_a_part_is_read_as_it_is(folder: Path, tmp_path: Path) -> None:
    none = write(tmp_path / "none", {}, decisions=(1,))
    plain = pa.concat_tables(iter_part(folder, "documents", "a-00000"))
    for after in ([], [none], [tmp_path / "nowhere"]):
        assert pa.concat_tables(iter_current(folder, "documents", "a-00000", after)) == plain


@pytest.mark.parametrize("numbers", [[3, 2], [ROWS], [2, ROWS + 1], [GROUP_ROWS + 1, 2]])
def test_rows_that_are_not_the_parts_are_an_error(
    folder: Path, tmp_path: Path, numbers: list[int]
) -> None:
    layer = write(tmp_path / "wrong", dict.fromkeys(numbers, "x"))
    with pytest.raises(CorpusmithError, match=r"out of order|no document"):
        list(iter_current(folder, "documents", "a-00000", [layer]))
