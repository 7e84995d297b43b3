"""Which files a source consists of: a sorted listing of folders and globs.

The root of a pattern is its path up to the first wildcard (of a plain file: its folder); a
document's URI is the path relative to the root, so it survives a move of the whole tree. Several
patterns share the root that their roots have in common.

A real directory is walked once, under its own path where it has one inside the root, so loops of
symbolic links end. Names that begin with a dot are matched only by a pattern that writes the dot.
"""

from __future__ import annotations

import dataclasses
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from corpusmith.errors import InputError, nearest

_WILDCARD = re.compile(r"[*?\[]")


@dataclasses.dataclass(frozen=True)
class FoundFile:
    """A file to read, or (with `error`) one that can't be."""

    path: str  # absolute
    uri: str  # relative to the root, valid Unicode
    bytes: int
    error: str = ""  # "", unreadable, not_regular, duplicate_uri
    message: str = ""


@dataclasses.dataclass(frozen=True)
class Listing:
    root: str
    files: tuple[FoundFile, ...]  # sorted by URI
    skipped: dict[str, int]  # names left out, by reason


def list_files(paths: str | Sequence[str], extensions: Sequence[str] = ()) -> Listing:
    """All files of the folders, files and globs `paths`, sorted by URI.

    `extensions` (lower case, with the dot; () = all) choose among the files of a folder; a file or
    glob names its files itself. InputError where a path doesn't exist or nothing is found.
    """
    patterns = [paths] if isinstance(paths, str) else list(paths)
    if not patterns:
        raise InputError("a source without a path", expected="a file, a folder or a glob")
    for pattern in patterns:
        if "://" in pattern:
            raise InputError(
                f"only local files can be read, not {pattern!r}",
                hint="copy the files to a local folder first",
            )
    roots = [_root(pattern) for pattern in patterns]
    common = roots[0] if len(roots) == 1 else os.path.commonpath(roots)
    found: dict[str, FoundFile] = {}
    skipped: Counter[str] = Counter()
    for pattern, root in zip(patterns, roots, strict=True):
        for path in _matches(pattern, root, extensions, skipped):
            if path not in found:
                found[path] = _examine(path, common)
    if not found:
        raise InputError(
            f"no file matches {', '.join(patterns)}",
            expected=f"files named *{'|'.join(extensions)}" if extensions else "at least one file",
            hint="check the path, or write a glob such as 'folder/**/*.txt'",
        )
    files: list[FoundFile] = []
    seen: set[str] = set()
    for file in sorted(found.values(), key=lambda f: (f.uri, os.fsencode(f.path))):
        if file.uri in seen:
            message = f"another file of this source has the URI {file.uri!r} as well"
            file = dataclasses.replace(
                file,
                uri=f"{file.uri}#duplicate={len(seen)}",
                error="duplicate_uri",
                message=message,
            )
        seen.add(file.uri)
        files.append(file)
    return Listing(common, tuple(files), dict(sorted(skipped.items())))


def _root(pattern: str) -> str:
    pattern = os.path.abspath(pattern)
    if os.path.lexists(pattern):
        return pattern if os.path.isdir(pattern) else os.path.dirname(pattern)
    match = _WILDCARD.search(pattern)
    if match is None:
        parent = os.path.dirname(pattern)
        names = os.listdir(parent) if os.path.isdir(parent) else []
        raise InputError(
            f"{pattern} does not exist",
            expected="a file, a folder or a glob",
            hint=nearest(os.path.basename(pattern), names) if names else f"create {parent}",
        )
    return os.path.dirname(pattern[: match.start()] + "x")


def _matches(
    pattern: str, root: str, extensions: Sequence[str], skipped: Counter[str]
) -> Iterator[str]:
    pattern = os.path.abspath(pattern)
    if os.path.lexists(pattern):
        if not os.path.isdir(pattern):
            yield pattern
            return
        for relative in _walk(root, True, lambda _: False, skipped):
            name = relative.lower()
            if not extensions or name.endswith(tuple(extensions)):
                yield os.path.join(root, relative)
            else:
                skipped["other_extension"] += 1
        return
    if not os.path.isdir(root):
        raise InputError(
            f"the folder {root} does not exist",
            where=pattern,
            expected="a folder with the source's files",
            hint=f"ls {os.path.dirname(root)}",
        )
    glob = os.path.relpath(pattern, root) if root != "/" else pattern.lstrip("/")
    segments = glob.split(os.sep)
    expression = re.compile(_glob_expression(segments), re.DOTALL)
    wants_dot = any(s.startswith((".", "[.")) for s in segments)
    deep = len(segments) > 1
    for relative in _walk(root, deep, lambda _: wants_dot, skipped):
        if expression.fullmatch(relative):
            yield os.path.join(root, relative)


def _glob_expression(segments: Sequence[str]) -> str:
    """A regular expression for a relative path; `**` stands for any number of folders."""
    parts = []
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "**":
            parts.append(r"(?:(?!\.)[^/]+(?:/(?!\.)[^/]+)*)" if last else r"(?:(?!\.)[^/]+/)*")
            continue
        parts.append(_segment_expression(segment) + ("" if last else "/"))
    return "".join(parts)


def _segment_expression(segment: str) -> str:
    out = [] if segment.startswith((".", "[.")) else [r"(?!\.)"]
    i = 0
    while i < len(segment):
        char = segment[i]
        i += 1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[" and (end := segment.find("]", i + 1)) > 0:
            body = segment[i:end].replace("\\", r"\\").replace("[", r"\[")
            out.append("[" + ("^" + body[1:] if body[0] in "!^" else body) + "]")
            i = end + 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def _walk(root: str, deep: bool, dots: Any, skipped: Counter[str]) -> Iterator[str]:
    """Relative paths of all that is no directory. Linked directories come after real ones, so a
    directory inside the root is met under its own path first."""
    visited: set[tuple[int, int]] = set()
    pending = [""]
    linked: list[str] = []
    while pending or linked:
        if not pending:
            linked.sort()
            pending, linked = [linked[0]], linked[1:]
        relative = pending.pop()
        folder = os.path.join(root, relative) if relative else root
        try:
            status = os.stat(folder)
            key = (status.st_dev, status.st_ino)
            if key in visited:
                skipped["linked_again"] += 1
                continue
            visited.add(key)
            entries = sorted(os.scandir(folder), key=lambda e: os.fsencode(e.name))
        except OSError:
            yield relative or "."
            continue
        folders = []
        for entry in entries:
            name = os.path.join(relative, entry.name)
            if entry.name.startswith(".") and not dots(name):
                skipped["hidden"] += 1
            elif entry.is_dir(follow_symlinks=False):
                folders.append(name)
            elif entry.is_symlink() and _is_dir(entry):
                linked.append(name)
            else:
                yield name
        if deep:
            pending += reversed(folders)
        else:
            linked.clear()


def _is_dir(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points to itself
        return False


def _examine(path: str, root: str) -> FoundFile:
    uri = _uri(os.path.relpath(path, root))
    try:
        status = os.stat(path)
    except OSError as error:
        return FoundFile(path, uri, 0, "unreadable", f"can't read {uri}: {error.strerror}")
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder that can't be listed" if stat.S_ISDIR(status.st_mode) else "no plain file"
        return FoundFile(path, uri, 0, "not_regular", f"{uri} is {kind}")
    return FoundFile(path, uri, status.st_size)


def _uri(relative: str) -> str:
    """The relative path with `/`; bytes of a name that are no UTF-8 percent-encoded."""
    name = relative.replace(os.sep, "/")
    try:
        name.encode()
        return name
    except UnicodeEncodeError:
        escaped = os.fsencode(name.replace("%", "%25"))
        return "".join(
            f"%{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c
            for c in escaped.decode("utf-8", "surrogateescape")
        )
