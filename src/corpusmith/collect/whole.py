"""Files that are one document each: plain text and Markdown; text also line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from corpusmith.collect.encoding import UndecodableError, decode
from corpusmith.collect.errors import RecordError
from corpusmith.collect.pieces import line_encoding, piece_lines, too_large
from corpusmith.collect.readers import MarkdownParams, SourceParams, TextParams
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError, blocks, read_whole

SEARCH_BYTES = 1 << 20  # how far back from the limit a line end is looked for


def read_text(piece: dict[str, Any], params: TextParams, sink: Sink) -> None:
    """A plain text file, or with `documents: line` each of its lines that isn't empty."""
    if params.documents == "file":
        _read_file(piece, params, sink)
        return
    for line in piece_lines(piece, params):
        if line.data is not None and not line.data.strip():
            continue
        if not sink.record(f"{piece['uri']}#{line.offset}"):
            continue
        if line.data is None:
            sink.quarantine(*too_large(line.size, params.max_document_bytes))
        else:
            data = line.data.removesuffix(b"\r")
            _finish(piece["uri"], data, line_encoding(params), params, sink)


def read_markdown(piece: dict[str, Any], params: MarkdownParams, sink: Sink) -> None:
    """A Markdown or reStructuredText file as it is, front matter and all."""
    _read_file(piece, params, sink)


def _read_file(piece: dict[str, Any], params: TextParams | MarkdownParams, sink: Sink) -> None:
    uri = piece["uri"]
    if not sink.record(uri):
        return
    try:
        data = read_whole(piece["path"], params.max_document_bytes)
    except DamagedError as error:
        if error.error == "too_large" and params.long == "split":
            described = described_file(uri, params)
            split_stream(uri, blocks(piece["path"]), params.max_document_bytes, sink, described)
        else:
            sink.quarantine(error.error, error.message)
        return
    _finish(uri, data, params.encoding, params, sink)


def _finish(uri: str, data: bytes, encoding: str | None, params: SourceParams, sink: Sink) -> None:
    try:
        text, repaired = text_of(data, encoding)
    except RecordError as error:
        sink.quarantine(error.error, error.message)
        return
    sink.document(text, **described_file(uri, params), repaired=repaired)


def text_of(data: bytes, encoding: str | None) -> tuple[str, bool]:
    """(text, repaired) of a file's bytes; RecordError where they are no text."""
    try:
        decoded = decode(data, encoding)
    except UndecodableError as error:
        if b"\0" in data:
            raise _nul(data) from None
        raise RecordError("bad_encoding", str(error)) from None
    if "\0" in decoded.text:
        raise _nul(data)
    return decoded.text, decoded.repaired


def _nul(data: bytes) -> RecordError:
    return RecordError(
        "nul_bytes",
        f"{data.count(0)} NUL bytes in {len(data)}, the first at offset {data.index(0)}: no text",
    )


def described_file(uri: str, params: SourceParams) -> dict[str, Any]:
    """What is known of a file without looking inside."""
    group = group_of(uri, params.group)
    return {"meta": {"group": group} if group else {}}


def group_of(uri: str, group: str | None) -> str | None:
    """The split group of a file: itself, its first folder, or the module that it is about.

    >>> group_of("json/decoder.py", "module"), group_of("json.decoder.html", "module")
    ('json.decoder', 'json.decoder')
    >>> group_of("json/__init__.py", "module")
    'json'
    """
    if group is None:
        return None
    path = uri.split("#")[0]
    if group == "folder":
        return path.split("/")[0] if "/" in path else "."
    stem, dot, suffix = path.rpartition(".")
    stem = stem if dot and "/" not in suffix and stem else path
    if group == "module":
        return stem.replace("/", ".").removesuffix(".__init__")
    return path


# --- documents over the limit, on request ------------------------------------------------


def split_text(uri: str, data: bytes, limit: int, sink: Sink, described: dict[str, Any]) -> None:
    """Make documents `uri#bytes=a-b` of a record already announced to `sink`."""
    split_stream(uri, [data], limit, sink, described)


def split_stream(
    uri: str, source: Iterable[bytes], limit: int, sink: Sink, described: dict[str, Any]
) -> None:
    """The same from a stream, of which never more than the limit and a block are held."""
    first = True
    offset = 0
    try:
        for piece in cut_text(source, limit):
            name = f"{uri}#bytes={offset}-{offset + len(piece)}"
            offset += len(piece)
            if first:
                sink.rename(name)
                first = False
            else:
                sink.created(name)
            _finish_piece(piece, described, sink)
    except DamagedError as error:
        if not first:
            sink.created(f"{uri}#bytes={offset}-")
        sink.quarantine(error.error, error.message)


def _finish_piece(data: bytes, described: dict[str, Any], sink: Sink) -> None:
    try:
        text, repaired = text_of(data, None)
    except RecordError as error:
        sink.quarantine(error.error, error.message)
        return
    # `document` may keep what it is given.
    sink.document(text, **{**described, "meta": dict(described["meta"])}, repaired=repaired)


def cut_text(source: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Cut a stream into pieces of at most `limit` bytes, at the last line end within reach, else
    at a space, else between characters of UTF-8."""
    held = bytearray()
    for block in source:
        held += block
        while len(held) > limit:
            end = _cut_point(held, limit)
            yield bytes(held[:end])
            del held[:end]
    if held:
        yield bytes(held)


def _cut_point(held: bytearray, limit: int) -> int:
    reach = max(1, limit - SEARCH_BYTES)
    for mark in (b"\n", b" "):
        end = held.rfind(mark, reach, limit) + 1
        if end:
            return end
    end = limit
    while end > max(1, limit - 4) and held[end] & 0xC0 == 0x80:
        end -= 1
    return end if held[end] & 0xC0 != 0x80 else limit
