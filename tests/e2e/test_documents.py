"""A folder of documents through `corpusmith run`, one of which ends the process that reads it."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import pytest

import corpusmith as cs
from corpusmith.report.verify import verify
from tests import document_files as made
from tests.e2e import corpus

RECIPE = """corpusmith: 1
corpus: c
sources: {d: {read: documents, path: in, license: CC0-1.0}}
max_quarantined: 0.5
clean: [normalize]
"""


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


@pytest.mark.skipif("sys.platform != 'linux'", reason="a process's memory is bounded on Linux only")
def test_native_code_that_ends_its_process_costs_one_document(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    made.pdf(folder / "a.pdf", [[(60, 700, "Before the bomb.")]], title="A")
    # PDFium takes 84 bytes for each `q`: over the GiB that a document may take.
    (folder / "b.pdf").write_bytes(twice_packed(b"q " * 15_000_000))
    made.docx(folder / "c.docx")
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.write(folder / "a.pdf", "inner/a.pdf")
        archive.writestr("note.txt", "After the bomb.")
    recipe = tmp_path / "r.yaml"
    recipe.write_text(RECIPE)
    corpus.corpusmith("run", recipe, "--workdir", tmp_path / "w", "--workers", "1", code=0)
    run = cs.open(tmp_path / "w")
    documents = run.summary["documents"]
    assert (documents["read"], documents["kept"], documents["quarantined"]) == (5, 4, 1)
    rows = {row["uri"]: row for batch in run.documents() for row in batch.to_pylist()}
    assert set(rows) == {"a.pdf", "c.docx", "d.zip!/inner/a.pdf", "d.zip!/note.txt"}
    assert rows["d.zip!/inner/a.pdf"]["text"] == "Before the bomb."
    assert {row["license"] for row in rows.values()} == {"CC0-1.0"}
    lost = run.sql("select uri, error from quarantine").to_pylist()
    assert lost == [{"uri": "b.pdf", "error": "crash"}]
    assert verify(run)["problems"] == []
