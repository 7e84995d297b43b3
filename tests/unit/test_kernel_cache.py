"""Machine code on disk: made anew where a kernel or what it imports changed, and only there."""

from __future__ import annotations

import ast
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from corpusmith import catalog
from corpusmith.kernels import sources

OUTER = """
from corpusmith.kernels import inner
from corpusmith.kernels.jit import njit

@njit(cache=True)
def outer(number):
    return inner.inner(number) + 1
"""
INNER = """
from corpusmith.kernels.jit import kernel
from pathlib import Path

STEP = int(Path(__file__).with_name("inner.txt").read_text())

@kernel
def inner(number):
    return number + STEP
"""
CALL = """
from corpusmith.kernels.outer import outer
print(outer(1), sum(outer.stats.cache_misses.values()))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package with two kernels, one of which calls the other; its kernels' folder."""
    copy = tmp_path / "corpusmith"
    shutil.copytree(sources.PACKAGE / "kernels", copy / "kernels")
    (copy / "__init__.py").write_text("")
    (copy / "kernels" / "outer.py").write_text(OUTER)
    (copy / "kernels" / "inner.py").write_text(INNER)
    (copy / "kernels" / "inner.txt").write_text("10")
    return copy / "kernels"


def call(package: Path) -> tuple[int, int]:
    """The kernel's result in a new process, and how many functions were compiled for it."""
    root = package.parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root), "XDG_CACHE_HOME": str(root / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", CALL], env=environment, capture_output=True, text=True, check=True
    )
    result, misses = done.stdout.split()
    return int(result), int(misses)


def test_a_change_recompiles_what_depends_on_it_and_nothing_else(package: Path) -> None:
    assert call(package) == (12, 1)
    (package / "pretokens.py").write_text("# another kernel, which this one does not import\n")
    assert call(package) == (12, 0)
    (package / "inner.txt").write_text("20")  # data that a kernel's module reads
    assert call(package) == (22, 1)
    (package / "inner.py").write_text(INNER.replace("number + STEP", "number - STEP"))
    assert call(package) == (-18, 1)
    (package / "inner.py").write_text(INNER)
    assert call(package) == (22, 0)  # code of an earlier state is still there


def top_imports(path: Path) -> set[Path]:
    """The modules of ours that Python imports as it loads this file, from its syntax tree."""
    found: set[Path] = set()
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import, which the scan doesn't see"
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module or ""]
        else:
            names = []
        for name in names:
            head, *rest = name.split(".")
            file = sources.PACKAGE.joinpath(*rest)
            if head == "corpusmith" and rest and file.with_suffix(".py").exists():
                found.add(file.with_suffix(".py"))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo.extend(ast.iter_child_nodes(node))
    return found


def test_the_scan_finds_every_import_of_every_module() -> None:
    for path in sorted(sources.PACKAGE.rglob("*.py")):
        itself = Path(sources.__file__)  # says where machine code is, and shapes none
        assert top_imports(path) - {itself} <= sources.closure(path), path


def test_marks_are_where_the_user_wants_the_cache(tmp_path: Path) -> None:
    every = sources.compiled_marks({"XDG_CACHE_HOME": str(tmp_path)}, catalog.KERNELS)
    assert len(set(every)) == len(catalog.KERNELS)
    assert all(mark.is_relative_to(tmp_path / "corpusmith") for mark in every)
    own = sources.compiled_marks({"NUMBA_CACHE_DIR": str(tmp_path / "own")}, catalog.KERNELS)
    assert all(mark.is_relative_to(tmp_path / "own") for mark in own)


KERNELS_OF = {
    "corpusmith.clean.repetition:repetition": "signals",
    "corpusmith.clean.code:code": "codescan",
    "corpusmith.clean.pii:pii": "personal",
    "corpusmith.dedup.near:execute": "minhash",
    "corpusmith.dedup.near:minhash": "shingles",
    "corpusmith.dedup.exact:execute": "unionfind",
    "corpusmith.dedup.decontaminate:execute": "overlap",
    "corpusmith.dedup.substring:execute": "windows",  # in modules that only its tasks name
    "corpusmith.tokenize.encode:execute": "bytelevel",
}


@pytest.mark.parametrize(("address", "kernel"), KERNELS_OF.items())
def test_what_a_stage_calls_is_found_and_no_more(address: str, kernel: str) -> None:
    found = sources.needed(catalog.KERNELS, [address])
    assert any(name.endswith(f".{kernel}:warm") for name in found)
    assert len(found) < 6
    assert sources.needed(catalog.KERNELS, ["corpusmith.clean.decide:execute"]) == []


def test_a_users_operation_gets_the_kernels_that_it_imports(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("def politeness(batch, ctx):\n    from corpusmith.kernels import codescan\n")
    found = sources.needed(catalog.KERNELS, [f"{own}:politeness"])
    assert found == ["corpusmith.kernels.codescan:warm"]


def test_machine_code_is_written_by_one_process_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lone.py"
    file.write_text(
        "from corpusmith.kernels.jit import kernel\n\n@kernel\ndef f(x):\n    return x\n"
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    spec = importlib.util.spec_from_file_location("lone", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = Path(module.f._cache.cache_path)
    assert folder.is_relative_to(tmp_path / "cache")
    with open(folder / ".lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other = threading.Thread(target=module.f, args=(1,))
        other.start()
        other.join(1)
        assert other.is_alive() and not list(folder.glob("*.nb?"))
    other.join(60)
    assert {path.suffix for path in folder.glob("lone.f-*")} == {".nbi", ".nbc"}
