"""Seconds until a user sees something: import, `--help`, and a run that has nothing to do.

    python -m benchmarks.startup [--small]

Medians of five fresh processes each, wall clock, after one that fills the page cache. The run that
has nothing to do is the second of an unchanged recipe: that of the tests' small corpus, training
and evaluation included (the small form ends with the deduplication).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import claim, command, environment, report
from tests.e2e import corpus

REPEATS = 5


def main(small: bool = False) -> dict[str, Any]:
    """Measure and print; returns the last line."""
    began = time.monotonic()
    repeats = 1 if small else REPEATS
    result: dict[str, Any] = {
        "name": "startup",
        "import_seconds": _median([sys.executable, "-c", "import corpusmith"], repeats),
        "python_seconds": _median([sys.executable, "-c", "pass"], repeats),
        "help_seconds": _median(command("--help"), repeats),
    }
    with tempfile.TemporaryDirectory() as name:
        recipe = corpus.build(Path(name))
        arguments = ["run", recipe, "--workdir", Path(name) / "work", "--workers", 2]
        arguments += ["--until", "decide"] if small else []
        first = time.monotonic()
        _start(command(*arguments))
        result["first_run_seconds"] = round(time.monotonic() - first, 3)
        result["second_run_seconds"] = _median(command(*arguments), repeats)
        runs = len(list((Path(name) / "work" / "runs").iterdir()))
        assert runs == 1, f"{runs} runs were recorded: the second one did something"
    result["seconds"] = round(time.monotonic() - began, 1)
    result["data"] = "the small corpus of tests/e2e"
    if not small:
        result["claims"] = [
            claim("seconds of `import corpusmith`", result["import_seconds"], "..0.3"),
            claim("seconds of `corpusmith --help`", result["help_seconds"], "..0.5"),
            claim("seconds of a run with nothing to do", result["second_run_seconds"], "..2"),
        ]
    return report(result)


def _start(arguments: list[str]) -> float:
    began = time.monotonic()
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, env=environment(), timeout=600
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"{arguments}: status {done.returncode}\n{done.stderr.decode()[-2000:]}")
    return seconds


def _median(arguments: list[str], repeats: int) -> float:
    _start(arguments)
    return round(statistics.median(_start(arguments) for _ in range(repeats)), 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--small", action="store_true", help="a shorter recipe")
    main(parser.parse_args().small)
