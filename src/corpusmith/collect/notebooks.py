"""Jupyter notebooks (nbformat 1 to 4) as Markdown: text cells as they are, code in fences.

https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import re
from typing import Any

from corpusmith.collect.errors import RecordError
from corpusmith.collect.jsonl import parse_object

MAX_OUTPUT_CHARS = 20_000  # of one cell: a printed table is text, a printed data set is none


def notebook_text(source: str, *, outputs: bool = False) -> tuple[str, dict[str, Any]]:
    """(Markdown, {"notebook_language", "cells"}) of a notebook.

    `outputs` adds what cells printed and returned as text. RecordError where it is no notebook.
    """
    book = parse_object(source)
    cells = book.get("cells")
    if cells is None and isinstance(book.get("worksheets"), list):  # nbformat 3
        sheets = [s.get("cells") for s in book["worksheets"] if isinstance(s, dict)]
        cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    if not isinstance(cells, list):
        raise RecordError("bad_notebook", "a notebook without cells")
    language = _language(book)
    parts: list[str] = []
    counts = {"code": 0, "text": 0}
    for cell in cells:
        if not isinstance(cell, dict):
            raise RecordError("bad_notebook", f"cell {sum(counts.values())} is no object")
        kind = cell.get("cell_type")
        # `code` and `text` are nbformat 1's, `input` 2's and 3's.
        key = next((k for k in ("source", "input", "code", "text") if k in cell), "")
        text = _joined(cell.get(key)).strip("\n")
        if kind == "code":
            counts["code"] += 1
            if text.strip():
                parts.append(_fenced(text, cell.get("language") or language))
            if outputs and (said := _outputs(cell.get("outputs"))):
                parts.append(_fenced(said, "text"))
        else:
            counts["text"] += 1
            level = cell.get("level") if kind == "heading" else None
            if text.strip():
                parts.append(f"{'#' * level} {text}" if isinstance(level, int) else text)
    meta: dict[str, Any] = {"cells": counts}
    if language:
        meta["notebook_language"] = language
    return "\n\n".join(parts) + ("\n" if parts else ""), meta


def _language(book: dict[str, Any]) -> str:
    meta = book.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        inner = meta.get(key)
        if isinstance(inner, dict) and isinstance(inner.get(name), str):
            return inner[name]
    return ""


def _joined(value: Any) -> str:
    """A multi-line string, which notebooks keep as a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return ""


def _fenced(text: str, language: Any) -> str:
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language if isinstance(language, str) else ''}\n{text}\n{fence}"


def _outputs(value: Any) -> str:
    """Text that a cell gave: streams, plain results, the last line of an error; no pictures."""
    parts = []
    for output in value if isinstance(value, list) else ():
        if not isinstance(output, dict):
            continue
        kind = output.get("output_type")
        if kind == "stream":
            parts.append(_joined(output.get("text")))
        elif kind in ("execute_result", "display_data", "pyout"):
            data = output.get("data", output)
            found = data.get("text/plain", data.get("text")) if isinstance(data, dict) else None
            parts.append(_joined(found))
        elif kind in ("error", "pyerr"):
            parts.append(f"{output.get('ename')}: {output.get('evalue')}")
    text = "\n".join(part.rstrip("\n") for part in parts if part.strip())
    return text if len(text) <= MAX_OUTPUT_CHARS else text[:MAX_OUTPUT_CHARS] + "\n..."
