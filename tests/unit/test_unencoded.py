"""A document that the tokens stage could not encode is in quarantine in every figure and view."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from corpusmith.report.html import render
from corpusmith.report.run import Run
from corpusmith.report.show import funnel
from corpusmith.report.verify import verify
from corpusmith.report.why import why
from tests.builders import build
from tests.tiny_corpus import fates

LOST = fates("pages")[3]  # kept, for training, with an e-mail address


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return build(tmp_path_factory.mktemp("run"), unencoded=frozenset([LOST[4]]))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return build(tmp_path_factory.mktemp("run"))


def test_the_law_holds_at_the_end_by_source_and_by_step(run: Run, whole: Run) -> None:
    for found in (run, whole):
        summary = found.summary
        for source, counts in summary["by_source"].items():
            started = counts["read"] + counts["created"]
            assert started == len(fates(source))
            left = dict.fromkeys(("dropped", "merged", "quarantined", "held_out"), 0)
            for row in summary["by_step"]:
                left[row["as"]] += row["by_source"].get(source, 0)
            assert {name: counts[name] for name in left} == left
            held = left.pop("held_out")
            assert started == counts["kept"] + sum(left.values())
            assert held <= counts["kept"]
        assert summary["unbalanced"] == []
        kept = [row["source"] for row in found.documents().read_all().to_pylist()]
        assert {s: kept.count(s) for s in summary["by_source"]} == {
            source: counts["kept"] for source, counts in summary["by_source"].items()
        }
    before, after = (found.summary["documents"] for found in (whole, run))
    assert after["quarantined"] == before["quarantined"] + 1
    assert after["kept"] == before["kept"] - 1


def test_verify_counts_the_same(run: Run) -> None:
    assert verify(run)["problems"] == []


def test_the_funnel_shows_it(run: Run) -> None:
    rows = funnel(run)
    [row] = [r for r in rows if (r["step"], r["rule"]) == ("tokens", "crash")]
    assert (row["documents_left"], row["as"]) == (1, "quarantined")
    [kept] = [r for r in rows if r["step"] == "kept"]
    assert kept["documents_in"] == run.summary["documents"]["kept"]
    steps = [r for r in rows if r["rule"] is None]
    for one, other in itertools.pairwise(steps):
        for unit in ("documents", "bytes", "tokens"):
            assert one[f"{unit}_out"] == other[f"{unit}_in"], (one["step"], unit)
    assert steps[-1]["bytes_out"] == sum(
        len(text.encode())
        for source in ("pages", "code")
        for fate, _, text, _, wanted in fates(source)
        if fate == "K" and wanted != LOST[4]
    )


def test_why_and_the_report_say_it(run: Run, tmp_path: Path) -> None:
    verdict = why(run, LOST[4])["verdict"]
    assert verdict == {"status": "quarantined", "step": "tokens", "error": "crash", "message": "it"}
    assert run.quarantine()["step"].to_pylist().count("tokens") == 1
    assert "crash" in render(run)
