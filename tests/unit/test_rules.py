"""Rule sets: the evaluator's rows by hand, files and changes, errors with line and column."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from corpusmith import schema
from corpusmith.clean.rules import RuleSet, evaluate, load_rule_set
from corpusmith.errors import RecipeError

HERE = Path()


# --- the evaluator -----------------------------------------------------------------------


def test_decisions_by_hand():
    rules = load_rule_set(
        {
            "name": "ours",
            "modality": ["text"],
            "where": {
                "lang": ["en", "zh"],
                "words": "50..100000",
                "mean": "3..10",
                "stop": "off",
                "generated": False,
            },
            "by_language": {"zh, yue": {"mean": "1..5"}, "en": {"stop": "2.."}},
        },
        HERE,
    )
    signals = pa.table(
        {
            "id": ["a", "b", "c", "d", "e", "f"],
            "modality": ["text", "text", "text", "code", "text", "text"],
            "lang": ["en", "zh", "fr", "fr", "ZH", None],
            "words": pa.array([49, 50, 10, 1, 60, 60], pa.int32()),
            "mean": pa.array([2.5, 5.5, 2.0, 0.0, 1.0, 4.0], pa.float32()),
            "stop": pa.array([1, 0, 0, 0, 0, 0], pa.int32()),
            "generated": pa.array([True, False, False, True, None, None]),
        }
    )
    found = evaluate(rules, signals, "keep_ours")
    assert found.schema == schema.DECISION
    both = {"step": "keep_ours", "duplicate_of": None}
    languages = {"rule": "lang", "signal": "lang", "min": "en, zh", "max": "en, zh"}
    assert found.to_pylist() == [
        {
            "id": "a",
            "rule": "words",
            "signal": "words",
            "value": "49",
            "min": "50",
            "max": "100000",
            "also": ["mean", "stop", "generated"],
            **both,
        },
        {
            "id": "b",
            "rule": "mean",
            "signal": "mean",
            "value": "5.5",
            "min": "1",
            "max": "5",
            "also": [],
            **both,
        },
        {"id": "c", "value": "fr", "also": ["words", "mean"], **languages, **both},
        # d is code, of which the set says nothing; f has no language, which passes.
        {"id": "e", "value": "ZH", "also": [], **languages, **both},
    ]


def test_values_are_the_shortest_decimals():
    values = [0.65, 1e-7, 123456.789, 1e20, float("-inf"), -0.5]
    signals = pa.table({"id": [str(i) for i in range(6)], "x": pa.array(values, pa.float32())})
    found = evaluate(load_rule_set({"name": "r", "where": {"x": "5..6"}}, HERE), signals, "r")
    assert found["value"].to_pylist() == [
        *["0.65", "0.0000001", "123456.79", "100000000000000000000", "-inf", "-0.5"]
    ]


def test_a_rule_named_unlike_its_signal():
    where = {
        "short": {"signal": "words", "range": "50.."},
        "long": {"signal": "words", "range": "..60"},
    }
    rules = load_rule_set({"name": "r", "where": where}, HERE)
    assert rules.signals() == ["words"]
    signals = pa.table({"id": ["a", "b"], "words": [10, 70]})
    found = evaluate(rules, signals, "r").select(["id", "rule", "signal", "min", "max"])
    assert [list(row.values()) for row in found.to_pylist()] == [
        ["a", "short", "words", "50", None],
        ["b", "long", "words", None, "60"],
    ]


def test_a_missing_signal_names_the_nearest():
    rules = load_rule_set({"name": "r", "where": {"word": "50.."}}, HERE)
    with pytest.raises(RecipeError, match="needs the signal 'word'") as error:
        evaluate(rules, pa.table({"id": ["a"], "words": [1]}), "r")
    assert "'words'" in error.value.expected


def test_no_documents():
    rules = load_rule_set({"name": "r", "where": {"words": "50.."}}, HERE)
    none = pa.table({"id": pa.array([], pa.string()), "words": pa.array([], pa.int32())})
    assert evaluate(rules, none, "r").schema == schema.DECISION
    assert evaluate(rules, none, "r").num_rows == 0


# --- loading -----------------------------------------------------------------------------

MINE = """\
name: mine
where:
  words: {range: 50.., null: drop}
  ratio: ..0.1
by_language:
  no: {ratio: off}     # Norwegian: YAML 1.2 reads a text
variants:
  strict:
    where: {ratio: ..0.01}
    instead: {words: tokens}
"""


def test_a_file_of_the_users(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE, encoding="utf-8")
    rules = load_rule_set("./mine.yaml", tmp_path)
    assert [rule.name for rule in rules.rules] == ["words", "ratio"]
    assert rules.rule("words").default.null == "drop"
    assert rules.rule("ratio").by == {"lang": {"no": None}}
    strict = load_rule_set({"set": "./mine.yaml", "variant": "strict", "name": "s"}, tmp_path)
    assert (strict.name, strict.variant) == ("s", "strict")
    assert [(rule.signal, str(rule.default)) for rule in strict.rules] == [
        ("tokens", "50.."),
        ("ratio", "..0.01"),
    ]
    assert RuleSet.model_validate(strict.model_dump(mode="json")) == strict


def test_changes_to_a_shipped_set():
    step = {
        "set": "gopher",
        "where": {"words": "100..", "stop_words_distinct": "off", "mine": "..1"},
        "by_language": {"de": {"word_mean_chars": "3..14"}},
        "null": "drop",
        "of": "before",
        "modality": "text",
    }
    rules = load_rule_set(step, HERE)
    assert (str(rules.rule("words").default), rules.of, rules.modality) == (
        *["100..", "before", ("text",)],
    )
    assert rules.rule("stop_words_distinct").conditions() == []  # for English too
    assert "stop_words_distinct" not in rules.signals()
    assert rules.rules[-1].name == "mine"
    languages = rules.rule("word_mean_chars").by["lang"]
    assert (str(languages["de"]), str(languages["zh"])) == ("3..14", "1..5")
    assert {c.null for rule in rules.rules for c in rule.conditions()} == {"drop"}


@pytest.mark.parametrize(
    ("step", "what", "expected"),
    [
        ("gofer", "no rule set 'gofer'", "'gopher'"),
        ({"set": "gopher", "variant": "dlcm"}, "no variant 'dlcm'", "'dclm'"),
        ({"name": "x", "wehre": {}}, "unknown key 'wehre'", "'where'"),
        ({"name": "x", "words": "50.."}, "unknown key 'words'", ""),
        ({"name": "x", "where": {"words": "50..", "a": "b..c"}}, "is no range", "50..100000"),
        ({"where": {"words": "50.."}}, "without a name", "name: ours"),
        ({"name": "x", "where": {}}, "has no rule", "where:"),
        ({"name": "x", "where": {"words": "off"}}, "has no rule", ""),
        ({"name": "x", "where": ["words"]}, "is no mapping", ""),
        ({"name": "x", "where": {"w": 1}, "modality": "txt"}, "no modality 'txt'", "'text'"),
        ({"name": "x", "where": {"w": 1}, "of": "after"}, "of: 'after'", "before"),
        ({"name": "x", "where": {"w": 1}, "null": "no"}, "null: 'no'", "pass or drop"),
        ({"name": "x", "where": {"w": 1}, "by": {"values": {}}}, "without its column", "by:"),
        ({"variant": "dclm"}, "a variant of which set?", "set: gopher"),
        (["gopher"], "is no rule set", ""),
        ("./absent.yaml", "can't read", ""),
    ],
)
def test_errors_of_a_step(step, what, expected):
    with pytest.raises(RecipeError, match=what.replace("?", r"\?")) as error:
        load_rule_set(step, HERE, where="recipe.yaml:9:7")
    assert error.value.where == "recipe.yaml:9:7"
    assert expected in error.value.expected


def test_errors_know_the_keys_of_a_step():
    step = {"name": "x", "where": {"words": "50..", "ratio": "a..b"}}
    with pytest.raises(RecipeError) as error:
        load_rule_set(step, HERE, where=lambda keys: "/".join(("keep", *keys)))
    assert error.value.where == "keep/where/ratio"


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("name: m\nwhere:\n  words: 50..\n  ratio: x..y\n", "m.yaml:4:3", "is no range"),
        ("name: m\nwhere: {words: 50..}\nmodallity: [text]\n", "m.yaml:3:1", "unknown key"),
        ("name: m\nname: n\n", "m.yaml:2:1", "duplicate key"),
        ("name: [m\n", "m.yaml:2:1", "not valid YAML"),
        ("- words\n", "m.yaml:1:1", "a rule set is a mapping"),
        ("name: m\nwhere: {w: 1..}\nby_language:\n  zh:\n    w: z..\n", "m.yaml:5:5", "no range"),
        ("name: m\nwhere: {w: 1..}\nvariants:\n  v:\n    wher: 1\n", "m.yaml:5:5", "unknown"),
    ],
)
def test_errors_in_a_file_have_line_and_column(tmp_path, text, place, what):
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=what) as error:
        load_rule_set(
            {"set": "./m.yaml", "variant": "v"} if "variants" in text else "./m.yaml", tmp_path
        )
    assert error.value.where == "./" + place


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "m.yaml").write_bytes(b"name: \xff\n")
    with pytest.raises(RecipeError, match="not UTF-8"):
        load_rule_set("./m.yaml", tmp_path)
