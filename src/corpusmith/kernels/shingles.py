"""Words of a text as 64-bit hashes, and hashes of their n-grams: what near-duplicate
search, decontamination and the overlap of splits compare.

Normalisation is datatrove's in spirit (utils/text.py, `TextNormConfig`: lower case, digits
to 0, punctuation to space, accents stripped), by one table over code points:

    separator   white space, punctuation, symbols, controls
    ignored     combining diacritics (so NFC and NFD agree), variation selectors, format
                characters
    own word    each Han, Kana, Bopomofo, Thai, Lao, Burmese and Khmer letter, sign or mark
    0           every decimal digit
    else        the lower-case letter without its diacritics; vowel signs (Devanagari,
                Arabic ...) are kept, since they tell words apart

Hash of a word: FNV-1a over its code points with 64-bit steps, then `mix`. Hash of an n-gram
of word hashes w1..wn: mix(sum of w_i * B^(n-i) mod 2^64), which rolls.
"""

from __future__ import annotations

import functools
import unicodedata

import numpy as np

from corpusmith.kernels.jit import njit

TABLE_SIZE = 0x30000  # code points above are Han, ignored or letters by range
SEPARATOR = 0
IGNORED = 1
OWN = 1 << 31  # flag beside the code point

_FNV_BASIS = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_B = np.uint64(0x9E3779B97F4A7C15)  # odd, so B^n never loses bits
_M1 = np.uint64(0xFF51AFD7ED558CCD)
_M2 = np.uint64(0xC4CEB9FE1A85EC53)
_33 = np.uint64(33)
_OWN = np.uint64(OWN)

_OWN_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # CJK radicals
    (0x3005, 0x3007),  # iteration mark, closing mark, zero
    (0x3021, 0x302D),  # Hangzhou numerals, tone marks
    (0x3038, 0x303A),  # Hangzhou numerals
    (0x3040, 0x312F),  # Hiragana, Katakana, Bopomofo
    (0x3192, 0x3195),  # annotation marks
    (0x31A0, 0x31BF),  # Bopomofo extended
    (0x31F0, 0x31FF),  # Katakana phonetic extensions
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA9E0, 0xA9FF),  # Burmese extended B
    (0xAA60, 0xAA7F),  # Burmese extended A
    (0xF900, 0xFAFF),  # Han compatibility
    (0xFF66, 0xFF9F),  # halfwidth Katakana
    (0x1AFF0, 0x1B16F),  # Kana extended and supplement
    (0x1D372, 0x1D376),  # tally marks
    (0x20000, 0x2FFFF),  # Han extensions B to F
)
_DIACRITIC_RANGES = (
    (0x0300, 0x036F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE20, 0xFE2F),
)
_SELECTOR_RANGES = ((0x180B, 0x180F), (0xFE00, 0xFE0F))
_UNIFORM = {0x3400: 0x4DBF, 0x4E00: 0x9FFF, 0xAC00: 0xD7A3, 0x20000: 0x2A6DF}
"""First and last of long runs of one category (Lo), which need no look-up one by one."""


def _is_diacritic(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _DIACRITIC_RANGES)


def _without_accents(char: str) -> int:
    """The code point of the letter under its diacritics; the voicing of Kana and the nukta of
    Devanagari are none, so their letters stay whole."""
    letters = unicodedata.normalize("NFD", char)
    return ord(letters[0] if all(map(_is_diacritic, letters[1:])) else char)


@functools.cache
def fold_table() -> np.ndarray:
    """uint32[TABLE_SIZE]: SEPARATOR, IGNORED, or the normalised code point, with OWN or without.

    By Python's own Unicode tables: a character that only a later Unicode assigns counts as a
    letter, in the ranges of own words as one of those.
    """
    table = np.arange(TABLE_SIZE, dtype=np.uint32)
    category = unicodedata.category
    point = 0
    while point < TABLE_SIZE:
        if point in _UNIFORM:
            point = _UNIFORM[point] + 1
            continue
        kind = category(chr(point))
        if kind == "Nd":
            table[point] = ord("0")
        elif kind[0] in "ZPS" or kind in ("Cc", "Cs"):
            table[point] = SEPARATOR
        elif kind == "Cf":
            table[point] = IGNORED
        elif kind[0] == "L":
            table[point] = _without_accents(chr(point).lower()[0])
        point += 1
    for first, last in (*_DIACRITIC_RANGES, *_SELECTOR_RANGES):
        table[first : last + 1] = IGNORED
    for first, last in _OWN_RANGES:
        part = table[first : last + 1]
        part[(part > IGNORED) & (part != ord("0"))] |= np.uint32(OWN)
    table.setflags(write=False)
    return table


@njit(cache=True, nogil=True)
def mix(x: np.uint64) -> np.uint64:
    """MurmurHash3's 64-bit finaliser: every input bit reaches every output bit."""
    x ^= x >> _33
    x *= _M1
    x ^= x >> _33
    x *= _M2
    x ^= x >> _33
    return x


@njit(cache=True, nogil=True)
def fold_beyond(point: int) -> np.uint32:
    """What `fold_table` would say above its end."""
    if 0xE0000 <= point < 0xE1000:  # tags and variation selectors
        return np.uint32(IGNORED)
    if point < 0x33480:  # Han extensions G to J
        return np.uint32(point | OWN)
    return np.uint32(point)


@njit(cache=True, nogil=True)
def word_hashes(data: np.ndarray, start: int, stop: int, fold: np.ndarray, out: np.ndarray) -> int:
    """Hashes of the words of UTF-8 `data[start:stop]` into `out`; returns their number.

    `out` needs room for (stop - start) // 2 + 2 words. A sequence cut off at the end of a
    damaged text ends it; memory beyond `stop` is never read.
    """
    words = 0
    h = _FNV_BASIS
    i = start
    while i < stop:
        byte = data[i]
        if byte < 0x80:
            # Without a branch on what the byte is: word ends are what a processor can't foresee.
            folded = fold[byte]
            ends = folded == SEPARATOR
            out[words] = h
            words += ends & (h != _FNV_BASIS)
            h = _FNV_BASIS if ends else (h ^ np.uint64(folded)) * _FNV_PRIME
            i += 1
            continue
        if byte < 0xE0:
            if i + 2 > stop:
                break
            point = ((byte & 0x1F) << 6) | (data[i + 1] & 0x3F)
            i += 2
            folded = fold[point]
        elif byte < 0xF0:
            if i + 3 > stop:
                break
            point = ((byte & 0x0F) << 12) | ((data[i + 1] & 0x3F) << 6) | (data[i + 2] & 0x3F)
            i += 3
            folded = fold[point]
        else:
            if i + 4 > stop:
                break
            point = (
                ((byte & 0x07) << 18)
                | ((data[i + 1] & 0x3F) << 12)
                | ((data[i + 2] & 0x3F) << 6)
                | (data[i + 3] & 0x3F)
            )
            i += 4
            folded = fold[point] if point < TABLE_SIZE else fold_beyond(point)
        if folded > IGNORED and folded < OWN:
            h = (h ^ np.uint64(folded)) * _FNV_PRIME
        elif folded != IGNORED:
            out[words] = h
            words += h != _FNV_BASIS
            h = _FNV_BASIS
            if folded >= OWN:
                out[words] = (h ^ np.uint64(folded)) * _FNV_PRIME
                words += 1
    if h != _FNV_BASIS:
        out[words] = h
        words += 1
    for k in range(words):
        out[k] = mix(out[k])
    return words


@njit(cache=True, nogil=True)
def ngram_hashes(words: np.ndarray, count: int, n: int, out: np.ndarray) -> int:
    """Hashes of the n-grams of `words[:count]` into `out` (may be `words`); returns their number.

    A text of fewer than n words (but at least one) has one n-gram: what there is.
    """
    if count == 0:
        return 0
    n = min(n, count)
    top = np.uint64(1)
    for _ in range(n - 1):
        top *= _B
    rolling = np.uint64(0)
    for i in range(n - 1):
        rolling = rolling * _B + words[i]
    for i in range(n - 1, count):
        rolling = rolling * _B + words[i]
        leaving = words[i - n + 1]
        out[i - n + 1] = mix(rolling)
        rolling -= leaving * top
    return count - n + 1


@njit(cache=True, nogil=True)
def distinct(hashes: np.ndarray, count: int, table: np.ndarray) -> int:
    """Move the first of each value of `hashes[:count]` to the front, in order; returns how many.

    `table` is scratch, a power of two of at least 2 * count uint64.
    """
    size = 4
    while size < 2 * count:
        size *= 2
    mask = np.uint64(size - 1)
    table[:size] = np.uint64(0)
    one = np.uint64(1)
    kept = 0
    zero_seen = False
    for i in range(count):
        x = hashes[i]
        if x == np.uint64(0):  # 0 marks a free place
            if not zero_seen:
                zero_seen = True
                hashes[kept] = x
                kept += 1
            continue
        slot = x & mask
        while table[slot] != np.uint64(0) and table[slot] != x:
            slot = (slot + one) & mask
        if table[slot] == np.uint64(0):
            table[slot] = x
            hashes[kept] = x
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def table_size(count: int) -> int:
    size = 4
    while size < 2 * count:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def sort_hashes(hashes: np.ndarray, count: int, out: np.ndarray) -> None:
    """Sort `hashes[:count]` into `out[:count]`; linear, since hashes are spread evenly.

    By their upper bits into at least `count` places, then each place by insertion; should that
    move hashes often all the same, by numpy's sort.
    """
    bits = 0
    while (1 << bits) < count:
        bits += 1
    if bits == 0:
        out[:count] = hashes[:count]
        return
    shift = np.uint64(64 - bits)
    ends = np.zeros((1 << bits) + 1, np.int32)
    for i in range(count):
        ends[np.int64(hashes[i] >> shift) + 1] += 1
    for place in range(1, len(ends)):
        ends[place] += ends[place - 1]
    for i in range(count):
        slot = np.int64(hashes[i] >> shift)
        out[ends[slot]] = hashes[i]
        ends[slot] += 1
    moves = 0
    for i in range(1, count):
        x = out[i]
        j = i
        while j > 0 and out[j - 1] > x:
            out[j] = out[j - 1]
            j -= 1
        out[j] = x
        moves += i - j
        if moves > 16 * count:
            out[:count] = np.sort(out[:count])
            return


@njit(cache=True, nogil=True)
def sort_distinct(hashes: np.ndarray, count: int, out: np.ndarray) -> int:
    """The values of `hashes[:count]`, each once, sorted, to the front of `out`; how many. `out`
    needs room for `count`."""
    sort_hashes(hashes, count, out)
    kept = 0
    for i in range(count):
        if kept == 0 or out[i] != out[kept - 1]:
            out[kept] = out[i]
            kept += 1
    return kept


def warm() -> None:
    """Compile every kernel of this module."""
    data = np.frombuffer("aé中😀\U000e0100".encode(), np.uint8)
    out = np.zeros(32, np.uint64)
    words = word_hashes(data, 0, len(data), fold_table(), out)
    ngram_hashes(out, words, 2, out)
    distinct(out, 2, np.zeros(table_size(4), np.uint64))
    sort_distinct(out, 2, np.zeros(2, np.uint64))
