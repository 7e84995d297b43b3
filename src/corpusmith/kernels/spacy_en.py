"""spaCy's English tokenizer (`spacy.blank("en")`) over the bytes of a document, as a machine.

A text is cut at white space; each chunk that is no exception loses prefixes and suffixes one by
one, and what is left is one token if it is a URL, or is cut at its infixes. `spacy_join` then joins
token sequences that spell an exception. White space is no token here, but the first token behind
what spaCy makes a token of white space carries the mark BEHIND_SPACE.

Source: spaCy 3.8, spacy/tokenizer.pyx (`_tokenize_affixes`, `_split_affixes`, `_attach_tokens`).
spaCy peels affixes by copying strings, which is quadratic in a chunk's
length; this is linear. tests/golden holds tokens that spaCy made.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import load64
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.spacy_affixes import infix_length, is_url, prefix_length, suffix_length
from corpusmith.kernels.spacy_chars import (
    ALPHA,
    BEFORE_DOT,
    CURRENCY,
    DECIMAL,
    EXCEPTION,
    FLAGS,
    ICON,
    PREFIX,
    SPACE,
    SUFFIX,
    UPPER,
    Tables,
    find,
)
from corpusmith.kernels.spacy_tokens import (
    ALL_LETTERS,
    BEHIND_SPACE,
    HAS_LETTER,
    IS_WORD,
    add_exception,
    add_piece,
    code_at,
    marks_of,
    new_tokens,
)
from corpusmith.kernels.vectors import lowest_bit

_BLANK, _DOT, _DOLLAR = b" .$"
_NEWLINE = 10
_WORD_MARKS = HAS_LETTER | IS_WORD | ALL_LETTERS
_LOWER, _LOW_BITS = np.uint64(0x2020202020202020), np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH_BITS, _ONES = np.uint64(0x8080808080808080), np.uint64(0x0101010101010101)


class Chunk(NamedTuple):
    """Memory for one chunk, by its characters."""

    codes: np.ndarray  # int32
    flags: np.ndarray  # int32
    places: np.ndarray  # int32: bytes before the character
    suffixes: np.ndarray  # int32: characters of each suffix split off


def new_chunk(count: int) -> Chunk:
    """Memory for the longest chunk of texts with up to so many bytes."""
    return Chunk(*(np.empty(count + 1, np.int32) for _ in range(4)))


@inlined
def _is_suffix(data, start, at, flags):
    """Whether the ASCII character at `at` is a suffix behind the ASCII letters from `start` on;
    False where only `suffix_length` can tell."""
    code = np.int64(data[at])
    if code == _DOT:
        last = flags[data[at - 1]]
        return last & BEFORE_DOT or (
            at - start > 1 and last & UPPER and flags[data[at - 2]] & UPPER
        )
    return code < 0x80 and code != _DOLLAR and flags[code] & (SUFFIX | ICON)


@inlined
def _behind_letters(data, size, at, end):
    """Where the ASCII letters from `at` on end."""
    while at + 8 <= size:
        word = load64(data, at)
        low = (word | _LOWER) & _LOW_BITS
        # The high bit of each byte: from `a` on, beyond `z`, not ASCII.
        letters = (
            (low + _ONES * np.uint64(128 - 97)) & ~(low + _ONES * np.uint64(128 - 123)) & ~word
        )
        others = ~letters & _HIGH_BITS
        if others:
            return min(at + (lowest_bit(others) >> 3), end)
        at += 8
        if at >= end:
            return end
    while at < end and 97 <= (data[at] | 32) <= 122:
        at += 1
    return at


@kernel
def tokenize(
    data, size, begin, end, with_exceptions, rules, codes, kinds, places, suffixes,
    starts, lengths, chars, marks, first,
):  # fmt: skip
    """Write the tokens of `data[begin:end]` from number `first` on; returns the number behind
    them. Without exceptions only affixes, infixes and URLs count.

    `data` is a pointer to `size` bytes; `rules` are pointers to the arrays of `Tables`, what
    follows them pointers to those of `Chunk` and of `Tokens`.
    """
    flags = rules[FLAGS]
    zero = np.int64(0)
    count = first
    at = begin
    behind = zero
    while at < end:
        # White space: a token, unless it is one blank between chunks.
        start = at
        if data[at] == _BLANK and at + 1 < end and 32 < data[at + 1] < 128:
            at += 1
        while at < end:
            byte = np.int64(data[at])
            if 32 < byte < 128:
                break
            code, length = code_at(data, at, end)
            if not flags[code] & SPACE:
                break
            at += length
        if at > start:
            one_blank = start > begin and at - start == 1 and data[start] == _BLANK
            behind = zero if one_blank else BEHIND_SPACE
        if at >= end:
            break
        start = at
        at = _behind_letters(data, size, at, end)
        letters = at - start
        if letters and (at == end or data[at] == _BLANK or data[at] == _NEWLINE):
            # Letters alone have no affix.
            number = zero - 1
            if with_exceptions:
                number = find(data, size, start, letters, EXCEPTION, rules)
            if number < 0:
                starts[count] = start - begin
                lengths[count] = letters
                chars[count] = letters
                marks[count] = _WORD_MARKS | behind
                count += 1
                behind = zero
                continue
        elif (
            letters
            and (at + 1 == end or data[at + 1] == _BLANK or data[at + 1] == _NEWLINE)
            and _is_suffix(data, start, at, flags)
            and (
                not with_exceptions
                or (
                    find(data, size, start, letters, EXCEPTION, rules) < 0
                    and find(data, size, start, letters + 1, EXCEPTION, rules) < 0
                )
            )
        ):
            # Letters and one character that is a suffix to them, as most words at a sign have it.
            starts[count] = start - begin
            lengths[count] = letters
            chars[count] = letters
            marks[count] = _WORD_MARKS | behind
            flag = np.int64(flags[data[at]])
            starts[count + 1] = at - begin
            lengths[count + 1] = 1
            chars[count + 1] = 1
            marks[count + 1] = marks_of(flag, flag, np.int64(1))
            count += 2
            behind = zero
            at += 1
            continue
        at = start
        found = zero
        dots = zero
        either, both = zero, zero - 1
        while at < end:
            code, length = code_at(data, at, end)
            flag = np.int64(flags[code])
            if flag & SPACE:
                break
            either |= flag
            both &= flag
            codes[found] = code
            kinds[found] = flag
            places[found] = at - start
            dots += code == _DOT
            found += 1
            at += length
        places[found] = at - start
        if both & ALPHA and not either & (PREFIX | SUFFIX | CURRENCY | ICON):
            # Letters alone, of any script.
            number = zero - 1
            if with_exceptions:
                number = find(data, size, start, at - start, EXCEPTION, rules)
            if number < 0:
                starts[count] = start - begin
                lengths[count] = at - start
                chars[count] = found
                marks[count] = marks_of(either, both, found) | behind
                count += 1
                behind = zero
                continue
        before = count
        count = _tokenize_chunk(
            data, size, begin, start, found, dots > 0, with_exceptions, rules,
            codes, kinds, places, suffixes, starts, lengths, chars, marks, count,
        )  # fmt: skip
        marks[before] |= behind
        behind = zero
    return count


@kernel
def _tokenize_chunk(
    data, size, begin, start, length, has_dot, with_exceptions, rules,
    codes, kinds, places, suffixes, starts, lengths, chars, marks, count,
):  # fmt: skip
    zero = np.int64(0)
    a, b = zero, length
    suffix_count = zero
    number = zero - 1
    while a < b:
        first = start + places[a]
        last = start + places[b]
        if with_exceptions:
            number = find(data, size, first, last - first, EXCEPTION, rules)
            if number >= 0:
                break
        prefix = prefix_length(codes, kinds, a, b)
        if prefix and a + prefix < b and with_exceptions:
            rest = start + places[a + prefix]
            number = find(data, size, rest, last - rest, EXCEPTION, rules)
        if number < 0:
            suffix = suffix_length(codes, kinds, places, a + prefix, b, data, size, start, rules)
            if suffix and b - suffix > a and with_exceptions:
                rest = start + places[b - suffix]
                number = find(data, size, first, rest - first, EXCEPTION, rules)
            if prefix == 0 and suffix == 0:
                break
            if suffix:
                suffixes[suffix_count] = suffix
                suffix_count += 1
                b -= suffix
            if number >= 0:  # the prefix stays with it
                break
        if prefix:
            count = add_piece(
                begin, start, a, a + prefix, kinds, places, starts, lengths, chars, marks, count
            )
            a += prefix
        if number >= 0:
            break
    if number >= 0:
        count = add_exception(
            data, begin, start + places[a], number, rules, starts, lengths, chars, marks, count
        )
    elif a < b:
        piece = a  # from here on nothing is written yet
        at = a if not (has_dot and is_url(codes, kinds, a, b)) else b
        while at < b:
            if kinds[at] & (ALPHA | DECIMAL) and not kinds[at] & ICON:
                at += 1  # no letter or digit begins an infix
                continue
            infix = infix_length(codes, kinds, a, b, at)
            if infix == 0 or at == a:  # spaCy cuts at no infix that comes first
                at += max(infix, np.int64(1))
                continue
            for end in (at, at + infix):
                if end > piece:
                    count = add_piece(
                        begin, start, piece, end, kinds, places,
                        starts, lengths, chars, marks, count,
                    )  # fmt: skip
                piece = end
            at += infix
        if piece < b:
            count = add_piece(
                begin, start, piece, b, kinds, places, starts, lengths, chars, marks, count
            )
    while suffix_count > 0:
        suffix_count -= 1
        end = b + suffixes[suffix_count]
        count = add_piece(begin, start, b, end, kinds, places, starts, lengths, chars, marks, count)
        b = end
    return count


def split_without_exceptions(text: str, tables: Tables) -> list[str]:
    """The tokens of a text by affixes, infixes and URLs alone."""
    data = np.frombuffer(text.encode(), np.uint8)
    tokens = new_tokens(len(data))
    count = _tokenize_once(data, tables, new_chunk(len(data)), tokens)
    bounds = zip(tokens.starts[:count], tokens.lengths[:count], strict=True)
    return [data[start : start + length].tobytes().decode() for start, length in bounds]


@inlined
def pointers(tables):
    """`rules`, as the kernels take them."""
    return (
        pointer(tables.flags), pointer(tables.text), pointer(tables.strings),
        pointer(tables.slots), pointer(tables.filter), pointer(tables.part_starts),
        pointer(tables.parts), pointer(tables.nodes), pointer(tables.roots),
    )  # fmt: skip


@kernel
def _tokenize_once(data, tables, chunk, tokens):
    size = np.int64(data.shape[0])
    zero = np.int64(0)
    return tokenize(
        pointer(data), size, zero, size, zero, pointers(tables),
        pointer(chunk.codes), pointer(chunk.flags), pointer(chunk.places),
        pointer(chunk.suffixes), pointer(tokens.starts), pointer(tokens.lengths),
        pointer(tokens.chars), pointer(tokens.marks), zero,
    )  # fmt: skip
