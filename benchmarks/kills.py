"""SIGKILL at 100 random moments of real runs; after each, `run` again; the same bytes at the end.

    python -m benchmarks.kills [--kills 100] [--small]

A run of the tests' small corpus (clean, dedup, tokenize, train, evaluate; two workers) is killed
with all its processes after a random part of the time that an undisturbed run takes, and started
again, until one comes through; then a new folder. Each finished folder must pass `verify`
and hold the same files, byte for byte, as the undisturbed one (clocks aside). The moments come
from a fixed seed; where they fall depends on the machine, so the last line counts the kills by
the stage that they hit. A run that ended before its kill doesn't count as one.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import claim, command, environment, events, report
from corpusmith import catalog
from corpusmith.engine.local import LocalEngine
from corpusmith.engine.numba_cache import cache_environment
from tests.e2e import corpus

KILLS = 100
SMALL_RECIPE = """
corpusmith: 1
corpus: small
sources:
  topics: {read: jsonl, path: "topics/*.jsonl*", part_bytes: 150000}
clean:
  - normalize
  - dedup: exact
  - dedup: {near: {threshold: 0.7}}
"""
RUN_SECONDS = 600


def main(small: bool = False, kills: int = KILLS) -> dict[str, Any]:
    """Kill and compare and print; returns the last line. AssertionError where bytes differ."""
    kills = 2 if small else kills
    # The small form has no training, which is slow to start, and kills early: one folder takes all.
    early = 0.5 if small else 1.0
    with LocalEngine(1, warm=catalog.KERNELS, environment=cache_environment()) as engine:
        engine.warm()  # compiling would count as part of the undisturbed run
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = corpus.build(folder)
        if small:
            recipe.write_text(SMALL_RECIPE, encoding="utf-8")
        began = time.monotonic()
        quiet = folder / "quiet"
        run_seconds = _run(recipe, quiet)
        expected = corpus.contents(quiet)
        chosen = random.Random(0)
        hits: collections.Counter[str] = collections.Counter()
        finished = 0
        while hits.total() < kills:
            workdir = folder / f"killed-{finished}"
            while hits.total() < kills:
                stage = _kill(recipe, workdir, chosen.random() * early * run_seconds)
                if stage is None:
                    break
                hits[stage] += 1
                print(f"kill {hits.total()} in {stage}", file=sys.stderr, flush=True)
            _run(recipe, workdir)  # does nothing where the last run was not killed
            verified = _quietly(command("verify", workdir))
            assert verified.returncode == 0, verified.stderr.decode()
            found = corpus.contents(workdir)
            different = sorted(
                n for n in expected.keys() | found if expected.get(n) != found.get(n)
            )
            assert not different, f"not the same bytes after kills: {different}"
            finished += 1
    result = {
        "name": "kills",
        "kills": kills,
        "seconds": round(time.monotonic() - began, 1),
        "undisturbed_seconds": round(run_seconds, 2),
        "kills_by_stage": dict(sorted(hits.items())),
        "folders_compared": finished,
        "files_compared": len(expected),
        "differences": 0,
        "data": "the small corpus of tests/e2e",
    }
    if not small:
        result["claims"] = [claim("random kills, all recovered to the same bytes", kills, "100..")]
    return report(result)


def _run(recipe: Path, workdir: Path) -> float:
    began = time.monotonic()
    done = _quietly(command("run", recipe, "--workdir", workdir, "--workers", 2))
    assert done.returncode == 0, done.stderr.decode()
    return time.monotonic() - began


def _kill(recipe: Path, workdir: Path, seconds: float) -> str | None:
    """Start a run, kill its process group after so many seconds; the stage that it was in.

    "start" is before a first event, "end" after the last stage; None where it ended before.
    """
    before = set((workdir / "runs").glob("*"))
    process = subprocess.Popen(
        command("run", recipe, "--workdir", workdir, "--workers", 2),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            return _stage(workdir, before)
        code = process.returncode
    assert code == 0, f"a run after kills ended with {code}"
    return None


def _stage(workdir: Path, before: set[Path]) -> str:
    if not set((workdir / "runs").glob("*/events.jsonl")) - {p / "events.jsonl" for p in before}:
        return "start"
    seen = [e for e in events(workdir) if e["event"] in ("stage", "cached", "end")]
    if not seen or seen[-1]["event"] == "cached":
        return "start"
    return "end" if seen[-1]["event"] == "end" else str(seen[-1]["stage"])


def _quietly(arguments: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(),
        timeout=RUN_SECONDS,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--small", action="store_true", help="two kills, before any training")
    options = parser.parse_args()
    main(options.small, options.kills)
