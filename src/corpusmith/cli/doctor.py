"""`corpusmith doctor`: what is installed, what is missing, whether kernels compile."""

from __future__ import annotations

import importlib.util
import os
import platform
import time
from typing import Any

from corpusmith import __version__, catalog
from corpusmith.engine.local import LocalEngine, available_cores
from corpusmith.errors import CorpusmithError
from corpusmith.kernels.sources import cache_folder
from corpusmith.store.fingerprint import library_versions

EXTRAS = {
    "web-data": ("fastwarc", "resiliparse", "trafilatura"),
    "documents": ("pypdfium2", "resiliparse"),
    "train": ("torch", "transformers", "accelerate", "safetensors", "datasets", "tensorboard"),
}


def examine(*, warm: bool) -> dict[str, Any]:
    """Facts by name; `problems` lists what would stop a run."""
    found: dict[str, Any] = {
        "corpusmith": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": available_cores(),
        "memory_gb": _memory_gb(),
        **library_versions(["numpy", "numba", "pyarrow", "tokenizers", "duckdb"]),
    }
    problems: list[str] = []
    for extra, packages in EXTRAS.items():
        missing = [p for p in packages if importlib.util.find_spec(p) is None]
        fix = f'pip install "corpusmith[{extra}]"'
        found[f"extra {extra}"] = f"missing {', '.join(missing)}: {fix}" if missing else "installed"
    found["kernels"] = str(cache_folder())
    if warm:
        began = time.monotonic()
        try:
            with LocalEngine(1, warm=catalog.KERNELS) as engine:
                engine.warm()
            found["kernels compiled in"] = f"{time.monotonic() - began:.1f} s"
        except CorpusmithError as error:
            problems.append(str(error))
    found["problems"] = problems
    return found


def _memory_gb() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return 0.0
