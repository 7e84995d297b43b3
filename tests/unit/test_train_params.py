"""The `train:` and `evaluate:` blocks."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from corpusmith import recipe
from corpusmith.errors import RecipeError
from corpusmith.plan_training import evaluate_measures
from corpusmith.train.params import TrainParams


def test_learning_rate_rises_and_falls() -> None:
    params = TrainParams(steps=12, lr=1.0, warmup=4, min_lr=0.2)
    rates = [params.learning_rate(step) for step in range(12)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    # Half way down the cosine stands the middle of 1.0 and 0.2, at the end 0.2.
    assert rates[7] == pytest.approx(0.6)
    assert rates[11] == pytest.approx(0.2)
    assert all(a > b for a, b in itertools.pairwise(rates[3:]))


def test_other_decays() -> None:
    linear = TrainParams(steps=10, lr=2.0, warmup=0, min_lr=0.0, decay="linear")
    assert [linear.learning_rate(s) for s in (0, 4, 9)] == pytest.approx([1.8, 1.0, 0.0])
    constant = TrainParams(steps=10, lr=2.0, warmup=2, decay="constant")
    assert [constant.learning_rate(s) for s in (0, 1, 5, 9)] == [1.0, 2.0, 2.0, 2.0]


def test_a_warm_up_longer_than_training_never_divides_by_zero() -> None:
    params = TrainParams(steps=3, lr=3.0, warmup=10)
    assert [params.learning_rate(s) for s in range(3)] == [1.0, 2.0, 3.0]


def test_windows_of_a_step() -> None:
    params = TrainParams(steps=1, batch_tokens=1000)
    assert params.windows_per_step(256) == 3
    assert params.windows_per_step(4096) == 1


def test_initial_weights_shrink_with_the_width() -> None:
    assert TrainParams(steps=1, width=64).standard_deviation == 0.08
    assert TrainParams(steps=1, width=1024, heads=16).standard_deviation == 1 / 32
    assert TrainParams(steps=1, initializer_range=0.02).standard_deviation == 0.02


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"width": 30, "heads": 4}, "multiple of heads"),
        ({"model": "gpt2", "kv_heads": 2}, "for llama"),
        ({"model": "llama", "heads": 4, "kv_heads": 3}, "divide heads"),
        ({"model": "llama", "width": 36, "heads": 4}, "even width"),
        ({"model": "llama", "dropout": 0.1}, "llama has none"),
        ({"model": "some/checkpoint", "layers": 3}, "already fixes the shape"),
        ({"stepz": 3}, "stepz"),
        ({"steps": 0}, "steps"),
        ({"lr": 0}, "lr"),
        ({"dtype": "fp16"}, "dtype"),
    ],
)
def test_what_does_not_fit(given: dict, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainParams.model_validate({"steps": 10, **given})


def measures(evaluate: str) -> dict:
    """Parameters by name of the list under `evaluate:`, in YAML."""
    text = "corpusmith: 1\ncorpus: c\nsources: {a: {read: jsonl, path: a}}\nevaluate: "
    return evaluate_measures(recipe.parse(f"{text}{evaluate}\n".encode(), Path("r.yaml")))


def test_evaluate_fills_in_defaults() -> None:
    found = measures("[bits_per_byte, {samples: {count: 3}}]")
    assert found["bits_per_byte"]["by"] == ["source", "modality", "lang"]
    assert found["samples"]["count"] == 3
    assert found["samples"]["prompt_tokens"] == 32


@pytest.mark.parametrize(
    ("given", "where", "words"),
    [
        ("[bits_per_bite]", "r.yaml:4:12", "did you mean 'bits_per_byte'"),
        ("[{bits_per_byte: {bye: []}}]", "r.yaml:4:29", "did you mean 'by'"),
        ("[{bits_per_byte: {by: [colour]}}]", "r.yaml:4:34", "source"),
        ("[samples, samples]", "r.yaml:4:21", "twice"),
        ("[3]", "r.yaml:4:12", "3"),
        ("[{samples: 3}]", "r.yaml:4:22", "samples"),
    ],
)
def test_evaluate_refuses(given: str, where: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        measures(given)
    assert caught.value.where == where


def test_parameters_load_no_heavy_library() -> None:
    code = (
        "import sys, corpusmith.train.params, corpusmith.evaluate.params;"
        "print([m for m in ('torch', 'transformers', 'numpy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cosine_follows_its_formula() -> None:
    params = TrainParams(steps=100, lr=1e-3, warmup=10, min_lr=0.1)
    x = (55 - 10) / 90
    expected = 1e-3 * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * x)))
    assert params.learning_rate(54) == pytest.approx(expected)
