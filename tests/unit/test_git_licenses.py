"""Whose licence a file of a repository has: headers, texts, manifests, vendored code; LFS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpusmith.collect.git.fetch import fetch
from corpusmith.collect.git.manifests import expression, stated_license
from corpusmith.collect.git.params import GitParams
from corpusmith.collect.linguist import vendored_root
from corpusmith.collect.notebooks import notebook_text
from corpusmith.errors import InputError
from tests.unit.test_collect_git import MIT, by_path, fetched, git, job

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def test_the_nearest_statement_counts_and_none_reaches_vendored_code(tmp_path: Path) -> None:
    files = {
        "LICENSE": MIT,
        "pyproject.toml": '[project]\nlicense = "MIT"\n',  # the same: the text tells more
        "a.py": "a = 1\n",
        # A package of the same repository, under terms of its own.
        "packages/web/package.json": json.dumps({"license": "(MPL-2.0 OR Apache-2.0)"}),
        "packages/web/src/b.js": "var b;\n",
        "packages/silent/package.json": json.dumps({"license": "SEE LICENSE IN x.txt"}),
        "packages/silent/c.js": "var c;\n",
        # The text beside it says less than the manifest, or something else.
        "crates/both/Cargo.toml": '[package]\nlicense = "MIT/Apache-2.0"\n',
        "crates/both/LICENSE-MIT": MIT,
        "crates/both/d.rs": "fn d() {}\n",
        "crates/other/Cargo.toml": '[package]\nlicense = "GPL-3.0-only"\n',
        "crates/other/LICENSE": MIT,
        "crates/other/e.rs": "fn e() {}\n",
        # Someone else's: the root's licence is not theirs, their own is.
        "node_modules/x/package.json": json.dumps({"license": "ISC"}),
        "node_modules/x/f.js": "var f;\n",
        "node_modules/y/g.js": "var g;\n",
        "third_party/zlib/h.c": "int h;\n",
        "static/jquery-3.1.js": "var j;\n",
        "model.bin": POINTER,
        "notes.txt": POINTER.replace("size", "site"),
    }
    folder = tmp_path / "project"
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    with pytest.raises(InputError, match="no commit in this repository"):
        fetch(GitParams(repository=str(folder)), job(tmp_path / "empty"))
    git(folder, "add", "-f", ".")
    git(folder, "commit", "-qm", "one")
    _, found = fetched(tmp_path, str(folder))
    rows = by_path(found)
    choice = "Apache-2.0 OR MPL-2.0"
    assert {path: rows[path]["license"] for path in rows if path[-1] in "pysc"} == {
        "a.py": "MIT",
        "packages/web/src/b.js": choice,
        "packages/silent/c.js": "MIT",
        "crates/both/d.rs": "Apache-2.0 OR MIT",
        "crates/other/e.rs": "MIT",
        "node_modules/x/f.js": "ISC",
        **dict.fromkeys(("node_modules/y/g.js", "third_party/zlib/h.c", "static/jquery-3.1.js")),
    }
    assert rows["packages/web/src/b.js"]["license_file"] == "packages/web/package.json"
    assert rows["a.py"]["license_file"] == "LICENSE"
    assert rows["node_modules/y/g.js"]["repository_license"] == "MIT"
    # Of what Git LFS holds elsewhere, the pointer is no text.
    assert found.errors == [("project/model.bin", "lfs_pointer")]
    assert "to 12345 bytes" in found.messages[0] and found.info["expected_quarantine"] == 1
    assert "notes.txt" in rows


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("package.json", '{"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}', "GPL-2.0 OR MIT"),
        ("package.json", '{"license": {"type": "BSD-3-Clause", "url": "x"}}', "BSD-3-Clause"),
        ("package.json", '{"license": "UNLICENSED"}', None),
        ("package.json", '{"license": ["MIT", "Own"]}', None),
        ("package.json", "[" * 100_000, None),
        ("composer.json", '{"license": ["LGPL-2.1-only", "mit"]}', "LGPL-2.1-only OR MIT"),
        ("Cargo.toml", '[workspace.package]\nlicense = "MPL-2.0"\n', "MPL-2.0"),
        ("Cargo.toml", "[package]\nlicense.workspace = true\n", None),
        ("pyproject.toml", '[project]\nlicense = "Apache-2.0 AND (MIT OR ISC)"\n',
         "Apache-2.0 AND (MIT OR ISC)"),
        ("pyproject.toml", '[project]\nlicense = {text = "MIT License"}\n', "MIT"),
        ("pyproject.toml", '[project]\nlicense = {file = "LICENSE"}\n', None),
        ("pyproject.toml", '[tool.poetry]\nlicense = "GPL-3.0-or-later"\n', "GPL-3.0-or-later"),
        ("pyproject.toml", "no = [toml", None),
        ("setup.cfg", "[metadata]\nname = x\nlicense = Apache License 2.0\n", "Apache-2.0"),
        ("x.gemspec", "  s.licenses = ['Ruby', \"BSD-2-Clause\"]\n", "BSD-2-Clause OR Ruby"),
        ("x.gemspec", "  s.license = 'MIT'\n", "MIT"),
    ],
)  # fmt: skip
def test_manifests(name: str, text: str, expected: str | None) -> None:
    assert stated_license(name, text.encode()) == expected


@pytest.mark.parametrize(
    "text", ["", "MIT OR", "OR MIT", "(MIT", "MIT)", "MIT MIT ISC", "MIT WITH", "()", "a" * 900]
)
def test_no_expressions(text: str) -> None:
    assert expression(text) is None


def test_expressions_keep_their_exceptions() -> None:
    kept = "GPL-2.0-only WITH Classpath-exception-2.0"
    assert expression(kept) == kept
    assert expression(f"(({kept}) OR MIT)") == f"(({kept}) OR MIT)"


def test_the_innermost_foreign_folder() -> None:
    assert vendored_root("vendor/a/deps/b.c") == "vendor/a/deps/"
    assert vendored_root("src/gradlew") is None and vendored_root("src/a.c") == ""


def test_a_short_address_gets_its_long_form(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="short form") as caught:
        fetch(GitParams(repository="git@example.org:owner/name.git"), job(tmp_path))
    assert caught.value.hint == "ssh://git@example.org/owner/name.git"


def test_notebooks_of_the_first_formats() -> None:
    first = {"nbformat": 1, "cells": [{"cell_type": "code", "code": "print 1"},
                                      {"cell_type": "text", "text": "words"}]}  # fmt: skip
    second = {"nbformat": 2, "worksheets": [{"cells": [
        {"cell_type": "code", "language": "python", "input": "print 2"},
        {"cell_type": "markdown", "source": "# T"}]}]}  # fmt: skip
    assert notebook_text(json.dumps(first))[0] == "```\nprint 1\n```\n\nwords\n"
    assert notebook_text(json.dumps(second))[0] == "```python\nprint 2\n```\n\n# T\n"
