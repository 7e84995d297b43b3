"""Records that end in a line feed: from a stream of blocks, from a byte range, cut into chunks.

A range owns the records that START in it: whatever ranges a file is cut into, each record is read
once. A record over the limit is never held; its size is counted while its bytes pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from corpusmith.collect.readers import SourceParams
from corpusmith.collect.streams import BLOCK_BYTES, DamagedError, plain_blocks, reading


class Line(NamedTuple):
    offset: int  # of its first byte in the decompressed stream
    data: bytes | None  # without the line feed; None where it is over the limit
    size: int  # bytes


def lines(
    blocks: Iterable[bytes], *, offset: int, limit: int, stop: int | None = None
) -> Iterator[Line]:
    """The lines of a stream whose first byte is at `offset`, up to the first that starts at `stop`
    or later. A DamagedError of the stream is raised anew with the offset of the line it cut."""
    held: list[bytes] = []
    size = 0
    start = offset
    source = iter(blocks)
    while True:
        try:
            block = next(source, None)
        except DamagedError as error:
            raise DamagedError(error.error, error.message, start) from None
        if block is None:
            break
        pieces = block.split(b"\n")
        last = pieces.pop()
        for piece in pieces:
            size += len(piece)
            if size > limit:
                yield Line(start, None, size)
            else:
                yield Line(start, b"".join((*held, piece)) if held else piece, size)
            start += size + 1
            held, size = [], 0
            if stop is not None and start >= stop:
                return
        size += len(last)
        if size > limit:
            held.clear()
        elif last:
            held.append(last)
    if size:
        yield Line(start, None if size > limit else b"".join(held), size)


def range_lines(path: str, start: int, end: int, *, limit: int) -> Iterator[Line]:
    """The lines of a plain file that start in [start, end)."""
    with reading(path, start), open(path, "rb") as file:
        first = start
        if start:
            found = _next_line(file, start - 1, end - 1)
            if found is None:
                return
            first = found
        if first < end:
            yield from lines(plain_blocks(path, first), offset=first, limit=limit, stop=end)


def _next_line(file: BinaryIO, start: int, end: int) -> int | None:
    """Where the first line after a line feed in [start, end) begins; None if there is none."""
    file.seek(start)
    while start < end:
        block = file.read(min(BLOCK_BYTES, end - start))
        if not block:
            return None
        found = block.find(b"\n")
        if found >= 0:
            return start + found + 1
        start += len(block)
    return None


class Chunk(NamedTuple):
    """A stretch of the decompressed stream that begins and ends at records."""

    offset: int
    bytes: int
    name: str  # what `open_chunk` named it; "" where nothing was written (a record over the limit)


OpenChunk = Callable[[], tuple[str, BinaryIO]]
CloseChunk = Callable[[BinaryIO], None]


def cut_lines(
    blocks: Iterable[bytes], params: SourceParams, open_chunk: OpenChunk, close_chunk: CloseChunk
) -> Iterator[Chunk]:
    """Write a stream into chunks of about `params.part_bytes`, cut at line ends.

    A line over `params.max_document_bytes` is not written: it is a chunk of its own with its size
    and no name, so a bomb costs no disk. At a DamagedError what was whole before is given first,
    and then the error is raised with the offset of the first byte that isn't in a chunk.
    """
    limit, part_bytes = params.max_document_bytes, params.part_bytes
    file: BinaryIO | None = None
    name = ""
    chunk_start = written = 0  # of the chunk in the making
    held: list[bytes] = []  # the line in the making
    size = 0  # of that line; its bytes are held only up to the limit
    damage: DamagedError | None = None
    source = iter(blocks)
    while True:
        try:
            block = next(source, None)
        except DamagedError as error:
            damage, block = error, None
        if block is None:
            break
        if size > limit:  # inside a line over the limit
            end = block.find(b"\n")
            if end < 0:
                size += len(block)
                continue
            yield Chunk(chunk_start, size + end, "")
            chunk_start += size + end + 1
            block, size = block[end + 1 :], 0
        end = block.rfind(b"\n") + 1
        if not end:
            size += len(block)
            held.append(block)
        else:
            first = block.find(b"\n")
            if size + first > limit:
                if file is not None:
                    close_chunk(file)
                    yield Chunk(chunk_start, written, name)
                    chunk_start, written, file = chunk_start + written, 0, None
                yield Chunk(chunk_start, size + first, "")
                chunk_start += size + first + 1
                held, size, block, end = [], 0, block[first + 1 :], end - first - 1
            if end:
                if file is None:
                    name, file = open_chunk()
                for piece in held:
                    file.write(piece)
                file.write(memoryview(block)[:end])
                written += size + end
                if written >= part_bytes:
                    close_chunk(file)
                    yield Chunk(chunk_start, written, name)
                    chunk_start, written, file = chunk_start + written, 0, None
            held = [block[end:]] if end < len(block) else []
            size = len(block) - end
        if size > limit:
            held = []
            if file is not None:
                close_chunk(file)
                yield Chunk(chunk_start, written, name)
                chunk_start, written, file = chunk_start + written, 0, None
    if damage is None and size and size <= limit:
        if file is None:
            name, file = open_chunk()
        for piece in held:
            file.write(piece)
        written += size
        size = 0
    if file is not None:
        close_chunk(file)
        yield Chunk(chunk_start, written, name)
        chunk_start += written
    if damage is not None:
        raise DamagedError(damage.error, damage.message, chunk_start)
    if size:
        yield Chunk(chunk_start, size, "")
