"""Where a reader puts what it reads: documents and quarantine rows, counted and checksummed.

For each record that it meets a reader first calls `record(uri)`, which logs the document's id, and
then exactly one of `document` and `quarantine`; further documents made of the same record are
announced by `created(uri)`. So a part's info says what was read before anything was decided, and
`read + created = documents + quarantined` can be checked against the Parquet files.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from corpusmith import schema
from corpusmith.collect.errors import EXPECTED_ERRORS, RecordError
from corpusmith.op import TaskContext
from corpusmith.store.fingerprint import document_id
from corpusmith.store.parts import PartWriter

Buffer = bytes | memoryview
MAX_BATCH_ROWS = 4096
COUNTED = (
    *("read", "created", "documents", "quarantined", "expected_quarantine", "repaired_encoding"),
    "text_bytes",
)
"""The numbers in a part's info."""

_MASK = (1 << 128) - 1


class IdSum:
    """A checksum of a multiset of ids that doesn't depend on their order: sum and xor."""

    def __init__(self, text: str = "") -> None:
        self.total = int(text[:32], 16) if text else 0
        self.xor = int(text[32:], 16) if text else 0

    def add(self, document: str) -> None:
        number = int(document, 16)
        self.total = (self.total + number) & _MASK
        self.xor ^= number

    def remove(self, document: str) -> None:
        number = int(document, 16)
        self.total = (self.total - number) & _MASK
        self.xor ^= number

    def merge(self, text: str) -> None:
        other = IdSum(text)
        self.total = (self.total + other.total) & _MASK
        self.xor ^= other.xor

    def __str__(self) -> str:
        return f"{self.total:032x}{self.xor:032x}"


def ids_checksum(ids: Iterable[str]) -> str:
    """64 hex digits for ids of 32 hex digits: their sum modulo 2^128, then their xor."""
    total = IdSum()
    for document in ids:
        total.add(document)
    return str(total)


class Sink:
    """Collects the rows of one part and writes them in batches."""

    def __init__(self, ctx: TaskContext, out: PartWriter, source: str, params: Any) -> None:
        self.ctx = ctx
        self.source = source
        self.params = params
        self._out = out
        self._step = f"collect.{source}"
        self._batch_bytes = min(ctx.batch_bytes, 16 << 20) if ctx.batch_bytes > 0 else 16 << 20
        self._rows: dict[str, list[Any]] = {name: [] for name in schema.DOCUMENT.names}
        self._bytes = 0
        self._errors: list[dict[str, Any]] = []
        self._open: str | None = None
        self._id = ""  # of what is open
        self._ids = IdSum()
        self._counts: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.layouts: Counter[str] = Counter()  # how the records of a task are laid out

    # --- one record ----------------------------------------------------------------------

    def record(self, uri: str, *, native: bool = False) -> bool:
        """Log a record; False where it must not be worked on, since it hung or killed a worker.

        `native`: code that can't be interrupted comes next, so the watchdog is told.
        """
        assert self._open is None, f"{self._open} has neither a document nor a quarantine row"
        self._counts["read"] += 1
        self._announce(uri)
        if uri in self.ctx.skip:
            self.quarantine(*self.ctx.skip[uri])
            return False
        if native or self.ctx.careful:
            self.ctx.publish(uri)
        return True

    def created(self, uri: str) -> None:
        """Log one more document that is made of the record just read."""
        assert self._open is None
        self._counts["created"] += 1
        self._announce(uri)

    def rename(self, uri: str) -> None:
        """The record just announced is one of several documents made of it, under `uri`."""
        assert self._open is not None
        self._ids.remove(self._id)
        self._announce(uri)

    def withdraw(self) -> None:
        """What was announced turns out to be no record: nothing was read."""
        self._close()
        self._ids.remove(self._id)
        self._counts["read"] -= 1
        self.ctx.publish("")

    def quarantine(self, error: str, message: str) -> None:
        """End the record as unreadable."""
        uri = self._close()
        self._counts["quarantined"] += 1
        self._counts["expected_quarantine"] += error in EXPECTED_ERRORS
        row = {"uri": uri, "step": self._step, "error": error, "message": message, "id": None}
        self._errors.append(row)
        if len(self._errors) >= MAX_BATCH_ROWS:
            self._flush_errors()

    def document(
        self,
        text: str | memoryview,
        *,
        messages: list[dict[str, str]] | None = None,
        lang: str | None = None,
        license: str | None = None,
        created: datetime | None = None,
        meta: dict[str, Any] | None = None,
        repaired: bool = False,
    ) -> None:
        """End the record as a document; one whose text is not valid Unicode is quarantined.

        `text`: characters, or bytes that are known to be valid UTF-8."""
        try:
            encoded = text.encode() if isinstance(text, str) else text
            for message in messages or ():
                message["content"].encode()
                message["role"].encode()
        except UnicodeEncodeError as error:
            self.quarantine(*lone_surrogate(error))
            return
        described = json_object(meta or {})
        uri, id = self._close(), self._id
        rows = self._rows
        rows["id"].append(id)
        rows["source"].append(self.source)
        rows["uri"].append(uri)
        rows["modality"].append(self.params.modality)
        rows["text"].append(encoded)
        rows["messages"].append(messages)
        rows["lang"].append(lang or self.params.lang)
        rows["lang_score"].append(None)
        rows["license"].append(license or self.params.license)
        rows["created"].append(created)
        rows["meta"].append(described)
        rows["media"].append(None)
        self._counts["documents"] += 1
        self._counts["text_bytes"] += len(encoded)
        self._counts["repaired_encoding"] += repaired
        self._bytes += len(encoded) + len(described)
        if messages:
            self._bytes += sum(len(m["content"]) for m in messages)
        if self._bytes >= self._batch_bytes or len(rows["id"]) >= MAX_BATCH_ROWS:
            self._flush()

    def fail(self, uri: str, error: str, message: str) -> None:
        """A record that is known to be unreadable, or the unreadable rest of a file."""
        if self.record(uri):
            self.quarantine(error, message)

    def skip(self, kind: str) -> None:
        """Count something that is no document by definition (a request, a redirect, ...)."""
        self.skipped[kind] += 1

    # --- the part ------------------------------------------------------------------------

    def finish(self) -> dict[str, Any]:
        """Write what is left; the part's info."""
        assert self._open is None, f"{self._open} has neither a document nor a quarantine row"
        self._flush()
        self._flush_errors()
        self.ctx.publish("")
        counts = self._counts
        return {
            **{name: counts[name] for name in COUNTED},
            "ids": str(self._ids),
            "skipped": dict(sorted(self.skipped.items())),
            **({"layouts": dict(sorted(self.layouts.items()))} if self.layouts else {}),
        }

    def _announce(self, uri: str) -> None:
        self._open = uri
        self._id = document_id(self.source, uri)
        self._ids.add(self._id)

    def _close(self) -> str:
        assert self._open is not None, "no record was announced"
        uri, self._open = self._open, None
        return uri

    def _flush(self) -> None:
        rows = self._rows
        if rows["id"]:
            texts = rows.pop("text")
            arrays = [
                pa.array(rows[f.name], f.type) if f.name != "text" else _text_column(texts)
                for f in schema.DOCUMENT
            ]
            rows["text"] = []
            table = pa.Table.from_arrays(arrays, schema=schema.DOCUMENT)
            for column in rows.values():
                column.clear()
            self._bytes = 0
            self._out.write("documents", table)

    def _flush_errors(self) -> None:
        if self._errors:
            self._out.write("quarantine", schema.table(schema.QUARANTINE, self._errors))
            self._errors = []


def _text_column(texts: list[Buffer]) -> pa.Array:
    """Valid UTF-8 as a large_string: copied once, and not looked at again."""
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    data = pa.py_buffer(b"".join(texts))
    return pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(ends), data)


def lone_surrogate(error: UnicodeEncodeError) -> tuple[str, str]:
    code = ord(error.object[error.start])
    return (
        "lone_surrogate",
        f"half of a surrogate pair, U+{code:04X}, at character {error.start} of "
        f"{len(error.object)}: such text has no UTF-8 form",
    )


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False)


def json_object(value: dict[str, Any]) -> str:
    """Canonical JSON of a `meta` column: sorted keys, readable, always valid JSON and UTF-8."""
    try:
        text = _ENCODER.encode(value)
        text.encode()
        return text
    except ValueError:  # NaN, infinity, or a lone surrogate (UnicodeEncodeError is one)
        return json.dumps(_finite(value), sort_keys=True, ensure_ascii=True)
    except RecursionError:
        raise RecordError("too_deep", "its fields are nested too deep to be written") from None


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return value
