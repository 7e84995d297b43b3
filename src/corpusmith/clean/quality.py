"""`quality.v2`: the signals of Gopher quality, C4, FineWeb and DCLM; see `QUALITY_SIGNALS`.

A *token* is a run of letters, numbers and `_`, one character of a script written without
spaces (Han, Kana, Thai, Lao, Khmer, Burmese), or a run of one and the same symbol; combining
marks belong to what they follow. A *word* is a token with a letter or number in it. By default no
segmenter takes part: Chinese words are characters, and thresholds for them are set by language.
With `words: segmented` such characters are joined to words of word lists (`kernels.segmenter`).

Lines end at "\\n"; a line of white space only is *blank*. `corpusmith.kernels.chars` and
`corpusmith.kernels.scan` have the exact classes and rules.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpusmith.clean.columns import ratio, table_of
from corpusmith.clean.datatrove import QUALITY, quality_columns
from corpusmith.clean.words import WordsParams, chosen
from corpusmith.kernels.signals import Scan, scan_column
from corpusmith.op import Context, op, signal

_I32, _I64, _F32, _BOOL = pa.int32(), pa.int64(), pa.float32(), pa.bool_()

QUALITY_SIGNALS = pa.schema(
    [
        signal("text_chars", _I64, "chars", "Unicode code points"),
        signal("text_bytes", _I64, "bytes", "bytes of UTF-8"),
        signal("tokens", _I32, "tokens", "words and symbols"),
        signal("words", _I32, "words", "tokens with a letter or number (Gopher: 50..100000)"),
        signal("word_mean_chars", _F32, "chars", "mean length of the words (Gopher: 3..10)"),
        signal("word_median_chars", _F32, "chars", "median length of the words (dolma's variant)"),
        signal("hash_per_word", _F32, "1/token", "`#` / tokens (Gopher, datatrove: ..0.1)"),
        signal("ellipsis_per_word", _F32, "1/token", "(`...` and `…`) / tokens (datatrove: ..0.1)"),
        signal("ellipsis_char_per_word", _F32, "1/word", "`…` / words (dolma's variant)"),
        signal("symbol_words_frac", _F32, "1/word", "(`#`, `...`, `. . .` and `…`) / words (DCLM)"),
        signal(
            "bullet_lines_frac", _F32, "frac", "lines that start with • or - (datatrove: ..0.9)"
        ),
        signal("bullet_lines_dclm_frac", _F32, "frac", "lines, not blank, that start with ● • * -"),
        signal(
            "ellipsis_lines_frac", _F32, "frac", "lines that end in `...` or `…` (Gopher: ..0.3)"
        ),
        signal(
            "ellipsis_lines_dclm_frac",
            _F32,
            "frac",
            "lines, not blank, that end in `...`, `. . .` or `…`",
        ),
        signal(
            "alpha_words_frac", _F32, "frac", "tokens with a letter / tokens (datatrove: 0.8..)"
        ),
        signal("alpha_words_dclm_frac", _F32, "frac", "words with a letter / words (DCLM: 0.8..)"),
        signal(
            "stop_words_distinct",
            _I32,
            "words",
            "how many of the, be, to, of, and, that, have, with occur, in lower case (Gopher: 2..)",
        ),
        signal("stop_words", _I32, "words", "their occurrences, in any case (DCLM: 2..)"),
        signal("lines", _I32, "lines", "lines, blank ones too"),
        signal("full_lines", _I32, "lines", "lines that are not blank"),
        signal("paragraphs", _I32, "paragraphs", "text between two or more line ends, not blank"),
        signal("sentences", _I32, "sentences", "sentences with a word in them (C4: 5.. or 3..)"),
        signal("lorem_ipsum", _BOOL, "", "has `lorem ipsum`, in any case (C4)"),
        signal("curly_brackets", _I32, "chars", "`{` (C4: ..0)"),
        signal("javascript_lines", _I32, "lines", "lines with `javascript`, in any case (C4)"),
        signal(
            "policy_lines",
            _I32,
            "lines",
            "lines with terms of use, privacy policy, cookie policy, uses cookies, use of cookies "
            "or use cookies, in any case (C4)",
        ),
        signal(
            "terminal_lines_frac",
            _F32,
            "frac",
            "lines, not blank, that end in terminal punctuation of any script or a closing quote",
        ),
        signal(
            "terminal_lines_ascii_frac",
            _F32,
            "frac",
            "lines, not blank, that end in . ? ! \" ' (FineWeb, English: 0.12..)",
        ),
        signal(
            "short_lines_frac",
            _F32,
            "frac",
            "lines, not blank, of 30 characters or fewer (FineWeb)",
        ),
        signal(
            "duplicate_line_chars_frac",
            _F32,
            "frac",
            "characters in copies of lines, not blank, from the second on (FineWeb: ..0.01)",
        ),
        signal("newlines_per_word", _F32, "1/token", "line ends / tokens (FineWeb: ..0.3)"),
        signal("uppercase_frac", _F32, "frac", "upper-case letters / characters"),
        signal("digit_frac", _F32, "frac", "decimal digits / characters"),
    ]
)


def _adds(params: WordsParams | None) -> pa.Schema:
    return chosen(params, QUALITY_SIGNALS, QUALITY)


@op("quality.v2", kind="measure", needs=("text",), adds=_adds, params=WordsParams)
def quality(batch: pa.Table, ctx: Context) -> pa.Table:
    """The columns of `QUALITY_SIGNALS` for each text of the batch; with `words: spacy_en` those
    of `clean.datatrove.quality_columns`, in datatrove's formulas.

    Sources of the formulas: Gopher (Rae et al. 2021, arXiv 2112.11446, section A.1.1) as
    datatrove has it (`gopher_quality_filter.py`): the ratios *per word* divide by all tokens,
    `words` and word lengths leave symbols out. dolma (`taggers/gopher.py`): median, `…` alone.
    DCLM (`content_filters.py`): lines stripped and not blank, stop words counted in lower case;
    where it takes words at white space, which Chinese lacks, the words above stand instead.
    C4 (Raffel et al. 2020, section 2.2; tensorflow_datasets `c4_utils.py`). FineWeb (Penedo et
    al. 2024, section 3.6; `fineweb_quality_filter.py`), trailing white space ignored.

    A ratio without a denominator is 0; per-word ratios of texts that have symbols but no word
    count one word. "abc.\\n\\n# - …" has 5 tokens (abc . # - …), 1 word, 3 lines, 2 of them not
    blank, 1 sentence; hash_per_word is 1/5, symbol_words_frac 2/1.
    """
    if ctx.params is not None and ctx.params.words == "spacy_en":
        return table_of(quality_columns(batch.column("text")), _adds(ctx.params))
    segmented = ctx.params is not None and ctx.params.words == "segmented"
    scan = scan_column(batch.column("text"), segmented=segmented)
    some_words = np.maximum(scan["words"], 1)
    columns = {
        "text_chars": scan["chars"],
        "text_bytes": scan.text_bytes,
        "tokens": scan["tokens"],
        "words": scan["words"],
        "word_mean_chars": ratio(scan["word_chars"], scan["words"]),
        "word_median_chars": (scan["median_twice"] / 2).astype(np.float32),
        "hash_per_word": ratio(scan["hashes"], scan["tokens"]),
        "ellipsis_per_word": ratio(scan["dots3"] + scan["ellipses"], scan["tokens"]),
        "ellipsis_char_per_word": ratio(scan["ellipses"], some_words),
        "symbol_words_frac": ratio(_dclm_symbols(scan), some_words),
        "bullet_lines_frac": ratio(scan["bullets"], scan["lines"]),
        "bullet_lines_dclm_frac": ratio(scan["bullets_dclm"], scan["full_lines"]),
        "ellipsis_lines_frac": ratio(scan["ellipsis_lines"], scan["lines"]),
        "ellipsis_lines_dclm_frac": ratio(scan["ellipsis_lines_dclm"], scan["full_lines"]),
        "alpha_words_frac": ratio(scan["letter_words"], scan["tokens"]),
        "alpha_words_dclm_frac": ratio(scan["letter_words"], scan["words"]),
        "stop_words_distinct": scan["stop_distinct"],
        "stop_words": scan["stop_words"],
        "lines": scan["lines"],
        "full_lines": scan["full_lines"],
        "paragraphs": scan["raw_paragraphs"],
        "sentences": scan["sentences"],
        "lorem_ipsum": scan["lorem"] > 0,
        "curly_brackets": scan["curly"],
        "javascript_lines": scan["javascript_lines"],
        "policy_lines": scan["policy_lines"],
        "terminal_lines_frac": ratio(scan["terminal_lines"], scan["full_lines"]),
        "terminal_lines_ascii_frac": ratio(scan["terminal_ascii_lines"], scan["full_lines"]),
        "short_lines_frac": ratio(scan["short_lines"], scan["full_lines"]),
        "duplicate_line_chars_frac": ratio(
            scan["full_line_copy_chars"], scan["chars"] - scan["newlines"]
        ),
        "newlines_per_word": ratio(scan["newlines"], scan["tokens"]),
        "uppercase_frac": ratio(scan["upper"], scan["chars"]),
        "digit_frac": ratio(scan["digits"], scan["chars"]),
    }
    return table_of(columns, QUALITY_SIGNALS)


def _dclm_symbols(scan: Scan) -> np.ndarray:
    return scan["hashes"] + scan["dots3"] + scan["spaced_dots"] + scan["ellipses"]
