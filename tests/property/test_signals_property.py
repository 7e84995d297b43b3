"""The kernels of the text measures equal the slow references, whatever the text."""

from __future__ import annotations

import random
import unicodedata

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.clean.code import code
from corpusmith.clean.quality import quality
from corpusmith.clean.repetition import repetition
from corpusmith.kernels import chars, marks, signals
from corpusmith.kernels.jit import kernel, pointer
from corpusmith.op import Context
from tests.reference import code_signals as slow_code
from tests.reference import signals as slow

CHARACTERS = st.one_of(
    st.sampled_from(
        "aBéß1٣_ \t\n\n\n.,!?\"'#-•●*…{}“”。！？、「」漢字かなカーไทยกำລາວខ្មែរမြန်မာ한국語हिन्दी"
        "\u0301\u200d\u200c\ufe0f\u0000\u00a0\u2028\u200b\ufeff\u0378😀👩❤𝔘𠀀Ａ９½Ⅷ〇々"
    ),
    st.characters(exclude_categories=("Cs",)),
)
SPELLINGS = """
the The be to of and THAT have with cat dog 猫 中国人民 東京 สวัสดี word123 it's e\u0301te 3.14 x_y __
javascript JavaScript, privacy policy cookie cookies. uses use of terms lorem ipsum LOREM
... …… . ? ! # ### -- - • * ● { }} “quoted.” (end.) 。 你好。 ！ \u0301 ❤\ufe0f❤\ufe0f
"""
# Around the lengths at which kernels go another way: 8 and 16 bytes, 57 and 64 bits.
LONG = [letter * count for letter in ("a", "_", "é", "字", "#", "…") for count in (8, 17, 57, 130)]
WORDS = st.sampled_from(
    [*SPELLINGS.split(), *LONG, "_" * 60 + "a", "1" * 60 + "a", "-" * 60 + "\u0301"]
)
SEPARATORS = st.sampled_from([" ", " ", " ", "  ", "\t", "\n", "\n", "\n\n", "\n\n\n", " \n", ""])
PHRASES = st.lists(st.tuples(WORDS, SEPARATORS), min_size=1, max_size=14).map(
    lambda pairs: "".join(word + separator for word, separator in pairs)
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Text of words in several scripts that repeats some of its own lines and paragraphs."""
    pieces = draw(st.lists(PHRASES, min_size=1, max_size=4))
    order = draw(st.lists(st.integers(0, len(pieces) - 1), min_size=1, max_size=8))
    glue = draw(st.sampled_from(["", " ", "\n", "\n\n", "\n\n "]))
    return glue.join(pieces[index] for index in order)


TEXTS = st.one_of(st.text(CHARACTERS, max_size=60), documents())


def batch(texts: list[str], kind: pa.DataType | None = None, **columns: list) -> pa.Table:
    count = len(texts)
    return pa.table(
        {
            "text": pa.array(texts, kind or pa.large_string()),
            "modality": columns.get("modality", ["text"] * count),
            "uri": columns.get("uri", [""] * count),
            "meta": columns.get("meta", ["{}"] * count),
        }
    )


@settings(deadline=None, max_examples=100)
@given(
    st.lists(TEXTS, max_size=4),
    st.integers(0, 2),
    st.sampled_from([pa.string(), pa.large_string()]),
)
def test_quality_and_repetition_equal_the_references(texts, start, kind):
    table = batch(texts, kind).slice(min(start, len(texts)))
    for function, reference in ((quality, slow.quality), (repetition, slow.repetition)):
        found = function(table, Context())
        assert found.schema == function.operation.schema(None)
        expected = [reference(text) for text in table.column("text").to_pylist()]
        for row, values in zip(found.to_pylist(), expected, strict=True):
            assert row == values


PADDINGS = st.sampled_from(
    ["a", "A ", " ", "\n", ".", "j", "字", "é", "\u0301", "…", "\u3000", "#"]
)


@settings(deadline=None, max_examples=150)
@given(TEXTS, PADDINGS, PADDINGS, st.integers(64, 200))
def test_a_text_among_others_equals_the_references(text, left, right, count):
    """Most texts lie between others, whose bytes are read with theirs, 64 at a time."""
    table = batch([left * count, text, right * count])
    for function, reference in ((quality, slow.quality), (repetition, slow.repetition)):
        assert function(table, Context()).to_pylist()[1] == reference(text)


@settings(deadline=None, max_examples=150)
@given(st.text(CHARACTERS), st.binary(max_size=150), st.text(CHARACTERS))
def test_bytes_that_are_no_text_do_no_harm(before, rubbish, after):
    """Whatever they count as; their neighbours' figures are the right ones."""
    data = [before.encode(), rubbish, after.encode()]
    offsets = np.cumsum([0, *map(len, data)], dtype=np.int64)
    column = pa.LargeStringArray.from_buffers(
        3, pa.py_buffer(offsets), pa.py_buffer(b"".join(data))
    )
    for function, reference in ((quality, slow.quality), (repetition, slow.repetition)):
        rows = function(pa.table({"text": column}), Context()).to_pylist()
        assert rows[0] == reference(before) and rows[2] == reference(after)
        if function is quality:
            assert 0 <= rows[1]["words"] <= rows[1]["tokens"] <= len(rubbish)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.integers(2, 50), st.integers(1, 400))
def test_copies_within_long_texts_equal_the_reference(seed, spellings, count):
    """Bitmaps of n-grams have 64 places a word, and copies of 5 to 10 tokens go over their ends."""
    draw = random.Random(seed)
    tokens = ["a"]
    while len(tokens) < count:
        if draw.random() < 0.7:
            tokens.append(draw.choice(".#!") + draw.choice("\n ") if draw.random() < 0.2 else "")
            tokens[-1] = tokens[-1] or f"w{draw.randrange(spellings)}"
        else:
            first = draw.randrange(len(tokens))
            tokens += tokens[first : first + draw.choice([4, 5, 6, 8, 9, 11, 30, 90])]
    text = " ".join(tokens)
    assert repetition(batch([text]), Context()).to_pylist() == [slow.repetition(text)]


@kernel
def both_places(bits, at, looped, picked):
    marks.picked_places(bits, at, pointer(picked), np.int64(1))
    return marks.looped_places(bits, at, pointer(looped), np.int64(1))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.booleans(), st.integers(0, 1000))
def test_places_of_bits_whether_the_machine_picks_them_or_not(one, other, dense, at):
    bits = one | other if dense else one & other
    found = np.zeros((2, 1 + 64 + 64), np.int32)
    count = both_places(np.uint64(bits), at, *found)
    expected = [0, *(at + place for place in range(64) if bits >> place & 1)]
    assert count == len(expected)
    for row in found:
        assert row[:count].tolist() == expected


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=6), st.data())
def test_rows_do_not_depend_on_their_batch(texts, data):
    cut = data.draw(st.integers(0, len(texts)))
    table = batch(texts)
    for function in (quality, repetition, code):
        whole = function(table, Context())
        parts = [function(part, Context()) for part in (table[:cut], table[cut:])]
        assert pa.concat_tables(parts).equals(whole)


CODE = st.lists(
    st.sampled_from(
        ["#", "//", "/*", "*/", "--", "--[[", "]]", "%", "<!--", "-->", '"', "'", "`", '"""',
         "'''", "\\", "\n", "\n", " ", "\t", "r", "x", "漢", "😀", "b", "<", ">", "/", "="]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(CODE, st.sampled_from(sorted(slow_code.LANGUAGES)))
def test_comments_equal_the_reference(text, language):
    table = batch([text], modality=["code"], meta=[f'{{"language": "{language}"}}'])
    expected = slow.ratio(slow_code.comment_chars(text, language), len(text))
    assert code(table, Context()).column("comment_frac").to_pylist() == [expected]


HTML = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<a href='>'>", '<b title="<">', "<script>", "</script>", "<style x>",
         "</STYLE >", "<!--", "-->", "<", ">", "&amp;", "&#38;", "&", ";", "=", '"', "'", " ", "\n",
         "text", "漢字", "é", "<scripts>", "<br/>", "<?php", "<script", "<1"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(HTML)
def test_visible_characters_equal_the_reference(text):
    table = batch([text], modality=["code"], uri=["a/page.html"])
    found = code(table, Context())
    assert found.column("html_visible_chars").to_pylist() == [slow_code.visible_chars(text)]


def test_every_code_point_has_its_class():
    tables = chars.classes()
    names = {
        chars.SPACE: "space",
        chars.WORD: "word",
        chars.SINGLE: "single",
        chars.EXTEND: "mark",
        chars.SYMBOL: "symbol",
    }
    for code_point in range(0x110000):
        if 0xD800 <= code_point < 0xE000:
            continue  # no characters of UTF-8
        character = chr(code_point)
        leaf = int(tables.roots[code_point >> 7]) * 128 + (code_point & 127)
        index = 256 + int(tables.leaves[leaf])
        letters, upper = divmod_low(tables.letters_upper[index])
        digits, numbers = divmod_low(tables.digits_numbers[index])
        assert names[int(tables.flags[index]) & chars.KIND] == slow.kind(character), hex(code_point)
        assert letters + numbers == character.isalnum(), hex(code_point)
        assert letters == character.isalpha() and digits == character.isdecimal(), hex(code_point)
        assert upper == (unicodedata.category(character) == "Lu"), hex(code_point)


def divmod_low(packed: int) -> tuple[int, int]:
    return int(packed) & 0xFFFFFFFF, int(packed) >> 32


def test_one_scan_serves_several_measures_of_the_same_text():
    def text(table):
        return signals.scan_column(table["text"])

    table = batch(["one two", "三 四"])
    first = text(table)
    for function in (quality, repetition, code, quality):
        function(table, Context())
    # A measure that scanned the text again would have left a scan of its own in its place.
    assert text(table) is first
    other = batch(["one two", "三 四"])  # other memory: another text
    second = text(other)
    quality(other, Context())
    assert text(other) is second and second is not first
    part = text(table[1:])  # a slice of the same memory
    assert part is not first and len(part.starts) == 2
    assert part["words"].tolist() == first["words"].tolist()[1:]
