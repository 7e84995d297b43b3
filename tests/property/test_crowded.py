"""Prefixes and the comparison of components, held equal to counting all pairs."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.kernels import crowded, minhash, unionfind
from tests.reference.similar_pairs import components, similar_pairs

# Few tokens, so that sets share some and counts differ; the upper half orders equal counts.
TOKENS = st.integers(0, 25).map(lambda n: (n * 0x9E3779B97F4A7C15 + n) % 2**64)
SETS = st.lists(st.sets(TOKENS, max_size=12), min_size=2, max_size=14)
THRESHOLDS = st.sampled_from([0.3, 0.5, 2 / 3, 0.75, 0.8, 0.9, 1.0])


def arrays(sets):
    tokens = np.array([token for one in sets for token in sorted(one)], np.uint64)
    return tokens, np.cumsum([0, *map(len, sets)])


def counted(tokens, slots=16):
    counts = np.zeros(slots, np.uint32)
    crowded.count_tokens(tokens, counts)
    return counts


@given(SETS, THRESHOLDS, st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_similar_sets_share_a_token_of_their_prefixes_with_enough_left(sets, threshold, slices):
    tokens, offsets = arrays(sets)
    counts = counted(tokens)
    assert counts.sum() == len(tokens)
    found = [crowded.prefixes(tokens, offsets, counts, threshold, n, slices) for n in range(slices)]
    rest = {
        (number, token): left
        for one in found
        for token, number, left in zip(*(column.tolist() for column in one), strict=True)
    }
    assert len(rest) == sum(len(one[0]) for one in found)  # no token twice
    for (number, token), left in rest.items():
        assert token in sets[number] and 1 <= left <= len(sets[number])
    for i, j, _ in similar_pairs(sets, threshold):
        needed = threshold / (1 + threshold) * (len(sets[i]) + len(sets[j]))
        assert any(
            min(rest[i, token], rest.get((j, token), 0)) >= needed - 1e-9
            for (number, token) in rest
            if number == i
        ), (sets[i], sets[j])


@given(SETS, THRESHOLDS)
@settings(max_examples=100, deadline=None)
def test_similarity_is_exact_from_the_threshold_on(sets, threshold):
    tokens, offsets = arrays(sets)
    none = np.zeros((0, 1), np.uint32)
    for i, one in enumerate(sets):
        for j, other in enumerate(sets):
            true = len(one & other) / len(one | other) if one | other else 0.0
            got = minhash.similar(i, j, threshold, True, none, tokens, offsets)
            assert got == true if true >= threshold else got < threshold


@given(st.integers(0, 500), st.floats(0.01, 1.0))
def test_prefix_length(size, threshold):
    length = crowded.prefix_length(size, threshold)
    assert length >= (size - math.ceil(threshold * size) + 1 if size else 0)
    assert length <= size


@given(SETS, THRESHOLDS, st.data())
@settings(max_examples=300, deadline=None)
def test_components_are_joined_as_all_pairs_would(sets, threshold, data):
    """Some pairs are connected before; rows stand by component, on one side or cut in two."""
    count = len(sets)
    pair = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    known = data.draw(st.lists(pair, max_size=5))
    parent = np.arange(count)
    for a, b in known:
        unionfind.join(parent, np.array([a]), np.array([b]))
    component = unionfind.roots(parent, np.arange(count))
    order = np.lexsort((np.arange(count), component))
    cut = data.draw(st.integers(1, count))
    sides = [(0, cut), (cut, count)] if cut < count else [(0, count)]
    edges = list(known)
    for b, (start, stop) in enumerate(sides):
        for first, last in sides[: b + 1]:
            same = first == start
            rows = order[start:stop] if same else np.append(order[first:last], order[start:stop])
            groups = component[rows]
            ends = np.searchsorted(component[order][first:last], groups, "right")
            some = [sets[row] for row in rows]
            tokens, offsets = arrays(some)
            left, right, value, _, seen, steps = crowded.link_across(
                0 if same else last - first, groups, ends, rows, parent,
                np.diff(offsets), np.diff(offsets), threshold / (1 + threshold), 10**6,
                threshold, True, np.zeros((0, 1), np.uint32), tokens, offsets,
            )  # fmt: skip
            assert seen <= steps
            for a, c, s in zip(left, right, value, strict=True):
                union = some[a] | some[c]
                assert s == len(some[a] & some[c]) / len(union) >= threshold
            edges += [(int(rows[a]), int(rows[c])) for a, c in zip(left, right, strict=True)]
    wanted = [*known, *((i, j) for i, j, _ in similar_pairs(sets, threshold))]
    assert components(count, edges) == components(count, wanted)


def test_it_stops_when_its_steps_are_used_up():
    sets = [{n, n + 1000} for n in range(50)]
    tokens, offsets = arrays(sets)
    rows = np.arange(50)
    result = crowded.link_across(
        0, rows, rows + 1, rows, np.arange(50), np.diff(offsets), np.diff(offsets), 0.4, 6500,
        0.5, True, np.zeros((0, 1), np.uint32), tokens, offsets,
    )  # fmt: skip
    compared, seen, steps = result[3:]
    assert compared == seen == 100 and steps == 100 * (1 + crowded.COMPARISON)
