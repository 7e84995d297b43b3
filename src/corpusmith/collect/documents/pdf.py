"""PDF: the text layer in reading order, by PDFium (https://pdfium.googlesource.com/pdfium/).

PDFium gives characters with their places; lines, columns and paragraphs are ours (`pdf_layout`).
It is native code on hostile input: a crash or an endless loop ends the worker, and the engine puts
the document in quarantine.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from corpusmith.collect.documents.content import Content
from corpusmith.collect.documents.markdown import heading
from corpusmith.collect.documents.pdf_bounds import bounded_memory, check_pdf
from corpusmith.collect.documents.pdf_fonts import Fonts, with_raised
from corpusmith.collect.documents.pdf_headings import Headings
from corpusmith.collect.documents.pdf_layout import (
    Line,
    Piece,
    goes_on,
    join,
    join_lines,
    paragraphs,
    reading_order,
)
from corpusmith.collect.documents.pdf_running import running_lines
from corpusmith.collect.errors import RecordError
from corpusmith.collect.licenses import spdx

MAX_PAGES = 20_000
MAX_PAGE_CHARS = 500_000
MAX_METADATA_BYTES = 1 << 16  # of one entry
MAX_CHARS = 30_000_000  # of all pages
WIDE_GAP = 1.2  # between words, in font heights: beyond it another column or cell begins
SCAN_FRAC = 0.3  # of the page that an image covers where the page counts as scanned
# PDFium writes the hyphen of a broken word as one of the last two.
_LINE = re.compile("[^\r\n\x02\ufffe]+")
_CONTROLS = dict.fromkeys([*range(9), *range(14, 32), 127, 0xFEFF, 0xFFFE, 0xFFFF])
_DATE = re.compile(r"D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([+\-Z])(\d\d)?'?(\d\d)?)?")
_KEYS = ("Title", "Author", "Subject", "Keywords", "Producer", "CreationDate", "ModDate")
_XMP = re.compile(rb"<\?xpacket begin.{0,200000}?<\?xpacket end", re.DOTALL)
_XMP_LICENSE = re.compile(
    r"(?:cc:license|xmpRights:WebStatement)[^>\"']{0,80}?[>\"'=]\s*[\"']?([^<\"'\s]{8,300})"
)
_XMP_LANG = re.compile(r"<dc:language>.{0,200}?<rdf:li[^>]*>([^<]{2,20})<", re.DOTALL)
_XMP_RIGHTS = re.compile(r"<dc:rights>.{0,200}?<rdf:li[^>]*>([^<]{2,2000})<", re.DOTALL)


def parse(data: bytes) -> Content:
    """RecordError: encrypted, bad_pdf, too_complex, decompression_bomb, scanned (no page has text,
    one has pictures)."""
    check_pdf(data)
    with bounded_memory():
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            raise _refused(error, data) from None
        try:
            return _parse(document, data)
        except MemoryError:
            raise RecordError("too_complex", "parsing it takes over 1 GiB of memory") from None
        finally:
            document.close()


def _refused(error: Any, data: bytes) -> RecordError:
    if getattr(error, "err_code", None) in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
        return RecordError("encrypted", "the PDF asks for a password")
    kind = "does not begin as a PDF" if b"%PDF-" not in data[:1024] else "is damaged"
    return RecordError("bad_pdf", f"the file of {len(data)} bytes {kind}: {error}"[:300])


def _parse(document: Any, data: bytes) -> Content:
    count = len(document)
    if count > MAX_PAGES:
        raise RecordError("too_complex", f"{count} pages, over the limit of {MAX_PAGES}")
    if count == 0:
        raise RecordError("bad_pdf", "the PDF has no page that can be read")
    pages: list[list[list[Line]]] = []
    heights: list[tuple[float, float]] = []
    lost: dict[int, tuple[str, str]] = {}
    chars = 0
    for index in range(count):
        try:
            page = document[index]
        except pypdfium2.PdfiumError as error:
            lost[index + 1] = ("bad_pdf", f"page {index + 1} can't be read: {error}"[:200])
            pages.append([])
            heights.append((0.0, 1.0))
            continue
        try:
            pieces, upright = _pieces(page)
            heights.append(_span(page))
            if not pieces and not upright and (covered := _covered(page)) > 0:
                seen = f"pictures cover {min(covered, 1):.0%} of it"
                lost[index + 1] = ("scanned", f"page {index + 1} has no text layer; {seen}")
        finally:
            page.close()
        chars += sum(len(p.text) for p in pieces)
        if chars > MAX_CHARS:
            raise RecordError("too_complex", f"over {MAX_CHARS} characters by page {index + 1}")
        regions = reading_order(pieces)
        if upright:
            regions.append(upright)
        pages.append(regions)
    if not chars and lost:
        first = next(iter(lost.values()))
        raise RecordError(first[0], f"none of {count} pages has text: {first[1]}")
    text, starts = _text(pages, heights)
    return _described(document, data, text, starts, lost)


# --- one page ----------------------------------------------------------------------------


def _pieces(page: Any) -> tuple[list[Piece], list[Line]]:
    """(pieces of horizontal text, lines of text that runs upwards, in the file's order)."""
    textpage = page.get_textpage()
    try:
        raw = textpage.raw
        count = pdfium.FPDFText_CountChars(raw)
        if count > MAX_PAGE_CHARS:
            raise RecordError(
                "too_complex", f"{count} characters on a page, over the limit of {MAX_PAGE_CHARS}"
            )
        unicode = pdfium.FPDFText_GetUnicode
        codes = [unicode(raw, i) for i in range(count)]
        # One character a code, so that offsets hold; pairs are joined in the pieces.
        text = "".join(chr(c) if 0 < c < 0x110000 else " " for c in codes)
        places = _Places(raw, pdfium.FPDFPage_GetRotation(page.raw))
        pieces: list[Piece] = []
        upright: list[Line] = []
        for match in _LINE.finditer(text):
            broken = text[match.end() : match.end() + 1] in ("\x02", "\ufffe")
            for piece, tall in _cut(text, *match.span(), places, broken):
                (upright if tall else pieces).append(piece)
        return pieces, upright
    finally:
        textpage.close()


class _Places:
    """Where characters stand, turned as the page is shown."""

    def __init__(self, raw: Any, turns: int) -> None:
        self._raw = raw
        self.fonts = Fonts(raw)
        self._turns = turns
        self._box = pdfium.FS_RECTF()
        self._box_ref = ctypes.byref(self._box)
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._x_ref, self._y_ref = ctypes.byref(self._x), ctypes.byref(self._y)

    def box(self, index: int) -> tuple[float, float, float, float] | None:
        """(left, bottom, right, top) of the character's cell."""
        if not pdfium.FPDFText_GetLooseCharBox(self._raw, index, self._box_ref):
            return None
        b = self._box
        low, high = min(b.bottom, b.top), max(b.bottom, b.top)
        if self._turns == 0:
            return b.left, low, b.right, high
        if self._turns == 1:  # clockwise: what ran up now runs right
            return low, -b.right, high, -b.left
        if self._turns == 2:
            return -b.right, -high, -b.left, -low
        return -high, b.left, -low, b.right

    def baseline(self, index: int) -> float | None:
        if not pdfium.FPDFText_GetCharOrigin(self._raw, index, self._x_ref, self._y_ref):
            return None
        x, y = self._x.value, self._y.value
        return (y, -x, -y, x)[self._turns]


def _cut(
    text: str, start: int, end: int, places: _Places, broken: bool
) -> Iterator[tuple[Piece, bool]]:
    """The pieces of one of PDFium's lines, cut at wide gaps; with each whether it runs upwards."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start >= end:
        return
    begin = start
    at = text.find(" ", start, end)
    while at >= 0:
        after = at + 1
        while text[after] == " ":
            after += 1
        left, right = places.box(at - 1), places.box(after)
        if left and right:
            gap = right[0] - left[2]
            height = max(left[3] - left[1], right[3] - right[1])
            # A step down too: PDFium joins what overlaps a little.
            if gap > WIDE_GAP * height or gap < -2 * height:
                if (piece := _piece(text, begin, at, places, False)) is not None:
                    yield piece
                begin = after
        at = text.find(" ", after, end)
    if (piece := _piece(text, begin, end, places, broken)) is not None:
        yield piece


def _piece(
    text: str, start: int, end: int, places: _Places, broken: bool
) -> tuple[Piece, bool] | None:
    first, last = places.box(start), places.box(end - 1)
    baseline = places.baseline(start)
    if first is None or last is None or baseline is None:
        return None
    fonts = places.fonts
    words = with_raised(text, start, end, fonts, places)
    font = round(fonts.size(fonts.usual(start, end)), 1)
    bold = fonts.bold(start) and fonts.bold(end - 1)
    if not words.isascii():
        words = words.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    words = " ".join(words.translate(_CONTROLS).split())
    if not words:
        return None
    x0, x1 = min(first[0], last[0]), max(first[2], last[2])
    size = max(first[3] - first[1], last[3] - last[1], 0.5)
    height = max(first[3], last[3]) - min(first[1], last[1])
    tall = end - start > 2 and height > 2 * size and height > 2 * (x1 - x0)
    return Piece(x0, x1, baseline, size, words, broken, font=font, bold=bold), tall


def _span(page: Any) -> tuple[float, float]:
    """(bottom, top) of the page as it is shown, in the coordinates of `_Places`."""
    left, bottom, right, top = page.get_mediabox()
    turns = pdfium.FPDFPage_GetRotation(page.raw)
    return ((bottom, top), (-right, -left), (-top, -bottom), (left, right))[turns]


def _covered(page: Any) -> float:
    """The share of the page under pictures; outlines count as 0.01."""
    width, height = page.get_size()
    covered = 0.0
    kinds = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING)
    for number, thing in enumerate(page.get_objects(filter=kinds, max_depth=3)):
        if number >= 1000:
            break
        if thing.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = thing.get_bounds()
            covered += abs((right - left) * (top - bottom)) / max(width * height, 1.0)
        elif not covered:
            covered = 0.01
    return covered


# --- all pages ---------------------------------------------------------------------------


def _text(
    pages: list[list[list[Line]]], heights: list[tuple[float, float]]
) -> tuple[str, list[int]]:
    """(text, where each page begins in it). A paragraph that goes on over a page is one."""
    dropped = running_lines(pages, heights)
    known: set[str] = set()
    for regions in pages:
        for region in regions:
            for line in region:
                words = re.findall(r"\w+(?:-\w+)*", line.text.lower())
                known.update(words[:-1] if line.broken or line.text.endswith("-") else words)
    out: list[str] = []
    starts: list[int] = []
    length = 0
    open_line: Line | None = None  # the last line of the page before
    parts = [
        [
            (paragraph, place == 0)
            for region in regions
            for place, paragraph in enumerate(paragraphs([x for x in region if id(x) not in drop]))
        ]
        for regions, drop in zip(pages, dropped, strict=True)
    ]
    headings = Headings(paragraph for part in parts for paragraph, _ in part)
    for part in parts:
        starts.append(length)
        first = True
        for paragraph, head in part:
            text = join_lines(paragraph.lines, known)
            last: Line | None = paragraph.lines[-1]
            if level := headings.level(paragraph):
                text, last, open_line = heading(text, level), None, None
            if out and goes_on(open_line, text, head):
                before = out.pop()
                length -= len(before)
                broken = open_line is not None and open_line.broken
                text = join(before, text, broken, known)
                if first:
                    starts[-1] = max(length, length + len(before) - 1)
            elif out:
                out.append("\n\n")
                length += 2
                if first:
                    starts[-1] = length
            out.append(text)
            length += len(text)
            open_line, first = last, False
    return "".join(out), [min(start, length) for start in starts]


# --- what the file says of itself ----------------------------------------------------------


def _described(
    document: Any, data: bytes, text: str, starts: list[int], lost: dict[int, tuple[str, str]]
) -> Content:
    known = {key: _metadata(document, key) for key in _KEYS}
    found = _XMP.search(data)
    xmp = found[0].decode("utf-8", "replace") if found else ""
    lang = _catalog_language(document) or _group(_XMP_LANG.search(xmp))
    license_url = _group(_XMP_LICENSE.search(xmp))
    rights = _group(_XMP_RIGHTS.search(xmp))
    meta: dict[str, Any] = {"pages": len(starts)}
    if known.get("Producer"):
        meta["producer"] = known["Producer"]
    if known.get("Subject"):
        meta["subject"] = known["Subject"]
    if known.get("Keywords"):
        meta["keywords"] = known["Keywords"]
    if license_url and spdx(license_url):
        meta["license_url"] = license_url
    return Content(
        text=text,
        title=_title(known.get("Title", "")),
        authors=[a for a in (known.get("Author", ""),) if a not in ("", "anonymous")],
        lang=lang,
        license=spdx(license_url) or spdx(rights),
        rights=rights,
        created=pdf_date(known.get("CreationDate", "")) or pdf_date(known.get("ModDate", "")),
        meta=meta,
        pages=starts,
        lost_pages=lost,
    )


def _metadata(document: Any, key: str) -> str:
    """An entry of the information dictionary; what is no UTF-16 in it is replaced."""
    name = key.encode() + b"\0"
    size = pdfium.FPDF_GetMetaText(document.raw, name, None, 0)
    if not 2 < size <= MAX_METADATA_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDF_GetMetaText(document.raw, name, buffer, size)
    text = buffer.raw[: size - 2].decode("utf-16-le", "replace")
    return text.translate(_CONTROLS).strip()


def _title(value: str) -> str:
    return "" if value.lower() in ("untitled", "untitled document") else value


def _group(match: re.Match[str] | None) -> str:
    return match[1].strip() if match else ""


def _catalog_language(document: Any) -> str:
    size = pdfium.FPDFCatalog_GetLanguage(document.raw, None, 0)
    if not 2 < size <= 200:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    pdfium.FPDFCatalog_GetLanguage(document.raw, buffer, size)
    return bytes(buffer)[:size].decode("utf-16-le", "replace").split("\0")[0]


def pdf_date(value: str) -> datetime | None:
    """`D:20220403193102+02'00'` (ISO 32000-1, 7.9.4) as a time in UTC.

    >>> pdf_date("D:20220403193102+02'00'").isoformat()
    '2022-04-03T17:31:02+00:00'
    """
    match = _DATE.match(value.strip())
    if match is None:
        return None
    defaults = (0, 1, 1, 0, 0, 0)
    fields = [int(v) if v else d for v, d in zip(match.groups()[:6], defaults, strict=True)]
    try:
        minutes = int(match[8] or 0) * 60 + int(match[9] or 0)
        zone = timezone(timedelta(minutes=-minutes if match[7] == "-" else minutes))
        return datetime(*fields, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type,misc]
    except (ValueError, OverflowError):
        return None
