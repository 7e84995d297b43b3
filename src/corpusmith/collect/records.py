"""A record with named fields (a JSON line, a row) to a document.

The text, the messages, the time, the licence and the language are taken out of the record where
they can be used; all else stays in `meta` as it was, and so does a value that can't be used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corpusmith.collect.dates import parse_time
from corpusmith.collect.errors import RecordError
from corpusmith.collect.licenses import spdx
from corpusmith.collect.source_params import FieldParams, RecordParams
from corpusmith.collect.turns import messages_of, render

ABSENT: Any = object()

Emit = Callable[[str, dict[str, Any], bool], None]
"""`emit(uri, record, repaired)` makes what becomes of a record that was announced to the sink."""


def document_of(record: dict[str, Any], params: RecordParams) -> dict[str, Any]:
    """Keyword arguments for `Sink.document`; RecordError where the record has no usable text.

    Changes `record`: what is used is taken out, the rest becomes `meta`.
    """
    group = None
    if params.group:
        group = get(record, params.group)
    messages = _messages(record, params)
    value = get(record, params.text)
    if isinstance(value, str):
        text = value
        take(record, params.text)
    elif (value is ABSENT or value is None) and messages:
        text = render(messages)
        take(record, params.text)
    elif value is ABSENT or value is None:
        state = "is null" if value is None else "is missing"
        found = ", ".join(repr(str(k)[:40]) for k in sorted(record, key=str)[:12]) or "none"
        raise RecordError("no_text", f"the field {params.text!r} {state}; fields are: {found}")
    else:
        kind = type(value).__name__
        raise RecordError("bad_field", f"the field {params.text!r} holds a {kind}, not a string")
    return {"text": text, "messages": messages, **described(record, params, group)}


def described(record: dict[str, Any], params: FieldParams, group: Any) -> dict[str, Any]:
    """What a record says besides its text: time, licence, language, and all the rest as `meta`.

    `group` is the value of the field `params.group`, which may have been taken out for the text.
    """
    result: dict[str, Any] = {}
    if (created := parse_time(get(record, params.created))) is not None:
        result["created"] = created
        take(record, params.created)
    stated = get(record, params.license_field)
    if (name := spdx(stated)) is not None:
        result["license"] = name
        if name == stated:
            take(record, params.license_field)
    if lang := language_code(get(record, params.lang_field)):
        result["lang"] = lang
        take(record, params.lang_field)
    for name, key in ((params.id, "id"), (params.uri, "url")):
        if name and name != key and (value := take(record, name)) is not ABSENT:
            record[key] = value
    if group is not None and group is not ABSENT:
        record["group"] = group if isinstance(group, str) else str(group)
    result["meta"] = record
    return result


def _messages(record: dict[str, Any], params: RecordParams) -> list[dict[str, str]] | None:
    """OpenAI's [{"role", "content"}] or ShareGPT's [{"from", "value"}], else None."""
    name = params.messages
    value = get(record, name)
    if value is ABSENT and name == "messages":
        name = "conversations"
        value = get(record, name)
    found = messages_of(value)
    if found is None:
        return None
    if found.whole:
        take(record, name)
    return found.messages


def language_code(value: Any) -> str | None:
    """`en`, `zh-CN` or `eng` to the code without region; None where it is no code."""
    if not isinstance(value, str):
        return None
    code = value.strip().replace("_", "-").split("-")[0].lower()
    return code if 2 <= len(code) <= 3 and code.isascii() and code.isalpha() else None


def get(record: dict[str, Any], name: str) -> Any:
    """The value of a field (`a.b`: of a nested one), or ABSENT."""
    if name in record:
        return record[name]
    if "." in name:
        value: Any = record
        for key in name.split("."):
            if not isinstance(value, dict) or key not in value:
                return ABSENT
            value = value[key]
        return value
    return ABSENT


def take(record: dict[str, Any], name: str) -> Any:
    """The same, and removes it."""
    if name in record:
        return record.pop(name)
    value: Any = record
    *folders, last = name.split(".")
    for key in folders:
        if not isinstance(value, dict) or key not in value:
            return ABSENT
        value = value[key]
    return value.pop(last, ABSENT) if isinstance(value, dict) else ABSENT
