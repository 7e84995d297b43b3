"""Tokens, window fingerprints and removed spans, held equal to slow references."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmith.kernels import suffix, tokens, windows
from corpusmith.kernels.buffers import text_buffers
from tests.reference import signals as reference_tokens
from tests.reference import substring as reference

ALPHABET = (
    "aA b_Éé\u0301ß9٣,.!!--—中文。カﾊ゙ไทยမြ한\u200b\u200d\n\t😀😀𠀀👩\u200d👩\x00\ufe0f\u00a0\u3000"
)
TEXTS = st.lists(
    st.one_of(
        st.text(ALPHABET, max_size=60),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    ),
    max_size=6,
)
# Few words, and sentences that come again: windows that repeat, overlap and meet.
PIECES = st.lists(st.lists(st.sampled_from("abc"), max_size=9), min_size=1, max_size=4)
CORPORA = st.tuples(PIECES, st.lists(st.lists(st.integers(0, 3), max_size=6), max_size=6)).map(
    lambda t: [[w for i in row for w in t[0][i % len(t[0])]] for row in t[1]]
)


def ranges(texts: list[str]) -> list[list[str]]:
    data, offsets = text_buffers(pa.array(texts, pa.large_string()))
    starts, stops = np.empty(len(data), np.int64), np.empty(len(data), np.int64)
    ends = np.empty(len(texts) + 1, np.int64)
    tokens.token_ranges(data, offsets, *tokens.class_tables(), starts, stops, ends)
    raw = data.tobytes()
    return [
        [raw[starts[i] : stops[i]].decode() for i in range(ends[r], ends[r + 1])]
        for r in range(len(texts))
    ]


def canonical(texts: list[str], seed: int) -> tuple[bytes, np.ndarray, np.ndarray, np.ndarray]:
    data, offsets = text_buffers(pa.array(texts, pa.large_string()))
    token_seed, multiplier, _, _ = windows.hash_constants(seed)
    text = np.zeros(2 * len(data), np.uint8)
    starts, hashes = np.zeros(len(data) + 1, np.uint32), np.zeros(len(data), np.uint64)
    ends = np.zeros(len(texts) + 1, np.int64)
    written = tokens.canonical(
        data, offsets, *tokens.class_tables(), token_seed, multiplier, 0, text, starts, hashes, ends
    )
    starts[ends[-1]] = written
    return text[:written].tobytes(), starts[: ends[-1] + 1], hashes[: ends[-1]], ends


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_tokens_are_those_of_the_reference(texts: list[str]) -> None:
    expected = [reference_tokens.tokens(text) for text in texts]
    assert ranges(texts) == expected
    raw, starts, hashes, ends = canonical(texts, 3)
    assert raw.decode() == "".join(f"{t} " for row in expected for t in row)
    flat = [t for row in expected for t in row]
    assert [raw[a : b - 1].decode() for a, b in itertools.pairwise(starts)] == flat
    assert np.diff(ends).tolist() == [len(row) for row in expected]
    by_token: dict[str, int] = {}
    for token, value in zip(flat, hashes.tolist(), strict=True):
        assert by_token.setdefault(token, value) == value
    assert len(set(by_token.values())) == len(by_token)


def block_by_block(hashes: np.ndarray, ends: np.ndarray, window: int, bits: int) -> list:
    """The records of three windows at a time."""
    _, _, base, check_base = windows.hash_constants(0)
    found: list = []
    for begin in range(0, len(hashes), 3):
        records = np.zeros((3, 2), np.uint64)
        count = windows.window_records(
            hashes, ends, window, begin, min(begin + 3, len(hashes)), 0, base, check_base,
            np.uint64(bits), records,
        )  # fmt: skip
        found += records[:count].tolist()
    return found


def thinned(records: np.ndarray, shift: int, near: list) -> np.ndarray:
    """The records that are the first in blocks of five, in the order of their places."""
    left = [np.zeros((0, 2), np.uint64)]
    for begin in range(0, len(records), 5):
        block = records[begin : begin + 5]
        starts, out = np.zeros((1 << (64 - shift)) + 1, np.int64), np.empty_like(block)
        windows.partition(block, np.uint64(shift), starts, out)
        pairs = np.zeros((5, 2), np.int64)
        count, found = windows.thin_out(out, starts, np.empty(16, np.int32), pairs)
        assert starts[-1] == count and count + found == len(block)
        near += pairs[:found].tolist()
        left.append(out[:count])
    together = np.concatenate(left)
    return together[np.argsort(together[:, 1] & np.uint64((1 << 44) - 1))]


def removed(corpus: list[list[str]], window: int, bits: int, shift: int) -> tuple[list, int]:
    """bool a token and row by the kernels, in one part; and the runs that are not equal."""
    texts = [" ".join(row) for row in corpus]
    raw, starts, hashes, ends = canonical(texts, 0)
    _, _, base, check_base = windows.hash_constants(0)
    records = np.zeros((len(hashes), 2), np.uint64)
    count = windows.window_records(
        hashes, ends, window, 0, len(hashes), 0, base, check_base, np.uint64(bits), records
    )
    records = records[:count]
    assert block_by_block(hashes, ends, window, bits) == records.tolist()
    near: list[list[int]] = []
    records = thinned(records, shift, near)
    parts = np.zeros((1 << (64 - shift)) + 1, np.int64)
    out = np.empty_like(records)
    windows.partition(records, np.uint64(shift), parts, out)
    assert sorted(map(tuple, out.tolist())) == sorted(map(tuple, records.tolist()))
    first_of = np.full(len(hashes), -1)
    repeated = np.zeros(len(hashes), bool)
    for begin, end in itertools.pairwise(parts):
        assert all(int(k) >> shift == int(out[begin, 0]) >> shift for k in out[begin:end, 0])
        pairs, firsts = np.zeros((end - begin, 2), np.int64), np.zeros(end - begin, np.int64)
        slots = np.zeros(1 << int(2 * (end - begin)).bit_length(), np.int32)
        later, again = windows.first_occurrences(out[begin:end], slots, pairs, firsts)
        first_of[pairs[:later, 0]] = pairs[:later, 1]
        repeated[firsts[:again]] = True
    pairs = np.array(near, np.int64).reshape(-1, 2)
    windows.add_pairs(first_of, repeated, pairs, 0)
    runs = np.zeros((len(hashes), 3), np.int64)
    found = windows.find_runs(first_of, 0, len(hashes), runs)
    text = np.frombuffer(raw, np.uint8)
    starts.setflags(write=False)
    unequal = windows.unequal_runs(
        runs, np.arange(found), window, text, starts, text, starts, 0
    )  # fmt: skip
    source = np.where(first_of >= 0, np.searchsorted(ends, first_of, side="right") - 1, -1)
    spans = np.zeros((0, 4), np.int64)
    size = windows.removed_spans(source, repeated, ends, window, spans)
    spans = np.zeros((size, 4), np.int64)
    assert windows.removed_spans(source, repeated, ends, window, spans) == size
    marks = [[False] * len(row) for row in corpus]
    for row, begin, end, document in spans.tolist():
        assert 0 <= document <= row
        for token in range(begin - ends[row], end - ends[row]):
            assert not marks[row][token]
            marks[row][token] = True
    return marks, unequal


@given(CORPORA, st.integers(2, 7), st.sampled_from([63, 60]))
@example([["a"] * 50], 5, 63)
@example([["a"] * 50, ["a"] * 3, ["a"] * 60], 5, 63)
@example([["a", "b"] * 30], 7, 63)
@example([[]], 2, 63)
@settings(max_examples=400, deadline=None)
def test_removed_tokens_equal_the_definition(corpus, window, shift) -> None:
    marks, unequal = removed(corpus, window, 2**64 - 1, shift)
    assert unequal == 0
    assert marks == reference.removed_tokens(corpus, window)


@given(CORPORA, st.integers(2, 7))
@settings(max_examples=200, deadline=None)
def test_the_suffix_array_finds_the_same(corpus, window) -> None:
    """Two ways that share nothing: windows by fingerprint, and neighbours in a suffix array."""
    values: list[int] = []
    places = []
    for row in corpus:
        places.append(len(values))
        values += [1 + "abc".index(word) for word in row]
        values += [0]
    data = np.array(values, np.uint8)
    array = suffix.suffix_array(data)
    first = suffix.first_repeats(array, suffix.common_prefixes(data, array), window)
    later = [False] * len(values)
    kept = [False] * len(values)
    for place in np.flatnonzero(first >= 0).tolist():
        if 0 in values[place : place + window]:
            continue
        marks = kept if first[place] == place else later
        marks[place : place + window] = [True] * window
    expected = [
        [later[p + i] and not kept[p + i] for i in range(len(row))]
        for p, row in zip(places, corpus, strict=True)
    ]
    assert removed(corpus, window, 2**64 - 1, 63)[0] == expected


def test_windows_that_only_look_equal_are_found_out() -> None:
    """With four bits of fingerprint most windows collide; each such run is counted."""
    random = np.random.default_rng(5)
    corpus = [[str(n) for n in random.integers(0, 1000, 300)] for _ in range(3)]
    assert removed(corpus, 5, 2**64 - 1, 63) == ([[False] * 300] * 3, 0)
    _, unequal = removed(corpus, 5, 0xF << 60, 63)
    assert unequal > 500


def test_long_equal_stretches_are_compared_to_their_last_byte() -> None:
    """A run compares eight bytes at a time, then one: a difference in any place is seen."""
    words = [f"w{i}" for i in range(40)]
    text = "".join(f"{w} " for w in words).encode()
    starts = np.array([0, *np.cumsum([len(w) + 1 for w in words])], np.uint32)
    runs = np.array([[0, 36, 0]])
    own, starts_fixed = np.frombuffer(text, np.uint8), starts.copy()
    starts_fixed.setflags(write=False)
    for place in range(len(text)):
        changed = bytearray(text)
        changed[place] ^= 1
        other = np.frombuffer(bytes(changed), np.uint8)
        assert windows.unequal_runs(
            runs, np.array([0]), 5, own, starts_fixed, other, starts_fixed, 0
        ) == 1  # fmt: skip
    assert windows.unequal_runs(
        runs, np.array([0]), 5, own, starts_fixed, own, starts_fixed, 0
    ) == 0  # fmt: skip
