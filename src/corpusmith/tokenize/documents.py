"""What the token stages read: documents kept by every decision and not held out, and `DOCS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from corpusmith.op import Work
from corpusmith.store.overlay import kept_documents
from corpusmith.store.parts import iter_part, part_names

DOCS = pa.schema(
    [
        ("part", pa.string()),  # part-00000: the names of .bin and .idx
        ("sequence", pa.int64()),  # in the part
        ("token_start", pa.int64()),  # tokens before it in the part
        ("token_count", pa.int64()),  # with the end token
        ("id", pa.string()),
        ("source", pa.string()),
        ("text_bytes", pa.int64()),  # UTF-8
    ]
)
"""Rows of `docs.parquet`: where the tokens of each document stand."""


def clean_parts(work: Work) -> list[tuple[Path, str]]:
    """Folder and part of every cleaned part, sources in the recipe's order."""
    return [
        (folder, part)
        for name, folder in work.inputs.items()
        if name.startswith("clean.")
        for part in part_names(folder)
    ]


def deciding_folders(work: Work) -> list[Path]:
    """Folders of the stages in `params["after"]`: the deciding steps and the split."""
    return [work.inputs[name] for name in work.params["after"]]


def rewriting_folders(work: Work) -> list[Path]:
    """Folders of the deciding stages that the work reads: some may have rewritten texts."""
    return [folder for name, folder in work.inputs.items() if name.startswith("decide.")]


def source_of(part: str) -> str:
    """The source in a part's name, `{source}-{n:05d}`."""
    return part.rpartition("-")[0]


def as_spec(folder: Path, part: str, after: Sequence[Path]) -> dict[str, object]:
    return {"folder": str(folder), "part": part, "after": [str(path) for path in after]}


def of_spec(spec: Mapping, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Documents without those that left or are held out, of what `as_spec` wrote down."""
    after = [Path(path) for path in spec["after"]]
    return kept_documents(Path(spec["folder"]), spec["part"], after, columns)


def iter_docs(folder: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """`docs.parquet` of a finished stage `tokens`, a row group at a time."""
    return iter_part(folder, ".", "docs", columns=columns, round="docs")
