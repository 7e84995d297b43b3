"""Encoding against the plain library, cut at every place that is called safe."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmith.tokenize import tokenizer as module
from corpusmith.tokenize.tokenizer import Tokenizer, pieces
from corpusmith.tokenize.vocab import train_bpe
from tests.token_run import GPT2, NO_GPT2

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


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, max_size=8), call=st.integers(1, 30))
def test_batches_change_nothing(trained: Tokenizer, texts: list[str], call: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CALL_CHARS", call)
        patch.setattr(module, "PIECE_CHARS", max(1, call // 2))
        found = [row.tolist() for row in trained.encode_batch(texts)]
    assert found == [trained.library.encode(text, add_special_tokens=False).ids for text in texts]


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


def test_other_tokenizers_are_never_cut() -> None:
    library = tokenizers.Tokenizer(
        tokenizers.models.BPE(vocab={"</s>": 0, "a": 1, " ": 2, "a ": 3}, merges=[("a", " ")])
    )
    other = Tokenizer(library)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE_CHARS", 1)
        assert other.encode_batch(["a a a "])[0].tolist() == [3, 3, 3]


@pytest.mark.skipif(not GPT2.is_dir(), reason=NO_GPT2)
def test_real_text_in_pieces_equals_whole() -> None:
    data = GPT2.parents[1]
    gpt2 = Tokenizer.load(GPT2)
    files: list[Path] = []
    for pattern in ("books/udhr2/**/*.txt", "doc-files/**/*.txt", "**/README*", "html/**/*.html"):
        files += sorted(data.glob(pattern))[:4]
    texts = [path.read_text(encoding="utf-8", errors="replace")[:60_000] for path in files]
    assert sum(map(len, texts)) > 100_000
    whole = [gpt2.library.encode(text, add_special_tokens=False).ids for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE_CHARS", 200)
        found = gpt2.encode_batch(texts)
    assert [row.tolist() for row in found] == whole
    assert [gpt2.decode(row) for row in found] == texts
