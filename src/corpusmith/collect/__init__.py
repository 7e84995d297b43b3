"""Readers: from files to documents. `extract_text` is public; it is loaded when asked for."""

from __future__ import annotations

from typing import Any

__all__ = ["extract_text"]


def __getattr__(name: str) -> Any:
    if name == "extract_text":
        from corpusmith.collect.extract import extract_text

        return extract_text
    raise AttributeError(f"module 'corpusmith.collect' has no attribute {name!r}")
