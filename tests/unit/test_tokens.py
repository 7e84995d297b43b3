"""The stages tokenizer and tokens on small corpora."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpusmith.engine.local import LocalEngine
from corpusmith.errors import InputError
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import part_entry, read_part
from corpusmith.tokenize.tokenizer import Tokenizer
from corpusmith.tokenize.vocab import train_bpe
from tests.inline import InlineEngine
from tests.reference.megatron import read_indexed_dataset
from tests.token_run import GPT2, NO_GPT2, Corpus, run_tokens, uri, write_corpus

CORPUS: Corpus = {
    "pages": [
        ["A page about cats. " * 5, "", "第二个文档，关于猫。" * 4],
        [],
        ["The last page, about dogs. " * 3],
    ],
    "code": [["def f(x):\n    return x\n" * 6, "held out " * 9, "dropped " * 9, "<|endoftext|> x"]],
}
LEFT = {
    document_id("code", uri(1)): "split",
    document_id("code", uri(2)): "decide.keep",
}
KEPT = [  # part of tokens, source, row in the source
    ("part-00000", "pages", 0),
    ("part-00000", "pages", 1),
    ("part-00000", "pages", 2),
    ("part-00002", "pages", 3),
    ("part-00003", "code", 0),
    ("part-00003", "code", 3),
]


def text_of(source: str, row: int) -> str:
    return [text for part in CORPUS[source] for text in part][row]


BPE = {"train": "bpe", "vocab": 300}


def test_tokens_of_each_kept_document(tmp_path: Path) -> None:
    inputs = write_corpus(tmp_path, CORPUS, LEFT)
    vocabulary, tokens = run_tokens(tmp_path, inputs, BPE)
    tokenizer = Tokenizer.load(tokens.folder)
    assert tokenizer.fingerprint == Tokenizer.load(vocabulary.folder).fingerprint
    docs = pq.read_table(tokens.folder / "docs.parquet").to_pylist()
    assert [(row["part"], row["source"], row["id"]) for row in docs] == [
        (part, source, document_id(source, uri(row))) for part, source, row in KEPT
    ]
    for row, (part, source, place) in zip(docs, KEPT, strict=True):
        text = text_of(source, place)
        letter, sequences, first = read_indexed_dataset(tokens.folder / part)
        stored = sequences[row["sequence"]]
        assert letter == "H"
        assert stored[-1] == tokenizer.end_token
        assert tokenizer.end_token not in stored[:-1]
        assert tokenizer.decode(stored[:-1]) == text
        assert stored[:-1] == tokenizer.library.encode(text, add_special_tokens=False).ids
        assert row["token_count"] == len(stored)
        assert row["token_start"] == sum(map(len, sequences[: row["sequence"]]))
        assert row["text_bytes"] == len(text.encode())
        assert first == list(range(len(sequences) + 1))
    assert read_indexed_dataset(tokens.folder / "part-00001") == ("H", [], [0])
    assert tokens.info["tokens"] == sum(row["token_count"] for row in docs)
    pages = [row for row in docs if row["source"] == "pages"]
    assert tokens.info["by_source"]["pages"] == {
        "documents": 4,
        "tokens": sum(row["token_count"] for row in pages),
        "text_bytes": sum(row["text_bytes"] for row in pages),
    }
    assert tokens.info["vocab_size"] == tokenizer.vocab_size
    assert tokens.info["dtype"] == "uint16"
    assert tokens.warnings == []


def test_trains_on_the_training_split_only(tmp_path: Path) -> None:
    inputs = write_corpus(tmp_path, CORPUS, LEFT)
    vocabulary, _ = run_tokens(tmp_path, inputs, BPE)
    texts = [text_of(source, row) for _, source, row in KEPT]
    expected = train_bpe(texts, 300)
    assert vocabulary.info["fingerprint"] == expected.fingerprint
    assert vocabulary.info["sample_documents"] == len(texts)
    assert vocabulary.info["sample_bytes"] == sum(len(text.encode()) for text in texts)
    everything = [text for parts in CORPUS.values() for part in parts for text in part]
    assert train_bpe(everything, 300).fingerprint != expected.fingerprint


def test_a_sample_is_the_same_however_the_parts_are_cut(tmp_path: Path) -> None:
    texts = [f"{n} is a number, and {n * n} is its square" for n in range(60)]
    found = []
    for name, parts in (("whole", [texts]), ("cut", [texts[:7], [], texts[7:50], texts[50:]])):
        inputs = write_corpus(tmp_path / name, {"s": parts})
        vocabulary, _ = run_tokens(tmp_path / name, inputs, {**BPE, "sample_bytes": 700})
        found.append(vocabulary.info)
    assert found[0] == found[1]
    assert 15 < found[0]["sample_documents"] < 25
    assert 650 < found[0]["sample_bytes"] <= 700
    whole = run_tokens(tmp_path / "all", write_corpus(tmp_path / "all", {"s": [texts]}), BPE)[0]
    assert whole.info["fingerprint"] != found[0]["fingerprint"]


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_bytes_for_workers_and_batches(tmp_path: Path) -> None:
    inputs = write_corpus(tmp_path, CORPUS, LEFT)
    expected = None
    for name, engine in (
        ("inline", InlineEngine()),
        ("small", InlineEngine(batch_bytes=1)),
        ("careful", InlineEngine(careful=True)),
        ("one", LocalEngine(1)),
        ("three", LocalEngine(3, batch_bytes=100)),
    ):
        works = run_tokens(tmp_path / name, inputs, BPE, engine)
        found = [(folder_bytes(work.folder), work.info) for work in works]
        expected = expected or found
        assert found == expected, name
        if isinstance(engine, LocalEngine):
            engine.close()


def test_nothing_left(tmp_path: Path) -> None:
    left = {document_id("s", uri(0)): "split"}
    inputs = write_corpus(tmp_path, {"s": [["held out"]]}, left)
    with pytest.raises(InputError, match="no document is left to train a tokenizer on"):
        run_tokens(tmp_path, inputs, BPE)
    train_bpe(["other text, other text"], 300).save(tmp_path / "other")
    with pytest.raises(InputError, match="no document is left to train on"):
        run_tokens(tmp_path / "loaded", inputs, {"load": str(tmp_path / "other")})


def test_a_small_corpus_says_that_its_vocabulary_is_smaller(tmp_path: Path) -> None:
    inputs = write_corpus(tmp_path, {"s": [["ab ab"]]})
    vocabulary, _ = run_tokens(tmp_path, inputs, BPE)
    assert vocabulary.info["vocab_size"] == 258  # the end token, 256 bytes, "ab"
    assert "258 tokens instead of 300" in vocabulary.warnings[0]


def test_a_document_that_kills_workers_goes_to_quarantine(tmp_path: Path) -> None:
    inputs = write_corpus(tmp_path, CORPUS, LEFT)
    run_tokens(tmp_path / "whole", inputs, BPE)
    bad = document_id("pages", uri(0))
    engine = InlineEngine(careful=True, skip={bad: ("crash", "it killed two workers")})
    load = {"load": str(tmp_path / "whole/tokenizer")}
    _, tokens = run_tokens(tmp_path / "skip", inputs, load, engine)
    assert bad not in pq.read_table(tokens.folder / "docs.parquet")["id"].to_pylist()
    rows = read_part(tokens.folder, "quarantine", "part-00000").to_pylist()
    assert rows == [
        {
            "uri": bad,
            "id": bad,
            "step": "tokens",
            "error": "crash",
            "message": "it killed two workers",
        }
    ]
    assert tokens.info["documents"] == len(KEPT) - 1


@pytest.mark.skipif(not GPT2.is_dir(), reason=NO_GPT2)
def test_gpt2_loaded(tmp_path: Path) -> None:
    inputs = write_corpus(tmp_path, CORPUS, LEFT)
    vocabulary, tokens = run_tokens(tmp_path, inputs, {"load": str(GPT2)})
    assert vocabulary.info["vocab_size"] == 50257
    assert tokens.info["end_token"] == 50256
    _, sequences, _ = read_indexed_dataset(tokens.folder / "part-00003")
    assert sequences[1] == [*Tokenizer.load(GPT2).encode_batch(["<|endoftext|> x"])[0], 50256]
    assert 50256 not in sequences[1][:-1]


def test_what_is_switched_off_in_a_loaded_tokenizer_is_told(tmp_path: Path) -> None:
    library = Tokenizer.load(GPT2).library
    library.model.dropout = 0.1
    library.save(str(tmp_path / "tokenizer.json"))
    inputs = write_corpus(tmp_path, {"s": [["a b c"]]})
    vocabulary, _ = run_tokens(tmp_path, inputs, {"load": str(tmp_path / "tokenizer.json")})
    assert vocabulary.info["removed"] == ["dropout 0.1"]


def test_a_tokenizer_that_reads_end_tokens_in_text_is_named(tmp_path: Path) -> None:
    # A word-level vocabulary takes any word that it has, its end token as well.
    words = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {"</s>": 0, "a": 1, "?": 2}, "unk_token": "?"},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(words))
    inputs = write_corpus(tmp_path, {"s": [["a </s> a"]]})
    _, tokens = run_tokens(tmp_path, inputs, {"load": str(tmp_path / "tokenizer.json")})
    assert read_indexed_dataset(tokens.folder / "part-00000")[1] == [[1, 0, 1, 0]]
    assert "made 1 end tokens" in tokens.warnings[0]


def test_files_are_in_the_manifest_entries(tmp_path: Path) -> None:
    inputs = write_corpus(tmp_path, CORPUS, LEFT)
    vocabulary, tokens = run_tokens(tmp_path, inputs, BPE)
    named = {f["path"] for f in part_entry(vocabulary.folder, "tokenizer")["files"].values()}
    assert named == {"tokenizer.json", "tokenizer_config.json"}
    for number in range(4):
        files = part_entry(tokens.folder, f"part-{number:05d}")["files"].values()
        for file in files:
            assert (tokens.folder / file["path"]).stat().st_size == file["bytes"]
        suffixes = sorted(Path(file["path"]).suffix for file in files)
        assert suffixes == [".bin", ".idx", ".parquet"]
