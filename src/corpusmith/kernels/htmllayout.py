"""Sizes of a page's text blocks, what is alike or repeats, and the part of the page that holds
its text.

A character of Chinese, Japanese or Korean counts as two, about what it takes to say the same.
*Good*
text is a block of 60 or more with punctuation and less than 30 % of it in links.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.htmlattrs import HIDDEN
from corpusmith.kernels.htmlstack import (
    B_ELEM,
    B_FROM,
    B_LINK_BYTES,
    B_TO,
    E_FIRST,
    E_FLAGS,
    E_HINTS,
    E_LAST,
    E_PARENT,
    E_SIGNATURE,
    E_TAG,
)  # fmt: skip
from corpusmith.kernels.htmltags import HINT, HINTS, TAG
from corpusmith.kernels.jit import inlined, kernel

GOOD_SIZE, GOOD_LINKS = 60.0, 0.3
"""A block from this size on and under this share in links is good."""

STATS = ("SIZE", "PUNCT", "DIGITS", "UPPER", "LETTERS", "LINES", "ENDS", "LINK", "GOOD", "BYTES",
         "SPACES", "TITLE")  # fmt: skip
(SIZE, PUNCT, DIGITS, UPPER, LETTERS, LINES, ENDS, LINK, GOOD, BYTES, SPACES, TITLE) = range(
    len(STATS)
)
TAG_GROUPS = {
    "article": "article", "main": "main", "nav": "nav menu", "header": "header", "footer": "footer",
    "aside": "aside", "form": "form fieldset", "table": "table", "list": "ul ol",
    "figure": "figure figcaption", "quote": "blockquote", "button": "button object video audio",
    "pre": "pre listing xmp", "section": "section", "dl": "dl", "p": "p",
    "heading": "h1 h2 h3 h4 h5 h6",
    "item": "li dt dd", "cell": "td th", "div": "div", "details": "details summary",
    "address": "address",
}  # fmt: skip
TRUST_HINT, TRUST_SECOND, TRUST_HIDDEN, TRUST_REPEATED = 0.5, 0.5, 0.1, 0.5
_NEGATIVE = 0
for _name in [
    "comment",
    "nav",
    "footer",
    "sidebar",
    "related",
    "share",
    "promo",
    "signup",
    "tags",
    "popup",
    "tools",
    "form",
]:
    _NEGATIVE |= HINT[_name]
_POSITIVE = HINT["article"] | HINT["content"] | HINT["prose"] | HINT["code"] | HINT["product"]
GROUPS = tuple(TAG_GROUPS)
HIDDEN_BIT = 1 << len(GROUPS)
GROUP_OF = np.zeros(len(TAG), np.int32)
for _number, _names in enumerate(TAG_GROUPS.values()):
    for _name in _names.split():
        GROUP_OF[TAG[_name]] |= 1 << _number
LEVEL = np.zeros(len(TAG), np.float32)
for _number in range(1, 7):
    LEVEL[TAG[f"h{_number}"]] = _number
N_GROUPS, N_HINTS = len(GROUPS), len(HINTS)

PARAGRAPH = GROUP_OF[TAG["p"]] | GROUP_OF[TAG["li"]] | GROUP_OF[TAG["td"]]
_POSITIVE_GROUPS = 0
for _name in ("article", "main", "section", "p", "pre", "div"):
    _POSITIVE_GROUPS |= 1 << GROUPS.index(_name)
ARTICLE, PRE_GROUP = GROUP_OF[TAG["article"]], GROUP_OF[TAG["pre"]]
_NEGATIVE_GROUPS = 0
for _name in ("nav", "footer", "aside", "form", "button"):
    _NEGATIVE_GROUPS |= 1 << GROUPS.index(_name)


@kernel
def _measure(text, begin, end, row):
    size = punct = digits = upper = letters = lines = spaces = 0
    last = 0
    at = begin
    while at < end:
        byte = text[at]
        if byte < 0x80:
            at += 1
            size += 1
            if 97 <= byte <= 122:
                letters += 1
                last = 0
            elif 65 <= byte <= 90:
                letters += 1
                upper += 1
                last = 0
            elif 48 <= byte <= 57:
                digits += 1
                last = 0
            elif byte == 44 or byte == 59 or byte == 58:
                punct += 1
                last = 0
            elif byte == 46 or byte == 33 or byte == 63:
                punct += 1
                last = 1
            elif byte == 10:
                lines += 1
                spaces += 1
            elif byte == 32:
                spaces += 1
            elif byte > 32 and byte != 34 and byte != 39 and byte != 41 and byte != 93:
                last = 0
        elif byte < 0xE0:
            if byte == 0xD8 and at + 1 < end and text[at + 1] in (0x8C, 0x9B, 0x9F):
                punct += 1
                last = 1 if text[at + 1] == 0x9F else 0
            else:
                letters += 1
                last = 0
            size += 1
            at += 2
        else:
            wide = 0xE3 <= byte <= 0xED or byte == 0xEF
            if at + 2 < end and byte == 0xE3 and text[at + 1] == 0x80 and text[at + 2] <= 0x82:
                punct += 1
                last = 1 if text[at + 2] == 0x82 else 0
            elif at + 2 < end and byte == 0xEF and text[at + 1] == 0xBC:
                mark = text[at + 2]
                if mark in (0x8C, 0x81, 0x9A, 0x9B, 0x9F):
                    punct += 1
                    last = 1 if mark == 0x81 or mark == 0x9F else 0
            elif byte == 0xE2 and at + 1 < end and text[at + 1] == 0x80:
                wide = False  # quotes and dashes: what stands before them counts
            else:
                letters += 1
                last = 0
            size += 2 if wide else 1
            at += 4 if byte >= 0xF0 else 3
    row[SIZE], row[PUNCT], row[DIGITS], row[UPPER] = size, punct, digits, upper
    row[LETTERS], row[LINES], row[ENDS] = letters, lines, last
    row[BYTES], row[SPACES] = end - begin, spaces


@kernel
def measure(text, blocks, stats, sums):
    """Sizes of each block, and their running sums (size, link, good, pre) from 0 on.

    stats float32[b, 12]; sums float64[b + 1, 3].
    """
    count = blocks.shape[0]
    for column in range(3):
        sums[0, column] = 0.0
    for number in range(count):
        row = stats[number]
        _measure(text, blocks[number, B_FROM], blocks[number, B_TO], row)
        row[LINK] = row[SIZE] * min(1.0, blocks[number, B_LINK_BYTES] / max(row[BYTES], 1.0))
        good = row[SIZE] >= GOOD_SIZE and row[PUNCT] > 0 and row[LINK] < GOOD_LINKS * row[SIZE]
        row[GOOD] = row[SIZE] if good else 0.0
        sums[number + 1, 0] = sums[number, 0] + row[SIZE]
        sums[number + 1, 1] = sums[number, 1] + row[LINK]
        sums[number + 1, 2] = sums[number, 2] + row[GOOD]


@inlined
def within(sums, first, last, column):
    return sums[last, column] - sums[first, column]


@kernel
def find_root(elems, blocks, stats, sums, group, groups, repeats, doubt, found, running):
    """The layout that holds the most trusted good text, and the innermost element with 80 %
    of that.

    Less trusted is what stands in parts of the page that repeat three times or more, in a second
    article, in a part with under half of the page's text whose class speaks against it, hidden, or
    far behind the title (`TRUST`). found int64[4]: the layout, the element, its first and last
    block; doubt float32[e], running float64[b + 1] are room to work. groups[:, 4] gets the trust.
    """
    total = max(sums[blocks.shape[0], 2], 1.0)
    articles = 0
    for number in range(elems.shape[0]):
        parent = elems[number, E_PARENT]
        if parent < 0:
            doubt[number] = 1.0
            continue
        trust = doubt[parent]
        share = within(sums, elems[number, E_FIRST], elems[number, E_LAST], 2) / total
        if share > 0.0:
            if elems[number, E_HINTS] & _NEGATIVE and share < 0.5:
                trust *= TRUST_HINT
            if GROUP_OF[elems[number, E_TAG]] & ARTICLE:
                articles += 1
                if articles > 1:
                    trust *= TRUST_SECOND
            if GROUP_OF[elems[number, E_TAG]] & _NEGATIVE_GROUPS and share < 0.5:
                trust *= TRUST_HINT
            if elems[number, E_FLAGS] & HIDDEN and not elems[parent, E_FLAGS] & HIDDEN:
                trust *= TRUST_HIDDEN
        doubt[number] = trust
    title = np.int64(-1)
    for number in range(blocks.shape[0]):
        groups[group[number], 4] = 0.0
        if stats[number, TITLE] >= 0.6 and (
            title < 0 or LEVEL[elems[blocks[number, B_ELEM], E_TAG]] == 1
        ):
            title = np.int64(number)
    for number in range(blocks.shape[0]):
        elem = blocks[number, B_ELEM]
        trust = stats[number, GOOD] * doubt[elem]
        if trust == 0.0:
            continue
        up = elem
        if GROUP_OF[elems[elem, E_TAG]] & PARAGRAPH and elem > 0:
            up = elems[elem, E_PARENT]
        if repeats[up] >= 3:
            trust *= TRUST_REPEATED
        if title >= 0:
            trust *= 1.0 / (1.0 + 0.02 * abs(number - title)) if number > title else 0.5
        groups[group[number], 4] += trust
    main = np.int64(0)
    for number in range(blocks.shape[0]):
        this = group[number]
        if groups[this, 4] > groups[main, 4]:
            main = np.int64(this)
    first = last = np.int64(-1)
    running[0] = 0.0
    for number in range(blocks.shape[0]):
        mine = group[number] == main
        running[number + 1] = running[number] + (stats[number, GOOD] if mine else 0.0)
        if mine and stats[number, GOOD] > 0.0:
            last = np.int64(number)
            if first < 0:
                first = np.int64(number)
    whole = max(running[blocks.shape[0]], 1.0)
    root = np.int64(0)
    for number in range(elems.shape[0]):
        if running[elems[number, E_LAST]] - running[elems[number, E_FIRST]] >= 0.8 * whole:
            root = np.int64(number)
    found[0], found[1], found[2], found[3] = main, root, first, last


@kernel
def place(elems, blocks, stats, sums, root, work, weight):
    """What each element hands down, and the element that holds the text: (best, core, most).

    work int32[e, 6]: groups of the elements around, hints of the same, hints of the nearest two,
    depth, which <article> with good text it is in and how many are around it;
    of what is around the root only what speaks for it. weight float32[e]: good text
    directly in it, half of that of its children. best has most of it; core and most are the
    innermost with 70 and 90 % of all.
    """
    count = elems.shape[0]
    total = max(sums[-1, 2], 1.0)
    core = most = np.int64(0)
    root_first, root_last = elems[root, E_FIRST], elems[root, E_LAST]
    articles = 0
    for number in range(count):
        weight[number] = 0.0
        parent = elems[number, E_PARENT]
        hints, group = elems[number, E_HINTS], GROUP_OF[elems[number, E_TAG]]
        share = within(sums, elems[number, E_FIRST], elems[number, E_LAST], 2) / total
        around_root = number <= root and root_first >= elems[number, E_FIRST]
        if around_root and root_last <= elems[number, E_LAST]:
            hints &= _POSITIVE
            group &= _POSITIVE_GROUPS
        if elems[number, E_FLAGS] & HIDDEN:
            group |= HIDDEN_BIT
        if parent < 0:
            work[number, 0], work[number, 1], work[number, 2], work[number, 3] = group, 0, 0, 0
            work[number, 4] = work[number, 5] = 0
        else:
            work[number, 4], work[number, 5] = work[parent, 4], work[parent, 5]
            if GROUP_OF[elems[number, E_TAG]] & ARTICLE and share > 0.0:
                articles += 1
                work[number, 4] = articles
                work[number, 5] += 1
            work[number, 0] = work[parent, 0] | group
            work[number, 1] = work[parent, 1] | hints
            work[number, 2] = hints
            work[number, 3] = work[parent, 3] + 1
        if share >= 0.7:
            core = number
        if share >= 0.9:
            most = number
    for number in range(blocks.shape[0]):
        elem = blocks[number, B_ELEM]
        good = stats[number, GOOD]
        if good > 0.0:
            if GROUP_OF[elems[elem, E_TAG]] & PARAGRAPH and elem > 0:
                elem = elems[elem, E_PARENT]
            weight[elem] += good
            if elem > 0:
                weight[elems[elem, E_PARENT]] += 0.5 * good
    best = np.int64(0)
    for number in range(count):
        if weight[number] > weight[best]:
            best = number
    return best, core, most


@kernel
def alike(elems, blocks, stats, slots, group, groups):
    """Blocks of the same layout: tags and first classes all the way up.

    slots int32[power of 2, over 2b], cleared here; group int32[b]: of each block; groups
    float32[b, 5]: count, size, in links, good.
    """
    mask = slots.shape[0] - 1
    slots[:] = -1
    found = 0
    for number in range(blocks.shape[0]):
        signature = elems[blocks[number, B_ELEM], E_SIGNATURE]
        slot = np.int64(np.uint32(np.uint32(signature) * np.uint32(2654435769)) >> 7) & mask
        while slots[slot] >= 0 and signature != elems[blocks[slots[slot], B_ELEM], E_SIGNATURE]:
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = number
            group[number] = found
            groups[found, 0] = groups[found, 1] = groups[found, 2] = groups[found, 3] = 0.0
            found += 1
        this = group[slots[slot]]
        group[number] = this
        groups[this, 0] += 1
        groups[this, 1] += stats[number, SIZE]
        groups[this, 2] += stats[number, LINK]
        groups[this, 3] += stats[number, GOOD]


@kernel
def repeat(elems, slots, repeats):
    """repeats int32[e]: how many elements with text have the layout of each, itself included.

    slots int32[power of 2, over 2e], cleared here. Cards, comments and list items repeat, what
    holds an article does not.
    """
    mask = slots.shape[0] - 1
    slots[:] = -1
    for number in range(elems.shape[0]):
        repeats[number] = 0
        if elems[number, E_LAST] == elems[number, E_FIRST]:
            continue
        signature = elems[number, E_SIGNATURE]
        slot = np.int64(np.uint32(np.uint32(signature) * np.uint32(2654435769)) >> 7) & mask
        while slots[slot] >= 0 and signature != elems[slots[slot], E_SIGNATURE]:
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = number
        repeats[slots[slot]] += 1
    for number in range(elems.shape[0]):
        if elems[number, E_LAST] == elems[number, E_FIRST]:
            continue
        signature = elems[number, E_SIGNATURE]
        slot = np.int64(np.uint32(np.uint32(signature) * np.uint32(2654435769)) >> 7) & mask
        while signature != elems[slots[slot], E_SIGNATURE]:
            slot = (slot + 1) & mask
        repeats[number] = repeats[slots[slot]]


@kernel
def _title_overlap(text, begin, end, data, title_from, title_to):
    """1 where the block stands in the title as it is; the share of it that the title begins with
    otherwise, ASCII case aside."""
    size, room = end - begin, title_to - title_from
    if size < 3 or room < 3 or size > 400:
        return 0.0
    for start in range(title_from, min(title_to - size + 1, title_from + 400)):
        i = 0
        while i < size and data[start + i] | 32 == text[begin + i] | 32:
            i += 1
        if i == size:
            return 1.0
    i = 0
    while i < min(size, room) and data[title_from + i] | 32 == text[begin + i] | 32:
        i += 1
    return i / size


@kernel
def compare_title(text, blocks, data, title_from, title_to, stats):
    """Fill the column TITLE of `stats` from the page's title, `data[title_from:title_to]`."""
    for number in range(blocks.shape[0]):
        stats[number, TITLE] = _title_overlap(
            text, blocks[number, B_FROM], blocks[number, B_TO], data, title_from, title_to
        )
