"""Texts as an operation gets them, and a row of signals held against figures made by hand."""

from __future__ import annotations

import pyarrow as pa
import pytest

from corpusmith.op import Context


def batch(*texts: str, modality: str = "text", uri: str = "", meta: str = "{}") -> pa.Table:
    return pa.table(
        {
            "text": pa.array(texts, pa.large_string()),
            "modality": [modality] * len(texts),
            "uri": [uri] * len(texts),
            "meta": [meta] * len(texts),
        }
    )


def check(function, text: str, expected: dict) -> None:
    row = function(batch(text), Context()).to_pylist()[0]
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-6)
