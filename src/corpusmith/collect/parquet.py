"""Parquet: a document a row. Row groups are read in small batches, never as a whole.

String columns are read as dictionaries: a column of one large value repeated a million times then
takes the memory of one.
"""

from __future__ import annotations

import base64
import datetime
import decimal
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpusmith.collect.encoding import UndecodableError, decode
from corpusmith.collect.errors import RecordError
from corpusmith.collect.pieces import too_large
from corpusmith.collect.readers import ParquetParams
from corpusmith.collect.records import Emit, document_of
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError, reading
from corpusmith.collect.whole import split_text

BATCH_BYTES = 8 << 20
MAX_BATCH_ROWS = 1024


def row_groups(path: str) -> list[tuple[int, int]]:
    """(rows, uncompressed bytes) of each row group; DamagedError where there is no footer."""
    with reading(path):
        try:
            with pq.ParquetFile(path, memory_map=False) as file:
                meta = file.metadata
                groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
                return [(g.num_rows, g.total_byte_size) for g in groups]
        except (pa.ArrowException, ValueError) as error:
            raise DamagedError("bad_parquet", _sentence(error)) from None
        except OSError as error:
            if error.errno is not None:
                raise
            raise DamagedError("bad_parquet", _sentence(error)) from None


def read(piece: dict[str, Any], params: ParquetParams, sink: Sink) -> None:
    """The rows of a piece's row groups; `uri` is the path and `#row=` with the row's number.

    A damaged page costs the rest of its row group, as one quarantine row.
    """
    read_records(piece, sink, lambda uri, record, _: _document(uri, record, params, sink))


def read_records(
    piece: dict[str, Any], sink: Sink, emit: Emit, name: Callable[[str, dict], str] | None = None
) -> None:
    """Announce each row of a piece to `sink`; `emit` ends it, or raises RecordError.

    `name(uri, row)` is the URI of a row that has one of its own.
    """
    row = piece["row"]
    for group, rows in zip(piece["groups"], piece["rows"], strict=True):
        done = 0
        try:
            for record in _records(piece["path"], group):
                uri = f"{piece['uri']}#row={row + done}"
                done += 1
                uri = name(uri, record) if name else uri
                if sink.record(uri):
                    try:
                        emit(uri, record, False)
                    except RecordError as error:
                        sink.quarantine(error.error, error.message)
        except DamagedError as error:
            message = f"rows {row + done} to {row + rows - 1} can't be read: {error.message}"
            sink.fail(f"{piece['uri']}#row={row + done}", error.error, message)
        row += rows


def _document(uri: str, record: dict[str, Any], params: ParquetParams, sink: Sink) -> None:
    try:
        value = record.get(params.text)
        repaired = False
        if isinstance(value, bytes):
            if len(value) > params.max_document_bytes:
                raise RecordError(*too_large(len(value), params.max_document_bytes))
            decoded = decode(value, params.encoding)
            record[params.text], repaired = decoded.text, decoded.repaired
        document = document_of({key: plain(v) for key, v in record.items()}, params)
        size = len(document["text"].encode("utf-8", "surrogatepass"))
        if size <= params.max_document_bytes:
            sink.document(**document, repaired=repaired)
            return
        if params.long != "split":
            raise RecordError(*too_large(size, params.max_document_bytes))
        del document["messages"]
        text = document.pop("text")
        split_text(uri, text.encode(), params.max_document_bytes, sink, document)
    except UndecodableError as error:
        raise RecordError("bad_encoding", str(error)) from None


def _records(path: str, group: int) -> Iterator[dict[str, Any]]:
    with reading(path):
        try:
            with pq.ParquetFile(path) as probe:
                schema = probe.schema_arrow
                meta = probe.metadata.row_group(group)
                strings = [
                    f.name
                    for f in schema
                    if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
                ]
                row_bytes = max(1, meta.total_byte_size // max(1, meta.num_rows))
            with pq.ParquetFile(
                path,
                read_dictionary=strings,
                buffer_size=1 << 20,
                pre_buffer=False,
                memory_map=False,
                page_checksum_verification=True,
            ) as file:
                size = min(MAX_BATCH_ROWS, max(1, BATCH_BYTES // row_bytes))
                for batch in file.iter_batches(size, row_groups=[group], use_threads=False):
                    yield from _rows(batch)
        except (pa.ArrowException, ValueError, UnicodeDecodeError) as error:
            raise DamagedError("bad_parquet", _sentence(error)) from None
        except OSError as error:
            if error.errno is not None:
                raise
            raise DamagedError("bad_parquet", _sentence(error)) from None


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    names = batch.schema.names
    columns = batch.columns
    for index in range(batch.num_rows):
        yield {name: column[index].as_py() for name, column in zip(names, columns, strict=True)}


def plain(value: Any) -> Any:
    """A value of Arrow as JSON has it; times as ISO 8601, bytes as base64, decimals as text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list):
        if value and all(isinstance(v, tuple) and len(v) == 2 for v in value):  # a map
            return {str(k): plain(v) for k, v in value}
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return str(value)


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
