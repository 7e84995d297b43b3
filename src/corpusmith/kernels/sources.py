"""What a compiled kernel depends on, and so where its machine code is kept. Loads no Numba.

Numba's cache on disk knows the file of a function and misses changes in the files that it calls
into. Here a function's key is the hash of its module and of all modules of ours that this one
imports, with the data that they read: a change recompiles what depends on it, and nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
NAME = PACKAGE.name

_IMPORT = rf"(?:from ({NAME}[\w.]*) import (\([^)]*\)|[^\n]*)|import ({NAME}[\w.]*))"
AT_TOP = re.compile(f"^{_IMPORT}", re.MULTILINE)
"""What a kernel calls is imported at the top of its module, not within a function."""
ANYWHERE = re.compile(rf"^\s*{_IMPORT}", re.MULTILINE)
_ADDRESS = re.compile(rf"\"({NAME}[\w.]*):\w+\"")
"""How a stage names the functions of its tasks."""


@functools.cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _module(name: str) -> Path | None:
    """The file of a dotted name of ours; None where the name is that of a thing in a module."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.exists()), None)


def _imports(path: Path, pattern: re.Pattern[str]) -> set[Path]:
    names = set()
    for start, things, module in pattern.findall(_text(path)):
        names.add(start or module)
        names.update(f"{start}.{thing}" for thing in re.findall(r"\w+", things))
    return {found for found in map(_module, names) if found is not None}


@functools.cache
def _imported(path: Path) -> set[Path]:
    return _imports(path, AT_TOP) - {Path(__file__).resolve()}


@functools.cache
def _used(path: Path) -> set[Path]:
    if path == PACKAGE / "__init__.py":
        return set()  # it offers everything and loads nothing
    addresses = map(_module, _ADDRESS.findall(_text(path)))
    return _imports(path, ANYWHERE) | {found for found in addresses if found is not None}


def closure(path: Path) -> set[Path]:
    """A Python file, and all files of ours that it imports at its top, and those that they import.

    Without this one, which says where machine code is and not what it does.
    """
    return _reached([path], _imported)


def _reached(start: Iterable[Path], step: Callable[[Path], set[Path]]) -> set[Path]:
    seen = set(start)
    todo = list(seen)
    while todo:
        new = step(todo.pop()) - seen
        seen |= new
        todo += new
    return seen


@functools.cache
def _content(path: Path) -> bytes:
    """A hash of a module and of the data files beside it that it names."""
    text = _text(path)
    digest = hashlib.sha256(text.encode())
    for beside in _data(path.parent):
        if beside.name in text:
            digest.update(beside.name.encode() + b"\0" + beside.read_bytes())
    return digest.digest()


@functools.cache
def _data(folder: Path) -> list[Path]:
    """The files of a folder of ours that are no Python."""
    if not folder.is_relative_to(PACKAGE):
        return []
    return sorted(p for p in folder.iterdir() if p.suffix not in ("", ".py") and p.is_file())


def key(paths: Iterable[Path]) -> str:
    """16 hex digits of the content of these modules and of where they are in the package."""
    lines = []
    for path in paths:
        inside = path.is_relative_to(PACKAGE)
        lines.append((str(path.relative_to(PACKAGE) if inside else path), _content(path).hex()))
    return hashlib.sha256(repr(sorted(lines)).encode()).hexdigest()[:16]


def module_key(path: Path) -> str:
    return key(closure(path))


def user_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """What can be made again is kept here, for this user."""
    home = environment.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "corpusmith"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where all kernels are kept for this Python, these libraries and this CPU.

    In NUMBA_CACHE_DIR where the user has set it, else in the user's cache.
    """
    own = environment.get("NUMBA_CACHE_DIR")
    return (Path(own) if own else user_cache(environment) / "numba") / _machine()


@functools.cache
def _machine() -> str:
    versions = [importlib.metadata.version(name) for name in ("numba", "numpy")]
    facts = repr((sys.version, versions, platform.machine(), _cpu()))
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = ("model name", "flags")
    return repr([next((x for x in lines if x.startswith(name)), "") for name in names])


def compiled_marks(environment: Mapping[str, str], addresses: Iterable[str]) -> list[Path]:
    """For each function ("module:function") the file that says that it has compiled its kernels
    as the sources are now."""
    marks = []
    for address in addresses:
        modules = _modules([address])
        called = modules.union(*(_used(path) for path in modules))
        name = f"compiled-{address.replace(':', '.')}-{key(_reached(called, _imported))}"
        marks.append(cache_folder(environment) / name)
    return marks


def needed(kernels: Iterable[str], addresses: Iterable[str]) -> list[str]:
    """Those of the functions that compile `kernels` whose modules the code at these addresses
    comes to, through imports wherever they stand and the tasks that it names."""
    reached = _reached(_modules(addresses), _used)
    return [address for address in kernels if _modules([address]) <= reached]


def _modules(addresses: Iterable[str]) -> set[Path]:
    """The files of "module:function", of ours or a path."""
    found = set()
    for address in addresses:
        name = address.rpartition(":")[0] or address
        path = Path(name) if name.endswith(".py") else _module(name)
        if path is not None and path.exists():
            found.add(path)
    return found
