"""Megatron's indexed dataset: the format in which tokens are stored.

`.bin` holds the tokens one after the other, little-endian, without a header. `.idx` says
where each sequence stands (Megatron-LM, `megatron/core/datasets/indexed_dataset.py`):

    offset          bytes     content
    0               9         b"MMIDIDX\\0\\0"
    9               8         uint64, version of the format: 1
    17              1         uint8, type of a token: 4 int32, 8 uint16
    18              8         uint64, number of sequences S
    26              8         uint64, number of document entries D = documents + 1
    34              4 S       int32, tokens of each sequence
    34 + 4 S        8 S       int64, byte offset of each sequence in `.bin`
    34 + 12 S       8 D       int64, first sequence of each document, and S at the end

We write one sequence for each document, so the last block counts 0, 1, ..., S.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from corpusmith.errors import InputError

MAGIC = b"MMIDIDX\x00\x00"
VERSION = 1
HEADER = struct.Struct("<9sQBQQ")
DTYPES: dict[int, np.dtype] = {
    1: np.dtype("u1"),
    2: np.dtype("i1"),
    3: np.dtype("<i2"),
    4: np.dtype("<i4"),
    5: np.dtype("<i8"),
    6: np.dtype("<f8"),
    7: np.dtype("<f4"),
    8: np.dtype("<u2"),
}
"""Megatron's codes. We write 4 and 8 only, and read all that hold integers."""

UINT16_VOCABULARY = 65_500
"""Vocabularies under this size are stored as uint16 (Megatron's `optimal_dtype`)."""

LONGEST_SEQUENCE = 2**31 - 1
"""Tokens: the lengths in `.idx` are int32."""


def token_dtype(vocab_size: int) -> np.dtype:
    """uint16 for a vocabulary under 65,500 tokens, else int32."""
    return DTYPES[8] if vocab_size < UINT16_VOCABULARY else DTYPES[4]


class Sink(Protocol):
    """Whatever bytes can be written to: an open file, or a part's file in the making."""

    def write(self, data: Any, /) -> Any: ...


class IndexedDatasetWriter:
    """Writes documents to an open `.bin`; `finish` writes the `.idx` that goes with it.

    It holds 4 bytes a document in memory, never the tokens.
    """

    def __init__(self, tokens: Sink, dtype: np.dtype) -> None:
        codes = [code for code in (4, 8) if DTYPES[code] == dtype]
        if not codes:
            raise ValueError(f"tokens are stored as uint16 or int32, not {dtype}")
        self.dtype = DTYPES[codes[0]]
        self._code = codes[0]
        self._file = tokens
        self._lengths: list[np.ndarray] = []
        self.tokens = 0  # written so far

    def add(self, tokens: np.ndarray) -> None:
        """Append one document; `tokens` is a one-dimensional array of integers.

        Raises ValueError for a token that the dtype can't hold: it would be stored as another.
        """
        self.add_rows(tokens, np.array([0, len(tokens)], np.int64))

    def add_rows(self, tokens: np.ndarray, offsets: np.ndarray) -> None:
        """Append documents: row i is `tokens[offsets[i]:offsets[i + 1]]`, `offsets` from 0 to all.

        Raises ValueError as `add` does.
        """
        if tokens.ndim != 1 or not np.issubdtype(tokens.dtype, np.integer):
            raise ValueError(f"a document is one row of integers, not {tokens.dtype}{tokens.shape}")
        lengths = np.diff(offsets)
        if offsets[0] != 0 or offsets[-1] != len(tokens) or np.any(lengths < 0):
            raise ValueError(f"offsets {offsets[0]}..{offsets[-1]} of {len(tokens)} tokens")
        if len(lengths) and int(lengths.max()) > LONGEST_SEQUENCE:
            raise ValueError(
                f"{lengths.max():,} tokens in one document; at most {LONGEST_SEQUENCE:,}"
            )
        if len(tokens):
            limits = np.iinfo(self.dtype)
            low, high = int(tokens.min()), int(tokens.max())
            if low < 0 or high > limits.max:
                raise ValueError(f"tokens {low}..{high} do not fit into {self.dtype.name}")
        self._file.write(tokens.astype(self.dtype).view(np.uint8).data)
        self._lengths.append(lengths.astype("<i4"))
        self.tokens += len(tokens)

    def finish(self, index: Sink) -> None:
        """Write the `.idx` of all documents added."""
        lengths = np.concatenate([np.zeros(0, "<i4"), *self._lengths])
        count = len(lengths)
        pointers = np.zeros(count, dtype="<i8")
        if count:
            np.cumsum(lengths[:-1], dtype=np.int64, out=pointers[1:])
            pointers *= self.dtype.itemsize
        index.write(HEADER.pack(MAGIC, VERSION, self._code, count, count + 1))
        index.write(lengths.tobytes())
        index.write(pointers.tobytes())
        index.write(np.arange(count + 1, dtype="<i8").tobytes())


class IndexedDataset:
    """Random access to a pair `.bin` and `.idx` by memory mapping.

    `lengths` int32[S] tokens, `pointers` int64[S] bytes, `documents` int64[D].
    """

    def __init__(self, prefix: str | Path, *, index: str | Path | None = None) -> None:
        """Open `prefix.bin` and `prefix.idx`; or the `.bin` named by `prefix` with its `index`.

        Raises InputError where a file is missing, is no index, or the two don't fit together.
        """
        self.path = Path(f"{prefix}.bin") if index is None else Path(prefix)
        self.index_path = Path(f"{prefix}.idx") if index is None else Path(index)
        try:
            with self.index_path.open("rb") as file:
                raw = file.read()
            size = self.path.stat().st_size
        except OSError as error:
            raise InputError(
                f"can't open the token file: {error.strerror}", where=str(error.filename)
            ) from error
        self._parse(raw)
        ends = self.pointers + self.lengths.astype(np.int64) * self.dtype.itemsize
        if len(ends) and (self.pointers.min() < 0 or self.lengths.min() < 0 or ends.max() > size):
            self._refuse(
                f"it points to byte {int(ends.max()):,}, but {self.path.name} has {size:,}"
            )
        # An empty file can't be mapped.
        self.tokens: np.ndarray = (
            np.memmap(self.path, dtype=self.dtype, mode="r", shape=(size // self.dtype.itemsize,))
            if size >= self.dtype.itemsize
            else np.zeros(0, dtype=self.dtype)
        )

    def _refuse(self, why: str) -> None:
        raise InputError(
            f"this is no whole Megatron index: {why}",
            where=str(self.index_path),
            hint="run `corpusmith verify` on the run that made it",
        )

    def _parse(self, raw: bytes) -> None:
        if len(raw) < HEADER.size or raw[: len(MAGIC)] != MAGIC:
            self._refuse(f"it does not begin with {MAGIC!r}")
        _, version, code, sequences, entries = HEADER.unpack_from(raw)
        if version != VERSION:
            self._refuse(f"its version is {version}, and we read {VERSION}")
        if code not in DTYPES or DTYPES[code].kind not in "iu":
            self._refuse(f"its token type has the code {code}")
        expected = HEADER.size + 12 * sequences + 8 * entries
        if len(raw) != expected:
            self._refuse(f"it has {len(raw):,} bytes and should have {expected:,}")
        self.dtype = DTYPES[code]
        at = HEADER.size
        self.lengths = np.frombuffer(raw, "<i4", sequences, at)
        self.pointers = np.frombuffer(raw, "<i8", sequences, at + 4 * sequences)
        self.documents = np.frombuffer(raw, "<i8", entries, at + 12 * sequences)

    def __len__(self) -> int:
        """Number of sequences; in our own files also of documents."""
        return len(self.lengths)

    def __getitem__(self, sequence: int) -> np.ndarray:
        """The tokens of one sequence, as a view of the mapped file."""
        return self.read(sequence, 0, int(self.lengths[sequence]))

    def read(self, sequence: int, start: int, count: int) -> np.ndarray:
        """`count` tokens of a sequence from its token `start` on, as a view."""
        if not 0 <= start <= start + count <= self.lengths[sequence]:
            raise IndexError(f"tokens {start}..{start + count} of {self.lengths[sequence]}")
        first = int(self.pointers[sequence]) // self.dtype.itemsize + start
        return self.tokens[first : first + count]
