"""Scoring by a forest, what the second forest is told, and the page's own threshold: the kernels
against slow references."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpusmith.collect import maintext
from corpusmith.kernels import htmlblocks, htmllayout, htmltree
from tests.reference import html_forest as slow

FIRST = list(htmlblocks.FEATURES)
SECOND = [*FIRST, *htmlblocks.STAGE_2]
RANDOM = st.integers(0, 2**32).map(Random)


def tree(random: Random, names: list[str], depth: int) -> Any:
    if depth == 0 or random.random() < 0.2:
        return round(random.uniform(-2, 2), 4)
    cut = random.randrange(-3, 4) / 2
    return [random.choice(names), cut, *(tree(random, names, depth - 1) for _ in range(2))]


def forest(random: Random, names: list[str]) -> dict[str, Any]:
    trees = [tree(random, names, 4) for _ in range(random.randrange(1, 6))]
    return {"bias": round(random.uniform(-1, 1), 4), "trees": trees}


@given(RANDOM)
def test_a_forest_scores_as_its_trees_say(random: Random) -> None:
    """Values stand on the thresholds as well as between them; features of both tables."""
    described = {"first": forest(random, FIRST[:4]), "second": forest(random, SECOND[-4:])}
    model = maintext.read_model(described)
    rows = np.array(
        [[random.randrange(-8, 9) / 4 for _ in SECOND] for _ in range(random.randrange(1, 5))],
        np.float32,
    )
    for name, names, given_forest in (
        ("first", FIRST, model.first), ("second", SECOND, model.second),
    ):  # fmt: skip
        found = np.empty(len(rows), np.float32)
        own, further = rows[:, : len(FIRST)], rows[:, len(FIRST) : len(names)]
        htmltree.score(
            np.ascontiguousarray(own), np.ascontiguousarray(further), *given_forest.arrays(), found
        )
        expected = [
            slow.answer(described[name], dict(zip(names, row, strict=False)))
            for row in rows.tolist()
        ]
        # The last bit of the sum may differ, and with it a half of a step.
        assert np.abs(found - np.array(expected)).max() <= 1 / 1024 + 1e-9


def measured(random: Random, count: int) -> maintext.Measured:
    stats = np.zeros((count, len(htmllayout.STATS)), np.float32)
    stats[:, htmllayout.SIZE] = [random.choice((1, 20, 29, 30, 31, 400)) for _ in range(count)]
    group = np.array([random.randrange(min(3, count)) for _ in range(count)], np.int32)
    groups = np.zeros((count, 5), np.float32)
    for number in range(count):
        groups[group[number], 1] += stats[number, htmllayout.SIZE]
    nothing = np.zeros((count, 0), np.float32)
    return maintext.Measured(nothing, stats, group, groups, np.zeros(0, np.int32))


@given(RANDOM, st.integers(1, 40))
def test_what_stands_around_and_the_threshold(random: Random, count: int) -> None:
    page = measured(random, count)
    answers = [random.randrange(1025) / 1024 for _ in range(count)]
    sizes = page.stats[:, htmllayout.SIZE].tolist()
    array = np.array(answers, np.float32)
    found = maintext.look_around(page, array)
    expected = slow.around(answers, sizes, page.group.tolist())
    wanted = [[row[name] for name in htmlblocks.STAGE_2] for row in expected]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert abs(maintext.threshold(page, array) - slow.threshold(answers, sizes)) < 1e-6


def test_the_threshold_is_half_of_the_best_expected_f1() -> None:
    """By the definition: over all outcomes of three blocks, for every set that could be kept, the
    F1 of expected counts; the best set is one of the surest blocks."""
    answers, sizes = [0.75, 0.5, 0.125], [10.0, 40.0, 20.0]
    right = sum(a * s for a, s in zip(answers, sizes, strict=True))
    best = max(
        2 * sum(answers[i] * sizes[i] for i in kept) / (sum(sizes[i] for i in kept) + right)
        for count in (1, 2, 3)
        for kept in itertools.combinations(range(3), count)
    )
    page = measured(Random(0), 3)
    page.stats[:, htmllayout.SIZE] = sizes
    assert abs(maintext.threshold(page, np.array(answers, np.float32)) - best / 2) < 1e-6
