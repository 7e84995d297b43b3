"""What datatrove's Gopher and FineWeb filters measure, in its own formulas, for English.

Words are the tokens of spaCy's English tokenizer (`corpusmith.kernels.spacy_en`), lines and white
space are as Python's `str` methods have them. Every figure is what datatrove 0.10.1 computes, as
far as float32 holds it; tests/golden has such figures from datatrove itself.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpusmith.clean.columns import ratio
from corpusmith.kernels import word_ngrams
from corpusmith.kernels.datatrove import COUNTS, count_column
from corpusmith.kernels.spacy_words import words_of

QUALITY = (
    "tokens", "words", "word_mean_chars", "hash_per_word", "ellipsis_per_word",
    "bullet_lines_frac", "ellipsis_lines_frac", "alpha_words_frac", "stop_words_distinct",
    "terminal_lines_frac", "short_lines_frac", "duplicate_line_chars_frac", "newlines_per_word",
)  # fmt: skip
"""Signals of `quality` that `gopher_quality_filter.py` and `fineweb_quality_filter.py` have."""

NGRAMS = tuple(
    f"{kind}_{n}gram_chars_frac"
    for kind, sizes in (("top", (2, 3, 4)), ("dup", range(5, 11)))
    for n in sizes
)
REPETITION = (
    "dup_paragraphs_frac",
    "dup_lines_frac",
    "dup_paragraph_chars_frac",
    "dup_line_chars_frac",
    *NGRAMS,
)
"""Signals of `repetition` that `gopher_repetition_filter.py` has."""


def quality_columns(column: pa.Array | pa.ChunkedArray) -> dict[str, np.ndarray]:
    """The columns `QUALITY` of each text; a ratio without a denominator is 0.

    tokens                     split_into_words, without white space
    words, word_mean_chars     those with a character outside PUNCTUATION_SET, and their length
    hash_per_word, ellipsis_per_word, alpha_words_frac, newlines_per_word     by tokens
    bullet_lines_frac, ellipsis_lines_frac     of str.splitlines(), white space around cut off
    terminal_lines_frac        of the non-blank lines, those whose last character, white space
                               too, is in TERMINAL_PUNCTUATION: no quotation mark is
    short_lines_frac           of those, 30 characters or fewer
    duplicate_line_chars_frac  characters of copies of non-blank lines / all but newlines
    """
    words = words_of(column)
    count = dict(zip(COUNTS, count_column(words).T, strict=True))
    return {
        "tokens": count["tokens"],
        "words": count["words"],
        "word_mean_chars": ratio(count["word_chars"], count["words"]),
        "hash_per_word": ratio(count["hashes"], count["tokens"]),
        "ellipsis_per_word": ratio(count["dots3"] + count["ellipses"], count["tokens"]),
        "bullet_lines_frac": ratio(count["bullets"], count["broken_lines"]),
        "ellipsis_lines_frac": ratio(count["ellipsis_lines"], count["broken_lines"]),
        "alpha_words_frac": ratio(count["letter_words"], count["tokens"]),
        "stop_words_distinct": count["stop_distinct"],
        "terminal_lines_frac": ratio(count["terminal_lines"], count["full_lines"]),
        "short_lines_frac": ratio(count["short_lines"], count["full_lines"]),
        "duplicate_line_chars_frac": ratio(
            count["full_line_copy_chars"], count["chars"] - count["newlines"]
        ),
        "newlines_per_word": ratio(count["newlines"], count["tokens"]),
    }


def repetition_columns(column: pa.Array | pa.ChunkedArray) -> dict[str, np.ndarray]:
    """The columns `REPETITION` of each text; 0 for an empty one.

    Paragraphs are what re.split(r"\\n{2,}", text.strip()) gives, lines what re.split(r"\\n+", text)
    does, empty ones at the ends too. The characters of n-grams are over those of the text; tops
    count the blanks between tokens, duplicates are equal where they spell the same ("ab c" and
    "a bc").
    """
    words = words_of(column)
    count = dict(zip(COUNTS, count_column(words).T, strict=True))
    ngrams = word_ngrams.ngram_chars(words)
    columns = {
        "dup_paragraphs_frac": ratio(count["paragraph_copies"], count["paragraphs"]),
        "dup_lines_frac": ratio(count["line_copies"], count["lines"]),
        "dup_paragraph_chars_frac": ratio(count["paragraph_copy_chars"], count["chars"]),
        "dup_line_chars_frac": ratio(count["line_copy_chars"], count["chars"]),
    }
    for place, name in enumerate(NGRAMS):
        columns[name] = ratio(ngrams[:, place], count["chars"])
    return columns


def warm() -> None:
    """Compile the kernels, or load them from Numba's cache."""
    text = pa.array(["It's a.b (x:)\n\nIt's a b c", ""], pa.large_string())
    quality_columns(text)
    repetition_columns(text)
