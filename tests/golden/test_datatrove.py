"""What datatrove and spaCy themselves said of texts: tokens, numbers, decisions, C4's text."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.equal_filters import RULE_SETS, compare
from corpusmith.kernels.spacy_words import words_of
from tests.reference import spacy_english

HERE = Path(__file__).parent
# As make_datatrove.py prints them; they change with the peers' version.
HASHES = {
    "spacy_en_tokens.jsonl": "2ac6264279eaa2a4a81f1d06a3b9976686616445b62f1e243686cedf670d24ce",
    "datatrove.jsonl": "6c3a3d37692f8c31abc1d9eb569d5cf60b515b1dd53aa5a6489d2369263ee138",
}


def rows(name: str) -> list:
    data = (HERE / name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == HASHES[name]
    return [json.loads(line) for line in data.decode().split("\n")[:-1]]


def test_tokens_are_spacys() -> None:
    given = rows("spacy_en_tokens.jsonl")
    texts = [text for text, _ in given]
    found = words_of(pa.array(texts, pa.large_string()))
    for number, (text, expected) in enumerate(given):
        data = text.encode()
        mine = range(found.ends[number], found.ends[number + 1])
        spans = [(found.tokens.starts[t], found.tokens.lengths[t]) for t in mine]
        assert [data[at : at + size].decode() for at, size in spans] == expected.split(), text
        assert spacy_english.words(text) == expected.split(), text


def test_decisions_numbers_and_texts_are_datatroves() -> None:
    given = rows("datatrove.jsonl")
    found = compare([row["text"] for row in given], given)
    assert found["documents"] == len(given) > 100
    assert found["decisions"] == dict.fromkeys(RULE_SETS, 1.0)
    assert set(found["numbers"].values()) == {1.0}
    assert found["c4_texts"] == 1.0


@pytest.mark.parametrize("name", RULE_SETS)
def test_the_golden_texts_make_every_rule_speak(name: str) -> None:
    reasons = {str(row[name]) for row in rows("datatrove.jsonl")}
    assert reasons >= {
        "gopher_quality": {"True", "gopher_short_doc", "gopher_below_alpha_threshold",
                           "gopher_below_avg_threshold", "gopher_enough_stop_words",
                           "gopher_too_many_hashes", "gopher_too_many_ellipsis",
                           "gopher_too_many_end_ellipsis", "gopher_too_many_bullets"},
        "gopher_repetition": {"True", "dup_line_frac", "dup_para_frac", "top_2_gram",
                              "duplicated_5_n_grams"},
        "c4": {"True", "lorem_ipsum", "curly_bracket", "too_few_sentences"},
        "fineweb": {"True", "line_punct_ratio", "short_line_ratio", "char_dup_ratio", "empty",
                    "list_ratio"},
    }[name]  # fmt: skip
