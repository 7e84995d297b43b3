"""Records of a crawl by its columnar index (https://commoncrawl.org/columnar-index), Parquet files
sorted by SURT key: of each the row groups that may hold what is asked for are read, by ranges.
"""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpusmith.collect.commoncrawl.params import LANGUAGES, IndexFilter, listed
from corpusmith.collect.commoncrawl.web import Client, RangeFile
from corpusmith.errors import InputError
from corpusmith.store.atomic import HashedFile

LIST_BYTES = 64 << 20
PLACE = ("warc_filename", "warc_record_offset", "warc_record_length")
_SELECTED = pa.schema([(PLACE[0], pa.string()), (PLACE[1], pa.int64()), (PLACE[2], pa.int64())])


class Place(NamedTuple):
    """Where a record stands."""

    file: str
    offset: int
    length: int


def paths_of(client: Client, crawl: str, name: str) -> list[str]:
    """The paths in one of a crawl's lists: `warc`, `wet`, `wat`, `cc-index-table`."""
    path = f"crawl-data/{crawl}/{name}.paths.gz"
    data = client.bytes_of(path, LIST_BYTES)
    try:
        lines = gzip.decompress(data).decode("ascii").split("\n")
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{client.url(path)} is no list of paths: {error}") from None
    return [line.strip() for line in lines if line.strip()]


def selected(
    client: Client,
    crawl: str,
    wanted: IndexFilter,
    limit: int | None,
    state: Path,
    connections: int,
) -> list[Place]:
    """The records of a crawl that are asked for, by file and offset. What was found in a file of
    the index is kept in `state`, so that it is read once."""
    parts = [p for p in paths_of(client, crawl, "cc-index-table") if "/subset=warc/" in p]
    if not parts:
        raise InputError(f"{crawl} has no columnar index", hint="`files:` takes whole files")
    state.mkdir(parents=True, exist_ok=True)
    found: list[Place] = []

    def search(number: int) -> pa.Table:
        kept = state / f"{crawl}-{number:05d}.parquet"
        if not kept.exists():
            file = HashedFile(kept)
            try:
                pq.write_table(_search(client, parts[number], wanted), file)
                file.commit()
            except BaseException:
                file.discard()
                raise
        return pq.read_table(kept)

    with ThreadPoolExecutor(connections) as pool:
        # By so many at a time: with a limit, most files of the index need not be looked at.
        for first in range(0, len(parts), connections):
            for table in pool.map(search, range(first, min(first + connections, len(parts)))):
                columns = [table.column(name).to_pylist() for name in PLACE]
                found += [Place(*row) for row in zip(*columns, strict=True)]
            if limit is not None and len(found) >= limit:
                found = found[:limit]
                break
    return sorted(set(found))


def _search(client: Client, path: str, wanted: IndexFilter) -> pa.Table:
    tables = [_SELECTED.empty_table()]
    try:
        with pq.ParquetFile(pa.PythonFile(RangeFile(client, path), mode="r")) as file:
            names = set(file.schema_arrow.names)
            needed = [name for name, _ in _conditions(wanted)]
            missing = [name for name in (*needed, *PLACE) if name not in names]
            if missing:
                raise InputError(f"{client.url(path)}: this crawl's index has no {missing[0]}")
            groups = [g for g in range(file.num_row_groups) if _may_hold(file, g, wanted)]
            if groups:
                columns = sorted({*needed, *PLACE})
                for batch in file.iter_batches(row_groups=groups, columns=columns):
                    tables.append(_matching(batch, wanted))
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        sentence = " ".join(str(error).split())[:200]
        raise InputError(f"{client.url(path)} is no index: {sentence}") from error
    return pa.concat_tables(tables)


def _conditions(wanted: IndexFilter) -> Iterator[tuple[str, Any]]:
    """(column, what is asked of it)."""
    yield "fetch_status", wanted.status
    if wanted.host:
        yield "url_host_name", [host.lower() for host in listed(wanted.host)]
    if wanted.domain:
        yield "url_host_registered_domain", [name.lower() for name in listed(wanted.domain)]
    if wanted.mime:
        yield "content_mime_detected", [mime.lower() for mime in listed(wanted.mime)]
    if wanted.language:
        codes = [LANGUAGES.get(code, code) for code in listed(wanted.language)]
        yield "content_languages", codes
    if wanted.since or wanted.until:
        yield "fetch_time", (_utc(wanted.since), _utc(wanted.until))


def _utc(value: datetime.date | None) -> datetime.datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC)
    return value.replace(tzinfo=None)


def _matching(batch: pa.RecordBatch, wanted: IndexFilter) -> pa.Table:
    mask: Any = None
    for name, asked in _conditions(wanted):
        column = batch.column(batch.schema.get_field_index(name))
        if name == "fetch_status":
            one = pc.equal(column, asked)
        elif name == "fetch_time":
            times = column.cast(pa.timestamp("us"), safe=False)
            one = pc.is_valid(times)
            if asked[0] is not None:
                one = pc.and_(one, pc.greater_equal(times, pa.scalar(asked[0], pa.timestamp("us"))))
            if asked[1] is not None:
                one = pc.and_(one, pc.less(times, pa.scalar(asked[1], pa.timestamp("us"))))
        elif name == "content_languages":  # "zho,eng": the main language first
            main = pc.utf8_slice_codeunits(column.cast(pa.string()), 0, 3)
            one = pc.is_in(main, value_set=pa.array(asked, pa.string()))
        else:
            one = pc.is_in(column.cast(pa.string()), value_set=pa.array(asked, pa.string()))
        mask = one if mask is None else pc.and_(mask, one)
    table = pa.Table.from_batches([batch]).filter(pc.fill_null(mask, False)).select(PLACE)
    return table.cast(_SELECTED)


def _may_hold(file: pq.ParquetFile, group: int, wanted: IndexFilter) -> bool:
    """Whether a row group's least and greatest values leave room for what is asked for."""
    meta = file.metadata.row_group(group)
    bounds = {}
    for number in range(meta.num_columns):
        column = meta.column(number)
        if column.is_stats_set and column.statistics.has_min_max:
            bounds[column.path_in_schema] = (column.statistics.min, column.statistics.max)
    asked = dict(_conditions(wanted))
    for name in ("url_host_name", "url_host_registered_domain", "content_mime_detected"):
        values = asked.get(name)
        if values and name in bounds and _texts(bounds[name]):
            low, high = bounds[name]
            if not any(low <= value <= high for value in values):
                return False
    names = [*asked.get("url_host_name", ()), *asked.get("url_host_registered_domain", ())]
    if names and _texts(bounds.get("url_surtkey", (None, None))):
        low, high = bounds["url_surtkey"]
        # `org,example)/path` and `org,example,www)/path`; a leading www is left out of keys.
        keys = [",".join(reversed(name.removeprefix("www.").split("."))) for name in names]
        return any(low <= key + "\x7f" and key <= high for key in keys)
    return True


def _texts(bound: tuple[Any, Any]) -> bool:
    return all(isinstance(value, str) for value in bound)
