"""What the tests of hostile input share: a hundred good neighbours, and a run that is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpusmith.collect.errors import ERRORS
from tests.collect_run import measured

MB = 1_000_000
GOOD = [f"good record {i}; 第{i}条" for i in range(100)]


def good_lines() -> list[bytes]:
    return [json.dumps({"text": text}, ensure_ascii=False).encode() for text in GOOD]


def run(tmp_path: Path, path: Path, read: str, *, mb: float, seconds: float, **params: Any) -> dict:
    """Collect in a process of its own; all good neighbours must be there, in order."""
    found = measured(tmp_path / "out", read=read, path=path, **params)
    good = [text for text in found["texts"] if text.startswith("good record")]
    assert good == GOOD
    assert found["bytes"] < mb * MB, f"{found['bytes'] / MB:.0f} MB"
    assert found["seconds"] < seconds
    assert {error for _, error in found["errors"]} <= ERRORS.keys()
    return found


def jsonl_with(tmp_path: Path, bad: list[bytes], name: str = "a.jsonl") -> tuple[Path, list[int]]:
    """100 good lines with the bad ones in the middle; (path, offsets of the bad lines)."""
    lines = good_lines()
    data = b"\n".join(lines[:50]) + b"\n"
    offsets = []
    for line in bad:
        offsets.append(len(data))
        data += line + b"\n"
    data += b"\n".join(lines[50:]) + b"\n"
    path = tmp_path / name
    path.write_bytes(data)
    return path, offsets
