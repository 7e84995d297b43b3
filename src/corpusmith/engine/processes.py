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

    def end(self) -> None:
        self.orders.close()
        self.replies.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.heartbeat.close()


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
