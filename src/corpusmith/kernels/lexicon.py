"""Word lists of the scripts that are written without spaces, as tries in flat arrays.

`words.xz` holds a list for each of Chinese, Japanese, Thai, Khmer, Lao and Burmese: words with
costs. A cost is -10 ln p of a word's frequency where that is known, else the same for all words of
the list. Where the lists are from and under which licences: NOTICE. `tests/golden/make_words.py`
makes the file.
"""

from __future__ import annotations

import functools
import lzma
from importlib import resources
from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import MULTIPLIER
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.scripts import han_variants

NONE, CHINESE, JAPANESE, THAI, KHMER, LAO, BURMESE = range(7)
NAMES = ("", "zh", "ja", "th", "km", "lo", "my")
"""The lists: of Han alone, of Han and Kana, and of a script each."""

# Fields of a lexicon's row in `Lexicons.fields`.
SLOTS_AT, MASK, COSTS_AT, UNKNOWN, UNKNOWN_NEXT, JOINS = range(6)
FIELDS = 6

# The cost of a character (with its marks) that begins a stretch of no known word, and of each that
# goes on with it. Where JOINS is 1, a stretch is one word: elsewhere only Katakana is (foreign
# names and terms), and each Han and Hiragana character is a word of its own.
_UNKNOWN = {
    "zh": (200, 200, 0),
    "ja": (150, 30, 0),
    "th": (140, 140, 1),
    "km": (150, 150, 1),
    "lo": (150, 150, 1),
    "my": (150, 150, 1),
}
_CODE_BITS, _CHILD_BITS = np.uint64(21), np.uint64(20)
_CHILD = np.uint64((1 << 20) - 1)
_NOTHING = np.uint64(0)
_HIGH = np.uint64(40)


class Lexicons(NamedTuple):
    """The tries of some lists. A slot is node << 41 | code point << 20 | child, 0 where empty;
    node 0 is a trie's root. A child with a cost ends a word."""

    slots: np.ndarray  # uint64
    costs: np.ndarray  # uint8: by node, 0 where no word ends
    fields: np.ndarray  # int64[7, FIELDS]; MASK is 0 where a list was not loaded
    fold: np.ndarray  # int32[0x10000]: Chinese characters as the list has them, simplified


@functools.cache
def word_lists() -> dict[str, tuple[str, bytes]]:
    """Of each list its words, sorted, each with a newline behind it, and their costs."""
    raw = resources.files("corpusmith.kernels").joinpath("words.xz").read_bytes()
    text = lzma.decompress(raw)
    found = {}
    at = 0
    while at < len(text):
        end = text.index(b"\n", at)
        name, size, words = text[at:end].decode("ascii").split()
        at = end + 1
        letters = text[at : at + int(size)].decode("utf-8")
        at += int(size)
        found[name] = (letters, text[at : at + int(words)])
        at += int(words)
    return found


@functools.cache
def _trie(name: str) -> tuple[np.ndarray, np.ndarray]:
    letters, costs = word_lists()[name]
    codes = np.frombuffer(letters.encode("utf-32-le"), np.uint32).astype(np.int64)
    slots = np.zeros(1 << (2 * len(codes)).bit_length(), np.uint64)
    nodes = np.zeros(len(codes) + 1, np.uint8)
    used = _build(codes, np.frombuffer(costs, np.uint8), slots, nodes)
    # Rebuilt to fit: the first one has room for words that share nothing.
    small = np.zeros(max(1 << (2 * int(used)).bit_length(), 64), np.uint64)
    _move(slots, small)
    return small, nodes[:used].copy()


@functools.cache
def lexicons(wanted: frozenset[int]) -> Lexicons:
    """The tries of these lists (numbers such as CHINESE); loading one takes some 50 ms."""
    fields = np.zeros((len(NAMES), FIELDS), np.int64)
    slots, costs = [np.zeros(1, np.uint64)], [np.zeros(1, np.uint8)]
    slots_at = costs_at = 1
    for number in sorted(wanted - {NONE}):
        trie, nodes = _trie(NAMES[number])
        fields[number] = (slots_at, len(trie) - 1, costs_at, *_UNKNOWN[NAMES[number]])
        slots.append(trie)
        costs.append(nodes)
        slots_at += len(trie)
        costs_at += len(nodes)
    return Lexicons(np.concatenate(slots), np.concatenate(costs), fields, folded())


@functools.cache
def folded() -> np.ndarray:
    fold = np.arange(0x10000, dtype=np.int32)
    pairs = han_variants()["pairs"]
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        if ord(old) < 0x10000:
            fold[ord(old)] = ord(new)
    fold.setflags(write=False)
    return fold


@inlined
def find_child(slots, at, mask, node, code):
    """The child of `node` by `code`, or 0; `slots[at]` is the trie's first slot."""
    key = np.uint64(node) << _CODE_BITS | np.uint64(code)
    slot = np.int64((key * MULTIPLIER) >> _HIGH) & mask
    while True:
        found = slots[at + slot]
        if found == _NOTHING:
            return np.int64(0)
        if found >> _CHILD_BITS == key:
            return np.int64(found & _CHILD)
        slot = (slot + 1) & mask


@inlined
def _put(slots, mask, entry):
    slot = np.int64(((entry >> _CHILD_BITS) * MULTIPLIER) >> _HIGH) & mask
    while slots[slot] != _NOTHING:
        slot = (slot + 1) & mask
    slots[slot] = entry


@kernel
def _build(codes, costs, slots, nodes):
    """Put words, each ended by a newline, into the trie; returns how many nodes it has."""
    mask = np.int64(slots.shape[0] - 1)
    used = np.int64(1)
    node = np.int64(0)
    words = 0
    for index in range(codes.shape[0]):
        code = codes[index]
        if code == 10:
            nodes[node] = costs[words]
            words += 1
            node = np.int64(0)
            continue
        child = find_child(pointer(slots), 0, mask, node, code)
        if child == 0:
            child = used
            used += 1
            key = np.uint64(node) << _CODE_BITS | np.uint64(code)
            _put(slots, mask, key << _CHILD_BITS | np.uint64(child))
        node = child
    return used


@kernel
def _move(slots, small):
    mask = np.int64(small.shape[0] - 1)
    for index in range(slots.shape[0]):
        if slots[index] != _NOTHING:
            _put(small, mask, slots[index])


def warm() -> None:
    """Compile or load this module's kernels."""
    slots, nodes = np.zeros(8, np.uint64), np.zeros(4, np.uint8)
    _build(np.array([97, 10], np.int64), np.frombuffer(b"\x01", np.uint8), slots, nodes)
    _move(slots, slots.copy())
