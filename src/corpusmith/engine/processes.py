"""Worker processes of the local engine, what they are given, and what one round learns."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections import deque
from multiprocessing.connection import Connection
from pathlib import Path

from corpusmith.engine.base import Heartbeat, heartbeat_file
from corpusmith.op import Task

PATIENCE = 10.0
"""Times its limit that a document may take by the clock, while it has not used it up as CPU time.

A document's limit is CPU time, so that a busy machine or a slow disk does not decide which
documents a corpus has; what waits for ever ends all the same."""

HOPELESS = 20
"""A part of which so many documents, each alone, ended their process and none came through, is
given up: it is the operation that is broken. Each of them costs the start of a process."""


class Worker:
    """One child process, its two pipes and its heartbeat."""

    def __init__(self, number: int, folder: Path, environment: dict[str, str]) -> None:
        self.number = number
        self.assignment: Assignment | None = None
        beat = heartbeat_file()
        child_read, parent_write = os.pipe()
        parent_read, child_write = os.pipe()
        with open(folder / f"worker-{number}.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "corpusmith.engine.worker"),
                    *(str(child_read), str(child_write), str(os.getpid()), str(beat)),
                ],
                pass_fds=(child_read, child_write, beat),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )
        os.close(child_read)
        os.close(child_write)
        self.heartbeat = Heartbeat(beat)
        self.orders = Connection(parent_write, readable=False)
        self.replies = Connection(parent_read, writable=False)

    def overdue(self, limit: float) -> str:
        """The key of the document that is over its limit in seconds; "" where none is."""
        key, seconds, cpu_then = self.heartbeat.read()
        if not key or seconds <= limit:
            return ""
        cpu = cpu_seconds(self.process.pid)
        used = seconds if cpu is None else cpu - cpu_then
        return key if used > limit or seconds > PATIENCE * limit else ""

    def end(self) -> None:
        self.orders.close()
        self.replies.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.heartbeat.close()


def cpu_seconds(pid: int) -> float | None:
    """CPU time that a process has used, in user and kernel mode; None where no /proc says it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None


@dataclasses.dataclass
class Assignment:
    task: Task
    index: int
    deaths: int = 0
    careful: bool = False
    skip: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    """Documents that ended their process while alone -> (error, message)."""
    began: float = 0.0


@dataclasses.dataclass
class Round:
    """One call of `map`: what is still to do, and what was learned of its documents."""

    function: str
    folder: Path
    name: str
    document_seconds: float
    max_skipped: int | None
    waiting: deque[Assignment]
    scratch: bool = False
    hurt: dict[str, Assignment] = dataclasses.field(default_factory=dict)  # parts with a `skip`
    unhurt: int = 0  # parts that came through without

    def next(self) -> Assignment:
        assignment = self.waiting.popleft()
        # Where most parts hold a document that ends its process, a careless try only costs one.
        if 3 <= len(self.hurt) > self.unhurt:
            assignment.careful = True
        assignment.began = time.monotonic()
        return assignment

    def done(self, assignment: Assignment) -> None:
        self.unhurt += not assignment.skip
