"""The stages train and evaluate on a tiny corpus, from cleaned parts to the summary."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer, GPT2LMHeadModel

from corpusmith import schema
from corpusmith.errors import InputError, MissingExtraError
from corpusmith.evaluate import stage as evaluate_stage
from corpusmith.evaluate.params import MEASURES
from corpusmith.op import Work
from corpusmith.store.atomic import read_json
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import PartWriter, part_names
from corpusmith.tokenize.tokenizer import Tokenizer
from corpusmith.train import stage as train_stage
from corpusmith.train.loop import read_metrics
from tests.inline import InlineEngine
from tests.reference import likelihood as reference
from tests.token_run import run_mix, run_tokens, uri, write_corpus

HELD_OUT = {("pages", 2), ("pages", 5), ("code", 1)}
TRAIN = {
    "layers": 2,
    "heads": 2,
    "width": 32,
    "threads": 1,
    "steps": 12,
    "batch_tokens": 128,
    "lr": 1e-2,
    "dtype": "fp32",
    "eval_every": 6,
    "log_every": 4,
    "tensorboard": False,
}
PACK = {"length": 32, "isolate": False}


def texts() -> dict[str, list[list[str]]]:
    sentence = "The cat number {} sat on the mat of room {} and looked at dog {}. "
    pages = ["".join(sentence.format(i, i * j % 7, j) for j in range(9)) for i in range(6)]
    pages[5] = "猫在垫子上看着狗。" * 8
    code = [f"def cat_{i}(x):\n    return x + {i}\n" * 7 for i in range(4)]
    return {"pages": [pages[:3], pages[3:]], "code": [code]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of all stages up to mix; three documents are held out, one with the text dropped."""
    root = tmp_path_factory.mktemp("corpus")
    gone = {document_id(source, uri(row)): "split" for source, row in HELD_OUT}
    inputs = write_corpus(root, texts(), gone)
    # The split as its stage writes it, with the rule.
    for source in texts():
        for part in part_names(inputs[f"clean.{source}"]):
            table = pq.read_table(inputs[f"clean.{source}"] / "documents" / f"{part}.parquet")
            ids = [i for i in table["id"].to_pylist() if i in gone]
            rows = [{"id": i, "step": "split", "rule": "held_out"} for i in ids]
            with PartWriter(root / "split", part) as out:
                out.write("decisions", schema.table(schema.DECISION, rows))
    tokenizer, tokens = run_tokens(root, inputs, {"train": "bpe", "vocab": 300})
    mix = run_mix(root, tokens.folder, {})
    return inputs | {"tokenizer": tokenizer.folder, "tokens": tokens.folder, "mix": mix.folder}


def train(made: dict[str, Path], folder: Path, **changes: Any) -> Work:
    work = Work(folder, {"train": TRAIN | changes, "pack": PACK}, made, InlineEngine(), seed=1)
    train_stage.execute(work)
    return work


@pytest.fixture(scope="module")
def trained(made: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Work:
    return train(made, tmp_path_factory.mktemp("model"))


def evaluate(made: dict[str, Path], model: Path, folder: Path, wanted: list[Any]) -> Work:
    measures = {n: MEASURES[n](**given).model_dump() for w in wanted for n, given in w.items()}
    params = {"evaluate": measures, "pack": PACK, "split": "split"}
    work = Work(folder, params, made | {"train": model}, InlineEngine(), seed=1)
    evaluate_stage.execute(work)
    return work


def test_the_model_loads_with_transformers(trained: Work, made: dict[str, Path]) -> None:
    model = GPT2LMHeadModel.from_pretrained(trained.folder)
    ours = Tokenizer.load(made["tokenizer"])
    theirs = AutoTokenizer.from_pretrained(trained.folder)
    text = "The cat sat 猫 on it."
    assert theirs(text)["input_ids"] == ours.encode_batch([text])[0].tolist()
    assert theirs.eos_token_id == model.config.eos_token_id == ours.end_token
    assert model.config.vocab_size == ours.vocab_size
    assert trained.info["parameters"] == model.num_parameters()


def test_the_manifest_says_what_was_trained(trained: Work, made: dict[str, Path]) -> None:
    found = read_json(trained.folder / "training.json")
    assert found["steps"] == 12
    assert found["windows"] == 12 * 4
    assert found["tokens_trained"] == 12 * 128
    assert found["epochs"] == pytest.approx(12 * 128 / found["tokens_per_epoch"])
    assert found["dtype"] == "fp32"
    assert found["threads"] == 1
    assert "seconds" not in trained.info
    assert [line["step"] for line in read_metrics(trained.folder)] == [4, 6, 8, 12]
    assert "held_out_loss" in read_metrics(trained.folder)[-1]
    left_over = {path.name for path in trained.folder.iterdir()}
    assert not left_over & {"checkpoints", "progress.json"}
    assert not [name for name in left_over if name.startswith(".")]


def test_a_finished_model_is_not_trained_again(trained: Work, made: dict[str, Path]) -> None:
    before = (trained.folder / "model.safetensors").stat().st_mtime_ns
    again = train(made, trained.folder)
    assert (trained.folder / "model.safetensors").stat().st_mtime_ns == before
    assert again.info == trained.info


def test_a_damaged_model_is_trained_again(
    trained: Work, made: dict[str, Path], tmp_path: Path
) -> None:
    work = train(made, tmp_path)
    path = tmp_path / "model.safetensors"
    good = path.read_bytes()
    assert good == (trained.folder / "model.safetensors").read_bytes()
    path.write_bytes(good[:-4] + b"\0\0\0\1")
    assert train(made, tmp_path).info == work.info
    assert path.read_bytes() == good


def test_evaluation_equals_the_slow_reference(
    trained: Work, made: dict[str, Path], tmp_path: Path
) -> None:
    wanted = [{"bits_per_byte": {"by": ["source", "lang"]}}, {"samples": {"count": 2, "tokens": 9}}]
    work = evaluate(made, trained.folder, tmp_path, wanted)
    rows = pq.read_table(tmp_path / "documents.parquet").to_pylist()
    by_id = {document_id(source, uri(row)): (source, row) for source, row in HELD_OUT}
    assert {row["id"] for row in rows} == set(by_id)
    model = GPT2LMHeadModel.from_pretrained(trained.folder).eval()
    library = AutoTokenizer.from_pretrained(trained.folder)
    for row in rows:
        source, number = by_id[row["id"]]
        text = [t for part in texts()[source] for t in part][number]
        ids = library(text, add_special_tokens=False)["input_ids"]
        assert row["source"] == source
        assert row["bytes"] == len(text.encode())
        assert row["tokens"] == len(ids)
        expected = reference.document_nats(model, ids, 32, model.config.eos_token_id)
        assert row["nats"] == pytest.approx(expected, rel=1e-5)
    summary = read_json(tmp_path / "summary.json")
    nats, size = sum(row["nats"] for row in rows), sum(row["bytes"] for row in rows)
    assert summary["bits_per_byte"] == pytest.approx(nats / size / math.log(2))
    assert summary["perplexity"] == pytest.approx(
        math.exp(nats / sum(row["tokens"] for row in rows))
    )
    assert summary["windows"] == {
        "length": 32,
        "stride": 16,
        "first": "the end token",
        "dtype": "fp32",
    }
    assert set(summary["by"]) == {"source", "lang"}
    assert summary["by"]["source"]["pages"]["documents"] == 2
    assert summary["by"]["lang"]["unknown"]["documents"] == 3
    pooled = sum(row["bigram_nats"] for row in rows) / size / math.log(2)
    assert summary["baselines"]["bigram"] == pytest.approx(pooled)
    assert work.info["bits_per_byte"] == summary["bits_per_byte"]


def test_the_bigram_has_the_windows_that_the_model_was_trained_on(
    trained: Work, made: dict[str, Path], tmp_path: Path
) -> None:
    # Over an epoch of training: all of it is counted, once, but for the last piece of a window.
    training = read_json(trained.folder / "training.json")
    assert training["epochs"] >= 1
    evaluate(made, trained.folder, tmp_path, [{"bits_per_byte": {}}])
    rows = pq.read_table(tmp_path / "documents.parquet").to_pylist()
    from corpusmith.tokenize.pack import PackedDataset

    packed = PackedDataset(made["tokens"], made["mix"], 32, 1)
    pairs = [
        pair
        for index in range(packed.tokens_per_epoch // 32)
        for pair in zip(
            packed.window(index).inputs.tolist(), packed.window(index).targets.tolist(), strict=True
        )
    ]
    tokenizer = Tokenizer.load(made["tokenizer"])
    for row in rows:
        source, number = next(k for k in HELD_OUT if document_id(k[0], uri(k[1])) == row["id"])
        text = [t for part in texts()[source] for t in part][number]
        ids = tokenizer.encode_batch([text])[0].tolist()
        expected = reference.bigram_nats(pairs, tokenizer.vocab_size, ids, tokenizer.end_token)
        assert row["bigram_nats"] == pytest.approx(expected)


def test_batch_size_does_not_move_the_result(
    trained: Work, made: dict[str, Path], tmp_path: Path
) -> None:
    found = []
    for batch in (1, 5, 64):
        folder = tmp_path / str(batch)
        wanted = [{"bits_per_byte": {"batch": batch, "baselines": False}}]
        evaluate(made, trained.folder, folder, wanted)
        rows = pq.read_table(folder / "documents.parquet").to_pylist()
        assert all(row["bigram_nats"] is None for row in rows)
        found.append([row["nats"] / row["bytes"] / math.log(2) for row in rows])
    assert np.ptp(found, axis=0).max() < 1e-4


def test_samples_go_on_from_held_out_documents(
    trained: Work, made: dict[str, Path], tmp_path: Path
) -> None:
    wanted = [{"samples": {"count": 5, "prompt_tokens": 4, "tokens": 7}}]
    contents = []
    for name in ("one", "two"):
        evaluate(made, trained.folder, tmp_path / name, wanted)
        contents.append((tmp_path / name / "samples.jsonl").read_text())
    assert contents[0] == contents[1]
    lines = [json.loads(line) for line in contents[0].splitlines()]
    assert len(lines) == 3  # no more documents are held out
    for line in lines:
        source, row = next(k for k in HELD_OUT if document_id(k[0], uri(k[1])) == line["id"])
        text = [t for part in texts()[source] for t in part][row]
        if text.isascii():  # else a cut may fall into a character
            assert text.startswith(line["prompt"] + line["reference"])
        assert line["tokens"] <= 7


def test_a_model_that_loses_is_warned_of(made: dict[str, Path], tmp_path: Path) -> None:
    train(made, tmp_path / "model", steps=1, lr=1e-5)
    work = evaluate(made, tmp_path / "model", tmp_path / "found", [{"bits_per_byte": {}}])
    assert any("does not beat zlib" in warning for warning in work.warnings)
    assert any("does not beat bigram" in warning for warning in work.warnings)


def test_too_few_tokens_are_an_input_error(made: dict[str, Path], tmp_path: Path) -> None:
    params = {"train": TRAIN, "pack": {"length": 100_000, "isolate": False}}
    with pytest.raises(InputError, match="less than one window"):
        train_stage.execute(Work(tmp_path, params, made, InlineEngine()))


def test_eval_every_without_held_out_documents_is_loud(
    made: dict[str, Path], tmp_path: Path
) -> None:
    inputs = {name: made[name] for name in ("tokens", "mix", "tokenizer")}
    work = Work(tmp_path, {"train": TRAIN, "pack": PACK}, inputs, InlineEngine(), seed=1)
    train_stage.execute(work)
    assert any("eval_every has no effect" in warning for warning in work.warnings)


def test_a_missing_library_names_the_extra(
    made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Python's import system itself does with an entry of None.
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(MissingExtraError, match="torch") as raised:
        train(made, tmp_path)
    assert raised.value.hint == 'pip install "corpusmith[train]"'


def test_the_stages_load_no_torch_until_they_run() -> None:
    import subprocess

    code = (
        "import sys, corpusmith.train.stage, corpusmith.evaluate.stage;"
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
