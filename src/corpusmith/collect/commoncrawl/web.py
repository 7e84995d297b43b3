"""Range requests that are tried again, and downloads that go on where they were cut off.

What a server answers is believed only as far as it says which bytes it sends (RFC 9110, 14): a
partial answer with another range than asked for, a shorter body, or another ETag than before is not
appended.
"""

from __future__ import annotations

import dataclasses
import email.utils
import functools
import http.client
import importlib.metadata
import io
import json
import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpusmith.errors import InputError
from corpusmith.store.atomic import write_json

BLOCK_BYTES = 1 << 16
TIMEOUT_SECONDS = 60
FIRST_PAUSE_SECONDS = 1.0  # doubled with each try
LONGEST_PAUSE_SECONDS = 120.0
TAIL_BYTES = 1 << 16  # of a Parquet file: what Arrow reads first
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_BROKEN = (OSError, http.client.HTTPException)
_NOT_THERE = (socket.gaierror, ConnectionRefusedError)


class _TryAgainError(Exception):
    """Something that may go better the next time; `pause` seconds as the server asks."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


@dataclasses.dataclass
class Traffic:
    """What was asked for and got."""

    requests: int = 0
    bytes: int = 0
    again: int = 0  # requests that were repeated


class Client:
    """Paths are relative to `server`, whatever they look like: they come from the server's own
    lists, which must not lead anywhere else. `tell` hears of each pause."""

    def __init__(
        self, server: str, retries: int, tell: Callable[[str], None] = lambda note: None
    ) -> None:
        self._server = server.rstrip("/")
        self._retries = retries
        self._tell = tell
        self.traffic = Traffic()

    def url(self, path: str) -> str:
        return f"{self._server}/{path.lstrip('/')}"

    def bytes_of(self, path: str, limit: int) -> bytes:
        """A whole small file; InputError beyond `limit` bytes."""

        def once() -> bytes:
            with self._open(path, {}) as answer:
                data = self._read(answer, limit + 1)
                self._whole(answer, len(data))
            if len(data) > limit:
                raise InputError(f"{self.url(path)} is larger than {limit} bytes")
            self.traffic.bytes += len(data)
            return data

        return self._repeated(path, once)

    def range_of(self, path: str, start: int, end: int) -> bytes:
        """The bytes [start, end) of a file."""
        return self._repeated(path, lambda: self._range(path, start, end)[0])

    def tail_of(self, path: str, size: int) -> tuple[bytes, int]:
        """The last `size` bytes of a file at most, and how many it has."""
        return self._repeated(path, lambda: self._range(path, -size, None))

    def _range(self, path: str, start: int, end: int | None) -> tuple[bytes, int]:
        """The bytes [start, end), or the last -start ones, and how many the file has."""
        asked = f"bytes={start}" if end is None else f"bytes={start}-{end - 1}"
        with self._open(path, {"Range": asked}) as answer:
            if answer.status != 206:
                raise InputError(
                    f"{self.url(path)}: the server does not answer range requests "
                    f"(status {answer.status})"
                )
            first, last, total = self._sent(answer)
            if end is None:
                wanted = (max(0, (total or 0) + start), (total or 0) - 1)
            else:
                wanted = (start, end - 1 if total is None else min(end, total) - 1)
            if (first, last) != wanted:
                said = answer.headers.get("Content-Range")
                raise _TryAgainError(f"{asked} was asked for, the answer has {said!r}")
            data = self._read(answer, last - first + 2)
        if len(data) != last - first + 1:
            raise _TryAgainError(f"{len(data)} bytes came of {last - first + 1}")
        self.traffic.bytes += len(data)
        return data, total or last + 1

    # --- downloads ---------------------------------------------------------------------------

    def download(
        self, path: str, part: Path, told: Callable[[int, int | None], None]
    ) -> dict[str, Any]:
        """Fetch a file into `part`, going on where it ends; {"bytes", "etag"}.

        Beside it `part`.json keeps the ETag and size of the first answer. `told(bytes, size)` after
        each block.
        """
        part.parent.mkdir(parents=True, exist_ok=True)
        tries = 0
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                return self._go_on(path, part, told)
            except _TryAgainError as error:
                grown = (part.stat().st_size if part.exists() else 0) > before
                tries = 1 if grown else tries + 1  # a server that gives a little is not dead
                self._pause(path, error, tries)

    def _go_on(
        self, path: str, part: Path, told: Callable[[int, int | None], None]
    ) -> dict[str, Any]:
        note = part.with_name(part.name + ".json")
        known: dict[str, Any] = json.loads(note.read_bytes()) if note.exists() else {}
        have = part.stat().st_size if part.exists() else 0
        if known and have == known["bytes"]:
            return known
        headers = {"Range": f"bytes={have}-"} if have and known else {}
        etag = known.get("etag") or ""
        if headers and etag and not etag.startswith("W/"):
            headers["If-Range"] = etag
        with self._open(path, headers, allowed=(416,)) as answer:
            found = {"etag": answer.headers.get("ETag"), "bytes": None}
            if answer.status == 206 and headers:
                first, last, total = self._sent(answer)
                if first != have or (total is not None and last + 1 != total):
                    said = answer.headers.get("Content-Range")
                    raise _TryAgainError(
                        f"bytes from {have} were asked for, the answer has {said!r}"
                    )
                found["bytes"] = total
            elif answer.status == 200:
                have = 0  # another file than before, or a server that knows no ranges
                length = answer.headers.get("Content-Length")
                found["bytes"] = int(length) if length and length.isdigit() else None
            else:
                self._begin_anew(part, note)
                raise _TryAgainError(f"status {answer.status} for bytes from {have}")
            if headers and have and (found["etag"] != known["etag"]):
                self._begin_anew(part, note)
                raise _TryAgainError("the file has changed since its first bytes came")
            if have == 0:
                write_json(note, found)
            # Unbuffered: what a kill leaves behind is all that came.
            with open(part, "r+b" if have else "wb", buffering=0) as file:
                file.seek(have)
                while block := self._read(answer, BLOCK_BYTES):
                    file.write(block)
                    have += len(block)
                    self.traffic.bytes += len(block)
                    told(have, found["bytes"])
                os.fsync(file.fileno())
        if found["bytes"] is not None and have != found["bytes"]:
            raise _TryAgainError(f"{have} bytes came of {found['bytes']}")
        write_json(note, {**found, "bytes": have})
        return {**found, "bytes": have}

    def _begin_anew(self, part: Path, note: Path) -> None:
        part.unlink(missing_ok=True)
        note.unlink(missing_ok=True)

    # --- one request -------------------------------------------------------------------------

    def _open(self, path: str, headers: dict[str, str], allowed: tuple[int, ...] = ()) -> Any:
        told = {"User-Agent": f"corpusmith/{_version()}", "Accept-Encoding": "identity"}
        request = urllib.request.Request(self.url(path), headers={**told, **headers})
        self.traffic.requests += 1
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            if error.code in allowed:
                return error
            error.close()
            if error.code in _AGAIN:
                message = f"status {error.code} {error.reason}"
                raise _TryAgainError(message, _asked(error.headers.get("Retry-After"))) from None
            hint = "check the crawl's name and `server:`" if error.code in (403, 404) else ""
            raise InputError(
                f"{self.url(path)}: status {error.code} {error.reason}", hint=hint
            ) from None
        except _BROKEN as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, _NOT_THERE) and not self.traffic.bytes:
                # Where nothing ever answered, waiting for minutes is no help.
                raise InputError(
                    f"{self.url(path)}: the server can't be reached: {reason}",
                    hint="check `server:` and the network (HTTPS_PROXY)",
                ) from None
            raise _TryAgainError(f"{type(error).__name__}: {error}") from None

    def _read(self, answer: Any, size: int) -> bytes:
        """Bytes of an answer; only the network's errors are worth another try, not the disk's."""
        try:
            return answer.read(size)
        except _BROKEN as error:
            raise _TryAgainError(f"the answer broke off: {type(error).__name__}: {error}") from None

    def _sent(self, answer: Any) -> tuple[int, int, int | None]:
        match = _RANGE.fullmatch((answer.headers.get("Content-Range") or "").strip())
        if match is None:
            raise _TryAgainError("a partial answer that does not say which part it is")
        total = None if match[3] == "*" else int(match[3])
        return int(match[1]), int(match[2]), total

    def _whole(self, answer: Any, got: int) -> None:
        length = answer.headers.get("Content-Length")
        if length and length.isdigit() and got < int(length):
            raise _TryAgainError(f"{got} bytes came of {length}")

    def _repeated(self, path: str, once: Callable[[], Any]) -> Any:
        tries = 0
        while True:
            try:
                return once()
            except _TryAgainError as error:
                tries += 1
                self._pause(path, error, tries)

    def _pause(self, path: str, error: _TryAgainError, tries: int) -> None:
        if tries > self._retries:
            raise InputError(
                f"{self.url(path)}: {error}, {tries} times in a row",
                hint="run the same command again later: it goes on from what it has",
            )
        self.traffic.again += 1
        pause = FIRST_PAUSE_SECONDS * 2 ** (tries - 1) if error.pause is None else error.pause
        pause = min(pause, LONGEST_PAUSE_SECONDS)
        self._tell(f"{path.rpartition('/')[2]}: {error}; again in {pause:.0f} s")
        time.sleep(pause)


@functools.cache
def _version() -> str:
    """Of the installed package: `corpusmith` itself stands above this module."""
    try:
        return importlib.metadata.version("corpusmith")
    except importlib.metadata.PackageNotFoundError:
        return "0"


def _asked(value: str | None) -> float | None:
    """Seconds of a Retry-After, which may be a date."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


class RangeFile(io.RawIOBase):
    """A file on the server, read by ranges: what Arrow needs to read a Parquet file."""

    def __init__(self, client: Client, path: str) -> None:
        self._client = client
        self._path = path
        self._tail, self._size = client.tail_of(path, TAIL_BYTES)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._at + size)
        if end <= self._at:
            return b""
        begins = self._size - len(self._tail)
        if self._at >= begins:
            data = self._tail[self._at - begins : end - begins]
        else:
            data = self._client.range_of(self._path, self._at, end)
        self._at += len(data)
        return data
