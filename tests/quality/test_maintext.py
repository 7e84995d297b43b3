"""The gate of the main text engine: F1 by type of page, over pages whose hash is known.

Pages written by hand, which nothing is learned from, are in `pages/` with their gold text; those
that a generator makes have a gate of their own (`test_made_pages.py`). Pages of the Python that is
installed (pydoc) are all content. Where `../shared/data` is: Debian's reference
in three languages, of which nothing is learned either, and the news pages, of which all are learned
from in the shipped weights; what the engine reaches on news that it hasn't seen is in docs/log.md.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import pydoc
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.madepages.score import spaced
from benchmarks.maintext_gold import articles, overlap, precision_recall_f1
from benchmarks.maintext_train import DOCUMENTATION, gold_of
from corpusmith.collect import maintext
from tests.quality.floors_maintext import FLOORS, SHA256

PAGES = Path(__file__).with_name("pages")


def reach(pairs: Iterable[tuple[bytes, str]]) -> float:
    """F1 over (page, gold text)."""
    rows = [
        overlap(spaced(gold), spaced(maintext.main_text(maintext.scan_page(page))))
        for page, gold in pairs
    ]
    return precision_recall_f1(rows)[2]


def hashed(pairs: Iterable[tuple[bytes, str]]) -> str:
    known = hashlib.sha256()
    for page, gold in pairs:
        known.update(hashlib.sha256(page).digest() + hashlib.sha256(gold.encode()).digest())
    return known.hexdigest()


def own_pages() -> dict[str, list[tuple[bytes, str]]]:
    """By type: the first word of a page's name."""
    found: dict[str, list[tuple[bytes, str]]] = {}
    for path in sorted(PAGES.glob("*.html")):
        pair = (path.read_bytes(), path.with_suffix(".txt").read_text("utf-8"))
        found.setdefault(path.stem.split("-")[0], []).append(pair)
        found.setdefault("all", []).append(pair)
    return found


@pytest.mark.parametrize(
    "kind", sorted({p.stem.split("-")[0] for p in PAGES.glob("*.html")} | {"all"})
)
def test_own_pages(kind: str) -> None:
    pairs = own_pages()[kind]
    assert hashed(pairs) == SHA256[kind], "the pages have changed: measure the floor anew"
    found = reach(pairs)
    assert FLOORS[kind] <= found <= FLOORS[kind] + 0.05, (
        f"{kind}: F1 {found:.4f}; a rise moves the floor"
    )


def test_installed_documentation() -> None:
    """Of pydoc's pages nearly every word is content."""
    writer = pydoc.HTMLDoc()
    kept = words = 0
    for name in ("argparse", "json", "statistics", "textwrap"):
        page = writer.page(name, writer.docmodule(importlib.import_module(name))).encode()
        scan = maintext.scan_page(page)
        text = " ".join(scan.text[a:b].tobytes().decode() for a, b in scan.blocks[:, :2].tolist())
        words += len(text.split())
        kept += len(maintext.main_text(scan, markdown=False).split())
    assert kept > FLOORS["pydoc_kept_frac"] * words, (kept, words)


def test_news(shared: Path) -> None:
    pairs = articles(shared)
    assert hashed(pairs) == SHA256["news_learned"]
    assert reach(pairs) >= FLOORS["news_learned"]


@pytest.mark.parametrize("language", ["en", "de", "zh-cn"])
def test_debian_reference(shared: Path, language: str) -> None:
    """Of the book's text (one file for all chapters, of which not all are here) how much is kept of
    what the pages hold."""
    folder = shared / "html" / f"debian-reference-{language}"
    [book] = folder.glob("*.txt.gz")
    gold = spaced(gzip.decompress(book.read_bytes()).decode("utf-8"))
    kept, held = [], []
    for path in sorted(folder.glob("ch*.html")):
        scan = maintext.scan_page(path.read_bytes())
        held += [scan.text[a:b].tobytes().decode() for a, b in scan.blocks[:, :2].tolist()]
        kept.append(maintext.main_text(scan, markdown=False))
    found, there = (overlap(gold, spaced("\n".join(texts))) for texts in (kept, held))
    # Parts are shares of different sums: agreeing over all of the gold is what compares.
    share = (found[0] / (found[0] + found[2])) / (there[0] / (there[0] + there[2]))
    assert share >= FLOORS[f"reference_kept_{language}"], share


@pytest.mark.parametrize("language", ["en-US", "fr-FR", "ja-JP", "zh-CN", "ar-MA"])
def test_debian_handbook(shared: Path, language: str) -> None:
    """Every sixth page of the book, whose layout says what is text; a few others of it have been
    learned from."""
    pages = sorted((shared / "html" / "debian-handbook" / language).glob("*.html"))[::6]
    read = [page.read_bytes() for page in pages]
    pairs = [(page, gold_of(page, *DOCUMENTATION["debian-handbook"])) for page in read]
    found = reach((page, gold) for page, gold in pairs if gold.strip())
    floor = FLOORS[f"handbook_{language}"]
    assert floor <= found <= floor + 0.05, f"{language}: F1 {found:.4f}"
