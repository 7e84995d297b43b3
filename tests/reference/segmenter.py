"""Slow and obvious: the tokens of a text, single characters joined to words by word lists.

Shares with the kernels only the lists themselves (`words.xz`, `han_variants.txt`).
"""

from __future__ import annotations

import functools
import unicodedata

from corpusmith.kernels.lexicon import word_lists
from corpusmith.kernels.scripts import han_variants

UNKNOWN = {"zh": (200, 200), "ja": (150, 30), "th": (140, 140)}
OTHER = (150, 150)
SPACELESS = {"th", "km", "lo", "my"}


@functools.cache
def costs(name: str) -> dict[str, int]:
    letters, numbers = word_lists()[name]
    return dict(zip(letters.splitlines(), numbers, strict=True))


@functools.cache
def longest_of(name: str) -> int:
    return max(map(len, costs(name)))


@functools.cache
def simplified() -> dict[int, str]:
    pairs = han_variants()["pairs"]
    return {ord(a): b for a, b in zip(pairs[::2], pairs[1::2], strict=True) if ord(a) < 0x10000}


def is_katakana(character: str) -> bool:
    code = ord(character)
    return 0x30A1 <= code <= 0x30FF or 0x31F0 <= code <= 0x31FF or 0xFF66 <= code <= 0xFF9F


def words(run: str, name: str) -> list[str]:
    """The words of a run of characters of one list, which has no more than 1,000."""
    units: list[str] = []
    for character in run:
        mark = unicodedata.category(character)[0] == "M" or character in "\u200c\u200d"
        if mark and units:
            units[-1] += character
        else:
            units.append(character)
    table = costs(name)
    first, later = UNKNOWN.get(name, OTHER)
    longest = longest_of(name)
    # best[i]: cost of the first i units, the last word (or unit of none) as (start, is known)
    best: list[tuple[int, int, bool]] = [(0, 0, True)] + [(1 << 40, 0, True)] * len(units)
    for start in range(len(units)):
        here = best[start][0]
        alone = False
        for stop in range(start + 1, len(units) + 1):
            word = "".join(units[start:stop])
            if len(word) > longest:
                break
            if any(len(unit) > 8 for unit in units[start:stop]):
                break
            if name == "zh":
                word = word.translate(simplified())
            if word in table:
                alone |= stop == start + 1
                if here + table[word] < best[stop][0]:
                    best[stop] = (here + table[word], start, True)
        if not alone:
            price = later if goes_on(units, start, best[start][2], name) else first
            if here + price < best[start + 1][0]:
                best[start + 1] = (here + price, start, False)
    found: list[str] = []
    stop = len(units)
    ends_known = True
    while stop:
        _, start, known = best[stop]
        word = "".join(units[start:stop])
        if found and not known and not ends_known and joins(units, stop, name):
            found[-1] = word + found[-1]
        else:
            found.append(word)
        ends_known = known
        stop = start
    return found[::-1]


def joins(units: list[str], at: int, name: str) -> bool:
    """Whether unit `at`, of no known word, is of one word with such a unit before it."""
    both = is_katakana(units[at][0]) and is_katakana(units[at - 1][0])
    return name in SPACELESS or both


def goes_on(units: list[str], at: int, known: bool, name: str) -> bool:
    return not known and joins(units, at, name)
