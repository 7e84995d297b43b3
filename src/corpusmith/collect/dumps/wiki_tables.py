"""Tables of wikitext (https://www.mediawiki.org/wiki/Help:Tables) with nothing nested in them."""

from __future__ import annotations

from corpusmith.collect.documents.grid import Grid, spans
from corpusmith.collect.documents.markdown import squeezed


def table_rows(source: str) -> tuple[str, list[list[str]]]:
    """(caption, cells by rows) of a table's inside."""
    caption = ""
    grid = Grid()
    # The first line holds the table's attributes.
    for line in source.split("\n")[1:]:
        stripped = line.strip()
        if stripped.startswith("|-"):
            grid.row()
        elif stripped.startswith("|+"):
            caption = squeezed(_content(stripped[2:]))
        elif stripped.startswith(("|", "!")):
            body = stripped[1:]
            cells = body.replace("!!", "||") if stripped[0] == "!" else body
            for cell in cells.split("||"):
                attributes, mark, _ = cell.partition("|")
                grid.cell(_content(cell), *(spans(attributes) if mark else (1, 1)))
        elif stripped:
            grid.more(" " + stripped.lstrip("*#:; "))
    return caption, [row for row in grid.rows if row]


def _content(cell: str) -> str:
    """A cell without its attributes (`style="x" | content`)."""
    attributes, mark, rest = cell.partition("|")
    return (rest if mark and "=" in attributes else cell.replace("|", " ")).strip()
