from __future__ import annotations

import pyarrow as pa
import pytest
from pydantic import ValidationError

from corpusmith.clean.lines import (
    C4_LINES_SIGNALS,
    DCLM_LINES_SIGNALS,
    C4LinesParams,
    DclmLinesParams,
    c4_lines,
    dclm_lines,
)
from corpusmith.op import Context

GOOD = "This is a fine sentence."


def batch(*texts: str, modality: str = "text") -> pa.Table:
    columns = {"text": pa.array(texts, pa.large_string()), "modality": [modality] * len(texts)}
    return pa.table(columns)


def c4(text: str, **params) -> list[str]:
    """The rules that took lines out."""
    result = c4_lines(batch(text), Context(params=C4LinesParams(**params)))
    return [edit["kind"].removeprefix("c4_lines:") for edit in result["edits"][0].as_py()]


def dclm(text: str, **params) -> list[str]:
    result = dclm_lines(batch(text), Context(params=DclmLinesParams(**params)))
    return [edit["kind"].removeprefix("dclm_lines:") for edit in result["edits"][0].as_py()]


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        (GOOD, []),
        ('He said: "Go now!"', []),
        ("It is 'quoted here'", []),
        ("Is it so?  \t", []),
        ("No end here", ["no_terminal"]),
        ("A list of things:", ["no_terminal"]),
        ("Read more about it...", ["ellipsis"]),
        ("Read more about it…", ["ellipsis"]),
        ("Two words.", ["few_words"]),
        ("Three words here.", []),
        ("- - - - .", ["few_words"]),  # symbols are no words
        ("Please turn JavaScript on.", ["javascript"]),
        ("See our Privacy Policy for it.", ["policy"]),
        ("We and others use cookies.", ["policy"]),
        ("We ate the cookies at once.", []),
        ("a b " + "x" * 1000 + ".", ["long_word"]),  # with its full stop 1,001 characters
        ("a b " + "x" * 999 + ".", []),
        ("他说：“我们明天再来。”", []),
        ("今天天气很好！", []),
        ("这是真的吗？", []),
        ("首页 | 新闻 | 联系我们", ["no_terminal"]),
        ("好。", ["few_words"]),
        ("很长的一句话" * 400 + "。", []),  # no white space, but not one word
        ("これは文です。", []),
        ("यह एक वाक्य है।", []),
        ("هل هذا صحيح حقا؟", []),
        ("", []),
        ("   ", []),
    ],
)
def test_c4_rules(line, rules):
    assert c4(line) == rules


def test_c4_params():
    assert c4("今天天气很好！", terminal="ascii") == ["no_terminal"]
    assert c4("No end here", terminal="off") == []
    assert c4("Goes on and on...", terminal="off") == []  # FineWeb: C4 without this rule
    assert c4("Only four words here.", min_words=5) == ["few_words"]
    assert c4("One.", min_words=0) == []
    assert c4("a b " + "x" * 2000 + ".", max_word_chars=0) == []
    assert c4("Please turn JavaScript on.", javascript=False) == []
    assert c4("See our privacy policy now.", policy=False) == []
    with pytest.raises(ValidationError):
        C4LinesParams(terminal="no")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{GOOD}\nmenu\n{GOOD}\n", f"{GOOD}\n{GOOD}\n"),
        (f"{GOOD}\n\nmenu\n\n{GOOD}", f"{GOOD}\n\n{GOOD}"),  # two empty lines don't meet
        (f"{GOOD}\nmenu\n\n{GOOD}", f"{GOOD}\n\n{GOOD}"),  # a paragraph's end stays
        (f"menu\n\nhome\n\n{GOOD}\n", f"{GOOD}\n"),
        (f"{GOOD}\n\nmenu\n\nfoot\n\n", GOOD),  # nothing trails
        (f"{GOOD}\nmenu", GOOD),
        ("menu\n\nfoot\n", ""),
        (f"\n\n{GOOD}\n\n\n", f"\n\n{GOOD}\n\n\n"),  # nothing dropped, nothing touched
        ("", ""),
    ],
)
def test_c4_empty_lines(before, after):
    assert c4_lines(batch(before), Context())["text"].to_pylist() == [after]


def test_c4_edits_and_signals():
    result = c4_lines(batch(f"上\n{GOOD}\n脚\n", GOOD), Context())
    assert result.schema.names == ["text", "edits", *C4_LINES_SIGNALS.names]
    assert result.select(C4_LINES_SIGNALS.names).schema.equals(C4_LINES_SIGNALS)
    assert result["c4_lines_removed"].to_pylist() == [2, 0]
    # Of 2 + 25 + 2 code points the first two and "\n脚\n" went.
    assert result["c4_lines_removed_chars_frac"].to_pylist() == [pytest.approx(5 / 29), 0]
    edits = [(e["start"], e["end"], e["removed"]) for e in result["edits"][0].as_py()]
    assert edits == [(0, 2, "上\n"), (26, 29, "\n脚\n")]
    assert [edit["replacement"] for edit in result["edits"][0].as_py()] == ["", ""]


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        (GOOD, []),
        ("No end here", []),
        ("BUY IT NOW", ["uppercase"]),  # 8 of 10
        ("ABC def", []),  # 3 of 7
        ("ABCD def", []),  # 4 of 8 is not over half
        ("ПРИВЕТ МИР", ["uppercase"]),
        ("12345", ["digits"]),
        ("12 345", []),  # as DCLM: the space is a character, too
        ("3 likes", ["counter"]),
        ("1.2K views", ["counter"]),
        ("(12 comments)", ["counter"]),
        ("12条评论", ["counter"]),
        ("1.2万次播放", ["counter"]),
        ("3 个赞", ["counter"]),
        ("3 likes are not enough", []),
        ("1. Comments", []),
        ("Home", ["few_words"]),
        ("***", ["few_words"]),
        ("中", ["few_words"]),
        ("首页", []),  # two characters, two words
    ],
)
def test_dclm_rules(line, rules):
    assert dclm(line) == rules


def test_dclm_params():
    assert dclm("BUY IT NOW", max_uppercase_frac=1) == []
    assert dclm("12345", max_digits_frac=1, min_words=0) == []
    assert dclm("3 likes", counters=False) == []
    assert dclm("Home", min_words=0) == []
    assert dclm("1234 is it", max_digits_frac=0.3) == ["digits"]


def test_dclm_signals():
    result = dclm_lines(batch(f"Home\n{GOOD}\n12 likes\n", "***\n"), Context())
    assert result.select(DCLM_LINES_SIGNALS.names).schema.equals(DCLM_LINES_SIGNALS)
    assert result["dclm_lines_removed"].to_pylist() == [2, 1]
    assert result["dclm_lines_removed_words_frac"].to_pylist() == [pytest.approx(3 / 8), 0]
    assert result["text"].to_pylist() == [GOOD, ""]


def test_code_is_left_alone():
    for operation, signals in ((c4_lines, C4_LINES_SIGNALS), (dclm_lines, DCLM_LINES_SIGNALS)):
        result = operation(batch("x = 1\n\nHOME\n", modality="code"), Context())
        assert result["text"].to_pylist() == ["x = 1\n\nHOME\n"]
        assert result["edits"].to_pylist() == [[]]
        assert [result[name].to_pylist() for name in signals.names] == [[None], [None]]
        assert operation.operation.modalities == ("text", "image-text", "audio-text")


def test_empty_batch():
    for operation in (c4_lines, dclm_lines):
        result = operation(batch(), Context())
        assert result.num_rows == 0
        assert result["text"].type == pa.large_string()
