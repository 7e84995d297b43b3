"""Tar archives (POSIX.1-2001 pax, ustar, GNU) from a stream, member by member.

The standard library's reader takes extended headers of any size into memory and has no bound for a
damaged one; this one holds a header of 1 MiB at most.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from corpusmith.collect.streams import DamagedError

RECORD = 512
MAX_HEADER_BYTES = 1 << 20
_KINDS = {
    "1": "link",
    "2": "link",
    "3": "device",
    "4": "device",
    "5": "folder",
    "6": "device",
    "S": "sparse",
}


@dataclasses.dataclass(frozen=True)
class TarMember:
    name: str
    kind: str  # file, folder, link, device, sparse
    size: int
    target: str = ""  # of a link


class TarStream:
    """The members of a stream of blocks; DamagedError at the offset where it can't be read on."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._held = b""
        self._at = 0
        self.offset = 0  # of the next byte
        self._left = 0  # bytes of the present member and its padding not yet read
        self._size = 0  # of them, those that are its content

    def members(self) -> Iterator[TarMember]:
        """Each member; its content may be read until the next is asked for."""
        extended: dict[str, str] = {}
        while True:
            self._pass_over()
            start = self.offset
            header = self._take(RECORD)
            if not header or not header.strip(b"\0"):
                # The end mark, or a stream that ends without one, as some writers leave it. What
                # follows is padding, but the stream's own checksum is behind it.
                while next(self._blocks, b""):
                    pass
                return
            if len(header) < RECORD:
                raise DamagedError("truncated_tar", "the archive ends inside a header", start)
            if not _checked(header):
                raise DamagedError(
                    "bad_tar", f"no header of a tar member at byte {start} of the stream", start
                )
            kind = header[156:157].decode("latin-1")
            size = _number(header[124:136])
            if size < 0:
                raise DamagedError("bad_tar", f"a member without a size at byte {start}", start)
            self._size = size
            self._left = size + -size % RECORD
            if kind in "xgLK":
                if size > MAX_HEADER_BYTES:
                    raise DamagedError(
                        "bad_tar", f"an extended header of {size} bytes at byte {start}", start
                    )
                data = self.read(size)
                if kind == "x":
                    extended.update(_records(data))
                elif kind in "LK":
                    extended["path" if kind == "L" else "linkpath"] = _name(data)
                continue
            name = _name(header[:100])
            if header[257:262] == b"ustar" and header[345:346] != b"\0" and header[263:265] != b" ":
                name = f"{_name(header[345:500])}/{name}"
            target = extended.get("linkpath", _name(header[157:257]))
            name = extended.get("path", name)
            if extended.get("size", "").isdigit() and len(extended["size"]) < 16:
                self._size = size = int(extended["size"])
                self._left = size + -size % RECORD
            sort = _KINDS.get(kind, "file")
            if any(key.startswith("GNU.sparse") for key in extended):
                sort = "sparse"
            if sort == "file" and name.endswith("/"):
                sort = "folder"
            if sort in ("link", "device", "folder"):
                self._size = self._left = size if kind == "1" and size else 0
                self._left += -self._left % RECORD
            extended = {}
            yield TarMember(name, sort, self._size, target)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of the present member; DamagedError where the stream ends in it."""
        size = min(size, self._size)
        data = self._take(size)
        self._left -= len(data)
        self._size -= len(data)
        if len(data) < size:
            raise DamagedError(
                "truncated_tar",
                f"the archive ends inside a member, {self._size} bytes before its end",
                self.offset,
            )
        return data

    def _pass_over(self) -> None:
        while self._left:
            data = self._take(min(self._left, 1 << 20))
            self._left -= len(data)
            if not data:
                raise DamagedError(
                    "truncated_tar",
                    f"the archive ends inside a member, {self._left} bytes before its end",
                    self.offset,
                )
        self._size = 0

    def _take(self, size: int) -> bytes:
        pieces = []
        need = size
        while need:
            if self._at >= len(self._held):
                block = next(self._blocks, b"")
                if not block:
                    break
                self._held, self._at = block, 0
            piece = self._held[self._at : self._at + need]
            self._at += len(piece)
            need -= len(piece)
            pieces.append(piece)
        self.offset += size - need
        return b"".join(pieces)


def _checked(header: bytes) -> bool:
    """Whether the checksum (of the header with spaces in its place) is right."""
    stated = _number(header[148:156])
    plain = sum(header[:148]) + 8 * 32 + sum(header[156:])
    signed = sum(b - 256 if b > 127 else b for b in header[:148] + header[156:]) + 8 * 32
    return stated in (plain, signed)


def _number(field: bytes) -> int:
    """Octal, or base 256 where the first bit is set; -1 where it is neither."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    text = field.strip(b" \0")
    if not text:
        return 0
    return int(text, 8) if all(c in b"01234567" for c in text) else -1


def _name(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "surrogateescape")


def _records(data: bytes) -> dict[str, str]:
    """`LENGTH KEY=VALUE\\n` of a pax header."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        length = data[at:space] if space > 0 else b""
        if not length.isdigit() or int(length) <= len(length) + 1:
            break
        key, mark, value = data[space + 1 : at + int(length) - 1].partition(b"=")
        if mark:
            found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at += int(length)
    return found
