"""PDF, EPUB, DOCX, ODT and subtitles, made by the programs that make them, read as a source."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from corpusmith.collect.documents.formulas import from_mathml, from_omml
from corpusmith.collect.documents.hypertext import markdown_of
from corpusmith.collect.documents.pdf import pdf_date
from corpusmith.collect.documents.xmltree import parse_xml
from tests import document_files as made
from tests.collect_run import collect

SENTENCES = [
    f"Sentence {n} of the long text tells what the miller did on day {n} of his year. "
    for n in range(60)
]


# --- PDF -----------------------------------------------------------------------------------


def test_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    """The file has the lines of both columns in turns, as typesetters of rows write them."""
    left = made.column(made.LEFT, 60, 700)
    right = made.column(made.RIGHT, 310, 700)
    turns = [line for pair in zip(left, right, strict=False) for line in pair]
    turns += left[len(right) :] + right[len(left) :]
    title = (
        60,
        760,
        "A title that stands over both of the columns of this page, from side to side",
    )
    made.pdf(tmp_path / "a.pdf", [[*turns, title]], title="Two", author="Ada")
    assert any(line.endswith("-") for _, _, line in left)
    found = collect(tmp_path / "out", read="pdf", path=tmp_path / "a.pdf")
    assert found.texts == [f"{title[2]}\n\n{made.LEFT}\n\n{made.RIGHT}"]
    assert found.meta[0]["title"] == "Two" and found.meta[0]["authors"] == ["Ada"]


def test_running_lines_go_and_paragraphs_cross_pages(tmp_path: Path) -> None:
    lines = made.words_of_lines("".join(SENTENCES), 80)
    pages = [
        [(60, 780 - 12 * i, line) for i, line in enumerate(lines[at : at + 20])]
        for at in range(0, len(lines), 20)
    ]
    assert len(pages) >= 3
    made.pdf(tmp_path / "a.pdf", pages, header="THE YEAR OF A MILLER", numbers=True)
    found = collect(tmp_path / "out", read="pdf", path=tmp_path / "a.pdf")
    # Where a page ends with a sentence nothing says whether a paragraph does too.
    assert found.texts[0].replace("\n\n", " ") == "".join(SENTENCES).strip()
    assert found.texts[0].count("\n\n") < len(pages)
    starts = found.meta[0]["page_starts"]
    assert len(starts) == len(pages) and starts[0] == 0
    # A page begins where the text of its first line does.
    for start, page in zip(starts, pages, strict=True):
        assert page[0][2].rstrip("-")[3:] in found.texts[0][start : start + 90]


def test_a_document_a_page(tmp_path: Path) -> None:
    pages = [[(60, 700, f"Page {name} has words of its own.")] for name in ("one", "two", "three")]
    made.pdf(tmp_path / "a.pdf", pages)
    found = collect(tmp_path / "out", read="pdf", path=tmp_path, documents="page")
    assert found.uris == [f"a.pdf#page={n}" for n in (1, 2, 3)]
    assert found.texts == [page[0][2] for page in pages]
    assert [m["page"] for m in found.meta] == [1, 2, 3]
    assert found.info["read"] == 1 and found.info["created"] == 2


def test_rows_of_a_table_stay_rows(tmp_path: Path) -> None:
    rows = [("Brenner", "1370", "Tyrol"), ("Gotthard", "2106", "Uri"), ("Splügen", "2115", "Lei")]
    rows += [(f"Pass {n}", str(1000 + n), "Alps") for n in range(6)]
    page = [
        (x, 700 - 14 * i, cell)
        for i, row in enumerate(rows)
        for x, cell in zip((60, 220, 400), row, strict=True)
    ]
    made.pdf(tmp_path / "a.pdf", [page])
    found = collect(tmp_path / "out", read="pdf", path=tmp_path)
    assert found.texts[0].split("\n\n") == [" ".join(row) for row in rows]


def test_scans_are_told_page_by_page(tmp_path: Path) -> None:
    made.scan(tmp_path / "all.pdf")
    made.scan(tmp_path / "half.pdf", text="The first page has a text layer.")
    found = collect(tmp_path / "out", read="pdf", path=tmp_path)
    assert found.errors == [("all.pdf", "scanned")]
    assert "none of 1 pages has text: page 1" in found.messages[0]
    assert found.texts == ["The first page has a text layer."]
    assert found.meta[0]["pages_without_text"] == {"2": "scanned"}
    assert found.info["skipped"] == {"page:scanned": 1}
    assert found.info["expected_quarantine"] == 1  # a scan is no fault of the source
    pages = collect(tmp_path / "pages", read="pdf", path=tmp_path / "half.pdf", documents="page")
    assert pages.uris == ["half.pdf#page=1"] and pages.errors == [("half.pdf#page=2", "scanned")]


def test_encrypted_and_damaged_pdfs(tmp_path: Path) -> None:
    page = [[(60, 700, "A secret.")]]
    made.pdf(tmp_path / "locked.pdf", page, encrypt="password")
    data = made.pdf(tmp_path / "cut.pdf", page)
    (tmp_path / "cut.pdf").write_bytes(data[:300])
    (tmp_path / "other.pdf").write_bytes(b"This is no PDF at all. " * 10)
    (tmp_path / "empty.pdf").write_bytes(b"")
    made.pdf(tmp_path / "fine.pdf", [[(60, 700, "Fine.")]])
    found = collect(tmp_path / "out", read="pdf", path=tmp_path)
    assert found.texts == ["Fine."]
    assert dict(found.errors) == {
        "locked.pdf": "encrypted",
        "cut.pdf": "bad_pdf",
        "other.pdf": "bad_pdf",
        "empty.pdf": "bad_pdf",
    }


def test_pdf_dates() -> None:
    assert str(pdf_date("D:20240229")) == "2024-02-29 00:00:00+00:00"
    assert str(pdf_date("D:20240229235959-05'30")) == "2024-03-01 05:29:59+00:00"
    assert pdf_date("yesterday") is None and pdf_date("D:20241399") is None


# --- books and office ------------------------------------------------------------------------


def test_docx(tmp_path: Path) -> None:
    made.docx(tmp_path / "a.docx")
    found = collect(tmp_path / "out", read="docx", path=tmp_path)
    assert found.texts == [
        "# Mills and Roads\n\n# Rivers\n\nA river turns the wheel. Added.\n\n"
        "- corn\n- flour\n1. first\n2. second\n\n"
        "| mill | year |\n| --- | --- |\n| Old \\| Weir | 1702 |\n\n"
        "> Said\n> Twice\n\n```\nif a:\n    b\n```\n\nSo $\\frac{1}{2}$\n\n"
        "## 水车\n\n河水推动水车。"
    ]
    meta = found.meta[0]
    assert (meta["title"], meta["authors"]) == ("Mills and Roads", ["Ada Miller"])
    assert found.documents["lang"].to_pylist() == ["en"]
    assert found.documents["created"][0].as_py() is not None


def test_odt(tmp_path: Path) -> None:
    made.odt(tmp_path / "a.odt")
    found = collect(tmp_path / "out", read="odt", path=tmp_path)
    assert found.texts == [
        "## Salt\n\nThe salt came over the pass[^1] on carts.\n\n- cart\n- horse\n\n"
        "| pass | metres |\n| --- | --- |\n| Brenner | 1370 |\n\n[^1]: In July."
    ]
    assert found.meta[0]["title"] == "Of Salt" and found.meta[0]["authors"] == ["Resi Huber"]
    assert found.documents["lang"].to_pylist() == ["de"]
    assert str(found.documents["created"][0].as_py()) == "2021-03-04 05:06:07+00:00"


def test_epub_in_the_order_of_its_spine(tmp_path: Path) -> None:
    made.epub(tmp_path / "a.epub")
    found = collect(tmp_path / "out", read="epub", path=tmp_path)
    assert found.texts == [
        "# Morning\n\nThey left early.\n\n- salt\n- corn\n\n"
        "# Evening\n\nThey sat & talked\xa0late.\n\n```\na  b\n  c\n```"
    ]
    meta = found.meta[0]
    assert (meta["title"], meta["authors"], meta["format"]) == ("The Inn", ["Wim de Waard"], "epub")
    assert [c["title"] for c in meta["chapters"]] == ["Morning", "Evening"]
    assert found.texts[0][meta["chapters"][1]["start"] :].startswith("# Evening")
    row = found.documents.to_pylist()[0]
    assert (row["lang"], row["license"]) == ("en", "CC-BY-SA-4.0")
    assert str(row["created"].date()) == "2019-05-06"


# --- subtitles -------------------------------------------------------------------------------

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>The salt came over</i>

2
00:00:02,600 --> 00:00:04,000
{\\an8}the pass in July.

3
00:00:04,100 --> 00:00:05,000
- Who sold it?
- The miller.
"""
VTT = """WEBVTT
Language: en

NOTE nobody reads this

00:01.000 --> 00:02.000 align:start
<v Ada>We ground the <c.loud>corn</c> &amp; the rye

00:02.000 --> 00:03.000
<v Ada>all night.

00:09.000 --> 00:10.000
<v Ben>And then?
"""
ASS = """[Script Info]
Title: The Mill
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:05.00,0:00:06.00,D,,0,0,0,,the wheel,\\Nslowly.
Dialogue: 0,0:00:03.00,0:00:04.90,D,,0,0,0,,{\\b1}Water turned{\\b0}
Comment: 0,0:00:03.00,0:00:04.90,D,,0,0,0,,a remark
"""


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        (
            "m.en.srt",
            SRT,
            ["The salt came over the pass in July.", "- Who sold it?", "- The miller."],
        ),
        ("m.vtt", VTT, ["Ada: We ground the corn & the rye all night.", "Ben: And then?"]),
        ("m.ass", ASS, ["Water turned the wheel, slowly."]),
    ],
)
def test_subtitles(tmp_path: Path, name: str, text: str, lines: list[str]) -> None:
    (tmp_path / name).write_text(text)
    found = collect(tmp_path / "out", read="subtitles", path=tmp_path)
    assert found.texts == ["\n".join(lines)]
    if name != "m.ass":
        assert found.documents["lang"].to_pylist() == ["en"]


def test_subtitles_with_times_rolling_and_without_cues(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(SRT)
    (tmp_path / "bad.srt").write_text("nothing\nto see")
    rolling = "WEBVTT\n\n" + "".join(
        f"00:0{i}.000 --> 00:0{i + 1}.000\n{a}\n{b}\n\n"
        for i, (a, b) in enumerate(
            [("so we", "went to"), ("went to", "the inn"), ("the inn", "late")]
        )
    )
    (tmp_path / "c.vtt").write_text(rolling)
    found = collect(tmp_path / "out", read="subtitles", path=tmp_path, timecodes=True)
    assert found.texts[0].split("\n")[0] == "[00:00:01.000] The salt came over the pass in July."
    assert found.texts[1] == "[00:00:00.000] so we went to the inn late"
    assert found.errors == [("bad.srt", "bad_subtitles")]


# --- archives --------------------------------------------------------------------------------


def test_documents_in_zip_and_tar(tmp_path: Path) -> None:
    made.docx(tmp_path / "a.docx")
    made.epub(tmp_path / "b.epub")
    (tmp_path / "c.srt").write_text(SRT)
    (tmp_path / "d.txt").write_text("plain words")
    (tmp_path / "pic.png").write_bytes(b"\x89PNG")
    alone = collect(tmp_path / "alone", read="documents", path=tmp_path)
    names = ["a.docx", "b.epub", "c.srt", "d.txt", "pic.png"]
    packed = tmp_path / "packed"
    packed.mkdir()
    for suffix in ("gz", "xz", "bz2"):
        with tarfile.open(packed / f"x.tar.{suffix}", f"w:{suffix}") as tar:
            for name in names:
                tar.add(tmp_path / name, f"deep/folder/{name}")
    with zipfile.ZipFile(packed / "y.zip", "w", zipfile.ZIP_DEFLATED) as outer:
        for name in names:
            outer.write(tmp_path / name, name)
        outer.write(packed / "x.tar.gz", "inner.tar.gz")
    found = collect(tmp_path / "out", read="documents", path=packed)
    assert found.texts == alone.texts * 5
    tail = [f"deep/folder/{name}" for name in names[:4]]
    assert found.uris == [
        *(f"x.tar.{suffix}!/{name}" for suffix in ("bz2", "gz", "xz") for name in tail),
        *(f"y.zip!/{name}" for name in names[:4]),
        *(f"y.zip!/inner.tar.gz!/{name}" for name in tail),
    ]
    assert found.info["skipped"] == {"file:png": 4 + 1, "outside_the_text": 5}  # the contents
    only = collect(tmp_path / "only", read="docx", path=packed / "y.zip")
    assert only.uris == ["y.zip!/a.docx", "y.zip!/inner.tar.gz!/deep/folder/a.docx"]


MATHML = """<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow><msubsup><mo>∫</mo><mn>0</mn>
<mi>π</mi></msubsup><msqrt><mi>x</mi></msqrt><mo>+</mo><mfrac><mi>α</mi><mi>b</mi></mfrac>
<mo>≤</mo><mi>y</mi></mrow></math>"""
OMML = """<m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:nary><m:naryPr>
<m:chr m:val="∑"/></m:naryPr><m:sub><m:r><m:t>i</m:t></m:r></m:sub><m:sup><m:r><m:t>n</m:t></m:r>
</m:sup><m:e><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>
</m:e></m:nary><m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e><m:rad><m:deg/>
<m:e><m:r><m:t>y</m:t></m:r></m:e></m:rad></m:e></m:d></m:oMath>"""


def test_formulas_as_tex() -> None:
    tex = from_mathml(parse_xml(MATHML.encode(), "m"))
    assert tex == r"\int_{0}^{\pi}\sqrt{x}+\frac{\alpha}{b}\leq y"
    assert from_omml(parse_xml(OMML.encode(), "m")) == r"\sum_{i}^{n} x^{2}[\sqrt{y}]"
    annotation = '<annotation encoding="application/x-tex">a&lt;b</annotation></math>'
    note = '<a epub:type="noteref" href="#n">3</a>. <a role="doc-backlink">up</a>'
    page = f"<p>If {MATHML.replace('</math>', annotation)} then{note}"
    assert markdown_of(page).text == "If $a<b$ then[^3]."
    assert markdown_of(f"<p>{MATHML}").text == f"${tex}$"
    assert markdown_of("<p>a <math>b").text == "a b"


def test_html_files_have_their_main_text(tmp_path: Path) -> None:
    """The same text as `read: html` finds, in an archive too."""
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
    page = f"<html lang=de><title>Jahr</title><nav>menu</nav><main>{paragraphs}</main></html>"
    (tmp_path / "a.html").write_text(page)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(tmp_path / "a.html", "x/a.html")
    pages = collect(tmp_path / "html", read="html", path=tmp_path / "a.html")
    assert "Sentence 59" in pages.texts[0]
    found = collect(tmp_path / "out", read="documents", path=tmp_path)
    assert found.uris == ["a.html", "b.zip!/x/a.html"]
    assert found.texts == pages.texts * 2
    assert found.meta[1]["title"] == "Jahr" and found.documents["lang"].to_pylist() == ["de"] * 2


def test_html_bodies() -> None:
    page = (
        "<title>t</title><body><h2>A &lt; B</h2><p>one<br>two <code>x=1</code>"
        "<pre class='lang-py'><code>if a:\n    b</code></pre>"
        "<blockquote><p>said<p>again</blockquote><ol start=3><li>c<ul><li>d</ul><li>e</ol>"
        "<table><tr><th>k<th>v<tr><td>1<td>2</table><script>no()</script>tail"
    )
    assert markdown_of(page).text == (
        "## A < B\n\none\ntwo `x=1`\n\n```py\nif a:\n    b\n```\n\n> said\n>\n> again\n\n"
        "3. c\n  - d\n4. e\n\n| k | v |\n| --- | --- |\n| 1 | 2 |\n\ntail"
    )
