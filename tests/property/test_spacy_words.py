"""spaCy's tokenizer and datatrove's measures in kernels equal the slow references."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.clean.c4_datatrove import C4DatatroveParams, c4_datatrove
from corpusmith.clean.quality import quality
from corpusmith.clean.repetition import repetition
from corpusmith.clean.spans import apply_edits, revert_edits
from corpusmith.clean.words import WordsParams
from corpusmith.kernels.spacy_words import words_of
from corpusmith.op import Context
from tests.reference import datatrove as slow
from tests.reference import spacy_english

CHARACTERS = st.one_of(
    st.sampled_from(
        "aBzé.,:;-—–~+*^/=<>()[]{}'\"’…°$%&#_@?!19٣µ²kmsUSCA\n\n\t\r\v\x1c\x85\u00a0\u2028 "
        "日本ñЖ\u0301\u212a\u0130😀|\\`“”§€「。・\ufeff\u200b\U00020000"
    ),
    st.characters(exclude_categories=("Cs",)),
)
PIECES = st.one_of(
    st.sampled_from(
        [
            *("US$", "C$", "km/h", "m/s", "'s", "’S", "://", "http", "a@b.co", "www.x.org/", "..."),
            *("8.8.8.8", "10.0.0.1", "192.168.1.2", "172.20.1.1", "255.1.1.1", "::", ":80", "--"),
            *("---", "——", "……", "5", "12", "a.b", "Foo.Bar", "co.uk", "/x?y", ":-", ")", "(", "x"),
            *("[1]", "[edit]", "[citation needed]", "[]", "[٣]", "javascript", "lorem ipsum", "."),
            *("privacy policy", "use coo\u212aies", "terms of use", "the", "of", "and", "{", "#"),
        ]
    ),
    st.sampled_from(sorted(spacy_english.EXCEPTIONS)),
    st.text(CHARACTERS, min_size=1, max_size=3),
)
GLUE = st.sampled_from(["", "", "", " ", " ", "  ", "\n", "\n\n", "\r\n", " \n", "\t", ". "])
PHRASES = st.lists(st.tuples(PIECES, GLUE), max_size=12).map(
    lambda pairs: "".join(piece + glue for piece, glue in pairs)
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Phrases, some of them more than once, so that words, lines and paragraphs repeat."""
    pieces = draw(st.lists(PHRASES, min_size=1, max_size=4))
    order = draw(st.lists(st.integers(0, len(pieces) - 1), min_size=1, max_size=8))
    return draw(GLUE).join(pieces[index] for index in order)


TEXTS = st.one_of(st.text(CHARACTERS, max_size=50), documents())


@settings(deadline=None, max_examples=300)
@given(
    st.lists(TEXTS, max_size=3),
    st.integers(0, 1),
    st.sampled_from([pa.string(), pa.large_string()]),
)
def test_words_equal_the_reference(texts, start, kind):
    column = pa.array(texts, kind).slice(min(start, len(texts)))
    found = words_of(column)
    for number, text in enumerate(column.to_pylist()):
        data = text.encode()
        mine = range(found.ends[number], found.ends[number + 1])
        tokens = [
            data[found.tokens.starts[t] : found.tokens.starts[t] + found.tokens.lengths[t]].decode()
            for t in mine
        ]
        assert tokens == spacy_english.words(text)
        assert [found.tokens.chars[t] for t in mine] == [len(token) for token in tokens]


@pytest.mark.parametrize(
    ("measure", "reference"), [(quality, slow.quality), (repetition, slow.repetition)]
)
@settings(deadline=None, max_examples=150)
@given(texts=st.lists(TEXTS, max_size=3))
def test_measures_equal_the_reference(measure, reference, texts):
    batch = pa.table({"text": pa.array(texts, pa.large_string())})
    params = WordsParams(words="spacy_en")
    found = measure(batch, Context(params=params))
    assert found.schema == measure.operation.schema(params)
    for row, text in zip(found.to_pylist(), texts, strict=True):
        assert row == pytest.approx(reference(text), rel=1e-6), text


@settings(deadline=None, max_examples=250)
@given(texts=st.lists(TEXTS, max_size=3), terminal=st.booleans())
def test_c4_lines_equal_the_reference_and_their_edits_lead_there_and_back(texts, terminal):
    modality = ["text"] * len(texts)
    batch = pa.table({"text": pa.array(texts, pa.large_string()), "modality": modality})
    found = c4_datatrove(batch, Context(params=C4DatatroveParams(terminal=terminal)))
    for row, text in zip(found.to_pylist(), texts, strict=True):
        signals = (row["c4_sentences"], row["c4_lorem_ipsum"], row["c4_curly_bracket"])
        assert (row["text"], *signals) == slow.c4(text, terminal)
        assert apply_edits(text, row["edits"]) == row["text"]
        assert revert_edits(row["text"], row["edits"]) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("aaa bbb ccc [1]", "aaa bbb ccc"),
        ("aaa bbb ccc [1]\nddd eee fff [2] [3]", "aaa bbb ccc \nddd eee fff"),
        ("[1] [2] [3]\nx y z\nshort\n[4] [5] [6]\nshort", "x y z"),
        ("[1] [2] [3]", ""),
    ],
)
def test_white_space_that_citations_leave_at_the_ends_goes(text, left):
    """As datatrove 0.10.1 leaves these texts."""
    batch = pa.table({"text": pa.array([text], pa.large_string()), "modality": ["text"]})
    [row] = c4_datatrove(batch, Context(params=C4DatatroveParams(terminal=False))).to_pylist()
    assert row["text"] == left
    assert apply_edits(text, row["edits"]) == left
    assert revert_edits(left, row["edits"]) == text


def test_code_is_left_alone_by_c4():
    text = "int main() { return 0; }\n\n"
    batch = pa.table({"text": pa.array([text], pa.large_string()), "modality": ["code"]})
    [row] = c4_datatrove(batch, Context()).to_pylist()
    assert row["text"] == text and row["edits"] == []
    assert row["c4_sentences"] is None and row["c4_curly_bracket"] is None


@pytest.mark.parametrize("text", ["(" * 200_000, "a." * 100_000, "@a.a" * 50_000, "'s" * 100_000,
                                  ":((" * 60_000, "a-" * 100_000, "." * 200_000, "5km" * 60_000,
                                  "http://" * 30_000])  # fmt: skip
@pytest.mark.timeout(30)
def test_a_long_chunk_takes_time_in_proportion(text):
    """spaCy copies the rest of the chunk for each affix; 400 kB of brackets must not cost that."""
    found = words_of(pa.array([text], pa.large_string()))
    lengths = found.tokens.lengths
    assert lengths.sum() == len(text)
