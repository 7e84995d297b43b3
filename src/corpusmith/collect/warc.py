"""WARC (pages of a crawl) and WET (their text) files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corpusmith.collect import http
from corpusmith.collect.dates import parse_time
from corpusmith.collect.errors import RecordError
from corpusmith.collect.members import Damage, Record, records
from corpusmith.collect.pieces import too_large
from corpusmith.collect.readers import SourceParams, WarcParams, WetParams
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import reading
from corpusmith.collect.whole import text_of

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_MAIN_TYPES = (
    *("application", "audio", "font", "image", "message", "model", "multipart", "text", "video"),
)


def read(piece: dict[str, Any], params: WarcParams, sink: Sink) -> None:
    """Pages and plain texts that were answered with status 200; all else is counted by kind."""
    _pages(piece, params, sink, lambda record, place: place)


def read_crawled(piece: dict[str, Any], params: WarcParams, sink: Sink) -> None:
    """As `read`, but a page's uri is its URL, so that it keeps its id when it is crawled again.

    Each URL is answered once in a crawl of ours. Where one comes again all the same its place is
    added to it: no two documents of a file have one id.
    """
    seen: set[str] = set()

    def name(record: Record, place: str) -> str:
        url = _url(record)
        found = f"{url}#{place}" if url in seen else url
        seen.add(url)
        return found or place

    _pages(piece, params, sink, name)


def _pages(
    piece: dict[str, Any], params: WarcParams, sink: Sink, name: Callable[[Record, str], str]
) -> None:
    for record in documents(piece, params, sink, ("response", "resource")):
        kind = record.headers["warc-type"]
        uri = f"{piece['uri']}#{record.position}"
        if record.block is None:
            sink.fail(uri, *too_large(record.size, params.max_document_bytes))
            continue
        try:
            if kind == "response":
                response = http.parse(record.block)
            else:
                content = record.headers.get("content-type", "")
                response = http.Response(200, {"content-type": content}, record.block)
        except RecordError as error:
            sink.fail(uri, error.error, error.message)
            continue
        mime = _mime(response)
        if response.status != 200:
            sink.skip(f"status:{response.status}")
        elif mime not in HTML_TYPES and mime != "text/plain":
            main = mime.split("/")[0]
            sink.skip(f"type:{main if main in _MAIN_TYPES else 'other'}")
        elif sink.record(name(record, uri), native=mime in HTML_TYPES):
            try:
                _document(record, response, mime, params, sink)
            except RecordError as error:
                sink.quarantine(error.error, error.message)


def read_wet(piece: dict[str, Any], params: WetParams, sink: Sink) -> None:
    """The texts of conversion records."""
    for record in documents(piece, params, sink, ("conversion",)):
        uri = f"{piece['uri']}#{record.position}"
        if not sink.record(uri):
            continue
        if record.block is None:
            sink.quarantine(*too_large(record.size, params.max_document_bytes))
            continue
        try:
            text, repaired = text_of(record.block, None)
        except RecordError as error:
            sink.quarantine(error.error, error.message)
            continue
        meta, known = _described(record, params)
        if languages := record.headers.get("warc-identified-content-language"):
            meta["languages"] = languages
        sink.document(text, meta=meta, repaired=repaired, **known)


def record_offsets(path: str, step: int) -> Iterator[int]:
    """0, then where a record begins about every `step` bytes of the file, then its end.

    Only offsets of gzip members, or of records of plain files, are given.
    """
    last = 0
    yield 0
    for found in records(path, 0, skim=True):
        if isinstance(found, Record) and ":" not in found.position:
            position = int(found.position)
            if position - last >= step:
                last = position
                yield position
    with reading(path):
        yield Path(path).stat().st_size


def documents(
    piece: dict[str, Any], params: SourceParams, sink: Sink, kinds: tuple[str, ...]
) -> Iterator[Record]:
    """The records of these types; others are counted, damaged spans quarantined."""
    bounds = piece.get("start", 0), piece.get("end")
    for found in records(piece["path"], params.max_document_bytes, *bounds):
        if isinstance(found, Damage):
            sink.fail(f"{piece['uri']}#{found.position}", found.error, found.message)
            continue
        kind = found.headers["warc-type"] = found.headers.get("warc-type", "").lower()
        if kind in kinds:
            yield found
        else:
            known = kind.isascii() and kind.isalpha() and len(kind) < 20
            sink.skip(f"record:{kind if known else 'other'}")


def _mime(response: http.Response) -> str:
    if response.mime:
        return response.mime
    head = response.raw[:512].lstrip().lower()
    return "text/html" if head.startswith((b"<!doctype html", b"<html")) else ""


def _described(record: Record, params: SourceParams) -> tuple[dict[str, Any], dict[str, Any]]:
    """(meta, further arguments of the document) from a record's headers."""
    meta: dict[str, Any] = {}
    url = _url(record)
    if url:
        meta["url"] = url
    if identity := record.headers.get("warc-record-id"):
        meta["warc_record_id"] = identity.strip("<>")
    if params.group == "host":
        meta["group"] = host_of(url)
    elif params.group == "url":
        meta["group"] = url
    return meta, {"created": parse_time(record.headers.get("warc-date"))}


def _url(record: Record) -> str:
    return record.headers.get("warc-target-uri", "").strip("<>")


def host_of(url: str) -> str:
    """The host of a URL, "" where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _document(
    record: Record, response: http.Response, mime: str, params: WarcParams, sink: Sink
) -> None:
    truncated = "warc-truncated" in record.headers
    body = http.body(response, params.max_document_bytes, truncated=truncated)
    meta, known = _described(record, params)
    meta["content_type"] = mime
    if truncated:
        meta["truncated"] = record.headers["warc-truncated"]
    charset = response.charset or params.encoding
    if mime == "text/plain":
        text, repaired = text_of(body, charset)
        sink.document(text, meta=meta, repaired=repaired, **known)
        return
    from corpusmith.collect.extract import extract_page
    from corpusmith.collect.pages import extraction, finish

    page = extract_page(body, charset=charset, url=meta.get("url"), **extraction(params))
    finish(page, meta, sink, **known)
