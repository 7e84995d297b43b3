"""The funnel, with every figure counted by hand from tests/builders.py."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from corpusmith.report.run import Run
from corpusmith.report.show import funnel, render_funnel
from tests.builders import build


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return build(tmp_path_factory.mktemp("run"))


def row_of(run: Run, step: str, rule: str | None = None) -> dict:
    [row] = [r for r in funnel(run) if r["step"] == step and r["rule"] == rule]
    return row


@pytest.mark.parametrize(
    ("step", "rule", "documents"),
    [
        ("read", None, (10, 1, 11)),  # two more were created
        ("clean", None, (11, 1, 10)),
        ("collect", None, (10, 0, 10)),
        ("keep", None, (10, 2, 8)),
        ("keep", "words", (10, 2, 8)),
        ("keep", "word_mean_chars", (8, 0, 8)),
        ("cut", "empty_text", (8, 1, 7)),
        ("exact", "exact_duplicate", (7, 1, 6)),
        ("kept", None, (6, 0, 6)),
        ("split", "held_out", (6, 1, 5)),
        ("mix", "not_drawn", (5, 1, 4)),
        ("drawn", None, (4, 0, 4)),
    ],
)
def test_documents(run: Run, step: str, rule: str | None, documents: tuple[int, ...]) -> None:
    row = row_of(run, step, rule)
    assert tuple(row[f"documents_{end}"] for end in ("in", "left", "out")) == documents


def test_tokens_are_exact_or_estimated(run: Run) -> None:
    """Pages have 44 + 46 + 54 = 144 bytes in 12 + 13 + 15 = 40 tokens: 3.6 bytes a token."""
    duplicate = row_of(run, "exact", "exact_duplicate")
    assert duplicate["bytes_left"] == 44
    assert duplicate["tokens_left"] == round(44 / 3.6)
    assert duplicate["estimated"] == ["tokens_in", "tokens_left", "tokens_out"]
    held = row_of(run, "split", "held_out")
    assert held["tokens_left"] == 54 / 3.6
    assert held["estimated"] == ["tokens_in", "tokens_left"]
    assert held["tokens_out"] == run.summary["tokens"]["total"] == 40 + 18
    unused = row_of(run, "mix", "not_drawn")
    assert (unused["tokens_left"], unused["estimated"]) == (9, [])
    assert row_of(run, "drawn")["tokens_used"] == 2 * (40 + 9)


def test_what_is_in_quarantine_has_no_tokens(run: Run) -> None:
    row = row_of(run, "clean")
    assert row["tokens_left"] is None and row["bytes_left"] is None
    assert row["by_source"]["pages"]["documents_left"] == 1
    assert row["by_source"]["code"]["documents_left"] == 0


def test_every_row_adds_up_for_every_source(run: Run) -> None:
    for row in funnel(run):
        for figures in [row, *row["by_source"].values()]:
            for unit in ("documents", "bytes", "tokens"):
                created = figures["created"] if unit == "documents" else 0
                begin, left, end = (figures[f"{unit}_{at}"] for at in ("in", "left", "out"))
                assert begin + created == (left or 0) + end, (row["step"], row["rule"], unit)


def test_steps_follow_each_other_without_a_gap(run: Run) -> None:
    rows = [row for row in funnel(run) if row["rule"] is None]
    for before, after in itertools.pairwise(rows):
        for unit in ("documents", "bytes", "tokens"):
            assert before[f"{unit}_out"] == after[f"{unit}_in"], after["step"]


def test_equals_the_summary(run: Run) -> None:
    rows, summary = funnel(run), run.summary
    kept = row_of(run, "kept")
    assert kept["documents_in"] == summary["documents"]["kept"]
    for source, counts in summary["by_source"].items():
        assert kept["by_source"][source]["documents_in"] == counts["kept"]
        assert row_of(run, "read")["by_source"][source]["documents_in"] == counts["read"]
    left = {(r["step"], r["rule"]): r["documents_left"] for r in rows if r["rule"]}
    for entry in summary["by_step"]:
        if entry["rule"]:
            assert left[entry["step"], entry["rule"]] == entry["dropped"]
    quarantined = row_of(run, "read")["documents_left"] + row_of(run, "clean")["documents_left"]
    assert quarantined == summary["documents"]["quarantined"] == 2


def test_as_text(run: Run) -> None:
    table = render_funnel(funnel(run))
    by_step = {line[0].strip(): line for line in table.rows}
    assert by_step["words"][1:5] == ["10", "2", "20.0 %", "8"]
    assert by_step["exact_duplicate"][6] == "≈ 12"
    assert by_step["mix"][6] == "9"
    assert "word_mean_chars" not in by_step  # dropped nothing
    assert "word_mean_chars" in {r[0].strip() for r in render_funnel(funnel(run), quiet=False).rows}
    assert all(len(line) == len(table.head) for line in table.rows)
    of_code = {line[0].strip(): line for line in render_funnel(funnel(run), source="code").rows}
    assert of_code["read"][1:5] == ["3", "1", "25.0 %", "3"]


def test_a_run_that_stopped_early(run: Run, tmp_path: Path) -> None:
    """Without tokens there are bytes, without decisions still what was read."""
    early = build(tmp_path)
    stages = [s for s in early.lock["stages"] if s["name"].split(".")[0] in ("collect", "clean")]
    early.lock["stages"] = stages
    early.summary["by_step"] = []
    rows = funnel(early)
    assert [row["step"] for row in rows] == ["read", "clean", "kept"]
    assert rows[-1]["tokens_in"] is None and rows[-1]["bytes_in"] > 0
    assert "bytes out" in render_funnel(rows).head
