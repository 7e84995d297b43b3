"""`corpusmith ARGUMENTS`, killed with its workers right before it does a certain thing.

    python -m tests.e2e.killed_at EVENT PATTERN NUMBER ARGUMENTS...

SIGKILL comes before the NUMBER-th audit event (Python's documentation, "Audit events table") of
that name of which an argument matches PATTERN: for moments too short to be hit from outside.
Nothing of corpusmith is replaced. It must be started in a session of its own.
"""

from __future__ import annotations

import fnmatch
import os
import runpy
import signal
import sys


def main() -> None:
    event, pattern, number, *arguments = sys.argv[1:]
    left = int(number)

    def hook(name: str, values: tuple) -> None:
        nonlocal left
        if name == event and any(fnmatch.fnmatch(str(value), pattern) for value in values):
            left -= 1
            if left == 0:
                os.killpg(0, signal.SIGKILL)

    sys.addaudithook(hook)
    sys.argv = ["corpusmith", *arguments]
    runpy.run_module("corpusmith", run_name="__main__")


if __name__ == "__main__":
    main()
