"""How kernels are compiled, and how the machine code is kept on disk (where: `sources.py`)."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.extending import intrinsic

from corpusmith.kernels import sources


class Locator:
    """Numba's interface for the place of a function's machine code: a folder for each state of
    the function's module and of all that this imports."""

    def __init__(self, line: int, module: Path, folder: Path) -> None:
        self._line = line
        self._py_file = str(module)  # Numba names it in warnings
        self._key = sources.module_key(module)
        self._folder = folder / f"{module.stem}-{self._key}"

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._key

    def get_disambiguator(self) -> str:
        return str(self._line)

    def ensure_cache_path(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def from_function(cls, function: Callable, file: str) -> Locator | None:
        """None where the file is no file or nothing can be written: Numba's own places follow."""
        module = Path(file).resolve()
        try:
            made = cls(function.__code__.co_firstlineno, module, sources.cache_folder())
            made.ensure_cache_path()
        except OSError:
            return None
        return made if os.access(made.get_cache_path(), os.W_OK) else None


class _Places(CompileResultCacheImpl):
    _locator_classes: list[Any] = [Locator, *CompileResultCacheImpl._locator_classes]


class _Cache(FunctionCache):
    """Numba's cache of a function's machine code, safe where processes compile at the same time.

    Two that add different types of arguments at once both take the same free file name; the index
    of the one could then name the machine code of the other.
    """

    _impl_class = _Places

    def save_overload(self, signature: Any, data: Any) -> None:
        with self._alone():
            super().save_overload(signature, data)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with open(os.path.join(self.cache_path, ".lock"), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def njit(*, cache: bool, **options: Any) -> Callable[[Callable], Callable]:
    """`numba.njit` with machine code kept where `sources` says; for kernels that allocate."""

    def compiled(function: Callable) -> Callable:
        dispatcher = numba.njit(**options)(function)
        if cache:
            dispatcher._cache = _Cache(function)
        return dispatcher

    return compiled


OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
"""`_nrt=False`: no runtime for allocation, and so no counting of references, which is atomic and
happens at every call with an array. A kernel's caller brings the memory that it needs."""


@intrinsic
def pointer(typingctx, array):  # type: ignore[no-untyped-def]
    """The address of a contiguous array's first item, to be indexed like the array.

    An array is seven machine words, which go over the stack at every call that is not inlined,
    and each index is checked for being negative; in loops over words, with a dozen arrays and
    several calls a word, that was half of the time. Whoever takes a pointer stays in bounds.
    """

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


def kernel(function: Callable) -> Callable:
    """Compile a function of arrays and numbers that allocates nothing."""
    return njit(**OPTIONS)(function)


def inlined(function: Callable) -> Callable:
    """The same for a small function in an inner loop: it becomes a part of its callers."""
    return njit(**OPTIONS, forceinline=True)(function)
