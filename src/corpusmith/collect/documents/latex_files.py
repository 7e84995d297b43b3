"""What a LaTeX file may read in: files of its own source, or members of its own archive.

Nothing else: so a document is a function of the files in its source's fingerprint, and a hostile
one reads no file of the machine.
"""

from __future__ import annotations

import functools
import os
import posixpath

from corpusmith.collect.documents.archive import Member
from corpusmith.collect.documents.content import Include
from corpusmith.collect.files import list_files
from corpusmith.collect.readers import READERS
from corpusmith.collect.streams import DamagedError, plain_whole
from corpusmith.errors import CorpusmithError

ENDINGS = ("", ".tex", ".ltx")
MAX_BYTES = 16 << 20  # of one file that is read in


@functools.lru_cache(maxsize=4)
def listed(paths: tuple[str, ...], word: str) -> frozenset[str]:
    """The real paths of the files that a source consists of."""
    try:
        files = list_files(list(paths), READERS[word].extensions).files
    except CorpusmithError:
        return frozenset()
    return frozenset(os.path.realpath(file.path) for file in files if not file.error)


def beside(path: str, allowed: frozenset[str]) -> Include:
    """What `\\input` finds from the folder of the file at `path`, among `allowed`."""
    folder = os.path.dirname(os.path.realpath(path))

    def include(name: str) -> bytes | None:
        for ending in ENDINGS:
            found = os.path.realpath(os.path.join(folder, name + ending))
            if found in allowed:
                try:
                    return plain_whole(found, MAX_BYTES)
                except DamagedError:
                    return None
        return None

    return include


class MemberFiles:
    """LaTeX members of an archive, held until all of them are known, up to `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.held: list[Member] = []
        self._left = limit
        self._files: dict[str, bytes] = {}

    def hold(self, member: Member) -> bool:
        self._left -= len(member.data)
        if self._left < 0:
            return False
        self.held.append(member)
        self._files[self._place(member, member.path)] = member.data
        return True

    @staticmethod
    def _place(member: Member, path: str) -> str:
        """Under the archive that it is in, so that archives within others are kept apart."""
        return f"{member.uri.rpartition('!/')[0]}!/{posixpath.normpath(path)}"

    def include(self, member: Member) -> Include:
        folder = posixpath.dirname(member.path)

        def include(name: str) -> bytes | None:
            path = posixpath.normpath(posixpath.join(folder, name))
            if path.startswith(("../", "/")):
                return None
            for ending in ENDINGS:
                found = self._files.get(self._place(member, path + ending))
                if found is not None:
                    return found
            return None

        return include
