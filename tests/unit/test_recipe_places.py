"""Errors name the line and column of the value (or, for an unknown key, of the key) to blame.

In each recipe «» stand around what the error must name.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpusmith import plan, recipe
from corpusmith.errors import RecipeError
from corpusmith.store.workspace import Workspace

HEAD = "corpusmith: 1\ncorpus: x\nsources:\n  a: {read: jsonl, path: a.jsonl}\n"
TRAINED = HEAD + "split: {held_out: 0.1}\ntokenize: {train: bpe}\n"
MODEL = TRAINED + "train: {steps: 1}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n')
    (tmp_path / "empty").mkdir()
    (tmp_path / "not.json").write_text("[1")
    (tmp_path / "eval.jsonl").write_text("not JSON\n")
    (tmp_path / "eval.doc").write_text("x")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({"n_positions": 64}))
    (tmp_path / "model" / "model.safetensors").write_bytes(b"")
    monkeypatch.setenv("CORPUSMITH_TEST_VALUE", "a.jsonl")
    return tmp_path


def problem(folder: Path, text: str) -> RecipeError:
    (folder / "r.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        plan.make(recipe.read(folder / "r.yaml"), Workspace(folder / "w"))
    return caught.value


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        (HEAD.replace("jsonl, path", "«jsonnl», path"), "no reader 'jsonnl'"),
        (HEAD.replace(" a.jsonl", " «b.jsonl»"), "b.jsonl does not exist"),
        (HEAD.replace(" a.jsonl", " [a.jsonl, «b.jsonl»]"), "b.jsonl does not exist"),
        (HEAD.replace(" a.jsonl", " [a.jsonl, «5»]"), "path.1: 5"),
        (HEAD.replace(" a.jsonl", " «5»"), "path: 5"),
        (HEAD.replace("path", "«pth»: 1, path"), "did you mean 'path'?"),
        (HEAD + "document_seconds: «soon»\n", "a number above 0"),
        (HEAD + "max_document: «-1»\n", "a number above 0"),
        (HEAD + "clean:\n  - dedup:\n      near:\n        threshold: «7»\n", "threshold: 7"),
        (HEAD + "clean: [{dedup: {near: {threshold: «x»}}}]\n", "valid number"),
        (HEAD + "clean: [{pii: «hide»}]\n", "'hide'"),
        (HEAD + "clean: [{pii: {action: «hide»}}]\n", "'hide'"),
        (
            HEAD + "clean: [{measure: [quality, {language: {characters: «x»}}]}]\n",
            "characters: 'x'",
        ),
        (HEAD + "clean: [{normalize: «{nfc: 1}»}]\n", "takes no parameters"),
        (HEAD + "clean: [{decontaminate: {against: «no.jsonl»}}]\n", "no file matches"),
        (HEAD + "clean: [{decontaminate: {against: [a.jsonl, «no.jsonl»]}}]\n", "no file"),
        (HEAD + "clean: [{decontaminate: {against: «eval.jsonl»}}]\n", "not JSON"),
        (HEAD + "clean: [{decontaminate: {against: «eval.doc»}}]\n", "unknown format"),
        (HEAD + "clean: [{decontaminate: {against: a.jsonl, words: «0»}}]\n", "words: 0"),
        (HEAD + "clean: [{measure: quality}, {keep: {name: k, where: {words: «5..x»}}}]\n", "5..x"),
        (HEAD + "clean: [{measure: quality}, {keep: {name: k, where: {«wrds»: 5..}}}]\n", "wrds"),
        (HEAD + "clean: [{keep: {name: k, where: {lang: «5..»}}}]\n", "lang"),
        (HEAD + "split: {held_out: «2»}\n", "less than 1"),
        (HEAD + "split: «{}»\n", "needs the key 'held_out'"),
        (HEAD + "«mix»: {}\n", "needs tokenize:"),
        (TRAINED + "mix: {weights: {a: «-1»}}\n", "the weight of 'a' is -1"),
        (TRAINED + "mix: {weights: {a: 1, «b»: 1}}\n", "no source"),
        (TRAINED + "mix: {weights: {a: «heavy»}}\n", "heavy"),
        (TRAINED + "mix: {tokens: «many»}\n", "a number of tokens"),
        (TRAINED + "mix:\n  weights: «{}»\n", "no weight for 'a'"),
        (TRAINED + "pack: {length: «1»}\n", "length: 1"),
        (TRAINED.replace("bpe", "bpe, vocab: «3»"), "vocab: 3"),
        (TRAINED.replace("bpe", "bpe, special: «[a, b]», vocab: 257"), "too small"),
        (TRAINED.replace("train: bpe", "load: «./none.json»"), "there is no tokenizer"),
        (TRAINED.replace("train: bpe", "load: «empty/none»"), "there is no tokenizer"),
        (TRAINED.replace("train: bpe", "load: «empty»"), "no tokenizer in this folder"),
        (TRAINED.replace("train: bpe", "load: «not.json»"), "no tokenizer.json"),
        (TRAINED + "train: {steps: «many»}\n", "steps: 'many'"),
        (TRAINED + "train: {steps: 1, betas: [0.9, «x»]}\n", "betas.1: 'x'"),
        (TRAINED + "train: {steps: 1, model: «./none»}\n", "there is no model"),
        (TRAINED + "train: {steps: 1, model: «empty»}\n", "config.json"),
        (TRAINED + "train: {steps: 1, model: «model»}\npack: {length: 128}\n", "64 positions"),
        (MODEL + "evaluate: [«bits_per_bite»]\n", "did you mean 'bits_per_byte'?"),
        (MODEL + "evaluate:\n  - bits_per_byte:\n      by: [source, «langs»]\n", "by.1: 'langs'"),
        (MODEL + "evaluate: [{samples: {«cont»: 1}}]\n", "did you mean 'count'?"),
        (MODEL + "evaluate: [{samples: {count: «-1»}}]\n", "count: -1"),
        (MODEL + "evaluate: [bits_per_byte, «bits_per_byte»]\n", "stands there twice"),
        (HEAD + "«evaluate»: [bits_per_byte]\n", "needs train:"),
        # Where a value of the environment would become data.
        (HEAD.replace(": x", ": «${env:CORPUSMITH_TEST_VALUE}»"), "can't name the corpus"),
        (HEAD.replace("path", "license: «'${env:CORPUSMITH_TEST_VALUE}'», path"), "can't stand at"),
        (HEAD.replace(" a.jsonl", " «'${env:CORPUSMITH_TEST_VALUE}'»"), "uris would show"),
        (HEAD + "seed: 1\nclean: [{keep: «'${env:CORPUSMITH_TEST_VALUE}'»}]\n", "no rule set"),
        (TRAINED.replace("bpe", "bpe, special: [«'${env:CORPUSMITH_TEST_VALUE}'»]"), "can't stand"),
        (TRAINED.replace("train: bpe", "load: «'${env:CORPUSMITH_TEST_VALUE}x'»"), "no tokenizer"),
    ],
)
def test_the_place_of_an_error(folder: Path, marked: str, words: str) -> None:
    before = marked[: marked.index("«")]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    found = problem(folder, marked.replace("«", "").replace("»", ""))
    assert words in str(found)
    assert found.where == f"{folder / 'r.yaml'}:{line}:{column}"
    assert found.exit_code == 2


def test_a_recipe_that_is_fine_is_planned(folder: Path) -> None:
    (folder / "r.yaml").write_text(MODEL + "evaluate: [bits_per_byte, {samples: {count: 1}}]\n")
    planned = plan.make(recipe.read(folder / "r.yaml"), Workspace(folder / "w"))
    assert [s.name for s in planned.stages][-2:] == ["train", "evaluate"]
    measures = planned.stage("evaluate").params["evaluate"]
    assert measures["samples"]["count"] == 1
    assert measures["bits_per_byte"]["by"] == ["source", "modality", "lang"]
