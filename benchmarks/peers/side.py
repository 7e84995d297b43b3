"""One side of a pair: a process that loads a job, and times it whenever it is told to.

    python -m benchmarks.peers.of_tools JOB DATA OPTIONS

One JSON object a line: orders on stdin, answers on stdout; what a library prints goes to stderr.

    {"count": 200, "seconds": 60, "repeat_seconds": 2}
        Do the first 200 documents; a job that can stop does so after 60 seconds. The whole is
        repeated until 2 seconds have gone by.
    {"documents": 180, "seconds": 60.1, "cpu_seconds": 59.8, "repeats": 1, "info": {}}
        Seconds of one repeat. `cpu_seconds` are those of the process and of its children that
        have ended. Loading, importing and what `prepare` does count in neither.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CORE = "CORPUSMITH_BENCH_CORE"
STARTED = "CORPUSMITH_BENCH_STARTED"


class Job:
    """What is measured. `load` imports and reads, `prepare` (untimed) gets the input ready."""

    can_stop = True  # False: `run` does all of what was prepared, whatever the time

    def __init__(self, data: Path, options: dict[str, Any]) -> None:
        self.data = data
        self.options = options
        self.temporary = Path(tempfile.mkdtemp(prefix="corpusmith-pair-"))

    def load(self) -> int:
        """Make ready; returns how many documents there are."""
        raise NotImplementedError

    def prepare(self, count: int) -> None:
        """Get the first `count` documents ready."""

    def run(self, count: int, until: float) -> dict[str, Any]:
        """Do them, or as many as are done at `until` (time.perf_counter). Returns `documents`,
        `startup_seconds` and `startup_cpu_seconds` where starting processes was part of it, and
        figures to compare."""
        raise NotImplementedError

    def figures(self, count: int) -> dict[str, Any]:
        """Of what `run` made, to hold against the other side; not timed."""
        return {}

    def scratch(self) -> Path:
        """An empty folder; the one before is removed."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir()
        return self.temporary

    def rows(self) -> list[dict[str, Any]]:
        with open(self.data, encoding="utf-8") as file:
            return [json.loads(line) for line in file]


class Texts(Job):
    """A job over texts in memory."""

    def load(self) -> int:
        self.texts = [row["text"] for row in self.rows()]
        return len(self.texts)


class Pages(Job):
    """A job over HTML pages in memory; the data are a list of their paths."""

    def load(self) -> int:
        self.pages = [Path(line).read_bytes() for line in self.data.read_text().splitlines()]
        return len(self.pages)


def digest(ids: Any) -> str:
    """SHA-256 of a stream of token ids, as little-endian int64 of documents in their order without
    end tokens: equal only where every id at every place is."""
    return hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest()


def subset(data: Path, count: int, target: Path) -> Path:
    """The first `count` lines of a file, as a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(data, "rb") as source, open(target, "wb") as out:
        for number, line in enumerate(source):
            if number == count:
                break
            out.write(line)
    return target


def each(items: Sequence[Any], count: int, until: float, work: Callable[[Any], Any]) -> int:
    """Call `work` on the first `count` items, or until it is time; how many were done."""
    for number in range(count):
        work(items[number])
        if time.perf_counter() > until:
            return number + 1
    return count


def serve(jobs: dict[str, type[Job]], distributions: Sequence[str] = ()) -> None:
    """Load the job that the arguments name and follow orders until stdin ends. The versions of
    `distributions` go into the result."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    core = os.environ.get(CORE)
    if core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    name, data, options = sys.argv[1:4]
    job = jobs[name](Path(data), json.loads(options))
    try:
        documents = job.load()
        ready = {
            "documents": documents,
            "can_stop": job.can_stop,
            "start_seconds": round(time.time() - float(os.environ[STARTED]), 2),
            "versions": {name: importlib.metadata.version(name) for name in distributions},
        }
        print(json.dumps(ready), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(_measure(job, json.loads(line))), file=answers, flush=True)
    finally:
        shutil.rmtree(job.temporary, ignore_errors=True)


def _measure(job: Job, order: dict[str, Any]) -> dict[str, Any]:
    wall = cpu = 0.0
    repeats = 0
    info: dict[str, Any] = {}
    while not repeats or wall < order.get("repeat_seconds", 0):
        job.prepare(order["count"])
        began, began_cpu = time.perf_counter(), _cpu()
        info = job.run(order["count"], began + order.get("seconds", float("inf")))
        startup = info.pop("startup_seconds", 0.0)
        wall += time.perf_counter() - began - startup
        cpu += _cpu() - began_cpu - info.pop("startup_cpu_seconds", 0.0)
        repeats += 1
    info.update(job.figures(order["count"]))
    return {
        "documents": info.pop("documents", order["count"]),
        "seconds": wall / repeats,
        "cpu_seconds": cpu / repeats,
        "repeats": repeats,
        "info": info,
    }


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
