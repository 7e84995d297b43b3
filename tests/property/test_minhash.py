"""The kernels behind deduplication, held equal to slow references."""

from __future__ import annotations

import math
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.kernels import minhash, overlap, shingles, unionfind
from corpusmith.kernels.buffers import text_buffers
from tests.reference import minhash as reference

ALPHABET = (
    "aA bBÉé\u0301ßИий 0٣９,.!—中文。、あがカﾊ゙ｶไทยกำລາວမြန်မာខ្មែរ한글हिन्दी"
    "\u200b\u00ad\n\t😀𠀀👩\u200d👩\x00❤\ufe0f"
)
TEXTS = st.lists(
    st.one_of(
        st.text(ALPHABET, max_size=60),
        st.text(st.characters(exclude_categories=["Cs", "Cn", "Co"]), max_size=30),
    ),
    max_size=8,
)


def run(texts, words, count, seed, keep=True):
    data, offsets = text_buffers(pa.array(texts, pa.large_string()))
    a, b = minhash.permutations(count, seed)
    return minhash.signatures(data, offsets, shingles.fold_table(), words, a, b, keep)


@given(TEXTS, st.integers(1, 6), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_signatures_equal_the_reference(texts, words, seed):
    signature, counts, hashes, ends = run(texts, words, 8, seed)
    for row, text in enumerate(texts):
        expected = {reference.shingle_hash(s) for s in reference.shingles(text, words)}
        assert counts[row] == len(expected)
        assert hashes[ends[row] : ends[row + 1]].tolist() == sorted(expected)
        assert signature[row].tolist() == reference.signature(expected, 8, seed)


def test_every_code_point_is_folded_as_the_reference_does():
    """Over all assigned characters: word boundaries, digits, accents, own words."""
    table = shingles.fold_table()
    wrong = []
    for point in range(0x110000):
        char = chr(point)
        if unicodedata.category(char) in ("Cs", "Cn", "Co"):
            continue
        around = reference.words(f"x{char}y")
        folded = int(table[point] if point < len(table) else shingles.fold_beyond(point))
        if folded == shingles.SEPARATOR:
            got = ["x", "y"]
        elif folded == shingles.IGNORED:
            got = ["xy"]
        elif folded >= shingles.OWN:
            got = ["x", chr(folded - shingles.OWN), "y"]
        else:
            got = [f"x{chr(folded)}y"]
        if got != around:
            wrong.append((hex(point), unicodedata.name(char, "?"), got, around))
    assert wrong == []


@given(st.binary(max_size=40))
@settings(max_examples=100, deadline=None)
def test_damaged_utf8_is_read_within_its_bounds(data):
    """Arrow refuses such text; the kernel must still neither crash nor leave the range."""
    buffer = np.frombuffer(data + b"\xe4\xb8\xad", np.uint8)
    out = np.full(len(data) // 2 + 3, 7, np.uint64)
    count = shingles.word_hashes(buffer, 0, len(data), shingles.fold_table(), out)
    assert count <= len(data) // 2 + 1
    assert out[len(data) // 2 + 2] == 7


@given(TEXTS, st.data())
@settings(max_examples=50, deadline=None)
def test_slices_and_batches_change_nothing(texts, data):
    column = pa.array(texts, pa.large_string())
    cut = data.draw(st.integers(0, len(texts)))
    whole = run(texts, 3, 8, 0)
    pieces = []
    for piece in (column.slice(0, cut), column.slice(cut)):
        buffer, offsets = text_buffers(piece)
        a, b = minhash.permutations(8, 0)
        found = minhash.signatures(buffer, offsets, shingles.fold_table(), 3, a, b, False)
        pieces.append(found[0])
    assert np.array_equal(np.concatenate(pieces), whole[0])


@given(st.lists(st.integers(0, 2**64 - 1), max_size=300), st.booleans())
@settings(max_examples=100, deadline=None)
def test_distinct_and_sort(values, crowded):
    if crowded:  # one place of the counting sort gets all of them
        values = [v >> 40 for v in values]
    values = values + values[: len(values) // 2]
    array = np.array(values, np.uint64)
    table = np.empty(shingles.table_size(len(array)), np.uint64)
    kept = shingles.distinct(array, len(array), table)
    assert array[:kept].tolist() == list(dict.fromkeys(values))
    out = np.zeros(kept, np.uint64)
    shingles.sort_hashes(array, kept, out)
    assert out.tolist() == sorted(set(values))
    out = np.zeros(len(values), np.uint64)
    array = np.array(values, np.uint64)
    assert shingles.sort_distinct(array, len(values), out) == kept
    assert out[:kept].tolist() == sorted(set(values))


SETS = st.lists(st.integers(0, 40), max_size=30).map(set)


@given(SETS, SETS)
@settings(max_examples=100, deadline=None)
def test_jaccard_of_sorted_hashes(left, right):
    hashes = np.array([*sorted(left), *sorted(right)], np.uint64)
    offsets = np.array([0, len(left), len(left) + len(right)], np.int64)
    expected = len(left & right) / len(left | right) if left | right else 0.0
    assert minhash.jaccard(hashes, offsets, 0, 1) == pytest.approx(expected, abs=1e-15)


@given(
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100, deadline=None)
def test_components_equal_a_search_and_ignore_the_order(nodes, pairs, random):
    pairs = [(a % nodes, b % nodes) for a, b in pairs]
    label = list(range(nodes))  # spread the smallest label until nothing changes
    changed = True
    while changed:
        changed = False
        for a, b in pairs:
            low = min(label[a], label[b])
            changed |= label[a] != low or label[b] != low
            label[a] = label[b] = low

    def ends():
        return [np.array([p[k] for p in pairs], np.int64) for k in (0, 1)]

    assert unionfind.components(nodes, *ends()).tolist() == label
    joins = unionfind.forest(nodes, *ends())
    assert joins.sum() == nodes - len(set(label))
    tree = [e[joins] for e in ends()]
    assert unionfind.components(nodes, *tree).tolist() == label
    random.shuffle(pairs)
    assert unionfind.components(nodes, *ends()).tolist() == label


@given(TEXTS, st.text(ALPHABET, max_size=80), st.lists(st.integers(1, 5), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_matches_equal_the_reference(texts, item, lengths):
    lengths = sorted(set(lengths), reverse=True)
    wanted = set()
    words = reference.words(item)
    for n in lengths:
        wanted |= {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}
    hashes = np.array(sorted({reference.shingle_hash(w) for w in wanted}), np.uint64)
    data, offsets = text_buffers(pa.array(texts, pa.large_string()))
    hits, covered, first = overlap.match(
        data,
        offsets,
        shingles.fold_table(),
        np.array(lengths, np.int64),
        hashes,
        overlap.hash_filter(hashes),
    )
    for row, text in enumerate(texts):
        words = reference.words(text)
        found = [
            (i, -n)
            for n in lengths
            for i in range(len(words) - n + 1)
            if tuple(words[i : i + n]) in wanted
        ]
        inside = {i + k for i, n in found for k in range(-n)}
        assert hits[row] == len(found)
        assert covered[row] == pytest.approx(len(inside) / len(words) if found else 0, abs=1e-6)
        if found:
            i, n = min(found)
            expected = reference.shingle_hash(tuple(words[i : i - n]))
            assert hashes[first[row]] == expected
        else:
            assert first[row] == -1


def test_the_estimate_is_unbiased_with_the_error_of_its_formula():
    """200 pairs at Jaccard .5: the mean within 4 standard errors, the spread within 20 %."""
    count, pairs = 112, 200
    # Digits are folded to 0, so numbers are written in letters.
    letters = "abcdefghij"

    def name(*numbers):
        return "x".join("".join(letters[int(d)] for d in str(n)) for n in numbers)

    texts = []
    for p in range(pairs):
        shared = [name(p, i) + "s" for i in range(200)]
        for side in "uv":
            texts.append(" ".join(shared + [name(p, i) + side for i in range(100)]))
    signature, counts, _, _ = run(texts, 1, count, 0, keep=False)
    assert set(counts.tolist()) == {300}
    agree = (signature[0::2] == signature[1::2]).mean(axis=1)
    error = math.sqrt(0.5 * 0.5 / count)
    assert abs(agree.mean() - 0.5) < 4 * error / math.sqrt(pairs)
    assert 0.8 * error < agree.std() < 1.2 * error


def test_bands_by_hand():
    """14 x 8 at .8 (datatrove's figure): 1 - (1 - .8^8)^14 = .924."""
    assert minhash.collision_probability(0.8, 14, 8) == pytest.approx(0.924, abs=5e-4)
    assert minhash.lsh_shape(0.75) == (14, 8)
    for threshold in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0):
        bands, rows = minhash.lsh_shape(threshold)
        assert bands * rows <= 112
        assert 1 - (1 - threshold**rows) ** bands >= 0.77
        more = rows + 1
        if more <= 112:
            assert 1 - (1 - threshold**more) ** (112 // more) < 0.77
    assert minhash.lsh_shape(0.01) == (112, 1)


def test_a_large_bucket_is_compared_with_leaders_only():
    """300 copies of 3 texts, 70 loners: every copy is linked, work stays below rows x limit."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2**32, (3, 16), dtype=np.uint32)
    loners = rng.integers(0, 2**32, (70, 16), dtype=np.uint32)
    signature = np.concatenate([kinds[np.arange(300) % 3], loners])
    left, right, value, compared, leaders = minhash.link_leaders(
        0, 370, 64, 0.9, False, signature, np.zeros(0, np.uint64), np.zeros(1, np.int64)
    )
    assert compared <= 370 * 64
    assert leaders.tolist() == [0, 1, 2, *range(300, 361)]
    label = unionfind.components(370, left, right)
    assert label[:300].tolist() == [i % 3 for i in range(300)]
    assert label[300:].tolist() == list(range(300, 370))
    assert (value == 1.0).all()
