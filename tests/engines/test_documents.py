"""Documents that end the process that reads them, in workers of the local engine."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import pytest

from corpusmith import op
from corpusmith.collect.stage import execute
from corpusmith.engine.local import LocalEngine
from corpusmith.store.parts import read_part
from tests import document_files as made


def twice_packed(content: bytes) -> bytes:
    """A PDF whose page is compressed twice: what the count of a single inflation doesn't see."""
    packed = zlib.compress(zlib.compress(content, 9), 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>",
        b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream"
        % (len(packed), packed),
    ]
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + (
        b"xref\n0 5\n0000000000 65535 f \n%strailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (table, len(out))
    )


@pytest.mark.skipif(sys.platform != "linux", reason="a process's memory is bounded on Linux only")
def test_native_code_that_ends_its_process_costs_one_document(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    made.pdf(folder / "a.pdf", [[(60, 700, "Before the bomb.")]])
    # PDFium takes 84 bytes for each `q`: over the GiB that a document may take.
    (folder / "b.pdf").write_bytes(twice_packed(b"q " * 15_000_000))
    made.pdf(folder / "c.pdf", [[(60, 700, "After the bomb.")]])
    params = {"source": "s", "read": "pdf", "path": str(folder)}
    out = tmp_path / "out"
    out.mkdir()
    with LocalEngine(1) as engine:
        work = op.Work(folder=out, params=params, inputs={}, engine=engine)
        execute(work)
    assert work.info["read"] == 3 and work.info["documents"] == 2
    rows = read_part(out, "quarantine", "s-00000").to_pylist()
    assert [(row["uri"], row["error"]) for row in rows] == [("b.pdf", "crash")]
    texts = read_part(out, "documents", "s-00000")["text"].to_pylist()
    assert texts == ["Before the bomb.", "After the bomb."]
