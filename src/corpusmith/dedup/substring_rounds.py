"""The rounds of `substring` that find what is repeated: windows, pairs, spans.

A window is known by the number of its first token among all tokens of the corpus. Files are flat
and little-endian, and mapped where they are read:

    canonical      the part's tokens, each with a space behind it
    token_starts   uint32[tokens + 1]: where each begins there
    token_ends     int64[rows + 1]: tokens up to each row
    records        uint64[windows, 2] (kernels/windows.py), by bucket within each block of a
                   million windows, of equal fingerprints in a block the first
    record_starts  int64[blocks, buckets + 1]: where each bucket begins
    near           int64[., 2]: a window and the first of its fingerprint in the same block,
                   counted from the part's first token
    pairs          int64[., 2]: a window and the one that came first, by part of the former
    firsts         int64: windows that come again, by part
    found          int64[., 4]: spans to remove: row, first token, token after the last (both
                   counted from the part's first), global row of the document it stands in first
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusmith.dedup.buckets import Part, map_array, write_array
from corpusmith.errors import CorpusmithError
from corpusmith.kernels import tokens, windows
from corpusmith.kernels.buffers import text_buffers
from corpusmith.op import TaskContext
from corpusmith.store.overlay import iter_current
from corpusmith.store.parts import batches_of, left_ids, part_entry, part_names

PIECE_BYTES = 8 << 20  # of text at a time; 14 bytes of memory for each token of the largest piece
TABLE_RECORDS = 1 << 15  # in one hash table: it and its records stay in the cache
BLOCK_WINDOWS = 1 << 20  # at a time: 48 MB where they are fingerprinted, 24 where they are compared
LONGEST_TEXT = 2**32 - 1  # token_starts are uint32


def window_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "windows": tokens and windows of the part's documents that are still there."""
    place = Part(**spec["place"])
    after = [Path(folder) for folder in spec["after"]]
    left = left_ids(after, place.name)
    suffix, buckets = spec["suffix"], spec["buckets"]
    columns = ["id", "modality", "text"]
    totals = {"rows": 0, "alive": 0, "tokens": 0, "windows": 0, "length": 0, "bytes": 0}
    ends, starts = [np.zeros(1, np.int64)], [np.zeros((0, buckets + 1), np.int64)]
    with ctx.writer() as out:
        kinds = ("canonical", "token_starts", "records", "near")
        files = {kind: out.open(kind + suffix) for kind in kinds}
        groups = iter_current(Path(place.folder), "documents", place.name, after, columns=columns)
        for group in groups:
            for table in batches_of(group, PIECE_BYTES):
                mask = pc.invert(pc.is_in(table["id"], value_set=left))
                totals["alive"] += pc.sum(mask).as_py()
                if spec["modalities"] is not None:
                    wanted = pa.array(spec["modalities"], pa.string())
                    mask = pc.and_(mask, pc.is_in(table["modality"], value_set=wanted))
                piece = _Piece(table["text"].filter(mask), spec, totals["length"])
                counts = np.zeros(table.num_rows, np.int64)
                counts[np.asarray(mask, bool)] = np.diff(piece.ends)
                ends.append(totals["tokens"] + np.cumsum(counts))
                for block in piece.blocks(spec, totals["tokens"]):
                    starts.append((totals["windows"] + block.starts)[None])
                    files["records"].write(_flat(block.records))
                    files["near"].write(_flat(block.pairs))
                    totals["windows"] += len(block.records)
                files["canonical"].write(_flat(piece.text))
                files["token_starts"].write(_flat(piece.starts))
                totals["rows"] += table.num_rows
                totals["tokens"] += len(piece.starts)
                totals["length"] += len(piece.text)
                totals["bytes"] += piece.text_bytes
        files["token_starts"].write(_flat(np.array([totals["length"]], np.uint32)))
        write_array(out, "token_ends" + suffix, np.concatenate(ends))
        write_array(out, "record_starts" + suffix, np.concatenate(starts))
        out.info = {**totals, "first": place.first, "folder": place.folder}


def _flat(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


class _Piece:
    """The tokens of some texts: `text` (canonical), `starts`, `ends`."""

    def __init__(self, column: pa.ChunkedArray, spec: dict[str, Any], base: int) -> None:
        data, offsets = text_buffers(column)
        size = self.text_bytes = len(data)
        # Room for a token in every byte: memory that is never written is never taken.
        text, starts = np.empty(2 * size, np.uint8), np.empty(size, np.uint32)
        self.hashes = np.empty(size, np.uint64)
        self.ends = np.empty(len(offsets), np.int64)
        if base + 2 * size > LONGEST_TEXT:
            raise CorpusmithError(
                f"a part of more than {LONGEST_TEXT:,} bytes", expected="parts of about 64 MiB"
            )
        self.constants = windows.hash_constants(spec["seed"])
        seed, multiplier, _, _ = self.constants
        written = tokens.canonical(
            data, offsets, *tokens.class_tables(), seed, multiplier, base, text, starts,
            self.hashes, self.ends,
        )  # fmt: skip
        self.text, self.starts = text[:written], starts[: self.ends[-1]]

    def blocks(self, spec: dict[str, Any], first: int) -> Iterator[Block]:
        """The windows, so many at a time; `first` is the number of the first token."""
        _, _, base, check_base = self.constants
        for begin in range(0, len(self.starts), BLOCK_WINDOWS):
            end = min(begin + BLOCK_WINDOWS, len(self.starts))
            records = np.empty((end - begin, 2), np.uint64)
            count = windows.window_records(
                self.hashes, self.ends, spec["tokens"], begin, end, first, base, check_base,
                np.uint64(spec["bits"]), records,
            )  # fmt: skip
            yield _thinned(records[:count], spec["buckets"])


class Block(NamedTuple):
    """Windows whose fingerprint came first in their block: `records` by bucket, `starts`
    int64[buckets + 1]; and `pairs` of the others with these."""

    records: np.ndarray
    starts: np.ndarray
    pairs: np.ndarray


def _thinned(records: np.ndarray, buckets: int) -> Block:
    """What comes again at once, as in a long run of one word, is not sent to a bucket again."""
    tables = buckets
    while tables * TABLE_RECORDS < len(records):
        tables *= 2
    starts = np.zeros(tables + 1, np.int64)
    out = np.empty_like(records)
    windows.partition(records, _shift(tables), starts, out)
    slots = np.empty(1 << int(2 * np.diff(starts).max(initial=1)).bit_length(), np.int32)
    pairs = np.empty((len(records), 2), np.int64)
    left, found = windows.thin_out(out, starts, slots, pairs)
    return Block(out[:left], starts[:: tables // buckets], pairs[:found])


def _shift(buckets: int) -> np.uint64:
    """Buckets are the upper bits of a fingerprint; its lower ones find a slot."""
    return np.uint64(64 - (buckets - 1).bit_length())


class Windows:
    """What round "windows" left, parts in the corpus's order."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.folder, self.suffix = folder, suffix
        round = f"windows{suffix}"
        found = [(n, part_entry(folder, n, round)["info"]) for n in part_names(folder, round)]
        found.sort(key=lambda item: (item[1]["first"], item[1]["rows"]))
        self.names = [name for name, _ in found]
        self.infos = [info for _, info in found]
        counts = [info["tokens"] for info in self.infos]
        self.first_tokens = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.first_rows = np.array([info["first"] for info in self.infos], np.int64)
        self._maps: dict[tuple[str, int], np.ndarray] = {}

    def map(self, kind: str, part: int, kind_type: str) -> np.ndarray:
        """A flat file of a part, read-only."""
        if (kind, part) not in self._maps:
            found = map_array(self.folder, kind + self.suffix, self.names[part], kind_type).view()
            found.setflags(write=False)
            self._maps[kind, part] = found
        return self._maps[kind, part]

    def part_of(self, places: np.ndarray) -> np.ndarray:
        """int64: the part that each token (by its global number) belongs to."""
        return np.searchsorted(self.first_tokens[1:], places, side="right")

    def records(self, bucket: int, buckets: int) -> np.ndarray:
        """uint64[windows, 2] of one bucket in the order of their places, now global."""
        pieces = [np.zeros((0, 2), np.uint64)]
        for part, info in enumerate(self.infos):
            if not info["windows"]:
                continue
            records = self.map("records", part, "<u8").reshape(-1, 2)
            starts = self.map("record_starts", part, "<i8").reshape(-1, buckets + 1)
            for begin, end in starts[:, bucket : bucket + 2].tolist():
                piece = np.array(records[begin:end])
                piece[:, 1] += np.uint64(self.first_tokens[part])
                pieces.append(piece)
        return np.concatenate(pieces)


def pair_bucket(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "pairs": the windows of a bucket whose fingerprint came before."""
    suffix, buckets = spec["suffix"], spec["buckets"]
    left = Windows(ctx.folder, suffix)
    unsorted = left.records(spec["bucket"], buckets)
    tables = 1
    while tables * TABLE_RECORDS < len(unsorted):
        tables *= 2
    starts = np.zeros(tables + 1, np.int64)
    records = np.empty_like(unsorted)
    windows.partition(unsorted, _shift(buckets * tables), starts, records)
    del unsorted
    pairs = [np.zeros((0, 2), np.int64)]
    firsts = [np.zeros(0, np.int64)]
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        slots = np.zeros(1 << int(2 * (end - begin)).bit_length(), np.int32)
        found = np.empty((end - begin, 2), np.int64)
        again = np.empty(end - begin, np.int64)
        counts = windows.first_occurrences(records[begin:end], slots, found, again)
        pairs.append(found[: counts[0]].copy())
        firsts.append(again[: counts[1]].copy())
    del records
    with ctx.writer() as out:
        for name, rows in (("pairs", pairs), ("firsts", firsts)):
            array = np.concatenate(rows)
            part = left.part_of(array[:, 0] if array.ndim == 2 else array)
            order = np.argsort(part, kind="stable")
            bounds = np.searchsorted(part[order], np.arange(len(left.names) + 1))
            write_array(out, name + suffix, array[order])
            write_array(out, f"{name}_starts{suffix}", bounds.astype("<i8"))
        out.info = {"pairs": sum(map(len, pairs)), "firsts": sum(map(len, firsts))}


def span_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "spans": what is removed of a part. info["unequal"]: pairs that were not equal."""
    place = Part(**spec["place"])
    suffix = spec["suffix"]
    left = Windows(ctx.folder, suffix)
    mine = left.names.index(place.name)
    first, count = int(left.first_tokens[mine]), left.infos[mine]["tokens"]
    source = np.full(count, -1, np.int64)
    repeated = np.zeros(count, np.bool_)
    for bucket in range(spec["buckets"]):
        name = f"bucket-{bucket:05d}"

        def slice_of(kind: str, name: str = name) -> np.ndarray:
            starts = map_array(ctx.folder, f"{kind}_starts{suffix}", name, "<i8")
            found = map_array(ctx.folder, kind + suffix, name, "<i8")
            width = 2 if kind == "pairs" else 1
            return np.array(found[width * starts[mine] : width * starts[mine + 1]])

        pairs = slice_of("pairs").reshape(-1, 2)
        source[pairs[:, 0] - first] = pairs[:, 1]
        repeated[slice_of("firsts") - first] = True
    near = left.map("near", mine, "<i8").reshape(-1, 2)
    for begin in range(0, len(near), BLOCK_WINDOWS):
        block = np.array(near[begin : begin + BLOCK_WINDOWS])
        windows.add_pairs(source, repeated, block, first)
    unequal = 0
    for begin in range(0, count, BLOCK_WINDOWS):
        end = min(begin + BLOCK_WINDOWS, count)
        unequal += _verify(left, mine, source, begin, end, spec["tokens"])
    spans = np.zeros((0, 4), np.int64)
    ends = np.array(left.map("token_ends", mine, "<i8"))
    if not unequal:
        size = windows.removed_spans(source, repeated, ends, spec["tokens"], spans)
        spans = np.empty((size, 4), np.int64)
        windows.removed_spans(source, repeated, ends, spec["tokens"], spans)
    with ctx.writer() as out:
        out.info = {
            "in": left.infos[mine]["alive"],
            "tokens": count,
            "bytes": left.infos[mine]["bytes"],
            "unequal": unequal,
            "spans": len(spans),
            "removed_tokens": int((spans[:, 2] - spans[:, 1]).sum()),
        }
        write_array(out, "found" + suffix, spans)


def _verify(left: Windows, mine: int, source: np.ndarray, begin: int, end: int, window: int) -> int:
    """Compare windows begin..end-1 with what they stand for; returns how many runs are not equal.

    In `source` each place of a first occurrence becomes the global row of its document.
    """
    runs = np.empty((end - begin, 3), np.int64)
    runs = runs[: windows.find_runs(source, begin, end, runs)]
    text, starts = left.map("canonical", mine, "u1"), left.map("token_starts", mine, "<u4")
    part_of = left.part_of(runs[:, 2])
    rows = np.empty(len(runs), np.int64)
    unequal = 0
    for part in np.unique(part_of).tolist():
        chosen = np.flatnonzero(part_of == part)
        first = int(left.first_tokens[part])
        other = left.map("canonical", part, "u1"), left.map("token_starts", part, "<u4")
        unequal += windows.unequal_runs(runs, chosen, window, text, starts, *other, first)
        ends = left.map("token_ends", part, "<i8")
        row = np.searchsorted(ends, runs[chosen, 2] - first, side="right") - 1
        rows[chosen] = left.first_rows[part] + row
    block = source[begin:end]
    block[block >= 0] = np.repeat(rows, runs[:, 1])
    return unequal
