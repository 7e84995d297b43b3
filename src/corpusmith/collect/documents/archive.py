"""Members of zip and tar archives, archives within them too, inside limits.

What could leave the archive's folder (absolute paths, `..`, links, devices) is refused and told;
nothing is ever written to disk.
"""

from __future__ import annotations

import dataclasses
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from corpusmith.collect.documents.content import Limits
from corpusmith.collect.documents.package import open_zip, read_member
from corpusmith.collect.documents.tar import TarStream
from corpusmith.collect.errors import RecordError
from corpusmith.collect.readers import ARCHIVES
from corpusmith.collect.streams import DamagedError
from corpusmith.collect.unpack import unpacked

BLOCK_BYTES = 1 << 20
ZIP = (".zip",)
FLOOR_BYTES = 64 << 20  # an archive may always make as much, whatever its ratio


@dataclasses.dataclass
class Member:
    """A member that is wanted, or one that was refused."""

    uri: str  # `archive.zip!/path`
    path: str  # inside its archive
    data: bytes = b""
    error: str = ""
    message: str = ""


@dataclasses.dataclass
class Budget:
    """What is left of the limits, over an archive and those within it."""

    limits: Limits
    bytes: int
    members: int

    @classmethod
    def of(cls, limits: Limits, size: int) -> Budget:
        most = min(limits.archive_bytes, max(FLOOR_BYTES, limits.ratio * size))
        return cls(limits, most, limits.members)

    def spend(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            raise RecordError(
                "decompression_bomb",
                "the archive makes more bytes than its size allows: over "
                f"{self.limits.ratio} times as many, or over {self.limits.archive_bytes} "
                "(max_archive_bytes)",
            )

    def count(self) -> None:
        self.members -= 1
        if self.members < 0:
            raise RecordError("too_complex", f"over {self.limits.members} members, the limit")


Wanted = Callable[[str], bool]
Skip = Callable[[str], None]


def is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVES)


def members(
    file: IO[bytes], uri: str, wanted: Wanted, skip: Skip, budget: Budget, depth: int = 1
) -> Iterator[Member]:
    """What `wanted(path)` asks for, in the archive's order, and refusals. A failure of the
    archive itself is the last member, under the archive's own URI."""
    seen: dict[str, int] = {}
    walk = _zip if uri.lower().endswith(ZIP) else _tar
    done = 0
    try:
        for path, read, problem in walk(file, budget):
            budget.count()
            name = _printable(path)
            member = Member(f"{uri}!/{name}", path)
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                member.uri += f"#duplicate={seen[name]}"
            done += 1
            if problem or _leaves(path):
                member.error = "unsafe_member"
                member.message = problem or f"the path {name[:200]!r} leads out of the archive"
                yield member
                continue
            nested = is_archive(path)
            if not nested and not wanted(path):
                skip(f"file:{_kind(path)}")
                continue
            if seen[name] > 1:
                member.error = "duplicate_uri"
                member.message = f"the archive has a member {name[:200]!r} already"
                yield member
                continue
            try:
                if nested and depth >= budget.limits.depth:
                    raise RecordError(
                        "too_deep",
                        f"an archive at depth {depth + 1}, over the limit of {budget.limits.depth}",
                    )
                member.data = read()
            except RecordError as error:
                if error.error == "decompression_bomb" and budget.bytes < 0:
                    raise
                member.error, member.message = error.error, error.message
                yield member
                continue
            if nested:
                inner = io.BytesIO(member.data)
                yield from members(inner, member.uri, wanted, skip, budget, depth + 1)
            else:
                yield member
    except (RecordError, DamagedError) as error:
        more = f"; {done} members were read before"
        yield Member(uri, "", b"", error.error, error.message + more)


_Found = tuple[str, Callable[[], bytes], str]


def _zip(file: IO[bytes], budget: Budget) -> Iterator[_Found]:
    archive = open_zip(file, budget.limits)
    for info in archive.infolist():
        if info.is_dir():
            continue
        mode = info.external_attr >> 16
        problem = ""
        if mode & 0o170000 == 0o120000:
            problem = "a symbolic link"
        elif mode & 0o170000 not in (0, 0o100000):
            problem = "neither a file nor a folder"

        def read(info: object = info) -> bytes:
            data = read_member(archive, info, budget.limits)  # type: ignore[arg-type]
            budget.spend(len(data))
            return data

        yield info.filename, read, problem


def _tar(file: IO[bytes], budget: Budget) -> Iterator[_Found]:
    stream = TarStream(_counted(unpacked(file), budget))  # type: ignore[arg-type]
    for member in stream.members():
        if member.kind == "folder":
            continue
        problem = ""
        if member.kind == "link":
            problem = f"a link to {_printable(member.target)[:200]!r}"
        elif member.kind != "file":
            problem = f"a {member.kind}, no plain file"

        def read(size: int = member.size) -> bytes:
            limit = budget.limits.document_bytes
            if size > limit:
                raise RecordError(
                    "too_large", f"{size} bytes, over the limit of {limit} (max_document_bytes)"
                )
            return stream.read(size)

        yield member.name, read, problem


def _counted(blocks: Iterable[bytes], budget: Budget) -> Iterator[bytes]:
    for block in blocks:
        budget.spend(len(block))
        yield block


def _leaves(path: str) -> bool:
    """Whether a member's path is absolute, climbs up, or means something else to some system."""
    parts = re.split(r"[/\\]", path)
    return (
        path.startswith(("/", "\\"))
        or ".." in parts
        or "\0" in path
        or bool(re.match(r"[A-Za-z]:", path))
        or not path.strip("./")
    )


def _printable(path: str) -> str:
    """A path as valid Unicode without control characters; other bytes percent-encoded."""
    name = path.removeprefix("./")
    if name.isprintable() and not any(0xD800 <= ord(c) <= 0xDFFF for c in name):
        return name
    raw = (
        os.fsencode(name.replace("%", "%25"))
        if _encodable(name)
        else name.encode("utf-8", "surrogatepass")
    )
    text = raw.decode("utf-8", "surrogateescape")
    return "".join(
        c if c.isprintable() else "".join(f"%{b:02X}" for b in c.encode("utf-8", "surrogateescape"))
        for c in text
    )


def _encodable(name: str) -> bool:
    try:
        name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _kind(path: str) -> str:
    """The ending of a name for a count; few kinds, whatever the names are."""
    suffix = path.rpartition("/")[2].rpartition(".")[2].lower()
    return suffix if suffix in _KNOWN else "other"


_KNOWN = frozenset(
    [
        "aux",
        "bbl",
        "bib",
        "bst",
        "c",
        "cls",
        "css",
        "csv",
        "dat",
        "doc",
        "eps",
        "gif",
        "gz",
        "h",
        "jpeg",
        "jpg",
        "js",
        "json",
        "log",
        "mp3",
        "mp4",
        "png",
        "ppt",
        "pptx",
        "ps",
        "py",
        "rtf",
        "sty",
        "svg",
        "tex",
        "tif",
        "tiff",
        "toc",
        "ttf",
        "txt",
        "webp",
        "xls",
        "xlsx",
        "xml",
        "yaml",
        "yml",
    ]
)
