"""Records that belong together but stand apart: posts and their answers, comments of a thread.

An exchange on disk. A reader with `gather` makes, of each piece, rows (key, order, record), which
are sorted and written in buckets by the key's hash (round "gather"); a reader may regroup them by
another key once more ("join1", ...). Then each bucket is a part: its rows are merged, and those of
one key are a document. No more than `SORT_BYTES` of rows, or a thread within its limit, is ever
held; a larger thread is told with its size.
"""

from __future__ import annotations

import heapq
import importlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import xxhash

from corpusmith import op
from corpusmith.collect.readers import READERS, SourceParams
from corpusmith.collect.sink import Sink
from corpusmith.collect.streams import DamagedError
from corpusmith.store.atomic import HashedFile

SORT_BYTES = 96 << 20
MAX_BUCKETS = 4096
SCRATCH = "scratch"
_FAILED = "!"  # before every key: a row that could not be read

Row = dict[str, Any]
Slice = tuple[str, int, int]  # file in the scratch folder, from, to


class Rows:
    """Where a gathering function puts its rows."""

    def __init__(self, ctx: op.TaskContext, buckets: int) -> None:
        self._ctx = ctx
        self._buckets = buckets
        self._lines: list[tuple[int, bytes]] = []
        self._bytes = 0
        self._runs = 0
        self.slices: list[list[Any]] = []  # [bucket, file, from, to]
        self.skipped: Counter[str] = Counter()

    def put(self, key: str, order: str, record: Row) -> None:
        """A record of the thread `key`; those of a thread are in the order of `order`."""
        line = f"{key}\t{order}\t".encode() + _json(record)
        self._lines.append((xxhash.xxh3_64_intdigest(key.encode()) % self._buckets, line))
        self._bytes += len(line) + 64
        if self._bytes > SORT_BYTES:
            self._write()

    def fail(self, uri: str, error: str, message: str) -> None:
        """What can't be read; it becomes a row of quarantine."""
        self.put(_FAILED + xxhash.xxh3_128_hexdigest(uri.encode()), "", {"": [uri, error, message]})

    def again(self, row: Row) -> None:
        """A row that failed in an earlier round."""
        self.fail(*row[""])

    def skip(self, kind: str) -> None:
        self.skipped[kind] += 1

    def _write(self) -> None:
        self._lines.sort()
        name = f"{self._ctx.part}-{self._runs:05d}"
        self._runs += 1
        file = HashedFile(self._ctx.folder / SCRATCH / name)
        at = 0
        for bucket, line in self._lines:
            if not self.slices or self.slices[-1][:2] != [bucket, name]:
                self.slices.append([bucket, name, at, at])
            file.write(line + b"\n")
            at += len(line) + 1
            self.slices[-1][3] = at
        file.commit()
        self._lines, self._bytes = [], 0

    def finish(self) -> dict[str, Any]:
        if self._lines:
            self._write()
        return {"slices": self.slices, "rows_skipped": dict(sorted(self.skipped.items()))}


def _json(record: Row) -> bytes:
    try:
        return json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair: the sink tells it
        return json.dumps(record).encode()


# --- tasks -------------------------------------------------------------------------------


def gather_part(spec: dict[str, Any], ctx: op.TaskContext) -> dict[str, Any]:
    """The rows of some pieces."""
    params, gather = _reader(spec, 0)
    with ctx.writer() as out:
        rows = Rows(ctx, spec["buckets"])
        for piece in spec["pieces"]:
            if "error" in piece:
                rows.fail(piece["uri"], piece["error"], piece["message"])
                continue
            if "chunk" in piece:
                piece = {**piece, "path": str(ctx.folder / SCRATCH / piece["chunk"])}
            try:
                gather(piece, params, rows)
            except DamagedError as error:
                rows.fail(f"{piece['uri']}#{error.offset}", error.error, error.message)
        info = rows.finish()
        out.info.update(info)
    return info


def join_bucket(spec: dict[str, Any], ctx: op.TaskContext) -> dict[str, Any]:
    """The rows of a bucket under other keys."""
    params, join = _reader(spec, spec["level"])
    with ctx.writer() as out:
        rows = Rows(ctx, spec["buckets"])
        for thread in threads(ctx, spec["slices"], params.max_document_bytes):
            if thread.failed:
                rows.again(thread.records[0])
            elif thread.size > params.max_document_bytes:
                rows.fail(thread.uri, *thread.too_large(params.max_document_bytes))
            else:
                join(thread.key, thread.records, params, rows)
        info = rows.finish()
        out.info.update(info)
    return info


def read_bucket(spec: dict[str, Any], ctx: op.TaskContext) -> dict[str, Any]:
    """The documents of a bucket; returns `Sink.finish`."""
    params, read = _reader(spec, -1)
    with ctx.writer() as out:
        sink = Sink(ctx, out, spec["source"], params)
        for thread in threads(ctx, spec["slices"], params.max_document_bytes):
            if thread.failed:
                sink.fail(*thread.records[0][""])
            elif thread.size > params.max_document_bytes:
                sink.fail(thread.uri, *thread.too_large(params.max_document_bytes))
            else:
                read(thread.key, thread.records, params, sink)
        info = sink.finish()
        out.info.update(info)
    return info


def _reader(spec: dict[str, Any], level: int) -> tuple[SourceParams, Callable]:
    reader = READERS[spec["read"]]
    address = reader.gather[level]
    module, _, name = address.partition(":")
    function = getattr(importlib.import_module(module), name)
    return reader.params.model_validate(spec["params"]), function


# --- threads -----------------------------------------------------------------------------


class Thread:
    """The records of one key, in their order; of one over the limit only the first."""

    def __init__(self, key: str, first: Row) -> None:
        self.key = key
        self.records = [first]
        self.size = 0
        self.count = 1

    @property
    def failed(self) -> bool:
        return self.key.startswith(_FAILED)

    @property
    def uri(self) -> str:
        """Of its first record."""
        return self.records[0].get("uri", self.key)

    def too_large(self, limit: int) -> tuple[str, str]:
        return (
            "too_large",
            f"a thread of {self.count} records with {self.size} bytes, over the limit of {limit} "
            "(max_document_bytes)",
        )


def threads(ctx: op.TaskContext, slices: list[Slice], limit: int) -> Iterator[Thread]:
    """The threads of a bucket by key."""
    thread: Thread | None = None
    for line in _merged(ctx, slices):
        key, _, rest = line.partition(b"\t")
        name = key.decode()
        body = rest.partition(b"\t")[2]
        if thread is None or thread.key != name:
            if thread is not None:
                yield thread
            thread = Thread(name, json.loads(body))
        else:
            thread.count += 1
            if thread.size + len(body) <= limit:
                thread.records.append(json.loads(body))
            else:
                del thread.records[1:]
        thread.size += len(body)
    if thread is not None:
        yield thread


def _merged(ctx: op.TaskContext, slices: list[Slice]) -> Iterator[bytes]:
    """The lines of a bucket in order: sorted in memory, or in runs on disk and merged."""
    folder = ctx.folder / SCRATCH
    runs: list[Path] = []
    held: list[bytes] = []
    size = 0
    try:
        for name, start, end in slices:
            for line in _lines(folder / name, start, end):
                held.append(line)
                size += len(line) + 64
                if size > SORT_BYTES:
                    runs.append(_run(held, folder / f"{ctx.part}-merge-{len(runs):05d}"))
                    held, size = [], 0
        held.sort()
        if not runs:
            yield from held
            return
        sources = [_lines(run, 0, run.stat().st_size) for run in runs]
        yield from heapq.merge(*sources, held)
    finally:
        for run in runs:
            run.unlink(missing_ok=True)


def _run(lines: list[bytes], path: Path) -> Path:
    lines.sort()
    with open(path, "wb") as file:
        for line in lines:
            file.write(line + b"\n")
    return path


def _lines(path: Path, start: int, end: int) -> Iterator[bytes]:
    with open(path, "rb") as file:
        file.seek(start)
        left = end - start
        while left > 0:
            line = file.readline()
            left -= len(line)
            yield line[:-1]


# --- the rounds --------------------------------------------------------------------------


def execute(
    work: op.Work,
    shared: dict[str, Any],
    groups: list[tuple[list[dict[str, Any]], int]],
    part_bytes: int,
) -> tuple[list[op.Task], Counter[str]]:
    """Run the rounds before the last one; (tasks of the last one, what was skipped)."""
    source, levels = shared["source"], len(READERS[shared["read"]].gather) - 1
    weight = sum(size for _, size in groups)
    buckets = max(1, min(MAX_BUCKETS, -(-weight // part_bytes)))
    shared = {**shared, "buckets": buckets}
    tasks = [
        op.Task(f"{source}-gather-{index:05d}", {**shared, "pieces": group}, size)
        for index, (group, size) in enumerate(groups)
    ]
    skipped: Counter[str] = Counter()
    module = "corpusmith.collect.dumps.threads:"
    entries = work.engine.map(module + "gather_part", tasks, folder=work.folder, round="gather")
    work.scratch.append("gather")
    for level in range(1, levels + 1):
        found: dict[int, list[Slice]] = {}
        for entry in entries:
            skipped.update(entry["info"]["rows_skipped"])
            for bucket, name, start, end in entry["info"]["slices"]:
                found.setdefault(bucket, []).append((name, start, end))
        prefix = f"{source}-join{level}-" if level < levels else f"{source}-"
        tasks = [
            op.Task(
                f"{prefix}{bucket:05d}",
                {**shared, "slices": slices, "level": level},
                sum(end - start for _, start, end in slices),
            )
            for bucket, slices in sorted(found.items())
        ]
        if level < levels:
            entries = work.engine.map(
                module + "join_bucket", tasks, folder=work.folder, round=f"join{level}"
            )
            work.scratch.append(f"join{level}")
    return tasks, skipped
