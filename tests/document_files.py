"""Documents of the formats that `read: documents` takes, made by what makes them in the world:
reportlab (PDF), python-docx, odfpy, EbookLib."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

LEFT = (
    "The left column speaks of rivers and of the mills that once stood along them, of their "
    "wheels and stones, and of the families who ground the corn of whole valleys between two "
    "harvests. Nobody remembers the names of the mills, but the weirs are still there, and "
    "the water goes over them as it did when the last miller closed his door."
)
RIGHT = (
    "The right column speaks of roads instead, of the carts that went over the passes in early "
    "summer and came back laden with salt before the first snow. An inn stood at every bend "
    "where a horse needed rest, and the innkeepers knew more of the world than the scholars "
    "in the towns below, since all of it came to sit at their tables in the evening."
)


def words_of_lines(text: str, width: int) -> list[str]:
    """Lines of up to `width` characters; a word that does not fit is broken with a hyphen."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if len(line) + len(word) + 1 <= width:
            line = f"{line} {word}".strip()
            continue
        room = width - len(line) - 2
        if word.strip(",.").isalpha() and 2 <= room <= len(word) - 3:
            lines.append(f"{line} {word[:room]}-")
            line = word[room:]
        else:
            lines.append(line)
            line = word
    return [*lines, line]


def pdf(
    path: Path,
    pages: list[list[tuple[float, float, str]]],
    *,
    header: str = "",
    numbers: bool = False,
    size: float = 10,
    encrypt: str = "",
    **info: str,
) -> bytes:
    """Pages of (x, y, line) on A4 (595 x 842 points), written in the order given."""
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(
        str(path), pagesize=(595, 842), invariant=1, **({"encrypt": encrypt} if encrypt else {})
    )
    canvas.setTitle(info.get("title", ""))
    canvas.setAuthor(info.get("author", ""))
    for number, lines in enumerate(pages, start=1):
        canvas.setFont("Helvetica", size)
        if header:
            canvas.drawString(200, 810, header)
        for x, y, line in lines:
            canvas.drawString(x, y, line)
        if numbers:
            canvas.drawCentredString(297, 30, str(number))
        canvas.showPage()
    canvas.save()
    return path.read_bytes()


def column(text: str, x: float, top: float, *, width: int = 40, step: float = 12) -> list:
    lines = words_of_lines(text, width)
    return [(x, top - i * step, line) for i, line in enumerate(lines)]


def scan(path: Path, *, text: str = "") -> None:
    """A page that is a picture, and with `text` a page with text before it."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path), pagesize=(595, 842), invariant=1)
    if text:
        canvas.drawString(72, 700, text)
        canvas.showPage()
    canvas.drawImage(ImageReader(Image.new("L", (60, 80), 200)), 0, 0, 595, 842)
    canvas.showPage()
    canvas.save()


def docx(path: Path) -> None:
    import docx as producer
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    made: Any = producer.Document()
    made.core_properties.title = "Mills and Roads"
    made.core_properties.author = "Ada Miller"
    made.core_properties.language = "en-GB"
    made.add_heading("Mills and Roads", 0)
    made.add_heading("Rivers", 1)
    paragraph = made.add_paragraph("A river ")
    paragraph.add_run("turns").bold = True
    paragraph.add_run(" the wheel.")
    # Tracked changes: what was inserted counts, what was deleted does not.
    w = nsdecls("w")
    inserted = f'<w:ins {w} w:id="1" w:author="x"><w:r><w:t> Added.</w:t></w:r></w:ins>'
    deleted = f'<w:del {w} w:id="2" w:author="x"><w:r><w:delText>GONE</w:delText></w:r></w:del>'
    paragraph._p.append(parse_xml(inserted))
    paragraph._p.append(parse_xml(deleted))
    made.add_paragraph("corn", style="List Bullet")
    made.add_paragraph("flour", style="List Bullet")
    made.add_paragraph("first", style="List Number")
    made.add_paragraph("second", style="List Number")
    table = made.add_table(rows=2, cols=2)
    for row, texts in enumerate((("mill", "year"), ("Old | Weir", "1702"))):
        for cell, text in enumerate(texts):
            table.cell(row, cell).text = text
    made.add_paragraph("Said\nTwice", style="Quote")
    code = made.styles.add_style("Source Code", 1)
    for line in ("if a:", "    b"):
        made.add_paragraph(line, style=code)
    formula = made.add_paragraph("So ")
    half = "<m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    formula._p.append(parse_xml(f"<m:oMath {math}>{half}</m:oMath>"))
    made.add_heading("水车", 2)
    made.add_paragraph("河水推动水车。")
    made.sections[0].header.paragraphs[0].text = "HEADER OF EACH PAGE"
    made.save(str(path))


def odt(path: Path) -> None:
    from odf import dc, meta, table
    from odf.opendocument import OpenDocumentText
    from odf.text import H, List, ListItem, Note, NoteBody, NoteCitation, P

    made = OpenDocumentText()
    made.meta.addElement(dc.Title(text="Of Salt"))
    made.meta.addElement(dc.Language(text="de-AT"))
    made.meta.addElement(meta.InitialCreator(text="Resi Huber"))
    made.meta.addElement(meta.CreationDate(text="2021-03-04T05:06:07"))
    made.text.addElement(H(outlinelevel=2, text="Salt"))
    paragraph = P(text="The salt came over the pass")
    note = Note(noteclass="footnote")
    note.addElement(NoteCitation(text="1"))
    body = NoteBody()
    body.addElement(P(text="In July."))
    note.addElement(body)
    paragraph.addElement(note)
    paragraph.addText(" on carts.")
    made.text.addElement(paragraph)
    items = List()
    for text in ("cart", "horse"):
        item = ListItem()
        item.addElement(P(text=text))
        items.addElement(item)
    made.text.addElement(items)
    grid = table.Table(name="t")
    for texts in (("pass", "metres"), ("Brenner", "1370")):
        row = table.TableRow()
        for text in texts:
            cell = table.TableCell()
            cell.addElement(P(text=text))
            row.addElement(cell)
        grid.addElement(row)
    made.text.addElement(grid)
    made.save(str(path))


def epub(path: Path) -> None:
    """Chapters added in another order than the spine names them."""
    from ebooklib import epub as producer

    book = producer.EpubBook()
    book.set_identifier("urn:isbn:1")
    book.set_title("The Inn")
    book.set_language("en-US")
    book.add_author("Wim de Waard")
    book.add_metadata("DC", "date", "2019-05-06")
    book.add_metadata(
        "DC", "rights", "Under https://creativecommons.org/licenses/by-sa/4.0/ as said."
    )
    chapters = []
    for name, title, body in (
        ("b", "Evening", "<p>They sat &amp; talked&nbsp;late.</p><pre>a  b\n  c</pre>"),
        ("a", "Morning", "<p>They <em>left</em> early.</p><ul><li>salt</li><li>corn</li></ul>"),
    ):
        chapter = producer.EpubHtml(title=title, file_name=f"{name}.xhtml", lang="en")
        chapter.content = f"<h1>{title}</h1>{body}"
        book.add_item(chapter)
        chapters.append(chapter)
    book.add_item(producer.EpubNav())
    book.add_item(producer.EpubNcx())
    book.spine = ["nav", chapters[1], chapters[0]]
    producer.write_epub(str(path), book)


def rezipped(data: bytes, changes: dict[str, bytes | None]) -> bytes:
    """A zip with members replaced, added, or (None) left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for info in old.infolist():
            content = changes.get(info.filename, old.read(info))
            if content is not None:
                new.writestr(info.filename, content)
        names = set(old.namelist())
        for name, added in changes.items():
            if name not in names and added is not None:
                new.writestr(name, added)
    return out.getvalue()
