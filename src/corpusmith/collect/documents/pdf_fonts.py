"""Sizes and weights of letters in a PDF, and figures that are set high."""

from __future__ import annotations

import ctypes
import re

import pypdfium2.raw as pdfium

from corpusmith.collect.documents.markdown import raised

SMALLER = 0.85  # of the line's font size: figures over it are no exponents
BOLD_WEIGHT = 700
MAX_CHECKED = 40  # runs of figures of a piece
_BOLD = re.compile(rb"bold|black|heavy|demi|cmbx|cmssbx", re.IGNORECASE)
_FIGURES = re.compile(r"\d+")


class Fonts:
    """Of the characters of one page."""

    def __init__(self, raw: object) -> None:
        self._raw = raw
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self._flags_ref = ctypes.byref(self._flags)

    def size(self, index: int) -> float:
        """In points, before the text is scaled: to be compared within a document."""
        return float(pdfium.FPDFText_GetFontSize(self._raw, index))

    def usual(self, start: int, end: int) -> int:
        """A character of a line that stands in its usual size: neither a note's mark at its head
        nor an exponent."""
        middle = (start + end) // 2
        return start if self.size(start) > self.size(middle) else middle

    def bold(self, index: int) -> bool:
        """By the font's weight, else by its name (of the standard fonts no weight is known)."""
        if pdfium.FPDFText_GetFontWeight(self._raw, index) >= BOLD_WEIGHT:
            return True
        known = pdfium.FPDFText_GetFontInfo(self._raw, index, self._name, 128, self._flags_ref)
        return bool(known) and _BOLD.search(self._name.value) is not None


def with_raised(text: str, start: int, end: int, fonts: Fonts, places: object) -> str:
    """text[start:end], figures in it that are smaller and higher than the rest as Unicode's raised
    ones: the mark of a note behind 750 does not make it 7501."""
    usual = fonts.usual(start, end)
    size = fonts.size(usual)
    out = text[start:end]
    base: float | None = None
    for count, match in enumerate(_FIGURES.finditer(text, start, end)):
        if count >= MAX_CHECKED:
            break
        last = match.end() - 1
        if fonts.size(last) >= SMALLER * size:
            continue
        if base is None:
            base = places.baseline(usual) or 0.0  # type: ignore[attr-defined]
        first = last
        while first > match.start() and fonts.size(first - 1) < SMALLER * size:
            first -= 1
        at = places.baseline(first)  # type: ignore[attr-defined]
        if at is not None and at > base + 0.15 * size:
            mark = raised(text[first : last + 1])
            out = out[: first - start] + mark + out[last + 1 - start :]
    return out
