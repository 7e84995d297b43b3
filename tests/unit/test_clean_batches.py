"""What the pass reads: batches of bounded bytes and rows, every document once, in order."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from corpusmith import schema
from corpusmith.clean import batches
from corpusmith.engine.base import WorkerContext
from corpusmith.store import parts

SIZES = [400, 30, 900, 5, 5, 5, 2500, 10, 700, 0, 0, 1, 1200, 60]


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Documents of these bytes with ids of one byte, row groups of 500 bytes or 3 rows."""
    monkeypatch.setattr(parts, "GROUP_BYTES", 500)
    monkeypatch.setattr(parts, "GROUP_ROWS", 3)
    monkeypatch.setattr(batches, "GROUP_BYTES", 500)
    rows = [{"id": chr(97 + n), "text": "x" * size} for n, size in enumerate(SIZES)]
    with parts.PartWriter(tmp_path / "in", "p") as out:
        out.write("documents", schema.table(schema.DOCUMENT, rows))
    return tmp_path / "in"


def read(part: Path, **more: object) -> tuple[list[pa.Table], list[str]]:
    """The batches, and the ids that went to quarantine."""
    ctx = WorkerContext(folder=part.parent / "out", part="p", **more)  # type: ignore[arg-type]
    with ctx.writer() as out:
        out.info = {"quarantined": 0}
        found = list(batches.batches({"input": str(part), "part": "p"}, ctx, out))
    lost = parts.read_part(ctx.folder, "quarantine", "p")["id"].to_pylist()
    return found, lost


def ids(found: list[pa.Table]) -> str:
    return "".join(name for batch in found for name in batch["id"].to_pylist())


@pytest.mark.parametrize("limit", [1, 100, 1000, 2000, 10**6])
def test_groups_are_put_together_up_to_the_limit(part: Path, limit: int) -> None:
    found, lost = read(part, batch_bytes=limit)
    assert ids(found) == "abcdefghijklmn"
    assert lost == []
    sizes = [int(parts.row_bytes(batch).sum()) for batch in found]
    assert all(
        size <= limit + 250 or batch.num_rows == 1 for size, batch in zip(sizes, found, strict=True)
    )
    assert all(batch["text"].num_chunks == 1 for batch in found)
    assert (len(found) == 1) == (limit == 10**6)


def test_many_small_documents_are_bounded_by_rows(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_ROWS", 5)
    found, _ = read(part, batch_bytes=10**6)
    assert ids(found) == "abcdefghijklmn"
    assert max(batch.num_rows for batch in found) <= 5 + 3


def test_one_document_at_a_time_behind_a_crash(part: Path) -> None:
    skip = {"c": ("crash", "it crashed"), "n": ("crash", "it crashed")}
    found, lost = read(part, batch_bytes=10**6, careful=True, skip=skip)
    assert [batch.num_rows for batch in found] == [1] * 12
    assert ids(found) == "abdefghijklm"
    assert lost == ["c", "n"]
