"""corpusmith: from raw sources to a trained, evaluated language model, every decision on record.

>>> import corpusmith as cs
>>> run = cs.run("recipe.yaml")        # doctest: +SKIP
>>> run.documents().read_all()         # doctest: +SKIP

Nothing heavy is loaded before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    import os

    from corpusmith.report.run import Run

_LAZY = {
    "run": "corpusmith.runner:run",
    "Run": "corpusmith.report.run:Run",
    "CorpusmithError": "corpusmith.errors:CorpusmithError",
}
_MODULES = (
    *("collect", "clean", "dedup", "tokenize", "train", "evaluate", "report", "store", "kernels"),
    *("schema", "op", "errors", "recipe", "catalog", "plan"),
)

__all__ = ["Run", "__version__", "open", "run"]


def open(path: str | os.PathLike) -> Run:
    """A finished run: a run folder, or a folder with `latest` in it.

    Raises InputError where there is none.
    """
    from corpusmith.report.run import Run

    return Run(path)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        module, _, attribute = _LAZY[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    if name in _MODULES:
        return importlib.import_module(f"corpusmith.{name}")
    raise AttributeError(f"module 'corpusmith' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
