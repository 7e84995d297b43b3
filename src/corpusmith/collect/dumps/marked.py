"""Records that begin with a mark: pages of a MediaWiki dump, mails of an mbox.

As with lines, a range owns the records that BEGIN in it. A record goes up to the next mark; what
stands in front of the first is no record. Nothing over the limit is ever held.

bzip2 files are read stream by stream, so that a dump in many streams ("multistream") is cut where
they begin. A position in one is `STREAM:OFFSET`: where the stream begins in the file, and the
offset in what it decompresses to.
"""

from __future__ import annotations

import bz2
import mmap
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from corpusmith.collect.source_params import SourceParams
from corpusmith.collect.streams import (
    BLOCK_BYTES,
    DamagedError,
    compression,
    head_of,
    plain_blocks,
    reading,
)
from corpusmith.collect.unpack import unpacked

_STREAM = re.compile(rb"BZh[1-9]1AY&SY")
BZ2_EXPANSION = 4  # about what text of a dump expands to: how far apart a file is cut
READ_BYTES = 1 << 17


class Mark(NamedTuple):
    pattern: re.Pattern[bytes]
    most: int  # bytes of a match at most
    skip: int  # bytes of a match in front of the record; negative: from its end
    head: re.Pattern[bytes] | None  # what a record at the very beginning of a file starts with
    known: re.Pattern[bytes]  # stands in the first HEAD_BYTES of every such file
    what: str
    end: bytes = b""  # what a whole record has near its end


HEAD_BYTES = 1 << 16
PAGE = Mark(
    *(re.compile(rb"<page>"), 6, 0, None),
    *(re.compile(rb"<mediawiki[\s>]"), "an export of MediaWiki", b"</page>"),
)
MAIL = Mark(
    *(re.compile(rb"\n\r?\nFrom (?=\S)"), 9, -5, re.compile(rb"From \S")),
    *(re.compile(rb"\AFrom \S"), "an mbox"),
)
MARKS = {"pages": PAGE, "mails": MAIL}
"""By the unit of a reader."""


class Span(NamedTuple):
    """A record, or with `error` what could not be read."""

    position: str
    data: bytes | None  # None where it is over the limit
    size: int
    error: str = ""
    message: str = ""


class _Raw(NamedTuple):
    offset: int
    data: bytes | None
    size: int


def records(
    blocks: Iterable[bytes],
    mark: Mark,
    *,
    offset: int,
    limit: int,
    head: bool = False,
    stop: Callable[[], int | None] = lambda: None,
) -> Iterator[_Raw]:
    """The records of a stream whose first byte is at `offset`, up to the first that begins at
    `stop()` or later. `head`: it is the beginning of a file. A DamagedError is raised anew with
    the offset of the record that it cut."""
    held = b""  # not yet passed: a mark may begin in it
    base = offset  # of its first byte
    scan = offset  # a mark is looked for from here on
    begin = -1  # of the open record
    pieces: list[bytes] = []
    size = 0

    def feed(data: bytes) -> None:
        nonlocal size
        if begin < 0:
            return
        size += len(data)
        if size > limit:
            pieces.clear()
        elif data:
            pieces.append(data)

    def done() -> _Raw:
        return _Raw(begin, None if size > limit else b"".join(pieces), size)

    source = iter(blocks)
    while True:
        try:
            block = next(source, None)
        except DamagedError as error:
            feed(held)
            at = begin if begin >= 0 else base
            if begin >= 0 and mark.end and mark.end in b"".join(pieces)[-4096:]:
                yield done()  # it was whole
                at = base + len(held)
            raise DamagedError(error.error, error.message, at) from None
        if block is None:
            break
        held = held + block if held else block
        if head and mark.head is not None:
            if len(held) < mark.most:
                continue
            if mark.head.match(held):
                begin = offset
        head = False
        passed = 0
        for match in mark.pattern.finditer(held, scan - base):
            start = match.start() + mark.skip if mark.skip >= 0 else match.end() + mark.skip
            feed(held[passed:start])
            if begin >= 0:
                yield done()
            end = stop()
            if end is not None and base + start >= end:
                return
            begin, pieces, size = base + start, [], 0
            passed = start
            scan = base + match.end()
        keep = max(passed, len(held) - mark.most - 1)
        feed(held[passed:keep])
        held = held[keep:]
        base += keep
        scan = max(scan, base)
    feed(held)
    if begin >= 0:
        yield done()


def refused(path: str, mark: Mark) -> tuple[str, str] | None:
    """(error, message) where a file does not begin as one of its kind; damage is told later."""
    head = b""
    try:
        with reading(path), open(path, "rb") as file:
            for block in unpacked(file):
                head += block
                if len(head) >= HEAD_BYTES:
                    break
    except DamagedError:
        return None
    if mark.known.search(head[:HEAD_BYTES]):
        return None
    return "not_a_dump", f"{mark.what} does not begin with {head[:40]!r}"


def piece_records(piece: dict[str, Any], params: SourceParams, mark: Mark) -> Iterator[Span]:
    """The records of a piece: a range of a plain or bzip2 file, a chunk, or a whole file."""
    limit = params.max_document_bytes
    if "chunk" not in piece and not piece.get("start") and (bad := refused(piece["path"], mark)):
        yield Span("0", None, 0, *bad)
    if "chunk" in piece:
        source = plain_blocks(piece["path"])
        for raw in records(source, mark, offset=piece["offset"], limit=limit, head=True):
            yield Span(str(raw.offset), raw.data, raw.size)
        return
    path = piece["path"]
    if compression(head_of(path)) == "bzip2":
        yield from _bz2_records(path, mark, limit, piece.get("start", 0), piece.get("end"))
        return
    if "end" in piece:
        start, end = piece["start"], piece["end"]
        # A mark may straddle the start: the bytes before it are looked at as well.
        early = max(0, start - mark.most)
        source = plain_blocks(path, early)
        found = records(source, mark, offset=early, limit=limit, head=early == 0, stop=lambda: end)
        for raw in found:
            if raw.offset >= start:
                yield Span(str(raw.offset), raw.data, raw.size)
        return
    with reading(path), open(path, "rb") as file:
        for raw in records(unpacked(file), mark, offset=0, limit=limit, head=True):
            yield Span(str(raw.offset), raw.data, raw.size)


# --- bzip2 -------------------------------------------------------------------------------


class _Streams:
    """The bytes of the bzip2 streams of a file from one on, and where each of them begins."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._given = 0
        self.starts: deque[tuple[int, int]] = deque()  # (offset in what is given, in the file)
        self.at = start  # of the present stream in the file

    def blocks(self) -> Iterator[bytes]:
        """DamagedError where a stream can't be read on; `at` is where that one begins."""
        file = self._file
        while True:
            file.seek(self.at)
            data = file.read(READ_BYTES)
            if not data.strip(b"\0"):
                return
            self.starts.append((self._given, self.at))
            decoder = bz2.BZ2Decompressor()
            fed = 0
            while not decoder.eof:
                if decoder.needs_input and fed:
                    data = file.read(READ_BYTES)
                    if not data:
                        raise DamagedError(
                            "truncated_bzip2",
                            f"the bzip2 stream at byte {self.at} of the file has no end",
                            self._given,
                        )
                try:
                    block = decoder.decompress(data, BLOCK_BYTES)
                except (OSError, EOFError, ValueError) as error:
                    raise DamagedError(
                        "bad_bzip2",
                        f"the bzip2 stream at byte {self.at} of the file is damaged: {error}",
                        self._given,
                    ) from None
                fed += len(data)
                data = b""
                self._given += len(block)
                if block:
                    yield block
            self.at += fed - len(decoder.unused_data)

    def position(self, offset: int) -> str:
        """Where that offset is, in the stream that it is in; those before it are forgotten."""
        while len(self.starts) > 1 and self.starts[1][0] <= offset:
            self.starts.popleft()
        given, at = self.starts[0]
        return f"{at}:{offset - given}"

    def first_from(self, end: int | None) -> int | None:
        """The offset of the first stream that begins at `end` of the file or later."""
        if end is None:
            return None
        return next((given for given, at in self.starts if at >= end), None)


def _bz2_records(path: str, mark: Mark, limit: int, start: int, end: int | None) -> Iterator[Span]:
    with reading(path, start), open(path, "rb") as file:
        position = start
        while position >= 0 and (end is None or position < end):
            streams = _Streams(file, position)
            found = records(
                *(streams.blocks(), mark),
                offset=0,
                limit=limit,
                head=position == 0,
                stop=lambda s=streams: s.first_from(end),  # type: ignore[misc]
            )
            try:
                for raw in found:
                    yield Span(streams.position(raw.offset), raw.data, raw.size)
                return
            except DamagedError as error:
                place = streams.position(error.offset)
                following = _next_stream(path, streams.at + 1)
                upto = f"byte {following}" if following >= 0 else "its end"
                message = f"{error.message}; the file can't be read from there to {upto}"
                yield Span(place, None, 0, error.error, message)
                position = following


def _next_stream(path: str, start: int) -> int:
    """Where the next bzip2 stream begins that can be read; -1 where there is none."""
    for at in _stream_starts(path, start):
        if _begins(path, at):
            return at
    return -1


def _stream_starts(path: str, start: int) -> Iterator[int]:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for match in _STREAM.finditer(data, start):
            yield match.start()


def _begins(path: str, at: int) -> bool:
    """Whether a stream really begins there: its head's ten bytes could stand in data by chance."""
    with open(path, "rb") as file:
        file.seek(at)
        decoder = bz2.BZ2Decompressor()
        try:
            for _ in range(16):
                data = file.read(READ_BYTES)
                if not data or decoder.decompress(data, 1):
                    return True
        except (OSError, EOFError, ValueError):
            return False
    return True


def stream_ranges(path: str, part_bytes: int) -> Iterator[tuple[int, int]]:
    """(start, end) of ranges of a bzip2 file that begin at streams, a part's bytes each."""
    with reading(path):
        step = max(1, part_bytes // BZ2_EXPANSION)
        last = 0
        size = 0
        with open(path, "rb") as file:
            size = file.seek(0, 2)
        for at in _stream_starts(path, 0):
            if at - last >= step and _begins(path, at):
                yield last, at
                last = at
        yield last, size
