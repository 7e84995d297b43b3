"""The files of a repository in a snapshot: one Parquet table and what holds for whole folders.

    data/00-name.parquet   path, blob, mode, size, content, changed, created, error; in its metadata
                           {"name", "repository", "commit", "created", "licenses": {path: text},
                           "stated": {path of a manifest: SPDX expression},
                           "attributes": {folder: text of .gitattributes}}

Nothing is checked out: a path is a string in a table, so no link, device or `..` can do anything.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpusmith.collect.git.manifests import is_manifest, stated_license
from corpusmith.collect.license_texts import MAX_TEXT_CHARS, is_license_name
from corpusmith.store.atomic import HashedFile

SCHEMA = pa.schema(
    [
        ("path", pa.string()),  # from the repository's root, "/" between folders
        ("blob", pa.string()),  # git's name of the content, or null
        ("mode", pa.string()),  # git's: 100644, 100755
        ("size", pa.int64()),  # bytes
        ("content", pa.large_binary()),  # null where it was not kept: see `error`
        ("changed", pa.string()),  # the last commit that changed it, or null
        ("created", pa.string()),  # when that was written (author date, ISO 8601), or null
        ("error", pa.string()),  # "name: message" of why there is no content, or null
    ]
)
KEY = "corpusmith.repository"
GROUP_BYTES = 8 << 20  # of contents, in a row group


@dataclasses.dataclass(frozen=True)
class File:
    """A row of the table."""

    path: str
    content: bytes | None
    size: int
    blob: str | None = None
    mode: str | None = None
    changed: str | None = None
    created: str | None = None
    error: str | None = None


def write_table(target: Path, described: dict[str, Any], files: Iterable[File]) -> dict[str, int]:
    """Write `target`.parquet; counts of files and bytes."""
    licenses: dict[str, str] = {}
    attributes: dict[str, str] = {}
    stated: dict[str, str] = {}
    count = size = held = 0
    rows: list[dict[str, Any]] = []
    file = HashedFile(target.with_suffix(".parquet"))
    try:
        with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            for found in files:
                folder, _, name = found.path.rpartition("/")
                if found.content is not None and name == ".gitattributes":
                    attributes[folder] = found.content[:100_000].decode("utf-8", "replace")
                elif found.content is not None and _states_license(folder, name):
                    text = found.content[: 4 * MAX_TEXT_CHARS].decode("utf-8", "replace")
                    licenses[found.path] = text
                elif is_manifest(name) and (said := stated_license(name, found.content or b"")):
                    stated[found.path] = said
                rows.append(dataclasses.asdict(found))
                held += len(found.content or b"")
                count, size = count + 1, size + found.size
                if held >= GROUP_BYTES or len(rows) >= 20_000:
                    writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
                    rows, held = [], 0
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
            told = {**described, "licenses": licenses, "stated": stated}
            told["attributes"] = attributes
            writer.add_key_value_metadata({KEY: json.dumps(told)})
        file.commit()
    except BaseException:
        file.discard()
        raise
    return {"files": count, "bytes": size}


def described_in(path: str) -> dict[str, Any]:
    """What holds for whole folders, from a table's metadata."""
    return json.loads(pq.read_metadata(path).metadata[KEY.encode()])


def _states_license(folder: str, name: str) -> bool:
    """Whether a file holds the licence of what is in its folder; LICENSES/ only lists texts."""
    return is_license_name(name) and folder.rpartition("/")[2].lower() != "licenses"
