"""Tokenizers, token shards, mixing and packing. `Tokenizer` is loaded when asked for."""

from __future__ import annotations

from typing import Any

__all__ = ["Tokenizer"]


def __getattr__(name: str) -> Any:
    if name == "Tokenizer":
        from corpusmith.tokenize.tokenizer import Tokenizer

        return Tokenizer
    raise AttributeError(f"module 'corpusmith.tokenize' has no attribute {name!r}")
