"""Commands that look at a run and change nothing: show, why, whatif, diff, verify."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from corpusmith.cli.main import AsJson, RunPath, app, show_json
from corpusmith.errors import CheckError, UserError

DocumentId = Annotated[
    str, typer.Argument(metavar="ID", help="a document's id, the start of one, or its uri")
]


def text_of(blocks: list[Any]) -> list[str]:
    """Lines of text and tables, all as lines."""
    from corpusmith.cli.tables import table_lines

    lines: list[str] = []
    for block in blocks:
        if isinstance(block, str):
            lines.append(block)
        else:
            lines += table_lines(block.head, block.rows, numbers=block.numbers)
    return lines


@app.command(short_help="The funnel: what left, at which step, by which rule.")
def show(
    run_path: RunPath,
    source: Annotated[str | None, typer.Option("--source", help="of this source alone")] = None,
    every: Annotated[bool, typer.Option("--all", help="rules that dropped nothing, too")] = False,
    json_: AsJson = False,
) -> None:
    """The funnel: documents and tokens in and out of every step and rule."""
    from corpusmith.cli.commands import shorter
    from corpusmith.cli.tables import print_table, tell
    from corpusmith.errors import nearest
    from corpusmith.report.run import Run
    from corpusmith.report.show import ESTIMATES, funnel, render_funnel, render_status

    run = Run(run_path)
    rows = funnel(run)
    if source is not None and source not in run.sources:
        raise UserError(f"no source {source!r}", expected=nearest(source, run.sources))
    if json_:
        show_json({"run": str(run.folder), "funnel": rows, "summary": run.summary})
        return
    for line in render_status(run):
        tell("", line)
    for warning in run.summary["warnings"]:
        tell("WARNING  ", warning)
    table = render_funnel(rows, source=source, quiet=not every)
    # A row's `in` is the `out` of the row before.
    print_table(table.head, table.rows, numbers=table.numbers, give_way=(5, 1, 3))
    if any("≈" in cell for row in table.rows for cell in row):
        tell("≈  ", ESTIMATES)
    for name, kinds in run.summary.get("skipped", {}).items():
        if source in (None, name):
            listed = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
            tell("skipped  ", f"in {name}, no documents by definition: {listed}")
    for name, kinds in run.summary.get("layouts", {}).items():
        if source in (None, name):
            listed = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
            tell("layouts  ", f"of {name}, in documents: {listed}")
    if (run.folder / "report.html").exists():
        print(f"\nreport  {shorter(run.folder / 'report.html')}")


@app.command(short_help="One document's way: signals, rules, verdict.")
def why(run_path: RunPath, document: DocumentId, json_: AsJson = False) -> None:
    """One document's way: where from, each signal, each rule, the verdict."""
    from corpusmith.report.run import Run
    from corpusmith.report.why import render_why
    from corpusmith.report.why import why as ask

    found = ask(Run(run_path), document)
    if json_:
        show_json(found)
    else:
        print("\n".join(render_why(found)))


@app.command(short_help="What other thresholds would keep and drop.")
def whatif(
    run_path: RunPath,
    changes: Annotated[
        list[str],
        typer.Option("--set", metavar="STEP.RULE.min=N", help="e.g. gopher.words.min=100"),
    ],
    examples: Annotated[int, typer.Option("--examples", min=0, help="documents shown")] = 5,
    json_: AsJson = False,
) -> None:
    """What other thresholds would keep and drop, from the stored signals alone."""
    from corpusmith.report.run import Run
    from corpusmith.report.whatif_run import render_whatif, whatif_run

    found = whatif_run(Run(run_path), changes, examples=examples)
    if json_:
        show_json(found)
    else:
        print("\n".join(render_whatif(found)))


@app.command(short_help="A document before and after each edit, or two runs.")
def diff(
    run_path: RunPath,
    other: Annotated[
        str, typer.Argument(metavar="ID|RUN", help="a document's id or uri, or another run")
    ],
    json_: AsJson = False,
) -> None:
    """A document before and after each edit, or what changed between two runs."""
    from pathlib import Path

    from corpusmith.report.run import Run

    if Path(other).is_dir():
        from corpusmith.report.rundiff import diff_runs, render_diff_runs

        found = diff_runs(Run(run_path), Run(other))
        lines = [] if json_ else text_of(render_diff_runs(found))
    else:
        from corpusmith.report.diff import diff as compare
        from corpusmith.report.diff import render_diff

        found = compare(Run(run_path), other)
        lines = [] if json_ else render_diff(found)
    if json_:
        show_json(found)
    else:
        print("\n".join(lines))


@app.command(short_help="Re-check checksums, the conservation law and the joins.")
def verify(run_path: RunPath, json_: AsJson = False) -> None:
    """Re-check every checksum, the conservation law and the joins; exit 1 on any problem."""
    from corpusmith.report.run import Run
    from corpusmith.report.verify import render_verify
    from corpusmith.report.verify import verify as recheck

    run = Run(run_path)
    found = recheck(run)
    if json_:
        show_json(found)
    else:
        print("\n".join(render_verify(found)))
    if found["problems"]:
        if json_:
            raise typer.Exit(1)
        number = len(found["problems"])
        raise CheckError(
            f"{number:,} problem{'s' if number > 1 else ''} in this run",
            where=str(run.folder),
            hint="a damaged result is made again once its folder is removed",
        )
