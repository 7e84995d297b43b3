"""How well extracted text agrees with a page's main text: the measure of the article extraction
benchmark (https://github.com/scrapinghub/article-extraction-benchmark, evaluate.py).

Runs of four words (`\\w+`) of both texts are compared as multisets. Of each page the counts that
agree, are too many or are missing are divided by their sum, precision and recall are means over the
pages, F1 is the harmonic mean of the two. Pages without a text on the side in question are not in
its mean.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TOKEN = re.compile(r"\w+")
RUN = 4
Overlap = tuple[float, float, float]


def runs(text: str) -> Counter[tuple[str, ...]]:
    """The runs of four words of a text; of a shorter text, all of it."""
    words = TOKEN.findall(text)
    if not words:
        return Counter()
    return Counter(tuple(words[i : i + RUN]) for i in range(max(1, len(words) - RUN + 1)))


def overlap(gold: str, found: str) -> Overlap:
    """(agreeing, too many, missing) runs, each as a share of their sum."""
    return agreement(runs(gold), runs(found))


def agreement(wanted: Counter[Any], given: Counter[Any]) -> Overlap:
    """(agreeing, too many, missing) of two multisets, each as a share of their sum."""
    same = (wanted & given).total()
    parts = same, given.total() - same, wanted.total() - same
    total = sum(parts) or 1
    return parts[0] / total, parts[1] / total, parts[2] / total


def precision_recall_f1(pages: Sequence[Overlap]) -> tuple[float, float, float]:
    """Over pages, each 0..1."""
    precisions = [same / (same + extra) for same, extra, _ in pages if same + extra > 0]
    recalls = [same / (same + missing) for same, _, missing in pages if same + missing > 0]
    precision = sum(precisions) / max(1, len(precisions))
    recall = sum(recalls) / max(1, len(recalls))
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def articles(shared: Path) -> list[tuple[bytes, str]]:
    """(page, gold text) of the news pages, by name."""
    folder = shared / "articles"
    gold = json.loads((folder / "ground-truth.json").read_text("utf-8"))
    return [
        (
            gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()),
            gold[name]["articleBody"],
        )
        for name in sorted(gold)
    ]
