"""Which lines of a text `normalize` has to look at."""

from __future__ import annotations

import numpy as np

from corpusmith.kernels.hashing import load64
from corpusmith.kernels.jit import njit, pointer
from corpusmith.kernels.vectors import lowest_bit

TEXT, CODE, HIGH = 1, 2, 8  # why a document must be looked at, see `dirty_lines`

# What cp1252 has at 80..9F: what UTF-8's continuation bytes look like when read as cp1252.
CP1252_HIGH = "\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d" + (
    "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178"
)
_HIGH_BITS, _BLANKS = np.uint64(0x8080808080808080), np.uint64(0x2020202020202020)
_ONES = np.uint64(0x0101010101010101)
_CP1252_CODES = np.array(sorted(map(ord, CP1252_HIGH)), np.int32)


@njit(cache=True, nogil=True)
def _dirty_lines(data, offsets, cp1252, flags, dirty, ends):  # type: ignore[no-untyped-def]
    found_lines = 0
    text = pointer(data)
    for row in range(len(flags)):
        flag = 0
        odd = False  # the line has more to look at than white space at its end
        ends_badly = False  # it has that
        breaks = 0  # \n in a row
        need = 0  # continuation characters to come, if this is UTF-8 read as cp1252
        before = np.int32(0)  # the code point before
        points = np.int64(0)  # code points so far
        line = np.int64(0)  # where the line starts
        at, end = offsets[row], offsets[row + 1]
        if end - at >= 3 and data[at] == 0xEF and data[at + 1] == 0xBB and data[at + 2] == 0xBF:
            flag |= 2
        while at < end:
            # Eight printable ASCII characters at a time: of these nothing is to be noted but a
            # blank at the end of the line, which is looked for there.
            start = at
            while at + 8 <= end:
                word = load64(text, at)
                small = ~((word | _HIGH_BITS) - _BLANKS)
                others = (word | small | ((word & ~_HIGH_BITS) + _ONES)) & _HIGH_BITS
                if others:
                    at += lowest_bit(others) >> 3
                    break
                at += 8
            if at > start:
                points += at - start
                breaks = 0
                need = 0
                before = np.int32(0)  # no character in ASCII matters here
                if at == end:
                    break
            blank = at > offsets[row] and (data[at - 1] == 32 or data[at - 1] == 9)
            code = np.int32(data[at])
            at += 1
            points += 1
            if code < 0x80:
                if code >= 32 or code == 9:
                    breaks = 0
                    odd |= code == 127
                else:
                    breaks = breaks + 1 if code == 10 else 0
                    odd |= code != 10
                    ends_badly |= blank or breaks > 2
                    if code == 13:
                        flag |= 2
                    if code == 10 or (code == 13 and (at == end or data[at] != 10)):
                        if odd or ends_badly:
                            flag |= 1
                            dirty[found_lines] = line << 1 | np.int64(odd)
                            found_lines += 1
                        odd = False
                        ends_badly = False
                        line = points
                need = 0
                before = np.int32(0)
                continue
            breaks = 0
            if code < 0xE0:
                code = (code & 0x1F) << 6 | (data[at] & 0x3F)
                at += 1
            elif code < 0xF0:
                code = (code & 0x0F) << 12 | (data[at] & 0x3F) << 6 | (data[at + 1] & 0x3F)
                at += 2
            else:
                code = (
                    (code & 0x07) << 18
                    | (data[at] & 0x3F) << 12
                    | (data[at + 1] & 0x3F) << 6
                    | (data[at + 2] & 0x3F)
                )
                at += 3
            if code >= 0x300:
                flag |= 8
            if (
                code <= 0xA0
                or code == 0xAD
                or code == 0x61C
                or code == 0x1680
                or code == 0x180E
                or 0x2000 <= code <= 0x200F
                or 0x2028 <= code <= 0x202F
                or 0x205F <= code <= 0x206F
                or code == 0x3000
                or code == 0xFEFF
                or 0xFFF9 <= code <= 0xFFFB
                or 0xE0000 <= code <= 0xE007F
            ):
                odd = True
            if before == 0x221A:
                odd = True
            elif before == 0x420 or before == 0x421:
                odd |= not 0x410 <= code <= 0x44F
            elif before == 0x251C or before == 0x252C:
                odd |= not 0x2500 <= code <= 0x257F
            if need > 0:
                found = 0x80 <= code <= 0xBF
                if not found:
                    for high in cp1252:
                        if code == high:
                            found = True
                            break
                need = need - 1 if found else 0
                if found and need == 0:
                    odd = True
            if need == 0 and 0xC2 <= code <= 0xF4:
                need = 1 if code < 0xE0 else (2 if code < 0xF0 else 3)
            before = code
        blank = end > offsets[row] and (data[end - 1] == 32 or data[end - 1] == 9)
        if odd or ends_badly or blank:
            flag |= 1
            dirty[found_lines] = line << 1 | np.int64(odd)
            found_lines += 1
        flags[row] = flag
        ends[row + 1] = found_lines


def dirty_lines(data: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each document needs, at hundreds of MB/s.

    Returns `flags` (a document's sum of TEXT: it has lines to look at; CODE: it has \\r or
    starts with a byte order mark; HIGH: it has characters from U+0300 on, below which all is
    NFC), and `dirty`, `ends`: row i's lines to look at start at the code points
    `dirty[ends[i]:ends[i + 1]] >> 1`: those with white space, controls or zero-width characters to
    change, and those that look like mojibake; with the lowest bit where that is more than spaces,
    tabs and newlines at the end.
    """
    rows = len(offsets) - 1
    lines = rows + np.count_nonzero(data == 10) + np.count_nonzero(data == 13)
    flags, ends = np.zeros(rows, np.int64), np.zeros(rows + 1, np.int64)
    dirty = np.empty(lines, np.int64)
    _dirty_lines(data, offsets, _CP1252_CODES, flags, dirty, ends)
    return flags, dirty, ends
