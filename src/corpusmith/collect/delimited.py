"""CSV and TSV: rows whose quoted fields may hold delimiters and line feeds (RFC 4180).

A quote that isn't closed, or is followed by something else than a delimiter, would swallow the
rows after it. Such a row is quarantined up to its line feed, and reading goes on at the next line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from corpusmith.collect.encoding import UndecodableError, decode, mark_of
from corpusmith.collect.errors import RecordError
from corpusmith.collect.lines import lines
from corpusmith.collect.pieces import piece_blocks, too_large
from corpusmith.collect.readers import CsvParams
from corpusmith.collect.records import document_of
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError, blocks, plain_blocks

MAX_AGAIN = 16
"""How many times the limit of a document may be read in vain for a closing quote, in one piece."""


class Row(NamedTuple):
    offset: int
    data: bytes | None  # without its line end; None where it is over the limit
    size: int
    message: str = ""  # what is wrong with its quotes


def read(piece: dict[str, Any], params: CsvParams, sink: Sink) -> None:
    """The documents of a piece; `uri` is the file's path and the row's byte offset."""
    csv.field_size_limit(params.max_document_bytes + 1)
    names = piece.get("columns") or params.columns
    source = (
        plain_blocks(piece["path"], piece["start"], piece["end"])
        if "end" in piece
        else piece_blocks(piece)
    )
    start = piece.get("start", piece.get("offset", 0))
    for row in rows(source, params, offset=start):
        if row.data is not None and not row.data.strip(b"\r\n\0 "):
            continue
        if row.offset == 0 and names is None or piece.get("header") and row.offset == 0:
            names = header(row, params)
            continue
        if not sink.record(f"{piece['uri']}#{row.offset}"):
            continue
        if row.data is None:
            sink.quarantine(*too_large(row.size, params.max_document_bytes))
            continue
        try:
            if row.message:
                raise RecordError("bad_csv", row.message)
            fields, repaired = _fields(row, params)
            if names is None or len(fields) != len(names):
                expected = len(names) if names else "no"
                raise RecordError("bad_csv", f"{len(fields)} fields, the header has {expected}")
            document = document_of(dict(zip(names, fields, strict=True)), params)
            sink.document(**document, repaired=repaired or bool(piece.get("repaired")))
        except RecordError as error:
            sink.quarantine(error.error, error.message)


def header(row: Row, params: CsvParams) -> list[str]:
    """The column names; DamagedError where they can't be, since no row has a meaning then."""
    if row.data is None or row.message:
        message = row.message or f"{row.size} bytes without a line end"
        raise DamagedError("bad_csv", f"the header can't be read: {message}")
    try:
        names = [name.strip() for name in _fields(row, params)[0]]
    except RecordError as error:
        raise DamagedError(error.error, f"the header can't be read: {error.message}") from None
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DamagedError("bad_csv", f"the header names {repeated[0]!r} more than once")
    return names


def first_row(path: str, params: CsvParams) -> Row | None:
    """The header row of a file."""
    return next(rows(blocks(path), params, offset=0), None)


def _fields(row: Row, params: CsvParams) -> tuple[list[str], bool]:
    assert row.data is not None
    data = row.data
    if row.offset == 0 and mark_of(data)[0] == "utf-8":
        data = data[3:]
    try:
        decoded = decode(data, params.encoding)
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


def rows(source: Iterable[bytes], params: CsvParams, *, offset: int) -> Iterator[Row]:
    """The rows of a stream whose first byte is at `offset`."""
    if not params.quote:
        for line in lines(source, offset=offset, limit=params.max_document_bytes):
            data = line.data[:-1] if line.data and line.data.endswith(b"\r") else line.data
            yield Row(line.offset, data, line.size)
        return
    yield from _Splitter(source, params, offset).rows()


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
            if self._buffer.find(self._quote, self._at, line_end) < 0:
                yield self._take(line_end)
                continue
            found = self._quoted_row()
            if found is not None:
                yield self._take(found)
                continue
            if self._damage is not None and self._open.match(self._buffer, self._at):
                break
            size = line_end - self._at
            message = "a quote that is not closed before a delimiter or the end of the line"
            self._at = line_end + 1
            yield Row(start, b"?" if size <= self._limit else None, size, message)
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
        return Row(self._base + start, data[:-1] if data.endswith(b"\r") else data, size)

    def _quoted_row(self) -> int | None:
        """Where the row at the present place ends, None where its quotes are wrong."""
        while True:
            match = self._row.match(self._buffer, self._at)
            if match is None and self._ended_source:
                match = self._ended.match(self._buffer, self._at)
                if match is not None and self._damage is not None:
                    return None
            if match is not None:
                return match.end()
            held = len(self._buffer) - self._at
            if self._ended_source or not self._open.match(self._buffer, self._at):
                # It may also be that the last, unquoted field isn't all there.
                if self._ended_source or self._row_start_fails():
                    self._again += held
                    return None
            if held > self._limit:
                self._again += held
                return None
            self._more(2 * held)

    def _row_start_fails(self) -> bool:
        """No more input could make a row of the buffer: a field is wrong, not just unfinished."""
        return self._ended.match(self._buffer, self._at) is None

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
