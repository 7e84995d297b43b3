"""What the list under `clean:` becomes: operations of the pass, and steps that decide."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusmith import schema
from corpusmith.clean.rules import RuleSet
from corpusmith.loading import is_user_address
from corpusmith.op import Operation
from corpusmith.recipe import Where


@dataclasses.dataclass
class PassStep:
    """An edit or a measure; `columns` says where each of its signals is stored."""

    name: str
    address: str
    operation: Operation
    params: dict[str, Any]
    text_version: int
    where: Where  # of its parameters
    public: dict[str, Any]  # its parameters without values from the environment
    columns: dict[str, str] = dataclasses.field(default_factory=dict)

    def spec(self, *, public: bool = False) -> dict[str, Any]:
        """What a task is told, or (`public`) what may be written and hashed."""
        # Thresholds that only the deciding stage reads must not make the pass run again.
        later = getattr(self.operation.params, "decide_only", ())
        params = self.public if public else self.params
        return {
            "op": self.address,
            "version": self.operation.version,
            "params": {k: v for k, v in params.items() if k not in later},
            "step": self.name,
            "text_version": self.text_version,
            "columns": self.columns,
        }

    def identity(self) -> dict[str, Any]:
        """Of the spec what shapes the result: files are known by their content, not by a path."""
        spec = self.spec(public=True)
        spec["params"].pop(self.operation.fit_files, None)
        return {**spec, "op": portable(self.address)}

    def schema(self) -> pa.Schema:
        """The columns that it adds with its parameters."""
        model = self.operation.params
        return self.operation.schema(model.model_validate(self.params) if model else None)

    def signals(self) -> list[str]:
        return [name for name in self.schema().names if name not in schema.DOCUMENT.names]

    def segmenters(self) -> tuple[str, ...]:
        """What a rule set may call the segmenter behind its signals; () where none takes part."""
        model = self.operation.params
        found = model.model_validate(self.params) if model else None
        return getattr(found, "segmenters", ())


@dataclasses.dataclass
class DecideStep:
    """A step that makes documents leave. `reads` maps each signal to the step that measured it."""

    name: str
    kind: str  # decide, exact, near, decontaminate
    params: dict[str, Any]
    where: Where
    reads: dict[str, PassStep] = dataclasses.field(default_factory=dict)
    rules: RuleSet | None = None
    public: dict[str, Any] | None = None  # what is hashed in place of `params`

    def columns(self) -> dict[str, str]:
        """Signal -> stored column."""
        return {signal: step.columns[signal] for signal, step in self.reads.items()}


@dataclasses.dataclass
class CleanSteps:
    passes: list[PassStep]
    decides: list[DecideStep]


def portable(address: str) -> str:
    """A user's operation by the name of its file: a moved recipe is the same recipe."""
    location, _, name = address.rpartition(":")
    return f"{Path(location).name}:{name}" if location.endswith(".py") else address


def secret_places(built: CleanSteps) -> list[Where]:
    """Where in `clean:` values of the environment may stand: they name files, or are a user's."""
    found: list[Where] = []
    for step in built.passes:
        if is_user_address(step.address):
            found.append(step.where)
        elif step.operation.fit_files:
            found.append((*step.where, step.operation.fit_files))
    users = [s for s in built.decides if any("op" in one for one in s.params.get("steps", []))]
    return found + [step.where for step in users]
