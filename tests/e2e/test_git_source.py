"""`read: git`, through the command: what is pinned, what a refresh brings, secrets masked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import corpusmith as cs
from tests.e2e.test_failed_runs import cli
from tests.recipe_errors import check_source_error
from tests.unit.test_collect_git import MIT, git

KEY = "AKIA" + "Q3EGRKXJ5TZ7WMVB"  # of the form of AWS's, belongs to nobody


def build(folder: Path) -> Path:
    project = folder / "project"
    project.mkdir(parents=True)
    git(project, "init", "-q", "-b", "main")
    (project / "LICENSE").write_text(MIT)
    (project / "deploy.py").write_text(f"aws_access_key_id = '{KEY}'\nprint('deployed')\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "first")
    text = "corpusmith: 1\ncorpus: c\nsources:\n  ours: {read: git, repository: project}\n"
    (folder / "r.yaml").write_text(text + "clean: [normalize, {pii: mask}]\n")
    return project


def texts(folder: Path) -> dict[str, str]:
    rows = cs.open(folder / "w").documents().read_all().to_pylist()
    return {row["uri"]: row["text"] for row in rows}


def test_a_repository_is_pinned_until_it_is_refreshed(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    project = build(tmp_path)
    run = ("run", tmp_path / "r.yaml", "--workdir", tmp_path / "w")
    code, _, err = cli(capfd, *run)
    assert code == 0, err
    found = texts(tmp_path)
    assert sorted(found) == ["project/LICENSE", "project/deploy.py"]
    assert (
        KEY not in found["project/deploy.py"] and "print('deployed')" in found["project/deploy.py"]
    )
    row = cs.open(tmp_path / "w").documents().read_all().to_pylist()[1]
    assert row["license"] == "MIT" and row["modality"] == "code"
    first = git(project, "rev-parse", "HEAD")
    assert json.loads(row["meta"])["commit"] == first
    [manifest] = (tmp_path / "w" / "store").glob("snapshot.ours-*/manifest.json")
    assert json.loads(manifest.read_text())["info"]["repositories"][0]["commit"] == first

    (project / "new.py").write_text("x = 1\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "second")
    planned = cli(capfd, "check", tmp_path / "r.yaml", "--workdir", tmp_path / "w")[1]
    assert "would run" not in planned and "snapshot.ours" in planned  # as it was fetched
    code, _, err = cli(capfd, *run, "--refresh", "ours")
    assert code == 0, err
    assert "project/new.py" in texts(tmp_path)
    assert cli(capfd, "verify", tmp_path / "w")[0] == 0


@pytest.mark.parametrize(
    ("source", "place", "words"),
    [
        ("{read: git}", "a", "needs the key 'repository'"),
        ("{read: git, repository: p, revison: main}", "revison", "did you mean 'revision'"),
        ("{read: git, repository: p, dates: day}", "dates", "commit"),
        ("{read: git, repository: p, notebooks: html}", "notebooks", "markdown"),
        ("{read: git, repository: p, path: x}", "path", "no key 'path'"),
    ],
)
def test_errors_name_line_and_column(tmp_path: Path, source: str, place: str, words: str) -> None:
    check_source_error(tmp_path, source, place, words)
