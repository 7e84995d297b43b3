"""Text between Arrow columns and the plain arrays that kernels take.

Both arrays are contiguous, aligned and read-only whatever the column looked like, so that a
kernel called on them compiles once and only once.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpusmith.errors import CorpusmithError


def text_buffers(column: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The UTF-8 bytes and offsets of a column of `string` or `large_string`.

    Returns `data` (uint8, exactly the column's bytes) and `offsets` (int64, rows + 1, the
    first 0): row i is `data[offsets[i]:offsets[i + 1]]`. Nothing is copied for a column of
    one chunk, except offsets of a slice or of `string`. The arrays keep the memory alive.

    Raises CorpusmithError for another type and for a null, naming the first null's row.
    """
    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise CorpusmithError(
            f"a kernel was given a column of {kind}", expected="string or large_string"
        )
    if column.null_count:
        row = int(np.flatnonzero(np.asarray(column.is_null()))[0])
        raise CorpusmithError(
            f"a kernel was given {column.null_count} null text(s), the first in row {row}",
            expected="text without nulls",
            hint="fill the nulls or quarantine those documents before measuring",
        )
    array = _one_array(column)
    rows = len(array)
    _, offset_buffer, data_buffer = array.buffers()
    if rows == 0:
        return _fixed(np.zeros(0, np.uint8)), _fixed(np.zeros(1, np.int64))
    width = np.int64 if pa.types.is_large_string(kind) else np.int32
    offsets = np.frombuffer(offset_buffer, width, rows + 1, array.offset * np.dtype(width).itemsize)
    begin, end = int(offsets[0]), int(offsets[-1])
    if begin or width is np.int32:
        offsets = offsets.astype(np.int64) - begin
    if data_buffer is None:
        data = np.zeros(0, np.uint8)
    else:
        data = np.frombuffer(data_buffer, np.uint8)[begin:end]
    return _fixed(data), _fixed(offsets)


def large_string(data: np.ndarray, offsets: np.ndarray) -> pa.LargeStringArray:
    """The column whose row i is `data[offsets[i]:offsets[i + 1]]`, without a copy.

    `data` is uint8, `offsets` int64 (rows + 1). Neither may be written to afterwards.

    Raises CorpusmithError where offsets fall, leave `data`, or a row is not valid UTF-8.
    """
    data = np.ascontiguousarray(data, np.uint8)
    offsets = np.ascontiguousarray(offsets, np.int64)
    if len(offsets) == 0:
        raise CorpusmithError("a text column without offsets", expected="rows + 1 offsets")
    if offsets[0] < 0 or offsets[-1] > len(data) or np.any(offsets[1:] < offsets[:-1]):
        raise CorpusmithError(
            f"offsets {offsets[0]}..{offsets[-1]} do not rise within {len(data)} bytes",
            expected="rising offsets within the data",
        )
    column = pa.LargeStringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data)
    )
    try:
        column.validate(full=True)  # a kernel that cuts inside a character must not pass
    except pa.ArrowInvalid as error:
        raise CorpusmithError(f"a kernel made text that is not valid: {error}") from error
    return column


def _one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):  # over 2 GiB of `string`: only large_string holds it
        combined = column.cast(pa.large_string()).combine_chunks()
    return combined


def _fixed(array: np.ndarray) -> np.ndarray:
    array = np.require(array, requirements=["C", "A"])
    view = array.view()
    view.setflags(write=False)
    return view
