"""Command line of the made pages, see the package."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import math
from pathlib import Path

from benchmarks.madepages import LANGUAGES, LAYOUTS, Made, make, pages
from benchmarks.madepages.score import by_group, structure

SAMPLE = Path(__file__).resolve().parents[2] / "tests" / "quality" / "pages" / "made"
SAMPLE_SEED = 1_000


def sample() -> list[Made]:
    """The committed pages: each layout once, languages in turn."""
    return [
        make(layout, LANGUAGES[number % len(LANGUAGES)], SAMPLE_SEED)
        for number, layout in enumerate(LAYOUTS)
    ]


def write(made: list[Made], folder: Path) -> None:
    """NAME.html and NAME.txt a page; what the pages say of themselves in said.json."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in made:
        (folder / f"{one.name}.html").write_bytes(one.page)
        (folder / f"{one.name}.txt").write_text(one.gold + "\n", "utf-8")
    said = {one.name: dataclasses.asdict(one.said) for one in made}
    (folder / "said.json").write_text(
        json.dumps(said, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    print(f"{len(made)} pages in {folder}")


def score(count: int, first_seed: int) -> None:
    """Print F1 by kind and language, and of our own engine also the structure's."""
    from benchmarks.maintext import _resiliparse, trafilatura_fast
    from corpusmith.collect.extract import extract_text

    def ours(page: bytes) -> str:
        return extract_text(page, engine="corpusmith")

    made = list(pages(count, first_seed))
    engines = {"ours": ours, "trafilatura": trafilatura_fast, "resiliparse": _resiliparse}
    found = {name: by_group(made, engine) for name, engine in engines.items()}
    found["structure"] = by_group(made, ours, structure)
    print(f"{'F1':15}" + "".join(f"{name:>13}" for name in found))
    for group in found["ours"]:
        print(
            f"{group:15}"
            + "".join(
                f"{rows[group][2] if group in rows else 0.0:13.3f}" for rows in found.values()
            )
        )
    result = {name: {g: round(r[2], 4) for g, r in rows.items()} for name, rows in found.items()}
    print(json.dumps({"name": "madepages", "pages": len(made), "f1": result}))


def floors() -> None:
    """Print what tests/quality/floors_made.py holds, measured now and rounded down."""
    from corpusmith.collect.extract import extract_text
    from tests.quality.floors_made import FIRST_SEED, PAGES

    made = list(pages(PAGES, FIRST_SEED))
    for name, measure in (("MAIN_TEXT", None), ("STRUCTURE", structure)):
        more = () if measure is None else (measure,)
        found = by_group(made, lambda page: extract_text(page, engine="corpusmith"), *more)
        print(f"{name}: dict[str, float] = {{")
        for group, row in found.items():
            print(f'    "{group}": {math.floor(row[2] * 100) / 100:.2f},')
        print("}")
    known = hashlib.sha256()
    for one in made:
        known.update(hashlib.sha256(one.page).digest() + hashlib.sha256(one.gold.encode()).digest())
    print(f'SHA256 = "{known.hexdigest()}"')


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--pages", type=int, default=252)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--score", action="store_true")
    parser.add_argument("--floors", action="store_true")
    options = parser.parse_args()
    if options.sample:
        write(sample(), SAMPLE)
    if options.folder:
        write(list(pages(options.pages, options.first_seed)), options.folder)
    if options.score:
        score(options.pages, options.first_seed)
    if options.floors:
        floors()
    if not (options.sample or options.folder or options.score or options.floors):
        parser.error("say where to write to, or --sample, --score or --floors")


if __name__ == "__main__":
    main()
