"""All pairs of similar sets, by counting what each has in common with every other.

Shares nothing with corpusmith: no signature, no band, no order of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


def similar_pairs(sets: Sequence[set[Any]], threshold: float) -> Iterator[tuple[int, int, float]]:
    """(i, j, Jaccard similarity) with i < j and a similarity of at least `threshold`."""
    postings: dict[Any, list[int]] = {}
    for number, one in enumerate(sets):
        for token in one:
            postings.setdefault(token, []).append(number)
    arrays = {token: np.array(numbers) for token, numbers in postings.items() if len(numbers) > 1}
    sizes = np.array([len(one) for one in sets])
    for i, one in enumerate(sets):
        shared = [arrays[token] for token in one if token in arrays]
        if not shared:
            continue
        common = np.bincount(np.concatenate(shared), minlength=len(sets))
        jaccard = common / (sizes[i] + sizes - common)
        for j in np.flatnonzero(jaccard >= threshold):
            if j > i:
                yield i, int(j), float(jaccard[j])


def components(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The smallest member of each one's component: labels run along edges until none changes."""
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        neighbours[a].append(b)
        neighbours[b].append(a)
    label = [-1] * count
    for start in range(count):
        if label[start] < 0:
            label[start], waiting = start, [start]
            while waiting:
                for other in neighbours[waiting.pop()]:
                    if label[other] < 0:
                        label[other] = start
                        waiting.append(other)
    return label
