"""The text of a page as the tag scanner writes it: white space collapsed, character references
decoded (HTML standard, 13.2.5.72 to 13.2.5.80)."""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.htmltags import ENTITY_NAME
from corpusmith.kernels.jit import inlined, kernel

BASIS, _PRIME = np.uint32(2166136261), np.uint32(16777619)

STATE = (
    *("OUT", "PENDING", "BEGIN", "BLOCK_ELEM", "BLOCKS", "ELEMS", "TOP", "EVENTS", "REFS"),
    *("LINK", "LINK_FROM", "LINK_TO", "LINK_ELEM", "LINK_BYTES", "LINKS", "CODE", "CODE_ELEM"),
    *("FIRST_EVENT", "SOURCE", "PRE", "DROP", "TITLE_FROM", "TITLE_TO", "LINK_AT"),
    *("RAISED", "RAISED_EVENTS"),
)
"""The scanner's counters, one array of int64 that its functions share."""
(OUT, PENDING, BEGIN, BLOCK_ELEM, BLOCKS, ELEMS, TOP, EVENTS, REFS,
 LINK, LINK_FROM, LINK_TO, LINK_ELEM, LINK_BYTES, LINKS, CODE, CODE_ELEM,
 FIRST_EVENT, SOURCE, PRE, DROP, TITLE_FROM, TITLE_TO, LINK_AT,
 RAISED, RAISED_EVENTS) = range(len(STATE))  # fmt: skip
NO, SPACE_PENDING, LINE_PENDING = 0, 1, 2
_RAISED_MOST = 5
"""Figures of a superscript: their three bytes each fit in the room of its two tags."""
_RAISED = np.zeros(128, np.int64)
for _figure, _form in zip("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ", strict=True):
    _RAISED[ord(_figure)] = ord(_form)


@inlined
def fnv_step(value, byte):
    return np.uint32((value ^ np.uint32(byte)) * _PRIME)


@inlined
def is_space(byte):
    return byte == 32 or (9 <= byte <= 13 and byte != 11)


@inlined
def is_letter(byte):
    return 97 <= (byte | 32) <= 122


@kernel
def find_entity(hashes, points, value):
    """The slot of a name with this hash, or -1."""
    mask = hashes.shape[0] - 1
    slot = np.int64(value) & mask
    while points[slot, 0] != 0:
        if hashes[slot] == value:
            return slot
        slot = (slot + 1) & mask
    return np.int64(-1)


@kernel
def reference(data, at, end, tables):
    """(where the reference at `data[at] == "&"` ends, code point, second code point).

    The code point is -1 where the characters are no reference, 0 where it stands for nothing.
    """
    here = at + 1
    if here >= end:
        return at + 1, np.int64(-1), np.int64(0)
    if data[here] == 35:  # #
        stop, code, second = _number(data, here + 1, end, tables)
        return (at + 1 if code < 0 else stop), code, second
    value, best, best_end = BASIS, np.int64(-1), here
    while here < end and here - at < ENTITY_NAME:
        byte = data[here]
        if byte == 59:  # ;
            slot = find_entity(tables.entity_hashes, tables.entities, fnv_step(value, 59))
            if slot >= 0:
                best, best_end = slot, here + 1
            break
        if not (is_letter(byte) or 48 <= byte <= 57):
            break
        value = fnv_step(value, byte)
        here += 1
        if here - at <= 7:  # the names that need no semicolon are that short
            slot = find_entity(tables.entity_hashes, tables.entities, value)
            if slot >= 0:
                best, best_end = slot, here
    if best < 0:
        return at + 1, np.int64(-1), np.int64(0)
    return best_end, np.int64(tables.entities[best, 0]), np.int64(tables.entities[best, 1])


@kernel
def _number(data, here, end, tables):
    start, code, hexadecimal = here, np.int64(0), False
    if here < end and data[here] | 32 == 120:  # x
        hexadecimal = True
        here += 1
        start = here
    while here < end:
        byte = data[here]
        digit = byte - 48
        if not 48 <= byte <= 57:
            if not (hexadecimal and 97 <= (byte | 32) <= 102):
                break
            digit = (byte | 32) - 87
        code = min(code * (16 if hexadecimal else 10) + digit, 0x110000)
        here += 1
    if here == start:
        return start, np.int64(-1), np.int64(0)
    if here < end and data[here] == 59:
        here += 1
    if 0x80 <= code < 0xA0:
        code = np.int64(tables.c1[code - 0x80])
    if code == 0 or code > 0x10FFFF or 0xD800 <= code < 0xE000:
        return here, np.int64(0xFFFD), np.int64(0)
    if (code < 32 and not (9 <= code <= 13 and code != 11)) or code == 127 or code == 11:
        return here, np.int64(0), np.int64(0)
    return here, code, np.int64(0)


@kernel
def put_code(text, out, code):
    """Write a code point in UTF-8; returns where it ends."""
    if code < 0x80:
        text[out] = code
        return out + 1
    if code < 0x800:
        text[out] = 0xC0 | code >> 6
        out += 1
    else:
        if code < 0x10000:
            text[out] = 0xE0 | code >> 12
            out += 1
        else:
            text[out] = 0xF0 | code >> 18
            text[out + 1] = 0x80 | code >> 12 & 63
            out += 2
        text[out] = 0x80 | code >> 6 & 63
        out += 1
    text[out] = 0x80 | code & 63
    return out + 1


@kernel
def start_block(state, source):
    """The block begins here, in the innermost element."""
    state[BLOCK_ELEM] = state[TOP]
    state[SOURCE] = source


@kernel
def emit(data, at, end, text, state, tables, decode):
    """Append `data[at:end]`: outside <pre> with runs of white space as one space, or as one line
    end where a <br> is among them; in both with references decoded where `decode` is set."""
    out, pending, begin = state[OUT], state[PENDING], state[BEGIN]
    first, verbatim, source = out, state[PRE] > 0, at
    while at < end:
        byte = data[at]
        if byte == 38 and decode:
            at, code, second = reference(data, at, end, tables)
            if code < 0:
                code = np.int64(38)
            if code == 0:
                continue
        elif byte == 0xC2 and at + 1 < end and data[at + 1] == 0xA0:
            code, second = np.int64(32), np.int64(0)
            at += 2
        elif byte < 0x80 and not is_space(byte):
            if pending and out > begin:
                text[out] = 10 if pending == LINE_PENDING else 32
                out += 1
            pending = NO
            text[out] = byte
            out += 1
            at += 1
            while at < end:  # the rest of a word of ASCII
                byte = data[at]
                if byte <= 32 or byte == 38 or byte >= 0x80:
                    break
                text[out] = byte
                out += 1
                at += 1
            continue
        elif byte >= 0x80:
            if pending and out > begin:
                text[out] = 10 if pending == LINE_PENDING else 32
                out += 1
            pending = NO
            text[out] = byte
            out += 1
            at += 1
            while at < end and data[at] & 0xC0 == 0x80:
                text[out] = data[at]
                out += 1
                at += 1
            continue
        else:
            code, second = np.int64(byte), np.int64(0)
            at += 1
        if code == 0xA0:
            code = np.int64(32)
        if code < 128 and is_space(code):
            if not verbatim:
                pending = max(pending, SPACE_PENDING)
            elif code != 13:
                text[out] = code
                out += 1
            continue
        if pending and out > begin:
            text[out] = 10 if pending == LINE_PENDING else 32
            out += 1
        pending = NO
        out = put_code(text, out, code)
        if second:
            out = put_code(text, out, second)
    state[OUT], state[PENDING] = out, pending
    if out > first:
        if state[BLOCK_ELEM] < 0:
            start_block(state, source)
        if state[LINK]:
            state[LINK_BYTES] += out - first


@kernel
def put_literal(text, state, byte, count, source):
    """Append `count` bytes that the page doesn't hold, or an unescaped "<"."""
    out = state[OUT]
    if state[PENDING] and out > state[BEGIN]:
        text[out] = 10 if state[PENDING] == LINE_PENDING else 32
        out += 1
    state[PENDING] = NO
    for _ in range(count):
        text[out] = byte
        out += 1
    state[OUT] = out
    if state[BLOCK_ELEM] < 0:
        start_block(state, source)


@kernel
def commit_space(text, state):
    """Write the pending space now, so that what is opened next stands behind it."""
    out = state[OUT]
    if state[PENDING] and out > state[BEGIN]:
        text[out] = 10 if state[PENDING] == LINE_PENDING else 32
        state[OUT] = out + 1
        state[PENDING] = NO


@kernel
def close_raised(text, state):
    """Write an exponent or a note's number in Unicode's raised figures, since 10 to the 6th is
    not 106; a superscript with a link, code or other letters in it stays as it is."""
    first, end = state[RAISED] - 1, state[OUT]
    state[RAISED] = 0
    while first < end and text[first] <= 32:
        first += 1
    if not max(state[BEGIN], 0) <= first < end or state[EVENTS] != state[RAISED_EVENTS]:
        return
    count, at, out = 0, first, end  # written behind the text first
    while at < end:
        byte = np.int64(text[at])
        if byte == 0xE2 and at + 2 < end and text[at + 1] == 0x88 and text[at + 2] == 0x92:
            byte = np.int64(45)  # U+2212, the minus sign
            at += 2
        code = _RAISED[byte] if byte < 128 else np.int64(0)
        if code == 0 or count == _RAISED_MOST:
            return
        out = put_code(text, out, code)
        count += 1
        at += 1
    for place in range(out - end):
        text[first + place] = text[end + place]
    state[OUT] = first + out - end
