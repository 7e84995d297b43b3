"""Edits of every editing operation lead from the text before to the text after, and back."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.clean.lines import C4LinesParams, DclmLinesParams, c4_lines, dclm_lines
from corpusmith.clean.normalize import normalize
from corpusmith.clean.pii import pii
from corpusmith.clean.spans import EDIT_LIST, SpanColumns, apply_edits, revert_edits
from corpusmith.op import Context
from tests.reference.line_edits import c4_reference, dclm_reference

ODD = (
    "ab 12\t\n\r\u00a0\u3000\u200b\u200d\u200c\ufeff\u2028\x0b\x00\x85é\u0301\u0300Åﬁ中文。，”"
    "ب\u0650\u0651क्Ã©â€™😀👩\u200d🔬𝔘.?!\"'…-_"
)
texts = st.text(st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]), max_size=60)
line_pieces = st.lists(
    st.sampled_from(
        ["A plain line that ends well.", "no end", "wait...", "JavaScript is off.", "two words",
         "HELLO WORLD FOO", "3 likes", "12条评论", "1234", "x" * 1001 + " a b c.", "他说：“你好。”",
         "Use of cookies here.", "", " ", "\t", "_ _ _.", "नमस्ते दुनिया है।", "\u3000一段话。",
         "a b\u0301 c!"]
    )
    | texts.map(lambda text: text.replace("\n", "")),
    max_size=8,
)  # fmt: skip
pages = st.tuples(line_pieces, st.sampled_from(["", "\n"])).map(lambda p: "\n".join(p[0]) + p[1])


def batch(texts: list[str], modality: str = "text") -> pa.Table:
    return pa.table(
        {
            "text": pa.array(texts, pa.large_string()),
            "modality": pa.array([modality] * len(texts)),
        }
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(texts, max_size=5), st.sampled_from(["text", "code"]))
def test_normalize_edits_lead_there_and_back(befores, modality):
    result = normalize(batch(befores, modality), Context())
    assert result["edits"].type == EDIT_LIST
    for before, after, edits in zip(befores, *columns(result), strict=True):
        assert apply_edits(before, edits) == after
        assert revert_edits(after, edits) == before


@settings(max_examples=100, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4))
def test_normalize_holds_what_it_promises_and_is_idempotent(befores):
    result = normalize(batch(befores), Context())
    for after in result["text"].to_pylist():
        assert unicodedata.is_normalized("NFC", after)
        assert "\n\n\n" not in after
        assert not any(line != line.rstrip(" \t") for line in after.split("\n"))
        assert not set(after) & set("\r\x00\x0b\x85\u00a0\u3000\u200b\u2028\ufeff")
    again = normalize(batch(result["text"].to_pylist()), Context())
    unrepaired = [row for row, m in enumerate(again["mojibake_repaired"].to_pylist()) if not m]
    for row in unrepaired:  # what one repair uncovers may be doubly wrong
        assert again["text"][row] == result["text"][row]
        assert again["edits"][row].as_py() == []


@settings(max_examples=100, deadline=None)
@given(st.lists(pages, max_size=4), st.sampled_from(["any", "ascii", "off"]), st.integers(0, 5))
def test_c4_lines_equals_its_reference(befores, terminal, min_words):
    params = C4LinesParams(terminal=terminal, min_words=min_words)
    result = c4_lines(batch(befores), Context(params=params))
    check_lines(befores, result, lambda text: c4_reference(text, terminal, min_words))


@settings(max_examples=100, deadline=None)
@given(st.lists(pages, max_size=4))
def test_dclm_lines_equals_its_reference(befores):
    result = dclm_lines(batch(befores), Context(params=DclmLinesParams()))
    check_lines(befores, result, dclm_reference)


def check_lines(befores, result, reference):
    counts = result.column(2).to_pylist()
    for before, after, edits, count in zip(befores, *columns(result), counts, strict=True):
        assert apply_edits(before, edits) == after
        assert revert_edits(after, edits) == before
        expected, kinds = reference(before)
        assert (after, [edit["kind"].split(":")[1] for edit in edits]) == (expected, kinds)
        assert count == len(kinds)


@settings(max_examples=60, deadline=None)
@given(st.lists(pages, max_size=4), st.integers(0, 3))
def test_edits_do_not_depend_on_the_batch(befores, cut):
    for operation in (normalize, c4_lines, dclm_lines, pii):
        whole = operation(batch(befores), Context(secret=b"k"))
        padded = batch(["padding", *befores, "more"]).slice(1, len(befores))
        assert operation(padded, Context(secret=b"k")).equals(whole)
        parts = [batch(befores[:cut]), batch(befores[cut:])]
        joined = pa.concat_tables([operation(part, Context(secret=b"k")) for part in parts])
        assert joined.to_pylist() == whole.to_pylist()


PRIVATE = [
    "a@b.de",
    "+1 415 555 2671",
    "81.2.69.142",
    "4111 1111 1111 1111",
    "password=hunter2x",
    "",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, st.sampled_from(PRIVATE), texts).map(" ".join), max_size=4))
def test_pii_edits_lead_there_and_carry_nothing_back(befores):
    result = pii(batch(befores), Context(secret=b"k"))
    for before, after, edits in zip(befores, *columns(result), strict=True):
        assert apply_edits(before, edits) == after
        assert all(edit["removed"] is None and edit["removed_hash"] for edit in edits)
        if edits:
            with pytest.raises(ValueError, match="masked"):
                revert_edits(after, edits)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), texts, texts)
def test_a_difference_is_one_span(head, old, new):
    spans = SpanColumns()
    changed = spans.add_difference(len(head), old, new, "x")
    spans.end_documents()
    (edits,) = spans.array().to_pylist()
    assert apply_edits(head + old, edits) == head + new
    assert revert_edits(head + new, edits) == head + old
    assert len(edits) == (old != new)
    assert changed <= max(len(old), len(new))


def test_spans_that_do_not_fit_are_refused():
    span = {"start": 2, "end": 5, "kind": "x", "removed": "cde", "replacement": ""}
    with pytest.raises(ValueError, match=r"expected within 0\.\.4"):
        apply_edits("abcd", [span])
    with pytest.raises(ValueError, match=r"expected within 5\.\.9"):
        apply_edits("abcdefghi", [span, {**span, "start": 4, "end": 6}])
    with pytest.raises(ValueError, match="did not lead"):
        revert_edits("ab", [{**span, "replacement": "zz"}])


def columns(result: pa.Table) -> tuple[list[str], list[list[dict]]]:
    return result["text"].to_pylist(), result["edits"].to_pylist()
