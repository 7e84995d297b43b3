"""The shipped rule sets: numbers typed from the papers' tables (REFERENCE, section 1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpusmith import catalog, schema
from corpusmith.clean import rulefiles, rulesets
from corpusmith.clean.rules import RuleSet, check_rule_set, load_rule_set, shipped, variants
from corpusmith.loading import load_operation

HERE = Path()

GOPHER_QUALITY = {
    "words": "50..100000",
    "word_mean_chars": "3..10",
    "hash_per_word": "..0.1",
    "ellipsis_per_word": "..0.1",
    "bullet_lines_frac": "..0.9",
    "ellipsis_lines_frac": "..0.3",
    "alpha_words_dclm_frac": "0.8..",
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


def test_ngrams_of_characters():
    """Limits for n-grams of words stand over characters only where both measure the same thing."""
    rules = load_rule_set("gopher", HERE)
    # FineWeb-2, configs/cmn_Hani.yml and jpn_Jpan.yml: dup_n_grams.
    limits = {"zh": ("0.154", "0.14", "0.127"), "ja": ("0.248", "0.234", "0.223")}
    for language, numbers in limits.items():
        found = {s: c for s, c in conditions(rules, language).items() if s.startswith("dup_")}
        found = {s: c for s, c in found.items() if "gram" in s}
        assert found == {
            f"dup_{n}gram_chars_frac": f"..{limit}"
            for n, limit in zip((8, 9, 10), numbers, strict=True)
        }
    for language in ("zh", "yue", "wuu", "th", "lo", "km", "my"):
        assert not [s for s in conditions(rules, language) if s.startswith("top_")]
    for language in ("th", "lo", "km", "my"):
        assert not [s for s in conditions(rules, language) if "gram" in s]


def test_gopher_variants():
    assert variants("gopher") == ["datatrove", "dclm", "dolma", "fineweb2", "segmented"]
    tokens = {k.replace("alpha_words_dclm", "alpha_words"): v for k, v in GOPHER_QUALITY.items()}
    fineweb2 = load_rule_set({"set": "gopher", "variant": "fineweb2"}, HERE)
    assert conditions(fineweb2) == tokens | GOPHER_REPETITION
    assert conditions(fineweb2, "zh")["alpha_words_frac"] == "0.735.."
    # datatrove's defaults know no languages: English rules for every document.
    datatrove = load_rule_set({"set": "gopher", "variant": "datatrove"}, HERE)
    english = tokens | GOPHER_REPETITION | {"stop_words_distinct": "2.."}
    assert conditions(datatrove) == conditions(datatrove, "zh") == english
    dclm = load_rule_set({"set": "gopher", "variant": "dclm"}, HERE)
    assert conditions(dclm, "en") == {
        "words": "50..100000",
        "word_mean_chars": "3..10",
        "symbol_words_frac": "..0.1",
        "bullet_lines_dclm_frac": "..0.9",
        "ellipsis_lines_dclm_frac": "..0.3",
        "alpha_words_dclm_frac": "0.8..",
        "stop_words": "2..",
        **DCLM_REPETITION,
    }
    assert not {s for s in conditions(dclm, "zh") if s.endswith("gram_chars_frac")}
    assert "dup_5gram_chars_dclm_frac" not in conditions(dclm, "zh")
    # FineWeb-2's .154 and .248, twice: DCLM's formula counts the first of two copies as well.
    for found in (dclm, load_rule_set("dclm", HERE)):
        assert conditions(found, "zh")["dup_8gram_chars_dclm_frac"] == "..0.308"
        assert conditions(found, "ja")["dup_8gram_chars_dclm_frac"] == "..0.496"
        assert not {s for s in conditions(found, "zh") if s.startswith("top_")}
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
    datatrove = load_rule_set({"set": "c4", "variant": "datatrove"}, HERE)
    assert conditions(datatrove, "zh") == {
        "c4_lorem_ipsum": "false",
        "c4_curly_bracket": "false",
        "c4_sentences": "5..",
    }


def test_fineweb():
    rules = load_rule_set("fineweb", HERE)
    assert variants("fineweb") == ["datatrove", "segmented"]
    datatrove = load_rule_set({"set": "fineweb", "variant": "datatrove"}, HERE)
    assert conditions(datatrove, "zh") == {
        "terminal_lines_frac": "0.12..",
        "short_lines_frac": "..0.67",
        "duplicate_line_chars_frac": "..0.01",
        "newlines_per_word": "..0.3",
    }
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
        "ellipsis_lines_dclm_frac": "..0.3",
        "alpha_words_dclm_frac": "0.8..",
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
    assert shipped() == ["c4", "code", "dclm", "fineweb", "fineweb2", "gopher"]
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
                # A set whose segmenter is English judges every text as English.
                if rule.signal.startswith("stop_words") and rules.segmenter != "spacy_en":
                    assert rule.default is None
                    assert list(rule.by["lang"]) == ["en"]


def test_operations_measure_what_the_shipped_sets_read():
    """Every signal of every shipped set is one of an operation, and of a type that it fits."""
    fields = {name: schema.DOCUMENT.field(name).type for name in schema.DOCUMENT_RULE_COLUMNS}
    for name in ("quality", "repetition", "code", "c4_lines", "c4_datatrove", "dclm_lines"):
        operation = load_operation(catalog.OPERATIONS[name].address)
        params = operation.params() if operation.params else None
        fields |= {field.name: field.type for field in operation.schema(params)}
    for name in shipped():
        for variant in ["", *variants(name)]:
            rules = load_rule_set({"set": name, "variant": variant} if variant else name, HERE)
            check_rule_set(rules, fields)


# Typed from configs/{rus_Cyrl,cmn_Hani,deu_Latn,tha_Thai,jpn_Jpan}.yml of huggingface/fineweb-2.
FINEWEB2 = {
    "ru": "0.9.. ..0.322 ..0.184 ..0.164 ..0.146 ..0.168 ..0.109 0.231.. ..0.139 3..11 0.713..",
    "zh": "0.692.. ..0.287 ..0.256 ..0.201 ..0.171 ..0.198 ..0.127 0.106.. ..0.178 1..5 0.735..",
    "de": "0.821.. ..0.263 ..0.169 ..0.153 ..0.137 ..0.141 ..0.098 off ..0.152 0..15 0.774..",
    "th": "0.9.. ..0.349 ..0.221 ..0.197 ..0.162 ..0.185 ..0.111 off ..0.153 2..10 0.9..",
    "ja": "0.886.. ..0.375 ..0.121 ..0.129 ..0.145 ..0.307 ..0.223 0.167.. ..0.162 1..5 0.759..",
}
FINEWEB2_RULES = [
    "lang_score", "dup_lines_frac", "top_2gram_chars_frac", "top_3gram_chars_frac",
    "top_4gram_chars_frac", "dup_5gram_chars_frac", "dup_10gram_chars_frac", "terminal_lines_frac",
    "newlines_per_word", "word_mean_chars", "alpha_words_frac",
]  # fmt: skip


def test_fineweb2() -> None:
    rules = load_rule_set("fineweb2", HERE)
    assert rules.segmenter == "segmented_words"
    languages = set(rules.rule("lang_score").by["lang"])
    assert len(languages) == 28  # 26, Chinese by three codes
    for language, typed in FINEWEB2.items():
        for name, expected in zip(FINEWEB2_RULES, typed.split(), strict=True):
            assert conditions(rules, language).get(name, "off") == expected, (language, name)


def test_segmented_variants() -> None:
    """FineWeb-2's limits for n-grams of words stand where words are; other languages as ever."""
    fineweb2 = load_rule_set("fineweb2", HERE)
    gopher = load_rule_set({"set": "gopher", "variant": "segmented"}, HERE)
    fineweb = load_rule_set({"set": "fineweb", "variant": "segmented"}, HERE)
    assert gopher.segmenter == fineweb.segmenter == "segmented_words"
    for language in ("zh", "ja", "th", "lo", "km", "my"):
        expected = conditions(fineweb2, language)
        names = [name for name in expected if "gram" in name] + ["word_mean_chars"]
        found = conditions(gopher, language)
        assert {name: found[name] for name in names} == {name: expected[name] for name in names}
        assert conditions(fineweb, language)["newlines_per_word"] == expected["newlines_per_word"]
    for language in ("en", "de", "pt"):
        assert conditions(gopher, language) == conditions(load_rule_set("gopher", HERE), language)


@pytest.mark.parametrize("name", shipped())
def test_what_is_kept_of_a_shipped_file_is_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text = (rulesets.RULES_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    fresh = rulefiles.read(text)
    assert rulefiles.read_shipped(text, tmp_path) == fresh
    [kept] = tmp_path.iterdir()
    assert rulefiles.read_shipped(text, tmp_path) == fresh
    kept.write_bytes(kept.read_bytes()[:40])  # damaged: read again, and kept again
    assert rulefiles.read_shipped(text, tmp_path) == fresh
    json.loads(kept.read_bytes())

    def sets() -> list[RuleSet]:
        wanted = [name, *({"set": name, "variant": v} for v in variants(name))]
        return [load_rule_set(one, Path()) for one in wanted]

    found = sets()
    monkeypatch.setattr(rulefiles, "read_shipped", rulefiles.read)
    assert sets() == found
