"""Character classes of the regular expressions that tokenizers split text with.

They must be those of the engine inside the `tokenizers` library (Oniguruma), whose Unicode
version is neither Python's nor that of any other regex library: `regex_classes.txt` holds what
that engine said of every code point, and `MADE_WITH` names the version of the library.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import NamedTuple

import numpy as np

UPPER = 1  # Lu, Lt
LOWER = 2  # Ll
OTHER = 4  # Lm, Lo
MARK = 8  # M
NUMBER = 16  # N
SPACE = 32  # \s
NEWLINE = 64  # \r \n, which are SPACE too
LETTER = UPPER | LOWER | OTHER

MADE_WITH = "0.23.3"  # tokenizers

FLAGS = {
    "Lu": UPPER,
    "Lt": UPPER,
    "Ll": LOWER,
    "Lm": OTHER,
    "Lo": OTHER,
    "M": MARK,
    "N": NUMBER,
    "s": SPACE,
}


class RegexClasses(NamedTuple):
    """Flags of a code point: `leaves[roots[code point >> 7] * 128 + (code point & 127)]`.

    Block 0 is that of ASCII, so an ASCII byte's flags are `leaves[byte]`.
    """

    roots: np.ndarray  # uint16[0x110000 >> 7]
    leaves: np.ndarray  # uint8[blocks * 128]


@functools.cache
def regex_classes() -> RegexClasses:
    """The tables, made once a process (a few milliseconds)."""
    flags = np.zeros(0x110000, np.uint8)
    for first, last, name in ranges():
        flags[first : last + 1] |= FLAGS[name]
    for code in b"\r\n":
        flags[code] |= NEWLINE
    rows, roots = np.unique(flags.reshape(-1, 128), axis=0, return_inverse=True)
    ascii_row = int(roots.reshape(-1)[0])
    order = np.arange(len(rows))
    order[[0, ascii_row]] = [ascii_row, 0]  # a swap, so its own inverse
    leaves = np.ascontiguousarray(rows[order].reshape(-1))
    roots = order[roots.reshape(-1)].astype(np.uint16)
    for array in (roots, leaves):
        array.setflags(write=False)
    return RegexClasses(roots, leaves)


def ranges() -> list[tuple[int, int, str]]:
    """(First, last code point, class) of every range in `regex_classes.txt`."""
    found = []
    text = resources.files("corpusmith.kernels").joinpath("regex_classes.txt").read_text("ascii")
    for line in text.splitlines():
        if not line.startswith("#"):
            codes, name = line.split()
            first, _, last = codes.partition("..")
            found.append((int(first, 16), int(last or first, 16), name))
    return found
