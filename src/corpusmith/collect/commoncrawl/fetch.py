"""`read: commoncrawl`: whole files of a crawl by its path list, or records chosen by its index.

    files   data/<name of the file>                   downloads go on where they were cut off
    index   data/records-00000.warc.gz, ...           the records as they are, a gzip member each

Records that stand close together in a file come with one request. After each request a line of
`state/journal.jsonl` says how far the output is; what a kill left behind that is cut off.
"""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from corpusmith.collect.commoncrawl.index import Place, paths_of, selected
from corpusmith.collect.commoncrawl.params import CommonCrawlParams, listed
from corpusmith.collect.commoncrawl.web import Client
from corpusmith.collect.world import Job
from corpusmith.errors import InputError
from corpusmith.store.atomic import read_json, write_json

MAX_GAP_BYTES = 16 << 10  # between two records that come together: less than a request costs
MAX_REQUEST_BYTES = 8 << 20
MAX_OUTPUT_BYTES = 256 << 20


def fetch(params: CommonCrawlParams, given: Job) -> dict[str, Any]:
    """{"crawls", "files" or "records", "bytes", "requests", "repeated", "damaged"}"""
    lock = threading.Lock()  # several connections tell of themselves

    def progress(fraction: float, note: str = "") -> None:
        with lock:
            given.progress(fraction, note)

    job = dataclasses.replace(given, progress=progress)
    client = Client(params.server, params.retries, lambda note: progress(0.0, note))
    crawls = listed(params.crawl)
    if params.index is None:
        found = {"files": _files(client, crawls, params, job)}
    else:
        found = _records(client, crawls, params, job)
    traffic = client.traffic
    told = {"bytes": traffic.bytes, "requests": traffic.requests, "repeated": traffic.again}
    return {"crawls": crawls, "kind": params.kind, **found, **told}


# --- whole files -----------------------------------------------------------------------------


def _files(
    client: Client, crawls: Sequence[str], params: CommonCrawlParams, job: Job
) -> list[dict[str, Any]]:
    plan = job.state / "files.json"
    if not plan.exists():
        write_json(plan, [p for crawl in crawls for p in _wanted(client, crawl, params)])
    paths: list[str] = list(dict.fromkeys(read_json(plan)))
    names = _names(paths)
    progress = _Progress(job, len(paths))

    def one(path: str) -> dict[str, Any]:
        name = names[path]
        note = job.state / f"{name}.done.json"
        if not note.exists():
            part = job.state / f"{name}.part"
            if not part.exists() and (job.data / name).exists():
                os.replace(job.data / name, part)  # moved, but not noted
            figures = client.download(path, part, lambda got, size: progress.told(path, got, size))
            os.replace(part, job.data / name)
            write_json(note, {"path": path, **figures})
            part.with_name(part.name + ".json").unlink(missing_ok=True)
        progress.done(path)
        return read_json(note)

    with ThreadPoolExecutor(params.connections) as pool:
        return list(pool.map(one, paths))


def _names(paths: Sequence[str]) -> dict[str, str]:
    """What each file is called here: by its own name, with a number where two share one."""
    bare = {path: path.rpartition("/")[2] for path in paths}
    for path, name in bare.items():
        if not name or name.startswith("."):
            raise InputError(
                f"the crawl's list names {path!r}, which is no file", hint="check `server:`"
            )
    shared = Counter(bare.values())
    return {
        path: name if shared[name] == 1 else f"{number:05d}-{name}"
        for number, (path, name) in enumerate(bare.items())
    }


class _Progress:
    """How far several downloads are, told about every megabyte, by one thread at a time."""

    def __init__(self, job: Job, files: int) -> None:
        self._job = job
        self._files = files
        self._lock = threading.Lock()
        self._shares: dict[str, float] = {}
        self._bytes: dict[str, int] = {}
        self._last = 0

    def told(self, path: str, got: int, size: int | None) -> None:
        with self._lock:
            self._bytes[path] = got
            self._shares[path] = min(1.0, got / size) if size else 0.0
            if abs(sum(self._bytes.values()) - self._last) > 1_000_000:
                self._tell()

    def done(self, path: str) -> None:
        with self._lock:
            self._shares[path] = 1.0
            self._tell()

    def _tell(self) -> None:
        self._last = sum(self._bytes.values())
        share = sum(self._shares.values()) / self._files
        self._job.progress(share, f"{self._files} files, {self._last / 1e6:.1f} MB")


def _wanted(client: Client, crawl: str, params: CommonCrawlParams) -> list[str]:
    paths = paths_of(client, crawl, params.kind)
    if isinstance(params.files, int):
        return paths[: params.files]
    numbers = params.files or []
    beyond = [number for number in numbers if number >= len(paths)]
    if beyond:
        raise InputError(
            f"{crawl} has no {params.kind} file {beyond[0]}", expected=f"0 to {len(paths) - 1}"
        )
    return [paths[number] for number in numbers]


# --- records of the index ----------------------------------------------------------------------


def _records(
    client: Client, crawls: Sequence[str], params: CommonCrawlParams, job: Job
) -> dict[str, Any]:
    plan = job.state / "records.json"
    if not plan.exists():
        assert params.index is not None
        places: list[Place] = []
        for crawl in crawls:
            job.progress(0.0, f"reading the index of {crawl}")
            places += selected(
                client, crawl, params.index, params.records, job.state / "index", params.connections
            )
        write_json(plan, places)
    places = [Place(*row) for row in read_json(plan)]
    if not places:
        raise InputError(
            f"the index of {', '.join(crawls)} has no such record",
            expected="a host, a domain, a language ... of which pages were fetched",
        )
    groups = list(grouped(places))
    output = _Output(job)
    damaged = output.damaged
    first = output.groups
    with ThreadPoolExecutor(params.connections) as pool:
        # As many requests ahead as there are connections; written in their order.
        step = params.connections
        for start in range(first, len(groups), step):
            some = groups[start : start + step]
            spans = [(g[0].file, g[0].offset, g[-1].offset + g[-1].length) for g in some]
            for group, data in zip(
                some, pool.map(lambda s: client.range_of(*s), spans), strict=True
            ):
                base = group[0].offset
                kept = []
                for place in group:
                    record = data[place.offset - base : place.offset - base + place.length]
                    if _is_record(record, place.length):
                        kept.append(record)
                    else:
                        damaged += 1
                output.write(kept, damaged)
            share = min(1.0, (start + step) / len(groups))
            job.progress(share, f"{output.records:,} of {len(places):,} records")
    warnings = []
    if damaged:
        warnings.append(
            f"{damaged:,} of {len(places):,} records of the index are no WARC records: left out"
        )
    if not output.records:
        raise InputError("none of the records is what the index says", hint="check `server:`")
    return {"records": output.records, "damaged": damaged, "warnings": warnings}


def grouped(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Neighbours of one file, sorted by offset, that come with one request."""
    group: list[Place] = []
    for place in places:
        if group:
            end = group[-1].offset + group[-1].length
            near = place.file == group[-1].file and place.offset - end <= MAX_GAP_BYTES
            if not near or place.offset + place.length - group[0].offset > MAX_REQUEST_BYTES:
                yield group
                group = []
        group.append(place)
    if group:
        yield group


def _is_record(data: bytes, length: int) -> bool:
    """Whether these bytes are one gzip member with a WARC record in it."""
    if len(data) != length:
        return False
    decoder = zlib.decompressobj(31)
    try:
        head = decoder.decompress(data, 64)
        if not head.startswith(b"WARC/"):
            return False
        while not decoder.eof:
            rest = decoder.unconsumed_tail
            if not rest or not decoder.decompress(rest, 1 << 20):
                break
    except zlib.error:
        return False
    return decoder.eof and not decoder.unused_data


class _Output:
    """WARC files that grow by the records of one request at a time."""

    def __init__(self, job: Job) -> None:
        self._data = job.data
        self._journal = job.state / "journal.jsonl"
        self.groups = self.records = self.damaged = 0
        self._number = self._size = 0
        lines = self._journal.read_bytes().split(b"\n") if self._journal.exists() else []
        whole = 0
        for line in lines[:-1]:  # what stands behind the last line end was cut off
            state = json.loads(line)
            self._number, self._size = state["file"], state["bytes"]
            self.records, self.damaged = state["records"], state["damaged"]
            self.groups += 1
            whole += len(line) + 1
        if lines:
            os.truncate(self._journal, whole)
        for path in self._data.glob("records-*.warc.gz"):
            if path.name > self._path().name:
                path.unlink()
        if self._path().exists():
            os.truncate(self._path(), self._size)

    def _path(self) -> Path:
        return self._data / f"records-{self._number:05d}.warc.gz"

    def write(self, records: Sequence[bytes], damaged: int) -> None:
        if self._size >= MAX_OUTPUT_BYTES:
            self._number, self._size = self._number + 1, 0
        with open(self._path(), "ab", buffering=0) as file:
            for record in records:
                file.write(record)
                self._size += len(record)
            os.fsync(file.fileno())
        self.records += len(records)
        self.groups += 1
        state = {"file": self._number, "bytes": self._size, "records": self.records}
        with open(self._journal, "ab", buffering=0) as file:
            file.write(json.dumps({**state, "damaged": damaged}).encode() + b"\n")
