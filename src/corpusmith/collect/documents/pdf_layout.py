"""From placed pieces of text to lines and paragraphs in reading order.

Units are PDF points, y grows upwards. Columns are found as gutters: a vertical line that few
pieces cross, with text of column width at both sides over the same heights. What crosses it (a
title, a wide figure's caption) divides the page into bands; in each the left column is read before
the right one, and each again may have columns. A table's cells don't fill their columns, so its
rows stay rows.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence

import numpy as np

MAX_DEPTH = 4  # columns within columns
CANDIDATES = 64  # positions at which a gutter is looked for
LEAST_LINES = 4  # on each side of a gutter
MAX_CROSSING_FRAC = 0.4  # of all pieces
LEAST_FILL_FRAC = 0.6  # median width of a column's pieces by the column's width
LEAST_COLUMN_FRAC = 0.15  # of the width of the text
PARAGRAPH_GAP = 1.4  # distance of baselines by the region's usual one
SAME_SIZE = 1.17  # ratio of font heights
LEADING = 1.1  # distance of baselines by the font's size, at the least
FONT = 1.08  # ratio of font sizes in one paragraph
_BULLET = re.compile(
    r"(?:[•‣◦▪●○■–—*]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\[\d{1,3}\])(?=\s|$)"
)
_ENDS = tuple('.!?:;。！？：；…"”’)]》」』')
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


@dataclasses.dataclass
class Piece:
    """Text on one baseline, without a wide gap in it."""

    x0: float
    x1: float
    y: float  # of the baseline
    size: float  # height of the font
    text: str
    broken: bool = False  # a word goes on in the next line, its hyphen left out
    cells: int = 1  # pieces with wide gaps between them that it was joined of
    font: float = 0.0  # size of the font; `size` is that of its boxes, which differ between fonts
    bold: bool = False  # from its first to its last letter


Line = Piece  # pieces of one baseline, joined


@dataclasses.dataclass
class Paragraph:
    lines: list[Line]


def reading_order(pieces: Sequence[Piece]) -> list[list[Line]]:
    """Regions (a column, a band over all columns) in reading order, each a list of lines."""
    return [_lines(region) for region in _regions(list(pieces), 0)]


def _regions(pieces: list[Piece], depth: int) -> list[list[Piece]]:
    gutter = _gutter(pieces) if depth < MAX_DEPTH and len(pieces) >= 2 * LEAST_LINES else None
    if gutter is None:
        return [pieces] if pieces else []
    crossing = [p for p in pieces if p.x0 < gutter < p.x1]
    sides = [p for p in pieces if not p.x0 < gutter < p.x1]
    regions: list[list[Piece]] = []
    # Walk from the top: bands of columns, and between them what goes over both.
    ordered = sorted(crossing, key=lambda p: -p.y)
    sides.sort(key=lambda p: -p.y)
    at = 0
    wide: list[Piece] = []

    def close(band: list[Piece]) -> None:
        if wide:
            regions.append(list(wide))
            wide.clear()
        for side in (
            [p for p in band if p.x1 <= gutter],
            [p for p in band if p.x1 > gutter],
        ):
            regions.extend(_regions(side, depth + 1))

    for piece in ordered:
        begin = at
        while at < len(sides) and sides[at].y > piece.y + 0.5 * piece.size:
            at += 1
        if at > begin:
            close(sides[begin:at])
        wide.append(piece)
    close(sides[at:])
    return regions


def _gutter(pieces: list[Piece]) -> float | None:
    """The x of the best gutter, or None."""
    x0 = np.array([p.x0 for p in pieces])
    x1 = np.array([p.x1 for p in pieces])
    y = np.array([p.y for p in pieces])
    width = x1 - x0
    left_edge, right_edge = float(x0.min()), float(x1.max())
    whole = right_edge - left_edge
    best: tuple[int, float] | None = None
    found = None
    if whole <= 0:
        return None
    for x in np.linspace(left_edge + 0.12 * whole, right_edge - 0.12 * whole, CANDIDATES):
        left, right = x1 <= x, x0 >= x
        n_left, n_right = int(left.sum()), int(right.sum())
        crossing = len(pieces) - n_left - n_right
        if min(n_left, n_right) < LEAST_LINES or crossing > MAX_CROSSING_FRAC * len(pieces):
            continue
        low = max(y[left].min(), y[right].min())
        high = min(y[left].max(), y[right].max())
        if high - low < 0.5 * min(np.ptp(y[left]), np.ptp(y[right])):
            continue
        near, far = float(x1[left].max()), float(x0[right].min())
        columns = (near - float(x0[left].min()), float(x1[right].max()) - far)
        medians = (float(np.median(width[left])), float(np.median(width[right])))
        if any(
            column < LEAST_COLUMN_FRAC * whole or median < LEAST_FILL_FRAC * column
            for column, median in zip(columns, medians, strict=True)
        ):
            continue
        score = (crossing, near - far)
        if best is None or score < best:
            best, found = score, (near + far) / 2
    return found


def _lines(pieces: list[Piece]) -> list[Line]:
    """Pieces of one baseline joined, from the top down."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: (-p.y, p.x0)):
        last = lines[-1][0] if lines else None
        if last is not None and last.y - piece.y < 0.4 * max(last.size, piece.size):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    joined = []
    for row in lines:
        row.sort(key=lambda p: p.x0)
        biggest = max(row, key=lambda p: p.x1 - p.x0)
        text, cells = row[0].text, 1
        for before, piece in itertools.pairwise(row):
            gap = piece.x0 - before.x1
            text += ("" if gap < 0.1 * piece.size else " ") + piece.text
            cells += gap > piece.size
        joined.append(
            Line(
                *(row[0].x0, row[-1].x1, biggest.y, biggest.size, text, row[-1].broken, cells),
                font=biggest.font,
                bold=all(piece.bold for piece in row),
            )
        )
    return joined


def paragraphs(lines: list[Line]) -> list[Paragraph]:
    """The lines of one region as paragraphs."""
    if not lines:
        return []
    steps = [a.y - b.y for a, b in itertools.pairwise(lines) if a.y > b.y]
    size = float(np.median([line.size for line in lines]))
    pitch = float(np.median(steps)) if len(steps) >= 3 else 1.35 * size
    # A region of separate lines has no usual distance: then the font's height says it.
    pitch = min(max(pitch, 0.8 * size), 2.2 * size)
    left = float(np.percentile([line.x0 for line in lines], 20))
    right = float(np.percentile([line.x1 for line in lines], 90))
    found = [Paragraph([lines[0]])]
    for before, line in itertools.pairwise(lines):
        if not before.broken and _begins(before, line, pitch, left, right):
            found.append(Paragraph([line]))
        else:
            found[-1].lines.append(line)
    return found


def _begins(before: Line, line: Line, pitch: float, left: float, right: float) -> bool:
    """Whether a paragraph begins with `line`."""
    if before.font == line.font and before.bold == line.bold:
        pitch = max(pitch, min(LEADING * line.font, 2 * pitch))  # a heading of several lines
    if before.y - line.y > PARAGRAPH_GAP * pitch or before.y < line.y:
        return True
    if max(before.size, line.size) > SAME_SIZE * min(before.size, line.size):
        return True
    if min(before.font, line.font) * FONT < max(before.font, line.font):
        return True
    # The second line of a heading stands under its words, behind the number.
    hanging = before.bold and line.bold and before.text[:1].isdigit() > line.text[:1].isdigit()
    if _BULLET.match(line.text) or (before.cells > 1 and not hanging) or line.cells > 1:
        return True  # an item, or a table's row
    indent = 0.8 * line.size
    if (
        not hanging
        and line.x0 > left + indent
        and before.x0 <= left + indent
        and not _BULLET.match(before.text)
    ):
        return True
    short = (right - before.x1) / max(right - left, 1.0)
    if before.bold != line.bold and (short > 0.12 or before.text.endswith(_ENDS)):
        return True  # a heading, or the text under it
    # The next word would have fitted, so the line was ended on purpose.
    return short > 0.35 or (short > 0.12 and before.text.endswith(_ENDS))


def join_lines(lines: Sequence[Line], known: set[str]) -> str:
    """One paragraph's text: words broken at line ends whole again, Chinese without spaces.

    `known`: words of the document in lower case; a hyphen at a line's end stays where the
    document has the word with a hyphen elsewhere and not without.
    """
    text = ""
    broken = False
    for line in lines:
        text = join(text, line.text, broken, known) if text else line.text
        broken = line.broken
    return text


def join(before: str, after: str, broken: bool, known: set[str]) -> str:
    """Two lines, or a paragraph's two halves on two pages, as one."""
    if broken:
        before += "-"
    if before.endswith(("-", "\u00ad", "\u2010")) and len(before) > 1:
        head = re.search(r"\w+(?:-\w+)*\Z", before[:-1])
        tail = re.match(r"\w+", after)
        if head and tail and tail[0][0].islower():
            hyphened, whole = f"{head[0]}-{tail[0]}".lower(), (head[0] + tail[0]).lower()
            keep = hyphened in known and whole not in known and before[-1] != "\u00ad"
            return before + after if keep else before[:-1] + after
        return before + after
    if _WIDE.match(before[-1:]) or _WIDE.match(after[:1]):
        return before + after
    return f"{before} {after}"


def goes_on(before: Line | None, text: str, at_head: bool) -> bool:
    """Whether a paragraph is the rest of the one before; `at_head`: of a page or column."""
    if before is None:
        return False
    if before.broken:
        return True
    head, tail = text[:1], before.text[-1:]
    if before.cells > 1:
        return False  # a row of a table
    if head.islower():
        return tail.isalnum() or tail in ",;-\u00ad\u2010"
    return at_head and "\u4e00" <= head <= "\u9fff" and "\u4e00" <= tail <= "\u9fff"
