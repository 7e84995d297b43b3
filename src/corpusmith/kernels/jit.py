"""How the kernels of the text measures are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit, types
from numba.extending import intrinsic

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
