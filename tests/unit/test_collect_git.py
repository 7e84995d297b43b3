"""Repositories and archives: what is fetched, what is known of each file, what is not run."""

from __future__ import annotations

import functools
import http.server
import io
import json
import os
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpusmith.collect.git.archives import MAX_EXPANSION
from corpusmith.collect.git.fetch import fetch, name_of
from corpusmith.collect.git.params import GitParams
from corpusmith.collect.world import Job
from corpusmith.errors import InputError
from tests.collect_run import Collected, collect

MIT = """MIT License

Copyright (c) 2024 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
BOOK = {
    "nbformat": 4,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "words"]},
        {"cell_type": "code", "source": "print('```')", "outputs": [
            {"output_type": "stream", "text": ["out\n"]},
            {"output_type": "display_data",
             "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}},
        ]},
        {"cell_type": "code", "source": ""},
    ],
}  # fmt: skip


def git(folder: Path, *arguments: str, date: str = "2020-01-01T00:00:00+00:00") -> str:
    """The test's own git, which knows no configuration of this machine either."""
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in (
        ("NAME", "Test"), ("EMAIL", "test@example.org"), ("DATE", date))}  # fmt: skip
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=env, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits on `main` and one on `other`."""
    folder = tmp_path_factory.mktemp("made") / "project"
    for path in ("src", "vendor/lib", "gpl"):
        (folder / path).mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "LICENSE").write_text(MIT)
    (folder / "src/a.py").write_text("import os\nprint(1)\n")
    (folder / "src/b.py").write_text("# SPDX-License-Identifier: BSD-2-Clause\nx = 1\n")
    (folder / "vendor/lib/c.js").write_text("var c;\n")
    unknown = "No licence that anybody knows, in more words.\n" * 9
    (folder / "gpl/COPYING").write_text(unknown)
    (folder / "gpl/d.c").write_text("int d;\n")
    (folder / "book.ipynb").write_text(json.dumps(BOOK))
    (folder / ".gitattributes").write_text(
        "*.js linguist-vendored=false\n/src/b.py linguist-generated\n*.c linguist-language=Pic\n"
    )
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "big.txt").write_text("x" * 5000)
    os.write(os.open(os.fsencode(folder) + b"/caf\xe9.txt", os.O_CREAT | os.O_WRONLY), b"hi\n")
    git(folder, "add", ".")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    git(folder, "commit", "-qm", "first")
    (folder / "src/a.py").write_text("import os\nprint(2)\n")
    git(folder, "add", "src/a.py")
    git(folder, "commit", "-qm", "second", date="2021-06-01T12:00:00+02:00")
    git(folder, "branch", "other")
    git(folder, "checkout", "-q", "other")
    (folder / "src/e.py").write_text("e = 1\n")
    git(folder, "add", "src/e.py")
    git(folder, "commit", "-qm", "third", date="2022-01-01T00:00:00+00:00")
    git(folder, "checkout", "-q", "main")
    return folder


def job(tmp_path: Path) -> Job:
    made = Job(tmp_path / "snapshot", None, lambda fraction, note="": None)
    for folder in (made.data, made.state):
        folder.mkdir(parents=True, exist_ok=True)
    return made


def fetched(tmp_path: Path, repository: Any, **params: Any) -> tuple[dict, Collected]:
    """The figures of the first repository, and what the reader makes of the snapshot."""
    work = job(tmp_path)
    figures = fetch(GitParams(repository=repository, **params), work)["repositories"]
    found = collect(tmp_path / "out", read="repository", path=work.data)
    return figures[0], found


def by_path(found: Collected) -> dict[str, dict[str, Any]]:
    rows = found.documents.to_pylist()
    return {meta["path"]: {**row, **meta} for row, meta in zip(rows, found.meta, strict=True)}


def test_files_at_a_revision(tmp_path: Path, repository: Path) -> None:
    figures, found = fetched(tmp_path, str(repository), max_file_bytes=4000)
    commit = git(repository, "rev-parse", "main")
    assert figures["commit"] == commit
    assert figures["left_out"] == {"link": 1, "submodule": 1}
    files = by_path(found)
    assert sorted(files) == sorted(
        [
            *(".gitattributes", "LICENSE", "book.ipynb", "caf%E9.txt", "gpl/COPYING", "gpl/d.c"),
            *("src/a.py", "src/b.py", "vendor/lib/c.js"),
        ]
    )
    assert found.errors == [("project/big.txt", "too_large")]
    a = files["src/a.py"]
    assert a["uri"] == "project/src/a.py" and a["text"] == "import os\nprint(2)\n"
    assert (a["language"], a["license"], a["license_file"]) == ("Python", "MIT", "LICENSE")
    assert a["changed"] == commit == a["commit"] and a["repository"] == "project"
    assert a["blob"] == git(repository, "rev-parse", "main:src/a.py")
    # Each file has the author date of its own last change.
    assert a["created"].isoformat() == "2021-06-01T10:00:00+00:00"
    assert files["src/b.py"]["created"].isoformat() == "2020-01-01T00:00:00+00:00"
    assert files["src/b.py"]["changed"] == git(repository, "rev-parse", "main~1")
    assert files["src/b.py"]["license"] == "BSD-2-Clause"
    # A licence file that nobody knows: the one above it does not hold here.
    assert files["gpl/d.c"]["license"] is None and files["gpl/d.c"]["license_file"] == "gpl/COPYING"
    assert files["gpl/d.c"]["repository_license"] == "MIT"
    assert files["gpl/d.c"]["language"] == "Pic" and files["src/b.py"]["generated"]
    assert not files["vendor/lib/c.js"]["vendored"]  # as .gitattributes says
    assert files["LICENSE"]["documentation"] and not a["documentation"]
    assert files["book.ipynb"]["text"] == "# Title\nwords\n\n````python\nprint('```')\n````\n"


def test_another_revision_and_paths(tmp_path: Path, repository: Path) -> None:
    figures, found = fetched(
        tmp_path, str(repository), revision="other", include=["src/"], exclude=["b.*"],
        dates="commit",
    )  # fmt: skip
    assert sorted(by_path(found)) == ["src/a.py", "src/e.py"]
    assert figures["left_out"]["not_included"] == 9
    dates = {row["created"].isoformat() for row in by_path(found).values()}
    assert dates == {"2022-01-01T00:00:00+00:00"}
    with pytest.raises(InputError, match="no revision 'nowhere'"):
        fetch(GitParams(repository=str(repository), revision="nowhere"), job(tmp_path / "x"))
    with pytest.raises(InputError, match="is no revision"):
        fetch(GitParams(repository=str(repository), revision="--output=x"), job(tmp_path / "y"))


def test_bare_url_and_worktree_give_the_same_files(tmp_path: Path, repository: Path) -> None:
    bare, tree = tmp_path / "project.git", tmp_path / "project"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    git(repository, "worktree", "add", "-q", "--detach", str(tree), "main")
    places = [str(repository), str(bare), f"file://{repository}", str(tree)]
    texts = []
    for number, place in enumerate(places):
        _, found = fetched(tmp_path / str(number), place)
        rows = by_path(found)
        texts.append(
            {p: (r["text"], r["blob"], r["changed"], r["created"]) for p, r in rows.items()}
        )
    git(repository, "worktree", "remove", str(tree))
    assert texts[0] == texts[1] == texts[2] == texts[3] and len(texts[0]) == 10
    assert list((tmp_path / "2" / "snapshot" / "state").glob("*.git")) == []


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz"])
def test_archives_that_git_makes(tmp_path: Path, repository: Path, ending: str) -> None:
    path = tmp_path / f"project-1.0.{ending}"
    git(
        repository,
        "archive",
        "--prefix=project-1.0/",
        f"--format={ending}",
        "-o",
        str(path),
        "main",
    )
    figures, found = fetched(tmp_path, str(path))
    files = by_path(found)
    assert figures["commit"] == git(
        repository, "rev-parse", "main"
    )  # the archive's comment says so
    assert figures["left_out"]["link"] == 1
    assert files["src/a.py"]["uri"] == "project-1.0/src/a.py"
    assert files["src/a.py"]["license"] == "MIT" and files["gpl/d.c"]["language"] == "Pic"


def test_hostile_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("../../evil.py", "x = 1\n")
        file.writestr("/abs.py", "x = 1\n")
        file.writestr("good.py", "x = 1\n")
    _, found = fetched(tmp_path / "a", str(tmp_path / "a.zip"))
    assert sorted(error for _, error in found.errors) == ["bad_path", "bad_path"]
    assert list(by_path(found)) == ["good.py"]
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        info = tarfile.TarInfo("fifo")
        info.type = tarfile.FIFOTYPE
        tar.addfile(info)
        info = tarfile.TarInfo("huge")
        info.size = (4 << 30) * MAX_EXPANSION
        (tmp_path / "b.tar").touch()
        tar.addfile(info, None)
    with pytest.raises(InputError, match=r"beyond all measure|can't be read"):
        fetch(GitParams(repository=str(tmp_path / "b.tar")), job(tmp_path / "b"))
    (tmp_path / "c.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:-30])
    with pytest.raises(InputError, match=r"no archive|can't be read"):
        fetch(GitParams(repository=str(tmp_path / "c.zip")), job(tmp_path / "c"))


def test_nothing_of_a_repository_is_run(tmp_path: Path, repository: Path) -> None:
    """Hooks, a file system monitor, aliases, filters: all that git could be told to start."""
    folder = tmp_path / "trap"
    git(tmp_path, "clone", "-q", str(repository), str(folder))
    mark = tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\necho $0 >> {mark}\n")
    script.chmod(0o755)
    for hook in ("post-checkout", "reference-transaction", "pre-auto-gc", "post-index-change"):
        (folder / ".git/hooks").mkdir(exist_ok=True)
        (folder / ".git/hooks" / hook).write_text(script.read_text())
        (folder / ".git/hooks" / hook).chmod(0o755)
    keys = ("core.fsmonitor", "core.sshCommand", "core.pager", "core.askPass", "diff.external")
    keys += ("filter.x.smudge", "uploadpack.packObjectsHook", "alias.log", "core.gitProxy")
    for key in keys:
        value = f"!{script}" if key == "alias.log" else str(script)
        git(folder, "config", key, value)
    (folder / ".git/info").mkdir(exist_ok=True)
    (folder / ".git/info/attributes").write_text("* filter=x\n")
    for place in (str(folder), f"file://{folder}"):
        _, found = fetched(tmp_path / place[:4].strip("/"), place)
        assert len(by_path(found)) == 10
    assert not mark.exists(), mark.read_text()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("ext::sh -c touch% /tmp/x", "no address that is fetched from"),
        ("git@example.org:owner/name.git", "short form"),
        ("https://user:secret@example.org/a", "user name or a password"),
        ("/nowhere/at/all", "no repository"),
        ("file:///nowhere/at/all", "does not appear to be a git repository"),
    ],
)
def test_addresses_that_are_refused(tmp_path: Path, place: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        fetch(GitParams(repository=place), job(tmp_path))
    assert "secret" not in str(caught.value)
    with pytest.raises(InputError, match="two repositories are called"):
        fetch(GitParams(repository=["/a/name", "/b/name"]), job(tmp_path))


@pytest.fixture
def server(tmp_path: Path, repository: Path) -> Iterator[tuple[str, list[str | None]]]:
    """(URL, Authorization headers) of a web server with the repository as plain files."""
    root = tmp_path / "www"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(root / "owner/name.git"))
    git(root / "owner/name.git", "update-server-info")
    seen: list[str | None] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            super().do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    handler = functools.partial(Handler, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        threading.Thread(target=http_server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{http_server.server_port}/owner/name.git", seen
        http_server.shutdown()


def test_over_http_with_a_token(tmp_path: Path, server: tuple[str, list[str | None]]) -> None:
    url, seen = server
    figures, found = fetched(tmp_path, url, token="s3cret")
    assert figures["name"] == "127.0.0.1/owner/name"
    assert by_path(found)["src/a.py"]["repository"] == url
    assert seen and all(header and header.startswith("Basic ") for header in seen)
    kept = [p.read_bytes() for p in (tmp_path / "snapshot").rglob("*") if p.is_file()]
    assert not any(b"s3cret" in data for data in kept)
    before = len(seen)
    # A killed fetch goes on: with the same commit, and without asking the server again.
    for path in (tmp_path / "snapshot" / "state").glob("*.done.json"):
        assert path.unlink() is None
    (tmp_path / "snapshot" / "state" / "00-127.0.0.1-owner-name.git").mkdir()
    figures_again, _ = fetched(tmp_path, url)
    assert figures_again["commit"] == figures["commit"] and len(seen) > before


def test_names() -> None:
    assert name_of("ssh://git@example.org/a/b.git") == "example.org/a/b"
    assert name_of("file:///srv/git/name.git") == "name"


def members(path: Path, *made: tuple[str, bytes, float]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, data, seconds in made:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), seconds
            tar.addfile(info, io.BytesIO(data))


def test_archives_with_a_path_twice_and_dates_of_no_calendar(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    twice = [("p/x.py", b"old\n", 1e9), ("./p/x.py", b"new\n", 1e9)]
    members(path, *twice, ("p/far.py", b"1\n", 1e12), ("p/before.py", b"2\n", -5.0))
    _, found = fetched(tmp_path, str(path))
    rows = by_path(found)
    assert {name: row["text"] for name, row in rows.items()} == {
        **{"x.py": "new\n", "far.py": "1\n", "before.py": "2\n"},
    }
    assert found.errors == [("a/x.py#1", "duplicate_uri")]
    assert rows["far.py"]["created"] is rows["before.py"]["created"] is None


def test_an_archive_that_breaks_off_gives_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    members(path, *((f"p/{n}.py", os.urandom(5000).hex().encode(), 1e9) for n in range(9)))
    path.write_bytes(path.read_bytes()[:-12_000])
    _, found = fetched(tmp_path, str(path))
    assert 5 <= len(found.texts) <= 8 and all(len(text) == 10_000 for text in found.texts)
    assert found.errors == [("a/#rest", "truncated_tar")]
    assert f"behind its first {len(found.texts)} files" in found.messages[0]


def test_a_source_without_a_file_is_no_fault(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "none.tar", "w"):
        pass
    figures, found = fetched(tmp_path, str(tmp_path / "none.tar"))
    assert figures["files"] == found.info["documents"] == found.info["read"] == 0
