"""Datasets of the hub and of folders, through the hub's own libraries, against a local server."""

from __future__ import annotations

import dataclasses
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
from tests.hub_server import Hub, serving
from tests.recipe_errors import check_source_error

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
from corpusmith.collect.hub import download
download.BLOCK_BYTES = 1000
found = {}
for name, params in json.loads(sys.argv[1]).items():
    if name == "allow":
        urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/allow")
        continue
    if name == "offline":
        import huggingface_hub.constants
        huggingface_hub.constants.HF_HUB_OFFLINE = True
        huggingface_hub.close_session()
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


def environment(home: Path, hub: Hub) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    ours = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    return {**env, **ours}


CASES = {
    "plain": {"dataset": "owner/ds", "config": "default"},
    "allow": {},
    "plain+": {"dataset": "owner/ds", "config": "default"},
    "both": {"dataset": "owner/ds", "split": ["train", "test"], "rows": 120},
    "gated": {"dataset": "gated/ds"},
    "let_in": {"dataset": "gated/ds", "config": "questions", "token": "hf_secret"},
    "code": {"dataset": "owner/code"},
    "absent": {"dataset": "owner/none"},
    "revision": {"dataset": "owner/ds", "revision": "v9"},
    "config": {"dataset": "owner/ds", "config": "fr"},
    "split": {"dataset": "owner/ds", "config": "default", "split": "dev"},
    "folder": {"folder": "local", "config": "questions"},
    "bare": {"folder": "bare"},
    "nowhere": {"folder": "none"},
    "empty": {"folder": "empty"},
    "damaged": {"folder": "damaged"},
    "offline": {"dataset": "owner/ds"},
}


@dataclasses.dataclass
class Run:
    """What the cases gave, one after another in one process, and what the server was asked."""

    folder: Path
    found: dict[str, Any]
    log: list[tuple[str, str, str, str]]
    commit: str

    def rows(self, case: str) -> list[dict[str, Any]]:
        paths = sorted((self.folder / case / "data").glob("*.parquet"))
        return [row for path in paths for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("hub")
    for name in ("hub/owner/ds", "hub/gated/ds", "hub/owner/code", "local"):
        build(folder / name)
    (folder / "hub/owner/code/code.py").write_text("open('RAN', 'w')\n")
    for name in ("bare", "empty", "damaged"):
        (folder / name).mkdir()
    (folder / "damaged/train.jsonl").write_text('{"text": "a"}\n{"text": nope\n')
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), folder / "empty/train-0.parquet")
    pq.write_table(pa.table({"text": ["one"]}), folder / "empty/train-1.parquet")
    (folder / "bare/train.csv").write_text("text,label\none,1\ntwo,0\n")
    (folder / "bare/README.md").write_text("---\nlicense: other\n---\n")
    with serving(folder / "hub") as hub:
        hub.forbidden = "train-00001"  # from there on, until the case `allow`
        hub.forbidden_from = 1500
        done = subprocess.run(
            [sys.executable, "-c", FETCH, json.dumps(CASES), str(folder / "made")],
            env=environment(folder / "home", hub), cwd=folder,
            capture_output=True, text=True, timeout=250, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        made = Run(folder / "made", found, list(hub.log), hub.commit("owner/ds"))
    assert not (folder / "RAN").exists()  # no code of a dataset
    return made


def test_what_is_there_is_not_fetched_again(run: Run) -> None:
    assert "403" in run.found["plain"]["error"]
    # The second time: neither what the branch is now, nor what is there already.
    first = next(n for n, entry in enumerate(run.log) if entry[1].endswith("/revision/main"))
    asked = [(path, span) for _, path, span, _ in run.log[:first] if "resolve" in path]
    assert not any("train-00000" in path for path, _ in asked)
    # Not even the beginning of the file at which it ended: two blocks had come.
    spans = [span for path, span in asked if "train-00001" in path]
    assert spans[0].startswith("bytes=2000-") and not any(s.startswith("bytes=0-") for s in spans)
    assert not list((run.folder / "plain/state").glob("train-*"))  # no copy is left


def test_rows_and_where_they_are_from(run: Run) -> None:
    assert run.found["plain+"] == {
        **{"dataset": "owner/ds", "revision": run.commit, "config": "default"},
        **{"license": "CC-BY-SA-4.0", "languages": ["zh"], "warnings": []},
        "splits": {"train": {"files": 2, "rows": 200}},
    }
    table = run.rows("plain")
    assert [row["n"] for row in table] == list(range(200)) and table[7]["text"] == "行 7"
    origin = {"hf_dataset": "owner/ds", "hf_revision": run.commit, "hf_config": "default"}
    said = {"hf_split": "train", "license": "CC-BY-SA-4.0", "lang": "zh"}
    assert table[0] == {"text": "行 0", "n": 0, **origin, **said}
    assert run.found["both"]["splits"] == {
        "train": {"files": 2, "rows": 120},
        "test": {"files": 1, "rows": 1},
    }
    # Everything behind the first question is asked of the commit, not of the branch.
    files = [path for _, path, _, _ in run.log if "/owner/ds/resolve/" in path]
    assert files and all(f"/resolve/{run.commit}/" in path for path in files)
    assert any(span for _, path, span, _ in run.log if path.endswith(".parquet"))


@pytest.mark.parametrize(
    ("case", "words", "hint"),
    [
        ("gated", "gated/ds is gated", "token: ${env:HF_TOKEN}"),
        ("code", "no code of a dataset is ever run", "refs/convert/parquet"),
        ("absent", "no dataset owner/none", "check the id"),
        ("revision", "no revision 'v9'", "a commit"),
        ("config", "'fr' not found", "questions"),
        ("split", "no split 'dev'", "train, test"),
        ("nowhere", "no folder none", ""),
        ("damaged", "damaged, train.jsonl: ", "`read: jsonl`"),
        ("offline", "switched off by HF_HUB_OFFLINE", "`folder:`"),
    ],
)
def test_errors_say_what_to_do(run: Run, case: str, words: str, hint: str) -> None:
    error = run.found[case]["error"]
    assert words in error and hint in error


def test_a_token_lets_in_and_is_kept_nowhere(run: Run) -> None:
    assert len(run.rows("let_in")) == 5
    assert "Bearer hf_secret" in {token for _, path, _, token in run.log if "gated" in path}
    kept = [path for path in (run.folder / "let_in").rglob("*") if path.is_file()]
    assert kept and not any(b"hf_secret" in path.read_bytes() for path in kept)


def test_folders(run: Run) -> None:
    found = run.found["folder"]
    assert found["license"] == "CC-BY-SA-4.0" and found["revision"] is None
    assert [row["question"] for row in run.rows("folder")] == ["0?", "1?", "2?", "3?", "4?"]
    assert [row["text"] for row in run.rows("bare")] == ["one", "two"]
    assert run.found["empty"]["splits"] == {"train": {"files": 2, "rows": 1}}
    assert "states no licence that is known (other)" in run.found["bare"]["warnings"][0]


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
    check_source_error(tmp_path, source, place, words)
