"""Our encoder against `tokenizers`, and against what we know without either."""

from __future__ import annotations

import concurrent.futures
import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tokenizers
from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers

from corpusmith.errors import InputError
from corpusmith.kernels import bpe, merging
from corpusmith.kernels.regexclasses import ranges
from corpusmith.tokenize import bytelevel
from corpusmith.tokenize.bytelevel import ByteLevelBPE, byte_symbols, differing_classes
from corpusmith.tokenize.tokenizer import Tokenizer
from tests.bpe_vocabularies import (
    NAMES,
    POOLS,
    SENTENCES,
    changed,
    class_texts,
    random_texts,
    real_texts,
    trained,
)
from tests.token_run import GPT2, NO_GPT2


def encoded(library: tokenizers.Tokenizer, texts: list[str]) -> list[list[int]]:
    """By ours; fails where ours would not be used."""
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(library.to_str()))
    assert tokenizer.encoder["encoder"] == "corpusmith"
    return [row.tolist() for row in tokenizer.encode_batch(texts)]


def expected(library: tokenizers.Tokenizer, texts: list[str]) -> list[list[int]]:
    library = tokenizers.Tokenizer.from_str(library.to_str())
    library.encode_special_tokens = True
    return [e.ids for e in library.encode_batch_fast(texts, add_special_tokens=False)]


def assert_equal(library: tokenizers.Tokenizer, texts: list[str]) -> None:
    for text, ours, theirs in zip(
        texts, encoded(library, texts), expected(library, texts), strict=True
    ):
        assert ours == theirs, repr(text[:200])


@pytest.mark.parametrize("name", NAMES)
def test_random_strings_of_every_script(name: str) -> None:
    texts = [*random_texts(4000, seed=7), *SENTENCES, *itertools.chain(*POOLS)]
    assert_equal(trained(name), texts)


@pytest.mark.parametrize("name", NAMES)
def test_real_text(name: str) -> None:
    texts = real_texts(400_000)
    data = GPT2.parents[1]
    for pattern in ("books/udhr2/**/*.txt", "**/README*"):
        texts += [p.read_text("utf-8", "replace")[:20_000] for p in sorted(data.glob(pattern))[:40]]
    assert_equal(trained(name, 3000), texts)


@pytest.mark.skipif(not GPT2.is_dir(), reason=NO_GPT2)
def test_gpt2s_own_vocabulary() -> None:
    assert_equal(Tokenizer.load(GPT2).library, [*random_texts(3000, seed=8), *real_texts(300_000)])


def test_classes_of_characters_are_the_librarys() -> None:
    """At both ends of every range and every 16th between; `benchmarks.tokens` takes all."""
    codes = {code for first, last, _ in ranges() for code in (first - 1, first, last, last + 1)}
    codes |= set(range(0x80, 0x323B0, 16))
    characters = [chr(c) for c in sorted(codes) if not 0xD800 <= c < 0xE000]
    for name in ("gpt2", "o200k"):
        assert_equal(trained(name), class_texts(characters))


def test_another_version_of_the_library_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert differing_classes(step=8) == ()
    library = tokenizers.Tokenizer.from_str(trained("gpt2").to_str())
    monkeypatch.setattr(tokenizers, "__version__", "99.0")
    monkeypatch.setattr(bytelevel, "differing_classes", lambda: ("Lo",))
    assert "character classes of tokenizers 99.0" in Tokenizer(library).encoder["because"]
    without = [row for row in ranges() if row[0] != 0x4E00]  # most of Han
    monkeypatch.setattr(bytelevel.regexclasses, "ranges", lambda: without)
    assert differing_classes(step=16) == ("Lo",)


@pytest.mark.parametrize("name", ["gpt2", "cl100k"])
def test_ignore_merges(name: str) -> None:
    library = trained(name)
    # Tokens that no merge makes.
    vocab = {**library.get_vocab(), "xyzzy": 5000, "Ġxyzzy": 5001}
    texts = ["xyzzy xyzzy xyzzyx", " xyzzy\nxyzzy", *random_texts(500, seed=9), *real_texts(50_000)]
    merged = changed(library, vocab=vocab, ignore_merges=False)
    whole = changed(library, vocab=vocab, ignore_merges=True)
    assert_equal(merged, texts)
    assert_equal(whole, texts)
    assert encoded(whole, ["xyzzy xyzzy"]) == [[5000, 5001]]
    assert 5000 not in encoded(merged, ["xyzzy xyzzy"])[0]


def test_a_pair_listed_twice_has_the_later_rank() -> None:
    vocab = {symbol: token for token, symbol in enumerate(byte_symbols())}
    vocab |= {"ab": 256, "bc": 257, "</s>": 258}
    for merges in (["a b", "b c"], ["a b", "b c", "a b"]):
        library = changed(tokenizers.Tokenizer(models.BPE()), vocab=vocab, merges=merges)
        library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        assert_equal(library, ["abc", "ab abcabc bcab"])
        first = encoded(library, ["abc"])[0][0]
        assert first == (256 if len(merges) == 2 else vocab["a"])


@pytest.mark.parametrize("name", ["qwen2", "gpt2"])
def test_nfc(name: str) -> None:
    library = trained(name, nfc=True)
    texts = [
        "cafe\u0301 e\u0301",
        "\u1100\u1161\u11a8",
        "\u212b \u2126",
        "a\u0323\u0307 a\u0307\u0323",
    ]
    texts += random_texts(3000, seed=10)
    assert_equal(library, texts)
    composed = encoded(library, ["caf\u00e9", "cafe\u0301"])
    assert composed[0] == composed[1]


def test_added_tokens_that_are_not_special() -> None:
    library = tokenizers.Tokenizer.from_str(trained("qwen2", nfc=True).to_str())
    library.add_special_tokens(["<|im_start|>"])
    library.add_tokens(["<tool_call>", AddedToken("naïve", normalized=True, single_word=True)])
    library.add_tokens([AddedToken("e\u0301e\u0301", normalized=False)])
    texts = [
        "a <tool_call>b</tool_call>",
        "naïve naïvete",
        "nai\u0308ve",
        "e\u0301e\u0301",
        "plain",
    ]
    texts += ["<|im_start|>naive", "<tool_cal", "<|endoftext|>", *random_texts(300, seed=11)]
    assert_equal(library, [*texts, "", *texts])
    tool = library.token_to_id("<tool_call>")
    assert tool in encoded(library, texts)[0]
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(library.to_str()))
    tokens, offsets = tokenizer.encode_column(pa.array(["x <tool_call>", "y"]), end=True)
    assert tokens[offsets[1:] - 1].tolist() == [tokenizer.end_token] * 2


OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("a space put before", {"pre": pre_tokenizers.ByteLevel(add_prefix_space=True)}),
    ("Whitespace", {"pre": pre_tokenizers.Whitespace()}),
    ("pre-tokenizers none", {"pre": None}),
    ("normalizer Lowercase", {"normalizer": normalizers.Lowercase()}),
    ("continuing_subword_prefix", {"continuing_subword_prefix": "##", "merges": []}),
    ("no token for 1 of the 256 bytes", {"without": "x"}),
    (
        "pattern for pre-tokens",
        {
            "pre": pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Split(Regex(r"\w+|\W"), "isolated"),
                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
                ]
            )
        },
    ),
]


@pytest.mark.parametrize(("reason", "change"), OTHERS, ids=[reason for reason, _ in OTHERS])
def test_everything_else_is_the_librarys(reason: str, change: dict[str, Any]) -> None:
    change = dict(change)
    vocab = {symbol: token for token, symbol in enumerate(byte_symbols())} | {"</s>": 256}
    if "without" in change:
        del vocab[change.pop("without")]
    pre = change.pop("pre", pre_tokenizers.ByteLevel(add_prefix_space=False))
    normalizer = change.pop("normalizer", None)
    library = changed(tokenizers.Tokenizer(models.BPE()), vocab=vocab, **change)
    if pre is not None:
        library.pre_tokenizer = pre
    if normalizer is not None:
        library.normalizer = normalizer
    tokenizer = Tokenizer(library)
    assert tokenizer.encoder["encoder"] == "tokenizers"
    assert reason in tokenizer.encoder["because"]
    texts = ["AxB it's", "", "12 ü"]
    plain = [row.ids for row in library.encode_batch_fast(texts, add_special_tokens=False)]
    assert [row.tolist() for row in tokenizer.encode_batch(texts)] == plain
    tokens, offsets = tokenizer.encode_column(pa.array(texts), end=True)
    assert tokens.tolist() == [token for row in plain for token in [*row, 256]]
    assert offsets.tolist() == [0, *np.cumsum([len(row) + 1 for row in plain])]


def test_columns_of_every_shape() -> None:
    library = trained("gpt2")
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(library.to_str()))
    texts = ["one", "", "two  three", "四"]
    rows = expected(library, texts)
    flat = [token for row in rows for token in row]
    chunked = pa.chunked_array([texts[:1], [], texts[1:]], pa.large_string())
    padded = pa.array(["before", *texts, "after"], pa.large_string())
    for column in (pa.array(texts), chunked, padded.slice(1, 4)):
        tokens, offsets = tokenizer.encode_column(column)
        assert tokens.tolist() == flat
        assert np.diff(offsets).tolist() == [len(row) for row in rows]
        assert (tokens.dtype, offsets.dtype) == (np.int32, np.int64)
    empty, offsets = tokenizer.encode_column(pa.array([], pa.large_string()))
    assert (len(empty), offsets.tolist()) == (0, [0])
    assert tokenizer.encode_batch([]) == []


def test_bytes_that_are_no_utf8_are_refused() -> None:
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(trained("gpt2").to_str()))
    for content in (b"abc\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe4\xbd"):
        data, offsets = (
            pa.py_buffer(b"ok" + content),
            pa.py_buffer(np.array([0, 2, 2 + len(content)])),
        )
        column = pa.LargeStringArray.from_buffers(2, offsets, data)
        with pytest.raises(InputError, match="not valid UTF-8"):
            tokenizer.encode_column(column)


def test_the_cache_changes_nothing() -> None:
    """More different pre-tokens than both caches hold, in two orders, and twice."""
    library = trained("gpt2")
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(library.to_str()))
    slots = 2 << bpe.SHORT_BITS
    words = [f"{n:x}zq{n % 977}" for n in range(slots + slots // 4)]
    texts = [" ".join(words[start : start + 1000]) for start in range(0, len(words), 1000)]
    sample = slice(None, None, 16)
    first = tokenizer.encode_batch(texts)
    back = tokenizer.encode_batch(texts[::-1])[::-1]
    assert all(np.array_equal(a, b) for a, b in zip(first, back, strict=True))
    assert [row.tolist() for row in back[sample]] == expected(library, texts[sample])


@pytest.mark.parametrize("text", ["a", "ab", "啊", "!?", " ", "ſ", "a\u0301"])
def test_long_runs_equal_the_library(text: str) -> None:
    lengths = [merging.SHORT - 1, merging.SHORT, merging.SHORT + 1, 3000, 20_000]
    assert_equal(trained("o200k"), [text * (n // len(text)) for n in lengths])


def test_a_megabyte_of_one_letter_takes_linear_time() -> None:
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(trained("gpt2").to_str()))
    tokenizer.encode_batch(["warm"])
    seconds = {}
    for length in (1 << 17, 1 << 20):
        column = pa.array(["ab" * (length // 2)], pa.large_string())
        tries = []
        for _ in range(3):
            began = time.process_time()
            tokens, _ = tokenizer.encode_column(column)
            tries.append(time.process_time() - began)
        seconds[length] = min(tries)
        assert tokenizer.decode(tokens) == "ab" * (length // 2)
    # 8 times the text; n log n is 9.4 times the work, n squared would be 64.
    assert seconds[1 << 20] < 25 * max(seconds[1 << 17], 1e-3)


def test_threads_do_not_share_a_cache() -> None:
    library = trained("cl100k")
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(library.to_str()))
    batches = [random_texts(800, seed) for seed in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(tokenizer.encode_batch, batches))
    for rows, texts in zip(found, batches, strict=True):
        assert [row.tolist() for row in rows] == expected(library, texts)


def test_files_of_the_shapes_that_are_published(tmp_path: Path) -> None:
    """`merges` as strings (before tokenizers 0.20) and as pairs."""
    library = trained("cl100k")
    config = json.loads(library.to_str())
    config["model"]["merges"] = [" ".join(pair) for pair in config["model"]["merges"]]
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(config))
    tokenizer = Tokenizer.load(path)
    assert [r.tolist() for r in tokenizer.encode_batch(SENTENCES)] == expected(library, SENTENCES)
    assert isinstance(tokenizer._native, ByteLevelBPE)
