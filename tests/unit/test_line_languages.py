"""Languages of lines, and what writing settles for `language`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from corpusmith.clean.language import language
from corpusmith.clean.line_languages import (
    LINE_LANGUAGE_SIGNALS,
    LineLanguagesParams,
    line_languages,
)
from corpusmith.clean.telling import refine
from corpusmith.op import Context

ENGLISH = "All human beings are born free and equal in dignity and rights."
GERMAN = "Alle Menschen sind frei und gleich an Würde und Rechten geboren."
CHINESE = "人人生而自由，在尊严和权利上一律平等，他们赋有理性和良心，并应以兄弟关系的精神相对待。"
CHINESE = CHINESE + "人人有资格享有本宣言所载的一切权利和自由。"


def run(*texts: str, **params) -> list[dict]:
    columns = {"text": pa.array(texts, pa.large_string()), "modality": ["text"] * len(texts)}
    result = line_languages(pa.table(columns), Context(params=LineLanguagesParams(**params)))
    assert result.schema.equals(LINE_LANGUAGE_SIGNALS)
    return result.to_pylist()


def test_shares_by_letters():
    """52 letters of English a line, 54 of German: 4 and 1 lines have 208 and 54."""
    letters = [sum(map(str.isalpha, line)) for line in (ENGLISH, GERMAN)]
    [found] = run("\n".join([ENGLISH] * 4 + [GERMAN]))
    # Spaces between words are counted with the letters: 11 and 10 a line.
    weights = [letters[0] + ENGLISH.count(" "), letters[1] + GERMAN.count(" ")]
    share = 4 * weights[0] / (4 * weights[0] + weights[1])
    assert found["line_lang"] == "en" and found["line_langs"] == 2
    assert found["line_lang_frac"] == np.float32(share)
    assert found["line_lang_shares"] == f"en {share:.2f}, de {1 - share:.2f}"


def test_one_language_and_none():
    one, none, empty = run("\n".join([CHINESE] * 3), "12 34\n\n…\n", "")
    assert (one["line_lang"], one["line_lang_frac"], one["line_langs"]) == ("zh", 1.0, 1)
    nothing = {"line_lang": "und", "line_lang_frac": 0.0, "line_langs": 0, "line_lang_shares": ""}
    assert none == empty == nothing


def test_short_lines_are_judged_together():
    words = "\n".join(ENGLISH.split())
    [found] = run(words + "\n" + GERMAN)
    assert found["line_langs"] == 2
    assert found["line_lang_shares"].startswith(("en", "de"))


def test_long_documents_are_sampled_evenly():
    """500 lines in two halves: 50 of them are judged, as many of each."""
    text = "\n".join([ENGLISH] * 250 + [GERMAN] * 250)
    [found] = run(text)
    [whole] = run(text, lines=500)
    assert found["line_lang_frac"] == pytest.approx(whole["line_lang_frac"], abs=1e-6)


def test_rows_do_not_depend_on_their_batch():
    texts = [ENGLISH, GERMAN + "\n" + CHINESE, "", CHINESE]
    assert run(*texts) == [row for text in texts for row in run(text)]


TELLING = [
    ("ᎠᏂᎦᏅᎯᏛ ᎾᏂᎥ ᎨᏥᎸᏉᏗ", "chr"),
    ("Адӕймӕгтӕ се ’ппӕт дӕр райгуырынц сӕрибарӕй ӕмӕ ӕмхуызонӕй сӕ барты", "os"),
    ("Gbogbo ènìyàn ni a bí ní òmìnira; iyì àti ẹ̀tọ́ kọ̀ọ̀kan sì dọ́gba. Wọ́n ní ẹ̀bùn ti làákàyè", "yo"),
    ("Su dai 'yan'adam, ana haifuwarsu ne duka 'yantattu, ƙasa da ƙasa, ɗaya da ɗaya kuma", "ha"),
    (
        "Alle menneske er fødde til fridom og med same menneskeverd. Ikkje eit folk eller ein stat",
        "nn",
    ),
    (
        "Alle mennesker er født frie og med samme verdighet. Ikke et folk eller en stat fra oss",
        "no",
    ),
    ("Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi của họ", "vi"),
]


@pytest.mark.parametrize(("text", "code"), TELLING)
def test_what_writing_settles(text, code):
    columns = {"text": pa.array([text], pa.large_string()), "modality": ["text"]}
    assert language(pa.table(columns), Context())["lang"].to_pylist() == [code]


def test_refine_leaves_the_rest():
    assert refine("ku", "hemû mirov azad û di weqar û mafan de wekhev tên dinyayê", "Latn") == "ku"
    assert refine("ku", "هەموو مرۆڤەکان بە ئازادی", "Arab") == "ckb"
    assert refine("en", "ƙ", "Latn") == "en"  # too little to tell
    assert refine("es", "todos los seres humanos nacen libres en la tierra", "Latn") == "es"
