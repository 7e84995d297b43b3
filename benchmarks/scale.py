"""docs/scale.md's tables: what 1 TB and 15 TB of text cost, from the lines of RESULTS.md.

    python -m benchmarks.scale [--check]

Nothing is measured here. Seconds, memory and disk by stage are those of the largest size that
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
from corpusmith.dedup.buckets import BUCKET_ROWS, CANDIDATE, EDGE, LINK, MAX_BUCKETS

PAGE = ROOT / "docs" / "scale.md"
TERABYTES = (1, 15)
BANDS = 14
MERGED_FRAC = 0.2  # of the documents, as planted by growth.py
CLUSTER_BYTES = EDGE.itemsize + 2 * (8 + 8 + 32 + 8 + 8)
"""Of the one task that finds connected components, for each merged document: its edge, and for the
two documents of it their number, label, id, length and source (dedup/clusters.py)."""
DOCS_BYTES = 140
"""Of the one task that joins docs.parquet, and of mix, for each document: id, part, sequence,
source, offsets and counts as Arrow holds them (tokenize/documents.py)."""


def tables(results: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Markdown lines by the name of the table."""
    growth = results["growth"]
    largest = growth["sizes"][-1]
    documents_per_tb = largest["documents"] / largest["mb"] * 1e6
    return {
        "stages": _stages(largest, growth["workers"]),
        "exchange": _exchange(documents_per_tb),
        "growth": _growth(growth),
    }


def _stages(largest: dict[str, Any], workers: int) -> list[str]:
    rows = [
        "| stage | core-seconds a GB | core-hours: 1 TB | 15 TB | disk: 1 TB | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    total = 0.0
    for stage, found in largest["by_stage"].items():
        seconds = found["seconds"] * workers / largest["mb"] * 1e3
        hours = seconds * 1e3 / 3600
        total += hours
        disk = largest["disk_mb"].get(stage)
        if stage == "tokens":  # its folder is named by its fingerprint alone
            known = {name.partition(".")[0] for name in largest["by_stage"]}
            sizes = largest["disk_mb"].items()
            disk = next((mb for n, mb in sizes if n.partition(".")[0] not in known), None)
        taken = f"{disk / largest['mb']:.2f} TB" if disk else ""
        rows.append(
            f"| {stage} | {seconds:.1f} | {hours:,.1f} | {15 * hours:,.0f} | {taken} "
            f"| {found['peak_mb']:,} |"
        )
    return [*rows, f"| all | {total * 3.6:.1f} | {total:,.0f} | {15 * total:,.0f} | | |"]


def _exchange(documents_per_tb: float) -> list[str]:
    rows = [
        "| | " + " | ".join(f"{size} TB" for size in TERABYTES) + " |",
        "|---|" + "---|" * len(TERABYTES),
    ]
    lines: dict[str, list[str]] = {}
    for size in TERABYTES:
        documents = documents_per_tb * size
        keyed = documents * BANDS
        buckets = 1
        while buckets * BUCKET_ROWS < keyed:
            buckets *= 2
        merged = documents * MERGED_FRAC
        shuffled = keyed * CANDIDATE.itemsize + documents * LINK.itemsize
        for what, value in (
            ("documents", f"{documents / 1e6:,.0f} million"),
            ("near-dedup: keyed rows", f"{keyed / 1e9:,.1f} billion"),
            ("near-dedup: bytes shuffled", f"{shuffled / 1e9:,.0f} GB"),
            ("near-dedup: buckets needed", f"{buckets:,} of at most {MAX_BUCKETS:,}"),
            ("near-dedup: memory of the one task of components",
             f"{merged * CLUSTER_BYTES / 1e9:,.1f} GB"),
            ("tokens and mix: memory of the one task that joins the documents' rows",
             f"{documents * DOCS_BYTES / 1e9:,.0f} GB"),
        ):  # fmt: skip
            lines.setdefault(what, []).append(value)
    return rows + [f"| {what} | {' | '.join(values)} |" for what, values in lines.items()]


def _growth(growth: dict[str, Any]) -> list[str]:
    rows = [
        "| MB of text | documents | seconds | MB/s | peak MB, all processes | largest process |",
        "|---|---|---|---|---|---|",
    ]
    for size in [*growth["sizes"], *growth["near"]]:
        rows.append(
            f"| {size['mb']:,.0f} | {size['documents']:,} | {size['seconds']:,.0f} "
            f"| {size['mb'] / size['seconds']:.1f} | {size['peak_mb']:,} "
            f"| {size['largest_process_mb']:,} |"
        )
    return rows


def filled(page: str, found: dict[str, list[str]]) -> str:
    """The page with each table between its marks."""
    for name, lines in found.items():
        mark = f"<!-- scale: {name} -->\n"
        before, _, after = page.partition(mark)
        rest = after.partition("<!-- end -->")[2]
        page = before + mark + "\n".join([*lines, "<!-- end -->"]) + rest
    return page


def main(check: bool) -> int:
    page = PAGE.read_text(encoding="utf-8")
    new = filled(page, tables(earlier(OUTPUT)))
    if check:
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit 1 where the page is old")
    sys.exit(main(parser.parse_args().check))
