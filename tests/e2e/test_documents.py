"""Documents and dumps through `corpusmith run`; one document ends the process that reads it."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path

import pytest

import corpusmith as cs
from corpusmith.report.verify import verify
from tests import document_files as made
from tests.dump_files import answer, question, rows_xml, topic_pages, wiki_multistream
from tests.e2e import corpus

RECIPE = """corpusmith: 1
corpus: c
sources:
  d: {read: documents, path: in, license: CC0-1.0}
  wiki: {read: wikipedia, path: dumps/a.xml.bz2, part_bytes: 100000}
  answers: {read: stackexchange, path: dumps/site}
  threads: {read: reddit, path: dumps/RC.jsonl}
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


def dumps(folder: Path) -> None:
    (folder / "site").mkdir(parents=True)
    wiki_multistream(topic_pages(300), folder / "a.xml.bz2", each=20)
    posts = [answer(2, 1, "say", 3), question(1, "Q", "ask"), answer(3, 9, "whom?", 1)]
    (folder / "site" / "Posts.xml").write_bytes(rows_xml("posts", posts))
    comments = [
        {"id": "b", "link_id": "t3_x", "parent_id": "t1_a", "body": "you too", "created_utc": 2e9},
        {"id": "a", "link_id": "t3_x", "parent_id": "t3_x", "body": "hello", "created_utc": 1e9},
    ]
    (folder / "RC.jsonl").write_text("".join(json.dumps(c) + "\n" for c in comments))


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
    dumps(tmp_path / "dumps")
    recipe = tmp_path / "r.yaml"
    recipe.write_text(RECIPE)
    corpus.corpusmith("run", recipe, "--workdir", tmp_path / "w", "--workers", "2", code=0)
    run = cs.open(tmp_path / "w")
    sources = run.summary["by_source"]
    read = {name: (of["read"], of["kept"], of["quarantined"]) for name, of in sources.items()}
    assert read == {
        "d": (5, 4, 1), "wiki": (300, 300, 0), "answers": (2, 1, 1), "threads": (1, 1, 0)
    }  # fmt: skip
    found = [row for batch in run.documents() for row in batch.to_pylist()]
    rows = {row["uri"]: row for row in found if row["source"] == "d"}
    assert set(rows) == {"a.pdf", "c.docx", "d.zip!/inner/a.pdf", "d.zip!/note.txt"}
    assert rows["d.zip!/inner/a.pdf"]["text"] == "Before the bomb."
    assert {row["license"] for row in rows.values()} == {"CC0-1.0"}
    texts = {row["source"]: row["text"] for row in found}
    assert texts["answers"] == "# Q\n\nask\n\n## Answer (score 3)\n\nsay"
    assert texts["threads"] == "- hello\n  - you too"
    lost = run.sql("select error from quarantine order by error").to_pylist()
    assert lost == [{"error": "crash"}, {"error": "no_parent"}]
    assert verify(run)["problems"] == []
