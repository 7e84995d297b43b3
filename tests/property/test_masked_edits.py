"""What masking removed is in no edit of the pass: values with characters inside that don't show,
through lists of steps in which masking comes early and late."""

from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from corpusmith.clean.pii import keyed_hash, locate
from corpusmith.clean.redaction import EditStep, Masking, hide, redact, redact_message
from corpusmith.schema import EDIT_SPAN
from tests.dedup_run import Corpus, document

OPS = {
    "normalize": ("corpusmith.clean.normalize:normalize", {}),
    "c4": ("corpusmith.clean.lines:c4_lines", {}),
    "dclm": ("corpusmith.clean.lines:dclm_lines", {}),
    "pii": ("corpusmith.clean.pii:pii", {}),
    "pii_phone": ("corpusmith.clean.pii:pii", {"types": ["phone"]}),
    "pii_rest": ("corpusmith.clean.pii:pii", {"types": ["email", "ip", "card", "secret"]}),
}
LISTS = [
    ["normalize", "pii"],
    ["normalize", "c4", "pii"],
    ["c4", "normalize", "pii"],
    ["normalize", "dclm", "pii", "c4"],
    ["normalize", "pii_rest", "c4", "pii_phone"],
]
VALUES = [
    "jane.77smith@private.example.net",
    "josé.garcía@private.example.net",
    "138 1234 5678",
    "13812345678",
    "+1 415 555 2671",
    "4111 1111 1111 1111",
    "81.2.69.142",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7ABCDEFG",
]
UNSEEN = "\u200b\u00ad\u2060\ufeff\u200e"
CONTEXTS = [
    "Write to {} today.",
    "call {} now",
    "{}",
    "联系{}。",
    "cafe\u0301\u00a0bar {}\u00a0x \t",
    "\u3000\u3000请打{}，谢谢！",
]
LINES = [
    "A plain line that ends well.",
    "no end",
    "cafe\u0301 au lait\u00a0!",
    "3 likes",
    "",
    " \t",
]


@st.composite
def hidden(draw: st.DrawFn, value: str) -> str:
    """The value with what normalize takes out, at any place inside of it."""
    value = draw(st.sampled_from([value, unicodedata.normalize("NFD", value)]))
    out = value[0]
    for char in value[1:]:
        out += draw(st.sampled_from(["", "", "", *UNSEEN, "\u200b\u00ad"]))
        out += draw(st.sampled_from([" ", "\u00a0", "\u2009"])) if char == " " else char
    return out


@st.composite
def private_page(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A text, and the values in it."""
    values = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=3))
    lines = [draw(st.sampled_from(CONTEXTS)).format(draw(hidden(value))) for value in values]
    lines += draw(st.lists(st.sampled_from(LINES), max_size=3))
    return "\n".join(draw(st.permutations(lines))), values


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for key, part in value.items() for s in strings(part)
                if key not in ("id", "removed_hash")]  # fmt: skip
    return [s for part in value for s in strings(part)] if isinstance(value, list) else []


def stored(folder: Path) -> list[str]:
    """Every string in every file but ids and hashes, in which any digits may stand."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            found += strings(pq.read_table(path).to_pylist())
        elif path.is_file():
            found.append(path.name)
    return found


def rows(folder: Path, kind: str) -> list[dict]:
    return [row for path in sorted((folder / kind).glob("*.parquet"))
            for row in pq.read_table(path).to_pylist()]  # fmt: skip


@pytest.mark.parametrize("names", LISTS, ids=" ".join)
@settings(max_examples=8, deadline=None)
@given(pages=st.lists(private_page(), min_size=1, max_size=6))
def test_no_piece_of_a_value_is_stored(names, pages):
    documents = [document("a", f"a#{n}", text) for n, (text, _) in enumerate(pages)]
    steps = [OPS[name] for name in names]
    with tempfile.TemporaryDirectory() as place:
        one = Corpus(Path(place) / "one", {"a": documents}, steps).inputs["clean.a"]
        found = "\n".join(stored(one))
        for _, values in pages:
            for value in values:
                for at in range(len(value) - 3):
                    piece = value[at : at + 4]
                    assert piece not in found, piece
        # Masked by its own step, or gone with its line before: never left.
        edits = rows(one, "edits")
        assert any(row["removed"] is None or "<" in row["removed"] for row in edits)
        # The same rows one document at a time, in another order of parts.
        other = Corpus(Path(place) / "other", {"a": documents}, steps, part_rows=2, shuffle=1)
        assert rows(other.inputs["clean.a"], "edits") == edits


def step(before: str, spans: list[tuple[int, int, str]], token: bool = False) -> EditStep:
    """One document's edits; `token`: of a masking step, which has taken out what it removed."""
    listed = [
        {
            "start": start,
            "end": end,
            "kind": "test",
            "removed": None if token else before[start:end],
            "removed_hash": None,
            "replacement": new,
        }
        for start, end, new in spans
    ]
    rows = pa.table(pa.array(listed, EDIT_SPAN).flatten(), names=[f.name for f in EDIT_SPAN])
    return EditStep(pa.array([before], pa.large_string()), np.zeros(len(listed), np.int64), rows)


def hide_in(*steps: EditStep) -> list[list[dict]]:
    hide(steps, Masking(len(steps) - 1, locate, None, lambda value: keyed_hash(value, b"k")))
    return [one.spans.to_pylist() for one in steps]


def test_an_edit_that_cuts_a_value_in_two_shows_neither_piece():
    """Behind that edit nothing speaks for a phone number any more."""
    first = step("call 13812345678 now", [(0, 0, "please "), (8, 12, "")])
    rows, _ = hide_in(first, step("please call 1385678 now", [], token=True))
    assert [row["removed"] for row in rows] == ["", None]
    assert rows[1]["removed_hash"] == keyed_hash("1234", b"k")


def test_a_value_is_carried_through_all_edits_before():
    texts = ["call 138-1234-5678.", "ring 138+1234-5678.", "ring 138 1234 5678."]
    edits = [
        step(texts[0], [(0, 4, "ring"), (8, 9, "+")]),
        step(texts[1], [(8, 14, " 1234 ")]),
        step(texts[2], [(5, 18, "<PHONE>")], token=True),
    ]
    one, two, own = hide_in(*edits)
    assert [(row["removed"], row["replacement"]) for row in one] == [("call", "ring"), (None, "█")]
    assert [(row["removed"], row["replacement"]) for row in two] == [(None, "██████")]
    assert own[0]["replacement"] == "<PHONE>"


def test_a_whole_value_that_left_with_its_line_becomes_its_token():
    text = "Write to bob@example.com or 13812345678\nand so on."
    (row,), _ = hide_in(step(text, [(0, 40, "")]), step("and so on.", [], token=True))
    assert row["removed"] == "Write to <EMAIL> or <PHONE>\n"
    assert row["removed_hash"] is None


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_every_edit_that_touches_a_value_is_hidden(data):
    """Against a slow account of where each character of the text after came from."""
    before = data.draw(st.text("ab ", max_size=20))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(before)), max_size=8)))
    spans = [(start, end, data.draw(st.text("xyz", max_size=3)))
             for start, end in zip(cuts[::2], cuts[1::2], strict=False)]  # fmt: skip
    origin: list[int | None] = []  # of each character after: its edit, or None
    borders: list[int] = []  # where each edit's result starts
    at = 0
    for number, (start, end, new) in enumerate(spans):
        origin += [None] * (start - at)
        borders.append(len(origin))
        origin += [number] * len(new)
        at = end
    origin += [None] * (len(before) - at)
    assume(origin)
    first = data.draw(st.integers(0, len(origin) - 1))
    last = data.draw(st.integers(first + 1, len(origin)))
    touched = set(origin[first:last]) - {None}
    touched |= {n for n, (_, _, new) in enumerate(spans) if not new and first < borders[n] < last}

    after = "".join(  # what the edits lead to, to give the masking step its text
        part
        for number, (start, end, new) in enumerate(spans)
        for part in (before[(spans[number - 1][1] if number else 0) : start], new)
    ) + before[spans[-1][1] if spans else 0 :]  # fmt: skip
    rows, _ = hide_in(step(before, spans), step(after, [(first, last, "<X>")], token=True))
    for number, row in enumerate(rows):
        new = spans[number][2]
        expected = "".join("█" if first <= borders[number] + n < last else char
                           for n, char in enumerate(new))  # fmt: skip
        assert row["replacement"] == expected
        assert (row["removed"] is None) == (number in touched)


def test_messages_and_lone_strings():
    strings = pa.array(["a 138\u200b1234\u200b5678", None, "caf\u00e9\u00a0x", "bob@x.io"])
    hidden = redact(strings, locate, None).to_pylist()
    assert hidden == ["a <PHONE>", None, "caf\u00e9\u00a0x", "<EMAIL>"]
    error = repr(KeyError("call 138\u200b1234\u200b5678"))
    assert redact_message(error, locate, None) == "KeyError('call <PHONE>')"
    assert redact_message(r"\ud800 is no text", locate, None) == r"\ud800 is no text"
    assert redact_message("no \\u200b here", locate, None) == "no \\u200b here"
