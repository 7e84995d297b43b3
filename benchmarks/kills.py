"""SIGKILL at 100 random moments of real runs; after each, `run` again; the same bytes at the end.

    python -m benchmarks.kills [--kills 100] [--small]

A run of the tests' small corpus (clean, dedup, tokenize, train, evaluate; two workers) is killed
with all its processes, and started again. The moment: of the stages that are still to be made one
is drawn, and a share of the time that it took undisturbed, counted from its start. (Moments spread
over the whole run hit evaluation in 75 of 100 cases, which starts slowly.) After a kill in the last
stage, or one that came too late, a folder is run to its end: it must pass `verify` and hold the
same files, byte for byte, as the undisturbed one (clocks aside); then a new folder. Draws come from
a fixed seed; the last line counts the kills by the stage that was on. A run that ended before its
kill doesn't count.
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
from corpusmith.report.run import Run
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
    with LocalEngine(1, warm=catalog.KERNELS) as engine:
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
        stages = Run(quiet / "latest").summary["seconds"]
        del stages["total"]
        chosen = random.Random(0)
        hits: collections.Counter[str] = collections.Counter()
        finished = 0
        while hits.total() < kills:
            workdir = folder / f"killed-{finished}"
            while hits.total() < kills:
                left = [stage for stage in stages if not _made(workdir, quiet, stage)]
                target = chosen.choice(left)
                stage = _kill(recipe, workdir, target, chosen.random() * stages[target])
                if stage is None:
                    break
                hits[stage] += 1
                print(f"kill {hits.total()} in {stage}", file=sys.stderr, flush=True)
                if target == left[-1]:
                    break
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


def _made(workdir: Path, quiet: Path, stage: str) -> bool:
    """Whether the stage's result is complete: its folder has the same name in every workdir."""
    folder = Run(quiet / "latest").stage(stage).relative_to(quiet)
    return (workdir / folder / "manifest.json").exists()


def _run(recipe: Path, workdir: Path) -> float:
    began = time.monotonic()
    done = _quietly(command("run", recipe, "--workdir", workdir, "--workers", 2))
    assert done.returncode == 0, done.stderr.decode()
    return time.monotonic() - began


def _kill(recipe: Path, workdir: Path, target: str, seconds: float) -> str | None:
    """Start a run, kill its process group so many seconds into a stage; the stage that was on.

    "start" is before a first stage, "end" after the last; None where the run ended before.
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
    while process.poll() is None and target not in _begun(workdir, before):
        time.sleep(0.002)
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            begun = _begun(workdir, before)
            return begun[-1] if begun else "start"
        code = process.returncode
    assert code == 0, f"a run after kills ended with {code}"
    return None


def _begun(workdir: Path, before: set[Path]) -> list[str]:
    """Stages that the newest run has begun to make, and "end" where it has ended."""
    if not set((workdir / "runs").glob("*/events.jsonl")) - {p / "events.jsonl" for p in before}:
        return []
    seen = [e for e in events(workdir) if e["event"] in ("stage", "end")]
    return [str(e.get("stage", "end")) for e in seen]


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
