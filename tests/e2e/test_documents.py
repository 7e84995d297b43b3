"""Documents and dumps through `corpusmith run`."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

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


def test_documents_and_dumps_in_one_run(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    made.pdf(folder / "a.pdf", [[(60, 700, "Of a mill.")]], title="A")
    (folder / "b.pdf").write_bytes(b"%PDF-1.4 and no more")
    made.docx(folder / "c.docx")
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.write(folder / "a.pdf", "inner/a.pdf")
        archive.writestr("note.txt", "Of a road.")
    dumps(tmp_path / "dumps")
    recipe = tmp_path / "r.yaml"
    recipe.write_text(RECIPE)
    corpus.corpusmith("run", recipe, "--workdir", tmp_path / "w", "--workers", "1", code=0)
    run = cs.open(tmp_path / "w")
    sources = run.summary["by_source"]
    read = {name: (of["read"], of["kept"], of["quarantined"]) for name, of in sources.items()}
    assert read == {
        "d": (5, 4, 1), "wiki": (300, 300, 0), "answers": (2, 1, 1), "threads": (1, 1, 0)
    }  # fmt: skip
    found = [row for batch in run.documents() for row in batch.to_pylist()]
    rows = {row["uri"]: row for row in found if row["source"] == "d"}
    assert set(rows) == {"a.pdf", "c.docx", "d.zip!/inner/a.pdf", "d.zip!/note.txt"}
    assert rows["d.zip!/inner/a.pdf"]["text"] == "Of a mill."
    assert {row["license"] for row in rows.values()} == {"CC0-1.0"}
    texts = {row["source"]: row["text"] for row in found}
    assert texts["answers"] == "# Q\n\nask\n\n## Answer (score 3)\n\nsay"
    assert texts["threads"] == "- hello\n  - you too"
    lost = run.sql("select error from quarantine order by error").to_pylist()
    assert lost == [{"error": "bad_pdf"}, {"error": "no_parent"}]
    assert verify(run)["problems"] == []
