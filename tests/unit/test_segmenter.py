"""Words of scripts without spaces: gold sentences, and the kernel against a slow reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import segmented_words
from corpusmith.clean.quality import quality
from corpusmith.clean.repetition import repetition
from corpusmith.clean.words import WordsParams
from corpusmith.kernels.lexicon import word_lists
from corpusmith.kernels.segmenter import MARGIN, WINDOW
from corpusmith.kernels.signals import scan_column
from corpusmith.op import Context
from tests.reference import segmenter as slow

GOLD = Path(__file__).parents[1] / "golden" / "words.txt"


def tokens(*texts: str) -> list[list[str]]:
    """The tokens of each text: what is no white space, cut to the lengths that the scan has."""
    scan = scan_column(pa.array(["", *texts], pa.large_string()).slice(1), segmented=True)
    found = []
    for row, text in enumerate(texts):
        letters = "".join(text.split())
        first = scan.spelling_starts[row]
        lengths = np.abs(
            scan.spelling_chars[first + scan.ids[scan.starts[row] : scan.starts[row + 1]]]
        )
        ends = np.cumsum(lengths)
        assert ends[-1:].sum() == len(letters)
        found.append([letters[e - n : e] for n, e in zip(lengths, ends, strict=True)])
    return found


def gold() -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for line in GOLD.read_text("utf-8").splitlines():
        if line.startswith("# ") and len(line) < 12:
            sentences = found.setdefault(line[2:], [])
        elif line and not line.startswith("#"):
            sentences.append(line.split())
    return found


def spans(words: list[str]) -> set[tuple[int, int]]:
    ends = np.cumsum([len(word) for word in words]).tolist()
    return {(end - len(word), end) for word, end in zip(words, ends, strict=True)}


@pytest.mark.parametrize(
    ("language", "floor"),  # measured: see docs/languages.md
    [
        ("zh", 0.95),
        ("zh-Hant", 0.96),
        ("ja", 0.98),
        ("th", 0.94),
        ("km", 0.85),
        ("lo", 0.81),
        ("my", 0.84),
    ],
)
def test_gold(language, floor):
    """F1 of words, as spans, over the sentences of the language."""
    right = expected = found = 0
    for words in gold()[language]:
        [got] = tokens("".join(words))
        right += len(spans(words) & spans(got))
        expected += len(words)
        found += len(got)
    assert 2 * right / (expected + found) >= floor


def test_measures_over_words():
    """By hand: 今天 天气 很 好 has four words of 6 characters in all, and no sign of a segmenter
    where there is no such script."""
    batch = pa.table({"text": pa.array(["今天天气很好。", "two words"], pa.large_string())})
    context = Context(params=WordsParams(words="segmented"))
    found = quality(batch, context)
    assert found["words"].to_pylist() == [4, 2]
    assert found["tokens"].to_pylist() == [5, 2]
    assert found["word_mean_chars"].to_pylist() == [1.5, 4.0]
    twice = pa.table({"text": pa.array(["今天天气" * 2], pa.large_string())})
    # 今天 天气 stands twice; datatrove counts an n-gram with spaces between its words, DCLM words
    # alone: 2 * 5 and 8 of 8 characters.
    found = repetition(twice, context)
    assert found["top_2gram_chars_frac"].to_pylist() == [10 / 8]
    assert found["top_2gram_chars_dclm_frac"].to_pylist() == [1.0]


def test_lists():
    assert list(word_lists()) == ["zh", "ja", "th", "km", "lo", "my"]
    for letters, costs in word_lists().values():
        words = letters.splitlines()
        assert words == sorted(set(words)) and len(words) == len(costs) and min(costs) > 0


RANDOM = {
    "zh": "人们國国書书的了\u3007\u4e00𠀀",
    "ja": "のをんだーァアイパ食書日本々",
    "th": "กขคงเแโไาิี่้์ะๆ",
    "km": "កខគងច\u17d2\u17b6\u17c1\u17c6",
    "lo": "ກຂຄງ\u0eb2\u0eb4\u0ec8ແໄ",
    "my": "ကခဂင\u1039\u103a\u102c\u1031",
}


def some_words(name: str) -> list[str]:
    words = word_lists()[name][0].splitlines()
    return words[:: len(words) // 500]


@st.composite
def runs(draw, name):
    """Words of the list and random characters; the first of them is no mark."""
    pieces = st.sampled_from(some_words(name)) | st.text(RANDOM[name], max_size=12)
    return draw(st.sampled_from(some_words(name))) + "".join(draw(st.lists(pieces, max_size=12)))


@pytest.mark.parametrize("name", RANDOM)
@settings(max_examples=25)
@given(data=st.data())
def test_equal_to_the_reference(name, data):
    run = data.draw(runs(name))
    if name == "ja":
        run = "のんだ" + run  # else Han alone would be Chinese
    text = f"abc {run}。12 {run}x"
    words = slow.words(run, name)
    assert tokens(text, run) == [["abc", *words, "。", "12", *words, "x"], words]


def test_which_language_han_is():
    """A document's Kana decide, wherever they stand."""
    chinese, japanese = slow.words("中国人口", "zh"), slow.words("中国人口", "ja")
    assert chinese == ["中国", "人口"]
    assert tokens("中国人口")[0] == chinese
    assert tokens("中国人口。これは")[0][: len(japanese)] == japanese
    # A Chinese text that quotes a Kana or two in a hundred characters stays Chinese.
    assert tokens("中国人口" * 10 + "の" + "中国人口")[0] == [*chinese * 10, "の", *chinese]


def test_windows_join_without_a_seam():
    sentences = ["".join(words[:-1]) for words in gold()["zh"]]
    run = "".join("".join(s for s in sentence if s not in "，、") for sentence in sentences) * 9
    assert len(run) > 2 * WINDOW
    assert tokens(run) == [slow.words(run, "zh")]


def test_a_long_stretch_of_no_word():
    """Cut at windows, in linear time: no word of the list is 3,000 Katakana long."""
    [found] = tokens("ヴヶ" * 1500 + "です")
    assert [len(word) for word in found] == [WINDOW - MARGIN] * 3 + [120, 2]


def test_rows_do_not_depend_on_their_batch():
    """Which lists are loaded depends on the batch; what a text becomes does not."""
    texts = ["".join(gold()[name][0]) for name in gold()] + ["plain", "ไทย中文", "〱〲x", "กຂ"]
    assert tokens(*texts) == [found for text in texts for found in tokens(text)]


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=4))
def test_bytes_that_are_no_text_do_no_harm(rows):
    """As of the scan without lists: whatever the bytes, tokens lie in the text, in order."""
    rows = [row + "人人生而自由のとกข".encode()[: 3 * len(row)] for row in rows]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    data = np.frombuffer(b"".join(rows), np.uint8)
    column = pa.Array.from_buffers(
        pa.large_string(), len(rows), [None, pa.py_buffer(offsets), pa.py_buffer(data.copy())]
    )
    scan = scan_column(column, segmented=True)
    assert (np.diff(scan.starts) <= [len(row) for row in rows]).all()
    assert (scan["words"] <= scan["tokens"]).all()


def test_other_scripts_do_not_change():
    texts = [
        "The harbour, was quiet.\nIl était; 12 ½",
        "Все люди — हिन्दी में 한국어 ብዙ",
        "",
        "…\n\n#",
    ]
    column = pa.array(texts, pa.large_string())
    plain, segmented = scan_column(column), scan_column(column, segmented=True)
    assert (plain.counts == segmented.counts).all() and (plain.ids == segmented.ids).all()


def test_lines_and_sentences_stay():
    text = "今天天气很好。\n我们去图书馆看书！\n\n他说：“好的”"
    column = pa.array([text], pa.large_string())
    plain, segmented = scan_column(column), scan_column(column, segmented=True)
    for name in ("lines", "full_lines", "sentences", "raw_paragraphs", "terminal_lines", "chars"):
        assert plain[name] == segmented[name], name
    assert segmented["words"][0] < plain["words"][0]
    assert segmented["word_chars"][0] == plain["word_chars"][0]


def test_the_benchmark_runs():
    result = segmented_words.main(["--megabytes", "0.04", "--rounds", "1"])
    assert set(result["languages"]) == set(gold())
    assert all(row["pass_ratio"] > 0 for row in result["languages"].values())
