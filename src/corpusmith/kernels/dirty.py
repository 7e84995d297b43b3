"""Which lines of a text `normalize` has to look at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpusmith.kernels.hashing import load64
from corpusmith.kernels.jit import kernel, pointer
from corpusmith.kernels.screen import nfc_table
from corpusmith.kernels.vectors import lowest_bit

TEXT, CODE, MARKED = 1, 2, 4  # why a document must be looked at, see `dirty_lines`
ODD, HARD = 1, 2  # marks of a line

# What cp1252 has at 80..9F: what UTF-8's continuation bytes look like when read as cp1252.
CP1252_HIGH = "\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d" + (
    "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178"
)
_HIGH_BITS, _BLANKS = np.uint64(0x8080808080808080), np.uint64(0x2020202020202020)
_ONES = np.uint64(0x0101010101010101)
_CP1252_CODES = np.array(sorted(map(ord, CP1252_HIGH)), np.int32)


@kernel
def _dirty_lines(
    data, offsets, cp1252, root_table, leaf_table, flags, starts, stops, points_before, marks, ends
):  # fmt: skip
    found_lines = 0
    text, roots, leaves = pointer(data), pointer(root_table), pointer(leaf_table)
    for row in range(flags.shape[0]):
        flag = 0
        odd = False  # the line has more to look at than white space at its end
        hard = False  # the line is one for Python
        marked = False  # it has a character that NFC may change
        ends_badly = False  # it has that
        breaks = 0  # \n in a row
        need = 0  # continuation characters to come, if this is UTF-8 read as cp1252
        before = np.int32(0)  # the code point before
        points = np.int64(0)  # code points so far
        line_point = np.int64(0)  # where the line starts
        at, end = offsets[row], offsets[row + 1]
        line = at
        if end - at >= 3 and data[at] == 0xEF and data[at + 1] == 0xBB and data[at + 2] == 0xBF:
            flag |= CODE
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
                        flag |= CODE
                    if code == 10 or (code == 13 and (at == end or data[at] != 10)):
                        if odd or ends_badly:
                            flag |= TEXT
                            starts[found_lines], stops[found_lines] = line, at
                            points_before[found_lines] = line_point
                            marks[found_lines] = odd | (hard or (odd and marked)) << 1
                            found_lines += 1
                        odd = hard = marked = ends_badly = False
                        line, line_point = at, points
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
            if code >= 0x300 and leaves[np.int64(roots[code >> 7]) << 7 | np.int64(code & 127)]:
                flag |= MARKED
                marked = True
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
                # Joiners, and tags, which may be of a flag.
                hard |= code < 0xA0 or code == 0x200C or code == 0x200D or code >= 0xE0000
            if before == 0x221A:
                hard = True
            elif before == 0x420 or before == 0x421:
                hard |= not 0x410 <= code <= 0x44F
            elif before == 0x251C or before == 0x252C:
                hard |= not 0x2500 <= code <= 0x257F
            if need > 0:
                found = 0x80 <= code <= 0xBF
                if not found:
                    for high in cp1252:
                        if code == high:
                            found = True
                            break
                need = need - 1 if found else 0
                if found and need == 0:
                    hard = True
            if need == 0 and 0xC2 <= code <= 0xF4:
                need = 1 if code < 0xE0 else (2 if code < 0xF0 else 3)
            before = code
            odd |= hard
        blank = end > offsets[row] and (data[end - 1] == 32 or data[end - 1] == 9)
        if odd or ends_badly or blank:
            flag |= TEXT
            starts[found_lines], stops[found_lines] = line, end
            points_before[found_lines] = line_point
            marks[found_lines] = odd | (hard or (odd and marked)) << 1
            found_lines += 1
        flags[row] = flag
        ends[row + 1] = found_lines


class Dirty(NamedTuple):
    """Lines to look at; those of row i are [ends[i], ends[i + 1])."""

    flags: np.ndarray  # int64[rows]: sum of TEXT, CODE, MARKED
    starts: np.ndarray  # int64[lines]: first byte
    stops: np.ndarray  # int64[lines]: past the last byte, its line end included
    points: np.ndarray  # int64[lines]: code points of the row before the line
    marks: np.ndarray  # int64[lines]: sum of ODD, HARD
    ends: np.ndarray  # int64[rows + 1]


def dirty_lines(data: np.ndarray, offsets: np.ndarray) -> Dirty:
    """What each document needs, at hundreds of MB/s.

    A row's flags are TEXT: it has lines to look at; CODE: it has \\r or starts with a byte order
    mark; MARKED: it has characters that NFC may change, without which all is in NFC.

    Lines to look at are those with white space, controls or zero-width characters to change, and
    those that look like mojibake. ODD are all of which more is to change than spaces, tabs and
    newlines at the end; HARD the odd ones that look like mojibake, or have joiners, tags or
    characters that NFC may change.
    """
    rows = len(offsets) - 1
    lines = rows + np.count_nonzero(data == 10) + np.count_nonzero(data == 13)
    flags, ends = np.zeros(rows, np.int64), np.zeros(rows + 1, np.int64)
    starts, stops, points, marks = (np.empty(lines, np.int64) for _ in range(4))
    _dirty_lines(
        data, offsets, _CP1252_CODES, *nfc_table(), flags, starts, stops, points, marks, ends
    )  # fmt: skip
    count = ends[-1]
    return Dirty(flags, starts[:count], stops[:count], points[:count], marks[:count], ends)
