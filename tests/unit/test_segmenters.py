"""A rule set and the words that it was measured with: plan errors, kernels, and a run."""

from __future__ import annotations

from pathlib import Path

import pytest

import corpusmith as cs
from corpusmith import catalog, plan, recipe
from corpusmith.errors import RecipeError
from corpusmith.store.workspace import Workspace
from tests.reference import datatrove as slow

PROSE = (
    "The tools that we have been given to work with are of two kinds, and it isn't all.\n"
    "They didn't say which of them to take, nor where to go with the rest of it.\n"
    "So we have gone on with what there was, and that had to be enough for a while.\n"
    "Nobody had asked for more than that; the plan was to be done by the evening.\n"
    "It was late when the last one came home, and he had nothing to tell them.\n"
    "- of all that\n"
)


def planned(tmp_path: Path, *clean: str) -> plan.Plan:
    (tmp_path / "a.txt").write_text(PROSE, encoding="utf-8")
    steps = "".join(f"  - {step}\n" for step in clean)
    path = tmp_path / "r.yaml"
    path.write_text(
        "corpusmith: 1\ncorpus: t\nsources: {s: {read: text, path: a.txt}}\nclean:\n" + steps,
        encoding="utf-8",
    )
    return plan.make(recipe.read(path), Workspace(tmp_path / "work"))


SPACY = "measure: [{quality: {words: spacy_en}}, {repetition: {words: spacy_en}}]"


@pytest.mark.parametrize(
    "clean",
    [
        ("measure: [quality, repetition]", "keep: gopher"),
        ("measure: [quality, code]", "keep: code"),  # its segmenter is none
        ("measure: [quality, repetition]", "keep: {set: gopher, variant: fineweb2}"),
        (SPACY, "keep: {set: gopher, variant: datatrove}"),
        (SPACY, "keep: {set: fineweb, variant: datatrove}"),
        (SPACY, "keep: {name: ours, where: {words: 10..}}"),  # a set that names no segmenter
        ("measure: quality", "keep: c4", SPACY, "keep: {set: gopher, variant: datatrove}"),
        ("edit: c4_datatrove", "keep: {set: c4, variant: datatrove}"),
    ],
)
def test_words_that_fit(tmp_path: Path, clean: tuple[str, ...]) -> None:
    planned(tmp_path, *clean)


@pytest.mark.parametrize(
    ("clean", "where", "said"),
    [
        (
            ("measure: [quality, repetition]", "keep: {set: gopher, variant: datatrove}"),
            ":6:11:",
            [
                "'gopher' (variant 'datatrove') takes its words from 'spacy_en'",
                "'quality' measured 'words' with 'unicode_words'",
                "`words: spacy_en` among the parameters of step 'quality'",
                "keep: gopher",
            ],
        ),
        (
            (SPACY, "keep: gopher"),
            ":6:11:",
            ["`words: unicode`", "keep: {set: gopher, variant: datatrove}"],
        ),
        (
            ("measure: [{quality: {words: spacy_en}}, repetition]",
             "keep: {set: gopher, variant: datatrove}"),
            ":6:11:",
            ["step 'repetition' measured 'dup_paragraphs_frac' with 'unicode_words'"],
        ),
        (
            ("measure: quality", "keep: {set: c4, variant: datatrove}"),
            ":6:11:",
            ["'c4_lorem_ipsum'", "edit: c4_datatrove"],
        ),
        (("measure: {quality: {words: spacy}}",), ":5:", ["'spacy'", "spacy_en"]),
    ],
)  # fmt: skip
def test_other_words_are_an_error_with_its_place(
    tmp_path: Path, clean: tuple[str, ...], where: str, said: list[str]
) -> None:
    with pytest.raises(RecipeError) as caught:
        planned(tmp_path, *clean)
    text = str(caught.value)
    assert where in text
    for piece in said:
        assert piece in text


def test_kernels_of_a_segmenter_are_compiled_where_it_is_used(tmp_path: Path) -> None:
    of_spacy = set(catalog.SEGMENTER_KERNELS["spacy_en"])
    plain = set(planned(tmp_path, "measure: quality").kernels)
    assert plain <= set(catalog.KERNELS) and not plain & of_spacy
    assert of_spacy <= set(planned(tmp_path, SPACY, "edit: c4_datatrove").kernels)


def test_a_run_keeps_and_drops_by_datatroves_numbers(tmp_path: Path) -> None:
    made = planned(
        tmp_path,
        SPACY,
        "keep: {set: gopher, variant: datatrove}",
        "keep: {set: fineweb, variant: datatrove}",
        "edit: c4_datatrove",
        "keep: {set: c4, variant: datatrove, where: {c4_sentences: 6..}}",
    )
    run = cs.run(made.recipe.path, workdir=tmp_path / "work", workers=1)
    [row] = run.signals().read_all().to_pylist()
    expected = {**slow.quality(PROSE), **slow.repetition(PROSE)}
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert row["c4_sentences"] == slow.c4(PROSE)[1] == 5
    [left] = run.dropped().read_all().to_pylist()
    assert (left["step"], left["rule"], left["value"], left["min"]) == (
        "c4",
        "c4_sentences",
        "5",
        "6",
    )
