"""Headings of a PDF, which names none: paragraphs in larger or bolder letters than the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from corpusmith.collect.documents.pdf_layout import Line, Paragraph

LARGER = 1.1  # than the most frequent font size
SAME = 1.06  # sizes within it are one level
MAX_LINES = 3
MAX_CHARS = 200
MAX_FRAC = 0.3  # of all letters: beyond it (slides, forms) size says nothing
_ENDS = tuple(",;:，；：、。")
_NUMBER = re.compile(r"\A[\dA-Z]{1,3}(?:\.\d{1,3})*\.?\s")  # of a section
_LETTER = re.compile(r"[^\W\d_]")


class Headings:
    """What is a heading in a document, and of which level."""

    def __init__(self, paragraphs: Iterable[Paragraph]) -> None:
        chars: Counter[float] = Counter()
        bold = total = 0
        listed = list(paragraphs)
        for paragraph in listed:
            for line in paragraph.lines:
                chars[line.font] += len(line.text)
                bold += len(line.text) * line.bold
                total += len(line.text)
        self._body = max(chars, key=lambda size: (chars[size], -size), default=0.0)
        self._bold_counts = bold <= MAX_FRAC * total
        found = [p for p in listed if self._stands_out(p)]
        size = sum(len(line.text) for p in found for line in p.lines)
        self._levels: dict[float, int] = {}
        if size <= MAX_FRAC * total:
            level, before = 0, 0.0
            for font in sorted({p.lines[0].font for p in found}, reverse=True):
                level += not before or font * SAME < before
                before = before if before and font * SAME >= before else font
                self._levels[font] = min(level, 6)

    def level(self, paragraph: Paragraph) -> int:
        """1 to 6; 0: no heading."""
        if not self._levels or not self._stands_out(paragraph):
            return 0
        return self._levels.get(paragraph.lines[0].font, 0)

    def _stands_out(self, paragraph: Paragraph) -> bool:
        lines = paragraph.lines
        if len(lines) > MAX_LINES or not self._body or any(not _one(line) for line in lines):
            return False
        text = " ".join(line.text for line in lines)
        words = _NUMBER.sub("", text, count=1).replace(" ", "")
        letters = len(_LETTER.findall(words))
        if len(text) > MAX_CHARS or letters < 2 or 2 * letters < len(words):
            return False
        if all(line.font >= LARGER * self._body for line in lines):
            return not text.endswith(_ENDS[:2])
        heavy = self._bold_counts and all(line.bold for line in lines)
        if not heavy or lines[0].font * SAME < self._body or len(lines) > 2:
            return False
        return not text.endswith((*_ENDS, ".")) and not text[0].islower()


def _one(line: Line) -> bool:
    """Whether it is no row of a table, nor of a table of contents."""
    number, page = line.text[:1].isdigit(), line.text[-1:].isdigit()
    return line.cells == 1 or (line.cells == 2 and number and not page)
