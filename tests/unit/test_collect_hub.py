"""Datasets of the hub and of folders, through the hub's own libraries, against a local server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import corpusmith as cs
from corpusmith import plan, recipe
from corpusmith.errors import RecipeError
from corpusmith.store.workspace import Workspace
from tests.hub_server import Hub, serving

CARD = """---
license: cc-by-sa-4.0
language: [zh]
configs:
- config_name: default
  data_files: [{split: train, path: "data/train-*"}, {split: test, path: "data/test-*"}]
- config_name: questions
  data_files: questions/*.jsonl
---
# A card
"""
# In a process of its own, since the libraries read HF_ENDPOINT when they are imported.
FETCH = """
import json, os, sys, urllib.request
from pathlib import Path
from corpusmith.collect.hub.fetch import fetch
from corpusmith.collect.hub.params import HubParams
from corpusmith.collect.world import Job
from corpusmith.errors import InputError
found = {}
for name, params in json.loads(sys.argv[1]).items():
    if name == "allow":
        urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/allow")
        continue
    job = Job(Path(sys.argv[2]) / name.rstrip("+"), None, lambda fraction, note="": None)
    job.data.mkdir(parents=True, exist_ok=True); job.state.mkdir(exist_ok=True)
    try:
        found[name] = fetch(HubParams(**params), job)
    except InputError as error:
        found[name] = {"error": str(error)}
print(json.dumps(found))
"""


def build(folder: Path) -> None:
    for name in ("data", "questions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(2):
        first = number * 100
        made = [{"text": f"行 {n}", "n": n} for n in range(first, first + 100)]
        path = folder / f"data/train-{number:05d}-of-00002.parquet"
        pq.write_table(pa.Table.from_pylist(made), path, row_group_size=40)
    pq.write_table(pa.table({"text": ["test"]}), folder / "data/test-00000-of-00001.parquet")
    questions = [{"question": f"{n}?", "answer": f"{n}!"} for n in range(5)]
    lines = "".join(json.dumps(q) + "\n" for q in questions)
    (folder / "questions/all.jsonl").write_text(lines)
    (folder / "README.md").write_text(CARD)


def environment(home: Path, hub: Hub | None, **more: str) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    endpoint = {"HF_ENDPOINT": hub.url} if hub else {}
    return {**env, **endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", **more}


def fetched(
    tmp_path: Path, hub: Hub | None, cases: dict[str, dict[str, Any]], **env: str
) -> dict[str, Any]:
    """What `fetch` returns for each case, in `tmp_path/CASE/`."""
    done = subprocess.run(
        [sys.executable, "-c", FETCH, json.dumps(cases), str(tmp_path)],
        env=environment(tmp_path / "home", hub, **env), cwd=tmp_path,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def rows(tmp_path: Path, case: str) -> list[dict[str, Any]]:
    paths = sorted((tmp_path / case / "data").glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def test_the_hub(tmp_path: Path) -> None:
    build(tmp_path / "hub/owner/ds")
    build(tmp_path / "hub/gated/ds")
    build(tmp_path / "hub/owner/code")
    (tmp_path / "hub/owner/code/code.py").write_text("open('RAN', 'w')\n")
    with serving(tmp_path / "hub") as hub:
        cases = {
            "plain": {"dataset": "owner/ds", "config": "default"},
            "both": {"dataset": "owner/ds", "split": ["train", "test"], "rows": 120},
            "gated": {"dataset": "gated/ds"},
            "let_in": {"dataset": "gated/ds", "config": "questions", "token": "hf_secret"},
            "code": {"dataset": "owner/code"},
            "absent": {"dataset": "owner/none"},
            "revision": {"dataset": "owner/ds", "revision": "v9"},
            "config": {"dataset": "owner/ds", "config": "fr"},
            "split": {"dataset": "owner/ds", "config": "default", "split": "dev"},
        }  # fmt: skip
        found = fetched(tmp_path, hub, cases)
        commit = hub.commit("owner/ds")
        assert found["plain"] == {
            **{"dataset": "owner/ds", "revision": commit, "config": "default"},
            **{"license": "CC-BY-SA-4.0", "languages": ["zh"], "warnings": []},
            "splits": {"train": {"files": 2, "rows": 200}},
        }
        table = rows(tmp_path, "plain")
        assert [row["n"] for row in table] == list(range(200)) and table[7]["text"] == "行 7"
        origin = {"hf_dataset": "owner/ds", "hf_revision": commit, "hf_config": "default"}
        said = {"hf_split": "train", "license": "CC-BY-SA-4.0", "lang": "zh"}
        assert table[0] == {"text": "行 0", "n": 0, **origin, **said}
        assert found["both"]["splits"] == {
            "train": {"files": 2, "rows": 120},
            "test": {"files": 1, "rows": 1},
        }
        # Everything behind the first question is asked of the commit, not of the branch.
        files = [path for _, path, _, _ in hub.log if "/resolve/" in path and ".parquet" in path]
        assert files and all(f"/resolve/{commit}/" in path for path in files)
        assert any(span for _, path, span, _ in hub.log if path.endswith(".parquet"))
        for case, words in {
            "gated": "gated/ds is gated",
            "code": "no code of a dataset is ever run",
            "absent": "no dataset owner/none",
            "revision": "no revision 'v9'",
            "config": "'fr' not found",
            "split": "no split 'dev'",
        }.items():
            assert words in found[case]["error"], found[case]
        assert "token: ${env:HF_TOKEN}" in found["gated"]["error"]
        assert "train, test" in found["split"]["error"]
        assert len(rows(tmp_path, "let_in")) == 5
        assert ("Bearer hf_secret") in {token for _, path, _, token in hub.log if "gated" in path}
        kept = [p for p in (tmp_path / "let_in").rglob("*") if p.is_file()]
        assert not any(b"hf_secret" in path.read_bytes() for path in kept)
    assert not (tmp_path / "RAN").exists()


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    build(tmp_path / "hub/owner/ds")
    case = {"dataset": "owner/ds", "config": "default"}
    with serving(tmp_path / "hub") as hub:
        hub.forbidden = "train-00001"
        found = fetched(tmp_path, hub, {"a": case, "allow": {}, "a+": case})
        assert "403" in found["a"]["error"]
        assert found["a+"]["splits"] == {"train": {"files": 2, "rows": 200}}
        assert [row["n"] for row in rows(tmp_path, "a")] == list(range(200))
        # The second time: neither what the branch is now, nor what is there already.
        asked = [path for _, path, _, _ in hub.log]
        assert asked and not any("train-00000" in path or "main" in path for path in asked)


def test_folders_and_no_network(tmp_path: Path) -> None:
    build(tmp_path / "ds")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/train.csv").write_text("text,label\none,1\ntwo,0\n")
    (tmp_path / "bare/README.md").write_text("---\nlicense: other\n---\n")
    found = fetched(tmp_path, None, {
        "folder": {"folder": str(tmp_path / "ds"), "config": "questions"},
        "bare": {"folder": str(tmp_path / "bare")},
        "nowhere": {"folder": str(tmp_path / "none")},
        "offline": {"dataset": "owner/ds"},
    }, HF_HUB_OFFLINE="1")  # fmt: skip
    assert found["folder"]["license"] == "CC-BY-SA-4.0" and found["folder"]["revision"] is None
    assert [row["question"] for row in rows(tmp_path, "folder")] == ["0?", "1?", "2?", "3?", "4?"]
    assert [row["text"] for row in rows(tmp_path, "bare")] == ["one", "two"]
    assert "states no licence that is known (other)" in found["bare"]["warnings"][0]
    assert (
        "no folder" in found["nowhere"]["error"] and "HF_HUB_OFFLINE" in found["offline"]["error"]
    )
    assert not (tmp_path / "RAN").exists()


def test_through_the_command(tmp_path: Path) -> None:
    build(tmp_path / "hub/owner/ds")
    (tmp_path / "r.yaml").write_text(
        "corpusmith: 1\ncorpus: c\nsources:\n"
        "  hub: {read: hf, dataset: owner/ds, config: questions, content: qa}\n"
    )
    command = [sys.executable, "-m", "corpusmith", "run", str(tmp_path / "r.yaml")]
    command += ["--workdir", str(tmp_path / "w")]
    with serving(tmp_path / "hub") as hub:
        env = environment(tmp_path / "home", hub)
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        commit = hub.commit("owner/ds")
    documents = cs.open(tmp_path / "w").documents().read_all().to_pylist()
    assert [row["text"] for row in documents] == [
        f"user: {n}?\n\nassistant: {n}!" for n in range(5)
    ]
    assert {(row["license"], row["lang"]) for row in documents} == {("CC-BY-SA-4.0", "zh")}
    assert json.loads(documents[0]["meta"])["hf_revision"] == commit


@pytest.mark.parametrize(
    ("source", "place", "words"),
    [
        ("{read: hf}", "a", "either `dataset`"),
        ("{read: hf, dataset: a/b, folder: c}", "a", "either `dataset`"),
        ("{read: hf, dataset: 'https://x/y'}", "dataset", "pattern"),
        ("{read: hf, dataset: a/b, splits: train}", "splits", "did you mean 'split'"),
        ("{read: hf, dataset: a/b, content: chat}", "content", "dialogues"),
        ("{read: hf, dataset: a/b, txt: body}", "txt", "did you mean 'text'"),
    ],
)
def test_errors_name_line_and_column(tmp_path: Path, source: str, place: str, words: str) -> None:
    line = f"  a: {source}"
    (tmp_path / "r.yaml").write_text(f"corpusmith: 1\ncorpus: x\nsources:\n{line}\n")
    with pytest.raises(RecipeError) as caught:
        plan.make(recipe.read(tmp_path / "r.yaml"), Workspace(tmp_path / "w"))
    column = line.index(f"{place}:") + 1
    text = str(caught.value)
    assert words in text
    assert any(f"r.yaml:4:{c}" in text for c in (column, column + len(place) + 2)), text
