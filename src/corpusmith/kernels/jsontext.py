"""The string value of one field of a JSON object in a line, without the object."""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import load64, store64
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.vectors import lowest_bit

_HIGH_BITS, _ONES = np.uint64(0x8080808080808080), np.uint64(0x0101010101010101)
_QUOTES, _SLASHES = np.uint64(0x2222222222222222), np.uint64(0x5C5C5C5C5C5C5C5C)
QUOTE, BACKSLASH, COLON, COMMA = 0x22, 0x5C, 0x3A, 0x2C
OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET = 0x7B, 0x7D, 0x5B, 0x5D


@inlined
def _blank(data, at, end):  # type: ignore[no-untyped-def]
    """Where the white space of JSON that begins at `at` ends."""
    while at < end and (data[at] == 32 or data[at] == 9 or data[at] == 10 or data[at] == 13):
        at += 1
    return at


@inlined
def _zero_bytes(word):  # type: ignore[no-untyped-def]
    """The high bit of each byte that is 0, if no byte is over 127; exact up to the first one."""
    return (word - _ONES) & ~word & _HIGH_BITS


@inlined
def _string_end(data, at, end):  # type: ignore[no-untyped-def]
    """Where the string ends whose first character is at `at`: its quote, or `end`."""
    while at < end and data[at] != QUOTE:
        at += 2 if data[at] == BACKSLASH else 1
    return min(at, end)


@inlined
def _value_end(data, at, end):  # type: ignore[no-untyped-def]
    """Where the value at `at` ends, if it is one: the parser of the rest checks that."""
    depth = 0
    while at < end:
        byte = data[at]
        if byte == QUOTE:
            at = _string_end(data, at + 1, end)
        elif byte == OPEN_BRACE or byte == OPEN_BRACKET:
            depth += 1
        elif byte == CLOSE_BRACE or byte == CLOSE_BRACKET:
            if depth == 0:
                return at
            depth -= 1
        elif byte == COMMA and depth == 0:
            return at
        at += 1
    return min(at, end)


@inlined
def _hex4(data, at, end):  # type: ignore[no-untyped-def]
    """The number in four hexadecimal digits at `at`, or -1."""
    if at + 4 > end:
        return -1
    number = 0
    for place in range(at, at + 4):
        byte = data[place]
        if 48 <= byte <= 57:
            digit = byte - 48
        elif 65 <= byte <= 70:
            digit = byte - 55
        elif 97 <= byte <= 102:
            digit = byte - 87
        else:
            return -1
        number = number * 16 + digit
    return number


@inlined
def _encode(code, out, size):  # type: ignore[no-untyped-def]
    """Write a code point as UTF-8; returns the new size."""
    if code < 0x80:
        out[size] = code
        return size + 1
    if code < 0x800:
        out[size] = 0xC0 | code >> 6
        out[size + 1] = 0x80 | code & 63
        return size + 2
    if code < 0x10000:
        out[size] = 0xE0 | code >> 12
        out[size + 1] = 0x80 | code >> 6 & 63
        out[size + 2] = 0x80 | code & 63
        return size + 3
    out[size] = 0xF0 | code >> 18
    out[size + 1] = 0x80 | code >> 12 & 63
    out[size + 2] = 0x80 | code >> 6 & 63
    out[size + 3] = 0x80 | code & 63
    return size + 4


@inlined
def _character_bytes(data, at, end):  # type: ignore[no-untyped-def]
    """Bytes of the character above U+007F whose UTF-8 form begins at `at`; 0 where it is none
    (Unicode 16, table 3-7: neither surrogates nor longer forms than needed)."""
    first = data[at]
    if first < 0xC2 or first > 0xF4:
        return 0
    size = 2 if first < 0xE0 else (3 if first < 0xF0 else 4)
    if at + size > end:
        return 0
    low, high = 0x80, 0xBF
    if first == 0xE0:
        low = 0xA0
    elif first == 0xED:
        high = 0x9F
    elif first == 0xF0:
        low = 0x90
    elif first == 0xF4:
        high = 0x8F
    if data[at + 1] < low or data[at + 1] > high:
        return 0
    for place in range(at + 2, at + size):
        if data[place] & 0xC0 != 0x80:
            return 0
    return size


@kernel
def _unescape(array, at, end, target):  # type: ignore[no-untyped-def]
    """(where the string's quote is, bytes written) of the string whose first character is at `at`;
    (-1, 0) where it is no valid one."""
    data, out = pointer(array), pointer(target)
    size = 0
    while at < end:
        # Eight bytes of ASCII at a time that are neither a quote nor a backslash nor NUL.
        while at + 8 <= end:
            word = load64(data, at)
            odd = _zero_bytes(word ^ _QUOTES) | _zero_bytes(word ^ _SLASHES) | _zero_bytes(word)
            odd |= word & _HIGH_BITS
            count = (lowest_bit(odd) >> 3) if odd else 8
            store64(out, size, word)  # what is behind `count` is overwritten
            at += count
            size += count
            if odd:
                break
        if at >= end:
            return -1, 0
        byte = data[at]
        if byte == QUOTE:
            return at, size
        if byte >= 0x80:
            while at < end and data[at] >= 0x80:
                count = _character_bytes(data, at, end)
                if count == 0:
                    return -1, 0
                for place in range(count):
                    out[size + place] = data[at + place]
                at += count
                size += count
            continue
        if byte == 0:
            return -1, 0
        if byte != BACKSLASH:
            out[size] = byte
            at += 1
            size += 1
            continue
        if at + 1 >= end:
            return -1, 0
        kind = data[at + 1]
        at += 2
        if kind == 110:  # n
            code = 10
        elif kind == QUOTE or kind == BACKSLASH or kind == 47:  # /
            code = kind
        elif kind == 116:  # t
            code = 9
        elif kind == 114:  # r
            code = 13
        elif kind == 98:  # b
            code = 8
        elif kind == 102:  # f
            code = 12
        elif kind == 117:  # u
            code = _hex4(data, at, end)
            at += 4
            if code < 0 or 0xDC00 <= code <= 0xDFFF:
                return -1, 0
            if code >= 0xD800:
                if at + 6 > end or data[at] != BACKSLASH or data[at + 1] != 117:
                    return -1, 0
                second = _hex4(data, at + 2, end)
                if second < 0xDC00 or second > 0xDFFF:
                    return -1, 0
                code = 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00)
                at += 6
        else:
            return -1, 0
        size = _encode(code, out, size)
    return -1, 0


@kernel
def string_field(array, key, target):  # type: ignore[no-untyped-def]
    """The value of the first field `key` of the JSON object in `array`, where it is a string.

    array uint8[n] (one line), key uint8[m] (the name's UTF-8), target uint8[n + 8] or more.
    Returns (begin, end, size): the string with its quotes is `array[begin:end]`, its characters are
    `target[:size]` as valid UTF-8. (-1, -1, 0) where there is no such field, or it is no string, or
    no valid one (a lone surrogate, a NUL byte, no UTF-8), or a name before it has an escape.
    Raw control characters are taken as they are. What stands outside of the string is looked at no
    further than to find it: whether the rest is JSON is for a parser to say, with the string
    `array[begin:end]` replaced by another.
    """
    data, end = pointer(array), len(array)
    at = _blank(data, 0, end)
    if at >= end or data[at] != OPEN_BRACE:
        return -1, -1, 0
    at += 1
    while True:
        at = _blank(data, at, end)
        if at >= end or data[at] != QUOTE:
            return -1, -1, 0
        first = at + 1
        stop = _string_end(data, first, end)
        same = stop - first == len(key)
        for place in range(first, stop):
            if data[place] == BACKSLASH:
                return -1, -1, 0
            if same and data[place] != key[place - first]:
                same = False
        at = _blank(data, stop + 1, end)
        if at >= end or data[at] != COLON:
            return -1, -1, 0
        at = _blank(data, at + 1, end)
        if same:
            if at >= end or data[at] != QUOTE:
                return -1, -1, 0
            quote, size = _unescape(array, at + 1, end, target)
            if quote < 0:
                return -1, -1, 0
            return at, quote + 1, size
        at = _value_end(data, at, end)
        if at >= end or data[at] != COMMA:
            return -1, -1, 0
        at += 1


def text_field(data: bytes, key: bytes) -> tuple[memoryview, bytes] | None:
    """(the value of the field `key` as UTF-8, the line with "" in its place), where `data` is an
    object with such a string; see `string_field`. None leaves the line to a parser."""
    array = np.frombuffer(data, np.uint8)
    target = np.empty(len(data) + 8, np.uint8)
    begin, end, size = string_field(array, np.frombuffer(key, np.uint8), target)
    if begin < 0:
        return None
    return target[:size].data, b'%b""%b' % (data[:begin], data[end:])


def warm() -> None:
    """Compile the kernel."""
    text_field(b'{"a": "b"}', b"a")
