r"""Pre-tokens: where the patterns of known tokenizers cut a text, as state machines.

Each function finds the ends of the pre-tokens of `data[at:end]`, which is valid UTF-8 and begins
where a pre-token does. The patterns are tried at each place from left to right and the first
alternative that matches wins, as backtracking engines do; here every class of characters is
disjoint from what may follow it, so that a run's end is found without going back. Where it is
not, in the white space of all and the words of o200k, the comment says what going back gives.

GPT2, Radford et al. 2019 (`encoder.py`):

    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

CL100K, OpenAI's cl100k_base, Llama 3; with \p{N} in place of \p{N}{1,3} Qwen 2, and with
[\p{L}\p{M}] in place of \p{L} as well Qwen 3.5:

    (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
    | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+

O200K, OpenAI's o200k_base; U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], L = [\p{Ll}\p{Lm}\p{Lo}\p{M}]:

    [^\r\n\p{L}\p{N}]?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
    |[^\r\n\p{L}\p{N}]?U+L*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
    |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from corpusmith.kernels.hashing import load64
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.regexclasses import (
    LETTER,
    LOWER,
    MARK,
    NEWLINE,
    NUMBER,
    OTHER,
    SPACE,
    UPPER,
)

GPT2, CL100K, O200K = range(3)

_QUOTE, _BLANK, _SLASH = b"' /"
_S, _T, _M, _D, _R, _V, _L, _E = b"stmdrvle"
_LONG_S = 0xC5, 0xBF  # U+017F in UTF-8: the only other character that (?i:s) matches

_ONES = 0x0101010101010101
_HIGH = np.uint64(0x80 * _ONES)
_LOW7 = np.uint64(0x7F * _ONES)
_CASE = np.uint64(0x20 * _ONES)
_BLANKS = np.uint64(0x20 * _ONES)
# Added to a byte below 128, it reaches bit 7 from `a` on, and from the character after `z` on.
_FROM_LOWER_A, _PAST_LOWER_Z = np.uint64((0x80 - 0x61) * _ONES), np.uint64((0x80 - 0x7B) * _ONES)
_ZERO, _THREE = np.uint64(0), np.uint64(3)


@intrinsic
def _trailing_zeros(typingctx, word):  # type: ignore[no-untyped-def]
    """Zero bits below the lowest one of a uint64 that is not 0."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


@inlined
def first_marked(marks):
    """Number of the first byte (lowest address) of which bit 7 is set in `marks`, not 0."""
    return np.int64(_trailing_zeros(marks) >> _THREE)


@inlined
def _not_letters(word):
    """Bit 7 of each byte that is no ASCII letter."""
    folded = (word | _CASE) & _LOW7
    letters = (folded + _FROM_LOWER_A) & ~(folded + _PAST_LOWER_Z) & ~word & _HIGH
    return letters ^ _HIGH


@inlined
def _not_lower(word):
    low = word & _LOW7
    return ((low + _FROM_LOWER_A) & ~(low + _PAST_LOWER_Z) & ~word & _HIGH) ^ _HIGH


@inlined
def flags_at(data, at, roots, leaves):
    """(Flags, bytes) of the character at `at`."""
    first = np.int64(data[at])
    size = np.int64(1)
    code = first
    if first >= 0x80:
        second = np.int64(data[at + 1]) & 0x3F
        if first < 0xE0:
            size = np.int64(2)
            code = (first & 0x1F) << 6 | second
        elif first < 0xF0:
            size = np.int64(3)
            code = (first & 0x0F) << 12 | second << 6 | (np.int64(data[at + 2]) & 0x3F)
        else:
            size = np.int64(4)
            code = (
                (first & 0x07) << 18
                | second << 12
                | (np.int64(data[at + 2]) & 0x3F) << 6
                | (np.int64(data[at + 3]) & 0x3F)
            )
        return np.int64(leaves[np.int64(roots[code >> 7]) << 7 | (code & 127)]), size
    return np.int64(leaves[code]), size


@inlined
def _run(data, at, end, roots, leaves, mask):
    """The end of the run of characters with any flag of `mask`."""
    while at < end:
        flags, size = flags_at(data, at, roots, leaves)
        if not flags & mask:
            break
        at += size
    return at


@inlined
def _letters(data, size, at, end, roots, leaves, letters):
    """The end of the run of `letters`, a mask with all of LETTER, eight ASCII ones at a time."""
    while at + 8 <= size:
        gaps = _not_letters(load64(data, at))
        if gaps != _ZERO:
            at += first_marked(gaps)
            break
        at += 8
    if at >= end:
        return end
    if data[at] < 128 and at + 8 <= size:
        return at  # the loop above saw it
    return _run(data, at, end, roots, leaves, letters)


@inlined
def _symbols(data, at, end, roots, leaves, letters):
    """The end of the run of what is none of `letters`, no number and no white space."""
    while at < end:
        flags, size = flags_at(data, at, roots, leaves)
        if flags & (letters | NUMBER | SPACE):
            break
        at += size
    return at


@inlined
def _numbers(data, at, end, roots, leaves, most):
    """The end of the run of at most `most` numbers."""
    while at < end and most > 0:
        flags, size = flags_at(data, at, roots, leaves)
        if not flags & NUMBER:
            break
        at += size
        most -= 1
    return at


@inlined
def _spaces(data, size, start, end, roots, leaves, newlines):
    r"""The end of the pre-token of white space that begins at `start`: with `newlines`

        \s*[\r\n]+     \s* takes the whole run and goes back to its last newline
        \s+(?!\S)      the whole run at the end of the text, else all but its last character
        \s+            so this remains for a run of one character

    and without it the last two.
    """
    at = last = start
    after_newline = start
    while at < end:
        if at + 8 <= size and load64(data, at) == _BLANKS and at + 8 <= end:
            last = at + 7
            at += 8
            continue
        flags, width = flags_at(data, at, roots, leaves)
        if not flags & SPACE:
            break
        last = at
        at += width
        if flags & NEWLINE:
            after_newline = at
    if newlines and after_newline > start:
        return after_newline
    if at == end or last == start:
        return at
    return last


@inlined
def _contraction(data, at, end, fold):
    """The end of 's 't 're 've 'm 'll 'd at the apostrophe `at`, or `at`; in any case if `fold`."""
    if at + 1 >= end:
        return at
    first = np.int64(data[at + 1])
    if fold and first == _LONG_S[0] and at + 2 < end and data[at + 2] == _LONG_S[1]:
        return at + 3
    if fold and first < 128:
        first |= 0x20
    if first in (_S, _T, _M, _D):
        return at + 2
    if at + 2 >= end or first not in (_R, _V, _L):
        return at
    second = np.int64(data[at + 2])
    if fold and second < 128:
        second |= 0x20
    if second == (_L if first == _L else _E):
        return at + 3
    return at


@kernel
def split_gpt2(data, size, at, end, roots, leaves, ends, most):
    """Ends of the pre-tokens of `data[at:end]` to `ends`, at most `most`; returns their number.

    `data` has `size` bytes in all, of which the function may read ahead. Here and below.
    """
    count = np.int64(0)
    while at < end and count < most:
        start = at
        byte = data[at]
        if byte == _QUOTE:
            at = _contraction(data, at, end, False)
            if at > start:
                ends[count] = at
                count += 1
                continue
        if byte == _BLANK and at + 1 < end:
            at += 1
        flags, width = flags_at(data, at, roots, leaves)
        if flags & LETTER:
            at = _letters(data, size, at, end, roots, leaves, LETTER)
        elif flags & NUMBER:
            at = _run(data, at, end, roots, leaves, NUMBER)
        elif flags & SPACE:
            at = _spaces(data, size, start, end, roots, leaves, False)
        else:
            at = _symbols(data, at + width, end, roots, leaves, LETTER)
        ends[count] = at
        count += 1
    return count


@kernel
def split_cl100k(data, size, at, end, roots, leaves, ends, most, digits, letters):
    r"""The same for CL100K with \p{N}{1,digits}, and `letters` in place of \p{L}."""
    count = np.int64(0)
    while at < end and count < most:
        start = at
        flags, width = flags_at(data, at, roots, leaves)
        if flags & letters:
            ends[count] = at = _letters(data, size, at, end, roots, leaves, letters)
            count += 1
            continue
        if data[at] == _QUOTE:
            at = _contraction(data, at, end, True)
            if at > start:
                ends[count] = at
                count += 1
                continue
        if flags & NUMBER:
            ends[count] = at = _numbers(data, at, end, roots, leaves, digits)
            count += 1
            continue
        at += width
        following = np.int64(SPACE)
        if at < end:
            following, _ = flags_at(data, at, roots, leaves)
        if following & letters and not flags & NEWLINE:
            # A mark that is among `letters` may be the prefix as well: the end is the same.
            at = _letters(data, size, at, end, roots, leaves, letters)
        elif not flags & SPACE or (
            data[start] == _BLANK and not following & (letters | NUMBER | SPACE)
        ):
            at = _symbols(data, at, end, roots, leaves, letters)
            while at < end and (data[at] == 10 or data[at] == 13):
                at += 1
        else:
            at = _spaces(data, size, start, end, roots, leaves, True)
        ends[count] = at
        count += 1
    return count


@inlined
def _lower_letters(data, size, at, end, roots, leaves):
    """The end of the run of L, eight ASCII letters at a time."""
    while at + 8 <= size:
        gaps = _not_lower(load64(data, at))
        if gaps != _ZERO:
            at += first_marked(gaps)
            break
        at += 8
    if at >= end:
        return end
    return _run(data, at, end, roots, leaves, LOWER | OTHER | MARK)


@inlined
def _cased_word(data, size, at, end, roots, leaves):
    """(The end of U*L+ at `at`, True), else (that of U+L*, or `at`, False).

    U* takes the run of U. Where a lower-case letter follows, L+ goes on to the end of its run.
    Else U* goes back until L+ finds a character that is in both (Lm, Lo, M): the last such, and
    behind it come only upper-case letters, so L+ ends there. With none in the run U+ takes it.
    """
    both = at
    found = False
    while at < end:
        flags, width = flags_at(data, at, roots, leaves)
        if flags & LOWER:
            return _lower_letters(data, size, at, end, roots, leaves), True
        if not flags & (UPPER | OTHER | MARK):
            break
        at += width
        if flags & (OTHER | MARK):
            both = at
            found = True
    if found:
        return both, True
    return at, False


@kernel
def split_o200k(data, size, at, end, roots, leaves, ends, most):
    """The same for O200K."""
    count = np.int64(0)
    while at < end and count < most:
        start = at
        flags, width = flags_at(data, at, roots, leaves)
        if flags & NUMBER:
            ends[count] = at = _numbers(data, at, end, roots, leaves, np.int64(3))
            count += 1
            continue
        stop = start
        if flags & LETTER:
            stop, _ = _cased_word(data, size, at, end, roots, leaves)
        elif not flags & NEWLINE:
            stop, first = _cased_word(data, size, at + width, end, roots, leaves)
            if not first and flags & MARK:
                # Without the prefix the mark itself is U*L+, and that is tried before U+L*.
                stop = at + width
            elif stop == at + width:
                stop = start
        if stop > start:
            if stop < end and data[stop] == _QUOTE:
                stop = _contraction(data, stop, end, True)
            ends[count] = at = stop
            count += 1
            continue
        at += width
        symbol = not flags & SPACE
        if data[start] == _BLANK and at < end:
            following, _ = flags_at(data, at, roots, leaves)
            symbol = not following & (LETTER | NUMBER | SPACE)
        if symbol:
            at = _symbols(data, at, end, roots, leaves, LETTER)
            while at < end and (data[at] == 10 or data[at] == 13 or data[at] == _SLASH):
                at += 1
        else:
            at = _spaces(data, size, start, end, roots, leaves, True)
        ends[count] = at
        count += 1
    return count


@inlined
def split(pattern, digits, letters, data, size, at, end, roots, leaves, ends, most):
    """The ends of at most `most` pre-tokens of `data[at:end]`; returns their number."""
    if pattern == GPT2:
        return split_gpt2(data, size, at, end, roots, leaves, ends, most)
    if pattern == CL100K:
        return split_cl100k(data, size, at, end, roots, leaves, ends, most, digits, letters)
    return split_o200k(data, size, at, end, roots, leaves, ends, most)


@kernel
def split_text(pattern, digits, letters, data, roots, leaves, ends):
    """Ends of the pre-tokens of the text `data` (uint8[n]) to `ends` (int64[n]); their number."""
    return split(
        pattern, digits, letters, pointer(data), data.shape[0], np.int64(0), data.shape[0],
        pointer(roots), pointer(leaves), pointer(ends), ends.shape[0],
    )  # fmt: skip
