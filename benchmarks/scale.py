"""docs/scale.md's tables: what 1 TB and 15 TB of text cost, from the lines of RESULTS.md.

    python -m benchmarks.scale [--check]

Nothing is measured here. Core-seconds, memory and bytes by stage are those of the largest size that
benchmarks/growth.py ran, scaled by bytes of text, since growth shows both how far that holds. What
a stage must hold or sort is computed from the sizes of its records (`src/corpusmith/dedup`).
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from benchmarks.__main__ import OUTPUT
from benchmarks.common import ROOT
from benchmarks.page import earlier
from corpusmith.dedup import substring
from corpusmith.dedup.buckets import BUCKET_ROWS, CANDIDATE, EDGE, LINK, MAX_BUCKETS, bucket_count

PAGE = ROOT / "docs" / "scale.md"
TERABYTES = (1, 15)
BANDS = 14
TASK_BYTES = 16e9  # of memory that one task may have on a common machine: where it breaks
PART_BYTES = 64 << 20
CLUSTER_BYTES = EDGE.itemsize + 2 * (8 + 8 + 32 + 8 + 8)
"""Of the one task that finds connected components, for each merged document: its edge, and for the
two documents of it their number, label, id, length and source (dedup/clusters.py)."""
DOCS_BYTES = 140
"""Of the one task that joins docs.parquet, and of mix, for each document: id, part, sequence,
source, offsets and counts as Arrow holds them (tokenize/documents.py)."""
NOTHING = 0.05  # core-seconds a GB: stages below that go into one row
Result = dict[str, Any]


def tables(results: dict[str, Result]) -> dict[str, list[str]]:
    """Markdown lines by the name of the table."""
    growth = results["growth"]
    largest = growth["sizes"][-1]
    facts = {
        "documents_per_tb": largest["documents"] / largest["mb"] * 1e6,
        "merged_frac": largest["merged"] / largest["documents"],
        "kept_frac": largest["kept"] / largest["documents"],
    }
    return {
        "measured": [f"Measured {growth['date']} on {growth['cpu']}, {growth['cores']} cores."],
        "stages": _stages(largest, growth.get("substring") or []),
        "operations": _operations(growth.get("operations") or {}, results.get("extraction")),
        "exchange": _exchange(facts),
        "breaks": _breaks(facts),
        "growth": _growth(growth),
    }


def _hours(seconds_a_gb: float) -> float:
    """Core-hours of a TB."""
    return seconds_a_gb * 1e3 / 3600


def _stages(largest: Result, by_substring: list[Result]) -> list[str]:
    rows = [
        "| stage | core-seconds a GB | core-hours: 1 TB | 15 TB | shuffled: 1 TB | kept: 1 TB "
        "| peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    total = rest = 0.0
    for stage, found in largest["by_stage"].items():
        seconds = found["core_seconds"] / largest["mb"] * 1e3
        total += seconds
        if seconds < NOTHING:
            rest += seconds
            continue
        rows.append(_stage(stage, seconds, found, largest))
    if rest:
        rows.append(f"| the others | {rest:.2f} | {_hours(rest):,.2f} | {_hours(15 * rest):,.1f} "
                    "| | | |")  # fmt: skip
    rows.append(
        f"| **all of these** | {total:.1f} | {_hours(total):,.0f} | {_hours(15 * total):,.0f} "
        "| | | |"
    )
    if by_substring:
        last = by_substring[-1]
        found = last["by_stage"]["decide.substring"]
        seconds = found["core_seconds"] / last["mb"] * 1e3
        rows.append(_stage("decide.substring", seconds, found, last))
    return rows


def _stage(stage: str, seconds: float, found: Result, size: Result) -> str:
    shuffled = found["shuffled_mb"] / size["mb"]
    kept = size["disk_mb"].get(stage, 0) / size["mb"]
    cells = [f"{amount:.3f} TB" if amount >= 0.0005 else "" for amount in (shuffled, kept)]
    return (
        f"| {stage} | {seconds:.1f} | {_hours(seconds):,.1f} | {_hours(15 * seconds):,.0f} "
        f"| {cells[0]} | {cells[1]} | {found['peak_mb']:,} |"
    )


def _operations(operations: dict[str, float], extraction: Result | None) -> list[str]:
    rows = [
        "| operation | MB/s a core | core-hours: 1 TB | 15 TB |",
        "|---|---|---|---|",
    ]
    speeds = dict(operations)
    if extraction and "mb_per_s" in extraction:
        speeds["main text, of HTML"] = extraction["mb_per_s"]
    for name, speed in speeds.items():
        hours = _hours(1e3 / speed)
        rows.append(f"| {name} | {speed:,.1f} | {hours:,.1f} | {15 * hours:,.0f} |")
    return rows


def _exchange(facts: dict[str, float]) -> list[str]:
    rows = [
        "| | " + " | ".join(f"{size} TB" for size in TERABYTES) + " |",
        "|---|" + "---|" * len(TERABYTES),
    ]
    lines: dict[str, list[str]] = {}
    for size in TERABYTES:
        documents = facts["documents_per_tb"] * size
        for what, value in (
            ("documents", f"{documents / 1e6:,.0f} million"),
            ("parts of 64 MiB", f"{size * 1e12 / PART_BYTES:,.0f}"),
            ("exact: keyed rows shuffled", f"{documents * LINK.itemsize / 1e9:,.0f} GB"),
            ("exact: buckets needed", _of_most(_needed(documents, BUCKET_ROWS))),
            ("near: keyed rows", f"{documents * BANDS / 1e9:,.1f} billion"),
            ("near: keyed rows shuffled",
             f"{documents * BANDS * CANDIDATE.itemsize / 1e9:,.0f} GB"),
            ("near: buckets needed", _of_most(_needed(documents * BANDS, BUCKET_ROWS))),
            ("substring: buckets needed", _of_most(_needed(size * 1e12, substring.BUCKET_BYTES))),
            ("near: memory of the one task of components",
             f"{documents * facts['merged_frac'] * CLUSTER_BYTES / 1e9:,.1f} GB"),
            ("tokens and mix: memory of the one task that joins the documents' rows",
             f"{documents * facts['kept_frac'] * DOCS_BYTES / 1e9:,.0f} GB"),
        ):  # fmt: skip
            lines.setdefault(what, []).append(value)
    return rows + [f"| {what} | {' | '.join(values)} |" for what, values in lines.items()]


def _needed(rows: float, in_one: int) -> int:
    """Buckets, a power of two, with at most so many rows in each."""
    count = 1
    while count * in_one < rows:
        count *= 2
    return count


def _of_most(buckets: int) -> str:
    return f"{buckets:,} of at most {MAX_BUCKETS:,}"


def _breaks(facts: dict[str, float]) -> list[str]:
    """What has a bound, smallest first, in TB of text."""
    documents = facts["documents_per_tb"]
    assert bucket_count(MAX_BUCKETS * BUCKET_ROWS * 4) == MAX_BUCKETS
    most = MAX_BUCKETS * BUCKET_ROWS
    keyed = f"buckets of {BUCKET_ROWS / 1e6:g} million keyed rows"
    bounds = [
        ("`tokens`, `mix`: a row of each document in one task",
         TASK_BYTES / (documents * facts["kept_frac"] * DOCS_BYTES)),
        ("`decide.near`: merged documents in one task",
         TASK_BYTES / (documents * facts["merged_frac"] * CLUSTER_BYTES)),
        ("`decide.substring`: buckets of 16 MiB of text",
         MAX_BUCKETS * substring.BUCKET_BYTES / 1e12),
        (f"`decide.near`: {keyed}", most / (documents * BANDS)),
        (f"`decide.exact`: {keyed}", most / documents),
    ]  # fmt: skip
    rows = ["| what | reached at |", "|---|---|"]
    for what, terabytes in sorted(bounds, key=lambda one: one[1]):
        rows.append(f"| {what} | {terabytes:,.2g} TB |" if terabytes < 1 else
                    f"| {what} | {terabytes:,.0f} TB |")  # fmt: skip
    return rows


def _growth(growth: Result) -> list[str]:
    rows = [
        "| recipe | MB of text | documents | seconds | MB/s | peak MB, all processes "
        "| largest process | recall of copies: exact, near (formula) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for recipe, name in (("whole", "sizes"), ("near", "near"), ("substring", "substring")):
        for size in growth.get(name) or []:
            found = ""
            if "near_recall" in size:
                expected = size["near_recall_expected"]
                found = f"{size['exact_recall']:.3f}, {size['near_recall']:.3f} ({expected:.3f})"
            rows.append(
                f"| {recipe} | {size['mb']:,.0f} | {size['documents']:,} "
                f"| {size['seconds']:,.0f} | {size['mb'] / size['seconds']:.1f} "
                f"| {size['peak_mb']:,} | {size['largest_process_mb']:,} | {found} |"
            )
    for name, what in (
        ("growth", "whole"),
        ("near_growth", "near"),
        ("substring_growth", "substring"),
    ):
        if growth.get(name):
            one = growth[name]
            rows.append(
                f"| {what}, growth | | | x {one['time']:.2f} | | x {one['memory']:.2f} | | |"
            )
    return rows


def filled(page: str, found: dict[str, list[str]]) -> str:
    """The page with each table between its marks."""
    for name, lines in found.items():
        mark = f"<!-- scale: {name} -->\n"
        before, there, after = page.partition(mark)
        if there:
            rest = after.partition("<!-- end -->")[2]
            page = before + mark + "\n".join([*lines, "<!-- end -->"]) + rest
    return page


def main(check: bool) -> int:
    results = earlier(OUTPUT)
    if "sizes" not in results.get("growth", {}):
        print("no line of growth in RESULTS.md: run `python -m benchmarks growth`", file=sys.stderr)
        return 2
    page = PAGE.read_text(encoding="utf-8")
    new = filled(page, tables(results))
    if check:
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit 1 where the page is old")
    sys.exit(main(parser.parse_args().check))
