"""Sentences of our own for pages of our own: a small grammar for each of seven languages.

`words/*.json` holds symbols and what each may become. A page has two voices: what is main text is
written with one half of every list of words and phrases, what surrounds it with the other half, so
that a teaser or a comment shares (almost) no run of four words with the main text and the gold says
for certain where a word belongs.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from random import Random
from typing import Any

LANGUAGES = ("en", "de", "fr", "es", "zh", "ja", "ar")
WIDE = ("zh", "ja")  # written without spaces
_WORDS = Path(__file__).with_name("words")
_SYMBOL = re.compile(r"\{(\w+)\}")
_FIRST_LETTER = re.compile(r"^(\W*)(\w)")
_SHARED = ("month", "weekday", "labels", "was", "ordinal", "spec", "legal", "cookie", "letter",
           "wall", "food", "cook")  # fmt: skip
LABELS = (
    *("home", "news", "sport", "culture", "business", "travel", "about", "contact", "privacy"),
    *("terms", "imprint", "login", "register", "search", "share", "mail", "print", "copy_link"),
    *("related", "most_read", "comments", "reply", "newsletter", "subscribe", "accept", "settings"),
    *("more", "next", "previous", "bio", "tags", "published", "by", "minutes", "rights"),
    *("ingredients", "method", "description", "details", "reviews", "cart", "stock", "on_page"),
    *("answers", "asked", "joined", "posts", "quote", "report", "edit", "history", "references"),
    *("see_also", "abstract", "keywords", "download", "examples", "parameters", "ad", "sale"),
    *("delivery", "page", "sitemap", "follow", "help", "members", "index", "note", "overview"),
    "installation",
)


@functools.cache
def grammar(language: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((_WORDS / f"{language}.json").read_text("utf-8"))
    labels = known["labels"].split("|")
    if len(labels) != len(LABELS):
        raise ValueError(f"{language}.json: {len(labels)} labels, not {len(LABELS)}")
    return known


class Voice:
    """One half of a language's words."""

    def __init__(self, language: str, rng: Random, lists: dict[str, list[str]]) -> None:
        self.language, self.rng, self.lists = language, rng, lists
        self.space = "" if language in WIDE else " "

    def one(self, symbol: str) -> str:
        """What a symbol becomes, numbers and dates included."""
        rng = self.rng
        if symbol == "number":
            return str(rng.randint(2, 97))
        if symbol == "year":
            return str(rng.randint(1880, 2024))
        if symbol == "day":
            return str(rng.randint(1, 28))
        if symbol == "monthno":
            return str(rng.randint(1, 12))
        if symbol == "hour":
            return str(rng.randint(5, 11))
        if symbol == "heat":
            return str(rng.randrange(150, 240, 10))
        return _SYMBOL.sub(lambda match: self.one(match[1]), rng.choice(self.lists[symbol]))

    def said(self, symbol: str) -> str:
        """The same with a capital first letter."""
        return _FIRST_LETTER.sub(lambda m: m[1] + m[2].upper(), self.one(symbol), count=1)

    def sentences(self, count: int, symbol: str = "S") -> str:
        return self.space.join(self.said(symbol) for _ in range(count))

    def paragraph(self, low: int = 2, high: int = 5) -> str:
        return self.sentences(self.rng.randint(low, high))

    def title(self) -> str:
        return self.said("T")

    def teaser(self) -> str:
        """A sentence or two, cut off as a list of articles cuts them."""
        text = self.sentences(self.rng.randint(1, 2))
        if self.rng.random() < 0.5:
            cut = self.rng.randint(len(text) // 2, len(text))
            text = text[:cut].rstrip(" ,;.。、，") + "…"
        return text

    def name(self) -> str:
        return self.one("name")

    def words(self, count: int) -> list[str]:
        """Tags, menu entries and the like."""
        nouns = self.lists.get("noun") or [*self.lists["masc"], *self.lists["fem"]]
        return [self.rng.choice(nouns) for _ in range(count)]


def voices(language: str, rng: Random) -> tuple[Voice, Voice]:
    """(of the main text, of everything else)."""
    halves: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
    for symbol, choices in grammar(language).items():
        if not isinstance(choices, list) or symbol == "quote":
            continue
        if symbol in _SHARED or len(set(choices)) < 5:
            halves[0][symbol] = halves[1][symbol] = choices
            continue
        mixed = list(choices)
        rng.shuffle(mixed)
        # A pattern that stands in the list twice for its weight goes to both.
        halves[0][symbol] = mixed[::2]
        halves[1][symbol] = mixed[1::2]
    return Voice(language, rng, halves[0]), Voice(language, rng, halves[1])


def labels(language: str) -> dict[str, str]:
    return dict(zip(LABELS, grammar(language)["labels"].split("|"), strict=True))
