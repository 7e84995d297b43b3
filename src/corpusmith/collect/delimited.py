"""CSV and TSV: rows whose quoted fields may hold delimiters and line feeds (RFC 4180).

A quote that isn't closed, or is followed by something else than a delimiter, would swallow the
rows after it. Such a row is quarantined up to its line feed, and reading goes on at the next line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from corpusmith.collect.encoding import UndecodableError, decode, mark_of
from corpusmith.collect.errors import RecordError
from corpusmith.collect.lines import Chunk, CloseChunk, Line, OpenChunk, lines
from corpusmith.collect.pieces import (
    line_encoding,
    piece_blocks,
    piece_lines,
    text_blocks,
    too_large,
)
from corpusmith.collect.readers import CsvParams
from corpusmith.collect.records import Emit, document_of
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError

MAX_AGAIN = 16
"""How many times the limit of a document may be read in vain for a closing quote, in one piece."""

_LONE_CR = re.compile(rb"\r(?!\n)")


class Row(NamedTuple):
    offset: int
    data: bytes | None  # without its line end; None where it is over the limit
    size: int
    message: str = ""  # what is wrong with its quotes
    raw: bytes = b""  # with its line end


def read(piece: dict[str, Any], params: CsvParams, sink: Sink) -> None:
    """The documents of a piece; `uri` is the file's path and the row's byte offset."""

    def emit(uri: str, record: dict[str, Any], repaired: bool) -> None:
        sink.document(**document_of(record, params), repaired=repaired)

    read_records(piece, params, sink, emit)


def read_records(piece: dict[str, Any], params: CsvParams, sink: Sink, emit: Emit) -> None:
    """Announce each row of a piece to `sink`; `emit` ends it, or raises RecordError."""
    csv.field_size_limit(params.max_document_bytes + 1)
    names = piece.get("columns") or params.columns
    if names is None and piece.get("start"):
        names = file_header(piece["path"], params)
    for row in _piece_rows(piece, params):
        if row.data is not None and not row.data.strip(b"\r\n "):
            continue
        if names is None:
            names = header(row, params)
            continue
        uri = f"{piece['uri']}#{row.offset}"
        if not sink.record(uri):
            continue
        if row.data is None:
            sink.quarantine(*too_large(row.size, params.max_document_bytes))
            continue
        try:
            if row.message:
                raise RecordError("bad_csv", row.message)
            fields, repaired = _fields(row, params)
            if len(fields) != len(names):
                raise RecordError("bad_csv", f"{len(fields)} fields, the header has {len(names)}")
            emit(uri, dict(zip(names, fields, strict=True)), repaired)
        except RecordError as error:
            sink.quarantine(error.error, error.message)


def header(row: Row, params: CsvParams) -> list[str]:
    """The column names; DamagedError where they can't be, since no row has a meaning then."""
    if row.data is None or row.message:
        message = row.message or f"{row.size} bytes without a line end"
        raise DamagedError("bad_csv", f"the header can't be read: {message}")
    if _LONE_CR.search(row.data.rstrip(b"\r\n")):
        # Old Mac files end lines in CR: all of such a file would pass for its header.
        raise DamagedError(
            "bad_csv",
            "the header holds a carriage return: lines must end in LF or CR LF "
            "(convert the file, e.g. `tr '\\r' '\\n'`)",
        )
    try:
        names = [name.strip() for name in _fields(row, params)[0]]
    except RecordError as error:
        raise DamagedError(error.error, f"the header can't be read: {error.message}") from None
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DamagedError("bad_csv", f"the header names {repeated[0]!r} more than once")
    return names


def file_header(path: str, params: CsvParams) -> list[str]:
    """The column names that a file begins with."""
    for row in rows(text_blocks(path, params.encoding), params, offset=0):
        if row.data is None or row.data.strip(b"\r\n "):
            return header(row, params)
    raise DamagedError("bad_csv", "the file has no header")


def _fields(row: Row, params: CsvParams) -> tuple[list[str], bool]:
    assert row.data is not None
    data = row.data
    if row.offset == 0 and mark_of(data)[0] == "utf-8":
        data = data[3:]
    try:
        decoded = decode(data, line_encoding(params))
    except UndecodableError as error:
        raise RecordError("bad_encoding", str(error)) from None
    text = decoded.text
    if "\0" in text:
        count = text.count("\0")
        raise RecordError(
            "nul_bytes", f"{count} NUL characters, the first at character {text.index(chr(0))}"
        )
    if not params.quote or params.quote not in text:
        return text.split(params.delimiter), decoded.repaired
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=params.delimiter,
        quotechar=params.quote,
        strict=True,
    )
    try:
        return next(reader), decoded.repaired
    except (csv.Error, StopIteration) as error:
        raise RecordError("bad_csv", f"can't be split into fields: {error}") from None


def _piece_rows(piece: dict[str, Any], params: CsvParams) -> Iterator[Row]:
    if params.quote:
        start = piece.get("start", piece.get("offset", 0))
        yield from rows(piece_blocks(piece, params), params, offset=start)
    else:
        yield from map(_row, piece_lines(piece, params))


def rows(source: Iterable[bytes], params: CsvParams, *, offset: int) -> Iterator[Row]:
    """The rows of a stream whose first byte is at `offset`."""
    if params.quote:
        yield from _Splitter(source, params, offset).rows()
    else:
        yield from map(_row, lines(source, offset=offset, limit=params.max_document_bytes))


def cut_rows(
    source: Iterable[bytes], params: CsvParams, open_chunk: OpenChunk, close_chunk: CloseChunk
) -> Iterator[Chunk]:
    """As `lines.cut_lines`, but cut between rows."""
    file: BinaryIO | None = None
    name = ""
    start = written = 0
    damage: DamagedError | None = None
    stream = rows(source, params, offset=0)
    while True:
        try:
            row = next(stream, None)
        except DamagedError as error:
            damage, row = error, None
        full = file is not None and (
            row is None or row.data is None or written >= params.part_bytes
        )
        if file is not None and full:
            close_chunk(file)
            yield Chunk(start, written, name)
            file = None
        if row is None:
            break
        if row.data is None:
            yield Chunk(row.offset, row.size, "")
            continue
        if file is None:
            name, file = open_chunk()
            start, written = row.offset, 0
        file.write(row.raw)
        written += len(row.raw)
    if damage is not None:
        raise damage


def _row(line: Line) -> Row:
    data = line.data
    return Row(line.offset, data.removesuffix(b"\r") if data else data, line.size)


class _Splitter:
    """A buffer over the stream, in which rows are matched by possessive, so linear, patterns."""

    def __init__(self, source: Iterable[bytes], params: CsvParams, offset: int) -> None:
        self._source = iter(source)
        self._limit = params.max_document_bytes
        self._quote = params.quote.encode()
        quote, delimiter = re.escape(self._quote), re.escape(params.delimiter.encode())
        quoted = quote + b"[^" + quote + b"]*+(?:" + quote * 2 + b"[^" + quote + b"]*+)*+"
        plain = b"(?!" + quote + b")[^" + delimiter + b"\n]*+"
        field = b"(?:" + quoted + quote + b"\r?+|" + plain + b")"
        self._row = re.compile(field + b"(?:" + delimiter + field + b")*+(?=\n)", re.DOTALL)
        self._ended = re.compile(field + b"(?:" + delimiter + field + b")*+\\Z", re.DOTALL)
        # The rest of the buffer is inside an open quote, or just after one that may be doubled.
        self._open = re.compile(
            b"(?:" + field + delimiter + b")*+" + quoted + b"(?:" + quote + b"\r?+)?+\\Z", re.DOTALL
        )
        self._buffer = b""
        self._at = 0  # where the present row begins in the buffer
        self._base = offset  # of the buffer in the stream
        self._ended_source = False
        self._damage: DamagedError | None = None
        self._again = 0  # bytes looked at in vain

    def _more(self, size: int) -> None:
        """Read until the buffer holds `size` bytes from the present row on, or all there is."""
        pieces = [self._buffer[self._at :]]
        held = len(pieces[0])
        self._base += self._at
        self._at = 0
        while held < size and not self._ended_source:
            try:
                block = next(self._source, None)
            except DamagedError as error:
                self._damage, block = error, None
            if block is None:
                self._ended_source = True
            else:
                pieces.append(block)
                held += len(block)
        self._buffer = b"".join(pieces)

    def rows(self) -> Iterator[Row]:
        while True:
            end = self._buffer.find(b"\n", self._at)
            if end < 0 and not self._ended_source:
                held = len(self._buffer) - self._at
                if held > self._limit:
                    yield self._pass_line()
                else:
                    self._more(max(1, 2 * held))
                continue
            start = self._base + self._at
            if self._at >= len(self._buffer):
                break
            last = end < 0
            if last and self._damage is not None:
                break
            line_end = len(self._buffer) if last else end
            size = line_end - self._at
            if self._buffer.find(self._quote, self._at, line_end) < 0:
                yield self._take(line_end)
                continue
            found = self._quoted_row()
            if found is None:
                break  # damage inside the row
            if found >= 0:
                yield self._take(found)
                continue
            message = "a quote that is not closed before a delimiter or the end of the line"
            self._at += size + 1
            raw = self._buffer[self._at - size - 1 : self._at]
            if size > self._limit:
                yield Row(start, None, size)
            else:
                yield Row(start, raw, size, message, raw)
            if self._again > MAX_AGAIN * self._limit:
                raise DamagedError(
                    "bad_csv",
                    f"unclosed quotes: {self._again} bytes were searched for their ends in vain",
                    self._base + self._at,
                )
        if self._damage is not None:
            raise DamagedError(
                self._damage.error, self._damage.message, self._base + self._at
            ) from None

    def _take(self, end: int) -> Row:
        start, size = self._at, end - self._at
        self._at = end + 1
        if size > self._limit:
            return Row(self._base + start, None, size)
        data = self._buffer[start:end]
        raw = self._buffer[start : end + 1]
        return Row(self._base + start, data.removesuffix(b"\r"), size, "", raw)

    def _quoted_row(self) -> int | None:
        """Where in the buffer the present row ends; -1 where its quotes are wrong, None where
        the stream is damaged inside it."""
        while True:
            if match := self._row.match(self._buffer, self._at):
                return match.end()
            ended = self._ended.match(self._buffer, self._at)
            if ended and self._ended_source and self._damage is None:
                return ended.end()
            if not ended and not self._open.match(self._buffer, self._at):
                return -1
            # So far a row, but not all of it is in the buffer.
            held = len(self._buffer) - self._at
            if self._ended_source and self._damage is not None:
                return None
            if self._ended_source or held > self._limit:
                self._again += held
                return -1
            self._more(2 * held)

    def _pass_line(self) -> Row:
        """Let a line over the limit pass without holding it."""
        start = self._base + self._at
        size = len(self._buffer) - self._at
        self._base += len(self._buffer)
        self._buffer, self._at = b"", 0
        while True:
            try:
                block = next(self._source, None)
            except DamagedError as error:
                self._damage, block = error, None
            if block is None:
                self._ended_source = True
                return Row(start, None, size)
            end = block.find(b"\n")
            if end >= 0:
                self._buffer, self._at = block, end + 1
                return Row(start, None, size + end)
            size += len(block)
            self._base += len(block)
