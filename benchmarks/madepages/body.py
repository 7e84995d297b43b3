"""The main text of a page as a tree of nodes, and how it is written: as HTML in the ways that
content management systems do, and as the Markdown that an extraction should give.

Markdown is that of `corpusmith.kernels.htmlrender`: CommonMark without emphasis, lists tight,
tables as GitHub has them. Captions of pictures are no main text, as in the news pages that people
marked.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence
from random import Random

Piece = tuple[str, str, str]  # kind (text, code, link, bold, math), text, address
Pieces = list[Piece]


@dataclasses.dataclass
class Para:
    pieces: Pieces


@dataclasses.dataclass
class Head:
    level: int
    text: str


@dataclasses.dataclass
class Items:
    items: list[tuple[Pieces, Items | None]]
    ordered: bool = False


@dataclasses.dataclass
class Code:
    text: str
    language: str = ""


@dataclasses.dataclass
class Table:
    rows: list[list[str]]  # the first row is the head


@dataclasses.dataclass
class Quote:
    paras: list[str]


@dataclasses.dataclass
class Formula:
    tex: str


@dataclasses.dataclass
class Figure:
    caption: str


@dataclasses.dataclass
class Raw:
    """HTML between the nodes that is no main text: an advertisement, a box of links."""

    html: str


Node = Para | Head | Items | Code | Table | Quote | Formula | Figure | Raw


@dataclasses.dataclass
class Flavour:
    """How a system writes the nodes."""

    para: str = "p"  # p, div, or br: lines with two <br> between them
    head: str = "h"  # h, or bold: a paragraph in bold type
    code: str = "plain"  # plain, hljs, sphinx, lines
    para_class: str = ""
    fence_language: bool = True  # whether the code's language stands in a class
    loose: bool = False  # <p> within list items


def text(words: str) -> Para:
    return Para([("text", words, "")])


def _attribute(name: str) -> str:
    return f' class="{name}"' if name else ""


def _inline(pieces: Pieces) -> str:
    out = []
    for kind, words, href in pieces:
        safe = html.escape(words, quote=False)
        if kind == "code":
            safe = f"<code>{safe}</code>"
        elif kind == "link":
            safe = f'<a href="{html.escape(href)}">{safe}</a>'
        elif kind == "bold":
            safe = f"<strong>{safe}</strong>"
        elif kind == "math":
            safe = (
                f"<math><semantics><mrow><mi>{safe}</mi></mrow>"
                f'<annotation encoding="application/x-tex">{safe}</annotation></semantics></math>'
            )
        out.append(safe)
    return "".join(out)


def inline_markdown(pieces: Pieces) -> str:
    marks = {"code": "`", "math": "$"}
    return "".join(
        f"{marks.get(kind, '')}{words}{marks.get(kind, '')}" for kind, words, _ in pieces
    )


def _list(node: Items, flavour: Flavour) -> str:
    tag = "ol" if node.ordered else "ul"
    rows = []
    for pieces, inner in node.items:
        words = _inline(pieces)
        if flavour.loose:
            words = f"<p>{words}</p>"
        rows.append(f"<li>{words}{_list(inner, flavour) if inner else ''}</li>")
    return f"<{tag}>\n" + "\n".join(rows) + f"\n</{tag}>"


KEYWORDS = {"def", "return", "for", "in", "if", "import", "const", "let", "function", "echo", "not"}


def _coloured(line: str, style: str) -> str:
    """Keywords in spans, as highlighters leave them."""
    prefix = "hljs-keyword" if style == "hljs" else "k"
    words = line.split(" ")
    return " ".join(
        f'<span class="{prefix}">{word}</span>' if word in KEYWORDS else html.escape(word)
        for word in words
    )


def _code(node: Code, flavour: Flavour) -> str:
    lines = node.text.split("\n")
    named = node.language if flavour.fence_language else ""
    if flavour.code == "hljs":
        body = "\n".join(_coloured(line, "hljs") for line in lines)
        name = f' class="hljs language-{named}"' if named else ' class="hljs"'
        return f"<pre><code{name}>{body}\n</code></pre>"
    if flavour.code == "sphinx":
        body = "\n".join(_coloured(line, "sphinx") for line in lines)
        return (
            f'<div class="highlight-{named or "default"} notranslate"><div class="highlight">'
            f"<pre><span></span>{body}\n</pre></div></div>"
        )
    if flavour.code == "lines":
        body = "".join(f'<div class="line">{html.escape(line)}</div>' for line in lines)
        return f'<div class="code-block"><button>Copy</button><pre>{body}</pre></div>'
    name = f' class="language-{named}"' if named else ""
    return f"<pre{name}>{html.escape(node.text)}\n</pre>"


def _one(node: Node, flavour: Flavour) -> str:
    if isinstance(node, Raw):
        return node.html
    if isinstance(node, Para):
        words = _inline(node.pieces)
        if flavour.para == "br":
            return words + "<br>\n<br>"
        return f"<{flavour.para}{_attribute(flavour.para_class)}>{words}</{flavour.para}>"
    if isinstance(node, Head):
        words = html.escape(node.text, quote=False)
        if flavour.head == "bold":
            inner = f'<b><font size="+1">{words}</font></b>'
            return f"{inner}<br><br>" if flavour.para == "br" else f"<p>{inner}</p>"
        return f"<h{node.level}>{words}</h{node.level}>"
    if isinstance(node, Items):
        return _list(node, flavour)
    if isinstance(node, Code):
        return _code(node, flavour)
    if isinstance(node, Table):
        head, *rows = [[html.escape(cell, quote=False) for cell in row] for row in node.rows]
        body = "\n".join("<tr><td>" + "</td><td>".join(row) + "</td></tr>" for row in rows)
        return f"<table>\n<tr><th>{'</th><th>'.join(head)}</th></tr>\n{body}\n</table>"
    if isinstance(node, Quote):
        inner = "".join(f"<p>{html.escape(p, quote=False)}</p>" for p in node.paras)
        return f"<blockquote>{inner}</blockquote>"
    if isinstance(node, Formula):
        tex = html.escape(node.tex)
        return (
            f'<p><math display="block"><semantics><mrow><mi>{tex}</mi></mrow><annotation '
            f'encoding="application/x-tex">{tex}</annotation></semantics></math></p>'
        )
    caption = html.escape(node.caption, quote=False)
    return f'<figure><img src="/img/1.jpg" alt=""><figcaption>{caption}</figcaption></figure>'


def to_html(nodes: Sequence[Node], flavour: Flavour) -> str:
    return "\n".join(_one(node, flavour) for node in nodes)


def _list_markdown(node: Items, indent: int, flavour: Flavour) -> list[str]:
    lines = []
    for number, (pieces, inner) in enumerate(node.items, 1):
        mark = f"{number}." if node.ordered else "-"
        width = len(mark) + 1
        lines.append(" " * indent + f"{mark} {inline_markdown(pieces)}")
        if inner:
            lines += _list_markdown(inner, indent + width, flavour)
    return lines


def to_markdown(nodes: Sequence[Node], flavour: Flavour) -> str:
    """The gold text: blocks with an empty line between them."""
    blocks: list[str] = []
    for node in nodes:
        if isinstance(node, Para):
            blocks.append(inline_markdown(node.pieces))
        elif isinstance(node, Head):
            marks = "#" * node.level + " " if flavour.head == "h" else ""
            blocks.append(marks + node.text)
        elif isinstance(node, Items):
            blocks.append("\n".join(_list_markdown(node, 0, flavour)))
        elif isinstance(node, Code):
            named = node.language if flavour.fence_language else ""
            # Sphinx names the language around its <pre>, other systems on it or in it.
            named = "" if flavour.code == "lines" else named
            blocks.append(f"```{named}\n{node.text}\n```")
        elif isinstance(node, Table):
            rows = [
                "| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in node.rows
            ]
            rows.insert(1, "|" + " --- |" * len(node.rows[0]))
            blocks.append("\n".join(rows))
        elif isinstance(node, Quote):
            blocks.append("\n>\n".join("> " + para for para in node.paras))
        elif isinstance(node, Formula):
            blocks.append(f"$${node.tex}$$")
    return "\n\n".join(blocks)


# --- code ----------------------------------------------------------------------------------------

_NAMES = ("batch", "shelf", "kettle", "route", "index", "parcel", "tide", "basket", "signal")
_VERBS = ("load", "count", "merge", "trim", "send", "weigh", "sort", "check")


def snippet(rng: Random) -> Code:
    """A few lines that look like a program's."""
    a, b = rng.sample(_NAMES, 2)
    verb, number = rng.choice(_VERBS), rng.randint(2, 64)
    kind = rng.choice(("python", "javascript", "bash", "yaml"))
    if kind == "python":
        lines = [
            f"import {a}",
            "",
            f"def {verb}_{b}(rows, limit={number}):",
            f"    for {b} in rows:",
        ]
        lines += [f"        if not {b}.ready:", "            continue", f"        {a}.{verb}({b})"]
        lines += [f"    return {a}.total(limit)"]
    elif kind == "javascript":
        lines = [f"const {a} = require('{a}');", f"function {verb}({b}) {{"]
        lines += [f"  return {a}.{verb}({b}, {number});", "}"]
    elif kind == "bash":
        lines = [f"{a} {verb} --limit {number} {b}.csv", f"echo done with {b}"]
    else:
        lines = [f"{a}:", f"  {verb}: {number}", f"  {b}: [one, two]"]
    return Code("\n".join(lines), kind)


def identifier(rng: Random) -> str:
    return f"{rng.choice(_VERBS)}_{rng.choice(_NAMES)}"
