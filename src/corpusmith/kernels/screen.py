"""Which texts of a column need a closer look: NFC might change them, or a string is in them."""

from __future__ import annotations

import functools
import operator
import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.hashing import load64
from corpusmith.kernels.jit import kernel, pointer
from corpusmith.kernels.pretokens import flags_at

_HIGH = np.uint64(0x8080808080808080)
_NO_STARTERS = frozenset(("Cn", "Cs", "Co", "Mn", "Mc", "Me"))  # or nothing that is known
_ASSIGNED = (range(0, 0x32400), range(0xE0000, 0xE1000))  # all between is unassigned or private


@functools.cache
def nfc_table() -> tuple[np.ndarray, np.ndarray]:
    """(roots uint16, leaves uint8) as in `regexclasses`: 1 for what NFC might change.

    A text of the other characters alone is in NFC whatever their order (UAX #15, section 9, the
    quick check): they are assigned, starters, unchanged by NFC, and second in no composition. By
    Unicode's stability policy that holds in every version that knows them, and one that doesn't
    leaves them as they are; so Python's version needn't be that of a tokenizer's library.
    """
    flags = np.ones(0x110000, np.uint8)
    for codes in _ASSIGNED:
        # All at once, each by itself between zeros: a call for each would take six times as long.
        characters = list(map(chr, codes))
        alone = unicodedata.normalize("NFC", "\0".join(characters[1:])).split("\0")
        stable = np.array(list(map(operator.eq, characters, [characters[0], *alone])))
        starts = [unicodedata.category(one) not in _NO_STARTERS for one in characters]
        flags[codes.start : codes.stop] = ~(stable & starts)
    for code in _ASSIGNED[0]:  # no character beyond decomposes
        if found := unicodedata.decomposition(chr(code)):
            parts = found.split()
            if len(parts) == 2 and not parts[0].startswith("<"):
                flags[int(parts[1], 16)] = 1
    flags[0x1161:0x1176] = 1  # Hangul vowels and final consonants: composed by rule, not by table
    flags[0x11A8:0x11C3] = 1
    blocks: dict[bytes, int] = {}
    every = flags.tobytes()
    roots = [
        blocks.setdefault(every[at : at + 128], len(blocks)) for at in range(0, len(every), 128)
    ]
    return np.array(roots, np.uint16), np.frombuffer(b"".join(blocks), np.uint8).copy()


@kernel
def may_change(data, offsets, roots, leaves, found):
    """`found[i]` (bool) = text i has a character that the table marks. ASCII is never marked."""
    text, size = pointer(data), data.shape[0]
    first, second = pointer(roots), pointer(leaves)
    for row in range(offsets.shape[0] - 1):
        at, end = offsets[row], offsets[row + 1]
        found[row] = False
        while at < end:
            if at + 8 <= size and not load64(text, at) & _HIGH:
                at += 8
                continue
            flags, width = flags_at(text, at, first, second)
            if flags:
                found[row] = True
                break
            at += width


@kernel
def has_any(data, offsets, starts, strings, begins, found):
    """`found[i]` |= text i has one of the strings `strings[begins[j]:begins[j + 1]]` (uint8, each
    of a byte or more) in it. `starts` is bool[256]: the first bytes of the strings."""
    for row in range(offsets.shape[0] - 1):
        end = offsets[row + 1]
        for at in range(offsets[row], end):
            if not starts[data[at]]:
                continue
            for number in range(begins.shape[0] - 1):
                begin, length = begins[number], begins[number + 1] - begins[number]
                if at + length > end:
                    continue
                same = True
                for place in range(length):
                    if data[at + place] != strings[begin + place]:
                        same = False
                        break
                if same:
                    found[row] = True
                    break
            if found[row]:
                break


def warm() -> None:
    """Compile the kernels, or load them from Numba's cache."""
    data, offsets = text_buffers(pa.array(["é", ""], pa.large_string()))
    changed_by_nfc(data, offsets)
    contain_any(data, offsets, [b"a"])


def contain_any(data: np.ndarray, offsets: np.ndarray, strings: Sequence[bytes]) -> np.ndarray:
    """bool[rows]: whether each text has any of the strings (a byte or more) in it."""
    found = np.zeros(len(offsets) - 1, np.bool_)
    starts = np.zeros(256, np.bool_)
    starts[[string[0] for string in strings]] = True
    begins = np.cumsum([0, *map(len, strings)], dtype=np.int64)
    has_any(data, offsets, starts, np.frombuffer(b"".join(strings), np.uint8), begins, found)
    return found


def changed_by_nfc(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """bool[rows]: False only where NFC leaves the text as it is."""
    found = np.zeros(len(offsets) - 1, np.bool_)
    may_change(data, offsets, *nfc_table(), found)
    return found
