"""report.html: one file that shows what a run did. No script, no network, no other file."""

from __future__ import annotations

import contextlib
import os
import unicodedata
from pathlib import Path

import jinja2

from corpusmith.kernels.sources import user_cache
from corpusmith.report import tables
from corpusmith.report.page import page
from corpusmith.report.run import Run
from corpusmith.store.atomic import write_bytes

REPORT = "report.html"
_HIDDEN = {"Cc", "Cf", "Co", "Cn", "Cs"}
_JOINERS = "\u200c\u200d"  # Persian and Indic spelling, and emoji, need them


class _Compiled(jinja2.FileSystemBytecodeCache):
    """The templates as Python's byte code: compiling them takes longer than the rest of the page
    of a small run. Where it can't be kept they are compiled each time."""

    def __init__(self) -> None:
        folder = user_cache() / "templates"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        super().__init__(os.fspath(folder))

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def write_report(run: Run) -> Path:
    """Write `report.html` into the run's folder; returns its path."""
    path = run.folder / REPORT
    # Not synced: it can be made again from what is.
    write_bytes(path, render(run).encode("utf-8", "replace"), sync=False)
    return path


def render(run: Run) -> str:
    """The page's HTML. Everything that comes from documents is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("corpusmith", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_Compiled(),
    )
    environment.filters.update(
        count=tables.count,
        short=tables.short_count,
        figure=tables.figure,
        size=tables.size,
        duration=tables.duration,
        visible=visible,
    )
    environment.globals["share"] = lambda part, whole: tables.fraction(part, whole).replace(
        " ", "\xa0"
    )
    return environment.get_template("page.html.j2").render(page(run))


def visible(text: str) -> str:
    """The text without what would be invisible or turn its direction around.

    Control and format characters (bidirectional overrides among them) become U+FFFD; line
    breaks and tabs stay.
    """
    return "".join(
        c if c in "\n\t" or c in _JOINERS or unicodedata.category(c) not in _HIDDEN else "\ufffd"
        for c in text
    )
