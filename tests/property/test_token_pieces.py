"""Texts in pieces against whole ones, cut at every place that is called safe."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmith.tokenize import pieces as module
from corpusmith.tokenize.pieces import pieces
from corpusmith.tokenize.tokenizer import Tokenizer
from corpusmith.tokenize.vocab import train_bpe

# What the pattern treats in a special way, scripts with and without cuts, and any text at all.
TRICKY = st.text(
    st.sampled_from(
        list("ab1'stmdlvre .,\n\t\r!_-~ ½²")
        + list("你好。，éßдअเあアÅ한ـ́\u200d\u00a0\u3000\U0001f600")
    )
)
TEXT = st.one_of(TRICKY, st.text(max_size=60))
SCRIPTS = [
    "English text, it's here.",
    "中文文本，没有空格。",
    "日本語のテキスト、カナ。",
    "한국어 텍스트",
    "русский текст",
    "ελληνικό κείμενο",
    "نص عربي",
    "טקסט בעברית",
    "हिन्दी पाठ",
    "ข้อความภาษาไทย",
    "ខ្មែរ",
    "မြန်မာ",
    "ქართული",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U00020000",
    "e\u0301 NUL\x00 \ufeff\u2028",
    "\r\n\t  \n",
]


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    return train_bpe(["it's a test, isn't it? 你好。 1234 " * 20, "русский текст " * 5], 330)


@pytest.mark.parametrize("text", SCRIPTS)
def test_round_trip_of_all_scripts(trained: Tokenizer, text: str) -> None:
    assert trained.decode(trained.encode_batch([text])[0]) == text


@settings(max_examples=100, deadline=None)
@given(text=st.text())
def test_round_trip(trained: Tokenizer, text: str) -> None:
    assert trained.decode(trained.encode_batch([text])[0]) == text


@settings(max_examples=100, deadline=None)
@given(text=TEXT, size=st.integers(1, 9))
@example(text="we'll it's' they've", size=1)
@example(text="a'\nb' s 'd", size=1)
@example(text="a   b  \n c", size=1)
def test_cuts_change_nothing(trained: Tokenizer, text: str, size: int) -> None:
    cut = list(pieces(text, size))
    assert "".join(cut) == text
    plain = trained.library.encode(text, add_special_tokens=False).ids
    encoded = [trained.library.encode(piece, add_special_tokens=False).ids for piece in cut]
    assert [token for ids in encoded for token in ids] == plain
    splitter = trained.library.pre_tokenizer
    words = [word for word, _ in splitter.pre_tokenize_str(text)]
    assert [word for p in cut for word, _ in splitter.pre_tokenize_str(p)] == words


def test_characters_at_a_cut_have_the_classes_of_the_proof() -> None:
    plane = [chr(c) for c in range(0x10000) if not 0xD800 <= c < 0xE000]

    def classes(left: str, right: str) -> set[str]:
        found = [c for c in plane if module._SAFE_CUT.search(f"{left}{c}{right}", len(left))]
        found = [c for c in found if module._SAFE_CUT.search(f"{left}{c}{right}").start() == 1]
        return {unicodedata.category(c)[0] for c in found}

    assert classes("", ",") == {"L", "N"}
    assert classes("", "7") == {"L"}
    assert classes("", "x") == {"N"}
    assert "Z" not in classes("", " ")
    for left in "x7":
        after = {c for c in plane if module._SAFE_CUT.search(left + c)}
        spaces = {c for c in after if c.isspace()}
        assert spaces == {" ", "\t", "\n", "\r"}
        kinds = {unicodedata.category(c)[0] for c in after - spaces}
        assert kinds <= {"P", "S", "N" if left == "x" else "L"}
