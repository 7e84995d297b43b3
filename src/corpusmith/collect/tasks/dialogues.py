"""Dialogues in lists of turns, and instructions with their answers."""

from __future__ import annotations

import itertools
from typing import Any

from corpusmith.collect.errors import RecordError
from corpusmith.collect.records import get, take
from corpusmith.collect.tasks.example import (
    Example,
    Made,
    Message,
    Record,
    choose,
    exchange,
    text_at,
    with_prompt,
)
from corpusmith.collect.tasks.params import DialoguesParams, InstructionsParams
from corpusmith.collect.turns import Turns, messages_of, problem_of, speakers_of

_LISTS = (
    *("messages", "conversations", "conversation", "turns", "dialogue", "dialog", "utterances"),
)
KNOWN_DIALOGUES = (
    "OpenAI's messages: [{role, content}]",
    "ShareGPT's conversations: [{from, value}]",
    "turns: [{speaker, utterance}]",
    f"a list of strings under {', '.join(_LISTS)}",
)
_INSTRUCTIONS = (
    ("instruction", "input", "output"),
    ("instruction", "context", "response"),
    ("instruction", "input", "response"),
    ("prompt", "", "completion"),
    ("prompt", "", "response"),
    ("query", "", "response"),
    ("question", "", "response"),
    ("inputs", "", "targets"),
)
KNOWN_INSTRUCTIONS = (
    *("/".join(part for part in names if part) for names in _INSTRUCTIONS),
    "what `read: dialogues` takes has a word of its own",
)
_SYSTEM = ("system", "system_prompt")


def dialogues(record: Record, params: DialoguesParams) -> Made:
    """The turns of a record; what they say besides role and content stays in meta."""
    if params.messages:
        turns = _turns(get(record, params.messages))
        if turns is None:
            raise RecordError("bad_field", f"the field {params.messages!r} holds no list of turns")
        name, layout = params.messages, "named field"
    else:
        found = []
        for key in _LISTS:
            if isinstance(record.get(key), list) and (made := _turns(record[key])):
                found.append((key, (key, made)))
        for key in _LISTS if not found else ():
            if isinstance(record.get(key), list) and (problem := problem_of(record[key])):
                raise RecordError("bad_field", f"the field {key!r} holds no dialogue: {problem}")
        name, turns = choose(found, record, KNOWN_DIALOGUES)
        layout = f"{name}: [{_shape(record[name])}]"
    _not_empty(turns.messages, name)
    rest = None if turns.whole else _rest(get(record, name), turns)
    take(record, name)
    if rest is not None:
        record[name.replace(".", "_")] = rest
    messages = with_prompt(turns.messages, params.prompt)
    if messages[0]["role"] != "system":
        messages = [*_system(record), *messages]
    return Made(layout, [Example(messages)])


def _turns(value: Any) -> Turns | None:
    return messages_of(value) or speakers_of(value)


def _shape(turns: list[Any]) -> str:
    first = turns[0]
    if not isinstance(first, dict):
        return "text"
    for keys in (("role", "content"), ("from", "value"), ("speaker", "utterance")):
        if set(keys) <= set(first):
            return f"{{{', '.join(keys)}}}"
    return f"{{{', '.join(sorted(map(str, first)))[:60]}}}"


def _rest(value: list[Any], turns: Turns) -> list[Any]:
    """What turns say besides: all of a turn whose content was put together, else the other keys.

    Place by place as in `messages`, so that calls and their results can be found again.
    """
    rest = []
    for turn, message in zip(value, turns.messages, strict=True):
        said = turn.get("content", turn.get("value", turn.get("utterance", turn.get("text"))))
        used = {"role", "from", "content", "value", "speaker", "utterance", "text"}
        rest.append(
            {k: v for k, v in turn.items() if k not in used} if said == message["content"] else turn
        )
    return rest


def _not_empty(messages: list[Message], name: str) -> None:
    """A dialogue with nothing in it is no dialogue; an empty turn in one is."""
    if not any(message["content"].strip() for message in messages):
        raise RecordError("no_text", f"the turns of the field {name!r} are empty")


def _system(record: Record) -> list[Message]:
    """The system prompt that stands in a field beside the turns."""
    for name in _SYSTEM:
        value = record.get(name)
        if isinstance(value, str):
            del record[name]
            return [{"role": "system", "content": value}] if value.strip() else []
    return []


def instructions(record: Record, params: InstructionsParams) -> Made:
    """An instruction with its input, what was said before, and the answer."""
    if params.instruction or params.output or params.input:
        if not (params.instruction and params.output):
            raise RecordError("unknown_layout", "instruction and output belong together")
        names = (params.instruction, params.input or "", params.output)
        layout = "named fields"
    else:
        found = {}
        for names in _INSTRUCTIONS:
            if names[0] in record and names[2] in record:
                # `input` and `context` are optional: the form without them is the same layout.
                key = (names[0], names[2])
                if key not in found or names[1] in record:
                    found[key] = ("/".join(part for part in names if part), names)
        names = choose(list(found.values()), record, KNOWN_INSTRUCTIONS)
        layout = "/".join(part for part in names if part)
    parts = get(record, names[0]), get(record, names[2])
    if isinstance(parts[0], list) and isinstance(parts[1], list):
        messages = _conversational(parts[0] + parts[1], names)
    else:
        asked = text_at(record, names[0])
        more = get(record, names[1]) if names[1] else None
        if isinstance(more, str) and more.strip():
            asked = f"{asked}\n\n{more}"
        messages = with_prompt(exchange(asked, text_at(record, names[2])), params.prompt)
    for name in names:
        if name:
            take(record, name)
    before = _history(record)
    return Made(layout, [Example([*_system(record), *before, *messages])])


def _conversational(turns: list[Any], names: tuple[str, str, str]) -> list[Message]:
    """TRL's prompt and completion, both lists of messages."""
    found = messages_of(turns)
    if found is None or not found.whole:
        raise RecordError("bad_field", f"{names[0]!r} and {names[2]!r} hold no plain messages")
    return found.messages


def _history(record: Record) -> list[Message]:
    """Earlier exchanges: [[asked, answered], ...]."""
    value = record.get("history")
    pairs = isinstance(value, list) and all(
        isinstance(v, list) and len(v) == 2 and all(isinstance(t, str) for t in v) for v in value
    )
    if not pairs:
        return []
    del record["history"]
    return list(itertools.chain.from_iterable(exchange(a, b) for a, b in value or []))
