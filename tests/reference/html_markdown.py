"""The Markdown of a tree of elements, written slowly: each block looks up its whole path.

Shares nothing with the kernels: what a table of data is, how far a list indents, which fence fits
are written out again, over a tree that a test makes and not over a page's bytes.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Callable, Iterator, Sequence

Inline = tuple[str, str, str]  # kind (text, code, link, break), words, address
Block = tuple[tuple["Element", ...], list[Inline]]  # the elements around it, outermost first
Keep = Callable[[int], bool]  # of a block's number, or of the first of its table or code


@dataclasses.dataclass(eq=False)
class Element:
    tag: str
    children: list[Element | list[Inline]]
    number: int = 0  # an <ol>'s start, a cell's colspan
    language: str = ""


def to_html(node: Element | list[Inline]) -> str:
    if isinstance(node, list):
        return "".join(_inline_html(*piece) for piece in node)
    attributes = ""
    if node.number:
        attributes += f' {"start" if node.tag == "ol" else "colspan"}="{node.number}"'
    if node.language:
        attributes += f' class="hl language-{node.language}"'
    inner = "".join(to_html(child) for child in node.children)
    return f"<{node.tag}{attributes}>{inner}</{node.tag}>"


def _inline_html(kind: str, words: str, href: str) -> str:
    safe = html.escape(words)
    if kind == "link":
        return f'<a href="{html.escape(href)}">{safe}</a>'
    return {"text": safe, "code": f"<code>{safe}</code>", "break": "<br>"}[kind]


def blocks(node: Element, path: tuple[Element, ...] = ()) -> Iterator[Block]:
    for child in node.children:
        if isinstance(child, Element):
            yield from blocks(child, (*path, node))
        else:
            yield (*path, node), child


# --- what stands around a block ------------------------------------------------------------------


def inside(node: Element) -> Iterator[Element]:
    for child in node.children:
        if isinstance(child, Element):
            yield child
            yield from inside(child)


def rows_of(table: Element) -> list[list[Element]]:
    found = []
    for part in table.children:
        if isinstance(part, Element):
            rows = [part] if part.tag == "tr" else part.children
            for row in rows:
                cells = [c for c in row.children if isinstance(c, Element)]  # type: ignore[union-attr]
                found.append([cell for cell in cells if cell.tag in ("td", "th")])
    return [row for row in found if row]


def columns_of(table: Element) -> int:
    return max(sum(max(cell.number, 1) for cell in row) for row in rows_of(table))


def holds_data(table: Element) -> bool:
    """Tables of one row or column, or with tables, code or large headings in them lay a page
    out."""
    if any(e.tag in ("table", "pre", "h1", "h2", "h3") for e in inside(table)):
        return False
    return len(rows_of(table)) >= 2 and columns_of(table) >= 2


def data_table(path: Sequence[Element]) -> Element | None:
    """The table of data in one of whose cells the path ends."""
    for at in range(len(path) - 1, -1, -1):
        if path[at].tag == "table":
            in_cell = any(e.tag in ("td", "th") for e in path[at:])
            return path[at] if in_cell and holds_data(path[at]) else None
    return None


def code_of(path: Sequence[Element]) -> Element | None:
    return next((e for e in reversed(path) if e.tag == "pre"), None)


def item_of(path: Sequence[Element]) -> Element | None:
    return next((e for e in reversed(path) if e.tag == "li"), None)


def place(path: Sequence[Element], item: Element) -> tuple[Element, int]:
    """(the list, the item's number in it)."""
    around = path[path.index(item) - 1]
    before = [e for e in around.children if isinstance(e, Element) and e.tag == "li"].index(item)
    return around, (around.number or 1) + before


def width(path: Sequence[Element], item: Element) -> int:
    around, number = place(path, item)
    return 2 if around.tag != "ol" else 3 if number < 10 else 4


def margin(path: Sequence[Element]) -> str:
    """What a line begins with: the marks of quotes and the indents of items, from outside in, those
    of ten elements at the most."""
    parts = [
        "> " if e.tag == "blockquote" else " " * width(path, e)
        for e in path
        if e.tag in ("blockquote", "li")
    ]
    return "".join(parts[:10])


def to_last_quote(path: Sequence[Element]) -> str:
    return margin(path)[: margin(path).rfind(">") + 1]


def level(path: Sequence[Element]) -> int:
    found = [int(e.tag[1]) for e in path if e.tag in ("h1", "h2", "h3", "h4", "h5", "h6")]
    return found[-1] if found else 0


# --- writing -------------------------------------------------------------------------------------


def words(pieces: Sequence[Inline], marks: bool, links: bool, line_end: str) -> str:
    out = []
    for kind, text, href in pieces:
        if kind == "code" and marks and "`" not in text:
            text = f"`{text}`"
        elif kind == "link" and links:
            text = f"[{text}]({href})"
        out.append(line_end if kind == "break" else text)
    return "".join(out)


def table_text(table: Element, kept: list[Block], marks: bool, links: bool) -> str:
    lines = []
    for row in rows_of(table):
        line, column, last = "|" if marks else "", 0, 0
        for cell in row:
            texts = [
                words(pieces, marks, links, " ").replace("|", "\\|" if marks else "|")
                for path, pieces in kept
                if cell in path
            ]
            if texts:
                line += (" |" if marks else "\t") * (column - last)
                line += (" " if marks else "") + " ".join(texts)
                last = column
            column += max(cell.number, 1)
        if not any(cell in path for path, _ in kept for cell in row):
            continue
        if marks:
            line += " |" * (max(columns_of(table), last + 1) - last)
        lines.append(line)
        if marks and len(lines) == 1:
            lines.append("|" + " --- |" * max(columns_of(table), last + 1))
    return "\n".join(lines)


def code_text(kept: list[Block], margin: str, fence: bool, language: str) -> str:
    texts = [words(pieces, False, False, "\n").rstrip() for _, pieces in kept]
    texts[0] = texts[0].lstrip("\n")
    text = "\n".join(texts)
    if not fence:
        return text
    ticks = "`" * (1 + max(2, *(len(run) for run in re.findall("`*", text))))
    body = text.replace("\n", "\n" + margin)
    return f"{ticks}{language}\n{margin}{body}\n{margin}{ticks}"


def render(root: Element, keep: Keep, marks: bool = True, links: bool = False) -> str:
    """The kept blocks as Markdown, or as plain text without `marks`."""
    links = links and marks
    out = ""
    begun: list[Element] = []
    before: Sequence[Element] | None = None
    found = [(n, *block) for n, block in enumerate(blocks(root))]
    while found:
        number, path, pieces = found[0]
        whole = code_of(path) or data_table(path)
        group = [b for b in found if whole is not None and whole in b[1]] or found[:1]
        found = found[len(group) :]
        if not keep(number):
            continue
        group_blocks = [(b[1], b[2]) for b in group]
        if whole is not None and whole.tag == "table":
            out += ("\n\n" if out else "") + table_text(whole, group_blocks, marks, links)
            before = group_blocks[-1][0]
            continue
        item = item_of(path)
        begins = item is not None and item not in begun
        if before is not None:
            tight = begins and item_of(before) is not None and code_of(before) is None
            same = marks and to_last_quote(path) == to_last_quote(before)
            out += "\n" if tight else "\n" + to_last_quote(path) * same + "\n"
        start = margin(path) if marks else ""
        if begins and item is not None:
            begun.append(item)
            around, place_in_it = place(path, item)
            outer, own = margin(path[: path.index(item)]), margin(path[: path.index(item) + 1])
            mark = f"{place_in_it}. " if around.tag == "ol" else "- "
            out += outer + mark + start[len(own) :] if marks else ""
        else:
            out += start
        if whole is not None:
            out += code_text(group_blocks, start, marks, whole.language)
        else:
            large = level(path)
            if large and item is None and marks:
                out += "#" * large + " "
            out += words(pieces, marks, links, " " if large and marks else "\n" + start)
        before = path
    return out.strip("\n")
