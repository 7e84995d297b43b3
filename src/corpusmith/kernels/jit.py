"""How the kernels of the text measures are compiled."""

from __future__ import annotations

from collections.abc import Callable

from numba import njit

OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
"""`_nrt=False`: no runtime for allocation. Otherwise Numba counts references with atomic
operations at every call that takes an array and is not inlined; in these loops that cost three
times as much as the work. A kernel can't allocate then: its caller brings the memory."""


def kernel(function: Callable) -> Callable:
    """Compile a function of arrays and numbers that allocates nothing."""
    return njit(**OPTIONS)(function)


def inlined(function: Callable) -> Callable:
    """The same for a small function in an inner loop: it becomes a part of its callers."""
    return njit(**OPTIONS, forceinline=True)(function)
