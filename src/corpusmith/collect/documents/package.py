"""Zip files in memory: EPUB, DOCX and ODT are such, and archives nested in others."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import IO

from corpusmith.collect.documents.content import RATIO_FLOOR_BYTES, Limits
from corpusmith.collect.errors import RecordError

BLOCK_BYTES = 1 << 18
ENCRYPTED = 1  # bit of a member's flags


def open_zip(file: IO[bytes], limits: Limits) -> zipfile.ZipFile:
    """RecordError bad_zip, too_complex (members)."""
    try:
        found = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, zlib.error) as error:
        raise RecordError("bad_zip", f"no zip file that can be read: {error}"[:300]) from None
    if len(found.infolist()) > limits.members:
        count = len(found.infolist())
        raise RecordError("too_complex", f"{count} members, over the limit of {limits.members}")
    return found


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> bytes:
    """A member's bytes, checked against its checksum; never more than the limit and a block are
    held. RecordError: encrypted, too_large, decompression_bomb, bad_zip."""
    if info.flag_bits & ENCRYPTED:
        raise RecordError("encrypted", f"{info.filename!r} is encrypted")
    if info.file_size > limits.document_bytes:
        raise RecordError(
            "too_large",
            f"{info.file_size} bytes, over the limit of {limits.document_bytes} "
            "(max_document_bytes)",
        )
    out: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as member:
            while block := member.read(BLOCK_BYTES):
                size += len(block)
                out.append(block)
                check_ratio(size, info.compress_size, limits)
                if size > limits.document_bytes:  # the directory lied about it
                    raise RecordError(
                        "too_large", f"over {limits.document_bytes} bytes (max_document_bytes)"
                    )
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError),
        *(NotImplementedError, RuntimeError),
    ) as error:
        raise RecordError("bad_zip", f"{info.filename!r} can't be read: {error}"[:300]) from None
    return b"".join(out)


def check_ratio(size: int, packed: int, limits: Limits) -> None:
    if size > RATIO_FLOOR_BYTES and size > limits.ratio * max(packed, 1):
        raise RecordError(
            "decompression_bomb",
            f"{packed} bytes make over {size}, more than {limits.ratio} times as many",
        )


class Package:
    """The members of an EPUB, DOCX or ODT by name."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._limits = limits
        self._archive = open_zip(io.BytesIO(data), limits)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in self._archive.infolist():
            self._infos.setdefault(info.filename, info)
        self._left = 4 * limits.document_bytes  # of all members that are read

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def names(self) -> list[str]:
        return list(self._infos)

    def read(self, name: str) -> bytes:
        """RecordError where there is no such member (bad_zip) or it can't be read."""
        info = self._infos.get(name)
        if info is None:
            raise RecordError("bad_zip", f"the part {name!r} is missing")
        data = read_member(self._archive, info, self._limits)
        self._left -= len(data)
        if self._left < 0:
            raise RecordError(
                "too_large", f"its parts have over {4 * self._limits.document_bytes} bytes"
            )
        return data

    def get(self, name: str) -> bytes | None:
        return self.read(name) if name in self._infos else None
