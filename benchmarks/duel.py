"""Runs one pair: our side and a peer's, each in a process of its own, taking turns.

Both get the same documents on the same core. What the peer can't finish in its time is left out,
and ours is timed on those that it finished. A turn of ours that takes under two seconds is
repeated. Every figure of a side is the median of its turns, the ratio that of neighbouring turns.
`all_*` are ours on every document, the median of as many further turns; `all_ratio` divides that
speed by the peer's on fewer documents, whose cost grows with their bytes, while ours has a fixed
part.
Memory is the largest sum of VmHWM (proc(5)) over a side's processes that were alive together.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, environment
from benchmarks.peers import side

PEERS = Path(os.environ.get("CORPUSMITH_PEERS") or ROOT / ".venv-peers")
WARM_DOCUMENTS = 20
REPEAT_SECONDS = 2.0
POLL_SECONDS = 0.05
TIMES = ("seconds", "cpu_seconds")
CALIBRATION = 0.85  # of the time allowed, where a peer's time must be foreseen
_OFFLINE = (
    "HF_HUB_OFFLINE HF_DATASETS_OFFLINE TRANSFORMERS_OFFLINE PIP_NO_INDEX UV_OFFLINE UV_NO_INDEX"
)
_THREADS = "OMP OPENBLAS MKL NUMBA RAYON"
OFFLINE = dict.fromkeys(_OFFLINE.split(), "1")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _THREADS.split()}


@dataclasses.dataclass(frozen=True)
class Side:
    """A process to start: `module` says which jobs there are, `group` in which environment."""

    module: str  # "ours", "of_datatrove"
    job: str
    group: str = ""  # "" = this environment
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def python(self) -> str:
        """Raises FileNotFoundError where the peer's environment isn't installed."""
        if not self.group:
            return sys.executable
        found = PEERS / self.group / "bin" / "python"
        if not found.exists():
            raise FileNotFoundError(f"no environment for {self.group!r}: run `make peers`")
        return str(found)


class Process:
    """A side that runs, and its memory."""

    def __init__(self, one: Side, data: Path, core: int | None, folder: Path) -> None:
        self._log = folder / f"{one.module}.log"
        own = {"PYTHONPATH": str(ROOT)} if one.group else environment()
        given = {**os.environ, **own, **OFFLINE, **(ONE_THREAD if core is not None else {})}
        given.update({"TOKENIZERS_PARALLELISM": "false", side.STARTED: str(time.time())})
        given[side.CORE] = "" if core is None else str(core)
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [
                    *(one.python(), "-m", f"benchmarks.peers.{one.module}", one.job),
                    *(str(data), json.dumps(dict(one.options))),
                ],
                cwd=folder,
                env=given,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.peak_bytes = 0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._poll, daemon=True)
        self._watch.start()
        self.ready = self._answer()

    def order(self, **what: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            end = self._log.read_text("utf-8", "replace")[-3000:]
            raise RuntimeError(f"{self._process.args}: ended with status {status}\n{end}")
        return json.loads(line)

    def _poll(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self.peak_bytes = max(self.peak_bytes, tree_peak_bytes(self._process.pid))

    def close(self) -> None:
        self._ended.set()
        self._watch.join()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def tree_peak_bytes(pid: int) -> int:
    """The sum of VmHWM of a process and of all below it; 0 where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        own = int(status.partition("VmHWM:")[2].split()[0]) * 1024
        children = [
            child
            for tasks in Path(f"/proc/{pid}/task").iterdir()
            for child in (tasks / "children").read_text().split()
        ]
    except (OSError, IndexError, ValueError):
        return 0
    return own + sum(tree_peak_bytes(int(child)) for child in children)


def duel(
    ours: Side,
    peer: Side,
    data: Path,
    sizes: list[int],
    *,
    seconds: float = 120.0,
    rounds: int = 3,
    core: int | None = None,
) -> dict[str, Any]:
    """Figures of both. `sizes`: bytes of each document; `seconds`: for a turn of the peer."""
    with tempfile.TemporaryDirectory(prefix="corpusmith-pair-") as name:
        processes: list[Process] = []
        try:
            for one in (peer, ours):
                processes.append(Process(one, data, core, Path(name)))
            return _take_turns(*processes, sizes, seconds, rounds)
        finally:
            for process in processes:
                process.close()


def _take_turns(
    peer: Process, ours: Process, sizes: list[int], seconds: float, rounds: int
) -> dict[str, Any]:
    count = min(peer.ready["documents"], len(sizes))
    few = min(count, WARM_DOCUMENTS)
    ours.order(count=few)
    peer.order(count=few)
    if not peer.ready["can_stop"]:
        count = fitting(sizes[:count], _rate(peer, sizes[:count], seconds) * seconds * CALIBRATION)
    turns: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for number in range(rounds):
        # The first turn of a peer that can stop says how many documents there are.
        limit = {"seconds": seconds} if number == 0 else {}
        if number % 2 == 0:
            theirs = peer.order(count=count, **limit)
            count = theirs["documents"]
            mine = ours.order(count=count, repeat_seconds=REPEAT_SECONDS)
        else:
            mine = ours.order(count=count, repeat_seconds=REPEAT_SECONDS)
            theirs = peer.order(count=count)
        turns.append((mine, theirs))
    mb = sum(sizes[:count]) / 1e6
    found = {"documents": count, "mb": round(mb, 2), **figures(turns, mb, ours, peer)}
    every = min(ours.ready["documents"], len(sizes))
    # As many turns as there were rounds, so that no figure rests on one.
    further = [ours.order(count=every) for _ in range(rounds)] if count < every else []
    last = {n: statistics.median(one[n] for one in further) if further else found[n] for n in TIMES}
    seconds = last["seconds"]
    all_mb = sum(sizes[:every]) / 1e6
    return {
        **found,
        "all_mb": round(all_mb, 2),
        "all_seconds": _short(seconds),
        "all_seconds_by_turn": [_short(one["seconds"]) for one in further],
        "all_cpu_seconds": _short(last["cpu_seconds"]),
        "all_mb_per_s": _short(all_mb / seconds),
        "all_ratio": _short(all_mb / seconds / found["peer_mb_per_s"]),
        "all_peak_mb": round(ours.peak_bytes / 1e6),
    }


def _rate(peer: Process, sizes: list[int], seconds: float) -> float:
    """Bytes a second of a peer that can't be stopped, on enough documents to last a tenth of the
    time; what a start costs it whatever their number makes it seem slower, never faster."""
    count = min(len(sizes), WARM_DOCUMENTS)
    while True:
        count = min(len(sizes), 4 * count)
        took = peer.order(count=count)["seconds"]
        if took > seconds / 10 or count == len(sizes):
            return sum(sizes[:count]) / took


def fitting(sizes: list[int], limit_bytes: float) -> int:
    """How many of the first documents have at most so many bytes; at least one."""
    total = 0
    for number, size in enumerate(sizes):
        total += size
        if total > limit_bytes:
            return max(1, number)
    return len(sizes)


def figures(
    turns: list[tuple[dict[str, Any], dict[str, Any]]], mb: float, ours: Process, peer: Process
) -> dict[str, Any]:
    def median(place: int, name: str) -> float:
        return statistics.median(turn[place][name] for turn in turns)

    ratios = sorted(theirs["seconds"] / mine["seconds"] for mine, theirs in turns)
    of_cpu = [theirs["cpu_seconds"] / mine["cpu_seconds"] for mine, theirs in turns]
    return {
        "seconds": _short(median(0, "seconds")),
        "peer_seconds": _short(median(1, "seconds")),
        "mb_per_s": _short(mb / median(0, "seconds")),
        "peer_mb_per_s": _short(mb / median(1, "seconds")),
        "ratio": {
            "median": _short(statistics.median(ratios)),
            "min": _short(ratios[0]),
            "max": _short(ratios[-1]),
        },
        "cpu_seconds": _short(median(0, "cpu_seconds")),
        "peer_cpu_seconds": _short(median(1, "cpu_seconds")),
        "cpu_ratio": _short(statistics.median(of_cpu)),
        "peak_mb": round(ours.peak_bytes / 1e6),
        "peer_peak_mb": round(peer.peak_bytes / 1e6),
        "start_seconds": ours.ready["start_seconds"],
        "peer_start_seconds": peer.ready["start_seconds"],
        "rounds": len(turns),
        "peer_versions": peer.ready["versions"],
        "info": turns[-1][0]["info"],
        "peer_info": turns[-1][1]["info"],
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")
