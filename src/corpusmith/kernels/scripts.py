"""The writing systems of a text: how many characters each has, per document.

The table is Unicode's Script property (`scripts.txt`). What belongs to no script of its own counts
for none: Zyyy (Common: punctuation, digits, symbols, the prolonged sound mark ー), Zinh (Inherited:
marks, which take the script of what they follow) and what is not assigned. Han characters are
counted apart where only simplified or only traditional Chinese writing uses them
(`han_variants.txt`).
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.jit import kernel, pointer
from corpusmith.kernels.marks import class_at

SIMPLIFIED, TRADITIONAL = "Hani+Hans", "Hani+Hant"
"""Counters of Han characters of one way of writing, apart from those of `Hani`."""


class Scripts(NamedTuple):
    """The counter of a code point, not ASCII: `leaves[roots[code >> 7] << 7 | code & 127]`; 0 is
    for what has no script. `names[i]` is what counter i counts, ISO 15924."""

    names: tuple[str, ...]
    roots: np.ndarray  # uint16[0x110000 >> 7]
    leaves: np.ndarray  # uint8[blocks * 128]


def _lines(name: str) -> list[str]:
    text = resources.files("corpusmith.kernels").joinpath(name).read_text("utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


@functools.cache
def han_variants() -> dict[str, str]:
    """`simplified` and `traditional`: the characters of that writing alone; `pairs`: each
    traditional character, then its simplified form."""
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in _lines("han_variants.txt")}


def ranges() -> list[tuple[int, int, str]]:
    """(First, last code point, script) of every range in `scripts.txt`."""
    found = []
    for line in _lines("scripts.txt"):
        codes, name = line.split()
        first, _, last = codes.partition("..")
        found.append((int(first, 16), int(last, 16), name))
    return found


@functools.cache
def scripts() -> Scripts:
    """The table, made once a process (a few milliseconds)."""
    rows = ranges()
    names = ("", *sorted({name for _, _, name in rows}), SIMPLIFIED, TRADITIONAL)
    numbers = {name: number for number, name in enumerate(names)}
    counters = np.zeros(0x110000, np.uint8)
    for first, last, name in rows:
        counters[first : last + 1] = numbers[name]
    for key, name in (("simplified", SIMPLIFIED), ("traditional", TRADITIONAL)):
        counters[[ord(character) for character in han_variants()[key]]] = numbers[name]
    blocks, roots = np.unique(counters.reshape(-1, 128), axis=0, return_inverse=True)
    leaves = np.ascontiguousarray(blocks.reshape(-1))
    roots = roots.reshape(-1).astype(np.uint16)
    for array in (roots, leaves):
        array.setflags(write=False)
    return Scripts(names, roots, leaves)


def count_scripts(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """int64[rows, len(scripts().names)]: characters of each script in each text."""
    data, offsets = text_buffers(column)
    table = scripts()
    counts = np.zeros((len(offsets) - 1, len(table.names)), np.int64)
    _count(data, offsets, table.roots, table.leaves, table.names.index("Latn"), counts)
    counts[:, 0] = 0
    return counts


@kernel
def _count(data, offsets, roots, leaves, latin, counts):
    text, roots_at, leaves_at = pointer(data), pointer(roots), pointer(leaves)
    for row in range(offsets.shape[0] - 1):
        at, end = offsets[row], offsets[row + 1]
        letters = np.int64(0)
        counted = pointer(counts[row])
        while at < end:
            byte = text[at]
            if byte < 128:
                letters += np.int64((byte | 32) - 97 < 26) & np.int64((byte | 32) >= 97)
                at += 1
                continue
            # `class_at` answers 256 + the leaf.
            index, size = class_at(text, at, end, roots_at, leaves_at)
            counted[index - 256] += 1
            at += size
        counted[latin] += letters


def warm() -> None:
    """Compile or load this module's kernel."""
    count_scripts(pa.array(["a词"], pa.large_string()))
