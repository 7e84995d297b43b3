"""JSON Lines: one object a line. What is no object, or no JSON, is quarantined line by line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from corpusmith.collect.encoding import UndecodableError, decode, mark_of
from corpusmith.collect.errors import RecordError
from corpusmith.collect.pieces import line_encoding, piece_lines, too_large
from corpusmith.collect.records import Emit
from corpusmith.collect.sink import Sink
from corpusmith.collect.source_params import SourceParams

Whole = Callable[[str, bytes], bool]
"""`whole(uri, line)` ends the record by a shorter way; False, and nothing done, where it can't."""


def read_records(
    piece: dict[str, Any],
    params: SourceParams,
    sink: Sink,
    emit: Emit,
    whole: Whole | None = None,
) -> None:
    """Announce each record of a piece to `sink`; `emit` ends it, or raises RecordError."""
    encoding = line_encoding(params)
    for line in piece_lines(piece, params):
        data = line.data
        if data is not None and not data.strip():
            continue  # an empty line is no record
        if data is not None and line.offset == 0 and mark_of(data)[0] == "utf-8":
            data = data[3:]
        uri = f"{piece['uri']}#{line.offset}"
        if not sink.record(uri):
            continue
        if data is None:
            sink.quarantine(*too_large(line.size, params.max_document_bytes))
            continue
        if whole is not None and whole(uri, data):
            continue
        try:
            text, repaired = _text(data, encoding)
            emit(uri, parse_object(text), repaired)
        except RecordError as error:
            sink.quarantine(error.error, error.message)


def _text(data: bytes, encoding: str | None) -> tuple[str, bool]:
    try:
        decoded = decode(data, encoding)
    except UndecodableError as error:
        raise RecordError("bad_encoding", str(error)) from None
    return decoded.text, decoded.repaired


class _RepeatedKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RepeatedKeyError(key)
            seen.add(key)
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=str, strict=False)
"""NaN and Infinity, which many writers emit and JSON lacks, become strings; raw tabs pass."""


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object `text`; RecordError with where and why it is none."""
    if "\0" in text:  # as an escape it is a character like others, as a byte it is damage
        raise RecordError(
            "nul_bytes",
            f"{text.count(chr(0))} NUL bytes, the first at character {text.index(chr(0))}: no JSON",
        )
    try:
        value = _DECODER.decode(text)
    except _RepeatedKeyError as error:
        raise RecordError("duplicate_key", f"the key {str(error)[:80]!r} occurs twice") from None
    except json.JSONDecodeError as error:
        message = f"no JSON: {error.msg} at character {error.pos} of {len(text)}"
        raise RecordError("bad_json", message) from None
    except RecursionError:
        depth = max(text.count("["), text.count("{"))
        raise RecordError(
            "too_deep", f"JSON nested deeper than can be read ({depth} brackets are opened)"
        ) from None
    except ValueError:  # Python's limit on the digits of an integer, against quadratic time
        raise RecordError("huge_number", "an integer of more than 4300 digits") from None
    if not isinstance(value, dict):
        raise RecordError("not_an_object", f"the line holds a {type(value).__name__}, no object")
    return value
