"""Byte-level BPE as it is defined, in plain Python: slow, and without a line of the kernels.

A text becomes a string of classes of the same length, one letter a character, and the patterns
are written on those for Python's `re`. The classes are those of Python's Unicode version, so
this is right for characters that it knows.

    U Lu Lt   l Ll   o Lm Lo   m M   0 N   " " U+0020   "\\n" U+000A U+000D   _ other white space
    / and ' themselves   x everything else
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

LETTERS = {"Lu": "U", "Lt": "U", "Ll": "l", "Lm": "o", "Lo": "o"}
CONTRACTION = "'s|'t|'re|'ve|'m|'ll|'d"
SPACE = r"[ _\n]"
END_OF_SPACE = rf"{SPACE}+(?![^ _\n])|{SPACE}+"
# (alternatives before, of classes; those of the text are contractions, at the place named)
PATTERNS = {
    "gpt2": (f" ?[Ulo]+| ?0+| ?[mx/']+|{END_OF_SPACE}", "first", False),
    "cl100k": (
        rf"[^\nUlo0]?[Ulo]+|0{{1,3}}| ?[mx/']+\n*|{SPACE}*\n+|{END_OF_SPACE}", "first", True
    ),
    "qwen2": (rf"[^\nUlo0]?[Ulo]+|0| ?[mx/']+\n*|{SPACE}*\n+|{END_OF_SPACE}", "first", True),
    "qwen3.5": (rf"[^\nUlo0]?[Ulom]+|0| ?[x/']+\n*|{SPACE}*\n+|{END_OF_SPACE}", "first", True),
    "o200k": (
        r"(?P<word>[^\nUlo0]?[Uom]*[lom]+|[^\nUlo0]?[Uom]+[lom]*)"
        rf"|0{{1,3}}| ?[mx/']+[\n/]*|{SPACE}*\n+|{END_OF_SPACE}", "after a word", True
    ),
}  # fmt: skip


def class_of(character: str) -> str:
    if character in " /'":
        return character
    if character in "\r\n":
        return "\n"
    if character.isspace() and character not in "\x1c\x1d\x1e\x1f":
        return "_"
    category = unicodedata.category(character)
    if category in LETTERS:
        return LETTERS[category]
    return {"M": "m", "N": "0"}.get(category[0], "x")


def pretokens(text: str, name: str) -> list[str]:
    pattern, place, caseless = PATTERNS[name]
    contraction = re.compile(CONTRACTION, re.IGNORECASE if caseless else 0)
    classes = "".join(map(class_of, text))
    found, at = [], 0
    while at < len(text):
        match = contraction.match(text, at) if place == "first" else None
        if match is None:
            match = re.compile(pattern).match(classes, at)
            assert match is not None
            stop = match.end()
            if place != "first" and match["word"] is not None:
                more = contraction.match(text, stop)
                stop = more.end() if more else stop
        else:
            stop = match.end()
        found.append(text[at:stop])
        at = stop
    return found


def byte_symbols() -> dict[int, str]:
    """`bytes_to_unicode` of GPT-2: printable Latin-1 as it is, the rest from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    printable += range(ord("®"), ord("ÿ") + 1)
    symbols = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in symbols:
            symbols[byte] = chr(256 + len(symbols) - len(printable))
    return symbols


def encode(
    text: str,
    name: str,
    vocab: Mapping[str, int],
    merges: Sequence[Sequence[str]],
    ignore_merges: bool = False,
) -> list[int]:
    """The pair of the lowest rank is merged, the leftmost first, until no pair is a merge."""
    symbols = byte_symbols()
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
    tokens = []
    for word in pretokens(text, name):
        parts = [symbols[byte] for byte in word.encode()]
        if ignore_merges and "".join(parts) in vocab:
            parts = ["".join(parts)]
        while True:
            pairs = [
                (ranks[parts[i], parts[i + 1]], i)
                for i in range(len(parts) - 1)
                if (parts[i], parts[i + 1]) in ranks
            ]
            if not pairs:
                break
            _, i = min(pairs)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        tokens += [vocab[part] for part in parts]
    return tokens
