"""What a record of a task becomes: one or several dialogues, and how fields are taken from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from corpusmith.collect.errors import RecordError
from corpusmith.collect.records import ABSENT, get

Message = dict[str, str]
Record = dict[str, Any]


@dataclasses.dataclass
class Example:
    """A dialogue to learn from. `meta` is added to what is left of the record."""

    messages: list[Message]
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)
    lang: str | None = None


@dataclasses.dataclass
class Made:
    """What became of a record: the layout that it has, and its examples.

    A RecordError among them stands for one that can't be made; the others are no worse for it.
    `group` keeps them on one side of the split; `skipped` counts what is left out by request.
    """

    layout: str
    examples: Sequence[Example | RecordError]
    group: str | None = None
    skipped: dict[str, int] = dataclasses.field(default_factory=dict)


Layout = TypeVar("Layout")


def choose(found: Sequence[tuple[str, Layout]], record: Record, known: Iterable[str]) -> Layout:
    """The one layout that a record has; RecordError where it has none, or could be several."""
    if len(found) == 1:
        return found[0][1]
    fields = ", ".join(repr(str(k)[:40]) for k in sorted(record, key=str)[:12]) or "none"
    if not found:
        raise RecordError(
            "unknown_layout",
            f"its fields are {fields}; expected one of: {'; '.join(known)}; or name its fields in "
            "the recipe",
        )
    raise RecordError(
        "ambiguous_layout",
        f"its fields are {fields}: that may be {' or '.join(name for name, _ in found)}; name its "
        "fields in the recipe",
    )


def text_at(record: Record, name: str, *, empty: bool = False) -> str:
    """A string in a field, not empty; a list of strings (sentences) joined."""
    value = get(record, name)
    if value is ABSENT or value is None:
        state = "is missing" if value is ABSENT else "is null"
        raise RecordError("no_text", f"the field {name!r} {state}")
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        value = join_sentences(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)  # an answer that is a number
    if not isinstance(value, str):
        kind = type(value).__name__
        raise RecordError("bad_field", f"the field {name!r} holds a {kind}, not a string")
    if not value.strip() and not empty:
        raise RecordError("no_text", f"the field {name!r} is empty")
    return value


def texts_at(record: Record, name: str) -> list[str]:
    """The different strings of a field in their order: a string, or a list of alternatives."""
    value = get(record, name)
    if isinstance(value, list):
        found = [v for v in value if isinstance(v, str) and v.strip()]
        if not found or not all(isinstance(v, str) for v in value):
            raise RecordError("bad_field", f"the field {name!r} holds no list of strings")
        return list(dict.fromkeys(found))
    return [text_at(record, name)]


def join_sentences(sentences: Iterable[str]) -> str:
    """Sentences in one line; no space between scripts that have none.

    >>> join_sentences(["One.", "Two."]), join_sentences(["一。", "二。"])
    ('One. Two.', '一。二。')
    """
    text = ""
    for sentence in sentences:
        text += ("" if not text or _unspaced(text[-1]) else " ") + sentence.strip()
    return text


def _unspaced(char: str) -> bool:
    """Han, Kana, and the punctuation of both."""
    code = ord(char)
    return 0x3000 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0xFF00 <= code <= 0xFFEF


def exchange(asked: str, answer: str, prompt: str | None = None) -> list[Message]:
    """A turn of the user, and the answer to it."""
    return [
        {"role": "user", "content": f"{prompt}\n\n{asked}" if prompt else asked},
        {"role": "assistant", "content": answer},
    ]


def with_prompt(messages: list[Message], prompt: str | None) -> list[Message]:
    """The prompt before the first turn of the user."""
    for message in messages if prompt else ():
        if message["role"] == "user":
            message["content"] = f"{prompt}\n\n{message['content']}"
            break
    return messages
