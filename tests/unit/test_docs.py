"""The documentation says what is so: the tutorial runs, what is generated is up to date, links
lead somewhere, and every command, operation, rule set and key is in it.

A fenced block of the tutorial stands under a comment that says what it is:

    <!-- file: NAME -->    written to NAME
    <!-- run -->           run by bash; `run: fails` must end with an error
    <!-- output -->        each line is one of the last run, figures aside
    <!-- shown: REASON --> neither
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from corpusmith import catalog, recipe, steps
from corpusmith.clean.rulesets import load_rule_set, shipped
from corpusmith.collect.readers import READERS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r"^(?:<!-- (.*?) -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

sys.path.insert(0, str(DOCS))
generate = importlib.import_module("generate")


def blocks(path: Path) -> list[tuple[str, str, str]]:
    """(marker, language, content) of each fenced block of a page."""
    return [(m[1] or "", m[2], m[3]) for m in BLOCK.finditer(path.read_text(encoding="utf-8"))]


# --- the tutorial --------------------------------------------------------------------------


def shape(line: str) -> str:
    """A line of output without its figures, units and column widths."""
    line = re.sub(r"[0-9][0-9.,]*", "#", line)
    return " ".join(re.sub(r"# (?:B|kB|MB)\b", "# B", line).split())


def bash(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    tools = folder.parent / "bin"
    if not tools.exists():
        tools.mkdir()
        for name, command in (("python", ""), ("corpusmith", " -m corpusmith")):
            path = tools / name
            path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{command} "$@"\n')
            path.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )


def events(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]


def made(run: Path) -> list[str]:
    """Stages that a run made itself."""
    return [event["stage"] for event in events(run) if event["event"] == "stage"]


@pytest.mark.timeout(600)  # it may have to compile every kernel
def test_the_tutorial_runs(tmp_path: Path) -> None:
    folder = tmp_path / "tutorial"
    folder.mkdir()
    printed: list[str] = []
    for marker, language, content in blocks(DOCS / "tutorial.md"):
        kind, _, more = marker.partition(":")
        more = more.strip()
        if kind == "file":
            (folder / more).write_text(content, encoding="utf-8")
        elif kind == "run":
            done = bash(content, folder)
            assert (done.returncode != 0) == (more == "fails"), (content, done.stdout, done.stderr)
            printed = (done.stdout + done.stderr).splitlines()
        elif kind == "output":
            found = {shape(line) for line in printed}
            missing = [line for line in content.splitlines() if shape(line) not in found]
            assert not missing, (missing, printed)
        else:
            assert kind == "shown" and more, f"a block of {language} without a marker: {content}"

    # What the text says beside the blocks.
    workspace = folder / "corpora" / "tutorial"
    first, moved, ours, killed, last = sorted((workspace / "runs").iterdir())
    assert made(first)[:3] == ["collect.topics", "collect.notes", "clean.topics"]
    assert all(name.startswith("decide.") for name in made(moved))
    assert [n for n in made(ours) if n.startswith(("collect", "clean"))] == [
        "clean.topics",
        "clean.notes",
    ]
    assert made(killed)[-1] == "train" and not (killed / "summary.json").exists()
    assert made(last) == ["train", "evaluate"]
    metrics = next((workspace / "models").glob("*/metrics.jsonl")).read_text().splitlines()
    assert [json.loads(line)["step"] for line in metrics] == [10, 20, 30, 40, 50, 60]
    raw = (folder / "data" / "notes.jsonl").read_text(encoding="utf-8")
    assert "mira@example.org" in raw
    kept = [p for p in workspace.rglob("*") if p.is_file() and "collect." not in str(p)]
    assert not [p for p in kept if b"mira@example.org" in p.read_bytes()]


# --- what is generated ---------------------------------------------------------------------


def test_generating_again_changes_nothing() -> None:
    changed = [
        name
        for name, text in generate.pages().items()
        if (DOCS / name).read_text(encoding="utf-8") != text
    ]
    assert not changed, "python docs/generate.py"


def test_every_parameter_and_column_has_a_meaning() -> None:
    silent = []
    for path in [*DOCS.glob("stages/*.md"), DOCS / "reference/operations.md"]:
        head = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(("| key |", "| column |")):
                head = line
            elif not line.startswith("|"):
                head = ""
            elif head and line.endswith("|  |"):
                silent.append(f"{path.name}: {line}")
    assert not silent


# --- completeness --------------------------------------------------------------------------


def test_every_key_of_a_recipe_is_documented() -> None:
    text = (DOCS / "reference/recipe.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(recipe.TOP_KEYS)
    for key in (*catalog.STEP_KEYS, *catalog.SHORT_STEPS):
        assert f"`{key}`" in text, key


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_every_command_is_in_the_readme(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in generate.commands():
        assert re.search(rf"corpusmith {name}\b", text), name


def test_commands_operations_readers_and_rule_sets_have_their_sections() -> None:
    def headings(name: str) -> list[str]:
        text = (DOCS / "reference" / name).read_text(encoding="utf-8")
        return re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert headings("cli.md") == generate.commands()
    assert headings("operations.md") == list(catalog.OPERATIONS)
    assert headings("rules.md") == shipped()
    collect = (DOCS / "stages/collect.md").read_text(encoding="utf-8")
    for name in READERS:
        assert f"| `{name}` |" in collect, name


# --- examples and links --------------------------------------------------------------------


def test_the_examples_of_the_stages_are_valid(tmp_path: Path) -> None:
    """Fragments of recipes have known keys and steps; rule sets load."""
    base = {"corpusmith": 1, "corpus": "c", "sources": {"s": {"read": "text", "path": "*"}}}
    seen = 0
    for path in [*DOCS.glob("stages/*.md"), ROOT / "README.md", ROOT / "README.zh.md"]:
        for _, language, content in blocks(path):
            if language != "yaml":
                continue
            seen += 1
            values = YAML(typ="safe", pure=True).load(content)
            if "where" in values:
                (tmp_path / "set.yaml").write_text(content, encoding="utf-8")
                assert load_rule_set("./set.yaml", tmp_path).rules
                continue
            values = {"clean": values} if isinstance(values, list) else values
            file = tmp_path / "recipe.yaml"
            YAML().dump({**base, **values}, file)
            steps.build(recipe.read(file))
    assert seen >= 10


def anchors(path: Path) -> set[str]:
    """GitHub's anchors of the headings of a page."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(path), f"{page.name}: {target}"


def test_both_readmes_have_the_same_commands_pictures_and_links() -> None:
    def skeleton(name: str) -> tuple[list, list, int]:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        code = [
            re.sub(r"#.*", "", content)
            for _, language, content in blocks(path)
            if language in ("bash", "yaml", "python")
        ]
        links = re.findall(r"\]\(([^)\s#]+)", text)
        return [" ".join(c.split()) for c in code], sorted(links), text.count("\n## ")

    english, chinese = skeleton("README.md"), skeleton("README.zh.md")
    others = {"README.md", "README.zh.md"}
    for one in (english, chinese):
        one[1][:] = [link for link in one[1] if link not in others]
    assert english == chinese


def test_the_tree_in_the_readme_names_what_is_there() -> None:
    for page in ("README.md", "README.zh.md"):
        [tree] = [c for _, _, c in blocks(ROOT / page) if c.startswith("src/corpusmith/")]
        named = re.findall(r"^  (\w+(?:/|\.py))", tree, re.MULTILINE)
        for name in named:
            assert (ROOT / "src/corpusmith" / name).exists(), name
        folders = {p.name + "/" for p in (ROOT / "src/corpusmith").iterdir() if p.is_dir()}
        assert folders - {"__pycache__/"} <= set(named)
