"""JSON and YAML files that hold many records: the items of an array, read one after another.

A JSON file is never held as a whole: an array at its top, or under one of the keys in `LISTS` of
an object at its top, is read item by item. An object without such a key is one record.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from corpusmith.collect.errors import RecordError
from corpusmith.collect.streams import DamagedError

LISTS = ("data", "examples", "items", "rows", "records", "pairs", "questions", "train")
NESTED_LISTS = ("conversations", "dialogues", "dialogs")
"""Lists of dialogues, where their items are no turns."""

MAX_YAML_BYTES = 4 << 20  # the parser takes about 10 s for 1 MB of hostile YAML
MAX_YAML_DEPTH = 50
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r'[^\[\]{}",:\s]+')


def json_items(blocks: Iterable[bytes], limit: int, encoding: str = "utf-8-sig") -> Iterator[Any]:
    """The records of a JSON stream; DamagedError with how many were read before.

    `limit`: characters of one item that are held at most, besides a block of the stream.
    """
    text = _Text(blocks, limit, encoding)
    count = 0
    try:
        for item in _records(text):
            yield item
            count += 1
    except _BadJsonError as error:
        raise DamagedError(error.error, str(error), count) from None


class _BadJsonError(Exception):
    def __init__(self, message: str, error: str = "bad_json") -> None:
        super().__init__(message)
        self.error = error


def _records(text: _Text) -> Iterator[Any]:
    start = text.peek()
    if start == "[":
        yield from text.array()
    elif start == "{":
        yield from _object(text)
    elif start:
        raise _BadJsonError(f"neither an array nor an object but {start!r} at {text.where()}")
    if text.peek():
        raise _BadJsonError(f"more than one value: {text.peek()!r} at {text.where()}")


def _object(text: _Text) -> Iterator[Any]:
    """The items of its list of records, or itself."""
    text.take("{")
    record: dict[str, Any] = {}
    listed = False
    while text.peek() != "}":
        key = text.value()
        if not isinstance(key, str):
            raise _BadJsonError(f"no key before {text.where()}")
        text.take(":")
        value: Any = None
        if text.peek() == "[" and not listed and key in (*LISTS, *NESTED_LISTS):
            items = text.array()
            first = next(items, None)
            if isinstance(first, dict if key in LISTS else list) or (
                key in NESTED_LISTS and isinstance(first, dict) and not _is_turn(first)
            ):
                listed = True
                yield first
                yield from items
            else:
                value = [] if first is None else [first, *items]
        else:
            value = text.value()
        record[key] = value
        if text.peek() != ",":
            break
        text.take(",")
    text.take("}")
    if not listed:
        yield record


def _is_turn(item: dict[str, Any]) -> bool:
    return any({a, b} <= set(item) for a, b in (("role", "content"), ("from", "value")))


class _Text:
    """A decoded stream in which one value after another is parsed."""

    def __init__(self, blocks: Iterable[bytes], limit: int, encoding: str) -> None:
        self._source = iter(blocks)
        self._decoder_name = encoding.removesuffix("-sig")
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._fault: _BadJsonError | None = None  # behind the last character of the buffer
        self._limit = limit
        self._text = ""
        self._at = 0
        self._before = 0  # characters that have left the buffer
        self._ended = False
        self._scan = json.JSONDecoder(parse_constant=str, strict=False).raw_decode

    def where(self) -> str:
        return f"character {self._before + self._at}"

    def peek(self) -> str:
        """The next character that is no white space, "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            assert match is not None
            self._at = match.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(1):
                if self._fault is not None:
                    raise self._fault
                return ""

    def take(self, char: str) -> None:
        if self.peek() != char:
            raise _BadJsonError(
                f"{self.peek() or 'the end'!r} in place of {char!r} at {self.where()}"
            )
        self._at += 1

    def array(self) -> Iterator[Any]:
        self.take("[")
        if self.peek() != "]":
            while True:
                yield self.value()
                if self.peek() != ",":
                    break
                self.take(",")
        self.take("]")

    def value(self) -> Any:
        """The next value; reads on until all of it is there."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
                # A number at the end of the buffer may go on.
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            except json.JSONDecodeError as error:
                if self._ended and self._fault is not None:
                    raise self._fault from None
                if self._ended or not self._incomplete(error):
                    place = self._before + error.pos
                    raise _BadJsonError(f"no JSON: {error.msg} at character {place}") from None
            except RecursionError:
                raise _BadJsonError(f"nested too deep at {self.where()}", "too_deep") from None
            except ValueError:  # Python's limit on the digits of an integer
                raise _BadJsonError(
                    f"an integer of more than 4300 digits at {self.where()}", "huge_number"
                ) from None
            held = len(self._text) - self._at
            if held > self._limit:
                raise _BadJsonError(
                    f"an item at {self.where()} is over the limit of {self._limit} "
                    "(max_document_bytes)",
                    "too_large",
                )
            self._more(max(1 << 16, held))

    def _incomplete(self, error: json.JSONDecodeError) -> bool:
        """Whether the text ends before the fault could be one: at its end, or in a string."""
        return error.pos > len(self._text) - 16 or error.msg.startswith("Unterminated string")

    def _more(self, size: int) -> bool:
        """Read `size` characters more, if there are; False at the end of the stream."""
        pieces = [self._text[self._at :]]
        self._before += self._at
        self._at = 0
        got = 0
        while got < size and not self._ended:
            try:
                block = next(self._source, None)
                self._ended = block is None
                piece = self._decoder.decode(block or b"", self._ended)
            except DamagedError as error:
                self._stop(error.message, error.error)
                break
            except UnicodeDecodeError as error:
                piece = error.object[: error.start].decode(self._decoder_name)
                self._stop(f"no {self._decoder_name} behind this: {error.reason}", "bad_encoding")
            if "\0" in piece:
                piece = piece[: piece.index("\0")]
                self._stop("NUL bytes are no JSON", "nul_bytes")
            pieces.append(piece)
            got += len(piece)
        self._text = "".join(pieces)
        return got > 0

    def _stop(self, message: str, error: str) -> None:
        """What follows can't be read; what is there still can."""
        self._ended = True
        self._fault = _BadJsonError(message, error)


def yaml_items(data: bytes) -> list[Any]:
    """The records of a YAML file: items of the list at its top, or of chatterbot's conversations.

    What stands beside `conversations` (its categories) belongs to each of them.
    """
    if len(data) > MAX_YAML_BYTES:
        raise RecordError(
            "too_large", f"{len(data)} bytes of YAML, over the limit of {MAX_YAML_BYTES}"
        )
    try:
        text = data.decode("utf-8-sig")
        depth = 0
        for event in YAML(typ="safe", pure=True).parse(text):
            if isinstance(event, AliasEvent):
                raise RecordError("bad_yaml", "it has aliases (`*name`), which can be a bomb")
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > MAX_YAML_DEPTH:
                raise RecordError("too_deep", f"YAML nested deeper than {MAX_YAML_DEPTH}")
        value = YAML(typ="safe", pure=True).load(text)
    except UnicodeDecodeError as error:
        raise RecordError("bad_encoding", f"no UTF-8: {error}") from None
    except (YAMLError, ValueError) as error:
        raise RecordError("bad_yaml", " ".join(str(error).split())[:300]) from None
    if isinstance(value, dict):
        for name in (*NESTED_LISTS, *LISTS):
            items = value.get(name)
            if isinstance(items, list) and items and isinstance(items[0], list | dict):
                rest = {key: v for key, v in value.items() if key != name}
                fits = (dict, list)
                return [{**rest, **as_record(i)} if isinstance(i, fits) else i for i in items]
        return [value]
    if not isinstance(value, list):
        raise RecordError("bad_yaml", f"it holds a {type(value).__name__}, no list of records")
    return value


def as_record(item: Any) -> dict[str, Any]:
    """An item as a record: a list of turns has no name of its own."""
    if isinstance(item, dict):
        return item
    if isinstance(item, list):
        return {"turns": [str(t) if isinstance(t, int | float) else t for t in item]}
    raise RecordError("not_an_object", f"the item is a {type(item).__name__}, no object")
