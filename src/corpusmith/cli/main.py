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

INTERRUPTED, TERMINATED = 130, 143

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
    from corpusmith.cli import commands, demo, look, rules  # noqa: F401  they register themselves

    given = list(arguments if arguments is not None else sys.argv[1:])
    try:
        result = app(args=arguments, standalone_mode=False, prog_name="corpusmith")
        code = result if isinstance(result, int) else 0
        if code == INTERRUPTED:  # typer makes this of KeyboardInterrupt
            report_stop("interrupted", code, given)
    except CorpusmithError as error:
        code = error.exit_code
        report_error(error, given)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
        report_stop("interrupted", code, given)
    except BrokenPipeError:
        # The reader of our output has seen enough (| head).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except typer.Exit as stop:
        code = stop.exit_code
    except BaseException as error:
        code = _other(error, given)
    sys.exit(code)


def _other(error: BaseException, arguments: list[str]) -> int:
    if type(error).__name__ == "Terminated":
        report_stop("terminated", TERMINATED, arguments)
        return TERMINATED
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr)  # type: ignore[attr-defined]
        return 2
    if hasattr(error, "format_message"):
        report_usage(error, arguments)
        return 2
    what = f"a fault of our own: {type(error).__name__}: {error}"
    hint = "the same command with --debug after `corpusmith`"
    if os.environ.get("CORPUSMITH_DEBUG"):
        print(redacted("".join(traceback.format_exception(error))), file=sys.stderr, end="")
    elif "--json" in arguments:
        show_json(CorpusmithError(what, hint=hint).described())
    else:
        print(f"corpusmith: {redacted(what)}\n  try: {hint}", file=sys.stderr)
    return 70


def report_stop(how: str, code: int, arguments: list[str]) -> None:
    what = f"{how}: what is finished is kept, run again to go on"
    if "--json" in arguments:
        show_json(CorpusmithError(what).described() | {"exit": code})
    else:
        print(what, file=sys.stderr)


def report_usage(error: Any, arguments: list[str]) -> None:
    """An error of the command line itself, found by click: in the words of all other errors."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "corpusmith"
    what = error.format_message().rstrip(".")
    what = what[:1].lower() + what[1:]
    expected = context.get_usage().removeprefix("Usage: ") if context is not None else ""
    report_error(
        UserError(what, expected=" ".join(expected.split()), hint=f"{command} --help"), arguments
    )


def report_error(error: CorpusmithError, arguments: list[str]) -> None:
    if os.environ.get("CORPUSMITH_DEBUG"):
        print(redacted("".join(traceback.format_exception(error))), file=sys.stderr, end="")
        return
    if "--json" in arguments:
        show_json(error.described())
        return
    prefix = "error" if isinstance(error, UserError) else "failed"
    print(f"{prefix}: {error}", file=sys.stderr)
