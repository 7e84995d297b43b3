"""Bounds for a PDF before and while native code reads it.

PDFium expands what it reads without a limit of its own: 49 kB of nested `q` made it take 4.2 GB,
240 kB of repeated text 1.6 GB. So streams are inflated once beforehand, and counted; what escapes
that count (chained filters) meets a limit on the process's memory, on Linux: PDFium then ends the
worker, and the engine puts the document in quarantine.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from corpusmith.collect.errors import RecordError

MAX_STREAM_BYTES = 64 << 20  # of one stream that is no image, inflated
MAX_BYTES = 1 << 30  # of all of them
MAX_RATIO = 100  # of one over RATIO_FLOOR_BYTES; pages of text and drawings reach 10 to 20
RATIO_FLOOR_BYTES = 4 << 20
MEMORY_BYTES = 1 << 30  # that parsing may add to the process
BLOCK_BYTES = 1 << 20
_STREAM = re.compile(rb"stream\r?\n")
_IMAGE = re.compile(rb"/Subtype\s*/Image\b")


def check_pdf(data: bytes) -> None:
    """RecordError decompression_bomb, too_complex."""
    total = 0
    for match in _STREAM.finditer(data):
        head = data[max(0, match.start() - 2000) : match.start()]
        head = head[head.rfind(b"obj") + 1 :]
        if b"/Fl" not in head or _IMAGE.search(head):
            continue
        total += _inflated(data, match.end())
        if total > MAX_BYTES:
            raise RecordError("too_complex", f"its streams have over {MAX_BYTES} bytes, the limit")


def _inflated(data: bytes, start: int) -> int:
    """The bytes of a stream that begins there, as far as it can be inflated."""
    decoder = zlib.decompressobj()
    size, at = 0, start
    piece = data[at : at + BLOCK_BYTES]
    while not decoder.eof and piece:
        try:
            size += len(decoder.decompress(piece, BLOCK_BYTES))
        except zlib.error:
            break  # encrypted, or damaged: PDFium gets as far
        if decoder.unconsumed_tail:
            piece = decoder.unconsumed_tail
        else:
            at += BLOCK_BYTES
            piece = data[at : at + BLOCK_BYTES]
        read = at + BLOCK_BYTES - len(decoder.unconsumed_tail) - start
        if size > RATIO_FLOOR_BYTES and size > MAX_RATIO * max(1, min(read, len(data) - start)):
            raise RecordError(
                "decompression_bomb",
                f"the stream at byte {start} makes over {size} bytes, more than {MAX_RATIO} times "
                "as many as it has",
            )
        if size > MAX_STREAM_BYTES:
            raise RecordError(
                "too_complex",
                f"the stream at byte {start} has over {MAX_STREAM_BYTES} bytes, the limit",
            )
    return size


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """No more than MEMORY_BYTES of new address space inside the block, where the system can."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError, ValueError, IndexError):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    if before[1] != resource.RLIM_INFINITY:
        limit = min(limit, before[1])
    if before[0] != resource.RLIM_INFINITY:
        limit = min(limit, before[0])
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
