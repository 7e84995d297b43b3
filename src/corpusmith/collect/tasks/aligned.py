"""Two files of which line n of one is the translation of line n of the other.

Both are counted before a line is read: where the counts differ no pair can be trusted, and the
two files are one row in quarantine.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from corpusmith.collect.lines import Line, lines
from corpusmith.collect.pieces import text_blocks
from corpusmith.collect.source_params import SourceParams
from corpusmith.collect.streams import DamagedError, compression, head_of, plain_blocks

Piece = dict[str, Any]


def cut_pair(path: str, target: str, params: SourceParams) -> list[Piece]:
    """Pieces of about `part_bytes` of the first file with what belongs to them of the second.

    A piece: `line` (number of its first), `count`, and of plain files where it begins in both.
    DamagedError "unaligned" with both counts.
    """
    counts = _count(path, params), _count(target, params)
    if counts[0] != counts[1]:
        raise DamagedError(
            "unaligned",
            f"{counts[0]:,} lines, and {counts[1]:,} in the file of their translations: no pair "
            "can be trusted",
        )
    plain = not any(compression(head_of(p)) for p in (path, target)) and not params.encoding
    if not plain:
        return [{"line": 0, "count": counts[0]}]
    pieces: list[Piece] = []
    firsts = _places(path, params.part_bytes)
    seconds = _offsets(target, [line for line, _ in firsts])
    ends = [*(line for line, _ in firsts[1:]), counts[0]]
    for (line, start), second, end in zip(firsts, seconds, ends, strict=True):
        pieces.append(
            {"line": line, "count": end - line, "start": start, "target_start": second}
            | {"weight": params.part_bytes}
        )
    return pieces


def _count(path: str, params: SourceParams) -> int:
    count = 0
    last = b"\n"
    for block in text_blocks(path, params.encoding):
        count += block.count(b"\n")
        last = block[-1:] or last
    return count + (last != b"\n")


def _places(path: str, part_bytes: int) -> list[tuple[int, int]]:
    """(number, offset) of the lines with which pieces begin."""
    found = [(0, 0)]
    line = at = 0
    for block in plain_blocks(path):
        wanted = found[-1][1] + part_bytes - at
        while wanted < len(block) and (end := block.find(b"\n", max(0, wanted)) + 1):
            found.append((line + block.count(b"\n", 0, end), at + end))
            wanted = end + part_bytes
        line += block.count(b"\n")
        at += len(block)
    return [place for place in found if place[1] < at or not place[1]]


def _offsets(path: str, wanted: list[int]) -> list[int]:
    """Where the lines with these numbers, rising, begin."""
    found: list[int] = []
    line = at = 0
    for block in plain_blocks(path):
        count = block.count(b"\n")
        place, seen = 0, line
        while len(found) < len(wanted) and wanted[len(found)] - line <= count:
            for _ in range(wanted[len(found)] - seen):
                place = block.index(b"\n", place) + 1
            seen = wanted[len(found)]
            found.append(at + place)
        line += count
        at += len(block)
    return found or [0] * len(wanted)


def pairs(piece: Piece, params: SourceParams) -> Iterator[tuple[int, Line, Line]]:
    """(number from 1, line, its translation) of a piece."""
    limit = params.max_document_bytes
    both = []
    for path, key in ((piece["path"], "start"), (piece["target"], "target_start")):
        if "start" in piece:
            source = plain_blocks(path, piece[key])
        else:
            source = text_blocks(path, params.encoding)
        both.append(lines(source, offset=piece.get(key, 0), limit=limit))
    numbers = itertools.count(piece["line"] + 1)
    yield from itertools.islice(zip(numbers, *both, strict=False), piece["count"])
