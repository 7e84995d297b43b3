"""zlib and the Witten-Bell bigram."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.evaluate import baselines
from corpusmith.evaluate.baselines import WittenBell, Zlib
from tests.reference.likelihood import bigram_nats


def test_by_hand() -> None:
    # Training pairs over a vocabulary of 4: 0-1, 0-1, 0-2, 1-1.
    bigram = WittenBell(4)
    bigram.add(np.array([0, 0, 0, 1]), np.array([1, 1, 2, 1]))
    # p(1) = (3 + 2/4) / (4 + 2) = 7/12; p(2) = (1 + 1/2) / 6 = 1/4; p(3) = (1/2) / 6 = 1/12
    # p(1|0) = (2 + 2 * 7/12) / (3 + 2) = 19/30; p(3|0) = (0 + 2/12) / 5 = 1/30
    # p(1|1) = (1 + 7/12) / 2 = 19/24; p(2|3) = p(2), since 3 was never seen before anything
    found = bigram.probabilities(np.array([0, 0, 1, 3]), np.array([1, 3, 1, 2]))
    assert found.tolist() == pytest.approx([19 / 30, 1 / 30, 19 / 24, 1 / 4])
    nats = bigram.document_nats(np.array([1, 1]), end_token=0)
    assert nats == pytest.approx(-math.log(19 / 30) - math.log(19 / 24))


def test_without_training_all_tokens_are_equally_likely() -> None:
    bigram = WittenBell(8)
    assert bigram.document_nats(np.array([1, 2, 3]), 0) == pytest.approx(3 * math.log(8))
    assert bigram.document_nats(np.array([], np.int64), 0) == 0


tokens = st.lists(st.integers(0, 5), max_size=12)


@settings(max_examples=60, deadline=None)
@given(training=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1), held=tokens)
def test_equals_the_slow_reference(training: list[tuple[int, int]], held: list[int]) -> None:
    bigram = WittenBell(6)
    for start in range(0, len(training), 3):
        pairs = np.array(training[start : start + 3])
        bigram.add(pairs[:, 0], pairs[:, 1])
    found = bigram.document_nats(np.array(held, np.int64), 0)
    assert found == pytest.approx(bigram_nats(training, 6, held, 0))
    sums = [bigram.probabilities(np.full(6, previous), np.arange(6)).sum() for previous in range(6)]
    assert sums == pytest.approx([1.0] * 6)


def test_counting_in_pieces_is_counting_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    pairs = random.integers(0, 50, (2, 4000))
    once = WittenBell(50)
    once.add(*pairs)
    expected = once.probabilities(*pairs)
    monkeypatch.setattr(baselines, "MERGE_PAIRS", 100)
    pieces = WittenBell(50)
    for start in range(0, 4000, 70):
        pieces.add(pairs[0, start : start + 70], pairs[1, start : start + 70])
    assert np.array_equal(pieces.probabilities(*pairs), expected)
    assert pieces.tokens == 4000


def test_zlib_is_one_stream_a_group() -> None:
    documents = [("a", "one text " * 9), ("b", "其他文本" * 9), ("a", "one text again " * 9)]
    compressor = Zlib()
    for group, text in documents:
        compressor.add(["", group], text.encode())
    found = compressor.bits_per_byte()
    for group in ("", "a", "b"):
        whole = "".join(text for g, text in documents if group in ("", g)).encode()
        assert found[group] == 8 * len(zlib.compress(whole, 9)) / len(whole)


def test_zlib_of_nothing() -> None:
    compressor = Zlib()
    compressor.add(["x"], b"")
    assert compressor.bits_per_byte() == {}
