"""Numba without SciPy's linear algebra, until a kernel of somebody's asks for it."""

from __future__ import annotations

import contextlib
import importlib.util


def load_later() -> None:
    """Load Numba's functions on arrays, and let SciPy wait.

    Numba imports `scipy.linalg` with the first kernel only to know whether it is there, an eighth
    of what a worker takes to start. It asks again, in earnest, where a kernel multiplies matrices
    (`numba/np/linalg.py: ensure_blas`). Where Numba looks otherwise than it did, nothing is done.
    """
    if importlib.util.find_spec("scipy") is None:
        return
    with contextlib.suppress(ImportError, AttributeError):
        from numba.np import linalg

        ensure = linalg.ensure_blas
        linalg.ensure_blas = lambda: None
        try:
            from numba.np import arraymath

            arraymath.ensure_blas = ensure
        finally:
            linalg.ensure_blas = ensure
