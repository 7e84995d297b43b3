"""The text blocks of a page, read slowly: a regular expression for tags, a list as the stack.

Shares nothing with the kernel: names and rules are written out again, references are decoded by
`html.unescape`, each end tag looks through the whole stack.
"""

from __future__ import annotations

import html
import re

CONTAINERS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "ul",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "dd",
        "dt",
        "listing",
        "xmp",
        "plaintext",
    ]
)
TABLE = frozenset(["table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"])
HOLDERS = frozenset(["legend", "object", "video", "audio", "canvas", "button"])
BREAKS = frozenset(["hr", "body", "head", "html", "frameset", "option", "optgroup"])
SKIPPED = frozenset(
    [
        "script",
        "style",
        "textarea",
        "title",
        "iframe",
        "noembed",
        "noframes",
        "noscript",
        "svg",
        "template",
        "select",
    ]
)
WALLS = frozenset(["table", "td", "th", "caption", "button", "object"])
HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
CODE = frozenset(["code", "kbd", "samp", "tt"])
PRE = frozenset(["pre", "listing", "xmp"])

TAG = re.compile(
    r"<(/?)([a-zA-Z][^\s/>]*)((?:\s+|/|[^\s>/=\"'][^\s>/=]*|=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+))*)>"
)
SPACE = re.compile("[ \t\n\r\f\u00a0]+")


class Reader:
    """`blocks` gets (text, names of the open elements, characters in links)."""

    def __init__(self) -> None:
        self.stack: list[tuple[str, object]] = []
        self.blocks: list[tuple[str, tuple[str, ...], int]] = []
        self.pieces: list[tuple[str, bool, bool]] = []  # text or "\n", in a link, verbatim
        self.path: tuple[str, ...] | None = None
        self.link: object = None  # the element in which the link was opened

    # --- text

    def text(self, raw: str) -> None:
        text = html.unescape(raw)
        pre = any(name in PRE for name, _ in self.stack)
        if pre:
            text = text.replace("\r", "").replace("\u00a0", " ")
        if text and (pre or SPACE.sub("", text)) and self.path is None:
            self.path = tuple(name for name, _ in self.stack)
        if text:
            self.pieces.append((text, self.link is not None, pre))

    def flush(self) -> None:
        out: list[tuple[str, bool]] = []  # characters, in a link
        pending = ""
        for text, linked, verbatim in self.pieces:
            if text == "<a>":  # a space before a link is not in it
                if pending and out:
                    out.append((pending, False))
                pending = ""
                continue
            if verbatim or text == "<br>":
                if text == "<br>":
                    pending = "\n"
                    continue
                if pending and out:
                    out.append((pending, linked))
                pending = ""
                out += [(c, linked) for c in text]
                continue
            for c in text:
                if SPACE.fullmatch(c):
                    pending = pending or " "
                else:
                    if pending and out:
                        out.append((pending, linked))
                    pending = ""
                    out.append((c, linked))
        while out and out[-1][0] in " \n" and not any(name in PRE for name, _ in self.stack):
            out.pop()
        if out and self.path is not None:
            linked_chars = sum(len(c.encode()) for c, linked in out if linked)
            self.blocks.append(("".join(c for c, _ in out), self.path, linked_chars))
        self.pieces, self.path = [], None

    # --- elements

    def pop_to(self, index: int) -> None:
        closed = self.stack[index:]
        del self.stack[index:]
        if any(entry[1] is self.link for entry in closed):
            self.link = None

    def find(self, names: frozenset[str] | set[str], walls: frozenset[str] | set[str]) -> int:
        """The innermost open element of these names that is inside of all walls, or -1."""
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index][0] in names:
                return index
            if self.stack[index][0] in walls:
                return -1
        return -1

    def start(self, name: str) -> None:
        def close(names: set[str], walls: frozenset[str] | set[str]) -> None:
            if (index := self.find(names, walls)) >= 0:
                self.pop_to(index)

        if name in CONTAINERS or name in ("table", "hr"):
            close({"p"}, WALLS)
        if name == "li":
            close({"li"}, WALLS | {"ul", "ol", "menu"})
        elif name in ("dt", "dd"):
            close({"dt", "dd"}, WALLS | {"dl"})
        elif name in ("td", "th"):
            close({"td", "th"}, {"table", "tr"})
        elif name == "tr":
            close({"tr"}, {"table"})
        elif name in ("thead", "tbody", "tfoot", "caption"):
            parts = {"thead", "tbody", "tfoot", "caption"}
            close(parts if any(n in parts for n, _ in self.stack) else {"tr"}, {"table"})
        elif name in HEADINGS and self.stack and self.stack[-1][0] in HEADINGS:
            self.pop_to(len(self.stack) - 1)
        if name in CONTAINERS | TABLE | HOLDERS or "-" in name:
            self.stack.append((name, object()))

    def end(self, name: str) -> None:
        names = {name}
        if name in HEADINGS and not any(n == name for n, _ in self.stack):
            names = set(HEADINGS)
        if name == "table":
            walls: set[str] = set()
        elif name in TABLE:
            walls = {"table"}
        else:
            walls = set(WALLS)
        if (index := self.find(names, walls)) >= 0:
            self.pop_to(index)

    def read(self, page: str) -> list[tuple[str, tuple[str, ...], int]]:
        at = 0
        while at < len(page):
            here = page.find("<", at)
            if here != at:
                self.text(page[at : here if here >= 0 else len(page)])
                at = here if here >= 0 else len(page)
                continue
            if page.startswith("<!--", at):
                end = page.find("-->", at + 2)
                at = end + 3 if end >= 0 else len(page)
                continue
            match = TAG.match(page, at)
            if match is None:
                raise ValueError(f"not for this reference: {page[at : at + 40]!r}")
            closing, name, rest = match[1] == "/", match[2].lower(), match[3]
            at = match.end()
            if name in CONTAINERS | TABLE | HOLDERS | BREAKS:
                self.flush()
            if closing:
                if name in CONTAINERS | TABLE | HOLDERS or "-" in name:
                    self.end(name)
                elif name == "a":
                    self.link = None
            elif name in SKIPPED:
                end = re.compile(f"</{name}(?![a-zA-Z])", re.IGNORECASE).search(page, at)
                if end is not None:
                    at = page.find(">", end.end()) + 1 or len(page)
                elif name in ("script", "style"):
                    at = len(page)
            elif name == "br":
                if self.pieces and self.pieces[-1][0] == "<br>":
                    self.flush()
                else:
                    self.pieces.append(("<br>", False, False))
            elif name == "a":
                self.link = None
                if re.search(r"href\s*=\s*\S", rest):
                    self.link = self.stack[-1][1] if self.stack else self
                    self.pieces.append(("<a>", False, False))
            else:
                self.start(name)
        self.flush()
        return self.blocks
