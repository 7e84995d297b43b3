"""A line's text by a kernel and its rest by a parser are what a parser makes of the whole line."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmith.kernels.jsontext import text_field
from tests.reference import jsontext as reference

TEXT = st.text(
    st.one_of(
        st.characters(),  # lone surrogates too
        st.sampled_from('\\"/\b\f\n\r\t\x00\x1f\x7f aé漢😀\ufeff\ud83d\ude00'),
    ),
    max_size=30,
)
NAME = st.sampled_from(["text", "txt", "text2", "a\\b", "a.b", "", "é", "{"])
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """JSON objects as several writers would write them, most with a text, some damaged."""
    members = draw(st.lists(st.tuples(NAME, VALUE), max_size=4))
    members.insert(draw(st.integers(0, len(members))), ("text", draw(st.one_of(TEXT, VALUE))))
    ascii_only = draw(st.booleans())
    space = draw(st.sampled_from(["", " ", "\t\n\r "]))

    def written(value: object) -> str:
        return json.dumps(value, ensure_ascii=ascii_only)

    inside = f"{space},{space}".join(f"{written(n)}{space}:{space}{written(v)}" for n, v in members)
    line = f"{space}{{{space}{inside}{space}}}{space}"
    if draw(st.booleans()):
        line = line.replace("\\n", "\n").replace("/", "\\/")
    data = line.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        kind, byte = draw(st.sampled_from("+-=")), bytes([draw(st.integers(0, 255))])
        data = data[:at] + (b"" if kind == "-" else byte) + data[at + (kind != "+") :]
    return data


@settings(deadline=None, max_examples=400)
@given(lines(), st.sampled_from(["text", "é"]))
@example(b'{"text": "\\ud83d\\ude00 \\ud83d"}', "text")
@example(b'{"text": "\\u00e9\xc3\xa9\xed\xa0\x80"}', "text")
@example(b'{"text": "x", "n": {"text": 1}, "text": "y"}', "text")
@example(b'{"n": "}\\"", "text": "12345678\\\\"}', "text")
@example(b'{"text": "1234567\x00"}', "text")
@example(b'{"text": "12345678', "text")
def test_text_and_rest_are_the_line(line: bytes, key: str) -> None:
    found = text_field(line, key.encode())
    expected = reference.text_of(line, key)
    if found is None:
        # Left to the parser: nothing to take, or a name with an escape before it.
        assert expected is None or b"\\" in line
        return
    text, rest = bytes(found[0]).decode(), found[1]
    members = reference.parsed(rest)
    if members is None:  # the reader sees that, and takes the whole line to the parser
        assert reference.parsed(line) is None
        return
    assert text == expected
    whole = [(n, text if n == key else v) for n, v in members]
    assert repr(whole) == repr(reference.parsed(line))  # NaN is not equal to itself


@settings(deadline=None, max_examples=200)
@given(TEXT, TEXT, st.booleans())
def test_a_plain_line_is_taken(text: str, other: str, ascii_only: bool) -> None:
    line = json.dumps({"n": other, "text": text, "z": 1}, ensure_ascii=ascii_only)
    data = line.encode("utf-8", "surrogatepass")
    found = text_field(data, b"text")
    whole = json.loads(line)["text"]  # a pair of escapes has become one character
    if any("\ud800" <= c <= "\udfff" for c in whole):
        assert found is None
    else:
        assert found is not None and bytes(found[0]).decode() == whole
