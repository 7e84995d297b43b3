"""The gate of the main text engine on pages of our own making (`benchmarks/madepages`): main text
and structure by kind of page and by language, what pages say of themselves, all against floors.

Layouts that are `held_out` are never learned from. A clone without `../shared` has this gate.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.madepages import KINDS, LANGUAGES, Made, make, pages
from benchmarks.madepages.__main__ import SAMPLE, SAMPLE_SEED, floors, sample, write
from benchmarks.madepages.score import by_group, spaced, structure
from benchmarks.maintext_gold import TOKEN, runs
from corpusmith.collect import maintext
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


def test_the_gold_is_in_the_page_and_the_surroundings_are_not_in_the_gold() -> None:
    """Of every block of the gold all words stand in the page, in their order; what stands around
    repeats next to nothing of it, so that a run of words says where it belongs."""
    said = repeated = 0
    for made in corpus():
        scan = maintext.scan_page(made.page)
        everything = np.ones(len(scan.blocks), np.float32)
        text = spaced(maintext.write(scan, maintext.measure_page(scan), everything, 0.5))
        words = f" {' '.join(TOKEN.findall(text))} "
        for block in made.gold.split("\n\n"):
            assert f" {' '.join(TOKEN.findall(spaced(block)))} " in words, (made.name, block)
        wanted, there = runs(spaced(made.gold)), runs(text)
        said += wanted.total()
        repeated += sum(max(0, there[run] - count) for run, count in wanted.items())
    assert repeated < 0.01 * said, (repeated, said)


def test_the_command_measures_the_floors(capsys: pytest.CaptureFixture[str]) -> None:
    floors()
    measured: dict[str, dict[str, float]] = {}
    exec(capsys.readouterr().out, measured)
    assert measured["SHA256"] == SHA256
    for name, known in (("MAIN_TEXT", MAIN_TEXT), ("STRUCTURE", STRUCTURE)):
        assert set(measured[name]) == set(known)
        assert all(value <= measured[name][group] for group, value in known.items())


def test_the_command_writes_pages_and_gold(tmp_path: Path) -> None:
    made = list(pages(3, FIRST_SEED))
    write(made, tmp_path)
    assert (tmp_path / f"{made[2].name}.html").read_bytes() == made[2].page
    assert (tmp_path / f"{made[2].name}.txt").read_text("utf-8") == made[2].gold + "\n"
    assert len(json.loads((tmp_path / "said.json").read_text("utf-8"))) == 3
