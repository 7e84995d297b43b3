"""The recipe's syntax: YAML in, plain values with the line and column of each out.

Nothing here knows an operation; `plan` checks names and parameters against the catalog.
"""

from __future__ import annotations

import dataclasses
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

from corpusmith import schema
from corpusmith.errors import RecipeError, keep_secret, nearest

MAX_BYTES = 1 << 20
MAX_OPENED = 5_000  # brackets: the parser recurses, and takes long before it gives up
MAX_VALUES = 20_000  # aliases are expanded: a bomb of them ends here

TOP_KEYS = (
    *("corpusmith", "corpus", "seed", "sources", "clean", "split", "tokenize", "mix", "pack"),
    *("train", "evaluate", "max_document", "max_quarantined", "document_seconds"),
)
REQUIRED_KEYS = ("corpusmith", "corpus", "sources")
ENVIRONMENT = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
NAME = re.compile(r"[^\W_][\w.-]{0,79}\Z")
"""Letters of any script, since people name things in theirs."""

Where = tuple[str | int, ...]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The values of a recipe file, and where each stands in it."""

    path: Path
    values: dict[str, Any]
    positions: dict[Where, tuple[int, int]]  # line and column, from 1, of each key and item
    values_at: dict[Where, tuple[int, int]] = dataclasses.field(default_factory=dict)
    """Line and column of each value that stands on its key's line."""
    templates: dict[Where, str] = dataclasses.field(default_factory=dict)
    """Texts with `${env:NAME}` as they are written; in `values` the name is replaced."""

    @property
    def folder(self) -> Path:
        """Relative paths in the recipe start here."""
        return self.path.parent

    @property
    def corpus(self) -> str:
        return self.values["corpus"]

    @property
    def seed(self) -> int:
        return self.values.get("seed", 0)

    def resolve(self, path: str) -> Path:
        """`path` from the recipe's folder; `~` is the user's home."""
        found = Path(path).expanduser()
        return found if found.is_absolute() else self.folder.absolute() / found

    def position(self, where: Where, *, key: bool = False) -> str:
        """`file:line:column` of a value (`key`: of its key), or of the key nearest around it."""
        if where in self.values_at and not key:
            line, column = self.values_at[where]
            return f"{self.path}:{line}:{column}"
        for length in range(len(where), -1, -1):
            if where[:length] in self.positions:
                line, column = self.positions[where[:length]]
                return f"{self.path}:{line}:{column}"
        return str(self.path)

    def error(
        self, where: Where, what: str, *, expected: str = "", hint: str = "", key: bool = False
    ) -> RecipeError:
        """At the value there, or (`key`) at its key."""
        return RecipeError(what, where=self.position(where, key=key), expected=expected, hint=hint)

    def public(self, value: Any, where: Where = ()) -> Any:
        """`value`, which stands at `where`, with `${env:NAME}` in place of what it gave.

        What is written down or hashed is made of this, so it holds no secret.
        """
        if where in self.templates:
            return self.templates[where]
        if isinstance(value, dict):
            return {key: self.public(inner, (*where, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.public(inner, (*where, i)) for i, inner in enumerate(value)]
        return value


def read(path: str | os.PathLike) -> Recipe:
    """Read a recipe file; RecipeError with line and column where its syntax is wrong."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecipeError(
            f"can't read the recipe: {error.strerror}",
            where=str(path),
            hint=f"corpusmith init {path}",
        ) from error
    return parse(data, path)


def parse(data: bytes, path: Path) -> Recipe:
    if len(data) > MAX_BYTES:
        raise RecipeError(
            f"the recipe has {len(data):,} bytes",
            where=str(path),
            expected=f"at most {MAX_BYTES:,}",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(f"not UTF-8 at byte {error.start}", where=str(path)) from error
    root = _load(text, path)
    if not isinstance(root, CommentedMap):
        raise RecipeError(
            "a recipe is a mapping of keys",
            where=f"{path}:1:1",
            expected="corpusmith: 1, corpus: NAME, sources: ...",
            hint="corpusmith init recipe.yaml",
        )
    reader = _Reader(path)
    try:
        values = reader.plain(root, ())
    except RecursionError as error:
        raise RecipeError("nested too deeply", where=str(path)) from error
    recipe = Recipe(path, values, reader.positions, reader.values_at, reader.templates)
    _check_top(recipe)
    return recipe


def _load(text: str, path: Path) -> Any:
    opened = sum(text.count(mark) for mark in "[{")
    if opened > MAX_OPENED:
        raise RecipeError(
            f"the recipe opens {opened:,} brackets",
            where=str(path),
            expected=f"at most {MAX_OPENED:,}: it may be nested too deeply to be read",
        )
    try:
        return YAML(typ="rt", pure=True).load(text)
    except DuplicateKeyError as error:
        mark = error.problem_mark
        raise RecipeError(
            str(error.problem).split("\n")[0].replace("found duplicate", "duplicate"),
            where=f"{path}:{mark.line + 1}:{mark.column + 1}",
            expected="each key once",
        ) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        hint = ""
        if re.search(r"(^|[:\[{,\s-])\*", line):
            hint = 'put quotes around a value that starts with *: "*.jsonl"'
        elif "${" in line:
            hint = 'put quotes around ${env:NAME} inside { } and [ ]: "${env:NAME}"'
        raise RecipeError(
            f"not valid YAML: {error.problem or error.context}",
            where=where,
            hint=hint,
        ) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise RecipeError(f"not valid YAML: {error}", where=str(path)) from error


class _Reader:
    """Turns ruamel's tree into plain values and notes where each key and item stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.positions: dict[Where, tuple[int, int]] = {(): (1, 1)}
        self.values_at: dict[Where, tuple[int, int]] = {}
        self.templates: dict[Where, str] = {}
        self._count = 0

    def plain(self, node: Any, where: Where) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            raise RecipeError(
                f"the recipe unfolds to over {MAX_VALUES:,} values",
                where=str(self.path),
                hint="aliases (*name) repeat what they name: write fewer of them",
            )
        if isinstance(node, CommentedMap):
            # The bare key `null` is YAML's null: in a recipe it is the word.
            names = {k: "null" if k is None else str(k) for k in node}
            return {name: self._item(node, k, (*where, name)) for k, name in names.items()}
        if isinstance(node, CommentedSeq):
            return [self._item(node, i, (*where, i)) for i in range(len(node))]
        if isinstance(node, (bool, ScalarBoolean)):
            return bool(node)
        if isinstance(node, int):
            return int(node)
        if isinstance(node, float):
            return float(node)
        if node is None:
            return None
        if isinstance(node, str):
            return self._text(str(node), where)
        # A timestamp or a tagged scalar: its text.
        return str(node)

    def _item(self, node: Any, key: Any, where: Where) -> Any:
        try:
            if isinstance(node, CommentedSeq):
                line, column = node.lc.item(key)
            else:
                line, column = node.lc.key(key)
                start = node.lc.value(key)
                if start[0] == line:  # a block below its key is named by the key
                    self.values_at[where] = (start[0] + 1, start[1] + 1)
            self.positions[where] = (line + 1, column + 1)
        except (KeyError, TypeError, AttributeError):
            pass  # merged keys have no place of their own
        return self.plain(node[key], where)

    def _text(self, text: str, where: Where) -> str:
        def value(match: re.Match) -> str:
            name = match.group(1)
            found = os.environ.get(name)
            if found is None:
                place = self.values_at if where in self.values_at else self.positions
                line, column = place.get(where, (1, 1))
                raise RecipeError(
                    f"the environment has no {name}",
                    where=f"{self.path}:{line}:{column}",
                    hint=f"export {name}=...",
                )
            keep_secret(name, found)
            return found

        given = ENVIRONMENT.sub(value, text)
        if given != text:
            self.templates[where] = text
        return given


def _check_top(recipe: Recipe) -> None:
    values = recipe.values
    for key in values:
        if key not in TOP_KEYS:
            raise recipe.error(
                (key,), f"unknown key {key!r}", expected=nearest(key, TOP_KEYS), key=True
            )
    version = values.get("corpusmith")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise recipe.error(("corpusmith",), f"corpusmith: {version!r}", expected="the number 1")
    if version is not None and version > schema.SCHEMA_VERSION:
        raise recipe.error(
            ("corpusmith",),
            f"this recipe is of version {version}, this corpusmith reads up to "
            f"{schema.SCHEMA_VERSION}",
            hint="pip install --upgrade corpusmith",
        )
    for key in REQUIRED_KEYS:
        if values.get(key) in (None, "", {}):
            example = {"corpusmith": "corpusmith: 1", "corpus": "corpus: my-corpus"}.get(
                key, 'sources: {pages: {read: jsonl, path: "*.jsonl"}}'
            )
            raise recipe.error((), f"the key {key!r} is missing", expected=example)
    _check_names(recipe)
    share = values.get("max_quarantined", 0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise recipe.error(
            ("max_quarantined",), f"max_quarantined: {share!r}", expected="a share of 1, as 0.05"
        )
    for key in ("max_document", "document_seconds"):
        value = values.get(key, 1)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < float("inf"):
            raise recipe.error((key,), f"{key}: {value!r}", expected="a number above 0")
    shapes: dict[str, type] = {
        "clean": list,
        "split": dict,
        "tokenize": dict,
        "mix": dict,
        "pack": dict,
    }
    shapes |= {"train": dict, "evaluate": list, "seed": int, "max_document": int}
    words: dict[type, str] = {dict: "a mapping {key: value}", list: "a list", int: "a whole number"}
    for key, shape in shapes.items():
        value = values.get(key)
        if value is not None and (not isinstance(value, shape) or isinstance(value, bool)):
            raise recipe.error((key,), f"{key}: {value!r}", expected=words[shape])
    if not 0 <= values.get("seed", 0) < 1 << 63:
        raise recipe.error(
            ("seed",), f"seed: {values['seed']}", expected="a whole number from 0 to 2^63 - 1"
        )


def is_name(name: str) -> bool:
    """Whether folders can be named by it: one spelling (NFC, no capitals) on every file system."""
    return bool(NAME.match(name)) and name == unicodedata.normalize("NFC", name).lower()


def _check_names(recipe: Recipe) -> None:
    corpus, sources = recipe.values["corpus"], recipe.values["sources"]
    if ("corpus",) in recipe.templates:
        raise recipe.error(
            ("corpus",),
            f"{recipe.templates[('corpus',)]} can't name the corpus: folders are named by it",
            expected="a name",
            hint="write the name itself, or choose the folder with --workdir",
        )
    for where, name in [(("corpus",), corpus)] + [
        (("sources", s), s) for s in (sources if isinstance(sources, dict) else {})
    ]:
        if not isinstance(name, str) or not is_name(name):
            raise recipe.error(
                where,
                f"{name!r} can't be a name",
                expected="up to 80 small letters (of any script), digits, `-`, `_` and `.`, "
                "since folders are named by it",
                key=where != ("corpus",),
            )
    if not isinstance(sources, dict):
        raise recipe.error(
            ("sources",),
            "sources is not a mapping",
            expected='NAME: {read: jsonl, path: "*.jsonl"}',
        )
    for name, source in sources.items():
        if not isinstance(source, dict) or "read" not in source:
            raise recipe.error(
                ("sources", name),
                f"source {name!r} has no `read:`",
                expected="read: jsonl, ...",
                key=True,
            )
