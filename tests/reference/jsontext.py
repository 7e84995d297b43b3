"""The text of a field of a JSON object, by Python's own parser."""

from __future__ import annotations

import json
from typing import Any


def parsed(line: bytes) -> list[tuple[str, Any]] | None:
    """The top-level members of an object in order; None where the line is none, or repeats a name
    anywhere. Raw control characters but NUL are let through in strings."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    if b"\0" in line:
        return None
    try:
        value = json.loads(line.decode("utf-8"), strict=False, object_pairs_hook=members)
    except (ValueError, RecursionError):
        return None
    return list(value.items()) if isinstance(value, dict) else None


def text_of(line: bytes, key: str) -> str | None:
    """The value of the field `key`, where it is a string with a UTF-8 form."""
    for name, value in parsed(line) or ():
        if name == key and isinstance(value, str):
            return value if not any("\ud800" <= c <= "\udfff" for c in value) else None
    return None
