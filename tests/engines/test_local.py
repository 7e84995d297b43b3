"""The local engine: results, resume, retries, the watchdog, and workers that end with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from corpusmith.engine.local import LocalEngine
from corpusmith.errors import InputError, LostDocumentsError, LostProcessError
from corpusmith.op import Task
from corpusmith.store.parts import entry_path, read_part

TASKS = "tests.engines.tasks"


def test_results_and_resume(tmp_path: Path) -> None:
    tasks = [Task(f"p-{n:05d}", {"n": n}) for n in range(5)]
    with LocalEngine(2) as engine:
        entries = engine.map(f"{TASKS}:square", tasks, folder=tmp_path)
    assert [entry["info"]["n"] for entry in entries] == [0, 1, 2, 3, 4]
    assert read_part(tmp_path, "squares", "p-00003")["value"].to_pylist() == [0, 1, 4]
    entry_path(tmp_path, "p-00002").unlink()
    events: list[dict] = []
    with LocalEngine(1, on_event=events.append) as engine:
        engine.map(f"{TASKS}:square", tasks, folder=tmp_path)
    assert [e["part"] for e in events if e["event"] == "done"] == ["p-00002"]


def test_scratch_is_taken_up_only_where_its_checksums_hold(tmp_path: Path) -> None:
    tasks = [Task(f"p-{n:05d}", {"n": n}) for n in range(3)]
    events: list[dict] = []
    with LocalEngine(1, on_event=events.append) as engine:
        engine.map(f"{TASKS}:square", tasks, folder=tmp_path, scratch=True)
        path = tmp_path / "squares" / "p-00001.parquet"
        path.write_bytes(bytes(path.stat().st_size))
        events.clear()
        engine.map(f"{TASKS}:square", tasks, folder=tmp_path, scratch=True)
    assert [e["part"] for e in events if e["event"] == "done"] == ["p-00001"]
    assert read_part(tmp_path, "squares", "p-00001")["value"].to_pylist() == [0]


def test_peak_memory_is_the_workers_own(tmp_path: Path) -> None:
    """ru_maxrss of a child starts at its parent's size; what events say must not."""
    ballast = bytearray(b"x") * 600_000_000
    events: list[dict] = []
    with LocalEngine(1, on_event=events.append) as engine:
        engine.map(f"{TASKS}:square", [Task("p", {"n": 3})], folder=tmp_path / "map")
        engine.once(f"{TASKS}:count_threads", {}, folder=tmp_path / "once")
    peaks = [e["peak_memory_bytes"] for e in events if e["event"] == "done"]
    assert len(ballast) > max(peaks) + 200_000_000
    assert min(peaks) > 20_000_000  # Python with Arrow


def test_an_error_arrives_whole(tmp_path: Path) -> None:
    with LocalEngine(1) as engine, pytest.raises(InputError) as caught:
        engine.map(f"{TASKS}:fail", [Task("p", {})], folder=tmp_path)
    assert caught.value.where == "row 7"
    assert caught.value.hint == "mend it"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, which plays a full disk")
def test_an_error_arrives_though_its_log_has_no_room(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for number in range(2):
        (tmp_path / "logs" / f"worker-{number}.log").symlink_to("/dev/full")
    with LocalEngine(1, log_folder=tmp_path / "logs") as engine:
        with pytest.raises(InputError, match="this one is bad"):
            engine.once(f"{TASKS}:fail", {}, folder=tmp_path)
        with pytest.raises(InputError, match="this one is bad"):
            engine.map(f"{TASKS}:fail", [Task("p", {})], folder=tmp_path)


@pytest.mark.parametrize("key", ["hang", "kill"])
def test_a_task_of_its_own_is_watched_where_it_says_at_what_it_is(tmp_path: Path, key: str) -> None:
    spec = {"documents": ["a", key]}
    with (
        LocalEngine(1, document_seconds=0.3) as engine,
        pytest.raises(LostProcessError, match=f"at {key}") as caught,
    ):
        engine.once(f"{TASKS}:hostile", spec, folder=tmp_path)
    assert caught.value.document == key
    assert ("over 0.3 seconds" in caught.value.what) is (key == "hang")


def test_a_killed_worker_costs_a_retry(tmp_path: Path) -> None:
    events: list[dict] = []
    marker = tmp_path / "marker"
    with LocalEngine(2, on_event=events.append) as engine:
        task = Task("p", {"n": 3, "marker": str(marker)})
        engine.map(f"{TASKS}:die_once", [task], folder=tmp_path / "out")
    assert marker.exists()
    assert [e["event"] for e in events].count("lost") == 1
    assert read_part(tmp_path / "out", "squares", "p").num_rows == 3


def test_documents_that_kill_or_hang_end_in_quarantine(tmp_path: Path) -> None:
    documents = [f"d{n}" for n in range(50)] + ["kill"] + [f"e{n}" for n in range(50)] + ["hang"]
    with LocalEngine(1, document_seconds=1.0) as engine:
        task = Task("p", {"documents": documents})
        engine.map(f"{TASKS}:hostile", [task], folder=tmp_path)
    bad = read_part(tmp_path, "quarantine", "p").to_pylist()
    assert {row["uri"]: row["error"] for row in bad} == {"kill": "crash", "hang": "timeout"}
    assert "over 1 seconds" in next(r["message"] for r in bad if r["uri"] == "hang")
    assert read_part(tmp_path, "squares", "p").num_rows == 100


def test_a_limit_is_cpu_time_and_ten_times_that_by_the_clock(tmp_path: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc: the clock alone counts")
    with LocalEngine(1, document_seconds=0.5) as engine:
        task = Task("p", {"documents": ["a", "slow", "wait", "b"]})
        engine.map(f"{TASKS}:hostile", [task], folder=tmp_path)
    [bad] = read_part(tmp_path, "quarantine", "p").to_pylist()
    assert (bad["uri"], bad["error"]) == ("wait", "timeout")
    assert read_part(tmp_path, "squares", "p")["id"].to_pylist() == ["a", "slow", "b"]


def _losses(
    folder: Path, parts: list[list[str]], max_skipped: int, **engine: Any
) -> tuple[int, Any]:
    """(worker losses, the error) of parts with such documents on one worker."""
    events: list[dict] = []
    tasks = [Task(f"p-{n:03d}", {"documents": names}) for n, names in enumerate(parts)]
    error = None
    with LocalEngine(1, on_event=events.append, **engine) as local:
        try:
            local.map(f"{TASKS}:hostile", tasks, folder=folder, max_skipped=max_skipped)
        except LostDocumentsError as caught:
            error = caught
    assert not list(folder.rglob(".*.tmp")), "a lost worker left half a file behind"
    return [e["event"] for e in events].count("lost"), error


def test_a_document_that_kills_costs_one_process_where_it_was_expected(tmp_path: Path) -> None:
    # One try as it is, one more, then alone: three. From then on each costs one.
    losses, error = _losses(tmp_path / "one", [["kill 1", "a", "kill 2"]], 2)
    assert (losses, error) == (2 + 2, None)
    # A part of its own each: the second and third are tried once as they are, later ones never.
    losses, error = _losses(tmp_path / "many", [[f"kill {n}"] for n in range(5)], 5)
    assert (losses, error) == (3 + 2 + 2 + 1 + 1, None)
    found = [read_part(tmp_path / "many", "quarantine", f"p-{n:03d}") for n in range(5)]
    assert [table["uri"].to_pylist() for table in found] == [[f"kill {n}"] for n in range(5)]


def test_more_lost_documents_than_may_be_end_the_round(tmp_path: Path) -> None:
    documents = ["fine"] + [f"kill {n}" for n in range(99)]
    losses, error = _losses(tmp_path, [documents], 2)
    assert losses == 2 + 3  # the third is one too many
    assert error.documents == tuple(documents[1:4])
    assert "3 documents ended their process" in error.what and "kill 0: ended" in error.what


def test_a_part_of_which_nothing_comes_through_is_given_up(tmp_path: Path) -> None:
    documents = [f"kill {n}" for n in range(3)]
    losses, error = _losses(tmp_path / "none", [[*documents, "fine"]], 9, hopeless=2)
    assert losses == 2 + 2
    assert "not one of the first 2 documents came through" in error.what
    losses, error = _losses(tmp_path / "some", [["fine", *documents]], 9, hopeless=2)
    assert (losses, error) == (2 + 3, None)


def test_once_has_a_process_and_threads_of_its_own(tmp_path: Path) -> None:
    with LocalEngine(2) as engine:
        found = engine.once(f"{TASKS}:count_threads", {}, folder=tmp_path)
    assert found["threads"] == 2
    assert found["pid"] != os.getpid()


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        "from pathlib import Path\n"
        "from corpusmith.engine.local import LocalEngine\n"
        "from corpusmith.op import Task\n"
        f"LocalEngine(1).map('{TASKS}:sleep', [Task('p', dict(pid_file={str(pid_file)!r}))],"
        f" folder=Path({str(tmp_path)!r}))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()):
        assert time.monotonic() < deadline, "the worker never started"
        time.sleep(0.05)
    worker = int(pid_file.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while _alive(worker):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody has waited for is dead all the same.
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (OSError, IndexError):
        return sys.platform != "linux"
