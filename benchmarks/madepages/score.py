"""How well an engine does on pages of our own making: main text, structure, fields."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from benchmarks.madepages import HELD_OUT, Made
from benchmarks.maintext_gold import Overlap, agreement, overlap, precision_recall_f1

_WIDE = re.compile("([\u3040-\u30ff\u4e00-\u9fff])")
_MARKED = re.compile(r"(#{1,6} |\s*(?:-|\d+\.) |> |\|)")


def spaced(text: str) -> str:
    """Chinese and Japanese with each character as a word: `\\w+` takes a sentence for one."""
    return _WIDE.sub(r" \1 ", text)


def marked_lines(markdown: str) -> Counter[str]:
    """Lines that carry structure: headings, list items with their indent, quotes, rows of tables,
    and all that stands in fences, its indent included."""
    found: Counter[str] = Counter()
    fence = ""
    for line in markdown.split("\n"):
        ticks = re.match(r"\s*(`{3,})", line)
        if ticks and (not fence or line.strip() == fence):
            fence = "" if fence else ticks[1]
            found["fence " + line.strip()] += 1
        elif fence or _MARKED.match(line):
            found[("code " if fence else "") + line.rstrip()] += 1
    return found


def structure(gold: str, found: str) -> Overlap:
    """(agreeing, too many, missing) marked lines, each as a share of their sum."""
    return agreement(marked_lines(gold), marked_lines(found))


def groups_of(made: Made) -> tuple[str, ...]:
    """What a page counts for: its kind, its language, whether its layout may be learned from."""
    seen = "held_out" if made.layout in HELD_OUT else "to_learn_from"
    return made.kind, made.language, seen, "all"


def by_group(
    pages: Iterable[Made], extract: Callable[[bytes], str],
    measure: Callable[[str, str], Overlap] = lambda gold, found: overlap(spaced(gold), spaced(found)),
) -> dict[str, tuple[float, float, float]]:  # fmt: skip
    """(precision, recall, F1) by kind, by language, over layouts held out or not, and over all."""
    rows: dict[str, list[Overlap]] = defaultdict(list)
    for made in pages:
        row = measure(made.gold, extract(made.page))
        if row[0] + row[2] == 0:  # a gold without structure says nothing about it
            continue
        for group in groups_of(made):
            rows[group].append(row)
    return {group: precision_recall_f1(found) for group, found in rows.items()}
