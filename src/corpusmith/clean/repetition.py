"""`repetition.v1`: Gopher's measures of repetition in two variants; see `REPETITION_SIGNALS`.

The thresholds of Gopher (Rae et al. 2021, arXiv 2112.11446, table A1) agree everywhere, the
formulas do not, so each stands under its own name:

    name                      datatrove                          DCLM: `_dclm` in the name
    dup_paragraphs_frac       copies from the 2nd on             all that occur twice or more
    dup_lines_frac              / all                              / all
    dup_*_chars_frac          characters of those copies         characters of all those
                                / characters of the text           / characters of all segments
    top_<n>gram_chars_frac    length with spaces of the first    characters of the longest of
                                of the most frequent n-grams,      the most frequent n-grams,
                                times its count                    times its count; 0 if it is 1
                                / characters of the text           / characters of all words
    dup_<n>gram_chars_frac    left to right, not overlapping,    characters of the words that a
                                from the 2nd copy on               repeated n-gram covers
                                / characters of the text           / characters of all words

Segments: datatrove takes lines and paragraphs as they are (an empty line is none, nor is a
paragraph of white space; the text is stripped for paragraphs), DCLM strips them and leaves
blank ones out. N-grams: datatrove's run over all tokens, symbols too, DCLM's over words; both
as `corpusmith.clean.quality` defines them, so Chinese n-grams are of characters.

Sources: datatrove `gopher_repetition_filter.py`, DCLM `content_filters.py:repetition_filter`.
"""

from __future__ import annotations

import pyarrow as pa

from corpusmith.clean.columns import ratio, table_of
from corpusmith.clean.datatrove import REPETITION, repetition_columns
from corpusmith.clean.words import WordsParams, chosen
from corpusmith.kernels.repeats import NGRAM_COUNTS
from corpusmith.kernels.signals import ngram_counts, scan_column
from corpusmith.op import Context, op, signal

_NGRAMS = [f"{kind}_{n}gram_chars" for kind, sizes in (("top", (2, 3, 4)), ("dup", range(5, 11)))
           for n in sizes]  # fmt: skip
_THRESHOLDS = dict(
    zip(
        ["dup_paragraphs", "dup_lines", "dup_paragraph_chars", "dup_line_chars", *_NGRAMS],
        [.30, .30, .20, .20, .20, .18, .16, .15, .14, .13, .12, .11, .10],
        strict=True,
    )
)  # fmt: skip
"""Table A1 of Gopher: the largest value that passes."""

REPETITION_SIGNALS = pa.schema(
    [
        signal(f"{name}{suffix}_frac", pa.float32(), "frac", f"{variant}; Gopher: ..{limit:.2f}")
        for suffix, variant in (("", "datatrove's formula"), ("_dclm", "DCLM's formula"))
        for name, limit in _THRESHOLDS.items()
    ]
)


def _adds(params: WordsParams | None) -> pa.Schema:
    return chosen(params, REPETITION_SIGNALS, REPETITION)


@op("repetition.v1", kind="measure", needs=("text",), adds=_adds, params=WordsParams)
def repetition(batch: pa.Table, ctx: Context) -> pa.Table:
    """The columns of `REPETITION_SIGNALS` for each text of the batch; 0 for an empty text. With
    `words: spacy_en` those of `clean.datatrove.repetition_columns`: datatrove's variant alone,
    over its own words.

    "a b\\na b" has 2 lines, one a copy of 3 characters, and 7 characters in all: dup_lines_frac
    is 1/2 and dup_line_chars_frac 3/7; for DCLM, which counts both lines, each is 1.
    """
    if ctx.params is not None and ctx.params.words == "spacy_en":
        return table_of(repetition_columns(batch.column("text")), _adds(ctx.params))
    segmented = ctx.params is not None and ctx.params.words == "segmented"
    scan = scan_column(batch.column("text"), segmented=segmented)
    datatrove, dclm = ngram_counts(scan)
    columns = {
        "dup_paragraphs_frac": ratio(scan["raw_paragraph_copies"], scan["raw_paragraphs"]),
        "dup_lines_frac": ratio(scan["raw_line_copies"], scan["raw_lines"]),
        "dup_paragraph_chars_frac": ratio(scan["raw_paragraph_copy_chars"], scan["chars"]),
        "dup_line_chars_frac": ratio(scan["raw_line_copy_chars"], scan["chars"]),
        "dup_paragraphs_dclm_frac": ratio(
            scan["stripped_paragraph_repeats"], scan["raw_paragraphs"]
        ),
        "dup_lines_dclm_frac": ratio(scan["stripped_line_repeats"], scan["full_lines"]),
        "dup_paragraph_chars_dclm_frac": ratio(
            scan["stripped_paragraph_repeat_chars"], scan["stripped_paragraph_chars"]
        ),
        "dup_line_chars_dclm_frac": ratio(
            scan["stripped_line_repeat_chars"], scan["stripped_line_chars"]
        ),
    }
    for column, name in enumerate(_NGRAMS):
        columns[f"{name}_frac"] = ratio(datatrove[:, column], scan["chars"])
        columns[f"{name}_dclm_frac"] = ratio(dclm[:, column], scan["word_chars"])
    return table_of(columns, REPETITION_SIGNALS)


assert len(_NGRAMS) == len(NGRAM_COUNTS)
