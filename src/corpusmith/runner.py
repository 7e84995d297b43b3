"""Executes a plan stage by stage: takes what is there, makes what is not, writes the record.

runs/<time>-<short>/recipe.lock.yaml   the recipe, its stages with fingerprints and folders
                    events.jsonl       one line a task
                    summary.json       the figures, and the error that ended it, if one did
                    report.html        the page
                    logs/              what workers printed
"""

from __future__ import annotations

import collections
import contextlib
import datetime
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from corpusmith import plan, recipe, schema
from corpusmith.engine.base import resolve
from corpusmith.engine.local import BATCH_BYTES, DOCUMENT_SECONDS, LocalEngine
from corpusmith.errors import CheckError, CorpusmithError, LostDocumentsError, redacted
from corpusmith.op import Work
from corpusmith.plan import Plan, Stage
from corpusmith.report.html import write_report
from corpusmith.report.run import Run
from corpusmith.report.summary import summarize
from corpusmith.store.atomic import disk_errors, write_bytes, write_json
from corpusmith.store.fingerprint import library_versions
from corpusmith.store.parts import iter_part, part_names
from corpusmith.store.workspace import Workspace, finish, read_manifest

Event = dict[str, Any]
MAX_QUARANTINED = 0.05
RECORDED = (
    *("start", "done", "lost", "round", "warm", "cached", "stage", "end", "failed", "interrupted"),
)


class Terminated(BaseException):
    """SIGTERM came: like KeyboardInterrupt, it passes every `except Exception`."""


class Recorder:
    """Writes events.jsonl and passes each event on to the progress display."""

    def __init__(self, path: Path, listener: Callable[[Event], None]) -> None:
        with disk_errors(path):
            self._file: IO[str] = open(path, "a", encoding="utf-8")  # noqa: SIM115
        self._path = path
        self._listener = listener

    def __call__(self, event: Event) -> None:
        if event["event"] in RECORDED:
            line = {"time": _now(), **event}
            with disk_errors(self._path):
                self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
                self._file.flush()
        self._listener(event)

    def close(self) -> None:
        self._file.close()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def workspace_for(source: recipe.Recipe, workdir: str | os.PathLike | None) -> Workspace:
    """`--workdir`, else `corpora/<corpus>` beside where we stand."""
    root = Path(workdir) if workdir else Path("corpora") / source.corpus
    return Workspace(root.absolute())


def run(
    recipe_path: str | os.PathLike,
    *,
    workdir: str | os.PathLike | None = None,
    workers: int | None = None,
    until: str | None = None,
    wait: bool = False,
    strict: bool = False,
    refresh: Collection[str] = (),
    batch_bytes: int = BATCH_BYTES,
    listener: Callable[[Event], None] | None = None,
) -> Run:
    """Run a recipe; what earlier runs made is taken as it is.

    `workdir`: where results go (`corpora/<corpus>`); `workers`: processes (all cores); `until`: the
    last step to make; `wait` for a result that another process makes, in place of an error;
    `strict`: warnings are errors; `refresh`: sources of the world to fetch anew; `batch_bytes`:
    text a worker holds at a time; `listener` hears of every event (a dict with `event`: stage,
    start, progress, done, cached, end and so on).

    A run that fails leaves a record of what it made as well: `error.run` is its folder. `latest`
    is the last run that finished.

    Raises RecipeError and InputError before anything runs, BusyError where another process
    makes the same result, CheckError where too much of a source went to quarantine, where
    the conservation law doesn't hold, or (`strict`) where a stage warned.
    """
    source = recipe.read(recipe_path)
    workspace = workspace_for(source, workdir)
    workspace.create()

    def planning(refresh: Collection[str] = ()) -> Plan:
        whole = plan.make(source, workspace, refresh=refresh)
        return whole.until(until) if until else whole

    planned = planning(refresh)
    listener = listener or (lambda event: None)
    earlier = finished_run(planned)
    if earlier is not None:
        listener({"event": "nothing", "run": str(earlier.folder)})
        _check_warnings(earlier.summary["warnings"], strict)
        return earlier
    folder = workspace.new_run(planned.fingerprint)
    recorder = Recorder(folder / "events.jsonl", listener)
    began = time.monotonic()
    seconds: dict[str, float] = {}

    def conclude(status: str, error: dict[str, Any] | None = None) -> Run:
        """Write the record of what was made, and show it."""
        wall = time.monotonic() - began
        summary = summarize(Run(folder), seconds, wall, status=status, error=error)
        write_json(folder / "summary.json", summary)
        found = Run(folder)
        if status != "interrupted":  # whoever interrupts does not want to wait
            write_report(found)
        return found

    try:
        write_lock(planned, folder)
        more = (folder, recorder, seconds, workers, wait, batch_bytes)
        with terminable():
            if any(stage.missing for stage in planned.stages):
                # What stands behind a snapshot is known by its content: fetch, and plan again.
                _execute(planned, *more, only=[s for s in planned.stages if s.missing])
                planned = planning()
                write_lock(planned, folder)
            _execute(planned, *more)
        found = conclude("finished")
        _check_balance(found)
        workspace.set_latest(folder)
        recorder({"event": "end", "seconds": round(time.monotonic() - began, 3)})
    except BaseException as error:
        told = described(error)
        status = "interrupted" if told["exit"] > 128 else "failed"
        # Where even the record can't be written (a full disk), the error itself is what counts.
        with contextlib.suppress(Exception):
            recorder({"event": status, "seconds": round(time.monotonic() - began, 3), **told})
            conclude(status, told)
            if isinstance(error, CorpusmithError):
                error.run = str(folder)
        raise
    finally:
        recorder.close()
    _check_warnings(found.summary["warnings"], strict)
    return found


def described(error: BaseException) -> dict[str, Any]:
    """What summary.json says of the error that ended a run; `exit` is the command line's code."""
    if isinstance(error, CorpusmithError):
        return error.described()
    exits = {KeyboardInterrupt: 130, Terminated: 143}
    words = f"{type(error).__name__}: {error}".rstrip(": ")
    return CorpusmithError(words).described() | {"exit": exits.get(type(error), 70)}


def _check_balance(found: Run) -> None:
    if found.summary["unbalanced"]:
        raise CheckError(
            "documents were lost: " + "; ".join(found.summary["unbalanced"]),
            where=str(found.folder),
            hint=f"corpusmith verify {found.folder}",
        )


def _check_warnings(warnings: list[str], strict: bool) -> None:
    if strict and warnings:
        raise CheckError(f"{len(warnings)} warnings under --strict: " + "; ".join(warnings))


def finished_run(planned: Plan) -> Run | None:
    """The latest run, where it made all that this plan would make and all of it is still there."""
    latest = planned.workspace.root / "latest"
    try:
        found = Run(latest.resolve())
        same = found.summary["fingerprint"] == planned.fingerprint
    except (OSError, ValueError, KeyError, CorpusmithError):
        return None
    return found if same and all(stage.cached for stage in planned.stages) else None


def _execute(
    planned: Plan,
    folder: Path,
    recorder: Recorder,
    seconds: dict[str, float],
    workers: int | None,
    wait: bool,
    batch_bytes: int,
    only: Sequence[Stage] | None = None,
) -> None:
    values = planned.recipe.values
    limit = values.get("max_quarantined", MAX_QUARANTINED)
    engine = LocalEngine(
        workers,
        batch_bytes=batch_bytes,
        document_seconds=float(values.get("document_seconds", DOCUMENT_SECONDS)),
        on_event=recorder,
        log_folder=folder / "logs",
        warm=planned.kernels,
        modules=planned.modules,
    )
    with engine:
        total = len(planned.stages)
        for number, stage in enumerate(planned.stages):
            if only is not None and stage not in only:
                continue
            label = {"stage": stage.name, "number": number + 1, "of": total}
            if stage.cached:
                recorder({"event": "cached", **label})
            else:
                with planned.workspace.lock(stage.folder, wait=wait):
                    if not stage.cached:  # another process may have made it while we waited
                        recorder({"event": "stage", **label})
                        began = time.monotonic()
                        _make(stage, planned, engine, limit)
                        seconds[stage.name] = round(time.monotonic() - began, 3)
            check_quarantine(stage, limit)


def _make(stage: Stage, planned: Plan, engine: LocalEngine, max_quarantined: float) -> None:
    engine.stage = stage.name
    work = Work(
        folder=stage.folder,
        params=stage.params,
        inputs={name: planned.stage(name).folder for name in stage.inputs},
        engine=engine,
        seed=planned.recipe.seed,
        secret=planned.secret,
        max_quarantined=max_quarantined,
    )
    with disk_errors(stage.folder):
        stage.folder.mkdir(parents=True, exist_ok=True)
    try:
        resolve(stage.entry)(work)
    except LostDocumentsError as error:
        source = stage.name.partition(".")[2]
        raise CheckError(
            f"source {source!r} was given up before its end: {error.what}",
            where=error.where,
            expected=f"at most {max_quarantined:.0%} of a source in quarantine (max_quarantined)",
            hint="mend the operation or the source, or allow it with max_quarantined: 1.0",
        ) from error
    except CorpusmithError:
        raise
    except OSError:
        with disk_errors(stage.folder):
            raise
    finish(
        stage.folder,
        stage=stage.name,
        fingerprint=stage.fingerprint,
        ingredients=stage.ingredients,
        info=work.info,
        warnings=work.warnings,
        scratch=work.scratch,
        files=work.files,
    )


def check_quarantine(stage: Stage, limit: float) -> None:
    """CheckError where over `limit` of a source went to quarantine, by name."""
    if stage.kind not in ("collect", "clean"):
        return
    info = read_manifest(stage.folder)["info"]
    bad = info.get("quarantined", 0) - info.get("expected_quarantine", 0)
    total = info.get("documents", 0) + bad
    if bad and bad > limit * total:
        source = stage.name.partition(".")[2]
        raise CheckError(
            f"{bad:,} of {total:,} documents of source {source!r} ({bad / total:.1%}) went to "
            f"quarantine in {stage.name}:\n{_first_errors(stage.folder)}",
            where=str(stage.folder / "quarantine"),
            expected=f"at most {limit:.0%} (max_quarantined)",
            hint="mend the source, or move the limit with max_quarantined: in the recipe",
        )


def _first_errors(folder: Path) -> str:
    """How often each error came, and what the first few say."""
    tables = [t for part in part_names(folder) for t in iter_part(folder, "quarantine", part)]
    rows = pa.concat_tables(tables).to_pylist() if tables else []
    counts = collections.Counter(row["error"] for row in rows)
    lines = [f"    {error}: {count:,}" for error, count in counts.most_common(5)]
    lines += [f"    {row['uri']}: {row['message'][:200]}" for row in rows[:3]]
    return "\n".join(lines)


def write_lock(planned: Plan, folder: Path) -> None:
    """recipe.lock.yaml: JSON is YAML, and stays exact."""
    root = planned.workspace.root
    lock = {
        "schema": schema.SCHEMA_VERSION,
        "corpus": planned.recipe.corpus,
        "fingerprint": planned.fingerprint,
        "recipe": hidden(planned.recipe.public(planned.recipe.values)),
        "recipe_path": redacted(str(planned.recipe.path.absolute())),
        "sources": list(planned.sources),
        "stages": [
            {
                "name": stage.name,
                "kind": stage.kind,
                "fingerprint": stage.fingerprint,
                "folder": stage.folder.relative_to(root).as_posix(),
            }
            for stage in planned.stages
        ],
        "decides": [
            {
                "step": step.name,
                "kind": step.kind,
                "columns": step.columns(),
                "rules": step.rules.model_dump(mode="json") if step.rules else None,
            }
            for step in planned.steps.decides
        ],
        "passes": [hidden(step.spec(public=True)) for step in planned.steps.passes],
        "libraries": library_versions(
            ["corpusmith", "numpy", "numba", "pyarrow", "tokenizers", "torch", "transformers"]
        ),
    }
    text = json.dumps(lock, indent=1, ensure_ascii=False)
    write_bytes(folder / "recipe.lock.yaml", (text + "\n").encode())


def hidden(value: Any) -> Any:
    """`value` with [redacted] in place of each `${env:NAME}`."""
    if isinstance(value, dict):
        return {key: hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [hidden(inner) for inner in value]
    return recipe.ENVIRONMENT.sub("[redacted]", value) if isinstance(value, str) else value


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM raises Terminated here, so that workers are ended and the exit code is 143."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: Any) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
