"""Records of WARC files (https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/),
gzipped record by record or plain, in bounded memory and across damage.

After damage reading goes on at the next gzip member (in a plain file: the next version line) that
begins with a WARC record; what lies between is one `Damage`. A record of a member of its own is
given only after the member's checksum was right.
"""

from __future__ import annotations

import dataclasses
import os
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from corpusmith.collect.streams import BLOCK_BYTES, GZIP_SLICE_BYTES, DamagedError, reading

MAX_HEADER_BYTES = 1 << 16
MAX_SKIP_BYTES = 4 << 30  # of one record over the limit; beyond, it is a bomb
_MAGIC = b"\x1f\x8b\x08"
_VERSION = re.compile(rb"\nWARC/1\.\d\r?\n[A-Za-z]")
_FIRST = re.compile(rb"WARC/\d\.\d\r?\n?\Z")


@dataclasses.dataclass(frozen=True)
class Record:
    position: str  # of the member in the file; of further records of one member `member:offset`
    headers: dict[str, str]  # names in lower case
    block: bytes | None  # None where it is over the limit
    size: int  # bytes of the block


@dataclasses.dataclass(frozen=True)
class Damage:
    position: str  # as that of a record
    end: int  # in the file: where reading went on
    error: str
    message: str


def records(
    path: str, limit: int, start: int = 0, end: int | None = None, *, skim: bool = False
) -> Iterator[Record | Damage]:
    """The records of the members that start in [start, end), and what is damaged between them.

    `skim`: the blocks are passed over (None), for an index.
    """
    with reading(path, start), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        stop = size if end is None else min(end, size)
        packed = file.read(2) == _MAGIC[:2] or (start > 0 and _packed(file, start))
        if not packed and start == 0 and size:
            file.seek(0)
            # A damaged first byte makes no plain file of a gzipped one.
            packed = not file.read(5).startswith(b"WARC/") and _next_member(file, 1, size) < size
        position = start
        while position < stop:
            source = _Inflated(file, position) if packed else _Plain(file, position)
            try:
                yield from _read(source, position, 0 if skim else limit, stop)
                position = source.end
                continue
            except DamagedError as error:
                damage = error
            begin = position if packed else position + damage.offset
            place = f"{position}:{damage.offset}" if packed and damage.offset else str(begin)
            search = _next_member if packed else _next_record
            position = search(file, begin + 1, stop)
            message = f"bytes {begin} to {position} of the file can't be read: {damage.message}"
            yield Damage(place, position, damage.error, message)


def _packed(file: BinaryIO, start: int) -> bool:
    file.seek(start)
    return file.read(2) == _MAGIC[:2]


class _Inflated:
    """The decompressed bytes of one gzip member."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._decoder = zlib.decompressobj(31)
        self._data = b""
        self._full = False  # the decoder may hold more output without more input
        self._read_to = start
        self.start = start
        self.end = start  # of the member in the file, once it was read

    def block(self) -> bytes:
        """The next decompressed bytes, b"" at the member's end."""
        while not self._decoder.eof:
            if not self._data and not self._full:
                self._file.seek(self._read_to)
                self._data = self._file.read(GZIP_SLICE_BYTES)
                self._read_to += len(self._data)
                if not self._data:
                    raise DamagedError("truncated_gzip", "the gzip member has no end")
            try:
                block = self._decoder.decompress(self._data, BLOCK_BYTES)
                self._data = self._decoder.unconsumed_tail
                self._full = len(block) >= BLOCK_BYTES
            except zlib.error as error:
                raise DamagedError("bad_gzip", f"the gzip member is damaged: {error}") from None
            if block:
                return block
        self.end = self._read_to - len(self._decoder.unused_data)
        return b""


class _Plain:
    """The bytes of a plain file from a record on."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._at = start
        self.start = start
        self.end = start

    def block(self) -> bytes:
        self._file.seek(self._at)
        block = self._file.read(GZIP_SLICE_BYTES)
        self._at += len(block)
        self.end = self._at
        return block


class _Buffer:
    """Lines and counted bytes from a source of blocks."""

    def __init__(self, source: _Inflated | _Plain) -> None:
        self._source = source
        self._data = b""
        self._at = 0
        self._base = 0  # of the data in the source

    @property
    def offset(self) -> int:
        return self._base + self._at

    def _fill(self) -> bool:
        block = self._source.block()
        self._base += self._at
        self._data = self._data[self._at :] + block if self._at < len(self._data) else block
        self._at = 0
        return bool(block)

    def line(self) -> bytes:
        """Up to and with the next line feed; b"" at the end."""
        while True:
            end = self._data.find(b"\n", self._at)
            if end >= 0:
                line = self._data[self._at : end + 1]
                self._at = end + 1
                return line
            if len(self._data) - self._at > MAX_HEADER_BYTES:
                raise DamagedError("bad_warc", f"a header line of over {MAX_HEADER_BYTES} bytes")
            if not self._fill():
                line = self._data[self._at :]
                self._at = len(self._data)
                return line

    def take(self, size: int, keep: bool) -> tuple[bytes, int]:
        """Up to `size` bytes, or where `keep` is false their number alone."""
        pieces = []
        done = 0
        while done < size:
            if self._at >= len(self._data) and not self._fill():
                break
            piece = self._data[self._at : self._at + size - done]
            self._at += len(piece)
            done += len(piece)
            if keep:
                pieces.append(piece)
            elif done > MAX_SKIP_BYTES:
                raise DamagedError("decompression_bomb", f"a record of over {done} bytes")
        return b"".join(pieces), done


def _read(source: _Inflated | _Plain, member: int, wanted: int, stop: int) -> Iterator[Record]:
    """The records of a member, or of a plain file up to `stop`. A DamagedError has the offset,
    from `member` on and decompressed, of what can't be read."""
    plain = isinstance(source, _Plain)
    buffer = _Buffer(source)
    pending: Record | None = None
    while True:
        line = b"\r\n"
        start = buffer.offset
        try:
            while line in (b"\r\n", b"\n"):
                start = buffer.offset
                line = buffer.line()
        except DamagedError as error:
            # The record before is suspect only as the single one of its member.
            if pending is not None and (plain or ":" in pending.position):
                yield pending
                raise DamagedError(error.error, error.message, start) from None
            raise
        if pending is not None:
            yield pending
            pending = None
        if not line or (plain and member + start >= stop):
            return
        try:
            if not _FIRST.match(line):
                raise DamagedError("bad_warc", f"no WARC record: it begins with {line[:20]!r}")
            headers = _headers(buffer)
            length = headers.get("content-length", "")
            if not length.isascii() or not length.isdigit() or len(length) > 15:
                raise DamagedError("bad_warc", f"a record with the Content-Length {length[:20]!r}")
            size = int(length)
            block, got = buffer.take(size, keep=size <= wanted)
            if got < size:
                raise DamagedError("truncated_warc", f"a record of {size} bytes ends after {got}")
        except DamagedError as error:
            raise DamagedError(error.error, error.message, start) from None
        position = str(member + start) if plain or not start else f"{member}:{start}"
        pending = Record(position, headers, block if size <= wanted else None, size)


def _headers(buffer: _Buffer) -> dict[str, str]:
    found: dict[str, str] = {}
    size = 0
    last = ""
    while (line := buffer.line()) not in (b"\r\n", b"\n"):
        size += len(line)
        if not line:
            raise DamagedError("truncated_warc", "a record ends inside its header")
        if size > MAX_HEADER_BYTES:
            raise DamagedError("bad_warc", f"a header of over {MAX_HEADER_BYTES} bytes")
        text = line.decode("utf-8", "replace")
        if line[:1] in b" \t" and last:  # a folded line
            found[last] += " " + text.strip()
            continue
        name, colon, value = text.partition(":")
        if not colon:
            raise DamagedError("bad_warc", f"a header line without a colon: {line[:40]!r}")
        last = name.strip().lower()
        found.setdefault(last, value.strip())
    return found


def _next_member(file: BinaryIO, start: int, stop: int) -> int:
    """Where the next gzip member that begins with a WARC record starts, or `stop`."""
    for candidate in _find(file, re.compile(re.escape(_MAGIC)), start, stop, len(_MAGIC)):
        file.seek(candidate)
        try:
            head = zlib.decompressobj(31).decompress(file.read(4096), 64)
        except zlib.error:
            continue
        if head.startswith(b"WARC/"):
            return candidate
    return stop


def _next_record(file: BinaryIO, start: int, stop: int) -> int:
    """Where the next version line of a plain file starts, or `stop`."""
    for candidate in _find(file, _VERSION, max(0, start - 1), stop, 12):
        return candidate + 1
    return stop


def _find(
    file: BinaryIO, pattern: re.Pattern[bytes], start: int, stop: int, width: int
) -> Iterator[int]:
    """Offsets of all matches in [start, stop), over the borders of blocks."""
    while start < stop:
        file.seek(start)
        data = file.read(BLOCK_BYTES)
        for match in pattern.finditer(data):
            if start + match.start() < stop:
                yield start + match.start()
        if len(data) < BLOCK_BYTES:
            return
        start += len(data) - width + 1
