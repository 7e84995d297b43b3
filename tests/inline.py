"""An engine of no workers: each task where we stand, in an order of its own choosing."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpusmith.engine.base import BATCH_BYTES, Order, perform
from corpusmith.op import Task
from corpusmith.store.parts import committed, part_entry


class InlineEngine:
    """Runs the real tasks of a stage in this process; parts that are committed are taken as such.

    `shuffle` is the seed of a random order; None keeps the tasks' own. `parts` are those of the
    last main round.
    """

    workers = 1

    def __init__(
        self,
        *,
        batch_bytes: int = BATCH_BYTES,
        careful: bool = False,
        skip: dict[str, tuple[str, str]] | None = None,
        shuffle: int | None = None,
    ) -> None:
        self.batch_bytes = batch_bytes
        self.careful = careful
        self.skip = skip or {}
        self.random = None if shuffle is None else random.Random(shuffle)
        self.parts: list[str] = []

    def map(
        self,
        function: str,
        tasks: Sequence[Task],
        *,
        folder: Path,
        round: str = "main",
        document_seconds: float = 0.0,
        max_skipped: int | None = None,
        scratch: bool = False,
    ) -> list[dict[str, Any]]:
        order = [task for task in tasks if not committed(folder, task.part, round, checked=scratch)]
        if self.random is not None:
            self.random.shuffle(order)
        for task in order:
            self._perform(function, task.part, task.spec, folder, round)
        if round == "main":
            self.parts = [task.part for task in tasks]
        return [part_entry(folder, task.part, round) for task in tasks]

    def once(
        self, function: str, spec: dict[str, Any], *, folder: Path, resources: str = ""
    ) -> dict[str, Any]:
        folder.mkdir(parents=True, exist_ok=True)
        result = self._perform(function, "once", spec, folder, "main")
        return json.loads(json.dumps(result))

    def _perform(
        self, function: str, part: str, spec: dict[str, Any], folder: Path, round: str
    ) -> dict[str, Any]:
        order = Order(
            function=function,
            part=part,
            spec=json.loads(json.dumps(spec)),  # what a spec must survive
            folder=str(folder),
            round=round,
            batch_bytes=self.batch_bytes,
            careful=self.careful,
            skip=self.skip,
            threads=1,
        )
        return perform(order, None, None)
