"""Sources that depend on the world: what they fetch becomes an immutable snapshot, and an ordinary
reader reads that.

    read: crawl  ->  snapshot.<source>: fetch(params, job) fills <folder>/data  ->  collect.<source>

A world source is a module with three things, and one line in `WORLD`:

- a pydantic model of what is fetched (`extra="forbid"`, no field that its reader has as well);
- `fetch(params, job) -> dict`, run in a process of its own that ends with its parent, which writes
  what it got into `job.data`, in files that `reader` reads, and returns JSON figures for the
  manifest (what came from where, counts, ETags; `warnings`: a list of sentences for the user);
- `reader(params)`, the name of the reader (`collect/readers.py`) for those files. All keys of the
  source that are not of the model are that reader's parameters.

`fetch` may be killed at any moment: it is called again with the same folder and goes on from what
it finds there. So write files under temporary names (`store/atomic.py`), or keep a journal in
`job.state`. What can't be fetched at all raises InputError with its cause; what is missing in part
is told by kind in the figures.

Imports nothing heavy: the plan checks recipes with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from corpusmith.collect.commoncrawl.params import CommonCrawlParams
from corpusmith.collect.crawl.params import CrawlParams
from corpusmith.collect.git.params import GitParams
from corpusmith.collect.hub.params import HubParams, reader_of


class Progress(Protocol):
    def __call__(self, fraction: float, note: str = "") -> None:
        """How far it is, 0..1 (0: not known), and a short line of figures."""


@dataclasses.dataclass(frozen=True)
class Job:
    """Where a `fetch` works, and what it may look at."""

    folder: Path  # the snapshot's
    previous: Path | None  # the finished snapshot that `--refresh` is about to follow, or None
    progress: Progress
    watch: Callable[[str], None] = lambda key: None
    """Say what is looked at now, "" for nothing: where that hangs, or ends the process, `fetch` is
    called again in a new one, a few times. So it must leave the culprit alone in the end."""

    @property
    def data(self) -> Path:
        """What the reader will read; it is there."""
        return self.folder / "data"

    @property
    def state(self) -> Path:
        """What a later call, or the next refresh, goes on from; it is there, and kept."""
        return self.folder / "state"


Fetch = Callable[[Any, Job], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class WorldSpec:
    """How a source of the world is fetched and read."""

    params: type[BaseModel]
    function: str  # "module:function" of fetch(params, job)
    reader: Callable[[dict[str, Any]], str]  # its parameters -> the name in READERS
    doc: str
    extra: str = ""  # the optional dependencies that it needs
    modules: tuple[str, ...] = ()  # of them: what `check` looks for
    secrets: tuple[str, ...] = ()
    """Parameters that `${env:NAME}` may give (a token). They are in no fingerprint."""
    paths: tuple[str, ...] = ()
    """Parameters that may be a local path: relative to the recipe's folder. In the fingerprint they
    stand as they are written, and what they name does not: it is the world's."""
    version: int = 1  # raised when `fetch` would get something else from the same world


WORLD: dict[str, WorldSpec] = {
    "crawl": WorldSpec(
        CrawlParams,
        "corpusmith.collect.crawl.fetch:fetch",
        lambda params: "crawled",
        "a crawl of the web: WARC files, read as by `warc`, by their URLs",
        extra="web-data",
        modules=("scrapy", "lxml", "resiliparse"),
        version=2,
    ),
    "commoncrawl": WorldSpec(
        CommonCrawlParams,
        "corpusmith.collect.commoncrawl.fetch:fetch",
        lambda params: params["kind"],
        "Common Crawl: files of a crawl, or records by its index",
    ),
    "git": WorldSpec(
        GitParams,
        "corpusmith.collect.git.fetch:fetch",
        lambda params: "repository",
        "repositories and archives of code at a revision",
        secrets=("token",),
        paths=("repository",),
        version=2,
    ),
    "hf": WorldSpec(
        HubParams,
        "corpusmith.collect.hub.fetch:fetch",
        reader_of,
        "a dataset of the Hugging Face Hub",
        extra="hub",
        modules=("datasets", "huggingface_hub"),
        secrets=("token",),
        paths=("folder",),
    ),
}
"""What `read:` may name besides the readers."""
