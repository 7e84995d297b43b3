"""Signals of small English and Chinese texts, computed by hand."""

from __future__ import annotations

import inspect
import json
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import signals as benchmark
from corpusmith.clean.code import CODE_SIGNALS, code
from corpusmith.clean.quality import QUALITY_SIGNALS, quality
from corpusmith.clean.repetition import REPETITION_SIGNALS, repetition
from corpusmith.errors import CorpusmithError
from corpusmith.kernels import repeats, segments, signals
from corpusmith.op import Context
from tests.reference import signals as slow
from tests.signal_rows import batch, check

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def test_quality_of_an_english_text():
    # 37 characters. Tokens: The cat sat . | # | The cat sat ... | - a bullet
    text = "The cat sat. # The cat sat...\n- a dog"
    check(
        quality,
        text,
        {
            "text_chars": 37,
            "text_bytes": 37,
            "tokens": 12,
            "words": 8,
            "word_mean_chars": (6 * 3 + 1 + 3) / 8,
            "word_median_chars": 3.0,
            "hash_per_word": 1 / 12,
            "ellipsis_per_word": 1 / 12,
            "ellipsis_char_per_word": 0.0,
            "symbol_words_frac": 2 / 8,
            "bullet_lines_frac": 1 / 2,
            "bullet_lines_dclm_frac": 1 / 2,
            "ellipsis_lines_frac": 1 / 2,
            "alpha_words_frac": 8 / 12,
            "alpha_words_dclm_frac": 1.0,
            "stop_words_distinct": 0,  # "The" is not in lower case
            "stop_words": 2,
            "lines": 2,
            "full_lines": 2,
            "paragraphs": 1,
            "sentences": 3,
            "terminal_lines_frac": 1 / 2,
            "terminal_lines_ascii_frac": 1 / 2,
            "short_lines_frac": 1.0,
            "newlines_per_word": 1 / 12,
            "uppercase_frac": 2 / 37,
            "digit_frac": 0.0,
            "curly_brackets": 0,
        },
    )


def test_quality_of_a_chinese_text():
    # 22 characters, 3 bytes each but `GPT`, `4` and the newline. Words: 今 天 天 气 很 好 |
    # 我 用 GPT4 写 作 | 真 的 吗; symbols: ， 。 “ ？ ”
    text = "今天天气很好，我用GPT4写作。\n“真的吗？”"
    check(
        quality,
        text,
        {
            "text_chars": 16 + 1 + 6,
            "text_bytes": 12 * 3 + 4 + 1 + 6 * 3,
            "tokens": 6 + 1 + 5 + 1 + 6,
            "words": 14,
            "word_mean_chars": (13 * 1 + 4) / 14,
            "word_median_chars": 1.0,
            "alpha_words_frac": 14 / 19,
            "sentences": 2,
            "lines": 2,
            "terminal_lines_frac": 1.0,  # 。 and ”
            "terminal_lines_ascii_frac": 0.0,
            "digit_frac": 1 / 23,
            "uppercase_frac": 3 / 23,
        },
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't stop", 3),  # don ' t stop
        ("3.14", 2),
        ("snake_case ___", 1),  # connectors alone are a symbol
        ("สวัสดี", 4),  # ส วั ส ดี: a vowel sign belongs to its consonant
        ("e\u0301te\u0301", 1),
        ("हिन्दी भाषा", 2),
        ("한국어 문장", 2),  # Korean has spaces
        ("東京タワー", 5),
        ("🎉🎉 ❤\ufe0f", 0),
        ("", 0),
        ("\u0301", 0),
    ],
)
def test_what_a_word_is(text, words):
    check(quality, text, {"words": words})


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ('He said "Go." Then left', 2),
        ("version 3.14 is out", 1),
        ("wait... what", 2),
        ("第一句。第二句！第三句", 3),
        ("a\nb\n\n---\n", 2),
        ("...", 0),
        ("यह है। वह है।", 2),
    ],
)
def test_sentences(text, count):
    check(quality, text, {"sentences": count})


def test_phrases_of_c4():
    text = "Please enable JavaScript.\nOur Cookie Policy\nWe use cookies\nLorem Ipsum { {"
    check(
        quality,
        text,
        {"javascript_lines": 1, "policy_lines": 2, "lorem_ipsum": True, "curly_brackets": 2},
    )
    for phrase in slow.POLICIES:
        check(quality, f"x {phrase.upper()}", {"policy_lines": 1})
        check(quality, phrase[:-1] + "\n" + phrase[-1], {"policy_lines": 0})
    check(quality, "cookies", {"policy_lines": 0, "lorem_ipsum": False})


def test_symbols_of_dclm():
    # "..." once, ". . ." once, "…" twice, over the words a and b
    text = "a ... . . . b ……"
    check(quality, text, {"symbol_words_frac": (1 + 1 + 2) / 2, "ellipsis_char_per_word": 2 / 2})


def test_median_of_long_words():
    text = " ".join(["x" * 5000, "y" * 300, "z" * 300, "w" * 7])
    check(quality, text, {"word_median_chars": 300.0})
    check(quality, "aa bbbb", {"word_median_chars": 3.0})
    check(quality, "aa bbb", {"word_median_chars": 2.5})


def test_lines_and_paragraphs_that_repeat():
    # Lines: x(1) x(1) y(1); paragraphs "x", "x\ny". 6 characters with 3 newlines.
    check(
        repetition,
        "x\n\nx\ny",
        {
            "dup_lines_frac": 1 / 3,
            "dup_line_chars_frac": 1 / 6,
            "dup_paragraphs_frac": 0.0,
            "dup_lines_dclm_frac": 2 / 3,
            "dup_line_chars_dclm_frac": 2 / 3,
        },
    )
    check(
        repetition,
        "段落一\n\n段落一\n\n段落一\n\n二",
        {
            "dup_paragraphs_frac": 2 / 4,
            "dup_paragraph_chars_frac": 6 / 16,
            "dup_paragraphs_dclm_frac": 3 / 4,
            "dup_paragraph_chars_dclm_frac": 9 / 10,
        },
    )
    # datatrove takes lines as they are, DCLM without the white space around them.
    check(repetition, "a\n a", {"dup_lines_frac": 0.0, "dup_lines_dclm_frac": 1.0})
    check(quality, "ab\nab\nc", {"duplicate_line_chars_frac": 2 / 5})


def test_top_ngrams():
    # "ab cd" three times; 14 characters, 10 of them in words.
    text = "ab cd ab cd ab"
    check(
        repetition,
        text,
        {
            "top_2gram_chars_frac": 2 * len("ab cd") / 14,
            "top_3gram_chars_frac": 2 * len("ab cd ab") / 14,
            "top_4gram_chars_frac": 1 * len("ab cd ab cd") / 14,
            "top_2gram_chars_dclm_frac": 2 * 4 / 10,
            "top_3gram_chars_dclm_frac": 2 * 6 / 10,
            "top_4gram_chars_dclm_frac": 0.0,
        },
    )
    # Equally frequent: datatrove takes the first, DCLM the longest.
    text = "a b long words a b long words"
    check(
        repetition,
        text,
        {"top_2gram_chars_frac": 2 * 3 / 29, "top_2gram_chars_dclm_frac": 2 * 9 / 22},
    )


def test_duplicate_ngrams():
    # 我爱北京天 twice: ten words of one character. Overlapping 5-grams: at 0 and 5 alone.
    text = "我爱北京天我爱北京天"
    check(
        repetition,
        text,
        {
            "dup_5gram_chars_frac": 5 / 10,  # the second copy
            "dup_5gram_chars_dclm_frac": 10 / 10,  # both
            "dup_6gram_chars_frac": 0.0,
            "dup_6gram_chars_dclm_frac": 0.0,
        },
    )
    # Twelve times a: the 5-gram at 0 is new, then at 1 and 6 it is stepped over whole.
    check(
        repetition,
        " ".join("a" * 12),
        {"dup_5gram_chars_frac": 10 / 23, "dup_5gram_chars_dclm_frac": 1.0},
    )
    # Symbols are tokens for datatrove, not for DCLM.
    check(
        repetition,
        "a b, c d. a b c d",
        {"dup_5gram_chars_frac": 0.0, "top_4gram_chars_dclm_frac": 2 * 4 / 8},
    )


def test_an_empty_text_has_every_signal():
    for function, schema in (
        (quality, QUALITY_SIGNALS),
        (repetition, REPETITION_SIGNALS),
        (code, CODE_SIGNALS),
    ):
        found = function(batch(""), Context())
        assert found.schema == schema
        for name in schema.names:
            if name not in CODE_SIGNALS.names or name == "alnum_frac":
                assert not found.column(name)[0].as_py()
        assert function(batch(), Context()).num_rows == 0


def test_signals_carry_unit_and_meaning():
    for schema in (QUALITY_SIGNALS, REPETITION_SIGNALS, CODE_SIGNALS):
        for field in schema:
            assert field.metadata[b"doc"], field.name


def test_a_null_text_is_refused():
    with pytest.raises(CorpusmithError, match="1 null"):
        quality(batch("a", None), Context())


def python_source() -> str:
    import argparse

    return inspect.getsource(argparse)[:60_000]


def test_a_large_text_equals_the_reference():
    """More words and lines than the tables start with, and runs of the same text."""
    source = python_source()
    for text in (source, source[:9000] * 3, "猫".join(source[at] for at in range(5000))):
        assert quality(batch(text), Context()).to_pylist()[0] == slow.quality(text)
        assert repetition(batch(text), Context()).to_pylist()[0] == slow.repetition(text)


def test_real_chinese_equals_the_reference():
    folder = SHARED / "cmrc2018"
    if not folder.exists():
        pytest.skip("needs ../shared/data/cmrc2018, which is absent")
    file = min(folder.rglob("*.json"), key=lambda path: path.stat().st_size)
    text = file.read_text("utf-8")[:30_000]
    assert quality(batch(text), Context()).to_pylist()[0] == slow.quality(text)
    assert repetition(batch(text), Context()).to_pylist()[0] == slow.repetition(text)


def test_tables_start_anew_when_their_numbers_run_out():
    """Slots hold 32-bit numbers that grow from document to document."""
    text = "a b a b a b c d a b\n\na b a b a b c d a b"
    table = segments.new_table(100)
    table.state[segments.BASE] = 2**32 - 300
    segments.begin_document(table.slots, table.state, 10)
    assert table.state[segments.BASE] == 1
    scan = signals.scan_column(pa.array([text] * 3, pa.large_string()))
    fresh = signals.ngram_counts(scan)
    work = repeats.new_work(20)
    work.state[0] = 2**32 - 21
    work.slots[:] = 2**32 - 22
    found = [np.zeros_like(counts) for counts in fresh]
    signals._ngrams_of_rows(
        scan.ids, scan.starts, scan.spelling_counts, scan.spelling_chars, scan.spelling_starts,
        *work, *found,
    )  # fmt: skip
    for left, right in zip(found, fresh, strict=True):
        assert np.array_equal(left, right)
        assert np.array_equal(left[0], left[2])


def test_a_document_just_over_the_step_of_the_table_stays_in_its_memory():
    """280,000 tokens need a smaller table than the 249,999 places that their 2-grams look at:
    writing beyond it ended the process."""
    block = [f"w{number}" for number in range(125_000)]
    once = [f"once{number}" for number in range(30_000)]
    assert len(once) + 2 * len(block) > 1 << 18 > 2 * len(block)
    found = repetition(batch(" ".join([*once, *block, *block])), Context()).to_pylist()[0]
    word_chars = sum(map(len, block))
    chars = 2 * word_chars + sum(map(len, once)) + len(once) + 2 * len(block) - 1
    for n in (5, 10):  # 125,000 is a multiple of both: datatrove steps over whole n-grams
        assert found[f"dup_{n}gram_chars_frac"] == np.float32(word_chars / chars)
        covered = 2 * word_chars / (2 * word_chars + sum(map(len, once)))
        assert found[f"dup_{n}gram_chars_dclm_frac"] == np.float32(covered)


def test_threads_do_not_disturb_each_other():
    texts = [batch(f"word{number} 词 " * 50) for number in range(4)]
    expected = [repetition(table, Context()) for table in texts]
    found: dict[int, list[pa.Table]] = {number: [] for number in range(4)}

    def work(number: int) -> None:
        for _ in range(20):
            found[number].append(repetition(texts[number], Context()))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, results in found.items():
        assert all(result.equals(expected[number]) for result in results)


def test_the_benchmark_runs(capsys):
    result = benchmark.main(megabytes=1)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == result
    assert set(result) == {"name", "mb", "seconds", "mb_per_s"} and result["mb"] >= 1
