"""`scripts.v1`: in which writing a text stands; simplified and traditional Chinese told apart."""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa

from corpusmith.clean.columns import ratio
from corpusmith.kernels.scripts import SIMPLIFIED, TRADITIONAL, count_scripts
from corpusmith.kernels.scripts import scripts as table
from corpusmith.op import Context, op, signal

KANA_SHARE = 0.05
"""Of Han and Kana together: from here on it is Japanese. Japanese prose is mostly Kana, Chinese
that quotes a Japanese name hardly has any."""
VARIANT_SHARE = (4, 5)
"""Of the Han characters that one way of writing has alone: from here on the text is in it."""
LISTED_SHARE = 0.01

SCRIPT_SIGNALS = pa.schema(
    [
        signal(
            "script",
            pa.string(),
            "ISO 15924",
            "the script of most characters; Hans, Hant or Hani for Chinese, Jpan for Japanese; "
            "Zyyy where there is none",
        ),
        signal("script_frac", pa.float32(), "frac", "its share of the characters with a script"),
        signal("scripts", pa.int32(), "scripts", "scripts with at least 1 % of these characters"),
        signal(
            "script_shares",
            pa.string(),
            "",
            "these scripts with their shares, the largest first: `Latn 0.81, Cyrl 0.19`",
        ),
        signal(
            "traditional_frac",
            pa.float32(),
            "frac",
            "of the Han characters that only simplified or only traditional Chinese has, the "
            "traditional ones; null where there are none, and for Japanese",
        ),
    ]
)


@op("scripts.v1", kind="measure", needs=("text",), adds=SCRIPT_SIGNALS)
def scripts(batch: pa.Table, ctx: Context) -> pa.Table:
    """Adds the main script of each text, its share, and the others.

    Characters are counted by Unicode's Script property (UAX #24). Common and Inherited ones
    (punctuation, ASCII digits, marks) count for no script.

    Writing systems of several scripts are one: Han with Hiragana and Katakana is `Jpan` where at
    least 5 % of the three are Kana (else Kana counts for itself); Hangul is `Hang`, with Han beside
    it. Han alone is `Hans` where at least 80 % of the characters that only one way of writing
    Chinese has (OpenCC's tables: 3,800 simplified, 4,100 traditional ones) are simplified, `Hant`
    where at least 80 % are traditional, else `Hani`: mixed, or too short to tell.

    "数据 data" has 2 simplified Han and 4 Latin characters: script Latn, script_frac 4/6,
    `Latn 0.67, Hans 0.33`, traditional_frac 0.
    """
    names, counts, traditional = written(batch.column("text"))
    total = counts.sum(axis=1)
    main = counts.argmax(axis=1)
    script = _main(names, counts)
    shares = np.divide(
        counts, total[:, None], out=np.zeros(counts.shape), where=total[:, None] != 0
    )
    listed = shares >= LISTED_SHARE
    told = []
    for row in range(len(total)):
        order = sorted(np.flatnonzero(listed[row]), key=lambda at: (-counts[row, at], at))
        told.append(", ".join(f"{names[row][at]} {shares[row, at]:.2f}" for at in order))
    return pa.table(
        {
            "script": pa.array(script, pa.string()),
            "script_frac": ratio(counts[np.arange(len(total)), main], total),
            "scripts": pa.array(listed.sum(axis=1), pa.int32()),
            "script_shares": pa.array(told, pa.string()),
            "traditional_frac": pa.array(traditional, pa.float32(), from_pandas=True),
        }
    )


def main_scripts(column: pa.Array | pa.ChunkedArray) -> list[str]:
    """The script of most characters of each text, as `script` has it."""
    names, counts, _ = written(column)
    return _main(names, counts)


def _main(names: list[tuple[str, ...]], counts: np.ndarray) -> list[str]:
    """Ties go to the name that is first in the alphabet, as the columns stand."""
    places, totals = counts.argmax(axis=1).tolist(), counts.sum(axis=1).tolist()
    return [names[row][at] if totals[row] else "Zyyy" for row, at in enumerate(places)]


def written(
    column: pa.Array | pa.ChunkedArray,
) -> tuple[list[tuple[str, ...]], np.ndarray, np.ndarray]:
    """For each text the names of its columns of counts, the counts (int64[rows, writing systems])
    and the share of traditional characters (NaN where neither way of writing shows)."""
    counts = count_scripts(column)
    place = _places()
    simplified = counts[:, place[SIMPLIFIED]].copy()
    traditional = counts[:, place[TRADITIONAL]].copy()
    han = counts[:, place["Hani"]]  # a view: what is written here is in `counts`
    han += simplified + traditional
    counts[:, [place[SIMPLIFIED], place[TRADITIONAL]]] = 0
    hiragana, katakana = counts[:, place["Hira"]], counts[:, place["Kana"]]
    kana = hiragana + katakana
    japanese = (kana > 0) & (kana >= KANA_SHARE * (kana + han))
    han[japanese] += kana[japanese]
    hiragana[japanese] = 0
    katakana[japanese] = 0
    telling = np.where(japanese, 0, simplified + traditional)
    share = np.full(len(telling), np.nan)
    np.divide(traditional, telling, out=share, where=telling != 0)
    part, whole = VARIANT_SHARE
    kinds = np.where(whole * traditional >= part * telling, 2, 0)
    kinds[whole * simplified >= part * telling] = 1
    kinds[telling == 0] = 0
    kinds[japanese] = 3
    by_kind = _names()
    return [by_kind[kind] for kind in kinds.tolist()], counts, share


@functools.cache
def _places() -> dict[str, int]:
    return {name: number for number, name in enumerate(table().names)}


@functools.cache
def _names() -> tuple[tuple[str, ...], ...]:
    """The names of the counters, with what `Hani` stands for: no, simplified, traditional
    writing, Japanese."""
    kinds = ("Hani", "Hans", "Hant", "Jpan")
    return tuple(tuple(k if n == "Hani" else n for n in table().names) for k in kinds)
