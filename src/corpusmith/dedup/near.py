"""Near duplicates: MinHash LSH candidates, verified, clustered by union-find."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from corpusmith.dedup.buckets import (
    CANDIDATE,
    Exchange,
    Part,
    append_array,
    bucket_count,
    column_name,
    iter_alive_signals,
    list_parts,
    write_array,
    write_keyed,
)
from corpusmith.dedup.clusters import leaving_rows, run, write_decisions
from corpusmith.dedup.exact import LENGTH
from corpusmith.kernels import crowded, overlap, shingles, unionfind
from corpusmith.kernels import minhash as kernels
from corpusmith.kernels.buffers import text_buffers
from corpusmith.kernels.minhash import (
    band_keys,
    collision_probability,
    lsh_shape,
    permutations,
    signatures,
)
from corpusmith.kernels.shingles import fold_table
from corpusmith.op import Context, TaskContext, Work, op, signal
from corpusmith.store.parts import PartWriter, read_part

PERMUTATIONS = 112
HASHES = pa.large_binary()
"""Little-endian uint64 end to end: a list of numbers takes Parquet five times as long to write."""


class NearParams(BaseModel):
    """`dedup: {near: {threshold: 0.75}}`."""

    model_config = ConfigDict(extra="forbid")
    decide_only: ClassVar[tuple[str, ...]] = ("threshold",)
    """Parameters that change no signal: moving them needs no new pass over the text."""

    threshold: float = Field(default=0.75, gt=0.0, le=1.0)
    """Jaccard similarity of word n-grams from which two documents count as duplicates."""
    bands: int = Field(default=0, ge=0)
    rows: int = Field(default=0, ge=0)
    """Without bands and rows they follow from the threshold (kernels.minhash.lsh_shape):
    14 x 8 at .75, where candidates are found with 1 - (1 - .75^8)^14 = .77, and at .8 with .92."""
    words: int = Field(default=5, ge=1, le=100)
    """Words a shingle; a Han, Kana, Thai, Lao, Burmese or Khmer character is one word."""
    verify: Literal["exact", "estimate"] = "exact"
    """How candidates are verified.

    `exact`, the default, compares the shingle sets, so no pair below the threshold is merged
    and recall is the LSH formula's alone. It stores 8 bytes for each distinct shingle
    (measured: 0.8 times the text's bytes for code, 1.3 for English, 1.8 for Chinese manuals),
    and as much again while the stage runs. `estimate` stores nothing beside the signature
    (448 bytes a document) and compares signatures, whose standard error at .75 is .041: of
    pairs with a true similarity of .7 it merges 12 %, of .8 it finds 87 % instead of 92 %."""
    seed: int = 0

    @model_validator(mode="after")
    def _shape(self) -> NearParams:
        if bool(self.bands) != bool(self.rows):
            raise ValueError("give both bands and rows, or neither")
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """(bands, rows)."""
        if self.bands:
            return self.bands, self.rows
        return lsh_shape(self.threshold, PERMUTATIONS)

    @property
    def permutations(self) -> int:
        """Numbers in a signature: 112 whatever the threshold, more only where bands need it."""
        return max(PERMUTATIONS, self.bands * self.rows)


def _adds(params: NearParams | None) -> pa.Schema:
    params = params or NearParams()
    width = pa.binary(4 * params.permutations)
    fields = [
        signal("minhash", width, "", "MinHash signature, little-endian uint32"),
        signal("shingles", pa.int32(), "", "distinct word n-grams"),
        LENGTH,
    ]
    if params.verify == "exact":
        fields.append(
            signal(
                "shingle_hashes",
                HASHES,
                "",
                "sorted hashes of distinct word n-grams, little-endian uint64",
            )
        )
    return pa.schema(fields)


@op("minhash.v2", kind="measure", adds=_adds, params=NearParams, libraries=("numba",))
def minhash(batch: pa.Table, ctx: Context) -> pa.Table:
    """The MinHash signature of each text (Broder 1997); formulas in kernels/minhash.py.

    Shingles are n-grams of `words` normalised words (kernels/shingles.py); a text of fewer
    words has one shingle, all of it; a text without a word (empty, or punctuation alone) has
    a null signature and null hashes and is compared with nothing.
    """
    params = ctx.params or NearParams()
    data, offsets = text_buffers(batch["text"])
    a, b = permutations(params.permutations, params.seed)
    exact = params.verify == "exact"
    signature, counts, hashes, ends = signatures(
        data, offsets, fold_table(), params.words, a, b, exact
    )
    present = counts > 0
    # A validity bitmap of Arrow: least significant bit first.
    valid = pa.py_buffer(np.packbits(present, bitorder="little").tobytes())
    missing = int(len(present) - present.sum())
    width = pa.binary(4 * params.permutations)
    flat = pa.py_buffer(np.ascontiguousarray(signature.astype("<u4", copy=False)))
    columns: dict[str, Any] = {
        "minhash": pa.FixedSizeBinaryArray.from_buffers(
            width, len(present), [valid, flat], null_count=missing
        ),
        "shingles": pa.array(counts, pa.int32()),
        LENGTH.name: pc.cast(pc.utf8_length(batch["text"]), pa.int64()),
    }
    if exact:
        columns["shingle_hashes"] = binary_rows(hashes, ends, valid)
    return pa.table(columns)


def binary_rows(
    values: np.ndarray, offsets: np.ndarray, valid: pa.Buffer | None = None
) -> pa.LargeBinaryArray:
    """Slices of uint64 `values` as a column; `offsets` int64[rows + 1], `valid` Arrow's bitmap."""
    flat = np.ascontiguousarray(values.astype("<u8", copy=False))
    buffers = [valid, pa.py_buffer(offsets * flat.itemsize), pa.py_buffer(flat)]
    return pa.LargeBinaryArray.from_buffers(HASHES, len(offsets) - 1, buffers)


def warm() -> None:
    """Compile every kernel behind deduplication, decontamination and the split."""
    for module in (shingles, kernels, unionfind, crowded, overlap):
        module.warm()


# --- the stage ---------------------------------------------------------------------------


def execute(work: Work) -> None:
    """The stage: decisions with rule `near_duplicate`, value the Jaccard with the one kept.

    Where that is below the threshold (the document belongs to the cluster through others),
    `also` names one of them: "through: <id> 0.8123".
    """
    known = NearParams.model_fields
    params = NearParams.model_validate({k: v for k, v in work.params.items() if k in known})
    bands, rows = params.shape
    exact = params.verify == "exact"
    column = column_name(work.params, "minhash")
    total = sum(part.rows for part in list_parts(work))
    run(
        work,
        bucket_function="corpusmith.dedup.near:bucket_part",
        bucket_spec={
            "column": column,
            "hashes": column_name(work.params, "shingle_hashes") if exact else "",
            "bands": bands,
            "rows": rows,
        },
        buckets=bucket_count(total * bands),
        reduce_spec={"threshold": params.threshold, "exact": exact},
        decide_function="corpusmith.dedup.near:decide_part",
        decide_spec={"threshold": params.threshold, "exact": exact},
        column=column,
        rule="near_duplicate",
    )
    work.info.update(
        bands=bands,
        rows=rows,
        recall_at_threshold=round(collision_probability(params.threshold, bands, rows), 4),
        verify=params.verify,
    )


def signature_rows(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """uint32[rows, permutations] (zeros where null), and bool[rows]: there."""
    present = np.asarray(pc.is_valid(column), dtype=bool)
    width = column.type.byte_width
    pieces = [np.zeros((0, width // 4), "<u4")]
    for chunk in column.chunks:
        buffer = chunk.buffers()[1]
        if buffer is None:
            pieces.append(np.zeros((len(chunk), width // 4), "<u4"))
        else:
            flat = np.frombuffer(buffer, "<u4", len(chunk) * width // 4, chunk.offset * width)
            pieces.append(flat.reshape(len(chunk), -1))
    signature = np.concatenate(pieces)
    signature[~present] = 0
    return signature.astype(np.uint32, copy=False), present


def bucket_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "buckets": the LSH keys of each document still there, and its sketch.

    A row group at a time: of the part whole, its keys alone are held.
    """
    columns = [spec["column"], *([spec["hashes"]] if spec["hashes"] else [])]
    first = spec["place"]["first"]
    keyed = [np.zeros(0, CANDIDATE)]
    ends = [np.zeros(1, np.int64)]
    with ctx.writer() as out:
        out.info = {"first": first, "rows": 0, "alive": 0, "signed": 0}
        for table, alive in iter_alive_signals(spec, columns):
            signature, present = signature_rows(table[spec["column"]])
            rows = np.flatnonzero(alive & present)
            keyed.append(band_rows(signature[rows], rows + first, spec["bands"], spec["rows"]))
            append_array(out, "signatures", signature)
            if spec["hashes"]:
                ends.append(ends[-1][-1] + append_hashes(out, table[spec["hashes"]], rows))
            out.info["permutations"] = signature.shape[1]
            out.info["alive"] += int(alive.sum())
            out.info["signed"] += len(rows)
            out.info["rows"] += table.num_rows
            first += table.num_rows
        if out.info["rows"]:
            write_keyed(out, "candidates", np.concatenate(keyed), spec["buckets"])
            if spec["hashes"]:
                write_array(out, "hash_offsets", np.concatenate(ends).astype("<i8"))


def band_rows(signature: np.ndarray, rows: np.ndarray, bands: int, per_band: int) -> np.ndarray:
    """CANDIDATE[documents * bands]: the LSH keys of each global row, uint32[documents, numbers].

    `bands` x `per_band` may fall short of the signature's width.
    """
    keys = band_keys(signature, bands, per_band)
    keyed = np.zeros(keys.size, CANDIDATE)
    keyed["key"] = keys.reshape(-1)
    keyed["row"] = np.repeat(rows, bands)
    return keyed


def write_candidates(
    out: PartWriter, signature: np.ndarray, rows: np.ndarray, shape: tuple[int, int], spec: dict
) -> None:
    """The LSH keys of the part's `rows`, and its signatures for verification.

    `shape` is (bands, rows a band).
    """
    keyed = band_rows(signature[rows], rows + spec["place"]["first"], *shape)
    write_keyed(out, "candidates", keyed, spec["buckets"])
    out.info["permutations"] = signature.shape[1]
    append_array(out, "signatures", signature)


def append_hashes(out: PartWriter, column: pa.ChunkedArray, rows: np.ndarray) -> np.ndarray:
    """Append the hashes of `rows` in a column of `binary_rows` to the flat file `hashes`, since
    nothing is compared with what has left; where each row of the column ends, of these."""
    file = out.file("hashes")
    taken = column if len(rows) == len(column) else column.take(pa.array(rows))
    for chunk in taken.chunks:
        _, ends, values = chunk.buffers()
        if len(chunk) and values is not None:
            ends = np.frombuffer(ends, np.int64, len(chunk) + 1, 8 * chunk.offset)
            if ends[-1] > ends[0]:
                file.write(memoryview(values)[ends[0] : ends[-1]])
    sizes = np.zeros(len(column), np.int64)
    sizes[rows] = np.asarray(pc.binary_length(taken)) // 8
    return np.cumsum(sizes)


def decide_part(spec: dict[str, Any], ctx: TaskContext) -> None:
    """Round "main": a decision for each document that leaves, in the part's order."""
    place = Part(**spec["place"])
    merges = leaving_rows(spec, ctx.folder)
    ids = read_part(Path(place.folder), "signals", place.name, columns=["id"])["id"]
    ids = ids.take(pa.array(merges["row"] - place.first)).to_pylist()
    values = Exchange(ctx.folder).similarity(merges["row"], merges["kept"], spec["exact"])
    rows = []
    columns = [merges[c].tolist() for c in ("kept_id", "neighbour_id", "neighbour_value")]
    for name, value, kept, neighbour, through in zip(ids, values.tolist(), *columns, strict=True):
        chained = value < spec["threshold"]
        rows.append(
            {
                "id": name,
                "step": spec["step"],
                "rule": "near_duplicate",
                "signal": "jaccard" if spec["exact"] else "jaccard_estimate",
                "value": f"{value:.4f}",
                "min": f"{spec['threshold']:g}",
                "duplicate_of": kept.decode(),
                "also": [f"through: {neighbour.decode()} {through:.4f}"] if chained else [],
            }
        )
    write_decisions(ctx, rows)
