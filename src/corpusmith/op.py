"""The contracts: an operation (a function on a batch of documents) and a stage's task.

An operation is a plain function under a versioned name:

    @op("repetition.v1", kind="measure", adds=REPETITION_SIGNALS)
    def repetition(batch: pa.Table, ctx: Context) -> pa.Table: ...

`batch` has the columns of `schema.DOCUMENT` (all of them, `text` a contiguous large_string
without nulls) and, for what `needs` names beyond those, signals measured earlier at the
present text version. What it returns, row by row in the same order:

    measure   the columns of `adds`, and nothing else
    edit      `text` (large_string), `edits` (list<schema.EDIT_SPAN>), and the columns of `adds`
    decide    `keep` (bool) and `rule` (string, null where kept); `signal`, `value`, `min`, `max`
              (strings), `duplicate_of` and `also` where it has them. It sees `id` and the signals
              in `needs`, never text.

An operation must depend on nothing but the row, `ctx.params` and `ctx.artifacts`: the same
row gives the same result in every batch, worker and engine.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    from pydantic import BaseModel

    from corpusmith.store.parts import PartWriter

Kind = Literal["edit", "measure", "decide"]
NOTHING = pa.schema([])
Adds: TypeAlias = pa.Schema | Callable[[Any], pa.Schema]
OperationFunction = Callable[[pa.Table, "Context"], pa.Table]
Locate: TypeAlias = Callable[[Any, Any], dict[int, list[tuple[int, int, str]]]]


@dataclasses.dataclass(frozen=True)
class Context:
    """What an operation may know besides its batch."""

    params: Any = None  # an instance of the operation's `params` model, or None
    step: str = ""  # the step's unique name in the recipe
    text_version: int = 0  # of the text in the batch
    seed: int = 0
    artifacts: Mapping[str, Path] = dataclasses.field(default_factory=dict)  # "fit": folder
    secret: bytes = b""  # key for the hashes of masked text


@dataclasses.dataclass(frozen=True)
class Operation:
    """A function with what the plan must know of it."""

    name: str  # "repetition"
    version: str  # "v1"; a changed result is a new version
    kind: Kind
    function: OperationFunction
    needs: tuple[str, ...]  # columns it reads
    adds: Adds  # pa.schema of the columns it adds; field metadata b"unit", b"doc"
    params: type[BaseModel] | None = None
    fit: Callable[[Any, Sequence[Path], Path], None] | None = None
    """`fit(params, files, folder)` runs once before the pass and fills `folder`, which tasks
    see as `ctx.artifacts["fit"]`. `files` are those that the parameter `fit_files` matches."""
    fit_files: str = ""  # the name of the parameter with a glob of files for `fit`
    check: Callable[[Sequence[Path]], None] | None = None
    """`check(files)` raises an error before anything runs where `fit` could not read them."""
    libraries: tuple[str, ...] = ()  # distributions whose version shapes the result
    modalities: tuple[str, ...] = ()  # documents of other modalities are left alone; () = all
    locate: Locate | None = None
    """For an edit that hides personal data: `locate(strings, params)` says where it stands, so
    that it is hidden in what other edits of the same pass took out, too (`clean/redaction.py`):
    row -> [(start, end, token)], in code points, sorted, without overlap, for rows with any. Such
    an operation gets the key `ctx.secret`."""

    def schema(self, params: Any) -> pa.Schema:
        """Columns that it adds with these parameters."""
        return self.adds(params) if callable(self.adds) else self.adds


def op(
    name: str,
    *,
    kind: Kind,
    needs: tuple[str, ...] = ("text",),
    adds: Adds = NOTHING,
    params: type[BaseModel] | None = None,
    fit: Callable[[Any, Sequence[Path], Path], None] | None = None,
    fit_files: str = "",
    check: Callable[[Sequence[Path]], None] | None = None,
    libraries: tuple[str, ...] = (),
    modalities: tuple[str, ...] = (),
    locate: Locate | None = None,
) -> Callable[[OperationFunction], OperationFunction]:
    """Mark a function as an operation; it stays a plain function and can be called as one."""
    base, _, version = name.partition(".")
    if not version:
        raise ValueError(f"operation {name!r} has no version: write {name + '.v1'!r}")

    def mark(function: OperationFunction) -> OperationFunction:
        function.operation = Operation(  # type: ignore[attr-defined]
            name=base,
            version=version,
            kind=kind,
            function=function,
            needs=needs,
            adds=adds,
            params=params,
            fit=fit,
            fit_files=fit_files,
            check=check,
            libraries=libraries,
            modalities=modalities,
            locate=locate,
        )
        return function

    return mark


def signal(name: str, kind: pa.DataType, unit: str, doc: str) -> pa.Field:
    """A field of a signal: its name ends in its unit where that is not a plain count."""
    return pa.field(name, kind, metadata={"unit": unit, "doc": doc})


# --- stages ------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Task:
    """One idempotent piece of a stage: a part that it makes, and what its function is told."""

    part: str  # unique in its round, e.g. "pages-00000"
    spec: dict[str, Any]  # JSON values only
    weight: int = 0  # bytes of input, for progress; 0 = unknown


class TaskContext(Protocol):
    """What the engine gives to a task's function `fn(spec, ctx)` beside its spec."""

    folder: Path  # the stage's folder
    part: str
    batch_bytes: int  # bound for the text held in one batch; results must not depend on it
    careful: bool  # after a crash: one document a batch, each published
    skip: Mapping[str, tuple[str, str]]
    """Documents (by key: uri, or id) that hung or killed a worker -> (error, message):
    write them to quarantine instead of working on them."""

    def publish(self, key: str) -> None:
        """Say which document is being worked on, for the watchdog; "" when between documents."""

    def writer(self) -> PartWriter:
        """Opens this part's files; leaving the `with` block commits them, manifest entry last."""


class Engine(Protocol):
    """Executes tasks; knows no operation."""

    workers: int

    def map(
        self,
        function: str,
        tasks: Sequence[Task],
        *,
        folder: Path,
        round: str = "main",
        document_seconds: float = 0.0,
        max_skipped: int | None = None,
        scratch: bool = False,
    ) -> list[dict[str, Any]]:
        """Run `module:function` on every task whose part `folder` lacks; entries in task order.

        `document_seconds` > 0 sets the watchdog's limit for one published document. With
        `max_skipped` LostDocumentsError is raised as soon as more documents than that end
        their process, each alone, or as a task begins with many of them and nothing else. A round
        that is in `Work.scratch` is `scratch`: its files are not synced to the disk, and those of
        an earlier run are taken only where their checksums hold.
        """

    def once(
        self, function: str, spec: dict[str, Any], *, folder: Path, resources: str = ""
    ) -> dict:
        """Run `module:function(spec, ctx)` in one process of its own that may use every core."""


@dataclasses.dataclass
class Work:
    """What a stage's `execute(work)` gets: where to write, what to read, who runs its tasks."""

    folder: Path
    params: dict[str, Any]
    inputs: Mapping[str, Path]  # finished folders of the stages it reads, by stage name
    engine: Engine
    seed: int = 0
    secret: bytes = b""
    max_quarantined: float = 1.0  # the share of a source that may go to quarantine
    info: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Figures for manifest.json (deterministic) that later stages and reports read."""
    warnings: list[str] = dataclasses.field(default_factory=list)
    scratch: list[str] = dataclasses.field(default_factory=list)
    """Rounds whose files nobody needs once the stage is complete: they are removed then."""
    files: list[str] = dataclasses.field(default_factory=list)
    """Names of files in `folder` that no part has: their checksums go into the manifest."""

    def max_skipped(self, documents: int | None) -> int | None:
        """For `Engine.map`: of so many documents (None: not known) as many may be lost."""
        if self.max_quarantined >= 1.0:
            return None
        return sys.maxsize if documents is None else int(self.max_quarantined * documents)
