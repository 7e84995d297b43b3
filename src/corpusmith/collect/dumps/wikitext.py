"""Wikitext to Markdown, in one pass, in time linear in its length
(https://www.mediawiki.org/wiki/Help:Formatting; there is no grammar).

Open braces and brackets stand on a stack of bounded depth; what is deeper, or never closed, is
text. Kept: words of links, headings, lists, tables, quotes, code, formulas, the few templates of
`wiki_templates`. Left out: other templates, references, files and galleries, categories (they are
returned), links to other languages, markup of bold and italic.
"""

from __future__ import annotations

import dataclasses
import html as entities
import itertools
import re

from corpusmith.collect.documents.markdown import (
    fence,
    heading,
    item,
    joined,
    raised,
    squeezed,
    table,
)
from corpusmith.collect.dumps.wiki_tables import table_rows
from corpusmith.collect.dumps.wiki_templates import shown
from corpusmith.collect.dumps.wiki_variants import variants


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_DEPTH = 40
_TOKEN = re.compile(
    r"\{\{+|\}\}+|\[\[|\]\]|^[ \t:]{0,20}\{\||^[ \t]{0,20}\|\}(?!\})|<!--"
    r"|<(/?[a-zA-Z][a-zA-Z0-9]{0,20})"
    r"(?=[\s/>])[^<>]{0,2000}>|\[(?=(?:https?:)?//)|\](?!\])",
    re.MULTILINE,
)
_DROPPED = _words(
    "ref references gallery timeline imagemap score graph mapframe maplink templatedata "
    "templatestyles categorytree hiero inputbox section indicator style script includeonly "
    "noinclude ce rt rp"
)
_CODE = _words("syntaxhighlight source pre")
_RAW = _DROPPED | _CODE | frozenset(["nowiki", "math", "chem", "poem"])
_BLOCK_TAGS = _words("br p div blockquote center hr ul ol li dl dd dt table tr td th")
_LANG = re.compile(r"lang\s*=\s*[\"']?([\w+#-]{1,30})")
_LANGUAGE_LINK = re.compile(r"[a-z]{2,3}(?:-[a-z-]{2,12})?|simple")
_EMPTY_BRACKETS = re.compile(r" ?[(（][\s;,，；、:]{0,20}[)）]")
_RIGHT_COMMAS = re.compile(r"\s{0,5}[,，、;；][\s;,，；、]{0,20}(?=[)）])")
_LEFT_COMMAS = re.compile(r"([(（])[\s;,，；、]{1,20}(?=\w)")
_MAGIC = re.compile(r"__[A-Z]{3,30}__")
_QUOTES = re.compile(r"'{2,5}")
_COMMAS = re.compile(r"([,，、;；])(?:\s{0,3}[,，、;；]){1,20}")
_SUP = re.compile(r"<sup\b[^<>]{0,200}>([^<>\n]{1,20})</sup\s{0,5}>", re.IGNORECASE)
_LIST = re.compile(r"([*#:;]{1,30})[ \t]{0,20}")
_OPEN, _CLOSE = "\ue000", "\ue001"  # around the number of a protected piece
_PROTECTED = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_WIDE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")
FILES, CATEGORIES = frozenset({"file", "image", "media"}), frozenset({"category"})


@dataclasses.dataclass
class Names:
    """Names of namespaces in lower case, as a wiki has them beside the English ones."""

    files: frozenset[str] = FILES
    categories: frozenset[str] = CATEGORIES


@dataclasses.dataclass
class Article:
    text: str
    categories: list[str]


@dataclasses.dataclass
class _Frame:
    kind: str  # "{{" "{{{" "[[" "[" "{|", or "" for the page
    parts: list[str] = dataclasses.field(default_factory=list)


def markdown_of(source: str, names: Names | None = None) -> Article:
    """The text of a page, and its categories.

    >>> markdown_of("'''A''' [[b|is]] {{convert|5|km}} long.<ref>x</ref>").text
    'A is 5 km long.'
    """
    reader = _Reader(names or Names())
    source = source.replace(_OPEN, "").replace(_CLOSE, "")
    if "<sup" in source:
        source = _SUP.sub(lambda found: raised(found[1].replace("&minus;", "-")), source)
    flat = reader.flatten(variants(source) if "-{" in source else source)
    return Article(reader.lines(flat), reader.categories)


class _Reader:
    def __init__(self, names: Names) -> None:
        self.categories: list[str] = []
        self._names = names
        self._pieces: list[tuple[str, bool]] = []  # protected text, whether it is a block
        self._stack = [_Frame("")]
        self._absent: set[str] = set()  # ends that do not come any more

    # --- first pass: what is inside braces, brackets and tags --------------------------------

    def flatten(self, source: str) -> str:
        at = 0
        size = len(source)
        while at < size:
            match = _TOKEN.search(source, at)
            if match is None:
                self._stack[-1].parts.append(source[at:])
                break
            if match.start() > at:
                self._stack[-1].parts.append(source[at : match.start()])
            at = self._token(source, match)
        while len(self._stack) > 1:
            self._unclosed()
        return "".join(self._stack[0].parts)

    def _token(self, source: str, match: re.Match[str]) -> int:
        """Handle a token; where reading goes on."""
        token = match[0]
        if token.startswith("<!--"):
            return self._end_of(source, "-->", match.end())
        if token.startswith("<"):
            return self._tag(source, match)
        if token.startswith("{{"):
            left = len(token)
            while left >= 2:
                width = 3 if left == 3 else 2
                self._open("{" * width)
                left -= width
            self._stack[-1].parts.append("{" * left)
        elif token.startswith("}}"):
            self._close_braces(len(token))
        elif token == "]]":
            self._close_link()
        elif token == "]":
            self._close_external()
        elif token == "[[" or token == "[":
            self._open(token)
        elif token.endswith("{|"):
            self._open("{|")
        else:  # |}
            self._close_table()
        return match.end()

    def _open(self, kind: str) -> None:
        if len(self._stack) > MAX_DEPTH:
            self._stack[-1].parts.append(kind)
        else:
            self._stack.append(_Frame(kind))

    def _unclosed(self) -> None:
        """The innermost frame has no end: its text stands in the one around it."""
        frame = self._stack.pop()
        self._stack[-1].parts += [frame.kind if frame.kind != "{|" else "", *frame.parts]

    def _pop_to(self, *kinds: str) -> str | None:
        """The content of the innermost frame of these kinds, and with it all inside; None where
        there is none before a table or template begins."""
        for depth in range(len(self._stack) - 1, 0, -1):
            kind = self._stack[depth].kind
            if kind in kinds:
                while len(self._stack) - 1 > depth:
                    self._unclosed()
                return "".join(self._stack.pop().parts)
            if kind in ("{|", "{{", "{{{") and kinds != ("{|",):
                return None
        return None

    def _close_braces(self, count: int) -> None:
        while count >= 2:
            top = next((f.kind for f in reversed(self._stack) if f.kind in ("{{", "{{{", "{|")), "")
            if top == "{{{" and count >= 3:
                inside = self._pop_to("{{{") or ""
                self._stack[-1].parts.append(inside.partition("|")[2])
                count -= 3
            elif top in ("{{", "{{{"):
                inside = self._pop_to(top) or ""
                self._stack[-1].parts.append(shown(inside) if top == "{{" else "")
                count -= 2
            else:
                break
        self._stack[-1].parts.append("}" * count)

    def _close_link(self) -> None:
        inside = self._pop_to("[[")
        self._stack[-1].parts.append("]]" if inside is None else self._link(inside))

    def _link(self, inside: str) -> str:
        target, mark, label = inside.partition("|")
        target = target.strip()
        prefix, colon, name = target.partition(":")
        space = prefix.strip().lower().replace("_", " ")
        if colon and space in self._names.files:
            return ""
        if colon and space in self._names.categories:
            if len(self.categories) < 1000:
                self.categories.append(name.strip())
            return ""
        if not mark:
            if colon and space and _LANGUAGE_LINK.fullmatch(prefix):
                return ""
            return target.lstrip(":")
        if not label.strip():  # the pipe trick: without its namespace and brackets
            return re.sub(r" \([^()]{0,100}\)\Z", "", name or target)
        return label.rpartition("|")[2] if "|" in label else label

    def _close_external(self) -> None:
        if self._stack[-1].kind != "[":
            self._stack[-1].parts.append("]")
            return
        inside = "".join(self._stack.pop().parts)
        _, _, label = inside.partition(" ")
        self._stack[-1].parts.append(label.strip())

    def _close_table(self) -> None:
        inside = self._pop_to("{|")
        if inside is None:
            self._stack[-1].parts.append("|}")
            return
        caption, rows = table_rows(inside)
        if any(frame.kind for frame in self._stack):
            # In a template, a link or another table it is a matter of layout.
            words = [caption, *(cell for row in rows for cell in row)]
            self._stack[-1].parts.append(" ".join(w.replace("|", " ") for w in words if w))
            return
        made = table([[self._line(cell) for cell in row] for row in rows])
        if caption:
            self._stack[-1].parts.append(f"\n\n{caption}\n\n")
        if made:
            self._stack[-1].parts.append(self._protect(made, block=True))

    # --- tags --------------------------------------------------------------------------------

    def _end_of(self, source: str, mark: str, at: int) -> int:
        """Behind the next `mark`, or the end; a mark that has not come is not looked for again."""
        if mark in self._absent:
            return len(source)
        end = source.find(mark, at)
        if end < 0:
            self._absent.add(mark)
            return len(source)
        return end + len(mark)

    def _tag(self, source: str, match: re.Match[str]) -> int:
        name = match[1].lower()
        parts = self._stack[-1].parts
        if name not in _RAW:
            if name.lstrip("/") in _BLOCK_TAGS:
                parts.append("\n")
            return match.end()
        if match[0].endswith("/>"):
            return match.end()
        close = f"</{name}"
        if close in self._absent:
            return match.end()
        end = source.find(close, match.end())
        if end < 0:
            end = _find_folded(source, close, match.end())
        if end < 0:
            self._absent.add(close)
            return match.end()
        inside = source[match.end() : end]
        stop = source.find(">", end, end + 200) + 1 or end + len(close)
        if name in _CODE:
            lang = _LANG.search(match[0])
            parts.append(self._protect(fence(inside, lang[1] if lang else ""), block=True))
        elif name in ("math", "chem"):
            tex = squeezed(inside)
            parts.append(self._protect(f"${tex}$" if tex else "", block="block" in match[0]))
        elif name == "nowiki":
            parts.append(self._protect(entities.unescape(inside), block=False))
        elif name == "poem":
            parts.append(inside.replace("\n", "\n\n"))
        return stop

    def _protect(self, text: str, *, block: bool) -> str:
        if not text:
            return ""
        self._pieces.append((text, block))
        mark = f"{_OPEN}{len(self._pieces) - 1}{_CLOSE}"
        return f"\n\n{mark}\n\n" if block else mark

    # --- second pass: lines -------------------------------------------------------------------

    def _line(self, text: str) -> str:
        text = _QUOTES.sub("", text)
        if "&" in text:
            text = entities.unescape(text)
        text = _MAGIC.sub("", text)
        text = _COMMAS.sub(r"\1", text)  # what stood between them was a template
        text = _RIGHT_COMMAS.sub("", _LEFT_COMMAS.sub(r"\1", _EMPTY_BRACKETS.sub("", text)))
        if _OPEN in text:
            text = _PROTECTED.sub(self._inline_piece, text)
        return squeezed(text)

    def _inline_piece(self, match: re.Match[str]) -> str:
        number = int(match[1])
        return self._pieces[number][0] if number < len(self._pieces) else ""

    def lines(self, text: str) -> str:
        blocks: list[tuple[str, str]] = []
        open_lines: list[str] = []
        counters: list[int] = []
        headings: list[tuple[int, int]] = []  # level, index: of headings with nothing under them

        def close() -> None:
            if open_lines:
                add("text", _paragraph(open_lines))
                open_lines.clear()

        def add(kind: str, block: str) -> None:
            if block:
                headings.clear()
                blocks.append((kind, block))

        for raw in text.split("\n"):
            stripped = raw.strip()
            whole = _PROTECTED.fullmatch(stripped)
            if whole and int(whole[1]) < len(self._pieces) and self._pieces[int(whole[1])][1]:
                close()
                add("code", self._pieces[int(whole[1])][0])
                continue
            listed = _LIST.match(raw)
            if not listed:
                counters.clear()
            if not stripped or stripped.startswith("----"):
                close()
                continue
            if stripped[0] == "=" and stripped[-1] == "=" and (found := _heading(stripped)):
                close()
                level, title = found
                while headings and headings[-1][0] >= level:
                    del blocks[headings.pop()[1] :]
                if name := self._line(title):
                    headings.append((level, len(blocks)))
                    blocks.append(("heading", heading(name, level)))
                continue
            if listed:
                close()
                words = self._line(raw[listed.end() :])
                kind, made = _listed(listed[1], words, counters)
                add(kind, made)
                continue
            if words := self._line(stripped):
                open_lines.append(words)
        close()
        while headings:
            del blocks[headings.pop()[1] :]
        return joined(blocks)


def _find_folded(source: str, mark: str, at: int) -> int:
    """Where a closing tag comes in another case."""
    match = re.compile(re.escape(mark), re.IGNORECASE).search(source, at)
    return match.start() if match else -1


def _heading(line: str) -> tuple[int, str] | None:
    left = len(line) - len(line.lstrip("="))
    right = len(line) - len(line.rstrip("="))
    level = min(left, right, 6)
    inside = line[level:-level].strip()
    return (level, inside) if inside and left < len(line) else None


def _listed(marks: str, words: str, counters: list[int]) -> tuple[str, str]:
    """(kind, text) of a line of a list. `counters` has the last number of each level."""
    if not words:
        return "item", ""
    level = len(marks) - 1
    del counters[level + 1 :]
    counters += [0] * (level + 1 - len(counters))
    if marks[-1] == "#":
        counters[level] += 1
        return "item", item(words, level, counters[level])
    counters[level] = 0
    if marks[-1] == "*":
        return "item", item(words, level, None)
    if set(marks) <= {":", ";"}:  # an indented remark, a term and its meaning
        return "text", words
    return "item", item(words, level, None)


def _paragraph(lines: list[str]) -> str:
    out = [lines[0]]
    for before, line in itertools.pairwise(lines):
        tight = _WIDE.match(before[-1]) and _WIDE.match(line)
        out.append(line if tight else " " + line)
    return "".join(out)
