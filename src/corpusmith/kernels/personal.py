"""Which lines of a text may hold personal data: a sieve in front of the screens and finders of
`clean/pii_patterns.py`.

One pass over the bytes looks up each pair of neighbours in a table of 65,536 places. Few pairs
begin something: a number, `@`, a colon behind a hexadecimal digit, two rare letters of a key's
prefix or of a word like "password"; there it looks closer. A line that a screen matches always
passes; what passes and matches no screen costs time and nothing else.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.jit import inlined, kernel, pointer
from corpusmith.kernels.utf8 import count_points

SECRET, EMAIL, IP, CARD, PHONE, PRIVATE_KEY, FULL_WIDTH = (1 << bit for bit in range(7))

_AT_SIGN, _NUMBER, _COLON, _WIDE, _WORDS = 1, 2, 3, 4, 5  # values of the table of pairs; 0: none
_ANY_CASE, _ASSIGNED = 1, 2
_PHONE_DIGITS, _CARD_DIGITS = 7, 12  # of the screens
_ASSIGNED_LETTERS, _ASSIGNED_SPACES = 12, 3  # the same
_WIDE_RUN = 5  # the same


class _Word(NamedTuple):
    """A literal, the place in it of the second byte of a pair that is rare in text, and how it
    stands: in any case, before an assignment."""

    text: str
    place: int  # in bytes
    how: int = 0
    kind: int = SECRET


_SECRETS = (
    *(_Word("AKIA", 2), _Word("ASIA", 2), _Word("AROA", 3), _Word("AIDA", 3), _Word("AIza", 2)),
    *(_Word(f"gh{letter}_", 3) for letter in "pousr"),
    *(_Word("github_pat_", 6), _Word("glpat-", 5), _Word("xox", 1), _Word("hooks.slack", 6)),
    *(_Word("k_live_", 1), _Word("k_test_", 1), _Word("sk-", 2), _Word("npm_", 3)),
    *(_Word("hf_", 1), _Word("pypi-", 4), _Word("eyJ", 2)),
    _Word("PRIVATE KEY", 4, kind=SECRET | PRIVATE_KEY),
    *(_Word("密码", 3), _Word("密钥", 3), _Word("口令", 3)),
    *(
        _Word(text, place, _ANY_CASE | _ASSIGNED)
        for text, place in (
            *(("passw", 4), ("passphrase", 4), ("pwd", 2), ("secret", 3), ("token", 2)),
            *(("_key", 1), ("-key", 1), ("apikey", 3), ("accesskey", 6), ("privatekey", 7)),
            ("authkey", 4),
        )
    ),
    # Without regard to case s is also U+017F and k U+212A.
    *(_Word("\u017f", 1), _Word("\u212a", 2)),
)


class _Tables(NamedTuple):
    pairs: np.ndarray  # uint8[65536]: by first byte << 8 | second byte
    groups: np.ndarray  # int64: the words of value v of it are [groups[v - _WORDS], groups[.. + 1])
    letters: np.ndarray  # uint8: of the words, one after the other
    ends: np.ndarray  # int64[words + 1]
    places: np.ndarray  # int64[words]
    ways: np.ndarray  # int64[words]
    kinds: np.ndarray  # int64[words]


@functools.cache
def _tables() -> _Tables:
    found: dict[int, list[_Word]] = {}
    for word in _SECRETS:
        first, second = word.text.encode()[word.place - 1 : word.place + 1]
        for one in {first, _upper(first)} if word.how & _ANY_CASE else {first}:
            for other in {second, _upper(second)} if word.how & _ANY_CASE else {second}:
                found.setdefault(one << 8 | other, []).append(word)
    pairs = np.zeros((256, 256), np.uint8)
    pairs[:, ord("@")] = _AT_SIGN
    pairs[list(b"0123456789abcdefABCDEF"), ord(":")] = _COLON
    digits = np.arange(ord("0"), ord("9") + 1)
    pairs[:, digits] = _NUMBER
    pairs[digits[:, None], digits] = 0  # a number is looked at from its start
    pairs[0xEF, [0xBC, 0xBD]] = _WIDE
    groups, words = [0], []
    numbers: dict[tuple[_Word, ...], int] = {}
    for pair, some in found.items():
        if tuple(some) not in numbers:
            numbers[tuple(some)] = _WORDS + len(numbers)
            words += some
            groups.append(len(words))
        pairs[pair >> 8, pair & 255] = numbers[tuple(some)]
    spelled = [word.text.encode() for word in words]
    arrays = (
        pairs.reshape(-1),
        np.array(groups, np.int64),
        np.frombuffer(b"".join(spelled), np.uint8).copy(),
        np.cumsum([0, *map(len, spelled)], dtype=np.int64),
        np.array([word.place for word in words], np.int64),
        np.array([word.how for word in words], np.int64),
        np.array([word.kind for word in words], np.int64),
    )
    for array in arrays:
        array.setflags(write=False)
    return _Tables(*arrays)


def _upper(byte: int) -> int:
    return ord(chr(byte).upper()) if byte < 0x80 else byte


@inlined
def _digit(byte):
    return np.uint8(48) <= byte <= np.uint8(57)


@inlined
def _letter(byte):
    return np.uint8(97) <= byte | np.uint8(32) <= np.uint8(122)


@inlined
def _hexadecimal(byte):
    return _digit(byte) or np.uint8(97) <= byte | np.uint8(32) <= np.uint8(102)


@inlined
def _space(byte):
    """`\\s` of RE2."""
    return byte == 32 or byte == 9 or byte == 10 or byte == 12 or byte == 13


@inlined
def _separator(byte):
    return byte == 32 or byte == 40 or byte == 41 or np.uint8(45) <= byte <= np.uint8(47)


@kernel
def _number(text, at, end):
    """(Kinds, past the last digit) of the digits from `at` on with up to two of ` .()/-` between
    them. As the screens: a phone is 7 of these; a card 12 with at most one blank or hyphen
    between, the first of 2 to 6; an address 1 and 1 with two groups of 1 to 3 between dots."""
    kind = np.int64(0)
    digits = card = dots = group = np.int64(0)
    while True:
        digits += 1
        group += 1
        card += np.int64(card > 0 or np.uint8(50) <= text[at] <= np.uint8(54))
        if digits >= _PHONE_DIGITS:
            kind |= PHONE
        if card >= _CARD_DIGITS:
            kind |= CARD
        if dots >= 3:
            kind |= IP
        following = at + 1
        if following < end and _digit(text[following]):
            at = following
            continue
        while following < end and following < at + 3 and _separator(text[following]):
            following += 1
        if following == at + 1 or following >= end or not _digit(text[following]):
            return kind, at + 1
        one = text[at + 1]
        if following > at + 2 or (one != 32 and one != 45):
            card = np.int64(0)
        if following > at + 2 or one != 46:
            dots = np.int64(0)
        else:
            dots = dots + 1 if dots > 0 and group <= 3 else np.int64(1)
        group = np.int64(0)
        at = following


@kernel
def _at_sign(text, at, begin, end):
    """Whether the screens match around an `@`: an address, a password in a URL."""
    kind = np.int64(0)
    following = at + 1
    while following < end and not (
        _space(text[following]) or text[following] == 64 or text[following] == 46
    ):
        following += 1
    if at + 1 < following < end - 1 and text[following] == 46:
        byte = text[following + 1]
        if not (_space(byte) or byte == 64 or byte == 46):
            kind |= EMAIL
    first = at
    while first > begin and not (
        _space(text[first - 1]) or text[first - 1] == 64 or text[first - 1] == 47
    ):
        first -= 1
    slashes = first >= begin + 3 and text[first - 1] == 47 and text[first - 2] == 47
    if slashes and text[first - 3] == 58:
        for place in range(first, at):
            if text[place] == 58:
                kind |= SECRET
    return kind


@kernel
def _address(text, at, begin, end):
    """Whether an IPv6 address may stand around the colon."""
    if at < begin + 4 or not (text[at - 4] == 50 or text[at - 4] == 51):
        return np.int64(0)
    if not (_hexadecimal(text[at - 3]) and _hexadecimal(text[at - 2])):
        return np.int64(0)
    at += 1
    while at < end and _hexadecimal(text[at]):
        at += 1
    return np.int64(IP) if at < end and text[at] == 58 else np.int64(0)


@kernel
def _assigned(text, at, end):
    """Whether something is assigned to what ends at `at`."""
    last = at + _ASSIGNED_LETTERS
    while at < end and at < last and (_letter(text[at]) or text[at] == 95 or text[at] == 45):
        at += 1
    if at < end and (text[at] == 34 or text[at] == 39):
        at += 1
    last = at + _ASSIGNED_SPACES
    while at < end and at < last and _space(text[at]):
        at += 1
    if at < end and (text[at] == 58 or text[at] == 61):
        return True
    if at + 3 > end:
        return False
    first, second, third = text[at], text[at + 1], text[at + 2]
    return (
        (first == 0xEF and second == 0xBC and third == 0x9A)  # ：
        or (first == 0xE6 and second == 0x98 and third == 0xAF)  # 是
        or (first == 0xE4 and second == 0xB8 and third == 0xBA)  # 为
    )


@kernel
def _words(text, at, begin, end, group, groups, letters, ends, places, ways, kinds):
    kind = np.int64(0)
    for word in range(groups[group], groups[group + 1]):
        start = at - places[word]
        length = ends[word + 1] - ends[word]
        if start < begin or start + length > end:
            continue
        same = True
        for place in range(length):
            byte = text[start + place]
            if ways[word] & _ANY_CASE and np.uint8(65) <= byte <= np.uint8(90):
                byte |= np.uint8(32)
            if byte != letters[ends[word] + place]:
                same = False
                break
        if same and (not ways[word] & _ASSIGNED or _assigned(text, start + length, end)):
            kind |= kinds[word]
    return kind


@inlined
def _wide(text, at, end):
    """1 for a full-width letter, digit or one of ＋－．＿ at `at`, 2 for ＠, else 0."""
    if at + 3 > end or text[at] != 0xEF:
        return 0
    third = text[at + 2]
    if text[at + 1] == 0xBC:
        if third == 0xA0:
            return 2
        if 0x90 <= third <= 0x99 or 0xA1 <= third <= 0xBA or third == 0xBF:
            return 1
        return 1 if third == 0x8B or third == 0x8D or third == 0x8E else 0
    return 1 if text[at + 1] == 0xBD and 0x81 <= third <= 0x9A else 0


@kernel
def _wide_run(text, at, end):
    """Whether ＠ or five full-width characters in a row start at `at`."""
    for number in range(_WIDE_RUN):
        found = _wide(text, at + 3 * number, end)
        if found == 2 and number == 0:
            return True
        if found == 0:
            return False
    return True


@kernel
def _scan(
    data, offsets, pairs, groups, letters, ends, places, ways, word_kinds,
    rows, starts, stops, points, kinds, marks,
):  # fmt: skip
    text, table = pointer(data), pointer(pairs)
    count = np.int64(0)
    for row in range(offsets.shape[0] - 1):
        begin, end = offsets[row], offsets[row + 1]
        at = counted = line_stop = begin
        point = mark = np.int64(0)
        before = np.int64(10)
        while at < end:
            byte = np.int64(text[at])
            group = np.int64(table[before << 8 | byte])
            before = byte
            if group == 0:
                at += 1
                continue
            here, at = at, at + 1
            if group == _NUMBER:
                kind, at = _number(text, here, end)
                before = np.int64(text[at - 1])
            elif group == _AT_SIGN:
                kind = _at_sign(text, here, begin, end)
            elif group == _COLON:
                kind = _address(text, here, begin, end)
            elif group == _WIDE:
                kind = np.int64(0)
                if not mark & FULL_WIDTH and _wide_run(text, here - 1, end):
                    mark |= FULL_WIDTH
            else:
                kind = _words(
                    text, here, begin, end, group - _WORDS,
                    groups, letters, ends, places, ways, word_kinds,
                )  # fmt: skip
            if kind == 0:
                continue
            mark |= kind & PRIVATE_KEY
            if here < line_stop:
                kinds[count - 1] |= kind
                continue
            start, stop = here, here
            while start > line_stop and text[start - 1] != 10:
                start -= 1
            while stop < end and text[stop] != 10:
                stop += 1
            point += count_points(text, counted, start)
            counted, line_stop = start, stop
            rows[count], kinds[count], points[count] = row, kind, point
            starts[count], stops[count] = start, stop
            count += 1
        marks[row] = mark
    return count


class Sieved(NamedTuple):
    """Lines in the order of rows and text, and what is said of whole rows."""

    rows: np.ndarray  # int64[lines]
    starts: np.ndarray  # int64[lines]: bytes of the data
    stops: np.ndarray
    points: np.ndarray  # int64[lines]: code points of the row before the line
    kinds: np.ndarray  # int64[lines]: sum of SECRET, EMAIL, IP, CARD, PHONE
    marks: np.ndarray  # int64[rows]: sum of PRIVATE_KEY (the words are in it) and FULL_WIDTH


def sieve(data: np.ndarray, offsets: np.ndarray) -> Sieved:
    """The lines (ended by \\n) that the screens for personal data may match.

    `marks` says which rows have the words PRIVATE KEY in them, and which have full-width letters
    or digits, five in a row, or a full-width `＠`.
    """
    lines = len(offsets) - 1 + int(np.count_nonzero(data == 10))
    rows, starts, stops, points, kinds = (np.empty(lines, np.int64) for _ in range(5))
    marks = np.zeros(len(offsets) - 1, np.int64)
    count = _scan(data, offsets, *_tables(), rows, starts, stops, points, kinds, marks)
    return Sieved(rows[:count], starts[:count], stops[:count], points[:count], kinds[:count], marks)


def warm() -> None:
    """Compile the kernels, or load them from Numba's cache."""
    sieve(*text_buffers(pa.array(["a"], pa.large_string())))
