from __future__ import annotations

import pyarrow as pa
import pytest

from corpusmith.clean.normalize import NORMALIZE_SIGNALS, normalize
from corpusmith.op import Context


def run(*texts: str, modality: str = "text") -> pa.Table:
    columns = {"text": pa.array(texts, pa.large_string()), "modality": [modality] * len(texts)}
    return normalize(pa.table(columns), Context())


def after(text: str, modality: str = "text") -> str:
    return run(text, modality=modality)["text"][0].as_py()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("cafe\u0301", "café"),  # NFC
        ("e\u200b\u0301", "é"),  # what was hidden between is gone first
        ("a\u00a0b\u3000c\u2009d", "a b c d"),
        ("　　首行缩进", "  首行缩进"),
        ("a\r\nb\rc\u2028d\u2029e\x0bf\x0cg", "a\nb\nc\nd\ne\nf\ng"),
        ("it\x92s \x93so\x94\x85", "it’s “so”…"),
        ("a \t\nb\u00a0\nc ", "a\nb\nc"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a\n \n\t\n\u200b\nb", "a\n\nb"),
        ("a\n\n\n\r\n\r\nb\n\n\n", "a\n\nb\n\n"),
        ("x\x00y\x1b[0m\ufeff\u00ad\u200b\u2060z\u200e", "xy[0mz"),
        ("\tkeeps\ttabs  and  spaces", "\tkeeps\ttabs  and  spaces"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian: the non-joiner is spelling
        ("क्\u200dष", "क्\u200dष"),
        ("👩\u200d🔬 👨\ufe0f\u200d👩", "👩\u200d🔬 👨\ufe0f\u200d👩"),
        ("zero\u200dwidth\u200c join", "zerowidth join"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",) * 2,
        ("hidden\U000e0041\U000e0042 tags", "hidden tags"),
        ("“中文，你好！”‘引号’ＡＢＣ１２３ﬁ…", "“中文，你好！”‘引号’ＡＢＣ１２３ﬁ…"),
        (
            "“smart” ‘quotes’ — stay &amp; so do entities",
            "“smart” ‘quotes’ — stay &amp; so do entities",
        ),
        ("", ""),
    ],
)
def test_text(before, expected):
    assert after(before) == expected


@pytest.mark.parametrize(
    "good", ["schön “中文，”", "naïve café à l’été", "Привет, мир", "中文维基百科"]
)
@pytest.mark.parametrize(("codec", "name"), [("cp1252", "cp1252"), ("latin-1", "latin-1")])
def test_mojibake_is_repaired_and_nothing_beside_it(good, codec, name):
    try:
        wrong = good.encode().decode(codec)
    except UnicodeDecodeError:  # cp1252 has no character for five bytes: ftfy reads them as C1
        wrong = good.encode().decode("sloppy-windows-1252")
    result = run(f"“引号，”\n{wrong}\n“don’t”")
    assert result["text"][0].as_py() == f"“引号，”\n{good}\n“don’t”"
    assert result["mojibake_repaired"].to_pylist() == [True]
    assert {edit["kind"] for edit in result["edits"][0].as_py()} == {"normalize:mojibake"}


def test_cyrillic_mojibake_is_repaired():
    wrong = "Привет, мир! Как дела?".encode().decode("cp1251")
    assert after(f"ok\n{wrong}") == "ok\nПривет, мир! Как дела?"


def test_text_that_only_looks_wrong_stays():
    for text in ("L’ÉTÉ» et “É”…", "VOILÀ»", "Ü–Ö", "√π ≈ 1.77", "Сім’я — «Рік»"):
        result = run(text)
        assert result["text"][0].as_py() == text
        assert result["mojibake_repaired"].to_pylist() == [False]


def test_an_endless_line_is_repaired_in_pieces():
    good = "déjà vu, " * 20_000
    assert after(good.encode().decode("latin-1").strip()) == good.strip()


def test_code_keeps_everything_but_line_ends_and_byte_order_mark():
    before = "\ufeffdef f():\r\n\t x = 'e\u0301\u00a0Ã©'  \r\r\n\n\n\n    # \u200b\u2028 end \n"
    expected = "def f():\n\t x = 'e\u0301\u00a0Ã©'  \n\n\n\n\n    # \u200b\u2028 end \n"
    assert after(before, "code") == expected


def test_signals_and_edits():
    result = run("plain", "a\u00a0b\n\n\n\nc \n", "日本語")
    assert result.select(NORMALIZE_SIGNALS.names).schema.equals(NORMALIZE_SIGNALS)
    assert result["normalize_changed_chars"].to_pylist() == [0, 1 + 2 + 1, 0]
    assert result["edits"].to_pylist()[0] == result["edits"].to_pylist()[2] == []
    edits = [
        (
            edit["start"],
            edit["end"],
            edit["kind"].split(":")[1],
            edit["removed"],
            edit["replacement"],
        )
        for edit in result["edits"][1].as_py()
    ]
    assert edits == [
        (1, 2, "unicode", "\u00a0", " "),
        (5, 6, "white_space", "\n", ""),
        (6, 7, "white_space", "\n", ""),
        (8, 9, "white_space", " ", ""),
    ]


def test_a_batch_where_nothing_changes_keeps_its_buffer():
    column = pa.array(["one", "two\n", "三"], pa.large_string())
    result = normalize(pa.table({"text": column, "modality": ["text"] * 3}), Context())
    assert result["text"].chunk(0).buffers()[2].address == column.buffers()[2].address
