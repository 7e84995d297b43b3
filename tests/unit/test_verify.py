"""`verify` on a run with one thing wrong: it must say so, each time by another check."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from corpusmith.errors import InputError
from corpusmith.report.run import Run
from corpusmith.report.verify import render_verify, verify
from corpusmith.store.fingerprint import hash_file
from tests.builders import build
from tests.tiny_corpus import fates

Change = Callable[[pa.Table], pa.Table]
KEPT_PAGE = fates("pages")[0][4]
DUPLICATE = fates("pages")[2][4]


def problems(run: Run) -> list[dict[str, str]]:
    return verify(Run(run.folder))["problems"]


def checks(run: Run) -> set[str]:
    return {problem["check"] for problem in problems(run)}


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def rewrite(run: Run, stage: str, kind: str, part: str, change: Change) -> None:
    """Change a table on disk and make every checksum and size fit again."""
    folder = run.stage(stage)
    path = folder / kind / f"{part}.parquet"
    table = change(pq.read_table(path))
    pq.write_table(table, path)

    def fit(entry: dict[str, Any]) -> None:
        file = entry["files"][kind]
        file.update(rows=table.num_rows, bytes=path.stat().st_size, xxh3_128=hash_file(path))

    edit_json(folder / "parts" / "main" / f"{part}.json", fit)

    def fit_manifest(manifest: dict[str, Any]) -> None:
        for entry in manifest["parts"]:
            if entry["part"] == part:
                fit(entry)

    edit_json(folder / "manifest.json", fit_manifest)


def without(wanted: str) -> Change:
    return lambda table: table.filter(pc.not_equal(table["id"], wanted))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return build(tmp_path)


def test_a_good_run_is_fine(run: Run) -> None:
    result = verify(run)
    assert result["problems"] == []
    # 15 stages; 6 edits steps' files and the rest were all read
    assert result["counts"]["stages"] == 15
    assert result["counts"]["documents"] == 10
    assert result["counts"]["decisions"] == 4
    assert render_verify(result)[-1].endswith("fine: nothing lost, nothing changed")


def test_one_changed_byte(run: Run) -> None:
    for path in sorted(run.root.glob("store/**/*.parquet")) + sorted(
        run.root.glob("tokens/**/*.bin")
    ):
        if path.name in ("documents.parquet",):  # the evaluation's, which has a check of its own
            continue
        data = bytearray(path.read_bytes())
        if not data:
            continue
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        found = [p for p in problems(run) if p["check"] == "checksum"]
        assert [p["where"] for p in found] == [str(path)]
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert problems(run) == []


def test_a_truncated_and_a_missing_file(run: Run) -> None:
    path = run.stage("clean.pages") / "signals" / "pages-00001.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert any("bytes" in p["problem"] and p["where"] == str(path) for p in problems(run))
    path.unlink()
    assert any(p["problem"] == "the file is not there" for p in problems(run))


@pytest.mark.parametrize(
    ("stage", "kind", "part", "wanted", "check"),
    [
        ("collect.pages", "documents", "pages-00000", KEPT_PAGE, "conservation"),
        ("clean.pages", "documents", "pages-00000", KEPT_PAGE, "conservation"),
        ("clean.pages", "signals", "pages-00000", KEPT_PAGE, "join"),
        ("clean.pages", "quarantine", "pages-00001", fates("pages")[7][4], "conservation"),
        ("decide.exact", "decisions", "pages-00000", DUPLICATE, "tokens"),
        ("split", "decisions", "pages-00001", fates("pages")[6][4], "tokens"),
        ("tokens", "docs", "part-00000", KEPT_PAGE, "tokens"),
    ],
)
def test_one_missing_row_with_fitting_checksums(
    run: Run, stage: str, kind: str, part: str, wanted: str, check: str
) -> None:
    rewrite(run, stage, kind, part, without(wanted))
    found = problems(run)
    assert check in {p["check"] for p in found}, found
    assert "checksum" not in {p["check"] for p in found}


def test_a_row_lost_before_cleaning_everywhere(run: Run) -> None:
    """Gone from every table of every stage: only the reader's log knows of it."""
    lost = fates("pages")[1][4]
    for stage, kind in (
        ("collect.pages", "documents"),
        ("clean.pages", "documents"),
        ("clean.pages", "signals"),
        ("decide.keep", "decisions"),
    ):
        rewrite(run, stage, kind, "pages-00000", without(lost))
    assert any("logged" in p["problem"] for p in problems(run))


def test_an_id_swapped_for_another(run: Run) -> None:
    """The counts still fit; the checksum of ids does not."""

    def swap(table: pa.Table) -> pa.Table:
        ids = ["f" * 32 if i == KEPT_PAGE else i for i in table["id"].to_pylist()]
        return table.set_column(0, "id", pa.array(ids))

    rewrite(run, "collect.pages", "documents", "pages-00000", swap)
    assert "conservation" in checks(run)


def double(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


@pytest.mark.parametrize(
    ("stage", "kind", "check"),
    [
        ("collect.pages", "documents", "conservation"),
        ("decide.exact", "decisions", "decisions"),
        ("clean.pages", "documents", "conservation"),
    ],
)
def test_a_row_twice(run: Run, stage: str, kind: str, check: str) -> None:
    rewrite(run, stage, kind, "pages-00000", double)
    assert check in checks(run)


def test_a_document_that_leaves_in_two_steps(run: Run) -> None:
    short = fates("pages")[1][4]

    def add(table: pa.Table) -> pa.Table:
        row = {**table.to_pylist()[0], "id": short}
        return pa.Table.from_pylist([*table.to_pylist(), row], schema=table.schema)

    rewrite(run, "decide.exact", "decisions", "pages-00000", add)
    assert any("leave twice" in p["problem"] for p in problems(run))


def test_edits_of_nobody(run: Run) -> None:
    def rename(table: pa.Table) -> pa.Table:
        return table.set_column(0, "id", pa.array(["0" * 32] * table.num_rows))

    rewrite(run, "clean.pages", "edits", "pages-00000", rename)
    assert "join" in checks(run)


@pytest.mark.parametrize("kept", [DUPLICATE, fates("pages")[1][4], "e" * 32])
def test_duplicate_of_what_is_not_kept(run: Run, kept: str) -> None:
    """Itself, a document that left before, and one that does not exist."""

    def point(table: pa.Table) -> pa.Table:
        place = table.column_names.index("duplicate_of")
        return table.set_column(place, "duplicate_of", pa.array([kept] * table.num_rows))

    rewrite(run, "decide.exact", "decisions", "pages-00000", point)
    assert "duplicates" in checks(run)


def test_rows_in_another_order_are_no_join(run: Run) -> None:
    def turn(table: pa.Table) -> pa.Table:
        return table.take(list(range(table.num_rows))[::-1])

    rewrite(run, "clean.pages", "signals", "pages-00000", turn)
    assert "join" in checks(run)


def test_figures_of_the_summary(run: Run) -> None:
    def change(summary: dict[str, Any]) -> None:
        summary["by_source"]["pages"]["dropped"] += 1
        summary["documents"]["kept"] += 1
        summary["tokens"]["total"] += 1
        summary["by_step"][-1]["dropped"] += 1

    edit_json(run.folder / "summary.json", change)
    found = [p["problem"] for p in problems(run) if p["check"] == "summary"]
    # The source against its files, two totals against their sources, the tokens, a step's sum.
    assert len(found) == 5
    assert sum("is not the sum of" in text for text in found) == 1
    assert sum(text.startswith("documents.") for text in found) == 2


def test_the_evaluation_is_recomputed(run: Run) -> None:
    def change(summary: dict[str, Any]) -> None:
        summary["bits_per_byte"] -= 0.01

    edit_json(run.stage("evaluate") / "summary.json", change)
    assert checks(run) == {"evaluation", "checksum"}


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("clean.pages", "documents/more.parquet"),
        ("decide.keep", "parts/main/pages-00009.json"),
        ("tokens", "part-00007.bin"),
        ("train", "pytorch_model.bin"),
        ("evaluate", "notes.txt"),
    ],
)
def test_a_file_that_nothing_names_is_found(run: Run, stage: str, name: str) -> None:
    path = run.stage(stage) / name
    path.write_bytes(b"{}")
    found = verify(Run(run.folder))
    assert [(p["check"], p["where"]) for p in found["problems"]] == [("extra", str(path))]


def test_what_a_killed_writer_left_is_no_problem(run: Run) -> None:
    path = run.stage("clean.pages") / "documents" / ".pages-00000.parquet.4711.tmp"
    path.write_bytes(b"half")
    found = verify(Run(run.folder))
    assert found["problems"] == []
    assert [w["where"] for w in found["warnings"]] == [str(path)]
    assert "warning: left by a process that was killed" in "\n".join(render_verify(found))


def test_a_manifest_of_something_else(run: Run) -> None:
    path = run.stage("decide.keep") / "manifest.json"
    edit_json(path, lambda manifest: manifest["ingredients"].update(kind="other"))
    assert checks(run) == {"manifest"}
    path.unlink()
    assert "manifest" in checks(run)


def test_a_newer_schema_is_refused_by_name(run: Run) -> None:
    edit_json(
        run.stage("clean.code") / "manifest.json", lambda manifest: manifest.update(schema=999)
    )
    with pytest.raises(InputError, match="made with schema 999"):
        verify(Run(run.folder))
