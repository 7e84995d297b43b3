"""Pieces of Markdown that all formats write: tables, fences, list items, notes."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_INDENT = 8  # levels; deeper lists stand at the last, so that text stays linear in its source
_SPACE = re.compile(r"[ \t\r\n\f]+")


_RAISED = dict(zip(map(ord, "0123456789+-\u2212=()n"), "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ", strict=True))


def raised(text: str) -> str:
    """A superscript by Unicode's raised figures, since 10 to the 6th is not 106; what has none, as
    the letters of 1st, stays as it is.

    >>> raised("-6"), raised("st")
    ('⁻⁶', 'st')
    """
    inside = text.strip()
    if inside and len(inside) <= 20 and all(ord(char) in _RAISED for char in inside):
        return inside.translate(_RAISED)
    return text


def squeezed(text: str) -> str:
    """White space of a paragraph as single spaces; no-break spaces stay."""
    return _SPACE.sub(" ", text).strip(" ")


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table with its first row as the header; "" without any text.

    A single column is a list of paragraphs, a layout rather than a table.
    """
    width = max((len(row) for row in rows), default=0)
    filled = [[_cell(cell) for cell in row] for row in rows]
    filled = [row for row in filled if any(row)]
    if not filled:
        return ""
    if width == 1:
        return "\n\n".join(cell for row in rows for cell in row if cell.strip())
    lines = []
    for number, row in enumerate(filled):
        # Rows are as long as they are: a million cells of one row don't widen all others.
        lines.append("| " + " | ".join(row) + " |")
        if number == 0:
            lines.append("|" + " --- |" * len(row))
    return "\n".join(lines)


def _cell(text: str) -> str:
    return squeezed(text).replace("|", "\\|")


def fence(code: str, language: str = "") -> str:
    """A code block whose fence is longer than any run of backticks at a line's start in it."""
    longest = max((len(m) for m in re.findall(r"^`{3,}", code, re.MULTILINE)), default=2)
    mark = "`" * max(3, longest + 1)
    return f"{mark}{language}\n{code.strip(chr(10))}\n{mark}"


def item(text: str, level: int, number: int | None) -> str:
    """A list item at a level counted from 0; None: a bullet."""
    mark = "-" if number is None else f"{number}."
    indent = "  " * min(level, MAX_INDENT)
    first, *rest = text.split("\n")
    more = "".join(f"\n{indent}  {line}" if line.strip() else "\n" for line in rest)
    return f"{indent}{mark} {first}{more}"


def heading(text: str, level: int) -> str:
    return f"{'#' * min(max(level, 1), 6)} {squeezed(text)}"


def notes(found: Sequence[tuple[str, str]]) -> str:
    """Footnotes as their definitions: (mark, text)."""
    return "\n\n".join(f"[^{mark}]: {squeezed(text)}" for mark, text in found)


def joined(blocks: Sequence[tuple[str, str]]) -> str:
    """Blocks of (kind, text) as one text: items of a list on neighbouring lines, all else apart."""
    out: list[str] = []
    before = ""
    for kind, text in blocks:
        if not text.strip():
            continue
        if out:
            out.append("\n" if kind == before == "item" else "\n\n")
        out.append(text)
        before = kind
    return "".join(out)
