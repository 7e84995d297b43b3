"""The local engine: worker processes on this machine, with retries and a watchdog."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from corpusmith.engine.base import BATCH_BYTES, SECRETS, Heartbeat, Order
from corpusmith.errors import CorpusmithError, secret_names
from corpusmith.op import Task
from corpusmith.store.parts import committed, part_entry

DOCUMENT_SECONDS = 60.0
TICK_SECONDS = 0.2
Event = dict[str, Any]


class _Worker:
    """One child process, its two pipes and its heartbeat."""

    def __init__(self, number: int, folder: Path, environment: dict[str, str]) -> None:
        self.number = number
        self.assignment: _Assignment | None = None
        beat = folder / f"heartbeat-{number}-{time.monotonic_ns()}"
        self.heartbeat = Heartbeat(beat)
        child_read, parent_write = os.pipe()
        parent_read, child_write = os.pipe()
        with open(folder / f"worker-{number}.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "corpusmith.engine.worker"),
                    *(str(child_read), str(child_write), str(os.getpid()), str(beat)),
                ],
                pass_fds=(child_read, child_write),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )
        os.close(child_read)
        os.close(child_write)
        self.orders = Connection(parent_write, readable=False)
        self.replies = Connection(parent_read, writable=False)

    def end(self) -> None:
        self.orders.close()
        self.replies.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.heartbeat.close()


@dataclasses.dataclass
class _Assignment:
    task: Task
    index: int
    deaths: int = 0
    careful: bool = False
    skip: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    began: float = 0.0


class LocalEngine:
    """Runs tasks in worker processes. `on_event` hears of every start, end, retry and tick."""

    def __init__(
        self,
        workers: int | None = None,
        *,
        batch_bytes: int = BATCH_BYTES,
        document_seconds: float = DOCUMENT_SECONDS,
        on_event: Callable[[Event], None] | None = None,
        log_folder: Path | None = None,
        warm: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.workers = workers or available_cores()
        self.batch_bytes = batch_bytes
        self.document_seconds = document_seconds
        self.stage = ""  # the runner says which stage is on, for events
        self._on_event = on_event or (lambda event: None)
        self._temporary = tempfile.TemporaryDirectory(prefix="corpusmith-")
        self._folder = log_folder or Path(self._temporary.name)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._environment = {**os.environ, **(environment or {}), SECRETS: " ".join(secret_names())}
        # One thread a worker: the workers are the parallelism.
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            self._environment.setdefault(name, "1")
        self._warm = list(warm)
        self._pool: list[_Worker] = []
        self._number = 0

    # --- the pool ------------------------------------------------------------------------

    def _start(self) -> _Worker:
        worker = _Worker(self._number, self._folder, self._environment)
        self._number += 1
        return worker

    def warm(self) -> None:
        """Compile (or load) kernels in one process before others start.

        Numba's cache on disk is not safe under parallel first compilation.
        """
        if not self._warm:
            return
        addresses, self._warm = self._warm, []
        worker = self._start()
        began = time.monotonic()
        worker.orders.send(addresses)
        reply = self._receive(worker)
        if reply is None or reply[0] == "error":
            worker.end()
            raise CorpusmithError(
                "the kernels could not be compiled",
                where=str(self._folder / f"worker-{worker.number}.log"),
                hint="corpusmith doctor",
            ) from (reply[1] if reply else None)
        self._pool.append(worker)
        self._event("warm", None, worker, seconds=time.monotonic() - began)

    def _receive(self, worker: _Worker) -> tuple | None:
        """Wait for a worker's answer with ticks; None where it died."""
        while True:
            if worker.replies.poll(TICK_SECONDS):
                try:
                    reply = worker.replies.recv()
                except (EOFError, OSError):
                    return None
                if reply[0] != "progress":
                    return reply
                self._event("progress", worker.assignment, worker, fraction=reply[1], note=reply[2])
            else:
                self._on_event({"event": "tick"})

    def close(self) -> None:
        for worker in self._pool:
            worker.end()
        self._pool = []
        with contextlib.suppress(OSError):
            self._temporary.cleanup()

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _event(
        self, event: str, assignment: _Assignment | None, worker: _Worker, **more: Any
    ) -> None:
        part = assignment.task.part if assignment else ""
        self._on_event(
            {
                "event": event,
                "stage": self.stage,
                "part": part,
                "worker": worker.number,
                "pid": worker.process.pid,
                **more,
            }
        )

    # --- tasks ---------------------------------------------------------------------------

    def map(
        self,
        function: str,
        tasks: Sequence[Task],
        *,
        folder: Path,
        round: str = "main",
        document_seconds: float = 0.0,
    ) -> list[dict[str, Any]]:
        """Run `function` on every task that is not committed; entries in the tasks' order."""
        names = [task.part for task in tasks]
        if len(set(names)) != len(names):
            raise CorpusmithError(f"two tasks of {function} make the same part")
        folder.mkdir(parents=True, exist_ok=True)
        waiting = deque(
            _Assignment(task, index)
            for index, task in enumerate(tasks)
            if not committed(folder, task.part, round)
        )
        done = len(tasks) - len(waiting)
        self._on_event(
            {
                "event": "round",
                "stage": self.stage,
                "round": round,
                "tasks": len(tasks),
                "cached": done,
                "bytes": sum(task.weight for task in tasks),
                "cached_bytes": sum(t.weight for t in tasks) - sum(a.task.weight for a in waiting),
            }
        )
        if waiting:
            self.warm()
            self._drain(function, waiting, folder, round, document_seconds or self.document_seconds)
        return [part_entry(folder, task.part, round) for task in tasks]

    def once(
        self, function: str, spec: dict[str, Any], *, folder: Path, resources: str = ""
    ) -> dict[str, Any]:
        """Run `function` in a process of its own that may use every core; no watchdog."""
        self.close_pool()
        environment = {
            k: v
            for k, v in self._environment.items()
            if k not in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        }
        worker = _Worker(self._number, self._folder, environment)
        self._number += 1
        assignment = _Assignment(Task("once", spec), 0)
        worker.assignment = assignment
        began = time.monotonic()
        try:
            self._event("start", assignment, worker)
            worker.orders.send(self._order(function, assignment, folder, "main", self.workers))
            reply = self._receive(worker)
            if reply is None:
                status = worker.process.wait()
                raise CorpusmithError(
                    f"the process of {self.stage or function} ended with status {status}",
                    where=str(self._folder / f"worker-{worker.number}.log"),
                    hint="run the same command again: it goes on from the last checkpoint",
                )
            if reply[0] == "error":
                raise reply[1]
            self._event(
                "done",
                assignment,
                worker,
                seconds=time.monotonic() - began,
                peak_memory_bytes=reply[-1],
            )
            return reply[1]
        finally:
            worker.end()

    def close_pool(self) -> None:
        """End idle workers, so that a stage with a process of its own has the machine."""
        for worker in self._pool:
            worker.end()
        self._pool = []

    def _order(
        self, function: str, assignment: _Assignment, folder: Path, round: str, threads: int
    ) -> Order:
        return Order(
            function=function,
            part=assignment.task.part,
            spec=assignment.task.spec,
            folder=str(folder),
            round=round,
            batch_bytes=self.batch_bytes,
            careful=assignment.careful,
            skip=dict(assignment.skip),
            threads=threads,
        )

    def _drain(
        self, function: str, waiting: deque[_Assignment], folder: Path, round: str, limit: float
    ) -> None:
        """Hand out tasks until none is waiting or running."""
        while len(self._pool) < min(self.workers, len(waiting)):
            self._pool.append(self._start())
        try:
            while waiting or any(w.assignment for w in self._pool):
                for worker in self._pool:
                    if worker.assignment is None and waiting:
                        assignment = waiting.popleft()
                        assignment.began = time.monotonic()
                        worker.assignment = assignment
                        self._event("start", assignment, worker, round=round)
                        with contextlib.suppress(OSError):  # it is dead: found out below
                            worker.orders.send(self._order(function, assignment, folder, round, 1))
                ready = wait(
                    [w.replies for w in self._pool if w.assignment is not None],
                    timeout=TICK_SECONDS,
                )
                for worker in list(self._pool):
                    if worker.assignment is None:
                        continue
                    if worker.replies in ready:
                        self._answer(worker, waiting, folder, round)
                    else:
                        key, seconds = worker.heartbeat.read()
                        if key and seconds > limit:
                            worker.process.kill()
                            self._lost(worker, waiting, key, f"over {limit:g} seconds", "timeout")
                self._on_event({"event": "tick"})
        except BaseException:
            self.close_pool()
            raise

    def _answer(
        self, worker: _Worker, waiting: deque[_Assignment], folder: Path, round: str
    ) -> None:
        assignment = worker.assignment
        assert assignment is not None
        try:
            reply = worker.replies.recv()
        except (EOFError, OSError):
            key, _ = worker.heartbeat.read()
            status = worker.process.wait()
            self._lost(worker, waiting, key, f"ended its process with status {status}", "crash")
            return
        if reply[0] == "progress":
            self._event("progress", assignment, worker, fraction=reply[1], note=reply[2])
            return
        worker.assignment = None
        if reply[0] == "error":
            raise reply[1]
        entry = part_entry(folder, assignment.task.part, round)
        files = entry["files"].values()
        self._event(
            "done",
            assignment,
            worker,
            round=round,
            rows=max((f.get("rows", 0) for f in files), default=0),
            bytes=assignment.task.weight,
            bytes_written=sum(f["bytes"] for f in files),
            seconds=round_seconds(time.monotonic() - assignment.began),
            peak_memory_bytes=reply[-1],
        )

    def _lost(
        self, worker: _Worker, waiting: deque[_Assignment], key: str, what: str, error: str
    ) -> None:
        """A worker died or was killed: replace it, and try its task again, more carefully."""
        assignment = worker.assignment
        assert assignment is not None
        assignment.deaths += 1
        self._event("lost", assignment, worker, document=key, error=error, message=what)
        place = self._pool.index(worker)
        worker.end()
        self._pool[place] = self._start()
        if error == "timeout" or assignment.deaths >= 2:
            # One document at a time from here on, so that the culprit has a name. A document
            # that hung or killed its worker while alone is the culprit.
            if assignment.careful and key and key not in assignment.skip:
                assignment.skip[key] = (error, f"{key}: {what} in {self.stage}")
            elif assignment.deaths >= 4 + len(assignment.skip):
                raise CorpusmithError(
                    f"a task of {self.stage} lost its worker {assignment.deaths} times: {what}",
                    where=f"{assignment.task.part}, log worker-{worker.number}.log",
                    hint="fewer --workers if memory ran out",
                )
            assignment.careful = True
        waiting.append(assignment)


def available_cores() -> int:
    """Cores that this process may use; Linux knows of affinity, macOS does not."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def round_seconds(seconds: float) -> float:
    return float(f"{seconds:.4f}")
