"""Compressed streams in blocks, bzip2 and xz too: for archives and dumps.

As in `streams`, each ends clean or with a `DamagedError`, after everything before it was given.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from corpusmith.collect.streams import (
    BLOCK_BYTES,
    DamagedError,
    compression,
    gzip_blocks,
    zstd_blocks,
)

READ_BYTES = 1 << 17
XZ_MEMORY_BYTES = 256 << 20  # xz -9 asks for 65 MiB, the format for up to 4 GiB


def unpacked(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file that is plain, gzip, zstd, bzip2 or xz, in blocks of at most 17 MiB."""
    start = file.tell()
    head = file.read(16)
    file.seek(start)
    kind = compression(head)
    if kind == "gzip":
        return gzip_blocks(file)
    if kind == "zstd":
        return zstd_blocks(file)
    if kind == "bzip2":
        return _blocks(file, bz2.BZ2Decompressor, "bzip2")
    if kind == "xz":
        return _blocks(file, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES), "xz")
    if kind and kind != "zip":
        raise DamagedError(
            "unknown_compression", f"compressed as {kind}; gzip, zstd, bzip2 and xz are read"
        )
    return iter(lambda: file.read(BLOCK_BYTES), b"")


def _blocks(file: BinaryIO, new: Callable[[], Any], kind: str) -> Iterator[bytes]:
    """All streams of a file, one after another; zeros between them are padding."""
    given = 0
    data = b""
    first = True
    while True:
        data = data or file.read(READ_BYTES)
        if not first:
            while data and not data.strip(b"\0"):
                data = file.read(READ_BYTES)
            data = data.lstrip(b"\0")
        if not data and not first:
            return
        first = False
        decoder = new()
        while not decoder.eof:
            if decoder.needs_input and not data:
                data = file.read(READ_BYTES)
                if not data:
                    raise DamagedError(
                        f"truncated_{kind}",
                        f"the {kind} stream ends at byte {file.tell()} of the file without its "
                        f"end mark; {given} bytes were decompressed before",
                        given,
                    )
            try:
                block = decoder.decompress(data, BLOCK_BYTES)
            except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
                raise DamagedError(
                    f"bad_{kind}",
                    f"the {kind} stream is damaged near byte {file.tell()} of the file: {error}; "
                    f"{given} bytes were decompressed before",
                    given,
                ) from None
            data = b""
            given += len(block)
            if block:
                yield block
        data = decoder.unused_data
