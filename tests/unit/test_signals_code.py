"""Signals of source code, computed by hand."""

from __future__ import annotations

import json

import pytest

from corpusmith.clean.code import code
from corpusmith.clean.comments import EXTENSIONS, LANGUAGES, STYLES
from corpusmith.op import Context
from tests.signal_rows import batch


@pytest.mark.parametrize(
    ("text", "language", "comment"),
    [
        ('"""Doc."""\nx = "#"  # yes\n', "python", len('"""Doc."""') + len("# yes")),
        ('x = """no"""\n', "python", 0),
        ("int x; /* 漢字\n */ y; // z\n", "c", len("/* 漢字\n */") + len("// z")),
        ("s = '//'; `\n//`; // z", "javascript", len("// z")),
        ("echo $# x # y", "shell", len("# y")),
        ("50\\% % y", "tex", len("% y")),
        ("<p><!-- a --></p>", "html", len("<!-- a -->")),
        ("-- a\nselect '--' /* b */", "sql", len("-- a") + len("/* b */")),
        ("/* never closed", "c", len("/* never closed")),
    ],
)
def test_comments(text, language, comment):
    table = batch(text, modality="code", meta=json.dumps({"language": language.upper()}))
    found = code(table, Context()).to_pylist()[0]
    assert found["comment_frac"] == pytest.approx(comment / len(text), rel=1e-6)
    assert found["code_language"] == language


def test_lines_of_code():
    found = code(batch("ab\n\nabcd\n", modality="code", uri="x/y.py"), Context()).to_pylist()[0]
    assert found["longest_line_chars"] == 4
    assert found["mean_line_chars"] == 2.0
    assert found["alnum_frac"] == pytest.approx(6 / 9)
    assert found["letters_per_token"] == 3.0
    assert (found["comment_frac"], found["xml_head"]) == (0.0, False)
    assert (found["html_visible_frac"], found["html_visible_chars"]) == (None, None)


def test_what_the_reader_knows_becomes_a_signal():
    meta = '{"language": "Go", "generated": true, "vendored": false, "minified": "?"}'
    found = code(batch("x", modality="code", meta=meta), Context()).to_pylist()[0]
    assert [found[name] for name in ("code_language", "generated", "vendored", "minified")] == [
        "go", True, False, None,
    ]  # fmt: skip
    found = code(batch("x", meta=meta), Context()).to_pylist()[0]  # not code
    assert [found[name] for name in ("code_language", "generated", "comment_frac")] == [None] * 3


def test_the_head_of_xml():
    # In the first hundred characters, not bytes, and whole.
    assert code(batch("漢" * 86 + "<?xml version="), Context()).column("xml_head")[0].as_py()
    assert not code(batch("漢" * 87 + "<?xml version="), Context()).column("xml_head")[0].as_py()


def test_visible_text_of_html():
    text = (
        "<html><style>p {}</style>\n<p class='a>b'>Tom &amp; 汤姆</p>  <SCRIPT>if (a<b)</SCRIPT>!"
    )
    found = code(batch(text, modality="code", uri="p/i.HTML#1"), Context()).to_pylist()[0]
    assert found["html_visible_chars"] == len("Tom & 汤姆 !")
    assert found["html_visible_frac"] == pytest.approx(10 / len(text), rel=1e-6)


def test_every_language_has_a_style():
    assert set(LANGUAGES.values()) <= set(STYLES) and set(EXTENSIONS.values()) <= set(STYLES)
