"""WARC 1.1 files of a crawl
(https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/).

`crawl-00000.warc.gz`, ...: gzip record by record. A file begins with a warcinfo record; a request
and its response stand side by side, so that one offset and length name both. What stands in a file
is committed by the frontier: after a kill it is cut back to that.

Scrapy hands out an answer parsed: header names are in their usual spelling and in no certain order,
and a chunked body is joined, so its Content-Length stands in place of Transfer-Encoding. The
content coding is as it came.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import http
import os
import uuid
import zlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from corpusmith.collect.crawl.frontier import Place
from corpusmith.store.atomic import disk_errors

Headers = list[tuple[str, str]]
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


def now() -> str:
    """The time as WARC-Date has it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(
    kind: str, block: bytes, headers: Headers, *, identity: str = "", payload: bytes | None = None
) -> bytes:
    """One gzip member. `payload`: what WARC-Payload-Digest is of, where the record has one."""
    lines = [("WARC-Type", kind), ("WARC-Record-ID", identity or new_id()), *headers]
    lines.append(("WARC-Block-Digest", _digest(block)))
    if payload is not None:
        lines.append(("WARC-Payload-Digest", _digest(payload)))
    lines.append(("Content-Length", str(len(block))))
    head = "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(head.encode() + block + b"\r\n\r\n") + packer.flush()


def new_id() -> str:
    return f"<urn:uuid:{uuid.uuid4()}>"


def _digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def request_block(url: str, headers: Headers) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"GET {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def response_block(status: int, headers: Headers, body: bytes) -> bytes:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    kept = [h for h in headers if h[0].lower() not in ("transfer-encoding", "content-length")]
    lines = [f"HTTP/1.1 {status} {phrase}".rstrip()]
    lines += [f"{name}: {value}" for name, value in kept] + [f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + body


class WarcFiles:
    """Appends to the last file; begins a new one when that has `limit` bytes."""

    def __init__(self, folder: Path, limit: int, info: str, end: tuple[str, int] | None) -> None:
        """`end`: (file, bytes) up to which records are committed; what stands behind it goes."""
        self.folder = folder
        self.limit = limit
        self.info = info.encode()
        self.size = 0
        self.name = ""
        self._file = -1
        for path in sorted(folder.glob("crawl-*.warc.gz")):
            if end is None or path.name > end[0]:
                path.unlink()
            elif path.name == end[0]:
                os.truncate(path, end[1])
        if end is not None:
            self._open(end[0])

    def _open(self, name: str) -> None:
        path = self.folder / name
        with disk_errors(path):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.name = name
        self.size = os.fstat(self._file).st_size
        if not self.size:
            headers = [
                ("WARC-Date", now()),
                ("WARC-Filename", name),
                ("Content-Type", "application/warc-fields"),
            ]
            self._append(record("warcinfo", self.info, headers))

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        with disk_errors(self.folder / self.name):
            while view:
                view = view[os.write(self._file, view) :]
        self.size += len(data)

    def write(self, records: Sequence[bytes], identity: str) -> Place:
        """Records that belong together; `identity` is the record id of the response."""
        if self._file < 0 or self.size >= self.limit:
            number = int(self.name[6:11]) + 1 if self.name else 0
            self.close()
            self._open(f"crawl-{number:05d}.warc.gz")
        offset = self.size
        self._append(b"".join(records))
        return Place(self.name, offset, self.size - offset, identity)

    def sync(self) -> tuple[str, int]:
        """What is on the disk now, power cut or not: (file, bytes)."""
        if self._file >= 0:
            with disk_errors(self.folder / self.name):
                os.fsync(self._file)
        return self.name, self.size

    def close(self) -> None:
        if self._file >= 0:
            self.sync()
            os.close(self._file)
            self._file = -1


def whole(data: bytes) -> bool:
    """Whether gzip members are complete and undamaged."""
    while data:
        decoder = zlib.decompressobj(31)
        try:
            while not decoder.eof:
                if not decoder.decompress(data, 1 << 20) and not decoder.unconsumed_tail:
                    break
                data = decoder.unconsumed_tail
        except zlib.error:
            return False
        if not decoder.eof:
            return False
        data = decoder.unused_data
    return True
