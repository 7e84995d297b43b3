"""Evaluation files as items: every text that a training document must not contain."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from corpusmith.errors import InputError

FORMATS = ".jsonl, .json, .csv, .tsv, .parquet, .txt or .md, also with .gz or .zst"


def read_items(path: Path, label: str) -> Iterator[tuple[str, str]]:
    """(name, text) of every string field of every record of a file, however deep it stands.

    The name is `label#n`: n is the line (JSON Lines; the first of a paragraph of plain
    text), or the record's number from 1 (JSON list, CSV, TSV, Parquet). Raises InputError,
    with the line, where a file can't be read: what is not read would not be kept out.
    """
    suffixes = [s.lower() for s in path.suffixes]
    kind = suffixes[-1] if suffixes else ""
    try:
        if kind == ".parquet":
            yield from _parquet(path, label)
            return
        data = path.read_bytes()
        if kind in (".gz", ".zst"):
            data = _unpacked(data, kind)
            kind = suffixes[-2] if len(suffixes) > 1 else ""
        text = data.decode("utf-8-sig")
    except (OSError, EOFError, ValueError, pa.ArrowException, zstandard.ZstdError) as error:
        raise InputError(f"can't read the evaluation file: {error}", where=str(path)) from error
    if kind in (".jsonl", ".ndjson"):
        yield from _json_lines(text, path, label)
    elif kind == ".json":
        yield from _json(text, path, label)
    elif kind in (".csv", ".tsv"):
        yield from _csv(text, "\t" if kind == ".tsv" else ",", path, label)
    elif kind in (".txt", ".md"):
        yield from _paragraphs(text, label)
    else:
        raise InputError(
            f"an evaluation file of an unknown format: {path.name}",
            where=str(path),
            expected=FORMATS,
        )


def _unpacked(data: bytes, kind: str) -> bytes:
    if kind == ".gz":
        return gzip.decompress(data)
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True)
    return reader.read()


def _strings(value: Any) -> Iterator[str]:
    """All strings in a JSON value, keys not among them; a stack, since nesting may be deep."""
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            stack.extend(reversed(list(value.values())))
        elif isinstance(value, (list, tuple)):
            stack.extend(reversed(value))


def _json_lines(text: str, path: Path, label: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            for string in _strings(_parsed(line, path, number)):
                yield f"{label}#{number}", string


def _json(text: str, path: Path, label: str) -> Iterator[tuple[str, str]]:
    value = _parsed(text, path, 1)
    records = value if isinstance(value, list) else [value]
    for number, record in enumerate(records, start=1):
        for string in _strings(record):
            yield f"{label}#{number}", string


def _parsed(text: str, path: Path, line: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"the evaluation file is not JSON: {error}", where=f"{path}:{line}"
        ) from error


def _csv(text: str, delimiter: str, path: Path, label: str) -> Iterator[tuple[str, str]]:
    old = csv.field_size_limit(1 << 30)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        # The header is an item too: a file without one would lose its first record.
        records = [list(record) for record in reader]
    except csv.Error as error:
        raise InputError(
            f"the evaluation file is not CSV: {error}", where=f"{path}:{reader.line_num}"
        ) from error
    finally:
        csv.field_size_limit(old)
    for number, record in enumerate(records):
        for field in record:
            yield f"{label}#{number}", field


def _parquet(path: Path, label: str) -> Iterator[tuple[str, str]]:
    number = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            for record in batch.to_pylist():
                number += 1
                for string in _strings(record):
                    yield f"{label}#{number}", string


def _paragraphs(text: str, label: str) -> Iterator[tuple[str, str]]:
    paragraph: list[str] = []
    begin = 0
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip():
            if not paragraph:
                begin = number
            paragraph.append(line)
        elif paragraph:
            yield f"{label}#{begin}", "\n".join(paragraph)
            paragraph = []
