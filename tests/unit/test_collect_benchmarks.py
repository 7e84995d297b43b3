"""The benchmarks of the readers, once and small."""

from __future__ import annotations

from benchmarks import extraction


def test_extraction_keeps_up_with_the_bare_library() -> None:
    result = extraction.main(small=True)
    assert result["mb"] > 1 and result["same_text_frac"] == 1.0
    # The gate of 0.9 is `make bench`'s, on 100 MB of real text; this catches a second parse.
    assert result["ratio"] > 0.7
