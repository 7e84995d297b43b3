"""Layouts of dialogues and questions as their makers write them: calls of tools, parts, choices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.collect_run import Collected, collect

CALL = {"id": "1", "type": "function", "function": {"name": "w", "arguments": "{}"}}
WRITTEN = '{"arguments": "{}", "name": "w"}'


def read(tmp_path: Path, kind: str, record: Any) -> Collected:
    (tmp_path / "a.jsonl").write_text(json.dumps(record, ensure_ascii=False) + "\n")
    return collect(tmp_path / "out", read=kind, path=tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("turn", "content"),
    [
        ({"content": None, "tool_calls": [CALL]}, WRITTEN),
        ({"content": "", "tool_calls": [CALL]}, WRITTEN),
        ({"content": "Let me see.", "tool_calls": [CALL]}, f"Let me see.\n{WRITTEN}"),
        ({"content": "Hi", "function_call": None}, "Hi"),
        ({"content": [{"type": "output_text", "text": "Hi"}]}, "Hi"),
    ],
)
def test_what_the_assistant_does_is_in_the_text(
    tmp_path: Path, turn: dict[str, Any], content: str
) -> None:
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", **turn}]
    found = read(tmp_path, "dialogues", {"messages": turns})
    assert found.texts == [f"user: x\n\nassistant: {content}"]


def test_roles_of_llama_factory_and_pairs_of_firefly(tmp_path: Path) -> None:
    names = ("human", "function_call", "observation", "gpt")
    record = {"conversations": [{"from": name, "value": name} for name in names]}
    found = read(tmp_path, "dialogues", record)
    roles = [turn["role"] for turn in found.documents["messages"].to_pylist()[0]]
    assert roles == ["user", "assistant", "tool", "assistant"]
    (tmp_path / "b").mkdir()
    found = read(tmp_path / "b", "dialogues", {"conversation": [{"human": "a", "assistant": "b"}]})
    assert found.texts == ["user: a\n\nassistant: b"]


def test_turns_without_text_are_told_as_such(tmp_path: Path) -> None:
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}
    found = read(tmp_path, "dialogues", {"messages": [image]})
    assert found.errors == [("a.jsonl#0", "bad_field")]
    assert "turn 0 has no text, only parts of type image_url" in found.messages[0]


@pytest.mark.parametrize(
    ("record", "text"),
    [
        # RACE, MedQA, MMLU-Pro, HellaSwag's index as a string, ARC's first form, BoolQ
        ({"article": "P", "question": "q", "options": ["x", "y"], "answer": "B"},
         "user: P\n\nq\n\nA. x\nB. y\n\nassistant: B. y"),
        ({"question": "q", "options": {"A": "x", "B": "y"}, "answer": "y", "answer_idx": "B"},
         "user: q\n\nA. x\nB. y\n\nassistant: B. y"),
        ({"question": "q", "options": ["x", "y"], "answer_index": 1},
         "user: q\n\nA. x\nB. y\n\nassistant: B. y"),
        ({"question": "q", "choices": ["x", "y"], "answer": "0"},
         "user: q\n\nA. x\nB. y\n\nassistant: A. x"),
        ({"question": {"stem": "q", "choices": [{"label": "1", "text": "x"},
                                                {"label": "2", "text": "y"}]}, "answerKey": "1"},
         "user: q\n\n1. x\n2. y\n\nassistant: 1. x"),
        ({"question": "q", "passage": "P", "answer": True}, "user: P\n\nq\n\nassistant: yes"),
    ],
)  # fmt: skip
def test_questions(tmp_path: Path, record: dict[str, Any], text: str) -> None:
    assert read(tmp_path, "qa", record).texts == [text]
