"""HTTP responses as crawlers store them (RFC 9112): status, headers, body with codings undone.

Some crawlers store bodies as they came, others store them decoded under the old headers, so a
coding is undone only where the bytes have it. Every decoded body is bounded.
"""

from __future__ import annotations

import dataclasses
import io
import re
import zlib

import zstandard

from corpusmith.collect.errors import RecordError

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]  # names in lower case
    raw: bytes  # the body as stored

    @property
    def mime(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        match = _CHARSET.search(self.headers.get("content-type", ""))
        return match[1] if match else None


def parse(block: bytes) -> Response:
    """RecordError "bad_warc" where the block is no HTTP response."""
    match = _STATUS.match(block)
    if match is None:
        raise RecordError("bad_warc", f"no HTTP response: it begins with {block[:20]!r}")
    end = re.search(rb"\r?\n\r?\n", block)
    head, raw = (block[: end.start()], block[end.end() :]) if end else (block, b"")
    headers: dict[str, str] = {}
    for line in head[:65536].split(b"\n")[1:]:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return Response(int(match[1]), headers, raw)


def body(response: Response, limit: int, *, truncated: bool = False) -> bytes:
    """The body without transfer and content codings; RecordError (too_large, bad_gzip,
    unknown_encoding). `truncated`: the crawler says that it stored the beginning only."""
    data = response.raw
    if "chunked" in response.headers.get("transfer-encoding", "").lower():
        data = _dechunked(data)
    for coding in reversed(response.headers.get("content-encoding", "").lower().split(",")):
        coding = coding.strip()
        if coding in ("gzip", "x-gzip"):
            if data[:2] == b"\x1f\x8b":
                data = _inflated(data, 31, limit, truncated)
        elif coding == "deflate":
            # Some servers send raw deflate, others zlib, and decoded pages begin with "<".
            if data[:1] and data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0:
                data = _inflated(data, 15, limit, truncated)
            elif data.lstrip()[:1] != b"<":
                data = _inflated(data, -15, limit, truncated)
        elif coding == "br":
            data = _brotli(data, limit)
        elif coding == "zstd":
            if data[:4] == b"\x28\xb5\x2f\xfd":
                data = _zstd(data, limit)
        elif coding not in ("", "identity", "utf-8", "none"):
            raise RecordError("unknown_encoding", f"the content encoding {coding[:40]!r}")
    if len(data) > limit:
        raise RecordError("too_large", f"a body of {len(data)} bytes, the limit is {limit}")
    return data


def _dechunked(data: bytes) -> bytes:
    """The chunks joined; the data as they are where they are no chunks."""
    pieces: list[bytes] = []
    at = 0
    while match := _CHUNK.match(data, at):
        size = int(match[1], 16)
        at = match.end()
        if size == 0:
            return b"".join(pieces)
        pieces.append(data[at : at + size])
        at += size
        if data[at : at + 2] == b"\r\n":
            at += 2
        elif data[at : at + 1] == b"\n":
            at += 1
        elif at < len(data):
            break
    # No chunks at all: decoded before it was stored. Some, then the end: a truncated body.
    return b"".join(pieces) if pieces and at >= len(data) else data


def _inflated(data: bytes, window: int, limit: int, truncated: bool) -> bytes:
    out: list[bytes] = []
    size = 0
    while data:
        decoder = zlib.decompressobj(window)
        try:
            piece = decoder.decompress(data, limit + 1 - size)
        except zlib.error as error:
            if out:
                break  # something else behind a whole member
            raise RecordError("bad_gzip", f"the compressed body is damaged: {error}") from None
        size += len(piece)
        out.append(piece)
        if size > limit:
            raise _bomb(len(data), limit)
        if not decoder.eof:
            if truncated:
                break
            raise RecordError(
                "truncated_gzip", f"the compressed body ends after {size} decompressed bytes"
            )
        data = decoder.unused_data
        if window != 31:
            break
    return b"".join(out)


def _zstd(data: bytes, limit: int) -> bytes:
    try:
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            out = reader.read(limit + 1)
    except zstandard.ZstdError as error:
        raise RecordError("bad_zstd", f"the compressed body is damaged: {error}") from None
    if len(out) > limit:
        raise _bomb(len(data), limit)
    return out


def _brotli(data: bytes, limit: int) -> bytes:
    try:
        from fastwarc.stream_io import BrotliReader
    except ImportError:
        raise RecordError(
            "unknown_encoding", 'brotli needs fastwarc: pip install "corpusmith[web-data]"'
        ) from None
    try:
        reader = BrotliReader(io.BytesIO(data))
        pieces = []
        size = 0
        while piece := reader.read(1 << 20):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise _bomb(len(data), limit)
    except RecordError:
        raise
    except Exception as error:
        if data.lstrip()[:1] == b"<":
            return data  # decoded before it was stored
        message = f"the brotli body is damaged: {error}"[:300]
        raise RecordError("unknown_encoding", message) from None
    return b"".join(pieces)


def _bomb(size: int, limit: int) -> RecordError:
    return RecordError("too_large", f"{size} compressed bytes make over the limit of {limit} bytes")
