"""Columns of any layout reach the kernels as the same bytes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusmith.errors import CorpusmithError
from corpusmith.kernels.buffers import large_string, text_buffers

# Surrogates are no characters of UTF-8; everything else, astral and combining, is drawn.
TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs",)),
        st.sampled_from("a é e\u0301 漢字😀𝔘\u200d\ufeff\u0000\n"),
    ),
    max_size=12,
)
KIND = st.sampled_from([pa.string(), pa.large_string()])


def rows_of(data: np.ndarray, offsets: np.ndarray) -> list[str]:
    return [
        bytes(data[offsets[i] : offsets[i + 1]]).decode("utf-8") for i in range(len(offsets) - 1)
    ]


@settings(deadline=None, max_examples=100)
@given(st.lists(TEXT, max_size=8), KIND, st.integers(0, 8), st.integers(0, 8))
def test_a_sliced_array_gives_exactly_its_rows(rows, kind, start, length):
    column = pa.array(rows, kind).slice(min(start, len(rows)), length)
    data, offsets = text_buffers(column)
    assert rows_of(data, offsets) == column.to_pylist()
    assert (data.dtype, offsets.dtype) == (np.uint8, np.int64)
    assert offsets[0] == 0 and offsets[-1] == len(data)
    for array in (data, offsets):
        assert array.flags.c_contiguous and array.flags.aligned and not array.flags.writeable


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(TEXT, max_size=4), max_size=4), KIND, st.integers(0, 5))
def test_chunks_are_joined(chunks, kind, start):
    column = pa.chunked_array([pa.array(rows, kind) for rows in chunks], kind)
    column = column.slice(min(start, len(column)))
    assert rows_of(*text_buffers(column)) == column.to_pylist()


@settings(deadline=None, max_examples=100)
@given(st.lists(TEXT, max_size=8), KIND, st.integers(0, 8))
def test_there_and_back(rows, kind, start):
    column = pa.array(rows, kind)[min(start, len(rows)) :]
    back = large_string(*text_buffers(column))
    assert back.type == pa.large_string()
    assert back.to_pylist() == column.to_pylist()


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4), KIND)
def test_a_null_is_refused_with_its_row(before, after, kind):
    column = pa.array([*before, None, *after], kind)
    with pytest.raises(CorpusmithError, match=f"1 null text.*row {len(before)}$|row {len(before)}"):
        text_buffers(column)


def test_a_null_outside_the_slice_does_no_harm():
    column = pa.array([None, "漢", "b"], pa.large_string())[1:]
    assert rows_of(*text_buffers(column)) == ["漢", "b"]


@pytest.mark.parametrize("column", [pa.array([1]), pa.array([b"x"]), pa.array([None])])
def test_other_types_are_refused(column):
    with pytest.raises(CorpusmithError, match="expected: string or large_string"):
        text_buffers(column)


@pytest.mark.parametrize(
    ("data", "offsets", "message"),
    [
        ("漢".encode(), [0, 1, 3], "not valid"),  # cut inside a character
        (b"ab", [0, 3], "do not rise within 2 bytes"),
        (b"ab", [0, 2, 1], "do not rise"),
        (b"ab", [-1, 2], "do not rise"),
        (b"", [], "without offsets"),
    ],
)
def test_impossible_output_of_a_kernel_is_refused(data, offsets, message):
    with pytest.raises(CorpusmithError, match=message):
        large_string(np.frombuffer(data, np.uint8), np.array(offsets, np.int64))
