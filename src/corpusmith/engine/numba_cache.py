"""Where compiled kernels are kept: one folder for each state of the kernel sources.

Numba's cache on disk misses changes in files that a kernel calls into, so its folder is keyed
by the hash of all of our modules with kernels, Numba's version, Python's and the CPU.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import xxhash

from corpusmith.store.fingerprint import library_versions

FOLDERS = ("kernels", "clean", "dedup", "tokenize", "evaluate")


def cache_folder() -> Path:
    package = Path(__file__).resolve().parent.parent
    digest = xxhash.xxh3_64()
    for folder in FOLDERS:
        for path in sorted((package / folder).glob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    digest.update(repr(sorted(library_versions(["numba", "numpy"]).items())).encode())
    digest.update(f"{sys.version} {platform.machine()} {_cpu()}".encode())
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "corpusmith" / "numba" / digest.hexdigest()


def compiled_mark(environment: Mapping[str, str], addresses: Sequence[str]) -> Path | None:
    """The file that says that these functions have compiled all their kernels into the folder
    that workers with this environment use; None where Numba has no such folder."""
    folder = {**os.environ, **environment}.get("NUMBA_CACHE_DIR")
    if not folder:
        return None
    return (
        Path(folder) / f"compiled-{xxhash.xxh3_64_hexdigest(' '.join(sorted(addresses)).encode())}"
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = ("model name", "flags")
    return repr([next((x for x in lines if x.startswith(name)), "") for name in names])


def cache_environment() -> dict[str, str]:
    """Environment for workers. A folder that the user has set is left alone."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return {}
    return {"NUMBA_CACHE_DIR": str(cache_folder())}
