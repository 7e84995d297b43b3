"""Language identification on the Universal Declaration of Human Rights, cut to pieces."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from corpusmith.clean.language import language
from corpusmith.op import Context

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "books" / "udhr2"
# File -> ISO 639-1, else 639-3, for the files whose language the model knows.
LARGE = (
    "arb:ar cmn_hans:zh cmn_hant:zh deu:de eng:en fra:fr hin:hi ita:it jpn:ja kor:ko nld:nl"
    " pes_1:fa pol:pl por_PT:pt rus:ru spa:es tha:th tur:tr ukr:uk vie:vi"
)
OTHERS = (
    "afr:af ast:ast azj_latn:az bel:be ben:bn bod:bo bre:br bul:bg cat:ca ceb:ceb ces:cs ckb:ckb"
    " cym:cy dan:da div:dv ell_monotonic:el epo:eo est:et eus:eu fin:fi fri:fy gla:gd gle:ga glg:gl"
    " guj:gu heb:he hrv:hr hun:hu hye:hy ind:id isl:is jav:jv kan:kn kat:ka kaz:kk khk:mn khm:km"
    " kir:ky lao:lo lat:la lav:lv lit:lt ltz:lb mal:ml mar:mr mkd:mk mlt:mt mya:my nep:ne nno:nn"
    " nob:no oss:os pan:pa plt:mg ron:ro sah:sah san:sa slk:sk slv:sl som:so srp_cyrl:sr sun:su"
    " swe:sv swh:sw tam:ta tat:tt tgk:tg tgl:tl tuk_latn:tk uig_arab:ug urd:ur uzn_latn:uz ydd:yi"
    " yor:yo"
)


def accuracy(files: str, characters: int, pieces: int) -> float:
    texts, expected = [], []
    for name, code in (pair.split(":") for pair in files.split()):
        text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
        for number in range(pieces):
            piece = text[number * characters : (number + 1) * characters]
            if len(piece) == characters:
                texts.append(piece)
                expected.append(code)
    columns = {"text": pa.array(texts, pa.large_string()), "modality": ["text"] * len(texts)}
    found = language(pa.table(columns), Context())["lang"].to_pylist()
    assert len(found) > 2 * len(files.split())
    return sum(a == b for a, b in zip(found, expected, strict=True)) / len(found)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data is not there")
@pytest.mark.parametrize(
    ("files", "characters", "floor"),
    [
        (LARGE, 600, 0.995),  # measured: 1.0
        (LARGE, 200, 0.99),  # measured: 1.0
        # Measured .94 and .93: Central Kurdish, Ossetic, Sanskrit, Yoruba and Asturian are
        # mostly taken for a neighbour; the model, not the letters, is what lacks there.
        (LARGE + " " + OTHERS, 600, 0.92),
        (LARGE + " " + OTHERS, 300, 0.91),
    ],
)
def test_accuracy(files, characters, floor):
    assert accuracy(files, characters, pieces=6) >= floor
