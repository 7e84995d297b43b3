"""How the files of a task's source are read: by which reader of records, or in pairs."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence

from corpusmith.collect.files import FoundFile
from corpusmith.collect.readers import CsvParams, JsonlParams, ParquetParams, TsvParams
from corpusmith.collect.source_params import SourceParams
from corpusmith.collect.tasks.params import PairsParams, TaskParams
from corpusmith.errors import InputError

_BY_SUFFIX = {
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "jsonlines": "jsonl",
    "json": "json",
    "csv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "parquet": "parquet",
    "pq": "parquet",
    "yml": "yaml",
    "yaml": "yaml",
    "tmx": "tmx",
}
_SUFFIX = re.compile(r"\.([a-z]{2,3})\Z")
_PACKED = re.compile(r"\.(?:gz|zst)\Z")
_TEXT = re.compile(r"\.(?:txt|text|sent|snt|tok)\Z")


@dataclasses.dataclass(frozen=True)
class TaskFile:
    """A file, or two that are aligned line by line, and how it is read."""

    file: FoundFile
    format: str
    target: FoundFile | None = None
    languages: tuple[str, str] | None = None  # of two files that are named by them


def task_files(files: Sequence[FoundFile], params: TaskParams) -> list[TaskFile]:
    """Every file with its format; aligned ones in pairs, in the order of their sources.

    InputError where a file of text has no partner, so that nothing is left out in silence.
    """
    found: list[TaskFile] = []
    lines: list[FoundFile] = []
    for file in files:
        name = _PACKED.sub("", file.uri.lower())
        kind: str = params.format
        if kind == "auto":
            kind = _BY_SUFFIX.get(name.rpartition(".")[2], "lines")
        if kind in ("lines", "tmx") and not isinstance(params, PairsParams):
            raise InputError(
                f"{file.uri}: its name does not say which records it holds",
                expected="names that end in .jsonl, .json, .csv, .tsv, .parquet or .yml (and .gz, "
                ".zst)",
                hint="say `format: jsonl` for all files of the source",
            )
        if kind == "lines":
            lines.append(file)
        else:
            found.append(TaskFile(file, kind))
    if not lines:
        return found
    assert isinstance(params, PairsParams)
    return found + _aligned(lines, params)


def _aligned(files: list[FoundFile], params: PairsParams) -> list[TaskFile]:
    if params.languages is None:
        return [_two(files, params)]
    sides: tuple[dict[str, FoundFile], dict[str, FoundFile]] = ({}, {})
    for file in files:
        places = [_last(file.uri, code) for code in params.languages]
        if max(places) < 0:
            raise _no_pair(file, f"has neither {' nor '.join(params.languages)} in its name")
        side = 0 if places[0] > places[1] else 1
        code = params.languages[side]
        key = file.uri[: places[side]] + file.uri[places[side] + len(code) :]
        if key in sides[side]:
            raise _no_pair(file, f"and {sides[side][key].uri} have one partner")
        sides[side][key] = file
    for side in (0, 1):
        for key, file in sides[side].items():
            if key not in sides[1 - side]:
                raise _no_pair(file, f"has no partner in {params.languages[1 - side]}")
    first, second = params.languages
    return [TaskFile(f, "lines", sides[1][key], (first, second)) for key, f in sides[0].items()]


def _last(uri: str, code: str) -> int:
    """Where a language code stands last in a path, as a word of its own; -1 where it doesn't."""
    found = re.finditer(rf"(?<![A-Za-z]){re.escape(code)}(?![A-Za-z])", uri)
    return max((match.start() for match in found), default=-1)


def _two(files: list[FoundFile], params: PairsParams) -> TaskFile:
    """Two files: in the order of `path`, or else by the languages that their names end in."""
    if len(files) != 2:
        raise _no_pair(
            files[0], f"is one of {len(files)} files of lines, whose pairs are not known"
        )
    bare = [_TEXT.sub("", _PACKED.sub("", file.uri)) for file in files]
    codes = [match[1] if (match := _SUFFIX.search(name)) else "" for name in bare]
    named = codes[0] != codes[1] and all(codes) and bare[0][:-3] == bare[1][:-3]
    if isinstance(params.path, list) and len(params.path) == 2:
        order = [os.path.abspath(path) for path in params.path]
        if {file.path for file in files} == set(order):
            files = sorted(files, key=lambda file: order.index(file.path))
            codes = codes if files[0].uri.startswith(bare[0]) else codes[::-1]
            return TaskFile(files[0], "lines", files[1], (codes[0], codes[1]) if named else None)
    raise _no_pair(files[0], f"and {files[1].uri}: it is not said which is translated into which")


def _no_pair(file: FoundFile, why: str) -> InputError:
    return InputError(
        f"{file.uri} {why}",
        expected="files of lines in pairs: `path: [corpus.en, corpus.zh]`, or more of them with "
        "`languages: [en, zh]`, each named by its language",
        hint="leave other files out by a glob, or say their `format:`",
    )


def record_reader(format: str, params: TaskParams) -> tuple[str, SourceParams] | None:
    """(name of the reader that cuts and reads files of a format, its parameters), or None."""
    common = {
        name: getattr(params, name)
        for name in type(params).model_fields
        if name in SourceParams.model_fields
    }
    if format == "jsonl":
        return "jsonl", JsonlParams(**common)
    if format == "parquet":
        return "parquet", ParquetParams(**common)
    if format in ("csv", "tsv"):
        kind = CsvParams if format == "csv" else TsvParams
        own = {n: getattr(params, n) for n in ("delimiter", "quote", "columns")}
        return format, kind(**common, **{n: v for n, v in own.items() if v is not None})
    return None
