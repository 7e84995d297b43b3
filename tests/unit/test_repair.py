"""Repair: what becomes of each kind, what stays, edits that lead there and back."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusmith.clean.repair import RepairParams, repair
from corpusmith.clean.spans import apply_edits, revert_edits
from corpusmith.op import Context


def run(*texts: str, **params) -> pa.Table:
    columns = {"text": pa.array(texts, pa.large_string()), "modality": ["text"] * len(texts)}
    return repair(pa.table(columns), Context(params=RepairParams(**params)))


def repaired(text: str, **params) -> str:
    return run(text, **params)["text"][0].as_py()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("plain text, nothing to do.\n", "plain text, nothing to do.\n"),
        ("exam\u00adple", "example"),
        ("an exam\u00ad \n  ple ends", "an example ends"),
        ("naÃ¯ve exam\u00ad\nple\n", "naïve example\n"),  # lines of mojibake, too
        ("x\nexam\u00ad\nple cafÃ©", "x\nexample café"),
        ("ends here\u00ad\n\nnext", "ends here\n\nnext"),  # a paragraph's end is none of a word
        ("ze\u200bro \ufeffwidth\u2060", "zero width"),
        ("ab\u200dc\u200cd", "abcd"),  # no script that joins
        ("ﬁne eﬀort, oﬃce", "fine effort, office"),
        ("\ufe8d\ufedf\ufecc\ufeae\ufe91\ufef2\ufe94", "العربية"),  # as PDFs have it
        ("\u2f08\u2f00", "人一"),  # Kangxi radicals
        ("ＡＢＣ １２３", "ABC 123"),
        ("ﾃﾞｰﾀ ｶﾞｽ", "データ ガス"),
        ("naÃ¯ve and cafÃ©", "naïve and café"),
        (
            "“中文，你好！”（２０２４）",
            "“中文，你好！”（２０２４）",
        ),  # punctuation and Chinese setting stay
        ("می\u200cروم", "می\u200cروم"),  # Persian needs it
        ("क्\u200dष", "क्\u200dष"),
        ("👩\u200d🔬 👩\u200d👩\u200d👧", "👩\u200d🔬 👩\u200d👩\u200d👧"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("صلى ﷺ ﴾x﴿", "صلى ﷺ ﴾x﴿"),  # a phrase in one character, ornate brackets
        ("", ""),
    ],
)
def test_text(before, after):
    assert repaired(before) == after


def test_width():
    text = "版本ＡＢＣ１２，共３个！"
    assert repaired(text) == text
    assert repaired(text, width="letters") == "版本ABC12，共3个！"
    assert repaired(text, width="all") == "版本ABC12,共3个!"
    assert repaired("ＡＢＣ ｱ", width="off") == "ＡＢＣ ｱ"


def test_each_kind_can_be_turned_off():
    text = "ﬁ\u00ad\u200bＡ cafÃ©"
    off = {"mojibake": False, "soft_hyphens": False, "zero_width": False, "forms": False}
    assert repaired(text, **off, width="off") == text
    for name, after in (
        ("forms", "fi\u00ad\u200bＡ cafÃ©"),
        ("soft_hyphens", "ﬁ\u200bＡ cafÃ©"),
        ("zero_width", "ﬁ\u00adＡ cafÃ©"),
        ("mojibake", "ﬁ\u00ad\u200bＡ café"),
    ):
        assert repaired(text, **{**off, name: True}, width="off") == after, name


def test_edits_name_their_kind():
    result = run("x", "an oﬃce, Ａ\u00ad", "cafÃ© ﬁ\nＢ")
    edits = result["edits"].to_pylist()
    assert [[e["kind"] for e in row] for row in edits] == [
        [],
        ["repair:forms", "repair:width", "repair:soft_hyphen"],
        ["repair:mojibake", "repair:width"],
    ]
    first = {key: edits[1][0][key] for key in ("start", "end", "removed", "replacement")}
    assert first == {"start": 4, "end": 5, "removed": "ﬃ", "replacement": "ffi"}
    assert result["repair_edits"].to_pylist() == [0, 3, 2]
    assert result["repair_changed_chars"].to_pylist()[:2] == [0, 3 + 1 + 1]


TEXTS = st.text(
    st.sampled_from(
        "aé \n中のは한ｶﾞＡ１！ﬁ\u00ad\u200b\u200c\u200d\ufeffیका👩❤\ufe0fÃ©â€™Â\u2f00\ufe8dﷺ"
    )
    | st.characters(exclude_categories=("Cs",)),
    max_size=40,
)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(["auto", "letters", "all", "off"]))
def test_edits_lead_there_and_back(texts, width):
    result = run(*texts, width=width)
    for before, after, spans in zip(
        texts, result["text"].to_pylist(), result["edits"].to_pylist(), strict=True
    ):
        assert apply_edits(before, spans) == after
        assert revert_edits(after, spans) == before
        assert (before == after) == (not spans)


@given(TEXTS)
def test_rows_do_not_depend_on_their_batch(text):
    assert run("ﬁ 中文", text, "ＡＢ")["text"][1].as_py() == repaired(text)
