"""Columns of signals from counters."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole` in float32 (divided in float64, rounded once); 0 where `whole` is 0."""
    quotient = np.divide(part, whole, out=np.zeros(len(part), np.float64), where=whole != 0)
    return quotient.astype(np.float32)


def table_of(columns: dict[str, np.ndarray], schema: pa.Schema) -> pa.Table:
    """The columns, in the order and types of the schema; a missing one is a KeyError."""
    return pa.table(
        [pa.array(np.ascontiguousarray(columns[field.name])).cast(field.type) for field in schema],
        schema=schema,
    )
