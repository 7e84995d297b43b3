"""JSON Lines with a text in each: the reader `jsonl`."""

from __future__ import annotations

from typing import Any

from corpusmith.collect.errors import RecordError
from corpusmith.collect.jsonl import parse_object, read_records
from corpusmith.collect.readers import JsonlParams
from corpusmith.collect.records import document_of
from corpusmith.collect.sink import Sink
from corpusmith.kernels.jsontext import text_field

KERNEL_BYTES = 512  # a shorter line is parsed whole before a kernel is called


def read(piece: dict[str, Any], params: JsonlParams, sink: Sink) -> None:
    """The documents of a piece; `uri` is the file's path and the line's byte offset."""
    key = params.text.encode()

    def emit(uri: str, record: dict[str, Any], repaired: bool) -> None:
        sink.document(**document_of(record, params), repaired=repaired)

    def whole(uri: str, line: bytes) -> bool:
        """The text alone goes through a kernel, and the rest of the line through the parser. What
        either does not take is left to the parser of whole lines, which knows what to say of it."""
        found = text_field(line, key) if len(line) >= KERNEL_BYTES else None
        if found is None:
            return False
        try:
            arguments = document_of(parse_object(found[1].decode()), params)
            sink.document(**{**arguments, "text": found[0]})
        except (RecordError, UnicodeDecodeError):
            return False
        return True

    read_records(piece, params, sink, emit, whole if _text_stands_alone(params) else None)


def _text_stands_alone(params: JsonlParams) -> bool:
    """Whether nothing but the text is made of the text's field, and lines are UTF-8."""
    others = (
        *(params.group, params.created, params.license_field, params.lang_field),
        *(params.id, params.uri, params.messages, "messages", "conversations"),
    )
    return not params.encoding and params.text not in others
