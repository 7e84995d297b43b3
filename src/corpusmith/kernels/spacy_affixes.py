"""spaCy's prefix, suffix, infix and URL rules for English on the characters of one chunk.

A chunk is a run without white space, decoded: `codes` (code points), `flags` (`spacy_chars`) and
`places` (bytes from the chunk's first to each character, and to its end). Each function looks at
`[a, b)` of it and at nothing outside, as spaCy's regular expressions see a slice. The rules are
those of spacy/lang/punctuation.py, lang/en/punctuation.py and lang/tokenizer_exceptions.py.
"""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.jit import inlined, kernel
from corpusmith.kernels.spacy_chars import (
    ALPHA,
    BEFORE_DOT,
    CURRENCY,
    DECIMAL,
    HOST,
    ICON,
    LOWER,
    PREFIX,
    QUOTE,
    SUFFIX,
    UNIT,
    UPPER,
    WORD,
    find,
)

_DOT, _PLUS, _DOLLAR, _APOSTROPHE, _COMMA, _MINUS = b".+$',-"
_U, _S, _C, _A, _SMALL_S = b"USCAs"
_SLASH, _COLON, _QUESTION, _HASH, _AT, _TILDE, _LINE, _STAR, _CARET = b"/:?#@~_*^"
_LESS, _EQUALS, _GREATER = b"<=>"
_ELLIPSIS, _RIGHT_QUOTE, _DEGREE = 0x2026, 0x2019, 0xB0
_EN_DASH, _EM_DASH = 0x2013, 0x2014
MOST_LABEL, MOST_TOP = 64, 63


@inlined
def is_digit(code):
    return 48 <= code <= 57


@kernel
def prefix_length(codes, flags, a, b):
    """Characters of the prefix of [a, b), 0 where it has none."""
    if a >= b:
        return 0
    code = codes[a]
    if flags[a] & (PREFIX | ICON):
        return 1
    if code == _DOT:  # \.\.+
        at = a + 1
        while at < b and codes[at] == _DOT:
            at += 1
        return at - a if at - a > 1 else 0
    if code == _PLUS:  # \+(?![0-9])
        return 0 if a + 1 < b and is_digit(codes[a + 1]) else 1
    if code == _U:
        if a + 2 < b and codes[a + 1] == _S and codes[a + 2] == _DOLLAR:
            return 3
    elif (code == _C or code == _A) and a + 1 < b and codes[a + 1] == _DOLLAR:
        return 2
    return 0


@kernel
def suffix_length(codes, flags, places, a, b, data, size, origin, rules):
    """Characters of the longest suffix of [a, b), 0 where it has none: a search finds the match
    that begins first."""
    if a >= b:
        return 0
    last = b - 1
    code = codes[last]
    before = codes[last - 1] if last > a else 0
    longest = 1 if flags[last] & (SUFFIX | ICON) else 0
    if code == _DOT:
        if before == _DOT:
            at = last - 1
            while at > a and codes[at - 1] == _DOT:
                at -= 1
            return b - at
        if last > a and (
            flags[last - 1] & BEFORE_DOT
            or (last - 1 > a and flags[last - 1] & UPPER and flags[last - 2] & UPPER)
            or (last - 1 > a and codes[last - 2] == _DEGREE and _is_scale(before))
        ):
            return 1
        return 0
    if code == _ELLIPSIS:
        return 2 if before == _ELLIPSIS else 1
    if code == _SMALL_S or code == _S:
        if before == _APOSTROPHE or before == _RIGHT_QUOTE:
            longest = 2
    elif code == _PLUS and is_digit(before):
        longest = 1
    # After the last digit: a currency or a unit of measure. No unit has a digit in it.
    if flags[last] & CURRENCY and is_digit(before):
        longest = max(longest, 1)
    at = last
    while at >= a and last - at <= MOST_UNIT and not is_digit(codes[at]):
        at -= 1
    if a <= at < last and is_digit(codes[at]):
        start = places[at + 1]
        if find(data, size, origin + start, places[b] - start, UNIT, rules) >= 0:
            longest = max(longest, last - at)
    return longest


MOST_UNIT = 6  # characters; the longest unit has 6


@kernel
def _is_scale(code):
    return code == 70 or code == 102 or code == 67 or code == 99 or code == 75 or code == 107


@kernel
def infix_length(codes, flags, a, b, at):
    """Characters of the infix that begins at `at`, 0 where none does."""
    code = codes[at]
    if flags[at] & ICON or code == _ELLIPSIS:
        return 1
    if code == _DOT and at + 1 < b and codes[at + 1] == _DOT:
        end = at + 2
        while end < b and codes[end] == _DOT:
            end += 1
        return end - at
    if at == a or at + 1 >= b:
        return 0
    before, after = codes[at - 1], codes[at + 1]
    flags_before, flags_after = flags[at - 1], flags[at + 1]
    digit = is_digit(before)
    if code == _DOT:
        if flags_before & (LOWER | QUOTE) and flags_after & (UPPER | QUOTE):
            return 1
        return 0
    if code == _COMMA:
        return 1 if flags_before & ALPHA and flags_after & ALPHA else 0
    if code == _PLUS or code == _MINUS or code == _STAR or code == _CARET:
        if digit and (is_digit(after) or after == _MINUS):
            return 1
        if code != _MINUS:
            return 0
    if not (digit or flags_before & ALPHA):
        return 0
    if code == _COLON or code == _LESS or code == _EQUALS or code == _GREATER or code == _SLASH:
        return 1 if flags_after & ALPHA else 0
    if code == _MINUS or code == _EM_DASH:  # - -- ---, — ——
        most = 3 if code == _MINUS else 2
        end = at + 1
        while end < b and end - at < most and codes[end] == code:
            end += 1
        return end - at if end < b and flags[end] & ALPHA else 0
    if code == _EN_DASH or code == _TILDE:
        return 1 if flags_after & ALPHA else 0
    return 0


@kernel
def is_url(codes, flags, a, b):
    """Whether URL_PATTERN matches all of [a, b).

    ((scheme)://)? (user@)? (IPv4 address | host.name) (:port)? ([/?#]...)?
    A host may begin at the start, behind the scheme, or behind any "@" but a first one.
    """
    if _host_to_end(codes, flags, a, b):
        return True
    at = a
    while at < b and (
        flags[at] & WORD or codes[at] == _PLUS or codes[at] == _MINUS or codes[at] == _DOT
    ):
        at += 1
    if (
        at - a >= 2
        and at + 2 < b
        and codes[at] == _COLON
        and codes[at + 1] == _SLASH
        and codes[at + 2] == _SLASH
        and _host_to_end(codes, flags, at + 3, b)
    ):
        return True
    for at in range(a + 1, b):  # noqa: SIM110  Numba has no generators here
        if codes[at] == _AT and _host_to_end(codes, flags, at + 1, b):
            return True
    return False


@kernel
def _host_to_end(codes, flags, a, b):
    return _address_to_end(codes, flags, a, b) or _name_to_end(codes, flags, a, b)


@kernel
def _name_to_end(codes, flags, a, b):
    start = a
    while True:
        if start > a:
            # (?:[ALPHA_LOWER]{2,63}), if what may follow a host follows it
            at = start
            while at < b and flags[at] & LOWER:
                at += 1
            if 2 <= at - start <= MOST_TOP and _rest_matches(codes, flags, at, b):
                return True
        # ([H][H_-]{0,62})?[H]\.
        at = start
        while at < b and (flags[at] & HOST or codes[at] == _LINE or codes[at] == _MINUS):
            at += 1
        if (
            at == start
            or at - start > MOST_LABEL
            or at >= b
            or codes[at] != _DOT
            or not flags[start] & HOST
            or not flags[at - 1] & HOST
        ):
            return False
        start = at + 1


@kernel
def _rest_matches(codes, flags, at, b):
    r"""(?::\d{2,5})?(?:[/?#]\S*)?$"""
    if at < b and codes[at] == _COLON:
        end = at + 1
        while end < b and end - at <= 6 and flags[end] & DECIMAL:
            end += 1
        if not 3 <= end - at <= 6:
            return False
        at = end
    return at == b or codes[at] == _SLASH or codes[at] == _QUESTION or codes[at] == _HASH


@kernel
def _address_to_end(codes, flags, a, b):
    """An IPv4 address, without the private networks that the pattern excludes."""
    at = a
    first_end, second, second_end = a, a, a
    for number in range(4):
        if number > 0:
            if at >= b or codes[at] != _DOT:
                return False
            at += 1
        start = at
        while at < b and at - start < 4 and flags[at] & DECIMAL:
            at += 1
        if not _octet(codes, start, at, number):
            return False
        if number == 0:
            first_end = at
        elif number == 1:
            second, second_end = start, at
    one, two = _value(codes, a, first_end), _value(codes, second, second_end)
    private = (
        one == 10
        or one == 127
        or (one == 169 and two == 254)
        or (one == 192 and two == 168)
        or (one == 172 and second_end - second == 2 and _is_16_to_31(codes, second))
    )
    return not private and _rest_matches(codes, flags, at, b)


@kernel
def _value(codes, start, end):
    """The number that [start, end) spells in ASCII digits, else -1."""
    value = np.int64(0)
    for at in range(start, end):
        if not is_digit(codes[at]):
            return np.int64(-1)
        value = 10 * value + codes[at] - 48
    return value


@kernel
def _is_16_to_31(codes, start):
    r"""1[6-9]|2\d|3[0-1], where \d is a digit of any script."""
    tens, ones = codes[start] - 48, codes[start + 1] - 48
    return tens == 2 or (tens == 1 and 6 <= ones <= 9) or (tens == 3 and 0 <= ones <= 1)


@kernel
def _octet(codes, start, end, number):
    r"""Whether the digits [start, end) are what the pattern takes as the address's part `number`:
    first [1-9]\d?|1\d\d|2[01]\d|22[0-3], then twice 1?\d{1,2}|2[0-4]\d|25[0-5], and last
    [1-9]\d?|1\d\d|2[0-4]\d|25[0-4]. \d is a digit of any script."""
    length = end - start
    if length < 1 or length > 3:
        return False
    one = codes[start] - 48
    if length < 3:
        return number == 1 or number == 2 or 1 <= one <= 9
    if one == 1:
        return True
    if one != 2:
        return False
    two, three = codes[start + 1] - 48, codes[start + 2] - 48
    if number == 0:
        return two == 0 or two == 1 or (two == 2 and 0 <= three <= 3)
    return 0 <= two <= 4 or (two == 5 and 0 <= three <= (4 if number == 3 else 5))
