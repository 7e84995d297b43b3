"""Connected components of a graph by union-find (Tarjan 1975), arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _find(parent: np.ndarray, x: int) -> int:
    root = x
    while parent[root] != root:
        root = parent[root]
    while parent[x] != root:  # the path is shortened for the next one
        parent[x], x = root, parent[x]
    return root


@njit(cache=True, nogil=True)
def components(nodes: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """int64[nodes]: the smallest node of each node's component.

    left and right (int64) are the ends of the edges, 0 <= end < nodes. The label of a
    component depends on the set of edges alone, not on their order.
    """
    parent = np.arange(nodes)
    for e in range(len(left)):
        a = _find(parent, left[e])
        b = _find(parent, right[e])
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b
    for x in range(nodes):
        parent[x] = _find(parent, x)
    return parent


@njit(cache=True, nogil=True)
def forest(nodes: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """bool[edges]: the edges that join two components when taken one after the other."""
    parent = np.arange(nodes)
    joins = np.zeros(len(left), np.bool_)
    for e in range(len(left)):
        a = _find(parent, left[e])
        b = _find(parent, right[e])
        if a != b:
            joins[e] = True
            parent[max(a, b)] = min(a, b)
    return joins


def warm() -> None:
    """Compile every kernel of this module."""
    one = np.zeros(1, np.int64)
    components(2, one, one + 1)
    forest(2, one, one + 1)
