"""SIGKILL at bad moments, then `run` again: the same bytes as a run that nobody disturbed."""

from __future__ import annotations

import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.e2e import corpus

TARGETS = ("clean.topics", "decide.near", "tokens", "train")


class Victim:
    """A real `corpusmith run` in a process group of its own."""

    def __init__(self, recipe: Path, workdir: Path) -> None:
        self.workdir = workdir
        self.before = {p.name for p in (workdir / "runs").glob("*")}
        self.process = subprocess.Popen(
            corpus.command("run", recipe, "--workdir", workdir, "--workers", 2),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def lines(self) -> list[dict]:
        """Events of this run so far."""
        for folder in (self.workdir / "runs").glob("*"):
            if folder.name not in self.before and (folder / "events.jsonl").exists():
                text = (folder / "events.jsonl").read_text()
                return [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        return []

    def kill_when(self, moment: Callable[[], bool]) -> bool:
        """SIGKILL all its processes at once when `moment` comes; False where it ended before."""
        while self.process.poll() is None:
            if moment():
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                return True
            time.sleep(0.002)
        return False


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("corpus")
    recipe = corpus.build(folder)
    workdir = folder / "quiet"
    corpus.corpusmith("run", recipe, "--workdir", workdir, "--workers", 1)
    return recipe, workdir


def test_killed_in_every_stage_and_run_again(undisturbed: tuple[Path, Path]) -> None:
    recipe, quiet = undisturbed
    workdir = recipe.parent / "killed"
    for target in TARGETS:
        victim = Victim(recipe, workdir)

        def started(victim: Victim = victim, target: str = target) -> bool:
            if target == "train":  # in the middle: after the first checkpoint
                return any((workdir / "models").glob("*/checkpoints/*/COMPLETE.json"))
            return any(e["event"] == "start" and e["stage"] == target for e in victim.lines())

        assert victim.kill_when(started), f"the kill in {target} missed"
        mine = [e for e in victim.lines() if e.get("stage") == target]
        assert any(e["event"] == "start" for e in mine)
        assert victim.lines()[-1]["event"] != "end"
        stages = [e["stage"] for e in victim.lines() if e["event"] == "stage"]
        assert stages[-1] == target, f"the kill came in {stages[-1]}, not in {target}"
    write = Victim(recipe, recipe.parent / "write")

    def writing() -> bool:
        return any((recipe.parent / "write" / "store").rglob(".*.tmp"))

    for _ in range(20):
        assert write.kill_when(writing), "no write was seen"
        left = list((recipe.parent / "write" / "store").rglob(".*.tmp"))
        if left:
            break
        write = Victim(recipe, recipe.parent / "write")
    assert left, "no kill came during a write"
    for folder in (workdir, recipe.parent / "write"):
        corpus.corpusmith("run", recipe, "--workdir", folder, "--workers", 2)
        assert corpus.contents(folder) == corpus.contents(quiet)
        corpus.corpusmith("verify", folder)


def test_killed_at_the_end_of_a_stage_with_scratch_files(undisturbed: tuple[Path, Path]) -> None:
    """Scratch files go, then the manifest comes: a kill at any of these leaves nothing behind."""
    recipe, quiet = undisturbed
    workdir = recipe.parent / "ends"
    shutil.copytree(quiet, workdir, symlinks=True)
    [near] = (workdir / "store").glob("decide.near-*")
    shutil.rmtree(near)
    arguments = ("run", str(recipe), "--workdir", str(workdir), "--workers", "1", "--until", "near")
    for moment in (
        ("os.remove", f"{near}/*", "4"),  # three scratch files are gone
        ("os.rename", f"{near}/manifest.json", "1"),  # all are gone, the manifest not yet there
        ("os.rename", f"{workdir}/runs/*/summary.json", "1"),  # the stage is complete, no record
    ):
        done = subprocess.run(
            [sys.executable, "-m", "tests.e2e.killed_at", *moment, *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=280,
            start_new_session=True,
        )
        assert done.returncode == -signal.SIGKILL, f"{moment} did not come: {done.stderr}"
        rounds = {path.name for path in near.glob("parts/*")}
        scratch = {"buckets", "reduce", "clusters"} if moment[0] == "os.remove" else set()
        assert rounds == {"main", *scratch}
        assert (near / "manifest.json").exists() == ("summary" in moment[1])
    corpus.corpusmith(*arguments)
    assert corpus.contents(workdir) == corpus.contents(quiet)
    corpus.corpusmith("verify", workdir)


def test_the_same_bytes_for_every_worker_count_and_batch_size(
    undisturbed: tuple[Path, Path],
) -> None:
    from corpusmith import runner

    recipe, quiet = undisturbed
    expected = corpus.contents(quiet)
    for workers, batch_bytes in ((2, 1 << 14), (3, 100_000)):
        workdir = recipe.parent / f"workers-{workers}"
        # Training is the same computation and slow: tokens are where this ends.
        runner.run(recipe, workdir=workdir, workers=workers, batch_bytes=batch_bytes, until="mix")
        found = corpus.contents(workdir)
        assert {name for name in expected if name not in found} == {
            name for name in expected if name.startswith(("models/", "store/evaluate-"))
        }
        assert found == {name: expected[name] for name in found}
        events = [e for e in corpus.events(workdir) if e["event"] == "done"]
        busy = {e["worker"] for e in events if e["stage"] == "clean.topics"}
        assert len(busy) > 1, "one worker did all of it"
    # What was compared: every kind of table of the stages, and the tokens, each with rows.
    tables = [path for name in expected if (path := quiet / name).suffix == ".parquet"]
    rows: collections.Counter[str] = collections.Counter()
    for path in tables:
        rows[path.parent.name] += pq.read_metadata(path).num_rows
    assert {"documents", "signals", "decisions", "edits", "quarantine"} <= {
        n for n in rows if rows[n]
    }
    assert {".bin", ".idx"} <= {
        Path(name).suffix for name in expected if name.startswith("tokens/")
    }
    assert any(path.name == "docs.parquet" for path in tables)


def _cpu_seconds_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def test_a_second_run_does_nothing_quickly(undisturbed: tuple[Path, Path]) -> None:
    recipe, quiet = undisturbed
    runs = len(list((quiet / "runs").glob("*")))
    wall, cpu = [], []
    for _ in range(4):  # the best of four: other processes may be busy
        began, used = time.monotonic(), _cpu_seconds_of_children()
        done = corpus.corpusmith("run", recipe, "--workdir", quiet)
        wall.append(time.monotonic() - began)
        cpu.append(_cpu_seconds_of_children() - used)
    # Two seconds of work; by the clock, a machine under load takes several times as long.
    assert min(cpu) < 2.0
    assert min(wall) < 10.0
    assert "nothing to do" in done.stderr
    assert len(list((quiet / "runs").glob("*"))) == runs


def test_a_threshold_moves_without_reading_text(undisturbed: tuple[Path, Path]) -> None:
    recipe, quiet = undisturbed
    other = recipe.parent / "moved.yaml"
    text = recipe.read_text(encoding="utf-8")
    other.write_text(text.replace("words: 20..", "words: 40.."), encoding="utf-8")
    corpus.corpusmith("run", other, "--workdir", quiet, "--until", "near")
    newest = max((quiet / "runs").glob("*"), key=lambda p: p.stat().st_mtime_ns)
    made = [
        json.loads(line)["stage"]
        for line in (newest / "events.jsonl").read_text().splitlines()
        if json.loads(line)["event"] == "stage"
    ]
    assert "decide.long" in made
    assert not [stage for stage in made if stage.startswith(("collect", "clean"))]
