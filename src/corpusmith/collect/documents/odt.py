"""ODT (OpenDocument 1.3, part 3): paragraphs, lists, tables and notes as Markdown.

Tracked deletions, annotations, generated indexes, headers and footers are left out.
"""

from __future__ import annotations

from typing import Any

from corpusmith.collect.dates import parse_time
from corpusmith.collect.documents.content import Content, Limits
from corpusmith.collect.documents.docx import code_joined, kind_of_style
from corpusmith.collect.documents.formulas import from_mathml
from corpusmith.collect.documents.markdown import (
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

MAX_REPEATED = 100  # of a cell or row; spreadsheets fill up to their edge with one
MAX_CELLS = 1_000_000
_LEFT_OUT = frozenset(
    [
        "text:tracked-changes",
        "office:annotation",
        "office:annotation-end",
        "text:table-of-content",
        "text:alphabetical-index",
        "text:illustration-index",
        "text:table-index",
        "text:object-index",
        "text:sequence-decls",
        "text:variable-decls",
        "office:forms",
        "text:bibliography-configuration",
        "text:notes-configuration",
        "text:ruby-text",
    ]
)
_Block = tuple[str, str]


def parse(data: bytes, limits: Limits) -> Content:
    """RecordError: bad_odt, bad_zip, bad_xml, xml_entities, too_large, encrypted."""
    package = Package(data, limits)
    if "content.xml" not in package:
        raise RecordError("bad_odt", "content.xml is missing: no OpenDocument file")
    manifest = package.get("META-INF/manifest.xml")
    if manifest is not None and b"encryption-data" in manifest:
        raise RecordError("encrypted", "the document asks for a password")
    root = parse_xml(package.read("content.xml"), "content.xml")
    body = next(root.find_all("office:text"), None)
    if body is None:
        raise RecordError("bad_odt", "content.xml has no office:text: no text document")
    reader = _Reader(root, package)
    blocks = code_joined(reader.blocks(body))
    content = _described(package)
    content.text = joined(blocks)
    if reader.notes:
        content.text += "\n\n" + notes(reader.notes)
    content.title = content.title or reader.title
    return content


class _Reader:
    def __init__(self, root: Node, package: Package) -> None:
        self._package = package
        self.title = ""
        self.notes: list[tuple[str, str]] = []
        self._parents: dict[str, str] = {}  # automatic paragraph style -> the style it is made of
        self._numbered: dict[tuple[str, int], bool] = {}  # (list style, level from 1)
        self._cells = 0
        self._tables = 0  # that are open
        self._raised: set[str] = set()  # styles of exponents, of text that is not shown
        self._hidden: set[str] = set()
        roots = [root]
        if (styles := package.get("styles.xml")) is not None:
            roots.append(parse_xml(styles, "styles.xml"))
        for tree in roots:
            for style in tree.find_all("style:style"):
                look = style.child("style:text-properties")
                if look is not None and look.get("style:text-position").startswith("super"):
                    self._raised.add(style.get("style:name"))
                if look is not None and look.get("text:display") == "none":
                    self._hidden.add(style.get("style:name"))
                self._parents.setdefault(
                    style.get("style:name"), style.get("style:parent-style-name")
                )
            for style in tree.find_all("text:list-style"):
                name = style.get("style:name")
                for level in style.elements():
                    at = whole_number(level.get("text:level"), 1, 10)
                    numbered = level.name == "text:list-level-style-number"
                    self._numbered[name, at] = numbered and bool(level.get("style:num-format"))

    def blocks(self, parent: Node) -> list[_Block]:
        found: list[_Block] = []
        for node in parent.elements():
            name = node.name
            if name == "text:h":
                boxes: list[_Block] = []
                if text := self._text(node, boxes):
                    level = whole_number(node.get("text:outline-level"), 1, 6)
                    found.append(("heading", heading(text, level)))
                found += boxes
            elif name == "text:p":
                found += self._paragraph(node)
            elif name == "text:list":
                found += self._list(node, 1, node.get("text:style-name"))
            elif name == "table:table":
                found.append(("table", self._table(node)))
            elif name not in _LEFT_OUT:
                found += self.blocks(node)  # sections, frames, text boxes
        return found

    def _paragraph(self, node: Node) -> list[_Block]:
        boxes: list[_Block] = []
        text = self._text(node, boxes)
        if not text:
            return boxes
        style = node.get("text:style-name")
        if "Title" in (style, self._parents.get(style)):
            self.title = self.title or squeezed(text)
            return [("heading", heading(text, 1)), *boxes]
        kind = kind_of_style(self._parents.get(style) or style)
        if kind == "text":
            kind = kind_of_style(style)
        if kind == "code":
            return [("code", "".join(self._inline(node, [])).replace("\0", "\n")), *boxes]
        if kind == "quote":
            text = "\n".join(f"> {line}" for line in text.split("\n"))
        return [(kind, text), *boxes]

    def _list(self, node: Node, level: int, style: str) -> list[_Block]:
        # Some writers describe only the first level of each nested list's own style.
        numbered = self._numbered.get(
            (style, min(level, 10)), self._numbered.get((style, 1), False)
        )
        count = 0
        found: list[_Block] = []
        for entry in node.elements():
            if entry.name not in ("text:list-item", "text:list-header"):
                continue
            first = True
            for child in entry.elements():
                if child.name == "text:list":
                    own = child.get("text:style-name") or style
                    found += self._list(child, level + 1, own)
                    continue
                boxes: list[_Block] = []
                text = self._text(child, boxes) if child.name in ("text:p", "text:h") else ""
                if text and first and entry.name == "text:list-item":
                    count += 1
                    found.append(("item", item(text, level - 1, count if numbered else None)))
                    first = False
                elif text:
                    found.append(("item", "  " * level + text))
                found += boxes
        return found

    def _table(self, node: Node) -> str:
        rows: list[list[str]] = []
        self._tables += 1
        for row in _within(
            node, "table:table-row", ("table:table-rows", "table:table-header-rows")
        ):
            cells: list[str] = []
            for cell in row.elements():
                if cell.name not in ("table:table-cell", "table:covered-table-cell"):
                    continue
                text = " ".join(text for _, text in self.blocks(cell) if text)
                most = MAX_REPEATED if text else 1
                times = whole_number(cell.get("table:number-columns-repeated"), 1, most)
                cells += [text] * max(times, 1)
            while cells and not cells[-1]:
                cells.pop()
            most = MAX_REPEATED if cells else 1
            times = max(whole_number(row.get("table:number-rows-repeated"), 1, most), 1)
            self._cells += len(cells) * times
            if self._cells > MAX_CELLS:
                raise RecordError("too_complex", f"tables of over {MAX_CELLS} cells, the limit")
            rows += [cells] * times
        self._tables -= 1
        if self._tables:  # a table in a cell is a layout: its words are the cell's
            return " ".join(cell for cells in rows for cell in cells if cell)
        return table(rows)

    def _text(self, node: Node, boxes: list[_Block]) -> str:
        raw = "".join(self._inline(node, boxes))
        return "\n".join(squeezed(line) for line in raw.split("\0")).strip("\n")

    def _inline(self, node: Node, boxes: list[_Block]) -> list[str]:
        out: list[str] = []
        for child in node.children:
            if isinstance(child, str):
                out.append(child)
                continue
            name = child.name
            if name in ("text:s", "text:tab"):
                out.append(" " * max(1, whole_number(child.get("text:c"), 1, 200)))
            elif name == "text:line-break":
                out.append("\0")
            elif name == "text:note":
                body = child.child("text:note-body")
                mark = str(len(self.notes) + 1)
                self.notes.append((mark, ""))
                text = " ".join(t for _, t in self.blocks(body)) if body is not None else ""
                self.notes[int(mark) - 1] = (mark, text)
                out.append(f"[^{mark}]")
            elif name == "text:span" and child.get("text:style-name") in self._hidden:
                continue
            elif name == "text:span" and child.get("text:style-name") in self._raised:
                out.append(raised("".join(self._inline(child, boxes))))
            elif name == "draw:frame" and (inner := child.child("draw:object")) is not None:
                out.append(self._formula(inner))
            elif name in ("draw:frame", "draw:text-box", "draw:custom-shape"):
                boxes.extend(self.blocks(child))
            elif name == "draw:object":
                out.append(self._formula(child))
            elif name not in _LEFT_OUT:
                out.extend(self._inline(child, boxes))
        return out

    def _formula(self, node: Node) -> str:
        """A formula, which stands in a document of its own in the package."""
        math = node.child("math:math")
        href = node.get("xlink:href").removeprefix("./").rstrip("/") + "/content.xml"
        if math is None and (raw := self._package.get(href)) is not None:
            root = parse_xml(raw, href)
            math = root if root.name == "math:math" else next(root.find_all("math:math"), None)
        tex = squeezed(from_mathml(math)) if math is not None else ""
        return f"${tex}$" if tex else ""


def _within(node: Node, name: str, groups: tuple[str, ...]) -> list[Node]:
    found: list[Node] = []
    for child in node.elements():
        if child.name == name:
            found.append(child)
        elif child.name in groups or child.name == "table:table-row-group":
            found += _within(child, name, groups)
    return found


def _described(package: Package) -> Content:
    content = Content(text="")
    raw = package.get("meta.xml")
    if raw is None:
        return content
    block = next(parse_xml(raw, "meta.xml").find_all("office:meta"), None)
    values: dict[str, str] = {}
    for node in block.elements() if block is not None else ():
        values.setdefault(node.name, squeezed(node.text))
        if node.name == "meta:user-defined" and "license" in node.get("meta:name").lower():
            content.rights = squeezed(node.text)
    content.title = values.get("dc:title", "")
    author = values.get("meta:initial-creator") or values.get("dc:creator")
    content.authors = [author] if author else []
    content.lang = values.get("dc:language", "")
    content.rights = content.rights or values.get("dc:rights", "")
    content.license = spdx(content.rights)
    created, modified = values.get("meta:creation-date"), values.get("dc:date")
    content.created = parse_time(created) or parse_time(modified)
    meta: dict[str, Any] = {
        "subject": values.get("dc:subject"),
        "keywords": values.get("meta:keyword"),
        "description": values.get("dc:description"),
        "modified": modified,
    }
    content.meta = {key: value for key, value in meta.items() if value}
    return content
