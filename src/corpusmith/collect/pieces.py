"""Pieces: what a part is told to read, as JSON.

{"path", "uri", "start", "end"}     a byte range of a plain file
{"chunk", "uri", "offset"}          a chunk cut from a stream; `offset` of its first byte there
                                    (the stage adds its "path")
{"path", "uri"}                     a whole file
{"path", "uri", "row", "groups", "rows"}   row groups of a Parquet file
{"uri", "error", "message"}         what is known to be unreadable
"""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from corpusmith.collect.encoding import WIDE, codec_of, mark_of
from corpusmith.collect.lines import Line, lines, range_lines
from corpusmith.collect.readers import SourceParams
from corpusmith.collect.streams import DamagedError, blocks, plain_blocks


def piece_lines(piece: dict[str, Any], params: SourceParams) -> Iterator[Line]:
    """The lines of a piece, with their offsets in the decompressed stream."""
    limit = params.max_document_bytes
    if "end" in piece:
        yield from range_lines(piece["path"], piece["start"], piece["end"], limit=limit)
    else:
        source = piece_blocks(piece, params)
        yield from lines(source, offset=piece.get("offset", 0), limit=limit)


def piece_blocks(piece: dict[str, Any], params: SourceParams) -> Iterator[bytes]:
    """The bytes of a range or chunk as they are; of a whole file decompressed, and as UTF-8 where
    it is UTF-16 or UTF-32."""
    if "end" in piece:
        return plain_blocks(piece["path"], piece["start"], piece["end"])
    if "chunk" in piece:
        return plain_blocks(piece["path"])
    return text_blocks(piece["path"], params.encoding)


def text_blocks(path: str, encoding: str | None) -> Iterator[bytes]:
    """The decompressed bytes of a file in an encoding in which lines can be cut as bytes."""
    source = blocks(path)
    first = next(source, b"")
    mark, size = mark_of(first)
    declared = codec_of(encoding)
    if mark in WIDE:
        return _recoded(itertools.chain((first[size:],), source), mark)
    if declared in WIDE:
        return _recoded(itertools.chain((first,), source), declared)
    return itertools.chain((first,), source)


def line_encoding(params: SourceParams) -> str | None:
    """The declared encoding of single lines: those of wide encodings have become UTF-8."""
    return None if codec_of(params.encoding) in WIDE else params.encoding


def _recoded(source: Iterable[bytes], codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)()
    given = 0
    try:
        for block in source:
            text = decoder.decode(block).encode()
            given += len(text)
            yield text
        yield decoder.decode(b"", True).encode()
    except UnicodeError as error:
        message = f"not valid {codec} after {given} bytes of text: {error}"
        raise DamagedError("bad_encoding", message[:300], given) from None


def too_large(size: int, limit: int) -> tuple[str, str]:
    return "too_large", f"{size} bytes, over the limit of {limit} (max_document_bytes)"
