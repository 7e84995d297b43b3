"""Pieces: what a part is told to read, as JSON.

    {"path", "uri", "start", "end"}     a byte range of a plain file
    {"path", "uri", "offset"}           a chunk cut from a stream; `offset` of its first byte there
    {"path", "uri"}                     a whole file
    {"uri", "error", "message"}         what is known to be unreadable
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from corpusmith.collect.lines import Line, lines, range_lines
from corpusmith.collect.streams import blocks, plain_blocks


def piece_lines(piece: dict[str, Any], limit: int) -> Iterator[Line]:
    """The lines of a piece, with their offsets in the decompressed stream."""
    if "end" in piece:
        yield from range_lines(piece["path"], piece["start"], piece["end"], limit=limit)
    else:
        yield from lines(piece_blocks(piece), offset=piece.get("offset", 0), limit=limit)


def piece_blocks(piece: dict[str, Any]) -> Iterator[bytes]:
    """The bytes of a chunk as they are, of a whole file decompressed."""
    return plain_blocks(piece["path"]) if "offset" in piece else blocks(piece["path"])


def too_large(size: int, limit: int) -> tuple[str, str]:
    return "too_large", f"{size} bytes, over the limit of {limit} (max_document_bytes)"
