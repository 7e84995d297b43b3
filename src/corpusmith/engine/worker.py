"""A worker process of the local engine: `python -m corpusmith.engine.worker READ WRITE HEARTBEAT`.

Started as a program of its own rather than by multiprocessing's spawn, so that a user's
script needs no `if __name__ == "__main__"`. It ends with its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import os
import pickle
import resource
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from corpusmith.engine.base import SECRETS, Heartbeat, Order, perform, resolve
from corpusmith.errors import keep_secret, redacted, secret_names
from corpusmith.kernels import blas

PR_SET_PDEATHSIG = 1
KEPT_BYTES = 384 << 20
"""Resident bytes from which a worker gives back free memory before it begins another round: what
one round needed would count as the next one's, too. Not before each task: memory that is asked for
again costs the system a page at a time."""


def die_with(parent: int) -> None:
    """End when the parent ends, also in the middle of a task."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def forget_peak_memory() -> None:
    """Let `peak_memory_bytes` count from here, so that each task has its own (Linux 4.0 or later;
    elsewhere it goes on counting from the start of the program)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # proc(5)


def peak_memory_bytes() -> int:
    """The largest resident size of this process since its program began, in bytes.

    Linux starts a child's ru_maxrss at the size of the process that it was forked from and keeps
    that through exec: a worker of a large parent would never seem small. VmHWM (proc(5)) belongs
    to the memory that the program itself was given.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def resident_bytes() -> int:
    """The resident size of this process in bytes; 0 where no /proc says it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def give_back_memory() -> None:
    """Return memory that Arrow and the C library keep for later to the system, if it is much."""
    if resident_bytes() > KEPT_BYTES:
        pa.default_memory_pool().release_unused()
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):  # not every C library has it
                ctypes.CDLL(None).malloc_trim(0)


class _Log(io.TextIOBase):
    """What a worker prints, line by line, without the secrets of the recipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""

    def write(self, text: str) -> int:
        self._line += text
        *whole, self._line = self._line.split("\n")
        for line in whole:
            self._stream.write(redacted(line) + "\n")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()


def keep_secrets() -> None:
    """Keep out of logs and quarantine what the parent keeps out of its messages."""
    for name in os.environ.get(SECRETS, "").split():
        keep_secret(name, os.environ.get(name, ""))
    if secret_names():
        sys.stdout, sys.stderr = _Log(sys.stdout), _Log(sys.stderr)


def prepare(addresses: list[str]) -> None:
    """Import each "module", call each "module:function"."""
    if any(":" in address for address in addresses):
        blas.load_later()
    for address in addresses:
        if ":" in address:
            resolve(address)()
        else:
            importlib.import_module(address)
    pa.array([0])  # the first conversion imports pandas, where that is installed


def main() -> None:
    read, write, parent = (int(a) for a in sys.argv[1:4])
    die_with(parent)
    keep_secrets()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    orders = Connection(read, writable=False)
    replies = Connection(write, readable=False)
    heartbeat = Heartbeat(int(sys.argv[4]))

    def notify(fraction: float, note: str) -> None:
        replies.send(("progress", fraction, note))

    last_round = None
    while True:
        try:
            order = orders.recv()
        except EOFError:
            return
        began = time.monotonic()
        if isinstance(order, Order) and last_round != (order.folder, order.round):
            give_back_memory()
            last_round = (order.folder, order.round)
        forget_peak_memory()
        try:
            if isinstance(order, Order):
                reply: tuple = ("done", perform(order, heartbeat, notify))
            else:
                prepare(order)
                reply = ("done", {})
        except BaseException as error:
            trace = traceback.format_exc()
            # Its log may lie on the very disk that is full: the reply still has to get out.
            with contextlib.suppress(OSError):
                print(trace, file=sys.stderr, flush=True)
            try:
                pickle.dumps(error)
            except Exception:
                error = RuntimeError(f"{type(error).__name__}: {error}")
            reply = ("error", error, trace)
            heartbeat.publish("")
        replies.send((*reply, time.monotonic() - began, peak_memory_bytes()))


if __name__ == "__main__":
    main()
