"""Commands that make something: init, check, run, doctor."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from corpusmith.cli.main import (
    AsJson,
    ProgressKind,
    RecipePath,
    Workdir,
    Workers,
    app,
    show_json,
)
from corpusmith.errors import UserError

STARTS = ("init", "crawl")
PROGRESS = ("auto", "plain", "json", "none")


@app.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="RECIPE")] = Path("recipe.yaml"),
    from_: Annotated[
        str, typer.Option("--from", metavar="NAME", help="init (local files) or crawl (a website)")
    ] = "init",
    json_: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show it, write nothing")] = False,
) -> None:
    """Write a commented recipe to start from; RECIPE may be a folder."""
    from importlib.resources import files

    from corpusmith.errors import nearest
    from corpusmith.store.atomic import disk_errors

    if from_ not in STARTS:
        raise UserError(f"no recipe {from_!r} to start from", expected=nearest(from_, STARTS))
    text = files("corpusmith").joinpath(f"recipes/{from_}.yaml").read_text(encoding="utf-8")
    if dry_run:
        print(text, end="")
        return
    if path.is_dir():
        path = path / "recipe.yaml"
    try:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        there = path.exists()
        raise UserError(
            f"{path} is there already" if there else f"can't write {path}: {error.strerror}",
            hint="choose another name: nothing is overwritten",
        ) from None
    if json_:
        show_json({"written": str(path)})
    else:
        key = "path" if from_ == "init" else "seeds"
        print(f"wrote {path}\nnext: set its `{key}:`, then  corpusmith check {path}")


@app.command(short_help="Validate a recipe and show its plan.")
def check(recipe_path: RecipePath, workdir: Workdir = None, json_: AsJson = False) -> None:
    """Validate a recipe and show its plan: what is there already, what would run."""
    show_plan(recipe_path, workdir, json_)


def show_plan(
    recipe_path: Path, workdir: Path | None, json_: bool, refresh: Collection[str] = ()
) -> None:
    """The plan's stages. Behind a snapshot that is not fetched yet no result is known."""
    from corpusmith import plan, recipe
    from corpusmith.runner import workspace_for

    source = recipe.read(recipe_path)
    planned = plan.make(source, workspace_for(source, workdir), refresh=refresh)
    rows: list[dict[str, Any]] = [
        {
            "stage": stage.name,
            "fingerprint": None if stage.provisional else stage.fingerprint[:16],
            "cached": stage.cached,
            "state": "there already"
            if stage.cached
            else ("would fetch" if stage.missing else "would run"),
            "inputs": list(stage.inputs),
        }
        for stage in planned.stages
    ]
    if json_:
        show_json({"recipe": str(recipe_path), "corpus": source.corpus, "stages": rows})
        return
    from corpusmith.cli.tables import print_table

    print(f"{recipe_path}: fine. {len(rows)} stages for corpus {source.corpus!r}:")
    print_table(
        ["stage", "result", "state"],
        [[row["stage"], row["fingerprint"] or "not known yet", row["state"]] for row in rows],
    )
    print(f"next: corpusmith run {recipe_path}")


@app.command()
def run(
    recipe_path: RecipePath,
    workdir: Workdir = None,
    workers: Workers = None,
    engine: Annotated[str, typer.Option("--engine", metavar="local")] = "local",
    until: Annotated[
        str | None, typer.Option("--until", metavar="STEP", help="stop after this step")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="wait where another process makes a result")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="exit 1 on any warning")] = False,
    refresh: Annotated[
        list[str] | None,
        typer.Option("--refresh", metavar="SOURCE", help="fetch this source anew (repeatable)"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show the plan")] = False,
    progress: ProgressKind = "auto",
    json_: AsJson = False,
) -> None:
    """Run a recipe; what is there already is taken as it is."""
    if engine != "local":
        raise UserError(f"no engine {engine!r}", expected="local")
    if dry_run:
        show_plan(recipe_path, workdir, json_, refresh or ())
        return
    from corpusmith import runner

    hear = listener(progress)
    try:
        found = runner.run(
            recipe_path,
            workdir=workdir,
            workers=workers,
            until=until,
            wait=wait,
            strict=strict,
            refresh=refresh or (),
            listener=hear,
        )
    finally:
        hear.close()
    present(found, json_)


def listener(progress: str) -> Any:
    from corpusmith.cli import progress as displays
    from corpusmith.errors import nearest

    if progress not in PROGRESS:
        raise UserError(f"--progress {progress}", expected=nearest(progress, PROGRESS))
    return displays.listener(progress)


def present(found: Any, json_: bool) -> None:
    """What a run made, in a few lines, and where to look next."""
    from corpusmith.cli.tables import tell

    summary = found.summary
    if json_:
        show_json({**summary, "run": str(found.folder)})
        return
    counts = summary["documents"]
    for warning in summary["warnings"]:
        tell("WARNING  ", warning)
    words = ", ".join(f"{counts[k]:,} {k}" for k in ("kept", "dropped", "merged", "quarantined"))
    tell("documents  ", f"{counts['read'] + counts['created']:,} in: {words}")
    tokens = summary["tokens"]
    if tokens["total"]:
        listed = ", ".join(f"{s} {n:,}" for s, n in tokens["by_source"].items())
        tell("tokens     ", f"{tokens['total']:,} ({listed})")
    model = summary["model"]
    if "bits_per_byte" in model:
        rows = {"model": model["bits_per_byte"], **model.get("baselines", {})}
        listed = ", ".join(f"{name} {value:.3f}" for name, value in rows.items())
        tell("model      ", f"{model.get('parameters', 0):,} parameters")
        tell("           ", f"bits per byte, held out (lower is better): {listed}")
    print(f"run        {shorter(found.folder)}")
    print(f"report     {shorter(found.folder / 'report.html')}")
    latest = shorter(found.root / "latest")
    for number, next_ in enumerate(("show", "why", "whatif")):
        rest = {"why": " ID", "whatif": " --set RULE=RANGE"}.get(next_, "")
        print(f"{'' if number else 'next':<11}corpusmith {next_} {latest}{rest}")


def shorter(path: Path) -> str:
    """A path from where we stand, where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@app.command(short_help="Look at the installation.")
def doctor(
    warm: Annotated[bool, typer.Option("--warm", help="compile the kernels now")] = False,
    json_: AsJson = False,
) -> None:
    """Look at the installation: versions, extras, kernels, cores, memory."""
    from corpusmith.cli.doctor import examine

    found = examine(warm=warm)
    if json_:
        show_json(found)
    else:
        from corpusmith.cli.tables import print_table

        shown = {**found, "problems": "; ".join(found["problems"]) or "none"}
        print_table(["what", "found"], [[k.replace("_", " "), str(v)] for k, v in shown.items()])
    if found["problems"]:
        raise typer.Exit(1)
