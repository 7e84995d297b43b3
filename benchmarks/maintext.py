"""Main text from HTML by our own engine, by trafilatura's fast mode and by resiliparse: F1 and
speed.

    python -m benchmarks.maintext [--shared ../shared/data] [--rounds 3]

The three take turns on the same pages, batch by batch, so that noise hits all; CPU time of one
process, MB of HTML. Pages: the news pages of `shared`, of which the shipped weights have learned
(their F1 is that of pages it knows; what it reaches on others is in docs/log.md), else those in
`tests/quality/pages`, of which nothing is learned. The last line is one of JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.maintext_gold import articles, overlap, precision_recall_f1
from corpusmith.collect.extract import extract_page

ROOT = Path(__file__).resolve().parent.parent
BATCH_PAGES = 10


def main(shared: Path | None = None, rounds: int = 3, small: bool = False) -> dict[str, Any]:
    """Measure and print; returns the final line."""
    folder = shared or ROOT.parent / "shared" / "data"
    learned = not small and (folder / "articles").is_dir()
    pairs = articles(folder) if learned else _own_pages()
    engines: dict[str, Callable[[bytes], str]] = {
        "ours": lambda page: extract_page(page, engine="corpusmith").text,
        "trafilatura": trafilatura_fast,
        "resiliparse": _resiliparse,
    }
    seconds = dict.fromkeys(engines, 0.0)
    texts: dict[str, list[str]] = {name: [] for name in engines}
    for engine in engines.values():  # compile, import
        engine(pairs[0][0])
    for turn in range(1 if small else rounds):
        for start in range(0, len(pairs), BATCH_PAGES):
            batch = [page for page, _ in pairs[start : start + BATCH_PAGES]]
            for name in list(engines)[turn % 3 :] + list(engines)[: turn % 3]:
                began = time.process_time()
                found = [engines[name](page) for page in batch]
                seconds[name] += time.process_time() - began
                if turn == 0:
                    texts[name] += found
    size = sum(len(page) for page, _ in pairs) * (1 if small else rounds) / 1e6
    speed = {name: size / max(spent, 1e-9) for name, spent in seconds.items()}
    result: dict[str, Any] = {
        "name": "maintext",
        "pages": len(pairs),
        "mb": round(size, 3),
        "learned_from_these": learned,
        "f1": {name: round(_f1(pairs, found), 4) for name, found in texts.items()},
        "mb_per_s": round(speed["ours"], 1),
        "trafilatura_mb_per_s": round(speed["trafilatura"], 1),
        "resiliparse_mb_per_s": round(speed["resiliparse"], 1),
        "over_trafilatura": round(speed["ours"] / speed["trafilatura"], 2),
        "over_resiliparse": round(speed["ours"] / speed["resiliparse"], 2),
    }
    print(json.dumps(result))
    return result


def _f1(pairs: list[tuple[bytes, str]], found: list[str]) -> float:
    rows = [overlap(gold, text) for (_, gold), text in zip(pairs, found, strict=True)]
    return precision_recall_f1(rows)[2]


def trafilatura_fast(page: bytes) -> str:
    from trafilatura import extract

    text = page.decode("utf-8", "replace")
    return extract(text, fast=True, include_comments=False) or ""


def _resiliparse(page: bytes) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    text = page.decode("utf-8", "replace")
    return extract_plain_text(
        text, main_content=True, links=False, form_fields=False, alt_texts=False
    )


def _own_pages() -> list[tuple[bytes, str]]:
    return [
        (path.read_bytes(), path.with_suffix(".txt").read_text("utf-8"))
        for path in sorted((ROOT / "tests" / "quality" / "pages").glob("*.html"))
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    main(options.shared, options.rounds)
