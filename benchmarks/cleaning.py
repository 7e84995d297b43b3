"""The whole cleaning of 300 MB of Debian's HTML documentation, with two workers and with one.

    python -m benchmarks.cleaning [--megabytes 300] [--small]

From pages to what is kept, as a recipe says it: main text, normalize, language, the quality and
repetition signals, Gopher's rules, exact and near duplicates, PII masking, and all their records.
Kernels are compiled before (`corpusmith doctor --warm` does that once a machine) and the pages
are in the page cache; starting the workers, hashing the input and writing every result counts.
`language` looks at a prefix of each document, its length in the module's docstring.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.common import claim, recipe, report
from corpusmith import catalog, runner
from corpusmith.engine.local import LocalEngine

MEGABYTES = 300
RECIPE = recipe(
    *("normalize", "language", "measure: [quality, repetition]", "keep: gopher"),
    *("dedup: exact", "dedup: {near: {threshold: 0.8}}", "pii: mask"),
    source="pages",
    read="html",
    path="pages/**/*.html",
)


def main(small: bool = False, megabytes: float = MEGABYTES) -> dict[str, Any]:
    """Measure and print; returns the last line."""
    with LocalEngine(1, warm=catalog.KERNELS) as engine:
        engine.warm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if small:
            pages, words = data.small_html(folder / "made")
        else:
            pages, words = data.html(int(megabytes * 1e6))
        size = data.link(pages, folder / "pages")
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        for path in (folder / "pages").rglob("*.html"):
            path.read_bytes()
        # Two workers first: what is claimed is measured on a machine that has done nothing yet.
        two, one = (_measure(folder, workers) for workers in (2, 1))
    seconds = two["seconds"]["total"]
    result = {
        "name": "cleaning",
        "mb": round(size / 1e6, 1),
        "seconds": seconds,
        "mb_per_s": round(size / 1e6 / seconds, 2),
        "workers": 2,
        "pages": len(pages),
        "text_mb": round(two["read_bytes"] / 1e6, 1),
        "documents": two["documents"],
        "seconds_by_stage": two["seconds"],
        "seconds_by_stage_one_worker": one["seconds"],
        "speedup_of_two_workers": round(one["seconds"]["total"] / seconds, 2),
        "data": words,
    }
    if not small:
        # Fewer pages than asked for (no Debian here) are held to the same speed.
        what = f"seconds for {MEGABYTES} MB of HTML, 2 workers"
        scaled = round(seconds * MEGABYTES * 1e6 / size, 1)
        result["claims"] = [claim(what, scaled, "..60")]
    return report(result)


def _measure(folder: Path, workers: int) -> dict[str, Any]:
    began = time.monotonic()
    run = runner.run(folder / "recipe.yaml", workdir=folder / f"workers-{workers}", workers=workers)
    total = time.monotonic() - began
    seconds = {stage: s for stage, s in run.summary["seconds"].items() if stage != "total"}
    # What is no stage's: planning, with the hashes of the input, the summary and the report.
    seconds["rest"] = round(total - sum(seconds.values()), 3)
    seconds["total"] = round(total, 3)
    cleaned = run.info("clean.pages")
    return {
        "seconds": seconds,
        "documents": run.summary["documents"],
        "read_bytes": cleaned["read_bytes"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--megabytes", type=float, default=MEGABYTES)
    parser.add_argument("--small", action="store_true", help="a few pages, in seconds")
    options = parser.parse_args()
    main(options.small, options.megabytes)
