"""Mixing and packing against the whole stream, built the slow way."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.errors import InputError
from corpusmith.op import Work
from corpusmith.store.parts import PartWriter, iter_part
from corpusmith.tokenize.mix import MIX, draw, read_mix
from corpusmith.tokenize.order import epoch_order, id_bits
from corpusmith.tokenize.pack import PackedDataset
from tests.reference.megatron import read_indexed_dataset
from tests.reference.packing import windows_of
from tests.token_run import run_mix, run_tokens, write_corpus

SOURCES = st.dictionaries(
    st.sampled_from("abc"), st.lists(st.integers(1, 40), min_size=1, max_size=12), min_size=1
)


@settings(max_examples=100, deadline=None)
@given(SOURCES, st.data())
def test_weights_hold_within_one_document(sizes: dict[str, list[int]], data: st.DataObject) -> None:
    weights = {name: data.draw(st.sampled_from([0.1, 0.25, 0.5, 1, 3])) for name in sizes}
    wanted = data.draw(st.integers(1, 2000))
    seed = data.draw(st.integers(0, 3))
    sources = np.array([name for name, each in sizes.items() for _ in each], dtype=object)
    tokens = np.array([size for each in sizes.values() for size in each], np.int64)
    bits = id_bits([f"{n:032x}" for n in range(len(tokens))])
    uses, info = draw(bits, sources, tokens, weights=weights, tokens=wanted, seed=seed)
    everything = sum(weights.values())
    # The slow way to the same length: the longest whose shares need no more than 4 epochs.
    total = min(wanted, *[4 * sum(sizes[n]) * everything / weights[n] for n in sizes], wanted)
    assert (total < wanted - 1e-6) == bool(info["warnings"])
    for name, each in sizes.items():
        mine = sources == name
        assert uses[mine].max() <= 4
        assert uses[mine].max() - uses[mine].min() <= 1
        got = int((uses[mine] * tokens[mine]).sum())
        assert got > 0
        assert abs(got - total * weights[name] / everything) <= max(each) + 1
    # Rows in another order, the same draw.
    shuffle = np.array(data.draw(st.permutations(range(len(tokens)))), np.int64)
    again, _ = draw(
        bits[shuffle], sources[shuffle], tokens[shuffle], weights=weights, tokens=wanted, seed=seed
    )
    assert (again == uses[shuffle]).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(0, 2**40), st.integers(0, 9)
)
def test_an_epoch_uses_each_document_as_drawn(uses: list[int], seed: int, epoch: int) -> None:
    bits = id_bits([f"{n:032x}" for n in range(len(uses))])
    order = epoch_order(bits, np.array(uses, np.int32), seed, epoch)
    assert Counter(order.tolist()) == Counter({n: u for n, u in enumerate(uses) if u})


def test_epochs_are_different_and_fair() -> None:
    bits = id_bits([f"document {n}" for n in range(200)])
    uses = np.ones(200, np.int32)
    orders = [epoch_order(bits, uses, 0, epoch) for epoch in range(40)]
    assert len({order.tobytes() for order in orders}) == 40
    # A uniform place has the mean 99.5 and the deviation 57.7; of 40 epochs' mean 9.1.
    places = np.mean([np.argsort(order) for order in orders], axis=0)
    assert abs(places - 99.5).max() < 5 * 9.2
    # No correlation from epoch to epoch: for 200 places its deviation is 0.07.
    correlation = np.corrcoef(np.argsort(orders[0]), np.argsort(orders[1]))[0, 1]
    assert abs(correlation) < 0.35
    assert epoch_order(bits, uses, 1, 0).tobytes() != orders[0].tobytes()


PARTS = [
    [["one at least"]],
    [["ab", "", "词词 aab.", "a b a b a b", "b"], [], ["", "aab\n" * 7]],
    [[""] * 9, ["ab " * 40]],
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tokenizer")
    inputs = write_corpus(root, {"s": [["ab ab. 词词 aab " * 9]]})
    return run_tokens(root, inputs, {"train": "bpe", "vocab": 262})[0].folder


@pytest.fixture(scope="module")
def shards(tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Work]:
    works = []
    for parts in PARTS:
        root = tmp_path_factory.mktemp("shards")
        inputs = write_corpus(root, {"s": parts})
        works.append(run_tokens(root, inputs, {"load": str(tokenizer)})[1])
    return works


@settings(max_examples=50, deadline=None)
@given(
    which=st.integers(0, len(PARTS) - 1),
    length=st.integers(1, 17),
    seed=st.integers(0, 5),
    isolate=st.booleans(),
    data=st.data(),
)
def test_windows_are_the_stream(
    shards: list[Work], which: int, length: int, seed: int, isolate: bool, data: st.DataObject
) -> None:
    tokens = shards[which]
    wanted = data.draw(st.integers(1, 3 * tokens.info["tokens"]))
    with tempfile.TemporaryDirectory() as name:
        mixed = run_mix(Path(name), tokens.folder, {"tokens": wanted, "weights": {"s": 1}})
        packed = PackedDataset(tokens.folder, mixed.folder, length, seed, isolate=isolate)
        rows = pq.read_table(mixed.folder / "mix.parquet").to_pylist()

    stored = {
        part: read_indexed_dataset(tokens.folder / part)[1] for part in {r["part"] for r in rows}
    }
    used = [row for row in rows if row["uses"]]
    bits = id_bits([row["id"] for row in used])
    uses = np.array([row["uses"] for row in used])
    epochs = 3
    documents = []
    for epoch in range(epochs):
        for number in epoch_order(bits, uses, seed, epoch):
            row = used[number]
            documents.append((row["id"], stored[row["part"]][row["sequence"]]))
    expected = windows_of(documents, packed.end_token, length)

    assert packed.tokens_per_epoch == mixed.info["drawn_tokens"]
    assert len(packed) == packed.tokens_per_epoch // length
    targets: Counter = Counter()
    for i in data.draw(st.permutations(range(len(expected)))):
        window = packed.window(i)
        inputs_, targets_, spans = expected[i]
        assert window.inputs.tolist() == inputs_
        assert window.targets.tolist() == targets_
        assert window.documents == packed.documents(i) == spans
        segments = [n for n, (_, _, count) in enumerate(spans) for _ in range(count)]
        assert window.segments.tolist() == segments
        positions = [k for _, _, count in spans for k in range(count)]
        assert window.positions.tolist() == (positions if isolate else list(range(length)))
        for document, start, count in spans:
            targets.update((document, start + k) for k in range(count))
    # Whole windows leave out less than one window at the end of the last epoch.
    whole: Counter = Counter()
    for document, tokens_of in documents:
        whole.update((document, k) for k in range(len(tokens_of)))
    assert not targets - whole
    assert sum((whole - targets).values()) == (epochs * packed.tokens_per_epoch) % length


@pytest.fixture(scope="module")
def small(tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("small")
    corpus = {"x": [["ab", "b. a", "词"], ["aab"]], "y": [["a b a b"]]}
    _, tokens = run_tokens(root, write_corpus(root, corpus), {"load": str(tokenizer)})
    return tokens.folder, run_mix(root, tokens.folder, {}).folder


def test_masks_and_batches(small: tuple[Path, Path]) -> None:
    packed = PackedDataset(*small, 12, isolate=True)
    plain = PackedDataset(*small, 12)
    window = packed.window(0)
    assert len(window.documents) > 1
    assert window.inputs[0] == packed.end_token
    for row in range(12):
        for column in range(12):
            same = window.segments[row] == window.segments[column]
            assert packed.attention_mask(0)[row, column] == (column <= row and same)
            assert plain.attention_mask(0)[row, column] == (column <= row)
    # An end token opens the segment of the document after it.
    ends = np.flatnonzero(window.inputs == packed.end_token)
    assert window.positions[ends].tolist() == [0] * len(ends)
    inputs, targets = packed.batch([3, 0])
    assert inputs.shape == targets.shape == (2, 12)
    assert inputs[1].tolist() == window.inputs.tolist()
    assert targets[0].tolist() == packed.window(3).targets.tolist()
    counts = packed.sources(0)
    assert sum(counts.values()) == 12
    assert set(counts) <= {"x", "y"}
    assert packed.epoch_of(packed.tokens_per_epoch) == 12.0


def test_seeds_change_the_order(small: tuple[Path, Path]) -> None:
    one, other = (PackedDataset(*small, 16, seed) for seed in (0, 1))
    assert one.batch(range(6))[0].tolist() != other.batch(range(6))[0].tolist()
    assert PackedDataset(*small, 16, 0).window(5).inputs.tolist() == one.window(5).inputs.tolist()


def test_wrong_use(small: tuple[Path, Path], tmp_path: Path) -> None:
    packed = PackedDataset(*small, 4)
    with pytest.raises(IndexError):
        packed.window(-1)
    with pytest.raises(ValueError, match="at least 1"):
        PackedDataset(*small, 0)
    table = read_mix(small[1])
    for column, values, word in (
        ("uses", np.zeros(len(table), np.int32), "draws no document"),
        ("tokens", table["tokens"].to_numpy() + 1, "other tokens"),
        ("sequence", table["sequence"].to_numpy() + 9, "other tokens"),
    ):
        place = table.schema.get_field_index(column)
        changed = table.set_column(place, MIX.field(column), [values])
        with PartWriter(tmp_path / word, "mix") as out:
            out.write(".", changed)
        assert list(iter_part(tmp_path / word, ".", "mix"))
        with pytest.raises(InputError, match=word):
            PackedDataset(small[0], tmp_path / word, 4)
