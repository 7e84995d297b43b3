"""The command line. Results on stdout, progress on stderr; every command has --json.

Exit codes: 0 fine, 1 a check failed, 2 usage, recipe or input, 70 our own fault,
130 and 143 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from corpusmith import __version__
from corpusmith.errors import CorpusmithError, UserError, redacted

app = typer.Typer(
    name="corpusmith",
    help="From raw sources to a trained, evaluated language model; every decision on record.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="the recipe, a YAML file")]
RunPath = Annotated[
    Path, typer.Argument(metavar="RUN", help="a run folder, or a folder with `latest` in it")
]
Workdir = Annotated[
    Path | None,
    typer.Option(
        "--workdir",
        metavar="DIR",
        help="results of this corpus, and of no other; default: corpora/<corpus>",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="worker processes; default: all cores")
]
ProgressKind = Annotated[
    str, typer.Option("--progress", metavar="auto|plain|json|none", help="how to show progress")
]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"corpusmith {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="the version")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="tracebacks of errors")] = False,
) -> None:
    if debug:
        os.environ["CORPUSMITH_DEBUG"] = "1"


def show_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; turns errors into their words and exit codes."""
    from corpusmith.cli import commands, demo, look  # noqa: F401  they register themselves

    try:
        result = app(args=arguments, standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except CorpusmithError as error:
        code = error.exit_code
        report_error(error, arguments)
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted: what is finished is kept, run again to go on", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        # The reader of our output has seen enough (| head).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except typer.Exit as stop:
        code = stop.exit_code
    except BaseException as error:
        code = _other(error)
    sys.exit(code)


def _other(error: BaseException) -> int:
    if type(error).__name__ == "Terminated":
        print("terminated: what is finished is kept, run again to go on", file=sys.stderr)
        return 143
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    show = getattr(error, "show", None)  # click's usage errors
    if show is not None:
        show()
        return 2
    if os.environ.get("CORPUSMITH_DEBUG"):
        traceback.print_exception(error)
    else:
        print(f"corpusmith: a fault of our own: {type(error).__name__}: {error}", file=sys.stderr)
        print("  try: the same command with --debug after `corpusmith`", file=sys.stderr)
    return 70


def report_error(error: CorpusmithError, arguments: list[str] | None) -> None:
    if os.environ.get("CORPUSMITH_DEBUG"):
        traceback.print_exception(error)
        return
    given = arguments if arguments is not None else sys.argv[1:]
    if "--json" in given:
        fields = {"error": error.what, "where": error.where, "expected": error.expected}
        words = {name: redacted(text) for name, text in {**fields, "try": error.hint}.items()}
        show_json({**words, "exit": error.exit_code})
        return
    prefix = "error" if isinstance(error, UserError) else "failed"
    print(f"{prefix}: {error}", file=sys.stderr)
