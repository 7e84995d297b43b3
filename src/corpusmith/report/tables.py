"""Figures and tables as text, for a terminal or a pipe."""

from __future__ import annotations

import dataclasses
import math
from typing import Any


@dataclasses.dataclass
class TextTable:
    """What `cli.tables.print_table(head, rows, numbers=...)` prints."""

    head: list[str]
    rows: list[list[str]]
    numbers: tuple[int, ...] = ()  # columns to align right


def count(value: float | None, *, estimated: bool = False) -> str:
    """1234567 -> '1,234,567'; an estimate begins with ≈; what is not known is –."""
    if value is None:
        return "–"
    return ("≈ " if estimated and value else "") + f"{round(value):,}"


def short_count(value: float) -> str:
    """1234567 -> '1.23M': at most three significant digits, powers of 1000."""
    size = abs(value)
    for factor, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= factor * 0.9995:
            return figure(value / factor) + suffix
    return figure(value)


def figure(value: float) -> str:
    """Three significant digits without an exponent: 0.0312, 1.25, 17.4, 350."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if abs(value) < 1e-4 or abs(value) >= 1e15:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def fraction(part: float, whole: float) -> str:
    """12.3 %, <0.1 %, or – of nothing."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1 %"
    return f"{percent:.1f} %"


def size(value: float | None) -> str:
    """Bytes in powers of 1000: 1.25 MB; what is not known is –."""
    if value is None:
        return "–"
    text = short_count(value)
    if text[-1] in "kMGT":
        return f"{text[:-1]} {text[-1]}B"
    return f"{text} B"


def duration(seconds: float) -> str:
    """1.25 s, 2 min 25 s, 3 h 5 min."""
    if seconds < 60:
        return f"{figure(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def printable(text: str) -> str:
    """The text with control characters written out, so that none of them reaches a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain(value: Any) -> Any:
    """A stored value as JSON can hold it: bytes in hex, floats without NaN."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value
