"""Snapshots of the world: fetched once, reused, refreshed on request, continued after a kill.

The world is a server on loopback whose log says what was asked for; the source is that of
`tests/world_source.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from corpusmith import plan, recipe, runner
from corpusmith.collect.world import WORLD
from corpusmith.errors import CorpusmithError, InputError, RecipeError
from corpusmith.report.run import Run
from corpusmith.report.verify import verify
from corpusmith.store.workspace import Workspace
from tests.world_source import SPEC


class World:
    """Files by path; `log` has a (path, Authorization) for each request. A file of None hangs."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | None] = {}
        self.log: list[tuple[str, str]] = []
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                world.log.append((self.path, self.headers.get("Authorization", "")))
                content = world.files.get(self.path, b"")
                while content is None:
                    time.sleep(0.05)
                    content = world.files[self.path]
                self.send_response(200 if content else 404)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def asked(self) -> list[str]:
        paths, self.log = [path for path, _ in self.log], []
        return paths


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setitem(WORLD, "download", SPEC)
    found = World()
    found.files = {f"/{n}.jsonl": lines(f"document {n}") for n in range(3)}
    yield found
    found.server.shutdown()
    found.server.server_close()


def lines(*texts: str) -> bytes:
    return b"".join(json.dumps({"body": text}).encode() + b"\n" for text in texts)


def write_recipe(folder: Path, world: World, more: str = "", text: str = "body") -> Path:
    path = folder / "recipe.yaml"
    urls = ", ".join(f'"{world.url}/{n}.jsonl"' for n in range(3))
    path.write_text(
        "corpusmith: 1\ncorpus: c\nsources:\n"
        f"  far: {{read: download, urls: [{urls}], text: {text}{more}}}\nclean: [normalize]\n"
    )
    return path


def texts(run: Run) -> list[str]:
    return run.documents().read_all()["text"].to_pylist()


def states(path: Path, work: Path, refresh: tuple[str, ...] = ()) -> dict[str, str]:
    planned = plan.make(recipe.read(path), Workspace(work), refresh=refresh)
    return {
        stage.name: "cached" if stage.cached else "fetch" if stage.missing else "run"
        for stage in planned.stages
    }


def test_a_snapshot_is_fetched_once_and_refreshed_on_request(tmp_path: Path, world: World) -> None:
    path, work = write_recipe(tmp_path, world), tmp_path / "w"
    run = runner.run(path, workdir=work, workers=1)
    assert world.asked() == ["/0.jsonl", "/1.jsonl", "/2.jsonl"]
    assert texts(run) == ["document 0", "document 1", "document 2"]
    assert not verify(run)["problems"]
    first = run.stage("snapshot.far")
    assert run.info("snapshot.far")["began"] <= run.info("snapshot.far")["ended"]

    # The world moves on; the snapshot doesn't, nor where only the reader is told something else.
    world.files["/1.jsonl"] = lines("another 1", "and one more")
    assert runner.run(path, workdir=work).folder == run.folder
    write_recipe(tmp_path, world, ", license: MIT")
    again = runner.run(path, workdir=work, workers=1)
    assert again.stage("snapshot.far") == first and texts(again) == texts(run)
    assert again.stage("collect.far") != run.stage("collect.far")
    assert world.asked() == []

    new = runner.run(path, workdir=work, workers=1, refresh=["far"])
    assert len(world.asked()) == 3
    assert texts(new) == ["document 0", "another 1", "and one more", "document 2"]
    assert new.info("snapshot.far")["previous"] == first.name
    assert not verify(new)["problems"] and not verify(again)["problems"]  # the old one stays
    # Without the flag the newest is taken, and all behind it is there.
    assert runner.run(path, workdir=work).folder == new.folder and world.asked() == []


def fetched(path: Path, work: Path, *refresh: str) -> Run:
    """Only the snapshot: no worker has to be started for what stands behind it."""
    return runner.run(path, workdir=work, until="snapshot", refresh=refresh)


def fingerprints(path: Path, work: Path) -> list[str]:
    """Of all stages behind the snapshot."""
    return [s.fingerprint for s in plan.make(recipe.read(path), Workspace(work)).stages[1:]]


def test_what_stands_behind_a_snapshot_depends_on_its_content_alone(
    tmp_path: Path, world: World
) -> None:
    path, work = write_recipe(tmp_path, world), tmp_path / "w"
    run, before = fetched(path, work), fingerprints(path, work)
    same = fetched(path, work, "far")
    assert same.stage("snapshot.far") != run.stage("snapshot.far")
    assert fingerprints(path, work) == before
    fetched(path, tmp_path / "v")  # another workspace fetches for itself
    assert fingerprints(path, tmp_path / "v") == before
    world.files["/1.jsonl"] = lines("another")
    fetched(path, work, "far")
    assert not {*fingerprints(path, work)} & {*before}


def test_check_says_what_would_be_fetched(tmp_path: Path, world: World) -> None:
    path, work = write_recipe(tmp_path, world), tmp_path / "w"
    assert [*states(path, work).items()][:3] == [
        *(("snapshot.far", "fetch"), ("collect.far", "run"), ("clean.far", "run"))
    ]
    fetched(path, work)
    assert states(path, work)["snapshot.far"] == "cached"
    assert states(path, work, ("far",))["snapshot.far"] == "fetch"
    planned = plan.make(recipe.read(path), Workspace(work), refresh=("far",))
    assert [s.provisional for s in planned.stages] == [False] + [True] * (len(planned.stages) - 1)


def test_an_unfinished_snapshot_goes_on_after_sigkill(tmp_path: Path, world: World) -> None:
    path, work = write_recipe(tmp_path, world), tmp_path / "w"
    hanging, world.files["/2.jsonl"] = world.files["/2.jsonl"], None
    command = [sys.executable, "-m", "tests.world_source", "run", str(path), "--workdir", str(work)]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    while len(world.log) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert world.asked() == ["/0.jsonl", "/1.jsonl", "/2.jsonl"]
    assert states(path, work)["snapshot.far"] == "fetch"
    world.files["/2.jsonl"] = hanging
    run = fetched(path, work)
    assert world.asked() == ["/2.jsonl"]
    data = run.stage("snapshot.far") / "data"
    assert {f"/{p.name}": p.read_bytes() for p in data.iterdir()} == world.files
    assert not verify(run)["problems"] and not verify(run)["warnings"]


def test_a_failed_refresh_leaves_the_old_snapshot_in_force(tmp_path: Path, world: World) -> None:
    path, work = write_recipe(tmp_path, world), tmp_path / "w"
    run = fetched(path, work)
    kept, world.files["/1.jsonl"] = world.files["/1.jsonl"], b""
    with pytest.raises(InputError, match=r"/1.jsonl: HTTP Error 404"):
        fetched(path, work, "far")
    assert fetched(path, work).stage("snapshot.far") == run.stage("snapshot.far")
    world.asked()
    world.files["/1.jsonl"] = kept
    fetched(path, work, "far")
    assert world.asked() == ["/1.jsonl", "/2.jsonl"]  # it went on with the unfinished one


def test_a_token_is_in_no_fingerprint_and_no_file(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, work = write_recipe(tmp_path, world, ', token: "${env:FAR_TOKEN}"'), tmp_path / "w"
    monkeypatch.setenv("FAR_TOKEN", "open-sesame-1")
    fetched(path, work)
    assert {token for _, token in world.log} == {"open-sesame-1"}
    assert not [p for p in work.rglob("*") if p.is_file() and b"sesame" in p.read_bytes()]
    monkeypatch.setenv("FAR_TOKEN", "another-secret")
    assert states(path, work)["snapshot.far"] == "cached"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (", tokn: x", "has no key 'tokn'"),
        (", path: x", "has no key 'path'"),
        (", license: 3", "license"),
    ],
)
def test_wrong_keys_have_their_place(tmp_path: Path, world: World, more: str, words: str) -> None:
    path = write_recipe(tmp_path, world, more)
    with pytest.raises(RecipeError, match=words) as error:
        plan.make(recipe.read(path), Workspace(tmp_path / "w"))
    assert ":4:" in error.value.where


def test_only_sources_of_the_world_can_be_refreshed(tmp_path: Path, world: World) -> None:
    path = write_recipe(tmp_path, world)
    with pytest.raises(CorpusmithError, match="--refresh near: no such source") as error:
        runner.run(path, workdir=tmp_path / "w", refresh=["near"])
    assert "far" in error.value.expected


def test_a_fetch_that_hangs_goes_on_in_a_new_process(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At something that it named: it is killed there, and its next call leaves that alone."""
    monkeypatch.setenv("TEST_HANGS_AT", "/1.jsonl")
    path, work = write_recipe(tmp_path, world), tmp_path / "w"
    path.write_text(path.read_text() + "document_seconds: 0.3\n")
    run = fetched(path, work)
    got = sorted(path.name for path in (run.stage("snapshot.far") / "data").iterdir())
    assert got == ["0.jsonl", "2.jsonl"]
    assert world.asked() == ["/0.jsonl", "/2.jsonl"]  # nothing again
    events = (run.folder / "events.jsonl").read_text().splitlines()
    [lost] = [e for e in map(json.loads, events) if e["event"] == "lost"]
    assert (lost["error"], lost["document"].rpartition("/")[2]) == ("timeout", "1.jsonl")
