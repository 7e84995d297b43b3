"""What every engine shares: finding a task's function, the context it gets, and the heartbeat."""

from __future__ import annotations

import dataclasses
import importlib
import mmap
import os
import struct
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from corpusmith.store.parts import PartWriter

BATCH_BYTES = 16 << 20
HEARTBEAT_BYTES = 4096
SECRETS = "CORPUSMITH_SECRETS"
"""Tells workers the names of the variables whose values nothing may show."""
_HEADER = struct.Struct("<ddIH")
"""When the document began: monotonic seconds, and the process's CPU seconds then; how many
documents this task has begun; bytes of the key."""


def resolve(address: str) -> Callable[..., Any]:
    """The function behind "package.module:function"."""
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)


def heartbeat_file() -> int:
    """The descriptor of an empty page to be shared, in memory where the system can do that.

    A write to a page of a file on a busy disk may wait for seconds, and be taken for a document
    that hangs.
    """
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("heartbeat")
    else:
        file, path = tempfile.mkstemp()
        os.unlink(path)
    os.ftruncate(file, HEARTBEAT_BYTES)
    return file


class Heartbeat:
    """A page of memory, shared with the parent, that names the document being worked on.

    Native code can't be interrupted from inside, so the parent looks at this page and kills.
    """

    def __init__(self, file: int) -> None:
        """`file`: a descriptor of `heartbeat_file`, closed here."""
        self._map = mmap.mmap(file, HEARTBEAT_BYTES)
        os.close(file)
        self._count = 0

    def begin(self) -> None:
        """A new task: none of its documents has begun."""
        self._count = 0
        self.publish("")

    def publish(self, key: str) -> None:
        data = key.encode("utf-8", "replace")[: HEARTBEAT_BYTES - _HEADER.size]
        self._count += bool(key)
        # The key first and the time last: a reader in between sees an old, harmless time.
        self._map[: _HEADER.size] = _HEADER.pack(0.0, 0.0, self._count, len(data))
        self._map[_HEADER.size : _HEADER.size + len(data)] = data
        began = time.monotonic() if key else 0.0
        header = _HEADER.pack(began, time.process_time(), self._count, len(data))
        self._map[: _HEADER.size] = header

    def read(self) -> tuple[str, float, float]:
        """(key, seconds since it was published, CPU seconds of the process when it was).

        ("", 0.0, 0.0) between documents.
        """
        began, cpu, _, length = _HEADER.unpack(self._map[: _HEADER.size])
        if not began:
            return "", 0.0, 0.0
        key = self._map[_HEADER.size : _HEADER.size + length].decode("utf-8", "replace")
        return key, time.monotonic() - began, cpu

    def published(self) -> int:
        """How many documents the task has begun."""
        return int(_HEADER.unpack(self._map[: _HEADER.size])[2])

    def close(self) -> None:
        self._map.close()


@dataclasses.dataclass
class WorkerContext:
    """`op.TaskContext` as workers of every engine get it."""

    folder: Path
    part: str
    round: str = "main"
    batch_bytes: int = BATCH_BYTES
    careful: bool = False
    skip: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    threads: int = 1
    scratch: bool = False
    heartbeat: Heartbeat | None = None
    notify: Callable[[float, str], None] | None = None
    open_writer: PartWriter | None = None

    def publish(self, key: str) -> None:
        if self.heartbeat is not None:
            self.heartbeat.publish(key)

    def progress(self, fraction: float, note: str = "") -> None:
        """Say how far a long task is, 0..1."""
        if self.notify is not None:
            self.notify(fraction, note)

    def writer(self) -> PartWriter:
        self.open_writer = PartWriter(
            self.folder, self.part, round=self.round, durable=not self.scratch
        )
        return self.open_writer


@dataclasses.dataclass(frozen=True)
class Order:
    """One task as it is sent to a worker."""

    function: str
    part: str
    spec: dict[str, Any]
    folder: str
    round: str
    batch_bytes: int
    careful: bool
    skip: dict[str, tuple[str, str]]
    threads: int
    scratch: bool = False


def perform(
    order: Order, heartbeat: Heartbeat | None, notify: Callable[[float, str], None] | None
) -> dict[str, Any]:
    """Run one task where we stand; returns its manifest entry (or what it returned, if none)."""
    context = WorkerContext(
        folder=Path(order.folder),
        part=order.part,
        round=order.round,
        batch_bytes=order.batch_bytes,
        careful=order.careful,
        skip=order.skip,
        threads=order.threads,
        scratch=order.scratch,
        heartbeat=heartbeat,
        notify=notify,
    )
    if heartbeat is not None:
        heartbeat.begin()
    result = resolve(order.function)(order.spec, context)
    context.publish("")
    return result if isinstance(result, dict) else {}
