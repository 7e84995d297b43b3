"""Archives of source code: tar (plain, gzip, bzip2, xz) and zip, read without unpacking."""

from __future__ import annotations

import datetime
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from corpusmith.collect.git.tables import File
from corpusmith.errors import InputError

MAX_MEMBERS = 2_000_000
MAX_EXPANSION = 1000  # times the size of the archive,
FLOOR_BYTES = 4 << 30  # or this much, whichever is more
_ENDINGS = re.compile(r"\.(?:zip|whl|jar|tar|tgz|tbz2?|txz|tar\.(?:gz|bz2|xz))\Z", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


class Archive(Protocol):
    commit: str | None  # GitHub's and git's own archives say which commit they hold

    def files(self, wanted: Callable[[str], bool], left_out: Counter[str]) -> Iterator[File]: ...


def stem(name: str) -> str:
    """The name of an archive without its ending."""
    return _ENDINGS.sub("", name)


@contextmanager
def opened(path: Path, limit: int) -> Iterator[Archive]:
    """The archive at `path`; InputError where it is none. `limit`: bytes kept of one file."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                yield _Zip(path, file, limit)
            return
        if not tarfile.is_tarfile(path):
            raise InputError(
                f"{path} is no archive", expected="tar (plain, .gz, .bz2, .xz) or zip, or a folder"
            )
        yield _Tar(path, limit)
    except _DAMAGE as error:
        raise InputError(f"{path} can't be read: {error or type(error).__name__}") from error


class _Tar:
    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        names = []
        self.commit = None
        size = 0
        try:
            with tarfile.open(path, "r|*") as file:
                for member in file:
                    size += member.size
                    names.append(member.name)
                    _within(path, size, len(names))
                    found = file.pax_headers.get("comment", "")
                    if _COMMIT.fullmatch(found):
                        self.commit = found
        except _DAMAGE:
            if not names:
                raise
            # What stands before the damage is read; `files` ends with a word on the rest.
        self._top = _top(names)
        self._names = names

    def files(self, wanted: Callable[[str], bool], left_out: Counter[str]) -> Iterator[File]:
        given = 0
        try:
            for found in self._members(wanted, left_out):
                given += 1
                yield found
        except _DAMAGE as error:
            said = f"the archive can't be read behind its first {given:,} files: {error}"
            yield File("#rest", None, 0, error=f"truncated_tar: {said}")

    def _members(self, wanted: Callable[[str], bool], left_out: Counter[str]) -> Iterator[File]:
        later = _Repeated(self._names, self._top)
        with tarfile.open(self._path, "r|*") as file:
            for member in file:
                path, error = _path_in(member.name, self._top)
                path, error = later(path, error)
                if member.isdir():
                    continue
                if not member.isreg():
                    left_out["link" if member.issym() or member.islnk() else "special"] += 1
                elif error is None and not wanted(path):
                    left_out["not_included"] += 1
                else:
                    content = None
                    if error is None:
                        error = _too_large(member.size, self._limit)
                    if error is None:
                        stream = file.extractfile(member)
                        content = stream.read() if stream else None
                    created = _date(member.mtime)
                    yield File(path, content, member.size, created=created, error=error)


class _Zip:
    def __init__(self, path: Path, file: zipfile.ZipFile, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._members = file.infolist()
        found = file.comment.decode("ascii", "replace")
        self.commit = found if _COMMIT.fullmatch(found) else None
        self._top = _top([member.filename for member in self._members])
        _within(path, sum(member.file_size for member in self._members), len(self._members))

    def files(self, wanted: Callable[[str], bool], left_out: Counter[str]) -> Iterator[File]:
        later = _Repeated([member.filename for member in self._members], self._top)
        for member in self._members:
            path, error = _path_in(member.filename, self._top)
            path, error = later(path, error)
            if member.is_dir():
                continue
            if (member.external_attr >> 16) & 0o170000 == 0o120000:
                left_out["link"] += 1
                continue
            if error is None and not wanted(path):
                left_out["not_included"] += 1
                continue
            content, error = (None, error) if error else self._content(member)
            try:
                date = datetime.datetime(*member.date_time, tzinfo=datetime.UTC).isoformat()
            except ValueError:
                date = None
            yield File(path, content, member.file_size, created=date, error=error)

    def _content(self, member: zipfile.ZipInfo) -> tuple[bytes | None, str | None]:
        error = _too_large(member.file_size, self._limit)
        if error:
            return None, error
        try:
            with self._file.open(member) as stream:
                content = stream.read(self._limit + 1)
        except (*_DAMAGE, NotImplementedError) as damage:
            return None, f"unreadable: {damage or type(damage).__name__}"
        if len(content) > self._limit:  # its header said less
            return None, _too_large(len(content), self._limit)
        return content, None


class _Repeated:
    """Members of one path: the last is the file, as where an archive is unpacked. Those before it
    get a number, since no two files have one URI, and say why they are not there."""

    def __init__(self, names: list[str], top: str) -> None:
        self._left = Counter(_path_in(name, top)[0] for name in names)
        self._given: Counter[str] = Counter()

    def __call__(self, path: str, error: str | None) -> tuple[str, str | None]:
        self._left[path] -= 1
        if self._left[path] <= 0:
            return path, error
        self._given[path] += 1
        said = "duplicate_uri: the archive holds this path more than once; the last one is read"
        return f"{path}#{self._given[path]}", error or said


def _date(seconds: float) -> str | None:
    try:
        date = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (ValueError, OverflowError, OSError):  # a year that no calendar has
        return None
    return date.isoformat() if seconds > 0 else None


def _top(names: list[str]) -> str:
    """The folder that everything is in, as in archives of releases; "" where there is none."""
    tops = {name.removeprefix("./").partition("/")[0] for name in names if name.strip("./")}
    inside = any("/" in name.removeprefix("./").rstrip("/") for name in names)
    return tops.pop() if len(tops) == 1 and inside else ""


def _path_in(name: str, top: str) -> tuple[str, str | None]:
    """(path from the archive's root, error)."""
    path = name.replace("\\", "/").removeprefix("./")
    if top and path.startswith(f"{top}/"):
        path = path[len(top) + 1 :]
    path = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        return path, "bad_path: a path that leads out of the archive"
    return path, None


def _too_large(size: int, limit: int) -> str | None:
    if size <= limit:
        return None
    return f"too_large: {size} bytes, over the limit of {limit} (max_file_bytes)"


def _within(path: Path, size: int, members: int) -> None:
    if members > MAX_MEMBERS or size > max(FLOOR_BYTES, MAX_EXPANSION * path.stat().st_size):
        raise InputError(
            f"{path} expands beyond all measure: {members:,} files, {size:,} bytes from "
            f"{path.stat().st_size:,}"
        )
