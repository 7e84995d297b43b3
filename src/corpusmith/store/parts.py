"""Parts: the atomic Parquet files of a stage, with a manifest entry that is written last.

    store/<stage>-<fingerprint>/
        documents/pages-00000.parquet     one folder a kind, one file a part
        signals/pages-00000.parquet
        parts/main/pages-00000.json       the entry: files, rows, bytes, checksums, info
        manifest.json                     written when every part is there

A part exists once its entry does. A part of a round that is removed before the manifest is written
need not be `durable`: its files are not synced, and a run that takes it up compares checksums.
Row groups are cut by rows and by bytes of the rows themselves, so a file's bytes don't depend on
how the rows came in batches.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpusmith import schema
from corpusmith.errors import redacted
from corpusmith.store.atomic import HashedFile, read_json, temporary_name, write_json
from corpusmith.store.fingerprint import hash_file

GROUP_ROWS = 4096
SPAN_ROWS = 65_536  # of edits, of which a document may have hundreds: most are a line or less
GROUP_BYTES = 8 << 20


class _Table:
    """One Parquet file in the making: re-cuts what comes in into fixed row groups."""

    def __init__(
        self, path: Path, table_schema: pa.Schema, raw: Sequence[str], group_rows: int
    ) -> None:
        """`raw`: columns that are stored as they are, without compression and statistics."""
        self.file = HashedFile(path)
        self.schema = table_schema
        self.group_rows = group_rows
        self.rows = 0
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self._pending_bytes = 0
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self.file, mode="w"),
            table_schema,
            **_compression(table_schema, raw),
            use_dictionary=[f.name for f in table_schema if f.type == pa.string()],
        )

    def write(self, table: pa.Table) -> None:
        if not table.schema.equals(self.schema):
            table = table.select(self.schema.names).cast(self.schema)
        sizes = row_bytes(table)
        start = 0
        while start < table.num_rows:
            room_rows = self.group_rows - self._pending_rows
            totals = np.cumsum(sizes[start : start + room_rows])
            # A group closes with the row that reaches the limit: a function of rows alone.
            take = int(np.searchsorted(totals, GROUP_BYTES - self._pending_bytes, side="left")) + 1
            take = min(take, len(totals))
            self._pending.append(table.slice(start, take))
            self._pending_rows += take
            self._pending_bytes += int(totals[take - 1])
            start += take
            if self._pending_rows >= self.group_rows or self._pending_bytes >= GROUP_BYTES:
                self._flush()

    def _flush(self) -> None:
        if self._pending_rows:
            group = pa.concat_tables(self._pending).combine_chunks()
            self._writer.write_table(group, row_group_size=group.num_rows)
            self.rows += group.num_rows
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0

    def close(self) -> None:
        self._flush()
        self._writer.close()


def _compression(table_schema: pa.Schema, raw: Sequence[str]) -> dict[str, Any]:
    """zstd and statistics for all columns but `raw` ones. Parquet names what a list holds by its
    path, so with `raw` ones every leaf has to be named."""
    if not raw:
        return {"compression": "zstd", "compression_level": 1, "write_statistics": True}
    packed = [p for f in table_schema if f.name not in raw for p in _leaves(f.name, f.type)]
    return {
        "compression": {**dict.fromkeys(packed, "zstd"), **dict.fromkeys(raw, "none")},
        "compression_level": dict.fromkeys(packed, 1),
        "write_statistics": packed,
    }


def _leaves(path: str, kind: pa.DataType) -> Iterator[str]:
    """Paths of the leaves of a column in Parquet's schema (lists and structs of any depth)."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    else:
        yield path


def is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def row_bytes(table: pa.Table) -> np.ndarray:
    """int64[rows]: bytes of each row's strings and lists, the measure by which batches are cut.

    Numbers beside them are not counted: `GROUP_ROWS` bounds those.
    """
    total = np.zeros(table.num_rows, np.int64)
    for column in table.columns:
        if column.null_count == table.num_rows:
            continue
        if _is_text(column.type) or pa.types.is_nested(column.type):
            total += np.concatenate([_value_bytes(c) for c in column.chunks] or [total])
        elif pa.types.is_fixed_size_binary(column.type):
            total += column.type.byte_width  # a null's as well
    return total


def _is_text(kind: pa.DataType) -> bool:
    text, long_text = pa.types.is_string(kind), pa.types.is_large_string(kind)
    return text or long_text or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _value_bytes(values: pa.Array) -> np.ndarray:
    """int64[rows]: bytes of each value; a null string or list has none."""
    kind = values.type
    if _is_text(kind):
        return np.asarray(pc.fill_null(pc.binary_length(values), 0)).astype(np.int64)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = np.asarray(pc.fill_null(pc.list_value_length(values), 0)).astype(np.int64)
        ends = np.concatenate([[0], np.cumsum(_value_bytes(pc.list_flatten(values)))])
        stops = np.cumsum(lengths)
        return ends[stops] - ends[stops - lengths]
    if pa.types.is_struct(kind):
        total = np.zeros(len(values), np.int64)
        for field in values.flatten():
            total += _value_bytes(field)
        return total
    try:
        width = -(-kind.bit_width // 8)
    except ValueError:  # a type whose width is not fixed, which no table of ours has
        width = 0
    return np.full(len(values), width, np.int64)


def batches_of(table: pa.Table, batch_bytes: int) -> Iterator[pa.Table]:
    """Slices of about `batch_bytes` of strings, at least one row each."""
    sizes = row_bytes(table)
    start = 0
    while start < table.num_rows:
        totals = np.cumsum(sizes[start:])
        take = max(1, int(np.searchsorted(totals, batch_bytes, side="right")))
        yield table.slice(start, take)
        start += take


class PartWriter:
    """Writes one part: tables by kind, other files by `open`; committed on leaving the block."""

    def __init__(
        self, folder: Path, part: str, *, round: str = "main", durable: bool = True
    ) -> None:
        self.folder = folder
        self.part = part
        self.round = round
        self.durable = durable
        self.info: dict[str, Any] = {}
        self._tables: dict[str, _Table] = {}
        self._files: dict[str, HashedFile] = {}
        self._links: dict[str, tuple[Path, Path, dict[str, Any]]] = {}

    def take_over(
        self, kind: str, folder: Path, part: str, kept: list[pa.Array] | None = None
    ) -> None:
        """Rows of another stage's part as this part's own: those whose `id` is in `kept`, or all.
        All of them are no copy but a hard link, where the disk knows links."""
        if kept is None and self._link(kind, folder, part):
            return
        self.write(kind, schema.SIDECARS[kind].empty_table())
        ids = None if kept is None else pa.chunked_array(kept, pa.string())
        for group in iter_part(folder, kind, part):
            self.write(kind, group if ids is None else group.filter(pc.is_in(group["id"], ids)))

    def _link(self, kind: str, folder: Path, part: str) -> bool:
        done = part_entry(folder, part)["files"].get(kind)
        path = file_path(self.folder, kind, self.part)
        temporary = temporary_name(path)
        if done is None:
            return False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)
            os.link(file_path(folder, kind, part), temporary)
        except OSError:
            return False
        self._links[kind] = (temporary, path, {**done, "path": f"{kind}/{path.name}"})
        return True

    def write(self, kind: str, table: pa.Table) -> None:
        """Append rows. The first call fixes the schema; known kinds have that of `schema`."""
        if kind not in self._tables:
            path = self.folder / kind / f"{self.part}.parquet"
            # Metadata of fields (units) stays, that of pandas and the like would vary.
            known = schema.SIDECARS.get(kind, table.schema.remove_metadata())
            # What a signal holds as bytes are hashes: nothing makes them smaller.
            raw = [f.name for f in known if kind == "signals" and is_bytes(f.type)]
            rows = SPAN_ROWS if kind == "edits" else GROUP_ROWS
            self._tables[kind] = _Table(path, known, raw, rows)
        if kind == "quarantine":
            table = _without_secrets(table)
        self._tables[kind].write(table)

    def open(self, kind: str, suffix: str = ".bin", name: str | None = None) -> HashedFile:
        """A new file `<kind>/<part><suffix>` (or `<kind>/<name>`), committed with the part."""
        path = self.folder / kind / (name or f"{self.part}{suffix}")
        file = HashedFile(path)
        self._files[f"{kind}{suffix}" if name is None else f"{kind}/{name}"] = file
        return file

    def file(self, kind: str) -> HashedFile:
        """The file of `open(kind)`, which is made where it is not there yet."""
        return self._files.get(f"{kind}.bin") or self.open(kind)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is None:
            try:
                self._commit()
                return
            except BaseException:
                self._discard()
                raise
        self._discard()

    def _commit(self) -> None:
        for table in self._tables.values():
            table.close()
        tables = {name: table.file for name, table in self._tables.items()}
        files = {}
        for (name, file), done in self._committed({**tables, **self._files}):
            folder = file.path.parent.relative_to(self.folder).as_posix()
            files[name] = done if folder == "." else {**done, "path": f"{folder}/{done['path']}"}
            if name in tables:
                files[name]["rows"] = self._tables[name].rows
        for kind, (temporary, path, done) in self._links.items():
            os.replace(temporary, path)
            temporary.unlink(missing_ok=True)  # it stays where both names were one file already
            files[kind] = done
        entry = {"part": self.part, "files": files, "info": self.info}
        write_json(entry_path(self.folder, self.part, self.round), entry, sync=self.durable)

    def _committed(
        self, files: dict[str, HashedFile]
    ) -> Iterator[tuple[tuple[str, HashedFile], dict[str, Any]]]:
        """All at once: a disk takes several syncs in little more time than one."""
        if not self.durable or len(files) < 2:
            done = [file.commit(sync=self.durable) for file in files.values()]
        else:
            with ThreadPoolExecutor(len(files)) as pool:
                done = list(pool.map(HashedFile.commit, files.values()))
        yield from zip(files.items(), done, strict=True)

    def _discard(self) -> None:
        for table in self._tables.values():
            with contextlib.suppress(Exception):
                table._writer.close()
            table.file.discard()
        for file in self._files.values():
            file.discard()
        for temporary, _, _ in self._links.values():
            temporary.unlink(missing_ok=True)


def _without_secrets(table: pa.Table) -> pa.Table:
    """Messages of errors may quote a path or a parameter that `${env:NAME}` gave."""
    place = table.schema.get_field_index("message")
    messages = [redacted(text or "") for text in table["message"].to_pylist()]
    field = table.schema.field(place)
    return table.set_column(place, field, pa.array(messages, field.type))


# --- reading -----------------------------------------------------------------------------


def entry_path(folder: Path, part: str, round: str = "main") -> Path:
    return folder / "parts" / round / f"{part}.json"


def part_entry(folder: Path, part: str, round: str = "main") -> dict[str, Any]:
    """The manifest entry: {"part", "files": {kind: {path, rows, bytes, xxh3_128}}, "info"}."""
    return read_json(entry_path(folder, part, round))


def part_names(folder: Path, round: str = "main") -> list[str]:
    """Committed parts in the stage's order (manifest order when finished, else by name)."""
    manifest = folder / "manifest.json"
    if round == "main" and manifest.exists():
        return [entry["part"] for entry in read_json(manifest)["parts"]]
    found = (folder / "parts" / round).glob("*.json")
    return sorted(path.stem for path in found)


def committed(folder: Path, part: str, round: str = "main", *, checked: bool = False) -> bool:
    """Whether the part's entry and all files that it names are there, at their full size.

    `checked`: with their content too, for a part that was not `durable`.
    """
    try:
        files = part_entry(folder, part, round)["files"].values()
        return all(
            (folder / file["path"]).stat().st_size == file["bytes"]
            and (not checked or hash_file(folder / file["path"]) == file["xxh3_128"])
            for file in files
        )
    except (OSError, ValueError, KeyError):
        return False


def file_path(folder: Path, kind: str, part: str, suffix: str = ".parquet") -> Path:
    return folder / kind / f"{part}{suffix}"


def iter_part(
    folder: Path,
    kind: str,
    part: str,
    *,
    columns: Sequence[str] | None = None,
    round: str = "main",
) -> Iterator[pa.Table]:
    """The row groups of one part's table, in order; none where the part has no such table."""
    if kind not in part_entry(folder, part, round)["files"]:
        return
    with pq.ParquetFile(file_path(folder, kind, part), memory_map=False) as file:
        for index in range(file.num_row_groups):
            yield file.read_row_group(
                index, columns=list(columns) if columns is not None else None, use_threads=False
            )


def read_part(
    folder: Path,
    kind: str,
    part: str,
    *,
    columns: Sequence[str] | None = None,
    round: str = "main",
) -> pa.Table:
    """One part's table whole; for a known kind that the part lacks, an empty one."""
    groups = list(iter_part(folder, kind, part, columns=columns, round=round))
    if groups:
        return pa.concat_tables(groups)
    path = file_path(folder, kind, part)
    if path.exists():
        file_schema = pq.read_schema(path)
    else:
        file_schema = schema.SIDECARS.get(kind, pa.schema([("id", pa.string())]))
    names = columns if columns is not None else file_schema.names
    return pa.schema([file_schema.field(n) for n in names if n in file_schema.names]).empty_table()


def left_ids(decision_folders: Sequence[Path], part: str) -> pa.Array:
    """Ids of the part's documents that left through the decisions of these stages."""
    chunks = []
    for folder in decision_folders:
        if committed(folder, part) and _rows(folder, "decisions", part):
            ids = read_part(folder, "decisions", part, columns=["id"])["id"]
            chunks += ids.chunks
    return pa.chunked_array(chunks, type=pa.string()).combine_chunks()


def _rows(folder: Path, kind: str, part: str) -> int:
    return part_entry(folder, part)["files"].get(kind, {}).get("rows", 0)
