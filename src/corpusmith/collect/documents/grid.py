"""Cells of a table that reach over several columns or rows, put into their places."""

from __future__ import annotations

import re

MAX_ACROSS = 50  # columns of a cell
MAX_DOWN = 1000  # rows of a cell
FILLED_BY_CELL = 10  # places filled for spans, by cells that are there: text stays linear
FREE = 100
_SPAN = re.compile(r"\b(col|row)span\s{0,5}=\s{0,5}[\"']?\s{0,5}(\d{1,4})", re.IGNORECASE)


class Grid:
    """Rows of cells; where a cell reaches over others, these are empty.

    >>> grid = Grid()
    >>> grid.row(); grid.cell("a", down=2); grid.cell("b", across=2)
    >>> grid.row(); grid.cell("c"); grid.cell("d")
    >>> grid.rows
    [['a', 'b', ''], ['', 'c', 'd']]
    """

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._until: dict[int, int] = {}  # column -> the row down to which a cell covers it
        self._cells = self._filled = 0
        self._last: tuple[list[str], int] | None = None  # row and column of the last cell

    def row(self) -> None:
        self.rows.append([])
        self._last = None

    def cell(self, text: str, across: int = 1, down: int = 1) -> None:
        if not self.rows:
            self.row()
        number, here = len(self.rows), self.rows[-1]
        self._cells += 1
        while self._until.get(len(here), 0) >= number and self._may_fill():
            here.append("")
        self._last = (here, len(here))
        across = min(max(across, 1), MAX_ACROSS)
        down = min(max(down, 1), MAX_DOWN)
        for place in range(across):
            if place and not self._may_fill():
                break
            if down > 1:
                self._until[len(here)] = number + down - 1
            here.append("" if place else text)

    def more(self, text: str) -> None:
        """More text of the last cell."""
        if self._last is not None:
            self._last[0][self._last[1]] += text

    def _may_fill(self) -> bool:
        self._filled += 1
        return self._filled <= FREE + FILLED_BY_CELL * self._cells


def spans(attributes: str) -> tuple[int, int]:
    """(columns, rows) that a cell reaches over, by its attributes in HTML or wikitext.

    >>> spans('class="a" rowspan="2" colspan=3'), spans("")
    ((3, 2), (1, 1))
    """
    found = {"col": 1, "row": 1}
    if "span" in attributes.lower():
        for name, number in _SPAN.findall(attributes[:2000]):
            found[name.lower()] = max(1, int(number))
    return found["col"], found["row"]
