"""Identities: of documents, of JSON values, of local files, of installed libraries."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import xxhash

from corpusmith.errors import InputError

BLOCK_BYTES = 1 << 20


def document_id(source: str, uri: str) -> str:
    """32 hex digits: 128-bit xxh3 of the source's name and the URI with its position.

    Stable over runs, engines, worker counts and moves of the recipe, since the URI is relative.
    """
    return xxhash.xxh3_128_hexdigest(f"{source}\0{uri}".encode("utf-8", "surrogatepass"))


def canonical_json(value: Any) -> str:
    """One text for one JSON value: sorted keys, no spaces, not escaped."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_json(value: Any) -> str:
    """32 hex digits of the canonical JSON text."""
    return xxhash.xxh3_128_hexdigest(canonical_json(value).encode("utf-8", "surrogatepass"))


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Installed versions of distributions; "absent" where one is not installed."""
    found = {}
    for name in sorted(set(names)):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def hash_file(path: str | os.PathLike) -> str:
    """32 hex digits of a file's content, read in blocks."""
    digest = xxhash.xxh3_128()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def relative_names(paths: Sequence[Path]) -> list[str]:
    """Each path from the folder that all have in common: the same wherever that folder stands.

    >>> relative_names([Path("/e/a/x.json"), Path("/e/b/x.json")])
    ['a/x.json', 'b/x.json']
    """
    if not paths:
        return []
    absolute = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in absolute])
    return [os.path.relpath(path, common).replace(os.sep, "/") for path in absolute]


class FileHashes:
    """Content hashes of local files, cached by path, size, mtime and inode.

    The cache is a convenience: where it can't be written, hashes are computed each time. It holds
    hashes of paths, since a path may come from `${env:NAME}`.
    """

    def __init__(self, cache: Path) -> None:
        self._database: sqlite3.Connection | None
        try:
            self._database = sqlite3.connect(cache, timeout=10)
            self._database.execute(
                "create table if not exists files"
                "(path text primary key, size integer, mtime_ns integer, inode integer, hash text)"
            )
        except sqlite3.Error:
            self._database = None

    def hash(self, path: Path) -> str:
        """The file's content hash; InputError where it can't be read."""
        try:
            stat = path.stat()
            name = xxhash.xxh3_128_hexdigest(os.fsencode(path))
            key = (name, stat.st_size, stat.st_mtime_ns, stat.st_ino)
            if self._database is not None:
                row = self._database.execute(
                    "select hash from files where path=? and size=? and mtime_ns=? and inode=?",
                    key,
                ).fetchone()
                if row:
                    return row[0]
            found = hash_file(path)
        except OSError as error:
            raise InputError(
                f"can't read {path}: {error.strerror}", hint="check the path and its permissions"
            ) from error
        if self._database is not None:
            self._database.execute("insert or replace into files values (?,?,?,?,?)", (*key, found))
        return found

    def close(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.commit()  # a read-only or full disk: the next run hashes again
            self._database.close()
            self._database = None

    def __enter__(self) -> FileHashes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
