"""Running a crawl in a test: the real task in a process of its own, and what it wrote."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator

from corpusmith.collect.crawl.params import CrawlParams
from corpusmith.engine.local import LocalEngine

FAST = {
    "contact": "tests@example.org",
    "delay_seconds": 0,
    "per_host": 8,
    "retries": 1,
    "backoff_seconds": 0.1,
    "timeout_seconds": 20,
    "allow_private": ["127.0.0.1"],
}


@dataclasses.dataclass
class Crawled:
    folder: Path
    info: dict[str, Any]
    notes: list[str]  # what the progress said

    @property
    def states(self) -> dict[str, tuple[str, str]]:
        """URL -> (state, reason), as the frontier has them."""
        return states(self.folder)

    def records(self, kind: str = "response") -> list[tuple[str, dict[str, str], bytes]]:
        """(URL, WARC headers, payload as it was sent) of the records of a kind, read by warcio,
        which checks their digests. Of requests the whole block."""
        return [row for path in warcs(self.folder) for row in read(path, kind)]


def warcs(folder: Path) -> list[Path]:
    return sorted((folder / "data").glob("*.warc.gz"))


def read(path: Path, kind: str = "response") -> list[tuple[str, dict[str, str], bytes]]:
    found = []
    raw = kind == "request"
    with open(path, "rb") as file:
        for record in ArchiveIterator(
            file, check_digests=False if raw else "raise", no_record_parse=raw
        ):
            payload = record.raw_stream.read()
            if record.rec_type == kind:
                headers = dict(record.rec_headers.headers)
                found.append((headers.get("WARC-Target-URI", ""), headers, payload))
    return found


def states(folder: Path) -> dict[str, tuple[str, str]]:
    """URL -> (state, reason) of the pages, also of a crawl that is at work."""
    database = sqlite3.connect(folder / "state" / "frontier.sqlite", timeout=10)
    try:
        rows = database.execute("select url, state, reason from pages where kind='page'").fetchall()
    finally:
        database.close()
    return {url: (state, reason) for url, state, reason in rows}


def crawl(
    folder: Path,
    *seeds: str,
    previous: Path | None = None,
    function: str = "corpusmith.collect.crawl.fetch:fetch",
    **params: Any,
) -> Crawled:
    notes: list[str] = []

    def hear(event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            notes.append(event["note"])

    told = CrawlParams(**{**FAST, "seeds": list(seeds), **params})
    spec = {
        "function": function,
        "model": "corpusmith.collect.crawl.params:CrawlParams",
        "extra": "web-data",
        "params": told.model_dump(),
        "previous": str(previous) if previous else "",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with LocalEngine(1, on_event=hear, log_folder=folder.parent / "logs") as engine:
        info = engine.once("corpusmith.collect.snapshot:fetch", spec, folder=folder)
    return Crawled(folder, info, notes)
