"""A record with named fields (a JSON line, a row) to a document.

The text, the messages, the time, the licence and the language are taken out of the record where
they can be used; all else stays in `meta` as it was, and so does a value that can't be used.
"""

from __future__ import annotations

from typing import Any

from corpusmith.collect.dates import parse_time
from corpusmith.collect.errors import RecordError
from corpusmith.collect.licenses import spdx
from corpusmith.collect.readers import RecordParams

_ABSENT: Any = object()

# Names of roles elsewhere (ShareGPT, Alpaca-like sets, Vicuna) to those of OpenAI.
_ROLES = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "question": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "answer": "assistant",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "tool",
}


def document_of(record: dict[str, Any], params: RecordParams) -> dict[str, Any]:
    """Keyword arguments for `Sink.document`; RecordError where the record has no usable text.

    Changes `record`: what is used is taken out, the rest becomes `meta`.
    """
    group = None
    if params.group:
        group = _get(record, params.group)
    messages = _messages(record, params)
    value = _get(record, params.text)
    if isinstance(value, str):
        text = value
        _take(record, params.text)
    elif (value is _ABSENT or value is None) and messages:
        text = render(messages)
        _take(record, params.text)
    elif value is _ABSENT or value is None:
        state = "is null" if value is None else "is missing"
        found = ", ".join(repr(str(k)[:40]) for k in sorted(record, key=str)[:12]) or "none"
        raise RecordError("no_text", f"the field {params.text!r} {state}; fields are: {found}")
    else:
        kind = type(value).__name__
        raise RecordError("bad_field", f"the field {params.text!r} holds a {kind}, not a string")
    result: dict[str, Any] = {"text": text, "messages": messages}
    if (created := parse_time(_get(record, params.created))) is not None:
        result["created"] = created
        _take(record, params.created)
    stated = _get(record, params.license_field)
    if (name := spdx(stated)) is not None:
        result["license"] = name
        if name == stated:
            _take(record, params.license_field)
    if lang := _language(_get(record, params.lang_field)):
        result["lang"] = lang
        _take(record, params.lang_field)
    for name, key in ((params.id, "id"), (params.uri, "url")):
        if name and name != key and (value := _take(record, name)) is not _ABSENT:
            record[key] = value
    if group is not None and group is not _ABSENT:
        record["group"] = group if isinstance(group, str) else str(group)
    result["meta"] = record
    return result


def render(messages: list[dict[str, str]]) -> str:
    """A dialogue as text: `role: content`, an empty line between turns."""
    return "\n\n".join(f"{m['role']}: {m['content']}" for m in messages)


def _messages(record: dict[str, Any], params: RecordParams) -> list[dict[str, str]] | None:
    """OpenAI's [{"role", "content"}] or ShareGPT's [{"from", "value"}], else None."""
    name = params.messages
    value = _get(record, name)
    if value is _ABSENT and name == "messages":
        name = "conversations"
        value = _get(record, name)
    if not isinstance(value, list) or not value:
        return None
    found = []
    for turn in value:
        if not isinstance(turn, dict):
            return None
        keys = set(turn)
        if keys == {"role", "content"}:
            role, content = turn["role"], turn["content"]
        elif keys == {"from", "value"}:
            role = turn["from"]
            role, content = _ROLES.get(str(role).lower(), role), turn["value"]
        else:
            # Tool calls, names, weights: they would be lost, so the field stays in meta as well.
            role = turn.get("role", turn.get("from"))
            content = turn.get("content", turn.get("value"))
            if not isinstance(role, str) or not isinstance(content, str):
                return None
            found.append({"role": _ROLES.get(role.lower(), role), "content": content})
            name = ""
            continue
        if not isinstance(role, str) or not isinstance(content, str):
            return None
        found.append({"role": role, "content": content})
    if name:
        _take(record, name)
    return found


def _language(value: Any) -> str | None:
    """`en`, `zh-CN` or `eng` to the code without region; None where it is no code."""
    if not isinstance(value, str):
        return None
    code = value.strip().replace("_", "-").split("-")[0].lower()
    return code if 2 <= len(code) <= 3 and code.isascii() and code.isalpha() else None


def _get(record: dict[str, Any], name: str) -> Any:
    if name in record:
        return record[name]
    if "." in name:
        value: Any = record
        for key in name.split("."):
            if not isinstance(value, dict) or key not in value:
                return _ABSENT
            value = value[key]
        return value
    return _ABSENT


def _take(record: dict[str, Any], name: str) -> Any:
    if name in record:
        return record.pop(name)
    value: Any = record
    *folders, last = name.split(".")
    for key in folders:
        if not isinstance(value, dict) or key not in value:
            return _ABSENT
        value = value[key]
    return value.pop(last, _ABSENT) if isinstance(value, dict) else _ABSENT
