"""The local engine: worker processes on this machine, with retries and a watchdog."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from corpusmith.engine.base import BATCH_BYTES, SECRETS, Order
from corpusmith.engine.processes import HOPELESS, Assignment, Round, Worker
from corpusmith.errors import (
    CorpusmithError,
    LostDocumentsError,
    LostProcessError,
    secret_names,
)
from corpusmith.kernels.sources import compiled_marks
from corpusmith.op import Task
from corpusmith.store.atomic import remove_temporaries
from corpusmith.store.parts import committed, part_entry

DOCUMENT_SECONDS = 60.0
TICK_SECONDS = 0.2
Event = dict[str, Any]


class LocalEngine:
    """Runs tasks in worker processes. `on_event` hears of every start, end, retry and tick.

    `warm`: what compiles the kernels of the tasks; `modules`: what they import.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        batch_bytes: int = BATCH_BYTES,
        document_seconds: float = DOCUMENT_SECONDS,
        on_event: Callable[[Event], None] | None = None,
        log_folder: Path | None = None,
        warm: Sequence[str] = (),
        modules: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        hopeless: int = HOPELESS,
    ) -> None:
        self.workers = workers or available_cores()
        self.batch_bytes = batch_bytes
        self.document_seconds = document_seconds
        self.hopeless = hopeless
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
        self._modules = list(modules)
        self._pool: list[Worker] = []
        self._number = 0

    # --- the pool ------------------------------------------------------------------------

    def _start(self) -> Worker:
        worker = Worker(self._number, self._folder, self._environment)
        self._number += 1
        return worker

    def warm(self, tasks: int = 1) -> None:
        """Start workers for so many tasks, with kernels and modules loaded.

        What was never compiled is compiled in one process, so that none is compiled twice.
        """
        if not self._warm and not self._modules:
            return
        began = time.monotonic()
        marks = compiled_marks(self._environment, self._warm)
        first = not all(mark.exists() for mark in marks)
        workers = [self._start() for _ in range(1 if first else max(1, min(self.workers, tasks)))]
        self._pool += workers
        orders, self._warm, self._modules = [*self._modules, *self._warm], [], []
        self._event("warming", None, workers[0], compiles=first)
        for worker in workers:
            worker.orders.send(orders)
        for worker in workers:
            reply = self._receive(worker)
            if reply is None or reply[0] == "error":
                self.close_pool()
                raise CorpusmithError(
                    "the kernels could not be compiled",
                    where=str(self._folder / f"worker-{worker.number}.log"),
                    hint="corpusmith doctor",
                ) from (reply[1] if reply else None)
        for mark in marks:
            with contextlib.suppress(OSError):  # then the next run compiles in one process, too
                mark.touch()
        seconds = round_seconds(time.monotonic() - began)
        pids = [worker.process.pid for worker in workers]
        self._event("warm", None, workers[0], compiles=first, seconds=seconds, pids=pids)

    def _receive(self, worker: Worker, limit: float = 0.0) -> tuple | None:
        """Wait for a worker's answer with ticks; None where it died, or was killed since what it
        published took more than `limit` seconds."""
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
                if limit and worker.overdue(limit):
                    worker.process.kill()
                    return None

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
        self, event: str, assignment: Assignment | None, worker: Worker, **more: Any
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
        max_skipped: int | None = None,
        scratch: bool = False,
    ) -> list[dict[str, Any]]:
        """Run `function` on every task that is not committed; entries in the tasks' order."""
        names = [task.part for task in tasks]
        if len(set(names)) != len(names):
            raise CorpusmithError(f"two tasks of {function} make the same part")
        folder.mkdir(parents=True, exist_ok=True)
        waiting = deque(
            Assignment(task, index)
            for index, task in enumerate(tasks)
            if not committed(folder, task.part, round, checked=scratch)
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
            self.warm(len(waiting))
            limit = document_seconds or self.document_seconds
            self._drain(Round(function, folder, round, limit, max_skipped, waiting, scratch))
        return [part_entry(folder, task.part, round) for task in tasks]

    def once(
        self, function: str, spec: dict[str, Any], *, folder: Path, resources: str = ""
    ) -> dict[str, Any]:
        """Run `function` in a process of its own that may use every core. Where it publishes what
        it looks at, LostProcessError says at what it died, or hung and was killed."""
        self.close_pool()
        environment = {
            k: v
            for k, v in self._environment.items()
            if k not in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        }
        worker = Worker(self._number, self._folder, environment)
        self._number += 1
        assignment = Assignment(Task("once", spec), 0)
        worker.assignment = assignment
        began = time.monotonic()
        try:
            self._event("start", assignment, worker)
            alone = Round(function, folder, "main", 0.0, None, deque())
            worker.orders.send(self._order(alone, assignment, self.workers))
            reply = self._receive(worker, self.document_seconds)
            if reply is None:
                raise self._lost_alone(worker, assignment)
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

    def _lost_alone(self, worker: Worker, assignment: Assignment) -> LostProcessError:
        key, seconds, _ = worker.heartbeat.read()
        status = worker.process.wait()
        late = bool(key) and status < 0 and seconds > self.document_seconds
        what = f"ended with status {status}"
        if late:
            what = f"was ended: it took over {self.document_seconds:g} seconds"
        what = f"the process of {self.stage or assignment.task.part} {what}"
        what += f" at {key}" if key else ""
        error = "timeout" if late else "crash"
        self._event("lost", assignment, worker, document=key, error=error, message=what)
        return LostProcessError(
            what,
            where=str(self._folder / f"worker-{worker.number}.log"),
            hint="run the same command again: it goes on from the last checkpoint",
            document=key,
        )

    def close_pool(self) -> None:
        """End idle workers, so that a stage with a process of its own has the machine."""
        for worker in self._pool:
            worker.end()
        self._pool = []

    def _order(self, round: Round, assignment: Assignment, threads: int = 1) -> Order:
        return Order(
            function=round.function,
            part=assignment.task.part,
            spec=assignment.task.spec,
            folder=str(round.folder),
            round=round.name,
            batch_bytes=self.batch_bytes,
            careful=assignment.careful,
            skip=dict(assignment.skip),
            threads=threads,
            scratch=round.scratch,
        )

    def _drain(self, round: Round) -> None:
        """Hand out tasks until none is waiting or running."""
        while len(self._pool) < min(self.workers, len(round.waiting)):
            self._pool.append(self._start())
        try:
            while round.waiting or any(w.assignment for w in self._pool):
                for worker in self._pool:
                    if worker.assignment is None and round.waiting:
                        worker.assignment = round.next()
                        self._event("start", worker.assignment, worker, round=round.name)
                        order = self._order(round, worker.assignment)
                        with contextlib.suppress(OSError):  # it is dead: found out below
                            worker.orders.send(order)
                ready = wait(
                    [w.replies for w in self._pool if w.assignment is not None],
                    timeout=TICK_SECONDS,
                )
                for worker in list(self._pool):
                    if worker.assignment is None:
                        continue
                    if worker.replies in ready:
                        self._answer(worker, round)
                    else:
                        key = worker.overdue(round.document_seconds)
                        if key:
                            what = f"over {round.document_seconds:g} seconds"
                            self._lost(worker, round, key, what, "timeout")
                self._on_event({"event": "tick"})
        except BaseException:
            self.close_pool()
            raise

    def _answer(self, worker: Worker, round: Round) -> None:
        assignment = worker.assignment
        assert assignment is not None
        try:
            reply = worker.replies.recv()
        except (EOFError, OSError):
            key = worker.heartbeat.read()[0]
            status = worker.process.wait()
            self._lost(worker, round, key, f"ended its process with status {status}", "crash")
            return
        if reply[0] == "progress":
            self._event("progress", assignment, worker, fraction=reply[1], note=reply[2])
            return
        worker.assignment = None
        if reply[0] == "error":
            raise reply[1]
        round.done(assignment)
        entry = part_entry(round.folder, assignment.task.part, round.name)
        files = entry["files"].values()
        self._event(
            "done",
            assignment,
            worker,
            round=round.name,
            rows=max((f.get("rows", 0) for f in files), default=0),
            bytes=assignment.task.weight,
            bytes_written=sum(f["bytes"] for f in files),
            seconds=round_seconds(time.monotonic() - assignment.began),
            peak_memory_bytes=reply[-1],
        )

    def _lost(self, worker: Worker, round: Round, key: str, what: str, error: str) -> None:
        """A worker died or is to be killed: replace it, and try its task again, more carefully."""
        assignment = worker.assignment
        assert assignment is not None
        assignment.deaths += 1
        self._event("lost", assignment, worker, document=key, error=error, message=what)
        none_came_through = worker.heartbeat.published() <= 1
        place = self._pool.index(worker)
        worker.end()
        remove_temporaries(round.folder, worker.process.pid)
        # A document that hung or killed its worker while alone is the culprit.
        if assignment.careful and key and key not in assignment.skip:
            assignment.skip[key] = (error, f"{key}: {what} in {self.stage}")
            round.hurt[assignment.task.part] = assignment
            self._give_up(round, worker, assignment, none_came_through)
        elif assignment.deaths >= 4 + len(assignment.skip):
            raise CorpusmithError(
                f"a task of {self.stage} lost its worker {assignment.deaths} times: {what}",
                where=f"{assignment.task.part}, log worker-{worker.number}.log",
                hint="fewer --workers if memory ran out",
            )
        if error == "timeout" or assignment.deaths >= 2 or round.hurt:
            # One document at a time from here on, so that the culprit has a name.
            assignment.careful = True
        self._pool[place] = self._start()
        # At once, since what is learned of its documents makes the others cheaper.
        round.waiting.appendleft(assignment)

    def _give_up(
        self, round: Round, worker: Worker, assignment: Assignment, none_came_through: bool
    ) -> None:
        """LostDocumentsError where more documents are lost than may be, or nothing comes through.

        Each costs the start of a process: a source that consists of them would take hours.
        """
        limit = round.max_skipped
        if limit is None:
            return
        lost = {key: message for a in round.hurt.values() for key, (_, message) in a.skip.items()}
        if len(lost) > limit:
            what = f"{len(lost):,} documents ended their process or ran out of time"
        elif len(assignment.skip) >= self.hopeless and none_came_through:
            what = f"not one of the first {len(assignment.skip):,} documents came through"
        else:
            return
        raise LostDocumentsError(
            f"{what} in {self.stage}, each alone:\n"
            + "\n".join(f"    {message}" for message in list(lost.values())[:3]),
            where=f"log {self._folder / f'worker-{worker.number}.log'}",
            documents=tuple(lost),
        )


def available_cores() -> int:
    """Cores that this process may use; Linux knows of affinity, macOS does not."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def round_seconds(seconds: float) -> float:
    return float(f"{seconds:.4f}")
