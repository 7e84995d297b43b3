"""What changes the meaning of a text when it is lost: exponents, readings, spans, hidden text; and
parts of a DOCX that stand elsewhere. The files are written part by part, as other programs do."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from corpusmith.collect.documents.grid import FILLED_BY_CELL, FREE, Grid
from corpusmith.collect.documents.hypertext import markdown_of
from tests.collect_run import collect

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATED = "http://schemas.openxmlformats.org/package/2006/relationships"
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ODF = "urn:oasis:names:tc:opendocument:xmlns"


def word(path: Path, body: str, name: str = "word/document.xml", **parts: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>')
        for part, text in parts.items():
            file.writestr(part.replace("__", "/").replace("_rels", "_rels/.rels", 1), text)
    return path


def run(text: str, look: str = "") -> str:
    return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def cell(text: str, look: str = "") -> str:
    return f"<w:tc><w:tcPr>{look}</w:tcPr><w:p>{run(text)}</w:p></w:tc>"


SHOWN = '<w:vanish w:val="0"/>'
WIDE = '<w:gridSpan w:val="2"/>'
RAISED = '<w:vertAlign w:val="superscript"/>'


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>10<sup>6</sup> m<sup>-2</sup>, 1<sup>st</sup>", "10⁶ m⁻², 1st"),
        ('<p>a<sup><a class="noteref">1</a></sup>', "a[^1]"),
        ("<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>だ", "漢字だ"),
        # The ends of readings may be left out (HTML, 13.1.2.4).
        ("<p><ruby>漢<rt>かん<rb>字<rt>じ</ruby>だ<p>また", "漢字だ\n\nまた"),
        ("<p><ruby>漢<rt>かん<p>また", "漢\n\nまた"),
        (
            "<table><tr><th>a<th>b<th>c<tr><td rowspan=2>d<td colspan='2'>e<tr><td>f<td>g</table>",
            "| a | b | c |\n| --- | --- | --- |\n| d | e |  |\n|  | f | g |",
        ),
    ],
)
def test_html(page: str, text: str) -> None:
    assert markdown_of(page).text == text


def test_spans_cannot_multiply_a_table() -> None:
    """Ten thousand cells that reach down ten thousand rows are 10^8 places, of 20,000 cells."""
    grid = Grid()
    grid.row()
    for _ in range(2000):
        grid.cell("x", down=1000)
    for _ in range(2000):
        grid.row()
        grid.cell("y")
    assert sum(map(len, grid.rows)) <= (1 + FILLED_BY_CELL) * 4000 + FREE


def test_docx(tmp_path: Path) -> None:
    nested = f"<w:tbl><w:tr>{cell('n1')}{cell('n2')}</w:tr></w:tbl>"
    body = (
        f"<w:p>{run('10')}{run('6', RAISED)}{run('st', RAISED)}{run('HIDDEN', '<w:vanish/>')}"
        f"{run(' shown', SHOWN)}<w:r><w:ruby><w:rt>{run('かんじ')}</w:rt>"
        f"<w:rubyBase>{run('漢字')}</w:rubyBase></w:ruby></w:r></w:p>"
        f"<w:tbl><w:tr>{cell('a')}{cell('b')}{cell('c')}</w:tr><w:tr>"
        f"{cell('wide', WIDE)}{cell('d')}</w:tr>"
        f"<w:tr><w:tc>{nested}<w:p/></w:tc>{cell('e')}{cell('f')}</w:tr></w:tbl>"
    )
    found = collect(tmp_path / "out", read="docx", path=word(tmp_path / "a.docx", body))
    assert found.texts == [
        "10⁶st shown漢字\n\n| a | b | c |\n| --- | --- | --- |\n| wide |  | d |\n| n1 n2 | e | f |"
    ]


def test_docx_names_its_parts(tmp_path: Path) -> None:
    """Word's web edition calls the main part document2.xml; the relationships say so."""
    related = f'<Relationships xmlns="{RELATED}"><Relationship Type="{KIND}/{{}}" Target="{{}}"/>'
    end = "</Relationships>"
    styles = (
        f'<w:styles xmlns:w="{W}"><w:style w:styleId="K"><w:name w:val="heading 2"/></w:style>'
        "</w:styles>"
    )
    path = word(
        tmp_path / "a.docx",
        f'<w:p><w:pPr><w:pStyle w:val="K"/></w:pPr>{run("Here")}</w:p>',
        "word/document2.xml",
        _rels=related.format("officeDocument", "/word/document2.xml") + end,
    )
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(
            "word/_rels/document2.xml.rels", related.format("styles", "styles2.xml") + end
        )
        file.writestr("word/styles2.xml", styles)
    found = collect(tmp_path / "out", read="docx", path=path)
    assert found.texts == ["## Here"]


@pytest.mark.parametrize(
    ("inside", "error"), [("EncryptedPackage", "encrypted"), ("WordDocument", "bad_docx")]
)
def test_word_files_that_are_no_zip(tmp_path: Path, inside: str, error: str) -> None:
    data = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512) + inside.encode("utf-16-le")
    (tmp_path / "a.docx").write_bytes(data)
    found = collect(tmp_path / "out", read="docx", path=tmp_path / "a.docx")
    assert [name for _, name in found.errors] == [error]


def test_odt(tmp_path: Path) -> None:
    names = "".join(
        f' xmlns:{short}="{ODF}:{name}:1.0"'
        for short, name in (
            ("office", "office"), ("text", "text"), ("table", "table"), ("style", "style"),
        )
    )  # fmt: skip
    cell = "<table:table-cell>{}</table:table-cell>"
    row = "<table:table-row>{}</table:table-row>"
    paragraph = "<text:p>{}</text:p>"
    inner = row.format(cell.format(paragraph.format("n1")) + cell.format(paragraph.format("n2")))
    outer = row.format(
        cell.format(f"<table:table>{inner}</table:table>") + cell.format(paragraph.format("e"))
    )
    content = (
        f"<office:document-content{names}><office:automatic-styles>"
        '<style:style style:name="T1"><style:text-properties style:text-position="super 58%"/>'
        '</style:style><style:style style:name="T2"><style:text-properties text:display="none"/>'
        "</style:style></office:automatic-styles><office:body><office:text><text:p>10"
        '<text:span text:style-name="T1">-6</text:span><text:span text:style-name="T2">HIDDEN'
        f"</text:span></text:p><table:table>{outer}</table:table></office:text></office:body>"
        "</office:document-content>"
    )
    with zipfile.ZipFile(tmp_path / "a.odt", "w") as file:
        file.writestr("content.xml", content)
    found = collect(tmp_path / "out", read="odt", path=tmp_path / "a.odt")
    assert found.texts == ["10⁻⁶\n\n| n1 n2 | e |\n| --- | --- |"]


# --- PDF ------------------------------------------------------------------------------------

BODY = (
    "The mills stood along the river and ground the corn of the whole valley between two",
    "harvests, as long as there was water, and the millers wrote down what they had done in",
    "their books. Nobody reads these books any more, but they are still in the archive.",
)
Placed = tuple[str, float, str]  # font, size, text


def print_pdf(path: Path, pages: list[list[list[Placed]]], *, head: str = "") -> None:
    """Pages of lines, each of pieces one behind the other; what has a size under 0 stands high."""
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path), pagesize=(595, 842), invariant=1)
    for number, lines in enumerate(pages, start=1):
        y = 740.0
        if head:
            canvas.setFont("Times-Roman", 10)
            canvas.drawString(72, 800, f"{head} {['i', 'ii', 'iii', 'iv'][number - 1]}")
        for pieces in lines:
            y -= 1.2 * max(abs(size) for _, size, _ in pieces)
            x = 72.0
            for font, size, text in pieces:
                canvas.setFont(font, abs(size))
                canvas.drawString(x, y + (4 if size < 0 else 0), text)
                x += canvas.stringWidth(text, font, abs(size))
        canvas.showPage()
    canvas.save()


def roman(*lines: str) -> list[list[Placed]]:
    return [[("Times-Roman", 10, line)] for line in lines]


def test_pdf_headings(tmp_path: Path) -> None:
    """Larger letters, bold ones of the text's size, two lines of one heading; no run-in bold words,
    no rows of a table of contents."""
    lines = [
        [("Times-Roman", 18, "On the mills of the valley")],
        *roman(*BODY),
        [("Times-Bold", 14, "1 A heading that goes over two lines, since it has more to say than")],
        [("Times-Bold", 14, "fits into one of them")],
        *roman(*BODY),
        [("Times-Bold", 10, "Wheels and stones")],
        *roman(*BODY),
        [("Times-Bold", 10, "Note that "), ("Times-Roman", 10, "not every mill had a wheel.")],
    ]
    print_pdf(tmp_path / "a.pdf", [lines])
    found = collect(tmp_path / "out", read="pdf", path=tmp_path / "a.pdf")
    text = " ".join(BODY)
    assert found.texts[0].split("\n\n")[:6] == [
        "# On the mills of the valley",
        text,
        f"## {lines[4][0][2]} {lines[5][0][2]}",
        text,
        "### Wheels and stones",
        f"{text} Note that not every mill had a wheel.",
    ]
    assert found.texts[0].count("#") == 6


def test_pdf_exponents_and_roman_headers(tmp_path: Path) -> None:
    """750 with the mark of a note is not 7501."""
    pages = []
    for name in ("Ash", "Birch", "Cedar", "Dale"):
        area = [("Times-Roman", 10, f"{name} mill had 273.750"), ("Times-Roman", -6, "1")]
        unit = [
            ("Times-Roman", 10, " m"),
            ("Times-Roman", -6, "2"),
            ("Times-Roman", 10, " of land."),
        ]
        pages.append([*roman(f"{name} mill says this. {BODY[0]}"), [*area, *unit]])
    print_pdf(tmp_path / "a.pdf", pages, head="A report on mills")
    found = collect(tmp_path / "out", read="pdf", path=tmp_path / "a.pdf")
    assert found.texts[0].count("273.750¹ m² of land.") == 4
    assert "A report on mills" not in found.texts[0]
