"""Dialogues: turns as data sets write them to `messages`, and messages to text.

OpenAI      [{"role": "user", "content": "..."}]       content may be a list of parts, or null
                                                       or "" beside tool_calls
ShareGPT    [{"from": "human", "value": "..."}]
speakers    [{"speaker": "USER", "utterance": "..."}]  Schema-Guided Dialogue and others
both        [{"human": "...", "assistant": "..."}]     Firefly, MOSS
bare        ["...", "..."]                             user and assistant take turns
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal

Template = Literal["roles", "chatml", "plain"]

ROLES = {
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
    "function_call": "assistant",
    "tool": "tool",
    "observation": "tool",
    "function": "tool",
}
"""Names of roles elsewhere (ShareGPT, Alpaca-like sets, Vicuna) to those of OpenAI."""

_SPEAKERS = {"user": "user", "customer": "user", "system": "assistant", "agent": "assistant"}
"""In task-oriented dialogues the SYSTEM is who answers, not who instructs."""

_SHAPES = {"role": "content", "from": "value"}
_BOTH = (("user", "human"), ("assistant", "assistant"))
_SPEAKER_SHAPES = (("speaker", "utterance"), ("speaker", "text"), ("role", "text"))


@dataclasses.dataclass(frozen=True)
class Turns:
    """`whole`: the turns say nothing that `messages` does not hold."""

    messages: list[dict[str, str]]
    whole: bool


_TEXTS = frozenset(["text", "input_text", "output_text"])
"""Types of a content's parts: of chat completions, and of the Responses API."""


def messages_of(value: Any) -> Turns | None:
    """The messages of a list of OpenAI's or ShareGPT's turns, or None where it is no such list."""
    if not isinstance(value, list) or not value:
        return None
    found: list[dict[str, str]] = []
    whole = True
    for turn in value:
        if not isinstance(turn, dict):
            return None
        keys = set(turn)
        role_key = "role" if "role" in turn else "from"
        content_key = "content" if "content" in turn else "value"
        role, said = turn.get(role_key), turn.get(content_key)
        content = _content(said, turn)
        if not isinstance(role, str) or content is None:
            return None
        # Tool calls, names, weights, images: `messages` would lose them.
        bare = len(keys) == 2 and _SHAPES.get(role_key) == content_key and content == said
        whole = whole and bare
        if not bare or role_key == "from":
            role = ROLES.get(role.lower(), role)
        found.append({"role": role, "content": content})
    return Turns(found, whole)


def _content(said: Any, turn: dict[str, Any]) -> str | None:
    """The text of a turn, and its calls of tools as the JSON that the model writes."""
    lines: list[str] = []
    if isinstance(said, str):
        lines = [said] if said else []
    elif isinstance(said, list) and all(isinstance(part, dict) for part in said):
        texts = [part.get("text") for part in said if part.get("type", "text") in _TEXTS]
        if not texts or not all(isinstance(text, str) for text in texts):
            return None
        lines = texts
    elif said is not None:
        return None
    function_call = turn.get("function_call")
    calls = turn.get("tool_calls") or ([function_call] if function_call else [])
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function", call) if isinstance(call, dict) else call
        if said and not (isinstance(function, dict) and "name" in function):
            continue  # beside a text only what is a call for sure
        lines.append(json.dumps(function, ensure_ascii=False, sort_keys=True))
    return "\n".join(lines) if lines or said == "" else None


def problem_of(value: list[Any]) -> str:
    """Why a list that is named as one of turns is none; "" where no turn of it says so."""
    for place, turn in enumerate(value):
        if not isinstance(turn, dict):
            continue
        said = turn.get("content", turn.get("value"))
        if isinstance(said, list):
            kinds = [str(part.get("type")) for part in said if isinstance(part, dict)]
            if not set(kinds) & _TEXTS:
                return f"turn {place} has no text, only parts of type {', '.join(kinds)[:80]}"
        elif said is None and not {"utterance", "text"} & set(turn):
            return f"turn {place} has neither content nor calls; its keys are {list(turn)[:8]}"
    return "" if value else "it is empty"


def speakers_of(value: Any) -> Turns | None:
    """The messages of turns with speakers, or of bare strings; None where it is no such list.

    Speakers of other names (people in a play) keep them as their roles.
    """
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(turn, str) for turn in value):
        names = ("user", "assistant")
        bare = [{"role": names[i % 2], "content": turn} for i, turn in enumerate(value)]
        return Turns(bare, True)
    if all(isinstance(turn, dict) and set(turn) == {"human", "assistant"} for turn in value):
        said = [(role, turn[key]) for turn in value for role, key in _BOTH]
        if all(isinstance(text, str) for _, text in said):
            return Turns([{"role": role, "content": text} for role, text in said], True)
        return None
    for role_key, content_key in _SPEAKER_SHAPES:
        if all(isinstance(turn, dict) and {role_key, content_key} <= set(turn) for turn in value):
            break
    else:
        return None
    found = []
    for turn in value:
        role, content = turn[role_key], turn[content_key]
        if not isinstance(role, str | int) or not isinstance(content, str):
            return None
        name = str(role)
        known = {**ROLES, **_SPEAKERS} if role_key == "speaker" else ROLES
        found.append({"role": known.get(name.lower(), name), "content": content})
    return Turns(found, all(len(turn) == 2 for turn in value))


def render(messages: list[dict[str, str]], template: Template = "roles") -> str:
    """A dialogue as text.

    roles    `role: content`, an empty line between turns
    chatml   `<|im_start|>role`, the content and `<|im_end|>`, each turn on lines of its own
    plain    the contents alone, an empty line between turns
    """
    if template == "chatml":
        return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
    if template == "plain":
        return "\n\n".join(m["content"] for m in messages)
    return "\n\n".join(f"{m['role']}: {m['content']}" for m in messages)
