"""Connected components of a graph by union-find (Tarjan 1975), arrays in, arrays out."""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.jit import njit


@njit(cache=True, nogil=True)
def find_root(parent: np.ndarray, x: int) -> int:
    """The root of x in a union-find (int64 parents)."""
    root = x
    while parent[root] != root:
        root = parent[root]
    while parent[x] != root:  # the path is shortened for the next one
        parent[x], x = root, parent[x]
    return root


@njit(cache=True, nogil=True)
def roots(parent: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """int64: the root of each of `nodes`."""
    out = np.empty(len(nodes), np.int64)
    for i in range(len(nodes)):
        out[i] = find_root(parent, nodes[i])
    return out


@njit(cache=True, nogil=True)
def join(parent: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Connect the ends of each edge; the smallest node of a component is its root."""
    for e in range(len(left)):
        a = find_root(parent, left[e])
        b = find_root(parent, right[e])
        if a != b:
            parent[max(a, b)] = min(a, b)


@njit(cache=True, nogil=True)
def components(nodes: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """int64[nodes]: the smallest node of each node's component.

    left and right (int64) are the ends of the edges, 0 <= end < nodes. The label of a
    component depends on the set of edges alone, not on their order.
    """
    parent = np.arange(nodes)
    join(parent, left, right)
    for x in range(nodes):
        parent[x] = find_root(parent, x)
    return parent


@njit(cache=True, nogil=True)
def forest(nodes: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """bool[edges]: the edges that join two components when taken one after the other."""
    parent = np.arange(nodes)
    joins = np.zeros(len(left), np.bool_)
    for e in range(len(left)):
        a = find_root(parent, left[e])
        b = find_root(parent, right[e])
        if a != b:
            joins[e] = True
            parent[max(a, b)] = min(a, b)
    return joins


def warm() -> None:
    """Compile every kernel of this module."""
    one = np.zeros(1, np.int64)
    components(2, one, one + 1)
    roots(np.arange(2), one)
    join(np.arange(2), one, one + 1)
    forest(2, one, one + 1)
