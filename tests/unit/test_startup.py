"""`import corpusmith` and `corpusmith --help` load nothing heavy, and are there at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "transformers", "ray", "numba", "duckdb", "fastapi")
ATTEMPTS = 5  # the best of them: other processes may keep the cores busy

IMPORT = "import corpusmith"
HELP = """
import contextlib, io, sys
from corpusmith.cli.main import main
sys.argv = ["corpusmith", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    main()
assert "run" in out.getvalue() and "demo" in out.getvalue()
"""


@pytest.mark.parametrize("script", [IMPORT, HELP], ids=["import", "help"])
def test_nothing_heavy_is_loaded(script: str) -> None:
    script += "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert "corpusmith" in loaded
    assert not {name.partition(".")[0] for name in loaded} & set(HEAVY)


WORKER = """
import sys
import numpy as np
from corpusmith.engine.worker import prepare
prepare(["corpusmith.kernels.unionfind:warm"])
assert "scipy.linalg" not in sys.modules, "loaded though no kernel multiplies matrices"
import numba
turned = numba.njit(lambda a, b: np.dot(a, b))(np.array([[0.0, 1.0], [-1.0, 0.0]]), np.eye(2)[0])
assert turned.tolist() == [0.0, -1.0], turned
assert "scipy.linalg" in sys.modules
"""


def test_a_worker_loads_linear_algebra_for_those_who_use_it() -> None:
    done = subprocess.run([sys.executable, "-c", WORKER], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "limit_seconds"),
    [(["-c", IMPORT], 0.3), (["-m", "corpusmith", "--help"], 0.5)],
    ids=["import", "help"],
)
def test_it_is_there_at_once(arguments: list[str], limit_seconds: float) -> None:
    best = float("inf")
    for _ in range(ATTEMPTS):
        began = time.monotonic()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        best = min(best, time.monotonic() - began)
        if best < limit_seconds:
            return
    pytest.fail(f"{best:.2f} seconds at best, {limit_seconds} are allowed")
