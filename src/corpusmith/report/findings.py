"""What a check of a run found."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

LISTED = 3
UNREADABLE = (OSError, ValueError, KeyError, TypeError, pa.ArrowException)


@dataclasses.dataclass
class Findings:
    """Problems found so far, and how much was looked at."""

    problems: list[dict[str, str]] = dataclasses.field(default_factory=list)
    warnings: list[dict[str, str]] = dataclasses.field(default_factory=list)
    counts: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def problem(self, check: str, where: Path | str, what: str) -> None:
        self.problems.append({"check": check, "where": str(where), "problem": what})

    def warning(self, check: str, where: Path | str, what: str) -> None:
        self.warnings.append({"check": check, "where": str(where), "problem": what})

    @contextlib.contextmanager
    def reading(self, where: Path | str) -> Iterator[None]:
        """A file that can't be read is a problem, not the end of the check."""
        try:
            yield
        except UNREADABLE as error:
            self.problem("readable", where, f"can't be read: {type(error).__name__}: {error}")


def some(ids: pa.Array) -> str:
    """The first few ids, for a message."""
    return ", ".join(str(i) for i in ids[:LISTED].to_pylist())
