"""Round "cut": how a file that can't be split blindly is cut; a task a file, which returns pieces.

cut:stream   gzip, zstd: decompressed once into scratch chunks cut at records
             (UTF-16 and UTF-32 recoded to UTF-8: offsets count its bytes)
cut:offsets  a plain CSV file: where its rows begin about every `part_bytes`; no copy
cut:groups   Parquet: its row groups
cut:aligned  two files of lines: counted, and where their pieces begin
cut:members  WARC: where its records begin about every `part_bytes`; no copy
cut:marked   dumps in one stream: decompressed once into scratch chunks cut at marks
cut:bzip2    dumps in bzip2: where its streams begin about every part; no copy
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, BinaryIO

from corpusmith import op
from corpusmith.collect.dumps.marked import (
    BZ2_EXPANSION,
    MARKS,
    Mark,
    records,
    refused,
    stream_ranges,
)
from corpusmith.collect.lines import cut_lines
from corpusmith.collect.pieces import text_blocks, too_large
from corpusmith.collect.readers import READERS, CsvParams, SourceParams
from corpusmith.collect.streams import DamagedError, blocks, reading
from corpusmith.collect.tasks.aligned import cut_pair
from corpusmith.collect.unpack import unpacked
from corpusmith.store.atomic import HashedFile

Piece = dict[str, Any]


def cut_file(spec: dict[str, Any], ctx: op.TaskContext) -> dict[str, Any]:
    """{"pieces": [...]} of the file; what is known to be unreadable is a piece as well."""
    params = READERS[spec["read"]].params.model_validate(spec["params"])
    how = spec["how"]
    pieces: list[Piece] = []
    with ctx.writer() as out:
        try:
            if how == "cut:groups":
                pieces.extend(_groups(spec["path"], params.part_bytes))
            elif how == "cut:aligned":
                pieces.extend(cut_pair(spec["path"], spec["target"], params))
            elif how == "cut:members":
                pieces.extend(_members(spec["path"], params))
            elif how == "cut:bzip2":
                pieces.extend(_streams(spec["path"], params))
            elif how == "cut:marked":
                mark = MARKS[READERS[spec["read"]].unit]
                for piece in _marked(spec["path"], params, mark, _Scratch(ctx)):
                    more = {"uri": spec["uri"], "dump": spec["path"]}
                    pieces.append({**piece, **more} if "chunk" in piece else piece)
            elif how == "cut:offsets":
                assert isinstance(params, CsvParams)
                pieces.extend(_offsets(spec["path"], params))
            else:
                for piece in _chunks(spec["path"], params, _Scratch(ctx)):
                    pieces.append({**piece, "uri": spec["uri"]} if "chunk" in piece else piece)
        except DamagedError as error:
            pieces.append({"offset": error.offset, "error": error.error, "message": error.message})
        for piece in pieces:
            if "error" in piece:
                offset = piece.pop("offset")
                whole = how in ("cut:groups", "cut:aligned")
                piece["uri"] = spec["uri"] if whole else f"{spec['uri']}#{offset}"
        out.info["pieces"] = pieces
    return {"pieces": pieces}


def _groups(path: str, part_bytes: int) -> Iterator[Piece]:
    from corpusmith.collect.parquet import row_groups

    row = 0
    piece: Piece = {}
    for group, (rows, size) in enumerate(row_groups(path)):
        if piece and piece["weight"] + size > part_bytes:
            yield piece
            piece = {}
        piece = piece or {"row": row, "groups": [], "rows": [], "weight": 0}
        piece["groups"].append(group)
        piece["rows"].append(rows)
        piece["weight"] += size
        row += rows
    if piece:
        yield piece


def _members(path: str, params: SourceParams) -> Iterator[Piece]:
    from corpusmith.collect.warc import record_offsets

    offsets = list(record_offsets(path, params.part_bytes))
    for start, end in itertools.pairwise(offsets):
        yield {"start": start, "end": end, "weight": end - start}


def _streams(path: str, params: SourceParams) -> Iterator[Piece]:
    for start, end in stream_ranges(path, params.part_bytes):
        yield {"start": start, "end": end, "weight": BZ2_EXPANSION * (end - start)}


def _marked(path: str, params: SourceParams, mark: Mark, scratch: _Scratch) -> Iterator[Piece]:
    """Chunks of whole records; one over the limit is told and not written."""
    limit = params.max_document_bytes
    name, file, start, written = "", None, 0, 0
    damage = None
    if bad := refused(path, mark):
        yield {"offset": 0, "error": bad[0], "message": bad[1]}

    def piece() -> Piece:
        return {"chunk": name, "offset": start, "weight": written}

    with reading(path), open(path, "rb") as packed:
        found = records(unpacked(packed), mark, offset=0, limit=limit, head=True)
        while True:
            try:
                record = next(found, None)
            except DamagedError as error:
                record, damage = None, error
            full = record is None or record.data is None or written >= params.part_bytes
            if full and file is not None:
                scratch.close(file)
                yield piece()
                file = None
            if record is None:
                break
            if record.data is None:
                error_name, message = too_large(record.size, limit)
                yield {"offset": record.offset, "error": error_name, "message": message}
                continue
            if file is None:
                name, file = scratch.open()
                start, written = record.offset, 0
            file.write(record.data)
            written += len(record.data)
    if damage is not None:
        raise damage


def _offsets(path: str, params: CsvParams) -> Iterator[Piece]:
    from corpusmith.collect.delimited import file_header, rows

    names = params.columns or file_header(path, params)
    start = end = 0
    try:
        for row in rows(blocks(path), params, offset=0):
            if row.offset - start >= params.part_bytes:
                yield _range(start, row.offset, names)
                start = row.offset
            end = row.offset + max(row.size, len(row.raw))
    except DamagedError as error:
        if error.offset > start:
            yield _range(start, error.offset, names)
        raise
    if end > start:
        yield _range(start, end, names)


def _range(start: int, end: int, names: list[str]) -> Piece:
    # The first range reads the header itself, as the row that it is.
    columns = {"columns": names} if start else {}
    return {"start": start, "end": end, "weight": end - start, **columns}


def _chunks(path: str, params: SourceParams, scratch: _Scratch) -> Iterator[Piece]:
    later: dict[str, Any] = {}
    source = text_blocks(path, params.encoding)
    chunks = cut_lines(source, params, scratch.open, scratch.close)
    if isinstance(params, CsvParams):
        from corpusmith.collect.delimited import cut_rows, file_header

        later = {"columns": params.columns or file_header(path, params)}
        if params.quote:
            chunks = cut_rows(source, params, scratch.open, scratch.close)
    for chunk in chunks:
        if chunk.name:
            piece = {"chunk": chunk.name, "offset": chunk.offset, "weight": chunk.bytes}
            yield piece | (later if chunk.offset else {})
        else:
            error, message = too_large(chunk.bytes, params.max_document_bytes)
            yield {"offset": chunk.offset, "error": error, "message": message}


class _Scratch:
    """Chunk files of one cut task, each whole or absent."""

    def __init__(self, ctx: op.TaskContext) -> None:
        self._folder = ctx.folder / "scratch"
        self._part = ctx.part
        self._count = 0

    def open(self) -> tuple[str, BinaryIO]:
        name = f"{self._part}-{self._count:05d}"
        self._count += 1
        return name, HashedFile(self._folder / name)  # type: ignore[return-value]

    @staticmethod
    def close(file: BinaryIO) -> None:
        file.commit()  # type: ignore[attr-defined]
