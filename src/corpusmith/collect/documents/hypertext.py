"""HTML and XHTML to Markdown: the whole body, in one pass, in time linear in its length.

For bodies that hold nothing but their text: chapters of a book, posts, mails. Of a page of the web
`collect.extract` takes the main text. Headings, lists, quotes, code, tables and breaks are kept;
emphasis, links (not their words) and pictures are not. No tree is built, so nesting costs nothing;
what is deeper than the marks allow is flattened.
"""

from __future__ import annotations

import dataclasses
import html as entities
import re

from corpusmith.collect.documents.formulas import from_mathml
from corpusmith.collect.documents.grid import Grid, spans
from corpusmith.collect.documents.markdown import (
    MAX_INDENT,
    fence,
    heading,
    item,
    joined,
    raised,
    squeezed,
    table,
)
from corpusmith.collect.documents.tags import MAX_TAG, attributes, code_language
from corpusmith.collect.documents.xmltree import parse_xml
from corpusmith.collect.errors import RecordError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NAME = re.compile(r"/?([a-zA-Z][^\s/>]*)")
_TAG_END = re.compile(r"(?:[^>\"']|\"[^\"]*\"|'[^']*')*?>")
_SKIPPED = _words(
    "script style head title template svg object iframe noframes select button form textarea "
    "audio video canvas nav"
)
_RAW = _words("script style title textarea iframe noframes")
_BLOCKS = _words(
    "address article aside body center details dialog dd div dl dt fieldset figcaption figure "
    "footer header hgroup hr html legend li main menu ol p section summary ul"
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_READINGS = frozenset(["rt", "rp", "rtc"])  # of ruby: the text is what stands under them
_VOID = _words("area base br col embed hr img input link meta param source track wbr")
_NOTE = re.compile(r"\b(noteref|footnote-ref|backlink|footnote-back)\b")
_ANNOTATION = re.compile(r"<annotation\b[^>]{0,200}tex[^>]{0,50}>([^<]{1,10000})<", re.IGNORECASE)
_XML_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\w{1,8});)\w{0,30};?")
MAX_UNCLOSED = 1000  # tags with an open quote, each of which costs MAX_TAG; later ones end at `>`
MAX_TABLES = 4  # within each other; deeper ones are text


@dataclasses.dataclass
class Body:
    text: str
    title: str = ""  # of <title>, else the first heading


def markdown_of(page: str) -> Body:
    """The Markdown of a page's body.

    >>> markdown_of("<h2>A</h2><p>b <i>c</i><ul><li>d<li>e</ul>").text
    '## A\\n\\nb c\\n\\n- d\\n- e'
    """
    reader = _Reader()
    reader.read(page)
    return Body(joined(reader.finish()), reader.title or reader.first_heading)


@dataclasses.dataclass
class _Table:
    grid: Grid = dataclasses.field(default_factory=Grid)
    open: bool = False  # a cell is
    spans: tuple[int, int] = (1, 1)  # of the open cell
    caption: str = ""


class _Reader:
    def __init__(self) -> None:
        self.blocks: list[tuple[str, str]] = []
        self.title = ""
        self.first_heading = ""
        self._inline: list[str] = []
        self._lists: list[int | None] = []  # number of the next item; None: bullets
        self._item: tuple[int, int | None] | None = None  # level and number of an open item
        self._heading = 0
        self._pre = 0
        self._code_language = ""
        self._quotes: list[int] = []  # number of blocks before each open quote
        self._skip = ""  # name of the element whose content is left out
        self._skip_depth = 0
        self._tables: list[_Table] = []
        self._deep_tables = 0
        self._unclosed = 0
        self._no_math_end = False
        self._noteref = False
        self._sup: int | None = None  # where an open superscript begins in what stands inline

    # --- tokens --------------------------------------------------------------------------

    def read(self, page: str) -> None:
        at = 0
        size = len(page)
        while at < size:
            open_at = page.find("<", at)
            if open_at < 0:
                self._text(page[at:])
                return
            if open_at > at:
                self._text(page[at:open_at])
            if page.startswith("<!--", open_at):
                end = page.find("-->", open_at + 4)
                at = size if end < 0 else end + 3
                continue
            if page.startswith("<![CDATA[", open_at):
                end = page.find("]]>", open_at)
                end = size if end < 0 else end
                self._text(page[open_at + 9 : end], raw=True)
                at = end + 3
                continue
            if page[open_at + 1 : open_at + 2] in ("!", "?"):
                end = page.find(">", open_at)
                at = size if end < 0 else end + 1
                continue
            name = _NAME.match(page, open_at + 1)
            if name is None:
                self._text("<")
                at = open_at + 1
                continue
            end = page.find(">", open_at)
            inside = page[open_at + 1 : end] if end >= 0 else ""
            if ('"' in inside or "'" in inside or end < 0) and self._unclosed < MAX_UNCLOSED:
                match = _TAG_END.match(page, name.end(), name.end() + MAX_TAG)
                end = match.end() - 1 if match else end
                self._unclosed += match is None
            if end < 0:
                return  # a tag that is cut off
            tag = name[1].lower().rpartition(":")[2]
            closing = page[open_at + 1] == "/"
            rest = page[name.end() : end]
            at = end + 1
            if tag == "math" and not closing and not rest.endswith("/") and not self._skip:
                at = self._math(page, open_at, at, rest)
                continue
            self._tag(tag, closing, rest)
            if tag in _RAW and not closing and not rest.endswith("/"):
                found = re.compile("</" + tag, re.IGNORECASE).search(page, at)
                stop = found.start() if found else size
                if tag == "title" and not self.title:
                    self.title = squeezed(entities.unescape(page[at : min(stop, at + 2000)]))
                at = stop

    def _text(self, text: str, raw: bool = False) -> None:
        if self._skip:
            return
        if not raw and "&" in text:
            text = entities.unescape(text)
        if self._tables and not self._tables[-1].open and not text.strip():
            return
        self._inline.append(text)

    # --- tags ----------------------------------------------------------------------------

    def _tag(self, tag: str, closing: bool, rest: str) -> None:
        alone = rest.endswith("/") or tag in _VOID
        if self._skip == "rt" and (tag not in _READINGS or closing):
            self._skip = ""  # a reading's own end may be left out
        if self._skip:
            if tag == self._skip and not (alone and not closing):
                self._skip_depth += -1 if closing else 1
                if self._skip_depth == 0:
                    self._skip = ""
            return
        if tag in _SKIPPED:
            if not closing and not alone:
                self._skip, self._skip_depth = tag, 1
        elif tag == "a":
            self._anchor(closing, rest)
        elif tag in _READINGS and not alone:
            if not closing:
                self._skip, self._skip_depth = "rt", 1 << 30
        elif tag == "sup":
            if not closing:
                self._sup = len(self._inline)
            elif self._sup is not None:
                self._inline[self._sup :] = [raised("".join(self._inline[self._sup :]))]
                self._sup = None
        elif tag == "br":
            self._inline.append("\n" if self._pre else "\0")
        elif tag == "code" and not self._pre:
            self._inline.append("`")
        elif tag == "code" and not closing:
            self._code_language = self._code_language or code_language(rest)
        elif tag in _HEADINGS:
            self._close()
            self._heading = 0 if closing else _HEADINGS[tag]
        elif tag == "pre":
            self._preformatted(closing, rest)
        elif tag == "blockquote":
            self._quote(closing)
        elif tag in ("table", "caption", "tr", "td", "th", "thead", "tbody", "tfoot"):
            self._table(tag, closing, rest)
        elif tag in ("ul", "ol", "menu"):
            self._list(tag, closing, rest)
        elif tag == "li":
            self._close()
            self._item = None
            if not closing:
                level = max(0, len(self._lists) - 1)
                number = self._lists[-1] if self._lists else None
                if self._lists and number is not None:
                    self._lists[-1] = number + 1
                self._item = (level, number)
        elif tag in _BLOCKS:
            self._close()

    def _math(self, page: str, start: int, at: int, rest: str) -> int:
        """A formula that begins at `start`, as TeX; where reading goes on."""
        end = -1 if self._no_math_end else page.find("</math", at)
        if end < 0:
            self._no_math_end = True
            return at
        stop = page.find(">", end) + 1 or len(page)
        tex = dict(attributes(rest)).get("alttext", "")
        if not tex:
            try:
                tex = from_mathml(parse_xml(_XML_ENTITY.sub("", page[start:stop]).encode(), "math"))
            except RecordError:
                found = _ANNOTATION.search(page, at, end)
                tex = entities.unescape(found[1]) if found else ""
        if tex := squeezed(tex):
            self._inline.append(f"${tex}$")
        return stop

    def _anchor(self, closing: bool, rest: str) -> None:
        """The number of a note becomes its mark; the way back from it is no text."""
        if closing:
            if self._noteref:
                self._inline.append("]")
            self._noteref = False
            return
        kinds = _NOTE.findall(rest[:2000]) if "note" in rest or "back" in rest else []
        if "noteref" in kinds or "footnote-ref" in kinds:
            self._noteref = True
            self._inline.append("[^")
        elif kinds:
            self._skip, self._skip_depth = "a", 1

    def _preformatted(self, closing: bool, rest: str) -> None:
        if closing and self._pre:
            self._pre -= 1
            if not self._pre:
                code = "".join(self._inline).replace("\0", "\n")
                self._inline.clear()
                if code.strip():
                    self._add("code", fence(code, self._code_language))
        elif not closing:
            if not self._pre:
                self._close()
                self._code_language = code_language(rest)
            self._pre += 1

    def _quote(self, closing: bool) -> None:
        self._close()
        if not closing:
            self._quotes.append(len(self.blocks))
        elif self._quotes:
            start = self._quotes.pop()
            if len(self._quotes) < MAX_INDENT and not self._tables:
                quoted = joined(self.blocks[start:])
                del self.blocks[start:]
                if quoted:
                    lines = (f"> {line}".rstrip() for line in quoted.split("\n"))
                    self.blocks.append(("quote", "\n".join(lines)))

    def _list(self, tag: str, closing: bool, rest: str) -> None:
        self._close()
        if not closing:
            start = dict(attributes(rest)).get("start", "1")
            first = int(start) if re.fullmatch(r"\d{1,6}", start) else 1
            self._lists.append(first if tag == "ol" else None)
        elif self._lists:
            self._lists.pop()
            self._item = None

    def _table(self, tag: str, closing: bool, rest: str = "") -> None:
        if tag == "table":
            if len(self._tables) >= MAX_TABLES and (not closing or self._deep_tables):
                self._deep_tables += -1 if closing else 1
                self._close()
                return
            if not closing:
                self._close()
                self._tables.append(_Table())
                return
            if not self._tables:
                return
            self._close_cell()
            done = self._tables.pop()
            if self._tables and self._tables[-1].open:
                # A table in a cell is a layout: its cells are the outer cell's text.
                words = [cell for row in done.grid.rows for cell in row if cell]
                self._inline.append("\0".join(["", *words, ""]))
            else:
                self._add("caption", done.caption)
                self._add("table", table(done.grid.rows))
            return
        if not self._tables:
            self._close()
            return
        here = self._tables[-1]
        if tag == "caption":
            if closing:
                here.caption = self._take()
            else:
                self._inline.clear()
            return
        self._close_cell()
        if tag == "tr" and not closing:
            here.grid.row()
        elif tag in ("td", "th") and not closing:
            here.open, here.spans = True, spans(rest)

    def _close_cell(self) -> None:
        here = self._tables[-1]
        text = self._take()
        if here.open:
            here.grid.cell(text, *here.spans)
            here.open = False
        elif text:
            here.grid.row()
            here.grid.cell(text)

    # --- blocks --------------------------------------------------------------------------

    def _take(self) -> str:
        """What stands inline, line by line without spare space."""
        if not self._inline:
            return ""
        parts = "".join(self._inline).split("\0")
        self._inline.clear()
        return "\n".join(squeezed(part) for part in parts).strip("\n")

    def _close(self) -> None:
        """A block ends here."""
        if self._pre:
            self._inline.append("\n" if self._inline else "")
            return
        if self._tables and self._tables[-1].open:
            if self._inline:
                self._inline.append("\0")
            return
        text = self._take()
        if not text:
            return
        if self._heading:
            self.first_heading = self.first_heading or squeezed(text)
            self._add("heading", heading(text, self._heading))
        elif self._item is not None:
            self._add("item", item(text, *self._item))
            self._item = None
        elif self._lists and self.blocks and self.blocks[-1][0] == "item":
            # A further paragraph of an item.
            indent = "  " * min(len(self._lists), MAX_INDENT)
            self._add("item", indent + text.replace("\n", "\n" + indent))
        else:
            self._add("text", text)

    def _add(self, kind: str, text: str) -> None:
        if not text:
            return
        if self._item is not None and kind != "item":
            level, number = self._item
            self._item = None
            text, kind = item(text, level, number), "item"
        self.blocks.append((kind, text))

    def finish(self) -> list[tuple[str, str]]:
        while self._tables:
            self._table("table", True)
        if self._pre:
            self._pre = 1
            self._preformatted(True, "")
        self._close()
        while self._quotes:
            self._quote(True)
        return self.blocks
