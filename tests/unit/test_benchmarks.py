"""Every benchmark runs, in its small form; the page that `make bench` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import growth, memory, scale
from benchmarks.__main__ import BENCHMARKS, OUTPUT, run_one
from benchmarks.common import claim, met
from benchmarks.page import earlier, page, write

FIGURES = {
    "startup": ("import_seconds", "help_seconds", "second_run_seconds"),
    "signals": ("mb", "seconds", "mb_per_s"),
    "segmented_words": (),
    "extraction": ("mb", "mb_per_s", "bare_mb_per_s", "ratio"),
    "maintext": ("mb", "mb_per_s", "trafilatura_mb_per_s", "resiliparse_mb_per_s"),
    "tokens": ("text_mb", "train_mb_per_second", "encode_mb_per_second"),
    "neardup": ("documents", "minhash_estimate_mb_per_second"),
    "recall": ("pairs", "seconds"),
    "substring": ("mb", "seconds", "peak_mb", "removed_tokens", "suffix_array_seconds"),
    "equal_filters": ("documents", "mb", "c4_texts"),
    "equal_tokens": ("texts", "mb"),
    "cleaning": ("mb", "seconds", "mb_per_s", "pages", "speedup_of_two_workers"),
    "where": ("mb", "documents", "cpu_seconds"),
    "memory": ("mb",),
    "growth": ("mb", "seconds", "mb_per_s"),
    "crawl": ("pages", "pages_per_second", "pages_per_cpu_second", "peak_mb", "kills"),
    "kills": ("kills", "seconds", "folders_compared", "files_compared"),
}


def test_every_module_with_a_figure_is_run() -> None:
    modules = {p.stem for p in OUTPUT.parent.glob("*.py")}
    helpers = {"__init__", "__main__", "common", "data", "texts", "duel", "pairs", "page", "scale"}
    helpers |= {"planted", "maintext_gold", "maintext_train"}
    helpers |= {"language_udhr"}  # reads declarations that are not in the repository
    assert modules - helpers == set(BENCHMARKS) == set(FIGURES)


@pytest.mark.parametrize("name", [n for n in BENCHMARKS if n != "memory"])  # has its own below
def test_its_small_form_ends_with_its_figures(name: str) -> None:
    result = run_one(name, small=True)
    assert "failed" not in result, result
    assert result["name"] == name
    assert all(result[figure] > 0 for figure in FIGURES[name])
    if name == "growth":
        [size], [near] = result["sizes"], result["near"]
        assert size["exact_recall"] == near["exact_recall"] == 1
        assert size["near_recall"] > 0.8 < near["near_recall"]
        assert size["others"] == near["others"] == 0
    # Figures of a small form mean nothing, so they are held against no claim.
    assert "claims" not in result


def test_memory_of_a_small_run_is_that_of_its_largest_process() -> None:
    """Bounds hold for a gigabyte, so they hold for megabytes; a single long line leaves alone."""
    cases = run_one("memory", small=True)["cases"]
    for case, found in cases.items():
        assert max(found["mb_by_stage"].values()) <= found["mb"] < memory.BOUNDS_MB[case]
    assert cases["gz"]["documents"] > 100 and cases["gz"]["quarantined"] == 0
    assert {"clean.s", "decide.near", "tokens"} <= cases["gz"]["mb_by_stage"].keys()
    line = cases["one_line"]
    assert (line["documents"], line["quarantined"]) == (3, 1)


@pytest.mark.parametrize(
    ("measured", "bound", "holds"),
    [(60, "..60", True), (60.1, "..60", False), (0.9, "0.9..", True), (0.89, "0.9..", False)],
)
def test_a_bound_is_inclusive(measured: float, bound: str, holds: bool) -> None:
    assert met(claim("a figure", measured, bound)) is holds


def test_the_page_says_what_is_not_met_and_is_read_again(tmp_path: Path) -> None:
    machine = {"date": "2026-01-01", "cpu": "A", "cores": 2, "python": "3.11", "versions": {}}
    results = {
        "signals": {
            **{"name": "signals", "mb": 100.0, "data": "文本", **machine},
            "claims": [claim("speed", 31, "30.."), claim("another", 29, "30..")],
        },
        "kills": {"name": "kills", "failed": "exit status 1", **machine},
    }
    text = page(results)
    assert "| speed | 30.. | 31 | yes |" in text
    assert "| another | 30.. | 29 | **no** |" in text
    assert "**Failed**: exit status 1" in text
    output = tmp_path / "RESULTS.md"
    assert earlier(output) == {}
    output.write_text(text, encoding="utf-8")
    assert earlier(output) == results


def test_the_page_says_where_the_time_goes() -> None:
    """Figures chosen so that each can be worked out by hand: 10 s in all, 7 of them in the pass."""
    machine = {"date": "2026-01-01", "cpu": "A", "cores": 2, "python": "3.11", "versions": {}}
    where = {
        **{"name": "where", "mb": 100.0, "documents": 9, "kept": 4, "cpu_seconds": 10.0, **machine},
        "stages": {"collect.texts": 1.0, "clean.texts": 7.0, "decide.a": 0.5, "tokens": 1.0}
        | {"decide.b": 0.25, "main": 0.25},
        "operations": {"normalize": 2.0, "language": 1.5},
        "limits": {"json": 0.5, "copy": 0.02, "zstd": 0.3, "unzstd": 0.1},
    }
    text = page({"where": where})
    assert "| pass over the text (`clean`) | 7 | 70 % | 14 |" in text
    assert "| rules and duplicates (`decide`) | 0.75 | 8 % | 133 |" in text
    assert "| `normalize` | 2 | 50 |" in text
    assert "copying the text once takes 0.02 s\n(5,000 MB/s), a 500th of the whole" in text
    assert "zstd 0.3 s to write and 0.1 s to read" in text


def test_writing_one_keeps_the_others(tmp_path: Path) -> None:
    machine = {"date": "2026-01-01", "cpu": "A", "cores": 2, "python": "3.11", "versions": {}}
    output = tmp_path / "RESULTS.md"
    order = ["signals", "tokens"]
    write(output, {"tokens": {"name": "tokens", "mb": 5, **machine}}, order)
    write(output, {"signals": {"name": "signals", "mb": 6, **machine}}, order)
    write(output, {"tokens": {"name": "tokens", "mb": 7, **machine}}, order)
    found = {name: result["mb"] for name, result in earlier(output).items()}
    assert list(found.items()) == [("signals", 6), ("tokens", 7)]


def test_the_page_on_scale_is_computed_from_the_results() -> None:
    """Figures chosen so that each can be worked out by hand."""
    size = {"mb": 1000.0, "documents": 100_000, "merged": 20_000, "kept": 50_000, "seconds": 50.0}
    size |= {"peak_mb": 900, "largest_process_mb": 500}
    stage = {"seconds": 36.0, "core_seconds": 72.0, "peak_mb": 500, "shuffled_mb": 0}
    by_stage = {"clean.texts": stage, "decide.near": {**stage, "shuffled_mb": 1360.0}}
    growth = {
        "name": "growth",
        "workers": 2,
        "sizes": [{**size, "by_stage": by_stage, "disk_mb": {"clean.texts": 1500.0}}],
        "near": [],
        "operations": {"language": 50.0},
        "growth": {},
        **{"date": "2026-01-01", "cpu": "A", "cores": 2},
    }
    found = scale.tables({"growth": growth, "extraction": {"mb_per_s": 10.0}})
    # 72 core-seconds a GB are 20 core-hours a TB, 50 MB/s 5.6 of them.
    assert "| clean.texts | 72.0 | 20.0 | 300 |  | 1.500 TB | 500 |" in found["stages"]
    assert "| decide.near | 72.0 | 20.0 | 300 | 1.360 TB |  | 500 |" in found["stages"]
    assert "| **all of these** | 144.0 | 40 | 600 | | | |" in found["stages"]
    assert "| language | 50.0 | 5.6 | 83 |" in found["operations"]
    assert "| main text, of HTML | 10.0 | 27.8 | 417 |" in found["operations"]
    # 100 million documents a TB have 1.4 billion band keys, of which 2 million go into a bucket:
    # 700 buckets, and so 1,024; with one key each, 50 and so 64.
    exchange = "\n".join(found["exchange"])
    assert (
        "| near: buckets needed | 1,024 of at most 65,536 | 16,384 of at most 65,536 |" in exchange
    )
    assert "| exact: buckets needed | 64 of at most 65,536 | 1,024 of at most 65,536 |" in exchange
    # 50 million rows of 140 bytes a TB: 16 GB are 2.3 TB.
    assert "| `tokens`, `mix`: a row of each document in one task | 2 TB |" in found["breaks"]
    page = scale.filled("a\n<!-- scale: growth -->\nold\n<!-- end -->\nb\n", found)
    assert "| whole | 1,000 | 100,000 | 50 | 20.0 | 900 | 500 |" in page and "old" not in page


def test_growth_goes_on_with_the_size_that_is_missing(tmp_path: Path) -> None:
    def stopped() -> dict[str, Any]:
        raise KeyboardInterrupt

    first = growth.Kept(tmp_path)
    assert first.get("sizes 1", lambda: {"seconds": 1}) == {"seconds": 1}
    with pytest.raises(KeyboardInterrupt):
        first.get("sizes 2", stopped)
    again = growth.Kept(tmp_path)
    assert again.get("sizes 1", stopped) == {"seconds": 1}
    assert again.get("sizes 2", lambda: {"seconds": 2}) == {"seconds": 2}
    again.forget()
    assert growth.Kept(tmp_path).found == {}


def test_growth_is_the_cost_of_what_a_size_has_more() -> None:
    sizes = [(250, 10, 900), (1000, 40, 950), (4000, 196, 990)]
    found = growth.growth(
        [dict(zip(("mb", "seconds", "peak_mb"), s, strict=True)) for s in sizes], "mb"
    )
    # 30 s for 750 MB, then 156 s for 3,000 MB: 40 and 52 s a GB.
    assert found == {"time": 1.3, "memory": 1.1}
    assert growth.growth([], "mb") == {}
