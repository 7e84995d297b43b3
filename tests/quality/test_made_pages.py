"""The gate of the main text engine on pages of our own making (`benchmarks/madepages`): main text
and structure by kind of page and by language, what pages say of themselves, all against floors.

Layouts that are `held_out` are never learned from. A clone without `../shared` has this gate.
"""

from __future__ import annotations

import functools
import hashlib
import json

import pytest

from benchmarks.madepages import KINDS, LANGUAGES, Made, make, pages
from benchmarks.madepages.__main__ import SAMPLE, SAMPLE_SEED, sample
from benchmarks.madepages.score import by_group, structure
from corpusmith.collect.extract import Page, extract_page
from tests.quality.floors_made import FIELDS, FIRST_SEED, MAIN_TEXT, PAGES, SHA256, STRUCTURE

GROUPS = (*KINDS, *LANGUAGES, "held_out", "to_learn_from", "all")
SLACK = 0.05  # above a floor by more than this the floor has to rise


@functools.cache
def corpus() -> tuple[Made, ...]:
    return tuple(pages(PAGES, FIRST_SEED))


@functools.cache
def extracted() -> dict[bytes, Page]:
    """By page: each is read once for all of these tests."""
    return {made.page: extract_page(made.page, engine="corpusmith") for made in corpus()}


@functools.cache
def main_text() -> dict[str, tuple[float, float, float]]:
    return by_group(corpus(), lambda page: extracted()[page].text)


@functools.cache
def structures() -> dict[str, tuple[float, float, float]]:
    return by_group(corpus(), lambda page: extracted()[page].text, structure)


def test_the_pages_are_those_that_were_measured() -> None:
    known = hashlib.sha256()
    for made in corpus():
        known.update(
            hashlib.sha256(made.page).digest() + hashlib.sha256(made.gold.encode()).digest()
        )
    assert known.hexdigest() == SHA256, "other pages need other floors: measure them anew"


@pytest.mark.parametrize("group", GROUPS)
def test_main_text(group: str) -> None:
    found = main_text()[group][2]
    assert MAIN_TEXT[group] <= found <= MAIN_TEXT[group] + SLACK, f"{group}: F1 {found:.4f}"


@pytest.mark.parametrize("group", sorted(STRUCTURE))
def test_structure(group: str) -> None:
    found = structures()[group][2]
    assert STRUCTURE[group] <= found <= STRUCTURE[group] + SLACK, f"{group}: F1 {found:.4f}"


def test_every_group_has_a_floor() -> None:
    assert set(MAIN_TEXT) == set(GROUPS) == set(main_text())
    assert set(STRUCTURE) == set(structures())


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_fields(field: str) -> None:
    """The share of the pages whose field is what the page says, nothing where it says nothing."""
    wrong = []
    for made in corpus():
        found = getattr(extracted()[made.page], field)
        if field == "published" and found is not None:
            found = found.isoformat()
        expected = getattr(made.said, field)
        if found != expected:
            wrong.append((made.name, found, expected))
    assert len(wrong) <= (1 - FIELDS[field]) * PAGES, (len(wrong), wrong[:3])


def test_the_committed_pages_are_what_the_generator_makes() -> None:
    """They are there to be looked at, and to tell when Python draws otherwise than it did."""
    said = json.loads((SAMPLE / "said.json").read_text("utf-8"))
    for made in sample():
        assert (SAMPLE / f"{made.name}.html").read_bytes() == made.page, made.name
        assert (SAMPLE / f"{made.name}.txt").read_text("utf-8") == made.gold + "\n", made.name
        assert said[made.name]["title"] == made.said.title
    assert len(list(SAMPLE.glob("*.html"))) == len(sample())


def test_a_page_depends_on_nothing_else() -> None:
    first = make("forum_tree", "ja", SAMPLE_SEED)
    make("news_amp", "de", 3)
    assert make("forum_tree", "ja", SAMPLE_SEED) == first
