"""Data made for a task, through the command: from files to tokens that show who speaks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import corpusmith as cs
from corpusmith import plan, recipe
from corpusmith.errors import RecipeError
from corpusmith.report.run import Run
from corpusmith.store.workspace import Workspace
from corpusmith.tokenize.tokenizer import Tokenizer
from tests.e2e.test_failed_runs import cli

RECIPE = """
corpusmith: 1
corpus: tasks
sources:
  lines: {read: pairs, path: [c.en, c.zh]}
  exam:  {read: qa, path: exam.json}
  chat:  {read: dialogues, path: chat.jsonl, template: chatml}
clean: [normalize, language, {pii: mask}, {dedup: exact}]
split: {held_out: 0.1}
tokenize: {train: bpe, vocab: 300}
"""


def build(folder: Path) -> None:
    (folder / "c.en").write_text("".join(f"Line number {n} of many.\n" for n in range(60)))
    (folder / "c.zh").write_text("".join(f"许多行中的第{n}行。\n" for n in range(60)))
    qas = [
        {"query_id": str(n), "query_text": f"第{n}问？", "answers": [f"答{n}"]} for n in range(6)
    ]
    exam = [{"context_id": str(c), "context_text": f"文章{c}。", "qas": qas} for c in range(5)]
    (folder / "exam.json").write_text(json.dumps(exam))
    turns = [{"from": "human", "value": "Mail me: ann@example.org"}, {"from": "gpt", "value": "OK"}]
    (folder / "chat.jsonl").write_text(json.dumps({"conversations": turns, "id": 1}) + "\n")
    (folder / "r.yaml").write_text(RECIPE)


def test_from_files_to_tokens(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    build(tmp_path)
    code, _, err = cli(capfd, "run", tmp_path / "r.yaml", "--workdir", tmp_path / "w")
    assert code == 0, err
    run = cs.open(tmp_path / "w")
    counts = run.summary["documents"]
    assert counts["read"] == 60 + 5 + 1 and counts["created"] == 25
    assert run.summary["layouts"] == {
        **{"lines": {"aligned lines": 60}, "exam": {"passage with qas": 30}},
        "chat": {"conversations: [{from, value}]": 1},
    }
    assert "layouts  of exam" in cli(capfd, "show", tmp_path / "w")[1]
    rows = run.documents().read_all().to_pylist()
    # Personal data leaves the text that is trained on and the turns that it was made of.
    assert not [r for r in rows if "ann@example.org" in r["text"] + str(r["messages"])]
    sides = {json.loads(r["meta"])["group"]: set() for r in rows if r["source"] == "exam"}
    for side in ("train", "held_out"):
        for row in run.documents(split=side).read_all().to_pylist():
            if row["source"] == "exam":
                sides[json.loads(row["meta"])["group"]].add(side)
    assert len(sides) == 5 and all(len(side) == 1 for side in sides.values())
    # The tokens that a model is trained on say who speaks.
    tokenizer = Tokenizer.load(next((tmp_path / "w").rglob("tokenizer.json")))
    shards = sorted(Run(tmp_path / "w").stage("tokens").glob("*.bin"))
    trained = "".join(tokenizer.decode(np.fromfile(shard, "<u2")) for shard in shards)
    assert "user: 文章" in trained and "assistant: 答" in trained
    assert "user: en → zh\n\nLine number" in trained


@pytest.mark.parametrize(
    ("source", "place", "words"),
    [
        ("{read: pairs, path: c.en}", "path", "one of 1 files of lines"),
        ("{read: pairs, path: [c.en, c.zh], languages: [en, fr]}", "path", "c.zh"),
        ("{read: qa, path: c.en}", "path", "does not say which records"),
        ("{read: qa, path: exam.json, template: chat}", "template", "chatml"),
        ("{read: qa, path: exam.json, answerz: each}", "answerz", "did you mean"),
        ("{read: pairs, path: [c.en, c.zh], languages: [en]}", "languages", "at least 2"),
    ],
)
def test_errors_name_line_and_column(tmp_path: Path, source: str, place: str, words: str) -> None:
    build(tmp_path)
    line = f"  a: {source}"
    (tmp_path / "r.yaml").write_text(f"corpusmith: 1\ncorpus: x\nsources:\n{line}\n")
    with pytest.raises(RecipeError) as caught:
        plan.make(recipe.read(tmp_path / "r.yaml"), Workspace(tmp_path / "w"))
    text = str(caught.value)
    assert words in text
    start = line.index(f"{place}:") + 1
    value = start + len(place) + 2
    assert f"r.yaml:4:{start}" in text or f"r.yaml:4:{value}" in text, text
