"""The stage `collect.<source>`: plan the parts of a source, read them, sum up what was read.

A part is a function of the input alone. Files are cut into pieces (see `pieces`): plain files of
lines at fixed byte ranges; streams that can't be split are decompressed once, by one process each,
into scratch chunks (round "cut"); Parquet by row groups; WARC and all else by file. Neighbouring
pieces share a part up to `part_bytes` or 2,000 pieces. Readers that put records together (threads)
make parts of buckets instead, see `dumps.threads`.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

from corpusmith import op
from corpusmith.collect.encoding import WIDE, codec_of, mark_of
from corpusmith.collect.files import FoundFile, list_files
from corpusmith.collect.readers import (
    READERS,
    CsvParams,
    ReaderSpec,
    SourceParams,
    TextParams,
    function_of,
)
from corpusmith.collect.sink import COUNTED, IdSum, Sink
from corpusmith.collect.streams import DamagedError, compression, head_of
from corpusmith.collect.tasks.files import TaskFile, record_reader, task_files
from corpusmith.collect.tasks.params import TaskParams
from corpusmith.store.parts import part_entry

MAX_PIECES = 2000
PARTS = 16
LEAST_PART_BYTES, MOST_PART_BYTES = 8 << 20, 64 << 20
INLINE_BYTES = 1 << 20  # a compressed file up to this size is not cut beforehand
DOCUMENT_SECONDS = 60.0  # the watchdog's limit for one document; counts bound it long before
SCRATCH = "scratch"

Piece = dict[str, Any]


def params_of(params: dict[str, Any]) -> tuple[str, ReaderSpec, SourceParams]:
    """(source, reader, its parameters) of a stage's parameters."""
    given = dict(params)
    source = given.pop("source")
    spec = READERS[given.pop("read")]
    return source, spec, spec.params.model_validate(given)


def execute(work: op.Work) -> None:
    """Read the source `work.params["source"]` into documents/ and quarantine/.

    `work.info`: the sums over all parts of `Sink.finish`, and files, root and skipped.
    """
    source, spec, params = params_of(work.params)
    listing = list_files(params.path, spec.extensions)
    params = params.model_copy(update={"part_bytes": part_bytes(params, listing.files)})
    pieces = _pieces(work, source, spec, params, listing.files)
    shared = {"source": source, "read": work.params["read"], "params": params.model_dump()}
    groups = list(_parts(pieces, params.part_bytes))
    gathered: Counter[str] = Counter()
    task_function = "corpusmith.collect.stage:read_part"
    if spec.gather and getattr(params, "threads", True):
        from corpusmith.collect.dumps import threads

        tasks, gathered = threads.execute(work, shared, groups, params.part_bytes)
        task_function = "corpusmith.collect.dumps.threads:read_bucket"
    else:
        tasks = [
            op.Task(f"{source}-{index:05d}", {**shared, "pieces": group}, weight)
            for index, (group, weight) in enumerate(groups)
        ]
    one_each = (
        spec.unit == "files"
        and _whole(spec, params)
        and getattr(params, "long", "quarantine") != "split"
    )
    entries = work.engine.map(
        task_function,
        tasks,
        folder=work.folder,
        document_seconds=DOCUMENT_SECONDS,
        # Of files that are a document each the number is known; of records only when read.
        max_skipped=work.max_skipped(len(listing.files) if one_each else None),
    )
    # After the parts are committed nothing needs the chunks; a run that is killed before this
    # finds all parts committed and only removes them.
    shutil.rmtree(work.folder / SCRATCH, ignore_errors=True)
    work.info.update(total([entry["info"] for entry in entries]))
    work.info["files"] = len(listing.files)
    if not work.info["documents"] and not work.info["quarantined"]:
        work.warnings.append(
            f"source {source!r} has no document in its {len(listing.files):,} files"
        )
    skipped = Counter(work.info["skipped"]) + Counter(listing.skipped) + gathered
    work.info["skipped"] = dict(sorted(skipped.items()))


def total(infos: list[dict[str, Any]]) -> dict[str, Any]:
    """The sums of the infos of parts; `ids` is the checksum of all ids."""
    ids = IdSum()
    sums: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))  # a source may have no part at all
    skipped: Counter[str] = Counter()
    layouts: Counter[str] = Counter()
    for info in infos:
        ids.merge(info["ids"])
        skipped.update(info["skipped"])
        layouts.update(info.get("layouts", {}))
        sums.update({key: value for key, value in info.items() if isinstance(value, int)})
    return {
        **dict(sorted(sums.items())),
        "ids": str(ids),
        "skipped": dict(sorted(skipped.items())),
        **({"layouts": dict(sorted(layouts.items()))} if layouts else {}),
    }


def read_part(spec: dict[str, Any], ctx: op.TaskContext) -> dict[str, Any]:
    """The task of one part: read its pieces; returns `Sink.finish`."""
    reader = READERS[spec["read"]]
    params = reader.params.model_validate(spec["params"])
    read = function_of(reader)
    with ctx.writer() as out:
        sink = Sink(ctx, out, spec["source"], params)
        for piece in spec["pieces"]:
            if "error" in piece:
                sink.fail(piece["uri"], piece["error"], piece["message"])
                continue
            if "chunk" in piece:
                piece = {**piece, "path": str(ctx.folder / SCRATCH / piece["chunk"])}
            try:
                read(piece, params, sink)
            except DamagedError as error:
                # The unreadable rest of a file is one row, at the first byte that isn't read.
                sink.fail(f"{piece['uri']}#{error.offset}", error.error, error.message)
        info = sink.finish()
        out.info.update(info)
    return info


# --- planning ----------------------------------------------------------------------------


def part_bytes(params: SourceParams, files: tuple[FoundFile, ...]) -> int:
    """What is asked for, else a size with which a source of 128 MiB or more has 16 parts at least.

    So all cores have work, and the last part of a stage is not long waited for: few parts are of
    one size, and as many as 2 or 4 cores finish together. It is a function of the source's files
    alone.
    """
    if params.part_bytes:
        return params.part_bytes
    whole = sum(file.bytes for file in files)
    size = min(max(whole // PARTS, LEAST_PART_BYTES), MOST_PART_BYTES)
    count = -(-whole // size)
    if not 1 < count <= 2 * PARTS:
        return size
    return -(-whole // (2 if count == 2 else (count + 1) // 4 * 4))


def _parts(pieces: Iterator[Piece], part_bytes: int) -> Iterator[tuple[list[Piece], int]]:
    """Neighbouring pieces in groups of about `part_bytes`."""
    group: list[Piece] = []
    weight = 0
    for piece in pieces:
        size = piece.pop("weight", 0)
        if group and (weight + size > part_bytes or len(group) >= MAX_PIECES):
            yield group, weight
            group, weight = [], 0
        group.append(piece)
        weight += size
    if group:
        yield group, weight


def _pieces(
    work: op.Work,
    source: str,
    spec: ReaderSpec,
    params: SourceParams,
    files: tuple[FoundFile, ...],
) -> Iterator[Piece]:
    planned = [_planned(file, work.params["read"], spec, params) for file in files]
    if spec.unit == "tasks":
        assert isinstance(params, TaskParams)
        planned = [_planned_task(file, params) for file in task_files(files, params)]
    tasks = [
        op.Task(
            f"{source}-cut-{index:05d}",
            {"path": plan.file.path, "uri": plan.file.uri, "read": plan.read, "how": plan.how}
            | {"params": plan.params.model_dump()}
            | ({"target": plan.base["target"]} if "target" in plan.base else {}),
            plan.file.bytes,
        )
        for index, plan in enumerate(planned)
        if plan.how.startswith("cut")
    ]
    if tasks:
        work.engine.map("corpusmith.collect.cut:cut_file", tasks, folder=work.folder, round="cut")
    for index, plan in enumerate(planned):
        file, base = plan.file, {"path": plan.file.path, "uri": plan.file.uri, **plan.base}
        if plan.how == "failed":
            yield {"uri": file.uri, "error": file.error, "message": file.message}
        elif plan.how in ("whole", "inline"):
            yield {**base, "weight": file.bytes}
        elif plan.how == "ranges":
            step = params.part_bytes
            for start in range(0, file.bytes, step):
                end = min(start + step, file.bytes)
                yield {**base, "start": start, "end": end, "weight": end - start}
        else:
            entry = part_entry(work.folder, f"{source}-cut-{index:05d}", "cut")
            for piece in entry["info"]["pieces"]:
                if "error" in piece:
                    yield piece
                else:
                    yield {**(plan.base if "chunk" in piece else base), **piece}


@dataclasses.dataclass(frozen=True)
class _Planned:
    """A file, how it is cut, by which reader, and what its pieces are told besides."""

    file: FoundFile
    how: str
    read: str
    params: SourceParams
    base: Piece = dataclasses.field(default_factory=dict)


def _planned(file: FoundFile, read: str, spec: ReaderSpec, params: SourceParams) -> _Planned:
    if file.error:
        return _Planned(file, "failed", read, params)
    if spec.unit == "tasks" or _whole(spec, params):
        return _Planned(file, "whole", read, params)
    return _Planned(file, _how(file, spec, params), read, params)


def _planned_task(found: TaskFile, params: TaskParams) -> _Planned:
    """As the reader of such records would read it; aligned files together."""
    base: Piece = {"format": found.format}
    for file in (found.file, found.target):
        if file is not None and file.error:
            return _Planned(file, "failed", "text", params)
    if found.target is not None:
        base |= {"target": found.target.path, "languages": found.languages}
        common = {name: getattr(params, name) for name in SourceParams.model_fields}
        return _Planned(found.file, "cut:aligned", "text", TextParams(**common), base)
    reader = record_reader(found.format, params)
    if reader is None:
        return _Planned(found.file, "whole", found.format, params, base)
    name, own = reader
    return _Planned(found.file, _how(found.file, READERS[name], own), name, own, base)


def _whole(spec: ReaderSpec, params: SourceParams) -> bool:
    """Whether a file is one piece; of unit "files" one document unless `long: split` splits it."""
    if spec.unit == "containers":
        return True
    return spec.unit == "files" and getattr(params, "documents", "file") == "file"


def _how_marked(file: FoundFile, spec: ReaderSpec) -> str:
    """The same for dumps whose records begin with a mark."""
    try:
        kind = compression(head_of(file.path))
    except DamagedError:
        return "whole"
    if not kind:
        return "ranges"
    if file.bytes <= INLINE_BYTES:
        return "inline"
    # Pages don't go over the streams of a dump; a mail could begin at the border of two.
    return "cut:bzip2" if kind == "bzip2" and spec.unit == "pages" else "cut:marked"


def _how(file: FoundFile, spec: ReaderSpec, params: SourceParams) -> str:
    """How a file is cut: whole, inline, ranges, cut (chunks), cut:offsets, cut:groups."""
    if spec.unit == "warc":
        return "cut:members" if file.bytes > 2 * params.part_bytes else "whole"
    if spec.unit == "rows":
        return "cut:groups"
    if spec.unit in ("pages", "mails"):
        return _how_marked(file, spec)
    try:
        head = head_of(file.path)
    except DamagedError:
        return "whole"  # the reader says why
    if compression(head):
        return "inline" if file.bytes <= INLINE_BYTES else "cut:stream"
    if mark_of(head)[0] in WIDE or codec_of(params.encoding) in WIDE:
        return "cut:stream"
    if spec.unit == "csv" and isinstance(params, CsvParams) and params.quote:
        return "inline" if file.bytes <= params.part_bytes else "cut:offsets"
    return "ranges"
