"""What a file of text is parsed to, whatever its format."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any


@dataclasses.dataclass
class Content:
    """A document's text and what the file says of itself; unknown is empty or None."""

    text: str
    title: str = ""
    authors: list[str] = dataclasses.field(default_factory=list)
    lang: str = ""  # as written: `en-GB`
    license: str | None = None  # SPDX
    rights: str = ""  # as written
    created: datetime | None = None
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)
    pages: list[int] = dataclasses.field(default_factory=list)  # where each begins, code points
    lost_pages: dict[int, tuple[str, str]] = dataclasses.field(default_factory=dict)
    """Pages without text in them, counted from 1: (error, message)."""
    skipped: dict[str, int] = dataclasses.field(default_factory=dict)  # what is no text, by kind
    repaired: bool = False

    def described(self) -> dict[str, Any]:
        """The fields of `meta`."""
        meta = dict(self.meta)
        for key, value in (("title", self.title), ("rights", self.rights)):
            if value:
                meta[key] = value
        if self.authors:
            meta["authors"] = self.authors
        if self.lang:
            meta["stated_lang"] = self.lang
        return meta


Include = Callable[[str], bytes | None]
"""The bytes of another file beside this one, by relative path; None where there is none."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds of one document, all counts: what is refused does not depend on the clock."""

    document_bytes: int = 64 << 20  # of the file, of each member of it, and of the text
    members: int = 100_000  # of an archive, and of a file that is one (EPUB, DOCX, ODT)
    archive_bytes: int = 16 << 30  # decompressed, of one archive with all in it
    ratio: int = 200  # decompressed by compressed bytes of a member over `RATIO_FLOOR_BYTES`
    depth: int = 3  # archives within archives


RATIO_FLOOR_BYTES = 1 << 20


def language_code(value: str) -> str | None:
    """`en-GB`, `en_US` or `eng` without its region; None where it is no code."""
    code = value.strip().replace("_", "-").split("-")[0].lower()
    known = 2 <= len(code) <= 3 and code.isascii() and code.isalpha() and code != "und"
    return code if known else None
