"""Bits per byte: every token once, whatever the batch, the packing and the window."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from corpusmith.evaluate.generation import continue_tokens, draw, spread
from corpusmith.evaluate.likelihood import (
    Sums,
    bits_per_byte,
    document_nats,
    perplexity,
    pooled,
    rows_of,
)
from corpusmith.train.model import build_model
from corpusmith.train.params import TrainParams
from tests.reference import likelihood as reference

VOCABULARY, END = 50, 0


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.set_num_threads(1)
    params = TrainParams(steps=1, layers=2, heads=2, width=32, initializer_range=0.3)
    network = build_model(params, vocab_size=VOCABULARY, end_token=END, length=12, seed=5)
    return network.eval()


def documents() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    sizes = (0, 1, 5, 6, 7, 11, 12, 13, 18, 19, 40)
    return [random.integers(1, VOCABULARY, size).astype(np.int32) for size in sizes]


@pytest.mark.parametrize("length", [2, 3, 5, 8, 12])
def test_every_token_is_scored_once_with_half_a_window_of_context(length: int) -> None:
    for tokens in range(1, 50):
        scored = []
        for number, row in enumerate(rows_of(0, tokens, length)):
            assert row.size <= length
            for place in range(row.first, row.size):
                scored.append(row.start + place)
                if number:
                    assert place + 1 >= length - length // 2
        assert scored == list(range(tokens))


@pytest.mark.parametrize("length", [5, 8, 12])
def test_nats_equal_one_token_at_a_time(model: torch.nn.Module, length: int) -> None:
    found = document_nats(model, documents(), length=length, end_token=END)
    expected = [
        reference.document_nats(model, tokens.tolist(), length, END) for tokens in documents()
    ]
    assert found == pytest.approx(expected, rel=1e-5)


def test_nats_do_not_depend_on_batches_or_neighbours(model: torch.nn.Module) -> None:
    texts = documents()
    alone = [document_nats(model, [t], length=12, end_token=END, batch=1)[0] for t in texts]
    for batch in (2, 7, 64):
        found = document_nats(model, texts[::-1], length=12, end_token=END, batch=batch)[::-1]
        for nats, expected, tokens in zip(found, alone, texts, strict=True):
            # At least a byte a token: 1e-4 bits per byte is at most this many nats.
            assert abs(nats - expected) <= 1e-4 * math.log(2) * len(tokens)


def test_a_model_that_knows_nothing_needs_log_of_the_vocabulary(model: torch.nn.Module) -> None:
    params = TrainParams(steps=1, layers=1, heads=1, width=8)
    flat = build_model(params, vocab_size=VOCABULARY, end_token=END, length=12, seed=0).eval()
    with torch.no_grad():
        for p in flat.parameters():
            p.zero_()
    (nats,) = document_nats(flat, [np.arange(1, 31)], length=12, end_token=END)
    assert nats == pytest.approx(30 * math.log(VOCABULARY), rel=1e-6)


def test_a_window_of_one_token_is_refused(model: torch.nn.Module) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        document_nats(model, documents(), length=1, end_token=END)


def test_ratios_of_sums() -> None:
    # 8 bits each for 2 bytes: 16 ln 2 nats in all.
    assert bits_per_byte(16 * math.log(2), 2) == pytest.approx(8.0)
    assert perplexity(3 * math.log(10), 3) == pytest.approx(10.0)
    sums = pooled([(2 * math.log(2), 1, 2), (4 * math.log(2), 11, 10)])
    # 6 bits over 12 bytes, though the mean of the ratios 2 and 4/11 is far from it.
    assert sums.summary()["bits_per_byte"] == pytest.approx(0.5)
    assert sums.summary()["perplexity"] == pytest.approx(2**0.5)
    assert sums.summary()["documents"] == 2


def test_ratios_without_a_denominator_are_null() -> None:
    found = Sums().summary()
    assert found["bits_per_byte"] is None
    assert found["perplexity"] is None
    assert perplexity(1e6, 1) == math.inf


# --- samples -----------------------------------------------------------------------------


def test_the_likeliest_continuation_follows_the_model(model: torch.nn.Module) -> None:
    prompt = [7, 3, 9]
    written = continue_tokens(
        model, np.array(prompt), count=20, length=12, end_token=END, temperature=0
    )
    context = [END, *prompt]
    for token in written.tolist():
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([context[-12:]])).logits[0, -1]
        assert token == int(logits.argmax())
        context.append(token)
    assert 1 <= len(written) <= 20


def test_samples_repeat_with_their_seed(model: torch.nn.Module) -> None:
    def sample(seed: int) -> list[int]:
        prompt = np.array([4, 4])
        found = continue_tokens(model, prompt, count=12, length=12, end_token=END, seed=seed)
        return found.tolist()

    torch.manual_seed(0)
    first = sample(1)
    torch.rand(3)
    assert sample(1) == first
    assert any(sample(seed) != first for seed in range(2, 6))


def test_draws_stay_among_the_top_and_follow_the_temperature() -> None:
    logits = torch.tensor([0.0, 3.0, 2.0, -1.0])
    generator = torch.Generator().manual_seed(0)
    assert {draw(logits, 1.0, 2, generator) for _ in range(200)} == {1, 2}
    assert {draw(logits, 0.05, 0, generator) for _ in range(100)} == {1}
    counts = np.bincount([draw(logits, 2.0, 0, generator) for _ in range(4000)], minlength=4)
    expected = np.exp(np.array([0.0, 3.0, 2.0, -1.0]) / 2)
    # Four standard deviations of a count of 4000 draws are at most 127.
    assert np.abs(counts - 4000 * expected / expected.sum()).max() < 130


def test_spread() -> None:
    assert list(spread(10, 3)) == [0, 3, 6]
    assert list(spread(2, 5)) == [0, 1]
    assert list(spread(0, 5)) == []
    assert list(spread(5, 0)) == []
