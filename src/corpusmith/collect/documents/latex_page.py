"""The text of a LaTeX document in the making: paragraphs, items, headings, numbers of things."""

from __future__ import annotations

import re
from typing import Any

from corpusmith.collect.documents import latex_tables as tables
from corpusmith.collect.documents.content import Content
from corpusmith.collect.documents.latex_source import Macros
from corpusmith.collect.documents.markdown import heading, item, joined, notes, squeezed
from corpusmith.collect.errors import RecordError

MAX_QUOTES = 20  # within each other that are marked
REF, CITE, END = "\ue002", "\ue003", "\ue004"  # around keys, until all of them are known
_HAN = "[\u3000-\u9fff\uff00-\uffef]"  # and Kana and their punctuation: no space between lines
_WITHIN_HAN = re.compile(f"(?<={_HAN})[ \\t]*\\n[ \\t]*(?={_HAN})")
_MARK = re.compile(f"([{REF}{CITE}])([^{END}]*){END}")


def plain(text: str) -> str:
    """Without the characters that these modules use as marks."""
    for mark in (REF, CITE, END, "\0"):
        text = text.replace(mark, "")
    return text


class Page:
    """What has been written, and what is counted."""

    def __init__(self) -> None:
        self.macros = Macros()
        self.fields: dict[str, str] = {}
        self.unresolved: list[str] = []
        self.repaired = False
        self._labels: dict[str, str] = {}
        self._bibliography: dict[str, str] = {}
        self._counters: dict[str, int] = {}
        self._sections = [0] * 7
        self._here = ""  # what \label names
        self._notes: list[tuple[str, str]] = []
        self._depth = 0
        self._blocks: list[tuple[str, str]] = []
        self._inline: list[str] = []
        self._lists: list[list[Any]] = []  # [numbered, count] of each open list
        self._item: tuple[int, int | None] | None = None
        self._quotes: list[int] = []
        self._floats: list[str] = []
        self._started = False  # \begin{document} has come
        self._ended = False

    def _write(self, text: str) -> None:
        if self._started or self._depth:
            self._inline.append(text)

    def _finish(self, name: str) -> None:
        self._close()
        if name == "document":
            self._ended = self._depth == 0
        elif name in tables.LISTS and self._lists:
            self._lists.pop()
            self._item = None
        elif name in tables.QUOTES and self._quotes:
            start = self._quotes.pop()
            quoted = joined(self._blocks[start:])
            if quoted and len(self._quotes) < MAX_QUOTES:
                lines = (f"> {line}".rstrip() for line in quoted.split("\n"))
                self._blocks[start:] = [("quote", "\n".join(lines))]
        elif name in tables.FLOATS and self._floats:
            self._floats.pop()

    def _title(self) -> None:
        if self.fields.get("title") and "shown" not in self.fields and not self._depth:
            self.fields["shown"] = "1"
            self._add("heading", heading(self.fields["title"], 1))

    def _caption(self, words: str, kind: str = "") -> None:
        kind = kind or (self._floats[-1] if self._floats else "Figure")
        count = self._counters[kind] = self._counters.get(kind, 0) + 1
        self._here = str(count)
        self._close()
        self._add("text", f"{kind} {count}: {words}" if words else "")

    def _close(self) -> None:
        """A paragraph ends here."""
        raw = _WITHIN_HAN.sub("", "".join(self._inline))
        self._inline.clear()
        text = "\n".join(squeezed(line) for line in raw.split("\0")).strip("\n")
        if not text:
            return
        if self._item is None and self._lists and self._blocks and self._blocks[-1][0] == "item":
            self._blocks.append(("item", "  " * min(len(self._lists), 8) + text))
        else:
            self._add("text", text)

    def _add(self, kind: str, text: str) -> None:
        if not text:
            return
        if self._item is not None:
            text, kind = item(text, *self._item), "item"
            self._item = None
        self._blocks.append((kind, text))

    def content(self) -> Content:
        if not self._started:
            raise RecordError("bad_latex", "no \\begin{document} in it")
        self._close()
        while self._quotes:
            self._finish("quote")
        text = joined(self._blocks)
        if self._notes:
            text += "\n\n" + notes(self._notes)
        meta: dict[str, Any] = {}
        if self.unresolved:
            meta["inputs_missing"] = self.unresolved
        return Content(
            text=_MARK.sub(self._resolved, text),
            title=_MARK.sub(self._resolved, self.fields.get("title", "")),
            authors=[a for a in self.fields.get("authors", "").split("\0") if a],
            lang=self.fields.get("lang", ""),
            meta=meta,
            skipped={"missing_input": len(self.unresolved)} if self.unresolved else {},
            repaired=self.repaired,
        )

    def _resolved(self, match: re.Match[str]) -> str:
        if match[1] == REF:
            keys = [k.strip() for k in match[2].split(",")]
            return ", ".join(self._labels.get(k) or k for k in keys)
        keys = [k.strip() for k in match[2].split(",") if k.strip()]
        return f"[{', '.join(self._bibliography.get(k, k) for k in keys)}]"
