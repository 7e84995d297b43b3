"""A run that fails leaves a record of what it made, and everything that looks at runs reads it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

import corpusmith as cs
from corpusmith.cli.main import main
from corpusmith.errors import UserError
from corpusmith.report.verify import verify
from tests.e2e import corpus

SOURCES = "{a: {read: jsonl, path: a.jsonl}, b: {read: jsonl, path: b.jsonl}}"
HEAD = f"corpusmith: 1\ncorpus: c\nsources: {SOURCES}\n"
BREAKS = """import os, pyarrow as pa
from corpusmith.op import op, signal
ADDS = pa.schema([signal("one", pa.int64(), "", "1")])
@op("one.v1", kind="measure", adds=ADDS)
def one(batch, ctx):
    return pa.table({"one": pa.array([1] * len(batch), pa.int64())})
@op("breaks.v1", kind="decide", needs=("one",))
def breaks(batch, ctx):
    raise RuntimeError("no decision today")
@op("sleeps.v1", kind="decide", needs=("one",))
def sleeps(batch, ctx):
    import time
    time.sleep(60)
"""


def sources(folder: Path, *, broken: int = 0) -> None:
    for name in "ab":
        rows = [json.dumps({"text": f"{name} says a few words, number {n}"}) for n in range(20)]
        rows += ['{"text": '] * (broken if name == "b" else 0)
        (folder / f"{name}.jsonl").write_text("\n".join(rows) + "\n")
    (folder / "mine.py").write_text(BREAKS)


def cli(capfd: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    """Exit code and both streams of a command."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    found = capfd.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, found.out, found.err


@pytest.mark.parametrize(
    ("recipe", "broken", "code", "words", "made", "missing"),
    [
        ("clean: [normalize]\n", 10, 1, "went to quarantine", "collect.b", "clean.a"),
        (
            "clean: [{measure: './mine.py:one'}, {decide: './mine.py:breaks'}]\n",
            0,
            2,
            "no decision today",
            "clean.b",
            "decide.breaks",
        ),
        (
            "clean: [{keep: {name: none, where: {modality: [code]}}}]\ntokenize: {train: bpe}\n",
            0,
            2,
            "no document is left to train a tokenizer on",
            "decide.none",
            "tokenizer",
        ),
    ],
)
def test_a_failed_run_can_be_looked_at(
    tmp_path: Path,
    capfd: pytest.CaptureFixture,
    recipe: str,
    broken: int,
    code: int,
    words: str,
    made: str,
    missing: str,
) -> None:
    sources(tmp_path, broken=broken)
    path, work = tmp_path / "r.yaml", tmp_path / "w"
    path.write_text(HEAD + recipe)
    exit_code, _, err = cli(capfd, "run", path, "--workdir", work, "--workers", 1)
    assert (exit_code, words in err) == (code, True)
    [folder] = (work / "runs").iterdir()
    assert not (work / "latest").exists()  # `latest` is the last run that finished

    run = cs.open(folder)
    assert run.summary["status"] == "failed"
    assert words in run.summary["error"]["error"]
    assert run.summary["error"]["exit"] == code
    assert made in run.summary["stages"] and missing not in run.summary["stages"]
    counts = run.summary["documents"]
    assert counts["read"] == 40 + broken
    assert counts["quarantined"] == broken
    left = counts["dropped"] + counts["merged"] + counts["quarantined"]
    assert counts["read"] + counts["created"] == counts["kept"] + left
    assert verify(run)["problems"] == []

    exit_code, out, _ = cli(capfd, "show", folder)
    assert exit_code == 0
    assert "THIS RUN FAILED" in out and words in out and missing in out
    assert json.loads(cli(capfd, "show", folder, "--json")[1])["summary"]["status"] == "failed"
    exit_code, out, _ = cli(capfd, "verify", folder)
    assert (exit_code, "this run failed; what it made is fine" in out) == (0, True)
    assert cli(capfd, "why", folder, "a.jsonl#0")[0] == 0
    page = (folder / "report.html").read_text()
    assert words in page and f"{40 + broken:,}" in page

    # Whoever names the work folder is told of it.
    exit_code, _, err = cli(capfd, "show", work)
    assert (exit_code, f"corpusmith show {folder}" in err) == (2, True)


def test_latest_stays_at_the_last_run_that_finished(tmp_path: Path) -> None:
    sources(tmp_path)
    path, work = tmp_path / "r.yaml", tmp_path / "w"
    path.write_text(HEAD)
    good = cs.run(path, workdir=work, workers=1)
    assert (good.summary["status"], good.summary["error"]) == ("finished", None)
    path.write_text(HEAD + "clean: [{measure: './mine.py:one'}, {decide: './mine.py:breaks'}]\n")
    with pytest.raises(UserError, match="no decision today"):
        cs.run(path, workdir=work, workers=1)
    assert cs.open(work).folder == good.folder


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_leaves_its_summary(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    sources(tmp_path)
    path, work = tmp_path / "r.yaml", tmp_path / "w"
    path.write_text(HEAD + "clean: [{measure: './mine.py:one'}, {decide: './mine.py:sleeps'}]\n")
    command = corpus.command("run", path, "--workdir", work, "--workers", 1, "--progress", "json")
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if '"start"' in line and "decide.sleeps" in line:
            break
    time.sleep(0.2)
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "run again to go on" in err) == (code, True)
    [folder] = (work / "runs").iterdir()
    summary = cs.open(folder).summary
    assert (summary["status"], summary["error"]["exit"]) == ("interrupted", code)
    assert "clean.b" in summary["stages"] and "decide.sleeps" not in summary["stages"]
    [last] = [json.loads(x) for x in (folder / "events.jsonl").read_text().splitlines()][-1:]
    assert last["event"] == "interrupted"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense", "--json"], "no such command"),
        (["rum", "--json"], "'run'"),
        (["--json"], "no such option"),
        (["run", "--json"], "missing argument"),
        (["show", "--jsn", "--json", "x"], "--json"),
        (["run", "r.yaml", "--workers", "many", "--json"], "--workers"),
        (["whatif", "x", "--json"], "--set"),
        (["run", "r.yaml", "--json", "--progress", "loud"], "--progress loud"),
        (["run", "r.yaml", "--json", "--engine", "ray"], "no engine"),
        (["show", "nowhere", "--json"], "no run here"),
        (["check", "nowhere.yaml", "--json"], "can't read the recipe"),
    ],
)
def test_usage_errors_are_json_where_json_is_asked_for(
    capfd: pytest.CaptureFixture, arguments: list[str], words: str
) -> None:
    code, out, err = cli(capfd, *arguments)
    found = json.loads(out)
    assert (code, found["exit"], err) == (2, 2, "")
    assert words in found["error"] + found["expected"]
    assert found["try"] or found["expected"]


def test_the_python_api_on_a_run(tmp_path: Path) -> None:
    sources(tmp_path)
    (tmp_path / "r.yaml").write_text(HEAD + "clean: [normalize]\n")
    run = cs.run(tmp_path / "r.yaml", workdir=tmp_path / "w", workers=1)
    pairs = "select count(*) n from documents a join documents b using (source)"
    assert run.sql(pairs).to_pylist() == [{"n": 2 * 20 * 20}]
    assert run.to_datasets(split="all").num_rows == 40
    with pytest.raises(UserError, match="made no tokens"):
        run.to_torch()
    with pytest.raises(UserError, match="no run here"):
        cs.open(tmp_path)


def test_init_writes_and_never_overwrites(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    assert cli(capfd, "init", tmp_path)[0] == 0
    written = tmp_path / "recipe.yaml"
    first = written.read_text()
    for again in (tmp_path, written):
        code, _, err = cli(capfd, "init", again)
        assert (code, "nothing is overwritten" in err) == (2, True)
    assert cli(capfd, "init", tmp_path / "new" / "folder" / "mine.yaml")[0] == 0
    assert (tmp_path / "new" / "folder" / "mine.yaml").read_text() == written.read_text() == first
