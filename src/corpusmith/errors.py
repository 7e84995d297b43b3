"""Errors that a user can act on.

    CorpusmithError          70  our own fault, unless a subclass says otherwise
    ├── UserError             2  the command line, the recipe or the input is at fault
    │   ├── RecipeError       2  ... the recipe, with file, line and column
    │   ├── InputError        2  ... a file or folder that the recipe names
    │   ├── BusyError         2  another process is making the same result
    │   └── MissingExtraError 2  an optional dependency is not installed
    ├── CheckError            1  a check or a gate failed (verify, max_quarantined, --strict)
    │   └── LostDocumentsError 1  too many documents end the process that works on them
    └── DiskError             2  the disk is full, or a folder can't be written

Each error says what happened, where, what was expected, and the next step to try.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable
from typing import Any


class CorpusmithError(Exception):
    """What went wrong, where, what was expected, and what to do next.

    `exit_code` is what the command line ends with.
    """

    exit_code = 70

    def __init__(self, what: str, *, where: str = "", expected: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.hint = hint
        self.run = ""  # the folder of the run that it ended, once its record is written

    def described(self) -> dict[str, Any]:
        """As JSON: error, where, expected, try, exit (and run), without secrets."""
        words = {"error": self.what, "where": self.where, "expected": self.expected}
        shown = {name: redacted(text) for name, text in {**words, "try": self.hint}.items()}
        return {**shown, "exit": self.exit_code, **({"run": self.run} if self.run else {})}

    def __reduce__(self) -> tuple:
        # Errors travel from worker processes to the parent; keyword-only fields must survive.
        return _rebuild, (type(self), self.what, self.where, self.expected, self.hint)

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.hint:
            lines.append(f"  try: {self.hint}")
        if self.run:
            lines.append(f"  so far: corpusmith show {self.run}")
        return redacted("\n".join(lines))


SHORTEST_SECRET = 4
"""Characters. A shorter value is replaced where the recipe has it; searched for in other texts it
would be found in half of all words."""

_SECRETS: dict[str, set[str]] = {}  # name of the variable -> what of it no text may show


def keep_secret(name: str, value: str) -> None:
    """From now on no message shows the value that `${env:NAME}` gave to a recipe.

    Nor its other spellings: as a path without `~`, `..` and doubled slashes, as JSON, as repr().
    """
    spellings = {value}
    if "/" in value or value.startswith("~"):
        path = os.path.normpath(os.path.expanduser(value))
        spellings |= {os.path.expanduser(value), path, os.path.realpath(path)}
    spellings |= {json.dumps(s, ensure_ascii=e)[1:-1] for s in spellings for e in (True, False)}
    spellings |= {repr(s)[1:-1] for s in spellings}
    _SECRETS[name] = {s for s in spellings if len(s.strip("/. ")) >= SHORTEST_SECRET}


def secret_names() -> list[str]:
    """Variables whose values are kept out of texts."""
    return sorted(_SECRETS)


def redacted(text: str) -> str:
    """The text without the values that `keep_secret` was told."""
    if _SECRETS:
        for secret in sorted({s for found in _SECRETS.values() for s in found}, key=len)[::-1]:
            text = text.replace(secret, "[redacted]")
    return text


def _rebuild(
    kind: type[CorpusmithError], what: str, where: str, expected: str, hint: str
) -> CorpusmithError:
    return kind(what, where=where, expected=expected, hint=hint)


class UserError(CorpusmithError):
    exit_code = 2


class RecipeError(UserError):
    pass


class InputError(UserError):
    pass


class BusyError(UserError):
    pass


class DiskError(UserError):
    pass


class MissingExtraError(UserError):
    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package {package!r}, which is not installed",
            hint=f'pip install "corpusmith[{extra}]"',
        )
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple:
        return MissingExtraError, (self.package, self.extra)


class CheckError(CorpusmithError):
    exit_code = 1


class LostProcessError(CorpusmithError):
    """A process of a task of its own has ended, or was ended: `document` is what it had published
    as being looked at, "" for nothing."""

    def __init__(self, what: str, *, where: str, hint: str, document: str) -> None:
        super().__init__(what, where=where, hint=hint)
        self.document = document


class LostDocumentsError(CheckError):
    """`documents` are the keys (uri, or id) of those that ended their process while alone."""

    def __init__(self, what: str, *, where: str, documents: tuple[str, ...]) -> None:
        super().__init__(what, where=where)
        self.documents = documents

    def __reduce__(self) -> tuple:
        return _rebuild_lost, (self.what, self.where, self.documents)


def _rebuild_lost(what: str, where: str, documents: tuple[str, ...]) -> LostDocumentsError:
    return LostDocumentsError(what, where=where, documents=documents)


def nearest(name: str, known: Iterable[str]) -> str:
    """The words `did you mean 'x'?` for the known name closest to `name`, else the whole list."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return "one of " + ", ".join(names)
