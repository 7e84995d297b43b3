"""Writing systems: the table against another library's, counts against one look at a time."""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from corpusmith.clean.scripts import SCRIPT_SIGNALS, scripts
from corpusmith.kernels.scripts import count_scripts, han_variants, ranges
from corpusmith.kernels.scripts import scripts as table
from corpusmith.op import Context

UDHR = Path(__file__).parents[3] / "shared" / "data" / "books" / "udhr2"


def run(*texts: str) -> pa.Table:
    return scripts(pa.table({"text": pa.array(texts, pa.large_string())}), Context())


ASSIGNED = [p for p in range(0x18000) if unicodedata.category(chr(p)) not in ("Cn", "Cs", "Co")]
NAMES = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Grek": "Greek", "Hani": "Han", "Hira": "Hiragana",
    "Kana": "Katakana", "Hang": "Hangul", "Khmr": "Khmer", "Mymr": "Myanmar", "Laoo": "Lao",
    "Arab": "Arabic", "Ethi": "Ethiopic", "Deva": "Devanagari", "Armn": "Armenian",
}  # fmt: skip


@pytest.mark.parametrize(("code", "name"), NAMES.items())
def test_the_table_is_the_one_of_another_library(code, name):
    """`regex` has its own copy of the Unicode database; of an older version at times, so what is
    compared is assigned in Python's."""
    is_script = regex.compile(rf"\p{{Script={name}}}")
    ours = {c for first, last, n in ranges() if n == code for c in range(first, last + 1)}
    assert {p for p in ASSIGNED if p in ours} == {p for p in ASSIGNED if is_script.match(chr(p))}


@functools.cache
def script_of(character: str) -> str:
    for first, last, name in ranges():
        if first <= ord(character) <= last:
            for way, code in (("simplified", "Hani+Hans"), ("traditional", "Hani+Hant")):
                if character in han_variants()[way]:
                    return code
            return name
    return ""


def slow_counts(text: str) -> Counter[str]:
    return Counter(name for character in text if (name := script_of(character)))


@given(
    st.lists(
        st.text(
            st.sampled_from("aZ1 .é́жअ了国國語あア가ー𠀀𝐀😀\U000e0041\x00")
            | st.characters(codec="utf-8")
        )
    )
)
def test_counts(texts):
    counts = count_scripts(pa.chunked_array([pa.array(["x", *texts], pa.string()).slice(1)]))
    names = table().names
    found = [Counter({names[at]: int(row[at]) for at in np.flatnonzero(row)}) for row in counts]
    assert found == [slow_counts(text) for text in texts]


def test_example_of_the_docstring():
    result = run("数据 data")
    assert result.schema.equals(SCRIPT_SIGNALS)
    assert result.to_pylist() == [
        {
            "script": "Latn",
            "script_frac": np.float32(4 / 6),
            "scripts": 2,
            "script_shares": "Latn 0.67, Hans 0.33",
            "traditional_frac": 0.0,
        }
    ]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("人人生而自由,在尊严和权利上一律平等。", "Hans"),
        ("人人生而自由,在尊嚴和權利上一律平等。", "Hant"),
        ("人人生而自由", "Hani"),  # written alike
        ("图圖书書", "Hani"),  # as much of both
        ("图书馆的书籍圖", "Hans"),  # 4 of 5
        ("すべての人間は、生まれながらにして自由であり", "Jpan"),
        ("カタカナ", "Jpan"),
        ("東京大學", "Hant"),
        ("모든 인간은 태어날 때부터 자유로우며", "Hang"),
        ("Все люди рождаются", "Cyrl"),
        ("ሁሉም", "Ethi"),
        ("", "Zyyy"),
        ("12 + 3 — 😀", "Zyyy"),
    ],
)
def test_main_script(text, script):
    assert run(text)["script"].to_pylist() == [script]


def test_a_few_kana_leave_chinese_chinese():
    text = "这家店叫做の屋" + "人们常说好的数据比好的模型更重要" * 3
    assert run(text)["script"].to_pylist() == ["Hans"]


@pytest.mark.skipif(not UDHR.is_dir(), reason="../shared/data is not there")
def test_declaration_by_paragraphs():
    """Every paragraph of more than 20 characters of the Chinese, and the Japanese, texts."""
    for name, expected in (("cmn_hans", "Hans"), ("cmn_hant", "Hant"), ("jpn", "Jpan")):
        lines = (UDHR / f"{name}.txt").read_text("utf-8").splitlines()
        found = run(*[line for line in lines if len(line) > 20])["script"].to_pylist()
        # One paragraph of simplified Chinese has no character that tells.
        counts = Counter(found)
        assert len(found) > 50 and counts.pop("Hani", 0) <= 1 and set(counts) == {expected}
