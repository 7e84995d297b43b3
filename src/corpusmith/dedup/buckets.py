"""The exchange behind deduplication: documents meet those that share a key with them.

    round "buckets"   a task for each part: keyed rows of its documents, sorted by bucket
    round "reduce"    a task for each bucket (dedup/reduce.py): rows of equal key -> edges
    round "clusters"  one task (dedup/clusters.py): edges -> clusters, the one kept, merges
    round "main"      a task for each part: decisions/

A document is known by its global row: parts stand in the order of the recipe's sources, rows
in theirs, so that neither workers nor the order of tasks can change a result. Two kinds of
keys: a `link` (128 bits: an exact hash, a group) is an edge as it stands; a `candidate` (one
LSH band, 64 bits) becomes one when the two documents' sketches are similar enough.

Keyed rows and sketches are flat little-endian files. Reducers map keyed rows into memory and read
the sketches that they compare, a bounded number at a time. Sketches are not mapped: pages touched
once stay, so that over a whole bucket the process would seem, and in a container be, as large as
all of them.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.errors import CorpusmithError
from corpusmith.kernels.minhash import similarities
from corpusmith.op import Task, Work
from corpusmith.store.overlay import iter_current, read_current
from corpusmith.store.parts import PartWriter, file_path, left_ids, part_entry, part_names

LINK = np.dtype([("key", "<u8"), ("check", "<u8"), ("row", "<i8")])
CANDIDATE = np.dtype([("key", "<u8"), ("row", "<i8")])
EDGE = np.dtype([("left", "<i8"), ("right", "<i8"), ("value", "<f8")])

BUCKET_ROWS = 2_000_000  # keyed rows that one reducer holds: under 50 MB
MAX_BUCKETS = 1 << 16  # a bucket costs no file of its own, only its bounds in each part's entry
BATCH_DOCUMENTS = 16_384  # sketches gathered at a time
BATCH_HASHES = 4_000_000  # shingle hashes gathered at a time: 32 MB


@dataclasses.dataclass(frozen=True)
class Part:
    """One part of one source, and where its rows stand among all rows."""

    name: str
    source: str
    source_index: int  # place of the source in the recipe
    folder: str  # of clean.<source>
    first: int  # global row of its row 0
    rows: int

    def spec(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def list_parts(work: Work) -> list[Part]:
    """All parts of `work.params["sources"]`, sources in the recipe's order."""
    parts: list[Part] = []
    first = 0
    for index, source in enumerate(work.params["sources"]):
        folder = work.inputs[f"clean.{source}"]
        for name in part_names(folder):
            rows = part_entry(folder, name)["files"].get("signals", {}).get("rows", 0)
            parts.append(Part(name, source, index, str(folder), first, rows))
            first += rows
    return parts


def column_name(params: dict[str, Any], signal: str) -> str:
    """The stored column of a signal: `params["columns"]`, else the signal's own name."""
    return (params.get("columns") or {}).get(signal, signal)


def part_tasks(work: Work, parts: Sequence[Part], spec: dict[str, Any]) -> list[Task]:
    """A task for each part; its spec has "place" (the part), "after" (folders) and `spec`."""
    after = [str(work.inputs[name]) for name in work.params.get("after") or []]
    return [
        Task(part.name, {"place": part.spec(), "after": after, **spec}, weight=part.rows)
        for part in parts
    ]


def bucket_count(keyed_rows: int) -> int:
    """A power of two, a function of the input's size alone."""
    count = 1
    while count < MAX_BUCKETS and keyed_rows > count * BUCKET_ROWS:
        count *= 2
    return count


def alive_signals(spec: dict[str, Any], columns: Sequence[str]) -> tuple[pa.Table, np.ndarray]:
    """A part's signals (id and `columns`), and bool[rows]: not left by an earlier decision."""
    place = Part(**spec["place"])
    after = [Path(folder) for folder in spec["after"]]
    wanted = ["id", *columns]
    table = read_current(Path(place.folder), "signals", place.name, after, columns=wanted)
    _check_columns(place, table, columns)
    return table, _alive(table, left_ids(after, place.name))


def iter_alive_signals(
    spec: dict[str, Any], columns: Sequence[str]
) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """The same, a row group at a time."""
    place = Part(**spec["place"])
    after = [Path(folder) for folder in spec["after"]]
    left = left_ids(after, place.name)
    for table in iter_current(
        Path(place.folder), "signals", place.name, after, columns=["id", *columns]
    ):
        _check_columns(place, table, columns)
        yield table, _alive(table, left)
        del table  # not held while the next one is read


def _check_columns(place: Part, table: pa.Table, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in table.column_names]
    if missing and table.num_rows:
        raise CorpusmithError(
            f"signals of {place.name} have no column {missing[0]!r}",
            where=place.folder,
            expected="the column that this step's measure adds",
        )


def _alive(table: pa.Table, left: pa.Array) -> np.ndarray:
    return np.asarray(pc.invert(pc.is_in(table["id"], value_set=left)), dtype=bool)


# --- flat files --------------------------------------------------------------------------


def write_array(out: PartWriter, kind: str, array: np.ndarray) -> None:
    out.open(kind)
    append_array(out, kind, array)


def append_array(out: PartWriter, kind: str, array: np.ndarray) -> None:
    """Write an array behind what the part's flat file has."""
    file = out.file(kind)
    array = np.ascontiguousarray(array)
    if array.nbytes:
        file.write(array.reshape(-1).view(np.uint8).data)


def map_array(folder: Path, kind: str, part: str, kind_type: Any) -> np.ndarray:
    """The flat file as a read-only array; empty where it is."""
    path = file_path(folder, kind, part, ".bin")
    if path.stat().st_size == 0:
        return np.zeros(0, kind_type)
    return np.asarray(np.memmap(path, kind_type, mode="r"))


def read_at(file: io.FileIO, first: int, out: np.ndarray) -> None:
    """Fill a contiguous array from the flat file's item `first` on."""
    if out.nbytes:
        file.seek(first * out.itemsize)
        got = file.readinto(out.view(np.uint8).data)
        if got != out.nbytes:
            raise OSError(f"{file.name}: {got} bytes of {out.nbytes} at item {first}")


def write_keyed(out: PartWriter, kind: str, keyed: np.ndarray, buckets: int) -> None:
    """Write LINK or CANDIDATE rows sorted by bucket; where each begins goes to the part's info."""
    bucket = (keyed["key"] & np.uint64(buckets - 1)).astype(np.int64)
    order = np.argsort(bucket, kind="stable")
    write_array(out, kind, keyed[order])
    starts = np.searchsorted(bucket[order], np.arange(buckets + 1))
    out.info[f"{kind}_starts"] = [int(s) for s in starts]


class Exchange:
    """What the round "buckets" of a stage left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = [
            (name, part_entry(folder, name, "buckets")["info"])
            for name in part_names(folder, "buckets")
        ]
        found.sort(key=lambda item: (item[1]["first"], item[1]["rows"]))
        self.names = [name for name, info in found if info["rows"]]
        self.infos = [info for _, info in found if info["rows"]]
        self.firsts = np.array([info["first"] for info in self.infos], np.int64)

    def part_of(self, rows: np.ndarray) -> np.ndarray:
        """int64[rows]: which of `names` each global row belongs to."""
        return np.searchsorted(self.firsts, rows, side="right") - 1

    def keyed(self, kind: str, kind_type: np.dtype, bucket: int) -> np.ndarray:
        """All parts' keyed rows of one bucket, by key (and check), then global row."""
        pieces = []
        for name, info in zip(self.names, self.infos, strict=True):
            starts = info.get(f"{kind}_starts")
            if starts and starts[bucket + 1] > starts[bucket]:
                rows = map_array(self.folder, kind, name, kind_type)
                pieces.append(np.array(rows[starts[bucket] : starts[bucket + 1]]))
        keyed = np.concatenate(pieces) if pieces else np.zeros(0, kind_type)
        keys = [keyed[field] for field in reversed(keyed.dtype.names or ())]
        return keyed[np.lexsort(keys)]

    def _hash_ends(self, part: int) -> np.ndarray:
        """Mapped for one use: all of them touched, kept, would grow with the corpus."""
        return map_array(self.folder, "hash_offsets", self.names[part], "<i8")

    def _open(self, kind: str, part: int) -> io.FileIO:
        path = file_path(self.folder, kind, self.names[part], ".bin")
        return open(path, "rb", buffering=0)

    def sizes(self, rows: np.ndarray) -> np.ndarray:
        """int64[rows]: distinct shingles of global rows."""
        out = np.zeros(len(rows), np.int64)
        for part, places in self._by_part(rows):
            ends = self._hash_ends(part)
            local = rows[places] - self.firsts[part]
            out[places] = ends[local + 1] - ends[local]
        return out

    def _by_part(self, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        parts = self.part_of(rows)
        for part in np.unique(parts):
            yield int(part), np.flatnonzero(parts == part)

    def sketches(self, rows: np.ndarray, exact: bool) -> Sketches:
        """The signatures of global rows or, if exact, their sorted distinct shingle hashes."""
        signature = np.zeros((0, 1), np.uint32)
        hashes = np.zeros(0, np.uint64)
        offsets = np.zeros(1, np.int64)
        if exact:
            offsets = np.concatenate([offsets, np.cumsum(self.sizes(rows))])
            hashes = np.empty(offsets[-1], np.uint64)
            for part, places in self._by_part(rows):
                begins = self._hash_ends(part)[rows[places] - self.firsts[part]]
                with self._open("hashes", part) as file:
                    for place, begin in zip(places.tolist(), begins.tolist(), strict=True):
                        read_at(file, begin, hashes[offsets[place] : offsets[place + 1]])
        elif len(rows):
            width = self.infos[0]["permutations"]
            signature = np.empty((len(rows), width), np.uint32)
            for part, places in self._by_part(rows):
                locals_ = rows[places] - self.firsts[part]
                with self._open("signatures", part) as file:
                    for place, local in zip(places.tolist(), locals_.tolist(), strict=True):
                        read_at(file, local * width, signature[place])
        return Sketches(exact, signature, hashes, offsets)

    def similarity(self, left: np.ndarray, right: np.ndarray, exact: bool) -> np.ndarray:
        """float64[pairs] of global rows, sketches gathered a bounded number at a time."""
        out = np.zeros(len(left))
        sizes = self.sizes(left) + self.sizes(right) if exact else np.zeros(len(left), np.int64)
        for start, stop in batches(sizes):
            rows, inverse = np.unique(
                np.concatenate([left[start:stop], right[start:stop]]), return_inverse=True
            )
            half = stop - start
            sketches = self.sketches(rows, exact)
            out[start:stop] = similarities(
                inverse[:half], inverse[half:], exact, *sketches.arrays()
            )
        return out


@dataclasses.dataclass(frozen=True)
class Sketches:
    """Signatures uint32[documents, permutations], or hashes with offsets int64[documents + 1]."""

    exact: bool
    signature: np.ndarray
    hashes: np.ndarray
    offsets: np.ndarray

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.signature, self.hashes, self.offsets


def batches(hashes: np.ndarray, documents: np.ndarray | None = None) -> Iterator[tuple[int, int]]:
    """Runs of items with at most BATCH_HASHES hashes and BATCH_DOCUMENTS documents.

    At least one item each; without `documents` an item is one.
    """
    if documents is None:
        documents = np.ones(len(hashes), np.int64)
    sums = [np.concatenate([[0], np.cumsum(a)]) for a in (hashes, documents)]
    limits = (BATCH_HASHES, BATCH_DOCUMENTS)
    start = 0
    while start < len(hashes):
        stop = min(
            int(np.searchsorted(total, total[start] + limit, side="right")) - 1
            for total, limit in zip(sums, limits, strict=True)
        )
        stop = max(start + 1, stop)
        yield start, stop
        start = stop


def numbered(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The documents of the edges in order, and each edge's ends as places among them."""
    ends = np.concatenate([edges["left"], edges["right"]])
    nodes, places = np.unique(ends, return_inverse=True)
    return nodes, places[: len(edges)], places[len(edges) :]
