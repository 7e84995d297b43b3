"""DOCX (ISO/IEC 29500, WordprocessingML): paragraphs, lists, tables and notes as Markdown.

Deleted text of tracked changes, comments, field codes, tables of contents, headers and footers are
left out; text boxes come after the paragraph that holds them.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from corpusmith.collect.dates import parse_time
from corpusmith.collect.documents.content import Content, Limits
from corpusmith.collect.documents.formulas import from_omml
from corpusmith.collect.documents.grid import Grid
from corpusmith.collect.documents.markdown import (
    fence,
    heading,
    item,
    joined,
    notes,
    raised,
    squeezed,
    table,
)
from corpusmith.collect.documents.package import Package
from corpusmith.collect.documents.xmltree import Node, parse_xml, whole_number
from corpusmith.collect.errors import RecordError
from corpusmith.collect.licenses import spdx

MAIN = "word/document.xml"
CORE = "docProps/core.xml"
_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")  # the container of old and of encrypted files
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_LEFT_OUT = frozenset(
    [
        "w:del",
        "w:moveFrom",
        "w:instrText",
        "w:delText",
        "w:rPr",
        "w:pPr",
        "w:sectPr",
        "w:commentRangeStart",
        "w:commentReference",
        "w:annotationRef",
        "w:tblPr",
        "w:tblGrid",
        "w:sdtPr",
        "w:rt",
        "w:rubyPr",
        "mc:Fallback",
    ]
)
_HEADING = re.compile(r"(?:heading|überschrift|titre|标题|標題|見出し)\s*(\d)", re.IGNORECASE)
_CODE = ("source code", "html preformatted", "preformatted text", "code", "code block", "verbatim")
_QUOTE = ("quote", "intense quote", "block text", "quotations", "zitat", "citation")
_Block = tuple[str, str]


def parse(data: bytes, limits: Limits) -> Content:
    """RecordError: bad_docx, bad_zip, bad_xml, xml_entities, too_large, encrypted."""
    if data.startswith(_COMPOUND):
        if _ENCRYPTED in data:
            raise RecordError("encrypted", "the document asks for a password")
        raise RecordError("bad_docx", "a file of Word before 2007 (.doc), no DOCX")
    package = Package(data, limits)
    main = _main(package)
    if main not in package:
        raise RecordError("bad_docx", f"{main} is missing: no Word document")
    reader = _Reader(package, main)
    root = parse_xml(package.read(main), main)
    body = root.child("w:body") or root
    blocks = code_joined(reader.blocks(body))
    content = _described(package)
    text = joined(blocks)
    if reader.cited:
        text += "\n\n" + notes(reader.notes())
    content.text = text
    content.title = content.title or reader.title
    content.lang = content.lang or reader.lang
    return content


def _main(package: Package) -> str:
    """The part with the text: the relationships of the package name it."""
    found = _related(package, "_rels/.rels", "")
    return found.get("officeDocument", MAIN)


def _related(package: Package, name: str, folder: str) -> dict[str, str]:
    """Kind of part -> its name, as a part of relationships says."""
    raw = package.get(name)
    if raw is None:
        return {}
    found: dict[str, str] = {}
    for node in parse_xml(raw, name).elements():
        target = node.get("Target")
        if target and node.get("TargetMode") != "External":
            path = target.lstrip("/") if target.startswith("/") else f"{folder}{target}"
            found.setdefault(node.get("Type").rpartition("/")[2], posixpath.normpath(path))
    return found


class _Reader:
    def __init__(self, package: Package, main: str) -> None:
        self._package = package
        folder, _, name = main.rpartition("/")
        folder += "/" if folder else ""
        self._parts = _related(package, f"{folder}_rels/{name}.rels", folder)
        self._tables = 0  # that are open
        self.title = ""
        self.lang = ""
        self.cited: list[tuple[str, str]] = []  # kind and id, in the order of the text
        self._levels: dict[str, int] = {}  # style -> heading level, 0 for the title
        self._style_lists: dict[str, tuple[str, int]] = {}  # style -> numbering and level
        self._kinds: dict[str, str] = {}  # style -> code, quote or text
        self._styles()
        self._ordered: dict[tuple[str, int], bool] = {}  # (numbering, level) -> numbered
        self._unmarked: set[tuple[str, int]] = set()  # lists whose paragraphs go on with an item
        self._numbering()
        self._counters: dict[tuple[str, int], int] = {}

    # --- styles and lists ------------------------------------------------------------------

    def _part(self, kind: str) -> Node | None:
        name = self._parts.get(kind, f"word/{kind}.xml")
        data = self._package.get(name)
        return parse_xml(data, name) if data is not None else None

    def _styles(self) -> None:
        root = self._part("styles")
        if root is None:
            return
        default = next(root.find_all("w:docDefaults"), None)
        lang = next(default.find_all("w:lang"), None) if default else None
        self.lang = (lang.get("w:val") or lang.get("w:eastAsia")) if lang else ""
        for style in root.elements("w:style"):
            name = style.child("w:name")
            words = name.get("w:val") if name else ""
            key = style.get("w:styleId")
            outline = next(style.find_all("w:outlineLvl"), None)
            self._kinds[key] = kind_of_style(words)
            if match := _HEADING.match(words):
                self._levels[key] = int(match[1])
            elif words.lower() == "title":
                self._levels[key] = 0
            elif outline is not None and style.get("w:type") == "paragraph":
                level = whole_number(outline.get("w:val"), 9, 9)
                if level < 9:
                    self._levels[key] = level + 1
            listed = next(style.find_all("w:numPr"), None)
            if listed is not None and (number := listed.child("w:numId")):
                self._style_lists[key] = (number.get("w:val"), _level(listed))

    def _numbering(self) -> None:
        root = self._part("numbering")
        if root is None:
            return
        formats: dict[str, dict[int, bool]] = {}
        unmarked: set[tuple[str, int]] = set()
        for abstract in root.elements("w:abstractNum"):
            found = {}
            for level in abstract.elements("w:lvl"):
                kind, text = level.child("w:numFmt"), level.child("w:lvlText")
                numbered = kind is not None and kind.get("w:val") not in ("bullet", "none")
                at = whole_number(level.get("w:ilvl"), 0, 9)
                found[at] = numbered
                if not numbered and text is not None and not text.get("w:val").strip():
                    unmarked.add((abstract.get("w:abstractNumId"), at))
            formats[abstract.get("w:abstractNumId")] = found
        for number in root.elements("w:num"):
            reference = number.child("w:abstractNumId")
            if reference is not None:
                name = reference.get("w:val")
                for at, numbered in formats.get(name, {}).items():
                    self._ordered[number.get("w:numId"), at] = numbered
                    if (name, at) in unmarked:
                        self._unmarked.add((number.get("w:numId"), at))

    # --- blocks ----------------------------------------------------------------------------

    def blocks(self, parent: Node) -> list[_Block]:
        found: list[_Block] = []
        for node in parent.elements():
            if node.name == "w:p":
                found.extend(self._paragraph(node))
            elif node.name == "w:tbl":
                found.append(("table", self._table(node)))
            elif node.name == "w:sdt" and _is_contents(node):
                continue
            elif node.name not in _LEFT_OUT:
                found.extend(self.blocks(node))  # sdt, sdtContent, customXml, ins, smartTag
        return found

    def _table(self, node: Node) -> str:
        grid = Grid()
        self._tables += 1
        for row in list(node.elements("w:tr")) or node.find_all("w:tr"):
            grid.row()
            for cell in _cells(row):  # what a cell covers below it is an empty cell already
                grid.cell(" ".join(t for _, t in self.blocks(cell) if t), across=_across(cell))
        self._tables -= 1
        if self._tables:  # a table in a cell is a layout: its words are the cell's
            return " ".join(cell for cells in grid.rows for cell in cells if cell)
        return table(grid.rows)

    def _paragraph(self, node: Node) -> list[_Block]:
        boxes: list[_Block] = []
        raw = "".join(self._inline(node, boxes))
        text = "\n".join(squeezed(line) for line in raw.split("\n")).strip("\n")
        indented = "\n".join(line.rstrip() for line in raw.split("\n")).strip("\n")
        properties = node.child("w:pPr")
        style, listed = "", None
        level: int | None = None
        if properties is not None:
            if (named := properties.child("w:pStyle")) is not None:
                style = named.get("w:val")
            if (outline := properties.child("w:outlineLvl")) is not None:
                at = whole_number(outline.get("w:val"), 9, 9)
                level = at + 1 if at < 9 else None
            if (numbering := properties.child("w:numPr")) is not None:
                number = numbering.child("w:numId")
                listed = (number.get("w:val") if number else "0", _level(numbering))
        level = self._levels.get(style, level)
        if not text:
            return boxes
        if level is not None:
            if level == 0:
                self.title = self.title or squeezed(text)
            return [("heading", heading(text, level or 1)), *boxes]
        listed = listed or self._style_lists.get(style)
        if listed is not None and listed[0] not in ("", "0"):
            return [("item", self._item(text, *listed)), *boxes]
        kind = self._kinds.get(style, "text")
        if kind == "quote":
            text = "\n".join(f"> {line}" for line in text.split("\n"))
        return [(kind, indented if kind == "code" else text), *boxes]

    def _item(self, text: str, number: str, level: int) -> str:
        if (number, level) in self._unmarked:
            indent = "  " * (level + 1)
            return indent + text.replace("\n", "\n" + indent)
        if not self._ordered.get((number, level), False):
            return item(text, level, None)
        count = self._counters.get((number, level), 0) + 1
        self._counters[number, level] = count
        for deeper in range(level + 1, 10):
            self._counters.pop((number, deeper), None)
        return item(text, level, count)

    def _inline(self, node: Node, boxes: list[_Block]) -> list[str]:
        """The text of a paragraph or run, in pieces."""
        out: list[str] = []
        for child in node.elements():
            name = child.name
            if name in ("w:t", "m:t"):
                out.append(child.text)
            elif name == "w:r":
                self._run(child, boxes, out)
            elif name == "w:tab":
                out.append(" ")
            elif name in ("w:br", "w:cr"):
                out.append("\n" if child.get("w:type") != "page" else "")
            elif name == "w:noBreakHyphen":
                out.append("\u2011")
            elif name == "w:sym":
                out.append(_symbol(child))
            elif name in ("w:footnoteReference", "w:endnoteReference"):
                self.cited.append((name[2:-9], child.get("w:id")))
                out.append(f"[^{len(self.cited)}]")
            elif name == "w:txbxContent":
                boxes.extend(self.blocks(child))
            elif name == "m:oMath":
                inside = squeezed(from_omml(child))
                out.append(f"${inside}$" if inside else "")
            elif name not in _LEFT_OUT:
                out.extend(self._inline(child, boxes))
        return out

    def _run(self, node: Node, boxes: list[_Block], out: list[str]) -> None:
        """Text in one format: hidden text is left out, exponents stay exponents."""
        properties = node.child("w:rPr")
        place = properties.child("w:vertAlign") if properties is not None else None
        hidden = properties.child("w:vanish") if properties is not None else None
        if hidden is not None and hidden.get("w:val") not in ("0", "false", "off"):
            return
        inside = self._inline(node, boxes)
        if place is not None and place.get("w:val") == "superscript":
            inside = [raised("".join(inside))]
        out.extend(inside)

    def notes(self) -> list[tuple[str, str]]:
        """The notes cited, in their order: (mark, text)."""
        parts: dict[str, dict[str, Node]] = {}
        for kind in ("footnote", "endnote"):
            root = self._part(f"{kind}s")
            nodes = root.elements(f"w:{kind}") if root is not None else iter(())
            parts[kind] = {node.get("w:id"): node for node in nodes}
        found = []
        for number, (kind, key) in enumerate(list(self.cited), start=1):
            note = parts[kind].get(key)
            if note is not None:
                text = " ".join(text for _, text in self.blocks(note))
                found.append((str(number), text))
        return found


def kind_of_style(name: str) -> str:
    """code, quote or text, by what word processors call their styles."""
    name = name.lower().replace("_20_", " ")
    return "code" if name in _CODE else "quote" if name in _QUOTE else "text"


def code_joined(blocks: list[_Block]) -> list[_Block]:
    """Neighbouring paragraphs of code as one fenced block."""
    out: list[_Block] = []
    lines: list[str] = []
    for kind, text in [*blocks, ("", "")]:
        if kind == "code":
            lines.append(text)
            continue
        if lines:
            out.append(("fence", fence("\n".join(lines))))
            lines = []
        out.append((kind, text))
    return out[:-1]


def _level(numbering: Node) -> int:
    level = numbering.child("w:ilvl")
    return whole_number(level.get("w:val"), 0, 8) if level is not None else 0


def _across(cell: Node) -> int:
    properties = cell.child("w:tcPr")
    found = properties.child("w:gridSpan") if properties is not None else None
    return whole_number(found.get("w:val"), 1, 100) if found is not None else 1


def _cells(row: Node) -> list[Node]:
    found: list[Node] = []
    for child in row.elements():
        if child.name == "w:tc":
            found.append(child)
        elif child.name == "w:sdt" and (inner := child.child("w:sdtContent")) is not None:
            found.extend(inner.elements("w:tc"))
    return found


def _is_contents(node: Node) -> bool:
    """Whether a block is a generated table of contents."""
    properties = node.child("w:sdtPr")
    gallery = next(properties.find_all("w:docPartGallery"), None) if properties else None
    return gallery is not None and gallery.get("w:val") == "Table of Contents"


def _symbol(node: Node) -> str:
    value = node.get("w:char")
    if not re.fullmatch(r"[0-9A-Fa-f]{1,5}", value):
        return ""
    code = int(value, 16)
    private = 0xE000 <= code <= 0xF8FF or 0xD800 <= code <= 0xDFFF
    return "" if private else chr(code)


def _described(package: Package) -> Content:
    content = Content(text="")
    raw = package.get(CORE)
    if raw is None:
        return content
    values = {node.name: squeezed(node.text) for node in parse_xml(raw, CORE).elements()}
    content.title = values.get("dc:title", "")
    if author := values.get("dc:creator"):
        content.authors = [author]
    content.lang = values.get("dc:language", "")
    content.rights = values.get("dc:rights", "")
    content.license = spdx(content.rights)
    created, modified = values.get("dcterms:created"), values.get("dcterms:modified")
    content.created = parse_time(created) or parse_time(modified)
    meta: dict[str, Any] = {
        "subject": values.get("dc:subject"),
        "keywords": values.get("cp:keywords"),
        "description": values.get("dc:description"),
        "modified": modified,
    }
    content.meta = {key: value for key, value in meta.items() if value}
    return content
