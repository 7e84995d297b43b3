"""What benchmarks share: a run of the command line with its peak memory, and the last line.

A result is a flat dict: `name`, `mb` (10^6 bytes of input), `seconds`, `mb_per_s`, further
figures with their units in their names, and `data`, in words what the input was. `claims` lists
what was promised: [{"what", "measured", "bound"}], bounds written as in a rule set ("..60").
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# A child's ru_maxrss starts at the size of the process that it was forked from (10 MB here, a
# gigabyte in a benchmark), so a small process stands between. It prints the largest of the child
# and of all below it that were waited for, as the engine does, in the unit of getrusage(2).
LAUNCHER = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status if status >= 0 else 128 - status)
"""


def recipe(
    *clean: str, source: str = "texts", read: str = "jsonl", path: str = "in/*.jsonl", **blocks: str
) -> str:
    """A recipe of one source: the steps of `clean:`, then further blocks by their keys."""
    lines = ["corpusmith: 1", "corpus: bench", "sources:"]
    lines += [f'  {source}: {{read: {read}, path: "{path}"}}', "clean:"]
    lines += [f"  - {step}" for step in clean]
    return "\n".join([*lines, *(f"{key}: {value}" for key, value in blocks.items()), ""])


def claim(what: str, measured: float, bound: str) -> dict[str, Any]:
    """`bound`: "..60" at most 60, "30.." at least 30."""
    return {"what": what, "measured": measured, "bound": bound}


def met(one: Mapping[str, Any]) -> bool:
    low, _, high = one["bound"].partition("..")
    return (not low or one["measured"] >= float(low)) and (
        not high or one["measured"] <= float(high)
    )


def report(result: dict[str, Any]) -> dict[str, Any]:
    """Print the last line; returns the result."""
    print(json.dumps(result, ensure_ascii=False), flush=True)
    return result


def environment() -> dict[str, str]:
    """Of a child process that finds corpusmith and the tests' helpers wherever it is run from."""
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "corpusmith", *map(str, arguments)]


def run(*arguments: object, log: Path) -> tuple[float, int]:
    """(seconds, peak bytes) of `corpusmith ARGUMENTS`; the peak of its largest process.

    Raises RuntimeError with the end of what it printed where it fails.
    """
    began = time.monotonic()
    with open(log, "wb") as file:
        launched = subprocess.run(
            [sys.executable, "-S", "-c", LAUNCHER, *command(*arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            env=environment(),
        )
    seconds = time.monotonic() - began
    if launched.returncode:
        text = log.read_text("utf-8", "replace")[-2000:]
        status = launched.returncode
        raise RuntimeError(f"corpusmith {' '.join(map(str, arguments))}: status {status}\n{text}")
    return seconds, int(launched.stdout) * (1 if sys.platform == "darwin" else 1024)


def events(workdir: Path) -> list[dict[str, Any]]:
    """Events of the newest run of a work folder."""
    newest = max((workdir / "runs").glob("*/events.jsonl"), key=lambda p: p.stat().st_mtime_ns)
    return [json.loads(line) for line in newest.read_text().splitlines() if line.endswith("}")]
