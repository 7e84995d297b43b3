"""The stage before a pass whose operation needs an artifact made of files (`Operation.fit`)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from corpusmith.loading import load_operation
from corpusmith.op import Task, TaskContext, Work


def execute(work: Work) -> None:
    """Make the artifact of `params["op"]` from `params["files"]` in this stage's folder."""
    spec = {k: work.params[k] for k in ("op", "params", "paths")}
    work.engine.map("corpusmith.clean.fit:task", [Task("fit", spec)], folder=work.folder)


def task(spec: dict[str, Any], ctx: TaskContext) -> None:
    operation = load_operation(spec["op"])
    assert operation.fit is not None and operation.params is not None
    params = operation.params.model_validate(spec["params"])
    with tempfile.TemporaryDirectory() as name, ctx.writer() as out:
        operation.fit(params, [Path(p) for p in spec["paths"]], Path(name))
        # Through the writer, so that each file has its checksum in the manifest.
        for path in sorted(Path(name).iterdir()):
            target = out.open(".", name=path.name)
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    target.write(block)
        out.info["files"] = len(spec["paths"])
