"""Writing files so that each either exists whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xxhash

from corpusmith.errors import DiskError

TEMPORARY = ".tmp"


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a read-only folder into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskError(
                f"no space left while writing {path.name}",
                where=str(path.parent),
                hint="free some space and run the same command again: finished parts are kept",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DiskError(
                f"can't write {path.name}: {error.strerror}",
                where=str(path.parent),
                hint="choose a folder that you may write to with --workdir",
            ) from error
        raise


def temporary_name(path: Path) -> Path:
    """Beside `path`. The process id keeps a dying predecessor and its successor out of each
    other's way."""
    return path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")


class HashedFile:
    """A new binary file under a temporary name; `commit()` gives it its own and its checksum.

    Looks like a writable file to pyarrow. Bytes are hashed as they are written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = temporary_name(path)
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.temporary, "wb", buffering=1 << 20)  # noqa: SIM115
        self._digest = xxhash.xxh3_128()
        self.bytes = 0

    def write(self, data: Any) -> int:
        with disk_errors(self.path):
            written = self._file.write(data)
        self._digest.update(data)
        self.bytes += written
        return written

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        with disk_errors(self.path):
            self._file.flush()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def close(self) -> None:
        """pyarrow closes its sink; the file itself is closed by `commit` or `discard`."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def commit(self, *, sync: bool = True) -> dict[str, Any]:
        """Flush to the disk and rename; returns {"path", "bytes", "xxh3_128"}.

        Without `sync` it outlives the process, and may not outlive the power.
        """
        with disk_errors(self.path):
            self._file.flush()
            if sync:
                os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self.temporary, self.path)
        return {
            "path": self.path.name,
            "bytes": self.bytes,
            "xxh3_128": self._digest.hexdigest(),
        }

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self.temporary.unlink()


def remove_temporaries(folder: Path, process: int | None = None) -> None:
    """Remove what killed writers left half written below `folder`, or what one process left."""
    for path in folder.rglob(f".*{'' if process is None else f'.{process}'}{TEMPORARY}"):
        with contextlib.suppress(OSError):
            path.unlink()


def write_bytes(path: Path, data: bytes, *, sync: bool = True) -> None:
    file = HashedFile(path)
    try:
        file.write(data)
        file.commit(sync=sync)
    except BaseException:
        file.discard()
        raise


def write_json(path: Path, value: Any, *, sync: bool = True) -> None:
    """A readable JSON file, keys in the order given, whole or not at all."""
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode(), sync=sync)


def read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())
