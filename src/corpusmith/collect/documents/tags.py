"""Attributes of HTML's tags."""

from __future__ import annotations

import html as entities
import re

MAX_TAG = 1 << 14  # characters of one tag with quotes
_ATTRIBUTE = re.compile(
    r"(?<![\w:.-])([a-zA-Z_:][\w:.-]*+)\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))"
)
_LANGUAGE = re.compile(r"\b(?:lang|language|highlight-source)-([\w+#.-]{1,30})")


def attributes(rest: str) -> list[tuple[str, str]]:
    if len(rest) > MAX_TAG:
        return []
    found = []
    for match in _ATTRIBUTE.finditer(rest):
        value = next((g for g in match.groups()[1:] if g is not None), "")
        found.append((match[1].lower(), entities.unescape(value)))
    return found


def code_language(rest: str) -> str:
    match = _LANGUAGE.search(rest[:1000])
    return match[1] if match else ""
