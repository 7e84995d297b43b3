from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpusmith.errors import InputError, RecipeError
from corpusmith.tokenize.mix import draw, parse_tokens, read_mix, validate_mix
from corpusmith.tokenize.order import id_bits, mix64
from tests.token_run import run_mix, run_tokens, write_corpus


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        (1, 1),
        ("20M", 20_000_000),
        ("1.5B", 1_500_000_000),
        ("2G", 2_000_000_000),
        ("3k", 3000),
        (" 500_000 ", 500_000),
        (2e7, 20_000_000),
        ("0.001k", 1),
    ],
)
def test_parses_tokens(value: object, tokens: int) -> None:
    assert parse_tokens(value) == tokens  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["", "M", "20MB", "-1", 0, -5, True, None, float("inf"), "1e9x"])
def test_refuses_other_numbers(value: object) -> None:
    with pytest.raises(RecipeError, match="a number of tokens"):
        parse_tokens(value)  # type: ignore[arg-type]


def test_weights_are_checked() -> None:
    validate_mix({"pages": 0.4, "books": 0}, ["pages", "books"])
    with pytest.raises(RecipeError, match="did you mean 'pages'"):
        validate_mix({"page": 1.0, "books": 1}, ["pages", "books"])
    with pytest.raises(RecipeError, match="no weight for 'books'"):
        validate_mix({"pages": 1.0}, ["pages", "books"])
    for bad in (-0.1, float("nan"), float("inf"), "0.4", True, None):
        with pytest.raises(RecipeError, match="0 or more"):
            validate_mix({"pages": bad}, ["pages"])  # type: ignore[dict-item]
    with pytest.raises(RecipeError, match="all weights"):
        validate_mix({"pages": 0, "books": 0.0}, ["pages", "books"])


def test_splitmix64_known_values() -> None:
    # The first outputs of SplitMix64 from the state 0, as in the reference implementation
    # (Vigna, https://prng.di.unimi.it/splitmix64.c): the state grows by the golden ratio.
    states = np.array([0, 0x9E3779B97F4A7C15], np.uint64)
    assert [hex(x) for x in mix64(states)] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4"]


def test_bits_of_ids() -> None:
    ids = ["000000000000000a00000000000000ff", "ffffffffffffffff0000000000000000"]
    assert id_bits(ids).tolist() == [[10, 255], [2**64 - 1, 0]]
    odd = id_bits(["a", "b", "a"])
    assert odd[0].tolist() == odd[2].tolist() != odd[1].tolist()
    assert id_bits([]).shape == (0, 2)


def test_bits_of_a_column_are_those_of_its_rows() -> None:
    digits = [f"{n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}" for n in range(50)]
    for ids in (digits, [*digits, "a"], [*digits, digits[1].upper()], ["a", "b"], []):
        expected = id_bits(ids).tolist()
        for kind in (pa.string(), pa.large_string()):
            column = pa.array(["x", *ids, "y"], kind).slice(1, len(ids))
            assert id_bits(column).tolist() == expected
            pieces = pa.chunked_array([column.slice(0, 7), column.slice(7)])
            assert id_bits(pieces).tolist() == expected


def drawn(sizes: dict[str, list[int]], **how: object) -> tuple[dict[str, list[int]], dict]:
    sources = np.array([name for name, each in sizes.items() for _ in each], dtype=object)
    tokens = np.array([size for each in sizes.values() for size in each], np.int64)
    bits = id_bits([f"{n:032x}" for n in range(len(tokens))])
    arguments = {"weights": None, "tokens": None, **how}
    uses, info = draw(bits, sources, tokens, **arguments)  # type: ignore[arg-type]
    return {name: uses[sources == name].tolist() for name in sizes}, info


def test_no_parameters_is_everything_once() -> None:
    uses, info = drawn({"a": [3, 4], "b": [5]})
    assert uses == {"a": [1, 1], "b": [1]}
    assert info["drawn_tokens"] == info["wanted_tokens"] == 12
    assert info["warnings"] == []


def test_equal_documents_by_hand() -> None:
    # 200 tokens, three quarters of them from a: 150 of a's 100 = once and a half; 50 of b's 100.
    uses, info = drawn({"a": [10] * 10, "b": [10] * 10}, tokens=200, weights={"a": 3, "b": 1})
    assert sorted(uses["a"]) == [1] * 5 + [2] * 5
    assert sorted(uses["b"]) == [0] * 5 + [1] * 5
    assert info["by_source"]["a"] == {
        "weight": 0.75,
        "available_tokens": 100,
        "target_tokens": 150,
        "drawn_tokens": 150,
        "documents": 10,
        "documents_drawn": 10,
        "epochs": 1.5,
    }
    assert info["by_source"]["b"]["documents_drawn"] == 5
    assert info["warnings"] == []


def test_runs_short_and_scales_all_down() -> None:
    # b gives at most 4 x 10 = 40 tokens at one half, so the whole is 80.
    uses, info = drawn({"a": [10] * 10, "b": [10]}, tokens="1k", weights={"a": 0.5, "b": 0.5})
    assert uses["b"] == [4]
    assert sorted(uses["a"]) == [0] * 6 + [1] * 4
    assert info["drawn_tokens"] == 80
    assert info["wanted_tokens"] == 1000
    (warning,) = info["warnings"]
    assert "runs short" in warning
    assert "'b' (10 tokens) over 4 times" in warning
    assert "80 tokens" in warning
    uses, _ = drawn(
        {"a": [10] * 10, "b": [10]}, tokens=1000, weights={"a": 0.5, "b": 0.5}, max_epochs=1
    )
    assert uses["b"] == [1]
    assert sum(uses["a"]) == 1


def test_weight_zero_and_small_shares() -> None:
    uses, info = drawn(
        {"a": [10] * 4, "b": [10], "c": [900]}, tokens=40, weights={"a": 1, "b": 0, "c": 0.01}
    )
    assert uses["b"] == [0]
    assert uses["c"] == [1]  # a share under half of its only document, but a share
    assert info["by_source"]["b"]["drawn_tokens"] == 0


def test_tokens_alone_keep_the_shares() -> None:
    uses, info = drawn({"a": [1] * 80, "b": [1] * 20}, tokens=50)
    assert (sum(uses["a"]), sum(uses["b"])) == (40, 10)
    assert info["by_source"]["a"]["weight"] == 0.8


def test_weights_alone_are_as_long_as_there_is_text() -> None:
    uses, _ = drawn({"a": [1] * 80, "b": [1] * 20}, weights={"a": 0.5, "b": 0.5})
    assert (sum(uses["a"]), sum(uses["b"])) == (50, 50)


def test_a_source_that_is_empty() -> None:
    with pytest.raises(InputError, match=r"'b' a weight of 0\.5"):
        drawn({"a": [1]}, weights={"a": 0.5, "b": 0.5})
    uses, _ = drawn({"a": [1]}, weights={"a": 0.5, "b": 0})
    assert uses == {"a": [1]}


def test_another_seed_draws_others() -> None:
    sizes = {"a": [1] * 64}
    half = {"tokens": 32, "weights": {"a": 1}}
    first, second = (drawn(sizes, seed=seed, **half)[0]["a"] for seed in (0, 1))
    assert sum(first) == sum(second) == 32
    assert first != second
    assert drawn(sizes, seed=0, **half)[0]["a"] == first


def test_the_stage(tmp_path: Path) -> None:
    corpus = {"a": [["one two three " * 3] * 4, []], "b": [["four five six " * 3] * 2]}
    _, tokens = run_tokens(tmp_path, write_corpus(tmp_path, corpus), {"train": "bpe", "vocab": 280})
    each = tokens.info["tokens"] // 6
    params = {"weights": {"a": 0.2, "b": 0.8}, "tokens": each * 5}
    mixed = run_mix(tmp_path / "one", tokens.folder, params, seed=7)
    table = read_mix(mixed.folder)
    assert pq.read_table(mixed.folder / "mix.parquet").equals(table)
    docs = pq.read_table(tokens.folder / "docs.parquet")
    assert table["id"].equals(docs["id"])  # whatever is not drawn stays, with 0 uses
    assert table["part"].to_pylist() == ["part-00000"] * 4 + ["part-00002"] * 2
    uses = table["uses"].to_pylist()
    assert sorted(uses[:4]) == [0, 0, 0, 1]
    assert uses[4:] == [2, 2]
    assert mixed.info["drawn_tokens"] == 5 * each
    assert mixed.info["seed"] == 7
    params["seed"] = 9
    assert run_mix(tmp_path / "two", tokens.folder, params, seed=7).info["seed"] == 9
    once = run_mix(tmp_path / "three", tokens.folder, {})
    assert read_mix(once.folder)["uses"].to_pylist() == [1] * 6
    short = run_mix(tmp_path / "four", tokens.folder, {**params, "tokens": "1M"})
    assert "runs short" in short.warnings[0]
