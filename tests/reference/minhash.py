"""Slow, obvious MinHash: Python integers, sets and the definitions in words.

Shares nothing with corpusmith.kernels: characters are classified by `unicodedata` one by one.
"""

from __future__ import annotations

import unicodedata

MASK64 = 2**64 - 1
MASK32 = 2**32 - 1

OWN_WORD_NAMES = (
    "CJK ",
    "KANGXI RADICAL",
    "HIRAGANA",
    "KATAKANA",
    "HALFWIDTH KATAKANA",
    "HENTAIGANA",
    "COMBINING KATAKANA",
    "BOPOMOFO",
    "THAI ",
    "LAO ",
    "MYANMAR ",
    "KHMER ",
    "IDEOGRAPHIC ",
    "HANGZHOU NUMERAL",
)


def is_diacritic(char: str) -> bool:
    """A mark of one of Unicode's five blocks of combining diacritics."""
    blocks = ("\u0300\u036f", "\u1ab0\u1aff", "\u1dc0\u1dff", "\u20d0\u20ff", "\ufe20\ufe2f")
    return any(first <= char <= last for first, last in blocks)


def bare(char: str) -> str:
    """The letter, if what it decomposes into is a letter and diacritics."""
    first, *marks = unicodedata.normalize("NFD", char)
    return first if all(is_diacritic(mark) for mark in marks) else char


def words(text: str) -> list[str]:
    """Normalised words; a Han, Kana, Bopomofo, Thai, Lao, Burmese or Khmer character is one."""
    found, current = [], ""
    for char in text:
        category = unicodedata.category(char)
        name = unicodedata.name(char, "")
        if category == "Cf" or is_diacritic(char) or "VARIATION SELECTOR" in name:
            continue
        if category == "Nd":
            current += "0"
        elif category[0] in "ZPSC" and category not in ("Cn", "Co"):
            if current:
                found.append(current)
            current = ""
        elif name.startswith(OWN_WORD_NAMES):
            if current:
                found.append(current)
            current = ""
            found.append(bare(char))
        elif category[0] == "L":
            current += bare(char.lower()[0])
        else:
            current += char
    if current:
        found.append(current)
    return found


def shingles(text: str, n: int) -> set[tuple[str, ...]]:
    """The n-grams of words; of a shorter text, the one that there is."""
    found = words(text)
    if not found:
        return set()
    n = min(n, len(found))
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


def jaccard(a: set, b: set) -> float:
    return len(a & b) / len(a | b)


def murmur_final(x: int) -> int:
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & MASK64
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & MASK64
    return x ^ (x >> 33)


def is_own(char: str) -> bool:
    return unicodedata.name(char, "").startswith(OWN_WORD_NAMES)


def word_hash(word: str) -> int:
    """FNV-1a with a step for each code point, then Murmur's finaliser."""
    h = 0xCBF29CE484222325
    for char in word:
        point = ord(char) + (2**31 if is_own(char) else 0)
        h = (h ^ point) * 0x100000001B3 & MASK64
    return murmur_final(h)


def shingle_hash(shingle: tuple[str, ...]) -> int:
    total = 0
    for place, word in enumerate(reversed(shingle)):
        total += word_hash(word) * 0x9E3779B97F4A7C15**place
    return murmur_final(total & MASK64)


def permutations(count: int, seed: int) -> list[tuple[int, int]]:
    """SplitMix64 (Steele, Lea, Flood 2014): an odd factor and a summand of each number."""
    found, state = [], seed
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK64
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK64
        z ^= z >> 31
        found.append(((z >> 32) | 1, z & MASK32))
    return found


def signature(hashes: set[int], count: int, seed: int) -> list[int]:
    """The minimum of each permutation over the upper halves; all ones for no hash."""
    return [
        min(((a * (h >> 32) + b) & MASK32 for h in hashes), default=MASK32)
        for a, b in permutations(count, seed)
    ]
