"""Ranges, rule sets and their files: forms, boundaries, errors, and the shipped thresholds."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpusmith import catalog, schema
from corpusmith.clean.ranges import Column, parse_condition
from corpusmith.clean.rules import (
    RuleSet,
    check_rule_set,
    evaluate,
    load_rule_set,
    shipped,
    variants,
)
from corpusmith.errors import RecipeError
from corpusmith.store.loading import load_operation

HERE = Path()


def fails(raw, values, kind) -> list[bool]:
    return Column("x", pa.array(values, kind)).fails(parse_condition(raw)).tolist()


# --- ranges ------------------------------------------------------------------------------


def test_ends_are_inclusive():
    assert fails("50..100", [49, 50, 100, 101], pa.int32()) == [True, False, False, True]
    assert fails("..0.1", [0.1, 0.10001], pa.float64()) == [False, True]
    assert fails("0.8..", [0.79999, 0.8], pa.float64()) == [True, False]
    assert fails("-5..-1", [-6, -5, -1, 0], pa.int64()) == [True, False, False, True]


def test_bounds_are_cast_to_the_signals_type():
    # The float32 nearest to 0.65 is 0.64999998: below 0.65 as a float64, equal as a float32.
    nearest_32 = np.float32(0.65)
    assert float(nearest_32) < 0.65
    below = np.nextafter(nearest_32, np.float32(0))
    assert fails("0.65..", [nearest_32, below], pa.float32()) == [False, True]
    assert fails("0.65..", [float(nearest_32)], pa.float64()) == [True]
    # 0.1 is rounded up: 0.1f > 0.1.
    above = np.nextafter(np.float32(0.1), np.float32(1))
    assert fails("..0.1", [np.float32(0.1), above], pa.float32()) == [False, True]
    assert fails(0.65, [nearest_32, below], pa.float32()) == [False, True]


def test_whole_numbers_take_what_lies_inside():
    assert fails("1.5..2.5", [1, 2, 3], pa.int32()) == [True, False, True]
    # Beyond the type, and beyond what a float64 can tell apart.
    assert fails("..1e30", [2**63 - 1], pa.int64()) == [False]
    assert fails("1e30..", [2**63 - 1], pa.int64()) == [True]
    assert fails("..9007199254740992", [2**53, 2**53 + 1], pa.int64()) == [False, True]
    assert fails("1..", [2**64 - 1, 0], pa.uint64()) == [False, True]


def test_null_and_nan_pass_unless_dropped():
    assert fails("50..", [None, 1], pa.int32()) == [False, True]
    assert fails({"range": "50..", "null": "drop"}, [None, 50], pa.int32()) == [True, False]
    nan = [float("nan"), None, 0.5]
    assert fails("0.6..", nan, pa.float32()) == [False, False, True]
    assert fails({"range": "0.1..", "null": "drop"}, nan, pa.float32()) == [True, True, False]
    # YAML reads the bare key `null` as null, not as a text.
    assert fails({"range": "50..", None: "drop"}, [None], pa.int32()) == [True]
    # "..", with null: drop, only asks for a value; a column without any type has none.
    assert fails({"range": "..", "null": "drop"}, ["MIT", None], pa.string()) == [False, True]
    assert fails({"range": "50..", "null": "drop"}, [None], pa.null()) == [True]
    assert fails("50..", [None], pa.null()) == [False]


def test_infinities_are_compared():
    values = [float("inf"), float("-inf")]
    assert fails("..0.1", values, pa.float32()) == [True, False]
    assert fails("0..", values, pa.float64()) == [False, True]
    assert fails("..1e39", [float("inf"), 3e38], pa.float32()) == [False, False]


def test_equality_and_membership():
    assert fails("en", ["en", "zh", None], pa.string()) == [False, True, False]
    assert fails(["en", "zh"], ["en", "zh", "fr"], pa.large_string()) == [False, False, True]
    assert fails(False, [True, False, None], pa.bool_()) == [True, False, False]
    assert fails([1, 3], [1, 2, 3], pa.int32()) == [False, True, False]
    assert fails(["a..b"], ["a..b", "a"], pa.string()) == [False, True]  # a list is literal


def test_dates_include_their_last_day():
    def at(*date: int) -> datetime.datetime:
        return datetime.datetime(*date, tzinfo=datetime.UTC)

    times = [at(2014, 12, 31, 23), at(2015, 1, 1), at(2020, 12, 31, 23, 59), at(2021, 1, 1)]
    kind = schema.DOCUMENT.field("created").type
    assert fails("2015-01-01..2020-12-31", times, kind) == [True, False, False, True]
    assert fails("2020-12-31", times, kind) == [True, True, False, True]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("1e-3..", "0.001.."),
        ("..0.10", "..0.1"),
        ("5E1..1e5", "50..100000"),
        (" 3 .. 10 ", "3..10"),
        (0.30, "0.3"),
        (["en", "zh"], "en, zh"),
    ],
)
def test_one_text_for_one_condition(raw, text):
    assert str(parse_condition(raw)) == text


@pytest.mark.parametrize(
    "raw",
    [
        *("..", "1...5", ".5..", "a..b", "10..3", "1..2015-01-01", "nan..", "0x10.."),
        *([], None, {"rnage": "1.."}, {"null": "drop"}, {"range": "1..", "null": "maybe"}),
        float("inf"),
    ],
)
def test_what_is_no_condition(raw):
    with pytest.raises(RecipeError) as error:
        parse_condition(raw, where="r.yaml:3:5")
    assert error.value.where == "r.yaml:3:5"
    assert error.value.expected


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("50..", pa.string()),
        ("0..1", pa.bool_()),
        ("en", pa.int32()),
        (5, pa.bool_()),
        (True, pa.int32()),
        (0.5, pa.int32()),  # never equal to a whole number
        ("2015-01-01..", pa.float32()),
        ("50..", pa.timestamp("us", tz="UTC")),
        ("50..", pa.list_(pa.int32())),
    ],
)
def test_a_condition_that_does_not_fit_the_signal(raw, kind):
    rules = load_rule_set({"name": "r", "where": {"x": raw}}, HERE)
    with pytest.raises(RecipeError, match="x is"):
        check_rule_set(rules, {"x": kind})


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


# --- the shipped sets: numbers typed from the papers' tables (REFERENCE, section 1) --------

GOPHER_QUALITY = {
    "words": "50..100000",
    "word_mean_chars": "3..10",
    "hash_per_word": "..0.1",
    "ellipsis_per_word": "..0.1",
    "bullet_lines_frac": "..0.9",
    "ellipsis_lines_frac": "..0.3",
    "alpha_words_frac": "0.8..",
}
GOPHER_REPETITION = {
    "dup_paragraphs_frac": "..0.3",
    "dup_lines_frac": "..0.3",
    "dup_paragraph_chars_frac": "..0.2",
    "dup_line_chars_frac": "..0.2",
    "top_2gram_chars_frac": "..0.2",
    "top_3gram_chars_frac": "..0.18",
    "top_4gram_chars_frac": "..0.16",
    "dup_5gram_chars_frac": "..0.15",
    "dup_6gram_chars_frac": "..0.14",
    "dup_7gram_chars_frac": "..0.13",
    "dup_8gram_chars_frac": "..0.12",
    "dup_9gram_chars_frac": "..0.11",
    "dup_10gram_chars_frac": "..0.1",
}
DCLM_REPETITION = {k.replace("_frac", "_dclm_frac"): v for k, v in GOPHER_REPETITION.items()}
CODE = {
    "vendored": "false",
    "generated": "false",
    "minified": "false",
    "xml_head": "false",
    "longest_line_chars": "..1000",
    "mean_line_chars": "..100",
    "alnum_frac": "0.25..",
    "comment_frac": "0.01..0.8",
}


def conditions(rules: RuleSet, key: str = "", column: str = "lang") -> dict[str, str]:
    """Signal -> condition that a document meets, of those that are on."""
    found = {}
    for rule in rules.rules:
        condition = rule.by.get(column, {}).get(key, rule.default)
        if condition is not None:
            found[rule.signal] = str(condition)
    return found


def test_gopher():
    rules = load_rule_set("gopher", HERE)
    assert conditions(rules) == GOPHER_QUALITY | GOPHER_REPETITION
    english = GOPHER_QUALITY | {"stop_words_distinct": "2.."} | GOPHER_REPETITION
    assert conditions(rules, "en") == english
    assert list(conditions(rules, "en")) == list(english)
    assert rules.modality == ("text", "image-text", "audio-text")


def test_gopher_by_language():
    rules = load_rule_set("gopher", HERE)
    paragraphs = {"dup_paragraphs_frac", "dup_paragraph_chars_frac"}
    for language, mean in (("zh", "1..5"), ("pt", "3..13"), ("hi", "2..21")):
        found = conditions(rules, language)
        assert found["word_mean_chars"] == mean
        assert not paragraphs & set(found)
        assert "stop_words_distinct" not in found
    # FineWeb-2, configs/cmn_Hani.yml: top_n_grams and dup_n_grams.
    numbers = {"2": "0.256", "3": "0.201", "4": "0.171"}
    chinese = conditions(rules, "zh")
    assert {n: chinese[f"top_{n}gram_chars_frac"] for n in numbers} == {
        n: f"..{value}" for n, value in numbers.items()
    }
    numbers = {5: "0.198", 6: "0.182", 7: "0.167", 8: "0.154", 9: "0.14", 10: "0.127"}
    assert [chinese[f"dup_{n}gram_chars_frac"] for n in numbers] == [
        f"..{value}" for value in numbers.values()
    ]


def test_gopher_variants():
    assert variants("gopher") == ["dclm", "dolma"]
    dclm = load_rule_set({"set": "gopher", "variant": "dclm"}, HERE)
    assert conditions(dclm, "en") == {
        "words": "50..100000",
        "word_mean_chars": "3..10",
        "symbol_words_frac": "..0.1",
        "bullet_lines_dclm_frac": "..0.9",
        "ellipsis_lines_frac": "..0.3",
        "alpha_words_frac": "0.8..",
        "stop_words": "2..",
        **DCLM_REPETITION,
    }
    assert not {s for s in conditions(dclm, "zh") if s.endswith("gram_chars_frac")}
    assert conditions(dclm, "zh")["dup_5gram_chars_dclm_frac"] == "..0.198"
    dolma = conditions(load_rule_set({"set": "gopher", "variant": "dolma"}, HERE))
    assert dolma["word_median_chars"] == "3..10"
    assert dolma["ellipsis_char_per_word"] == "..0.1"
    assert not {"word_mean_chars", "ellipsis_per_word"} & set(dolma)
    assert {k: v for k, v in dolma.items() if k in GOPHER_REPETITION} == GOPHER_REPETITION


def test_c4():
    rules = load_rule_set("c4", HERE)
    paper = {"lorem_ipsum": "false", "curly_brackets": "..0", "sentences": "5.."}
    assert conditions(rules) == conditions(rules, "en") == paper
    for language in ("zh", "pt", "hi"):
        assert conditions(rules, language) == {}
    reference = load_rule_set({"set": "c4", "variant": "reference"}, HERE)
    assert conditions(reference) == paper | {"sentences": "3.."}


def test_fineweb():
    rules = load_rule_set("fineweb", HERE)
    assert conditions(rules, "en") == {
        "lang_score": "0.65..",
        "terminal_lines_frac": "0.12..",
        "short_lines_frac": "..0.67",
        "duplicate_line_chars_frac": "..0.01",
        "newlines_per_word": "..0.3",
    }
    for language, score, terminal in (
        ("zh", "0.692..", "0.106.."),
        ("pt", "0.799..", "0.077.."),
        ("hi", "0.692..", "0.091.."),
    ):
        assert conditions(rules, language) == {
            "lang_score": score,
            "terminal_lines_frac": terminal,
            "duplicate_line_chars_frac": "..0.1",
            "newlines_per_word": "..0.3",
        }


def test_dclm():
    rules = load_rule_set("dclm", HERE)
    assert conditions(rules, "en") == {
        "lang_score": "0.65..",
        "words": "50..100000",
        "word_mean_chars": "3..10",
        "symbol_words_frac": "..0.1",
        "bullet_lines_dclm_frac": "..0.9",
        "ellipsis_lines_frac": "..0.3",
        "alpha_words_frac": "0.8..",
        "stop_words": "2..",
        **DCLM_REPETITION,
        "dclm_lines_removed_words_frac": "..0.05",
    }
    assert rules.of == "before"
    chinese = conditions(rules, "zh")
    assert (chinese["lang_score"], chinese["word_mean_chars"]) == ("0.692..", "1..5")
    assert "stop_words" not in chinese
    english_only = load_rule_set({"set": "dclm", "variant": "english"}, HERE)
    assert conditions(english_only)["lang"] == "en"


def test_code():
    rules = load_rule_set("code", HERE)
    assert rules.modality == ("code",)
    assert conditions(rules) == conditions(rules, "python", "code_language") == CODE
    html = conditions(rules, "html", "code_language")
    assert (html["html_visible_frac"], html["html_visible_chars"]) == ("0.2..", "100..")
    for language in ("json", "yaml"):
        assert conditions(rules, language, "code_language")["text_chars"] == "50..5000"
    redpajama = load_rule_set({"set": "code", "variant": "redpajama"}, HERE)
    assert conditions(redpajama) == CODE | {"letters_per_token": "1.5.."}


def test_every_shipped_set_loads_and_says_what_it_is():
    assert shipped() == ["c4", "code", "dclm", "fineweb", "gopher"]
    for name in shipped():
        for variant in ["", *variants(name)]:
            rules = load_rule_set({"set": name, "variant": variant} if variant else name, HERE)
            assert rules.name == name
            assert rules.variant and rules.source and rules.segmenter and rules.modality
            assert RuleSet.model_validate_json(rules.model_dump_json()) == rules
            for rule in rules.rules:
                assert not any(condition.null == "drop" for condition in rule.conditions())


def test_no_stop_words_but_for_english():
    """A list of English words says nothing about a text in another language."""
    for name in shipped():
        for variant in ["", *variants(name)]:
            rules = load_rule_set({"set": name, "variant": variant} if variant else name, HERE)
            for rule in rules.rules:
                if rule.signal.startswith("stop_words"):
                    assert rule.default is None
                    assert list(rule.by["lang"]) == ["en"]


def test_operations_measure_what_the_shipped_sets_read():
    """Every signal of every shipped set is one of an operation, and of a type that it fits."""
    fields = {name: schema.DOCUMENT.field(name).type for name in schema.DOCUMENT_RULE_COLUMNS}
    for name in ("quality", "repetition", "code", "c4_lines", "dclm_lines"):
        operation = load_operation(catalog.OPERATIONS[name].address)
        params = operation.params() if operation.params else None
        fields |= {field.name: field.type for field in operation.schema(params)}
    for name in shipped():
        for variant in ["", *variants(name)]:
            rules = load_rule_set({"set": name, "variant": variant} if variant else name, HERE)
            check_rule_set(rules, fields)
