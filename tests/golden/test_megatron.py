"""The bytes of Megatron's format, written down by hand."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest

from corpusmith.errors import InputError
from corpusmith.tokenize.megatron import IndexedDataset, IndexedDatasetWriter, token_dtype
from tests.reference.megatron import read_indexed_dataset

DOCUMENTS = [[5, 6, 7], [0], [], [65535, 1]]
U16_BIN = struct.pack("<6H", 5, 6, 7, 0, 65535, 1)
U16_IDX = (
    b"MMIDIDX\x00\x00"
    + b"\x01\x00\x00\x00\x00\x00\x00\x00"  # version 1
    + b"\x08"  # uint16
    + b"\x04\x00\x00\x00\x00\x00\x00\x00"  # sequences
    + b"\x05\x00\x00\x00\x00\x00\x00\x00"  # document entries
    + struct.pack("<4i", 3, 1, 0, 2)
    + struct.pack("<4q", 0, 6, 8, 8)
    + struct.pack("<5q", 0, 1, 2, 3, 4)
)
I32_BIN = struct.pack("<6i", 5, 6, 7, 0, 70000, 1)
I32_IDX = (
    b"MMIDIDX\x00\x00"
    + struct.pack("<QBQQ", 1, 4, 4, 5)
    + struct.pack("<4i", 3, 1, 0, 2)
    + struct.pack("<4q", 0, 12, 16, 16)
    + struct.pack("<5q", 0, 1, 2, 3, 4)
)


def written(documents: list[list[int]], dtype: str) -> tuple[bytes, bytes]:
    tokens, index = io.BytesIO(), io.BytesIO()
    writer = IndexedDatasetWriter(tokens, np.dtype(dtype))
    for document in documents:
        writer.add(np.array(document, np.int64))
    writer.finish(index)
    assert writer.tokens == sum(map(len, documents))
    return tokens.getvalue(), index.getvalue()


def test_bytes_of_uint16() -> None:
    assert written(DOCUMENTS, "uint16") == (U16_BIN, U16_IDX)


def test_bytes_of_int32() -> None:
    documents = [[5, 6, 7], [0], [], [70000, 1]]
    assert written(documents, "int32") == (I32_BIN, I32_IDX)


def test_empty_set() -> None:
    header = b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, 0, 1)
    assert written([], "uint16") == (b"", header + struct.pack("<q", 0))


@pytest.mark.parametrize(
    ("content", "index", "documents"),
    [(U16_BIN, U16_IDX, DOCUMENTS), (I32_BIN, I32_IDX, [[5, 6, 7], [0], [], [70000, 1]])],
)
def test_reads_the_bytes(tmp_path: Path, content: bytes, index: bytes, documents: list) -> None:
    (tmp_path / "part.bin").write_bytes(content)
    (tmp_path / "part.idx").write_bytes(index)
    dataset = IndexedDataset(tmp_path / "part")
    assert [dataset[i].tolist() for i in range(len(dataset))] == documents
    assert dataset.documents.tolist() == [0, 1, 2, 3, 4]
    assert dataset.read(0, 1, 2).tolist() == [6, 7]
    assert read_indexed_dataset(tmp_path / "part")[1] == documents
    with pytest.raises(IndexError):
        dataset.read(0, 2, 2)


def test_reads_an_empty_set(tmp_path: Path) -> None:
    content, index = written([], "uint16")
    (tmp_path / "part.bin").write_bytes(content)
    (tmp_path / "part.idx").write_bytes(index)
    assert len(IndexedDataset(tmp_path / "part")) == 0
    assert read_indexed_dataset(tmp_path / "part") == ("H", [], [0])


@pytest.mark.parametrize(
    ("content", "index", "word"),
    [
        (U16_BIN, b"", "does not begin"),
        (U16_BIN, b"PK\x03\x04" + U16_IDX[4:], "does not begin"),
        (U16_BIN, U16_IDX[:-1], "should have"),
        (U16_BIN, U16_IDX[:9] + b"\x02" + U16_IDX[10:], "version is 2"),
        (U16_BIN, U16_IDX[:17] + b"\x07" + U16_IDX[18:], "code 7"),
        (U16_BIN[:-2], U16_IDX, "points to byte 12"),
        (U16_BIN, U16_IDX[:34] + struct.pack("<i", -1) + U16_IDX[38:], "points"),
        # A count of sequences that would overflow if it were believed.
        (U16_BIN, U16_IDX[:18] + b"\xff" * 8 + U16_IDX[26:], "should have"),
    ],
)
def test_broken_files(tmp_path: Path, content: bytes, index: bytes, word: str) -> None:
    (tmp_path / "part.bin").write_bytes(content)
    (tmp_path / "part.idx").write_bytes(index)
    with pytest.raises(InputError, match=word):
        IndexedDataset(tmp_path / "part")


def test_missing_file(tmp_path: Path) -> None:
    (tmp_path / "part.idx").write_bytes(U16_IDX)
    with pytest.raises(InputError, match=r"part\.bin"):
        IndexedDataset(tmp_path / "part")


def test_dtype_by_vocabulary() -> None:
    assert token_dtype(65_499) == np.uint16
    assert token_dtype(65_500) == np.int32


@pytest.mark.parametrize("tokens", [[-1], [65536]])
def test_refuses_tokens_that_do_not_fit(tokens: list[int]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        written([tokens], "uint16")


def test_refuses_other_types() -> None:
    with pytest.raises(ValueError, match="uint16 or int32"):
        IndexedDatasetWriter(io.BytesIO(), np.dtype("int64"))
    writer = IndexedDatasetWriter(io.BytesIO(), np.dtype("uint16"))
    with pytest.raises(ValueError, match="integers"):
        writer.add(np.zeros(3))
    with pytest.raises(ValueError, match="one row"):
        writer.add(np.zeros((1, 3), np.int32))
