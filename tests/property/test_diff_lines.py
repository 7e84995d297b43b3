"""`diff` over random texts and edits: what it rebuilds, what it shows, and what it must not."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.clean.spans import apply_edits
from corpusmith.report.diff import BLOCK, take_back, unified

TEXT = st.text(alphabet="ab\n 中é\U0001f600", max_size=60)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[dict]]:
    """A text and sorted spans that don't overlap."""
    before = draw(TEXT)
    cuts = sorted(draw(st.lists(st.integers(0, len(before)), max_size=8)))
    spans = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        spans.append(
            {
                "start": start,
                "end": end,
                "kind": "test",
                "removed": before[start:end],
                "replacement": draw(st.text(alphabet="xy\n中", max_size=6)),
            }
        )
    return before, spans


def patch(before: str, lines: list[str]) -> str:
    """Apply a unified diff by its line numbers; what it says was there must be there."""
    old = before.split("\n")
    if old[-1] == "":
        old.pop()  # a last line without a newline is shown like the others
    new, at = [], 0
    for line in lines:
        if line.startswith("@@"):
            match = re.fullmatch(r"@@ -(\d+),(\d+) \+(\d+),(\d+) @@", line)
            assert match is not None
            start = int(match[1]) - 1
            new += old[at:start]
            at = start
            assert len(new) == int(match[3]) - 1
        elif line[0] == "+":
            new.append(line[1:])
        else:
            assert old[at] == line[1:]
            if line[0] == " ":
                new.append(old[at])
            at += 1
    return "\n".join(new + old[at:])


@given(edited(), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_the_lines_are_a_patch(edit: tuple[str, list[dict]], context: int) -> None:
    before, spans = edit
    after = apply_edits(before, spans)
    assert patch(before, unified(before, spans, context)) == after.removesuffix("\n")


@given(edited())
@settings(max_examples=100, deadline=None)
def test_what_was_not_masked_comes_back(edit: tuple[str, list[dict]]) -> None:
    before, spans = edit
    assert take_back(apply_edits(before, spans), spans) == before


@given(edited(), st.data())
@settings(max_examples=100, deadline=None)
def test_two_steps_of_which_the_second_masks(
    edit: tuple[str, list[dict]], data: st.DataObject
) -> None:
    """Whatever the first edit touched, nothing of what was masked comes back, and all else does."""
    first, spans = edit
    second = apply_edits(first, spans)
    start = data.draw(st.integers(0, len(second)))
    end = data.draw(st.integers(start, len(second)))
    mask = {"start": start, "end": end, "kind": "pii:email", "removed": None,
            "replacement": "<EMAIL>"}  # fmt: skip
    last = apply_edits(second, [{**mask, "removed": ""}])
    back = take_back(last, [mask])
    assert back == second[:start] + BLOCK * (end - start) + second[end:]
    oldest = take_back(back, spans)
    assert len(oldest) == len(first)
    for shown, was in zip(oldest, first, strict=True):
        assert shown in (was, BLOCK)
