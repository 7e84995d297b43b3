"""The stage `snapshot.<source>`: fetch once, keep, read as often as wanted.

    store/snapshot.<source>-<fingerprint>/
      data/           what was fetched, for the reader
      state/          what a killed fetch, or the next refresh, goes on from
      manifest.json   written last: figures of the fetch, when it began and ended, and the size and
                      checksum of every file

The fingerprint is that of the parameters and of a number that `--refresh` raises, since the content
is the world's. Stages behind it are fingerprinted by the content. An unfinished folder is kept and
gone on with; a finished one is never touched again.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from corpusmith import op
from corpusmith.collect.readers import function_at
from corpusmith.collect.world import Job
from corpusmith.errors import CorpusmithError, InputError, LostProcessError
from corpusmith.store.atomic import disk_errors, read_json, write_json
from corpusmith.store.fingerprint import hash_json
from corpusmith.store.workspace import read_manifest

BEGAN = "began.json"
FETCH = "corpusmith.collect.snapshot:fetch"
RESTARTS = 20
"""So often a fetch goes on in a new process, where it died of something that it had named."""


def execute(work: op.Work) -> None:
    """Fetch the source into `data/`. `work.info`: what `fetch` returned, `began` and `ended`."""
    found = _fetched(work)
    work.warnings += found.pop("warnings", [])
    for top in ("data", "state"):
        paths = sorted(p for p in (work.folder / top).rglob("*") if p.is_file())
        work.files += [path.relative_to(work.folder).as_posix() for path in paths]
    work.info.update(found)


def _fetched(work: op.Work) -> dict[str, Any]:
    for _ in range(RESTARTS):
        try:
            return work.engine.once(FETCH, work.params, folder=work.folder)
        except LostProcessError as error:
            if not error.document:
                raise
    return work.engine.once(FETCH, work.params, folder=work.folder)


def fetch(spec: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """The task: call the source's own `fetch`, in the process that the engine started for it."""
    params = function_at(spec["model"], spec["extra"]).model_validate(spec["params"])
    previous = Path(spec["previous"]) if spec["previous"] else None
    job = Job(ctx.folder, previous, ctx.progress, ctx.publish)
    with disk_errors(job.data):
        job.data.mkdir(parents=True, exist_ok=True)
        job.state.mkdir(parents=True, exist_ok=True)
    began = job.state / BEGAN
    if not began.exists():
        write_json(began, {"began": _now()})
    try:
        found = function_at(spec["function"], spec["extra"])(params, job)
    except OSError as error:
        with disk_errors(job.data):
            raise InputError(
                f"could not fetch it: {type(error).__name__}: {error}",
                hint="run the same command again: it goes on from what it has",
            ) from error
    if not any(path.is_file() for path in job.data.rglob("*")):
        raise CorpusmithError(f"{spec['function']} fetched nothing and did not say why")
    return {**json.loads(json.dumps(found)), **read_json(began), "ended": _now()}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


# --- which snapshot ----------------------------------------------------------------------


def newest(store: Path, source: str, base: str) -> tuple[int, Path] | None:
    """(number, folder) of the last finished snapshot of a source with these parameters.

    `base`: the hash of everything in its fingerprint but the number.
    """
    found: list[tuple[int, Path]] = []
    for folder in store.glob(f"snapshot.{source}-*"):
        if (folder / "manifest.json").exists():
            ingredients = read_manifest(folder)["ingredients"]
            if ingredients.get("base") == base:
                found.append((ingredients["refresh"], folder))
    return max(found, default=None)


def content(folder: Path) -> str:
    """The hash of a finished snapshot's data: names, sizes and checksums."""
    return hash_json([f for f in read_manifest(folder)["files"] if f["path"].startswith("data/")])
