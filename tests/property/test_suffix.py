"""Suffix arrays and common prefixes, held equal to sorting all suffixes."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmith.errors import CorpusmithError
from corpusmith.kernels import suffix
from tests.reference import substring as reference


def fibonacci(length: int) -> list[int]:
    a, b = [0], [0, 1]
    while len(b) < length:
        a, b = b, b + a
    return b[:length]


def thue_morse(length: int) -> list[int]:
    return [bin(i).count("1") % 2 for i in range(length)]


VALUES = st.one_of(
    st.lists(st.integers(0, 1), max_size=80),
    st.lists(st.integers(0, 255), max_size=60),
    # A few pieces over and over: repeats within repeats.
    st.tuples(st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=3),
              st.lists(st.integers(0, 2), max_size=20)).map(
        lambda t: [v for i in t[1] for v in t[0][i % len(t[0])]]
    ),
)  # fmt: skip


@given(VALUES)
@example([])
@example([7])
@example([0] * 60)
@example([0, 1] * 40)
@example(fibonacci(200))
@example(thue_morse(200))
@example(list(range(50, 0, -1)))
@settings(max_examples=300, deadline=None)
@pytest.mark.parametrize("kind", [np.uint8, np.int32])
def test_they_equal_sorting_all_suffixes(kind: type, values: list[int]) -> None:
    array = suffix.suffix_array(np.array(values, kind))
    assert array.dtype == np.int32
    expected = reference.suffix_array(values)
    assert array.tolist() == expected
    common = suffix.common_prefixes(np.array(values, kind), array).tolist()
    for place, start in enumerate(expected):
        before = values[expected[place - 1] :] if place else []
        assert common[start] == reference.common_prefix(before, values[start:])


@given(VALUES, st.integers(1, 8))
@settings(max_examples=200, deadline=None)
def test_first_repeats_equal_a_search_for_each_window(values: list[int], window: int) -> None:
    data = np.array(values, np.uint8)
    array = suffix.suffix_array(data)
    found = suffix.first_repeats(array, suffix.common_prefixes(data, array), window)
    windows = [tuple(values[i : i + window]) for i in range(len(values) - window + 1)]
    expected = [windows.index(w) if windows.count(w) > 1 else -1 for w in windows]
    assert found.tolist() == expected + [-1] * (len(values) - len(windows))


@pytest.mark.parametrize("make", [fibonacci, thue_morse, lambda n: [0] * n])
def test_long_repetitive_texts(make) -> None:
    """Neighbours in order and each suffix once is what sorted means; no reference is that fast."""
    values = make(300_000)
    array = suffix.suffix_array(np.array(values, np.uint8))
    common = suffix.common_prefixes(np.array(values, np.uint8), array)
    check_sorted(values, array, common)


def test_a_large_alphabet() -> None:
    values = random.Random(1).choices(range(50_000), k=200_000)
    values = values + values[1000:90_000]
    array = suffix.suffix_array(np.array(values, np.int32))
    check_sorted(values, array, suffix.common_prefixes(np.array(values, np.int32), array))


def check_sorted(values: list[int], array: np.ndarray, common: np.ndarray) -> None:
    assert np.array_equal(np.sort(array), np.arange(len(values)))
    data = np.array(values)
    rank = np.empty(len(values) + 1, np.int64)
    rank[array] = np.arange(len(values))
    rank[len(values)] = -1
    # a < b where the first items say so, or, if these are equal, the rests do (by their ranks).
    left, right = array[:-1].astype(np.int64), array[1:].astype(np.int64)
    smaller = data[left] < data[right]
    equal = data[left] == data[right]
    assert np.all(smaller | (equal & (rank[left + 1] < rank[right + 1])))
    chosen = np.random.default_rng(0).integers(1, len(array), 200)
    for place in chosen.tolist():
        a, b = int(array[place - 1]), int(array[place])
        size = int(common[b])
        assert values[a : a + size] == values[b : b + size]
        assert values[a + size : a + size + 1] != values[b + size : b + size + 1]


def test_what_it_does_not_take_is_an_error() -> None:
    for values in (np.zeros(3, np.int64), np.array([-1], np.int32), np.zeros((2, 2), np.uint8)):
        with pytest.raises(CorpusmithError, match="suffix array"):
            suffix.suffix_array(values)
