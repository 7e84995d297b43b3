"""What stands around each element of a page, as its text is to be written; and the classifier.

A forest is arrays of nodes: feature, threshold, the node for "at most" and the one for "over"
(both further on), value; a node without a feature (-1) is a leaf. A row's score is the sum of its
leaves in the order of the trees and the bias; the answer is 1 / (1 + exp(-score)), in steps of
1/1024, so that the last bit of a logarithm decides nothing.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.htmlblocks import STEPS
from corpusmith.kernels.htmllayout import GOOD, SIZE
from corpusmith.kernels.htmlstack import (
    B_ELEM,
    B_FROM,
    B_TO,
    E_NUMBER,
    E_PARENT,
    E_TAG,
)
from corpusmith.kernels.htmltags import TAG
from corpusmith.kernels.jit import kernel

CONTEXT = ("ITEM", "MARGIN", "PRE", "CELL", "ROW", "TABLE", "LEVEL", "NUMBER", "MARKED", "COLUMNS",
           "ROWS")  # fmt: skip
"""Columns: the innermost list item, pre, cell, row and data table (-1: none); what a line in the
element begins with (`MARGIN`); heading level. NUMBER is an item's or a cell's place and MARKED
whether an item was begun; of a table COLUMNS and ROWS, or -1.

A margin is a 1 and two bits for each quote or list item around, the innermost last: 0 a quote, else
an item whose text stands that many characters and one more behind its mark."""
(C_ITEM, C_MARGIN, C_PRE, C_CELL, C_ROW, C_TABLE, C_LEVEL, C_NUMBER, C_MARKED, C_COLUMNS,
 C_ROWS) = range(len(CONTEXT))  # fmt: skip
FULL_MARGIN = 1 << 20  # ten quotes and items: what is deeper stands where the tenth does
MAX_CELL = 2000

(_LI, _UL, _OL, _MENU, _TABLE, _TR, _TD, _TH, _PRE, _LISTING, _XMP, _QUOTE) = (
    np.int64(TAG[name])
    for name in [
        "li",
        "ul",
        "ol",
        "menu",
        "table",
        "tr",
        "td",
        "th",
        "pre",
        "listing",
        "xmp",
        "blockquote",
    ]
)
_H1, _H6 = np.int64(TAG["h1"]), np.int64(TAG["h6"])


@kernel
def context(elems, blocks, stats, around):
    """Fill `around` (int32[e, 11]): from each element's parent and its own name."""
    for number in range(elems.shape[0]):
        parent, tag = elems[number, E_PARENT], elems[number, E_TAG]
        here = around[number]
        if parent < 0:
            for column in range(here.shape[0]):
                here[column] = 0
            here[C_MARGIN] = 1
            here[C_ITEM] = here[C_PRE] = here[C_CELL] = here[C_ROW] = here[C_TABLE] = -1
            continue
        above = around[parent]
        for column in range(C_NUMBER):
            here[column] = above[column]
        here[C_NUMBER], here[C_MARKED], here[C_COLUMNS], here[C_ROWS] = 0, 0, 0, 0
        if tag == _LI:
            here[C_ITEM] = number
            width = 2
            if elems[parent, E_TAG] == _OL:  # of a cell or a row it is another number
                above[C_NUMBER] += 1
                here[C_NUMBER] = above[C_NUMBER]
                width = 3 if above[C_NUMBER] < 10 else 4
            if above[C_MARGIN] < FULL_MARGIN:
                here[C_MARGIN] = above[C_MARGIN] << 2 | (width - 1)
        elif tag == _UL or tag == _OL or tag == _MENU:
            if tag == _OL and elems[number, E_NUMBER] > 0:
                here[C_NUMBER] = elems[number, E_NUMBER] - 1
        elif tag == _QUOTE:
            if above[C_MARGIN] < FULL_MARGIN:
                here[C_MARGIN] = above[C_MARGIN] << 2
        elif tag == _PRE or tag == _LISTING or tag == _XMP:
            here[C_PRE] = number
            if here[C_TABLE] >= 0:
                around[here[C_TABLE], C_ROWS] = -1  # code with line numbers beside it
        elif _H1 <= tag <= _H6:
            here[C_LEVEL] = tag - _H1 + 1
            if here[C_TABLE] >= 0 and here[C_LEVEL] <= 3:
                around[here[C_TABLE], C_ROWS] = -1
        elif tag == _TABLE:
            if here[C_TABLE] >= 0:
                around[here[C_TABLE], C_ROWS] = -1  # tables within tables lay pages out
            here[C_TABLE], here[C_CELL], here[C_ROW] = number, -1, -1
        elif (tag == _TD or tag == _TH) and here[C_TABLE] >= 0:
            table = around[here[C_TABLE]]
            here[C_CELL], here[C_ROW] = number, parent
            if above[C_NUMBER] == 0 and table[C_ROWS] >= 0:
                table[C_ROWS] += 1
            here[C_NUMBER] = above[C_NUMBER]
            above[C_NUMBER] += min(max(elems[number, E_NUMBER], 1), 64)
            table[C_COLUMNS] = max(table[C_COLUMNS], above[C_NUMBER])
    for number in range(blocks.shape[0]):
        here = around[blocks[number, B_ELEM]]
        if here[C_TABLE] >= 0 and here[C_CELL] >= 0:
            cell = around[here[C_CELL]]
            cell[C_COLUMNS] += np.int32(min(stats[number, SIZE], 1e6))  # not used by a cell itself
            cell[C_ROWS] += 1
            if cell[C_COLUMNS] > (MAX_CELL if cell[C_ROWS] < 3 else MAX_CELL // 4):
                around[here[C_TABLE], C_ROWS] = -1  # long texts side by side: it lays the page out
    for number in range(elems.shape[0]):
        here = around[number]
        if here[C_TABLE] >= 0:
            table = around[here[C_TABLE]]
            layout = here[C_CELL] < 0 or table[C_ROWS] < 2 or table[C_COLUMNS] < 2
            if layout and here[C_TABLE] != number:
                here[C_TABLE] = -1


@kernel
def score(rows, more, feature, threshold, left, right, value, roots, bias, answer):
    """answer float32[b]: of the rows (float32[b, f]), with the columns of `more` after theirs."""
    width = rows.shape[1]
    for number in range(rows.shape[0]):
        row, further = rows[number], more[number]
        total = bias
        for tree in range(roots.shape[0]):
            node = roots[tree]
            while feature[node] >= 0:
                at = feature[node]
                given = row[at] if at < width else further[at - width]
                node = left[node] if given <= threshold[node] else right[node]
            total += value[node]
        answer[number] = np.rint(STEPS / (1.0 + np.exp(-total))) / STEPS


@kernel
def settle(blocks, elems, around, stats, answer, at_least, sums, keep):
    """keep bool[b]: blocks whose answer is at least this; a data table and a <pre> go or stay as a
    whole, by the mean over their text. sums float32[e, 2] is room to work."""
    for number in range(elems.shape[0]):
        sums[number, 0] = sums[number, 1] = 0.0
    for number in range(blocks.shape[0]):
        here = around[blocks[number, B_ELEM]]
        whole = here[C_PRE] if here[C_PRE] >= 0 else here[C_TABLE]
        if whole >= 0:
            sums[whole, 0] += answer[number] * stats[number, SIZE]
            sums[whole, 1] += stats[number, SIZE]
    for number in range(blocks.shape[0]):
        here = around[blocks[number, B_ELEM]]
        whole = here[C_PRE] if here[C_PRE] >= 0 else here[C_TABLE]
        verdict = answer[number]
        if whole >= 0:
            verdict = sums[whole, 0] / max(sums[whole, 1], 1.0)
        keep[number] = verdict >= at_least


WINDOW, COPIED_FRAC, MIN_WINDOWS = 24, 0.8, 8
HEADING_FRAC = 0.6


@kernel
def drop_copies(text, blocks, around, stats, seen, keep):
    """A good paragraph goes when 80 % of it stood on the page before: pages hold their text twice,
    for phones or for machines.

    Compared are the 24 bytes from each word on (each character of Chinese or Japanese), by hash.
    seen uint64[power of 2, over twice the text's bytes in good blocks], cleared here.
    """
    mask = seen.shape[0] - 1
    seen[:] = 0
    for number in range(blocks.shape[0]):
        here = around[blocks[number, B_ELEM]]
        if not keep[number] or stats[number, GOOD] <= 0.0:
            continue
        if here[C_PRE] >= 0 or (here[C_TABLE] >= 0 and here[C_CELL] >= 0):
            continue
        begin, end = blocks[number, B_FROM], blocks[number, B_TO]
        for store in range(2):
            windows = copied = 0
            for at in range(begin, end - WINDOW + 1):
                starts = at == begin or text[at - 1] <= 32 or text[at] >= 0xE3
                if not starts:
                    continue
                value = np.uint64(14695981039346656037)
                for i in range(WINDOW):
                    value = np.uint64((value ^ np.uint64(text[at + i])) * np.uint64(1099511628211))
                value |= np.uint64(1)
                slot = np.int64(value >> np.uint64(20)) & mask
                while seen[slot] != 0 and seen[slot] != value:
                    slot = (slot + 1) & mask
                windows += 1
                if seen[slot] == value:
                    copied += 1
                elif store:
                    seen[slot] = value
            if not store and windows >= MIN_WINDOWS and copied >= COPIED_FRAC * windows:
                keep[number] = False
                break


@kernel
def keep_headings(blocks, around, answer, at_least, keep):
    """A heading right above text that stays does too, unless the model is rather sure against it:
    of a few words alone it can tell less than of what they head."""
    for number in range(blocks.shape[0] - 2, -1, -1):
        here, below = around[blocks[number, B_ELEM]], around[blocks[number + 1, B_ELEM]]
        level = here[C_LEVEL]
        if keep[number] or not keep[number + 1] or level == 0:
            continue
        if here[C_ITEM] >= 0 or here[C_PRE] >= 0 or 0 < below[C_LEVEL] <= level:
            continue
        keep[number] = answer[number] >= HEADING_FRAC * at_least
