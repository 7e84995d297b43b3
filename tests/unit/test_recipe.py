"""The recipe's syntax and its checks: what, where (line and column), and the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpusmith import recipe, steps
from corpusmith.errors import RecipeError

HEAD = "corpusmith: 1\ncorpus: x\nsources:\n  a: {read: jsonl, path: 'x'}\n"


def parsed(text: str) -> recipe.Recipe:
    return recipe.parse(text.encode(), Path("r.yaml"))


def error(text: str, *, built: bool = False) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        found = parsed(text)
        if built:
            steps.build(found)
    return caught.value


def test_yaml_1_2() -> None:
    values = parsed(HEAD + "train: {lr: 1e-3, a: no, b: 010, c: 50..10, d: 2020-01-01}\n").values
    assert values["train"] == {"lr": 0.001, "a": "no", "b": 10, "c": "50..10", "d": "2020-01-01"}


def test_positions() -> None:
    found = parsed(HEAD)
    assert found.position(("sources", "a", "path")) == "r.yaml:4:26"
    assert found.position(("sources", "a", "path"), key=True) == "r.yaml:4:20"
    assert found.position(("sources", "a", "nothing")) == "r.yaml:4:3"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (HEAD + "sorces: 1\n", "r.yaml:5:1", "did you mean 'sources'?"),
        (HEAD + "corpus: y\n", "r.yaml:5:1", 'duplicate key "corpus"'),
        (HEAD.replace("'x'", "*.jsonl"), "r.yaml:4:26", "put quotes around"),
        (HEAD + "seed: 99999999999999999999\n", "r.yaml:5:7", "from 0 to 2^63 - 1"),
        (HEAD + "seed: -1\n", "r.yaml:5:7", "from 0 to 2^63 - 1"),
        (HEAD + "clean: {a: 1}\n", "r.yaml:5:8", "expected: a list"),
        (HEAD.replace("corpusmith: 1", "corpusmith: 7"), "r.yaml:1:13", "pip install --upgrade"),
        ("corpus: x\n", "r.yaml:1:1", "the key 'corpusmith' is missing"),
        (HEAD.replace("corpus: x", "corpus: ../x"), "r.yaml:2:9", "can't be a name"),
        (HEAD + "mix: {tokens: ${env:N}}\n", "r.yaml:5:16", '"${env:NAME}"'),
        ("a: [1\n", "r.yaml:2:1", "not valid YAML"),
        ("- 1\n", "r.yaml:1:1", "a recipe is a mapping"),
        (HEAD + "seed: ${env:CORPUSMITH_NOT_SET}\n", "r.yaml:5:7", "no CORPUSMITH_NOT_SET"),
    ],
)
def test_syntax_errors(text: str, where: str, words: str) -> None:
    found = error(text)
    assert found.where == where
    assert words in str(found)
    assert found.exit_code == 2


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        *(("语料", True), ("données-2.0", True), ("корпус", True), ("x" * 80, True)),
        *(("x" * 81, False), ("Web", False), ("e\u0301", False), ("a/b", False), (".a", False)),
        *(("_a", False), ("a b", False), ("a:b", False), ("", False), ("语料\n", False)),
    ],
)
def test_names_of_any_script_in_one_spelling(name: str, fits: bool) -> None:
    assert recipe.is_name(name) is fits


def test_bombs_end_in_an_error() -> None:
    names = "abcdefghij"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{names[n]}: &{names[n]} [{', '.join(['*' + names[n - 1]] * 10)}]\n" for n in range(1, 9)
    )
    assert "unfolds to over" in str(error(bomb))
    assert "nested too deeply" in str(error("[" * 100_000))
    assert "bytes" in str(error("a: " + "x" * (2 << 20)))


def test_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUSMITH_TEST_SECRET", "hunter2")
    found = parsed(HEAD + "train: {model: '${env:CORPUSMITH_TEST_SECRET}'}\n")
    assert found.values["train"]["model"] == "hunter2"
    assert found.templates == {("train", "model"): "${env:CORPUSMITH_TEST_SECRET}"}
    shown = str(found.error(("train", "model"), "no model at hunter2/x", hint="ls hunter2"))
    assert "hunter2" not in shown
    assert "no model at [redacted]/x" in shown


@pytest.mark.parametrize(
    ("clean", "where", "words"),
    [
        ("[normalise]", "r.yaml:5:9", "did you mean 'normalize'?"),
        ("[quality]", "r.yaml:5:9", "- measure: quality"),
        ("[{measure: [qualty]}]", "r.yaml:5:20", "did you mean 'quality'?"),
        ("[{measure: normalize}]", "r.yaml:5:19", "`edit: normalize`"),
        ("[{kep: gopher}]", "r.yaml:5:10", "did you mean 'keep'?"),
        ("[{measure: quality}, {keep: gofer}]", "r.yaml:5:36", "did you mean 'gopher'?"),
        ("[{keep: {name: a, where: {words: 5..}}}]", "r.yaml:5:34", "- measure: quality"),
        ("[{dedup: {near: {treshold: 0.7}}}]", "r.yaml:5:25", "did you mean 'threshold'?"),
        ("[{dedup: fuzzy}]", "r.yaml:5:17", "near"),
        ("[{measure: ['./nowhere.py:f']}]", "r.yaml:5:20", "can't read"),
    ],
)
def test_step_errors(clean: str, where: str, words: str) -> None:
    found = error(HEAD + f"clean: {clean}\n", built=True)
    assert words in str(found)
    assert found.where == where


def test_a_rule_on_a_stale_signal_is_an_error() -> None:
    stale = HEAD + (
        "clean:\n  - measure: quality\n  - edit: c4_lines\n"
        "  - keep: {name: a, where: {words: 5..}%s}\n"
    )
    found = error(stale % "", built=True)
    assert "before a later step rewrote the text" in str(found)
    assert found.where == "r.yaml:8:29"
    built = steps.build(parsed(stale % ", of: before"))
    assert built.decides[-1].columns() == {"words": "words"}


def test_columns_of_signals_measured_twice() -> None:
    built = steps.build(
        parsed(
            HEAD + "clean:\n  - measure: quality\n  - keep: {name: a, where: {words: 5..}}\n"
            "  - edit: c4_lines\n  - measure: quality\n  - keep: {name: b, where: {words: 9..}}\n"
        )
    )
    by_name = {step.name: step for step in built.decides}
    assert by_name["a"].columns() == {"words": "words@quality"}
    assert by_name["b"].columns() == {"words": "words"}
    assert [step.text_version for step in built.passes] == [0, 0, 1]
    assert [step.name for step in built.passes] == ["quality", "c4_lines", "quality_2"]


def test_a_threshold_of_dedup_is_not_part_of_the_pass() -> None:
    def specs(threshold: float) -> list[dict]:
        text = HEAD + f"clean: [{{dedup: {{near: {{threshold: {threshold}}}}}}}]\n"
        return [step.spec() for step in steps.build(parsed(text)).passes]

    assert specs(0.7) == specs(0.9)
