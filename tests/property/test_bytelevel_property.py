"""The kernels of byte-level BPE against the slow reference."""

from __future__ import annotations

import itertools
import json
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.jit import kernel, pointer
from corpusmith.kernels.joints import first_cut
from corpusmith.kernels.pretokens import split_text
from corpusmith.kernels.regexclasses import regex_classes
from corpusmith.kernels.screen import changed_by_nfc, contain_any
from corpusmith.tokenize.bytelevel import PATTERNS, make_tables
from corpusmith.tokenize.tokenizer import Tokenizer
from corpusmith.tokenize.vocab import train_bpe
from tests.bpe_vocabularies import NAMES, POOLS, changed, trained
from tests.reference import bpe as reference

# Characters that Python's Unicode version knows, most of them from the pools.
KNOWN = st.characters(exclude_categories=["Cs", "Cn", "Co"])
POOLS_KNOWN = ["".join(c for c in pool if unicodedata.category(c) != "Cn") for pool in POOLS]
TEXT = st.lists(
    st.one_of([st.text(pool, min_size=1, max_size=6) for pool in POOLS_KNOWN])
    | st.text(KNOWN, max_size=4),
    max_size=12,
).map("".join)
BY_NAME = {pattern.name: pattern for pattern in PATTERNS.values()}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(text=TEXT)
@example(text="AB\u01c5c \u0301A\u0301 \u0301's ABC's aB\u02b0C 'S'll'D")
@example(text=" \r\n \n a  \u3000b\t\u00a0 ")
@example(text="aaaaaaa" * 9 + " 1234567 ..../\n//\r")
def test_pretokens(name: str, text: str) -> None:
    pattern = BY_NAME[name]
    data = np.frombuffer(text.encode(), np.uint8)
    ends = np.zeros(len(data) + 1, np.int64)
    count = split_text(
        pattern.machine, pattern.digits, pattern.letters, data, *regex_classes(), ends
    )
    words = np.cumsum([len(word.encode()) for word in reference.pretokens(text, name)])
    assert ends[:count].tolist() == words.tolist()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, max_size=4), whole=st.booleans())
@example(texts=["ab" * 300, "a" * 257, "é" * 128 + " " + "é" * 129], whole=False)
def test_tokens(name: str, texts: list[str], whole: bool) -> None:
    tokenizer = _tokenizer(name, whole)
    model = json.loads(tokenizer.to_json())["model"]
    assert tokenizer.encoder == {"encoder": "corpusmith", "pattern": name}
    for text, tokens in zip(texts, tokenizer.encode_batch(texts), strict=True):
        assert tokens.tolist() == reference.encode(
            text, name, model["vocab"], model["merges"], whole
        )


def _tokenizer(name: str, whole: bool, made: dict = {}) -> Tokenizer:  # noqa: B006
    if (name, whole) not in made:
        library = trained(name)
        vocab = {**library.get_vocab(), "abc": 900, "\u0120ab": 901}
        made[name, whole] = Tokenizer(changed(library, vocab=vocab, ignore_merges=whole))
    return made[name, whole]


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(TEXT, max_size=4))
def test_a_text_that_is_not_marked_is_in_nfc(texts: list[str]) -> None:
    normalize = tokenizers.normalizers.NFC().normalize_str
    marked = changed_by_nfc(*text_buffers(pa.array(texts, pa.large_string())))
    for text, mark in zip(texts, marked, strict=True):
        assert mark or normalize(text) == text


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(st.text("ab<é", max_size=8), max_size=4),
    strings=st.lists(st.text("ab<é", min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_strings_in_texts(texts: list[str], strings: list[str]) -> None:
    columns = text_buffers(pa.array(texts, pa.large_string()))
    found = contain_any(*columns, [string.encode() for string in strings])
    assert found.tolist() == [any(string in text for string in strings) for text in texts]


@pytest.fixture(scope="module")
def han() -> dict:
    """A model some of whose tokens are two or three characters."""
    words = ["中文", "中文本", "日本", "日本的", "テス", "한", "多喝水"]
    return json.loads(train_bpe([f"{word} " * 9 for word in words], 310).to_json())["model"]


@settings(max_examples=300, deadline=None)
@given(text=st.lists(st.text("中文本日的テス한ด", min_size=1, max_size=9), max_size=9).map("".join))
def test_no_merge_crosses_a_cut(han: dict, text: str) -> None:
    """The parts, encoded alone by the reference, have the tokens of the whole."""
    marks = make_tables(han, BY_NAME["gpt2"]).joints
    data = np.frombuffer(text.encode(), np.uint8)
    cuts = [0]
    while cuts[-1] < len(data):
        cuts.append(_cut_of(data, cuts[-1], marks))
    assert cuts[-1] == len(data)
    parts = [text.encode()[start:end].decode() for start, end in itertools.pairwise(cuts)]
    alone = [reference.encode(part, "gpt2", han["vocab"], han["merges"]) for part in parts]
    whole = reference.encode(text, "gpt2", han["vocab"], han["merges"])
    assert [token for tokens in alone for token in tokens] == whole


def test_cuts_by_hand(han: dict) -> None:
    """Between characters that no token has side by side; not inside 多喝水, which is one token."""
    marks = make_tables(han, BY_NAME["gpt2"]).joints
    data = np.frombuffer("啊多喝水啊ab".encode(), np.uint8)
    assert "".join(reference.byte_symbols()[byte] for byte in "多喝水".encode()) in han["vocab"]
    assert [_cut_of(data, at, marks) for at in (0, 3, 12, 15)] == [3, 12, 15, 17]


@kernel
def _cut_of(data, at, marks):  # type: ignore[no-untyped-def]
    return first_cut(pointer(data), at, data.shape[0], pointer(marks))
