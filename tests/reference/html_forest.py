"""What the main text engine does with a forest, written slowly: nested trees walked one by one, a
page's blocks looked at one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, float]


def leaf(tree: Any, row: Row) -> float:
    """The value at which a row ends: a tree is [feature, threshold, at most, over] or a number."""
    while isinstance(tree, list):
        feature, threshold, at_most, over = tree
        tree = at_most if row[feature] <= threshold else over
    return float(tree)


def answer(forest: Mapping[str, Any], row: Row) -> float:
    """In steps of 1/1024."""
    score = forest["bias"] + sum(leaf(tree, row) for tree in forest["trees"])
    return round(1024 / (1 + math.exp(-score))) / 1024


def threshold(answers: Sequence[float], sizes: Sequence[float]) -> float:
    """Half of the highest F1 that keeping the surest so many blocks can be expected to reach: the
    expected F1 of keeping a set is 2 * (what of it is expected to be right) / (its size + what of
    all is expected to be right)."""
    order = sorted(range(len(answers)), key=lambda i: -answers[i])
    right = sum(a * s for a, s in zip(answers, sizes, strict=True))
    best = 0.0
    for count in range(1, len(order) + 1):
        kept = order[:count]
        found = sum(answers[i] * sizes[i] for i in kept)
        best = max(best, 2 * found / (sum(sizes[i] for i in kept) + right + 1e-9))
    return best / 2


def around(
    answers: Sequence[float], sizes: Sequence[float], layouts: Sequence[Any]
) -> list[dict[str, float]]:
    """What the second forest is told of the first one's answers, block by block."""
    count = len(answers)

    def mean(numbers: Sequence[int]) -> float:
        return sum(answers[i] * sizes[i] for i in numbers) / max(sum(sizes[i] for i in numbers), 1)

    def fading(numbers: Sequence[int]) -> float:
        """The highest answer of a block of 30 or more, a fifth less for every step away; the
        numbers are those of the blocks on one side, the nearest first."""
        found = [answers[i] * 0.8**steps for steps, i in enumerate(numbers, 1) if sizes[i] >= 30]
        return max(found, default=0.0)

    rows = []
    page = sum(a * s for a, s in zip(answers, sizes, strict=True))
    for here in range(count):

        def at(step: int, here: int = here) -> float:
            return answers[here + step] if 0 <= here + step < count else 0.0

        def within(reach: int, here: int = here) -> list[int]:
            return [i for i in range(count) if i != here and abs(i - here) <= reach]

        alike = [i for i in range(count) if layouts[i] == layouts[here]]
        rows.append(
            {
                "p": answers[here],
                "p_before": at(-1),
                "p_after": at(1),
                "p_before_2": at(-2),
                "p_after_2": at(2),
                "p_within_2": mean(within(2)),
                "p_within_5": mean(within(5)),
                "p_around": mean(within(15)),
                "p_alike": mean(alike),
                "p_page": page / max(sum(sizes), 1),
                "p_max_before": fading(range(here - 1, -1, -1)),
                "p_max_after": fading(range(here + 1, count)),
                "p_share_before": sum(answers[i] * sizes[i] for i in range(here)) / max(page, 1),
            }
        )
    return rows
