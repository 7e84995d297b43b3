"""Byte streams of plain, gzip and zstd files in blocks of bounded size.

zlib and zstandard stop silently, or not at all, at the end of a truncated file; here each stream
ends either clean or with a `DamagedError` that says where, after everything before it was given.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

BLOCK_BYTES = 1 << 20
# An RLE block of 4 bytes makes 128 KiB, so this slice of zstd makes 16 MiB at most.
ZSTD_SLICE_BYTES = 512
GZIP_SLICE_BYTES = 1 << 17
# `zstd --long=31`, as dumps of Reddit are packed; what a frame asks for is taken as it is written.
MAX_WINDOW_BYTES = 1 << 31
# gzip can't expand more than 1032 times; zstd can without limit.
MAX_EXPANSION = 20_000
EXPANSION_FLOOR_BYTES = 4 << 30

_FOREIGN = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x04\x22\x4d\x18": "lz4",
    b"Rar!": "rar",
}


class DamagedError(Exception):
    """The stream can't be read on. `error` is the short name, `offset` counts what was given."""

    def __init__(self, error: str, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.error = error
        self.message = message
        self.offset = offset


def compression(head: bytes) -> str:
    """ "gzip", "zstd", "" (plain) or the name of a format that we don't read, by magic bytes."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:4] == b"\x28\xb5\x2f\xfd" or (
        head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F
    ):
        return "zstd"
    for magic, name in _FOREIGN.items():
        if head.startswith(magic):
            return name
    return ""


def head_of(path: str, size: int = 16) -> bytes:
    """The first bytes of a file; DamagedError "unreadable" where it can't be read."""
    with reading(path), open(path, "rb") as file:
        return file.read(size)


@contextlib.contextmanager
def reading(path: str, offset: int = 0) -> Iterator[None]:
    """Turn an operating system error on the input into `DamagedError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DamagedError(
            "unreadable", f"can't read {Path(path).name!r}: {reason}", offset
        ) from error


def blocks(path: str) -> Iterator[bytes]:
    """The decompressed bytes of a file, in blocks of at most 17 MiB, mostly 1 MiB."""
    kind = compression(head_of(path))
    if kind not in ("", "gzip", "zstd"):
        raise DamagedError("unknown_compression", f"compressed as {kind}; gzip and zstd are read")
    with reading(path), open(path, "rb") as file:
        if kind == "gzip":
            yield from gzip_blocks(file)
        elif kind == "zstd":
            yield from zstd_blocks(file)
        else:
            while block := file.read(BLOCK_BYTES):
                yield block


def plain_blocks(path: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes [start, end) of a file as they are, in blocks of 1 MiB."""
    with reading(path, start), open(path, "rb") as file:
        file.seek(start)
        left = BLOCK_BYTES if end is None else end - start
        while left > 0 and (block := file.read(min(BLOCK_BYTES, left))):
            left -= 0 if end is None else len(block)
            yield block


def gzip_blocks(file: BinaryIO) -> Iterator[bytes]:
    given = 0
    member = 0  # where the present member begins in the file
    data = b""
    while True:
        data = data or file.read(GZIP_SLICE_BYTES)
        if member:
            # Some writers pad with zeros; gzip ignores them, and so do we.
            while data and not data.strip(b"\0"):
                data = file.read(GZIP_SLICE_BYTES)
            data = data.lstrip(b"\0")
            if not data:
                return
            member = file.tell() - len(data)
        decoder = zlib.decompressobj(31)
        while not decoder.eof:
            try:
                block = decoder.decompress(data, BLOCK_BYTES)
            except zlib.error as error:
                raise DamagedError(
                    "bad_gzip",
                    f"the gzip member at byte {member} is damaged near byte "
                    f"{file.tell() - len(data)} of the file: {error}; "
                    f"{given} bytes were decompressed before",
                    given,
                ) from None
            given += len(block)
            if block:
                yield block
            data = decoder.unconsumed_tail
            if decoder.eof:
                break
            # With output at its limit there may be more inside the decoder without more input.
            if not data and len(block) < BLOCK_BYTES:
                data = file.read(GZIP_SLICE_BYTES)
                if not data:
                    raise DamagedError(
                        "truncated_gzip",
                        f"the gzip stream ends at byte {file.tell()} of the file without its end "
                        f"mark; {given} bytes were decompressed before",
                        given,
                    )
        data = decoder.unused_data
        member = file.tell() - len(data)


def zstd_blocks(file: BinaryIO) -> Iterator[bytes]:
    given = 0
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    decoder = None
    data = b""
    while True:
        data = data or file.read(BLOCK_BYTES)
        if not data:
            if decoder is not None:
                raise DamagedError(
                    "truncated_zstd",
                    f"the zstd stream ends at byte {file.tell()} of the file inside a frame; "
                    f"{given} bytes were decompressed before",
                    given,
                )
            return
        decoder = decoder or decompressor.decompressobj()
        out: list[bytes] = []
        ready = 0
        view = memoryview(data)
        at = 0
        while at < len(view) and ready < BLOCK_BYTES:
            piece = view[at : at + ZSTD_SLICE_BYTES]
            at += len(piece)
            try:
                block = decoder.decompress(piece)
            except zstandard.ZstdError as error:
                if out:
                    yield b"".join(out)
                    given += ready
                raise DamagedError(
                    "bad_zstd",
                    f"the zstd stream is damaged near byte {file.tell() - len(data) + at} of the "
                    f"file: {error}; {given} bytes were decompressed before",
                    given,
                ) from None
            if block:
                out.append(block)
                ready += len(block)
            if decoder.eof:
                at -= len(decoder.unused_data)
                decoder = None
                break
        rest = bytes(view[at:])
        given += ready
        if ready:
            yield b"".join(out)
        position = file.tell() - len(rest)
        if given > max(EXPANSION_FLOOR_BYTES, MAX_EXPANSION * position):
            raise DamagedError(
                "decompression_bomb",
                f"{position} bytes of zstd have made {given} bytes, over {MAX_EXPANSION} times as "
                "many",
                given,
            )
        data = rest


def read_whole(path: str, limit: int) -> bytes:
    """A file's decompressed bytes; DamagedError "too_large" beyond `limit`, by size or while
    streaming, so that no more than `limit` and a block are ever held."""
    return _whole(path, blocks(path), limit)


def plain_whole(path: str, limit: int) -> bytes:
    """The same without decompressing."""
    return _whole(path, plain_blocks(path), limit)


def _whole(path: str, source: Iterator[bytes], limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for block in source:
        pieces.append(block)
        size += len(block)
        if size > limit:
            pieces.clear()
            with reading(path):
                on_disk = Path(path).stat().st_size
            message = (
                f"{on_disk} bytes, over the limit of {limit} (max_document_bytes)"
                if on_disk >= size
                else f"{on_disk} compressed bytes make over {size} bytes, the limit is {limit}"
            )
            raise DamagedError("too_large", message, size)
    return b"".join(pieces)
