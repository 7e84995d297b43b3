"""What a code point, a piece of text and a sequence of tokens are to spaCy's English tokenizer.

`spacy_en.json` holds spaCy's classes of characters and its exceptions as data (made by
`benchmarks/peers/spacy_rules.py`); white space, letters and digits come from Python's own
Unicode, as they do in spaCy. From both, `tables()` makes the arrays that the kernels read.
"""

from __future__ import annotations

import functools
import json
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import hash_bytes
from corpusmith.kernels.jit import inlined, kernel, pointer

RULES = Path(__file__).with_name("spacy_en.json")

# Flags of a code point.
SPACE = 1 << 0  # str.isspace()
ALPHA = 1 << 1  # spaCy's ALPHA
LOWER = 1 << 2  # ALPHA_LOWER, caseless scripts too
UPPER = 1 << 3  # ALPHA_UPPER, caseless scripts too
QUOTE = 1 << 4  # CONCAT_QUOTES
ICON = 1 << 5
PREFIX = 1 << 6  # a prefix by itself
SUFFIX = 1 << 7  # a suffix by itself
CURRENCY = 1 << 8  # a suffix after a digit
BEFORE_DOT = 1 << 9  # after it a last "." is a suffix
DECIMAL = 1 << 10  # \d
WORD = 1 << 11  # \w
HOST = 1 << 12  # [A-Za-z0-9\\u00a1-\\uffff], in the pattern of a URL
LETTER = 1 << 13  # str.isalpha()
PUNCTUATION = 1 << 14  # Unicode category P*
SENTENCE_END = 1 << 15  # of spaCy's sentencizer
SYMBOL = 1 << 16  # datatrove's PUNCTUATION_SET
TERMINAL = 1 << 17  # datatrove's TERMINAL_PUNCTUATION
LINE_BREAK = 1 << 18  # str.splitlines()
EXACT = 1 << 19  # has rules of its own: . + ' … - $ and so on; see `spacy_affixes`

_CLASSES = {
    "alpha": ALPHA,
    "lower": LOWER,
    "upper": UPPER,
    "quote": QUOTE,
    "icon": ICON,
    "prefix": PREFIX,
    "suffix": SUFFIX,
    "currency": CURRENCY,
    "before_dot": BEFORE_DOT,
    "sentence_end": SENTENCE_END,
    "datatrove_punctuation": SYMBOL,
    "datatrove_terminal": TERMINAL,
}
_ASSIGNED = ((0, 0x323B0), (0xE0000, 0xE01F0))  # all others are for private use or unassigned

# Sorts of strings that `find` knows.
EXCEPTION = np.int64(0)  # a text with a tokenization of its own
UNIT = np.int64(1)  # a suffix after a digit: km, %, US$ ...
SPELLING = np.int64(2)  # of a token in a sequence that spells an exception

FILTER_SIZE = 4096
LONGEST_SEQUENCE = 16  # tokens that spell an exception
LONGEST = 64  # bytes of a string that `find` knows
FLAGS, TEXT, STRINGS, SLOTS, FILTER, PART_STARTS, PARTS, NODES, ROOTS = range(9)
"""Places of the pointers in `rules`, as in `Tables`."""
# Fields of `Tables.strings`.
START, LENGTH, SORT, VALUE = range(4)


class Tables(NamedTuple):
    """The rules as arrays; the kernels get pointers to them, in this order."""

    flags: np.ndarray  # int32[0x110000]
    text: np.ndarray  # uint8: the strings one after the other, and 8 bytes more
    strings: np.ndarray  # int64[4 * strings]: first byte, bytes, sort, value
    slots: np.ndarray  # int64[1 + power of two]: mask, then a string's number, or -1
    filter: np.ndarray  # uint8[FILTER_SIZE]: 1 where a string has this sort, length and ends
    part_starts: np.ndarray  # int64[exceptions + 1], into `parts`
    parts: np.ndarray  # int64: bytes of each part of an exception
    nodes: np.ndarray  # int64[4 * nodes]: spelling, first child, next sibling, exception; or -1
    roots: np.ndarray  # int64[spellings]: the node of a first token, or -1


Sequences = dict[int, list[str]]
Strings = list[tuple[int, int, str]]  # sort, value, the string


@functools.cache
def tables() -> Tables:
    """The tables, made once a process (about 0.3 s)."""
    rules = json.loads(RULES.read_text(encoding="utf-8"))
    exceptions = {text: parts.split(" ") for text, parts in rules["exceptions"].items()}
    flags = _flags(rules["classes"])
    strings: Strings = [(int(EXCEPTION), number, text) for number, text in enumerate(exceptions)]
    strings += [(int(UNIT), 0, text) for text in [*rules["units"], *rules["long_currencies"]]]
    # First without sequences: the affix rules say what they are.
    first = _tables(flags, exceptions, strings, {})
    return _tables(flags, exceptions, strings, _sequences(list(exceptions), first))


def _tables(
    flags: np.ndarray, exceptions: dict[str, list[str]], strings: Strings, sequences: Sequences
) -> Tables:
    spellings = sorted({token for tokens in sequences.values() for token in tokens})
    strings = strings + [(int(SPELLING), number, text) for number, text in enumerate(spellings)]
    encoded = [text.encode() for _, _, text in strings]
    assert max(map(len, encoded)) <= LONGEST
    starts = np.cumsum([0, *map(len, encoded)])
    fields = [
        (starts[number], len(encoded[number]), sort, value)
        for number, (sort, value, _) in enumerate(strings)
    ]
    text = np.frombuffer(b"".join(encoded) + bytes(8), np.uint8).copy()
    slots = np.full(1 + (1 << int(2 * len(strings)).bit_length()), -1, np.int64)
    slots[0] = len(slots) - 2
    filter_ = np.zeros(FILTER_SIZE, np.uint8)
    flat = np.array(fields, np.int64).reshape(-1)
    _fill(text, flat, slots, filter_)
    lengths = [[len(part.encode()) for part in parts] for parts in exceptions.values()]
    nodes, roots = _trie(sequences, {token: number for number, token in enumerate(spellings)})
    return Tables(
        flags, text, flat, slots, filter_, np.cumsum([0, *map(len, lengths)]).astype(np.int64),
        np.array([length for part in lengths for length in part], np.int64), nodes, roots,
    )  # fmt: skip


def _flags(classes: dict[str, str]) -> np.ndarray:
    flags = np.zeros(sys.maxunicode + 1, np.int32)
    for name, flag in _CLASSES.items():
        for first, last in _ranges(classes[name]):
            flags[first : last + 1] |= flag
    for begin, end in _ASSIGNED:
        for code in range(begin, end):
            flags[code] |= _unicode(chr(code))
    for first, last in ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A), (0xA1, 0xFFFF)):
        flags[first : last + 1] |= HOST
    for break_ in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029":
        flags[ord(break_)] |= LINE_BREAK
    flags.setflags(write=False)
    return flags


def _unicode(character: str) -> int:
    found = 0
    if character.isalpha():
        return LETTER | WORD
    if character.isspace():
        found |= SPACE
    if character.isalnum() or character == "_":
        found |= WORD
    category = unicodedata.category(character)
    if category == "Nd":
        found |= DECIMAL
    elif category[0] == "P":
        found |= PUNCTUATION
    return found


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    for piece in text.split():
        first, _, last = piece.partition("-")
        yield int(first, 16), int(last or first, 16)


@kernel
def _filter_place(first, last, length, sort):
    return (first * 37 + last * 101 + length * 251 + sort * 1031) & (FILTER_SIZE - 1)


@kernel
def _fill(text, strings, slots, filter_):
    for number in range(strings.shape[0] // 4):
        start, length = strings[4 * number + START], strings[4 * number + LENGTH]
        sort = strings[4 * number + SORT]
        slot = (hash_bytes(pointer(text), text.shape[0], start, length) + sort) & slots[0]
        while slots[1 + slot] >= 0:
            slot = (slot + 1) & slots[0]
        slots[1 + slot] = number
        first, last = np.int64(text[start]), np.int64(text[start + length - 1])
        filter_[_filter_place(first, last, length, sort)] = 1


@inlined
def find(data, size, start, length, sort, rules):
    """The value of the string `data[start:start + length]` of this sort, or -1."""
    if length > LONGEST:
        return np.int64(-1)
    place = _filter_place(np.int64(data[start]), np.int64(data[start + length - 1]), length, sort)
    if rules[FILTER][place] == 0:
        return np.int64(-1)
    return _find(data, size, start, length, sort, rules[TEXT], rules[STRINGS], rules[SLOTS])


@kernel
def _find(data, size, start, length, sort, text, strings, slots):
    slot = (hash_bytes(data, size, start, length) + sort) & slots[0]
    while True:
        number = slots[1 + slot]
        if number < 0:
            return number
        field = 4 * number
        if strings[field + LENGTH] == length and strings[field + SORT] == sort:
            begin = strings[field + START]
            same = True
            for offset in range(length):
                if text[begin + offset] != data[start + offset]:
                    same = False
                    break
            if same:
                return strings[field + VALUE]
        slot = (slot + 1) & slots[0]


def _sequences(exceptions: list[str], tables: Tables) -> Sequences:
    """The token sequences that spell an exception, by its number.

    spaCy looks for them after the affixes are split: "yes:)" is `yes : )` by the affixes alone,
    and `: )` without a space is the exception `:)`. A sequence is what the affix rules make of
    the exception; only exceptions with an affix have one of more than one token.
    """
    from corpusmith.kernels.spacy_en import split_without_exceptions

    found = {}
    for number, text in enumerate(exceptions):
        tokens = split_without_exceptions(text, tables)
        if len(tokens) > 1:
            # What `_find_sequences` and `_replace` rely on.
            assert len(tokens) <= LONGEST_SEQUENCE, text
            assert not all(_is_letter(token[0]) for token in tokens[:2]), text
            found[number] = tokens
    return found


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _trie(sequences: Sequences, numbers: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    nodes: list[list[int]] = []
    roots = np.full(len(numbers), -1, np.int64)
    for exception, tokens in sequences.items():
        node = -1
        for place, token in enumerate(tokens):
            spelling = numbers[token]
            child = int(roots[spelling]) if place == 0 else nodes[node][1]
            while child >= 0 and nodes[child][0] != spelling:
                child = nodes[child][2]
            if child < 0:
                child = len(nodes)
                nodes.append([spelling, -1, -1 if place == 0 else nodes[node][1], -1])
                if place == 0:
                    roots[spelling] = child
                else:
                    nodes[node][1] = child
            node = child
        nodes[node][3] = exception
    return np.array(nodes, np.int64).reshape(-1), roots
