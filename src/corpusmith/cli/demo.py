"""`corpusmith demo`: the main job on input that is on this machine already, or in a folder."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from corpusmith.cli.commands import listener, present, shorter
from corpusmith.cli.main import AsJson, ProgressKind, Workdir, Workers, app
from corpusmith.errors import CheckError


@app.command(short_help="The main job on Python's own documentation and code.")
def demo(
    path: Annotated[
        Path | None, typer.Option("--path", metavar="DIR", help="a folder of yours instead")
    ] = None,
    workdir: Workdir = None,
    workers: Workers = None,
    progress: ProgressKind = "auto",
    json_: AsJson = False,
) -> None:
    """Clean, deduplicate, tokenize, train and evaluate on Python's own documentation and code."""
    from corpusmith import demo as sources
    from corpusmith import runner

    root = (workdir or Path("corpora") / "demo").absolute()
    root.mkdir(parents=True, exist_ok=True)
    recipe = root / "recipe.yaml"
    if path is None:
        if progress != "none":
            print("making the demo's input: pydoc pages, library source, READMEs", file=sys.stderr)
        sources.prepare(root / "sources")
        text = files("corpusmith").joinpath("recipes/demo.yaml").read_text(encoding="utf-8")
        recipe.write_text(text, encoding="utf-8")
    else:
        write_recipe(recipe, sources.sources_of(path.absolute()))
    hear = listener(progress)
    try:
        found = runner.run(recipe, workdir=root, workers=workers, listener=hear)
    finally:
        hear.close()
    present(found, json_)
    check_sources(found)
    if path is None:
        check_model(found)
    if not json_:
        shutil.copyfile(recipe, found.folder / "recipe.yaml")
        print(f"recipe     {shorter(recipe)}: change it, then  corpusmith run {shorter(recipe)}")


def write_recipe(recipe: Path, sources: dict[str, dict[str, Any]]) -> None:
    """The demo's recipe with a user's sources in place of its own."""
    text = files("corpusmith").joinpath("recipes/demo.yaml").read_text(encoding="utf-8")
    head, _, rest = text.partition("sources:\n")
    _, _, tail = rest.partition("clean:\n")
    listed = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in sources.items())
    lines = [line for line in tail.splitlines() if not line.startswith("mix:")]
    tail = "\n".join(lines).replace(", group: group", "")
    recipe.write_text(f"{head}sources:\n{listed}clean:\n{tail}\n", encoding="utf-8")


def check_sources(found: Any) -> None:
    """CheckError unless every source has tokens that were kept and trained on."""
    summary = found.summary
    kept, drawn = summary["tokens"]["by_source"], summary["tokens"]["mix"]["by_source"]
    for source in found.sources:
        if not kept.get(source):
            raise CheckError(
                f"no token of source {source!r} was kept",
                hint=f"corpusmith show {shorter(found.root / 'latest')}",
            )
        if not drawn.get(source, {}).get("drawn_tokens"):
            raise CheckError(f"no token of source {source!r} was trained on")


def check_model(found: Any) -> None:
    """CheckError unless the model beats both baselines on the pooled held-out documents."""
    model = found.summary["model"]
    for name, baseline in model["baselines"].items():
        if model["bits_per_byte"] >= baseline:
            raise CheckError(
                f"the model's {model['bits_per_byte']:.3f} bits per byte do not beat {name}'s "
                f"{baseline:.3f}"
            )
