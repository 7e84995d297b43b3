"""Markdown out of plain values and docstrings."""

from __future__ import annotations

import re
from typing import Any


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    return " ".join(prose(text).split()).replace("|", "\\|").replace(" * ", " \\* ")


def prose(text: str) -> str:
    """A docstring as Markdown: `<` is no HTML, but stays in code and in indented examples."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("    "):
            pieces = re.split(r"(`[^`]*`)", line)
            pieces[::2] = [p.replace("<", "&lt;") for p in pieces[::2]]
            line = "".join(pieces)
        lines.append(line)
    return "\n".join(lines)


def code(text: Any) -> str:
    return f"`{text}`" if str(text) else ""
