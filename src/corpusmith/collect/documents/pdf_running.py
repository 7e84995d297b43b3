"""Running headers, footers and page numbers: lines that come again at the same place."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter

from corpusmith.collect.documents.pdf_layout import Line

ZONE_FRAC = 0.12  # of the page's height, at the top and at the bottom
ZONE_LINES = 3
LEAST_PAGES = 3
LEAST_FRAC = 0.2  # of the pages
NEAR = 3  # pages on each side, of which as many as LEAST_PAGES are enough: a chapter's own header
_NUMBER = re.compile(
    r"\W{0,3}(?:page|seite|p\.|第)?\s{0,2}(?:(\d{1,5})|([ivxlc]{1,8}))"
    r"(?:\s{0,2}(?:of|/|von|de|页|頁|共)\s{0,2}\d{1,5})?\s{0,2}[页頁]?\W{0,3}",
    re.IGNORECASE,
)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


def running_lines(
    pages: list[list[list[Line]]], heights: list[tuple[float, float]]
) -> list[set[int]]:
    """For each page the ids (`id(line)`) of lines that belong to the page, not to the text.

    `heights`: (bottom, top) of each page. A line counts where its text, figures aside, stands at
    the same height on three pages or more and a fifth of all, or on three neighbours; a number
    where it grows with the pages, or stands alone at the foot of the only page as its number.
    """
    zones = [_zone(regions, *span) for regions, span in zip(pages, heights, strict=True)]
    seen: dict[tuple[str, int], list[int]] = {}
    offsets: Counter[tuple[int, bool]] = Counter()
    for index, zone in enumerate(zones):
        keys = {_key(line, *heights[index]) for line in zone}
        for key in keys:
            if len(re.sub(r"[\W\d_]+", "", key[0])) >= 3:
                seen.setdefault(key, []).append(index)
        offsets.update(
            {(number - index, roman) for line in zone for number, roman in _numbers(line.text)}
        )
    least = max(LEAST_PAGES, LEAST_FRAC * len(pages))
    found = []
    for index, zone in enumerate(zones):
        drop = set()
        for line in zone:
            numbered = any(
                offsets[number - index, roman] >= min(2, len(pages))
                and (len(pages) > 1 or (number == 1 and not roman and _alone(line, zone)))
                for number, roman in _numbers(line.text)
            )
            where = seen.get(_key(line, *heights[index]), [])
            near = bisect_right(where, index + NEAR) - bisect_left(where, index - NEAR)
            if numbered or len(where) >= least or near >= LEAST_PAGES:
                drop.add(id(line))
        # A page with nothing else has it as its text.
        rest = sum(id(line) not in drop for region in pages[index] for line in region)
        found.append(drop if rest or all(_numbers(line.text) for line in zone) else set())
    return found


def _zone(regions: list[list[Line]], bottom: float, top: float) -> list[Line]:
    lines = sorted((line for region in regions for line in region), key=lambda line: -line.y)
    depth = ZONE_FRAC * (top - bottom)
    head = [line for line in lines[:ZONE_LINES] if line.y > top - depth]
    # Narrow pages of print on wide paper have their number far above its edge.
    foot = [line for line in lines[-ZONE_LINES:] if line.y < bottom + depth or line is lines[-1]]
    return head + [line for line in foot if not any(line is h for h in head)]


def _key(line: Line, bottom: float, top: float) -> tuple[str, int]:
    return re.sub(r"\d+|\b[ivxlc]{1,8}\b", "#", line.text.casefold()), round((line.y - bottom) / 4)


def _numbers(text: str) -> list[tuple[int, bool]]:
    """The page number that a line consists of: (number, whether Roman)."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return []
    if match[1]:
        return [(int(match[1]), False)]
    values = [_ROMAN[c] for c in match[2].lower()]
    total = sum(
        -v if i + 1 < len(values) and v < values[i + 1] else v for i, v in enumerate(values)
    )
    return [(total, True)]


def _alone(line: Line, zone: list[Line]) -> bool:
    return line is min(zone, key=lambda other: other.y) and line.text.strip().isdigit()
