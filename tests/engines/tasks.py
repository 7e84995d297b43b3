"""Tasks that behave, fail, die and hang, for the tests of engines."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusmith import schema
from corpusmith.errors import InputError

ROWS = pa.schema([("id", pa.string()), ("value", pa.int64())])


def square(spec: dict[str, Any], ctx: Any) -> None:
    with ctx.writer() as out:
        values = list(range(spec["n"]))
        out.write(
            "squares",
            pa.table({"id": [str(v) for v in values], "value": [v * v for v in values]}, ROWS),
        )
        out.info["n"] = spec["n"]


def fail(spec: dict[str, Any], ctx: Any) -> None:
    raise InputError("this one is bad", where="row 7", hint="mend it")


def die_once(spec: dict[str, Any], ctx: Any) -> None:
    marker = Path(spec["marker"])
    if not marker.exists():
        marker.write_text("died")
        with ctx.writer() as out:
            out.write("squares", ROWS.empty_table())
            os.kill(os.getpid(), signal.SIGKILL)
    square(spec, ctx)


def hostile(spec: dict[str, Any], ctx: Any) -> None:
    """Works through documents; "kill ..." kills its process, "hang" works and "wait" waits for
    ever, "slow" waits for a moment."""
    with ctx.writer() as out:
        done = []
        for key in spec["documents"]:
            if key in ctx.skip:
                error, message = ctx.skip[key]
                row = {"uri": key, "step": "hostile", "error": error, "message": message}
                out.write("quarantine", schema.table(schema.QUARANTINE, [row]))
                continue
            ctx.publish(key)
            if key.startswith("kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            while key == "hang":
                pass
            while key == "wait":
                time.sleep(0.01)
            if key == "slow":
                time.sleep(1.5)
            done.append(key)
        out.write("squares", pa.table({"id": done, "value": [0] * len(done)}, ROWS))


def count_threads(spec: dict[str, Any], ctx: Any) -> dict[str, Any]:
    return {"threads": ctx.threads, "pid": os.getpid()}


def sleep(spec: dict[str, Any], ctx: Any) -> None:
    Path(spec["pid_file"]).write_text(str(os.getpid()))
    time.sleep(60)
