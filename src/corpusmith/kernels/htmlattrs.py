"""The attributes of one tag, as the tag scanner needs them (HTML standard, 13.2.5.32 to
13.2.5.40)."""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.htmltags import (
    ATTR_ALT,
    ATTR_ARIA,
    ATTR_CLASS,
    ATTR_HIDDEN,
    ATTR_HREF,
    ATTR_ID,
    ATTR_ITEMPROP,
    ATTR_REL,
    ATTR_ROLE,
    ATTR_SPAN,
    ATTR_START,
    ATTR_STYLE,
    ATTR_TYPE,
    fnv,
)  # fmt: skip
from corpusmith.kernels.htmltext import BASIS, fnv_step, is_letter, is_space
from corpusmith.kernels.jit import inlined, kernel

FOUND = (
    *("HINTS", "FLAGS", "SIGNATURE", "HREF_FROM", "HREF_TO", "TYPE_FROM", "TYPE_TO", "ALT_FROM"),
    *("ALT_TO", "LANG_FROM", "LANG_TO", "NUMBER", "NO_DOUBLE", "NO_SINGLE"),
)
"""What is found, one array of int64; the last two outlive a tag: no such quote from here on."""
(F_HINTS, F_FLAGS, F_SIGNATURE, HREF_FROM, HREF_TO, TYPE_FROM, TYPE_TO, ALT_FROM,
 ALT_TO, LANG_FROM, LANG_TO, NUMBER, NO_DOUBLE, NO_SINGLE) = range(len(FOUND))  # fmt: skip

HIDDEN, ARIA_HIDDEN, SELF_CLOSED, FIELD, LICENSE = (1 << bit for bit in range(5))
"""Flags: not shown; hidden from readers; ends in "/>"; may name author or date; rel=license."""

_LANGUAGE, _LANG, _AUTHOR, _BYLINE, _PUBLISHED, _LICENSE_WORD, _DATE = (
    np.uint32(fnv(word))
    for word in ("language", "lang", "author", "byline", "published", "license", "date")
)


@inlined
def folded(byte):
    """An ASCII letter in lower case, other bytes as they are."""
    return byte | 32 if 65 <= byte <= 90 else byte


@kernel
def _words(data, at, end, found, tables, of_class):
    """Take the words of a class, an id or a role: letters, cut at camel case too."""
    mask = tables.hint_hashes.shape[0] - 1
    start_of_value = at
    while at < end:
        if not is_letter(data[at]):
            at += 1
            continue
        value = BASIS
        start, upper = at, data[at] < 97
        while at < end and is_letter(data[at]):
            if data[at] < 97 and at > start and not upper:
                break
            upper = data[at] < 97
            value = fnv_step(value, data[at] | 32)
            at += 1
        slot = np.int64(value) & mask
        while tables.hints[slot] != 0:
            if tables.hint_hashes[slot] == value:
                found[F_HINTS] |= tables.hints[slot]
                break
            slot = (slot + 1) & mask
        if value == _AUTHOR or value == _BYLINE or value == _PUBLISHED or value == _DATE:
            found[F_FLAGS] |= FIELD
        elif (value == _LANGUAGE or value == _LANG) and at < end and data[at] == 45 and of_class:
            stop = at + 1
            while stop < end and not is_space(data[stop]):
                stop += 1
            found[LANG_FROM], found[LANG_TO] = at + 1, stop
    if of_class:
        value = BASIS
        at = start_of_value
        while at < end and is_space(data[at]):
            at += 1
        while at < end and not is_space(data[at]):
            if is_letter(data[at]):
                value = fnv_step(value, data[at])
            at += 1
        found[F_SIGNATURE] = np.int64(value)


@kernel
def _has(data, at, end, word):
    """Whether the value holds these bytes (lower case) anywhere, case and spaces aside."""
    size = len(word)
    matched = 0
    while at < end:
        byte = folded(data[at])
        at += 1
        if is_space(byte):
            continue
        if byte == word[matched]:
            matched += 1
            if matched == size:
                return True
        else:
            matched = 1 if byte == word[0] else 0
    return False


_NONE_SHOWN, _LICENSE_TEXT, _AUTHOR_TEXT, _TRUE = (
    tuple(word.encode()) for word in ("display:none", "license", "author", "true")
)


@kernel
def _take(data, name, at, end, found, tables):
    """One attribute whose name has this hash and whose value is `data[at:end]`."""
    if name == ATTR_CLASS:
        _words(data, at, end, found, tables, True)
    elif name == ATTR_ID or name == ATTR_ROLE or name == ATTR_ITEMPROP:
        _words(data, at, end, found, tables, False)
    elif name == ATTR_HREF:
        found[HREF_FROM], found[HREF_TO] = at, end
    elif name == ATTR_STYLE:
        if _has(data, at, end, _NONE_SHOWN):
            found[F_FLAGS] |= HIDDEN
    elif name == ATTR_HIDDEN:
        found[F_FLAGS] |= HIDDEN
    elif name == ATTR_ARIA:
        if _has(data, at, end, _TRUE):
            found[F_FLAGS] |= ARIA_HIDDEN
    elif name == ATTR_REL:
        if _has(data, at, end, _LICENSE_TEXT):
            found[F_FLAGS] |= LICENSE
        if _has(data, at, end, _AUTHOR_TEXT):
            found[F_FLAGS] |= FIELD
    elif name == ATTR_TYPE:
        found[TYPE_FROM], found[TYPE_TO] = at, end
    elif name == ATTR_ALT:
        found[ALT_FROM], found[ALT_TO] = at, end
    elif name == ATTR_SPAN or name == ATTR_START:
        number = np.int64(0)
        while at < end and 48 <= data[at] <= 57:
            number = min(number * 10 + data[at] - 48, 1_000_000)
            at += 1
        found[NUMBER] = number


@kernel
def attributes(data, at, end, found, tables, wanted):
    """Read from behind a tag's name up to its ">"; returns where the tag ends (`end` if never).

    A quote that is never closed ends its value at the next white space or ">"; that there is none
    is remembered, so that a page of such tags is still read once.
    """
    for place in range(NO_DOUBLE):
        found[place] = 0
    found[NUMBER] = -1
    while at < end:
        byte = data[at]
        if byte == 62:
            return at + 1
        if byte == 47:
            found[F_FLAGS] = found[F_FLAGS] & ~SELF_CLOSED
            if at + 1 < end and data[at + 1] == 62:
                found[F_FLAGS] |= SELF_CLOSED
            at += 1
            continue
        if is_space(byte):
            at += 1
            continue
        value = BASIS
        start = at
        while at < end:
            byte = data[at]
            if byte == 62 or byte == 47 or is_space(byte) or (byte == 61 and at > start):
                break
            value = fnv_step(value, folded(byte))
            at += 1
        while at < end and is_space(data[at]):
            at += 1
        first = last = at
        if at < end and data[at] == 61:
            at += 1
            while at < end and is_space(data[at]):
                at += 1
            if at >= end:
                return end
            quote = data[at]
            closed = False
            if quote == 34 or quote == 39:
                none = NO_DOUBLE if quote == 34 else NO_SINGLE
                if not found[none]:
                    first = at + 1
                    last = first
                    while last < end and data[last] != quote:
                        last += 1
                    closed = last < end
                    if closed:
                        at = last + 1
                    else:
                        found[none] = 1
            if not closed:
                first = at
                while at < end and data[at] != 62 and not is_space(data[at]):
                    at += 1
                last = at
        if wanted:
            _take(data, value, first, last, found, tables)
    return end
