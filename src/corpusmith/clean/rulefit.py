"""Thresholds of a rule set from a clean sample of a language: what `corpusmith rules fit` derives.

Two of the methods that FineWeb-2 compares for its thresholds (Penedo et al. 2025,
https://arxiv.org/abs/2506.20920, on statistics of clean text such as Wikipedia's):

    tail       a bound cuts off at most so large a tail of the sample's documents: the quantile
               1 - tail for a largest value, `tail` for a least one. Their "10Tail" takes a tenth;
               15 rules that each drop a tenth drop half of a clean sample, so here it is 0.02
    mean_std   a bound is so many standard deviations from the mean

Bounds are rounded outward to three decimals, lengths of words to whole characters, so a bound never
cuts off more of the sample than was asked for. What does not depend on the language (symbols,
bullets, lengths in words) keeps Gopher's bounds.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.errors import UserError

Method = Literal["tail", "mean_std"]
LEAST_DOCUMENTS = 20

_UPPER = (
    "dup_lines_frac",
    *(f"top_{n}gram_chars_frac" for n in range(2, 5)),
    *(f"dup_{n}gram_chars_frac" for n in range(5, 11)),
    "newlines_per_word",
)
_LOWER = ("lang_score", "terminal_lines_frac", "alpha_words_frac")
_LENGTH = "word_mean_chars"
_FIXED = {
    "words": "50..100000",
    "hash_per_word": "..0.1",
    "ellipsis_per_word": "..0.1",
    "bullet_lines_frac": "..0.9",
    "ellipsis_lines_frac": "..0.3",
    "duplicate_line_chars_frac": "..0.1",
}
"""Gopher's (arXiv 2112.11446, table A1) and FineWeb-2's, for every language."""

SIGNALS = ("lang", *_UPPER, *_LOWER, _LENGTH, *_FIXED)


@dataclasses.dataclass(frozen=True)
class Fitted:
    """One rule: its range as a rule set has it, and the sample's values behind it."""

    name: str
    range: str
    median: float
    tail_low: float  # quantile `tail` of the sample
    tail_high: float  # quantile 1 - `tail`
    dropped: float  # share of the sample that the rule drops
    fixed: bool = False


def fit(
    signals: pa.Table,
    language: str,
    *,
    method: Method = "tail",
    tail: float = 0.1,
    std: float = 2.0,
) -> tuple[list[Fitted], float]:
    """The rules, and the share of the sample's documents that pass them all.

    `signals` has the columns `SIGNALS`, a row a document. Documents of another `lang` are left out;
    UserError where fewer than 20 are of the language.
    """
    chosen = signals.filter(pc.equal(signals["lang"], language))
    rows = chosen.num_rows
    if rows < LEAST_DOCUMENTS:
        counts = pc.value_counts(signals["lang"]).to_pylist()
        counts.sort(key=lambda row: (-row["counts"], str(row["values"])))
        found = ", ".join(f"{row['values']} {row['counts']:,}" for row in counts[:5])
        raise UserError(
            f"the sample has {rows:,} documents in {language!r}: too few to fit thresholds",
            expected=f"{LEAST_DOCUMENTS} or more; found: {found or 'none'}",
            hint="a thousand documents of clean text, such as an encyclopedia's, are a good sample",
        )
    rules = []
    passes = np.ones(rows, bool)
    for name in (*_LOWER, _LENGTH, *_UPPER, *_FIXED):
        values = np.asarray(chosen[name].to_numpy(), np.float64)
        low = np.quantile(values, tail, method="lower")  # values of documents, so that no more
        high = np.quantile(values, 1 - tail, method="higher")  # than the tail lies beyond them
        mean, spread = float(values.mean()), float(values.std())
        if method == "tail":
            least, most = float(low), float(high)
        else:
            least, most = max(mean - std * spread, 0.0), mean + std * spread
        if name in _FIXED:
            written = _FIXED[name]
        elif name == _LENGTH:
            written = f"{math.floor(least)}..{math.ceil(most)}"
        elif name in _LOWER:
            written = f"{_down(least)}.."
        else:
            written = f"..{_up(most)}"
        kept = _inside(values, written)
        passes &= kept
        rules.append(
            Fitted(
                name,
                written,
                float(np.median(values)),
                float(low),
                float(high),
                float(1 - kept.mean()),
                name in _FIXED,
            )
        )
    return rules, float(passes.mean())


def rows_of(signals: pa.Table, language: str) -> int:
    return signals.filter(pc.equal(signals["lang"], language)).num_rows


def _down(value: float) -> str:
    return f"{math.floor(value * 1000) / 1000:g}"


def _up(value: float) -> str:
    return f"{math.ceil(value * 1000) / 1000:g}"


def _inside(values: np.ndarray, written: str) -> np.ndarray:
    """As the rules compare: bounds in the signal's own type, float32."""
    low, high = (np.float32(end) if end else None for end in written.split(".."))
    kept = np.ones(len(values), bool)
    if low is not None:
        kept &= values >= float(low)
    if high is not None:
        kept &= values <= float(high)
    return kept


def rule_file(rules: list[Fitted], language: str, comment: list[str], source: str) -> str:
    """The rule set as YAML, which `keep: ./FILE` takes. Its rules hold for the language alone."""
    lines = [f"# {line}".rstrip() for line in comment]
    lines += [
        f"name: fitted_{language}",
        "variant: fitted",
        f"source: {source}",
        "segmenter: segmented_words",
        "modality: [text, image-text, audio-text]",
        "",
        "where:                             # off for every other language",
        *(f"  {rule.name}: off" for rule in rules),
        "",
        "by_language:",
        f"  {language}:",
    ]
    for rule in rules:
        note = (
            "Gopher's"
            if rule.fixed
            else f"median {rule.median:.4g}; drops {100 * rule.dropped:.1f} % of the sample"
        )
        lines.append(f"    {rule.name + ': ' + rule.range:<36}# {note}")
    return "\n".join(lines) + "\n"
